/*
 * What every way in hands to the kernel: filled by boot/pvh_info.c (QEMU, Xen) or by the EFI application.
 * All addresses are physical.
 */
#ifndef PORTCULLIS_BOOT_BOOT_INFO_H
#define PORTCULLIS_BOOT_BOOT_INFO_H

#include <stdint.h>

#define BOOT_MEMORY_MAX  128
#define BOOT_CMDLINE_MAX 2048
#define BOOT_MODULES_MAX 8

enum boot_memory_kind {
	BOOT_MEMORY_RAM = 1,
	BOOT_MEMORY_RESERVED = 2,
	BOOT_MEMORY_ACPI = 3,     /* ACPI tables, reclaimable: read, never handed out */
	BOOT_MEMORY_NVS = 4,
	BOOT_MEMORY_BAD = 5,
};

struct boot_memory {
	uint64_t base, len_bytes;
	uint32_t kind;
};

struct boot_module {
	uint64_t base, len_bytes;
};

struct boot_framebuffer {
	uint64_t base;
	uint32_t width, height, pitch_bytes, bits_per_pixel;
};

struct boot_info {
	const char *loader; /* "pvh", "efi" */
	uint64_t rsdp;      /* 0: search where PC firmware puts it */
	struct boot_memory memory[BOOT_MEMORY_MAX];
	uint32_t memory_n;
	uint32_t memory_dropped; /* entries that did not fit */
	struct boot_module modules[BOOT_MODULES_MAX];
	uint32_t modules_n;
	struct boot_framebuffer framebuffer; /* width 0: none */
	char cmdline[BOOT_CMDLINE_MAX];
	uint32_t cmdline_cut; /* bytes that did not fit */
};

/* Never returns. */
void kernel_main(struct boot_info *bi) __attribute__((noreturn));

#endif
