/*
 * A unit of the model by itself, as no driver meets it: fresh from power-on, before any root pointer, and after a warm
 * reset (VT-d 11.4). It has the configuration of the machine under test, no memory and no neighbours.
 */
#include "tests/model_machine.h"
#include "tests/test.h"

#define GSTS   0x01cu
#define GCMD   0x018u
#define FSTS   0x034u
#define FECTL  0x038u
#define ICS    0x09cu
#define IECTL  0x0a0u
#define IQERCD 0x0b0u
#define PRS    0x0dcu
#define PECTL  0x0e0u

static bool no_rd64(void *ctx, uint64_t pa, uint64_t *w, unsigned n)
{
	(void)ctx;
	(void)pa;
	(void)w;
	(void)n;
	return false;
}

static bool no_rd(void *ctx, uint64_t pa, void *buf, uint32_t bytes)
{
	(void)ctx;
	(void)pa;
	(void)buf;
	(void)bytes;
	return false;
}

static bool no_wr(void *ctx, uint64_t pa, const void *buf, uint32_t bytes)
{
	(void)ctx;
	(void)pa;
	(void)buf;
	(void)bytes;
	return false;
}

static bool no_cas64(void *ctx, uint64_t pa, uint64_t expected, uint64_t desired, uint64_t *seen)
{
	(void)ctx;
	(void)pa;
	(void)expected;
	(void)desired;
	(void)seen;
	return false;
}

static void message(void *ctx, uint64_t address, uint32_t data)
{
	(void)address;
	(void)data;
	++*(unsigned *)ctx;
}

static const struct mdl_vtd_config *config_of(struct test *t)
{
	return model_machine_unit(t->bench->machine)->st.cfg;
}

/* A fresh unit; *messages counts what it sends. */
static struct mdl_vtd *fresh(struct test *t, unsigned *messages)
{
	struct mdl_vtd *u = (struct mdl_vtd *)(void *)page_alloc(t, sizeof(*u), 0)->p; /* page-aligned */
	struct mdl_mem mem = { .rd64 = no_rd64, .rd = no_rd, .wr = no_wr, .cas64 = no_cas64 };
	struct mdl_env env = { .ctx = messages, .message = message };

	*messages = 0;
	must(t, mdl_vtd_init(u, config_of(t), &mem, &env, page_alloc(t, mdl_vtd_cache_bytes(config_of(t)), 0)->p),
	     "a unit of the model");
	return u;
}

static uint64_t rd(struct mdl_vtd *u, uint32_t off)
{
	return mdl_vtd_rd(u, off, 4);
}

static void command(struct mdl_vtd *u, uint64_t value)
{
	mdl_vtd_wr(u, GCMD, value, 4);
	for (unsigned i = 0; i < 16; i++)
		(void)rd(u, GSTS);
}

TEST(model_power_on,
     .id = "vtd.model.unit.power_on",
     .given = "a fresh unit; TE before SRTP, IRE before SIRTP, then after",
     .expects = "nothing is on, events are masked; TES and IRES stay 0 until the pointers were set",
     .needs = NEED_VTD, .flags = TEST_MODEL)
{
	const struct mdl_vtd_config *c = config_of(t);
	bool ir = (c->ecap & ECAP_IR) != 0, qi = (c->ecap & ECAP_QI) != 0, prs = (c->ecap & ECAP_PRS) != 0;
	unsigned messages;
	struct mdl_vtd *u = fresh(t, &messages);

	expect_eq(t, "GSTS", rd(u, GSTS), 0);
	expect_eq(t, "FSTS", rd(u, FSTS), 0);
	expect_eq(t, "FECTL", rd(u, FECTL), BIT(31));
	expect_eq(t, "IECTL", rd(u, IECTL), qi ? BIT(31) : 0);
	expect_eq(t, "PECTL", rd(u, PECTL), prs ? BIT(31) : 0);
	command(u, G_TE);
	expect_eq(t, "GSTS after TE without SRTP", rd(u, GSTS), 0);
	command(u, G_IRE);
	expect_eq(t, "GSTS after IRE without SIRTP", rd(u, GSTS), 0);
	command(u, G_SRTP);
	expect_eq(t, "GSTS after SRTP", rd(u, GSTS), G_SRTP);
	command(u, G_TE);
	expect_eq(t, "GSTS after SRTP and TE", rd(u, GSTS), G_SRTP | G_TE);
	command(u, G_TE | G_SIRTP);
	expect_eq(t, "GSTS after SIRTP", rd(u, GSTS), G_SRTP | G_TE | (ir ? G_SIRTP : 0));
	command(u, G_TE | G_IRE);
	expect_eq(t, "GSTS after SIRTP and IRE", rd(u, GSTS), G_SRTP | G_TE | (ir ? G_SIRTP | G_IRE : 0));
	command(u, G_TE | G_IRE | G_CFI);
	expect_eq(t, "GSTS after CFI", rd(u, GSTS), G_SRTP | G_TE | (ir ? G_SIRTP | G_IRE | G_CFI : 0));
	if (!qi) {
		command(u, G_TE | G_QIE);
		expect_eq(t, "GSTS.QIES without QI", rd(u, GSTS) & G_QIE, 0);
	}
}

