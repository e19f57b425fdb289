/*
 * Entries that become present: what a unit may not have cached (CM = 0), and what drops it where it may (CM = 1), and
 * when a change in memory is seen at all (VT-d 6.1, 6.6, 6.8).
 */
#include "tests/vtd/stale.h"

#define NEEDS    (NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)
#define NEEDS_SM (NEED_VTD | NEED_SM | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)

static void need_cm(struct test *t, bool cm)
{
	if (t->bench->vtd->caps.cm != cm)
		skip(t, "CAP.CM = %u", !cm);
}

/* Second stage where the unit has it, else first stage. */
static enum fx_mode scalable_mode(struct test *t)
{
	if (!t->bench->vtd->caps.ssts && !t->bench->vtd->caps.fsts)
		skip(t, "ECAP.SSTS = FSTS = 0");
	return t->bench->vtd->caps.ssts ? FX_SM_SS : FX_SM_FS;
}

enum part { PART_LEAF, PART_CONTEXT, PART_ROOT, PART_RESERVED, PART_PASID };

static uint64_t *word_of(struct test *t, enum part part)
{
	struct fx_req *r = fx_req(t, t->engine);

	switch (part) {
	case PART_LEAF:
		return fx_entry(t, r, IOVA_A, 1);
	case PART_ROOT:
		return r->root;
	case PART_PASID:
		return r->pasid;
	default:
		return r->ctx;
	}
}

/*
 * A mapping that works loses the present bits of one word (PART_RESERVED: gets a reserved bit), is refused, which would
 * be the time to cache that, and gets them back. Nothing is dropped after that but what the test says.
 */
static struct page *made_present(struct test *t, enum fx_mode mode, enum part part)
{
	struct page *p = fx_start_mapped(t, mode);
	uint64_t *word = word_of(t, part), good = *word;

	fx_set(t, word, part == PART_RESERVED ? good | LOWBIT(CTX_RSVD) : 0);
	fx_sync(t);
	expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
	expect_true(t, fx_faults_drop(t) > 0, "the refused write is recorded");
	fx_set(t, word, good);
	must(t, vtd_write_buffer_flush(fx_of(t)->u), "flushing the write buffer");
	return p;
}

static void needs_none(struct test *t)
{
	enum part part = (enum part)t->desc->arg;
	struct page *p;

	need_cm(t, false);
	p = made_present(t, part == PART_PASID ? scalable_mode(t) : FX_LEGACY, part);
	expect_allowed(t, IOVA_A, p);
}

#define NONE_ROW(name_, row_, arg_, needs_, given_) \
	{ .id = "vtd.cache.absent." name_, .checks = row_, .given = "CM = 0; " given_ ", after a refused access", \
	  .expects = "the next access succeeds without an invalidation", .needs = (needs_), .arg = (arg_), \
	  .body = needs_none }

TEST_TABLE(absent_not_cached,
	   NONE_ROW("leaf", "VTD-CACHE-001", PART_LEAF, NEEDS, "a leaf is made present"),
	   NONE_ROW("context", "VTD-CACHE-002", PART_CONTEXT, NEEDS, "a context entry is made present"),
	   NONE_ROW("root", "VTD-CACHE-003", PART_ROOT, NEEDS, "a root entry is made present"),
	   NONE_ROW("pasid", "VTD-CACHE-004", PART_PASID, NEEDS_SM, "a PASID entry is made present"),
	   NONE_ROW("reserved", "VTD-CACHE-005", PART_RESERVED, NEEDS, "a reserved bit of a context entry is cleared"));

/* ---- CM = 1 ---- */

TEST(cm_leaf,
     .id = "vtd.cache.caching_mode.leaf", .checks = "VTD-CACHE-007",
     .given = "CM = 1; a leaf is made present after a refused access; IOTLB page", .expects = "access succeeds",
     .needs = NEEDS)
{
	struct page *p;

	need_cm(t, true);
	p = made_present(t, FX_LEGACY, PART_LEAF);
	fx_drop(t, fx_req(t, t->engine), INV_PAGE, IOVA_A, 0, false);
	expect_allowed(t, IOVA_A, p);
}

TEST(cm_context,
     .id = "vtd.cache.caching_mode.context", .checks = "VTD-CACHE-008",
     .given = "CM = 1; a context entry is made present after a refused access; context device with DID 0, IOTLB domain",
     .expects = "access succeeds", .needs = NEEDS)
{
	struct page *p;

	need_cm(t, true);
	p = made_present(t, FX_LEGACY, PART_CONTEXT);
	fx_inv(t, vtd_desc_cc_device(0, fx_req(t, t->engine)->sid, 0));
	fx_drop(t, fx_req(t, t->engine), INV_DOMAIN, IOVA_A, 0, false);
	expect_allowed(t, IOVA_A, p);
}

TEST(cm_pasid,
     .id = "vtd.cache.caching_mode.pasid", .checks = "VTD-CACHE-009",
     .given = "CM = 1; a PASID entry is made present after a refused access; PASID-cache PASID, PASID-based IOTLB",
     .expects = "access succeeds", .needs = NEEDS_SM)
{
	struct fx_req *r;
	struct page *p;

	need_cm(t, true);
	p = made_present(t, scalable_mode(t), PART_PASID);
	r = fx_req(t, t->engine);
	fx_inv(t, vtd_desc_pc_pasid(r->did, r->rid_pasid));
	fx_drop(t, r, INV_PASID, IOVA_A, 0, false);
	expect_allowed(t, IOVA_A, p);
}

/* ---- when memory is seen ---- */

TEST(not_snooped,
     .id = "vtd.cache.flush.line", .checks = "VTD-CACHE-055",
     .given = "C = 0; a leaf in use gets another page, its cache line is written back, IOTLB global",
     .expects = "the new page is used", .needs = NEEDS)
{
	struct page *p, *q;

	if (t->bench->vtd->caps.c)
		skip(t, "ECAP.C = 1");
	p = fx_start_mapped(t, FX_LEGACY);
	q = page_filled(t, 0);
	for (unsigned i = 0; i < 16; i++) {
		struct page *old = i % 2 ? q : p, *fresh = i % 2 ? p : q;

		fx_map_page(t, IOVA_A, fresh);
		fx_drop(t, fx_req(t, t->engine), INV_GLOBAL, IOVA_A, 0, false);
		if (!expect_fresh(t, t->engine, IOVA_A, old, fresh))
			return;
	}
}

TEST(write_buffer,
     .id = "vtd.cache.flush.write_buffer", .checks = "VTD-CACHE-056",
     .given = "RWBF = 1, CM = 0; a leaf is made present after a refused access; WBF", .expects = "access succeeds",
     .needs = NEEDS)
{
	struct page *p;

	if (!t->bench->vtd->caps.rwbf)
		skip(t, "CAP.RWBF = 0");
	need_cm(t, false);
	p = made_present(t, FX_LEGACY, PART_LEAF);
	expect_allowed(t, IOVA_A, p);
}
