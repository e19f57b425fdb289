/*
 * The reference over a host that fails once, at each of its calls in turn, and over one whose tables are not what was
 * asked for: after a failure everything is as before or as after, and the reference's own check notices what is not.
 */
#include "tests/pviommu/fixture.h"

#define OWN_PAGES 24u
#define STEPS_MAX 400u

/* A host in front of the real one. Domains stay the real one's. */
struct front {
	struct iommu io;
	struct iommu *real;
	unsigned calls, fail_at;   /* which call fails, 0: none */
	bool failed;
	enum status how;
	bool keeps_page;           /* takes memory where it should give some */
	pa_t page;
	/* What lookup tells otherwise, of one page. */
	iova_t lie_at;
	enum lie { LIE_NONE, LIE_ELSEWHERE, LIE_MORE, LIE_LESS, LIE_ABSENT, LIE_PRESENT } lie;
};

static struct front front; /* operations on domains know nothing of it */

static bool fails(void)
{
	if (++front.calls != front.fail_at)
		return false;
	front.failed = true;
	return true;
}

static enum status domain_create(struct iommu *io, enum domain_kind kind, struct domain **out)
{
	(void)io;
	return fails() ? front.how : front.real->ops->domain_create(front.real, kind, out);
}

static enum status domain_nest(struct domain *below, iova_t root, struct domain **out)
{
	return fails() ? front.how : front.real->ops->domain_nest(below, root, out);
}

static enum status domain_destroy(struct domain *d)
{
	if (front.keeps_page)
		(void)!mem_alloc(PAGE_BYTES, PAGE_BYTES, &front.page);
	return fails() ? front.how : front.real->ops->domain_destroy(d);
}

static enum status attach(struct domain *d, struct requester r)
{
	return fails() ? front.how : front.real->ops->attach(d, r);
}

static enum status detach(struct domain *d, struct requester r)
{
	return fails() ? front.how : front.real->ops->detach(d, r);
}

static enum status map(struct domain *d, iova_t iova, pa_t pa, uint64_t bytes, unsigned perm, unsigned bits)
{
	return fails() ? front.how : front.real->ops->map(d, iova, pa, bytes, perm, bits);
}

static enum status unmap(struct domain *d, iova_t iova, uint64_t bytes, uint64_t *unmapped)
{
	return front.real->ops->unmap(d, iova, bytes, unmapped);
}

static enum status flush(struct domain *d, iova_t iova, uint64_t bytes)
{
	return front.real->ops->flush(d, iova, bytes);
}

static enum status lookup(struct domain *d, iova_t iova, pa_t *pa, unsigned *perm)
{
	enum status s = front.real->ops->lookup(d, iova, pa, perm);

	if (iova.v != front.lie_at.v)
		return s;
	switch (front.lie) {
	case LIE_ELSEWHERE: pa->v += PAGE_BYTES; break;
	case LIE_MORE: *perm |= PERM_RW; break;
	case LIE_LESS: *perm = 0; break;
	case LIE_ABSENT: s = ERR_NOT_FOUND; break;
	case LIE_PRESENT: s = OK; break;
	case LIE_NONE: break;
	}
	return s;
}

static enum status fault_pop(struct iommu *io, struct iommu_fault *out)
{
	(void)io;
	return front.real->ops->fault_pop(front.real, out);
}

static const struct iommu_ops ops = {
	.domain_create = domain_create,
	.domain_nest = domain_nest,
	.domain_destroy = domain_destroy,
	.attach = attach,
	.detach = detach,
	.map = map,
	.unmap = unmap,
	.lookup = lookup,
	.flush = flush,
	.fault_pop = fault_pop,
};

/* A reference over the front: a few pages, two ranges of reserved memory for the engine, small steps. */
struct stage {
	struct page *p;
	struct pvref_memory memory;
	struct pvref_reserved reserved[2];
	struct pvref_guest guest;
	struct pvref_device device;
	struct pvio client;
	struct pvref *r;
	struct pvb_setup setup;
	struct pvref_domain_config domains[2];
};

