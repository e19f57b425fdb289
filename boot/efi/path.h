/* Names of files beside the application, by the path that it was loaded from. */
#ifndef PORTCULLIS_BOOT_EFI_PATH_H
#define PORTCULLIS_BOOT_EFI_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATH_MAX_CHARS 256

/*
 * The name of file in the folder of path, whose last part is dropped: "\EFI\BOOT\BOOTX64.EFI" gives
 * "\EFI\BOOT\<file>". Separators are "\" and "/" and are kept. False: too long, out holds nothing.
 */
bool path_beside(const uint16_t *path, size_t path_chars, const char *file, uint16_t out[PATH_MAX_CHARS]);
/* The same for the name of a boot file on a network's server. */
bool path_beside_text(const char *path, size_t path_chars, const char *file, char out[PATH_MAX_CHARS]);
/* The host, with its port if there is one, of "scheme://host:port/path". False: this is no such address. */
bool url_host(const char *url, char out[PATH_MAX_CHARS]);

#endif
