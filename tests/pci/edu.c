/*
 * edu, in as few transfers as tell something, since each takes 100 ms. Its address mask shows in transfers alone (see
 * drivers-pci/engines/edu.c).
 */
#include "tests/test.h"
#include <string.h>

#define BYTES 60u

static struct engine *find_edu(struct test *t)
{
	for (unsigned i = 0; i < t->bench->engines_n; i++)
		if (!strcmp(t->bench->engines[i].ops->name, "edu"))
			return &t->bench->engines[i];
	skip_unreached(t, "no edu");
}

TEST(edu_transfers,
     .id = "pci.edu.transfers",
     .given = "edu: a write across pages, a read of other content, a read with address bit 51 set",
     .expects = "the bytes arrive, the content is told; the last one reads something else, or edu is of no use here",
     .needs = NEED_ENGINE_READ, .budget_us = 10000000)
{
	struct engine *edu = find_edu(t);
	struct page *p = page_alloc(t, 2 * PAGE_BYTES, 0);
	uint8_t data[BYTES], *target = p->p + PAGE_BYTES - 7;
	struct dma_request rq = { .iova = IOVA(p->pa.v + PAGE_BYTES - 7), .len_bytes = BYTES, .data = data };
	enum dma_outcome outcome;

	for (unsigned i = 0; i < BYTES; i++)
		data[i] = (uint8_t)prng_next(&t->prng);
	must(t, edu->ops->write(edu, &rq, &outcome), "a write");
	expect_true(t, !memcmp(target, data, BYTES), "the bytes arrive");
	expect_eq(t, "byte before them", target[-1], 0);
	expect_eq(t, "byte behind them", target[BYTES], 0);

	for (unsigned i = 0; i < BYTES; i++)
		target[i] = (uint8_t)~data[i];
	must(t, edu->ops->read(edu, &rq, &outcome), "a read");
	expect_true(t, rq.echo_n == BYTES && !memcmp(target, data, BYTES), "the content of memory is told");

	if (t->bench->machine->xen)
		return; /* what high address bits do there is a matter of the IOMMU that Xen drives */
	for (unsigned i = 0; i < BYTES; i++)
		target[i] = (uint8_t)prng_next(&t->prng);
	rq.iova.v |= BIT(51);
	must(t, edu->ops->read(edu, &rq, &outcome), "a read with address bit 51 set");
	if (!memcmp(target, data, BYTES))
		give_up(t, "edu drops address bits: its property dma_mask must be all ones");
}
