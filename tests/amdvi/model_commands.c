/*
 * The model's command buffer (AMD IOMMU 2.4): each bit of each command, what reaches devices, deferral, stops, and
 * devices that do not answer.
 */
#include "tests/amdvi/model_rig.h"

#define NEEDS NEED_AMDVI
#define CMD_RUN BIT(4)

/* ---- legal bits ---- */

/*
 * Bits that a command may have set on a unit with every feature, by the manual's layouts; open0 and open1: bits that
 * are not asked for here, since what they mean depends on others (GN) or is not settled.
 */
static const struct layout {
	unsigned op;
	uint64_t may0, may1, open1;
} layouts[] = {
	{ 1, BITS(51, 0), BITS(63, 0), 0 },
	{ 2, BITS(15, 0), 0, 0 },
	{ 3, BITS(19, 0) | BITS(47, 32), BITS(63, 12) | BITS(2, 0), BIT(2) },
	{ 4, BITS(59, 0), BITS(63, 12) | BITS(5, 4) | BIT(2) | BIT(0), BITS(5, 4) | BIT(2) },
	{ 5, BITS(15, 0), 0, 0 },
	{ 6, BITS(15, 0) | BITS(31, 24) | BITS(51, 32), BITS(63, 12) | BIT(4) | BIT(2) | BIT(0), BIT(2) },
	{ 7, BITS(15, 0) | BITS(51, 32), BITS(47, 32) | BIT(2), BITS(43, 41) },
	{ 8, 0, 0, 0 },
};

static bool offered(const struct mdl_amd_config *c, unsigned op)
{
	return op == 4 ? c->header & BIT(24) : op == 6 ? c->efr & BIT(0) : op == 7 ? c->efr & BIT(1) :
	       op == 8 ? c->efr & BIT(6) : op >= 1 && op <= 8;
}

/* Makes a stopped ring run again. */
static void restart(struct am *a)
{
	uint64_t ctl = am_reg(a, 0x0018);

	am_set(a, 0x0018, ctl & ~BIT(12));
	am_set(a, 0x2000, 0);
	am_set(a, 0x2008, 0);
	am_set(a, 0x0018, ctl);
}

/* The command stops the ring, with its event; it must do both or neither. */
static bool illegal(struct am *a, uint64_t q0, uint64_t q1)
{
	uint64_t event[2] = { 0, 0 }, at = a->commands + am_reg(a, 0x2008);
	bool stopped, logged;

	am_put_cmd(a, q0, q1);
	stopped = !(am_reg(a, 0x2020) & CMD_RUN);
	logged = am_event(a, event);
	expect_true(a->t, stopped == logged, "a stop and its event together");
	if (logged)
		expect_true(a->t, event[0] == AM_OP(5) && event[1] == at,
			    "ILLEGAL_COMMAND_ERROR with the command's address");
	if (stopped)
		restart(a);
	return stopped;
}

static void each_bit(struct test *t, struct am *a, const struct layout *l)
{
	for (unsigned bit = 0; bit < 128; bit++) {
		uint64_t q0 = bit < 64 ? BIT(bit) : 0, q1 = bit < 64 ? 0 : BIT(bit - 64);
		bool store = l->op == 1 && bit == 0; /* it needs an address that is there */

		if ((bit >= 60 && bit < 64) || store || (q1 & l->open1))
			continue;
		if (!am_is(t, "illegal", illegal(a, AM_OP((uint64_t)l->op) | q0, q1),
			   !((q0 & l->may0) | (q1 & l->may1)),
			   1000 * l->op + bit))
			return;
	}
}

static void all_bits(struct test *t, const struct mdl_amd_config *c)
{
	struct am *a = am_start_as(t, c, 0);
	bool gt = a->config.efr & BIT(4), type = a->config.efr & BIT(54);

	for (unsigned op = 0; op < 16; op++)
		am_is(t, "illegal without operands", illegal(a, AM_OP((uint64_t)op), 0), !offered(&a->config, op), op);
	for (unsigned i = 0; i < ARRAY_LEN(layouts); i++)
		if (offered(&a->config, layouts[i].op))
			each_bit(t, a, &layouts[i]);
	for (unsigned op = 3; op <= 6; op++)
		if (op != 5 && offered(&a->config, op))
			am_is(t, "illegal with GN = 1", illegal(a, AM_OP((uint64_t)op), 4), !gt, op);
	for (uint64_t v = 0; v < 4 && offered(&a->config, 4); v++)
		am_is(t, "illegal with a Type", illegal(a, AM_OP(4), 0x10 * v), v && !type, v);
}

