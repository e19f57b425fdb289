/* Time on metal: the TSC, calibrated against the ACPI timer or the PIT. */
#ifndef PORTCULLIS_KERNEL_TIME_H
#define PORTCULLIS_KERNEL_TIME_H

#include "kernel/hal.h"

/* Starts the clock (rough until calibrated). pm_timer_port: 0 if there is none. Sets the APIC timer's rate, too. */
void time_init(uint16_t pm_timer_port, bool pm_timer_32_bits);
/* The same where somebody else knows the TSC's rate (1 MHz or more): no timer is asked. */
void time_init_known(uint64_t tsc_hz);
uint64_t time_tsc_hz(void);

#endif
