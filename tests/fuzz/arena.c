/* The fuzzer's memory: what a case writes, and its way back to zeroes. */
#include "tests/fuzz/fuzz.h"

void fuzz_put(struct fuzz_arena *a, unsigned page, uint64_t word, uint64_t value)
{
	uint64_t i = page * (PAGE_BYTES / 8) + word;

	ASSERT(a->touched_n < FUZZ_TOUCHED_MAX);
	a->touched[a->touched_n++] = (uint16_t)i; /* the arena has fewer words */
	a->words[i] = value;
}

void fuzz_put_edits(struct fuzz_arena *a, const struct fuzz_case *c)
{
	for (unsigned i = 0; i < c->edits_n; i++)
		fuzz_put(a, c->edits[i].page, c->edits[i].word, c->edits[i].value);
}

void fuzz_write_back(struct fuzz_arena *a)
{
	for (unsigned i = 0; i < a->touched_n; i++)
		cache_write_back(&a->words[a->touched[i]], sizeof(a->words[0]));
	a->written_back = true;
}

void fuzz_clear(struct fuzz_arena *a)
{
	while (a->touched_n) {
		uint64_t *word = &a->words[a->touched[--a->touched_n]];

		*word = 0;
		if (a->written_back)
			cache_write_back(word, sizeof(*word));
	}
	a->written_back = false;
}