TEST(model_cmd_bits,
     .id = "amdvi.model.cmd.bits",
     .checks = "AMD-CMD-014 AMD-CMD-015 AMD-CMD-016 AMD-CMD-017 AMD-CMD-018 "
	       "AMD-CMD-019 AMD-CMD-020 AMD-CMD-021 AMD-CMD-022 AMD-CMD-025 AMD-CMD-026 AMD-CMD-027 AMD-CMD-028",
     .given = "every opcode; of those that the unit offers, each bit of the command alone",
     .expects = "ILLEGAL_COMMAND_ERROR and a stop where the bit is reserved or the opcode is not offered, else nothing",
     .needs = NEEDS, .flags = TEST_MODEL, .budget_us = 8000000)
{
	all_bits(t, am_config(t));
	all_bits(t, am_small());
}

/* ---- what reaches devices ---- */

/* S, an address, and the range that they name. */
static const struct { uint64_t word, first, bytes; } ranges[] = {
	{ 0x12345000, 0x12345000, 0x1000 }, { 0x12347000, 0x12347000, 0x1000 }, { 0x12344001, 0x12344000, 0x2000 },
	{ 0x12345001, 0x12344000, 0x4000 }, { 0x1234f001, 0x12340000, 0x20000 }, { 0x000ff001, 0, 0x200000 },
	{ AM_ALL, 0, 0 }, { UINT64_C(0x3ffffffffffff001), 0, UINT64_C(0x8000000000000000) },
};

TEST(model_cmd_device,
     .id = "amdvi.model.cmd.iotlb",
     .given = "INVALIDATE_IOTLB_PAGES with ranges, and with a PASID of which each bit is set alone",
     .expects = "the device is told device id, range and PASID",
     .needs = NEEDS | NEED_AMD_IOTLB, .flags = TEST_MODEL)
{
	struct am *a = am_start(t, 0);

	for (unsigned i = 0; i < ARRAY_LEN(ranges); i++) {
		a->invs_n = 0;
		am_cmd(a, AM_OP(4) | AM_SID, ranges[i].word);
		am_is(t, "invalidations", a->invs_n, 1, i);
		am_is(t, "the first address", a->invs[0].address, ranges[i].first, i);
		am_is(t, "bytes", a->invs[0].bytes, ranges[i].bytes, i);
		am_is(t, "the device", a->invs[0].sid, AM_SID, i);
		am_is(t, "with a PASID", a->invs[0].has_pasid, 0, i);
		am_is(t, "the PASID", a->invs[0].pasid, 0, i);
	}
	for (unsigned bit = 0; bit < 20 && (a->config.efr & BIT(4)); bit++) {
		unsigned split = bit < 8 ? 48 + bit : bit < 16 ? 16 + bit - 8 : 56 + bit - 16;
		unsigned joined = bit < 8 ? 16 + bit : 48 + bit - 8;

		a->invs_n = 0;
		am_cmd(a, AM_OP(4) | AM_SID | BIT(a->config.choices.u23_pasid_low_first ? joined : split), 4);
		am_is(t, "the PASID", a->invs[0].pasid, BIT(bit), bit);
		am_is(t, "with a PASID", a->invs[0].has_pasid, 1, bit);
	}
}

