/*
 * Second-stage translations that were dropped are not used any more (VT-d 6.5.2.3, 6.6): every granularity, page sizes,
 * non-leaf entries, several requesters of a domain.
 */
#include "tests/vtd/stale.h"

#define NEEDS (NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE)

/* ---- removed ---- */

static void removed(struct test *t)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	struct fx_req *r = fx_req(t, t->engine);

	fx_set(t, fx_entry(t, r, IOVA_A, 1), 0);
	expect_either(t, t->engine, IOVA_A, p, NULL);
	fx_drop(t, r, (enum stale_inv)t->desc->arg, IOVA_A, 0, false);
	expect_blocked_as(t, IOVA_A, p, FR_LGN_3, FR_LGN_2);
}

TEST_TABLE(iotlb_removed,
	   { .id = "vtd.cache.iotlb.removed.global", .checks = "VTD-CACHE-011",
	     .given = "a leaf in use is removed, IOTLB global",
	     .expects = "refused with reason 05h, 06h", .needs = NEEDS, .arg = INV_GLOBAL, .body = removed },
	   { .id = "vtd.cache.iotlb.removed.domain", .checks = "VTD-CACHE-012",
	     .given = "a leaf in use is removed, IOTLB domain",
	     .expects = "refused with reason 05h, 06h", .needs = NEEDS, .arg = INV_DOMAIN, .body = removed },
	   { .id = "vtd.cache.iotlb.removed.page", .checks = "VTD-CACHE-013",
	     .given = "a leaf in use is removed, IOTLB page",
	     .expects = "refused with reason 05h, 06h", .needs = NEEDS, .arg = INV_PAGE, .body = removed });

/* ---- mapped to another page ---- */

static const struct { enum fx_mode mode; enum stale_inv how; } remaps[] = {
	{ FX_LEGACY, INV_GLOBAL }, { FX_LEGACY, INV_DOMAIN }, { FX_LEGACY, INV_PAGE },
	{ FX_SM_SS, INV_GLOBAL }, { FX_SM_SS, INV_DOMAIN }, { FX_SM_SS, INV_PAGE },
};

static void remapped(struct test *t)
{
	struct page *p = fx_start_mapped(t, remaps[t->desc->arg].mode), *q = page_filled(t, 0);
	struct fx_req *r = fx_req(t, t->engine);

	for (unsigned round = 0; round < 8; round++) {
		struct page *old = round % 2 ? q : p, *fresh = round % 2 ? p : q;

		fx_map_page(t, IOVA_A, fresh);
		if (!expect_either(t, t->engine, IOVA_A, old, fresh))
			return;
		fx_drop(t, r, remaps[t->desc->arg].how, IOVA_A, 0, round % 4 < 2);
		if (!expect_fresh(t, t->engine, IOVA_A, old, fresh))
			return;
	}
}

#define REMAP_ROW(name_, row_, arg_, needs_) \
	{ .id = "vtd.cache.iotlb.remapped." name_, .checks = row_, \
	  .given = "a leaf in use gets another page, IOTLB " name_, \
	  .expects = "old or new page before, the new one after", .needs = NEED_VTD | NEED_ENGINE_WRITE | (needs_), \
	  .arg = (arg_), .body = remapped }

TEST_TABLE(iotlb_remapped,
	   REMAP_ROW("legacy.global", "VTD-QI-074", 0, NEED_QI | NEED_LEGACY_SS),
	   REMAP_ROW("legacy.domain", "VTD-QI-074", 1, NEED_QI | NEED_LEGACY_SS),
	   REMAP_ROW("legacy.page", "VTD-CACHE-020", 2, NEED_LEGACY_SS),
	   REMAP_ROW("scalable.global", "VTD-QI-074", 3, NEED_SSTS),
	   REMAP_ROW("scalable.domain", "VTD-QI-074", 4, NEED_SSTS),
	   REMAP_ROW("scalable.page", "VTD-CACHE-020", 5, NEED_SSTS));

/* ---- ranges ---- */

#define AM_BASE IOVA(UINT64_C(0x4000000000)) /* aligned to 2^26 pages, below 2^39 */
#define AM_MAX  26u

