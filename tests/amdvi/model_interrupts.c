/*
 * Interrupt remapping of the model (AMD IOMMU 2.2.5, 2.7): each bit of an entry, delivery modes, the 2K mode, the SMI
 * filter, guest interrupts and their log.
 */
#include "tests/amdvi/model_rig.h"

#define NEEDS    NEED_AMDVI
#define MSI      UINT64_C(0xfee00000)
#define REMAP    FLD(BITS(61, 60), 2)
#define GA_EN    BIT(17)
#define XT_EN    BIT(50)
#define INT_2K   BIT(43)
#define GAM_EN   BIT(25)
#define GA_LOG   BIT(28)
#define FAULT    (AM_OP(2) | BIT(51) | FLD(BITS(47, 32), AM_DOMAIN) | AM_SID) /* IO_PAGE_FAULT with I */
#define ILLEGAL  (AM_OP(1) | BIT(51) | AM_SID)
#define PR       BIT(52)
#define RZ       BIT(55)

struct remap {
	struct am *a;
	uint64_t table;
	bool wide;
};

/* 2^len entries, IntCtl = 10b; more: further bits of the third word. */
static struct remap start(struct test *t, uint64_t ctl, unsigned len, uint64_t more)
{
	struct remap r = { .a = am_start(t, ctl), .wide = ctl & GA_EN };

	r.table = page_alloc(t, 9 * PAGE_BYTES, 0)->pa.v + 128;
	am_dte(r.a, AM_SID, 0, AM_DOMAIN, 1 | r.table | 2 * len | REMAP | more, 0);
	return r;
}

/* Raw words of an entry, dropped from the cache. */
static void entry(struct remap *r, unsigned index, uint64_t w0, uint64_t w1)
{
	if (r->wide) {
		am_put(r->table + 16 * index, w0);
		am_put(r->table + 16 * index + 8, w1);
	} else {
		uint64_t at = r->table + 4 * (index & ~1u), both = am_get(at);

		am_put(at, index & 1 ? (both & BITS(31, 0)) | FLD(BITS(63, 32), w0) : (both & BITS(63, 32)) | w0);
	}
	am_cmd(r->a, AM_OP(5) | AM_SID, 0);
}

/* Sends; the event, 0: none. Either a message or nothing arrives. */
static uint64_t send(struct remap *r, uint64_t address, uint32_t data, bool *arrived)
{
	uint64_t event[2] = { 0, 0 }, more[2];
	enum mdl_completion c;

	r->a->messages_n = 0;
	c = mdl_amd_interrupt(&r->a->u, AM_SID, address, data);
	*arrived = r->a->messages_n == 1;
	expect_true(r->a->t, (c == MDL_DONE) == (*arrived || r->a->doorbells_n),
		    "the device is told what became of it");
	if (!am_event(r->a, event))
		return 0;
	expect_true(r->a->t, event[1] == address || fld_get(BITS(63, 60), event[0]) == 4, "the event has the address");
	expect_eq(r->a->t, "more events", am_event(r->a, more), 0);
	return event[0];
}

static bool passes(struct remap *r, uint64_t address, uint32_t data, uint64_t to, uint32_t as, uint64_t which)
{
	bool arrived;
	uint64_t event = send(r, address, data, &arrived);

	return am_is(r->a->t, "the event", event, 0, which) && am_is(r->a->t, "a message", arrived, 1, which) &&
	       am_is(r->a->t, "its address", r->a->messages[0].address, to, which) &&
	       am_is(r->a->t, "its data", r->a->messages[0].data, as, which);
}

static bool blocked(struct remap *r, uint64_t address, uint32_t data, uint64_t event, uint64_t which)
{
	bool arrived;
	uint64_t seen = send(r, address, data, &arrived);

	return am_is(r->a->t, "the event", seen, event, which) && am_is(r->a->t, "a message", arrived, 0, which);
}

