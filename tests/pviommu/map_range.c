/* PV-IOMMU: addresses at the ends of the range, special ones, and tables that run out. */
#include "tests/pviommu/fixture.h"

#define MSI_DFN UINT64_C(0xfee00)
#define SPARSE  BIT(18) /* pages: 1 GiB, so that each map needs tables of its own */

static uint64_t last_dfn(struct test *t)
{
	struct pvio *p = pvx(t);

	if (pvio_query_capabilities(p) != 0)
		give_up(t, "the capabilities cannot be read");
	return p->caps.max_iova_addr / PAGE_BYTES;
}

TEST(pviommu_range_last,
     .id = "pviommu.range.last",
     .checks = "PVI-105",
     .given = "a page mapped at the last usable address",
     .expects = "0; the device reaches it",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint64_t dfn = last_dfn(t);
	uint16_t ctx = pvx_start(t);

	expect_rc(t, "map_pages at the last address", pvx_try_map(t, ctx, dfn, gfn_of(p->pa), 1, NULL), 0);
	expect_reach(t, t->engine, dfn, p);
	pvx_unmap(t, ctx, dfn, 1);
	expect_no_reach(t, t->engine, dfn, p);
}

TEST(pviommu_range_beyond,
     .id = "pviommu.range.beyond_last",
     .checks = "PVI-106",
     .given = "a page mapped right behind the last usable address, and a batch that runs across it",
     .expects = "an error; the batch has mapped no more than one page",
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, 2 * PAGE_BYTES, 0);
	uint64_t dfn = last_dfn(t);
	uint16_t ctx = pvx_context(t);
	uint32_t n = 0;
	int64_t rc = pvx_try_map(t, ctx, dfn + 1, gfn_of(p->pa), 1, &n);

	expect_error(t, "map_pages behind the last address", rc, -XEN_EINVAL);
	if (rc == 0)
		(void)pvx_try_unmap(t, ctx, dfn + 1, 1, NULL);
	rc = pvx_try_map(t, ctx, dfn, gfn_of(p->pa), 2, &n);
	expect_error(t, "map_pages across the last address", rc, -XEN_EINVAL);
	expect_true(t, rc == 0 || n <= 1, "no more than one page is mapped");
}

/* Two pages across the border of tables of a level, mapped by one call and taken away one by one. */
static void across_tables(struct test *t)
{
	struct page *p = page_alloc(t, 2 * PAGE_BYTES, 0);
	uint64_t border = t->desc->arg;
	uint16_t ctx = pvx_start(t);
	uint32_t n = 0;

	expect_rc(t, "map_pages", pvx_try_map(t, ctx, border - 1, gfn_of(p->pa), 2, &n), 0);
	expect_eq(t, "mapped", n, 2);
	expect_write(t, iova_of(border - 1), p, 0, DMA_DONE);
	expect_write(t, iova_of(border), p, PAGE_BYTES, DMA_DONE);
	expect_write(t, iova_of(border + 1), p, PAGE_BYTES, DMA_REFUSED);
	expect_rc(t, "unmap_pages of the first", pvx_try_unmap(t, ctx, border - 1, 1, &n), 0);
	expect_write(t, iova_of(border - 1), p, 0, DMA_REFUSED);
	expect_write(t, iova_of(border), p, PAGE_BYTES, DMA_DONE);
	expect_rc(t, "unmap_pages of the second", pvx_try_unmap(t, ctx, border, 1, &n), 0);
	expect_write(t, iova_of(border), p, PAGE_BYTES, DMA_REFUSED);
}

#define ACROSS(name, dfn) \
	{ .id = "pviommu.range.across_" name, .checks = "PVI-080 PVI-121", .given = "two pages across the border of tables", \
	  .expects = "both are reached; each can be taken away alone", .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE, \
	  .arg = dfn, .body = across_tables }

