/* What the files of the VT-d backend share. */
#ifndef PORTCULLIS_DRIVERS_IOMMU_VTD_INTERNAL_H
#define PORTCULLIS_DRIVERS_IOMMU_VTD_INTERNAL_H

#include "drivers-iommu/domain.h"
#include "drivers-iommu/pgtable/pgtable.h"
#include "drivers-iommu/vtd/dirs.h"
#include "drivers-iommu/vtd/ops.h"

struct vtd_domain {
	struct domain base;
	struct vtd_domain *next;   /* all domains of the unit */
	uint16_t did;
	unsigned attached_n;
	bool stale;                /* a flush failed: the next one is for everything */
	bool held;                 /* made by create for the reserved memory of held_for; not the caller's */
	struct pci_addr held_for;
	struct pgt pt;             /* DOMAIN_PAGED */
};

struct vtd_iommu;

/* What differs between legacy and scalable mode: where an entry lives and what must be invalidated with it. */
struct vtd_attach_ops {
	/* The requester's entry, absent so far, made to lead to the domain. Failed: absent as before. */
	enum status (*set)(struct vtd_iommu *v, struct vtd_domain *d, const struct requester *r);
	/* The entry made absent; nothing of the domain is reachable through it when this returns OK. */
	enum status (*clear)(struct vtd_iommu *v, struct vtd_domain *d, const struct requester *r);
};

extern const struct vtd_attach_ops vtd_attach_legacy, vtd_attach_scalable;
extern const struct iommu_ops vtd_iommu_ops;

struct vtd_iommu {
	struct iommu io;
	struct vtd_unit *u;
	enum vtd_mode mode;
	const struct vtd_attach_ops *entry;
	struct pgt_config pgt;     /* of every page table */
	struct vtd_dirs dirs;
	struct attachments attached;
	struct id_pool dids;
	struct vtd_domain *domains;
	bool queue_ours;
	bool found_on;             /* translation was on, with these tables: */
	pa_t found_root;
	enum vtd_ttm found_ttm;
};

static inline struct vtd_iommu *vtd_iommu_of(struct iommu *io)
{
	return (struct vtd_iommu *)io; /* its first member */
}

static inline struct vtd_domain *vtd_domain_of(struct domain *d)
{
	return (struct vtd_domain *)d; /* its first member */
}

/* A domain on the list. Errors as iommu_ops.domain_create. */
enum status must_use vtd_domain_new(struct vtd_iommu *v, enum domain_kind kind, struct vtd_domain **out);
/* Taken off the list and freed; nobody is attached, or translation is off. */
void vtd_domain_free(struct vtd_iommu *v, struct vtd_domain *d);
/* Entry set and attachment noted. */
enum status must_use vtd_attach(struct vtd_iommu *v, struct vtd_domain *d, const struct requester *r);

#endif
