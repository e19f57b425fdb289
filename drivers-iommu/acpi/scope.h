/*
 * Who belongs to which remapping unit: device scopes of the DMAR resolved against the buses of the machine
 * (Intel VT-d chapter 8, "device scope").
 *
 * A path is walked through the secondary bus numbers that the bridges have now, so that renumbering does no harm. All
 * loops are bounded by the table and by the functions that were enumerated. The struct dmar comes from dmar_open().
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_ACPI_SCOPE_H
#define PORTCULLIS_DRIVERS_IOMMU_ACPI_SCOPE_H

#include "drivers-iommu/acpi/dmar.h"
#include "drivers-pci/pci.h"

/*
 * The function that a scope's path names. The last pair need not be an enumerated function (an IOAPIC has an id on a
 * bus that does not exist), the others must be bridges. ERR_NOT_FOUND: a bridge on the way is absent or is none;
 * ERR_MALFORMED: no path (reserved scope types), or a device above 31 or a function above 7.
 */
enum status must_use scope_resolve(struct pci_bus *bus, uint16_t segment, const struct dmar_scope *s,
				   struct pci_addr *out);
/*
 * True where requester a is in the scope: the function itself, or, for a bridge scope, anything on the buses below.
 * Only endpoint, bridge and name-space scopes speak of requesters; interrupt sources: dmar_ioapic(), dmar_hpet().
 */
bool scope_covers(struct pci_bus *bus, uint16_t segment, const struct dmar_scope *s, struct pci_addr a);

/*
 * The unit that remaps requests of a. An explicit scope goes before INCLUDE_PCI_ALL, the function's own scope before
 * that of a bridge above it, the nearest bridge before a farther one. A virtual function of SR-IOV counts as its
 * physical function. ERR_NOT_FOUND: no unit of that segment claims it.
 */
enum status must_use dmar_unit_of(const struct dmar *d, struct pci_bus *bus, struct pci_addr a, struct dmar_unit *out);

/* An IOAPIC or HPET: the requester id that its interrupts carry and the unit that remaps them. */
struct dmar_source {
	struct dmar_unit unit;
	struct pci_addr addr;
};

/*
 * Occurrence nth (from 0) of the IOAPIC with an id, or of the HPET with a number: an HPET may have one requester id for
 * each of its timers. ERR_NOT_FOUND: there are fewer. Other errors: scope_resolve()'s.
 */
enum status must_use dmar_ioapic(const struct dmar *d, struct pci_bus *bus, uint8_t id, unsigned nth,
				 struct dmar_source *out);
enum status must_use dmar_hpet(const struct dmar *d, struct pci_bus *bus, uint8_t number, unsigned nth,
			       struct dmar_source *out);

/* A walk over the structures of one type (RMRR, ATSR, SATC, SIDP) that speak of one requester. pos starts at 0. */
struct dmar_query {
	const struct dmar *dmar;
	struct pci_bus *bus;
	enum dmar_type type;
	struct pci_addr requester;
	uint32_t pos;
};

/*
 * The next such structure; false at the end. scope, unless NULL, gets the scope that named the requester (for its SIDP
 * flags), all zero where an ATSR with ALL_PORTS covers the segment.
 */
bool dmar_covering(struct dmar_query *q, struct dmar_structure *out, struct dmar_scope *scope);

#endif
