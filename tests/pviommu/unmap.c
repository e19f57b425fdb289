/* PV-IOMMU: unmap_pages and lookup_page. */
#include "tests/pviommu/fixture.h"

#define PAGES 8u
#define ROUNDS 10000u

TEST(pviommu_unmap_one,
     .id = "pviommu.unmap.one",
     .checks = "PVI-121 PVI-154",
     .given = "a page that the device has just reached is unmapped",
     .expects = "0, unmapped 1; refused at once",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);
	uint32_t n = 0;

	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	expect_reach(t, t->engine, PVX_A, p);
	expect_rc(t, "unmap_pages", pvx_try_unmap(t, ctx, PVX_A, 1, &n), 0);
	expect_eq(t, "unmapped", n, 1);
	expect_no_reach(t, t->engine, PVX_A, p);
}

static void unmap_n(struct test *t)
{
	uint32_t pages = (uint32_t)t->desc->arg, n = 0;
	struct page *p = page_alloc(t, pages * PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);

	pvx_map(t, ctx, PVX_A, p->pa, pages, PVX_RW);
	expect_write(t, iova_of(PVX_A + pages - 1), p, (pages - 1) * PAGE_BYTES, DMA_DONE);
	expect_rc(t, "unmap_pages", pvx_try_unmap(t, ctx, PVX_A, pages, &n), 0);
	expect_eq(t, "unmapped", n, pages);
	expect_write(t, iova_of(PVX_A), p, 0, DMA_REFUSED);
	expect_write(t, iova_of(PVX_A + pages - 1), p, (pages - 1) * PAGE_BYTES, DMA_REFUSED);
}

TEST_TABLE(pviommu_unmap_n,
	{ .id = "pviommu.unmap.pages_256", .checks = "PVI-122", .given = "256 pages are mapped and unmapped",
	  .expects = "0, unmapped 256; refused", .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE, .arg = 256, .body = unmap_n },
	{ .id = "pviommu.unmap.pages_4096", .checks = "PVI-122", .given = "4096 pages are mapped and unmapped",
	  .expects = "0, unmapped 4096; refused", .revisions = REV_S, .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE, .arg = 4096,
	  .body = unmap_n });

TEST(pviommu_unmap_part,
     .id = "pviommu.unmap.middle",
     .checks = "PVI-122",
     .given = "the middle of 8 pages is unmapped",
     .expects = "0; those around it are still reached",
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE)
{
	struct page *p = page_alloc(t, PAGES * PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);
	uint32_t n = 0;

	pvx_map(t, ctx, PVX_A, p->pa, PAGES, PVX_RW);
	expect_rc(t, "unmap_pages", pvx_try_unmap(t, ctx, PVX_A + 3, 2, &n), 0);
	expect_eq(t, "unmapped", n, 2);
	for (uint64_t i = 0; i < PAGES; i++)
		expect_write(t, iova_of(PVX_A + i), p, i * PAGE_BYTES, i == 3 || i == 4 ? DMA_REFUSED : DMA_DONE);
}

TEST(pviommu_unmap_absent,
     .id = "pviommu.unmap.absent",
     .checks = "PVI-123",
     .given = "unmap_pages where nothing is mapped",
     .expects = "-2, unmapped 0",
     .needs = NEED_PVIOMMU)
{
	uint32_t n = 0;

	expect_rc(t, "unmap_pages", pvx_try_unmap(t, pvx_context(t), PVX_A, 1, &n), -XEN_ENOENT);
	expect_eq(t, "unmapped", n, 0);
}

