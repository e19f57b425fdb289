/* PV-IOMMU: page sizes, permissions and flags of map_pages. */
#include "tests/pviommu/fixture.h"

#define LARGE BIT(21)

static int64_t map_with(struct test *t, uint16_t ctx, pa_t pa, uint32_t flags, uint32_t pgsize)
{
	uint32_t n = 0;

	return pvio_map_pages(pvx(t), &(struct pvio_range){ .ctx_no = ctx, .dfn = PVX_A, .gfn = gfn_of(pa), .flags = flags,
							    .pgsize = pgsize, .nr_pages = 1 }, &n);
}

TEST(pviommu_map_permissions,
     .id = "pviommu.flags.permissions",
     .checks = "PVI-101",
     .given = "a page mapped read-write, read-only, write-only, and without any permission",
     .expects = "the device may do what the flags say; no permission: an error, or neither direction",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	static const uint32_t flags[] = { PVX_RW, PVIO_MAP_READABLE, PVIO_MAP_WRITEABLE, 0 };
	uint16_t ctx = pvx_start(t);

	for (unsigned i = 0; i < ARRAY_LEN(flags); i++) {
		struct page *p = page_alloc(t, PAGE_BYTES, 0);
		int64_t rc = map_with(t, ctx, p->pa, flags[i], 0);

		if (flags[i])
			expect_rc(t, "map_pages", rc, 0);
		else
			expect_error_or_ignored(t, "map_pages without permission", rc, -XEN_EINVAL);
		expect_write(t, iova_of(PVX_A), p, 0, flags[i] & PVIO_MAP_WRITEABLE ? DMA_DONE : DMA_REFUSED);
		expect_read(t, iova_of(PVX_A), p, 0, flags[i] & PVIO_MAP_READABLE ? DMA_DONE : DMA_REFUSED);
		if (rc == 0 && flags[i])
			expect_rc(t, "unmap_pages", pvx_try_unmap(t, ctx, PVX_A, 1, NULL), 0);
		else if (rc == 0) /* counted as mapped, but perhaps nowhere to be seen */
			expect_rc_of(t, "unmap_pages of a page without permission", pvx_try_unmap(t, ctx, PVX_A, 1, NULL),
				     (int64_t[]){ 0, -XEN_ENOENT, PVX_END });
	}
}

TEST(pviommu_map_undefined_flags,
     .id = "pviommu.flags.undefined",
     .checks = "PVI-104",
     .given = "map_pages with each undefined flag, and with all",
     .expects = "an error, nothing mapped (H), or a page mapped as if they were not there",
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_context(t);

	for (unsigned bit = (unsigned)pvx_by(t, 2, 3, 4, 4); bit <= 32; bit++) {
		uint32_t flags = PVX_RW | (bit == 32 ? UINT32_MAX & ~0xfu : (uint32_t)pow2(bit));
		int64_t rc = map_with(t, ctx, p->pa, flags, 0);

		bool refused = expect_error_or_ignored(t, "map_pages with an undefined flag", rc, -XEN_EINVAL);

		expect_rc(t, "unmap_pages", pvx_try_unmap(t, ctx, PVX_A, 1, NULL), refused ? -XEN_ENOENT : 0);
	}
}

static void cache_flag(struct test *t)
{
	bool offered = t->desc->arg;
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct pvb_setup s;
	uint16_t ctx;
	int64_t rc;

	if (!pvx_on_hypervisor(t)) {
		pvx_setup(t, &s);
		s.config.caps = offered ? PVIO_CAP_CACHE : 0;
		(void)pvx_remake(t, &s);
	}
	ctx = pvx_start(t);
	(void)pvio_query_capabilities(pvx(t));
	if (offered && !(pvx(t)->caps.flags & PVIO_CAP_CACHE))
		skip(t, "the cache flag is not offered");
	if (!offered && (pvx(t)->caps.flags & PVIO_CAP_CACHE))
		skip(t, "the cache flag is offered");
	rc = map_with(t, ctx, p->pa, PVX_RW | PVIO_MAP_CACHE, 0);
	if (offered)
		expect_rc(t, "map_pages with the cache flag", rc, 0);
	if (rc == 0)
		expect_reach(t, t->engine, PVX_A, p);
	else
		expect_error(t, "map_pages with the cache flag", rc, -XEN_EOPNOTSUPP);
}

