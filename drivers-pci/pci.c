/*
 * PCI configuration access and what a function as a whole can be told: decoding, bus mastering, reset.
 */
#include "drivers-pci/pci.h"
#include "drivers-pci/internal.h"

uint32_t pci_rd(const struct pci_dev *d, uint32_t off, unsigned bytes)
{
	return d->machine->ops->cfg_rd(d->machine, d->addr, off, bytes);
}

void pci_wr(const struct pci_dev *d, uint32_t off, uint32_t v, unsigned bytes)
{
	d->machine->ops->cfg_wr(d->machine, d->addr, off, v, bytes);
}

struct pci_dev *pci_find(struct pci_bus *bus, struct pci_addr a)
{
	for (unsigned i = 0; i < bus->devs_n; i++)
		if (bus->devs[i].addr.segment == a.segment && bus->devs[i].addr.sid == a.sid)
			return &bus->devs[i];
	return NULL;
}

struct pci_dev *pci_parent(const struct pci_dev *d)
{
	return d->parent < 0 ? NULL : &d->bus->devs[d->parent];
}

static void command_set(const struct pci_dev *d, uint32_t on, uint32_t off)
{
	uint32_t was = pci_rd(d, PCI_COMMAND, 2);
	uint32_t now = (was & ~off) | on;

	if (now != was)
		pci_wr(d, PCI_COMMAND, now, 2);
}

void pci_enable(struct pci_dev *d, bool memory, bool bus_master)
{
	uint32_t on = (memory ? (uint32_t)COMMAND_MEMORY : 0) | (bus_master ? (uint32_t)COMMAND_MASTER : 0);
	const struct pci_dev *bridge = pci_parent(d);

	/* A parent's index is smaller than its child's, so this ends. */
	for (; bridge; bridge = pci_parent(bridge))
		command_set(bridge, on, 0);
	if (d->denied)
		command_set(d, on & (uint32_t)~COMMAND_MASTER, (uint32_t)COMMAND_MEMORY);
	else
		command_set(d, on, (uint32_t)(COMMAND_MEMORY | COMMAND_MASTER));
}

/* Waits for a bit of a status register to go out. */
static enum status wait_clear(const struct pci_dev *d, uint32_t off, unsigned bytes, uint32_t bit, uint64_t us)
{
	deadline_t end = deadline_in_us(us);

	while (pci_rd(d, off, bytes) & bit)
		if (deadline_over(&end))
			return ERR_TIMEOUT;
	return OK;
}

/* Starts the reset by whichever of the two capabilities offers it. */
static enum status flr_start(const struct pci_dev *d)
{
	uint32_t pcie = pci_cap(d, CAP_ID_PCIE), af = pci_cap(d, CAP_ID_AF);
	enum status s;

	if (pcie && (pci_rd(d, pcie + PCIE_DEVCAP, 4) & DEVCAP_FLR)) {
		s = wait_clear(d, pcie + PCIE_DEVSTA, 2, (uint32_t)DEVSTA_PENDING, 1000000);
		pci_wr(d, pcie + PCIE_DEVCTL, pci_rd(d, pcie + PCIE_DEVCTL, 2) | (uint32_t)DEVCTL_FLR, 2);
		return s;
	}
	if (af && (pci_rd(d, af + AF_CAP, 1) & AF_CAP_FLR)) {
		s = wait_clear(d, af + AF_STA, 1, (uint32_t)AF_STA_PENDING, 1000000);
		pci_wr(d, af + AF_CTL, (uint32_t)AF_CTL_FLR, 1);
		return s;
	}
	return ERR_UNSUPPORTED;
}

enum status pci_flr(struct pci_dev *d)
{
	static const uint32_t kept[] = { PCIE_DEVCTL, PCIE_LNKCTL, PCIE_DEVCTL2 };
	uint32_t command = pci_rd(d, PCI_COMMAND, 2), line = pci_rd(d, PCI_INT_LINE, 1);
	uint32_t pcie = pci_cap(d, CAP_ID_PCIE), bars[PCI_BARS], link[ARRAY_LEN(kept)];
	size_t kept_n;
	deadline_t end;
	enum status s;

	if (d->header_type != 0)
		return ERR_UNSUPPORTED;
	if (d->denied)
		return ERR_DENIED;
	/* Version 1 of the capability may end behind the first of them. */
	kept_n = !pcie ? 0 : fld_get(PCIE_FLAGS_VERSION, pci_rd(d, pcie + PCIE_FLAGS, 2)) > 1 ? ARRAY_LEN(kept) : 1;
	for (unsigned i = 0; i < kept_n; i++)
		link[i] = pci_rd(d, pcie + kept[i], 2);
	for (unsigned i = 0; i < PCI_BARS; i++)
		bars[i] = pci_rd(d, PCI_BAR0 + 4 * i, 4);
	/*
	 * A transaction that stays pending must not keep a stuck device from its reset: tried all the same, told. Memory
	 * goes off, too: a hypervisor that follows the BARs would else miss that the reset takes them away.
	 */
	pci_wr(d, PCI_COMMAND, command & (uint32_t)~(COMMAND_MASTER | COMMAND_MEMORY), 2);
	s = flr_start(d);
	if (s == ERR_UNSUPPORTED) {
		pci_wr(d, PCI_COMMAND, command, 2);
		return s;
	}
	/* The function may not be touched for 100 ms (PCIe 6.6.2), and may then still ask for retries. */
	time_sleep_us(100000);
	end = deadline_in_us(1000000);
	while (pci_rd(d, PCI_VENDOR, 2) != d->vendor)
		if (deadline_over(&end))
			return ERR_TIMEOUT;
	for (unsigned i = 0; i < PCI_BARS; i++)
		pci_wr(d, PCI_BAR0 + 4 * i, bars[i], 4);
	/* Payload sizes must fit the link partner's again before anything moves. */
	for (unsigned i = 0; i < kept_n; i++)
		pci_wr(d, pcie + kept[i], link[i], 2);
	pci_wr(d, PCI_INT_LINE, line, 1);
	pci_wr(d, PCI_COMMAND, command, 2);
	if (d->errors.saved)
		pci_errors_mask(d);
	return s;
}
