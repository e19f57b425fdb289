/*
 * What the model answers beside data and fault records: memory types, snooping, page sizes, privilege, execute
 * permission (VT-d 3.6 to 3.9, 4.1). No engine shows these, so the unit itself is asked: on the model alone.
 */
#include "tests/vtd/model_ask.h"
#include "tests/vtd/sm.h"

#define NEEDS (NEED_VTD | NEED_SM | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)

static struct model_answer ask(struct test *t)
{
	return model_ask(t, &(struct model_request){ .iova = IOVA_A });
}

static struct page *start(struct test *t, enum fx_mode mode, struct fx_req **r)
{
	struct page *p = fx_start_mapped(t, mode);

	*r = fx_req(t, t->engine);
	return p;
}

/* ---- snooping ---- */

/* arg: the mode. */
static void snoop(struct test *t)
{
	const struct vtd_caps *c = &t->bench->vtd->caps;
	struct fx_req *r;
	struct page *p = start(t, (enum fx_mode)t->desc->arg, &r);

	if (!c->sc)
		skip(t, "ECAP.SC = 0");
	expect_eq(t, "snooped, SNP = PGSNP = 0", ask(t).snoop, 0);
	if (!fx_of(t)->first_stage) {
		fx_map(t, r, IOVA_A, p->pa, 1, PERM_RW, SS_SNP);
		fx_sync(t);
		for (unsigned i = 0; i < 2; i++) /* walked, then from the cache */
			expect_eq(t, "snooped, SNP = 1", ask(t).snoop, 1);
		fx_map(t, r, IOVA_A, p->pa, 1, PERM_RW, 0);
	}
	if (fx_of(t)->scalable) {
		sm_change(t, r->pasid + 1, 0, PASID1_PGSNP);
		expect_eq(t, "snooped, PGSNP = 1", ask(t).snoop, 1);
	}
	expect_no_fault(t);
}

#define ROW(name_, what_, expects_, needs_, arg_, body_) \
	{ .id = "vtd.model." name_, .given = what_, .expects = expects_, .needs = (needs_), .flags = TEST_MODEL, \
	  .arg = (arg_), .body = body_ }

TEST_TABLE(model_snoop,
	   ROW("snoop.legacy", "SNP of a leaf", "accesses are snooped",
	       NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT, FX_LEGACY, snoop),
	   ROW("snoop.second_stage", "SNP of a leaf, PGSNP", "accesses are snooped", NEEDS | NEED_SSTS, FX_SM_SS, snoop),
	   ROW("snoop.first_stage", "PGSNP", "accesses are snooped", NEEDS | NEED_FSTS, FX_SM_FS, snoop));

/* ---- memory types ---- */

/* EMT of a leaf of 4 KiB, IPAT, EMTE, CD. */
static void second_stage_type(struct test *t)
{
	bool mts = t->bench->vtd->caps.mts;
	struct fx_req *r;
	struct page *p = start(t, FX_SM_SS, &r);

	expect_eq(t, "EMT given, EMTE = 0", (uint64_t)(int64_t)ask(t).emt, UINT64_MAX);
	expect_eq(t, "CD", ask(t).cd, 0);
	if (!mts)
		return;
	sm_change(t, r->pasid + 1, 0, PASID1_EMTE);
	for (unsigned emt = 0; emt < 16; emt++) {
		uint64_t bits = FLD(SS_EMT, emt & 7) | (emt & 8 ? SS_IPAT : 0);

		fx_map(t, r, IOVA_A, p->pa, 1, PERM_RW, bits);
		fx_sync(t);
		for (unsigned i = 0; i < 2; i++)
			if (!expect_eq(t, "EMT and IPAT", (uint64_t)(int64_t)ask(t).emt, (emt & 7) | (emt & 8 ? SS_IPAT : 0)))
				return;
	}
	expect_eq(t, "PAT given", (uint64_t)(int64_t)ask(t).pat, UINT64_MAX);
	sm_change(t, r->pasid + 1, 0, PASID1_CD);
	expect_eq(t, "CD", ask(t).cd, 1);
}