TEST(model_warm_reset,
     .id = "vtd.model.unit.warm_reset",
     .given = "a unit with a fault, a queue error, events unmasked, pointers set; a warm reset",
     .expects = "FSTS, FRCD and IQERCD stay, all else is as after power-on",
     .needs = NEED_VTD, .flags = TEST_MODEL)
{
	const struct mdl_vtd_config *c = config_of(t);
	struct mdl_request rq = { .sid = 0x1234, .access = MDL_WRITE, .bytes = 4, .address = 0x5000 };
	bool qi = (c->ecap & ECAP_QI) != 0, prs = (c->ecap & ECAP_PRS) != 0;
	unsigned messages;
	struct mdl_vtd *u = fresh(t, &messages);
	struct mdl_result out;
	uint64_t fsts, frcd;

	mdl_vtd_wr(u, FECTL, 0, 4);
	command(u, G_SRTP);
	command(u, G_TE);
	mdl_vtd_lookup(u, &rq, &out);
	expect_eq(t, "messages after a fault", messages, 1);
	if (qi) {
		command(u, G_TE | G_QIE);
		mdl_vtd_wr(u, 0x088, 0x20, 8); /* no memory answers where the queue is */
		expect_eq(t, "IQERCD.IQEI", fld_get(IQERCD_IQEI, mdl_vtd_rd(u, IQERCD, 8)), IQEI_FETCH);
		u->st.r[R_ICS] = ICS_IWC;
	}
	if (prs)
		u->st.r[R_PRS] = PRS_PRO | PRS_PPR;
	fsts = rd(u, FSTS);
	frcd = u->st.frcd[0][1];
	expect_eq(t, "FSTS.PPF", fsts & FSTS_PPF, FSTS_PPF);
	expect_eq(t, "SID of the record", fld_get(FRCD1_SID, frcd), rq.sid);
	mdl_vtd_reset_warm(u);
	expect_eq(t, "FSTS after the reset", rd(u, FSTS), fsts);
	expect_eq(t, "FRCD after the reset", u->st.frcd[0][1], frcd);
	expect_eq(t, "IQERCD after the reset", fld_get(IQERCD_IQEI, mdl_vtd_rd(u, IQERCD, 8)), qi ? IQEI_FETCH : 0);
	expect_eq(t, "ICS after the reset", rd(u, ICS), qi ? ICS_IWC : 0);
	expect_eq(t, "PRS after the reset", rd(u, PRS), prs ? PRS_PRO | PRS_PPR : 0);
	expect_eq(t, "GSTS after the reset", rd(u, GSTS), 0);
	expect_eq(t, "FECTL after the reset", rd(u, FECTL), BIT(31));
	expect_eq(t, "IECTL after the reset", rd(u, IECTL), qi ? BIT(31) : 0);
	expect_eq(t, "IQT after the reset", mdl_vtd_rd(u, 0x088, 8), 0);
	expect_eq(t, "CAP after the reset", mdl_vtd_rd(u, 0x008, 8), c->cap);
	expect_eq(t, "ECAP after the reset", mdl_vtd_rd(u, 0x010, 8), c->ecap);
	command(u, G_TE);
	expect_eq(t, "GSTS after the reset and TE", rd(u, GSTS), 0);
}

