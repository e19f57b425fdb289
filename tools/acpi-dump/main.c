/*
 * acpi-dump [--json] FILE...: the contents of DMAR and IVRS tables, as text or as JSON.
 *
 * JSON of one file is its object; of several, one object of file name -> contents (the name without its folders where
 * that is unambiguous). Malformed tables are left out of it and named on standard error. Exit status: 0 all were read,
 * 1 a table is malformed, 2 wrong usage or a file that cannot be read.
 */
#include "tools/acpi-dump/dump.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)16 * 1024 * 1024)

enum { STATUS_GOOD = 0, STATUS_MALFORMED = 1, STATUS_USAGE = 2 };

struct run {
	char **files;
	int files_n;
	bool as_json;
	struct json json;
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The name of file i in the output: without folders unless another file has the same one. */
static const char *key_of(const struct run *r, int i)
{
	const char *base = base_name(r->files[i]);

	for (int k = 0; k < r->files_n; k++)
		if (k != i && strcmp(base_name(r->files[k]), base) == 0)
			return r->files[i];
	return base;
}

/* All bytes of a file, for the caller to free; NULL after a sentence on standard error. */
static uint8_t *read_all(const char *file, size_t *bytes)
{
	FILE *in = fopen(file, "rb");
	uint8_t *buf = NULL;
	size_t room = 0, n = 1;

	*bytes = 0;
	if (!in) {
		fprintf(stderr, "acpi-dump: cannot open %s: %s\n", file, strerror(errno));
		return NULL;
	}
	while (n && *bytes < FILE_BYTES_MAX) {
		if (*bytes == room) {
			uint8_t *more = realloc(buf, room = room ? 2 * room : 4096);

			if (!more)
				break;
			buf = more;
		}
		n = fread(buf + *bytes, 1, room - *bytes, in);
		*bytes += n;
	}
	if (n || ferror(in)) {
		fprintf(stderr, "acpi-dump: cannot read %s: %s\n", file,
			ferror(in) ? strerror(errno) : "larger than any ACPI table");
		free(buf);
		buf = NULL;
	}
	fclose(in);
	return buf;
}

static int malformed(const char *file, const struct acpi_error *e)
{
	fprintf(stderr, "%s: malformed at offset 0x%" PRIx32 " (%" PRIu32 "): %s\n", file, e->offset, e->offset,
		e->reason);
	return STATUS_MALFORMED;
}

static int dump_dmar(struct run *r, const char *key, const char *file, const uint8_t *table, size_t bytes)
{
	struct dmar d;

	if (dmar_open(table, bytes, &d) != OK)
		return malformed(file, &d.error);
	if (r->as_json)
		dmar_json(&r->json, key, &d);
	else
		dmar_text(file, &d);
	return STATUS_GOOD;
}

static int dump_ivrs(struct run *r, const char *key, const char *file, const uint8_t *table, size_t bytes)
{
	struct ivrs t;

	if (ivrs_open(table, bytes, &t) != OK)
		return malformed(file, &t.error);
	if (r->as_json)
		ivrs_json(&r->json, key, &t);
	else
		ivrs_text(file, &t);
	return STATUS_GOOD;
}

static int dump_file(struct run *r, int i)
{
	const char *file = r->files[i], *key = r->files_n > 1 ? key_of(r, i) : NULL;
	size_t bytes;
	uint8_t *table = read_all(file, &bytes);
	int status;

	if (!table)
		return STATUS_USAGE;
	if (bytes >= 4 && memcmp(table, "DMAR", 4) == 0)
		status = dump_dmar(r, key, file, table, bytes);
	else if (bytes >= 4 && memcmp(table, "IVRS", 4) == 0)
		status = dump_ivrs(r, key, file, table, bytes);
	else
		status = malformed(file, &(struct acpi_error){ 0, "the signature is neither DMAR nor IVRS" });
	free(table);
	return status;
}

static int usage(const char *why, const char *what)
{
	fprintf(stderr, "acpi-dump: %s%s\nusage: acpi-dump [--json] FILE...\n", why, what);
	return STATUS_USAGE;
}

int main(int argc, char **argv)
{
	struct run r = { .json = { .out = stdout } };
	int at = 1, status = STATUS_GOOD;

	for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
		if (strcmp(argv[at], "--json") == 0) {
			r.as_json = true;
		} else if (strcmp(argv[at], "--help") == 0) {
			printf("usage: acpi-dump [--json] FILE...\n"
			       "Prints DMAR and IVRS tables, such as /sys/firmware/acpi/tables/DMAR.\n");
			return STATUS_GOOD;
		} else if (!argv[at][2]) {
			at++;
			break;
		} else {
			return usage("unknown option ", argv[at]);
		}
	}
	r.files = argv + at;
	r.files_n = argc - at;
	if (!r.files_n)
		return usage("no file is named", "");
	if (r.as_json && r.files_n > 1)
		json_open(&r.json, NULL, '{');
	for (int i = 0; i < r.files_n; i++) {
		int s = dump_file(&r, i);

		if (s > status)
			status = s;
	}
	if (r.as_json && r.files_n > 1)
		json_close(&r.json, '}');
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "acpi-dump: cannot write the output: %s\n", strerror(errno));
		return STATUS_USAGE;
	}
	return status;
}
