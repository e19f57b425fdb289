/*
 * The DMAR table, checked and walked in place (Intel VT-d chapter 8).
 *
 * Reserved structure types are skipped by their length, reserved scope types likewise; everything else must have the
 * form that its type prescribes.
 */
#include "drivers-iommu/acpi/dmar.h"

/* Fixed part of each structure, with its header of type and length. */
static const uint8_t fixed_bytes[DMAR_TYPES] = {
	[DMAR_DRHD] = 16, [DMAR_RMRR] = 24, [DMAR_ATSR] = 8, [DMAR_RHSA] = 20, [DMAR_ANDD] = 8, [DMAR_SATC] = 8,
	[DMAR_SIDP] = 8,
};

#define STRUCTURE_HEADER_BYTES 4u
#define SCOPE_FIXED_BYTES      6u
#define SCOPE_PAIR_BYTES       2u

const char *dmar_type_name(uint16_t type)
{
	static const char *const names[DMAR_TYPES] = { "drhd", "rmrr", "atsr", "rhsa", "andd", "satc", "sidp" };

	return type < DMAR_TYPES ? names[type] : "unknown";
}

const char *dmar_scope_type_name(uint8_t type)
{
	static const char *const names[] = {
		"unknown", "pci-endpoint", "pci-bridge", "ioapic", "hpet", "acpi-namespace"
	};

	return names[type < ARRAY_LEN(names) ? type : 0];
}

static bool has_scopes(uint16_t type)
{
	return type < DMAR_TYPES && type != DMAR_RHSA && type != DMAR_ANDD;
}

/* The object path that fills the rest of an ANDD: it must end inside; zeros may follow it. */
static void read_name(struct acpi_cursor *c, struct dmar_structure *out)
{
	uint32_t at = c->pos, n = acpi_left(c);
	const uint8_t *p = acpi_bytes(c, n);

	for (uint32_t i = 0; p && i < n; i++)
		if (!p[i]) {
			out->name = (const char *)p;
			return;
		}
	acpi_fail(c, at, "the ACPI object name is not terminated inside its structure");
}

/* The fields behind type and length. */
static void read_fields(struct acpi_cursor *c, struct dmar_structure *out)
{
	switch (out->type) {
	case DMAR_DRHD:
		out->flags = acpi_u8(c);
		out->size = acpi_u8(c);
		out->segment = acpi_u16(c);
		out->base = acpi_u64(c);
		break;
	case DMAR_RMRR:
		out->reserved = acpi_u16(c);
		out->segment = acpi_u16(c);
		out->base = acpi_u64(c);
		out->limit = acpi_u64(c);
		break;
	case DMAR_ATSR:
	case DMAR_SATC:
		out->flags = acpi_u8(c);
		out->reserved = acpi_u8(c);
		out->segment = acpi_u16(c);
		break;
	case DMAR_RHSA:
		out->reserved = acpi_u32(c);
		out->base = acpi_u64(c);
		out->proximity = acpi_u32(c);
		break;
	case DMAR_ANDD:
		out->reserved = acpi_u16(c);
		out->reserved += acpi_u8(c) * 65536u;
		out->device_number = acpi_u8(c);
		read_name(c, out);
		break;
	case DMAR_SIDP:
		out->reserved = acpi_u16(c);
		out->segment = acpi_u16(c);
		break;
	default:
		break;
	}
}

/* One structure at the cursor, which moves behind it. False at the end or after an error. */
static bool read_structure(struct acpi_cursor *c, struct dmar_structure *out)
{
	struct acpi_cursor header = *c, body;
	uint32_t min;

	if (!acpi_left(c))
		return false;
	*out = (struct dmar_structure){ .offset = c->pos };
	if (acpi_left(c) < STRUCTURE_HEADER_BYTES) {
		acpi_fail(c, c->pos, "bytes are left over that make no structure");
		return false;
	}
	out->type = acpi_u16(&header);
	out->length = acpi_u16(&header);
	min = out->type < DMAR_TYPES ? fixed_bytes[out->type] : STRUCTURE_HEADER_BYTES;
	if (acpi_record(c, out->length, min, &body) != OK)
		return false;
	body.pos += STRUCTURE_HEADER_BYTES;
	read_fields(&body, out);
	out->scopes = has_scopes(out->type) ? body.pos : body.end;
	out->scopes_end = body.end;
	return acpi_good(c);
}

