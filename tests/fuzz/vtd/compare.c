/* Fault records side by side, and the deviations that are known to the fuzzer. */
#include "drivers-iommu/vtd/entry.h"
#include "drivers-iommu/vtd/fault.h"
#include "tests/fuzz/vtd/vtd.h"

/* Fields of a record's upper word. */
#define REC_SID  BITS(15, 0)
#define REC_PRIV BIT(29)
#define REC_EXE  BIT(30)
#define REC_PP   BIT(31)
#define REC_FR   BITS(39, 32)
#define REC_PV   BITS(59, 40)
#define REC_T1   BIT(62)

const char *fv_compare_records(const struct fuzz_outcome *must, const struct fuzz_outcome *seen, char *buf, size_t len)
{
	uint64_t differ = must->record[1] ^ seen->record[1];
	bool pp = must->record[1] & REC_PP;

	if (must->fault != seen->fault)
		str_printf(buf, len, "fault 0x%02x (%s) instead of 0x%02x (%s)", seen->fault,
			   vtd_reason_text(seen->fault),
			   must->fault, vtd_reason_text(must->fault));
	else if (differ & REC_SID)
		str_printf(buf, len, "the record of fault 0x%02x names another requester", must->fault);
	else if (align_down(must->record[0], PAGE_BYTES) != align_down(seen->record[0], PAGE_BYTES))
		str_printf(buf, len, "the record of fault 0x%02x names another page", must->fault);
	else if (differ & REC_T1)
		str_printf(buf, len, "the record of fault 0x%02x has the wrong type", must->fault);
	else if (differ & REC_PP)
		str_printf(buf, len, "the record of fault 0x%02x has PP = %u", must->fault, !pp);
	else if (pp && (differ & (REC_PV | REC_PRIV | REC_EXE)))
		str_printf(buf, len, "the record of fault 0x%02x has the wrong PASID or privilege", must->fault);
	else
		return NULL;
	return buf;
}

/* ---- known deviations ---- */

static bool scalable(const fuzz_view_t *v)
{
	return v->c->mode != FM_LEGACY && v->c->mode != FM_LEGACY_PT;
}

static bool both_recorded(const fuzz_view_t *v)
{
	return !v->must->landed && !v->seen->landed && v->must->recorded && v->seen->recorded;
}

struct pair {
	uint8_t must, seen;
};

static bool among(const fuzz_view_t *v, const struct pair *pairs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (v->must->fault == pairs[i].must && v->seen->fault == pairs[i].seen)
			return true;
	return false;
}

/* The case changes one word, of this page. */
static bool only_in(const fuzz_view_t *v, unsigned page)
{
	return v->c->edits_n == 1 && v->c->edits[0].page == page;
}

/* Root and context entries of scalable mode told by the legacy codes. */
static bool legacy_entry_codes(const fuzz_view_t *v)
{
	static const struct pair pairs[] = {
		{ FR_SRT_1, FR_LRT_1 }, { FR_SRT_2, FR_LRT_2 }, { FR_SRT_3, FR_LRT_3 },
		{ FR_SCT_1, FR_LCT_1 }, { FR_SCT_2, FR_LCT_2 }, { FR_SCT_3, FR_LCT_3 },
	};

	return scalable(v) && both_recorded(v) && among(v, pairs, ARRAY_LEN(pairs));
}

/* The half of a scalable root entry that does not serve the requester is checked, too (tolerated, VTD-SM-RT-014). */
static bool other_root_half(const fuzz_view_t *v)
{
	return scalable(v) && only_in(v, FP_ROOT) && v->seen->fault == FR_LRT_3;
}

/* Second-stage faults of scalable mode told by the legacy codes. */
static bool legacy_stage_codes(const fuzz_view_t *v)
{
	static const struct pair pairs[] = {
		{ FR_SSS_2, FR_LGN_2 }, { FR_SSS_2, FR_LGN_3 }, { FR_SGN_6, FR_LGN_2 }, { FR_SGN_7, FR_LGN_3 },
		{ FR_SSS_3, FR_LSS_2 }, { FR_SGN_5, FR_LGN_1 }, { FR_SSS_1, FR_LSS_1 }, { FR_SSS_4, FR_LCT_4 },
		/* Permission and reserved bits of one entry in the other order is an open point (U-23). */
		{ FR_SGN_6, FR_LSS_2 }, { FR_SGN_7, FR_LSS_2 }, { FR_SSS_3, FR_LGN_2 }, { FR_SSS_3, FR_LGN_3 },
		/* As in legacy mode permissions are judged entry by entry, before what lies below is read. */
		{ FR_SSS_1, FR_LGN_2 }, { FR_SSS_1, FR_LGN_3 },
	};

	return scalable(v) && both_recorded(v) && among(v, pairs, ARRAY_LEN(pairs));
}

/* One reason for nearly all errors of directory and PASID entries, and no heed of FPD. */
static bool one_pasid_reason(const fuzz_view_t *v)
{
	return scalable(v) && !v->must->landed && !v->seen->landed && v->seen->fault == FR_SPT_1 &&
	       v->must->fault >= FR_SPD_1 && v->must->fault <= FR_SPT_4;
}

/* Reserved fields of directory and PASID entries ignored. */
static bool pasid_unchecked(const fuzz_view_t *v)
{
	return scalable(v) && (v->must->fault == FR_SPD_3 || v->must->fault == FR_SPT_3);
}

/* PGTT judged before P: an entry of zeros is called invalid instead of not present. */
static bool pgtt_before_p(const fuzz_view_t *v)
{
	return scalable(v) && both_recorded(v) && v->must->fault == FR_SPT_2 && v->seen->fault == FR_SPT_4;
}

