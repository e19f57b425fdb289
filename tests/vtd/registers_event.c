/*
 * Registers that hold what is written: pointers that wait to be latched, queue registers, event messages (VT-d 11.4).
 *
 * All with the queue off and no event pending, so that nothing starts; the harness sets every register anew.
 */
#include "tests/vtd/fixture.h"
#include <string.h>

static const struct vtd_caps *caps_of(struct test *t)
{
	return &t->bench->vtd->caps;
}

/* What makes a register or a bit of it exist: a test of one that does not is skipped. */
enum gate { GATE_NONE, GATE_QI, GATE_IR, GATE_PRS, GATE_EIM, GATE_NO_EIM, GATE_QI_EIM, GATE_QI_NO_EIM, GATE_PRS_EIM };

static void pass_gate(struct test *t, enum gate g)
{
	const struct vtd_caps *c = caps_of(t);

	if ((g == GATE_QI || g == GATE_QI_EIM || g == GATE_QI_NO_EIM) && !c->qi)
		skip(t, "ECAP.QI = 0");
	if (g == GATE_IR && !c->ir)
		skip(t, "ECAP.IR = 0");
	if ((g == GATE_PRS || g == GATE_PRS_EIM) && !c->prs)
		skip(t, "ECAP.PRS = 0");
	if ((g == GATE_EIM || g == GATE_QI_EIM || g == GATE_PRS_EIM) && !c->eim)
		skip(t, "ECAP.EIM = 0");
	if ((g == GATE_NO_EIM || g == GATE_QI_NO_EIM) && c->eim)
		skip(t, "ECAP.EIM = 1");
}

static uint64_t rd(struct test *t, uint32_t off, bool wide)
{
	const mmio_t *m = &t->bench->vtd->regs;

	return wide ? mmio_rd(m, (reg64_t){ off }) : mmio_rd(m, (reg32_t){ off });
}

static void wr(struct test *t, uint32_t off, bool wide, uint64_t v)
{
	const mmio_t *m = &t->bench->vtd->regs;

	if (wide)
		mmio_wr(m, (reg64_t){ off }, v);
	else
		mmio_wr(m, (reg32_t){ off }, (uint32_t)(v & UINT32_MAX));
}

/* ---- bits that hold what is written ---- */

struct held {
	const char *what;
	uint32_t off;
	bool wide, to_haw; /* to_haw: the field ends at the host address width */
	enum gate gate;
	uint64_t mask, keep; /* keep: bits that every write sets */
};

static const struct held helds[] = {
	{ "RTADDR bits that were written", 0x020, true, true, GATE_NONE, BITS(63, 10), 0 },
	{ "IRTA.S and base as written", 0x0b8, true, true, GATE_IR, IRTA_IRTA | IRTA_S, 0 },
	{ "IQA.QS and base as written", 0x090, true, true, GATE_QI, IQA_IQA | IQA_QS, 0 },
	{ "FECTL.IM as written", 0x038, false, false, GATE_NONE, FECTL_IM, 0 },
	{ "FEDATA bits 7:0 as written", 0x03c, false, false, GATE_NONE, BITS(7, 0), 0 },
	{ "FEADDR bits 31:2 as written", 0x040, false, false, GATE_NONE, BITS(31, 2), 0 },
	{ "FEUADDR as written", 0x044, false, false, GATE_EIM, BITS(31, 0), 0 },
	{ "IEDATA bits 7:0 as written", 0x0a4, false, false, GATE_QI, BITS(7, 0), 0 },
	{ "IEADDR bits 31:2 as written", 0x0a8, false, false, GATE_QI, BITS(31, 2), 0 },
	{ "IEUADDR as written", 0x0ac, false, false, GATE_QI_EIM, BITS(31, 0), 0 },
	{ "PEDATA bits 7:0 as written", 0x0e4, false, false, GATE_PRS, BITS(7, 0), 0 },
	{ "PEADDR bits 31:2 as written", 0x0e8, false, false, GATE_PRS, BITS(31, 2), 0 },
	{ "PEUADDR as written", 0x0ec, false, false, GATE_PRS_EIM, BITS(31, 0), 0 },
	{ "PQH as written", 0x0c0, true, false, GATE_PRS, PQH_HEAD, 0 },
	{ "PQT as written", 0x0c8, true, false, GATE_PRS, PQT_TAIL, 0 },
	{ "PQA.PQS and base as written", 0x0d0, true, true, GATE_PRS, PQA_PQA | PQA_PQS, 0 },
};

