/*
 * What the model's caches keep, and exactly which command drops it (AMD IOMMU 2.2, 2.4; fact tables 5.1 and 5.2).
 * Hardware may forget at any time, so these run on the model alone: a model that forgets would hide a missing
 * invalidation of a driver.
 */
#include "tests/amdvi/model_keeper.h"

#define NEEDS NEED_AMDVI

/* ---- host tables ---- */

/* Commands that do not name the page at AM_IOVA of the domain. */
static void others(struct keeper *b)
{
	static const struct { uint64_t q0, q1; const char *what; } narrow[] = {
		{ PAGES(OTHER, 0), AM_ALL | PDE, "another domain" },
		{ PAGES(OTHER, 0), AM_IOVA | PDE, "the page of another domain" },
		{ PAGES(AM_DOMAIN, 0), AM_IOVA + 0x1000, "the next page" },
		{ PAGES(AM_DOMAIN, 0), AM_IOVA - 0x1000, "the page before" },
		{ PAGES(AM_DOMAIN, 0), (AM_IOVA + 0x1000) | 1, "16 pages behind it" },
		{ PAGES(AM_DOMAIN, 0), 0x400000 | PDE, "a page of another table" },
		{ AM_OP(2) | AM_SID2, 0, "another device's entry" },
		{ AM_OP(5) | AM_SID, 0, "interrupt entries" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(narrow); i++) {
		am_cmd(b->a, narrow[i].q0, narrow[i].q1);
		ak_is_old(b, narrow[i].what);
	}
	if (b->a->config.efr & BIT(4)) {
		am_cmd(b->a, PAGES(AM_DOMAIN, 0), AM_ALL | PDE | GN);
		ak_is_old(b, "guest pages of the domain");
	}
	if (!b->a->config.choices.u42_drops_domain) {
		am_cmd(b->a, AM_OP(2) | AM_SID, 0);
		ak_is_old(b, "the device's own entry");
	}
}

TEST(model_keeps_leaf,
     .id = "amdvi.model.keeps.leaf",
     .given = "a host page remapped; 3h of others, then of it in each way", .expects = "old until it is named",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	static const uint64_t ways[] = { AM_IOVA, AM_IOVA | PDE, (AM_IOVA & ~UINT64_C(0x1000)) | 1,
					 (AM_IOVA & ~UINT64_C(0xfffff)) | 0x7f000 | 1, AM_ALL, AM_ALL | PDE };
	struct keeper b;

	ak_need_caches(t);
	ak_host_open(t, &b);
	am_put(b.pte, AM_PERMIT | b.fresh | 1);
	others(&b);
	for (unsigned i = 0; i < ARRAY_LEN(ways); i++) {
		uint64_t was = b.old;

		ak_is_old(&b, "nothing");
		am_cmd(b.a, PAGES(AM_DOMAIN, 0), ways[i]);
		ak_is_fresh(&b, "3h of it");
		b.old = b.fresh;
		b.fresh = was;
		am_put(b.pte, AM_PERMIT | b.fresh | 1);
	}
	am_cmd(b.a, AM_OP(2) | AM_SID, 0);
	if (b.a->config.choices.u42_drops_domain)
		ak_is_fresh(&b, "2h, which drops the domain here");
	else
		ak_is_old(&b, "2h");
	if (b.a->config.efr & BIT(6)) {
		am_cmd(b.a, AM_OP(8), 0);
		ak_is_fresh(&b, "8h");
	}
}

TEST(model_keeps_table,
     .id = "amdvi.model.keeps.table",
     .given = "each directory of a host walk replaced; 3h with PDE = 0, of others with PDE = 1, of it",
     .expects = "old until it is named with PDE = 1",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct keeper b;

	ak_need_caches(t);
	for (unsigned level = 2; level <= am_levels(t); level++) {
		uint64_t pde, table;

		ak_host_open(t, &b);
		pde = am_entry(b.a, b.root, b.levels, level, AM_IOVA);
		table = am_page(b.a);
		am_put(am_entry(b.a, table, level - 1, 1, AM_IOVA), AM_PERMIT | b.fresh | 1);
		am_put(pde, AM_PERMIT | table | (level - 1) * 0x200u | 1);
		others(&b);
		if (b.a->config.choices.u42_drops_domain)
			continue;
		am_cmd(b.a, PAGES(AM_DOMAIN, 0), AM_IOVA);
		ak_is_old(&b, "3h of the page with PDE = 0");
		am_cmd(b.a, PAGES(AM_DOMAIN, 0), AM_ALL);
		ak_is_old(&b, "3h of all with PDE = 0");
		am_cmd(b.a, PAGES(AM_DOMAIN, 0), (AM_IOVA ^ pow2(12 + 9 * (level - 1))) | PDE);
		am_cmd(b.a, PAGES(AM_DOMAIN, 0), AM_IOVA);
		ak_is_old(&b, "3h of what the next directory covers");
		/* The last time by 8h. */
		if (level == b.levels && (b.a->config.efr & BIT(6)))
			am_cmd(b.a, AM_OP(8), 0);
		else
			am_cmd(b.a, PAGES(AM_DOMAIN, 0), AM_IOVA | PDE);
		ak_is_fresh(&b, "3h with PDE = 1, or 8h");
	}
}

TEST(model_keeps_permission,
     .id = "amdvi.model.keeps.permission",
     .given = "a permission given, or taken away", .expects = "as before until 3h",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	uint64_t pde, event[2] = { 0, 0 };
	struct keeper b;

	ak_need_caches(t);
	ak_host_open(t, &b);
	am_put(b.pte, BIT(62) | b.old | 1);
	ak_is_old(&b, "IR taken away");
	am_cmd(b.a, PAGES(AM_DOMAIN, 0), AM_IOVA);
	expect_eq(t, "where a read goes without IR", ak_goes(&b), 0);
	expect_eq(t, "a write", am_ask(b.a, MDL_WRITE, AM_IOVA).kind, MDL_OK);
	am_put(b.pte, AM_PERMIT | b.old | 1);
	expect_eq(t, "where a read goes, IR given, nothing dropped", ak_goes(&b), 0);
	am_cmd(b.a, PAGES(AM_DOMAIN, 0), AM_IOVA);
	ak_is_old(&b, "3h");
	/* A table that was kept brings what is missing above it: that is judged before the leaf. */
	pde = am_entry(b.a, b.root, b.levels, 2, AM_IOVA);
	am_put(pde, am_get(pde) & ~BIT(62));
	am_cmd(b.a, PAGES(AM_DOMAIN, 0), AM_IOVA | PDE);
	ak_is_old(&b, "IW taken away from the table above");
	am_code(b.a);
	am_ask(b.a, MDL_WRITE, AM_IOVA + PAGE_BYTES);
	am_event(b.a, event);
	expect_eq(t, "PR and PE of a write to an absent page below it", event[0] & (BIT(52) | BIT(54)),
		  BIT(52) | BIT(54));
}

/* Not-present entries and errors: kept with NpCache = 1 alone. */
TEST(model_keeps_absent,
     .id = "amdvi.model.keeps.absent",
     .given = "a page absent, or with a reserved bit, level or size; then good",
     .expects = "with NpCache = 1 as before until 3h, else good at once",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	static const uint64_t bad[] = { 0, BIT(52), 0x200, 0xe00 | BITS(51, 12) };
	struct keeper b;

	ak_need_caches(t);
	ak_host_open(t, &b);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		am_put(b.pte, i == 0 ? 0 : AM_PERMIT | b.old | 1 | bad[i]);
		am_cmd(b.a, PAGES(AM_DOMAIN, 0), AM_IOVA);
		am_is(t, "where a read goes", ak_goes(&b), 0, i);
		am_put(b.pte, AM_PERMIT | b.old | 1);
		if (b.a->config.header & BIT(26)) {
			am_is(t, "where a read goes, nothing dropped", ak_goes(&b), 0, i);
			am_cmd(b.a, PAGES(AM_DOMAIN, 0), AM_IOVA + 0x1000);
			am_is(t, "where a read goes, another page dropped", ak_goes(&b), 0, i);
			am_cmd(b.a, PAGES(AM_DOMAIN, 0), AM_IOVA);
		}
		ak_is_old(&b, "the entry is good again");
	}
}

