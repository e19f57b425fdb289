/*
 * The one interface to every IOMMU backend: VT-d (legacy and scalable mode), AMD-Vi, PV-IOMMU.
 *
 * Contract tests (tests/dma) use nothing else. Ranges are whole pages; a call that fails changes nothing unless its
 * comment says otherwise.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_IOMMU_H
#define PORTCULLIS_DRIVERS_IOMMU_IOMMU_H

#include "kernel/hal.h"

/* A PCI function, optionally one PASID of it. */
struct requester {
	struct pci_addr addr;
	bool has_pasid;
	uint32_t pasid;
};

enum { PERM_R = 1, PERM_W = 2, PERM_RW = 3 };

/* iommu_caps.flags */
enum {
	IOMMU_HAS_FAULTS = 1 << 0,      /* fault_pop() tells of refused requests; else tests judge by data alone */
	IOMMU_HAS_WRITE_ONLY = 1 << 1,  /* a mapping can be W without R */
	IOMMU_HAS_PASID = 1 << 2,
	IOMMU_HAS_PASSTHROUGH = 1 << 3,
	IOMMU_CACHES_ABSENT = 1 << 4,   /* not-present entries may be cached: flush after map, too (CAP.CM) */
	IOMMU_HAS_NESTING = 1 << 5,
	IOMMU_OWN_MEMORY_ONLY = 1 << 6, /* only RAM of ours can be mapped, and nothing that is not there */
};

struct iommu_caps {
	uint32_t flags;
	unsigned input_bits;      /* width of an IOVA */
	uint64_t page_sizes;      /* bit n: 2^n bytes can be one leaf */
	uint32_t domains_max;     /* how many domains may exist at once */
	unsigned pasid_bits;      /* IOMMU_HAS_PASID: PASIDs are below 2^pasid_bits */
};

enum domain_kind { DOMAIN_PAGED, DOMAIN_PASSTHROUGH, DOMAIN_NESTED };

struct iommu;

/* An address space. Backends embed it first in a structure of their own. */
struct domain {
	struct iommu *iommu;
	enum domain_kind kind;
};

struct iommu_fault {
	struct requester requester; /* has_pasid only where the record says so */
	iova_t iova;                /* page of the request */
	bool write;
	bool write_known;           /* the record tells the direction */
	unsigned reason;            /* the backend's own code */
	const char *text;           /* its name in the backend's manual */
};

struct iommu_ops {
	enum status (*domain_create)(struct iommu *io, enum domain_kind kind, struct domain **out);
	/*
	 * IOMMU_HAS_NESTING, else NULL: a domain of DOMAIN_NESTED, whose requests are translated by the caller's own table of
	 * the unit's first-stage format at root, and what comes out of it, the table's addresses included, by below, which
	 * is DOMAIN_PAGED and outlives it. map, unmap and lookup: ERR_UNSUPPORTED; flush: after changes of that table.
	 */
	enum status (*domain_nest)(struct domain *below, iova_t root, struct domain **out);
	/* ERR_BUSY while a requester is attached, or a domain nested in it. */
	enum status (*domain_destroy)(struct domain *d);
	/* ERR_EXISTS where the requester is attached already (to any domain). A new requester starts detached: all refused. */
	enum status (*attach)(struct domain *d, struct requester r);
	/* ERR_NOT_FOUND where it is not attached to d. When it returns, nothing of d is reachable by r any more. */
	enum status (*detach)(struct domain *d, struct requester r);
	/*
	 * Maps [iova, iova + bytes) to pa with the largest pages that fit, none larger than 2^max_page_bits (0: no bound).
	 * ERR_EXISTS where any page is mapped, ERR_INVALID for misaligned, empty, out-of-width or no-permission ranges.
	 */
	enum status (*map)(struct domain *d, iova_t iova, pa_t pa, uint64_t bytes, unsigned perm, unsigned max_page_bits);
	/* Unmaps exactly this range, splitting large pages; holes are skipped, *unmapped is how many bytes went. */
	enum status (*unmap)(struct domain *d, iova_t iova, uint64_t bytes, uint64_t *unmapped);
	/* The mapping of one address. ERR_NOT_FOUND. */
	enum status (*lookup)(struct domain *d, iova_t iova, pa_t *pa, unsigned *perm);
	/* When it returns, no translation of the range that was replaced or removed is used. map/unmap do not flush. */
	enum status (*flush)(struct domain *d, iova_t iova, uint64_t bytes);
	/* Next fault record, oldest first. ERR_NOT_FOUND: none. */
	enum status (*fault_pop)(struct iommu *io, struct iommu_fault *out);
};

struct iommu {
	const struct iommu_ops *ops;
	const char *name; /* "vtd-legacy", "vtd-ss", ...: the suffix of contract tests */
	struct iommu_caps caps;
};

#endif
