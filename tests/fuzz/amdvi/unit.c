/* The AMD-Vi unit under test: what it offers, how it is pointed at tables, what it logs. */
#include "tests/fuzz/amdvi/amdvi.h"
#include "drivers-iommu/amdvi/cmdbuf.h"
#include "drivers-iommu/amdvi/devtab.h"
#include "drivers-iommu/amdvi/log.h"

#define CMD_LOG2   8u
#define EVT_LOG2   9u
#define EVENTS_MAX 512u

static struct amdvi_unit *unit_of(const struct fuzz_bench *r)
{
	return r->t->bench->amdvi;
}

static uint32_t offered_modes(const struct amdvi_caps *c, const struct engine *e)
{
	bool guest = c->gt && (c->gio || (e->caps.flags & DMA_CAN_PASID)) && c->guest_levels_max >= 4;
	uint32_t m = (uint32_t)BIT(FAM_PASS);

	m |= c->levels_max ? (uint32_t)BIT(FAM_HOST) : 0;
	m |= guest ? (uint32_t)BIT(FAM_GUEST) : 0;
	m |= guest && c->levels_max ? (uint32_t)BIT(FAM_NESTED) : 0;
	return m;
}

static void open(struct fuzz_bench *r)
{
	const struct amdvi_caps *c = &unit_of(r)->caps;

	r->facts = (struct fuzz_unit){
		.header = c->header, .efr = c->efr, .efr2 = c->efr2, .levels = c->levels_max, .np_cache = c->np_cache,
		.gio = c->gio, .pasid = c->gt, .modes = offered_modes(c, r->t->engine) };
	fuzz_bench_engine(r);
	if (r->facts.sid >= FA_DEVTAB_N * PAGE_BYTES / sizeof(amdvi_dte_t))
		skip_unreached(r->t, "the engine's device id is beyond the fuzzer's device table");
}

uint64_t fa_ctl(const struct fuzz_unit *u)
{
	return CTL_COHERENT | (u->modes & (BIT(FAM_GUEST) | BIT(FAM_NESTED)) ? CTL_GT_EN : 0);
}

static bool may_not_snoop(const struct fuzz_bench *r, const struct fuzz_case *c)
{
	(void)r;
	(void)c;
	return true; /* DTE.SD, which the case may have changed */
}

static void cleanup(struct test *t)
{
	if (amdvi_unit_quiesce(t->bench->amdvi) != OK)
		log_line("the AMD-Vi unit does not come to rest");
}

static void start(struct fuzz_bench *r)
{
	pa_t pa = PA(fuzz_page_pa(&r->arena, FA_DEVTAB));
	struct amdvi_devtab table = { .pa = { pa }, .dte = { mem_ptr(pa, FA_DEVTAB_N * PAGE_BYTES) },
				      .ids_n = FA_DEVTAB_N * PAGE_BYTES / sizeof(amdvi_dte_t),
				      .bytes = FA_DEVTAB_N * PAGE_BYTES };
	struct amdvi_setup setup = { .devtab = &table, .cmd_log2 = CMD_LOG2, .evt_log2 = EVT_LOG2,
				     .ctl = fa_ctl(&r->facts) };

	must(r->t, amdvi_unit_prepare(unit_of(r), &setup), "preparing the unit");
	r->t->cleanup = cleanup;
	must(r->t, amdvi_unit_start(unit_of(r)), "turning the unit on");
}

/* Whatever the entry's DomainID was, all of it goes; without IASup, what any entry of this case can have brought in. */
static void point(struct fuzz_bench *r, const struct fuzz_case *c)
{
	const amdvi_dte_t *d = (const amdvi_dte_t *)(const void *)(fuzz_page(&r->arena, FA_DEVTAB) + 4u * r->facts.sid);
	uint16_t domain = (uint16_t)fld_get(DTE1_DOMAIN_ID, d->w[1]);
	struct amdvi_cmd cmds[] = {
		amdvi_cmd_devtab_entry(r->facts.sid),
		unit_of(r)->caps.ia ? amdvi_cmd_all() : amdvi_cmd_pages(domain, amdvi_span_all(), true),
		amdvi_cmd_guest_pages(domain, c->pasid, amdvi_span_all(), true),
	};

	if (!r->pointed)
		start(r);
	r->pointed = 1;
	must(r->t, amdvi_execute(unit_of(r), cmds, unit_of(r)->caps.ia || !unit_of(r)->caps.gt ? 2 : 3),
	     "invalidating all caches");
}

static void take_records(struct fuzz_bench *r, struct fuzz_outcome *seen)
{
	struct amdvi_unit *u = unit_of(r);
	struct amdvi_event e;

	must(r->t, amdvi_wait(u), "a wait");
	for (unsigned i = 0; i < EVENTS_MAX && amdvi_event_pop(u, &e) == OK; i++) {
		if (seen->recorded)
			continue;
		seen->recorded = true;
		seen->fault = (uint8_t)e.code; /* 4 bits */
		seen->record[0] = e.raw[0];
		seen->record[1] = e.raw[1];
	}
	if (amdvi_log_overflow(u, LOG_EVENTS))
		must(r->t, amdvi_log_restart(u, LOG_EVENTS), "restarting the event log");
}

static const char *fault_text(unsigned fault)
{
	return amdvi_event_text(fault);
}

const struct fuzz_vendor fuzz_amdvi = {
	.name = "amdvi", .pages_n = FA_N, .data_page = FA_DATA, .alternatives = FA_ALTERNATIVES,
	.deviations = fa_deviations, .deviations_n = FA_DEVIATIONS, .mode_name = fa_mode_name,
	.page_name = fa_page_name,
	.fault_text = fault_text, .open = open, .point = point, .may_not_snoop = may_not_snoop,
	.observe = take_records, .generate = fa_generate, .build = fa_build, .oracle_bytes = fa_oracle_bytes,
	.oracle_init = fa_oracle_init, .ask = fa_ask, .pretend = fa_pretend, .compare_records = fa_compare_records,
};

TEST(fuzz_amdvi_translate,
     .id = "fuzz.amdvi.translate",
     .given = "random tables and requests",
     .expects = "what the model's translate() says",
     .needs = NEED_AMDVI | NEED_ENGINE | NEED_ENGINE_DIRECT,
     .flags = TEST_FUZZ,
     .budget_us = 20000000)
{
	fuzz_run(t, &fuzz_amdvi);
}
