/*
 * Translation requests and pretranslated requests (AMD IOMMU 2.1.3, 2.2.2, 2.4.4).
 */
#include "tests/amdvi/fixture.h"

#define NEEDS (NEED_AMDVI | NEED_AMD_HOST | NEED_AMD_IOTLB | NEED_ENGINE_ATS | NEED_ENGINE_DIRECT)

static struct dma_request at(iova_t iova)
{
	return (struct dma_request){ .iova = iova, .len_bytes = PAGE_BYTES };
}

static struct ats_answer ask(struct test *t, iova_t iova)
{
	struct dma_request rq = at(iova);
	struct ats_answer a = { .outcome = DMA_UNKNOWN };

	must(t, t->engine->ops->ats(t->engine, &rq, false, &a), "a translation request");
	return a;
}

/* A page at AX_A with perm, the entry with I = 1. */
static struct page *start(struct test *t, unsigned perm)
{
	struct page *p = page_filled(t, 0xa5);
	struct ax_req *r;

	ax_start(t, NULL);
	r = ax_req(t, t->engine);
	ax_map_sized(t, r, AX_A, p->pa, 12, perm);
	ax_set(r->dte + 1, r->dte[1] | DTE1_I);
	ax_sync(t);
	return p;
}

TEST(ats_answer, .id = "amdvi.ats.answer", .checks = "AMD-ATS-001 AMD-ATS-003", .given = "I = 1, a page with IR and IW",
     .expects = "its address, read and write", .needs = NEEDS)
{
	struct page *p = start(t, PERM_RW);
	struct ats_answer a = ask(t, AX_A);

	expect_eq(t, "an answer", a.outcome, DMA_DONE);
	expect_true(t, align_down(a.address, PAGE_BYTES) == p->pa.v, "the page's address");
	expect_eq(t, "R", a.r, 1);
	expect_eq(t, "W", a.w, 1);
	ax_map_sized(t, ax_req(t, t->engine), AX_A, p->pa, 12, PERM_R);
	ax_sync(t);
	a = ask(t, AX_A);
	expect_eq(t, "R of a read-only page", a.r, 1);
	expect_eq(t, "W of a read-only page", a.w, 0);
}

TEST(ats_size, .id = "amdvi.ats.size", .checks = "AMD-ATS-002", .given = "a 4 KiB page", .expects = "a size of 4 KiB",
     .needs = NEEDS)
{
	start(t, PERM_RW);
	expect_eq(t, "size", ask(t, AX_A).size_bytes, PAGE_BYTES);
}

TEST(ats_unmapped, .id = "amdvi.ats.unmapped", .checks = "AMD-ATS-004", .given = "an unmapped page",
     .expects = "an answer without permissions", .needs = NEEDS)
{
	struct ats_answer a;

	start(t, PERM_RW);
	a = ask(t, AX_B);
	expect_eq(t, "an answer", a.outcome, DMA_DONE);
	expect_eq(t, "R", a.r, 0);
	expect_eq(t, "W", a.w, 0);
}

TEST(ats_unmapped_silent, .id = "amdvi.ats.unmapped_silent", .checks = "AMD-ATS-005", .given = "an unmapped page",
     .expects = "no IO_PAGE_FAULT", .needs = NEEDS)
{
	start(t, PERM_RW);
	(void)ask(t, AX_B);
	ax_expect_no_event(t);
}

TEST(ats_refused, .id = "amdvi.ats.i0", .checks = "AMD-ATS-006", .given = "I = 0, a translation request",
     .expects = "it is refused", .needs = NEEDS)
{
	struct ax_req *r;

	start(t, PERM_RW);
	expect_eq(t, "an answer with I = 1", ask(t, AX_A).outcome, DMA_DONE);
	r = ax_req(t, t->engine);
	ax_set(r->dte + 1, r->dte[1] & ~DTE1_I);
	ax_sync(t);
	expect_eq(t, "refused with I = 0", ask(t, AX_A).outcome, DMA_REFUSED);
}

/* ---- pretranslated ---- */

static bool translated(struct test *t, struct page *p, enum dma_outcome expected)
{
	struct dma_request rq = {
		.iova = IOVA(p->pa.v), .len_bytes = dma_small_bytes(t, t->engine), .at = DMA_AT_TRANSLATED,
	};

	return expect_dma(t, t->engine, &rq, true, p, 0, expected);
}

enum { BYPASSES, I0_ABORTS, I0_EVENT, V0 };

static void pretranslated(struct test *t)
{
	struct page *p = start(t, PERM_RW);
	struct ax_req *r = ax_req(t, t->engine);
	struct amdvi_event e;

	if (!translated(t, p, DMA_DONE) || t->desc->arg == BYPASSES)
		return;
	if (t->desc->arg == V0)
		ax_set(r->dte, r->dte[0] & ~DTE_V);
	else
		ax_set(r->dte + 1, r->dte[1] & ~DTE1_I);
	ax_sync(t);
	if (!translated(t, p, DMA_REFUSED))
		return;
	if (t->desc->arg == I0_EVENT && ax_expect_event(t, EV_INVALID_REQUEST, &e))
		expect_eq(t, "Type", fld_get(EV_TYPE_8, e.raw[0]), 1);
}

