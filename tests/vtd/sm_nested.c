/*
 * Nested translation (VT-d 3.8, 7.1.3: PGTT = 011): first stage from GVA to GPA, second stage from GPA to PA, also for
 * the tables of the first stage.
 */
#include "tests/vtd/nest.h"

#define NEEDS      (NEEDS_SM | NEED_NEST)

/* One word changed: refused with reasons for reads and writes; and back. */
static bool blocks(struct test *t, const struct nest *n, uint64_t *word, uint64_t value, unsigned reason)
{
	return sm_word_blocks(t, word, value, n->page, reason, reason);
}

TEST(nest_composition,
     .id = "vtd.sm.nest.composition",
     .checks = "VTD-SM-NEST-001",
     .given = "a page mapped by both stages; then its GPA mapped to another page",
     .expects = "each time the page of the second stage is reached",
     .needs = NEEDS)
{
	struct page *other = page_filled(t, 0x5a);
	struct nest n;

	nest_start(t, &n);
	sm_change(t, ss(t, &n, n.page), SS_ADDR, other->pa.v);
	expect_allowed(t, IOVA_A, other);
}

TEST(nest_tables,
     .id = "vtd.sm.nest.tables_through_second_stage",
     .checks = "VTD-SM-NEST-002",
     .given = "each first-stage table emptied, its GPA mapped to a copy of what it was; then to the table again",
     .expects = "the walk uses the copy, then the empty table: refused with reason 71h",
     .needs = NEEDS)
{
	struct nest n;

	nest_start(t, &n);
	for (unsigned level = FS_LEVELS; level >= 1; level--) {
		struct page *was = n.table[level], *copy = page_alloc(t, PAGE_BYTES, 0);
		uint64_t *leaf = ss(t, &n, was), value = *fs(&n, level);

		n.table[level] = copy;
		fx_set(t, fs(&n, level), value);
		n.table[level] = was;
		/* The original leads nowhere now; the copy is found by the GPA of the original. */
		fx_set(t, fs(&n, level), 0);
		sm_change(t, leaf, SS_ADDR, copy->pa.v);
		if (!expect_allowed(t, IOVA_A, n.page))
			return;
		sm_change(t, leaf, SS_ADDR, was->pa.v);
		expect_blocked(t, IOVA_A, n.page, FR_SFS_2);
		fx_set(t, fs(&n, level), value);
		fx_sync(t);
	}
	expect_allowed(t, IOVA_A, n.page);
}

TEST(nest_small_second,
     .id = "vtd.sm.nest.large_over_small",
     .checks = "VTD-SM-NEST-003",
     .given = "a 2 MiB first-stage leaf, whose GPAs are mapped by 4 KiB leaves in another order",
     .expects = "each page is reached at its own offset",
     .needs = NEEDS)
{
	const uint64_t base = GPA_OFFSET + BIT(36), offset = align_down(IOVA_A.v % BIT(21), PAGE_BYTES);
	struct page *other = page_filled(t, 0x5a);
	struct nest n;

	nest_start(t, &n);
	fx_map(t, n.r, IOVA(base + offset), other->pa, 1, PERM_RW, 0);
	fx_map(t, n.r, IOVA(base + offset + PAGE_BYTES), n.page->pa, 1, PERM_RW, 0);
	sm_change(t, fs(&n, 2), UINT64_MAX, base | FS_ENTRY | FS_D | FS_PS);
	expect_allowed(t, IOVA_A, other);
	expect_allowed(t, iova_add(IOVA_A, PAGE_BYTES), n.page);
	expect_blocked(t, iova_add(IOVA_A, 2 * PAGE_BYTES), n.page, FR_SSS_2);
}

TEST(nest_small_first,
     .id = "vtd.sm.nest.small_over_large",
     .checks = "VTD-SM-NEST-003",
     .given = "4 KiB first-stage leaves, whose GPAs are mapped by one 2 MiB leaf",
     .expects = "each page is reached at its own offset",
     .needs = NEEDS)
{
	struct page *a = page_filled(t, 0x5a);
	uint64_t base = GPA_OFFSET + BIT(36), size = BIT(21);
	struct nest n;

	if (!t->bench->vtd->caps.ss_2m)
		skip(t, "CAP.SSLPS = 0");
	nest_start(t, &n);
	fx_map(t, n.r, IOVA(base), PA(align_down(a->pa.v, size)), 2, PERM_RW, 0);
	fx_set(t, fs(&n, 1) + 1, gpa(n.page) | FS_ENTRY | FS_D);
	sm_change(t, fs(&n, 1), FS_ADDR, base + a->pa.v % size);
	expect_allowed(t, IOVA_A, a);
	expect_allowed(t, iova_add(IOVA_A, PAGE_BYTES), n.page);
}

