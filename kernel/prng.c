/* xoshiro256** by Blackman and Vigna, seeded through splitmix64 as its authors advise. */
#include "kernel/hal.h"

static uint64_t rotate_left(uint64_t v, unsigned n)
{
	return shl(v, n) | shr(v, 64 - n);
}

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ shr(z, 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ shr(z, 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ shr(z, 31);
}

void prng_seed(struct prng *p, uint64_t seed)
{
	for (unsigned i = 0; i < 4; i++)
		p->s[i] = splitmix(&seed);
}

uint64_t prng_next(struct prng *p)
{
	uint64_t *s = p->s;
	uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t t = shl(s[1], 17);

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

uint64_t prng_below(struct prng *p, uint64_t n)
{
	uint64_t limit = UINT64_MAX - UINT64_MAX % n;
	uint64_t v = prng_next(p);

	/* Rejection keeps it uniform; each turn succeeds with more than one half. */
	for (unsigned i = 0; v >= limit && i < 128; i++)
		v = prng_next(p);
	return v % n;
}
