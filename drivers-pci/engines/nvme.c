/*
 * Engine: any NVMe controller, polled.
 *
 * With a disk that the platform declared to be scratch, content is free in both directions, through blocks from 0 on:
 *   write: own memory -> disk (Write), disk -> iova (Read);
 *   read:  iova -> disk (Write), disk -> own memory (Read).
 * Whole blocks at dword addresses go by PRPs. Other lengths and addresses need a controller with SGLs: the rest of the
 * last block then lies in own memory; without SGLs the block is the granule.
 * 512 bytes at a dword address go through the mailbox where that works (nvme_mail.c), which needs no disk.
 * Without the word that media are scratch, there is the admin queue alone, and no command touches media or settings:
 *   write: a log page from its start (predictable content, any number of dwords).
 *
 * Queues, lists and blocks are in own memory; with a scratch disk and a controller memory buffer they are there, and
 * the engine is direct (nvme_direct.c).
 *
 * Refusals: controllers may report them (Data Transfer Error) or not: emulated ones ignore them, and posted writes
 * are lost without notice. So a successful status says DMA_UNKNOWN, and the data decide. A refused DMA to own memory
 * makes the controller fail (CSTS.CFS): ERR_IO, and reset() is due.
 */
#include "drivers-pci/engines/nvme.h"
#include "drivers-pci/regs.h"

#define LOG_EFFECTS_BYTES 4096u
#define LOG_SLOTS_BYTES   512u

/* What a completion says of the one DMA that could be refused. */
static enum status judge(unsigned st, enum dma_outcome *outcome)
{
	/* Data transfer error, internal error, and the two media errors that stand for a failed transfer. */
	static const unsigned refused[] = { ST_DATA_TRANSFER, STATUS(0, 0x06), STATUS(2, 0x80), STATUS(2, 0x81) };

	*outcome = DMA_UNKNOWN;
	if (st == ST_OK)
		return OK;
	for (unsigned i = 0; i < ARRAY_LEN(refused); i++) {
		if (st != refused[i])
			continue;
		*outcome = DMA_REFUSED;
		return OK;
	}
	log_line("nvme: a command ended with status type %x code %02x", st / 256, st % 256);
	return ERR_IO;
}

/* One command over the first blocks that hold bytes, data at addr; what is over goes to or comes from OWN_DATA. */
static enum status block_io(struct nvme *n, uint32_t opcode, uint64_t addr, uint32_t bytes, unsigned *st)
{
	struct nvme_sqe cmd = { .dw0 = opcode, .nsid = n->nsid };
	uint32_t blocks = (bytes + n->lba_bytes - 1) / n->lba_bytes;
	uint32_t rest = blocks * n->lba_bytes - bytes;

	cmd.dw12 = blocks - 1;
	if (rest == 0 && is_aligned(addr, 4))
		nvme_prp(n, &cmd, addr, bytes);
	else
		nvme_sgl(n, &cmd, addr, bytes, rest);
	return nvme_run(n, &n->io, &cmd, st);
}

/* The same between disk and own memory, which must succeed. */
static enum status own_block_io(struct nvme *n, uint32_t opcode, uint32_t bytes)
{
	unsigned st;
	enum status s = block_io(n, opcode, nvme_addr(n, OWN_BLOCK),
				 (uint32_t)align_up(bytes, n->lba_bytes), &st);

	return s ? s : st == ST_OK ? OK : ERR_IO;
}

static enum status log_page(struct nvme *n, uint64_t addr, uint32_t bytes, unsigned *st)
{
	struct nvme_sqe cmd = { .dw0 = ADMIN_LOG_PAGE, .nsid = UINT32_MAX };
	uint32_t lid = n->has_effects ? LID_EFFECTS : LID_SLOTS;

	cmd.dw10 = (uint32_t)(FLD(LOG_LID, lid) | FLD(LOG_NUMD, bytes / 4 - 1));
	nvme_prp(n, &cmd, addr, bytes);
	return nvme_run(n, &n->admin, &cmd, st);
}

/* Checks a request; a controller whose last command failed on the way starts over. */
static enum status ready(struct engine *e, const struct dma_request *rq, uint32_t direction)
{
	struct nvme *n = e->priv;
	enum status s = engine_check(e, rq, direction);

	return s || n->direct || n->sound ? s : nvme_start(n);
}

static bool mailable(const struct nvme *n, const struct dma_request *rq)
{
	return n->mail && rq->len_bytes == NVME_MAIL_BYTES && is_aligned(rq->iova.v, 4);
}

static enum status nvme_write(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome)
{
	struct nvme *n = e->priv;
	enum status s = ready(e, rq, DMA_CAN_WRITE);
	unsigned st;

