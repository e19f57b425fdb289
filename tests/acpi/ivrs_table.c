/*
 * The machine's own IVRS against chapter 5 of the AMD IOMMU specification: what firmware must have got right.
 *
 * The parser has refused a table whose blocks or entries do not fit; here the values are judged.
 */
#include "drivers-iommu/acpi/ivrs.h"
#include "drivers-iommu/amdvi/unit.h"
#include "tests/test.h"

static const uint8_t *raw_table(struct test *t, size_t *bytes)
{
	const uint8_t *p = t->bench->machine->ops->acpi_table(t->bench->machine, "IVRS", bytes);

	if (!p)
		give_up(t, "the machine has no IVRS");
	return p;
}

TEST(ivrs_sum, .id = "acpi.ivrs.sum", .checks = "AMD-ACPI-001", .given = "the machine's IVRS",
     .expects = "all bytes add up to 0 modulo 256", .needs = NEED_AMDVI)
{
	size_t bytes;
	const uint8_t *p = raw_table(t, &bytes);
	unsigned sum = 0;

	for (size_t i = 0; i < bytes; i++)
		sum += p[i];
	expect_eq(t, "sum of all bytes, modulo 256", sum % 256, 0);
}

TEST(ivrs_revision, .id = "acpi.ivrs.revision", .checks = "AMD-ACPI-002", .given = "the machine's IVRS",
     .expects = "revision 1 or 2, blocks of type 40h only with 2", .needs = NEED_AMDVI)
{
	const struct ivrs *v = t->bench->ivrs;
	struct ivrs_block b;
	uint32_t pos = 0;

	expect_true(t, v->revision == 1 || v->revision == 2, "revision 1 or 2");
	while (ivrs_next(v, &pos, &b))
		if (b.type == IVHD_40)
			expect_eq(t, "revision of a table with a block of type 40h", v->revision, 2);
}

/* The blocks, and the entries of each, walked once more by their lengths alone. */
TEST(ivrs_lengths, .id = "acpi.ivrs.lengths", .checks = "AMD-ACPI-003 AMD-ACPI-005 AMD-ACPI-008",
     .given = "the machine's IVRS", .expects = "blocks cover the table, entries cover their block", .needs = NEED_AMDVI)
{
	const struct ivrs *v = t->bench->ivrs;
	uint32_t pos = 0, end = IVRS_HEADER_BYTES;
	struct ivrs_block b;

	while (ivrs_next(v, &pos, &b)) {
		uint32_t at = 0, last = b.entries;
		struct ivrs_entry e;

		expect_eq(t, "start of a block", b.offset, end);
		end = b.offset + b.length;
		if (!ivrs_is_ivhd(&b))
			continue;
		expect_eq(t, "header of an IVHD", b.entries - b.offset, b.type == IVHD_10 ? 24 : 40);
		while (ivrs_entry_next(v, &b, &at, &e))
			last = e.offset + e.length;
		expect_eq(t, "end of the last entry", last, end);
	}
	expect_eq(t, "end of the last block", end, v->length);
}

TEST(ivrs_info_reserved, .id = "acpi.ivrs.info_reserved", .checks = "AMD-ACPI-004",
     .given = "IVinfo bits 4:2 and 31:23",
     .expects = "they are 0", .needs = NEED_AMDVI)
{
	expect_eq(t, "the reserved bits", t->bench->ivrs->iv_info & (BITS(4, 2) | BITS(31, 23)), 0);
}

TEST(ivrs_blocks_agree, .id = "acpi.ivrs.blocks_agree", .checks = "AMD-ACPI-007", .given = "several blocks of one unit",
     .expects = "the same base, segment and capability offset", .needs = NEED_AMDVI)
{
	const struct ivrs *v = t->bench->ivrs;
	struct ivrs_block b, first = { .offset = 0 };
	bool have = false;
	uint32_t pos = 0;

	while (ivrs_next(v, &pos, &b)) {
		if (!ivrs_is_ivhd(&b) || b.device_id != t->bench->amdvi->device_id)
			continue;
		if (have) {
			expect_true(t, b.base == first.base, "the same base");
			expect_eq(t, "segment", b.segment, first.segment);
			expect_eq(t, "capability offset", b.capability_offset, first.capability_offset);
		}
		first = b;
		have = true;
	}
}

static bool starts_range(uint8_t code)
{
	return code == IVHD_RANGE_START || code == IVHD_ALIAS_RANGE_START || code == IVHD_EXT_RANGE_START;
}

