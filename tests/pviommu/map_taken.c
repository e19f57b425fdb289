/* PV-IOMMU: map_pages where something is mapped already, and batches that fail on their way. */
#include "tests/pviommu/fixture.h"

TEST(pviommu_map_same,
     .id = "pviommu.taken.same_page",
     .checks = "PVI-090",
     .given = "the same page mapped twice at one address",
     .expects = "-22 (header) or -98 (implementations), mapped 0, the mapping as before",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);
	uint32_t n = 0;

	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	expect_taken(t, "map_pages of a mapped page", pvx_try_map(t, ctx, PVX_A, gfn_of(p->pa), 1, &n));
	expect_eq(t, "mapped", n, 0);
	expect_reach(t, t->engine, PVX_A, p);
}

TEST(pviommu_map_other,
     .id = "pviommu.taken.other_page",
     .checks = "PVI-091",
     .given = "another page mapped where one is",
     .expects = "-22 (header) or -98 (implementations); the device still reaches the first",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *first = page_alloc(t, PAGE_BYTES, 0), *other = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);
	uint32_t n = 0;

	pvx_map(t, ctx, PVX_A, first->pa, 1, PVX_RW);
	expect_reach(t, t->engine, PVX_A, first);
	expect_taken(t, "map_pages of a mapped page", pvx_try_map(t, ctx, PVX_A, gfn_of(other->pa), 1, &n));
	expect_eq(t, "mapped", n, 0);
	expect_reach(t, t->engine, PVX_A, first);
}

TEST(pviommu_map_middle,
     .id = "pviommu.taken.middle_of_batch",
     .checks = "PVI-092",
     .given = "5 pages mapped over one that is mapped in their middle",
     .expects = "the error of a mapped page, mapped 2; the first two are reached, the last two are not",
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE)
{
	struct page *p = page_alloc(t, 5 * PAGE_BYTES, 0), *there = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);
	uint32_t n = 0;

	pvx_map(t, ctx, PVX_A + 2, there->pa, 1, PVX_RW);
	expect_taken(t, "map_pages", pvx_try_map(t, ctx, PVX_A, gfn_of(p->pa), 5, &n));
	expect_eq(t, "mapped", n, 2);
	for (uint64_t i = 0; i < 5; i++)
		if (i == 2)
			expect_write(t, iova_of(PVX_A + i), there, 0, DMA_DONE);
		else
			expect_write(t, iova_of(PVX_A + i), p, i * PAGE_BYTES, i < 2 ? DMA_DONE : DMA_REFUSED);
}

TEST(pviommu_map_two_addresses,
     .id = "pviommu.taken.one_page_twice",
     .checks = "PVI-111",
     .given = "one page at two addresses, one of which is unmapped",
     .expects = "both are reached; then the other alone",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);

	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	pvx_map(t, ctx, PVX_B, p->pa, 1, PVX_RW);
	expect_reach(t, t->engine, PVX_A, p);
	expect_reach(t, t->engine, PVX_B, p);
	pvx_unmap(t, ctx, PVX_A, 1);
	expect_no_reach(t, t->engine, PVX_A, p);
	expect_reach(t, t->engine, PVX_B, p);
}

TEST(pviommu_map_two_contexts,
     .id = "pviommu.taken.two_contexts",
     .checks = "PVI-116",
     .given = "one address in two contexts, different pages",
     .expects = "each context has its own; unmapping one leaves the other",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p[2] = { page_alloc(t, PAGE_BYTES, 0), page_alloc(t, PAGE_BYTES, 0) };
	uint16_t ctx[2] = { pvx_context(t), pvx_context(t) };

	for (unsigned i = 0; i < 2; i++)
		pvx_map(t, ctx[i], PVX_A, p[i]->pa, 1, PVX_RW);
	for (unsigned i = 0; i < 2; i++) {
		pvx_attach(t, t->engine, ctx[i]);
		expect_reach(t, t->engine, PVX_A, p[i]);
	}
	pvx_unmap(t, ctx[0], PVX_A, 1);
	expect_reach(t, t->engine, PVX_A, p[1]);
	pvx_attach(t, t->engine, ctx[0]);
	expect_no_reach(t, t->engine, PVX_A, p[0]);
}

/* ---- frames that cannot be mapped ---- */

/* The answer for a frame that is not the domain's memory. */
static int64_t no_frame(struct test *t)
{
	return pvx_by(t, -XEN_EPERM, -XEN_ENOENT, -XEN_ENOENT, -XEN_ENOENT);
}

static void bad_frame(struct test *t, uint64_t gfn)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);
	uint32_t n = 0;

	expect_rc(t, "map_pages of no memory", pvx_try_map(t, ctx, PVX_A, gfn, 1, &n), no_frame(t));
	expect_eq(t, "mapped", n, 0);
	expect_rc(t, "unmap_pages", pvx_try_unmap(t, ctx, PVX_A, 1, NULL), -XEN_ENOENT);
	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	expect_reach(t, t->engine, PVX_A, p);
}

