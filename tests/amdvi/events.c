/*
 * The event log as a ring (AMD IOMMU 2.5): entries, status, interrupts, overflow and restart.
 */
#include "tests/amdvi/fixture.h"
#include "drivers-pci/pci.h"

#define NEEDS (NEED_AMDVI | NEED_AMD_HOST)

static struct amdvi_cmd illegal(void)
{
	return (struct amdvi_cmd){ .q = { 0, 0 } };
}

/* A cause of exactly one event that needs no engine: an illegal command, and the ring made to run again. */
static void provoke(struct test *t)
{
	struct amdvi_unit *u = ax_of(t)->u;
	struct amdvi_cmd c = illegal();

	must(t, amdvi_submit(u, &c, 1), "a command");
	time_sleep_us(100);
	must(t, amdvi_cmdbuf_restart(u), "restarting the command buffer");
	must(t, amdvi_wait(u), "a wait");
}

static uint64_t tail_of(struct test *t)
{
	return mmio_rd(&ax_of(t)->u->regs, AMDVI_EVT_TAIL) & RING_PTR;
}

/* ---- entries ---- */

TEST(evt_tail, .id = "amdvi.evt.tail", .checks = "AMD-EVT-001", .given = "one event",
     .expects = "the tail advances by 10h",
     .needs = NEEDS)
{
	uint64_t before;

	ax_start(t, NULL);
	before = tail_of(t);
	provoke(t);
	expect_eq(t, "how far the tail advances", tail_of(t) - before, 16);
}

TEST(evt_code, .id = "amdvi.evt.code", .checks = "AMD-EVT-002 AMD-EVT-035", .given = "one event in a ring of zeros",
     .expects = "its code in bits 63:60, in time", .needs = NEEDS)
{
	struct amdvi_event e;

	ax_start(t, NULL);
	provoke(t);
	if (ax_event_take(t, &e))
		expect_eq(t, "the code", e.code, EV_ILLEGAL_COMMAND);
	else
		fail(t, "an event", "no event");
}

TEST(evt_status, .id = "amdvi.evt.status", .checks = "AMD-EVT-003", .given = "an event, EventIntEn = 0",
     .expects = "EventLogInt is set", .needs = NEEDS)
{
	ax_start(t, NULL);
	provoke(t);
	expect_eq(t, "EventLogInt", !!(amdvi_status(ax_of(t)->u) & ST_EVENT_LOG_INT), 1);
}

TEST(evt_off, .id = "amdvi.evt.off", .checks = "AMD-EVT-010", .given = "EventLogEn = 0, a fault",
     .expects = "DMA is blocked, nothing is logged", .needs = NEEDS | NEED_ENGINE_DIRECT | NEED_ENGINE)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	uint64_t before = tail_of(t);

	amdvi_ctl_clear(ax_of(t)->u, CTL_EVENT_LOG_EN);
	must(t, amdvi_status_wait(ax_of(t)->u, ST_EVENT_LOG_RUN, false), "stopping the event log");
	ax_blocked(t, AX_B, p);
	expect_eq(t, "how far the tail advances", tail_of(t) - before, 0);
}

TEST(evt_iommu_off, .id = "amdvi.evt.iommu_off", .checks = "AMD-EVT-011", .given = "IommuEn = 0, EventLogEn = 1, DMA",
     .expects = "nothing is logged", .needs = NEEDS | NEED_ENGINE_DIRECT | NEED_ENGINE)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	uint64_t before = tail_of(t);

	amdvi_ctl_clear(ax_of(t)->u, CTL_IOMMU_EN);
	ax_allowed(t, IOVA(p->pa.v), p);
	expect_eq(t, "how far the tail advances", tail_of(t) - before, 0);
}

