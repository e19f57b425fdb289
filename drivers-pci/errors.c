/*
 * Error reporting of a function and of the bridges above it, off while requests are refused on purpose and put back
 * afterwards (PCI Express Base 4.0 6.2, 7.5.3, 7.8.4; PCI-to-PCI Bridge 1.2 3.2.5.18).
 *
 * Refused requests end as Unsupported Request. Reported, that becomes an error message, an interrupt or SERR at the
 * root port, and on a server a machine check or an entry in the log of its management controller.
 */
#include "drivers-pci/internal.h"

#define COMMAND_SERR    BIT(8)
#define STATUS_ERRORS   (BITS(15, 11) | BIT(8)) /* write 1 to clear */
#define PCI_STATUS_2    0x1eu                   /* bridges: of the secondary side */
#define PCI_BRIDGE_CTL  0x3eu
#define   BRIDGE_SERR      BIT(1)

#define DEVCTL_REPORTS  BITS(3, 0)
#define DEVSTA_ERRORS   BITS(3, 0)
#define PCIE_ROOTCTL    0x1cu
#define   ROOTCTL_SERR     BITS(2, 0)

#define EXT_CAP_AER     0x0001
#define AER_UNCOR       0x04u
#define AER_UNCOR_MASK  0x08u
#define AER_COR         0x10u
#define AER_COR_MASK    0x14u
#define AER_ROOT_CMD    0x2cu
#define   ROOT_CMD_REPORTS BITS(2, 0)
#define AER_ROOT_STA    0x30u
#define   ROOT_STA_ERRORS  BITS(6, 0)

static bool is_root_port(const struct pci_dev *d)
{
	return d->is_pcie && d->pcie_type == PCIE_TYPE_ROOT_PORT;
}

static void save(struct pci_dev *d, uint32_t pcie, uint32_t aer)
{
	struct pci_errors *e = &d->errors;

	e->saved = true;
	e->command = (uint16_t)pci_rd(d, PCI_COMMAND, 2);
	if (d->header_type == 1)
		e->bridge_control = (uint16_t)pci_rd(d, PCI_BRIDGE_CTL, 2);
	if (pcie)
		e->devctl = (uint16_t)pci_rd(d, pcie + PCIE_DEVCTL, 2);
	if (pcie && is_root_port(d))
		e->rootctl = (uint16_t)pci_rd(d, pcie + PCIE_ROOTCTL, 2);
	if (aer) {
		e->uncorrectable = pci_rd(d, aer + AER_UNCOR_MASK, 4);
		e->correctable = pci_rd(d, aer + AER_COR_MASK, 4);
	}
	if (aer && is_root_port(d))
		e->root_command = pci_rd(d, aer + AER_ROOT_CMD, 4);
}

/* Bits of a register off that are on. */
static void off(const struct pci_dev *d, uint32_t reg, unsigned bytes, uint64_t bits)
{
	uint32_t v = pci_rd(d, reg, bytes);

	if (v & bits)
		pci_wr(d, reg, v & (uint32_t)~bits, bytes);
}

static void mask(struct pci_dev *d)
{
	uint32_t pcie = pci_cap(d, CAP_ID_PCIE), aer = pci_ext_cap(d, EXT_CAP_AER);

	if (!d->errors.saved)
		save(d, pcie, aer);
	if (aer && is_root_port(d))
		off(d, aer + AER_ROOT_CMD, 4, ROOT_CMD_REPORTS);
	if (aer) {
		pci_wr(d, aer + AER_UNCOR_MASK, UINT32_MAX, 4);
		pci_wr(d, aer + AER_COR_MASK, UINT32_MAX, 4);
	}
	if (pcie && is_root_port(d))
		off(d, pcie + PCIE_ROOTCTL, 2, ROOTCTL_SERR);
	if (pcie)
		off(d, pcie + PCIE_DEVCTL, 2, DEVCTL_REPORTS);
	if (d->header_type == 1)
		off(d, PCI_BRIDGE_CTL, 2, BRIDGE_SERR);
	off(d, PCI_COMMAND, 2, COMMAND_SERR);
}

void pci_errors_mask(struct pci_dev *d)
{
	/* A parent's index is smaller than its child's, so this ends. */
	for (; d; d = pci_parent(d))
		mask(d);
}

/* What was logged meanwhile goes, so that nothing is reported once reporting is on again. */
static void forget(const struct pci_dev *d, uint32_t pcie, uint32_t aer)
{
	if (aer) {
		pci_wr(d, aer + AER_UNCOR, UINT32_MAX, 4);
		pci_wr(d, aer + AER_COR, UINT32_MAX, 4);
	}
	if (aer && is_root_port(d))
		pci_wr(d, aer + AER_ROOT_STA, (uint32_t)ROOT_STA_ERRORS, 4);
	if (pcie)
		pci_wr(d, pcie + PCIE_DEVSTA, (uint32_t)DEVSTA_ERRORS, 2);
	if (d->header_type == 1)
		pci_wr(d, PCI_STATUS_2, (uint32_t)STATUS_ERRORS, 2);
	pci_wr(d, PCI_STATUS, (uint32_t)STATUS_ERRORS, 2);
}

/* Sets those bits of a register again that were on. */
static void on(const struct pci_dev *d, uint32_t reg, unsigned bytes, uint64_t bits, uint32_t was)
{
	if (was & bits)
		pci_wr(d, reg, pci_rd(d, reg, bytes) | (was & (uint32_t)bits), bytes);
}

static void restore(struct pci_dev *d)
{
	uint32_t pcie = pci_cap(d, CAP_ID_PCIE), aer = pci_ext_cap(d, EXT_CAP_AER);
	const struct pci_errors *e = &d->errors;

	forget(d, pcie, aer);
	on(d, PCI_COMMAND, 2, COMMAND_SERR, e->command);
	if (d->header_type == 1)
		on(d, PCI_BRIDGE_CTL, 2, BRIDGE_SERR, e->bridge_control);
	if (pcie)
		on(d, pcie + PCIE_DEVCTL, 2, DEVCTL_REPORTS, e->devctl);
	if (pcie && is_root_port(d))
		on(d, pcie + PCIE_ROOTCTL, 2, ROOTCTL_SERR, e->rootctl);
	if (aer) {
		pci_wr(d, aer + AER_UNCOR_MASK, e->uncorrectable, 4);
		pci_wr(d, aer + AER_COR_MASK, e->correctable, 4);
	}
	if (aer && is_root_port(d))
		on(d, aer + AER_ROOT_CMD, 4, ROOT_CMD_REPORTS, e->root_command);
	d->errors.saved = false;
}

void pci_errors_restore(struct pci_bus *bus)
{
	/* From the leaves up: a bridge may report again only when nothing below has anything left to say. */
	for (unsigned i = bus->devs_n; i > 0; i--)
		if (bus->devs[i - 1].errors.saved)
			restore(&bus->devs[i - 1]);
}
