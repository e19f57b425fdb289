/*
 * How fault records are filled, kept and lost (VT-d 7.2.1).
 *
 * A unit may drop a fault of a requester that has a record already, so records are filled by different requesters.
 */
#include "tests/vtd/judge.h"

#define NEEDS (NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE)
#define SLOW_US 10000

static struct vtd_unit *unit(struct test *t)
{
	return t->bench->vtd;
}

static uint32_t fsts(struct test *t, uint64_t bits)
{
	return mmio_rd(&unit(t)->regs, VTD_FSTS) & (uint32_t)bits;
}

static unsigned valid_records(struct test *t)
{
	unsigned n = 0;

	for (unsigned i = 0; i < unit(t)->caps.fault_records_n; i++)
		n += vtd_fault_read(unit(t), i).f;
	return n;
}

/* One refused write by requester i of the fixture. */
static void refused_by(struct test *t, unsigned i)
{
	struct engine *e = fx_of(t)->reqs[i].engine;

	(void)try_write(t, e, IOVA_B, dma_small_bytes(t, e), NULL, 0);
}

/* Legacy mode with all quick requesters that write; returns how many. Their faults at IOVA_B are recorded. */
static unsigned start_all(struct test *t)
{
	struct fx *fx = fx_start(t, FX_LEGACY);

	for (unsigned i = 0; i < t->bench->engines_n && fx->reqs_n < FX_REQS_MAX; i++) {
		struct engine *e = &t->bench->engines[i];

		if (e != t->engine && (e->caps.flags & DMA_CAN_WRITE) && e->caps.usual_us <= SLOW_US)
			fx_add(t, e);
	}
	fx_sync(t);
	if (t->engine->caps.flags & DMA_ONE_TLP)
		return fx->reqs_n;
	refused_by(t, 0);
	if (valid_records(t) > 1)
		skip_unreached(t, "one transfer of this engine is several requests, and each is recorded");
	fx_faults_drop(t);
	return fx->reqs_n;
}

static void need_records(struct test *t, unsigned n)
{
	if (unit(t)->caps.fault_records_n < n)
		skip(t, "CAP.NFR = %u", unit(t)->caps.fault_records_n - 1);
}

static void need_requesters(struct test *t, unsigned have, unsigned n)
{
	if (have < n)
		skip_unreached(t, "%u requesters, %u are needed", have, n);
}

/* ---- PPF ---- */

TEST(flt_ppf_clears,
     .id = "vtd.flt.log.last_f_clears_ppf",
     .checks = "VTD-FLT-016",
     .given = "one record, its F cleared",
     .expects = "PPF = 0",
     .needs = NEEDS)
{
	unsigned at;

	start_all(t);
	refused_by(t, 0);
	expect_eq(t, "PPF", fsts(t, FSTS_PPF), FSTS_PPF);
	at = (unsigned)fld_get(FSTS_FRI, fsts(t, FSTS_FRI)) % unit(t)->caps.fault_records_n;
	expect_eq(t, "valid records", valid_records(t), 1);
	mmio_ack(&unit(t)->regs, VTD_FRCD_ACK(&unit(t)->caps, at), FRCD_ACK_F);
	expect_eq(t, "valid records after", valid_records(t), 0);
	expect_eq(t, "PPF after", fsts(t, FSTS_PPF), 0);
	expect_eq(t, "SID of the record after", vtd_fault_read(unit(t), at).sid, fx_of(t)->reqs[0].sid);
	expect_eq(t, "reason of the record after", vtd_fault_read(unit(t), at).fr, FR_LGN_2);
}