/* ---- entries of 32 bits ---- */

TEST(model_int_narrow,
     .id = "amdvi.model.int.narrow", .checks = "AMD-IR-012",
     .given = "each bit of a 32-bit entry flipped", .expects = "vector, type and destination as it says, or a fault",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct remap r = start(t, 0, 9, 0);
	uint64_t good = 0x00a55a01; /* vector A5h, destination 5Ah */

	for (unsigned bit = 0; bit < 32; bit++) {
		uint64_t w = good ^ BIT(bit);
		uint32_t vector = (uint32_t)fld_get(BITS(23, 16), w), type = (uint32_t)fld_get(BITS(4, 2), w);
		uint64_t to = MSI | FLD(BITS(19, 12), fld_get(BITS(15, 8), w)) | (w & BIT(6) ? 4 : 0);

		entry(&r, 3, w, 0);
		if (bit == 0)
			blocked(&r, MSI, 3, FAULT, bit);
		else if (type > 1 || bit == 7 || bit >= 24)
			blocked(&r, MSI, 3, FAULT | PR | RZ, bit);
		else
			passes(&r, MSI, 3, to, vector | (type ? 0x100 : 0), bit);
		/* SupIOPF keeps faults quiet. */
		entry(&r, 3, w | 2, 0);
		if (bit == 0 || type > 1 || bit == 7 || bit >= 24)
			blocked(&r, MSI, 3, 0, 100 + bit);
	}
}

/* ---- entries of 128 bits ---- */

static bool wide_legal(const uint64_t w[2], bool xt, bool guests)
{
	if (w[0] & BIT(7))
		return guests && !(w[0] & BITS(5, 4)) && !(w[1] & (BITS(11, 8) | BITS(55, 52)));
	return fld_get(BITS(4, 2), w[0]) <= 1 && !(w[0] & (BITS(63, 32) | (xt ? 0 : BITS(31, 16)))) &&
	       !(w[1] & (BITS(55, 8) | (xt ? 0 : BITS(63, 56))));
}

static void each_wide_bit(struct test *t, uint64_t ctl)
{
	struct remap r = start(t, ctl | GA_EN, 9, 0);
	bool xt = ctl & XT_EN;

	for (unsigned bit = 0; bit < 128; bit++) {
		uint64_t w[2] = { 0x3401 ^ (bit < 64 ? BIT(bit) : 0), 0xc1 ^ (bit < 64 ? 0 : BIT(bit - 64)) };
		uint64_t low = fld_get(xt ? BITS(31, 8) : BITS(15, 8), w[0]),
			high = xt ? fld_get(BITS(63, 56), w[1]) : 0;
		uint64_t to = MSI | FLD(BITS(19, 12), low % 256) | FLD(BITS(55, 40), low / 256) |
			FLD(BITS(63, 56), high) |
			      (w[0] & BIT(6) ? 4 : 0);

		entry(&r, 3, w[0], w[1]);
		if (bit == 0)
			blocked(&r, MSI, 3, FAULT, bit);
		else if (!wide_legal(w, xt, false))
			blocked(&r, MSI, 3, FAULT | PR | RZ, bit);
		else
			passes(&r, MSI, 3, to, (uint32_t)(w[1] & 0xff) | (w[0] & BIT(2) ? 0x100 : 0), bit);
	}
}

TEST(model_int_wide,
     .id = "amdvi.model.int.wide",
     .given = "each bit of a 128-bit entry flipped, XTEn = 0 and 1",
     .expects = "vector, type and destination as it says, or a fault",
     .needs = NEEDS | NEED_AMD_GA, .flags = TEST_MODEL)
{
	each_wide_bit(t, 0);
	if (am_config(t)->efr & BIT(2))
		each_wide_bit(t, XT_EN);
}

/* ---- tables ---- */

