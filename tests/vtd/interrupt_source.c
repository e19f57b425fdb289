/*
 * Interrupt remapping: which requesters an entry admits (VT-d 5.1.5, IRTE.SVT, SQ and SID).
 *
 * One requester is enough: not it but the entry's SID changes.
 */
#include "tests/vtd/interrupt_words.h"

#define NEEDS (NEED_VTD | NEED_IR | NEED_QI | NEED_ENGINE_MSI)
#define INDEX 5u

static void set_source(struct test *t, struct ir *ir, enum vtd_svt svt, unsigned sq, uint64_t sid)
{
	vtd_irte_t e = ir_entry(ir);

	e.w[1] = fld_set(IRTE1_SVT, e.w[1], svt);
	e.w[1] = fld_set(IRTE1_SQ, e.w[1], sq);
	e.w[1] = fld_set(IRTE1_SID, e.w[1], sid);
	ir_set(t, ir, INDEX, e);
}

TEST(source_any,
     .id = "vtd.ir.source.any", .checks = "VTD-IR-033", .given = "SVT = 00, SID of another requester, each SQ",
     .expects = "delivered", .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 8, false);

	for (unsigned sq = 0; sq < 4; sq++) {
		set_source(t, ir, SVT_NONE, sq, ir->sid ^ 0xffffu);
		expect_delivered(t, ir, INDEX);
	}
}

TEST(source_same,
     .id = "vtd.ir.source.same", .checks = "VTD-IR-034", .given = "SVT = 01, SQ = 00, SID of the requester",
     .expects = "delivered", .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 8, false);

	set_source(t, ir, SVT_SID, 0, ir->sid);
	expect_delivered(t, ir, INDEX);
}

/* SID with each bit of a mask alone changed: admitted or refused. */
static void sid_bits(struct test *t, struct ir *ir, unsigned sq, unsigned mask, bool admitted)
{
	for (unsigned bit = 1; bit <= 0x8000; bit *= 2) {
		if (!(mask & bit))
			continue;
		set_source(t, ir, SVT_SID, sq, ir->sid ^ bit);
		if (!(admitted ? expect_delivered(t, ir, INDEX) : expect_not_delivered(t, ir, INDEX, FR_IR_SID))) {
			note(t, "SQ %u, bit 0x%x of the SID changed", sq, bit);
			return;
		}
	}
}

static const struct { unsigned sq, bits; bool admitted; } qualifiers[] = {
	{ 0, 0xffff, false }, { 1, 4, true }, { 2, 6, true }, { 3, 7, true }, { 3, 0xf8, false },
};

static void qualified(struct test *t)
{
	struct ir *ir = ir_start(t, 8, false);
	unsigned sq = qualifiers[t->desc->arg].sq, bits = qualifiers[t->desc->arg].bits;

	set_source(t, ir, SVT_SID, sq, ir->sid);
	expect_delivered(t, ir, INDEX);
	sid_bits(t, ir, sq, bits, qualifiers[t->desc->arg].admitted);
	if (!qualifiers[t->desc->arg].admitted || sq == 3)
		return;
	/* All ignored bits at once. */
	set_source(t, ir, SVT_SID, sq, ir->sid ^ bits);
	expect_delivered(t, ir, INDEX);
}

#define SOURCE_ROW(name_, row_, arg_, given_, expects_) \
	{ .id = "vtd.ir.source." name_, .checks = row_, .given = given_, .expects = expects_, .needs = NEEDS, \
	  .arg = (arg_), \
	  .budget_us = 3000000, .body = qualified }

TEST_TABLE(source_qualified,
	   SOURCE_ROW("other", "VTD-IR-035", 0, "SVT = 01, SQ = 00, each bit of the SID changed",
		      "refused with reason 26h"),
	   SOURCE_ROW("sq_01", "VTD-IR-036", 1, "SVT = 01, SQ = 01, SID bit 2 changed", "delivered"),
	   SOURCE_ROW("sq_10", "VTD-IR-037", 2, "SVT = 01, SQ = 10, SID bits 2:1 changed", "delivered"),
	   SOURCE_ROW("sq_11", "VTD-IR-038", 3, "SVT = 01, SQ = 11, each of SID bits 2:0 changed", "delivered"),
	   SOURCE_ROW("sq_11_other_device", "VTD-IR-039", 4, "SVT = 01, SQ = 11, each of SID bits 7:3 changed",
		      "refused with reason 26h"));

