/*
 * The fuzzer's run: builds a case on the unit under test, lets the engine try it, asks the oracle, compares, shrinks.
 */
#include "kernel/cmdline.h"
#include "tests/fuzz/bench.h"
#include "tests/fuzz/fuzz.h"
#include <string.h>

#define SIGNATURES_MAX 8
#define KNOWN_MAX      16
#define TEXT           FUZZ_TEXT

struct run {
	struct fuzz_bench b;
	unsigned tried, foreign, unsure, mismatches;
	struct { const char *name; unsigned n; } known[KNOWN_MAX];
	unsigned known_n;
	char signatures[SIGNATURES_MAX][TEXT];
	unsigned signatures_n;
};

/* NULL: agreed, or could not be tried. Else the disagreement; must and seen as they were. */
static const char *check_case(struct run *r, const struct fuzz_case *c, struct fuzz_outcome *must_be,
			      struct fuzz_outcome *seen, char *text)
{
	struct fuzz_outcome other;
	char ignored[TEXT];
	const char *wrong = NULL;

	fuzz_bench_build(&r->b, c);
	fuzz_bench_fill(&r->b, c);
	fuzz_bench_ask(&r->b, c, 0, must_be);
	if (must_be->elsewhere || must_be->interrupt) {
		r->foreign++;
		fuzz_clear(&r->b.arena);
		return NULL;
	}
	fuzz_bench_point(&r->b, c);
	fuzz_bench_try(&r->b, c, seen);
	r->tried++;
	wrong = fuzz_compare(r->b.v, must_be, seen, text, TEXT);
	for (unsigned i = 1; wrong && i < r->b.v->alternatives; i++) {
		fuzz_bench_ask(&r->b, c, i, &other);
		/* Where an open point leads to memory that is not watched, nothing can be said. */
		if (other.elsewhere || other.interrupt ||
		    !fuzz_compare(r->b.v, &other, seen, ignored, sizeof(ignored))) {
			r->unsure++;
			wrong = NULL;
		}
	}
	fuzz_clear(&r->b.arena);
	return wrong;
}

/* True, and counted, where a deviation of the list explains it. */
static bool known(struct run *r, const struct fuzz_case *c, const struct fuzz_outcome *must_be,
		  const struct fuzz_outcome *seen)
{
	struct fuzz_judge j = { r->b.v, &r->b.facts, &r->b.arena, r->b.oracle, r->b.t->options->known };
	const char *name = fuzz_known(&j, c, must_be, seen);
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
		observe(r->b.t, "known deviations: %s", list);
}

/* ---- shrinking and telling ---- */

static bool still_wrong(struct run *r, const struct fuzz_case *c, const char *signature)
{
	struct fuzz_outcome must_be, seen;
	char text[TEXT];
	const char *wrong;

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
		if (check_case(r, &smaller, &must_be, &seen, text))
			*c = smaller;
		else
			i++;
	}
	return check_case(r, c, &must_be, &seen, text) && known(r, c, &must_be, &seen);
}

/* Takes bits away from the edits while the same is wrong. */
static void shrink(struct run *r, struct fuzz_case *c, const char *signature)
{
	for (unsigned i = 0; i < c->edits_n; i++) {
		struct fuzz_case legal = *c;
		uint64_t base, differs;

		legal.edits_n = 0;
		fuzz_bench_build(&r->b, &legal);
		base = fuzz_page(&r->b.arena, c->edits[i].page)[c->edits[i].word];
		fuzz_clear(&r->b.arena);
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
		str_printf(expected, sizeof(expected), "%s: translated", r->b.v->mode_name(c->mode));
	else
		str_printf(expected, sizeof(expected), "%s: refused with fault 0x%02x%s", r->b.v->mode_name(c->mode),
			   must_be->fault, must_be->recorded ? "" : ", not recorded");
	fail(r->b.t, expected, "%s: %s", r->b.v->mode_name(c->mode), wrong);
	note(r->b.t, "%s of %u bytes at iova 0x%llx, %s, leaf at level %u", c->write ? "write" : "read", c->bytes,
	     (unsigned long long)c->iova, r->b.v->mode_name(c->mode), c->leaf_level);
	if (c->has_pasid)
		note(r->b.t, "PASID 0x%x, %s", c->pasid, c->priv ? "supervisor" : "user");
	for (unsigned i = 0; i < c->edits_n; i++)
		note(r->b.t, "legal tables, but %s word %u = 0x%016llx", r->b.v->page_name(c->edits[i].page),
		     c->edits[i].word,
		     (unsigned long long)c->edits[i].value);
	note(r->b.t, "repeat: ./run.sh %s --fuzz 1 --seed %llu --tests '%s%sfuzz.%s.*'", r->b.t->options->platform,
	     (unsigned long long)c->seed, r->b.t->bench->machine->name, r->b.t->bench->machine->name[0] ? "." : "",
	     r->b.v->name);
}

static void report(struct run *r, struct fuzz_case *c)
{
	struct fuzz_outcome must_be, seen;
	char signature[TEXT], text[TEXT];

	if (shrinks_to_known(r, c))
		return;
	r->mismatches++;
	if (!check_case(r, c, &must_be, &seen, signature)) {
		fail(r->b.t, "the same outcome twice", "a mismatch that came once only");
		note(r->b.t, "seed %llu", (unsigned long long)c->seed);
		return;
	}
	for (unsigned i = 0; i < r->signatures_n; i++)
		if (!strcmp(r->signatures[i], signature))
			return;
	if (r->signatures_n == SIGNATURES_MAX)
		return;
	memcpy(r->signatures[r->signatures_n++], signature, TEXT);
	shrink(r, c, signature);
	if (check_case(r, c, &must_be, &seen, text))
		tell(r, c, &must_be, text);
}

void fuzz_run(struct test *t, const struct fuzz_vendor *v)
{
	struct run *r = (struct run *)(void *)page_alloc(t, sizeof(struct run), 0)->p; /* page-aligned */
	uint64_t first = (uint64_t)t->part * FUZZ_PART_CASES, last = min_u64(first + FUZZ_PART_CASES, t->options->fuzz);

	fuzz_bench_open(t, &r->b, v);
	for (uint64_t i = first; i < last; i++) {
		struct fuzz_outcome must_be, seen;
		struct fuzz_case c;
		char text[TEXT];

		v->generate(&r->b.facts, &r->b.arena, fuzz_case_seed(t->options->seed, i), &c);
		if (!check_case(r, &c, &must_be, &seen, text))
			continue;
		if (!known(r, &c, &must_be, &seen))
			report(r, &c);
	}
	tell_known(r);
	log_line("fuzz: %u tried, %u left out (they lead to foreign memory), %u by an open point, %u mismatches",
		 r->tried, r->foreign, r->unsure, r->mismatches);
}
