/* kernel/printf.c held against the C library's, and its bounds. */
#include "kernel/hal.h"
#include "tests/host/tap.h"

#define SAME(...) \
	do { \
		char ours[128], theirs[128]; \
		int n = str_printf(ours, sizeof(ours), __VA_ARGS__), m = snprintf(theirs, sizeof(theirs), __VA_ARGS__); \
		is_str(ours, theirs, "text of %s", #__VA_ARGS__); \
		is_u64((uint64_t)n, (uint64_t)m, "length of %s", #__VA_ARGS__); \
	} while (0)

static void conversions(void)
{
	SAME("plain");
	SAME("%d %d %d", 0, -1, 2147483647);
	SAME("%5d|%-5d|%05d", 42, 42, 42);
	SAME("%5d|%-5d|%05d", -42, -42, -42);
	SAME("%u %x %X", 4000000000u, 0xdeadbeefu, 0xdeadbeefu);
	SAME("%#x %#x", 0x10u, 0u);
	SAME("%016llx", 0x123456789abcdef0ull);
	SAME("%lu %lld", 18446744073709551615ul, -9223372036854775807ll - 1);
	SAME("%zu", sizeof(int));
	SAME("%s|%8s|%-8s|%.2s", "abc", "abc", "abc", "abc");
	SAME("%.*s", 2, "xyz");
	SAME("%*d", 6, 17);
	SAME("%c|%3c|%-3c|", 'a', 'b', 'c');
	SAME("%%");
	SAME("%.5u", 42u);
	SAME("%#010x", 0xabu);
}

static void bounds(void)
{
	char buf[8] = "zzzzzzz";
	int n = str_printf(buf, 4, "%s", "abcdef");

	is_str(buf, "abc", "the text is cut and terminated");
	is_u64((uint64_t)n, 6, "the wanted length is returned");
	is_u64((uint64_t)buf[4], 'z', "nothing is written behind the room");
	n = str_printf(buf, 0, "%d", 5);
	is_u64((uint64_t)buf[0], 'a', "no room: nothing is written");
	is_u64((uint64_t)n, 1, "no room: the wanted length is returned");
}

int main(void)
{
	conversions();
	bounds();
	return done();
}
