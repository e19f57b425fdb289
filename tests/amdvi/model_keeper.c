/* For tests of what the model's caches keep. */
#include "tests/amdvi/model_keeper.h"

void ak_need_caches(struct test *t)
{
	if (am_config(t)->lazy)
		skip(t, "this unit keeps nothing");
}

uint64_t ak_goes(struct keeper *b)
{
	const struct mdl_request rq = { .sid = AM_SID, .bytes = 8, .address = AM_IOVA, .has_pasid = b->with_pasid,
					.pasid = b->with_pasid ? PASID : 0 };
	struct mdl_amd_result out = am_look(b->a, &rq);

	return out.kind == MDL_OK ? out.address : 0;
}

void ak_is_old(struct keeper *b, const char *after)
{
	if (!expect_true(b->a->t, ak_goes(b) == b->old, "the old one is used"))
		note(b->a->t, "after %s", after);
}

void ak_is_fresh(struct keeper *b, const char *after)
{
	if (!expect_true(b->a->t, ak_goes(b) == b->fresh, "the new one is used"))
		note(b->a->t, "after %s", after);
}

void ak_swap(struct keeper *b)
{
	uint64_t was = b->old;

	b->old = b->fresh;
	b->fresh = was;
}

void ak_host_open(struct test *t, struct keeper *b)
{
	*b = (struct keeper){ .levels = am_levels(t) };
	if (!b->levels)
		skip(t, "EFR.HATS = 11b");
	b->a = am_start(t, 0);
	b->root = am_page(b->a);
	b->old = am_page(b->a);
	b->fresh = am_page(b->a);
	b->pte = am_entry(b->a, b->root, b->levels, 1, AM_IOVA);
	am_put(b->pte, AM_PERMIT | b->old | 1);
	am_dte(b->a, AM_SID, am_dte0(b->levels, b->root), AM_DOMAIN, 0, 0);
	am_dte(b->a, AM_SID2, am_dte0(b->levels, b->root), AM_DOMAIN, 0, 0);
	ak_is_old(b, "nothing");
}
