/*
 * The reference itself: domains that come and go, functions that move between them, configurations that contradict
 * themselves, and calls without a page.
 */
#include "tests/pviommu/fixture.h"

#define GUEST_GFN UINT64_C(0x4000)

static void expect_status(struct test *t, const char *what, enum status seen, enum status expected)
{
	expect_eq(t, what, (uint64_t)seen, (uint64_t)expected);
}

static struct pvref_domain_config guest_of(struct pvref_memory *memory)
{
	return (struct pvref_domain_config){ .domid = PVB_GUEST, .default_blocking = true, .max_ctx_no = 4, .memory = memory,
					     .memory_n = 1 };
}

TEST(pviommu_reference_assign,
     .id = "pviommu.reference.assign",
     .checks = "PVI-142",
     .given = "a device given to another domain, out of a context, and back",
     .expects = "it is in context 0 of its new domain, and the old one does not know it any more",
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct pvref_memory memory = { gfn_of(p->pa), p->pa, 1, PVREF_RAM };
	struct pvref_domain_config d = guest_of(&memory);
	struct pci_addr dev = pvx_dev(t->engine), absent = { 0, 0xfff8 };
	struct pvref *r = pvx_reference(t);
	uint16_t ctx = pvx_start(t), seen = 9;

	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	d.default_blocking = false;
	expect_status(t, "a domain", pvref_domain_create(r, &d), OK);
	expect_status(t, "a function that is not there", pvref_assign(r, absent, PVB_DOM0, PVB_GUEST), ERR_NOT_FOUND);
	expect_status(t, "of whom it is not", pvref_assign(r, dev, PVB_GUEST, PVB_DOM0), ERR_NOT_FOUND);
	expect_status(t, "from nobody", pvref_assign(r, dev, 77, PVB_GUEST), ERR_NOT_FOUND);
	expect_status(t, "to nobody", pvref_assign(r, dev, PVB_DOM0, 77), ERR_NOT_FOUND);
	expect_status(t, "where it is", pvref_context_of(r, dev, &seen), OK);
	expect_eq(t, "its context", seen, ctx);
	expect_status(t, "to the guest", pvref_assign(r, dev, PVB_DOM0, PVB_GUEST), OK);
	expect_status(t, "where it is", pvref_context_of(r, dev, &seen), OK);
	expect_eq(t, "its context", seen, PVIO_DEFAULT_CONTEXT);
	expect_write(t, iova_of(PVX_A), p, 0, DMA_REFUSED);
	expect_write(t, iova_of(memory.gfn), p, 0, DMA_DONE);
	expect_rc(t, "reattach_device by the old domain", pvx_try_attach(t, t->engine, ctx),
		  pvx_by(t, -XEN_ENOENT, -XEN_ENODEV, -XEN_ENODEV, -XEN_ENODEV));
	expect_status(t, "back", pvref_assign(r, dev, PVB_GUEST, PVB_DOM0), OK);
	expect_rc(t, "reattach_device", pvx_try_attach(t, t->engine, ctx), 0);
	expect_write(t, iova_of(PVX_A), p, 0, DMA_DONE);
	expect_status(t, "a function that is nobody's", pvref_context_of(r, absent, &seen), ERR_NOT_FOUND);
}