/* ---- device table entries ---- */

TEST(model_keeps_entry,
     .id = "amdvi.model.keeps.entry",
     .given = "an entry changed to pass-through; other commands, then 2h", .expects = "old until 2h",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct keeper b;
	uint64_t at;

	ak_need_caches(t);
	ak_host_open(t, &b);
	b.fresh = AM_IOVA;
	at = b.a->devtab + 32 * AM_SID;
	am_put(at, 0);
	am_cmd(b.a, AM_OP(2) | AM_SID2, 0);
	ak_is_old(&b, "2h of another device");
	am_cmd(b.a, PAGES(AM_DOMAIN, 0), AM_ALL | PDE);
	ak_is_old(&b, "3h of the domain");
	am_cmd(b.a, AM_OP(5) | AM_SID, 0);
	ak_is_old(&b, "5h");
	am_cmd(b.a, AM_OP(2) | AM_SID, 0);
	ak_is_fresh(&b, "2h");
	am_put(at, am_dte0(b.levels, b.root));
	expect_true(t, ak_goes(&b) == AM_IOVA, "V = 0 is kept, too");
	am_set(b.a, 0x0018, 0x1404);
	am_set(b.a, 0x0018, 0x1405);
	expect_true(t, ak_goes(&b) == AM_IOVA, "IommuEn off and on drops nothing");
	am_cmd(b.a, AM_OP(2) | AM_SID, 0);
	ak_is_old(&b, "2h");
}

