/* The log of a run: what is appended is read again, and whatever happens to the memory, the rest is. */
#include "kernel/hal.h"
#include "kernel/run_log.h"
#include "tests/host/tap.h"

#define BYTES 8192u

static uint8_t region[BYTES];

static void start(struct run_log *log, uint32_t number, const char *id)
{
	struct run_log_start s = { number };

	ok(run_log_append(log, LOG_START, &s, sizeof(s), id, strlen(id)) == OK, "test %u starts", number);
}

static void finish(struct run_log *log, uint32_t number, uint32_t verdict)
{
	struct run_log_done d = { number, verdict };

	ok(run_log_append(log, LOG_DONE, &d, sizeof(d), NULL, 0) == OK, "test %u ends", number);
}

static void boot(struct run_log *log)
{
	struct run_log_boot b = { LOSS_NONE };

	ok(run_log_append(log, LOG_BOOT, &b, sizeof(b), NULL, 0) == OK, "a boot");
}

/* A run of three tests that died in its second one; returns where each record begins, in order. */
static unsigned died_in_second(struct run_log *log, size_t begins[16])
{
	struct run_log_plan plan = { 3 };
	unsigned n = 0;

	memset(region, 0xa5, sizeof(region));
	is_u64((uint64_t)run_log_create(log, region, sizeof(region), 77), OK, "an empty log");
	begins[n++] = log->at;
	ok(run_log_append(log, LOG_RUN, "tests=*", 7, NULL, 0) == OK, "the command line");
	begins[n++] = log->at;
	boot(log);
	begins[n++] = log->at;
	ok(run_log_append(log, LOG_PLAN, &plan, sizeof(plan), NULL, 0) == OK, "the plan");
	begins[n++] = log->at;
	start(log, 1, "a.b.first");
	begins[n++] = log->at;
	finish(log, 1, LOG_PASSED);
	begins[n++] = log->at;
	start(log, 2, "a.b.second");
	begins[n++] = log->at;
	return n;
}

static void test_append_and_open(void)
{
	struct run_log log, again;
	struct run_log_state s;
	size_t begins[16];

	died_in_second(&log, begins);
	is_u64((uint64_t)run_log_open(&again, region, sizeof(region)), OK, "it is found again");
	is_u64(again.at, log.at, "and goes on where it ended");
	is_u64(again.next, log.next, "with the next number");
	run_log_state(&again, &s);
	is_str(s.cmdline, "tests=*", "command line");
	is_u64(s.plan_n, 3, "plan");
	is_u64(s.boots_n, 1, "boots");
	is_u64(s.idle_boots_n, 0, "all of which came to a test");
	is_u64(s.started, 2, "the test that ran");
	is_str(s.started_id, "a.b.second", "its name");
	ok(s.running && !s.ended, "it has no result, and the run has no end");
	is_u64(s.verdicts[LOG_PASSED], 1, "one passed");
	is_u64(s.lost, 0, "nothing is damaged");
	boot(&again);
	run_log_state(&again, &s);
	is_u64(s.verdicts[LOG_FAILED], 1, "the boot after it makes the lost test a failed one");
	is_u64(s.idle_boots_n, 1, "and has not come to a test yet");
	ok(!s.running, "no test runs");
	run_log_erase(&again);
	ok(run_log_open(&log, region, sizeof(region)) == ERR_NOT_FOUND, "erased, nobody finds it");
}

static void test_bounds(void)
{
	static uint8_t big[RUN_LOG_PAYLOAD_MAX + 1];
	struct run_log log, again;
	struct run_log_state s;
	struct run_log_end end = { 0 };
	unsigned texts = 0;

	ok(run_log_create(&log, region, RUN_LOG_BYTES_MIN - 1, 1) == ERR_INVALID, "too small a region is refused");
	ok(run_log_create(&log, region, sizeof(region), 1) == OK, "an empty log");
	ok(run_log_append(&log, LOG_TEXT, big, sizeof(big), NULL, 0) == ERR_INVALID, "too long a record is refused");
	ok(run_log_append(&log, LOG_TEXT, big, 1, big, RUN_LOG_PAYLOAD_MAX) == ERR_INVALID, "in two parts, too");
	while (texts < 1000 && run_log_append(&log, LOG_TEXT, big, 100, NULL, 0) == OK)
		texts++;
	ok(texts > 50 && texts < sizeof(region) / 124, "text ends before the region does");
	ok(run_log_append(&log, LOG_END, &end, sizeof(end), NULL, 0) == OK, "an end still fits");
	ok(run_log_open(&again, region, sizeof(region)) == OK && again.at == log.at, "a full log is read");
	run_log_state(&again, &s);
	ok(s.ended, "to its end");
	while (run_log_append(&log, LOG_END, &end, sizeof(end), NULL, 0) == OK)
		texts++;
	ok(log.at <= sizeof(region) && texts < 1000, "what no longer fits is refused");
	ok(run_log_open(&again, region, sizeof(region)) == OK, "and the log is still read");
	ok(run_log_open(&again, region, sizeof(region) - 8) == ERR_NOT_FOUND, "not as one of another size");
}