TEST(ivrs_ranges, .id = "acpi.ivrs.ranges", .checks = "AMD-ACPI-009 AMD-ACPI-010",
     .given = "the ranges of device entries",
     .expects = "each start is followed by an end that is not below it", .needs = NEED_AMDVI)
{
	const struct ivrs *v = t->bench->ivrs;
	struct ivrs_block b;
	uint32_t pos = 0;

	while (ivrs_next(v, &pos, &b)) {
		struct ivrs_entry e;
		uint32_t at = 0;
		int start = -1;

		while (ivrs_is_ivhd(&b) && ivrs_entry_next(v, &b, &at, &e)) {
			if (start >= 0) {
				expect_eq(t, "the entry behind the start of a range", e.code, IVHD_RANGE_END);
				expect_true(t, e.device_id >= start, "the end of a range is not below its start");
			}
			start = starts_range(e.code) ? e.device_id : -1;
		}
		expect_true(t, start < 0, "no range is open at the end of a block");
	}
}

/* What a rule says of one entry. */
static void each_entry(struct test *t)
{
	const struct ivrs *v = t->bench->ivrs;
	struct ivrs_block b;
	uint32_t pos = 0;

	while (ivrs_next(v, &pos, &b)) {
		struct ivrs_entry e;
		uint32_t at = 0;

		while (ivrs_is_ivhd(&b) && ivrs_entry_next(v, &b, &at, &e)) {
			if (t->desc->arg == IVHD_ACPI_HID && e.code == IVHD_ACPI_HID)
				expect_eq(t, "type of the block with an ACPI-HID entry", b.type, IVHD_40);
			if (t->desc->arg == IVHD_SPECIAL && e.code == IVHD_SPECIAL)
				expect_true(t, e.variety == VARIETY_IOAPIC || e.variety == VARIETY_HPET,
					"variety 1 or 2");
		}
	}
}

static void hid_lengths(struct test *t)
{
	const struct ivrs *v = t->bench->ivrs;
	struct ivrs_block b;
	uint32_t pos = 0;
	unsigned n = 0;

	while (ivrs_next(v, &pos, &b)) {
		struct ivrs_entry e;
		uint32_t at = 0;

		while (ivrs_is_ivhd(&b) && ivrs_entry_next(v, &b, &at, &e)) {
			if (e.code != IVHD_ACPI_HID)
				continue;
			n++;
			if (e.uid_format == UID_NONE)
				expect_eq(t, "length of no UID", e.uid_length, 0);
			if (e.uid_format == UID_INTEGER)
				expect_eq(t, "length of an integer UID", e.uid_length, 8);
		}
	}
	if (!n)
		skip(t, "no ACPI-HID entry");
}

/* Every IO-APIC handle at most once; *n: how many there are. */
static void ioapics(struct test *t)
{
	const struct ivrs *v = t->bench->ivrs;
	uint8_t seen[256] = { 0 };
	struct ivrs_block b;
	uint32_t pos = 0;

	while (ivrs_next_unit(v, &pos, &b)) {
		struct ivrs_entry e;
		uint32_t at = 0;

		while (ivrs_entry_next(v, &b, &at, &e))
			if (e.code == IVHD_SPECIAL && e.variety == VARIETY_IOAPIC && seen[e.handle]++)
				fail(t, "one entry for each IO-APIC", "two for one");
	}
}

static void one_owner(struct test *t)
{
	const struct ivrs *v = t->bench->ivrs;
	struct ivrs_block b;
	uint32_t pos = 0;
	unsigned units = 0;

	while (ivrs_next_unit(v, &pos, &b))
		units++;
	if (units < 2)
		skip(t, "one unit");
	for (unsigned i = 0; i < t->bench->bus.devs_n; i++) {
		struct pci_addr a = t->bench->bus.devs[i].addr;
		unsigned owners = 0;

		pos = 0;
		while (ivrs_next_unit(v, &pos, &b)) {
			struct ivrs_entry e;
			uint32_t at = 0;
			bool named = false;

			while (b.segment == a.segment && ivrs_entry_next(v, &b, &at, &e))
				named |= e.code == IVHD_SELECT && e.device_id == a.sid;
			owners += named;
		}
		expect_true(t, owners <= 1, "no device is named by two units");
	}
}

