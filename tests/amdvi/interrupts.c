/*
 * Interrupt remapping (AMD IOMMU 2.2.5): what arrives. What is logged is in interrupts_events.c.
 */
#include "tests/amdvi/interrupts.h"

#define NEEDS (NEED_AMDVI | NEED_ENGINE_MSI)

/* ---- control ---- */

enum { IOMMU_OFF, NO_IV, NO_IV_V, IV_ONLY, FORWARD, ABORT, RESERVED };

static void control(struct test *t)
{
	struct air *a = air_start(t, false, 0, 0);
	uint64_t *dte = ax_req(t, t->engine)->dte;
	bool aborts = t->desc->arg == ABORT || t->desc->arg == RESERVED;

	switch (t->desc->arg) {
	case IOMMU_OFF: amdvi_ctl_clear(ax_of(t)->u, CTL_IOMMU_EN); break;
	case NO_IV: ax_set(dte, 0); /* V = 0, too */ /* fallthrough */
	case NO_IV_V: air_dte(t, DTE2_IV, 0); break;
	case IV_ONLY:
		if (t->engine->own_n)
			ax_set(dte, 0);
		else
			ax_set(dte, dte[0] & ~DTE_V);
		ax_sync(t);
		air_expect(t, a, AIR_ADDRESS, 5, false);
		return;
	case FORWARD: air_dte(t, DTE2_INT_CTL, FLD(DTE2_INT_CTL, INT_CTL_FORWARD)); break;
	case ABORT: air_dte(t, DTE2_INT_CTL, FLD(DTE2_INT_CTL, INT_CTL_ABORT)); break;
	default: air_dte(t, DTE2_INT_CTL, FLD(DTE2_INT_CTL, INT_CTL_RESERVED)); break;
	}
	if (aborts)
		air_expect_blocked(t, a, a->address, a->data);
	else
		air_expect(t, a, a->address, a->data, true);
}

#define CONTROL(id_, row_, given_, expects_, arg_) \
	{ .id = "amdvi.ir.ctl." id_, .checks = row_, .given = given_, .expects = expects_, .needs = NEEDS, \
	  .arg = arg_, \
	  .budget_us = 4000000, .body = control }

TEST_TABLE(ir_control, CONTROL("iommu_off", "AMD-IR-001", "IommuEn = 0", "the message arrives as it is", IOMMU_OFF),
	   CONTROL("iv0_v0", "AMD-IR-002", "IV = 0, V = 0", "the message arrives as it is", NO_IV),
	   CONTROL("iv0_v1", "AMD-IR-003", "IV = 0, V = 1", "the message arrives as it is", NO_IV_V),
	   CONTROL("iv1_v0", "AMD-IR-004", "IV = 1, V = 0", "the message is remapped", IV_ONLY),
	   CONTROL("forward", "AMD-IR-005", "IntCtl = 01b", "the message arrives as it is", FORWARD),
	   CONTROL("abort", "AMD-IR-006", "IntCtl = 00b", "nothing arrives", ABORT),
	   CONTROL("reserved", "AMD-IR-008", "IntCtl = 11b", "nothing arrives", RESERVED));

/* ---- entries ---- */

static void delivers(struct test *t)
{
	struct air *a = air_start(t, t->desc->arg, 0, 0);

	air_expect(t, a, AIR_ADDRESS, 5, false);
}

static void indexes(struct test *t)
{
	static const unsigned at[] = { 0, 1, 2, 255, 256, 511 };
	unsigned from = t->desc->arg & 1 ? 4 : 0, to = t->desc->arg & 1 ? 6 : 4;
	struct air *a = air_start(t, t->desc->arg & 2, 0, 0);

	air_raw(t, a, 5, 0, 0);
	for (unsigned i = from; i < to; i++) {
		air_entry(t, a, at[i]);
		if (!air_expect(t, a, AIR_ADDRESS, at[i], false))
			note(t, "index %u", at[i]);
		air_raw(t, a, at[i], 0, 0);
	}
}

/* The entry beside the one that counts is another one: the stride shows. */
static void stride(struct test *t)
{
	struct air *a = air_start(t, t->desc->arg, 0, 0);

	air_raw(t, a, 4, 0, 0);
	air_raw(t, a, 6, 0, 0);
	air_expect(t, a, AIR_ADDRESS, 5, false);
	air_expect_blocked(t, a, AIR_ADDRESS, 4);
	air_expect_blocked(t, a, AIR_ADDRESS, 6);
}

