/*
 * Capability lists (PCI 3.0 6.7, PCIe 7.9). A list that loops, leaves its space or points into the header ends there.
 */
#include "drivers-pci/internal.h"

/* A capability takes at least one dword: no honest list is longer than its space divided by four. */
#define CAPS_MAX     ((PCI_CFG_BYTES - 0x40u) / 4)
#define EXT_CAPS_MAX ((PCI_EXT_CFG_BYTES - PCI_EXT_CAPS) / 4)

uint32_t pci_cap(const struct pci_dev *d, uint8_t id)
{
	uint32_t off;

	if (!(pci_rd(d, PCI_STATUS, 2) & STATUS_CAPS))
		return 0;
	off = pci_rd(d, PCI_CAP_PTR, 1) & 0xfcu;
	for (unsigned i = 0; i < CAPS_MAX && off >= 0x40; i++) {
		uint32_t head = pci_rd(d, off, 2);

		if (fld_get(CAP_ID, head) == 0xff)
			return 0;
		if (fld_get(CAP_ID, head) == id)
			return off;
		off = (uint32_t)fld_get(CAP_NEXT, head) & 0xfcu;
	}
	return 0;
}

uint32_t pci_ext_cap(const struct pci_dev *d, uint16_t id)
{
	uint32_t off = PCI_EXT_CAPS;

	if (!d->is_pcie)
		return 0;
	for (unsigned i = 0; i < EXT_CAPS_MAX && off >= PCI_EXT_CAPS; i++) {
		uint32_t head = pci_rd(d, off, 4);

		/* All ones: no extended space behind this access method; 0: an empty list. */
		if (head == UINT32_MAX || head == 0)
			return 0;
		if (fld_get(EXT_CAP_ID, head) == id)
			return off;
		off = (uint32_t)fld_get(EXT_CAP_NEXT, head) & 0xffcu;
	}
	return 0;
}
