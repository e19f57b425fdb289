/* PV-IOMMU: argument pointers that are wrong, odd, or lie across pages. */
#include "tests/pviommu/fixture.h"
#include <string.h>

#define RUN_PAGES 2

/* Commands with a structure, their sizes in H, I and F. T: 32 bytes each. */
static const struct {
	enum pvio_command command;
	uint8_t bytes;
} shapes[] = {
	{ PVIO_QUERY_CAPABILITIES, 24 }, { PVIO_INIT, 8 }, { PVIO_ALLOC_CONTEXT, 8 }, { PVIO_FREE_CONTEXT, 8 },
	{ PVIO_REATTACH_DEVICE, 12 }, { PVIO_MAP_PAGES, 40 }, { PVIO_UNMAP_PAGES, 32 }, { PVIO_LOOKUP_PAGE, 24 },
	{ PVIO_REMOTE_CMD, 16 }, { PVIO_FLUSH_PAGES, 24 },
};

static uint32_t bytes_of(const struct test *t, enum pvio_command c)
{
	if (t->bench->revision == REV_T)
		return sizeof(struct pvio_t_op);
	for (unsigned i = 0; i < ARRAY_LEN(shapes); i++)
		if (shapes[i].command == c)
			return shapes[i].bytes;
	return 0;
}

/* Pages at linear addresses of our choice, dropped in the body: nothing between may end the test. */
static struct linear_run run_of_pages(struct test *t, unsigned n)
{
	struct linear_run run;

	must(t, linear_run_make(&run, n), "pages at addresses of our choice");
	return run;
}

/* A call with a structure at any address; in T its first field says which, where it can be written. */
static int64_t send(struct pvio *p, enum pvio_command c, uint64_t at)
{
	int number = pvio_number(p->revision, c);

	return p->revision == PVIO_T ? pvio_raw(p, at, 0) : pvio_raw(p, (uint64_t)number, at);
}

/* What must not change: capabilities, and which context number comes next. */
struct marks {
	struct pvio_caps caps;
	uint16_t next;
};

static struct marks take_marks(struct test *t)
{
	struct pvio *p = pvx(t);
	struct marks m;

	memset(&m, 0, sizeof(m));
	if (pvio_query_capabilities(p) != 0)
		give_up(t, "the capabilities cannot be read");
	m.caps = p->caps;
	m.next = pvx_context(t);
	pvx_free(t, m.next);
	return m;
}

static void expect_marks(struct test *t, const struct marks *before)
{
	struct marks now = take_marks(t);

	expect_true(t, !memcmp(&now.caps, &before->caps, sizeof(now.caps)), "the capabilities are as before");
	expect_eq(t, "next context", now.next, before->next);
}

static void bad_pointers(struct test *t)
{
	enum pvio_command c = (enum pvio_command)t->desc->arg;
	struct pvio *p = pvx(t);
	struct marks before = take_marks(t);
	struct linear_run run = run_of_pages(t, 1);
	uint64_t edge = (uint64_t)(uintptr_t)run.p + PAGE_BYTES;

	expect_rc(t, "pointer 0", send(p, c, 0), -XEN_EFAULT);
	expect_rc(t, "pointer 1", send(p, c, 1), -XEN_EFAULT);
	expect_rc(t, "unmapped pointer", send(p, c, edge), -XEN_EFAULT);
	expect_rc(t, "unmapped pointer below", send(p, c, edge - 2 * PAGE_BYTES), -XEN_EFAULT);
	expect_rc(t, "non-canonical pointer", send(p, c, BIT(63)), -XEN_EFAULT);
	expect_rc(t, "pointer to the last byte of all", send(p, c, UINT64_MAX), -XEN_EFAULT);
	linear_run_drop(&run);
	expect_marks(t, &before);
}

#define BAD(suffix, revs, row, command) \
	{ .id = "pviommu.handle.bad." suffix, .checks = row, .given = "pointers to nothing", \
	  .expects = "-14, no effect", .needs = NEED_PVIOMMU, .revisions = revs, .arg = command, .body = bad_pointers }

TEST_TABLE(pviommu_bad_pointers,
	BAD("any_tagged", REV_T, "PVI-016", PVIO_NOOP),
	BAD("query", REV_S, "PVI-017", PVIO_QUERY_CAPABILITIES),
	BAD("alloc", REV_S, "PVI-019", PVIO_ALLOC_CONTEXT),
	BAD("free", REV_S, "PVI-020", PVIO_FREE_CONTEXT),
	BAD("reattach", REV_S, "PVI-020", PVIO_REATTACH_DEVICE),
	BAD("map", REV_S, "PVI-021", PVIO_MAP_PAGES),
	BAD("unmap", REV_S, "PVI-021", PVIO_UNMAP_PAGES),
	BAD("remote", REV_S, "PVI-022", PVIO_REMOTE_CMD),
	BAD("lookup", REV_H, "PVI-023", PVIO_LOOKUP_PAGE),
	BAD("flush", REV_F, "PVI-028", PVIO_FLUSH_PAGES));

