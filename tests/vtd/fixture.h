/*
 * What VT-d table tests start from: a quiet unit, raw tables in memory for the test's engines, translation on.
 *
 * Tables are made by the driver's builders as legal values; a test then changes raw words through fx_set(), the one
 * way in which tests write entries that the unit may be reading. Nothing is invalidated unless the test says so.
 */
#ifndef PORTCULLIS_TESTS_VTD_FIXTURE_H
#define PORTCULLIS_TESTS_VTD_FIXTURE_H

#include "drivers-iommu/vtd/desc.h"
#include "drivers-iommu/vtd/entry.h"
#include "drivers-iommu/vtd/fault.h"
#include "drivers-iommu/vtd/invalidate.h"
#include "drivers-iommu/vtd/queue.h"
#include "drivers-iommu/vtd/tables.h"
#include "tests/test.h"

enum fx_mode {
	FX_LEGACY,       /* TTM 00, TT 00, second stage of the deepest width */
	FX_LEGACY_PT,    /* TTM 00, TT 10 */
	FX_SM_SS,        /* TTM 01, PGTT 010 */
	FX_SM_FS,        /* TTM 01, PGTT 001 */
	FX_SM_PT,        /* TTM 01, PGTT 100 */
};

/* An IOVA below 2^38, every 9-bit index of it different and none 0; and a second page, elsewhere at every level. */
#define IOVA_A IOVA(UINT64_C(0x2468ac3000))
#define IOVA_B IOVA(UINT64_C(0x1357913000))

/* A requester of the fixture with its entries. Words are live: the unit may be reading them. */
struct fx_req {
	struct engine *engine;
	uint16_t sid, did;
	uint32_t rid_pasid;    /* scalable: where requests without PASID go */
	uint64_t *root;        /* root entry: 2 words; scalable: [0] lower half, [1] upper half */
	uint64_t *root_half;   /* scalable: the word that serves this devfn; legacy: root */
	uint64_t *ctx;         /* context entry: 2 words, scalable 4 */
	uint64_t *dir;         /* scalable: directory entry of rid_pasid, 1 word */
	uint64_t *dir_table;   /* scalable: the whole directory, 128 entries */
	uint64_t *pasid_table; /* scalable: the table of 64 entries that dir points to */
	uint64_t *pasid;       /* scalable: entry of rid_pasid, 8 words */
	uint64_t *space;       /* top paging table */
	pa_t space_pa;
	unsigned levels;
};

#define FX_REQS_MAX   8
#define FX_TABLES_MAX 4

struct fx {
	struct vtd_unit *u;
	enum fx_mode mode;
	bool scalable, first_stage;
	pa_t root_pa;
	uint64_t *root;
	struct { unsigned key; uint64_t *p; pa_t pa; } tables[FX_TABLES_MAX]; /* context tables by bus (and half) */
	unsigned tables_n;
	struct fx_req reqs[FX_REQS_MAX];
	unsigned reqs_n;
};

/*
 * Queue on (256-bit in scalable mode), tables for t->engine and t->engine2 (DIDs 1 and 2), each with an empty address
 * space (its engine's own memory is mapped), root pointer set, caches empty, translation on.
 */
struct fx *fx_start(struct test *t, enum fx_mode mode);
/* The same, but without turning translation on. */
struct fx *fx_prepare(struct test *t, enum fx_mode mode);
/* Tables for one more engine, with an address space and DID of its own. Not visible before its entries are read. */
struct fx_req *fx_add(struct test *t, struct engine *e);
/* The requester of an engine. */
struct fx_req *fx_req(struct test *t, const struct engine *e);
/* Scalable mode: the PASID entry that leads to r's space, as the fixture's mode has it. */
vtd_pasid_t fx_pasid_value(const struct fx *fx, const struct fx_req *r);
static inline struct fx *fx_of(struct test *t)
{
	return t->fixture;
}

/* Writes a raw word of a table and makes it visible to the unit. */
void fx_set(struct test *t, uint64_t *word, uint64_t value);
/* Drops everything that the unit has cached. */
void fx_sync(struct test *t);
/* One descriptor, then a wait; anything but success ends the test as setup. */
void fx_inv(struct test *t, struct vtd_desc d);

/*
 * The paging entry of iova at a level (1: 4 KiB leaf) in r's space; missing tables above it are made, with all
 * permissions. It is the test's to fill in.
 */
uint64_t *fx_entry(struct test *t, struct fx_req *r, iova_t iova, unsigned level);
/* A leaf at a level; perm of PERM_R, PERM_W. First stage: R alone is read-only, W implies R. Extra: raw bits, ORed in. */
void fx_map(struct test *t, struct fx_req *r, iova_t iova, pa_t pa, unsigned level, unsigned perm, uint64_t extra);
/* The 4 KiB page p at iova for t->engine, read-write. */
void fx_map_page(struct test *t, iova_t iova, const struct page *p);

/* Takes all fault records: at least one, and each of this reason, requester, page and direction. */
bool expect_fault(struct test *t, unsigned reason, const struct engine *e, iova_t iova, bool write);
/* The same where the catalogue lists several reasons; n of them. *seen, if not NULL, gets the one. */
bool expect_fault_of(struct test *t, const uint8_t *reasons, unsigned n, const struct engine *e, iova_t iova, bool write,
		     unsigned *seen);
/* No record, no overflow. */
bool expect_no_fault(struct test *t);
/* Takes all records without judging; returns how many. */
unsigned fx_faults_drop(struct test *t);

#endif
