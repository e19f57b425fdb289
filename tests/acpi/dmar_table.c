/*
 * The machine's own DMAR against VT-d chapter 8: what firmware must have got right.
 */
#include "drivers-iommu/acpi/dmar.h"
#include "drivers-iommu/acpi/scope.h"
#include "drivers-iommu/vtd/unit.h"
#include "tests/test.h"

#define FAULT_RECORD_BYTES  16u
#define IOTLB_GROUP_BYTES   16u /* IVA and IOTLB */

/* The raw table; ends the test where there is none, which NEED_VTD rules out. */
static const uint8_t *raw_table(struct test *t, size_t *bytes)
{
	const uint8_t *p = t->bench->machine->ops->acpi_table(t->bench->machine, "DMAR", bytes);

	if (!p)
		give_up(t, "the machine has no DMAR");
	return p;
}

static uint64_t raw(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = n; i; i--)
		v = v * 256 + p[i - 1];
	return v;
}

TEST(dmar_header,
     .id = "acpi.dmar.header",
     .checks = "VTD-ACPI-001",
     .given = "the machine's DMAR",
     .expects = "signature, length and checksum are right",
     .needs = NEED_VTD)
{
	size_t bytes;
	const uint8_t *p = raw_table(t, &bytes);
	unsigned sum = 0;

	for (size_t i = 0; i < bytes; i++)
		sum += p[i];
	expect_true(t, p[0] == 'D' && p[1] == 'M' && p[2] == 'A' && p[3] == 'R', "the signature is DMAR");
	expect_true(t, bytes >= DMAR_HEADER_BYTES, "the length covers the header");
	expect_eq(t, "length field", raw(p + 4, 4), bytes);
	expect_eq(t, "sum of all bytes, modulo 256", sum % 256, 0);
}

TEST(dmar_host_width,
     .id = "acpi.dmar.host_width",
     .checks = "VTD-ACPI-002",
     .given = "the machine's DMAR",
     .expects = "a host address width of 32 to 52 bits, or 57",
     .needs = NEED_VTD)
{
	unsigned bits = t->bench->dmar->host_address_width + 1u;

	note(t, "%u bits", bits);
	expect_true(t, (bits >= 32 && bits <= 52) || bits == 57, "host address width in range");
}

/* Opens a unit's registers: the window that is open already, or one more. */
static bool registers_of(struct test *t, const struct dmar_unit *unit, mmio_t *out)
{
	struct bench *b = t->bench;

	if (b->vtd && b->vtd->base.v == unit->base.v) {
		*out = b->vtd->regs;
		return true;
	}
	return b->machine->ops->mmio_map(b->machine, unit->base, unit->len_bytes, out) == OK;
}

TEST(dmar_intr_remap,
     .id = "acpi.dmar.intr_remap",
     .checks = "VTD-ACPI-003",
     .given = "the machine's DMAR with INTR_REMAP set",
     .expects = "every unit has ECAP.IR",
     .needs = NEED_VTD)
{
	struct dmar_structure s;
	uint32_t pos = 0;

	if (!(t->bench->dmar->flags & DMAR_INTR_REMAP))
		skip(t, "DMAR.INTR_REMAP = 0");
	while (dmar_next_of(t->bench->dmar, DMAR_DRHD, &pos, &s)) {
		struct dmar_unit unit = dmar_unit(&s);
		mmio_t regs;

		note(t, "unit at 0x%llx", (unsigned long long)unit.base.v);
		if (registers_of(t, &unit, &regs))
			expect_true(t, mmio_rd(&regs, VTD_ECAP) & ECAP_IR, "the unit has ECAP.IR");
		else
			fail(t, "registers where the DRHD says", "nothing answers");
	}
}

TEST(dmar_lengths,
     .id = "acpi.dmar.lengths",
     .checks = "VTD-ACPI-005",
     .given = "the machine's DMAR, its structures walked by their raw lengths",
     .expects = "the lengths add up to the table's",
     .needs = NEED_VTD)
{
	size_t bytes, at = DMAR_HEADER_BYTES;
	const uint8_t *p = raw_table(t, &bytes);

	while (at + 4 <= bytes) {
		uint64_t length = raw(p + at + 2, 2);

		if (length < 4) {
			fail(t, "a structure length of 4 or more", "%u", (unsigned)length);
			return;
		}
		at += length;
	}
	expect_eq(t, "end of the last structure", at, bytes);
}

TEST(dmar_type_order,
     .id = "acpi.dmar.type_order",
     .checks = "VTD-ACPI-009",
     .given = "the machine's DMAR",
     .expects = "structure types never go down",
     .needs = NEED_VTD)
{
	struct dmar_structure s;
	unsigned last = 0;
	uint32_t pos = 0;

	while (dmar_next(t->bench->dmar, &pos, &s)) {
		if (s.type < last)
			fail(t, "ascending types", "type %u behind type %u", s.type, last);
		last = s.type;
	}
}

TEST(dmar_base,
     .id = "acpi.dmar.base",
     .checks = "VTD-ACPI-010",
     .given = "each DRHD of the machine",
     .expects = "a register base that is aligned to 4 KiB and not zero",
     .needs = NEED_VTD)
{
	struct dmar_structure s;
	uint32_t pos = 0;

	while (dmar_next_of(t->bench->dmar, DMAR_DRHD, &pos, &s)) {
		expect_true(t, s.base != 0, "the base is not zero");
		expect_true(t, is_aligned(s.base, PAGE_BYTES), "the base is aligned to 4 KiB");
	}
}

