/*
 * What only the model shows: direct mappings that the fabric hands out and takes back, and memory that firmware keeps for
 * a device (RMRR), which no platform here has.
 */
#include "drivers-iommu/acpi/scope.h"
#include "tests/vtd/model_ask.h"
#include "tests/vtd/sm.h"

#define NEEDS (NEED_VTD | NEED_QI | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)

/* A mapping of IOVA_A that leads to p. */
static bool have(struct test *t, const struct page *p)
{
	uint64_t address;

	if (!expect_true(t, model_direct(t, IOVA_A, &address) == OK, "a direct mapping"))
		return false;
	return expect_true(t, address == p->pa.v, "it leads to the page");
}

/* One command revokes the mapping, or does not. */
static bool after(struct test *t, const struct page *p, struct vtd_desc d, unsigned n, const char *what)
{
	bool good;

	if (!have(t, p))
		return false;
	fx_inv(t, d);
	good = expect_eq(t, "mappings revoked", model_revoked(t), n);
	if (!good)
		note(t, "%s", what);
	if (!n) { /* so that each starts with none */
		fx_inv(t, vtd_desc_iotlb_global(vtd_drains(fx_of(t)->u)));
		expect_eq(t, "mappings revoked later", model_revoked(t), 1);
	}
	return good;
}

/* arg: the mode. */
static void direct(struct test *t)
{
	struct page *p = fx_start_mapped(t, (enum fx_mode)t->desc->arg), *q = page_filled(t, 0x5a);
	struct vtd_unit *u = fx_of(t)->u;
	struct fx_req *r = fx_req(t, t->engine);
	uint64_t address;

	fx_sync(t);
	(void)model_revoked(t);
	expect_true(t, model_direct(t, IOVA_B, &address) == ERR_NOT_FOUND, "none of an unmapped page");
	expect_true(t, fx_faults_drop(t) > 0, "which is recorded");
	if (!have(t, p))
		return;
	expect_allowed(t, IOVA_A, p);
	expect_eq(t, "mappings revoked by DMA", model_revoked(t), 0);
	fx_map_page(t, IOVA_A, q);
	fx_sync(t);
	expect_eq(t, "mappings revoked", model_revoked(t), 1);
	after(t, q, vtd_desc_cc_global(), 1, "a context-cache invalidation");
	after(t, q, vtd_desc_iotlb_domain(r->did, vtd_drains(u)), 1, "an IOTLB invalidation");
	if (u->caps.ir)
		after(t, q, vtd_desc_iec_global(), 0, "an invalidation of interrupt entries");
	after(t, q, vtd_desc_wait(WAIT_FN, 0, PA(0)), 0, "a wait");
	if (fx_of(t)->scalable) {
		after(t, q, vtd_desc_pc_global(), 1, "a PASID-cache invalidation");
		after(t, q, vtd_desc_piotlb_pasid(r->did, r->rid_pasid), 1, "a PASID-based invalidation");
	}
	have(t, q);
	must(t, vtd_srtp(u, fx_of(t)->root_pa, fx_of(t)->scalable ? TTM_SCALABLE : TTM_LEGACY), "SRTP");
	expect_eq(t, "mappings revoked by SRTP", model_revoked(t), 1);
	have(t, q);
	must(t, vtd_translation_off(u), "turning translation off");
	expect_eq(t, "mappings revoked by TE = 0", model_revoked(t), 1);
	must(t, vtd_translation_on(u), "turning translation on");
	for (unsigned i = 0; i < 16; i++)
		have(t, q);
	expect_true(t, model_direct(t, IOVA_A, &address) == ERR_FULL, "no more than the fabric has room for");
	fx_sync(t);
	expect_eq(t, "mappings revoked at once", model_revoked(t), 16);
}

TEST_TABLE(model_direct_rows,
	   { .id = "vtd.model.direct.legacy", .given = "direct mappings of a page; commands of all sorts",
	     .expects = "revoked by those that change translations", .needs = NEEDS | NEED_LEGACY_SS, .flags = TEST_MODEL,
	     .arg = FX_LEGACY, .body = direct },
	   { .id = "vtd.model.direct.first_stage", .given = "direct mappings of a page; commands of all sorts",
	     .expects = "revoked by those that change translations", .needs = NEEDS | NEED_FSTS, .flags = TEST_MODEL,
	     .arg = FX_SM_FS, .body = direct });

/* ---- memory that firmware keeps ---- */

static void kept(struct test *t, uint16_t sid, const struct dmar_structure *s)
{
	uint64_t at;

	for (uint64_t page = s->base; page < s->limit; page += PAGE_BYTES)
		if (!expect_true(t, model_reaches(t, sid, IOVA(page), &at) && at == page, "a page of it is reached"))
			return;
	expect_true(t, !model_reaches(t, sid, IOVA(s->base - PAGE_BYTES), &at), "the page before it is refused");
	expect_true(t, !model_reaches(t, sid, IOVA(s->limit + 1), &at), "the page behind it is refused");
}

TEST(model_rmrr,
     .id = "vtd.model.rmrr",
     .checks = "VTD-ACPI-022",
     .given = "a backend just made, on a machine whose DMAR has an RMRR",
     .expects = "its device reaches the range by its own address, and nothing beside it",
     .needs = NEED_VTD, .flags = TEST_MODEL | TEST_PER_BACKEND)
{
	struct iommu_fault f;
	unsigned n = 0;

	for (unsigned i = 0; i < t->bench->bus.devs_n; i++) {
		struct dmar_query q = { t->bench->dmar, &t->bench->bus, DMAR_RMRR, t->bench->bus.devs[i].addr, 0 };
		struct dmar_structure s;

		for (; t->bench->bus.devs[i].header_type == 0 && dmar_covering(&q, &s, NULL); n++)
			kept(t, q.requester.sid, &s);
	}
	expect_eq(t, "RMRRs", n, 1);
	for (unsigned i = 0; i < 512 && t->iommu->ops->fault_pop(t->iommu, &f) == OK; i++)
		;
}
