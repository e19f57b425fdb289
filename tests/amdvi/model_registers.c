/*
 * The model's register file (AMD IOMMU 3.4), each register and each of its bits: what holds, what reads 0, what is not
 * there without its feature. The expectations are the fact tables', written here once more.
 */
#include "tests/amdvi/model_rig.h"

#define NEEDS   NEED_AMDVI
#define ADDRESS BITS(51, 12)
#define RING    (ADDRESS | BITS(59, 56))
#define POINTER BITS(18, 4)
#define XT      (BIT(2) | BITS(40, 8) | BITS(63, 56))
#define SMI     BITS(16, 0)
#define LEN(n)  FLD(BITS(59, 56), n)
#define STATUS  (BITS(2, 0) | BITS(6, 5) | BITS(11, 9) | BIT(15) | BITS(18, 17)) /* write 1 to clear */
#define LAST    0x2100u

enum when { ALWAYS, IF_PPR, IF_GA_LOG, IF_DUAL_PPR, IF_DUAL_EVENT, IF_XT, IF_AUTO, IF_EARLY };

static bool there(const struct mdl_amd_config *c, enum when w)
{
	switch (w) {
	case IF_PPR: return c->efr & BIT(1);
	case IF_GA_LOG: return (c->efr & BIT(7)) && fld_get(BITS(23, 21), c->efr) == 1;
	case IF_DUAL_PPR: return fld_get(BITS(25, 24), c->efr);
	case IF_DUAL_EVENT: return fld_get(BITS(29, 28), c->efr);
	case IF_XT: return c->efr & BIT(2);
	case IF_AUTO: return c->efr & BIT(41);
	case IF_EARLY: return c->efr & BIT(40);
	default: return true;
	}
}

static const struct reg {
	uint32_t off;
	uint64_t holds;
	enum when when;
} regs[] = {
	{ 0x0000, ADDRESS | BITS(8, 0), ALWAYS }, { 0x0008, RING, ALWAYS }, { 0x0010, RING, ALWAYS },
	{ 0x0020, ADDRESS | BITS(1, 0), ALWAYS }, { 0x0028, ADDRESS, ALWAYS }, { 0x0038, RING, IF_PPR },
	{ 0x00e0, RING, IF_GA_LOG }, { 0x00e8, BITS(51, 3), IF_GA_LOG }, { 0x00f0, RING, IF_DUAL_PPR },
	{ 0x00f8, RING, IF_DUAL_EVENT }, { 0x0170, XT, IF_XT }, { 0x0178, XT, IF_XT }, { 0x0180, XT, IF_XT },
	{ 0x2000, POINTER, ALWAYS }, { 0x2008, POINTER, ALWAYS }, { 0x2010, POINTER, ALWAYS },
	{ 0x2018, POINTER, ALWAYS },
	{ 0x2030, POINTER, IF_PPR }, { 0x2038, POINTER, IF_PPR }, { 0x2040, BITS(18, 3), IF_GA_LOG },
	{ 0x2048, BITS(18, 3), IF_GA_LOG }, { 0x2050, POINTER, IF_DUAL_PPR }, { 0x2058, POINTER, IF_DUAL_PPR },
	{ 0x2070, POINTER, IF_DUAL_EVENT }, { 0x2078, POINTER, IF_DUAL_EVENT }, { 0x2080, BITS(4, 0), IF_AUTO },
	{ 0x2088, BITS(14, 0) | BITS(31, 30), IF_EARLY }, { 0x2090, BITS(14, 0) | BITS(31, 30), IF_EARLY },
};

/* Bits of the register at off that hold what is written while the unit is off. */
static uint64_t holds(const struct mdl_amd_config *c, uint32_t off)
{
	if (off >= 0x0060 && off < 0x00e0 && fld_get(BITS(17, 16), c->efr) == 1)
		return off < 0x0060 + 8 * pow2((unsigned)fld_get(BITS(20, 18), c->efr)) ? SMI : 0;
	if (off >= 0x0100 && off < 0x0138)
		return off < 0x00f8 + 8 * pow2((unsigned)fld_get(BITS(39, 38), c->efr)) ? ADDRESS | BITS(7, 0) : 0;
	for (unsigned i = 0; i < ARRAY_LEN(regs); i++)
		if (regs[i].off == off)
			return there(c, regs[i].when) ? regs[i].holds : 0;
	return 0;
}

