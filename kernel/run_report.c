/* What is counted and listed from the TAP stream of a run. */
#include "kernel/report_internal.h"
#include "kernel/hal.h"
#include <string.h>

static const char *status_of(const struct report_point *p)
{
	return p->directive == DIRECTIVE_SKIP ? "skip" : p->directive == DIRECTIVE_TODO ? "todo" : p->ok ? "pass" : "fail";
}

static void count(void *arg, const struct report_point *p)
{
	struct report_counts *c = arg;

	c->total++;
	c->passed += p->directive == DIRECTIVE_NONE && p->ok;
	c->failed += p->directive == DIRECTIVE_NONE && !p->ok;
	c->skipped += p->directive == DIRECTIVE_SKIP;
	c->todo += p->directive == DIRECTIVE_TODO;
}

static void read_points(const struct run_log *log, struct report_reader *reader)
{
	reader->n = 0;
	reader->waiting = reader->in_block = false;
	run_report_tap(log, report_read, reader);
	report_read_end(reader);
}

void run_report_counts(const struct run_log *log, struct report_counts *out)
{
	static struct report_reader reader;

	*out = (struct report_counts){ .total = 0 };
	reader.on_point = count;
	reader.on_meta = NULL;
	reader.arg = out;
	read_points(log, &reader);
}

/* What the kernel said of the machine on its first boot. */
struct said {
	char version[64];
	char machine[REPORT_JSON_MAX];
	char iommus[REPORT_IOMMUS_MAX][REPORT_JSON_MAX];
	unsigned iommus_n;
	char engines[REPORT_IOMMUS_MAX * 4][REPORT_TEXT_MAX];
	unsigned engines_n;
};

static bool in_json_string(char c, bool inside, bool *escape)
{
	if (*escape) {
		*escape = false;
		return true;
	}
	*escape = inside && c == '\\';
	return c == '"' ? !inside : inside;
}

/* An object that was not cut: brackets and strings are closed. Values are the kernel's own. */
static bool whole_object(const char *s)
{
	bool inside = false, escape = false;
	int depth = 0;

	if (*s != '{')
		return false;
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			return false;
		inside = in_json_string(*s, inside, &escape);
		if (!inside)
			depth += (*s == '{' || *s == '[') - (*s == '}' || *s == ']');
		if (!depth)
			return !s[1];
	}
	return false;
}

static void copy_object(char *to, size_t room, const char *value)
{
	size_t n = strlen(value);

	to[0] = 0;
	if (n < room && whole_object(value))
		memcpy(to, value, n + 1);
}

static void hear(void *arg, const char *key, const char *value)
{
	struct said *s = arg;

	if (!strcmp(key, "version"))
		str_printf(s->version, sizeof(s->version), "%s", value);
	else if (!strcmp(key, "machine"))
		copy_object(s->machine, sizeof(s->machine), value);
	else if (!strcmp(key, "iommu") && s->iommus_n < ARRAY_LEN(s->iommus))
		copy_object(s->iommus[s->iommus_n++], sizeof(s->iommus[0]), value);
	else if (!strcmp(key, "engine") && s->engines_n < ARRAY_LEN(s->engines))
		copy_object(s->engines[s->engines_n++], sizeof(s->engines[0]), value);
}

static void no_point(void *arg, const struct report_point *p)
{
	(void)arg;
	(void)p;
}

static const struct said *heard(const struct run_log *log)
{
	static struct report_reader reader;
	static struct said said;

	memset(&said, 0, sizeof(said));
	reader.on_point = no_point;
	reader.on_meta = hear;
	reader.arg = &said;
	read_points(log, &reader);
	return &said;
}

/* The text of the first record of a kind, "" if there is none. */
static void find_text(const struct run_log *log, enum run_log_kind kind, char *to, size_t room)
{
	struct run_log_reader reader = run_log_read(log);
	struct run_log_record r;

	to[0] = 0;
	while (run_log_next(&reader, &r))
		if (r.kind == kind) {
			str_printf(to, room, "%.*s", (int)r.len, (const char *)r.payload);
			return;
		}
}

/* ---- results.json ---- */

struct json {
	report_put put;
	void *arg;
	bool first;
};

static void put_requirements(struct json *j, const char *s)
{
	bool first = true;
	char id[64];
	size_t n;

	while (*s) {
		for (n = 0; s[n] && s[n] != ','; n++)
			;
		str_printf(id, sizeof(id), "%.*s", (int)n, s);
		if (!first)
			put_text(j->put, j->arg, ", ");
		put_string(j->put, j->arg, id);
		first = false;
		for (s += n; *s == ',' || *s == ' '; s++)
			;
	}
}

/* kind and reason, as tools/runner/results.py makes them. */
static void verdict_of(const struct report_point *p, const char **kind, char *reason, size_t room)
{
	static const char *const kinds[] = { "setup", "crash", "hang" };
	const char *why = p->reason;

	*kind = NULL;
	reason[0] = 0;
	if (p->directive == DIRECTIVE_SKIP) {
		bool absent = !strncmp(why, "absent: ", 8), unreached = !strncmp(why, "unreached: ", 11);

		*kind = absent ? "absent" : "unreached";
		str_printf(reason, room, "%s", why + (absent ? 8 : unreached ? 11 : 0));
	} else if (p->directive == DIRECTIVE_TODO) {
		str_printf(reason, room, "%s", why);
	} else if (!p->ok) {
		*kind = "verdict";
		for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
			if (!strcmp(p->kind, kinds[i]))
				*kind = kinds[i];
		if (p->said[0])
			str_printf(reason, room, "%s", p->said);
		else if (p->failures_n > 1)
			str_printf(reason, room, "expected %s; seen %s (and %u more)", p->expected, p->seen, p->failures_n - 1);
		else if (p->failures_n)
			str_printf(reason, room, "expected %s; seen %s", p->expected, p->seen);
	}
}

