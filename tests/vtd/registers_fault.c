/*
 * Fault status and fault records as registers: what a write of 1 clears and what no write changes (VT-d 11.4.7,
 * 11.4.14). The faults are made by DMA to an address that nothing maps.
 */
#include "tests/vtd/judge.h"

/* A fault is pending: one refused DMA, after a positive control. The record it is in. */
static struct vtd_fault pending_fault(struct test *t)
{
	struct vtd_unit *u = t->bench->vtd;
	struct page *p = fx_start_mapped(t, FX_LEGACY);

	fx_map(t, fx_req(t, t->engine), IOVA_A, p->pa, 1, 0, 0);
	fx_sync(t);
	expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
	for (unsigned i = 0; i < u->caps.fault_records_n; i++) {
		struct vtd_fault f = vtd_fault_read(u, i);

		if (f.f)
			return f;
	}
	fail(t, "the refused write is recorded", "no record");
	skip_unreached(t, "no fault record to write to");
}

TEST(ppf_not_cleared,
     .id = "vtd.reg.fsts.ppf_not_w1c", .checks = "VTD-REG-053", .given = "a pending fault, 1 written to FSTS.PPF",
     .expects = "PPF stays 1 until F is cleared, then reads 0", .needs = NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE)
{
	struct vtd_fault f = pending_fault(t);
	struct vtd_unit *u = t->bench->vtd;

	mmio_ack(&u->regs, VTD_FSTS, FSTS_PPF);
	expect_true(t, mmio_rd(&u->regs, VTD_FSTS) & FSTS_PPF, "FSTS.PPF = 1 while a record is valid");
	mmio_ack(&u->regs, VTD_FRCD_ACK(&u->caps, f.index), FRCD_ACK_F);
	for (unsigned i = 0; i < u->caps.fault_records_n; i++) /* one transfer may be several records */
		mmio_ack(&u->regs, VTD_FRCD_ACK(&u->caps, i), FRCD_ACK_F);
	expect_true(t, !(mmio_rd(&u->regs, VTD_FSTS) & FSTS_PPF), "FSTS.PPF = 0 once no record is valid");
}

/* All records full and one fault more. Units that keep one record for each requester need as many requesters. */
static bool overflow(struct test *t, struct page *p)
{
	struct vtd_unit *u = t->bench->vtd;
	struct bench *b = t->bench;

	for (unsigned round = 0; round <= u->caps.fault_records_n; round++)
		for (unsigned i = 0; i < b->engines_n; i++) {
			struct engine *e = &b->engines[i];

			if (!(e->caps.flags & DMA_CAN_WRITE) || !(e->caps.flags & DMA_DIRECT))
				continue;
			(void)try_write(t, e, IOVA_B, max_u64(e->caps.granule_bytes, 16) & UINT32_MAX, p, 0);
			if (vtd_fault_overflow(u))
				return true;
		}
	return false;
}

TEST(pfo_cleared,
     .id = "vtd.reg.fsts.pfo_w1c", .checks = "VTD-REG-054", .given = "more faults than records, then 1 written to PFO",
     .expects = "PFO = 0", .budget_us = 3000000,
     .needs = NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)
{
	struct page *p = page_filled(t, 0xa5);
	struct vtd_unit *u;

	fx_start(t, FX_LEGACY);
	u = fx_of(t)->u;
	if (!overflow(t, p))
		skip_unreached(t, "the requesters here do not fill %u fault records", u->caps.fault_records_n);
	mmio_ack(&u->regs, VTD_FSTS, FSTS_PFO);
	expect_true(t, !vtd_fault_overflow(u), "FSTS.PFO = 0 after 1 was written to it");
}

