/*
 * The invalidation queue (VT-d 6.5.2, 11.4.9).
 *
 * The unit reads the ring and writes the status coherently whatever ECAP.C says, so nothing here is written back.
 */
#include "drivers-iommu/vtd/queue.h"

#define RING_LOG2_MAX 7
#define STATUS_UNREAD 64 /* in the status page */

/* All stores to the ring are visible before the unit may look at it. */
static void tail_write(struct vtd_unit *u)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	mmio_wr(&u->regs, VTD_IQT, u->queue.tail);
}

static uint64_t head_read(struct vtd_unit *u)
{
	return mmio_rd(&u->regs, VTD_IQH) & IQH_QH;
}

static void queue_free(struct vtd_queue *q)
{
	if (q->owned)
		ring_destroy(&q->ring);
	if (q->status)
		mem_free(q->status_pa, PAGE_BYTES);
	*q = (struct vtd_queue){ .error = q->error };
}

static enum status status_alloc(struct vtd_queue *q)
{
	enum status s = mem_alloc(PAGE_BYTES, PAGE_BYTES, &q->status_pa);

	if (s == OK)
		q->status = mem_ptr(q->status_pa, PAGE_BYTES);
	return s;
}

enum status vtd_queue_enable(struct vtd_unit *u, unsigned log2_pages, bool wide)
{
	struct vtd_queue *q = &u->queue;
	enum status s;

	if (!u->caps.qi || (wide && !u->caps.smts && !u->caps.adms))
		return ERR_UNSUPPORTED;
	if (log2_pages > RING_LOG2_MAX)
		return ERR_INVALID;
	if (q->on || vtd_gsts(u, GSTS_QIES))
		return ERR_BUSY;
	*q = (struct vtd_queue){ .wide = wide };
	s = ring_create(&q->ring, (size_t)PAGE_BYTES * pow2(log2_pages), vtd_queue_stride(u));
	if (s != OK)
		return s;
	q->owned = true;
	s = status_alloc(q);
	if (s != OK)
		goto fail;
	mmio_wr(&u->regs, VTD_IQT, 0);
	mmio_wr(&u->regs, VTD_IQA, q->ring.pa.v | FLD(IQA_QS, log2_pages) | FLD(IQA_DW, wide));
	s = vtd_gcmd_set(u, GCMD_QIE);
	if (s != OK)
		goto fail;
	q->on = true;
	return OK;
fail:
	queue_free(q);
	return s;
}

enum status vtd_queue_submit(struct vtd_unit *u, const struct vtd_desc *descs, unsigned n)
{
	struct vtd_queue *q = &u->queue;

	if (!q->on)
		return ERR_BUSY;
	if (n > ring_room(&q->ring, head_read(u), q->tail))
		return ERR_FULL;
	for (unsigned i = 0; i < n; i++) {
		ring_put(&q->ring, q->tail, descs[i].q);
		q->tail = ring_after(&q->ring, q->tail, 1);
	}
	tail_write(u);
	return OK;
}

/* True, with the details kept, where the queue has stopped. A stray completion (ICE) does not stop it (VT-d 7.3.1). */
static bool stopped(struct vtd_unit *u)
{
	uint32_t fsts = mmio_rd(&u->regs, VTD_FSTS);
	uint64_t iqercd;

	if (!(fsts & (FSTS_IQE | FSTS_ITE)))
		return false;
	iqercd = mmio_rd(&u->regs, VTD_IQERCD);
	u->queue.error = (struct vtd_queue_error){
		.fsts = fsts,
		.iqei = (enum vtd_iqei)fld_get(IQERCD_IQEI, iqercd),
		.ite_sid = (uint16_t)fld_get(IQERCD_ITESID, iqercd),
		.ice_sid = (uint16_t)fld_get(IQERCD_ICESID, iqercd),
		.head = head_read(u),
	};
	return true;
}

/* Submits our own wait; the ring may be full of what the unit is still working on. */
static enum status wait_submit(struct vtd_unit *u, const deadline_t *d)
{
	struct vtd_desc w = vtd_desc_wait(WAIT_SW, u->queue.ticket, u->queue.status_pa);

	for (;;) {
		bool over = deadline_over(d);
		enum status s;

		if (stopped(u))
			return ERR_IO;
		s = vtd_queue_submit(u, &w, 1);
		if (s != ERR_FULL)
			return s;
		if (over)
			return ERR_TIMEOUT;
	}
}

