/* SMBIOS structures: types 0 (BIOS), 1 (system), 2 (baseboard). */
#include "boot/efi/smbios.h"
#include "kernel/bits.h"
#include <string.h>

#define HEADER_BYTES 4u
#define TYPE_END     127

static uint64_t rd_le(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = bytes; i > 0; i--)
		v = v * 256 + p[i - 1];
	return v;
}

static bool sums_to_zero(const uint8_t *p, unsigned n)
{
	unsigned sum = 0;

	if (!n || n > SMBIOS_ENTRY_BYTES)
		return false;
	for (unsigned i = 0; i < n; i++)
		sum += p[i];
	return sum % 256 == 0;
}

bool smbios_entry(const uint8_t *entry, uint64_t *address, uint32_t *bytes)
{
	if (!memcmp(entry, "_SM3_", 5) && sums_to_zero(entry, entry[6])) {
		*bytes = (uint32_t)rd_le(entry + 0x0c, 4);
		*address = rd_le(entry + 0x10, 8);
		return true;
	}
	if (!memcmp(entry, "_SM_", 4) && sums_to_zero(entry, entry[5])) {
		*bytes = (uint32_t)rd_le(entry + 0x16, 2);
		*address = rd_le(entry + 0x18, 4);
		return true;
	}
	return false;
}

/* Copies string number n of those that follow a structure; blanks at its end go. */
static void take(const uint8_t *strings, size_t bytes, unsigned n, char out[BOOT_TEXT_MAX])
{
	size_t at = 0, len = 0;

	for (unsigned i = 1; i < n; i++) {
		while (at < bytes && strings[at])
			at++;
		at++;
	}
	if (!n || out[0])
		return;
	while (at < bytes && strings[at] && len < BOOT_TEXT_MAX - 1) {
		uint8_t c = strings[at++];

		out[len++] = (char)(c >= ' ' && c < 0x7f ? c : '?');
	}
	while (len && out[len - 1] == ' ')
		len--;
	out[len] = 0;
}

/* The strings of a structure end with two zero bytes, which are there even when it has none. Bytes up to their end. */
static size_t strings_bytes(const uint8_t *strings, size_t bytes)
{
	for (size_t i = 0; i + 1 < bytes; i++)
		if (!strings[i] && !strings[i + 1])
			return i + 2;
	return bytes;
}

void smbios_texts(const uint8_t *table, size_t bytes, struct boot_texts *out)
{
	size_t at = 0;

	while (at + HEADER_BYTES <= bytes) {
		const uint8_t *s = table + at;
		size_t len = s[1], room = bytes - at, strings;

		if (len < HEADER_BYTES || len > room || s[0] == TYPE_END)
			return;
		strings = strings_bytes(s + len, room - len);
		if (len >= 6 && s[0] == 0) {
			take(s + len, strings, s[5], out->bios_version);
		} else if (len >= 6 && s[0] == 1) {
			take(s + len, strings, s[4], out->system_vendor);
			take(s + len, strings, s[5], out->system_name);
		} else if (len >= 6 && s[0] == 2) {
			take(s + len, strings, s[4], out->board_vendor);
			take(s + len, strings, s[5], out->board_name);
		}
		at += len + strings;
	}
}
