/*
 * What the driver promises of its cost: how many descriptors a flush takes, what a detach leaves behind; and how it takes
 * what it finds: a broken queue, a unit that is not there. Nested domains, which only some units have, are here, too.
 */
#include "drivers-iommu/pgtable/pgtable.h"
#include "drivers-iommu/vtd/invalidate.h"
#include "drivers-iommu/vtd/ops.h"
#include "drivers-iommu/vtd/queue.h"
#include "tests/dma/fixture.h"
#include "tests/vtd/judge.h"
#include <string.h>

#define NEEDS (NEED_VTD | NEED_QI | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)

/* ---- descriptors of a range ---- */

TEST(driver_range_descs,
     .id = "vtd.driver.counts.range",
     .given = "ranges of 1 to 2^MAMV pages, aligned and not",
     .expects = "one descriptor for what is aligned to its size, two for one page more, page by page as few as can be",
     .needs = NEED_VTD)
{
	const struct vtd_unit *u = t->bench->vtd;
	struct vtd_desc d[64];

	if (!u->caps.psi)
		skip(t, "CAP.PSI = 0");
	for (unsigned am = 0; am <= u->caps.mamv && am < 20; am++) {
		struct vtd_inv_range r = { .did = 1, .iova = IOVA(PAGE_BYTES * BIT(20)), .bytes = PAGE_BYTES * pow2(am) };

		if (!expect_eq(t, "descriptors of an aligned range", vtd_inv_range_descs(u, &r, d, ARRAY_LEN(d)), 1))
			note(t, "2^%u pages", am);
		if (!am)
			continue;
		r.bytes += PAGE_BYTES;
		expect_eq(t, "descriptors of one page more", vtd_inv_range_descs(u, &r, d, ARRAY_LEN(d)), 2);
		r.bytes -= 2 * PAGE_BYTES;
		if (!expect_eq(t, "descriptors of one page less", vtd_inv_range_descs(u, &r, d, ARRAY_LEN(d)), am))
			note(t, "2^%u pages less one", am);
	}
}

/* ---- flushes of first-stage domains ---- */

static void cleanup(struct test *t)
{
	if (t->iommu && vtd_iommu_destroy(t->iommu) != OK)
		log_line("the VT-d backend does not come down");
	t->iommu = NULL;
}

static void start(struct test *t, enum vtd_mode mode)
{
	if (!vtd_mode_supported(t->bench->vtd, mode))
		skip(t, "the unit has no such mode");
	must(t, vtd_iommu_create(t->bench->vtd, mode, NULL, 0, &t->iommu), "creating a backend");
	t->cleanup = cleanup;
}

static struct domain *domain(struct test *t)
{
	struct domain *d = NULL;

	must(t, t->iommu->ops->domain_create(t->iommu, DOMAIN_PAGED, &d), "creating a domain");
	return d;
}

/* How many descriptors a flush of a page submits; each invalidation has its wait. */
static uint64_t flush_takes(struct test *t, struct domain *d)
{
	const struct vtd_unit *u = t->bench->vtd;
	uint64_t before = u->queue.tail, bytes = u->queue.ring.bytes;

	must(t, t->iommu->ops->flush(d, DMA_A, PAGE_BYTES), "flushing");
	return (u->queue.tail + bytes - before) % bytes / u->queue.ring.stride;
}

TEST(driver_flush_counts,
     .id = "vtd.driver.counts.first_stage_flush",
     .given = "two first-stage domains, one attached to two requesters without PASID, one to another",
     .expects = "a flush takes one descriptor and a wait for each PASID of its domain, and none where nobody is attached",
     .needs = NEEDS | NEED_FSTS | NEED_ENGINE_2)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct requester a = dfx_requester(t->engine), b = dfx_requester(t->engine2), other = a;
	struct domain *one, *two;
	const struct iommu_ops *ops;

	start(t, VTD_MODE_FS);
	ops = t->iommu->ops;
	one = domain(t);
	two = domain(t);
	must(t, ops->map(one, DMA_A, p->pa, PAGE_BYTES, PERM_RW, 0), "mapping");
	expect_status(t, "flush of an unused domain", ops->flush(one, DMA_A, PAGE_BYTES), OK);
	must(t, ops->attach(one, a), "attaching");
	must(t, ops->attach(one, b), "attaching another");
	other.addr.sid ^= 0x700; /* of nobody */
	must(t, ops->attach(two, other), "attaching a third to another domain");
	expect_eq(t, "descriptors for one PASID", flush_takes(t, one), 2);
	if (t->iommu->caps.flags & IOMMU_HAS_PASID) {
		a.has_pasid = true;
		a.pasid = 5;
		must(t, ops->attach(one, a), "attaching a PASID");
		expect_eq(t, "descriptors for two PASIDs", flush_takes(t, one), 4);
		expect_eq(t, "descriptors for the other domain", flush_takes(t, two), 2);
		must(t, ops->detach(two, other), "detaching the third");
		must(t, ops->detach(one, a), "detaching the PASID");
		expect_eq(t, "descriptors for one PASID again", flush_takes(t, one), 2);
		must(t, ops->attach(two, other), "attaching the third again");
		a.has_pasid = false;
	}
	expect_write(t, DMA_A, p, 0, DMA_DONE);
	must(t, ops->detach(one, a), "detaching");
	must(t, ops->detach(one, b), "detaching another");
	must(t, ops->detach(two, other), "detaching the third");
	must(t, ops->domain_destroy(one), "destroying");
	must(t, ops->domain_destroy(two), "destroying another");
}

