/* ACPI discovery: RSDP, RSDT/XSDT, FADT, MCFG (ACPI 6.5, chapter 5). Metal only. */
#ifndef PORTCULLIS_KERNEL_ACPI_H
#define PORTCULLIS_KERNEL_ACPI_H

#include "boot/boot_info.h"
#include "kernel/hal.h"
#include "kernel/power.h"

/* Finds the tables' list. ERR_NOT_FOUND, ERR_MALFORMED; the reason is told on the console. */
enum status must_use acpi_init(const struct boot_info *bi);
/*
 * A table by signature: complete and readable, its checksum told in *checksum_good (the caller judges). NULL: absent,
 * or its header lies about its length.
 */
const void *acpi_find(const char sig[4], size_t *bytes, bool *checksum_good);
/* What FADT and DSDT say of power-off and of the PM timer (port 0: none). */
void acpi_power(struct power_acpi *p, uint16_t *pm_timer_port, bool *pm_timer_32_bits);
struct acpi_ioapic {
	uint8_t id;
	uint32_t gsi_base;
	pa_t base;
};

/* What the MADT says: processors that are enabled, I/O APICs (the first max of them). */
struct acpi_interrupts {
	unsigned cpus_n, ioapics_n;
	struct acpi_ioapic ioapics[8];
};

/* All zero where there is no usable MADT. */
void acpi_interrupts(struct acpi_interrupts *out);
/* PCI segments of the MCFG, or segment 0 by port if there is none. Returns how many. */
unsigned acpi_segments(struct pci_segment *out, unsigned max);

#endif
