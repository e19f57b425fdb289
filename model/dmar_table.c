/*
 * The DMAR table of a model machine, as bytes (VT-d rev 4.1, chapter 8).
 */
#include "model/fabric.h"
#include "model/table_bytes.h"

/* Type 1 an endpoint, 2 a port with all below. Paths of two steps go through the port. */
static void scope(struct mdl_table *t, const struct mdl_fabric *f, const struct mdl_function *fn)
{
	bool behind = fn->parent >= 0;

	mdl_put(t, fn->kind == MDL_ROOT_PORT ? 2 : 1, 1);
	mdl_put(t, behind ? 10 : 8, 1);
	mdl_put(t, 0, 4); /* flags, reserved, enumeration id, start bus 0 */
	if (behind) {
		mdl_put(t, f->fns[fn->parent].devfn / 8, 1);
		mdl_put(t, f->fns[fn->parent].devfn % 8, 1);
	}
	mdl_put(t, fn->devfn / 8, 1);
	mdl_put(t, fn->devfn % 8, 1);
}

static void unit(struct mdl_table *t, const struct mdl_fabric *f, unsigned n)
{
	uint64_t pages = mdl_vtd_window_bytes(f->units[n].vtd->st.cfg) / PAGE_BYTES;
	size_t start = t->n;
	unsigned size = 0;

	while (pow2(size) < pages)
		size++;
	mdl_put(t, 0, 2);
	mdl_put(t, 0, 2);
	mdl_put(t, f->units[n].all, 1);
	mdl_put(t, size, 1);
	mdl_put(t, 0, 2); /* segment */
	mdl_put(t, MDL_UNIT_BASE + n * MDL_UNIT_STEP, 8);
	for (unsigned i = 0; !f->units[n].all && i < f->fns_n; i++)
		if (f->fns[i].unit == n)
			scope(t, f, &f->fns[i]);
	mdl_put_at(t, start + 2, t->n - start, 2);
}

/* Memory that firmware keeps for a device. */
static void rmrr(struct mdl_table *t, const struct mdl_fabric *f)
{
	size_t start = t->n;

	mdl_put(t, 1, 2);
	mdl_put(t, 0, 2);
	mdl_put(t, 0, 2);
	mdl_put(t, 0, 2); /* segment */
	mdl_put(t, f->kept.base, 8);
	mdl_put(t, f->kept.base + f->kept.bytes - 1, 8);
	for (unsigned i = 0; i < f->fns_n; i++)
		if (f->fns[i].device == f->kept.device)
			scope(t, f, &f->fns[i]);
	mdl_put_at(t, start + 2, t->n - start, 2);
}

/* Every root port may carry ATS traffic. */
static void atsr(struct mdl_table *t)
{
	mdl_put(t, 2, 2);
	mdl_put(t, 8, 2);
	mdl_put(t, 1, 1); /* ALL_PORTS */
	mdl_put(t, 0, 3);
}

/* Proximity domain of each unit. */
static void rhsa(struct mdl_table *t, unsigned n)
{
	mdl_put(t, 3, 2);
	mdl_put(t, 20, 2);
	mdl_put(t, 0, 4);
	mdl_put(t, MDL_UNIT_BASE + n * MDL_UNIT_STEP, 8);
	mdl_put(t, 0, 4);
}

enum status mdl_dmar_build(struct mdl_fabric *f)
{
	struct mdl_table t = { .at = f->dmar, .max = sizeof(f->dmar) };
	uint8_t haw = 52;
	bool ir = true, dt = false;

	for (unsigned i = 0; i < f->units_n; i++) {
		const struct mdl_vtd_config *c = f->units[i].vtd->st.cfg;

		haw = (uint8_t)min_u64(haw, c->haw);
		ir = ir && (c->ecap & ECAP_IR) != 0;
		dt = dt || (c->ecap & ECAP_DT) != 0;
	}
	mdl_table_begin(&t, "DMAR", 1);
	mdl_put(&t, haw - 1u, 1);
	mdl_put(&t, ir, 1);
	mdl_put(&t, 0, 8);
	mdl_put(&t, 0, 2);
	for (unsigned i = 0; i < f->units_n; i++)
		unit(&t, f, i);
	if (f->kept.device != NULL)
		rmrr(&t, f);
	if (dt)
		atsr(&t);
	for (unsigned i = 0; i < f->units_n; i++)
		rhsa(&t, i);
	if (!mdl_table_seal(&t))
		return ERR_FULL;
	f->dmar_bytes = t.n;
	return OK;
}