/* ---- deferral and prefetching ---- */

TEST(model_keeps_deferred,
     .id = "amdvi.model.keeps.deferred",
     .given = "3h without a COMPLETION_WAIT, then with one; more of them than a unit puts off",
     .expects = "dropped at once, or by the wait where the unit puts them off",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct keeper b;

	ak_need_caches(t);
	ak_host_open(t, &b);
	am_put(b.pte, AM_PERMIT | b.fresh | 1);
	am_put_cmd(b.a, PAGES(AM_DOMAIN, 0), AM_IOVA);
	if (!b.a->config.defer) {
		ak_is_fresh(&b, "3h");
		return;
	}
	ak_is_old(&b, "3h that is put off");
	am_put_cmd(b.a, AM_OP(1), 0);
	ak_is_fresh(&b, "COMPLETION_WAIT");
	ak_swap(&b);
	am_put(b.pte, AM_PERMIT | b.fresh | 1);
	am_put_cmd(b.a, PAGES(AM_DOMAIN, 0), AM_IOVA);
	for (unsigned i = 0; i < MDL_AMD_PENDING_MAX; i++)
		am_put_cmd(b.a, PAGES(OTHER, 0), AM_IOVA);
	ak_is_fresh(&b, "so many that the first had to be carried out");
}

TEST(model_keeps_prefetched,
     .id = "amdvi.model.keeps.prefetched",
     .given = "PREFETCH_IOMMU_PAGES of mapped and unmapped pages, with and without Inval, of several pages",
     .expects = "translations are taken in, anew with Inval = 1; no event, no A bit",
     .needs = NEEDS | NEED_AMD_PREF, .flags = TEST_MODEL)
{
	struct keeper b;
	uint64_t far = AM_IOVA + 3 * PAGE_BYTES;

	ak_need_caches(t);
	ak_host_open(t, &b);
	am_put(b.pte, AM_PERMIT | b.fresh | 1);
	am_cmd(b.a, AM_OP(6) | AM_SID, AM_IOVA);
	ak_is_old(&b, "6h with Inval = 0");
	am_cmd(b.a, AM_OP(6) | AM_SID, AM_IOVA | BIT(4));
	ak_is_fresh(&b, "6h with Inval = 1");
	ak_swap(&b);
	am_put(b.pte, AM_PERMIT | b.fresh | 1);
	ak_is_old(&b, "6h with Inval = 1, which took the page in");
	am_cmd(b.a, AM_OP(6) | AM_SID, (AM_IOVA & ~UINT64_C(0x1fff)) | BIT(4) | 1);
	ak_is_fresh(&b, "6h with Inval = 1 and a range");
	/* Four pages from AM_IOVA on. */
	am_put(am_entry(b.a, b.root, b.levels, 1, far), AM_PERMIT | b.fresh | 1);
	am_put(am_entry(b.a, b.root, b.levels, 1, far + PAGE_BYTES), AM_PERMIT | b.fresh | 1);
	am_cmd(b.a, AM_OP(6) | AM_SID | FLD(BITS(31, 24), 3), AM_IOVA);
	am_put(am_entry(b.a, b.root, b.levels, 1, far), AM_PERMIT | b.old | 1);
	am_put(am_entry(b.a, b.root, b.levels, 1, far + PAGE_BYTES), AM_PERMIT | b.old | 1);
	expect_true(t, am_goes(b.a, far) == b.fresh, "the fourth page was taken in");
	expect_true(t, am_goes(b.a, far + PAGE_BYTES) == b.old, "the fifth was not");
	am_cmd(b.a, AM_OP(6) | AM_SID, AM_IOVA - 0x100000);
	expect_eq(t, "events", am_code(b.a), 0);
	if (!(b.a->config.efr & BIT(49)))
		return;
	am_put(b.pte, AM_PERMIT | b.fresh | 1);
	am_dte(b.a, AM_SID, am_dte0(b.levels, b.root) | BIT(7), AM_DOMAIN, 0, 0);
	am_cmd(b.a, PAGES(AM_DOMAIN, 0), AM_ALL | PDE);
	am_cmd(b.a, AM_OP(6) | AM_SID, AM_IOVA);
	expect_eq(t, "A after 6h", am_get(b.pte) & BIT(5), 0);
	am_put(b.pte, AM_PERMIT | b.old | 1);
	ak_is_old(&b, "6h of a page whose A bit would have to be set");
}

