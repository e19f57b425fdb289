/*
 * Engines: devices that can be made to do DMA at a chosen address.
 *
 * An engine says what it can do in struct engine_caps; tests name what they need and the harness picks. One file for
 * each device in drivers-pci/engines/, registered by ENGINE() in a linker section. No engine writes media or settings
 * unless the platform declared the medium to be scratch.
 */
#ifndef PORTCULLIS_DRIVERS_PCI_ENGINE_H
#define PORTCULLIS_DRIVERS_PCI_ENGINE_H

#include "drivers-pci/pci.h"
#include "kernel/hal.h"

/* engine_caps.flags */
enum {
	DMA_CAN_WRITE = 1 << 0,        /* device writes memory */
	DMA_CAN_READ = 1 << 1,         /* device reads memory */
	DMA_WRITE_ARBITRARY = 1 << 2,  /* content of a write is ours to choose; else predictable (echoed in data) */
	DMA_READ_ALL = 1 << 3,         /* every byte read can be told; else only that it happened, or an echo */
	DMA_DIRECT = 1 << 4,           /* no queue or descriptor of the engine lies in memory: engine->own_n == 0 */
	DMA_ONE_TLP = 1 << 5,          /* one request is one transaction */
	DMA_REPORTS_ABORT = 1 << 6,    /* tells itself that a request was refused */
	DMA_CAN_PASID = 1 << 7,
	DMA_CAN_PRIV = 1 << 8,         /* privileged-mode requests (with PASID) */
	DMA_CAN_EXEC = 1 << 9,         /* execute-requested (with PASID) */
	DMA_CAN_ATS = 1 << 10,         /* translation requests */
	DMA_CAN_XLT = 1 << 11,         /* translated requests at an address of our choice */
	DMA_CAN_PRI = 1 << 12,
	DMA_CAN_ATOMIC = 1 << 13,
	DMA_CAN_ZLR = 1 << 14,         /* zero-length reads */
	DMA_CAN_MSI = 1 << 15,         /* a message write of any address in 0xFEExxxxx and 32-bit data */
};

enum dma_outcome {
	DMA_DONE,    /* the engine believes that it happened (the harness checks the data) */
	DMA_REFUSED, /* the engine knows that it did not */
	DMA_UNKNOWN, /* the engine cannot tell; the data decide */
};

enum dma_at { DMA_AT_UNTRANSLATED, DMA_AT_TRANSLATED };

struct dma_request {
	iova_t iova;
	uint32_t len_bytes;
	void *data;        /* write: in, the bytes to write (engines without DMA_WRITE_ARBITRARY replace them by what
	                      they will write); read: out, what was read (DMA_READ_ALL, else echo_n bytes of it) */
	uint32_t echo_n;   /* read, out: how many bytes at the start of data are true */
	bool has_pasid;
	uint32_t pasid;
	bool priv, exec;
	enum dma_at at;
};

/* Result of an ATS translation request. */
struct ats_answer {
	enum dma_outcome outcome; /* DMA_REFUSED: Unsupported Request or Completer Abort */
	uint64_t address;
	uint64_t size_bytes;
	bool r, w, u, n, exec, priv, global;
};

struct page_request {
	iova_t iova;
	bool has_pasid;
	uint32_t pasid;
	bool r, w, priv, exec, last;
	uint16_t prgi;
};

struct engine_caps {
	uint32_t flags;
	uint32_t granule_bytes; /* length is a multiple of it */
	uint32_t align_bytes;   /* iova is a multiple of it */
	uint32_t max_bytes;
	uint32_t usual_us;      /* its usual time for a transfer; budgets leave it out */
};

/* Memory that the engine itself uses by DMA (queues): the harness maps it, read-write, iova == pa. */
struct engine_memory {
	pa_t pa;
	uint32_t len_bytes;
};

#define ENGINE_OWN_MAX 4

struct engine {
	const struct engine_ops *ops;
	struct pci_dev *dev;
	struct engine_caps caps;
	struct engine_memory own[ENGINE_OWN_MAX];
	unsigned own_n;
	mmio_t window; /* the engine's registers, where it needs no more state */
	void *priv;
};

/* All return OK when the step was carried out and *outcome tells; else ERR_TIMEOUT, ERR_IO: reset() is due. */
struct engine_ops {
	const char *name;
	/* True for devices of its kind, by their ids alone: they are made ready for it then. NULL: probe() knows. */
	bool (*knows)(const struct pci_dev *dev);
	/* OK: e is filled in and idle, bus mastering on. ERR_NOT_FOUND: not of this kind. Others: it is, but unusable. */
	enum status (*probe)(struct pci_dev *dev, struct engine *e);
	enum status (*write)(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome);
	enum status (*read)(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome);
	/* Back to the state after probe(), whatever happened; own memory must be reachable again. */
	enum status (*reset)(struct engine *e);
	/* Proof of life that needs no DMA outside own memory. */
	bool (*alive)(struct engine *e);
	/* Stops all DMA and gives back memory. */
	void (*quiesce)(struct engine *e);
	/* Optional, NULL where the capability is absent: */
	enum status (*msi)(struct engine *e, uint64_t address, uint32_t data);
	enum status (*ats)(struct engine *e, const struct dma_request *rq, bool no_write, struct ats_answer *out);
	enum status (*ats_cached)(struct engine *e, const struct dma_request *rq, bool *cached);
	/* On: Device-TLB invalidations are carried out but not answered; off: all that wait are answered. */
	enum status (*ats_withhold)(struct engine *e, bool on);
	enum status (*atomic_add)(struct engine *e, struct dma_request *rq, uint64_t addend, enum dma_outcome *outcome);
	enum status (*page_request)(struct engine *e, const struct page_request *pr);
	/* The last page-group response that reached the device. ERR_NOT_FOUND: none since the last call. */
	enum status (*page_response)(struct engine *e, unsigned *code, uint16_t *prgi, bool *has_pasid,
				     uint32_t *pasid);
};

/* Registers an engine; earlier priority numbers are preferred. */
struct engine_entry {
	const struct engine_ops *ops;
	int priority;
};
#define ENGINE(ops_, priority_) \
	static const struct engine_entry ops_##_entry __attribute__((section("engines"), used, aligned(16))) = \
		{ &(ops_), (priority_) }

/* Refuses a direction or attribute beyond caps (ERR_UNSUPPORTED) and a bad length or address (ERR_INVALID). */
enum status must_use engine_check(const struct engine *e, const struct dma_request *rq, uint32_t direction);
/* Zeroed state (e->priv) and one piece of own memory. ERR_NO_MEMORY: nothing was taken. */
enum status must_use engine_take_memory(struct engine *e, size_t state_bytes, uint32_t own_bytes);
/* Gives back what the call above gave. */
void engine_give_memory(struct engine *e, size_t state_bytes);

/*
 * Probes every function of the bus with every engine (or only the one named; NULL: all) and fills es, best first.
 * Returns how many. A device that is of a known kind but unusable is told on the console. Denied functions are passed
 * over; of the others error reporting is off from here to pci_errors_restore(), and they are reset first where
 * bus->reset_engines says so. The function of the boot medium is left alone, unless its kind is named and there is no
 * other of it.
 */
unsigned engine_probe_all(struct pci_bus *bus, const char *only, struct engine *es, unsigned max);

/* Stops an engine for good; reset as before. */
void engine_release(struct engine *e);

#endif
