/*
 * Interrupt remapping as tests speak of it: a table of raw entries, messages of t->engine, delivered or refused.
 */
#ifndef PORTCULLIS_TESTS_VTD_INTERRUPT_WORDS_H
#define PORTCULLIS_TESTS_VTD_INTERRUPT_WORDS_H

#include "tests/vtd/fixture.h"

/* Interrupt remapping of one test. Two vectors: what entries name, and what the messages themselves name. */
struct ir {
	struct page *table;    /* room for 65536 entries, whatever the size that is set */
	uint64_t *irt;         /* two words for each entry */
	unsigned log2_entries;
	bool eime;
	unsigned vector, decoy, fence;
	uint32_t dest;         /* APIC id of this processor */
	uint16_t sid;          /* of t->engine */
};

/* fx_start() in legacy mode, a table of 2^log2_entries with nothing present, IRE on, CFI off. */
struct ir *ir_start(struct test *t, unsigned log2_entries, bool eime);
/* The same tables and vectors, IRE still off. */
struct ir *ir_prepare(struct test *t, unsigned log2_entries, bool eime);

/* An entry for ir->vector, this processor, t->engine only. */
vtd_irte_t ir_entry(const struct ir *ir);
/* Makes it entry index and drops all cached interrupt entries. ir_put(): without the latter. */
void ir_set(struct test *t, struct ir *ir, unsigned index, vtd_irte_t e);
void ir_put(struct test *t, struct ir *ir, unsigned index, vtd_irte_t e);

/* Message address in remappable format; the handle has 16 bits. */
uint64_t ir_address(unsigned handle, bool shv);
/* t->engine sends; ends the test as unreached where it cannot send this. */
void ir_send(struct test *t, uint64_t address, uint32_t data);

/* A message to index (SHV=0) arrives once as ir->vector, and nothing else happens. */
bool expect_delivered(struct test *t, struct ir *ir, unsigned index);
/* The same for any message, and the vector it must arrive as. */
bool expect_delivered_as(struct test *t, struct ir *ir, uint64_t address, uint32_t data, unsigned vector);
/* A message to index (SHV=0) arrives as nothing, and is recorded with this reason, its requester and index. */
bool expect_not_delivered(struct test *t, struct ir *ir, unsigned index, unsigned reason);
/* The same for any message; index below 0: the record's index is not looked at. */
bool expect_message_refused(struct test *t, struct ir *ir, uint64_t address, uint32_t data, int index, unsigned reason);
/* Arrives as nothing, and nothing is recorded. */
bool expect_silently_refused(struct test *t, struct ir *ir, unsigned index);
/* A message to index, judged by the caller: which of the two vectors came, and the reason of the record (0: none). */
void ir_try(struct test *t, struct ir *ir, uint64_t address, uint32_t data, bool *vector, bool *decoy,
	    unsigned *reason);

#endif
