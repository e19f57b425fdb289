/*
 * Bit masks at absolute positions, and fields named by them.
 *
 * A field is written as the manuals write it, BITS(12, 8); its shift is derived from the mask, so that a caller
 * never writes one. No other file uses shift operators on registers or table entries.
 */
#ifndef PORTCULLIS_KERNEL_BITS_H
#define PORTCULLIS_KERNEL_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BIT(n)        (UINT64_C(1) << (n))
#define BITS(hi, lo)  ((UINT64_MAX >> (63 - (hi))) & (UINT64_MAX << (lo)))
#define LOWBIT(f)     ((f) & (~(f) + 1))
/* Field f holding v, in constant expressions (tables, initialisers). */
#define FLD(f, v)     (((uint64_t)(v) * LOWBIT(f)) & (f))

#define ARRAY_LEN(a)  (sizeof(a) / sizeof((a)[0]))

/* Value of field f in w. */
static inline uint64_t fld_get(uint64_t f, uint64_t w)
{
	return (w & f) / LOWBIT(f);
}

/* True where v fits into field f. */
static inline bool fld_fits(uint64_t f, uint64_t v)
{
	return v <= f / LOWBIT(f);
}

/* w with field f replaced by v; bits of v that do not fit are dropped, so callers check ranges with fld_fits(). */
static inline uint64_t fld_set(uint64_t f, uint64_t w, uint64_t v)
{
	return (w & ~f) | ((v * LOWBIT(f)) & f);
}

static inline uint64_t align_down(uint64_t v, uint64_t a)
{
	return v & ~(a - 1);
}

static inline uint64_t align_up(uint64_t v, uint64_t a)
{
	return align_down(v + a - 1, a);
}

static inline bool is_aligned(uint64_t v, uint64_t a)
{
	return (v & (a - 1)) == 0;
}

/* 2^n, and v * 2^n and v / 2^n: the only shifts by a variable amount (n below 64). */
static inline uint64_t pow2(unsigned n)
{
	return UINT64_C(1) << n;
}

static inline uint64_t shl(uint64_t v, unsigned n)
{
	return v << n;
}

static inline uint64_t shr(uint64_t v, unsigned n)
{
	return v >> n;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
