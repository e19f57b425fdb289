/* The record in a firmware variable: what goes in comes out, nothing else does, and it is written seldom enough. */
#include "kernel/hal.h"
#include "kernel/nv_record.h"
#include "tests/host/tap.h"

static struct nv_record r, back;
static struct view v, seen;
static char out[8192];
static size_t out_n;

static void put(void *arg, const char *text, size_t n)
{
	(void)arg;
	if (out_n + n < sizeof(out))
		memcpy(out + out_n, text, n);
	out_n += n;
	out[min_u64(out_n, sizeof(out) - 1)] = 0;
}

/* Three tests of four ran; the second one failed. */
static void fill(void)
{
	static const char *const ids[] = { "a.b.one", "a.b.two", "a.c.three", "a.c.four" };

	memset(&v, 0, sizeof(v));
	str_printf(v.version, sizeof(v.version), "1.0");
	str_printf(v.board, sizeof(v.board), "A \"board\"");
	str_printf(v.date, sizeof(v.date), "2026-01-02");
	nv_begin(&r, "persist=nvram", 9, &v);
	for (unsigned i = 0; i < 4; i++)
		view_plan(&v, ids[i]);
	for (unsigned i = 0; i < 3; i++) {
		view_start(&v, i + 1, ids[i]);
		view_done(&v, i == 1 ? VIEW_FAILED : VIEW_PASSED);
		nv_done(&r, i + 1, i == 1);
	}
	nv_take(&r, &v);
	r.boots = 1;
}

static void test_round_trip(void)
{
	fill();
	nv_seal(&r);
	ok(sizeof(r) < 2048, "it is small: %zu bytes", sizeof(r));
	ok(nv_open(&back, &r, sizeof(r)), "a sealed record is opened");
	is_u64(nv_resume(&back), 4, "the run goes on with the fourth test");
	nv_view(&back, &seen);
	ok(seen.counts[VIEW_PASSED] == 2 && seen.counts[VIEW_FAILED] == 1 && seen.planned == 4, "the counts");
	is_str(seen.failed[0], "test 2 of the plan", "a failure by its number");
	ok(seen.groups_n == 2 && seen.groups[0].failed == 1 && seen.groups[1].done == 1, "the groups");
	r.about_to = 4;
	str_printf(r.about_to_id, sizeof(r.about_to_id), "a.c.four");
	nv_seal(&r);
	ok(nv_open(&back, &r, sizeof(r)), "with a test that was about to start");
	is_u64(nv_resume(&back), 5, "the run goes on after it");
	nv_view(&back, &seen);
	ok(seen.counts[VIEW_FAILED] == 2 && seen.groups[1].failed == 1, "and it has failed");
	is_str(seen.failed[1], "a.c.four", "by name");
	is_u64(back.writes, 2, "each seal counts as a write");
}

static void test_damage(void)
{
	unsigned opened = 0;

	fill();
	nv_seal(&r);
	for (size_t bit = 0; bit < 8 * sizeof(r); bit++) {
		((uint8_t *)&r)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		opened += nv_open(&back, &r, sizeof(r));
		((uint8_t *)&r)[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	is_u64(opened, 0, "with any bit wrong it is no record");
	ok(!nv_open(&back, &r, sizeof(r) - 1), "nor is a part of one");
	r.groups_n = NV_GROUPS_MAX + 1;
	nv_seal(&r);
	ok(!nv_open(&back, &r, sizeof(r)), "nor one that is sealed and senseless");
}

static void test_json(void)
{
	fill();
	r.about_to = 4;
	str_printf(r.about_to_id, sizeof(r.about_to_id), "a.c.four");
	nv_seal(&r);
	out_n = 0;
	nv_json(&r, put, NULL);
	is_str(out, "{\n \"version\": \"1.0\",\n \"board\": \"A \\\"board\\\"\",\n \"date\": \"2026-01-02\",\n"
	       " \"ended\": false, \"boots\": 1, \"writes\": 1, \"seed\": 9,\n"
	       " \"summary\": {\"planned\": 4, \"last\": 3, \"passed\": 2, \"failed\": 2, \"skipped\": 0, \"todo\": 0},\n"
	       " \"lost\": {\"number\": 4, \"id\": \"a.c.four\"},\n \"failed\": [2],\n \"groups\": [\n"
	       "  {\"name\": \"a.b\", \"planned\": 2, \"done\": 2, \"failed\": 1},\n"
	       "  {\"name\": \"a.c\", \"planned\": 2, \"done\": 1, \"failed\": 0}\n ]\n}\n", "progress.json");
}

/* Writes of a run of n tests, every k-th of which is risky; store: bytes that are free. */
static unsigned writes_of(unsigned n, unsigned k, uint64_t store)
{
	struct nv_budget b;
	unsigned writes = 0;

	fill();
	b = nv_budget(&r, store, n);
	for (unsigned i = 0; i < n; i++) {
		if (k && i % k == 0 && nv_worth(&b, true)) {
			b.left--;
			writes++;
		}
		if (nv_worth(&b, false)) {
			b.left--;
			writes++;
		}
	}
	return writes;
}

static void test_budget(void)
{
	is_u64(writes_of(1, 0, BIT(20)), 1, "a run of one test is written after it");
	ok(writes_of(1300, 0, BIT(20)) > 25 && writes_of(1300, 0, BIT(20)) <= 32, "a long run is written some thirty times");
	is_u64(writes_of(5000, 1, BIT(20)), 62, "however many tests are risky, two writes are left for the end");
	ok(writes_of(5000, 1, 20000) * sizeof(r) <= 10000, "all writes together take no more than half of what is free");
	is_u64(writes_of(5000, 1, 5000), 0, "a store that is nearly full is left alone");
	fill();
	r.writes = NV_WRITES_MAX - 3;
	is_u64(nv_budget(&r, BIT(20), 100).left, 3, "writes of earlier boots count");
	r.writes = NV_WRITES_MAX + 3;
	is_u64(nv_budget(&r, BIT(20), 100).left, 0, "none is left after the last one");
}

static void test_replay(void)
{
	static uint8_t region[8192];
	struct run_log log;
	struct run_log_boot boot = { LOSS_CRASH };
	bool good = run_log_create(&log, region, sizeof(region), 1) == OK;

	fill();
	for (uint32_t i = 1; i <= 7; i++) {
		struct run_log_start s = { i };
		struct run_log_done d = { i, i % 2 ? LOG_PASSED : LOG_FAILED };

		good &= run_log_append(&log, LOG_START, &s, sizeof(s), "x.y.z", 5) == OK;
		if (i == 5)
			good &= run_log_append(&log, LOG_BOOT, &boot, sizeof(boot), NULL, 0) == OK;
		else
			good &= run_log_append(&log, LOG_DONE, &d, sizeof(d), NULL, 0) == OK;
	}
	ok(good, "a log that knows more");
	nv_replay(&r, &log);
	is_u64(r.done, 7, "its last test is known");
	ok(r.failed_n == 4 && r.failed[0] == 2 && r.failed[1] == 4 && r.failed[2] == 5 && r.failed[3] == 6,
	   "failures of both, each once, and the test that was lost");
}

int main(void)
{
	test_round_trip();
	test_damage();
	test_json();
	test_budget();
	test_replay();
	return done();
}
