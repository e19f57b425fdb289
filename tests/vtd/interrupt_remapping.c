/*
 * Interrupt remapping: the way from a message to an entry, and what entries do to it (VT-d 5.1).
 */
#include "tests/vtd/interrupt_words.h"

#define NEEDS (NEED_VTD | NEED_IR | NEED_QI | NEED_ENGINE_MSI)

TEST(ir_off,
     .id = "vtd.ir.off.compatibility", .checks = "VTD-IR-001", .given = "IRES = 0, a message in compatibility format",
     .expects = "delivered unchanged", .needs = NEEDS)
{
	struct ir *ir = ir_prepare(t, 8, false);
	uint64_t address;
	uint32_t data;

	irq_message(ir->decoy, &address, &data);
	expect_delivered_as(t, ir, address, data, ir->decoy);
}

TEST(ir_off_remappable,
     .id = "vtd.ir.off.remappable", .checks = "VTD-IR-002", .given = "IRES = 0, a message in remappable format",
     .expects = "not remapped", .needs = NEEDS)
{
	struct ir *ir = ir_prepare(t, 8, false);
	bool vector, decoy;
	unsigned reason;

	ir_set(t, ir, 0, ir_entry(ir));
	ir_try(t, ir, ir_address(0, false), ir->decoy, &vector, &decoy, &reason);
	expect_true(t, !vector, "the entry of the table is not used");
	observe(t, "%s, %s", decoy ? "delivered unchanged" : "not delivered", reason ? "recorded" : "not recorded");
}

TEST(ir_vector,
     .id = "vtd.ir.vector", .checks = "VTD-IR-003 VTD-IR-006 VTD-IR-056",
     .given = "TES = 1, a message with another vector in its data, a fixed entry; the message's page is not mapped",
     .expects = "the entry's vector arrives, no DMA fault", .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 8, false);

	ir_set(t, ir, 5, ir_entry(ir));
	expect_delivered(t, ir, 5);
	expect_true(t, vtd_gsts(fx_of(t)->u, GSTS_TES), "GSTS.TES = 1 all the time");
}

TEST(ir_without_translation,
     .id = "vtd.ir.translation_off", .checks = "VTD-IR-055", .given = "TES = 0, IRES = 1",
     .expects = "remapped all the same",
     .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 8, false);

	must(t, vtd_translation_off(fx_of(t)->u), "turning translation off");
	ir_set(t, ir, 5, ir_entry(ir));
	expect_delivered(t, ir, 5);
}

/* Only this processor runs, so another one's id must reach nobody. */
TEST(ir_destination,
     .id = "vtd.ir.destination", .checks = "VTD-IR-004 VTD-IR-030",
     .given = "EIME = 0; the entry names this processor in bits 47:40, then each id that differs in one bit",
     .expects = "delivered here, then not here", .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 8, false);
	bool vector, decoy;
	unsigned reason;

	ir_set(t, ir, 5, ir_entry(ir));
	expect_delivered(t, ir, 5);
	for (uint32_t bit = 1; bit < 256; bit *= 2) {
		vtd_irte_t e = vtd_irte((uint8_t)ir->vector, ir->dest ^ bit, false, ir->sid);

		if ((ir->dest ^ bit) == 255)
			continue; /* broadcast */
		ir_set(t, ir, 5, e);
		ir_try(t, ir, ir_address(5, false), ir->decoy, &vector, &decoy, &reason);
		if (!expect_true(t, !vector && !decoy, "an interrupt for another processor does not arrive here") ||
		    !expect_eq(t, "reason of a record", reason, 0))
			return;
	}
}

TEST(ir_destination_wide,
     .id = "vtd.ir.destination_32", .checks = "VTD-IR-029",
     .given = "EIME = 1; the entry names this processor in 32 bits, then an id with one upper bit more",
     .expects = "delivered here, then not here", .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 8, true);
	bool vector, decoy;
	unsigned reason;

	ir_set(t, ir, 5, ir_entry(ir));
	expect_delivered(t, ir, 5);
	for (unsigned bit = 8; bit < 32; bit++) {
		ir_set(t, ir, 5, vtd_irte((uint8_t)ir->vector, (uint32_t)(ir->dest | pow2(bit)), true, ir->sid));
		ir_try(t, ir, ir_address(5, false), ir->decoy, &vector, &decoy, &reason);
		if (!expect_true(t, !vector && !decoy, "an interrupt for another processor does not arrive here") ||
		    !expect_eq(t, "reason of a record", reason, 0))
			return;
	}
}

TEST(ir_lowest,
     .id = "vtd.ir.lowest_priority", .checks = "VTD-IR-008", .given = "DLM = 001, one processor",
     .expects = "delivered",
     .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 8, false);
	vtd_irte_t e = ir_entry(ir);

	ir_set(t, ir, 5, e);
	expect_delivered(t, ir, 5);
	e.w[0] |= FLD(IRTE_DLM, DLM_LOWEST);
	ir_set(t, ir, 5, e);
	expect_delivered(t, ir, 5);
}

TEST(ir_available,
     .id = "vtd.ir.available_bits", .checks = "VTD-IR-032", .given = "bits 11:8 of the entry, each alone and all",
     .expects = "delivered", .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 8, false);

	for (unsigned v = 1; v < 16; v = v == 8 ? 15 : v * 2) {
		vtd_irte_t e = ir_entry(ir);

		e.w[0] = fld_set(IRTE_AVAIL, e.w[0], v);
		ir_set(t, ir, 5, e);
		if (!expect_delivered(t, ir, 5))
			return;
	}
}

