/*
 * Protected memory regions (VT-d 3.18, 11.4.16): what they keep DMA from while translation is off.
 *
 * A region begins and ends at multiples of a granule that the unit tells: the low bits of its base registers are 0.
 */
#include "tests/vtd/judge.h"
#include "tests/vtd/model_ask.h"

#define NEEDS     (NEED_VTD | NEED_ENGINE_WRITE)
#define STATUS_US 1000000
#define GRANULE_MAX (UINT64_C(16) * 1024 * 1024)
#define HIGH_FROM   BIT(32)

static struct vtd_unit *unit(struct test *t)
{
	return t->bench->vtd;
}

/* EPM on or off; true where PRS followed. */
static bool protect(struct test *t, bool on)
{
	deadline_t d = deadline_in_us(STATUS_US);

	run_extend_us(STATUS_US);
	mmio_wr(&unit(t)->regs, VTD_PMEN, on ? (uint32_t)PMEN_EPM : 0);
	for (;;) {
		bool over = deadline_over(&d);

		if (!!(mmio_rd(&unit(t)->regs, VTD_PMEN) & PMEN_PRS) == on)
			return true;
		if (over)
			return false;
	}
}

static void must_protect(struct test *t, bool on)
{
	if (!protect(t, on))
		give_up(t, "PMEN.PRS does not follow EPM");
}

/* The low region, first and last byte; base above last: none. The high region is disabled, where there is one. */
static void set_low(struct test *t, uint64_t base, uint64_t last)
{
	mmio_wr(&unit(t)->regs, VTD_PLMBASE, (uint32_t)base);
	mmio_wr(&unit(t)->regs, VTD_PLMLIMIT, (uint32_t)last);
	if (!unit(t)->caps.phmr)
		return;
	mmio_wr(&unit(t)->regs, VTD_PHMBASE, UINT64_MAX);
	mmio_wr(&unit(t)->regs, VTD_PHMLIMIT, 0);
}

/* Translation and protection off; skips where the unit has no such region. */
static void start(struct test *t, bool high)
{
	const struct vtd_caps *c = &unit(t)->caps;

	if (!(high ? c->phmr : c->plmr))
		skip(t, "CAP.%s = 0", high ? "PHMR" : "PLMR");
	if (vtd_gsts(unit(t), GSTS_TES))
		must(t, vtd_translation_off(unit(t)), "turning translation off");
	must_protect(t, false);
}

static uint64_t low_granule(struct test *t)
{
	uint64_t seen, granule;

	mmio_wr(&unit(t)->regs, VTD_PLMBASE, UINT32_MAX);
	seen = mmio_rd(&unit(t)->regs, VTD_PLMBASE);
	granule = max_u64(LOWBIT(seen), PAGE_BYTES);
	if (!seen || granule > GRANULE_MAX)
		skip_unreached(t, "the granule of protected memory is too large to test");
	return granule;
}

static void dma(struct test *t, struct page *p, uint64_t off, enum dma_outcome expected)
{
	expect_write(t, IOVA(p->pa.v + off), p, off, expected);
	if (t->engine->caps.flags & DMA_CAN_READ)
		expect_read(t, IOVA(p->pa.v + off), p, off, expected);
}

/* Two granules of memory, the first one protected by the low region; DMA to both was seen to work before. */
static struct page *protected_low(struct test *t, uint64_t *granule)
{
	struct page *p;

	start(t, false);
	*granule = low_granule(t);
	p = page_alloc(t, 2 * *granule, *granule);
	if (p->pa.v + 2 * *granule > HIGH_FROM)
		skip_unreached(t, "no memory below 4 GiB");
	dma(t, p, 0, DMA_DONE);
	dma(t, p, *granule, DMA_DONE);
	set_low(t, p->pa.v, p->pa.v + *granule - 1);
	must_protect(t, true);
	return p;
}

