/*
 * What the model keeps, continued (tests/vtd/model_keeps.c): interrupt entries, errors where CM = 1, what SRTP and TE
 * leave alone, and what the model's device keeps in its Device-TLB.
 */
#include "tests/vtd/interrupt_words.h"
#include "tests/vtd/sm.h"
#include "tests/vtd/stale.h"
#include <string.h>

#define NEEDS    (NEED_VTD | NEED_QI | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)
#define INDEX    0x28u
#define DID_ELSE 12 /* of nobody */

static void need_caches(struct test *t)
{
	if (!strcmp(t->bench->machine->name, "model.lazy"))
		skip(t, "this unit keeps nothing");
}

/* ---- interrupt entries ---- */

static bool vector_is(struct test *t, struct ir *ir, unsigned vector, const char *after)
{
	bool good = expect_delivered_as(t, ir, ir_address(INDEX, false), 0, vector);

	if (!good)
		note(t, "after %s", after);
	return good;
}

TEST(model_keeps_interrupts,
     .id = "vtd.cache.model.interrupt",
     .given = "an interrupt entry in use gets another vector, invalidations of others",
     .expects = "the old one is used until it is named",
     .needs = NEED_VTD | NEED_IR | NEED_QI | NEED_ENGINE_MSI, .flags = TEST_MODEL)
{
	struct ir *ir;

	need_caches(t);
	ir = ir_start(t, 8, false);
	ir_set(t, ir, INDEX, ir_entry(ir));
	if (!vector_is(t, ir, ir->vector, "nothing"))
		return;
	ir_put(t, ir, INDEX, vtd_irte((uint8_t)ir->decoy, ir->dest, ir->eime, ir->sid));
	for (unsigned im = 0; im < 16 && im <= t->bench->vtd->caps.mhmv; im++) {
		fx_inv(t, vtd_desc_iec_index((uint16_t)(align_down(INDEX, pow2(im)) + pow2(im)), im));
		fx_inv(t, vtd_desc_iec_index((uint16_t)(align_down(INDEX, pow2(im)) - pow2(im)), im));
	}
	if (!vector_is(t, ir, ir->vector, "neighbours"))
		return;
	fx_inv(t, vtd_desc_cc_global());
	fx_inv(t, vtd_desc_iotlb_global(vtd_drains(fx_of(t)->u)));
	if (!vector_is(t, ir, ir->vector, "invalidations of DMA caches"))
		return;
	if (!t->bench->vtd->caps.esirtps) {
		must(t, vtd_sirtp(fx_of(t)->u, ir->table->pa, ir->log2_entries, ir->eime), "SIRTP");
		if (!vector_is(t, ir, ir->vector, "SIRTP on a unit without ESIRTPS"))
			return;
	}
	fx_inv(t, vtd_desc_iec_index(INDEX, 0));
	vector_is(t, ir, ir->decoy, "its own invalidation");
}

/* ---- commands ---- */

TEST(model_keeps_srtp,
     .id = "vtd.cache.model.srtp",
     .given = "ESRTPS = 0, a leaf in use changed, then SRTP; then, where SMTS = 0, TE off and on",
     .expects = "the old leaf is used until it is dropped",
     .needs = NEEDS | NEED_LEGACY_SS, .flags = TEST_MODEL)
{
	struct page *p, *q = page_filled(t, 0);
	struct vtd_unit *u = t->bench->vtd;

	need_caches(t);
	if (u->caps.esrtps)
		skip(t, "CAP.ESRTPS = 1");
	p = fx_start_mapped(t, FX_LEGACY);
	fx_map_page(t, IOVA_A, q);
	must(t, vtd_srtp(u, fx_of(t)->root_pa, TTM_LEGACY), "SRTP");
	if (!expect_fresh(t, t->engine, IOVA_A, q, p))
		return;
	must(t, vtd_translation_off(u), "turning translation off");
	must(t, vtd_translation_on(u), "turning translation on");
	expect_fresh(t, t->engine, IOVA_A, u->caps.smts ? p : q, u->caps.smts ? q : p);
	fx_sync(t);
	expect_fresh(t, t->engine, IOVA_A, p, q);
}

/* ---- errors, where CM = 1 ---- */

/* Which word is cleared, or gets a reserved bit, and what names the error that is then kept. */
enum place { AT_LEAF, AT_LEAF_RESERVED, AT_TABLE, AT_CONTEXT, AT_PASID };

