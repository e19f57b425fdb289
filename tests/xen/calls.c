/*
 * Finding Xen and calling it: CPUID leaves, the hypercall page, the instruction, numbers and pointers that are wrong
 * (Xen public/arch-x86/cpuid.h, xen.h).
 */
#include "kernel/cpu.h"
#include "tests/xen/guest.h"
#include <string.h>

#define STUB_BYTES 32u

uint64_t xen_kept_registers(const void *stub, uint64_t number, const uint64_t arguments[5]);
extern const char xen_hypercall_page[], xen_stub_vmcall[], xen_stub_vmmcall[];

/* ---- CPUID ---- */

TEST(cpuid_signature,
     .id = "xen.cpuid.signature",
     .given = "the leaves from 0x40000000 on, in steps of 0x100",
     .expects = "the signature at a base where enough leaves follow, and at no second one",
     .needs = NEED_XEN)
{
	const struct xen_guest *g = t->bench->machine->xen;
	unsigned found = 0;

	for (uint32_t base = XEN_CPUID_FIRST; base < XEN_CPUID_LAST; base += XEN_CPUID_STEP) {
		uint32_t r[4];

		cpuid(base, 0, r);
		found += r[1] == XEN_SIGNATURE_EBX && r[2] == XEN_SIGNATURE_ECX && r[3] == XEN_SIGNATURE_EDX;
	}
	expect_eq(t, "bases with the signature", found, 1);
	expect_true(t, g->cpuid_last >= g->cpuid_base + 2 && g->cpuid_last < g->cpuid_base + XEN_CPUID_STEP,
		    "the highest leaf is base + 2 or more, and below base + 0x100");
}

TEST(cpuid_version,
     .id = "xen.cpuid.version",
     .given = "leaf base + 1 and the hypercall xen_version",
     .expects = "the same major and minor number",
     .needs = NEED_XEN)
{
	const struct xen_guest *g = t->bench->machine->xen;
	int64_t v = xen_op(XEN_VERSION, XENVER_VERSION, NULL);

	expect_true(t, g->major >= 4, "the major number is 4 or more");
	expect_eq(t, "major and minor by hypercall", (uint64_t)v, FLD(BITS(31, 16), g->major) | g->minor);
}

TEST(cpuid_hypercall_leaf,
     .id = "xen.cpuid.hypercall_page",
     .given = "leaf base + 2",
     .expects = "one page or more, and an MSR in the range of hypervisors",
     .needs = NEED_XEN)
{
	const struct xen_guest *g = t->bench->machine->xen;

	expect_true(t, g->hypercall_pages_n >= 1 && g->hypercall_pages_n <= 16, "1 to 16 pages");
	expect_true(t, g->hypercall_msr >= 0x40000000u && g->hypercall_msr < 0x40010000u,
		    "the MSR lies from 0x40000000 to 0x4000ffff");
}

TEST(cpuid_domid,
     .id = "xen.cpuid.domid",
     .given = "leaf base + 4",
     .expects = "domain 0 for dom0, another one for a guest",
     .needs = NEED_XEN)
{
	const struct xen_guest *g = t->bench->machine->xen;

	if (!g->domid_known)
		skip(t, "no domain id in leaf base + 4 (Xen 4.13 or older)");
	if (g->role == XEN_DOM0)
		expect_eq(t, "domain id", g->domid, 0);
	else
		expect_true(t, g->domid > 0 && g->domid < XEN_DOMID_SELF, "a guest's id is from 1 to 0x7fef");
}

TEST(cpuid_time,
     .id = "xen.cpuid.tsc",
     .given = "leaf base + 3",
     .expects = "the rate of the TSC, from 100 MHz to 10 GHz",
     .needs = NEED_XEN)
{
	expect_true(t, xen_tsc_hz() > 100000000 && xen_tsc_hz() < UINT64_C(10000000000), "100 MHz to 10 GHz");
}

/* ---- the page and the instruction ---- */

TEST(page_stubs,
     .id = "xen.page.stubs",
     .given = "the hypercall page, after its MSR was written",
     .expects = "each stub loads its number, calls by this vendor's instruction and returns",
     .needs = NEED_XEN)
{
	static const uint32_t numbers[] = {
		XEN_MEMORY_OP, XEN_VERSION, XEN_CONSOLE_IO, XEN_SCHED_OP, XEN_EVENT_CHANNEL_OP, XEN_HVM_OP,
		XEN_HYPERCALL_IOMMU_OP,
	};
	const struct xen_guest *g = t->bench->machine->xen;

	if (!g->page_ready)
		give_up(t, "no hypercall page");
	for (unsigned i = 0; i < ARRAY_LEN(numbers); i++) {
		uint8_t wanted[] = { 0xb8, (uint8_t)numbers[i], 0, 0, 0, 0x0f, 0x01, g->uses_vmmcall ? 0xd9 : 0xc1, 0xc3 };

		if (memcmp(xen_hypercall_page + numbers[i] * STUB_BYTES, wanted, sizeof(wanted)))
			fail(t, "mov eax, number; VMCALL or VMMCALL; ret", "stub %u is something else", numbers[i]);
	}
}

