/* Contract: after unmap and flush nothing of the old mapping is used; everything else stays. */
#include "tests/dma/fixture.h"

#define LARGE_2M BIT(21)

TEST(dma_unmap,
     .id = "dma.unmap.stops",
     .given = "a page that was read and written, then unmapped and flushed",
     .expects = "both are refused; mapped again, both succeed",
     .needs = NEED_ENGINE,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_filled(t, 0x5a);
	struct domain *d = dfx_start(t);

	for (unsigned turn = 0; turn < 2; turn++) {
		dfx_map(t, d, DMA_A, p->pa, PAGE_BYTES, PERM_RW);
		expect_write(t, DMA_A, p, 0, DMA_DONE);
		expect_read(t, DMA_A, p, 0, DMA_DONE);
		expect_no_refusal_told(t);
		dfx_unmap(t, d, DMA_A, PAGE_BYTES);
		expect_write(t, DMA_A, p, 0, DMA_REFUSED);
		expect_refusal_told(t, t->engine, DMA_A, true);
		expect_read(t, DMA_A, p, 0, DMA_REFUSED);
		expect_refusal_told(t, t->engine, DMA_A, false);
	}
}

TEST(dma_unmap_middle,
     .id = "dma.unmap.middle",
     .given = "three pages mapped, the middle one unmapped",
     .expects = "only the middle one is refused",
     .needs = NEED_ENGINE_WRITE,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_alloc(t, 3 * PAGE_BYTES, 0);
	struct domain *d = dfx_start(t);

	dfx_map(t, d, DMA_A, p->pa, 3 * PAGE_BYTES, PERM_RW);
	for (unsigned i = 0; i < 3; i++)
		expect_write(t, iova_add(DMA_A, i * PAGE_BYTES), p, i * PAGE_BYTES, DMA_DONE);
	dfx_unmap(t, d, iova_add(DMA_A, PAGE_BYTES), PAGE_BYTES);
	expect_write(t, DMA_A, p, 0, DMA_DONE);
	expect_write(t, iova_add(DMA_A, 2 * PAGE_BYTES), p, 2 * PAGE_BYTES, DMA_DONE);
	expect_no_refusal_told(t);
	expect_write(t, iova_add(DMA_A, PAGE_BYTES), p, PAGE_BYTES, DMA_REFUSED);
	expect_refusal_told(t, t->engine, iova_add(DMA_A, PAGE_BYTES), true);
}

TEST(dma_unmap_split,
     .id = "dma.unmap.splits_superpage",
     .given = "2 MiB in one leaf, used, then one page of it unmapped",
     .expects = "that page is refused, its neighbours are reached as before",
     .needs = NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_alloc(t, LARGE_2M, LARGE_2M);
	struct domain *d = dfx_start(t);
	iova_t base = IOVA(align_down(DMA_A.v, LARGE_2M)), hole = iova_add(base, 100 * PAGE_BYTES);

	if (!(t->iommu->caps.page_sizes & LARGE_2M))
		skip(t, "no leaves of 2048 KiB");
	dfx_map(t, d, base, p->pa, LARGE_2M, PERM_RW);
	expect_write(t, hole, p, 100 * PAGE_BYTES, DMA_DONE);
	dfx_unmap(t, d, hole, PAGE_BYTES);
	expect_write(t, iova_add(hole, PAGE_BYTES), p, 101 * PAGE_BYTES, DMA_DONE);
	expect_write(t, IOVA(hole.v - PAGE_BYTES), p, 99 * PAGE_BYTES, DMA_DONE);
	expect_write(t, iova_add(base, LARGE_2M - PAGE_BYTES), p, LARGE_2M - PAGE_BYTES, DMA_DONE);
	expect_no_refusal_told(t);
	expect_write(t, hole, p, 100 * PAGE_BYTES, DMA_REFUSED);
	expect_refusal_told(t, t->engine, hole, true);
}

TEST(dma_unmap_counts,
     .id = "dma.unmap.counts",
     .given = "a range with holes, unmapped whole, then again",
     .expects = "the bytes that were mapped are told, then none",
     .flags = TEST_PER_BACKEND)
{
	struct domain *d = dfx_domain(t, DOMAIN_PAGED);
	pa_t pa = page_alloc(t, PAGE_BYTES, 0)->pa;
	uint64_t bytes = 0;

	dfx_map(t, d, DMA_A, pa, PAGE_BYTES, PERM_RW);
	dfx_map(t, d, iova_add(DMA_A, 5 * PAGE_BYTES), pa, PAGE_BYTES, PERM_R);
	must(t, t->iommu->ops->unmap(d, DMA_A, 8 * PAGE_BYTES, &bytes), "unmapping a range with holes");
	expect_eq(t, "bytes unmapped", bytes, 2 * PAGE_BYTES);
	must(t, t->iommu->ops->unmap(d, DMA_A, 8 * PAGE_BYTES, &bytes), "unmapping a range with holes");
	expect_eq(t, "bytes unmapped the second time", bytes, 0);
	expect_status(t, "unmap of 0 bytes", t->iommu->ops->unmap(d, DMA_A, 0, &bytes), ERR_INVALID);
}