static void table_place(struct test *t)
{
	struct air *a = air_start(t, false, 0, t->desc->arg);

	air_expect(t, a, AIR_ADDRESS, 5, false);
}

static void arbitrated(struct test *t)
{
	struct air *a = air_start(t, false, 0, 0);

	air_raw(t, a, 5, air_word(a) | FLD(IRTE32_INT_TYPE, INT_TYPE_ARBITRATED), 0);
	air_expect(t, a, AIR_ADDRESS, 5, false);
}

/* A destination that is no processor, then this one again. */
static void destination(struct test *t)
{
	struct air *a = air_start(t, t->desc->arg, 0, 0);
	uint64_t field = t->desc->arg ? IRTE128_DEST_LO : IRTE32_DEST;
	uint64_t w1 = t->desc->arg ? a->table[11] : 0;

	air_raw(t, a, 5, fld_set(field, air_word(a), 0xee), w1);
	air_expect_blocked(t, a, AIR_ADDRESS, 5);
	air_raw(t, a, 5, air_word(a), w1);
	air_expect(t, a, AIR_ADDRESS, 5, false);
}

static void disabled(struct test *t)
{
	struct air *a = air_start(t, false, 0, 0);

	air_raw(t, a, 5, air_word(a) & ~IRTE32_REMAP_EN, 0);
	air_expect_blocked(t, a, AIR_ADDRESS, 5);
}

#define ROW(id_, row_, given_, expects_, body_, arg_) \
	{ .id = "amdvi.ir." id_, .checks = row_, .given = given_, .expects = expects_, .needs = NEEDS, .arg = arg_, \
	  .budget_us = 8000000, .body = body_ }

TEST_TABLE(ir_entries,
	ROW("irte32.vector", "AMD-IR-010", "GAEn = 0, a 32-bit entry", "its vector arrives", delivers, 0),
	ROW("irte128.vector", "AMD-IR-041", "GAEn = 1, a 128-bit entry", "its vector arrives", delivers, 1),
	ROW("irte32.index", "AMD-IR-014", "indexes 0, 1, 2, 255", "each uses its entry", indexes, 0),
	ROW("irte32.index_bit8", "AMD-IR-015 AMD-IR-023", "indexes 256 and 511", "each uses its entry", indexes, 1),
	ROW("irte128.index", "AMD-IR-014 AMD-IR-017", "GAEn = 1, indexes 0, 1, 2, 255", "each uses its entry", indexes,
		2),
	ROW("irte32.stride", "AMD-IR-016", "GAEn = 0, neighbours disabled", "the entry at 4 * index counts", stride, 0),
	ROW("irte128.stride", "AMD-IR-017", "GAEn = 1, neighbours disabled", "the entry at 16 * index counts", stride,
		1),
	ROW("table.aligned128", "AMD-IR-019", "a table at 128 bytes into a page", "it is used", table_place, 128),
	ROW("irte32.arbitrated", "AMD-IR-013", "IntType = 001b", "the interrupt arrives", arbitrated, 0),
	ROW("irte32.destination", "AMD-IR-011", "a destination that is nobody's, then this processor's",
	    "only the second arrives", destination, 0),
	ROW("irte128.destination", "AMD-IR-042", "GAEn = 1, XTEn = 0, the same", "only the second arrives", destination,
		1),
	ROW("irte32.disabled", "AMD-IR-025", "RemapEn = 0", "nothing arrives", disabled, 0));

TEST(ir_xt, .id = "amdvi.ir.xt.destination_high", .checks = "AMD-IR-044",
     .given = "XTEn = 1, destination bits 31:24 not 0, then 0", .expects = "only the second arrives",
     .needs = NEEDS | NEED_AMD_XT, .budget_us = 8000000)
{
	struct air *a = air_start(t, true, CTL_XT_EN, 0);
	amdvi_irte128_t e = amdvi_irte128((uint8_t)a->vector, a->dest, false, true);

	air_raw(t, a, 5, e.w[0], e.w[1] | FLD(IRTE128_1_DEST_HI, 1));
	air_expect_blocked(t, a, AIR_ADDRESS, 5);
	air_raw(t, a, 5, e.w[0], e.w[1]);
	air_expect(t, a, AIR_ADDRESS, 5, false);
}

/* ---- table length ---- */

static void beyond_length(struct test *t)
{
	struct air *a = air_start(t, false, 0, 0);
	unsigned log2 = (unsigned)t->desc->arg;

	air_entry(t, a, 0);
	air_entry(t, a, (unsigned)pow2(log2));
	air_dte(t, DTE2_INT_TAB_LEN, FLD(DTE2_INT_TAB_LEN, log2));
	air_expect(t, a, AIR_ADDRESS, 0, false);
	air_expect_blocked(t, a, AIR_ADDRESS, (uint32_t)pow2(log2));
}

