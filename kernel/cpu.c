/* GDT, TSS and IDT. */
#include "kernel/cpu.h"

#define GATE_INTERRUPT 0x8e /* present, ring 0, interrupts off on entry */
#define IDT_ENTRIES 256

struct gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_mid;
	uint32_t offset_high, reserved;
};

struct tss {
	uint32_t reserved0;
	uint32_t rsp[6];
	uint32_t reserved1[2];
	uint32_t ist[14]; /* seven addresses, low half first: they are not 8-byte aligned in the structure */
	uint32_t reserved2[2];
	uint16_t reserved3, io_map;
};
_Static_assert(sizeof(struct tss) == 104, "TSS layout");

struct table_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

extern const uint64_t vector_table[IDT_ENTRIES];

static struct gate idt[IDT_ENTRIES];
static struct tss tss;
static uint64_t gdt[5];

static void set_ist(unsigned n, uint64_t top)
{
	tss.ist[2 * n - 2] = (uint32_t)top;
	tss.ist[2 * n - 1] = (uint32_t)shr(top, 32);
}

static void set_gates(void)
{
	static const struct { uint8_t vector, ist; } on_own_stack[] = {
		{ VEC_NMI, 1 }, { VEC_DF, 2 }, { VEC_PF, 3 }, { VEC_MC, 4 },
	};

	for (unsigned v = 0; v < IDT_ENTRIES; v++) {
		uint64_t at = vector_table[v];

		idt[v] = (struct gate){
			.offset_low = (uint16_t)fld_get(BITS(15, 0), at),
			.offset_mid = (uint16_t)fld_get(BITS(31, 16), at),
			.offset_high = (uint32_t)fld_get(BITS(63, 32), at),
			.selector = SEL_CODE,
			.type = GATE_INTERRUPT,
		};
	}
	for (unsigned i = 0; i < ARRAY_LEN(on_own_stack); i++)
		idt[on_own_stack[i].vector].ist = on_own_stack[i].ist;
}

static void set_gdt(void)
{
	uint64_t base = (uint64_t)(uintptr_t)&tss;

	gdt[1] = UINT64_C(0x00af9b000000ffff);
	gdt[2] = UINT64_C(0x00cf93000000ffff);
	gdt[3] = FLD(BITS(15, 0), sizeof(tss) - 1) | fld_set(BITS(39, 16), 0, fld_get(BITS(23, 0), base)) |
		 FLD(BITS(47, 40), 0x89) | fld_set(BITS(63, 56), 0, fld_get(BITS(31, 24), base));
	gdt[4] = fld_get(BITS(63, 32), base);
}

void cpu_tables_init(uint64_t ist_nmi, uint64_t ist_df, uint64_t ist_pf, uint64_t ist_mc)
{
	struct table_pointer gdtr = { sizeof(gdt) - 1, (uint64_t)(uintptr_t)gdt };
	struct table_pointer idtr = { sizeof(idt) - 1, (uint64_t)(uintptr_t)idt };

	set_ist(1, ist_nmi);
	set_ist(2, ist_df);
	set_ist(3, ist_pf);
	set_ist(4, ist_mc);
	tss.io_map = sizeof(tss);
	set_gdt();
	set_gates();
	__asm__ volatile("lgdt %0" : : "m"(gdtr));
	__asm__ volatile("pushq %0\n\tleaq 1f(%%rip), %%rax\n\tpushq %%rax\n\tlretq\n1:"
			 : : "i"(SEL_CODE) : "rax", "memory");
	__asm__ volatile("movw %w0, %%ds\n\tmovw %w0, %%es\n\tmovw %w0, %%ss" : : "r"(SEL_DATA) : "memory");
	__asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
	__asm__ volatile("lidt %0" : : "m"(idtr));
}
