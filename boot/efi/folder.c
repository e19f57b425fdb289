/* The folder's name. */
#include "boot/efi/folder.h"
#include <string.h>

#define ROOM_FOR_NUMBER 4

static bool plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
}

/* Adds a text; what a name cannot hold becomes one '-' in all, and none at an end. */
static size_t add(char name[FOLDER_MAX], size_t n, const uint8_t *p, size_t len)
{
	bool gap = n > 0;

	for (size_t i = 0; i < len && n + 1 + ROOM_FOR_NUMBER < FOLDER_MAX; i++) {
		if (!plain(p[i])) {
			gap = n > 0;
			continue;
		}
		if (gap)
			name[n++] = '-';
		gap = false;
		name[n++] = (char)p[i];
	}
	return n;
}

/* The end of a name, and one where nothing is left of it. */
static void finish(char name[FOLDER_MAX], size_t n)
{
	while (n && name[n - 1] == '.') /* FAT drops those */
		n--;
	if (!n)
		name[n++] = 'x';
	name[n] = 0;
}

void folder_name(const struct run_log *log, char name[FOLDER_MAX])
{
	static const enum run_log_kind parts[] = { LOG_DATE, LOG_BOARD };
	struct run_log_record r;
	size_t n = 0;

	for (unsigned i = 0; i < ARRAY_LEN(parts); i++) {
		struct run_log_reader reader = run_log_read(log);

		while (run_log_next(&reader, &r))
			if (r.kind == parts[i]) {
				n = add(name, n, r.payload, r.len);
				break;
			}
	}
	finish(name, n);
}

void folder_name_of(const char *date, const char *board, char name[FOLDER_MAX])
{
	size_t n = add(name, 0, (const uint8_t *)date, strlen(date));

	finish(name, add(name, n, (const uint8_t *)board, strlen(board)));
}
