/*
 * The DMAR parser and the scope resolution against VT-d chapter 8, on tables made here and on a small machine that
 * exists only as a list of functions.
 */
#include "drivers-iommu/acpi/scope.h"
#include "tests/acpi/craft.h"
#include "tests/acpi/small_machine.h"
#include "tests/test.h"

/* What a test of this file works with: in memory of its own, since a kernel stack is small. */
struct bed {
	struct craft craft;
	struct dmar dmar;
	struct small_machine small;
};

static struct bed *bed(struct test *t)
{
	struct bed *b = (void *)page_alloc(t, sizeof(struct bed), 0)->p;

	small_machine_init(&b->small);
	craft_dmar(&b->craft, 0);
	return b;
}

static void scope(struct bed *b, uint8_t type, uint8_t enum_id, uint8_t devfn)
{
	craft_scope(&b->craft, &(struct craft_scope){ .type = type, .enum_id = enum_id, .path_n = 1,
						      .path = { devfn } });
}

static void opened(struct test *t, struct bed *b)
{
	craft_seal(&b->craft);
	if (dmar_open(b->craft.bytes, b->craft.n, &b->dmar) != OK)
		fail(t, "the table is taken", "refused: %s", b->dmar.error.reason);
}

/* The table must be refused with an error at offset. */
static void refused(struct test *t, struct bed *b, uint32_t offset, const char *what)
{
	enum status s;

	craft_seal(&b->craft);
	s = dmar_open(b->craft.bytes, b->craft.n, &b->dmar);
	if (s != ERR_MALFORMED)
		fail(t, what, "the table is taken");
	else
		expect_eq(t, "offset of the error", b->dmar.error.offset, offset);
}

/* The unit of a requester on the small machine is that with the base; 0: none. */
static void expect_unit(struct test *t, struct bed *b, struct pci_addr a, uint64_t base, const char *what)
{
	struct dmar_unit u = { .base = PA(0) };

	if (dmar_unit_of(&b->dmar, &b->small.bus, a, &u) != OK)
		u.base = PA(0);
	expect_eq(t, what, u.base.v, base);
}

TEST(dmar_unknown_type,
     .id = "acpi.dmar.unknown_type",
     .checks = "VTD-ACPI-006",
     .given = "a reserved structure type between two DRHDs",
     .expects = "it is skipped by its length",
     .needs = NEED_VTD)
{
	struct bed *b = bed(t);
	struct dmar_unit units[2];
	unsigned n;

	craft_drhd(&b->craft, 0, 0, 0x1000);
	craft_structure(&b->craft, 0x1234);
	craft_put(&b->craft, 0xff, 3);
	craft_drhd(&b->craft, 0, 0, 0x2000);
	opened(t, b);
	must(t, dmar_units(&b->dmar, units, 2, &n), "two units");
	expect_eq(t, "units", n, 2);
	expect_eq(t, "base behind the reserved structure", units[n ? n - 1 : 0].base.v, 0x2000);
}

TEST(dmar_zero_length,
     .id = "acpi.dmar.zero_length",
     .checks = "VTD-ACPI-007",
     .given = "a structure of length 0, of each type",
     .expects = "the table is refused at its offset",
     .needs = NEED_VTD)
{
	struct bed *b = bed(t);

	for (uint16_t type = 0; type <= DMAR_TYPES; type++) {
		uint32_t at;

		craft_dmar(&b->craft, 0);
		craft_drhd(&b->craft, 1, 0, 0x1000);
		at = craft_structure(&b->craft, type);
		craft_put(&b->craft, 0, 8);
		craft_put(&b->craft, 0, 8);
		craft_put(&b->craft, 0, 8);
		craft_set(&b->craft, at + 2, 0, 2);
		refused(t, b, at, "a structure of length 0 is refused");
	}
}

TEST(dmar_overrun,
     .id = "acpi.dmar.overrun",
     .checks = "VTD-ACPI-008",
     .given = "a last structure one byte longer than the table, or of 65535 bytes",
     .expects = "the table is refused at its offset",
     .needs = NEED_VTD)
{
	static const uint16_t lengths[] = { 17, 0x8000, 0xffff };
	struct bed *b = bed(t);
	uint32_t at;

	craft_drhd(&b->craft, 0, 0, 0x1000);
	at = craft_drhd(&b->craft, 1, 0, 0x2000);
	for (unsigned i = 0; i < ARRAY_LEN(lengths); i++) {
		craft_set(&b->craft, at + 2, lengths[i], 2);
		refused(t, b, at, "a structure that overruns the table is refused");
	}
	craft_set(&b->craft, at + 2, 16, 2);
	opened(t, b);
}

