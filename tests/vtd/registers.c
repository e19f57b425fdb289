/*
 * Registers at rest: what CAP and ECAP promise together, which bits can be written, which read 0 (VT-d 11.4).
 *
 * Only values that start nothing are written: the queue is off, and no pointer is latched.
 */
#include "tests/vtd/fixture.h"

static const struct vtd_caps *caps_of(struct test *t)
{
	return &t->bench->vtd->caps;
}

static const mmio_t *regs_of(struct test *t)
{
	return &t->bench->vtd->regs;
}

/* ---- read-only ---- */

static void read_only(struct test *t)
{
	static const struct { const char *what; uint32_t off; bool wide; } cases[] = {
		{ "VER after a write of ones", 0x000, false }, { "CAP after a write of ones", 0x008, true },
		{ "ECAP after a write of ones", 0x010, true }, { "GSTS after a write of ones", 0x01c, false },
	};
	const mmio_t *m = regs_of(t);
	uint32_t off = cases[t->desc->arg].off;
	uint64_t before;

	if (cases[t->desc->arg].wide) {
		before = mmio_rd(m, (reg64_t){ off });
		mmio_wr(m, (reg64_t){ off }, UINT64_MAX);
		expect_eq(t, cases[t->desc->arg].what, mmio_rd(m, (reg64_t){ off }), before);
		mmio_wr(m, (reg64_t){ off }, UINT64_C(0));
		expect_eq(t, "the same after a write of zeros", mmio_rd(m, (reg64_t){ off }), before);
	} else {
		before = mmio_rd(m, (reg32_t){ off });
		mmio_wr(m, (reg32_t){ off }, UINT32_MAX);
		expect_eq(t, cases[t->desc->arg].what, mmio_rd(m, (reg32_t){ off }), before);
		mmio_wr(m, (reg32_t){ off }, 0u);
		expect_eq(t, "the same after a write of zeros", mmio_rd(m, (reg32_t){ off }), before);
	}
}

#define RO_ROW(name_, row_, arg_) \
	{ .id = "vtd.reg." name_ ".read_only", .checks = row_, .given = "ones, then zeros, are written to " name_, \
	  .expects = "its value stays", .needs = NEED_VTD, .arg = (arg_), .body = read_only }

TEST_TABLE(registers_read_only,
	   RO_ROW("ver", "VTD-REG-002", 0), RO_ROW("cap", "VTD-REG-003", 1), RO_ROW("ecap", "VTD-REG-004", 2),
	   RO_ROW("gsts", "VTD-REG-020", 3));

/* ---- CAP and ECAP ---- */

TEST(ver_sane,
     .id = "vtd.reg.ver.sane", .checks = "VTD-REG-001", .given = "VER as read",
     .expects = "major at least 1, bits 31:8 = 0", .needs = NEED_VTD)
{
	uint32_t ver = mmio_rd(regs_of(t), VTD_VER);

	expect_true(t, fld_get(VER_MAJOR, ver) >= 1, "VER.major at least 1");
	expect_eq(t, "VER bits 31:8", fld_get(BITS(31, 8), ver), 0);
}

TEST(cap_nd,
     .id = "vtd.reg.cap.nd", .checks = "VTD-REG-006", .given = "CAP as read", .expects = "ND is not 7",
     .needs = NEED_VTD)
{
	expect_true(t, fld_get(CAP_ND, caps_of(t)->cap) != 7, "CAP.ND below 7");
}

static void cap_zero(struct test *t)
{
	static const struct { const char *what; uint64_t mask; } cases[] = {
		{ "CAP reserved bits 15:13, 38, 58:57", CAP_RSVD_13 | CAP_RSVD_38 | CAP_RSVD_57 },
		{ "CAP.SAGAW bits 8 and 12", BIT(8) | BIT(12) },
		{ "CAP.SSLPS bits 36 and 37", BITS(37, 36) },
	};

	expect_eq(t, cases[t->desc->arg].what, caps_of(t)->cap & cases[t->desc->arg].mask, 0);
}

TEST_TABLE(cap_zero_bits,
	   { .id = "vtd.reg.cap.reserved", .checks = "VTD-REG-005", .given = "CAP as read",
	     .expects = "reserved bits 0",
	     .needs = NEED_VTD, .arg = 0, .body = cap_zero },
	   { .id = "vtd.reg.cap.sagaw_reserved", .checks = "VTD-REG-007", .given = "CAP as read",
	     .expects = "reserved bits of SAGAW 0", .needs = NEED_VTD, .arg = 1, .body = cap_zero },
	   { .id = "vtd.reg.cap.sslps_reserved", .checks = "VTD-REG-009", .given = "CAP as read",
	     .expects = "reserved bits of SSLPS 0", .needs = NEED_VTD, .arg = 2, .body = cap_zero });