	if (s)
		return s;
	if (mailable(n, rq)) {
		s = nvme_mail_write(n, rq->iova.v, rq->data, &st);
	} else if (n->disk) {
		nvme_put(n, OWN_BLOCK, 0, rq->data, rq->len_bytes);
		s = own_block_io(n, NVM_WRITE, rq->len_bytes);
		s = s ? s : block_io(n, NVM_READ, rq->iova.v, rq->len_bytes, &st);
	} else {
		s = log_page(n, nvme_addr(n, OWN_DATA), rq->len_bytes, &st);
		nvme_get(n, OWN_DATA, 0, rq->data, rq->len_bytes);
		s = s ? s : log_page(n, rq->iova.v, rq->len_bytes, &st);
	}
	return s ? s : judge(st, outcome);
}

static enum status read_mail(struct nvme *n, struct dma_request *rq, enum dma_outcome *outcome)
{
	bool blank;
	unsigned st;
	enum status s = nvme_mail_read(n, rq->iova.v, rq->data, &blank, &st);

	s = s ? s : judge(st, outcome);
	if (s || *outcome == DMA_REFUSED)
		return s;
	rq->echo_n = rq->len_bytes;
	if (blank)
		*outcome = DMA_REFUSED;
	return OK;
}

static enum status nvme_read(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome)
{
	struct nvme *n = e->priv;
	enum status s = ready(e, rq, DMA_CAN_READ);
	unsigned st;

	rq->echo_n = 0;
	if (s)
		return s;
	if (mailable(n, rq))
		return read_mail(n, rq, outcome);
	s = block_io(n, NVM_WRITE, rq->iova.v, rq->len_bytes, &st);
	s = s ? s : judge(st, outcome);
	if (s || *outcome == DMA_REFUSED)
		return s;
	s = own_block_io(n, NVM_READ, rq->len_bytes);
	if (s)
		return s;
	nvme_get(n, OWN_BLOCK, 0, rq->data, rq->len_bytes);
	rq->echo_n = rq->len_bytes;
	return OK;
}

static enum status nvme_reset(struct engine *e)
{
	struct nvme *n = e->priv;
	enum status s;

	pci_enable(e->dev, true, true);
	s = nvme_start(n);
	if (s == OK)
		return OK;
	if (pci_flr(e->dev))
		return s;
	return nvme_start(n);
}

/* A command without data: its queue entry is read and its completion written, both in own memory. */
static enum status small_command(struct nvme *n)
{
	struct nvme_sqe cmd = { .dw0 = ADMIN_GET_FEATURE, .dw10 = FID_QUEUES };
	unsigned st;
	enum status s = nvme_run(n, &n->admin, &cmd, &st);

	return s ? s : st == ST_OK ? OK : ERR_IO;
}

/* What ended well a moment ago needs no further proof: the harness asks after every test. */
static bool nvme_alive(struct engine *e)
{
	struct nvme *n = e->priv;

	if (n->sound && !(mmio_rd(&n->regs, NVME_CSTS) & CSTS_CFS))
		return true;
	return (n->direct ? nvme_direct_admin(n, NULL, 0) : small_command(n)) == OK;
}

/*
 * Admin completions raise vector 0; I/O completions raise none. Controllers may bind a queue to its vector when the
 * queue is made, so they start anew with MSI-X on and masked. The completions of that start may leave a message
 * pending: then it is the one.
 */
static enum status nvme_msi(struct engine *e, uint64_t address, uint32_t data)
{
	struct nvme *n = e->priv;
	enum status s = n->direct ? ERR_UNSUPPORTED : pci_msi_prepare(e->dev, address, data);

	if (s)
		return s;
	s = nvme_start(n);
	if (s == OK && !pci_msi_unmask(e->dev))
		s = small_command(n);
	pci_msi_off(e->dev);
	return s;
}

static void nvme_quiesce(struct engine *e)
{
	struct nvme *n = e->priv;

	if (!n)
		return;
	if (n->regs.len_bytes && nvme_stop(n))
		log_line("nvme: " PCI_FMT " does not stop", PCI_ARGS(e->dev->addr));
	pci_enable(e->dev, true, false);
	mem_free(n->own, OWN_PAGES * PAGE_BYTES);
	mem_free(mem_pa(n), sizeof(*n));
	e->priv = NULL;
	e->own_n = 0;
}

