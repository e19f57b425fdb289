/*
 * PV-IOMMU as struct iommu_ops: a domain is a context and a shadow of what was mapped there, in the page-table engine's
 * own format. A function that is attached nowhere is in an empty context, since context 0 may be the identity.
 */
#include "drivers-iommu/domain.h"
#include "drivers-iommu/pgtable/pgtable.h"
#include "drivers-iommu/pviommu/pviommu.h"

#define ATTACHMENTS_MAX 256u
#define DEVS_MAX        64u
#define INIT_CONTEXTS   128u /* as much as every user so far asks for */
#define INIT_ORDER      12u
#define PAGES_A_CALL    0x100000u /* where the revision knows no limit */
#define PIECE_BITS_MAX  31u  /* pgsize is a 32-bit number */
#define INPUT_BITS_MAX  57u  /* what the shadow can hold */

struct pvio_domain {
	struct domain base;
	struct pvio_domain *next;
	uint16_t ctx_no;
	unsigned attached_n;
	struct pgt shadow;         /* DOMAIN_PAGED */
};

struct pvio_iommu {
	struct iommu io;
	struct pvio *p;
	struct attachments attached;
	struct pvio_domain *domains;
	struct pgt_config shadow;
	uint16_t empty;            /* the context of who is attached nowhere */
	bool empty_is, deferred;   /* there is one; F: maps are flushed by flush() */
	struct pci_addr devs[DEVS_MAX];
	unsigned devs_n;           /* moved into it at the start */
};

static struct pvio_iommu *of(struct iommu *io)
{
	return (struct pvio_iommu *)io; /* its first member */
}

static struct pvio_domain *domain_of(struct domain *d)
{
	return (struct pvio_domain *)d; /* its first member */
}

struct pvio *pvio_of(struct iommu *io)
{
	return of(io)->p;
}

static enum status status_of(int64_t r)
{
	switch (-r) {
	case 0: return OK;
	case XEN_ENOMEM: return ERR_NO_MEMORY;
	case XEN_ENOSPC: return ERR_FULL;
	case XEN_ENOENT:
	case XEN_ENODEV: return ERR_NOT_FOUND;
	case XEN_EEXIST:
	case XEN_EADDRINUSE:
	case XEN_EADDRNOTAVAIL: return ERR_EXISTS;
	case XEN_EBUSY: return ERR_BUSY;
	case XEN_EINVAL: return ERR_INVALID;
	case XEN_EOPNOTSUPP: return ERR_UNSUPPORTED;
	case XEN_EPERM: return ERR_DENIED;
	}
	return r == PVIO_NO_COMMAND ? ERR_UNSUPPORTED : ERR_IO;
}

/* ---- domains ---- */

static enum status op_domain_create(struct iommu *io, enum domain_kind kind, struct domain **out)
{
	struct pvio_iommu *v = of(io);
	struct pvio_domain *d;
	enum status s = OK;

	if (kind == DOMAIN_PASSTHROUGH && !(io->caps.flags & IOMMU_HAS_PASSTHROUGH))
		return ERR_UNSUPPORTED;
	d = object_alloc(sizeof(*d));
	if (!d)
		return ERR_NO_MEMORY;
	d->base = (struct domain){ .iommu = io, .kind = kind };
	if (kind == DOMAIN_PAGED)
		s = pgt_create(&d->shadow, &v->shadow);
	if (s != OK)
		goto no_shadow;
	if (kind == DOMAIN_PAGED)
		s = status_of(pvio_alloc_context(v->p, 0, &d->ctx_no));
	if (s != OK)
		goto no_context;
	d->next = v->domains;
	v->domains = d;
	*out = &d->base;
	return OK;
no_context:
	pgt_destroy(&d->shadow);
no_shadow:
	object_free(d, sizeof(*d));
	return s;
}

static enum status op_domain_destroy(struct domain *base)
{
	struct pvio_iommu *v = of(base->iommu);
	struct pvio_domain *d = domain_of(base), **link = &v->domains;
	enum status s = OK;

