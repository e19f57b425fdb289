/*
 * Context entries that were dropped are not used any more (VT-d 6.5.2.1, 6.6): every granularity, function masks, both
 * table formats.
 */
#include "tests/vtd/stale.h"

#define NEEDS (NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)

enum how { BY_DEVICE, BY_DOMAIN, BY_ALL };

/* The entry in use is switched to another space; context-cache, then IOTLB. */
static void changed(struct test *t)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY), *q = page_filled(t, 0);
	struct fx_req *r = fx_req(t, t->engine), alt = fx_other_space(t, r);

	fx_map(t, &alt, IOVA_A, q->pa, 1, PERM_RW, 0);
	fx_switch_space(t, r, &alt);
	expect_either(t, t->engine, IOVA_A, p, q);
	switch ((enum how)t->desc->arg) {
	case BY_DEVICE:
		fx_inv(t, vtd_desc_cc_device(r->did, r->sid, 0));
		fx_drop(t, r, INV_DOMAIN, IOVA_A, 0, false);
		break;
	case BY_DOMAIN:
		fx_inv(t, vtd_desc_cc_domain(r->did));
		fx_drop(t, r, INV_DOMAIN, IOVA_A, 0, false);
		break;
	case BY_ALL:
		fx_inv(t, vtd_desc_cc_global());
		fx_drop(t, r, INV_GLOBAL, IOVA_A, 0, false);
		break;
	}
	expect_fresh(t, t->engine, IOVA_A, p, q);
}

#define CHANGED_ROW(name_, row_, arg_, given_) \
	{ .id = "vtd.cache.context.changed." name_, .checks = row_, \
	  .given = "a context entry in use gets other tables; " given_, \
	  .expects = "old or new tables before, the new ones after", .needs = NEEDS, .arg = (arg_), .body = changed }

TEST_TABLE(context_changed,
	   CHANGED_ROW("device", "VTD-CACHE-023", BY_DEVICE, "context device, IOTLB domain"),
	   CHANGED_ROW("domain", "VTD-CACHE-024", BY_DOMAIN, "context domain, IOTLB domain"),
	   CHANGED_ROW("global", "VTD-CACHE-025", BY_ALL, "context global, IOTLB global"));

TEST(context_cleared,
     .id = "vtd.cache.context.cleared", .checks = "VTD-CACHE-029",
     .given = "a context entry in use is cleared; context device, IOTLB domain", .expects = "refused with reason 02h",
     .needs = NEEDS)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	struct fx_req *r = fx_req(t, t->engine);

	fx_set(t, &r->ctx[0], 0);
	expect_either(t, t->engine, IOVA_A, p, NULL);
	fx_inv(t, vtd_desc_cc_device(r->did, r->sid, 0));
	fx_drop(t, r, INV_DOMAIN, IOVA_A, 0, false);
	expect_blocked(t, IOVA_A, p, FR_LCT_2);
}

TEST(sm_context_cleared,
     .id = "vtd.cache.context.cleared_scalable", .checks = "VTD-CACHE-030",
     .given = "a scalable context entry in use is cleared; context device, PASID-cache domain, IOTLB domain",
     .expects = "refused with reason 41h", .needs = NEED_VTD | NEED_SSTS | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)
{
	struct page *p = fx_start_mapped(t, FX_SM_SS);
	struct fx_req *r = fx_req(t, t->engine);

	fx_set(t, &r->ctx[0], 0);
	expect_either(t, t->engine, IOVA_A, p, NULL);
	fx_inv(t, vtd_desc_cc_device(r->did, r->sid, 0));
	fx_inv(t, vtd_desc_pc_domain(r->did));
	fx_drop(t, r, INV_DOMAIN, IOVA_A, 0, false);
	expect_blocked(t, IOVA_A, p, FR_SCT_2);
}

/* ---- function masks ---- */

#define GROUP_MAX 8

/* Engines on one device whose function numbers differ at most in the bits of mask. */
struct group {
	struct engine *e[GROUP_MAX];
	unsigned n;
	unsigned differ; /* bits of the function number that differ among them */
};

static bool usable(const struct engine *e)
{
	const uint32_t flags = DMA_CAN_WRITE | DMA_DIRECT;

	return (e->caps.flags & flags) == flags;
}

static struct group group_of(struct bench *b, struct engine *first, unsigned mask)
{
	struct group g = { .n = 0 };

	for (unsigned i = 0; i < b->engines_n && g.n < GROUP_MAX; i++) {
		struct engine *e = &b->engines[i];
		unsigned other = e->dev->addr.sid ^ first->dev->addr.sid;

		if (!usable(e) || (other & ~mask))
			continue;
		g.e[g.n++] = e;
		g.differ |= other;
	}
	return g;
}

/* The group that differs in most bits of the mask. */
static struct group best_group(struct test *t, unsigned mask)
{
	struct bench *b = t->bench;
	struct group best = { .n = 0 };

	for (unsigned i = 0; i < b->engines_n; i++) {
		struct group g;

		if (!usable(&b->engines[i]))
			continue;
		g = group_of(b, &b->engines[i], mask);
		if (g.n > best.n)
			best = g;
	}
	if (best.n < 2)
		skip_unreached(t, "no two engines whose function numbers differ only in the bits that are masked");
	return best;
}

static void function_mask(struct test *t)
{
	static const unsigned masks[] = { 0, 4, 6, 7 };
	unsigned fm = (unsigned)t->desc->arg;
	struct group g = best_group(t, masks[fm]);
	struct page *p[GROUP_MAX], *q[GROUP_MAX];

	fx_start(t, FX_LEGACY);
	for (unsigned i = 0; i < g.n; i++) {
		struct fx_req *r = fx_add(t, g.e[i]);

		p[i] = page_filled(t, 0);
		q[i] = page_filled(t, 0);
		fx_map(t, r, IOVA_A, p[i]->pa, 1, PERM_RW, 0);
	}
	fx_sync(t);
	for (unsigned i = 0; i < g.n; i++)
		expect_fresh(t, g.e[i], IOVA_A, q[i], p[i]);
	for (unsigned i = 0; i < g.n; i++) {
		struct fx_req *r = fx_req(t, g.e[i]), alt = fx_other_space(t, r);

		fx_map(t, &alt, IOVA_A, q[i]->pa, 1, PERM_RW, 0);
		fx_switch_space(t, r, &alt);
		expect_either(t, g.e[i], IOVA_A, p[i], q[i]);
	}
	fx_inv(t, vtd_desc_cc_device(fx_req(t, g.e[0])->did, g.e[0]->dev->addr.sid, fm));
	fx_inv(t, vtd_desc_iotlb_global(false));
	for (unsigned i = 0; i < g.n; i++)
		if (!expect_fresh(t, g.e[i], IOVA_A, p[i], q[i]))
			note(t, "function %u, descriptor for function %u", g.e[i]->dev->addr.sid % 8,
			     g.e[0]->dev->addr.sid % 8);
}

#define MASK_ROW(name_, row_, arg_) \
	{ .id = "vtd.cache.context.function_mask_" name_, .checks = row_, \
	  .given = "functions of a device in use get other tables; a context descriptor with FM = " name_ \
		   ", IOTLB global", \
	  .expects = "all of them use the new tables", .needs = NEED_VTD | NEED_LEGACY_SS, .arg = (arg_), \
	  .body = function_mask }

TEST_TABLE(context_function_mask,
	   MASK_ROW("01", "VTD-CACHE-026", 1), MASK_ROW("10", "VTD-CACHE-027", 2), MASK_ROW("11", "VTD-CACHE-028", 3));
