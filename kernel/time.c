/*
 * The clock: TSC ticks scaled to microseconds. Calibrated over two milliseconds against a timer of known rate: the ACPI
 * PM timer (ACPI 4.8.2.1, 3.579545 MHz), else PIT channel 2 (1.193182 MHz).
 */
#include "kernel/apic.h"
#include "kernel/cpu.h"
#include "kernel/time.h"

#define PM_TIMER_HZ  3579545u
#define PIT_HZ       1193182u
#define CALIBRATE_US 2000u
#define SPIN_US      100u
#define NAP_MAX_US   5000u
#define SPIN_MAX     100000000u /* no timer stands still for so many reads */

#define PIT_CHANNEL2 0x42
#define PIT_COMMAND  0x43
#define   PIT_CH2_LOHI_ONESHOT 0xb0
#define PORT_B       0x61
#define   PORT_B_GATE2 BIT(0)
#define   PORT_B_OUT2  BIT(5)

static struct {
	uint64_t start, hz;
	uint64_t us_per_tick_q32; /* microseconds a tick, 32 fractional bits */
} the_clock = { .us_per_tick_q32 = 1 };

uint64_t time_us(void)
{
	unsigned __int128 scaled = (unsigned __int128)(tsc() - the_clock.start) * the_clock.us_per_tick_q32;

	return (uint64_t)(scaled / BIT(32));
}

uint64_t time_tsc_hz(void)
{
	return the_clock.hz;
}

/* Waits on the PM timer; ticks that passed, 0 if it does not run. */
static uint64_t wait_pm(uint16_t port, uint32_t mask)
{
	uint32_t want = (uint32_t)((uint64_t)PM_TIMER_HZ * CALIBRATE_US / 1000000);
	uint32_t first = in32(port) & mask, passed = 0;

	for (uint32_t i = 0; i < SPIN_MAX; i++) {
		passed = (in32(port) - first) & mask;
		if (passed >= want)
			return passed;
		if (i == 100000 && passed == 0)
			return 0;
	}
	return 0;
}

static uint64_t wait_pit(void)
{
	uint32_t count = (uint32_t)((uint64_t)PIT_HZ * CALIBRATE_US / 1000000);

	out8(PORT_B, (uint8_t)((in8(PORT_B) & ~0x2u) | PORT_B_GATE2));
	out8(PIT_COMMAND, PIT_CH2_LOHI_ONESHOT);
	out8(PIT_CHANNEL2, (uint8_t)(count % 256));
	out8(PIT_CHANNEL2, (uint8_t)(count / 256));
	for (uint32_t i = 0; i < SPIN_MAX; i++)
		if (in8(PORT_B) & PORT_B_OUT2)
			return count;
	return 0;
}

void time_init(uint16_t pm_timer_port, bool pm_timer_32_bits)
{
	uint64_t passed = 0, rate = PM_TIMER_HZ, from, to, apic_ticks, elapsed_ns;

	apic_timer_free_run();
	from = tsc();
	if (pm_timer_port)
		passed = wait_pm(pm_timer_port, pm_timer_32_bits ? UINT32_MAX : 0xffffff);
	if (!passed) {
		apic_timer_free_run();
		from = tsc();
		rate = PIT_HZ;
		passed = wait_pit();
	}
	to = tsc();
	apic_ticks = apic_timer_elapsed();
	if (!passed) { /* neither timer runs: take the TSC for 1 GHz, so that waits still end */
		passed = CALIBRATE_US;
		rate = 1000000;
		to = from + CALIBRATE_US * 1000u;
	}
	elapsed_ns = passed * 1000000000u / rate;
	/* Two milliseconds of ticks times 10^9, or of nanoseconds times 2^32, stay far below 2^64. */
	the_clock.start = from;
	the_clock.hz = (to - from) * 1000000000u / elapsed_ns;
	the_clock.us_per_tick_q32 = elapsed_ns * BIT(32) / (1000u * (to - from));
	apic_set_rate(apic_ticks * 1000000u / elapsed_ns);
}

void time_init_known(uint64_t tsc_hz)
{
	uint64_t ticks = tsc_hz / 1000000u * CALIBRATE_US;

	apic_timer_free_run();
	the_clock.start = tsc();
	while (tsc() - the_clock.start < ticks) /* ends: the TSC runs */
		cpu_relax();
	the_clock.hz = tsc_hz;
	the_clock.us_per_tick_q32 = CALIBRATE_US * BIT(32) / ticks;
	apic_set_rate((uint64_t)apic_timer_elapsed() * 1000u / CALIBRATE_US);
}

deadline_t deadline_in_us(uint64_t us)
{
	uint64_t now = time_us();

	return (deadline_t){ now, now + us };
}

/*
 * Most answers come within microseconds; what takes longer is left to others meanwhile. Under emulation the device that
 * we wait for may need this very processor.
 */
bool deadline_over(const deadline_t *d)
{
	uint64_t now = time_us(), waited = now - d->start_us;

	if (now > d->end_us)
		return true;
	if (waited < SPIN_US || !apic_ticks())
		cpu_relax();
	else
		time_sleep_us(min_u64(min_u64(waited / 4, NAP_MAX_US), d->end_us - now + 1));
	return false;
}

void time_sleep_us(uint64_t us)
{
	uint64_t end = time_us() + us, now;

	while ((now = time_us()) < end) {
		/* With interrupts off until the halt, the tick cannot come in between and be missed. */
		interrupts_off();
		apic_arm_us(end - now);
		__asm__ volatile("sti; hlt" : : : "memory");
	}
}
