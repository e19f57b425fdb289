/*
 * The harness: from machines and options to a report. Both worlds link it: the kernel calls harness_run() for the
 * hardware, the hosted programs for model machines.
 */
#ifndef PORTCULLIS_TESTS_HARNESS_HARNESS_H
#define PORTCULLIS_TESTS_HARNESS_HARNESS_H

#include "kernel/cmdline.h"
#include "kernel/hal.h"

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_SKIP, VERDICT_TODO };

struct run_totals {
	unsigned passed, failed, skipped, todo;
};

/* Who follows a run from outside, and is told before the console is. */
struct run_follower {
	void (*plan)(unsigned tests_n);
	void (*planned)(const char *id); /* each test, in order; NULL: need not be told */
	void (*planned_all)(void); /* after the plan was told; NULL as above */
	void (*start)(unsigned number, const char *id, bool risky); /* risky: may take the machine with it */
	void (*done)(unsigned number, enum verdict verdict); /* after its report */
};

/* What the world knows of itself, for the head of the report. */
struct run_facts {
	const char *version, *loader;
	struct { const char *name, *text; } firmware[8]; /* what firmware told; those without text are not told */
	char cpu[64];
	unsigned cpus_n, ioapics_n;
	unsigned page_levels; /* 0: not known */
	bool x2apic;
	uint64_t memory_mib, tsc_mhz;
	uint64_t entry_us; /* from the kernel's first instruction to harness_run() */
	const struct run_follower *follower; /* NULL: nobody */
	struct run_totals before;            /* verdicts of earlier boots of the same run */
};

/* Runs all selected tests on all machines. Returns what the run ends with, see enum power_code in kernel/power.h. */
int harness_run(struct machine **machines, unsigned machines_n, const struct options *options,
		const struct run_facts *facts);
/* Ends a report that cannot begin or go on: one sentence and the exit status that run.sh takes. */
void harness_bail_out(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A failed test point for a test of an earlier boot that took the machine with it. */
void report_lost(unsigned number, const char *id, const char *seen);

#endif
