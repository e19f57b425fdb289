/* PV-IOMMU: attach_pasid and detach_pasid. */
#include "tests/pviommu/fixture.h"

#define PASID 5u

static void without(struct test *t, uint32_t caps)
{
	struct pvb_setup s;

	if (!pvx_on_hypervisor(t)) {
		pvx_setup(t, &s);
		s.config.caps &= ~caps;
		(void)pvx_remake(t, &s);
	}
	(void)pvx(t);
	(void)pvio_query_capabilities(pvx(t));
	if (pvx(t)->caps.flags & caps)
		skip(t, "it is offered");
}

/* The client of a machine that offers PASIDs, and its device. */
static struct pvio *with_pasids(struct test *t, struct pci_addr *dev)
{
	struct pvio *p = pvx(t);

	(void)pvio_query_capabilities(p);
	if (!(p->caps.flags & PVIO_CAP_PASID))
		skip(t, "PASIDs are not offered");
	*dev = t->engine->dev->addr;
	return p;
}

TEST(pviommu_pasid_absent,
     .id = "pviommu.pasid.not_offered",
     .checks = "PVI-179",
     .given = "attach_pasid and detach_pasid where PASIDs are not offered, also with bad pointers",
     .expects = "-95 each time",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pvio *p;
	uint16_t ctx;

	without(t, PVIO_CAP_PASID);
	p = pvx(t);
	ctx = pvx_context(t);
	expect_rc(t, "attach_pasid", pvio_attach_pasid(p, ctx, t->engine->dev->addr, PASID), -XEN_EOPNOTSUPP);
	expect_rc(t, "detach_pasid", pvio_detach_pasid(p, t->engine->dev->addr, PASID), -XEN_EOPNOTSUPP);
	expect_rc(t, "attach_pasid, bad pointer", pvio_command(p, PVIO_ATTACH_PASID, (void *)(uintptr_t)1), -XEN_EOPNOTSUPP);
	expect_rc(t, "detach_pasid, bad pointer", pvio_command(p, PVIO_DETACH_PASID, (void *)(uintptr_t)1), -XEN_EOPNOTSUPP);
}

TEST(pviommu_pasid_zero,
     .id = "pviommu.pasid.zero",
     .checks = "PVI-180",
     .given = "attach_pasid and detach_pasid of PASID 0",
     .expects = "-22 each time",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pci_addr dev;
	struct pvio *p = with_pasids(t, &dev);
	uint16_t ctx = pvx_context(t);

	expect_rc(t, "attach_pasid", pvio_attach_pasid(p, ctx, dev, 0), -XEN_EINVAL);
	expect_rc(t, "detach_pasid", pvio_detach_pasid(p, dev, 0), -XEN_EINVAL);
}

TEST(pviommu_pasid_twice,
     .id = "pviommu.pasid.twice",
     .checks = "PVI-181",
     .given = "a PASID attached twice, also to another context, and detached twice",
     .expects = "0, -17, -17; 0, -2",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pci_addr dev;
	struct pvio *p = with_pasids(t, &dev);
	uint16_t ctx = pvx_context(t), other = pvx_context(t);

	expect_rc(t, "attach_pasid", pvio_attach_pasid(p, ctx, dev, PASID), 0);
	expect_rc(t, "attach_pasid again", pvio_attach_pasid(p, ctx, dev, PASID), -XEN_EEXIST);
	expect_rc(t, "attach_pasid to another context", pvio_attach_pasid(p, other, dev, PASID), -XEN_EEXIST);
	expect_rc(t, "attach_pasid of another", pvio_attach_pasid(p, other, dev, PASID + 1), 0);
	expect_rc(t, "detach_pasid", pvio_detach_pasid(p, dev, PASID), 0);
	expect_rc(t, "detach_pasid again", pvio_detach_pasid(p, dev, PASID), -XEN_ENOENT);
	expect_rc(t, "detach_pasid of the other", pvio_detach_pasid(p, dev, PASID + 1), 0);
}