TEST(driver_flush_passthrough,
     .id = "vtd.driver.counts.passthrough_flush",
     .given = "a pass-through domain that is attached",
     .expects = "a flush of it, whatever its range, takes no descriptors",
     .needs = NEEDS | NEED_LEGACY_SS)
{
	struct requester r = dfx_requester(t->engine);
	struct domain *d = NULL;

	start(t, VTD_MODE_LEGACY);
	if (!(t->iommu->caps.flags & IOMMU_HAS_PASSTHROUGH))
		skip(t, "the unit passes nothing through");
	must(t, t->iommu->ops->domain_create(t->iommu, DOMAIN_PASSTHROUGH, &d), "creating a domain");
	must(t, t->iommu->ops->attach(d, r), "attaching");
	expect_status(t, "flush of no bytes", t->iommu->ops->flush(d, DMA_A, 0), OK);
	expect_eq(t, "descriptors of a flush", flush_takes(t, d), 0);
	must(t, t->iommu->ops->detach(d, r), "detaching");
	must(t, t->iommu->ops->domain_destroy(d), "destroying");
}

/* arg: mode. The last requester of a function takes its context entry with it. */
static void last_detach(struct test *t)
{
	struct requester r = dfx_requester(t->engine);
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct iommu_fault f;
	struct domain *d;

	start(t, (enum vtd_mode)t->desc->arg);
	d = domain(t);
	must(t, t->iommu->ops->map(d, DMA_A, p->pa, PAGE_BYTES, PERM_RW, 0), "mapping");
	must(t, t->iommu->ops->attach(d, r), "attaching");
	expect_write(t, DMA_A, p, 0, DMA_DONE);
	must(t, t->iommu->ops->detach(d, r), "detaching");
	expect_write(t, DMA_A, p, 0, DMA_REFUSED);
	if (expect_status(t, "fault_pop", t->iommu->ops->fault_pop(t->iommu, &f), OK))
		expect_eq(t, "reason", f.reason, FR_SCT_2);
}

TEST_TABLE(driver_last_detach,
	   { .id = "vtd.driver.counts.last_detach.second_stage", .given = "the only requester of a function is detached",
	     .expects = "its context entry is absent", .needs = NEEDS | NEED_SM, .arg = VTD_MODE_SS,
	     .flags = TEST_MODEL, .body = last_detach },
	   { .id = "vtd.driver.counts.last_detach.first_stage", .given = "the only requester of a function is detached",
	     .expects = "its context entry is absent", .needs = NEEDS | NEED_SM, .arg = VTD_MODE_FS,
	     .flags = TEST_MODEL, .body = last_detach });

/* ---- nested domains ---- */

#define FS_ENTRY (FS_P | FS_RW | FS_US | FS_A | FS_D)

