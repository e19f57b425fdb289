/*
 * The driver when the unit refuses: a descriptor that no unit knows, left in the queue, makes the next invalidation
 * fail once. What was to be dropped may still be used then, and the driver must not forget that.
 */
#include "drivers-iommu/vtd/ops.h"
#include "drivers-iommu/vtd/queue.h"
#include "drivers-iommu/vtd/rbi.h"
#include "tests/dma/fixture.h"
#include "tests/vtd/page_request.h"

#define NEEDS (NEED_VTD | NEED_QI | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)

/* The next invalidation ends in ERR_IO, the one after it works. */
static void poison(struct test *t)
{
	struct vtd_desc bad = { .q = { 0xf } };

	must(t, vtd_queue_submit(t->bench->vtd, &bad, 1), "a descriptor that no unit knows");
}

static void cleanup(struct test *t)
{
	if (t->iommu && vtd_iommu_destroy(t->iommu) != OK)
		log_line("the VT-d backend does not come down");
	t->iommu = NULL;
}

/* A backend in the mode that arg names, a domain with two used pages; nothing is attached yet. */
static struct domain *start(struct test *t, struct page **p)
{
	enum vtd_mode mode = (enum vtd_mode)t->desc->arg;
	struct domain *d = NULL;

	if (!vtd_mode_supported(t->bench->vtd, mode))
		skip(t, "the unit has no such mode");
	*p = page_alloc(t, 2 * PAGE_BYTES, 0);
	must(t, vtd_iommu_create(t->bench->vtd, mode, NULL, 0, &t->iommu), "creating a backend");
	t->cleanup = cleanup;
	must(t, t->iommu->ops->domain_create(t->iommu, DOMAIN_PAGED, &d), "creating a domain");
	must(t, t->iommu->ops->map(d, DMA_A, (*p)->pa, PAGE_BYTES, PERM_RW, 0), "mapping a page");
	must(t, t->iommu->ops->map(d, DMA_B, pa_add((*p)->pa, PAGE_BYTES), PAGE_BYTES, PERM_RW, 0), "mapping a page");
	return d;
}

static void drop_records(struct test *t)
{
	struct iommu_fault f;

	for (unsigned i = 0; i < 512 && t->iommu->ops->fault_pop(t->iommu, &f) == OK; i++)
		;
}

/* A flush that failed: the next one, of whatever range, does it all. */
static void flush_fails(struct test *t)
{
	struct requester r = dfx_requester(t->engine);
	const struct iommu_ops *ops;
	uint64_t bytes;
	struct page *p;
	struct domain *d = start(t, &p);

	ops = t->iommu->ops;
	must(t, ops->attach(d, r), "attaching");
	expect_write(t, DMA_A, p, 0, DMA_DONE);
	expect_write(t, DMA_B, p, PAGE_BYTES, DMA_DONE);
	for (unsigned i = 0; i < 2; i++) {
		iova_t gone = i ? DMA_B : DMA_A, other = i ? DMA_A : DMA_B;

		must(t, ops->unmap(d, gone, PAGE_BYTES, &bytes), "unmapping");
		poison(t);
		expect_status(t, "flush", ops->flush(d, gone, PAGE_BYTES), ERR_IO);
		expect_status(t, "flush of another page", ops->flush(d, other, PAGE_BYTES), OK);
		expect_write(t, gone, p, 0, DMA_REFUSED);
		expect_refusal_told(t, t->engine, gone, true);
	}
	must(t, ops->map(d, DMA_A, p->pa, PAGE_BYTES, PERM_RW, 0), "mapping a page again");
	must(t, ops->flush(d, DMA_A, PAGE_BYTES), "flushing after a map");
	expect_write(t, DMA_A, p, 0, DMA_DONE);
}

