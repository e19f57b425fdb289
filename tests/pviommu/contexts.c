/* PV-IOMMU: alloc_context and free_context. */
#include "tests/pviommu/fixture.h"

#define SOME 5u

static uint16_t limit(struct test *t)
{
	struct pvio *p = pvx(t);

	if (pvio_query_capabilities(p) != 0)
		give_up(t, "the capabilities cannot be read");
	return p->caps.max_ctx_no;
}

TEST(pviommu_alloc_one,
     .id = "pviommu.alloc.number",
     .checks = "PVI-053",
     .given = "alloc_context",
     .expects = "0, with a number from 1 to max_ctx_no",
     .needs = NEED_PVIOMMU)
{
	uint16_t max = limit(t), ctx = 0;

	expect_rc(t, "alloc_context", pvx_try_alloc(t, 0, &ctx), 0);
	expect_true(t, ctx >= 1 && ctx <= max, "the number is from 1 to max_ctx_no");
}

TEST(pviommu_alloc_some,
     .id = "pviommu.alloc.distinct",
     .checks = "PVI-054",
     .given = "five contexts",
     .expects = "five numbers, none 0",
     .needs = NEED_PVIOMMU)
{
	uint16_t ctx[SOME];

	for (unsigned i = 0; i < SOME; i++) {
		ctx[i] = pvx_context(t);
		for (unsigned k = 0; k < i; k++)
			expect_true(t, ctx[i] != ctx[k], "the numbers differ");
	}
}

TEST(pviommu_alloc_reuse,
     .id = "pviommu.alloc.reuse",
     .checks = "PVI-055",
     .given = "a context is freed, and another one asked for",
     .expects = "it can be had, under the same number where that is free",
     .needs = NEED_PVIOMMU)
{
	uint16_t first = pvx_context(t), other = pvx_context(t);

	pvx_free(t, first);
	expect_eq(t, "number of the next one", pvx_context(t), first);
	pvx_free(t, other);
	expect_eq(t, "number of the next one", pvx_context(t), other);
}

TEST(pviommu_alloc_often,
     .id = "pviommu.alloc.reuse_often",
     .checks = "PVI-055",
     .given = "contexts made, used and freed, three times as many as there may be",
     .expects = "there is always another one: nothing of the freed ones is kept",
     .hazard_on = REV_T, /* loses a page of its arena with each, and without one walks what is no table */
     .needs = NEED_PVIOMMU,
     .budget_us = 30000000)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);

	for (unsigned i = 0; i < 3u * limit(t); i++) {
		uint16_t ctx = pvx_context(t);

		if (!expect_rc(t, "map_pages in one more context", pvx_try_map(t, ctx, PVX_A, gfn_of(p->pa), 1, NULL), 0)) {
			note(t, "after %u", i);
			return;
		}
		pvx_free(t, ctx);
	}
}

TEST(pviommu_alloc_all,
     .id = "pviommu.alloc.all",
     .checks = "PVI-056 PVI-057 PVI-058",
     .given = "alloc_context until it fails; one is freed",
     .expects = "max_ctx_no contexts, then -28, the number untouched; the freed one can be had again",
     .hazard_on = REV_T,
     .needs = NEED_PVIOMMU)
{
	uint16_t max = limit(t), ctx = 0, freed;

	for (unsigned i = 0; i < max; i++)
		if (pvx_try_alloc(t, 0, &ctx) != 0) {
			fail(t, "max_ctx_no contexts", "fewer");
			note(t, "%u of %u", i, max);
			return;
		}
	ctx = 0x5a5a;
	expect_rc(t, "one more", pvx_try_alloc(t, 0, &ctx), -XEN_ENOSPC);
	expect_eq(t, "number after a failure", ctx, 0x5a5a);
	expect_rc(t, "and one more", pvx_try_alloc(t, 0, &ctx), -XEN_ENOSPC);
	expect_rc(t, "query_capabilities", pvio_query_capabilities(pvx(t)), 0);
	expect_eq(t, "max_ctx_no", pvx(t)->caps.max_ctx_no, max);
	freed = (uint16_t)(1 + prng_below(&t->prng, max));
	pvx_free(t, freed);
	expect_eq(t, "number of the next one", pvx_context(t), freed);
}

