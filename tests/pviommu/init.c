/*
 * PV-IOMMU: init_iommu (I, F). A domain can be initialised once. The reference is fresh for each test; on a hypervisor
 * the tests that use the chance up find it used, unless they are run alone.
 */
#include "kernel/cmdline.h"
#include "tests/pviommu/fixture.h"

#define CONTEXTS 8u

TEST(pviommu_init_alloc_before,
     .id = "pviommu.init.alloc_before",
     .checks = "PVI-041",
     .given = "alloc_context in a domain that was never initialised",
     .expects = "-28",
     .revisions = REV_IF,
     .flags = TEST_FIRST,
     .needs = NEED_PVIOMMU)
{
	uint16_t ctx = 0x5a5a;

	expect_rc(t, "alloc_context", pvio_alloc_context(pvx_uninitialised(t), 0, &ctx), -XEN_ENOSPC);
}

TEST(pviommu_init_too_many,
     .id = "pviommu.init.all_ones",
     .checks = "PVI-046",
     .given = "init(0xffffffff, 9), then init(8, 9)",
     .expects = "-7, then 0",
     .revisions = REV_IF,
     .needs = NEED_PVIOMMU)
{
	struct pvio *p = pvx_uninitialised(t);

	if (pvx_on_hypervisor(t))
		skip_unreached(t, "the domain's only init is left to other tests");
	expect_rc(t, "init(0xffffffff)", pvio_init(p, 0xffffffffu, PVX_ORDER), -XEN_E2BIG);
	expect_rc(t, "query_capabilities", pvio_query_capabilities(p), 0);
	expect_eq(t, "max_ctx_no", p->caps.max_ctx_no, 0);
	expect_rc(t, "init(8)", pvio_init(p, CONTEXTS, PVX_ORDER), 0);
}

/* Uses the chance up: what can be seen of the first init is all looked at here. Last of those that run first. */
TEST(pviommu_init_first,
     .id = "pviommu.init.first",
     .checks = "PVI-037 PVI-042 PVI-044 PVI-045",
     .given = "the first init of a domain",
     .expects = "0, the structure unchanged; max_ctx_no is what was asked for; the first context is number 1",
     .revisions = REV_IF,
     .flags = TEST_FIRST,
     .needs = NEED_PVIOMMU)
{
	struct pvio *p = pvx_uninitialised(t);
	struct pvio_init *init = (struct pvio_init *)(void *)page_filled(t, 0x5a)->p;
	const uint8_t *behind = (const uint8_t *)(init + 1);
	uint16_t ctx = 0;

	*init = (struct pvio_init){ PVX_CONTEXTS, PVX_ORDER };
	expect_rc(t, "init", pvio_command(p, PVIO_INIT, init), 0);
	expect_true(t, init->max_ctx_no == PVX_CONTEXTS && init->arena_order == PVX_ORDER, "the structure is unchanged");
	expect_eq(t, "first byte behind the structure", behind[0], 0x5a);
	expect_rc(t, "query_capabilities", pvio_query_capabilities(p), 0);
	expect_eq(t, "max_ctx_no", p->caps.max_ctx_no, PVX_CONTEXTS);
	expect_rc(t, "alloc_context", pvx_try_alloc(t, 0, &ctx), 0);
	expect_eq(t, "first context", ctx, 1);
	if (pvx_on_hypervisor(t) && ctx == 2)
		(void)pvio_free_context(p, 1, 0); /* made by init itself: not to be lost to the tests that follow */
}

TEST(pviommu_init_again,
     .id = "pviommu.init.again",
     .checks = "PVI-043",
     .given = "init of a domain that is initialised, with the same and with other values",
     .expects = "-13 each time, limits and next context unchanged",
     .revisions = REV_IF,
     .needs = NEED_PVIOMMU)
{
	static const uint32_t contexts[] = { PVX_CONTEXTS, 1, 1000, 0 };
	struct pvio *p = pvx(t);
	uint16_t limit, next = pvx_context(t), after;

	limit = p->caps.max_ctx_no;
	pvx_free(t, next);
	for (unsigned i = 0; i < ARRAY_LEN(contexts); i++) {
		int64_t rc = pvio_init(p, contexts[i], PVX_ORDER);

		expect_rc(t, "init", rc, -XEN_EACCES);
		if (rc == 0 && pvx_on_hypervisor(t))
			(void)pvio_free_context(p, next, 0); /* it has gone on as alloc_context */
	}
	expect_rc(t, "query_capabilities", pvio_query_capabilities(p), 0);
	expect_eq(t, "max_ctx_no", p->caps.max_ctx_no, limit);
	after = pvx_context(t);
	expect_eq(t, "next context", after, next);
}

/* ---- what only a domain of its own can be asked ---- */

static struct pvio *own_domain(struct test *t)
{
	struct pvio *p = pvx_uninitialised(t);

