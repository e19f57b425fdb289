/*
 * Guest translation (AMD IOMMU 2.2.6) and nesting (2.2.7): requests without PASID through PASID 0, and with PASID.
 */
#include "tests/amdvi/guest.h"

#define NEEDS       (NEED_AMDVI | NEED_AMD_GT | NEED_ENGINE_DIRECT)
#define NEEDS_GIO   (NEEDS | NEED_AMD_GIO | NEED_ENGINE)
#define NEEDS_PASID (NEEDS | NEED_ENGINE_PASID | NEED_ENGINE)
#define MOVED       UINT64_C(0x4000000000) /* guest physical addresses lie elsewhere, but inside 48 bits */

static const struct ag_options plain = { .nested = false }, nested = { .nested = true, .moved = MOVED };

/* ---- translation ---- */

TEST(gt_page, .id = "amdvi.gt.page_4k", .checks = "AMD-GT-001",
     .given = "GV = GIoV = 1, Mode = 0, a request without PASID",
     .expects = "the table of PASID 0 translates it", .needs = NEEDS_GIO)
{
	struct ag *g;

	ag_start_mapped(t, &plain, &g);
	ax_expect_no_event(t);
}

TEST(gt_giov_off, .id = "amdvi.gt.giov_0", .checks = "AMD-GT-002",
     .given = "GIoV = 0, Mode = 0, a request without PASID",
     .expects = "the address counts as it is", .needs = NEEDS | NEED_ENGINE)
{
	struct page *p = page_filled(t, 0xa5);
	struct ag *g = ag_start(t, &(struct ag_options){ .giov_off = true });

	ag_map(t, g, 0, AX_A, p);
	ag_sync(t, 0);
	ax_allowed(t, IOVA(p->pa.v), p);
}

static void large(struct test *t)
{
	unsigned level = (unsigned)t->desc->arg;
	struct page *p = page_filled(t, 0xa5);
	uint64_t bytes = pow2(12 + 9 * (level - 1));
	iova_t base = IOVA(align_down(AX_A.v, bytes));
	struct ag *g = ag_start(t, &plain);

	ax_set(ag_entry(t, g, 0, base, level), ag_leaf(g, PA(align_down(p->pa.v, bytes)), level));
	ag_sync(t, 0);
	ax_allowed(t, iova_add(base, p->pa.v % bytes), p);
}

TEST_TABLE(gt_large,
	{ .id = "amdvi.gt.page_2m", .checks = "AMD-GT-003", .given = "a 2 MiB guest page", .expects = "it is reached",
	  .needs = NEEDS_GIO, .arg = 2, .body = large },
	{ .id = "amdvi.gt.page_1g", .checks = "AMD-GT-004", .given = "a 1 GiB guest page", .expects = "it is reached",
	  .needs = NEEDS_GIO, .arg = 3, .body = large });

TEST(gt_five, .id = "amdvi.gt.levels_5", .checks = "AMD-GT-005",
     .given = "GuestPagingMode = 01b, an address above 2^48",
     .expects = "the page is reached", .needs = NEEDS_GIO)
{
	struct page *p = page_filled(t, 0xa5);
	struct ag *g = ag_start(t, &(struct ag_options){ .levels = 5 });
	iova_t at = IOVA(AX_A.v | BIT(50));

	ag_map(t, g, 0, at, p);
	ag_sync(t, 0);
	ax_allowed(t, at, p);
}

/* ---- faults ---- */

enum { ABSENT, READ_ONLY, READ_ONLY_UP, RESERVED, NO_GCR3 };

