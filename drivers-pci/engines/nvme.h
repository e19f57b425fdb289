/*
 * The NVMe engine: what its files share.
 */
#ifndef PORTCULLIS_DRIVERS_PCI_ENGINES_NVME_H
#define PORTCULLIS_DRIVERS_PCI_ENGINES_NVME_H

#include "drivers-pci/engine.h"
#include "drivers-pci/engines/nvme_regs.h"

#define NVME_QUEUE_ENTRIES  16u
#define NVME_MAIL_ENTRIES   256u   /* of the admin queue when direct */
#define NVME_MAIL_BYTES     512u
#define NVME_TRANSFER_BYTES 0x20000u
/* Where the controller sees its memory buffer: an address that no unit under test translates. */
#define NVME_CMB_ADDRESS    UINT64_C(0x4000000000000000)

/* Own memory (and where direct, the controller memory buffer), page by page. */
enum {
	OWN_ADMIN_SQ, OWN_ADMIN_CQ, OWN_IO_SQ, OWN_IO_CQ,
	OWN_LIST,  /* PRP list or SGL segment of the command that runs */
	OWN_DATA,  /* Identify and log pages, the rest of a block beside a short transfer, the mark (direct) */
	OWN_BLANK, /* what no transfer brings: see nvme_mail.c */
	OWN_BLOCK, /* content on its way to or from the medium */
	OWN_PAGES = OWN_BLOCK + NVME_TRANSFER_BYTES / PAGE_BYTES,
	OWN_MAIL_SQ = OWN_PAGES, /* buffer only: the admin queue */
	BUFFER_PAGES = OWN_MAIL_SQ + NVME_MAIL_ENTRIES * 64 / PAGE_BYTES
};

struct nvme_queue {
	unsigned id;
	unsigned entries;    /* of the submission queue */
	unsigned tail, head; /* next submission, next completion */
	bool phase;          /* phase tag of a new completion */
	unsigned sq_page;
	struct nvme_cqe *cq;
};

struct nvme {
	struct pci_dev *dev;
	mmio_t regs;
	uint32_t doorbell_bytes;
	uint64_t ready_us;         /* longest time for CSTS.RDY to follow CC.EN */
	pa_t own;
	bool direct;               /* see nvme_direct.c: everything but the unused completion queues is in the buffer */
	bool sound;                /* the last command came to its end */
	bool running;              /* direct: CC.EN is set, and the admin queue has room for left more commands */
	unsigned left;
	bool disk;                 /* blocks from 0 on may be written, and keep it */
	bool mail;                 /* see nvme_mail.c */
	mmio_t cmb;                /* window that holds the buffer, and where it starts there */
	uint32_t cmb_off;
	struct nvme_queue admin, io;
	uint16_t cid;
	/* What Identify said; lba_bytes 0: no namespace. */
	uint32_t nsid, lba_bytes;
	uint64_t blocks;
	uint32_t max_bytes;
	uint32_t sgl_align;        /* 0: no SGLs */
	bool has_effects;
};

/* Device address of a page of own memory, or of the buffer where direct. */
uint64_t nvme_addr(const struct nvme *n, unsigned page);
/* Copies to and from there; off may lie beyond the page. */
void nvme_put(const struct nvme *n, unsigned page, uint32_t off, const void *from, uint32_t bytes);
void nvme_get(const struct nvme *n, unsigned page, uint32_t off, void *to, uint32_t bytes);

void nvme_cmb_put(const struct nvme *n, uint32_t off, const void *from, uint32_t bytes);
void nvme_cmb_get(const struct nvme *n, uint32_t off, void *to, uint32_t bytes);

/*
 * Turns the controller off and on again with fresh queues, those for media only where they are scratch. ERR_TIMEOUT,
 * ERR_IO.
 */
enum status must_use nvme_start(struct nvme *n);
/* Off; nothing of it reaches memory any more, and what it had begun is finished. ERR_TIMEOUT. */
enum status must_use nvme_stop(struct nvme *n);
/*
 * Runs one command to its end. *status: STATUS(type, code); direct: always ST_OK, since nothing tells. ERR_TIMEOUT: no
 * completion came; ERR_IO: the controller declared itself failed (CSTS.CFS).
 */
enum status must_use nvme_run(struct nvme *n, struct nvme_queue *q, struct nvme_sqe *cmd, unsigned *status);
/* Describes [addr, addr + bytes) by PRPs: bytes at most NVME_TRANSFER_BYTES, addr a multiple of 4. */
void nvme_prp(struct nvme *n, struct nvme_sqe *cmd, uint64_t addr, uint32_t bytes);
/* Describes bytes at addr, then rest bytes of own memory, by an SGL segment. */
void nvme_sgl(struct nvme *n, struct nvme_sqe *cmd, uint64_t addr, uint32_t bytes, uint32_t rest);

/* Fills in what Identify says. ERR_UNSUPPORTED: a controller that this driver cannot use. ERR_TIMEOUT, ERR_IO. */
enum status must_use nvme_identify(struct nvme *n);

void nvme_breathe(void);

/* Parts of the above that serve both ways of running. The I/O queue is not made by nvme_enable(). */
void nvme_queue_init(struct nvme *n, struct nvme_queue *q, unsigned id, unsigned sq_page, unsigned cq_page);
enum status must_use nvme_enable(struct nvme *n, unsigned sq_page, unsigned sq_entries, unsigned cq_entries);
void nvme_submit(struct nvme *n, struct nvme_queue *q, struct nvme_sqe *cmd);
void nvme_ring(struct nvme *n, const struct nvme_queue *q, bool completion, unsigned value);

/*
 * Moves everything into the controller memory buffer, if there is one that serves: from then on n->direct. With a disk
 * it needs one block more than a transfer. ERR_UNSUPPORTED: not here, n runs as before.
 */
enum status must_use nvme_go_direct(struct nvme *n);
/* nvme_run() on the I/O queue when direct; cmd NULL: nothing but a sign of life. Needs a disk. */
enum status must_use nvme_direct_run(struct nvme *n, struct nvme_sqe *cmd);
/* Runs count admin commands that are over before the next one begins. 0 of them: a sign of life. */
enum status must_use nvme_direct_admin(struct nvme *n, struct nvme_sqe *cmds, unsigned count);

/* Finds out whether the mailbox works: n->mail. ERR_IO, ERR_TIMEOUT: the controller needs nvme_start(). */
enum status must_use nvme_mail_try(struct nvme *n);
/* Moves NVME_MAIL_BYTES; *status as of nvme_run(). *blank: nothing was read. addr is a multiple of 4. */
enum status must_use nvme_mail_write(struct nvme *n, uint64_t addr, const void *data, unsigned *status);
enum status must_use nvme_mail_read(struct nvme *n, uint64_t addr, void *data, bool *blank, unsigned *status);

#endif
