/* Oracle and observation side by side, for any vendor, and the deviations that explain the difference. */
#include "kernel/glob.h"
#include "tests/fuzz/fuzz.h"

static const char *compare_updates(const struct fuzz_outcome *must, char *buf, size_t len)
{
	for (unsigned i = 0; i < must->updates_n; i++) {
		const uint64_t *word = mem_ptr(PA(must->updates[i].pa), 8);

		if (word && *word != must->updates[i].value) {
			str_printf(buf, len, "an accessed or dirty bit was not set");
			return buf;
		}
	}
	return NULL;
}

const char *fuzz_compare(const struct fuzz_vendor *v, const struct fuzz_outcome *must, const struct fuzz_outcome *seen,
			 char *buf, size_t len)
{
	if (must->landed && !seen->landed)
		str_printf(buf, len, seen->recorded ? "refused with fault 0x%02x instead of translated" :
			   "refused without a record instead of translated", seen->fault);
	else if (!must->landed && seen->landed)
		str_printf(buf, len, "translated instead of refused with fault 0x%02x (%s)", must->fault,
			   v->fault_text(must->fault));
	else if (must->landed && seen->page != must->page)
		str_printf(buf, len, "translated to another page");
	else if (must->landed && seen->recorded)
		str_printf(buf, len, "translated, but fault 0x%02x recorded", seen->fault);
	else if (must->recorded && !seen->recorded)
		str_printf(buf, len, "no record instead of fault 0x%02x (%s)", must->fault, v->fault_text(must->fault));
	else if (!must->recorded && seen->recorded)
		str_printf(buf, len, "fault 0x%02x recorded instead of suppressed", seen->fault);
	else if (must->recorded)
		return v->compare_records(must, seen, buf, len);
	else
		return compare_updates(must, buf, len);
	return buf;
}

/* The deviation in the list that is all of the difference. */
static const char *known_outcome(const struct fuzz_judge *j, const fuzz_view_t *v)
{
	for (unsigned i = 0; i < j->vendor->deviations_n; i++) {
		const struct fuzz_deviation *d = &j->vendor->deviations[i];

		if (!d->reading && glob_list_match(j->known, d->name) && d->explains(v))
			return d->name;
	}
	return NULL;
}

/* True where the outcome is what follows from another reading, by any of the open points, or one more deviation. */
static bool follows(const struct fuzz_judge *j, const fuzz_view_t *v, unsigned reading)
{
	struct fuzz_outcome would;
	fuzz_view_t then = { v->u, v->c, &would, v->seen };
	bool good = false;
	char text[160];

	j->vendor->build(j->unit, j->arena, v->c);
	for (unsigned i = 0; i < j->vendor->alternatives && !good; i++) {
		j->vendor->pretend(j->oracle, j->unit, j->arena, v->c, reading, i, &would);
		/* To memory that is not ours: nothing can be said. */
		good = would.elsewhere || would.interrupt ||
			!fuzz_compare(j->vendor, &would, v->seen, text, sizeof(text)) ||
		       known_outcome(j, &then);
	}
	fuzz_clear(j->arena);
	return good;
}

const char *fuzz_known(const struct fuzz_judge *j, const struct fuzz_case *c, const struct fuzz_outcome *must,
		       const struct fuzz_outcome *seen)
{
	fuzz_view_t v = { j->unit, c, must, seen };
	const char *name = known_outcome(j, &v);
	const struct fuzz_deviation *d = j->vendor->deviations;
	unsigned all = 0;

	for (unsigned i = 0; i < j->vendor->deviations_n; i++)
		all |= glob_list_match(j->known, d[i].name) ? d[i].reading : 0;
	for (unsigned i = 0; i < j->vendor->deviations_n && !name; i++) {
		unsigned reading = d[i].reading & all;

		if (reading && d[i].explains(&v) && (follows(j, &v, reading) || follows(j, &v, all)))
			name = d[i].name;
	}
	return name;
}