static void fault(struct test *t)
{
	uint64_t how = t->desc->arg;
	struct amdvi_event e;
	struct ag *g;
	struct page *p = ag_start_mapped(t, &plain, &g);
	uint64_t *leaf = ag_entry(t, g, 0, AX_A, 1), *upper = ag_entry(t, g, 0, AX_A, 3), *root = ag_gcr3(t, g, 0);

	switch (how) {
	case ABSENT: ax_set(leaf, *leaf & ~V2_P); break;
	case READ_ONLY: ax_set(leaf, *leaf & ~V2_RW); break;
	case READ_ONLY_UP: ax_set(upper, *upper & ~V2_RW); break;
	case RESERVED: ax_set(ag_entry(t, g, 0, AX_A, 4), *ag_entry(t, g, 0, AX_A, 4) | V2_PS); break;
	default: ax_set(root, *root & ~GCR3_V); break;
	}
	ag_sync(t, 0);
	if (!ax_dma(t, AX_A, p, true, DMA_REFUSED) || !ax_expect_event(t, EV_IO_PAGE_FAULT, &e))
		return;
	expect_eq(t, "GN", e.gn, 1);
	expect_eq(t, "PR", e.pr, how != ABSENT && how != NO_GCR3);
	if (how == READ_ONLY || how == READ_ONLY_UP)
		expect_eq(t, "PE", e.pe, 1);
	if (how == RESERVED)
		expect_eq(t, "RZ", e.rz, 1);
	if (how == READ_ONLY)
		ax_dma(t, AX_A, p, false, DMA_DONE);
}

#define FAULT(id_, row_, given_, expects_, arg_) \
	{ .id = "amdvi.gt.fault." id_, .checks = row_, .given = given_, .expects = expects_, .needs = NEEDS_GIO, \
	  .arg = arg_, \
	  .body = fault }

TEST_TABLE(gt_faults, FAULT("absent", "AMD-GT-006", "P = 0 in the leaf", "IO_PAGE_FAULT, GN = 1, PR = 0", ABSENT),
	   FAULT("read_only", "AMD-GT-007 AMD-GT-008", "R/W = 0 in the leaf", "writes fault, PR = PE = 1; reads work",
	   	READ_ONLY),
	   FAULT("read_only_upper", "AMD-GT-009", "R/W = 0 at level 3", "writes fault, PR = PE = 1", READ_ONLY_UP),
	   FAULT("reserved", "AMD-GT-010", "bit 7 set at level 4", "IO_PAGE_FAULT, RZ = 1", RESERVED),
	   FAULT("gcr3_absent", "AMD-GT-017", "V = 0 in the GCR3 entry", "IO_PAGE_FAULT, GN = 1", NO_GCR3));

TEST(gt_canonical, .id = "amdvi.gt.fault.canonical", .checks = "AMD-GT-013",
     .given = "an address that is not canonical",
     .expects = "a fault", .needs = NEEDS_GIO)
{
	struct amdvi_event e;
	struct ag *g;
	struct page *p = ag_start_mapped(t, &plain, &g);

	if (!ax_dma(t, IOVA(AX_A.v | BIT(48)), p, true, DMA_REFUSED))
		return;
	if (ax_event_take(t, &e))
		observe(t, "%s, GN = %u, PR = %u", amdvi_event_text(e.code), e.gn, e.pr);
	else
		fail(t, "a fault", "no event");
	ax_events_drop(t);
}

TEST(gt_dte_iw, .id = "amdvi.gt.dte_iw", .checks = "AMD-GT-024", .given = "DTE.IW = 0, a writable guest page",
     .expects = "writes are blocked", .needs = NEEDS_GIO)
{
	struct ag *g;
	struct page *p = ag_start_mapped(t, &plain, &g);
	uint64_t *dte = ax_req(t, t->engine)->dte;

	ax_set(dte, dte[0] & ~DTE_IW);
	ag_sync(t, 0);
	ax_dma(t, AX_A, p, true, DMA_REFUSED);
}

/* ---- accessed and dirty ---- */

enum { SETS_A = 1, SETS_D, A_DISABLED };

