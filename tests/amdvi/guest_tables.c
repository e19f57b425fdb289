/* Guest tables for AMD-Vi tests. */
#include "tests/amdvi/guest.h"

static const uint64_t gcr3_index[] = { GCR3_INDEX_1, GCR3_INDEX_2, GCR3_INDEX_3 };

static unsigned shift_of(unsigned level)
{
	return 12 + 9 * (level - 1);
}

void ag_host(struct test *t, struct ag *g, pa_t pa, unsigned perm)
{
	struct ax_req *r = ax_req(t, t->engine);

	if (g->o.nested)
		ax_map_sized(t, r, IOVA(pa.v + g->o.moved), pa, 12, perm);
}

/* A table page as the guest names it. */
static uint64_t *guest_table(struct test *t, struct ag *g, uint64_t *gpa)
{
	pa_t pa;
	uint64_t *p = ax_table(t, &pa);

	ag_host(t, g, pa, PERM_RW);
	*gpa = pa.v + (g->o.nested ? g->o.moved : 0);
	return p;
}

static uint64_t *table_at(struct test *t, const struct ag *g, uint64_t gpa)
{
	uint64_t *p = mem_ptr(PA(gpa - (g->o.nested ? g->o.moved : 0)), PAGE_BYTES);

	if (!p)
		give_up(t, "the guest entry above this one leads nowhere");
	return p;
}

struct ag *ag_start(struct test *t, const struct ag_options *o)
{
	struct page *home = page_alloc(t, sizeof(struct ag), 0);
	struct ag *g = (struct ag *)(void *)home->p; /* page-aligned */
	struct ax_req *r;
	amdvi_dte_t d;

	g->o = *o;
	if (!g->o.levels)
		g->o.levels = 4;
	if (g->o.glx > t->bench->amdvi->caps.glx_max)
		skip(t, "EFR.GLXSup: at most %u levels", t->bench->amdvi->caps.glx_max + 1);
	if (g->o.levels > t->bench->amdvi->caps.guest_levels_max)
		skip(t, "EFR.GATS: at most %u levels", t->bench->amdvi->caps.guest_levels_max);
	ax_start(t, &(struct ax_options){ .ctl = CTL_GT_EN | o->ctl });
	r = ax_req(t, t->engine);
	g->gcr3 = ax_table(t, &g->gcr3_pa);
	d = amdvi_dte_guest(g->gcr3_pa, g->o.glx, g->o.levels, r->domain_id);
	if (g->o.nested)
		d.w[0] |= amdvi_dte_host(r->space_pa, r->levels, r->domain_id, PERM_RW).w[0];
	if (g->o.giov_off || !t->bench->amdvi->caps.gio)
		d.w[0] &= ~DTE_GIOV;
	ax_set_dte(t, r, d);
	ag_sync(t, 0);
	return g;
}

uint64_t *ag_gcr3(struct test *t, struct ag *g, uint32_t pasid)
{
	uint64_t *at = g->gcr3;

	for (unsigned level = g->o.glx; level > 0; level--) {
		uint64_t *e = &at[fld_get(gcr3_index[level], pasid)];
		uint64_t gpa = *e & GCR3_ADDR;

		if (!(*e & GCR3_V)) {
			(void)guest_table(t, g, &gpa);
			ax_set(e, gpa | GCR3_V);
		}
		at = table_at(t, g, gpa);
	}
	return &at[fld_get(gcr3_index[0], pasid)];
}

uint64_t *ag_entry(struct test *t, struct ag *g, uint32_t pasid, iova_t gva, unsigned level)
{
	uint64_t *root = ag_gcr3(t, g, pasid), *at;
	uint64_t gpa = *root & GCR3_ADDR;

	if (!(*root & GCR3_V)) {
		(void)guest_table(t, g, &gpa);
		ax_set(root, gpa | GCR3_V);
	}
	at = table_at(t, g, gpa);
	for (unsigned l = g->o.levels; l > level; l--) {
		uint64_t *e = &at[shr(gva.v, shift_of(l)) % 512];

		gpa = *e & V2_ADDR;
		if (!*e) {
			(void)guest_table(t, g, &gpa);
			ax_set(e, gpa | V2_P | V2_RW | V2_US);
		}
		at = table_at(t, g, gpa);
	}
	return &at[shr(gva.v, shift_of(level)) % 512];
}

uint64_t ag_leaf(const struct ag *g, pa_t pa, unsigned level)
{
	return (pa.v + (g->o.nested ? g->o.moved : 0)) | V2_P | V2_RW | V2_US | (level > 1 ? V2_PS : 0);
}

void ag_map(struct test *t, struct ag *g, uint32_t pasid, iova_t gva, const struct page *p)
{
	ag_host(t, g, p->pa, PERM_RW);
	ax_set(ag_entry(t, g, pasid, gva, 1), ag_leaf(g, p->pa, 1));
}

void ag_sync(struct test *t, uint32_t pasid)
{
	ax_sync(t);
	ax_cmd(t, amdvi_cmd_guest_pages(ax_req(t, t->engine)->domain_id, pasid, amdvi_span_all(), true));
}

bool ag_dma(struct test *t, uint32_t pasid, iova_t gva, struct page *p, bool write, enum dma_outcome expected)
{
	struct dma_request rq = {
		.iova = gva, .len_bytes = dma_small_bytes(t, t->engine), .has_pasid = true, .pasid = pasid,
	};

	return expect_dma(t, t->engine, &rq, write, p, gva.v % PAGE_BYTES, expected);
}

struct page *ag_start_mapped(struct test *t, const struct ag_options *o, struct ag **g)
{
	struct page *p = page_filled(t, 0xa5);

	*g = ag_start(t, o);
	ag_map(t, *g, 0, AX_A, p);
	ag_sync(t, 0);
	ax_allowed(t, AX_A, p);
	return p;
}
