/*
 * Register-based invalidation: CCMD, IVA and IOTLB (VT-d 6.5.1, 11.4.6, 11.4.8). Only while the queue is off, context
 * commands only in legacy mode, and only on units with VER.major below 6.
 */
#include "drivers-iommu/vtd/rbi.h"
#include "tests/vtd/stale.h"

/* Legacy mode with the queue off. */
static struct vtd_unit *start(struct test *t)
{
	struct vtd_unit *u = t->bench->vtd;

	if (!u->caps.rbi)
		skip(t, "VER.major at least 6: no registers to invalidate by");
	fx_start(t, FX_LEGACY);
	if (u->caps.qi)
		must(t, vtd_queue_disable(u), "disabling the queue");
	return u;
}

/* Carried out: what was asked for, or something coarser, where smaller codes are coarser. */
static void expect_done(struct test *t, enum status s, const char *what, unsigned done, unsigned asked)
{
	if (!expect_true(t, s == OK, "the go bit clears"))
		return;
	if (asked == RBI_REFUSED || asked == RBI_GLOBAL)
		expect_eq(t, what, done, asked);
	else if (done == RBI_REFUSED || done > asked)
		fail(t, "done as asked, or coarser", "%s = 0x%x", what, done);
}

static const uint64_t ccmds[] = {
	FLD(CCMD_CIRG, RBI_GLOBAL), FLD(CCMD_CIRG, RBI_DOMAIN) | FLD(CCMD_DID, 1),
	FLD(CCMD_CIRG, RBI_DEVICE) | FLD(CCMD_DID, 1) | FLD(CCMD_SID, 8), FLD(CCMD_CIRG, 0) | FLD(CCMD_DID, 1),
};

static void context(struct test *t)
{
	struct vtd_unit *u = start(t);
	uint64_t ccmd = ccmds[t->desc->arg];
	unsigned done = RBI_REFUSED;
	enum status s = vtd_rbi_context(u, ccmds[0], &done); /* so that CAIG has a value to change from */

	expect_done(t, s, "CCMD.CAIG of a global request", done, RBI_GLOBAL);
	s = vtd_rbi_context(u, ccmd, &done);
	expect_done(t, s, "CCMD.CAIG", done, (unsigned)fld_get(CCMD_CIRG, ccmd));
}

#define CONTEXT_ROW(name_, row_, arg_, expects_) \
	{ .id = "vtd.rbi.context." name_, .checks = row_, .given = "CCMD written with ICC, queue off", \
	  .expects = expects_, \
	  .needs = NEED_VTD, .arg = (arg_), .body = context }

TEST_TABLE(rbi_context,
	   CONTEXT_ROW("global", "VTD-RBI-001", 0, "ICC clears, CAIG = 01"),
	   CONTEXT_ROW("domain", "VTD-RBI-002", 1, "ICC clears, CAIG = 10 or 01"),
	   CONTEXT_ROW("device", "VTD-RBI-003", 2, "ICC clears, CAIG not 00"),
	   CONTEXT_ROW("reserved", "VTD-RBI-004", 3, "ICC clears, CAIG = 00"));

TEST(rbi_halves,
     .id = "vtd.rbi.context.halves", .checks = "VTD-RBI-005",
     .given = "CCMD.CAIG = 00 from a refused request; the lower DWORD is written, then the upper one with ICC",
     .expects = "the lower one starts nothing, the upper one does", .needs = NEED_VTD)
{
	struct vtd_unit *u = start(t);
	reg32_t low = { VTD_CCMD.off }, high = { VTD_CCMD.off + 4 };
	uint64_t after;

	must(t, vtd_rbi_context(u, ccmds[3], NULL), "a refused request");
	mmio_wr(&u->regs, high, (uint32_t)fld_get(BITS(63, 32), ccmds[0]));
	mmio_wr(&u->regs, low, UINT32_MAX);
	after = mmio_rd(&u->regs, VTD_CCMD);
	expect_eq(t, "CCMD.ICC after a write of the lower half", after & CCMD_ICC, 0);
	expect_eq(t, "CCMD.CAIG after a write of the lower half", fld_get(CCMD_CAIG, after), 0);
	mmio_wr(&u->regs, low, 0u);
	mmio_wr(&u->regs, high, (uint32_t)fld_get(BITS(63, 32), ccmds[0] | CCMD_ICC));
	for (deadline_t d = deadline_in_us(1000000); !deadline_over(&d);)
		if (!(mmio_rd(&u->regs, VTD_CCMD) & CCMD_ICC))
			break;
	after = mmio_rd(&u->regs, VTD_CCMD);
	expect_eq(t, "CCMD.ICC after a write of both", after & CCMD_ICC, 0);
	expect_eq(t, "CCMD.CAIG after a write of both", fld_get(CCMD_CAIG, after), RBI_GLOBAL);
}

