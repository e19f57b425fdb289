/*
 * Our page tables (SDM vol. 3, chapter 4): a direct map of RAM, the image with W^X, device windows, stacks between
 * guard pages. Four levels, or five where the way in handed over five: nothing of ours needs the room, but leaving them
 * would mean to leave long mode. Metal only.
 */
#ifndef PORTCULLIS_KERNEL_PAGING_H
#define PORTCULLIS_KERNEL_PAGING_H

#include "boot/boot_info.h"
#include "kernel/hal.h"

#define DIRECT_MAP UINT64_C(0xffff800000000000)
#define IMAGE_BASE UINT64_C(0xffffffff80000000)

/* Builds the tables and switches to them; the pool must be up. ERR_NO_MEMORY. */
enum status must_use paging_init(const struct boot_info *bi);
/* 4 or 5. */
unsigned paging_levels(void);
/* Maps a device window uncached; NULL when there is no room. Never unmapped. */
void *paging_map_device(pa_t pa, uint64_t bytes);
/* The same cached: pages that are shared with a hypervisor and belong to no RAM of ours. */
void *paging_map_memory(pa_t pa, uint64_t bytes);
/* Firmware memory (ACPI tables): through the direct map where that covers it, else mapped for reading. NULL: no room. */
/* A framebuffer: writes may be combined, reads are slow. NULL: no memory. */
void *paging_map_framebuffer(pa_t pa, uint64_t bytes);
const void *paging_firmware(pa_t pa, uint64_t bytes);
/* Whether an address leads to memory by the tables in force; with write: that may be written. Device windows do not. */
bool paging_reaches(uint64_t va, bool write);
/*
 * Single pages at addresses of their own, for kernel/linear.c: room for up to 14 of them between unmapped ones (0: there
 * is none; it is free again when the first is cleared), one of them set, or cleared. ERR_NO_MEMORY.
 */
uint64_t paging_run_find(void);
enum status must_use paging_run_set(uint64_t va, pa_t pa, bool writable);
void paging_run_clear(uint64_t va);
/* A new stack with an unmapped page below; 0 when there is no memory, else its top. */
uint64_t paging_stack(uint64_t bytes);

/*
 * Address spaces for firmware that is called at its physical addresses: the lower half is theirs, the upper half is
 * ours as ever. Apart from W^X: firmware's code regions hold code and data in one.
 */
enum paging_kind { PAGING_CODE, PAGING_DATA, PAGING_REGISTERS };

/* An empty one. ERR_NO_MEMORY. */
enum status must_use paging_space(uint64_t *root);
/* Maps whole pages at their own addresses, below 64 TiB. ERR_INVALID, ERR_NO_MEMORY. */
enum status must_use paging_space_map(uint64_t root, pa_t pa, uint64_t bytes, enum paging_kind kind);
void paging_space_enter(uint64_t root);
/* Back to our own tables; does no harm where they are loaded. */
void paging_space_leave(void);

#endif