static bool is_ring(uint64_t mask)
{
	return mask == RING;
}

/* What has rules of its own. */
static bool is_special(uint32_t off)
{
	static const uint32_t all[] = { 0x0018, 0x0030, 0x0050, 0x0150, 0x0158, 0x0160, 0x0168, 0x01a0, 0x2020 };

	for (unsigned i = 0; i < ARRAY_LEN(all); i++)
		if (all[i] == off)
			return true;
	return false;
}

static struct am *long_rings(struct test *t, const struct mdl_amd_config *c)
{
	struct am *a = am_open(t, c);

	for (unsigned i = 0; i < ARRAY_LEN(regs); i++)
		if (is_ring(regs[i].holds))
			am_set(a, regs[i].off, LEN(15));
	return a;
}

static void reg_bits(struct test *t, const struct mdl_amd_config *own)
{
	struct am *a = long_rings(t, own);

	for (uint32_t off = 0; off < LAST; off += 8) {
		uint64_t mask = holds(&a->config, off), len = is_ring(mask) ? LEN(8) : 0;

		for (unsigned bit = 0; bit < 64 && !is_special(off); bit++) {
			if (mask == SMI && bit == 17)
				continue; /* it locks: model_reg_smi */
			am_set(a, off, BIT(bit) | len);
			if (!am_is(t, "the bit read back", am_reg(a, off), (BIT(bit) | len) & mask, 0x100 * off + bit))
				return;
		}
		if (is_special(off))
			continue;
		am_set(a, off, is_ring(mask) ? LEN(15) : 0);
		if (!am_is(t, "the register after zeros", am_reg(a, off), is_ring(mask) ? LEN(15) : 0, off))
			return;
	}
	for (uint32_t off = LAST; off < mdl_amd_window_bytes(&a->config); off += 0xff8) {
		am_set(a, off, UINT64_MAX);
		if (off != 0x4000 && !am_is(t, "behind the registers", am_reg(a, off), 0, off))
			return;
	}
}

TEST(model_reg_bits,
     .id = "amdvi.model.reg.bits",
     .given = "each bit of each register alone written",
     .expects = "it holds or reads 0, as its register has it",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	reg_bits(t, am_config(t));
	reg_bits(t, am_small());
}

static uint64_t pattern(uint64_t mask, uint32_t off, uint64_t salt)
{
	uint64_t v = (UINT64_C(0x9e3779b97f4a7c15) * (off + salt)) & mask;

	return is_ring(mask) ? v | LEN(15) : v;
}

TEST(model_reg_apart,
     .id = "amdvi.model.reg.apart",
     .given = "every register written with a value of its own, whole and by halves",
     .expects = "each keeps its own, and the other half",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = long_rings(t, am_config(t));

	for (uint32_t off = 0; off < LAST; off += 8)
		if (!is_special(off))
			am_set(a, off, pattern(holds(&a->config, off), off, 1));
	for (uint32_t off = 0; off < LAST; off += 8)
		if (!is_special(off) && !am_is(t, "the register's own value", am_reg(a, off),
					       pattern(holds(&a->config, off), off, 1), off))
			return;
	for (uint32_t off = 0; off < LAST; off += 8) {
		uint64_t mask = holds(&a->config, off), one = am_reg(a, off), two = pattern(mask, off, 2);

		if (is_special(off))
			continue;
		mdl_amd_wr(&a->u, off, fld_get(BITS(31, 0), two), 4);
		am_is(t, "the lower half", am_reg(a, off), (one & BITS(63, 32)) | (two & BITS(31, 0)), off);
		mdl_amd_wr(&a->u, off + 4, fld_get(BITS(63, 32), two), 4);
		am_is(t, "both halves", am_reg(a, off), two, off);
		am_is(t, "the upper half by itself", mdl_amd_rd(&a->u, off + 4, 4), fld_get(BITS(63, 32), two), off);
	}
}

