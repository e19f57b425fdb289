/*
 * The IVRS parser: a table worked out by hand, every entry, every kind of broken one, every mutation, the lookups.
 */
#include "drivers-iommu/acpi/ivrs.h"
#include "tests/acpi/craft.h"
#include "tests/host/acpi/walk.h"
#include "tests/host/tap.h"

/* Written down byte by byte from the layout in AMD I/O Virtualization chapter 5.2; only the checksum was computed. */
static const uint8_t golden[] = {
	'I', 'V', 'R', 'S', 0x0b, 1, 0, 0, 2, 0xae, 'o', 'e', 'm', ' ', ' ', ' ',      /* 00h */
	't', 'a', 'b', 'l', 'e', ' ', ' ', ' ', 1, 0, 0, 0, 'c', 'r', 'e', 'a',       /* 10h */
	3, 0, 0, 0, 0x43, 0x30, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0,                      /* 20h */
	/* 30h: IVHD 10h of 00:00.2, segment 3; all but entries of 48h, one of each kind */
	0x10, 0xfe, 80, 0, 2, 0, 0x40, 0, 0, 0, 0xb8, 0xfe, 1, 0, 0, 0, 3, 0, 0x00, 0x13, 0x6e, 0x8f, 0x04, 0x80,
	/* 48h */ 0x01, 0, 0, 0x11, 0x02, 0x08, 0, 0x22, 0x03, 0x10, 0, 0x33, 0x04, 0x20, 0, 0,
	/* 58h */ 0x00, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x42, 0x30, 0, 0x44, 0, 0xa5, 0x01, 0,
	/* 6ch */ 0x46, 0x38, 0, 0x55, 0, 0, 0, 0x80, 0x48, 0, 0, 0xd7, 0x21, 0xa0, 0, 1, 0x05, 0x34, 0x12, 0x66,
	/* 80h: IVHD 11h of the same unit; alias and extended ranges, a reserved entry of 16 bytes */
	0x11, 0x30, 84, 0, 2, 0, 0x40, 0, 0, 0, 0xb8, 0xfe, 1, 0, 0, 0, 3, 0, 0, 0, 0x00, 0x80, 0x04, 0,
	0xfa, 0x4a, 0x25, 0xa2, 0xef, 0x77, 0x65, 0x24, 0x10, 0, 0, 0, 0, 0, 0, 0,
	/* a8h */ 0x43, 0x00, 0xff, 0, 0, 0xa5, 0, 0, 0x04, 0xff, 0xff, 0,
	/* b4h */ 0x47, 0x00, 0x02, 0x07, 0, 0, 0, 0x80, 0x04, 0x01, 0x02, 0,
	/* c0h */ 0x80, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	/* d0h */ 0x02, 0x50, 0, 0x01,
	/* d4h: IVMD of 00:0c.0 */
	0x21, 0x07, 32, 0, 0x60, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0x90, 0x7d, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0,
	/* f4h: IVMD type reserved */
	0x51, 0x08, 23, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
};

static const struct ivrs_entry entries[] = {
	{ .offset = 0x48, .code = 0x01, .length = 4, .setting = 0x11 },
	{ .offset = 0x4c, .code = 0x02, .length = 4, .device_id = 0x08, .setting = 0x22 },
	{ .offset = 0x50, .code = 0x03, .length = 4, .device_id = 0x10, .setting = 0x33 },
	{ .offset = 0x54, .code = 0x04, .length = 4, .device_id = 0x20 },
	{ .offset = 0x58, .code = 0x00, .length = 4 },
	{ .offset = 0x5c, .code = 0x40, .length = 8 },
	{ .offset = 0x64, .code = 0x42, .length = 8, .device_id = 0x30, .setting = 0x44, .source_id = 0x1a5 },
	{ .offset = 0x6c, .code = 0x46, .length = 8, .device_id = 0x38, .setting = 0x55, .extended = 0x80000000 },
	{ .offset = 0x74, .code = 0x48, .length = 8, .setting = 0xd7, .source_id = 0xa0, .handle = 0x21, .variety = 1 },
	{ .offset = 0x7c, .code = 0x05, .length = 4, .device_id = 0x1234, .setting = 0x66 },
	{ .offset = 0xa8, .code = 0x43, .length = 8, .device_id = 0xff00, .source_id = 0xa5 },
	{ .offset = 0xb0, .code = 0x04, .length = 4, .device_id = 0xffff },
	{ .offset = 0xb4, .code = 0x47, .length = 8, .device_id = 0x200, .setting = 7, .extended = 0x80000000 },
	{ .offset = 0xbc, .code = 0x04, .length = 4, .device_id = 0x201 },
	{ .offset = 0xc0, .code = 0x80, .length = 16, .device_id = 0x201, .setting = 3 },
	{ .offset = 0xd0, .code = 0x02, .length = 4, .device_id = 0x50, .setting = 1 },
};

