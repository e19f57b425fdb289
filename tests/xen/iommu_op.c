/*
 * Hypercall 43 as every Xen answers it: by an error, or by one of the public revisions of PV-IOMMU. What a revision
 * then does is the matter of tests/pviommu.
 */
#include "drivers-iommu/pviommu/pviommu.h"
#include "tests/xen/guest.h"
#include <string.h>

#define GUARD 0xa5
#define ROOM  192u
#define PLACE 64u

/* A zeroed, aligned place of 64 bytes between guards, at an address whose low half is large (no count, no command). */
static uint8_t *place(struct test *t, struct page **p)
{
	*p = page_filled(t, GUARD);
	memset((*p)->p + PLACE, 0, PLACE);
	return (*p)->p + PLACE;
}

static bool guards_whole(const struct page *p)
{
	for (unsigned i = 0; i < ROOM; i++)
		if ((i < PLACE || i >= 2 * PLACE) && p->p[i] != GUARD)
			return false;
	return true;
}

TEST(probe_first,
     .id = "xen.iommu_op.probe",
     .checks = "PVI-001",
     .given = "hypercall 43 with a zeroed place and 1: the first step of telling revisions apart",
     .expects = "-ENOSYS, -EPERM, -ENODEV, -EOPNOTSUPP or 0; the memory around it is unchanged",
     .needs = NEED_XEN)
{
	struct page *p;
	uint64_t at = (uint64_t)(uintptr_t)place(t, &p);
	int64_t r = xen_hypercall2(XEN_HYPERCALL_IOMMU_OP, at, 1);

	note(t, "the answer is %lld", (long long)r);
	expect_true(t, r == -XEN_ENOSYS || r == -XEN_EPERM || r == -XEN_ENODEV || r == -XEN_EOPNOTSUPP || r == 0,
		    "one of the five answers");
	expect_true(t, guards_whole(p), "memory around the place is unchanged");
}

TEST(stock_answers,
     .id = "xen.iommu_op.stock",
     .checks = "PVI-002",
     .given = "a Xen without PV-IOMMU, commands 0 to 31 and hostile ones, with a structure of every revision",
     .expects = "-ENOSYS each time, and the structure is unchanged",
     .needs = NEED_XEN)
{
	static const uint64_t more[] = { 0x7fffffff, 0x80000000, UINT32_MAX, UINT64_MAX };
	struct page *p;
	uint8_t *at = place(t, &p);

	if (xen_hypercall2(XEN_HYPERCALL_IOMMU_OP, (uint64_t)(uintptr_t)at, 1) != -XEN_ENOSYS)
		skip(t, "this Xen has PV-IOMMU");
	for (uint64_t i = 0; i < 32 + ARRAY_LEN(more); i++) {
		uint64_t command = i < 32 ? i : more[i - 32];

		(void)expect_xen_error(t, "a command", xen_hypercall2(XEN_HYPERCALL_IOMMU_OP, command, (uint64_t)(uintptr_t)at),
				       XEN_ENOSYS);
	}
	for (unsigned i = 0; i < PLACE; i++)
		expect_true(t, at[i] == 0, "the structure is unchanged");
	expect_true(t, guards_whole(p), "memory around it is unchanged");
}

TEST(by_page_and_directly,
     .id = "xen.iommu_op.page_and_direct",
     .checks = "PVI-003",
     .given = "the first step of the probe, by the hypercall page and by the instruction",
     .expects = "the same answer",
     .needs = NEED_XEN)
{
	struct page *p;
	const uint64_t a[5] = { (uint64_t)(uintptr_t)place(t, &p), 1 };

	if (!t->bench->machine->xen->page_ready)
		give_up(t, "no hypercall page");
	expect_eq(t, "answer by the page", (uint64_t)xen_hypercall(XEN_HYPERCALL_IOMMU_OP, a),
		  (uint64_t)xen_hypercall_direct(XEN_HYPERCALL_IOMMU_OP, a));
}
static int64_t call(void *ctx, uint64_t arg1, uint64_t arg2)
{
	(void)ctx;
	return xen_hypercall2(XEN_HYPERCALL_IOMMU_OP, arg1, arg2);
}

TEST(probe_twice,
     .id = "xen.iommu_op.probe_twice",
     .checks = "PVI-015",
     .given = "the whole probe, twice",
     .expects = "the same revision, answers and capabilities",
     .needs = NEED_XEN)
{
	static struct pvio a, b;
	enum status first, second;

	a = (struct pvio){ .call = call };
	b = (struct pvio){ .call = call };
	first = pvio_probe(&a, PVIO_NONE);
	second = pvio_probe(&b, PVIO_NONE);
	note(t, "revision %s, %s", pvio_revision_name(a.revision), status_text(first));
	expect_eq(t, "status", (uint64_t)second, (uint64_t)first);
	expect_eq(t, "revision", b.revision, a.revision);
	expect_true(t, !memcmp(a.answers, b.answers, sizeof(a.answers)), "the answers are the same");
	expect_true(t, !memcmp(&a.caps, &b.caps, sizeof(a.caps)), "the capabilities are the same");
}
