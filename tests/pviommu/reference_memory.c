/*
 * The reference itself: memory and functions that a toolstack gives to domains and takes away. Not asked of
 * hypervisors, which have other ways to do so.
 */
#include "tests/pviommu/fixture.h"

#define PAGES 40u
#define MANY  300u /* not divided by 7 or 11 */

struct own {
	struct page *p;
	uint64_t gfn;
	struct pvref *r;
	struct pvref_memory memory;
	struct pvb_setup setup;
};

/* A hardware domain that has nothing but a few pages, where they are, and the devices. */
static void start(struct test *t, struct own *o)
{
	o->p = page_alloc(t, PAGES * PAGE_BYTES, 0);
	o->gfn = gfn_of(o->p->pa);
	o->memory = (struct pvref_memory){ o->gfn, o->p->pa, PAGES, PVREF_RAM };
	pvx_setup(t, &o->setup);
	o->setup.domain.memory = &o->memory;
	o->setup.domain.memory_n = 1;
	(void)pvx_remake(t, &o->setup);
	o->r = pvx_reference(t);
}

/* Whether a device in context 0 reaches page number n by its own address. */
static void expect_page(struct test *t, const struct own *o, uint64_t n, bool reached)
{
	iova_t iova = iova_of(o->gfn + n);

	expect_write(t, iova, o->p, n * PAGE_BYTES, reached ? DMA_DONE : DMA_REFUSED);
}

static void expect_frame(struct test *t, const struct own *o, uint64_t n, bool there)
{
	pa_t pa = PA(0);
	enum status s = pvref_translate(o->r, PVB_DOM0, o->gfn + n, &pa);

	expect_eq(t, "pvref_translate", (uint64_t)s, (uint64_t)(there ? OK : ERR_NOT_FOUND));
	if (there && s == OK)
		expect_eq(t, "where the frame is", pa.v, o->p->pa.v + n * PAGE_BYTES);
}

static void expect_status(struct test *t, const char *what, enum status seen, enum status expected)
{
	expect_eq(t, what, (uint64_t)seen, (uint64_t)expected);
}

TEST(pviommu_reference_balloon,
     .id = "pviommu.reference.balloon",
     .checks = "PVI-117",
     .given = "pages that go out of a domain, from the middle, the start and the end of its memory, and come back",
     .expects = "gone, context 0 does not lead there and nobody can map them; back, they are as before",
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)
{
	static const struct { uint64_t first, n; } parts[] = { { 5, 3 }, { 0, 2 }, { PAGES - 2, 2 }, { 8, 1 }, { 2, 3 } };
	struct own o;
	uint32_t n = 0;

	start(t, &o);
	for (unsigned i = 0; i < ARRAY_LEN(parts); i++)
		expect_status(t, "pages go", pvref_memory_remove(o.r, PVB_DOM0, o.gfn + parts[i].first, parts[i].n), OK);
	for (uint64_t page = 0; page < PAGES; page++)
		expect_frame(t, &o, page, page >= 9 && page < PAGES - 2);
	expect_page(t, &o, 8, false);
	expect_page(t, &o, 9, true);
	expect_page(t, &o, PAGES - 3, true);
	expect_page(t, &o, PAGES - 2, false);
	expect_rc(t, "map_pages of one that is gone", pvx_try_map(t, pvx_context(t), PVX_A, o.gfn + 6, 1, &n),
		  pvx_by(t, -XEN_EPERM, -XEN_ENOENT, -XEN_ENOENT, -XEN_ENOENT));
	for (unsigned i = 0; i < ARRAY_LEN(parts); i++) {
		struct pvref_memory m = { o.gfn + parts[i].first, pa_add(o.p->pa, parts[i].first * PAGE_BYTES), parts[i].n,
					  PVREF_RAM };

		expect_status(t, "pages come back", pvref_memory_add(o.r, PVB_DOM0, &m), OK);
	}
	for (uint64_t page = 0; page < PAGES; page++)
		expect_frame(t, &o, page, true);
	expect_page(t, &o, 0, true);
	expect_page(t, &o, 6, true);
	expect_page(t, &o, PAGES - 1, true);
	/* All of it is one piece again. */
	expect_status(t, "all pages go at once", pvref_memory_remove(o.r, PVB_DOM0, o.gfn, PAGES), OK);
	expect_page(t, &o, 20, false);
}

