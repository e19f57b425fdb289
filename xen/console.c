/* Xen's consoles: console_io for dom0, the ring of a guest, the debugging port before the ring is there. */
#include "kernel/cpu.h"
#include "kernel/paging.h"
#include "xen/console.h"
#include "xen/xen.h"

#define DEBUG_PORT    0xe9
#define ROOM_US       2000000u /* the other end is a process of another domain */
/* console_io copies pieces of 127 bytes and may be interrupted between them: lines that fit stay whole. */
#define WRITE_MAX     127u

static struct {
	volatile struct xen_console_ring *ring;
	uint32_t port;
	bool stuck; /* nobody reads: further waits would only cost time */
} console;

void xen_console_init(void)
{
	uint64_t gfn, port;

	if (xen_hvm_param(HVM_PARAM_CONSOLE_PFN, &gfn) != OK || xen_hvm_param(HVM_PARAM_CONSOLE_EVTCHN, &port) != OK ||
	    !gfn || !port)
		return;
	console.port = (uint32_t)port;
	console.ring = paging_map_memory(PA(gfn * PAGE_BYTES), PAGE_BYTES);
}

const volatile struct xen_console_ring *xen_console_ring(void)
{
	return console.ring;
}

static bool probe(void)
{
	return xen_guest() != NULL;
}

/* Length of the first piece: whole lines where that is possible. */
static size_t piece(const char *text, size_t len)
{
	size_t n = min_u64(len, WRITE_MAX);

	for (size_t i = n; i > 0; i--)
		if (text[i - 1] == '\n')
			return i;
	return n;
}

static void write_io(const char *text, size_t len)
{
	while (len) {
		size_t n = piece(text, len);

		(void)xen_hypercall3(XEN_CONSOLE_IO, CONSOLEIO_WRITE, n, (uint64_t)(uintptr_t)text);
		text += n;
		len -= n;
	}
}

static bool wait_for_room(void)
{
	deadline_t end = deadline_in_us(ROOM_US);

	(void)xen_notify(console.port);
	while (console.ring->out_prod - console.ring->out_cons >= sizeof(console.ring->out)) {
		if (console.stuck || deadline_over(&end)) {
			console.stuck = true;
			return false;
		}
	}
	console.stuck = false;
	return true;
}

static void put(char c)
{
	uint32_t prod = console.ring->out_prod;

	if (prod - console.ring->out_cons >= sizeof(console.ring->out) && !wait_for_room())
		return;
	console.ring->out[prod % sizeof(console.ring->out)] = (uint8_t)c;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	console.ring->out_prod = prod + 1;
}

static void write_ring(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		put(text[i]);
	(void)xen_notify(console.port);
}

void xen_console_drain(void)
{
	deadline_t end = deadline_in_us(ROOM_US);

	while (console.ring && !console.stuck && console.ring->out_cons != console.ring->out_prod)
		if (deadline_over(&end))
			return;
}

static void write(const char *text, size_t len)
{
	if (xen_guest()->role == XEN_DOM0)
		write_io(text, len);
	else if (console.ring)
		write_ring(text, len);
	else
		for (size_t i = 0; i < len; i++)
			out8(DEBUG_PORT, (uint8_t)text[i]);
}

const struct console xen_console = { "xen", probe, write };