static void reg_reset(struct test *t, const struct mdl_amd_config *own)
{
	struct am *a = long_rings(t, own);
	const struct mdl_amd_config *c = &a->config;

	for (uint32_t off = 0; off < LAST; off += 8)
		if (!is_special(off))
			am_set(a, off, pattern(holds(c, off), off, 3));
	am_set(a, 0x0018, 0x1404);
	mdl_amd_reset(&a->u);
	for (uint32_t off = 0; off < LAST; off += 8) {
		uint64_t len = is_ring(holds(c, off)) && !c->choices.u13_length_zero ? LEN(8) : 0;

		if (!is_special(off) || off == 0x0018 || off == 0x2020 || off == 0x0050)
			am_is(t, "after reset", am_reg(a, off), len, off);
	}
	expect_eq(t, "EFR", am_reg(a, 0x0030), c->efr);
	expect_eq(t, "EFR2", am_reg(a, 0x01a0), c->header & BIT(27) ? c->efr2 : 0);
	am_set(a, 0x0030, ~c->efr);
	am_set(a, 0x01a0, ~c->efr2);
	expect_eq(t, "EFR after its inverse was written", am_reg(a, 0x0030), c->efr);
	expect_eq(t, "EFR2 after its inverse was written", am_reg(a, 0x01a0), c->header & BIT(27) ? c->efr2 : 0);
	if (c->efr & BIT(9)) {
		expect_true(t, fld_get(BITS(10, 7), am_reg(a, 0x4000)) == 4 &&
			       fld_get(BITS(17, 12), am_reg(a, 0x4000)) == 2, "4 counters in 2 banks");
		expect_eq(t, "the window", mdl_amd_window_bytes(c), 0x80000);
	} else {
		expect_eq(t, "the window", mdl_amd_window_bytes(c), 0x4000);
		expect_eq(t, "the counter configuration", am_reg(a, 0x4000), 0);
	}
}

TEST(model_reg_reset,
     .id = "amdvi.model.reg.reset", .checks = "AMD-INIT-006",
     .given = "a fresh unit, and one after reset",
     .expects = "zeros, but for lengths and what describes the unit",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	reg_reset(t, am_config(t));
	reg_reset(t, am_small());
}

/* ---- control ---- */

/* Control bits other than DevTblSegEn and the features that they need, EFR unless efr2. */
static const struct { uint64_t ctl, efr, efr2; } controls[] = {
	{ BITS(12, 0) | BIT(59), 0, 0 }, { BITS(15, 13), BIT(1), 0 }, { BIT(16), BIT(4), 0 }, { BIT(17), BIT(7), 0 },
	{ BIT(22) | BIT(24), BIT(16), 0 }, { BIT(25) | BITS(29, 28), BIT(21), 0 }, { BITS(31, 30), BITS(25, 24), 0 },
	{ BITS(33, 32), BITS(29, 28), 0 }, { BITS(38, 37), BIT(37), 0 }, { BIT(39) | BIT(42), BIT(41), 0 },
	{ BIT(41), BIT(44), 0 }, { BIT(43), 0, BIT(8) }, { BIT(45), BIT(50), 0 },
	{ BITS(47, 46), BIT(49) | BIT(52), 0 },
	{ BIT(48), BIT(53), 0 }, { BITS(51, 50), BIT(2), 0 }, { BIT(54), BIT(61), 0 }, { BIT(55), BIT(5), 0 },
	{ BIT(58), 0, BIT(3) },
};

static void reg_control(struct test *t, const struct mdl_amd_config *own)
{
	struct am *a = long_rings(t, own);
	uint64_t mask = 0, most = fld_get(BITS(39, 38), a->config.efr);

	for (unsigned i = 0; i < ARRAY_LEN(controls); i++)
		if ((!controls[i].efr && !controls[i].efr2) || (a->config.efr & controls[i].efr) ||
		    (a->config.efr2 & controls[i].efr2))
			mask |= controls[i].ctl;
	for (unsigned bit = 0; bit < 64; bit++) {
		if (bit >= 34 && bit <= 36)
			continue;
		am_set(a, 0x0018, BIT(bit));
		am_is(t, "the bit read back", am_reg(a, 0x0018), BIT(bit) & mask, bit);
	}
	for (uint64_t v = 0; v < 8; v++) {
		am_set(a, 0x0018, FLD(BITS(36, 34), most));
		am_set(a, 0x0018, FLD(BITS(36, 34), v));
		am_is(t, "DevTblSegEn", fld_get(BITS(36, 34), am_reg(a, 0x0018)), v > most ? most : v, v);
	}
}

