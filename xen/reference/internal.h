/* What the files of the reference share: its state, one request, the rules of a revision. */
#ifndef PORTCULLIS_XEN_REFERENCE_INTERNAL_H
#define PORTCULLIS_XEN_REFERENCE_INTERNAL_H

#include "xen/reference/reference.h"

/* A call was interrupted: its progress is kept, and the same instruction comes again. No Xen error has this number. */
#define PVREF_AGAIN INT64_MIN

/* ---- the rules of a revision: all in which they differ by intent ---- */

struct pvref_rules {
	int8_t numbers[16];        /* enum pvio_command by number */
	unsigned numbers_n;
	bool tagged;               /* one structure for all commands, its address in the first argument */
	bool hardware_only;        /* other domains are refused */
	bool has_init;             /* no contexts before init */
	bool strict;               /* undefined flags, unsupported page sizes, absent capabilities are errors; else ignored */
	bool dying;                /* after a refused free a context takes no functions any more */
	bool default_editable;     /* pages of context 0 can be mapped and unmapped */
	bool counts_up;            /* mapped and unmapped are added to what the structure holds */
	bool moves_on;             /* progress of an interrupted call is kept in the structure: gfn, dfn, nr_pages */
	bool virtual_devices;      /* functions are found by where the domain sees them, too */
	bool mmio;                 /* BARs of own devices can be mapped */
	bool foreign;              /* the hardware domain can map other domains' pages that it sees */
	bool self;                 /* DOMID_SELF is known to remote_cmd */
	uint32_t pages_max;        /* of one map or unmap, 0: no limit */
	unsigned iova_bits_max;    /* 0: what the host has */
	/* Errors, as positive numbers. */
	int access, unknown, no_device, hole, denied_page, mapped, reserved_map, reserved_unmap;
};

extern const struct pvref_rules pvref_rules[PVIO_REVISIONS];

/* ---- state ---- */

/* Pages side by side in both spaces. */
struct pvref_extent {
	uint64_t dfn, gfn, pages;
	unsigned perm;
};

struct pvref_context {
	struct domain *host;
	bool dying, nested;
	bool identity;             /* started as the domain's own memory 1:1 */
	unsigned devices_n, pasids_n;
	struct pvref_extent *extents; /* what is mapped, by dfn; neighbours that belong together are one */
	unsigned extents_n, extents_max;
};

struct pvref_dev {
	struct pvref_device at;
	uint16_t ctx_no;
};

struct pvref_pasid {
	struct pci_addr addr;
	uint32_t pasid;
	uint16_t ctx_no;
};

#define PVREF_PASIDS_MAX 64

struct pvref_domain {
	bool used;
	struct pvref *r;
	uint16_t domid;
	bool hardware, no_iommu, default_blocking;
	struct pvref_memory memory[PVREF_RANGES_MAX];
	unsigned memory_n;
	struct pvref_dev devices[PVREF_DEVICES_MAX];
	unsigned devices_n;
	struct pvref_pasid pasids[PVREF_PASIDS_MAX];
	unsigned pasids_n;
	bool initialised;
	uint32_t max_ctx_no;
	struct pvref_context **contexts; /* max_ctx_no + 1 of them; [0] is the default context */
	struct domain *below;      /* all own memory, gfn to pa: the second stage of nested contexts; made with the first */
	unsigned nested_n;
	uint64_t arena_pages, arena_used; /* 0: no limit */
};

struct pvref {
	struct iommu *host;
	const struct pvref_rules *rules;
	enum pvio_revision revision;
	uint32_t caps, pgsize_mask, max_pasid, step_pages;
	uint64_t max_iova;
	struct pvref_reserved reserved[PVREF_RESERVED_MAX];
	unsigned reserved_n;
	struct pvref_domain domains[PVREF_DOMAINS_MAX];
	/* Where progress is not kept in the guest's structure: the call that was interrupted, and how far it is. */
	struct { bool is; uint16_t domid; uint64_t arg1, arg2; uint32_t done; } pending;
	uint64_t restarts, calls;
	const char *lost;          /* what the host did not let go of: pvref_check() tells */
};

/* ---- one request: what a command is asked and answers, without a revision's layout ---- */

struct pvref_request {
	struct pvref *r;
	struct pvref_domain *caller, *d; /* who calls, and whom it is about */
	enum pvio_command command;
	uint64_t arg;              /* address of the structure */
	uint16_t ctx_no;
	uint32_t flags;
	uint64_t gfn, dfn;
	uint32_t pgsize, nr, done; /* done: pages that this request has done, of nr */
	struct pci_addr dev;
	uint32_t pasid;
	uint32_t max_ctx_no, arena_order;
	uint64_t nested_flags;
	struct pvio_caps_out {
		uint32_t flags, pgsize_mask, max_pasid, max_nr_pages;
		uint16_t max_ctx_no;
		uint64_t max_iova;
	} caps;
};

/* Commands: 0, a negative Xen error, PVREF_AGAIN. */
int64_t pvref_query_capabilities(struct pvref_request *q);
int64_t pvref_init(struct pvref_request *q);
int64_t pvref_alloc_context(struct pvref_request *q);
int64_t pvref_free_context(struct pvref_request *q);
int64_t pvref_reattach_device(struct pvref_request *q);
int64_t pvref_map_pages(struct pvref_request *q);
int64_t pvref_unmap_pages(struct pvref_request *q);
int64_t pvref_lookup_page(struct pvref_request *q);
int64_t pvref_flush_pages(struct pvref_request *q);
int64_t pvref_alloc_nested(struct pvref_request *q);
int64_t pvref_flush_nested(struct pvref_request *q);
int64_t pvref_attach_pasid(struct pvref_request *q);
int64_t pvref_detach_pasid(struct pvref_request *q);
/* The command that a request names. */
int64_t pvref_execute(struct pvref_request *q);