TEST_TABLE(pviommu_across,
	ACROSS("2_mib", BIT(9)), ACROSS("1_gib", BIT(18)), ACROSS("4_gib", BIT(20)), ACROSS("odd_2_mib", PVX_A & ~BITS(8, 0)),
	ACROSS("odd_1_gib", PVX_A & ~BITS(17, 0)), ACROSS("half_of_39_bits", BIT(26)));

static void far_dfn(struct test *t)
{
	struct page *far = page_alloc(t, PAGE_BYTES, 0), *low = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);
	uint32_t n = 0;
	int64_t rc = pvx_try_map(t, ctx, t->desc->arg, gfn_of(far->pa), 1, &n);

	expect_error(t, "map_pages far behind the last address", rc, -XEN_EINVAL);
	expect_eq(t, "mapped", n, rc == 0);
	/* What was mapped must not appear at an address whose lower bits are the same. */
	expect_no_reach(t, t->engine, t->desc->arg & BITS(26, 0), far);
	if (rc == 0)
		(void)pvx_try_unmap(t, ctx, t->desc->arg, 1, NULL);
	pvx_map(t, ctx, t->desc->arg & BITS(26, 0), low->pa, 1, PVX_RW);
	expect_reach(t, t->engine, t->desc->arg & BITS(26, 0), low);
}

#define FAR(name, dfn) \
	{ .id = "pviommu.range.dfn_" name, .checks = "PVI-107", .given = "a page mapped far behind the last usable address", \
	  .expects = "an error; the address with the same low bits is not affected", .needs = NEED_PVIOMMU | NEED_ENGINE, \
	  .arg = dfn, .body = far_dfn }

TEST_TABLE(pviommu_far_dfn,
	FAR("2_to_52", BIT(52)), FAR("2_to_63", BIT(63)), FAR("below_2_to_52", BIT(52) - 1), FAR("all_ones", UINT64_MAX),
	FAR("2_to_52_and_low", BIT(52) | PVX_A));

TEST(pviommu_range_dfn_36,
     .id = "pviommu.range.dfn_2_to_36",
     .checks = "PVI-107",
     .given = "a page mapped at dfn 2^36, where that is behind the last usable address",
     .expects = "an error; dfn 0 is not affected",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *far = page_alloc(t, PAGE_BYTES, 0), *low = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx;
	int64_t rc;

	if (last_dfn(t) >= BIT(36))
		skip(t, "addresses of more than 48 bits are offered");
	ctx = pvx_start(t);
	rc = pvx_try_map(t, ctx, BIT(36), gfn_of(far->pa), 1, NULL);
	expect_error(t, "map_pages at dfn 2^36", rc, -XEN_EINVAL);
	expect_no_reach(t, t->engine, 0, far);
	if (rc == 0)
		(void)pvx_try_unmap(t, ctx, BIT(36), 1, NULL);
	pvx_map(t, ctx, 0, low->pa, 1, PVX_RW);
	expect_reach(t, t->engine, 0, low);
}

TEST(pviommu_range_wrap,
     .id = "pviommu.range.wrap",
     .checks = "PVI-108",
     .given = "batches whose dfn or gfn runs past 2^64",
     .expects = "an error each time",
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_context(t);
	uint32_t n = 0;
	int64_t rc;

	rc = pvx_try_map(t, ctx, UINT64_MAX - 1, gfn_of(p->pa), 4, &n);
	expect_error(t, "map_pages, dfn wraps", rc, -XEN_EINVAL);
	rc = pvx_try_map(t, ctx, PVX_A, UINT64_MAX - 1, 4, &n);
	expect_error(t, "map_pages, gfn wraps", rc, pvx_by(t, -XEN_EPERM, -XEN_ENOENT, -XEN_ENOENT, -XEN_ENOENT));
	expect_eq(t, "mapped", n, 0);
	rc = pvx_try_unmap(t, ctx, UINT64_MAX - 1, 4, &n);
	expect_error(t, "unmap_pages, dfn wraps", rc, -XEN_EINVAL);
	for (uint64_t i = 0; i < 4; i++)
		(void)pvx_try_unmap(t, ctx, UINT64_MAX - 1 + i, 1, NULL);
}

