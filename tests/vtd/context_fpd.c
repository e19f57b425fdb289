/*
 * FPD of the legacy context entry (VT-d 9.3, 7.2.1.2): which faults it keeps out of the log. What it keeps out is
 * refused all the same.
 */
#include "tests/vtd/judge.h"

#define NEEDS (NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)

enum defect_kind { BAD_TT, BAD_CONTEXT, ABOVE_LIMIT, NO_PERMISSION, TABLE_UNBACKED, BAD_ENTRY, INTERRUPT_RANGE };

static const struct defect {
	enum defect_kind kind;
	uint8_t reason_read, reason_write;
} defects[] = {
	{ BAD_TT, FR_LCT_4, FR_LCT_4 },
	{ BAD_CONTEXT, FR_LCT_3, FR_LCT_3 },
	{ ABOVE_LIMIT, FR_LGN_1, FR_LGN_1 },
	{ NO_PERMISSION, FR_LGN_3, FR_LGN_2 },
	{ TABLE_UNBACKED, FR_LSS_1, FR_LSS_1 },
	{ BAD_ENTRY, FR_LSS_2, FR_LSS_2 },
	{ INTERRUPT_RANGE, FR_LGN_4, FR_LGN_4 },
};

/* A reserved bit of some entry above the leaf or of the leaf, in *level. */
static uint64_t reserved_bit(struct test *t, unsigned *level)
{
	uint64_t above_haw = fx_bits_above_haw(t) & SS_ADDR;

	*level = 1;
	if (above_haw)
		return LOWBIT(above_haw);
	*level = 4; /* bit 7 of a PML4E */
	if (fx_req(t, t->engine)->levels < 4)
		skip_unreached(t, "no bit of a paging entry is reserved for certain");
	return SS_PS;
}

/* Makes one defect; returns the address where it shows. */
static iova_t make(struct test *t, enum defect_kind kind)
{
	struct fx_req *r = fx_req(t, t->engine);
	const struct vtd_caps *c = &t->bench->vtd->caps;
	unsigned level;
	uint64_t bit;

	switch (kind) {
	case BAD_TT:
		fx_set(t, &r->ctx[0], fld_set(CTX_TT, r->ctx[0], TT_RESERVED));
		break;
	case BAD_CONTEXT:
		fx_set(t, &r->ctx[0], r->ctx[0] | LOWBIT(CTX_RSVD));
		break;
	case ABOVE_LIMIT:
		return IOVA(IOVA_A.v | pow2((unsigned)min_u64(c->mgaw_bits, 9 * c->levels_max + 12u)));
	case NO_PERMISSION:
		return IOVA_B;
	case TABLE_UNBACKED:
		fx_set(t, fx_entry(t, r, IOVA_A, 2), page_unbacked(t).v | SS_R | SS_W);
		break;
	case BAD_ENTRY:
		bit = reserved_bit(t, &level);
		fx_set(t, fx_entry(t, r, IOVA_A, level), *fx_entry(t, r, IOVA_A, level) | bit);
		break;
	case INTERRUPT_RANGE:
		fx_map(t, r, IOVA_A, PA(UINT64_C(0xfee00000)), 1, PERM_RW, 0);
		break;
	}
	fx_sync(t);
	return IOVA_A;
}

static void fpd(struct test *t)
{
	const struct defect *d = &defects[t->desc->arg];
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	uint64_t *ctx = fx_req(t, t->engine)->ctx;
	iova_t at = make(t, d->kind);

	/* The interrupt range: either code will do, vtd.ss.interrupt_range.output is about which. */
	if (d->kind != INTERRUPT_RANGE) {
		expect_blocked_as(t, at, p, d->reason_read, d->reason_write);
	} else {
		expect_write(t, at, p, 0, DMA_REFUSED);
		expect_fault_of(t, (const uint8_t[]){ FR_LGN_4, FR_SGN_8 }, 2, t->engine, at, true, NULL);
	}
	fx_set(t, ctx, *ctx | CTX_FPD);
	fx_sync(t);
	expect_blocked_silently(t, at, p);
}

TEST_TABLE(ctx_fpd,
	{ .id = "vtd.ctx.fpd.invalid", .checks = "VTD-CTX-028 VTD-CTX-037", .arg = 0, .needs = NEEDS, .body = fpd,
	  .given = "TT = 11, with FPD = 0, then FPD = 1",
	  .expects = "refused with reason 03h, then refused without a record" },
	{ .id = "vtd.ctx.fpd.reserved", .checks = "VTD-CTX-029 VTD-CTX-037", .arg = 1, .needs = NEEDS, .body = fpd,
	  .given = "a reserved bit of the context entry, with FPD = 0, then FPD = 1",
	  .expects = "refused with reason 0Bh, then refused without a record" },
	{ .id = "vtd.ctx.fpd.above_limit", .checks = "VTD-CTX-030 VTD-CTX-037", .arg = 2, .needs = NEEDS, .body = fpd,
	  .given = "an address above the limit, with FPD = 0, then FPD = 1",
	  .expects = "refused with reason 04h, then refused without a record" },
	{ .id = "vtd.ctx.fpd.permission", .checks = "VTD-CTX-031 VTD-CTX-032 VTD-CTX-037", .arg = 3,
	  .needs = NEEDS | NEED_ENGINE_READ, .body = fpd,
	  .given = "an address that is not mapped, with FPD = 0, then FPD = 1",
	  .expects = "writes refused with reason 05h, reads with 06h, then both refused without a record" },
	{ .id = "vtd.ctx.fpd.unbacked", .checks = "VTD-CTX-033 VTD-CTX-037", .arg = 4, .needs = NEEDS, .body = fpd,
	  .given = "a page table where nothing answers, with FPD = 0, then FPD = 1",
	  .expects = "refused with reason 07h, then refused without a record" },
	{ .id = "vtd.ctx.fpd.entry_reserved", .checks = "VTD-CTX-034 VTD-CTX-037", .arg = 5,
	  .needs = NEEDS, .body = fpd,
	  .given = "a reserved bit of a paging entry, with FPD = 0, then FPD = 1",
	  .expects = "refused with reason 0Ch, then refused without a record" },
	{ .id = "vtd.ctx.fpd.interrupt_range", .checks = "VTD-CTX-036 VTD-CTX-037", .arg = 6,
	  .needs = NEEDS, .body = fpd,
	  .given = "a page whose output is FEE00000h, with FPD = 0, then FPD = 1",
	  .expects = "refused and recorded, then refused without a record" });

TEST(ctx_fpd_later,
     .id = "vtd.ctx.fpd.after_device_invalidation",
     .checks = "VTD-CTX-038",
     .given = "an address that is not mapped; FPD set, then cleared, each time with a device-selective context-cache"
	      " invalidation",
     .expects = "recorded, not recorded, recorded",
     .needs = NEEDS)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	struct fx_req *r = fx_req(t, t->engine);

	expect_blocked_as(t, IOVA_B, p, FR_LGN_3, FR_LGN_2);
	fx_set(t, &r->ctx[0], r->ctx[0] | CTX_FPD);
	fx_inv(t, vtd_desc_cc_device(r->did, r->sid, 0));
	expect_blocked_silently(t, IOVA_B, p);
	fx_set(t, &r->ctx[0], r->ctx[0] & ~CTX_FPD);
	fx_inv(t, vtd_desc_cc_device(r->did, r->sid, 0));
	expect_blocked_as(t, IOVA_B, p, FR_LGN_3, FR_LGN_2);
}