static void illegal_length(struct test *t)
{
	struct air *a = air_start(t, false, 0, 0);

	air_dte(t, DTE2_INT_TAB_LEN, FLD(DTE2_INT_TAB_LEN, 12));
	air_expect_blocked(t, a, AIR_ADDRESS, 5);
}

TEST_TABLE(ir_lengths,
	ROW("table.beyond", "AMD-IR-020", "IntTabLen = 1, index 2", "nothing arrives", beyond_length, 1),
	ROW("table.one", "AMD-IR-022", "IntTabLen = 0, index 1", "nothing arrives", beyond_length, 0),
	ROW("table.len12", "AMD-IR-024", "IntTabLen = 12", "nothing arrives", illegal_length, 0));

/* ---- other delivery modes ---- */

/* Blocked whatever the table says; delivered, these types would stop the machine, so only the pass bit 0 is tried. */
static void blocked_mode(struct test *t)
{
	struct air *a = air_start(t, false, 0, 0);
	uint32_t mode = (uint32_t)FLD(AIR_MODE, t->desc->arg);

	air_dte(t, DTE2_NMI_PASS | DTE2_EINT_PASS | DTE2_INIT_PASS, 0);
	air_expect_blocked(t, a, a->address, mode | 5);
	air_expect(t, a, AIR_ADDRESS, 5, false);
}

TEST_TABLE(ir_modes,
	ROW("mode.nmi_blocked", "AMD-IR-036", "NMIPass = 0, a message of type NMI", "no NMI", blocked_mode,
		INT_TYPE_NMI),
	ROW("mode.extint_blocked", "AMD-IR-038", "EIntPass = 0, a message of type ExtInt", "nothing arrives",
		blocked_mode,
	    INT_TYPE_EXTINT),
	{ .id = "amdvi.ir.mode.init_blocked", .checks = "AMD-IR-039", .given = "InitPass = 0, a message of type INIT",
	  .expects = "the processor is not reset", .needs = NEEDS, .arg = INT_TYPE_INIT, .flags = TEST_LAST,
	  .budget_us = 8000000, .body = blocked_mode },
	ROW("mode.index_9", "AMD-IR-053", "data bits 10:9 not 0 without the 2K mode", "no table entry is used",
		blocked_mode, 3));

TEST(ir_logical_nonfixed, .id = "amdvi.ir.mode.logical_blocked", .checks = "AMD-IR-040",
     .given = "EIntPass = 1, a message of type ExtInt with logical destination", .expects = "nothing arrives",
     .needs = NEEDS, .budget_us = 8000000)
{
	struct air *a = air_start(t, false, 0, 0);

	air_dte(t, 0, DTE2_EINT_PASS);
	air_expect_blocked(t, a, a->address | BIT(2), (uint32_t)FLD(AIR_MODE, INT_TYPE_EXTINT) | 5);
}

/* ---- invalidation ---- */

TEST(ir_changed, .id = "amdvi.ir.inv.vector", .checks = "AMD-IR-047 AMD-INV-023",
     .given = "another vector in the entry, 5h",
     .expects = "the new vector arrives", .needs = NEEDS, .budget_us = 8000000)
{
	struct air *a = air_start(t, false, 0, 0);

	*((volatile uint32_t *)a->table + 5) =
		amdvi_irte32((uint8_t)a->decoy, (uint8_t)a->dest, false).w[0]; /* 8-byte aligned */
	ax_cmd(t, amdvi_cmd_int_table(ax_req(t, t->engine)->id));
	air_expect(t, a, AIR_ADDRESS, 5, true);
}

TEST(ir_removed, .id = "amdvi.ir.inv.disabled", .checks = "AMD-INV-024", .given = "RemapEn from 1 to 0, 5h",
     .expects = "nothing arrives", .needs = NEEDS, .budget_us = 8000000)
{
	struct air *a = air_start(t, false, 0, 0);

	*((volatile uint32_t *)a->table + 5) = 0; /* 8-byte aligned */
	ax_cmd(t, amdvi_cmd_int_table(ax_req(t, t->engine)->id));
	air_expect_blocked(t, a, AIR_ADDRESS, 5);
}