TEST(dma_remap,
     .id = "dma.flush.remapped",
     .given = "a page used, unmapped, mapped to other memory, flushed",
     .expects = "the other memory is reached, the first one no more",
     .needs = NEED_ENGINE,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_filled(t, 1), *q = page_filled(t, 2);
	struct domain *d = dfx_start(t);
	uint64_t bytes;
	uint8_t before;

	dfx_map(t, d, DMA_A, p->pa, PAGE_BYTES, PERM_RW);
	expect_write(t, DMA_A, p, 0, DMA_DONE);
	must(t, t->iommu->ops->unmap(d, DMA_A, PAGE_BYTES, &bytes), "unmap");
	dfx_map(t, d, DMA_A, q->pa, PAGE_BYTES, PERM_RW);
	before = p->p[0];
	expect_write(t, DMA_A, q, 0, DMA_DONE);
	expect_read(t, DMA_A, q, 0, DMA_DONE);
	expect_eq(t, "first byte of the memory mapped before", p->p[0], before);
}

TEST(dma_downgrade,
     .id = "dma.flush.downgraded",
     .given = "a page mapped read-write and used, then mapped read-only, flushed",
     .expects = "reads succeed, writes are refused",
     .needs = NEED_ENGINE,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_filled(t, 1);
	struct domain *d = dfx_start(t);
	uint64_t bytes;

	dfx_map(t, d, DMA_A, p->pa, PAGE_BYTES, PERM_RW);
	expect_write(t, DMA_A, p, 0, DMA_DONE);
	must(t, t->iommu->ops->unmap(d, DMA_A, PAGE_BYTES, &bytes), "unmap");
	dfx_map(t, d, DMA_A, p->pa, PAGE_BYTES, PERM_R);
	expect_read(t, DMA_A, p, 0, DMA_DONE);
	expect_no_refusal_told(t);
	expect_write(t, DMA_A, p, 0, DMA_REFUSED);
	expect_refusal_told(t, t->engine, DMA_A, true);
}

TEST(dma_flush_many,
     .id = "dma.flush.many_pages",
     .given = "37 pages at an odd offset used, unmapped, flushed at once",
     .expects = "all of them are refused",
     .needs = NEED_ENGINE_WRITE,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_alloc(t, 37 * PAGE_BYTES, 0);
	struct domain *d = dfx_start(t);

	dfx_map(t, d, iova_add(DMA_B, 3 * PAGE_BYTES), p->pa, 37 * PAGE_BYTES, PERM_RW);
	for (unsigned i = 0; i < 37; i++)
		expect_write(t, iova_add(DMA_B, (3 + i) * PAGE_BYTES), p, i * PAGE_BYTES, DMA_DONE);
	expect_no_refusal_told(t);
	dfx_unmap(t, d, iova_add(DMA_B, 3 * PAGE_BYTES), 37 * PAGE_BYTES);
	for (unsigned i = 0; i < 37; i++) {
		expect_write(t, iova_add(DMA_B, (3 + i) * PAGE_BYTES), p, i * PAGE_BYTES, DMA_REFUSED);
		expect_refusal_told(t, t->engine, iova_add(DMA_B, (3 + i) * PAGE_BYTES), true);
	}
}

TEST(dma_lookup,
     .id = "dma.lookup.tells",
     .given = "two pages with different permissions, and a hole",
     .expects = "lookup tells address and permission, and the hole",
     .flags = TEST_PER_BACKEND)
{
	struct domain *d = dfx_domain(t, DOMAIN_PAGED);
	struct page *p = page_alloc(t, 2 * PAGE_BYTES, 0);
	unsigned perm = 0;
	pa_t pa = PA(0);

	dfx_map(t, d, DMA_A, p->pa, PAGE_BYTES, PERM_R);
	dfx_map(t, d, DMA_B, pa_add(p->pa, PAGE_BYTES), PAGE_BYTES, PERM_RW);
	expect_status(t, "lookup", t->iommu->ops->lookup(d, iova_add(DMA_A, 0x123), &pa, &perm), OK);
	expect_true(t, pa.v == p->pa.v + 0x123, "lookup keeps the offset");
	expect_eq(t, "permission of the first page", perm, PERM_R);
	expect_status(t, "lookup", t->iommu->ops->lookup(d, DMA_B, &pa, &perm), OK);
	expect_true(t, pa.v == p->pa.v + PAGE_BYTES, "lookup of the second page");
	expect_eq(t, "permission of the second page", perm, PERM_RW);
	expect_status(t, "lookup of a hole", t->iommu->ops->lookup(d, iova_add(DMA_A, PAGE_BYTES), &pa, &perm),
		      ERR_NOT_FOUND);
}
