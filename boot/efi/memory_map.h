/* From UEFI's memory map (UEFI 2.10, 7.2.3) to the lists in struct boot_info. */
#ifndef PORTCULLIS_BOOT_EFI_MEMORY_MAP_H
#define PORTCULLIS_BOOT_EFI_MEMORY_MAP_H

#include <stddef.h>
#include "boot/boot_info.h"

/*
 * Fills memory and efi.runtime of bi from bytes of descriptors, stride bytes apart. Sorted by address; neighbours of
 * one kind become one entry. RAM is what is free once boot services are gone, the loader's own pages included.
 */
void memory_map_translate(const void *map, size_t bytes, size_t stride, struct boot_info *bi);

#endif