/* The PAT index of a leaf: PWT, PCD and the PAT bit, whose place depends on the size. */
static void first_stage_type(struct test *t)
{
	struct fx_req *r;
	struct page *p = start(t, FX_SM_FS, &r);

	if (!t->bench->vtd->caps.mts) {
		expect_eq(t, "PAT given", (uint64_t)(int64_t)ask(t).pat, UINT64_MAX);
		return;
	}
	for (unsigned level = 1; level <= 2; level++) {
		iova_t at = level == 1 ? IOVA_A : sm_large(t, r, 2, p);
		uint64_t *e = fx_entry(t, r, at, level), value = *e;

		for (unsigned pat = 0; pat < 8; pat++) {
			uint64_t high = level == 1 ? BIT(7) : BIT(12);
			struct model_answer a;

			sm_change(t, e, UINT64_MAX, value | (pat & 1 ? FS_PWT : 0) | (pat & 2 ? FS_PCD : 0) | (pat & 4 ? high : 0));
			a = model_ask(t, &(struct model_request){ .iova = at });
			if (!expect_eq(t, "PAT index", (uint64_t)(int64_t)a.pat, pat))
				return;
		}
		expect_eq(t, "size", model_ask(t, &(struct model_request){ .iova = at }).page_bits, level == 1 ? 12 : 21);
	}
	expect_eq(t, "EMT given", (uint64_t)(int64_t)ask(t).emt, UINT64_MAX);
}

TEST_TABLE(model_types,
	   ROW("type.second_stage", "EMT and IPAT of a leaf, EMTE, CD", "the memory type is told where EMTE = 1",
	       NEEDS | NEED_SSTS, 0, second_stage_type),
	   ROW("type.first_stage", "PWT, PCD and PAT of a leaf of either size", "the PAT index is told",
	       NEEDS | NEED_FSTS, 0, first_stage_type));

/* ---- execute permission: U-11, as the model has chosen it ---- */

static void need_execute(struct test *t)
{
	if (!t->bench->vtd->caps.ers)
		skip(t, "ECAP.ERS = 0");
}

/* Refused with this reason (0: allowed), twice: walked, and as the caches have it. */
static bool execute_ends_in(struct test *t, bool priv, unsigned reason, const char *what)
{
	struct model_request rq = { .iova = IOVA_A, .has_pasid = true, .priv = priv, .exec = true };
	bool good = true;

	rq.pasid = fx_req(t, t->engine)->rid_pasid;
	fx_sync(t);
	for (unsigned i = 0; i < 2; i++) {
		struct model_answer a = model_ask(t, &rq);

		good = expect_eq(t, "reason", a.fault, reason) && expect_eq(t, "allowed", a.done, reason == 0) &&
		       expect_eq(t, "X", a.x, reason == 0) && good;
	}
	fx_faults_drop(t);
	if (!good)
		note(t, "%s", what);
	return good;
}

TEST(model_execute_first_stage,
     .id = "vtd.model.execute.first_stage",
     .given = "a user page; ERE, NXE, XD at each level; with ERE = 1 SMEP, and a supervisor",
     .expects = "reason 5Ch without ERE, 82h by XD where NXE = 1, or by SMEP",
     .needs = NEEDS | NEED_FSTS | NEED_PASID, .flags = TEST_MODEL)
{
	struct fx_req *r;

	need_execute(t);
	(void)start(t, FX_SM_FS, &r);
	sm_enable_pasid(t, r);
	execute_ends_in(t, false, FR_SPT_5, "ERE = 0");
	fx_set(t, r->pasid + 2, r->pasid[2] | PASID2_ERE | PASID2_SRE);
	execute_ends_in(t, false, 0, "ERE = 1");
	for (unsigned level = 1; level <= r->levels; level++) {
		uint64_t *e = fx_entry(t, r, IOVA_A, level), value = *e;

		fx_set(t, e, value | FS_XD);
		execute_ends_in(t, false, 0, "XD = 1, NXE = 0");
		fx_set(t, r->pasid + 2, r->pasid[2] | PASID2_NXE);
		if (!execute_ends_in(t, false, FR_SGN_3, "XD = 1, NXE = 1"))
			return;
		fx_set(t, e, value);
		execute_ends_in(t, false, 0, "XD = 0, NXE = 1");
		fx_set(t, r->pasid + 2, r->pasid[2] & ~PASID2_NXE);
	}
	execute_ends_in(t, true, 0, "a supervisor, SMEP = 0");
	fx_set(t, r->pasid + 2, r->pasid[2] | PASID2_SMEP);
	execute_ends_in(t, true, FR_SGN_3, "a supervisor, SMEP = 1");
	execute_ends_in(t, false, 0, "a user, SMEP = 1");
	fx_set(t, fx_entry(t, r, IOVA_A, 1), *fx_entry(t, r, IOVA_A, 1) & ~FS_US);
	execute_ends_in(t, true, 0, "a supervisor at home, SMEP = 1");
	execute_ends_in(t, false, FR_SGN_2, "a user on a supervisor page");
}

