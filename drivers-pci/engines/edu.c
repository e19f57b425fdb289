/*
 * Engine: QEMU's teaching device (1234:11e8).
 *
 * A transfer moves up to 4095 bytes between memory and a buffer inside the device; it takes 100 ms of the device's
 * time, in which the processor halts. The buffer is reached by DMA only, so its content comes from own memory and goes
 * there: a write is one transfer from own memory and one to the iova, a read one from the iova and one to own memory.
 * The first is left out where the buffer holds the wanted content already.
 *
 * The device drops address bits above its dma_mask property, silently, and the mask cannot be read. Finding it out by
 * transfers would take longer than the whole boot, so probing believes in all 64 bits, and platforms set the mask so;
 * the test pci.edu.address_bits tells where one does not. Refused transfers are not reported either: the data decide.
 */
#include "drivers-pci/engine.h"

#define EDU_ID          ((reg32_t){ 0x00 })
#define   EDU_ID_LOW       BITS(15, 0)
#define EDU_ALIVE       ((reg32_t){ 0x04 }) /* reads as the complement of what was written */
#define EDU_IRQ_STATUS  ((reg32_t){ 0x24 })
#define EDU_IRQ_RAISE   ((reg32_t){ 0x60 })
#define EDU_IRQ_ACK     ((reg32_t){ 0x64 })
#define EDU_DMA_SRC     ((reg64_t){ 0x80 })
#define EDU_DMA_DST     ((reg64_t){ 0x88 })
#define EDU_DMA_COUNT   ((reg64_t){ 0x90 })
#define EDU_DMA_CMD     ((reg64_t){ 0x98 })
#define   EDU_CMD_RUN      BIT(0)
#define   EDU_CMD_TO_MEM   BIT(1)

#define EDU_VENDOR      0x1234
#define EDU_DEVICE      0x11e8
#define EDU_BUFFER      0x40000u /* its own address for the first byte of the buffer */
#define EDU_BYTES       4095u /* its buffer has one more, but QEMU up to 7.2 ends itself on a transfer of all of it */

struct edu {
	mmio_t regs;
	uint8_t *page;             /* own memory */
	uint64_t page_addr;
	bool known;                /* shadow is what the buffer holds */
	uint8_t shadow[EDU_BYTES];
};

/* One transfer between memory at addr and the start of the buffer. ERR_TIMEOUT. */
static enum status move(struct edu *d, uint64_t addr, uint32_t bytes, bool to_memory)
{
	deadline_t end = deadline_in_us(5000000);

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	mmio_wr(&d->regs, EDU_DMA_SRC, to_memory ? EDU_BUFFER : addr);
	mmio_wr(&d->regs, EDU_DMA_DST, to_memory ? addr : EDU_BUFFER);
	mmio_wr(&d->regs, EDU_DMA_COUNT, (uint64_t)bytes);
	mmio_wr(&d->regs, EDU_DMA_CMD, EDU_CMD_RUN | (to_memory ? EDU_CMD_TO_MEM : 0));
	time_sleep_us(100000);
	while (mmio_rd(&d->regs, EDU_DMA_CMD) & EDU_CMD_RUN) {
		if (deadline_over(&end))
			return ERR_TIMEOUT;
		time_sleep_us(1000);
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return OK;
}

/* Fills the start of the buffer by a transfer from own memory, unless it holds just that. */
static enum status load(struct edu *d, const void *data, uint32_t bytes)
{
	enum status s;

	if (d->known && !__builtin_memcmp(d->shadow, data, bytes))
		return OK;
	__builtin_memcpy(d->page, data, bytes);
	d->known = false;
	s = move(d, d->page_addr, EDU_BYTES, false);
	if (s)
		return s;
	__builtin_memcpy(d->shadow, d->page, EDU_BYTES);
	d->known = true;
	return OK;
}

static enum status check(const struct engine *e, const struct dma_request *rq)
{
	if (rq->has_pasid || rq->at != DMA_AT_UNTRANSLATED)
		return ERR_UNSUPPORTED;
	if (rq->len_bytes == 0 || rq->len_bytes > EDU_BYTES || rq->iova.v + rq->len_bytes < rq->iova.v)
		return ERR_INVALID;
	return e->priv ? OK : ERR_BUSY;
}

static enum status edu_write(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome)
{
	struct edu *d = e->priv;
	enum status s = check(e, rq);

	s = s ? s : load(d, rq->data, rq->len_bytes);
	s = s ? s : move(d, rq->iova.v, rq->len_bytes, true);
	*outcome = DMA_UNKNOWN;
	return s;
}

/* From memory into the buffer, and on to own memory. */
static enum status fetch(struct edu *d, uint64_t addr, uint32_t bytes)
{
	enum status s;

