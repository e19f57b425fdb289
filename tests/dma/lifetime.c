/* Contract: what comes after a refusal, what flushes refuse, and what a backend leaves behind. */
#include "tests/dma/fixture.h"

TEST(dma_after_refusal,
     .id = "dma.attach.after_refusal",
     .given = "each engine in turn refused, then attached to one domain, refused at an address that is mapped then",
     .expects = "DMA succeeds",
     .needs = NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT,
     .flags = TEST_PER_BACKEND)
{
	struct domain *d = dfx_domain(t, DOMAIN_PAGED);
	struct page *p = page_alloc(t, DFX_ATTACH_MAX * PAGE_BYTES, 0);
	unsigned n = 0;

	for (unsigned i = 0; i < t->bench->engines_n && n < DFX_ATTACH_MAX; i++) {
		struct engine *e = &t->bench->engines[i];
		uint32_t bytes = (uint32_t)max_u64(e->caps.granule_bytes, 16);
		iova_t at = iova_add(DMA_A, n * PAGE_BYTES);

		if (e->own_n || (e->caps.flags & (DMA_CAN_WRITE | DMA_ONE_TLP)) != (DMA_CAN_WRITE | DMA_ONE_TLP))
			continue;
		expect_write_by(t, e, at, bytes, p, n * PAGE_BYTES, DMA_REFUSED);
		expect_refusal_told(t, e, at, true);
		dfx_attach(t, d, e);
		expect_write_by(t, e, at, bytes, p, n * PAGE_BYTES, DMA_REFUSED);
		expect_refusal_told(t, e, at, true);
		dfx_map(t, d, at, pa_add(p->pa, n * PAGE_BYTES), PAGE_BYTES, PERM_RW);
		expect_write_by(t, e, at, bytes, p, n * PAGE_BYTES, DMA_DONE);
		expect_no_refusal_told(t);
		n++;
	}
	if (!n)
		skip_unreached(t, "no engine with one request for each access");
}

TEST(dma_domain_reused,
     .id = "dma.domain.reused",
     .given = "a domain used, detached and destroyed; another one made that maps the same address elsewhere",
     .expects = "the other memory is reached, the first one no more",
     .needs = NEED_ENGINE_WRITE,
     .flags = TEST_PER_BACKEND)
{
	struct page *p = page_alloc(t, 4 * PAGE_BYTES, 0);

	for (unsigned i = 0; i < 4; i++) {
		struct domain *d = dfx_start(t);

		dfx_map(t, d, DMA_A, pa_add(p->pa, i * PAGE_BYTES), PAGE_BYTES, PERM_RW);
		expect_write(t, DMA_A, p, i * PAGE_BYTES, DMA_DONE);
		expect_no_refusal_told(t);
		dfx_detach(t, d, t->engine);
		dfx_drop(t, d);
	}
}

TEST(dma_flush_rules,
     .id = "dma.flush.rules",
     .given = "flushes of nothing, of part of a page, of what lies outside the width, of the last page",
     .expects = "ERR_INVALID, but for the last page",
     .flags = TEST_PER_BACKEND)
{
	const struct iommu_ops *ops = t->iommu->ops;
	uint64_t end = pow2(t->iommu->caps.input_bits);
	struct domain *d = dfx_domain(t, DOMAIN_PAGED);

	expect_status(t, "flush of 0 bytes", ops->flush(d, DMA_A, 0), ERR_INVALID);
	expect_status(t, "flush of half a page", ops->flush(d, DMA_A, PAGE_BYTES / 2), ERR_INVALID);
	expect_status(t, "flush from inside a page", ops->flush(d, iova_add(DMA_A, 8), PAGE_BYTES), ERR_INVALID);
	expect_status(t, "flush above the width", ops->flush(d, IOVA(end), PAGE_BYTES), ERR_INVALID);
	expect_status(t, "flush across the end", ops->flush(d, IOVA(end - PAGE_BYTES), 2 * PAGE_BYTES), ERR_INVALID);
	expect_status(t, "flush of the last page", ops->flush(d, IOVA(end - PAGE_BYTES), PAGE_BYTES), OK);
}

