/* Cases from seeds: legal tables first, then what is changed in them. */
#include "drivers-iommu/vtd/entry.h"
#include "drivers-iommu/vtd/tables.h"
#include "tests/fuzz/vtd/vtd.h"

#define DID         7
#define INDEX(va, level) ((unsigned)(shr((va), 12 + 9 * ((unsigned)(level) - 1)) % 512))

/* A word on the path of the request, where an edit hurts. */
struct place {
	uint8_t page;
	uint16_t word;
};

#define PLACES_MAX 40

const char *fv_mode_name(unsigned mode)
{
	static const char *const names[FM_N] = { "legacy", "legacy pass-through", "second stage", "first stage",
						 "nested",
						 "pass-through" };

	return mode < FM_N ? names[mode] : "?";
}

const char *fv_page_name(unsigned page)
{
	static const char *const names[FP_DATA] = { "root", "context", "directory", "pasid", "level 1", "level 2",
						    "level 3", "level 4", "level 5", "first-stage level 1",
						    "first-stage level 2", "first-stage level 3", "first-stage level 4",
						    "first-stage level 5" };

	return page < FP_DATA ? names[page] : "data";
}

static bool scalable(const struct fuzz_case *c)
{
	return c->mode != FM_LEGACY && c->mode != FM_LEGACY_PT;
}

static unsigned levels_of(const struct fuzz_unit *u, const struct fuzz_case *c)
{
	return c->mode == FM_FS ? 4 : u->levels;
}

/* ---- legal tables ---- */

static void put_words(struct fuzz_arena *a, unsigned page, uint64_t word, const uint64_t *values, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		fuzz_put(a, page, word + i, values[i]);
}

static uint64_t leaf_base(const struct fuzz_arena *a, const struct fuzz_case *c, unsigned level)
{
	return align_down(fuzz_page_pa(a, FP_DATA + c->data), pow2(12 + 9 * (level - 1)));
}

/* A walk for va through tables first..first+levels-1 that ends at target in a leaf of a level. */
static void put_walk(struct fuzz_arena *a, const struct fuzz_case *c, unsigned first, unsigned levels, uint64_t va,
		     uint64_t target, bool first_stage)
{
	uint64_t bits = first_stage ? FS_P | FS_RW | FS_US | FS_A : SS_R | SS_W;

	for (unsigned l = levels; l > c->leaf_level; l--)
		fuzz_put(a, first + l - 1, INDEX(va, l), fuzz_page_pa(a, first + l - 2) | bits);
	fuzz_put(a, first + c->leaf_level - 1, INDEX(va, c->leaf_level),
	    target | bits | (first_stage ? FS_D : 0) | (c->leaf_level > 1 ? SS_PS : 0));
}

/* Nested: second stage maps the arena to itself, one leaf for each of its pages. */
static void put_identity(const struct fuzz_unit *u, struct fuzz_arena *a)
{
	uint64_t bits = SS_R | SS_W;

	for (unsigned i = 0; i < FP_N; i++) {
		uint64_t pa = fuzz_page_pa(a, i);

		for (unsigned l = u->levels; l > 1; l--)
			fuzz_put(a, FP_L1 + l - 1, INDEX(pa, l), fuzz_page_pa(a, FP_L1 + l - 2) | bits);
		fuzz_put(a, FP_L1, INDEX(pa, 1), pa | bits);
	}
}

static vtd_pasid_t pasid_value(const struct fuzz_unit *u, const struct fuzz_arena *a, const struct fuzz_case *c)
{
	pa_t ss = PA(fuzz_page_pa(a, FP_L1 + u->levels - 1)), fs = PA(fuzz_page_pa(a, FP_L4)), gs;
	bool snoop = u->ecap & BIT(48); /* ECAP.SMPWCS */
	vtd_pasid_t v;

	switch (c->mode) {
	case FM_FS:
		return vtd_pasid_fs(fs, 4, DID, snoop);
	case FM_PT:
		return vtd_pasid_passthrough(u->levels, DID);
	case FM_NESTED:
		gs = PA(fuzz_page_pa(a, FP_G4));
		v = vtd_pasid_fs(gs, 4, DID, snoop);
		v.w[0] = (v.w[0] & ~PASID_PGTT) | vtd_pasid_ss(ss, u->levels, DID, snoop).w[0];
		v.w[0] = fld_set(PASID_PGTT, v.w[0], PGTT_NESTED);
		return v;
	default:
		return vtd_pasid_ss(ss, u->levels, DID, snoop);
	}
}

static void put_paging(const struct fuzz_unit *u, struct fuzz_arena *a, const struct fuzz_case *c)
{
	uint64_t target = leaf_base(a, c, c->leaf_level);

	switch (c->mode) {
	case FM_LEGACY:
	case FM_SS:
		put_walk(a, c, FP_L1, u->levels, c->iova, target, false);
		break;
	case FM_FS:
		put_walk(a, c, FP_L1, 4, c->iova, target, true);
		break;
	case FM_NESTED:
		put_identity(u, a);
		put_walk(a, c, FP_G1, 4, c->iova, target, true);
		break;
	default:
		break;
	}
}

