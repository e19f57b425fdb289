/*
 * The fuzzer's run: builds a case on the unit under test, lets the engine try it, asks the oracle, compares, shrinks.
 */
#include "kernel/cmdline.h"
#include "tests/fuzz/fuzz.h"
#include "tests/vtd/fixture.h"
#include <string.h>

#define SIGNATURES_MAX 8
#define KNOWN_MAX      16
#define CASE_US        20000 /* what one case may cost, on top of the part's budget */
#define TEXT           160

struct run {
	struct test *t;
	struct vtd_unit *u;
	struct fuzz_unit facts;
	struct fuzz_arena arena;
	struct fuzz_oracle *oracle;
	bool rooted;
	enum vtd_ttm ttm;
	struct prng data;
	unsigned tried, foreign, unsure, mismatches;
	struct { const char *name; unsigned n; } known[KNOWN_MAX];
	unsigned known_n;
	char signatures[SIGNATURES_MAX][TEXT];
	unsigned signatures_n;
};

/* ---- set-up ---- */

static uint32_t offered_modes(const struct vtd_caps *c)
{
	uint32_t m = 0;

	m |= c->levels_max ? (uint32_t)BIT(FM_LEGACY) : 0;
	m |= c->pt && c->levels_max ? (uint32_t)BIT(FM_LEGACY_PT) : 0;
	if (!c->smts)
		return m;
	m |= c->ssts && c->levels_max ? (uint32_t)BIT(FM_SS) : 0;
	m |= c->fsts ? (uint32_t)BIT(FM_FS) : 0;
	m |= c->nest && c->levels_max ? (uint32_t)BIT(FM_NESTED) : 0;
	m |= c->pt && c->levels_max ? (uint32_t)BIT(FM_PT) : 0;
	return m;
}

static void learn(struct run *r)
{
	const struct vtd_caps *c = &r->u->caps;
	const struct engine *e = r->t->engine;

	r->facts = (struct fuzz_unit){
		.ver = c->ver, .cap = c->cap, .ecap = c->ecap, .haw_bits = r->u->haw_bits, .levels = c->levels_max,
		.mgaw_bits = c->mgaw_bits, .modes = offered_modes(c), .ss_2m = c->ss_2m, .ss_1g = c->ss_1g,
		.fs_1g = c->fs1gp, .pasid = c->pasid, .srs = c->srs, .cm = c->cm, .sid = e->dev->addr.sid,
		.granule_bytes = (uint32_t)max_u64(e->caps.granule_bytes, 1),
		.align_bytes = (uint32_t)max_u64(e->caps.align_bytes, 1),
		.can_pasid = e->caps.flags & DMA_CAN_PASID, .can_priv = e->caps.flags & DMA_CAN_PRIV };
}

static void prepare(struct run *r)
{
	struct page *arena = page_alloc(r->t, FP_N * PAGE_BYTES, 0), *oracle = page_alloc(r->t, fuzz_oracle_bytes(), 0);

	learn(r);
	r->arena.pa = arena->pa;
	r->arena.words = (uint64_t *)(void *)arena->p; /* page-aligned */
	r->arena.unbacked = mem_unbacked(PAGE_BYTES).v;
	r->oracle = (struct fuzz_oracle *)(void *)oracle->p;
	fuzz_oracle_init(r->oracle, &r->facts);
	if (!r->facts.modes)
		skip(r->t, "no translation that the fuzzer knows");
	if (r->u->caps.qi)
		must(r->t, vtd_queue_enable(r->u, 0, r->u->caps.smts), "enabling the invalidation queue");
}

/* ---- one case on the unit ---- */