/* Everything that a backend allocates: domains, tables above the page tables, the queue. */
TEST(dma_backend_leak,
     .id = "dma.backend.leaves_no_memory",
     .given = "each backend created, an engine attached, a page mapped, detached, destroyed",
     .expects = "as many free pages as before",
     .needs = NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);

	if (!t->bench->backends_n)
		skip(t, "no backend");
	for (unsigned i = 0; i < t->bench->backends_n; i++) {
		const struct backend *b = t->bench->backends[i];
		size_t before = mem_free_pages();
		struct requester r = dfx_requester(t->engine);
		struct domain *d = NULL;
		struct iommu *io = NULL;

		must(t, b->create(t->bench, &io), "creating a backend");
		must(t, io->ops->domain_create(io, DOMAIN_PAGED, &d), "creating a domain");
		must(t, io->ops->attach(d, r), "attaching");
		must(t, io->ops->map(d, DMA_A, p->pa, PAGE_BYTES, PERM_R, 0), "mapping");
		must(t, io->ops->detach(d, r), "detaching");
		must(t, io->ops->domain_destroy(d), "destroying a domain");
		b->destroy(io);
		if (!expect_eq(t, "free pages", mem_free_pages(), before))
			note(t, "%s", b->name);
	}
}

TEST(dma_passthrough_rules,
     .id = "dma.domain.passthrough_rules",
     .given = "map, unmap, flush and lookup in a pass-through domain",
     .expects = "nothing can be mapped or unmapped, flushing is nothing, every address is its own",
     .flags = TEST_PER_BACKEND)
{
	const struct iommu_ops *ops = t->iommu->ops;
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint64_t bytes = 1;
	struct domain *d;
	unsigned perm = 0;
	pa_t pa = PA(0);

	if (!(t->iommu->caps.flags & IOMMU_HAS_PASSTHROUGH)) {
		expect_status(t, "create", ops->domain_create(t->iommu, DOMAIN_PASSTHROUGH, &d), ERR_UNSUPPORTED);
		return;
	}
	d = dfx_domain(t, DOMAIN_PASSTHROUGH);
	expect_status(t, "map", ops->map(d, DMA_A, p->pa, PAGE_BYTES, PERM_RW, 0), ERR_UNSUPPORTED);
	expect_status(t, "unmap", ops->unmap(d, DMA_A, PAGE_BYTES, &bytes), ERR_UNSUPPORTED);
	expect_eq(t, "bytes unmapped", bytes, 0);
	expect_status(t, "flush", ops->flush(d, DMA_A, PAGE_BYTES), OK);
	expect_status(t, "lookup", ops->lookup(d, IOVA(p->pa.v), &pa, &perm), OK);
	expect_true(t, pa.v == p->pa.v, "an address is its own");
	expect_eq(t, "permission", perm, PERM_RW);
}

TEST(dma_exhausted,
     .id = "dma.domain.exhausted",
     .given = "domains created until no more can be, on a backend with few; then one destroyed",
     .expects = "as many as it claims, then ERR_FULL; after one is destroyed, one more",
     .flags = TEST_PER_BACKEND)
{
	const struct iommu_ops *ops = t->iommu->ops;
	struct domain *d[DFX_DOMAINS_MAX], *more = NULL;
	unsigned n = t->iommu->caps.domains_max;

	if (n > DFX_DOMAINS_MAX)
		skip(t, "%u domains are more than the test asks for", n);
	for (unsigned i = 0; i < n; i++)
		d[i] = dfx_domain(t, DOMAIN_PAGED);
	expect_status(t, "one more", ops->domain_create(t->iommu, DOMAIN_PAGED, &more), ERR_FULL);
	if (more)
		must(t, ops->domain_destroy(more), "destroying a domain");
	dfx_drop(t, d[n / 2]);
	d[n / 2] = dfx_domain(t, DOMAIN_PAGED);
	expect_status(t, "one more again", ops->domain_create(t->iommu, DOMAIN_PAGED, &more), ERR_FULL);
}

/* Entries that are a valid tree of every format: each leads to target, and so does target. */
static void spoil(pa_t at, const struct page *target)
{
	uint64_t *w = mem_ptr(at, PAGE_BYTES);

	for (unsigned i = 0; i < PAGE_BYTES / sizeof(*w); i++)
		w[i] = target->pa.v | 0x67;
	cache_write_back(w, PAGE_BYTES);
}

