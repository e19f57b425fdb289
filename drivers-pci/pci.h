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
	uint64_t base, len_bytes; /* base: 0 where unassigned */
	bool mapped;              /* window is open */
	mmio_t window;
};

struct pci_bus;

/* Error reporting as it was before pci_errors_mask(). */
struct pci_errors {
	bool saved;
	uint16_t command, bridge_control, devctl, rootctl;
	uint32_t uncorrectable, correctable, root_command;
};

struct pci_dev {
	struct machine *machine;
	struct pci_bus *bus;
	struct pci_addr addr;
	uint16_t vendor, device;
	uint32_t class_code; /* 23:16 base class, 15:8 subclass, 7:0 interface */
	uint8_t header_type; /* 0 endpoint, 1 bridge */
	bool is_pcie;
	uint8_t pcie_type;   /* PCI Express capability, device/port type */
	uint8_t bus_secondary, bus_subordinate; /* bridges */
	int parent;          /* index of the bridge above in the bus, -1 on a root bus */
	struct pci_bar bars[PCI_BARS];
	const char *denied;  /* why nobody may reset it or make it an engine; NULL: anybody may */
	struct pci_errors errors;
};

/*
 * All functions of one machine. The caller fills in devs, devs_max, and whichever of the last three it knows; devices
 * point back to it, so it stays where it is.
 */
struct pci_bus {
	struct machine *machine;
	struct pci_dev *devs;
	unsigned devs_n, devs_max;
	bool scratch_media;                  /* the platform declared disks to be scratch: engines may write them */
	bool look_only;                      /* configuration space is read alone: no sizes of BARs, no new bus numbers */
	bool reset_engines;                  /* functions are reset before they become engines and afterwards */
	uint64_t hole_base, hole_last;       /* addresses for BARs that firmware left unassigned; base 0: none */
};

/* For log_line(): log_line("pci: " PCI_FMT, PCI_ARGS(dev->addr)). */
#define PCI_FMT "%04x:%02x:%02x.%x"
#define PCI_ARGS(a) (unsigned)(a).segment, (unsigned)fld_get(SID_BUS, (a).sid), \
	(unsigned)fld_get(SID_DEV, (a).sid), (unsigned)fld_get(SID_FN, (a).sid)

/*
 * Fills bus->devs (caller's array of devs_max): first the trees that firmware numbered, root bus by root bus, parents
 * before children; then what is behind bridges that firmware left without bus numbers, which get some. ERR_FULL: more
 * functions than room (those found stay).
 */
enum status must_use pci_enumerate(struct machine *m, struct pci_bus *bus);
/* The function at an address, NULL if absent. */
struct pci_dev *pci_find(struct pci_bus *bus, struct pci_addr a);

uint32_t pci_rd(const struct pci_dev *d, uint32_t off, unsigned bytes);
void pci_wr(const struct pci_dev *d, uint32_t off, uint32_t v, unsigned bytes);

/* Offset of a capability (id 01h..) or extended capability, 0 if absent. Bounded against looping lists. */
uint32_t pci_cap(const struct pci_dev *d, uint8_t id);
uint32_t pci_ext_cap(const struct pci_dev *d, uint16_t id);

/*
 * Gives addresses to the memory BARs and bridge windows below and including d that firmware left without, inside the
 * window of the bridge above or bus->hole_base..hole_last. ERR_NO_MEMORY: no room for them.
 */
enum status must_use pci_assign(struct pci_dev *d);
/*
 * Opens a memory BAR and turns memory decoding on. Assigns an address first where firmware left none. The window
 * stays open; later calls give the same; of a huge BAR it is the first 256 MiB. ERR_NOT_FOUND (no such memory BAR),
 * ERR_NO_MEMORY.
 */
enum status must_use pci_bar_map(struct pci_dev *d, unsigned bar, mmio_t *out);
/*
 * Memory decoding and bus mastering of d on or off. What is turned on is turned on in the bridges above, too. Bus
 * mastering of a denied function stays as it is.
 */
void pci_enable(struct pci_dev *d, bool memory, bool bus_master);
/*
 * Function-level reset where offered; config space that matters is put back. ERR_UNSUPPORTED, ERR_TIMEOUT, ERR_DENIED.
 */
enum status must_use pci_flr(struct pci_dev *d);

/* Marks d as one to be left alone, and tells so; why is a constant. */
void pci_deny(struct pci_dev *d, const char *why);
/* The same for displays, keyboards and management controllers. */
void pci_deny_usual(struct pci_bus *bus);

/* Turns error reporting of d and of all bridges above off: AER, SERR. */
void pci_errors_mask(struct pci_dev *d);
/* Forgets the errors that were logged, and puts reporting back on every function where it was turned off. */
void pci_errors_restore(struct pci_bus *bus);

/*
 * MSI-X entry 0, or where there is none MSI, set to one message and unmasked; off masks and disables. ERR_UNSUPPORTED:
 * neither is there, or the address is not of a doubleword. ERR_INVALID: MSI that cannot hold it (data above 16 bits,
 * 64-bit address without that ability).
 */
enum status must_use pci_msi_set(struct pci_dev *d, uint64_t address, uint32_t data);
/*
 * The same in two steps, for functions that look at MSI while they are set up: prepared, MSI-X is enabled with the
 * function mask on. pci_msi_unmask() says whether a message was pending, which is sent then.
 */
enum status must_use pci_msi_prepare(struct pci_dev *d, uint64_t address, uint32_t data);
bool pci_msi_unmask(struct pci_dev *d);
void pci_msi_off(struct pci_dev *d);

#endif
