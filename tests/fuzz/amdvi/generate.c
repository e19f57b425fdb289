/* Cases from seeds: legal tables first, then what is changed in them. */
#include "drivers-iommu/amdvi/tables.h"
#include "drivers-iommu/iommu.h"
#include "tests/fuzz/amdvi/amdvi.h"

#define INDEX(va, level) ((unsigned)(shr((va), 12 + 9 * ((unsigned)(level) - 1)) % 512))
#define ADDRESS          BITS(51, 12)
#define PLACES_MAX       40
#define EDITS_USUAL      4
/* Where NVMe engines have memory of their own (drivers-pci/engines/nvme.h): requests there never leave the device. */
#define ENGINE_WINDOW    BIT(62)
#define MEMORY_END       BIT(42) /* beyond all memory and all windows of usual machines */

/* A word on the path of the request, where an edit hurts. */
struct place {
	uint8_t page;
	uint16_t word;
};

const char *fa_mode_name(unsigned mode)
{
	static const char *const names[FAM_N] = { "mode 0", "host", "guest", "nested" };

	return mode < FAM_N ? names[mode] : "?";
}

const char *fa_page_name(unsigned page)
{
	static const char *const names[] = { "host level 1", "host level 2", "host level 3", "host level 4",
					     "host level 5", "host level 6", "guest level 1", "guest level 2",
					     "guest level 3", "guest level 4", "guest level 5", "GCR3", "lower GCR3" };

	return page < FA_H1 ? "device table" : page < FA_DATA ? names[page - FA_H1] : "data";
}

/* ---- legal tables ---- */

static unsigned leaf_bits(const struct fuzz_case *c)
{
	return c->shape == FAS_SIZED ? FA_SIZED_BITS : 12u + 9u * (c->leaf_level - 1u);
}

static uint64_t leaf_base(const struct fuzz_arena *a, const struct fuzz_case *c)
{
	return align_down(fuzz_page_pa(a, FA_DATA + c->data), pow2(leaf_bits(c)));
}

static uint64_t directory(const struct fuzz_arena *a, unsigned page, unsigned level)
{
	return fuzz_page_pa(a, page) | V1_PR | V1_IR | V1_IW | FLD(V1_NEXT_LEVEL, level);
}

static void put_host(struct fuzz_arena *a, const struct fuzz_case *c)
{
	uint64_t target = leaf_base(a, c) | V1_PR | V1_IR | V1_IW;

	if (c->shape == FAS_SKIP) {
		fuzz_put(a, FA_H1 + c->levels - 1, INDEX(c->iova, c->levels), directory(a, FA_H1, 1));
		fuzz_put(a, FA_H1, INDEX(c->iova, 1), target);
		return;
	}
	for (unsigned l = c->levels; l > c->leaf_level; l--)
		fuzz_put(a, FA_H1 + l - 1, INDEX(c->iova, l), directory(a, FA_H1 + l - 2, l - 1));
	if (c->shape != FAS_SIZED) {
		fuzz_put(a, FA_H1 + c->leaf_level - 1, INDEX(c->iova, c->leaf_level), target);
		return;
	}
	/* The size in the address: ones from bit 12 up to a zero; a copy of the entry for each 4 KiB. */
	target |= FLD(V1_NEXT_LEVEL, NEXT_LEVEL_SIZED) | BITS(FA_SIZED_BITS - 2, 12);
	for (unsigned i = 0; i < pow2(FA_SIZED_BITS - 12); i++)
		fuzz_put(a, FA_H1, INDEX(align_down(c->iova, pow2(FA_SIZED_BITS)), 1) + i, target);
}

/* Nested: host tables map the arena to itself, one leaf for each of its pages. */
static void put_identity(struct fuzz_arena *a, const struct fuzz_case *c)
{
	for (unsigned i = FA_G1; i < FA_N; i++) {
		uint64_t pa = fuzz_page_pa(a, i);

		for (unsigned l = c->levels; l > 1; l--)
			fuzz_put(a, FA_H1 + l - 1, INDEX(pa, l), directory(a, FA_H1 + l - 2, l - 1));
		fuzz_put(a, FA_H1, INDEX(pa, 1), pa | V1_PR | V1_IR | V1_IW);
	}
}

