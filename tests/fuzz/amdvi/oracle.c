/*
 * The oracle: what the AMD-Vi model's translate() says of a case. This file knows the model and no driver.
 */
#include "model/amdvi/model.h"
#include "tests/fuzz/amdvi/amdvi.h"
#include <string.h>

struct fuzz_oracle {
	struct mdl_amd_config cfg;
	struct mdl_amd_state state;
	struct mdl_mem mem;
	uint64_t ctl;
	uint16_t sid;
};

static bool rd(void *ctx, uint64_t pa, void *buf, uint32_t bytes)
{
	const void *p = mem_ptr(PA(pa), bytes);

	(void)ctx;
	if (p)
		memcpy(buf, p, bytes);
	return p;
}

static bool rd64(void *ctx, uint64_t pa, uint64_t *w, unsigned n)
{
	return rd(ctx, pa, w, 8 * n);
}

size_t fa_oracle_bytes(void)
{
	return sizeof(struct fuzz_oracle);
}

void fa_oracle_init(struct fuzz_oracle *o, const struct fuzz_unit *u)
{
	/* translate() only reads. */
	*o = (struct fuzz_oracle){ .sid = u->sid, .ctl = fa_ctl(u), .mem = { .rd64 = rd64, .rd = rd } };
	o->cfg = (struct mdl_amd_config){ .name = "unit under test", .header = u->header, .efr = u->efr,
					  .efr2 = u->efr2,
					  .pa_bits = 52, .va_bits = 64 };
}

/* The points that the fact sheet leaves open and that a case can meet, one bit each. */
static void choose(struct mdl_amd_choices *ch, unsigned alternative)
{
	ch->u19_pasid_aborted = (alternative & 1) != 0;
	ch->u29_rw_always = (alternative & 2) != 0;
	ch->u32_page_fault = (alternative & 4) != 0;
	ch->u33_silent = (alternative & 8) != 0;
	ch->u34_present = (alternative & 16) != 0;
	ch->u34_skip_absent = (alternative & 32) != 0;
	ch->u36_default_legal = (alternative & 64) != 0;
	ch->u37_host_fault_gpa = (alternative & 128) != 0;
}

static void take_updates(const struct mdl_amd_result *res, struct fuzz_outcome *out)
{
	for (unsigned i = 0; i < res->updates_n && i < ARRAY_LEN(out->updates); i++) {
		out->updates[out->updates_n].pa = res->updates[i].pa;
		out->updates[out->updates_n++].value = res->updates[i].old | res->updates[i].set;
	}
}

void fa_ask(struct fuzz_oracle *o, const struct fuzz_arena *a, const struct fuzz_case *c, unsigned alternative,
	    struct fuzz_outcome *out)
{
	const struct mdl_request rq = {
		.sid = o->sid, .access = c->write ? MDL_WRITE : MDL_READ, .has_pasid = c->has_pasid, .priv = c->priv,
		.pasid = c->pasid, .bytes = c->bytes, .address = c->iova };
	uint64_t first = fuzz_page_pa(a, FA_DATA);
	static struct mdl_amd_result res; /* large */

	choose(&o->cfg.choices, alternative);
	mdl_amd_state_translating(&o->state, &o->cfg, fuzz_page_pa(a, FA_DEVTAB) | (FA_DEVTAB_N - 1), o->ctl);
	mdl_amd_translate(&o->state, &o->mem, &rq, &res);
	*out = (struct fuzz_outcome){ .landed = res.kind == MDL_OK, .interrupt = res.kind == MDL_INTERRUPT };
	if (res.kind == MDL_OK) {
		out->elsewhere = res.address < first || res.address >= first + FUZZ_DATA_N * PAGE_BYTES;
		out->page = (uint8_t)((res.address - first) / PAGE_BYTES % 256); /* checked by elsewhere */
		take_updates(&res, out);
	} else if (res.kind == MDL_BLOCKED) {
		out->recorded = res.recorded;
		out->fault = res.recorded ? (uint8_t)shr(res.event[0], 60) : 0;
		out->record[0] = res.event[0];
		out->record[1] = res.event[1];
	}
}
