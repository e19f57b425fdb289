/*
 * PV-IOMMU: nested contexts. The page table lies in the domain's own memory and has the processor's format of four
 * levels; what it names are frames of the domain.
 */
#include "tests/pviommu/fixture.h"

#define ENTRY   (BIT(0) | BIT(1) | BIT(2) | BIT(5))  /* present, writable, user, accessed */
#define LEAF    (ENTRY | BIT(6))                     /* dirty */
#define LEVELS  4u
#define ENTRIES 512u

struct table {
	struct page *page[LEVELS]; /* [0]: the leaves */
};

static void write_back(const struct page *p)
{
	cache_write_back(p->p, p->len_bytes);
}

static uint64_t *entry_of(const struct table *tb, unsigned level, uint64_t dfn)
{
	return (uint64_t *)(void *)tb->page[level]->p + shr(dfn, 9 * level) % ENTRIES;
}

/* Tables that lead to one page of leaves for the neighbourhood of PVX_A, and nowhere else. */
static struct table make_table(struct test *t)
{
	struct table tb;

	for (unsigned i = 0; i < LEVELS; i++)
		tb.page[i] = page_alloc(t, PAGE_BYTES, 0);
	for (unsigned i = 1; i < LEVELS; i++) {
		*entry_of(&tb, i, PVX_A) = tb.page[i - 1]->pa.v | ENTRY;
		write_back(tb.page[i]);
	}
	return tb;
}

static void set_leaf(struct table *tb, uint64_t dfn, uint64_t entry)
{
	*entry_of(tb, 0, dfn) = entry;
	write_back(tb->page[0]);
}

static struct pvio *with_nested(struct test *t)
{
	struct pvio *p = pvx(t);

	(void)pvio_query_capabilities(p);
	if (!(p->caps.flags & PVIO_CAP_NESTED))
		skip(t, "nested contexts are not offered");
	return p;
}

static uint16_t nested_context(struct test *t, const struct table *tb)
{
	uint16_t ctx = 0;

	expect_rc(t, "alloc_nested", pvio_alloc_nested(with_nested(t), gfn_of(tb->page[LEVELS - 1]->pa), 0, &ctx), 0);
	if (!ctx)
		give_up(t, "there is no nested context");
	pvx_owns(t, ctx);
	return ctx;
}

static void enter(struct test *t, uint16_t ctx)
{
	if (pvx_try_attach(t, t->engine, ctx) != 0)
		give_up(t, "the device cannot be moved to the nested context");
}

TEST(pviommu_nested_absent,
     .id = "pviommu.nested.not_offered",
     .checks = "PVI-171",
     .given = "alloc_nested and flush_nested where nested contexts are not offered, also with bad pointers",
     .expects = "-95 each time, the argument untouched",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	struct pvio_alloc_nested *a = (struct pvio_alloc_nested *)(void *)page_filled(t, 0x5a)->p;
	const uint8_t *bytes = (const uint8_t *)a;
	struct pvb_setup s;
	struct pvio *p;

	if (!pvx_on_hypervisor(t)) {
		pvx_setup(t, &s);
		s.config.caps &= ~PVIO_CAP_NESTED;
		(void)pvx_remake(t, &s);
	}
	p = pvx(t);
	(void)pvio_query_capabilities(p);
	if (p->caps.flags & PVIO_CAP_NESTED)
		skip(t, "nested contexts are offered");
	expect_rc(t, "alloc_nested", pvio_command(p, PVIO_ALLOC_NESTED, a), -XEN_EOPNOTSUPP);
	for (unsigned i = 0; i < sizeof(*a); i++)
		expect_true(t, bytes[i] == 0x5a, "the argument is untouched");
	expect_rc(t, "alloc_nested, bad pointer", pvio_command(p, PVIO_ALLOC_NESTED, (void *)(uintptr_t)1), -XEN_EOPNOTSUPP);
	expect_rc(t, "flush_nested", pvio_flush_nested(p), -XEN_EOPNOTSUPP);
}

TEST(pviommu_nested_dma,
     .id = "pviommu.nested.translates",
     .checks = "PVI-172 PVI-178",
     .given = "a nested context with one leaf, a device in it; it leaves, the context is freed",
     .expects = "the device reaches the leaf's page and nothing else; 0",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE | NEED_ENGINE_DIRECT)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct table tb;
	uint16_t ctx;

	(void)with_nested(t);
	tb = make_table(t);
	set_leaf(&tb, PVX_A, p->pa.v | LEAF);
	ctx = nested_context(t, &tb);
	enter(t, ctx);
	expect_reach(t, t->engine, PVX_A, p);
	expect_no_reach(t, t->engine, PVX_A + 1, p);
	expect_no_reach(t, t->engine, gfn_of(p->pa), p);
	expect_rc(t, "free_context with the device inside", pvio_free_context(pvx(t), ctx, 0), -XEN_EBUSY);
	pvx_home(t, t->engine);
	pvx_disowns(t, ctx);
	expect_rc(t, "free_context", pvio_free_context(pvx(t), ctx, 0), 0);
	expect_no_reach(t, t->engine, PVX_A, p);
}