static void put_guest(struct fuzz_arena *a, const struct fuzz_case *c)
{
	uint64_t bits = V2_P | V2_RW | V2_US | V2_A, root = fuzz_page_pa(a, FA_G4) | GCR3_V;

	for (unsigned l = 4; l > c->leaf_level; l--)
		fuzz_put(a, FA_G1 + l - 1, INDEX(c->iova, l), fuzz_page_pa(a, FA_G1 + l - 2) | bits);
	fuzz_put(a, FA_G1 + c->leaf_level - 1, INDEX(c->iova, c->leaf_level),
		 leaf_base(a, c) | bits | V2_D | (c->leaf_level > 1 ? V2_PS : 0));
	if (fa_glx(c)) {
		fuzz_put(a, FA_GCR3, fld_get(GCR3_INDEX_2, c->pasid), fuzz_page_pa(a, FA_GCR3_LOW) | GCR3_V);
		fuzz_put(a, FA_GCR3_LOW, fld_get(GCR3_INDEX_1, c->pasid), root);
	} else {
		fuzz_put(a, FA_GCR3, c->pasid, root);
	}
}

static amdvi_dte_t entry(const struct fuzz_unit *u, const struct fuzz_arena *a, const struct fuzz_case *c)
{
	bool host = c->mode == FAM_HOST || c->mode == FAM_NESTED;
	amdvi_dte_t d = amdvi_dte_host(host ? PA(fuzz_page_pa(a, FA_H1 + c->levels - 1u)) : PA(0), host ? c->levels : 0,
				       FA_DOMAIN, PERM_RW), g;

	if (!fa_guest(c))
		return d;
	g = amdvi_dte_guest(PA(fuzz_page_pa(a, FA_GCR3)), fa_glx(c), 4, FA_DOMAIN);
	for (unsigned i = 0; i < ARRAY_LEN(d.w); i++)
		d.w[i] |= g.w[i];
	if (!u->gio)
		d.w[0] &= ~DTE_GIOV;
	return d;
}

void fa_build(const struct fuzz_unit *u, struct fuzz_arena *a, const struct fuzz_case *c)
{
	amdvi_dte_t d = entry(u, a, c);

	if (c->mode == FAM_HOST)
		put_host(a, c);
	if (c->mode == FAM_NESTED)
		put_identity(a, c);
	if (fa_guest(c))
		put_guest(a, c);
	for (unsigned i = 0; i < ARRAY_LEN(d.w); i++)
		fuzz_put(a, FA_DEVTAB, 4u * u->sid + i, d.w[i]);
	fuzz_put_edits(a, c);
}

/* ---- edits ---- */

static unsigned add_place(struct place *p, unsigned n, uint64_t page, uint64_t word)
{
	if (n < PLACES_MAX)
		p[n++] = (struct place){ (uint8_t)(page + word / 512), (uint16_t)(word % 512) };
	return n;
}

/* The words that this request's translation reads. */
static unsigned path(const struct fuzz_unit *u, const struct fuzz_arena *a, const struct fuzz_case *c, struct place *p)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 4; i++)
		n = add_place(p, n, FA_DEVTAB, 4u * u->sid + i);
	n = add_place(p, n, FA_DEVTAB, 4u * u->sid); /* most of it is there */
	if (c->mode == FAM_HOST)
		for (unsigned l = c->levels; l >= c->leaf_level; l--)
			if (c->shape != FAS_SKIP || l == 1 || l == c->levels)
				n = add_place(p, n, FA_H1 + l - 1, INDEX(c->iova, l));
	if (!fa_guest(c))
		return n;
	for (unsigned l = 4; l >= c->leaf_level; l--)
		n = add_place(p, n, FA_G1 + l - 1, INDEX(c->iova, l));
	n = add_place(p, n, FA_GCR3, fa_glx(c) ? fld_get(GCR3_INDEX_2, c->pasid) : c->pasid);
	if (fa_glx(c))
		n = add_place(p, n, FA_GCR3_LOW, fld_get(GCR3_INDEX_1, c->pasid));
	for (unsigned i = FA_G1; i <= FA_G4 && c->mode == FAM_NESTED; i++)
		n = add_place(p, n, FA_H1, INDEX(fuzz_page_pa(a, i), 1));
	if (c->mode == FAM_NESTED)
		n = add_place(p, n, FA_H1, INDEX(fuzz_page_pa(a, FA_DATA + c->data), 1));
	return n;
}