TEST(model_int_tables,
     .id = "amdvi.model.int.tables",
     .given = "tables of every length, the last index and the one behind it; one in a hole",
     .expects = "the last is used, the next faults; PAGE_TAB_HARDWARE_ERROR with the entry's address",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	uint64_t hole = mem_unbacked(2 * PAGE_BYTES).v;

	struct remap r = start(t, 0, 0, 0);

	for (unsigned len = 0; len < 16; len++) {
		uint32_t last = (uint32_t)pow2(len) - 1;
		bool arrived;

		am_dte(r.a, AM_SID, 0, AM_DOMAIN, 1 | r.table | 2 * len | REMAP, 0);
		if (len > 11) {
			am_is(t, "the event", send(&r, MSI, 5, &arrived), ILLEGAL, len);
			am_is(t, "a message", arrived, 0, len);
			continue;
		}
		entry(&r, last % 512, 0x00410001, 0);
		passes(&r, MSI, last % 512, MSI, 0x41, len);
		if (len > 8) /* data bits 10:9 are not index bits */
			continue;
		entry(&r, last + 1, 0x00420001, 0);
		blocked(&r, MSI, last + 1, FAULT, len);
		/* IG keeps what hits no entry quiet. */
		am_dte(r.a, AM_SID, 0, AM_DOMAIN, 1 | r.table | 2 * len | REMAP | BIT(5), 0);
		blocked(&r, MSI, last + 1, 0, len);
		entry(&r, last, 0, 0);
		blocked(&r, MSI, last, 0, len);
	}
	for (unsigned wide = 0; wide < 2 && (!wide || (am_config(t)->efr & BIT(7))); wide++) {
		uint64_t event[2] = { 0, 0 };

		r = start(t, wide ? GA_EN : 0, 9, 0);
		am_dte(r.a, AM_SID, 0, AM_DOMAIN, 1 | hole | 18 | REMAP, 0);
		mdl_amd_interrupt(&r.a->u, AM_SID, MSI, 5);
		am_event(r.a, event);
		am_is(t, "the event", event[0], AM_OP(4) | BIT(57) | BIT(51) | FLD(BITS(47, 32), AM_DOMAIN) | AM_SID,
		      wide);
		am_is(t, "its address", event[1] - hole, wide ? 80 : 20, wide);
	}
}

/* ---- what the device table entry says ---- */

TEST(model_int_reserved,
     .id = "amdvi.model.int.reserved",
     .given = "each bit of the upper half of an entry with IV = 1, and with IV = 0",
     .expects = "ILLEGAL_DEV_TABLE_ENTRY with I and RZ where it is reserved and IV = 1",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct remap r = start(t, 0, 9, 0);
	uint64_t efr = r.a->config.efr;
	uint64_t rsvd[2] = { BITS(53, 52) | (efr & BIT(4) ? 0 : BITS(55, 54)),
			     BITS(53, 0) | (efr & BIT(51) ? 0 : BITS(63, 54)) };

	for (unsigned bit = 1; bit < 128; bit++) {
		uint64_t w[2] = { 1 | FLD(BITS(61, 60), 1) | (bit < 64 ? BIT(bit) : 0), bit < 64 ? 0 : BIT(bit - 64) };
		bool bad = rsvd[bit / 64] & BIT(bit % 64);

		if (bit == 60 || bit == 61)
			continue;
		am_dte(r.a, AM_SID, 0, 0, w[0], w[1]);
		if (bad)
			blocked(&r, MSI, 3, ILLEGAL | RZ, bit);
		else
			passes(&r, MSI, 3, MSI, 3, bit);
		am_dte(r.a, AM_SID, 0, 0, w[0] & ~UINT64_C(1), w[1]);
		passes(&r, MSI, 3, MSI, 3, 1000 + bit);
	}
	am_dte(r.a, AM_SID, 0, 0, 1 | FLD(BITS(61, 60), 3), 0);
	blocked(&r, MSI, 3, ILLEGAL | RZ, 3);
	am_dte(r.a, AM_SID, 0, 0, 1, 0);
	blocked(&r, MSI, 3, AM_OP(8) | FLD(BITS(59, 57), 5) | AM_SID, 0);
}

