/* The name of a report's folder: whatever the board is called, a name that FAT takes. */
#include "boot/efi/folder.h"
#include "tests/host/tap.h"

static uint8_t region[8192];

static void check(const char *date, const char *board, const char *expected)
{
	struct run_log log;
	char name[FOLDER_MAX];

	if (run_log_create(&log, region, sizeof(region), 1) != OK ||
	    run_log_append(&log, LOG_BOARD, board, strlen(board), NULL, 0) != OK ||
	    run_log_append(&log, LOG_DATE, date, strlen(date), NULL, 0) != OK) {
		ok(false, "a log");
		return;
	}
	folder_name(&log, name);
	is_str(name, expected, "\"%s\" of \"%s\"", board, date);
}

int main(void)
{
	check("2026-01-02-030405", "ASRock X670E", "2026-01-02-030405-ASRock-X670E");
	check("2026-01-02", "", "2026-01-02");
	check("2026-01-02", "  (C) \\/:*?\"<>| Board..", "2026-01-02-C-Board");
	check("", "", "x");
	check("..", "", "x");
	check("2026-01-02", "0123456789012345678901234567890123456789012345678901234567890123456789",
	      "2026-01-02-0123456789012345678901234567890123456789012345678901234567890123");
	return done();
}