TEST(dmar_explicit_wins,
     .id = "acpi.dmar.explicit_wins",
     .checks = "VTD-ACPI-013",
     .given = "a unit with INCLUDE_PCI_ALL, before and behind one whose scope names 00:02.0",
     .expects = "00:02.0 belongs to the second, its neighbours to the first",
     .needs = NEED_VTD)
{
	struct bed *b = bed(t);

	craft_drhd(&b->craft, 0, 0, 0x1000);
	scope(b, SCOPE_PCI_ENDPOINT, 0, CRAFT_DEVFN(2, 0));
	craft_drhd(&b->craft, 1, 0, 0x2000);
	opened(t, b);
	expect_unit(t, b, (struct pci_addr){ 0, SID(0, 2, 0) }, 0x1000, "unit of the named function");
	expect_unit(t, b, (struct pci_addr){ 0, SID(0, 2, 1) }, 0x2000, "unit of its neighbour");
	expect_unit(t, b, (struct pci_addr){ 1, SID(0, 2, 0) }, 0, "unit of its like in another segment");

	craft_dmar(&b->craft, 0);
	craft_drhd(&b->craft, 1, 0, 0x2000);
	craft_drhd(&b->craft, 0, 0, 0x1000);
	scope(b, SCOPE_PCI_ENDPOINT, 0, CRAFT_DEVFN(2, 0));
	opened(t, b);
	expect_unit(t, b, (struct pci_addr){ 0, SID(0, 2, 0) }, 0x1000, "unit of the named function, named last");
}

TEST(dmar_multi_pair,
     .id = "acpi.dmar.multi_pair",
     .checks = "VTD-ACPI-015",
     .given = "a path of four pairs through three bridges, before and after the first bridge is renumbered",
     .expects = "the secondary bus numbers of the bridges are followed",
     .needs = NEED_VTD)
{
	static const uint8_t path[] = { 0x1c, 0, 0, 0, 1, 0, 0, 0 };
	const struct dmar_scope four = { .type = SCOPE_PCI_ENDPOINT, .path_n = 4, .path = path };
	const struct dmar_scope two = { .type = SCOPE_PCI_ENDPOINT, .path_n = 2, .path = path };
	struct bed *b = bed(t);
	struct pci_addr a = { 0 };

	expect_true(t, scope_resolve(&b->small.bus, 0, &four, &a) == OK, "the path resolves");
	expect_eq(t, "requester id behind three bridges", a.sid, SID(6, 0, 0));
	b->small.devs[SMALL_BRIDGE].bus_secondary = 9;
	expect_true(t, scope_resolve(&b->small.bus, 0, &two, &a) == OK, "the path resolves after renumbering");
	expect_eq(t, "requester id behind the renumbered bridge", a.sid, SID(9, 0, 0));
	expect_true(t, scope_resolve(&b->small.bus, 0, &four, &a) == ERR_NOT_FOUND,
		    "a path through an absent bridge does not");
}

TEST(dmar_sub_hierarchy,
     .id = "acpi.dmar.sub_hierarchy",
     .checks = "VTD-ACPI-016",
     .given = "a unit whose scope of type 2 names a bridge to the buses 4 to 7",
     .expects = "the bridge and all on these buses belong to it, nothing else does",
     .needs = NEED_VTD)
{
	struct bed *b = bed(t);

	craft_drhd(&b->craft, 0, 0, 0x1000);
	scope(b, SCOPE_PCI_BRIDGE, 0, CRAFT_DEVFN(0x1c, 0));
	craft_drhd(&b->craft, 1, 0, 0x2000);
	opened(t, b);
	expect_unit(t, b, (struct pci_addr){ 0, SID(0, 0x1c, 0) }, 0x1000, "unit of the bridge");
	expect_unit(t, b, (struct pci_addr){ 0, SID(4, 1, 0) }, 0x1000, "unit below the bridge");
	expect_unit(t, b, (struct pci_addr){ 0, SID(6, 0, 0) }, 0x1000, "unit three bridges below");
	expect_unit(t, b, (struct pci_addr){ 0, SID(7, 31, 7) }, 0x1000, "unit of the last id of the last bus");
	expect_unit(t, b, (struct pci_addr){ 0, SID(3, 31, 7) }, 0x2000, "unit of the last id before");
	expect_unit(t, b, (struct pci_addr){ 0, SID(8, 0, 0) }, 0x2000, "unit of the first id behind");
}

