/*
 * The fabric: who is where, and which unit a requester is behind.
 */
#include "model/fabric.h"

void mdl_fabric_init(struct mdl_fabric *f, const struct mdl_mem *mem,
		     void (*message)(void *ctx, uint64_t address, uint32_t data), void *ctx)
{
	*f = (struct mdl_fabric){ .mem = *mem, .message = message, .message_ctx = ctx, .fns_n = 1 };
	f->fns[0].kind = MDL_HOST_BRIDGE;
	f->fns[0].parent = -1;
	f->fns[0].unit = MDL_UNITS_MAX;
	mdl_config_build(&f->fns[0], 0, 0);
}

static uint8_t bus_of(const struct mdl_fabric *f, const struct mdl_function *fn)
{
	return fn->parent < 0 ? 0 : mdl_config_secondary(&f->fns[fn->parent]);
}

static uint16_t sid_of(const struct mdl_fabric *f, const struct mdl_function *fn)
{
	return (uint16_t)(FLD(SID_BUS, bus_of(f, fn)) | fn->devfn);
}

static struct mdl_function *find(struct mdl_fabric *f, uint16_t sid)
{
	for (unsigned i = 0; i < f->fns_n; i++)
		if (sid_of(f, &f->fns[i]) == sid)
			return &f->fns[i];
	return NULL;
}

/* ---- building ---- */

/* ctx of a unit's calls is the fabric: a device is found by its requester id. */
static bool devtlb_invalidate(void *ctx, const struct mdl_devtlb_inv *inv)
{
	struct mdl_function *fn = find(ctx, inv->sid);

	if (fn == NULL || fn->device == NULL)
		return false; /* nobody is there to answer */
	return mdl_device_invalidate(fn->device, inv);
}

static void page_response(void *ctx, const struct mdl_page_response *rsp)
{
	struct mdl_function *fn = find(ctx, rsp->sid);

	if (fn != NULL && fn->device != NULL)
		mdl_device_response(fn->device, rsp);
}

static void message(void *ctx, uint64_t address, uint32_t data)
{
	struct mdl_fabric *f = ctx;

	f->message(f->message_ctx, address, data);
}

static void write_buffer_flush(void *ctx)
{
	struct mdl_fabric *f = ctx;

	if (f->write_buffer_flush != NULL)
		f->write_buffer_flush(f->message_ctx);
}

/* Any of them may be old now: those that are not can be had again. */
static void revoke(void *ctx)
{
	struct mdl_fabric *f = ctx;

	while (f->directs_n > 0) {
		const struct mdl_direct_place gone = f->directs[--f->directs_n];

		gone.revoked(gone.ctx, &gone.d);
	}
}

static struct mdl_env env_of(struct mdl_fabric *f)
{
	return (struct mdl_env){ .ctx = f, .message = message, .devtlb_invalidate = devtlb_invalidate,
				 .page_response = page_response, .revoke = revoke };
}

enum status mdl_fabric_add_unit(struct mdl_fabric *f, struct mdl_vtd *u, const struct mdl_vtd_config *c,
				void *cache_memory, bool all)
{
	struct mdl_env env = env_of(f);
	enum status s;

	if (f->units_n == MDL_UNITS_MAX)
		return ERR_FULL;
	env.write_buffer_flush = write_buffer_flush;
	s = mdl_vtd_init(u, c, &f->mem, &env, cache_memory);
	if (s == OK)
		f->units[f->units_n++] = (struct mdl_unit_place){ .ops = &mdl_vtd_ops, .unit = u, .vtd = u, .all = all };
	return s;
}

static struct mdl_function *add(struct mdl_fabric *f, enum mdl_function_kind kind, uint8_t devfn, int parent,
				uint8_t unit)
{
	struct mdl_function *fn;

	if (f->fns_n == MDL_FUNCTIONS_MAX)
		return NULL;
	fn = &f->fns[f->fns_n++];
	*fn = (struct mdl_function){ .kind = kind, .devfn = devfn, .parent = parent, .unit = unit };
	return fn;
}

/* Function 0 says that there are others (header type bit 7). */
static void mark_multi(struct mdl_fabric *f, const struct mdl_function *fn)
{
	for (unsigned i = 0; i < f->fns_n; i++)
		if (fn->devfn % 8 != 0 && f->fns[i].parent == fn->parent && f->fns[i].devfn == fn->devfn / 8 * 8)
			f->fns[i].config[0x0E] |= 0x80;
}

