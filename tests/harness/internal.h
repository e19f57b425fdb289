/* What the files of the harness share. */
#ifndef PORTCULLIS_TESTS_HARNESS_INTERNAL_H
#define PORTCULLIS_TESTS_HARNESS_INTERNAL_H

#include "tests/harness/harness.h"
#include "tests/test.h"

#define TEST_ID_MAX    128
#define TEXT_MAX       160
#define FAILURES_MAX   8
#define NOTES_MAX      24
#define TEST_PAGES_MAX 64
#define TEST_IRQS_MAX  8

enum fail_kind { FAIL_VERDICT, FAIL_SETUP, FAIL_CRASH, FAIL_HANG };

struct failure {
	char expected[TEXT_MAX], seen[TEXT_MAX];
};

/* One place in the plan: a test on a bench, on a backend where it runs once for each. */
struct instance {
	const struct test_desc *desc;
	struct bench *bench;
	const struct backend *backend;
	unsigned part; /* TEST_FUZZ */
};

/* A test while it runs. The body sees only the first member. */
struct test_run {
	struct test test;
	const struct backend *backend;
	char id[TEST_ID_MAX];
	enum verdict verdict;
	enum fail_kind kind;
	bool unreached;              /* of a skip */
	bool out_of_memory;
	char reason[TEXT_MAX];       /* of a skip, set-up failure, crash or hang */
	struct failure failures[FAILURES_MAX];
	unsigned failures_n, failures_dropped;
	char notes[NOTES_MAX][TEXT_MAX];
	unsigned notes_n;
	char observed[TEXT_MAX];
	char told[TEXT_MAX];
	struct page pages[TEST_PAGES_MAX];
	unsigned pages_n;
	unsigned irqs[TEST_IRQS_MAX];
	unsigned irqs_n;
	uint64_t us;
};

static inline struct test_run *run_of(struct test *t)
{
	return (struct test_run *)t; /* test is its first member */
}

/* ---- select.c ---- */

struct plan {
	struct instance *instances;
	unsigned n;
	pa_t memory;
	size_t memory_bytes;
};

/* All selected instances in the order that they run in: a pure function of benches and options. */
enum status must_use plan_make(struct bench *benches, unsigned benches_n, const struct options *o, struct plan *out);
void plan_free(struct plan *p);
void instance_id(const struct instance *in, char id[TEST_ID_MAX]);
/* Whether it may take the machine with it. */
bool instance_risky(const struct instance *in);

/* ---- bench.c ---- */

/* Finds everything on a machine and reports it to the console. Errors are told in why (TEXT_MAX bytes). */
enum status must_use bench_open(struct bench *b, struct machine *m, const struct options *o, char *why);
void bench_close(struct bench *b);
/* Back to a clean unit and idle engines, whatever the test before did. */
void bench_clean(struct bench *b);
/* Chooses t's engines and makes its backend. NULL, or what the test lacks; *unreached tells the kind of skip. */
const char *bench_provide(struct bench *b, struct test *t, const struct backend *backend, bool *unreached);

/* ---- vtd_bench.c ---- */

/*
 * Reads the DMAR, keeps RMRRs out of the allocator, takes over every unit. OK also where there is no DMAR. Errors are
 * told in why (TEXT_MAX bytes).
 */
enum status must_use vtd_bench_open(struct bench *b, char *why);
/* Denies the functions that have an RMRR, before engines are looked for. */
void vtd_bench_deny(struct bench *b);
/* True where the unit under test serves such a function, whose DMA must go on. */
bool vtd_bench_keeps(const struct bench *b);
/*
 * Once engines are known: the unit under test is that of the best engine, a unit that keeps nothing before others, and
 * engines behind other units go.
 */
void vtd_bench_choose(struct bench *b);
/* Between tests: quiet; translation may stay on with nothing present, since turning it off and on is slow. */
void vtd_bench_clean(struct bench *b);
/* Before tests that know of no IOMMU. */
void vtd_bench_translation_off(struct bench *b);
void vtd_bench_close(struct bench *b);
/* The first capability of needs that the unit does not claim, as text; NULL: it has them all. */
const char *vtd_bench_lacks(const struct bench *b, uint64_t needs);

/* ---- vtd_backends.c ---- */

/* The modes that b->vtd can be driven in become backends of the bench. */
void vtd_backends_add(struct bench *b);

/* ---- amdvi_bench.c, amdvi_backends.c: as those of VT-d, from the IVRS ---- */

enum status must_use amdvi_bench_open(struct bench *b, char *why);
void amdvi_bench_deny(struct bench *b);
bool amdvi_bench_keeps(const struct bench *b);
void amdvi_bench_choose(struct bench *b);
void amdvi_bench_clean(struct bench *b);
void amdvi_bench_close(struct bench *b);
const char *amdvi_bench_lacks(const struct bench *b, uint64_t needs);
void amdvi_backends_add(struct bench *b);

/* ---- pviommu_bench.c ---- */

/* Once engines and backends are known: PV-IOMMU becomes the only backend where there is one. Errors: see why. */
enum status must_use pviommu_bench_open(struct bench *b, const struct options *o, char *why);
/* A fresh reference for a test that asks for PV-IOMMU; where it fails, there is none, which the fixture tells. */
void pviommu_bench_provide(struct bench *b, const struct test *t);
void pviommu_bench_clean(struct bench *b);
/* After all that: what the reference had to complain of, and memory that is gone, fail the test. */
void pviommu_bench_judge(struct test *t);
void pviommu_bench_close(struct bench *b);

/* ---- report.c ---- */

void report_head(const struct run_facts *facts);
void report_plan(unsigned n, uint64_t boot_us);
void report_start(unsigned number, const char *id);
void report_result(unsigned number, const struct test_run *r, const char *platform);

/* ---- gen/catalogue.c ---- */

struct catalogue_row {
	const char *id;
	bool low_confidence; /* prior knowledge alone, or an unsure point: never accuses */
};
extern const struct catalogue_row catalogue[]; /* sorted by id */
extern const unsigned catalogue_n;
/* True where every id of the list (blanks between) is of low confidence, and there is one. */
bool catalogue_all_low(const char *checks);

#endif
