/*
 * The engine of the DMA device that exists on model machines (docs/model-device.md).
 *
 * It keeps nothing in memory, sends one transaction for each page that a transfer touches, and can do all that an
 * engine may be asked for.
 */
#include "drivers-pci/engine.h"

#define VENDOR 0x5043u
#define DEVICE 0x4d44u
#define BUFFER_BYTES 8192u
#define WAIT_US 100000u

#define REG_ID             ((reg32_t){ 0x00 })
#define   ID_VALUE            0x444d4350u
#define REG_CONTROL        ((reg32_t){ 0x08 })
#define   CONTROL_RESET       BIT(0)
#define   CONTROL_WITHHOLD    BIT(1)
#define REG_ADDRESS        ((reg64_t){ 0x10 })
#define REG_LENGTH         ((reg32_t){ 0x18 })
#define REG_OFFSET         ((reg32_t){ 0x1c })
#define REG_FLAGS          ((reg32_t){ 0x20 })
#define   FLAG_PASID          BIT(0)
#define   FLAG_PRIV           BIT(1)
#define   FLAG_EXEC           BIT(2)
#define   FLAG_TRANSLATED     BIT(3)
#define   FLAG_NO_WRITE       BIT(4)
#define   FLAG_PR_READ        BIT(8)
#define   FLAG_PR_WRITE       BIT(9)
#define   FLAG_PR_LAST        BIT(10)
#define REG_PASID          ((reg32_t){ 0x24 })
#define REG_PRGI           ((reg32_t){ 0x28 })
#define REG_DATA           ((reg64_t){ 0x30 })
#define REG_COMMAND        ((reg32_t){ 0x38 })
#define REG_STATUS         ((reg32_t){ 0x3c })
#define   STATUS_BUSY         BIT(0)
#define   STATUS_DONE         BIT(1)
#define   STATUS_REFUSED      BIT(2)
#define   STATUS_BAD          BIT(3)
#define REG_SEQUENCE       ((reg32_t){ 0x44 })
#define REG_RESULT         ((reg64_t){ 0x48 })
#define REG_SIZE           ((reg64_t){ 0x50 })
#define REG_ANSWER         ((reg32_t){ 0x58 })
#define   ANSWER_R            BIT(0)
#define   ANSWER_W            BIT(1)
#define   ANSWER_U            BIT(2)
#define   ANSWER_N            BIT(3)
#define   ANSWER_EXEC         BIT(4)
#define   ANSWER_PRIV         BIT(5)
#define   ANSWER_GLOBAL       BIT(6)
#define   ANSWER_CACHED       BIT(8)
#define REG_RESPONSE       ((regw1c32_t){ 0x60 })
#define   RESPONSE_PRGI       BITS(8, 0)
#define   RESPONSE_CODE       BITS(15, 12)
#define   RESPONSE_HAS_PASID  BIT(16)
#define   RESPONSE_VALID      BIT(31)
#define REG_RESPONSE_PASID ((reg32_t){ 0x64 })
#define BUFFER             0x2000u

enum {
	CMD_WRITE = 1, CMD_READ, CMD_ZERO_READ, CMD_FETCH_ADD, CMD_TRANSLATE, CMD_LOOKUP, CMD_PAGE_REQUEST, CMD_MESSAGE
};

/* Extended capabilities: control registers and their enables. */
#define EXT_ATS       0x0f
#define   ATS_CONTROL    0x06u
#define   ATS_ENABLE     BIT(15)
#define EXT_PRI       0x13
#define   PRI_CONTROL    0x04u
#define   PRI_ENABLE     BIT(0)
#define EXT_PASID     0x1b
#define   PASID_CONTROL  0x06u
#define   PASID_ENABLES  BITS(2, 0) /* enable, execute, privileged */

static mmio_t *regs(struct engine *e)
{
	return &e->window;
}

/* ---- life ---- */

static enum status enable(struct pci_dev *dev)
{
	uint32_t ats = pci_ext_cap(dev, EXT_ATS), pri = pci_ext_cap(dev, EXT_PRI), pasid = pci_ext_cap(dev, EXT_PASID);

	if (!ats || !pri || !pasid)
		return ERR_UNSUPPORTED;
	pci_enable(dev, true, true);
	/* PASID first: it must not change while ATS is on. */
	pci_wr(dev, ats + ATS_CONTROL, 0, 2);
	pci_wr(dev, pasid + PASID_CONTROL, (uint32_t)PASID_ENABLES, 2);
	pci_wr(dev, ats + ATS_CONTROL, (uint32_t)ATS_ENABLE, 2);
	pci_wr(dev, pri + PRI_CONTROL, (uint32_t)PRI_ENABLE, 2);
	return OK;
}

static enum status probe(struct pci_dev *dev, struct engine *e)
{
	enum status s;