TEST(driver_nested,
     .id = "vtd.driver.nested.flush",
     .given = "a nested domain over tables of ours; their leaf changes, with a flush",
     .expects = "DMA goes where the leaf says; a root outside of the width or in a page, a nested domain: refused",
     .needs = NEEDS | NEED_NEST | NEED_FSTS | NEED_SSTS | NEED_ENGINE_2)
{
	struct page *tables = page_alloc(t, 4 * PAGE_BYTES, 0), *p = page_filled(t, 0xa5), *q = page_filled(t, 0x5a);
	uint64_t *words = (uint64_t *)(void *)tables->p; /* page-aligned */
	struct requester r = dfx_requester(t->engine);
	const struct iommu_ops *ops;
	struct domain *below, *d = NULL, *other = NULL;
	uint64_t limit, *leaf = NULL;

	start(t, VTD_MODE_SS);
	ops = t->iommu->ops;
	limit = pow2(t->iommu->caps.input_bits);
	below = domain(t);
	must(t, ops->map(below, IOVA(tables->pa.v), tables->pa, 4 * PAGE_BYTES, PERM_RW, 0), "mapping the tables");
	must(t, ops->map(below, IOVA(p->pa.v), p->pa, PAGE_BYTES, PERM_RW, 0), "mapping a page");
	must(t, ops->map(below, IOVA(q->pa.v), q->pa, PAGE_BYTES, PERM_RW, 0), "mapping another");
	for (unsigned level = 4; level >= 1; level--) {
		leaf = words + 512 * (4 - level) + shr(DMA_A.v, 12 + 9 * (level - 1)) % 512;
		*leaf = (level > 1 ? tables->pa.v + (5 - level) * PAGE_BYTES : p->pa.v) | FS_ENTRY;
	}
	cache_write_back(words, 4 * PAGE_BYTES);
	expect_status(t, "a root at the width", ops->domain_nest(below, IOVA(limit), &d), ERR_INVALID);
	expect_status(t, "a root below it", ops->domain_nest(below, IOVA(limit - PAGE_BYTES), &d), OK);
	expect_status(t, "destroy of what is below", ops->domain_destroy(below), ERR_BUSY);
	expect_status(t, "a misaligned root", ops->domain_nest(below, IOVA(tables->pa.v + 8), &other), ERR_INVALID);
	expect_status(t, "over what is nested", ops->domain_nest(d, IOVA(tables->pa.v), &other), ERR_INVALID);
	must(t, ops->domain_destroy(d), "destroying");
	must(t, ops->domain_nest(below, IOVA(tables->pa.v), &d), "nesting");
	expect_status(t, "lookup in it", ops->lookup(d, DMA_A, &(pa_t){ 0 }, &(unsigned){ 0 }), ERR_UNSUPPORTED);
	expect_status(t, "map into it", ops->map(d, DMA_B, p->pa, PAGE_BYTES, PERM_RW, 0), ERR_UNSUPPORTED);
	must(t, ops->attach(below, dfx_requester(t->engine2)), "attaching another to what is below");
	must(t, ops->attach(d, r), "attaching");
	expect_write(t, DMA_A, p, 0, DMA_DONE);
	*leaf = q->pa.v | FS_ENTRY;
	cache_write_back(leaf, sizeof(*leaf));
	expect_eq(t, "descriptors of a flush", flush_takes(t, d), 2);
	expect_write(t, DMA_A, q, 0, DMA_DONE);
	must(t, ops->detach(below, dfx_requester(t->engine2)), "detaching the other");
	must(t, ops->detach(d, r), "detaching");
	must(t, ops->domain_destroy(d), "destroying");
	must(t, ops->domain_destroy(below), "destroying what was below");
}

/* ---- what is found ---- */

TEST(driver_broken_queue,
     .id = "vtd.driver.queue.broken",
     .given = "a queue that somebody has left on with its tail at the end of the ring",
     .expects = "turned off, and what lies behind the ring is as it was",
     .needs = NEED_VTD | NEED_QI)
{
	struct page *p = page_alloc(t, 2 * PAGE_BYTES, 0);
	struct vtd_unit *u = t->bench->vtd;

	memset(p->p, 0xa5, 2 * PAGE_BYTES);
	must(t, vtd_queue_disable(u), "disabling the queue");
	mmio_wr(&u->regs, VTD_IQT, 0);
	mmio_wr(&u->regs, VTD_IQA, p->pa.v);
	must(t, vtd_gcmd_set(u, GCMD_QIE), "turning the queue on");
	mmio_wr(&u->regs, VTD_IQT, PAGE_BYTES);
	run_extend_us(4 * u->wait_us);
	expect_status(t, "disable", vtd_queue_disable(u), OK);
	expect_true(t, !vtd_gsts(u, GSTS_QIES), "the queue is off");
	for (unsigned i = PAGE_BYTES; i < 2 * PAGE_BYTES; i++)
		if (!expect_eq(t, "memory", p->p[i], 0xa5))
			return;
}