/* arg: IOTLB, not CCMD. Registers are no way in while the queue is on (VT-d 6.5.1). */
static void queue_on(struct test *t)
{
	struct vtd_unit *u = t->bench->vtd;
	uint64_t seen;

	if (!u->caps.rbi)
		skip(t, "VER.major at least 6: no registers to invalidate by");
	fx_start(t, FX_LEGACY);
	if (t->desc->arg) {
		mmio_wr(&u->regs, VTD_IOTLB(&u->caps), FLD(IOTLB_IIRG, RBI_GLOBAL) | IOTLB_IVT);
		seen = mmio_rd(&u->regs, VTD_IOTLB(&u->caps));
		expect_eq(t, "IOTLB.IVT", seen & IOTLB_IVT, 0);
		expect_eq(t, "IOTLB.IAIG", fld_get(IOTLB_IAIG, seen), RBI_REFUSED);
	} else {
		mmio_wr(&u->regs, VTD_CCMD, ccmds[0] | CCMD_ICC);
		seen = mmio_rd(&u->regs, VTD_CCMD);
		expect_eq(t, "CCMD.ICC", seen & CCMD_ICC, 0);
		expect_eq(t, "CCMD.CAIG", fld_get(CCMD_CAIG, seen), RBI_REFUSED);
	}
}

TEST_TABLE(rbi_queue_on,
	   { .id = "vtd.model.rbi.context_queue_on", .given = "CCMD written with ICC, queue on", .flags = TEST_MODEL,
	     .expects = "ICC clears, CAIG = 00", .needs = NEED_VTD | NEED_QI, .arg = 0, .body = queue_on },
	   { .id = "vtd.model.rbi.iotlb_queue_on", .given = "IOTLB written with IVT, queue on", .flags = TEST_MODEL,
	     .expects = "IVT clears, IAIG = 00", .needs = NEED_VTD | NEED_QI, .arg = 1, .body = queue_on });

/* ---- IOTLB ---- */

static const struct { uint64_t iotlb; bool page, too_many; } iotlbs[] = {
	{ FLD(IOTLB_IIRG, RBI_GLOBAL), false, false },
	{ FLD(IOTLB_IIRG, RBI_DOMAIN) | FLD(IOTLB_DID, 1), false, false },
	{ FLD(IOTLB_IIRG, RBI_PAGE) | FLD(IOTLB_DID, 1), true, true },
	{ FLD(IOTLB_IIRG, 0) | FLD(IOTLB_DID, 1), false, false },
};

static void iotlb(struct test *t)
{
	struct vtd_unit *u = start(t);
	uint64_t iva = 0, asked = iotlbs[t->desc->arg].iotlb;
	unsigned done = RBI_REFUSED, expected = (unsigned)fld_get(IOTLB_IIRG, asked);
	enum status s = vtd_rbi_iotlb(u, 0, iotlbs[0].iotlb, &done);

	expect_done(t, s, "IOTLB.IAIG of a global request", done, RBI_GLOBAL);
	if (iotlbs[t->desc->arg].page && !u->caps.psi)
		skip(t, "CAP.PSI = 0");
	if (iotlbs[t->desc->arg].too_many) {
		if (u->caps.mamv == fld_get(IVA_AM, UINT64_MAX))
			skip(t, "CAP.MAMV = 63");
		s = vtd_rbi_iotlb(u, u->caps.mamv, asked, &done);
		expect_done(t, s, "IOTLB.IAIG with AM = MAMV", done, RBI_PAGE);
		iva = u->caps.mamv + 1;
		expected = RBI_REFUSED;
	}
	s = vtd_rbi_iotlb(u, iva, asked, &done);
	expect_done(t, s, "IOTLB.IAIG", done, expected);
}