static void point_root(struct run *r, const struct fuzz_case *c)
{
	enum vtd_ttm ttm = c->mode == FM_LEGACY || c->mode == FM_LEGACY_PT ? TTM_LEGACY : TTM_SCALABLE;

	if (!r->u->caps.c)
		for (unsigned i = 0; i < r->arena.touched_n; i++)
			cache_write_back(&r->arena.words[r->arena.touched[i]], 8);
	if (!r->rooted || ttm != r->ttm)
		must(r->t, vtd_set_root(r->u, PA(fuzz_page_pa(&r->arena, FP_ROOT)), ttm), "setting the root table");
	r->rooted = true;
	r->ttm = ttm;
	must(r->t, vtd_inv_global(r->u), "invalidating all caches");
	if (!vtd_gsts(r->u, GSTS_TES))
		must(r->t, vtd_translation_on(r->u), "turning translation on");
}

static uint8_t *window(const struct run *r, const struct fuzz_case *c, unsigned page)
{
	return (uint8_t *)fuzz_page(&r->arena, FP_DATA + page) + c->iova % PAGE_BYTES;
}

/* Every data page gets contents of its own in the window, so that it shows which one was reached. */
static void fill_windows(struct run *r, const struct fuzz_case *c)
{
	for (unsigned p = 0; p < FUZZ_DATA_N; p++)
		for (uint32_t i = 0; i < c->bytes; i += 8) {
			uint64_t v = prng_next(&r->data);

			memcpy(window(r, c, p) + i, &v, min_u64(8, c->bytes - i));
		}
}

static void observe_faults(struct run *r, struct fuzz_outcome *seen)
{
	struct vtd_fault f;

	for (unsigned i = 0; i < 64 && vtd_fault_pop(r->u, &f) == OK; i++) {
		if (seen->recorded)
			continue;
		seen->recorded = true;
		seen->fault = f.fr;
		seen->record[0] = f.raw[0];
		seen->record[1] = f.raw[1];
	}
	if (vtd_fault_overflow(r->u))
		vtd_fault_clear(r->u);
}

static void try_case(struct run *r, const struct fuzz_case *c, struct fuzz_outcome *seen)
{
	uint8_t data[4096], before[FUZZ_DATA_N][4096];
	struct dma_request rq = { .iova = IOVA(c->iova), .len_bytes = c->bytes, .data = data, .has_pasid = c->has_pasid,
				  .pasid = c->pasid, .priv = c->priv };
	struct engine *e = r->t->engine;
	enum dma_outcome said;
	enum status s;

	*seen = (struct fuzz_outcome){ .landed = false };
	point_root(r, c);
	fill_windows(r, c);
	for (uint32_t i = 0; i < c->bytes; i++)
		data[i] = (uint8_t)prng_next(&r->data);
	for (unsigned p = 0; p < FUZZ_DATA_N; p++)
		memcpy(before[p], window(r, c, p), c->bytes);
	s = c->write ? e->ops->write(e, &rq, &said) : e->ops->read(e, &rq, &said);
	(void)pci_rd(e->dev, 0, 4); /* completions push posted writes */
	for (unsigned p = 0; p < FUZZ_DATA_N; p++) {
		const uint8_t *now = c->write ? window(r, c, p) : data;

		if (c->write ? memcmp(now, before[p], c->bytes) != 0 : !memcmp(now, before[p], c->bytes)) {
			seen->landed = true;
			seen->page = (uint8_t)p;
		}
	}
	observe_faults(r, seen);
	if ((s != OK || said == DMA_REFUSED) && !e->ops->alive(e))
		must(r->t, e->ops->reset(e), "resetting the engine");
}

/* NULL: agreed, or could not be tried. Else the disagreement; must and seen as they were. */
static const char *check_case(struct run *r, const struct fuzz_case *c, struct fuzz_outcome *must_be,
			      struct fuzz_outcome *seen, char *text)
{
	struct fuzz_outcome other;
	char ignored[TEXT];
	const char *wrong = NULL;

