/*
 * The IVRS table, checked and walked in place (AMD I/O Virtualization, chapter 5.2).
 *
 * Reserved block types and reserved entry codes are skipped by the length that the block states or the code implies.
 * What a table says about a requester is in ivrs_lookup.c.
 */
#include "drivers-iommu/acpi/ivrs.h"

#define BLOCK_HEADER_BYTES 4u
#define IVHD_10_BYTES      24u
#define IVHD_11_BYTES      40u
#define IVMD_BYTES         32u

#define HID_BYTES          8u
#define HID_FIXED_BYTES    22u
#define HID_UID_LENGTH     21u

const char *ivrs_type_name(uint8_t type)
{
	switch (type) {
	case IVHD_10: return "ivhd-10h";
	case IVHD_11: return "ivhd-11h";
	case IVHD_40: return "ivhd-40h";
	case IVMD_ALL: return "ivmd-20h";
	case IVMD_ONE: return "ivmd-21h";
	case IVMD_RANGE: return "ivmd-22h";
	default: return "unknown";
	}
}

const char *ivrs_code_name(uint8_t code)
{
	switch (code) {
	case IVHD_PAD4: return "pad4";
	case IVHD_DEV_ALL: return "all";
	case IVHD_SELECT: return "select";
	case IVHD_RANGE_START: return "range-start";
	case IVHD_RANGE_END: return "range-end";
	case IVHD_PAD8: return "pad8";
	case IVHD_ALIAS_SELECT: return "alias-select";
	case IVHD_ALIAS_RANGE_START: return "alias-range-start";
	case IVHD_EXT_SELECT: return "extended-select";
	case IVHD_EXT_RANGE_START: return "extended-range-start";
	case IVHD_SPECIAL: return "special";
	case IVHD_ACPI_HID: return "acpi-hid";
	default: return "reserved";
	}
}

bool ivrs_is_ivhd(const struct ivrs_block *b)
{
	return b->type == IVHD_10 || b->type == IVHD_11 || b->type == IVHD_40;
}

bool ivrs_is_ivmd(const struct ivrs_block *b)
{
	return b->type == IVMD_ALL || b->type == IVMD_ONE || b->type == IVMD_RANGE;
}

static uint32_t block_min(const struct ivrs_block *b)
{
	if (ivrs_is_ivmd(b))
		return IVMD_BYTES;
	if (ivrs_is_ivhd(b))
		return b->type == IVHD_10 ? IVHD_10_BYTES : IVHD_11_BYTES;
	return BLOCK_HEADER_BYTES;
}

static void read_ivhd(struct acpi_cursor *c, struct ivrs_block *out)
{
	out->device_id = acpi_u16(c);
	out->capability_offset = acpi_u16(c);
	out->base = acpi_u64(c);
	out->segment = acpi_u16(c);
	out->info = acpi_u16(c);
	out->features = acpi_u32(c);
	if (out->type != IVHD_10) {
		out->efr = acpi_u64(c);
		out->efr2 = acpi_u64(c);
	}
	out->entries = c->pos;
}

static void read_ivmd(struct acpi_cursor *c, struct ivrs_block *out)
{
	out->device_id = acpi_u16(c);
	out->aux = acpi_u16(c);
	out->segment = acpi_u16(c);
	acpi_bytes(c, 6); /* reserved */
	out->start = acpi_u64(c);
	out->bytes = acpi_u64(c);
}

/* One block at the cursor, which moves behind it. False at the end or after an error. */
static bool read_block(struct acpi_cursor *c, struct ivrs_block *out)
{
	struct acpi_cursor header = *c, body;

	if (!acpi_left(c))
		return false;
	*out = (struct ivrs_block){ .offset = c->pos };
	if (acpi_left(c) < BLOCK_HEADER_BYTES) {
		acpi_fail(c, c->pos, "bytes are left over that make no block");
		return false;
	}
	out->type = acpi_u8(&header);
	out->flags = acpi_u8(&header);
	out->length = acpi_u16(&header);
	if (acpi_record(c, out->length, block_min(out), &body) != OK)
		return false;
	body.pos += BLOCK_HEADER_BYTES;
	out->entries = body.end;
	if (ivrs_is_ivhd(out))
		read_ivhd(&body, out);
	else if (ivrs_is_ivmd(out))
		read_ivmd(&body, out);
	return acpi_good(c);
}

/* Bytes of the entry at the cursor, from its code; 0 where the specification gives no length. */
static uint32_t entry_bytes(const struct acpi_cursor *c, uint8_t code)
{
	struct acpi_cursor peek = *c;

	if (code < 0x40)
		return 4;
	if (code < 0x80)
		return 8;
	if (code < 0xc0)
		return 16;
	if (code < IVHD_ACPI_HID)
		return 32;
	if (code != IVHD_ACPI_HID)
		return 0;
	if (acpi_left(c) < HID_FIXED_BYTES)
		return HID_FIXED_BYTES; /* overruns: refused as such */
	peek.pos += HID_UID_LENGTH;
	return HID_FIXED_BYTES + acpi_u8(&peek);
}

