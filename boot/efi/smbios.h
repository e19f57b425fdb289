/* What SMBIOS (DSP0134 3.6) says of board, system and firmware. */
#ifndef PORTCULLIS_BOOT_EFI_SMBIOS_H
#define PORTCULLIS_BOOT_EFI_SMBIOS_H

#include <stdbool.h>
#include <stddef.h>
#include "boot/boot_info.h"

#define SMBIOS_ENTRY_BYTES 0x20u /* no entry point is longer */

/* Where the structures lie, by either kind of entry point (5.2). False: it is neither, or its checksum is wrong. */
bool smbios_entry(const uint8_t *entry, uint64_t *address, uint32_t *bytes);
/* Takes the texts of the first structure of each type; what is missing stays as it was. */
void smbios_texts(const uint8_t *table, size_t bytes, struct boot_texts *out);

#endif
