/*
 * Sequences of table edits, invalidations and DMA on AMD-Vi (AMD IOMMU 2.2.6, 2.4.2, 2.4.3, 2.4.8): which entries can
 * be changed, and what each needs.
 */
#include "drivers-iommu/amdvi/cmdbuf.h"
#include "drivers-iommu/amdvi/tables.h"
#include "kernel/cmdline.h"
#include "kernel/glob.h"
#include "tests/fuzz/amdvi/amdvi.h"
#include "tests/fuzz/sequence.h"

/* Invalidation by what it drops, in each cache from the weakest to the strongest. */
enum drops { D_ENTRY, D_HOST_LEAF, D_HOST_PAGE, D_GUEST_LEAF, D_GUEST_PAGE, D_GUEST_ALL, D_DOMAIN, D_ALL, D_N };

static const char *const names[D_N] = { "device table entry", "host page, PDE = 0", "host page, PDE = 1",
					"guest page, PDE = 0", "guest page, PDE = 1", "guest pages of the PASID",
					"pages of the domain", "all" };

static struct amdvi_unit *unit(const struct fuzz_sequence *s)
{
	return s->b.t->bench->amdvi;
}

/* ---- commands ---- */

static bool enough(unsigned done, unsigned need)
{
	if (done == need || done == D_ALL)
		return true;
	switch (need) {
	case D_HOST_LEAF: return done == D_HOST_PAGE || done == D_DOMAIN;
	case D_HOST_PAGE: return done == D_DOMAIN;
	case D_GUEST_LEAF:
	case D_GUEST_PAGE:
	case D_GUEST_ALL: return done > need && done <= D_DOMAIN;
	default: return false;
	}
}

static bool offered(const struct fuzz_sequence *s, unsigned d)
{
	if (d == D_ALL)
		return unit(s)->caps.ia;
	if (d >= D_GUEST_LEAF && d <= D_GUEST_ALL)
		return fa_guest(&s->c);
	return true;
}

static struct amdvi_cmd command(const struct fuzz_sequence *s, unsigned d)
{
	struct amdvi_span page = amdvi_span_of(IOVA(align_down(s->c.iova, PAGE_BYTES)), PAGE_BYTES),
			  all = amdvi_span_all();

	switch (d) {
	case D_ENTRY: return amdvi_cmd_devtab_entry(s->b.facts.sid);
	case D_HOST_LEAF: return amdvi_cmd_pages(FA_DOMAIN, page, false);
	case D_HOST_PAGE: return amdvi_cmd_pages(FA_DOMAIN, page, true);
	case D_GUEST_LEAF: return amdvi_cmd_guest_pages(FA_DOMAIN, s->c.pasid, page, false);
	case D_GUEST_PAGE: return amdvi_cmd_guest_pages(FA_DOMAIN, s->c.pasid, page, true);
	case D_GUEST_ALL: return amdvi_cmd_guest_pages(FA_DOMAIN, s->c.pasid, all, true);
	case D_DOMAIN: return amdvi_cmd_pages(FA_DOMAIN, all, true);
	default: return amdvi_cmd_all();
	}
}

static void send(struct fuzz_sequence *s, unsigned d)
{
	struct amdvi_cmd c = command(s, d);

	must(s->b.t, amdvi_execute(unit(s), &c, 1), "an invalidation");
}

static void settle(struct fuzz_sequence *s)
{
	fuzz_sequence_command(s, D_ENTRY);
	fuzz_sequence_command(s, D_DOMAIN);
	if (fa_guest(&s->c))
		fuzz_sequence_command(s, D_GUEST_ALL);
}

/* ---- edits ---- */

static void written(struct fuzz_sequence *s)
{
	(void)s; /* commands order what was written before them */
}

static uint64_t *entry_of(struct fuzz_sequence *s, unsigned page, uint64_t index)
{
	return &fuzz_page(&s->b.arena, page)[index % 512];
}

static uint64_t *paging_entry(struct fuzz_sequence *s, unsigned page, unsigned level, uint64_t address)
{
	return entry_of(s, page + level - 1, shr(address, 12 + 9 * (level - 1)));
}

static uint64_t another_page(struct fuzz_sequence *s, uint64_t old)
{
	return (old & ~BITS(51, 12)) | fuzz_page_pa(&s->b.arena, FA_DATA + (unsigned)prng_below(&s->r, FUZZ_DATA_N));
}

