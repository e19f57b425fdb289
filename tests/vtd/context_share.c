/*
 * Legacy context entries of several requesters, pass-through, and requests that legacy mode does not know (VT-d 9.3,
 * 3.4.3).
 */
#include "tests/vtd/judge.h"

#define NEEDS  (NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)
#define NEEDS2 (NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE | NEED_ENGINE_2)

#define SLOW_US 10000 /* an engine that takes longer is left out where there are others */

/* ---- several requesters ---- */

static bool write_by(struct test *t, struct engine *e, iova_t iova, struct page *p)
{
	return expect_write_by(t, e, iova, dma_small_bytes(t, e), p, 0, DMA_DONE);
}

TEST(ctx_by_devfn,
     .id = "vtd.ctx.select.by_devfn",
     .checks = "VTD-CTX-001",
     .given = "all quick requesters that can write, the same address mapped to a page of each",
     .expects = "each reaches its own page",
     .needs = NEEDS2)
{
	struct page *pages[FX_REQS_MAX];
	struct engine *es[FX_REQS_MAX];
	unsigned n = 0;

	fx_start(t, FX_LEGACY);
	for (unsigned i = 0; i < t->bench->engines_n && n < FX_REQS_MAX; i++) {
		struct engine *e = &t->bench->engines[i];

		if (!(e->caps.flags & DMA_CAN_WRITE) || e->caps.usual_us > SLOW_US)
			continue;
		if (e != t->engine && e != t->engine2 && fx_of(t)->reqs_n < FX_REQS_MAX)
			fx_add(t, e);
		pages[n] = page_filled(t, (uint8_t)n);
		fx_map(t, fx_req(t, e), IOVA_A, pages[n]->pa, 1, PERM_RW, 0);
		es[n++] = e;
	}
	fx_sync(t);
	for (unsigned i = 0; i < n; i++)
		write_by(t, es[i], IOVA_A, pages[i]);
	expect_no_fault(t);
}

TEST(ctx_shared_domain,
     .id = "vtd.ctx.domain.shared",
     .checks = "VTD-CTX-026",
     .given = "two requesters with one DID and the same tables",
     .expects = "both see the same mapping",
     .needs = NEEDS2)
{
	struct page *p = page_filled(t, 0xa5);
	struct fx_req *a, *b;

	fx_start(t, FX_LEGACY);
	a = fx_req(t, t->engine);
	b = fx_req(t, t->engine2);
	for (unsigned i = 0; i < b->engine->own_n; i++)
		for (uint64_t off = 0; off < b->engine->own[i].len_bytes; off += PAGE_BYTES)
			fx_map(t, a, IOVA(b->engine->own[i].pa.v + off), pa_add(b->engine->own[i].pa, off), 1,
			       PERM_RW, 0);
	fx_set(t, &b->ctx[1], a->ctx[1]);
	fx_set(t, &b->ctx[0], a->ctx[0]);
	fx_map_page(t, IOVA_A, p);
	fx_sync(t);
	write_by(t, t->engine, IOVA_A, p);
	write_by(t, t->engine2, IOVA_A, p);
	write_by(t, t->engine, IOVA_A, p);
	expect_no_fault(t);
}

TEST(ctx_isolated_domains,
     .id = "vtd.ctx.domain.isolated",
     .checks = "VTD-CTX-027",
     .given = "two requesters with two DIDs; one address mapped for both, one for the first alone",
     .expects = "each reaches its own page; the second is refused where only the first has a mapping",
     .needs = NEEDS2)
{
	struct page *a = page_filled(t, 0xa5), *b = page_filled(t, 0x5a), *c = page_filled(t, 0);

	fx_start(t, FX_LEGACY);
	fx_map_page(t, IOVA_A, a);
	fx_map_page(t, IOVA_B, c);
	fx_map(t, fx_req(t, t->engine2), IOVA_A, b->pa, 1, PERM_RW, 0);
	fx_sync(t);
	write_by(t, t->engine, IOVA_A, a);
	write_by(t, t->engine, IOVA_B, c);
	write_by(t, t->engine2, IOVA_A, b);
	expect_no_fault(t);
	expect_write_by(t, t->engine2, IOVA_B, dma_small_bytes(t, t->engine2), c, 0, DMA_REFUSED);
	expect_fault(t, FR_LGN_2, t->engine2, IOVA_B, true);
	expect_no_fault(t);
}

TEST(ctx_did_bits,
     .id = "vtd.ctx.domain.did_bits",
     .checks = "VTD-CTX-027",
     .given = "two requesters whose DIDs differ in one bit, for each bit that ND allows",
     .expects = "each reaches its own page",
     .needs = NEEDS2)
{
	struct page *a = page_filled(t, 0xa5), *b = page_filled(t, 0x5a);
	struct fx_req *r[2];

	fx_start(t, FX_LEGACY);
	r[0] = fx_req(t, t->engine);
	r[1] = fx_req(t, t->engine2);
	fx_map_page(t, IOVA_A, a);
	fx_map(t, r[1], IOVA_A, b->pa, 1, PERM_RW, 0);
	for (unsigned bit = 0; pow2(bit) < t->bench->vtd->caps.domains_n; bit++) {
		uint16_t one = bit == 1 ? 1 : 2;

		fx_set(t, &r[0]->ctx[1], fld_set(CTX1_DID, r[0]->ctx[1], one));
		fx_set(t, &r[1]->ctx[1], fld_set(CTX1_DID, r[1]->ctx[1], one ^ pow2(bit)));
		fx_sync(t);
		write_by(t, t->engine, IOVA_A, a);
		write_by(t, t->engine2, IOVA_A, b);
		if (!expect_no_fault(t)) {
			note(t, "bit %u of the DID", bit);
			return;
		}
	}
}

