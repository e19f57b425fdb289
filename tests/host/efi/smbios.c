/* boot/efi/smbios.c: entry points and structures, whole and broken. */
#include "boot/efi/smbios.h"
#include "tests/host/tap.h"

static void set_sum(uint8_t *p, unsigned n, unsigned at)
{
	unsigned sum = 0;

	p[at] = 0;
	for (unsigned i = 0; i < n; i++)
		sum += p[i];
	p[at] = (uint8_t)(256 - sum % 256);
}

static void entries(void)
{
	uint8_t newer[SMBIOS_ENTRY_BYTES] = { '_', 'S', 'M', '3', '_', 0, 24, 3, 3 };
	uint8_t older[SMBIOS_ENTRY_BYTES] = { '_', 'S', 'M', '_', 0, 31 };
	uint64_t address = 0;
	uint32_t bytes = 0;

	newer[0x0c] = 0x34;
	newer[0x0d] = 0x12;
	newer[0x10] = 0x78;
	newer[0x14] = 0x01;
	set_sum(newer, 24, 5);
	ok(smbios_entry(newer, &address, &bytes), "an entry point of version 3");
	is_u64(address, UINT64_C(0x100000078), "its address");
	is_u64(bytes, 0x1234, "its length");
	newer[8]++;
	ok(!smbios_entry(newer, &address, &bytes), "a wrong checksum");
	newer[8]--;
	newer[6] = 200;
	ok(!smbios_entry(newer, &address, &bytes), "a length beyond any entry point");
	newer[6] = 0;
	ok(!smbios_entry(newer, &address, &bytes), "no length");
	older[0x16] = 0x10;
	older[0x18] = 0x99;
	set_sum(older, 31, 4);
	ok(smbios_entry(older, &address, &bytes), "an entry point of version 2");
	is_u64(address, 0x99, "its address");
	is_u64(bytes, 0x10, "its length");
	older[0] = 'x';
	ok(!smbios_entry(older, &address, &bytes), "something else");
}

static const uint8_t table[] =
	"\x00\x06\x00\x00\x01\x02" "Vendor\0" "1.2.3  \0" "\0"
	"\x07\x04\x01\x00" "\0\0"
	"\x01\x06\x02\x00\x02\x01" "Model\0" "Maker\0" "\0"
	"\x02\x06\x03\x00\x01\x00" "Board \xff maker\0" "\0"
	"\x02\x06\x03\x00\x01\x02" "Second\0" "Riser\0" "\0"
	"\x7f\x04\xff\x00" "\0\0"
	"\x00\x06\x00\x00\x01\x02" "Late\0" "9\0" "\0";

static void texts(void)
{
	struct boot_texts t = { .firmware_vendor = "kept" };

	smbios_texts(table, sizeof(table) - 1, &t);
	is_str(t.bios_version, "1.2.3", "the version, without blanks at its end");
	is_str(t.system_vendor, "Maker", "the system's maker, by number");
	is_str(t.system_name, "Model", "the system's name");
	is_str(t.board_vendor, "Board ? maker", "the first board's maker, printable");
	is_str(t.board_name, "Riser", "what the first board lacks, the next may have");
	is_str(t.firmware_vendor, "kept", "nothing else changes");
}

static void broken(void)
{
	uint8_t copy[sizeof(table)];

	/* Every cut: the sanitizer watches what is read. */
	for (size_t n = 0; n < sizeof(table); n++) {
		struct boot_texts t = { .firmware_vendor = "" };
		uint8_t *exact = memcpy(copy + sizeof(copy) - n, table, n);

		smbios_texts(exact, n, &t);
	}
	ok(true, "a table may end anywhere");
	for (unsigned len = 0; len < 4; len++) {
		struct boot_texts t = { .firmware_vendor = "" };
		uint8_t bad[] = { 0, (uint8_t)len, 0, 0, 0, 0, 0, 0 };

		smbios_texts(bad, sizeof(bad), &t);
		is_str(t.bios_version, "", "a structure of %u bytes ends the table", len);
	}
}

int main(void)
{
	entries();
	texts();
	broken();
	return done();
}