TEST(flt_ppf_stays,
     .id = "vtd.flt.log.ppf_stays",
     .checks = "VTD-FLT-017",
     .given = "two records, F of the first cleared",
     .expects = "PPF = 1 until the second is cleared, too",
     .needs = NEEDS)
{
	const struct vtd_caps *c = &unit(t)->caps;
	unsigned first;

	need_records(t, 2);
	need_requesters(t, start_all(t), 2);
	refused_by(t, 0);
	refused_by(t, 1);
	first = (unsigned)fld_get(FSTS_FRI, fsts(t, FSTS_FRI)) % c->fault_records_n;
	expect_eq(t, "valid records", valid_records(t), 2);
	mmio_ack(&unit(t)->regs, VTD_FRCD_ACK(c, first), FRCD_ACK_F);
	expect_eq(t, "PPF with one left", fsts(t, FSTS_PPF), FSTS_PPF);
	mmio_ack(&unit(t)->regs, VTD_FRCD_ACK(c, (first + 1) % c->fault_records_n), FRCD_ACK_F);
	expect_eq(t, "PPF with none left", fsts(t, FSTS_PPF), 0);
}

/* ---- the order of records ---- */

TEST(flt_next,
     .id = "vtd.flt.log.next_record",
     .checks = "VTD-FLT-018 VTD-FLT-026",
     .given = "faults of two requesters, none taken between",
     .expects = "the second is in the next record; FRI still names the first",
     .needs = NEEDS)
{
	unsigned first, second;

	need_records(t, 2);
	need_requesters(t, start_all(t), 2);
	refused_by(t, 0);
	first = (unsigned)fld_get(FSTS_FRI, fsts(t, FSTS_FRI)) % unit(t)->caps.fault_records_n;
	refused_by(t, 1);
	second = (first + 1) % unit(t)->caps.fault_records_n;
	expect_eq(t, "FRI after the second", fld_get(FSTS_FRI, fsts(t, FSTS_FRI)), first);
	expect_eq(t, "SID of the first record", vtd_fault_read(unit(t), first).sid, fx_of(t)->reqs[0].sid);
	expect_eq(t, "F of the next record", vtd_fault_read(unit(t), second).f, 1);
	expect_eq(t, "SID of the next record", vtd_fault_read(unit(t), second).sid, fx_of(t)->reqs[1].sid);
}

TEST(flt_wrap,
     .id = "vtd.flt.log.wraps",
     .checks = "VTD-FLT-019",
     .given = "as many faults as there are records and one more, each taken before the next",
     .expects = "each is in the record behind the last; behind record NFR comes record 0",
     .needs = NEEDS)
{
	unsigned n = unit(t)->caps.fault_records_n, at = 0;
	struct vtd_fault f;

	need_records(t, 2);
	start_all(t);
	for (unsigned i = 0; i <= n; i++) {
		refused_by(t, 0);
		if (vtd_fault_pop(unit(t), &f) != OK) {
			fail(t, "a fault record", "no fault record");
			return;
		}
		if (i > 0 && !expect_eq(t, "index of the record", f.index, (at + 1) % n))
			return;
		at = f.index;
	}
}

TEST(flt_index_resets,
     .id = "vtd.flt.log.index_resets",
     .checks = "VTD-FLT-035",
     .given = "a fault, then TES = IRES = 0, then TES = 1 and another fault",
     .expects = "the second is in record 0",
     .needs = NEEDS | NEED_ENGINE_DIRECT)
{
	struct vtd_fault f;

	need_records(t, 2);
	start_all(t);
	do {
		refused_by(t, 0);
		must(t, vtd_fault_pop(unit(t), &f), "a fault record");
	} while (f.index + 1 == unit(t)->caps.fault_records_n); /* else record 0 would be next anyhow */
	fx_faults_drop(t);
	must(t, vtd_translation_off(unit(t)), "turning translation off");
	must(t, vtd_translation_on(unit(t)), "turning translation on");
	refused_by(t, 0);
	if (vtd_fault_pop(unit(t), &f) != OK)
		fail(t, "a fault record", "no fault record");
	else
		expect_eq(t, "index of the record", f.index, 0);
}

/* ---- overflow ---- */

/* True where a second fault of a requester that has a record is dropped. */
static bool collapses(struct test *t)
{
	bool dropped;

	refused_by(t, 0);
	refused_by(t, 0);
	dropped = valid_records(t) < 2;
	fx_faults_drop(t);
	return dropped;
}

