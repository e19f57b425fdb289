/* Console fonts as packages bring them: PSF, versions 1 and 2. Nothing is copied; the bytes stay where they are. */
#ifndef PORTCULLIS_KERNEL_SCREEN_FONT_H
#define PORTCULLIS_KERNEL_SCREEN_FONT_H

#include "kernel/bits.h"
#include "kernel/status.h"

#define FONT_SIDE_MAX 64 /* pixels */
#define FONT_FIRST ' '
#define FONT_LAST  '~'

struct font {
	const uint8_t *glyphs;
	unsigned width, height, row_bytes, glyph_bytes, n;
	uint16_t index[FONT_LAST - FONT_FIRST + 1]; /* of the glyph for each printable character */
};

/* ERR_MALFORMED: no PSF, or one that lies about its size. */
enum status must_use font_open(struct font *f, const void *psf, size_t bytes);
/* True where the glyph of c has a pixel; characters that the font lacks look like '?'. */
bool font_pixel(const struct font *f, char c, unsigned x, unsigned y);

#endif
