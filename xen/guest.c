/* Detection and calls (Xen public/arch-x86/cpuid.h, arch-x86/xen-x86_64.h). */
#include "kernel/cpu.h"
#include "kernel/paging.h"
#include "xen/xen.h"

#define VENDOR_AMD_EBX   0x68747541u /* "Auth" of AuthenticAMD */
#define VENDOR_HYGON_EBX 0x6f677948u /* "Hygo" of HygonGenuine */
#define START_INITIAL_DOMAIN 2u      /* start info: flags */
#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_HOST_BRIDGE 0x80000000u
/* Well away from what mem_unbacked() gives to tests that ask for a page or two. */
#define SHARED_DISTANCE UINT64_C(0x1000000)
#define HYPERCALL_STUB_BYTES 32u

int64_t xen_enter(const void *stub, uint64_t number, const uint64_t arguments[5]);
extern const char kernel_start[], xen_stub_vmcall[], xen_stub_vmmcall[], xen_hypercall_page[];

static struct xen_guest guest;
static bool found;

const struct xen_guest *xen_guest(void)
{
	return found ? &guest : NULL;
}

/* Each candidate is asked: other hypervisors' leaves, which a Xen guest may be shown as well, come first. */
static bool find_leaves(void)
{
	uint32_t r[4];

	cpuid(1, 0, r);
	if (!(r[2] & CPUID1_ECX_HYPERVISOR))
		return false;
	for (uint32_t base = XEN_CPUID_FIRST; base < XEN_CPUID_LAST; base += XEN_CPUID_STEP) {
		cpuid(base, 0, r);
		if (r[1] != XEN_SIGNATURE_EBX || r[2] != XEN_SIGNATURE_ECX || r[3] != XEN_SIGNATURE_EDX || r[0] < base + 2)
			continue;
		guest.cpuid_base = base;
		guest.cpuid_last = r[0];
		return true;
	}
	return false;
}

static void read_leaves(void)
{
	uint32_t r[4];

	cpuid(guest.cpuid_base + 1, 0, r);
	guest.major = (unsigned)fld_get(BITS(31, 16), r[0]);
	guest.minor = (unsigned)fld_get(BITS(15, 0), r[0]);
	cpuid(guest.cpuid_base + 2, 0, r);
	guest.hypercall_pages_n = r[0];
	guest.hypercall_msr = r[1];
	if (guest.cpuid_last >= guest.cpuid_base + XEN_CPUID_FEATURES) {
		cpuid(guest.cpuid_base + XEN_CPUID_FEATURES, 0, r);
		guest.domid_known = r[0] & XEN_CPUID_DOMID_IN_ECX;
		guest.domid = r[2];
	}
	cpuid(0, 0, r);
	guest.uses_vmmcall = r[1] == VENDOR_AMD_EBX || r[1] == VENDOR_HYGON_EBX;
}

/* A guest with emulated devices has a host bridge; for others nobody answers these ports. */
static bool has_host_bridge(void)
{
	out32(CONFIG_ADDRESS, CONFIG_HOST_BRIDGE);
	return fld_get(BITS(15, 0), in32(CONFIG_DATA)) != 0xffff;
}

bool xen_detect(const struct boot_info *bi)
{
	struct xen_features f = { 0, 0 };

	if (!find_leaves())
		return false;
	guest.boot = bi;
	read_leaves();
	found = true;
	if (xen_op(XEN_VERSION, XENVER_FEATURES, &f) == 0)
		guest.features = f.words;
	if ((bi->start.flags & START_INITIAL_DOMAIN) || (guest.features & XENFEAT_DOM0))
		guest.role = XEN_DOM0;
	else
		guest.role = has_host_bridge() ? XEN_HVM : XEN_PVH;
	return true;
}

int64_t xen_hypercall_direct(uint32_t number, const uint64_t arguments[5])
{
	return xen_enter(guest.uses_vmmcall ? xen_stub_vmmcall : xen_stub_vmcall, number, arguments);
}

