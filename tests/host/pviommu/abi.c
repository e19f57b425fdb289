/*
 * Golden vectors: what the client hands to hypercall 43, byte by byte as the public headers lay it out, and how it
 * reads what comes back. Also the probe, against answers of every kind of hypervisor.
 */
#include "drivers-iommu/pviommu/pviommu.h"
#include "tests/host/tap.h"

/* The hypervisor: keeps what it was given, answers what it was told to. */
static struct {
	uint64_t arg1, arg2;
	uint8_t seen[40];
	unsigned bytes;      /* length of the structure */
	unsigned answer_at, answer_bytes;
	uint64_t answer;     /* written there, little-endian */
	int64_t result;
	unsigned calls;
} hv;

static int64_t call(void *ctx, uint64_t arg1, uint64_t arg2)
{
	uint8_t *s = (uint8_t *)(uintptr_t)(ctx ? arg1 : arg2); /* ctx: the structure comes first */

	hv.arg1 = arg1;
	hv.arg2 = arg2;
	hv.calls++;
	if (hv.bytes)
		memcpy(hv.seen, s, hv.bytes);
	if (hv.answer_bytes)
		memcpy(s + hv.answer_at, &hv.answer, hv.answer_bytes);
	return hv.result;
}

static int tagged;
static struct pvio t = { .call = call, .ctx = &tagged, .revision = PVIO_T };
static struct pvio h = { .call = call, .revision = PVIO_H };
static struct pvio f = { .call = call, .revision = PVIO_F };

static void next(unsigned bytes, unsigned answer_at, unsigned answer_bytes, uint64_t answer)
{
	memset(&hv, 0, sizeof(hv));
	hv.bytes = bytes;
	hv.answer_at = answer_at;
	hv.answer_bytes = answer_bytes;
	hv.answer = answer;
}

static void saw(const char *what, uint64_t number, const uint8_t *bytes, unsigned n)
{
	is_u64(hv.arg1, number, "%s: its number", what);
	ok(n == hv.bytes && !memcmp(hv.seen, bytes, n), "%s: its structure", what);
	for (unsigned i = 0; i < n; i++)
		if (hv.seen[i] != bytes[i])
			tap_diag("byte %u is %02x, expected %02x", i, hv.seen[i], bytes[i]);
}

#define SAW(what, number, ...) \
	saw(what, number, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))
#define SAW_T(what, ...) saw(what, hv.arg1, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static const struct pvio_range range = {
	.ctx_no = 0x1234, .gfn = 0x1122334455667788, .dfn = 0x99aabbccddeeff, .flags = 3, .nr_pages = 0x01020304,
};
static const struct pci_addr dev = { 0xabcd, 0x4568 };

static void tagged_operations(void)
{
	uint32_t n = 0;
	uint16_t ctx = 0;
	uint64_t gfn = 0;

	next(32, 2, 2, 0x0201);
	is_u64((uint64_t)pvio_alloc_context(&t, 0x80000001, &ctx), 0, "T alloc");
	SAW_T("T alloc", 2, 0, 0, 0, 1, 0, 0, 0x80, [31] = 0);
	is_u64(ctx, 0x0201, "T alloc: the number");
	next(32, 0, 0, 0);
	pvio_free_context(&t, 0x1234, 1);
	SAW_T("T free", 3, 0, 0x34, 0x12, 1, [31] = 0);
	next(32, 0, 0, 0);
	pvio_reattach_device(&t, 0x1234, dev, 7);
	SAW_T("T reattach", 4, 0, 0x34, 0x12, 0, 0, 0, 0, 0xcd, 0xab, 0x45, 0x68, [31] = 0);
	next(32, 28, 4, 0x0a0b0c0d);
	pvio_map_pages(&t, &range, &n);
	SAW_T("T map", 5, 0, 0x34, 0x12, 3, 0, 0, 0, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0xff, 0xee, 0xdd, 0xcc,
	      0xbb, 0xaa, 0x99, 0, 4, 3, 2, 1, 0, 0, 0, 0);
	is_u64(n, 0x0a0b0c0d, "T map: mapped");
	next(32, 20, 4, 0x0a0b0c0e);
	pvio_unmap_pages(&t, &range, &n);
	SAW_T("T unmap", 6, 0, 0x34, 0x12, 0, 0, 0, 0, 0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99, 0, 4, 3, 2, 1, [31] = 0);
	is_u64(n, 0x0a0b0c0e, "T unmap: unmapped");
	next(32, 8, 8, 0x0102030405060708);
	pvio_lookup_page(&t, 0x1234, 0x99, &gfn);
	SAW_T("T lookup", 7, 0, 0x34, 0x12, [16] = 0x99, [31] = 0);
	is_u64(gfn, 0x0102030405060708, "T lookup: gfn");
	next(32, 8, 8, 0x0000010000000fff);
	pvio_query_capabilities(&t);
	SAW_T("T query", 1, [31] = 0);
	is_u64(t.caps.max_ctx_no, 0xfff, "T query: contexts");
	is_u64(t.caps.max_nr_pages, 0x100, "T query: pages");
	next(32, 16, 8, 0x7fffffffff);
	pvio_query_capabilities(&t);
	is_u64(t.caps.max_iova_addr, 0x7fffffffff, "T query: addresses");
	ok(pvio_init(&t, 1, 1) == PVIO_NO_COMMAND && pvio_remote_cmd(&t, 0, 0, NULL) == PVIO_NO_COMMAND, "T: what it has not");
}