/* An address for a table entry: a page of the arena, rarely one that nothing backs. */
static uint64_t some_address(const struct fuzz_arena *a, struct prng *r)
{
	return prng_below(r, 8) ? fuzz_page_pa(a, FA_H1 + (unsigned)prng_below(r, FA_N - FA_H1)) : a->unbacked;
}

/* What a word becomes: bits of an address change only as a whole. */
static uint64_t mutate(const struct fuzz_arena *a, struct prng *r, uint64_t old)
{
	switch (prng_below(r, 10)) {
	case 0: /* another address */
		return (old & ~ADDRESS) | some_address(a, r);
	case 1: /* nothing */
		return 0;
	case 2: /* garbage around an address */
		return (prng_next(r) & ~ADDRESS) | some_address(a, r);
	case 3: /* two bits at once */
		old ^= pow2((unsigned)prng_below(r, 12));
		return old ^ pow2(52 + (unsigned)prng_below(r, 12));
	default: /* one bit, low or high */
		return old ^ (prng_below(r, 2) ? pow2((unsigned)prng_below(r, 12)) :
			      pow2(52 + (unsigned)prng_below(r, 12)));
	}
}

/* Bits of each word of the device table entry that may change by themselves: no pieces of addresses, not IV. */
static uint64_t entry_bits(const struct fuzz_case *c, unsigned word)
{
	switch (word) {
	case 0: return ~(ADDRESS | (fa_guest(c) ? DTE_GCR3_LO : 0));
	case 1: return fa_guest(c) ? ~(DTE1_GCR3_MID | DTE1_GCR3_HI) : UINT64_MAX;
	case 2: return ~DTE2_IV;
	default: return UINT64_MAX;
	}
}

static uint64_t mutate_entry(const struct fuzz_arena *a, const struct fuzz_case *c, struct prng *r, unsigned word,
			     uint64_t old)
{
	uint64_t may = entry_bits(c, word), bit;

	if (!word && !prng_below(r, 8))
		return (old & ~ADDRESS) | some_address(a, r);
	if (!prng_below(r, 8))
		return (old & ~may) | (prng_next(r) & may);
	do
		bit = pow2((unsigned)prng_below(r, 64));
	while (!(may & bit));
	return old ^ bit;
}

/*
 * A directory that becomes a large leaf would lead to where its memory starts, which need not be ours. A level that is
 * not lower than the own one leads nowhere, too: an emulator that follows it would go round in circles.
 */
static uint64_t tamed(const struct fuzz_arena *a, const struct place *p, uint64_t old, uint64_t value)
{
	uint64_t was = fld_get(V1_NEXT_LEVEL, old), is = fld_get(V1_NEXT_LEVEL, value);
	bool was_leaf = !was || was == NEXT_LEVEL_SIZED, is_leaf = !is || is == NEXT_LEVEL_SIZED;
	bool host = p->page >= FA_H1 && p->page <= FA_H6;

	if (host && ((is_leaf && (!was_leaf || was != is)) || (!is_leaf && is > (unsigned)p->page - FA_H1)))
		return (value & ~ADDRESS) | a->unbacked;
	if (p->page >= FA_G2 && p->page <= FA_G5 && ((old ^ value) & V2_PS))
		return (value & ~ADDRESS) | a->unbacked;
	return value;
}

/*
 * Emulators may pass through what has TV or Mode = 0 and must be refused: no writes then where memory and devices are that
 * are not ours.
 */
static uint64_t harmless(const struct fuzz_case *c, uint64_t old, uint64_t value)
{
	if (!c->write || c->mode == FAM_PASS || c->iova >= MEMORY_END)
		return value;
	if (!(value & DTE_MODE))
		value |= old & DTE_MODE;
	return value | DTE_TV;
}

static void add_edit(const struct fuzz_unit *u, const struct fuzz_arena *a, struct fuzz_case *c, struct prng *r)
{
	struct place places[PLACES_MAX];
	const struct place *p = &places[prng_below(r, path(u, a, c, places))];
	uint64_t old = fuzz_page(a, p->page)[p->word], value;

	for (unsigned i = 0; i < c->edits_n; i++)
		if (c->edits[i].page == p->page && c->edits[i].word == p->word)
			return;
	value = p->page < FA_H1 ? mutate_entry(a, c, r, p->word % 4, old) : tamed(a, p, old, mutate(a, r, old));
	if (p->page < FA_H1 && p->word % 4 == 0)
		value = harmless(c, old, value);
	c->edits[c->edits_n++] = (struct fuzz_edit){ p->page, p->word, value };
}