TEST(model_cmd_answer_within,
     .id = "amdvi.model.cmd.answer_within",
     .given = "the device's answer comes while INVALIDATE_IOTLB_PAGES is carried out",
     .expects = "it is carried out once",
     .needs = NEEDS | NEED_AMD_IOTLB, .flags = TEST_MODEL)
{
	struct am *a = am_start(t, 0);

	a->answer_within = true;
	am_put_cmd(a, AM_OP(4) | AM_SID, AM_ALL);
	am_put_cmd(a, AM_OP(4) | AM_SID2, AM_ALL);
	am_cmd(a, AM_OP(2) | AM_SID, 0);
	expect_eq(t, "invalidations", a->invs_n, 2);
	expect_eq(t, "the first device", a->invs[0].sid, AM_SID);
	expect_eq(t, "the second device", a->invs[1].sid, AM_SID2);
}

TEST(model_cmd_ppr,
     .id = "amdvi.model.cmd.complete_ppr",
     .given = "COMPLETE_PPR_REQUEST with and without PASID",
     .expects = "the device gets device id, tag, code and PASID",
     .needs = NEEDS | NEED_AMD_PPR, .flags = TEST_MODEL)
{
	struct am *a = am_start(t, 0);

	am_cmd(a, AM_OP(7) | AM_SID | FLD(BITS(51, 32), 0xa5c3e), FLD(BITS(40, 32), 0x155) | FLD(BITS(47, 44), 15) | 4);
	am_cmd(a, AM_OP(7) | AM_SID2 | FLD(BITS(51, 32), 0x5a3c1), FLD(BITS(40, 32), 0x0aa) | FLD(BITS(47, 44), 1));
	if (!expect_eq(t, "responses", a->responses_n, 2))
		return;
	expect_true(t, a->responses[0].sid == AM_SID && a->responses[1].sid == AM_SID2, "each to its device");
	expect_true(t, a->responses[0].has_pasid && !a->responses[1].has_pasid, "with PASID, and without");
	expect_true(t, a->responses[0].pasid == 0xa5c3e && a->responses[1].pasid == 0x5a3c1, "the PASID");
	expect_true(t, a->responses[0].prgi == 0x155 && a->responses[1].prgi == 0xaa, "the tag");
	expect_true(t, a->responses[0].code == 15 && a->responses[1].code == 1, "the code");
}

/* ---- COMPLETION_WAIT and stops ---- */

TEST(model_cmd_store,
     .id = "amdvi.model.cmd.store",
     .given = "COMPLETION_WAIT with and without S; a store to a hole; a ring in a hole",
     .expects = "eight bytes; COMMAND_HARDWARE_ERROR with the address, and a stop",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = am_start(t, 0);
	uint64_t page = am_page(a), hole = page_unbacked(t).v, event[2];

	am_put(page, 1);
	am_put(page + 16, 2);
	am_put_cmd(a, AM_OP(1) | (page + 8) | 1, UINT64_C(0x1122334455667788));
	expect_eq(t, "the store", am_get(page + 8), UINT64_C(0x1122334455667788));
	expect_true(t, am_get(page) == 1 && am_get(page + 16) == 2, "its neighbours stay");
	am_put_cmd(a, AM_OP(1) | (page + 8), 5);
	expect_eq(t, "nothing with S = 0", am_get(page + 8), UINT64_C(0x1122334455667788));
	expect_eq(t, "status", am_reg(a, 0x2020), 0x18);
	am_put_cmd(a, AM_OP(1) | hole | 1, 5);
	expect_eq(t, "an event", am_event(a, event), 1);
	expect_true(t, event[0] == UINT64_C(0x6200000000000000) && event[1] == hole,
		    "COMMAND_HARDWARE_ERROR, master abort, with the address");
	expect_eq(t, "status", am_reg(a, 0x2020) & CMD_RUN, 0);
	expect_eq(t, "the event in 0040h", am_reg(a, 0x0040), a->config.efr & BIT(8) ? event[0] : 0);
	am_set(a, 0x0018, 0x0405);
	am_set(a, 0x0008, hole | UINT64_C(0x0800000000000000));
	am_set(a, 0x2008, 16);
	am_set(a, 0x0018, 0x1405);
	expect_eq(t, "an event", am_event(a, event), 1);
	expect_true(t, event[0] == UINT64_C(0x6200000000000000) && event[1] == hole, "the same of a fetch that fails");
	expect_eq(t, "status", am_reg(a, 0x2020) & CMD_RUN, 0);
}

