/*
 * Device scopes against the machine's buses (Intel VT-d chapter 8).
 */
#include "drivers-iommu/acpi/scope.h"

/* SR-IOV extended capability (PCI Express Base, "Single Root I/O Virtualization"). */
#define SRIOV_CAP_ID        0x0010
#define SRIOV_CONTROL       0x08u
#define   SRIOV_VF_ENABLE     BIT(0)
#define SRIOV_NUM_VFS       0x10u
#define SRIOV_FIRST_OFFSET  0x14u
#define SRIOV_STRIDE        0x16u

#define HEADER_BRIDGE 1

/* How near a scope is to a requester: 0 not at all, then a bridge above it by its secondary bus, then itself. */
#define NEAR_NOT    0u
#define NEAR_BRIDGE 1u
#define NEAR_SELF   512u

/* The bridge at an address, NULL if there is none or firmware left it unnumbered, with nothing below it. */
static const struct pci_dev *bridge_at(struct pci_bus *bus, struct pci_addr a)
{
	const struct pci_dev *d = pci_find(bus, a);

	return d && d->header_type == HEADER_BRIDGE && d->bus_secondary ? d : NULL;
}

static bool same(struct pci_addr a, struct pci_addr b)
{
	return a.segment == b.segment && a.sid == b.sid;
}

enum status scope_resolve(struct pci_bus *bus, uint16_t segment, const struct dmar_scope *s, struct pci_addr *out)
{
	uint8_t on = s->start_bus;

	if (!s->path_n)
		return ERR_MALFORMED;
	for (unsigned i = 0; i < s->path_n; i++) {
		uint8_t dev = dmar_path_dev(s, i), fn = dmar_path_fn(s, i);
		const struct pci_dev *bridge;

		if (!fld_fits(SID_DEV, dev) || !fld_fits(SID_FN, fn))
			return ERR_MALFORMED;
		*out = (struct pci_addr){ .segment = segment, .sid = SID(on, dev, fn) };
		if (i + 1 == s->path_n)
			break;
		bridge = bridge_at(bus, *out);
		if (!bridge)
			return ERR_NOT_FOUND;
		on = bridge->bus_secondary;
	}
	return OK;
}

static unsigned nearness(struct pci_bus *bus, uint16_t segment, const struct dmar_scope *s, struct pci_addr a)
{
	uint64_t a_bus = fld_get(SID_BUS, a.sid);
	const struct pci_dev *bridge;
	struct pci_addr named;

	if (segment != a.segment)
		return NEAR_NOT;
	if (s->type != SCOPE_PCI_ENDPOINT && s->type != SCOPE_PCI_BRIDGE && s->type != SCOPE_ACPI_NAMESPACE)
		return NEAR_NOT;
	if (scope_resolve(bus, segment, s, &named) != OK)
		return NEAR_NOT;
	if (same(named, a))
		return NEAR_SELF;
	if (s->type != SCOPE_PCI_BRIDGE)
		return NEAR_NOT;
	bridge = bridge_at(bus, named);
	if (!bridge || a_bus < bridge->bus_secondary || a_bus > bridge->bus_subordinate)
		return NEAR_NOT;
	return NEAR_BRIDGE + bridge->bus_secondary;
}

bool scope_covers(struct pci_bus *bus, uint16_t segment, const struct dmar_scope *s, struct pci_addr a)
{
	return nearness(bus, segment, s, a) != NEAR_NOT;
}

/* True where d is the physical function of the virtual function a. */
static bool is_physical_of(const struct pci_dev *d, struct pci_addr a)
{
	uint32_t cap, vfs, first, stride, behind;

	if (!d->is_pcie || d->addr.segment != a.segment || a.sid <= d->addr.sid)
		return false;
	cap = pci_ext_cap(d, SRIOV_CAP_ID);
	if (!cap || !(pci_rd(d, cap + SRIOV_CONTROL, 2) & SRIOV_VF_ENABLE))
		return false;
	vfs = pci_rd(d, cap + SRIOV_NUM_VFS, 2);
	first = pci_rd(d, cap + SRIOV_FIRST_OFFSET, 2);
	stride = pci_rd(d, cap + SRIOV_STRIDE, 2);
	behind = (uint32_t)a.sid - d->addr.sid;
	if (!vfs || behind < first)
		return false;
	behind -= first;
	return stride ? behind % stride == 0 && behind / stride < vfs : behind == 0;
}

