/*
 * The DMAR parser: one table worked out by hand, every structure, every kind of broken one, every mutation.
 */
#include "drivers-iommu/acpi/dmar.h"
#include "tests/acpi/craft.h"
#include "tests/host/acpi/walk.h"
#include "tests/host/tap.h"

/* Written down byte by byte from the layout in VT-d chapter 8; nothing computed it but the checksum. */
static const uint8_t golden[] = {
	'D', 'M', 'A', 'R', 0xe0, 0, 0, 0, 1, 0x31, 'o', 'e', 'm', ' ', ' ', ' ',     /* 00h */
	't', 'a', 'b', 'l', 'e', ' ', ' ', ' ', 2, 0, 0, 0, 'c', 'r', 'e', 'a',      /* 10h */
	3, 0, 0, 0, 38, 0x05, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,                          /* 20h */
	/* 30h: DRHD, size 2^1 pages, segment 0; endpoint 00:02.0 */
	0, 0, 24, 0, 0, 1, 0, 0, 0x00, 0x00, 0xd9, 0xfe, 0, 0, 0, 0, 1, 8, 0, 0, 0, 0, 2, 0,
	/* 48h: DRHD, INCLUDE_PCI_ALL, segment 2; IOAPIC 8 at f0:1f.0, HPET 1 at 00:1e.6 */
	0, 0, 32, 0, 1, 0, 2, 0, 0x00, 0x10, 0xd9, 0xfe, 1, 0, 0, 0,
	3, 8, 0, 0, 8, 0xf0, 0x1f, 0, 4, 8, 0, 0, 1, 0, 0x1e, 6,
	/* 68h: RMRR, segment 0; endpoint 00:1c.4 > 00.2 */
	1, 0, 34, 0, 0, 0, 0, 0, 0x00, 0x60, 0x7e, 0xdf, 0, 0, 0, 0, 0xff, 0x7f, 0x7e, 0xdf, 0, 0, 0, 0,
	1, 10, 0, 0, 0, 0, 0x1c, 4, 0, 2,
	/* 8ah: ATSR, ALL_PORTS, segment 1 */
	2, 0, 8, 0, 1, 0, 1, 0,
	/* 92h: RHSA, domain 3 */
	3, 0, 20, 0, 0, 0, 0, 0, 0x00, 0x10, 0xd9, 0xfe, 1, 0, 0, 0, 3, 0, 0, 0,
	/* a6h: ANDD, device 7, "\_SB.A", padded */
	4, 0, 16, 0, 0, 0, 0, 7, '\\', '_', 'S', 'B', '.', 'A', 0, 0,
	/* b6h: SATC, ATC_REQUIRED; endpoint 00:0b.0 */
	5, 0, 16, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0, 0x0b, 0,
	/* c6h: SIDP; endpoint 00:02.0 with flags */
	6, 0, 16, 0, 0, 0, 0, 0, 1, 8, 0x1d, 0, 0, 0, 2, 0,
	/* d6h: a reserved type */
	0x34, 0x12, 10, 0, 1, 2, 3, 4, 5, 6,
};

static void golden_scope(const struct dmar *d, const struct dmar_structure *s, unsigned nth,
			 const struct dmar_scope *expected)
{
	struct dmar_scope seen;
	uint32_t pos = 0;

	for (unsigned i = 0; i <= nth; i++)
		if (!ok(dmar_scope_next(d, s, &pos, &seen), "scope %u of the structure at 0x%x", i, s->offset))
			return;
	is_u64(seen.offset, expected->offset, "its offset");
	is_u64(seen.type, expected->type, "its type");
	is_u64(seen.flags, expected->flags, "its flags");
	is_u64(seen.enum_id, expected->enum_id, "its enumeration id");
	is_u64(seen.start_bus, expected->start_bus, "its start bus");
	is_u64(seen.path_n, expected->path_n, "its path's length");
	for (unsigned i = 0; i < expected->path_n; i++) {
		is_u64(dmar_path_dev(&seen, i), expected->path[2 * i], "device %u of the path", i);
		is_u64(dmar_path_fn(&seen, i), expected->path[2 * i + 1], "function %u of the path", i);
	}
}

