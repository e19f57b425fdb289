/*
 * The unit's own updates of accessed and dirty bits: one for each word, and memory that rejects them (VT-d 7.1.3: SSS.6,
 * SFS.10). No platform has such memory where tests could use it, so the model is given some.
 */
#include "tests/vtd/model_ask.h"
#include "tests/vtd/nest.h"

#define NEEDS (NEED_VTD | NEED_SM | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)

static uint64_t used_bits(struct test *t)
{
	return fx_of(t)->first_stage ? FS_A | FS_D : SS_A | SS_D;
}

static void make_fresh(struct test *t, struct fx_req *r)
{
	for (unsigned level = 1; level <= r->levels; level++) {
		uint64_t *e = fx_entry(t, r, IOVA_A, level);

		fx_set(t, e, *e & ~used_bits(t));
	}
	fx_sync(t);
}

/* A page at IOVA_A whose entries have no A and no D. */
static struct page *start(struct test *t, struct fx_req **r)
{
	const struct vtd_caps *c = &t->bench->vtd->caps;
	enum fx_mode mode = (enum fx_mode)t->desc->arg;
	struct page *p;

	if (!c->smpwcs)
		skip(t, "ECAP.SMPWCS = 0");
	if (mode == FX_SM_SS && !c->ssads)
		skip(t, "ECAP.SSADS = 0");
	p = fx_start_mapped(t, mode);
	*r = fx_req(t, t->engine);
	if (mode == FX_SM_SS)
		fx_set(t, (*r)->pasid, (*r)->pasid[0] | PASID_SSADE);
	make_fresh(t, *r);
	return p;
}

/* arg: the mode. */
static void update_refused(struct test *t)
{
	unsigned reason = t->desc->arg == FX_SM_SS ? FR_SSS_6 : FR_SFS_10;
	struct model_memory *m;
	struct fx_req *r;
	struct page *p = start(t, &r);

	m = model_memory(t);
	for (unsigned level = 1; level <= r->levels; level++) {
		make_fresh(t, r);
		m->refuse = mem_pa(fx_entry(t, r, IOVA_A, level)).v;
		expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
		if (!expect_fault(t, reason, t->engine, IOVA_A, true) || !expect_no_fault(t)) {
			note(t, "level %u", level);
			return;
		}
	}
	/* What was refused is not kept. */
	m->refuse = 0;
	expect_allowed(t, IOVA_A, p);
	make_fresh(t, r);
	sm_change(t, r->ctx, 0, SM_CTX_FPD);
	m->refuse = mem_pa(fx_entry(t, r, IOVA_A, 1)).v;
	expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
	expect_no_fault(t);
}

/* arg: the mode. Each entry is updated by one write, whatever it gets. */
static void updated_once(struct test *t)
{
	struct model_memory *m;
	struct fx_req *r;
	struct page *p = start(t, &r);

	m = model_memory(t);
	expect_write(t, IOVA_A, p, 0, DMA_DONE);
	expect_eq(t, "updates by a first write", m->updates, r->levels);
	m->updates = 0;
	expect_write(t, IOVA_A, p, 0, DMA_DONE);
	fx_sync(t);
	expect_write(t, IOVA_A, p, 0, DMA_DONE);
	expect_eq(t, "updates by later ones", m->updates, 0);
	expect_no_fault(t);
}

TEST(model_memory_nested_once,
     .id = "vtd.model.memory.nested.once",
     .given = "nested, SSADE = 1, no A or D anywhere, a write: first-stage tables are read, then written",
     .expects = "one update of each word, A and D together",
     .needs = NEEDS | NEED_NEST | NEED_SSTS, .flags = TEST_MODEL)
{
	struct model_memory *m;
	struct nest n;

	if (!t->bench->vtd->caps.ssads || !t->bench->vtd->caps.smpwcs)
		skip(t, "ECAP.SSADS = 0 or ECAP.SMPWCS = 0");
	nest_start(t, &n);
	fx_set(t, n.r->pasid, n.r->pasid[0] | PASID_SSADE);
	for (unsigned level = 1; level <= FS_LEVELS; level++)
		fx_set(t, fs(&n, level), *fs(&n, level) & ~(FS_A | FS_D));
	fx_sync(t);
	m = model_memory(t);
	expect_write(t, IOVA_A, n.page, 0, DMA_DONE);
	expect_true(t, m->updates > 2 * FS_LEVELS, "both stages are updated");
	expect_eq(t, "updates of a word that had one", m->repeated, 0);
	for (unsigned level = 1; level <= FS_LEVELS; level++)
		expect_eq(t, "A and D of what holds a table", *ss(t, &n, n.table[level]) & (SS_A | SS_D), SS_A | SS_D);
	expect_no_fault(t);
}

#define ROW(name_, checks_, given_, expects_, needs_, mode_, body_) \
	{ .id = "vtd.model.memory." name_, .checks = checks_, .given = given_, .expects = expects_, .needs = NEEDS | (needs_), \
	  .flags = TEST_MODEL, .arg = (mode_), .body = body_ }

TEST_TABLE(model_memory_rows,
	   ROW("second_stage.refused", "VTD-SM-SS-027", "each entry of the walk in memory that rejects its update, then FPD = 1",
	       "refused with reason 7Dh; unrecorded with FPD", NEED_SSTS, FX_SM_SS, update_refused),
	   ROW("first_stage.refused", "VTD-SM-FS-042", "each entry of the walk in memory that rejects its update, then FPD = 1",
	       "refused with reason 91h; unrecorded with FPD", NEED_FSTS, FX_SM_FS, update_refused),
	   ROW("second_stage.once", NULL, "three writes to a fresh page", "one update of each entry", NEED_SSTS, FX_SM_SS,
	       updated_once),
	   ROW("first_stage.once", NULL, "three writes to a fresh page", "one update of each entry", NEED_FSTS, FX_SM_FS,
	       updated_once));