/* MTRRs are plain storage where MTS = 1, and nothing elsewhere (VT-d 11.4.33 and on). */
TEST(model_mtrr,
     .id = "vtd.model.unit.mtrr",
     .given = "each MTRR written with a value of its own, whole and by halves",
     .expects = "each reads what was written to it; without MTS, 0; no other register changes",
     .needs = NEED_VTD, .flags = TEST_MODEL)
{
	static const uint16_t gaps[][2] = { { 0x120, 0x138 }, { 0x138, 0x178 }, { 0x180, 0x220 } };
	bool mts = (config_of(t)->ecap & ECAP_MTS) != 0;
	unsigned messages;
	struct mdl_vtd *u = fresh(t, &messages);
	uint32_t window = mdl_vtd_window_bytes(config_of(t));
	uint64_t *before = (uint64_t *)(void *)page_alloc(t, window, 0)->p; /* page-aligned */

	for (uint32_t off = 0; off < window; off += 8)
		before[off / 8] = mdl_vtd_rd(u, off, 8);
	for (unsigned g = 0; g < ARRAY_LEN(gaps); g++)
		for (uint32_t off = gaps[g][0]; off < gaps[g][1]; off += 8) {
			mdl_vtd_wr(u, off, off, 4);
			mdl_vtd_wr(u, off + 4, ~(uint64_t)off, 4);
		}
	for (uint32_t off = 0; off < window; off += 8)
		if ((off < 0x120 || off >= 0x220) && !expect_eq(t, "another register", mdl_vtd_rd(u, off, 8), before[off / 8])) {
			note(t, "register 0x%x", off);
			return;
		}
	for (unsigned g = 0; g < ARRAY_LEN(gaps); g++)
		for (uint32_t off = gaps[g][0]; off < gaps[g][1]; off += 8)
			if (!expect_eq(t, "an MTRR", mdl_vtd_rd(u, off, 8), mts ? (~off * BIT(32)) | off : 0)) {
				note(t, "register 0x%x", off);
				return;
			}
	expect_eq(t, "behind the fixed ones", mdl_vtd_rd(u, 0x178, 8), 0);
}

/* Of message data a unit may hold 16 bits, of which drivers use 8 (VT-d 11.4.8). */
TEST(model_plain_storage,
     .id = "vtd.model.unit.plain_storage",
     .given = "FEDATA, IEDATA, PEDATA, the operand of VCMD written all ones",
     .expects = "bits 15:0, and of the operand all, read as written, where the register exists",
     .needs = NEED_VTD, .flags = TEST_MODEL)
{
	const struct mdl_vtd_config *c = config_of(t);
	const struct { uint32_t off; bool there; } regs[] = {
		{ 0x03c, true }, { 0x0a4, (c->ecap & ECAP_QI) != 0 }, { 0x0e4, (c->ecap & ECAP_PRS) != 0 },
	}, upper[] = {
		{ 0x044, true }, { 0x0ac, (c->ecap & ECAP_QI) != 0 }, { 0x0ec, (c->ecap & ECAP_PRS) != 0 },
	};
	bool eim = (c->ecap & ECAP_EIM) != 0;
	unsigned messages;
	struct mdl_vtd *u = fresh(t, &messages);

	for (unsigned i = 0; i < ARRAY_LEN(regs); i++) {
		mdl_vtd_wr(u, regs[i].off, UINT32_MAX, 4);
		expect_eq(t, "message data", rd(u, regs[i].off), regs[i].there ? UINT16_MAX : 0);
	}
	for (unsigned i = 0; i < ARRAY_LEN(upper); i++) {
		mdl_vtd_wr(u, upper[i].off, UINT32_MAX, 4);
		expect_eq(t, "upper message address", rd(u, upper[i].off), upper[i].there && eim ? UINT32_MAX : 0);
	}
	/* Nothing lies behind a register of 8 bytes that another does not follow. */
	mdl_vtd_wr(u, 0x028, 0x1234, 4);
	expect_eq(t, "behind CCMD", rd(u, 0x030), 0);
	mdl_vtd_wr(u, 0x108, UINT64_MAX, 8);
	expect_eq(t, "behind MTRRDEF", rd(u, 0x110), 0);
	mdl_vtd_wr(u, 0x0d0, PAGE_BYTES, 8);
	expect_eq(t, "behind PQA", rd(u, 0x0d8), 0);
	mdl_vtd_wr(u, 0xe08, UINT64_MAX, 8);
	expect_eq(t, "VCMD's operand", mdl_vtd_rd(u, 0xe08, 8), (c->ecap & ECAP_VCS) != 0 ? UINT64_MAX : 0);
}

TEST(model_absent_regions,
     .id = "vtd.model.unit.absent_registers",
     .given = "registers of one protected region where the unit has only the other, written all ones",
     .expects = "they read 0",
     .needs = NEED_VTD, .flags = TEST_MODEL)
{
	const struct mdl_vtd_config *c = config_of(t);
	unsigned messages;
	struct mdl_vtd *u = fresh(t, &messages);

	for (uint32_t off = 0x068; off < 0x080; off += 4) {
		bool there = (c->cap & (off < 0x070 ? CAP_PLMR : CAP_PHMR)) != 0;

		mdl_vtd_wr(u, off, UINT32_MAX, 4);
		if (!expect_true(t, there || rd(u, off) == 0, "a register of an absent region reads 0")) {
			note(t, "register 0x%x", off);
			return;
		}
	}
}
