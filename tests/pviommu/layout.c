/*
 * PV-IOMMU: the structures as bytes. They are built here from the offsets of the public headers, by hand and not by the
 * client, so that a misreading which client and reference share shows.
 */
#include "tests/pviommu/fixture.h"
#include <string.h>

#define PATTERN 0x5a

/* A structure in a page of pattern. */
struct bytes {
	uint8_t *p;
	uint32_t n;
};

static struct bytes fresh(struct test *t, uint8_t *page, uint32_t n, uint8_t padding)
{
	(void)t;
	memset(page, PATTERN, 256);
	memset(page, padding, n);
	return (struct bytes){ page, n };
}

static void put(struct bytes b, unsigned at, unsigned width, uint64_t v)
{
	for (unsigned i = 0; i < width; i++)
		b.p[at + i] = (uint8_t)shr(v, 8 * i);
}

static uint64_t get(struct bytes b, unsigned at, unsigned width)
{
	uint64_t v = 0;

	for (unsigned i = width; i-- > 0;)
		v = v * 256 + b.p[at + i];
	return v;
}

static void expect_tail(struct test *t, struct bytes b, const char *what)
{
	for (unsigned i = b.n; i < 256; i++)
		if (b.p[i] != PATTERN) {
			fail(t, what, "a byte behind the structure changed");
			note(t, "byte %u", i);
			return;
		}
}

/* The number of a command by the headers: H, then I and F. */
enum { N_ALLOC, N_FREE, N_REATTACH, N_MAP, N_UNMAP, N_LOOKUP, N_QUERY };
static const uint8_t numbers[][2] = {
	[N_ALLOC] = { 2, 3 }, [N_FREE] = { 3, 4 }, [N_REATTACH] = { 4, 5 }, [N_MAP] = { 5, 6 }, [N_UNMAP] = { 6, 7 },
	[N_LOOKUP] = { 7, 7 }, [N_QUERY] = { 1, 1 },
};

static int64_t call(struct test *t, unsigned command, struct bytes b)
{
	return pvio_raw(pvx(t), numbers[command][t->bench->revision != REV_H], (uint64_t)(uintptr_t)b.p);
}

static unsigned bus(const struct engine *e)
{
	return (unsigned)fld_get(SID_BUS, e->dev->addr.sid);
}

static unsigned devfn(const struct engine *e)
{
	return (unsigned)fld_get(SID_DEVFN, e->dev->addr.sid);
}

/* All of a page's life in raw bytes, with a fill of the padding. */
static void life(struct test *t, uint8_t padding)
{
	struct page *target = page_alloc(t, PAGE_BYTES, 0);
	uint8_t *page = page_alloc(t, PAGE_BYTES, 0)->p;
	struct bytes b = fresh(t, page, 8, padding);
	uint16_t ctx;

	put(b, 4, 4, 0);
	expect_rc(t, "alloc_context", call(t, N_ALLOC, b), 0);
	expect_tail(t, b, "alloc_context writes 8 bytes");
	ctx = (uint16_t)get(b, 0, 2);
	if (!ctx || get(b, 0, 2) > 65535)
		give_up(t, "no context number at offset 0");
	pvx_owns(t, ctx);
	b = fresh(t, page, 40, padding);
	put(b, 0, 2, ctx);
	put(b, 8, 8, gfn_of(target->pa));
	put(b, 16, 8, PVX_A);
	put(b, 24, 4, 3);
	put(b, 28, 4, 4096);
	put(b, 32, 4, 1);
	put(b, 36, 4, 0);
	expect_rc(t, "map_pages", call(t, N_MAP, b), 0);
	expect_eq(t, "mapped, at offset 36", get(b, 36, 4), 1);
	expect_tail(t, b, "map_pages writes 40 bytes");
	b = fresh(t, page, 12, padding);
	put(b, 0, 2, ctx);
	put(b, 2, 2, t->engine->dev->addr.segment);
	put(b, 4, 1, bus(t->engine));
	put(b, 5, 1, devfn(t->engine));
	put(b, 8, 4, 0);
	(void)pvx_try_attach(t, t->engine, 0);
	expect_rc(t, "reattach_device", call(t, N_REATTACH, b), 0);
	expect_tail(t, b, "reattach_device writes nothing behind 12 bytes");
	expect_reach(t, t->engine, PVX_A, target);
	if (t->bench->revision == REV_H) {
		b = fresh(t, page, 24, padding);
		put(b, 0, 2, ctx);
		put(b, 8, 8, PVX_A);
		expect_rc(t, "lookup_page", call(t, N_LOOKUP, b), 0);
		expect_true(t, get(b, 16, 8) == gfn_of(target->pa), "gfn, at offset 16");
		expect_tail(t, b, "lookup_page writes 24 bytes");
	}
	b = fresh(t, page, 32, padding);
	put(b, 0, 2, ctx);
	put(b, 8, 8, PVX_A);
	put(b, 16, 4, 4096);
	put(b, 20, 4, 1);
	put(b, 24, 4, 0);
	expect_rc(t, "unmap_pages", call(t, N_UNMAP, b), 0);
	expect_eq(t, "unmapped, at offset 24", get(b, 24, 4), 1);
	expect_tail(t, b, "unmap_pages writes 32 bytes");
	expect_no_reach(t, t->engine, PVX_A, target);
	pvx_home(t, t->engine);
	b = fresh(t, page, 8, padding);
	put(b, 0, 2, ctx);
	put(b, 4, 4, 0);
	expect_rc(t, "free_context", call(t, N_FREE, b), 0);
	pvx_disowns(t, ctx);
	expect_tail(t, b, "free_context writes nothing behind 8 bytes");
}