static uint64_t *word_of(struct test *t, struct fx_req *r, enum place at)
{
	switch (at) {
	case AT_CONTEXT: return r->ctx;
	case AT_PASID:   return r->pasid;
	case AT_TABLE:   return fx_entry(t, r, IOVA_A, 2);
	default:         return fx_entry(t, r, IOVA_A, 1);
	}
}

static void drop(struct test *t, struct fx_req *r, enum place at, bool other)
{
	iova_t page = iova_add(IOVA_A, other ? PAGE_BYTES : 0);
	uint16_t sid = other ? r->sid ^ 8 : r->sid;
	uint32_t pasid = other ? r->rid_pasid + 1 : r->rid_pasid;

	if (at == AT_CONTEXT)
		fx_inv(t, vtd_desc_cc_device(0, sid, 0));
	else if (at == AT_PASID)
		fx_inv(t, vtd_desc_pc_pasid(r->did, pasid));
	else
		fx_drop(t, r, fx_of(t)->first_stage ? INV_PASID_PAGE : INV_PAGE, page, 0, true);
}

#define ARG_MODE  BITS(7, 0)
#define ARG_PLACE BITS(15, 8)
#define ARG(mode_, place_) (FLD(ARG_MODE, mode_) | FLD(ARG_PLACE, place_))

static void error_kept(struct test *t)
{
	enum place at = (enum place)fld_get(ARG_PLACE, t->desc->arg);
	uint64_t *word, good;
	struct fx_req *r;
	struct page *p;

	need_caches(t);
	if (!t->bench->vtd->caps.cm)
		skip(t, "CAP.CM = 0");
	p = fx_start_mapped(t, (enum fx_mode)fld_get(ARG_MODE, t->desc->arg));
	r = fx_req(t, t->engine);
	word = word_of(t, r, at);
	good = *word;
	if (at == AT_LEAF_RESERVED && (fx_bits_above_haw(t) & SS_ADDR) == 0)
		skip(t, "no bit of an address is reserved");
	fx_set(t, word, at == AT_LEAF_RESERVED ? good | LOWBIT(fx_bits_above_haw(t) & SS_ADDR) : 0);
	fx_sync(t);
	expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
	fx_set(t, word, good);
	expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
	drop(t, r, at, true);
	expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
	expect_true(t, fx_faults_drop(t) > 0, "the refused writes are recorded");
	drop(t, r, at, false);
	expect_allowed(t, IOVA_A, p);
}

#define ERROR_ROW(name_, mode_, place_, needs_) \
	{ .id = "vtd.cache.model.error." name_, .given = "CM = 1, a defect met by a write, then removed; others invalidated", \
	  .expects = "refused until the defect itself is named", .needs = NEEDS | (needs_), .flags = TEST_MODEL, \
	  .arg = ARG(mode_, place_), .body = error_kept }

TEST_TABLE(model_keeps_errors,
	   ERROR_ROW("legacy.leaf", FX_LEGACY, AT_LEAF, NEED_LEGACY_SS),
	   ERROR_ROW("legacy.reserved", FX_LEGACY, AT_LEAF_RESERVED, NEED_LEGACY_SS),
	   ERROR_ROW("legacy.table", FX_LEGACY, AT_TABLE, NEED_LEGACY_SS),
	   ERROR_ROW("legacy.context", FX_LEGACY, AT_CONTEXT, NEED_LEGACY_SS),
	   ERROR_ROW("second_stage.leaf", FX_SM_SS, AT_LEAF, NEED_SSTS),
	   ERROR_ROW("second_stage.reserved", FX_SM_SS, AT_LEAF_RESERVED, NEED_SSTS),
	   ERROR_ROW("second_stage.context", FX_SM_SS, AT_CONTEXT, NEED_SSTS),
	   ERROR_ROW("second_stage.pasid", FX_SM_SS, AT_PASID, NEED_SSTS),
	   ERROR_ROW("first_stage.leaf", FX_SM_FS, AT_LEAF, NEED_FSTS),
	   ERROR_ROW("first_stage.reserved", FX_SM_FS, AT_LEAF_RESERVED, NEED_FSTS),
	   ERROR_ROW("first_stage.table", FX_SM_FS, AT_TABLE, NEED_FSTS));

