/* The unit under test as the fuzzer drives it. */
#ifndef PORTCULLIS_TESTS_FUZZ_BENCH_H
#define PORTCULLIS_TESTS_FUZZ_BENCH_H

#include "drivers-iommu/vtd/unit.h"
#include "tests/fuzz/fuzz.h"
#include "tests/test.h"

#define FUZZ_TRY_US 20000 /* what one transfer may cost, on top of the part's budget */
#define FUZZ_TEXT   160

struct fuzz_bench {
	struct test *t;
	struct vtd_unit *u;
	struct fuzz_unit facts;
	struct fuzz_arena arena;
	struct fuzz_oracle *oracle;
	bool rooted;
	enum vtd_ttm ttm;
	struct prng data;
	struct fuzz_case filled; /* whose contents are in the data pages */
};

/* Memory, oracle, queue. Ends the test as skipped where the unit offers nothing that the fuzzer knows. */
void fuzz_bench_open(struct test *t, struct fuzz_bench *b);
/* The unit looks at the arena's tables, in the mode of the case, with empty caches, translation on. */
void fuzz_bench_point(struct fuzz_bench *b, const struct fuzz_case *c);
/* Contents of the data pages: after fuzz_build(), before the oracle is asked. */
void fuzz_bench_fill(struct fuzz_bench *b, const struct fuzz_case *c);
/* The engine makes the request of the case, whose contents are there; *seen is what came of it. */
void fuzz_bench_try(struct fuzz_bench *b, const struct fuzz_case *c, struct fuzz_outcome *seen);
/* Seed of the case at an index of a run: case 0 has the run's own, so that the seed of any case repeats it alone. */
uint64_t fuzz_case_seed(uint64_t seed, uint64_t index);

#endif