static const struct ivrs_block blocks[] = {
	{ .offset = 0x30, .type = 0x10, .flags = 0xfe, .length = 80, .device_id = 2, .segment = 3,
	  .capability_offset = 0x40, .base = 0x1feb80000, .info = 0x1300, .features = 0x80048f6e, .entries = 0x48 },
	{ .offset = 0x80, .type = 0x11, .flags = 0x30, .length = 84, .device_id = 2, .segment = 3,
	  .capability_offset = 0x40, .base = 0x1feb80000, .features = 0x48000, .efr = 0x246577efa2254afa, .efr2 = 0x10,
	  .entries = 0xa8 },
	{ .offset = 0xd4, .type = 0x21, .flags = 7, .length = 32, .device_id = 0x60, .segment = 3, .entries = 0xf4,
	  .start = 0x7d900000, .bytes = 0x100000 },
	{ .offset = 0xf4, .type = 0x51, .flags = 8, .length = 23, .entries = 0x10b },
};

static void golden_entries(const struct ivrs *t, const struct ivrs_block *b)
{
	struct ivrs_entry e;
	uint32_t pos = 0;

	for (unsigned i = 0; i < ARRAY_LEN(entries); i++) {
		const struct ivrs_entry *x = &entries[i];

		if (x->offset < b->offset || x->offset >= b->offset + b->length)
			continue;
		if (!ok(ivrs_entry_next(t, b, &pos, &e), "an entry at 0x%x", x->offset))
			return;
		is_u64(e.offset, x->offset, "its offset");
		is_u64(e.code, x->code, "its code");
		is_u64(e.length, x->length, "its length");
		is_u64(e.device_id, x->device_id, "its device id");
		is_u64(e.setting, x->setting, "its setting");
		is_u64(e.source_id, x->source_id, "its source id");
		is_u64(e.extended, x->extended, "its extended setting");
		is_u64(e.handle, x->handle, "its handle");
		is_u64(e.variety, x->variety, "its variety");
	}
	ok(!ivrs_entry_next(t, b, &pos, &e), "no more entries");
}

static void golden_table(void)
{
	struct ivrs_block b;
	struct ivrs t;
	uint32_t pos = 0;

	if (!ok(ivrs_open(golden, sizeof golden, &t) == OK, "the golden table is taken")) {
		tap_diag("offset 0x%x: %s", t.error.offset, t.error.reason);
		return;
	}
	is_u64(t.length, sizeof golden, "its length");
	is_u64(t.revision, 2, "its revision");
	is_u64(t.iv_info, 0x203043, "its IVinfo");
	for (unsigned i = 0; i < ARRAY_LEN(blocks); i++) {
		const struct ivrs_block *x = &blocks[i];

		if (!ok(ivrs_next(&t, &pos, &b), "a block at 0x%x", x->offset))
			return;
		is_u64(b.offset, x->offset, "its offset");
		is_u64(b.type, x->type, "its type");
		is_u64(b.flags, x->flags, "its flags");
		is_u64(b.length, x->length, "its length");
		is_u64(b.device_id, x->device_id, "its device id");
		is_u64(b.segment, x->segment, "its segment");
		is_u64(b.capability_offset, x->capability_offset, "its capability offset");
		is_u64(b.base, x->base, "its base");
		is_u64(b.info, x->info, "its info");
		is_u64(b.features, x->features, "its features");
		is_u64(b.efr, x->efr, "its EFR image");
		is_u64(b.efr2, x->efr2, "its EFR2 image");
		is_u64(b.entries, x->entries, "its entries");
		is_u64(b.aux, x->aux, "its auxiliary word");
		is_u64(b.start, x->start, "its start");
		is_u64(b.bytes, x->bytes, "its memory length");
		ok(ivrs_block_counts(&t, &b) == (b.type == 0x11 || b.type == 0x21), "whether it counts");
		if (ivrs_is_ivhd(&b))
			golden_entries(&t, &b);
	}
	ok(!ivrs_next(&t, &pos, &b), "nothing behind the last block");
}