/* What could not be fetched is no answer that could be kept: with the pointer put right, DMA works at once. */
static void fetch_not_kept(struct test *t)
{
	bool scalable = t->desc->arg != FX_LEGACY;
	struct page *p = fx_start_mapped(t, (enum fx_mode)t->desc->arg);
	struct fx_req *r = fx_req(t, t->engine);
	uint64_t *words[] = { r->root_half, scalable ? r->ctx : NULL, scalable ? r->dir : NULL };

	if (!scalable && !t->bench->vtd->caps.esrtps) {
		must(t, vtd_srtp(fx_of(t)->u, mem_unbacked(PAGE_BYTES), TTM_LEGACY), "SRTP to where no memory is");
		fx_sync(t);
		expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
		expect_true(t, fx_faults_drop(t) > 0, "the refused write is recorded");
		must(t, vtd_srtp(fx_of(t)->u, fx_of(t)->root_pa, TTM_LEGACY), "SRTP");
		if (!expect_allowed(t, IOVA_A, p))
			return;
	}
	for (unsigned i = 0; i < ARRAY_LEN(words) && words[i]; i++) {
		uint64_t good = *words[i];

		fx_set(t, words[i], (good & (PAGE_BYTES - 1)) | page_unbacked(t).v);
		fx_sync(t);
		expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
		expect_true(t, fx_faults_drop(t) > 0, "the refused write is recorded");
		fx_set(t, words[i], good);
		must(t, vtd_write_buffer_flush(fx_of(t)->u), "flushing the write buffer");
		if (words[i] == r->ctx) /* itself in order, so it is kept */
			fx_inv(t, vtd_desc_cc_device(0, r->sid, 0));
		if (!expect_allowed(t, IOVA_A, p)) {
			note(t, "structure %u", i);
			return;
		}
	}
}

TEST_TABLE(model_fetch,
	   { .id = "vtd.cache.model.fetch.legacy", .given = "root and context table where no memory is, then in place",
	     .expects = "refused, then allowed without an invalidation", .needs = NEEDS | NEED_LEGACY_SS,
	     .flags = TEST_MODEL, .arg = FX_LEGACY, .body = fetch_not_kept },
	   { .id = "vtd.cache.model.fetch.scalable", .given = "context table, PASID directory, PASID table likewise",
	     .expects = "refused, then allowed without an invalidation", .needs = NEEDS | NEED_SSTS,
	     .flags = TEST_MODEL, .arg = FX_SM_SS, .body = fetch_not_kept });

/*
 * A walk that ends in a fault sets no A bit, so of its paging entries nothing may be kept; its context and PASID entry
 * may, and are.
 */
TEST(model_keeps_of_fault,
     .id = "vtd.cache.model.fault_keeps_pasid",
     .given = "a read-only page without A bits, refused a write; then the PASID entry loses P, and an entry gets W",
     .expects = "the PASID entry is used as it was, the paging entries as they are",
     .needs = NEEDS | NEED_FSTS, .flags = TEST_MODEL)
{
	struct page *p;
	struct fx_req *r;
	uint64_t *leaf;

	need_caches(t);
	if (!t->bench->vtd->caps.smpwcs)
		skip(t, "ECAP.SMPWCS = 0");
	p = fx_start_mapped(t, FX_SM_FS);
	r = fx_req(t, t->engine);
	leaf = fx_entry(t, r, IOVA_A, 1);
	for (unsigned level = 1; level <= r->levels; level++)
		fx_set(t, fx_entry(t, r, IOVA_A, level), *fx_entry(t, r, IOVA_A, level) & ~(FS_A | FS_D));
	fx_set(t, leaf, *leaf & ~FS_RW);
	fx_sync(t);
	expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
	expect_true(t, fx_faults_drop(t) > 0, "the refused write is recorded");
	fx_set(t, leaf, *leaf | FS_RW);
	fx_set(t, r->pasid, r->pasid[0] & ~PASID_P);
	expect_write(t, IOVA_A, p, 0, DMA_DONE);
	expect_no_fault(t);
}

/* ---- pass-through and translation take each other's place ---- */

