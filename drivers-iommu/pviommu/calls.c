/*
 * One thin function for each command: the structure of the revision filled in, the call made, what came back told.
 */
#include "drivers-iommu/pviommu/pviommu.h"
#include <string.h>

/* Numbers by revision; -1: no such command. */
static const int8_t numbers[PVIO_REVISIONS][PVIO_COMMANDS] = {
	[PVIO_NONE] = { -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1 },
	[PVIO_T] = { PVIO_T_NOOP, PVIO_T_QUERY, -1, PVIO_T_ALLOC, PVIO_T_FREE, PVIO_T_REATTACH, PVIO_T_MAP, PVIO_T_UNMAP,
		     PVIO_T_LOOKUP, -1, -1, -1, -1, -1, -1 },
	[PVIO_H] = { PVIO_H_NOOP, PVIO_H_QUERY, -1, PVIO_H_ALLOC, PVIO_H_FREE, PVIO_H_REATTACH, PVIO_H_MAP, PVIO_H_UNMAP,
		     PVIO_H_LOOKUP, PVIO_H_REMOTE, PVIO_H_ALLOC_NESTED, PVIO_H_FLUSH_NESTED, PVIO_H_ATTACH_PASID,
		     PVIO_H_DETACH_PASID, -1 },
	[PVIO_I] = { PVIO_I_NOOP, PVIO_I_QUERY, PVIO_I_INIT, PVIO_I_ALLOC, PVIO_I_FREE, PVIO_I_REATTACH, PVIO_I_MAP,
		     PVIO_I_UNMAP, -1, PVIO_I_REMOTE, PVIO_I_ALLOC_NESTED, PVIO_I_FLUSH_NESTED, PVIO_I_ATTACH_PASID,
		     PVIO_I_DETACH_PASID, -1 },
	[PVIO_F] = { PVIO_I_NOOP, PVIO_I_QUERY, PVIO_I_INIT, PVIO_I_ALLOC, PVIO_I_FREE, PVIO_I_REATTACH, PVIO_I_MAP,
		     PVIO_I_UNMAP, -1, PVIO_I_REMOTE, PVIO_I_ALLOC_NESTED, PVIO_I_FLUSH_NESTED, PVIO_I_ATTACH_PASID,
		     PVIO_I_DETACH_PASID, PVIO_F_FLUSH_PAGES },
};

int pvio_number(enum pvio_revision r, enum pvio_command c)
{
	return numbers[r][c];
}

int64_t pvio_raw(struct pvio *p, uint64_t arg1, uint64_t arg2)
{
	return p->call(p->ctx, arg1, arg2);
}

int64_t pvio_command(struct pvio *p, enum pvio_command c, void *arg)
{
	int n = numbers[p->revision][c];
	uint16_t number;

	if (n < 0)
		return PVIO_NO_COMMAND;
	if (p->revision != PVIO_T)
		return p->call(p->ctx, (uint64_t)n, (uint64_t)(uintptr_t)arg);
	number = (uint16_t)n;
	memcpy(arg, &number, sizeof(number)); /* subop_id; hostile structures lie anywhere */
	return p->call(p->ctx, (uint64_t)(uintptr_t)arg, 0);
}

static struct pvio_dev dev_of(struct pci_addr a)
{
	return (struct pvio_dev){ a.segment, (uint8_t)fld_get(SID_BUS, a.sid), (uint8_t)fld_get(SID_DEVFN, a.sid) };
}

int64_t pvio_noop(struct pvio *p)
{
	struct pvio_t_op op = { .flags = 0 };

	return pvio_command(p, PVIO_NOOP, p->revision == PVIO_T ? &op : NULL);
}

static int64_t query_t(struct pvio *p)
{
	struct pvio_t_op op = { .flags = 0 };
	int64_t r = pvio_command(p, PVIO_QUERY_CAPABILITIES, &op);

	if (!r)
		p->caps = (struct pvio_caps){
			.pgsize_mask = PAGE_BYTES,
			.max_ctx_no = op.cap.max_ctx_no,
			.max_nr_pages = op.cap.max_nr_pages,
			.max_iova_addr = op.cap.max_iova_addr,
		};
	return r;
}

int64_t pvio_query_capabilities(struct pvio *p)
{
	struct pvio_capabilities c = { .pad0 = 0 };
	int64_t r;

	if (p->revision == PVIO_T)
		return query_t(p);
	r = pvio_command(p, PVIO_QUERY_CAPABILITIES, &c);
	if (!r)
		p->caps = (struct pvio_caps){
			.flags = c.cap_flags,
			.pgsize_mask = c.pgsize_mask,
			.max_pasid = c.max_pasid,
			.max_ctx_no = c.max_ctx_no,
			.max_iova_addr = c.max_iova_addr,
		};
	return r;
}

int64_t pvio_init(struct pvio *p, uint32_t max_ctx_no, uint32_t arena_order)
{
	struct pvio_init i = { max_ctx_no, arena_order };

	return pvio_command(p, PVIO_INIT, &i);
}