TEST(pviommu_unmap_short,
     .id = "pviommu.unmap.runs_out",
     .checks = "PVI-124",
     .given = "unmap_pages of 3 pages of which 2 are mapped",
     .expects = "-2, unmapped 2, those two refused",
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE)
{
	struct page *p = page_alloc(t, 2 * PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);
	uint32_t n = 0;

	pvx_map(t, ctx, PVX_A, p->pa, 2, PVX_RW);
	expect_write(t, iova_of(PVX_A), p, 0, DMA_DONE);
	expect_write(t, iova_of(PVX_A + 1), p, PAGE_BYTES, DMA_DONE);
	expect_rc(t, "unmap_pages", pvx_try_unmap(t, ctx, PVX_A, 3, &n), -XEN_ENOENT);
	expect_eq(t, "unmapped", n, 2);
	expect_write(t, iova_of(PVX_A), p, 0, DMA_REFUSED);
	expect_write(t, iova_of(PVX_A + 1), p, PAGE_BYTES, DMA_REFUSED);
}

TEST(pviommu_unmap_gap,
     .id = "pviommu.unmap.gap",
     .checks = "PVI-124",
     .given = "unmap_pages of 4 pages of which the second is not mapped",
     .expects = "-2, unmapped 1; the third and fourth are still reached",
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE)
{
	struct page *p = page_alloc(t, 4 * PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);
	uint32_t n = 0;

	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	pvx_map(t, ctx, PVX_A + 2, pa_add(p->pa, 2 * PAGE_BYTES), 2, PVX_RW);
	expect_rc(t, "unmap_pages", pvx_try_unmap(t, ctx, PVX_A, 4, &n), -XEN_ENOENT);
	expect_eq(t, "unmapped", n, 1);
	for (uint64_t i = 0; i < 4; i++)
		expect_write(t, iova_of(PVX_A + i), p, i * PAGE_BYTES, i < 2 ? DMA_REFUSED : DMA_DONE);
}

TEST(pviommu_unmap_pieces,
     .id = "pviommu.unmap.pieces",
     .checks = "PVI-122",
     .given = "4 pages side by side, mapped one by one in reverse order; unmap_pages of 4, then of 5",
     .expects = "0, unmapped 4, all refused; mapped again: -2, unmapped 4",
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE)
{
	struct page *p = page_alloc(t, 4 * PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);
	uint32_t n = 0;

	for (unsigned round = 0; round < 2; round++) {
		for (uint64_t i = 0; i < 4; i++)
			pvx_map(t, ctx, PVX_A + i, pa_add(p->pa, (3 - i) * PAGE_BYTES), 1, PVX_RW);
		for (uint64_t i = 0; i < 4; i++)
			expect_write(t, iova_of(PVX_A + i), p, (3 - i) * PAGE_BYTES, DMA_DONE);
		expect_rc(t, "unmap_pages", pvx_try_unmap(t, ctx, PVX_A, 4 + round, &n), round ? -XEN_ENOENT : 0);
		expect_eq(t, "unmapped", n, 4);
		for (uint64_t i = 0; i < 4; i++)
			expect_write(t, iova_of(PVX_A + i), p, (3 - i) * PAGE_BYTES, DMA_REFUSED);
	}
}

TEST(pviommu_unmap_none,
     .id = "pviommu.unmap.no_pages",
     .checks = "PVI-125",
     .given = "unmap_pages of 0 pages, where one is mapped and where none is",
     .expects = "0, nothing changes",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);
	uint32_t n = 0;

	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	expect_rc(t, "unmap_pages of 0 pages", pvx_try_unmap(t, ctx, PVX_A, 0, &n), 0);
	expect_eq(t, "unmapped", n, 0);
	expect_rc(t, "unmap_pages of 0 pages elsewhere", pvx_try_unmap(t, ctx, PVX_B, 0, &n), 0);
	expect_reach(t, t->engine, PVX_A, p);
}

