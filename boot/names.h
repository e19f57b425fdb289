/* What a report calls the machine and the time of its run, of what the loader found. */
#ifndef PORTCULLIS_BOOT_NAMES_H
#define PORTCULLIS_BOOT_NAMES_H

#include <stddef.h>
#include "boot/boot_info.h"

/* Vendor and name of the board, or of the system where the board has none; "" for neither. */
void boot_board(const struct boot_texts *t, char *to, size_t room);
/* "2026-01-31-235959", or "undated". */
void boot_date(const struct boot_time *t, char *to, size_t room);

#endif