TEST(pviommu_reference_assign_refused,
     .id = "pviommu.reference.assign_refused",
     .given = "a device whose reserved memory is other memory for its new domain, or that has PASIDs attached",
     .expects = "an error; it stays where it was",
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)
{
	struct page *p = page_alloc(t, 4 * PAGE_BYTES, 0), *other = page_alloc(t, PAGE_BYTES, 0);
	struct pvref_memory memory = { gfn_of(p->pa) + 1, other->pa, 1, PVREF_RAM };
	struct pvref_domain_config d = guest_of(&memory);
	struct pci_addr dev = pvx_dev(t->engine);
	struct pvref_reserved reserved = { dev, p->pa, 4 };
	struct pvb_setup s;
	struct pvref *r;

	pvx_setup(t, &s);
	s.config.reserved = &reserved;
	s.config.reserved_n = 1;
	(void)pvx_remake(t, &s);
	r = pvx_reference(t);
	d.default_blocking = false;
	expect_status(t, "a domain", pvref_domain_create(r, &d), OK);
	expect_status(t, "to the guest", pvref_assign(r, dev, PVB_DOM0, PVB_GUEST), ERR_INVALID);
	expect_write(t, IOVA(p->pa.v + 2 * PAGE_BYTES), p, 2 * PAGE_BYTES, DMA_DONE);
	expect_write(t, IOVA(p->pa.v + PAGE_BYTES), p, PAGE_BYTES, DMA_DONE);
	if (!(pvx(t)->caps.flags & PVIO_CAP_PASID))
		return;
	expect_status(t, "the guest goes", pvref_domain_destroy(r, PVB_GUEST), OK);
	memory.gfn = GUEST_GFN;
	expect_status(t, "another one", pvref_domain_create(r, &d), OK);
	expect_rc(t, "attach_pasid", pvio_attach_pasid(pvx(t), PVIO_DEFAULT_CONTEXT, dev, 3), 0);
	expect_status(t, "with a PASID", pvref_assign(r, dev, PVB_DOM0, PVB_GUEST), ERR_BUSY);
	expect_rc(t, "detach_pasid", pvio_detach_pasid(pvx(t), dev, 3), 0);
	expect_status(t, "without", pvref_assign(r, dev, PVB_DOM0, PVB_GUEST), OK);
	expect_write(t, IOVA(p->pa.v + PAGE_BYTES), p, PAGE_BYTES, DMA_DONE);
	expect_write(t, iova_of(GUEST_GFN), other, 0, DMA_DONE);
}

TEST(pviommu_reference_domain_rules,
     .id = "pviommu.reference.domain_rules",
     .given = "domains that are there already, too many, impossible; domains destroyed with all that they have",
     .expects = "each has its own status; as much memory as before",
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct pvref_memory twice[] = { { GUEST_GFN, p->pa, 1, PVREF_RAM }, { GUEST_GFN, p->pa, 1, PVREF_RAM } };
	struct pvref_domain_config d = guest_of(twice);
	struct pvref *r = pvx_reference(t);
	struct pvref_device dev = { .addr = { 0, 0xfff0 } };
	size_t before = mem_free_pages();

	expect_status(t, "the hardware domain goes", pvref_domain_destroy(r, PVB_DOM0), ERR_INVALID);
	expect_status(t, "nobody goes", pvref_domain_destroy(r, PVB_GUEST), ERR_NOT_FOUND);
	d.memory_n = 2;
	expect_status(t, "memory twice", pvref_domain_create(r, &d), ERR_EXISTS);
	d.memory_n = 1;
	twice[0].pa.v++;
	expect_status(t, "misaligned memory", pvref_domain_create(r, &d), ERR_INVALID);
	twice[0].pa.v--;
	d.no_iommu = true;
	d.devices = &dev;
	d.devices_n = 1;
	expect_status(t, "functions without an IOMMU", pvref_domain_create(r, &d), ERR_INVALID);
	expect_eq(t, "free pages after what failed", mem_free_pages(), before);
	d.devices_n = 0;
	for (unsigned i = 1; i < PVREF_DOMAINS_MAX; i++) {
		d.domid = (uint16_t)i;
		expect_status(t, "a domain", pvref_domain_create(r, &d), OK);
		expect_status(t, "the same again", pvref_domain_create(r, &d), ERR_EXISTS);
	}
	d.domid = 99;
	expect_status(t, "one too many", pvref_domain_create(r, &d), ERR_FULL);
	for (unsigned i = 1; i < PVREF_DOMAINS_MAX; i++)
		expect_status(t, "it goes", pvref_domain_destroy(r, (uint16_t)i), OK);
	expect_eq(t, "free pages at the end", mem_free_pages(), before);
}