TEST(pviommu_unmap_bad_context,
     .id = "pviommu.unmap.bad_context",
     .checks = "PVI-126",
     .given = "unmap_pages in contexts that are not there",
     .expects = "-22, unmapped 0",
     .needs = NEED_PVIOMMU)
{
	uint16_t ctx = pvx_context(t), bad[4], max;

	(void)pvio_query_capabilities(pvx(t));
	max = pvx(t)->caps.max_ctx_no;
	pvx_free(t, ctx);
	bad[0] = ctx;
	bad[1] = max;
	bad[2] = (uint16_t)(max + 1);
	bad[3] = 65535;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		uint32_t n = 0;

		expect_rc(t, "unmap_pages in no context", pvx_try_unmap(t, bad[i], PVX_A, 1, &n), -XEN_EINVAL);
		expect_eq(t, "unmapped", n, 0);
	}
}

TEST(pviommu_unmap_default,
     .id = "pviommu.unmap.default_context",
     .checks = "PVI-126",
     .given = "unmap_pages in context 0 of a page that is there",
     .expects = "-22; the device still reaches it if it did",
     .revisions = REV_IF | REV_H,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	bool reaches;

	(void)pvx(t);
	reaches = pvx_default_reaches(t, t->engine);
	expect_rc(t, "unmap_pages in context 0", pvx_try_unmap(t, PVIO_DEFAULT_CONTEXT, gfn_of(p->pa), 1, NULL),
		  -XEN_EINVAL);
	if (reaches)
		expect_reach(t, t->engine, gfn_of(p->pa), p);
}

TEST(pviommu_unmap_257,
     .id = "pviommu.unmap.too_many_tagged",
     .checks = "PVI-127",
     .given = "unmap_pages of 257 pages",
     .expects = "-7, nothing unmapped",
     .revisions = REV_T,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, 257 * PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);
	uint32_t n = 0;

	pvx_map(t, ctx, PVX_A, p->pa, 257, PVX_RW);
	expect_rc(t, "unmap_pages", pvx_try_unmap(t, ctx, PVX_A, 257, &n), -XEN_E2BIG);
	expect_eq(t, "unmapped", n, 0);
	expect_reach(t, t->engine, PVX_A, p);
}

TEST(pviommu_unmap_preset,
     .id = "pviommu.unmap.unmapped_is_set",
     .checks = "PVI-128",
     .given = "unmap_pages of 3 pages with unmapped = 5",
     .expects = "unmapped = 3 (H), or 8: counted up",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, 3 * PAGE_BYTES, 0);
	struct pvio_unmap *u = (struct pvio_unmap *)(void *)page_alloc(t, PAGE_BYTES, 0)->p;
	uint16_t ctx = pvx_context(t);

	pvx_map(t, ctx, PVX_A, p->pa, 3, PVX_RW);
	*u = (struct pvio_unmap){ .ctx_no = ctx, .dfn = PVX_A, .pgsize = PAGE_BYTES, .nr_pages = 3, .unmapped = 5 };
	expect_rc(t, "unmap_pages", pvio_command(pvx(t), PVIO_UNMAP_PAGES, u), 0);
	expect_count(t, "unmapped", u->unmapped, 5, 3);
	expect_eq(t, "dfn", u->dfn, PVX_A);
	expect_eq(t, "nr_pages", u->nr_pages, 3);
}

TEST(pviommu_unmap_pgsize,
     .id = "pviommu.unmap.pgsize_not_offered",
     .checks = "PVI-129",
     .given = "unmap_pages with page sizes that are not offered",
     .expects = "an error, the page stays mapped (H), or it is unmapped as one of 4 KiB",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	static const uint32_t sizes[] = { 0, 1, 3, 0x2000, 0x40000000, UINT32_MAX };
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct pvio_unmap *u = (struct pvio_unmap *)(void *)page_alloc(t, PAGE_BYTES, 0)->p;
	uint16_t ctx = pvx_context(t);

	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
		*u = (struct pvio_unmap){ .ctx_no = ctx, .dfn = PVX_A, .pgsize = sizes[i], .nr_pages = 1 };
		if (expect_error_or_ignored(t, "unmap_pages with a size that is not offered",
					    pvio_command(pvx(t), PVIO_UNMAP_PAGES, u), -XEN_EINVAL))
			pvx_unmap(t, ctx, PVX_A, 1);
		else
			expect_eq(t, "unmapped", u->unmapped, 1);
	}
}

