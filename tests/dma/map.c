/* Contract: what is mapped can be reached, with the permissions that it was mapped with, and nothing else. */
#include "tests/dma/fixture.h"
#include <string.h>

#define LARGE_2M BIT(21)
#define LARGE_1G BIT(30)

TEST(dma_map_rw,
     .id = "dma.map.read_write",
     .given = "one page mapped read-write",
     .expects = "writes land in it, reads come from it, at any offset",
     .needs = NEED_ENGINE,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_filled(t, 0x5a);
	struct domain *d = dfx_start(t);
	uint32_t step = (uint32_t)max_u64(t->engine->caps.granule_bytes, 16);

	dfx_map(t, d, DMA_A, p->pa, PAGE_BYTES, PERM_RW);
	for (uint64_t off = 0; off < PAGE_BYTES; off = off ? off * 4 : step) {
		expect_write(t, iova_add(DMA_A, off), p, off, DMA_DONE);
		expect_read(t, iova_add(DMA_A, off), p, off, DMA_DONE);
	}
	expect_write(t, iova_add(DMA_A, PAGE_BYTES - step), p, PAGE_BYTES - step, DMA_DONE);
	expect_no_refusal_told(t);
}

TEST(dma_map_read_only,
     .id = "dma.map.read_only",
     .given = "one page mapped read-only",
     .expects = "reads succeed, writes are refused and change nothing",
     .needs = NEED_ENGINE,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_filled(t, 0x5a);
	struct domain *d = dfx_start(t);

	dfx_map(t, d, DMA_A, p->pa, PAGE_BYTES, PERM_R);
	expect_read(t, DMA_A, p, 0, DMA_DONE);
	expect_no_refusal_told(t);
	expect_write(t, DMA_A, p, 0, DMA_REFUSED);
	expect_refusal_told(t, t->engine, DMA_A, true);
}

TEST(dma_map_write_only,
     .id = "dma.map.write_only",
     .given = "one page mapped write-only, where the backend has that",
     .expects = "writes succeed, reads are refused",
     .needs = NEED_ENGINE,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_filled(t, 0x5a);
	struct domain *d = dfx_start(t);

	if (!(t->iommu->caps.flags & IOMMU_HAS_WRITE_ONLY)) {
		expect_status(t, "map write-only",
			      t->iommu->ops->map(d, DMA_A, p->pa, PAGE_BYTES, PERM_W, 0), ERR_UNSUPPORTED);
		return;
	}
	dfx_map(t, d, DMA_A, p->pa, PAGE_BYTES, PERM_W);
	expect_write(t, DMA_A, p, 0, DMA_DONE);
	expect_no_refusal_told(t);
	expect_read(t, DMA_A, p, 0, DMA_REFUSED);
	expect_refusal_told(t, t->engine, DMA_A, false);
}

TEST(dma_map_neighbours,
     .id = "dma.map.only_that_page",
     .given = "one page mapped",
     .expects = "the pages before and behind it stay refused",
     .needs = NEED_ENGINE_WRITE,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_alloc(t, 3 * PAGE_BYTES, 0);
	struct domain *d = dfx_start(t);

	dfx_map(t, d, iova_add(DMA_A, PAGE_BYTES), pa_add(p->pa, PAGE_BYTES), PAGE_BYTES, PERM_RW);
	expect_write(t, iova_add(DMA_A, PAGE_BYTES), p, PAGE_BYTES, DMA_DONE);
	expect_write(t, DMA_A, p, 0, DMA_REFUSED);
	expect_refusal_told(t, t->engine, DMA_A, true);
	expect_write(t, iova_add(DMA_A, 2 * PAGE_BYTES), p, 2 * PAGE_BYTES, DMA_REFUSED);
	expect_refusal_told(t, t->engine, iova_add(DMA_A, 2 * PAGE_BYTES), true);
}

/* Half of the transfers that cross a boundary. */
static uint32_t half_bytes(const struct test *t)
{
	return (uint32_t)align_up(16, t->engine->caps.granule_bytes);
}