TEST(pviommu_layout_padding,
     .id = "pviommu.layout.padding",
     .checks = "PVI-194 PVI-196",
     .given = "each structure built by hand, its padding filled with 0x00, then with 0xff; a pattern behind it",
     .expects = "the same results; the pattern stays",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE | NEED_ENGINE_DIRECT)
{
	life(t, 0x00);
	life(t, 0xff);
}

TEST(pviommu_layout_caps,
     .id = "pviommu.layout.capabilities",
     .checks = "PVI-196",
     .given = "the 24 bytes of query_capabilities, by offset",
     .expects = "what the client reads; the pattern behind stays",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	struct bytes b = fresh(t, page_alloc(t, PAGE_BYTES, 0)->p, 24, 0xff);
	const struct pvio_caps *c = &pvx(t)->caps;

	expect_rc(t, "query_capabilities", call(t, N_QUERY, b), 0);
	(void)pvio_query_capabilities(pvx(t));
	expect_true(t, get(b, 0, 8) == c->max_iova_addr, "max_iova_addr, at offset 0");
	expect_eq(t, "cap_flags, at offset 8", get(b, 8, 4), c->flags);
	expect_eq(t, "pgsize_mask, at offset 12", get(b, 12, 4), c->pgsize_mask);
	expect_eq(t, "max_pasid, at offset 16", get(b, 16, 4), c->max_pasid);
	expect_eq(t, "max_ctx_no, at offset 20", get(b, 20, 2), c->max_ctx_no);
	expect_tail(t, b, "query_capabilities writes 24 bytes");
}

static int64_t tagged(struct test *t, struct bytes b, unsigned subop, uint16_t ctx, uint32_t flags)
{
	put(b, 0, 2, subop);
	put(b, 2, 2, ctx);
	put(b, 4, 4, flags);
	return pvio_raw(pvx(t), (uint64_t)(uintptr_t)b.p, 0);
}

