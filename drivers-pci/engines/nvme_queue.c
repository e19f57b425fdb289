/*
 * NVMe: the controller's start and stop, one polled queue pair for administration and one for I/O, data pointers.
 *
 * One command runs at a time. Commands without data end with dptr 0; the others describe it first.
 */
#include "drivers-pci/engines/nvme.h"

#define BREATH     300
#define LOOKS      50      /* at memory for each at a register */
#define COMMAND_US 5000000 /* a disk may have to spin up its firmware; refusals come at once */

uint64_t nvme_addr(const struct nvme *n, unsigned page)
{
	return (n->direct ? NVME_CMB_ADDRESS : n->own.v) + (uint64_t)page * PAGE_BYTES;
}

void nvme_put(const struct nvme *n, unsigned page, uint32_t off, const void *from, uint32_t bytes)
{
	if (n->direct)
		nvme_cmb_put(n, page * PAGE_BYTES + off, from, bytes);
	else
		__builtin_memcpy(mem_ptr(pa_add(n->own, page * PAGE_BYTES + off), bytes), from, bytes);
}

void nvme_get(const struct nvme *n, unsigned page, uint32_t off, void *to, uint32_t bytes)
{
	if (n->direct)
		nvme_cmb_get(n, page * PAGE_BYTES + off, to, bytes);
	else
		__builtin_memcpy(to, mem_ptr(pa_add(n->own, page * PAGE_BYTES + off), bytes), bytes);
}

/*
 * Between two looks at a register: an emulator's device needs the lock that each access takes. A microsecond or so.
 */
