/*
 * Device scopes on the small machine: two segments, bridges in a chain, a physical function with virtual ones.
 */
#include "drivers-iommu/acpi/scope.h"
#include "tests/acpi/craft.h"
#include "tests/acpi/small_machine.h"
#include "tests/host/tap.h"

static struct small_machine small;

static struct dmar opened(struct craft *c)
{
	struct dmar d;

	craft_seal(c);
	if (dmar_open(c->bytes, c->n, &d) != OK)
		ok(false, "set-up: %s at 0x%x", d.error.reason, d.error.offset);
	return d;
}

static void scope(struct craft *c, uint8_t type, uint8_t start_bus, uint8_t first, int second)
{
	craft_scope(c, &(struct craft_scope){ .type = type, .start_bus = start_bus, .path_n = second < 0 ? 1 : 2,
					      .path = { first, (uint8_t)(second < 0 ? 0 : second) } });
}

/* ---- one scope ---- */

static void resolves(const char *what, const struct dmar_scope *s, enum status expected, uint16_t sid)
{
	struct pci_addr a;
	enum status seen = scope_resolve(&small.bus, 0, s, &a);

	is_u64((uint64_t)-seen, (uint64_t)-expected, "%s: status", what);
	if (seen == OK && expected == OK)
		is_u64(a.sid, sid, "%s: requester id", what);
}

#define PATH(n, ...) .path_n = n, .path = (const uint8_t[]){ __VA_ARGS__ }

static void paths(void)
{
	resolves("one pair", &(struct dmar_scope){ .type = 1, PATH(1, 2, 0) }, OK, SID(0, 2, 0));
	resolves("one pair on a bus that does not exist",
		 &(struct dmar_scope){ .type = 3, .start_bus = 0xf0, PATH(1, 31, 7) }, OK, SID(0xf0, 31, 7));
	resolves("two pairs", &(struct dmar_scope){ .type = 1, PATH(2, 0x1c, 0, 1, 0) }, OK, SID(4, 1, 0));
	resolves("four pairs", &(struct dmar_scope){ .type = 1, PATH(4, 0x1c, 0, 0, 0, 1, 0, 0, 0) }, OK, SID(6, 0, 0));
	resolves("start bus below a bridge", &(struct dmar_scope){ .type = 1, .start_bus = 5, PATH(2, 1, 0, 0, 0) }, OK,
		 SID(6, 0, 0));
	resolves("absent bridge", &(struct dmar_scope){ .type = 1, PATH(2, 0x1b, 0, 1, 0) }, ERR_NOT_FOUND, 0);
	resolves("endpoint for a bridge", &(struct dmar_scope){ .type = 1, PATH(2, 2, 0, 1, 0) }, ERR_NOT_FOUND, 0);
	resolves("bridge without numbers", &(struct dmar_scope){ .type = 1, PATH(2, 0x1d, 0, 0, 0) }, ERR_NOT_FOUND, 0);
	resolves("device 32", &(struct dmar_scope){ .type = 1, PATH(1, 32, 0) }, ERR_MALFORMED, 0);
	resolves("function 8", &(struct dmar_scope){ .type = 1, PATH(1, 2, 8) }, ERR_MALFORMED, 0);
	resolves("no path", &(struct dmar_scope){ .type = 9 }, ERR_MALFORMED, 0);
}

static void renumbering(void)
{
	small.devs[SMALL_BRIDGE].bus_secondary = 9;
	resolves("two pairs after renumbering",
		 &(struct dmar_scope){ .type = 1, PATH(2, 0x1c, 0, 1, 0) }, OK, SID(9, 1, 0));
	small.devs[SMALL_BRIDGE].bus_secondary = 4;
}

static void covers(uint8_t type, struct pci_addr a, bool expected)
{
	const struct dmar_scope s = { .type = type, PATH(1, 0x1c, 0) };

	ok(scope_covers(&small.bus, 0, &s, a) == expected, "type %u at 00:1c.0 %s %04x:%04x", type,
	   expected ? "covers" : "does not cover", a.segment, a.sid);
}

