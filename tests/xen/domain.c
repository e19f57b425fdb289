/* The domain's own affairs: parameters, the scheduler, consoles, the store. */
#include "tests/xen/guest.h"
#include <string.h>

TEST(param_unknown,
     .id = "xen.hvm.param_unknown",
     .given = "a parameter of the domain that does not exist, and a sub-operation that does not",
     .expects = "-EINVAL, -ENOSYS",
     .needs = NEED_XEN)
{
	struct xen_hvm_param p = { .domid = XEN_DOMID_SELF, .index = HVM_PARAM_NONE };

	(void)expect_xen_error(t, "get_param", xen_op(XEN_HVM_OP, HVMOP_GET_PARAM, &p), XEN_EINVAL);
	(void)expect_xen_error(t, "an unknown sub-operation", xen_op(XEN_HVM_OP, 200, &p), XEN_ENOSYS);
}

TEST(param_pointer,
     .id = "xen.hvm.param_pointer",
     .given = "a parameter asked for with a pointer that is not mapped",
     .expects = "-EFAULT",
     .needs = NEED_XEN)
{
	(void)expect_xen_error(t, "get_param", xen_hypercall2(XEN_HVM_OP, HVMOP_GET_PARAM, BAD_UNMAPPED), XEN_EFAULT);
}

TEST(param_other,
     .id = "xen.hvm.param_other_domain",
     .given = "a parameter of a domain that does not exist",
     .expects = "an error, and the structure's value is unchanged",
     .needs = NEED_XEN)
{
	struct xen_hvm_param p = { .domid = 0x7fe0, .index = HVM_PARAM_STORE_PFN, .value = UINT64_C(0x5a5a5a5a5a5a5a5a) };

	expect_true(t, xen_op(XEN_HVM_OP, HVMOP_GET_PARAM, &p) < 0, "an error");
	expect_eq(t, "value", p.value, UINT64_C(0x5a5a5a5a5a5a5a5a));
}

TEST(sched_yield,
     .id = "xen.sched.yield",
     .given = "a yield, and a sub-operation that sched_op does not have",
     .expects = "0, -ENOSYS",
     .needs = NEED_XEN)
{
	expect_eq(t, "yield", (uint64_t)xen_op(XEN_SCHED_OP, SCHEDOP_YIELD, NULL), 0);
	(void)expect_xen_error(t, "an unknown sub-operation", xen_op(XEN_SCHED_OP, 200, NULL), XEN_ENOSYS);
}

TEST(sched_shutdown_pointer,
     .id = "xen.sched.shutdown_pointer",
     .given = "a shutdown whose reason lies nowhere",
     .expects = "-EFAULT, and the domain goes on",
     .needs = NEED_XEN)
{
	(void)expect_xen_error(t, "shutdown", xen_hypercall2(XEN_SCHED_OP, SCHEDOP_SHUTDOWN, BAD_UNMAPPED), XEN_EFAULT);
}

TEST(console_io,
     .id = "xen.console.io",
     .given = "console_io of dom0: no bytes, bytes from nowhere, a command that it does not have",
     .expects = "0, -EFAULT, -ENOSYS",
     .needs = NEED_XEN)
{
	if (t->bench->machine->xen->role != XEN_DOM0)
		skip(t, "not dom0: console_io is not for guests");
	expect_eq(t, "a write of no bytes",
		  (uint64_t)xen_hypercall3(XEN_CONSOLE_IO, CONSOLEIO_WRITE, 0, (uint64_t)(uintptr_t)t), 0);
	(void)expect_xen_error(t, "a write from nowhere", xen_hypercall3(XEN_CONSOLE_IO, CONSOLEIO_WRITE, 8, BAD_UNMAPPED),
			       XEN_EFAULT);
	(void)expect_xen_error(t, "an unknown command", xen_hypercall3(XEN_CONSOLE_IO, 99, 0, 0), XEN_ENOSYS);
}

TEST(console_ring,
     .id = "xen.console.ring",
     .given = "the console's ring of a guest, after lines that fill it twice",
     .expects = "the other end reads it empty, and its indices stay within a ring of each other",
     .needs = NEED_XEN, .budget_us = 20000000)
{
	const volatile struct xen_console_ring *ring = xen_console_ring();

	if (!ring)
		skip(t, "no ring: dom0 writes by console_io, and an HVM guest may have none");
	for (unsigned i = 0; i < 80; i++)
		log_line("xen.console.ring: line %2u of 80, which together fill the ring more than once", i + 1);
	expect_true(t, ring->out_prod - ring->out_cons <= sizeof(ring->out), "no more than a ring is unread");
	xen_console_drain();
	expect_eq(t, "bytes that nobody read", ring->out_prod - ring->out_cons, 0);
}

TEST(store_domid,
     .id = "xen.store.domid",
     .given = "the key \"domid\" of the store",
     .expects = "the number that CPUID tells",
     .needs = NEED_XEN, .budget_us = 20000000)
{
	const struct xen_guest *g = t->bench->machine->xen;
	char text[32], wanted[32];

	if (g->role == XEN_DOM0)
		skip(t, "this dom0 runs no store");
	must(t, xen_store_read("domid", text, sizeof(text)), "a look into the store");
	str_printf(wanted, sizeof(wanted), "%u", g->domid);
	note(t, "domid is \"%s\"", text);
	expect_true(t, !g->domid_known || !strcmp(text, wanted), "the store and CPUID agree");
}

TEST(store_absent,
     .id = "xen.store.absent_key",
     .given = "a key that nobody made, twice, then one that is there",
     .expects = "not found, and the store still answers",
     .needs = NEED_XEN, .budget_us = 20000000)
{
	char text[64];

	if (t->bench->machine->xen->role == XEN_DOM0)
		skip(t, "this dom0 runs no store");
	for (unsigned i = 0; i < 2; i++)
		expect_eq(t, "status", (uint64_t)xen_store_read("data/nobody/made/this", text, sizeof(text)),
			  (uint64_t)ERR_NOT_FOUND);
	must(t, xen_store_read("domid", text, sizeof(text)), "a look into the store");
	expect_eq(t, "status of a text that is too long", (uint64_t)xen_store_read("vm", text, 3), (uint64_t)ERR_FULL);
	must(t, xen_store_read("domid", text, sizeof(text)), "a look into the store");
}