static void hid_entry(void)
{
	struct ivrs_block b;
	struct ivrs_entry e;
	struct ivrs t;
	struct craft c;
	uint32_t pos = 0, at = 0;

	craft_ivrs(&c, 0);
	craft_ivhd(&c, 0x40, 0, 0xfeb80000);
	craft_hid(&c, 0xa5, "AMDI0020", UID_STRING, "\\_SB.FUR0");
	craft_hid(&c, 0x60, "PNP0D40\0", UID_NONE, "");
	craft_seal(&c);
	if (!ok(ivrs_open(c.bytes, c.n, &t) == OK && ivrs_next(&t, &pos, &b) && ivrs_entry_next(&t, &b, &at, &e),
		"an ACPI-HID entry"))
		return;
	is_u64(e.device_id, 0xa5, "its device id");
	is_u64(e.length, 31, "its length");
	ok(memcmp(e.hid, "AMDI0020", 8) == 0, "its hardware id");
	is_u64(e.cid[0], 0, "its compatible id");
	is_u64(e.uid_format, UID_STRING, "its UID format");
	is_u64(e.uid_length, 9, "its UID length");
	ok(memcmp(e.uid, "\\_SB.FUR0", 9) == 0, "its UID");
	ok(ivrs_entry_next(&t, &b, &at, &e) && e.device_id == 0x60 && e.length == 22 && !e.uid_length,
	   "one without UID");
	ok(!ivrs_entry_next(&t, &b, &at, &e), "no more");
}

static void refused(struct craft *c, const char *what, uint32_t offset, const char *reason)
{
	struct ivrs t;

	craft_seal(c);
	ok(ivrs_open(c->bytes, c->n, &t) == ERR_MALFORMED, "%s: refused", what);
	is_u64(t.error.offset, offset, "%s: offset", what);
	is_str(t.error.reason, reason, "%s: reason", what);
}

static const char short_record[] = "the record is shorter than its fixed part";
static const char overrun[] = "the record overruns what holds it";

static void broken_blocks(void)
{
	static const uint8_t types[] = { 0x10, 0x11, 0x40, 0x20, 0x21, 0x22, 0x51 };
	static const uint8_t min[] = { 24, 40, 40, 32, 32, 32, 4 };
	struct craft c;
	uint32_t at;

	for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
		craft_ivrs(&c, 0);
		craft_ivmd(&c, 0x20, 0, 0);
		at = craft_ivhd(&c, types[i], 0, 0xfeb80000);
		while (c.n - at < 44)
			craft_put(&c, 0, 1);
		craft_set(&c, at + 2, min[i] - 1u, 2);
		refused(&c, "block one byte short", at, short_record);
		craft_set(&c, at + 2, 0, 2);
		refused(&c, "block of length 0", at, "the record's length is zero");
		craft_set(&c, at + 2, 45, 2);
		refused(&c, "block one byte too long", at, overrun);
		craft_set(&c, at + 2, 0xffff, 2);
		refused(&c, "block of the longest length", at, overrun);
	}
	for (unsigned n = 1; n < 4; n++) {
		craft_ivrs(&c, 0);
		at = craft_ivmd(&c, 0x20, 0, 0) + 32;
		c.record = 0;
		craft_put(&c, 0, n);
		refused(&c, "bytes behind the last block", at, "bytes are left over that make no block");
	}
	craft_ivrs(&c, 0);
	c.n = 47;
	refused(&c, "header cut", 4, "the length field is less than the IVRS header");
}

/* An IVHD with one select entry, then one of a code with n bytes of room. */
static uint32_t with_entry(struct craft *c, uint8_t code, unsigned n)
{
	uint32_t at;

	craft_ivrs(c, 0);
	craft_ivhd(c, 0x40, 0, 0xfeb80000);
	craft_entry4(c, IVHD_SELECT, 8, 0);
	at = c->n;
	craft_put(c, code, 1);
	for (unsigned i = 1; i < n; i++)
		craft_put(c, 0, 1);
	return at;
}

