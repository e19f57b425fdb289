/* The model of a unit over hosted memory. */
#include <stdlib.h>
#include <string.h>
#include "model/vtd/model.h"
#include "tests/host/vtd/model_unit.h"

static struct mdl_vtd model;
static void *cache;

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

static bool wr(void *ctx, uint64_t pa, const void *buf, uint32_t bytes)
{
	void *p = mem_ptr(PA(pa), bytes);

	(void)ctx;
	if (p)
		memcpy(p, buf, bytes);
	return p;
}

static bool cas64(void *ctx, uint64_t pa, uint64_t expected, uint64_t desired, uint64_t *seen)
{
	return rd(ctx, pa, seen, 8) && (*seen != expected || wr(ctx, pa, &desired, 8));
}

static void message(void *ctx, uint64_t address, uint32_t data)
{
	(void)ctx;
	(void)address;
	(void)data;
}

static bool devtlb_invalidate(void *ctx, const struct mdl_devtlb_inv *inv)
{
	(void)ctx;
	(void)inv;
	return true;
}

static void page_response(void *ctx, const struct mdl_page_response *rsp)
{
	(void)ctx;
	(void)rsp;
}

static enum status window(struct machine *m, pa_t pa, uint64_t bytes, mmio_t *out)
{
	if (pa.v != MODEL_UNIT_BASE.v || bytes > mdl_vtd_window_bytes(model.st.cfg))
		return ERR_NOT_FOUND;
	*out = (mmio_t){ &mdl_vtd_mmio, m->ctx, (uint32_t)bytes };
	return OK;
}

static const struct machine_ops machine_ops = { .mmio_map = window };

unsigned model_units_n(void)
{
	unsigned n = 0;

	while (mdl_vtd_configs[n])
		n++;
	return n;
}

const char *model_unit_name(unsigned i)
{
	return mdl_vtd_configs[i]->name;
}

bool model_unit_open(unsigned i, struct machine *m, unsigned *haw_bits)
{
	const struct mdl_vtd_config *c = mdl_vtd_configs[i];
	struct mdl_mem mem = { .rd64 = rd64, .rd = rd, .wr = wr, .cas64 = cas64 };
	struct mdl_env env = {
		.message = message,
		.devtlb_invalidate = devtlb_invalidate,
		.page_response = page_response,
	};

	*m = (struct machine){ .name = "model", .ops = &machine_ops, .ctx = &model };
	*haw_bits = c->haw;
	cache = malloc(mdl_vtd_cache_bytes(c));
	return cache && mdl_vtd_init(&model, c, &mem, &env, cache) == OK;
}

void model_unit_close(void)
{
	free(cache);
	cache = NULL;
}

struct model_answer model_unit_ask(struct requester r, iova_t iova, bool write)
{
	struct mdl_request rq = {
		.sid = r.addr.sid,
		.access = write ? MDL_WRITE : MDL_READ,
		.has_pasid = r.has_pasid,
		.pasid = r.pasid,
		.bytes = 4,
		.address = iova.v,
	};
	struct mdl_result res;

	mdl_vtd_lookup(&model, &rq, &res);
	return (struct model_answer){ res.kind == MDL_OK, res.kind == MDL_BLOCKED, PA(res.address), res.fault };
}