	if (d->attached_n)
		return ERR_BUSY;
	if (base->kind == DOMAIN_PAGED)
		s = status_of(pvio_free_context(v->p, d->ctx_no, 0));
	if (s != OK)
		return s;
	if (base->kind == DOMAIN_PAGED)
		pgt_destroy(&d->shadow);
	while (*link != d)
		link = &(*link)->next;
	*link = d->next;
	object_free(d, sizeof(*d));
	return OK;
}

/* ---- requesters ---- */

static enum status op_attach(struct domain *base, struct requester r)
{
	struct pvio_iommu *v = of(base->iommu);
	struct pvio_domain *d = domain_of(base);
	enum status s;

	if (attachments_find(&v->attached, &r))
		return ERR_EXISTS;
	if (v->attached.n == v->attached.max)
		return ERR_FULL;
	if (r.has_pasid && !(base->iommu->caps.flags & IOMMU_HAS_PASID))
		return ERR_UNSUPPORTED;
	s = status_of(r.has_pasid ? pvio_attach_pasid(v->p, d->ctx_no, r.addr, r.pasid) :
				    pvio_reattach_device(v->p, d->ctx_no, r.addr, 0));
	if (s == OK)
		s = attachments_add(&v->attached, r, base);
	if (s == OK)
		d->attached_n++;
	return s;
}

static enum status op_detach(struct domain *base, struct requester r)
{
	struct pvio_iommu *v = of(base->iommu);
	struct attachment *at = attachments_find(&v->attached, &r);
	enum status s;

	if (!at || at->domain != base)
		return ERR_NOT_FOUND;
	s = status_of(r.has_pasid ? pvio_detach_pasid(v->p, r.addr, r.pasid) :
				    pvio_reattach_device(v->p, v->empty, r.addr, 0));
	if (s != OK)
		return s;
	attachments_remove(&v->attached, at);
	domain_of(base)->attached_n--;
	return OK;
}

/* ---- mappings ---- */

/* Pages of one size in a row, as many as one call may carry. *bits: the largest size that fits at the start. */
static uint32_t piece(const struct pvio_iommu *v, uint64_t iova, uint64_t pa, uint64_t bytes, unsigned max_bits,
		      unsigned *bits)
{
	uint64_t most = v->p->caps.max_nr_pages ? v->p->caps.max_nr_pages : PAGES_A_CALL, n;

	for (*bits = max_bits; *bits > 12; --*bits)
		if ((v->shadow.page_sizes & BIT(*bits)) && is_aligned(iova | pa, pow2(*bits)) && bytes >= pow2(*bits))
			break;
	n = min_u64(bytes / pow2(*bits), most);
	/* Small pages up to where large ones begin to fit. */
	for (unsigned larger = *bits + 1; larger <= max_bits; larger++)
		if ((v->shadow.page_sizes & BIT(larger)) && is_aligned(iova ^ pa, pow2(larger)) && iova % pow2(larger))
			n = min_u64(n, (pow2(larger) - iova % pow2(larger)) / pow2(*bits));
	return (uint32_t)max_u64(n, 1);
}

/* Unmaps what is mapped in a range; *done counts bytes. */
static enum status drop(struct pvio_iommu *v, struct pvio_domain *d, uint64_t iova, uint64_t bytes, uint64_t *done)
{
	struct pvio_range r = { .ctx_no = d->ctx_no, .pgsize = PAGE_BYTES };
	uint64_t most = v->p->caps.max_nr_pages ? v->p->caps.max_nr_pages : PAGES_A_CALL;
	enum status s = OK;

	*done = 0;
	while (*done < bytes && s == OK) {
		uint32_t n;

		r.dfn = (iova + *done) / PAGE_BYTES;
		r.nr_pages = (uint32_t)min_u64((bytes - *done) / PAGE_BYTES, most);
		s = status_of(pvio_unmap_pages(v->p, &r, &n));
		*done += (uint64_t)n * PAGE_BYTES;
	}
	return s;
}

