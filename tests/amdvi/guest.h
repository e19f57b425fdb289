/*
 * Guest (v2) tables for AMD-Vi tests (AMD IOMMU 2.2.6, 2.2.7): a GCR3 table for t->engine, and x86-64 tables behind it.
 *
 * Addresses inside these tables are guest physical: with nesting they go through the engine's host tables, where the
 * helpers map what they use at itself plus ag->moved.
 */
#ifndef PORTCULLIS_TESTS_AMDVI_GUEST_H
#define PORTCULLIS_TESTS_AMDVI_GUEST_H

#include "tests/amdvi/fixture.h"

struct ag_options {
	bool nested;
	bool giov_off;        /* requests without PASID do not use the guest tables */
	unsigned glx;         /* GCR3 levels - 1 */
	unsigned levels;      /* of guest tables, 4 or 5; 0: 4 */
	uint64_t moved;       /* nested: guest physical = system physical + moved */
	uint64_t ctl;         /* further bits of CTL */
};

struct ag {
	struct ag_options o;
	pa_t gcr3_pa;
	uint64_t *gcr3;       /* the root table */
};

/* The unit on with GTEn; the engine's entry leads to an empty GCR3 table. */
struct ag *ag_start(struct test *t, const struct ag_options *o);
/* The GCR3 entry of a PASID; tables above it are made. */
uint64_t *ag_gcr3(struct test *t, struct ag *g, uint32_t pasid);
/* The guest entry of an address at a level, below the table of a PASID; tables above it are made,
	with all permissions. */
uint64_t *ag_entry(struct test *t, struct ag *g, uint32_t pasid, iova_t gva, unsigned level);
/* A leaf value of a level: present, writable, user. */
uint64_t ag_leaf(const struct ag *g, pa_t pa, unsigned level);
/* A 4 KiB page at gva for a PASID; nested: its guest physical address is mapped, too. */
void ag_map(struct test *t, struct ag *g, uint32_t pasid, iova_t gva, const struct page *p);
/* Nested: the guest physical page of pa is mapped to it, by the permissions given. */
void ag_host(struct test *t, struct ag *g, pa_t pa, unsigned perm);
/* Drops what is cached of the engine, PASID 0 and pasid. */
void ag_sync(struct test *t, uint32_t pasid);

/* DMA with a PASID; true where the outcome is the expected one. */
bool ag_dma(struct test *t, uint32_t pasid, iova_t gva, struct page *p, bool write, enum dma_outcome expected);
/* A page of PASID 0 at AX_A, in a started unit, seen to work without PASID. */
struct page *ag_start_mapped(struct test *t, const struct ag_options *o, struct ag **g);

#endif