/* U-06, as the model's units have chosen it. */
TEST(pmr_translated,
     .id = "vtd.model.pmr.translated",
     .given = "translation on, a page that lies in the low region",
     .expects = "DMA works, or is blocked and leaves no record, as the unit is made",
     .needs = NEEDS | NEED_LEGACY_SS | NEED_ENGINE_DIRECT, .flags = TEST_MODEL)
{
	bool closed = model_protects_translated(t);
	uint64_t granule;
	struct page *p;

	start(t, false);
	granule = low_granule(t);
	p = page_alloc(t, 2 * granule, granule);
	if (p->pa.v + 2 * granule > HIGH_FROM)
		skip_unreached(t, "no memory below 4 GiB");
	fx_start(t, FX_LEGACY);
	for (unsigned i = 0; i < 2; i++)
		fx_map(t, fx_req(t, t->engine), iova_add(IOVA_A, i * PAGE_BYTES), pa_add(p->pa, i * granule), 1, PERM_RW, 0);
	fx_sync(t);
	set_low(t, p->pa.v, p->pa.v + granule - 1);
	must_protect(t, true);
	expect_write(t, IOVA_A, p, 0, closed ? DMA_REFUSED : DMA_DONE);
	expect_write(t, iova_add(IOVA_A, PAGE_BYTES), p, granule, DMA_DONE);
	must_protect(t, false);
	expect_no_fault(t);
}

TEST(pmr_epm,
     .id = "vtd.pmr.epm.follows",
     .checks = "VTD-PMR-001 VTD-PMR-002",
     .given = "EPM = 1, then EPM = 0, regions disabled",
     .expects = "PRS = 1, then PRS = 0",
     .needs = NEED_VTD)
{
	const struct vtd_caps *c = &unit(t)->caps;

	if (!c->plmr && !c->phmr)
		skip(t, "CAP.PLMR = CAP.PHMR = 0");
	start(t, !c->plmr);
	set_low(t, UINT32_MAX, 0);
	expect_true(t, protect(t, true), "PRS = 1 after EPM = 1");
	expect_true(t, protect(t, false), "PRS = 0 after EPM = 0");
}

TEST(pmr_low,
     .id = "vtd.pmr.low.blocks",
     .checks = "VTD-PMR-003",
     .given = "translation off, a page in the low region",
     .expects = "DMA is refused while EPM = 1",
     .needs = NEEDS)
{
	uint64_t granule;
	struct page *p = protected_low(t, &granule);

	dma(t, p, 0, DMA_REFUSED);
	must_protect(t, false);
	dma(t, p, 0, DMA_DONE);
}

TEST(pmr_outside,
     .id = "vtd.pmr.low.outside",
     .checks = "VTD-PMR-005",
     .given = "translation off, EPM = 1, a page above the low region",
     .expects = "DMA works",
     .needs = NEEDS)
{
	uint64_t granule;
	struct page *p = protected_low(t, &granule);

	dma(t, p, granule, DMA_DONE);
}

TEST(pmr_limit,
     .id = "vtd.pmr.low.limit_inclusive",
     .checks = "VTD-PMR-006",
     .given = "the last bytes of the low region, and the first behind it",
     .expects = "refused, then allowed",
     .needs = NEEDS)
{
	uint64_t granule;
	struct page *p = protected_low(t, &granule);

	dma(t, p, granule - dma_small_bytes(t, t->engine), DMA_REFUSED);
	dma(t, p, granule, DMA_DONE);
}

TEST(pmr_disabled,
     .id = "vtd.pmr.low.base_above_limit",
     .checks = "VTD-PMR-007",
     .given = "PLMBASE one granule above PLMLIMIT, EPM = 1",
     .expects = "DMA to both granules works",
     .needs = NEEDS)
{
	uint64_t granule;
	struct page *p = protected_low(t, &granule);

	dma(t, p, 0, DMA_REFUSED);
	must_protect(t, false);
	set_low(t, p->pa.v + granule, p->pa.v);
	must_protect(t, true);
	dma(t, p, 0, DMA_DONE);
	dma(t, p, granule, DMA_DONE);
}

TEST(pmr_silent,
     .id = "vtd.pmr.low.not_recorded",
     .checks = "VTD-PMR-008",
     .given = "a write that the low region keeps out",
     .expects = "PPF = 0",
     .needs = NEEDS)
{
	uint64_t granule;
	struct page *p = protected_low(t, &granule);

	dma(t, p, 0, DMA_REFUSED);
	expect_eq(t, "PPF", mmio_rd(&unit(t)->regs, VTD_FSTS) & FSTS_PPF, 0);
}

