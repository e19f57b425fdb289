/*
 * The end of a run. QEMU's isa-debug-exit carries the code; elsewhere ACPI S5, or what the hypervisor offers, else the
 * processor halts with the report on the screen.
 */
#include "kernel/cpu.h"
#include "kernel/power.h"

#define DEBUG_EXIT_PORT 0xf4
#define PM1_SLP_TYP BITS(12, 10)
#define PM1_SLP_EN  BIT(13)

static struct power_acpi acpi;
static void (*last)(void);

void power_set_acpi(const struct power_acpi *p)
{
	acpi = *p;
}

void power_set_last(void (*fn)(void))
{
	last = fn;
}

void power_off(enum power_code code)
{
	interrupts_off();
	out8(DEBUG_EXIT_PORT, (uint8_t)code);
	if (acpi.valid) {
		out16(acpi.pm1a_control, (uint16_t)(FLD(PM1_SLP_TYP, acpi.slp_typ_a) | PM1_SLP_EN));
		if (acpi.pm1b_control)
			out16(acpi.pm1b_control, (uint16_t)(FLD(PM1_SLP_TYP, acpi.slp_typ_b) | PM1_SLP_EN));
	}
	if (last)
		last();
	for (;;)
		__asm__ volatile("hlt");
}
