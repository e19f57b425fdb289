/*
 * The report: TAP 14 with a YAML block for each test, machine-read lines as comments that begin with "# @". Text is
 * gathered and written in large pieces: a console costs by the call.
 */
#include "tests/harness/internal.h"
#include <string.h>

static struct {
	char text[8192];
	size_t n;
} out;

static void flush(void)
{
	console_write(out.text, out.n);
	out.n = 0;
}

static void put(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void put(const char *fmt, ...)
{
	char piece[1024];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = min_u64((uint64_t)str_vprintf(piece, sizeof(piece), fmt, ap), sizeof(piece) - 1);
	va_end(ap);
	if (out.n + n > sizeof(out.text))
		flush();
	memcpy(out.text + out.n, piece, n);
	out.n += n;
}

/* A JSON string, which is a YAML one, too. */
static void put_quoted(const char *s)
{
	put("\"");
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			put("\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			put("\\u%04x", (unsigned)*s);
		else
			put("%c", *s);
	}
	put("\"");
}

static void put_firmware(const struct run_facts *facts)
{
	const char *separator = "# @firmware {";

	for (unsigned i = 0; i < ARRAY_LEN(facts->firmware); i++) {
		if (!facts->firmware[i].text || !facts->firmware[i].text[0])
			continue;
		put("%s\"%s\": ", separator, facts->firmware[i].name);
		put_quoted(facts->firmware[i].text);
		separator = ", ";
	}
	if (separator[0] == ',')
		put("}\n");
}

void report_head(const struct run_facts *facts)
{
	put("TAP version 14\n# @version %s\n", facts->version);
	put("# @machine {\"loader\": ");
	put_quoted(facts->loader);
	put(", \"cpu\": ");
	put_quoted(facts->cpu);
	put(", \"cpus\": %u, \"ioapics\": %u", facts->cpus_n, facts->ioapics_n);
	if (facts->page_levels)
		put(", \"page_levels\": %u, \"x2apic\": %s", facts->page_levels, facts->x2apic ? "true" : "false");
	put(", \"memory_mib\": %llu, \"tsc_mhz\": %llu, \"entry_us\": %llu}\n", (unsigned long long)facts->memory_mib,
	    (unsigned long long)facts->tsc_mhz, (unsigned long long)facts->entry_us);
	put_firmware(facts);
	flush();
}

void report_plan(unsigned n, uint64_t boot_us)
{
	put("# @boot_us %llu\n1..%u\n", (unsigned long long)boot_us, n);
	flush();
}

void report_start(unsigned number, const char *id)
{
	put("# @start %u %s\n", number, id);
	flush();
}

static const char *const kinds[] = { "verdict", "setup", "crash", "hang" };

static void put_line(unsigned number, const struct test_run *r)
{
	bool ok = r->verdict == VERDICT_PASS || r->verdict == VERDICT_SKIP ||
		  (r->verdict == VERDICT_TODO && !r->failures_n);

	put("%sok %u - %s", ok ? "" : "not ", number, r->id);
	if (r->verdict == VERDICT_SKIP)
		put(" # SKIP %s: %s", r->unreached ? "unreached" : "absent", r->reason);
	else if (r->verdict == VERDICT_TODO)
		put(" # TODO observed: %s", r->observed[0] ? r->observed : r->failures[0].seen);
	put("\n");
}

static void put_requirements(const char *checks)
{
	put("  requirements: [");
	for (const char *p = checks ? checks : ""; *p; p++) {
		if (*p != ' ')
			put("%c", *p);
		else if (p[1] && p[1] != ' ')
			put(", ");
	}
	put("]\n");
}

static void put_failures(const struct test_run *r)
{
	if (r->failures_n)
		put("  failures:\n");
	for (unsigned i = 0; i < r->failures_n; i++) {
		put("    - expected: ");
		put_quoted(r->failures[i].expected);
		put("\n      seen: ");
		put_quoted(r->failures[i].seen);
		put("\n");
	}
	if (r->failures_dropped)
		put("  failures_dropped: %u\n", r->failures_dropped);
	if (r->notes_n && r->failures_n)
		put("  notes:\n");
	for (unsigned i = 0; i < r->notes_n && r->failures_n; i++) {
		put("    - ");
		put_quoted(r->notes[i]);
		put("\n");
	}
}

static void put_text(const char *key, const char *value)
{
	if (!value || !value[0])
		return;
	put("  %s: ", key);
	put_quoted(value);
	put("\n");
}

void report_result(unsigned number, const struct test_run *r, const char *platform)
{
	const struct test_desc *d = r->test.desc;

	put_line(number, r);
	put("  ---\n");
	if (r->verdict == VERDICT_FAIL)
		put("  kind: %s\n", kinds[r->kind]);
	put_requirements(d->checks);
	put("  us: %llu\n", (unsigned long long)r->us);
	put_text("told", r->told);
	if (r->verdict == VERDICT_FAIL || r->failures_n) {
		put_text("given", d->given);
		put_text("expects", d->expects);
		put_text("reason", r->reason);
		put_failures(r);
		put("  repeat: \"./run.sh %s --tests '%s'\"\n", platform[0] ? platform : "vtd", r->id);
	}
	put("  ...\n");
	flush();
}

void report_lost(unsigned number, const char *id, const char *seen)
{
	put("not ok %u - %s\n  ---\n  kind: crash\n  requirements: []\n", number, id);
	put_text("reason", seen);
	put("  failures:\n    - expected: \"a verdict\"\n      seen: ");
	put_quoted(seen);
	put("\n  ...\n");
	flush();
}
