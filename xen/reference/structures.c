/*
 * Revisions H, I and F: the command's number in the first argument, its structure in the second.
 *
 * A structure that takes an answer is written back before anything is done, so that a command that cannot answer has no
 * effect.
 */
#include "kernel/linear.h"
#include "xen/reference/internal.h"

static const int64_t fault = -(int64_t)XEN_EFAULT;

/* A structure that takes an answer. */
static bool in_out(const struct pvref_request *q, void *s, size_t bytes)
{
	return linear_read(s, q->arg, bytes) && linear_write(q->arg, s, bytes);
}

static bool out(const struct pvref_request *q, const void *s, size_t bytes)
{
	return linear_write(q->arg, s, bytes);
}

static struct pci_addr addr_of(struct pvio_dev dev)
{
	return (struct pci_addr){ dev.seg, (uint16_t)(FLD(SID_BUS, dev.bus) | FLD(SID_DEVFN, dev.devfn)) };
}

static int64_t serve_query(struct pvref_request *q)
{
	struct pvio_capabilities c;

	pvref_execute(q);
	c = (struct pvio_capabilities){
		.max_iova_addr = q->caps.max_iova,
		.cap_flags = q->caps.flags,
		.pgsize_mask = q->caps.pgsize_mask,
		.max_pasid = q->caps.max_pasid,
		.max_ctx_no = q->caps.max_ctx_no,
	};
	return out(q, &c, sizeof(c)) ? 0 : fault;
}

static int64_t serve_init(struct pvref_request *q)
{
	struct pvio_init i;

	if (!linear_read(&i, q->arg, sizeof(i)))
		return fault;
	q->max_ctx_no = i.max_ctx_no;
	q->arena_order = i.arena_order;
	return pvref_execute(q);
}

static int64_t serve_alloc(struct pvref_request *q)
{
	struct pvio_alloc a;
	int64_t r;

	if (!in_out(q, &a, sizeof(a)))
		return fault;
	q->flags = a.alloc_flags;
	r = pvref_execute(q);
	if (r)
		return r;
	a.ctx_no = q->ctx_no;
	return out(q, &a, sizeof(a)) ? r : fault;
}

static int64_t serve_free(struct pvref_request *q)
{
	struct pvio_free f;

	if (!linear_read(&f, q->arg, sizeof(f)))
		return fault;
	q->ctx_no = f.ctx_no;
	q->flags = f.free_flags;
	return pvref_execute(q);
}

/* Pages done, as the structure tells them. */
static uint32_t told(const struct pvref_request *q, uint32_t before)
{
	return q->r->rules->counts_up ? before + q->done : q->done;
}

static int64_t serve_map(struct pvref_request *q)
{
	struct pvio_map m;
	int64_t r;

	if (!in_out(q, &m, sizeof(m)))
		return fault;
	q->ctx_no = m.ctx_no;
	q->gfn = m.gfn;
	q->dfn = m.dfn;
	q->flags = m.map_flags;
	q->pgsize = m.pgsize;
	q->nr = m.nr_pages;
	r = pvref_execute(q);
	if (r == PVREF_AGAIN && !q->r->rules->moves_on)
		return r;
	m.mapped = told(q, m.mapped);
	if (r == PVREF_AGAIN) { /* such revisions know pages of 4 KiB alone */
		m.gfn += q->done;
		m.dfn += q->done;
		m.nr_pages -= q->done;
	}
	return out(q, &m, sizeof(m)) ? r : fault;
}

static int64_t serve_unmap(struct pvref_request *q)
{
	struct pvio_unmap u;
	int64_t r;

	if (!in_out(q, &u, sizeof(u)))
		return fault;
	q->ctx_no = u.ctx_no;
	q->dfn = u.dfn;
	q->pgsize = u.pgsize;
	q->nr = u.nr_pages;
	r = pvref_execute(q);
	if (r == PVREF_AGAIN && !q->r->rules->moves_on)
		return r;
	u.unmapped = told(q, u.unmapped);
	if (r == PVREF_AGAIN) {
		u.dfn += q->done;
		u.nr_pages -= q->done;
	}
	return out(q, &u, sizeof(u)) ? r : fault;
}

static int64_t serve_lookup(struct pvref_request *q)
{
	struct pvio_lookup l;
	int64_t r;

	if (!in_out(q, &l, sizeof(l)))
		return fault;
	q->ctx_no = l.ctx_no;
	q->dfn = l.dfn;
	r = pvref_execute(q);
	if (r)
		return r;
	l.gfn = q->gfn;
	return out(q, &l, sizeof(l)) ? r : fault;
}

static int64_t serve_reattach(struct pvref_request *q)
{
	struct pvio_reattach a;

	if (!linear_read(&a, q->arg, sizeof(a)))
		return fault;
	q->ctx_no = a.ctx_no;
	q->dev = addr_of(a.dev);
	q->pasid = a.pasid;
	return pvref_execute(q);
}