static void holds(struct test *t)
{
	const struct held *h = &helds[t->desc->arg];
	uint64_t mask = h->mask;
	bool good = true;

	pass_gate(t, h->gate);
	if (h->to_haw)
		mask &= BITS(t->bench->vtd->haw_bits - 1, 0);
	for (uint64_t bits = mask; bits && good; bits &= bits - 1) {
		wr(t, h->off, h->wide, LOWBIT(bits));
		good = expect_eq(t, h->what, rd(t, h->off, h->wide) & mask, LOWBIT(bits));
	}
	wr(t, h->off, h->wide, mask);
	if (good && expect_eq(t, h->what, rd(t, h->off, h->wide) & mask, mask)) {
		wr(t, h->off, h->wide, 0);
		expect_eq(t, h->what, rd(t, h->off, h->wide) & mask, 0);
	}
	wr(t, h->off, h->wide, h->mask == FECTL_IM ? FECTL_IM : 0);
}

#define HOLDS_ROW(name_, row_, arg_) \
	{ .id = "vtd.reg." name_ ".holds", .checks = row_, .given = "each bit alone, all, none written", \
	  .expects = "reads back as written", .needs = NEED_VTD, .arg = (arg_), .body = holds }

TEST_TABLE(registers_hold,
	   HOLDS_ROW("rtaddr", "VTD-REG-021", 0), HOLDS_ROW("irta", "VTD-REG-023", 1),
	   HOLDS_ROW("iqa", "VTD-REG-026", 2),
	   HOLDS_ROW("fectl_im", "VTD-REG-035", 3), HOLDS_ROW("fedata", "VTD-REG-038", 4),
	   HOLDS_ROW("feaddr", "VTD-REG-039", 5), HOLDS_ROW("feuaddr", "VTD-REG-040", 6),
	   HOLDS_ROW("iedata", "VTD-REG-042", 7), HOLDS_ROW("ieaddr", "VTD-REG-043", 8),
	   HOLDS_ROW("ieuaddr", "VTD-REG-044", 9), HOLDS_ROW("pedata", "VTD-REG-046", 10),
	   HOLDS_ROW("peaddr", "VTD-REG-047", 11), HOLDS_ROW("peuaddr", "VTD-REG-048", 12),
	   HOLDS_ROW("pqh", "VTD-REG-064", 13), HOLDS_ROW("pqt", "VTD-REG-065", 14),
	   HOLDS_ROW("pqa", "VTD-REG-066", 15));

/* ---- bits that read 0 whatever is written ---- */

struct zero {
	const char *what;
	uint32_t off;
	bool wide;
	enum gate gate;
	uint64_t mask, rest; /* rest: what is written and left behind, beside ones in mask */
};

static const struct zero zeros[] = {
	{ "RTADDR bits 9:0", 0x020, true, GATE_NONE, RTADDR_RSVD, 0 },
	{ "IRTA bits 10:4", 0x0b8, true, GATE_IR, IRTA_RSVD, 0 },
	{ "IQA bits 10:3", 0x090, true, GATE_QI, IQA_RSVD, 0 },
	{ "IQT bits outside 18:4", 0x088, true, GATE_QI, ~IQT_QT, 0 },
	{ "FECTL.IP without an event", 0x038, false, GATE_NONE, FECTL_IP, FECTL_IM },
	{ "FECTL bits 29:0", 0x038, false, GATE_NONE, BITS(29, 0), FECTL_IM },
	{ "FEADDR bits 1:0", 0x040, false, GATE_NONE, BITS(1, 0), 0 },
	{ "FEUADDR", 0x044, false, GATE_NO_EIM, BITS(31, 0), 0 },
	{ "IEADDR bits 1:0", 0x0a8, false, GATE_QI, BITS(1, 0), 0 },
	{ "IEUADDR", 0x0ac, false, GATE_QI_NO_EIM, BITS(31, 0), 0 },
	{ "PQH bits outside 18:5", 0x0c0, true, GATE_PRS, ~PQH_HEAD, 0 },
	{ "PQT bits outside 18:5", 0x0c8, true, GATE_PRS, ~PQT_TAIL, 0 },
	{ "PQA bits 11:3", 0x0d0, true, GATE_PRS, BITS(11, 3), 0 },
};

static void reads_0(struct test *t)
{
	const struct zero *z = &zeros[t->desc->arg];

	pass_gate(t, z->gate);
	wr(t, z->off, z->wide, z->mask | z->rest);
	expect_eq(t, z->what, rd(t, z->off, z->wide) & z->mask, 0);
	wr(t, z->off, z->wide, z->rest);
}

