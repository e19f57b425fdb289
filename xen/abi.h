/*
 * Numbers and layouts of Xen's interface to guests (Xen public headers: xen.h, arch-x86/, version.h, event_channel.h,
 * memory.h, sched.h, hvm/, io/console.h, io/xs_wire.h), 64-bit callers only. Sizes are asserted.
 */
#ifndef PORTCULLIS_XEN_ABI_H
#define PORTCULLIS_XEN_ABI_H

#include "drivers-iommu/pviommu/abi.h"
#include "kernel/bits.h"

/* CPUID: the first leaf moves by 0x100 where other enlightenments come first. */
#define XEN_CPUID_FIRST 0x40000000u
#define XEN_CPUID_LAST  0x40010000u
#define XEN_CPUID_STEP  0x100u
#define XEN_SIGNATURE_EBX 0x566e6558u
#define XEN_SIGNATURE_ECX 0x65584d4du
#define XEN_SIGNATURE_EDX 0x4d4d566eu
#define XEN_CPUID_TIME     3u /* sub-leaf 0, ECX: kHz of the TSC */
#define XEN_CPUID_FEATURES 4u
#define   XEN_CPUID_VCPU_IN_EBX  BIT(3)
#define   XEN_CPUID_DOMID_IN_ECX BIT(4)

#define XEN_ESRCH 3 /* the other error numbers come with the interface that this kernel is about */

enum {
	XEN_MEMORY_OP = 12, XEN_VERSION = 17, XEN_CONSOLE_IO = 18, XEN_VCPU_OP = 24, XEN_SCHED_OP = 29,
	XEN_EVENT_CHANNEL_OP = 32, XEN_HVM_OP = 34, XEN_NUMBER_FREE = 47,
};

/* ---- xen_version ---- */

enum {
	XENVER_VERSION, XENVER_EXTRAVERSION, XENVER_COMPILE_INFO, XENVER_CAPABILITIES, XENVER_CHANGESET, XENVER_PLATFORM,
	XENVER_FEATURES, XENVER_PAGESIZE, XENVER_GUEST_HANDLE, XENVER_COMMANDLINE, XENVER_BUILD_ID,
};
#define XENVER_EXTRAVERSION_BYTES 16u
#define XENVER_COMPILE_INFO_BYTES 144u
#define XENVER_CAPABILITIES_BYTES 1024u

struct xen_features {
	uint32_t index, words;
};

#define XENFEAT_AUTO_TRANSLATED BIT(2)
#define XENFEAT_CALLBACK_VECTOR BIT(8)
#define XENFEAT_SAFE_PVCLOCK    BIT(9)
#define XENFEAT_DOM0            BIT(11)

/* ---- console_io ---- */

#define CONSOLEIO_WRITE 0u

/* ---- sched_op ---- */

#define SCHEDOP_YIELD    0u
#define SCHEDOP_SHUTDOWN 2u
enum xen_shutdown { XEN_SHUTDOWN_POWEROFF, XEN_SHUTDOWN_REBOOT, XEN_SHUTDOWN_SUSPEND, XEN_SHUTDOWN_CRASH };

/* ---- event_channel_op ---- */

enum {
	EVTCHNOP_BIND_VIRQ = 1, EVTCHNOP_CLOSE = 3, EVTCHNOP_SEND = 4, EVTCHNOP_STATUS = 5, EVTCHNOP_ALLOC_UNBOUND = 6,
	EVTCHNOP_BIND_IPI = 7, EVTCHNOP_BIND_VCPU = 8, EVTCHNOP_UNMASK = 9,
};
enum {
	EVTCHNSTAT_CLOSED, EVTCHNSTAT_UNBOUND, EVTCHNSTAT_INTERDOMAIN, EVTCHNSTAT_PIRQ, EVTCHNSTAT_VIRQ, EVTCHNSTAT_IPI,
};

struct xen_evtchn_alloc {
	uint16_t dom, remote;
	uint32_t port;
};