static void broken_entries(void)
{
	static const struct { uint8_t code; unsigned bytes; } sizes[] = {
		{ 0x00, 4 }, { 0x02, 4 }, { 0x3f, 4 }, { 0x40, 8 }, { 0x42, 8 }, { 0x48, 8 }, { 0x7f, 8 }, { 0x80, 16 },
		{ 0xbf, 16 }, { 0xc0, 32 }, { 0xef, 32 }, { 0xf0, 22 },
	};
	struct craft c;
	struct ivrs t;
	uint32_t at;

	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		for (unsigned n = 1; n < sizes[i].bytes; n++) {
			at = with_entry(&c, sizes[i].code, n);
			refused(&c, "entry that overruns its block", at, overrun);
		}
		with_entry(&c, sizes[i].code, sizes[i].bytes);
		craft_seal(&c);
		ok(ivrs_open(c.bytes, c.n, &t) == OK, "entry 0x%02x of %u bytes is taken",
		   sizes[i].code, sizes[i].bytes);
	}
	for (unsigned code = 0xf1; code < 0x100; code++) {
		at = with_entry(&c, (uint8_t)code, 64);
		refused(&c, "entry without known length", at, "the device entry's type has no known length");
	}
	craft_ivrs(&c, 0);
	craft_ivhd(&c, 0x40, 0, 0xfeb80000);
	at = craft_hid(&c, 0x60, "PNP0D40\0", UID_STRING, "ab");
	craft_set(&c, at + 21, 3, 1);
	refused(&c, "UID that overruns its block", at, overrun);
}

static void broken_ranges(void)
{
	static const uint8_t starts[] = { 0x03, 0x43, 0x47 };
	struct craft c;
	uint32_t at;

	for (unsigned i = 0; i < ARRAY_LEN(starts); i++) {
		craft_ivrs(&c, 0);
		craft_ivhd(&c, 0x11, 0, 0xfeb80000);
		at = starts[i] < 0x40 ? craft_entry4(&c, starts[i], 8, 0) : craft_entry8(&c, starts[i], 8, 0, 0);
		refused(&c, "range without end, at the block's end", at, "the range has no end entry");
		craft_entry4(&c, IVHD_PAD4, 0, 0);
		craft_entry4(&c, IVHD_SELECT, 9, 0);
		refused(&c, "range without end, another entry follows", at, "the range has no end entry");
		c.n -= 4;
		at = craft_entry4(&c, IVHD_RANGE_END, 7, 0);
		refused(&c, "range that ends below its start", at, "the range ends below its start");
		craft_set(&c, at + 1, 8, 2);
		at = craft_entry4(&c, IVHD_RANGE_END, 9, 0);
		refused(&c, "end without start", at, "the range end has no start entry");
	}
	/* A range does not go on in the next block. */
	craft_ivrs(&c, 0);
	craft_ivhd(&c, 0x11, 0, 0xfeb80000);
	at = craft_entry4(&c, IVHD_RANGE_START, 8, 0);
	craft_ivhd(&c, 0x40, 0, 0xfeb80000);
	craft_entry4(&c, IVHD_RANGE_END, 9, 0);
	refused(&c, "range over two blocks", at, "the range has no end entry");
}

/* ---- lookups ---- */

static void device(const struct ivrs *t, struct pci_addr a, uint64_t base, uint16_t alias, uint8_t setting)
{
	struct ivrs_device d;
	enum status s = ivrs_device_of(t, a, &d);

	if (!base) {
		ok(s == ERR_NOT_FOUND, "%04x in segment %u: nobody's", a.sid, a.segment);
		return;
	}
	if (!ok(s == OK, "%04x in segment %u: somebody's", a.sid, a.segment))
		return;
	is_u64(d.unit.base, base, "its unit");
	is_u64(d.alias, alias, "its alias");
	is_u64(d.setting, setting, "its setting");
	ok(d.ats_disabled == (a.sid == 0x300), "whether ATS is disabled");
}

