/*
 * DMAR and IVRS as JSON. Numbers are integers; addresses and words of bits are strings such as "0xfed90000".
 */
#include "tools/acpi-dump/dump.h"

static void scopes_json(struct json *j, const struct dmar *d, const struct dmar_structure *s)
{
	struct dmar_scope scope;
	uint32_t pos = 0;

	json_open(j, "scopes", '[');
	while (dmar_scope_next(d, s, &pos, &scope)) {
		json_open(j, NULL, '{');
		json_str(j, "type", dmar_scope_type_name(scope.type));
		if (scope.type < SCOPE_PCI_ENDPOINT || scope.type > SCOPE_ACPI_NAMESPACE)
			json_int(j, "code", scope.type);
		json_int(j, "enum_id", scope.enum_id);
		json_int(j, "start_bus", scope.start_bus);
		json_open(j, "path", '[');
		for (unsigned i = 0; i < scope.path_n; i++) {
			json_open(j, NULL, '[');
			json_int(j, NULL, dmar_path_dev(&scope, i));
			json_int(j, NULL, dmar_path_fn(&scope, i));
			json_close(j, ']');
		}
		json_close(j, ']');
		if (scope.flags)
			json_int(j, "flags", scope.flags);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void structure_json(struct json *j, const struct dmar *d, const struct dmar_structure *s)
{
	json_open(j, NULL, '{');
	json_str(j, "type", dmar_type_name(s->type));
	if (s->type >= DMAR_TYPES)
		json_int(j, "code", s->type);
	json_int(j, "offset", s->offset);
	json_int(j, "struct_length", s->length);
	if (s->type == DMAR_DRHD || s->type == DMAR_ATSR || s->type == DMAR_SATC)
		json_int(j, "flags", s->flags);
	if (s->type == DMAR_DRHD)
		json_int(j, "size_field", s->size);
	if (s->type == DMAR_ANDD) {
		json_int(j, "device", s->device_number);
		json_str(j, "name", s->name);
	} else if (s->type < DMAR_TYPES && s->type != DMAR_RHSA) {
		json_int(j, "segment", s->segment);
	}
	if (s->type == DMAR_DRHD || s->type == DMAR_RMRR || s->type == DMAR_RHSA)
		json_hex(j, "base", s->base);
	if (s->type == DMAR_RMRR)
		json_hex(j, "limit", s->limit);
	if (s->type == DMAR_RHSA)
		json_int(j, "proximity", s->proximity);
	if (s->reserved)
		json_int(j, "reserved", s->reserved);
	if (s->type < DMAR_TYPES && s->type != DMAR_RHSA && s->type != DMAR_ANDD)
		scopes_json(j, d, s);
	json_close(j, '}');
}

void dmar_json(struct json *j, const char *key, const struct dmar *d)
{
	struct dmar_structure s;
	uint32_t pos = 0;

	json_open(j, key, '{');
	json_str(j, "kind", "dmar");
	json_int(j, "length", d->length);
	json_int(j, "revision", d->revision);
	json_int(j, "host_address_width", d->host_address_width + 1u);
	json_int(j, "host_address_width_field", d->host_address_width);
	json_int(j, "flags", d->flags);
	json_open(j, "structures", '[');
	while (dmar_next(d, &pos, &s))
		structure_json(j, d, &s);
	json_close(j, ']');
	json_close(j, '}');
}

static bool is_letter(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool id_is_text(const uint8_t *p, size_t n)
{
	return n >= 3 && is_letter(p[0]) && is_letter(p[1]) && is_letter(p[2]);
}

uint64_t id_number(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = n; i; i--)
		v = v * 256 + p[i - 1];
	return v;
}

static void id_json(struct json *j, const char *key, const uint8_t *p)
{
	if (id_is_text(p, 8))
		json_strn(j, key, p, 8);
	else
		json_hex(j, key, id_number(p, 8));
}

static void hid_json(struct json *j, const struct ivrs_entry *e)
{
	id_json(j, "hid", e->hid);
	id_json(j, "cid", e->cid);
	if (e->uid_length)
		json_int(j, "uid_format", e->uid_format);
	json_int(j, "uid_length", e->uid_length);
	if (!e->uid_length)
		return;
	if (e->uid_format == UID_INTEGER && e->uid_length <= 8)
		json_hex(j, "uid", id_number(e->uid, e->uid_length));
	else
		json_strn(j, "uid", e->uid, e->uid_length);
}

static void entry_json(struct json *j, const struct ivrs_entry *e)
{
	json_open(j, NULL, '{');
	json_str(j, "entry", ivrs_code_name(e->code));
	json_int(j, "code", e->code);
	json_int(j, "device_id", e->device_id);
	json_int(j, "setting", e->setting);
	switch (e->code) {
	case IVHD_ALIAS_SELECT:
	case IVHD_ALIAS_RANGE_START:
		json_int(j, "source_id", e->source_id);
		break;
	case IVHD_EXT_SELECT:
	case IVHD_EXT_RANGE_START:
		json_hex(j, "extended", e->extended);
		break;
	case IVHD_SPECIAL:
		json_int(j, "handle", e->handle);
		json_int(j, "source_id", e->source_id);
		json_int(j, "variety", e->variety);
		break;
	case IVHD_ACPI_HID:
		hid_json(j, e);
		break;
	default:
		break;
	}
	json_close(j, '}');
}

static void ivhd_json(struct json *j, const struct ivrs *t, const struct ivrs_block *b)
{
	struct ivrs_entry e;
	uint32_t pos = 0;

	json_int(j, "device_id", b->device_id);
	json_int(j, "capability_offset", b->capability_offset);
	json_hex(j, "base", b->base);
	json_int(j, "segment", b->segment);
	json_int(j, "info", b->info);
	json_hex(j, b->type == IVHD_10 ? "features" : "attributes", b->features);
	if (b->type != IVHD_10) {
		json_hex(j, "efr", b->efr);
		json_hex(j, "efr2", b->efr2);
	}
	json_open(j, "devices", '[');
	while (ivrs_entry_next(t, b, &pos, &e))
		entry_json(j, &e);
	json_close(j, ']');
}

static void block_json(struct json *j, const struct ivrs *t, const struct ivrs_block *b)
{
	bool ivhd = ivrs_is_ivhd(b), ivmd = ivrs_is_ivmd(b);

	json_open(j, NULL, '{');
	json_str(j, "type", ivrs_type_name(b->type));
	if (!ivhd && !ivmd)
		json_int(j, "code", b->type);
	json_int(j, "offset", b->offset);
	if (ivhd || ivmd)
		json_int(j, "flags", b->flags);
	json_int(j, "block_length", b->length);
	if (ivhd)
		ivhd_json(j, t, b);
	if (ivmd) {
		json_int(j, "device_id", b->device_id);
		json_int(j, "aux", b->aux);
		if (b->segment)
			json_int(j, "segment", b->segment);
		json_hex(j, "start", b->start);
		json_hex(j, "length", b->bytes);
	}
	json_close(j, '}');
}

void ivrs_json(struct json *j, const char *key, const struct ivrs *t)
{
	struct ivrs_block b;
	uint32_t pos = 0;

	json_open(j, key, '{');
	json_str(j, "kind", "ivrs");
	json_int(j, "length", t->length);
	json_int(j, "revision", t->revision);
	json_hex(j, "iv_info", t->iv_info);
	json_open(j, "blocks", '[');
	while (ivrs_next(t, &pos, &b))
		block_json(j, t, &b);
	json_close(j, ']');
	json_close(j, '}');
}
