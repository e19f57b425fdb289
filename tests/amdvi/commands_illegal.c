/*
 * Commands that the unit must refuse (AMD IOMMU 2.4, 2.5.6, 2.5.7): the event, the stop, and the way back.
 */
#include "tests/amdvi/fixture.h"

#define MARK UINT64_C(0x1122334455667788)

/* A legal command with one defect. */
struct odd {
	enum amdvi_opcode op;
	unsigned bit; /* 0..127: set on top */
};

static struct amdvi_cmd legal(enum amdvi_opcode op)
{
	switch (op) {
	case CMD_INV_DEVTAB_ENTRY: return amdvi_cmd_devtab_entry(1);
	case CMD_INV_IOMMU_PAGES: return amdvi_cmd_pages(0x7ff0, amdvi_span_of(AX_A, PAGE_BYTES), false);
	case CMD_INV_IOTLB_PAGES:
		return amdvi_cmd_iotlb(&(struct amdvi_iotlb){ .device_id = 1,
			.span = amdvi_span_of(AX_A, PAGE_BYTES) });
	case CMD_INV_INT_TABLE: return amdvi_cmd_int_table(1);
	case CMD_INV_IOMMU_ALL: return amdvi_cmd_all();
	case CMD_COMPLETE_PPR: return amdvi_cmd_complete_ppr(1, false, 0, 0, PPR_SUCCESS);
	case CMD_PREFETCH_PAGES: return amdvi_cmd_prefetch(1, amdvi_span_of(AX_A, PAGE_BYTES), 0, false);
	default: return amdvi_cmd_completion_wait(0, PA(0), 0);
	}
}

/* The command goes in by itself; when it stops the ring, nothing else can be waited for. */
static uint64_t put(struct test *t, const struct amdvi_cmd *c)
{
	struct amdvi_unit *u = ax_of(t)->u;
	uint64_t at = u->cmds.ring.pa.v + u->cmds.tail;

	must(t, amdvi_submit(u, c, 1), "a command");
	return at;
}

/* ---- the event ---- */

static void refused(struct test *t, struct amdvi_cmd c)
{
	ax_start(t, NULL);
	put(t, &c);
	ax_expect_event(t, EV_ILLEGAL_COMMAND, NULL);
}

static void reserved_bit(struct test *t)
{
	static const struct odd all[] = {
		{ CMD_COMPLETION_WAIT, 52 }, { CMD_INV_DEVTAB_ENTRY, 16 }, { CMD_INV_DEVTAB_ENTRY, 64 },
		{ CMD_INV_IOMMU_PAGES, 20 }, { CMD_INV_IOMMU_PAGES, 48 }, { CMD_INV_IOMMU_PAGES, 67 },
		{ CMD_INV_IOTLB_PAGES, 65 }, { CMD_INV_INT_TABLE, 16 }, { CMD_INV_IOMMU_ALL, 0 },
	};
	struct amdvi_cmd good = legal(all[t->desc->arg].op), bad = good;

	/* The same command without the defect is accepted. */
	ax_start(t, NULL);
	ax_cmd(t, good);
	if (!ax_expect_no_event(t))
		return;
	bad.q[all[t->desc->arg].bit / 64] |= BIT(all[t->desc->arg].bit % 64);
	put(t, &bad);
	ax_expect_event(t, EV_ILLEGAL_COMMAND, NULL);
}

#define RESERVED(id_, row_, given_, needs_, arg_) \
	{ .id = "amdvi.cmd.illegal." id_, .checks = row_, .given = given_, .expects = "ILLEGAL_COMMAND_ERROR", \
	  .needs = NEED_AMDVI | (needs_), .arg = arg_, .body = reserved_bit }

TEST_TABLE(illegal_bits, RESERVED("cw52", "AMD-CMD-014", "COMPLETION_WAIT with bit 52", 0, 0),
	   RESERVED("devtab16", "AMD-CMD-015", "INVALIDATE_DEVTAB_ENTRY with bit 16", 0, 1),
	   RESERVED("devtab64", "AMD-CMD-016", "INVALIDATE_DEVTAB_ENTRY with a second word", 0, 2),
	   RESERVED("pages20", "AMD-CMD-017", "INVALIDATE_IOMMU_PAGES with bit 20", 0, 3),
	   RESERVED("pages48", "AMD-CMD-018", "INVALIDATE_IOMMU_PAGES with bit 48", 0, 4),
	   RESERVED("pages67", "AMD-CMD-019", "INVALIDATE_IOMMU_PAGES with bit 67", 0, 5),
	   RESERVED("iotlb65", "AMD-CMD-020", "INVALIDATE_IOTLB_PAGES with bit 65", NEED_AMD_IOTLB, 6),
	   RESERVED("int16", "AMD-CMD-021", "INVALIDATE_INTERRUPT_TABLE with bit 16", 0, 7),
	   RESERVED("all0", "AMD-CMD-022", "INVALIDATE_IOMMU_ALL with an operand", NEED_AMD_IA, 8));