static bool range_gone(struct test *t, struct page *p, unsigned am)
{
	struct fx_req *r = fx_req(t, t->engine);
	iova_t at[] = { AM_BASE, iova_add(AM_BASE, (pow2(am) - 1) * PAGE_BYTES) };
	unsigned n = am ? 2 : 1;
	bool good = true;

	for (unsigned i = 0; i < n; i++)
		fx_map(t, r, at[i], p->pa, 1, PERM_RW, 0);
	fx_sync(t);
	for (unsigned i = 0; i < n; i++)
		good &= expect_allowed(t, at[i], p);
	for (unsigned i = 0; i < n; i++)
		fx_set(t, fx_entry(t, r, at[i], 1), 0);
	fx_drop(t, r, INV_PAGE, AM_BASE, am, false);
	for (unsigned i = 0; i < n; i++)
		good &= expect_blocked_as(t, at[i], p, FR_LGN_3, FR_LGN_2);
	if (!good)
		note(t, "with AM = %u", am);
	return good;
}

TEST(iotlb_am,
     .id = "vtd.cache.iotlb.am", .checks = "VTD-CACHE-014",
     .given = "first and last of 2^n pages removed, n = 0 to MAMV (26 at most), IOTLB page with AM = n",
     .expects = "all are refused", .budget_us = 3000000, .needs = NEEDS)
{
	struct page *p = page_filled(t, 0xa5);

	fx_start(t, FX_LEGACY);
	for (unsigned am = 0; am <= t->bench->vtd->caps.mamv && am <= AM_MAX; am++)
		if (!range_gone(t, p, am))
			return;
}

/* ---- large pages and tables ---- */

#define LARGE_BYTES UINT64_C(0x200000)

static struct page *start_large(struct test *t)
{
	struct page *p;

	if (!t->bench->vtd->caps.ss_2m)
		skip(t, "CAP.SSLPS has no 2 MiB");
	if (!t->bench->vtd->caps.psi)
		skip(t, "CAP.PSI = 0");
	p = page_alloc(t, LARGE_BYTES, LARGE_BYTES);
	fx_start(t, FX_LEGACY);
	fx_map(t, fx_req(t, t->engine), AM_BASE, p->pa, 2, PERM_RW, 0);
	fx_sync(t);
	return p;
}

TEST(iotlb_large,
     .id = "vtd.cache.iotlb.large_by_part", .checks = "VTD-CACHE-015",
     .given = "a 2 MiB leaf in use is removed, IOTLB page of one 4 KiB in its middle",
     .expects = "all of it is refused",
     .needs = NEEDS)
{
	static const uint64_t offs[] = { 0, 0x7f000, 0x1ff000 };
	struct page *p = start_large(t), part = *p;

	for (unsigned i = 0; i < ARRAY_LEN(offs); i++) {
		part.p = p->p + offs[i];
		expect_allowed(t, iova_add(AM_BASE, offs[i]), &part);
	}
	fx_set(t, fx_entry(t, fx_req(t, t->engine), AM_BASE, 2), 0);
	fx_drop(t, fx_req(t, t->engine), INV_PAGE, iova_add(AM_BASE, 0x80000), 0, false);
	for (unsigned i = 0; i < ARRAY_LEN(offs); i++) {
		part.p = p->p + offs[i];
		expect_blocked_as(t, iova_add(AM_BASE, offs[i]), &part, FR_LGN_3, FR_LGN_2);
	}
}

/* A table with one leaf in place of a non-leaf or large entry. */
static void put_table(struct test *t, uint64_t *entry, iova_t iova, const struct page *leaf)
{
	struct page *low = page_alloc(t, PAGE_BYTES, 0);

	((uint64_t *)(void *)low->p)[shr(iova.v, 12) % 512] = leaf->pa.v | SS_R | SS_W; /* page-aligned */
	if (!t->bench->vtd->caps.c)
		cache_write_back(low->p, PAGE_BYTES);
	fx_set(t, entry, low->pa.v | SS_R | SS_W);
}

TEST(iotlb_split,
     .id = "vtd.cache.iotlb.large_split", .checks = "VTD-CACHE-016",
     .given = "a 2 MiB leaf in use is split into a table, IOTLB page with IH = 0",
     .expects = "the table's page is used",
     .needs = NEEDS)
{
	struct page *p = start_large(t), *q = page_filled(t, 0);

	expect_allowed(t, AM_BASE, p);
	put_table(t, fx_entry(t, fx_req(t, t->engine), AM_BASE, 2), AM_BASE, q);
	expect_either(t, t->engine, AM_BASE, p, q);
	fx_drop(t, fx_req(t, t->engine), INV_PAGE, AM_BASE, 0, false);
	expect_fresh(t, t->engine, AM_BASE, p, q);
}

