/* PSF. Version 1: 8 pixels wide, 256 or 512 glyphs. A table at the end may say which characters a glyph shows. */
#include "kernel/screen/font.h"
#include <string.h>

#define PSF1_HEAD_BYTES 4
#define PSF1_512     1u
#define PSF1_TABLE   6u /* either bit */
#define PSF1_SEQUENCE 0xfffeu
#define PSF1_END      0xffffu
#define PSF2_MAGIC   0x864ab572u
#define PSF2_HEAD_BYTES 32
#define PSF2_TABLE   1u
#define PSF2_SEQUENCE 0xfe
#define PSF2_END      0xff
#define GLYPHS_MAX   4096u

static uint32_t le32(const uint8_t *p)
{
	return p[0] + p[1] * 0x100u + p[2] * 0x10000u + p[3] * 0x1000000u;
}

static void shows(struct font *f, unsigned c, unsigned glyph)
{
	if (c >= FONT_FIRST && c <= FONT_LAST)
		f->index[c - FONT_FIRST] = (uint16_t)glyph; /* below GLYPHS_MAX */
}

/* Two bytes a character; what stands behind the mark of a sequence does not count. */
static void read_table_1(struct font *f, const uint8_t *p, size_t n)
{
	unsigned glyph = 0;
	bool alone = true;

	for (size_t i = 0; i + 2 <= n && glyph < f->n; i += 2) {
		unsigned c = p[i] + p[i + 1] * 0x100u;

		if (c == PSF1_END) {
			glyph++;
			alone = true;
		} else if (c == PSF1_SEQUENCE) {
			alone = false;
		} else if (alone) {
			shows(f, c, glyph);
		}
	}
}

/* UTF-8: a byte below 0x80 is a character of its own, and ours are of those. */
static void read_table_2(struct font *f, const uint8_t *p, size_t n)
{
	unsigned glyph = 0;
	bool alone = true;

	for (size_t i = 0; i < n && glyph < f->n; i++) {
		if (p[i] == PSF2_END) {
			glyph++;
			alone = true;
		} else if (p[i] == PSF2_SEQUENCE) {
			alone = false;
		} else if (alone) {
			shows(f, p[i], glyph);
		}
	}
}

static bool sizes_are_sane(const struct font *f, size_t room)
{
	return f->width && f->height && f->width <= FONT_SIDE_MAX && f->height <= FONT_SIDE_MAX && f->n > FONT_LAST &&
		f->n <= GLYPHS_MAX && f->glyph_bytes == f->row_bytes * f->height && (size_t)f->n * f->glyph_bytes <= room;
}

static void number_by_code(struct font *f)
{
	for (unsigned c = FONT_FIRST; c <= FONT_LAST; c++)
		shows(f, c, c);
}

enum status font_open(struct font *f, const void *psf, size_t bytes)
{
	const uint8_t *p = psf;
	size_t head, glyphs;

	memset(f, 0, sizeof(*f));
	if (bytes >= PSF1_HEAD_BYTES && p[0] == 0x36 && p[1] == 0x04) {
		head = PSF1_HEAD_BYTES;
		f->width = 8;
		f->height = f->glyph_bytes = p[3];
		f->n = p[2] & PSF1_512 ? 512 : 256;
	} else if (bytes >= PSF2_HEAD_BYTES && le32(p) == PSF2_MAGIC) {
		head = le32(p + 8);
		f->n = le32(p + 16);
		f->glyph_bytes = le32(p + 20);
		f->height = le32(p + 24);
		f->width = le32(p + 28);
	} else {
		return ERR_MALFORMED;
	}
	f->row_bytes = f->width / 8 + (f->width % 8 != 0);
	if (head > bytes || !sizes_are_sane(f, bytes - head))
		return ERR_MALFORMED;
	f->glyphs = p + head;
	glyphs = (size_t)f->n * f->glyph_bytes;
	number_by_code(f);
	if (head == PSF1_HEAD_BYTES && (p[2] & PSF1_TABLE))
		read_table_1(f, f->glyphs + glyphs, bytes - head - glyphs);
	else if (head >= PSF2_HEAD_BYTES && (le32(p + 12) & PSF2_TABLE))
		read_table_2(f, f->glyphs + glyphs, bytes - head - glyphs);
	return OK;
}

bool font_pixel(const struct font *f, char c, unsigned x, unsigned y)
{
	unsigned glyph = f->index[(c >= FONT_FIRST && c <= FONT_LAST ? c : '?') - FONT_FIRST];
	const uint8_t *row = f->glyphs + (size_t)glyph * f->glyph_bytes + (size_t)y * f->row_bytes;

	return shr(row[x / 8], 7 - x % 8) % 2;
}
