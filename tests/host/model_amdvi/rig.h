/*
 * The bench of the AMD-Vi model's unit tests: a unit, 16 MiB of RAM, and logs of what leaves the unit.
 *
 * Nothing here uses the model's own layouts: registers by offset, structures as words worked out by hand.
 */
#ifndef PORTCULLIS_TESTS_HOST_MODEL_AMDVI_RIG_H
#define PORTCULLIS_TESTS_HOST_MODEL_AMDVI_RIG_H

#include "model/amdvi/model.h"

#define ARIG_BASE    UINT64_C(0x1000000)
#define ARIG_BYTES   UINT64_C(0x1000000)
/* An address at which there is nothing. */
#define ARIG_NOTHING UINT64_C(0x40000000)
#define ARIG_LOG     64

struct arig_message {
	uint64_t address;
	uint32_t data;
};

struct arig {
	struct mdl_amd u;
	struct mdl_mem mem;
	struct mdl_amd_config config;
	void *cache;
	uint8_t *ram;
	uint64_t next;                 /* first page never handed out */
	uint64_t devtab, commands, events;
	struct arig_message messages[ARIG_LOG];
	unsigned messages_n;
	struct mdl_devtlb_inv invs[ARIG_LOG];
	unsigned invs_n;
	bool withhold;                 /* devices do not answer invalidations */
	struct mdl_page_response responses[ARIG_LOG];
	unsigned responses_n;
	uint32_t doorbell;
};

/* A unit of a named configuration with fresh RAM. Exits the program where that is impossible. */
void arig_open(struct arig *r, const char *config);
void arig_open_config(struct arig *r, const struct mdl_amd_config *c);
void arig_close(struct arig *r);

/* n zeroed pages in a row. */
uint64_t arig_pages(struct arig *r, unsigned n);
uint64_t arig_get(const struct arig *r, uint64_t pa);
void arig_put(struct arig *r, uint64_t pa, uint64_t word);
uint64_t arig_reg(struct arig *r, uint32_t off);
void arig_set(struct arig *r, uint32_t off, uint64_t v);

/*
 * A device table of 2^16 entries, a command buffer and an event log of 256 entries each, and control 1405h (IommuEn,
 * EventLogEn, Coherent, CmdBufEn) with more on top.
 */
void arig_enable(struct arig *r, uint64_t more);
/* The four words of a device's entry. */
void arig_dte(struct arig *r, uint16_t sid, uint64_t q0, uint64_t q1, uint64_t q2, uint64_t q3);
/* Address of the entry of a host table at level (1: PTE), making the tables above it with IR=IW=1. */
uint64_t arig_entry(struct arig *r, uint64_t root, unsigned levels, unsigned level, uint64_t address);
/* The same for guest tables, with P, R/W and U/S. */
uint64_t arig_guest_entry(struct arig *r, uint64_t root, unsigned levels, unsigned level, uint64_t address);

/* Puts a command at the tail and moves it. */
void arig_command(struct arig *r, uint64_t q0, uint64_t q1);
/* COMPLETION_WAIT without store or interrupt: what is deferred takes effect. */
void arig_wait(struct arig *r);
/* Takes the oldest event. False: there is none. */
bool arig_event(struct arig *r, uint64_t event[2]);

/* One untranslated request without PASID of 8 bytes; what the oracle says. */
struct mdl_amd_result arig_ask(struct arig *r, uint16_t sid, enum mdl_access access, uint64_t address);
struct mdl_amd_result arig_ask_rq(struct arig *r, const struct mdl_request *rq);
/* The same through the caches; events are logged. */
struct mdl_amd_result arig_look(struct arig *r, uint16_t sid, enum mdl_access access, uint64_t address);

#endif