#define PRE(id_, row_, given_, expects_, arg_) \
	{ .id = "amdvi.ats.translated." id_, .checks = row_, .given = given_, .expects = expects_, \
	  .needs = NEEDS | NEED_ENGINE_XLT, .arg = arg_, .body = pretranslated }

TEST_TABLE(ats_pretranslated, PRE("i1", "AMD-ATS-009", "I = 1", "the tables are bypassed", BYPASSES),
	   PRE("i0", "AMD-ATS-007", "I = 0", "aborted", I0_ABORTS),
	   PRE("i0_event", "AMD-ATS-008", "I = 0", "INVALID_DEVICE_REQUEST of type 001b", I0_EVENT),
	   PRE("v0", "AMD-ATS-010", "V = 0", "aborted", V0));

TEST(ats_u, .id = "amdvi.ats.u", .checks = "AMD-ATS-011", .given = "U = 1 in the leaf",
     .expects = "the answer has U = 1",
     .needs = NEEDS)
{
	struct page *p = start(t, PERM_RW);

	ax_set(ax_entry(t, ax_req(t, t->engine), AX_A, 1), ax_leaf(p->pa, PERM_RW) | V1_U);
	ax_sync(t);
	expect_eq(t, "U", ask(t, AX_A).u, 1);
}

TEST(ats_illegal, .id = "amdvi.ats.illegal_dte", .checks = "AMD-ATS-013", .given = "bit 2 set, a translation request",
     .expects = "ILLEGAL_DEV_TABLE_ENTRY with TR = 1", .needs = NEEDS)
{
	struct amdvi_event e;
	uint64_t *dte;

	start(t, PERM_RW);
	expect_eq(t, "an answer before", ask(t, AX_A).outcome, DMA_DONE);
	dte = ax_req(t, t->engine)->dte;
	ax_set(dte, dte[0] | BIT(2));
	ax_sync(t);
	(void)ask(t, AX_A);
	if (ax_expect_event(t, EV_ILLEGAL_DTE, &e))
		expect_eq(t, "TR", e.tr, 1);
}

TEST(ats_dirty, .id = "amdvi.ats.dirty", .checks = "AMD-ATS-014", .given = "HAD = 11b, a translation for write",
     .expects = "D is set", .needs = NEEDS | NEED_AMD_HD)
{
	uint64_t *dte;

	start(t, PERM_RW);
	dte = ax_req(t, t->engine)->dte;
	ax_set(dte, dte[0] | FLD(DTE_HAD, HAD_AD));
	ax_sync(t);
	(void)ask(t, AX_A);
	expect_eq(t, "D", *ax_entry(t, ax_req(t, t->engine), AX_A, 1) & V1_D, V1_D);
}

/* ---- the device's own cache ---- */

static bool is_cached(struct test *t, iova_t iova)
{
	struct dma_request rq = at(iova);
	bool cached = false;

	if (!t->engine->ops->ats_cached)
		skip_unreached(t, "the engine does not tell what it caches");
	must(t, t->engine->ops->ats_cached(t->engine, &rq, &cached), "a look into the device's TLB");
	return cached;
}

TEST(ats_invalidate, .id = "amdvi.ats.invalidate", .checks = "AMD-INV-029",
     .given = "4h of a page that the device caches",
     .expects = "the device drops it", .needs = NEEDS)
{
	start(t, PERM_RW);
	(void)ask(t, AX_A);
	expect_eq(t, "cached before", is_cached(t, AX_A), 1);
	ax_cmd(t, amdvi_cmd_iotlb(&(struct amdvi_iotlb){
		.device_id = ax_req(t, t->engine)->id, .span = amdvi_span_of(AX_A, PAGE_BYTES) }));
	expect_eq(t, "cached after 4h", is_cached(t, AX_A), 0);
}

TEST(ats_order, .id = "amdvi.ats.order", .checks = "AMD-INV-030", .given = "a page remapped, 3h then 4h",
     .expects = "the device gets the new frame", .needs = NEEDS)
{
	struct page *p2 = page_filled(t, 0x3c);

	start(t, PERM_RW);
	(void)ask(t, AX_A);
	ax_map_sized(t, ax_req(t, t->engine), AX_A, p2->pa, 12, PERM_RW);
	ax_cmd(t, amdvi_cmd_pages(ax_req(t, t->engine)->domain_id, amdvi_span_of(AX_A, PAGE_BYTES), false));
	ax_cmd(t, amdvi_cmd_iotlb(&(struct amdvi_iotlb){
		.device_id = ax_req(t, t->engine)->id, .span = amdvi_span_of(AX_A, PAGE_BYTES) }));
	expect_true(t, align_down(ask(t, AX_A).address, PAGE_BYTES) == p2->pa.v, "the new frame's address");
}