static void updates(struct test *t)
{
	struct ag *g;
	struct page *p;
	uint64_t *leaf;

	if (t->desc->arg == A_DISABLED && !t->bench->amdvi->caps.ga_update_dis)
		skip(t, "EFR.GAUpdateDisSup = 0");
	p = page_filled(t, 0xa5);
	g = ag_start(t, &(struct ag_options){ .ctl = t->desc->arg == A_DISABLED ? CTL_GA_UPDATE_DIS : 0 });
	ag_map(t, g, 0, AX_A, p);
	ag_sync(t, 0);
	ax_dma(t, AX_A, p, t->desc->arg == SETS_D, DMA_DONE);
	leaf = ag_entry(t, g, 0, AX_A, 1);
	switch (t->desc->arg) {
	case SETS_A:
		for (unsigned level = 1; level <= 4; level++)
			expect_eq(t, "A of an entry used", *ag_entry(t, g, 0, AX_A, level) & V2_A, V2_A);
		break;
	case SETS_D: expect_eq(t, "D of the leaf", *leaf & V2_D, V2_D); break;
	default: expect_eq(t, "A of the leaf", *leaf & V2_A, 0); break;
	}
}

#define UPDATE(id_, row_, given_, expects_, arg_) \
	{ .id = "amdvi.gt.ad." id_, .checks = row_, .given = given_, .expects = expects_, .needs = NEEDS_GIO, \
	  .arg = arg_, \
	  .body = updates }

TEST_TABLE(gt_ad, UPDATE("a", "AMD-GT-014", "a read", "A in every entry used", SETS_A),
	   UPDATE("d", "AMD-GT-015", "a write", "D in the leaf", SETS_D),
	   UPDATE("a_disabled", "AMD-GT-016", "GAUpdateDis = 1, a read", "A stays 0", A_DISABLED));

/* ---- PASIDs ---- */

/* 100 * glx index; each PASID reaches its own page. */
static void pasids(struct test *t)
{
	static const uint32_t all[][2] = { { 0, 511 }, { 511, 512 }, { 512, 0x40000 } };
	unsigned glx = (unsigned)t->desc->arg;
	struct page *p[2] = { page_filled(t, 1), page_filled(t, 2) };
	struct ag *g;

	if (all[glx][1] >= pow2(t->bench->amdvi->caps.pasid_bits))
		skip(t, "EFR.PASMax: %u bits", t->bench->amdvi->caps.pasid_bits);
	g = ag_start(t, &(struct ag_options){ .glx = glx });
	for (unsigned i = 0; i < 2; i++) {
		ag_map(t, g, all[glx][i], AX_A, p[i]);
		ag_sync(t, all[glx][i]);
	}
	for (unsigned i = 0; i < 2; i++)
		ag_dma(t, all[glx][i], AX_A, p[i], true, DMA_DONE);
	for (unsigned i = 0; i < 2; i++)
		ag_dma(t, all[glx][i], AX_A, p[i], false, DMA_DONE);
}

#define PASIDS(id_, row_, given_, arg_) \
	{ .id = "amdvi.gt.pasid." id_, .checks = row_, .given = given_, .expects = "each uses its own tables", \
	  .needs = NEEDS_PASID, .arg = arg_, .body = pasids }

TEST_TABLE(gt_pasids, PASIDS("glx0", "AMD-GT-018 AMD-GT-023", "GLX = 0, PASIDs 0 and 511", 0),
	   PASIDS("glx1", "AMD-GT-019", "GLX = 1, PASIDs 511 and 512", 1),
	   PASIDS("glx2", "AMD-GT-020", "GLX = 2, PASIDs 512 and 2^18", 2));

TEST(gt_pasid_beyond, .id = "amdvi.gt.pasid.beyond", .checks = "AMD-GT-021", .given = "GLX = 0, PASID 512",
     .expects = "IO_PAGE_FAULT, GN = 1", .needs = NEEDS_PASID)
{
	struct page *p = page_filled(t, 0xa5);
	struct ag *g = ag_start(t, &plain);
	struct amdvi_event e;

	ag_map(t, g, 0, AX_A, p);
	ag_sync(t, 0);
	if (ag_dma(t, 0, AX_A, p, true, DMA_DONE) && ag_dma(t, 512, AX_A, p, true, DMA_REFUSED) &&
	    ax_expect_event(t, EV_IO_PAGE_FAULT, &e))
		expect_eq(t, "GN", e.gn, 1);
}

