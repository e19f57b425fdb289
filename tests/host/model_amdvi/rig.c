/* The bench of the AMD-Vi model's unit tests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/host/model_amdvi/rig.h"

static uint8_t *at(const struct arig *r, uint64_t pa, uint64_t bytes)
{
	if (pa < ARIG_BASE || pa - ARIG_BASE > ARIG_BYTES - bytes)
		return NULL;
	return r->ram + (pa - ARIG_BASE);
}

static bool rd(void *ctx, uint64_t pa, void *buf, uint32_t bytes)
{
	const uint8_t *p = at(ctx, pa, bytes);

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
	uint8_t *p = at(ctx, pa, bytes);

	if (p)
		memcpy(p, buf, bytes);
	return p;
}

static bool cas64(void *ctx, uint64_t pa, uint64_t expected, uint64_t desired, uint64_t *seen)
{
	if (!rd(ctx, pa, seen, 8))
		return false;
	return *seen != expected || wr(ctx, pa, &desired, 8);
}

static void message(void *ctx, uint64_t address, uint32_t data)
{
	struct arig *r = ctx;

	if (r->messages_n < ARIG_LOG)
		r->messages[r->messages_n++] = (struct arig_message){ address, data };
}

static bool devtlb_invalidate(void *ctx, const struct mdl_devtlb_inv *inv)
{
	struct arig *r = ctx;

	if (r->invs_n < ARIG_LOG)
		r->invs[r->invs_n++] = *inv;
	return !r->withhold;
}

static void page_response(void *ctx, const struct mdl_page_response *rsp)
{
	struct arig *r = ctx;

	if (r->responses_n < ARIG_LOG)
		r->responses[r->responses_n++] = *rsp;
}

static void doorbell(void *ctx, uint32_t destination)
{
	((struct arig *)ctx)->doorbell = destination;
}

void arig_open_config(struct arig *r, const struct mdl_amd_config *c)
{
	struct mdl_env env = { .ctx = r, .message = message, .devtlb_invalidate = devtlb_invalidate,
			       .page_response = page_response, .doorbell = doorbell };

	*r = (struct arig){ .next = ARIG_BASE, .config = *c };
	r->ram = calloc(1, ARIG_BYTES);
	r->cache = malloc(mdl_amd_cache_bytes(c));
	r->mem = (struct mdl_mem){ .ctx = r, .rd64 = rd64, .rd = rd, .wr = wr, .cas64 = cas64 };
	if (!r->ram || !r->cache || mdl_amd_init(&r->u, &r->config, &r->mem, &env, r->cache) != OK) {
		fprintf(stderr, "no unit of configuration %s\n", c->name);
		exit(2);
	}
	mdl_amd_place(&r->u, 2, UINT64_C(0xFEA00000));
}

void arig_open(struct arig *r, const char *config)
{
	const struct mdl_amd_config *c = mdl_amd_config_find(config);

	if (!c) {
		fprintf(stderr, "no configuration %s\n", config);
		exit(2);
	}
	arig_open_config(r, c);
}

void arig_close(struct arig *r)
{
	free(r->ram);
	free(r->cache);
}

uint64_t arig_pages(struct arig *r, unsigned n)
{
	uint64_t pa = r->next;

	if (!at(r, pa, (uint64_t)n * PAGE_BYTES)) {
		fprintf(stderr, "the RAM of the test is used up\n");
		exit(2);
	}
	r->next += (uint64_t)n * PAGE_BYTES;
	return pa;
}

uint64_t arig_get(const struct arig *r, uint64_t pa)
{
	uint64_t w;

	memcpy(&w, at(r, pa, 8), 8);
	return w;
}

void arig_put(struct arig *r, uint64_t pa, uint64_t word)
{
	memcpy(at(r, pa, 8), &word, 8);
}

uint64_t arig_reg(struct arig *r, uint32_t off)
{
	return mdl_amd_rd(&r->u, off, 8);
}

void arig_set(struct arig *r, uint32_t off, uint64_t v)
{
	mdl_amd_wr(&r->u, off, v, 8);
}

void arig_enable(struct arig *r, uint64_t more)
{
	r->devtab = arig_pages(r, 512);
	r->commands = arig_pages(r, 1);
	r->events = arig_pages(r, 1);
	arig_set(r, 0x0000, r->devtab | 0x1FF);
	arig_set(r, 0x0008, r->commands | UINT64_C(0x0800000000000000));
	arig_set(r, 0x0010, r->events | UINT64_C(0x0800000000000000));
	arig_set(r, 0x0018, 0x1405 | more);
}

void arig_dte(struct arig *r, uint16_t sid, uint64_t q0, uint64_t q1, uint64_t q2, uint64_t q3)
{
	uint64_t pa = r->devtab + 32 * (uint64_t)sid;

	arig_put(r, pa, q0);
	arig_put(r, pa + 8, q1);
	arig_put(r, pa + 16, q2);
	arig_put(r, pa + 24, q3);
}

static uint64_t table_below(struct arig *r, uint64_t entry, uint64_t flags)
{
	uint64_t table = arig_get(r, entry) & UINT64_C(0x000FFFFFFFFFF000);

	if (!table) {
		table = arig_pages(r, 1);
		arig_put(r, entry, table | flags);
	}
	return table;
}

uint64_t arig_entry(struct arig *r, uint64_t root, unsigned levels, unsigned level, uint64_t address)
{
	uint64_t table = root;

	for (unsigned l = levels; l > level; l--)
		table = table_below(r, table + 8 * (shr(address, 12 + 9 * (l - 1)) % 512),
				    UINT64_C(0x6000000000000001) | 512 * (uint64_t)(l - 1));
	return table + 8 * (shr(address, 12 + 9 * (level - 1)) % 512);
}

uint64_t arig_guest_entry(struct arig *r, uint64_t root, unsigned levels, unsigned level, uint64_t address)
{
	uint64_t table = root;

	for (unsigned l = levels; l > level; l--)
		table = table_below(r, table + 8 * (shr(address, 12 + 9 * (l - 1)) % 512), 7);
	return table + 8 * (shr(address, 12 + 9 * (level - 1)) % 512);
}

void arig_command(struct arig *r, uint64_t q0, uint64_t q1)
{
	uint64_t tail = arig_reg(r, 0x2008);

	arig_put(r, r->commands + tail, q0);
	arig_put(r, r->commands + tail + 8, q1);
	arig_set(r, 0x2008, (tail + 16) % PAGE_BYTES);
}

void arig_wait(struct arig *r)
{
	arig_command(r, UINT64_C(0x1000000000000000), 0);
}

bool arig_event(struct arig *r, uint64_t event[2])
{
	uint64_t head = arig_reg(r, 0x2010);

	if (head == arig_reg(r, 0x2018))
		return false;
	event[0] = arig_get(r, r->events + head);
	event[1] = arig_get(r, r->events + head + 8);
	arig_set(r, 0x2010, (head + 16) % PAGE_BYTES);
	return true;
}

struct mdl_amd_result arig_ask_rq(struct arig *r, const struct mdl_request *rq)
{
	struct mdl_amd_result out;

	mdl_amd_translate(&r->u.st, &r->mem, rq, &out);
	return out;
}

struct mdl_amd_result arig_ask(struct arig *r, uint16_t sid, enum mdl_access access, uint64_t address)
{
	struct mdl_request rq = { .sid = sid, .access = (uint8_t)access, .bytes = 8, .address = address };

	return arig_ask_rq(r, &rq);
}

struct mdl_amd_result arig_look(struct arig *r, uint16_t sid, enum mdl_access access, uint64_t address)
{
	struct mdl_request rq = { .sid = sid, .access = (uint8_t)access, .bytes = 8, .address = address };
	struct mdl_amd_result out;

	mdl_amd_lookup(&r->u, &rq, &out);
	return out;
}
