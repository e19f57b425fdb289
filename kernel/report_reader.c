/*
 * Reads the kernel's TAP, line by line, as tools/runner/tap.py does: a line that is not protocol is passed over, and
 * nothing in the stream can make it fail.
 */
#include "kernel/run_report.h"
#include <string.h>

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static const char *skip_blanks(const char *s)
{
	while (*s == ' ')
		s++;
	return s;
}

static void copy(char *to, size_t room, const char *from, size_t n)
{
	n = (size_t)min_u64(n, room - 1);
	memcpy(to, from, n);
	to[n] = 0;
}

/* A decimal number below 2^32 at the start of s; NULL: none. */
static const char *number(const char *s, uint64_t *out)
{
	const char *from = s;

	for (*out = 0; *s >= '0' && *s <= '9' && *out < UINT32_MAX / 10; s++)
		*out = *out * 10 + (uint64_t)(*s - '0');
	return s > from && !(*s >= '0' && *s <= '9') ? s : NULL;
}

static unsigned hex_digit(char c)
{
	return c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* One character of a JSON string behind its backslash; *s moves to its last byte. */
static char escaped(const char **s)
{
	unsigned code = 0;

	switch (**s) {
	case 'n': return '\n';
	case 't': return '\t';
	case 'u':
		for (unsigned i = 0; i < 4; i++) {
			if (hex_digit((*s)[1]) > 15)
				return '?';
			code = code * 16 + hex_digit(*++*s);
		}
		return code && code < 0x80 ? (char)code : '?';
	default: return **s;
	}
}

/* A scalar: a JSON string without its quotes and escapes, anything else as it stands. */
static void scalar(char *to, size_t room, const char *s)
{
	size_t n = 0;

	s = skip_blanks(s);
	if (*s != '"') {
		copy(to, room, s, strlen(s));
		return;
	}
	for (s++; *s && *s != '"' && n + 1 < room; s++) {
		char c = *s;

		if (c == '\\' && s[1]) {
			s++;
			c = escaped(&s);
		}
		to[n++] = c;
	}
	to[n] = 0;
}

static void close_point(struct report_reader *r)
{
	if (r->waiting)
		r->on_point(r->arg, &r->point);
	r->waiting = false;
	r->in_block = false;
}

/* The directive behind a point's name: " # SKIP kind: reason", " # TODO reason". */
static void directive(struct report_point *p, const char *s)
{
	s = skip_blanks(s);
	if (begins(s, "# SKIP"))
		p->directive = DIRECTIVE_SKIP;
	else if (begins(s, "# TODO"))
		p->directive = DIRECTIVE_TODO;
	else
		return;
	s = skip_blanks(s + strlen("# SKIP"));
	copy(p->reason, sizeof(p->reason), s, strlen(s));
}

/* "ok 17 - name" or "not ok 17 - name"; false: another line. */
static bool point(struct report_reader *r, const char *s)
{
	struct report_point *p = &r->point;
	bool good = !begins(s, "not ");
	uint64_t n;
	const char *end;

	s += good ? 0 : strlen("not ");
	if (!begins(s, "ok "))
		return false;
	s = number(s + strlen("ok "), &n);
	if (!s || !begins(s, " - ") || s[3] == ' ' || !s[3])
		return false;
	s += strlen(" - ");
	for (end = s; *end && *end != ' '; end++)
		;
	memset(p, 0, sizeof(*p));
	p->ok = good;
	p->number = (uint32_t)n; /* below 2^32, see number() */
	copy(p->id, sizeof(p->id), s, (size_t)(end - s));
	directive(p, end);
	r->waiting = true;
	return true;
}

static void list(char *to, size_t room, const char *s)
{
	size_t n = strlen(s);

	if (n >= 2 && s[0] == '[' && s[n - 1] == ']')
		copy(to, room, s + 1, n - 2);
}

/* A line of a point's block. */
static void block_line(struct report_point *p, const char *line)
{
	const char *s = skip_blanks(line);
	uint64_t us;

	if (begins(line, "  kind: "))
		scalar(p->kind, sizeof(p->kind), s + strlen("kind: "));
	else if (begins(line, "  requirements: "))
		list(p->requirements, sizeof(p->requirements), s + strlen("requirements: "));
	else if (begins(line, "  reason: "))
		scalar(p->said, sizeof(p->said), s + strlen("reason: "));
	else if (begins(line, "  us: ") && number(s + strlen("us: "), &us)) {
		p->us = us;
		p->has_us = true;
	} else if (begins(s, "- expected: ") && !p->failures_n++)
		scalar(p->expected, sizeof(p->expected), s + strlen("- expected: "));
	else if (begins(s, "seen: ") && p->failures_n == 1)
		scalar(p->seen, sizeof(p->seen), s + strlen("seen: "));
}

static void meta(struct report_reader *r, const char *s)
{
	char key[32];
	const char *end = s;

	while (*end && *end != ' ')
		end++;
	copy(key, sizeof(key), s, (size_t)(end - s));
	if (r->on_meta)
		r->on_meta(r->arg, key, skip_blanks(end));
}

static void whole_line(struct report_reader *r)
{
	const char *s = r->line;

	r->line[r->n] = 0;
	r->n = 0;
	if (r->in_block && !strcmp(skip_blanks(s), "...")) {
		close_point(r);
		return;
	}
	if (r->in_block && begins(s, "  ")) {
		block_line(&r->point, s);
		return;
	}
	if (r->waiting && !r->in_block && !strcmp(skip_blanks(s), "---")) {
		r->in_block = true;
		return;
	}
	close_point(r);
	if (begins(s, "# @"))
		meta(r, s + strlen("# @"));
	else if (begins(s, "Bail out! ") && r->on_bail)
		r->on_bail(r->arg, s + strlen("Bail out! "));
	else
		point(r, s);
}

void report_read(void *reader, const char *text, size_t n)
{
	struct report_reader *r = reader;

	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n')
			whole_line(r);
		else if (r->n + 1 < sizeof(r->line)) /* the rest of a line that is too long is dropped */
			r->line[r->n++] = text[i] ? text[i] : '?';
	}
}

void report_read_end(struct report_reader *r)
{
	if (r->n)
		whole_line(r);
	close_point(r);
}