static void test_old_records(void)
{
	struct run_log log;
	struct run_log_state s;
	size_t begins[16];

	died_in_second(&log, begins);
	ok(run_log_create(&log, region, sizeof(region), 78) == OK, "a new run in the same memory");
	ok(run_log_open(&log, region, sizeof(region)) == OK && log.next == 0, "the old records are not its own");
	run_log_state(&log, &s);
	is_u64(s.started, 0, "no test");
}

/* Each single bit of a log: the other records are still read, and nothing false is. */
static void test_bit_flips(void)
{
	struct run_log log, again;
	size_t begins[16];
	unsigned n = died_in_second(&log, begins), wrong_lost = 0, wrong_n = 0, unread = 0;

	for (size_t at = 0; at < log.at * 8; at++) {
		struct run_log_reader r;
		struct run_log_record record;
		unsigned seen = 0;

		region[at / 8] ^= (uint8_t)(1u << at % 8);
		if (run_log_open(&again, region, sizeof(region)) != OK) {
			unread++;
		} else {
			bool last = at / 8 >= begins[n - 2], head = at / 8 < begins[0];
			bool padding = false;

			r = run_log_read(&again);
			while (run_log_next(&r, &record))
				seen++;
			for (unsigned i = 0; i + 1 < n; i++) { /* bytes that round up to 8 belong to nobody */
				uint32_t len = 0;

				memcpy(&len, region + begins[i] + 12, sizeof(len));
				padding |= at / 8 >= begins[i] + 24 + len && at / 8 < begins[i + 1] && len < 100;
			}
			wrong_n += seen != n - 1 - (head || padding ? 0 : 1);
			wrong_lost += r.lost != (head || last || padding ? 0 : 1);
		}
		region[at / 8] ^= (uint8_t)(1u << at % 8);
	}
	is_u64(unread, 0, "with any one bit wrong, the log is read");
	is_u64(wrong_n, 0, "only the record with the wrong bit is missing");
	is_u64(wrong_lost, 0, "and counted, but for the last one");
	ok(run_log_open(&again, region, sizeof(region)) == OK && again.next == log.next, "put right, all is back");
}

/* Cut at each byte: what lies behind was never written. */
static void test_torn(void)
{
	struct run_log log, again;
	size_t begins[16];
	unsigned n = died_in_second(&log, begins), wrong = 0;
	static uint8_t whole[BYTES];

	memcpy(whole, region, sizeof(whole));
	for (size_t cut = begins[0]; cut <= log.at; cut++) {
		unsigned complete = 0;

		memcpy(region, whole, sizeof(whole));
		memset(region + cut, 0xa5, log.at - cut);
		while (complete + 1 < n && begins[complete + 1] <= cut + 7)
			complete++; /* up to 7 bytes of padding do not matter */
		if (run_log_open(&again, region, sizeof(region)) != OK)
			wrong++;
		else if (again.next > complete || again.next + 1 < complete)
			wrong++;
		else if (run_log_append(&again, LOG_TEXT, "on", 2, NULL, 0) != OK)
			wrong++;
	}
	is_u64(wrong, 0, "cut anywhere, what is whole is read, and the log goes on behind it");
}

static void test_heads(void)
{
	struct run_log log, again;
	size_t begins[16];

	died_in_second(&log, begins);
	ok(run_log_is_here(region, sizeof(region)), "a log is here");
	memset(region, 0, 40);
	ok(run_log_open(&again, region, sizeof(region)) == OK && again.at == log.at, "without its first head it is read");
	memset(region + sizeof(region) - 40, 0, 40);
	ok(!run_log_is_here(region, sizeof(region)), "without both there is none");
	ok(!run_log_is_here(region, 16), "nothing outside is looked at");
}

int main(void)
{
	test_append_and_open();
	test_bounds();
	test_old_records();
	test_bit_flips();
	test_torn();
	test_heads();
	return done();
}