/* ---- layouts: tagged.c (T), structures.c (H, I, F) ---- */

/* One pass of a call; *again: it was interrupted. */
int64_t pvref_tagged_call(struct pvref_request *q, uint64_t arg1);
int64_t pvref_structure_call(struct pvref_request *q, uint64_t arg1, uint64_t arg2);
/* One pass of hypercall 43, for pvref_hypercall() and the page. */
int64_t pvref_pass(struct pvref *r, uint16_t domid, uint64_t arg1, uint64_t arg2);

/* ---- domains and contexts ---- */

struct pvref_domain *pvref_domain_of(const struct pvref *r, uint16_t domid);
/* Everything of a domain goes, whoever it is. ERR_IO where the host does not let go of some of it. */
enum status pvref_domain_end(struct pvref_domain *d);
/* NULL: no such context. */
struct pvref_context *pvref_context(const struct pvref_domain *d, uint32_t ctx_no);
/* The range of the domain's memory that a frame is in, NULL: a hole. */
const struct pvref_memory *pvref_memory_at(const struct pvref_domain *d, uint64_t gfn);
/* A function of the domain by the address that its calls use, NULL: not its. */
struct pvref_dev *pvref_dev_of(struct pvref_domain *d, struct pci_addr addr);
/* Room for contexts up to a number; context 0 made. */
enum status must_use pvref_contexts_create(struct pvref_domain *d, uint32_t max_ctx_no);
/* Grows what pvref_contexts_create() has made. */
enum status must_use pvref_contexts_grow(struct pvref_domain *d, uint32_t max_ctx_no);
/* Every context freed; no function is in one. */
enum status pvref_contexts_destroy(struct pvref_domain *d);
/* The lowest number that no context has, 0: there is none. */
uint16_t pvref_free_number(const struct pvref_domain *d);
/* A new context of the domain, not yet numbered; its memory comes out of the arena where counted. */
enum status must_use pvref_context_make(struct pvref_domain *d, bool counted, struct pvref_context **out);
/* Nothing of it is left; where the host refuses, all of it is. */
enum status must_use pvref_context_unmake(struct pvref_domain *d, bool counted, struct pvref_context *c);
/* The same for one that was just made, and that the host must let go of. */
void pvref_context_drop(struct pvref_domain *d, bool counted, struct pvref_context *c);
/* All own RAM and MMIO mapped 1:1. */
enum status must_use pvref_context_fill(struct pvref_domain *d, struct pvref_context *c);
/* Of a range, how many pages an identity holds: own ones, as far as devices reach. */
uint64_t pvref_identity_pages(const struct pvref_domain *d, const struct pvref_memory *m);
/* The same for one range. */
enum status must_use pvref_fill_range(struct pvref_domain *d, struct pvref_context *c, const struct pvref_memory *m);
/* A nested context is freed: the last one takes the second stage with it. */
void pvref_nested_gone(struct pvref_domain *d);
enum status pvref_below_drop(struct pvref_domain *d);
/* Memory that came later enters the second stage of nested contexts. */
enum status must_use pvref_below_fill(struct pvref_domain *d, const struct pvref_memory *m);
/* The function moves to another context of its domain, with its reserved memory. A negative Xen error: it stays. */
int64_t pvref_move(struct pvref_domain *d, struct pvref_dev *dev, uint16_t ctx_no);
/* It enters context ctx_no from outside, or leaves for outside. */
int64_t pvref_enter(struct pvref_domain *d, struct pvref_dev *dev, uint16_t ctx_no);
enum status pvref_leave(struct pvref_domain *d, struct pvref_dev *dev);
int64_t pvref_pasid_drop(struct pvref_domain *d, struct pvref_pasid *p);
/* Pages of reserved memory of the functions in a context from dfn on: how many are free of it (0: dfn is reserved). */
uint64_t pvref_unreserved(const struct pvref_domain *d, uint16_t ctx_no, uint64_t dfn, uint64_t pages);
/* A host's answer as a Xen error, 0 for OK. */
int64_t pvref_error(enum status s);

/* ---- extents.c: what a context maps ---- */

/* The extent that holds dfn, NULL; *gap: pages up to the next one, from dfn on. */
struct pvref_extent *pvref_extent_at(const struct pvref_context *c, uint64_t dfn, uint64_t *gap);
/* Room for one more in any case. ERR_NO_MEMORY. */
enum status must_use pvref_extents_reserve(struct pvref_context *c);
/* Adds what overlaps nothing; there is room. */
void pvref_extent_add(struct pvref_context *c, struct pvref_extent e);
/* Takes away pages of one extent; there is room for what a split leaves. */
void pvref_extent_remove(struct pvref_context *c, uint64_t dfn, uint64_t pages);
void pvref_extents_free(struct pvref_context *c);

/* ---- arena: memory that the host takes for a domain's contexts ---- */

/* Around calls of the host: what they took counts. False: more than the domain may have. */
size_t pvref_arena_begin(void);
bool pvref_arena_end(struct pvref_domain *d, bool counted, size_t begun);

#endif
