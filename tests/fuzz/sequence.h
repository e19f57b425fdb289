/*
 * The fuzzer's other half: random sequences of table edits, invalidations and DMA, checked against what the
 * specification allows.
 *
 * An edit is stale until the commands that its kind of entry needs have come, in order, with a scope that covers it.
 * What a request may meet is what the oracle says of the tables with any of the stale edits undone: hardware may have
 * kept each of them, or not. Once an edit is settled, only its new value counts.
 */
#ifndef PORTCULLIS_TESTS_FUZZ_SEQUENCE_H
#define PORTCULLIS_TESTS_FUZZ_SEQUENCE_H

#include "tests/fuzz/bench.h"

#define FUZZ_STALE_MAX 3
#define FUZZ_NEEDS_MAX 3
#define FUZZ_SEQUENCE_CASES 20 /* of fuzz_run(): what one sequence costs */

struct fuzz_change {
	uint64_t *word;
	uint64_t old, new;
	uint8_t needs[FUZZ_NEEDS_MAX]; /* weakest command that will do, by stage */
	uint8_t needs_n, done;
	const char *what;
};

struct fuzz_sequence {
	struct fuzz_bench b;
	const struct fuzz_caches *v;
	struct fuzz_case c;
	struct prng r;
	struct fuzz_change stale[FUZZ_STALE_MAX];
	unsigned stale_n;
	unsigned checked, known;
};

/* What a vendor's caches are told. Commands are numbers below commands_n, the vendor's own. */
struct fuzz_caches {
	const struct fuzz_vendor *vendor;
	const char *test;                /* glob for its id */
	uint32_t modes;                  /* bit n: mode n has tables that sequences change */
	const char *const *commands;     /* names */
	unsigned commands_n;
	/* A case whose legal tables choose() understands. */
	bool (*suits)(const struct fuzz_case *c);
	bool (*offered)(const struct fuzz_sequence *s, unsigned command);
	void (*send)(struct fuzz_sequence *s, unsigned command);
	/* Whether doing one drops at least what needing the other asks for: same cache, wider scope. */
	bool (*enough)(unsigned done, unsigned need);
	/* All that settles every change. */
	void (*settle)(struct fuzz_sequence *s);
	void (*choose)(struct fuzz_sequence *s, struct fuzz_change *change);
	/* After a word was written, and is in memory. */
	void (*written)(struct fuzz_sequence *s);
	/* A deviation that options->known names explains it. */
	bool (*known)(struct fuzz_sequence *s, const struct fuzz_outcome *seen);
};

/* One of the outcomes that the stale changes leave open; readings: as for the vendor's pretend(), 0: the oracle's. */
bool fuzz_sequence_allows(struct fuzz_sequence *s, const struct fuzz_outcome *seen, unsigned readings);
/* Sends a command, and takes note of what it settles. */
void fuzz_sequence_command(struct fuzz_sequence *s, unsigned command);

/* Random sequences: the body of a vendor's TEST_FUZZ test. */
void fuzz_sequences_run(struct test *t, const struct fuzz_caches *v);

#endif
