/* The vocabulary that needs no device: ends, expectations, memory. */
#include "tests/harness/internal.h"
#include <string.h>

#define FORMAT_INTO(buf, fmt) \
	do { \
		va_list ap_; \
		va_start(ap_, fmt); \
		str_vprintf(buf, sizeof(buf), fmt, ap_); \
		va_end(ap_); \
	} while (0)

void skip(struct test *t, const char *fmt, ...)
{
	struct test_run *r = run_of(t);

	FORMAT_INTO(r->reason, fmt);
	r->unreached = false;
	/* What has failed before the skip stays a failure. */
	if (!r->failures_n)
		r->verdict = VERDICT_SKIP;
	run_escape();
}

void skip_unreached(struct test *t, const char *fmt, ...)
{
	struct test_run *r = run_of(t);

	FORMAT_INTO(r->reason, fmt);
	r->unreached = true;
	if (!r->failures_n)
		r->verdict = VERDICT_SKIP;
	run_escape();
}

void give_up(struct test *t, const char *fmt, ...)
{
	struct test_run *r = run_of(t);

	FORMAT_INTO(r->reason, fmt);
	if (!r->failures_n)
		r->kind = FAIL_SETUP;
	r->verdict = VERDICT_FAIL;
	run_escape();
}

void fail(struct test *t, const char *expected, const char *seen_fmt, ...)
{
	struct test_run *r = run_of(t);
	struct failure *f = &r->failures[r->failures_n];

	r->verdict = VERDICT_FAIL;
	r->kind = FAIL_VERDICT;
	if (r->failures_n == FAILURES_MAX) {
		r->failures_dropped++;
		return;
	}
	r->failures_n++;
	str_printf(f->expected, sizeof(f->expected), "%s", expected);
	FORMAT_INTO(f->seen, seen_fmt);
}

void observe(struct test *t, const char *fmt, ...)
{
	struct test_run *r = run_of(t);

	FORMAT_INTO(r->observed, fmt);
	if (r->verdict == VERDICT_PASS)
		r->verdict = VERDICT_TODO;
}

void remark(struct test *t, const char *fmt, ...)
{
	FORMAT_INTO(run_of(t)->told, fmt);
}

void note(struct test *t, const char *fmt, ...)
{
	struct test_run *r = run_of(t);

	if (r->notes_n == NOTES_MAX)
		return;
	FORMAT_INTO(r->notes[r->notes_n], fmt);
	r->notes_n++;
}

void notes_drop(struct test *t)
{
	run_of(t)->notes_n = 0;
}

bool expect_true(struct test *t, bool cond, const char *what)
{
	if (!cond)
		fail(t, what, "not so");
	return cond;
}

bool expect_eq(struct test *t, const char *what, uint64_t seen, uint64_t expected)
{
	char text[TEXT_MAX];

	if (seen == expected)
		return true;
	str_printf(text, sizeof(text), "%s = 0x%llx", what, (unsigned long long)expected);
	fail(t, text, "%s = 0x%llx", what, (unsigned long long)seen);
	return false;
}

void must(struct test *t, enum status s, const char *what)
{
	if (s != OK)
		give_up(t, "%s: %s", what, status_text(s));
}

struct page *page_alloc(struct test *t, uint64_t bytes, uint64_t align)
{
	struct test_run *r = run_of(t);
	struct page *p = &r->pages[r->pages_n];

	if (r->pages_n == TEST_PAGES_MAX)
		give_up(t, "the test asks for more than %u pieces of memory", TEST_PAGES_MAX);
	p->len_bytes = align_up(bytes, PAGE_BYTES);
	must(t, mem_alloc(p->len_bytes, max_u64(align, PAGE_BYTES), &p->pa), "memory for the test");
	p->p = mem_ptr(p->pa, p->len_bytes);
	/* Zeros for those, too, who do not snoop the caches: a page may become a table. */
	cache_write_back(p->p, p->len_bytes);
	r->pages_n++;
	return p;
}

pa_t page_unbacked(struct test *t)
{
	if (t->bench->hardware && !t->options->hazard)
		skip_unreached(t, "a table where nothing answers may machine-check a real machine: only with hazard=on");
	return mem_unbacked(PAGE_BYTES);
}

struct page *page_filled(struct test *t, uint8_t byte)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);

	memset(p->p, byte, PAGE_BYTES);
	return p;
}

unsigned irq_for(struct test *t, uint64_t *address, uint32_t *data)
{
	struct test_run *r = run_of(t);

	if (r->irqs_n == TEST_IRQS_MAX)
		give_up(t, "the test asks for more than %u vectors", TEST_IRQS_MAX);
	must(t, irq_alloc(&r->irqs[r->irqs_n]), "a vector for the test");
	irq_message(r->irqs[r->irqs_n], address, data);
	return r->irqs[r->irqs_n++];
}

/* Three-way order of a bounded id and a catalogue row. */
static int compare(const char *id, size_t n, const char *row)
{
	int order = strncmp(id, row, n);

	return order ? order : row[n] ? -1 : 0;
}

static bool is_low(const char *id, size_t n)
{
	unsigned low = 0, high = catalogue_n;

	while (low < high) {
		unsigned mid = (low + high) / 2;
		int order = compare(id, n, catalogue[mid].id);

		if (order == 0)
			return catalogue[mid].low_confidence;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

bool catalogue_all_low(const char *checks)
{
	bool any = false;
	size_t n;

	for (const char *p = checks ? checks : ""; *p; p += n) {
		n = 1;
		if (*p == ' ')
			continue;
		while (p[n] && p[n] != ' ')
			n++;
		if (!is_low(p, n))
			return false;
		any = true;
	}
	return any;
}
