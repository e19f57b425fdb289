/*
 * The kernel's command line: words separated by blanks, "name" or "name=value". Unknown words are refused with a
 * sentence; nothing is guessed.
 */
#ifndef PORTCULLIS_KERNEL_CMDLINE_H
#define PORTCULLIS_KERNEL_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/status.h"

#define CMDLINE_TEXT_MAX 1024

struct options {
	char tests[CMDLINE_TEXT_MAX]; /* globs, "" = all */
	char skip[CMDLINE_TEXT_MAX];  /* globs, "" = none */
	char engine[32];              /* "" = the best */
	char platform[32];
	char console[32];
	char model[64];               /* model machines beside the hardware: "" none, "on" all, or names */
	char pviommu[8];              /* revision of PV-IOMMU: T, H, I, F; "" or auto: as it is found; see docs/pviommu.md */
	char persist[16];             /* "nvram": progress in a firmware variable, "" not */
	char known[256];              /* deviations that the fuzzer passes over, by name */
	uint64_t seed;                /* 0: one that nobody can foresee */
	uint32_t resume;              /* first test of the plan to run, 1 = all */
	uint64_t fuzz;                /* cases of the differential fuzzer, 0 = the tests */
	bool shuffle, bench, hazard, scratch, list, check_only;
	bool flr;                     /* engines are reset before and after on emulated machines, too */
};

/* Parses line into o (defaults first). ERR_INVALID: *why (of why_len) is one sentence that names the word. */
enum status must_use cmdline_parse(const char *line, struct options *o, char *why, size_t why_len);

#endif