/* ---- interrupt entries, and devices that had their event ---- */

/* Data bit 14 is no index bit: it tells a message that was not remapped. */
static uint32_t data_of(struct am *a, uint16_t sid, uint32_t data)
{
	a->messages_n = 0;
	mdl_amd_interrupt(&a->u, sid, UINT64_C(0xfee00000), 0x4000 | data);
	return a->messages_n == 1 ? a->messages[0].data : 0;
}

TEST(model_keeps_irte,
     .id = "amdvi.model.keeps.irte",
     .given = "an interrupt entry changed, or made valid; IRTCacheDis", .expects = "old until 5h of the device",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = am_start(t, 0);
	bool np = a->config.header & BIT(26), lazy = a->config.lazy;
	uint64_t table = am_page(a);

	am_put(table, 0x00410001);
	am_dte(a, AM_SID, 0, AM_DOMAIN, 1 | table | 8 | 2 * BIT(60), 0);
	am_dte(a, AM_SID2, 0, AM_DOMAIN, 1 | table | 8 | 2 * BIT(60), 0);
	expect_eq(t, "the vector", data_of(a, AM_SID, 0), 0x41);
	am_put(a->devtab + 32 * AM_SID + 16, 0); /* the device's entry is kept, too: IV = 0 is not seen */
	expect_eq(t, "the vector, IV = 0 and nothing dropped", data_of(a, AM_SID, 0), lazy ? 0x4000 : 0x41);
	am_put(a->devtab + 32 * AM_SID + 16, 1 | table | 8 | 2 * BIT(60));
	am_put(table, 0x00420001);
	am_cmd(a, AM_OP(5) | AM_SID2, 0);
	am_cmd(a, AM_OP(2) | AM_SID, 0);
	am_cmd(a, PAGES(AM_DOMAIN, 0), AM_ALL | PDE);
	expect_eq(t, "the vector after commands for others", data_of(a, AM_SID, 0), lazy ? 0x42 : 0x41);
	expect_eq(t, "that of another device", data_of(a, AM_SID2, 0), 0x42);
	am_cmd(a, AM_OP(5) | AM_SID, 0);
	expect_eq(t, "the vector after 5h", data_of(a, AM_SID, 0), 0x42);
	expect_eq(t, "of an entry without RemapEn", data_of(a, AM_SID, 1), 0);
	am_put(table, UINT64_C(0x0043000100420001));
	expect_eq(t, "of one that was made valid", data_of(a, AM_SID, 1), np && !lazy ? 0 : 0x43);
	am_cmd(a, AM_OP(5) | AM_SID, 0);
	expect_eq(t, "of the same after 5h", data_of(a, AM_SID, 1), 0x43);
	am_set(a, 0x0018, am_reg(a, 0x0018) | BIT(59));
	am_cmd(a, AM_OP(5) | AM_SID, 0);
	expect_eq(t, "the vector with IRTCacheDis", data_of(a, AM_SID, 0), 0x42);
	am_put(table, 0x00440001);
	expect_eq(t, "a changed one with IRTCacheDis", data_of(a, AM_SID, 0), 0x44);
}

TEST(model_keeps_logged,
     .id = "amdvi.model.keeps.logged",
     .given = "SE = 1, faults of two devices; 2h of one of them",
     .expects = "one event for each, and one more for the one named",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = am_start(t, 0);
	uint64_t event[2];
	const struct mdl_request rq = { .sid = AM_SID2, .bytes = 8, .address = AM_IOVA };

	am_dte(a, AM_SID, 3, BIT(33), 0, 0);
	am_dte(a, AM_SID2, 3, BIT(33), 0, 0);
	am_goes(a, AM_IOVA);
	am_look(a, &rq);
	am_goes(a, AM_IOVA);
	am_look(a, &rq);
	for (unsigned i = 0; i < 2; i++)
		expect_eq(t, "an event", am_event(a, event), 1);
	expect_eq(t, "one more", am_event(a, event), 0);
	am_cmd(a, AM_OP(2) | AM_SID2, 0);
	am_goes(a, AM_IOVA);
	am_look(a, &rq);
	expect_eq(t, "an event after 2h", am_event(a, event), 1);
	expect_eq(t, "of the device named", fld_get(BITS(15, 0), event[0]), AM_SID2);
	expect_eq(t, "one more after 2h", am_event(a, event), 0);
	if (!(a->config.efr & BIT(6)))
		return;
	am_cmd(a, AM_OP(8), 0);
	am_goes(a, AM_IOVA);
	am_look(a, &rq);
	for (unsigned i = 0; i < 2; i++)
		expect_eq(t, "an event after 8h", am_event(a, event), 1);
}