void fv_build(const struct fuzz_unit *u, struct fuzz_arena *a, const struct fuzz_case *c)
{
	unsigned bus = (unsigned)fld_get(SID_BUS, u->sid), devfn = (unsigned)fld_get(SID_DEVFN, u->sid);
	pa_t top = PA(fuzz_page_pa(a, FP_L1 + levels_of(u, c) - 1));

	put_paging(u, a, c);
	if (scalable(c)) {
		put_words(a, FP_PASID, 8 * fld_get(PASID_TABLE_INDEX, c->pasid), pasid_value(u, a, c).w, 8);
		put_words(a, FP_DIRECTORY, fld_get(PASID_DIR_INDEX, c->pasid),
			  vtd_pasid_dir(PA(fuzz_page_pa(a, FP_PASID))).w, 1);
		put_words(a, FP_CONTEXT, 4 * (devfn % 128),
			  vtd_sm_ctx(PA(fuzz_page_pa(a, FP_DIRECTORY)), 2, 0, u->pasid).w,
			  4);
		fuzz_put(a, FP_ROOT, 2 * bus + (devfn >= 128), vtd_sm_root_half(PA(fuzz_page_pa(a, FP_CONTEXT))));
	} else {
		put_words(a, FP_CONTEXT, 2 * devfn,
			  vtd_ctx(c->mode == FM_LEGACY ? TT_UNTRANSLATED : TT_PASSTHROUGH, top,
							    u->levels, DID).w, 2);
		fuzz_put(a, FP_ROOT, 2 * bus, vtd_root(PA(fuzz_page_pa(a, FP_CONTEXT))).w[0]);
	}
	fuzz_put_edits(a, c);
}

/* ---- edits ---- */

static unsigned add_place(struct place *p, unsigned n, unsigned page, uint64_t word)
{
	if (n < PLACES_MAX)
		p[n++] = (struct place){ (uint8_t)page, (uint16_t)word }; /* a page has 512 words */
	return n;
}

/* The words that this request's translation reads, most interesting first. */
static unsigned path(const struct fuzz_unit *u, const struct fuzz_arena *a, const struct fuzz_case *c, struct place *p)
{
	unsigned bus = (unsigned)fld_get(SID_BUS, u->sid), devfn = (unsigned)fld_get(SID_DEVFN, u->sid), n = 0;

	n = add_place(p, n, FP_ROOT, 2 * bus);
	n = add_place(p, n, FP_ROOT, 2 * bus + 1);
	for (unsigned i = 0; i < (scalable(c) ? 4 : 2); i++)
		n = add_place(p, n, FP_CONTEXT, scalable(c) ? 4 * (devfn % 128) + i : 2 * devfn + i);
	if (scalable(c)) {
		n = add_place(p, n, FP_DIRECTORY, fld_get(PASID_DIR_INDEX, c->pasid));
		for (unsigned i = 0; i < 8; i++)
			n = add_place(p, n, FP_PASID, 8 * fld_get(PASID_TABLE_INDEX, c->pasid) + i);
	}
	if (c->mode == FM_LEGACY || c->mode == FM_SS || c->mode == FM_FS)
		for (unsigned l = levels_of(u, c); l >= c->leaf_level; l--)
			n = add_place(p, n, FP_L1 + l - 1, INDEX(c->iova, l));
	if (c->mode == FM_NESTED) {
		for (unsigned l = 4; l >= c->leaf_level; l--)
			n = add_place(p, n, FP_G1 + l - 1, INDEX(c->iova, l));
		for (unsigned i = FP_G1; i <= FP_G4; i++)
			n = add_place(p, n, FP_L1, INDEX(fuzz_page_pa(a, i), 1));
		n = add_place(p, n, FP_L1, INDEX(fuzz_page_pa(a, FP_DATA + c->data), 1));
	}
	return n;
}

#define ADDRESS BITS(51, 12)

/* An address for a table entry: a page of the arena, rarely one that nothing backs. */
static uint64_t some_address(const struct fuzz_arena *a, struct prng *r)
{
	return prng_below(r, 8) ? fuzz_page_pa(a, (unsigned)prng_below(r, FP_N)) : a->unbacked;
}

/* What a word becomes. Bits that could be an address change only as a whole, or above the host's width. */
static uint64_t mutate(const struct fuzz_unit *u, const struct fuzz_arena *a, struct prng *r, uint64_t old)
{
	uint64_t reserved = BITS(63, 0) & ~BITS(u->haw_bits - 1, 12);

	switch (prng_below(r, 10)) {
	case 0: /* another address */
		return (old & ~ADDRESS) | some_address(a, r);
	case 1: /* an address beyond the host's width */
		return old | (u->haw_bits < 52 ? pow2(u->haw_bits + (unsigned)prng_below(r, 52 - u->haw_bits)) :
			      BIT(52));
	case 2: /* nothing */
		return 0;
	case 3: /* garbage around an address */
		return (prng_next(r) & reserved) | some_address(a, r);
	case 4: /* two bits at once */
		old ^= pow2((unsigned)prng_below(r, 12));
		return old ^ pow2((unsigned)prng_below(r, 12));
	default: /* one bit, low or high */
		return old ^ (prng_below(r, 3) ? pow2((unsigned)prng_below(r, 12)) :
			      pow2(52 + (unsigned)prng_below(r, 12)));
	}
}