/* ---- requests ---- */

static uint64_t some_iova(const struct fuzz_unit *u, const struct fuzz_arena *a, const struct fuzz_case *c,
			  struct prng *r)
{
	uint64_t page_mask = pow2(leaf_bits(c)) - 1, offset = fuzz_page_pa(a, FA_DATA + c->data) & page_mask, v;
	unsigned width = fa_guest(c) ? 47 : (unsigned)min_u64(12u + 9u * c->levels, 64);

	v = (prng_next(r) & (width < 64 ? pow2(width) - 1 : UINT64_MAX) & ~page_mask) | offset;
	if (c->shape == FAS_SKIP) /* the bits of the levels left out are 0 */
		v &= BITS(63, 12 + 9 * (c->levels - 1u)) | BITS(20, 0);
	if (c->mode == FAM_PASS)
		v = fuzz_page_pa(a, FA_DATA + c->data);
	if (!prng_below(r, 24) && width < 64) /* beyond the reach, or not canonical */
		v |= pow2(width + (unsigned)prng_below(r, 64 - width));
	if (!prng_below(r, 24) && c->shape == FAS_SKIP) /* a bit that was left out */
		v |= pow2(21 + (unsigned)prng_below(r, 9 * (c->levels - 2u)));
	if (align_down(v, BIT(32)) == ENGINE_WINDOW)
		v ^= BIT(61);
	return v + align_down(prng_below(r, PAGE_BYTES - c->bytes + 1), u->align_bytes);
}

static void choose_tables(const struct fuzz_unit *u, struct fuzz_case *c, struct prng *r)
{
	c->leaf_level = (uint8_t)(1 + prng_below(r, 3));
	c->levels = (uint8_t)(1 + prng_below(r, max_u64(u->levels, 1)));
	if (c->mode == FAM_NESTED)
		c->levels = (uint8_t)max_u64(c->levels, 4); /* all of the arena is in reach */
	if (c->mode != FAM_HOST)
		return;
	c->leaf_level = (uint8_t)min_u64(c->leaf_level, c->levels);
	switch (prng_below(r, 6)) {
	case 0:
		c->shape = c->levels > 2 ? FAS_SKIP : FAS_PLAIN;
		break;
	case 1:
		c->shape = FAS_SIZED;
		break;
	default:
		return;
	}
	c->leaf_level = c->shape == FAS_PLAIN ? c->leaf_level : 1;
}

void fa_generate(const struct fuzz_unit *u, struct fuzz_arena *a, uint64_t seed, struct fuzz_case *c)
{
	unsigned edits;
	struct prng r;

	prng_seed(&r, seed);
	*c = (struct fuzz_case){ .seed = seed };
	do
		c->mode = (uint8_t)prng_below(&r, FAM_N);
	while (!(u->modes & pow2(c->mode)));
	choose_tables(u, c, &r);
	c->write = prng_below(&r, 2);
	/* A request with a PASID where there are no guest tables is refused; how it is told is open (U-19). */
	c->has_pasid = u->pasid && u->can_pasid && (fa_guest(c) ? !u->gio || prng_below(&r, 2) : !prng_below(&r, 16));
	c->priv = c->has_pasid && u->can_priv && !prng_below(&r, 4);
	c->pasid = c->has_pasid ? (uint32_t)prng_below(&r,
						       prng_below(&r, 2) && fld_get(BITS(15, 14), u->efr) ? 4096 : 512)
				: 0;
	c->bytes = (uint32_t)max_u64(u->granule_bytes, align_up(8 + prng_below(&r, 57), u->granule_bytes));
	c->data = (uint8_t)prng_below(&r, FUZZ_DATA_N);
	c->iova = some_iova(u, a, c, &r);
	edits = (unsigned)prng_below(&r, EDITS_USUAL) +
		(prng_below(&r, 8) ? 0 : (unsigned)prng_below(&r, FUZZ_EDITS_MAX - EDITS_USUAL + 1));
	fa_build(u, a, c); /* edits start from what is there */
	for (unsigned i = 0; i < edits; i++)
		add_edit(u, a, c, &r);
	fuzz_clear(a);
}
