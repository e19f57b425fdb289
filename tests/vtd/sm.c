/* What tests of scalable-mode structures share. */
#include "tests/vtd/sm.h"

#define DID_SECOND 8 /* the fixture uses 1 to 7; a unit may have as few as 16 domains */

enum fx_mode sm_mode(struct test *t)
{
	const struct vtd_caps *c = &t->bench->vtd->caps;

	if (c->ssts && c->levels_max)
		return FX_SM_SS;
	if (c->fsts)
		return FX_SM_FS;
	skip(t, "ECAP.SSTS = 0 and ECAP.FSTS = 0");
}

struct page *sm_start(struct test *t, struct fx_req **r)
{
	struct page *p = fx_start_mapped(t, sm_mode(t));

	*r = fx_req(t, t->engine);
	return p;
}

static uint64_t *words(const struct page *p)
{
	return (uint64_t *)(void *)p->p; /* page-aligned */
}

void sm_put(struct test *t, uint64_t *to, const uint64_t *from, unsigned n)
{
	for (unsigned i = n; i > 0; i--)
		fx_set(t, &to[i - 1], from[i - 1]);
}

void sm_space(struct test *t, const struct fx_req *r, unsigned n, struct sm_space *out)
{
	struct page *top = page_alloc(t, PAGE_BYTES, 0), *table = page_alloc(t, PAGE_BYTES, 0);
	struct page *dir = page_alloc(t, PAGE_BYTES, 0);

	ASSERT(n < 8);
	out->req = *r;
	out->req.did = (uint16_t)(DID_SECOND + n);
	out->req.space = words(top);
	out->req.space_pa = top->pa;
	out->page = page_filled(t, 0x5a);
	fx_map(t, &out->req, IOVA_A, out->page->pa, 1, PERM_RW, 0);
	out->entry = fx_pasid_value(fx_of(t), &out->req);
	out->dir = vtd_pasid_dir(table->pa);
	out->ctx = vtd_sm_ctx(dir->pa, 0, r->rid_pasid, false);
	sm_put(t, words(table) + 8 * fld_get(PASID_TABLE_INDEX, r->rid_pasid), out->entry.w, 8);
	sm_put(t, words(dir) + fld_get(PASID_DIR_INDEX, r->rid_pasid), out->dir.w, 1);
}

uint64_t *sm_pasid_at(struct test *t, struct fx_req *r, uint32_t pasid)
{
	uint64_t *dir = r->dir_table + fld_get(PASID_DIR_INDEX, pasid);
	uint64_t *table;

	ASSERT(pasid < pow2(13));
	if (!*dir)
		fx_set(t, dir, vtd_pasid_dir(page_alloc(t, PAGE_BYTES, 0)->pa).w[0]);
	table = mem_ptr(PA(*dir & PDE_SMPTBLPTR), PAGE_BYTES);
	ASSERT(table != NULL);
	return table + 8 * fld_get(PASID_TABLE_INDEX, pasid);
}

void sm_enable_pasid(struct test *t, struct fx_req *r)
{
	sm_change(t, r->ctx, 0, SM_CTX_PASIDE);
}

void sm_change(struct test *t, uint64_t *word, uint64_t clear, uint64_t set)
{
	fx_set(t, word, (*word & ~clear) | set);
	fx_sync(t);
}

static bool recorded(struct test *t)
{
	return expect_true(t, fx_faults_drop(t) != 0, "a fault record");
}

bool expect_blocked_recorded(struct test *t, iova_t iova, struct page *p)
{
	bool good = expect_write(t, iova, p, iova.v % PAGE_BYTES, DMA_REFUSED) && recorded(t);

	return good && expect_read(t, iova, p, iova.v % PAGE_BYTES, DMA_REFUSED) && recorded(t);
}