TEST(pviommu_unmap_remap,
     .id = "pviommu.unmap.remap",
     .checks = "PVI-131",
     .given = "a page is mapped, reached, unmapped; another is mapped there",
     .expects = "the device reaches the other, and the first stays as it is",
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE)
{
	struct page *p[2] = { page_filled(t, 0x5a), page_alloc(t, PAGE_BYTES, 0) };
	uint16_t ctx = pvx_start(t);

	for (unsigned round = 0; round < 6; round++) {
		struct page *target = p[round % 2], *old = p[(round + 1) % 2];

		pvx_map(t, ctx, PVX_A, target->pa, 1, PVX_RW);
		old->p[0] = 0xa5;
		expect_write(t, iova_of(PVX_A), target, 0, DMA_DONE);
		expect_eq(t, "first byte of the page that was mapped before", old->p[0], 0xa5);
		pvx_unmap(t, ctx, PVX_A, 1);
	}
}

TEST(pviommu_unmap_many,
     .id = "pviommu.unmap.many_rounds",
     .checks = "PVI-132",
     .given = "10000 rounds of map_pages and unmap_pages, or as many as a second takes",
     .expects = "each is done: nothing is used up",
     .needs = NEED_PVIOMMU,
     .budget_us = 30000000)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_context(t);
	uint64_t from = time_us();
	int64_t map, unmap;
	size_t before;

	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	pvx_unmap(t, ctx, PVX_A, 1);
	before = mem_free_pages();
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (time_us() - from > 1000000) {
			remark(t, "%u rounds in a second", i);
			break;
		}
		map = pvx_try_map(t, ctx, PVX_A, gfn_of(p->pa), 1, NULL);
		unmap = pvx_try_unmap(t, ctx, PVX_A, 1, NULL);
		if (map != 0 || unmap != 0) {
			fail(t, "map_pages and unmap_pages: 0", "%s and %s", pvx_result(map), pvx_result(unmap));
			note(t, "in round %u", i);
			return;
		}
	}
	if (!pvx_on_hypervisor(t))
		expect_true(t, mem_free_pages() >= before, "no page of memory is lost");
}

/* ---- lookup (T, H) ---- */

TEST(pviommu_lookup,
     .id = "pviommu.lookup.mapped",
     .checks = "PVI-133",
     .given = "lookup_page of the first, a middle and the last of 8 pages",
     .expects = "0, the frames that were mapped",
     .revisions = REV_TH,
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, PAGES * PAGE_BYTES, 0);
	uint16_t ctx = pvx_context(t);

	pvx_map(t, ctx, PVX_A, p->pa, PAGES, PVX_RW);
	for (unsigned i = 0; i < PAGES; i++) {
		uint64_t gfn = 0;

		expect_rc(t, "lookup_page", pvio_lookup_page(pvx(t), ctx, PVX_A + i, &gfn), 0);
		expect_true(t, gfn == gfn_of(p->pa) + i, "the frame is the one that was mapped");
	}
}