static void wraps(struct test *t)
{
	unsigned log2 = (unsigned)t->desc->arg;
	struct amdvi_event e;
	uint64_t n = pow2(log2);

	ax_start(t, &(struct ax_options){ .evt_log2 = log2 });
	for (uint64_t i = 0; i < n; i++) {
		provoke(t);
		if (!ax_event_take(t, &e)) {
			fail(t, "an event each time", "no event");
			return;
		}
		if (i == n - 2)
			expect_eq(t, "the tail before the wrap", tail_of(t), 16 * (n - 1));
	}
	expect_eq(t, "the tail behind the wrap", tail_of(t), 0);
}

TEST_TABLE(evt_wraps,
	{ .id = "amdvi.evt.wrap.len8", .checks = "AMD-EVT-012", .given = "256 slots, 256 events, taken one by one",
	  .expects = "the tail is 0 again", .needs = NEEDS, .budget_us = 3000000, .arg = 8, .body = wraps },
	{ .id = "amdvi.evt.wrap.len9", .checks = "AMD-EVT-025", .given = "512 slots, 512 events, taken one by one",
	  .expects = "the tail is 0 again", .needs = NEEDS, .budget_us = 3000000, .arg = 9, .body = wraps });

/* ---- messages ---- */

static unsigned message_setup(struct test *t)
{
	struct pci_dev *d = pci_find(&t->bench->bus, (struct pci_addr){ t->bench->amdvi->segment,
		t->bench->amdvi->device_id });
	uint64_t address;
	uint32_t data;
	unsigned v = irq_for(t, &address, &data);

	if (!d)
		give_up(t, "the IOMMU function is not on the bus");
	must(t, pci_msi_set(d, address, data), "setting the unit's message");
	return v;
}

/* Messages that arrive within a while; at least one is waited for where one is due. */
static unsigned arrived(unsigned v, bool due)
{
	deadline_t d = deadline_in_us(due ? 1000000 : 2000);
	unsigned n = 0;

	while (!deadline_over(&d) && !(due && n))
		n += irq_take(v);
	time_sleep_us(500);
	return n + irq_take(v);
}

enum { EVENT_ON = 1, EVENT_OFF, EVENT_TWICE, EVENT_AGAIN, WAIT_ON, WAIT_OFF, WAIT_TWICE };

static void message(struct test *t)
{
	uint64_t how = t->desc->arg;
	bool wait = how >= WAIT_ON;
	unsigned v = message_setup(t);
	struct amdvi_unit *u;

	u = ax_start(t, &(struct ax_options){ .ctl = how == EVENT_OFF || how == WAIT_OFF ? 0 :
						     wait ? CTL_COM_WAIT_INT_EN : CTL_EVENT_INT_EN })->u;
	mmio_ack(&u->regs, AMDVI_STATUS, ST_EVENT_LOG_INT | ST_COM_WAIT_INT);
	(void)irq_take(v);
	if (wait)
		ax_cmd(t, amdvi_cmd_completion_wait(CW_I, PA(0), 0));
	else
		provoke(t);
	expect_eq(t, "messages", arrived(v, how != EVENT_OFF && how != WAIT_OFF), how != EVENT_OFF && how != WAIT_OFF);
	if (how == EVENT_AGAIN)
		mmio_ack(&u->regs, AMDVI_STATUS, ST_EVENT_LOG_INT);
	if (how == EVENT_AGAIN || how == EVENT_TWICE)
		provoke(t);
	if (how == WAIT_TWICE)
		ax_cmd(t, amdvi_cmd_completion_wait(CW_I, PA(0), 0));
	if (how == EVENT_AGAIN)
		expect_eq(t, "messages after the acknowledgement", arrived(v, true), 1);
	if (how == EVENT_TWICE || how == WAIT_TWICE)
		observe(t, "%u more messages while the status bit is set", arrived(v, false));
}

#define MESSAGE(id_, row_, given_, expects_, arg_) \
	{ .id = "amdvi.evt.message." id_, .checks = row_, .given = given_, .expects = expects_, .needs = NEEDS, \
	  .arg = arg_, \
	  .budget_us = 4000000, .body = message }