TEST(iotlb_table,
     .id = "vtd.cache.iotlb.table_replaced", .checks = "VTD-CACHE-017",
     .given = "a lowest table in use is replaced by another, IOTLB page with IH = 0",
     .expects = "the new table is used",
     .needs = NEEDS)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY), *q = page_filled(t, 0);

	put_table(t, fx_entry(t, fx_req(t, t->engine), IOVA_A, 2), IOVA_A, q);
	expect_either(t, t->engine, IOVA_A, p, q);
	fx_drop(t, fx_req(t, t->engine), INV_PAGE, IOVA_A, 0, false);
	expect_fresh(t, t->engine, IOVA_A, p, q);
}

TEST(iotlb_downgrade,
     .id = "vtd.cache.iotlb.downgraded", .checks = "VTD-CACHE-018",
     .given = "a leaf in use loses W, IOTLB page with IH = 1", .expects = "writes are refused with reason 05h",
     .needs = NEEDS)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);

	fx_map(t, fx_req(t, t->engine), IOVA_A, p->pa, 1, PERM_R, 0);
	expect_either(t, t->engine, IOVA_A, p, NULL);
	fx_drop(t, fx_req(t, t->engine), INV_PAGE, IOVA_A, 0, true);
	expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
	expect_fault(t, FR_LGN_2, t->engine, IOVA_A, true);
	expect_no_fault(t);
}

TEST(iotlb_no_psi,
     .id = "vtd.cache.iotlb.page_without_psi", .checks = "VTD-CACHE-019",
     .given = "PSI = 0; two pages in use are removed, IOTLB page of one of them", .expects = "both are refused",
     .needs = NEEDS)
{
	struct page *p;

	if (t->bench->vtd->caps.psi)
		skip(t, "CAP.PSI = 1");
	p = fx_start_mapped(t, FX_LEGACY);
	fx_map_page(t, IOVA_B, p);
	fx_sync(t);
	expect_allowed(t, IOVA_B, p);
	expect_allowed(t, IOVA_A, p);
	fx_set(t, fx_entry(t, fx_req(t, t->engine), IOVA_A, 1), 0);
	fx_set(t, fx_entry(t, fx_req(t, t->engine), IOVA_B, 1), 0);
	fx_inv(t, vtd_desc_iotlb_page(fx_req(t, t->engine)->did, IOVA_A, 0, false, false));
	expect_blocked_as(t, IOVA_A, p, FR_LGN_3, FR_LGN_2);
	expect_blocked_as(t, IOVA_B, p, FR_LGN_3, FR_LGN_2);
}

/* ---- requesters and domains ---- */

TEST(iotlb_two_requesters,
     .id = "vtd.cache.iotlb.domain_of_two", .checks = "VTD-CACHE-021",
     .given = "two requesters share DID and tables; a leaf in use gets another page, IOTLB domain",
     .expects = "both use the new page", .needs = NEEDS | NEED_ENGINE_2 | NEED_ENGINE_DIRECT)
{
	struct page *p = page_filled(t, 0), *q = page_filled(t, 0);
	struct fx_req *a, *b;

	fx_start(t, FX_LEGACY);
	a = fx_req(t, t->engine);
	b = fx_req(t, t->engine2);
	fx_set(t, &b->ctx[1], a->ctx[1]);
	fx_set(t, &b->ctx[0], a->ctx[0]);
	fx_map_page(t, IOVA_A, p);
	fx_sync(t);
	expect_fresh(t, t->engine, IOVA_A, q, p);
	expect_fresh(t, t->engine2, IOVA_A, q, p);
	fx_map_page(t, IOVA_A, q);
	expect_either(t, t->engine2, IOVA_A, p, q);
	fx_drop(t, a, INV_DOMAIN, IOVA_A, 0, false);
	expect_fresh(t, t->engine, IOVA_A, p, q);
	expect_fresh(t, t->engine2, IOVA_A, p, q);
}

TEST(iotlb_other_domain,
     .id = "vtd.cache.iotlb.other_domain", .checks = "VTD-CACHE-022",
     .given = "two requesters with DIDs and pages of their own; one domain is invalidated",
     .expects = "the other still uses its page", .needs = NEEDS | NEED_ENGINE_2)
{
	struct page *p = page_filled(t, 0), *q = page_filled(t, 0);

	fx_start(t, FX_LEGACY);
	fx_map_page(t, IOVA_A, p);
	fx_map(t, fx_req(t, t->engine2), IOVA_A, q->pa, 1, PERM_RW, 0);
	fx_sync(t);
	expect_fresh(t, t->engine, IOVA_A, q, p);
	expect_fresh(t, t->engine2, IOVA_A, p, q);
	fx_drop(t, fx_req(t, t->engine), INV_DOMAIN, IOVA_A, 0, false);
	expect_fresh(t, t->engine2, IOVA_A, p, q);
	expect_fresh(t, t->engine, IOVA_A, q, p);
}
