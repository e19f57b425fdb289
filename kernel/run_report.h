/*
 * From the log of a run to what a reader of reports wants: the TAP stream, results.json as the runner on a desk writes
 * it, a description of the machine, a summary in a few lines. Pure functions of the log; both the EFI application and
 * the unit tests link them.
 */
#ifndef PORTCULLIS_KERNEL_RUN_REPORT_H
#define PORTCULLIS_KERNEL_RUN_REPORT_H

#include "kernel/run_log.h"

#define REPORT_TEXT_MAX 256
#define REPORT_LIST_MAX 512
#define REPORT_LINE_MAX 8192
#define REPORT_IOMMUS_MAX 8
#define REPORT_JSON_MAX 2048

/* Takes the next n bytes of a file; called as often as it needs. */
typedef void (*report_put)(void *arg, const char *text, size_t n);

/*
 * The TAP stream: what the console said, in order. The head that a later boot printed again is left out, and a test
 * that took the machine with it has a failed point where its report would be.
 */
void run_report_tap(const struct run_log *log, report_put put, void *arg);
/* results.json. */
void run_report_json(const struct run_log *log, report_put put, void *arg);
/* machine.json: board, date, command line, and what the kernel said of processor, IOMMUs and engines. */
void run_report_machine(const struct run_log *log, report_put put, void *arg);
/* A raw ACPI table as the log holds it. Returns how many bytes it should have, 0: the log has none. */
uint32_t run_report_table(const struct run_log *log, const char signature[4], report_put put, void *arg);

struct report_counts {
	uint32_t total, passed, failed, skipped, todo;
};

/* The verdicts of the TAP stream. */
void run_report_counts(const struct run_log *log, struct report_counts *out);

/* ---- the reader of TAP that they are made with ---- */

enum report_directive { DIRECTIVE_NONE, DIRECTIVE_SKIP, DIRECTIVE_TODO };

/* A test point with what its block says. Texts are decoded; what did not fit is cut. */
struct report_point {
	uint32_t number;
	bool ok;
	enum report_directive directive;
	char id[RUN_LOG_ID_MAX];
	char reason[REPORT_TEXT_MAX];       /* behind the directive */
	char kind[16];
	char requirements[REPORT_LIST_MAX]; /* "A-1, A-2" */
	char said[REPORT_TEXT_MAX];         /* the block's reason */
	char expected[REPORT_TEXT_MAX], seen[REPORT_TEXT_MAX]; /* the first failure */
	uint32_t failures_n;
	bool has_us;
	uint64_t us;
};

struct report_reader {
	void (*on_point)(void *arg, const struct report_point *p);
	void (*on_meta)(void *arg, const char *key, const char *value); /* "# @key value"; may be NULL */
	void (*on_bail)(void *arg, const char *sentence); /* "Bail out! sentence"; may be NULL */
	void *arg;
	char line[REPORT_LINE_MAX];
	size_t n;
	bool waiting, in_block; /* a point is not complete yet; its block is open */
	struct report_point point;
};

/* Feeds the reader; is a report_put with the reader as its argument. */
void report_read(void *reader, const char *text, size_t n);
/* The end of the stream: gives out what was held back. */
void report_read_end(struct report_reader *r);

#endif
