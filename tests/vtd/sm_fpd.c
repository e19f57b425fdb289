/*
 * Fault Processing Disable in scalable mode (VT-d 7.1.3, 9.4 to 9.6): set in an entry, it keeps the faults of that entry
 * and of all that comes after it out of the log; the request is refused all the same.
 */
#include "tests/vtd/sm.h"

enum place { AT_CTX, AT_DIR, AT_ENTRY, AT_LEAF, AT_PDE };

static const struct defect {
	enum place at;
	uint64_t clear, set;
	const char *name;
} defects[] = {
	{ AT_CTX, SM_CTX_P, 0, "context entry absent" },
	{ AT_CTX, 0, LOWBIT(SM_CTX_RSVD), "reserved bit in the context entry" },
	{ AT_DIR, PDE_P, 0, "directory entry absent" },
	{ AT_DIR, 0, LOWBIT(PDE_RSVD), "reserved bit in the directory entry" },
	{ AT_ENTRY, PASID_P, 0, "PASID entry absent" },
	{ AT_ENTRY, 0, LOWBIT(PASID_RSVD_10), "reserved bit in the PASID entry" },
	{ AT_ENTRY, PASID_PGTT, FLD(PASID_PGTT, 7), "PGTT = 111" },
	{ AT_LEAF, UINT64_MAX, 0, "leaf absent" },
	{ AT_PDE, UINT64_MAX, 0, "non-leaf entry absent" },
};

/* Numbers in defects[]. */
#define D_CTX_P       BIT(0)
#define D_CTX_RSVD    BIT(1)
#define D_DIR_P       BIT(2)
#define D_DIR_RSVD    BIT(3)
#define D_ENTRY_P     BIT(4)
#define D_ENTRY_RSVD  BIT(5)
#define D_ENTRY_PGTT  BIT(6)
#define D_WALK        (BIT(7) | BIT(8))
#define ARG_DEFECTS   BITS(15, 0)
#define ARG_FPD       BITS(23, 16)

static uint64_t *word_at(struct test *t, struct fx_req *r, enum place at)
{
	switch (at) {
	case AT_CTX: return r->ctx;
	case AT_DIR: return r->dir;
	case AT_ENTRY: return r->pasid;
	case AT_LEAF: return fx_entry(t, r, IOVA_A, 1);
	default: return fx_entry(t, r, IOVA_A, 2);
	}
}

/* How the unit takes a defect: refused and recorded, or not at all, which is the business of another test. */
static bool minds(struct test *t, struct page *p)
{
	enum dma_outcome o = try_write(t, t->engine, IOVA_A, dma_small_bytes(t, t->engine), p, 0);

	return fx_faults_drop(t) != 0 && o == DMA_REFUSED;
}

/* A defect that the unit minds is not recorded with FPD; FPD without a defect changes nothing. */
static bool one_defect(struct test *t, struct fx_req *r, struct page *p, enum place fpd, const struct defect *d,
		       unsigned *judged)
{
	uint64_t *word = word_at(t, r, d->at), *holder = word_at(t, r, fpd);
	uint64_t word_before = *word, holder_before = *holder;
	bool good = true;

	sm_change(t, word, d->clear, d->set);
	if (minds(t, p)) {
		++*judged;
		sm_change(t, holder, 0, PASID_FPD); /* bit 1 in all three entries */
		good = expect_blocked_silently(t, IOVA_A, p);
		if (!good)
			note(t, "%s", d->name);
	}
	fx_set(t, word, word_before);
	sm_change(t, holder, UINT64_MAX, holder_before | PASID_FPD);
	good = good && expect_allowed(t, IOVA_A, p);
	sm_change(t, holder, UINT64_MAX, holder_before);
	return good;
}

static void suppressed(struct test *t)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);
	unsigned judged = 0;

	_Static_assert(SM_CTX_FPD == PASID_FPD && PDE_FPD == PASID_FPD, "VT-d 9.4 to 9.6");
	for (unsigned i = 0; i < ARRAY_LEN(defects); i++)
		if ((fld_get(ARG_DEFECTS, t->desc->arg) & pow2(i)) &&
		    !one_defect(t, r, p, (enum place)fld_get(ARG_FPD, t->desc->arg), &defects[i], &judged))
			return;
	if (!judged)
		skip_unreached(t, "the unit does not refuse and record what FPD should keep out of the log");
}

#define FPD(id_, row, at_, defects_, given_) \
	{ .id = id_, .checks = row, .given = given_ ", FPD = 0, then 1", .expects = "refused; recorded, then not", \
	  .needs = NEEDS_SM, .arg = FLD(ARG_FPD, at_) | FLD(ARG_DEFECTS, defects_), .body = suppressed }

TEST_TABLE(sm_fpd,
	FPD("vtd.sm.ctx.fpd.absent", "VTD-SM-CTX-004", AT_CTX, D_CTX_P, "context entry with P = 0"),
	FPD("vtd.sm.ctx.fpd.reserved", "VTD-SM-CTX-027", AT_CTX, D_CTX_RSVD, "reserved bit in the context entry"),
	FPD("vtd.sm.ctx.fpd.later", "VTD-SM-CTX-029", AT_CTX,
	    D_DIR_P | D_DIR_RSVD | D_ENTRY_P | D_ENTRY_RSVD | D_ENTRY_PGTT | D_WALK,
	    "defects in directory, PASID entry and paging entries; in the context entry"),
	FPD("vtd.sm.pd.fpd.absent", "VTD-SM-PD-004", AT_DIR, D_DIR_P, "directory entry with P = 0"),
	FPD("vtd.sm.pd.fpd.reserved", "VTD-SM-PD-008", AT_DIR, D_DIR_RSVD, "reserved bit in the directory entry"),
	FPD("vtd.sm.pd.fpd.later", "VTD-SM-PD-007", AT_DIR, D_ENTRY_P | D_ENTRY_RSVD | D_ENTRY_PGTT,
	    "defects in the PASID entry; in the directory entry"),
	FPD("vtd.sm.pd.fpd.of_context", "VTD-SM-PD-010", AT_CTX, D_DIR_P | D_DIR_RSVD,
	    "defects in the directory entry, whose own FPD is 0; in the context entry"),
	FPD("vtd.sm.pt.fpd.absent", "VTD-SM-PT-004", AT_ENTRY, D_ENTRY_P, "PASID entry with P = 0"),
	FPD("vtd.sm.pt.fpd.reserved", "VTD-SM-PT-038", AT_ENTRY, D_ENTRY_RSVD, "reserved bit in the PASID entry"),
	FPD("vtd.sm.pt.fpd.invalid", "VTD-SM-PT-039", AT_ENTRY, D_ENTRY_PGTT, "PGTT = 111"),
	FPD("vtd.sm.pt.fpd.walk", "VTD-SM-PT-040", AT_ENTRY, D_WALK, "paging entries absent; in the PASID entry"));