TEST(model_int_modes,
     .id = "amdvi.model.int.modes", .checks = "AMD-IR-035 AMD-IR-037",
     .given = "each delivery mode with each pass bit, to physical and logical destinations",
     .expects = "fixed and arbitrated are remapped; others pass by their bit, and only to physical destinations",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	static const unsigned pass_bit[8] = { 0, 0, 0, 0, 58, 56, 0, 57 };
	struct remap r = start(t, 0, 0, 0);
	uint64_t event = r.a->config.choices.u39_blocked_event ? AM_OP(8) | FLD(BITS(59, 57), 5) | AM_SID : 0;

	for (unsigned set = 0; set < 4; set++)
		for (uint32_t mode = 2; mode < 8; mode++) {
			uint64_t bit = set ? BIT(55 + set) : 0, address = MSI | 0x7000;
			uint32_t data = 0x100 * mode | 0x31;
			bool can = mode == 2 || (pass_bit[mode] && bit == BIT(pass_bit[mode]));

			am_dte(r.a, AM_SID, 0, 0, 1 | FLD(BITS(61, 60), 1) | bit, 0);
			if (can)
				passes(&r, address, data, address, data, 10 * set + mode);
			else
				blocked(&r, address, data, event, 10 * set + mode);
			blocked(&r, address | 4, data, event, 100 + 10 * set + mode);
		}
	am_dte(r.a, AM_SID, 0, 0, 1 | FLD(BITS(61, 60), 1), 0);
	passes(&r, MSI | 4, 0x131, MSI | 4, 0x131, 1);
}

TEST(model_int_2k,
     .id = "amdvi.model.int.2k", .checks = "AMD-IR-052",
     .given = "NumIntRemapMode = 01b and 00b, address bit 2 with data bits 10:9",
     .expects = "only with both are all eleven bits the index",
     .needs = NEEDS | NEED_AMD_GA, .flags = TEST_MODEL)
{
	struct remap r;

	if (fld_get(BITS(9, 8), am_config(t)->efr2) != 1)
		skip(t, "EFR2.NumIntRemapSup is not 01b");
	r = start(t, GA_EN | INT_2K, 11, BIT(57));
	entry(&r, 0x7ff, 1, 0x99);
	entry(&r, 0x5, 1, 0x98);
	passes(&r, MSI | 4, 0x7ff, MSI, 0x99, 1);
	passes(&r, MSI, 0x7ff, MSI, 0x7ff, 2);
	passes(&r, MSI | 4, 5, MSI, 0x98, 3);
	am_set(r.a, 0x0018, 0x1405 | GA_EN);
	blocked(&r, MSI | 4, 0x7ff, r.a->config.choices.u39_blocked_event ? AM_OP(8) | FLD(BITS(59, 57), 5) | AM_SID :
		0, 4);
	passes(&r, MSI | 4, 5, MSI, 0x98, 5);
}

TEST(model_int_smi,
     .id = "amdvi.model.int.smi", .checks = "AMD-IR-059",
     .given = "SmiFEn = 1; filters for others, then one for the device, in each place; SmiFLogEn",
     .expects = "only a valid filter of the device lets an SMI through; the others are logged where asked for",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	unsigned n = (unsigned)pow2((unsigned)fld_get(BITS(20, 18), am_config(t)->efr));
	struct remap r;

	if (fld_get(BITS(17, 16), am_config(t)->efr) != 1)
		skip(t, "EFR.SmiFSup is not 01b");
	r = start(t, BIT(22), 0, 0);
	blocked(&r, MSI, 0x200, 0, 0);
	am_set(r.a, 0x0018, am_reg(r.a, 0x0018) | BIT(24));
	for (unsigned i = 0; i < n; i++) {
		am_set(r.a, 0x0060 + 8 * i, AM_SID);
		blocked(&r, MSI, 0x200, FAULT, i);
		am_set(r.a, 0x0060 + 8 * i, 0x10000 | (AM_SID ^ 0x100));
		blocked(&r, MSI, 0x200, FAULT, i);
		am_set(r.a, 0x0060 + 8 * i, 0x10000 | AM_SID);
		passes(&r, MSI, 0x200, MSI, 0x200, i);
		am_set(r.a, 0x0060 + 8 * i, 0);
	}
	am_set(r.a, 0x0018, 0x1405);
	passes(&r, MSI, 0x200, MSI, 0x200, 99);
}

