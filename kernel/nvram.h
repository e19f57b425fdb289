/* persist=nvram: the run's progress in a firmware variable (kernel/nv_record.h). Metal only. */
#ifndef PORTCULLIS_KERNEL_NVRAM_H
#define PORTCULLIS_KERNEL_NVRAM_H

#include "boot/boot_info.h"
#include "kernel/cmdline.h"
#include "kernel/screen/view.h"
#include "tests/harness/harness.h"

/*
 * Before the harness: looks at the store and for a record of this very run. If there is one, the run goes on after
 * what it tells, as follow_begin() does from the log, and v gets what it tells; but where a log goes on, that one knows
 * better (NULL: none does). Returns one sentence for the report: what is kept, or why nothing is.
 */
const char *nvram_begin(const struct boot_info *bi, struct options *options, struct run_facts *facts, struct view *v,
			const struct run_log *goes_on);
/* Verdicts that the record has of boots whose log was lost, for the log: the test below is not among them. */
void nvram_before(uint32_t verdicts[VIEW_VERDICTS]);
/* The test that took the machine with it, of the record: its number and name; 0: none. Told once. */
uint32_t nvram_lost(const char **id);
/* The plan is known, a test starts (risky: it may take the machine with it), it has a verdict, the run is over. */
void nvram_plan(const struct view *v);
void nvram_start(const struct view *v, uint32_t number, const char *id, bool risky);
void nvram_done(const struct view *v, uint32_t number, bool failed);
void nvram_end(const struct view *v);

#endif
