/* Contract: a PASID is a requester of its own, beside the function without PASID. */
#include "tests/dma/fixture.h"

#define NEEDS (NEED_ENGINE_WRITE | NEED_ENGINE_PASID | NEED_ENGINE_DIRECT)

/* Two in one table of 64, one in another. */
static const uint32_t pasids[] = { 5, 6, 70 };

static void need_pasid(struct test *t)
{
	if (!(t->iommu->caps.flags & IOMMU_HAS_PASID))
		skip(t, "the backend has no PASIDs");
}

static struct requester with(const struct test *t, uint32_t pasid)
{
	struct requester r = dfx_requester(t->engine);

	r.has_pasid = pasid != 0;
	r.pasid = pasid;
	return r;
}

/* A write to DMA_A with a PASID (0: without) reaches p; or, p NULL, is refused and told. */
static bool writes(struct test *t, uint32_t pasid, struct page *p)
{
	struct dma_request rq = { .iova = DMA_A, .len_bytes = dma_small_bytes(t, t->engine), .has_pasid = pasid != 0,
				  .pasid = pasid };
	bool good = expect_dma(t, t->engine, &rq, true, p, 0, p ? DMA_DONE : DMA_REFUSED);

	good = (p ? expect_no_refusal_told(t) : expect_refusal_told(t, t->engine, DMA_A, true)) && good;
	if (!good)
		note(t, "PASID %u", pasid);
	return good;
}

TEST(dma_pasid_spaces,
     .id = "dma.pasid.spaces",
     .given = "one function: three PASIDs and none, each in a domain of its own, attached after a refused access",
     .expects = "each reaches its own memory; one that is unmapped or detached is refused, the others go on",
     .needs = NEEDS,
     .flags = TEST_PER_BACKEND)
{
	struct domain *d[ARRAY_LEN(pasids)];
	struct page *p[ARRAY_LEN(pasids)], *plain = page_filled(t, 9);

	need_pasid(t);
	for (unsigned i = 0; i < ARRAY_LEN(pasids); i++) {
		p[i] = page_filled(t, (uint8_t)i);
		d[i] = dfx_domain(t, DOMAIN_PAGED);
		dfx_map(t, d[i], DMA_A, p[i]->pa, PAGE_BYTES, PERM_RW);
		writes(t, pasids[i], NULL);
		dfx_attach_as(t, d[i], with(t, pasids[i]));
		writes(t, pasids[i], p[i]);
	}
	writes(t, 0, NULL);
	dfx_map(t, dfx_start(t), DMA_A, plain->pa, PAGE_BYTES, PERM_RW);
	writes(t, 0, plain);
	for (unsigned i = 0; i < ARRAY_LEN(pasids); i++)
		writes(t, pasids[i], p[i]);
	dfx_unmap(t, d[0], DMA_A, PAGE_BYTES);
	dfx_detach_as(t, d[2], with(t, pasids[2]));
	writes(t, pasids[0], NULL);
	writes(t, pasids[1], p[1]);
	writes(t, pasids[2], NULL);
	writes(t, 0, plain);
	dfx_map(t, d[0], DMA_A, p[0]->pa, PAGE_BYTES, PERM_RW);
	dfx_attach_as(t, d[2], with(t, pasids[2]));
	writes(t, pasids[0], p[0]);
	writes(t, pasids[2], p[2]);
}

TEST(dma_pasid_shared,
     .id = "dma.pasid.shared",
     .given = "one domain with three PASIDs and none of one function; a page in use unmapped, then mapped elsewhere",
     .expects = "all are refused, then all reach the other memory",
     .needs = NEEDS,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_filled(t, 1), *q = page_filled(t, 2);
	struct domain *d;

	need_pasid(t);
	d = dfx_start(t);
	for (unsigned i = 0; i < ARRAY_LEN(pasids); i++)
		dfx_attach_as(t, d, with(t, pasids[i]));
	dfx_map(t, d, DMA_A, p->pa, PAGE_BYTES, PERM_RW);
	for (unsigned turn = 0; turn < 2; turn++) {
		struct page *now = turn ? q : p;

		writes(t, 0, now);
		for (unsigned i = 0; i < ARRAY_LEN(pasids); i++)
			writes(t, pasids[i], now);
		dfx_unmap(t, d, DMA_A, PAGE_BYTES);
		writes(t, 0, NULL);
		for (unsigned i = 0; i < ARRAY_LEN(pasids); i++)
			writes(t, pasids[i], NULL);
		dfx_map(t, d, DMA_A, q->pa, PAGE_BYTES, PERM_RW);
	}
}