static const struct dmar_scope scopes[] = {
	{ .offset = 0x40, .type = 1, .path_n = 1, .path = (const uint8_t[]){ 2, 0 } },
	{ .offset = 0x58, .type = 3, .enum_id = 8, .start_bus = 0xf0, .path_n = 1, .path = (const uint8_t[]){ 31, 0 } },
	{ .offset = 0x60, .type = 4, .enum_id = 1, .path_n = 1, .path = (const uint8_t[]){ 30, 6 } },
	{ .offset = 0x80, .type = 1, .path_n = 2, .path = (const uint8_t[]){ 28, 4, 0, 2 } },
	{ .offset = 0xbe, .type = 1, .path_n = 1, .path = (const uint8_t[]){ 11, 0 } },
	{ .offset = 0xce, .type = 1, .flags = 0x1d, .path_n = 1, .path = (const uint8_t[]){ 2, 0 } },
};

static void golden_structure(const struct dmar *d, uint32_t *pos, const struct dmar_structure *expected)
{
	struct dmar_structure s;
	struct dmar_scope more;
	unsigned n = 0;
	uint32_t at = 0;

	if (!ok(dmar_next(d, pos, &s), "a structure at 0x%x", expected->offset))
		return;
	is_u64(s.offset, expected->offset, "its offset");
	is_u64(s.type, expected->type, "its type");
	is_u64(s.length, expected->length, "its length");
	is_u64(s.flags, expected->flags, "its flags");
	is_u64(s.size, expected->size, "its size field");
	is_u64(s.segment, expected->segment, "its segment");
	is_u64(s.base, expected->base, "its base");
	is_u64(s.limit, expected->limit, "its limit");
	is_u64(s.proximity, expected->proximity, "its proximity domain");
	is_u64(s.device_number, expected->device_number, "its device number");
	is_str(s.name, expected->name, "its name");
	for (unsigned i = 0; i < ARRAY_LEN(scopes); i++)
		if (scopes[i].offset >= s.offset && scopes[i].offset < s.offset + s.length)
			golden_scope(d, &s, n++, &scopes[i]);
	for (unsigned i = 0; i < n; i++)
		ok(dmar_scope_next(d, &s, &at, &more), "scope %u again", i);
	ok(!dmar_scope_next(d, &s, &at, &more), "no scope after %u", n);
}

static void golden_table(void)
{
	static const struct dmar_structure expected[] = {
		{ .offset = 0x30, .type = 0, .length = 24, .size = 1, .base = 0xfed90000 },
		{ .offset = 0x48, .type = 0, .length = 32, .flags = 1, .segment = 2, .base = 0x1fed91000 },
		{ .offset = 0x68, .type = 1, .length = 34, .base = 0xdf7e6000, .limit = 0xdf7e7fff },
		{ .offset = 0x8a, .type = 2, .length = 8, .flags = 1, .segment = 1 },
		{ .offset = 0x92, .type = 3, .length = 20, .base = 0x1fed91000, .proximity = 3 },
		{ .offset = 0xa6, .type = 4, .length = 16, .device_number = 7, .name = "\\_SB.A" },
		{ .offset = 0xb6, .type = 5, .length = 16, .flags = 1 },
		{ .offset = 0xc6, .type = 6, .length = 16 },
		{ .offset = 0xd6, .type = 0x1234, .length = 10 },
	};
	struct dmar_structure s;
	struct dmar d;
	uint32_t pos = 0;

	if (!ok(dmar_open(golden, sizeof golden, &d) == OK, "the golden table is taken")) {
		tap_diag("offset 0x%x: %s", d.error.offset, d.error.reason);
		return;
	}
	is_u64(d.length, 0xe0, "its length");
	is_u64(d.revision, 1, "its revision");
	is_u64(d.host_address_width, 38, "its host address width field");
	is_u64(d.flags, 5, "its flags");
	for (unsigned i = 0; i < ARRAY_LEN(expected); i++)
		golden_structure(&d, &pos, &expected[i]);
	ok(!dmar_next(&d, &pos, &s), "nothing behind the last structure");
	ok(!dmar_next(&d, &pos, &s), "and it stays so");
	is_str(dmar_andd_name(&d, 7), "\\_SB.A", "an ANDD by its number");
	is_str(dmar_andd_name(&d, 8), NULL, "a number without ANDD");
}