TEST(dmar_endpoint_only,
     .id = "acpi.dmar.endpoint_only",
     .checks = "VTD-ACPI-017",
     .given = "a unit whose scopes of type 1 name a function and a bridge",
     .expects = "neither the other functions of the device nor what is below the bridge belong to it",
     .needs = NEED_VTD)
{
	struct bed *b = bed(t);

	craft_drhd(&b->craft, 0, 0, 0x1000);
	scope(b, SCOPE_PCI_ENDPOINT, 0, CRAFT_DEVFN(2, 0));
	scope(b, SCOPE_PCI_ENDPOINT, 0, CRAFT_DEVFN(0x1c, 0));
	opened(t, b);
	expect_unit(t, b, (struct pci_addr){ 0, SID(0, 2, 0) }, 0x1000, "unit of the function");
	for (unsigned fn = 1; fn < 8; fn++)
		expect_unit(t, b, (struct pci_addr){ 0, SID(0, 2, fn) }, 0, "unit of another function of the device");
	expect_unit(t, b, (struct pci_addr){ 0, SID(0, 0x1c, 0) }, 0x1000, "unit of the bridge");
	expect_unit(t, b, (struct pci_addr){ 0, SID(4, 1, 0) }, 0, "unit below the bridge");
}

TEST(dmar_ioapic,
     .id = "acpi.dmar.ioapic",
     .checks = "VTD-ACPI-018",
     .given = "IOAPICs 8 and 9, and an HPET of number 8, in two units",
     .expects = "each IOAPIC is found by its id, with requester id and unit",
     .needs = NEED_VTD)
{
	struct dmar_source s = { .addr = { 0 } };
	struct bed *b = bed(t);

	craft_drhd(&b->craft, 0, 0, 0x1000);
	scope(b, SCOPE_HPET, 8, CRAFT_DEVFN(15, 0));
	scope(b, SCOPE_IOAPIC, 9, CRAFT_DEVFN(30, 7));
	craft_drhd(&b->craft, 1, 0, 0x2000);
	scope(b, SCOPE_IOAPIC, 8, CRAFT_DEVFN(31, 0));
	opened(t, b);
	expect_true(t, dmar_ioapic(&b->dmar, &b->small.bus, 8, 0, &s) == OK, "IOAPIC 8 is found");
	expect_eq(t, "its requester id", s.addr.sid, SID(0, 31, 0));
	expect_eq(t, "its unit", s.unit.base.v, 0x2000);
	expect_true(t, dmar_ioapic(&b->dmar, &b->small.bus, 9, 0, &s) == OK, "IOAPIC 9 is found");
	expect_eq(t, "its requester id", s.addr.sid, SID(0, 30, 7));
	expect_true(t, dmar_ioapic(&b->dmar, &b->small.bus, 10, 0, &s) == ERR_NOT_FOUND, "IOAPIC 10 is not");
}

TEST(dmar_hpet,
     .id = "acpi.dmar.hpet",
     .checks = "VTD-ACPI-019",
     .given = "an HPET of number 1 with a scope for each of three timers, and an IOAPIC of id 1",
     .expects = "each timer is found by the HPET's number",
     .needs = NEED_VTD)
{
	struct dmar_source s = { .addr = { 0 } };
	struct bed *b = bed(t);

	craft_drhd(&b->craft, 1, 0, 0x1000);
	scope(b, SCOPE_IOAPIC, 1, CRAFT_DEVFN(31, 0));
	for (unsigned timer = 0; timer < 3; timer++)
		scope(b, SCOPE_HPET, 1, CRAFT_DEVFN(15, timer));
	opened(t, b);
	for (unsigned timer = 0; timer < 3; timer++) {
		expect_true(t, dmar_hpet(&b->dmar, &b->small.bus, 1, timer, &s) == OK, "the timer is found");
		expect_eq(t, "its requester id", s.addr.sid, SID(0, 15, timer));
	}
	expect_true(t, dmar_hpet(&b->dmar, &b->small.bus, 1, 3, &s) == ERR_NOT_FOUND, "a fourth timer is not");
	expect_true(t, dmar_hpet(&b->dmar, &b->small.bus, 0, 0, &s) == ERR_NOT_FOUND, "another number is not");
}

