/*
 * Fuzzer of the log of a run: an input is a list of appends and of damage to the memory; reading ends, stays inside,
 * and gives records in order, whatever is there. The reports are made from it, too.
 */
#include "kernel/hal.h"
#include "kernel/run_report.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t region[8192];

static void append(struct run_log *log, const uint8_t *p, size_t n)
{
	size_t at = log->at, half = (n - 1) / 2;

	if (run_log_append(log, (enum run_log_kind)(p[0] % 14), p + 1, half, p + 1 + half, n - 1 - half) == OK)
		ASSERT(log->at > at && log->at <= sizeof(region));
}

static void damage(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i + 2 < n; i += 3)
		region[(p[i] * 256u + p[i + 1]) % sizeof(region)] ^= p[i + 2];
}

static void swallow(void *arg, const char *text, size_t n)
{
	*(size_t *)arg += n;
	ASSERT(text);
}

static void report_all(const struct run_log *log)
{
	struct report_counts c;
	size_t n = 0;

	run_report_json(log, swallow, &n);
	run_report_machine(log, swallow, &n);
	(void)run_report_table(log, "DMAR", swallow, &n);
	run_report_counts(log, &c);
	ASSERT(n && c.total == c.passed + c.failed + c.skipped + c.todo);
}

static void read_all(struct run_log *log)
{
	static struct run_log_state state;
	struct run_log_reader r = run_log_read(log);
	struct run_log_record record;
	uint32_t next = 0;

	while (run_log_next(&r, &record)) {
		ASSERT(record.number >= next && record.payload >= region);
		ASSERT(record.payload + record.len <= region + sizeof(region));
		next = record.number + 1;
	}
	run_log_state(log, &state);
	ASSERT(memchr(state.cmdline, 0, sizeof(state.cmdline)) && memchr(state.started_id, 0, sizeof(state.started_id)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run_log log;

	memset(region, 0, sizeof(region));
	if (run_log_create(&log, region, sizeof(region), 1) != OK)
		return 0;
	for (size_t at = 0; at + 2 <= size;) {
		size_t n = min_u64(data[at + 1], size - at - 2);

		if (data[at] % 8 && n)
			append(&log, data + at + 2, n);
		else
			damage(data + at + 2, n);
		at += 2 + n;
	}
	read_all(&log);
	if (run_log_open(&log, region, sizeof(region)) == OK) {
		read_all(&log);
		append(&log, (const uint8_t *)"\4text", 5);
		read_all(&log);
		report_all(&log);
	}
	return 0;
}