TEST(pviommu_range_zero,
     .id = "pviommu.range.dfn_0",
     .checks = "PVI-109",
     .given = "a page mapped at address 0",
     .expects = "0; the device reaches it",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);

	expect_rc(t, "map_pages at 0", pvx_try_map(t, ctx, 0, gfn_of(p->pa), 1, NULL), 0);
	expect_reach(t, t->engine, 0, p);
}

TEST(pviommu_range_msi,
     .id = "pviommu.range.msi_window",
     .checks = "PVI-110",
     .given = "a page mapped at the address of messages, a message sent",
     .expects = "an error, or 0 and no write of the device lands in the page; the message arrives",
     .needs = NEED_PVIOMMU | NEED_ENGINE_MSI)
{
	struct page *p = page_filled(t, 0x5a);
	uint16_t ctx = pvx_start(t);
	uint64_t address;
	uint32_t data;
	unsigned vector = irq_for(t, &address, &data);
	int64_t rc = pvx_try_map(t, ctx, MSI_DFN, gfn_of(p->pa), 1, NULL);
	deadline_t d;

	if (rc != 0)
		expect_error(t, "map_pages of the address of messages", rc, -XEN_EINVAL);
	must(t, t->engine->ops->msi(t->engine, address, data), "sending a message");
	d = deadline_in_us(1000000);
	while (!irq_take(vector))
		if (deadline_over(&d)) {
			fail(t, "the message arrives", "no interrupt");
			break;
		}
	for (unsigned i = 0; i < PAGE_BYTES; i++)
		if (p->p[i] != 0x5a) {
			fail(t, "the page is unchanged", "byte %u changed", i);
			break;
		}
	if (pvx_on_hypervisor(t))
		remark(t, "map_pages of the address of messages: %s", pvx_result(rc));
}

/* ---- tables that run out ---- */

/* A domain with few pages for tables: T and H by configuration, I and F by what init asks for. */
static void small_arena(struct test *t)
{
	struct pvb_setup s;
	struct pvio *p;

	if (pvx_on_hypervisor(t)) {
		(void)pvx(t);
		return;
	}
	pvx_setup(t, &s);
	s.domain.arena_pages = 64;
	p = pvx_remake(t, &s);
	if (pvio_number(p->revision, PVIO_INIT) >= 0)
		expect_rc(t, "init", pvio_init(p, PVX_CONTEXTS, 6), 0);
}

#define SPARSE_MAX 4096u

static unsigned fill_sparsely(struct test *t, uint16_t ctx, const struct page *p, int64_t *end)
{
	uint64_t places = last_dfn(t) / SPARSE;
	unsigned n = 0;

	*end = 0;
	while (n < SPARSE_MAX && n < places && *end == 0) {
		*end = pvx_try_map(t, ctx, n * SPARSE + 1, gfn_of(p->pa), 1, NULL);
		n += *end == 0;
	}
	if (*end == 0)
		skip_unreached(t, "tables for %u sparse pages are not enough to use up what there is", n);
	return n;
}

TEST(pviommu_range_arena,
     .id = "pviommu.arena.used_up",
     .checks = "PVI-114",
     .given = "pages mapped 1 GiB apart until that fails",
     .expects = "-12; the first and the last one are reached; freeing gives all back: a later context takes as many",
     .needs = NEED_PVIOMMU | NEED_ENGINE,
     .budget_us = 10000000)
{
	struct page *p;
	unsigned first, second;
	uint16_t ctx;
	int64_t end;

	small_arena(t);
	p = page_alloc(t, PAGE_BYTES, 0);
	ctx = pvx_start(t);
	first = fill_sparsely(t, ctx, p, &end);
	expect_rc(t, "map_pages once tables have run out", end, -XEN_ENOMEM);
	expect_true(t, first > 2, "some pages were mapped before");
	expect_reach(t, t->engine, 1, p);
	expect_reach(t, t->engine, (first - 1) * SPARSE + 1, p);
	expect_no_reach(t, t->engine, first * SPARSE + 1, p);
	pvx_home(t, t->engine);
	pvx_free(t, ctx);
	for (unsigned i = 0; i < 8; i++) { /* what is lost with each of them adds up */
		ctx = pvx_context(t);
		pvx_map(t, ctx, 1, p->pa, 1, PVX_RW);
		pvx_free(t, ctx);
	}
	ctx = pvx_start(t);
	second = fill_sparsely(t, ctx, p, &end);
	expect_eq(t, "pages mapped in the next context", second, first);
	expect_reach(t, t->engine, 1, p);
}

