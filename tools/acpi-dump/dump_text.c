/*
 * DMAR and IVRS as text for people: a line for each structure, and beneath it a line for each scope or device entry.
 */
#include "tools/acpi-dump/dump.h"

#include <inttypes.h>

/* Lets bytes of firmware through to a terminal only where they can be printed. */
static void put_text(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n && p[i]; i++)
		putchar(p[i] >= 0x20 && p[i] <= 0x7e ? p[i] : '?');
}

static void put_bdf(uint16_t sid)
{
	printf("%02x:%02x.%x", (unsigned)fld_get(SID_BUS, sid), (unsigned)fld_get(SID_DEV, sid),
	       (unsigned)fld_get(SID_FN, sid));
}

static void scope_text(const struct dmar_scope *s)
{
	printf("           %-14s", dmar_scope_type_name(s->type));
	if (s->type < SCOPE_PCI_ENDPOINT || s->type > SCOPE_ACPI_NAMESPACE)
		printf(" type %u", s->type);
	if (s->type == SCOPE_IOAPIC || s->type == SCOPE_HPET || s->type == SCOPE_ACPI_NAMESPACE || s->enum_id)
		printf(" id %u", s->enum_id);
	printf(" at bus %02x", s->start_bus);
	for (unsigned i = 0; i < s->path_n; i++)
		printf("%s%02x.%x", i ? " > " : " path ", dmar_path_dev(s, i), dmar_path_fn(s, i));
	if (s->flags)
		printf(" flags 0x%02x", s->flags);
	printf("\n");
}

static void structure_text(const struct dmar *d, const struct dmar_structure *s)
{
	struct dmar_scope scope;
	uint32_t pos = 0;

	printf("  0x%04" PRIx32 "  %s", s->offset, dmar_type_name(s->type));
	if (s->type >= DMAR_TYPES)
		printf(" type %u, %u bytes, skipped", s->type, s->length);
	else if (s->type == DMAR_ANDD) {
		printf(" device %u, name ", s->device_number);
		put_text((const uint8_t *)s->name, s->length);
	} else if (s->type != DMAR_RHSA)
		printf(" segment %u", s->segment);
	if (s->type == DMAR_DRHD)
		printf(", registers 0x%" PRIx64 ", %" PRIu64 " bytes%s", s->base, dmar_unit(s).len_bytes,
		       s->flags & DRHD_INCLUDE_PCI_ALL ? ", INCLUDE_PCI_ALL" : "");
	if (s->type == DMAR_RMRR)
		printf(", memory 0x%" PRIx64 " to 0x%" PRIx64, s->base, s->limit);
	if (s->type == DMAR_RHSA)
		printf(" registers 0x%" PRIx64 ", proximity domain %" PRIu32, s->base, s->proximity);
	if (s->type == DMAR_ATSR && s->flags & ATSR_ALL_PORTS)
		printf(", ALL_PORTS");
	if (s->type == DMAR_SATC && s->flags & SATC_ATC_REQUIRED)
		printf(", ATC_REQUIRED");
	printf("\n");
	while (dmar_scope_next(d, s, &pos, &scope))
		scope_text(&scope);
}

void dmar_text(const char *file, const struct dmar *d)
{
	struct dmar_structure s;
	uint32_t pos = 0;

	printf("%s: DMAR, %" PRIu32 " bytes, revision %u, host address width %u bits, flags 0x%02x%s%s%s\n", file,
	       d->length, d->revision, d->host_address_width + 1u, d->flags,
	       d->flags & DMAR_INTR_REMAP ? " INTR_REMAP" : "",
	       d->flags & DMAR_X2APIC_OPT_OUT ? " X2APIC_OPT_OUT" : "",
	       d->flags & DMAR_DMA_CTRL_PLATFORM_OPT_IN ? " DMA_CTRL_PLATFORM_OPT_IN" : "");
	while (dmar_next(d, &pos, &s))
		structure_text(d, &s);
}

static void put_id(const char *what, const uint8_t *p, size_t n)
{
	printf("%s", what);
	if (id_is_text(p, n))
		put_text(p, n);
	else
		printf("0x%" PRIx64, id_number(p, n));
}

