/* Random hypercalls. */
#include "tests/pviommu/hostile.h"
#include "drivers-iommu/pviommu/pviommu.h"
#include <string.h>

#define STRUCTURE_BYTES 40u /* the largest */
#define NOT_CANONICAL   UINT64_C(0x8000000000000)

static uint64_t below(struct hostile *h, uint64_t n)
{
	return prng_below(h->prng, n);
}

#define PICK(h, ...) \
	((const uint64_t[]){ __VA_ARGS__ }[below(h, ARRAY_LEN(((const uint64_t[]){ __VA_ARGS__ })))])

/* Small, at a limit of something, or anything. */
static uint64_t number(struct hostile *h)
{
	if (below(h, 2))
		return below(h, 8);
	return below(h, 3) ? PICK(h, 0, 1, 255, 256, 257, 0xffff, 0x10000, BIT(31), UINT32_MAX) : prng_next(h->prng);
}

uint64_t hostile_gfn(struct hostile *h)
{
	return below(h, 8) ? h->gfns[below(h, h->gfns_n)] + below(h, h->pages + 8) - 2 : number(h);
}

uint64_t hostile_dfn(struct hostile *h)
{
	uint64_t place = below(h, 2) ? h->gfns[below(h, h->gfns_n)] : PICK(h, 0, 0x1000, 0x7fff0, 0x3fffff8);

	return below(h, 8) ? place + below(h, 16) : number(h);
}

static struct pvio_dev function(struct hostile *h)
{
	uint16_t sid = below(h, 8) ? h->devs[below(h, h->devs_n)].sid : (uint16_t)prng_next(h->prng);

	return (struct pvio_dev){ below(h, 16) ? 0 : 1, (uint8_t)fld_get(SID_BUS, sid), (uint8_t)fld_get(SID_DEVFN, sid) };
}

static uint32_t pages(struct hostile *h)
{
	return (uint32_t)(below(h, 6) ? below(h, 40) : number(h));
}

static uint16_t context(struct hostile *h)
{
	return (uint16_t)(below(h, 6) ? below(h, HOSTILE_CONTEXTS + 1) : number(h));
}

static uint32_t flags(struct hostile *h)
{
	return (uint32_t)(below(h, 4) ? below(h, 4) : number(h));
}

static uint32_t page_size(struct hostile *h)
{
	return (uint32_t)(below(h, 6) ? PAGE_BYTES : PICK(h, 0, 3, 0x2000, BIT(21), BIT(30), UINT32_MAX));
}

static void fill_tagged(struct hostile *h, uint8_t *at, enum pvio_command c)
{
	struct pvio_t_op op = { .ctx_no = context(h), .flags = flags(h) };
	int n = c < PVIO_COMMANDS ? pvio_number(PVIO_T, c) : -1;

	op.subop_id = (uint16_t)(n < 0 ? (int)(uint16_t)number(h) : n);
	if (c == PVIO_MAP_PAGES)
		op.map_pages = (struct pvio_t_map){ hostile_gfn(h), hostile_dfn(h), pages(h), 0 };
	else if (c == PVIO_UNMAP_PAGES)
		op.unmap_pages = (struct pvio_t_unmap){ hostile_dfn(h), pages(h), 0 };
	else if (c == PVIO_REATTACH_DEVICE)
		op.reattach_device = function(h);
	else
		op.lookup_page = (struct pvio_t_lookup){ 0, hostile_dfn(h) };
	memcpy(at, &op, sizeof(op));
}

/* The rarer commands. */
static void fill_more(struct hostile *h, uint8_t *at, enum pvio_command c)
{
	struct pvio_init init = { (uint32_t)(below(h, 2) ? HOSTILE_CONTEXTS : number(h)),
				  (uint32_t)(below(h, 2) ? 8 : number(h)) };
	struct pvio_detach_pasid detach = { function(h), (uint32_t)below(h, HOSTILE_PASIDS + 1) };
	struct pvio_alloc_nested nested = { .pgtable_gfn = hostile_gfn(h), .nested_flags = below(h, 4) ? 0 : number(h) };
	struct pvio_free other = { .ctx_no = context(h), .free_flags = flags(h) };

	if (c == PVIO_INIT)
		memcpy(at, &init, sizeof(init));
	else if (c == PVIO_DETACH_PASID)
		memcpy(at, &detach, sizeof(detach));
	else if (c == PVIO_ALLOC_NESTED)
		memcpy(at, &nested, sizeof(nested));
	else
		memcpy(at, &other, sizeof(other));
}