TEST(pviommu_reference_balloon_held,
     .id = "pviommu.reference.balloon_held",
     .checks = "PVI-117",
     .given = "pages of which some are mapped in a context, or are a device's reserved memory",
     .expects = "ERR_BUSY, nothing goes; unmapped, they go",
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)
{
	struct pvref_reserved reserved;
	struct own o;
	uint16_t ctx;

	start(t, &o);
	reserved = (struct pvref_reserved){ pvx_dev(t->engine), pa_add(o.p->pa, 30 * PAGE_BYTES), 2 };
	o.setup.config.reserved = &reserved;
	o.setup.config.reserved_n = 1;
	(void)pvx_remake(t, &o.setup);
	o.r = pvx_reference(t);
	ctx = pvx_start(t);
	pvx_map(t, ctx, PVX_A, pa_add(o.p->pa, 10 * PAGE_BYTES), 2, PVX_RW);
	expect_status(t, "pages of which the last is mapped", pvref_memory_remove(o.r, PVB_DOM0, o.gfn + 7, 4), ERR_BUSY);
	expect_status(t, "pages of which the first is mapped", pvref_memory_remove(o.r, PVB_DOM0, o.gfn + 11, 4), ERR_BUSY);
	expect_status(t, "reserved memory", pvref_memory_remove(o.r, PVB_DOM0, o.gfn + 31, 3), ERR_BUSY);
	for (uint64_t page = 7; page < 15; page++)
		expect_frame(t, &o, page, true);
	expect_status(t, "pages before those", pvref_memory_remove(o.r, PVB_DOM0, o.gfn + 7, 3), OK);
	expect_status(t, "pages after those", pvref_memory_remove(o.r, PVB_DOM0, o.gfn + 12, 4), OK);
	expect_write(t, iova_of(PVX_A + 1), o.p, 11 * PAGE_BYTES, DMA_DONE);
	pvx_unmap(t, ctx, PVX_A, 2);
	expect_status(t, "pages that were mapped", pvref_memory_remove(o.r, PVB_DOM0, o.gfn + 10, 2), OK);
}