/* ---- guests ---- */

static struct remap guests(struct test *t, uint64_t *apic, uint64_t *log)
{
	struct remap r;

	if (fld_get(BITS(23, 21), am_config(t)->efr) != 1)
		skip(t, "EFR.GAMSup is not 001b");
	r = start(t, GA_EN, 4, 0);
	*apic = am_page(r.a);
	*log = am_page(r.a);
	am_set(r.a, 0x00e0, *log | UINT64_C(0x0800000000000000));
	am_set(r.a, 0x0018, 0x1405 | GA_EN | GAM_EN | GA_LOG);
	return r;
}

TEST(model_int_guest,
     .id = "amdvi.model.int.guest", .checks = "AMD-IR-046 AMD-IR-054 AMD-IR-055",
     .given = "guest interrupts of every vector; IsRun = 0 with and without GALogIntr; then IsRun = 1 without 5h",
     .expects = "the bit in the guest's APIC page; a log entry where asked for; the doorbell of a running guest",
     .needs = NEEDS | NEED_AMD_GA, .flags = TEST_MODEL)
{
	uint64_t apic, log;
	struct remap r = guests(t, &apic, &log);

	for (unsigned vector = 0; vector < 256; vector += 37) {
		uint64_t at = apic + 0x200 + 16 * (vector / 32);

		entry(&r, 3, UINT64_C(0xcafe000100000085), apic | vector);
		expect_eq(t, "done", mdl_amd_interrupt(&r.a->u, AM_SID, MSI, 3), MDL_DONE);
		am_is(t, "its bit of IRR", am_get(at & ~UINT64_C(7)) & BIT(vector % 32), BIT(vector % 32), vector);
		am_is(t, "the entry in the log", am_get(log + 8 * (vector / 37)),
		      AM_OP(1) | FLD(BITS(47, 32), AM_SID) | 0xcafe0001, vector);
		am_is(t, "the tail", am_reg(r.a, 0x2048), 8 * (vector / 37 + 1), vector);
	}
	expect_eq(t, "GAInt", am_reg(r.a, 0x2020) & BIT(10), BIT(10));
	entry(&r, 3, UINT64_C(0xcafe000100000081), apic | 0x41);
	mdl_amd_interrupt(&r.a->u, AM_SID, MSI, 3);
	expect_eq(t, "the tail with GALogIntr = 0", am_reg(r.a, 0x2048), 56);
	/* Destination, IsRun and GATag are read anew: nothing is dropped between. */
	am_put(r.table + 48, UINT64_C(0xcafe0002b2c3d4c5));
	am_put(r.table + 56, apic | 0x41 | FLD(BITS(63, 56), 0xa1));
	r.a->doorbells_n = 0;
	mdl_amd_interrupt(&r.a->u, AM_SID, MSI, 3);
	expect_eq(t, "doorbells", r.a->doorbells_n, 1);
	expect_eq(t, "the processor", r.a->doorbell, 0xa1b2c3d4);
	expect_eq(t, "the tail of a running guest", am_reg(r.a, 0x2048), 56);
	expect_eq(t, "events", am_code(r.a), 0);
}

