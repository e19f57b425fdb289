/*
 * Reserved memory (VT-d 8.4) as the backend keeps it: reachable by its own address until the requester is attached, and
 * again when it is detached. Contract tests do not know of it: here backends are made with ranges of the test's own.
 */
#include "drivers-iommu/vtd/ops.h"
#include "tests/dma/fixture.h"

#define NEEDS (NEED_VTD | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)

static void cleanup(struct test *t)
{
	if (t->iommu && vtd_iommu_destroy(t->iommu) != OK)
		log_line("the VT-d backend does not come down");
	t->iommu = NULL;
}

/* A backend in the mode that arg names, with these ranges. */
static void start(struct test *t, const struct reserved *r, unsigned n)
{
	if (!vtd_mode_supported(t->bench->vtd, (enum vtd_mode)t->desc->arg))
		skip(t, "the unit has no such mode");
	must(t, vtd_iommu_create(t->bench->vtd, (enum vtd_mode)t->desc->arg, r, n, &t->iommu), "creating a backend");
	t->cleanup = cleanup;
}

static struct reserved range(const struct engine *e, const struct page *p, uint64_t first, uint64_t pages)
{
	return (struct reserved){ e->dev->addr, pa_add(p->pa, first * PAGE_BYTES), pages * PAGE_BYTES, PERM_RW };
}

/* Pages of p that are reached by their own address: one bit each. */
static bool reached(struct test *t, struct engine *e, struct page *p, unsigned n, unsigned expected)
{
	uint32_t bytes = dma_small_bytes(t, e);

	for (unsigned i = 0; i < n; i++) {
		uint64_t off = i * PAGE_BYTES;
		enum dma_outcome o = shr(expected, i) & 1 ? DMA_DONE : DMA_REFUSED;

		if (!expect_write_by(t, e, IOVA(p->pa.v + off), bytes, p, off, o)) {
			note(t, "page %u", i);
			return false;
		}
	}
	return true;
}

static void drop_records(struct test *t)
{
	struct iommu_fault f;

	for (unsigned i = 0; i < 512 && t->iommu->ops->fault_pop(t->iommu, &f) == OK; i++)
		;
}

/* Ranges of one engine that lie apart, touch, repeat, overlap; and one of another engine. */
static void reserved(struct test *t)
{
	struct page *p = page_alloc(t, 8 * PAGE_BYTES, 0), *q = page_alloc(t, 2 * PAGE_BYTES, 0);
	const struct reserved r[] = {
		range(t->engine, p, 1, 2), range(t->engine2, q, 0, 1), range(t->engine, p, 2, 2), range(t->engine, p, 1, 2),
		range(t->engine, p, 6, 1),
	};
	struct domain *d = NULL;
	struct requester who = { .addr = t->engine->dev->addr };
	const struct iommu_ops *ops;

	start(t, r, ARRAY_LEN(r));
	ops = t->iommu->ops;
	reached(t, t->engine, p, 8, 0x4e);
	reached(t, t->engine2, q, 2, 1);
	drop_records(t);
	must(t, ops->domain_create(t->iommu, DOMAIN_PAGED, &d), "creating a domain");
	must(t, ops->map(d, DMA_A, p->pa, PAGE_BYTES, PERM_RW, 0), "mapping a page");
	must(t, ops->attach(d, who), "attaching");
	expect_write(t, DMA_A, p, 0, DMA_DONE);
	reached(t, t->engine, p, 8, 0);
	reached(t, t->engine2, q, 2, 1);
	expect_status(t, "attach again", ops->attach(d, who), ERR_EXISTS);
	must(t, ops->detach(d, who), "detaching");
	reached(t, t->engine, p, 8, 0x4e);
	expect_write(t, DMA_A, p, 0, DMA_REFUSED);
	expect_status(t, "detach again", ops->detach(d, who), ERR_NOT_FOUND);
	reached(t, t->engine, p, 8, 0x4e);
	drop_records(t);
	must(t, ops->domain_destroy(d), "destroying a domain");
	expect_eq(t, "domains", t->iommu->caps.domains_max, t->bench->vtd->caps.domains_n - 1 - 2);
}