TEST(model_cmd_stop,
     .id = "amdvi.model.cmd.stop",
     .given = "a store, an illegal command, a store, all at once; then the ring off and on",
     .expects = "the first store alone; the head at the illegal command, or behind it; then the rest",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = am_start(t, 0);
	bool after = a->config.choices.u44_head_after;
	uint64_t page = am_page(a);

	am_set(a, 0x0018, 0x0405);
	am_put(a->commands + 0xff0, AM_OP(15)); /* the last slot: the ring wraps here */
	am_put(a->commands + 0xfe0, AM_OP(1) | page | 1);
	am_put(a->commands + 0xfe8, 1);
	am_put(a->commands, AM_OP(1) | page | 1);
	am_put(a->commands + 8, 2);
	am_set(a, 0x2000, 0xfe0);
	am_set(a, 0x2008, 16);
	expect_eq(t, "nothing while CmdBufEn = 0", am_get(page), 0);
	am_set(a, 0x0018, 0x1405);
	expect_eq(t, "the first store", am_get(page), 1);
	expect_eq(t, "the head", am_reg(a, 0x2000), after ? 0 : 0xff0);
	expect_eq(t, "an illegal command", am_code(a), 5);
	am_set(a, 0x2008, 16);
	expect_eq(t, "nothing by the tail alone", am_get(page), 1);
	am_set(a, 0x2000, 0);
	am_set(a, 0x0018, 0x1404);
	am_set(a, 0x0018, 0x1405);
	expect_eq(t, "the second store", am_get(page), 2);
	expect_eq(t, "the head", am_reg(a, 0x2000), 16);
}

/* ---- devices that do not answer ---- */

/* A withheld 4h of a device that may have translations, and a store behind it. */
static struct am *held(struct test *t, uint64_t ctl, uint64_t *page)
{
	struct am *a = am_start(t, ctl);

	*page = am_page(a);
	am_dte(a, AM_SID, 3, BIT(32), 0, 0);
	am_dte(a, AM_SID2, 3, BIT(32), 0, 0);
	a->withhold = true;
	am_put_cmd(a, AM_OP(4) | AM_SID, 0);
	am_put_cmd(a, AM_OP(4) | AM_SID2, 0);
	am_put_cmd(a, AM_OP(1) | *page | 1, 7);
	return a;
}

TEST(model_cmd_held,
     .id = "amdvi.model.cmd.held",
     .given = "two devices that do not answer 4h, then one after the other does; devices that cannot have translations",
     .expects = "COMPLETION_WAIT waits for both; for the others it does not",
     .needs = NEEDS | NEED_AMD_IOTLB, .flags = TEST_MODEL)
{
	uint64_t page;
	struct am *a = held(t, 0, &page);

	expect_eq(t, "nothing yet", am_get(page), 0);
	mdl_amd_devtlb_answer(&a->u, 0x20);
	mdl_amd_devtlb_answer(&a->u, AM_SID2);
	expect_eq(t, "nothing after one answer", am_get(page), 0);
	mdl_amd_devtlb_answer(&a->u, AM_SID2);
	expect_eq(t, "nothing after one answer twice", am_get(page), 0);
	for (unsigned i = 0; i < 1000; i++)
		(void)am_reg(a, 0x2020);
	expect_eq(t, "nothing after a while without InvTimeOut", am_get(page), 0);
	expect_eq(t, "events", am_code(a), 0);
	mdl_amd_devtlb_answer(&a->u, AM_SID);
	expect_eq(t, "the store", am_get(page), 7);
	am_dte(a, AM_SID, 3, 0, 0, 0);
	am_dte(a, AM_SID2, 0, BIT(32), 0, 0);
	am_put_cmd(a, AM_OP(4) | AM_SID, 0);
	am_put_cmd(a, AM_OP(4) | AM_SID2, 0);
	am_put_cmd(a, AM_OP(4) | 0x7ff8, 0);
	am_put_cmd(a, AM_OP(1) | page | 1, 8);
	expect_eq(t, "devices with I = 0, V = 0 or no entry", am_get(page), 8);
}

