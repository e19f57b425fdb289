/*
 * Sequences of table edits, invalidations and DMA on VT-d (VT-d 6.2, 6.5, 6.6): which entries can be changed, and what
 * each needs.
 */
#include "drivers-iommu/vtd/entry.h"
#include "drivers-iommu/vtd/invalidate.h"
#include "drivers-iommu/vtd/unit.h"
#include "kernel/cmdline.h"
#include "kernel/glob.h"
#include "tests/fuzz/sequence.h"
#include "tests/fuzz/vtd/vtd.h"

#define DID 7 /* of the legal tables, see generate.c */

/* Invalidation by what it drops. Pages: only of paging entries. */
enum drops { D_CC_DEVICE, D_CC_GLOBAL, D_PC_PASID, D_PC_GLOBAL, D_IOTLB_PAGE_IH, D_IOTLB_PAGE, D_IOTLB_DOMAIN,
	     D_IOTLB_GLOBAL, D_N };

static const char *const names[D_N] = { "CC device", "CC global", "PC PASID", "PC global", "IOTLB page IH",
					"IOTLB page", "IOTLB domain", "IOTLB global" };

static struct vtd_unit *unit(const struct fuzz_sequence *s)
{
	return s->b.t->bench->vtd;
}

static bool scalable(const struct fuzz_sequence *s)
{
	return s->c.mode != FM_LEGACY;
}

/* ---- commands ---- */

static bool enough(unsigned done, unsigned need)
{
	switch (need) {
	case D_CC_DEVICE: return done == D_CC_DEVICE || done == D_CC_GLOBAL;
	case D_PC_PASID: return done == D_PC_PASID || done == D_PC_GLOBAL;
	case D_IOTLB_PAGE_IH: return done >= D_IOTLB_PAGE_IH;
	case D_IOTLB_PAGE: return done >= D_IOTLB_PAGE;
	case D_IOTLB_DOMAIN: return done >= D_IOTLB_DOMAIN;
	default: return done == need;
	}
}

static struct vtd_desc descriptor(const struct fuzz_sequence *s, unsigned d)
{
	const struct vtd_unit *u = unit(s);
	iova_t page = IOVA(align_down(s->c.iova, PAGE_BYTES));
	bool fs = s->c.mode == FM_FS;

	switch (d) {
	case D_CC_DEVICE: return vtd_desc_cc_device(DID, s->b.facts.sid, 0);
	case D_CC_GLOBAL: return vtd_desc_cc_global();
	case D_PC_PASID: return vtd_desc_pc_pasid(DID, s->c.pasid);
	case D_PC_GLOBAL: return vtd_desc_pc_global();
	case D_IOTLB_PAGE_IH:
		return fs ? vtd_desc_piotlb_page(DID, s->c.pasid, page, 0, true) :
			vtd_desc_iotlb_page(DID, page, 0, true, vtd_drains(u));
	case D_IOTLB_PAGE:
		return fs ? vtd_desc_piotlb_page(DID, s->c.pasid, page, 0, false) :
			vtd_desc_iotlb_page(DID, page, 0, false, vtd_drains(u));
	case D_IOTLB_DOMAIN:
		return fs ? vtd_desc_piotlb_pasid(DID, s->c.pasid) : vtd_desc_iotlb_domain(DID, vtd_drains(u));
	default: return vtd_desc_iotlb_global(vtd_drains(u));
	}
}

static bool offered(const struct fuzz_sequence *s, unsigned d)
{
	if (d == D_PC_PASID || d == D_PC_GLOBAL)
		return scalable(s);
	return (d != D_IOTLB_PAGE && d != D_IOTLB_PAGE_IH) || unit(s)->caps.psi;
}

static void send(struct fuzz_sequence *s, unsigned d)
{
	struct vtd_desc desc = descriptor(s, d);

	must(s->b.t, vtd_invalidate(unit(s), &desc, 1), "an invalidation");
}

static void settle(struct fuzz_sequence *s)
{
	fuzz_sequence_command(s, D_CC_GLOBAL);
	if (scalable(s))
		fuzz_sequence_command(s, D_PC_GLOBAL);
	fuzz_sequence_command(s, D_IOTLB_GLOBAL);
}

/* ---- edits ---- */

static void written(struct fuzz_sequence *s)
{
	must(s->b.t, vtd_write_buffer_flush(unit(s)), "flushing the write buffer");
}

static uint64_t *paging_entry(struct fuzz_sequence *s, unsigned level)
{
	return &fuzz_page(&s->b.arena, FP_L1 + level - 1)[shr(s->c.iova, 12 + 9 * (level - 1)) % 512];
}

