/*
 * PV-IOMMU on a bench: a client of the domain that tests speak for, towards the hypervisor that the machine is a guest
 * of, or towards the reference over the machine's own unit (pviommu=T, H, I or F where there is no such hypervisor).
 *
 * A reference is made for each test, so each one finds domains as they are created; a hypervisor has one domain for the
 * whole run, and what tests leave behind they must take back themselves.
 */
#ifndef PORTCULLIS_TESTS_HARNESS_PVIOMMU_BENCH_H
#define PORTCULLIS_TESTS_HARNESS_PVIOMMU_BENCH_H

#include "drivers-iommu/pviommu/pviommu.h"
#include "tests/test.h"
#include "xen/reference/reference.h"

/* Domains of the reference, and the contexts that each may have where a test does not say. */
enum { PVB_DOM0 = 0, PVB_GUEST = 1, PVB_PLAIN = 2 };
#define PVB_CONTEXTS 255u

struct pviommu_bench {
	struct pvio client;             /* of the domain that tests speak for; first, see backend_destroy() */
	enum pvio_revision revision;
	struct pvref *reference;        /* the running test's; NULL on a hypervisor, and between tests */
	struct iommu *host;             /* under the reference */
	const struct backend *host_backend;
	uint16_t contexts_max;          /* for a domain of the reference: what the host has, PVB_CONTEXTS at most */
	struct pvref_guest caller;      /* client.ctx */
	struct pvref_memory memory[PVREF_RANGES_MAX]; /* of the hardware domain: all RAM, and BARs of engines, 1:1 */
	unsigned memory_n;
	struct pvref_device devices[PVREF_DEVICES_MAX]; /* the engines */
	unsigned devices_n;
	pa_t pa;                        /* where this lies */
	struct bench *bench;            /* whose it is */
	const char *complaint;          /* of the reference when it was dropped, NULL: none */
	size_t free_pages;              /* before the running test */
};

/* The configuration that tests find where they do not ask for another: one hardware domain that has everything. */
struct pvb_setup {
	struct pvref_domain_config domain;
	struct pvref_config config;     /* points to domain */
};
void pvb_default(const struct bench *b, struct pvb_setup *s);

/*
 * A fresh reference in place of the running one, with the client as domains[0] of it, probed. ERR_UNSUPPORTED on a
 * hypervisor, and what the reference and the probe return.
 */
enum status must_use pvb_make(struct bench *b, const struct pvref_config *c);
/* Nothing of it is left. Also the end of each test. False: there was something to complain of, which why tells. */
bool pvb_drop(struct bench *b, const char **why);

#endif
