/* Allowed, blocked, and one bit at a time. */
#include "tests/vtd/judge.h"

static bool can_read(const struct test *t)
{
	return t->engine->caps.flags & DMA_CAN_READ;
}

static bool can_write(const struct test *t)
{
	return t->engine->caps.flags & DMA_CAN_WRITE;
}

struct page *fx_start_mapped(struct test *t, enum fx_mode mode)
{
	struct page *p = page_filled(t, 0xa5);

	fx_start(t, mode);
	fx_map_page(t, IOVA_A, p);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
	return p;
}

bool expect_allowed(struct test *t, iova_t iova, struct page *p)
{
	bool good = true;

	if (can_write(t))
		good &= expect_write(t, iova, p, iova.v % PAGE_BYTES, DMA_DONE);
	if (can_read(t))
		good &= expect_read(t, iova, p, iova.v % PAGE_BYTES, DMA_DONE);
	return expect_no_fault(t) && good;
}

bool expect_blocked_as(struct test *t, iova_t iova, struct page *p, unsigned reason_read, unsigned reason_write)
{
	bool good = true;

	if (can_write(t)) {
		good &= expect_write(t, iova, p, iova.v % PAGE_BYTES, DMA_REFUSED);
		good &= expect_fault(t, reason_write, t->engine, iova, true);
	}
	if (can_read(t)) {
		good &= expect_read(t, iova, p, iova.v % PAGE_BYTES, DMA_REFUSED);
		good &= expect_fault(t, reason_read, t->engine, iova, false);
	}
	return expect_no_fault(t) && good;
}

bool expect_blocked(struct test *t, iova_t iova, struct page *p, unsigned reason)
{
	return expect_blocked_as(t, iova, p, reason, reason);
}

bool expect_blocked_silently(struct test *t, iova_t iova, struct page *p)
{
	bool good = true;

	if (can_write(t))
		good &= expect_write(t, iova, p, iova.v % PAGE_BYTES, DMA_REFUSED);
	if (can_read(t))
		good &= expect_read(t, iova, p, iova.v % PAGE_BYTES, DMA_REFUSED);
	return expect_no_fault(t) && good;
}

/* True where all is as expected with bit set. */
static bool one_bit(struct test *t, uint64_t *word, uint64_t value, struct page *p, unsigned reason)
{
	bool good;

	fx_set(t, word, value);
	fx_sync(t);
	good = reason ? expect_blocked(t, IOVA_A, p, reason) : expect_allowed(t, IOVA_A, p);
	if (!good)
		note(t, "with the word 0x%016llx", (unsigned long long)value);
	return good;
}

static bool each_bit(struct test *t, uint64_t *word, uint64_t bits, struct page *p, unsigned reason)
{
	uint64_t before = *word;
	bool good = true;

	for (uint64_t left = bits; left && good; left &= left - 1)
		good = one_bit(t, word, before | LOWBIT(left), p, reason);
	return one_bit(t, word, before, p, 0) && good;
}

bool expect_each_bit_blocks(struct test *t, uint64_t *word, uint64_t bits, struct page *p, unsigned reason)
{
	return each_bit(t, word, bits, p, reason);
}

bool expect_each_bit_harmless(struct test *t, uint64_t *word, uint64_t bits, struct page *p)
{
	return each_bit(t, word, bits, p, 0);
}

uint64_t fx_bits_above_haw(struct test *t)
{
	unsigned haw = t->bench->vtd->haw_bits;

	return haw > 63 ? 0 : BITS(63, haw);
}