/* Words without an address field may have any bit changed. */
static uint64_t mutate_fields(struct prng *r, uint64_t old)
{
	return prng_below(r, 6) ? old ^ pow2((unsigned)prng_below(r, 64)) : prng_next(r);
}

static bool holds_address(const struct fuzz_case *c, const struct place *p)
{
	switch (p->page) {
	case FP_CONTEXT:
		return p->word % (scalable(c) ? 4 : 2) == 0;
	case FP_PASID:
		return p->word % 8 == 0 || p->word % 8 == 2;
	case FP_ROOT:
		return scalable(c) || p->word % 2 == 0;
	default:
		return true;
	}
}

static void add_edit(const struct fuzz_unit *u, const struct fuzz_arena *a, struct fuzz_case *c, struct prng *r)
{
	struct place places[PLACES_MAX];
	const struct place *p = &places[prng_below(r, path(u, a, c, places))];
	uint64_t old = fuzz_page(a, p->page)[p->word], value;

	for (unsigned i = 0; i < c->edits_n; i++)
		if (c->edits[i].page == p->page && c->edits[i].word == p->word)
			return;
	value = holds_address(c, p) ? mutate(u, a, r, old) : mutate_fields(r, old);
	/* A large leaf that becomes a pointer would lead to where its memory starts, which need not be ours. */
	if ((old & SS_PS) && !(value & SS_PS) && p->page >= FP_L1)
		value = (value & ~ADDRESS) | some_address(a, r);
	c->edits[c->edits_n++] = (struct fuzz_edit){ p->page, p->word, value };
}

/* ---- requests ---- */

static uint64_t some_iova(const struct fuzz_unit *u, const struct fuzz_arena *a, const struct fuzz_case *c,
			  struct prng *r)
{
	uint64_t page_mask = pow2(12u + 9u * (c->leaf_level - 1u)) - 1;
	uint64_t offset = fuzz_page_pa(a, FP_DATA + c->data) & page_mask;
	unsigned width = c->mode == FM_FS || c->mode == FM_NESTED ? 47 : 12 + 9 * u->levels;
	uint64_t v;

	width = (unsigned)min_u64(width, c->mode == FM_FS || c->mode == FM_NESTED ? 47 : u->mgaw_bits);
	v = (prng_next(r) & (pow2(width) - 1) & ~page_mask) | offset;
	if (c->mode == FM_LEGACY_PT || c->mode == FM_PT)
		v = fuzz_page_pa(a, FP_DATA + c->data);
	if (!prng_below(r, 32)) /* beyond the width, or not canonical */
		v |= pow2(width + (unsigned)prng_below(r, 64 - width));
	return v + align_down(prng_below(r, PAGE_BYTES - c->bytes + 1), u->align_bytes);
}

void fv_generate(const struct fuzz_unit *u, struct fuzz_arena *a, uint64_t seed, struct fuzz_case *c)
{
	bool fs;
	struct prng r;
	unsigned edits;

	prng_seed(&r, seed);
	*c = (struct fuzz_case){ .seed = seed };
	do
		c->mode = (uint8_t)prng_below(&r, FM_N);
	while (!(u->modes & pow2(c->mode)));
	fs = c->mode == FM_FS || c->mode == FM_NESTED;
	c->leaf_level = (uint8_t)(1 + prng_below(&r, 3));
	if ((c->leaf_level == 3 && !(fs ? u->fs_1g : u->ss_1g)) || (c->leaf_level == 2 && !fs && !u->ss_2m))
		c->leaf_level = 1;
	c->write = prng_below(&r, 2);
	c->has_pasid = scalable(c) && u->pasid && u->can_pasid && prng_below(&r, 2);
	c->priv = c->has_pasid && u->srs && u->can_priv && !prng_below(&r, 4);
	c->pasid = c->has_pasid ? (uint32_t)prng_below(&r, 4096) : 0;
	c->bytes = (uint32_t)max_u64(u->granule_bytes, align_up(8 + prng_below(&r, 57), u->granule_bytes));
	c->data = (uint8_t)prng_below(&r, FUZZ_DATA_N);
	c->iova = some_iova(u, a, c, &r);
	edits = (unsigned)prng_below(&r, 4) + (prng_below(&r, 8) ? 0 : (unsigned)prng_below(&r, FUZZ_EDITS_MAX - 3));
	fv_build(u, a, c); /* edits start from what is there */
	for (unsigned i = 0; i < edits; i++)
		add_edit(u, a, c, &r);
	fuzz_clear(a);
}