/* A translation request of a page that can be executed alone ends in Success with R = W = 0, unrecorded. */
static bool execute_alone_translates(struct test *t, struct fx_req *r, uint64_t *e, uint64_t value)
{
	struct model_request rq = { .iova = IOVA_A, .has_pasid = true, .exec = true, .pasid = r->rid_pasid };
	struct model_answer a;

	fx_set(t, e, value & ~(SS_R | SS_W));
	sm_change(t, r->ctx, 0, SM_CTX_DTE);
	a = model_ask_ats(t, &rq);
	sm_change(t, r->ctx, SM_CTX_DTE, 0);
	return expect_true(t, a.done && !a.r && !a.w, "Success with R = W = 0") && expect_no_fault(t);
}

TEST(model_execute_second_stage,
     .id = "vtd.model.execute.second_stage",
     .given = "ERE = 1; SSEE and X at each level", .expects = "reason 82h where SSEE = 1 and X = 0",
     .needs = NEEDS | NEED_SSTS | NEED_PASID, .flags = TEST_MODEL)
{
	struct fx_req *r;

	need_execute(t);
	(void)start(t, FX_SM_SS, &r);
	sm_enable_pasid(t, r);
	execute_ends_in(t, false, FR_SPT_5, "ERE = 0");
	fx_set(t, r->pasid + 2, r->pasid[2] | PASID2_ERE);
	execute_ends_in(t, false, 0, "SSEE = 0, X = 0");
	fx_set(t, r->pasid, r->pasid[0] | PASID_SSEE);
	for (unsigned level = 1; level <= r->levels; level++)
		fx_set(t, fx_entry(t, r, IOVA_A, level), *fx_entry(t, r, IOVA_A, level) | SS_X);
	execute_ends_in(t, false, 0, "SSEE = 1, X = 1");
	for (unsigned level = 1; level <= r->levels; level++) {
		uint64_t *e = fx_entry(t, r, IOVA_A, level), value = *e;

		fx_set(t, e, value & ~SS_X);
		if (!execute_ends_in(t, false, FR_SGN_3, "SSEE = 1, X = 0 at one level"))
			return;
		fx_set(t, e, value & ~(SS_R | SS_W));
		if (!execute_ends_in(t, false, FR_SGN_7, "SSEE = 1, X alone at one level"))
			return;
		fx_set(t, e, (value & ~(SS_R | SS_W | SS_X)) | SS_RSVD_62);
		if (!execute_ends_in(t, false, FR_SSS_2, "SSEE = 1, R = W = X = 0, a reserved bit"))
			return;
		if (t->bench->vtd->caps.dt && !execute_alone_translates(t, r, e, value))
			return;
		fx_set(t, e, value);
	}
}

/* ---- completions of translation requests ---- */

