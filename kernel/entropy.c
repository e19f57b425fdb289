/* Unforeseeable numbers: the processor's generator, else the jitter of the TSC against port I/O. */
#include "kernel/cpu.h"
#include "kernel/hal.h"

#define TRIES         16
#define JITTER_ROUNDS 64
#define PORT_DELAY    0x80 /* the POST code port: a slow, harmless access */

static bool rdrand(uint64_t *out)
{
	uint32_t r[4];
	uint8_t good = 0;

	cpuid(1, 0, r);
	if (!(r[2] & CPUID1_ECX_RDRAND))
		return false;
	for (unsigned i = 0; i < TRIES && !good; i++)
		__asm__ volatile("rdrand %0; setc %1" : "=r"(*out), "=qm"(good) : : "cc");
	return good;
}

uint64_t entropy(void)
{
	struct prng mix;
	uint64_t v = 0;

	if (rdrand(&v))
		return v;
	for (unsigned i = 0; i < JITTER_ROUNDS; i++) {
		out8(PORT_DELAY, 0);
		prng_seed(&mix, v ^ tsc());
		v = prng_next(&mix);
	}
	return v;
}
