/* Text on a framebuffer. */
#include "kernel/screen/surface.h"
#include "kernel/hal.h"
#include <string.h>

#define COLS_GOOD 100u
#define ROWS_GOOD 30u
#define SCALE_MAX 8u
#define LINE_MAX  256

/* Red, green, blue. */
static const uint8_t palette[COLOURS][3] = {
	[COLOUR_BACK] = { 0x10, 0x14, 0x1c }, [COLOUR_TEXT] = { 0xe6, 0xe6, 0xe6 }, [COLOUR_DIM] = { 0x8a, 0x93, 0xa3 },
	[COLOUR_GOOD] = { 0x6c, 0xc6, 0x7a }, [COLOUR_BAD] = { 0xff, 0x6b, 0x60 },  [COLOUR_WARN] = { 0xe8, 0xc1, 0x5c },
	[COLOUR_BAR] = { 0x2f, 0x6f, 0xb0 },  [COLOUR_PAPER] = { 0xff, 0xff, 0xff }, [COLOUR_INK] = { 0, 0, 0 },
};

/* Eight bits of a colour in the place that the mask names, however wide it is. */
static uint32_t component(uint32_t mask, uint8_t value)
{
	uint64_t max;

	if (!mask)
		return 0;
	max = fld_get(mask, mask);
	return (uint32_t)fld_set(mask, 0, value * max / 255);
}

static bool is_field(uint32_t mask)
{
	uint64_t v = fld_get(mask ? mask : 1, mask);

	return mask && (v & (v + 1)) == 0; /* one run of ones */
}

static bool fits(const struct boot_framebuffer *fb, uint32_t pixel_bytes)
{
	return pixel_bytes >= 2 && pixel_bytes <= 4 && fb->width && fb->height && fb->width <= 0x8000 &&
		fb->height <= 0x8000 && fb->pitch_bytes / pixel_bytes >= fb->width && is_field(fb->red) && is_field(fb->green) &&
		is_field(fb->blue);
}

enum status surface_open(struct surface *s, const struct boot_framebuffer *fb, void *pixels, const void *psf,
			 size_t psf_bytes)
{
	uint32_t pixel_bytes = (fb->bits_per_pixel + 7) / 8;
	unsigned w, h;

	if (!pixels || !fits(fb, pixel_bytes))
		return ERR_UNSUPPORTED;
	if (font_open(&s->font, psf, psf_bytes) != OK)
		return ERR_MALFORMED;
	s->pixels = pixels;
	s->width = fb->width;
	s->height = fb->height;
	s->pitch_bytes = fb->pitch_bytes;
	s->pixel_bytes = pixel_bytes;
	for (unsigned i = 0; i < COLOURS; i++)
		s->colours[i] = component(fb->red, palette[i][0]) | component(fb->green, palette[i][1]) |
			component(fb->blue, palette[i][2]);
	w = s->font.width;
	h = s->font.height;
	s->scale = 1;
	while (s->scale < SCALE_MAX && s->width / (w * (s->scale + 1)) >= COLS_GOOD &&
	       s->height / (h * (s->scale + 1)) >= ROWS_GOOD)
		s->scale++;
	s->cols = (unsigned)min_u64(s->width / (w * s->scale), SURFACE_COLS_MAX);
	s->rows = (unsigned)min_u64(s->height / (h * s->scale), SURFACE_ROWS_MAX);
	if (s->cols < SURFACE_COLS_MIN || s->rows < SURFACE_ROWS_MIN)
		return ERR_UNSUPPORTED;
	surface_clear(s);
	return OK;
}

/* Writes n pixels of one colour; returns where the next one goes. */
static uint8_t *put_pixels(uint8_t *to, uint32_t pixel, uint32_t bytes, unsigned n)
{
	/* Little-endian: the low bytes are the pixel. */
	if (bytes == 4)
		for (unsigned i = 0; i < n; i++, to += 4)
			__builtin_memcpy(to, &pixel, 4);
	else
		for (unsigned i = 0; i < n; i++, to += bytes)
			memcpy(to, &pixel, bytes);
	return to;
}

void surface_fill(struct surface *s, unsigned x, unsigned y, unsigned width, unsigned height, enum colour colour)
{
	unsigned right = (unsigned)min_u64((uint64_t)x + width, s->width);
	unsigned end = (unsigned)min_u64((uint64_t)y + height, s->height);

	for (; y < end && x < right; y++)
		put_pixels(s->pixels + (size_t)y * s->pitch_bytes + (size_t)x * s->pixel_bytes, s->colours[colour],
			   s->pixel_bytes, right - x);
}

void surface_clear(struct surface *s)
{
	for (unsigned r = 0; r < SURFACE_ROWS_MAX; r++)
		for (unsigned c = 0; c < SURFACE_COLS_MAX; c++)
			s->cells[r][c] = (struct cell){ ' ', COLOUR_TEXT, COLOUR_BACK };
	surface_fill(s, 0, 0, s->width, s->height, COLOUR_BACK);
}

/* One cell, each line of the glyph made once and copied as often as text is enlarged. */
static void draw(struct surface *s, unsigned row, unsigned col, const struct cell *cell)
{
	uint8_t line[FONT_SIDE_MAX * SCALE_MAX * 4];
	unsigned w = s->font.width, h = s->font.height, scale = s->scale;
	uint8_t *to = s->pixels + (size_t)row * h * scale * s->pitch_bytes + (size_t)col * w * scale * s->pixel_bytes;

	for (unsigned y = 0; y < h; y++) {
		uint8_t *at = line;

		for (unsigned x = 0; x < w; x++) {
			bool on = cell->c != ' ' && font_pixel(&s->font, cell->c, x, y);

			at = put_pixels(at, s->colours[on ? cell->front : cell->back], s->pixel_bytes, scale);
		}
		for (unsigned k = 0; k < scale; k++, to += s->pitch_bytes)
			memcpy(to, line, (size_t)(at - line));
	}
}

void surface_text(struct surface *s, unsigned row, unsigned col, enum colour front, enum colour back, const char *text)
{
	for (; *text && row < s->rows && col < s->cols; text++, col++) {
		struct cell want = { *text, (uint8_t)front, (uint8_t)back }, *has = &s->cells[row][col];

		/* A blank has no front. */
		if (has->c == want.c && has->back == want.back && (has->front == want.front || want.c == ' '))
			continue;
		*has = want;
		draw(s, row, col, &want);
	}
}

void surface_line(struct surface *s, unsigned row, unsigned col, unsigned end, enum colour front, const char *fmt, ...)
{
	char text[LINE_MAX];
	va_list ap;
	size_t n, most = end > col ? min_u64(end - col, sizeof(text) - 1) : 0;

	va_start(ap, fmt);
	str_vprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (n = strlen(text); n < most; n++)
		text[n] = ' ';
	text[most] = 0;
	surface_text(s, row, col, front, COLOUR_BACK, text);
}
