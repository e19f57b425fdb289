/* The store's client, as far as reading needs (Xen public/io/xs_wire.h). One request at a time. */
#include "kernel/paging.h"
#include "xen/xen.h"
#include <string.h>

#define KEY_MAX    256u
#define ANSWER_US  5000000u /* the store is a process of another domain */

static struct {
	volatile struct xen_store_ring *ring; /* NULL: no store */
	uint32_t port, id;
} store;

void xen_store_init(void)
{
	uint64_t gfn, port;

	if (xen_hvm_param(HVM_PARAM_STORE_PFN, &gfn) != OK || xen_hvm_param(HVM_PARAM_STORE_EVTCHN, &port) != OK ||
	    !gfn || !port)
		return;
	store.ring = paging_map_memory(PA(gfn * PAGE_BYTES), PAGE_BYTES);
	store.port = (uint32_t)port;
}

static enum status put(const void *data, uint32_t n)
{
	const uint8_t *from = data;
	deadline_t end = deadline_in_us(ANSWER_US);
	uint32_t prod = store.ring->request_prod;

	for (uint32_t i = 0; i < n; i++) {
		while (prod - store.ring->request_cons >= sizeof(store.ring->request))
			if (deadline_over(&end))
				return ERR_TIMEOUT;
		store.ring->request[prod++ % sizeof(store.ring->request)] = from[i];
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	store.ring->request_prod = prod;
	(void)xen_notify(store.port);
	return OK;
}

static enum status get(void *data, uint32_t n)
{
	uint8_t *to = data;
	deadline_t end = deadline_in_us(ANSWER_US);
	uint32_t cons = store.ring->reply_cons;

	for (uint32_t i = 0; i < n; i++) {
		while (store.ring->reply_prod == cons)
			if (deadline_over(&end))
				return ERR_TIMEOUT;
		to[i] = store.ring->reply[cons++ % sizeof(store.ring->reply)];
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		store.ring->reply_cons = cons;
	}
	(void)xen_notify(store.port);
	return OK;
}

/* The rest of a reply that nobody has room for must leave the ring all the same. */
static enum status drop(uint32_t n)
{
	uint8_t byte;
	enum status s = OK;

	for (uint32_t i = 0; i < n && s == OK; i++)
		s = get(&byte, 1);
	return s;
}

static enum status read_reply(char *text, size_t room)
{
	struct xen_store_message m;
	enum status s = get(&m, sizeof(m));
	uint32_t take;

	if (s != OK)
		return s;
	if (m.id != store.id || m.len_bytes > 4096)
		return ERR_MALFORMED;
	take = (uint32_t)min_u64(m.len_bytes, room - 1);
	s = get(text, take);
	if (s == OK)
		s = drop(m.len_bytes - take);
	text[take] = 0;
	if (s == OK && m.kind == XS_ERROR)
		return ERR_NOT_FOUND;
	return s == OK && take < m.len_bytes ? ERR_FULL : s;
}

enum status xen_store_read(const char *key, char *text, size_t room)
{
	struct xen_store_message m = { .kind = XS_READ, .len_bytes = (uint32_t)strlen(key) + 1 };
	enum status s;

	if (!store.ring)
		return ERR_NOT_FOUND;
	if (!room || m.len_bytes > KEY_MAX)
		return ERR_INVALID;
	m.id = ++store.id;
	s = put(&m, sizeof(m));
	if (s == OK)
		s = put(key, m.len_bytes);
	return s == OK ? read_reply(text, room) : s;
}
