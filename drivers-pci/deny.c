/*
 * Functions that are to be left as they are: no engine, no reset, no change of bus mastering.
 *
 * What can be told from configuration space: displays, keyboards, management controllers. Who knows more (memory that
 * firmware keeps for a device) marks further ones with pci_deny(). The boot medium's function is engine.c's business.
 */
#include "drivers-pci/internal.h"

#define CLASS_BASE      BITS(23, 16)
#define   CLASS_DISPLAY    0x03
#define CLASS_SUB       BITS(23, 8)
#define   CLASS_KEYBOARD   0x0900
#define   CLASS_IPMI       0x0c07

#define VENDOR_ASPEED   0x1a03
#define VENDOR_HPE      0x103c

void pci_deny(struct pci_dev *d, const char *why)
{
	if (d->denied)
		return;
	d->denied = why;
	log_line("pci: " PCI_FMT " is left alone: %s", PCI_ARGS(d->addr), why);
}

/* Displays of management controllers are displays, whoever makes them (Matrox). */
static bool is_management(const struct pci_dev *d)
{
	/* Two generations of iLO's functions. */
	bool ilo = d->vendor == VENDOR_HPE && (d->device == 0x3306 || d->device == 0x3307);

	return d->vendor == VENDOR_ASPEED || ilo || fld_get(CLASS_SUB, d->class_code) == CLASS_IPMI;
}

static bool same_device(const struct pci_dev *a, const struct pci_dev *b)
{
	return a->addr.segment == b->addr.segment && (a->addr.sid & ~SID_FN) == (b->addr.sid & ~SID_FN);
}

/* The management controller's other functions, and what lies behind its bridge. */
static bool shares_management(const struct pci_bus *bus, const struct pci_dev *d)
{
	for (unsigned i = 0; i < bus->devs_n; i++)
		if (is_management(&bus->devs[i]) && same_device(&bus->devs[i], d))
			return true;
	for (const struct pci_dev *up = pci_parent(d); up; up = pci_parent(up))
		if (is_management(up))
			return true;
	return false;
}

static bool is_display(const struct pci_dev *d)
{
	return fld_get(CLASS_BASE, d->class_code) == CLASS_DISPLAY;
}

/* The sound of a graphics card, say. */
static bool shares_display(const struct pci_bus *bus, const struct pci_dev *d)
{
	for (unsigned i = 0; i < bus->devs_n; i++)
		if (is_display(&bus->devs[i]) && same_device(&bus->devs[i], d))
			return true;
	return false;
}

void pci_deny_usual(struct pci_bus *bus)
{
	for (unsigned i = 0; i < bus->devs_n; i++) {
		struct pci_dev *d = &bus->devs[i];

		if (d->header_type != 0)
			continue;
		if (is_display(d))
			pci_deny(d, "a display");
		else if (shares_display(bus, d))
			pci_deny(d, "part of a display");
		else if (fld_get(CLASS_SUB, d->class_code) == CLASS_KEYBOARD)
			pci_deny(d, "a keyboard");
		else if (shares_management(bus, d))
			pci_deny(d, "part of a management controller");
	}
}