TEST(pviommu_reference_domain_ends,
     .id = "pviommu.reference.domain_ends",
     .checks = "PVI-170",
     .given = "a domain destroyed with devices, mappings, nested contexts and PASIDs",
     .expects = "its devices reach nothing, and nothing of it is left",
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)
{
	struct page *p = page_alloc(t, 2 * PAGE_BYTES, 0);
	struct pvref_memory memory = { GUEST_GFN, p->pa, 2, PVREF_RAM };
	struct pvref_domain_config d = guest_of(&memory);
	struct pci_addr dev = pvx_dev(t->engine);
	struct pvref *r = pvx_reference(t);
	uint16_t ctx = PVIO_DEFAULT_CONTEXT, nested = 0;
	size_t before = mem_free_pages();
	struct pvio *guest;
	uint32_t n = 0;

	d.hardware = t->bench->revision == REV_T; /* which serves nobody else */
	d.default_blocking = false;
	expect_status(t, "a domain", pvref_domain_create(r, &d), OK);
	expect_status(t, "its device", pvref_assign(r, dev, PVB_DOM0, PVB_GUEST), OK);
	guest = pvx_client_of(t, PVB_GUEST);
	(void)pvio_init(guest, 4, 8);
	(void)pvio_query_capabilities(guest);
	expect_rc(t, "alloc_context", pvio_alloc_context(guest, 0, &ctx), 0);
	expect_rc(t, "map_pages", pvio_map_pages(guest, &(struct pvio_range){ ctx, GUEST_GFN, PVX_A, PVX_RW, 0, 1 }, &n), 0);
	expect_rc(t, "reattach_device", pvio_reattach_device(guest, ctx, dev, 0), 0);
	if (guest->caps.flags & PVIO_CAP_NESTED)
		expect_rc(t, "alloc_nested", pvio_alloc_nested(guest, GUEST_GFN + 1, 0, &nested), 0);
	if (guest->caps.flags & PVIO_CAP_PASID)
		expect_rc(t, "attach_pasid", pvio_attach_pasid(guest, ctx, dev, 3), 0);
	expect_write(t, iova_of(PVX_A), p, 0, DMA_DONE);
	if (d.hardware)
		return; /* it ends with the reference */
	expect_status(t, "it goes", pvref_domain_destroy(r, PVB_GUEST), OK);
	expect_write(t, iova_of(PVX_A), p, 0, DMA_REFUSED);
	expect_write(t, iova_of(GUEST_GFN), p, 0, DMA_REFUSED);
	expect_true(t, mem_free_pages() + 2 >= before, "as much memory as before, but for tables of the host's own");
	expect_status(t, "its device", pvref_context_of(r, dev, &ctx), ERR_NOT_FOUND);
}

