/* Oracle and observation side by side, and the deviations that are known to the fuzzer. */
#include "drivers-iommu/vtd/entry.h"
#include "drivers-iommu/vtd/fault.h"
#include "kernel/glob.h"
#include "tests/fuzz/fuzz.h"
#include <string.h>

/* Fields of a record's upper word. */
#define REC_SID  BITS(15, 0)
#define REC_PRIV BIT(29)
#define REC_EXE  BIT(30)
#define REC_PP   BIT(31)
#define REC_FR   BITS(39, 32)
#define REC_PV   BITS(59, 40)
#define REC_T1   BIT(62)

static const char *compare_records(const struct fuzz_outcome *must, const struct fuzz_outcome *seen, char *buf,
				   size_t len)
{
	uint64_t differ = must->record[1] ^ seen->record[1];
	bool pp = must->record[1] & REC_PP;

	if (must->fault != seen->fault)
		str_printf(buf, len, "fault 0x%02x (%s) instead of 0x%02x (%s)", seen->fault, vtd_reason_text(seen->fault),
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

static const char *compare_updates(const struct fuzz_outcome *must, char *buf, size_t len)
{
	for (unsigned i = 0; i < must->updates_n; i++) {
		const uint64_t *word = mem_ptr(PA(must->updates[i].pa), 8);

		if (word && *word != must->updates[i].value) {
			str_printf(buf, len, "an accessed or dirty bit was not set");
			return buf;
		}
	}
	return NULL;
}

const char *fuzz_compare(const struct fuzz_arena *a, const struct fuzz_outcome *must, const struct fuzz_outcome *seen,
			 char *buf, size_t len)
{
	(void)a;
	if (must->landed && !seen->landed)
		str_printf(buf, len, seen->recorded ? "refused with fault 0x%02x instead of translated" :
			   "refused without a record instead of translated", seen->fault);
	else if (!must->landed && seen->landed)
		str_printf(buf, len, "translated instead of refused with fault 0x%02x (%s)", must->fault,
			   vtd_reason_text(must->fault));
	else if (must->landed && seen->page != must->page)
		str_printf(buf, len, "translated to another page");
	else if (must->landed && seen->recorded)
		str_printf(buf, len, "translated, but fault 0x%02x recorded", seen->fault);
	else if (must->recorded && !seen->recorded)
		str_printf(buf, len, "no record instead of fault 0x%02x (%s)", must->fault, vtd_reason_text(must->fault));
	else if (!must->recorded && seen->recorded)
		str_printf(buf, len, "fault 0x%02x recorded instead of suppressed", seen->fault);
	else if (must->recorded)
		return compare_records(must, seen, buf, len);
	else
		return compare_updates(must, buf, len);
	return buf;
}

/* ---- known deviations ---- */

typedef struct {
	const struct fuzz_unit *u;
	const struct fuzz_case *c;
	const struct fuzz_outcome *must, *seen;
} view_t;

static bool scalable(const view_t *v)
{
	return v->c->mode != FM_LEGACY && v->c->mode != FM_LEGACY_PT;
}

static bool both_recorded(const view_t *v)
{
	return !v->must->landed && !v->seen->landed && v->must->recorded && v->seen->recorded;
}

struct pair {
	uint8_t must, seen;
};

static bool among(const view_t *v, const struct pair *pairs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (v->must->fault == pairs[i].must && v->seen->fault == pairs[i].seen)
			return true;
	return false;
}

/* The case changes one word, of this page. */
static bool only_in(const view_t *v, unsigned page)
{
	return v->c->edits_n == 1 && v->c->edits[0].page == page;
}

/* Root and context entries of scalable mode told by the legacy codes. */
static bool legacy_entry_codes(const view_t *v)
{
	static const struct pair pairs[] = {
		{ FR_SRT_1, FR_LRT_1 }, { FR_SRT_2, FR_LRT_2 }, { FR_SRT_3, FR_LRT_3 },
		{ FR_SCT_1, FR_LCT_1 }, { FR_SCT_2, FR_LCT_2 }, { FR_SCT_3, FR_LCT_3 },
	};

	return scalable(v) && both_recorded(v) && among(v, pairs, ARRAY_LEN(pairs));
}

/* The half of a scalable root entry that does not serve the requester is checked, too (tolerated, VTD-SM-RT-014). */
static bool other_root_half(const view_t *v)
{
	return scalable(v) && only_in(v, FP_ROOT) && v->seen->fault == FR_LRT_3;
}

/* Second-stage faults of scalable mode told by the legacy codes. */
static bool legacy_stage_codes(const view_t *v)
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
static bool one_pasid_reason(const view_t *v)
{
	return scalable(v) && !v->must->landed && !v->seen->landed && v->seen->fault == FR_SPT_1 &&
	       v->must->fault >= FR_SPD_1 && v->must->fault <= FR_SPT_4;
}

/* Reserved fields of directory and PASID entries ignored. */
static bool pasid_unchecked(const view_t *v)
{
	return scalable(v) && (v->must->fault == FR_SPD_3 || v->must->fault == FR_SPT_3);
}

/* PGTT judged before P: an entry of zeros is called invalid instead of not present. */
static bool pgtt_before_p(const view_t *v)
{
	return scalable(v) && both_recorded(v) && v->must->fault == FR_SPT_2 && v->seen->fault == FR_SPT_4;
}

/* The word of the case's only edit, where that is the first of a PASID entry of this PGTT. */
static bool only_pasid_of(const view_t *v, enum vtd_pgtt pgtt)
{
	return scalable(v) && only_in(v, FP_PASID) && v->c->edits[0].word % 8 == 0 &&
	       fld_get(PASID_PGTT, v->c->edits[0].value) == pgtt;
}

/* A PGTT that is not offered taken for second stage. */
static bool pgtt_unoffered(const view_t *v)
{
	return v->must->fault == FR_SPT_4 && (only_pasid_of(v, PGTT_FS) || only_pasid_of(v, PGTT_NESTED));
}

/* AW of a pass-through entry judged. */
static bool pass_aw(const view_t *v)
{
	uint64_t levels = only_pasid_of(v, PGTT_PASSTHROUGH) ? 2 + fld_get(PASID_AW, v->c->edits[0].value) : 0;

	return levels && (levels >= ARRAY_LEN(v->u->sagaw) || !v->u->sagaw[levels]) && !v->seen->landed &&
	       v->seen->recorded && v->seen->fault == FR_SPT_1;
}

/* AW of a first-stage entry taken for the width of canonical addresses. */
static bool first_stage_aw(const view_t *v)
{
	uint64_t width = only_pasid_of(v, PGTT_FS) ? 30 + 9 * fld_get(PASID_AW, v->c->edits[0].value) : 64;
	uint64_t high = width < 64 ? shr(v->c->iova, (unsigned)width - 1) : 0;

	return high && high != BITS(64 - (unsigned)width, 0) && !v->seen->landed && v->seen->recorded &&
	       v->seen->fault == FR_SGN_1;
}

/* RID_PASID used although RPS = 0. */
static bool rid_pasid_used(const view_t *v)
{
	return scalable(v) && !v->c->has_pasid && v->must->fault == FR_SCT_3;
}

/* FPD that covers too little: a record where none should be, of the fault that is there (or of its other code). */
static bool fpd_ignored(const view_t *v)
{
	struct fuzz_outcome recorded = *v->must;
	view_t with = { v->u, v->c, &recorded, v->seen };

	recorded.recorded = true;
	return !v->must->landed && !v->seen->landed && !v->must->recorded && v->seen->recorded &&
	       (v->must->fault == v->seen->fault || legacy_entry_codes(&with) || legacy_stage_codes(&with) ||
		one_pasid_reason(v) || pgtt_before_p(&with));
}

/* PP set for a request without PASID. */
static bool rid_pp(const view_t *v)
{
	return scalable(v) && both_recorded(v) && v->must->fault == v->seen->fault && !(v->must->record[1] & REC_PP) &&
	       (v->seen->record[1] & REC_PP);
}

/* Pass-through above the host's width goes to memory unrecorded, where nothing answers. */
static bool pass_limit(const view_t *v)
{
	/* An edit of TT or PGTT makes pass-through of another mode. */
	bool pass = v->c->mode == FM_PT || v->c->mode == FM_LEGACY_PT || only_in(v, FP_CONTEXT) || only_in(v, FP_PASID);

	return pass && !v->seen->landed && !v->seen->recorded &&
	       (v->must->fault == FR_SGN_4 || v->must->fault == FR_LGN_1);
}

/* Output in the interrupt range told by the other mode's code. */
static bool interrupt_range_code(const view_t *v)
{
	static const struct pair pairs[] = { { FR_LGN_4, FR_SGN_8 }, { FR_SGN_8, FR_LGN_4 } };

	return both_recorded(v) && among(v, pairs, ARRAY_LEN(pairs));
}

/* Accessed and dirty bits updated by a walk that is not snooped. */
static bool update_not_snooped(const view_t *v)
{
	return v->must->fault == FR_SFS_9 && (v->seen->landed || v->seen->fault == FR_SFS_3);
}

/*
 * Names as entries of tests/platforms/deviations/ give them by their key `fuzz`; the clause stands there. What explains
 * says is the whole outcome; with another reading of the tables it says where that counts, and the outcome must then be
 * what follows from this reading, or one more deviation from that.
 */
static const struct {
	const char *name;
	bool (*explains)(const view_t *v);
	unsigned reading;
} deviations[] = {
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

/* The deviation in the list that is all of the difference. */
static const char *known_outcome(const char *list, const view_t *v)
{
	for (unsigned i = 0; i < ARRAY_LEN(deviations); i++)
		if (deviations[i].reading == FUZZ_AS_IT_IS && glob_list_match(list, deviations[i].name) &&
		    deviations[i].explains(v))
			return deviations[i].name;
	return NULL;
}

/* True where the outcome is what follows from another reading, by any of the open points, or one more deviation. */
static bool follows(const struct fuzz_judge *j, const view_t *v, unsigned reading)
{
	struct fuzz_outcome would;
	view_t then = { v->u, v->c, &would, v->seen };
	bool good = false;
	char text[160];

	fuzz_build(j->unit, j->arena, v->c);
	for (unsigned i = 0; i < FUZZ_ALTERNATIVES && !good; i++) {
		fuzz_oracle_pretend(j->oracle, j->unit, j->arena, v->c, reading, i, &would);
		/* To memory that is not ours: nothing can be said. */
		good = would.elsewhere || would.interrupt || !fuzz_compare(j->arena, &would, v->seen, text, sizeof(text)) ||
		       known_outcome(j->known, &then);
	}
	fuzz_clear(j->arena);
	return good;
}

const char *fuzz_known(const struct fuzz_judge *j, const struct fuzz_case *c, const struct fuzz_outcome *must,
		       const struct fuzz_outcome *seen)
{
	view_t v = { j->unit, c, must, seen };
	const char *name = known_outcome(j->known, &v);
	unsigned all = 0;

	for (unsigned i = 0; i < ARRAY_LEN(deviations); i++)
		all |= glob_list_match(j->known, deviations[i].name) ? deviations[i].reading : 0;
	for (unsigned i = 0; i < ARRAY_LEN(deviations) && !name; i++) {
		unsigned reading = deviations[i].reading & all;

		if (reading && deviations[i].explains(&v) && (follows(j, &v, reading) || follows(j, &v, all)))
			name = deviations[i].name;
	}
	return name;
}
