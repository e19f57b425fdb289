/*
 * The hardware watchdog: resets a machine that stands still with interrupts off, where the timer tick cannot help.
 * Intel's TCO timer as ICH6 to the 9-series chipsets have it (ICH9 datasheet, 13.9); other machines go without.
 */
#ifndef PORTCULLIS_KERNEL_WATCHDOG_H
#define PORTCULLIS_KERNEL_WATCHDOG_H

#include "kernel/hal.h"

/* Looks for it. Returns what was found or why it cannot be used, for people. Changes nothing. */
const char *watchdog_find(void);
/* True where it ended the run before; forgets it. */
bool watchdog_fired(void);
/*
 * Starts it, if one was found: from now on it resets the machine ten seconds after the last watchdog_feed(). NULL, or
 * why it does not.
 */
const char *watchdog_start(void);
void watchdog_feed(void);
/* Stops it and puts its settings back as they were found, but halted. */
void watchdog_stop(void);

#endif
