/* What every kind of fuzzing does with the unit under test: set it up, point it at the arena, let the engine try. */
#include "kernel/cmdline.h"
#include "tests/fuzz/bench.h"
#include "tests/vtd/fixture.h"
#include <string.h>

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

static void learn(struct fuzz_bench *r)
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

void fuzz_bench_open(struct test *t, struct fuzz_bench *r)
{
	struct page *arena = page_alloc(t, FP_N * PAGE_BYTES, 0), *oracle = page_alloc(t, fuzz_oracle_bytes(), 0);

	r->t = t;
	r->u = t->bench->vtd;
	prng_seed(&r->data, t->options->seed);
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

static enum vtd_ttm ttm_of(const struct fuzz_case *c)
{
	return c->mode == FM_LEGACY || c->mode == FM_LEGACY_PT ? TTM_LEGACY : TTM_SCALABLE;
}

/* In scalable mode whether a walk snoops is up to the PASID entry, which the case may have changed. */
static bool may_not_snoop(const struct fuzz_bench *r, const struct fuzz_case *c)
{
	return !r->u->caps.c || ttm_of(c) == TTM_SCALABLE;
}

void fuzz_bench_point(struct fuzz_bench *r, const struct fuzz_case *c)
{
	enum vtd_ttm ttm = ttm_of(c);

	if (may_not_snoop(r, c))
		fuzz_write_back(&r->arena);
	if (!r->rooted || ttm != r->ttm)
		must(r->t, vtd_set_root(r->u, PA(fuzz_page_pa(&r->arena, FP_ROOT)), ttm), "setting the root table");
	r->rooted = true;
	r->ttm = ttm;
	must(r->t, vtd_inv_global(r->u), "invalidating all caches");
	if (!vtd_gsts(r->u, GSTS_TES))
		must(r->t, vtd_translation_on(r->u), "turning translation on");
}

static uint8_t *window(const struct fuzz_bench *r, const struct fuzz_case *c, unsigned page)
{
	return (uint8_t *)fuzz_page(&r->arena, FP_DATA + page) + c->iova % PAGE_BYTES;
}

/*
 * Every data page gets contents of its own in the window, so that it shows which one was reached. The rest of it is
 * zero, and the contents come from the case alone: a page may serve as a table, too.
 */
void fuzz_bench_fill(struct fuzz_bench *r, const struct fuzz_case *c)
{
	bool write_back = may_not_snoop(r, c) || may_not_snoop(r, &r->filled);

	prng_seed(&r->data, c->seed);
	for (unsigned p = 0; p < FUZZ_DATA_N; p++) {
		memset(window(r, &r->filled, p), 0, r->filled.bytes);
		if (write_back)
			cache_write_back(window(r, &r->filled, p), r->filled.bytes);
		for (uint32_t i = 0; i < c->bytes; i += 8) {
			uint64_t v = prng_next(&r->data);

			memcpy(window(r, c, p) + i, &v, min_u64(8, c->bytes - i));
		}
		if (write_back)
			cache_write_back(window(r, c, p), c->bytes);
	}
	r->filled = *c;
}

static void observe_faults(struct fuzz_bench *r, struct fuzz_outcome *seen)
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

void fuzz_bench_try(struct fuzz_bench *r, const struct fuzz_case *c, struct fuzz_outcome *seen)
{
	uint8_t data[4096], before[FUZZ_DATA_N][4096];
	struct dma_request rq = { .iova = IOVA(c->iova), .len_bytes = c->bytes, .data = data, .has_pasid = c->has_pasid,
				  .pasid = c->pasid, .priv = c->priv };
	struct engine *e = r->t->engine;
	enum dma_outcome said;
	enum status s;

	*seen = (struct fuzz_outcome){ .landed = false };
	run_extend_us(FUZZ_TRY_US);
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

/* Case 0 has the run's own seed, so that the seed of any case repeats it alone. */
uint64_t fuzz_case_seed(uint64_t seed, uint64_t index)
{
	struct prng p;

	if (!index)
		return seed;
	prng_seed(&p, seed + index * UINT64_C(0x9e3779b97f4a7c15));
	return prng_next(&p);
}