/* True where the disk keeps what is written to it. */
static bool medium_works(struct nvme *n)
{
	static const uint8_t zero[16];
	uint8_t pattern[16], seen[16];

	for (unsigned i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(n->cid * 29 + i * 7 + 1);
	nvme_put(n, OWN_BLOCK, 0, pattern, sizeof(pattern));
	if (own_block_io(n, NVM_WRITE, n->lba_bytes))
		return false;
	nvme_put(n, OWN_BLOCK, 0, zero, sizeof(zero));
	if (own_block_io(n, NVM_READ, n->lba_bytes))
		return false;
	nvme_get(n, OWN_BLOCK, 0, seen, sizeof(seen));
	return !__builtin_memcmp(seen, pattern, sizeof(seen));
}

/* Any content both ways, in blocks and by mail. */
static void fill_scratch_caps(struct engine_caps *c, const struct nvme *n)
{
	const bool sgl = n->disk && n->sgl_align;

	c->flags |= DMA_CAN_READ | DMA_WRITE_ARBITRARY | DMA_READ_ALL;
	c->granule_bytes = sgl ? n->sgl_align : n->disk ? n->lba_bytes : NVME_MAIL_BYTES;
	c->align_bytes = sgl ? n->sgl_align : 4;
	c->max_bytes = n->disk ? n->max_bytes : NVME_MAIL_BYTES;
	if (!n->direct)
		return;
	/* A controller need not take one transfer that is partly in its buffer, so no rest of a block there. */
	c->flags = (c->flags | DMA_DIRECT) & ~(uint32_t)DMA_CAN_MSI;
	c->granule_bytes = n->disk ? n->lba_bytes : NVME_MAIL_BYTES;
}

static void fill_caps(struct engine *e, const struct nvme *n)
{
	struct engine_caps *c = &e->caps;

	*c = (struct engine_caps){ .flags = DMA_CAN_WRITE, .granule_bytes = 4, .align_bytes = 4, .usual_us = 2000 };
	c->max_bytes = n->has_effects ? LOG_EFFECTS_BYTES : LOG_SLOTS_BYTES;
	if (pci_cap(e->dev, CAP_ID_MSI) || pci_cap(e->dev, CAP_ID_MSIX))
		c->flags |= DMA_CAN_MSI;
	if (n->disk || n->mail)
		fill_scratch_caps(c, n);
}

static enum status map_registers(struct pci_dev *dev, struct nvme *n)
{
	enum status s = pci_bar_map(dev, 0, &n->regs);
	uint64_t cap;

	if (s)
		return s;
	if (n->regs.len_bytes < NVME_REGS_BYTES)
		return ERR_MALFORMED;
	cap = mmio_rd(&n->regs, NVME_CAP);
	n->doorbell_bytes = 4 * (uint32_t)pow2((unsigned)fld_get(CAP_DSTRD, cap));
	n->ready_us = (fld_get(CAP_TO, cap) + 1) * 500000;
	/* Pages of 4 KiB, and queues as long as ours. */
	if (fld_get(CAP_MPSMIN, cap) != 0 || fld_get(CAP_MQES, cap) + 1 < NVME_QUEUE_ENTRIES ||
	    NVME_DOORBELLS + 4 * n->doorbell_bytes > n->regs.len_bytes)
		return ERR_UNSUPPORTED;
	return OK;
}

/* With the word that media are scratch: which of buffer, disk and mailbox serve. */
static enum status find_ways(struct nvme *n)
{
	enum status s;

	/* One block more than a transfer: the mark of nvme_direct.c. */
	n->disk = n->lba_bytes && n->blocks > n->max_bytes / n->lba_bytes;
	s = nvme_go_direct(n);
	if (s == ERR_UNSUPPORTED) {
		n->disk = n->disk && medium_works(n);
		s = OK;
	}
	s = s ? s : nvme_mail_try(n);
	if (s || !n->direct || n->disk || n->mail)
		return s;
	/* A buffer, but no use for it. */
	n->direct = false;
	return nvme_start(n);
}

static enum status bring_up(struct engine *e, struct nvme *n)
{
	enum status s = map_registers(e->dev, n);

	if (s)
		return s;
	pci_enable(e->dev, true, true);
	s = nvme_start(n);
	s = s ? s : nvme_identify(n);
	if (s == OK && e->dev->bus->scratch_media)
		s = find_ways(n);
	if (s)
		return s;
	e->own_n = n->direct ? 0 : 1;
	fill_caps(e, n);
	return OK;
}

static bool nvme_knows(const struct pci_dev *dev)
{
	return dev->class_code == NVME_CLASS;
}

static enum status nvme_probe(struct pci_dev *dev, struct engine *e)
{
	struct nvme *n;
	enum status s;
	pa_t pa;

	s = mem_alloc(sizeof(*n), PAGE_BYTES, &pa);
	if (s)
		return s;
	n = mem_ptr(pa, sizeof(*n));
	n->dev = dev;
	s = mem_alloc(OWN_PAGES * PAGE_BYTES, PAGE_BYTES, &n->own);
	if (s) {
		mem_free(pa, sizeof(*n));
		return s;
	}
	e->priv = n;
	e->own[0] = (struct engine_memory){ n->own, OWN_PAGES * PAGE_BYTES };
	e->own_n = 1;
	s = bring_up(e, n);
	if (s)
		nvme_quiesce(e);
	return s;
}

static const struct engine_ops nvme_ops = {
	.name = "nvme",
	.knows = nvme_knows,
	.probe = nvme_probe,
	.write = nvme_write,
	.read = nvme_read,
	.reset = nvme_reset,
	.alive = nvme_alive,
	.quiesce = nvme_quiesce,
	.msi = nvme_msi,
};

ENGINE(nvme_ops, 10);
