/* The unit under test as the fuzzer drives it. */
#ifndef PORTCULLIS_TESTS_FUZZ_BENCH_H
#define PORTCULLIS_TESTS_FUZZ_BENCH_H

#include "tests/fuzz/fuzz.h"
#include "tests/test.h"

#define FUZZ_TRY_US 20000 /* what one transfer may cost, on top of the part's budget */
#define FUZZ_TEXT   160

struct fuzz_bench {
	struct test *t;
	const struct fuzz_vendor *v;
	struct fuzz_unit facts;
	struct fuzz_arena arena;
	struct fuzz_oracle *oracle;
	unsigned pointed;        /* the vendor's own: what the unit looks at, 0: nothing yet */
	struct prng data;
	struct fuzz_case filled; /* whose contents are in the data pages */
};

/* Memory, oracle, queue. Ends the test as skipped where the unit offers nothing that the fuzzer knows. */
void fuzz_bench_open(struct test *t, struct fuzz_bench *b, const struct fuzz_vendor *v);
/* Facts about the engine; for a vendor's open(). */
void fuzz_bench_engine(struct fuzz_bench *b);
/* v->point(), and v->build(). */
void fuzz_bench_point(struct fuzz_bench *b, const struct fuzz_case *c);
void fuzz_bench_build(struct fuzz_bench *b, const struct fuzz_case *c);
void fuzz_bench_ask(struct fuzz_bench *b, const struct fuzz_case *c, unsigned alternative, struct fuzz_outcome *out);
/* Contents of the data pages: after fuzz_bench_build(), before the oracle is asked. */
void fuzz_bench_fill(struct fuzz_bench *b, const struct fuzz_case *c);
/* The engine makes the request of the case, whose contents are there; *seen is what came of it. */
void fuzz_bench_try(struct fuzz_bench *b, const struct fuzz_case *c, struct fuzz_outcome *seen);
/* Seed of the case at an index of a run: case 0 has the run's own, so that the seed of any case repeats it alone. */
uint64_t fuzz_case_seed(uint64_t seed, uint64_t index);


/* Random tables and requests: the body of a vendor's TEST_FUZZ test. */
void fuzz_run(struct test *t, const struct fuzz_vendor *v);

#endif
