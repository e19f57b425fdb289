/* PV-IOMMU: map_pages, what it returns and how far it gets. */
#include "tests/pviommu/fixture.h"

#define T_PAGES_MAX 256u
#define LARGE_PAGES 65536u
#define HUGE_PAGES  (512u * 1024u) /* 2 GiB */
#define WINDOW_GFN  UINT64_C(0x4000000) /* 256 GiB: far from all memory */

TEST(pviommu_map_one,
     .id = "pviommu.map.one",
     .checks = "PVI-080",
     .given = "map_pages of one page",
     .expects = "0, mapped 1, the device reaches the page and not its neighbours",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, 3 * PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);
	uint32_t n = 0;

	expect_rc(t, "map_pages", pvx_try_map(t, ctx, PVX_A, gfn_of(p->pa) + 1, 1, &n), 0);
	expect_eq(t, "mapped", n, 1);
	expect_write(t, iova_of(PVX_A), p, PAGE_BYTES, DMA_DONE);
	expect_read(t, iova_of(PVX_A), p, PAGE_BYTES, DMA_DONE);
	expect_write(t, iova_of(PVX_A - 1), p, 0, DMA_REFUSED);
	expect_write(t, iova_of(PVX_A + 1), p, 2 * PAGE_BYTES, DMA_REFUSED);
}

static void map_n(struct test *t)
{
	uint32_t pages = (uint32_t)t->desc->arg, n = 0;
	struct page *p = page_alloc(t, pages * PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);

	expect_rc(t, "map_pages", pvx_try_map(t, ctx, PVX_A, gfn_of(p->pa), pages, &n), 0);
	expect_eq(t, "mapped", n, pages);
	expect_write(t, iova_of(PVX_A), p, 0, DMA_DONE);
	expect_write(t, iova_of(PVX_A + pages / 2), p, pages / 2 * PAGE_BYTES, DMA_DONE);
	expect_write(t, iova_of(PVX_A + pages - 1), p, (pages - 1) * PAGE_BYTES, DMA_DONE);
	expect_write(t, iova_of(PVX_A + pages), p, 0, DMA_REFUSED);
}

#define MAP_N(n, revs, row) \
	{ .id = "pviommu.map.pages_" #n, .checks = row, .given = "map_pages of " #n " pages", \
	  .expects = "0, all mapped; the first, middle and last are reached, the one behind is not", .revisions = revs, \
	  .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE, .arg = n, .body = map_n }

TEST_TABLE(pviommu_map_n,
	MAP_N(2, REV_ALL, "PVI-081"), MAP_N(3, REV_ALL, "PVI-081"), MAP_N(17, REV_ALL, "PVI-081"),
	MAP_N(128, REV_ALL, "PVI-081"), MAP_N(255, REV_ALL, "PVI-081"), MAP_N(256, REV_ALL, "PVI-081"),
	MAP_N(257, REV_S, "PVI-083"), MAP_N(4096, REV_S, "PVI-083"));

TEST(pviommu_map_257,
     .id = "pviommu.map.too_many_tagged",
     .checks = "PVI-082",
     .given = "map_pages of 257 pages, mapped preset",
     .expects = "-7, mapped untouched, nothing mapped",
     .revisions = REV_T,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, (T_PAGES_MAX + 1) * PAGE_BYTES, 0), *arg = page_alloc(t, PAGE_BYTES, 0);
	struct pvio_t_op *op = (struct pvio_t_op *)(void *)arg->p;
	uint16_t ctx = pvx_start(t);

	*op = (struct pvio_t_op){ .ctx_no = ctx, .flags = PVX_RW,
				  .map_pages = { .gfn = gfn_of(p->pa), .dfn = PVX_A, .nr_pages = T_PAGES_MAX + 1,
						 .mapped = 0x5a5a } };
	expect_rc(t, "map_pages", pvio_command(pvx(t), PVIO_MAP_PAGES, op), -XEN_E2BIG);
	expect_eq(t, "mapped", op->map_pages.mapped, 0x5a5a);
	expect_no_reach(t, t->engine, PVX_A, p);
	expect_rc(t, "unmap_pages", pvx_try_unmap(t, ctx, PVX_A, 1, NULL), -XEN_ENOENT);
	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	expect_reach(t, t->engine, PVX_A, p);
}

/* A hardware domain with nothing but a window of frames, the same memory over and over; the last one is ours. */
static struct page *window(struct test *t, uint32_t pages)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct pvref_memory memory[PVREF_RANGES_MAX], most = { .pages = 0 };
	struct pvb_setup s;
	struct pvio *client;
	unsigned n = 0;

	pvx_setup(t, &s);
	for (unsigned i = 0; i < s.domain.memory_n; i++)
		if (s.domain.memory[i].kind == PVREF_RAM && s.domain.memory[i].pages > most.pages)
			most = s.domain.memory[i];
	if ((PVREF_RANGES_MAX - 1) * most.pages < pages)
		skip_unreached(t, "too little memory to fill %u frames with", pages);
	for (uint64_t at = 0; at < pages - 1; at += most.pages)
		memory[n++] = (struct pvref_memory){ WINDOW_GFN + at, most.pa, min_u64(most.pages, pages - 1 - at), PVREF_RAM };
	memory[n++] = (struct pvref_memory){ WINDOW_GFN + pages - 1, p->pa, 1, PVREF_RAM };
	s.domain.memory = memory;
	s.domain.memory_n = n;
	s.domain.default_blocking = true;
	client = pvx_remake(t, &s);
	if (pvio_number(client->revision, PVIO_INIT) >= 0)
		expect_rc(t, "init", pvio_init(client, PVX_CONTEXTS, 13), 0);
	return p;
}