static void coverage(void)
{
	const struct dmar_scope loose = { .type = 2, PATH(1, 0x1d, 0) };

	covers(1, (struct pci_addr){ 0, SID(0, 0x1c, 0) }, true);
	covers(1, (struct pci_addr){ 0, SID(0, 0x1c, 1) }, false);
	covers(1, (struct pci_addr){ 0, SID(4, 0, 0) }, false);
	covers(2, (struct pci_addr){ 0, SID(0, 0x1c, 0) }, true);
	covers(2, (struct pci_addr){ 0, SID(0, 0x1c, 1) }, false);
	covers(2, (struct pci_addr){ 0, SID(3, 31, 7) }, false);
	covers(2, (struct pci_addr){ 0, SID(4, 0, 0) }, true);
	covers(2, (struct pci_addr){ 0, SID(7, 31, 7) }, true);
	covers(2, (struct pci_addr){ 0, SID(8, 0, 0) }, false);
	covers(2, (struct pci_addr){ 1, SID(4, 0, 0) }, false);
	covers(3, (struct pci_addr){ 0, SID(0, 0x1c, 0) }, false);
	covers(4, (struct pci_addr){ 0, SID(0, 0x1c, 0) }, false);
	covers(5, (struct pci_addr){ 0, SID(0, 0x1c, 0) }, true);
	covers(9, (struct pci_addr){ 0, SID(0, 0x1c, 0) }, false);
	ok(!scope_covers(&small.bus, 0, &loose, (struct pci_addr){ 0, SID(0, 2, 0) }),
	   "an unnumbered bridge has nothing below");
}

/* ---- units ---- */

/* Four units: graphics, a far bridge, a near bridge, all others of segment 0. One of segment 1 comes in between. */
static struct dmar machine_table(struct craft *c)
{
	craft_dmar(c, 0);
	craft_drhd(c, 0, 0, 0x1000);
	scope(c, SCOPE_PCI_ENDPOINT, 0, CRAFT_DEVFN(2, 0), -1);
	craft_drhd(c, 1, 1, 0x2000);
	craft_drhd(c, 0, 0, 0x3000);
	scope(c, SCOPE_PCI_BRIDGE, 0, CRAFT_DEVFN(0x1c, 0), CRAFT_DEVFN(0, 0));
	craft_drhd(c, 0, 0, 0x4000);
	scope(c, SCOPE_PCI_BRIDGE, 0, CRAFT_DEVFN(0x1c, 0), -1);
	scope(c, SCOPE_IOAPIC, 0xf0, CRAFT_DEVFN(31, 0), -1);
	craft_drhd(c, 1, 0, 0x5000);
	return opened(c);
}

static void unit_is(const struct dmar *d, struct pci_addr a, uint64_t base, const char *what)
{
	struct dmar_unit u = { .base = PA(0) };
	enum status s = dmar_unit_of(d, &small.bus, a, &u);

	if (!base)
		ok(s == ERR_NOT_FOUND, "%s: no unit", what);
	else if (ok(s == OK, "%s: has a unit", what))
		is_u64(u.base.v, base, "%s: its unit", what);
}

static void units(void)
{
	struct craft c;
	struct dmar d = machine_table(&c);

	unit_is(&d, (struct pci_addr){ 0, SID(0, 2, 0) }, 0x1000, "explicit endpoint");
	unit_is(&d, (struct pci_addr){ 0, SID(0, 2, 1) }, 0x5000, "its neighbour");
	unit_is(&d, (struct pci_addr){ 0, SID(0, 0x1f, 0) }, 0x5000, "a function that nobody names");
	unit_is(&d, (struct pci_addr){ 1, SID(0, 2, 0) }, 0x2000, "the same id in the other segment");
	unit_is(&d, (struct pci_addr){ 2, SID(0, 2, 0) }, 0, "a segment without units");
	unit_is(&d, (struct pci_addr){ 0, SID(0, 0x1c, 0) }, 0x4000, "the bridge itself");
	unit_is(&d, (struct pci_addr){ 0, SID(4, 1, 0) }, 0x4000, "below the far bridge");
	unit_is(&d, (struct pci_addr){ 0, SID(4, 0, 0) }, 0x3000, "the near bridge itself");
	unit_is(&d, (struct pci_addr){ 0, SID(6, 0, 0) }, 0x3000, "below both: the nearer one");
	unit_is(&d, (struct pci_addr){ 0, SID(0xf0, 31, 0) }, 0x5000, "an IOAPIC's id is no scope of requesters");
}

/* The far bridge's unit comes first here: its place in the table does not matter. */
static void far_bridge_first(void)
{
	struct craft c;
	struct dmar d;

	craft_dmar(&c, 0);
	craft_drhd(&c, 0, 0, 0x4000);
	scope(&c, SCOPE_PCI_BRIDGE, 0, CRAFT_DEVFN(0x1c, 0), -1);
	craft_drhd(&c, 0, 0, 0x3000);
	scope(&c, SCOPE_PCI_BRIDGE, 0, CRAFT_DEVFN(0x1c, 0), CRAFT_DEVFN(0, 0));
	d = opened(&c);
	unit_is(&d, (struct pci_addr){ 0, SID(6, 0, 0) }, 0x3000, "below both, the far one named first");
}

