/*
 * PCI: what the files of this folder share.
 */
#ifndef PORTCULLIS_DRIVERS_PCI_INTERNAL_H
#define PORTCULLIS_DRIVERS_PCI_INTERNAL_H

#include "drivers-pci/pci.h"
#include "drivers-pci/regs.h"

/* Finds kinds, sizes and bases of all BARs of d; memory and I/O decoding is off meanwhile. */
void pci_bars_size(struct pci_dev *d);
/* The non-prefetchable window of a bridge, [*base, *last]. False where it has none. */
bool pci_bridge_window(const struct pci_dev *d, uint64_t *base, uint64_t *last);
/* The bridge above, NULL on a root bus. */
struct pci_dev *pci_parent(const struct pci_dev *d);

#endif