TEST(pviommu_reference_configurations,
     .id = "pviommu.reference.configurations",
     .given = "configurations without a revision, without domains, with reserved memory that cannot be",
     .expects = "ERR_INVALID or ERR_FULL, and as much memory as before",
     .needs = NEED_PVIOMMU)
{
	struct pvref_reserved reserved[PVREF_RESERVED_MAX + 1];
	struct pci_addr one = { 0, 0xfff0 }, two = { 0, 0xfff1 }, three = { 1, 0xfff0 };
	const char *why;
	struct pvb_setup s;
	size_t before;

	pvx_setup(t, &s);
	expect_true(t, pvb_drop(t->bench, &why), "the reference that was there goes");
	before = mem_free_pages();
	s.config.reserved = reserved;
	s.config.reserved_n = 1;
	reserved[0] = (struct pvref_reserved){ one, PA(0x100000), 0 };
	expect_status(t, "no page reserved", pvb_make(t->bench, &s.config), ERR_INVALID);
	reserved[0] = (struct pvref_reserved){ one, PA(0x100010), 1 };
	expect_status(t, "misaligned", pvb_make(t->bench, &s.config), ERR_INVALID);
	reserved[0] = (struct pvref_reserved){ one, PA(BIT(58)), 1 };
	expect_status(t, "beyond the width", pvb_make(t->bench, &s.config), ERR_INVALID);
	reserved[0].base = PA(t->bench->pviommu->client.caps.max_iova_addr + 1 - PAGE_BYTES);
	expect_status(t, "the last page", pvb_make(t->bench, &s.config), OK);
	reserved[0].pages = 2;
	expect_status(t, "beyond the end", pvb_make(t->bench, &s.config), ERR_INVALID);
	s.config.reserved_n = 2;
	reserved[0] = (struct pvref_reserved){ one, PA(0x100000), 2 };
	reserved[1] = (struct pvref_reserved){ one, PA(0x101000), 1 };
	expect_status(t, "twice", pvb_make(t->bench, &s.config), ERR_INVALID);
	reserved[1].base = PA(0xff000);
	reserved[1].pages = 2;
	expect_status(t, "twice", pvb_make(t->bench, &s.config), ERR_INVALID);
	reserved[1].addr = two;
	expect_status(t, "twice, for two functions", pvb_make(t->bench, &s.config), OK);
	reserved[1].addr = three;
	expect_status(t, "twice, in two segments", pvb_make(t->bench, &s.config), OK);
	reserved[1] = (struct pvref_reserved){ one, PA(0x102000), 1 };
	expect_status(t, "side by side", pvb_make(t->bench, &s.config), OK);
	for (unsigned i = 0; i <= PVREF_RESERVED_MAX; i++)
		reserved[i] = (struct pvref_reserved){ one, PA(BIT(20) * (i + 1)), 1 };
	s.config.reserved_n = PVREF_RESERVED_MAX;
	expect_status(t, "as many as fit", pvb_make(t->bench, &s.config), OK);
	expect_true(t, pvb_drop(t->bench, &why), "it goes");
	expect_eq(t, "free pages in between", mem_free_pages(), before);
	s.config.reserved_n = PVREF_RESERVED_MAX + 1;
	expect_status(t, "too many", pvb_make(t->bench, &s.config), ERR_FULL);
	s.config.reserved_n = 0;
	s.config.pgsize_mask = 0;
	expect_status(t, "no page size", pvb_make(t->bench, &s.config), OK);
	expect_eq(t, "page sizes", t->bench->pviommu->client.caps.pgsize_mask, PAGE_BYTES);
	expect_true(t, pvb_drop(t->bench, &why), "it goes");
	s.config.domains_n = 0;
	expect_status(t, "no domain", pvb_make(t->bench, &s.config), ERR_INVALID);
	s.config.domains_n = 1;
	s.config.revision = PVIO_NONE;
	expect_status(t, "no revision", pvb_make(t->bench, &s.config), ERR_INVALID);
	s.config.revision = PVIO_REVISIONS;
	expect_status(t, "no such revision", pvb_make(t->bench, &s.config), ERR_INVALID);
	expect_eq(t, "free pages at the end", mem_free_pages(), before);
}

