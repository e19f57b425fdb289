/*
 * Fields that only a missing capability reserves (U-08), as the model's units have chosen to treat them; and the order of
 * permissions and reserved bits along a second-stage walk (U-23 of scalable mode).
 */
#include "tests/vtd/model_ask.h"
#include "tests/vtd/sm.h"

#define NEEDS (NEED_VTD | NEED_SM | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)

struct field {
	unsigned word;
	uint64_t bit;
	bool there; /* the capability */
};

/* Each field whose capability is missing, alone. */
static void uncapable(struct test *t, uint64_t *words, const struct field *f, unsigned n, unsigned reserved, unsigned invalid)
{
	enum model_uncapable how = model_uncapable(t);
	unsigned expected = how == UNCAPABLE_RESERVED ? reserved : how == UNCAPABLE_INVALID ? invalid : 0;

	for (unsigned i = 0; i < n; i++) {
		uint64_t *word = words + f[i].word, good = *word;
		struct model_answer a;

		if (f[i].there)
			continue;
		sm_change(t, word, 0, f[i].bit);
		a = model_ask(t, &(struct model_request){ .iova = IOVA_A, .write = true });
		sm_change(t, word, UINT64_MAX, good);
		if (!expect_eq(t, "reason", a.fault, expected) || !expect_eq(t, "allowed", a.done, expected == 0))
			note(t, "word %u, bit 0x%llx", f[i].word, (unsigned long long)f[i].bit);
	}
	fx_faults_drop(t);
}

TEST(model_uncapable_context,
     .id = "vtd.model.uncapable.context",
     .given = "bits of a context entry whose capability the unit does not have, each alone",
     .expects = "reserved, invalid or ignored, as the unit is made",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	const struct vtd_caps *c = &t->bench->vtd->caps;
	const struct field fields[] = {
		{ 0, SM_CTX_DTE, c->dt }, { 0, SM_CTX_PASIDE, c->pasid }, { 0, SM_CTX_PRE, c->prs },
		{ 1, SM_CTX1_RID_PRIV, c->rprivs },
	};
	struct fx_req *r;

	(void)sm_start(t, &r);
	uncapable(t, r->ctx, fields, ARRAY_LEN(fields), FR_SCT_3, FR_SCT_4);
}

TEST(model_uncapable_pasid,
     .id = "vtd.model.uncapable.pasid",
     .given = "bits of a PASID entry whose capability the unit does not have, each alone",
     .expects = "reserved, invalid or ignored, as the unit is made",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	const struct vtd_caps *c = &t->bench->vtd->caps;
	const struct field fields[] = {
		{ 0, PASID_SSEE, c->ers }, { 0, PASID_SSADE, c->ssads }, { 1, PASID1_PWSNP, c->smpwcs },
		{ 1, PASID1_PGSNP, c->sc }, { 1, PASID1_CD, c->mts }, { 1, PASID1_EMTE, c->mts }, { 1, BIT(32), c->mts },
		{ 2, PASID2_SRE, c->srs }, { 2, PASID2_WPE, c->srs }, { 2, PASID2_ERE, c->ers }, { 2, PASID2_NXE, c->ers },
		{ 2, PASID2_SMEP, c->srs && c->ers }, { 2, PASID2_EAFE, c->eafs },
	};
	struct fx_req *r;

	(void)sm_start(t, &r);
	uncapable(t, r->pasid, fields, ARRAY_LEN(fields), FR_SPT_3, FR_SPT_4);
}

/* ---- what comes first along a walk ---- */

static void ends_in(struct test *t, bool write, unsigned reason, const char *what)
{
	struct model_answer a;

	fx_sync(t);
	a = model_ask(t, &(struct model_request){ .iova = IOVA_A, .write = write });
	if (!expect_eq(t, "reason", a.fault, reason))
		note(t, "%s", what);
	fx_faults_drop(t);
}

TEST(model_walk_order,
     .id = "vtd.model.order.second_stage",
     .given = "a level-2 entry that lacks W or R above a leaf with a reserved bit, without the other permission, or where "
	      "no memory is",
     .expects = "what is below decides, and R = W = 0 of both together is an absent page",
     .needs = NEEDS | NEED_SSTS, .flags = TEST_MODEL)
{
	struct page *p = fx_start_mapped(t, FX_SM_SS);
	struct fx_req *r = fx_req(t, t->engine);
	uint64_t *table = fx_entry(t, r, IOVA_A, 2), *leaf = fx_entry(t, r, IOVA_A, 1), above = *table, below = *leaf;

	(void)p;
	fx_set(t, table, above & ~SS_W);
	fx_set(t, leaf, below | SS_RSVD_62);
	ends_in(t, true, FR_SSS_3, "no W above, reserved below");
	fx_set(t, leaf, below & ~SS_R);
	ends_in(t, true, FR_SSS_2, "no W above, no R below, a write");
	ends_in(t, false, FR_SSS_2, "no W above, no R below, a read");
	fx_set(t, leaf, below);
	ends_in(t, true, FR_SGN_6, "no W above");
	ends_in(t, false, 0, "no W above, a read");
	fx_set(t, table, (above & ~(SS_W | SS_ADDR)) | mem_unbacked(PAGE_BYTES).v);
	ends_in(t, true, FR_SSS_1, "no W above, nothing below");
	fx_set(t, table, above);
	ends_in(t, true, 0, "all as it was");
}

/* A translation request may not set D of a page that it may not write (VT-d 4.1.3). */
TEST(model_ats_clean,
     .id = "vtd.model.ats.stays_clean",
     .given = "SSADE = 1, a page without W and D, a translation request",
     .expects = "R = 1, W = 0, D stays 0; with W it is set",
     .needs = NEEDS | NEED_SSTS | NEED_DT, .flags = TEST_MODEL)
{
	const struct vtd_caps *c = &t->bench->vtd->caps;
	struct model_request rq = { .iova = IOVA_A };
	struct model_answer a;
	struct fx_req *r;
	uint64_t *leaf;

	if (!c->ssads || !c->smpwcs)
		skip(t, "ECAP.SSADS = 0 or ECAP.SMPWCS = 0");
	(void)fx_start_mapped(t, FX_SM_SS);
	r = fx_req(t, t->engine);
	leaf = fx_entry(t, r, IOVA_A, 1);
	fx_set(t, r->ctx, r->ctx[0] | SM_CTX_DTE);
	fx_set(t, r->pasid, r->pasid[0] | PASID_SSADE);
	fx_set(t, leaf, *leaf & ~(SS_W | SS_A | SS_D));
	for (unsigned w = 0; w < 2; w++) {
		fx_sync(t);
		a = model_ask_ats(t, &rq);
		expect_true(t, a.done && a.r && a.w == w, "R = 1, W as in the leaf");
		expect_eq(t, "A and D", *leaf & (SS_A | SS_D), w ? SS_A | SS_D : SS_A);
		fx_set(t, leaf, *leaf | SS_W);
	}
}
