/*
 * Functions and their PASIDs in contexts, and the reserved memory that comes along 1:1.
 */
#include "xen/reference/internal.h"

static bool same(struct pci_addr a, struct pci_addr b)
{
	return a.segment == b.segment && a.sid == b.sid;
}

struct pvref_dev *pvref_dev_of(struct pvref_domain *d, struct pci_addr addr)
{
	for (unsigned i = 0; d->r->rules->virtual_devices && !d->hardware && i != d->devices_n; i++)
		if (d->devices[i].at.has_virtual && same(d->devices[i].at.virtual_, addr))
			return &d->devices[i];
	for (unsigned i = 0; i != d->devices_n; i++)
		if (same(d->devices[i].at.addr, addr))
			return &d->devices[i];
	return NULL;
}

/* ---- reserved memory ---- */

/* Page number n of a function's reserved memory, all its ranges in a row. False: there are not so many. */
static bool reserved_page(const struct pvref *r, struct pci_addr addr, uint64_t n, uint64_t *dfn)
{
	for (unsigned i = 0; i != r->reserved_n; i++) {
		if (!same(r->reserved[i].addr, addr))
			continue;
		*dfn = r->reserved[i].base.v / PAGE_BYTES + n;
		if (n < r->reserved[i].pages)
			return true;
		n -= r->reserved[i].pages;
	}
	return false;
}

/*
 * Pages from dfn on that are in no reserved memory of the functions of a context, but for one function. Any function
 * of the domain may come back to context 0: asked for all of them, theirs is reserved there at all times.
 */
static uint64_t unreserved(const struct pvref_domain *d, uint16_t ctx_no, const struct pvref_dev *but, uint64_t dfn,
			   uint64_t pages)
{
	const struct pvref *r = d->r;
	bool all = ctx_no == PVIO_DEFAULT_CONTEXT && !but;

	for (unsigned i = 0; i != d->devices_n; i++) {
		const struct pvref_dev *dev = &d->devices[i];

		for (unsigned k = 0; dev != but && (all || dev->ctx_no == ctx_no) && k != r->reserved_n; k++) {
			uint64_t first = r->reserved[k].base.v / PAGE_BYTES, end = first + r->reserved[k].pages;

			if (same(r->reserved[k].addr, dev->at.addr) && dfn < end)
				pages = min_u64(pages, first - min_u64(dfn, first));
		}
	}
	return pages;
}

uint64_t pvref_unreserved(const struct pvref_domain *d, uint16_t ctx_no, uint64_t dfn, uint64_t pages)
{
	return unreserved(d, ctx_no, NULL, dfn, pages);
}

/* Whether a page of a context is 1:1 already by what is mapped there; *other: it leads elsewhere. */
static bool one_to_one(const struct pvref_domain *d, const struct pvref_context *c, uint64_t dfn, bool *other)
{
	uint64_t gap;
	const struct pvref_extent *e = pvref_extent_at(c, dfn, &gap);
	pa_t pa = PA(0);
	bool is = e && pvref_translate(d->r, d->domid, e->gfn + (dfn - e->dfn), &pa) == OK &&
		  pa.v == dfn * PAGE_BYTES && e->perm == PERM_RW;

	*other = e && !is;
	return is;
}

/* The first n pages of a function's reserved memory leave a context, but for what others or the identity hold there. */
static void let_go(struct pvref_domain *d, const struct pvref_dev *dev, uint16_t ctx_no, uint64_t n)
{
	struct pvref_context *c = d->contexts[ctx_no];
	const struct iommu_ops *ops = d->r->host->ops;
	size_t begun = pvref_arena_begin();
	uint64_t dfn, gone;
	bool other;

	for (uint64_t i = 0; i < n && reserved_page(d->r, dev->at.addr, i, &dfn); i++) {
		iova_t iova = IOVA(dfn * PAGE_BYTES);

		if (!unreserved(d, ctx_no, dev, dfn, 1) || one_to_one(d, c, dfn, &other))
			continue;
		if (ops->unmap(c->host, iova, PAGE_BYTES, &gone) != OK || ops->flush(c->host, iova, PAGE_BYTES) != OK)
			d->r->lost = "reserved memory stays in a context";
	}
	pvref_arena_end(d, ctx_no != PVIO_DEFAULT_CONTEXT, begun);
}

/* All of it enters a context. -EINVAL: a page of it is mapped elsewhere there. */
static int64_t hold(struct pvref_domain *d, const struct pvref_dev *dev, uint16_t ctx_no)
{
	struct pvref_context *c = d->contexts[ctx_no];
	const struct iommu_ops *ops = d->r->host->ops;
	uint64_t dfn;
	bool other = false;

	for (uint64_t i = 0; reserved_page(d->r, dev->at.addr, i, &dfn); i++) {
		size_t begun = pvref_arena_begin();
		bool fits, done = !unreserved(d, ctx_no, dev, dfn, 1) || one_to_one(d, c, dfn, &other);
		enum status s = done ? OK : other ? ERR_INVALID :
				ops->map(c->host, IOVA(dfn * PAGE_BYTES), PA(dfn * PAGE_BYTES), PAGE_BYTES, PERM_RW, 0);

		fits = pvref_arena_end(d, ctx_no != PVIO_DEFAULT_CONTEXT, begun);
		if (s == OK && fits)
			continue;
		let_go(d, dev, ctx_no, i + (s == OK));
		return s == OK ? -(int64_t)XEN_ENOMEM : pvref_error(s);
	}
	return 0;
}

/* ---- functions ---- */

static struct requester requester_of(const struct pvref_dev *dev)
{
	return (struct requester){ .addr = dev->at.addr };
}

