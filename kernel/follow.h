/*
 * Who follows a run from outside the harness: the log that survives a reset and the hardware watchdog. Metal only.
 */
#ifndef PORTCULLIS_KERNEL_FOLLOW_H
#define PORTCULLIS_KERNEL_FOLLOW_H

#include "boot/boot_info.h"
#include "kernel/cmdline.h"
#include "tests/harness/harness.h"

/* First of all: the screen, if there is one. From now on a sentence that ends the run is shown there. */
void follow_open(const struct boot_info *bi);
/*
 * Before the harness: opens the log, or begins one. Where it holds a run that did not come to its end, options->resume
 * becomes the test after the one that ran last, and facts->before the verdicts so far.
 */
void follow_begin(const struct boot_info *bi, struct options *options, struct run_facts *facts);
/* The run is over, with this code. */
void follow_end(int code);

#endif