static void units(void)
{
	struct dmar_unit u[2];
	struct dmar d;
	unsigned n;

	if (dmar_open(golden, sizeof golden, &d) != OK)
		return;
	ok(dmar_units(&d, u, 2, &n) == OK, "two units fit into two");
	is_u64(n, 2, "their number");
	is_u64(u[0].base.v, 0xfed90000, "base of the first");
	is_u64(u[0].len_bytes, 8192, "its window: 2^1 pages");
	ok(!u[0].include_pci_all, "it serves what its scopes name");
	is_u64(u[1].offset, 0x48, "offset of the second");
	is_u64(u[1].len_bytes, 4096, "its window: one page where the size is 0");
	is_u64(u[1].segment, 2, "its segment");
	ok(u[1].include_pci_all, "it serves all others");
	ok(dmar_units(&d, u, 1, &n) == ERR_FULL, "two units do not fit into one");
	is_u64(n, 1, "but the first is there");
}

/* Expects that a crafted table is refused; seals it first. */
static void refused(struct craft *t, const char *what, uint32_t offset, const char *reason)
{
	struct dmar d;

	craft_seal(t);
	ok(dmar_open(t->bytes, t->n, &d) == ERR_MALFORMED, "%s: refused", what);
	is_u64(d.error.offset, offset, "%s: offset", what);
	is_str(d.error.reason, reason, "%s: reason", what);
}

static const char short_record[] = "the record is shorter than its fixed part";
static const char overrun[] = "the record overruns what holds it";

static void broken_structures(void)
{
	static const uint8_t fixed[] = { 16, 24, 8, 20, 8, 8, 8 };
	struct craft t;
	uint32_t at;

	for (uint16_t type = 0; type < 8; type++) {
		uint16_t min = type < ARRAY_LEN(fixed) ? fixed[type] : 4;
		char what[40];

		snprintf(what, sizeof what, "type %u, one byte short", type);
		craft_dmar(&t, 0);
		craft_drhd(&t, 1, 0, 0xfed90000);
		at = craft_structure(&t, type);
		while (t.n - at < 32)
			craft_put(&t, 0, 1);
		craft_set(&t, at + 2, min - 1u, 2);
		refused(&t, what, at, short_record);
		craft_set(&t, at + 2, 0, 2);
		refused(&t, "length 0", at, "the record's length is zero");
		craft_set(&t, at + 2, 33, 2);
		refused(&t, "one byte too long", at, overrun);
		craft_set(&t, at + 2, 0xffff, 2);
		refused(&t, "longest length", at, overrun);
	}
	for (unsigned n = 1; n < 4; n++) {
		craft_dmar(&t, 0);
		at = craft_drhd(&t, 1, 0, 0xfed90000) + 16;
		t.record = 0;
		craft_put(&t, 0, n);
		refused(&t, "bytes behind the last structure", at, "bytes are left over that make no structure");
	}
	craft_dmar(&t, 0);
	t.n = 40;
	refused(&t, "header cut", 4, "the length field is less than the DMAR header");
}

