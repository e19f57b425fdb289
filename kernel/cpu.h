/*
 * The processor: instructions that C cannot say, descriptor tables, exception frames (Intel SDM vol. 3, chapters 2, 6).
 * Metal only.
 */
#ifndef PORTCULLIS_KERNEL_CPU_H
#define PORTCULLIS_KERNEL_CPU_H

#include "kernel/bits.h"

#define SEL_CODE 0x08
#define SEL_DATA 0x10
#define SEL_TSS  0x18

#define MSR_APIC_BASE 0x1b
#define   APIC_BASE_X2APIC BIT(10)
#define   APIC_BASE_ENABLE BIT(11)
#define   APIC_BASE_ADDR   BITS(51, 12)
#define MSR_PAT       0x277
#define   PAT_AT_RESET UINT64_C(0x0007040600070406)
#define MSR_X2APIC_FIRST 0x800
#define MSR_PAT 0x277
#define   PAT_SECOND     BITS(15, 8)
#define   PAT_COMBINING  1

enum {
	VEC_NMI = 2, VEC_DF = 8, VEC_PF = 14, VEC_MC = 18,
	VEC_COUNT_FIRST = 0x30, /* vectors that only count: irq_alloc() */
	VEC_COUNT_LAST = 0xef,
	VEC_TIMER = 0xf0,
	VEC_SPURIOUS = 0xff,
};

#define RFLAGS_IF BIT(9)

#define CR4_MCE  BIT(6)
#define CR4_LA57 BIT(12)

#define CPUID81_EDX_1GIB      BIT(26)
#define CPUID1_ECX_RDRAND     BIT(30)
#define CPUID1_ECX_HYPERVISOR BIT(31)
#define CPUID1_EDX_PAT        BIT(16)

/* What vectors.asm pushes; the processor's part last. */
struct frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

static inline uint8_t in8(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint16_t in16(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint32_t in32(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void out8(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline void out16(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static inline void out32(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint64_t msr_rd(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return shl(hi, 32) | lo;
}

static inline void msr_wr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)shr(v, 32)));
}

static inline uint64_t tsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi));
	return shl(hi, 32) | lo;
}

static inline void cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
	__asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(sub));
}

static inline uint64_t cr2(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr2, %0" : "=r"(v));
	return v;
}

static inline uint64_t cr4(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr4, %0" : "=r"(v));
	return v;
}

static inline void cr4_write(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}

static inline void cpu_relax(void)
{
	__asm__ volatile("pause");
}

static inline void interrupts_on(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static inline void interrupts_off(void)
{
	__asm__ volatile("cli" : : : "memory");
}

/* Loads our GDT, TSS (stacks of their own for NMI, double fault, page fault, machine check) and IDT. */
void cpu_tables_init(uint64_t ist_nmi, uint64_t ist_df, uint64_t ist_pf, uint64_t ist_mc);

/* Continues at fn(arg) on another stack. */
void stack_switch(uint64_t top, void (*fn)(void *), void *arg) __attribute__((noreturn));

#endif