static void expect_empty(struct test *t, uint16_t ctx)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);

	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	expect_reach(t, t->engine, PVX_A, p);
	expect_no_reach(t, t->engine, PVX_B, p);
	expect_no_reach(t, t->engine, gfn_of(p->pa), p);
}

TEST(pviommu_alloc_empty,
     .id = "pviommu.alloc.empty",
     .checks = "PVI-145",
     .given = "a device in a new context in which one page is mapped",
     .expects = "it reaches that page; another address and the page's own are refused",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	expect_empty(t, pvx_start(t));
}

TEST(pviommu_alloc_identity_absent,
     .id = "pviommu.alloc.identity_not_offered",
     .checks = "PVI-059",
     .given = "an identity context, where that is not offered",
     .expects = "-95 or -22 (H); or the context is an empty one",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	static const int64_t allowed[] = { -XEN_EOPNOTSUPP, -XEN_EINVAL, PVX_END };
	struct pvb_setup s;
	uint16_t ctx = 0;
	int64_t rc;

	if (!pvx_on_hypervisor(t)) {
		pvx_setup(t, &s);
		s.config.caps &= ~PVIO_CAP_IDENTITY;
		(void)pvx_remake(t, &s);
	}
	(void)limit(t);
	if (pvx(t)->caps.flags & PVIO_CAP_IDENTITY)
		skip(t, "identity contexts are offered");
	rc = pvx_try_alloc(t, PVIO_ALLOC_IDENTITY, &ctx);
	if (expect_error_or_ignored(t, "an identity context that is not offered", rc, -XEN_EOPNOTSUPP)) {
		expect_rc_of(t, "alloc_context, identity", rc, allowed);
		return;
	}
	pvx_attach(t, t->engine, ctx);
	expect_empty(t, ctx);
}

TEST(pviommu_alloc_identity,
     .id = "pviommu.alloc.identity",
     .checks = "PVI-060 PVI-061",
     .given = "a device in an identity context",
     .expects = "it reaches the domain's memory at its own addresses, and nothing elsewhere",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = 0;

	(void)limit(t);
	if (!(pvx(t)->caps.flags & PVIO_CAP_IDENTITY))
		skip(t, "identity contexts are not offered");
	expect_rc(t, "alloc_context, identity", pvx_try_alloc(t, PVIO_ALLOC_IDENTITY, &ctx), 0);
	if (pvx_try_attach(t, t->engine, ctx) != 0)
		give_up(t, "the device cannot be moved");
	expect_reach(t, t->engine, gfn_of(p->pa), p);
	expect_no_reach(t, t->engine, PVX_A, p);
	expect_no_reach(t, t->engine, gfn_of(mem_unbacked(PAGE_BYTES)), p);
}

TEST(pviommu_alloc_clone,
     .id = "pviommu.alloc.clone",
     .checks = "PVI-062",
     .given = "a device in a context made with the clone flag",
     .expects = "it reaches the domain's memory at its own addresses, or (the flag ignored) nothing",
     .revisions = REV_T,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = 0;
	bool cloned;

	expect_rc(t, "alloc_context, clone", pvx_try_alloc(t, PVIO_T_CREATE_CLONE, &ctx), 0);
	pvx_attach(t, t->engine, ctx);
	cloned = try_write(t, t->engine, IOVA(p->pa.v), dma_small_bytes(t, t->engine), p, 0) == DMA_DONE;
	if (!cloned)
		expect_empty(t, ctx);
	else
		expect_reach(t, t->engine, gfn_of(p->pa), p);
	expect_no_reach(t, t->engine, PVX_B, p);
	if (pvx_on_hypervisor(t))
		remark(t, "the clone flag is %s", cloned ? "heeded, as the header says" : "ignored");
}

