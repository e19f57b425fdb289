/*
 * Fuzzer of what firmware hands over: its memory map, SMBIOS, SPCR and DBG2, and the settings on the stick. The first
 * byte says whose the others are.
 */
#include "boot/efi/config.h"
#include "boot/efi/memory_map.h"
#include "boot/efi/smbios.h"
#include "kernel/hal.h"
#include "kernel/serial_table.h"
#include <string.h>

#define STRIDES 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct boot_info bi;

/* Whatever the map: entries are sorted, none is empty, and neighbours of one kind are joined. */
static void memory_map(const uint8_t *data, size_t size)
{
	static const size_t strides[STRIDES] = { 40, 48, 41 };

	memory_map_translate(data + 1, size - 1, strides[data[0] % STRIDES], &bi);
	ASSERT(bi.memory_n <= BOOT_MEMORY_MAX && bi.efi.runtime_n <= BOOT_RUNTIME_MAX);
	for (uint32_t i = 0; i < bi.memory_n; i++) {
		const struct boot_memory *m = &bi.memory[i];

		ASSERT(m->len_bytes && m->kind >= BOOT_MEMORY_RAM && m->kind <= BOOT_MEMORY_BAD);
		ASSERT(i == 0 || m->base >= m[-1].base);
		ASSERT(i == 0 || m->kind != m[-1].kind || m->base != m[-1].base + m[-1].len_bytes);
	}
}

static void smbios(const uint8_t *data, size_t size)
{
	uint64_t address;
	uint32_t bytes;

	if (size >= SMBIOS_ENTRY_BYTES)
		(void)smbios_entry(data, &address, &bytes);
	memset(&bi.texts, 0, sizeof(bi.texts));
	smbios_texts(data, size, &bi.texts);
	ASSERT(memchr(bi.texts.board_name, 0, BOOT_TEXT_MAX) && memchr(bi.texts.bios_version, 0, BOOT_TEXT_MAX));
}

static void settings(const uint8_t *data, size_t size)
{
	char line[64], value[8] = "";

	config_words(data, size, line, sizeof(line));
	ASSERT(memchr(line, 0, sizeof(line)) && line[0] != ' ' && !strchr(line, '\n'));
	(void)config_take(line, "then", value, sizeof(value));
	ASSERT(memchr(value, 0, sizeof(value)));
}

static void serial(const uint8_t *data, size_t size)
{
	struct serial_port p;

	if (serial_from_spcr(data, size, &p) || serial_from_dbg2(data, size, &p))
		ASSERT(p.address && (p.stride == 1 || p.stride == 2 || p.stride == 4) && (p.mmio || p.address < 0x10000));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parsers[])(const uint8_t *, size_t) = { memory_map, smbios, settings, serial };

	if (size >= 2)
		parsers[data[0] % ARRAY_LEN(parsers)](data + 1, size - 1);
	return 0;
}