TEST(pviommu_map_hole,
     .id = "pviommu.frame.hole",
     .checks = "PVI-093",
     .given = "a frame that nothing answers at",
     .expects = "-1 (T) or -2, mapped 0; the address can be used afterwards",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	bad_frame(t, gfn_of(mem_unbacked(PAGE_BYTES)));
}

static void far_frame(struct test *t)
{
	bad_frame(t, t->desc->arg);
}

#define FAR(name, value) \
	{ .id = "pviommu.frame." name, .checks = "PVI-093", .given = "a frame far beyond all memory", \
	  .expects = "-1 (T) or -2, mapped 0; the address can be used afterwards", .needs = NEED_PVIOMMU | NEED_ENGINE, \
	  .arg = value, .body = far_frame }

TEST_TABLE(pviommu_map_far,
	FAR("beyond_40_bits", UINT64_C(0xffffffffff)), FAR("beyond_52_bits", BIT(52)), FAR("bit_63", BIT(63)),
	FAR("all_ones", UINT64_MAX));

TEST(pviommu_map_last_bad,
     .id = "pviommu.frame.last_of_batch",
     .checks = "PVI-094",
     .given = "a batch that runs from memory into frames that are none",
     .expects = "the error of such a frame; mapped tells how many pages came first, and those stay",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	enum { PAGES = 4 };
	struct page *p = page_alloc(t, PAGES * PAGE_BYTES, 0);
	struct pvref_memory memory;
	struct pvb_setup s;
	uint32_t n = 0;
	uint16_t ctx;

	pvx_setup(t, &s);
	memory = (struct pvref_memory){ gfn_of(p->pa), p->pa, PAGES, PVREF_RAM };
	s.domain.memory = &memory;
	s.domain.memory_n = 1;
	s.domain.default_blocking = true;
	if (t->engine->own_n)
		skip_unreached(t, "no engine that keeps nothing in memory");
	(void)pvx_remake(t, &s);
	ctx = pvx_start(t);
	expect_rc(t, "map_pages", pvx_try_map(t, ctx, PVX_A, gfn_of(p->pa), PAGES + 1, &n), no_frame(t));
	expect_eq(t, "mapped", n, PAGES);
	expect_write(t, iova_of(PVX_A + PAGES - 1), p, (PAGES - 1) * PAGE_BYTES, DMA_DONE);
	expect_write(t, iova_of(PVX_A + PAGES), p, 0, DMA_REFUSED);
	expect_rc(t, "unmap_pages of those", pvx_try_unmap(t, ctx, PVX_A, PAGES, &n), 0);
}

TEST(pviommu_map_local_apic,
     .id = "pviommu.frame.local_apic",
     .checks = "PVI-095",
     .given = "the frame of the local APIC",
     .expects = "refused, mapped 0",
     .needs = NEED_PVIOMMU)
{
	uint32_t n = 0;
	uint16_t ctx = pvx_context(t);

	expect_error(t, "map_pages of the local APIC", pvx_try_map(t, ctx, PVX_A, 0xfee00, 1, &n), no_frame(t));
	expect_eq(t, "mapped", n, 0);
}

TEST(pviommu_map_bar,
     .id = "pviommu.frame.device_bar",
     .checks = "PVI-096",
     .given = "a frame of the registers of a device that the domain owns",
     .expects = "0 (I, F), or -1: T; either of them: H",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	static const int64_t allowed[] = { 0, -XEN_EPERM, PVX_END };
	const struct pci_dev *d = t->engine->dev;
	uint16_t ctx = pvx_context(t);
	uint32_t n = 0;
	int64_t rc;

	for (unsigned i = 0; i < PCI_BARS; i++) {
		if (d->bars[i].kind == PCI_BAR_NONE || d->bars[i].kind == PCI_BAR_IO || !d->bars[i].base ||
		    !is_aligned(d->bars[i].base, PAGE_BYTES) || d->bars[i].len_bytes < PAGE_BYTES)
			continue;
		rc = pvx_try_map(t, ctx, PVX_A, gfn_of(PA(d->bars[i].base)), 1, &n);
		if (pvx_on_hypervisor(t))
			expect_rc_of(t, "map_pages of a BAR", rc, allowed);
		else
			expect_rc(t, "map_pages of a BAR", rc, pvx_by(t, -XEN_EPERM, 0, 0, 0));
		expect_eq(t, "mapped", n, rc == 0);
		expect_rc(t, "unmap_pages of it", pvx_try_unmap(t, ctx, PVX_A, 1, NULL), rc == 0 ? 0 : -XEN_ENOENT);
		return;
	}
	skip_unreached(t, "the engine has no registers in memory");
}

