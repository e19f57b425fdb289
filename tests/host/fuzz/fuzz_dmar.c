/*
 * Fuzzes the DMAR parser, the scope resolution and the lookups: the bytes as they come, then as the body of a table
 * whose header is right, so that what lies behind the checksum is reached.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/host/acpi/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct acpi_error error;
	uint8_t *copy;

	walk_dmar(data, size, &error);
	if (size < ACPI_HEADER_BYTES)
		return 0;
	copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	memcpy(copy, "DMAR", 4);
	walk_seal(copy, size);
	walk_dmar(copy, size, &error);
	free(copy);
	return 0;
}