/* The function whose scope decides for a: the physical function of a virtual one, else a itself. */
static struct pci_addr physical_of(struct pci_bus *bus, struct pci_addr a)
{
	for (unsigned i = 0; i < bus->devs_n; i++)
		if (is_physical_of(&bus->devs[i], a))
			return bus->devs[i].addr;
	return a;
}

enum status dmar_unit_of(const struct dmar *d, struct pci_bus *bus, struct pci_addr a, struct dmar_unit *out)
{
	struct pci_addr who = physical_of(bus, a);
	unsigned best = NEAR_NOT;
	struct dmar_structure drhd;
	struct dmar_scope scope;
	bool all = false;
	uint32_t pos = 0;

	while (dmar_next_of(d, DMAR_DRHD, &pos, &drhd)) {
		uint32_t at = 0;

		if (drhd.segment != a.segment)
			continue;
		if (drhd.flags & DRHD_INCLUDE_PCI_ALL && best == NEAR_NOT && !all) {
			*out = dmar_unit(&drhd);
			all = true;
		}
		while (dmar_scope_next(d, &drhd, &at, &scope)) {
			unsigned near = nearness(bus, drhd.segment, &scope, who);

			if (near > best) {
				best = near;
				*out = dmar_unit(&drhd);
			}
		}
	}
	return all || best != NEAR_NOT ? OK : ERR_NOT_FOUND;
}

/* Occurrence nth of a scope of one type and enumeration id in the DRHDs. */
static enum status source(const struct dmar *d, struct pci_bus *bus, const struct dmar_scope *wanted, unsigned nth,
			  struct dmar_source *out)
{
	struct dmar_structure drhd;
	struct dmar_scope scope;
	uint32_t pos = 0;

	while (dmar_next_of(d, DMAR_DRHD, &pos, &drhd)) {
		uint32_t at = 0;

		while (dmar_scope_next(d, &drhd, &at, &scope)) {
			if (scope.type != wanted->type || scope.enum_id != wanted->enum_id || nth--)
				continue;
			out->unit = dmar_unit(&drhd);
			return scope_resolve(bus, drhd.segment, &scope, &out->addr);
		}
	}
	return ERR_NOT_FOUND;
}

enum status dmar_ioapic(const struct dmar *d, struct pci_bus *bus, uint8_t id, unsigned nth, struct dmar_source *out)
{
	const struct dmar_scope wanted = { .type = SCOPE_IOAPIC, .enum_id = id };

	return source(d, bus, &wanted, nth, out);
}

enum status dmar_hpet(const struct dmar *d, struct pci_bus *bus, uint8_t number, unsigned nth, struct dmar_source *out)
{
	const struct dmar_scope wanted = { .type = SCOPE_HPET, .enum_id = number };

	return source(d, bus, &wanted, nth, out);
}

bool dmar_covering(struct dmar_query *q, struct dmar_structure *out, struct dmar_scope *scope)
{
	struct dmar_scope s;

	while (dmar_next_of(q->dmar, q->type, &q->pos, out)) {
		uint32_t at = 0;

		if (out->segment != q->requester.segment)
			continue;
		if (out->type == DMAR_ATSR && out->flags & ATSR_ALL_PORTS) {
			if (scope)
				*scope = (struct dmar_scope){ 0 };
			return true;
		}
		while (dmar_scope_next(q->dmar, out, &at, &s)) {
			if (!scope_covers(q->bus, out->segment, &s, q->requester))
				continue;
			if (scope)
				*scope = s;
			return true;
		}
	}
	return false;
}