TEST(driver_queue_adopted,
     .id = "vtd.driver.queue.adopted",
     .given = "an empty queue that somebody has left on",
     .expects = "it is ended with one wait, where its ring is, and turned off",
     .needs = NEED_VTD | NEED_QI | NEED_LEGACY_SS)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	const uint64_t *words = (const uint64_t *)(const void *)p->p; /* page-aligned */
	struct vtd_unit *u = t->bench->vtd;

	must(t, vtd_queue_disable(u), "disabling the queue");
	/* A root table of scalable mode, which an earlier test may have left, wants a wide queue. */
	must(t, vtd_srtp(u, page_alloc(t, PAGE_BYTES, 0)->pa, TTM_LEGACY), "a root table of legacy mode");
	mmio_wr(&u->regs, VTD_IQT, 0);
	mmio_wr(&u->regs, VTD_IQA, p->pa.v);
	must(t, vtd_gcmd_set(u, GCMD_QIE), "turning the queue on");
	expect_status(t, "disable", vtd_queue_disable(u), OK);
	expect_true(t, !vtd_gsts(u, GSTS_QIES), "the queue is off");
	expect_eq(t, "type of the first descriptor", fld_get(DESC_TYPE, words[0]), DESC_WAIT);
	/* A wait that was answered needs no recovery, which would put another one behind it. */
	for (unsigned i = 2; i < PAGE_BYTES / sizeof(*words); i++)
		if (!expect_eq(t, "what is behind it", words[i], 0))
			return;
}

TEST(driver_queue_unreachable,
     .id = "vtd.driver.queue.unreachable",
     .given = "a queue that somebody has left on, whose ring is where no memory is, with something pending",
     .expects = "it is emptied and turned off",
     .needs = NEED_VTD | NEED_QI, .flags = TEST_MODEL)
{
	struct vtd_unit *u = t->bench->vtd;

	must(t, vtd_queue_disable(u), "disabling the queue");
	mmio_wr(&u->regs, VTD_IQT, 0);
	mmio_wr(&u->regs, VTD_IQA, mem_unbacked(PAGE_BYTES).v);
	must(t, vtd_gcmd_set(u, GCMD_QIE), "turning the queue on");
	mmio_wr(&u->regs, VTD_IQT, 32);
	run_extend_us(2 * u->wait_us);
	expect_status(t, "disable", vtd_queue_disable(u), OK);
	expect_true(t, !vtd_gsts(u, GSTS_QIES), "the queue is off");
	expect_eq(t, "IQT", mmio_rd(&u->regs, VTD_IQT), 0);
}

/* The number of requesters has a limit; one beyond it is not attached, whatever the entry says. */
TEST(driver_attach_full,
     .id = "vtd.driver.attach.full",
     .given = "1024 requesters attached, one more",
     .expects = "ERR_FULL, and its requests are refused",
     .needs = NEEDS | NEED_LEGACY_SS, .flags = TEST_MODEL)
{
	struct requester r = dfx_requester(t->engine), other = r;
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct domain *d;

	start(t, VTD_MODE_LEGACY);
	d = domain(t);
	must(t, t->iommu->ops->map(d, DMA_A, p->pa, PAGE_BYTES, PERM_RW, 0), "mapping");
	for (unsigned i = 0; i < 1024; i++) {
		other.addr.sid = (uint16_t)(0x7000 + i); /* of nobody */
		must(t, t->iommu->ops->attach(d, other), "attaching");
	}
	expect_status(t, "attach one more", t->iommu->ops->attach(d, r), ERR_FULL);
	expect_write(t, DMA_A, p, 0, DMA_REFUSED);
	must(t, t->iommu->ops->detach(d, other), "detaching one");
	expect_status(t, "attach", t->iommu->ops->attach(d, r), OK);
	expect_write(t, DMA_A, p, 0, DMA_DONE);
}

/* Without PASID the field means nothing. */
TEST(driver_attach_no_pasid,
     .id = "vtd.driver.attach.pasid_ignored",
     .given = "a requester without PASID, whose number is not 0, attached to a first-stage domain",
     .expects = "as with 0: a flush reaches what it has used",
     .needs = NEEDS | NEED_FSTS)
{
	struct requester r = dfx_requester(t->engine);
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct domain *d;
	uint64_t bytes;

	start(t, VTD_MODE_FS);
	d = domain(t);
	r.pasid = 0x4d;
	must(t, t->iommu->ops->map(d, DMA_A, p->pa, PAGE_BYTES, PERM_RW, 0), "mapping");
	must(t, t->iommu->ops->attach(d, r), "attaching");
	expect_write(t, DMA_A, p, 0, DMA_DONE);
	must(t, t->iommu->ops->unmap(d, DMA_A, PAGE_BYTES, &bytes), "unmapping");
	must(t, t->iommu->ops->flush(d, DMA_A, PAGE_BYTES), "flushing");
	expect_write(t, DMA_A, p, 0, DMA_REFUSED);
	must(t, t->iommu->ops->detach(d, r), "detaching");
}

