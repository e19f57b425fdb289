/*
 * One pass of hypercall 43: who may call, what is asked, and the progress of calls that were interrupted.
 */
#include "xen/reference/internal.h"

int64_t pvref_query_capabilities(struct pvref_request *q)
{
	const struct pvref *r = q->r;

	q->caps = (struct pvio_caps_out){
		.flags = r->caps | (q->d->default_blocking ? 0 : PVIO_CAP_DEFAULT_IDENTITY),
		.pgsize_mask = r->pgsize_mask,
		.max_pasid = r->caps & PVIO_CAP_PASID ? r->max_pasid : 0,
		.max_nr_pages = r->rules->pages_max,
		.max_ctx_no = (uint16_t)q->d->max_ctx_no, /* never more than 16 bits */
		.max_iova = r->max_iova,
	};
	return 0;
}

int64_t pvref_execute(struct pvref_request *q)
{
	switch (q->command) {
	case PVIO_NOOP: return 0;
	case PVIO_QUERY_CAPABILITIES: return pvref_query_capabilities(q);
	case PVIO_INIT: return pvref_init(q);
	case PVIO_ALLOC_CONTEXT: return pvref_alloc_context(q);
	case PVIO_FREE_CONTEXT: return pvref_free_context(q);
	case PVIO_REATTACH_DEVICE: return pvref_reattach_device(q);
	case PVIO_MAP_PAGES: return pvref_map_pages(q);
	case PVIO_UNMAP_PAGES: return pvref_unmap_pages(q);
	case PVIO_LOOKUP_PAGE: return pvref_lookup_page(q);
	case PVIO_ALLOC_NESTED: return pvref_alloc_nested(q);
	case PVIO_FLUSH_NESTED: return pvref_flush_nested(q);
	case PVIO_ATTACH_PASID: return pvref_attach_pasid(q);
	case PVIO_DETACH_PASID: return pvref_detach_pasid(q);
	case PVIO_FLUSH_PAGES: return pvref_flush_pages(q);
	case PVIO_REMOTE_CMD:
	case PVIO_COMMANDS: break;
	}
	return -(int64_t)q->r->rules->unknown;
}

int64_t pvref_pass(struct pvref *r, uint16_t domid, uint64_t arg1, uint64_t arg2)
{
	struct pvref_domain *d = pvref_domain_of(r, domid);
	struct pvref_request q = { .r = r, .caller = d, .d = d };
	int64_t result;

	ASSERT(d);
	r->calls++;
	if (r->pending.is && r->pending.domid == domid && r->pending.arg1 == arg1 && r->pending.arg2 == arg2)
		q.done = r->pending.done;
	r->pending.is = false;
	result = r->rules->tagged ? pvref_tagged_call(&q, arg1) : pvref_structure_call(&q, arg1, arg2);
	if (result != PVREF_AGAIN)
		return result;
	r->restarts++;
	if (!r->rules->moves_on) {
		r->pending.is = true;
		r->pending.domid = domid;
		r->pending.arg1 = arg1;
		r->pending.arg2 = arg2;
		r->pending.done = q.done;
	}
	return result;
}

int64_t pvref_hypercall(struct pvref *r, uint16_t domid, uint64_t arg1, uint64_t arg2)
{
	int64_t result;

	do { /* each pass does at least one page, of 2^32 at most */
		result = pvref_pass(r, domid, arg1, arg2);
	} while (result == PVREF_AGAIN);
	return result;
}
