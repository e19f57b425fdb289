/* The ACPI table of error sources (HEST, ACPI 6.5 18.3.2), as far as it speaks of PCI Express. */
#ifndef PORTCULLIS_DRIVERS_PCI_HEST_H
#define PORTCULLIS_DRIVERS_PCI_HEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * True where firmware handles errors of PCI Express first: a source of them (root port, device, bridge) is marked so.
 * A source of unknown length ends the table.
 */
bool hest_firmware_first(const void *table, size_t bytes);

#endif
