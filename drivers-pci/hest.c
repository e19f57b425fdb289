/* Error sources: a list of structures whose length follows from their type. */
#include "drivers-pci/hest.h"
#include "kernel/bits.h"

#define HEST_SOURCES    40u /* 36 bytes of header, then their number */
#define SOURCE_FLAGS    6u
#define   FIRMWARE_FIRST   BIT(0)
#define SOURCE_LEAST    20u
#define BANK_BYTES      28u

/* Bytes of a source; 0: nobody knows. banks_at: where the number of its banks stands, 0 where it has none. */
struct source_type {
	uint8_t bytes, banks_at;
	bool pcie;
};

static const struct source_type types[] = {
	[0] = { 40, 32, false }, [1] = { 48, 44, false }, [2] = { 20, 0, false },
	[6] = { 48, 0, true }, [7] = { 44, 0, true }, [8] = { 56, 0, true },
	[9] = { 64, 0, false }, [10] = { 92, 0, false }, [11] = { 48, 44, false },
};

bool hest_firmware_first(const void *table, size_t bytes)
{
	const uint8_t *p = table;

	for (size_t at = HEST_SOURCES; at + SOURCE_LEAST <= bytes;) {
		unsigned type = p[at] + 256u * p[at + 1];
		size_t length;

		if (type >= ARRAY_LEN(types) || !types[type].bytes || types[type].bytes > bytes - at)
			return false;
		length = types[type].bytes;
		if (types[type].banks_at)
			length += (size_t)p[at + types[type].banks_at] * BANK_BYTES;
		if (types[type].pcie && (p[at + SOURCE_FLAGS] & FIRMWARE_FIRST))
			return true;
		at += length;
	}
	return false;
}