static int64_t serve_flush(struct pvref_request *q)
{
	struct pvio_flush f;

	if (!linear_read(&f, q->arg, sizeof(f)))
		return fault;
	q->ctx_no = f.ctx_no;
	q->dfn = f.dfn;
	q->nr = f.nr_pages;
	return pvref_execute(q);
}

static int64_t serve_alloc_nested(struct pvref_request *q)
{
	struct pvio_alloc_nested a;
	int64_t r;

	if (!in_out(q, &a, sizeof(a)))
		return fault;
	q->gfn = a.pgtable_gfn;
	q->nested_flags = a.nested_flags;
	r = pvref_execute(q);
	if (r)
		return r;
	a.ctx_no = q->ctx_no;
	return out(q, &a, sizeof(a)) ? r : fault;
}

static int64_t serve_attach_pasid(struct pvref_request *q)
{
	struct pvio_attach_pasid a;

	if (!linear_read(&a, q->arg, sizeof(a)))
		return fault;
	q->ctx_no = a.ctx_no;
	q->dev = addr_of(a.dev);
	q->pasid = a.pasid;
	return pvref_execute(q);
}

static int64_t serve_detach_pasid(struct pvref_request *q)
{
	struct pvio_detach_pasid a;

	if (!linear_read(&a, q->arg, sizeof(a)))
		return fault;
	q->dev = addr_of(a.dev);
	q->pasid = a.pasid;
	return pvref_execute(q);
}

/* What a command needs, and how its structure is read. */
static const struct {
	uint32_t cap;
	int64_t (*serve)(struct pvref_request *q);
} services[PVIO_COMMANDS] = {
	[PVIO_NOOP] = { 0, pvref_execute },
	[PVIO_QUERY_CAPABILITIES] = { 0, serve_query },
	[PVIO_INIT] = { 0, serve_init },
	[PVIO_ALLOC_CONTEXT] = { 0, serve_alloc },
	[PVIO_FREE_CONTEXT] = { 0, serve_free },
	[PVIO_REATTACH_DEVICE] = { 0, serve_reattach },
	[PVIO_MAP_PAGES] = { 0, serve_map },
	[PVIO_UNMAP_PAGES] = { 0, serve_unmap },
	[PVIO_LOOKUP_PAGE] = { 0, serve_lookup },
	[PVIO_ALLOC_NESTED] = { PVIO_CAP_NESTED, serve_alloc_nested },
	[PVIO_FLUSH_NESTED] = { PVIO_CAP_NESTED, pvref_execute },
	[PVIO_ATTACH_PASID] = { PVIO_CAP_PASID, serve_attach_pasid },
	[PVIO_DETACH_PASID] = { PVIO_CAP_PASID, serve_detach_pasid },
	[PVIO_FLUSH_PAGES] = { PVIO_CAP_DEFERRED_FLUSH, serve_flush },
};

static bool command_of(struct pvref_request *q, uint32_t number)
{
	if (number >= q->r->rules->numbers_n)
		return false;
	q->command = (enum pvio_command)q->r->rules->numbers[number];
	return true;
}

/*
 * remote_cmd: the hardware domain has a command executed for another domain: with its memory, functions and contexts.
 * The inner structure lies in the caller's memory, and the inner result is returned. -EPERM: the caller is another
 * domain; -ENOENT: no such domain; -ENODEV: one without an IOMMU; -EINVAL: remote_cmd inside itself.
 */
static int64_t redirect(struct pvref_request *q)
{
	struct pvio_remote a;

	if (!q->caller->hardware)
		return -(int64_t)XEN_EPERM;
	if (!linear_read(&a, q->arg, sizeof(a)))
		return fault;
	if (!(q->r->rules->self && a.domid == XEN_DOMID_SELF))
		q->d = pvref_domain_of(q->r, a.domid);
	if (!q->d)
		return -(int64_t)XEN_ENOENT;
	if (q->d->no_iommu)
		return -(int64_t)XEN_ENODEV;
	if (!command_of(q, a.command))
		return -(int64_t)q->r->rules->unknown;
	if (q->command == PVIO_REMOTE_CMD)
		return -(int64_t)XEN_EINVAL;
	q->arg = a.arg;
	return 0;
}

int64_t pvref_structure_call(struct pvref_request *q, uint64_t arg1, uint64_t arg2)
{
	const struct pvref_rules *rules = q->r->rules;
	int64_t r = 0;

	if (q->d->no_iommu)
		return -(int64_t)rules->access;
	if (!command_of(q, (uint32_t)arg1)) /* bits 63:32 are not part of the number */
		return -(int64_t)rules->unknown;
	q->arg = arg2;
	if (q->command == PVIO_REMOTE_CMD)
		r = redirect(q);
	if (r)
		return r;
	if ((services[q->command].cap & ~q->r->caps))
		return -(int64_t)XEN_EOPNOTSUPP;
	return services[q->command].serve(q);
}
