/* What every kind of fuzzing does with the unit under test: set it up, point it at the arena, let the engine try. */
#include "kernel/cmdline.h"
#include "tests/fuzz/bench.h"
#include <string.h>

void fuzz_bench_engine(struct fuzz_bench *r)
{
	const struct engine *e = r->t->engine;

	r->facts.sid = e->dev->addr.sid;
	r->facts.granule_bytes = (uint32_t)max_u64(e->caps.granule_bytes, 1);
	r->facts.align_bytes = (uint32_t)max_u64(e->caps.align_bytes, 1);
	r->facts.can_pasid = e->caps.flags & DMA_CAN_PASID;
	r->facts.can_priv = e->caps.flags & DMA_CAN_PRIV;
}

void fuzz_bench_open(struct test *t, struct fuzz_bench *r, const struct fuzz_vendor *v)
{
	struct page *arena = page_alloc(t, v->pages_n * PAGE_BYTES, 0), *oracle = page_alloc(t, v->oracle_bytes(), 0);

	r->t = t;
	r->v = v;
	prng_seed(&r->data, t->options->seed);
	r->arena.pages_n = v->pages_n;
	r->arena.data_page = v->data_page;
	r->arena.pa = arena->pa;
	r->arena.words = (uint64_t *)(void *)arena->p; /* page-aligned */
	r->arena.unbacked = page_unbacked(t).v;
	r->oracle = (struct fuzz_oracle *)(void *)oracle->p;
	v->open(r);
	v->oracle_init(r->oracle, &r->facts);
	if (!r->facts.modes)
		skip(r->t, "no translation that the fuzzer knows");
}

void fuzz_bench_point(struct fuzz_bench *r, const struct fuzz_case *c)
{
	if (r->v->may_not_snoop(r, c))
		fuzz_write_back(&r->arena);
	r->v->point(r, c);
}

void fuzz_bench_build(struct fuzz_bench *r, const struct fuzz_case *c)
{
	r->v->build(&r->facts, &r->arena, c);
}

void fuzz_bench_ask(struct fuzz_bench *r, const struct fuzz_case *c, unsigned alternative, struct fuzz_outcome *out)
{
	r->v->ask(r->oracle, &r->arena, c, alternative, out);
}

static uint8_t *window(const struct fuzz_bench *r, const struct fuzz_case *c, unsigned page)
{
	return (uint8_t *)fuzz_page(&r->arena, r->arena.data_page + page) + c->iova % PAGE_BYTES;
}

/*
 * Every data page gets contents of its own in the window, so that it shows which one was reached. The rest of it is
 * zero, and the contents come from the case alone: a page may serve as a table, too.
 */
void fuzz_bench_fill(struct fuzz_bench *r, const struct fuzz_case *c)
{
	bool write_back = r->v->may_not_snoop(r, c) || r->v->may_not_snoop(r, &r->filled);

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
	r->v->observe(r, seen);
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
