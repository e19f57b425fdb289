/*
 * PV-IOMMU on a bench: a client and, where no Xen is underneath, the reference that answers it. For tests/pviommu; contract
 * tests need none of it.
 */
#ifndef PORTCULLIS_TESTS_HARNESS_PVIOMMU_BENCH_H
#define PORTCULLIS_TESTS_HARNESS_PVIOMMU_BENCH_H

#include "drivers-iommu/pviommu/pviommu.h"
#include "tests/test.h"
#include "xen/reference/reference.h"

/* What a test of NEED_PVIOMMU starts from: every engine in context 0, nothing mapped, on I and F init not done. */
struct pviommu_bench {
	struct pvio client;         /* of the domain that we are, probed */
	uint16_t domid;             /* that domain */
	bool hardware;              /* it is the hardware domain */
	struct pvref *reference;    /* NULL on Xen */
	struct pvref_guest guest;   /* the client's ctx with a reference */
	struct iommu *host;         /* under the reference */
};

/* Of a running test with NEED_PVIOMMU. */
struct pviommu_bench *pviommu_of(struct test *t);

/*
 * The configuration that the reference of this test was made with, to be edited and given to pviommu_again(): memory is
 * all RAM of the machine, gfn * 4096 == its physical address; devices are all functions behind the unit; one hardware
 * domain, number 0, context 0 identity, 255 contexts, no limit of memory; every capability that the host has.
 */
struct pviommu_setup {
	struct pvref_config config;              /* its lists point to the following */
	struct pvref_domain_config domain;
	struct pvref_memory memory[PVREF_RANGES_MAX];
	struct pvref_device devices[PVREF_DEVICES_MAX];
	struct pvref_reserved reserved[PVREF_RESERVED_MAX];
};
/* Ends the test as unreached on Xen. */
void pviommu_setup_get(struct test *t, struct pviommu_setup *out);
/* A fresh reference by that configuration in place of the test's, and the client probed anew. */
void pviommu_again(struct test *t, const struct pviommu_setup *s);
/* A client of another domain of the test's reference. */
void pviommu_client_of(struct test *t, uint16_t domid, struct pvref_guest *guest, struct pvio *client);

#endif
