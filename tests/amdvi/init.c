/*
 * Bring-up and teardown (AMD IOMMU 2.3), the exclusion range (3.4), device table segments (2.2.2.1).
 */
#include "tests/amdvi/fixture.h"
#include <string.h>

#define NEEDS (NEED_AMDVI | NEED_AMD_HOST | NEED_ENGINE_DIRECT | NEED_ENGINE)

/* First of all: is DMA translated here at all? An address that is no memory reaches a page, and without the page not. */
TEST(init_translates, .id = "amdvi.init.translates", .checks = "AMD-PT-004 AMD-PT-025",
     .given = "an address that nothing answers, mapped to a page, then not", .expects = "it reaches the page, then nothing",
     .needs = NEEDS)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);

	ax_set(ax_entry(t, ax_req(t, t->engine), AX_A, 1), 0);
	ax_sync(t);
	ax_blocked(t, AX_A, p);
}

TEST(init_blocking, .id = "amdvi.init.blocking", .checks = "AMD-INIT-001", .given = "a unit just enabled, every entry blocking",
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

TEST(init_quiet, .id = "amdvi.init.quiet", .checks = "AMD-INIT-002", .given = "the unit enabled, no DMA", .expects = "no event",
     .needs = NEED_AMDVI)
{
	ax_start(t, NULL);
	ax_expect_no_event(t);
}

TEST(init_disable, .id = "amdvi.init.disable", .checks = "AMD-INIT-003", .given = "a unit that translated, switched off",
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

TEST(init_cycles, .id = "amdvi.init.cycles", .checks = "AMD-INV-001 AMD-INV-002", .given = "a thousand pages mapped, used, unmapped, dropped",
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
     .given = "an entry changed by the driver's sequence between uses", .expects = "the old result before, the new one after",
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
	must(t, amdvi_dte_replace(ax_of(t)->u, &ax_of(t)->devtab, r->id, amdvi_dte_host(pa, r->levels, 99, PERM_RW), &old),
	     "replacing the entry");
	ax_allowed(t, AX_A, q);
}

/* ---- exclusion range ---- */

enum { INSIDE_EX = 1, ALLOW, NEITHER, FIRST, LAST, BEFORE, BEHIND, OFF, NO_PERMISSION };

/*
 * The range is one page of memory, with pages beside it; the same addresses are mapped to other frames, so that it shows
 * whether a request was translated.
 */
static void exclusion(struct test *t)
{
	static const struct { unsigned page; bool excluded; } where[] = {
		[INSIDE_EX] = { 1, true }, [ALLOW] = { 1, true }, [NEITHER] = { 1, false }, [FIRST] = { 1, true },
		[LAST] = { 1, true }, [BEFORE] = { 0, false }, [BEHIND] = { 2, false }, [OFF] = { 1, false },
		[NO_PERMISSION] = { 1, true },
	};
	uint64_t how = t->desc->arg;
	struct page *memory = page_alloc(t, 3 * PAGE_BYTES, 0), *mapped = page_alloc(t, 3 * PAGE_BYTES, 0);
	uint64_t page = where[how].page * PAGE_BYTES, off = how == LAST ? PAGE_BYTES - dma_small_bytes(t, t->engine) : 0;
	struct ax_req *r;

	ax_start(t, NULL);
	r = ax_req(t, t->engine);
	for (uint64_t i = 0; i < 3 * PAGE_BYTES; i += PAGE_BYTES)
		ax_map_sized(t, r, IOVA(memory->pa.v + i), pa_add(mapped->pa, i), 12, PERM_RW);
	ax_sync(t);
	if (!expect_write(t, IOVA(memory->pa.v + page + off), mapped, page + off, DMA_DONE))
		return;
	if (how != ALLOW && how != NEITHER)
		ax_set(r->dte + 1, r->dte[1] | DTE1_EX);
	if (how == NO_PERMISSION)
		ax_set(r->dte, r->dte[0] & ~(DTE_IR | DTE_IW));
	amdvi_exclusion_set(ax_of(t)->u, pa_add(memory->pa, PAGE_BYTES), pa_add(memory->pa, PAGE_BYTES), how == ALLOW);
	if (how == OFF)
		amdvi_exclusion_off(ax_of(t)->u);
	ax_sync(t);
	expect_write(t, IOVA(memory->pa.v + page + off), where[how].excluded ? memory : mapped, page + off, DMA_DONE);
}

#define EXCLUSION(id_, row_, given_, expects_, arg_) \
	{ .id = "amdvi.excl." id_, .checks = row_, .given = given_, .expects = expects_, .needs = NEEDS, .arg = arg_, \
	  .body = exclusion }

TEST_TABLE(excl_rows, EXCLUSION("inside", "AMD-DTE-054", "inside the range, EX = 1", "not translated", INSIDE_EX),
	   EXCLUSION("no_permission", "AMD-DTE-055", "inside the range, EX = 1, IR = IW = 0", "DMA works", NO_PERMISSION),
	   EXCLUSION("neither", "AMD-DTE-056", "inside the range, EX = 0, Allow = 0", "translated", NEITHER),
	   EXCLUSION("allow", "AMD-DTE-057", "inside the range, EX = 0, Allow = 1", "not translated", ALLOW),
	   EXCLUSION("first", "AMD-DTE-058", "the first byte of the range", "not translated", FIRST),
	   EXCLUSION("last", "AMD-DTE-059", "the last bytes of the range", "not translated", LAST),
	   EXCLUSION("before", "AMD-DTE-060", "the page before the range", "translated", BEFORE),
	   EXCLUSION("behind", "AMD-DTE-061", "the page behind the range", "translated", BEHIND),
	   EXCLUSION("off", "AMD-DTE-062", "ExEn = 0, EX = 1", "translated", OFF));

/* ---- device table segments ---- */

/* Two segments; an engine in one half finds its entry there, and the other half has a blocking one at its place. */
static void segment(struct test *t)
{
	struct page *p = page_filled(t, 0xa5);
	struct engine *e = NULL;

	for (unsigned i = 0; i < t->bench->engines_n && !e; i++)
		if (!!(t->bench->engines[i].dev->addr.sid & BIT(15)) == !!t->desc->arg &&
		    (t->bench->engines[i].caps.flags & (DMA_DIRECT | DMA_CAN_WRITE)) == (DMA_DIRECT | DMA_CAN_WRITE))
			e = &t->bench->engines[i];
	if (!e)
		skip_unreached(t, "no engine on such a bus");
	ax_prepare(t, &(struct ax_options){ .segments_log2 = 1 });
	ax_add(t, e);
	ax_map_sized(t, ax_req(t, e), AX_A, p->pa, 12, PERM_RW);
	ax_on(t);
	expect_write_by(t, e, AX_A, dma_small_bytes(t, e), p, 0, DMA_DONE);
}

TEST_TABLE(seg_rows,
	{ .id = "amdvi.seg.upper", .checks = "AMD-DTE-045", .given = "two segments, device id bit 15 set",
	  .expects = "segment 1 has the entry", .needs = NEED_AMDVI | NEED_AMD_HOST | NEED_AMD_SEG, .arg = 1, .body = segment },
	{ .id = "amdvi.seg.lower", .checks = "AMD-DTE-046", .given = "two segments, device id bit 15 clear",
	  .expects = "segment 0 has the entry", .needs = NEED_AMDVI | NEED_AMD_HOST | NEED_AMD_SEG, .arg = 0,
	  .body = segment });

/* ---- accessed and dirty bits of host tables (AMD IOMMU 2.2.3) ---- */

enum { NO_UPDATE, A_ON_READ, A_IN_DIRS, NO_D, D_ON_WRITE, D_NOT_ON_READ, D_LARGE, D_REPLICA, D_AGAIN, D_NOT_ON_FAULT, REST };

static uint64_t had_of(uint64_t how)
{
	return FLD(DTE_HAD, how == NO_UPDATE ? HAD_NONE : how < D_ON_WRITE ? HAD_A : HAD_AD);
}

/* Where the leaf is, and how many entries it has. */
static uint64_t *leaf_of(struct test *t, struct page **p, iova_t *at, unsigned *n)
{
	unsigned bits = t->desc->arg == D_LARGE ? 21 : t->desc->arg == D_REPLICA ? 16 : 12;

	*p = page_alloc(t, pow2(bits), pow2(bits));
	*at = IOVA(align_down(AX_A.v, pow2(bits)));
	*n = bits == 16 ? 16 : 1;
	ax_map_sized(t, ax_req(t, t->engine), *at, (*p)->pa, bits, PERM_RW);
	return ax_entry(t, ax_req(t, t->engine), *at, bits == 21 ? 2 : 1);
}

static void updates(struct test *t)
{
	uint64_t how = t->desc->arg, before, bits = 0;
	struct ax_req *r;
	struct page *p;
	iova_t at;
	uint64_t *leaf;
	unsigned n;

	ax_start(t, NULL);
	r = ax_req(t, t->engine);
	leaf = leaf_of(t, &p, &at, &n);
	if (how == D_NOT_ON_FAULT)
		ax_set(leaf, ax_leaf(p->pa, PERM_R));
	ax_set(r->dte, r->dte[0] | had_of(how));
	ax_sync(t);
	before = *leaf;
	expect_dma(t, t->engine, &(struct dma_request){ .iova = at, .len_bytes = dma_small_bytes(t, t->engine) },
		   how == NO_D || how == D_ON_WRITE || how >= D_LARGE, p, 0, how == D_NOT_ON_FAULT ? DMA_REFUSED : DMA_DONE);
	for (unsigned i = 0; i < n; i++)
		bits |= leaf[i];
	switch (how) {
	case NO_UPDATE: expect_eq(t, "A and D", bits & (V1_A | V1_D), 0); break;
	case A_ON_READ: expect_eq(t, "A", bits & V1_A, V1_A); break;
	case A_IN_DIRS:
		for (unsigned level = 2; level <= r->levels; level++)
			expect_eq(t, "A of a directory", *ax_entry(t, r, at, level) & V1_A, V1_A);
		break;
	case NO_D: case D_NOT_ON_READ: case D_NOT_ON_FAULT: expect_eq(t, "D", bits & V1_D, 0); break;
	case REST: expect_true(t, (*leaf & ~(V1_A | V1_D)) == before, "all other bits unchanged"); break;
	case D_AGAIN:
		ax_set(leaf, before);
		ax_cmd(t, amdvi_cmd_pages(r->domain_id, amdvi_span_of(at, PAGE_BYTES), false));
		expect_write(t, at, p, 0, DMA_DONE);
		expect_eq(t, "D once more", *leaf & V1_D, V1_D);
		break;
	default: expect_eq(t, "D", bits & V1_D, V1_D); break;
	}
}

#define UPDATE(id_, row_, given_, expects_, needs_, arg_) \
	{ .id = "amdvi.pt.ad." id_, .checks = row_, .given = given_, .expects = expects_, .needs = NEEDS | (needs_), \
	  .arg = arg_, .body = updates }

TEST_TABLE(ad_rows, UPDATE("none", "AMD-PT-082", "HAD = 00b, a read", "A and D stay 0", 0, NO_UPDATE),
	   UPDATE("a_leaf", "AMD-PT-083", "HAD = 01b, a read", "A in the leaf", NEED_AMD_HA, A_ON_READ),
	   UPDATE("a_dirs", "AMD-PT-084", "HAD = 01b, a read", "A in every directory used", NEED_AMD_HA, A_IN_DIRS),
	   UPDATE("a_only", "AMD-PT-085", "HAD = 01b, a write", "D stays 0", NEED_AMD_HA, NO_D),
	   UPDATE("d_leaf", "AMD-PT-086", "HAD = 11b, a write", "D in the leaf", NEED_AMD_HD, D_ON_WRITE),
	   UPDATE("d_read", "AMD-PT-087", "HAD = 11b, a read", "D stays 0", NEED_AMD_HD, D_NOT_ON_READ),
	   UPDATE("d_large", "AMD-PT-088", "HAD = 11b, a write to a 2 MiB page", "D in its leaf", NEED_AMD_HD, D_LARGE),
	   UPDATE("d_replica", "AMD-PT-089", "HAD = 11b, a write to a 64 KiB page", "D in a replica", NEED_AMD_HD, D_REPLICA),
	   UPDATE("d_again", "AMD-PT-090", "D cleared and dropped, another write", "D again", NEED_AMD_HD, D_AGAIN),
	   UPDATE("d_fault", "AMD-PT-091", "HAD = 11b, a write that faults", "D stays 0", NEED_AMD_HD, D_NOT_ON_FAULT),
	   UPDATE("rest", "AMD-PT-092", "HAD = 11b, a write", "the other bits stay", NEED_AMD_HD, REST));
