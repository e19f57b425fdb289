/* The kernel's ELF file, as it is embedded: where its parts go and where it is entered. */
#ifndef PORTCULLIS_BOOT_EFI_IMAGE_H
#define PORTCULLIS_BOOT_EFI_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image {
	uint64_t first, end; /* linked addresses: page of the first byte, and behind the last */
	uint64_t entry;      /* linked address of the 64-bit entry (boot/handover.asm) */
};

/* Reads the headers and the note that names the entry. False: this is not such a file. */
bool image_read(const uint8_t *elf, size_t bytes, struct image *out);
/* Copies the parts to to, which stands for out->first, and clears the rest up to out->end. elf was read before. */
void image_place(const uint8_t *elf, const struct image *image, uint8_t *to);

#endif
