/* boot/efi: portcullis.cfg and names of files beside the application. */
#include "boot/efi/config.h"
#include "boot/efi/path.h"
#include "tests/host/tap.h"

static const char *words(const char *text, size_t bytes)
{
	static char line[64];

	config_words((const uint8_t *)text, bytes, line, sizeof(line));
	return line;
}

#define WORDS(text, expected, name) is_str(words(text, sizeof(text) - 1), expected, name)

static void config(void)
{
	char line[8];
	uint32_t cut;

	WORDS("", "", "an empty file has no words");
	WORDS("tests=a seed=1", "tests=a seed=1", "words stay as they are");
	WORDS("tests=a\nseed=1\n", "tests=a seed=1", "a line end separates words");
	WORDS("  a\t b\r\n\r\n c  ", "a b c", "blanks are one blank, none at the ends");
	WORDS("# all\na # b c\n#d\nshuffle", "a shuffle", "comments end with their line");
	WORDS("a# b", "a", "a comment may touch a word");
	WORDS("a\r# b\rc", "a c", "lines may end with a carriage return alone");
	WORDS("\xef\xbb\xbf" "a", "a", "UTF-8 with a mark");
	WORDS("\xff\xfe" "a\0b\0\n\0c\0", "ab c", "UTF-16 with a mark");
	WORDS("\xff\xfe" "a\0b", "a", "UTF-16 with half a character at its end");
	WORDS("caf\xc3\xa9", "caf??", "no other letter passes");
	WORDS("a\0b", "a b", "a zero byte does not end the words");
	cut = config_words((const uint8_t *)"abc defghi", 10, line, sizeof(line));
	is_str(line, "abc def", "what does not fit is cut");
	is_u64(cut, 3, "and counted");
	cut = config_words((const uint8_t *)"abcdefg  # x", 12, line, sizeof(line));
	is_str(line, "abcdefg", "what just fits stays");
	is_u64(cut, 0, "and nothing is cut");
}

static void taken(const char *from, const char *expected_line, const char *expected, const char *name)
{
	char line[64], value[5] = "none";
	bool found;

	strcpy(line, from);
	found = config_take(line, "then", value, sizeof(value));
	ok(found == (expected != NULL), "%s: found or not", name);
	is_str(line, expected_line, "%s: what is left", name);
	is_str(value, expected ? expected : "none", "%s: the value", name);
}

static void words_of_ours(void)
{
	taken("then=off", "", "off", "alone");
	taken("then=off a b", "a b", "off", "first");
	taken("a then=off b", "a b", "off", "between");
	taken("a b then=off", "a b", "off", "last");
	taken("a then=", "a", "", "without a value");
	taken("a then=longer b", "a b", "long", "longer than its room");
	taken("a then b athen=x thenx=y", "a then b athen=x thenx=y", NULL, "words that are like it");
	taken("", "", NULL, "no words");
}

static bool beside(const char *path, const char *file, const char *expected, const char *name)
{
	char out[PATH_MAX_CHARS];
	bool fits = path_beside_text(path, strlen(path), file, out);

	return ok(fits == (expected != NULL), "%s: fits or not", name) && is_str(out, expected ? expected : "", "%s", name);
}

static void paths(void)
{
	char lengthy[2 * PATH_MAX_CHARS];
	uint16_t out[PATH_MAX_CHARS];

	beside("\\EFI\\BOOT\\BOOTX64.EFI", "a.cfg", "\\EFI\\BOOT\\a.cfg", "the last part goes");
	beside("images/BOOTX64.EFI", "a.cfg", "images/a.cfg", "a server's path");
	beside("BOOTX64.EFI", "a.cfg", "a.cfg", "no folder");
	beside("", "a.cfg", "a.cfg", "no path");
	beside("/x/", "a.cfg", "/x/a.cfg", "a folder");
	memset(lengthy, 'a', sizeof(lengthy));
	lengthy[PATH_MAX_CHARS - 8] = '/';
	lengthy[PATH_MAX_CHARS - 4] = 0;
	beside(lengthy, "1234567", NULL, "a name that has one character too many");
	ok(path_beside((const uint16_t[]){ 'x', '/', 'y', 0, '/', 'z' }, 6, "c", out) && out[0] == 'x' && out[2] == 'c' &&
	   out[3] == 0, "a zero ends a path");
}

static void host(const char *url, const char *expected)
{
	char out[PATH_MAX_CHARS];

	ok(url_host(url, out) == (expected[0] != 0), "%s: an address or not", url);
	is_str(out, expected, "%s: its host", url);
}

static void hosts(void)
{
	char lengthy[2 * PATH_MAX_CHARS] = "http://";

	host("http://10.0.2.2:8000/BOOTX64.EFI", "10.0.2.2:8000");
	host("https://example/a/b", "example");
	host("http://example", "");
	host("http:///a", "");
	host("http:/example/a", "");
	host("example/a", "");
	host("", "");
	memset(lengthy + 7, 'h', sizeof(lengthy) - 9);
	lengthy[sizeof(lengthy) - 2] = '/';
	host(lengthy, "");
}

int main(void)
{
	hosts();
	config();
	words_of_ours();
	paths();
	return done();
}