/* The fields behind the setting byte. */
static void read_entry_fields(struct acpi_cursor *c, struct ivrs_entry *out)
{
	switch (out->code) {
	case IVHD_ALIAS_SELECT:
	case IVHD_ALIAS_RANGE_START:
		acpi_u8(c); /* reserved */
		out->source_id = acpi_u16(c);
		break;
	case IVHD_EXT_SELECT:
	case IVHD_EXT_RANGE_START:
		out->extended = acpi_u32(c);
		break;
	case IVHD_SPECIAL:
		out->handle = acpi_u8(c);
		out->source_id = acpi_u16(c);
		out->variety = acpi_u8(c);
		break;
	case IVHD_ACPI_HID:
		out->hid = acpi_bytes(c, HID_BYTES);
		out->cid = acpi_bytes(c, HID_BYTES);
		out->uid_format = acpi_u8(c);
		out->uid_length = acpi_u8(c);
		out->uid = acpi_bytes(c, out->uid_length);
		break;
	default:
		break;
	}
}

/* One device entry at the cursor, which moves behind it. False at the end or after an error. */
static bool read_entry(struct acpi_cursor *c, struct ivrs_entry *out)
{
	struct acpi_cursor header = *c, body;

	if (!acpi_left(c))
		return false;
	*out = (struct ivrs_entry){ .offset = c->pos };
	out->code = acpi_u8(&header);
	out->length = entry_bytes(c, out->code);
	if (!out->length) {
		acpi_fail(c, c->pos, "the device entry's type has no known length");
		return false;
	}
	if (acpi_record(c, out->length, 4, &body) != OK)
		return false;
	body.pos += 1;
	out->device_id = acpi_u16(&body);
	out->setting = acpi_u8(&body);
	read_entry_fields(&body, out);
	return acpi_good(c);
}

static bool is_pad(uint8_t code)
{
	return code == IVHD_PAD4 || code == IVHD_PAD8;
}

static bool starts_range(uint8_t code)
{
	return code == IVHD_RANGE_START || code == IVHD_ALIAS_RANGE_START || code == IVHD_EXT_RANGE_START;
}

/* Every entry has its form, and every range that starts ends: what is between the two is otherwise anybody's guess. */
static enum status check_entries(const struct ivrs *t, const struct ivrs_block *b, struct acpi_error *error)
{
	struct acpi_cursor c = acpi_cursor(t->table, b->entries, b->offset + b->length, error);
	struct ivrs_entry e, start = { 0 };
	bool open = false;

	while (read_entry(&c, &e)) {
		if (is_pad(e.code))
			continue;
		if (e.code != IVHD_RANGE_END && open)
			return acpi_fail(&c, start.offset, "the range has no end entry");
		if (e.code == IVHD_RANGE_END && !open)
			return acpi_fail(&c, e.offset, "the range end has no start entry");
		if (e.code == IVHD_RANGE_END && e.device_id < start.device_id)
			return acpi_fail(&c, e.offset, "the range ends below its start");
		open = starts_range(e.code);
		start = e;
	}
	if (acpi_good(&c) && open)
		return acpi_fail(&c, start.offset, "the range has no end entry");
	return acpi_good(&c) ? OK : ERR_MALFORMED;
}

enum status ivrs_open(const void *table, size_t bytes, struct ivrs *out)
{
	struct acpi_header h;
	struct acpi_cursor c;
	struct ivrs_block b;

	*out = (struct ivrs){ .table = table };
	if (acpi_table(table, bytes, "IVRS", &h, &c, &out->error) != OK)
		return ERR_MALFORMED;
	if (h.length < IVRS_HEADER_BYTES)
		return acpi_fail(&c, 4, "the length field is less than the IVRS header");
	out->length = h.length;
	out->revision = h.revision;
	out->iv_info = acpi_u32(&c);
	c.pos = IVRS_HEADER_BYTES;
	while (read_block(&c, &b))
		if (ivrs_is_ivhd(&b) && check_entries(out, &b, &out->error) != OK)
			return ERR_MALFORMED;
	return acpi_good(&c) ? OK : ERR_MALFORMED;
}

bool ivrs_next(const struct ivrs *t, uint32_t *pos, struct ivrs_block *out)
{
	struct acpi_error error = { 0 };
	struct acpi_cursor c = acpi_cursor(t->table, *pos ? *pos : IVRS_HEADER_BYTES, t->length, &error);
	bool found = read_block(&c, out);

	*pos = c.pos;
	return found;
}

bool ivrs_entry_next(const struct ivrs *t, const struct ivrs_block *b, uint32_t *pos, struct ivrs_entry *out)
{
	struct acpi_error error = { 0 };
	struct acpi_cursor c = acpi_cursor(t->table, *pos ? *pos : b->entries, b->offset + b->length, &error);
	bool found = read_entry(&c, out);

	*pos = c.pos;
	return found;
}
