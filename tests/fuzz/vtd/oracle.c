/*
 * The oracle: what the model's translate() says of a case. This file knows the model and no driver.
 */
#include "model/vtd/model.h"
#include "tests/fuzz/vtd/vtd.h"
#include <string.h>

struct fuzz_oracle {
	struct mdl_vtd_config cfg;
	struct mdl_vtd_state state;
	struct mdl_mem mem;
	uint16_t sid;
};

static bool rd64(void *ctx, uint64_t pa, uint64_t *w, unsigned n)
{
	const uint64_t *p = mem_ptr(PA(pa), n * sizeof(*w));

	(void)ctx;
	if (!p)
		return false;
	for (unsigned i = 0; i < n; i++)
		w[i] = p[i];
	return true;
}

static bool rd(void *ctx, uint64_t pa, void *buf, uint32_t bytes)
{
	const void *p = mem_ptr(PA(pa), bytes);

	(void)ctx;
	if (p)
		memcpy(buf, p, bytes);
	return p != NULL;
}

/* translate() never writes; a call here would be a mistake of the model. */
static bool wr(void *ctx, uint64_t pa, const void *buf, uint32_t bytes)
{
	(void)ctx;
	(void)pa;
	(void)buf;
	(void)bytes;
	return false;
}

static bool cas64(void *ctx, uint64_t pa, uint64_t expected, uint64_t desired, uint64_t *seen)
{
	(void)ctx;
	(void)pa;
	(void)expected;
	(void)desired;
	(void)seen;
	return false;
}

size_t fv_oracle_bytes(void)
{
	return sizeof(struct fuzz_oracle);
}

void fv_oracle_init(struct fuzz_oracle *o, const struct fuzz_unit *u)
{
	*o = (struct fuzz_oracle){ .sid = u->sid };
	o->cfg = (struct mdl_vtd_config){ .name = "unit under test", .ver = u->ver, .cap = u->cap, .ecap = u->ecap,
					  .haw = (uint8_t)u->haw_bits, .pmr_granule_bits = 20 };
	o->mem = (struct mdl_mem){ .rd64 = rd64, .rd = rd, .wr = wr, .cas64 = cas64 };
}

void fv_oracle_set_ecap(struct fuzz_oracle *o, uint64_t ecap)
{
	o->cfg.ecap = ecap;
}

/* The points that the fact sheet leaves open and that a case can meet, one bit each. */
static void choose(struct mdl_choices *ch, unsigned alternative)
{
	ch->u08_cap_rsvd = alternative & 64 ? CAP_RSVD_INVALID : alternative & 1 ? CAP_RSVD_IGNORED : CAP_RSVD_CHECKED;
	ch->u10_did_unchecked = (alternative & 2) != 0;
	ch->u12_snp_ignored = (alternative & 4) != 0;
	ch->u13_rid_pasid_ignored = (alternative & 8) != 0;
	ch->u20_programming = (alternative & 8) != 0;
	ch->u21_qualified = (alternative & 16) != 0;
	ch->u22_width_is_address = (alternative & 16) != 0;
	ch->u23_reserved_first = (alternative & 32) != 0;
	ch->u36_sre_stage1_only = (alternative & 128) != 0;
}

static void take_updates(const struct mdl_result *res, struct fuzz_outcome *out)
{
	for (unsigned i = 0; i < res->updates_n && i < ARRAY_LEN(out->updates); i++) {
		out->updates[out->updates_n].pa = res->updates[i].pa;
		out->updates[out->updates_n++].value = res->updates[i].old | res->updates[i].set;
	}
}

void fv_ask(struct fuzz_oracle *o, const struct fuzz_arena *a, const struct fuzz_case *c, unsigned alternative,
		     struct fuzz_outcome *out)
{
	bool legacy = c->mode == FM_LEGACY || c->mode == FM_LEGACY_PT;
	struct mdl_request rq = {
		.sid = o->sid, .access = c->write ? MDL_WRITE : MDL_READ, .at = MDL_UNTRANSLATED,
		.has_pasid = c->has_pasid,
		.priv = c->priv, .pasid = c->pasid, .bytes = c->bytes, .address = c->iova };
	static struct mdl_result res; /* large */
	uint64_t first = fuzz_page_pa(a, FP_DATA);

	choose(&o->cfg.choices, alternative);
	mdl_vtd_state_translating(&o->state, &o->cfg, fuzz_page_pa(a, FP_ROOT), legacy ? 0 : 1);
	mdl_vtd_translate(&o->state, &o->mem, &rq, &res);
	*out = (struct fuzz_outcome){ .landed = res.kind == MDL_OK, .interrupt = res.kind == MDL_INTERRUPT };
	if (res.kind == MDL_OK) {
		out->elsewhere = res.address < first || res.address >= first + FUZZ_DATA_N * PAGE_BYTES;
		out->page = (uint8_t)((res.address - first) / PAGE_BYTES % 256); /* checked by elsewhere */
		take_updates(&res, out);
	} else if (res.kind == MDL_BLOCKED) {
		out->recorded = res.recorded;
		out->fault = res.fault;
		out->record[0] = res.record[0];
		out->record[1] = res.record[1];
	}
}