int64_t pvio_alloc_context(struct pvio *p, uint32_t flags, uint16_t *ctx_no)
{
	struct pvio_t_op op = { .flags = flags };
	struct pvio_alloc a = { .alloc_flags = flags };
	bool t = p->revision == PVIO_T;
	int64_t r = pvio_command(p, PVIO_ALLOC_CONTEXT, t ? (void *)&op : &a);

	if (!r)
		*ctx_no = t ? op.ctx_no : a.ctx_no;
	return r;
}

int64_t pvio_free_context(struct pvio *p, uint16_t ctx_no, uint32_t flags)
{
	struct pvio_t_op op = { .ctx_no = ctx_no, .flags = flags };
	struct pvio_free f = { .ctx_no = ctx_no, .free_flags = flags };

	return pvio_command(p, PVIO_FREE_CONTEXT, p->revision == PVIO_T ? (void *)&op : &f);
}

int64_t pvio_reattach_device(struct pvio *p, uint16_t ctx_no, struct pci_addr dev, uint32_t pasid)
{
	struct pvio_t_op op = { .ctx_no = ctx_no, .reattach_device = dev_of(dev) };
	struct pvio_reattach a = { .ctx_no = ctx_no, .dev = dev_of(dev), .pasid = pasid };

	return pvio_command(p, PVIO_REATTACH_DEVICE, p->revision == PVIO_T ? (void *)&op : &a);
}

static uint32_t pgsize_of(const struct pvio_range *r)
{
	return r->pgsize ? r->pgsize : PAGE_BYTES;
}

int64_t pvio_map_pages(struct pvio *p, const struct pvio_range *r, uint32_t *mapped)
{
	struct pvio_t_op op = { .ctx_no = r->ctx_no, .flags = r->flags, .map_pages = { r->gfn, r->dfn, r->nr_pages, 0 } };
	struct pvio_map m = { .ctx_no = r->ctx_no, .gfn = r->gfn, .dfn = r->dfn, .map_flags = r->flags,
			      .pgsize = pgsize_of(r), .nr_pages = r->nr_pages };
	bool t = p->revision == PVIO_T;
	int64_t seen = pvio_command(p, PVIO_MAP_PAGES, t ? (void *)&op : &m);

	*mapped = t ? op.map_pages.mapped : m.mapped;
	return seen;
}

int64_t pvio_unmap_pages(struct pvio *p, const struct pvio_range *r, uint32_t *unmapped)
{
	struct pvio_t_op op = { .ctx_no = r->ctx_no, .unmap_pages = { r->dfn, r->nr_pages, 0 } };
	struct pvio_unmap u = { .ctx_no = r->ctx_no, .dfn = r->dfn, .pgsize = pgsize_of(r), .nr_pages = r->nr_pages };
	bool t = p->revision == PVIO_T;
	int64_t seen = pvio_command(p, PVIO_UNMAP_PAGES, t ? (void *)&op : &u);

	*unmapped = t ? op.unmap_pages.unmapped : u.unmapped;
	return seen;
}

int64_t pvio_lookup_page(struct pvio *p, uint16_t ctx_no, uint64_t dfn, uint64_t *gfn)
{
	struct pvio_t_op op = { .ctx_no = ctx_no, .lookup_page = { .dfn = dfn } };
	struct pvio_lookup l = { .ctx_no = ctx_no, .dfn = dfn };
	bool t = p->revision == PVIO_T;
	int64_t r = pvio_command(p, PVIO_LOOKUP_PAGE, t ? (void *)&op : &l);

	if (!r)
		*gfn = t ? op.lookup_page.gfn : l.gfn;
	return r;
}

int64_t pvio_remote_cmd(struct pvio *p, uint16_t domid, uint16_t command, void *arg)
{
	struct pvio_remote a = { .domid = domid, .command = command, .arg = (uint64_t)(uintptr_t)arg };

	return pvio_command(p, PVIO_REMOTE_CMD, &a);
}

int64_t pvio_alloc_nested(struct pvio *p, uint64_t pgtable_gfn, uint64_t flags, uint16_t *ctx_no)
{
	struct pvio_alloc_nested a = { .pgtable_gfn = pgtable_gfn, .nested_flags = flags };
	int64_t r = pvio_command(p, PVIO_ALLOC_NESTED, &a);

	if (!r)
		*ctx_no = a.ctx_no;
	return r;
}

int64_t pvio_flush_nested(struct pvio *p)
{
	return pvio_command(p, PVIO_FLUSH_NESTED, NULL);
}

int64_t pvio_attach_pasid(struct pvio *p, uint16_t ctx_no, struct pci_addr dev, uint32_t pasid)
{
	struct pvio_attach_pasid a = { .ctx_no = ctx_no, .dev = dev_of(dev), .pasid = pasid };

	return pvio_command(p, PVIO_ATTACH_PASID, &a);
}

int64_t pvio_detach_pasid(struct pvio *p, struct pci_addr dev, uint32_t pasid)
{
	struct pvio_detach_pasid a = { .dev = dev_of(dev), .pasid = pasid };

	return pvio_command(p, PVIO_DETACH_PASID, &a);
}

int64_t pvio_flush_pages(struct pvio *p, const struct pvio_range *r)
{
	struct pvio_flush f = { .ctx_no = r->ctx_no, .dfn = r->dfn, .pgsize = pgsize_of(r), .nr_pages = r->nr_pages };

	return pvio_command(p, PVIO_FLUSH_PAGES, &f);
}