static void map_window(struct test *t)
{
	uint32_t pages = (uint32_t)t->desc->arg, n = 0;
	struct page *last = window(t, pages);
	struct pvref_counts before, after;
	uint16_t ctx = pvx_start(t);

	pvref_count(pvx_reference(t), &before);
	expect_rc(t, "map_pages", pvx_try_map(t, ctx, PVX_A, WINDOW_GFN, pages, &n), 0);
	expect_eq(t, "mapped", n, pages);
	pvref_count(pvx_reference(t), &after);
	expect_eq(t, "pages that are mapped now", after.pages_mapped - before.pages_mapped, pages);
	expect_true(t, after.restarts > before.restarts, "the call was interrupted and went on");
	expect_reach(t, t->engine, PVX_A + pages - 1, last);
	expect_no_reach(t, t->engine, PVX_A + pages, last);
	expect_rc(t, "unmap_pages", pvx_try_unmap(t, ctx, PVX_A, pages, &n), 0);
	expect_eq(t, "unmapped", n, pages);
	expect_no_reach(t, t->engine, PVX_A + pages - 1, last);
	pvref_count(pvx_reference(t), &after);
	expect_eq(t, "pages that are mapped still", after.pages_mapped, before.pages_mapped);
}

TEST_TABLE(pviommu_map_window,
	{ .id = "pviommu.map.pages_65536", .checks = "PVI-083", .given = "map_pages and unmap_pages of 65536 pages",
	  .expects = "0, all mapped, then all unmapped, with restarts that do not show", .revisions = REV_S,
	  .needs = NEED_PVIOMMU | NEED_ENGINE | NEED_ENGINE_DIRECT, .budget_us = 20000000, .arg = LARGE_PAGES,
	  .body = map_window },
	{ .id = "pviommu.map.two_gib", .checks = "PVI-083", .given = "map_pages and unmap_pages of 2 GiB",
	  .expects = "0, all mapped, then all unmapped, with restarts that do not show", .revisions = REV_S,
	  .needs = NEED_PVIOMMU | NEED_ENGINE | NEED_ENGINE_DIRECT, .budget_us = 60000000, .arg = HUGE_PAGES,
	  .body = map_window });

TEST(pviommu_map_scattered,
     .id = "pviommu.map.scattered",
     .checks = "PVI-080 PVI-121",
     .given = "300 pages, each mapped with a gap behind it; then each unmapped",
     .expects = "0 each time; the first, the middle and the last are reached, a gap is not",
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE,
     .budget_us = 8000000)
{
	enum { SCATTERED = 300 };
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);

	for (uint64_t i = 0; i < SCATTERED; i++)
		if (!expect_rc(t, "map_pages", pvx_try_map(t, ctx, PVX_A + 2 * i, gfn_of(p->pa), 1, NULL), 0))
			return;
	for (uint64_t i = 0; i < SCATTERED; i += SCATTERED / 2 - 1)
		expect_write(t, iova_of(PVX_A + 2 * i), p, 0, DMA_DONE);
	expect_write(t, iova_of(PVX_A + SCATTERED - 1), p, 0, DMA_REFUSED);
	for (uint64_t i = 0; i < SCATTERED; i++)
		if (!expect_rc(t, "unmap_pages", pvx_try_unmap(t, ctx, PVX_A + 2 * i, 1, NULL), 0))
			return;
	expect_write(t, iova_of(PVX_A), p, 0, DMA_REFUSED);
}

/* ---- the structure ---- */

static struct pvio_map *map_argument(struct test *t, uint16_t ctx, uint64_t gfn, uint32_t pages)
{
	struct pvio_map *m = (struct pvio_map *)(void *)page_alloc(t, PAGE_BYTES, 0)->p;

	*m = (struct pvio_map){ .ctx_no = ctx, .gfn = gfn, .dfn = PVX_A, .map_flags = PVX_RW, .pgsize = PAGE_BYTES,
				.nr_pages = pages };
	return m;
}

TEST(pviommu_map_preset,
     .id = "pviommu.map.mapped_is_set",
     .checks = "PVI-084",
     .given = "map_pages of 3 pages with mapped = 5",
     .expects = "mapped = 3 (H), or 8: counted up",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, 3 * PAGE_BYTES, 0);
	struct pvio_map *m = map_argument(t, pvx_context(t), gfn_of(p->pa), 3);

	m->mapped = 5;
	expect_rc(t, "map_pages", pvio_command(pvx(t), PVIO_MAP_PAGES, m), 0);
	expect_count(t, "mapped", m->mapped, 5, 3);
}