TEST_TABLE(evt_messages,
	MESSAGE("first", "AMD-EVT-004 AMD-EVT-008", "EventIntEn = 1, an event", "one message, of MsiNum's vector",
		EVENT_ON),
	MESSAGE("off", "AMD-EVT-005", "EventIntEn = 0, an event", "no message", EVENT_OFF),
	MESSAGE("pending", "AMD-EVT-006", "EventLogInt still set, another event", "no second message", EVENT_TWICE),
	MESSAGE("again", "AMD-EVT-007", "EventLogInt cleared, another event", "another message", EVENT_AGAIN),
	MESSAGE("wait", "AMD-CMD-010", "ComWaitIntEn = 1, COMPLETION_WAIT with I = 1", "one message", WAIT_ON),
	MESSAGE("wait_off", "AMD-CMD-009", "ComWaitIntEn = 0, COMPLETION_WAIT with I = 1", "no message", WAIT_OFF),
	MESSAGE("wait_pending", "AMD-CMD-011", "ComWaitInt still set, COMPLETION_WAIT with I = 1", "no second message",
		WAIT_TWICE));

TEST(evt_xt, .id = "amdvi.evt.message.xt", .checks = "AMD-EVT-009",
     .given = "IntCapXTEn = 1, register 0170h set, an event",
     .expects = "a message as 0170h says", .needs = NEEDS | NEED_AMD_XT, .budget_us = 4000000)
{
	uint64_t address;
	uint32_t data;
	unsigned v = irq_for(t, &address, &data);

	ax_prepare(t, &(struct ax_options){ .ctl = CTL_EVENT_INT_EN | CTL_INT_CAP_XT_EN });
	/* The message of irq_for() has its destination in address bits 19:12 and its vector in data bits 7:0. */
	mmio_wr(ax_regs(t), AMDVI_XT_GEN, FLD(XT_DEST_LO, fld_get(BITS(19, 12), address)) |
						  FLD(XT_VECTOR, fld_get(BITS(7, 0), data)));
	ax_on(t);
	mmio_ack(ax_regs(t), AMDVI_STATUS, ST_EVENT_LOG_INT);
	(void)irq_take(v);
	provoke(t);
	expect_eq(t, "messages", arrived(v, true), 1);
}

/* ---- overflow ---- */

/* A ring of 256 slots with 255 events, none taken; then one more. */
static struct amdvi_unit *overflow(struct test *t, uint64_t ctl)
{
	struct amdvi_unit *u = ax_start(t, &(struct ax_options){ .evt_log2 = 8, .ctl = ctl })->u;

	for (unsigned i = 0; i < 255; i++)
		provoke(t);
	if (tail_of(t) != 16 * 255) {
		fail(t, "255 events in the log", "%u", (unsigned)(tail_of(t) / 16));
		run_escape();
	}
	return u;
}

enum { HOLDS, SETS, STOPS, STAYS, LOST, NO_RESUME, RESUMES, ONLY_W1C, BLOCKS, KEPT, TELLS };

static void restart_checks(struct test *t, struct amdvi_unit *u)
{
	struct amdvi_event e;

	if (t->desc->arg == LOST || t->desc->arg == RESUMES) {
		ax_events_drop(t);
		must(t, amdvi_log_restart(u, LOG_EVENTS), "restarting the event log");
		if (t->desc->arg == LOST) {
			ax_expect_no_event(t);
			return;
		}
		provoke(t);
		expect_true(t, ax_event_take(t, &e), "an event");
		return;
	}
	mmio_wr(&u->regs, AMDVI_EVT_HEAD, 16 * 128); /* half of them taken, nothing restarted */
	u->events.head = 16 * 128;
	provoke(t);
	expect_eq(t, "the tail", tail_of(t), 16 * 255);
}

