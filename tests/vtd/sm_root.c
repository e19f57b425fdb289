/*
 * The table mode and the scalable root table (VT-d 3.4.3, 7.1.3, 9.2): VTD-SM-RT, but for the abort mode.
 */
#include "tests/vtd/sm.h"

/* A table mode that the unit must refuse, after legacy tables were seen to work. */
static void mode_refused(struct test *t, enum vtd_ttm ttm)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	struct fx *fx = fx_of(t);

	/* Nothing is cached from here on, and the queue is not used in a mode in which it may stop (VT-d 6.5.2.10). */
	fx_sync(t);
	must(t, vtd_srtp(fx->u, fx->root_pa, ttm), "setting the table mode");
	expect_blocked(t, IOVA_A, p, FR_RTA_1);
	must(t, vtd_srtp(fx->u, fx->root_pa, TTM_LEGACY), "setting the table mode back");
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
}

#define NEEDS_LEGACY (NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE | NEED_ENGINE_DIRECT)

TEST(rt_ttm_scalable_absent,
     .id = "vtd.sm.root.ttm_scalable_absent",
     .checks = "VTD-SM-RT-001",
     .given = "a unit without scalable mode, TTM = 01",
     .expects = "every request is refused with reason 30h",
     .needs = NEEDS_LEGACY)
{
	if (t->bench->vtd->caps.smts)
		skip(t, "ECAP.SMTS = 1");
	mode_refused(t, TTM_SCALABLE);
}

TEST(rt_ttm_reserved,
     .id = "vtd.sm.root.ttm_reserved",
     .checks = "VTD-SM-RT-002",
     .given = "TTM = 10",
     .expects = "every request is refused with reason 30h",
     .needs = NEEDS_LEGACY)
{
	mode_refused(t, TTM_RESERVED);
}

TEST(rt_ttm_abort_absent,
     .id = "vtd.sm.root.ttm_abort_absent",
     .checks = "VTD-SM-RT-003",
     .given = "a unit without abort mode, TTM = 11",
     .expects = "every request is refused with reason 30h",
     .needs = NEEDS_LEGACY)
{
	if (t->bench->vtd->caps.adms)
		skip(t, "ECAP.ADMS = 1");
	mode_refused(t, TTM_ABORT);
}

/* Makes t->engine one that is served by a half of the root entry. */
static void take_engine_of_half(struct test *t, bool upper)
{
	uint32_t flags = DMA_CAN_WRITE | DMA_CAN_READ | DMA_DIRECT;

	for (unsigned i = 0; i < t->bench->engines_n; i++) {
		struct engine *e = &t->bench->engines[i];

		if ((e->caps.flags & flags) == flags && (fld_get(SID_DEVFN, e->dev->addr.sid) >= 0x80) == upper) {
			t->engine = e;
			return;
		}
	}
	skip_unreached(t, "no engine with devfn %s 80h", upper ? "from" : "below");
}

static uint64_t *other_half(const struct fx_req *r)
{
	return r->root_half == r->root ? r->root + 1 : r->root;
}

/* The other half leads to another space by an entry with the same index; then the two halves change places. */
static void right_half(struct test *t)
{
	struct fx_req *r;
	struct sm_space other;
	struct page *p, *table;
	uint64_t mine, theirs;

	take_engine_of_half(t, t->desc->arg);
	p = sm_start(t, &r);
	sm_space(t, r, 0, &other);
	table = page_alloc(t, PAGE_BYTES, 0);
	sm_put(t, (uint64_t *)(void *)table->p + 4 * (fld_get(SID_DEVFN, r->sid) % 0x80), other.ctx.w, 4);
	mine = *r->root_half;
	theirs = vtd_sm_root_half(table->pa);
	fx_set(t, other_half(r), theirs);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
	fx_set(t, r->root_half, theirs);
	fx_set(t, other_half(r), mine);
	fx_sync(t);
	expect_allowed(t, IOVA_A, other.page);
}

TEST_TABLE(rt_halves,
	{ .id = "vtd.sm.root.lower_half", .checks = "VTD-SM-RT-007", .given = "a requester with devfn below 80h",
	  .expects = "LCTP is used", .needs = NEEDS_SM, .arg = 0, .body = right_half },
	{ .id = "vtd.sm.root.upper_half", .checks = "VTD-SM-RT-008", .given = "a requester with devfn from 80h",
	  .expects = "UCTP is used", .needs = NEEDS_SM, .arg = 1, .body = right_half });

TEST(rt_unbacked,
     .id = "vtd.sm.root.unbacked",
     .checks = "VTD-SM-RT-009",
     .given = "scalable mode, the root table where no memory is",
     .expects = "refused with reason 38h",
     .needs = NEEDS_SM)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);

	must(t, vtd_set_root(fx_of(t)->u, page_unbacked(t), TTM_SCALABLE), "setting the root table");
	fx_sync(t);
	expect_blocked(t, IOVA_A, p, FR_SRT_1);
}