TEST(model_ats_attributes,
     .id = "vtd.model.ats.attributes",
     .given = "translation requests of users and supervisors, with and without PASID, of a global page, to execute",
     .expects = "Priv, Global, N, Exe as asked for and granted",
     .needs = NEEDS | NEED_FSTS | NEED_PASID | NEED_DT, .flags = TEST_MODEL)
{
	const struct vtd_caps *c = &t->bench->vtd->caps;
	struct model_request rq = { .iova = IOVA_A, .has_pasid = true };
	struct model_answer a;
	struct fx_req *r;
	struct page *p = start(t, FX_SM_FS, &r);

	rq.pasid = r->rid_pasid;
	sm_enable_pasid(t, r);
	sm_change(t, r->ctx, 0, SM_CTX_DTE);
	sm_change(t, fx_entry(t, r, IOVA_A, 1), 0, FS_G);
	a = model_ask_ats(t, &rq);
	expect_true(t, a.done && a.r && a.w && !a.x && !a.u && !a.n && !a.priv && a.global, "Global alone is set");
	expect_true(t, a.address == p->pa.v && a.page_bits == 12, "the page and its size");
	a = model_ask_ats(t, &(struct model_request){ .iova = IOVA_A });
	expect_true(t, a.done && a.r && a.w && !a.priv && !a.global, "without PASID neither Priv nor Global");
	sm_change(t, fx_entry(t, r, IOVA_A, 1), FS_G, 0);
	expect_eq(t, "Global", model_ask_ats(t, &rq).global, 0);
	if (c->sc) {
		sm_change(t, r->pasid + 1, 0, PASID1_PGSNP);
		expect_eq(t, "N", model_ask_ats(t, &rq).n, 1);
		sm_change(t, r->pasid + 1, PASID1_PGSNP, 0);
	}
	if (!c->srs)
		return;
	rq.priv = true;
	sm_change(t, r->pasid + 2, 0, PASID2_SRE);
	expect_eq(t, "Priv", model_ask_ats(t, &rq).priv, 1);
	/* WPE = 0: a supervisor may write where R/W = 0. */
	sm_change(t, fx_entry(t, r, IOVA_A, 1), FS_RW, 0);
	expect_eq(t, "W of a supervisor, WPE = 0", model_ask_ats(t, &rq).w, 1);
	sm_change(t, r->pasid + 2, 0, PASID2_WPE);
	expect_eq(t, "W of a supervisor, WPE = 1", model_ask_ats(t, &rq).w, 0);
	rq.priv = false;
	expect_eq(t, "W of a user", model_ask_ats(t, &rq).w, 0);
	if (!c->ers)
		return;
	rq.exec = true;
	sm_change(t, r->pasid + 2, 0, PASID2_ERE);
	expect_eq(t, "Exe", model_ask_ats(t, &rq).x, 1);
	expect_no_fault(t);
}

/* What a translation request is told when a word of the tables has this value (U-17, as the model has chosen it). */
static void aborted(struct test *t, uint64_t *word, uint64_t value, bool ca, const char *what)
{
	uint64_t good = *word;
	struct model_answer a;

	fx_set(t, word, value);
	fx_sync(t);
	a = model_ask_ats(t, &(struct model_request){ .iova = IOVA_A });
	if (!expect_eq(t, "completed", a.done, false) || !expect_eq(t, "Completer Abort", a.ca, ca))
		note(t, "%s", what);
	fx_faults_drop(t);
	fx_set(t, word, good);
	fx_sync(t);
}

TEST(model_ats_abort,
     .id = "vtd.model.ats.abort",
     .given = "translation requests in legacy mode, structures malformed, absent or where no memory is",
     .expects = "Completer Abort where they cannot be read or are malformed in the tables, else Unsupported Request",
     .needs = NEED_VTD | NEED_LEGACY_SS | NEED_DT | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT, .flags = TEST_MODEL)
{
	uint64_t nowhere = mem_unbacked(PAGE_BYTES).v, *table;
	struct fx_req *r;

	(void)start(t, FX_LEGACY, &r);
	table = fx_entry(t, r, IOVA_A, 2);
	fx_set(t, r->ctx, fld_set(CTX_TT, r->ctx[0], TT_ATS));
	aborted(t, r->root, 0, false, "no root entry");
	aborted(t, r->root, r->root[0] | BIT(1), false, "a malformed root entry");
	aborted(t, r->root, ROOT_P | nowhere, true, "a context table where no memory is");
	aborted(t, r->ctx, 0, false, "no context entry");
	aborted(t, r->ctx, r->ctx[0] | BIT(4), false, "a malformed context entry");
	aborted(t, table, SS_R | SS_W | nowhere, true, "a paging table where no memory is");
	aborted(t, table, *table | SS_RSVD_62, true, "a malformed paging entry");
	must(t, vtd_srtp(fx_of(t)->u, PA(nowhere), TTM_LEGACY), "SRTP to where no memory is");
	aborted(t, r->ctx, r->ctx[0], true, "a root table where no memory is");
}

/* ---- the table of fault reasons ---- */