/* One device scope at the cursor, which moves behind it. False at the end or after an error. */
static bool read_scope(struct acpi_cursor *c, struct dmar_scope *out)
{
	struct acpi_cursor header = *c, body;
	uint32_t path_bytes;

	if (!acpi_left(c))
		return false;
	*out = (struct dmar_scope){ .offset = c->pos };
	if (acpi_left(c) < SCOPE_FIXED_BYTES) {
		acpi_fail(c, c->pos, "bytes are left over that make no device scope");
		return false;
	}
	out->type = acpi_u8(&header);
	out->length = acpi_u8(&header);
	if (acpi_record(c, out->length, SCOPE_FIXED_BYTES, &body) != OK)
		return false;
	path_bytes = out->length - SCOPE_FIXED_BYTES;
	if (out->type >= SCOPE_PCI_ENDPOINT && out->type <= SCOPE_ACPI_NAMESPACE) {
		if (path_bytes % SCOPE_PAIR_BYTES)
			acpi_fail(c, out->offset, "the device scope's path has half a pair");
		else if (!path_bytes)
			acpi_fail(c, out->offset, "the device scope has no path");
	}
	body.pos += 2;
	out->flags = acpi_u8(&body);
	acpi_u8(&body); /* reserved */
	out->enum_id = acpi_u8(&body);
	out->start_bus = acpi_u8(&body);
	out->path_n = path_bytes / SCOPE_PAIR_BYTES;
	out->path = acpi_bytes(&body, path_bytes);
	return acpi_good(c);
}

static enum status check_scopes(const struct dmar *d, const struct dmar_structure *s, struct acpi_error *error)
{
	struct acpi_cursor c = acpi_cursor(d->table, s->scopes, s->scopes_end, error);
	struct dmar_scope scope;

	while (read_scope(&c, &scope))
		;
	return acpi_good(&c) ? OK : ERR_MALFORMED;
}

enum status dmar_open(const void *table, size_t bytes, struct dmar *out)
{
	struct acpi_header h;
	struct acpi_cursor c;
	struct dmar_structure s;

	*out = (struct dmar){ .table = table };
	if (acpi_table(table, bytes, "DMAR", &h, &c, &out->error) != OK)
		return ERR_MALFORMED;
	if (h.length < DMAR_HEADER_BYTES)
		return acpi_fail(&c, 4, "the length field is less than the DMAR header");
	out->length = h.length;
	out->revision = h.revision;
	out->host_address_width = acpi_u8(&c);
	out->flags = acpi_u8(&c);
	c.pos = DMAR_HEADER_BYTES;
	while (read_structure(&c, &s))
		if (check_scopes(out, &s, &out->error) != OK)
			return ERR_MALFORMED;
	return acpi_good(&c) ? OK : ERR_MALFORMED;
}

bool dmar_next(const struct dmar *d, uint32_t *pos, struct dmar_structure *out)
{
	struct acpi_error error = { 0 };
	struct acpi_cursor c = acpi_cursor(d->table, *pos ? *pos : DMAR_HEADER_BYTES, d->length, &error);
	bool found = read_structure(&c, out);

	*pos = c.pos;
	return found;
}

bool dmar_next_of(const struct dmar *d, enum dmar_type type, uint32_t *pos, struct dmar_structure *out)
{
	while (dmar_next(d, pos, out))
		if (out->type == type)
			return true;
	return false;
}

bool dmar_scope_next(const struct dmar *d, const struct dmar_structure *s, uint32_t *pos, struct dmar_scope *out)
{
	struct acpi_error error = { 0 };
	struct acpi_cursor c = acpi_cursor(d->table, *pos ? *pos : s->scopes, s->scopes_end, &error);
	bool found = read_scope(&c, out);

	*pos = c.pos;
	return found;
}

uint8_t dmar_path_dev(const struct dmar_scope *s, unsigned i)
{
	return s->path[SCOPE_PAIR_BYTES * i];
}

uint8_t dmar_path_fn(const struct dmar_scope *s, unsigned i)
{
	return s->path[SCOPE_PAIR_BYTES * i + 1];
}

struct dmar_unit dmar_unit(const struct dmar_structure *drhd)
{
	return (struct dmar_unit){
		.offset = drhd->offset,
		.segment = drhd->segment,
		.include_pci_all = drhd->flags & DRHD_INCLUDE_PCI_ALL,
		.base = PA(drhd->base),
		.len_bytes = PAGE_BYTES * pow2((unsigned)fld_get(DRHD_SIZE_N, drhd->size)),
	};
}

enum status dmar_units(const struct dmar *d, struct dmar_unit *units, unsigned max, unsigned *n)
{
	struct dmar_structure s;
	uint32_t pos = 0;

	*n = 0;
	while (dmar_next_of(d, DMAR_DRHD, &pos, &s)) {
		if (*n == max)
			return ERR_FULL;
		units[(*n)++] = dmar_unit(&s);
	}
	return OK;
}

const char *dmar_andd_name(const struct dmar *d, uint8_t device_number)
{
	struct dmar_structure s;
	uint32_t pos = 0;

	while (dmar_next_of(d, DMAR_ANDD, &pos, &s))
		if (s.device_number == device_number)
			return s.name;
	return NULL;
}