static void without_all(void)
{
	struct craft c;
	struct dmar d;

	craft_dmar(&c, 0);
	craft_drhd(&c, 0, 0, 0x1000);
	scope(&c, SCOPE_PCI_ENDPOINT, 0, CRAFT_DEVFN(2, 0), -1);
	d = opened(&c);
	unit_is(&d, (struct pci_addr){ 0, SID(0, 0x1f, 0) }, 0, "nobody serves all others");
}

static void virtual_functions(void)
{
	struct craft c;
	struct dmar d;

	craft_dmar(&c, 0);
	craft_drhd(&c, 0, 0, 0x1000);
	scope(&c, SCOPE_PCI_ENDPOINT, 0, CRAFT_DEVFN(0x1c, 0), CRAFT_DEVFN(1, 0));
	craft_drhd(&c, 1, 0, 0x2000);
	d = opened(&c);
	small_machine_sriov(&small, 1, 4, 0x78, 2); /* 04:01.0 + 78h = 04:10.0 */
	unit_is(&d, (struct pci_addr){ 0, SID(4, 0x10, 0) }, 0x1000, "first virtual function");
	unit_is(&d, (struct pci_addr){ 0, SID(4, 0x10, 6) }, 0x1000, "last virtual function");
	unit_is(&d, (struct pci_addr){ 0, SID(4, 0x10, 1) }, 0x2000, "between two virtual functions");
	unit_is(&d, (struct pci_addr){ 0, SID(4, 0x11, 0) }, 0x2000, "behind the last virtual function");
	unit_is(&d, (struct pci_addr){ 0, SID(4, 0x0f, 0) }, 0x2000, "before the first virtual function");
	small_machine_sriov(&small, 1, 4, 0x2f8, 0x100); /* on other buses: 07:00.0 and 08:00.0 */
	unit_is(&d, (struct pci_addr){ 0, SID(8, 0, 0) }, 0x1000, "virtual function on another bus");
	small_machine_sriov(&small, 0, 4, 0x78, 2);
	unit_is(&d, (struct pci_addr){ 0, SID(4, 0x10, 0) }, 0x2000, "virtual functions switched off");
	small_machine_sriov(&small, 1, 0, 0x78, 2);
	unit_is(&d, (struct pci_addr){ 0, SID(4, 0x10, 0) }, 0x2000, "no virtual functions");
	small_machine_sriov(&small, 1, 4, 0x78, 0);
	unit_is(&d, (struct pci_addr){ 0, SID(4, 0x10, 0) }, 0x1000, "stride 0: the first one");
	unit_is(&d, (struct pci_addr){ 0, SID(4, 0x10, 1) }, 0x2000, "stride 0: no other one");
	small_machine_sriov(&small, 0, 0, 0, 0);
}

/* ---- interrupt sources ---- */

static void sources(void)
{
	struct dmar_source s;
	struct craft c;
	struct dmar d;

	craft_dmar(&c, 0);
	craft_drhd(&c, 0, 1, 0x1000);
	craft_scope(&c, &(struct craft_scope){ .type = SCOPE_IOAPIC, .enum_id = 8, .start_bus = 0xf0, .path_n = 1,
					       .path = { CRAFT_DEVFN(31, 7) } });
	craft_drhd(&c, 1, 0, 0x2000);
	for (uint8_t timer = 0; timer < 3; timer++)
		craft_scope(&c, &(struct craft_scope){ .type = SCOPE_HPET, .enum_id = 8, .start_bus = 0xf0, .path_n = 1,
						       .path = { (uint8_t)(CRAFT_DEVFN(15, 0) + timer) } });
	craft_scope(&c, &(struct craft_scope){ .type = SCOPE_IOAPIC, .enum_id = 9, .path_n = 2,
					       .path = { CRAFT_DEVFN(0x1b, 0), 0 } });
	d = opened(&c);
	if (ok(dmar_ioapic(&d, &small.bus, 8, 0, &s) == OK, "an IOAPIC by its id")) {
		is_u64(s.addr.sid, SID(0xf0, 31, 7), "its requester id");
		is_u64(s.addr.segment, 1, "its segment");
		is_u64(s.unit.base.v, 0x1000, "its unit");
	}
	ok(dmar_ioapic(&d, &small.bus, 8, 1, &s) == ERR_NOT_FOUND, "there is no second one of that id");
	ok(dmar_ioapic(&d, &small.bus, 7, 0, &s) == ERR_NOT_FOUND, "another id is not found");
	ok(dmar_ioapic(&d, &small.bus, 9, 0, &s) == ERR_NOT_FOUND, "nor one behind an absent bridge");
	for (uint8_t timer = 0; timer < 3; timer++)
		if (ok(dmar_hpet(&d, &small.bus, 8, timer, &s) == OK, "timer %u of an HPET", timer))
			is_u64(s.addr.sid, SID(0xf0, 15, timer), "its requester id");
	ok(dmar_hpet(&d, &small.bus, 8, 3, &s) == ERR_NOT_FOUND, "there is no fourth one");
}