TEST(pviommu_alloc_flags,
     .id = "pviommu.alloc.undefined_flags",
     .checks = "PVI-063",
     .given = "alloc_context with each undefined flag, and with all",
     .expects = "an error each time (H), or an ordinary context",
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);

	for (unsigned bit = 1; bit <= 32; bit++) {
		uint32_t flags = bit == 32 ? UINT32_MAX & ~1u : (uint32_t)pow2(bit);
		uint16_t ctx = 0;
		int64_t rc = pvx_try_alloc(t, flags, &ctx);

		if (expect_error_or_ignored(t, "alloc_context with an undefined flag", rc, -XEN_EINVAL))
			continue;
		pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
		pvx_free(t, ctx);
	}
}

/* ---- free ---- */

TEST(pviommu_free_default,
     .id = "pviommu.free.default",
     .checks = "PVI-064",
     .given = "free_context of context 0, without and with the flag",
     .expects = "-22; what a device reaches in it is as before",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pvio *p = pvx(t);
	bool reaches = pvx_default_reaches(t, t->engine);

	expect_rc(t, "free_context of 0", pvio_free_context(p, 0, 0), -XEN_EINVAL);
	expect_rc(t, "free_context of 0 with the flag", pvio_free_context(p, 0, PVIO_FREE_REATTACH_DEFAULT), -XEN_EINVAL);
	expect_default(t, t->engine, reaches);
}

TEST(pviommu_free_absent,
     .id = "pviommu.free.never_allocated",
     .checks = "PVI-065",
     .given = "free_context of numbers that were never given, beyond the last, 65535",
     .expects = "-2 each time",
     .revisions = REV_IF,
     .needs = NEED_PVIOMMU)
{
	struct pvio *p = pvx(t);
	uint16_t max = limit(t);

	expect_rc(t, "free_context, never allocated", pvio_free_context(p, max, 0), -XEN_ENOENT);
	expect_rc(t, "free_context, beyond the last", pvio_free_context(p, (uint16_t)(max + 1), 0), -XEN_ENOENT);
	expect_rc(t, "free_context of 65535", pvio_free_context(p, 65535, 0), -XEN_ENOENT);
}

TEST(pviommu_free_absent_t,
     .id = "pviommu.free.never_allocated_tagged",
     .checks = "PVI-066",
     .given = "free_context of numbers that were never given",
     .expects = "-2 each time, and calls are answered afterwards",
     .revisions = REV_T,
     .hazard_on = REV_T,
     .needs = NEED_PVIOMMU)
{
	struct pvio *p = pvx(t);
	uint16_t max = limit(t);

	expect_rc(t, "free_context, never allocated", pvio_free_context(p, max, 0), -XEN_ENOENT);
	expect_rc(t, "free_context of 65535", pvio_free_context(p, 65535, 0), -XEN_ENOENT);
	pvx_free(t, pvx_context(t));
}

TEST(pviommu_free_twice,
     .id = "pviommu.free.twice",
     .checks = "PVI-067",
     .given = "free_context twice",
     .expects = "0, then -2",
     .hazard_on = REV_T,
     .needs = NEED_PVIOMMU)
{
	uint16_t ctx = pvx_context(t);

	pvx_disowns(t, ctx);
	expect_rc(t, "free_context", pvio_free_context(pvx(t), ctx, 0), 0);
	expect_rc(t, "free_context again", pvio_free_context(pvx(t), ctx, 0), -XEN_ENOENT);
}