static void structures(void)
{
	struct pvio_range r = range;
	uint32_t n = 0;
	uint16_t ctx = 0;
	uint64_t gfn = 0;

	next(8, 0, 2, 0x0201);
	pvio_alloc_context(&h, 0x80000001, &ctx);
	SAW("H alloc", 2, 0, 0, 0, 0, 1, 0, 0, 0x80);
	is_u64(ctx, 0x0201, "H alloc: the number");
	next(8, 0, 2, 9);
	hv.result = -28;
	pvio_alloc_context(&f, 0, &ctx);
	SAW("F alloc", 3, 0, 0, 0, 0, 0, 0, 0, 0);
	is_u64(ctx, 0x0201, "alloc that failed: no number");
	next(8, 0, 0, 0);
	pvio_free_context(&f, 0x1234, 1);
	SAW("F free", 4, 0x34, 0x12, 0, 0, 1, 0, 0, 0);
	next(12, 0, 0, 0);
	pvio_reattach_device(&f, 0x1234, dev, 0x05060708);
	SAW("F reattach", 5, 0x34, 0x12, 0xcd, 0xab, 0x45, 0x68, 0, 0, 8, 7, 6, 5);
	next(40, 36, 4, 0x0a0b0c0d);
	pvio_map_pages(&h, &range, &n);
	SAW("H map", 5, 0x34, 0x12, 0, 0, 0, 0, 0, 0, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0xff, 0xee, 0xdd, 0xcc,
	    0xbb, 0xaa, 0x99, 0, 3, 0, 0, 0, 0, 0x10, 0, 0, 4, 3, 2, 1, 0, 0, 0, 0);
	is_u64(n, 0x0a0b0c0d, "H map: mapped");
	r.pgsize = 0x200000;
	next(32, 24, 4, 0x0a0b0c0e);
	pvio_unmap_pages(&f, &r, &n);
	SAW("F unmap", 7, 0x34, 0x12, 0, 0, 0, 0, 0, 0, 0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99, 0, 0, 0, 0x20, 0, 4, 3, 2, 1,
	    0, 0, 0, 0, 0, 0, 0, 0);
	is_u64(n, 0x0a0b0c0e, "F unmap: unmapped");
	next(24, 16, 8, 0x0102030405060708);
	pvio_lookup_page(&h, 0x1234, 0x99, &gfn);
	SAW("H lookup", 7, 0x34, 0x12, [8] = 0x99, [23] = 0);
	is_u64(gfn, 0x0102030405060708, "H lookup: gfn");
	next(8, 0, 0, 0);
	pvio_init(&f, 0x01020304, 0x0c);
	SAW("F init", 2, 4, 3, 2, 1, 12, 0, 0, 0);
	next(24, 0, 0, 0);
	pvio_flush_pages(&f, &range);
	SAW("F flush", 13, 0x34, 0x12, 0, 0, 0, 0, 0, 0, 0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99, 0, 0, 0x10, 0, 0, 4, 3, 2,
	    1);
	ok(pvio_lookup_page(&f, 0, 0, &gfn) == PVIO_NO_COMMAND && pvio_init(&h, 1, 1) == PVIO_NO_COMMAND &&
	   pvio_flush_pages(&h, &range) == PVIO_NO_COMMAND, "what H and F have not");
}

static void structures_of_more(void)
{
	uint16_t ctx = 0;

	next(16, 0, 0, 0);
	pvio_remote_cmd(&h, 0x1234, 0x0567, (void *)(uintptr_t)0x1122334455667788);
	SAW("H remote", 8, 0x34, 0x12, 0x67, 5, 0, 0, 0, 0, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11);
	next(24, 0, 2, 0x0304);
	pvio_alloc_nested(&h, 0x1122334455667788, 0x99, &ctx);
	SAW("H alloc_nested", 9, 0, 0, 0, 0, 0, 0, 0, 0, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x99, [23] = 0);
	is_u64(ctx, 0x0304, "H alloc_nested: the number");
	next(0, 0, 0, 0);
	pvio_flush_nested(&h);
	is_u64(hv.arg1, 10, "H flush_nested: its number");
	next(12, 0, 0, 0);
	pvio_attach_pasid(&f, 0x1234, dev, 0x05060708);
	SAW("F attach_pasid", 11, 0x34, 0x12, 0xcd, 0xab, 0x45, 0x68, 0, 0, 8, 7, 6, 5);
	next(8, 0, 0, 0);
	pvio_detach_pasid(&h, dev, 0x05060708);
	SAW("H detach_pasid", 12, 0xcd, 0xab, 0x45, 0x68, 8, 7, 6, 5);
	next(0, 0, 0, 0);
	pvio_noop(&h);
	is_u64(hv.arg1, 0, "H noop: its number");
	is_u64(hv.arg2, 0, "H noop: no structure");
}

