/*
 * What the event log says of device table entries (AMD IOMMU 2.5.2, 2.5.3, 2.5.4).
 */
#include "tests/amdvi/fixture.h"

#define NEEDS (NEED_AMDVI | NEED_AMD_HOST | NEED_ENGINE_DIRECT)

/* A translation that works, then one defect in the entry, then a write (or read) that is refused and its event. */
static bool defect(struct test *t, uint64_t w0, bool write, unsigned code, struct amdvi_event *e)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);

	ax_set(ax_req(t, t->engine)->dte, w0 | ax_req(t, t->engine)->dte[0]);
	ax_sync(t);
	return ax_dma(t, AX_A, p, write, DMA_REFUSED) && ax_expect_event(t, code, e);
}

static void illegal_is_logged(struct test *t)
{
	defect(t, t->desc->arg, true, EV_ILLEGAL_DTE, NULL);
}

#define LOGGED(name_, row_, bit_) \
	{ .id = "amdvi.dte.event." name_, .checks = row_, .given = name_ " set in an entry with V = 1", \
	  .expects = "ILLEGAL_DEV_TABLE_ENTRY", .needs = NEEDS | NEED_ENGINE_WRITE, .arg = BIT(bit_), \
	  .body = illegal_is_logged }

TEST_TABLE(dte_event_logged, LOGGED("bit2", "AMD-DTE-019", 2), LOGGED("bit6", "AMD-DTE-020", 6),
	   LOGGED("bit63", "AMD-DTE-021", 63));

TEST(dte_event_rz, .id = "amdvi.dte.event.rz", .checks = "AMD-DTE-022", .given = "a reserved bit of the entry set",
     .expects = "RZ = 1", .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct amdvi_event e;

	if (defect(t, BIT(2), true, EV_ILLEGAL_DTE, &e))
		expect_eq(t, "RZ", e.rz, 1);
}

TEST(dte_event_i, .id = "amdvi.dte.event.i", .checks = "AMD-DTE-023", .given = "a reserved bit of the entry set, DMA",
     .expects = "I = 0", .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct amdvi_event e;

	if (defect(t, BIT(2), true, EV_ILLEGAL_DTE, &e))
		expect_eq(t, "I", e.i, 0);
}

static void event_rw(struct test *t)
{
	struct amdvi_event e;

	if (defect(t, BIT(2), t->desc->arg, EV_ILLEGAL_DTE, &e))
		expect_eq(t, "RW", e.rw, t->desc->arg);
}

TEST_TABLE(dte_event_rw,
	{ .id = "amdvi.dte.event.rw_write", .checks = "AMD-DTE-024",
	  .given = "a reserved bit of the entry set, a write",
	  .expects = "RW = 1", .needs = NEEDS | NEED_ENGINE_WRITE, .arg = 1, .body = event_rw },
	{ .id = "amdvi.dte.event.rw_read", .checks = "AMD-DTE-024", .given = "a reserved bit of the entry set, a read",
	  .expects = "RW = 0", .needs = NEEDS | NEED_ENGINE_READ, .arg = 0, .body = event_rw });

TEST(dte_event_device, .id = "amdvi.dte.event.device_id", .checks = "AMD-DTE-025",
     .given = "a reserved bit of the entry set", .expects = "the event names the requester",
     .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct amdvi_event e;

	if (defect(t, BIT(2), true, EV_ILLEGAL_DTE, &e))
		ax_expect_requester(t, &e, t->engine);
}

TEST(dte_event_address, .id = "amdvi.dte.event.address", .checks = "AMD-DTE-026",
     .given = "a reserved bit of the entry set", .expects = "the event has the address of the request, bits 63:2",
     .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct amdvi_event e;

	if (defect(t, BIT(2), true, EV_ILLEGAL_DTE, &e))
		ax_expect_address(t, &e, AX_A.v, 4);
}

