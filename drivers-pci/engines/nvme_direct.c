/*
 * NVMe without a trace in memory: every DMA of the controller is the tested one.
 *
 * Submission queues, lists and blocks are in the controller memory buffer (CMB, NVMe 1.4 chapter 4.7). Completions are
 * the rest: QEMU's buffer takes no completion queues. So they are never posted: a completion queue of two entries whose
 * head doorbell says 1 while nothing was posted is full. A specification-minded driver never does that; it is used only
 * after it was seen to work, and only with a scratch disk.
 *
 * That an I/O command is finished is then learnt in two steps. Commands are fetched in order, so once a later command,
 * the mark, has read its block into the buffer, the tested one has been begun. Then CC.EN is cleared: when CSTS.RDY
 * follows, what had been begun is finished. The next command starts the controller again. Admin commands that are over
 * before the next one begins only need a later one to show: Identify, which fills the same place.
 *
 * A command without completion keeps its place in the controller, so the queue serves for as many as it has entries.
 */
#include "drivers-pci/engines/nvme.h"

#define MARK_US 5000000

static const uint64_t mark = 0x6b72614d;

void nvme_cmb_put(const struct nvme *n, uint32_t off, const void *from, uint32_t bytes)
{
	const uint8_t *p = from;
	uint32_t at = n->cmb_off + off;

	for (; bytes >= 8; bytes -= 8, p += 8, at += 8) {
		uint64_t v;

		__builtin_memcpy(&v, p, 8);
		mmio_wr(&n->cmb, ((reg64_t){ at }), v);
	}
	for (; bytes; bytes--, p++, at++)
		mmio_wr(&n->cmb, ((reg8_t){ at }), *p);
}

void nvme_cmb_get(const struct nvme *n, uint32_t off, void *to, uint32_t bytes)
{
	uint8_t *p = to;
	uint32_t at = n->cmb_off + off;

	for (; bytes >= 8; bytes -= 8, p += 8, at += 8) {
		uint64_t v = mmio_rd(&n->cmb, ((reg64_t){ at }));

		__builtin_memcpy(p, &v, 8);
	}
	for (; bytes; bytes--, p++, at++)
		*p = mmio_rd(&n->cmb, ((reg8_t){ at }));
}

/* Clears the first word of OWN_DATA, to be filled by a command that is under way. */
static void word_clear(struct nvme *n)
{
	const uint64_t zero = 0;

	nvme_put(n, OWN_DATA, 0, &zero, sizeof(zero));
}

static enum status word_wait(struct nvme *n)
{
	deadline_t end = deadline_in_us(MARK_US);
	uint64_t v = 0;

	for (;;) {
		nvme_breathe();
		nvme_get(n, OWN_DATA, 0, &v, sizeof(v));
		if (v)
			return OK;
		if (mmio_rd(&n->regs, NVME_CSTS) & CSTS_CFS)
			return ERR_IO;
		if (deadline_over(&end))
			return ERR_TIMEOUT;
	}
}

static void mark_command(struct nvme *n, struct nvme_sqe *cmd, uint32_t opcode)
{
	*cmd = (struct nvme_sqe){ .dw0 = opcode, .nsid = n->nsid };
	/* The block behind those of a transfer. */
	cmd->dw10 = n->max_bytes / n->lba_bytes;
	nvme_prp(n, cmd, nvme_addr(n, OWN_DATA), n->lba_bytes);
}

static void sign_command(struct nvme *n, struct nvme_sqe *cmd)
{
	*cmd = (struct nvme_sqe){ .dw0 = ADMIN_IDENTIFY, .dw10 = CNS_CONTROLLER };
	nvme_prp(n, cmd, nvme_addr(n, OWN_DATA), PAGE_BYTES);
}

/* Puts admin commands and a sign behind them into the queue, and waits for the sign. */
static enum status run_admin(struct nvme *n, struct nvme_sqe *cmds, unsigned count)
{
	struct nvme_sqe sign;

	sign_command(n, &sign);
	word_clear(n);
	for (unsigned i = 0; i < count; i++)
		nvme_submit(n, &n->admin, &cmds[i]);
	nvme_submit(n, &n->admin, &sign);
	n->left -= count + 1;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	nvme_ring(n, &n->admin, false, n->admin.tail);
	return word_wait(n);
}

static enum status start(struct nvme *n)
{
	const uint32_t id = (uint32_t)FLD(QUEUE_ID, 1);
	struct nvme_sqe queues[2] = {
		{ .dw0 = ADMIN_CREATE_CQ, .dptr = { n->own.v + OWN_IO_CQ * PAGE_BYTES } },
		{ .dw0 = ADMIN_CREATE_SQ, .dptr = { nvme_addr(n, OWN_IO_SQ) } },
	};
	enum status s = nvme_enable(n, OWN_MAIL_SQ, NVME_MAIL_ENTRIES, 2);