/* A detach that failed leaves it attached, and can be tried again; an attach that failed leaves it detached. */
static void attach_fails(struct test *t)
{
	struct requester r = dfx_requester(t->engine);
	const struct iommu_ops *ops;
	struct page *p;
	struct domain *d = start(t, &p);
	enum status expected = t->bench->vtd->caps.cm ? ERR_IO : OK;

	ops = t->iommu->ops;
	/* Only where absent entries may be cached does attaching invalidate. */
	if (t->bench->vtd->caps.cm) {
		poison(t);
		expect_status(t, "attach", ops->attach(d, r), expected);
		expect_write(t, DMA_A, p, 0, DMA_REFUSED);
		expect_status(t, "detach of what is not attached", ops->detach(d, r), ERR_NOT_FOUND);
	}
	expect_status(t, "attach", ops->attach(d, r), OK);
	drop_records(t);
	expect_write(t, DMA_A, p, 0, DMA_DONE);
	poison(t);
	expect_status(t, "detach", ops->detach(d, r), ERR_IO);
	expect_status(t, "destroy of a domain in use", ops->domain_destroy(d), ERR_BUSY);
	expect_status(t, "detach again", ops->detach(d, r), OK);
	expect_write(t, DMA_A, p, 0, DMA_REFUSED);
	expect_refusal_told(t, t->engine, DMA_A, true);
	expect_status(t, "attach again", ops->attach(d, r), OK);
	expect_write(t, DMA_A, p, 0, DMA_DONE);
	expect_status(t, "detach at last", ops->detach(d, r), OK);
	expect_status(t, "destroy", ops->domain_destroy(d), OK);
}

#define ROWS(name_, given_, expects_, body_) \
	{ .id = "vtd.driver." name_ ".legacy", .given = given_, .expects = expects_, .needs = NEEDS, \
	  .arg = VTD_MODE_LEGACY, .body = body_ }, \
	{ .id = "vtd.driver." name_ ".second_stage", .given = given_, .expects = expects_, .needs = NEEDS, \
	  .arg = VTD_MODE_SS, .body = body_ }, \
	{ .id = "vtd.driver." name_ ".first_stage", .given = given_, .expects = expects_, .needs = NEEDS, \
	  .arg = VTD_MODE_FS, .body = body_ }

TEST_TABLE(driver_failures,
	   ROWS("flush_fails", "a page in use unmapped, its flush refused by the unit; then a flush of another page",
		"the status is told, and the page is refused after the other flush", flush_fails),
	   ROWS("attach_fails", "attach and detach whose invalidation the unit refuses, then again",
		"the status is told, nothing is changed by it, the second try works", attach_fails));

/* ---- the queue itself ---- */

TEST(driver_queue_limits,
     .id = "vtd.driver.queue.limits",
     .given = "more descriptors than free slots, exactly as many, a queue that is off, sizes out of range",
     .expects = "ERR_FULL, OK, ERR_BUSY, ERR_INVALID",
     .needs = NEEDS | NEED_LEGACY_SS)
{
	struct fx *fx = fx_start(t, FX_LEGACY);
	struct vtd_unit *u = fx->u;
	unsigned n = (unsigned)(u->queue.ring.bytes / (u->queue.wide ? 32 : 16)) - 1;
	struct vtd_desc *d = (struct vtd_desc *)(void *)page_alloc(t, (n + 1) * sizeof(*d), 0)->p; /* page-aligned */

	for (unsigned i = 0; i <= n; i++)
		d[i] = vtd_desc_cc_global();
	expect_status(t, "submit of a slot too many", vtd_queue_submit(u, d, n + 1), ERR_FULL);
	expect_status(t, "submit of all free slots", vtd_queue_submit(u, d, n), OK);
	expect_status(t, "wait", vtd_queue_wait(u), OK);
	expect_status(t, "enable of what is on", vtd_queue_enable(u, 0, false), ERR_BUSY);
	expect_status(t, "disable", vtd_queue_disable(u), OK);
	expect_status(t, "submit while off", vtd_queue_submit(u, d, 1), ERR_BUSY);
	expect_status(t, "wait while off", vtd_queue_wait(u), ERR_BUSY);
	expect_status(t, "recovery while off", vtd_queue_recover(u), ERR_BUSY);
	expect_status(t, "enable of 2^8 pages", vtd_queue_enable(u, 8, false), ERR_INVALID);
	if (!u->caps.smts && !u->caps.adms)
		expect_status(t, "enable of a wide queue", vtd_queue_enable(u, 0, true), ERR_UNSUPPORTED);
	expect_status(t, "disable while off", vtd_queue_disable(u), OK);
	expect_status(t, "enable of 2^7 pages", vtd_queue_enable(u, 7, false), OK);
	expect_status(t, "an invalidation", vtd_inv_global(u), OK);
}

