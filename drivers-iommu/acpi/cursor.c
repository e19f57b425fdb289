/*
 * The bounded cursor over ACPI tables, and the standard table header (ACPI 5.2.6).
 */
#include "drivers-iommu/acpi/cursor.h"

#define OFFSET_LENGTH   4u
#define OFFSET_CHECKSUM 9u

struct acpi_cursor acpi_cursor(const void *table, uint32_t from, uint32_t to, struct acpi_error *error)
{
	return (struct acpi_cursor){ .table = table, .pos = from, .end = to, .error = error };
}

enum status acpi_fail(struct acpi_cursor *c, uint32_t offset, const char *reason)
{
	if (!c->error->reason)
		*c->error = (struct acpi_error){ .offset = offset, .reason = reason };
	return ERR_MALFORMED;
}

bool acpi_good(const struct acpi_cursor *c)
{
	return !c->error->reason;
}

uint32_t acpi_left(const struct acpi_cursor *c)
{
	return acpi_good(c) ? c->end - c->pos : 0;
}

const uint8_t *acpi_bytes(struct acpi_cursor *c, uint32_t n)
{
	const uint8_t *p = c->table + c->pos;

	if (!acpi_good(c))
		return NULL;
	if (n > c->end - c->pos) {
		acpi_fail(c, c->pos, "the record ends inside a field");
		return NULL;
	}
	c->pos += n;
	return p;
}

/* The next value of n bytes, least significant byte first. */
static uint64_t value(struct acpi_cursor *c, uint32_t n)
{
	const uint8_t *p = acpi_bytes(c, n);
	uint64_t v = 0;

	for (uint32_t i = n; p && i; i--)
		v = v * 256 + p[i - 1];
	return v;
}

/* The casts below drop nothing: value() of n bytes is below 256^n. */
uint8_t acpi_u8(struct acpi_cursor *c)
{
	return (uint8_t)value(c, 1);
}

uint16_t acpi_u16(struct acpi_cursor *c)
{
	return (uint16_t)value(c, 2);
}

uint32_t acpi_u32(struct acpi_cursor *c)
{
	return (uint32_t)value(c, 4);
}

uint64_t acpi_u64(struct acpi_cursor *c)
{
	return value(c, 8);
}

enum status acpi_record(struct acpi_cursor *c, uint32_t len, uint32_t min, struct acpi_cursor *record)
{
	if (!acpi_good(c))
		return ERR_MALFORMED;
	if (!len)
		return acpi_fail(c, c->pos, "the record's length is zero");
	if (len < min)
		return acpi_fail(c, c->pos, "the record is shorter than its fixed part");
	if (len > c->end - c->pos)
		return acpi_fail(c, c->pos, "the record overruns what holds it");
	*record = acpi_cursor(c->table, c->pos, c->pos + len, c->error);
	c->pos += len;
	return OK;
}

static bool sums_to_zero(const uint8_t *p, uint32_t n)
{
	unsigned sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += p[i];
	return sum % 256 == 0;
}

enum status acpi_table(const void *table, size_t bytes, const char sig[4], struct acpi_header *h,
		       struct acpi_cursor *c, struct acpi_error *error)
{
	const uint8_t *p = table;

	*error = (struct acpi_error){ 0 };
	*c = acpi_cursor(table, 0, (uint32_t)min_u64(bytes, UINT32_MAX), error);
	for (uint32_t i = 0; i < 4; i++)
		if (acpi_left(c) <= i || p[i] != (uint8_t)sig[i])
			return acpi_fail(c, 0, "the signature is not the expected one");
	if (bytes < ACPI_HEADER_BYTES)
		return acpi_fail(c, 0, "the table is shorter than the standard header");
	c->pos = OFFSET_LENGTH;
	h->length = acpi_u32(c);
	h->revision = acpi_u8(c);
	if (h->length < ACPI_HEADER_BYTES)
		return acpi_fail(c, OFFSET_LENGTH, "the length field is less than the standard header");
	if (h->length > bytes)
		return acpi_fail(c, OFFSET_LENGTH, "the length field exceeds the bytes that are there");
	if (h->length < bytes)
		return acpi_fail(c, OFFSET_LENGTH, "the length field is less than the bytes that are there");
	if (!sums_to_zero(p, h->length))
		return acpi_fail(c, OFFSET_CHECKSUM, "the checksum is wrong");
	c->pos = ACPI_HEADER_BYTES;
	return OK;
}