TEST(pviommu_reference_without_page,
     .id = "pviommu.reference.without_page",
     .given = "a call that is interrupted, made without a hypercall page",
     .expects = "it goes on by itself; the answer and the effect are the same",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, 40 * PAGE_BYTES, 0), *arg = page_alloc(t, PAGE_BYTES, 0);
	struct pvio_map *m = (struct pvio_map *)(void *)arg->p;
	struct pvref_counts before, after;
	uint64_t number = (uint64_t)pvio_number(t->bench->pviommu->revision, PVIO_MAP_PAGES);
	struct pvb_setup s;
	uint16_t ctx;

	pvx_setup(t, &s);
	s.config.step_pages = 16;
	(void)pvx_remake(t, &s);
	ctx = pvx_context(t);
	pvref_count(pvx_reference(t), &before);
	*m = (struct pvio_map){ .ctx_no = ctx, .gfn = gfn_of(p->pa), .dfn = PVX_A, .map_flags = PVX_RW, .pgsize = PAGE_BYTES,
				.nr_pages = 40 };
	expect_rc(t, "map_pages", pvref_hypercall(pvx_reference(t), PVB_DOM0, number, (uint64_t)(uintptr_t)m), 0);
	expect_eq(t, "mapped", m->mapped, 40);
	pvref_count(pvx_reference(t), &after);
	expect_eq(t, "restarts", after.restarts - before.restarts, 2);
	expect_eq(t, "passes", after.calls - before.calls, 3);
	expect_eq(t, "pages that are mapped", after.pages_mapped - before.pages_mapped, 40);
}

TEST(pviommu_reference_arena,
     .id = "pviommu.reference.arena",
     .given = "what the reference counts of a context's memory, with mappings that come and go",
     .expects = "more with each table, as before without; free pages agree",
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct pvref *r = pvx_reference(t);
	struct pvref_counts empty, made, first, second, gone;
	uint16_t ctx;
	size_t before;

	(void)pvx(t);
	pvref_count(r, &empty);
	ctx = pvx_context(t);
	before = mem_free_pages();
	pvref_count(r, &made);
	expect_eq(t, "pages of no context", empty.arena_used, 0);
	expect_true(t, made.arena_used > 0, "a context takes memory");
	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	pvref_count(r, &first);
	expect_true(t, first.arena_used > made.arena_used, "a page takes tables");
	pvx_map(t, ctx, PVX_B, p->pa, 1, PVX_RW);
	pvref_count(r, &second);
	expect_true(t, second.arena_used > first.arena_used, "a page far off takes more");
	pvx_unmap(t, ctx, PVX_A, 1);
	pvx_unmap(t, ctx, PVX_B, 1);
	pvref_count(r, &gone);
	expect_eq(t, "pages of a context without mappings", gone.arena_used, made.arena_used);
	expect_eq(t, "free pages", mem_free_pages(), before);
	pvx_free(t, ctx);
	pvref_count(r, &gone);
	expect_eq(t, "pages once it is freed", gone.arena_used, 0);
}

TEST(pviommu_reference_large_page,
     .id = "pviommu.reference.large_page",
     .checks = "PVI-099",
     .given = "2 MiB mapped as one page, and as small ones",
     .expects = "one takes a table less than the others",
     .revisions = REV_H,
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, BIT(21), BIT(21));
	struct pvio *c = pvx(t);
	struct pvio_range r = { .gfn = gfn_of(p->pa), .dfn = BIT(20), .flags = PVX_RW, .pgsize = (uint32_t)BIT(21),
				.nr_pages = 1 };
	struct pvref_counts empty, large, small;
	uint32_t n = 0;

	if (!(c->caps.pgsize_mask & BIT(21)))
		skip(t, "no pages of 2 MiB");
	r.ctx_no = pvx_context(t);
	pvref_count(pvx_reference(t), &empty);
	expect_rc(t, "map_pages", pvio_map_pages(c, &r, &n), 0);
	pvref_count(pvx_reference(t), &large);
	expect_rc(t, "unmap_pages", pvio_unmap_pages(c, &r, &n), 0);
	r.pgsize = PAGE_BYTES;
	r.nr_pages = 512;
	expect_rc(t, "map_pages", pvio_map_pages(c, &r, &n), 0);
	pvref_count(pvx_reference(t), &small);
	expect_eq(t, "tables more", small.arena_used - large.arena_used, 1);
	expect_true(t, large.arena_used > empty.arena_used, "a large page takes tables, too");
}

