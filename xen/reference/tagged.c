/*
 * Revision T: one structure of 32 bytes for every command, read whole and written back whole, also after an error.
 */
#include "kernel/linear.h"
#include "xen/reference/internal.h"

static struct pci_addr addr_of(struct pvio_dev dev)
{
	return (struct pci_addr){ dev.seg, (uint16_t)(FLD(SID_BUS, dev.bus) | FLD(SID_DEVFN, dev.devfn)) };
}

/* The request of an operation. */
static void decode(struct pvref_request *q, const struct pvio_t_op *op)
{
	q->ctx_no = op->ctx_no;
	q->flags = op->flags;
	switch (q->command) {
	case PVIO_REATTACH_DEVICE:
		q->dev = addr_of(op->reattach_device);
		break;
	case PVIO_MAP_PAGES:
		q->gfn = op->map_pages.gfn;
		q->dfn = op->map_pages.dfn;
		q->nr = op->map_pages.nr_pages;
		break;
	case PVIO_UNMAP_PAGES:
		q->dfn = op->unmap_pages.dfn;
		q->nr = op->unmap_pages.nr_pages;
		break;
	case PVIO_LOOKUP_PAGE:
		q->dfn = op->lookup_page.dfn;
		break;
	default:
		break;
	}
}

/* What the operation tells after it. Pages are told unless the request was refused for its size or context. */
static void encode(const struct pvref_request *q, struct pvio_t_op *op, int64_t r)
{
	switch (q->command) {
	case PVIO_QUERY_CAPABILITIES:
		op->cap.max_ctx_no = q->caps.max_ctx_no;
		op->cap.max_nr_pages = q->caps.max_nr_pages;
		op->cap.max_iova_addr = q->caps.max_iova;
		break;
	case PVIO_ALLOC_CONTEXT:
		op->ctx_no = q->ctx_no;
		break;
	case PVIO_MAP_PAGES:
		if (r != -(int64_t)XEN_E2BIG && r != -(int64_t)XEN_EINVAL)
			op->map_pages.mapped = q->done;
		break;
	case PVIO_UNMAP_PAGES:
		if (r != -(int64_t)XEN_E2BIG && r != -(int64_t)XEN_EINVAL)
			op->unmap_pages.unmapped = q->done;
		break;
	case PVIO_LOOKUP_PAGE:
		op->lookup_page.gfn = r ? op->lookup_page.gfn : q->gfn;
		break;
	default:
		break;
	}
}

int64_t pvref_tagged_call(struct pvref_request *q, uint64_t arg1)
{
	const struct pvref_rules *rules = q->r->rules;
	struct pvio_t_op op;
	int64_t r;

	/* Written back before anything is done: what cannot be answered has no effect. */
	if (!linear_read(&op, arg1, sizeof(op)) || !linear_write(arg1, &op, sizeof(op)))
		return -(int64_t)XEN_EFAULT;
	if (q->d->no_iommu || (rules->hardware_only && !q->d->hardware))
		return -(int64_t)rules->access;
	if (op.subop_id >= rules->numbers_n)
		return -(int64_t)rules->unknown;
	q->command = (enum pvio_command)rules->numbers[op.subop_id];
	q->arg = arg1;
	decode(q, &op);
	r = pvref_execute(q);
	if (r == PVREF_AGAIN)
		return r;
	encode(q, &op, r);
	return linear_write(arg1, &op, sizeof(op)) ? r : -(int64_t)XEN_EFAULT;
}
