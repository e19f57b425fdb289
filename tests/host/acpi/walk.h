/*
 * Reads everything that a table offers and insists that parser, iterators and lookups agree: for the exhaustive unit
 * tests and the fuzzers. A disagreement traps, and the sanitizers see every read that is out of bounds, since the bytes
 * are first copied to a block of exactly their size.
 */
#ifndef PORTCULLIS_TESTS_HOST_ACPI_WALK_H
#define PORTCULLIS_TESTS_HOST_ACPI_WALK_H

#include "drivers-iommu/acpi/cursor.h"

/* What dmar_open() and ivrs_open() said; *error is theirs. */
enum status walk_dmar(const uint8_t *bytes, size_t n, struct acpi_error *error);
enum status walk_ivrs(const uint8_t *bytes, size_t n, struct acpi_error *error);

typedef enum status walk_fn(const uint8_t *bytes, size_t n, struct acpi_error *error);

/* Makes length field and checksum of n bytes good, so that what lies behind the header is reached. */
void walk_seal(uint8_t *bytes, size_t n);
/* Every truncation and every value of every byte, as it is and sealed. Returns how many tables were read. */
unsigned walk_mutants(const uint8_t *bytes, size_t n, walk_fn *walk);

#endif
