/*
 * A JSON writer for a stream: nesting, commas and escapes; indentation of one blank a level.
 */
#ifndef PORTCULLIS_TOOLS_ACPI_DUMP_JSON_H
#define PORTCULLIS_TOOLS_ACPI_DUMP_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH_MAX 16u

struct json {
	FILE *out;
	unsigned depth;
	bool filled[JSON_DEPTH_MAX]; /* something was already written at this level */
};

/* key is NULL for an element of an array and for the outermost value. */
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);
void json_int(struct json *j, const char *key, uint64_t v);
/* As a string: "0xfed90000", lower case, no leading zeros. */
void json_hex(struct json *j, const char *key, uint64_t v);
void json_str(struct json *j, const char *key, const char *s);
/* At most n bytes, ending at a NUL; bytes outside ASCII are escaped as code points. */
void json_strn(struct json *j, const char *key, const void *s, size_t n);

#endif
