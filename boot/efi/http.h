/* One small file over HTTP (UEFI 2.10, chapter 29), beside the one that the application was started from. */
#ifndef PORTCULLIS_BOOT_EFI_HTTP_H
#define PORTCULLIS_BOOT_EFI_HTTP_H

#include "boot/efi/app.h"

/*
 * Fetches the file of that name from the folder of the application's address, as far as room goes. Bytes read; 0: the
 * application did not come over HTTP, the server has no such file, or does not answer within seconds.
 */
size_t http_beside(const struct app *app, const char *file, uint8_t *to, size_t room);

#endif