enum status vtd_queue_wait(struct vtd_unit *u)
{
	struct vtd_queue *q = &u->queue;
	deadline_t d = deadline_in_us(u->wait_us);
	enum status s;

	if (!q->on)
		return ERR_BUSY;
	q->ticket++;
	s = wait_submit(u, &d);
	if (s != OK)
		return s;
	for (;;) {
		bool over = deadline_over(&d);

		if (__atomic_load_n(q->status, __ATOMIC_ACQUIRE) == q->ticket)
			return OK;
		if (stopped(u))
			return ERR_IO;
		if (over)
			return ERR_TIMEOUT;
	}
}

/* Overwrites what is pending by waits whose status nobody reads; emulators refuse waits that only fence. */
static void pending_defuse(struct vtd_unit *u)
{
	struct vtd_queue *q = &u->queue;
	struct vtd_desc idle = vtd_desc_wait(WAIT_SW, 0, pa_add(q->status_pa, STATUS_UNREAD));
	uint64_t slots = q->ring.bytes / q->ring.stride;
	uint64_t at = align_down(head_read(u), q->ring.stride) % q->ring.bytes;

	for (uint64_t i = 0; i < slots && at != q->tail; i++) {
		ring_put(&q->ring, at, idle.q);
		at = ring_after(&q->ring, at, 1);
	}
}

enum status vtd_queue_recover(struct vtd_unit *u)
{
	if (!u->queue.on)
		return ERR_BUSY;
	pending_defuse(u);
	tail_write(u);
	mmio_ack(&u->regs, VTD_FSTS, FSTS_IQE | FSTS_ITE | FSTS_ICE);
	tail_write(u); /* fetching has resumed (VT-d 6.5.2.10); some emulators wait for a write of the tail */
	return vtd_queue_wait(u);
}

uint64_t vtd_iqa_now(const struct vtd_unit *u)
{
	uint64_t iqa = mmio_rd(&u->regs, VTD_IQA);
	bool scalable = fld_get(RTADDR_TTM, mmio_rd(&u->regs, VTD_RTADDR)) == TTM_SCALABLE;

	return scalable && vtd_gsts(u, GSTS_TES) ? iqa | IQA_DW : iqa;
}

/* A queue that firmware left on, as if it were ours, so that it can be drained like ours. */
static enum status queue_adopt(struct vtd_unit *u)
{
	struct vtd_queue *q = &u->queue;
	uint64_t iqa = vtd_iqa_now(u);
	enum status s;

	*q = (struct vtd_queue){ .wide = iqa & IQA_DW };
	q->ring = (struct ring){
		.pa = PA(iqa & IQA_IQA),
		.bytes = (size_t)PAGE_BYTES * pow2((unsigned)fld_get(IQA_QS, iqa)),
		.stride = vtd_queue_stride(u),
	};
	q->tail = mmio_rd(&u->regs, VTD_IQT) & IQT_QT;
	q->ring.words = mem_ptr(q->ring.pa, q->ring.bytes);
	if (!q->ring.words)
		return ERR_NOT_FOUND;
	/* With such a tail the unit has stopped; what was pending is given up. */
	if (q->tail >= q->ring.bytes || !is_aligned(q->tail, q->ring.stride))
		q->tail = align_down(head_read(u), q->ring.stride) % q->ring.bytes;
	s = status_alloc(q);
	q->on = s == OK;
	return s;
}

/* Head meets tail: nothing is left to fetch. Where the unit fetches no more, what is pending is given up. */
static void drain(struct vtd_unit *u)
{
	deadline_t d = deadline_in_us(u->wait_us);

	while (head_read(u) != (mmio_rd(&u->regs, VTD_IQT) & IQT_QT))
		if (stopped(u) || deadline_over(&d)) {
			mmio_wr(&u->regs, VTD_IQT, head_read(u));
			return;
		}
}

enum status vtd_queue_disable(struct vtd_unit *u)
{
	enum status s;

	if (!vtd_gsts(u, GSTS_QIES)) { /* off already, or somebody else took it over */
		if (u->queue.on)
			queue_free(&u->queue);
		return OK;
	}
	/* QIE may be cleared when the queue is empty and ended with a wait (VT-d 6.5.2): make it so. */
	if (!u->queue.on && queue_adopt(u) != OK)
		drain(u);
	else if (vtd_queue_wait(u) != OK && vtd_queue_recover(u) != OK)
		drain(u);
	s = vtd_gcmd_clear(u, GCMD_QIE);
	if (s == OK)
		queue_free(&u->queue);
	return s;
}