/* The word of the case's only edit, where that is the first of a PASID entry of this PGTT. */
static bool only_pasid_of(const fuzz_view_t *v, enum vtd_pgtt pgtt)
{
	return scalable(v) && only_in(v, FP_PASID) && v->c->edits[0].word % 8 == 0 &&
	       fld_get(PASID_PGTT, v->c->edits[0].value) == pgtt;
}

/* A PGTT that is not offered taken for second stage. */
static bool pgtt_unoffered(const fuzz_view_t *v)
{
	return v->must->fault == FR_SPT_4 && (only_pasid_of(v, PGTT_FS) || only_pasid_of(v, PGTT_NESTED));
}

/* AW of a pass-through entry judged. */
static bool pass_aw(const fuzz_view_t *v)
{
	uint64_t levels = only_pasid_of(v, PGTT_PASSTHROUGH) ? 2 + fld_get(PASID_AW, v->c->edits[0].value) : 0;

	return levels && (levels >= ARRAY_LEN(v->u->sagaw) || !v->u->sagaw[levels]) && !v->seen->landed &&
	       v->seen->recorded && v->seen->fault == FR_SPT_1;
}

/* AW of a first-stage entry taken for the width of canonical addresses. */
static bool first_stage_aw(const fuzz_view_t *v)
{
	uint64_t width = only_pasid_of(v, PGTT_FS) ? 30 + 9 * fld_get(PASID_AW, v->c->edits[0].value) : 64;
	uint64_t high = width < 64 ? shr(v->c->iova, (unsigned)width - 1) : 0;

	return high && high != BITS(64 - (unsigned)width, 0) && !v->seen->landed && v->seen->recorded &&
	       v->seen->fault == FR_SGN_1;
}

/* RID_PASID used although RPS = 0. */
static bool rid_pasid_used(const fuzz_view_t *v)
{
	return scalable(v) && !v->c->has_pasid && v->must->fault == FR_SCT_3;
}

/* FPD that covers too little: a record where none should be, of the fault that is there (or of its other code). */
static bool fpd_ignored(const fuzz_view_t *v)
{
	struct fuzz_outcome recorded = *v->must;
	fuzz_view_t with = { v->u, v->c, &recorded, v->seen };

	recorded.recorded = true;
	return !v->must->landed && !v->seen->landed && !v->must->recorded && v->seen->recorded &&
	       (v->must->fault == v->seen->fault || legacy_entry_codes(&with) || legacy_stage_codes(&with) ||
		one_pasid_reason(v) || pgtt_before_p(&with));
}

/* PP set for a request without PASID. */
static bool rid_pp(const fuzz_view_t *v)
{
	return scalable(v) && both_recorded(v) && v->must->fault == v->seen->fault && !(v->must->record[1] & REC_PP) &&
	       (v->seen->record[1] & REC_PP);
}

/* Pass-through above the host's width goes to memory unrecorded, where nothing answers. */
static bool pass_limit(const fuzz_view_t *v)
{
	/* An edit of TT or PGTT makes pass-through of another mode. */
	bool pass = v->c->mode == FM_PT || v->c->mode == FM_LEGACY_PT || only_in(v, FP_CONTEXT) || only_in(v, FP_PASID);

	return pass && !v->seen->landed && !v->seen->recorded &&
	       (v->must->fault == FR_SGN_4 || v->must->fault == FR_LGN_1);
}

/* Output in the interrupt range told by the other mode's code. */
static bool interrupt_range_code(const fuzz_view_t *v)
{
	static const struct pair pairs[] = { { FR_LGN_4, FR_SGN_8 }, { FR_SGN_8, FR_LGN_4 } };

	return both_recorded(v) && among(v, pairs, ARRAY_LEN(pairs));
}

/* Accessed and dirty bits updated by a walk that is not snooped. */
static bool update_not_snooped(const fuzz_view_t *v)
{
	return v->must->fault == FR_SFS_9 && (v->seen->landed || v->seen->fault == FR_SFS_3);
}

/* Names as entries of tests/platforms/deviations/ give them by their key `fuzz`. */
const struct fuzz_deviation fv_deviations[FV_DEVIATIONS] = {
	{ "legacy-entry-codes", legacy_entry_codes, FUZZ_AS_IT_IS },
	{ "other-root-half", other_root_half, FUZZ_AS_IT_IS },
	{ "legacy-stage-codes", legacy_stage_codes, FUZZ_AS_IT_IS },
	{ "one-pasid-reason", one_pasid_reason, FUZZ_AS_IT_IS },
	{ "pasid-unchecked", pasid_unchecked, FUZZ_PASID_UNCHECKED },
	{ "pgtt-before-p", pgtt_before_p, FUZZ_AS_IT_IS },
	{ "pgtt-unoffered", pgtt_unoffered, FUZZ_PGTT_SECOND },
	{ "pass-aw", pass_aw, FUZZ_AS_IT_IS },
	{ "first-stage-aw", first_stage_aw, FUZZ_AS_IT_IS },
	{ "update-not-snooped", update_not_snooped, FUZZ_AS_IT_IS },
	{ "rid-pasid-used", rid_pasid_used, FUZZ_RID_PASID },
	{ "fpd-ignored", fpd_ignored, FUZZ_AS_IT_IS },
	{ "rid-pp", rid_pp, FUZZ_AS_IT_IS },
	{ "pass-limit", pass_limit, FUZZ_AS_IT_IS },
	{ "interrupt-range-code", interrupt_range_code, FUZZ_AS_IT_IS },
};
