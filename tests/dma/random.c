/*
 * Contract: a random run of maps, unmaps and DMA against a shadow map. The seed is in the report's repeat line; the step
 * that failed is in its notes.
 */
#include "tests/dma/fixture.h"
#include <string.h>

#define SLOTS  64
#define STEPS  150
#define BACK_N 16

struct shadow {
	struct test *t;
	struct domain *d;
	struct page *back;          /* BACK_N pages */
	iova_t base;
	uint8_t page[SLOTS];        /* index into back + 1, 0: not mapped */
	uint8_t perm[SLOTS];
};

static void step_map(struct shadow *s)
{
	struct test *t = s->t;
	unsigned slot = (unsigned)prng_below(&t->prng, SLOTS), n = 1 + (unsigned)prng_below(&t->prng, 4);
	unsigned from = (unsigned)prng_below(&t->prng, BACK_N - 3);
	unsigned perm = prng_below(&t->prng, 3) ? PERM_RW : PERM_R;
	bool taken = false;
	enum status seen;

	n = (unsigned)min_u64(n, SLOTS - slot);
	for (unsigned i = 0; i < n; i++)
		taken |= s->page[slot + i] != 0;
	seen = t->iommu->ops->map(s->d, iova_add(s->base, slot * PAGE_BYTES), pa_add(s->back->pa, from * PAGE_BYTES),
				  n * PAGE_BYTES, perm, 0);
	expect_status(t, taken ? "map over mapped pages" : "map", seen, taken ? ERR_EXISTS : OK);
	if (seen != OK)
		return;
	must(t, t->iommu->ops->flush(s->d, iova_add(s->base, slot * PAGE_BYTES), n * PAGE_BYTES), "flush");
	for (unsigned i = 0; i < n; i++) {
		s->page[slot + i] = (uint8_t)(from + i + 1); /* at most BACK_N */
		s->perm[slot + i] = (uint8_t)perm;
	}
}

static void step_unmap(struct shadow *s)
{
	struct test *t = s->t;
	unsigned slot = (unsigned)prng_below(&t->prng, SLOTS), n = 1 + (unsigned)prng_below(&t->prng, 8), mapped = 0;
	uint64_t bytes = 0;

	n = (unsigned)min_u64(n, SLOTS - slot);
	for (unsigned i = 0; i < n; i++)
		mapped += s->page[slot + i] != 0;
	must(t, t->iommu->ops->unmap(s->d, iova_add(s->base, slot * PAGE_BYTES), n * PAGE_BYTES, &bytes), "unmap");
	expect_eq(t, "bytes unmapped", bytes, mapped * PAGE_BYTES);
	must(t, t->iommu->ops->flush(s->d, iova_add(s->base, slot * PAGE_BYTES), n * PAGE_BYTES), "flush");
	memset(s->page + slot, 0, n);
}

static void step_dma(struct shadow *s)
{
	struct test *t = s->t;
	unsigned slot = (unsigned)prng_below(&t->prng, SLOTS), page = s->page[slot];
	bool write = prng_below(&t->prng, 2);
	bool allowed = page && (!write || (s->perm[slot] & PERM_W));
	iova_t iova = iova_add(s->base, slot * PAGE_BYTES);
	uint64_t off = page ? (page - 1) * PAGE_BYTES : 0;

	if (write)
		expect_write(t, iova, s->back, off, allowed ? DMA_DONE : DMA_REFUSED);
	else
		expect_read(t, iova, s->back, off, allowed ? DMA_DONE : DMA_REFUSED);
	if (!allowed)
		expect_refusal_told(t, t->engine, iova, write);
}

TEST(dma_random,
     .id = "dma.random.shadow",
     .given = "a random run of maps, unmaps, reads and writes in 64 pages",
     .expects = "each is as the shadow map says",
     .needs = NEED_ENGINE | NEED_ENGINE_DIRECT,
     .flags = TEST_PER_BACKEND,
     .budget_us = 5000000)
{
	struct shadow s = { .t = t };

	s.d = dfx_start(t);
	s.back = page_alloc(t, BACK_N * PAGE_BYTES, 0);
	s.base = DMA_B;
	for (unsigned step = 0; step < STEPS; step++) {
		switch (prng_below(&t->prng, 4)) {
		case 0: step_map(&s); break;
		case 1: step_unmap(&s); break;
		default: step_dma(&s);
		}
	}
	expect_no_refusal_told(t);
}
