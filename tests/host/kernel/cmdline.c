/* The kernel's command line and its patterns. */
#include "kernel/cmdline.h"
#include "kernel/glob.h"
#include "kernel/hal.h"
#include "tests/host/tap.h"

static struct options o;
static char why[160];

static void accepts(const char *line)
{
	is_u64((uint64_t)cmdline_parse(line, &o, why, sizeof(why)), OK, "accepted: \"%s\"", line);
}

static void refuses(const char *line, const char *sentence)
{
	is_u64((uint64_t)cmdline_parse(line, &o, why, sizeof(why)), (uint64_t)ERR_INVALID, "refused: \"%s\"", line);
	is_str(why, sentence, "with the sentence");
}

static void words(void)
{
	accepts("");
	is_u64(o.seed, 1, "the seed's default");
	is_u64(o.resume, 1, "the first test by default");
	accepts("  tests=vtd.*,dma.*   seed=0x1f shuffle\thazard=on resume=17 scratch=off");
	is_str(o.tests, "vtd.*,dma.*", "a text");
	is_u64(o.seed, 31, "a hexadecimal number");
	ok(o.shuffle && o.hazard && !o.scratch, "flags: bare, on, off");
	is_u64(o.resume, 17, "a decimal number");
	accepts("seed=18446744073709551615");
	is_u64(o.seed, UINT64_MAX, "the largest number");
	accepts("tests=");
	is_str(o.tests, "", "an empty text");
}

static void mistakes(void)
{
	char line[CMDLINE_TEXT_MAX + 32] = "tests=";

	refuses("test=x", "unknown word \"test\" on the kernel's command line");
	refuses("shuffle2", "unknown word \"shuffle2\" on the kernel's command line");
	refuses("seed=12x", "bad value \"12x\" for \"seed\" on the kernel's command line");
	refuses("seed=", "bad value \"\" for \"seed\" on the kernel's command line");
	refuses("seed=18446744073709551616", "bad value \"18446744073709551616\" for \"seed\" on the kernel's command line");
	refuses("resume=4294967296", "bad value \"4294967296\" for \"resume\" on the kernel's command line");
	refuses("shuffle=maybe", "bad value \"maybe\" for \"shuffle\" on the kernel's command line");
	refuses("=x", "unknown word \"\" on the kernel's command line");
	memset(line + 6, 'a', CMDLINE_TEXT_MAX);
	refuses(line, "the value of \"tests\" on the kernel's command line is too long");
}

static void patterns(void)
{
	ok(glob_list_match("vtd.*", "vtd.sm.x"), "a star takes dots, too");
	ok(!glob_list_match("vtd.?", "vtd.sm"), "a question mark takes one character");
	ok(glob_list_match("a,b*c,d", "bxxc"), "the second of a list");
	ok(!glob_list_match("", "x"), "an empty list matches nothing");
	ok(!glob_list_match(",,", ""), "empty patterns match nothing");
	ok(glob_list_match("*a*b*c", "xxaxxbxbc"), "stars are retried");
	ok(!glob_list_match("*a*b*c", "xxaxxbxb"), "and give up");
	ok(glob_list_match("x", "x") && !glob_list_match("x", "xy") && !glob_list_match("xy", "x"), "whole names only");
}

int main(void)
{
	words();
	mistakes();
	patterns();
	return done();
}