/* ---- pass-through ---- */

TEST(ctx_passthrough,
     .id = "vtd.ctx.passthrough.output_is_input",
     .checks = "VTD-CTX-018 VTD-CTX-019",
     .given = "TT = 10",
     .expects = "reads and writes reach the physical address that they name, nothing is recorded",
     .needs = NEED_VTD | NEED_LEGACY_SS | NEED_PT | NEED_ENGINE_WRITE | NEED_ENGINE_READ)
{
	struct page *p = page_filled(t, 0xa5);

	fx_start(t, FX_LEGACY_PT);
	expect_allowed(t, IOVA(p->pa.v), p);
}

TEST(ctx_passthrough_pointer,
     .id = "vtd.ctx.passthrough.pointer_not_used",
     .checks = "VTD-CTX-020",
     .given = "TT = 10 and a page-table pointer that leads nowhere",
     .expects = "DMA works",
     .needs = NEEDS | NEED_PT)
{
	struct page *p = page_filled(t, 0xa5);
	struct fx_req *r;

	fx_start(t, FX_LEGACY_PT);
	expect_allowed(t, IOVA(p->pa.v), p);
	r = fx_req(t, t->engine);
	fx_set(t, &r->ctx[0], vtd_ctx(TT_PASSTHROUGH, page_unbacked(t), r->levels, r->did).w[0]);
	fx_sync(t);
	expect_allowed(t, IOVA(p->pa.v), p);
}

TEST(ctx_passthrough_aw,
     .id = "vtd.ctx.passthrough.aw_below_largest",
     .checks = "VTD-CTX-017",
     .given = "TT = 10 with an AW of SAGAW that is not its largest",
     .expects = "refused, reason 03h or 04h",
     .needs = NEEDS | NEED_PT)
{
	static const uint8_t reasons[] = { FR_LCT_4, FR_LGN_1 };
	struct page *p = page_filled(t, 0xa5);
	unsigned seen = 0, levels = t->bench->vtd->caps.levels_max - 1;
	struct fx_req *r;

	while (levels >= 3 && !vtd_caps_levels(&t->bench->vtd->caps, levels))
		levels--;
	if (levels < 3)
		skip(t, "CAP.SAGAW has one width");
	fx_start(t, FX_LEGACY_PT);
	expect_allowed(t, IOVA(p->pa.v), p);
	r = fx_req(t, t->engine);
	fx_set(t, &r->ctx[1], vtd_ctx(TT_PASSTHROUGH, r->space_pa, levels, r->did).w[1]);
	fx_sync(t);
	if (!expect_write(t, IOVA(p->pa.v), p, 0, DMA_REFUSED))
		return;
	if (expect_fault_of(t, reasons, ARRAY_LEN(reasons), t->engine, IOVA(p->pa.v), true, &seen))
		observe(t, "fault 0x%02x", seen);
	expect_no_fault(t);
}

/* ---- requests that legacy mode does not know ---- */

TEST(ctx_pasid,
     .id = "vtd.ctx.legacy.request_with_pasid",
     .checks = "VTD-CTX-039",
     .given = "legacy mode, a page that the engine reaches without PASID; then a request with PASID",
     .expects = "refused, reason 31h",
     .needs = NEED_VTD | NEED_LEGACY_SS | NEED_PASID | NEED_ENGINE_WRITE | NEED_ENGINE_PASID)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	struct dma_request rq = { .iova = IOVA_A, .len_bytes = dma_small_bytes(t, t->engine), .has_pasid = true,
				  .pasid = 5 };

	expect_dma(t, t->engine, &rq, true, p, 0, DMA_REFUSED);
	expect_fault(t, FR_RTA_2, t->engine, IOVA_A, true);
	expect_no_fault(t);
}

TEST(ctx_page_request,
     .id = "vtd.ctx.legacy.page_request",
     .checks = "VTD-CTX-040",
     .given = "legacy mode, a page request",
     .expects = "recorded with reason 32h",
     .needs = NEED_VTD | NEED_LEGACY_SS | NEED_PRS | NEED_ENGINE_WRITE | NEED_ENGINE_PRI)
{
	struct page_request pr = { .iova = IOVA_A, .w = true, .last = true, .prgi = 1 };
	struct vtd_fault f;

	(void)fx_start_mapped(t, FX_LEGACY);
	must(t, t->engine->ops->page_request(t->engine, &pr), "sending a page request");
	if (vtd_fault_pop(fx_of(t)->u, &f) != OK) {
		fail(t, "fault 0x32", "no fault record");
		return;
	}
	/* Type and AT of the record of a page request are not settled. */
	expect_eq(t, "FR", f.fr, FR_RTA_3);
	expect_eq(t, "SID", f.sid, t->engine->dev->addr.sid);
	expect_eq(t, "FI", f.fi, IOVA_A.v);
	expect_no_fault(t);
}