/* What stands behind the refused descriptor is defused: none of it is carried out when the queue goes on. */
TEST(driver_queue_defused,
     .id = "vtd.driver.queue.defused",
     .given = "a descriptor that no unit knows, behind it waits with status, recovery; across the end of the ring, too",
     .expects = "no status is written, the queue works",
     .needs = NEEDS | NEED_LEGACY_SS)
{
	struct fx *fx = fx_start(t, FX_LEGACY);
	struct vtd_unit *u = fx->u;
	struct page *status = page_alloc(t, PAGE_BYTES, 0);
	struct vtd_desc d[8] = { { .q = { 0xf } } };
	uint64_t slots = u->queue.ring.bytes / (u->queue.wide ? 32 : 16);

	for (unsigned i = 1; i < ARRAY_LEN(d); i++)
		d[i] = vtd_desc_wait(WAIT_SW, i, pa_add(status->pa, 4 * i));
	for (uint64_t i = 0; i < slots / 4; i++) {
		must(t, vtd_queue_submit(u, d, ARRAY_LEN(d)), "a batch with a bad descriptor");
		must(t, vtd_queue_recover(u), "recovery");
		for (unsigned k = 0; k < 4 * ARRAY_LEN(d); k++)
			if (!expect_eq(t, "status of a defused wait", status->p[k], 0))
				return;
		must(t, vtd_inv_global(u), "the next batch");
	}
}

TEST(driver_quiesce_requests,
     .id = "vtd.driver.quiesce_page_requests",
     .given = "a page request pending, the unit quiesced",
     .expects = "PRS reads 0",
     .needs = NEEDS_PRQ)
{
	struct page_request pr = prq_plain(3);
	struct prq q;

	prq_start(t, 0, &q);
	if (!prq_send_queued(t, &q, &pr))
		return;
	expect_eq(t, "PPR", prq_status(t) & PRS_PPR, PRS_PPR);
	must(t, vtd_unit_quiesce(fx_of(t)->u), "quiescing");
	expect_eq(t, "PRS", prq_status(t), 0);
}

TEST(driver_rbi_limits,
     .id = "vtd.driver.rbi.limits",
     .given = "register-based invalidation while the queue is on, and on units without it",
     .expects = "ERR_BUSY, ERR_UNSUPPORTED; where it is and the queue is off, OK",
     .needs = NEED_VTD | NEED_LEGACY_SS)
{
	struct vtd_unit *u = fx_start(t, FX_LEGACY)->u;
	bool rbi = u->caps.rbi, on = u->queue.on;
	enum status expected = rbi ? on ? ERR_BUSY : OK : ERR_UNSUPPORTED;

	expect_status(t, "context-cache", vtd_rbi_context(u, FLD(CCMD_CIRG, 1), NULL), expected);
	expect_status(t, "IOTLB", vtd_rbi_iotlb(u, 0, FLD(IOTLB_IIRG, 1), NULL), expected);
	if (!on)
		return;
	must(t, vtd_queue_disable(u), "turning the queue off");
	expected = rbi ? OK : ERR_UNSUPPORTED;
	expect_status(t, "context-cache, queue off", vtd_rbi_context(u, FLD(CCMD_CIRG, 1), NULL), expected);
	expect_status(t, "IOTLB, queue off", vtd_rbi_iotlb(u, 0, FLD(IOTLB_IIRG, 1), NULL), expected);
}

/* A queue that is on already is used as it is, and left on; one too narrow cannot be. */
TEST(driver_queue_found_on,
     .id = "vtd.driver.queue.found_on",
     .given = "backends made while a narrow queue is on, then a wide one",
     .expects = "scalable modes want the wide one; the queue is on afterwards",
     .needs = NEEDS | NEED_LEGACY_SS)
{
	struct vtd_unit *u = fx_start(t, FX_LEGACY)->u;

	must(t, vtd_queue_disable(u), "turning the queue off");
	for (unsigned wide = 0; wide <= u->caps.smts; wide++) {
		must(t, vtd_queue_enable(u, 0, wide), "turning the queue on");
		for (unsigned mode = VTD_MODE_LEGACY; mode <= VTD_MODE_FS; mode++) {
			struct iommu *io = NULL;
			enum status s;

			if (!vtd_mode_supported(u, (enum vtd_mode)mode))
				continue;
			s = vtd_iommu_create(u, (enum vtd_mode)mode, NULL, 0, &io);
			expect_status(t, "create", s, mode != VTD_MODE_LEGACY && !wide ? ERR_BUSY : OK);
			if (s == OK)
				expect_status(t, "destroy", vtd_iommu_destroy(io), OK);
			expect_true(t, vtd_gsts(u, GSTS_QIES) && u->queue.on, "the queue is on");
		}
		must(t, vtd_queue_disable(u), "turning the queue off");
	}
}