TEST(pviommu_handle_init,
     .id = "pviommu.handle.bad.init",
     .checks = "PVI-018",
     .given = "init with pointers to nothing, in a domain that was never initialised",
     .expects = "-14, and it is still not initialised",
     .revisions = REV_IF,
     .flags = TEST_FIRST,
     .needs = NEED_PVIOMMU)
{
	struct pvio *p = pvx_uninitialised(t);
	struct linear_run run = run_of_pages(t, 1);

	expect_rc(t, "pointer 0", send(p, PVIO_INIT, 0), -XEN_EFAULT);
	expect_rc(t, "unmapped pointer", send(p, PVIO_INIT, (uint64_t)(uintptr_t)run.p + PAGE_BYTES), -XEN_EFAULT);
	expect_rc(t, "across the end", send(p, PVIO_INIT, (uint64_t)(uintptr_t)run.p + PAGE_BYTES - 4), -XEN_EFAULT);
	expect_rc(t, "non-canonical pointer", send(p, PVIO_INIT, BIT(63)), -XEN_EFAULT);
	linear_run_drop(&run);
	expect_rc(t, "query_capabilities", pvio_query_capabilities(p), 0);
	expect_eq(t, "max_ctx_no", p->caps.max_ctx_no, 0);
}

TEST(pviommu_handle_inner,
     .id = "pviommu.handle.bad.remote_inner",
     .checks = "PVI-022",
     .given = "remote_cmd whose own structure is good and whose inner pointer leads to nothing",
     .expects = "-14",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	static const uint64_t inner[] = { 0, 1, BIT(63) };
	struct pvb_setup s;
	struct pvref_domain_config domains[2];
	struct pvio *p;

	pvx_setup(t, &s);
	domains[0] = s.domain;
	domains[0].devices_n--;
	domains[1] = (struct pvref_domain_config){ .domid = PVB_GUEST, .max_ctx_no = 8,
						   .devices = s.domain.devices + domains[0].devices_n, .devices_n = 1 };
	s.config.domains = domains;
	s.config.domains_n = 2;
	p = pvx_remake(t, &s);
	expect_rc(t, "remote noop", pvio_remote_cmd(p, PVB_GUEST, 0, NULL), 0);
	for (unsigned i = 0; i < ARRAY_LEN(inner); i++)
		expect_rc(t, "remote query, bad inner pointer",
			  pvio_remote_cmd(p, PVB_GUEST, PVIO_H_QUERY, (void *)(uintptr_t)inner[i]), -XEN_EFAULT);
}

TEST(pviommu_handle_straddle,
     .id = "pviommu.handle.straddle_end",
     .checks = "PVI-024",
     .given = "structures whose last byte, half, or all but one byte lie behind the last mapped page",
     .expects = "-14, no effect",
     .needs = NEED_PVIOMMU)
{
	struct pvio *p = pvx(t);
	struct marks before = take_marks(t);
	struct linear_run run = run_of_pages(t, 1);
	uint64_t end = (uint64_t)(uintptr_t)run.p + PAGE_BYTES;

	for (unsigned i = 0; i < ARRAY_LEN(shapes); i++) {
		uint32_t bytes = bytes_of(t, shapes[i].command);

		if (pvio_number(p->revision, shapes[i].command) < 0)
			continue;
		expect_rc(t, "last byte missing", send(p, shapes[i].command, end - bytes + 1), -XEN_EFAULT);
		expect_rc(t, "half missing", send(p, shapes[i].command, end - bytes / 2), -XEN_EFAULT);
		expect_rc(t, "first byte alone", send(p, shapes[i].command, end - 1), -XEN_EFAULT);
	}
	linear_run_drop(&run);
	expect_marks(t, &before);
}

