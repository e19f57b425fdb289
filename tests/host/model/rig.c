/* The bench of the model's unit tests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/host/model/rig.h"

static uint8_t *at(const struct rig *r, uint64_t pa, uint64_t bytes)
{
	if (pa < RIG_BASE || pa - RIG_BASE > RIG_BYTES - bytes)
		return NULL;
	return r->ram + (pa - RIG_BASE);
}

static bool rd(void *ctx, uint64_t pa, void *buf, uint32_t bytes)
{
	const uint8_t *p = at(ctx, pa, bytes);

	if (p != NULL)
		memcpy(buf, p, bytes);
	return p != NULL;
}

static bool rd64(void *ctx, uint64_t pa, uint64_t *w, unsigned n)
{
	const uint64_t *p = (const uint64_t *)(const void *)at(ctx, pa, 8 * (uint64_t)n);

	for (unsigned i = 0; p != NULL && i < n; i++)
		w[i] = p[i];
	return p != NULL;
}

static bool wr(void *ctx, uint64_t pa, const void *buf, uint32_t bytes)
{
	uint8_t *p = at(ctx, pa, bytes);

	if (p != NULL)
		memcpy(p, buf, bytes);
	return p != NULL;
}

static bool cas64(void *ctx, uint64_t pa, uint64_t expected, uint64_t desired, uint64_t *seen)
{
	struct rig *r = ctx;

	if (!rd(ctx, pa, seen, 8) || (r->no_atomics != 0 && align_down(pa, PAGE_BYTES) == r->no_atomics))
		return false;
	return *seen != expected || wr(ctx, pa, &desired, 8);
}

static void message(void *ctx, uint64_t address, uint32_t data)
{
	struct rig *r = ctx;

	if (r->messages_n < RIG_LOG)
		r->messages[r->messages_n++] = (struct rig_message){ address, data };
}

static bool devtlb_invalidate(void *ctx, const struct mdl_devtlb_inv *inv)
{
	struct rig *r = ctx;

	if (r->invs_n < RIG_LOG)
		r->invs[r->invs_n++] = *inv;
	return !r->withhold;
}

static void page_response(void *ctx, const struct mdl_page_response *rsp)
{
	struct rig *r = ctx;

	if (r->responses_n < RIG_LOG)
		r->responses[r->responses_n++] = *rsp;
}

void rig_open_config(struct rig *r, const struct mdl_vtd_config *c)
{
	struct mdl_env env = { .ctx = r, .message = message, .devtlb_invalidate = devtlb_invalidate,
				   .page_response = page_response };

	*r = (struct rig){ .next = RIG_BASE };
	r->ram = calloc(1, RIG_BYTES);
	r->cache = malloc(mdl_vtd_cache_bytes(c));
	r->mem = (struct mdl_mem){ .ctx = r, .rd64 = rd64, .rd = rd, .wr = wr, .cas64 = cas64 };
	if (r->ram == NULL || r->cache == NULL || mdl_vtd_init(&r->u, c, &r->mem, &env, r->cache) != OK) {
		fprintf(stderr, "no unit of configuration %s\n", c->name);
		exit(2);
	}
}

void rig_open(struct rig *r, const char *config)
{
	const struct mdl_vtd_config *c = mdl_vtd_config_find(config);

	if (c == NULL) {
		fprintf(stderr, "no configuration %s\n", config);
		exit(2);
	}
	rig_open_config(r, c);
}

void rig_close(struct rig *r)
{
	free(r->ram);
	free(r->cache);
}

uint64_t rig_pages(struct rig *r, unsigned n)
{
	uint64_t pa = r->next;

	if (at(r, pa, (uint64_t)n * PAGE_BYTES) == NULL) {
		fprintf(stderr, "the RAM of the test is used up\n");
		exit(2);
	}
	r->next += (uint64_t)n * PAGE_BYTES;
	return pa;
}

uint64_t rig_get(const struct rig *r, uint64_t pa)
{
	uint64_t w;

	memcpy(&w, at(r, pa, 8), 8);
	return w;
}

void rig_put(struct rig *r, uint64_t pa, uint64_t word)
{
	memcpy(at(r, pa, 8), &word, 8);
}

uint64_t rig_reg(struct rig *r, uint32_t off)
{
	return mdl_vtd_rd(&r->u, off, 8);
}

void rig_set(struct rig *r, uint32_t off, uint64_t v)
{
	mdl_vtd_wr(&r->u, off, v, 8);
}

uint32_t rig_reg32(struct rig *r, uint32_t off)
{
	return (uint32_t)mdl_vtd_rd(&r->u, off, 4);
}

void rig_set32(struct rig *r, uint32_t off, uint32_t v)
{
	mdl_vtd_wr(&r->u, off, v, 4);
}

void rig_command(struct rig *r, uint32_t set)
{
	rig_set32(r, 0x18, (rig_reg32(r, 0x1C) & 0x96FFFFFF) | set);
	for (unsigned i = 0; i < 8 && (rig_reg32(r, 0x1C) & set) != set; i++)
		;
}

void rig_command_off(struct rig *r, uint32_t clear)
{
	rig_set32(r, 0x18, rig_reg32(r, 0x1C) & 0x96FFFFFF & ~clear);
	for (unsigned i = 0; i < 8 && (rig_reg32(r, 0x1C) & clear) != 0; i++)
		;
}

void rig_enable(struct rig *r, uint64_t rtaddr)
{
	rig_set(r, 0x20, rtaddr);
	rig_command(r, 0x40000000);
	rig_command(r, 0x80000000);
}

/* Root table of this rig: page 0 of its RAM by convention, made at first use. */
static uint64_t root_table(struct rig *r)
{
	if (r->next == RIG_BASE)
		rig_pages(r, 1);
	return RIG_BASE;
}