TEST(pviommu_reference_mmio,
     .id = "pviommu.reference.mmio",
     .checks = "PVI-096",
     .given = "frames that are a BAR, and such that are another domain's",
     .expects = "T refuses both; the others map a BAR; I and F map what the hardware domain sees of others",
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, 2 * PAGE_BYTES, 0);
	uint64_t hole = gfn_of(mem_unbacked(2 * PAGE_BYTES));
	struct pvref_memory bar = { hole, p->pa, 1, PVREF_MMIO };
	struct pvref_memory foreign = { hole + 1, pa_add(p->pa, PAGE_BYTES), 1, PVREF_FOREIGN };
	struct pvref *r = pvx_reference(t);
	uint16_t ctx = pvx_context(t);
	uint32_t n = 0;

	expect_status(t, "a BAR", pvref_memory_add(r, PVB_DOM0, &bar), OK);
	expect_status(t, "a foreign page", pvref_memory_add(r, PVB_DOM0, &foreign), OK);
	expect_rc(t, "map_pages of the BAR", pvx_try_map(t, ctx, PVX_A, bar.gfn, 1, &n), pvx_by(t, -XEN_EPERM, 0, 0, 0));
	expect_rc(t, "map_pages of the foreign page", pvx_try_map(t, ctx, PVX_B, foreign.gfn, 1, &n),
		  pvx_by(t, -XEN_EPERM, -XEN_EPERM, 0, 0));
	if (t->bench->revision == REV_T)
		expect_rc(t, "lookup_page in context 0", pvio_lookup_page(pvx(t), 0, foreign.gfn, &(uint64_t){ 0 }), -XEN_ENOENT);
}

TEST(pviommu_reference_codes,
     .id = "pviommu.reference.codes",
     .given = "flags that nobody has defined, page sizes, PASIDs out of range, and counts after errors",
     .expects = "the numbers that the reference has chosen",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct pvio_t_op op = { .unmap_pages = { PVX_A, PVIO_T_PAGES_MAX + 1, 77 } };
	struct pvio *c = pvx_reference(t) ? pvx(t) : NULL; /* of hypervisors nobody asks this */
	uint16_t ctx = pvx_context(t), other = 0;
	struct pvio_range r = { .ctx_no = ctx, .gfn = gfn_of(p->pa), .dfn = PVX_A, .flags = PVX_RW, .nr_pages = 1 };
	uint32_t n = 0;

	if (t->bench->revision == REV_T) {
		op.ctx_no = ctx;
		expect_rc(t, "unmap_pages of too many", pvio_command(c, PVIO_UNMAP_PAGES, &op), -XEN_E2BIG);
		expect_eq(t, "unmapped", op.unmap_pages.unmapped, 77);
		op.ctx_no = 200;
		op.unmap_pages.nr_pages = 1;
		expect_rc(t, "unmap_pages of no context", pvio_command(c, PVIO_UNMAP_PAGES, &op), -XEN_EINVAL);
		expect_eq(t, "unmapped", op.unmap_pages.unmapped, 77);
		return;
	}
	if (t->bench->revision != REV_H)
		return;
	expect_rc(t, "alloc_context, flag 1", pvio_alloc_context(c, 2, &other), -XEN_EINVAL);
	expect_rc(t, "free_context, flag 1", pvio_free_context(c, ctx, 2), -XEN_EINVAL);
	r.flags = PVX_RW | 8;
	expect_rc(t, "map_pages, flag 3", pvio_map_pages(c, &r, &n), -XEN_EINVAL);
	r.flags = 0;
	expect_rc(t, "map_pages, no flag", pvio_map_pages(c, &r, &n), -XEN_EINVAL);
	r.flags = PVX_RW | PVIO_MAP_CACHE;
	expect_rc(t, "map_pages, cache", pvio_map_pages(c, &r, &n), -XEN_EOPNOTSUPP);
	r.flags = PVX_RW;
	r.pgsize = 0x3000;
	expect_rc(t, "map_pages, 12 KiB", pvio_map_pages(c, &r, &n), -XEN_EINVAL);
	expect_rc(t, "unmap_pages, 12 KiB", pvio_unmap_pages(c, &r, &n), -XEN_EINVAL);
	expect_rc(t, "reattach_device, PASID", pvio_reattach_device(c, ctx, pvx_dev(t->engine), 1), -XEN_EOPNOTSUPP);
}