enum status mdl_fabric_add_amdvi(struct mdl_fabric *f, struct mdl_amd *u, const struct mdl_amd_config *c,
				 void *cache_memory, bool all)
{
	struct mdl_env env = env_of(f);
	uint8_t devfn = (uint8_t)(2 + f->units_n);
	struct mdl_function *fn;
	enum status s;

	if (f->units_n == MDL_UNITS_MAX)
		return ERR_FULL;
	s = mdl_amd_init(u, c, &f->mem, &env, cache_memory);
	if (s != OK)
		return s;
	fn = add(f, MDL_IOMMU, devfn, -1, (uint8_t)f->units_n);
	if (fn == NULL)
		return ERR_FULL;
	mark_multi(f, fn);
	mdl_amd_place(u, devfn, MDL_AMD_BASE + f->units_n * MDL_AMD_STEP);
	f->units[f->units_n++] = (struct mdl_unit_place){ .ops = &mdl_amd_ops, .unit = u, .amd = u, .all = all };
	return OK;
}

/* A mebibyte for each bus, and in it a place for each function. */
static uint32_t bar_of(const struct mdl_fabric *f, uint8_t bus)
{
	return (uint32_t)(MDL_BAR_BASE + bus * BIT(20) + f->fns_n * UINT64_C(0x8000));
}

enum status mdl_fabric_add_port(struct mdl_fabric *f, uint8_t devfn, uint8_t unit, int *port)
{
	struct mdl_function *fn;
	uint8_t bus = 1;

	for (unsigned i = 0; i < f->fns_n; i++)
		if (f->fns[i].kind == MDL_ROOT_PORT)
			bus++;
	*port = (int)f->fns_n;
	fn = add(f, MDL_ROOT_PORT, devfn, -1, unit);
	if (fn == NULL)
		return ERR_FULL;
	mdl_config_build(fn, bus, (uint32_t)(MDL_BAR_BASE + bus * BIT(20)));
	return OK;
}

enum status mdl_fabric_add_device(struct mdl_fabric *f, struct mdl_device *d, int port, uint8_t devfn, uint8_t unit)
{
	uint8_t bus = port < 0 ? 0 : mdl_config_secondary(&f->fns[port]);
	uint32_t bar = bar_of(f, bus);
	struct mdl_function *fn = add(f, MDL_ENDPOINT, devfn, port, unit);

	if (fn == NULL)
		return ERR_FULL;
	fn->bar_bytes = MDL_DEVICE_BAR_BYTES;
	fn->device = d;
	mdl_config_build(fn, 0, bar);
	mark_multi(f, fn);
	mdl_device_init(d, f, sid_of(f, fn));
	return OK;
}

void mdl_fabric_keep(struct mdl_fabric *f, const struct mdl_device *d, uint64_t base, uint64_t bytes)
{
	f->kept = (struct mdl_kept){ .device = d, .base = base, .bytes = bytes };
}

enum status mdl_fabric_done(struct mdl_fabric *f)
{
	return f->units_n != 0 && f->units[0].amd != NULL ? mdl_ivrs_build(f) : mdl_dmar_build(f);
}

/* ---- configuration space and windows ---- */

uint32_t mdl_fabric_cfg_rd(struct mdl_fabric *f, uint16_t sid, uint32_t off, unsigned bytes)
{
	const struct mdl_function *fn = find(f, sid);
	uint32_t v = 0;

	if (fn == NULL || off > MDL_CONFIG_BYTES - bytes)
		return (uint32_t)BITS(8 * bytes - 1, 0);
	if (fn->kind == MDL_IOMMU)
		return f->units[fn->unit].ops->cfg_rd(f->units[fn->unit].unit, off, bytes);
	for (unsigned i = 0; i < bytes; i++)
		v |= (uint32_t)shl(fn->config[off + i], 8 * i);
	return v;
}

/* Bus numbers may have changed, so requester ids have. */
static void renumber(struct mdl_fabric *f)
{
	for (unsigned i = 0; i < f->fns_n; i++)
		if (f->fns[i].device != NULL)
			f->fns[i].device->sid = sid_of(f, &f->fns[i]);
}

void mdl_fabric_cfg_wr(struct mdl_fabric *f, uint16_t sid, uint32_t off, uint32_t v, unsigned bytes)
{
	struct mdl_function *fn = find(f, sid);
	bool flr = fn != NULL && fn->kind == MDL_ENDPOINT && off <= 0x49 && off + bytes > 0x49 &&
		   (shr(v, 8 * (0x49 - off)) & BIT(7)) != 0;

	if (fn == NULL || off > MDL_CONFIG_BYTES - bytes)
		return;
	if (fn->kind == MDL_IOMMU) {
		f->units[fn->unit].ops->cfg_wr(f->units[fn->unit].unit, off, v, bytes);
		return;
	}
	for (unsigned i = 0; i < bytes; i++) {
		uint8_t mask = fn->writable[off + i];

		fn->config[off + i] = (uint8_t)((fn->config[off + i] & ~mask) | (shr(v, 8 * i) & mask));
	}
	if (flr && mdl_config_flr(fn))
		mdl_device_reset(fn->device);
	if (fn->device != NULL)
		fn->device->on = mdl_config_enables(fn);
	renumber(f);
}

