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

/* Second-stage faults of scalable mode told by their legacy codes. */
static bool legacy_codes(const view_t *v)
{
	static const struct { uint8_t must, seen; } pairs[] = {
		{ FR_SSS_2, FR_LGN_2 }, { FR_SSS_2, FR_LGN_3 }, { FR_SGN_6, FR_LGN_2 }, { FR_SGN_7, FR_LGN_3 },
		{ FR_SSS_3, FR_LSS_2 }, { FR_SGN_5, FR_LGN_1 }, { FR_SSS_1, FR_LSS_1 }, { FR_SSS_4, FR_LSS_1 },
		{ FR_SGN_8, FR_LGN_4 }, { FR_SGN_8, FR_SGN_5 },
	};

	for (unsigned i = 0; i < ARRAY_LEN(pairs); i++)
		if (scalable(v) && both_recorded(v) && v->must->fault == pairs[i].must && v->seen->fault == pairs[i].seen)
			return true;
	return false;
}

/* Reserved bits of a scalable root entry told by the legacy code. */
static bool root_code(const view_t *v)
{
	return scalable(v) && both_recorded(v) && v->must->fault == FR_SRT_3 && v->seen->fault == FR_LRT_3;
}

/* PP set for a request without PASID. */
static bool rid_pp(const view_t *v)
{
	return scalable(v) && both_recorded(v) && v->must->fault == v->seen->fault && !(v->must->record[1] & REC_PP) &&
	       (v->seen->record[1] & REC_PP);
}

static const struct {
	const char *name;
	bool (*explains)(const view_t *v);
} deviations[] = {
	{ "ss-legacy-codes", legacy_codes },
	{ "sm-root-code", root_code },
	{ "rid-pasid-pp", rid_pp },
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