#define ZERO_ROW(name_, row_, arg_) \
	{ .id = "vtd.reg." name_ ".reads_0", .checks = row_, .given = "ones are written there", .expects = "reads 0", \
	  .needs = NEED_VTD, .arg = (arg_), .body = reads_0 }

TEST_TABLE(registers_read_0,
	   ZERO_ROW("rtaddr_low", "VTD-REG-022", 0), ZERO_ROW("irta_low", "VTD-REG-024", 1),
	   ZERO_ROW("iqa_low", "VTD-REG-027", 2), ZERO_ROW("iqt_rest", "VTD-REG-031", 3),
	   ZERO_ROW("fectl_ip", "VTD-REG-036", 4), ZERO_ROW("fectl_rest", "VTD-REG-037", 5),
	   ZERO_ROW("feaddr_low", "VTD-REG-039", 6), ZERO_ROW("feuaddr_absent", "VTD-REG-041", 7),
	   ZERO_ROW("ieaddr_low", "VTD-REG-043", 8), ZERO_ROW("ieuaddr_absent", "VTD-REG-045", 9),
	   ZERO_ROW("pqh_rest", "VTD-REG-064", 10), ZERO_ROW("pqt_rest", "VTD-REG-065", 11),
	   ZERO_ROW("pqa_low", "VTD-REG-066", 12));

TEST(irta_eime,
     .id = "vtd.reg.irta_eime_absent.reads_0", .checks = "VTD-REG-025", .given = "a unit without EIM, EIME written 1",
     .expects = "EIME reads 0", .needs = NEED_VTD | NEED_IR)
{
	if (caps_of(t)->eim)
		skip(t, "ECAP.EIM = 1");
	wr(t, VTD_IRTA.off, true, IRTA_EIME);
	expect_eq(t, "IRTA.EIME", rd(t, VTD_IRTA.off, true) & IRTA_EIME, 0);
	wr(t, VTD_IRTA.off, true, 0);
}

/* ---- two halves ---- */

TEST(halves_read,
     .id = "vtd.reg.halves.read", .checks = "VTD-REG-063", .given = "CAP, ECAP, RTADDR read whole and as two DWORDs",
     .expects = "the same value", .needs = NEED_VTD)
{
	static const uint32_t offs[] = { 0x008, 0x010, 0x020 };

	wr(t, VTD_RTADDR.off, true, UINT64_C(0x0000001234567000));
	for (unsigned i = 0; i < ARRAY_LEN(offs); i++) {
		uint64_t whole = rd(t, offs[i], true);

		expect_eq(t, "lower DWORD", rd(t, offs[i], false), fld_get(BITS(31, 0), whole));
		expect_eq(t, "upper DWORD", rd(t, offs[i] + 4, false), fld_get(BITS(63, 32), whole));
	}
	wr(t, VTD_RTADDR.off, true, 0);
}

TEST(halves_write,
     .id = "vtd.reg.halves.write", .checks = "VTD-REG-063", .given = "RTADDR written as two DWORDs in either order, then read whole",
     .expects = "the value of both", .needs = NEED_VTD)
{
	wr(t, VTD_RTADDR.off, true, 0);
	wr(t, VTD_RTADDR.off, false, 0x34567000);
	wr(t, VTD_RTADDR.off + 4, false, 0x2);
	expect_eq(t, "RTADDR", rd(t, VTD_RTADDR.off, true), UINT64_C(0x234567000));
	wr(t, VTD_RTADDR.off + 4, false, 0x1);
	wr(t, VTD_RTADDR.off, false, 0x76543000);
	expect_eq(t, "RTADDR", rd(t, VTD_RTADDR.off, true), UINT64_C(0x176543000));
	wr(t, VTD_RTADDR.off, true, 0);
}

/* ---- the queue's registers ---- */

TEST(iqh_off,
     .id = "vtd.reg.iqh.off_reads_0", .checks = "VTD-REG-030", .given = "the queue was used, then turned off",
     .expects = "IQH reads 0", .needs = NEED_VTD | NEED_QI)
{
	struct vtd_unit *u = t->bench->vtd;

	must(t, vtd_queue_enable(u, 0, false), "enabling the queue");
	must(t, vtd_queue_wait(u), "a wait");
	expect_true(t, (mmio_rd(&u->regs, VTD_IQH) & IQH_QH) != 0, "IQH moved while the queue was on");
	must(t, vtd_queue_disable(u), "disabling the queue");
	expect_eq(t, "IQH with the queue off", mmio_rd(&u->regs, VTD_IQH), 0);
}

