/*
 * What every way in hands to the kernel: filled by boot/pvh_info.c (QEMU, Xen) or by the EFI application, which is
 * compiled from this very file, too. All addresses are physical. What a way in does not know stays zero or empty.
 */
#ifndef PORTCULLIS_BOOT_BOOT_INFO_H
#define PORTCULLIS_BOOT_BOOT_INFO_H

#include <stdint.h>

#define BOOT_MEMORY_MAX  256
#define BOOT_CMDLINE_MAX 2048
#define BOOT_MODULES_MAX 8
#define BOOT_RUNTIME_MAX 64
#define BOOT_TEXT_MAX    64

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
	uint32_t red, green, blue; /* masks in a pixel read as one little-endian word */
};

/* What SMBIOS and the firmware say of themselves: printable ASCII, cut where too long. */
struct boot_texts {
	char firmware_vendor[BOOT_TEXT_MAX];
	char bios_version[BOOT_TEXT_MAX];
	char board_vendor[BOOT_TEXT_MAX];
	char board_name[BOOT_TEXT_MAX];
	char system_vendor[BOOT_TEXT_MAX];
	char system_name[BOOT_TEXT_MAX];
};

enum boot_runtime_kind { BOOT_RUNTIME_CODE = 1, BOOT_RUNTIME_DATA = 2, BOOT_RUNTIME_MMIO = 3 };

/* Memory that the firmware's runtime services use, at its physical address: no virtual map was ever set. */
struct boot_runtime {
	uint64_t base, len_bytes;
	uint32_t kind;
};

enum boot_secure { BOOT_SECURE_UNKNOWN = 0, BOOT_SECURE_OFF = 1, BOOT_SECURE_ON = 2, BOOT_SECURE_SETUP = 3 };

struct boot_efi {
	uint64_t system_table; /* 0: not started by UEFI */
	uint32_t secure;       /* enum boot_secure */
	uint32_t runtime_n, runtime_dropped;
	struct boot_runtime runtime[BOOT_RUNTIME_MAX];
};

/* The PCI function behind which the boot medium lies (a USB or disk controller, a network card): never an engine. */
struct boot_device {
	uint8_t known;
	uint16_t segment, sid;
};

#define BOOT_START_WORDS 14

/* The PVH start info as it was found (start_info.h): the words of version 1, those after version 0's last are 0 there. */
struct boot_start {
	uint64_t pa; /* 0: not started that way */
	uint32_t version, flags;
	uint32_t words[BOOT_START_WORDS];
};

/* When the loader started, by the firmware's clock; year 0: not known. */
struct boot_time {
	uint16_t year;
	uint8_t month, day, hour, minute, second;
};

/* RAM that outlives a warm reset, for the run's log; bytes 0: none. It is never in the page pool. */
struct boot_log {
	uint64_t base, bytes;
};

struct boot_info {
	char loader[8];     /* "pvh", "efi" */
	uint64_t image;     /* where the kernel's first byte lies */
	uint64_t rsdp;      /* 0: search where PC firmware puts it */
	struct boot_memory memory[BOOT_MEMORY_MAX];
	uint32_t memory_n;
	uint32_t memory_dropped; /* entries that did not fit */
	struct boot_module modules[BOOT_MODULES_MAX];
	uint32_t modules_n;
	struct boot_framebuffer framebuffer; /* width 0: none */
	char cmdline[BOOT_CMDLINE_MAX];
	uint32_t cmdline_cut; /* bytes that did not fit */
	struct boot_texts texts;
	struct boot_efi efi;
	struct boot_device device;
	struct boot_time time;
	struct boot_log log;
	struct boot_module font; /* PSF, for the framebuffer; len_bytes 0: none */
	struct boot_start start;
};

/* Never returns. */
void kernel_main(struct boot_info *bi) __attribute__((noreturn));

#endif
