/* The TAP stream that the log of a run holds. */
#include "kernel/report_internal.h"
#include "kernel/hal.h"
#include <string.h>

void put_text(report_put put, void *arg, const char *text)
{
	put(arg, text, strlen(text));
}

void put_fmt(report_put put, void *arg, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = str_vprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put(arg, text, (size_t)min_u64((uint64_t)n, sizeof(text) - 1));
}

void put_string(report_put put, void *arg, const char *s)
{
	put(arg, "\"", 1);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			put_fmt(put, arg, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			put_fmt(put, arg, "\\u%04x", (unsigned)(unsigned char)*s);
		else
			put(arg, s, 1);
	}
	put(arg, "\"", 1);
}

/* Where the stream is. */
struct stream {
	report_put put;
	void *arg;
	unsigned boots_n;
	bool in_head;       /* of a boot after the first one: said before */
	bool line_open;     /* the last byte was no end of a line */
	bool running;       /* a test was started and its point has not come */
	uint32_t started;
	char id[RUN_LOG_ID_MAX];
	bool ended, full;
};

static void end_line(struct stream *s)
{
	if (s->line_open)
		put_text(s->put, s->arg, "\n");
	s->line_open = false;
}

static void lost_point(struct stream *s, const char *kind, const char *seen)
{
	end_line(s);
	if (!s->running)
		return;
	put_fmt(s->put, s->arg, "not ok %u - %s\n  ---\n  kind: %s\n  requirements: []\n  reason: \"%s\"\n", s->started,
		s->id, kind, seen);
	put_fmt(s->put, s->arg, "  failures:\n    - expected: \"a verdict\"\n      seen: \"%s\"\n  ...\n", seen);
	s->running = false;
}

static void lost_in_boot(struct stream *s, uint32_t loss)
{
	if (loss == LOSS_HANG)
		lost_point(s, "hang", "the machine stood still and the hardware watchdog reset it");
	else
		lost_point(s, "crash", "the machine was reset while this test ran");
}

/* Of a boot that had no test left to run, the end still counts. */
static bool is_last_word(const struct run_log_record *r)
{
	static const char *const words[] = { "# @end", "# @status", "Bail out!" };

	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		if (r->len > strlen(words[i]) && !memcmp(r->payload, words[i], strlen(words[i])))
			return true;
	return false;
}

static void text(struct stream *s, const struct run_log_record *r)
{
	const char *p = (const char *)r->payload;
	char point[2][24];

	if (!r->len || (s->in_head && !is_last_word(r)))
		return;
	for (unsigned i = 0; s->running && i < 2; i++) {
		size_t n = (size_t)str_printf(point[i], sizeof(point[i]), "%sok %u - ", i ? "not " : "", s->started);

		if (r->len > n && !memcmp(p, point[i], n))
			s->running = false;
	}
	s->put(s->arg, p, r->len);
	s->line_open = p[r->len - 1] != '\n';
}

/* The verdict of a test whose report found no room. */
static void bare_point(struct stream *s, uint32_t verdict)
{
	static const char *const behind[LOG_VERDICTS] = {
		[LOG_PASSED] = "", [LOG_FAILED] = "", [LOG_SKIPPED] = " # SKIP unreached: the log was full",
		[LOG_TODO] = " # TODO the log was full",
	};

	if (!s->full || !s->running || verdict >= LOG_VERDICTS)
		return;
	end_line(s);
	put_fmt(s->put, s->arg, "%sok %u - %s%s\n", verdict == LOG_FAILED ? "not " : "", s->started, s->id, behind[verdict]);
	s->running = false;
}

static void test_starts(struct stream *s, const struct run_log_record *r)
{
	size_t n = 0, at = sizeof(struct run_log_start);

	lost_point(s, "setup", "the log's memory was damaged where this test's report was");
	for (; at < r->len && n + 1 < sizeof(s->id); at++)
		s->id[n++] = r->payload[at] > 0x20 && r->payload[at] < 0x7f ? (char)r->payload[at] : '?';
	s->id[n] = 0;
	s->started = run_log_u32(r, offsetof(struct run_log_start, number));
	s->in_head = false;
	s->running = true;
}

static void boots(struct stream *s, const struct run_log_record *r)
{
	if (s->boots_n++) {
		lost_in_boot(s, run_log_u32(r, offsetof(struct run_log_boot, loss)));
		put_text(s->put, s->arg, "# the machine started again and the run goes on\n");
		s->in_head = true;
	}
}

static void take(struct stream *s, const struct run_log_record *r)
{
	switch (r->kind) {
	case LOG_BOOT:
		boots(s, r);
		break;
	case LOG_TEXT:
		text(s, r);
		break;
	case LOG_START:
		test_starts(s, r);
		break;
	case LOG_DONE:
		bare_point(s, run_log_u32(r, offsetof(struct run_log_done, verdict)));
		break;
	case LOG_FULL:
		end_line(s);
		put_text(s->put, s->arg, "# the log is full: from here on there are only names and verdicts\n");
		s->full = true;
		break;
	case LOG_END:
		s->ended = true;
		break;
	default:
		break;
	}
}

void run_report_tap(const struct run_log *log, report_put put, void *arg)
{
	struct stream s = { .put = put, .arg = arg };
	struct run_log_reader reader = run_log_read(log);
	struct run_log_record r;
	uint32_t lost = 0;

	while (run_log_next(&reader, &r)) {
		if (reader.lost != lost) {
			end_line(&s);
			put_fmt(put, arg, "# %u records of the log are damaged here\n", reader.lost - lost);
			lost = reader.lost;
		}
		take(&s, &r);
	}
	if (s.ended)
		return;
	lost_in_boot(&s, LOSS_CRASH);
	put_fmt(put, arg, "Bail out! The machine was started %u times and the run did not come to its end.\n", s.boots_n);
}