	if (dev->vendor != VENDOR || dev->device != DEVICE)
		return ERR_NOT_FOUND;
	pci_enable(dev, true, false);
	s = pci_bar_map(dev, 0, &e->window);
	if (s != OK)
		return s;
	if (mmio_rd(regs(e), REG_ID) != ID_VALUE)
		return ERR_UNSUPPORTED;
	s = enable(dev);
	if (s != OK)
		return s;
	mmio_wr(regs(e), REG_CONTROL, (uint32_t)CONTROL_RESET);
	e->caps = (struct engine_caps){
		.flags = DMA_CAN_WRITE | DMA_CAN_READ | DMA_WRITE_ARBITRARY | DMA_READ_ALL | DMA_DIRECT | DMA_ONE_TLP |
			 DMA_REPORTS_ABORT | DMA_CAN_PASID | DMA_CAN_PRIV | DMA_CAN_EXEC | DMA_CAN_ATS | DMA_CAN_XLT |
			 DMA_CAN_PRI | DMA_CAN_ATOMIC | DMA_CAN_ZLR | DMA_CAN_MSI,
		.granule_bytes = 1,
		.align_bytes = 1,
		.max_bytes = BUFFER_BYTES,
		.usual_us = 10,
	};
	return OK;
}

static enum status reset(struct engine *e)
{
	mmio_wr(regs(e), REG_CONTROL, (uint32_t)CONTROL_RESET);
	return enable(e->dev);
}

static void quiesce(struct engine *e)
{
	mmio_wr(regs(e), REG_CONTROL, (uint32_t)CONTROL_RESET);
	pci_enable(e->dev, true, false);
}

/* ---- commands ---- */

/* Runs a command. ERR_IO: the device says that it cannot be. */
static enum status run(struct engine *e, uint32_t command, enum dma_outcome *outcome)
{
	deadline_t d = deadline_in_us(WAIT_US);
	uint32_t status;

	mmio_wr(regs(e), REG_COMMAND, command);
	for (;;) {
		bool over = deadline_over(&d);

		status = mmio_rd(regs(e), REG_STATUS);
		if ((status & (STATUS_BUSY | STATUS_DONE)) == STATUS_DONE)
			break;
		if (over)
			return ERR_TIMEOUT;
	}
	if (status & STATUS_BAD)
		return ERR_IO;
	*outcome = status & STATUS_REFUSED ? DMA_REFUSED : DMA_DONE;
	return OK;
}

/* Lookup in the Device-TLB sends nothing: it counts as alive that it was carried out. */
static bool alive(struct engine *e)
{
	uint32_t before = mmio_rd(regs(e), REG_SEQUENCE);
	enum dma_outcome outcome;

	return run(e, CMD_LOOKUP, &outcome) == OK && mmio_rd(regs(e), REG_SEQUENCE) == before + 1;
}

static void requester(struct engine *e, const struct dma_request *rq, uint32_t more_flags)
{
	uint64_t flags = more_flags;

	if (rq->has_pasid)
		flags |= FLAG_PASID | (rq->priv ? FLAG_PRIV : 0) | (rq->exec ? FLAG_EXEC : 0);
	if (rq->at == DMA_AT_TRANSLATED)
		flags |= FLAG_TRANSLATED;
	mmio_wr(regs(e), REG_ADDRESS, rq->iova.v);
	mmio_wr(regs(e), REG_FLAGS, (uint32_t)flags);
	mmio_wr(regs(e), REG_PASID, rq->pasid);
	mmio_wr(regs(e), REG_OFFSET, 0u);
	mmio_wr(regs(e), REG_LENGTH, rq->len_bytes);
}

static void buffer_put(struct engine *e, const uint8_t *data, uint32_t bytes)
{
	uint32_t i = 0;

	for (; i + 8 <= bytes; i += 8) {
		uint64_t v = 0;

		for (unsigned k = 0; k < 8; k++)
			v |= shl(data[i + k], 8 * k);
		mmio_wr64(regs(e), (reg64_t){ BUFFER + i }, v);
	}
	for (; i < bytes; i++)
		mmio_wr8(regs(e), (reg8_t){ BUFFER + i }, data[i]);
}

static void buffer_get(struct engine *e, uint8_t *data, uint32_t bytes)
{
	uint32_t i = 0;

	for (; i + 8 <= bytes; i += 8) {
		uint64_t v = mmio_rd64(regs(e), (reg64_t){ BUFFER + i });

		for (unsigned k = 0; k < 8; k++)
			data[i + k] = (uint8_t)shr(v, 8 * k);
	}
	for (; i < bytes; i++)
		data[i] = mmio_rd8(regs(e), (reg8_t){ BUFFER + i });
}

/* The transfer must end before the address space does. */
static bool fits(const struct dma_request *rq)
{
	return rq->len_bytes <= BUFFER_BYTES && rq->iova.v <= UINT64_MAX - rq->len_bytes;
}

static enum status dma_write(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome)
{
	if (!rq->len_bytes || !fits(rq))
		return ERR_INVALID;
	buffer_put(e, rq->data, rq->len_bytes);
	requester(e, rq, 0);
	return run(e, CMD_WRITE, outcome);
}

