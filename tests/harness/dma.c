/*
 * The DMA vocabulary: an attempt, what the engine says of it, what the data say, and the one outcome of both.
 *
 * A write has landed when the target holds the written bytes; a read has happened when the engine holds the source's.
 * Refused means: target unchanged, or data not obtained. Anything between is told as what it is.
 */
#include "tests/harness/internal.h"
#include <string.h>

#define DMA_BYTES_MAX 4096u
#define SMALL_BYTES   16u

struct attempt {
	enum dma_outcome outcome;
	const char *odd; /* engine and data disagree, or part of it happened: what was seen */
};

static const char *outcome_text(enum dma_outcome o)
{
	return o == DMA_DONE ? "done" : o == DMA_REFUSED ? "refused" : "unknown";
}

/* The usual small transfer of an engine. */
static uint32_t small_bytes(const struct engine *e)
{
	return (uint32_t)align_up(SMALL_BYTES, max_u64(e->caps.granule_bytes, 1));
}

static void fill_random(struct test *t, uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		p[i] = (uint8_t)prng_next(&t->prng);
}

static struct engine *engine_of(struct test *t, struct engine *e)
{
	if (!e)
		give_up(t, "the test moves data, but does not say that it needs an engine");
	return e;
}

/* After a refusal the engine proves that it lives; else it is reset; still dead is a failure of the set-up. */
static void revive(struct test *t, struct engine *e)
{
	if (e->ops->alive(e))
		return;
	if (e->own_n && !(e->caps.flags & DMA_DIRECT))
		return; /* its queues may be out of reach now: bench_clean() resets it */
	if (e->ops->reset(e) != OK || !e->ops->alive(e))
		give_up(t, "the engine %s is dead after a refused transfer", e->ops->name);
}

static enum dma_outcome perform(struct test *t, struct engine *e, struct dma_request *rq, bool write)
{
	enum dma_outcome said = DMA_UNKNOWN;
	enum status s;

	run_extend_us(e->caps.usual_us);
	if (t->bench->machine->xen) /* Xen takes bus mastering from who is refused ten times in quick succession */
		pci_enable(e->dev, true, true);
	s = write ? e->ops->write(e, rq, &said) : e->ops->read(e, rq, &said);
	if (s == ERR_INVALID || s == ERR_UNSUPPORTED)
		skip_unreached(t, "the engine %s cannot move %u bytes at offset 0x%llx of a page", e->ops->name, rq->len_bytes,
			(unsigned long long)(rq->iova.v % PAGE_BYTES));
	if (s != OK)
		said = DMA_UNKNOWN;
	(void)pci_rd(e->dev, 0, 4); /* completions push posted writes */
	if (s != OK || said == DMA_REFUSED)
		revive(t, e);
	return said;
}

static struct attempt judge(enum dma_outcome said, bool all, bool none, const char *odd_done, const char *odd_refused)
{
	if (!all && !none)
		return (struct attempt){ DMA_UNKNOWN, "only part of the data arrived" };
	if (said == DMA_DONE && none)
		return (struct attempt){ DMA_UNKNOWN, odd_done };
	if (said == DMA_REFUSED && all)
		return (struct attempt){ DMA_UNKNOWN, odd_refused };
	return (struct attempt){ all ? DMA_DONE : DMA_REFUSED, NULL };
}

static struct attempt attempt_write(struct test *t, struct engine *e, struct dma_request rq, struct page *target,
				    uint64_t off)
{
	uint8_t data[DMA_BYTES_MAX], before[DMA_BYTES_MAX];
	uint32_t bytes = rq.len_bytes;
	enum dma_outcome said;
	bool none;

	engine_of(t, e);
	if (bytes > DMA_BYTES_MAX || (target && off + bytes > target->len_bytes))
		give_up(t, "the test's transfer is larger than its page");
	rq.data = data;
	fill_random(t, data, bytes);
	if (target) {
		/* Every byte differs from what is to come, so that one byte that arrives shows. */
		for (uint32_t i = 0; i < bytes; i++)
			target->p[off + i] = (uint8_t)~data[i];
		memcpy(before, target->p + off, bytes);
	}
	said = perform(t, e, &rq, true);
	if (!target)
		return (struct attempt){ said, NULL };
	none = !memcmp(target->p + off, before, bytes);
	return judge(said, !none && !memcmp(target->p + off, data, bytes), none,
		     "the engine reports success, but the target did not change",
		     "the engine reports a refusal, but the data arrived");
}