void nvme_breathe(void)
{
	for (unsigned i = 0; i < BREATH; i++)
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static enum status wait_ready(struct nvme *n, bool ready)
{
	deadline_t end = deadline_in_us(n->ready_us);

	for (;;) {
		uint32_t csts = mmio_rd(&n->regs, NVME_CSTS);

		if (((csts & CSTS_RDY) != 0) == ready)
			return OK;
		if (ready && (csts & CSTS_CFS))
			return ERR_IO;
		if (deadline_over(&end))
			return ERR_TIMEOUT;
	}
}

enum status nvme_stop(struct nvme *n)
{
	n->running = false;
	mmio_wr(&n->regs, NVME_CC, mmio_rd(&n->regs, NVME_CC) & (uint32_t)~CC_EN);
	return wait_ready(n, false);
}

void nvme_queue_init(struct nvme *n, struct nvme_queue *q, unsigned id, unsigned sq_page, unsigned cq_page)
{
	*q = (struct nvme_queue){ .id = id, .phase = true, .sq_page = sq_page, .entries = NVME_QUEUE_ENTRIES };
	q->cq = mem_ptr(pa_add(n->own, cq_page * PAGE_BYTES), PAGE_BYTES);
	/* No stale phase tag may look like a completion. */
	for (unsigned i = 0; i < NVME_QUEUE_ENTRIES; i++)
		q->cq[i] = (struct nvme_cqe){ 0 };
}

void nvme_ring(struct nvme *n, const struct nvme_queue *q, bool completion, unsigned value)
{
	reg32_t doorbell = { NVME_DOORBELLS + (2 * q->id + (completion ? 1 : 0)) * n->doorbell_bytes };

	mmio_wr(&n->regs, doorbell, value);
}

/* Waits for the completion of cid and takes it out of the queue. */
static enum status take_completion(struct nvme *n, struct nvme_queue *q, uint16_t cid, unsigned *status)
{
	deadline_t end = deadline_in_us(COMMAND_US);
	struct nvme_cqe *c = &q->cq[q->head];
	uint32_t dw3 = 0;

	for (;;) {
		for (unsigned looks = 0; looks < LOOKS; looks++) {
			dw3 = __atomic_load_n(&c->dw3, __ATOMIC_ACQUIRE);
			if (((dw3 & CQE_P) != 0) == q->phase)
				break;
			nvme_breathe();
		}
		if (((dw3 & CQE_P) != 0) == q->phase)
			break;
		if (mmio_rd(&n->regs, NVME_CSTS) & CSTS_CFS)
			return ERR_IO;
		if (deadline_over(&end))
			return ERR_TIMEOUT;
	}
	/* This read pushes the device's posted writes ahead of it, so that data are there when it returns. */
	(void)mmio_rd(&n->regs, NVME_CSTS);
	q->head = (q->head + 1) % NVME_QUEUE_ENTRIES;
	if (q->head == 0)
		q->phase = !q->phase;
	nvme_ring(n, q, true, q->head);
	*status = STATUS(fld_get(CQE_SCT, dw3), (unsigned)fld_get(CQE_SC, dw3));
	return fld_get(CQE_CID, dw3) == cid ? OK : ERR_IO;
}

/* Puts a command into a queue; the doorbell is rung by the caller. */
void nvme_submit(struct nvme *n, struct nvme_queue *q, struct nvme_sqe *cmd)
{
	n->cid = (uint16_t)fld_get(BITS(14, 0), (uint64_t)n->cid + 1);
	cmd->dw0 = (uint32_t)fld_set(SQE_CID, cmd->dw0, n->cid);
	nvme_put(n, q->sq_page, q->tail * (uint32_t)sizeof(*cmd), cmd, sizeof(*cmd));
	q->tail = (q->tail + 1) % q->entries;
}

enum status nvme_run(struct nvme *n, struct nvme_queue *q, struct nvme_sqe *cmd, unsigned *status)
{
	enum status s;

	n->sound = false;
	if (n->direct) {
		*status = ST_OK;
		return nvme_direct_run(n, cmd);
	}
	nvme_submit(n, q, cmd);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	nvme_ring(n, q, false, q->tail);
	s = take_completion(n, q, n->cid, status);
	n->sound = s == OK;
	return s;
}

/* An admin command that must succeed. */
static enum status run_admin(struct nvme *n, struct nvme_sqe *cmd)
{
	unsigned st;
	enum status s = nvme_run(n, &n->admin, cmd, &st);

	return s ? s : st == ST_OK ? OK : ERR_IO;
}

static enum status create_io_queues(struct nvme *n)
{
	struct nvme_sqe cq = { .dw0 = ADMIN_CREATE_CQ, .dptr = { nvme_addr(n, OWN_IO_CQ) } };
	struct nvme_sqe sq = { .dw0 = ADMIN_CREATE_SQ, .dptr = { nvme_addr(n, OWN_IO_SQ) } };
	enum status s;

	nvme_queue_init(n, &n->io, 1, OWN_IO_SQ, OWN_IO_CQ);
	cq.dw10 = sq.dw10 = (uint32_t)(FLD(QUEUE_ID, 1) | FLD(QUEUE_SIZE, NVME_QUEUE_ENTRIES - 1));
	cq.dw11 = (uint32_t)QUEUE_PC;
	sq.dw11 = (uint32_t)(QUEUE_PC | FLD(SQ_CQID, 1));
	s = run_admin(n, &cq);
	return s ? s : run_admin(n, &sq);
}

enum status nvme_enable(struct nvme *n, unsigned sq_page, unsigned sq_entries, unsigned cq_entries)
{
	enum status s = nvme_stop(n);

	if (s)
		return s;
	nvme_queue_init(n, &n->admin, 0, sq_page, OWN_ADMIN_CQ);
	n->admin.entries = sq_entries;
	mmio_wr(&n->regs, NVME_AQA, (uint32_t)(FLD(AQA_ASQS, sq_entries - 1) | FLD(AQA_ACQS, cq_entries - 1)));
	mmio_wr(&n->regs, NVME_ASQ, nvme_addr(n, sq_page));
	mmio_wr(&n->regs, NVME_ACQ, n->own.v + OWN_ADMIN_CQ * PAGE_BYTES);
	/* Pages of 4 KiB, NVM command set, entries of 64 and 16 bytes (powers of two). */
	mmio_wr(&n->regs, NVME_CC, (uint32_t)(CC_EN | FLD(CC_IOSQES, 6) | FLD(CC_IOCQES, 4)));
	return wait_ready(n, true);
}

enum status nvme_start(struct nvme *n)
{
	enum status s;

	if (n->direct) {
		n->running = false;
		return nvme_direct_admin(n, NULL, 0);
	}
	s = nvme_enable(n, OWN_ADMIN_SQ, NVME_QUEUE_ENTRIES, NVME_QUEUE_ENTRIES);
	return s || !n->dev->bus->scratch_media ? s : create_io_queues(n);
}

void nvme_prp(struct nvme *n, struct nvme_sqe *cmd, uint64_t addr, uint32_t bytes)
{
	uint64_t next = align_down(addr, PAGE_BYTES) + PAGE_BYTES; /* 0 behind the last page of all */
	uint64_t left = addr % PAGE_BYTES + bytes > PAGE_BYTES ? addr % PAGE_BYTES + bytes - PAGE_BYTES : 0;
	uint64_t list[NVME_TRANSFER_BYTES / PAGE_BYTES];
	unsigned list_n = 0;

	ASSERT(bytes <= NVME_TRANSFER_BYTES);
	cmd->dptr[0] = addr;
	cmd->dptr[1] = left ? next : 0;
	if (left <= PAGE_BYTES)
		return;
	for (; (uint64_t)list_n * PAGE_BYTES < left; list_n++)
		list[list_n] = next + (uint64_t)list_n * PAGE_BYTES;
	nvme_put(n, OWN_LIST, 0, list, list_n * (uint32_t)sizeof(list[0]));
	cmd->dptr[1] = nvme_addr(n, OWN_LIST);
}

void nvme_sgl(struct nvme *n, struct nvme_sqe *cmd, uint64_t addr, uint32_t bytes, uint32_t rest)
{
	const uint32_t block = (uint32_t)FLD(SGL_TYPE, SGL_DATA_BLOCK);
	const struct nvme_sgl list[2] = { { addr, bytes, block }, { nvme_addr(n, OWN_DATA), rest, block } };

	cmd->dw0 = (uint32_t)fld_set(SQE_PSDT, cmd->dw0, PSDT_SGL);
	if (rest == 0) {
		__builtin_memcpy(cmd->dptr, &list[0], sizeof(cmd->dptr));
		return;
	}
	nvme_put(n, OWN_LIST, 0, list, sizeof(list));
	cmd->dptr[0] = nvme_addr(n, OWN_LIST);
	/* Second half of the descriptor: length of the segment, and its type in the top byte. */
	cmd->dptr[1] = FLD(BITS(31, 0), sizeof(list)) | FLD(BITS(63, 32), FLD(SGL_TYPE, SGL_LAST_SEGMENT));
}

/* Identify into OWN_DATA. */
static enum status identify_one(struct nvme *n, uint32_t cns, uint32_t nsid, unsigned *st)
{
	struct nvme_sqe cmd = { .dw0 = ADMIN_IDENTIFY, .nsid = nsid, .dw10 = cns };

	nvme_prp(n, &cmd, nvme_addr(n, OWN_DATA), PAGE_BYTES);
	return nvme_run(n, &n->admin, &cmd, st);
}

static uint64_t field(const uint8_t *p, unsigned off, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = bytes; i; i--)
		v = v * 256 + p[off + i - 1];
	return v;
}