static void capabilities(void)
{
	next(24, 0, 8, 0xffffffffffff);
	pvio_query_capabilities(&h);
	SAW("H query", 1, [23] = 0);
	is_u64(h.caps.max_iova_addr, 0xffffffffffff, "query: addresses");
	next(24, 8, 8, 0x0000100000000015);
	pvio_query_capabilities(&h);
	is_u64(h.caps.flags, 0x15, "query: flags");
	is_u64(h.caps.pgsize_mask, 0x1000, "query: page sizes");
	next(24, 16, 8, 0x0000123400ffffff);
	pvio_query_capabilities(&h);
	is_u64(h.caps.max_pasid, 0xffffff, "query: PASIDs");
	is_u64(h.caps.max_ctx_no, 0x1234, "query: contexts");
}

/* ---- the probe ---- */

/* What a hypervisor answers to the steps of the probe. */
struct kind {
	const char *name;
	int64_t p1, p2, noop, caps, seven;
	uint32_t flags;
	bool scribbles;
	enum status status;
	enum pvio_revision revision;
};

static bool harmful; /* a command that may do something was sent */

static int64_t act(void *ctx, uint64_t arg1, uint64_t arg2)
{
	const struct kind *k = ctx;
	uint8_t *z = (uint8_t *)(uintptr_t)(arg1 < 0x10000 ? arg2 : arg1);

	for (unsigned i = 0; i < 32 && arg1 >= 0x10000 && !k->scribbles; i++)
		if (z[i] > 1 || (i && z[i])) /* all zero, or the tagged query */
			harmful = true;
	if (k->scribbles)
		z[64] = 1;
	if (arg1 >= 0x10000)
		return z[0] ? 0 : arg2 == 1 ? k->p1 : k->p2;
	if (arg1 == 1)
		memcpy(z + 8, &k->flags, sizeof(k->flags));
	if (arg1 > 1 && arg1 != 7)
		harmful = true;
	return arg1 == 0 ? k->noop : arg1 == 1 ? k->caps : k->seven;
}

static void probes(void)
{
	static const struct kind kinds[] = {
		{ "no PV-IOMMU", .p1 = -38, .status = ERR_NOT_FOUND, .revision = PVIO_NONE },
		{ "T", .p1 = 0, .p2 = 0, .revision = PVIO_T },
		{ "an array of operations", .p1 = 0, .p2 = -22, .status = ERR_UNSUPPORTED },
		{ "T, not allowed", .p1 = -1, .status = ERR_DENIED, .revision = PVIO_T },
		{ "H", .p1 = -95, .seven = 0, .revision = PVIO_H },
		{ "H, context 0 empty", .p1 = -22, .seven = -2, .revision = PVIO_H },
		{ "I", .p1 = -95, .seven = -22, .revision = PVIO_I },
		{ "I, identity", .p1 = -95, .seven = -22, .flags = 1, .revision = PVIO_I },
		{ "F", .p1 = -95, .seven = -22, .flags = 0x21, .revision = PVIO_F },
		{ "I without an IOMMU", .p1 = -19, .noop = -19, .status = ERR_DENIED, .revision = PVIO_I },
		{ "something else", .p1 = -14, .noop = -14, .status = ERR_UNSUPPORTED },
		{ "noop, but no query", .p1 = -14, .caps = -95, .status = ERR_UNSUPPORTED },
		{ "one that writes where it must not", .p1 = -38, .scribbles = true, .status = ERR_IO },
	};

	for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
		struct pvio p = { .call = act, .ctx = (void *)(uintptr_t)&kinds[i] };

		harmful = false;
		ok(pvio_probe(&p, PVIO_NONE) == kinds[i].status && p.revision == kinds[i].revision, "%s", kinds[i].name);
		ok(!harmful, "%s: nothing was sent that has an effect", kinds[i].name);
	}
}

static void words(void)
{
	static const struct { const char *text; enum status s; enum pvio_revision r; } all[] = {
		{ "", OK, PVIO_NONE }, { "auto", OK, PVIO_NONE }, { "T", OK, PVIO_T }, { "h", OK, PVIO_H }, { "I", OK, PVIO_I },
		{ "f", OK, PVIO_F }, { "x", ERR_INVALID, PVIO_NONE }, { "TT", ERR_INVALID, PVIO_NONE },
		{ "aut", ERR_INVALID, PVIO_NONE }, { "autos", ERR_INVALID, PVIO_NONE }, { "none", ERR_INVALID, PVIO_NONE },
	};

	for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
		enum pvio_revision r = PVIO_F;

		ok(pvio_revision_parse(all[i].text, &r) == all[i].s && (all[i].s != OK || r == all[i].r), "the word \"%s\"",
		   all[i].text);
	}
}

int main(void)
{
	tagged_operations();
	structures();
	structures_of_more();
	capabilities();
	probes();
	words();
	return done();
}
