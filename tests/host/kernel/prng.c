/* The generator against values computed from its published definition, and the spread of prng_below(). */
#include "kernel/hal.h"
#include "tests/host/tap.h"

int main(void)
{
	struct prng p = { { 1, 2, 3, 4 } }, q;
	unsigned counts[5] = { 0 };
	bool spread = true;

	/* xoshiro256** from state 1, 2, 3, 4: rotl(2 * 5, 7) * 9; then the state's next word 1 is 1 ^ 2 ^ 3 = 0. */
	is_u64(prng_next(&p), 11520, "first value from state 1, 2, 3, 4");
	is_u64(prng_next(&p), 0, "second value");
	is_u64(prng_next(&p), 1509978240, "third value");
	prng_seed(&p, 42);
	prng_seed(&q, 42);
	is_u64(prng_next(&p), prng_next(&q), "one seed, one sequence");
	prng_seed(&q, 43);
	ok(prng_next(&p) != prng_next(&q), "another seed, another sequence");
	for (unsigned i = 0; i < 5000; i++)
		counts[prng_below(&p, 5)]++;
	for (unsigned i = 0; i < 5; i++)
		spread &= counts[i] > 850 && counts[i] < 1150;
	ok(spread, "prng_below() is spread evenly");
	return done();
}
