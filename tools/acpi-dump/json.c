/*
 * A JSON writer for a stream.
 */
#include "tools/acpi-dump/json.h"

#include <inttypes.h>
#include <string.h>

static void quoted(FILE *out, const char *s, size_t n)
{
	putc('"', out);
	for (size_t i = 0; i < n && s[i]; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			fprintf(out, "\\u%04x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

static void start_line(struct json *j)
{
	if (!j->depth)
		return;
	if (j->filled[j->depth])
		putc(',', j->out);
	j->filled[j->depth] = true;
	fprintf(j->out, "\n%*s", (int)j->depth, "");
}

static void start(struct json *j, const char *key)
{
	start_line(j);
	if (!key)
		return;
	quoted(j->out, key, strlen(key));
	fputs(": ", j->out);
}

void json_open(struct json *j, const char *key, char bracket)
{
	start(j, key);
	putc(bracket, j->out);
	if (j->depth + 1 < JSON_DEPTH_MAX)
		j->depth++;
	j->filled[j->depth] = false;
}

void json_close(struct json *j, char bracket)
{
	bool filled = j->filled[j->depth];

	if (j->depth)
		j->depth--;
	if (filled)
		fprintf(j->out, "\n%*s", (int)j->depth, "");
	putc(bracket, j->out);
	if (!j->depth)
		putc('\n', j->out);
}

void json_int(struct json *j, const char *key, uint64_t v)
{
	start(j, key);
	fprintf(j->out, "%" PRIu64, v);
}

void json_hex(struct json *j, const char *key, uint64_t v)
{
	start(j, key);
	fprintf(j->out, "\"0x%" PRIx64 "\"", v);
}

void json_str(struct json *j, const char *key, const char *s)
{
	json_strn(j, key, s, strlen(s));
}

void json_strn(struct json *j, const char *key, const void *s, size_t n)
{
	start(j, key);
	quoted(j->out, s, n);
}