static void prepare(struct test *t, struct stage *s, unsigned fail_at, enum status how)
{
	struct pci_addr dev = pvx_dev(t->engine);

	front = (struct front){ .real = front.real, .fail_at = fail_at, .how = how };
	front.io = (struct iommu){ .ops = &ops, .name = "front", .caps = front.real->caps };
	s->memory = (struct pvref_memory){ gfn_of(s->p->pa), s->p->pa, OWN_PAGES, PVREF_RAM };
	s->reserved[0] = (struct pvref_reserved){ dev, pa_add(s->p->pa, OWN_PAGES * PAGE_BYTES), 2 };
	s->reserved[1] = (struct pvref_reserved){ dev, pa_add(s->p->pa, (OWN_PAGES + 3) * PAGE_BYTES), 1 };
	s->device = (struct pvref_device){ .addr = dev };
	pvx_setup(t, &s->setup);
	s->setup.domain.memory = &s->memory;
	s->setup.domain.memory_n = 1;
	s->setup.domain.devices = &s->device;
	s->setup.domain.devices_n = 1;
	s->setup.domain.max_ctx_no = 8;
	s->setup.config.reserved = s->reserved;
	s->setup.config.reserved_n = 2;
	s->setup.config.step_pages = 4;
	s->domains[0] = s->setup.domain;
	s->domains[1] = (struct pvref_domain_config){ .domid = PVB_GUEST };
	s->setup.config.domains = s->domains;
	s->setup.config.domains_n = 2;
}

static void check(struct test *t, const struct stage *s, const char *after)
{
	const char *wrong = pvref_check(s->r);

	if (!wrong)
		return;
	fail(t, "a reference that agrees with itself", "%s", wrong);
	note(t, "after %s, where call %u of the host failed", after, front.fail_at);
}

static int64_t error_of(enum status s)
{
	return s == ERR_NO_MEMORY ? -XEN_ENOMEM : s == ERR_FULL ? -XEN_ENOSPC : s == ERR_NOT_FOUND ? -XEN_ENOENT :
	       s == ERR_UNSUPPORTED ? -XEN_EOPNOTSUPP : -XEN_EIO;
}

/* A call that succeeds unless the host failed in it. */
static void expect_done(struct test *t, const struct stage *s, const char *what, int64_t rc, bool failed_before)
{
	bool reason = rc == front.how || rc == error_of(front.how) || rc == ERR_IO;

	if (rc != 0 && (failed_before || !front.failed))
		fail(t, "0", "%s: %s", what, pvx_result(rc));
	else if (rc != 0 && !reason)
		fail(t, "the host's reason", "%s: %s", what, pvx_result(rc));
	check(t, s, what);
}

static int64_t last; /* what the last call returned */

/* The last call has failed because of the host. It need not: it may try smaller pieces, or do without. */
static bool failed_at(bool failed_before)
{
	return front.failed && !failed_before && last != 0;
}

#define DO(what, call) \
	do { \
		bool before = front.failed; \
		last = (call); \
		expect_done(t, s, what, last, before); \
		if (failed_at(before)) /* it has changed nothing: so it can be done again */ \
			expect_done(t, s, what, (call), true); \
	} while (0)

static void contexts(struct test *t, struct stage *s)
{
	struct pvio *c = &s->client;
	struct pci_addr dev = s->device.addr;
	uint16_t a = 0, b = 0, nested = 0;
	uint32_t n = 0;
	struct pvio_range r = { .gfn = s->memory.gfn, .dfn = PVX_A, .flags = PVX_RW, .nr_pages = 3 };

	DO("alloc_context", pvio_alloc_context(c, 0, &a));
	r.ctx_no = a;
	DO("map_pages", pvio_map_pages(c, &r, &n));
	DO("reattach_device", pvio_reattach_device(c, a, dev, 0));
	DO("alloc_context, identity", pvio_alloc_context(c, PVIO_ALLOC_IDENTITY, &b));
	DO("reattach_device to another", pvio_reattach_device(c, b, dev, 0));
	if (c->caps.flags & PVIO_CAP_PASID) {
		DO("attach_pasid", pvio_attach_pasid(c, a, dev, 5));
		DO("detach_pasid", pvio_detach_pasid(c, dev, 5));
	}
	if (c->caps.flags & PVIO_CAP_NESTED) {
		DO("alloc_nested", pvio_alloc_nested(c, s->memory.gfn, 0, &nested));
		DO("free_context of a nested one", pvio_free_context(c, nested, 0));
	}
	DO("free_context", pvio_free_context(c, a, 0));
	DO("free_context with the device", pvio_free_context(c, b, PVIO_FREE_REATTACH_DEFAULT));
}

