/*
 * Recovery: metal's run_guarded(). Exceptions and the watchdog end the guarded call, not the kernel.
 */
#ifndef PORTCULLIS_KERNEL_GUARD_H
#define PORTCULLIS_KERNEL_GUARD_H

#include "kernel/hal.h"

/* True while a guarded call runs. */
bool guard_active(void);
/* Ends the guarded call; interrupts are on again afterwards. Only while guard_active(). */
void guard_end(enum run_end how) __attribute__((noreturn));
/* One line of why, kept for the runner; the first one counts. */
void guard_why(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* True where the guarded call has used up its budget: asked by the timer tick. */
bool guard_expired(uint64_t now_us);

#endif
