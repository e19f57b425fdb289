/*
 * A fake machine for unit tests of drivers-pci: functions in a physical tree, found through the bus numbers that its
 * bridges hold at that moment, as on hardware.
 */
#ifndef PORTCULLIS_TESTS_HOST_PCI_FAKE_H
#define PORTCULLIS_TESTS_HOST_PCI_FAKE_H

#include "drivers-pci/pci.h"

#define FAKE_FNS_MAX 64
#define FAKE_MEM_BYTES 0x4000u

struct pci_fake_fn {
	int parent;                /* index of the bridge above, -1: on a root bus */
	uint8_t root_bus, devfn;
	uint8_t cfg[4096];         /* what is read */
	uint8_t writable[4096];    /* bits that a write changes */
	uint8_t written[4096];     /* bits that some write has set */
	bool sized_while_decoding; /* a BAR took all ones while memory decoding was on */
};

struct pci_fake {
	struct machine machine;
	struct pci_fake_fn fns[FAKE_FNS_MAX];
	unsigned fns_n;
	unsigned accesses;
	bool no_extended;          /* only 256 bytes of each function can be reached */
	uint8_t mem[FAKE_MEM_BYTES];
	uint64_t mem_base;         /* what was mapped last */
	struct pci_dev devs[FAKE_FNS_MAX];
	struct pci_bus bus;
};

/* One segment, buses 0 to 255, a hole of 16 MiB at 0xc0000000, no functions. */
void pci_fake_init(struct pci_fake *f);
/* Adds a function; returns its index. class_code as in struct pci_dev. */
int pci_fake_add(struct pci_fake *f, int parent, uint8_t root_bus, unsigned dev, unsigned fn, uint32_t class_code);
/* A bridge with the given bus numbers. */
int pci_fake_bridge(struct pci_fake *f, int parent, unsigned dev, uint8_t secondary, uint8_t subordinate);
void pci_fake_put(struct pci_fake *f, int fn, uint32_t off, uint32_t v, unsigned bytes);
uint32_t pci_fake_get(const struct pci_fake *f, int fn, uint32_t off, unsigned bytes);
/* A BAR register pair or single: type bits, size, value left by firmware. */
void pci_fake_bar(struct pci_fake *f, int fn, unsigned bar, uint32_t type_bits, uint64_t bytes, uint64_t base);
/* Appends a capability at off, with the list pointer of the previous one (or of the header) at link. */
void pci_fake_cap(struct pci_fake *f, int fn, uint32_t link, uint32_t off, uint8_t id);
/* The found function that is fns[fn], NULL. By vendor and device: pci_fake_add() gives each index its own. */
struct pci_dev *pci_fake_found(struct pci_fake *f, int fn);
enum status pci_fake_enumerate(struct pci_fake *f);

#endif