void observe_dma(struct test *t, struct page *p, const uint8_t *reasons, unsigned n, bool may_pass)
{
	unsigned seen = 0;
	enum dma_outcome o = try_write(t, t->engine, IOVA_A, dma_small_bytes(t, t->engine), p, IOVA_A.v % PAGE_BYTES);

	if (o == DMA_REFUSED && expect_fault_of(t, reasons, n, t->engine, IOVA_A, true, &seen))
		observe(t, "refused, fault 0x%02x", seen);
	else if (o == DMA_DONE && may_pass)
		observe(t, "allowed");
	else if (o != DMA_REFUSED)
		fail(t, "write refused", o == DMA_DONE ? "write done" : "write unknown");
	expect_no_fault(t);
}

static bool both_ways(struct test *t, const struct dma_request *rq, struct page *p, unsigned reason)
{
	enum dma_outcome expected = reason ? DMA_REFUSED : DMA_DONE;
	bool good = true;

	for (int write = 1; write >= 0; write--) {
		good &= expect_dma(t, t->engine, rq, write, p, rq->iova.v % PAGE_BYTES, expected);
		if (reason)
			good &= expect_fault(t, reason, t->engine, rq->iova, write);
	}
	return expect_no_fault(t) && good;
}

bool expect_allowed_rq(struct test *t, const struct dma_request *rq, struct page *p)
{
	return both_ways(t, rq, p, 0);
}

bool expect_blocked_rq(struct test *t, const struct dma_request *rq, struct page *p, unsigned reason)
{
	return both_ways(t, rq, p, reason);
}

struct dma_request sm_rq(struct test *t, uint32_t pasid)
{
	return (struct dma_request){
		.iova = IOVA_A, .len_bytes = dma_small_bytes(t, t->engine), .has_pasid = true, .pasid = pasid,
	};
}

iova_t sm_large(struct test *t, struct fx_req *r, unsigned level, const struct page *p)
{
	uint64_t size = pow2(12 + 9 * (level - 1));
	iova_t base = IOVA(align_down(IOVA_A.v, size));

	fx_map(t, r, base, PA(align_down(p->pa.v, size)), level, PERM_RW, 0);
	fx_sync(t);
	return iova_add(base, p->pa.v % size);
}

bool sm_bits_block(struct test *t, uint64_t *word, uint64_t bits, iova_t iova, struct page *p, unsigned reason)
{
	uint64_t before = *word;
	bool good = true;

	for (uint64_t left = bits; left && good; left &= left - 1) {
		sm_change(t, word, 0, LOWBIT(left));
		good = expect_blocked(t, iova, p, reason);
		if (!good)
			note(t, "with the word 0x%016llx", (unsigned long long)*word);
		sm_change(t, word, UINT64_MAX, before);
	}
	return expect_allowed(t, iova, p) && good;
}

bool sm_word_blocks(struct test *t, uint64_t *word, uint64_t value, struct page *p, unsigned reason_read,
		    unsigned reason_write)
{
	uint64_t before = *word;
	bool good;

	sm_change(t, word, UINT64_MAX, value);
	good = expect_blocked_as(t, IOVA_A, p, reason_read, reason_write);
	sm_change(t, word, UINT64_MAX, before);
	return expect_allowed(t, IOVA_A, p) && good;
}

bool sm_word_blocks_fresh(struct test *t, uint64_t *word, uint64_t value, struct page *p, unsigned reason)
{
	uint64_t before = *word;
	bool good;

	sm_change(t, word, UINT64_MAX, value);
	good = expect_write(t, IOVA_A, p, 0, DMA_REFUSED) && expect_fault(t, reason, t->engine, IOVA_A, true);
	fx_sync(t);
	good = good && expect_read(t, IOVA_A, p, 0, DMA_REFUSED) && expect_fault(t, reason, t->engine, IOVA_A, false);
	expect_no_fault(t);
	sm_change(t, word, UINT64_MAX, before);
	return expect_allowed(t, IOVA_A, p) && good;
}

void sm_set_levels(struct test *t, struct fx_req *r, unsigned levels)
{
	struct page *top = page_alloc(t, PAGE_BYTES, 0);

	r->levels = levels;
	r->space = words(top);
	r->space_pa = top->pa;
	fx_set(t, r->pasid, 0); /* P first: the unit may be reading it */
	sm_put(t, r->pasid, fx_pasid_value(fx_of(t), r).w, 8);
	fx_sync(t);
}