	fuzz_build(&r->facts, &r->arena, c);
	fuzz_oracle_ask(r->oracle, &r->arena, c, 0, must_be);
	if (must_be->elsewhere || must_be->interrupt) {
		r->foreign++;
		fuzz_clear(&r->arena);
		return NULL;
	}
	try_case(r, c, seen);
	r->tried++;
	wrong = fuzz_compare(&r->arena, must_be, seen, text, TEXT);
	for (unsigned i = 1; wrong && i < FUZZ_ALTERNATIVES; i++) {
		fuzz_oracle_ask(r->oracle, &r->arena, c, i, &other);
		/* Where an open point leads to memory that is not watched, nothing can be said. */
		if (other.elsewhere || other.interrupt || !fuzz_compare(&r->arena, &other, seen, ignored, sizeof(ignored))) {
			r->unsure++;
			wrong = NULL;
		}
	}
	fuzz_clear(&r->arena);
	return wrong;
}

/* True, and counted, where a deviation of the list explains it. */
static bool known(struct run *r, const struct fuzz_case *c, const struct fuzz_outcome *must_be,
		  const struct fuzz_outcome *seen)
{
	const char *name = fuzz_known(r->t->options->known, c, must_be, seen);
	unsigned i = 0;

	if (!name)
		return false;
	while (i < r->known_n && strcmp(r->known[i].name, name))
		i++;
	if (i == KNOWN_MAX)
		return true;
	r->known[i].name = name;
	r->known[i].n++;
	r->known_n = (unsigned)max_u64(r->known_n, i + 1);
	return true;
}

/* Known deviations are told, never hidden. */
static void tell_known(struct run *r)
{
	char list[TEXT];
	size_t at = 0;

	for (unsigned i = 0; i < r->known_n && at < sizeof(list); i++)
		at += (size_t)str_printf(list + at, sizeof(list) - at, "%s%s %u", i ? ", " : "", r->known[i].name,
					 r->known[i].n);
	if (r->known_n)
		observe(r->t, "known deviations: %s", list);
}

/* ---- shrinking and telling ---- */

static bool still_wrong(struct run *r, const struct fuzz_case *c, const char *signature)
{
	struct fuzz_outcome must_be, seen;
	char text[TEXT];
	const char *wrong;

	run_extend_us(CASE_US);
	wrong = check_case(r, c, &must_be, &seen, text);
	return wrong && !strcmp(wrong, signature);
}

/*
 * Takes edits away while anything is still wrong: what several defects at once led to comes down to one of them. True
 * where that one is a known deviation.
 */
static bool shrinks_to_known(struct run *r, struct fuzz_case *c)
{
	struct fuzz_outcome must_be, seen;
	char text[TEXT];

	for (unsigned i = 0; i < c->edits_n;) {
		struct fuzz_case smaller = *c;

		smaller.edits[i] = smaller.edits[--smaller.edits_n];
		run_extend_us(CASE_US);
		if (check_case(r, &smaller, &must_be, &seen, text))
			*c = smaller;
		else
			i++;
	}
	run_extend_us(CASE_US);
	return check_case(r, c, &must_be, &seen, text) && known(r, c, &must_be, &seen);
}

/* Takes bits away from the edits while the same is wrong. */
static void shrink(struct run *r, struct fuzz_case *c, const char *signature)
{
	for (unsigned i = 0; i < c->edits_n; i++) {
		struct fuzz_case legal = *c;
		uint64_t base, differs;

		legal.edits_n = 0;
		fuzz_build(&r->facts, &r->arena, &legal);
		base = fuzz_page(&r->arena, c->edits[i].page)[c->edits[i].word];
		fuzz_clear(&r->arena);
		/* Half an address is another address, maybe a foreign one: they stay whole. */
		differs = (base ^ c->edits[i].value) & ~BITS(51, 12);
		for (unsigned bit = 0; bit < 64; bit++) {
			struct fuzz_case smaller = *c;

			if (!(differs & pow2(bit)))
				continue;
			smaller.edits[i].value ^= pow2(bit);
			if (smaller.edits[i].value != base && still_wrong(r, &smaller, signature))
				*c = smaller;
		}
	}
}