/* alloc, map, unmap and free through one structure at an address. */
static void use_at(struct test *t, uint8_t *at, struct page *target)
{
	struct pvio *p = pvx(t);
	uint16_t ctx = 0;

	if (p->revision == PVIO_T) {
		struct pvio_t_op op = { .subop_id = PVIO_T_ALLOC };

		memcpy(at, &op, sizeof(op));
		expect_rc(t, "alloc_context", send(p, PVIO_ALLOC_CONTEXT, (uint64_t)(uintptr_t)at), 0);
		memcpy(&op, at, sizeof(op));
		ctx = op.ctx_no;
		op = (struct pvio_t_op){ .subop_id = PVIO_T_MAP, .ctx_no = ctx, .flags = PVX_RW,
					 .map_pages = { .gfn = gfn_of(target->pa), .dfn = PVX_A, .nr_pages = 1 } };
		memcpy(at, &op, sizeof(op));
		expect_rc(t, "map_pages", send(p, PVIO_MAP_PAGES, (uint64_t)(uintptr_t)at), 0);
		memcpy(&op, at, sizeof(op));
		expect_eq(t, "mapped", op.map_pages.mapped, 1);
	} else {
		struct pvio_alloc alloc = { 0 };
		struct pvio_map map = { .map_flags = PVX_RW, .gfn = gfn_of(target->pa), .dfn = PVX_A,
					.pgsize = PAGE_BYTES, .nr_pages = 1 };

		memcpy(at, &alloc, sizeof(alloc));
		expect_rc(t, "alloc_context", send(p, PVIO_ALLOC_CONTEXT, (uint64_t)(uintptr_t)at), 0);
		memcpy(&alloc, at, sizeof(alloc));
		ctx = map.ctx_no = alloc.ctx_no;
		memcpy(at, &map, sizeof(map));
		expect_rc(t, "map_pages", send(p, PVIO_MAP_PAGES, (uint64_t)(uintptr_t)at), 0);
		memcpy(&map, at, sizeof(map));
		expect_eq(t, "mapped", map.mapped, 1);
	}
	if (!ctx) {
		fail(t, "a context number", "0");
		return;
	}
	pvx_owns(t, ctx);
	expect_rc(t, "unmap_pages of what was mapped", pvx_try_unmap(t, ctx, PVX_A, 1, NULL), 0);
	pvx_free(t, ctx);
}

TEST(pviommu_handle_cross,
     .id = "pviommu.handle.cross_pages",
     .checks = "PVI-025",
     .given = "structures that begin in one page and end in the next, which lies elsewhere in memory",
     .expects = "the call works",
     .needs = NEED_PVIOMMU)
{
	struct page *target = page_alloc(t, PAGE_BYTES, 0);
	struct linear_run run;

	(void)pvx(t);
	run = run_of_pages(t, RUN_PAGES);
	for (unsigned before = 1; before < 32; before += 5)
		use_at(t, run.p + PAGE_BYTES - before, target);
	linear_run_drop(&run);
}

TEST(pviommu_handle_odd,
     .id = "pviommu.handle.odd_address",
     .checks = "PVI-027",
     .given = "structures at addresses that are not aligned",
     .expects = "the call works",
     .needs = NEED_PVIOMMU)
{
	struct page *target = page_alloc(t, PAGE_BYTES, 0), *page = page_alloc(t, PAGE_BYTES, 0);

	(void)pvx(t);
	for (unsigned off = 1; off < 8; off++)
		use_at(t, page->p + off, target);
}

TEST(pviommu_handle_read_only,
     .id = "pviommu.handle.read_only",
     .checks = "PVI-026",
     .given = "query_capabilities, then alloc_context, with a structure in a page that may only be read",
     .expects = "-14, or success as the guest's own writes would have; no context is lost",
     .needs = NEED_PVIOMMU)
{
	static const int64_t allowed[] = { 0, -XEN_EFAULT, PVX_END };
	struct pvio *p = pvx(t);
	struct marks before = take_marks(t);
	struct linear_run run = run_of_pages(t, 1);
	int64_t rc;

	if (p->revision == PVIO_T)
		*(uint16_t *)(void *)run.p = PVIO_T_QUERY;
	linear_run_protect(&run, false);
	expect_rc_of(t, "query_capabilities", send(p, PVIO_QUERY_CAPABILITIES, (uint64_t)(uintptr_t)run.p), allowed);
	linear_run_protect(&run, true);
	memset(run.p, 0, 32);
	if (p->revision == PVIO_T)
		*(uint16_t *)(void *)run.p = PVIO_T_ALLOC;
	linear_run_protect(&run, false);
	rc = send(p, PVIO_ALLOC_CONTEXT, (uint64_t)(uintptr_t)run.p);
	linear_run_protect(&run, true);
	linear_run_drop(&run);
	expect_rc_of(t, "alloc_context", rc, allowed);
	if (rc == 0) {
		pvx_owns(t, before.next);
		pvx_free(t, before.next);
	} else {
		uint16_t next = pvx_context(t);

		/* Freed first: what was lost must not be lost to the tests that follow. */
		if (next != before.next)
			(void)pvio_free_context(p, before.next, 0);
		expect_eq(t, "next context after the failure", next, before.next);
	}
}