static void fill(struct hostile *h, uint8_t *at, enum pvio_command c)
{
	struct pvio_map m = { .ctx_no = context(h), .gfn = hostile_gfn(h), .dfn = hostile_dfn(h), .map_flags = flags(h),
			      .pgsize = page_size(h), .nr_pages = pages(h) };
	struct pvio_unmap u = { .ctx_no = context(h), .dfn = hostile_dfn(h), .pgsize = page_size(h), .nr_pages = pages(h) };
	struct pvio_reattach a = { .ctx_no = context(h), .dev = function(h), .pasid = (uint32_t)below(h, HOSTILE_PASIDS + 1) };

	if (h->revision == PVIO_T)
		fill_tagged(h, at, c);
	else if (c == PVIO_MAP_PAGES)
		memcpy(at, &m, sizeof(m));
	else if (c == PVIO_UNMAP_PAGES || c == PVIO_FLUSH_PAGES || c == PVIO_LOOKUP_PAGE)
		memcpy(at, &u, sizeof(u));
	else if (c == PVIO_REATTACH_DEVICE || c == PVIO_ATTACH_PASID) {
		a.pasid = c == PVIO_ATTACH_PASID || !below(h, 3) ? a.pasid : 0;
		memcpy(at, &a, sizeof(a));
	} else
		fill_more(h, at, c);
}

/* Where a structure lies: in the run, across a border of its pages, over its end, or nowhere. */
static uint64_t place(struct hostile *h, uint64_t bytes)
{
	uint64_t p = (uint64_t)(uintptr_t)h->run.p;

	switch (below(h, 12)) {
	case 0: return PICK(h, 0, 1, NOT_CANONICAL, UINT64_MAX, UINT64_MAX - 8, p - 8, p + HOSTILE_RUN_PAGES * PAGE_BYTES);
	case 1: return p + PAGE_BYTES - 1 - below(h, bytes);
	case 2: return p + HOSTILE_RUN_PAGES * PAGE_BYTES - 1 - below(h, bytes);
	default: return p + below(h, HOSTILE_RUN_PAGES * PAGE_BYTES - bytes);
	}
}

/* The structure's place, NULL where some of it is outside of the run. */
static uint8_t *inside(const struct hostile *h, uint64_t at, uint64_t bytes)
{
	uint64_t p = (uint64_t)(uintptr_t)h->run.p;

	return at >= p && at <= p + HOSTILE_RUN_PAGES * PAGE_BYTES - bytes ? (uint8_t *)(uintptr_t)at : NULL;
}

void hostile_call(struct hostile *h)
{
	enum pvio_command c = (enum pvio_command)below(h, PVIO_COMMANDS + 1);
	struct pvref_guest guest = { h->reference, h->domids[below(h, 4) ? 0 : below(h, h->domids_n)] };
	uint64_t at = place(h, STRUCTURE_BYTES), arg1 = at, arg2 = at, outer = place(h, sizeof(struct pvio_remote));
	int n = c < PVIO_COMMANDS ? pvio_number(h->revision, c) : -1;

	if (inside(h, at, STRUCTURE_BYTES))
		fill(h, inside(h, at, STRUCTURE_BYTES), c);
	if (h->revision != PVIO_T)
		arg1 = n < 0 ? number(h) : (uint64_t)n | (below(h, 4) ? 0 : BIT(40));
	if (h->revision != PVIO_T && !below(h, 6) && inside(h, outer, sizeof(struct pvio_remote))) {
		struct pvio_remote remote = { (uint16_t)PICK(h, h->domids[below(h, h->domids_n)], 77, XEN_DOMID_SELF),
					      (uint16_t)arg1, 0, at };

		memcpy(inside(h, outer, sizeof(remote)), &remote, sizeof(remote));
		arg1 = (uint64_t)pvio_number(h->revision, PVIO_REMOTE_CMD);
		arg2 = outer;
	}
	pvref_page_call(&guest, arg1, arg2);
}

void hostile_init(struct hostile *h, unsigned domains_n)
{
	for (unsigned i = 0; i < domains_n; i++) {
		struct pvref_guest guest = { h->reference, h->domids[i] };
		struct pvio p = { .call = pvref_page_call, .ctx = &guest, .revision = h->revision };

		(void)pvio_init(&p, HOSTILE_CONTEXTS, 8);
	}
}

void hostile_clean_up(struct hostile *h, unsigned domains_n)
{
	for (unsigned i = 0; i < domains_n; i++) {
		struct pvref_guest guest = { h->reference, h->domids[i] };
		struct pvio p = { .call = pvref_page_call, .ctx = &guest, .revision = h->revision };

		if (pvio_query_capabilities(&p) != 0)
			continue;
		for (uint32_t ctx = 1; ctx <= p.caps.max_ctx_no; ctx++)
			(void)pvio_free_context(&p, (uint16_t)ctx, PVIO_FREE_REATTACH_DEFAULT);
		for (unsigned d = 0; d < h->devs_n; d++)
			for (uint32_t pasid = 1; pasid <= HOSTILE_PASIDS; pasid++) /* also those in context 0 */
				(void)pvio_detach_pasid(&p, h->devs[d], pasid);
	}
}