TEST(pviommu_pasid_bounds,
     .id = "pviommu.pasid.bounds",
     .checks = "PVI-182",
     .given = "attach_pasid of the last PASID, of one more, of an absent device, to no context",
     .expects = "0; an error; -2; an error",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pci_addr dev, absent = { .sid = SID(255, 31, 7) };
	struct pvio *p = with_pasids(t, &dev);
	uint16_t ctx = pvx_context(t);
	uint32_t max = p->caps.max_pasid;

	expect_rc(t, "attach_pasid of the last", pvio_attach_pasid(p, ctx, dev, max), 0);
	expect_error(t, "attach_pasid of one more", pvio_attach_pasid(p, ctx, dev, max + 1), -XEN_EINVAL);
	expect_error(t, "attach_pasid of 0xffffffff", pvio_attach_pasid(p, ctx, dev, UINT32_MAX), -XEN_EINVAL);
	expect_rc(t, "attach_pasid of an absent device", pvio_attach_pasid(p, ctx, absent, PASID), -XEN_ENOENT);
	expect_error(t, "attach_pasid to no context", pvio_attach_pasid(p, 65535, dev, PASID), -XEN_ENOENT);
	expect_rc(t, "detach_pasid of an absent device", pvio_detach_pasid(p, absent, PASID), -XEN_ENOENT);
	expect_rc(t, "detach_pasid of the last", pvio_detach_pasid(p, dev, max), 0);
}

static void expect_tagged(struct test *t, uint64_t dfn, uint32_t pasid, struct page *p, enum dma_outcome expected)
{
	struct dma_request rq = { .iova = iova_of(dfn), .len_bytes = dma_small_bytes(t, t->engine), .has_pasid = true,
				  .pasid = pasid };

	expect_dma(t, t->engine, &rq, true, p, 0, expected);
	expect_dma(t, t->engine, &rq, false, p, 0, expected);
}

TEST(pviommu_pasid_dma,
     .id = "pviommu.pasid.separate",
     .checks = "PVI-183",
     .given = "one address in three contexts: the device's own and those of two PASIDs; one is detached",
     .expects = "each request reaches its own page; then that PASID is refused, the others go on",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE | NEED_ENGINE_PASID)
{
	struct page *page[3];
	struct pci_addr dev;
	struct pvio *p = with_pasids(t, &dev);
	uint16_t ctx[3];

	for (unsigned i = 0; i < 3; i++) {
		page[i] = page_alloc(t, PAGE_BYTES, 0);
		ctx[i] = i ? pvx_context(t) : pvx_start(t);
		pvx_map(t, ctx[i], PVX_A, page[i]->pa, 1, PVX_RW);
		if (i)
			expect_rc(t, "attach_pasid", pvio_attach_pasid(p, ctx[i], dev, PASID + i), 0);
	}
	for (unsigned round = 0; round < 2; round++) {
		expect_reach(t, t->engine, PVX_A, page[0]);
		expect_tagged(t, PVX_A, PASID + 1, page[1], DMA_DONE);
		expect_tagged(t, PVX_A, PASID + 2, page[2], DMA_DONE);
	}
	expect_rc(t, "detach_pasid", pvio_detach_pasid(p, dev, PASID + 1), 0);
	expect_tagged(t, PVX_A, PASID + 1, page[1], DMA_REFUSED);
	expect_tagged(t, PVX_A, PASID + 2, page[2], DMA_DONE);
	expect_reach(t, t->engine, PVX_A, page[0]);
	expect_rc(t, "detach_pasid", pvio_detach_pasid(p, dev, PASID + 2), 0);
}

TEST(pviommu_pasid_free,
     .id = "pviommu.pasid.free_context",
     .checks = "PVI-184",
     .given = "free_context with a PASID inside, without and with the flag",
     .expects = "-16, and its requests still go through; 0, and they are refused or in context 0",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE | NEED_ENGINE_PASID)
{
	struct page *page = page_alloc(t, PAGE_BYTES, 0);
	struct pci_addr dev;
	struct pvio *p = with_pasids(t, &dev);
	uint16_t ctx = pvx_context(t);

	pvx_map(t, ctx, PVX_A, page->pa, 1, PVX_RW);
	expect_rc(t, "attach_pasid", pvio_attach_pasid(p, ctx, dev, PASID), 0);
	expect_tagged(t, PVX_A, PASID, page, DMA_DONE);
	expect_rc(t, "free_context", pvio_free_context(p, ctx, 0), -XEN_EBUSY);
	expect_tagged(t, PVX_A, PASID, page, DMA_DONE);
	pvx_disowns(t, ctx);
	expect_rc(t, "free_context with the flag", pvio_free_context(p, ctx, PVIO_FREE_REATTACH_DEFAULT), 0);
	expect_tagged(t, PVX_A, PASID, page, DMA_REFUSED);
	expect_rc(t, "detach_pasid", pvio_detach_pasid(p, dev, PASID), -XEN_ENOENT);
}
