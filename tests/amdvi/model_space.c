/* A guest's tables for the model's unit by itself. */
#include "tests/amdvi/model_space.h"

void ags_entry(struct space *s, uint64_t q0, uint64_t q1)
{
	am_dte(s->a, AM_SID, am_dte0(s->host_levels, s->host) | BIT(55) | FLD(BITS(57, 56), s->glx) |
	       FLD(BITS(60, 58), fld_get(BITS(14, 12), s->gcr3)) | q0,
	       AM_DOMAIN | FLD(BITS(31, 16), fld_get(BITS(30, 15), s->gcr3)) |
	       FLD(BITS(63, 43), fld_get(BITS(51, 31), s->gcr3)) | q1,
	       FLD(BITS(55, 54), s->levels - 4), 0);
}

void ags_drop(struct space *s)
{
	am_cmd(s->a, AM_OP(3) | FLD(BITS(47, 32), AM_DOMAIN), AM_ALL | 2);
	am_cmd(s->a, AM_OP(3) | FLD(BITS(47, 32), AM_DOMAIN) | s->pasid, AM_ALL | 6);
}

struct space ags_start(struct test *t, unsigned levels, uint64_t ctl)
{
	return ags_start_as(t, am_config(t), levels, ctl);
}

struct space ags_start_as(struct test *t, const struct mdl_amd_config *c, unsigned levels, uint64_t ctl)
{
	struct space s = { .levels = levels, .pasid = PASID };

	if (levels > 4 + fld_get(BITS(13, 12), c->efr))
		skip(t, "EFR.GATS: no %u levels", levels);
	s.a = am_start_as(t, c, BIT(16) | ctl);
	s.gcr3 = am_page(s.a);
	s.root = am_page(s.a);
	s.page = am_page(s.a);
	s.pte = am_guest_entry(s.a, s.root, levels, 1, AM_IOVA);
	am_put(s.pte, s.page | 7);
	am_put(s.gcr3 + 8 * PASID, s.root | 1);
	ags_entry(&s, 0, 0);
	return s;
}

uint64_t ags_at(struct space *s, unsigned level)
{
	return am_guest_entry(s->a, s->root, s->levels, level, AM_IOVA);
}

struct mdl_request ags_request(const struct space *s, unsigned kind, uint64_t address)
{
	return (struct mdl_request){
		.sid = AM_SID, .bytes = 8, .address = address, .has_pasid = true, .pasid = s->pasid,
		.access = kind == WRITE || kind == PRIV_WRITE ? MDL_WRITE : kind == ATOMIC ? MDL_ATOMIC : MDL_READ,
		.priv = kind >= PRIV_READ && kind <= PRIV_EXEC, .exec = kind == EXEC || kind == PRIV_EXEC,
	};
}

bool ags_writes(unsigned kind)
{
	return kind == WRITE || kind == PRIV_WRITE || kind == ATOMIC;
}

uint64_t ags_fault(const struct space *s, unsigned kind, uint64_t flags)
{
	uint64_t e = AM_OP(2) | GN | AM_SID | flags | FLD(BITS(47, 32), s->pasid & 0xffff) |
		     FLD(BITS(19, 16), fld_get(BITS(19, 16), s->pasid));

	if (ags_writes(kind) && ((flags & PR) || s->a->config.choices.u29_rw_always))
		e |= RW;
	if (!(flags & PR))
		return e;
	return e | (kind == EXEC || kind == PRIV_EXEC ? NX : 0) | (kind >= PRIV_READ && kind <= PRIV_EXEC ? 0 : US);
}

bool ags_ends_in(struct space *s, unsigned kind, uint64_t address, uint64_t event, uint64_t which)
{
	const struct mdl_request rq = ags_request(s, kind, address);
	struct test *t = s->a->t;

	for (unsigned i = 0; i < 2; i++) {
		struct mdl_amd_result out = am_look(s->a, &rq);
		uint64_t seen[2] = { 0, 0 };

		am_event(s->a, seen);
		if (!am_is(t, "the event", seen[0], event, which) ||
		    !am_is(t, "passes", out.kind == MDL_OK, !event, which))
			return false;
		if (event && !am_is(t, "the event's address", seen[1], address, which))
			return false;
	}
	return true;
}