TEST_TABLE(pviommu_map_cache,
	{ .id = "pviommu.flags.cache_not_offered", .checks = "PVI-102", .given = "the cache flag where it is not offered",
	  .expects = "refused, or ignored: the device reads and writes the page", .revisions = REV_S,
	  .needs = NEED_PVIOMMU | NEED_ENGINE, .arg = false, .body = cache_flag },
	{ .id = "pviommu.flags.cache", .checks = "PVI-103", .given = "the cache flag where it is offered",
	  .expects = "0; what the device writes the processor sees, and the other way round", .revisions = REV_S,
	  .needs = NEED_PVIOMMU | NEED_ENGINE, .arg = true, .body = cache_flag });

/* ---- page sizes ---- */

TEST(pviommu_map_pgsize,
     .id = "pviommu.pgsize.not_offered",
     .checks = "PVI-098",
     .given = "map_pages with page sizes that are not in pgsize_mask, or not one bit",
     .expects = "an error, nothing mapped (H), or a page of 4 KiB",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	static const uint32_t sizes[] = { 1, 3, 0x800, 0x2000, 0x3000, 0x1001, 0x40000000, 0x80000000, UINT32_MAX };
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct pvio_map *m = (struct pvio_map *)(void *)page_alloc(t, PAGE_BYTES, 0)->p;
	uint16_t ctx = pvx_context(t);

	(void)pvio_query_capabilities(pvx(t));
	for (unsigned i = 0; i <= ARRAY_LEN(sizes); i++) {
		uint32_t size = i ? sizes[i - 1] : 0;
		bool refused;

		if (size && !(size & (size - 1)) && (pvx(t)->caps.pgsize_mask & size))
			continue;
		*m = (struct pvio_map){ .ctx_no = ctx, .gfn = gfn_of(p->pa), .dfn = PVX_A, .map_flags = PVX_RW, .pgsize = size,
					.nr_pages = 1 };
		refused = expect_error_or_ignored(t, "map_pages with a size that is not offered",
						  pvio_command(pvx(t), PVIO_MAP_PAGES, m), -XEN_EINVAL);
		expect_eq(t, "mapped", m->mapped, refused ? 0 : 1);
		expect_rc(t, "unmap_pages", pvx_try_unmap(t, ctx, PVX_A, 1, NULL), refused ? -XEN_ENOENT : 0);
	}
}

static void need_large(struct test *t)
{
	(void)pvx(t);
	(void)pvio_query_capabilities(pvx(t));
	if (!(pvx(t)->caps.pgsize_mask & LARGE))
		skip(t, "2 MiB is not in pgsize_mask");
}

TEST(pviommu_map_large,
     .id = "pviommu.pgsize.two_mib",
     .checks = "PVI-099",
     .given = "one page of 2 MiB",
     .expects = "0; the device reaches its first and its last bytes, and nothing behind it; it can be unmapped",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	uint64_t dfn = align_down(PVX_A, 512);
	struct page *p;
	uint16_t ctx;
	uint32_t n = 0, bytes;
	struct pvio_range r;

	need_large(t);
	p = page_alloc(t, LARGE, LARGE);
	ctx = pvx_start(t);
	bytes = dma_small_bytes(t, t->engine);
	r = (struct pvio_range){ .ctx_no = ctx, .dfn = dfn, .gfn = gfn_of(p->pa), .flags = PVX_RW, .pgsize = (uint32_t)LARGE,
				 .nr_pages = 1 };
	expect_rc(t, "map_pages of 2 MiB", pvio_map_pages(pvx(t), &r, &n), 0);
	expect_eq(t, "mapped", n, 1);
	expect_write(t, iova_of(dfn), p, 0, DMA_DONE);
	expect_write(t, iova_add(iova_of(dfn), LARGE - bytes), p, LARGE - bytes, DMA_DONE);
	expect_read(t, iova_add(iova_of(dfn), LARGE - bytes), p, LARGE - bytes, DMA_DONE);
	expect_write(t, iova_add(iova_of(dfn), LARGE), p, 0, DMA_REFUSED);
	expect_rc(t, "unmap_pages of 2 MiB", pvio_unmap_pages(pvx(t), &r, &n), 0);
	expect_eq(t, "unmapped", n, 1);
	expect_write(t, iova_add(iova_of(dfn), LARGE - bytes), p, LARGE - bytes, DMA_REFUSED);
}

