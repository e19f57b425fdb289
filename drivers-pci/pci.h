/*
 * PCI: configuration access, enumeration, capabilities, BARs (PCI Local Bus 3.0, PCI Express Base 4.0 chapter 7).
 *
 * Works on a machine, hardware or model, through its cfg_rd/cfg_wr. Enumeration is bounded: a bridge whose bus numbers
 * loop, overlap or lie outside its parent's range is reported and not entered.
 */
#ifndef PORTCULLIS_DRIVERS_PCI_PCI_H
#define PORTCULLIS_DRIVERS_PCI_PCI_H

#include "kernel/hal.h"

#define PCI_BARS 6

enum pci_bar_kind { PCI_BAR_NONE, PCI_BAR_IO, PCI_BAR_MEM32, PCI_BAR_MEM64 };

struct pci_bar {
	enum pci_bar_kind kind;
	bool prefetchable;
	uint64_t base, len_bytes; /* base: as firmware left it, 0 where unassigned */
};

struct pci_dev {
	struct machine *machine;
	struct pci_addr addr;
	uint16_t vendor, device;
	uint32_t class_code; /* 23:16 base class, 15:8 subclass, 7:0 interface */
	uint8_t header_type; /* 0 endpoint, 1 bridge */
	bool is_pcie;
	uint8_t pcie_type;   /* PCI Express capability, device/port type */
	uint8_t bus_secondary, bus_subordinate; /* bridges */
	int parent;          /* index of the bridge above in the bus, -1 on a root bus */
	struct pci_bar bars[PCI_BARS];
};

/* All functions of one machine. */
struct pci_bus {
	struct machine *machine;
	struct pci_dev *devs;
	unsigned devs_n, devs_max;
};

/* Fills bus->devs (caller's array of devs_max). ERR_FULL: more functions than room (those found stay). */
enum status must_use pci_enumerate(struct machine *m, struct pci_bus *bus);
/* The function at an address, NULL if absent. */
struct pci_dev *pci_find(struct pci_bus *bus, struct pci_addr a);

uint32_t pci_rd(const struct pci_dev *d, uint32_t off, unsigned bytes);
void pci_wr(const struct pci_dev *d, uint32_t off, uint32_t v, unsigned bytes);

/* Offset of a capability (id 01h..) or extended capability, 0 if absent. Bounded against looping lists. */
uint32_t pci_cap(const struct pci_dev *d, uint8_t id);
uint32_t pci_ext_cap(const struct pci_dev *d, uint16_t id);

/* Opens a memory BAR. Assigns an address first where firmware left none. ERR_NOT_FOUND, ERR_NO_MEMORY. */
enum status must_use pci_bar_map(struct pci_dev *d, unsigned bar, mmio_t *out);
/* Memory decoding and bus mastering on or off. */
void pci_enable(struct pci_dev *d, bool memory, bool bus_master);
/* Function-level reset where offered; config space that matters is put back. ERR_UNSUPPORTED, ERR_TIMEOUT. */
enum status must_use pci_flr(struct pci_dev *d);

/* MSI or MSI-X entry 0 set to one message and unmasked; off masks and disables. ERR_UNSUPPORTED. */
enum status must_use pci_msi_set(struct pci_dev *d, uint64_t address, uint32_t data);
void pci_msi_off(struct pci_dev *d);

#endif
