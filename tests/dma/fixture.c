/* The fixture of contract tests. */
#include "tests/dma/fixture.h"

#define FAULTS_MAX 64

struct attachment {
	struct domain *domain;
	struct requester requester;
};

struct dfx {
	struct domain *domains[DFX_DOMAINS_MAX];
	unsigned domains_n;
	struct attachment attached[DFX_ATTACH_MAX];
	unsigned attached_n;
};

static void cleanup(struct test *t)
{
	struct dfx *f = t->fixture;

	while (f->attached_n) {
		struct attachment *a = &f->attached[--f->attached_n];

		if (t->iommu->ops->detach(a->domain, a->requester) != OK)
			log_line("a requester cannot be detached");
	}
	while (f->domains_n)
		if (t->iommu->ops->domain_destroy(f->domains[--f->domains_n]) != OK)
			log_line("a domain cannot be destroyed");
}

static struct dfx *dfx_of(struct test *t)
{
	if (!t->fixture) {
		t->fixture = page_alloc(t, sizeof(struct dfx), 0)->p;
		t->cleanup = cleanup;
	}
	return t->fixture;
}

struct domain *dfx_domain(struct test *t, enum domain_kind kind)
{
	struct dfx *f = dfx_of(t);
	struct domain *d = NULL;

	if (f->domains_n == DFX_DOMAINS_MAX)
		give_up(t, "the test asks for more than %u domains", DFX_DOMAINS_MAX);
	must(t, t->iommu->ops->domain_create(t->iommu, kind, &d), "creating a domain");
	f->domains[f->domains_n++] = d;
	return d;
}

void dfx_drop(struct test *t, struct domain *d)
{
	struct dfx *f = dfx_of(t);

	must(t, t->iommu->ops->domain_destroy(d), "destroying a domain");
	for (unsigned i = 0; i < f->domains_n; i++)
		if (f->domains[i] == d) {
			f->domains[i] = f->domains[--f->domains_n];
			return;
		}
}

struct requester dfx_requester(const struct engine *e)
{
	return (struct requester){ .addr = e->dev->addr };
}

void dfx_attach_as(struct test *t, struct domain *d, struct requester r)
{
	struct dfx *f = dfx_of(t);

	if (f->attached_n == DFX_ATTACH_MAX)
		give_up(t, "the test attaches more than %u requesters", DFX_ATTACH_MAX);
	must(t, t->iommu->ops->attach(d, r), "attaching a requester");
	f->attached[f->attached_n++] = (struct attachment){ d, r };
}

void dfx_attach(struct test *t, struct domain *d, struct engine *e)
{
	dfx_attach_as(t, d, dfx_requester(e));
	for (unsigned i = 0; i < e->own_n && d->kind == DOMAIN_PAGED; i++) {
		pa_t at;
		unsigned perm;

		/* Engines of one kind may share a domain: mapped once is enough. */
		if (t->iommu->ops->lookup(d, IOVA(e->own[i].pa.v), &at, &perm) != OK)
			dfx_map(t, d, IOVA(e->own[i].pa.v), e->own[i].pa, align_up(e->own[i].len_bytes, PAGE_BYTES), PERM_RW);
	}
}

static bool same(struct requester a, struct requester b)
{
	return a.addr.segment == b.addr.segment && a.addr.sid == b.addr.sid && a.has_pasid == b.has_pasid &&
	       (!a.has_pasid || a.pasid == b.pasid);
}

void dfx_detach_as(struct test *t, struct domain *d, struct requester r)
{
	struct dfx *f = dfx_of(t);

	must(t, t->iommu->ops->detach(d, r), "detaching a requester");
	for (unsigned i = 0; i < f->attached_n; i++)
		if (f->attached[i].domain == d && same(f->attached[i].requester, r)) {
			f->attached[i] = f->attached[--f->attached_n];
			return;
		}
}

void dfx_detach(struct test *t, struct domain *d, struct engine *e)
{
	dfx_detach_as(t, d, dfx_requester(e));
}

struct domain *dfx_start(struct test *t)
{
	struct domain *d = dfx_domain(t, DOMAIN_PAGED);

	dfx_attach(t, d, t->engine);
	return d;
}

void dfx_map(struct test *t, struct domain *d, iova_t iova, pa_t pa, uint64_t bytes, unsigned perm)
{
	must(t, t->iommu->ops->map(d, iova, pa, bytes, perm, 0), "mapping a range");
	must(t, t->iommu->ops->flush(d, iova, bytes), "flushing after a map");
}

void dfx_unmap(struct test *t, struct domain *d, iova_t iova, uint64_t bytes)
{
	uint64_t unmapped = 0;

	must(t, t->iommu->ops->unmap(d, iova, bytes, &unmapped), "unmapping a range");
	must(t, t->iommu->ops->flush(d, iova, bytes), "flushing after an unmap");
}

bool expect_status(struct test *t, const char *call, enum status seen, enum status expected)
{
	char text[100];

	if (seen == expected)
		return true;
	str_printf(text, sizeof(text), "%s: %s", call, status_text(expected));
	fail(t, text, "%s: %s", call, status_text(seen));
	return false;
}

bool expect_refusal_told(struct test *t, const struct engine *e, iova_t iova, bool write)
{
	struct iommu_fault f;
	unsigned n = 0;

	if (!(t->iommu->caps.flags & IOMMU_HAS_FAULTS))
		return true;
	while (n < FAULTS_MAX && t->iommu->ops->fault_pop(t->iommu, &f) == OK) {
		n++;
		if (f.requester.addr.sid == e->dev->addr.sid && f.iova.v == align_down(iova.v, PAGE_BYTES) &&
		    (f.write == write || !f.write_known))
			continue;
		fail(t, write ? "a record of the refused write" : "a record of the refused read",
		     "a record of a %s, %s requester, %s page (%s)", f.write ? "write" : "read",
		     f.requester.addr.sid == e->dev->addr.sid ? "right" : "wrong",
		     f.iova.v == align_down(iova.v, PAGE_BYTES) ? "right" : "wrong", f.text);
		note(t, "record: iova 0x%llx sid 0x%04x reason 0x%x", (unsigned long long)f.iova.v, f.requester.addr.sid,
		     f.reason);
		return false;
	}
	if (!n)
		fail(t, write ? "a record of the refused write" : "a record of the refused read", "no record");
	return n != 0;
}

bool expect_no_refusal_told(struct test *t)
{
	struct iommu_fault f;

	if (!(t->iommu->caps.flags & IOMMU_HAS_FAULTS) || t->iommu->ops->fault_pop(t->iommu, &f) != OK)
		return true;
	fail(t, "no fault record", "a record of a %s (%s)", f.write ? "write" : "read", f.text);
	return false;
}
