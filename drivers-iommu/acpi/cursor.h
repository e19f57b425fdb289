/*
 * A bounded little-endian cursor over an ACPI table: the only way by which the parsers read firmware's bytes.
 *
 * It knows where the table ends and refuses whatever lies beyond. The first error is kept (offset in the table and a
 * reason); from then on every read gives 0 and nothing moves, so that a parser may read a whole record and look at the
 * error once. Cursors cut from one another share that error.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_ACPI_CURSOR_H
#define PORTCULLIS_DRIVERS_IOMMU_ACPI_CURSOR_H

#include "kernel/bits.h"
#include "kernel/status.h"

/* What is wrong with a table and where: the offset of the field, or of the record, that breaks its rule. */
struct acpi_error {
	uint32_t offset;
	const char *reason; /* a constant text; NULL: nothing is wrong */
};

struct acpi_cursor {
	const uint8_t *table;     /* start of the table: offsets count from here */
	uint32_t pos, end;        /* the next byte, and the first that must not be read */
	struct acpi_error *error;
};

/* The standard header that starts every table (ACPI 5.2.6). */
struct acpi_header {
	uint32_t length;
	uint8_t revision;
};

#define ACPI_HEADER_BYTES 36u

/* A cursor over [from, to) of the table, sharing error. The caller vouches for the range. */
struct acpi_cursor acpi_cursor(const void *table, uint32_t from, uint32_t to, struct acpi_error *error);
/* Notes an error unless there is one already. Returns ERR_MALFORMED, for the caller to return in turn. */
enum status acpi_fail(struct acpi_cursor *c, uint32_t offset, const char *reason);
/* False once anything was refused. */
bool acpi_good(const struct acpi_cursor *c);
/* Bytes that are left; 0 after an error. */
uint32_t acpi_left(const struct acpi_cursor *c);

/* The next value; 0 and an error at its offset where it does not fit. */
uint8_t acpi_u8(struct acpi_cursor *c);
uint16_t acpi_u16(struct acpi_cursor *c);
uint32_t acpi_u32(struct acpi_cursor *c);
uint64_t acpi_u64(struct acpi_cursor *c);
/* The next n bytes as they lie in the table; NULL and an error where they do not fit. */
const uint8_t *acpi_bytes(struct acpi_cursor *c, uint32_t n);

/*
 * Cuts the record of len bytes that starts here into *record and moves past it. Refused, with the offset of the record:
 * a length of zero, one below min (the fixed part of such a record), one that overruns what holds it.
 */
enum status must_use acpi_record(struct acpi_cursor *c, uint32_t len, uint32_t min, struct acpi_cursor *record);

/*
 * Checks the standard header of a table of bytes and its checksum, and leaves the cursor behind the header, over the
 * whole table. bytes must equal the length field. ERR_MALFORMED, with *error saying what and where.
 */
enum status must_use acpi_table(const void *table, size_t bytes, const char sig[4], struct acpi_header *h,
				struct acpi_cursor *c, struct acpi_error *error);

#endif
