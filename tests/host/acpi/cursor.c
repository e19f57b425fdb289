/*
 * The bounded cursor: values, ends, records, and the standard header of a table.
 */
#include "drivers-iommu/acpi/cursor.h"
#include "tests/acpi/craft.h"
#include "tests/host/tap.h"

static const uint8_t bytes[] = {
	0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc
};

static void values(void)
{
	struct acpi_error error = { 0 };
	struct acpi_cursor c = acpi_cursor(bytes, 0, sizeof bytes, &error);

	is_u64(acpi_u8(&c), 0x01, "a byte");
	is_u64(acpi_u16(&c), 0x4523, "two bytes, least significant first");
	is_u64(acpi_u32(&c), 0xcdab8967, "four bytes");
	is_u64(acpi_u64(&c), 0xdcba9876543210ef, "eight bytes, at an odd offset");
	is_u64(acpi_left(&c), 0, "nothing is left");
	ok(acpi_good(&c), "reading to the very end is no error");
	is_u64(acpi_u8(&c), 0, "a byte behind the end reads as 0");
	is_u64(error.offset, sizeof bytes, "and the error names the end");
	is_str(error.reason, "the record ends inside a field", "with its reason");
}

static void ends(void)
{
	for (unsigned n = 0; n < 8; n++) {
		struct acpi_error error = { 0 };
		struct acpi_cursor c = acpi_cursor(bytes, 4, 4 + n, &error);

		is_u64(acpi_u64(&c), 0, "eight bytes of %u are refused", n);
		is_u64(error.offset, 4, "at the field's offset");
		is_u64(acpi_u8(&c), 0, "and nothing is read after an error");
		ok(!acpi_bytes(&c, 0), "not even no bytes");
		is_u64(acpi_left(&c), 0, "nothing is left after an error");
		is_u64(c.pos, 4, "and the cursor stays");
	}
}

static void first_error_stays(void)
{
	struct acpi_error error = { 0 };
	struct acpi_cursor c = acpi_cursor(bytes, 0, 8, &error), record;

	is_u64((uint64_t)-acpi_fail(&c, 3, "first"), (uint64_t)-ERR_MALFORMED, "an error is ERR_MALFORMED");
	acpi_fail(&c, 5, "second");
	is_u64(error.offset, 3, "the first error's offset is kept");
	is_str(error.reason, "first", "and its reason");
	ok(acpi_record(&c, 4, 1, &record) == ERR_MALFORMED, "no record is cut after an error");
}

static void record_case(uint32_t len, uint32_t min, const char *reason)
{
	struct acpi_error error = { 0 };
	struct acpi_cursor c = acpi_cursor(bytes, 3, 11, &error), record;
	enum status s = acpi_record(&c, len, min, &record);

	is_str(error.reason, reason, "a record of %u bytes, at least %u, where 8 are left", len, min);
	is_u64(s == OK, !reason, "its status says the same");
	if (reason) {
		is_u64(error.offset, 3, "the offset is the record's");
		return;
	}
	is_u64(record.pos, 3, "it begins here");
	is_u64(record.end, 3 + len, "it ends by its length");
	is_u64(c.pos, 3 + len, "the outer cursor is behind it");
	acpi_bytes(&record, len);
	is_u64(acpi_u8(&record), 0, "nothing is read behind it");
	ok(!acpi_good(&c), "its error is the outer cursor's too");
}

static void header_case(const char *what, const uint8_t *p, size_t n, uint32_t offset, const char *reason)
{
	struct acpi_error error;
	struct acpi_header h;
	struct acpi_cursor c;

	ok(acpi_table(p, n, "DMAR", &h, &c, &error) == ERR_MALFORMED, "%s: refused", what);
	is_u64(error.offset, offset, "%s: offset", what);
	is_str(error.reason, reason, "%s: reason", what);
}

static void headers(void)
{
	struct acpi_error error;
	struct acpi_header h;
	struct acpi_cursor c;
	struct craft t;

	craft_dmar(&t, 1);
	ok(acpi_table(t.bytes, t.n, "DMAR", &h, &c, &error) == OK, "a good header is taken");
	is_u64(h.length, 48, "its length");
	is_u64(h.revision, 1, "its revision");
	is_u64(c.pos, 36, "the cursor is behind it");
	is_u64(c.end, 48, "and ends with the table");
	header_case("other signature", (const uint8_t *)"IVRS", 4, 0, "the signature is not the expected one");
	header_case("no bytes", t.bytes, 0, 0, "the signature is not the expected one");
	header_case("three bytes", t.bytes, 3, 0, "the signature is not the expected one");
	header_case("35 bytes", t.bytes, 35, 0, "the table is shorter than the standard header");
	header_case("cut short", t.bytes, 47, 4, "the length field exceeds the bytes that are there");
	header_case("too long", t.bytes, 49, 4, "the length field is less than the bytes that are there");
	craft_set(&t, 4, 35, 4);
	header_case("length 35", t.bytes, 48, 4, "the length field is less than the standard header");
	craft_seal(&t);
	craft_set(&t, 9, t.bytes[9] + 1u, 1);
	header_case("checksum", t.bytes, 48, 9, "the checksum is wrong");
}

int main(void)
{
	values();
	ends();
	first_error_stays();
	record_case(0, 0, "the record's length is zero");
	record_case(0, 4, "the record's length is zero");
	record_case(3, 4, "the record is shorter than its fixed part");
	record_case(9, 4, "the record overruns what holds it");
	record_case(UINT32_MAX, 4, "the record overruns what holds it");
	record_case(4, 4, NULL);
	record_case(8, 4, NULL);
	headers();
	return done();
}