static void memory(struct test *t, struct stage *s)
{
	struct pvref_memory m = { s->memory.gfn + 4, pa_add(s->memory.pa, 4 * PAGE_BYTES), 2, PVREF_RAM };

	DO("memory goes", pvref_memory_remove(s->r, PVB_DOM0, m.gfn, m.pages));
	DO("memory comes", pvref_memory_add(s->r, PVB_DOM0, &m));
	DO("the device goes to another domain", pvref_assign(s->r, s->device.addr, PVB_DOM0, PVB_GUEST));
	DO("it comes back", pvref_assign(s->r, s->device.addr, PVB_GUEST, PVB_DOM0));
}

static void expect_nothing_left(struct test *t, const struct stage *s)
{
	struct pvref_counts n;

	pvref_count(s->r, &n);
	expect_eq(t, "contexts that are left", n.contexts_n, 0);
	expect_eq(t, "functions that are away", n.devices_away, 0);
	expect_eq(t, "pages of memory that are taken", n.arena_used, 0);
}

/* One run with a failure at one call. False: there are not so many calls. */
static bool run(struct test *t, struct stage *s, unsigned fail_at, enum status how)
{
	size_t before = mem_free_pages();
	bool failed;
	enum status made;

	prepare(t, s, fail_at, how);
	made = pvref_create(&front.io, &s->setup.config, &s->r);
	if (made != OK && !front.failed)
		give_up(t, "making a reference: %s", status_text(made));
	if (made == OK) {
		s->guest = (struct pvref_guest){ s->r, PVB_DOM0 };
		s->client = (struct pvio){ .call = pvref_page_call, .ctx = &s->guest };
		must(t, pvio_probe(&s->client, t->bench->pviommu->revision), "asking for the revision");
		(void)pvio_init(&s->client, 8, 9);
		contexts(t, s);
		memory(t, s);
		expect_nothing_left(t, s);
		failed = front.failed;
		front.fail_at = 0;
		expect_eq(t, "pvref_destroy", (uint64_t)pvref_destroy(s->r), OK);
		front.failed = failed;
	}
	/* The host keeps tables above its page tables; more than a few pages would be ours. */
	if (mem_free_pages() + 4 < before)
		fail(t, "free pages as before", "%u are gone", (unsigned)(before - mem_free_pages()));
	return front.failed;
}

static void start(struct test *t, struct stage *s)
{
	struct bench *b = t->bench;
	const char *why;

	(void)pvx_reference(t);
	expect_true(t, pvb_drop(b, &why), "the reference that was there goes");
	must(t, b->pviommu->host_backend->create(b, &front.real), "making the host");
	s->p = page_alloc(t, (OWN_PAGES + 4) * PAGE_BYTES, 0);
}

static void end(struct test *t)
{
	t->bench->pviommu->host_backend->destroy(front.real);
}

TEST(pviommu_reference_host_fails,
     .id = "pviommu.reference.host_fails",
     .given = "a host of which one call fails: each in turn, by lack of memory and otherwise",
     .expects = "the hypercall fails and changes nothing; the next one succeeds; nothing is lost",
     .needs = NEED_PVIOMMU | NEED_ENGINE,
     .budget_us = 20000000)
{
	static const enum status how[] = { ERR_NO_MEMORY, ERR_IO, ERR_NOT_FOUND, ERR_FULL, ERR_UNSUPPORTED };
	struct stage *s = (struct stage *)(void *)page_alloc(t, sizeof(struct stage), 0)->p;
	unsigned n;

	start(t, s);
	for (unsigned i = 0; i < ARRAY_LEN(how); i++) {
		for (n = 1; n < STEPS_MAX && run(t, s, n, how[i]); n++)
			;
		expect_true(t, n > 15 && n < STEPS_MAX, "every call of the host has failed once");
	}
	end(t);
}

/* What a domain leaves in a host that does not let go. */
static void expect_kept(struct test *t, struct stage *s, unsigned at, const char *what)
{
	prepare(t, s, 0, ERR_IO);
	must(t, pvref_create(&front.io, &s->setup.config, &s->r), "making a reference");
	expect_eq(t, "the device's new domain", (uint64_t)pvref_assign(s->r, s->device.addr, PVB_DOM0, PVB_GUEST), OK);
	front.fail_at = front.calls + at;
	expect_eq(t, what, (uint64_t)pvref_domain_destroy(s->r, PVB_GUEST), (uint64_t)ERR_IO);
	expect_true(t, at == 1 || pvref_check(s->r), "the reference's check tells");
	expect_true(t, !pvref_domain_destroy(s->r, PVB_GUEST) == false, "the domain is gone all the same");
	front.fail_at = front.calls + 1;
	expect_eq(t, "pvref_destroy, something is kept", (uint64_t)pvref_destroy(s->r), (uint64_t)ERR_IO);
	end(t);
	must(t, t->bench->pviommu->host_backend->create(t->bench, &front.real), "making the host again");
}