static enum status fill(struct pvio_iommu *v, struct pvio_domain *d, uint64_t iova, uint64_t pa, uint64_t bytes,
			unsigned perm, unsigned max_bits, uint64_t *done)
{
	struct pvio_range r = { .ctx_no = d->ctx_no };
	enum status s = OK;

	r.flags = (perm & PERM_R ? PVIO_MAP_READABLE : 0u) | (perm & PERM_W ? PVIO_MAP_WRITEABLE : 0u) |
		  (v->deferred ? PVIO_MAP_NO_FLUSH : 0u);
	*done = 0;
	while (*done < bytes && s == OK) {
		unsigned bits;
		uint32_t n;

		r.nr_pages = piece(v, iova + *done, pa + *done, bytes - *done, max_bits, &bits);
		r.gfn = (pa + *done) / PAGE_BYTES;
		r.dfn = (iova + *done) / PAGE_BYTES;
		r.pgsize = (uint32_t)pow2(bits);
		s = status_of(pvio_map_pages(v->p, &r, &n));
		*done += (uint64_t)n * pow2(bits);
	}
	return s;
}

static enum status op_map(struct domain *base, iova_t iova, pa_t pa, uint64_t bytes, unsigned perm,
			  unsigned max_page_bits)
{
	struct pvio_iommu *v = of(base->iommu);
	struct pvio_domain *d = domain_of(base);
	uint64_t done, undone;
	enum status s;

	if (base->kind != DOMAIN_PAGED)
		return ERR_UNSUPPORTED;
	/* The shadow first: it refuses what is not in order, and changes all or nothing. */
	s = pgt_map(&d->shadow, iova, pa, bytes, perm, max_page_bits);
	if (s != OK)
		return s;
	if (!max_page_bits || max_page_bits > PIECE_BITS_MAX)
		max_page_bits = PIECE_BITS_MAX;
	s = fill(v, d, iova.v, pa.v, bytes, perm, max_page_bits, &done);
	if (s == OK)
		return OK;
	if (drop(v, d, iova.v, done, &undone) != OK || pgt_unmap(&d->shadow, iova, bytes, &undone) != OK)
		log_line("pviommu: what a map that failed has left cannot be taken back");
	return s;
}

static enum status op_unmap(struct domain *base, iova_t iova, uint64_t bytes, uint64_t *unmapped)
{
	struct pvio_iommu *v = of(base->iommu);
	struct pvio_domain *d = domain_of(base);
	uint64_t at = 0, n, shadow_n;
	enum status s = OK;

	*unmapped = 0;
	if (base->kind != DOMAIN_PAGED)
		return ERR_UNSUPPORTED;
	if (!bytes || !is_aligned(iova.v | bytes, PAGE_BYTES) || iova.v >= pow2(v->shadow.input_bits) ||
	    bytes > pow2(v->shadow.input_bits) - iova.v)
		return ERR_INVALID;
	while (at < bytes && s == OK) {
		uint64_t run = 0;
		unsigned perm, bits;
		pa_t pa;

		while (at + run < bytes && pgt_lookup(&d->shadow, iova_add(iova, at + run), &pa, &perm, &bits) == OK)
			run += pow2(bits) - (iova.v + at + run) % pow2(bits);
		if (!run) {
			at += PAGE_BYTES;
			continue;
		}
		run = min_u64(run, bytes - at);
		s = drop(v, d, iova.v + at, run, &n);
		if (n && pgt_unmap(&d->shadow, iova_add(iova, at), n, &shadow_n) != OK)
			return ERR_NO_MEMORY;
		*unmapped += n;
		at += run;
	}
	return s;
}

/* T and H are asked; permissions, and the others' answers, come from the shadow. */
static enum status op_lookup(struct domain *base, iova_t iova, pa_t *pa, unsigned *perm)
{
	struct pvio_iommu *v = of(base->iommu);
	struct pvio_domain *d = domain_of(base);
	uint64_t gfn = 0;
	enum status s;