/* A leaf of a size: both ends and the middle are reached; the memory is a window onto that size around our page. */
static void superpage(struct test *t, uint64_t size, unsigned max_page_bits)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct domain *d = dfx_start(t);
	pa_t base = PA(align_down(p->pa.v, size));
	iova_t iova = IOVA(align_down(DMA_A.v, size));

	if (!(t->iommu->caps.page_sizes & size))
		skip(t, "no leaves of %llu KiB", (unsigned long long)(size / 1024));
	must(t, t->iommu->ops->map(d, iova, base, size, PERM_RW, max_page_bits), "mapping a large page");
	must(t, t->iommu->ops->flush(d, iova, size), "flushing after a map");
	expect_write(t, iova_add(iova, p->pa.v - base.v), p, 0, DMA_DONE);
	expect_read(t, iova_add(iova, p->pa.v - base.v + PAGE_BYTES / 2), p, PAGE_BYTES / 2, DMA_DONE);
	expect_no_refusal_told(t);
	/* Nothing of ours lies there to look at, and not every engine can tell a refusal: the record does. */
	(void)try_write(t, t->engine, iova_add(iova, size), half_bytes(t), NULL, 0);
	expect_refusal_told(t, t->engine, iova_add(iova, size), true);
}

TEST(dma_superpage_2m,
     .id = "dma.map.superpage_2m",
     .given = "2 MiB mapped with the largest leaves",
     .expects = "addresses inside keep their offset; the address behind is refused",
     .needs = NEED_ENGINE | NEED_ENGINE_DIRECT,
     .flags = TEST_PER_BACKEND)
{
	superpage(t, LARGE_2M, 0);
}

TEST(dma_superpage_1g,
     .id = "dma.map.superpage_1g",
     .given = "1 GiB mapped with the largest leaves",
     .expects = "addresses inside keep their offset; the address behind is refused",
     .needs = NEED_ENGINE | NEED_ENGINE_DIRECT,
     .flags = TEST_PER_BACKEND)
{
	superpage(t, LARGE_1G, 0);
}

TEST(dma_superpage_bound,
     .id = "dma.map.bounded_leaves",
     .given = "2 MiB mapped with leaves of 4 KiB at most",
     .expects = "the same reachability as with large leaves",
     .needs = NEED_ENGINE | NEED_ENGINE_DIRECT,
     .flags = TEST_PER_BACKEND)
{
	superpage(t, LARGE_2M, 12);
}

static bool changed(const struct page *p, uint64_t off, uint32_t n, uint8_t filled)
{
	for (uint32_t i = 0; i < n; i++)
		if (p->p[off + i] != filled)
			return true;
	return false;
}

TEST(dma_cross,
     .id = "dma.map.crossing",
     .given = "two IOVA pages mapped to two pages in reverse order",
     .expects = "a transfer across the boundary goes to both",
     .needs = NEED_ENGINE,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_alloc(t, 2 * PAGE_BYTES, 0);
	struct domain *d = dfx_start(t);
	uint32_t half = half_bytes(t);

	memset(p->p, 0xa5, 2 * PAGE_BYTES);
	dfx_map(t, d, DMA_A, pa_add(p->pa, PAGE_BYTES), PAGE_BYTES, PERM_RW);
	dfx_map(t, d, iova_add(DMA_A, PAGE_BYTES), p->pa, PAGE_BYTES, PERM_RW);
	(void)try_write(t, t->engine, iova_add(DMA_A, PAGE_BYTES - half), 2 * half, NULL, 0); /* the data tell */
	expect_true(t, changed(p, 2 * PAGE_BYTES - half, half, 0xa5), "the end of the first page's target changed");
	expect_true(t, changed(p, 0, half, 0xa5), "the start of the second page's target changed");
	expect_true(t, !changed(p, half, 2 * PAGE_BYTES - 2 * half, 0xa5), "nothing else changed");
	expect_no_refusal_told(t);
}

