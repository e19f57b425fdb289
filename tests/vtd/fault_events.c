/*
 * Fault events (VT-d 7.2.1.3, 11.4.8): the message, its mask, its pending bit; and interrupt-remapping faults beside
 * those of DMA.
 *
 * A message is ordered ahead of the completion of a later read of the unit's registers (VT-d 5.1.9), so after such a
 * read it only has to travel to the processor.
 */
#include "tests/vtd/judge.h"

#define NEEDS (NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE)

#define ARRIVES_US 1000000 /* how long a message may be under way before it counts as lost */
#define QUIET_US   2000    /* how long to look for one that must not come */

static struct vtd_unit *unit(struct test *t)
{
	return t->bench->vtd;
}

static uint32_t fectl(struct test *t)
{
	return mmio_rd(&unit(t)->regs, VTD_FECTL);
}

/* Points fault events to a vector and masks or unmasks them. Legacy mode, IOVA_B refused. */
static unsigned start_events(struct test *t, bool masked)
{
	uint64_t address;
	uint32_t data;
	unsigned vector;

	(void)fx_start_mapped(t, FX_LEGACY);
	vector = irq_for(t, &address, &data);
	mmio_wr(&unit(t)->regs, VTD_FECTL, (uint32_t)FECTL_IM);
	mmio_wr(&unit(t)->regs, VTD_FEDATA, data);
	mmio_wr(&unit(t)->regs, VTD_FEADDR, (uint32_t)fld_get(BITS(31, 0), address));
	if (fld_get(BITS(63, 32), address))
		mmio_wr(&unit(t)->regs, VTD_FEUADDR, (uint32_t)fld_get(BITS(63, 32), address));
	if (!masked)
		mmio_wr(&unit(t)->regs, VTD_FECTL, 0);
	expect_eq(t, "FECTL.IP before", fectl(t) & FECTL_IP, 0);
	return vector;
}

static void refused(struct test *t)
{
	(void)try_write(t, t->engine, IOVA_B, dma_small_bytes(t, t->engine), NULL, 0);
	expect_eq(t, "PPF after a refused write", mmio_rd(&unit(t)->regs, VTD_FSTS) & FSTS_PPF, FSTS_PPF);
}

/* Exactly one message: waits for the first, then a moment for others. */
static void expect_one(struct test *t, unsigned vector)
{
	deadline_t d = deadline_in_us(ARRIVES_US);
	unsigned n = 0;

	run_extend_us(ARRIVES_US);
	while (!n && !deadline_over(&d))
		n += irq_take(vector);
	time_sleep_us(QUIET_US);
	expect_eq(t, "messages", n + irq_take(vector), 1);
}

static void expect_none(struct test *t, unsigned vector)
{
	(void)fectl(t);
	time_sleep_us(QUIET_US);
	expect_eq(t, "messages", irq_take(vector), 0);
}

TEST(flt_event,
     .id = "vtd.flt.event.message",
     .checks = "VTD-FLT-027",
     .given = "IM = 0, no fault pending, one refused write",
     .expects = "one message with FEDATA to FEADDR",
     .needs = NEEDS)
{
	unsigned vector = start_events(t, false);

	expect_none(t, vector);
	refused(t);
	expect_one(t, vector);
	expect_eq(t, "FECTL.IP", fectl(t) & FECTL_IP, 0);
}

TEST(flt_event_once,
     .id = "vtd.flt.event.not_twice",
     .checks = "VTD-FLT-028",
     .given = "IM = 0, PPF = 1 since one message, another refused write",
     .expects = "no second message",
     .needs = NEEDS)
{
	unsigned vector = start_events(t, false);

	refused(t);
	expect_one(t, vector);
	refused(t);
	expect_none(t, vector);
}

TEST(flt_event_masked,
     .id = "vtd.flt.event.masked",
     .checks = "VTD-FLT-029",
     .given = "IM = 1, one refused write",
     .expects = "IP = 1, no message",
     .needs = NEEDS)
{
	unsigned vector = start_events(t, true);

	refused(t);
	expect_eq(t, "FECTL.IP", fectl(t) & FECTL_IP, FECTL_IP);
	expect_none(t, vector);
}