	if (pvx_on_hypervisor(t) && !t->options->hazard)
		skip_unreached(t, "uses up the domain's only init; with --hazard, alone");
	return p;
}

static void expect_limit(struct test *t, struct pvio *p, uint32_t limit)
{
	expect_rc(t, "query_capabilities", pvio_query_capabilities(p), 0);
	expect_eq(t, "max_ctx_no", p->caps.max_ctx_no, limit);
}

TEST(pviommu_init_none,
     .id = "pviommu.init.no_contexts",
     .checks = "PVI-047",
     .given = "init(0, 9)",
     .expects = "0 or -22; there are no contexts",
     .revisions = REV_IF,
     .needs = NEED_PVIOMMU)
{
	static const int64_t allowed[] = { 0, -XEN_EINVAL, PVX_END };
	struct pvio *p = own_domain(t);
	uint16_t ctx = 0;

	expect_rc_of(t, "init(0, 9)", pvio_init(p, 0, PVX_ORDER), allowed);
	expect_limit(t, p, 0);
	expect_rc(t, "alloc_context", pvio_alloc_context(p, 0, &ctx), -XEN_ENOSPC);
}

TEST(pviommu_init_65535,
     .id = "pviommu.init.largest_16_bits",
     .checks = "PVI-048",
     .given = "init(65535, 9) and init(131071, 9)",
     .expects = "an error, and there are no contexts",
     .revisions = REV_IF,
     .hazard_on = REV_IF,
     .needs = NEED_PVIOMMU)
{
	struct pvio *p = own_domain(t);

	expect_error(t, "init(65535, 9)", pvio_init(p, 65535, PVX_ORDER), -XEN_E2BIG);
	expect_limit(t, p, 0);
	expect_error(t, "init(131071, 9)", pvio_init(p, 131071, PVX_ORDER), -XEN_E2BIG);
	expect_limit(t, p, 0);
}

TEST(pviommu_init_65544,
     .id = "pviommu.init.beyond_16_bits",
     .checks = "PVI-049",
     .given = "init(65544, 9)",
     .expects = "an error, and there are no contexts",
     .revisions = REV_IF,
     .hazard_on = REV_IF,
     .needs = NEED_PVIOMMU)
{
	struct pvio *p = own_domain(t);

	expect_error(t, "init(65544, 9)", pvio_init(p, 65536 + CONTEXTS, PVX_ORDER), -XEN_E2BIG);
	expect_limit(t, p, 0);
}

TEST(pviommu_init_no_arena,
     .id = "pviommu.init.order_0",
     .checks = "PVI-050",
     .given = "init(8, 0), then alloc_context and a map",
     .expects = "each is done or refused cleanly, and calls are answered afterwards",
     .revisions = REV_IF,
     .hazard_on = REV_IF,
     .needs = NEED_PVIOMMU)
{
	struct pvio *p = own_domain(t);
	struct page *page = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = 0;
	int64_t rc = pvio_init(p, CONTEXTS, 0);

	if (rc != 0) {
		expect_error(t, "init(8, 0)", rc, -XEN_EINVAL);
		expect_rc(t, "init(8, 9)", pvio_init(p, CONTEXTS, PVX_ORDER), 0);
		return;
	}
	rc = pvio_alloc_context(p, 0, &ctx);
	if (rc == 0) {
		pvx_owns(t, ctx);
		rc = pvx_try_map(t, ctx, PVX_A, gfn_of(page->pa), 1, NULL);
	}
	expect_rc_of(t, "alloc_context, then map_pages", rc, (int64_t[]){ 0, -XEN_ENOMEM, -XEN_ENOSPC, PVX_END });
	expect_rc(t, "noop", pvio_noop(p), 0);
}

TEST(pviommu_init_order_40,
     .id = "pviommu.init.order_40",
     .checks = "PVI-051",
     .given = "init(8, 40), then init(8, 9)",
     .expects = "-12 or -22, then 0",
     .revisions = REV_IF,
     .needs = NEED_PVIOMMU)
{
	static const int64_t allowed[] = { -XEN_ENOMEM, -XEN_EINVAL, PVX_END };
	struct pvio *p = own_domain(t);

	expect_rc_of(t, "init(8, 40)", pvio_init(p, CONTEXTS, 40), allowed);
	expect_limit(t, p, 0);
	expect_rc_of(t, "init(8, 0xffffffff)", pvio_init(p, CONTEXTS, UINT32_MAX), allowed);
	expect_rc(t, "init(8, 9)", pvio_init(p, CONTEXTS, PVX_ORDER), 0);
	expect_limit(t, p, CONTEXTS);
}

TEST(pviommu_init_race,
     .id = "pviommu.init.concurrent",
     .checks = "PVI-052",
     .given = "init from two processors at once",
     .expects = "one 0, the other -13",
     .revisions = REV_IF,
     .needs = NEED_PVIOMMU)
{
	skip_unreached(t, "this kernel runs on one processor");
}
