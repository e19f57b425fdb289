/*
 * MSI and MSI-X: one message for the whole function (PCI 3.0 6.8).
 */
#include "drivers-pci/internal.h"

#define MSIX_ENTRY_ADDR(at)    ((reg32_t){ (at) })
#define MSIX_ENTRY_ADDR_HI(at) ((reg32_t){ (at) + 4 })
#define MSIX_ENTRY_DATA(at)    ((reg32_t){ (at) + 8 })
#define MSIX_ENTRY_CTL(at)     ((reg32_t){ (at) + 12 })

static void intx_off(const struct pci_dev *d)
{
	pci_wr(d, PCI_COMMAND, pci_rd(d, PCI_COMMAND, 2) | (uint32_t)COMMAND_INTX_OFF, 2);
}

/* Opens the window that a register of the MSI-X capability names; at is the offset in it, with room for bytes. */
static enum status part_open(struct pci_dev *d, uint32_t reg, uint32_t bytes, mmio_t *m, uint32_t *at)
{
	uint32_t v = pci_rd(d, reg, 4);
	enum status s = pci_bar_map(d, (unsigned)fld_get(MSIX_BIR, v), m);

	if (s)
		return s;
	*at = (uint32_t)(v & MSIX_OFFSET);
	return *at <= m->len_bytes && m->len_bytes - *at >= bytes ? OK : ERR_MALFORMED;
}

static enum status table_open(struct pci_dev *d, uint32_t cap, mmio_t *m, uint32_t *at)
{
	return part_open(d, cap + MSIX_TABLE, MSIX_ENTRY_BYTES, m, at);
}

/* Enabled, with the function mask on. */
static enum status msix_prepare(struct pci_dev *d, uint32_t cap, uint64_t address, uint32_t data)
{
	uint32_t ctl = pci_rd(d, cap + MSIX_CTL, 2) | (uint32_t)(MSIX_CTL_ENABLE | MSIX_CTL_MASK_ALL);
	uint32_t at;
	mmio_t m;
	enum status s = table_open(d, cap, &m, &at);

	if (s)
		return s;
	/* Enabled before the table is written: some devices take writes to it only then. */
	pci_wr(d, cap + MSIX_CTL, ctl, 2);
	mmio_wr(&m, MSIX_ENTRY_CTL(at), (uint32_t)MSIX_ENTRY_MASKED);
	mmio_wr(&m, MSIX_ENTRY_ADDR(at), (uint32_t)fld_get(BITS(31, 0), address));
	mmio_wr(&m, MSIX_ENTRY_ADDR_HI(at), (uint32_t)fld_get(BITS(63, 32), address));
	mmio_wr(&m, MSIX_ENTRY_DATA(at), data);
	mmio_wr(&m, MSIX_ENTRY_CTL(at), 0u);
	intx_off(d);
	return OK;
}

/* Written, but not enabled: masking is optional for MSI. */
static enum status msi_prepare(struct pci_dev *d, uint32_t cap, uint64_t address, uint32_t data)
{
	uint32_t ctl = pci_rd(d, cap + MSI_CTL, 2);
	bool wide = (ctl & MSI_CTL_64) != 0;

	if (!fld_fits(BITS(15, 0), data) || (!wide && !fld_fits(BITS(31, 0), address)))
		return ERR_INVALID;
	pci_wr(d, cap + MSI_CTL, ctl & (uint32_t)~(MSI_CTL_ENABLE | MSI_CTL_VECTORS), 2);
	pci_wr(d, cap + MSI_ADDR, (uint32_t)fld_get(BITS(31, 0), address), 4);
	if (wide)
		pci_wr(d, cap + MSI_ADDR_HI, (uint32_t)fld_get(BITS(63, 32), address), 4);
	pci_wr(d, cap + (wide ? MSI_DATA_64 : MSI_DATA_32), data, 2);
	if (ctl & MSI_CTL_MASKS)
		pci_wr(d, cap + (wide ? MSI_MASK_64 : MSI_MASK_32), 0, 4);
	intx_off(d);
	return OK;
}

enum status pci_msi_prepare(struct pci_dev *d, uint64_t address, uint32_t data)
{
	uint32_t msix = pci_cap(d, CAP_ID_MSIX), msi = pci_cap(d, CAP_ID_MSI);

	if (!is_aligned(address, 4))
		return ERR_UNSUPPORTED;
	if (msix)
		return msix_prepare(d, msix, address, data);
	return msi ? msi_prepare(d, msi, address, data) : ERR_UNSUPPORTED;
}

bool pci_msi_unmask(struct pci_dev *d)
{
	uint32_t msix = pci_cap(d, CAP_ID_MSIX), msi = pci_cap(d, CAP_ID_MSI);
	bool pending = false;
	uint32_t at;
	mmio_t m;

	if (msix) {
		if (part_open(d, msix + MSIX_PBA, 4, &m, &at) == OK)
			pending = (mmio_rd(&m, ((reg32_t){ at })) & MSIX_PBA_ENTRY_0) != 0;
		pci_wr(d, msix + MSIX_CTL, pci_rd(d, msix + MSIX_CTL, 2) & (uint32_t)~MSIX_CTL_MASK_ALL, 2);
	} else if (msi) {
		pci_wr(d, msi + MSI_CTL, pci_rd(d, msi + MSI_CTL, 2) | (uint32_t)MSI_CTL_ENABLE, 2);
	}
	return pending;
}

enum status pci_msi_set(struct pci_dev *d, uint64_t address, uint32_t data)
{
	enum status s = pci_msi_prepare(d, address, data);

	if (s == OK)
		(void)pci_msi_unmask(d);
	return s;
}

void pci_msi_off(struct pci_dev *d)
{
	uint32_t msix = pci_cap(d, CAP_ID_MSIX), msi = pci_cap(d, CAP_ID_MSI);
	uint32_t at;
	mmio_t m;

	if (msix && !table_open(d, msix, &m, &at)) {
		mmio_wr(&m, MSIX_ENTRY_CTL(at), (uint32_t)MSIX_ENTRY_MASKED);
		pci_wr(d, msix + MSIX_CTL, pci_rd(d, msix + MSIX_CTL, 2) & (uint32_t)~MSIX_CTL_ENABLE, 2);
	}
	if (msi)
		pci_wr(d, msi + MSI_CTL, pci_rd(d, msi + MSI_CTL, 2) & (uint32_t)~MSI_CTL_ENABLE, 2);
}
