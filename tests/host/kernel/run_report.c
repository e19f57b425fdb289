/*
 * The reports that are made from the log of a run. With the name of a file that holds a console's text as its argument,
 * prints results.json of it instead: to be compared with the runner's.
 */
#include "kernel/hal.h"
#include "kernel/run_report.h"
#include "tests/host/tap.h"
#include <stdlib.h>

#define BYTES BIT(16)

static uint8_t region[BYTES];
static struct run_log log_;
static char out[BYTES];
static size_t out_n;

static void put(void *arg, const char *text, size_t n)
{
	(void)arg;
	if (out_n + n < sizeof(out)) {
		memcpy(out + out_n, text, n);
		out_n += n;
	}
	out[out_n] = 0;
}

static void add(enum run_log_kind kind, const void *p, size_t n, const char *text)
{
	if (run_log_append(&log_, kind, p, n, text, strlen(text)) != OK)
		abort();
}

static void say(const char *text)
{
	add(LOG_TEXT, NULL, 0, text);
}

static void boot(uint32_t loss)
{
	struct run_log_boot b = { loss };

	add(LOG_BOOT, &b, sizeof(b), "");
}

static void begin(void)
{
	if (run_log_create(&log_, region, sizeof(region), 5) != OK)
		abort();
	out_n = 0;
	add(LOG_RUN, NULL, 0, "tests=a.* platform=board");
	add(LOG_BOARD, NULL, 0, "A \"Board\"");
	add(LOG_DATE, NULL, 0, "2026-01-02");
	boot(LOSS_NONE);
}

#define HEAD "TAP version 14\n# @version 1.2\n# @machine {\"cpus\": 2}\n# @iommu {\"kind\": \"vtd\"}\n1..3\n"
#define FIRST "# @start 1 a.b.first\n", "ok 1 - a.b.first\n  ---\n  requirements: [R-1, R-2]\n  us: 12\n  ...\n"

static void test(uint32_t number, const char *id, const char *announced, const char *report)
{
	struct run_log_start s = { number };
	struct run_log_done d = { number, LOG_PASSED };

	add(LOG_START, &s, sizeof(s), id);
	say(announced);
	if (!report)
		return;
	say(report);
	add(LOG_DONE, &d, sizeof(d), "");
}

static void end(void)
{
	struct run_log_end e = { 0 };

	say("# @end passed=1\n");
	add(LOG_END, &e, sizeof(e), "");
}

static const char *tap(void)
{
	out_n = 0;
	run_report_tap(&log_, put, NULL);
	return out;
}