#define IOTLB_ROW(name_, row_, arg_, expects_) \
	{ .id = "vtd.rbi.iotlb." name_, .checks = row_, .given = "IOTLB written with IVT, queue off", \
	  .expects = expects_, \
	  .needs = NEED_VTD, .arg = (arg_), .body = iotlb }

TEST_TABLE(rbi_iotlb,
	   IOTLB_ROW("global", "VTD-RBI-006", 0, "IVT clears, IAIG = 01"),
	   IOTLB_ROW("domain", "VTD-RBI-007", 1, "IVT clears, IAIG = 10 or 01"),
	   IOTLB_ROW("am_above_mamv", "VTD-RBI-009", 2, "IAIG = 00; not so with AM = MAMV"),
	   IOTLB_ROW("reserved", "VTD-RBI-010", 3, "IVT clears, IAIG = 00"));

/* The page moves from one piece of memory to another; the first is used before. */
static struct page *move_page(struct test *t)
{
	struct page *p = page_filled(t, 0xa5), *q = page_filled(t, 0x5a);

	fx_map_page(t, IOVA_A, p);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
	fx_map_page(t, IOVA_A, q);
	return q;
}

TEST(rbi_page,
     .id = "vtd.rbi.iotlb.page", .checks = "VTD-RBI-008",
     .given = "a page in use is mapped elsewhere; IVA names it, IOTLB asks for a page",
     .expects = "IAIG = 11 or coarser; the new page is used", .needs = NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE)
{
	struct vtd_unit *u = start(t);
	unsigned done = RBI_REFUSED;
	struct page *q;
	enum status s;

	if (!u->caps.psi)
		skip(t, "CAP.PSI = 0");
	q = move_page(t);
	must(t, vtd_write_buffer_flush(u), "flushing the write buffer");
	s = vtd_rbi_iotlb(u, IOVA_A.v, FLD(IOTLB_IIRG, RBI_PAGE) |
			  fld_set(IOTLB_DID, 0, fx_req(t, t->engine)->did), &done);
	expect_done(t, s, "IOTLB.IAIG", done, RBI_PAGE);
	expect_allowed(t, IOVA_A, q);
}

TEST(rbi_stale,
     .id = "vtd.rbi.stale_gone", .checks = "VTD-RBI-011",
     .given = "the context entry in use is changed to another table; CCMD and IOTLB, both global",
     .expects = "the new mapping is used", .needs = NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE)
{
	struct vtd_unit *u = start(t);
	struct page *p = page_filled(t, 0xa5), *q = page_filled(t, 0x5a);
	struct fx_req *r = fx_req(t, t->engine), alt;
	unsigned done;

	fx_map_page(t, IOVA_A, p);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
	alt = fx_other_space(t, r);
	fx_map(t, &alt, IOVA_A, q->pa, 1, PERM_RW, 0);
	fx_switch_space(t, r, &alt);
	must(t, vtd_write_buffer_flush(u), "flushing the write buffer");
	must(t, vtd_rbi_context(u, ccmds[0], &done), "CCMD, global");
	expect_eq(t, "CCMD.CAIG", done, RBI_GLOBAL);
	must(t, vtd_rbi_iotlb(u, 0, iotlbs[0].iotlb, &done), "IOTLB, global");
	expect_eq(t, "IOTLB.IAIG", done, RBI_GLOBAL);
	expect_allowed(t, IOVA_A, q);
}

TEST(rbi_inert,
     .id = "vtd.rbi.inert", .checks = "VTD-RBI-012", .given = "VER.major at least 6; CCMD is written with ICC",
     .expects = "nothing hangs, nothing is recorded, the queue works", .needs = NEED_VTD | NEED_QI)
{
	struct vtd_unit *u = t->bench->vtd;

	if (u->caps.rbi)
		skip(t, "VER.major below 6");
	fx_start(t, FX_LEGACY);
	mmio_wr(&u->regs, VTD_CCMD, ccmds[0] | CCMD_ICC);
	expect_eq(t, "CCMD.CAIG", fld_get(CCMD_CAIG, mmio_rd(&u->regs, VTD_CCMD)), 0);
	expect_true(t, vtd_inv_global(u) == OK, "the queue works");
	expect_no_fault(t);
}