static void overflowed(struct test *t)
{
	struct amdvi_unit *u = overflow(t, 0);
	uint64_t entry[2];

	if (t->desc->arg == HOLDS) {
		expect_eq(t, "EventOverflow", amdvi_log_overflow(u, LOG_EVENTS), 0);
		return;
	}
	provoke(t);
	switch (t->desc->arg) {
	case SETS:
		expect_eq(t, "EventOverflow", amdvi_log_overflow(u, LOG_EVENTS), 1);
		break;
	case STOPS:
		expect_eq(t, "EventLogRun", !!(amdvi_status(u) & ST_EVENT_LOG_RUN), 0);
		break;
	case STAYS:
		expect_eq(t, "the tail", tail_of(t), 16 * 255);
		break;
	case ONLY_W1C:
		if (!expect_eq(t, "EventOverflow", amdvi_log_overflow(u, LOG_EVENTS), 1))
			break;
		mmio_ack(&u->regs, AMDVI_STATUS, 0);
		expect_eq(t, "EventOverflow after 0", amdvi_log_overflow(u, LOG_EVENTS), 1);
		amdvi_ctl_clear(u, CTL_EVENT_LOG_EN);
		mmio_ack(&u->regs, AMDVI_STATUS, ST_EVENT_OVERFLOW);
		expect_eq(t, "EventOverflow after 1", amdvi_log_overflow(u, LOG_EVENTS), 0);
		break;
	case KEPT:
		for (unsigned i = 0; i < 255; i++) {
			ring_get(&u->events.ring, 16 * i, entry);
			if (!expect_eq(t, "code of an older entry", fld_get(EV_CODE, entry[0]), EV_ILLEGAL_COMMAND))
				break;
		}
		break;
	default:
		restart_checks(t, u);
	}
}

#define OVERFLOW(id_, row_, given_, expects_, arg_) \
	{ .id = "amdvi.evt.overflow." id_, .checks = row_, .given = given_, .expects = expects_, .needs = NEEDS, \
	  .budget_us = 3000000, .arg = arg_, .body = overflowed }

TEST_TABLE(evt_overflow,
	OVERFLOW("holds", "AMD-EVT-013", "256 slots, 255 events", "all are logged, no overflow", HOLDS),
	OVERFLOW("sets", "AMD-EVT-014", "one event more", "EventOverflow is set", SETS),
	OVERFLOW("stops", "AMD-EVT-016", "one event more", "EventLogRun becomes 0", STOPS),
	OVERFLOW("tail", "AMD-EVT-017", "one event more", "the tail stays", STAYS),
	OVERFLOW("lost", "AMD-EVT-018", "one event more, then a restart", "that event never comes", LOST),
	OVERFLOW("no_resume", "AMD-EVT-019", "entries taken, no restart, an event", "the tail stays", NO_RESUME),
	OVERFLOW("restart", "AMD-EVT-020", "entries taken, the restart sequence, an event", "it is logged", RESUMES),
	OVERFLOW("w1c", "AMD-EVT-021", "0, then 1 written to EventOverflow", "only 1 clears it", ONLY_W1C),
	OVERFLOW("kept", "AMD-EVT-023", "one event more", "the entries before it are intact", KEPT));

TEST(evt_overflow_blocks, .id = "amdvi.evt.overflow.blocks", .checks = "AMD-EVT-022", .given = "the log has overflowed",
     .expects = "faulting DMA is still blocked", .needs = NEEDS | NEED_ENGINE_DIRECT | NEED_ENGINE,
     .budget_us = 3000000)
{
	struct page *p = page_filled(t, 0xa5);

	overflow(t, 0);
	ax_map_page(t, AX_A, p);
	ax_sync(t);
	provoke(t);
	ax_allowed(t, AX_A, p);
	ax_blocked(t, AX_B, p);
}

