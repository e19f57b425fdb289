/*
 * The log of a run: append-only, in RAM that is kept over a warm reset, so that the next start can tell what this one
 * saw, and go on where it ended.
 *
 * The kernel appends, the EFI application reads, after anything may have happened to the memory between: each record
 * carries its number and checksums, the head of the log is there twice, and a reader passes over what is damaged.
 * Both of them, the unit tests and the fuzzer link the same file.
 */
#ifndef PORTCULLIS_KERNEL_RUN_LOG_H
#define PORTCULLIS_KERNEL_RUN_LOG_H

#include "kernel/bits.h"
#include "kernel/status.h"

#define RUN_LOG_BYTES       BIT(23)
#define RUN_LOG_BYTES_MIN   BIT(12)
#define RUN_LOG_PAYLOAD_MAX 0x8000u
#define RUN_LOG_ID_MAX      128
#define RUN_LOG_CMDLINE_MAX 2048

enum run_log_kind {
	LOG_RUN = 1, /* text: the kernel's command line; the first record */
	LOG_BOARD,   /* text: the board's name */
	LOG_DATE,    /* text: when the run began, as a file may be called */
	LOG_BOOT,    /* struct run_log_boot: the kernel started, for the first time or again */
	LOG_TEXT,    /* what went to the console, piece by piece */
	LOG_PLAN,    /* struct run_log_plan */
	LOG_START,   /* struct run_log_start and the test's name: written before the test runs */
	LOG_DONE,    /* struct run_log_done: its report is in the LOG_TEXT before */
	LOG_TABLE,   /* struct run_log_table and a piece of a raw ACPI table */
	LOG_BEFORE,  /* struct run_log_before: of earlier boots, whose log was lost */
	LOG_FULL,    /* from here on there was no room for text */
	LOG_END,     /* struct run_log_end: all tests of the plan ran */
};

/* Why the boot before ended without an end. */
enum run_log_loss { LOSS_NONE, LOSS_CRASH, LOSS_HANG };

enum run_log_verdict { LOG_PASSED, LOG_FAILED, LOG_SKIPPED, LOG_TODO, LOG_VERDICTS };

struct run_log_boot { uint32_t loss; };
struct run_log_plan { uint32_t tests_n; };
struct run_log_start { uint32_t number; };
struct run_log_done { uint32_t number, verdict; };
struct run_log_table { char signature[4]; uint32_t offset, total_bytes; };
struct run_log_before { uint32_t verdicts[LOG_VERDICTS]; };
struct run_log_end { uint32_t code; };

/* A log that is open. bytes is all of it; records lie one behind the other up to at. */
struct run_log {
	uint8_t *base;
	size_t bytes, at;
	uint64_t run;  /* tells records of this run from older ones in the same memory */
	uint32_t next; /* number of the next record */
};

struct run_log_record {
	uint32_t number;
	enum run_log_kind kind;
	const uint8_t *payload;
	size_t len;
};

/* Where a reader is. lost counts the records that should have been there and are not. */
struct run_log_reader {
	const struct run_log *log;
	size_t at;
	uint32_t next;
	uint32_t lost;
};

/* What the records come to. */
struct run_log_state {
	char cmdline[RUN_LOG_CMDLINE_MAX];
	uint32_t boots_n;           /* LOG_BOOT seen */
	uint32_t idle_boots_n;      /* of these, the last ones in a row that came to no test */
	uint32_t plan_n;            /* 0: not known yet */
	uint32_t started;           /* number of the test that was started last, 0: none */
	char started_id[RUN_LOG_ID_MAX];
	bool running;               /* it has no result */
	uint32_t verdicts[LOG_VERDICTS]; /* of tests that have a result; those lost to a crash or hang count as failed */
	bool ended;
	uint32_t lost;              /* records that are damaged */
};

/* Begins an empty log in [base, base + bytes). run: any number that differs from run to run. ERR_INVALID: too small. */
enum status must_use run_log_create(struct run_log *log, void *base, size_t bytes, uint64_t run);
/* Opens what an earlier start left there, to read and to append. ERR_NOT_FOUND: nothing that can be read. */
enum status must_use run_log_open(struct run_log *log, void *base, size_t bytes);
/* True where base looks like a log: a cheap look, for who searches. Reads no more than bytes. */
bool run_log_is_here(const void *base, size_t bytes);
/* Makes the log one that nobody finds any more. */
void run_log_erase(struct run_log *log);

/*
 * Adds one record of two parts (tail may be NULL) and writes it back to memory. ERR_INVALID: longer than a payload may
 * be; ERR_FULL: no room. Text is refused earlier than all else, so that names and results still fit.
 */
enum status must_use run_log_append(struct run_log *log, enum run_log_kind kind, const void *head, size_t head_len,
				    const void *tail, size_t tail_len);

struct run_log_reader run_log_read(const struct run_log *log);
/* The next record that is whole; false: there is none. The payload stays in the log. */
bool run_log_next(struct run_log_reader *r, struct run_log_record *out);
/* The number at a place in a record's payload, 0 behind its end. */
uint32_t run_log_u32(const struct run_log_record *r, size_t offset);

/* Reads the whole log. */
void run_log_state(const struct run_log *log, struct run_log_state *out);

#endif