TEST(pviommu_reference_host_keeps,
     .id = "pviommu.reference.host_keeps",
     .given = "a domain destroyed while the host does not let go of its device, or of a context",
     .expects = "the failure is told; what the host keeps is told by the reference's check",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct stage *s = (struct stage *)(void *)page_alloc(t, sizeof(struct stage), 0)->p;

	start(t, s);
	expect_kept(t, s, 1, "pvref_domain_destroy, the device is kept");
	expect_kept(t, s, 2, "pvref_domain_destroy, the context is kept");
	end(t);
}

static void expect_notice(struct test *t, struct stage *s, enum lie lie, uint64_t dfn, const char *what)
{
	front.lie = lie;
	front.lie_at = iova_of(dfn);
	expect_true(t, pvref_check(s->r), what);
	front.lie = LIE_NONE;
	expect_true(t, !pvref_check(s->r), "the truth is in order");
}

TEST(pviommu_reference_check,
     .id = "pviommu.reference.check",
     .given = "a host that tells of a page otherwise than was asked for",
     .expects = "the reference's check notices each",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct stage *s = (struct stage *)(void *)page_alloc(t, sizeof(struct stage), 0)->p;
	struct pvio_range r = { .gfn = 0, .dfn = PVX_A, .flags = PVIO_MAP_READABLE, .nr_pages = 9 };
	uint32_t n = 0;

	start(t, s);
	prepare(t, s, 0, OK);
	must(t, pvref_create(&front.io, &s->setup.config, &s->r), "making a reference");
	s->guest = (struct pvref_guest){ s->r, PVB_DOM0 };
	s->client = (struct pvio){ .call = pvref_page_call, .ctx = &s->guest };
	must(t, pvio_probe(&s->client, t->bench->pviommu->revision), "asking for the revision");
	(void)pvio_init(&s->client, 8, 9);
	expect_rc(t, "alloc_context", pvio_alloc_context(&s->client, 0, &r.ctx_no), 0);
	r.gfn = s->memory.gfn;
	expect_rc(t, "map_pages", pvio_map_pages(&s->client, &r, &n), 0);
	expect_true(t, !pvref_check(s->r), "all is in order");
	r.dfn += 9;
	r.gfn += 5;
	expect_rc(t, "map_pages of other ones", pvio_map_pages(&s->client, &r, &n), 0);
	r.dfn += 9;
	r.gfn += 9;
	r.nr_pages = 1;
	r.flags = PVX_RW;
	expect_rc(t, "map_pages with another permission", pvio_map_pages(&s->client, &r, &n), 0);
	expect_true(t, !pvref_check(s->r), "all is in order side by side");
	expect_notice(t, s, LIE_ELSEWHERE, PVX_A, "the first page leads elsewhere");
	expect_notice(t, s, LIE_ELSEWHERE, PVX_A + 8, "the last page leads elsewhere");
	expect_notice(t, s, LIE_ELSEWHERE, PVX_A + 4, "one in the middle leads elsewhere");
	expect_notice(t, s, LIE_MORE, PVX_A, "more is allowed than was asked for");
	expect_notice(t, s, LIE_LESS, PVX_A + 8, "less is allowed than was asked for");
	expect_notice(t, s, LIE_ABSENT, PVX_A, "a page is absent");
	expect_notice(t, s, LIE_PRESENT, PVX_A + 19, "a page behind them is there");
	expect_notice(t, s, LIE_ELSEWHERE, s->memory.gfn, "context 0 leads elsewhere");
	front.keeps_page = true;
	expect_rc(t, "free_context", pvio_free_context(&s->client, r.ctx_no, 0), 0);
	front.keeps_page = false;
	expect_true(t, pvref_check(s->r), "memory that does not come back is noticed");
	expect_eq(t, "pvref_destroy", (uint64_t)pvref_destroy(s->r), OK);
	mem_free(front.page, PAGE_BYTES);
	end(t);
}
