/*
 * Bring-up and teardown (AMD IOMMU 2.3).
 */
#include "tests/amdvi/fixture.h"
#include <string.h>

#define NEEDS (NEED_AMDVI | NEED_AMD_HOST | NEED_ENGINE_DIRECT | NEED_ENGINE)

/* First of all: is DMA translated here at all? An address that is no memory reaches a page,
	and without the page not. */
TEST(init_translates, .id = "amdvi.init.translates", .checks = "AMD-PT-004 AMD-PT-025",
     .given = "an address that nothing answers, mapped to a page, then not",
     .expects = "it reaches the page, then nothing",
     .needs = NEEDS)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);

	ax_set(ax_entry(t, ax_req(t, t->engine), AX_A, 1), 0);
	ax_sync(t);
	ax_blocked(t, AX_A, p);
}

TEST(init_blocking, .id = "amdvi.init.blocking", .checks = "AMD-INIT-001",
     .given = "a unit just enabled, every entry blocking",
     .expects = "no DMA passes", .needs = NEEDS)
{
	struct page *p = page_filled(t, 0xa5);
	struct ax_req *r;

	expect_write(t, IOVA(p->pa.v), p, 0, DMA_DONE);
	ax_prepare(t, NULL);
	r = ax_req(t, t->engine);
	ax_set_dte(t, r, amdvi_dte_host(r->space_pa, r->levels, 0, 0));
	ax_on(t);
	ax_blocked(t, IOVA(p->pa.v), p);
}

TEST(init_quiet, .id = "amdvi.init.quiet", .checks = "AMD-INIT-002", .given = "the unit enabled, no DMA",
     .expects = "no event",
     .needs = NEED_AMDVI)
{
	ax_start(t, NULL);
	ax_expect_no_event(t);
}

TEST(init_disable, .id = "amdvi.init.disable", .checks = "AMD-INIT-003",
     .given = "a unit that translated, switched off",
     .expects = "DMA passes", .needs = NEEDS)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);

	must(t, amdvi_unit_quiesce(ax_of(t)->u), "switching the unit off");
	ax_allowed(t, IOVA(p->pa.v), p);
}

TEST(init_again, .id = "amdvi.init.again", .checks = "AMD-INIT-004", .given = "the unit off, and on with other buffers",
     .expects = "commands run from the new buffer, events go to the new log", .needs = NEEDS)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	struct ax *ax = ax_of(t);
	struct ring old_cmds = ax->u->cmds.ring, old_events = ax->u->events.ring;
	struct amdvi_setup setup = { .devtab = &ax->devtab, .cmd_log2 = 9, .evt_log2 = 13 };
	struct amdvi_event e;

	must(t, amdvi_unit_quiesce(ax->u), "switching the unit off");
	must(t, amdvi_unit_prepare(ax->u, &setup), "preparing the unit again");
	ax_on(t);
	expect_true(t, ax->u->cmds.ring.bytes != old_cmds.bytes && ax->u->events.ring.bytes != old_events.bytes,
		    "other buffers");
	ax_allowed(t, AX_A, p);
	ax_blocked(t, AX_B, p);
	ax_expect_event(t, EV_IO_PAGE_FAULT, &e);
}

/* Where firmware has not touched the unit, it was found as reset left it. */
static void reset_value(struct test *t)
{
	const struct amdvi_unit *u = t->bench->amdvi;

	if (u->found.cmd_base & RING_BASE)
		skip_unreached(t, "firmware had programmed the unit");
	if (t->desc->arg == 21)
		expect_eq(t, "control", u->found.ctl, 0);
	if (t->desc->arg == 22)
		expect_eq(t, "status", u->found.status, 0);
	if (t->desc->arg == 23) {
		expect_eq(t, "ComLen", fld_get(RING_LEN, u->found.cmd_base), 8);
		expect_eq(t, "EventLen", fld_get(RING_LEN, u->found.evt_base), 8);
	}
}

#define RESET(id_, row_, n_) \
	{ .id = "amdvi.init.reset." id_, .checks = row_, .given = "the unit as it was found, not touched by firmware", \
	  .expects = "the value of a reset", .needs = NEED_AMDVI, .arg = n_, .body = reset_value }

TEST_TABLE(init_reset, RESET("control", "AMD-REG-021", 21), RESET("status", "AMD-REG-022", 22),
	   RESET("lengths", "AMD-REG-023", 23));

TEST(init_cycles, .id = "amdvi.init.cycles", .checks = "AMD-INV-001 AMD-INV-002",
     .given = "a thousand pages mapped, used, unmapped, dropped",
     .expects = "each works while mapped, and not afterwards", .needs = NEEDS, .budget_us = 8000000)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A), *q = page_filled(t, 0x3c);
	uint64_t *leaf = ax_entry(t, ax_req(t, t->engine), AX_A, 1);

	for (unsigned i = 0; i < 1000; i++) {
		struct page *now = i % 2 ? p : q;

		ax_set(leaf, ax_leaf(now->pa, PERM_RW));
		ax_cmd(t, amdvi_cmd_pages(ax_req(t, t->engine)->domain_id, amdvi_span_of(AX_A, PAGE_BYTES), false));
		if (!ax_dma(t, AX_A, now, true, DMA_DONE))
			return;
		ax_set(leaf, 0);
		ax_cmd(t, amdvi_cmd_pages(ax_req(t, t->engine)->domain_id, amdvi_span_of(AX_A, PAGE_BYTES), false));
		if (i % 50 == 0 && !ax_dma(t, AX_A, now, true, DMA_REFUSED))
			return;
		ax_events_drop(t);
	}
}

TEST(init_entry_update, .id = "amdvi.init.entry_update", .checks = "AMD-INV-016",
     .given = "an entry changed by the driver's sequence between uses",
     .expects = "the old result before, the new one after",
     .needs = NEEDS)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A), *q = page_filled(t, 0x3c);
	struct ax_req *r = ax_req(t, t->engine);
	uint64_t *old_space = r->space;
	uint16_t old = r->domain_id;
	pa_t pa;

	r->space = ax_table(t, &pa);
	ax_map_page(t, AX_A, q);
	r->space = old_space;
	ax_allowed(t, AX_A, p);
	must(t, amdvi_dte_replace(ax_of(t)->u, &ax_of(t)->devtab, r->id, amdvi_dte_host(pa, r->levels, 99, PERM_RW),
		&old),
	     "replacing the entry");
	ax_allowed(t, AX_A, q);
}
