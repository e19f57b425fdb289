/*
 * The hypervisor's side of PV-IOMMU, over any struct iommu: what the 2024 header proposal (revision H) promises, and
 * the public revisions T, I and F where they differ from it by intent. See docs/pviommu.md.
 *
 * A reference owns one host IOMMU, domains with memory and PCI functions, and their contexts. A guest enters it
 * through a hypercall page (stubs.asm). One processor: calls do not overlap.
 */
#ifndef PORTCULLIS_XEN_REFERENCE_REFERENCE_H
#define PORTCULLIS_XEN_REFERENCE_REFERENCE_H

#include "drivers-iommu/iommu.h"
#include "drivers-iommu/pviommu/abi.h"

#define PVREF_DOMAINS_MAX  4
#define PVREF_RANGES_MAX   16
#define PVREF_DEVICES_MAX  32
#define PVREF_RESERVED_MAX 8

enum pvref_memory_kind {
	PVREF_RAM,
	PVREF_MMIO,    /* a BAR of a device that the domain owns */
	PVREF_FOREIGN, /* another domain's page in this domain's address space (a grant) */
};

/* Frames of a domain's address space and where they are. Everything that no range names is a hole. */
struct pvref_memory {
	uint64_t gfn;
	pa_t pa;
	uint64_t pages;
	enum pvref_memory_kind kind;
};

struct pvref_device {
	struct pci_addr addr;      /* on the machine */
	bool has_virtual;
	struct pci_addr virtual_;  /* where the domain sees it; only F looks there, and not for the hardware domain */
};

/* Memory that a function must always reach 1:1 (RMRR, IVMD). */
struct pvref_reserved {
	struct pci_addr addr;
	pa_t base;
	uint64_t pages;
};

struct pvref_domain_config {
	uint16_t domid;
	bool hardware;             /* the hardware domain */
	bool no_iommu;             /* created without an IOMMU */
	bool default_blocking;     /* context 0 refuses DMA; else it maps the domain's own RAM and MMIO 1:1 */
	uint16_t max_ctx_no;       /* T, H: contexts beside 0. I, F: until init there are none */
	uint32_t arena_pages;      /* T, H: for tables and book-keeping of all contexts beside 0; 0: no limit */
	const struct pvref_memory *memory;
	unsigned memory_n;
	const struct pvref_device *devices;
	unsigned devices_n;
};

struct pvref_config {
	enum pvio_revision revision;
	uint32_t caps;             /* of PVIO_CAP_NESTED, _PASID, _IDENTITY, _CACHE: offered where the host has them, too */
	uint32_t pgsize_mask;      /* 0: 4 KiB; others are offered where the host has them, too. H alone heeds pgsize */
	uint32_t max_pasid;        /* with PVIO_CAP_PASID */
	uint32_t step_pages;       /* a long operation is interrupted after so many pages; 0: 512 */
	const struct pvref_reserved *reserved;
	unsigned reserved_n;
	const struct pvref_domain_config *domains;
	unsigned domains_n;
};

struct pvref;

/*
 * A hypervisor with its domains; all their functions are in context 0. The host refuses everything so far and belongs
 * to the reference until pvref_destroy(). Lists are copied. ERR_NO_MEMORY, ERR_INVALID (a configuration that
 * contradicts itself), ERR_FULL, and what the host's functions return.
 */
enum status must_use pvref_create(struct iommu *host, const struct pvref_config *c, struct pvref **out);

/* What is left of a guest's doings. */
struct pvref_counts {
	unsigned contexts_n;       /* beside 0 */
	uint64_t pages_mapped;     /* in all contexts, but for identities of own memory */
	unsigned pieces_n;         /* in which all that is mapped lies */
	unsigned devices_away;     /* functions in another context than 0 */
	unsigned pasids_n;
	uint64_t arena_used;       /* pages of memory of all contexts beside 0 */
	uint64_t restarts;         /* since create: how often a call was interrupted and re-entered */
	uint64_t calls;
};
void pvref_count(const struct pvref *r, struct pvref_counts *out);

/* All devices detached from the host, everything freed. ERR_IO where the host does not let go; all is freed anyway. */
enum status pvref_destroy(struct pvref *r);

/* ---- calls ---- */

/* What a domain's call of hypercall 43 returns, interruptions included, without a hypercall page. */
int64_t pvref_hypercall(struct pvref *r, uint16_t domid, uint64_t arg1, uint64_t arg2);

/* A domain that calls: the ctx of a client (pvio.call = pvref_page_call, pvio.ctx = this). */
struct pvref_guest {
	struct pvref *reference;
	uint16_t domid;
};
/* The same call as on Xen: by stub 43 of the hypercall page. */
int64_t pvref_page_call(void *ctx, uint64_t arg1, uint64_t arg2);

/* ---- what a toolstack would do, for tests ---- */

/* Another domain. ERR_FULL, ERR_EXISTS, and what pvref_create() returns. */
enum status must_use pvref_domain_create(struct pvref *r, const struct pvref_domain_config *d);
/* Its functions detached, its contexts and memory references gone. ERR_NOT_FOUND, ERR_INVALID (the hardware domain). */
enum status must_use pvref_domain_destroy(struct pvref *r, uint16_t domid);
/*
 * A function moves from one domain to context 0 of another. ERR_NOT_FOUND, ERR_FULL, ERR_BUSY (PASIDs of it are
 * attached), and what the host returns.
 */
enum status must_use pvref_assign(struct pvref *r, struct pci_addr dev, uint16_t from, uint16_t to);
/* Frames appear in a domain's address space. ERR_EXISTS (some are there), ERR_FULL, and what the host returns. */
enum status must_use pvref_memory_add(struct pvref *r, uint16_t domid, const struct pvref_memory *m);
/* They go (ballooning). ERR_BUSY while a context maps one of them: nothing has gone then. ERR_NOT_FOUND. */
enum status must_use pvref_memory_remove(struct pvref *r, uint16_t domid, uint64_t gfn, uint64_t pages);
/* Where a domain's frame is, for judging DMA: ERR_NOT_FOUND in a hole. */
enum status must_use pvref_translate(const struct pvref *r, uint16_t domid, uint64_t gfn, pa_t *pa);
/* The context that a function is in now. ERR_NOT_FOUND. */
enum status must_use pvref_context_of(const struct pvref *r, struct pci_addr dev, uint16_t *ctx_no);
/*
 * Our own consistency: what contexts map is granted to their domain, counts agree, functions are where they are said to
 * be. NULL, or what is wrong in a few words.
 */
const char *pvref_check(const struct pvref *r);

#endif
