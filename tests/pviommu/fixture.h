/*
 * What tests of PV-IOMMU start from: a client of the domain that they speak for, engines in context 0, contexts that
 * are freed when the test ends, however it does. On the reference the domain is fresh; on a hypervisor it is the one
 * that the run has, initialised by the first test that needs contexts.
 *
 * Frames of the domain are named by its own physical addresses: gfn = pa / 4096.
 */
#ifndef PORTCULLIS_TESTS_PVIOMMU_FIXTURE_H
#define PORTCULLIS_TESTS_PVIOMMU_FIXTURE_H

#include "kernel/linear.h"
#include "tests/harness/pviommu_bench.h"

/* Two addresses below 39 bits, far from any RAM, that differ at every level. */
#define PVX_A UINT64_C(0x1b6db6d)
#define PVX_B UINT64_C(0x2db6db6)

#define PVX_RW (PVIO_MAP_READABLE | PVIO_MAP_WRITEABLE)

/* What init asks for where a test does not care. */
#define PVX_CONTEXTS 32u
#define PVX_ORDER    12u

static inline uint64_t gfn_of(pa_t pa)
{
	return pa.v / PAGE_BYTES;
}

static inline iova_t iova_of(uint64_t dfn)
{
	return IOVA(dfn * PAGE_BYTES);
}

/* ---- start ---- */

/* The client, with contexts to be had. */
struct pvio *pvx(struct test *t);
/* The client of a domain that was never initialised (I, F); on a hypervisor that only the first such test finds. */
struct pvio *pvx_uninitialised(struct test *t);
/* True where the calls reach a hypervisor, false for the reference. */
bool pvx_on_hypervisor(const struct test *t);
/* One of four, by the revision. */
int64_t pvx_by(const struct test *t, int64_t in_t, int64_t in_h, int64_t in_i, int64_t in_f);

/* A reference of another configuration than the usual one: pvb_default(), changed by the caller. */
void pvx_setup(struct test *t, struct pvb_setup *s);
/* Puts it in place of the running one; on a hypervisor ends the test as unreached. Returns the client of domains[0]. */
struct pvio *pvx_remake(struct test *t, const struct pvb_setup *s);
/* The reference; on a hypervisor ends the test as unreached. */
struct pvref *pvx_reference(struct test *t);
/* The engine that is last in the list of devices: the one that tests give to another domain. */
struct engine *pvx_last_engine(struct test *t);
/* A client of another domain of the reference. Freed with the test. */
struct pvio *pvx_client_of(struct test *t, uint16_t domid);

/* ---- steps that must succeed, else the test ends as setup ---- */

uint16_t pvx_context(struct test *t);
/* A context that the test made by a call of its own is freed by the harness, too. */
void pvx_owns(struct test *t, uint16_t ctx);
/* Before a test frees one by a call of its own. */
void pvx_disowns(struct test *t, uint16_t ctx);
void pvx_free(struct test *t, uint16_t ctx);
/* Pages one after the other; T: in pieces. */
void pvx_map(struct test *t, uint16_t ctx, uint64_t dfn, pa_t pa, uint32_t pages, uint32_t flags);
void pvx_unmap(struct test *t, uint16_t ctx, uint64_t dfn, uint32_t pages);
/* Moves an engine; its own memory is mapped 1:1 first where it needs that. */
void pvx_attach(struct test *t, struct engine *e, uint16_t ctx);
/* A new context with t->engine in it. */
uint16_t pvx_start(struct test *t);
/* Back to context 0. */
void pvx_home(struct test *t, struct engine *e);

/* ---- calls of which the outcome matters ---- */

int64_t pvx_try_map(struct test *t, uint16_t ctx, uint64_t dfn, uint64_t gfn, uint32_t pages, uint32_t *mapped);
int64_t pvx_try_unmap(struct test *t, uint16_t ctx, uint64_t dfn, uint32_t pages, uint32_t *unmapped);
int64_t pvx_try_attach(struct test *t, const struct engine *e, uint16_t ctx);
/* One alloc_context; where it succeeds the context is owned. */
int64_t pvx_try_alloc(struct test *t, uint32_t flags, uint16_t *ctx);

/* ---- expectations ---- */

/* "0", or "-98 (EADDRINUSE)" in one of a few buffers. */
const char *pvx_result(int64_t rc);
bool expect_rc(struct test *t, const char *call, int64_t seen, int64_t expected);
/* One of several, ended by PVX_END. */
#define PVX_END INT64_MAX
bool expect_rc_of(struct test *t, const char *call, int64_t seen, const int64_t *allowed);
/* Any error; from the reference this one. */
bool expect_error(struct test *t, const char *call, int64_t seen, int64_t own);
/*
 * Where the header says one thing and implementations another, either will do, and the result names the revisions that
 * it follows. The reference must follow its own.
 */
bool expect_rc_told(struct test *t, const char *call, int64_t seen, int64_t header, const char *header_revisions,
		    int64_t others, const char *other_revisions);
/*
 * What is undefined or not offered: H refuses it, T, I and F take it as if it were not there; told in the same way.
 * own: the error of the reference. True where it was refused.
 */
bool expect_error_or_ignored(struct test *t, const char *call, int64_t seen, int64_t own);
/* A count that H sets and I and F add to what the structure held. */
void expect_count(struct test *t, const char *what, uint32_t seen, uint32_t before, uint32_t pages);
/* -22 of the header, -98 of its implementations. */
bool expect_taken(struct test *t, const char *call, int64_t seen);

/* The device reaches the page at dfn, reads and writes; or it reaches it neither way. */
void expect_reach(struct test *t, struct engine *e, uint64_t dfn, struct page *p);
void expect_no_reach(struct test *t, struct engine *e, uint64_t dfn, struct page *p);
/* Whether an engine in context 0 reaches a page by its physical address, found by trying. */
bool pvx_default_reaches(struct test *t, struct engine *e);
/* In context 0 as it was at the start: reaches says what pvx_default_reaches() said then. */
void expect_default(struct test *t, struct engine *e, bool reaches);

/* The engine's function as PV-IOMMU names it. */
struct pci_addr pvx_dev(const struct engine *e);

#endif
