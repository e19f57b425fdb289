#include "tests/xen/guest.h"
#include "kernel/paging.h"

bool expect_xen_error(struct test *t, const char *what, int64_t seen, int expected)
{
	if (seen == -expected)
		return true;
	note(t, "%s", what);
	fail(t, "the error of this call", "%s: %lld instead of %d", what, (long long)seen, -expected);
	return false;
}

bool expect_xen_good(struct test *t, const char *what, int64_t seen)
{
	if (seen >= 0)
		return true;
	fail(t, "the call succeeds", "%s: %lld", what, (long long)seen);
	return false;
}

void must_xen(struct test *t, int64_t seen, const char *what)
{
	if (seen < 0)
		give_up(t, "%s: %lld", what, (long long)seen);
}

uint8_t *lone_page(struct test *t)
{
	/* Windows stay for ever: one for all tests, over a page that is never freed. */
	static uint8_t *window;
	pa_t pa;

	if (!window) {
		must(t, mem_alloc(PAGE_BYTES, PAGE_BYTES, &pa), "a page");
		window = paging_map_memory(pa, PAGE_BYTES);
	}
	if (!window)
		give_up(t, "no room for a window");
	return window;
}
