/* Event channels, as far as a guest of ours uses them, and the shared information behind them (event_channel.h). */
#include "tests/xen/guest.h"

#define ARRIVAL_US 1000000u
#define PORT_NEVER 3900u /* below the most that a 64-bit guest has, far above those in use */

static volatile struct xen_shared_info *shared(struct test *t)
{
	if (!t->bench->machine->xen->shared)
		give_up(t, "the shared information is not mapped");
	return t->bench->machine->xen->shared;
}

static int64_t status_of(uint32_t port, uint32_t *status)
{
	struct xen_evtchn_status s = { .dom = XEN_DOMID_SELF, .port = port };
	int64_t r = xen_op(XEN_EVENT_CHANNEL_OP, EVTCHNOP_STATUS, &s);

	*status = s.status;
	return r;
}

static int64_t close_port(uint32_t port)
{
	return xen_op(XEN_EVENT_CHANNEL_OP, EVTCHNOP_CLOSE, &port);
}

static uint32_t unbound(struct test *t)
{
	struct xen_evtchn_alloc a = { XEN_DOMID_SELF, XEN_DOMID_SELF, 0 };

	must_xen(t, xen_op(XEN_EVENT_CHANNEL_OP, EVTCHNOP_ALLOC_UNBOUND, &a), "alloc_unbound");
	return a.port;
}

static uint32_t ipi(struct test *t)
{
	struct xen_evtchn_ipi b = { 0, 0 };

	must_xen(t, xen_op(XEN_EVENT_CHANNEL_OP, EVTCHNOP_BIND_IPI, &b), "bind_ipi");
	return b.port;
}

/* The bit of a port in a bit field of the shared information. */
static bool bit(const volatile uint64_t *field, uint32_t port)
{
	return field[port / 64] & pow2(port % 64);
}

static void clear_bit(volatile uint64_t *field, uint32_t port)
{
	(void)__atomic_fetch_and(&field[port / 64], ~pow2(port % 64), __ATOMIC_SEQ_CST);
}

static void set_bit(volatile uint64_t *field, uint32_t port)
{
	(void)__atomic_fetch_or(&field[port / 64], pow2(port % 64), __ATOMIC_SEQ_CST);
}

TEST(event_alloc,
     .id = "xen.event.alloc",
     .given = "two ports, allocated for this domain itself, then closed",
     .expects = "two numbers, none 0; unbound, then closed",
     .needs = NEED_XEN)
{
	uint32_t a = unbound(t), b = unbound(t), status;

	expect_true(t, a && b && a != b, "two numbers that are not 0");
	must_xen(t, status_of(a, &status), "status");
	expect_eq(t, "status of an allocated port", status, EVTCHNSTAT_UNBOUND);
	expect_xen_good(t, "close", close_port(a));
	expect_xen_good(t, "close", close_port(b));
	must_xen(t, status_of(a, &status), "status");
	expect_eq(t, "status of a closed port", status, EVTCHNSTAT_CLOSED);
}

TEST(event_reuse,
     .id = "xen.event.reuse",
     .given = "a port that was closed, then another allocation",
     .expects = "the number is given again",
     .needs = NEED_XEN)
{
	uint32_t a = unbound(t), b;

	must_xen(t, close_port(a), "close");
	b = unbound(t);
	expect_eq(t, "port", b, a);
	must_xen(t, close_port(b), "close");
}

TEST(event_bad_ports,
     .id = "xen.event.bad_ports",
     .given = "status, send and close of ports that are closed, 0, or beyond all",
     .expects = "closed for what exists, else -EINVAL",
     .needs = NEED_XEN)
{
	static const uint32_t beyond[] = { 0x7fffffff, UINT32_MAX };
	uint32_t status = EVTCHNSTAT_IPI;

	for (unsigned i = 0; i < ARRAY_LEN(beyond); i++) {
		(void)expect_xen_error(t, "status beyond all ports", status_of(beyond[i], &status), XEN_EINVAL);
		(void)expect_xen_error(t, "close beyond all ports", close_port(beyond[i]), XEN_EINVAL);
		(void)expect_xen_error(t, "send beyond all ports", xen_notify(beyond[i]), XEN_EINVAL);
	}
	(void)expect_xen_error(t, "close of a closed port", close_port(PORT_NEVER), XEN_EINVAL);
	expect_true(t, xen_notify(PORT_NEVER) < 0, "send to a closed port is refused");
	expect_true(t, close_port(0) < 0, "close of port 0 is refused");
}

