/*
 * What the model's caches keep of guests: pages, tables, GCR3 entries, and pages that went through host tables (AMD
 * IOMMU 2.2.6, 2.2.7, 2.4.3). As in model_keeps.c.
 */
#include "tests/amdvi/model_keeper.h"

#define NEEDS NEED_AMDVI

/* PASID 5 of the device has a page at AM_IOVA; host levels, if any, map each page to itself. */
static void guest_open(struct test *t, struct keeper *b, bool nested)
{
	uint64_t q0;

	*b = (struct keeper){ .levels = nested ? am_levels(t) : 0, .with_pasid = true };
	am_need(t, BIT(4), "EFR.GTSup");
	if (nested && !b->levels)
		skip(t, "EFR.HATS = 11b");
	b->a = am_start(t, BIT(16));
	b->gcr3 = am_page(b->a);
	b->guest = am_page(b->a);
	b->old = am_page(b->a);
	b->fresh = am_page(b->a);
	b->pte = am_guest_entry(b->a, b->guest, 4, 1, AM_IOVA);
	am_put(b->pte, b->old | 7);
	am_put(b->gcr3 + 8 * PASID, b->guest | 1);
	q0 = am_dte0(b->levels, 0) | BIT(55) | FLD(BITS(60, 58), fld_get(BITS(14, 12), b->gcr3));
	if (nested) {
		b->root = am_page(b->a);
		for (unsigned level = 1; level <= 4; level++) {
			uint64_t table = align_down(am_guest_entry(b->a, b->guest, 4, level, AM_IOVA), PAGE_BYTES);

			am_put(am_entry(b->a, b->root, b->levels, 1, table), AM_PERMIT | table | 1);
		}
		am_put(am_entry(b->a, b->root, b->levels, 1, b->old), AM_PERMIT | b->old | 1);
		am_put(am_entry(b->a, b->root, b->levels, 1, b->fresh), AM_PERMIT | b->fresh | 1);
		q0 |= b->root;
	}
	am_dte(b->a, AM_SID, q0, AM_DOMAIN | FLD(BITS(31, 16), fld_get(BITS(30, 15), b->gcr3)) |
	       FLD(BITS(63, 43), fld_get(BITS(51, 31), b->gcr3)), 0, 0);
	ak_is_old(b, "nothing");
}

