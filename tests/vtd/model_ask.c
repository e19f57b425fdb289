/* What the model's unit itself says of a request. */
#include "model/vtd/internal.h"
#include "tests/model_machine.h"
#include "tests/vtd/model_ask.h"

static struct mdl_vtd *unit(struct test *t)
{
	return model_machine_unit(t->bench->machine);
}

static struct mdl_request request(struct test *t, const struct model_request *rq)
{
	return (struct mdl_request){
		.sid = t->engine->dev->addr.sid,
		.access = rq->atomic ? MDL_ATOMIC : rq->write ? MDL_WRITE : MDL_READ,
		.at = rq->translation ? MDL_TRANSLATION : MDL_UNTRANSLATED,
		.has_pasid = rq->has_pasid, .priv = rq->priv, .exec = rq->exec, .no_write = rq->no_write,
		.pasid = rq->pasid, .bytes = 8, .address = rq->iova.v,
	};
}

static struct model_answer answer(const struct mdl_result *out)
{
	return (struct model_answer){
		.done = out->kind == MDL_OK, .fault = out->fault, .recorded = out->recorded, .r = out->r, .w = out->w,
		.x = out->x, .u = out->u, .priv = out->priv, .global = out->global, .snoop = out->snoop, .cd = out->cd,
		.emt = out->has_emt ? out->emt : -1, .pat = out->has_pat ? out->pat : -1, .page_bits = out->page_bits,
		.address = out->address,
	};
}

struct model_answer model_ask(struct test *t, const struct model_request *rq)
{
	struct mdl_request raw = request(t, rq);
	struct mdl_result out;

	mdl_vtd_lookup(unit(t), &raw, &out);
	return answer(&out);
}

struct model_answer model_oracle(struct test *t, const struct model_request *rq, unsigned nd)
{
	struct mdl_vtd_state *st = &unit(t)->st;
	const struct mdl_vtd_config *own = st->cfg;
	struct mdl_vtd_config c = *own;
	struct mdl_request raw = request(t, rq);
	struct mdl_result out = { .kind = MDL_BLOCKED }; /* should the oracle say nothing */

	c.cap = fld_set(CAP_ND, c.cap, nd);
	c.choices.u10_did_unchecked = 0;
	st->cfg = &c;
	mdl_vtd_translate(st, &unit(t)->mem, &raw, &out);
	st->cfg = own;
	return answer(&out);
}

struct model_answer model_ask_ats(struct test *t, const struct model_request *rq)
{
	struct mdl_request raw = request(t, rq);
	struct mdl_ats_completion c;
	unsigned bits = 0;

	raw.at = MDL_TRANSLATION;
	mdl_vtd_ats(unit(t), &raw, &c);
	while (bits < 63 && pow2(bits) < c.bytes)
		bits++;
	return (struct model_answer){
		.done = c.status == MDL_DONE, .ca = c.status == MDL_CA, .r = c.r, .w = c.w, .x = c.x, .u = c.u, .n = c.n, .priv = c.priv,
		.global = c.global, .emt = -1, .pat = -1, .page_bits = bits, .address = c.address,
	};
}

bool model_reaches(struct test *t, uint16_t sid, iova_t iova, uint64_t *address)
{
	struct mdl_request rq = { .sid = sid, .access = MDL_WRITE, .bytes = 8, .address = iova.v };
	struct mdl_result out;

	mdl_vtd_lookup(unit(t), &rq, &out);
	*address = out.address;
	return out.kind == MDL_OK;
}

static void revoked(void *ctx, const struct mdl_direct *d)
{
	unsigned *n = ctx;

	(void)d;
	++*n;
}

/* One counter for each machine, beside its fabric: it must outlive the test, whose mappings may still be revoked. */
static unsigned *revocations(struct test *t)
{
	return model_machine_revocations(t->bench->machine);
}

enum status model_direct(struct test *t, iova_t iova, uint64_t *address)
{
	struct mdl_request rq = { .sid = t->engine->dev->addr.sid, .access = MDL_WRITE, .bytes = 8, .address = iova.v };
	struct mdl_direct d = { 0 };
	enum status s = mdl_fabric_direct(model_machine_fabric(t->bench->machine), &rq, revoked, revocations(t), &d);

	*address = d.address;
	return s;
}

unsigned model_revoked(struct test *t)
{
	unsigned n = *revocations(t);

	*revocations(t) = 0;
	return n;
}

/* Stands between the unit and memory. */
struct between {
	struct model_memory m;
	struct mdl_mem inner;
	void (*cleanup)(struct test *t);
};

static bool between_cas64(void *ctx, uint64_t pa, uint64_t expected, uint64_t desired, uint64_t *seen)
{
	struct between *b = ctx;

	for (unsigned i = 0; i < b->m.updates && i < ARRAY_LEN(b->m.of); i++)
		b->m.repeated += b->m.of[i] == pa;
	if (b->m.updates < ARRAY_LEN(b->m.of))
		b->m.of[b->m.updates] = pa;
	b->m.updates++;
	return pa != b->m.refuse && b->inner.cas64(b->inner.ctx, pa, expected, desired, seen);
}

static bool between_rd64(void *ctx, uint64_t pa, uint64_t *w, unsigned n)
{
	struct between *b = ctx;

	return b->inner.rd64(b->inner.ctx, pa, w, n);
}

static bool between_rd64_unsnooped(void *ctx, uint64_t pa, uint64_t *w, unsigned n)
{
	struct between *b = ctx;

	return b->inner.rd64_unsnooped(b->inner.ctx, pa, w, n);
}

static bool between_rd(void *ctx, uint64_t pa, void *buf, uint32_t bytes)
{
	struct between *b = ctx;

	return b->inner.rd(b->inner.ctx, pa, buf, bytes);
}

static bool between_wr(void *ctx, uint64_t pa, const void *buf, uint32_t bytes)
{
	struct between *b = ctx;

	return b->inner.wr(b->inner.ctx, pa, buf, bytes);
}

static void step_aside(struct test *t)
{
	struct between *b = unit(t)->mem.ctx;

	unit(t)->mem = b->inner;
	if (b->cleanup)
		b->cleanup(t);
}

struct model_memory *model_memory(struct test *t)
{
	struct between *b = (struct between *)(void *)page_alloc(t, sizeof(*b), 0)->p; /* page-aligned */

	b->inner = unit(t)->mem;
	b->cleanup = t->cleanup;
	t->cleanup = step_aside;
	unit(t)->mem = (struct mdl_mem){ .ctx = b, .rd64 = between_rd64, .rd64_unsnooped = between_rd64_unsnooped,
					 .rd = between_rd, .wr = between_wr, .cas64 = between_cas64 };
	return &b->m;
}

bool model_qualified(struct test *t, unsigned reason)
{
	return mdl_fault_qualified(&unit(t)->st, (uint8_t)reason); /* reasons have 8 bits */
}

bool model_recoverable(unsigned reason)
{
	return mdl_fault_recoverable((uint8_t)reason);
}

enum model_uncapable model_uncapable(struct test *t)
{
	switch (unit(t)->st.cfg->choices.u08_cap_rsvd) {
	case CAP_RSVD_CHECKED: return UNCAPABLE_RESERVED;
	case CAP_RSVD_IGNORED: return UNCAPABLE_IGNORED;
	default:               return UNCAPABLE_INVALID;
	}
}

bool model_protects_translated(struct test *t)
{
	return unit(t)->st.cfg->choices.u06_pmr_with_te;
}

bool model_qualifies_fetches(struct test *t)
{
	return unit(t)->st.cfg->choices.u21_qualified;
}