static void host(struct fuzz_sequence *s, struct fuzz_change *e)
{
	bool nested = s->c.mode == FAM_NESTED;
	/* What guests reach is named by its guest physical address, which sequences do not go into: the domain. */
	uint64_t address = nested ? fuzz_page_pa(&s->b.arena, FA_DATA + s->c.data) : s->c.iova;
	unsigned level = s->c.levels > 1 && !nested ? 2 + (unsigned)prng_below(&s->r, s->c.levels - 1u) : 1;

	if (level > 1 && prng_below(&s->r, 2)) {
		e->word = paging_entry(s, FA_H1, level, address);
		e->new = *e->word ^ (prng_below(&s->r, 2) ? V1_IW : V1_IR);
		e->needs[0] = D_HOST_PAGE;
		e->what = "host directory's permission";
		return;
	}
	e->word = paging_entry(s, FA_H1, 1, address);
	e->new = prng_below(&s->r, 2) ? another_page(s, *e->word) :
		 *e->word ^ (prng_below(&s->r, 2) ? V1_IW : V1_PR);
	e->needs[0] = nested ? D_DOMAIN : D_HOST_LEAF;
	e->what = "host leaf";
}

static void guest(struct fuzz_sequence *s, struct fuzz_change *e)
{
	unsigned level = 2 + (unsigned)prng_below(&s->r, 3);
	bool two = fa_glx(&s->c);

	switch (prng_below(&s->r, 4)) {
	case 0:
		e->word = entry_of(s, two ? FA_GCR3_LOW : FA_GCR3,
				   two ? fld_get(GCR3_INDEX_1, s->c.pasid) : s->c.pasid);
		e->new = *e->word ^ GCR3_V;
		e->needs[0] = D_GUEST_ALL;
		e->what = "GCR3 entry V";
		return;
	case 1:
		e->word = paging_entry(s, FA_G1, level, s->c.iova);
		e->new = *e->word ^ (prng_below(&s->r, 2) ? V2_P : V2_RW);
		e->needs[0] = D_GUEST_PAGE;
		e->what = "guest directory";
		return;
	default:
		e->word = paging_entry(s, FA_G1, 1, s->c.iova);
		e->new = prng_below(&s->r, 2) ? another_page(s, *e->word) :
			 *e->word ^ (prng_below(&s->r, 2) ? V2_P : V2_RW);
		e->needs[0] = D_GUEST_LEAF;
		e->what = "guest leaf";
	}
}

static void choose(struct fuzz_sequence *s, struct fuzz_change *e)
{
	*e = (struct fuzz_change){ .needs_n = 1 };
	if (!prng_below(&s->r, 4)) {
		e->word = fuzz_page(&s->b.arena, FA_DEVTAB) + 4u * s->b.facts.sid;
		e->new = *e->word ^ (prng_below(&s->r, 2) ? DTE_IW : DTE_IR);
		e->needs[0] = D_ENTRY;
		e->needs[1] = D_DOMAIN;
		e->needs_n = 2;
		e->what = "device table entry's permission";
	} else if (fa_guest(&s->c) && (s->c.mode == FAM_GUEST || prng_below(&s->r, 2))) {
		guest(s, e);
	} else {
		host(s, e);
	}
	e->old = *e->word;
}

/* The readings that deviations of this emulator name. */
static bool known(struct fuzz_sequence *s, const struct fuzz_outcome *seen)
{
	unsigned readings = 0;

	for (unsigned i = 0; i < FA_DEVIATIONS; i++)
		if (glob_list_match(s->b.t->options->known, fa_deviations[i].name))
			readings |= fa_deviations[i].reading;
	if (readings && fuzz_sequence_allows(s, seen, readings))
		return true;
	return glob_list_match(s->b.t->options->known, "amd-keeps-leaf") &&
	       fuzz_sequence_allows(s, seen, readings | FA_KEEPS_LEAF);
}

static bool suits(const struct fuzz_case *c)
{
	return c->leaf_level == 1 && c->shape == FAS_PLAIN;
}

static const struct fuzz_caches caches = {
	.vendor = &fuzz_amdvi, .test = "*fuzz.amdvi.caches*",
	.modes = BIT(FAM_HOST) | BIT(FAM_GUEST) | BIT(FAM_NESTED), .commands = names, .commands_n = D_N,
	.suits = suits, .offered = offered, .send = send, .enough = enough, .settle = settle, .choose = choose,
	.written = written, .known = known,
};

TEST(fuzz_amdvi_caches,
     .id = "fuzz.amdvi.caches",
     .given = "random sequences of table edits, commands and DMA",
     .expects = "what the tables say, with entries that were not yet invalidated old or new",
     .needs = NEED_AMDVI | NEED_ENGINE | NEED_ENGINE_DIRECT,
     .flags = TEST_FUZZ,
     .arg = FUZZ_SEQUENCE_CASES,
     .budget_us = 20000000)
{
	fuzz_sequences_run(t, &caches);
}
