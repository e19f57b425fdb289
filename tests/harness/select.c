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

/* Whether it may take down what it runs on: there it runs on request, and last. */
static bool hazardous(const struct instance *in)
{
	return (in->desc->flags & TEST_HAZARD) || (in->bench->hypervisor &&
						   (in->desc->hazard_on & in->bench->revision));
}

bool instance_risky(const struct instance *in)
{
	return hazardous(in) || (in->desc->flags & TEST_LAST) || !strncmp(in->desc->id, "debug.", 6);
}

/* Where in the plan: first 0, any order 1, last 2. */
enum { PLACES = 3 };

static unsigned place(const struct instance *in)
{
	if ((in->desc->flags & TEST_LAST) || hazardous(in))
		return 2;
	return in->desc->flags & TEST_FIRST ? 0 : 1;
}

/* Whether the machine is of the kind that the test is about. */
static bool fits(const struct instance *in)
{
	const struct bench *b = in->bench;
	uint64_t needs = in->desc->needs;

	/* Where the reference of PV-IOMMU has the unit, nobody else programs it. */
	if ((needs & NEED_VTD) && (!b->vtd || b->pviommu))
		return false;
	if ((needs & NEED_AMDVI) && (!b->amdvi || b->pviommu))
		return false;
	if ((needs & NEED_PVIOMMU) && !b->pviommu)
		return false;
	if ((needs & NEED_XEN) && !b->machine->xen)
		return false;
	if (in->desc->revisions && !(in->desc->revisions & b->revision))
		return false;
	return !(in->desc->flags & TEST_MODEL) || b->machine->name[0];
}

static bool selected(const struct instance *in, const struct options *o)
{
	char id[TEST_ID_MAX];

	if ((hazardous(in) && !o->hazard) || !(in->desc->flags & TEST_FUZZ) == !!o->fuzz || !fits(in))
		return false;
	if (o->check_only && !glob_list_match("survey.*,acpi.dmar.*,acpi.ivrs.*", in->desc->id))
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
	/* arg: how many plain cases one of these is worth; parts take about the same time, whatever they are made of. */
	uint64_t worth = max_u64(d->arg, 1), cases = max_u64(o->fuzz / worth, 1),
		 each = max_u64(FUZZ_PART_CASES / worth, 1);

	return d->flags & TEST_FUZZ ? (unsigned)min_u64((cases + each - 1) / each, UINT32_MAX) : 1;
}

/* All tests of one bench that have this place, and run once or once for each backend, which is then given. */
static void add_some(struct plan *p, struct bench *b, const struct backend *backend, unsigned at,
		     const struct options *o)
{
	for (const struct test_set *s = __start_tests; s < __stop_tests; s++)
		for (unsigned k = 0; k < s->n; k++) {
			const struct test_desc *d = &s->descs[k];

			if (place(&(struct instance){ d, b, backend, 0 }) == at && !(d->flags & TEST_PER_BACKEND) ==
			    !backend)
				for (unsigned part = 0; part < parts(d, o); part++)
					add(p, &(struct instance){ d, b, backend, part }, o);
		}
}

static void add_all(struct plan *p, struct bench *benches, unsigned benches_n, const struct options *o)
{
	p->n = 0;
	for (unsigned at = 0; at < PLACES; at++)
		for (unsigned i = 0; i < benches_n; i++) {
			add_some(p, &benches[i], NULL, at, o);
			for (unsigned k = 0; k < benches[i].backends_n; k++)
				add_some(p, &benches[i], benches[i].backends[k], at, o);
		}
}

/* Fisher-Yates over all but the tests that run first or last. */
static void shuffle(struct plan *p, uint64_t seed)
{
	struct prng prng;
	unsigned from = 0, to;

	while (from < p->n && place(&p->instances[from]) == 0)
		from++;
	to = from;
	while (to < p->n && place(&p->instances[to]) == 1)
		to++;
	prng_seed(&prng, seed);
	for (unsigned i = to; i > from + 1; i--) {
		unsigned k = from + (unsigned)prng_below(&prng, i - from);
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