static struct fuzz_change some_change(struct fuzz_sequence *s)
{
	unsigned levels = s->c.mode == FM_FS ? 4 : s->b.facts.levels,
		level = 2 + (unsigned)prng_below(&s->r, levels - 1);
	unsigned devfn = (unsigned)fld_get(SID_DEVFN, s->b.facts.sid);
	struct fuzz_arena *a = &s->b.arena;
	uint64_t *context = fuzz_page(a, FP_CONTEXT) + (scalable(s) ? 4 * (devfn % 128) : 2 * devfn);

	switch (prng_below(&s->r, scalable(s) ? 6 : 5)) {
	case 0:
		return (struct fuzz_change){ context, *context, *context ^ CTX_P, { D_CC_DEVICE, D_IOTLB_DOMAIN }, 2, 0,
				      "context P" };
	case 1:
		return (struct fuzz_change){ paging_entry(s, level), *paging_entry(s, level),
					     *paging_entry(s, level) ^ SS_W,
				      { D_IOTLB_PAGE }, 1, 0, "non-leaf W" };
	case 5:
		return (struct fuzz_change){ fuzz_page(a, FP_PASID) + 8 * fld_get(PASID_TABLE_INDEX, s->c.pasid), 0, 0,
				      { D_PC_PASID, D_IOTLB_DOMAIN }, 2, 0, "PASID entry P" };
	default: /* the leaf: another page, or a permission */
		return (struct fuzz_change){ paging_entry(s, 1), *paging_entry(s, 1), prng_below(&s->r, 2) ?
			(*paging_entry(s, 1) & ~SS_ADDR) |
				fuzz_page_pa(a, FP_DATA + (unsigned)prng_below(&s->r, FUZZ_DATA_N)) :
			*paging_entry(s, 1) ^ (prng_below(&s->r, 2) ? SS_W : SS_R), { D_IOTLB_PAGE_IH }, 1, 0, "leaf" };
	}
}

static void choose(struct fuzz_sequence *s, struct fuzz_change *e)
{
	*e = some_change(s);
	if (e->old == e->new) {
		e->old = *e->word;
		e->new = e->old ^ PASID_P;
	}
	/* A scalable context entry leads to PASID entries that may be kept, too. */
	if (scalable(s) && e->needs[0] == D_CC_DEVICE) {
		e->needs[1] = D_PC_PASID;
		e->needs[2] = D_IOTLB_DOMAIN;
		e->needs_n = 3;
	}
	/* Units without page granularity, and with CM = 1 entries under other tags: the whole domain, or all. */
	for (unsigned i = 0; i < e->needs_n; i++) {
		if (!unit(s)->caps.psi && e->needs[i] >= D_IOTLB_PAGE_IH)
			e->needs[i] = D_IOTLB_DOMAIN;
		if (s->b.facts.cm)
			e->needs[i] = e->needs[i] >= D_IOTLB_PAGE_IH ? D_IOTLB_GLOBAL :
				e->needs[i] >= D_PC_PASID ? D_PC_GLOBAL : D_CC_GLOBAL;
	}
}

/* A deviation of some QEMU: P of a PASID entry counts only when the context entry is fetched, too. */
static bool known_p_with_context(struct fuzz_sequence *s, const struct fuzz_outcome *seen)
{
	uint64_t *pasid = fuzz_page(&s->b.arena, FP_PASID) + 8 * fld_get(PASID_TABLE_INDEX, s->c.pasid), real = *pasid;
	bool explained;

	if (!scalable(s) || !glob_list_match(s->b.t->options->known, "pasid-p-with-context"))
		return false;
	*pasid = real | PASID_P;
	explained = fuzz_sequence_allows(s, seen, 0);
	*pasid = real;
	return explained;
}

static bool suits(const struct fuzz_case *c)
{
	return c->leaf_level == 1;
}

static const struct fuzz_caches caches = {
	.vendor = &fuzz_vtd, .test = "*fuzz.vtd.caches*", .modes = BIT(FM_LEGACY) | BIT(FM_SS) | BIT(FM_FS),
	.commands = names, .commands_n = D_N, .suits = suits, .offered = offered, .send = send, .enough = enough,
	.settle = settle, .choose = choose, .written = written, .known = known_p_with_context,
};

TEST(fuzz_caches,
     .id = "fuzz.vtd.caches",
     .given = "random sequences of table edits, invalidations and DMA",
     .expects = "what the tables say, with entries that were not yet invalidated old or new",
     .needs = NEED_VTD | NEED_ENGINE | NEED_ENGINE_DIRECT,
     .flags = TEST_FUZZ,
     .arg = FUZZ_SEQUENCE_CASES,
     .budget_us = 20000000)
{
	fuzz_sequences_run(t, &caches);
}
