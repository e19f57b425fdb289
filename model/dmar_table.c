/*
 * The DMAR table of a model machine, as bytes (VT-d rev 4.1, chapter 8).
 */
#include "model/fabric.h"

#define HEADER_BYTES 48u

struct table {
	uint8_t *at;
	size_t n;
	bool full;
};

static void put(struct table *t, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		if (t->n == MDL_DMAR_BYTES) {
			t->full = true;
			return;
		}
		t->at[t->n++] = (uint8_t)shr(v, 8 * i);
	}
}

static void put_text(struct table *t, const char *text, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		put(t, (uint8_t)text[i], 1);
}

static void put_at(struct table *t, size_t where, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		t->at[where + i] = (uint8_t)shr(v, 8 * i);
}

/* Type 1 an endpoint, 2 a port with all below. Paths of two steps go through the port. */
static void scope(struct table *t, const struct mdl_fabric *f, const struct mdl_function *fn)
{
	bool behind = fn->parent >= 0;

	put(t, fn->kind == MDL_ROOT_PORT ? 2 : 1, 1);
	put(t, behind ? 10 : 8, 1);
	put(t, 0, 4); /* flags, reserved, enumeration id, start bus 0 */
	if (behind) {
		put(t, f->fns[fn->parent].devfn / 8, 1);
		put(t, f->fns[fn->parent].devfn % 8, 1);
	}
	put(t, fn->devfn / 8, 1);
	put(t, fn->devfn % 8, 1);
}

static void unit(struct table *t, const struct mdl_fabric *f, unsigned n)
{
	uint64_t pages = mdl_vtd_window_bytes(f->units[n].vtd->st.cfg) / PAGE_BYTES;
	size_t start = t->n;
	unsigned size = 0;

	while (pow2(size) < pages)
		size++;
	put(t, 0, 2);
	put(t, 0, 2);
	put(t, f->units[n].all, 1);
	put(t, size, 1);
	put(t, 0, 2); /* segment */
	put(t, MDL_UNIT_BASE + n * MDL_UNIT_STEP, 8);
	for (unsigned i = 0; !f->units[n].all && i < f->fns_n; i++)
		if (f->fns[i].unit == n)
			scope(t, f, &f->fns[i]);
	if (!t->full)
		put_at(t, start + 2, t->n - start, 2);
}

/* Every root port may carry ATS traffic. */
static void atsr(struct table *t)
{
	put(t, 2, 2);
	put(t, 8, 2);
	put(t, 1, 1); /* ALL_PORTS */
	put(t, 0, 3);
}

/* Proximity domain of each unit. */
static void rhsa(struct table *t, unsigned n)
{
	put(t, 3, 2);
	put(t, 20, 2);
	put(t, 0, 4);
	put(t, MDL_UNIT_BASE + n * MDL_UNIT_STEP, 8);
	put(t, 0, 4);
}

enum status mdl_dmar_build(struct mdl_fabric *f)
{
	struct table t = { .at = f->dmar };
	uint8_t haw = 52;
	bool ir = true, dt = false;
	unsigned sum = 0;

	for (unsigned i = 0; i < f->units_n; i++) {
		const struct mdl_vtd_config *c = f->units[i].vtd->st.cfg;

		haw = (uint8_t)min_u64(haw, c->haw);
		ir = ir && (c->ecap & ECAP_IR) != 0;
		dt = dt || (c->ecap & ECAP_DT) != 0;
	}
	put_text(&t, "DMAR", 4);
	put(&t, 0, 4);
	put(&t, 1, 2); /* revision, checksum */
	put_text(&t, "PORTCLMODEL   ", 14);
	put(&t, 1, 4);
	put_text(&t, "PORT", 4);
	put(&t, 1, 4);
	put(&t, haw - 1u, 1);
	put(&t, ir, 1);
	put(&t, 0, 8);
	put(&t, 0, 2);
	for (unsigned i = 0; i < f->units_n; i++)
		unit(&t, f, i);
	if (dt)
		atsr(&t);
	for (unsigned i = 0; i < f->units_n; i++)
		rhsa(&t, i);
	if (t.full)
		return ERR_FULL;
	put_at(&t, 4, t.n, 4);
	for (size_t i = 0; i < t.n; i++)
		sum += t.at[i];
	t.at[9] = (uint8_t)(256 - sum % 256);
	f->dmar_bytes = t.n;
	return OK;
}
