/* Sequences of edits, invalidations and DMA for any vendor, see sequence.h. */
#include "kernel/cmdline.h"
#include "tests/fuzz/sequence.h"

#define STEPS     24
#define CASES_MAX 1000u
#define PART      (FUZZ_PART_CASES / FUZZ_SEQUENCE_CASES)

/* ---- commands ---- */

void fuzz_sequence_command(struct fuzz_sequence *s, unsigned command)
{
	unsigned kept = 0;

	s->v->send(s, command);
	for (unsigned i = 0; i < s->stale_n; i++) {
		struct fuzz_change *e = &s->stale[i];

		while (e->done < e->needs_n && s->v->enough(command, e->needs[e->done]))
			e->done++;
		if (e->done < e->needs_n)
			s->stale[kept++] = *e;
	}
	s->stale_n = kept;
}

/* ---- edits ---- */

static void write_word(struct fuzz_sequence *s, uint64_t *word, uint64_t v)
{
	*(volatile uint64_t *)word = v;
	if (s->b.arena.written_back)
		cache_write_back(word, sizeof(*word));
	s->v->written(s);
}

static void edit(struct fuzz_sequence *s)
{
	struct fuzz_change e;

	s->v->choose(s, &e);
	for (unsigned i = 0; i < s->stale_n; i++)
		if (s->stale[i].word == e.word)
			return;
	if (s->stale_n == FUZZ_STALE_MAX)
		s->v->settle(s);
	note(s->b.t, "%s: 0x%016llx becomes 0x%016llx", e.what, (unsigned long long)e.old, (unsigned long long)e.new);
	write_word(s, e.word, e.new);
	s->stale[s->stale_n++] = e;
}

/* ---- DMA ---- */

static bool is_so(const struct fuzz_outcome *may, const struct fuzz_outcome *seen)
{
	/* To memory that is not ours: nothing can be said. */
	return may->elsewhere || may->interrupt ||
	       (may->landed == seen->landed && (!may->landed || may->page == seen->page));
}

/* With some of the stale edits undone. */
static bool follows(struct fuzz_sequence *s, unsigned undone, const struct fuzz_outcome *seen, unsigned readings)
{
	struct fuzz_bench *b = &s->b;
	struct fuzz_outcome may;

	for (unsigned i = 0; i < s->stale_n; i++)
		if (undone & pow2(i))
			*s->stale[i].word = s->stale[i].old;
	if (readings)
		b->v->pretend(b->oracle, &b->facts, &b->arena, &s->c, readings, 0, &may);
	else
		fuzz_bench_ask(b, &s->c, 0, &may);
	for (unsigned i = 0; i < s->stale_n; i++)
		*s->stale[i].word = s->stale[i].new;
	return is_so(&may, seen);
}

bool fuzz_sequence_allows(struct fuzz_sequence *s, const struct fuzz_outcome *seen, unsigned readings)
{
	bool any = false;

	for (unsigned undone = 0; undone < pow2(s->stale_n) && !any; undone++)
		any = follows(s, undone, seen, readings);
	return any;
}

static bool transfer(struct fuzz_sequence *s)
{
	const struct fuzz_vendor *v = s->v->vendor;
	struct fuzz_outcome seen;

	s->c.write = prng_below(&s->r, 2);
	fuzz_bench_fill(&s->b, &s->c);
	fuzz_bench_try(&s->b, &s->c, &seen);
	s->checked++;
	if (fuzz_sequence_allows(s, &seen, 0))
		return true;
	if (s->v->known(s, &seen)) {
		s->known++;
		return true;
	}
	fail(s->b.t, s->stale_n ? "one of the outcomes that stale entries allow" : "what the tables say",
	     seen.landed ? "%s: translated otherwise, with %u stale edits" : "%s: refused, with %u stale edits",
	     v->mode_name(s->c.mode), s->stale_n);
	note(s->b.t, "%s at iova 0x%llx", s->c.write ? "write" : "read", (unsigned long long)s->c.iova);
	note(s->b.t, "repeat: ./run.sh %s --fuzz 1 --seed %llu --tests '%s'", s->b.t->options->platform,
	     (unsigned long long)s->c.seed, s->v->test);
	return false;
}

/* ---- a sequence ---- */

/* True where the case suits, and is legal: its tables are in the arena then. */
static bool suits(struct fuzz_sequence *s)
{
	struct fuzz_outcome out;

	if (!(s->v->modes & pow2(s->c.mode)) || !s->v->suits(&s->c))
		return false;
	s->c.edits_n = 0;
	fuzz_bench_build(&s->b, &s->c);
	fuzz_bench_ask(&s->b, &s->c, 0, &out);
	if (out.landed && !out.elsewhere)
		return true;
	fuzz_clear(&s->b.arena);
	return false;
}

static void begin(struct fuzz_sequence *s, uint64_t seed)
{
	struct prng r;
	bool found = false;

	prng_seed(&r, seed);
	for (unsigned i = 0; i < CASES_MAX && !found; i++) {
		s->v->vendor->generate(&s->b.facts, &s->b.arena, prng_next(&r), &s->c);
		found = suits(s);
	}
	if (!found)
		give_up(s->b.t, "no legal case among %u", CASES_MAX);
	s->c.seed = seed;
	s->stale_n = 0;
	fuzz_bench_point(&s->b, &s->c);
	notes_drop(s->b.t);
}

static bool play(struct fuzz_sequence *s, uint64_t seed)
{
	bool good = true;

	prng_seed(&s->r, seed);
	begin(s, seed);
	for (unsigned step = 0; step < STEPS && good; step++) {
		unsigned command = (unsigned)prng_below(&s->r, s->v->commands_n);

		switch (prng_below(&s->r, 4)) {
		case 0:
			edit(s);
			break;
		case 1:
			if (s->v->offered(s, command)) {
				note(s->b.t, "invalidate: %s", s->v->commands[command]);
				fuzz_sequence_command(s, command);
			}
			break;
		default:
			good = transfer(s);
		}
	}
	fuzz_clear(&s->b.arena);
	return good;
}

void fuzz_sequences_run(struct test *t, const struct fuzz_caches *v)
{
	struct page *memory = page_alloc(t, sizeof(struct fuzz_sequence), 0);
	struct fuzz_sequence *s = (struct fuzz_sequence *)(void *)memory->p; /* page-aligned */
	uint64_t first = (uint64_t)t->part * PART,
		 last = min_u64(first + PART, max_u64(t->options->fuzz / FUZZ_SEQUENCE_CASES, 1));

	fuzz_bench_open(t, &s->b, v->vendor);
	s->v = v;
	if (!(s->b.facts.modes & v->modes))
		skip(t, "no translation by tables");
	for (uint64_t i = first; i < last; i++)
		if (!play(s, fuzz_case_seed(t->options->seed, i)))
			return;
	if (s->known)
		observe(t, "known deviations: %u of %u transfers", s->known, s->checked);
	log_line("fuzz: %u transfers checked between edits and invalidations", s->checked);
}
