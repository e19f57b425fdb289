/* The local APIC (SDM vol. 3, chapter 11): timer tick, vectors that count. Metal only. */
#ifndef PORTCULLIS_KERNEL_APIC_H
#define PORTCULLIS_KERNEL_APIC_H

#include "kernel/hal.h"

/* Maps and enables the local APIC (x2APIC if firmware left it so), masks the legacy PIC. ERR_NOT_FOUND. */
enum status must_use apic_init(void);
/* Whether firmware left the x2APIC mode on. */
bool apic_is_x2(void);
/*
 * Masks every input of the I/O APICs: what firmware left routed has no handler here. Reset brings back what it needs.
 */
void apic_mask_inputs(void);
/* Current count of the timer running freely from all ones: for calibration. */
void apic_timer_free_run(void);
uint32_t apic_timer_elapsed(void);
void apic_set_rate(uint64_t ticks_per_ms);
/* True once ticks can come: the rate is known and interrupts are on. */
bool apic_ticks(void);
/* Arms one tick after at most us; the tick re-arms itself for the watchdog's period. */
void apic_arm_us(uint64_t us);
/* From the vector entries. */
void apic_interrupt(unsigned vector);
void apic_count(unsigned vector);

#endif