TEST(dma_pasid_last,
     .id = "dma.pasid.last_detached",
     .given = "a PASID without its function; then the function; then each detached in turn, and both again",
     .expects = "what is attached works, what is not is refused",
     .needs = NEEDS,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_filled(t, 1), *q = page_filled(t, 2);
	struct domain *d, *plain;

	need_pasid(t);
	d = dfx_domain(t, DOMAIN_PAGED);
	plain = dfx_domain(t, DOMAIN_PAGED);
	dfx_map(t, d, DMA_A, p->pa, PAGE_BYTES, PERM_RW);
	dfx_map(t, plain, DMA_A, q->pa, PAGE_BYTES, PERM_RW);
	for (unsigned turn = 0; turn < 2; turn++) {
		uint32_t first = turn ? 0 : 6, second = turn ? 6 : 0;

		dfx_attach_as(t, first ? d : plain, with(t, first));
		writes(t, first, first ? p : q);
		writes(t, second, NULL);
		dfx_attach_as(t, second ? d : plain, with(t, second));
		writes(t, second, second ? p : q);
		dfx_detach_as(t, first ? d : plain, with(t, first));
		writes(t, first, NULL);
		writes(t, second, second ? p : q);
		dfx_detach_as(t, second ? d : plain, with(t, second));
		writes(t, second, NULL);
	}
}

TEST(dma_pasid_rules,
     .id = "dma.pasid.rules",
     .given = "attaching PASID 0, one too wide, one twice; detaching one that is not attached",
     .expects = "each is refused with its own status",
     .needs = NEED_ENGINE_WRITE,
     .flags = TEST_PER_BACKEND)
{
	const struct iommu_ops *ops = t->iommu->ops;
	struct requester r = dfx_requester(t->engine);
	struct domain *d = dfx_domain(t, DOMAIN_PAGED);

	r.has_pasid = true;
	r.pasid = 5;
	if (!(t->iommu->caps.flags & IOMMU_HAS_PASID)) {
		expect_status(t, "attach with a PASID", ops->attach(d, r), ERR_UNSUPPORTED);
		return;
	}
	dfx_attach_as(t, d, r);
	expect_status(t, "attach again", ops->attach(d, r), ERR_EXISTS);
	r.pasid = 0;
	expect_status(t, "attach of PASID 0", ops->attach(d, r), ERR_INVALID);
	r.pasid = BIT(20);
	expect_status(t, "attach of a PASID of 21 bits", ops->attach(d, r), ERR_INVALID);
	r.pasid = 6;
	expect_status(t, "detach of what is not attached", ops->detach(d, r), ERR_NOT_FOUND);
}

TEST(dma_pasid_reused,
     .id = "dma.pasid.domain_reused",
     .given = "a PASID's domain used, detached and destroyed while the function stays attached; then another one",
     .expects = "the other memory is reached, the first one no more",
     .needs = NEEDS,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_alloc(t, 4 * PAGE_BYTES, 0);

	need_pasid(t);
	(void)dfx_start(t);
	for (unsigned i = 0; i < 4; i++) {
		struct dma_request rq = { .iova = DMA_A, .len_bytes = dma_small_bytes(t, t->engine), .has_pasid = true,
					  .pasid = 5 };
		struct domain *d = dfx_domain(t, DOMAIN_PAGED);

		dfx_map(t, d, DMA_A, pa_add(p->pa, i * PAGE_BYTES), PAGE_BYTES, PERM_RW);
		dfx_attach_as(t, d, with(t, 5));
		expect_dma(t, t->engine, &rq, true, p, i * PAGE_BYTES, DMA_DONE);
		expect_no_refusal_told(t);
		dfx_detach_as(t, d, with(t, 5));
		dfx_drop(t, d);
	}
}