TEST(model_int_guest_bits,
     .id = "amdvi.model.int.guest_bits",
     .given = "each bit of a guest's entry flipped; GAMEn = 0; an APIC page in a hole",
     .expects = "a fault with RZ where it is reserved or guests are off; a hardware error",
     .needs = NEEDS | NEED_AMD_GA, .flags = TEST_MODEL)
{
	uint64_t apic, log, hole = page_unbacked(t).v, event[2] = { 0, 0 };
	struct remap r = guests(t, &apic, &log);

	for (unsigned bit = 2; bit < 128; bit++) {
		uint64_t w[2] = { 0x81 ^ (bit < 64 ? BIT(bit) : 0), (apic | 0x41) ^ (bit < 64 ? 0 : BIT(bit - 64)) };

		if (bit == 7 || (bit >= 64 + 12 && bit < 64 + 52)) /* no guest; another page */
			continue;
		r.a->doorbells_n = 0;
		entry(&r, 3, w[0], w[1]);
		if (!wide_legal(w, false, true)) {
			blocked(&r, MSI, 3, FAULT | PR | RZ, bit);
			continue;
		}
		am_is(t, "done", mdl_amd_interrupt(&r.a->u, AM_SID, MSI, 3), MDL_DONE, bit);
		am_is(t, "messages", r.a->messages_n, 0, bit);
		am_is(t, "the event", am_code(r.a), 0, bit);
	}
	r.a->doorbells_n = 0;
	entry(&r, 3, 0x81, hole | 0x41);
	expect_eq(t, "refused", mdl_amd_interrupt(&r.a->u, AM_SID, MSI, 3), MDL_UR);
	am_event(r.a, event);
	expect_eq(t, "the code", fld_get(BITS(63, 60), event[0]), 4);
	expect_eq(t, "the address", event[1] - hole, 0x220);
	am_set(r.a, 0x0018, 0x1405 | GA_EN);
	entry(&r, 3, 0x81, apic | 0x41);
	blocked(&r, MSI, 3, FAULT | PR | RZ, 0);
}

TEST(model_int_ga_log,
     .id = "amdvi.model.int.ga_log", .checks = "AMD-IR-056",
     .given = "a GA log of 512 entries filled, and one more; then room, and the restart",
     .expects = "511 entries, GALOverflow, GALogRun = 0; then logging goes on, over the end",
     .needs = NEEDS | NEED_AMD_GA, .flags = TEST_MODEL, .budget_us = 4000000)
{
	uint64_t apic, log, ctl;
	struct remap r = guests(t, &apic, &log);

	entry(&r, 3, UINT64_C(0xcafe000100000085), apic | 0x41);
	for (unsigned i = 0; i < 511; i++)
		mdl_amd_interrupt(&r.a->u, AM_SID, MSI, 3);
	expect_eq(t, "the tail", am_reg(r.a, 0x2048), 8 * 511);
	expect_eq(t, "status", am_reg(r.a, 0x2020) & BITS(10, 8), BIT(8) | BIT(10));
	mdl_amd_interrupt(&r.a->u, AM_SID, MSI, 3);
	expect_eq(t, "the tail of a full log", am_reg(r.a, 0x2048), 8 * 511);
	expect_eq(t, "status of a full log", am_reg(r.a, 0x2020) & BITS(10, 8), BIT(9) | BIT(10));
	am_set(r.a, 0x2040, 80);
	mdl_amd_interrupt(&r.a->u, AM_SID, MSI, 3);
	expect_eq(t, "the tail without a restart", am_reg(r.a, 0x2048), 8 * 511);
	ctl = am_reg(r.a, 0x0018);
	am_set(r.a, 0x2020, BIT(9));
	expect_eq(t, "GALogRun after GALOverflow was cleared alone", am_reg(r.a, 0x2020) & BITS(9, 8), 0);
	am_set(r.a, 0x0018, ctl & ~GA_LOG);
	am_set(r.a, 0x0018, ctl);
	expect_eq(t, "GALogRun after the restart", am_reg(r.a, 0x2020) & BITS(9, 8), BIT(8));
	mdl_amd_interrupt(&r.a->u, AM_SID, MSI, 3);
	mdl_amd_interrupt(&r.a->u, AM_SID, MSI, 3);
	expect_eq(t, "the tail behind the end", am_reg(r.a, 0x2048), 8);
}

