/* The VT-d unit under test: what it offers, how it is pointed at tables, what it records. */
#include "tests/fuzz/vtd/vtd.h"
#include "drivers-iommu/vtd/invalidate.h"
#include "tests/vtd/fixture.h"

static struct vtd_unit *unit_of(const struct fuzz_bench *r)
{
	return r->t->bench->vtd;
}

static uint32_t offered_modes(const struct vtd_caps *c)
{
	uint32_t m = 0;

	m |= c->levels_max ? (uint32_t)BIT(FM_LEGACY) : 0;
	m |= c->pt && c->levels_max ? (uint32_t)BIT(FM_LEGACY_PT) : 0;
	if (!c->smts)
		return m;
	m |= c->ssts && c->levels_max ? (uint32_t)BIT(FM_SS) : 0;
	m |= c->fsts ? (uint32_t)BIT(FM_FS) : 0;
	m |= c->nest && c->levels_max ? (uint32_t)BIT(FM_NESTED) : 0;
	m |= c->pt && c->levels_max ? (uint32_t)BIT(FM_PT) : 0;
	return m;
}

static void open(struct fuzz_bench *r)
{
	const struct vtd_caps *c = &unit_of(r)->caps;

	r->facts = (struct fuzz_unit){
		.ver = c->ver, .cap = c->cap, .ecap = c->ecap, .haw_bits = unit_of(r)->haw_bits,
		.levels = c->levels_max,
		.mgaw_bits = c->mgaw_bits, .modes = offered_modes(c), .ss_2m = c->ss_2m, .ss_1g = c->ss_1g,
		.fs_1g = c->fs1gp, .pasid = c->pasid, .srs = c->srs, .cm = c->cm };
	for (unsigned levels = 2; levels < ARRAY_LEN(r->facts.sagaw); levels++)
		r->facts.sagaw[levels] = c->sagaw & pow2(levels - 2);
	fuzz_bench_engine(r);
	if (c->qi && r->facts.modes)
		must(r->t, vtd_queue_enable(unit_of(r), 0, c->smts), "enabling the invalidation queue");
}

static enum vtd_ttm ttm_of(const struct fuzz_case *c)
{
	return c->mode == FM_LEGACY || c->mode == FM_LEGACY_PT ? TTM_LEGACY : TTM_SCALABLE;
}

/* In scalable mode whether a walk snoops is up to the PASID entry, which the case may have changed. */
static bool may_not_snoop(const struct fuzz_bench *r, const struct fuzz_case *c)
{
	return !unit_of(r)->caps.c || ttm_of(c) == TTM_SCALABLE;
}

/* Legacy mode is 1, scalable mode 2 in pointed. */
static void point(struct fuzz_bench *r, const struct fuzz_case *c)
{
	struct vtd_unit *u = unit_of(r);
	enum vtd_ttm ttm = ttm_of(c);

	if (r->pointed != 1u + (ttm == TTM_SCALABLE))
		must(r->t, vtd_set_root(u, PA(fuzz_page_pa(&r->arena, FP_ROOT)), ttm), "setting the root table");
	r->pointed = 1u + (ttm == TTM_SCALABLE);
	must(r->t, vtd_inv_global(u), "invalidating all caches");
	if (!vtd_gsts(u, GSTS_TES))
		must(r->t, vtd_translation_on(u), "turning translation on");
}

static void take_records(struct fuzz_bench *r, struct fuzz_outcome *seen)
{
	struct vtd_fault f;

	for (unsigned i = 0; i < 64 && vtd_fault_pop(unit_of(r), &f) == OK; i++) {
		if (seen->recorded)
			continue;
		seen->recorded = true;
		seen->fault = f.fr;
		seen->record[0] = f.raw[0];
		seen->record[1] = f.raw[1];
	}
	if (vtd_fault_overflow(unit_of(r)))
		vtd_fault_clear(unit_of(r));
}

static const char *fault_text(unsigned fault)
{
	return vtd_reason_text(fault);
}

const struct fuzz_vendor fuzz_vtd = {
	.name = "vtd", .pages_n = FP_N, .data_page = FP_DATA, .alternatives = FV_ALTERNATIVES,
	.deviations = fv_deviations, .deviations_n = FV_DEVIATIONS, .mode_name = fv_mode_name,
	.page_name = fv_page_name,
	.fault_text = fault_text, .open = open, .point = point, .may_not_snoop = may_not_snoop, .observe = take_records,
	.generate = fv_generate, .build = fv_build, .oracle_bytes = fv_oracle_bytes, .oracle_init = fv_oracle_init,
	.ask = fv_ask, .pretend = fv_pretend, .compare_records = fv_compare_records,
};

TEST(fuzz_translate,
     .id = "fuzz.vtd.translate",
     .given = "random tables and requests",
     .expects = "what the model's translate() says",
     .needs = NEED_VTD | NEED_ENGINE | NEED_ENGINE_DIRECT,
     .flags = TEST_FUZZ,
     .budget_us = 20000000)
{
	fuzz_run(t, &fuzz_vtd);
}