TEST(event_bad_domain,
     .id = "xen.event.bad_domain",
     .given = "the status of a port of a domain that does not exist, and a port allocated in it",
     .expects = "an error",
     .needs = NEED_XEN)
{
	struct xen_evtchn_status s = { .dom = 0x7fe0, .port = 1 };
	struct xen_evtchn_alloc a = { 0x7fe0, XEN_DOMID_SELF, 0 };

	(void)expect_xen_error(t, "status", xen_op(XEN_EVENT_CHANNEL_OP, EVTCHNOP_STATUS, &s), XEN_ESRCH);
	(void)expect_xen_error(t, "alloc_unbound", xen_op(XEN_EVENT_CHANNEL_OP, EVTCHNOP_ALLOC_UNBOUND, &a), XEN_ESRCH);
}

TEST(event_unknown,
     .id = "xen.event.unknown",
     .given = "a sub-operation that event_channel_op does not have",
     .expects = "-ENOSYS",
     .needs = NEED_XEN)
{
	(void)expect_xen_error(t, "an unknown sub-operation", xen_op(XEN_EVENT_CHANNEL_OP, 100, NULL), XEN_ENOSYS);
}

TEST(event_ipi,
     .id = "xen.event.ipi",
     .given = "a port bound to an interrupt between processors, sent to once while masked",
     .expects = "its pending bit is set in the shared information; unmasking makes the processor's word pending",
     .needs = NEED_XEN)
{
	volatile struct xen_shared_info *s = shared(t);
	uint32_t port = ipi(t), status;

	must_xen(t, status_of(port, &status), "status");
	expect_eq(t, "status", status, EVTCHNSTAT_IPI);
	set_bit(s->mask, port);
	clear_bit(s->pending, port);
	s->vcpu[0].pending_words = 0;
	s->vcpu[0].pending = 0;
	must_xen(t, xen_notify(port), "send");
	expect_true(t, bit(s->pending, port), "the pending bit is set");
	expect_true(t, !(s->vcpu[0].pending_words & pow2(port / 64)), "masked: the processor's word is not pending");
	must_xen(t, xen_op(XEN_EVENT_CHANNEL_OP, EVTCHNOP_UNMASK, &port), "unmask");
	expect_true(t, !bit(s->mask, port), "the mask bit is clear");
	expect_true(t, s->vcpu[0].pending_words & pow2(port / 64), "the processor's word is pending");
	expect_true(t, s->vcpu[0].pending, "an upcall is pending");
	clear_bit(s->pending, port);
	s->vcpu[0].pending_words = 0;
	s->vcpu[0].pending = 0;
	must_xen(t, close_port(port), "close");
}

/*
 * By the local APIC, once for each time that an upcall becomes pending. (The callback of the whole domain would be
 * raised without end until a handler says that the upcall was seen.) It cannot be taken back: the vector is kept.
 */
static unsigned upcall_vector(struct test *t)
{
	static struct xen_upcall_vector v;
	unsigned vector;

	if (v.vector)
		return v.vector;
	must(t, irq_alloc(&vector), "a vector");
	v.vector = (uint8_t)vector;
	must_xen(t, xen_op(XEN_HVM_OP, HVMOP_SET_UPCALL_VECTOR, &v), "HVMOP_set_evtchn_upcall_vector");
	return vector;
}

TEST(event_vector,
     .id = "xen.event.vector",
     .given = "upcalls told to come as a vector, and a port sent to, then sent to while it is masked",
     .expects = "that vector is raised, then is not",
     .needs = NEED_XEN)
{
	volatile struct xen_shared_info *s = shared(t);
	uint32_t port = ipi(t);
	unsigned vector, seen = 0;
	deadline_t end;

	s->vcpu[0].pending = 0;
	s->vcpu[0].pending_words = 0;
	clear_bit(s->mask, port);
	vector = upcall_vector(t);
	(void)irq_take(vector);
	must_xen(t, xen_notify(port), "send");
	end = deadline_in_us(ARRIVAL_US);
	while (!(seen += irq_take(vector)) && !deadline_over(&end))
		continue;
	expect_true(t, seen > 0, "the vector is raised");
	s->vcpu[0].pending = 0;
	s->vcpu[0].pending_words = 0;
	clear_bit(s->pending, port);
	set_bit(s->mask, port);
	must_xen(t, xen_notify(port), "send");
	time_sleep_us(2000);
	expect_eq(t, "interrupts while it is masked", irq_take(vector), 0);
	clear_bit(s->pending, port);
	must_xen(t, close_port(port), "close");
}
