/*
 * The end of a run. QEMU's isa-debug-exit carries the code; elsewhere ACPI S5, or what the hypervisor offers, else the
 * processor halts with the report on the screen.
 */
#include "kernel/cpu.h"
#include "kernel/hal.h"
#include "kernel/power.h"
#include "kernel/watchdog.h"

#define DEBUG_EXIT_PORT 0xf4
#define PM1_SLP_TYP BITS(12, 10)
#define PM1_SLP_EN  BIT(13)
#define RESET_PORT  0xcf9
#define   RESET_PREPARE 0x02 /* a reset of the system, not only of the processor */
#define   RESET_WARM    0x06 /* and now, without a power cycle */
#define KEYBOARD_PORT   0x64
#define   KEYBOARD_PULSE_RESET 0xfe
#define RESET_PAUSE     1000000u

static struct power_acpi acpi;
static void (*last)(void);
static bool reset_instead, hold;
static void (*firmware_reset)(void);

void power_set_acpi(const struct power_acpi *p)
{
	acpi = *p;
}

void power_set_last(void (*fn)(void))
{
	last = fn;
}

void power_set_firmware_reset(void (*fn)(void))
{
	firmware_reset = fn;
}

void power_set_hold(bool on)
{
	hold = on;
}

void power_set_reset(bool on)
{
	reset_instead = on;
}

static void let_it_happen(void)
{
	for (unsigned i = 0; i < RESET_PAUSE; i++)
		cpu_relax();
}

/*
 * The FADT's value for port 0xcf9 may ask for a power cycle, which RAM does not survive: that port is written as the
 * chipsets' manuals have it. Another port is the FADT's to know. Then firmware's own way; what every PC had once;
 * and a processor that meets an exception without a table to look it up in resets, too.
 */
void power_reset(void)
{
	static const struct { uint16_t limit; uint64_t base; } __attribute__((packed)) none = { 0, 0 };

	interrupts_off();
	watchdog_stop(); /* some chipsets let it count on, and firmware is slow */
	if (acpi.reset_port && acpi.reset_port != RESET_PORT) {
		out8(acpi.reset_port, acpi.reset_value);
		let_it_happen();
	}
	out8(RESET_PORT, RESET_PREPARE);
	out8(RESET_PORT, RESET_WARM);
	let_it_happen();
	if (firmware_reset)
		firmware_reset();
	interrupts_off();
	out8(KEYBOARD_PORT, KEYBOARD_PULSE_RESET);
	let_it_happen();
	__asm__ volatile("lidt %0; int3" : : "m"(none));
	for (;;)
		__asm__ volatile("hlt");
}

void world_reset(void)
{
	power_reset();
}

void world_stall(void)
{
	interrupts_off();
	for (;;)
		__asm__ volatile("hlt");
}

void power_off(enum power_code code)
{
	interrupts_off();
	if (reset_instead)
		power_reset();
	out8(DEBUG_EXIT_PORT, (uint8_t)code);
	if (acpi.valid && !hold) {
		out16(acpi.pm1a_control, (uint16_t)(FLD(PM1_SLP_TYP, acpi.slp_typ_a) | PM1_SLP_EN));
		if (acpi.pm1b_control)
			out16(acpi.pm1b_control, (uint16_t)(FLD(PM1_SLP_TYP, acpi.slp_typ_b) | PM1_SLP_EN));
	}
	if (last)
		last();
	for (;;)
		__asm__ volatile("hlt");
}
