/*
 * What the engines for Intel's Ethernet controllers share: frames that go round inside the controller (nic.c).
 */
#ifndef PORTCULLIS_DRIVERS_PCI_ENGINES_NIC_H
#define PORTCULLIS_DRIVERS_PCI_ENGINES_NIC_H

#include "drivers-pci/engine.h"

#define NIC_BUFFER_BYTES 1024u /* of every receive buffer */

struct nic_desc {
	uint64_t addr, rest;
};

/* How one family of controllers differs from the other. */
struct nic_kind {
	const uint16_t *ids;         /* of Intel's devices */
	unsigned ids_n;
	uint32_t rx, tx;             /* offsets of the first queue's registers */
	uint64_t rx_done, rx_end;    /* in the second half of a receive descriptor: written, last of its frame */
	unsigned align_bytes;        /* of receive buffers */
	/* Second half of a transmit descriptor for bytes of a frame that has frame_bytes. */
	uint64_t (*tx_rest)(uint32_t bytes, uint32_t frame_bytes, bool last);
	/* Where a reset of the controller costs it its link, how to do with less. NULL: reset it each time. */
	void (*stop)(const mmio_t *regs);
	enum status (*link)(const mmio_t *regs);
	/* What the family needs on top, once rings are laid. NULL: nothing. */
	void (*start)(const mmio_t *regs);
};

bool nic_knows(const struct pci_dev *dev, const struct nic_kind *kind);
enum status must_use nic_probe(struct engine *e, const struct nic_kind *kind);
enum status nic_write(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome);
enum status nic_read(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome);
enum status nic_reset(struct engine *e);
bool nic_alive(struct engine *e);
void nic_quiesce(struct engine *e);

#endif