TEST(pviommu_free_mapped,
     .id = "pviommu.free.mapped",
     .checks = "PVI-068 PVI-069",
     .given = "a context with mappings is freed, and its number given again",
     .expects = "0; nothing of the old mappings is there: unmap says -2, the device is refused, map succeeds",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, 4 * PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t), again;
	uint32_t n = 0;

	pvx_map(t, ctx, PVX_A, p->pa, 4, PVX_RW);
	expect_reach(t, t->engine, PVX_A, p);
	pvx_home(t, t->engine);
	expect_rc(t, "free_context", pvio_free_context(pvx(t), ctx, 0), 0);
	pvx_disowns(t, ctx);
	again = pvx_start(t);
	expect_eq(t, "number", again, ctx);
	expect_rc(t, "unmap_pages of an old mapping", pvx_try_unmap(t, again, PVX_A, 1, &n), -XEN_ENOENT);
	expect_no_reach(t, t->engine, PVX_A, p);
	expect_rc(t, "map_pages at an old address", pvx_try_map(t, again, PVX_A, gfn_of(p->pa), 4, &n), 0);
	expect_reach(t, t->engine, PVX_A, p);
}

TEST(pviommu_free_many,
     .id = "pviommu.free.thousand_mappings",
     .checks = "PVI-078",
     .given = "a context with 1000 mappings is freed, three times",
     .expects = "0; the memory that it held is there again",
     .revisions = REV_IF,
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, 8 * PAGE_BYTES, 0);

	for (unsigned round = 0; round < 3; round++) {
		uint16_t ctx = pvx_context(t);

		for (unsigned i = 0; i < 125; i++)
			pvx_map(t, ctx, PVX_A + 8 * i, p->pa, 8, PVX_RW);
		pvx_disowns(t, ctx);
		expect_rc(t, "free_context", pvio_free_context(pvx(t), ctx, 0), 0);
	}
	expect_rc(t, "noop", pvio_noop(pvx(t)), 0);
}

/* ---- devices inside ---- */

TEST(pviommu_free_busy,
     .id = "pviommu.free.device_inside",
     .checks = "PVI-070 PVI-073",
     .given = "free_context with a device inside, then after it has left",
     .expects = "-16, and the device still translates through it; then 0",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);

	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	expect_reach(t, t->engine, PVX_A, p);
	expect_rc(t, "free_context", pvio_free_context(pvx(t), ctx, 0), -XEN_EBUSY);
	expect_reach(t, t->engine, PVX_A, p);
	pvx_home(t, t->engine);
	pvx_disowns(t, ctx);
	if (!expect_rc(t, "free_context after the device has left", pvio_free_context(pvx(t), ctx, 0), 0))
		pvx_owns(t, ctx);
}

TEST(pviommu_free_busy_map,
     .id = "pviommu.free.device_inside_map",
     .checks = "PVI-071",
     .given = "map_pages and unmap_pages in a context whose free was refused",
     .expects = "both work, or both are refused",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);
	int64_t map, unmap;

	expect_rc(t, "free_context", pvio_free_context(pvx(t), ctx, 0), -XEN_EBUSY);
	map = pvx_try_map(t, ctx, PVX_A, gfn_of(p->pa), 1, NULL);
	if (map == 0)
		expect_reach(t, t->engine, PVX_A, p);
	else
		expect_error(t, "map_pages", map, -XEN_EINVAL);
	unmap = pvx_try_unmap(t, ctx, PVX_A, 1, NULL);
	expect_true(t, (map == 0) == (unmap == 0), "map_pages and unmap_pages agree");
	expect_no_reach(t, t->engine, PVX_A, p);
	if (pvx_on_hypervisor(t))
		remark(t, "map_pages in a context whose free was refused: %s", pvx_result(map));
}

TEST(pviommu_free_busy_attach,
     .id = "pviommu.free.device_inside_attach",
     .checks = "PVI-072",
     .given = "another device is moved to a context whose free was refused",
     .expects = "0, or -22 (it is dying) each time",
     .needs = NEED_PVIOMMU | NEED_ENGINE | NEED_ENGINE_2)
{
	static const int64_t allowed[] = { 0, -XEN_EINVAL, PVX_END };
	uint16_t ctx = pvx_start(t);
	int64_t rc;

	expect_rc(t, "free_context", pvio_free_context(pvx(t), ctx, 0), -XEN_EBUSY);
	rc = pvx_try_attach(t, t->engine2, ctx);
	expect_rc_of(t, "reattach_device", rc, allowed);
	pvx_home(t, t->engine2);
	expect_rc(t, "reattach_device again", pvx_try_attach(t, t->engine2, ctx), rc);
	if (pvx_on_hypervisor(t))
		remark(t, "a device moved to a context whose free was refused: %s", pvx_result(rc));
}