static uint64_t table_below(struct rig *r, uint64_t entry, unsigned pages, uint64_t flags)
{
	uint64_t table = rig_get(r, entry) & UINT64_C(0x000FFFFFFFFFF000);

	if (table == 0) {
		table = rig_pages(r, pages);
		rig_put(r, entry, table | flags);
	}
	return table;
}

uint64_t rig_legacy(struct rig *r, uint16_t sid, uint64_t lo, uint64_t hi)
{
	uint64_t context =
		table_below(r, root_table(r) + 16 * (uint64_t)(sid / 256), 1, 1) + 16 * (uint64_t)(sid % 256);
	uint64_t root = rig_pages(r, 1);

	rig_put(r, context, root | lo);
	rig_put(r, context + 8, hi);
	return root;
}

uint64_t rig_scalable(struct rig *r, uint16_t sid, uint64_t lo, uint64_t hi)
{
	uint64_t half = root_table(r) + 16 * (uint64_t)(sid / 256) + 8 * (uint64_t)(sid % 256 / 128);
	uint64_t context = table_below(r, half, 1, 1) + 32 * (uint64_t)(sid % 128);
	uint64_t directory = rig_pages(r, 1), table = rig_pages(r, 1);

	rig_put(r, context, directory | lo);
	rig_put(r, context + 8, hi);
	rig_put(r, directory, table | 1);
	return table;
}

uint64_t rig_entry(struct rig *r, uint64_t root, unsigned levels, unsigned level, uint64_t address, uint64_t flags)
{
	uint64_t table = root;

	for (unsigned l = levels; l > level; l--)
		table = table_below(r, table + 8 * (shr(address, 12 + 9 * (l - 1)) % 512), 1, flags);
	return table + 8 * (shr(address, 12 + 9 * (level - 1)) % 512);
}

struct mdl_result rig_ask_rq(struct rig *r, const struct mdl_request *rq)
{
	struct mdl_result out;

	mdl_vtd_translate(&r->u.st, &r->mem, rq, &out);
	return out;
}

struct mdl_result rig_ask(struct rig *r, uint16_t sid, enum mdl_access access, uint64_t address)
{
	struct mdl_request rq = { .sid = sid, .access = (uint8_t)access, .bytes = access == MDL_ZLR ? 1 : 8,
				  .address = address };

	return rig_ask_rq(r, &rq);
}

unsigned rig_try(struct rig *r, uint16_t sid, enum mdl_access access, uint64_t address, uint64_t *pa)
{
	struct mdl_request rq = { .sid = sid, .access = (uint8_t)access, .bytes = 8, .address = address };
	struct mdl_result out;

	mdl_vtd_lookup(&r->u, &rq, &out);
	if (pa != NULL)
		*pa = out.address;
	if (out.kind == MDL_OK)
		return 0;
	return out.fault == 0 ? 0x100 : out.fault;
}

/* ---- invalidation queue ---- */

static uint64_t stride(struct rig *r)
{
	return (rig_reg(r, 0x90) & BIT(11)) != 0 ? 32 : 16;
}

void rig_queue(struct rig *r, bool wide)
{
	if (r->queue == 0)
		r->queue = rig_pages(r, 1);
	rig_set(r, 0x88, 0);
	rig_set(r, 0x90, r->queue | (wide ? BIT(11) : 0));
	rig_command(r, 0x04000000);
}

uint64_t rig_tail(struct rig *r)
{
	return rig_reg(r, 0x88);
}

void rig_submit(struct rig *r, uint64_t q0, uint64_t q1)
{
	uint64_t tail = rig_tail(r);

	rig_put(r, r->queue + tail, q0);
	rig_put(r, r->queue + tail + 8, q1);
	if (stride(r) == 32) {
		rig_put(r, r->queue + tail + 16, 0);
		rig_put(r, r->queue + tail + 24, 0);
	}
	rig_set(r, 0x88, (tail + stride(r)) % PAGE_BYTES);
}

unsigned rig_queue_error(struct rig *r)
{
	unsigned iqei = (unsigned)(rig_reg(r, 0xB0) & 0xF);
	uint64_t head = rig_reg(r, 0x80);

	if ((rig_reg32(r, 0x34) & 0x10) == 0)
		return 0x100;
	rig_put(r, r->queue + head, 0x45); /* wait, FN=1 */
	rig_put(r, r->queue + head + 8, 0);
	if (stride(r) == 32) {
		rig_put(r, r->queue + head + 16, 0);
		rig_put(r, r->queue + head + 24, 0);
	}
	rig_set32(r, 0x34, 0x10);
	return iqei;
}