TEST(pviommu_layout_tagged,
     .id = "pviommu.layout.tagged",
     .checks = "PVI-196",
     .given = "the 32 bytes of each sub-operation built by hand, a pattern behind them",
     .expects = "they do what they say; the pattern stays",
     .revisions = REV_T,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *target = page_alloc(t, PAGE_BYTES, 0);
	uint8_t *page = page_alloc(t, PAGE_BYTES, 0)->p;
	struct bytes b = fresh(t, page, 32, 0xff);
	uint16_t ctx;

	expect_rc(t, "query", tagged(t, b, 1, 0, 0), 0);
	expect_true(t, get(b, 8, 2) && get(b, 12, 4) && get(b, 16, 8), "limits at offsets 8, 12 and 16");
	expect_rc(t, "alloc_context", tagged(t, b, 2, 0, 0), 0);
	ctx = (uint16_t)get(b, 2, 2);
	if (!ctx)
		give_up(t, "no context number at offset 2");
	pvx_owns(t, ctx);
	pvx_attach(t, t->engine, ctx);
	put(b, 8, 8, gfn_of(target->pa));
	put(b, 16, 8, PVX_A);
	put(b, 24, 4, 1);
	put(b, 28, 4, 0);
	expect_rc(t, "map_pages", tagged(t, b, 5, ctx, 3), 0);
	expect_eq(t, "mapped, at offset 28", get(b, 28, 4), 1);
	expect_reach(t, t->engine, PVX_A, target);
	put(b, 8, 8, 0);
	expect_rc(t, "lookup_page", tagged(t, b, 7, ctx, 0), 0);
	expect_true(t, get(b, 8, 8) == gfn_of(target->pa), "gfn, at offset 8");
	put(b, 8, 8, PVX_A);
	put(b, 16, 4, 1);
	put(b, 20, 4, 0);
	expect_rc(t, "unmap_pages", tagged(t, b, 6, ctx, 0), 0);
	expect_eq(t, "unmapped, at offset 20", get(b, 20, 4), 1);
	expect_no_reach(t, t->engine, PVX_A, target);
	put(b, 8, 2, t->engine->dev->addr.segment);
	put(b, 10, 1, bus(t->engine));
	put(b, 11, 1, devfn(t->engine));
	expect_rc(t, "reattach_device", tagged(t, b, 4, 0, 0), 0);
	expect_rc(t, "free_context", tagged(t, b, 3, ctx, 0), 0);
	pvx_disowns(t, ctx);
	expect_tail(t, b, "calls write 32 bytes");
}

TEST(pviommu_layout_32_bit,
     .id = "pviommu.layout.caller_of_32_bits",
     .checks = "PVI-195",
     .given = "calls from 32-bit code with the structures of 64-bit callers",
     .expects = "the same results",
     .needs = NEED_PVIOMMU)
{
	skip_unreached(t, "this kernel has no 32-bit code");
}

/* ---- interrupts and other processors ---- */

TEST(pviommu_layout_interrupts,
     .id = "pviommu.preempt.interrupts",
     .checks = "PVI-197",
     .given = "65536 pages mapped and unmapped (T: 256 at a time) while the timer runs; a message is sent afterwards",
     .expects = "all is done; time goes on and interrupts arrive",
     .needs = NEED_PVIOMMU | NEED_ENGINE_MSI,
     .budget_us = 60000000)
{
	enum { STEP = 256, STEPS = 256 };
	struct page *p = page_alloc(t, STEP * PAGE_BYTES, 0);
	uint16_t ctx = pvx_context(t);
	uint64_t address, from = time_us();
	uint32_t data, n = 0;
	unsigned vector;
	deadline_t d;

	(void)pvx(t);
	vector = irq_for(t, &address, &data);
	for (unsigned i = 0; i < STEPS; i++) {
		if (pvx_try_map(t, ctx, PVX_A, gfn_of(p->pa), STEP, &n) != 0 ||
		    pvx_try_unmap(t, ctx, PVX_A, STEP, &n) != 0 || n != STEP) {
			fail(t, "256 pages are mapped and unmapped", "not in each round");
			note(t, "round %u", i);
			return;
		}
		if (i % 64)
			continue;
		must(t, t->engine->ops->msi(t->engine, address, data), "sending a message");
		d = deadline_in_us(1000000);
		while (!irq_take(vector))
			if (deadline_over(&d)) {
				fail(t, "an interrupt arrives between calls", "none within a second");
				return;
			}
	}
	expect_true(t, time_us() > from, "time goes on");
}

#define TWO(suffix, row, what) \
	{ .id = "pviommu.two_processors." suffix, .checks = row, .given = what, \
	  .expects = "each call is as if it were alone", .needs = NEED_PVIOMMU, \
	  .body = two_processors }

static void two_processors(struct test *t)
{
	skip_unreached(t, "this kernel runs on one processor");
}

TEST_TABLE(pviommu_two_processors,
	TWO("probe", "PVI-014", "the first call from two processors at once"),
	TWO("map", "PVI-198", "map_pages and unmap_pages in two contexts at once"),
	TWO("map_and_free", "PVI-199", "map_pages in a context while it is freed"),
	TWO("reattach", "PVI-200", "reattach_device of one function from two processors"));