TEST(iqh_read_only,
     .id = "vtd.reg.iqh.read_only", .checks = "VTD-REG-029", .given = "ones, then zeros, are written to IQH",
     .expects = "its value stays, with the queue off and on", .needs = NEED_VTD | NEED_QI)
{
	struct vtd_unit *u = t->bench->vtd;
	uint64_t before;

	mmio_wr(&u->regs, VTD_IQH, UINT64_MAX);
	expect_eq(t, "IQH with the queue off", mmio_rd(&u->regs, VTD_IQH), 0);
	must(t, vtd_queue_enable(u, 0, false), "enabling the queue");
	must(t, vtd_queue_wait(u), "a wait");
	before = mmio_rd(&u->regs, VTD_IQH);
	mmio_wr(&u->regs, VTD_IQH, UINT64_MAX);
	expect_eq(t, "IQH after a write of ones", mmio_rd(&u->regs, VTD_IQH), before);
	mmio_wr(&u->regs, VTD_IQH, UINT64_C(0));
	expect_eq(t, "IQH after a write of zeros", mmio_rd(&u->regs, VTD_IQH), before);
}

TEST(iqercd_read_only,
     .id = "vtd.reg.iqercd.read_only", .checks = "VTD-REG-062", .given = "ones, then zeros, are written to IQERCD",
     .expects = "its value stays", .needs = NEED_VTD | NEED_QI)
{
	uint64_t before = rd(t, VTD_IQERCD.off, true);

	wr(t, VTD_IQERCD.off, true, UINT64_MAX);
	expect_eq(t, "IQERCD after a write of ones", rd(t, VTD_IQERCD.off, true), before);
	wr(t, VTD_IQERCD.off, true, 0);
	expect_eq(t, "IQERCD after a write of zeros", rd(t, VTD_IQERCD.off, true), before);
}

/* Old units ignore the bit, others take it and refuse the queue that it describes. Whatever the width, it holds waits. */
TEST(iqa_dw_absent,
     .id = "vtd.reg.iqa_dw_absent", .checks = "VTD-REG-028",
     .given = "a unit without scalable and abort mode, IQA.DW written 1",
     .expects = "DW reads 0, or the queue stops with IQE, IQEI 5", .needs = NEED_VTD | NEED_QI)
{
	struct vtd_unit *u = t->bench->vtd;
	deadline_t d = deadline_in_us(1000000);
	struct page *ring = page_alloc(t, PAGE_BYTES, 0), *status = page_alloc(t, PAGE_BYTES, 0);
	const volatile uint32_t *second = (volatile uint32_t *)(void *)status->p + 1; /* page-aligned */
	uint64_t cause;

	if (u->caps.smts || u->caps.adms)
		skip(t, "ECAP.SMTS or ADMS = 1");
	mmio_wr(&u->regs, VTD_IQT, UINT64_C(0));
	mmio_wr(&u->regs, VTD_IQA, ring->pa.v | IQA_DW);
	if (!(mmio_rd(&u->regs, VTD_IQA) & IQA_DW))
		return;
	for (unsigned i = 0; i < 2; i++)
		memcpy(ring->p + 16 * i, vtd_desc_wait(WAIT_SW, 1, pa_add(status->pa, 4 * (uint64_t)i)).q, 16);
	must(t, vtd_gcmd_set(u, GCMD_QIE), "enabling the queue");
	mmio_wr(&u->regs, VTD_IQT, UINT64_C(32));
	while (!(mmio_rd(&u->regs, VTD_FSTS) & FSTS_IQE) && !*second && !deadline_over(&d))
		;
	if (!(mmio_rd(&u->regs, VTD_FSTS) & FSTS_IQE)) {
		fail(t, "the queue stops with FSTS.IQE", *second ? "it takes 128-bit descriptors" : "it does not");
		must(t, vtd_gcmd_clear(u, GCMD_QIE), "disabling the queue");
		return;
	}
	cause = fld_get(IQERCD_IQEI, mmio_rd(&u->regs, VTD_IQERCD));
	if (cause != IQEI_NONE) /* of a unit older than IQERCD */
		expect_eq(t, "IQERCD.IQEI", cause, IQEI_WIDTH);
	mmio_wr(&u->regs, VTD_IQT, UINT64_C(0));
	mmio_ack(&u->regs, VTD_FSTS, FSTS_IQE);
}