	if (s)
		return s;
	n->left = NVME_MAIL_ENTRIES - 1;
	nvme_ring(n, &n->admin, true, 1);
	queues[0].dw10 = id | (uint32_t)FLD(QUEUE_SIZE, 1);
	queues[0].dw11 = (uint32_t)QUEUE_PC;
	queues[1].dw10 = id | (uint32_t)FLD(QUEUE_SIZE, NVME_QUEUE_ENTRIES - 1);
	queues[1].dw11 = (uint32_t)(QUEUE_PC | FLD(SQ_CQID, 1));
	nvme_queue_init(n, &n->io, 1, OWN_IO_SQ, OWN_IO_CQ);
	s = run_admin(n, queues, 2);
	if (s)
		return s;
	nvme_ring(n, &n->io, true, 1);
	n->running = true;
	return OK;
}

enum status nvme_direct_admin(struct nvme *n, struct nvme_sqe *cmds, unsigned count)
{
	enum status s = OK;

	n->sound = false;
	if (!n->running || n->left <= count)
		s = start(n);
	s = s ? s : run_admin(n, cmds, count);
	n->sound = s == OK;
	return s;
}

enum status nvme_direct_run(struct nvme *n, struct nvme_sqe *cmd)
{
	struct nvme_sqe sign;
	enum status s;

	n->sound = false;
	s = n->running ? OK : start(n);
	if (s)
		return s;
	mark_command(n, &sign, NVM_READ);
	word_clear(n);
	if (cmd)
		nvme_submit(n, &n->io, cmd);
	nvme_submit(n, &n->io, &sign);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	nvme_ring(n, &n->io, false, n->io.tail);
	s = word_wait(n);
	s = s ? s : nvme_stop(n);
	n->sound = s == OK;
	return s;
}

/* Opens the buffer, where it takes submission queues, lists and data and is large enough. */
static enum status open_cmb(struct nvme *n)
{
	const uint32_t want = (uint32_t)(CMBSZ_SQS | CMBSZ_LISTS | CMBSZ_RDS | CMBSZ_WDS);
	uint32_t loc, size;
	uint64_t unit, off;
	enum status s;

	if (!(mmio_rd(&n->regs, NVME_CAP) & CAP_CMBS))
		return ERR_UNSUPPORTED;
	/* Upper half first: the lower one turns the buffer on, at the address known by then (seen with QEMU). */
	mmio_wr(&n->regs, NVME_CMBMSC_HI, (uint32_t)fld_get(BITS(63, 32), NVME_CMB_ADDRESS));
	mmio_wr(&n->regs, NVME_CMBMSC, (uint32_t)(CMBMSC_CRE | CMBMSC_CMSE | fld_get(BITS(31, 0), NVME_CMB_ADDRESS)));
	loc = mmio_rd(&n->regs, NVME_CMBLOC);
	size = mmio_rd(&n->regs, NVME_CMBSZ);
	if ((size & want) != want || (mmio_rd(&n->regs, NVME_CMBSTS) & CMBSTS_CBAI) || fld_get(CMBSZ_SZU, size) > 6)
		return ERR_UNSUPPORTED;
	unit = PAGE_BYTES * pow2(4 * (unsigned)fld_get(CMBSZ_SZU, size));
	off = fld_get(CMBLOC_OFST, loc) * unit;
	s = pci_bar_map(n->dev, (unsigned)fld_get(CMBLOC_BIR, loc), &n->cmb);
	if (s)
		return ERR_UNSUPPORTED;
	if (fld_get(CMBSZ_SZ, size) * unit < BUFFER_PAGES * PAGE_BYTES ||
	    off + BUFFER_PAGES * PAGE_BYTES > n->cmb.len_bytes)
		return ERR_UNSUPPORTED;
	n->cmb_off = (uint32_t)off;
	return OK;
}

/* True where no completion was ever posted. */
static bool still_silent(const struct nvme *n)
{
	for (unsigned i = 0; i < NVME_QUEUE_ENTRIES; i++)
		if (n->admin.cq[i].dw3 || n->io.cq[i].dw3)
			return false;
	return true;
}

/* Writes the mark to its block, still by way of memory. */
static enum status write_mark(struct nvme *n)
{
	struct nvme_sqe cmd;
	unsigned st;
	enum status s;

	nvme_put(n, OWN_DATA, 0, &mark, sizeof(mark));
	mark_command(n, &cmd, NVM_WRITE);
	s = nvme_run(n, &n->io, &cmd, &st);
	return s ? s : st == ST_OK ? OK : ERR_IO;
}

/* One I/O command that does nothing but show the mark. */
static bool mark_shows(struct nvme *n)
{
	uint64_t seen = 0;

	if (nvme_direct_run(n, NULL))
		return false;
	nvme_get(n, OWN_DATA, 0, &seen, sizeof(seen));
	return seen == mark;
}

enum status nvme_go_direct(struct nvme *n)
{
	enum status s = open_cmb(n);

	if (s == OK && n->disk)
		s = write_mark(n);
	if (s)
		return s;
	n->direct = true;
	if (nvme_direct_admin(n, NULL, 0) == OK && (!n->disk || mark_shows(n)) && still_silent(n))
		return OK;
	n->direct = false;
	log_line("nvme: " PCI_FMT ": has a memory buffer, but cannot be run from it", PCI_ARGS(n->dev->addr));
	s = nvme_start(n);
	return s ? s : ERR_UNSUPPORTED;
}
