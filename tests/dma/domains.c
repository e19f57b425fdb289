/* Contract: domains keep requesters apart, or let them share. */
#include "tests/dma/fixture.h"

TEST(dma_detached,
     .id = "dma.attach.refused_before",
     .given = "a requester that was never attached",
     .expects = "its read and its write are refused; attached, they succeed",
     .needs = NEED_ENGINE | NEED_ENGINE_DIRECT,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_filled(t, 0x5a);
	struct domain *d = dfx_domain(t, DOMAIN_PAGED);

	dfx_map(t, d, DMA_A, p->pa, PAGE_BYTES, PERM_RW);
	expect_write(t, DMA_A, p, 0, DMA_REFUSED);
	expect_refusal_told(t, t->engine, DMA_A, true);
	expect_read(t, DMA_A, p, 0, DMA_REFUSED);
	expect_refusal_told(t, t->engine, DMA_A, false);
	dfx_attach(t, d, t->engine);
	expect_write(t, DMA_A, p, 0, DMA_DONE);
	expect_read(t, DMA_A, p, 0, DMA_DONE);
	expect_no_refusal_told(t);
}

TEST(dma_detach,
     .id = "dma.attach.detached",
     .given = "two requesters in one domain, one detached after use",
     .expects = "it is refused, the other one goes on; attached again, it is back",
     .needs = NEED_ENGINE_WRITE | NEED_ENGINE_2 | NEED_ENGINE_DIRECT,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_filled(t, 1);
	struct domain *d = dfx_start(t);
	uint32_t n = (uint32_t)max_u64(t->engine2->caps.granule_bytes, 16);

	dfx_attach(t, d, t->engine2);
	dfx_map(t, d, DMA_A, p->pa, PAGE_BYTES, PERM_RW);
	expect_write(t, DMA_A, p, 0, DMA_DONE);
	dfx_detach(t, d, t->engine);
	expect_write_by(t, t->engine2, DMA_A, n, p, 0, DMA_DONE);
	expect_no_refusal_told(t);
	expect_write(t, DMA_A, p, 0, DMA_REFUSED);
	expect_refusal_told(t, t->engine, DMA_A, true);
	dfx_attach(t, d, t->engine);
	expect_write(t, DMA_A, p, 0, DMA_DONE);
}

TEST(dma_attach_rules,
     .id = "dma.attach.rules",
     .given = "attaching twice, detaching what is not attached, destroying a domain in use",
     .expects = "each is refused with its own status and changes nothing",
     .needs = NEED_ENGINE_WRITE,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_filled(t, 1);
	struct domain *d = dfx_start(t), *other = dfx_domain(t, DOMAIN_PAGED);
	const struct iommu_ops *ops = t->iommu->ops;
	struct requester r = dfx_requester(t->engine);

	expect_status(t, "attach to the same domain", ops->attach(d, r), ERR_EXISTS);
	expect_status(t, "attach to another domain", ops->attach(other, r), ERR_EXISTS);
	expect_status(t, "detach from another domain", ops->detach(other, r), ERR_NOT_FOUND);
	expect_status(t, "destroy of a domain in use", ops->domain_destroy(d), ERR_BUSY);
	dfx_map(t, d, DMA_A, p->pa, PAGE_BYTES, PERM_RW);
	expect_write(t, DMA_A, p, 0, DMA_DONE);
}

TEST(dma_moved,
     .id = "dma.attach.moved",
     .given = "a requester moved from one domain to another that maps the same IOVA elsewhere",
     .expects = "it reaches the new domain's memory",
     .needs = NEED_ENGINE_WRITE,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_filled(t, 1), *q = page_filled(t, 2);
	struct domain *d = dfx_start(t), *other = dfx_domain(t, DOMAIN_PAGED);

	dfx_map(t, d, DMA_A, p->pa, PAGE_BYTES, PERM_RW);
	dfx_map(t, other, DMA_A, q->pa, PAGE_BYTES, PERM_RW);
	expect_write(t, DMA_A, p, 0, DMA_DONE);
	dfx_detach(t, d, t->engine);
	dfx_attach(t, other, t->engine);
	expect_write(t, DMA_A, q, 0, DMA_DONE);
	expect_no_refusal_told(t);
}

TEST(dma_isolation,
     .id = "dma.domain.isolation",
     .given = "two requesters in two domains, one IOVA mapped in both to different memory",
     .expects = "each reaches its own memory only",
     .needs = NEED_ENGINE_WRITE | NEED_ENGINE_2,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_filled(t, 1), *q = page_filled(t, 2);
	struct domain *d = dfx_start(t), *other = dfx_domain(t, DOMAIN_PAGED);
	uint32_t n = (uint32_t)max_u64(t->engine2->caps.granule_bytes, 16);

	dfx_attach(t, other, t->engine2);
	dfx_map(t, d, DMA_A, p->pa, PAGE_BYTES, PERM_RW);
	dfx_map(t, other, DMA_A, q->pa, PAGE_BYTES, PERM_RW);
	expect_write(t, DMA_A, p, 0, DMA_DONE);
	expect_write_by(t, t->engine2, DMA_A, n, q, 0, DMA_DONE);
	dfx_map(t, d, DMA_B, p->pa, PAGE_BYTES, PERM_RW);
	expect_write(t, DMA_B, p, 0, DMA_DONE);
	expect_no_refusal_told(t);
	expect_write_by(t, t->engine2, DMA_B, n, p, 0, DMA_REFUSED);
	expect_refusal_told(t, t->engine2, DMA_B, true);
}