static struct attempt attempt_read(struct test *t, struct engine *e, struct dma_request rq, struct page *source, uint64_t off)
{
	uint8_t data[DMA_BYTES_MAX];
	uint32_t known, bytes = rq.len_bytes;
	enum dma_outcome said;
	bool all;

	engine_of(t, e);
	if (bytes > DMA_BYTES_MAX || (source && off + bytes > source->len_bytes))
		give_up(t, "the test's transfer is larger than its page");
	rq.data = data;
	if (source)
		fill_random(t, source->p + off, bytes);
	/* What the engine must overwrite with the source's bytes. */
	for (uint32_t i = 0; i < bytes; i++)
		data[i] = source ? (uint8_t)~source->p[off + i] : 0;
	said = perform(t, e, &rq, false);
	known = e->caps.flags & DMA_READ_ALL ? bytes : (uint32_t)min_u64(rq.echo_n, bytes);
	if (!source || !known)
		return (struct attempt){ said, NULL };
	all = !memcmp(data, source->p + off, known);
	return judge(said, all, !all, "the engine reports success, but read other data",
		     "the engine reports a refusal, but obtained the data");
}

static bool check(struct test *t, const char *verb, struct attempt a, enum dma_outcome expected)
{
	char text[TEXT_MAX];

	if (!a.odd && a.outcome == expected)
		return true;
	str_printf(text, sizeof(text), "%s %s", verb, outcome_text(expected));
	if (a.odd)
		fail(t, text, "%s: %s", verb, a.odd);
	else
		fail(t, text, "%s %s", verb, outcome_text(a.outcome));
	return false;
}

static struct attempt attempt(struct test *t, struct engine *e, const struct dma_request *rq, bool write,
			      struct page *p, uint64_t off)
{
	return write ? attempt_write(t, e, *rq, p, off) : attempt_read(t, e, *rq, p, off);
}

bool expect_dma(struct test *t, struct engine *e, const struct dma_request *rq, bool write, struct page *p, uint64_t off,
		enum dma_outcome expected)
{
	const char *verb = write ? "write" : "read";
	bool good = check(t, verb, attempt(t, e, rq, write, p, off), expected);

	if (!good)
		note(t, "%s of %u bytes by %s at iova 0x%llx", verb, rq->len_bytes, e->ops->name,
		     (unsigned long long)rq->iova.v);
	return good;
}

enum dma_outcome try_dma(struct test *t, struct engine *e, const struct dma_request *rq, bool write, struct page *p,
			 uint64_t off)
{
	return attempt(t, e, rq, write, p, off).outcome;
}

bool expect_write_by(struct test *t, struct engine *e, iova_t iova, uint32_t bytes, struct page *target, uint64_t off,
		     enum dma_outcome expected)
{
	return expect_dma(t, e, &(struct dma_request){ .iova = iova, .len_bytes = bytes }, true, target, off, expected);
}

bool expect_read_by(struct test *t, struct engine *e, iova_t iova, uint32_t bytes, struct page *source, uint64_t off,
		    enum dma_outcome expected)
{
	return expect_dma(t, e, &(struct dma_request){ .iova = iova, .len_bytes = bytes }, false, source, off, expected);
}

uint32_t dma_small_bytes(struct test *t, struct engine *e)
{
	return small_bytes(engine_of(t, e));
}

bool expect_write(struct test *t, iova_t iova, struct page *target, uint64_t off, enum dma_outcome expected)
{
	return expect_write_by(t, t->engine, iova, dma_small_bytes(t, t->engine), target, off, expected);
}

bool expect_read(struct test *t, iova_t iova, struct page *source, uint64_t off, enum dma_outcome expected)
{
	return expect_read_by(t, t->engine, iova, dma_small_bytes(t, t->engine), source, off, expected);
}

enum dma_outcome try_write(struct test *t, struct engine *e, iova_t iova, uint32_t bytes, struct page *target, uint64_t off)
{
	return try_dma(t, e, &(struct dma_request){ .iova = iova, .len_bytes = bytes }, true, target, off);
}

enum dma_outcome try_read(struct test *t, struct engine *e, iova_t iova, uint32_t bytes, struct page *source, uint64_t off)
{
	return try_dma(t, e, &(struct dma_request){ .iova = iova, .len_bytes = bytes }, false, source, off);
}