TEST(nest_fs_absent,
     .id = "vtd.sm.nest.first_stage_absent",
     .checks = "VTD-SM-NEST-004",
     .given = "P = 0 in a first-stage entry, at each level",
     .expects = "refused with reason 71h",
     .needs = NEEDS)
{
	struct nest n;

	nest_start(t, &n);
	for (unsigned level = 1; level <= FS_LEVELS; level++)
		if (!blocks(t, &n, fs(&n, level), *fs(&n, level) & ~FS_P, FR_SFS_2))
			return;
}

TEST(nest_final_absent,
     .id = "vtd.sm.nest.final_absent",
     .checks = "VTD-SM-NEST-005 VTD-SM-NEST-015",
     .given = "the final GPA has R = W = 0 in the second stage",
     .expects = "refused with reason 79h, and the record holds the GVA",
     .needs = NEEDS)
{
	struct nest n;

	nest_start(t, &n);
	blocks(t, &n, ss(t, &n, n.page), *ss(t, &n, n.page) & ~(SS_R | SS_W), FR_SSS_2);
}

/* arg: the permission of the second stage that is left. */
static void final_permission(struct test *t)
{
	bool read_only = t->desc->arg == SS_R;
	struct nest n;

	nest_start(t, &n);
	sm_change(t, ss(t, &n, n.page), SS_R | SS_W, t->desc->arg);
	/* Twice: as it is walked, and as the unit may have cached it. */
	for (unsigned i = 0; i < 2; i++) {
		expect_write(t, IOVA_A, n.page, 0, read_only ? DMA_REFUSED : DMA_DONE);
		if (read_only)
			expect_fault(t, FR_SGN_6, t->engine, IOVA_A, true);
		expect_read(t, IOVA_A, n.page, 0, read_only ? DMA_DONE : DMA_REFUSED);
		if (!read_only)
			expect_fault(t, FR_SGN_7, t->engine, IOVA_A, false);
		expect_no_fault(t);
	}
}

TEST_TABLE(nest_permission,
	{ .id = "vtd.sm.nest.final_read_only", .checks = "VTD-SM-NEST-006", .given = "the final GPA has R = 1, W = 0",
	  .expects = "the write is refused with reason 85h", .needs = NEEDS, .arg = SS_R, .body = final_permission },
	{ .id = "vtd.sm.nest.final_write_only", .checks = "VTD-SM-NEST-007", .given = "the final GPA has R = 0, W = 1",
	  .expects = "the read is refused with reason 86h", .needs = NEEDS, .arg = SS_W, .body = final_permission });

/* The lowest GPA bit above the limit of the second stage; skips where no first-stage entry can hold it. */
static uint64_t above_limit(struct test *t, const struct nest *n)
{
	if (limit_bits(t, n) >= t->bench->vtd->haw_bits)
		skip(t, "the second stage takes every address of HAW bits");
	return pow2(limit_bits(t, n));
}

TEST(nest_final_limit,
     .id = "vtd.sm.nest.final_above_limit",
     .checks = "VTD-SM-NEST-008",
     .given = "the final GPA lies above min(MGAW, AGAW)",
     .expects = "refused with reason 84h",
     .needs = NEEDS)
{
	struct nest n;

	nest_start(t, &n);
	blocks(t, &n, fs(&n, 1), *fs(&n, 1) | above_limit(t, &n), FR_SGN_5);
}

TEST(nest_table_limit,
     .id = "vtd.sm.nest.table_above_limit",
     .checks = "VTD-SM-NEST-009",
     .given = "the GPA of a first-stage table lies above min(MGAW, AGAW), FSPTPTR and at each level",
     .expects = "refused with reason 74h",
     .needs = NEEDS)
{
	struct nest n;
	uint64_t bit;

	nest_start(t, &n);
	bit = above_limit(t, &n);
	if (!blocks(t, &n, n.r->pasid + 2, n.r->pasid[2] | bit, FR_SFS_5))
		return;
	for (unsigned level = FS_LEVELS; level > 1; level--)
		if (!blocks(t, &n, fs(&n, level), *fs(&n, level) | bit, FR_SFS_5))
			return;
}

/* Every first-stage table from first to last without R in the second stage. */
static void table_unreadable(struct test *t, unsigned first, unsigned last, unsigned reason)
{
	struct nest n;

	nest_start(t, &n);
	for (unsigned level = first; level <= last; level++)
		if (!blocks(t, &n, ss(t, &n, n.table[level]), *ss(t, &n, n.table[level]) & ~SS_R, reason))
			return;
}