TEST(dma_cross_hole,
     .id = "dma.map.crossing_into_hole",
     .given = "one page mapped, the next one not",
     .expects = "a transfer across the boundary is refused for the second page, and the record names that page",
     .needs = NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_alloc(t, 2 * PAGE_BYTES, 0);
	struct domain *d = dfx_start(t);
	uint32_t half = half_bytes(t);

	dfx_map(t, d, DMA_A, p->pa, PAGE_BYTES, PERM_RW);
	expect_write(t, iova_add(DMA_A, PAGE_BYTES - half), p, PAGE_BYTES - half, DMA_DONE);
	(void)try_write(t, t->engine, iova_add(DMA_A, PAGE_BYTES - half), 2 * half, NULL, 0);
	expect_refusal_told(t, t->engine, iova_add(DMA_A, PAGE_BYTES), true);
	expect_eq(t, "first byte behind the mapped page", p->p[PAGE_BYTES], 0);
}

TEST(dma_map_bad,
     .id = "dma.map.bad_ranges",
     .given = "ranges that are empty, misaligned, without permission, beyond the width, or that wrap",
     .expects = "each is refused as invalid",
     .flags = TEST_PER_BACKEND)
{
	struct domain *d = dfx_domain(t, DOMAIN_PAGED);
	const struct iommu_ops *ops = t->iommu->ops;
	pa_t pa = page_alloc(t, PAGE_BYTES, 0)->pa;
	uint64_t top = pow2(t->iommu->caps.input_bits);

	expect_status(t, "map of 0 bytes", ops->map(d, DMA_A, pa, 0, PERM_RW, 0), ERR_INVALID);
	expect_status(t, "map at half a page", ops->map(d, iova_add(DMA_A, 2048), pa, PAGE_BYTES, PERM_RW, 0), ERR_INVALID);
	expect_status(t, "map of half a page", ops->map(d, DMA_A, pa, 2048, PERM_RW, 0), ERR_INVALID);
	expect_status(t, "map to half a page", ops->map(d, DMA_A, pa_add(pa, 2048), PAGE_BYTES, PERM_RW, 0), ERR_INVALID);
	expect_status(t, "map without permission", ops->map(d, DMA_A, pa, PAGE_BYTES, 0, 0), ERR_INVALID);
	expect_status(t, "map of unknown permission", ops->map(d, DMA_A, pa, PAGE_BYTES, 8 | PERM_RW, 0), ERR_INVALID);
	expect_status(t, "map across the width", ops->map(d, IOVA(top - PAGE_BYTES), pa, 2 * PAGE_BYTES, PERM_RW, 0),
		      ERR_INVALID);
	expect_status(t, "map that wraps", ops->map(d, DMA_A, pa, UINT64_MAX - PAGE_BYTES + 1, PERM_RW, 0), ERR_INVALID);
}

TEST(dma_map_top,
     .id = "dma.map.top_of_width",
     .given = "the last page of the input width mapped",
     .expects = "it is reached",
     .needs = NEED_ENGINE_WRITE,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_filled(t, 0);
	struct domain *d = dfx_start(t);
	iova_t last = IOVA(pow2(t->iommu->caps.input_bits) - PAGE_BYTES);

	dfx_map(t, d, last, p->pa, PAGE_BYTES, PERM_RW);
	expect_write(t, last, p, 0, DMA_DONE);
	expect_no_refusal_told(t);
}

TEST(dma_map_overlap,
     .id = "dma.map.overlap",
     .given = "a range whose last page is mapped already",
     .expects = "the map says so and changes nothing",
     .needs = NEED_ENGINE_WRITE,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_alloc(t, 4 * PAGE_BYTES, 0);
	struct domain *d = dfx_start(t);
	const struct iommu_ops *ops = t->iommu->ops;

	dfx_map(t, d, iova_add(DMA_A, 2 * PAGE_BYTES), p->pa, PAGE_BYTES, PERM_RW);
	expect_status(t, "map over a mapped page",
		      ops->map(d, DMA_A, pa_add(p->pa, PAGE_BYTES), 3 * PAGE_BYTES, PERM_RW, 0), ERR_EXISTS);
	must(t, ops->flush(d, DMA_A, 3 * PAGE_BYTES), "flush");
	expect_write(t, iova_add(DMA_A, 2 * PAGE_BYTES), p, 0, DMA_DONE);
	expect_no_refusal_told(t);
	expect_write(t, DMA_A, p, PAGE_BYTES, DMA_REFUSED);
	expect_refusal_told(t, t->engine, DMA_A, true);
}
