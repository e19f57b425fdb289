/*
 * The NVMe engine: what its files share.
 */
#ifndef PORTCULLIS_DRIVERS_PCI_ENGINES_NVME_H
#define PORTCULLIS_DRIVERS_PCI_ENGINES_NVME_H

#include "drivers-pci/engine.h"
#include "drivers-pci/engines/nvme_regs.h"

#define NVME_QUEUE_ENTRIES  16u
#define NVME_TRANSFER_BYTES 0x20000u

/* Own memory, page by page. */
enum {
	OWN_ADMIN_SQ, OWN_ADMIN_CQ, OWN_IO_SQ, OWN_IO_CQ,
	OWN_LIST,  /* PRP list or SGL segment of the command that runs */
	OWN_DATA,  /* Identify and log pages, the rest of a block beside a short transfer */
	OWN_BLOCK, /* content on its way to or from the medium */
	OWN_PAGES = OWN_BLOCK + NVME_TRANSFER_BYTES / PAGE_BYTES
};

struct nvme_queue {
	unsigned id;
	unsigned tail, head; /* next submission, next completion */
	bool phase;          /* phase tag of a new completion */
	struct nvme_sqe *sq;
	struct nvme_cqe *cq;
};

struct nvme {
	struct pci_dev *dev;
	mmio_t regs;
	uint32_t doorbell_bytes;
	uint64_t ready_us;         /* longest time for CSTS.RDY to follow CC.EN */
	pa_t own;
	struct nvme_queue admin, io;
	uint16_t cid;
	/* What Identify said; lba_bytes 0: no namespace. */
	uint32_t nsid, lba_bytes;
	uint64_t blocks;
	uint32_t max_bytes;
	uint32_t sgl_align;        /* 0: no SGLs */
	bool compares, has_effects;
};

/* CPU pointer to, and device address of, a page of own memory. */
void *nvme_own(const struct nvme *n, unsigned page);
uint64_t nvme_own_addr(const struct nvme *n, unsigned page);

/* Turns the controller off and on again with fresh queues. ERR_TIMEOUT, ERR_IO. */
enum status must_use nvme_start(struct nvme *n);
/* Off; nothing of it reaches memory any more. ERR_TIMEOUT. */
enum status must_use nvme_stop(struct nvme *n);
/*
 * Runs one command to its end. *status: STATUS(type, code). ERR_TIMEOUT: no completion came; ERR_IO: the controller
 * declared itself failed (CSTS.CFS).
 */
enum status must_use nvme_run(struct nvme *n, struct nvme_queue *q, struct nvme_sqe *cmd, unsigned *status);
/* Describes [addr, addr + bytes) by PRPs: bytes at most NVME_TRANSFER_BYTES, addr a multiple of 4. */
void nvme_prp(struct nvme *n, struct nvme_sqe *cmd, uint64_t addr, uint32_t bytes);
/* Describes bytes at addr, then rest bytes of own memory, by an SGL segment. */
void nvme_sgl(struct nvme *n, struct nvme_sqe *cmd, uint64_t addr, uint32_t bytes, uint32_t rest);

/* Fills in what Identify says. ERR_UNSUPPORTED: a controller that this driver cannot use. ERR_TIMEOUT, ERR_IO. */
enum status must_use nvme_identify(struct nvme *n);

#endif
