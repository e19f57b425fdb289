/*
 * A screen of text on a framebuffer of any size and pixel format. What each cell shows is remembered, so that a cell is
 * drawn only when it changes, and the framebuffer, which is slow to read, is only ever written.
 */
#ifndef PORTCULLIS_KERNEL_SCREEN_SURFACE_H
#define PORTCULLIS_KERNEL_SCREEN_SURFACE_H

#include "boot/boot_info.h"
#include "kernel/screen/font.h"

#define SURFACE_COLS_MAX 256u
#define SURFACE_ROWS_MAX 128u
#define SURFACE_COLS_MIN 40u
#define SURFACE_ROWS_MIN 15u

enum colour { COLOUR_BACK, COLOUR_TEXT, COLOUR_DIM, COLOUR_GOOD, COLOUR_BAD, COLOUR_WARN, COLOUR_BAR, COLOUR_PAPER,
	      COLOUR_INK, COLOURS };

struct cell {
	char c;
	uint8_t front, back; /* enum colour */
};

struct surface {
	uint8_t *pixels;
	uint32_t width, height, pitch_bytes, pixel_bytes;
	uint32_t colours[COLOURS]; /* as pixels */
	struct font font;
	unsigned scale, cols, rows;
	struct cell cells[SURFACE_ROWS_MAX][SURFACE_COLS_MAX];
};

/*
 * Takes the framebuffer, whose memory is at pixels, and clears it. Text is enlarged on fine screens, while 100 columns
 * and 30 rows remain. ERR_UNSUPPORTED: a format or size that text cannot be shown on; ERR_MALFORMED: no font.
 */
enum status must_use surface_open(struct surface *s, const struct boot_framebuffer *fb, void *pixels, const void *psf,
				  size_t psf_bytes);
/* Puts text at a place, cut at the screen's edge. */
void surface_text(struct surface *s, unsigned row, unsigned col, enum colour front, enum colour back, const char *text);
/* The same, and blanks up to column end. Up to 255 characters. */
void surface_line(struct surface *s, unsigned row, unsigned col, unsigned end, enum colour front, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* Fills a rectangle of pixels, cut at the edges. Cells beneath it are drawn again only when they change. */
void surface_fill(struct surface *s, unsigned x, unsigned y, unsigned width, unsigned height, enum colour colour);
/* Everything to background. */
void surface_clear(struct surface *s);

#endif
