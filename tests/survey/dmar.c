/*
 * The DMAR against the rest of the machine: memory map, functions, registers. Its form is judged in tests/acpi.
 */
#include "drivers-iommu/acpi/scope.h"
#include "drivers-iommu/vtd/handover.h"
#include "drivers-iommu/vtd/regs.h"
#include "drivers-pci/regs.h"
#include "kernel/memory_map.h"
#include "tests/survey/survey.h"

TEST(survey_dmar_windows, .id = "survey.dmar.windows", .given = "the register window of each DRHD",
     .expects = "it is no RAM, overlaps no other, and a unit answers there", .needs = NEED_VTD)
{
	struct dmar_structure s, other;
	unsigned answering, listed = 0;
	uint32_t pos = 0;

	(void)bench_vtd_units(t->bench, &answering);
	while (dmar_next_of(t->bench->dmar, DMAR_DRHD, &pos, &s)) {
		struct dmar_unit u = dmar_unit(&s);
		uint32_t later = pos;

		listed++;
		note(t, "DRHD at 0x%llx", (unsigned long long)u.base.v);
		expect_true(t, memory_map_says(u.base, u.len_bytes) != MEMORY_RAM, "registers are no RAM");
		while (dmar_next_of(t->bench->dmar, DMAR_DRHD, &later, &other)) {
			struct dmar_unit v = dmar_unit(&other);

			expect_true(t, u.base.v + u.len_bytes <= v.base.v || v.base.v + v.len_bytes <= u.base.v,
				    "windows do not overlap");
		}
	}
	expect_eq(t, "units that answer", answering, min_u64(listed, 16));
}

TEST(survey_dmar_rmrr, .id = "survey.dmar.rmrr_reserved", .given = "each RMRR, and the memory map",
     .expects = "the memory is reserved", .needs = NEED_VTD)
{
	struct dmar_structure s;
	unsigned seen = 0;
	uint32_t pos = 0;

	if (t->bench->machine->name[0])
		skip_unreached(t, "a model machine has no memory map of its own");
	while (dmar_next_of(t->bench->dmar, DMAR_RMRR, &pos, &s)) {
		enum memory_says m = s.limit >= s.base ? memory_map_says(PA(s.base), s.limit - s.base + 1) : MEMORY_NO_MAP;

		if (m == MEMORY_NO_MAP)
			continue;
		seen++;
		note(t, "RMRR from 0x%llx to 0x%llx", (unsigned long long)s.base, (unsigned long long)s.limit);
		expect_true(t, m == MEMORY_RESERVED, "the memory of an RMRR is reserved");
	}
	if (!seen)
		skip_unreached(t, "no RMRR, or no memory map");
}

TEST(survey_dmar_rmrr_scope, .id = "survey.dmar.rmrr_scope", .given = "each device scope of an RMRR",
     .expects = "a function is there", .needs = NEED_VTD)
{
	struct bench *b = t->bench;
	struct dmar_structure s;
	unsigned seen = 0;
	uint32_t pos = 0;

	while (dmar_next_of(b->dmar, DMAR_RMRR, &pos, &s)) {
		struct dmar_scope scope;
		uint32_t at = 0;

		while (dmar_scope_next(b->dmar, &s, &at, &scope)) {
			struct pci_addr a;
			bool found = scope_resolve(&b->bus, s.segment, &scope, &a) == OK && pci_find(&b->bus, a);

			seen++;
			note(t, "RMRR at 0x%llx, scope at offset %u", (unsigned long long)s.base, scope.offset);
			/* A function that is switched off in the set-up may keep its region. */
			if (!found)
				observe(t, "an RMRR names a function that is not there");
		}
	}
	if (!seen)
		skip_unreached(t, "no RMRR");
}

TEST(survey_dmar_coverage, .id = "survey.dmar.coverage", .given = "every function that can be a requester",
     .expects = "a unit serves it", .needs = NEED_VTD)
{
	struct bench *b = t->bench;

	for (unsigned i = 0; i < b->bus.devs_n; i++) {
		const struct pci_dev *d = &b->bus.devs[i];
		struct dmar_unit u;

		if (d->header_type != 0 || fld_get(BITS(23, 8), d->class_code) == CLASS_HOST_BRIDGE)
			continue;
		if (dmar_unit_of(b->dmar, &b->bus, d->addr, &u) != OK)
			fail(t, "a unit for every function", PCI_FMT " (class %06x) belongs to no unit", PCI_ARGS(d->addr),
			     d->class_code);
	}
}

TEST(survey_dmar_protection, .id = "survey.dmar.protection", .given = "the opt-in flag of the DMAR, and the units",
     .expects = "where firmware speaks of protection from DMA, a unit gave it until now", .needs = NEED_VTD)
{
	bool opt_in = t->bench->dmar->flags & DMAR_DMA_CTRL_PLATFORM_OPT_IN, any = false;
	unsigned n;
	struct vtd_unit *units = bench_vtd_units(t->bench, &n);

	for (unsigned i = 0; i < n; i++)
		any |= (units[i].found.gsts & GSTS_TES) || (units[i].found.pmen & PMEN_EPM);
	survey_tell(t, "DMA protection opt-in flag %s; %s at start", opt_in ? "set" : "clear",
		 any ? "a unit protected memory" : "no unit protected memory");
	/* Firmware may have ended it for the system that it starts: told, not judged. */
	if (opt_in && !any)
		observe(t, "the opt-in flag is set, but no unit protects memory");
}

#define MADT_ENTRIES 44u
#define   MADT_IOAPIC   1u

TEST(survey_dmar_ioapics, .id = "survey.dmar.ioapics",
     .given = "INTR_REMAP set, and each IOAPIC that the MADT lists",
     .expects = "a unit remaps its interrupts", .needs = NEED_VTD)
{
	struct bench *b = t->bench;
	size_t bytes, at = MADT_ENTRIES;
	const uint8_t *madt = b->machine->ops->acpi_table(b->machine, "APIC", &bytes);
	struct dmar_source s;

	if (!(b->dmar->flags & DMAR_INTR_REMAP))
		skip(t, "INTR_REMAP is clear");
	if (!madt)
		skip_unreached(t, "no MADT");
	for (; at + 2 <= bytes && madt[at + 1] >= 2 && madt[at + 1] <= bytes - at; at += madt[at + 1]) {
		if (madt[at] != MADT_IOAPIC || madt[at + 1] < 12)
			continue;
		note(t, "IOAPIC %u", madt[at + 2]);
		expect_true(t, dmar_ioapic(b->dmar, &b->bus, madt[at + 2], 0, &s) == OK, "a unit names the IOAPIC");
	}
}