TEST(model_reg_control,
     .id = "amdvi.model.reg.control",
     .given = "each bit of control alone, and each value of DevTblSegEn", .expects = "those of present features hold",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	reg_control(t, am_config(t));
	reg_control(t, am_small());
}

/* ---- status ---- */

TEST(model_reg_status,
     .id = "amdvi.model.reg.status",
     .given = "all status bits set, each bit alone written 1, then zeros", .expects = "that bit alone is cleared",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = am_open(t, am_config(t));

	for (unsigned bit = 0; bit < 64; bit++) {
		a->u.st.r[AR_STATUS] = STATUS;
		am_set(a, 0x2020, BIT(bit));
		if (!am_is(t, "the bits left", am_reg(a, 0x2020), STATUS & ~BIT(bit), bit))
			return;
	}
	a->u.st.r[AR_STATUS] = STATUS;
	am_set(a, 0x2020, 0);
	expect_eq(t, "after zeros", am_reg(a, 0x2020), STATUS);
	if (!(a->config.efr & BIT(8))) {
		am_set(a, 0x0050, UINT64_MAX);
		expect_eq(t, "0050h without HESup", am_reg(a, 0x0050), 0);
		return;
	}
	for (unsigned bit = 0; bit < 64; bit++) {
		a->u.st.r[AR_HEV_STATUS] = 7;
		am_set(a, 0x0050, BIT(bit));
		am_is(t, "0050h", am_reg(a, 0x0050), 7 & ~BIT(bit), bit);
	}
	a->u.st.r[AR_HEV_UPPER] = 1;
	a->u.st.r[AR_HEV_LOWER] = 2;
	expect_eq(t, "0040h", am_reg(a, 0x0040), 1);
	expect_eq(t, "0048h", am_reg(a, 0x0048), 2);
}

/* ---- access ---- */

TEST(model_reg_widths,
     .id = "amdvi.model.reg.widths",
     .given = "accesses of 1 and 2 bytes, and misaligned ones", .expects = "all ones, and nothing is written",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	static const struct { uint32_t off; unsigned bytes; } all[] = {
		{ 0x20, 1 }, { 0x21, 1 }, { 0x20, 2 }, { 0x22, 2 }, { 0x22, 4 }, { 0x24, 8 }, { 0x1e, 4 }, { 0x1c, 8 },
	};
	struct am *a = am_open(t, am_config(t));

	am_set(a, 0x0020, UINT64_C(0x000a5a5a5a5a5000));
	for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
		am_is(t, "what is read", mdl_amd_rd(&a->u, all[i].off, all[i].bytes), UINT64_MAX, i);
		mdl_amd_wr(&a->u, all[i].off, UINT64_MAX, all[i].bytes);
		am_is(t, "the register", am_reg(a, 0x0020), UINT64_C(0x000a5a5a5a5a5000), i);
	}
	expect_eq(t, "its lower half", mdl_amd_rd(&a->u, 0x20, 4), 0x5a5a5000);
	expect_eq(t, "its upper half", mdl_amd_rd(&a->u, 0x24, 4), 0x000a5a5a);
	mdl_amd_wr(&a->u, 0x20, 0x12345001, 4);
	expect_eq(t, "after 4 bytes", am_reg(a, 0x0020), UINT64_C(0x000a5a5a12345001));
	am_set(a, 0x0020, 0);
	/* A register of 4 bytes in the upper half of a QWORD. */
	am_set(a, 0x0168, UINT64_MAX);
	expect_eq(t, "016Ch", mdl_amd_rd(&a->u, 0x016c, 4), a->config.efr & BIT(45) ? BIT(13) : 0);
	mdl_amd_wr(&a->u, 0x016c, 0, 4);
	expect_eq(t, "016Ch after zeros", am_reg(a, 0x0168), 0);
}

/* ---- rings ---- */

static const struct ring {
	uint32_t base, head, tail;
	uint64_t on, run;
	enum when when;
	bool tail_is_ours;
} rings[] = {
	{ 0x0008, 0x2000, 0x2008, BIT(12), BIT(4), ALWAYS, true },
	{ 0x0010, 0x2010, 0x2018, BIT(2), BIT(3), ALWAYS, false },
	{ 0x0038, 0x2030, 0x2038, BIT(13), BIT(7), IF_PPR, false },
	{ 0x00e0, 0x2040, 0x2048, BIT(28), BIT(8), IF_GA_LOG, false },
};