static void opcode(struct test *t)
{
	refused(t, (struct amdvi_cmd){ .q = { FLD(CMD_OPCODE, t->desc->arg), 0 } });
}

TEST_TABLE(illegal_opcode,
	{ .id = "amdvi.cmd.illegal.opcode0", .checks = "AMD-CMD-023", .given = "opcode 0h",
	  .expects = "ILLEGAL_COMMAND_ERROR", .needs = NEED_AMDVI, .arg = 0, .body = opcode },
	{ .id = "amdvi.cmd.illegal.opcode15", .checks = "AMD-CMD-024", .given = "opcode Fh",
	  .expects = "ILLEGAL_COMMAND_ERROR", .needs = NEED_AMDVI, .arg = 15, .body = opcode });

/* A command of an ability that the unit does not have. */
static void unsupported(struct test *t)
{
	const struct amdvi_caps *c = &t->bench->amdvi->caps;
	const struct { enum amdvi_opcode op; bool there; const char *name; } all[] = {
		{ CMD_INV_IOMMU_ALL, c->ia, "EFR.IASup = 1" }, { CMD_PREFETCH_PAGES, c->pref, "EFR.PreFSup = 1" },
		{ CMD_COMPLETE_PPR, c->ppr, "EFR.PPRSup = 1" }, { CMD_INV_IOTLB_PAGES, c->iotlb, "Cap.IotlbSup = 1" },
	};

	if (all[t->desc->arg].there)
		skip(t, "%s", all[t->desc->arg].name);
	refused(t, legal(all[t->desc->arg].op));
}

#define UNSUPPORTED(id_, row_, arg_) \
	{ .id = "amdvi.cmd.unsupported." id_, .checks = row_, .given = "a command that the unit does not offer", \
	  .expects = "ILLEGAL_COMMAND_ERROR", .needs = NEED_AMDVI, .arg = arg_, .body = unsupported }

TEST_TABLE(unsupported_rows, UNSUPPORTED("all", "AMD-CMD-025", 0), UNSUPPORTED("prefetch", "AMD-CMD-026", 1),
	   UNSUPPORTED("ppr", "AMD-CMD-027", 2), UNSUPPORTED("iotlb", "AMD-CMD-028", 3));

TEST(illegal_gn, .id = "amdvi.cmd.unsupported.gn", .checks = "AMD-CMD-029",
     .given = "INVALIDATE_IOMMU_PAGES with GN = 1 without GTSup", .expects = "not settled", .needs = NEED_AMDVI)
{
	struct amdvi_cmd c = amdvi_cmd_guest_pages(0x7ff0, 0, amdvi_span_all(), false);
	struct amdvi_event e;

	if (t->bench->amdvi->caps.gt)
		skip(t, "EFR.GTSup = 1");
	ax_start(t, NULL);
	put(t, &c);
	observe(t, "%s", ax_event_take(t, &e) ? amdvi_event_text(e.code) : "no event");
}

/* ---- what the event says ---- */

static bool illegal_event(struct test *t, struct amdvi_event *e, uint64_t *at)
{
	struct amdvi_cmd c = { .q = { 0, 0 } };

	ax_start(t, NULL);
	*at = put(t, &c);
	return ax_expect_event(t, EV_ILLEGAL_COMMAND, e);
}

TEST(illegal_address, .id = "amdvi.cmd.illegal.address", .checks = "AMD-CMD-030", .given = "opcode 0h",
     .expects = "the event has the address of the command", .needs = NEED_AMDVI)
{
	struct amdvi_event e;
	uint64_t at;

	if (illegal_event(t, &e, &at))
		ax_expect_address(t, &e, at, 16);
}

TEST(illegal_zero, .id = "amdvi.cmd.illegal.rest_zero", .checks = "AMD-CMD-031", .given = "opcode 0h",
     .expects = "bits 59:0 of the event are 0", .needs = NEED_AMDVI)
{
	struct amdvi_event e;
	uint64_t at;

	if (illegal_event(t, &e, &at))
		expect_eq(t, "bits 59:0", e.raw[0] & ~EV_CODE, 0);
}

/* ---- halt and resume ---- */

/* Stores before and behind an illegal command, in one go. */
static struct page *around_illegal(struct test *t)
{
	struct page *p = page_filled(t, 0xa5);
	struct amdvi_unit *u = ax_start(t, NULL)->u;
	struct amdvi_cmd cmds[3] = {
		amdvi_cmd_completion_wait(CW_S, p->pa, MARK), { .q = { 0, 0 } },
		amdvi_cmd_completion_wait(CW_S, pa_add(p->pa, 8), MARK),
	};
	struct amdvi_event e;

	must(t, amdvi_submit(u, cmds, 3), "commands");
	/* The unit is through with them when the event is there, or it never reports one. */
	(void)ax_event_take(t, &e);
	time_sleep_us(1000);
	return p;
}

