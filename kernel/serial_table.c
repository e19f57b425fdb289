/* SPCR and DBG2. */
#include "kernel/serial_table.h"

#define SPCR_TYPE       36
#define SPCR_ADDRESS    40
#define DBG2_FIRST      36
#define DBG2_COUNT      40
#define DBG2_HEAD_BYTES 44
#define DEVICE_BYTES    22 /* of a DBG2 device, up to its variable part */
#define DEVICE_LENGTH   1
#define DEVICE_ADDRESSES 3
#define DEVICE_TYPE     12
#define   TYPE_SERIAL   0x8000
#define DEVICE_SUBTYPE  14
#define DEVICE_ADDRESS  18

/* The same numbers in both tables. */
enum { UART_16550 = 0, UART_16450 = 1, UART_16550_BY_ADDRESS = 0x12 };

/* ACPI 5.2.3.2: the generic address structure. */
#define GAS_BYTES   12
#define GAS_SPACE   0
#define   SPACE_MEMORY 0
#define   SPACE_IO  1
#define GAS_WIDTH   1
#define GAS_ACCESS  3
#define   ACCESS_WORD 2
#define   ACCESS_DWORD 3
#define GAS_ADDRESS 4

static uint64_t rd_le(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = bytes; i > 0; i--)
		v = v * 256 + p[i - 1];
	return v;
}

static bool is_16550(uint64_t type)
{
	return type == UART_16550 || type == UART_16450 || type == UART_16550_BY_ADDRESS;
}

static unsigned stride_of(const uint8_t *gas)
{
	if (gas[GAS_ACCESS] == ACCESS_DWORD || gas[GAS_WIDTH] == 32)
		return 4;
	return gas[GAS_ACCESS] == ACCESS_WORD || gas[GAS_WIDTH] == 16 ? 2 : 1;
}

static bool take_address(const uint8_t *gas, struct serial_port *out)
{
	uint64_t address = rd_le(gas + GAS_ADDRESS, 8);

	if (!address || gas[GAS_SPACE] > SPACE_IO || (gas[GAS_SPACE] == SPACE_IO && address > 0xfff8))
		return false;
	out->mmio = gas[GAS_SPACE] == SPACE_MEMORY;
	out->address = address;
	out->stride = out->mmio ? stride_of(gas) : 1;
	return !out->mmio || address % out->stride == 0;
}

bool serial_from_spcr(const uint8_t *table, size_t n, struct serial_port *out)
{
	return n >= SPCR_ADDRESS + GAS_BYTES && is_16550(table[SPCR_TYPE]) && take_address(table + SPCR_ADDRESS, out);
}

bool serial_from_dbg2(const uint8_t *table, size_t n, struct serial_port *out)
{
	uint64_t at, count;

	if (n < DBG2_HEAD_BYTES)
		return false;
	at = rd_le(table + DBG2_FIRST, 4);
	count = rd_le(table + DBG2_COUNT, 4);
	for (uint64_t i = 0; i < count && at < n && n - at >= DEVICE_BYTES; i++) {
		const uint8_t *d = table + at;
		uint64_t bytes = rd_le(d + DEVICE_LENGTH, 2), gas = rd_le(d + DEVICE_ADDRESS, 2);

		if (bytes < DEVICE_BYTES || bytes > n - at)
			return false;
		if (rd_le(d + DEVICE_TYPE, 2) == TYPE_SERIAL && is_16550(rd_le(d + DEVICE_SUBTYPE, 2)) &&
		    d[DEVICE_ADDRESSES] && gas + GAS_BYTES <= bytes && take_address(d + gas, out))
			return true;
		at += bytes;
	}
	return false;
}