/* ---- frames that are not the domain's own, or go ---- */

TEST(pviommu_map_foreign,
     .id = "pviommu.frame.foreign",
     .checks = "PVI-097",
     .given = "a frame at which a page of another domain lies (a grant), from a domain that is not the hardware domain",
     .expects = "-1, mapped 0",
     .revisions = REV_IF | REV_H,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *own = page_alloc(t, PAGE_BYTES, 0), *foreign = page_alloc(t, PAGE_BYTES, 0);
	struct pvref_memory memory[2] = { { 0x1000, own->pa, 1, PVREF_RAM }, { 0x2000, foreign->pa, 1, PVREF_FOREIGN } };
	struct pvref_domain_config domains[2];
	struct pvb_setup s;
	struct pvio *guest;
	uint16_t ctx = 0;
	uint32_t n = 0;

	pvx_setup(t, &s);
	domains[0] = s.domain;
	domains[0].devices_n = 0;
	domains[1] = (struct pvref_domain_config){ .domid = PVB_GUEST, .max_ctx_no = 8, .memory = memory, .memory_n = 2,
						   .devices = s.domain.devices, .devices_n = s.domain.devices_n };
	s.config.domains = domains;
	s.config.domains_n = 2;
	(void)pvx_remake(t, &s);
	guest = pvx_client_of(t, PVB_GUEST);
	if (pvio_number(guest->revision, PVIO_INIT) >= 0)
		expect_rc(t, "init", pvio_init(guest, 8, PVX_ORDER), 0);
	expect_rc(t, "alloc_context", pvio_alloc_context(guest, 0, &ctx), 0);
	expect_rc(t, "map_pages of a foreign page",
		  pvio_map_pages(guest, &(struct pvio_range){ .ctx_no = ctx, .dfn = PVX_A, .gfn = 0x2000, .flags = PVX_RW,
							      .nr_pages = 1 }, &n), -XEN_EPERM);
	expect_eq(t, "mapped", n, 0);
	expect_rc(t, "map_pages of an own page",
		  pvio_map_pages(guest, &(struct pvio_range){ .ctx_no = ctx, .dfn = PVX_A, .gfn = 0x1000, .flags = PVX_RW,
							      .nr_pages = 1 }, &n), 0);
}

TEST(pviommu_map_foreign_dom0,
     .id = "pviommu.frame.foreign_hardware_domain",
     .checks = "PVI-097",
     .given = "a frame at which a page of another domain lies, from the hardware domain",
     .expects = "0 and reached (I, F); -1 (T, H)",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	const struct pvref_memory extra = { 0x8000000, p->pa, 1, PVREF_FOREIGN };
	struct pvref *r = pvx_reference(t);
	uint16_t ctx;
	int64_t rc;

	ctx = pvx_start(t);
	must(t, pvref_memory_add(r, PVB_DOM0, &extra), "a page of another domain");
	rc = pvx_try_map(t, ctx, PVX_A, extra.gfn, 1, NULL);
	expect_rc(t, "map_pages of a foreign page", rc, pvx_by(t, -XEN_EPERM, -XEN_EPERM, 0, 0));
	if (rc == 0)
		expect_reach(t, t->engine, PVX_A, p);
	else
		expect_no_reach(t, t->engine, PVX_A, p);
}

TEST(pviommu_map_balloon,
     .id = "pviommu.frame.ballooned_out",
     .checks = "PVI-117",
     .given = "a mapped page is to leave the domain",
     .expects = "refused while it is mapped, done once it is not; the device never reaches it then",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);
	struct pvref *r = pvx_reference(t);
	const struct pvref_memory extra = { 0x8000000, p->pa, 1, PVREF_RAM };

	must(t, pvref_memory_add(r, PVB_DOM0, &extra), "a page for the domain");
	expect_rc(t, "map_pages", pvx_try_map(t, ctx, PVX_A, extra.gfn, 1, NULL), 0);
	expect_reach(t, t->engine, PVX_A, p);
	expect_eq(t, "removing a mapped page", (uint64_t)(int64_t)pvref_memory_remove(r, PVB_DOM0, extra.gfn, 1),
		  (uint64_t)(int64_t)ERR_BUSY);
	expect_reach(t, t->engine, PVX_A, p);
	pvx_unmap(t, ctx, PVX_A, 1);
	expect_eq(t, "removing it", (uint64_t)(int64_t)pvref_memory_remove(r, PVB_DOM0, extra.gfn, 1), OK);
	expect_no_reach(t, t->engine, PVX_A, p);
	expect_error(t, "map_pages of what has gone", pvx_try_map(t, ctx, PVX_A, extra.gfn, 1, NULL), no_frame(t));
}