static bool is_stored(struct page *p, uint64_t off)
{
	return __atomic_load_n((uint64_t *)(void *)(p->p + off), __ATOMIC_ACQUIRE) == MARK; /* 8-byte aligned */
}

TEST(illegal_stops, .id = "amdvi.cmd.illegal.stops", .checks = "AMD-CMD-032", .given = "opcode 0h",
     .expects = "CmdBufRun becomes 0", .needs = NEED_AMDVI)
{
	around_illegal(t);
	expect_eq(t, "CmdBufRun", !!(amdvi_status(ax_of(t)->u) & ST_CMD_BUF_RUN), 0);
}

TEST(illegal_behind, .id = "amdvi.cmd.illegal.behind", .checks = "AMD-CMD-033", .given = "a store behind opcode 0h",
     .expects = "it is not executed", .needs = NEED_AMDVI)
{
	expect_eq(t, "the store behind", is_stored(around_illegal(t), 8), 0);
}

TEST(illegal_before, .id = "amdvi.cmd.illegal.before", .checks = "AMD-CMD-034", .given = "a store before opcode 0h",
     .expects = "it is executed", .needs = NEED_AMDVI)
{
	expect_eq(t, "the store before", is_stored(around_illegal(t), 0), 1);
}

TEST(illegal_resume, .id = "amdvi.cmd.illegal.resume", .checks = "AMD-CMD-035",
     .given = "opcode 0h, then CmdBufEn off, pointers set, on", .expects = "commands run again", .needs = NEED_AMDVI)
{
	struct page *p = around_illegal(t);

	must(t, amdvi_cmdbuf_restart(ax_of(t)->u), "restarting the command buffer");
	ax_cmd(t, amdvi_cmd_completion_wait(CW_S, pa_add(p->pa, 64), MARK));
	expect_eq(t, "the store", is_stored(p, 64), 1);
}

/* ---- memory that does not answer ---- */

static void buffer_in_hole(struct test *t)
{
	struct amdvi_unit *u = ax_start(t, NULL)->u;

	must(t, amdvi_wait(u), "a wait");
	amdvi_ctl_clear(u, CTL_CMD_BUF_EN);
	must(t, amdvi_status_wait(u, ST_CMD_BUF_RUN, false), "stopping the ring");
	mmio_wr(&u->regs, AMDVI_CMD_BASE, page_unbacked(t).v | FLD(RING_LEN, 8));
	mmio_wr(&u->regs, AMDVI_CMD_HEAD, 0);
	mmio_wr(&u->regs, AMDVI_CMD_TAIL, 0);
	amdvi_ctl_set(u, CTL_CMD_BUF_EN);
	must(t, amdvi_status_wait(u, ST_CMD_BUF_RUN, true), "starting the ring");
	mmio_wr(&u->regs, AMDVI_CMD_TAIL, 16);
	time_sleep_us(1000);
	ring_destroy(&u->cmds.ring); /* nobody waits for this buffer */
}

/* Takes the first event without a COMPLETION_WAIT, which this ring cannot carry out. */
static bool first_event(struct test *t, struct amdvi_event *e)
{
	if (amdvi_event_pop(ax_of(t)->u, e) == OK)
		return true;
	fail(t, amdvi_event_text(EV_COMMAND_HW), "no event");
	return false;
}

TEST(hole_event, .id = "amdvi.cmd.hole.logged", .checks = "AMD-CMD-036",
     .given = "a command buffer that nothing answers",
     .expects = "COMMAND_HARDWARE_ERROR", .needs = NEED_AMDVI)
{
	struct amdvi_event e;

	buffer_in_hole(t);
	if (first_event(t, &e) && e.code != EV_COMMAND_HW)
		fail(t, amdvi_event_text(EV_COMMAND_HW), "%s", amdvi_event_text(e.code));
}

TEST(hole_stops, .id = "amdvi.cmd.hole.stops", .checks = "AMD-CMD-037",
     .given = "a command buffer that nothing answers",
     .expects = "CmdBufRun becomes 0", .needs = NEED_AMDVI)
{
	buffer_in_hole(t);
	expect_eq(t, "CmdBufRun", !!(amdvi_status(ax_of(t)->u) & ST_CMD_BUF_RUN), 0);
}

TEST(store_in_hole, .id = "amdvi.cmd.cw.hole", .checks = "AMD-CMD-038", .given = "COMPLETION_WAIT to a hole",
     .expects = "COMMAND_HARDWARE_ERROR", .needs = NEED_AMDVI)
{
	struct amdvi_cmd c = amdvi_cmd_completion_wait(CW_S, page_unbacked(t), MARK);
	struct amdvi_event e;

	ax_start(t, NULL);
	put(t, &c);
	observe(t, "%s", ax_event_take(t, &e) ? amdvi_event_text(e.code) : "no event");
}