/* Length 0: a zero-length read. */
static enum status dma_read(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome)
{
	enum status s;

	if (!fits(rq))
		return ERR_INVALID;
	requester(e, rq, 0);
	rq->echo_n = 0;
	if (!rq->len_bytes)
		return run(e, CMD_ZERO_READ, outcome);
	s = run(e, CMD_READ, outcome);
	if (s == OK) {
		buffer_get(e, rq->data, rq->len_bytes);
		rq->echo_n = rq->len_bytes;
	}
	return s;
}

static enum status msi(struct engine *e, uint64_t address, uint32_t data)
{
	struct dma_request rq = { .iova = IOVA(address) };
	enum dma_outcome outcome;

	requester(e, &rq, 0);
	mmio_wr(regs(e), REG_DATA, (uint64_t)data);
	return run(e, CMD_MESSAGE, &outcome);
}

static enum status atomic_add(struct engine *e, struct dma_request *rq, uint64_t addend, enum dma_outcome *outcome)
{
	enum status s;
	uint64_t old;

	requester(e, rq, 0);
	mmio_wr(regs(e), REG_DATA, addend);
	s = run(e, CMD_FETCH_ADD, outcome);
	if (s != OK || !rq->data || rq->len_bytes > 8)
		return s;
	old = mmio_rd(regs(e), REG_RESULT);
	for (unsigned i = 0; i < rq->len_bytes; i++)
		((uint8_t *)rq->data)[i] = (uint8_t)shr(old, 8 * i);
	return OK;
}

/* ---- ATS and page requests ---- */

static enum status ats(struct engine *e, const struct dma_request *rq, bool no_write, struct ats_answer *out)
{
	uint32_t answer;
	enum status s;

	*out = (struct ats_answer){ .outcome = DMA_REFUSED };
	requester(e, rq, no_write ? (uint32_t)FLAG_NO_WRITE : 0);
	s = run(e, CMD_TRANSLATE, &out->outcome);
	if (s != OK)
		return s;
	answer = mmio_rd(regs(e), REG_ANSWER);
	out->address = mmio_rd(regs(e), REG_RESULT);
	out->size_bytes = mmio_rd(regs(e), REG_SIZE);
	out->r = answer & ANSWER_R;
	out->w = answer & ANSWER_W;
	out->u = answer & ANSWER_U;
	out->n = answer & ANSWER_N;
	out->exec = answer & ANSWER_EXEC;
	out->priv = answer & ANSWER_PRIV;
	out->global = answer & ANSWER_GLOBAL;
	return OK;
}

static enum status ats_cached(struct engine *e, const struct dma_request *rq, bool *cached)
{
	enum dma_outcome outcome;
	enum status s;

	requester(e, rq, 0);
	s = run(e, CMD_LOOKUP, &outcome);
	*cached = s == OK && (mmio_rd(regs(e), REG_ANSWER) & ANSWER_CACHED);
	return s;
}

static enum status ats_withhold(struct engine *e, bool on)
{
	mmio_wr(regs(e), REG_CONTROL, on ? (uint32_t)CONTROL_WITHHOLD : 0u);
	return OK;
}

static enum status page_request(struct engine *e, const struct page_request *pr)
{
	struct dma_request rq = { .iova = pr->iova, .has_pasid = pr->has_pasid, .pasid = pr->pasid, .priv = pr->priv,
				  .exec = pr->exec };
	uint64_t flags = (pr->r ? FLAG_PR_READ : 0) | (pr->w ? FLAG_PR_WRITE : 0) | (pr->last ? FLAG_PR_LAST : 0);
	enum dma_outcome outcome;

	requester(e, &rq, (uint32_t)flags);
	mmio_wr(regs(e), REG_PRGI, (uint32_t)pr->prgi);
	return run(e, CMD_PAGE_REQUEST, &outcome);
}

static enum status page_response(struct engine *e, unsigned *code, uint16_t *prgi, bool *has_pasid, uint32_t *pasid)
{
	uint32_t response = mmio_rd(regs(e), REG_RESPONSE);

	if (!(response & RESPONSE_VALID))
		return ERR_NOT_FOUND;
	*code = (unsigned)fld_get(RESPONSE_CODE, response);
	*prgi = (uint16_t)fld_get(RESPONSE_PRGI, response);
	*has_pasid = response & RESPONSE_HAS_PASID;
	*pasid = mmio_rd(regs(e), REG_RESPONSE_PASID);
	mmio_ack(regs(e), REG_RESPONSE, (uint32_t)RESPONSE_VALID);
	return OK;
}

static const struct engine_ops model_device_ops = {
	.name = "model-device",
	.probe = probe,
	.write = dma_write,
	.read = dma_read,
	.reset = reset,
	.alive = alive,
	.quiesce = quiesce,
	.msi = msi,
	.ats = ats,
	.ats_cached = ats_cached,
	.ats_withhold = ats_withhold,
	.atomic_add = atomic_add,
	.page_request = page_request,
	.page_response = page_response,
};

ENGINE(model_device_ops, 10);