/* Every record valid. Returns a requester whose next fault finds no room. */
static unsigned fill(struct test *t)
{
	unsigned have = start_all(t), n = unit(t)->caps.fault_records_n;

	if (have <= n && (n == 1 || collapses(t)))
		need_requesters(t, have, n + 1);
	for (unsigned i = 0; i < n; i++)
		refused_by(t, i % have);
	if (!expect_eq(t, "valid records", valid_records(t), n))
		give_up(t, "the fault log cannot be filled");
	expect_eq(t, "PFO with every record filled", fsts(t, FSTS_PFO), 0);
	return n % have;
}

TEST(flt_overflow,
     .id = "vtd.flt.overflow.sets_pfo",
     .checks = "VTD-FLT-020",
     .given = "every record filled, then a fault of one more requester",
     .expects = "PFO = 1",
     .needs = NEEDS)
{
	refused_by(t, fill(t));
	expect_eq(t, "PFO", fsts(t, FSTS_PFO), FSTS_PFO);
}

TEST(flt_overflow_unchanged,
     .id = "vtd.flt.overflow.records_unchanged",
     .checks = "VTD-FLT-021 VTD-FLT-025",
     .given = "every record filled, then a fault of one more requester",
     .expects = "all records as before",
     .needs = NEEDS)
{
	unsigned next = fill(t), n = unit(t)->caps.fault_records_n;
	struct vtd_fault *before = (struct vtd_fault *)(void *)page_alloc(t, n * sizeof(*before), 0)->p, now;

	for (unsigned i = 0; i < n; i++)
		before[i] = vtd_fault_read(unit(t), i);
	refused_by(t, next);
	for (unsigned i = 0; i < n; i++) {
		now = vtd_fault_read(unit(t), i);
		expect_eq(t, "low quadword of a record", now.raw[0], before[i].raw[0]);
		expect_eq(t, "high quadword of a record", now.raw[1], before[i].raw[1]);
	}
}

/* Overflown, then all F cleared, but not PFO. Returns the requester that has no record. */
static unsigned overflown(struct test *t)
{
	unsigned next = fill(t);

	refused_by(t, next);
	for (unsigned i = 0; i < unit(t)->caps.fault_records_n; i++)
		mmio_ack(&unit(t)->regs, VTD_FRCD_ACK(&unit(t)->caps, i), FRCD_ACK_F);
	expect_eq(t, "PFO with all records free", fsts(t, FSTS_PFO), FSTS_PFO);
	expect_eq(t, "PPF with all records free", fsts(t, FSTS_PPF), 0);
	return next;
}

TEST(flt_overflow_blocks,
     .id = "vtd.flt.overflow.blocks_logging",
     .checks = "VTD-FLT-022",
     .given = "PFO = 1, all records free, a refused write",
     .expects = "no record",
     .needs = NEEDS)
{
	refused_by(t, overflown(t));
	expect_eq(t, "valid records", valid_records(t), 0);
	expect_eq(t, "PPF", fsts(t, FSTS_PPF), 0);
}

TEST(flt_overflow_resumes,
     .id = "vtd.flt.overflow.clearing_resumes",
     .checks = "VTD-FLT-023",
     .given = "PFO = 1, all records free; PFO cleared, a refused write",
     .expects = "PFO = 0, one record",
     .needs = NEEDS)
{
	unsigned next = overflown(t);

	mmio_ack(&unit(t)->regs, VTD_FSTS, FSTS_PFO);
	expect_eq(t, "PFO after it was cleared", fsts(t, FSTS_PFO), 0);
	refused_by(t, next);
	expect_fault(t, FR_LGN_2, fx_of(t)->reqs[next].engine, IOVA_B, true);
	expect_no_fault(t);
}

TEST(flt_collapse,
     .id = "vtd.flt.log.same_requester",
     .checks = "VTD-FLT-024",
     .given = "three faults of one requester, none taken between",
     .expects = "at least one record, and all of them of this requester and page",
     .needs = NEEDS)
{
	start_all(t);
	for (unsigned i = 0; i < 3; i++)
		refused_by(t, 0);
	expect_fault(t, FR_LGN_2, t->engine, IOVA_B, true);
	fx_faults_drop(t); /* PFO may be set: units need not collapse */
}
