/* boot/efi/memory_map.c: kinds, joining, sorting, bounds. */
#include "boot/efi/memory_map.h"
#include "tests/host/tap.h"

#define WB      UINT64_C(8)
#define SPECIAL (UINT64_C(1) << 18)
#define RUNTIME (UINT64_C(1) << 63)
#define STRIDE  48 /* firmware's descriptors are longer than the ones of version 1 */
#define MANY    600

static uint8_t map[MANY * STRIDE];
static size_t map_n;
static struct boot_info bi;

static void put(uint32_t type, uint64_t base, uint64_t pages, uint64_t attributes)
{
	uint8_t *d = map + map_n++ * STRIDE;

	memset(d, 0xee, STRIDE);
	memcpy(d, &type, 4);
	memcpy(d + 8, &base, 8);
	memcpy(d + 24, &pages, 8);
	memcpy(d + 32, &attributes, 8);
}

static void translate(void)
{
	memory_map_translate(map, map_n * STRIDE, STRIDE, &bi);
	map_n = 0;
}

static void kinds(void)
{
	static const struct { uint32_t type, kind; } expected[] = {
		{ 0, BOOT_MEMORY_RESERVED }, { 1, BOOT_MEMORY_RAM }, { 2, BOOT_MEMORY_RAM }, { 3, BOOT_MEMORY_RAM },
		{ 4, BOOT_MEMORY_RAM }, { 5, BOOT_MEMORY_RESERVED }, { 6, BOOT_MEMORY_RESERVED }, { 7, BOOT_MEMORY_RAM },
		{ 8, BOOT_MEMORY_BAD }, { 9, BOOT_MEMORY_ACPI }, { 10, BOOT_MEMORY_NVS }, { 11, BOOT_MEMORY_RESERVED },
		{ 12, BOOT_MEMORY_RESERVED }, { 13, BOOT_MEMORY_RESERVED }, { 14, BOOT_MEMORY_RESERVED },
		{ 15, BOOT_MEMORY_RESERVED }, { 0x80000000u, BOOT_MEMORY_RESERVED },
	};

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		put(expected[i].type, 0x100000, 16, WB);
		translate();
		is_u64(bi.memory[0].kind, expected[i].kind, "the kind of type %u", expected[i].type);
		is_u64(bi.memory[0].len_bytes, 0x10000, "its length");
	}
	put(7, 0x100000, 16, 1);
	translate();
	is_u64(bi.memory[0].kind, BOOT_MEMORY_RESERVED, "memory that cannot be cached is not ours");
	put(7, 0x100000, 16, WB | SPECIAL);
	translate();
	is_u64(bi.memory[0].kind, BOOT_MEMORY_RESERVED, "memory with a purpose of its own is not ours");
	put(4, 0x100000, 16, WB | RUNTIME);
	translate();
	is_u64(bi.memory[0].kind, BOOT_MEMORY_RESERVED, "memory of runtime services is not ours, whatever its type");
}

static void joining(void)
{
	put(7, 0x300000, 0x100, WB);
	put(9, 0x400000, 1, WB);
	put(1, 0x100000, 0x100, WB);
	put(2, 0x200000, 0x100, WB);
	translate();
	is_u64(bi.memory_n, 2, "neighbours of one kind become one entry, in any order");
	is_u64(bi.memory[0].base, 0x100000, "it begins with the lowest");
	is_u64(bi.memory[0].len_bytes, 0x300000, "and has all of them");
	is_u64(bi.memory[1].kind, BOOT_MEMORY_ACPI, "another kind stays apart");
	put(7, 0x200000, 0x100, WB);
	put(7, 0x100000, 0x100, WB);
	put(7, 0x400000, 0x100, WB);
	translate();
	is_u64(bi.memory_n, 2, "a lower neighbour is joined, a hole is kept");
	is_u64(bi.memory[0].len_bytes, 0x200000, "the joined length");
}

static void runtime(void)
{
	put(5, 0x1000, 2, WB | RUNTIME);
	put(6, 0x3000, 3, WB | RUNTIME);
	put(11, 0xfff00000, 4, RUNTIME);
	put(7, 0x100000, 5, WB);
	translate();
	is_u64(bi.efi.runtime_n, 3, "regions of runtime services are listed");
	is_u64(bi.efi.runtime[0].kind, BOOT_RUNTIME_CODE, "code");
	is_u64(bi.efi.runtime[1].kind, BOOT_RUNTIME_DATA, "data");
	is_u64(bi.efi.runtime[2].kind, BOOT_RUNTIME_MMIO, "registers");
	is_u64(bi.efi.runtime[2].base, 0xfff00000, "where");
	is_u64(bi.efi.runtime[1].len_bytes, 0x3000, "how much");
}

static void bounds(void)
{
	for (uint32_t i = 0; i < MANY; i++)
		put(7, 0x100000 + i * UINT64_C(0x10000), 1, WB | (i % 2 ? 0 : RUNTIME));
	translate();
	is_u64(bi.memory_n, BOOT_MEMORY_MAX, "as many entries as there is room for");
	is_u64(bi.memory_dropped, MANY - BOOT_MEMORY_MAX, "the others are counted");
	is_u64(bi.efi.runtime_n, BOOT_RUNTIME_MAX, "as many runtime regions as there is room for");
	is_u64(bi.efi.runtime_dropped, MANY / 2 - BOOT_RUNTIME_MAX, "the others are counted");
	put(7, 0, 0, WB);
	put(7, 0x1000, UINT64_C(1) << 52, WB);
	put(7, UINT64_MAX - 0xfff, 1, WB);
	put(7, 0x5000, 1, WB);
	translate();
	is_u64(bi.memory_n, 1, "empty, endless and wrapping regions are passed over");
	put(7, 0x1000, 1, WB);
	memory_map_translate(map, STRIDE - 1, STRIDE, &bi);
	is_u64(bi.memory_n, 0, "half a descriptor is none");
	memory_map_translate(map, STRIDE, 8, &bi);
	is_u64(bi.memory_n, 0, "descriptors that are too short are none");
	map_n = 0;
}

int main(void)
{
	kinds();
	joining();
	runtime();
	bounds();
	return done();
}