TEST(pviommu_reference_memory_rules,
     .id = "pviommu.reference.memory_rules",
     .given = "memory that is there, misaligned, empty, too far, in too many pieces; domains that do not exist",
     .expects = "each is refused with its own status and changes nothing",
     .needs = NEED_PVIOMMU)
{
	struct pvref_memory m;
	struct own o;
	unsigned n;
	pa_t pa;

	start(t, &o);
	m = (struct pvref_memory){ o.gfn + PAGES - 1, o.p->pa, 2, PVREF_RAM };
	expect_status(t, "over the end", pvref_memory_add(o.r, PVB_DOM0, &m), ERR_EXISTS);
	m.gfn = o.gfn - 1;
	expect_status(t, "over the start", pvref_memory_add(o.r, PVB_DOM0, &m), ERR_EXISTS);
	m = (struct pvref_memory){ 1, o.p->pa, 0, PVREF_RAM };
	expect_status(t, "no pages", pvref_memory_add(o.r, PVB_DOM0, &m), ERR_INVALID);
	m = (struct pvref_memory){ 1, pa_add(o.p->pa, 1), 1, PVREF_RAM };
	expect_status(t, "misaligned", pvref_memory_add(o.r, PVB_DOM0, &m), ERR_INVALID);
	m = (struct pvref_memory){ BIT(52), o.p->pa, 1, PVREF_RAM };
	expect_status(t, "too far", pvref_memory_add(o.r, PVB_DOM0, &m), ERR_INVALID);
	m = (struct pvref_memory){ BIT(52) - 1, o.p->pa, 2, PVREF_RAM };
	expect_status(t, "beyond the end", pvref_memory_add(o.r, PVB_DOM0, &m), ERR_INVALID);
	m = (struct pvref_memory){ BIT(52) - 1, o.p->pa, 1, PVREF_RAM };
	expect_status(t, "the last page", pvref_memory_add(o.r, PVB_DOM0, &m), OK);
	expect_status(t, "is there", pvref_translate(o.r, PVB_DOM0, BIT(52) - 1, &pa), OK);
	expect_status(t, "a domain that is not", pvref_memory_add(o.r, 77, &m), ERR_NOT_FOUND);
	expect_status(t, "a domain that is not", pvref_memory_remove(o.r, 77, o.gfn, 1), ERR_NOT_FOUND);
	expect_status(t, "nothing goes", pvref_memory_remove(o.r, PVB_DOM0, o.gfn, 0), ERR_NOT_FOUND);
	expect_status(t, "a hole goes", pvref_memory_remove(o.r, PVB_DOM0, o.gfn + PAGES, 1), ERR_NOT_FOUND);
	expect_status(t, "more than there is", pvref_memory_remove(o.r, PVB_DOM0, o.gfn + 1, PAGES), ERR_NOT_FOUND);
	/* Two pieces so far, and each page out of the middle of one makes another. */
	for (n = 2; n < PVREF_RANGES_MAX; n++)
		expect_status(t, "a page goes", pvref_memory_remove(o.r, PVB_DOM0, o.gfn + 2 * n - 3, 1), OK);
	expect_status(t, "too many pieces", pvref_memory_remove(o.r, PVB_DOM0, o.gfn + 2 * n - 3, 1), ERR_FULL);
	expect_frame(t, &o, 2 * n - 3, true);
	m = (struct pvref_memory){ 1, o.p->pa, 1, PVREF_RAM };
	expect_status(t, "one piece more", pvref_memory_add(o.r, PVB_DOM0, &m), ERR_FULL);
	expect_status(t, "the end of a piece goes", pvref_memory_remove(o.r, PVB_DOM0, o.gfn + PAGES - 1, 1), OK);
}

TEST(pviommu_reference_far_memory,
     .id = "pviommu.reference.far_memory",
     .given = "a page at a frame number that no device can emit",
     .expects = "context 0 leaves it out; it can be mapped where devices reach",
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct pvref_memory m = { BIT(40), p->pa, 1, PVREF_RAM };
	uint32_t n = 0;
	struct own o;
	uint16_t ctx;

	start(t, &o);
	expect_status(t, "a page that is far", pvref_memory_add(o.r, PVB_DOM0, &m), OK);
	expect_page(t, &o, 1, true);
	ctx = pvx_start(t);
	expect_rc(t, "map_pages", pvx_try_map(t, ctx, PVX_A, BIT(40), 1, &n), 0);
	expect_write(t, iova_of(PVX_A), p, 0, DMA_DONE);
	pvx_unmap(t, ctx, PVX_A, 1);
	expect_status(t, "it goes", pvref_memory_remove(o.r, PVB_DOM0, BIT(40), 1), OK);
}

TEST(pviommu_reference_identity_follows,
     .id = "pviommu.reference.identity_follows",
     .given = "an identity context with a mapping of its own; memory goes, and comes",
     .expects = "the identity follows, but for where the mapping is in its way",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)
{
	struct pvref_counts n;
	struct pvref_memory m;
	uint16_t ctx = 0;
	struct own o;

	start(t, &o);
	o.setup.domain.max_ctx_no = 1; /* so that it is the last one, too */
	(void)pvx_remake(t, &o.setup);
	(void)pvio_init(pvx_uninitialised(t), 1, 9);
	o.r = pvx_reference(t);
	m = (struct pvref_memory){ o.gfn + 4, pa_add(o.p->pa, 4 * PAGE_BYTES), 4, PVREF_RAM };
	expect_rc(t, "alloc_context", pvx_try_alloc(t, PVIO_ALLOC_IDENTITY, &ctx), 0);
	pvx_attach(t, t->engine, ctx);
	expect_page(t, &o, 5, true);
	expect_status(t, "pages go", pvref_memory_remove(o.r, PVB_DOM0, m.gfn, m.pages), OK);
	expect_page(t, &o, 5, false);
	expect_page(t, &o, 8, true);
	pvx_map(t, ctx, m.gfn + 1, pa_add(o.p->pa, 20 * PAGE_BYTES), 1, PVX_RW);
	pvref_count(o.r, &n);
	expect_eq(t, "pages mapped beside the identities", n.pages_mapped, 1);
	expect_write(t, iova_of(m.gfn + 1), o.p, 20 * PAGE_BYTES, DMA_DONE);
	expect_status(t, "pages come back", pvref_memory_add(o.r, PVB_DOM0, &m), OK);
	expect_page(t, &o, 4, true);
	expect_page(t, &o, 6, true);
	expect_write(t, iova_of(m.gfn + 1), o.p, 20 * PAGE_BYTES, DMA_DONE);
	expect_status(t, "the page that is mapped", pvref_memory_remove(o.r, PVB_DOM0, o.gfn + 20, 1), ERR_BUSY);
	expect_status(t, "the pages around the mapping", pvref_memory_remove(o.r, PVB_DOM0, m.gfn, m.pages), OK);
	expect_page(t, &o, 6, false);
	expect_write(t, iova_of(m.gfn + 1), o.p, 20 * PAGE_BYTES, DMA_DONE);
}