TEST(gt_pasid_event, .id = "amdvi.gt.pasid.event", .checks = "AMD-GT-022", .given = "PASID 77, an unmapped page",
     .expects = "the event has GN = 1 and the PASID", .needs = NEEDS_PASID)
{
	struct page *p = page_filled(t, 0xa5);
	struct ag *g = ag_start(t, &plain);
	struct amdvi_event e;

	ag_map(t, g, 77, AX_A, p);
	ag_sync(t, 77);
	if (!ag_dma(t, 77, AX_A, p, true, DMA_DONE) || !ag_dma(t, 77, AX_B, p, true, DMA_REFUSED) ||
	    !ax_expect_event(t, EV_IO_PAGE_FAULT, &e))
		return;
	expect_eq(t, "GN", e.gn, 1);
	expect_eq(t, "PASID", e.pasid, 77);
}

enum { USER, EXECUTE };

static void privilege(struct test *t)
{
	struct page *p = page_filled(t, 0xa5);
	struct ag *g = ag_start(t, &plain);
	struct dma_request rq = {
		.iova = AX_A, .len_bytes = dma_small_bytes(t, t->engine), .has_pasid = true, .pasid = 5,
		.exec = t->desc->arg == EXECUTE,
	};
	struct amdvi_event e;
	uint64_t *leaf;

	if (rq.exec && !(t->engine->caps.flags & DMA_CAN_EXEC))
		skip_unreached(t, "no engine that sends execute requests");
	ag_map(t, g, 5, AX_A, p);
	ag_sync(t, 5);
	if (!expect_dma(t, t->engine, &rq, false, p, 0, DMA_DONE))
		return;
	leaf = ag_entry(t, g, 5, AX_A, 1);
	ax_set(leaf, rq.exec ? *leaf | V2_NX : *leaf & ~V2_US);
	ag_sync(t, 5);
	if (!expect_dma(t, t->engine, &rq, false, p, 0, DMA_REFUSED) || !ax_expect_event(t, EV_IO_PAGE_FAULT, &e))
		return;
	if (rq.exec)
		expect_eq(t, "NX", e.nx, 1);
	else
		expect_eq(t, "US", e.us, 1);
}

TEST_TABLE(gt_privilege,
	{ .id = "amdvi.gt.user", .checks = "AMD-GT-011", .given = "U/S = 0, a user request",
	  .expects = "a fault with US = 1",
	  .needs = NEEDS_PASID, .arg = USER, .body = privilege },
	{ .id = "amdvi.gt.execute", .checks = "AMD-GT-012", .given = "NX = 1, an execute request",
	  .expects = "a fault with NX = 1", .needs = NEEDS_PASID | NEED_AMD_NX, .arg = EXECUTE, .body = privilege });

/* ---- invalidation ---- */

enum { PAGE, GCR3, OTHER_PASID };

static void dropped(struct test *t)
{
	uint16_t id;
	struct page *p = page_filled(t, 1), *q = page_filled(t, 2);
	struct ag *g = ag_start(t, &plain);

	id = ax_req(t, t->engine)->domain_id;
	ag_map(t, g, 5, AX_A, p);
	ag_map(t, g, 6, AX_A, q);
	ag_sync(t, 5);
	ag_sync(t, 6);
	ag_dma(t, 5, AX_A, p, true, DMA_DONE);
	ag_dma(t, 6, AX_A, q, true, DMA_DONE);
	switch (t->desc->arg) {
	case PAGE:
		ax_set(ag_entry(t, g, 5, AX_A, 1), ag_leaf(g, q->pa, 1));
		ax_cmd(t, amdvi_cmd_guest_pages(id, 5, amdvi_span_of(AX_A, PAGE_BYTES), false));
		ag_dma(t, 5, AX_A, q, true, DMA_DONE);
		break;
	case GCR3:
		ax_set(ag_gcr3(t, g, 5), *ag_gcr3(t, g, 6));
		ax_cmd(t, amdvi_cmd_guest_pages(id, 5, amdvi_span_all(), true));
		ag_dma(t, 5, AX_A, q, true, DMA_DONE);
		break;
	default:
		ax_cmd(t, amdvi_cmd_guest_pages(id, 5, amdvi_span_all(), true));
		ag_dma(t, 6, AX_A, q, true, DMA_DONE);
		break;
	}
}

