/*
 * What AMD-Vi table tests start from: a quiet unit, raw tables in memory for the test's engines, rings, translation on.
 *
 * Tables are made by the driver's builders as legal values; a test then changes raw words through ax_set(), the one way
 * in which tests write entries that the unit may be reading. Nothing is invalidated unless the test says so.
 */
#ifndef PORTCULLIS_TESTS_AMDVI_FIXTURE_H
#define PORTCULLIS_TESTS_AMDVI_FIXTURE_H

#include "drivers-iommu/amdvi/cmdbuf.h"
#include "drivers-iommu/amdvi/gcr3.h"
#include "drivers-iommu/amdvi/log.h"
#include "drivers-iommu/amdvi/tables.h"
#include "tests/test.h"

/* Addresses below 2^38, every 9-bit index of them different and none 0. */
#define AX_A IOVA(UINT64_C(0x2468ac3000))
#define AX_B IOVA(UINT64_C(0x1357913000))

#define AX_LEVELS   4u
#define AX_REQS_MAX 8

/* A requester of the fixture with its entries. Words are live: the unit may be reading them. */
struct ax_req {
	struct engine *engine;
	uint16_t id, domain_id;
	uint64_t *dte;          /* 4 words */
	uint64_t *space;        /* top host table */
	pa_t space_pa;
	unsigned levels;
};

struct ax_options {
	unsigned levels;        /* host levels; 0: AX_LEVELS, or fewer where the unit has no more */
	unsigned cmd_log2, evt_log2; /* ring sizes; 0: 8 and 12 */
	unsigned segments_log2;
	uint32_t ids_n;         /* device ids in the table; 0: as many as the machine needs */
	uint64_t ctl;           /* further bits of CTL */
	bool ppr;               /* with a PPR log */
};

struct ax {
	struct amdvi_unit *u;
	struct ax_options o;
	struct amdvi_devtab devtab;
	struct ax_req reqs[AX_REQS_MAX];
	unsigned reqs_n;
};

/* Tables for t->engine and t->engine2 (domains 1 and 2, with their own memory mapped), unit prepared but off. */
struct ax *ax_prepare(struct test *t, const struct ax_options *o);
/* The same, then on with nothing cached. o: NULL for all defaults. */
struct ax *ax_start(struct test *t, const struct ax_options *o);
/* A prepared unit turned on. */
void ax_on(struct test *t);
/* Tables for one more engine, with an address space and domain of its own. */
struct ax_req *ax_add(struct test *t, struct engine *e);
struct ax_req *ax_req(struct test *t, const struct engine *e);
static inline struct ax *ax_of(struct test *t)
{
	return t->fixture;
}

/* Registers of the unit under test, for tests without a fixture, too. */
static inline const mmio_t *ax_regs(const struct test *t)
{
	return &t->bench->amdvi->regs;
}

/* Writes a raw word of a table. */
void ax_set(uint64_t *word, uint64_t value);
/* A whole device table entry, the word that holds V last. */
void ax_set_dte(struct test *t, struct ax_req *r, amdvi_dte_t value);
/* Drops everything that the unit has cached about the fixture's requesters, and whatever else it can. */
void ax_sync(struct test *t);
/* One command, then a wait; anything but success ends the test as setup. */
void ax_cmd(struct test *t, struct amdvi_cmd c);

/* One page of raw table. */
uint64_t *ax_table(struct test *t, pa_t *pa);
/*
 * The host paging entry of iova at a level (1: 4 KiB leaf) in r's space; missing tables above it are made, with all
 * permissions. It is the test's to fill in.
 */
uint64_t *ax_entry(struct test *t, struct ax_req *r, iova_t iova, unsigned level);
/* The value of a leaf of its level's size; perm of PERM_R, PERM_W. */
uint64_t ax_leaf(pa_t pa, unsigned perm);
/* A page of 2^bits bytes, any power of two from 4 KiB on, with all its entries. */
void ax_map_sized(struct test *t, struct ax_req *r, iova_t iova, pa_t pa, unsigned bits, unsigned perm);
/* All of p at iova by 4 KiB pages for t->engine, read-write. */
void ax_map_page(struct test *t, iova_t iova, const struct page *p);

/* ax_start(), a page of 0xa5 at iova for t->engine, and the positive control: DMA works and nothing is logged. */
struct page *ax_start_mapped(struct test *t, const struct ax_options *o, iova_t iova);

/* ---- judging ---- */

/* DMA by t->engine at iova, in each direction that it has, reaches p (the offset in the page is iova's) or does not. */
bool ax_allowed(struct test *t, iova_t iova, struct page *p);
bool ax_blocked(struct test *t, iova_t iova, struct page *p);
/* One direction only; true where the outcome is the expected one. */
bool ax_dma(struct test *t, iova_t iova, struct page *p, bool write, enum dma_outcome expected);

/* Takes all events; at least one, and each of this code, else a failure and false. *out, if not NULL, is the first. */
bool ax_expect_event(struct test *t, unsigned code, struct amdvi_event *out);
/* The address of an event, bits below align left out; the requester of an event. */
bool ax_expect_address(struct test *t, const struct amdvi_event *e, uint64_t address, uint64_t align);
bool ax_expect_requester(struct test *t, const struct amdvi_event *e, const struct engine *engine);
/* No event waits. */
bool ax_expect_no_event(struct test *t);
/* Takes all events without judging; returns how many. */
unsigned ax_events_drop(struct test *t);
/* Takes the next event if one comes within the time that an event may take. */
bool ax_event_take(struct test *t, struct amdvi_event *out);

/*
 * Each bit of a mask alone set in a live word, everything dropped after each change: DMA to iova is blocked, or nothing
 * changes. The word gets its value back, and DMA must work again. Events are dropped. Ends at the first surprise.
 */
bool ax_each_bit_blocks(struct test *t, uint64_t *word, uint64_t bits, iova_t iova, struct page *p);
bool ax_each_bit_harmless(struct test *t, uint64_t *word, uint64_t bits, iova_t iova, struct page *p);

#endif