#define SPOILED 64

/* Free pages, as many as can be had, spoiled; they stay taken. Returns how many. */
static unsigned spoil_free(const struct page *target, pa_t list[SPOILED])
{
	unsigned n = 0;

	for (; n < SPOILED && mem_alloc(PAGE_BYTES, PAGE_BYTES, &list[n]) == OK; n++)
		spoil(list[n], target);
	spoil(target->pa, target);
	return n;
}

TEST(dma_tables_gone,
     .id = "dma.unmap.tables_gone",
     .given = "a page used, unmapped, flushed, alone in its tables; free memory filled with entries",
     .expects = "the page is refused; the tables were given back",
     .needs = NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT,
     .flags = TEST_PER_BACKEND)
{
	struct page *target = page_alloc(t, PAGE_BYTES, 0), *p = page_filled(t, 1);
	struct domain *d = dfx_start(t);
	size_t before = mem_free_pages();
	pa_t list[SPOILED];
	unsigned n;

	for (unsigned i = 0; i < 2; i++) {
		dfx_map(t, d, DMA_A, p->pa, PAGE_BYTES, PERM_RW);
		expect_write(t, DMA_A, p, 0, DMA_DONE);
		dfx_unmap(t, d, DMA_A, PAGE_BYTES);
		expect_eq(t, "free pages", mem_free_pages(), before);
		n = spoil_free(target, list);
		expect_write(t, DMA_A, target, 0, DMA_REFUSED);
		expect_refusal_told(t, t->engine, DMA_A, true);
		while (n > 0)
			mem_free(list[--n], PAGE_BYTES);
	}
}

TEST(dma_reused_memory,
     .id = "dma.map.reused_memory",
     .given = "memory that held entries, written back and freed; then a domain made of it, one page mapped",
     .expects = "that page is reached, and nothing else",
     .needs = NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT,
     .flags = TEST_PER_BACKEND)
{
	struct page *target = page_alloc(t, PAGE_BYTES, 0), *p;
	pa_t list[SPOILED];
	struct domain *d;
	unsigned n;

	for (n = spoil_free(target, list); n > 0;)
		mem_free(list[--n], PAGE_BYTES);
	p = page_filled(t, 1);
	d = dfx_start(t);
	expect_write(t, DMA_A, target, 0, DMA_REFUSED);
	expect_refusal_told(t, t->engine, DMA_A, true);
	dfx_map(t, d, DMA_A, p->pa, PAGE_BYTES, PERM_RW);
	expect_write(t, DMA_A, p, 0, DMA_DONE);
	for (unsigned bits = 12; bits <= 36; bits += 3) {
		iova_t other = IOVA(DMA_A.v ^ pow2(bits));

		if (!expect_write(t, other, target, 0, DMA_REFUSED) || !expect_refusal_told(t, t->engine, other, true))
			return;
	}
}

TEST(dma_map_bounds,
     .id = "dma.map.bounds_of_leaves",
     .given = "the largest leaf bounded by 2^11, 2^12, 2^63, 2^64 bytes",
     .expects = "ERR_INVALID for the first and the last, else mapped",
     .flags = TEST_PER_BACKEND)
{
	const struct iommu_ops *ops = t->iommu->ops;
	struct domain *d = dfx_domain(t, DOMAIN_PAGED);
	pa_t pa = page_alloc(t, PAGE_BYTES, 0)->pa;

	expect_status(t, "bound of 2^11", ops->map(d, DMA_A, pa, PAGE_BYTES, PERM_RW, 11), ERR_INVALID);
	expect_status(t, "bound of 2^64", ops->map(d, DMA_A, pa, PAGE_BYTES, PERM_RW, 64), ERR_INVALID);
	expect_status(t, "bound of 2^12", ops->map(d, DMA_A, pa, PAGE_BYTES, PERM_RW, 12), OK);
	expect_status(t, "bound of 2^63", ops->map(d, DMA_B, pa, PAGE_BYTES, PERM_RW, 63), OK);
}