static void broken_names(void)
{
	struct craft t;
	uint32_t at;

	craft_dmar(&t, 0);
	at = craft_andd(&t, 1, "\\_SB");
	craft_set(&t, t.n - 1, 'X', 1);
	refused(&t, "ANDD without end", at + 8, "the ACPI object name is not terminated inside its structure");
	/* A zero in the next structure does not count. */
	craft_drhd(&t, 1, 0, 0xfed90000);
	refused(&t, "ANDD that ends in its neighbour", at + 8,
		"the ACPI object name is not terminated inside its structure");
	craft_dmar(&t, 0);
	at = craft_structure(&t, 4);
	craft_put(&t, 0, 4);
	refused(&t, "ANDD without name", at + 8, "the ACPI object name is not terminated inside its structure");
}

static void broken_scopes(void)
{
	const struct craft_scope good = { .type = 1, .path_n = 2, .path = { CRAFT_DEVFN(28, 4), 0 } };
	struct craft t;
	uint32_t at;

	for (uint8_t type = 1; type <= 5; type++) {
		craft_dmar(&t, 0);
		craft_drhd(&t, 1, 0, 0xfed90000);
		craft_scope(&t, &good);
		at = craft_scope(&t, &good);
		craft_set(&t, at, type, 1);
		craft_set(&t, at + 1, 0, 1);
		refused(&t, "scope of length 0", at, "the record's length is zero");
		craft_set(&t, at + 1, 5, 1);
		refused(&t, "scope of length 5", at, short_record);
		craft_set(&t, at + 1, 6, 1);
		refused(&t, "scope of length 6", at, "the device scope has no path");
		craft_set(&t, at + 1, 9, 1);
		refused(&t, "scope of length 9", at, "the device scope's path has half a pair");
		craft_set(&t, at + 1, 11, 1);
		refused(&t, "scope of length 11 where 10 are left", at, overrun);
		craft_set(&t, at + 1, 8, 1);
		refused(&t, "scope of length 8 and two bytes more", at + 8,
			"bytes are left over that make no device scope");
	}
	for (uint16_t type = 0; type < 7; type++) {
		if (type == DMAR_RHSA || type == DMAR_ANDD)
			continue;
		craft_dmar(&t, 0);
		at = craft_structure(&t, type);
		craft_put(&t, 0, 8);
		craft_put(&t, 0, 8);
		craft_put(&t, 0, 4);
		craft_set(&t, at + 2, type == DMAR_RMRR ? 24 : type == DMAR_DRHD ? 16 : 8, 2);
		t.n = at + (type == DMAR_RMRR ? 24 : type == DMAR_DRHD ? 16 : 8);
		at = craft_scope(&t, &good);
		craft_set(&t, at + 1, 7, 1);
		refused(&t, "bad scope in each structure that has scopes", at,
			"the device scope's path has half a pair");
	}
}

static void tolerated(void)
{
	struct craft t;
	struct dmar d;

	craft_dmar(&t, 0);
	craft_seal(&t);
	ok(dmar_open(t.bytes, t.n, &d) == OK, "a table without structures has the right form");
	craft_drhd(&t, 1, 0, 0xfed90000);
	craft_scope(&t, &(struct craft_scope){ .type = 9, .path_n = 0 });
	craft_put(&t, 0x08, 1);
	craft_put(&t, 7, 1); /* a reserved scope type with an odd length */
	craft_put(&t, 0, 5);
	craft_seal(&t);
	ok(dmar_open(t.bytes, t.n, &d) == OK, "reserved scope types are skipped by their length");
}

static void mutants(void)
{
	struct acpi_error error;

	ok(walk_dmar(golden, sizeof golden, &error) == OK, "the golden table is consistent");
	is_u64(walk_mutants(golden, sizeof golden, walk_dmar), 2 * (sizeof golden + 1) + 512 * sizeof golden,
	       "no truncation and no changed byte does harm");
}

int main(void)
{
	golden_table();
	units();
	broken_structures();
	broken_names();
	broken_scopes();
	tolerated();
	mutants();
	return done();
}