static bool same_text(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return *a == *b;
}

TEST(dmar_andd,
     .id = "acpi.dmar.andd",
     .checks = "VTD-ACPI-020",
     .given = "two name-space devices, and a scope of type 5 that names the second",
     .expects = "its number gives the second's object path, and its requester has the unit",
     .needs = NEED_VTD)
{
	struct bed *b = bed(t);
	const char *name;

	craft_drhd(&b->craft, 0, 0, 0x1000);
	scope(b, SCOPE_ACPI_NAMESPACE, 2, CRAFT_DEVFN(0x15, 1));
	craft_andd(&b->craft, 1, "\\_SB.PCI0.I2C0");
	craft_andd(&b->craft, 2, "\\_SB.PCI0.I2C1");
	opened(t, b);
	name = dmar_andd_name(&b->dmar, 2);
	expect_true(t, name && same_text(name, "\\_SB.PCI0.I2C1"), "number 2 gives the second's path");
	expect_true(t, !dmar_andd_name(&b->dmar, 3), "number 3 gives none");
	expect_unit(t, b, (struct pci_addr){ 0, SID(0, 0x15, 1) }, 0x1000, "unit of the name-space device");
}

/* Structures of a type that speak of a requester; the last scope in *scope. */
static unsigned covering(struct bed *b, enum dmar_type type, struct pci_addr a, struct dmar_scope *last)
{
	struct dmar_query q = { .dmar = &b->dmar, .bus = &b->small.bus, .type = type, .requester = a };
	struct dmar_structure s;
	unsigned n = 0;

	while (dmar_covering(&q, &s, last))
		n++;
	return n;
}

TEST(dmar_atsr,
     .id = "acpi.dmar.atsr",
     .checks = "VTD-ACPI-023",
     .given = "an ATSR that names a root port of segment 0, and one with ALL_PORTS for segment 1",
     .expects = "ATS is allowed below the root port and in all of segment 1, nowhere else",
     .needs = NEED_VTD)
{
	struct dmar_scope last = { 0 };
	struct bed *b = bed(t);

	craft_ports(&b->craft, DMAR_ATSR, 0, 0);
	scope(b, SCOPE_PCI_BRIDGE, 0, CRAFT_DEVFN(0x1c, 0));
	craft_ports(&b->craft, DMAR_ATSR, ATSR_ALL_PORTS, 1);
	opened(t, b);
	expect_eq(t, "ATSRs below the port", covering(b, DMAR_ATSR, (struct pci_addr){ 0, SID(6, 0, 0) }, &last), 1);
	expect_eq(t, "ATSRs elsewhere", covering(b, DMAR_ATSR, (struct pci_addr){ 0, SID(0, 2, 0) }, &last), 0);
	expect_eq(t, "ATSRs in segment 1", covering(b, DMAR_ATSR, (struct pci_addr){ 1, SID(0, 2, 0) }, &last), 1);
}

TEST(dmar_satc,
     .id = "acpi.dmar.satc",
     .checks = "VTD-ACPI-024",
     .given = "a SATC with ATC_REQUIRED and one without, each with a function",
     .expects = "each function has its own flag",
     .needs = NEED_VTD)
{
	struct bed *b = bed(t);
	struct dmar_structure s = { 0 };

	craft_ports(&b->craft, DMAR_SATC, SATC_ATC_REQUIRED, 0);
	scope(b, SCOPE_PCI_ENDPOINT, 0, CRAFT_DEVFN(2, 0));
	craft_ports(&b->craft, DMAR_SATC, 0, 0);
	scope(b, SCOPE_PCI_ENDPOINT, 0, CRAFT_DEVFN(0x1f, 0));
	opened(t, b);
	for (unsigned i = 0; i < 2; i++) {
		struct dmar_query q = { .dmar = &b->dmar, .bus = &b->small.bus, .type = DMAR_SATC,
					.requester = { 0, i ? SID(0, 0x1f, 0) : SID(0, 2, 0) } };

		expect_true(t, dmar_covering(&q, &s, NULL), "the function has a SATC");
		expect_eq(t, "ATC_REQUIRED", s.flags & SATC_ATC_REQUIRED, i ? 0 : SATC_ATC_REQUIRED);
		expect_true(t, !dmar_covering(&q, &s, NULL), "and only one");
	}
}