static void ring_rules(struct test *t, struct am *a, const struct ring *r, uint64_t base)
{
	uint32_t ours = r->tail_is_ours ? r->tail : r->head, its = r->tail_is_ours ? r->head : r->tail;

	am_set(a, r->base, base | LEN(9));
	am_set(a, r->head, 0x1ff0);
	am_set(a, r->tail, 0x1ff0);
	am_is(t, "the last slot as head", am_reg(a, r->head), 0x1ff0, r->base);
	am_is(t, "the last slot as tail", am_reg(a, r->tail), 0x1ff0, r->base);
	am_set(a, r->head, 0x2000);
	am_set(a, r->tail, 0x2000);
	am_is(t, "a head beyond the ring", am_reg(a, r->head), 0x1ff0, r->base);
	am_is(t, "a tail beyond the ring", am_reg(a, r->tail), 0x1ff0, r->base);
	for (uint64_t len = 0; len < 8; len++)
		am_set(a, r->base, base | LEN(len));
	am_is(t, "the base after lengths below 8", am_reg(a, r->base), base | LEN(9), r->base);
	am_is(t, "the head after them", am_reg(a, r->head), 0x1ff0, r->base);
	am_set(a, r->base, base | LEN(8));
	am_is(t, "the head under a new base", am_reg(a, r->head), 0, r->base);
	am_is(t, "the tail under a new base", am_reg(a, r->tail), 0, r->base);
	am_set(a, 0x0018, BIT(10) | r->on);
	am_is(t, "run bits with IommuEn = 0", am_reg(a, 0x2020), 0, r->base);
	am_set(a, 0x0018, BIT(10) | r->on | 1);
	am_is(t, "run bits", am_reg(a, 0x2020), r->run, r->base);
	am_set(a, r->base, LEN(10));
	am_is(t, "the base of a running ring", am_reg(a, r->base), base | LEN(8), r->base);
	am_set(a, its, 0x20);
	am_is(t, "the unit's pointer of a running ring", am_reg(a, its), 0, r->base);
	if (!r->tail_is_ours) {
		am_set(a, ours, 0x20);
		am_is(t, "software's pointer of a running ring", am_reg(a, ours), 0x20, r->base);
	}
	am_set(a, 0x0018, BIT(10) | 1);
	am_is(t, "run bits when it is off", am_reg(a, 0x2020), 0, r->base);
	am_set(a, 0x0018, 0);
}

TEST(model_reg_rings,
     .id = "amdvi.model.reg.rings",
     .given = "bases, lengths and pointers of each ring, stopped and running",
     .expects =
     "a new base zeroes both pointers; lengths below 8, pointers beyond the ring, what a running ring owns: ignored",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = am_open(t, am_config(t));

	for (unsigned i = 0; i < ARRAY_LEN(rings); i++)
		if (there(&a->config, rings[i].when))
			ring_rules(t, a, &rings[i], am_page(a));
}

TEST(model_reg_smi,
     .id = "amdvi.model.reg.smi_filters", .checks = "AMD-REG-067",
     .given = "every SMI filter locked, then written", .expects = "a locked one stays, and its neighbours do not care",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = am_open(t, am_config(t));

	for (uint32_t off = 0x0060; off < 0x00e0; off += 16) {
		uint64_t mask = holds(&a->config, off) ? BITS(17, 0) : 0;

		am_set(a, off, BITS(63, 17) | 0x11234);
		am_is(t, "a locked filter", am_reg(a, off), mask & 0x31234, off);
		am_set(a, off, 0x5678);
		am_is(t, "a locked filter after a write", am_reg(a, off), mask & 0x31234, off);
		am_set(a, off + 8, 0x5678);
		am_is(t, "its neighbour", am_reg(a, off + 8), holds(&a->config, off + 8) & 0x5678, off);
	}
	/* Behind them the same bit is one of an address. */
	am_set(a, 0x00e0, BIT(17) | FLD(BITS(59, 56), 8));
	am_set(a, 0x00e0, 0x5000 | FLD(BITS(59, 56), 8));
	expect_eq(t, "the register behind the filters", am_reg(a, 0x00e0) & BITS(51, 12),
		  holds(&a->config, 0x00e0) & 0x5000);
}