#define DROPPED(id_, row_, given_, expects_, arg_) \
	{ .id = "amdvi.gt.inv." id_, .checks = row_, .given = given_, .expects = expects_, .needs = NEEDS_PASID, \
	  .arg = arg_, \
	  .body = dropped }

TEST_TABLE(gt_inv, DROPPED("page", "AMD-INV-025", "a guest page remapped, 3h with GN = 1", "the new frame is used",
	PAGE),
	   DROPPED("gcr3", "AMD-INV-027", "a GCR3 entry changed, 3h with GN = 1", "the new tables are used", GCR3),
	   DROPPED("other", "AMD-INV-026", "3h with GN = 1 of another PASID", "this one stays good", OTHER_PASID));

/* ---- nesting ---- */

TEST(gt_nested, .id = "amdvi.gt.nested.composed", .checks = "AMD-GT-025 AMD-GT-026",
     .given = "guest tables and page at moved guest physical addresses", .expects = "both translations are made",
     .needs = NEEDS_GIO | NEED_AMD_HOST)
{
	struct ag *g;

	ag_start_mapped(t, &nested, &g);
	ax_expect_no_event(t);
}

TEST(gt_nested_write, .id = "amdvi.gt.nested.host_iw", .checks = "AMD-GT-027", .given = "host IW = 0 on the final page",
     .expects = "writes are blocked, reads work", .needs = NEEDS_GIO | NEED_AMD_HOST)
{
	struct ag *g;
	struct page *p = ag_start_mapped(t, &nested, &g);

	ag_host(t, g, p->pa, PERM_R);
	ag_sync(t, 0);
	ax_dma(t, AX_A, p, true, DMA_REFUSED);
	ax_expect_event(t, EV_IO_PAGE_FAULT, NULL);
	ax_dma(t, AX_A, p, false, DMA_DONE);
}

TEST(gt_nested_table, .id = "amdvi.gt.nested.table_absent", .checks = "AMD-GT-028",
     .given = "host PR = 0 on a guest table page", .expects = "a fault", .needs = NEEDS_GIO | NEED_AMD_HOST)
{
	struct ag *g;
	struct page *p = ag_start_mapped(t, &nested, &g);
	uint64_t gpa = *ag_entry(t, g, 0, AX_A, 2) & V2_ADDR;
	struct amdvi_event e;

	ax_set(ax_entry(t, ax_req(t, t->engine), IOVA(gpa), 1), 0);
	ag_sync(t, 0);
	if (!ax_dma(t, AX_A, p, true, DMA_REFUSED))
		return;
	if (ax_event_take(t, &e))
		observe(t, "%s, GN = %u", amdvi_event_text(e.code), e.gn);
	else
		fail(t, "a fault", "no event");
	ax_events_drop(t);
}

TEST(gt_nested_inv, .id = "amdvi.gt.nested.inv", .checks = "AMD-INV-028",
     .given = "a host page remapped, 3h with GN = 0 of all",
     .expects = "the new frame is used", .needs = NEEDS_GIO | NEED_AMD_HOST)
{
	struct ag *g;
	struct page *p = ag_start_mapped(t, &nested, &g), *q = page_filled(t, 0x3c);

	ax_map_sized(t, ax_req(t, t->engine), IOVA(p->pa.v + MOVED), q->pa, 12, PERM_RW);
	ax_cmd(t, amdvi_cmd_pages(ax_req(t, t->engine)->domain_id, amdvi_span_all(), true));
	ax_allowed(t, AX_A, q);
}

