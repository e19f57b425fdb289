/*
 * Devices that Xen gave us, in the default context: DMA reaches our memory at the addresses that we know it by, and
 * what is refused takes nobody down.
 */
#include "drivers-pci/pci.h"
#include "tests/xen/guest.h"
#include <string.h>

#define BUDGET_US 30000000u
#define PAGES     3u

static uint32_t small(const struct engine *e)
{
	return (uint32_t)align_up(16, e->caps.granule_bytes);
}

static void one_write(struct test *t, struct engine *e)
{
	struct page *p = page_filled(t, 0xa5);

	(void)expect_write_by(t, e, IOVA(p->pa.v), small(e), p, 0, DMA_DONE);
}

TEST(dma_write,
     .id = "xen.dma.write",
     .given = "every engine, a write to a page of ours by its frame number",
     .expects = "the bytes arrive there",
     .needs = NEED_XEN | NEED_ENGINE_WRITE, .budget_us = BUDGET_US)
{
	for (unsigned i = 0; i < t->bench->engines_n; i++)
		one_write(t, &t->bench->engines[i]);
}

TEST(dma_read,
     .id = "xen.dma.read",
     .given = "every engine that reads, a read of a page of ours by its frame number",
     .expects = "it tells what is there",
     .needs = NEED_XEN | NEED_ENGINE_READ, .budget_us = BUDGET_US)
{
	for (unsigned i = 0; i < t->bench->engines_n; i++) {
		struct engine *e = &t->bench->engines[i];
		struct page *p = page_filled(t, 0x3c);

		if (e->caps.flags & DMA_CAN_READ)
			(void)expect_read_by(t, e, IOVA(p->pa.v), small(e), p, 0, DMA_DONE);
	}
}

TEST(dma_crossing,
     .id = "xen.dma.crossing",
     .given = "a write and a read across the border of two pages",
     .expects = "both parts arrive, both are told",
     .needs = NEED_XEN | NEED_ENGINE, .budget_us = BUDGET_US)
{
	struct engine *e = t->engine;
	struct page *p = page_alloc(t, 2 * PAGE_BYTES, 0);
	uint64_t off = PAGE_BYTES - align_up(small(e) / 2, e->caps.align_bytes);

	(void)expect_write_by(t, e, IOVA(p->pa.v + off), small(e), p, off, DMA_DONE);
	(void)expect_read_by(t, e, IOVA(p->pa.v + off), small(e), p, off, DMA_DONE);
}

TEST(dma_pages,
     .id = "xen.dma.pages",
     .given = "writes to several pages, first to last and back",
     .expects = "each lands in its own page",
     .needs = NEED_XEN | NEED_ENGINE_WRITE, .budget_us = BUDGET_US)
{
	struct page *p[PAGES];

	for (unsigned i = 0; i < PAGES; i++)
		p[i] = page_filled(t, 0xa5);
	for (unsigned i = 0; i < 2 * PAGES; i++) {
		struct page *to = p[i < PAGES ? i : 2 * PAGES - 1 - i];

		(void)expect_write_by(t, t->engine, IOVA(to->pa.v), small(t->engine), to, 0, DMA_DONE);
	}
}

TEST(dma_far,
     .id = "xen.dma.far_apart",
     .given = "two pages 32 MiB or more apart in our memory",
     .expects = "both are reached: the whole of our memory is, not its beginning alone",
     .needs = NEED_XEN | NEED_ENGINE_WRITE, .budget_us = BUDGET_US)
{
	struct page *near = page_filled(t, 0xa5), *gap, *far;

	gap = page_alloc(t, min_u64(mem_free_pages() / 2, 32 * BIT(20) / PAGE_BYTES) * PAGE_BYTES, 0);
	far = page_filled(t, 0xa5);
	note(t, "pages at 0x%llx and 0x%llx, %llu MiB between", (unsigned long long)near->pa.v,
	     (unsigned long long)far->pa.v, (unsigned long long)(gap->len_bytes / BIT(20)));
	(void)expect_write_by(t, t->engine, IOVA(near->pa.v), small(t->engine), near, 0, DMA_DONE);
	(void)expect_write_by(t, t->engine, IOVA(far->pa.v), small(t->engine), far, 0, DMA_DONE);
}

TEST(dma_two_engines,
     .id = "xen.dma.two_engines",
     .given = "two engines, each writing to a page of its own, then to the other's",
     .expects = "all four writes land",
     .needs = NEED_XEN | NEED_ENGINE_WRITE | NEED_ENGINE_2, .budget_us = BUDGET_US)
{
	struct page *a = page_filled(t, 0xa5), *b = page_filled(t, 0xa5);

	(void)expect_write_by(t, t->engine, IOVA(a->pa.v), small(t->engine), a, 0, DMA_DONE);
	(void)expect_write_by(t, t->engine2, IOVA(b->pa.v), small(t->engine2), b, 0, DMA_DONE);
	(void)expect_write_by(t, t->engine, IOVA(b->pa.v), small(t->engine), b, 0, DMA_DONE);
	(void)expect_write_by(t, t->engine2, IOVA(a->pa.v), small(t->engine2), a, 0, DMA_DONE);
}

TEST(dma_master,
     .id = "xen.dma.bus_master",
     .given = "an engine with bus mastering, without, and with it again",
     .expects = "its writes land, do not, and land again",
     .needs = NEED_XEN | NEED_ENGINE_WRITE, .budget_us = BUDGET_US)
{
	struct engine *e = t->engine;
	struct page *p = page_filled(t, 0xa5), *data = page_filled(t, 0x5a);
	struct dma_request rq = { .iova = IOVA(p->pa.v), .len_bytes = small(e), .data = data->p };
	enum dma_outcome outcome;
	uint32_t changed = 0;

	one_write(t, e);
	pci_enable(e->dev, true, false);
	(void)e->ops->write(e, &rq, &outcome); /* any status: an engine may well be unable to go on without */
	pci_enable(e->dev, true, true);
	for (uint32_t i = 0; i < PAGE_BYTES; i++)
		changed += p->p[i] != 0xa5;
	expect_eq(t, "bytes that changed without bus mastering", changed, 0);
	must(t, e->ops->reset(e), "a reset of the engine");
	one_write(t, e);
}

TEST(dma_hole,
     .id = "xen.dma.hole",
     .given = "a write to an address that is none of our memory",
     .expects = "Xen goes on, and the engine's next write lands",
     .needs = NEED_XEN | NEED_ENGINE_WRITE, .budget_us = BUDGET_US)
{
	struct engine *e = t->engine;
	struct page *data = page_filled(t, 0x5a);
	struct dma_request rq = { .iova = IOVA(mem_unbacked(PAGE_BYTES).v), .len_bytes = small(e), .data = data->p };
	enum dma_outcome outcome;

	one_write(t, e);
	(void)e->ops->write(e, &rq, &outcome); /* refused, or nobody answers */
	expect_true(t, xen_op(XEN_VERSION, XENVER_VERSION, NULL) > 0, "Xen answers");
	pci_enable(e->dev, true, true); /* Xen may have taken bus mastering away from who faults */
	if (!e->ops->alive(e))
		must(t, e->ops->reset(e), "a reset of the engine");
	one_write(t, e);
}