TEST(pviommu_reference_nested_refused,
     .id = "pviommu.reference.nested_refused",
     .checks = "PVI-176",
     .given = "alloc_nested with flags, of a hole, of a BAR, and when no context is left",
     .expects = "-22, -22, -22, -28; the number is not touched",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0), *arg = page_alloc(t, PAGE_BYTES, 0);
	struct pvio_alloc_nested *a = (struct pvio_alloc_nested *)(void *)arg->p;
	uint64_t hole = gfn_of(mem_unbacked(2 * PAGE_BYTES));
	struct pvref_memory bar = { hole, p->pa, 1, PVREF_MMIO };
	struct pvb_setup s;
	struct pvio *c;

	pvx_setup(t, &s);
	s.domain.max_ctx_no = 1;
	(void)pvx_remake(t, &s);
	(void)pvio_init(pvx_uninitialised(t), 1, 9);
	c = pvx(t);
	if (!(c->caps.flags & PVIO_CAP_NESTED))
		skip(t, "nested contexts are not offered");
	expect_status(t, "a BAR", pvref_memory_add(pvx_reference(t), PVB_DOM0, &bar), OK);
	*a = (struct pvio_alloc_nested){ .ctx_no = 0x5a5a, .pgtable_gfn = gfn_of(p->pa), .nested_flags = 1 };
	expect_rc(t, "alloc_nested, flag 0", pvio_command(c, PVIO_ALLOC_NESTED, a), -XEN_EINVAL);
	*a = (struct pvio_alloc_nested){ .ctx_no = 0x5a5a, .pgtable_gfn = hole + 1 };
	expect_rc(t, "alloc_nested of a hole", pvio_command(c, PVIO_ALLOC_NESTED, a), -XEN_EINVAL);
	a->pgtable_gfn = hole;
	expect_rc(t, "alloc_nested of a BAR", pvio_command(c, PVIO_ALLOC_NESTED, a), -XEN_EINVAL);
	(void)pvx_context(t);
	*a = (struct pvio_alloc_nested){ .ctx_no = 0x5a5a, .pgtable_gfn = gfn_of(p->pa) };
	expect_rc(t, "alloc_nested without a number", pvio_command(c, PVIO_ALLOC_NESTED, a), -XEN_ENOSPC);
	expect_eq(t, "ctx_no", a->ctx_no, 0x5a5a);
	expect_rc(t, "alloc_context without a number", pvio_command(c, PVIO_ALLOC_CONTEXT, a), -XEN_ENOSPC);
	expect_eq(t, "ctx_no", a->ctx_no, 0x5a5a);
}