TEST(model_keeps_legacy_pass,
     .id = "vtd.cache.model.pass.legacy",
     .given = "a context entry in use becomes pass-through; context-cache device, then IOTLB domain",
     .expects = "the old translation until the latter, then the address itself",
     .needs = NEEDS | NEED_LEGACY_SS | NEED_PT, .flags = TEST_MODEL)
{
	struct page *p = page_filled(t, 0), *q = page_filled(t, 0);
	iova_t same = IOVA(p->pa.v);
	struct fx_req *r;
	vtd_ctx_t e;

	need_caches(t);
	fx_start(t, FX_LEGACY);
	r = fx_req(t, t->engine);
	fx_map(t, r, same, q->pa, 1, PERM_RW, 0);
	fx_sync(t);
	expect_fresh(t, t->engine, same, p, q);
	e = vtd_ctx(TT_PASSTHROUGH, PA(0), t->bench->vtd->caps.levels_max, r->did);
	fx_set(t, &r->ctx[1], e.w[1]);
	fx_set(t, &r->ctx[0], e.w[0]);
	fx_inv(t, vtd_desc_cc_device(r->did, r->sid, 0));
	expect_fresh(t, t->engine, same, p, q);
	fx_drop(t, r, INV_DOMAIN, same, 0, false);
	expect_fresh(t, t->engine, same, q, p);
}

/* arg: from pass-through to first stage; else the other way. */
static void pass_kept(struct test *t)
{
	struct page *p = page_filled(t, 0), *q = page_filled(t, 0), *before, *after;
	iova_t same = IOVA(p->pa.v);
	vtd_pasid_t e[2];
	struct fx_req *r;

	need_caches(t);
	fx_start(t, FX_SM_FS);
	r = fx_req(t, t->engine);
	fx_map(t, r, same, q->pa, 1, PERM_RW, 0);
	e[!t->desc->arg] = vtd_pasid_passthrough(t->bench->vtd->caps.levels_max, r->did);
	e[t->desc->arg] = fx_pasid_value(fx_of(t), r);
	before = t->desc->arg ? p : q;
	after = t->desc->arg ? q : p;
	fx_set(t, r->pasid, 0);
	sm_put(t, r->pasid, e[0].w, 8);
	fx_sync(t);
	expect_fresh(t, t->engine, same, after, before);
	sm_put(t, r->pasid, e[1].w, 8);
	fx_inv(t, vtd_desc_pc_pasid(r->did, r->rid_pasid));
	expect_fresh(t, t->engine, same, after, before);
	fx_drop(t, r, INV_PASID, same, 0, false);
	expect_fresh(t, t->engine, same, before, after);
}

TEST_TABLE(model_pass,
	   { .id = "vtd.cache.model.pass.from", .given = "a PASID entry in use changes from pass-through to first stage",
	     .expects = "the old translation until the PASID-based IOTLB invalidation", .arg = 1, .body = pass_kept,
	     .needs = NEEDS | NEED_FSTS | NEED_PT, .flags = TEST_MODEL },
	   { .id = "vtd.cache.model.pass.to", .given = "a PASID entry in use changes from first stage to pass-through",
	     .expects = "the old translation until the PASID-based IOTLB invalidation", .arg = 0, .body = pass_kept,
	     .needs = NEEDS | NEED_FSTS | NEED_PT, .flags = TEST_MODEL });

/* ---- the write buffer ---- */

TEST(model_write_buffer,
     .id = "vtd.cache.model.write_buffer",
     .given = "RWBF = 1, a leaf in use changed, an IOTLB descriptor submitted without a flush of the write buffer",
     .expects = "the invalidation empties the buffer itself (VT-d 6.8): the new leaf is used",
     .needs = NEEDS | NEED_LEGACY_SS, .flags = TEST_MODEL)
{
	struct vtd_desc d = vtd_desc_iotlb_global(vtd_drains(t->bench->vtd));
	struct page *p, *q = page_filled(t, 0);

	if (!t->bench->vtd->caps.rwbf)
		skip(t, "CAP.RWBF = 0");
	p = fx_start_mapped(t, FX_LEGACY);
	fx_map_page(t, IOVA_A, q);
	must(t, vtd_queue_submit(fx_of(t)->u, &d, 1), "an invalidation");
	must(t, vtd_queue_wait(fx_of(t)->u), "a wait");
	expect_fresh(t, t->engine, IOVA_A, p, q);
}

/* ---- Device-TLB ---- */

static bool device_keeps(struct test *t, const struct dma_request *rq, bool kept, const char *after)
{
	bool cached = false;

	must(t, t->engine->ops->ats_cached(t->engine, rq, &cached), "asking the device");
	if (expect_eq(t, "kept by the device", cached, kept))
		return true;
	note(t, "after %s", after);
	return false;
}

