/*
 * Base address registers: kinds, sizes, windows (PCI 3.0 6.2.5).
 */
#include "drivers-pci/internal.h"

#define MAP_BYTES_MAX UINT64_C(0x10000000)

/* The writable bits of a BAR register, by the all-ones probe; its value is put back. */
static uint32_t probe_bits(const struct pci_dev *d, uint32_t off)
{
	uint32_t was = pci_rd(d, off, 4), bits;

	pci_wr(d, off, UINT32_MAX, 4);
	bits = pci_rd(d, off, 4);
	pci_wr(d, off, was, 4);
	return bits;
}

/* Sizes BAR i; returns how many registers it takes. */
static unsigned size_one(struct pci_dev *d, unsigned i, unsigned regs_n)
{
	uint32_t off = PCI_BAR0 + 4 * i;
	uint32_t value = pci_rd(d, off, 4), bits = probe_bits(d, off);
	struct pci_bar *bar = &d->bars[i];
	uint64_t base, mask;

	if (bits == 0 || bits == UINT32_MAX)
		return 1;
	if (bits & BAR_IO) {
		bar->kind = PCI_BAR_IO;
		bar->base = value & BAR_IO_BASE;
		/* 16 address bits are enough for I/O; the upper half may be hard-wired to zero. */
		mask = (bits & BAR_IO_BASE) | BITS(31, 16);
		bar->len_bytes = LOWBIT(mask);
		return 1;
	}
	base = value & BAR_MEM_BASE;
	mask = bits & BAR_MEM_BASE;
	if (fld_get(BAR_TYPE, bits) == BAR_TYPE_64 && i + 1 < regs_n) {
		base |= FLD(BITS(63, 32), pci_rd(d, off + 4, 4));
		mask |= FLD(BITS(63, 32), probe_bits(d, off + 4));
		bar->kind = PCI_BAR_MEM64;
	} else {
		bar->kind = PCI_BAR_MEM32;
	}
	bar->prefetchable = (bits & BAR_PREFETCH) != 0;
	bar->base = base;
	bar->len_bytes = LOWBIT(mask);
	if (mask == 0)
		bar->kind = PCI_BAR_NONE;
	return bar->kind == PCI_BAR_MEM64 ? 2 : 1;
}

void pci_bars_size(struct pci_dev *d)
{
	uint32_t command = pci_rd(d, PCI_COMMAND, 2);
	unsigned regs_n = d->header_type == 0 ? PCI_BARS : d->header_type == 1 ? 2 : 0;

	/* A host bridge must go on decoding: memory itself may be behind it. Its BARs are nobody's business here. */
	if (fld_get(BITS(23, 8), d->class_code) == CLASS_HOST_BRIDGE)
		return;
	/* Where an IOMMU's registers lie its table says, and it has no BARs: it is not written for nothing. */
	if (fld_get(BITS(23, 8), d->class_code) == CLASS_IOMMU)
		return;
	pci_wr(d, PCI_COMMAND, command & (uint32_t)~(COMMAND_IO | COMMAND_MEMORY), 2);
	for (unsigned i = 0; i < regs_n;)
		i += size_one(d, i, regs_n);
	pci_wr(d, PCI_COMMAND, command, 2);
}

enum status pci_bar_map(struct pci_dev *d, unsigned bar, mmio_t *out)
{
	struct pci_bar *b;
	enum status s;

	if (bar >= PCI_BARS)
		return ERR_NOT_FOUND;
	b = &d->bars[bar];
	if (b->kind != PCI_BAR_MEM32 && b->kind != PCI_BAR_MEM64)
		return ERR_NOT_FOUND;
	if (b->base == 0) {
		s = pci_assign(d);
		if (s)
			return s;
	}
	pci_enable(d, true, (pci_rd(d, PCI_COMMAND, 2) & COMMAND_MASTER) != 0);
	if (!b->mapped) {
		s = d->machine->ops->mmio_map(d->machine, PA(b->base), min_u64(b->len_bytes, MAP_BYTES_MAX),
					      &b->window);
		if (s)
			return s;
		b->mapped = true;
	}
	*out = b->window;
	return OK;
}
