/* Which tests run, and in which order. */
#include "kernel/glob.h"
#include "tests/harness/internal.h"
#include <string.h>

extern const struct test_set __start_tests[], __stop_tests[];

void instance_id(const struct instance *in, char id[TEST_ID_MAX])
{
	const char *machine = in->bench->machine->name;

	int n = str_printf(id, TEST_ID_MAX, "%s%s%s%s%s", machine, machine[0] ? "." : "", in->desc->id,
			   in->backend ? "@" : "", in->backend ? in->backend->name : "");

	if (in->desc->flags & TEST_FUZZ)
		str_printf(id + n, TEST_ID_MAX - (size_t)n, ".%u", in->part);
}

static bool selected(const struct instance *in, const struct options *o)
{
	char id[TEST_ID_MAX];

	if (((in->desc->flags & TEST_HAZARD) && !o->hazard) || !(in->desc->flags & TEST_FUZZ) == !!o->fuzz)
		return false;
	if ((in->desc->needs & NEED_VTD) && !in->bench->vtd)
		return false;
	if ((in->desc->needs & NEED_AMDVI) && !in->bench->amdvi)
		return false;
	if ((in->desc->flags & TEST_MODEL) && !in->bench->machine->name[0])
		return false;
	instance_id(in, id);
	if (o->skip[0] && glob_list_match(o->skip, id))
		return false;
	/* Self-tests of the harness fail on purpose: only for who names them. */
	if (!strncmp(in->desc->id, "debug.", 6) && !glob_list_match("*debug.*", o->tests))
		return false;
	return !o->tests[0] || glob_list_match(o->tests, id);
}

/* Adds an instance if it is selected; with instances == NULL only counts. */
static void add(struct plan *p, const struct instance *in, const struct options *o)
{
	if (!selected(in, o))
		return;
	if (p->instances)
		p->instances[p->n] = *in;
	p->n++;
}

static unsigned parts(const struct test_desc *d, const struct options *o)
{
	uint64_t cases = max_u64(o->fuzz / max_u64(d->arg, 1), 1); /* arg: how many plain cases one of these is worth */

	return d->flags & TEST_FUZZ ? (unsigned)min_u64((cases + FUZZ_PART_CASES - 1) / FUZZ_PART_CASES, UINT32_MAX) : 1;
}

/* All tests of one bench that run early, or late, and once or once for each backend, which is then given. */
static void add_some(struct plan *p, struct bench *b, const struct backend *backend, bool late, const struct options *o)
{
	for (const struct test_set *s = __start_tests; s < __stop_tests; s++)
		for (unsigned k = 0; k < s->n; k++) {
			const struct test_desc *d = &s->descs[k];

			if (!(d->flags & TEST_LAST) == !late && !(d->flags & TEST_PER_BACKEND) == !backend)
				for (unsigned part = 0; part < parts(d, o); part++)
					add(p, &(struct instance){ d, b, backend, part }, o);
		}
}

static void add_all(struct plan *p, struct bench *benches, unsigned benches_n, const struct options *o)
{
	p->n = 0;
	for (unsigned late = 0; late < 2; late++)
		for (unsigned i = 0; i < benches_n; i++) {
			add_some(p, &benches[i], NULL, late, o);
			for (unsigned k = 0; k < benches[i].backends_n; k++)
				add_some(p, &benches[i], benches[i].backends[k], late, o);
		}
}

/* Fisher-Yates over all but the tests that run last. */
static void shuffle(struct plan *p, uint64_t seed)
{
	struct prng prng;
	unsigned early = 0;

	while (early < p->n && !(p->instances[early].desc->flags & TEST_LAST))
		early++;
	prng_seed(&prng, seed);
	for (unsigned i = early; i > 1; i--) {
		unsigned k = (unsigned)prng_below(&prng, i);
		struct instance swap = p->instances[i - 1];

		p->instances[i - 1] = p->instances[k];
		p->instances[k] = swap;
	}
}

enum status plan_make(struct bench *benches, unsigned benches_n, const struct options *o, struct plan *out)
{
	enum status s;

	*out = (struct plan){ .n = 0 };
	add_all(out, benches, benches_n, o);
	if (!out->n)
		return OK;
	out->memory_bytes = out->n * sizeof(struct instance);
	s = mem_alloc(out->memory_bytes, PAGE_BYTES, &out->memory);
	if (s != OK)
		return s;
	out->instances = mem_ptr(out->memory, out->memory_bytes);
	add_all(out, benches, benches_n, o);
	if (o->shuffle)
		shuffle(out, o->seed);
	return OK;
}

void plan_free(struct plan *p)
{
	if (p->instances)
		mem_free(p->memory, p->memory_bytes);
	*p = (struct plan){ .n = 0 };
}
