/*
 * A look at the AMD-Vi units and the IVRS as firmware left them: nothing is written. Also in check-only runs.
 */
#include "drivers-iommu/acpi/ivrs.h"
#include "drivers-iommu/amdvi/regs.h"
#include "drivers-iommu/amdvi/unit.h"
#include "drivers-pci/regs.h"
#include "kernel/memory_map.h"
#include "tests/survey/survey.h"

TEST(survey_amdvi_state, .id = "survey.amdvi.state", .given = "what firmware left on in each unit",
     .expects = "its tables lie in memory that nobody else may use", .needs = NEED_AMDVI)
{
	unsigned n;
	struct amdvi_unit *units = bench_amdvi_units(t->bench, &n);

	for (unsigned i = 0; i < n; i++) {
		uint64_t ctl = units[i].found.ctl, devtab = units[i].found.devtab[0] & DEVTAB_BASE;

		survey_tell(t, "AMD-Vi unit at 0x%llx was left %s, command buffer %s, event log %s",
			 (unsigned long long)units[i].base.v, ctl & CTL_IOMMU_EN ? "on" : "off",
			 ctl & CTL_CMD_BUF_EN ? "on" : "off", ctl & CTL_EVENT_LOG_EN ? "on" : "off");
		if ((ctl & CTL_IOMMU_EN) && memory_map_says(PA(devtab), PAGE_BYTES) != MEMORY_NO_MAP)
			expect_true(t, memory_map_says(PA(devtab), PAGE_BYTES) == MEMORY_RESERVED,
				    "the device table lies in reserved memory");
	}
}

TEST(survey_amdvi_capabilities, .id = "survey.amdvi.capabilities", .given = "the extended features of each unit",
     .expects = "no feature without those that it needs", .needs = NEED_AMDVI)
{
	unsigned n;
	struct amdvi_unit *units = bench_amdvi_units(t->bench, &n);

	for (unsigned i = 0; i < n; i++) {
		const struct amdvi_caps *c = &units[i].caps;

		note(t, "unit %u at 0x%llx", i, (unsigned long long)units[i].base.v);
		expect_true(t, c->efr || !c->xt, "XT comes with an extended feature register");
		expect_true(t, c->levels_max <= 6, "host tables of at most 6 levels");
	}
}

TEST(survey_ivrs_windows, .id = "survey.ivrs.windows", .given = "the register window of each unit",
     .expects = "it is no RAM and overlaps no other", .needs = NEED_AMDVI)
{
	unsigned n;
	struct amdvi_unit *units = bench_amdvi_units(t->bench, &n);

	for (unsigned i = 0; i < n; i++) {
		expect_true(t, memory_map_says(units[i].base, AMDVI_REGION_BYTES) != MEMORY_RAM, "registers are no RAM");
		for (unsigned k = 0; k < i; k++)
			expect_true(t, units[k].base.v + AMDVI_REGION_BYTES <= units[i].base.v ||
				    units[i].base.v + AMDVI_REGION_BYTES <= units[k].base.v, "windows do not overlap");
	}
}

TEST(survey_ivrs_memory, .id = "survey.ivrs.ivmd_reserved", .given = "each IVMD, and the memory map",
     .expects = "the memory is reserved", .needs = NEED_AMDVI)
{
	struct ivrs_block m;
	unsigned seen = 0;
	uint32_t pos = 0;

	if (t->bench->machine->name[0])
		skip_unreached(t, "a model machine has no memory map of its own");
	while (ivrs_next(t->bench->ivrs, &pos, &m)) {
		if (!ivrs_is_ivmd(&m) || !m.bytes || memory_map_says(PA(m.start), m.bytes) == MEMORY_NO_MAP)
			continue;
		seen++;
		note(t, "IVMD from 0x%llx, 0x%llx bytes", (unsigned long long)m.start, (unsigned long long)m.bytes);
		expect_true(t, memory_map_says(PA(m.start), m.bytes) == MEMORY_RESERVED, "the memory of an IVMD is reserved");
	}
	if (!seen)
		skip_unreached(t, "no IVMD, or no memory map");
}

TEST(survey_ivrs_coverage, .id = "survey.ivrs.coverage", .given = "every function that can be a requester",
     .expects = "a unit serves it", .needs = NEED_AMDVI)
{
	struct bench *b = t->bench;

	for (unsigned i = 0; i < b->bus.devs_n; i++) {
		const struct pci_dev *d = &b->bus.devs[i];
		unsigned class = (unsigned)fld_get(BITS(23, 8), d->class_code);
		struct ivrs_device at;

		if (d->header_type != 0 || class == CLASS_HOST_BRIDGE || class == AMDVI_CLASS)
			continue;
		if (ivrs_device_of(b->ivrs, d->addr, &at) != OK)
			fail(t, "a unit for every function", PCI_FMT " (class %06x) belongs to no unit", PCI_ARGS(d->addr),
			     d->class_code);
	}
}