TEST(nest_top_unreadable,
     .id = "vtd.sm.nest.top_table_unreadable",
     .checks = "VTD-SM-NEST-010",
     .given = "R = 0, W = 1 for the table at FSPTPTR",
     .expects = "refused with reason 75h",
     .needs = NEEDS)
{
	table_unreadable(t, FS_LEVELS, FS_LEVELS, FR_SFS_6);
}

TEST(nest_lower_unreadable,
     .id = "vtd.sm.nest.lower_table_unreadable",
     .checks = "VTD-SM-NEST-011",
     .given = "R = 0, W = 1 for a lower table, at each level",
     .expects = "refused with reason 76h",
     .needs = NEEDS)
{
	table_unreadable(t, 1, FS_LEVELS - 1, FR_SFS_7);
}

TEST(nest_update_denied,
     .id = "vtd.sm.nest.accessed_update_denied",
     .checks = "VTD-SM-NEST-012",
     .given = "snooped walk, R = 1, W = 0 for a first-stage table; A set in its entry, then clear",
     .expects = "allowed, then refused with reason 77h",
     .needs = NEEDS)
{
	struct nest n;

	if (!t->bench->vtd->caps.smpwcs)
		skip(t, "ECAP.SMPWCS = 0");
	nest_start(t, &n);
	for (unsigned level = 1; level <= FS_LEVELS; level++) {
		uint64_t *e = ss(t, &n, n.table[level]);

		sm_change(t, e, SS_W, 0);
		expect_allowed(t, IOVA_A, n.page);
		if (!sm_word_blocks_fresh(t, fs(&n, level), *fs(&n, level) & ~FS_A, n.page, FR_SFS_8))
			return;
		sm_change(t, e, 0, SS_W);
	}
}

TEST(nest_ss_reserved,
     .id = "vtd.sm.nest.second_stage_reserved",
     .checks = "VTD-SM-NEST-013",
     .given = "bit 62 set in the second-stage leaf of a first-stage table, for each table",
     .expects = "refused with reason 7Ah",
     .needs = NEEDS)
{
	struct nest n;

	nest_start(t, &n);
	for (unsigned level = 1; level <= FS_LEVELS; level++)
		if (!blocks(t, &n, ss(t, &n, n.table[level]), *ss(t, &n, n.table[level]) | SS_RSVD_62, FR_SSS_3))
			return;
}

TEST(nest_ss_unbacked,
     .id = "vtd.sm.nest.second_stage_unbacked",
     .checks = "VTD-SM-NEST-014",
     .given = "SSPTPTR, then a lower second-stage table, where no memory is",
     .expects = "refused with reason 7Bh, then 78h",
     .needs = NEEDS)
{
	struct nest n;
	uint64_t hole = page_unbacked(t).v;

	nest_start(t, &n);
	blocks(t, &n, n.r->pasid, (*n.r->pasid & ~PASID_SSPTPTR) | hole, FR_SSS_4);
	blocks(t, &n, fx_entry(t, n.r, IOVA(gpa(n.table[FS_LEVELS])), n.r->levels), hole | SS_R | SS_W, FR_SSS_1);
}

TEST(nest_interrupt_range,
     .id = "vtd.sm.nest.output_in_interrupt_range",
     .checks = "VTD-SM-NEST-016",
     .given = "the final GPA leads to FEE00000h; reads, and writes once reads are seen to be refused",
     .expects = "refused with reason 87h",
     .needs = NEEDS)
{
	struct nest n;

	nest_start(t, &n);
	sm_change(t, ss(t, &n, n.page), SS_ADDR, 0xfee00000);
	if (expect_read(t, IOVA_A, n.page, 0, DMA_REFUSED) && expect_fault(t, FR_SGN_8, t->engine, IOVA_A, false))
		expect_blocked(t, IOVA_A, n.page, FR_SGN_8);
}

TEST(nest_aw,
     .id = "vtd.sm.pt.aw_unsupported_nested",
     .checks = "VTD-SM-PT-031",
     .given = "PGTT = 011, each AW that is not in SAGAW",
     .expects = "refused with reason 5Bh",
     .needs = NEEDS)
{
	struct nest n;

	nest_start(t, &n);
	for (unsigned aw = 0; aw < 8; aw++)
		if (!vtd_caps_levels(&t->bench->vtd->caps, aw + 2) &&
		    !blocks(t, &n, n.r->pasid, fld_set(PASID_AW, *n.r->pasid, aw), FR_SPT_4))
			return;
}