static void json_point(void *arg, const struct report_point *p)
{
	struct json *j = arg;
	char reason[2 * REPORT_TEXT_MAX + 64];
	const char *kind;

	verdict_of(p, &kind, reason, sizeof(reason));
	put_text(j->put, j->arg, j->first ? "\n  {\"id\": " : ",\n  {\"id\": ");
	j->first = false;
	put_string(j->put, j->arg, p->id);
	put_fmt(j->put, j->arg, ", \"status\": \"%s\", \"kind\": ", status_of(p));
	if (kind)
		put_string(j->put, j->arg, kind);
	else
		put_text(j->put, j->arg, "null");
	put_text(j->put, j->arg, ", \"requirements\": [");
	put_requirements(j, p->requirements);
	put_text(j->put, j->arg, "], \"reason\": ");
	if (reason[0])
		put_string(j->put, j->arg, reason);
	else
		put_text(j->put, j->arg, "null");
	if (p->has_us)
		put_fmt(j->put, j->arg, ", \"us\": %llu}", (unsigned long long)p->us);
	else
		put_text(j->put, j->arg, ", \"us\": null}");
}

/* The value of platform= on the command line, else the board's name. */
static void platform_of(const struct run_log *log, char *to, size_t room)
{
	char line[RUN_LOG_CMDLINE_MAX];
	const char *at = line;

	find_text(log, LOG_RUN, line, sizeof(line));
	while (*at) {
		size_t n = 0;

		while (at[n] && at[n] != ' ')
			n++;
		if (n > 9 && !strncmp(at, "platform=", 9)) {
			str_printf(to, room, "%.*s", (int)(n - 9), at + 9);
			return;
		}
		for (at += n; *at == ' '; at++)
			;
	}
	find_text(log, LOG_BOARD, to, room);
}

void run_report_json(const struct run_log *log, report_put put, void *arg)
{
	static struct report_reader reader;
	const struct said *said = heard(log);
	struct json j = { put, arg, true };
	struct report_counts c;
	char platform[REPORT_TEXT_MAX];

	run_report_counts(log, &c);
	platform_of(log, platform, sizeof(platform));
	put_text(put, arg, "{\n \"platform\": ");
	put_string(put, arg, platform);
	put_text(put, arg, ",\n \"version\": ");
	put_string(put, arg, said->version);
	put_fmt(put, arg, ",\n \"qemu\": null,\n \"iommu\": %s", said->iommus[0][0] ? "" : "{}");
	put_text(put, arg, said->iommus[0]);
	put_fmt(put, arg, ",\n \"summary\": {\"total\": %u, \"passed\": %u, \"failed\": %u, \"skipped\": %u, \"todo\": %u, "
		"\"unexpected\": %u},\n \"tests\": [", c.total, c.passed, c.failed, c.skipped, c.todo, c.failed);
	reader.on_point = json_point;
	reader.on_meta = NULL;
	reader.arg = &j;
	read_points(log, &reader);
	put_text(put, arg, "\n ]\n}\n");
}

/* ---- machine.json and the tables ---- */

static void put_objects(report_put put, void *arg, const char *first, size_t each, unsigned n)
{
	bool any = false;

	for (unsigned i = 0; i < n; i++) {
		const char *s = first + i * each;

		if (!s[0])
			continue; /* cut, see copy_object() */
		put_text(put, arg, any ? ",\n  " : "\n  ");
		put_text(put, arg, s);
		any = true;
	}
}

void run_report_machine(const struct run_log *log, report_put put, void *arg)
{
	static const struct { const char *key; enum run_log_kind kind; } texts[] = {
		{ "board", LOG_BOARD }, { "date", LOG_DATE }, { "command_line", LOG_RUN },
	};
	const struct said *said = heard(log);
	char value[RUN_LOG_CMDLINE_MAX];

	put_text(put, arg, "{");
	for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
		find_text(log, texts[i].kind, value, sizeof(value));
		put_fmt(put, arg, "%s\n \"%s\": ", i ? "," : "", texts[i].key);
		put_string(put, arg, value);
	}
	put_text(put, arg, ",\n \"version\": ");
	put_string(put, arg, said->version);
	put_text(put, arg, ",\n \"machine\": ");
	put_text(put, arg, said->machine[0] ? said->machine : "{}");
	put_text(put, arg, ",\n \"iommus\": [");
	put_objects(put, arg, said->iommus[0], sizeof(said->iommus[0]), said->iommus_n);
	put_text(put, arg, "],\n \"engines\": [");
	put_objects(put, arg, said->engines[0], sizeof(said->engines[0]), said->engines_n);
	put_text(put, arg, "]\n}\n");
}

uint32_t run_report_table(const struct run_log *log, const char signature[4], report_put put, void *arg)
{
	struct run_log_reader reader = run_log_read(log);
	struct run_log_record r;
	uint32_t total = 0, at = 0;

	while (run_log_next(&reader, &r)) {
		if (r.kind != LOG_TABLE || r.len < sizeof(struct run_log_table) || memcmp(r.payload, signature, 4))
			continue;
		if (run_log_u32(&r, offsetof(struct run_log_table, offset)) != at)
			continue; /* a piece before it is missing, or a later boot logged it again */
		total = run_log_u32(&r, offsetof(struct run_log_table, total_bytes));
		put(arg, (const char *)r.payload + sizeof(struct run_log_table), r.len - sizeof(struct run_log_table));
		at += (uint32_t)(r.len - sizeof(struct run_log_table));
	}
	return total;
}
