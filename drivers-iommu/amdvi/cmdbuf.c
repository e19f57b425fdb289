/*
 * The command buffer (AMD IOMMU 2.4): the ring, its waits, and the way back after it stopped.
 *
 * The unit fetches commands and stores completions coherently (CTL.Coherent), so nothing here is written back.
 */
#include "drivers-iommu/amdvi/cmdbuf.h"

#define LOG2_MIN 8u
#define LOG2_MAX 15u

/* Base last of all would zero the pointers again, so they follow it (AMD IOMMU 3.4). */
static void pointers_clear(struct amdvi_unit *u)
{
	mmio_wr(&u->regs, AMDVI_CMD_HEAD, 0);
	mmio_wr(&u->regs, AMDVI_CMD_TAIL, 0);
	u->cmds.tail = 0;
}

enum status amdvi_cmdbuf_create(struct amdvi_unit *u, unsigned log2_n)
{
	struct amdvi_cmdbuf *c = &u->cmds;
	enum status s;

	if (log2_n < LOG2_MIN || log2_n > LOG2_MAX)
		return ERR_INVALID;
	*c = (struct amdvi_cmdbuf){ 0 };
	s = ring_create(&c->ring, sizeof(struct amdvi_cmd) * pow2(log2_n), sizeof(struct amdvi_cmd));
	if (s != OK)
		return s;
	s = mem_alloc(PAGE_BYTES, PAGE_BYTES, &c->status_pa);
	if (s != OK) {
		ring_destroy(&c->ring);
		return s;
	}
	c->status = mem_ptr(c->status_pa, PAGE_BYTES);
	mmio_wr(&u->regs, AMDVI_CMD_BASE, c->ring.pa.v | FLD(RING_LEN, log2_n));
	pointers_clear(u);
	return OK;
}

void amdvi_cmdbuf_destroy(struct amdvi_unit *u)
{
	ring_destroy(&u->cmds.ring);
	if (u->cmds.status)
		mem_free(u->cmds.status_pa, PAGE_BYTES);
	u->cmds = (struct amdvi_cmdbuf){ 0 };
}

static uint64_t head_read(const struct amdvi_unit *u)
{
	return mmio_rd(&u->regs, AMDVI_CMD_HEAD) & RING_PTR;
}

enum status amdvi_submit(struct amdvi_unit *u, const struct amdvi_cmd *cmds, unsigned n)
{
	struct amdvi_cmdbuf *c = &u->cmds;

	if (!c->ring.words)
		return ERR_BUSY;
	if (n > ring_room(&c->ring, head_read(u), c->tail))
		return ERR_FULL;
	for (unsigned i = 0; i < n; i++) {
		ring_put(&c->ring, c->tail, cmds[i].q);
		c->tail = ring_after(&c->ring, c->tail, 1);
	}
	/* All stores to the ring are visible before the unit may look at it. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	mmio_wr(&u->regs, AMDVI_CMD_TAIL, c->tail);
	return OK;
}

static bool stopped(const struct amdvi_unit *u)
{
	return !(amdvi_status(u) & ST_CMD_BUF_RUN);
}

/* Submits our own wait; the ring may be full of what the unit is still working on. */
static enum status wait_submit(struct amdvi_unit *u, const deadline_t *d)
{
	struct amdvi_cmd w = amdvi_cmd_completion_wait(CW_S | CW_F, u->cmds.status_pa, u->cmds.ticket);

	for (;;) {
		bool over = deadline_over(d);
		enum status s;

		if (stopped(u))
			return ERR_IO;
		s = amdvi_submit(u, &w, 1);
		if (s != ERR_FULL)
			return s;
		if (over)
			return ERR_TIMEOUT;
	}
}

enum status amdvi_wait(struct amdvi_unit *u)
{
	struct amdvi_cmdbuf *c = &u->cmds;
	deadline_t d = deadline_in_us(u->wait_us);
	enum status s;

	if (!c->ring.words)
		return ERR_BUSY;
	c->ticket++;
	__atomic_store_n(c->status, ~c->ticket, __ATOMIC_RELAXED);
	s = wait_submit(u, &d);
	if (s != OK)
		return s;
	for (;;) {
		bool over = deadline_over(&d);

		if (__atomic_load_n(c->status, __ATOMIC_ACQUIRE) == c->ticket)
			return OK;
		if (stopped(u))
			return ERR_IO;
		if (over)
			return ERR_TIMEOUT;
	}
}

enum status amdvi_cmdbuf_restart(struct amdvi_unit *u)
{
	enum status s;

	amdvi_ctl_clear(u, CTL_CMD_BUF_EN);
	s = amdvi_status_wait(u, ST_CMD_BUF_RUN, false);
	if (s != OK)
		return s;
	pointers_clear(u);
	amdvi_ctl_set(u, CTL_CMD_BUF_EN);
	return amdvi_status_wait(u, ST_CMD_BUF_RUN, true);
}

enum status amdvi_execute(struct amdvi_unit *u, const struct amdvi_cmd *cmds, unsigned n)
{
	enum status s = amdvi_submit(u, cmds, n);

	if (s == OK)
		s = amdvi_wait(u);
	if (s == ERR_IO && amdvi_cmdbuf_restart(u) != OK)
		s = ERR_TIMEOUT;
	return s;
}
