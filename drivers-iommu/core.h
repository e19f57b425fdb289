/*
 * What every IOMMU with page tables in memory shares as a struct iommu: domains, attachments, reserved memory, mapping.
 *
 * A vendor embeds struct iommu_core first in a structure of its own and supplies struct core_ops: how an entry of a
 * requester is set and cleared, and how a range is flushed.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_CORE_H
#define PORTCULLIS_DRIVERS_IOMMU_CORE_H

#include "drivers-iommu/domain.h"
#include "drivers-iommu/pgtable/pgtable.h"

/* Memory that a requester must reach by its own address at all times: one for each requester and range. */
struct reserved {
	struct pci_addr addr;
	pa_t base;
	uint64_t bytes;         /* whole pages */
	unsigned perm;
};

struct core_domain {
	struct domain base;
	struct core_domain *next; /* all domains of the unit */
	uint16_t id;            /* the tag of its cached translations */
	unsigned attached_n;
	bool stale;             /* a flush failed: the next one is for everything */
	struct core_domain *below; /* DOMAIN_NESTED: shares its id; its table's address in below is root */
	iova_t root;
	unsigned nested_n;      /* domains nested in this one */
	bool held;              /* made for the reserved memory of held_for; not the caller's */
	struct pci_addr held_for;
	struct pgt pt;          /* DOMAIN_PAGED */
};

struct iommu_core;

struct core_ops {
	/* The requester's entry, refusing so far, made to lead to the domain. Failed: refusing as before. */
	enum status (*set)(struct iommu_core *c, struct core_domain *d, const struct requester *r);
	/* The entry made to refuse; nothing of the domain is reachable through it when this returns OK. */
	enum status (*clear)(struct iommu_core *c, struct core_domain *d, const struct requester *r);
	/* No translation of the range that was replaced or removed is used; leaf_only: only leaf entries changed. */
	enum status (*flush)(struct iommu_core *c, struct core_domain *d, iova_t iova, uint64_t bytes, bool leaf_only);
	/* New entries are in memory: what the unit needs to see them. NULL: nothing. */
	enum status (*mapped)(struct iommu_core *c);
	/* As iommu_ops.fault_pop. */
	enum status (*fault_pop)(struct iommu_core *c, struct iommu_fault *out);
};

struct iommu_core {
	struct iommu io;
	const struct core_ops *ops;
	struct pgt_config pgt;     /* of every page table */
	struct attachments attached;
	struct id_pool ids;
	uint32_t id_first;         /* nobody gets a smaller one */
	uint16_t segment;
	struct core_domain *domains;
};

/* Every backend's ops; core->io.ops points here. */
extern const struct iommu_ops core_iommu_ops;

static inline struct iommu_core *core_of(struct iommu *io)
{
	return (struct iommu_core *)io; /* its first member */
}

/* Book-keeping for ids_n domain ids and up to 1024 attachments. ERR_NO_MEMORY; core_close() then, too. */
enum status must_use core_open(struct iommu_core *c, uint32_t ids_n);
/* Frees all domains; the unit does not use them any more. */
void core_close(struct iommu_core *c);

/*
 * Identity-maps reserved memory for its requesters while they are not attached to a domain of the caller.
 * ERR_INVALID (segment, alignment), and all of domain_create, map and attach.
 */
enum status must_use core_reserve(struct iommu_core *c, const struct reserved *r);

#endif
