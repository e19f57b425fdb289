/*
 * The PASID-table entry (VT-d 7.1.3, 9.6): VTD-SM-PT, but for FPD, indexes and fields that only a missing capability
 * reserves.
 */
#include "tests/vtd/sm.h"

TEST(pt_absent,
     .id = "vtd.sm.pt.absent",
     .checks = "VTD-SM-PT-003",
     .given = "P = 0 in the PASID entry",
     .expects = "refused with reason 59h",
     .needs = NEEDS_SM)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);

	sm_change(t, r->pasid, PASID_P, 0);
	expect_blocked(t, IOVA_A, p, FR_SPT_2);
	sm_change(t, r->pasid, 0, PASID_P);
	expect_allowed(t, IOVA_A, p);
}

TEST(pt_zero,
     .id = "vtd.sm.pt.zero",
     .checks = "VTD-SM-PT-003",
     .given = "a PASID entry that is all zero: P = 0, and PGTT = 000 besides",
     .expects = "refused with reason 59h: presence comes before all else",
     .needs = NEEDS_SM)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);
	uint64_t legal[8];

	for (unsigned i = 0; i < 8; i++) {
		legal[i] = r->pasid[i];
		fx_set(t, &r->pasid[i], 0);
	}
	fx_sync(t);
	expect_blocked(t, IOVA_A, p, FR_SPT_2);
	for (unsigned i = 8; i > 0; i--)
		fx_set(t, &r->pasid[i - 1], legal[i - 1]);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
}

static const struct reserved_case { unsigned first, last; uint64_t bits; } reserved_cases[] = {
	{ 0, 0, PASID_RSVD_10 }, { 1, 1, PASID1_RSVD_80 }, { 2, 2, PASID2_RSVD_136 }, { 3, 3, UINT64_MAX },
	{ 4, 7, UINT64_MAX },
};

static void reserved(struct test *t)
{
	const struct reserved_case *c = &reserved_cases[t->desc->arg];
	struct fx_req *r;
	struct page *p = sm_start(t, &r);

	for (unsigned w = c->first; w <= c->last; w++)
		if (!expect_each_bit_blocks(t, r->pasid + w, c->bits, p, FR_SPT_3))
			return;
}

#define RESERVED(n, id_, row, given_) \
	{ .id = "vtd.sm.pt.reserved_" id_, .checks = row, .given = given_, .expects = "refused with reason 5Ah", \
	  .needs = NEEDS_SM, .budget_us = 3000000, .arg = (n), .body = reserved }

TEST_TABLE(pt_reserved,
	RESERVED(0, "11_10", "VTD-SM-PT-005", "each of bits 11:10 alone"),
	RESERVED(1, "86_80", "VTD-SM-PT-006", "each of bits 86:80 alone"),
	RESERVED(2, "139_136", "VTD-SM-PT-008", "each of bits 139:136 alone"),
	RESERVED(3, "255_192", "VTD-SM-PT-009", "each of bits 255:192 alone"),
	RESERVED(4, "511_256", "VTD-SM-PT-010", "each of bits 511:256 alone"));

TEST(pt_reserved_95_91,
     .id = "vtd.sm.pt.reserved_95_91",
     .checks = "VTD-SM-PT-007",
     .given = "bits 95:91 set (EMT, PWT, PCD in old revisions)",
     .expects = "refused with reason 5Ah; ignored is tolerated",
     .needs = NEEDS_SM)
{
	static const uint8_t reasons[] = { FR_SPT_3 };
	struct fx_req *r;
	struct page *p = sm_start(t, &r);

	sm_change(t, r->pasid + 1, 0, PASID1_RSVD_91);
	observe_dma(t, p, reasons, ARRAY_LEN(reasons), true);
}

/* Each PAT entry has 3 bits and one that is reserved (VT-d 9.6). */
TEST(pt_pat_reserved,
     .id = "vtd.sm.pt.pat_reserved",
     .given = "MTS = 1, the highest bit of each PAT entry alone",
     .expects = "refused with reason 5Ah",
     .needs = NEEDS_SM)
{
	struct fx_req *r;
	struct page *p;

	if (!t->bench->vtd->caps.mts)
		skip(t, "ECAP.MTS = 0");
	p = sm_start(t, &r);
	expect_each_bit_blocks(t, r->pasid + 1, UINT64_C(0x8888888800000000), p, FR_SPT_3);
}

TEST(pt_ssptptr_high,
     .id = "vtd.sm.pt.ssptptr_high",
     .checks = "VTD-SM-PT-011",
     .given = "PGTT = 010, each bit of SSPTPTR above HAW alone",
     .expects = "refused with reason 5Ah",
     .needs = NEEDS_SM | NEED_SSTS)
{
	struct page *p = fx_start_mapped(t, FX_SM_SS);

	expect_each_bit_blocks(t, fx_req(t, t->engine)->pasid, fx_bits_above_haw(t), p, FR_SPT_3);
}

TEST(pt_fsptptr_high,
     .id = "vtd.sm.pt.fsptptr_high",
     .checks = "VTD-SM-PT-012",
     .given = "PGTT = 001, each bit of FSPTPTR above HAW alone",
     .expects = "refused with reason 5Ah",
     .needs = NEEDS_SM | NEED_FSTS)
{
	struct page *p = fx_start_mapped(t, FX_SM_FS);

	expect_each_bit_blocks(t, fx_req(t, t->engine)->pasid + 2, fx_bits_above_haw(t), p, FR_SPT_3);
}