TEST(rt_absent,
     .id = "vtd.sm.root.absent",
     .checks = "VTD-SM-RT-010",
     .given = "scalable mode, P = 0 in the half that serves the requester",
     .expects = "refused with reason 39h",
     .needs = NEEDS_SM)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);

	sm_change(t, r->root_half, SM_ROOT_P, 0);
	expect_blocked(t, IOVA_A, p, FR_SRT_2);
	sm_change(t, r->root_half, 0, SM_ROOT_P);
	expect_allowed(t, IOVA_A, p);
}

TEST(rt_other_absent,
     .id = "vtd.sm.root.other_half_absent",
     .checks = "VTD-SM-RT-011",
     .given = "scalable mode, the other half first present, then P = 0",
     .expects = "DMA works both times",
     .needs = NEEDS_SM)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);

	sm_change(t, other_half(r), UINT64_MAX, vtd_sm_root_half(page_alloc(t, PAGE_BYTES, 0)->pa));
	expect_allowed(t, IOVA_A, p);
	sm_change(t, other_half(r), SM_ROOT_P, 0);
	expect_allowed(t, IOVA_A, p);
}

static void reserved(struct test *t)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);
	uint64_t bits = t->desc->arg ? t->desc->arg : fx_bits_above_haw(t);

	expect_each_bit_blocks(t, r->root_half, bits, p, FR_SRT_3);
}

TEST_TABLE(rt_reserved,
	{ .id = "vtd.sm.root.reserved_low", .checks = "VTD-SM-RT-012", .given = "each of bits 11:1 of the half alone",
	  .expects = "refused with reason 3Ah", .needs = NEEDS_SM, .arg = SM_ROOT_RSVD, .body = reserved },
	{ .id = "vtd.sm.root.reserved_high", .checks = "VTD-SM-RT-013", .given = "each address bit above HAW alone",
	  .expects = "refused with reason 3Ah", .needs = NEEDS_SM, .arg = 0, .body = reserved });

TEST(rt_other_reserved,
     .id = "vtd.sm.root.other_half_reserved",
     .checks = "VTD-SM-RT-014",
     .given = "scalable mode, reserved bits 11:1 set in the present other half",
     .expects = "DMA works; reason 3Ah is tolerated",
     .needs = NEEDS_SM)
{
	static const uint8_t tolerated[] = { FR_SRT_3 };
	struct fx_req *r;
	struct page *p = sm_start(t, &r);

	sm_change(t, other_half(r), UINT64_MAX, vtd_sm_root_half(page_alloc(t, PAGE_BYTES, 0)->pa) | SM_ROOT_RSVD);
	observe_dma(t, p, tolerated, ARRAY_LEN(tolerated), true);
}

TEST(rt_not_qualified,
     .id = "vtd.sm.root.not_suppressed",
     .checks = "VTD-SM-RT-015",
     .given = "FPD = 1 in the context, directory and PASID entries; the root half absent, reserved, the table unbacked",
     .expects = "the faults are recorded",
     .needs = NEEDS_SM)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);

	fx_set(t, r->ctx, *r->ctx | SM_CTX_FPD);
	fx_set(t, r->dir, *r->dir | PDE_FPD);
	sm_change(t, r->pasid, 0, PASID_FPD);
	expect_allowed(t, IOVA_A, p);
	sm_change(t, r->root_half, SM_ROOT_P, 0);
	expect_blocked_recorded(t, IOVA_A, p);
	sm_change(t, r->root_half, 0, SM_ROOT_P | LOWBIT(SM_ROOT_RSVD));
	expect_blocked_recorded(t, IOVA_A, p);
	sm_change(t, r->root_half, LOWBIT(SM_ROOT_RSVD), 0);
	expect_allowed(t, IOVA_A, p);
	must(t, vtd_set_root(fx_of(t)->u, page_unbacked(t), TTM_SCALABLE), "setting the root table");
	fx_sync(t);
	expect_blocked_recorded(t, IOVA_A, p);
}

/* DMA by tables of one mode; the queue, whose width depends on the mode, is off in between. */
static void switch_modes(struct test *t)
{
	enum fx_mode scalable = sm_mode(t);

	fx_start_mapped(t, t->desc->arg ? FX_LEGACY : scalable);
	must(t, vtd_queue_disable(fx_of(t)->u), "turning the queue off");
	fx_start_mapped(t, t->desc->arg ? scalable : FX_LEGACY);
}

TEST_TABLE(rt_switch,
	{ .id = "vtd.sm.root.legacy_to_scalable", .checks = "VTD-SM-RT-016", .needs = NEEDS_SM | NEED_LEGACY_SS,
	  .given = "legacy tables in use, then SRTP with TTM = 01 while translation is on",
	  .expects = "the scalable tables are used", .arg = 1, .body = switch_modes },
	{ .id = "vtd.sm.root.scalable_to_legacy", .checks = "VTD-SM-RT-017", .needs = NEEDS_SM | NEED_LEGACY_SS,
	  .given = "scalable tables in use, then SRTP with TTM = 00 while translation is on",
	  .expects = "the legacy tables are used", .arg = 0, .body = switch_modes });