TEST(dmar_sidp,
     .id = "acpi.dmar.sidp",
     .checks = "VTD-ACPI-025",
     .given = "a SIDP whose scopes have each flag alone, then all",
     .expects = "each scope has its flags",
     .needs = NEED_VTD)
{
	static const uint8_t flags[] = { 0x01, 0x02, 0x04, 0x08, 0x10, 0x1f, 0x00 };
	struct bed *b = bed(t);

	craft_ports(&b->craft, DMAR_SIDP, 0, 0);
	for (unsigned i = 0; i < ARRAY_LEN(flags); i++)
		craft_scope(&b->craft, &(struct craft_scope){ .type = SCOPE_PCI_ENDPOINT, .flags = flags[i],
							      .path_n = 1, .path = { CRAFT_DEVFN(i, 0) } });
	opened(t, b);
	for (unsigned i = 0; i < ARRAY_LEN(flags); i++) {
		struct dmar_scope last = { 0 };

		expect_eq(t, "SIDPs of the function",
			  covering(b, DMAR_SIDP, (struct pci_addr){ 0, SID(0, i, 0) }, &last), 1);
		expect_eq(t, "flags of its scope", last.flags, flags[i]);
	}
}

TEST(dmar_scope_length,
     .id = "acpi.dmar.scope_length",
     .checks = "VTD-ACPI-027",
     .given = "scopes of type 1 to 4 whose length is odd, or below 8",
     .expects = "the table is refused at the scope's offset",
     .needs = NEED_VTD)
{
	static const uint8_t bad[] = { 0, 1, 2, 3, 4, 5, 6, 7, 9, 11 };
	struct bed *b = bed(t);

	for (uint8_t type = SCOPE_PCI_ENDPOINT; type <= SCOPE_HPET; type++) {
		for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
			uint32_t at;

			craft_dmar(&b->craft, 0);
			craft_drhd(&b->craft, 1, 0, 0x1000);
			scope(b, SCOPE_PCI_ENDPOINT, 0, CRAFT_DEVFN(2, 0));
			at = craft_scope(&b->craft, &(struct craft_scope){ .type = type, .path_n = 2 });
			opened(t, b);
			craft_set(&b->craft, at + 1, bad[i], 1);
			refused(t, b, at, "a scope of bad length is refused");
		}
	}
}

TEST(dmar_virtual_function,
     .id = "acpi.dmar.virtual_function",
     .checks = "VTD-ACPI-028",
     .given = "a unit whose scope names a physical function with virtual functions, and one for all others",
     .expects = "the virtual functions belong to the physical function's unit while they are switched on",
     .needs = NEED_VTD)
{
	const struct craft_scope pf = { .type = SCOPE_PCI_ENDPOINT, .path_n = 2,
					.path = { CRAFT_DEVFN(0x1c, 0), CRAFT_DEVFN(1, 0) } };
	struct bed *b = bed(t);

	craft_drhd(&b->craft, 0, 0, 0x1000);
	craft_scope(&b->craft, &pf);
	craft_drhd(&b->craft, 1, 0, 0x2000);
	opened(t, b);
	small_machine_sriov(&b->small, true, 4, 0x78, 2);
	expect_unit(t, b, (struct pci_addr){ 0, SID(4, 0x10, 0) }, 0x1000, "unit of the first virtual function");
	expect_unit(t, b, (struct pci_addr){ 0, SID(4, 0x10, 6) }, 0x1000, "unit of the last virtual function");
	expect_unit(t, b, (struct pci_addr){ 0, SID(4, 0x10, 1) }, 0x2000, "unit of an id between two of them");
	expect_unit(t, b, (struct pci_addr){ 0, SID(4, 0x11, 0) }, 0x2000, "unit of the id behind the last");
	small_machine_sriov(&b->small, false, 4, 0x78, 2);
	expect_unit(t, b, (struct pci_addr){ 0, SID(4, 0x10, 0) }, 0x2000, "unit of the first, switched off");
}
