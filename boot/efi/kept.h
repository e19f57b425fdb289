/*
 * The RAM that outlives a warm reset: where the log of the run lies, and what it asks for now.
 *
 * The same application starts after each reset, and must find what it set aside the time before. So the log lies at
 * one of a few addresses that are tried in order, and is looked for before anything is allocated there.
 */
#ifndef PORTCULLIS_BOOT_EFI_KEPT_H
#define PORTCULLIS_BOOT_EFI_KEPT_H

#include "boot/efi/app.h"
#include "kernel/run_log.h"

enum kept_next {
	KEPT_FRESH,   /* nothing waits: start a run */
	KEPT_RESUME,  /* a run did not come to its end: start the kernel again, it goes on */
	KEPT_COLLECT, /* a run is over, or cannot go on: its report waits */
};

struct kept {
	struct run_log log; /* open, unless KEPT_FRESH */
	struct run_log_state state;
	bool ours; /* the memory is allocated: nobody else writes there */
};

/*
 * Finds the log or sets memory aside for one, hands it to the kernel in bi->log, and says what comes next. For
 * KEPT_RESUME bi->cmdline becomes that of the run. Without such memory bi->log stays empty: a run without a log.
 */
enum kept_next kept_find(const struct app *app, struct kept *k);

#endif