	*pa = PA(iova.v);
	*perm = PERM_RW;
	if (base->kind != DOMAIN_PAGED)
		return OK;
	s = pgt_lookup(&d->shadow, iova, pa, perm, NULL);
	if (pvio_number(v->p->revision, PVIO_LOOKUP_PAGE) < 0 || iova.v >= pow2(v->shadow.input_bits))
		return s;
	if (status_of(pvio_lookup_page(v->p, d->ctx_no, iova.v / PAGE_BYTES, &gfn)) != s)
		return ERR_IO;
	return s == OK && gfn != pa->v / PAGE_BYTES ? ERR_IO : s;
}

static enum status op_flush(struct domain *base, iova_t iova, uint64_t bytes)
{
	struct pvio_iommu *v = of(base->iommu);
	struct pvio_domain *d = domain_of(base);
	uint64_t limit = pow2(v->shadow.input_bits);
	enum status s = OK;

	if (base->kind != DOMAIN_PAGED)
		return OK;
	if (!bytes || !is_aligned(iova.v | bytes, PAGE_BYTES) || iova.v >= limit || bytes > limit - iova.v)
		return ERR_INVALID;
	for (uint64_t at = 0; v->deferred && at < bytes && s == OK; at += (uint64_t)UINT32_MAX * PAGE_BYTES) {
		struct pvio_range r = { .ctx_no = d->ctx_no, .dfn = (iova.v + at) / PAGE_BYTES };

		r.nr_pages = (uint32_t)min_u64((bytes - at) / PAGE_BYTES, UINT32_MAX);
		s = status_of(pvio_flush_pages(v->p, &r));
	}
	pgt_prune(&d->shadow, iova, bytes);
	pgt_reclaim(&d->shadow);
	return s;
}

static enum status op_fault_pop(struct iommu *io, struct iommu_fault *out)
{
	(void)io;
	(void)out;
	return ERR_NOT_FOUND; /* no revision tells of faults */
}

static const struct iommu_ops ops = {
	.domain_create = op_domain_create,
	.domain_destroy = op_domain_destroy,
	.attach = op_attach,
	.detach = op_detach,
	.map = op_map,
	.unmap = op_unmap,
	.lookup = op_lookup,
	.flush = op_flush,
	.fault_pop = op_fault_pop,
};

/* ---- created and destroyed ---- */

/* The widest whole number of bits that max_iova_addr covers. */
static unsigned input_bits(uint64_t max_iova_addr)
{
	unsigned bits = 12;

	while (bits < INPUT_BITS_MAX && max_iova_addr >= pow2(bits + 1) - 1)
		bits++;
	return bits;
}

static struct pgt_config shadow_of(const struct pvio *p)
{
	unsigned bits = input_bits(p->caps.max_iova_addr);

	return (struct pgt_config){
		.format = &pgt_vtd_ss,
		.levels = bits <= 39 ? 3 : bits <= 48 ? 4 : 5,
		.input_bits = bits,
		.pa_bits = 52,
		.page_sizes = BIT(12) | (p->caps.pgsize_mask & BIT(21)) | (p->caps.pgsize_mask & BIT(30)),
		.snooped = true,
	};
}

/* Whether a page can be mapped for writing alone: only trying tells. */
static bool write_only(struct pvio_iommu *v)
{
	struct pvio_range r = { .ctx_no = v->empty, .flags = PVIO_MAP_WRITEABLE, .nr_pages = 1 };
	uint32_t n, undone;
	bool can;
	pa_t pa;

	if (mem_alloc(PAGE_BYTES, PAGE_BYTES, &pa) != OK)
		return false;
	r.gfn = pa.v / PAGE_BYTES;
	can = pvio_map_pages(v->p, &r, &n) == 0;
	if (n)
		can = pvio_unmap_pages(v->p, &r, &undone) == 0 && can;
	mem_free(pa, PAGE_BYTES);
	return can;
}