TEST(pviommu_lookup_absent,
     .id = "pviommu.lookup.absent",
     .checks = "PVI-134",
     .given = "lookup_page where nothing is mapped, and after an unmap",
     .expects = "-2, gfn not changed",
     .revisions = REV_TH,
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0), *arg = page_alloc(t, PAGE_BYTES, 0);
	struct pvio_lookup *h = (struct pvio_lookup *)(void *)arg->p;
	struct pvio_t_op *op = (struct pvio_t_op *)(void *)arg->p;
	uint16_t ctx = pvx_context(t);

	for (unsigned round = 0; round < 2; round++) {
		uint64_t gfn;

		if (round) {
			pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
			pvx_unmap(t, ctx, PVX_A, 1);
		}
		if (t->bench->revision == REV_H)
			*h = (struct pvio_lookup){ .ctx_no = ctx, .dfn = PVX_A, .gfn = 0x5a5a5a };
		else
			*op = (struct pvio_t_op){ .ctx_no = ctx, .lookup_page = { .gfn = 0x5a5a5a, .dfn = PVX_A } };
		expect_rc(t, "lookup_page", pvio_command(pvx(t), PVIO_LOOKUP_PAGE, arg->p), -XEN_ENOENT);
		gfn = t->bench->revision == REV_H ? h->gfn : op->lookup_page.gfn;
		expect_eq(t, "gfn", gfn, 0x5a5a5a);
	}
}

TEST(pviommu_lookup_bad_context,
     .id = "pviommu.lookup.bad_context",
     .checks = "PVI-135",
     .given = "lookup_page in contexts that are not there",
     .expects = "-22",
     .revisions = REV_TH,
     .needs = NEED_PVIOMMU)
{
	uint16_t ctx = pvx_context(t);
	uint64_t gfn = 0;

	pvx_free(t, ctx);
	expect_rc(t, "lookup_page", pvio_lookup_page(pvx(t), ctx, PVX_A, &gfn), -XEN_EINVAL);
	expect_rc(t, "lookup_page", pvio_lookup_page(pvx(t), 65535, PVX_A, &gfn), -XEN_EINVAL);
}

TEST(pviommu_lookup_default,
     .id = "pviommu.lookup.default_context",
     .checks = "PVI-136",
     .given = "lookup_page of the domain's memory in context 0",
     .expects = "the frame itself where a device reaches it there, -2 where it does not, or -95",
     .revisions = REV_TH,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint64_t gfn = 0;
	bool reaches;
	int64_t rc;

	(void)pvx(t);
	reaches = pvx_default_reaches(t, t->engine);
	rc = pvio_lookup_page(pvx(t), PVIO_DEFAULT_CONTEXT, gfn_of(p->pa), &gfn);
	if (rc == -XEN_EOPNOTSUPP)
		return;
	expect_rc(t, "lookup_page in context 0", rc, reaches ? 0 : -XEN_ENOENT);
	if (rc == 0)
		expect_true(t, gfn == gfn_of(p->pa), "the frame is the page itself");
}

TEST(pviommu_lookup_read_only,
     .id = "pviommu.lookup.read_only",
     .checks = "PVI-137",
     .given = "lookup_page of a page that is mapped read-only",
     .expects = "0, the frame",
     .revisions = REV_TH,
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_context(t);
	uint64_t gfn = 0;

	pvx_map(t, ctx, PVX_A, p->pa, 1, PVIO_MAP_READABLE);
	expect_rc(t, "lookup_page", pvio_lookup_page(pvx(t), ctx, PVX_A, &gfn), 0);
	expect_true(t, gfn == gfn_of(p->pa), "the frame is the one that was mapped");
}

TEST(pviommu_lookup_gone,
     .id = "pviommu.lookup.no_command",
     .checks = "PVI-138",
     .given = "the numbers of all commands, none of which looks a page up",
     .expects = "command 7 unmaps: -22 for context 0, never the frame of a page",
     .revisions = REV_IF,
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct pvio_lookup *h = (struct pvio_lookup *)(void *)page_alloc(t, PAGE_BYTES, 0)->p;

	(void)pvx(t);
	*h = (struct pvio_lookup){ .dfn = gfn_of(p->pa), .gfn = 0 };
	expect_rc(t, "command 7 on context 0", pvio_raw(pvx(t), PVIO_H_LOOKUP, (uint64_t)(uintptr_t)h), -XEN_EINVAL);
	expect_true(t, h->gfn != gfn_of(p->pa), "no frame is told");
}