	d->known = false;
	s = move(d, addr, bytes, false);
	s = s ? s : move(d, d->page_addr, EDU_BYTES, true);
	if (s)
		return s;
	__builtin_memcpy(d->shadow, d->page, EDU_BYTES);
	d->known = true;
	return OK;
}

/*
 * What was read is told from what the buffer held before. Where the two are equal (or the buffer's content is not
 * known) the buffer gets the complement, and the transfer is repeated: only then is "nothing arrived" certain.
 */
static enum status edu_read(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome)
{
	struct edu *d = e->priv;
	uint8_t before[EDU_BYTES];
	enum status s = check(e, rq);
	bool told;

	rq->echo_n = 0;
	*outcome = DMA_UNKNOWN;
	if (s)
		return s;
	told = d->known;
	__builtin_memcpy(before, d->shadow, EDU_BYTES);
	s = fetch(d, rq->iova.v, rq->len_bytes);
	if (s == OK && (!told || !__builtin_memcmp(d->shadow, before, rq->len_bytes))) {
		for (uint32_t i = 0; i < EDU_BYTES; i++)
			before[i] = (uint8_t)~d->shadow[i];
		s = load(d, before, EDU_BYTES);
		s = s ? s : fetch(d, rq->iova.v, rq->len_bytes);
	}
	if (s)
		return s;
	__builtin_memcpy(rq->data, d->shadow, rq->len_bytes);
	rq->echo_n = rq->len_bytes;
	if (!__builtin_memcmp(rq->data, before, rq->len_bytes))
		*outcome = DMA_REFUSED;
	return OK;
}

static bool edu_alive(struct engine *e)
{
	struct edu *d = e->priv;

	mmio_wr(&d->regs, EDU_ALIVE, 0x12345678u);
	return mmio_rd(&d->regs, EDU_ALIVE) == 0xedcba987u;
}

/* The device has no reset of its own: a transfer that runs ends by itself, and its messages are taken back. */
static enum status edu_reset(struct engine *e)
{
	struct edu *d = e->priv;
	deadline_t end = deadline_in_us(5000000);

	d->known = false;
	pci_enable(e->dev, true, true);
	pci_msi_off(e->dev);
	while (mmio_rd(&d->regs, EDU_DMA_CMD) & EDU_CMD_RUN) {
		if (deadline_over(&end))
			return ERR_TIMEOUT;
		time_sleep_us(1000);
	}
	mmio_wr(&d->regs, EDU_IRQ_ACK, UINT32_MAX);
	return edu_alive(e) ? OK : ERR_IO;
}

static enum status edu_msi(struct engine *e, uint64_t address, uint32_t data)
{
	struct edu *d = e->priv;
	enum status s = pci_msi_set(e->dev, address, data);

	if (s)
		return s;
	mmio_wr(&d->regs, EDU_IRQ_RAISE, 1u);
	mmio_wr(&d->regs, EDU_IRQ_ACK, 1u);
	pci_msi_off(e->dev);
	return OK;
}

static void edu_quiesce(struct engine *e)
{
	struct edu *d = e->priv;

	if (!d)
		return;
	pci_enable(e->dev, true, false);
	if (e->own_n)
		mem_free(e->own[0].pa, EDU_BYTES);
	mem_free(mem_pa(d), sizeof(*d));
	e->priv = NULL;
	e->own_n = 0;
}

static enum status edu_probe(struct pci_dev *dev, struct engine *e)
{
	struct edu *d;
	enum status s;
	pa_t pa;

	if (dev->vendor != EDU_VENDOR || dev->device != EDU_DEVICE)
		return ERR_NOT_FOUND;
	s = mem_alloc(sizeof(*d), PAGE_BYTES, &pa);
	if (s)
		return s;
	d = mem_ptr(pa, sizeof(*d));
	e->priv = d;
	s = mem_alloc(EDU_BYTES, PAGE_BYTES, &pa);
	if (s)
		goto fail;
	e->own[0] = (struct engine_memory){ pa, EDU_BYTES };
	e->own_n = 1;
	d->page = mem_ptr(pa, EDU_BYTES);
	d->page_addr = pa.v;
	s = pci_bar_map(dev, 0, &d->regs);
	if (s)
		goto fail;
	pci_enable(dev, true, true);
	s = ERR_IO;
	if (fld_get(EDU_ID_LOW, mmio_rd(&d->regs, EDU_ID)) != 0x00ed || !edu_alive(e))
		goto fail;
	e->caps = (struct engine_caps){
		.flags = DMA_CAN_WRITE | DMA_CAN_READ | DMA_WRITE_ARBITRARY | DMA_READ_ALL | DMA_CAN_MSI,
		.granule_bytes = 1, .align_bytes = 1, .max_bytes = EDU_BYTES, .usual_us = 450000,
	};
	return OK;
fail:
	edu_quiesce(e);
	return s;
}

static const struct engine_ops edu_ops = {
	.name = "edu",
	.probe = edu_probe,
	.write = edu_write,
	.read = edu_read,
	.reset = edu_reset,
	.alive = edu_alive,
	.quiesce = edu_quiesce,
	.msi = edu_msi,
};

ENGINE(edu_ops, 30);