TEST(pviommu_reference_identity_split,
     .id = "pviommu.reference.identity_split",
     .given = "one page unmapped in an identity context, in the midst of what large pages map",
     .expects = "it alone is refused; the memory that the split took is given back with the context",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)
{
	struct page *p = page_alloc(t, 3 * PAGE_BYTES, 0);
	struct pvref_memory last = { gfn_of(p->pa) + 2, pa_add(p->pa, 2 * PAGE_BYTES), 1, PVREF_RAM };
	struct pvref_counts made, split;
	uint16_t ctx = 0;

	(void)pvx_reference(t);
	if (!(t->bench->pviommu->host->caps.page_sizes & BIT(21)))
		skip(t, "the host has no large pages");
	expect_rc(t, "alloc_context", pvx_try_alloc(t, PVIO_ALLOC_IDENTITY, &ctx), 0);
	pvx_attach(t, t->engine, ctx);
	pvref_count(pvx_reference(t), &made);
	expect_status(t, "a page goes", pvref_memory_remove(pvx_reference(t), PVB_DOM0, last.gfn, 1), OK);
	pvref_count(pvx_reference(t), &split);
	expect_true(t, split.arena_used > made.arena_used, "a page that goes takes memory, which is counted");
	expect_status(t, "it comes back", pvref_memory_add(pvx_reference(t), PVB_DOM0, &last), OK);
	pvx_unmap(t, ctx, gfn_of(p->pa) + 1, 1);
	pvref_count(pvx_reference(t), &split);
	expect_true(t, split.arena_used > made.arena_used, "a split takes memory, which is counted");
	expect_write(t, IOVA(p->pa.v), p, 0, DMA_DONE);
	expect_write(t, IOVA(p->pa.v + PAGE_BYTES), p, PAGE_BYTES, DMA_REFUSED);
	expect_write(t, IOVA(p->pa.v + 2 * PAGE_BYTES), p, 2 * PAGE_BYTES, DMA_DONE);
	pvx_home(t, t->engine);
	pvx_free(t, ctx);
	pvref_count(pvx_reference(t), &split);
	expect_eq(t, "pages of memory that are taken", split.arena_used, 0);
}

TEST(pviommu_reference_nested_follows,
     .id = "pviommu.reference.nested_follows",
     .given = "memory goes and comes while a nested context is there",
     .expects = "OK; with the context freed, and allocated again, too",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	struct pvref_memory m;
	uint16_t ctx = 0;
	struct own o;

	start(t, &o);
	m = (struct pvref_memory){ o.gfn + 4, pa_add(o.p->pa, 4 * PAGE_BYTES), 4, PVREF_RAM };
	if (!(pvx(t)->caps.flags & PVIO_CAP_NESTED))
		skip(t, "nested contexts are not offered");
	for (unsigned i = 0; i < 2; i++) {
		size_t before = mem_free_pages();

		expect_rc(t, "alloc_nested", pvio_alloc_nested(pvx(t), o.gfn, 0, &ctx), 0);
		pvx_owns(t, ctx);
		expect_status(t, "pages go", pvref_memory_remove(o.r, PVB_DOM0, m.gfn, m.pages), OK);
		expect_status(t, "pages come back", pvref_memory_add(o.r, PVB_DOM0, &m), OK);
		pvx_free(t, ctx);
		expect_eq(t, "free pages", mem_free_pages(), before);
	}
}

