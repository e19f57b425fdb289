/*
 * From the PVH start info (Xen public/arch-x86/hvm/start_info.h, versions 0 and 1) to struct boot_info.
 * Leaves out: module command lines.
 */
#include "boot/boot_info.h"
#include "kernel/early.h"
#include "kernel/paging.h"
#include <stddef.h>
#include <string.h>

#define START_INFO_MAGIC 0x336ec578u

struct start_info {
	uint32_t magic, version, flags, modules_n;
	uint64_t modules, cmdline, rsdp;
	uint64_t memory; /* from version 1 on */
	uint32_t memory_n, reserved;
};

struct start_memory {
	uint64_t base, len_bytes;
	uint32_t kind, reserved;
};

struct start_module {
	uint64_t base, len_bytes, cmdline, reserved;
};

extern const char kernel_start[];

/* Not on the boot stack: it is larger than that. */
static struct boot_info info;

static void copy_cmdline(const char *from)
{
	uint32_t n = 0;

	while (from[n] && n < BOOT_CMDLINE_MAX - 1) {
		info.cmdline[n] = from[n];
		n++;
	}
	while (from[n + info.cmdline_cut] && info.cmdline_cut < BOOT_CMDLINE_MAX)
		info.cmdline_cut++;
}

static void copy_memory(const struct start_info *si)
{
	const struct start_memory *from = early_ptr(si->memory);

	if (si->version < 1 || !si->memory)
		return;
	for (uint32_t i = 0; i < si->memory_n; i++) {
		if (info.memory_n == BOOT_MEMORY_MAX) {
			info.memory_dropped = si->memory_n - i;
			return;
		}
		info.memory[info.memory_n++] = (struct boot_memory){
			from[i].base, from[i].len_bytes, from[i].kind };
	}
}

static void copy_modules(const struct start_info *si)
{
	const struct start_module *from = early_ptr(si->modules);

	for (uint32_t i = 0; si->modules && i < si->modules_n && i < BOOT_MODULES_MAX; i++)
		info.modules[info.modules_n++] = (struct boot_module){ from[i].base, from[i].len_bytes };
}

static void copy_start(const struct start_info *si, uint64_t pa)
{
	_Static_assert(sizeof(*si) == sizeof(info.start.words), "start info of version 1");
	info.start.pa = pa;
	info.start.version = si->version;
	info.start.flags = si->flags;
	memcpy(info.start.words, si, si->version < 1 ? offsetof(struct start_info, memory) : sizeof(*si));
}

/* Called by pvh.asm with the physical address of the start info, below 4 GiB. */
void pvh_main(uint64_t start_info_pa) __attribute__((noreturn));

void pvh_main(uint64_t start_info_pa)
{
	const struct start_info *si = early_ptr(start_info_pa);

	memcpy(info.loader, "pvh", 4);
	info.image = (uint64_t)(uintptr_t)kernel_start - IMAGE_BASE; /* loaded where it is linked for */
	if (si->magic == START_INFO_MAGIC) {
		copy_start(si, start_info_pa);
		info.rsdp = si->rsdp;
		if (si->cmdline)
			copy_cmdline(early_ptr(si->cmdline));
		copy_memory(si);
		copy_modules(si);
	}
	kernel_main(&info);
}