TEST(pmr_base_bits,
     .id = "vtd.pmr.low.base_bits",
     .checks = "VTD-PMR-009",
     .given = "all ones written to PLMBASE",
     .expects = "zeros at the low end, ones above",
     .needs = NEED_VTD)
{
	uint32_t seen;

	start(t, false);
	mmio_wr(&unit(t)->regs, VTD_PLMBASE, UINT32_MAX);
	seen = mmio_rd(&unit(t)->regs, VTD_PLMBASE);
	expect_true(t, seen != 0, "PLMBASE keeps some bit");
	expect_eq(t, "PLMBASE", seen, seen ? UINT32_MAX & ~(LOWBIT(seen) - 1) : UINT32_MAX);
	mmio_wr(&unit(t)->regs, VTD_PLMBASE, 0);
}

TEST(pmr_high,
     .id = "vtd.pmr.high.blocks",
     .checks = "VTD-PMR-004",
     .given = "translation off, a page in the high region",
     .expects = "DMA is refused while EPM = 1",
     .needs = NEEDS)
{
	uint64_t seen, granule;
	struct page *p;

	start(t, true);
	mmio_wr(&unit(t)->regs, VTD_PHMBASE, UINT64_MAX);
	seen = mmio_rd(&unit(t)->regs, VTD_PHMBASE);
	granule = max_u64(LOWBIT(seen), PAGE_BYTES);
	if (!seen || granule > GRANULE_MAX)
		skip_unreached(t, "the granule of protected memory is too large to test");
	p = page_alloc(t, granule, granule);
	if (p->pa.v < HIGH_FROM)
		skip_unreached(t, "no memory above 4 GiB");
	dma(t, p, 0, DMA_DONE);
	set_low(t, UINT32_MAX, 0);
	mmio_wr(&unit(t)->regs, VTD_PHMBASE, p->pa.v);
	mmio_wr(&unit(t)->regs, VTD_PHMLIMIT, p->pa.v + granule - 1);
	must_protect(t, true);
	dma(t, p, 0, DMA_REFUSED);
	must_protect(t, false);
	dma(t, p, 0, DMA_DONE);
}

/* ---- the unit itself ---- */

/* Widens first..last by a page. */
static void cover(pa_t pa, uint64_t *first, uint64_t *last)
{
	*first = min_u64(*first, align_down(pa.v, PAGE_BYTES));
	*last = max_u64(*last, align_down(pa.v, PAGE_BYTES) + PAGE_BYTES - 1);
}

TEST(pmr_own_access,
     .id = "vtd.pmr.low.unit_reads_tables",
     .checks = "VTD-PMR-010",
     .given = "translation on, all tables in the low region, the target outside, EPM = 1, all caches dropped",
     .expects = "translation works: the unit's own accesses are not kept out",
     .needs = NEEDS | NEED_LEGACY_SS | NEED_ENGINE_DIRECT)
{
	uint64_t granule, first = UINT64_MAX, last = 0;
	struct page *target;
	struct fx_req *r;

	start(t, false);
	granule = low_granule(t);
	target = page_alloc(t, granule, granule); /* alone in its granule */
	fx_start(t, FX_LEGACY);
	r = fx_req(t, t->engine);
	fx_map_page(t, IOVA_A, &(struct page){ target->pa, target->p, PAGE_BYTES });
	fx_sync(t);
	expect_allowed(t, IOVA_A, target);
	cover(fx_of(t)->root_pa, &first, &last);
	cover(mem_pa(r->ctx), &first, &last);
	for (unsigned level = 1; level <= r->levels; level++)
		cover(mem_pa(fx_entry(t, r, IOVA_A, level)), &first, &last);
	first = align_down(first, granule);
	last = align_up(last + 1, granule) - 1;
	if (last >= HIGH_FROM || (target->pa.v >= first && target->pa.v <= last))
		skip_unreached(t, "the tables lie on both sides of the target, or above 4 GiB");
	set_low(t, first, last);
	must_protect(t, true);
	fx_sync(t);
	expect_allowed(t, IOVA_A, target);
	must_protect(t, false);
}
