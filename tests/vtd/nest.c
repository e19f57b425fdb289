/* Nested translation as tests use it. */
#include "tests/vtd/nest.h"

uint64_t gpa(const struct page *p)
{
	return p->pa.v + GPA_OFFSET;
}

uint64_t *fs(const struct nest *n, unsigned level)
{
	return (uint64_t *)(void *)n->table[level]->p + shr(IOVA_A.v, 12 + 9 * (level - 1)) % 512; /* page-aligned */
}

uint64_t *ss(struct test *t, const struct nest *n, const struct page *p)
{
	return fx_entry(t, n->r, IOVA(gpa(p)), 1);
}

static void ss_map(struct test *t, const struct nest *n, const struct page *p)
{
	fx_map(t, n->r, IOVA(gpa(p)), p->pa, 1, PERM_RW, 0);
}

unsigned limit_bits(const struct test *t, const struct nest *n)
{
	return (unsigned)min_u64(t->bench->vtd->caps.mgaw_bits, 12 + 9 * n->r->levels);
}

static vtd_pasid_t nested_entry(struct test *t, const struct nest *n)
{
	vtd_pasid_t v = vtd_pasid_ss(n->r->space_pa, n->r->levels, n->r->did, t->bench->vtd->caps.smpwcs);

	v.w[0] = fld_set(PASID_PGTT, v.w[0], PGTT_NESTED);
	v.w[2] = gpa(n->table[FS_LEVELS]);
	return v;
}

void nest_start(struct test *t, struct nest *n)
{
	unsigned levels = 3;

	fx_start(t, FX_SM_SS);
	n->r = fx_req(t, t->engine);
	n->page = page_filled(t, 0xa5);
	while (levels < 5 && !vtd_caps_levels(&t->bench->vtd->caps, levels))
		levels++;
	sm_set_levels(t, n->r, levels);
	if (limit_bits(t, n) < 39)
		skip(t, "second-stage input of less than 39 bits");
	for (unsigned level = 1; level <= FS_LEVELS; level++) {
		n->table[level] = page_alloc(t, PAGE_BYTES, 0);
		ss_map(t, n, n->table[level]);
		fx_set(t, fs(n, level), (level > 1 ? gpa(n->table[level - 1]) : gpa(n->page) | FS_D) | FS_ENTRY);
	}
	ss_map(t, n, n->page);
	fx_set(t, n->r->pasid, 0);
	sm_put(t, n->r->pasid, nested_entry(t, n).w, 8);
	fx_sync(t);
	expect_allowed(t, IOVA_A, n->page);
}