TEST(model_cmd_timeout,
     .id = "amdvi.model.cmd.timeout", .checks = "AMD-CMD-053 AMD-CMD-054",
     .given = "two devices that do not answer 4h, InvTimeOut = 1",
     .expects = "IOTLB_INV_TIMEOUT for each, with device id and address of its command; then commands go on, or stop",
     .needs = NEEDS | NEED_AMD_IOTLB, .flags = TEST_MODEL)
{
	bool stops = am_config(t)->choices.u44_timeout_stops, seen[2] = { false, false };
	uint64_t page, event[2];
	struct am *a = held(t, BIT(5), &page);

	for (unsigned i = 0; i < 200; i++)
		(void)am_reg(a, 0x2020);
	expect_eq(t, "nothing too early", am_get(page), 0);
	for (unsigned i = 0; i < 200; i++)
		(void)am_reg(a, 0x2020);
	for (unsigned i = 0; i < 2 && expect_eq(t, "an event", am_event(a, event), 1); i++) {
		bool first = event[0] == (AM_OP(7) | AM_SID);

		seen[!first] = true;
		expect_true(t, first || event[0] == (AM_OP(7) | AM_SID2),
			    "IOTLB_INV_TIMEOUT of the device, and nothing else");
		/* Behind two entries dropped, each with its wait. */
		expect_eq(t, "the address of its command", event[1] - a->commands, first ? 0x40 : 0x50);
	}
	expect_true(t, seen[0] && seen[1], "one for each device");
	expect_eq(t, "no more events", am_code(a), 0);
	expect_eq(t, "the store", am_get(page), stops ? 0 : 7);
	expect_eq(t, "the run bits", am_reg(a, 0x2020) & ~BIT(1), stops ? 8 : 0x18);
	/* Those that were given up are forgotten. */
	a->withhold = false;
	restart(a);
	am_put_cmd(a, AM_OP(1) | page | 1, 9);
	expect_eq(t, "a store once the ring runs again", am_get(page), 9);
}

TEST(model_cmd_held_off,
     .id = "amdvi.model.cmd.held_off",
     .given = "a device that does not answer, and CmdBufEn off and on", .expects = "it is not waited for any more",
     .needs = NEEDS | NEED_AMD_IOTLB, .flags = TEST_MODEL)
{
	uint64_t page;
	struct am *a = held(t, 0, &page);

	am_set(a, 0x0018, 0x0405);
	expect_eq(t, "nothing while it is off", am_get(page), 0);
	am_set(a, 0x0018, 0x1405);
	expect_eq(t, "the store", am_get(page), 7);
}

TEST(model_cmd_reset,
     .id = "amdvi.model.cmd.reset",
     .given = "a unit that stopped, waits for a device and has put off commands; a reset",
     .expects = "nothing of it is left",
     .needs = NEEDS | NEED_AMD_IOTLB, .flags = TEST_MODEL)
{
	uint64_t page;
	struct am *a = held(t, BIT(5), &page);

	mdl_amd_reset(&a->u);
	expect_eq(t, "entries in the caches", mdl_amd_cached(&a->u), 0);
	am_set(a, 0x0000, a->devtab | 2);
	am_set(a, 0x0008, a->commands | UINT64_C(0x0800000000000000));
	am_set(a, 0x0010, a->events | UINT64_C(0x0800000000000000));
	am_set(a, 0x0018, 0x1425);
	am_put_cmd(a, AM_OP(1) | page | 1, 11);
	expect_eq(t, "a store after the reset", am_get(page), 11);
	for (unsigned i = 0; i < 600; i++)
		(void)am_reg(a, 0x2020);
	expect_eq(t, "events", am_code(a), 0);
	am_put_cmd(a, AM_OP(15), 0);
	expect_eq(t, "an illegal command", am_code(a), 5);
	mdl_amd_reset(&a->u);
	am_set(a, 0x0008, a->commands | UINT64_C(0x0800000000000000));
	am_set(a, 0x0018, 0x1405);
	expect_eq(t, "status after a stop and a reset", am_reg(a, 0x2020), 0x18);
}
