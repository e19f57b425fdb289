/* Old or new before an invalidation, new after it. */
#include "tests/vtd/stale.h"
#include <string.h>

static uint32_t bytes_of(const struct engine *e)
{
	return (uint32_t)align_up(16, max_u64(e->caps.granule_bytes, 1));
}

static bool changed(const struct page *p, uint8_t fill)
{
	for (uint64_t i = 0; p && i < PAGE_BYTES; i++)
		if (p->p[i] != fill)
			return true;
	return false;
}

/* Where a write lands. */
struct landed { bool old, fresh; };

static struct landed write_lands(struct test *t, struct engine *e, iova_t iova, struct page *old, struct page *fresh)
{
	const uint8_t fill = 0xa5;

	if (old)
		memset(old->p, fill, PAGE_BYTES);
	if (fresh)
		memset(fresh->p, fill, PAGE_BYTES);
	(void)try_write(t, e, iova, bytes_of(e), NULL, 0);
	return (struct landed){ changed(old, fill), changed(fresh, fill) };
}

bool expect_either(struct test *t, struct engine *e, iova_t iova, struct page *old, struct page *fresh)
{
	struct landed l = write_lands(t, e, iova, old, fresh);

	if (l.old && l.fresh) {
		fail(t, "the write lands in the old or in the new page", "it lands in both");
		return false;
	}
	if (l.old || l.fresh)
		return expect_no_fault(t);
	(void)fx_faults_drop(t);
	return expect_true(t, !old || !fresh, "the write lands in the old or in the new page");
}

bool expect_fresh(struct test *t, struct engine *e, iova_t iova, struct page *old, struct page *fresh)
{
	struct landed l = write_lands(t, e, iova, old, fresh);

	if (!l.old && l.fresh)
		return expect_no_fault(t);
	fail(t, "the write lands in the new page", "it lands in %s",
	     l.old ? l.fresh ? "both" : "the old page" : "neither page");
	(void)fx_faults_drop(t);
	return false;
}

struct fx_req fx_other_space(struct test *t, const struct fx_req *r)
{
	struct page *top = page_alloc(t, PAGE_BYTES, 0);
	const struct engine *e = r->engine;
	struct fx_req alt = *r;

	alt.space = (uint64_t *)(void *)top->p; /* page-aligned */
	alt.space_pa = top->pa;
	for (unsigned i = 0; i < e->own_n; i++)
		for (uint64_t off = 0; off < e->own[i].len_bytes; off += PAGE_BYTES)
			fx_map(t, &alt, IOVA(e->own[i].pa.v + off), pa_add(e->own[i].pa, off), 1, PERM_RW, 0);
	return alt;
}

void fx_switch_space(struct test *t, struct fx_req *r, const struct fx_req *alt)
{
	const struct fx *fx = fx_of(t);
	bool snoop = fx->u->caps.smpwcs;

	if (!fx->scalable)
		fx_set(t, &r->ctx[0], vtd_ctx(TT_UNTRANSLATED, alt->space_pa, r->levels, r->did).w[0]);
	else if (fx->first_stage)
		fx_set(t, &r->pasid[2], vtd_pasid_fs(alt->space_pa, r->levels, r->did, snoop).w[2]);
	else
		fx_set(t, &r->pasid[0], vtd_pasid_ss(alt->space_pa, r->levels, r->did, snoop).w[0]);
}

void fx_drop(struct test *t, const struct fx_req *r, enum stale_inv how, iova_t iova, unsigned am, bool ih)
{
	const struct vtd_unit *u = fx_of(t)->u;
	bool drain = vtd_drains(u);

	switch (how) {
	case INV_GLOBAL:
		fx_inv(t, vtd_desc_iotlb_global(drain));
		break;
	case INV_DOMAIN:
		fx_inv(t, vtd_desc_iotlb_domain(r->did, drain));
		break;
	case INV_PAGE:
		if (!u->caps.psi)
			skip(t, "CAP.PSI = 0");
		fx_inv(t, vtd_desc_iotlb_page(r->did, iova, am, ih, drain));
		break;
	case INV_PASID:
		fx_inv(t, vtd_desc_piotlb_pasid(r->did, r->rid_pasid));
		break;
	case INV_PASID_PAGE:
		fx_inv(t, vtd_desc_piotlb_page(r->did, r->rid_pasid, iova, am, ih));
		break;
	}
}