TEST(model_reasons_qualified,
     .id = "vtd.model.reasons.qualified",
     .given = "every fault reason", .expects = "an FPD bit suppresses those that the table says",
     .needs = NEED_VTD, .flags = TEST_MODEL)
{
	for (unsigned fr = 1; fr < 256; fr++) {
		const struct vtd_reason *reason = vtd_reason(fr);
		bool expected;

		if (!reason || fr == 0x88 || fr == 0x89) /* U-19 */
			continue;
		expected = reason->qualified == QUALIFIED ||
			   (reason->qualified == QUALIFIED_UNSURE && model_qualifies_fetches(t));
		if (!expect_eq(t, "qualified", model_qualified(t, fr), expected))
			note(t, "reason %02xh", fr);
	}
}

TEST(model_reasons_recoverable,
     .id = "vtd.model.reasons.recoverable",
     .given = "every fault reason", .expects = "a translation request survives those of the table",
     .needs = NEED_VTD, .flags = TEST_MODEL)
{
	static const uint8_t recoverable[] = {
		FR_LGN_1, FR_LGN_2, FR_LGN_3, FR_SPD_2, FR_SPT_2, FR_SPT_5, FR_SPT_6, FR_SFS_2, FR_SSS_2, FR_SGN_1, FR_SGN_2,
		FR_SGN_3, FR_SGN_5, FR_SGN_6, FR_SGN_7,
	};

	for (unsigned fr = 1; fr < 256; fr++) {
		bool expected = false;

		for (unsigned i = 0; i < ARRAY_LEN(recoverable); i++)
			expected |= recoverable[i] == fr;
		if (vtd_reason(fr) && !expect_eq(t, "recoverable", model_recoverable(fr), expected))
			note(t, "reason %02xh", fr);
	}
}

/* ---- the oracle ---- */

/* arg: the mode. */
static void oracle(struct test *t)
{
	static const struct model_request rq = { .iova = IOVA_A, .write = true }, elsewhere = { .iova = IOVA_B };
	struct fx_req *r;
	struct page *p = start(t, (enum fx_mode)t->desc->arg, &r);
	struct model_answer a = model_oracle(t, &rq, 6);

	expect_true(t, a.done && a.w, "a write to the page is allowed");
	expect_eq(t, "where it goes", a.address, p->pa.v);
	expect_allowed(t, IOVA_A, p);
	expect_true(t, !model_oracle(t, &elsewhere, 6).done, "a page that is not mapped is refused");
	expect_no_fault(t);
}

TEST_TABLE(model_oracle_rows,
	   { .id = "vtd.model.oracle.legacy", .given = "a mapped page and one that is not",
	     .expects = "the oracle says what the unit does, and records nothing",
	     .needs = NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE, .flags = TEST_MODEL, .arg = FX_LEGACY,
	     .body = oracle },
	   { .id = "vtd.model.oracle.first_stage", .given = "a mapped page and one that is not",
	     .expects = "the oracle says what the unit does, and records nothing",
	     .needs = NEEDS | NEED_FSTS, .flags = TEST_MODEL, .arg = FX_SM_FS, .body = oracle },
	   { .id = "vtd.model.oracle.second_stage", .given = "a mapped page and one that is not",
	     .expects = "the oracle says what the unit does, and records nothing",
	     .needs = NEEDS | NEED_SSTS, .flags = TEST_MODEL, .arg = FX_SM_SS, .body = oracle });

/* No scalable unit here has few domain IDs and checks them. */
TEST(model_did_width,
     .id = "vtd.model.oracle.did_width",
     .given = "each bit of the DID of a PASID entry, judged as by a unit with each ND",
     .expects = "refused with reason 5Ah where ND leaves the bit out",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	static const struct model_request rq = { .iova = IOVA_A, .write = true };
	struct fx_req *r;

	sm_start(t, &r);
	for (unsigned b = 0; b < 16; b++) {
		sm_change(t, r->pasid + 1, PASID1_DID, FLD(PASID1_DID, pow2(b)));
		for (unsigned nd = 0; nd < 7; nd++) {
			struct model_answer a = model_oracle(t, &rq, nd);

			if (!expect_eq(t, "refused with", a.done ? 0 : a.fault, b < 4 + 2 * nd ? 0 : FR_SPT_3)) {
				note(t, "bit %u of the DID, ND = %u", b, nd);
				return;
			}
		}
	}
}
