/* The fixture of PV-IOMMU's tests: steps, and what is taken back when a test ends. */
#include "tests/pviommu/fixture.h"

#define NUMBERS  65536u
#define CLIENTS  4
#define MAP_STEP 256u /* T allows no more in one call */

struct pvx_state {
	bool owned[NUMBERS];              /* contexts to free */
	struct pvio clients[CLIENTS];     /* of other domains of the reference */
	struct pvref_guest callers[CLIENTS];
	unsigned clients_n;
	bool moved;                       /* some engine may be away from context 0 */
};

static struct pviommu_bench *pvb(struct test *t)
{
	return t->bench->pviommu;
}

/* Whether the reference is at one with itself, whatever the test made it do. */
static void expect_whole(struct test *t)
{
	const char *wrong = pvref_check(pvb(t)->reference);

	if (wrong)
		fail(t, "the reference agrees with itself and with its host", "%s", wrong);
}

/* Devices go home first: a context that they are in cannot be freed. */
static void cleanup(struct test *t)
{
	struct pvx_state *f = t->fixture;
	struct pvio *p = &pvb(t)->client;

	for (unsigned i = 0; f->moved && i < t->bench->engines_n; i++) {
		struct engine *e = &t->bench->engines[i];

		if (pvio_reattach_device(p, PVIO_DEFAULT_CONTEXT, e->dev->addr, 0) != 0 && t->bench->hypervisor)
			log_line("the engine at " PCI_FMT " stays away from context 0", PCI_ARGS(e->dev->addr));
		if (t->bench->hypervisor)
			pci_enable(e->dev, true, true); /* Xen turns it off after a storm of refused requests */
	}
	for (unsigned i = 0; i < NUMBERS; i++)
		if (f->owned[i] && pvio_free_context(p, (uint16_t)i, 0) != 0)
			log_line("context %u cannot be freed", i);
	if (!t->bench->hypervisor && pvb(t)->reference)
		expect_whole(t);
}

static struct pvx_state *state(struct test *t)
{
	if (!t->fixture) {
		if (!t->bench->hypervisor && !pvb(t)->reference)
			give_up(t, "there is no reference of PV-IOMMU to test");
		t->fixture = page_alloc(t, sizeof(struct pvx_state), 0)->p;
		t->cleanup = cleanup;
	}
	return t->fixture;
}

static struct pvio *client(struct test *t)
{
	(void)state(t);
	return &pvb(t)->client;
}

static bool has_init(const struct pvio *p)
{
	return pvio_number(p->revision, PVIO_INIT) >= 0;
}

struct pvio *pvx_uninitialised(struct test *t)
{
	struct pvio *p = client(t);

	if (pvio_query_capabilities(p) != 0)
		give_up(t, "the capabilities cannot be read");
	if (has_init(p) && p->caps.max_ctx_no)
		skip_unreached(t, "this domain is initialised already; run the test alone");
	return p;
}

struct pvio *pvx(struct test *t)
{
	struct pvio *p = client(t);

	if (!has_init(p))
		return p;
	if (pvio_query_capabilities(p) != 0)
		give_up(t, "the capabilities cannot be read");
	if (p->caps.max_ctx_no)
		return p;
	(void)pvio_init(p, PVX_CONTEXTS, PVX_ORDER);
	if (pvio_query_capabilities(p) != 0 || !p->caps.max_ctx_no)
		give_up(t, "the domain cannot be initialised");
	/* Where init goes on as alloc_context, it has made a context. */
	if (t->bench->hypervisor)
		(void)pvio_free_context(p, 1, 0);
	return p;
}

bool pvx_on_hypervisor(const struct test *t)
{
	return t->bench->hypervisor;
}

int64_t pvx_by(const struct test *t, int64_t in_t, int64_t in_h, int64_t in_i, int64_t in_f)
{
	switch (t->bench->revision) {
	case REV_T: return in_t;
	case REV_H: return in_h;
	case REV_I: return in_i;
	default: return in_f;
	}
}

/* ---- the reference ---- */

void pvx_setup(struct test *t, struct pvb_setup *s)
{
	if (t->bench->hypervisor)
		skip_unreached(t, "only the reference can be set up for this");
	pvb_default(t->bench, s);
}

struct pvio *pvx_remake(struct test *t, const struct pvb_setup *s)
{
	(void)pvx_reference(t);
	must(t, pvb_make(t->bench, &s->config), "making the reference");
	return &pvb(t)->client;
}

struct pvref *pvx_reference(struct test *t)
{
	(void)state(t);
	if (t->bench->hypervisor)
		skip_unreached(t, "only the reference can be set up for this");
	return pvb(t)->reference;
}

struct engine *pvx_last_engine(struct test *t)
{
	struct pviommu_bench *p = pvb(t);

	(void)pvx_reference(t);
	for (unsigned i = 0; i < t->bench->engines_n && p->devices_n; i++)
		if (t->bench->engines[i].dev->addr.sid == p->devices[p->devices_n - 1].addr.sid)
			return &t->bench->engines[i];
	give_up(t, "there is no device to give away");
}

