/*
 * Exceptions: inside a guarded call they end it as a crash; outside they end the run with a register dump.
 */
#include "kernel/apic.h"
#include "kernel/exceptions.h"
#include "kernel/guard.h"
#include "kernel/hal.h"
#include "kernel/machine_check.h"
#include "kernel/paging.h"
#include "kernel/power.h"

#define BACKTRACE_MAX 16

extern const char text_start[], text_end[];

static const char *const names[] = {
	"divide error", "debug", "NMI", "breakpoint", "overflow", "bound range", "invalid opcode", "no device",
	"double fault", "coprocessor overrun", "invalid TSS", "segment not present", "stack fault", "general protection",
	"page fault", "reserved", "x87 error", "alignment check", "machine check", "SIMD error", "virtualization",
	"control protection",
};

static const char *name_of(uint64_t vector)
{
	return vector < ARRAY_LEN(names) ? names[vector] : "reserved exception";
}

/* Follows saved frame pointers while they grow and return addresses lie in our text. */
static void backtrace(uint64_t rbp)
{
	for (unsigned i = 0; i < BACKTRACE_MAX; i++) {
		const uint64_t *frame = (const uint64_t *)(uintptr_t)rbp;

		if (!is_aligned(rbp, 8) || rbp < UINT64_C(0xffff800000000000))
			return;
		if (frame[1] < (uint64_t)(uintptr_t)text_start || frame[1] >= (uint64_t)(uintptr_t)text_end)
			return;
		log_line("  called from 0x%llx", (unsigned long long)frame[1]);
		if (frame[0] <= rbp)
			return;
		rbp = frame[0];
	}
}

static void dump(const struct frame *f)
{
	log_line("exception %llu (%s), error code 0x%llx", (unsigned long long)f->vector, name_of(f->vector),
		 (unsigned long long)f->error);
	log_line("  rip %016llx cs %04llx rflags %08llx cr2 %016llx", (unsigned long long)f->rip,
		 (unsigned long long)f->cs, (unsigned long long)f->rflags, (unsigned long long)cr2());
	log_line("  rax %016llx rbx %016llx rcx %016llx rdx %016llx", (unsigned long long)f->rax,
		 (unsigned long long)f->rbx, (unsigned long long)f->rcx, (unsigned long long)f->rdx);
	log_line("  rsi %016llx rdi %016llx rbp %016llx rsp %016llx", (unsigned long long)f->rsi,
		 (unsigned long long)f->rdi, (unsigned long long)f->rbp, (unsigned long long)f->rsp);
	log_line("  r8  %016llx r9  %016llx r10 %016llx r11 %016llx", (unsigned long long)f->r8,
		 (unsigned long long)f->r9, (unsigned long long)f->r10, (unsigned long long)f->r11);
	log_line("  r12 %016llx r13 %016llx r14 %016llx r15 %016llx", (unsigned long long)f->r12,
		 (unsigned long long)f->r13, (unsigned long long)f->r14, (unsigned long long)f->r15);
	backtrace(f->rbp);
}

void exception_dispatch(struct frame *f)
{
	if (f->vector == VEC_NMI) {
		apic_count(VEC_NMI);
		return;
	}
	if (f->vector >= 32) {
		apic_interrupt((unsigned)f->vector);
		return;
	}
	paging_space_leave(); /* from firmware's, if that is where it happened */
	dump(f);
	if (f->vector == VEC_MC)
		machine_check_tell();
	if (guard_active()) {
		guard_why("%s at rip 0x%llx, cr2 0x%llx", name_of(f->vector), (unsigned long long)f->rip,
			  (unsigned long long)cr2());
		guard_end(RUN_CRASHED);
	}
	power_off(POWER_PANIC);
}

void panic(const char *file, int line, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_line("panic at %s:%d: %s", file, line, text);
	backtrace((uint64_t)(uintptr_t)__builtin_frame_address(0));
	if (guard_active()) {
		guard_why("%s:%d: %s", file, line, text);
		guard_end(RUN_CRASHED);
	}
	power_off(POWER_PANIC);
}
