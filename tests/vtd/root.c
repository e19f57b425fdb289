/*
 * The legacy root table (VT-d 9.1, 3.4.2): one entry by bus, and what is wrong with it.
 *
 * Engines are direct here: one that keeps queues in memory dies with the root entry of its bus.
 */
#include "tests/vtd/judge.h"

#define NEEDS (NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)

/* An engine that writes and sits on another bus than e. */
static struct engine *on_another_bus(struct test *t, const struct engine *e)
{
	for (unsigned i = 0; i < t->bench->engines_n; i++) {
		struct engine *other = &t->bench->engines[i];

		if ((other->caps.flags & DMA_CAN_WRITE) &&
		    fld_get(SID_BUS, other->dev->addr.sid) != fld_get(SID_BUS, e->dev->addr.sid))
			return other;
	}
	skip_unreached(t, "no engine that writes on a second bus");
}

TEST(root_by_bus,
     .id = "vtd.root.select.by_bus",
     .checks = "VTD-ROOT-001",
     .given = "two requesters on two buses, the same address mapped to a page of each",
     .expects = "each reaches its own page",
     .needs = NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE)
{
	struct engine *other = on_another_bus(t, t->engine);
	struct page *a = page_filled(t, 0xa5), *b = page_filled(t, 0x5a);

	fx_start(t, FX_LEGACY);
	fx_map_page(t, IOVA_A, a);
	fx_map(t, fx_add(t, other), IOVA_A, b->pa, 1, PERM_RW, 0);
	fx_sync(t);
	expect_write(t, IOVA_A, a, 0, DMA_DONE);
	expect_write_by(t, other, IOVA_A, dma_small_bytes(t, other), b, 0, DMA_DONE);
	expect_write(t, IOVA_A, a, 0, DMA_DONE);
	expect_no_fault(t);
}

TEST(root_unbacked,
     .id = "vtd.root.table.unbacked",
     .checks = "VTD-ROOT-002 VTD-ROOT-009",
     .given = "a root table address that nothing answers",
     .expects = "refused, reason 08h, with the requester's id",
     .needs = NEEDS)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	struct fx *fx = fx_of(t);

	must(t, vtd_set_root(fx->u, page_unbacked(t), TTM_LEGACY), "setting the root table");
	fx_sync(t);
	expect_blocked(t, IOVA_A, p, FR_LRT_1);
	must(t, vtd_set_root(fx->u, fx->root_pa, TTM_LEGACY), "setting the root table back");
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
}

static void root_becomes(struct test *t, uint64_t w0, uint64_t w1, unsigned reason)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	struct fx_req *r = fx_req(t, t->engine);
	uint64_t before[2] = { r->root[0], r->root[1] };

	fx_set(t, &r->root[1], w1);
	fx_set(t, &r->root[0], w0 | (before[0] & ROOT_CTP));
	fx_sync(t);
	expect_blocked(t, IOVA_A, p, reason);
	fx_set(t, &r->root[1], before[1]);
	fx_set(t, &r->root[0], before[0]);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
}

TEST(root_absent,
     .id = "vtd.root.entry.absent",
     .checks = "VTD-ROOT-003",
     .given = "a root entry that was present, P cleared",
     .expects = "refused, reason 01h",
     .needs = NEEDS)
{
	root_becomes(t, 0, 0, FR_LRT_2);
}

TEST(root_absent_not_checked,
     .id = "vtd.root.entry.absent_with_reserved_bits",
     .checks = "VTD-ROOT-004",
     .given = "a root entry with P=0 and all reserved bits set",
     .expects = "refused, reason 01h: reserved bits of an absent entry are not checked",
     .needs = NEEDS)
{
	root_becomes(t, ROOT_RSVD | fx_bits_above_haw(t), UINT64_MAX, FR_LRT_2);
}

TEST(root_absent_fpd,
     .id = "vtd.root.entry.absent_is_always_recorded",
     .checks = "VTD-ROOT-008",
     .given = "P=0 in the root entry, FPD=1 in the context entry behind it, and bit 1 set in the root entry",
     .expects = "refused, and recorded with reason 01h",
     .needs = NEEDS)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	struct fx_req *r = fx_req(t, t->engine);

	fx_set(t, &r->ctx[0], r->ctx[0] | CTX_FPD);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
	fx_set(t, &r->root[0], (r->root[0] & ~ROOT_P) | BIT(1));
	fx_sync(t);
	expect_blocked(t, IOVA_A, p, FR_LRT_2);
}

static const struct {
	unsigned word;
	uint64_t bits; /* 0: above the host address width */
} root_bits[] = {
	{ 0, ROOT_RSVD }, { 0, 0 }, { 1, UINT64_MAX },
};

static void root_reserved(struct test *t)
{
	uint64_t bits = root_bits[t->desc->arg].bits;
	struct page *p;

	if (!bits)
		bits = fx_bits_above_haw(t);
	if (!bits)
		skip(t, "the host address width is 64");
	p = fx_start_mapped(t, FX_LEGACY);
	expect_each_bit_blocks(t, &fx_req(t, t->engine)->root[root_bits[t->desc->arg].word], bits, p, FR_LRT_3);
}

TEST_TABLE(root_reserved,
	{ .id = "vtd.root.reserved.low", .checks = "VTD-ROOT-005 VTD-ROOT-009", .arg = 0,
	  .given = "bits 11:1 of a present root entry, one after the other",
	  .expects = "refused, reason 0Ah, with the requester's id", .needs = NEEDS, .body = root_reserved },
	{ .id = "vtd.root.reserved.above_haw", .checks = "VTD-ROOT-006", .arg = 1,
	  .given = "bits of a present root entry above the host address width, one after the other",
	  .expects = "refused, reason 0Ah", .needs = NEEDS, .body = root_reserved },
	{ .id = "vtd.root.reserved.high", .checks = "VTD-ROOT-007", .arg = 2,
	  .given = "bits 127:64 of a present root entry, one after the other",
	  .expects = "refused, reason 0Ah", .needs = NEEDS, .body = root_reserved });

TEST(root_unused_bus,
     .id = "vtd.root.select.others_not_consulted",
     .checks = "VTD-ROOT-010",
     .given = "the root entries of all other buses have every bit set",
     .expects = "DMA works, nothing is recorded",
     .needs = NEEDS)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	struct fx *fx = fx_of(t);

	for (unsigned i = 0; i < 512; i++)
		if (fx->root + i != fx_req(t, t->engine)->root && fx->root + i != fx_req(t, t->engine)->root + 1)
			fx_set(t, &fx->root[i], UINT64_MAX);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
}
