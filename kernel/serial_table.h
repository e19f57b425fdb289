/*
 * Which serial port firmware wants a console on: Microsoft's Serial Port Console Redirection table (SPCR, revision 4)
 * and Debug Port Table 2 (DBG2, 2023). 16550 and its kin only.
 */
#ifndef PORTCULLIS_KERNEL_SERIAL_TABLE_H
#define PORTCULLIS_KERNEL_SERIAL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct serial_port {
	bool mmio;        /* registers in memory, else I/O ports */
	uint64_t address; /* of the first register, below 64 KiB for ports */
	unsigned stride;  /* from one register to the next: 1, 2 or 4 bytes, which is also how they are accessed */
};

/* Both take a whole table of n bytes, header included. False: it names no port that we know. */
bool serial_from_spcr(const uint8_t *table, size_t n, struct serial_port *out);
bool serial_from_dbg2(const uint8_t *table, size_t n, struct serial_port *out);

#endif