TEST(dte_event_tv0, .id = "amdvi.dte.event.tv0", .checks = "AMD-DTE-009", .given = "V = 1, TV = 0, a write",
     .expects = "IO_PAGE_FAULT with PR = 0", .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	struct amdvi_event e;

	ax_set(ax_req(t, t->engine)->dte, DTE_V | DTE_IR | DTE_IW);
	ax_sync(t);
	if (!ax_dma(t, IOVA(p->pa.v), p, true, DMA_REFUSED) || !ax_event_take(t, &e))
		observe(t, "no event");
	else
		observe(t, "%s, PR = %u", amdvi_event_text(e.code), e.pr);
	ax_events_drop(t);
}

TEST(dte_event_mode7, .id = "amdvi.dte.event.mode7", .checks = "AMD-DTE-031", .given = "Mode = 111b, a write",
     .expects = "ILLEGAL_DEV_TABLE_ENTRY with RZ = 0", .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	struct amdvi_event e;

	ax_set(ax_req(t, t->engine)->dte, ax_req(t, t->engine)->dte[0] | DTE_MODE);
	ax_sync(t);
	if (!ax_dma(t, AX_A, p, true, DMA_REFUSED) || !ax_event_take(t, &e))
		observe(t, "no event");
	else
		observe(t, "%s, RZ = %u", amdvi_event_text(e.code), e.rz);
	ax_events_drop(t);
}

/* Mode 0 without the permission that the request needs. */
static bool mode0_refusal(struct test *t, bool write, struct amdvi_event *e)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	struct ax_req *r = ax_req(t, t->engine);

	ax_set_dte(t, r, amdvi_dte_host(PA(0), 0, r->domain_id, write ? PERM_R : PERM_W));
	ax_sync(t);
	return ax_dma(t, IOVA(p->pa.v), p, write, DMA_REFUSED) && ax_expect_event(t, EV_IO_PAGE_FAULT, e);
}

TEST(dte_event_mode0, .id = "amdvi.dte.event.mode0_permission", .checks = "AMD-DTE-016", .given = "Mode = 0, IW = 0",
     .expects = "IO_PAGE_FAULT with PR = 1 and PE = 1", .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct amdvi_event e;

	if (!mode0_refusal(t, true, &e))
		return;
	expect_eq(t, "PR", e.pr, 1);
	expect_eq(t, "PE", e.pe, 1);
}

static void mode0_rw(struct test *t)
{
	struct amdvi_event e;

	if (mode0_refusal(t, t->desc->arg, &e))
		expect_eq(t, "RW", e.rw, t->desc->arg);
}

TEST_TABLE(dte_event_mode0_rw,
	{ .id = "amdvi.dte.event.mode0_write", .checks = "AMD-DTE-017", .given = "Mode = 0, IW = 0",
	  .expects = "RW = 1",
	  .needs = NEEDS | NEED_ENGINE_WRITE, .arg = 1, .body = mode0_rw },
	{ .id = "amdvi.dte.event.mode0_read", .checks = "AMD-DTE-017", .given = "Mode = 0, IR = 0", .expects = "RW = 0",
	  .needs = NEEDS | NEED_ENGINE_READ, .arg = 0, .body = mode0_rw });

/* ---- an unreadable table ---- */

static bool table_in_hole(struct test *t, struct amdvi_event *e)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	struct amdvi_unit *u = ax_of(t)->u;
	pa_t hole = mem_unbacked(ax_of(t)->devtab.bytes);

	amdvi_ctl_clear(u, CTL_IOMMU_EN);
	mmio_wr(&u->regs, AMDVI_DEVTAB_BASE, hole.v | FLD(DEVTAB_SIZE, amdvi_devtab_size(&ax_of(t)->devtab)));
	amdvi_ctl_set(u, CTL_IOMMU_EN);
	ax_sync(t);
	ax_events_drop(t);
	return ax_dma(t, AX_A, p, true, DMA_REFUSED) && ax_expect_event(t, EV_DEVTAB_HW, e);
}

