/* Accepted, refused, restarted. */
#include "tests/vtd/queue_words.h"

#define SECOND_US 1000000u

bool becomes(const volatile uint32_t *p, uint32_t v)
{
	deadline_t d = deadline_in_us(SECOND_US);

	while (*p != v)
		if (deadline_over(&d))
			return *p == v;
	return true;
}

bool reg_becomes(struct test *t, reg32_t r, uint32_t bits, bool set)
{
	const mmio_t *m = &t->bench->vtd->regs;
	deadline_t d = deadline_in_us(SECOND_US);

	for (;;) {
		bool over = deadline_over(&d);

		if ((mmio_rd(m, r) & bits) == (set ? bits : 0))
			return true;
		if (over)
			return false;
	}
}

/* ERR_IO: the queue stopped, u->queue.error tells; it has been restarted. */
static enum status process(struct test *t, struct vtd_desc d)
{
	struct vtd_unit *u = fx_of(t)->u;
	struct vtd_queue_error first;
	enum status s;

	must(t, vtd_queue_submit(u, &d, 1), "submitting a descriptor");
	s = vtd_queue_wait(u);
	first = u->queue.error;
	if (s == ERR_IO)
		must(t, vtd_queue_recover(u), "restarting the queue");
	u->queue.error = first;
	return s;
}

bool expect_accepted(struct test *t, struct vtd_desc d)
{
	enum status s = process(t, d);

	if (s == OK)
		return true;
	if (s == ERR_IO)
		fail(t, "the descriptor is accepted", "the queue stops");
	else
		fail(t, "the descriptor is accepted", "a wait behind it does not complete");
	note(t, "descriptor 0x%016llx 0x%016llx, IQEI %u", (unsigned long long)d.q[1], (unsigned long long)d.q[0],
	     fx_of(t)->u->queue.error.iqei);
	return false;
}

bool queue_stops(struct test *t, struct vtd_desc d, enum vtd_iqei *iqei)
{
	enum status s = process(t, d);

	if (iqei)
		*iqei = fx_of(t)->u->queue.error.iqei;
	return s == ERR_IO && (fx_of(t)->u->queue.error.fsts & FSTS_IQE);
}

bool queue_tells_causes(struct test *t)
{
	enum vtd_iqei iqei;

	return queue_stops(t, (struct vtd_desc){ .q = { 0 } }, &iqei) && iqei != IQEI_NONE;
}

static bool right_cause(struct test *t, enum vtd_iqei seen, enum vtd_iqei expected)
{
	if (seen == expected || expected == IQEI_NONE || (seen == IQEI_NONE && !queue_tells_causes(t)))
		return true;
	return expect_eq(t, "IQERCD.IQEI", seen, expected);
}

bool expect_refused(struct test *t, struct vtd_desc d, enum vtd_iqei iqei)
{
	struct vtd_unit *u = fx_of(t)->u;
	uint64_t at = u->queue.tail;
	enum status s = process(t, d);
	bool good;

	if (s == ERR_IO && (u->queue.error.fsts & FSTS_IQE)) {
		enum vtd_iqei seen = u->queue.error.iqei;

		good = expect_eq(t, "IQH, relative to the descriptor", u->queue.error.head - at, 0);
		good &= right_cause(t, seen, iqei);
	} else {
		fail(t, "the queue stops with FSTS.IQE",
		     s == OK ? "the descriptor is accepted" : "no answer, and no IQE");
		good = false;
	}
	if (!good)
		note(t, "descriptor 0x%016llx 0x%016llx 0x%016llx 0x%016llx", (unsigned long long)d.q[3],
		     (unsigned long long)d.q[2], (unsigned long long)d.q[1], (unsigned long long)d.q[0]);
	return good;
}