TEST(driver_found_translating,
     .id = "vtd.driver.found_translating",
     .given = "a unit that translates by tables of others; a backend made and destroyed",
     .expects = "the tables of before are in force again",
     .needs = NEEDS | NEED_LEGACY_SS)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	struct vtd_unit *u = t->bench->vtd;
	struct iommu *io = NULL;

	must(t, vtd_iommu_create(u, VTD_MODE_LEGACY, NULL, 0, &io), "creating a backend");
	expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
	fx_faults_drop(t);
	expect_status(t, "destroy", vtd_iommu_destroy(io), OK);
	expect_true(t, vtd_gsts(u, GSTS_TES), "translation is on");
	expect_eq(t, "RTADDR", mmio_rd(&u->regs, VTD_RTADDR) & RTADDR_RTA, fx_of(t)->root_pa.v);
	expect_allowed(t, IOVA_A, p);
}

TEST(driver_queue_off_twice,
     .id = "vtd.driver.queue.off_twice",
     .given = "a queue turned off, its ring in other hands, turned off again",
     .expects = "the ring is not touched any more",
     .needs = NEED_VTD | NEED_QI)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct vtd_unit *u = t->bench->vtd;

	memset(p->p, 0xa5, PAGE_BYTES);
	must(t, vtd_queue_disable(u), "disabling the queue");
	mmio_wr(&u->regs, VTD_IQT, 0);
	mmio_wr(&u->regs, VTD_IQA, p->pa.v);
	run_extend_us(4 * u->wait_us);
	expect_status(t, "disable", vtd_queue_disable(u), OK);
	for (unsigned i = 0; i < PAGE_BYTES; i++)
		if (!expect_eq(t, "memory", p->p[i], 0xa5))
			return;
}

#define LARGE_CAP (255 * BIT(40) | BIT(28)) /* NFR = 255, FRO = 100h: records beyond the first page */

/* A machine whose windows hold two registers. */
struct absent {
	uint64_t cap, ecap;
	bool refuses;
};

static uint64_t absent_rd(void *ctx, uint32_t off, unsigned bytes)
{
	const struct absent *a = ctx;

	(void)bytes;
	return off == VTD_CAP.off ? a->cap : off == VTD_ECAP.off ? a->ecap : 0;
}

static void absent_wr(void *ctx, uint32_t off, uint64_t value, unsigned bytes)
{
	(void)ctx, (void)off, (void)value, (void)bytes;
}

static const struct mmio_ops absent_window = { absent_rd, absent_wr };

static enum status absent_map(struct machine *m, pa_t pa, uint64_t bytes, mmio_t *out)
{
	struct absent *a = m->ctx;

	(void)pa;
	*out = (mmio_t){ .ops = &absent_window, .ctx = a, .len_bytes = (uint32_t)bytes }; /* a page */
	return a->refuses || (a->cap == LARGE_CAP && bytes > PAGE_BYTES) ? ERR_NO_MEMORY : OK;
}

TEST(driver_absent_unit,
     .id = "vtd.driver.unit.absent",
     .given = "a window that cannot be mapped; one that reads all ones; one where only one register does",
     .expects = "the error; nothing there; a unit",
     .needs = NEED_VTD)
{
	static const struct { struct absent a; enum status expected; } rows[] = {
		{ { 0, 0, true }, ERR_NO_MEMORY },
		{ { UINT64_MAX, UINT64_MAX, false }, ERR_NOT_FOUND },
		{ { UINT64_MAX, 0, false }, OK },
		{ { 0, UINT64_MAX, false }, OK },
		{ { 0, 0, false }, OK },
		{ { LARGE_CAP, 0, false }, ERR_NO_MEMORY }, /* the first page is all that there is */
	};
	struct machine_ops ops = { .mmio_map = absent_map };

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct absent a = rows[i].a;
		struct machine m = { .name = "absent", .ops = &ops, .ctx = &a };
		struct vtd_unit u;

		if (!expect_status(t, "look", vtd_unit_look(&m, PA(PAGE_BYTES), 39, 0, &u), rows[i].expected))
			note(t, "row %u", i);
	}
}