TEST(dmar_size,
     .id = "acpi.dmar.size",
     .checks = "VTD-ACPI-011",
     .given = "each DRHD of the machine whose size field is not zero",
     .expects = "fault records and IOTLB registers lie inside the window",
     .needs = NEED_VTD)
{
	struct dmar_structure s;
	uint32_t pos = 0;
	unsigned sized = 0;

	while (dmar_next_of(t->bench->dmar, DMAR_DRHD, &pos, &s)) {
		struct dmar_unit unit = dmar_unit(&s);
		struct vtd_caps caps;
		mmio_t regs;

		if (!fld_get(DRHD_SIZE_N, s.size))
			continue;
		sized++;
		if (!registers_of(t, &unit, &regs)) {
			fail(t, "registers where the DRHD says", "nothing answers");
			continue;
		}
		caps = vtd_caps_decode(mmio_rd(&regs, VTD_VER), mmio_rd(&regs, VTD_CAP), mmio_rd(&regs, VTD_ECAP));
		expect_true(t, caps.fro_bytes + caps.fault_records_n * FAULT_RECORD_BYTES <= unit.len_bytes,
			    "the fault records are inside the window");
		expect_true(t, caps.iro_bytes + IOTLB_GROUP_BYTES <= unit.len_bytes,
			    "the IOTLB registers are inside the window");
	}
	if (!sized)
		skip(t, "DRHD.Size = 0");
}

TEST(dmar_include_all,
     .id = "acpi.dmar.include_all",
     .checks = "VTD-ACPI-012",
     .given = "the DRHDs of each segment",
     .expects = "at most one has INCLUDE_PCI_ALL, and it is the last of the segment",
     .needs = NEED_VTD)
{
	struct dmar_structure s, later;
	uint32_t pos = 0;

	while (dmar_next_of(t->bench->dmar, DMAR_DRHD, &pos, &s)) {
		uint32_t behind = pos;

		if (!(s.flags & DRHD_INCLUDE_PCI_ALL))
			continue;
		while (dmar_next_of(t->bench->dmar, DMAR_DRHD, &behind, &later))
			if (later.segment == s.segment)
				fail(t, "INCLUDE_PCI_ALL in the last DRHD of a segment", "another DRHD follows%s",
				     later.flags & DRHD_INCLUDE_PCI_ALL ? " with INCLUDE_PCI_ALL" : "");
	}
}

TEST(dmar_single_pair,
     .id = "acpi.dmar.single_pair",
     .checks = "VTD-ACPI-014",
     .given = "each scope of the machine's DRHDs whose path is one pair",
     .expects = "it resolves to start bus, device and function",
     .needs = NEED_VTD)
{
	struct dmar_structure s;
	struct dmar_scope scope;
	uint32_t pos = 0;
	unsigned n = 0;

	while (dmar_next_of(t->bench->dmar, DMAR_DRHD, &pos, &s)) {
		uint32_t at = 0;

		while (dmar_scope_next(t->bench->dmar, &s, &at, &scope)) {
			struct pci_addr a = { 0 };

			if (scope.path_n != 1)
				continue;
			n++;
			expect_true(t, scope_resolve(&t->bench->bus, s.segment, &scope, &a) == OK, "the path resolves");
			expect_eq(t, "requester id", a.sid,
				  SID(scope.start_bus, dmar_path_dev(&scope, 0), dmar_path_fn(&scope, 0)));
			expect_eq(t, "segment", a.segment, s.segment);
		}
	}
	if (!n)
		skip(t, "no scope of a DRHD has one pair");
}

TEST(dmar_rmrr,
     .id = "acpi.dmar.rmrr",
     .checks = "VTD-ACPI-021",
     .given = "each RMRR of the machine",
     .expects = "base and limit + 1 are aligned to 4 KiB, and the limit is above the base",
     .needs = NEED_VTD)
{
	struct dmar_structure s;
	uint32_t pos = 0;
	unsigned n = 0;

	while (dmar_next_of(t->bench->dmar, DMAR_RMRR, &pos, &s)) {
		n++;
		note(t, "RMRR 0x%llx to 0x%llx", (unsigned long long)s.base, (unsigned long long)s.limit);
		expect_true(t, is_aligned(s.base, PAGE_BYTES), "the base is aligned to 4 KiB");
		expect_true(t, is_aligned(s.limit + 1, PAGE_BYTES), "the limit is the last byte of a page");
		expect_true(t, s.limit > s.base, "the limit is above the base");
	}
	if (!n)
		skip(t, "the DMAR has no RMRR");
}

TEST(dmar_rhsa,
     .id = "acpi.dmar.rhsa",
     .checks = "VTD-ACPI-026",
     .given = "each RHSA of the machine",
     .expects = "a DRHD has the same register base",
     .needs = NEED_VTD)
{
	struct dmar_structure s, drhd;
	uint32_t pos = 0;
	unsigned n = 0;

	while (dmar_next_of(t->bench->dmar, DMAR_RHSA, &pos, &s)) {
		bool matched = false;
		uint32_t at = 0;

		n++;
		while (dmar_next_of(t->bench->dmar, DMAR_DRHD, &at, &drhd))
			matched |= drhd.base == s.base;
		expect_true(t, matched, "a DRHD has the RHSA's register base");
	}
	if (!n)
		skip(t, "the DMAR has no RHSA");
}