enum status mdl_fabric_window(struct mdl_fabric *f, uint64_t pa, uint64_t bytes, mmio_t *out)
{
	for (unsigned i = 0; i < f->units_n; i++) {
		uint64_t base = MDL_UNIT_BASE + i * MDL_UNIT_STEP;
		uint32_t len = MDL_UNIT_STEP;
		const struct mmio_ops *ops = f->units[i].ops->window(f->units[i].unit, &base, &len);

		if (ops != NULL && pa == base && bytes <= len) {
			*out = (mmio_t){ ops, f->units[i].unit, (uint32_t)bytes };
			return OK;
		}
	}
	for (unsigned i = 0; i < f->fns_n; i++) {
		uint64_t bar;

		if (mdl_config_decodes(&f->fns[i], &bar) && pa == bar && bytes <= f->fns[i].bar_bytes) {
			*out = (mmio_t){ &mdl_device_mmio, f->fns[i].device, (uint32_t)bytes };
			return OK;
		}
	}
	return ERR_NOT_FOUND;
}

/* ---- transactions ---- */

const struct mdl_unit_place *mdl_fabric_unit(struct mdl_fabric *f, uint16_t sid)
{
	const struct mdl_function *fn = find(f, sid);

	/* The function itself, then the port above it. */
	if (fn != NULL && fn->unit < f->units_n)
		return &f->units[fn->unit];
	if (fn != NULL && fn->parent >= 0 && f->fns[fn->parent].unit < f->units_n)
		return &f->units[f->fns[fn->parent].unit];
	for (unsigned i = 0; i < f->units_n; i++)
		if (f->units[i].all)
			return &f->units[i];
	return NULL;
}

/* No unit: memory as it is, and messages go where they say. */
static enum mdl_completion direct(struct mdl_fabric *f, const struct mdl_request *rq, void *data)
{
	const uint8_t *bytes = data;
	uint32_t word = 0;

	if (rq->access == MDL_WRITE && rq->bytes == 4 && (rq->address & BITS(63, 20)) == UINT64_C(0xFEE00000)) {
		for (unsigned i = 0; i < 4; i++)
			word |= (uint32_t)shl(bytes[i], 8 * i);
		f->message(f->message_ctx, rq->address, word);
		return MDL_DONE;
	}
	if (rq->has_pasid || rq->at != MDL_UNTRANSLATED || rq->access == MDL_ATOMIC)
		return MDL_UR;
	if (rq->access == MDL_WRITE)
		return f->mem.wr(f->mem.ctx, rq->address, data, rq->bytes) ? MDL_DONE : MDL_UR;
	if (rq->access == MDL_READ)
		return f->mem.rd(f->mem.ctx, rq->address, data, rq->bytes) ? MDL_DONE : MDL_UR;
	return MDL_DONE;
}

enum mdl_completion mdl_fabric_dma(struct mdl_fabric *f, const struct mdl_request *rq, void *data)
{
	const struct mdl_unit_place *u = mdl_fabric_unit(f, rq->sid);

	return u == NULL ? direct(f, rq, data) : u->ops->dma(u->unit, rq, data);
}

enum status mdl_fabric_direct(struct mdl_fabric *f, const struct mdl_request *rq,
			      void (*revoked)(void *ctx, const struct mdl_direct *d), void *ctx, struct mdl_direct *out)
{
	const struct mdl_unit_place *u = mdl_fabric_unit(f, rq->sid);
	struct mdl_direct d = { .sid = rq->sid, .r = rq->access == MDL_READ, .w = rq->access == MDL_WRITE };

	d.bytes = PAGE_BYTES; /* where no unit is: memory as it is */
	d.address = align_down(rq->address, PAGE_BYTES);
	if (u != NULL && !u->ops->direct(u->unit, rq, &d))
		return ERR_NOT_FOUND;
	d.iova = align_down(rq->address, d.bytes);
	if (f->directs_n == MDL_DIRECTS_MAX)
		return ERR_FULL;
	f->directs[f->directs_n++] = (struct mdl_direct_place){ .d = d, .revoked = revoked, .ctx = ctx };
	*out = d;
	return OK;
}

void mdl_fabric_ats(struct mdl_fabric *f, const struct mdl_request *rq, struct mdl_ats_completion *out)
{
	const struct mdl_unit_place *u = mdl_fabric_unit(f, rq->sid);

	if (u == NULL)
		*out = (struct mdl_ats_completion){ .status = MDL_UR };
	else
		u->ops->ats(u->unit, rq, out);
}

enum mdl_completion mdl_fabric_page_request(struct mdl_fabric *f, const struct mdl_page_request *pr)
{
	const struct mdl_unit_place *u = mdl_fabric_unit(f, pr->sid);

	return u == NULL ? MDL_UR : u->ops->page_request(u->unit, pr);
}

void mdl_fabric_devtlb_answer(struct mdl_fabric *f, uint16_t sid)
{
	const struct mdl_unit_place *u = mdl_fabric_unit(f, sid);

	if (u != NULL)
		u->ops->devtlb_answer(u->unit, sid);
}
