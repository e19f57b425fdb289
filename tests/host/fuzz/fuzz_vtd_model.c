/*
 * Fuzzes the VT-d model from all sides: registers of any width, words of memory, DMA, translation and page requests,
 * interrupts, answers of devices. The first byte picks a configuration. Between steps the unit must hold what it always
 * promises; caches are small, so that they overflow.
 */
#include <stdlib.h>
#include <string.h>

#include "model/vtd/model.h"

#define RAM_BYTES  0x10000u
#define RAM_BASE   UINT64_C(0x10000)
#define STEPS_MAX  64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at;
	size_t left;
};

struct target {
	struct mdl_vtd_config config;
	struct mdl_vtd u;
	uint8_t ram[RAM_BYTES];
	bool withhold;
};

static uint64_t take(struct input *in, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes && in->left > 0; i++, in->left--)
		v |= shl(*in->at++, 8 * i);
	return v;
}

static uint8_t *ram(struct target *t, uint64_t pa, uint64_t bytes)
{
	return pa < RAM_BASE || pa - RAM_BASE > RAM_BYTES - bytes ? NULL : t->ram + (pa - RAM_BASE);
}

static bool rd(void *ctx, uint64_t pa, void *buf, uint32_t bytes)
{
	const uint8_t *p = ram(ctx, pa, bytes);

	if (p)
		memcpy(buf, p, bytes);
	return p != NULL;
}

static bool rd64(void *ctx, uint64_t pa, uint64_t *w, unsigned n)
{
	if (!is_aligned(pa, 8) || n > 8)
		abort(); /* the unit's promise to its memory */
	return rd(ctx, pa, w, 8 * n);
}

static bool wr(void *ctx, uint64_t pa, const void *buf, uint32_t bytes)
{
	uint8_t *p = ram(ctx, pa, bytes);

	if (p)
		memcpy(p, buf, bytes);
	return p != NULL;
}

static bool cas64(void *ctx, uint64_t pa, uint64_t expected, uint64_t desired, uint64_t *seen)
{
	if (!rd(ctx, pa, seen, 8))
		return false;
	return *seen != expected || wr(ctx, pa, &desired, 8);
}

static void message(void *ctx, uint64_t address, uint32_t data)
{
	(void)ctx;
	(void)address;
	(void)data;
}

static bool devtlb_invalidate(void *ctx, const struct mdl_devtlb_inv *inv)
{
	(void)inv;
	return !((struct target *)ctx)->withhold;
}

static void page_response(void *ctx, const struct mdl_page_response *rsp)
{
	(void)ctx;
	(void)rsp;
}

static struct mdl_request request(struct input *in)
{
	uint64_t flags = take(in, 2);
	struct mdl_request rq = {
		.sid = (uint16_t)(take(in, 1) & 0x1F), .access = flags & 3, .at = (flags / 4) % 3,
		.has_pasid = flags & 16, .priv = flags & 32, .exec = flags & 64, .no_write = flags & 128,
		.pasid = flags & 256 ? (uint32_t)(take(in, 3) & 0xFFFFF) : 0,
		.bytes = flags & 512 ? 4 : 8,
	};

	rq.address = align_down(take(in, flags & 1024 ? 8 : 3), 8);
	return rq;
}

/* What must hold whatever software does. */
static void check(const struct target *t)
{
	const struct mdl_vtd_state *st = &t->u.st;
	bool any = false;

	for (unsigned i = 0; i <= fld_get(CAP_NFR, st->cfg->cap); i++)
		any |= (st->frcd[i][1] & FRCD1_F) != 0;
	if (any != ((st->r[R_FSTS] & FSTS_PPF) != 0))
		abort();
	if ((st->r[R_GSTS] & G_QIE) == 0 && st->r[R_IQH] != 0)
		abort();
	if (t->u.cache.iotlb.n > t->u.cache.iotlb.cap || t->u.devtlb_n > MDL_DEVTLB_PENDING_MAX)
		abort();
	if ((st->r[R_GSTS] & G_TE) != 0 && (st->r[R_GSTS] & G_SRTP) == 0 && t->u.gcmd_polls == 0)
		abort();
}

static void registers(struct target *t, struct input *in)
{
	static const uint16_t often[] = { 0x18, 0x1C, 0x20, 0x34, 0x88, 0x90, 0xB8, 0xD0, 0xC0, 0xC8, 0x28, 0x508 };
	uint64_t how = take(in, 1);
	uint32_t off = how & 1 ? often[take(in, 1) % ARRAY_LEN(often)] :
				 (uint32_t)take(in, 2) % mdl_vtd_window_bytes(t->u.st.cfg);
	unsigned bytes = (unsigned)pow2((how / 2) % 4);

	if (how & 8)
		mdl_vtd_rd(&t->u, off, bytes);
	else
		mdl_vtd_wr(&t->u, off, take(in, bytes), bytes);
}

