/* Ways out: QEMU's debug exit, ACPI S5, reset. Metal only. */
#ifndef PORTCULLIS_KERNEL_POWER_H
#define PORTCULLIS_KERNEL_POWER_H

#include "kernel/bits.h"

/* What the run tells who started it, through isa-debug-exit where that is there. */
enum power_code { POWER_GOOD = 0, POWER_FAILED = 1, POWER_SETUP = 2, POWER_PANIC = 3, POWER_NOTHING = 4 };

/* What ACPI said of S5, see acpi_power(). */
struct power_acpi {
	bool valid;
	uint16_t pm1a_control, pm1b_control;
	uint8_t slp_typ_a, slp_typ_b;
	uint16_t reset_port; /* 0: the FADT names none that is a port */
	uint8_t reset_value;
};

void power_set_acpi(const struct power_acpi *p);
/* What to try where neither QEMU's port nor ACPI ends the run: a hypervisor's way. */
void power_set_last(void (*fn)(void));
/* Every end of the run, by power_off(), is a warm reset from now on: the report waits in RAM. */
void power_set_reset(bool on);
/* What to try where the reset port does nothing: firmware's own way. It may come back. */
void power_set_firmware_reset(void (*fn)(void));
/* Where neither QEMU's port nor a reset ends the run, the machine stays on: its screen holds the report. */
void power_set_hold(bool on);
/* Resets the machine so that RAM keeps its contents, where it has a way to. */
void power_reset(void) __attribute__((noreturn));
void power_off(enum power_code code) __attribute__((noreturn));

#endif