/* arg: a reserved PGTT. */
static void pgtt_reserved(struct test *t)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);
	uint64_t good = *r->pasid;

	sm_change(t, r->pasid, PASID_PGTT, FLD(PASID_PGTT, t->desc->arg));
	expect_blocked(t, IOVA_A, p, FR_SPT_4);
	sm_change(t, r->pasid, UINT64_MAX, good);
	expect_allowed(t, IOVA_A, p);
}

#define PGTT(n, id_, row) \
	{ .id = "vtd.sm.pt.pgtt_" id_, .checks = row, .given = "PGTT = " id_, .expects = "refused with reason 5Bh", \
	  .needs = NEEDS_SM, .arg = (n), .body = pgtt_reserved }

TEST_TABLE(pt_pgtt,
	PGTT(0, "000", "VTD-SM-PT-022"), PGTT(5, "101", "VTD-SM-PT-023"), PGTT(6, "110", "VTD-SM-PT-024"),
	PGTT(7, "111", "VTD-SM-PT-025"));

static bool offers(const struct vtd_caps *c, enum vtd_pgtt pgtt)
{
	switch (pgtt) {
	case PGTT_FS: return c->fsts;
	case PGTT_SS: return c->ssts;
	case PGTT_NESTED: return c->nest;
	default: return c->pt;
	}
}

/* arg: a PGTT that the unit may lack. Both page-table pointers lead to tables, and AW is a width that it has. */
static void pgtt_absent(struct test *t)
{
	enum vtd_pgtt pgtt = (enum vtd_pgtt)t->desc->arg;
	struct fx_req *r;
	struct page *p;

	if (offers(&t->bench->vtd->caps, pgtt))
		skip(t, "the unit offers this translation type");
	p = sm_start(t, &r);
	fx_set(t, r->pasid + 2, r->space_pa.v);
	sm_change(t, r->pasid, PASID_PGTT | PASID_SSPTPTR | PASID_AW,
		  r->space_pa.v | FLD(PASID_PGTT, pgtt) | FLD(PASID_AW, VTD_AW(max_u64(fx_of(t)->u->caps.levels_max, 3))));
	expect_blocked(t, IOVA_A, p, FR_SPT_4);
	sm_put(t, r->pasid, fx_pasid_value(fx_of(t), r).w, 8);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
}

#define ABSENT(pgtt, id_, row, given_) \
	{ .id = "vtd.sm.pt.absent_" id_, .checks = row, .given = given_, .expects = "refused with reason 5Bh", \
	  .needs = NEEDS_SM, .arg = (pgtt), .body = pgtt_absent }

TEST_TABLE(pt_pgtt_absent,
	ABSENT(PGTT_FS, "first_stage", "VTD-SM-PT-026", "FSTS = 0, PGTT = 001"),
	ABSENT(PGTT_SS, "second_stage", "VTD-SM-PT-027", "SSTS = 0, PGTT = 010"),
	ABSENT(PGTT_NESTED, "nested", "VTD-SM-PT-028", "NEST = 0, PGTT = 011"),
	ABSENT(PGTT_PASSTHROUGH, "passthrough", "VTD-SM-PT-029", "PT = 0, PGTT = 100"));

TEST(pt_aw,
     .id = "vtd.sm.pt.aw_unsupported",
     .checks = "VTD-SM-PT-030",
     .given = "PGTT = 010, each AW that is not in SAGAW",
     .expects = "refused with reason 5Bh",
     .needs = NEEDS_SM | NEED_SSTS)
{
	struct page *p = fx_start_mapped(t, FX_SM_SS);
	struct fx_req *r = fx_req(t, t->engine);
	uint64_t good = *r->pasid;
	bool as_expected = true;

	for (unsigned aw = 0; aw < 8 && as_expected; aw++) {
		if (vtd_caps_levels(&fx_of(t)->u->caps, aw + 2))
			continue;
		sm_change(t, r->pasid, PASID_AW, FLD(PASID_AW, aw));
		as_expected = expect_blocked(t, IOVA_A, p, FR_SPT_4);
		if (!as_expected)
			note(t, "AW = %u", aw);
	}
	sm_change(t, r->pasid, UINT64_MAX, good);
	expect_allowed(t, IOVA_A, p);
}

/* arg: FSPM. */
static void fspm(struct test *t)
{
	struct page *p;
	struct fx_req *r;

	if (t->desc->arg == 1 && t->bench->vtd->caps.fs5lp)
		skip(t, "CAP.FS5LP = 1");
	p = fx_start_mapped(t, FX_SM_FS);
	r = fx_req(t, t->engine);
	sm_change(t, r->pasid + 2, 0, FLD(PASID2_FSPM, t->desc->arg));
	expect_blocked(t, IOVA_A, p, FR_SPT_4);
	sm_change(t, r->pasid + 2, PASID2_FSPM, 0);
	expect_allowed(t, IOVA_A, p);
}

#define FSPM(n, id_, row) \
	{ .id = "vtd.sm.pt.fspm_" id_, .checks = row, .given = "PGTT = 001, FSPM = " id_, \
	  .expects = "refused with reason 5Bh", .needs = NEEDS_SM | NEED_FSTS, .arg = (n), .body = fspm }

TEST_TABLE(pt_fspm, FSPM(1, "01", "VTD-SM-PT-032"), FSPM(2, "10", "VTD-SM-PT-033"), FSPM(3, "11", "VTD-SM-PT-034"));
