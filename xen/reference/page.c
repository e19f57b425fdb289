/*
 * From the hypercall page into the reference: which domain runs, and what its registers hold.
 */
#include "xen/reference/internal.h"

/* What stubs.asm pushes: the number or the result, then the arguments. */
struct pvref_registers {
	uint64_t rax, rdi, rsi, rdx, r10, r8;
};

extern const uint8_t pvref_page[];
bool pvref_page_enter(struct pvref_registers *regs);

#define STUB_BYTES 32u

/* The processor's: the domain that runs. A page knows no more of its caller than that. */
static const struct pvref_guest *running;

/* True: interrupted, the stub begins again. */
bool pvref_page_enter(struct pvref_registers *regs)
{
	int64_t result = -(int64_t)XEN_ENOSYS;

	if ((uint32_t)regs->rax == XEN_HYPERCALL_IOMMU_OP)
		result = pvref_pass(running->reference, running->domid, regs->rdi, regs->rsi);
	if (result == PVREF_AGAIN)
		return true;
	regs->rax = (uint64_t)result;
	return false;
}

int64_t pvref_page_call(void *ctx, uint64_t arg1, uint64_t arg2)
{
	uintptr_t stub = (uintptr_t)pvref_page + STUB_BYTES * XEN_HYPERCALL_IOMMU_OP;
	const struct pvref_guest *before = running;
	int64_t result;

	running = ctx;
	/* A function's arguments lie where a hypercall's do: RDI, RSI. */
	result = ((int64_t (*)(uint64_t, uint64_t))stub)(arg1, arg2);
	running = before;
	return result;
}