static struct iommu_caps caps_of(const struct pvio_iommu *v)
{
	const struct pvio_caps *c = &v->p->caps;
	uint32_t flags = IOMMU_OWN_MEMORY_ONLY | (v->deferred ? IOMMU_CACHES_ABSENT : 0u);

	flags |= c->flags & PVIO_CAP_PASID ? IOMMU_HAS_PASID : 0u;
	flags |= c->flags & PVIO_CAP_DEFAULT_IDENTITY ? IOMMU_HAS_PASSTHROUGH : 0u;
	return (struct iommu_caps){
		.flags = flags,
		.input_bits = v->shadow.input_bits,
		.page_sizes = v->shadow.page_sizes,
		.domains_max = c->max_ctx_no - 1u, /* one is the empty context */
	};
}

/* I and F: contexts exist from init on. */
static enum status init_once(struct pvio *p)
{
	int64_t r;

	if (pvio_number(p->revision, PVIO_INIT) < 0 || p->caps.max_ctx_no)
		return OK;
	r = pvio_init(p, INIT_CONTEXTS, INIT_ORDER);
	return r ? status_of(r) : status_of(pvio_query_capabilities(p));
}

static enum status bring_up(struct pvio_iommu *v, const struct pci_addr *devs, unsigned devs_n)
{
	enum status s = init_once(v->p);

	if (s == OK && !v->p->caps.max_ctx_no)
		s = ERR_FULL;
	if (s == OK)
		s = attachments_create(&v->attached, ATTACHMENTS_MAX);
	if (s != OK)
		return s;
	v->shadow = shadow_of(v->p);
	v->deferred = v->p->revision == PVIO_F && (v->p->caps.flags & PVIO_CAP_DEFERRED_FLUSH);
	v->io.caps = caps_of(v);
	s = status_of(pvio_alloc_context(v->p, 0, &v->empty));
	v->empty_is = s == OK;
	if (s == OK && write_only(v))
		v->io.caps.flags |= IOMMU_HAS_WRITE_ONLY;
	for (unsigned i = 0; i < devs_n && s == OK; i++) {
		s = status_of(pvio_reattach_device(v->p, v->empty, devs[i], 0));
		if (s == OK)
			v->devs[v->devs_n++] = devs[i];
	}
	return s;
}

enum status pvio_iommu_create(struct pvio *p, const struct pci_addr *devs, unsigned devs_n, struct iommu **out)
{
	static const char *const names[PVIO_REVISIONS] = {
		"pviommu", "pviommu-t", "pviommu-h", "pviommu-i", "pviommu-f",
	};
	struct pvio_iommu *v;
	enum status s;

	if (devs_n > DEVS_MAX)
		return ERR_FULL;
	v = object_alloc(sizeof(*v));
	if (!v)
		return ERR_NO_MEMORY;
	v->io = (struct iommu){ .ops = &ops, .name = names[p->revision] };
	v->p = p;
	s = bring_up(v, devs, devs_n);
	if (s != OK) {
		pvio_iommu_destroy(&v->io);
		return s;
	}
	*out = &v->io;
	return OK;
}

enum status pvio_iommu_destroy(struct iommu *io)
{
	struct pvio_iommu *v = of(io);
	enum status s = OK;

	for (unsigned i = v->attached.n; i-- && s == OK;)
		s = op_detach(v->attached.list[i].domain, v->attached.list[i].requester);
	while (s == OK && v->domains)
		s = op_domain_destroy(&v->domains->base);
	for (unsigned i = 0; i < v->devs_n && s == OK; i++)
		s = status_of(pvio_reattach_device(v->p, PVIO_DEFAULT_CONTEXT, v->devs[i], 0));
	if (s == OK && v->empty_is)
		s = status_of(pvio_free_context(v->p, v->empty, PVIO_FREE_REATTACH_DEFAULT));
	if (v->attached.list)
		attachments_destroy(&v->attached);
	object_free(v, sizeof(*v));
	return s == OK ? OK : ERR_IO;
}
