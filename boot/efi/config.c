/* portcullis.cfg. */
#include "boot/efi/config.h"
#include <string.h>

struct reader {
	const uint8_t *text;
	size_t at, bytes;
	unsigned width; /* bytes a character */
};

static struct reader reader_open(const uint8_t *text, size_t bytes)
{
	struct reader r = { text, 0, bytes, 1 };

	if (bytes >= 3 && text[0] == 0xef && text[1] == 0xbb && text[2] == 0xbf)
		r.at = 3;
	if (bytes >= 2 && text[0] == 0xff && text[1] == 0xfe) {
		r.at = 2;
		r.width = 2;
	}
	return r;
}

/* The next character, -1 at the end. What is not ASCII becomes "?": no word has it, and comments are dropped. */
static int next(struct reader *r)
{
	unsigned low, high;

	if (r->at + r->width > r->bytes)
		return -1;
	low = r->text[r->at];
	high = r->width == 2 ? r->text[r->at + 1] : 0;
	r->at += r->width;
	return high || low >= 0x7f ? '?' : (int)low;
}

static bool is_blank(int c)
{
	return c <= ' ';
}

uint32_t config_words(const uint8_t *text, size_t bytes, char *line, size_t room)
{
	struct reader r = reader_open(text, bytes);
	bool comment = false, gap = false;
	uint32_t cut = 0;
	size_t n = 0;
	int c;

	while ((c = next(&r)) >= 0) {
		if (c == '\n' || c == '\r')
			comment = false;
		else if (c == '#')
			comment = true;
		if (comment || is_blank(c)) {
			gap = n > 0 || cut > 0;
			continue;
		}
		if (gap && n + 1 < room)
			line[n++] = ' ';
		gap = false;
		if (n + 1 < room)
			line[n++] = (char)c;
		else
			cut++;
	}
	line[n] = 0;
	return cut;
}

/* Where the value of a word begins that stands at p; NULL: another word. */
static const char *value_of(const char *p, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(p, name, n) && p[n] == '=' ? p + n + 1 : NULL;
}

bool config_take(char *line, const char *name, char *out, size_t room)
{
	char *word = line;
	size_t n = 0;

	while (*word) {
		const char *value = value_of(word, name);
		char *end = word;

		while (*end && *end != ' ')
			end++;
		if (!value) {
			word = *end ? end + 1 : end;
			continue;
		}
		for (; value < end && n + 1 < room; n++)
			out[n] = *value++;
		out[n] = 0;
		if (*end)
			end++;
		else if (word > line)
			word--; /* the blank before the last word goes with it */
		memmove(word, end, strlen(end) + 1);
		return true;
	}
	return false;
}