static void ask(struct test *t, const struct dma_request *rq)
{
	struct ats_answer a = { .outcome = DMA_UNKNOWN };

	must(t, t->engine->ops->ats(t->engine, rq, false, &a), "a translation request");
	expect_true(t, a.outcome == DMA_DONE && a.r && a.w, "a translation request succeeds");
}

/* 2^log2 pages at iova of a device's Device-TLB. */
static void drop_pages(struct test *t, const struct engine *e, iova_t iova, unsigned log2)
{
	struct vtd_dev_tlb d = { .sid = e->dev->addr.sid, .iova = iova, .log2_pages = log2 };

	fx_inv(t, vtd_desc_dev_tlb(&d));
}

TEST(model_device_keeps,
     .id = "vtd.cache.model.device_tlb",
     .given = "a translation in the Device-TLB, invalidations of other pages and of other devices",
     .expects = "kept until it is named",
     .needs = NEED_VTD | NEED_LEGACY_SS | NEED_DT | NEED_ENGINE_ATS | NEED_ENGINE_2, .flags = TEST_MODEL)
{
	struct dma_request rq = { .iova = IOVA_A, .len_bytes = PAGE_BYTES };
	struct fx_req *r;
	struct page *p;

	p = fx_start_mapped(t, FX_LEGACY);
	r = fx_req(t, t->engine);
	fx_set(t, &r->ctx[0], fld_set(CTX_TT, r->ctx[0], TT_ATS));
	fx_sync(t);
	for (unsigned log2 = 0; log2 < 6; log2++) {
		uint64_t bytes = PAGE_BYTES * pow2(log2), base = align_down(IOVA_A.v, bytes);

		ask(t, &rq);
		if (!device_keeps(t, &rq, true, "the answer"))
			return;
		drop_pages(t, t->engine, IOVA(base + bytes), log2);
		drop_pages(t, t->engine, IOVA(base - bytes), log2);
		drop_pages(t, t->engine2, IOVA(base), log2);
		/* Without S a page is a page, whatever the bits of its address. */
		drop_pages(t, t->engine, IOVA(IOVA_A.v - 2 * PAGE_BYTES), 0);
		if (!device_keeps(t, &rq, true, "invalidations of others"))
			break;
		drop_pages(t, t->engine, IOVA(base), log2);
		if (!device_keeps(t, &rq, false, "its own invalidation"))
			break;
	}
	expect_allowed(t, IOVA_A, p);
}

TEST(model_device_keeps_pasid,
     .id = "vtd.cache.model.device_tlb_pasid",
     .given = "translations of two PASIDs in the Device-TLB, PASID-based invalidations",
     .expects = "each is kept until it is named, or all are",
     .needs = NEEDS_SM_PASID | NEED_DT | NEED_ENGINE_ATS | NEED_ENGINE_2, .flags = TEST_MODEL)
{
	struct vtd_dev_tlb here = { .sid = t->engine->dev->addr.sid, .iova = IOVA_A };
	struct vtd_dev_tlb next = { .sid = here.sid, .iova = IOVA(IOVA_A.v - 2 * PAGE_BYTES) };
	struct vtd_dev_tlb other = { .sid = t->engine2->dev->addr.sid, .iova = IOVA_A };
	struct dma_request one = sm_rq(t, 5), two = sm_rq(t, 6);
	struct fx_req *r;

	sm_start(t, &r);
	sm_put(t, sm_pasid_at(t, r, 5), fx_pasid_value(fx_of(t), r).w, 8);
	sm_put(t, sm_pasid_at(t, r, 6), fx_pasid_value(fx_of(t), r).w, 8);
	sm_change(t, r->ctx, 0, SM_CTX_DTE | SM_CTX_PASIDE);
	ask(t, &one);
	ask(t, &two);
	fx_inv(t, vtd_desc_pdev_tlb(&here, 7, false));
	fx_inv(t, vtd_desc_pdev_tlb(&next, 5, false));
	fx_inv(t, vtd_desc_pdev_tlb(&other, 5, true));
	device_keeps(t, &one, true, "invalidations of others");
	fx_inv(t, vtd_desc_pdev_tlb(&here, 5, false));
	device_keeps(t, &one, false, "its own invalidation");
	device_keeps(t, &two, true, "the invalidation of another PASID");
	ask(t, &one);
	fx_inv(t, vtd_desc_pdev_tlb(&here, 0, true));
	device_keeps(t, &one, false, "an invalidation of all PASIDs");
	device_keeps(t, &two, false, "an invalidation of all PASIDs");
}
