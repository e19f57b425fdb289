/*
 * Engine: QEMU's iommu-testdev (1b36:0005, from QEMU 11 on).
 *
 * A device with registers and nothing else: told an address and a length, it writes a fixed pattern there at once, in
 * one access of its address space, and says whether that was refused. Then it compares system memory at a second
 * address with the pattern, without translation; the engine leaves that address 0 and takes either answer. It neither
 * reads by DMA nor sends messages, and it does not look at its bus master bit.
 *
 * It shares its PCI id with pci-testdev, which has an I/O BAR 1.
 */
#include "drivers-pci/engine.h"

#define ITD_TRIGGER     ((reg32_t){ 0x00 }) /* a read runs the armed transfer */
#define ITD_IOVA_LO     ((reg32_t){ 0x04 })
#define ITD_IOVA_HI     ((reg32_t){ 0x08 })
#define ITD_LENGTH      ((reg32_t){ 0x0c })
#define ITD_RESULT      ((reg32_t){ 0x10 })
#define   ITD_OK           0x00000000u
#define   ITD_REFUSED      0xdead0002u
#define   ITD_OTHER_READ   0xdead0003u      /* written; the second address cannot be read */
#define   ITD_OTHER_DATA   0xdead0004u      /* written; the second address holds something else */
#define   ITD_IDLE         0xffffffffu
#define   ITD_BUSY         0xfffffffeu
#define ITD_DOORBELL    ((reg32_t){ 0x14 })
#define   ITD_ARM          1u
#define ITD_ATTRIBUTES  ((reg32_t){ 0x18 })
#define ITD_OTHER_LO    ((reg32_t){ 0x1c })
#define ITD_OTHER_HI    ((reg32_t){ 0x20 })

#define ITD_VENDOR      0x1b36
#define ITD_DEVICE      0x0005
#define ITD_BAR_BYTES   4096u
#define ITD_MAX_BYTES   0x20000u

static const uint8_t pattern[4] = { 0x78, 0x56, 0x34, 0x12 };

struct testdev {
	mmio_t regs;
};

static enum status testdev_write(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome)
{
	struct testdev *d = e->priv;
	uint8_t *data = rq->data;
	uint32_t result;

	if (rq->has_pasid || rq->at != DMA_AT_UNTRANSLATED)
		return ERR_UNSUPPORTED;
	if (rq->len_bytes == 0 || rq->len_bytes > ITD_MAX_BYTES || rq->iova.v + rq->len_bytes < rq->iova.v)
		return ERR_INVALID;
	for (uint32_t i = 0; i < rq->len_bytes; i++)
		data[i] = pattern[i % sizeof(pattern)];
	mmio_wr(&d->regs, ITD_IOVA_LO, (uint32_t)fld_get(BITS(31, 0), rq->iova.v));
	mmio_wr(&d->regs, ITD_IOVA_HI, (uint32_t)fld_get(BITS(63, 32), rq->iova.v));
	mmio_wr(&d->regs, ITD_LENGTH, rq->len_bytes);
	mmio_wr(&d->regs, ITD_DOORBELL, ITD_ARM);
	(void)mmio_rd(&d->regs, ITD_TRIGGER);
	result = mmio_rd(&d->regs, ITD_RESULT);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	*outcome = result == ITD_REFUSED ? DMA_REFUSED : DMA_DONE;
	return result == ITD_OK || result == ITD_REFUSED || result == ITD_OTHER_READ || result == ITD_OTHER_DATA ?
	       OK : ERR_IO;
}

static enum status testdev_read(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome)
{
	(void)e;
	(void)rq;
	(void)outcome;
	return ERR_UNSUPPORTED;
}

/* Arming and disarming show in the result register. */
static bool testdev_alive(struct engine *e)
{
	struct testdev *d = e->priv;
	bool busy;

	mmio_wr(&d->regs, ITD_DOORBELL, ITD_ARM);
	busy = mmio_rd(&d->regs, ITD_RESULT) == ITD_BUSY;
	mmio_wr(&d->regs, ITD_DOORBELL, 0u);
	return busy && mmio_rd(&d->regs, ITD_RESULT) == ITD_IDLE;
}

static enum status testdev_reset(struct engine *e)
{
	struct testdev *d = e->priv;

	pci_enable(e->dev, true, true);
	mmio_wr(&d->regs, ITD_ATTRIBUTES, 0u);
	mmio_wr(&d->regs, ITD_OTHER_LO, 0u);
	mmio_wr(&d->regs, ITD_OTHER_HI, 0u);
	return testdev_alive(e) ? OK : ERR_IO;
}

static void testdev_quiesce(struct engine *e)
{
	if (!e->priv)
		return;
	pci_enable(e->dev, true, false);
	mem_free(mem_pa(e->priv), sizeof(struct testdev));
	e->priv = NULL;
}

static enum status testdev_probe(struct pci_dev *dev, struct engine *e)
{
	struct testdev *d;
	enum status s;
	pa_t pa;

	if (dev->vendor != ITD_VENDOR || dev->device != ITD_DEVICE || dev->bars[1].kind != PCI_BAR_NONE)
		return ERR_NOT_FOUND;
	s = mem_alloc(sizeof(*d), PAGE_BYTES, &pa);
	if (s)
		return s;
	d = mem_ptr(pa, sizeof(*d));
	e->priv = d;
	s = pci_bar_map(dev, 0, &d->regs);
	if (s == OK && d->regs.len_bytes < ITD_BAR_BYTES)
		s = ERR_MALFORMED;
	s = s ? s : testdev_reset(e);
	if (s) {
		testdev_quiesce(e);
		return s;
	}
	e->caps = (struct engine_caps){
		.flags = DMA_CAN_WRITE | DMA_DIRECT | DMA_REPORTS_ABORT,
		.granule_bytes = 1, .align_bytes = 1, .max_bytes = ITD_MAX_BYTES, .usual_us = 10,
	};
	return OK;
}

static const struct engine_ops testdev_ops = {
	.name = "iommu-testdev",
	.probe = testdev_probe,
	.write = testdev_write,
	.read = testdev_read,
	.reset = testdev_reset,
	.alive = testdev_alive,
	.quiesce = testdev_quiesce,
};

ENGINE(testdev_ops, 20);
