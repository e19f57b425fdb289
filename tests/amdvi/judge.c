/* What AMD-Vi table tests say of DMA and of events. */
#include "tests/amdvi/fixture.h"

#define EVENTS_MAX    4096
/* How long an event may be on its way once the unit has carried out a COMPLETION_WAIT. */
#define EVENT_WAIT_US 2000u

bool ax_dma(struct test *t, iova_t iova, struct page *p, bool write, enum dma_outcome expected)
{
	return write ? expect_write(t, iova, p, iova.v % PAGE_BYTES, expected) :
		       expect_read(t, iova, p, iova.v % PAGE_BYTES, expected);
}

static bool both(struct test *t, iova_t iova, struct page *p, enum dma_outcome expected)
{
	bool good = true;

	if (t->engine->caps.flags & DMA_CAN_WRITE)
		good &= ax_dma(t, iova, p, true, expected);
	if (t->engine->caps.flags & DMA_CAN_READ)
		good &= ax_dma(t, iova, p, false, expected);
	return good;
}

bool ax_allowed(struct test *t, iova_t iova, struct page *p)
{
	return both(t, iova, p, DMA_DONE);
}

bool ax_blocked(struct test *t, iova_t iova, struct page *p)
{
	return both(t, iova, p, DMA_REFUSED);
}

struct page *ax_start_mapped(struct test *t, const struct ax_options *o, iova_t iova)
{
	struct page *p = page_filled(t, 0xa5);

	ax_start(t, o);
	ax_map_page(t, iova, p);
	ax_sync(t);
	ax_allowed(t, iova, p);
	ax_expect_no_event(t);
	return p;
}

bool ax_event_take(struct test *t, struct amdvi_event *out)
{
	struct amdvi_unit *u = ax_of(t)->u;
	deadline_t d;

	/* The refused request is behind a completed command; the entry itself may still be on its way. */
	if ((amdvi_status(u) & ST_CMD_BUF_RUN) && amdvi_wait(u) != OK)
		give_up(t, "the unit does not complete a wait");
	d = deadline_in_us(EVENT_WAIT_US);
	for (;;) {
		bool over = deadline_over(&d);

		if (amdvi_event_pop(u, out) == OK)
			return true;
		if (over)
			return false;
	}
}

static void tell(struct test *t, const struct amdvi_event *e)
{
	note(t, "event: 0x%016llx 0x%016llx (%s, device 0x%04x)", (unsigned long long)e->raw[1],
	     (unsigned long long)e->raw[0], amdvi_event_text(e->code), e->device_id);
}

bool ax_expect_event(struct test *t, unsigned code, struct amdvi_event *out)
{
	struct amdvi_event e;
	unsigned n = 0;

	if (!ax_event_take(t, &e)) {
		fail(t, amdvi_event_text(code), "no event");
		return false;
	}
	if (out)
		*out = e;
	/* One transfer may be several requests, and so several events of one code. */
	do {
		if (!n++)
			tell(t, &e);
		if (e.code == code)
			continue;
		fail(t, amdvi_event_text(code), "%s", amdvi_event_text(e.code));
		ax_events_drop(t);
		return false;
	} while (n < EVENTS_MAX && amdvi_event_pop(ax_of(t)->u, &e) == OK);
	return true;
}

bool ax_expect_address(struct test *t, const struct amdvi_event *e, uint64_t address, uint64_t align)
{
	if (align_down(e->address, align) == align_down(address, align))
		return true;
	fail(t, "the event's address is the one expected", e->address ? "another address" : "address 0");
	return false;
}

bool ax_expect_requester(struct test *t, const struct amdvi_event *e, const struct engine *engine)
{
	uint16_t id = engine->dev->addr.sid;

	if (e->device_id == id)
		return true;
	fail(t, "the event's device id is the requester's",
	     e->device_id == fld_get(SID_DEVFN, id) ? "its device and function without the bus" : "another device id");
	return false;
}

bool ax_expect_no_event(struct test *t)
{
	struct amdvi_unit *u = ax_of(t)->u;
	struct amdvi_event e;

	if ((amdvi_status(u) & ST_CMD_BUF_RUN) && amdvi_wait(u) != OK)
		give_up(t, "the unit does not complete a wait");
	if (amdvi_event_pop(u, &e) == OK) {
		tell(t, &e);
		fail(t, "no event", "%s", amdvi_event_text(e.code));
		ax_events_drop(t);
		return false;
	}
	return true;
}

unsigned ax_events_drop(struct test *t)
{
	struct amdvi_unit *u = ax_of(t)->u;
	uint64_t waiting;
	struct amdvi_event e;
	unsigned n = 0;

	if ((amdvi_status(u) & ST_CMD_BUF_RUN) && amdvi_wait(u) != OK)
		give_up(t, "the unit does not complete a wait");
	waiting = amdvi_log_waiting(u, LOG_EVENTS);
	while (n < waiting && amdvi_event_pop(u, &e) == OK)
		n++;
	return n;
}

/* True where all is as expected with value in the word. */
static bool one_value(struct test *t, uint64_t *word, uint64_t value, iova_t iova, struct page *p, bool blocks)
{
	bool good;

	ax_set(word, value);
	ax_sync(t);
	good = blocks ? ax_blocked(t, iova, p) : ax_allowed(t, iova, p);
	if (!good)
		note(t, "with the word 0x%016llx", (unsigned long long)value);
	ax_events_drop(t);
	return good;
}

static bool each_bit(struct test *t, uint64_t *word, uint64_t bits, iova_t iova, struct page *p, bool blocks)
{
	uint64_t before = *word;
	bool good = true;

	for (uint64_t left = bits; left && good; left &= left - 1)
		good = one_value(t, word, before | LOWBIT(left), iova, p, blocks);
	return one_value(t, word, before, iova, p, false) && good;
}

bool ax_each_bit_blocks(struct test *t, uint64_t *word, uint64_t bits, iova_t iova, struct page *p)
{
	return each_bit(t, word, bits, iova, p, true);
}

bool ax_each_bit_harmless(struct test *t, uint64_t *word, uint64_t bits, iova_t iova, struct page *p)
{
	return each_bit(t, word, bits, iova, p, false);
}
