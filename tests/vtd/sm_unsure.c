/*
 * Fields that only a missing capability reserves (VT-d 9.4, 9.6): a unit may check them, take them for invalid
 * programming, or ignore them. What it does is reported.
 */
#include "tests/vtd/sm.h"

enum entry { CONTEXT, PASID_ENTRY };

static const struct unsure {
	enum entry entry;
	unsigned word;
	uint64_t set;
	size_t cap;        /* the capability that must be absent: offset in struct vtd_caps */
	const char *claimed;
	bool first_stage;
} unsure[] = {
	{ CONTEXT, 0, SM_CTX_DTE, offsetof(struct vtd_caps, dt), "ECAP.DT = 1", false },
	{ CONTEXT, 0, SM_CTX_PASIDE, offsetof(struct vtd_caps, pasid), "ECAP.PASID = 1", false },
	{ CONTEXT, 0, SM_CTX_PRE, offsetof(struct vtd_caps, prs), "ECAP.PRS = 1", false },
	{ CONTEXT, 1, SM_CTX1_RID_PRIV, offsetof(struct vtd_caps, rprivs), "ECAP.RPRIVS = 1", false },
	{ PASID_ENTRY, 0, PASID_SSADE, offsetof(struct vtd_caps, ssads), "ECAP.SSADS = 1", false },
	{ PASID_ENTRY, 1, PASID1_PWSNP, offsetof(struct vtd_caps, smpwcs), "ECAP.SMPWCS = 1", false },
	{ PASID_ENTRY, 1, PASID1_PGSNP, offsetof(struct vtd_caps, sc), "ECAP.SC = 1", false },
	{ PASID_ENTRY, 2, PASID2_SRE, offsetof(struct vtd_caps, srs), "ECAP.SRS = 1", false },
	{ PASID_ENTRY, 2, PASID2_EAFE, offsetof(struct vtd_caps, eafs), "ECAP.EAFS = 1", true },
	{ PASID_ENTRY, 1, PASID1_CD, offsetof(struct vtd_caps, mts), "ECAP.MTS = 1", false },
	{ PASID_ENTRY, 1, PASID1_EMTE, offsetof(struct vtd_caps, mts), "ECAP.MTS = 1", false },
	{ PASID_ENTRY, 1, LOWBIT(PASID1_PAT), offsetof(struct vtd_caps, mts), "ECAP.MTS = 1", false },
};

static bool claims(const struct vtd_caps *c, size_t offset)
{
	return *(const bool *)((const uint8_t *)c + offset); /* all of them are bool members */
}

static void reserved_by_capability(struct test *t)
{
	static const uint8_t reasons[2][2] = { { FR_SCT_3, FR_SCT_4 }, { FR_SPT_3, FR_SPT_4 } };
	const struct unsure *c = &unsure[t->desc->arg];
	struct fx_req *r;
	struct page *p;

	if (claims(&t->bench->vtd->caps, c->cap))
		skip(t, "%s", c->claimed);
	p = fx_start_mapped(t, c->first_stage ? FX_SM_FS : sm_mode(t));
	r = fx_req(t, t->engine);
	sm_change(t, (c->entry == CONTEXT ? r->ctx : r->pasid) + c->word, 0, c->set);
	observe_dma(t, p, reasons[c->entry], 2, true);
}

#define CTX(n, id_, row, given_) \
	{ .id = "vtd.sm.ctx.unsure." id_, .checks = row, .given = given_, .needs = NEEDS_SM, \
	  .expects = "refused with reason 42h or 43h, or ignored", .arg = (n), .body = reserved_by_capability }
#define PT(n, id_, row, given_, needs_) \
	{ .id = "vtd.sm.pt.unsure." id_, .checks = row, .given = given_, .needs = NEEDS_SM | (needs_), \
	  .expects = "refused with reason 5Ah or 5Bh, or ignored", .arg = (n), .body = reserved_by_capability }

TEST_TABLE(sm_unsure,
	CTX(0, "dte", "VTD-SM-CTX-009", "DTE = 1 where DT = 0"),
	CTX(1, "paside", "VTD-SM-CTX-010", "PASIDE = 1 where PASID = 0"),
	CTX(2, "pre", "VTD-SM-CTX-011", "PRE = 1 where PRS = 0"),
	CTX(3, "rid_priv", "VTD-SM-CTX-012", "RID_PRIV = 1 where RPRIVS = 0"),
	PT(4, "ssade", "VTD-SM-PT-013", "SSADE = 1 where SSADS = 0", NEED_SSTS),
	PT(5, "pwsnp", "VTD-SM-PT-014", "PWSNP = 1 where SMPWCS = 0", 0),
	PT(6, "pgsnp", "VTD-SM-PT-015", "PGSNP = 1 where SC = 0", 0),
	PT(7, "sre", "VTD-SM-PT-016", "SRE = 1 where SRS = 0", 0),
	PT(8, "eafe", "VTD-SM-PT-017", "EAFE = 1 where EAFS = 0", NEED_FSTS),
	PT(9, "cd", "VTD-SM-PT-018", "CD = 1 where MTS = 0", 0),
	PT(10, "emte", "VTD-SM-PT-019", "EMTE = 1 where MTS = 0", 0),
	PT(11, "pat", "VTD-SM-PT-020", "PAT not 0 where MTS = 0", 0));

TEST(pt_did,
     .id = "vtd.sm.pt.unsure.did",
     .checks = "VTD-SM-PT-021",
     .given = "the highest DID bit, where ND is below 6",
     .expects = "refused with reason 5Ah or 5Bh, or ignored",
     .needs = NEEDS_SM)
{
	static const uint8_t reasons[] = { FR_SPT_3, FR_SPT_4 };
	struct fx_req *r;
	struct page *p;

	if (t->bench->vtd->caps.did_bits >= 16)
		skip(t, "CAP.ND = 6");
	p = sm_start(t, &r);
	sm_change(t, r->pasid + 1, 0, FLD(PASID1_DID, BIT(15)));
	observe_dma(t, p, reasons, ARRAY_LEN(reasons), true);
}