TEST(ir_two_devices, .id = "amdvi.ir.own_table", .checks = "AMD-IR-048",
     .given = "two functions, two tables, one index",
     .expects = "each gets the vector of its own", .needs = NEEDS | NEED_ENGINE_2, .budget_us = 8000000)
{
	struct air *a = air_start(t, false, 0, 0);
	struct page *other = page_alloc(t, PAGE_BYTES, 0);
	struct ax_req *r = ax_req(t, t->engine2);
	struct engine *first = t->engine;
	amdvi_dte_t d;

	for (unsigned i = 0; i < 4; i++)
		d.w[i] = r->dte[i];
	ax_set_dte(t, r, amdvi_dte_int_table(d, other->pa, AIR_LOG2));
	*((volatile uint32_t *)(void *)other->p + 5) =
		amdvi_irte32((uint8_t)a->decoy, (uint8_t)a->dest, false).w[0]; /* page-aligned */
	ax_sync(t);
	t->engine = t->engine2;
	air_expect(t, a, AIR_ADDRESS, 5, true);
	t->engine = first;
	air_expect(t, a, AIR_ADDRESS, 5, false);
}

TEST(ir_reserved_iv_only, .id = "amdvi.ir.v0_reserved_bit3", .checks = "AMD-DTE-029",
     .given = "bit 3 set, V = 0, IV = 1",
     .expects = "interrupts arrive", .needs = NEEDS, .budget_us = 8000000)
{
	struct air *a = air_start(t, false, 0, 0);

	ax_set(ax_req(t, t->engine)->dte, BIT(3));
	ax_sync(t);
	air_expect(t, a, AIR_ADDRESS, 5, false);
}

TEST(ir_format_switched, .id = "amdvi.ir.format_switched", .checks = "AMD-INIT-005",
     .given = "a unit that remapped by 32-bit entries, switched off, and on with GAEn = 1 and new tables",
     .expects = "the new entries are used", .needs = NEEDS | NEED_AMD_GA, .budget_us = 8000000)
{
	struct air *a = air_start(t, false, 0, 0);
	struct ax *ax = ax_of(t);
	struct amdvi_setup setup = { .devtab = &ax->devtab, .cmd_log2 = 8, .evt_log2 = 8, .ctl = CTL_GA_EN };

	must(t, amdvi_unit_quiesce(ax->u), "switching the unit off");
	a->wide = true;
	must(t, amdvi_unit_prepare(ax->u, &setup), "preparing the unit again");
	ax_on(t);
	air_raw(t, a, 5, 0, 0);
	air_entry(t, a, 7);
	air_expect(t, a, AIR_ADDRESS, 7, false);
	air_expect_blocked(t, a, AIR_ADDRESS, 5);
}

TEST(ir_xt_without_ga, .id = "amdvi.ir.xt.without_ga", .checks = "AMD-IR-045", .given = "XTEn = 1, GAEn = 0",
     .expects = "32-bit entries are used", .needs = NEEDS | NEED_AMD_XT, .budget_us = 8000000)
{
	struct air *a = air_start(t, false, CTL_XT_EN, 0);

	air_expect(t, a, AIR_ADDRESS, 5, false);
}

TEST(ir_own_message, .id = "amdvi.ir.own_message", .checks = "AMD-IR-057",
     .given = "IV = 1, IntCtl = 00b in the entry of the IOMMU function, its own message", .expects = "it arrives",
     .needs = NEED_AMDVI, .budget_us = 4000000)
{
	struct pci_addr at = { t->bench->amdvi->segment, t->bench->amdvi->device_id };
	struct pci_dev *d = pci_find(&t->bench->bus, at);
	uint64_t address;
	uint32_t data;
	unsigned v = irq_for(t, &address, &data), n = 0;
	amdvi_dte_t *e;

	if (!d)
		give_up(t, "the IOMMU function is not on the bus");
	must(t, pci_msi_set(d, address, data), "setting the unit's message");
	ax_prepare(t, &(struct ax_options){ .ctl = CTL_COM_WAIT_INT_EN });
	e = amdvi_devtab_entry(&ax_of(t)->devtab, at.sid);
	if (!e)
		give_up(t, "the device table of the test does not reach the IOMMU function");
	*e = amdvi_dte_int_ctl(*e, INT_CTL_ABORT);
	ax_on(t);
	mmio_ack(ax_regs(t), AMDVI_STATUS, ST_COM_WAIT_INT);
	(void)irq_take(v);
	ax_cmd(t, amdvi_cmd_completion_wait(CW_I, PA(0), 0));
	for (deadline_t end = deadline_in_us(1000000); !n && !deadline_over(&end);)
		n += irq_take(v);
	expect_eq(t, "messages", n, 1);
}
