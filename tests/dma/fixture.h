/*
 * What contract tests start from: a fresh backend (t->iommu) that refuses everything, and domains that are taken apart
 * when the test ends. Nothing here knows which backend it is.
 */
#ifndef PORTCULLIS_TESTS_DMA_FIXTURE_H
#define PORTCULLIS_TESTS_DMA_FIXTURE_H

#include "tests/test.h"

#define DFX_DOMAINS_MAX 64
#define DFX_ATTACH_MAX  8

/* Two addresses inside 38 bits that differ at every level, far from any RAM. */
#define DMA_A IOVA(UINT64_C(0x1b6db6d000))
#define DMA_B IOVA(UINT64_C(0x2db6db6000))

/* A new domain; destroyed by the harness. */
struct domain *dfx_domain(struct test *t, enum domain_kind kind);
/* Destroys one that was made by dfx_domain(), earlier than the harness would. */
void dfx_drop(struct test *t, struct domain *d);
/* The requester of an engine, without PASID. */
struct requester dfx_requester(const struct engine *e);
/* Attaches an engine and maps its own memory there. Detached by the harness. */
void dfx_attach(struct test *t, struct domain *d, struct engine *e);
void dfx_detach(struct test *t, struct domain *d, struct engine *e);
/* The same for a requester, of which nothing is mapped. */
void dfx_attach_as(struct test *t, struct domain *d, struct requester r);
void dfx_detach_as(struct test *t, struct domain *d, struct requester r);
/* A paged domain with t->engine attached. */
struct domain *dfx_start(struct test *t);

/* map + flush, unmap + flush; anything but success ends the test as setup. */
void dfx_map(struct test *t, struct domain *d, iova_t iova, pa_t pa, uint64_t bytes, unsigned perm);
void dfx_unmap(struct test *t, struct domain *d, iova_t iova, uint64_t bytes);

/* A call that must give a status: else a failure that names both. */
bool expect_status(struct test *t, const char *call, enum status seen, enum status expected);
/* Where the backend has fault records: at least one, all of this engine, page and direction. Takes them all. */
bool expect_refusal_told(struct test *t, const struct engine *e, iova_t iova, bool write);
bool expect_no_refusal_told(struct test *t);

#endif
