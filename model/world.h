/*
 * What the model's units, of either vendor, share with their surroundings: memory, devices and the messages between
 * them.
 *
 * A unit reaches the world by struct mdl_mem and struct mdl_env; the fabric reaches a unit by struct mdl_unit_ops.
 */
#ifndef PORTCULLIS_MODEL_WORLD_H
#define PORTCULLIS_MODEL_WORLD_H

#include "kernel/hal.h"

/* Physical memory. All return false where the platform rejects the access (unbacked); nothing was changed then. */
struct mdl_mem {
	void *ctx;
	/* n (at most 8) words at an address aligned to 8; up to two of them are one atomic fetch. */
	bool (*rd64)(void *ctx, uint64_t pa, uint64_t *w, unsigned n);
	bool (*rd)(void *ctx, uint64_t pa, void *buf, uint32_t bytes);
	bool (*wr)(void *ctx, uint64_t pa, const void *buf, uint32_t bytes);
	/* Atomic: *seen is what was there; the word became desired where *seen == expected. */
	bool (*cas64)(void *ctx, uint64_t pa, uint64_t expected, uint64_t desired, uint64_t *seen);
	/* rd64 past the processor's caches, for fetches that do not snoop. NULL: as rd64. */
	bool (*rd64_unsnooped)(void *ctx, uint64_t pa, uint64_t *w, unsigned n);
};

/* Fetch of a structure by a unit. */
static inline bool mdl_fetch(const struct mdl_mem *mem, bool snooped, uint64_t pa, uint64_t *w, unsigned n)
{
	return snooped || mem->rd64_unsnooped == NULL ? mem->rd64(mem->ctx, pa, w, n)
						      : mem->rd64_unsnooped(mem->ctx, pa, w, n);
}

/* FetchAdd of 4 or 8 bytes at pa, aligned to them: *data is the addend, then the old value. False: memory rejects it.
 */
bool mdl_fetch_add(const struct mdl_mem *mem, uint64_t pa, uint32_t bytes, uint64_t *data);
/* Sets bits in a word of memory atomically; old is what it was when last seen. False: memory rejects it. */
bool mdl_set_bits(const struct mdl_mem *mem, uint64_t pa, uint64_t old, uint64_t bits);

/* An invalidation on its way to the Device-TLB of a device. */
struct mdl_devtlb_inv {
	uint16_t sid;
	uint64_t address;
	uint64_t bytes;   /* 0: the whole address space */
	bool has_pasid;   /* only this PASID */
	bool all_pasids;
	uint32_t pasid;
};

struct mdl_page_response {
	uint16_t sid;
	bool has_pasid;
	uint32_t pasid;
	uint16_t prgi;
	uint8_t code;
};

struct mdl_env {
	void *ctx;
	/* A message leaves the unit for the interrupt controllers: never remapped again. */
	void (*message)(void *ctx, uint64_t address, uint32_t data);
	/* True: the device has answered; false: it will do so later (devtlb_answer), or never. */
	bool (*devtlb_invalidate)(void *ctx, const struct mdl_devtlb_inv *inv);
	void (*page_response)(void *ctx, const struct mdl_page_response *rsp);
	/* Software or an invalidation empties the write buffer (RWBF=1). NULL: there is nothing to empty. */
	void (*write_buffer_flush)(void *ctx);
	/* Translations that somebody outside has (struct mdl_direct) may be old. NULL: nobody has any. */
	void (*revoke)(void *ctx);
	/* AMD-Vi: a processor is told that its guest has an interrupt waiting. NULL: nobody listens. */
	void (*doorbell)(void *ctx, uint32_t destination);
};

enum mdl_access { MDL_READ, MDL_WRITE, MDL_ATOMIC, MDL_ZLR };
enum mdl_at { MDL_UNTRANSLATED, MDL_TRANSLATION, MDL_TRANSLATED, MDL_PAGE_REQUEST };

/* One transaction: never crosses a 4-KiB page. */
struct mdl_request {
	uint16_t sid;
	uint8_t access;          /* enum mdl_access */
	uint8_t at;              /* enum mdl_at */
	bool has_pasid, priv, exec;
	bool no_write;           /* NW flag of a translation request */
	uint32_t pasid;
	uint32_t bytes;
	uint64_t address;
};

struct mdl_page_request {
	uint16_t sid;
	bool has_pasid, priv, exec, r, w, last;
	uint32_t pasid;
	uint16_t prgi;
	uint64_t address;
};

enum mdl_completion { MDL_DONE, MDL_UR, MDL_CA };

/* Completion of a translation request (PCIe ATS). */
struct mdl_ats_completion {
	enum mdl_completion status;
	uint64_t address, bytes;
	bool r, w, x, u, n, priv, global;
};

/* What a unit makes of a request. */
enum mdl_kind {
	MDL_OK,                  /* address, r, w and the attributes hold */
	MDL_BLOCKED,             /* refused; fault tells why, 0 where no reason exists */
	MDL_INTERRUPT,           /* a DWORD write into the interrupt range: interrupt remapping decides */
	MDL_ABSENT,              /* translation request: Success with R=W=0 */
};

/* An accessed/dirty update that the walk needs: set the bits where the word is still old. */
struct mdl_update {
	uint64_t pa, old, set;
	uint8_t fault;           /* what it is when memory rejects the update */
};

/* Memory that a requester may reach by itself, as far as r and w allow, until it is revoked. */
struct mdl_direct {
	uint16_t sid;
	bool r, w;
	uint64_t iova, address, bytes; /* the bytes at iova are those at address */
};

/* A unit as the fabric sees it: which vendor's makes no difference to a device. */
struct mdl_unit_ops {
	enum mdl_completion (*dma)(void *unit, const struct mdl_request *rq, void *data);
	void (*ats)(void *unit, const struct mdl_request *rq, struct mdl_ats_completion *out);
	enum mdl_completion (*page_request)(void *unit, const struct mdl_page_request *pr);
	void (*devtlb_answer)(void *unit, uint16_t sid);
	/* The page that a request (MDL_READ or MDL_WRITE, made now) reaches, for accesses of its kind. False: refused. */
	bool (*direct)(void *unit, const struct mdl_request *rq, struct mdl_direct *out);
	/* The register window: NULL where nothing decodes at base now. */
	const struct mmio_ops *(*window)(void *unit, uint64_t *base, uint32_t *bytes);
	/* Configuration space, where the unit is a PCI function; else NULL. */
	uint32_t (*cfg_rd)(void *unit, uint32_t off, unsigned bytes);
	void (*cfg_wr)(void *unit, uint32_t off, uint32_t v, unsigned bytes);
};

#endif
