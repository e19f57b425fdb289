/* Oracle and observation side by side, and the deviations that are known to the fuzzer. */
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

static const char *compare_records(const struct fuzz_outcome *must, const struct fuzz_outcome *seen, char *buf, size_t len)
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
	};

	return scalable(v) && both_recorded(v) && among(v, pairs, ARRAY_LEN(pairs));
}

/* One reason for nearly all errors of directory and PASID entries, and no heed of FPD. */
static bool one_pasid_reason(const view_t *v)
{
	return scalable(v) && !v->must->landed && !v->seen->landed && v->seen->fault == FR_SPT_1 &&
	       v->must->fault >= FR_SPD_1 && v->must->fault <= FR_SPT_4;
}

/* Reserved fields of directory and PASID entries ignored: whatever follows from the rest of the entry. */
static bool pasid_unchecked(const view_t *v)
{
	/* A context entry can be changed to point at another page, whose words then are such entries. */
	return scalable(v) && (only_in(v, FP_DIRECTORY) || only_in(v, FP_PASID) || only_in(v, FP_CONTEXT)) &&
	       (v->must->fault == FR_SPD_3 || v->must->fault == FR_SPT_3);
}

/* PGTT judged before P: an entry of zeros is called invalid instead of not present. */
static bool pgtt_before_p(const view_t *v)
{
	return scalable(v) && both_recorded(v) && v->must->fault == FR_SPT_2 && v->seen->fault == FR_SPT_4;
}

/* AW of a PASID entry judged where it is not used; a PGTT that is not offered taken for second stage. */
static bool pasid_fields(const view_t *v)
{
	return scalable(v) && only_in(v, FP_PASID) && v->c->edits[0].word % 8 == 0 &&
	       (v->must->landed || v->must->fault == FR_SPT_4);
}

/* RID_PASID used although RPS = 0. */
static bool rid_pasid_used(const view_t *v)
{
	return scalable(v) && only_in(v, FP_CONTEXT) && v->c->edits[0].word % 4 == 1;
}

/* FPD that covers too little: a record where none should be. */
static bool fpd_ignored(const view_t *v)
{
	return !v->must->landed && !v->seen->landed && !v->must->recorded && v->seen->recorded;
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

/* Names as entries of tests/platforms/deviations/ give them by their key `fuzz`; the clause stands there. */
static const struct {
	const char *name;
	bool (*explains)(const view_t *v);
} deviations[] = {
	{ "legacy-entry-codes", legacy_entry_codes },
	{ "other-root-half", other_root_half },
	{ "legacy-stage-codes", legacy_stage_codes },
	{ "one-pasid-reason", one_pasid_reason },
	{ "pasid-unchecked", pasid_unchecked },
	{ "pgtt-before-p", pgtt_before_p },
	{ "pasid-fields", pasid_fields },
	{ "update-not-snooped", update_not_snooped },
	{ "rid-pasid-used", rid_pasid_used },
	{ "fpd-ignored", fpd_ignored },
	{ "rid-pp", rid_pp },
	{ "pass-limit", pass_limit },
	{ "interrupt-range-code", interrupt_range_code },
};

const char *fuzz_known(const char *list, const struct fuzz_case *c, const struct fuzz_outcome *must,
		       const struct fuzz_outcome *seen)
{
	view_t v = { c, must, seen };

	for (unsigned i = 0; i < ARRAY_LEN(deviations); i++)
		if (glob_list_match(list, deviations[i].name) && deviations[i].explains(&v))
			return deviations[i].name;
	return NULL;
}