TEST(dte_hole, .id = "amdvi.dte.hole.logged", .checks = "AMD-DTE-041", .given = "a device table that nothing answers",
     .expects = "DMA is aborted, DEV_TAB_HARDWARE_ERROR with the address of the entry",
     .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct amdvi_event e;

	if (!table_in_hole(t, &e))
		return;
	ax_expect_address(t, &e, (mmio_rd(ax_regs(t), AMDVI_DEVTAB_BASE) & DEVTAB_BASE) +
				 t->engine->dev->addr.sid * sizeof(amdvi_dte_t), 1);
}

TEST(dte_hole_type, .id = "amdvi.dte.hole.type", .checks = "AMD-DTE-042",
     .given = "a device table that nothing answers",
     .expects = "Type is not 0", .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct amdvi_event e;

	if (table_in_hole(t, &e))
		expect_true(t, fld_get(EV_TYPE, e.raw[0]) != 0, "Type is not 0");
}

/* ---- suppression ---- */

enum { SUPPRESS_ALL = 1, COUNTED = 2, AGAIN = 4, ILLEGAL = 8, PLAIN = 16 };

static void suppressed(struct test *t)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	struct ax_req *r = ax_req(t, t->engine);
	uint64_t how = t->desc->arg;
	unsigned n;

	ax_set(r->dte + 1, r->dte[1] | (how & PLAIN ? 0 : how & SUPPRESS_ALL ? DTE1_SA : DTE1_SE));
	if (how & ILLEGAL)
		ax_set(r->dte, r->dte[0] | BIT(2));
	ax_sync(t);
	for (unsigned i = 0; i < 3; i++)
		if (!ax_dma(t, how & ILLEGAL ? AX_A : AX_B, p, true, DMA_REFUSED))
			return;
	n = ax_events_drop(t);
	if (how & ILLEGAL)
		expect_true(t, n != 0, "an event");
	else if (how & PLAIN) /* a transfer may be several requests */
		expect_true(t, n >= 3, "at least one event for each of three faults");
	else if (how & COUNTED)
		expect_eq(t, "events of three faults", n, how & SUPPRESS_ALL ? 0 : 1);
	if (!(how & AGAIN))
		return;
	ax_cmd(t, amdvi_cmd_devtab_entry(r->id));
	ax_dma(t, AX_B, p, true, DMA_REFUSED);
	expect_eq(t, "events after the entry was dropped", ax_events_drop(t), 1);
}

#define SUPPRESSED(name_, row_, given_, expects_, arg_) \
	{ .id = "amdvi.dte.suppress." name_, .checks = row_, .given = given_, .expects = expects_, \
	  .needs = NEEDS | NEED_ENGINE_WRITE, .arg = (arg_), .body = suppressed }

TEST_TABLE(dte_suppress,
	SUPPRESSED("sa_blocks", "AMD-DTE-047", "SA = 1", "faulting writes are aborted", SUPPRESS_ALL),
	SUPPRESSED("sa_silent", "AMD-DTE-048", "SA = 1", "nothing is logged", SUPPRESS_ALL | COUNTED),
	SUPPRESSED("se_once", "AMD-DTE-049 AMD-DTE-050", "SE = 1, three faults", "one event", COUNTED),
	SUPPRESSED("se_again", "AMD-DTE-051", "SE = 1, the entry dropped between", "one event each", AGAIN),
	SUPPRESSED("none", "AMD-DTE-052", "SE = SA = 0, three faults", "three events", PLAIN),
	SUPPRESSED("sa_illegal", "AMD-DTE-053", "SA = 1, a reserved bit set", "ILLEGAL_DEV_TABLE_ENTRY all the same",
		   SUPPRESS_ALL | ILLEGAL));

TEST(dte_event_domain, .id = "amdvi.dte.event.domain_id", .checks = "AMD-DTE-065",
     .given = "a write to an unmapped page",
     .expects = "IO_PAGE_FAULT has the entry's DomainID", .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	struct amdvi_event e;

	if (ax_dma(t, AX_B, p, true, DMA_REFUSED) && ax_expect_event(t, EV_IO_PAGE_FAULT, &e))
		expect_eq(t, "DomainID", e.domain_id, ax_req(t, t->engine)->domain_id);
}