int64_t pvref_enter(struct pvref_domain *d, struct pvref_dev *dev, uint16_t ctx_no)
{
	struct pvref_context *c = d->contexts[ctx_no];
	int64_t r = hold(d, dev, ctx_no);
	enum status s;

	if (r)
		return r;
	s = d->r->host->ops->attach(c->host, requester_of(dev));
	if (s != OK) {
		let_go(d, dev, ctx_no, UINT64_MAX);
		return pvref_error(s);
	}
	dev->ctx_no = ctx_no;
	c->devices_n++;
	return 0;
}

enum status pvref_leave(struct pvref_domain *d, struct pvref_dev *dev)
{
	struct pvref_context *c = d->contexts[dev->ctx_no];
	enum status s = d->r->host->ops->detach(c->host, requester_of(dev));

	if (s != OK)
		return s;
	let_go(d, dev, dev->ctx_no, UINT64_MAX);
	c->devices_n--;
	return OK;
}

int64_t pvref_move(struct pvref_domain *d, struct pvref_dev *dev, uint16_t ctx_no)
{
	struct pvref_context *from = d->contexts[dev->ctx_no], *to = d->contexts[ctx_no];
	const struct iommu_ops *ops = d->r->host->ops;
	uint16_t from_no = dev->ctx_no;
	int64_t r = hold(d, dev, ctx_no);
	enum status s;

	if (r)
		return r;
	s = ops->detach(from->host, requester_of(dev));
	if (s == OK) {
		s = ops->attach(to->host, requester_of(dev));
		if (s != OK && ops->attach(from->host, requester_of(dev)) != OK)
			d->r->lost = "a function is in no context any more";
	}
	if (s != OK) {
		let_go(d, dev, ctx_no, UINT64_MAX);
		return pvref_error(s);
	}
	dev->ctx_no = ctx_no;
	from->devices_n--;
	to->devices_n++;
	let_go(d, dev, from_no, UINT64_MAX);
	return 0;
}

/*
 * reattach_device: the function's requests go through another context from now on, its reserved memory with them; into
 * the one where it is: nothing happens. -ENODEV: it is not the caller's; -ENOENT: no such context; -EINVAL: one that is
 * about to be freed, or that maps reserved memory elsewhere. It stays where it was then.
 */
int64_t pvref_reattach_device(struct pvref_request *q)
{
	struct pvref_dev *dev = pvref_dev_of(q->d, q->dev);
	struct pvref_context *c = pvref_context(q->d, q->ctx_no);

	if (!dev)
		return -(int64_t)q->r->rules->no_device;
	if (q->r->rules->strict && q->pasid)
		return -(int64_t)XEN_EOPNOTSUPP; /* attach_pasid is for that */
	if (!c)
		return -(int64_t)XEN_ENOENT;
	if (c->dying)
		return -(int64_t)XEN_EINVAL;
	return dev->ctx_no == q->ctx_no ? 0 : pvref_move(q->d, dev, q->ctx_no);
}

/* ---- PASIDs ---- */

static struct pvref_pasid *pasid_find(struct pvref_domain *d, struct pci_addr addr, uint32_t pasid)
{
	for (unsigned i = 0; i != d->pasids_n; i++)
		if (same(d->pasids[i].addr, addr) && d->pasids[i].pasid == pasid)
			return &d->pasids[i];
	return NULL;
}

/*
 * attach_pasid: requests of the function with that PASID go through a context of their own. -EINVAL: PASID 0, or more
 * than max_pasid; -ENOENT: the function is not the caller's, or no such context; -EEXIST: attached already, anywhere.
 */
int64_t pvref_attach_pasid(struct pvref_request *q)
{
	struct pvref_dev *dev = pvref_dev_of(q->d, q->dev);
	struct pvref_context *c = pvref_context(q->d, q->ctx_no);
	struct requester r = { .has_pasid = true, .pasid = q->pasid };
	enum status s;

	if (!q->pasid || q->pasid > q->r->max_pasid)
		return -(int64_t)XEN_EINVAL;
	if (!dev || !c)
		return -(int64_t)XEN_ENOENT;
	if (c->dying)
		return -(int64_t)XEN_EINVAL;
	if (pasid_find(q->d, dev->at.addr, q->pasid))
		return -(int64_t)XEN_EEXIST;
	if (q->d->pasids_n == PVREF_PASIDS_MAX)
		return -(int64_t)XEN_ENOSPC;
	r.addr = dev->at.addr;
	s = q->r->host->ops->attach(c->host, r);
	if (s != OK)
		return pvref_error(s);
	q->d->pasids[q->d->pasids_n++] = (struct pvref_pasid){ dev->at.addr, q->pasid, q->ctx_no };
	c->pasids_n++;
	return 0;
}

int64_t pvref_pasid_drop(struct pvref_domain *d, struct pvref_pasid *p)
{
	struct pvref_context *c = d->contexts[p->ctx_no];
	struct requester r = { .addr = p->addr, .has_pasid = true, .pasid = p->pasid };
	enum status s = d->r->host->ops->detach(c->host, r);

	if (s != OK)
		return pvref_error(s);
	c->pasids_n--;
	*p = d->pasids[--d->pasids_n];
	return 0;
}

/* detach_pasid: such requests are refused again. -EINVAL: PASID 0; -ENOENT: not attached, or not the caller's. */
int64_t pvref_detach_pasid(struct pvref_request *q)
{
	struct pvref_dev *dev = pvref_dev_of(q->d, q->dev);
	struct pvref_pasid *p = dev ? pasid_find(q->d, dev->at.addr, q->pasid) : NULL;

	if (!q->pasid)
		return -(int64_t)XEN_EINVAL;
	return p ? pvref_pasid_drop(q->d, p) : -(int64_t)XEN_ENOENT;
}
