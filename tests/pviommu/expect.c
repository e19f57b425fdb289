/* Expectations of PV-IOMMU's tests: results of calls, and what a device reaches. */
#include "tests/pviommu/fixture.h"

#define ALLOWED_MAX 8

static const struct {
	int error;
	const char *name;
} names[] = {
	{ XEN_EPERM, "EPERM" }, { XEN_ENOENT, "ENOENT" }, { XEN_EIO, "EIO" }, { XEN_E2BIG, "E2BIG" },
	{ XEN_ENOMEM, "ENOMEM" }, { XEN_EACCES, "EACCES" }, { XEN_EFAULT, "EFAULT" }, { XEN_EBUSY, "EBUSY" },
	{ XEN_EEXIST, "EEXIST" }, { XEN_ENODEV, "ENODEV" }, { XEN_EINVAL, "EINVAL" }, { XEN_ENOSPC, "ENOSPC" },
	{ XEN_ENOSYS, "ENOSYS" }, { XEN_EOPNOTSUPP, "EOPNOTSUPP" }, { XEN_EADDRINUSE, "EADDRINUSE" },
	{ XEN_EADDRNOTAVAIL, "EADDRNOTAVAIL" },
};

const char *pvx_result(int64_t rc)
{
	static char texts[4][40];
	static unsigned at;
	char *text = texts[at++ % ARRAY_LEN(texts)];

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (rc == -names[i].error) {
			str_printf(text, sizeof(texts[0]), "-%d (%s)", names[i].error, names[i].name);
			return text;
		}
	str_printf(text, sizeof(texts[0]), rc == PVIO_NO_COMMAND ? "no such command" : "%lld", (long long)rc);
	return text;
}

bool expect_rc(struct test *t, const char *call, int64_t seen, int64_t expected)
{
	char text[120];

	if (seen == expected)
		return true;
	str_printf(text, sizeof(text), "%s: %s", call, pvx_result(expected));
	fail(t, text, "%s: %s", call, pvx_result(seen));
	return false;
}

bool expect_rc_of(struct test *t, const char *call, int64_t seen, const int64_t *allowed)
{
	char text[200];
	int n;

	for (unsigned i = 0; i < ALLOWED_MAX && allowed[i] != PVX_END; i++)
		if (seen == allowed[i])
			return true;
	n = str_printf(text, sizeof(text), "%s: ", call);
	for (unsigned i = 0; i < ALLOWED_MAX && allowed[i] != PVX_END; i++)
		n += str_printf(text + n, sizeof(text) - (size_t)n, "%s%s", i ? " or " : "", pvx_result(allowed[i]));
	fail(t, text, "%s: %s", call, pvx_result(seen));
	return false;
}

bool expect_error(struct test *t, const char *call, int64_t seen, int64_t own)
{
	char text[120];

	if (!pvx_on_hypervisor(t))
		return expect_rc(t, call, seen, own);
	if (seen < 0 && seen >= -4095)
		return true;
	str_printf(text, sizeof(text), "%s: an error", call);
	fail(t, text, "%s: %s", call, pvx_result(seen));
	return false;
}

bool expect_rc_told(struct test *t, const char *call, int64_t seen, int64_t header, const char *header_revisions,
		    int64_t others, const char *other_revisions)
{
	int64_t own = pvx_by(t, others, header, others, others);

	if (!pvx_on_hypervisor(t))
		return expect_rc(t, call, seen, own);
	if (!expect_rc_of(t, call, seen, (int64_t[]){ header, others, PVX_END }))
		return false;
	remark(t, "%s: %s, as revision %s", call, pvx_result(seen), seen == header ? header_revisions : other_revisions);
	return true;
}

bool expect_error_or_ignored(struct test *t, const char *call, int64_t seen, int64_t own)
{
	bool refused = seen < 0 && seen != PVIO_NO_COMMAND;

	if (!pvx_on_hypervisor(t)) {
		if (t->bench->revision == REV_H)
			expect_rc(t, call, seen, own);
		else
			expect_rc(t, call, seen, 0);
		return refused;
	}
	if (!refused && seen != 0)
		expect_error(t, call, seen, own);
	else
		remark(t, "%s: %s", call, refused ? "refused, as revision H" : "ignored, as revisions T, I and F");
	return refused;
}

void expect_count(struct test *t, const char *what, uint32_t seen, uint32_t before, uint32_t pages)
{
	bool up = seen == before + pages;

	if (!pvx_on_hypervisor(t) || (!up && seen != pages)) {
		expect_eq(t, what, seen, t->bench->revision == REV_H ? pages : before + pages);
		return;
	}
	remark(t, "%s is %s", what, up ? "counted up, as revisions I and F" : "set, as revision H");
}

bool expect_taken(struct test *t, const char *call, int64_t seen)
{
	return expect_rc_told(t, call, seen, -XEN_EINVAL, "H", -XEN_EADDRINUSE, "T, I and F");
}

/* ---- devices ---- */

static void both_ways(struct test *t, struct engine *e, uint64_t dfn, struct page *p, enum dma_outcome expected)
{
	if (e->caps.flags & DMA_CAN_WRITE)
		expect_write_by(t, e, iova_of(dfn), dma_small_bytes(t, e), p, 0, expected);
	if (e->caps.flags & DMA_CAN_READ)
		expect_read_by(t, e, iova_of(dfn), dma_small_bytes(t, e), p, 0, expected);
}

void expect_reach(struct test *t, struct engine *e, uint64_t dfn, struct page *p)
{
	both_ways(t, e, dfn, p, DMA_DONE);
}

void expect_no_reach(struct test *t, struct engine *e, uint64_t dfn, struct page *p)
{
	both_ways(t, e, dfn, p, DMA_REFUSED);
}

bool pvx_default_reaches(struct test *t, struct engine *e)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);

	return try_write(t, e, IOVA(p->pa.v), dma_small_bytes(t, e), p, 0) == DMA_DONE;
}

void expect_default(struct test *t, struct engine *e, bool reaches)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);

	both_ways(t, e, gfn_of(p->pa), p, reaches ? DMA_DONE : DMA_REFUSED);
}