TEST(dma_shared,
     .id = "dma.domain.shared",
     .given = "two requesters in one domain",
     .expects = "both reach the same memory; after unmap and flush, neither",
     .needs = NEED_ENGINE_WRITE | NEED_ENGINE_2,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_filled(t, 1);
	struct domain *d = dfx_start(t);
	uint32_t n = (uint32_t)max_u64(t->engine2->caps.granule_bytes, 16);

	dfx_attach(t, d, t->engine2);
	dfx_map(t, d, DMA_A, p->pa, PAGE_BYTES, PERM_RW);
	expect_write(t, DMA_A, p, 0, DMA_DONE);
	expect_write_by(t, t->engine2, DMA_A, n, p, 0, DMA_DONE);
	expect_no_refusal_told(t);
	dfx_unmap(t, d, DMA_A, PAGE_BYTES);
	expect_write(t, DMA_A, p, 0, DMA_REFUSED);
	expect_refusal_told(t, t->engine, DMA_A, true);
	expect_write_by(t, t->engine2, DMA_A, n, p, 0, DMA_REFUSED);
	expect_refusal_told(t, t->engine2, DMA_A, true);
}

TEST(dma_many,
     .id = "dma.domain.many",
     .given = "as many domains as the backend allows, 32 at most, one requester moved through all",
     .expects = "in each it reaches that domain's memory",
     .needs = NEED_ENGINE_WRITE,
     .flags = TEST_PER_BACKEND)
{
	unsigned n = (unsigned)min_u64(t->iommu->caps.domains_max, 32);
	struct page *p = page_alloc(t, 32 * PAGE_BYTES, 0);
	struct domain *domains[32];

	for (unsigned i = 0; i < n; i++) {
		domains[i] = dfx_domain(t, DOMAIN_PAGED);
		dfx_map(t, domains[i], DMA_A, pa_add(p->pa, i * PAGE_BYTES), PAGE_BYTES, PERM_RW);
	}
	for (unsigned i = 0; i < n; i++) {
		dfx_attach(t, domains[i], t->engine);
		expect_write(t, DMA_A, p, i * PAGE_BYTES, DMA_DONE);
		dfx_detach(t, domains[i], t->engine);
	}
	expect_no_refusal_told(t);
}

TEST(dma_passthrough,
     .id = "dma.domain.passthrough",
     .given = "a requester in a pass-through domain",
     .expects = "the IOVA is the physical address",
     .needs = NEED_ENGINE,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_filled(t, 1);

	if (!(t->iommu->caps.flags & IOMMU_HAS_PASSTHROUGH))
		skip(t, "the backend has no pass-through");
	dfx_attach(t, dfx_domain(t, DOMAIN_PASSTHROUGH), t->engine);
	expect_write(t, IOVA(p->pa.v), p, 0, DMA_DONE);
	expect_read(t, IOVA(p->pa.v), p, 0, DMA_DONE);
	expect_no_refusal_told(t);
}

TEST(dma_leak,
     .id = "dma.domain.leaves_no_memory",
     .given = "a domain with scattered mappings of all sizes, destroyed",
     .expects = "as many free pages as before",
     .flags = TEST_PER_BACKEND)
{
	const struct iommu_ops *ops = t->iommu->ops;
	bool own_only = t->iommu->caps.flags & IOMMU_OWN_MEMORY_ONLY;
	pa_t pa = own_only ? page_alloc(t, 20 * PAGE_BYTES, 0)->pa : PA(BIT(30));
	size_t before = mem_free_pages();
	struct domain *d = NULL;

	must(t, ops->domain_create(t->iommu, DOMAIN_PAGED, &d), "creating a domain");
	for (unsigned i = 0; i < 20; i++)
		expect_status(t, "map", ops->map(d, IOVA(i * UINT64_C(0x1234567000)), pa, BIT(12) * (i + 1), PERM_RW,
						 0), i * UINT64_C(0x1234567000) < pow2(t->iommu->caps.input_bits) ?
						     OK : ERR_INVALID);
	if (!own_only)
		must(t, ops->map(d, IOVA(BIT(37) + BIT(30)), PA(BIT(30)), BIT(30), PERM_RW, 0), "mapping 1 GiB");
	must(t, ops->domain_destroy(d), "destroying a domain");
	expect_true(t, mem_free_pages() == before, "as many free pages as before");
}