struct xen_evtchn_ipi {
	uint32_t vcpu, port;
};

struct xen_evtchn_virq {
	uint32_t virq, vcpu, port;
};

struct xen_evtchn_status {
	uint16_t dom;
	uint32_t port, status, vcpu, detail[2];
};
_Static_assert(sizeof(struct xen_evtchn_status) == 24, "evtchn_status");

/* ---- memory_op ---- */

enum {
	XENMEM_MAXIMUM_RAM_PAGE = 2, XENMEM_CURRENT_RESERVATION = 3, XENMEM_MAXIMUM_RESERVATION = 4,
	XENMEM_ADD_TO_PHYSMAP = 7, XENMEM_MEMORY_MAP = 9, XENMEM_MAXIMUM_GPFN = 14, XENMEM_REMOVE_FROM_PHYSMAP = 15,
};
#define XENMAPSPACE_SHARED_INFO 0u

struct xen_add_to_physmap {
	uint16_t domid, size;
	uint32_t space;
	uint64_t index, gfn;
};

struct xen_remove_from_physmap {
	uint16_t domid;
	uint64_t gfn;
};

struct xen_memory_map {
	uint32_t entries_n;
	uint64_t buffer; /* of struct xen_e820, by linear address */
};

struct xen_e820 {
	uint64_t base, len_bytes;
	uint32_t kind;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_e820) == 20, "e820 entry");

/* ---- hvm_op ---- */

#define HVMOP_SET_PARAM 0u
#define HVMOP_GET_PARAM 1u
#define HVMOP_SET_UPCALL_VECTOR 23u
enum {
	HVM_PARAM_STORE_PFN = 1, HVM_PARAM_STORE_EVTCHN = 2, HVM_PARAM_CONSOLE_PFN = 17,
	HVM_PARAM_CONSOLE_EVTCHN = 18, HVM_PARAM_NONE = 4000,
};

struct xen_upcall_vector {
	uint32_t vcpu;
	uint8_t vector;
};

struct xen_hvm_param {
	uint16_t domid, pad;
	uint32_t index;
	uint64_t value;
};

/* ---- shared info ---- */

struct xen_time_info {
	uint32_t version, pad; /* odd while Xen writes */
	uint64_t tsc, system_ns;
	uint32_t mul;          /* nanoseconds a shifted tick, 32 fractional bits */
	int8_t shift;
	uint8_t flags, pad1[2];
};
_Static_assert(sizeof(struct xen_time_info) == 32, "vcpu_time_info");

struct xen_vcpu_info {
	uint8_t pending, mask, pad[6];
	uint64_t pending_words; /* which words of xen_shared_info.pending to look at */
	uint64_t arch[2];
	struct xen_time_info time;
};
_Static_assert(sizeof(struct xen_vcpu_info) == 64, "vcpu_info");

struct xen_shared_info {
	struct xen_vcpu_info vcpu[32];
	uint64_t pending[64], mask[64]; /* a bit for each event channel */
	uint32_t wallclock_version, wallclock_s, wallclock_ns, wallclock_s_high;
};
_Static_assert(offsetof(struct xen_shared_info, wallclock_version) == 3072, "shared_info");

/* ---- rings in shared pages ---- */

struct xen_console_ring {
	uint8_t in[1024], out[2048];
	uint32_t in_cons, in_prod, out_cons, out_prod;
};
_Static_assert(offsetof(struct xen_console_ring, in_cons) == 3072, "xencons_interface");

struct xen_store_ring {
	uint8_t request[1024], reply[1024];
	uint32_t request_cons, request_prod, reply_cons, reply_prod;
};
_Static_assert(offsetof(struct xen_store_ring, request_cons) == 2048, "xenstore_domain_interface");

#define XS_READ  2u
#define XS_ERROR 16u

struct xen_store_message {
	uint32_t kind, id, transaction, len_bytes;
};

#endif