static void lookups(void)
{
	struct ivrs_block b;
	struct ivrs_entry e;
	struct craft c;
	struct ivrs t;
	uint32_t pos = 0;

	craft_ivrs(&c, 0);
	craft_ivhd(&c, 0x10, 0, 0x1000);
	craft_entry4(&c, IVHD_DEV_ALL, 0, 0xff);
	craft_ivhd(&c, 0x11, 0, 0x2000);
	craft_entry4(&c, IVHD_RANGE_START, 8, 0);
	craft_entry4(&c, IVHD_PAD4, 0, 0);
	craft_entry4(&c, IVHD_RANGE_END, 0xfffe, 0);
	craft_entry8(&c, IVHD_ALIAS_RANGE_START, 0xff00, 0, CRAFT_ALIAS(0xa5));
	craft_entry4(&c, IVHD_RANGE_END, 0xffff, 0);
	craft_entry8(&c, IVHD_SPECIAL, 0, 0xd7, CRAFT_SPECIAL(33, 0xa0, 1));
	craft_entry8(&c, IVHD_SPECIAL, 0, 0, CRAFT_SPECIAL(0, 0xa0, 2));
	craft_entry8(&c, IVHD_EXT_SELECT, 0x300, 1, 0x80000000);
	craft_entry8(&c, IVHD_ALIAS_SELECT, 0x400, 2, CRAFT_ALIAS(0x500));
	craft_ivhd(&c, 0x10, 1, 0x3000);
	craft_entry4(&c, IVHD_SELECT, 0x60, 0x40);
	craft_seal(&c);
	if (!ok(ivrs_open(c.bytes, c.n, &t) == OK, "a table with two units"))
		return;
	ok(ivrs_next_unit(&t, &pos, &b) && b.type == 0x11 && b.base == 0x2000, "the newest type of the first");
	ok(ivrs_next_unit(&t, &pos, &b) && b.type == 0x10 && b.base == 0x3000, "the only type of the second");
	ok(!ivrs_next_unit(&t, &pos, &b), "no third");
	device(&t, (struct pci_addr){ 0, 7 }, 0, 0, 0);
	device(&t, (struct pci_addr){ 0, 8 }, 0x2000, 8, 0);
	device(&t, (struct pci_addr){ 0, 0xfeff }, 0x2000, 0xfeff, 0);
	device(&t, (struct pci_addr){ 0, 0xff00 }, 0x2000, 0xa5, 0);
	device(&t, (struct pci_addr){ 0, 0xffff }, 0x2000, 0xa5, 0);
	device(&t, (struct pci_addr){ 0, 0xa0 }, 0x2000, 0xa0, 0xd7);
	device(&t, (struct pci_addr){ 0, 0x300 }, 0x2000, 0x300, 1);
	device(&t, (struct pci_addr){ 0, 0x400 }, 0x2000, 0x500, 2);
	device(&t, (struct pci_addr){ 1, 0x60 }, 0x3000, 0x60, 0x40);
	device(&t, (struct pci_addr){ 1, 0x61 }, 0, 0, 0);
	device(&t, (struct pci_addr){ 2, 0x60 }, 0, 0, 0);
	ok(ivrs_special(&t, VARIETY_IOAPIC, 33, &b, &e) == OK && e.source_id == 0xa0 && e.setting == 0xd7 &&
	   b.base == 0x2000, "an IOAPIC by its id");
	ok(ivrs_special(&t, VARIETY_HPET, 0, &b, &e) == OK && e.setting == 0, "an HPET by its number");
	ok(ivrs_special(&t, VARIETY_IOAPIC, 0, &b, &e) == ERR_NOT_FOUND, "an HPET is no IOAPIC");
	ok(ivrs_special(&t, VARIETY_IOAPIC, 34, &b, &e) == ERR_NOT_FOUND, "an id that nobody has");
}

static unsigned memories(const struct ivrs *t, uint16_t segment, uint16_t sid)
{
	struct ivrs_block b;
	uint32_t pos = 0;
	unsigned n = 0;

	while (ivrs_memory_of(t, (struct pci_addr){ segment, sid }, &pos, &b))
		n++;
	return n;
}

static void memory(void)
{
	struct craft c;
	struct ivrs t;

	craft_ivrs(&c, 0);
	craft_ivmd(&c, IVMD_ALL, 0, 0);
	craft_ivmd(&c, IVMD_ONE, 0x60, 0);
	craft_ivmd(&c, IVMD_RANGE, 0x58, 0x60);
	craft_seal(&c);
	if (!ok(ivrs_open(c.bytes, c.n, &t) == OK, "a table of memory blocks"))
		return;
	is_u64(memories(&t, 0, 0x57), 1, "below the range");
	is_u64(memories(&t, 0, 0x58), 2, "first of the range");
	is_u64(memories(&t, 0, 0x60), 3, "last of the range, and named");
	is_u64(memories(&t, 0, 0x61), 1, "above the range");
	is_u64(memories(&t, 1, 0x60), 0, "another segment");
}

static void mutants(void)
{
	struct acpi_error error;

	ok(walk_ivrs(golden, sizeof golden, &error) == OK, "the golden table is consistent");
	is_u64(walk_mutants(golden, sizeof golden, walk_ivrs), 2 * (sizeof golden + 1) + 512 * sizeof golden,
	       "no truncation and no changed byte does harm");
}

int main(void)
{
	golden_table();
	hid_entry();
	broken_blocks();
	broken_entries();
	broken_ranges();
	lookups();
	memory();
	mutants();
	return done();
}