static void read_controller(struct nvme *n, const uint8_t *p)
{
	uint64_t align = fld_get(SGLS_SUPPORT, field(p, IDC_SGLS, 4));
	unsigned mdts = p[IDC_MDTS];

	n->max_bytes = NVME_TRANSFER_BYTES;
	if (mdts && mdts < 5)
		n->max_bytes = (uint32_t)pow2(mdts) * PAGE_BYTES;
	n->sgl_align = align == SGLS_ANY_ALIGN ? 1 : align == SGLS_DWORD ? 4 : 0;
	n->has_effects = (p[IDC_LPA] & LPA_EFFECTS) != 0;
}

/* Takes the namespace where it has blocks that this driver can move: no metadata, at most a page. */
static void read_namespace(struct nvme *n, const uint8_t *p, uint32_t nsid)
{
	uint64_t format = field(p, IDN_LBAF + 4 * (unsigned)fld_get(FLBAS_FORMAT, p[IDN_FLBAS]), 4);
	uint64_t power = fld_get(LBAF_LBADS, format);

	if (fld_get(LBAF_MS, format) || power < 9 || power > 12)
		return;
	n->nsid = nsid;
	n->lba_bytes = (uint32_t)pow2((unsigned)power);
	n->blocks = field(p, IDN_NSZE, 8);
}

enum status nvme_identify(struct nvme *n)
{
	/* Identify is over before the unit under test is on: own memory is read where it lies. */
	const uint8_t *p = mem_ptr(pa_add(n->own, OWN_DATA * PAGE_BYTES), PAGE_BYTES);
	unsigned st;
	uint32_t nsid;
	enum status s = identify_one(n, CNS_CONTROLLER, 0, &st);

	if (s || st != ST_OK)
		return s ? s : ERR_IO;
	read_controller(n, p);
	s = identify_one(n, CNS_ACTIVE_LIST, 0, &st);
	/* Controllers before 1.1 have no list: their first namespace is 1. */
	nsid = s == OK && st == ST_OK ? (uint32_t)field(p, 0, 4) : 1;
	if (s || nsid == 0)
		return s;
	s = identify_one(n, CNS_NAMESPACE, nsid, &st);
	if (s == OK && st == ST_OK)
		read_namespace(n, p, nsid);
	return s;
}
