/* The local APIC. */
#include "kernel/apic.h"
#include "kernel/acpi.h"
#include "kernel/cpu.h"
#include "kernel/guard.h"
#include "kernel/paging.h"
#include "kernel/screen/screen.h"
#include "kernel/watchdog.h"

#define APIC_ID        0x20
#define APIC_TPR       0x80
#define APIC_EOI       0xb0
#define APIC_SVR       0xf0
#define   SVR_ENABLE   BIT(8)
#define APIC_LVT_TIMER 0x320
#define   LVT_MASKED   BIT(16)
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE  0x3e0
#define   TIMER_DIVIDE_BY_1 0xb

#define PIC1_DATA 0x21
#define PIC2_DATA 0xa1

/* The I/O APIC (82093AA, chapter 3): an index and a window. */
#define IOAPIC_BYTES   0x20
#define IOAPIC_INDEX   ((reg32_t){ 0x00 })
#define IOAPIC_WINDOW  ((reg32_t){ 0x10 })
#define   IOAPIC_VERSION 1u
#define     VERSION_LAST BITS(23, 16)
#define   IOAPIC_REDIRECTION 0x10u /* two registers each, low half first */
#define     REDIRECTION_MASKED BIT(16)
#define IOAPIC_NOBODY  UINT32_MAX

#define WATCHDOG_PERIOD_US 10000

#define MSI_ADDRESS 0xfee00000u
#define   MSI_ADDRESS_DEST BITS(19, 12)
#define   MSI_DATA_VECTOR  BITS(7, 0)
#define   MSI_DATA_LOWEST  BIT(8) /* lowest priority: of one processor, that is this one */

static struct {
	volatile uint32_t *regs; /* NULL: x2APIC */
	uint64_t ticks_per_ms;
	uint32_t id;
	volatile unsigned counts[256];
	bool taken[256];
} apic;

static uint32_t rd(uint32_t reg)
{
	return apic.regs ? apic.regs[reg / 4] : (uint32_t)msr_rd(MSR_X2APIC_FIRST + reg / 16);
}

static void wr(uint32_t reg, uint32_t v)
{
	if (apic.regs)
		apic.regs[reg / 4] = v;
	else
		msr_wr(MSR_X2APIC_FIRST + reg / 16, v);
}

enum status apic_init(void)
{
	uint64_t base = msr_rd(MSR_APIC_BASE);

	out8(PIC1_DATA, 0xff);
	out8(PIC2_DATA, 0xff);
	if (!(base & APIC_BASE_X2APIC)) {
		apic.regs = paging_map_device(PA(base & APIC_BASE_ADDR), PAGE_BYTES);
		if (!apic.regs)
			return ERR_NO_MEMORY;
		msr_wr(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
	}
	apic.id = apic.regs ? (uint32_t)shr(rd(APIC_ID), 24) : rd(APIC_ID);
	wr(APIC_TPR, 0);
	wr(APIC_SVR, (uint32_t)(SVR_ENABLE | VEC_SPURIOUS));
	wr(APIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_1);
	wr(APIC_LVT_TIMER, (uint32_t)LVT_MASKED);
	return OK;
}

bool apic_is_x2(void)
{
	return !apic.regs;
}

static uint32_t ioapic_rd(const mmio_t *m, uint32_t reg)
{
	mmio_wr(m, IOAPIC_INDEX, reg);
	return mmio_rd(m, IOAPIC_WINDOW);
}

static void mask_inputs(const mmio_t *m)
{
	uint32_t version = ioapic_rd(m, IOAPIC_VERSION);
	unsigned last = version == IOAPIC_NOBODY ? 0 : (unsigned)fld_get(VERSION_LAST, version);

	for (unsigned i = 0; i <= last && version != IOAPIC_NOBODY; i++) {
		uint32_t low = ioapic_rd(m, IOAPIC_REDIRECTION + 2 * i);

		if (!(low & REDIRECTION_MASKED))
			mmio_wr(m, IOAPIC_WINDOW, low | (uint32_t)REDIRECTION_MASKED);
	}
}

void apic_mask_inputs(void)
{
	struct acpi_interrupts all;

	acpi_interrupts(&all);
	for (unsigned i = 0; i < all.ioapics_n; i++) {
		mmio_t m = { NULL, paging_map_device(all.ioapics[i].base, IOAPIC_BYTES), IOAPIC_BYTES };

		if (m.ctx)
			mask_inputs(&m);
	}
}

void apic_timer_free_run(void)
{
	wr(APIC_TIMER_INITIAL, UINT32_MAX);
}

uint32_t apic_timer_elapsed(void)
{
	return UINT32_MAX - rd(APIC_TIMER_CURRENT);
}

void apic_set_rate(uint64_t ticks_per_ms)
{
	apic.ticks_per_ms = max_u64(ticks_per_ms, 1);
	wr(APIC_LVT_TIMER, VEC_TIMER);
	apic_arm_us(WATCHDOG_PERIOD_US);
}

bool apic_ticks(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags));
	return apic.ticks_per_ms && (flags & RFLAGS_IF);
}

void apic_arm_us(uint64_t us)
{
	uint64_t ticks;

	if (!apic.ticks_per_ms)
		return;
	ticks = min_u64(us, WATCHDOG_PERIOD_US) * apic.ticks_per_ms / 1000;
	wr(APIC_TIMER_INITIAL, (uint32_t)min_u64(max_u64(ticks, 1), UINT32_MAX));
}

void apic_count(unsigned vector)
{
	apic.counts[vector]++;
}

void apic_interrupt(unsigned vector)
{
	if (vector == VEC_SPURIOUS)
		return;
	wr(APIC_EOI, 0);
	if (vector != VEC_TIMER) {
		apic_count(vector);
		return;
	}
	apic_arm_us(WATCHDOG_PERIOD_US);
	watchdog_feed();
	screen_tick(time_us());
	if (guard_expired(time_us())) {
		guard_why("still running after its budget");
		guard_end(RUN_HUNG);
	}
}

enum status irq_alloc(unsigned *vector)
{
	for (unsigned v = VEC_COUNT_FIRST; v <= VEC_COUNT_LAST; v++) {
		if (apic.taken[v])
			continue;
		apic.taken[v] = true;
		apic.counts[v] = 0;
		*vector = v;
		return OK;
	}
	return ERR_FULL;
}

void irq_free(unsigned vector)
{
	apic.taken[vector % 256] = false;
}

void irq_message(unsigned vector, uint64_t *address, uint32_t *data)
{
	*address = MSI_ADDRESS | FLD(MSI_ADDRESS_DEST, apic.id);
	*data = vector;
}

unsigned irq_take(unsigned vector)
{
	/* An exchange, not a read and a write: the interrupt may come between. */
	return __atomic_exchange_n(&apic.counts[vector % 256], 0, __ATOMIC_SEQ_CST);
}

void irq_deliver(uint64_t address, uint32_t data)
{
	if (address == (MSI_ADDRESS | FLD(MSI_ADDRESS_DEST, apic.id)) && !(data & ~(MSI_DATA_VECTOR | MSI_DATA_LOWEST)))
		apic_count((unsigned)(data & MSI_DATA_VECTOR));
}