/* What is no range: nothing is created, nothing is kept. */
static void refused(struct test *t)
{
	struct page *p = page_alloc(t, 2 * PAGE_BYTES, 0);
	struct reserved bad[] = { range(t->engine, p, 0, 1), range(t->engine, p, 0, 1), range(t->engine, p, 0, 1) };
	struct pci_addr elsewhere = t->engine->dev->addr;
	size_t before = mem_free_pages();
	struct iommu *io = NULL;

	elsewhere.segment++;
	bad[0].base.v += 8;
	bad[1].bytes += 8;
	bad[2].addr = elsewhere;
	start(t, NULL, 0);
	cleanup(t);
	t->cleanup = NULL;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		const struct reserved list[] = { range(t->engine, p, 1, 1), bad[i] };
		enum status s = vtd_iommu_create(t->bench->vtd, (enum vtd_mode)t->desc->arg, list, 2, &io);

		if (!expect_status(t, "create", s, ERR_INVALID) && s == OK)
			expect_status(t, "destroy", vtd_iommu_destroy(io), OK);
	}
	expect_eq(t, "free pages", mem_free_pages(), before);
	expect_true(t, !vtd_gsts(t->bench->vtd, GSTS_QIES), "the queue is off");
}

/* Overlapping ranges, with memory for fewer and fewer calls: all of them are reachable, or the backend is not made. */
static void reserved_without_memory(struct test *t)
{
	struct page *p = page_alloc(t, 8 * PAGE_BYTES, 0);
	const struct reserved r[] = { range(t->engine, p, 1, 2), range(t->engine, p, 0, 8) };
	enum vtd_mode mode = (enum vtd_mode)t->desc->arg;
	enum status s = ERR_NO_MEMORY;

	if (!vtd_mode_supported(t->bench->vtd, mode))
		skip(t, "the unit has no such mode");
	t->cleanup = cleanup;
	for (unsigned calls = 0; calls < 64 && s == ERR_NO_MEMORY; calls++) {
		mem_limit(calls);
		s = vtd_iommu_create(t->bench->vtd, mode, r, ARRAY_LEN(r), &t->iommu);
		mem_limit(UINT64_MAX);
	}
	if (expect_status(t, "create", s, OK))
		reached(t, t->engine, p, 8, 0xff);
}

/* Capabilities of the backend, told by those of the unit. */
static void backend_caps(struct test *t)
{
	const struct vtd_caps *c = &t->bench->vtd->caps;
	enum vtd_mode mode = (enum vtd_mode)t->desc->arg;
	uint32_t flags = IOMMU_HAS_FAULTS | (c->pt ? IOMMU_HAS_PASSTHROUGH : 0u) | (c->cm ? IOMMU_CACHES_ABSENT : 0u);
	uint64_t sizes = BIT(12);

	start(t, NULL, 0);
	flags |= mode != VTD_MODE_LEGACY && c->pasid ? IOMMU_HAS_PASID : 0u;
	flags |= mode != VTD_MODE_FS ? IOMMU_HAS_WRITE_ONLY : 0u;
	flags |= mode == VTD_MODE_SS && c->nest && c->fsts ? IOMMU_HAS_NESTING : 0u;
	sizes |= mode == VTD_MODE_FS || c->ss_2m ? BIT(21) : 0;
	sizes |= (mode == VTD_MODE_FS ? c->fs1gp : c->ss_1g) ? BIT(30) : 0;
	expect_eq(t, "flags", t->iommu->caps.flags, flags);
	expect_eq(t, "page sizes", t->iommu->caps.page_sizes, sizes);
	expect_eq(t, "domains", t->iommu->caps.domains_max, c->domains_n - 1);
	if (mode == VTD_MODE_FS)
		expect_eq(t, "input bits", t->iommu->caps.input_bits, 47);
	else
		expect_eq(t, "input bits", t->iommu->caps.input_bits, min_u64(c->mgaw_bits, 12 + 9 * c->levels_max));
}

#define ROWS(name_, given_, expects_, needs_, body_) \
	{ .id = "vtd.driver." name_ ".legacy", .given = given_, .expects = expects_, .needs = needs_, \
	  .arg = VTD_MODE_LEGACY, .body = body_ }, \
	{ .id = "vtd.driver." name_ ".second_stage", .given = given_, .expects = expects_, .needs = needs_, \
	  .arg = VTD_MODE_SS, .body = body_ }, \
	{ .id = "vtd.driver." name_ ".first_stage", .given = given_, .expects = expects_, .needs = needs_, \
	  .arg = VTD_MODE_FS, .body = body_ }

TEST_TABLE(driver_backends,
	   ROWS("reserved", "reserved ranges that lie apart, touch, repeat, overlap, of two engines",
		"reached by their own addresses but for the time of an attachment", NEEDS | NEED_ENGINE_2, reserved),
	   ROWS("reserved_bad", "reserved ranges that are misaligned, or of another segment",
		"ERR_INVALID, no memory kept, the queue off", NEEDS, refused),
	   ROWS("reserved.without_memory", "overlapping ranges, memory for fewer calls than they need",
		"out of memory, or all of them reachable", NEEDS, reserved_without_memory),
	   ROWS("backend_caps", "a backend made", "it claims what the unit has", NEED_VTD, backend_caps));
