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
			   (unsigned)fld_get(EV_TYPE_8, seen->record[0]), (unsigned)fld_get(EV_TYPE_8, must->record[0]));
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

/* The content of IO_PAGE_FAULT. */
static bool page_fault_content(const fuzz_view_t *v)
{
	return both_refused(v) && v->must->fault == EV_IO_PAGE_FAULT && v->seen->fault == EV_IO_PAGE_FAULT;
}

/* Names as entries of tests/platforms/deviations/ give them by their key `fuzz`. */
const struct fuzz_deviation fa_deviations[FA_DEVIATIONS] = {
	{ "amd-page-fault-content", page_fault_content, FA_AS_IT_IS },
};

void fa_pretend(struct fuzz_oracle *o, const struct fuzz_unit *u, struct fuzz_arena *a, const struct fuzz_case *c,
		unsigned readings, unsigned alternative, struct fuzz_outcome *out)
{
	(void)u;
	(void)readings;
	fa_ask(o, a, c, alternative, out);
}