TEST(cap_sagaw_some,
     .id = "vtd.reg.cap.sagaw_some", .checks = "VTD-REG-008",
     .given = "a unit that offers second-stage translation", .expects = "SAGAW names a width", .needs = NEED_VTD)
{
	/* Legacy mode has no other kind of translation; only a unit of scalable mode can do without. */
	if (caps_of(t)->smts && !caps_of(t)->ssts && !caps_of(t)->sagaw)
		skip(t, "ECAP.SSTS = 0");
	expect_true(t, (caps_of(t)->cap & (CAP_SAGAW_39 | CAP_SAGAW_48 | CAP_SAGAW_57)) != 0,
		    "CAP.SAGAW names a width");
}

/* Where any bit of the first is set, all bits of the second are. */
static void cap_implies(struct test *t)
{
	static const struct {
		const char *absent, *what;
		uint64_t cap, ecap, then_cap, then_ecap;
	} cases[] = {
		{ "CAP.SSLPS has no 1 GiB", "SSLPS has 2 MiB where it has 1 GiB", CAP_SSLPS_1G, 0, CAP_SSLPS_2M, 0 },
		{ "ECAP.DT, IR, SMTS = 0", "QI = 1 where DT, IR or SMTS is 1",
		  0, ECAP_DT | ECAP_IR | ECAP_SMTS, 0, ECAP_QI },
		{ "ECAP.EIM = CAP.PI = 0", "IR = 1 where EIM or PI is 1", CAP_PI, ECAP_EIM, 0, ECAP_IR },
		{ "ECAP.PRS = 0", "DT = 1 where PRS is 1", 0, ECAP_PRS, 0, ECAP_DT },
		{ "ECAP.SMTS = 0", "DWD = DRD = 1 where SMTS is 1", 0, ECAP_SMTS, CAP_DWD | CAP_DRD, 0 },
		{ "CAP.FS1GP = FS5LP = 0", "FSTS = 1 where FS1GP or FS5LP is 1",
		  CAP_FS1GP | CAP_FS5LP, 0, 0, ECAP_FSTS },
	};
	const struct vtd_caps *c = caps_of(t);
	uint64_t i = t->desc->arg;

	if (!(c->cap & cases[i].cap) && !(c->ecap & cases[i].ecap))
		skip(t, "%s", cases[i].absent);
	expect_true(t, (c->cap & cases[i].then_cap) == cases[i].then_cap &&
		    (c->ecap & cases[i].then_ecap) == cases[i].then_ecap, cases[i].what);
}

#define IMPLIES_ROW(name_, row_, arg_) \
	{ .id = "vtd.reg.cap." name_, .checks = row_, .given = "CAP and ECAP as read", \
	  .expects = "no capability without those that it needs", .needs = NEED_VTD, .arg = (arg_), \
	  .body = cap_implies }

TEST_TABLE(cap_implications,
	   IMPLIES_ROW("sslps_1g_needs_2m", "VTD-REG-010", 0), IMPLIES_ROW("qi_needed", "VTD-REG-013", 1),
	   IMPLIES_ROW("ir_needed", "VTD-REG-014", 2), IMPLIES_ROW("dt_needed", "VTD-REG-015", 3),
	   IMPLIES_ROW("smts_drains", "VTD-REG-016", 4), IMPLIES_ROW("fsts_needed", "VTD-REG-018", 5));

TEST(cap_smts_needed,
     .id = "vtd.reg.cap.smts_needed", .checks = "VTD-REG-017", .given = "a unit without scalable mode",
     .expects = "SMPWCS, SSTS, FSTS and RPS read 0", .needs = NEED_VTD)
{
	if (caps_of(t)->smts)
		skip(t, "ECAP.SMTS = 1");
	expect_eq(t, "ECAP.SMPWCS, SSTS, FSTS, RPS",
		  caps_of(t)->ecap & (ECAP_SMPWCS | ECAP_SSTS | ECAP_FSTS | ECAP_RPS), 0);
}

/* ---- where registers lie ---- */

struct span { const char *what; uint32_t from, to; bool there; };

static bool overlap(struct span a, struct span b)
{
	return a.from < b.to && b.from < a.to;
}

static struct span records(const struct vtd_caps *c)
{
	return (struct span){ "FRCD", c->fro_bytes, c->fro_bytes + 16 * c->fault_records_n, true };
}

static struct span iotlb_registers(const struct vtd_caps *c)
{
	return (struct span){ "IVA and IOTLB", c->iro_bytes, c->iro_bytes + 16, c->rbi };
}