TEST(pviommu_map_inputs,
     .id = "pviommu.map.inputs_kept",
     .checks = "PVI-085",
     .given = "the structure after map_pages of 4096 pages",
     .expects = "gfn, dfn and nr_pages are as they were (H), or have moved on together",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU,
     .budget_us = 10000000)
{
	struct page *p = page_alloc(t, 4096 * PAGE_BYTES, 0);
	struct pvio_map *m = map_argument(t, pvx_context(t), gfn_of(p->pa), 4096);
	uint64_t moved;

	expect_rc(t, "map_pages", pvio_command(pvx(t), PVIO_MAP_PAGES, m), 0);
	moved = m->dfn - PVX_A;
	if (t->bench->revision == REV_H || moved > 4096)
		expect_eq(t, "dfn", m->dfn, PVX_A);
	else if (!pvx_on_hypervisor(t))
		expect_true(t, moved > 0, "dfn has moved on");
	expect_true(t, m->gfn == gfn_of(p->pa) + moved, "gfn is as it was, or has moved like dfn");
	expect_eq(t, "nr_pages", m->nr_pages, 4096 - moved);
	expect_eq(t, "mapped", m->mapped, 4096);
	if (pvx_on_hypervisor(t))
		remark(t, "the structure after a long call %s", moved ? "has moved on, as revisions I and F" : "is as it was");
	expect_eq(t, "pgsize", m->pgsize, PAGE_BYTES);
	expect_eq(t, "flags", m->map_flags, PVX_RW);
}

TEST(pviommu_map_none,
     .id = "pviommu.map.no_pages",
     .checks = "PVI-086",
     .given = "map_pages of 0 pages, also where a page is mapped",
     .expects = "0, mapped 0, nothing changes",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);
	uint32_t n = 0;

	expect_rc(t, "map_pages of 0 pages", pvx_try_map(t, ctx, PVX_A, gfn_of(p->pa), 0, &n), 0);
	expect_eq(t, "mapped", n, 0);
	expect_no_reach(t, t->engine, PVX_A, p);
	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	expect_rc(t, "map_pages of 0 pages over a mapping", pvx_try_map(t, ctx, PVX_A, gfn_of(p->pa), 0, &n), 0);
	expect_reach(t, t->engine, PVX_A, p);
}

/* ---- bad contexts ---- */

TEST(pviommu_map_bad_context,
     .id = "pviommu.map.bad_context",
     .checks = "PVI-087",
     .given = "map_pages in contexts that were never allocated, lie beyond the last, 65535, or are freed",
     .expects = "-22 each time, mapped 0",
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_context(t), max, bad[4];

	(void)pvio_query_capabilities(pvx(t));
	max = pvx(t)->caps.max_ctx_no;
	pvx_free(t, ctx);
	bad[0] = ctx;
	bad[1] = max;
	bad[2] = (uint16_t)(max + 1);
	bad[3] = 65535;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		uint32_t n = 0;

		expect_rc(t, "map_pages in no context", pvx_try_map(t, bad[i], PVX_A, gfn_of(p->pa), 1, &n), -XEN_EINVAL);
		expect_eq(t, "mapped", n, 0);
	}
}

TEST(pviommu_map_default,
     .id = "pviommu.map.default_context",
     .checks = "PVI-088",
     .given = "map_pages in context 0",
     .expects = "-22, the device does not reach the page",
     .revisions = REV_IF,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint32_t n = 0;

	(void)pvx(t);
	expect_rc(t, "map_pages in context 0", pvx_try_map(t, PVIO_DEFAULT_CONTEXT, PVX_A, gfn_of(p->pa), 1, &n),
		  -XEN_EINVAL);
	expect_eq(t, "mapped", n, 0);
	expect_no_reach(t, t->engine, PVX_A, p);
}

TEST(pviommu_map_default_th,
     .id = "pviommu.map.default_context_edited",
     .checks = "PVI-089",
     .given = "map_pages in context 0",
     .expects = "an error (H), or (T) the device reaches the page until it is unmapped",
     .revisions = REV_TH,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint32_t n = 0;

	(void)pvx(t);
	if (expect_error_or_ignored(t, "map_pages in context 0",
				    pvx_try_map(t, PVIO_DEFAULT_CONTEXT, PVX_A, gfn_of(p->pa), 1, &n), -XEN_EINVAL)) {
		expect_eq(t, "mapped", n, 0);
		expect_no_reach(t, t->engine, PVX_A, p);
		return;
	}
	expect_eq(t, "mapped", n, 1);
	expect_reach(t, t->engine, PVX_A, p);
	expect_rc(t, "unmap_pages", pvx_try_unmap(t, PVIO_DEFAULT_CONTEXT, PVX_A, 1, NULL), 0);
	expect_no_reach(t, t->engine, PVX_A, p);
}