TEST(evt_overflow_message, .id = "amdvi.evt.overflow.message", .checks = "AMD-EVT-015",
     .given = "EventIntEn = 1, EventLogInt cleared, the log overflows", .expects = "a message", .needs = NEEDS,
     .budget_us = 4000000)
{
	unsigned v = message_setup(t);
	struct amdvi_unit *u = overflow(t, CTL_EVENT_INT_EN);

	mmio_ack(&u->regs, AMDVI_STATUS, ST_EVENT_LOG_INT);
	time_sleep_us(500);
	(void)irq_take(v);
	provoke(t);
	expect_true(t, arrived(v, true) != 0, "a message");
}

/* ---- reserved fields, the PCI status register ---- */

static void reserved_zero(struct test *t)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	struct amdvi_event e;

	if (ax_dma(t, AX_B, p, true, DMA_REFUSED) && ax_expect_event(t, EV_IO_PAGE_FAULT, &e))
		expect_eq(t, "the reserved field", e.raw[0] & t->desc->arg, 0);
}

#define RESERVED(id_, row_, given_, mask_) \
	{ .id = "amdvi.evt.reserved." id_, .checks = row_, .given = given_, .expects = "they are 0", \
	  .needs = NEEDS | NEED_ENGINE_DIRECT | NEED_ENGINE_WRITE, .arg = mask_, .body = reserved_zero }

TEST_TABLE(evt_reserved, RESERVED("59_57", "AMD-EVT-026", "IO_PAGE_FAULT, bits 59:57", BITS(59, 57)),
	   RESERVED("31_20", "AMD-EVT-027", "IO_PAGE_FAULT, bits 31:20", EV_RSVD_20),
	   RESERVED("pasid", "AMD-EVT-028", "IO_PAGE_FAULT with GN = 0, bits 19:16", EV_PASID_HI));

#define PCI_STATUS_OFF    0x06u
#define PCI_STATUS_SIG_TA BIT(11)

static void target_abort(struct test *t)
{
	struct pci_dev *d = pci_find(&t->bench->bus, (struct pci_addr){ t->bench->amdvi->segment,
		t->bench->amdvi->device_id });
	struct page *p;

	if (!d)
		give_up(t, "the IOMMU function is not on the bus");
	p = ax_start_mapped(t, NULL, AX_A);
	pci_wr(d, PCI_STATUS_OFF, (uint32_t)PCI_STATUS_SIG_TA, 2);
	ax_dma(t, AX_B, p, true, DMA_REFUSED);
	ax_events_drop(t);
	if (!t->desc->arg) {
		observe(t, "Signaled Target Abort = %u", !!(pci_rd(d, PCI_STATUS_OFF, 2) & PCI_STATUS_SIG_TA));
		return;
	}
	if (!(pci_rd(d, PCI_STATUS_OFF, 2) & PCI_STATUS_SIG_TA))
		skip_unreached(t, "the unit does not set Signaled Target Abort");
	pci_wr(d, PCI_STATUS_OFF, (uint32_t)PCI_STATUS_SIG_TA, 2);
	expect_eq(t, "Signaled Target Abort", pci_rd(d, PCI_STATUS_OFF, 2) & PCI_STATUS_SIG_TA, 0);
}

TEST_TABLE(evt_target_abort,
	{ .id = "amdvi.evt.target_abort.set", .checks = "AMD-EVT-033", .given = "a write is aborted",
	  .expects = "Signaled Target Abort in the PCI status register",
	  .needs = NEEDS | NEED_ENGINE_DIRECT | NEED_ENGINE_WRITE, .arg = 0, .body = target_abort },
	{ .id = "amdvi.evt.target_abort.clear", .checks = "AMD-EVT-034", .given = "1 written to Signaled Target Abort",
	  .expects = "it is cleared", .needs = NEEDS | NEED_ENGINE_DIRECT | NEED_ENGINE_WRITE, .arg = 1,
	  .body = target_abort });