/* ---- which entry ---- */

/* Only entry index is present; the message must find it. */
static bool finds(struct test *t, struct ir *ir, unsigned index, uint64_t address, uint32_t data)
{
	bool good;

	ir_set(t, ir, index, ir_entry(ir));
	good = expect_delivered_as(t, ir, address, data, ir->vector);
	ir_set(t, ir, index, (vtd_irte_t){ .w = { 0 } });
	if (!good)
		note(t, "entry 0x%x", index);
	return good;
}

TEST(ir_handle,
     .id = "vtd.ir.handle", .checks = "VTD-IR-010",
     .given = "65536 entries; one present, its index of one bit, then all",
     .expects = "address bits 19:5 are handle bits 14:0", .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 16, false);

	finds(t, ir, 0, ir_address(0, false), ir->decoy);
	for (unsigned b = 0; b < 15; b++)
		if (!finds(t, ir, (unsigned)pow2(b), ir_address((unsigned)pow2(b), false), ir->decoy))
			return;
	finds(t, ir, 0x7fff, ir_address(0x7fff, false), ir->decoy);
}

TEST(ir_handle_15,
     .id = "vtd.ir.handle_15", .checks = "VTD-IR-011", .given = "65536 entries, 8000h present, then FFFFh",
     .expects = "address bit 2 is handle bit 15", .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 16, false);

	finds(t, ir, 0x8000, ir_address(0x8000, false), ir->decoy);
	finds(t, ir, 0xffff, ir_address(0xffff, false), ir->decoy);
}

TEST(ir_subhandle,
     .id = "vtd.ir.subhandle", .checks = "VTD-IR-012", .given = "SHV = 1, handle and subhandle",
     .expects = "their sum is the index", .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 16, false);

	finds(t, ir, 4, ir_address(4, true), 0);
	finds(t, ir, 7, ir_address(4, true), 3);
	finds(t, ir, 9, ir_address(7, true), 2); /* a sum, not an OR */
	for (unsigned b = 0; b < 16; b++)
		if (!finds(t, ir, (unsigned)pow2(b), ir_address(0, true), (uint32_t)pow2(b)))
			return;
}

TEST(ir_no_subhandle,
     .id = "vtd.ir.no_subhandle", .checks = "VTD-IR-013", .given = "SHV = 0, handle 4, data 1 to 255",
     .expects = "entry 4, whatever the data", .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 16, false);

	for (uint32_t data = 1; data < 256; data *= 2)
		if (!finds(t, ir, 4, ir_address(4, false), data))
			return;
}

/* Messages of PCI functions are aligned: an engine of another kind. */
TEST(ir_low_address_bits,
     .id = "vtd.ir.low_address_bits", .checks = "VTD-IR-014", .given = "address bits 1:0 set", .expects = "ignored",
     .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 8, false);

	finds(t, ir, 4, ir_address(4, false), ir->decoy);
	for (unsigned low = 1; low < 4; low++)
		finds(t, ir, 4, ir_address(4, false) | low, ir->decoy);
}

/* ---- the size of the table ---- */

/* arg: also what lies beyond. */
static void sizes(struct test *t)
{
	struct ir *ir = ir_start(t, 16, false);
	struct vtd_unit *u = fx_of(t)->u;
	vtd_irte_t e = ir_entry(ir);

	e.w[0] |= IRTE_FPD;
	for (unsigned s = 0; s < 16; s++) {
		unsigned n = (unsigned)pow2(s + 1);
		bool beyond = t->desc->arg && s < 15; /* of the largest table nothing is */

		must(t, vtd_gcmd_clear(u, GCMD_IRE), "turning interrupt remapping off");
		must(t, vtd_set_irt(u, ir->table->pa, s + 1, false), "setting the interrupt table");
		must(t, vtd_gcmd_set(u, GCMD_IRE), "turning interrupt remapping on");
		ir_put(t, ir, n - 1, e);
		if (beyond)
			ir_put(t, ir, n, e);
		fx_inv(t, vtd_desc_iec_global());
		if (!expect_delivered(t, ir, n - 1) || (beyond && !expect_not_delivered(t, ir, n, FR_IR_INDEX))) {
			note(t, "with S = %u", s);
			return;
		}
	}
}

TEST_TABLE(ir_sizes,
	   { .id = "vtd.ir.size.last", .checks = "VTD-IR-017", .given = "S = 0 to 15, index 2^(S+1) - 1",
	     .expects = "delivered", .budget_us = 5000000, .needs = NEEDS, .arg = 0, .body = sizes },
	   { .id = "vtd.ir.size.beyond", .checks = "VTD-IR-018 VTD-IR-020 VTD-IR-048",
	     .given = "S = 0 to 14, present entries with FPD = 1; index 2^(S+1) - 1, then 2^(S+1)",
	     .expects = "delivered, then refused with reason 21h, FPD or not", .budget_us = 5000000, .needs = NEEDS,
	     .arg = 1,
	     .body = sizes });

TEST(ir_sum_beyond,
     .id = "vtd.ir.size.subhandle", .checks = "VTD-IR-019", .given = "256 entries; handle + subhandle = 255, then 256",
     .expects = "delivered, then refused with reason 21h", .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 8, false);

	ir_set(t, ir, 255, ir_entry(ir));
	ir_set(t, ir, 256, ir_entry(ir));
	expect_delivered_as(t, ir, ir_address(200, true), 55, ir->vector);
	expect_message_refused(t, ir, ir_address(200, true), 56, 256, FR_IR_INDEX);
}