/* Commands that name neither the guest's page nor all of its domain. */
static void other_guests(struct keeper *b)
{
	static const struct { uint64_t q0, q1; const char *what; } narrow[] = {
		{ PAGES(OTHER, PASID), AM_ALL | PDE | GN, "the PASID in another domain" },
		{ PAGES(AM_DOMAIN, PASID + 1), AM_ALL | PDE | GN, "another PASID" },
		{ PAGES(AM_DOMAIN, PASID | BIT(19)), AM_ALL | PDE | GN, "a PASID with another high bit" },
		{ PAGES(AM_DOMAIN, PASID), (AM_IOVA + 0x1000) | GN, "the next page" },
		{ PAGES(AM_DOMAIN, PASID), (AM_IOVA - 0x1000) | GN, "the page before" },
		{ PAGES(OTHER, 0), AM_ALL | PDE, "host pages of another domain" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(narrow); i++) {
		am_cmd(b->a, narrow[i].q0, narrow[i].q1);
		ak_is_old(b, narrow[i].what);
	}
	if (b->a->config.choices.u41_whole_domain)
		return;
	am_cmd(b->a, PAGES(AM_DOMAIN, 0), AM_IOVA | PDE);
	ak_is_old(b, "the host page whose number is the guest's");
	am_cmd(b->a, PAGES(AM_DOMAIN, 0), PDE);
	ak_is_old(b, "host page 0");
	am_cmd(b->a, PAGES(AM_DOMAIN, 0), UINT64_C(0xbffffffffffff001) | PDE);
	ak_is_old(b, "the upper half of the host's space");
	am_cmd(b->a, PAGES(AM_DOMAIN, 0), (b->old ^ 0x40000000) | PDE);
	ak_is_old(b, "a host page elsewhere");
}

TEST(model_keeps_guest_leaf,
     .id = "amdvi.model.keeps.guest_leaf",
     .given = "a guest page remapped; commands for others, then for it in each way",
     .expects = "old until it is named",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct keeper b;

	ak_need_caches(t);
	guest_open(t, &b, false);
	am_put(b.pte, b.fresh | 7);
	other_guests(&b);
	am_cmd(b.a, PAGES(AM_DOMAIN, PASID), AM_IOVA | GN);
	ak_is_fresh(&b, "3h of the page");
	ak_swap(&b);
	am_put(b.pte, b.fresh | 7);
	am_cmd(b.a, PAGES(AM_DOMAIN, PASID), AM_ALL | GN);
	ak_is_fresh(&b, "3h of the PASID");
	ak_swap(&b);
	am_put(b.pte, b.fresh | 7);
	am_cmd(b.a, PAGES(AM_DOMAIN, 0), AM_ALL);
	ak_is_fresh(&b, "3h of the domain with GN = 0");
	ak_swap(&b);
	am_put(b.pte, b.fresh | 7);
	am_cmd(b.a, PAGES(AM_DOMAIN, 0), (b.old & ~UINT64_C(0x1fff)) | 1);
	ak_is_fresh(&b, "3h with GN = 0 of the pages around the one that it went through");
	ak_swap(&b);
	am_put(b.pte, b.fresh | 7);
	ak_is_old(&b, "nothing");
	am_cmd(b.a, PAGES(AM_DOMAIN, 0), 0x1000);
	if (b.a->config.choices.u41_whole_domain) {
		ak_is_fresh(&b, "3h with GN = 0 of anything, which drops all guests here");
		ak_swap(&b);
		am_put(b.pte, b.fresh | 7);
	} else {
		ak_is_old(&b, "3h with GN = 0 of another page");
	}
	am_cmd(b.a, AM_OP(2) | AM_SID, 0);
	if (b.a->config.choices.u42_drops_domain)
		ak_is_fresh(&b, "2h, which drops the domain here");
	else
		ak_is_old(&b, "2h");
}

TEST(model_keeps_guest_table,
     .id = "amdvi.model.keeps.guest_table",
     .given = "each directory of a guest walk replaced", .expects = "old until it is named with PDE = 1",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct keeper b;

	ak_need_caches(t);
	for (unsigned level = 2; level <= 4; level++) {
		uint64_t table;

		guest_open(t, &b, false);
		table = am_page(b.a);
		am_put(am_guest_entry(b.a, table, level - 1, 1, AM_IOVA), b.fresh | 7);
		am_put(am_guest_entry(b.a, b.guest, 4, level, AM_IOVA), table | 7);
		other_guests(&b);
		am_cmd(b.a, PAGES(AM_DOMAIN, PASID), AM_IOVA | GN);
		ak_is_old(&b, "3h of the page with PDE = 0");
		am_cmd(b.a, PAGES(AM_DOMAIN, PASID), (AM_IOVA ^ pow2(12 + 9 * (level - 1))) | GN | PDE);
		am_cmd(b.a, PAGES(AM_DOMAIN, PASID), AM_IOVA | GN);
		ak_is_old(&b, "3h of what the next directory covers");
		am_cmd(b.a, PAGES(AM_DOMAIN, PASID), AM_IOVA | GN | PDE);
		ak_is_fresh(&b, "3h with PDE = 1");
	}
	guest_open(t, &b, false);
	am_put(am_guest_entry(b.a, b.guest, 4, 2, AM_IOVA), 0);
	am_cmd(b.a, PAGES(AM_DOMAIN, PASID), AM_IOVA | GN);
	ak_is_old(&b, "a directory taken away, 3h with PDE = 0");
	am_cmd(b.a, PAGES(AM_DOMAIN, 0), AM_ALL);
	expect_eq(t, "where it goes after 3h with GN = 0 of all", ak_goes(&b), 0);
	if (!b.a->config.choices.u41_whole_domain)
		return;
	guest_open(t, &b, false);
	am_put(am_guest_entry(b.a, b.guest, 4, 2, AM_IOVA), 0);
	am_cmd(b.a, PAGES(OTHER, 0), 0x1000);
	ak_is_old(&b, "3h with GN = 0 of another domain");
	am_cmd(b.a, PAGES(AM_DOMAIN, 0), 0x1000);
	expect_eq(t, "where it goes after 3h with GN = 0 of anything, which drops all guests here", ak_goes(&b), 0);
	guest_open(t, &b, false);
	am_put(b.gcr3 + 8 * PASID, 0);
	am_cmd(b.a, PAGES(AM_DOMAIN, 0), 0x1000);
	expect_eq(t, "the same of a GCR3 entry", ak_goes(&b), 0);
}

TEST(model_keeps_gcr3,
     .id = "amdvi.model.keeps.gcr3",
     .given = "a GCR3 entry changed to other tables; the leaf dropped by commands of others",
     .expects = "old until something of its PASID, or all of the domain, is named",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	static const uint64_t ways[][2] = {
		{ PAGES(AM_DOMAIN, PASID), AM_ALL | GN | PDE }, { PAGES(AM_DOMAIN, PASID), AM_IOVA | GN | PDE },
		{ PAGES(AM_DOMAIN, 0), AM_ALL | PDE }, { AM_OP(8), 0 },
	};
	struct mdl_request far = { .sid = AM_SID, .bytes = 8, .has_pasid = true, .pasid = PASID };
	struct keeper b;

	ak_need_caches(t);
	for (unsigned i = 0; i < ARRAY_LEN(ways); i++) {
		uint64_t root;

		if (ways[i][0] == AM_OP(8) && !(am_config(t)->efr & BIT(6)))
			continue;
		guest_open(t, &b, false);
		root = am_page(b.a);
		am_put(am_guest_entry(b.a, root, 4, 1, AM_IOVA), b.fresh | 7);
		am_put(b.gcr3 + 8 * PASID, root | 1);
		/* Another region, of which nothing but the root is kept. */
		am_put(am_guest_entry(b.a, b.guest, 4, 1, AM_IOVA ^ BIT(40)), b.old | 7);
		am_put(am_guest_entry(b.a, root, 4, 1, AM_IOVA ^ BIT(40)), b.fresh | 7);
		am_cmd(b.a, PAGES(OTHER, PASID), AM_ALL | PDE | GN);
		far.address = AM_IOVA ^ BIT(40);
		expect_true(t, am_look(b.a, &far).address == b.old, "another region goes by the root that was kept");
		other_guests(&b);
		am_cmd(b.a, ways[i][0], ways[i][1]);
		ak_is_fresh(&b, "its own command");
	}
	/* Another PASID is another entry. */
	b.with_pasid = true;
	am_put(b.gcr3 + 8 * (PASID + 1), b.guest | 1);
	ak_swap(&b);
	ak_is_old(&b, "nothing");
}

TEST(model_keeps_nested,
     .id = "amdvi.model.keeps.nested",
     .given = "nested tables; the host entry of the guest's page changed",
     .expects = "old until 3h with GN = 0 of that guest physical page",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct keeper b;

	ak_need_caches(t);
	guest_open(t, &b, true);
	am_put(b.pte, b.fresh | 7);
	ak_is_old(&b, "nothing: the guest's page is kept under nesting, too");
	am_put(b.pte, b.old | 7);
	am_put(am_entry(b.a, b.root, b.levels, 1, b.old), AM_PERMIT | b.fresh | 1);
	am_cmd(b.a, PAGES(AM_DOMAIN, PASID + 1), AM_ALL | GN | PDE);
	ak_is_old(&b, "another PASID");
	am_cmd(b.a, PAGES(OTHER, 0), AM_ALL | PDE);
	ak_is_old(&b, "another domain");
	if (!b.a->config.choices.u41_whole_domain) {
		am_cmd(b.a, PAGES(AM_DOMAIN, 0), b.old + 0x200000);
		ak_is_old(&b, "a guest physical page elsewhere");
	}
	am_cmd(b.a, PAGES(AM_DOMAIN, PASID), AM_ALL | GN | PDE);
	ak_is_old(&b, "the guest's pages: the host entry is kept by itself");
	am_cmd(b.a, PAGES(AM_DOMAIN, 0), b.old);
	ak_is_fresh(&b, "the guest physical page");
}

TEST(model_keeps_prefetched_guest,
     .id = "amdvi.model.keeps.prefetched_guest",
     .given = "PREFETCH_IOMMU_PAGES with GN = 1 of a PASID",
     .expects = "its page is taken in, and dropped with Inval = 1",
     .needs = NEEDS | NEED_AMD_PREF, .flags = TEST_MODEL)
{
	struct keeper b;

	ak_need_caches(t);
	guest_open(t, &b, false);
	am_put(b.pte, b.fresh | 0x27); /* A is set already */
	for (unsigned level = 2; level <= 4; level++) {
		uint64_t at = am_guest_entry(b.a, b.guest, 4, level, AM_IOVA);

		am_put(at, am_get(at) | BIT(5));
	}
	am_cmd(b.a, AM_OP(6) | AM_SID | FLD(BITS(51, 32), PASID + 1), AM_IOVA | BIT(4) | GN);
	am_cmd(b.a, AM_OP(6) | AM_SID | FLD(BITS(51, 32), PASID), AM_IOVA | GN);
	ak_is_old(&b, "6h of another PASID, or with Inval = 0");
	am_cmd(b.a, AM_OP(6) | AM_SID | FLD(BITS(51, 32), PASID), AM_IOVA | BIT(4) | GN);
	am_put(b.pte, b.old | 0x27);
	ak_is_fresh(&b, "6h with Inval = 1, which took the new page in");
	expect_eq(t, "events", am_code(b.a), 0);
}
