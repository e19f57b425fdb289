/* Names of machine and time. */
#include "boot/names.h"
#include "kernel/hal.h"

void boot_board(const struct boot_texts *t, char *to, size_t room)
{
	const char *vendor = t->board_name[0] ? t->board_vendor : t->system_vendor;
	const char *name = t->board_name[0] ? t->board_name : t->system_name;

	str_printf(to, room, "%s%s%s", vendor, vendor[0] && name[0] ? " " : "", name);
}

void boot_date(const struct boot_time *t, char *to, size_t room)
{
	if (t->year)
		str_printf(to, room, "%04u-%02u-%02u-%02u%02u%02u", t->year, t->month, t->day, t->hour, t->minute, t->second);
	else
		str_printf(to, room, "undated");
}
