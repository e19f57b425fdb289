/*
 * What tests of AMD-Vi interrupt remapping share: a table for t->engine, messages, and who got them.
 */
#ifndef PORTCULLIS_TESTS_AMDVI_INTERRUPTS_H
#define PORTCULLIS_TESTS_AMDVI_INTERRUPTS_H

#include "tests/amdvi/fixture.h"

#define AIR_LOG2    9u
#define AIR_ADDRESS UINT64_C(0xfee00000)

/* Message data: delivery mode in bits 10:8, which are the upper index bits of remapped messages. */
#define AIR_MODE    BITS(10, 8)

struct air {
	unsigned vector, decoy;  /* decoy: what the message itself would raise */
	uint64_t address;        /* of the decoy's message, as the processor takes it */
	uint32_t data;
	uint32_t dest;           /* this processor */
	bool wide;               /* 128-bit entries */
	struct page *page;
	uint64_t *table;
};

/*
 * The unit on; the engine's entry remaps by 2^AIR_LOG2 entries that start at offset of a page. wide: GAEn = 1; ctl:
 * further bits. The positive control: index 5 delivers. Skips where the unit or the engine cannot do it.
 */
struct air *air_start(struct test *t, bool wide, uint64_t ctl, uint64_t offset);
/* Entry index delivers air->vector; everything dropped. */
void air_entry(struct test *t, struct air *a, unsigned index);
/* Raw words of an entry; everything dropped. */
void air_raw(struct test *t, struct air *a, unsigned index, uint64_t w0, uint64_t w1);
/* The first word of a legal entry for air->vector. */
uint64_t air_word(const struct air *a);
/* The interrupt fields of the engine's device table entry changed; everything dropped. */
void air_dte(struct test *t, uint64_t clear, uint64_t set);

/* Sends; exactly one interrupt of air->vector arrives (or of the decoy), and none of the other. */
bool air_expect(struct test *t, struct air *a, uint64_t address, uint32_t data, bool decoy);
/* Sends; nothing arrives. */
bool air_expect_blocked(struct test *t, struct air *a, uint64_t address, uint32_t data);

#endif