/* ---- interrupts as memory writes ---- */

TEST(model_int_window,
     .id = "amdvi.model.int.window", .checks = "AMD-IR-058",
     .given = "requests into FEEx_xxxxh of each sort, and on both sides of it",
     .expects = "4-byte writes are messages; others are INVALID_DEVICE_REQUEST; beside it is memory",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	static const struct { uint64_t address; uint8_t access, bytes, at; bool pasid; uint64_t event; } all[] = {
		{ 0xfee00000, MDL_READ, 4, MDL_UNTRANSLATED, false, AM_OP(8) },
		{ 0xfeeffffc, MDL_READ, 4, MDL_UNTRANSLATED, false, AM_OP(8) },
		{ 0xfee00000, MDL_ATOMIC, 4, MDL_UNTRANSLATED, false, AM_OP(8) },
		{ 0xfee00000, MDL_WRITE, 8, MDL_UNTRANSLATED, false, AM_OP(8) | FLD(BITS(59, 57), 6) },
		{ 0xfee00002, MDL_WRITE, 4, MDL_UNTRANSLATED, false, AM_OP(8) | FLD(BITS(59, 57), 6) },
		{ 0xfee00000, MDL_WRITE, 4, MDL_TRANSLATED, false, AM_OP(8) | FLD(BITS(59, 57), 6) },
		{ 0xfee00000, MDL_WRITE, 4, MDL_UNTRANSLATED, true,
		  AM_OP(2) | BIT(51) | BIT(48) | FLD(BITS(47, 32), 0x77) },
	};
	struct am *a = am_start(t, 0);
	uint8_t data[8] = { 0x31 };
	uint64_t event[2];

	for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
		const struct mdl_request rq = { .sid = AM_SID, .access = all[i].access, .bytes = all[i].bytes,
						.at = all[i].at,
						.address = all[i].address, .has_pasid = all[i].pasid, .pasid = 0x77 };

		am_is(t, "the completion", mdl_amd_dma(&a->u, &rq, data), MDL_UR, i);
		event[0] = 0;
		am_event(a, event);
		am_is(t, "the event", event[0], all[i].event | AM_SID, i);
		am_is(t, "its address", event[1], all[i].address, i);
	}
	for (uint64_t at = 0xfedffffc; at <= 0xfef00000; at += 0x100004) {
		am_is(t, "beside the window", am_ask(a, MDL_READ, at).kind, MDL_OK, at);
		am_is(t, "beside the window", am_ask(a, MDL_WRITE, at).kind, MDL_OK, at);
	}
	expect_eq(t, "messages so far", a->messages_n, 0);
	mdl_amd_dma(&a->u, &(struct mdl_request){ .sid = AM_SID, .access = MDL_WRITE, .bytes = 4,
						  .address = 0xfeeffffc }, data);
	expect_true(t, a->messages_n == 1 && a->messages[0].address == 0xfeeffffc && a->messages[0].data == 0x31,
		    "a 4-byte write is a message");
	/* Off, everything but messages is nothing to the unit: no event either. */
	am_set(a, 0x0018, 0x1404);
	am_set(a, 0x2010, am_reg(a, 0x2018));
	mdl_amd_dma(&a->u, &(struct mdl_request){ .sid = AM_SID, .access = MDL_READ, .bytes = 4,
						  .address = 0xfee00000 }, data);
	expect_eq(t, "events with IommuEn = 0", am_code(a), 0);
}