static void test_plain(void)
{
	static const char second[] = "not ok 2 - a.b.second\n  ---\n  kind: verdict\n  requirements: []\n  us: 3\n"
		"  given: \"g\"\n  failures:\n    - expected: \"a \\\"b\\\\c\\u0041\"\n      seen: \"d\"\n"
		"    - expected: \"e\"\n      seen: \"f\"\n  notes:\n    - \"seen: not this\"\n  ...\n";
	static const char third[] = "ok 3 - a.b.third # SKIP absent: no CAP.X\n  ---\n  requirements: []\n  us: 0\n  ...\n";
	struct report_counts c;

	begin();
	say(HEAD);
	test(1, "a.b.first", FIRST);
	test(2, "a.b.second", "# @start 2 a.b.second\n", second);
	test(3, "a.b.third", "# @start 3 a.b.third\n", third);
	end();
	is_str(tap(), HEAD "# @start 1 a.b.first\nok 1 - a.b.first\n  ---\n  requirements: [R-1, R-2]\n  us: 12\n  ...\n"
	       "# @start 2 a.b.second\nnot ok 2 - a.b.second\n  ---\n  kind: verdict\n  requirements: []\n  us: 3\n"
	       "  given: \"g\"\n  failures:\n    - expected: \"a \\\"b\\\\c\\u0041\"\n      seen: \"d\"\n"
	       "    - expected: \"e\"\n      seen: \"f\"\n  notes:\n    - \"seen: not this\"\n  ...\n"
	       "# @start 3 a.b.third\nok 3 - a.b.third # SKIP absent: no CAP.X\n  ---\n  requirements: []\n  us: 0\n  ...\n"
	       "# @end passed=1\n", "a run of one boot gives the console byte for byte");
	out_n = 0;
	run_report_json(&log_, put, NULL);
	is_str(out, "{\n \"platform\": \"board\",\n \"version\": \"1.2\",\n \"qemu\": null,\n"
	       " \"iommu\": {\"kind\": \"vtd\"},\n"
	       " \"summary\": {\"total\": 3, \"passed\": 1, \"failed\": 1, \"skipped\": 1, \"todo\": 0, \"unexpected\": 1},\n"
	       " \"tests\": [\n"
	       "  {\"id\": \"a.b.first\", \"status\": \"pass\", \"kind\": null, \"requirements\": [\"R-1\", \"R-2\"], "
	       "\"reason\": null, \"us\": 12},\n"
	       "  {\"id\": \"a.b.second\", \"status\": \"fail\", \"kind\": \"verdict\", \"requirements\": [], "
	       "\"reason\": \"expected a \\\"b\\\\cA; seen d (and 1 more)\", \"us\": 3},\n"
	       "  {\"id\": \"a.b.third\", \"status\": \"skip\", \"kind\": \"absent\", \"requirements\": [], "
	       "\"reason\": \"no CAP.X\", \"us\": 0}\n ]\n}\n", "results.json");
	out_n = 0;
	run_report_machine(&log_, put, NULL);
	is_str(out, "{\n \"board\": \"A \\\"Board\\\"\",\n \"date\": \"2026-01-02\",\n"
	       " \"command_line\": \"tests=a.* platform=board\",\n \"version\": \"1.2\",\n \"machine\": {\"cpus\": 2},\n"
	       " \"iommus\": [\n  {\"kind\": \"vtd\"}],\n \"engines\": []\n}\n", "machine.json");
	run_report_counts(&log_, &c);
	ok(c.total == 3 && c.passed == 1 && c.failed == 1 && c.skipped == 1 && !c.todo, "the counts");
}

#define LOST(n, id, kind, seen) "not ok " n " - " id "\n  ---\n  kind: " kind "\n  requirements: []\n" \
	"  reason: \"" seen "\"\n  failures:\n    - expected: \"a verdict\"\n      seen: \"" seen "\"\n  ...\n"
#define AGAIN "# the machine started again and the run goes on\n"

static void test_restarts(void)
{
	begin();
	say(HEAD);
	test(1, "a.b.first", FIRST);
	test(2, "a.b.second", "# @start 2 a.b.second\n", NULL);
	say("# half a li");
	boot(LOSS_HANG);
	say(HEAD);
	test(3, "a.b.third", "# @start 3 a.b.third\n", NULL);
	boot(LOSS_CRASH);
	say(HEAD);
	end();
	is_str(tap(), HEAD "# @start 1 a.b.first\nok 1 - a.b.first\n  ---\n  requirements: [R-1, R-2]\n  us: 12\n  ...\n"
	       "# @start 2 a.b.second\n# half a li\n"
	       LOST("2", "a.b.second", "hang", "the machine stood still and the hardware watchdog reset it") AGAIN
	       "# @start 3 a.b.third\n"
	       LOST("3", "a.b.third", "crash", "the machine was reset while this test ran") AGAIN
	       "# @end passed=1\n", "lost tests have their points, a later head is left out, the end is not");
	out_n = 0;
	run_report_json(&log_, put, NULL);
	ok(strstr(out, "{\"id\": \"a.b.second\", \"status\": \"fail\", \"kind\": \"hang\", \"requirements\": [], "
		  "\"reason\": \"the machine stood still and the hardware watchdog reset it\", \"us\": null}"),
	   "a hang has its kind and its sentence");
	ok(strstr(out, "\"total\": 3, \"passed\": 1, \"failed\": 2,"), "and counts as failed");
}

static void test_given_up(void)
{
	begin();
	say(HEAD);
	test(1, "a.b.first", "# @start 1 a.b.first\n", NULL);
	is_str(tap(), HEAD "# @start 1 a.b.first\n"
	       LOST("1", "a.b.first", "crash", "the machine was reset while this test ran")
	       "Bail out! The machine was started 1 times and the run did not come to its end.\n", "a run without an end");
	begin();
	say(HEAD);
	test(1, "a.b.first", FIRST);
	test(2, "a.b.second", "# @start 2 a.b.second\n", NULL);
	say("ok 2 - a.b.second\n");
	boot(LOSS_CRASH);
	ok(!strstr(tap(), "not ok"), "a test whose report was written is not lost, although the reset came before its record");
}

