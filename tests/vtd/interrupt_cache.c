/*
 * Cached interrupt entries: dropped ones are not used any more; absent ones need no drop where CM = 0 (VT-d 6.5.2.6).
 */
#include "tests/vtd/interrupt_words.h"

#define NEEDS (NEED_VTD | NEED_IR | NEED_QI | NEED_ENGINE_MSI)
#define INDEX 8u

/* The entry with the other vector, so that stale and fresh ones are told apart. */
static vtd_irte_t other_entry(const struct ir *ir)
{
	return vtd_irte((uint8_t)ir->decoy, ir->dest, ir->eime, ir->sid);
}

/* Data that name neither vector. */
static bool arrives_as(struct test *t, struct ir *ir, unsigned index, unsigned vector)
{
	return expect_delivered_as(t, ir, ir_address(index, false), 0, vector);
}

static struct vtd_desc drop(bool global, unsigned index, unsigned im)
{
	return global ? vtd_desc_iec_global() : vtd_desc_iec_index((uint16_t)index, im); /* below 65536 */
}

static void changed(struct test *t)
{
	struct ir *ir = ir_start(t, 8, false);

	ir_set(t, ir, INDEX, ir_entry(ir));
	for (unsigned round = 0; round < 8; round++) {
		bool vector, decoy;
		unsigned reason;

		if (!arrives_as(t, ir, INDEX, round % 2 ? ir->decoy : ir->vector))
			return;
		ir_put(t, ir, INDEX, round % 2 ? ir_entry(ir) : other_entry(ir));
		ir_try(t, ir, ir_address(INDEX, false), 0, &vector, &decoy, &reason);
		if (!expect_true(t, vector != decoy && !reason,
				 "the old or the new vector arrives before the invalidation"))
			return;
		fx_inv(t, drop(t->desc->arg, INDEX, 0));
	}
	arrives_as(t, ir, INDEX, ir->vector);
}

TEST_TABLE(iec_changed,
	   { .id = "vtd.cache.interrupt.changed.index", .checks = "VTD-CACHE-049 VTD-IR-062",
	     .given = "an entry in use gets another vector; IEC index",
	     .expects = "old or new before, the new one after",
	     .needs = NEEDS, .arg = 0, .body = changed },
	   { .id = "vtd.cache.interrupt.changed.global", .checks = "VTD-CACHE-050 VTD-IR-062",
	     .given = "an entry in use gets another vector; IEC global",
	     .expects = "old or new before, the new one after",
	     .needs = NEEDS, .arg = 1, .body = changed });

TEST(iec_mask,
     .id = "vtd.cache.interrupt.mask", .checks = "VTD-CACHE-051",
     .given = "first, second, last of 2^n entries in use get another vector; IEC index, IM = n, n = 0 to MHMV",
     .expects = "all of them use the new one", .budget_us = 3000000, .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 16, false);

	for (unsigned im = 0; im <= t->bench->vtd->caps.mhmv && im <= 15; im++) {
		unsigned base = im < 15 ? (unsigned)pow2(15) : 0, last = (unsigned)pow2(im) - 1;
		unsigned at[] = { base, base + (last ? 1 : 0), base + last };

		for (unsigned i = 0; i < ARRAY_LEN(at); i++)
			ir_set(t, ir, at[i], ir_entry(ir));
		for (unsigned i = 0; i < ARRAY_LEN(at); i++)
			if (!arrives_as(t, ir, at[i], ir->vector))
				return;
		for (unsigned i = 0; i < ARRAY_LEN(at); i++)
			ir_put(t, ir, at[i], other_entry(ir));
		fx_inv(t, drop(false, base, im));
		for (unsigned i = 0; i < ARRAY_LEN(at); i++)
			if (!arrives_as(t, ir, at[i], ir->decoy)) {
				note(t, "IM %u, entry 0x%x", im, at[i]);
				return;
			}
	}
}

TEST(iec_cleared,
     .id = "vtd.cache.interrupt.cleared", .checks = "VTD-CACHE-052", .given = "an entry in use is cleared; IEC index",
     .expects = "refused with reason 22h", .needs = NEEDS)
{
	struct ir *ir = ir_start(t, 8, false);

	ir_set(t, ir, INDEX, ir_entry(ir));
	expect_delivered(t, ir, INDEX);
	ir_put(t, ir, INDEX, (vtd_irte_t){ .w = { 0 } });
	fx_inv(t, drop(false, INDEX, 0));
	expect_not_delivered(t, ir, INDEX, FR_IR_ABSENT);
}

/* A refused message, which would be the time to cache that, then the entry is made present. */
static struct ir *made_present(struct test *t)
{
	struct ir *ir = ir_start(t, 8, false);
	bool vector, decoy;
	unsigned reason;

	ir_try(t, ir, ir_address(INDEX, false), 0, &vector, &decoy, &reason);
	expect_true(t, !vector && !decoy, "nothing is delivered while the entry is not present");
	ir_put(t, ir, INDEX, ir_entry(ir));
	must(t, vtd_write_buffer_flush(fx_of(t)->u), "flushing the write buffer");
	return ir;
}

TEST(iec_absent,
     .id = "vtd.cache.absent.interrupt", .checks = "VTD-CACHE-006",
     .given = "CM = 0; an interrupt entry is made present after a refused message",
     .expects = "delivered without an invalidation",
     .needs = NEEDS)
{
	struct ir *ir;

	if (t->bench->vtd->caps.cm)
		skip(t, "CAP.CM = 1");
	ir = made_present(t);
	expect_delivered(t, ir, INDEX);
}

TEST(iec_absent_cm,
     .id = "vtd.cache.caching_mode.interrupt", .checks = "VTD-CACHE-010",
     .given = "CM = 1; an interrupt entry is made present after a refused message; IEC index", .expects = "delivered",
     .needs = NEEDS)
{
	struct ir *ir;

	if (!t->bench->vtd->caps.cm)
		skip(t, "CAP.CM = 0");
	ir = made_present(t);
	fx_inv(t, drop(false, INDEX, 0));
	expect_delivered(t, ir, INDEX);
}
