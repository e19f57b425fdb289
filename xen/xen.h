/*
 * Being a guest of Xen: finding it, calling it, what it said at the start. Metal only.
 *
 * xen_detect() works from the first instruction on, with direct calls; xen_init() needs our page tables and brings up
 * the hypercall page, the shared information and, for a guest that is not dom0, console and store.
 */
#ifndef PORTCULLIS_XEN_XEN_H
#define PORTCULLIS_XEN_XEN_H

#include "boot/boot_info.h"
#include "kernel/hal.h"
#include "xen/abi.h"

enum xen_role {
	XEN_DOM0,
	XEN_PVH, /* a guest without emulated devices */
	XEN_HVM, /* a guest with them */
};

struct xen_guest {
	enum xen_role role;
	uint32_t cpuid_base, cpuid_last;
	unsigned major, minor;
	uint32_t hypercall_msr, hypercall_pages_n;
	bool uses_vmmcall;          /* AMD and Hygon; else VMCALL */
	bool page_ready;            /* the hypercall page is filled */
	uint32_t features;          /* XENFEAT_*: word 0 */
	bool domid_known;           /* CPUID told it (Xen 4.14 and later) */
	uint32_t domid;
	const struct boot_info *boot;
	struct xen_shared_info *shared; /* NULL: it could not be mapped */
	uint64_t shared_gfn;
};

/* True where a hypervisor that calls itself Xen runs us; fills the guest. bi must stay. */
bool xen_detect(const struct boot_info *bi);
/* The guest that we are; NULL: no Xen, or xen_detect() has not been called. */
const struct xen_guest *xen_guest(void);
/* A guest whose loader gave no memory map asks Xen for it: entries go to bi. True where there are some. */
bool xen_memory_map(struct boot_info *bi);
/* The rest, once our page tables are live. What fails is told on the console and left out. */
void xen_init(void);

/* Arguments that a hypercall does not have are 0. Results are Xen's: 0 or more is good, else a negative XEN_E*. */
int64_t xen_hypercall(uint32_t number, const uint64_t arguments[5]);
/* The same by the processor's instruction, never by the page. */
int64_t xen_hypercall_direct(uint32_t number, const uint64_t arguments[5]);

static inline int64_t xen_hypercall1(uint32_t number, uint64_t a1)
{
	return xen_hypercall(number, (const uint64_t[5]){ a1 });
}

static inline int64_t xen_hypercall2(uint32_t number, uint64_t a1, uint64_t a2)
{
	return xen_hypercall(number, (const uint64_t[5]){ a1, a2 });
}

static inline int64_t xen_hypercall3(uint32_t number, uint64_t a1, uint64_t a2, uint64_t a3)
{
	return xen_hypercall(number, (const uint64_t[5]){ a1, a2, a3 });
}

/* A sub-operation with its structure. */
static inline int64_t xen_op(uint32_t number, uint64_t op, void *structure)
{
	return xen_hypercall2(number, op, (uint64_t)(uintptr_t)structure);
}

/* Value of one of HVM_PARAM_*; ERR_NOT_FOUND where Xen refuses. */
enum status must_use xen_hvm_param(uint32_t index, uint64_t *value);
/* Ticks of the TSC a second, as Xen tells; 0: no Xen, or it does not. */
uint64_t xen_tsc_hz(void);
/* Ends the run as who started it can see: dom0 restarts the host, a guest powers off once its console is read. */
void xen_power_off(void);
/* The console's ring; NULL where there is none. */
const volatile struct xen_console_ring *xen_console_ring(void);
/* Waits, at most for a few seconds, until the other end has read what the console's ring holds. */
void xen_console_drain(void);
/* Ends the domain (dom0: the host). Returns where Xen refuses. */
void xen_shut_down(enum xen_shutdown reason);
/* Tells the other end of an event channel. */
int64_t xen_notify(uint32_t port);

/*
 * Reads a key of the store ("domid", or a path from "/" on) into text, which it ends with 0. ERR_NOT_FOUND: no such
 * key, or no store; ERR_TIMEOUT; ERR_FULL: longer than room.
 */
enum status must_use xen_store_read(const char *key, char *text, size_t room);
/* xen_init() calls these: the shared pages of a guest that is not dom0. */
void xen_store_init(void);
void xen_console_init(void);

#endif