TEST(flt_event_unmasked,
     .id = "vtd.flt.event.unmasking_sends",
     .checks = "VTD-FLT-030",
     .given = "IM = 1 and IP = 1 after a refused write, then IM = 0",
     .expects = "one message, IP = 0",
     .needs = NEEDS)
{
	unsigned vector = start_events(t, true);

	refused(t);
	expect_none(t, vector);
	mmio_wr(&unit(t)->regs, VTD_FECTL, 0);
	expect_one(t, vector);
	expect_eq(t, "FECTL.IP", fectl(t) & FECTL_IP, 0);
}

TEST(flt_event_serviced_masked,
     .id = "vtd.flt.event.servicing_clears_pending",
     .checks = "VTD-FLT-031",
     .given = "IM = 1 and IP = 1 after a refused write, then all status is serviced, then IM = 0",
     .expects = "IP = 0 once all is serviced, and no message when the mask goes",
     .needs = NEEDS)
{
	unsigned vector = start_events(t, true);

	refused(t);
	expect_eq(t, "FECTL.IP", fectl(t) & FECTL_IP, FECTL_IP);
	fx_faults_drop(t);
	expect_eq(t, "FECTL.IP after servicing", fectl(t) & FECTL_IP, 0);
	mmio_wr(&unit(t)->regs, VTD_FECTL, 0);
	expect_none(t, vector);
}

TEST(flt_event_again,
     .id = "vtd.flt.event.again_after_servicing",
     .checks = "VTD-FLT-032",
     .given = "IM = 0, a message, all status serviced, another refused write",
     .expects = "one more message",
     .needs = NEEDS)
{
	unsigned vector = start_events(t, false);

	refused(t);
	expect_one(t, vector);
	fx_faults_drop(t);
	expect_none(t, vector);
	refused(t);
	expect_one(t, vector);
}

/* ---- beside interrupt remapping ---- */

/* Interrupt remapping on, with a table of 256 entries of which none is present. */
static void remapping_on(struct test *t)
{
	struct page *irt = page_alloc(t, PAGE_BYTES, 0);

	must(t, vtd_set_irt(unit(t), irt->pa, 8, false), "setting the interrupt table");
	must(t, vtd_gcmd_set(unit(t), (uint32_t)GCMD_IRE), "turning interrupt remapping on");
}

TEST(flt_event_not_remapped,
     .id = "vtd.flt.event.not_remapped",
     .checks = "VTD-FLT-034",
     .given = "interrupt remapping on, no entry present, CFIS = 0; FEADDR in compatibility format, one refused write",
     .expects = "the message arrives",
     .needs = NEEDS | NEED_QI | NEED_IR)
{
	unsigned vector = start_events(t, false);

	remapping_on(t);
	refused(t);
	expect_one(t, vector);
}

TEST(flt_event_x2apic,
     .id = "vtd.flt.event.wide_destination",
     .checks = "VTD-FLT-038",
     .given = "a processor whose x2APIC id needs more than 8 bits",
     .expects = "FEUADDR takes its upper bits and the message arrives",
     .needs = NEEDS | NEED_IR)
{
	if (!unit(t)->caps.eim)
		skip(t, "ECAP.EIM = 0");
	skip_unreached(t, "messages can be taken by the boot processor alone, whose id is small");
}

TEST(flt_shared_records,
     .id = "vtd.flt.record.interrupt_and_dma",
     .checks = "VTD-FLT-036",
     .given = "a refused write, then a message whose interrupt entry is absent, each taken before the next",
     .expects = "both are in the fault records: reason 05h, then 22h",
     .needs = NEEDS | NEED_QI | NEED_IR | NEED_ENGINE_MSI)
{
	/* Remappable format: handle 5, no subhandle. */
	const uint64_t address = UINT64_C(0xfee00010) | FLD(BITS(19, 5), 5);
	struct vtd_fault f;

	(void)fx_start_mapped(t, FX_LEGACY);
	remapping_on(t);
	refused(t);
	expect_fault(t, FR_LGN_2, t->engine, IOVA_B, true);
	run_extend_us(t->engine->caps.usual_us);
	must(t, t->engine->ops->msi(t->engine, address, 0), "sending a message");
	if (vtd_fault_pop(unit(t), &f) != OK) {
		fail(t, "fault 0x22", "no fault record");
		return;
	}
	expect_eq(t, "FR", f.fr, FR_IR_ABSENT);
	expect_eq(t, "SID", f.sid, t->engine->dev->addr.sid);
	expect_no_fault(t);
}
