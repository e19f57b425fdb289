/*
 * What the event log says of interrupts (AMD IOMMU 2.2.5, 2.5.2, 2.5.3, 2.5.9).
 */
#include "tests/amdvi/interrupts.h"

#define NEEDS (NEED_AMDVI | NEED_ENGINE_MSI)

enum cause { DISABLED, BEYOND, RESERVED_TYPE, GUEST_MODE, RESERVED_31, DTE_181, CTL_ABORT, CTL_RESERVED, LEN_12 };

/* A remapping that works, one defect, a message that does not arrive. True where it did not. */
static bool refused(struct test *t, enum cause c, uint64_t irte_extra, uint64_t dte_extra)
{
	struct air *a = air_start(t, false, 0, 0);
	uint64_t word = air_word(a) | irte_extra;

	switch (c) {
	case DISABLED: word &= ~IRTE32_REMAP_EN; break;
	case BEYOND: dte_extra |= 0; air_dte(t, DTE2_INT_TAB_LEN, FLD(DTE2_INT_TAB_LEN, 1)); break;
	case RESERVED_TYPE: word |= FLD(IRTE32_INT_TYPE, 2); break;
	case GUEST_MODE: word |= IRTE32_GUEST_MODE; break;
	case RESERVED_31: word |= BIT(31); break;
	case DTE_181: dte_extra |= BIT(181 - 128); break;
	case CTL_ABORT: air_dte(t, DTE2_INT_CTL, FLD(DTE2_INT_CTL, INT_CTL_ABORT)); break;
	case CTL_RESERVED: air_dte(t, DTE2_INT_CTL, FLD(DTE2_INT_CTL, INT_CTL_RESERVED)); break;
	case LEN_12: air_dte(t, DTE2_INT_TAB_LEN, FLD(DTE2_INT_TAB_LEN, 12)); break;
	}
	air_raw(t, a, 5, word, 0);
	air_dte(t, 0, dte_extra);
	return air_expect_blocked(t, a, c == CTL_ABORT ? a->address : AIR_ADDRESS, c == CTL_ABORT ? a->data : 5);
}

static void fault(struct test *t)
{
	static const struct { bool pr, rz; } flags[] = {
		[DISABLED] = { false, false }, [BEYOND] = { false, false }, [RESERVED_TYPE] = { true, true },
		[GUEST_MODE] = { true, true }, [RESERVED_31] = { true, true },
	};
	struct amdvi_event e;

	if (!refused(t, (enum cause)t->desc->arg, 0, 0) || !ax_expect_event(t, EV_IO_PAGE_FAULT, &e))
		return;
	expect_eq(t, "I", e.i, 1);
	expect_eq(t, "PR", e.pr, flags[t->desc->arg].pr);
	expect_eq(t, "RZ", e.rz, flags[t->desc->arg].rz);
}

static void silent(struct test *t)
{
	if (refused(t, DISABLED, t->desc->arg ? 0 : IRTE32_SUP_IOPF, t->desc->arg ? DTE2_IG : 0))
		ax_expect_no_event(t);
}

static void illegal_entry(struct test *t)
{
	struct amdvi_event e;

	if (!refused(t, (enum cause)t->desc->arg, 0, 0) || !ax_expect_event(t, EV_ILLEGAL_DTE, &e))
		return;
	expect_eq(t, "I", e.i, 1);
	if (t->desc->arg == DTE_181)
		expect_eq(t, "RZ", e.rz, 1);
	else
		note(t, "RZ = %u", e.rz);
}

#define ROW(id_, row_, given_, expects_, body_, arg_) \
	{ .id = "amdvi.ir.event." id_, .checks = row_, .given = given_, .expects = expects_, .needs = NEEDS, \
	  .arg = arg_, \
	  .budget_us = 4000000, .body = body_ }

TEST_TABLE(ir_events,
	ROW("disabled", "AMD-IR-026", "RemapEn = 0", "IO_PAGE_FAULT, I = 1, PR = 0", fault, DISABLED),
	ROW("beyond", "AMD-IR-021", "an index beyond the table", "IO_PAGE_FAULT, I = 1, PR = 0", fault, BEYOND),
	ROW("int_type", "AMD-IR-029", "IntType = 010b", "IO_PAGE_FAULT, I = 1, PR = 1, RZ = 1", fault, RESERVED_TYPE),
	ROW("guest_mode", "AMD-IR-030", "GuestMode = 1, GAEn = 0", "IO_PAGE_FAULT, I = 1, PR = 1, RZ = 1", fault,
		GUEST_MODE),
	ROW("reserved", "AMD-IR-031", "a reserved bit of the entry set", "IO_PAGE_FAULT, I = 1, PR = 1, RZ = 1", fault,
	    RESERVED_31),
	ROW("sup_iopf", "AMD-IR-027", "RemapEn = 0, SupIOPF = 1", "blocked, no event", silent, 0),
	ROW("ig", "AMD-IR-028", "RemapEn = 0, IG = 1", "blocked, no event", silent, 1),
	ROW("dte_reserved", "AMD-IR-033", "bit 181 set, IV = 1", "ILLEGAL_DEV_TABLE_ENTRY, I = 1, RZ = 1",
		illegal_entry,
	    DTE_181),
	ROW("ctl_reserved", "AMD-IR-009", "IntCtl = 11b", "ILLEGAL_DEV_TABLE_ENTRY, I = 1", illegal_entry,
		CTL_RESERVED),
	ROW("len12", "AMD-IR-024", "IntTabLen = 12", "ILLEGAL_DEV_TABLE_ENTRY, I = 1", illegal_entry, LEN_12));

TEST(ir_event_fields, .id = "amdvi.ir.event.fields", .checks = "AMD-IR-032", .given = "RemapEn = 0",
     .expects = "the event has device id and DomainID", .needs = NEEDS, .budget_us = 4000000)
{
	struct amdvi_event e;

	if (!refused(t, DISABLED, 0, 0) || !ax_expect_event(t, EV_IO_PAGE_FAULT, &e))
		return;
	ax_expect_requester(t, &e, t->engine);
	expect_eq(t, "DomainID", e.domain_id, ax_req(t, t->engine)->domain_id);
}

TEST(ir_event_abort, .id = "amdvi.ir.event.ctl_abort", .checks = "AMD-IR-007", .given = "IntCtl = 00b",
     .expects = "INVALID_DEVICE_REQUEST of type 101b is seen on parts", .needs = NEEDS, .budget_us = 4000000)
{
	struct amdvi_event e;

	if (!refused(t, CTL_ABORT, 0, 0))
		return;
	if (ax_event_take(t, &e))
		observe(t, "%s, type %u", amdvi_event_text(e.code), (unsigned)fld_get(EV_TYPE_8, e.raw[0]));
	else
		observe(t, "no event");
	ax_events_drop(t);
}

TEST(ir_event_sa, .id = "amdvi.ir.event.sa", .checks = "AMD-IR-034", .given = "SA = 1, RemapEn = 0",
     .expects = "IO_PAGE_FAULT all the same", .needs = NEEDS, .budget_us = 4000000)
{
	struct air *a = air_start(t, false, 0, 0);
	uint64_t *dte = ax_req(t, t->engine)->dte;

	ax_set(dte + 1, dte[1] | DTE1_SA);
	air_raw(t, a, 5, air_word(a) & ~IRTE32_REMAP_EN, 0);
	if (air_expect_blocked(t, a, AIR_ADDRESS, 5))
		ax_expect_event(t, EV_IO_PAGE_FAULT, NULL);
}
