/*
 * A bench for unit tests of the model: a little RAM, one unit, and everything that leaves the unit written down.
 *
 * Structures are written as raw words on purpose; nothing of the drivers is used.
 */
#ifndef PORTCULLIS_TESTS_HOST_MODEL_RIG_H
#define PORTCULLIS_TESTS_HOST_MODEL_RIG_H

#include "model/vtd/model.h"

#define RIG_BASE    UINT64_C(0x100000)
#define RIG_BYTES   UINT64_C(0x800000)
/* Page-aligned address behind which there is nothing. */
#define RIG_NOTHING UINT64_C(0x40000000)
#define RIG_LOG     64

struct rig_message {
	uint64_t address;
	uint32_t data;
};

struct rig {
	struct mdl_vtd u;
	struct mdl_mem mem;
	void *cache;
	uint8_t *ram;
	uint64_t next;                 /* first page never handed out */
	uint64_t no_atomics;           /* page that rejects atomic updates, 0: none */
	struct rig_message messages[RIG_LOG];
	unsigned messages_n;
	struct mdl_devtlb_inv invs[RIG_LOG];
	unsigned invs_n;
	bool withhold;                 /* devices do not answer Device-TLB invalidations */
	struct mdl_page_response responses[RIG_LOG];
	unsigned responses_n;
	uint64_t queue;                /* page of the invalidation queue */
};

/* A unit of a named configuration with fresh RAM. Exits the program where that is impossible. */
void rig_open(struct rig *r, const char *config);
void rig_open_config(struct rig *r, const struct mdl_vtd_config *c);
void rig_close(struct rig *r);

/* n zeroed pages in a row. */
uint64_t rig_pages(struct rig *r, unsigned n);
uint64_t rig_get(const struct rig *r, uint64_t pa);
void rig_put(struct rig *r, uint64_t pa, uint64_t word);
uint64_t rig_reg(struct rig *r, uint32_t off);
void rig_set(struct rig *r, uint32_t off, uint64_t v);
uint32_t rig_reg32(struct rig *r, uint32_t off);
void rig_set32(struct rig *r, uint32_t off, uint32_t v);

/* RTADDR, SRTP, TE; the root table with its TTM bits. Invalidates nothing. */
void rig_enable(struct rig *r, uint64_t rtaddr);
/* Sets bits of GCMD beside those that are on, until GSTS shows them. */
void rig_command(struct rig *r, uint32_t set);
void rig_command_off(struct rig *r, uint32_t clear);

/*
 * Legacy tables: bus and devfn of sid lead to a second-stage root. lo and hi are the words of the context entry without
 * the pointer. Returns the page of the root of the second stage (also in the context entry).
 */
uint64_t rig_legacy(struct rig *r, uint16_t sid, uint64_t lo, uint64_t hi);
/* The same for scalable mode: the PASID entry of PASID 0 is left empty; its address is returned. */
uint64_t rig_scalable(struct rig *r, uint16_t sid, uint64_t lo, uint64_t hi);
/* Address of the entry of a paging structure at level (1: PTE), making the tables above it with flags where absent. */
uint64_t rig_entry(struct rig *r, uint64_t root, unsigned levels, unsigned level, uint64_t address, uint64_t flags);

/* One untranslated request without PASID; what the oracle says. */
struct mdl_result rig_ask(struct rig *r, uint16_t sid, enum mdl_access access, uint64_t address);
struct mdl_result rig_ask_rq(struct rig *r, const struct mdl_request *rq);
/* The same through the caches of the unit: the fault, 0x100 where it is blocked without one, else 0. */
unsigned rig_try(struct rig *r, uint16_t sid, enum mdl_access access, uint64_t address, uint64_t *pa);

/* ---- invalidation queue ---- */

/* A queue of 4 KiB: 128-bit or 256-bit descriptors; QIE. */
void rig_queue(struct rig *r, bool wide);
/* Puts one descriptor (low words; the others 0) at the tail and moves it. */
void rig_submit(struct rig *r, uint64_t q0, uint64_t q1);
/* The tail as it is, in bytes. */
uint64_t rig_tail(struct rig *r);
/* IQEI if FSTS shows IQE, 0x100 if it does not; clears IQE after dropping the descriptor (a harmless wait replaces it).
 */
unsigned rig_queue_error(struct rig *r);

#endif