struct pvio *pvx_client_of(struct test *t, uint16_t domid)
{
	struct pvref *r = pvx_reference(t);
	struct pvx_state *f = state(t);
	struct pvio *p = &f->clients[f->clients_n];

	if (f->clients_n == CLIENTS)
		give_up(t, "the test asks for more than %u clients", CLIENTS);
	f->callers[f->clients_n] = (struct pvref_guest){ r, domid };
	p->call = pvref_page_call;
	p->ctx = &f->callers[f->clients_n++];
	p->revision = pvb(t)->revision;
	return p;
}

/* ---- contexts ---- */

void pvx_owns(struct test *t, uint16_t ctx)
{
	state(t)->owned[ctx] = true;
}

void pvx_disowns(struct test *t, uint16_t ctx)
{
	state(t)->owned[ctx] = false;
}

int64_t pvx_try_alloc(struct test *t, uint32_t flags, uint16_t *ctx)
{
	struct pvio *p = pvx(t);
	int64_t rc = pvio_alloc_context(p, flags, ctx);

	if (rc == 0 && *ctx)
		pvx_owns(t, *ctx);
	return rc;
}

uint16_t pvx_context(struct test *t)
{
	uint16_t ctx = 0;
	int64_t rc = pvx_try_alloc(t, 0, &ctx);

	if (rc != 0 || !ctx)
		give_up(t, "no context: %s, number %u", pvx_result(rc), ctx);
	return ctx;
}

static void good(struct test *t, int64_t rc, const char *what)
{
	if (rc != 0)
		give_up(t, "%s: %s", what, pvx_result(rc));
}

void pvx_free(struct test *t, uint16_t ctx)
{
	good(t, pvio_free_context(client(t), ctx, 0), "freeing a context");
	pvx_disowns(t, ctx);
}

/* ---- mappings ---- */

int64_t pvx_try_map(struct test *t, uint16_t ctx, uint64_t dfn, uint64_t gfn, uint32_t pages, uint32_t *mapped)
{
	struct pvio_range r = { .ctx_no = ctx, .dfn = dfn, .gfn = gfn, .flags = PVX_RW, .nr_pages = pages };
	uint32_t n = 0;
	int64_t rc = pvio_map_pages(client(t), &r, &n);

	if (mapped)
		*mapped = n;
	return rc;
}

int64_t pvx_try_unmap(struct test *t, uint16_t ctx, uint64_t dfn, uint32_t pages, uint32_t *unmapped)
{
	struct pvio_range r = { .ctx_no = ctx, .dfn = dfn, .nr_pages = pages };
	uint32_t n = 0;
	int64_t rc = pvio_unmap_pages(client(t), &r, &n);

	if (unmapped)
		*unmapped = n;
	return rc;
}

void pvx_map(struct test *t, uint16_t ctx, uint64_t dfn, pa_t pa, uint32_t pages, uint32_t flags)
{
	for (uint32_t done = 0; done < pages; done += MAP_STEP) {
		struct pvio_range r = { .ctx_no = ctx, .dfn = dfn + done, .gfn = gfn_of(pa) + done, .flags = flags };
		uint32_t mapped = 0;

		r.nr_pages = (uint32_t)min_u64(pages - done, MAP_STEP);
		good(t, pvio_map_pages(client(t), &r, &mapped), "mapping pages");
		if (mapped != r.nr_pages)
			give_up(t, "mapping pages: %u of %u mapped", mapped, r.nr_pages);
	}
}

void pvx_unmap(struct test *t, uint16_t ctx, uint64_t dfn, uint32_t pages)
{
	for (uint32_t done = 0; done < pages; done += MAP_STEP)
		good(t, pvx_try_unmap(t, ctx, dfn + done, (uint32_t)min_u64(pages - done, MAP_STEP), NULL), "unmapping pages");
}

/* ---- devices ---- */

struct pci_addr pvx_dev(const struct engine *e)
{
	return e->dev->addr;
}

int64_t pvx_try_attach(struct test *t, const struct engine *e, uint16_t ctx)
{
	state(t)->moved = true;
	return pvio_reattach_device(client(t), ctx, pvx_dev(e), 0);
}

void pvx_attach(struct test *t, struct engine *e, uint16_t ctx)
{
	for (unsigned i = 0; i < e->own_n && ctx; i++) {
		uint64_t dfn = gfn_of(e->own[i].pa);
		uint32_t pages = (uint32_t)(align_up(e->own[i].len_bytes, PAGE_BYTES) / PAGE_BYTES);

		/* Engines of one kind may share a context: mapped once is enough. */
		for (uint32_t k = 0; k < pages; k++)
			(void)pvx_try_map(t, ctx, dfn + k, dfn + k, 1, NULL);
	}
	good(t, pvx_try_attach(t, e, ctx), "moving a device");
}

uint16_t pvx_start(struct test *t)
{
	uint16_t ctx = pvx_context(t);

	pvx_attach(t, t->engine, ctx);
	return ctx;
}

void pvx_home(struct test *t, struct engine *e)
{
	good(t, pvx_try_attach(t, e, PVIO_DEFAULT_CONTEXT), "moving a device to context 0");
}
