/*
 * The client of Xen's PV-IOMMU: which revision answers, one thin function for each command, and a backend of
 * struct iommu_ops over them. It is handed the function that makes the hypercall and knows nothing of where it goes.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_PVIOMMU_PVIOMMU_H
#define PORTCULLIS_DRIVERS_IOMMU_PVIOMMU_PVIOMMU_H

#include "drivers-iommu/iommu.h"
#include "drivers-iommu/pviommu/abi.h"

/* Hypercall 43 with its two arguments as they are; the result as RAX. */
typedef int64_t (*pvio_call_t)(void *ctx, uint64_t arg1, uint64_t arg2);

/* What a thin function returns, without any hypercall, where the revision does not have the command. */
#define PVIO_NO_COMMAND INT64_MIN

/* Capabilities, for every revision in the same words. */
struct pvio_caps {
	uint32_t flags;          /* PVIO_CAP_*; T: 0 */
	uint32_t pgsize_mask;    /* T: 4 KiB */
	uint32_t max_pasid;
	uint16_t max_ctx_no;     /* I, F: 0 until init */
	uint32_t max_nr_pages;   /* of one map or unmap; 0: no limit */
	uint64_t max_iova_addr;
};

#define PVIO_PROBE_BYTES 192

struct pvio {
	pvio_call_t call;
	void *ctx;
	enum pvio_revision revision;
	struct pvio_caps caps;   /* as the probe, or the last pvio_query_capabilities(), has read them */
	int64_t answers[4];      /* P1 to P4 of the probe, for reports: 0 where it did not come to them */
	uint8_t probe[PVIO_PROBE_BYTES] __attribute__((aligned(64))); /* zeroes between guard patterns */
};

/* "T", "H", "I", "F": in capitals, for people; "none" for PVIO_NONE. */
const char *pvio_revision_name(enum pvio_revision r);
/* From a word's value: one letter of either case; "auto" and "": PVIO_NONE. ERR_INVALID. */
enum status must_use pvio_revision_parse(const char *text, enum pvio_revision *out);

/*
 * Which revision answers, by a sequence of calls that has no effect on any. p->call and p->ctx are set. forced other
 * than PVIO_NONE: that revision is taken as given, and only its query is made. ERR_NOT_FOUND: no PV-IOMMU (-ENOSYS),
 * ERR_DENIED: there is one but not for this domain (p->revision tells T or I), ERR_UNSUPPORTED: no known revision,
 * ERR_IO: memory around the probe's buffer has changed.
 */
enum status must_use pvio_probe(struct pvio *p, enum pvio_revision forced);

/* The number of a command in a revision, -1 where it does not have it. */
int pvio_number(enum pvio_revision r, enum pvio_command c);

/* The call itself, for hostile tests. T: arg1 is the structure; else arg1 is the number, arg2 the structure. */
int64_t pvio_raw(struct pvio *p, uint64_t arg1, uint64_t arg2);
/* A command with a structure of the caller's in the revision's own layout (T: its subop_id is set here). */
int64_t pvio_command(struct pvio *p, enum pvio_command c, void *arg);

/* ---- one function for each command: 0, a negative Xen error, PVIO_NO_COMMAND ---- */

/* map_pages, unmap_pages, flush_pages. Flags are of H, I and F: readable and writeable are the same bits in T. */
struct pvio_range {
	uint16_t ctx_no;
	uint64_t gfn, dfn;
	uint32_t flags;
	uint32_t pgsize;         /* 0: 4096; T has none */
	uint32_t nr_pages;
};

int64_t pvio_noop(struct pvio *p);
/* Fills p->caps. */
int64_t pvio_query_capabilities(struct pvio *p);
int64_t pvio_init(struct pvio *p, uint32_t max_ctx_no, uint32_t arena_order);
int64_t pvio_alloc_context(struct pvio *p, uint32_t flags, uint16_t *ctx_no);
int64_t pvio_free_context(struct pvio *p, uint16_t ctx_no, uint32_t flags);
int64_t pvio_reattach_device(struct pvio *p, uint16_t ctx_no, struct pci_addr dev, uint32_t pasid);
/* *mapped, *unmapped: as the structure tells, from 0; also after an error. */
int64_t pvio_map_pages(struct pvio *p, const struct pvio_range *r, uint32_t *mapped);
int64_t pvio_unmap_pages(struct pvio *p, const struct pvio_range *r, uint32_t *unmapped);
/* *gfn is written on success alone. */
int64_t pvio_lookup_page(struct pvio *p, uint16_t ctx_no, uint64_t dfn, uint64_t *gfn);
/* command is the number in this revision, arg its structure (NULL where it has none). */
int64_t pvio_remote_cmd(struct pvio *p, uint16_t domid, uint16_t command, void *arg);
int64_t pvio_alloc_nested(struct pvio *p, uint64_t pgtable_gfn, uint64_t flags, uint16_t *ctx_no);
int64_t pvio_flush_nested(struct pvio *p);
int64_t pvio_attach_pasid(struct pvio *p, uint16_t ctx_no, struct pci_addr dev, uint32_t pasid);
int64_t pvio_detach_pasid(struct pvio *p, struct pci_addr dev, uint32_t pasid);
int64_t pvio_flush_pages(struct pvio *p, const struct pvio_range *r);

/* ---- the backend ---- */

/*
 * A struct iommu over a probed client. Every function of devs[] starts refused: it is moved into an empty context that
 * belongs to the backend, and so is a function that is detached later; destroy moves them all back to context 0. Does
 * init where the revision has it and it was not done. Memory is named by its physical address, as a guest whose frame
 * numbers are its own physical addresses sees it. Lookups come from a shadow of what was mapped.
 * ERR_NO_MEMORY, ERR_FULL (no context), ERR_NOT_FOUND (a function that is not the domain's), ERR_IO.
 */
enum status must_use pvio_iommu_create(struct pvio *p, const struct pci_addr *devs, unsigned devs_n,
				       struct iommu **out);
/* All functions back in context 0, all contexts freed. ERR_IO where the hypervisor refuses some of it. */
enum status pvio_iommu_destroy(struct iommu *io);
/* The client behind a backend that pvio_iommu_create() made. */
struct pvio *pvio_of(struct iommu *io);

#endif