/* ---- structures about a requester ---- */

static unsigned count(const struct dmar *d, enum dmar_type type, struct pci_addr a, struct dmar_scope *last)
{
	struct dmar_query q = { .dmar = d, .bus = &small.bus, .type = type, .requester = a };
	struct dmar_structure s;
	unsigned n = 0;

	while (dmar_covering(&q, &s, last))
		n++;
	return n;
}

static void about(void)
{
	const struct pci_addr graphics = { 0, SID(0, 2, 0) }, deep = { 0, SID(6, 0, 0) }, other = { 1, SID(0, 2, 0) };
	struct dmar_scope last = { 0 };
	struct craft c;
	struct dmar d;

	craft_dmar(&c, 0);
	craft_rmrr(&c, 0, 0x1000, 0x1fff);
	scope(&c, SCOPE_PCI_ENDPOINT, 0, CRAFT_DEVFN(3, 0), -1);
	scope(&c, SCOPE_PCI_ENDPOINT, 0, CRAFT_DEVFN(2, 0), -1);
	craft_rmrr(&c, 0, 0x3000, 0x3fff);
	scope(&c, SCOPE_PCI_ENDPOINT, 0, CRAFT_DEVFN(2, 0), -1);
	craft_rmrr(&c, 1, 0x5000, 0x5fff);
	scope(&c, SCOPE_PCI_ENDPOINT, 0, CRAFT_DEVFN(2, 0), -1);
	craft_ports(&c, DMAR_ATSR, 0, 0);
	scope(&c, SCOPE_PCI_BRIDGE, 0, CRAFT_DEVFN(0x1c, 0), -1);
	craft_ports(&c, DMAR_ATSR, 1, 1);
	craft_ports(&c, DMAR_SATC, 1, 0);
	scope(&c, SCOPE_PCI_ENDPOINT, 0, CRAFT_DEVFN(2, 0), -1);
	craft_ports(&c, DMAR_SIDP, 0, 0);
	craft_scope(&c, &(struct craft_scope){ .type = 1, .flags = 0x1f, .path_n = 1, .path = { CRAFT_DEVFN(2, 0) } });
	d = opened(&c);
	is_u64(count(&d, DMAR_RMRR, graphics, NULL), 2, "RMRRs of a function");
	is_u64(count(&d, DMAR_RMRR, other, NULL), 1, "RMRRs of its like in the other segment");
	is_u64(count(&d, DMAR_RMRR, deep, NULL), 0, "RMRRs of a function that has none");
	is_u64(count(&d, DMAR_ATSR, deep, &last), 1, "ATSR of a function below a root port");
	is_u64(last.type, SCOPE_PCI_BRIDGE, "the scope that named it");
	is_u64(count(&d, DMAR_ATSR, graphics, NULL), 0, "no ATSR for an integrated function");
	is_u64(count(&d, DMAR_ATSR, other, &last), 1, "ATSR with ALL_PORTS");
	is_u64(last.type, 0, "which names no scope");
	is_u64(count(&d, DMAR_SATC, graphics, NULL), 1, "SATC of a function");
	is_u64(count(&d, DMAR_SATC, deep, NULL), 0, "SATC of a function that has none");
	is_u64(count(&d, DMAR_SIDP, graphics, &last), 1, "SIDP of a function");
	is_u64(last.flags, 0x1f, "with the scope's flags");
}

int main(void)
{
	small_machine_init(&small);
	paths();
	renumbering();
	coverage();
	units();
	far_bridge_first();
	without_all();
	virtual_functions();
	sources();
	about();
	return done();
}