/* Damage in the middle: the text of test 1 is gone. */
static void test_damage(void)
{
	struct report_counts c;
	size_t at;

	begin();
	say(HEAD);
	at = log_.at;
	test(1, "a.b.first", "", "ok 1 - a.b.first\n");
	at = log_.at - (24 + 8) - (24 + 24); /* the record of its report: before that of its end */
	region[at + 30] ^= 1;
	test(2, "a.b.second", "", "ok 2 - a.b.second\n");
	end();
	ok(strstr(tap(), "# 1 records of the log are damaged here\n"), "damage is told");
	run_report_counts(&log_, &c);
	is_u64(c.total, 2, "both tests are there");
	is_u64(c.passed, 1, "the second one with its verdict");
	ok(strstr(out, "kind: setup"), "the first one accuses nobody");
}

/* No room for text any more: names and verdicts are still told. */
static void keep_sentence(void *arg, const char *sentence)
{
	str_printf(arg, 64, "%s", sentence);
}

static void no_point(void *arg, const struct report_point *p)
{
	(void)arg;
	(void)p;
}

static void test_bail(void)
{
	static struct report_reader reader;
	char sentence[64] = "";

	reader.on_point = no_point;
	reader.on_bail = keep_sentence;
	reader.arg = sentence;
	report_read(&reader, "Bail out! no IOMMU\n", 19);
	report_read_end(&reader);
	is_str(sentence, "no IOMMU", "the sentence that ends a run");
}

static void test_full(void)
{
	static const struct { uint32_t verdict; const char *line; } cases[] = {
		{ LOG_PASSED, "\nok 2 - a.b.second\n" }, { LOG_FAILED, "\nnot ok 2 - a.b.second\n" },
		{ LOG_SKIPPED, "\nok 2 - a.b.second # SKIP unreached: the log was full\n" },
		{ LOG_TODO, "\nok 2 - a.b.second # TODO the log was full\n" },
	};
	struct report_counts c;

	for (unsigned i = 0; i < 4; i++) {
		struct run_log_start s = { 2 };
		struct run_log_done d = { 2, cases[i].verdict };

		begin();
		say(HEAD);
		test(1, "a.b.first", FIRST);
		add(LOG_FULL, NULL, 0, "");
		add(LOG_START, &s, sizeof(s), "a.b.second");
		add(LOG_DONE, &d, sizeof(d), "");
		end();
		ok(strstr(tap(), cases[i].line), "a full log still has verdict %u", cases[i].verdict);
		run_report_counts(&log_, &c);
		is_u64(c.total, 2, "and counts it");
	}
}

static void test_tables(void)
{
	struct run_log_table t = { "DMAR", 0, 7 };

	begin();
	add(LOG_TABLE, &t, sizeof(t), "abcd");
	t.offset = 4;
	add(LOG_TABLE, &t, sizeof(t), "efg");
	t.offset = 0;
	add(LOG_TABLE, &t, sizeof(t), "abcd");
	out_n = 0;
	is_u64(run_report_table(&log_, "DMAR", put, NULL), 7, "a table has its length");
	is_str(out, "abcdefg", "and its pieces, each once");
	is_u64(run_report_table(&log_, "IVRS", put, NULL), 0, "another one is not there");
}

static void put_stdout(void *arg, const char *text, size_t n)
{
	(void)arg;
	fwrite(text, 1, n, stdout);
}

static int convert(const char *path)
{
	uint8_t *big = malloc(RUN_LOG_BYTES);
	FILE *f = fopen(path, "rb");
	char piece[4096];
	size_t n;

	if (!big || !f || run_log_create(&log_, big, RUN_LOG_BYTES, 1) != OK)
		return 2;
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		if (run_log_append(&log_, LOG_TEXT, piece, n, NULL, 0) != OK)
			return 2;
	fclose(f);
	end();
	run_report_json(&log_, put_stdout, NULL);
	free(big);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return convert(argv[1]);
	test_plain();
	test_restarts();
	test_given_up();
	test_damage();
	test_tables();
	test_full();
	test_bail();
	return done();
}
