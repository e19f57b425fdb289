/*
 * Random hypercalls against the reference, judged by what a device then reaches: memory that its domain was never given
 * must neither change nor be read, whatever was asked for. After each call the reference must agree with itself, and at
 * the end nothing may be left of all contexts.
 */
#include "tests/pviommu/fixture.h"
#include "tests/pviommu/hostile.h"
#include <string.h>

#define OWN_PAGES    64u
#define SECRET_PAGES 32u
#define TRANSFERS    8u /* in each part: between calls, spread evenly */
#define GUEST_GFN    UINT64_C(0x4000)
#define SECRET       0x5e
#define MSI_FIRST    0xfee00u
#define MSI_LAST     0xfeeffu

struct fuzz {
	struct test *t;
	struct hostile h;
	struct page *own, *guests, *secret;
	uint32_t bytes;
};

/* Two domains that have little memory, each with a device where there are two; a third has no IOMMU. */
static void prepare(struct fuzz *f)
{
	struct test *t = f->t;
	struct pvref_memory own = { gfn_of(f->own->pa), f->own->pa, OWN_PAGES, PVREF_RAM };
	struct pvref_memory theirs = { GUEST_GFN, f->guests->pa, OWN_PAGES, PVREF_RAM };
	struct pvref_domain_config domains[HOSTILE_DOMAINS];
	struct pvb_setup s;

	pvx_setup(t, &s);
	domains[0] = s.domain;
	domains[0].max_ctx_no = HOSTILE_CONTEXTS;
	domains[0].arena_pages = 200;
	domains[0].memory = &own;
	domains[0].memory_n = 1;
	domains[0].devices_n -= domains[0].devices_n > 1; /* the last one is the guest's */
	domains[1] = domains[0];
	domains[1].domid = PVB_GUEST;
	domains[1].hardware = false;
	domains[1].default_blocking = true;
	domains[1].memory = &theirs;
	domains[1].devices = domains[0].devices + domains[0].devices_n;
	domains[1].devices_n = s.domain.devices_n - domains[0].devices_n;
	domains[2] = (struct pvref_domain_config){ .domid = PVB_PLAIN, .no_iommu = true };
	s.config.max_pasid = HOSTILE_PASIDS; /* none that cleaning up does not know */
	s.config.step_pages = 16;
	s.config.domains = domains;
	s.config.domains_n = HOSTILE_DOMAINS;
	must(t, pvb_make(t->bench, &s.config), "making a reference");
	f->h.reference = t->bench->pviommu->reference;
	f->h.revision = t->bench->pviommu->revision;
	f->h.prng = &t->prng;
	for (unsigned i = 0; i < s.domain.devices_n && i < HOSTILE_DEVS; i++)
		f->h.devs[f->h.devs_n++] = s.domain.devices[i].addr;
	for (unsigned i = 0; i < HOSTILE_DOMAINS; i++)
		f->h.domids[f->h.domids_n++] = domains[i].domid;
	f->h.gfns[f->h.gfns_n++] = own.gfn;
	f->h.gfns[f->h.gfns_n++] = GUEST_GFN;
	f->h.gfns[f->h.gfns_n++] = gfn_of(f->secret->pa);
	f->h.pages = OWN_PAGES;
	if (prng_below(&t->prng, 4))
		hostile_init(&f->h, 2);
}

static bool is_secret(const uint8_t *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (p[i] != SECRET)
			return false;
	return true;
}

/* One read and one write of the hardware domain's device, at an address that may be anything. */
static bool transfer(struct fuzz *f)
{
	struct test *t = f->t;
	uint64_t dfn = prng_below(&t->prng, 3) ? hostile_dfn(&f->h) : hostile_gfn(&f->h);
	uint8_t data[PAGE_BYTES] = { 0 };
	struct dma_request rq = { .iova = IOVA(dfn % BIT(36) * PAGE_BYTES), .len_bytes = f->bytes, .data = data };
	enum dma_outcome outcome = DMA_UNKNOWN;

	if (dfn % BIT(36) >= MSI_FIRST && dfn % BIT(36) <= MSI_LAST)
		return true; /* that would be an interrupt */
	run_extend_us(2 * t->engine->caps.usual_us);
	if (t->engine->ops->read(t->engine, &rq, &outcome) != OK)
		(void)t->engine->ops->reset(t->engine);
	if (rq.echo_n && is_secret(data, rq.echo_n)) {
		fail(t, "nothing is read that was not given", "memory of nobody is read");
		return false;
	}
	memset(data, 0x11, sizeof(data));
	if (t->engine->ops->write(t->engine, &rq, &outcome) != OK)
		(void)t->engine->ops->reset(t->engine);
	if (is_secret(f->secret->p, SECRET_PAGES * PAGE_BYTES) && is_secret(f->guests->p, OWN_PAGES * PAGE_BYTES))
		return true;
	fail(t, "nothing changes that was not given", "memory of nobody or of another domain changed");
	note(t, "the device wrote at iova 0x%llx", (unsigned long long)rq.iova.v);
	return false;
}

static void expect_nothing_left(struct fuzz *f)
{
	struct pvref_counts n;

	hostile_clean_up(&f->h, 2);
	pvref_count(f->h.reference, &n);
	expect_eq(f->t, "contexts that are left", n.contexts_n, 0);
	expect_eq(f->t, "functions that are away", n.devices_away, 0);
	expect_eq(f->t, "PASIDs that are left", n.pasids_n, 0);
	expect_eq(f->t, "pages of memory that are taken", n.arena_used, 0);
}

static void run(struct fuzz *f)
{
	struct test *t = f->t;

	for (unsigned i = 1; i <= FUZZ_PART_CASES; i++) {
		const char *wrong;

		hostile_call(&f->h);
		wrong = pvref_check(f->h.reference);
		if (wrong)
			fail(t, "the reference agrees with itself", "%s", wrong);
		if (wrong || (i % (FUZZ_PART_CASES / TRANSFERS) == 0 && !transfer(f))) {
			note(t, "after %u calls", i);
			return;
		}
	}
	expect_nothing_left(f);
}

TEST(pviommu_fuzz,
     .id = "pviommu.fuzz.calls",
     .given = "random hypercalls of three domains, hostile and sane ones, and transfers between them",
     .expects = "no crash; a device reaches only what its domain was given; nothing is left at the end",
     .needs = NEED_PVIOMMU | NEED_ENGINE | NEED_ENGINE_DIRECT,
     .flags = TEST_FUZZ,
     .budget_us = 60000000)
{
	struct fuzz f = { .t = t };

	if (pvx_on_hypervisor(t))
		skip_unreached(t, "hypervisors are not fuzzed: they would not survive it");
	f.own = page_alloc(t, OWN_PAGES * PAGE_BYTES, 0);
	f.guests = page_alloc(t, OWN_PAGES * PAGE_BYTES, 0);
	f.secret = page_alloc(t, SECRET_PAGES * PAGE_BYTES, 0);
	memset(f.guests->p, SECRET, f.guests->len_bytes);
	memset(f.secret->p, SECRET, f.secret->len_bytes);
	f.bytes = dma_small_bytes(t, t->engine);
	must(t, linear_run_make(&f.h.run, HOSTILE_RUN_PAGES), "pages for structures");
	prepare(&f);
	run(&f);
	linear_run_drop(&f.h.run);
}
