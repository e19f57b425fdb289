/* Event log entries side by side, and the deviations that are known to the fuzzer. */
#include "drivers-iommu/amdvi/entry.h"
#include "drivers-iommu/amdvi/log.h"
#include "tests/fuzz/amdvi/amdvi.h"

#define FLAGS (EV_GN | EV_NX | EV_US | EV_I | EV_PR | EV_RW | EV_PE | EV_RZ | EV_TR)

static bool hardware(unsigned code)
{
	return code == EV_DEVTAB_HW || code == EV_PAGETAB_HW;
}

const char *fa_compare_records(const struct fuzz_outcome *must, const struct fuzz_outcome *seen, char *buf, size_t len)
{
	uint64_t differ = must->record[0] ^ seen->record[0], align = hardware(must->fault) ? 8 : PAGE_BYTES;

	if (must->fault != seen->fault)
		str_printf(buf, len, "%s instead of %s", amdvi_event_text(seen->fault), amdvi_event_text(must->fault));
	else if (differ & EV_DEVICE_ID)
		str_printf(buf, len, "%s names another device", amdvi_event_text(must->fault));
	else if (differ & FLAGS)
		str_printf(buf, len, "%s has flags 0x%03x instead of 0x%03x", amdvi_event_text(must->fault),
			   (unsigned)fld_get(EV_FLAGS, seen->record[0]), (unsigned)fld_get(EV_FLAGS, must->record[0]));
	else if (differ & (EV_PASID_HI | EV_DOMAIN_ID))
		str_printf(buf, len, "%s has another DomainID or PASID", amdvi_event_text(must->fault));
	else if (must->fault == EV_INVALID_REQUEST && (differ & EV_TYPE_8))
		str_printf(buf, len, "%s has type %u instead of %u", amdvi_event_text(must->fault),
			   (unsigned)fld_get(EV_TYPE_8, seen->record[0]),
				   (unsigned)fld_get(EV_TYPE_8, must->record[0]));
	else if (align_down(must->record[1], align) != align_down(seen->record[1], align))
		str_printf(buf, len, "%s has another address", amdvi_event_text(must->fault));
	else
		return NULL;
	return buf;
}

/* ---- known deviations ---- */

static bool both_refused(const fuzz_view_t *v)
{
	return !v->must->landed && !v->seen->landed;
}

/* Nothing is ever logged. */
static bool no_events(const fuzz_view_t *v)
{
	return both_refused(v) && v->must->recorded && !v->seen->recorded;
}

/*
 * Events with no flags of their own, no DomainID and no address; IO_PAGE_FAULT with I, and the kind of request in the
 * bits of GN and NX.
 */
static bool event_content(const fuzz_view_t *v)
{
	uint64_t flags = v->seen->fault == EV_IO_PAGE_FAULT ? EV_I | (v->c->write ? EV_NX : EV_GN) : 0;

	return both_refused(v) && v->must->recorded && v->seen->recorded && v->must->fault == v->seen->fault &&
	       (v->seen->record[0] & (FLAGS | EV_DOMAIN_ID)) == flags && !v->seen->record[1];
}

/* IO_PAGE_FAULT for what is another event, but for entries of the device table. */
static bool page_fault_instead(const fuzz_view_t *v)
{
	return both_refused(v) && v->must->recorded && v->seen->recorded && v->seen->fault == EV_IO_PAGE_FAULT &&
	       v->must->fault == EV_PAGETAB_HW;
}

/* The first word of the device table entry, where the case changes it. */
static bool mode_7(const fuzz_view_t *v)
{
	for (unsigned i = 0; i < v->c->edits_n; i++)
		if (v->c->edits[i].page < FA_H1 && v->c->edits[i].word % 4 == 0)
			return fld_get(DTE_MODE, v->c->edits[i].value) == DTE_MODE_RESERVED;
	return false;
}

/* Mode = 111b refuses without an event. */
static bool mode_7_silent(const fuzz_view_t *v)
{
	return both_refused(v) && v->must->recorded && !v->seen->recorded && mode_7(v);
}

static bool anything(const fuzz_view_t *v)
{
	return v->c->mode == FAM_HOST || v->c->mode == FAM_PASS;
}

/* Names as entries of tests/platforms/deviations/ give them by their key `fuzz`. */
const struct fuzz_deviation fa_deviations[FA_DEVIATIONS] = {
	{ "amd-no-events", no_events, FA_AS_IT_IS },
	{ "amd-event-content", event_content, FA_AS_IT_IS },
	{ "amd-page-fault-instead", page_fault_instead, FA_AS_IT_IS },
	{ "amd-mode-7-silent", mode_7_silent, FA_AS_IT_IS },
	{ "amd-walks", anything, FA_WALKS },
	{ "amd-follows", anything, FA_FOLLOWS },
	{ "amd-entry-checks", anything, FA_ENTRY_OTHERWISE },
	{ "amd-tv-unheeded", anything, FA_TV_UNHEEDED },
	{ "amd-mode-0-free", anything, FA_MODE_0_FREE },
};