/* free_context with the flag, and devices inside. */
static void free_moves(struct test *t)
{
	struct engine *inside[2] = { t->engine, t->engine2 };
	bool reaches[2] = { false, false };
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx;

	for (unsigned i = 0; i < t->desc->arg; i++)
		reaches[i] = pvx_default_reaches(t, inside[i]);
	ctx = pvx_context(t);
	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	for (unsigned i = 0; i < t->desc->arg; i++) {
		pvx_attach(t, inside[i], ctx);
		expect_reach(t, inside[i], PVX_A, p);
	}
	pvx_disowns(t, ctx);
	if (!expect_rc(t, "free_context with the flag", pvio_free_context(pvx(t), ctx, PVIO_FREE_REATTACH_DEFAULT), 0))
		pvx_owns(t, ctx);
	for (unsigned i = 0; i < t->desc->arg; i++) {
		expect_no_reach(t, inside[i], PVX_A, p);
		expect_default(t, inside[i], reaches[i]);
	}
	expect_eq(t, "the number is free", pvx_context(t), ctx);
}

TEST_TABLE(pviommu_free_moves,
	{ .id = "pviommu.free.flag_empty", .checks = "PVI-076", .given = "free_context with the flag, no device inside",
	  .expects = "0", .revisions = REV_S, .needs = NEED_PVIOMMU | NEED_ENGINE, .arg = 0, .body = free_moves },
	{ .id = "pviommu.free.flag_device", .checks = "PVI-074",
	  .given = "free_context with the flag, a device inside, in a context that maps a page",
	  .expects = "0; the device is in context 0", .hazard_on = REV_T | REV_IF,
	  .needs = NEED_PVIOMMU | NEED_ENGINE, .arg = 1, .body = free_moves },
	{ .id = "pviommu.free.flag_devices", .checks = "PVI-075",
	  .given = "free_context with the flag, two devices inside", .expects = "0; both are in context 0",
	  .hazard_on = REV_T | REV_IF, .needs = NEED_PVIOMMU | NEED_ENGINE | NEED_ENGINE_2, .arg = 2, .body = free_moves });

TEST(pviommu_free_flags,
     .id = "pviommu.free.undefined_flags",
     .checks = "PVI-077",
     .given = "free_context with each undefined flag, and with all",
     .expects = "an error each time, the context stays (H), or it is freed",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);

	for (unsigned bit = 1; bit <= 32; bit++) {
		uint32_t flags = bit == 32 ? UINT32_MAX & ~1u : (uint32_t)pow2(bit);
		uint16_t ctx = pvx_context(t);
		int64_t rc = pvio_free_context(pvx(t), ctx, flags);

		if (expect_error_or_ignored(t, "free_context with an undefined flag", rc, -XEN_EINVAL)) {
			expect_rc(t, "map_pages in it", pvx_try_map(t, ctx, PVX_A, gfn_of(p->pa), 1, NULL), 0);
			pvx_free(t, ctx);
			continue;
		}
		pvx_disowns(t, ctx);
		expect_rc(t, "map_pages in what is freed", pvx_try_map(t, ctx, PVX_A, gfn_of(p->pa), 1, NULL), -XEN_EINVAL);
	}
}

TEST(pviommu_alloc_storm,
     .id = "pviommu.alloc.storm",
     .checks = "PVI-079",
     .given = "alloc_context and free_context from two processors at once",
     .expects = "no number is given twice",
     .needs = NEED_PVIOMMU)
{
	skip_unreached(t, "this kernel runs on one processor");
}