int64_t xen_hypercall(uint32_t number, const uint64_t arguments[5])
{
	if (!guest.page_ready || number >= PAGE_BYTES / HYPERCALL_STUB_BYTES)
		return xen_hypercall_direct(number, arguments);
	return xen_enter(xen_hypercall_page + number * HYPERCALL_STUB_BYTES, number, arguments);
}

enum status xen_hvm_param(uint32_t index, uint64_t *value)
{
	struct xen_hvm_param p = { .domid = XEN_DOMID_SELF, .index = index };

	if (xen_op(XEN_HVM_OP, HVMOP_GET_PARAM, &p) != 0)
		return ERR_NOT_FOUND;
	*value = p.value;
	return OK;
}

void xen_shut_down(enum xen_shutdown reason)
{
	uint32_t r = reason;

	(void)xen_op(XEN_SCHED_OP, SCHEDOP_SHUTDOWN, &r);
}

void xen_power_off(void)
{
	interrupts_on(); /* waiting for the console's reader needs ticks */
	xen_console_drain();
	xen_shut_down(guest.role == XEN_DOM0 ? XEN_SHUTDOWN_REBOOT : XEN_SHUTDOWN_POWEROFF);
}

uint64_t xen_tsc_hz(void)
{
	uint32_t r[4];

	if (!found || guest.cpuid_last < guest.cpuid_base + XEN_CPUID_TIME)
		return 0;
	cpuid(guest.cpuid_base + XEN_CPUID_TIME, 0, r);
	return r[2] < 1000 ? 0 : r[2] * UINT64_C(1000);
}

int64_t xen_notify(uint32_t port)
{
	return xen_op(XEN_EVENT_CHANNEL_OP, EVTCHNOP_SEND, &port);
}

bool xen_memory_map(struct boot_info *bi)
{
	static struct xen_e820 entries[BOOT_MEMORY_MAX];
	struct xen_memory_map map = { BOOT_MEMORY_MAX, (uint64_t)(uintptr_t)entries };

	if (xen_op(XEN_MEMORY_OP, XENMEM_MEMORY_MAP, &map) != 0)
		return false;
	bi->memory_n = 0;
	for (uint32_t i = 0; i < map.entries_n && i < BOOT_MEMORY_MAX; i++)
		bi->memory[bi->memory_n++] = (struct boot_memory){
			entries[i].base, entries[i].len_bytes, entries[i].kind };
	return bi->memory_n > 0;
}

static void fill_hypercall_page(void)
{
	uint64_t pa = guest.boot->image + (uint64_t)(xen_hypercall_page - kernel_start);

	if (!guest.hypercall_pages_n || !guest.hypercall_msr)
		return;
	msr_wr(guest.hypercall_msr, pa);
	guest.page_ready = true;
}

/* At a frame that holds nothing: a page of RAM there would be lost to us. */
static void map_shared_info(void)
{
	pa_t at = pa_add(mem_unbacked(2 * SHARED_DISTANCE), SHARED_DISTANCE);
	struct xen_add_to_physmap add = {
		.domid = XEN_DOMID_SELF, .space = XENMAPSPACE_SHARED_INFO, .gfn = at.v / PAGE_BYTES };
	int64_t r = xen_op(XEN_MEMORY_OP, XENMEM_ADD_TO_PHYSMAP, &add);

	if (r != 0) {
		log_line("xen: the shared information cannot be mapped: %lld", (long long)r);
		return;
	}
	guest.shared_gfn = add.gfn;
	guest.shared = paging_map_memory(at, PAGE_BYTES);
}

void xen_init(void)
{
	if (!found)
		return;
	fill_hypercall_page();
	map_shared_info();
	if (guest.role != XEN_DOM0) {
		xen_store_init();
		xen_console_init();
	}
}