TEST(pviommu_range_arena_alloc,
     .id = "pviommu.arena.alloc_without",
     .checks = "PVI-115",
     .given = "alloc_context when tables have run out, then again when there are some",
     .expects = "0, -12 or -28; contexts keep their numbers and mappings; later alloc_context works",
     .hazard_on = REV_T | REV_IF,
     .needs = NEED_PVIOMMU | NEED_ENGINE,
     .budget_us = 10000000)
{
	static const int64_t allowed[] = { 0, -XEN_ENOMEM, -XEN_ENOSPC, PVX_END };
	struct page *p;
	uint16_t kept, full, more = 0, fresh;
	int64_t end;

	small_arena(t);
	p = page_alloc(t, PAGE_BYTES, 0);
	kept = pvx_start(t);
	pvx_map(t, kept, PVX_A, p->pa, 1, PVX_RW);
	full = pvx_context(t);
	(void)fill_sparsely(t, full, p, &end);
	for (unsigned i = 0; i < 4; i++)
		expect_rc_of(t, "alloc_context", pvx_try_alloc(t, 0, &more), allowed);
	expect_reach(t, t->engine, PVX_A, p);
	pvx_free(t, full);
	fresh = pvx_context(t);
	expect_true(t, fresh != kept, "the number of a context in use is not given again");
	expect_reach(t, t->engine, PVX_A, p);
}

/* ---- reserved ranges ---- */

/* A hardware domain whose first engine must always reach a range 1:1. Returns that range, of two pages. */
static struct page *with_reserved(struct test *t, struct pvref_reserved *reserved)
{
	struct page *p = page_alloc(t, 4 * PAGE_BYTES, 0);
	struct pvb_setup s;

	pvx_setup(t, &s);
	*reserved = (struct pvref_reserved){ t->engine->dev->addr, pa_add(p->pa, PAGE_BYTES), 2 };
	s.config.reserved = reserved;
	s.config.reserved_n = 1;
	(void)pvx_remake(t, &s);
	return p;
}

/* The error of a page that is reserved: each revision has its own, and other places in one have -98, too. */
static void expect_reserved(struct test *t, const char *call, int64_t seen)
{
	int64_t own = pvx_by(t, -XEN_EADDRINUSE, -XEN_EINVAL, -XEN_EADDRNOTAVAIL, -XEN_EADDRNOTAVAIL);

	if (pvx_on_hypervisor(t))
		expect_rc_of(t, call, seen, (int64_t[]){ own, -XEN_EADDRINUSE, PVX_END });
	else
		expect_rc(t, call, seen, own);
}