/* What SQ does not mask counts: the other half of rows 036 to 038. */
TEST(source_qualified_rest,
     .id = "vtd.ir.source.sq_rest", .checks = "VTD-IR-036 VTD-IR-037",
     .given = "SVT = 01, SQ = 01 and 10, each bit changed that is not masked", .expects = "refused with reason 26h",
     .needs = NEEDS, .budget_us = 3000000)
{
	struct ir *ir = ir_start(t, 8, false);

	set_source(t, ir, SVT_SID, 1, ir->sid);
	expect_delivered(t, ir, INDEX);
	sid_bits(t, ir, 1, 0xfffb, false);
	sid_bits(t, ir, 2, 0xfff9, false);
}

/* ---- buses ---- */

static uint64_t buses(uint64_t first, uint64_t last)
{
	return fld_set(BITS(15, 8), 0, first) | fld_set(BITS(7, 0), 0, last);
}

TEST(source_bus_inside,
     .id = "vtd.ir.source.bus_inside", .checks = "VTD-IR-040",
     .given = "SVT = 10, buses 0 to 255, and around the requester's",
     .expects = "delivered", .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 8, false);
	uint64_t bus = fld_get(SID_BUS, ir->sid);

	set_source(t, ir, SVT_BUS_RANGE, 0, buses(0, 255));
	expect_delivered(t, ir, INDEX);
	set_source(t, ir, SVT_BUS_RANGE, 0, buses(bus > 0 ? bus - 1 : 0, bus < 255 ? bus + 1 : 255));
	expect_delivered(t, ir, INDEX);
}

TEST(source_bus_edge,
     .id = "vtd.ir.source.bus_edge", .checks = "VTD-IR-041",
     .given = "SVT = 10, the requester's bus alone, first, last",
     .expects = "delivered", .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 8, false);
	uint64_t bus = fld_get(SID_BUS, ir->sid);

	set_source(t, ir, SVT_BUS_RANGE, 0, buses(bus, bus));
	expect_delivered(t, ir, INDEX);
	set_source(t, ir, SVT_BUS_RANGE, 0, buses(bus, 255));
	expect_delivered(t, ir, INDEX);
	set_source(t, ir, SVT_BUS_RANGE, 0, buses(0, bus));
	expect_delivered(t, ir, INDEX);
}

TEST(source_bus_outside,
     .id = "vtd.ir.source.bus_outside", .checks = "VTD-IR-042",
     .given = "SVT = 10, first the requester's bus alone, then the buses above it, then those below",
     .expects = "delivered, then refused with reason 26h", .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 8, false);
	uint64_t bus = fld_get(SID_BUS, ir->sid);

	set_source(t, ir, SVT_BUS_RANGE, 0, buses(bus, bus));
	expect_delivered(t, ir, INDEX);
	if (bus < 255) {
		set_source(t, ir, SVT_BUS_RANGE, 0, buses(bus + 1, 255));
		expect_not_delivered(t, ir, INDEX, FR_IR_SID);
	}
	if (bus > 0) {
		set_source(t, ir, SVT_BUS_RANGE, 0, buses(0, bus - 1));
		expect_not_delivered(t, ir, INDEX, FR_IR_SID);
	}
}

TEST(source_reserved,
     .id = "vtd.ir.source.svt_reserved", .checks = "VTD-IR-043", .given = "SVT = 11",
     .expects = "refused with 24h or 26h",
     .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 8, false);
	bool vector, decoy;
	unsigned reason;

	set_source(t, ir, SVT_SID, 0, ir->sid);
	expect_delivered(t, ir, INDEX);
	set_source(t, ir, SVT_RESERVED, 0, ir->sid);
	ir_try(t, ir, ir_address(INDEX, false), ir->decoy, &vector, &decoy, &reason);
	expect_true(t, !vector && !decoy, "nothing is delivered");
	if (expect_true(t, reason == FR_IR_IRTE_RESERVED || reason == FR_IR_SID, "recorded with reason 24h or 26h"))
		observe(t, "reason 0x%02x", reason);
}