TEST(pviommu_nested_refuses,
     .id = "pviommu.nested.no_map",
     .checks = "PVI-173",
     .given = "map_pages, unmap_pages and (H) lookup_page in a nested context",
     .expects = "an error each time",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct table tb;
	uint64_t gfn = 0;
	uint16_t ctx;

	(void)with_nested(t);
	tb = make_table(t);
	set_leaf(&tb, PVX_A, p->pa.v | LEAF);
	ctx = nested_context(t, &tb);
	expect_error(t, "map_pages", pvx_try_map(t, ctx, PVX_B, gfn_of(p->pa), 1, NULL), -XEN_EINVAL);
	expect_error(t, "unmap_pages", pvx_try_unmap(t, ctx, PVX_A, 1, NULL), -XEN_EINVAL);
	if (t->bench->revision == REV_H)
		expect_error(t, "lookup_page", pvio_lookup_page(pvx(t), ctx, PVX_A, &gfn), -XEN_EINVAL);
}

TEST(pviommu_nested_flush,
     .id = "pviommu.nested.flush",
     .checks = "PVI-174 PVI-175",
     .given = "a leaf is changed to another page; requests before and after flush_nested",
     .expects = "before: the old page or the new one; after: the new one",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)
{
	struct page *old = page_alloc(t, PAGE_BYTES, 0), *new = page_alloc(t, PAGE_BYTES, 0);
	struct pvb_setup s;
	struct table tb;
	uint16_t ctx;
	bool landed;

	/* On the reference the context is the only one that there may be, so it has the first number and the last. */
	if (!pvx_on_hypervisor(t)) {
		pvx_setup(t, &s);
		s.domain.max_ctx_no = 1;
		if (pvio_number(pvx_remake(t, &s)->revision, PVIO_INIT) >= 0)
			expect_rc(t, "init", pvio_init(&t->bench->pviommu->client, 1, PVX_ORDER), 0);
	}
	(void)with_nested(t);
	tb = make_table(t);
	set_leaf(&tb, PVX_A, old->pa.v | LEAF);
	ctx = nested_context(t, &tb);
	enter(t, ctx);
	expect_reach(t, t->engine, PVX_A, old);
	set_leaf(&tb, PVX_A, new->pa.v | LEAF);
	old->p[0] = new->p[0] = 0;
	(void)try_write(t, t->engine, iova_of(PVX_A), dma_small_bytes(t, t->engine), NULL, 0);
	landed = old->p[0] || old->p[1] || old->p[2] || old->p[3] || new->p[0] || new->p[1] || new->p[2] || new->p[3];
	expect_true(t, landed, "before the flush the old or the new page is written");
	expect_rc(t, "flush_nested", pvio_flush_nested(pvx(t)), 0);
	expect_reach(t, t->engine, PVX_A, new);
	set_leaf(&tb, PVX_A, 0);
	expect_rc(t, "flush_nested", pvio_flush_nested(pvx(t)), 0);
	expect_no_reach(t, t->engine, PVX_A, new);
}

TEST(pviommu_nested_bad_table,
     .id = "pviommu.nested.bad_table",
     .checks = "PVI-176",
     .given = "alloc_nested with a table in a hole, beyond all memory, in registers of a device",
     .expects = "an error each time; undefined flags are refused, too",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	struct pvio *p = with_nested(t);
	uint64_t bad[] = { gfn_of(mem_unbacked(PAGE_BYTES)), UINT64_MAX, BIT(52), 0xfee00 };
	uint16_t ctx = 0;

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		expect_error(t, "alloc_nested, bad table", pvio_alloc_nested(p, bad[i], 0, &ctx), -XEN_EINVAL);
	expect_error(t, "alloc_nested, undefined flags",
		       pvio_alloc_nested(p, gfn_of(page_alloc(t, PAGE_BYTES, 0)->pa), BIT(63), &ctx), -XEN_EINVAL);
}

TEST(pviommu_nested_outside,
     .id = "pviommu.nested.outside_memory",
     .checks = "PVI-177",
     .given = "a table of a domain that has only part of the memory: a leaf names a page of its own, one of nobody's",
     .expects = "the first is reached; the second is refused",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE | NEED_ENGINE_DIRECT)
{
	struct page *outside = page_alloc(t, PAGE_BYTES, 0), *inside;
	struct pvref_memory memory[LEVELS + 1];
	struct pvb_setup s;
	struct table tb;
	uint16_t ctx;

	pvx_setup(t, &s);
	tb = make_table(t);
	inside = page_alloc(t, PAGE_BYTES, 0);
	for (unsigned i = 0; i <= LEVELS; i++) {
		const struct page *p = i < LEVELS ? tb.page[i] : inside;

		memory[i] = (struct pvref_memory){ gfn_of(p->pa), p->pa, 1, PVREF_RAM };
	}
	s.domain.memory = memory;
	s.domain.memory_n = LEVELS + 1;
	(void)pvx_remake(t, &s);
	set_leaf(&tb, PVX_A, inside->pa.v | LEAF);
	set_leaf(&tb, PVX_A + 1, outside->pa.v | LEAF);
	ctx = nested_context(t, &tb);
	enter(t, ctx);
	expect_reach(t, t->engine, PVX_A, inside);
	expect_no_reach(t, t->engine, PVX_A + 1, outside);
}