static void hid_text(const struct ivrs_entry *e)
{
	put_id(", hid ", e->hid, 8);
	put_id(", cid ", e->cid, 8);
	if (!e->uid_length)
		return;
	printf(", uid ");
	if (e->uid_format == UID_INTEGER && e->uid_length <= 8)
		printf("0x%" PRIx64, id_number(e->uid, e->uid_length));
	else
		put_text(e->uid, e->uid_length);
}

static void entry_text(const struct ivrs_entry *e)
{
	printf("           %-20s ", ivrs_code_name(e->code));
	if (e->code == IVHD_SPECIAL) {
		put_bdf(e->source_id);
		printf(" setting 0x%02x, %s %u", e->setting,
		       e->variety == VARIETY_IOAPIC ? "ioapic" : e->variety == VARIETY_HPET ? "hpet" : "unknown",
		       e->handle);
	} else if (e->code == IVHD_RANGE_END) {
		put_bdf(e->device_id);
	} else if (e->code != IVHD_PAD4 && e->code != IVHD_PAD8) {
		put_bdf(e->device_id);
		printf(" setting 0x%02x", e->setting);
	}
	if (e->code == IVHD_ALIAS_SELECT || e->code == IVHD_ALIAS_RANGE_START) {
		printf(" handled as ");
		put_bdf(e->source_id);
	}
	if (e->code == IVHD_EXT_SELECT || e->code == IVHD_EXT_RANGE_START)
		printf(" extended 0x%08" PRIx32, e->extended);
	if (e->code == IVHD_ACPI_HID)
		hid_text(e);
	printf("\n");
}

static void ivhd_text(const struct ivrs *t, const struct ivrs_block *b)
{
	struct ivrs_entry e;
	uint32_t pos = 0;

	printf(" unit ");
	put_bdf(b->device_id);
	printf(" segment %u, registers 0x%" PRIx64 ", capability 0x%x, flags 0x%02x, info 0x%04x, %s 0x%08" PRIx32,
	       b->segment, b->base, b->capability_offset, b->flags, b->info,
	       b->type == IVHD_10 ? "features" : "attributes", b->features);
	if (b->type != IVHD_10)
		printf(", efr 0x%" PRIx64 ", efr2 0x%" PRIx64, b->efr, b->efr2);
	printf("%s\n", ivrs_block_counts(t, b) ? "" : " (a newer block describes this unit)");
	while (ivrs_entry_next(t, b, &pos, &e))
		entry_text(&e);
}

static void ivmd_text(const struct ivrs_block *b)
{
	if (b->type == IVMD_ALL) {
		printf(" all devices");
	} else {
		printf(" device ");
		put_bdf(b->device_id);
	}
	if (b->type == IVMD_RANGE) {
		printf(" to ");
		put_bdf(b->aux);
	}
	printf(", segment %u, memory 0x%" PRIx64 ", 0x%" PRIx64 " bytes, flags 0x%02x%s%s%s%s\n", b->segment, b->start,
	       b->bytes, b->flags, b->flags & IVMD_UNITY ? " unity" : "", b->flags & IVMD_IR ? " read" : "",
	       b->flags & IVMD_IW ? " write" : "", b->flags & IVMD_EXCLUSION ? " exclusion" : "");
}

void ivrs_text(const char *file, const struct ivrs *t)
{
	struct ivrs_block b;
	uint32_t pos = 0;

	printf("%s: IVRS, %" PRIu32 " bytes, revision %u, IVinfo 0x%08" PRIx32 "\n", file, t->length, t->revision,
	       t->iv_info);
	while (ivrs_next(t, &pos, &b)) {
		printf("  0x%04" PRIx32 "  %s", b.offset, ivrs_type_name(b.type));
		if (ivrs_is_ivhd(&b))
			ivhd_text(t, &b);
		else if (ivrs_is_ivmd(&b))
			ivmd_text(&b);
		else
			printf(" type 0x%02x, %u bytes, skipped\n", b.type, b.length);
	}
}