/* GCR3TRPMode: the root as guest physical (through the host tables), or as system physical. */
static void root_mode(struct test *t)
{
	bool gpa = t->desc->arg;
	struct ag *g;
	struct page *p;
	struct ax_req *r;

	if (!t->bench->amdvi->caps.gcr3_trp_mode)
		skip(t, "EFR2.GCR3TRPMode = 0");
	p = page_filled(t, 0xa5);
	g = ag_start(t, &(struct ag_options){ .nested = true, .moved = MOVED, .ctl = gpa ? CTL_GCR3_TRP_MODE : 0 });
	r = ax_req(t, t->engine);
	if (gpa) {
		amdvi_dte_t d;

		for (unsigned i = 0; i < 4; i++)
			d.w[i] = r->dte[i];
		ax_set_dte(t, r, amdvi_dte_gcr3(d, pa_add(g->gcr3_pa, MOVED)));
		ag_host(t, g, g->gcr3_pa, PERM_RW);
	}
	ag_map(t, g, 0, AX_A, p);
	ag_sync(t, 0);
	ax_allowed(t, AX_A, p);
}

TEST_TABLE(gt_root_mode,
	{ .id = "amdvi.gt.root.guest", .checks = "AMD-GT-029", .given = "GCR3TRPMode = 1, the root moved",
	  .expects = "it is found through the host tables", .needs = NEEDS_GIO | NEED_AMD_HOST, .arg = 1,
	  .body = root_mode },
	{ .id = "amdvi.gt.root.system", .checks = "AMD-GT-030", .given = "GCR3TRPMode = 0",
	  .expects = "the root is where it says",
	  .needs = NEEDS_GIO | NEED_AMD_HOST, .arg = 0, .body = root_mode });

/* ---- illegal entries ---- */

static void illegal(struct test *t)
{
	struct amdvi_event e;
	struct page *p;
	struct ag *g;
	uint64_t *dte;

	if (t->desc->arg == 36 && t->bench->amdvi->caps.glx_max >= 2)
		skip(t, "EFR.GLXSup = 10b");
	p = ag_start_mapped(t, &plain, &g);
	dte = ax_req(t, t->engine)->dte;
	ax_set(dte, fld_set(DTE_GLX, dte[0], t->desc->arg == 36 ? t->bench->amdvi->caps.glx_max + 1 : 3));
	ag_sync(t, 0);
	if (!ax_dma(t, AX_A, p, true, DMA_REFUSED) || !ax_event_take(t, &e))
		fail(t, "an event", "no event");
	else
		note(t, "%s, RZ = %u", amdvi_event_text(e.code), e.rz);
	ax_events_drop(t);
}

TEST_TABLE(gt_illegal,
	{ .id = "amdvi.gt.illegal.glx3", .checks = "AMD-DTE-035", .given = "GLX = 11b, GV = 1",
	  .expects = "refused, an event",
	  .needs = NEEDS_GIO, .arg = 35, .body = illegal },
	{ .id = "amdvi.gt.illegal.glx_deep", .checks = "AMD-DTE-036", .given = "GLX beyond GLXSup, GV = 1",
	  .expects = "refused, an event", .needs = NEEDS_GIO, .arg = 36, .body = illegal });

TEST(gt_unsupported, .id = "amdvi.gt.illegal.gv", .checks = "AMD-DTE-034", .given = "GV = 1 without GTSup",
     .expects = "ILLEGAL_DEV_TABLE_ENTRY with RZ = 1",
     .needs = NEED_AMDVI | NEED_AMD_HOST | NEED_ENGINE_DIRECT | NEED_ENGINE_WRITE)
{
	struct amdvi_event e;
	struct page *p;

	if (t->bench->amdvi->caps.gt)
		skip(t, "EFR.GTSup = 1");
	p = ax_start_mapped(t, NULL, AX_A);
	ax_set(ax_req(t, t->engine)->dte, ax_req(t, t->engine)->dte[0] | DTE_GV);
	ax_sync(t);
	if (ax_dma(t, AX_A, p, true, DMA_REFUSED) && ax_expect_event(t, EV_ILLEGAL_DTE, &e))
		expect_eq(t, "RZ", e.rz, 1);
}
