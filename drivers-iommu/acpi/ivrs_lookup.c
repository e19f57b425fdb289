/*
 * What the IVRS says about a unit or a requester (AMD I/O Virtualization, chapter 5.2.2 and 5.2.3).
 */
#include "drivers-iommu/acpi/ivrs.h"

bool ivrs_block_counts(const struct ivrs *t, const struct ivrs_block *b)
{
	struct ivrs_block other;
	uint32_t pos = 0;

	if (!ivrs_is_ivhd(b))
		return ivrs_is_ivmd(b);
	while (ivrs_next(t, &pos, &other))
		if (ivrs_is_ivhd(&other) && other.type > b->type && other.device_id == b->device_id &&
		    other.segment == b->segment)
			return false;
	return true;
}

bool ivrs_next_unit(const struct ivrs *t, uint32_t *pos, struct ivrs_block *out)
{
	while (ivrs_next(t, pos, out))
		if (ivrs_is_ivhd(out) && ivrs_block_counts(t, out))
			return true;
	return false;
}

/* One run of device ids with the entry that began it. */
struct run {
	uint16_t first, last;
	struct ivrs_entry entry;
};

/* The next run of a block; entries that name no requesters by id (pads, reserved ones) are passed over. */
static bool next_run(const struct ivrs *t, const struct ivrs_block *b, uint32_t *pos, struct run *out)
{
	struct ivrs_entry end = { 0 };

	while (ivrs_entry_next(t, b, pos, &out->entry)) {
		out->first = out->last = out->entry.device_id;
		switch (out->entry.code) {
		case IVHD_DEV_ALL:
			out->first = 0;
			out->last = UINT16_MAX;
			return true;
		case IVHD_SELECT:
		case IVHD_ALIAS_SELECT:
		case IVHD_EXT_SELECT:
		case IVHD_ACPI_HID:
			return true;
		case IVHD_SPECIAL:
			out->first = out->last = out->entry.source_id;
			return true;
		case IVHD_RANGE_START:
		case IVHD_ALIAS_RANGE_START:
		case IVHD_EXT_RANGE_START:
			while (ivrs_entry_next(t, b, pos, &end))
				if (end.code == IVHD_RANGE_END)
					break;
			out->last = end.device_id;
			return true;
		default:
			break;
		}
	}
	return false;
}

static void apply(const struct run *r, struct ivrs_device *out)
{
	const struct ivrs_entry *e = &r->entry;

	out->setting |= e->setting;
	if (e->code == IVHD_ALIAS_SELECT || e->code == IVHD_ALIAS_RANGE_START)
		out->alias = e->source_id;
	if (e->code == IVHD_EXT_SELECT || e->code == IVHD_EXT_RANGE_START)
		out->ats_disabled = e->extended & EXTENDED_ATS_DISABLED;
}

enum status ivrs_device_of(const struct ivrs *t, struct pci_addr a, struct ivrs_device *out)
{
	struct ivrs_block unit;
	bool found = false;
	struct run r;
	uint32_t pos = 0;

	*out = (struct ivrs_device){ .alias = a.sid };
	while (ivrs_next_unit(t, &pos, &unit)) {
		uint32_t at = 0;

		if (unit.segment != a.segment)
			continue;
		while (next_run(t, &unit, &at, &r)) {
			if (a.sid < r.first || a.sid > r.last)
				continue;
			apply(&r, out);
			out->unit = unit;
			found = true;
		}
	}
	return found ? OK : ERR_NOT_FOUND;
}

enum status ivrs_special(const struct ivrs *t, enum ivrs_variety variety, uint8_t handle, struct ivrs_block *unit,
			 struct ivrs_entry *out)
{
	uint32_t pos = 0;

	while (ivrs_next_unit(t, &pos, unit)) {
		uint32_t at = 0;

		while (ivrs_entry_next(t, unit, &at, out))
			if (out->code == IVHD_SPECIAL && out->variety == (uint8_t)variety && out->handle == handle)
				return OK;
	}
	return ERR_NOT_FOUND;
}

bool ivrs_memory_of(const struct ivrs *t, struct pci_addr a, uint32_t *pos, struct ivrs_block *out)
{
	while (ivrs_next(t, pos, out)) {
		if (!ivrs_is_ivmd(out) || out->segment != a.segment)
			continue;
		if (out->type == IVMD_ALL || (out->type == IVMD_ONE && out->device_id == a.sid) ||
		    (out->type == IVMD_RANGE && out->device_id <= a.sid && a.sid <= out->aux))
			return true;
	}
	return false;
}