TEST(frcd_apart,
     .id = "vtd.reg.frcd.apart", .checks = "VTD-REG-011", .given = "CAP.FRO and NFR as read",
     .expects = "fault records lie on no other register", .needs = NEED_VTD)
{
	const struct vtd_caps *c = caps_of(t);
	const struct span spans[] = {
		{ "VER to FEUADDR", 0x000, 0x048, true }, { "AFLOG", 0x058, 0x060, c->afl },
		{ "PMEN to PHMLIMIT", 0x064, 0x080, true }, { "IQH to IQERCD", 0x080, 0x0b8, c->qi },
		{ "IRTA", 0x0b8, 0x0c0, c->ir }, { "PQH to PEUADDR", 0x0c0, 0x0f0, c->prs },
		{ "the MTRRs", 0x100, 0x220, c->mts }, { "PERFCAP to PERFINTRUADDR", 0x300, 0x338, c->pms },
		{ "the enhanced commands", 0x400, 0x450, c->ecmds }, { "the virtual commands", 0xe00, 0xe38, c->vcs },
	};

	for (unsigned i = 0; i < ARRAY_LEN(spans); i++)
		if (spans[i].there && overlap(spans[i], records(c)))
			fail(t, "fault records lie on no other register", "they lie on %s", spans[i].what);
}

TEST(frcd_apart_from_iro,
     .id = "vtd.reg.frcd.apart_from_iro", .checks = "VTD-REG-012", .given = "CAP.FRO, NFR and ECAP.IRO as read",
     .expects = "fault records do not lie on IVA and IOTLB", .needs = NEED_VTD)
{
	if (!caps_of(t)->rbi)
		skip(t, "VER.major at least 6: no IVA and IOTLB registers");
	expect_true(t, !overlap(iotlb_registers(caps_of(t)), records(caps_of(t))), "FRCD and IVA, IOTLB lie apart");
}

/* ---- registers of absent capabilities ---- */

static void absent_reads_0(struct test *t)
{
	const struct vtd_caps *c = caps_of(t);
	const struct { const char *present; bool there; struct span s; } cases[] = {
		{ "ECAP.QI = 1", c->qi, { "IQH to IQERCD", 0x080, 0x0b8, true } },
		{ "ECAP.IR = 1", c->ir, { "IRTA", 0x0b8, 0x0c0, true } },
		{ "ECAP.PRS = 1", c->prs, { "PQH to PEUADDR", 0x0c0, 0x0f0, true } },
		{ "ECAP.PMS = 1", c->pms, { "PERFCAP", 0x300, 0x308, true } },
		{ "ECAP.MTS = 1", c->mts, { "MTRRCAP", 0x100, 0x108, true } },
	};
	uint64_t i = t->desc->arg;

	if (cases[i].there)
		skip(t, "%s", cases[i].present);
	if (overlap(cases[i].s, records(c)) || (c->rbi && overlap(cases[i].s, iotlb_registers(c))))
		skip(t, "other registers lie there");
	for (uint32_t off = cases[i].s.from; off < cases[i].s.to; off += 4)
		if (!expect_eq(t, cases[i].s.what, mmio_rd(regs_of(t), (reg32_t){ off }), 0))
			return;
}

#define ABSENT_ROW(name_, row_, arg_) \
	{ .id = "vtd.reg.absent." name_, .checks = row_, .given = "a unit without that capability", \
	  .expects = "its registers read 0", .needs = NEED_VTD, .arg = (arg_), .body = absent_reads_0 }

TEST_TABLE(absent_registers,
	   ABSENT_ROW("queue", "VTD-REG-050", 0), ABSENT_ROW("irta", "VTD-REG-051", 1),
	   ABSENT_ROW("page_requests", "VTD-REG-049", 2), ABSENT_ROW("perfcap", "VTD-REG-067", 3),
	   ABSENT_ROW("mtrrcap", "VTD-REG-068", 4));

TEST(pmen_absent,
     .id = "vtd.reg.absent.pmen", .checks = "VTD-REG-052", .given = "a unit without protected memory, EPM written 1",
     .expects = "PMEN reads 0", .needs = NEED_VTD)
{
	const mmio_t *m = regs_of(t);

	if (caps_of(t)->plmr || caps_of(t)->phmr)
		skip(t, "CAP.PLMR or PHMR = 1");
	expect_eq(t, "PMEN", mmio_rd(m, VTD_PMEN), 0);
	mmio_wr(m, VTD_PMEN, (uint32_t)PMEN_EPM);
	expect_eq(t, "PMEN after EPM was written 1", mmio_rd(m, VTD_PMEN), 0);
	mmio_wr(m, VTD_PMEN, 0u);
}
