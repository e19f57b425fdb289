/* UEFI's memory map. */
#include "boot/efi/memory_map.h"
#include "kernel/bits.h"
#include <string.h>

#define DESCRIPTORS_MAX 4096u
#define PAGES_MAX       BIT(40)

#define MEMORY_WB      BIT(3)
#define MEMORY_SPECIAL BIT(18) /* set apart for a purpose of its own: not ours to use */
#define MEMORY_RUNTIME BIT(63)

struct descriptor {
	uint32_t type, reserved;
	uint64_t physical, virtual_start, pages, attributes;
};
_Static_assert(sizeof(struct descriptor) == 40, "EFI_MEMORY_DESCRIPTOR, version 1");

enum {
	TYPE_LOADER_CODE = 1, TYPE_LOADER_DATA, TYPE_BOOT_CODE, TYPE_BOOT_DATA, TYPE_RUNTIME_CODE, TYPE_RUNTIME_DATA,
	TYPE_CONVENTIONAL, TYPE_UNUSABLE, TYPE_ACPI, TYPE_NVS, TYPE_MMIO, TYPE_MMIO_PORTS,
};

static uint32_t kind_of(const struct descriptor *d)
{
	switch (d->type) {
	case TYPE_LOADER_CODE:
	case TYPE_LOADER_DATA:
	case TYPE_BOOT_CODE:
	case TYPE_BOOT_DATA:
	case TYPE_CONVENTIONAL:
		return (d->attributes & MEMORY_WB) && !(d->attributes & (MEMORY_SPECIAL | MEMORY_RUNTIME)) ?
			BOOT_MEMORY_RAM : BOOT_MEMORY_RESERVED;
	case TYPE_UNUSABLE:
		return BOOT_MEMORY_BAD;
	case TYPE_ACPI:
		return BOOT_MEMORY_ACPI;
	case TYPE_NVS:
		return BOOT_MEMORY_NVS;
	default:
		return BOOT_MEMORY_RESERVED;
	}
}

static bool continues(const struct boot_memory *a, const struct boot_memory *b)
{
	return a->kind == b->kind && a->base + a->len_bytes == b->base;
}

static void remove_at(struct boot_info *bi, uint32_t i)
{
	bi->memory_n--;
	memmove(&bi->memory[i], &bi->memory[i + 1], (bi->memory_n - i) * sizeof(bi->memory[0]));
}

/* Puts an entry where it belongs and joins it with its neighbours. */
static void add(struct boot_info *bi, struct boot_memory m)
{
	uint32_t i = bi->memory_n;

	while (i > 0 && bi->memory[i - 1].base > m.base)
		i--;
	if (i > 0 && continues(&bi->memory[i - 1], &m)) {
		bi->memory[--i].len_bytes += m.len_bytes;
	} else if (i < bi->memory_n && continues(&m, &bi->memory[i])) {
		bi->memory[i].base = m.base;
		bi->memory[i].len_bytes += m.len_bytes;
	} else if (bi->memory_n == BOOT_MEMORY_MAX) {
		bi->memory_dropped++;
		return;
	} else {
		memmove(&bi->memory[i + 1], &bi->memory[i], (bi->memory_n - i) * sizeof(bi->memory[0]));
		bi->memory[i] = m;
		bi->memory_n++;
	}
	if (i + 1 < bi->memory_n && continues(&bi->memory[i], &bi->memory[i + 1])) {
		bi->memory[i].len_bytes += bi->memory[i + 1].len_bytes;
		remove_at(bi, i + 1);
	}
}

static void add_runtime(struct boot_info *bi, const struct descriptor *d)
{
	struct boot_efi *efi = &bi->efi;
	uint32_t kind = d->type == TYPE_RUNTIME_CODE ? BOOT_RUNTIME_CODE :
			d->type == TYPE_MMIO || d->type == TYPE_MMIO_PORTS ? BOOT_RUNTIME_MMIO : BOOT_RUNTIME_DATA;

	if (efi->runtime_n == BOOT_RUNTIME_MAX)
		efi->runtime_dropped++;
	else
		efi->runtime[efi->runtime_n++] = (struct boot_runtime){ d->physical, d->pages * 4096, kind };
}

void memory_map_translate(const void *map, size_t bytes, size_t stride, struct boot_info *bi)
{
	bi->memory_n = bi->memory_dropped = 0;
	bi->efi.runtime_n = bi->efi.runtime_dropped = 0;
	if (stride < sizeof(struct descriptor))
		return;
	for (size_t i = 0; i < DESCRIPTORS_MAX && (i + 1) * stride <= bytes; i++) {
		struct descriptor d;

		memcpy(&d, (const char *)map + i * stride, sizeof(d)); /* the stride promises no alignment */
		if (!d.pages || d.pages > PAGES_MAX || d.physical > UINT64_MAX - d.pages * 4096)
			continue;
		add(bi, (struct boot_memory){ d.physical, d.pages * 4096, kind_of(&d) });
		if (d.attributes & MEMORY_RUNTIME)
			add_runtime(bi, &d);
	}
}
