/*
 * Random hypercalls, hostile and sane ones mixed, for fuzzers of the reference: tests/pviommu/fuzz.c on machines with
 * engines, tests/host/pviommu/fuzz_calls.c on bare models. Structures lie in a run of pages, at its borders or nowhere.
 */
#ifndef PORTCULLIS_TESTS_PVIOMMU_HOSTILE_H
#define PORTCULLIS_TESTS_PVIOMMU_HOSTILE_H

#include "kernel/linear.h"
#include "xen/reference/reference.h"

#define HOSTILE_RUN_PAGES 3u
#define HOSTILE_PLACES    4u
#define HOSTILE_DEVS      8u
#define HOSTILE_DOMAINS   3u
#define HOSTILE_CONTEXTS  6u
#define HOSTILE_PASIDS    4u /* 1 to 4 */

struct hostile {
	struct pvref *reference;
	enum pvio_revision revision;
	struct prng *prng;
	struct linear_run run;
	uint64_t gfns[HOSTILE_PLACES]; /* where memory of the domains begins */
	unsigned gfns_n;
	uint64_t pages;                /* how much of it is there, about */
	struct pci_addr devs[HOSTILE_DEVS];
	unsigned devs_n;
	uint16_t domids[HOSTILE_DOMAINS]; /* the first calls most */
	unsigned domids_n;
};

/* One call by one of the domains. */
void hostile_call(struct hostile *h);
/* I, F: init of the first domains as a sane guest does it. */
void hostile_init(struct hostile *h, unsigned domains_n);
/* Sane calls that take back everything that domains 0 to domains_n - 1 have. */
void hostile_clean_up(struct hostile *h, unsigned domains_n);
/* Numbers of pages that calls are about: dfns, gfns. */
uint64_t hostile_dfn(struct hostile *h);
uint64_t hostile_gfn(struct hostile *h);

#endif