TEST(pviommu_map_large_misaligned,
     .id = "pviommu.pgsize.two_mib_misaligned",
     .checks = "PVI-100",
     .given = "a page of 2 MiB at an address or of memory that is not aligned to it",
     .expects = "an error, mapped 0",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	uint64_t dfn = align_down(PVX_A, 512);
	struct page *p;
	uint16_t ctx;
	uint32_t n = 0;

	need_large(t);
	p = page_alloc(t, 2 * LARGE, LARGE);
	ctx = pvx_context(t);
	for (unsigned i = 0; i < 4; i++) {
		struct pvio_range r = { .ctx_no = ctx, .dfn = dfn + (const uint64_t[]){ 1, 0, 256, 0 }[i],
					.gfn = gfn_of(p->pa) + (const uint64_t[]){ 0, 1, 0, 256 }[i], .flags = PVX_RW,
					.pgsize = (uint32_t)LARGE, .nr_pages = 1 };

		expect_error(t, "map_pages, misaligned", pvio_map_pages(pvx(t), &r, &n), -XEN_EINVAL);
		expect_eq(t, "mapped", n, 0);
	}
}

/* ---- deferred flushes (F) ---- */

TEST(pviommu_map_no_flush,
     .id = "pviommu.flush.after_map",
     .checks = "PVI-118",
     .given = "map_pages with no_flush, then flush_pages",
     .expects = "0 each time; the device reaches the page",
     .revisions = REV_F,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);

	(void)pvio_query_capabilities(pvx(t));
	if (!(pvx(t)->caps.flags & PVIO_CAP_DEFERRED_FLUSH))
		skip(t, "deferred flushes are not offered");
	expect_no_reach(t, t->engine, PVX_A, p);
	expect_rc(t, "map_pages with no_flush", map_with(t, ctx, p->pa, PVX_RW | PVIO_MAP_NO_FLUSH, 0), 0);
	expect_rc(t, "flush_pages",
		  pvio_flush_pages(pvx(t), &(struct pvio_range){ .ctx_no = ctx, .dfn = PVX_A, .nr_pages = 1 }), 0);
	expect_reach(t, t->engine, PVX_A, p);
}

TEST(pviommu_flush_arguments,
     .id = "pviommu.flush.arguments",
     .checks = "PVI-120",
     .given = "flush_pages of no context, of context 0, of no pages, of all pages",
     .expects = "-22; -22 or 0; 0; 0",
     .revisions = REV_F,
     .needs = NEED_PVIOMMU)
{
	static const int64_t either[] = { 0, -XEN_EINVAL, PVX_END };
	struct pvio *p = pvx(t);
	uint16_t ctx = pvx_context(t);
	struct pvio_range r = { .ctx_no = ctx, .dfn = PVX_A, .nr_pages = 0 };

	expect_rc(t, "flush_pages of no pages", pvio_flush_pages(p, &r), 0);
	r.nr_pages = UINT32_MAX;
	r.dfn = 0;
	expect_rc(t, "flush_pages of all pages", pvio_flush_pages(p, &r), 0);
	r.nr_pages = 1;
	r.ctx_no = 65535;
	expect_rc(t, "flush_pages of no context", pvio_flush_pages(p, &r), -XEN_EINVAL);
	r.ctx_no = PVIO_DEFAULT_CONTEXT;
	expect_rc_of(t, "flush_pages of context 0", pvio_flush_pages(p, &r), either);
}