TEST(fsts_others_kept,
     .id = "vtd.reg.fsts.others_kept", .checks = "VTD-REG-055", .given = "IQE = 1, then 1 written to PFO alone",
     .expects = "IQE stays 1; then 1 written to IQE clears it", .needs = NEED_VTD | NEED_QI)
{
	const struct vtd_desc bad = { .q = { 0 } };
	struct vtd_unit *u;

	fx_start(t, FX_LEGACY);
	u = fx_of(t)->u;
	must(t, vtd_queue_submit(u, &bad, 1), "submitting a descriptor");
	if (!expect_true(t, vtd_queue_wait(u) == ERR_IO && (mmio_rd(&u->regs, VTD_FSTS) & FSTS_IQE),
			 "FSTS.IQE = 1 after a descriptor of type 0"))
		return;
	mmio_ack(&u->regs, VTD_FSTS, FSTS_PFO);
	expect_true(t, mmio_rd(&u->regs, VTD_FSTS) & FSTS_IQE, "FSTS.IQE = 1 after a write to another bit");
	must(t, vtd_queue_recover(u), "restarting the queue");
	expect_true(t, !(mmio_rd(&u->regs, VTD_FSTS) & FSTS_IQE), "FSTS.IQE = 0 after 1 was written to it");
}

TEST(frcd_read_only,
     .id = "vtd.reg.frcd.read_only", .checks = "VTD-REG-056",
     .given = "ones, then zeros, written to all of a record but F",
     .expects = "the record stays", .needs = NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE)
{
	struct vtd_fault f = pending_fault(t);
	struct vtd_unit *u = t->bench->vtd;
	reg32_t top = { VTD_FRCD_HI(&u->caps, f.index).off + 4 };

	for (unsigned ones = 0; ones < 2; ones++) {
		mmio_wr(&u->regs, VTD_FRCD_LO(&u->caps, f.index), ones ? UINT64_MAX : UINT64_C(0));
		mmio_wr(&u->regs, ((reg32_t){ top.off - 4 }), ones ? UINT32_MAX : 0u);
		mmio_wr(&u->regs, top, ones ? (uint32_t)~FRCD_ACK_F : 0u);
		expect_eq(t, "lower half of the record", vtd_fault_read(u, f.index).raw[0], f.raw[0]);
		expect_eq(t, "upper half of the record", vtd_fault_read(u, f.index).raw[1], f.raw[1]);
	}
}

TEST(frcd_f_cleared,
     .id = "vtd.reg.frcd.f_w1c", .checks = "VTD-REG-057 VTD-REG-058",
     .given = "a pending fault; first 0, then 1 written to F by the DWORD at +12", .expects = "F stays 1, then reads 0",
     .needs = NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE)
{
	struct vtd_fault f = pending_fault(t);
	struct vtd_unit *u = t->bench->vtd;

	mmio_ack(&u->regs, VTD_FRCD_ACK(&u->caps, f.index), 0);
	expect_true(t, vtd_fault_read(u, f.index).f, "FRCD.F = 1 after a write of 0");
	mmio_ack(&u->regs, VTD_FRCD_ACK(&u->caps, f.index), FRCD_ACK_F);
	expect_true(t, !vtd_fault_read(u, f.index).f, "FRCD.F = 0 after a write of 1");
}

TEST(iwc_cleared,
     .id = "vtd.reg.ics.iwc_w1c", .checks = "VTD-REG-061",
     .given = "a wait with IF=1 done, first 0, then 1 written to IWC",
     .expects = "IWC stays 1, then reads 0", .needs = NEED_VTD | NEED_QI)
{
	struct vtd_desc w = vtd_desc_wait(WAIT_IF, 0, PA(0));
	struct vtd_unit *u;

	fx_start(t, FX_LEGACY);
	u = fx_of(t)->u;
	fx_inv(t, w);
	if (!expect_true(t, mmio_rd(&u->regs, VTD_ICS) & ICS_IWC, "ICS.IWC = 1 after a wait with IF"))
		return;
	mmio_ack(&u->regs, VTD_ICS, 0);
	expect_true(t, mmio_rd(&u->regs, VTD_ICS) & ICS_IWC, "ICS.IWC = 1 after a write of 0");
	mmio_ack(&u->regs, VTD_ICS, ICS_IWC);
	expect_true(t, !(mmio_rd(&u->regs, VTD_ICS) & ICS_IWC), "ICS.IWC = 0 after a write of 1");
}