static void tell(struct run *r, const struct fuzz_case *c, const struct fuzz_outcome *must_be, const char *wrong)
{
	char expected[TEXT];

	if (must_be->landed)
		str_printf(expected, sizeof(expected), "%s: translated", fuzz_mode_name(c->mode));
	else
		str_printf(expected, sizeof(expected), "%s: refused with fault 0x%02x%s", fuzz_mode_name(c->mode),
			   must_be->fault, must_be->recorded ? "" : ", not recorded");
	fail(r->t, expected, "%s: %s", fuzz_mode_name(c->mode), wrong);
	note(r->t, "%s of %u bytes at iova 0x%llx, %s, leaf at level %u", c->write ? "write" : "read", c->bytes,
	     (unsigned long long)c->iova, fuzz_mode_name(c->mode), c->leaf_level);
	if (c->has_pasid)
		note(r->t, "PASID 0x%x, %s", c->pasid, c->priv ? "supervisor" : "user");
	for (unsigned i = 0; i < c->edits_n; i++)
		note(r->t, "legal tables, but %s word %u = 0x%016llx", fuzz_page_name(c->edits[i].page), c->edits[i].word,
		     (unsigned long long)c->edits[i].value);
	note(r->t, "repeat: ./run.sh %s --fuzz 1 --seed %llu --tests '%s%sfuzz.vtd.*'", r->t->options->platform,
	     (unsigned long long)c->seed, r->t->bench->machine->name, r->t->bench->machine->name[0] ? "." : "");
}

static void report(struct run *r, struct fuzz_case *c)
{
	struct fuzz_outcome must_be, seen;
	char signature[TEXT], text[TEXT];

	if (shrinks_to_known(r, c))
		return;
	r->mismatches++;
	run_extend_us(CASE_US);
	if (!check_case(r, c, &must_be, &seen, signature)) {
		fail(r->t, "the same outcome twice", "a mismatch that came once only");
		note(r->t, "seed %llu", (unsigned long long)c->seed);
		return;
	}
	for (unsigned i = 0; i < r->signatures_n; i++)
		if (!strcmp(r->signatures[i], signature))
			return;
	if (r->signatures_n == SIGNATURES_MAX)
		return;
	memcpy(r->signatures[r->signatures_n++], signature, TEXT);
	shrink(r, c, signature);
	run_extend_us(CASE_US);
	if (check_case(r, c, &must_be, &seen, text))
		tell(r, c, &must_be, text);
}

/* Case 0 has the run's own seed, so that the seed of any case repeats it alone. */
static uint64_t case_seed(uint64_t seed, uint64_t index)
{
	struct prng p;

	if (!index)
		return seed;
	prng_seed(&p, seed + index * UINT64_C(0x9e3779b97f4a7c15));
	return prng_next(&p);
}

TEST(fuzz_translate,
     .id = "fuzz.vtd.translate",
     .given = "random tables and requests",
     .expects = "what the model's translate() says",
     .needs = NEED_VTD | NEED_ENGINE | NEED_ENGINE_DIRECT,
     .flags = TEST_FUZZ,
     .budget_us = 20000000)
{
	struct run *r = (struct run *)(void *)page_alloc(t, sizeof(struct run), 0)->p; /* page-aligned */
	uint64_t first = (uint64_t)t->part * FUZZ_PART_CASES, last = min_u64(first + FUZZ_PART_CASES, t->options->fuzz);

	r->t = t;
	r->u = t->bench->vtd;
	prng_seed(&r->data, t->options->seed);
	prepare(r);
	for (uint64_t i = first; i < last; i++) {
		struct fuzz_outcome must_be, seen;
		struct fuzz_case c;
		char text[TEXT];

		run_extend_us(CASE_US);
		fuzz_generate(&r->facts, &r->arena, case_seed(t->options->seed, i), &c);
		if (!check_case(r, &c, &must_be, &seen, text))
			continue;
		if (!known(r, &c, &must_be, &seen))
			report(r, &c);
	}
	tell_known(r);
	log_line("fuzz: %u tried, %u left out (they lead to foreign memory), %u by an open point, %u mismatches",
		 r->tried, r->foreign, r->unsure, r->mismatches);
}