static unsigned pieces(struct test *t)
{
	struct pvref_counts n;

	pvref_count(pvx_reference(t), &n);
	return n.pieces_n;
}

TEST(pviommu_reference_pieces,
     .id = "pviommu.reference.pieces",
     .given = "pages side by side in one space or both, with other permissions; mapped in any order, unmapped",
     .expects = "what goes on in both spaces alike is one piece; each page is what it was mapped as",
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)
{
	struct page *p = page_alloc(t, 8 * PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);
	unsigned none = pieces(t);
	uint32_t n = 0;

	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	pvx_map(t, ctx, PVX_A + 2, pa_add(p->pa, 2 * PAGE_BYTES), 1, PVX_RW);
	expect_eq(t, "pieces of two", pieces(t) - none, 2);
	pvx_map(t, ctx, PVX_A + 1, pa_add(p->pa, PAGE_BYTES), 1, PVX_RW);
	expect_eq(t, "pieces once the gap is filled", pieces(t) - none, 1);
	pvx_map(t, ctx, PVX_A + 3, pa_add(p->pa, 3 * PAGE_BYTES), 1, PVIO_MAP_READABLE);
	expect_eq(t, "pieces with another permission", pieces(t) - none, 2);
	pvx_map(t, ctx, PVX_A + 5, pa_add(p->pa, 4 * PAGE_BYTES), 1, PVIO_MAP_READABLE);
	expect_eq(t, "pieces with a gap on one side", pieces(t) - none, 3);
	pvx_map(t, ctx, PVX_A + 6, pa_add(p->pa, 6 * PAGE_BYTES), 1, PVIO_MAP_READABLE);
	expect_eq(t, "pieces with a gap on the other side", pieces(t) - none, 4);
	expect_write(t, iova_of(PVX_A + 1), p, PAGE_BYTES, DMA_DONE);
	expect_write(t, iova_of(PVX_A + 3), p, 3 * PAGE_BYTES, DMA_REFUSED);
	expect_rc(t, "unmap_pages of the gap", pvx_try_unmap(t, ctx, PVX_A + 4, 1, &n), -XEN_ENOENT);
	pvx_unmap(t, ctx, PVX_A + 1, 1);
	expect_eq(t, "pieces without the middle", pieces(t) - none, 5);
	expect_write(t, iova_of(PVX_A), p, 0, DMA_DONE);
	expect_write(t, iova_of(PVX_A + 1), p, PAGE_BYTES, DMA_REFUSED);
	expect_write(t, iova_of(PVX_A + 2), p, 2 * PAGE_BYTES, DMA_DONE);
	expect_rc(t, "unmap_pages up to the next gap", pvx_try_unmap(t, ctx, PVX_A + 2, 4, &n), -XEN_ENOENT);
	expect_eq(t, "unmapped", n, 2);
	expect_eq(t, "pieces that are left", pieces(t) - none, 3);
	pvx_unmap(t, ctx, PVX_A + 5, 2);
	pvx_unmap(t, ctx, PVX_A, 1);
	expect_eq(t, "pieces at the end", pieces(t) - none, 0);
	for (unsigned i = 0; i < MANY; i++)
		pvx_map(t, ctx, PVX_B + 2 * ((i * 7) % MANY), p->pa, 1, PVX_RW);
	expect_eq(t, "many pieces", pieces(t) - none, MANY);
	expect_write(t, iova_of(PVX_B), p, 0, DMA_DONE);
	for (unsigned i = 0; i < MANY; i++)
		expect_rc(t, "unmap_pages", pvx_try_unmap(t, ctx, PVX_B + 2 * ((i * 11) % MANY), 1, &n), 0);
	expect_eq(t, "pieces at the end", pieces(t) - none, 0);
}