static void ivmd(struct test *t)
{
	const struct ivrs *v = t->bench->ivrs;
	unsigned n = 0, pa = (unsigned)fld_get(IVINFO_PA_SIZE, v->iv_info);
	struct ivrs_block b;
	uint32_t pos = 0;

	while (ivrs_next(v, &pos, &b)) {
		if (!ivrs_is_ivmd(&b))
			continue;
		n++;
		if (t->desc->arg == 17)
			expect_eq(t, "length of an IVMD", b.length, 32);
		if (t->desc->arg == 18)
			expect_eq(t, "flags bits 7:4", b.flags & 0xf0, 0);
		if (t->desc->arg == 19 && pa && pa < 64)
			expect_true(t, b.start + b.bytes <= pow2(pa), "the memory is inside PASize");
	}
	if (!n)
		skip(t, "no IVMD");
}

#define ROW(id_, row_, given_, expects_, body_, arg_) \
	{ .id = "acpi.ivrs." id_, .checks = row_, .given = given_, .expects = expects_, .needs = NEED_AMDVI, \
	  .arg = arg_, \
	  .body = body_ }

TEST_TABLE(ivrs_rows,
	ROW("hid_only_40h", "AMD-ACPI-011", "ACPI-HID entries", "only in blocks of type 40h", each_entry,
		IVHD_ACPI_HID),
	ROW("variety", "AMD-ACPI-015", "special entries", "variety 1 or 2", each_entry, IVHD_SPECIAL),
	ROW("uid_length", "AMD-ACPI-012", "ACPI-HID entries", "a UID length that fits its format", hid_lengths, 0),
	ROW("ioapic_once", "AMD-ACPI-014", "special entries of IO-APICs", "at most one for each", ioapics, 0),
	ROW("one_owner", "AMD-ACPI-016", "several units", "no device is named by two", one_owner, 0),
	ROW("ivmd.length", "AMD-ACPI-017", "IVMD blocks", "32 bytes each", ivmd, 17),
	ROW("ivmd.flags", "AMD-ACPI-018", "IVMD blocks", "flags bits 7:4 are 0", ivmd, 18),
	ROW("ivmd.inside", "AMD-ACPI-019", "IVMD blocks", "memory inside PASize", ivmd, 19));

TEST(ivrs_type10, .id = "acpi.ivrs.type10_features", .checks = "AMD-ACPI-020",
     .given = "feature bits of a block of type 10h",
     .expects = "what EFR says", .needs = NEED_AMDVI)
{
	const struct ivrs *v = t->bench->ivrs;
	uint64_t efr = t->bench->amdvi->caps.efr;
	struct ivrs_block b;
	uint32_t pos = 0;
	bool found = false;

	while (ivrs_next(v, &pos, &b)) {
		if (b.type != IVHD_10 || b.base != t->bench->amdvi->base.v)
			continue;
		found = true;
		expect_eq(t, "XTSup", fld_get(BIT(0), b.features), fld_get(EFR_XT_SUP, efr));
		expect_eq(t, "NXSup", fld_get(BIT(1), b.features), fld_get(EFR_NX_SUP, efr));
		expect_eq(t, "GTSup", fld_get(BIT(2), b.features), fld_get(EFR_GT_SUP, efr));
		expect_eq(t, "GLXSup", fld_get(BITS(4, 3), b.features), fld_get(EFR_GLX_SUP, efr));
		expect_eq(t, "IASup", fld_get(BIT(5), b.features), fld_get(EFR_IA_SUP, efr));
		expect_eq(t, "GASup", fld_get(BIT(6), b.features), fld_get(EFR_GA_SUP, efr));
		expect_eq(t, "HESup", fld_get(BIT(7), b.features), fld_get(EFR_HE_SUP, efr));
		expect_eq(t, "PASMax", fld_get(BITS(12, 8), b.features), fld_get(EFR_PAS_MAX, efr));
		expect_eq(t, "GATS", fld_get(BITS(29, 28), b.features), fld_get(EFR_GATS, efr));
		expect_eq(t, "HATS", fld_get(BITS(31, 30), b.features), fld_get(EFR_HATS, efr));
	}
	if (!found)
		skip(t, "no block of type 10h");
}

TEST(ivrs_iotlb, .id = "acpi.ivrs.iotlb_sup", .checks = "AMD-ACPI-021", .given = "IVHD flag IotlbSup",
     .expects = "Cap.IotlbSup", .needs = NEED_AMDVI)
{
	expect_eq(t, "IotlbSup", fld_get(IVHD_IOTLB_SUP, t->bench->amdvi->flags), t->bench->amdvi->caps.iotlb);
}