static void requests(struct target *t, struct input *in, unsigned kind)
{
	struct mdl_request rq = request(in);
	struct mdl_result pure, out;
	struct mdl_ats_completion c;
	uint8_t buf[8] = { 0 };

	mdl_vtd_translate(&t->u.st, &t->u.mem, &rq, &pure);
	if (pure.updates_n > MDL_UPDATES_MAX || (pure.kind == MDL_OK && pure.fault != 0))
		abort();
	if (kind == 0) {
		mdl_vtd_dma(&t->u, &rq, buf);
		return;
	}
	rq.at = kind == 1 ? MDL_TRANSLATION : rq.at;
	if (kind == 1)
		mdl_vtd_ats(&t->u, &rq, &c);
	else
		mdl_vtd_lookup(&t->u, &rq, &out);
}

static void step(struct target *t, struct input *in)
{
	uint64_t op = take(in, 1);
	uint64_t word;

	switch (op % 8) {
	case 0: case 1:
		registers(t, in);
		break;
	case 2: case 3:
		word = take(in, 8);
		memcpy(t->ram + (take(in, 2) & (RAM_BYTES - 8)), &word, 8);
		break;
	case 4: case 5:
		requests(t, in, (unsigned)(op / 8) % 3);
		break;
	case 6:
		mdl_vtd_interrupt(&t->u, (uint16_t)take(in, 1), 0xFEE00000 | take(in, 2), (uint32_t)take(in, 4));
		break;
	default:
		t->withhold = op & 8;
		if (op & 16)
			mdl_vtd_devtlb_answer(&t->u, (uint16_t)take(in, 1));
		else
			mdl_vtd_page_request(&t->u, &(struct mdl_page_request){.sid = (uint16_t)take(in, 1),
									       .r = op & 32,
									       .last = op & 64,
									       .address = take(in, 3)});
		break;
	}
}

static void put(struct target *t, uint64_t pa, uint64_t word)
{
	memcpy(t->ram + (pa - RAM_BASE), &word, 8);
}

/*
 * Tables to start from, with translation and queue on: root, context, PASID directory and table, four levels, in pages
 * 0 to 7; the PASID entry (or legacy width and DID) is the input's.
 */
static void tables(struct target *t, bool scalable, uint64_t w0, uint64_t w2)
{
	uint64_t base = RAM_BASE;

	put(t, base, (base + 0x1000) | 1);
	for (unsigned fn = 0; fn < 4; fn++) {
		uint64_t context = base + 0x1000 + (scalable ? 32 : 16) * fn;

		put(t, context, (base + (scalable ? 0x2000 : 0x4000)) | 1 | (w0 & 0x1E));
		put(t, context + 8, scalable ? 0 : 0x502);
	}
	put(t, base + 0x2000, (base + 0x3000) | 1);
	put(t, base + 0x3000, (base + 0x4000) | (w0 & 0xFFF) | 1);
	put(t, base + 0x3008, 0x800005);
	put(t, base + 0x3010, (base + 0x4000) | (w2 & 0xFFF));
	for (unsigned level = 0; level < 4; level++)
		put(t, base + 0x4000 + 0x1000 * level, (base + 0x5000 + 0x1000 * level) | 7);
	mdl_vtd_wr(&t->u, 0x20, base | (scalable ? 0x400 : 0), 8);
	mdl_vtd_wr(&t->u, 0x90, (base + 0x9000) | (scalable ? 0x800 : 0), 8);
	for (unsigned i = 0; i < 8; i++) {
		static const uint32_t commands[] = { 0x40000000, 0x80000000, 0x84000000, 0x85000000 };

		mdl_vtd_wr(&t->u, 0x18, commands[i / 2], 4);
		for (unsigned poll = 0; poll < 5; poll++)
			mdl_vtd_rd(&t->u, 0x1C, 4);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct target t;
	uint64_t how, w0;
	static void *cache;
	struct mdl_mem mem = { .ctx = &t, .rd64 = rd64, .rd = rd, .wr = wr, .cas64 = cas64 };
	struct mdl_env env = { .ctx = &t, .message = message, .devtlb_invalidate = devtlb_invalidate,
			       .page_response = page_response };
	struct input in = { data, size };
	unsigned n = 0;

	while (mdl_vtd_configs[n])
		n++;
	memset(&t, 0, sizeof(t));
	t.config = *mdl_vtd_configs[take(&in, 1) % n];
	t.config.cache_entries = 16;
	if (!cache)
		cache = malloc(mdl_vtd_cache_bytes(&t.config));
	if (!cache || mdl_vtd_init(&t.u, &t.config, &mem, &env, cache) != OK)
		abort();
	how = take(&in, 1);
	w0 = take(&in, 2);
	if (how & 1)
		tables(&t, how & 2, w0, take(&in, 2));
	for (unsigned i = 0; i < STEPS_MAX && in.left > 0; i++) {
		step(&t, &in);
		check(&t);
	}
	return 0;
}