TEST(pviommu_reference_arena_reserved,
     .id = "pviommu.reference.arena_reserved",
     .given = "a context that has used up its arena; a device with reserved memory is moved there",
     .expects = "-12, the device stays where it was; with a mapping less, it moves",
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct pvref_reserved reserved = { pvx_dev(t->engine), p->pa, 1 };
	uint64_t gib = BIT(18), first = 8 * gib; /* each a table or two of its own, and none where p is */
	uint16_t ctx, seen = 9, nested = 0;
	uint32_t n = 0;
	struct pvb_setup s;
	unsigned maps = 0;
	int64_t rc;

	pvx_setup(t, &s);
	s.config.reserved = &reserved;
	s.config.reserved_n = 1;
	s.domain.max_ctx_no = 4;
	s.domain.arena_pages = 32;
	(void)pvx_remake(t, &s);
	(void)pvio_init(pvx_uninitialised(t), 4, 5);
	ctx = pvx_context(t);
	while (maps < 64 && pvx_try_map(t, ctx, first + maps * gib, gfn_of(p->pa), 1, &n) == 0)
		maps++;
	expect_true(t, maps > 4 && maps < 64, "the arena is used up");
	expect_rc(t, "reattach_device", pvx_try_attach(t, t->engine, ctx), -XEN_ENOMEM);
	expect_eq(t, "pvref_context_of", (uint64_t)pvref_context_of(pvx_reference(t), reserved.addr, &seen), OK);
	expect_eq(t, "its context", seen, PVIO_DEFAULT_CONTEXT);
	expect_write(t, IOVA(p->pa.v), p, 0, DMA_DONE);
	if (pvx(t)->caps.flags & PVIO_CAP_NESTED) {
		while ((rc = pvio_alloc_nested(pvx(t), gfn_of(p->pa), 0, &nested)) == 0)
			pvx_owns(t, nested);
		expect_rc(t, "alloc_nested", rc, -XEN_ENOMEM);
	}
	for (unsigned i = 0; i < 4; i++)
		pvx_unmap(t, ctx, first + i * gib, 1);
	expect_rc(t, "reattach_device", pvx_try_attach(t, t->engine, ctx), 0);
	expect_write(t, IOVA(p->pa.v), p, 0, DMA_DONE);
	expect_write(t, iova_of(first + 4 * gib), p, 0, DMA_DONE);
}

TEST(pviommu_reference_pasid_dying,
     .id = "pviommu.reference.pasid_dying",
     .given = "a PASID for a context of which a free was refused",
     .expects = "-22 where such a context takes nobody any more (I, F), else 0",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pci_addr dev = pvx_dev(t->engine);
	uint16_t ctx = pvx_start(t);
	struct pvio *c = pvx(t);

	if (!(c->caps.flags & PVIO_CAP_PASID))
		skip(t, "PASIDs are not offered");
	expect_rc(t, "free_context", pvio_free_context(c, ctx, 0), -XEN_EBUSY);
	expect_rc(t, "attach_pasid", pvio_attach_pasid(c, ctx, dev, 3), pvx_by(t, 0, 0, -XEN_EINVAL, -XEN_EINVAL));
	(void)pvio_detach_pasid(c, dev, 3);
}

TEST(pviommu_reference_pasids,
     .id = "pviommu.reference.pasids",
     .given = "more than max_pasid, as many PASIDs as the reference holds, and one more",
     .expects = "-22; 0; -28, and all can be detached",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pci_addr dev = pvx_dev(t->engine);
	struct pvref_counts n;
	struct pvb_setup s;
	struct pvio *c;
	uint32_t pasid = 1;
	int64_t rc;

	pvx_setup(t, &s);
	s.config.max_pasid = 100;
	(void)pvx_remake(t, &s);
	c = pvx(t);
	if (!(c->caps.flags & PVIO_CAP_PASID))
		skip(t, "PASIDs are not offered");
	expect_eq(t, "max_pasid", c->caps.max_pasid, 100);
	expect_rc(t, "attach_pasid of the first too large", pvio_attach_pasid(c, 0, dev, 101), -XEN_EINVAL);
	expect_rc(t, "detach_pasid of the default", pvio_detach_pasid(c, dev, 0), -XEN_EINVAL);
	do {
		rc = pvio_attach_pasid(c, 0, dev, 101 - pasid);
	} while (rc == 0 && pasid++ < 99);
	expect_rc(t, "attach_pasid of one too many", rc, -XEN_ENOSPC);
	expect_eq(t, "PASIDs that were attached", pasid - 1, 64);
	while (--pasid)
		expect_rc(t, "detach_pasid", pvio_detach_pasid(c, dev, 101 - pasid), 0);
	pvref_count(pvx_reference(t), &n);
	expect_eq(t, "PASIDs that are left", n.pasids_n, 0);
}