TEST(page_same_as_direct,
     .id = "xen.page.same_as_direct",
     .given = "the same calls by the page and by the instruction",
     .expects = "the same results",
     .needs = NEED_XEN)
{
	static const struct { uint32_t number; uint64_t op; } calls[] = {
		{ XEN_VERSION, XENVER_VERSION }, { XEN_VERSION, XENVER_PAGESIZE }, { XEN_VERSION, 1000 },
		{ XEN_SCHED_OP, SCHEDOP_YIELD }, { XEN_NUMBER_FREE, 0 },
	};

	if (!t->bench->machine->xen->page_ready)
		give_up(t, "no hypercall page");
	for (unsigned i = 0; i < ARRAY_LEN(calls); i++) {
		const uint64_t a[5] = { calls[i].op };

		expect_eq(t, "result by the page", (uint64_t)xen_hypercall(calls[i].number, a),
			  (uint64_t)xen_hypercall_direct(calls[i].number, a));
	}
}

TEST(call_registers,
     .id = "xen.call.registers",
     .checks = "PVI-013",
     .given = "hypercall 43 and xen_version, with known values in the callee-saved registers",
     .expects = "rbx, rbp and r12 to r15 are as before; argument registers are nobody's",
     .needs = NEED_XEN)
{
	const void *stub = t->bench->machine->xen->uses_vmmcall ? xen_stub_vmmcall : xen_stub_vmcall;
	const uint64_t a[5] = { XENVER_VERSION };
	static uint8_t zeroes[64] __attribute__((aligned(64)));
	const uint64_t noop[5] = { 0, (uint64_t)(uintptr_t)zeroes };

	expect_eq(t, "registers that xen_version changed", xen_kept_registers(stub, XEN_VERSION, a), 0);
	expect_eq(t, "registers that hypercall 43 changed", xen_kept_registers(stub, XEN_HYPERCALL_IOMMU_OP, noop), 0);
}

/* ---- what is wrong ---- */

TEST(call_unknown,
     .id = "xen.call.unknown",
     .given = "hypercall numbers that nobody has",
     .expects = "-ENOSYS",
     .needs = NEED_XEN)
{
	static const uint32_t numbers[] = { 44, 45, XEN_NUMBER_FREE, 63, 64, 127, 1000, 0x7fffffff, UINT32_MAX };

	for (unsigned i = 0; i < ARRAY_LEN(numbers); i++)
		(void)expect_xen_error(t, "an unknown number", xen_hypercall2(numbers[i], 0, 0), XEN_ENOSYS);
}

static void bad_pointer(struct test *t)
{
	(void)expect_xen_error(t, "get_features by a bad pointer",
			       xen_hypercall2(XEN_VERSION, XENVER_FEATURES, t->desc->arg), XEN_EFAULT);
	(void)expect_xen_error(t, "an event channel's status by a bad pointer",
			       xen_hypercall2(XEN_EVENT_CHANNEL_OP, EVTCHNOP_STATUS, t->desc->arg), XEN_EFAULT);
	expect_true(t, xen_op(XEN_VERSION, XENVER_VERSION, NULL) > 0, "Xen answers afterwards");
}

#define BAD_POINTER(name, text, address) \
	{ .id = "xen.call.pointer." name, .given = "an argument " text, .expects = "-EFAULT", .needs = NEED_XEN, \
	  .arg = (address), .body = bad_pointer }

TEST_TABLE(bad_pointers,
	BAD_POINTER("null", "at address 0, which is not mapped", BAD_NULL),
	BAD_POINTER("low", "at address 1", BAD_LOW),
	BAD_POINTER("noncanonical", "at an address that is not canonical", BAD_NONCANONICAL),
	BAD_POINTER("unmapped", "at an address that our tables do not map", BAD_UNMAPPED),
	BAD_POINTER("top", "in the last bytes of the address space", UINT64_MAX - 2));

TEST(pointer_straddles,
     .id = "xen.call.pointer.straddle",
     .given = "a structure whose first half lies in a mapped page and whose second in an unmapped one",
     .expects = "-EFAULT, and the half that is there is unchanged",
     .needs = NEED_XEN)
{
	uint8_t *at = lone_page(t) + PAGE_BYTES - sizeof(uint32_t);

	memset(at, 0, sizeof(uint32_t));
	(void)expect_xen_error(t, "get_features across the end", xen_op(XEN_VERSION, XENVER_FEATURES, at), XEN_EFAULT);
	expect_true(t, !at[0] && !at[1] && !at[2] && !at[3], "the mapped half is unchanged");
}

TEST(pointer_read_only,
     .id = "xen.call.pointer.read_only",
     .given = "a structure in a page that our tables map for reading alone",
     .expects = "-EFAULT where Xen has to write, and nothing is written",
     .needs = NEED_XEN)
{
	static const struct xen_features constant = { 0, 0 };
	const volatile struct xen_features *seen = &constant;

	(void)expect_xen_error(t, "get_features into constants",
			       xen_hypercall2(XEN_VERSION, XENVER_FEATURES, (uint64_t)(uintptr_t)&constant), XEN_EFAULT);
	expect_eq(t, "the constant", seen->words, 0);
}

TEST(pointer_unaligned,
     .id = "xen.call.pointer.unaligned",
     .given = "a structure at an odd address, and one across two pages that are both mapped",
     .expects = "it works as at any other",
     .needs = NEED_XEN)
{
	struct page *p = page_alloc(t, 2 * PAGE_BYTES, 0);
	uint8_t *at[] = { p->p + 1, p->p + PAGE_BYTES - 3 };

	for (unsigned i = 0; i < ARRAY_LEN(at); i++) {
		struct xen_features f;

		must_xen(t, xen_op(XEN_VERSION, XENVER_FEATURES, at[i]), "get_features");
		memcpy(&f, at[i], sizeof(f));
		expect_eq(t, "features", f.words, t->bench->machine->xen->features);
	}
}