TEST(pviommu_reserved_map,
     .id = "pviommu.reserved.map",
     .checks = "PVI-112 PVI-161",
     .given = "a device with a reserved range in a context; a page is mapped inside the range; the device leaves",
     .expects = "the range is reached 1:1; the map is refused; once the device has left the address is free",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pvref_reserved reserved;
	struct page *range = with_reserved(t, &reserved), *other = page_alloc(t, PAGE_BYTES, 0);
	uint64_t dfn = gfn_of(range->pa) + 1;
	uint16_t ctx = pvx_start(t);

	expect_write(t, iova_of(dfn), range, PAGE_BYTES, DMA_DONE);
	expect_write(t, iova_of(dfn + 1), range, 2 * PAGE_BYTES, DMA_DONE);
	expect_write(t, iova_of(dfn + 2), range, 3 * PAGE_BYTES, DMA_REFUSED);
	expect_reserved(t, "map_pages inside the range", pvx_try_map(t, ctx, dfn, gfn_of(other->pa), 1, NULL));
	expect_write(t, iova_of(dfn), range, PAGE_BYTES, DMA_DONE);
	pvx_home(t, t->engine);
	expect_rc(t, "map_pages after the device has left", pvx_try_map(t, ctx, dfn, gfn_of(other->pa), 1, NULL), 0);
	expect_rc(t, "unmap_pages", pvx_try_unmap(t, ctx, dfn, 1, NULL), 0);
}

TEST(pviommu_reserved_run_into,
     .id = "pviommu.reserved.run_into",
     .checks = "PVI-113",
     .given = "a batch of 3 pages that runs into a reserved range from below",
     .expects = "-98 or -99, mapped 1; that page and the range are reached",
     .revisions = REV_IF | REV_H,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pvref_reserved reserved;
	struct page *range = with_reserved(t, &reserved), *other = page_alloc(t, 3 * PAGE_BYTES, 0);
	uint64_t dfn = gfn_of(range->pa);
	uint16_t ctx = pvx_start(t);
	uint32_t n = 0;

	expect_reserved(t, "map_pages into the range", pvx_try_map(t, ctx, dfn, gfn_of(other->pa), 3, &n));
	expect_eq(t, "mapped", n, 1);
	expect_write(t, iova_of(dfn), other, 0, DMA_DONE);
	expect_write(t, iova_of(dfn + 1), range, PAGE_BYTES, DMA_DONE);
}

TEST(pviommu_reserved_unmap,
     .id = "pviommu.reserved.unmap",
     .checks = "PVI-130",
     .given = "unmap_pages inside a reserved range whose device is in the context",
     .expects = "-99 (H: an error); the range is still reached",
     .revisions = REV_IF | REV_H,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pvref_reserved reserved;
	struct page *range = with_reserved(t, &reserved);
	uint64_t dfn = gfn_of(range->pa) + 1;
	uint16_t ctx = pvx_start(t);
	int64_t rc = pvx_try_unmap(t, ctx, dfn, 1, NULL);

	if (t->bench->revision == REV_H)
		expect_error(t, "unmap_pages inside the range", rc, -XEN_EINVAL);
	else
		expect_rc(t, "unmap_pages inside the range", rc, -XEN_EADDRNOTAVAIL);
	expect_write(t, iova_of(dfn), range, PAGE_BYTES, DMA_DONE);
}

TEST(pviommu_reserved_conflict,
     .id = "pviommu.reserved.conflict",
     .checks = "PVI-162",
     .given = "a device with a reserved range is moved to a context that maps other memory there",
     .expects = "an error; the device stays where it was, and the mapping stays",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pvref_reserved reserved;
	struct page *range = with_reserved(t, &reserved), *other = page_alloc(t, PAGE_BYTES, 0);
	uint64_t dfn = gfn_of(range->pa) + 2;
	uint16_t from = pvx_start(t), to = pvx_context(t);

	pvx_map(t, from, PVX_A, other->pa, 1, PVX_RW);
	pvx_map(t, to, dfn, other->pa, 1, PVX_RW);
	expect_error(t, "reattach_device", pvx_try_attach(t, t->engine, to), -XEN_EINVAL);
	expect_reach(t, t->engine, PVX_A, other);
	expect_write(t, iova_of(dfn), range, 2 * PAGE_BYTES, DMA_DONE);
	expect_rc(t, "unmap_pages of the mapping", pvx_try_unmap(t, to, dfn, 1, NULL), 0);
	expect_rc(t, "reattach_device once it has gone", pvx_try_attach(t, t->engine, to), 0);
	expect_write(t, iova_of(dfn), range, 2 * PAGE_BYTES, DMA_DONE);
}
