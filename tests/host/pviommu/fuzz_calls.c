/*
 * Random hypercalls against the reference, over the model of a unit that caches all that it may: hostile arguments and
 * structures, sane ones in between. After each call the reference is consistent with itself and the host's tables, and
 * the unit lets no function reach a page that is not its domain's. At the end nothing is left. Arguments: seed, calls for
 * each revision.
 */
#include <stdlib.h>
#include "drivers-iommu/pviommu/pviommu.h"
#include "drivers-iommu/vtd/ops.h"
#include "kernel/linear.h"
#include "tests/host/hal_hosted.h"
#include "tests/host/tap.h"
#include "tests/host/vtd/model_unit.h"
#include "xen/reference/reference.h"

#define CALLS_DEFAULT 250u
#define BLOCK_PAGES   64u
#define PROBES        6u
#define CONTEXTS      6u
#define PASIDS_END    5u
#define GUEST_GFN     UINT64_C(0x4000)
#define BAD_VA        UINT64_C(0x8000000000000)

enum { DOM0 = 0, GUEST = 5, PLAIN = 9 };

static struct machine machine;
static struct vtd_unit u;
static struct iommu *host;
static struct pvref *ref;
static struct prng prng;
static struct linear_run run;
static uint64_t restarts;
static pa_t block0, block1, rmrr;
static const uint16_t sids[] = { 0x0010, 0x0018, 0x0020, 0x0028 };
#define SIDS_0 2u /* the first are the hardware domain's, the others the guest's */

static uint64_t below(uint64_t n)
{
	return prng_below(&prng, n);
}

static uint64_t pick(const uint64_t *list, unsigned n)
{
	return list[below(n)];
}

#define PICK(...) pick((const uint64_t[]){ __VA_ARGS__ }, ARRAY_LEN(((const uint64_t[]){ __VA_ARGS__ })))

static enum status make(enum pvio_revision revision)
{
	struct pvref_memory memory0[] = { { block0.v / PAGE_BYTES, block0, BLOCK_PAGES, PVREF_RAM } };
	struct pvref_memory memory1[] = {
		{ GUEST_GFN, block1, BLOCK_PAGES / 2, PVREF_RAM },
		{ GUEST_GFN + BLOCK_PAGES, pa_add(block1, BLOCK_PAGES / 2 * PAGE_BYTES), BLOCK_PAGES / 4, PVREF_MMIO },
		{ GUEST_GFN + 2 * BLOCK_PAGES, pa_add(block0, PAGE_BYTES), 1, PVREF_FOREIGN },
	};
	struct pvref_device devices[ARRAY_LEN(sids)] = { { .has_virtual = false } };
	struct pvref_reserved reserved = { { 0, sids[1] }, rmrr, 2 };
	struct pvref_domain_config domains[] = {
		{ .domid = DOM0, .hardware = true, .max_ctx_no = CONTEXTS, .arena_pages = 200, .memory = memory0, .memory_n = 1,
		  .devices = devices, .devices_n = SIDS_0 },
		{ .domid = GUEST, .default_blocking = true, .max_ctx_no = CONTEXTS, .memory = memory1, .memory_n = 3,
		  .devices = devices + SIDS_0, .devices_n = ARRAY_LEN(sids) - SIDS_0 },
		{ .domid = PLAIN, .no_iommu = true },
	};
	struct pvref_config c = {
		.revision = revision,
		.caps = UINT32_MAX,
		.pgsize_mask = UINT32_MAX,
		.step_pages = 16,
		.reserved = &reserved,
		.reserved_n = 1,
		.domains = domains,
		.domains_n = ARRAY_LEN(domains),
	};

	for (unsigned i = 0; i < ARRAY_LEN(sids); i++)
		devices[i].addr.sid = sids[i];
	return pvref_create(host, &c, &ref);
}

/* ---- arguments ---- */

static uint64_t number_random(void)
{
	return below(2) ? below(8) : below(3) ? PICK(0, 1, 255, 256, 257, 0xffff, 0x10000, BIT(31), UINT32_MAX) : prng_next(&prng);
}

static uint64_t gfn_random(void)
{
	uint64_t near = PICK(block0.v / PAGE_BYTES, GUEST_GFN, rmrr.v / PAGE_BYTES);

	return below(8) ? near + below(BLOCK_PAGES + 8) - 2 : number_random();
}

static uint64_t dfn_random(void)
{
	return below(8) ? PICK(0, 0x1000, 0x7fff0, rmrr.v / PAGE_BYTES, block0.v / PAGE_BYTES, 0x3fffff8) + below(16) :
			  number_random();
}

static struct pvio_dev dev_random(void)
{
	uint16_t sid = below(8) ? sids[below(ARRAY_LEN(sids))] : (uint16_t)prng_next(&prng);

	return (struct pvio_dev){ below(16) ? 0 : 1, (uint8_t)fld_get(SID_BUS, sid), (uint8_t)fld_get(SID_DEVFN, sid) };
}

static uint32_t pages_random(void)
{
	return (uint32_t)(below(6) ? below(40) : number_random());
}

/* A structure of any command: the fields that matter get values that make sense more often than not. */
static void fill(uint8_t *at, enum pvio_revision r, enum pvio_command c)
{
	uint16_t ctx = (uint16_t)(below(6) ? below(CONTEXTS + 1) : number_random());
	uint32_t flags = (uint32_t)(below(4) ? below(4) : number_random());
	uint32_t pgsize = (uint32_t)(below(6) ? PAGE_BYTES : PICK(0, 3, 0x2000, BIT(21), BIT(30), UINT32_MAX));
	struct pvio_t_op op = { .ctx_no = ctx, .flags = flags };
	struct pvio_map m = { .ctx_no = ctx, .gfn = gfn_random(), .dfn = dfn_random(), .map_flags = flags, .pgsize = pgsize,
			      .nr_pages = pages_random() };
	struct pvio_unmap um = { .ctx_no = ctx, .dfn = m.dfn, .pgsize = pgsize, .nr_pages = pages_random() };
	struct pvio_reattach re = { .ctx_no = ctx, .dev = dev_random(), .pasid = (uint32_t)(below(3) ? 0 : number_random()) };
	struct pvio_init in = { (uint32_t)(below(2) ? CONTEXTS : number_random()), (uint32_t)(below(2) ? 8 : number_random()) };

	if (r == PVIO_T) {
		op.subop_id = (uint16_t)(c < PVIO_COMMANDS && pvio_number(r, c) >= 0 ? pvio_number(r, c) : (int)number_random());
		if (c == PVIO_MAP_PAGES)
			op.map_pages = (struct pvio_t_map){ m.gfn, m.dfn, (uint32_t)below(300), 0 };
		else if (c == PVIO_UNMAP_PAGES)
			op.unmap_pages = (struct pvio_t_unmap){ m.dfn, (uint32_t)below(300), 0 };
		else if (c == PVIO_REATTACH_DEVICE)
			op.reattach_device = re.dev;
		else
			op.lookup_page = (struct pvio_t_lookup){ 0, m.dfn };
		memcpy(at, &op, sizeof(op));
	} else if (c == PVIO_MAP_PAGES) {
		memcpy(at, &m, sizeof(m));
	} else if (c == PVIO_UNMAP_PAGES || c == PVIO_FLUSH_PAGES || c == PVIO_LOOKUP_PAGE) {
		memcpy(at, &um, sizeof(um));
	} else if (c == PVIO_REATTACH_DEVICE || c == PVIO_ATTACH_PASID) {
		re.pasid = c == PVIO_ATTACH_PASID ? (uint32_t)below(PASIDS_END) : re.pasid;
		memcpy(at, &re, sizeof(re));
	} else if (c == PVIO_DETACH_PASID) {
		memcpy(at, &(struct pvio_detach_pasid){ re.dev, (uint32_t)below(PASIDS_END) }, sizeof(struct pvio_detach_pasid));
	} else if (c == PVIO_INIT) {
		memcpy(at, &in, sizeof(in));
	} else if (c == PVIO_ALLOC_NESTED) {
		memcpy(at, &(struct pvio_alloc_nested){ .pgtable_gfn = m.gfn, .nested_flags = below(4) ? 0 : number_random() },
		       sizeof(struct pvio_alloc_nested));
	} else {
		memcpy(at, &(struct pvio_free){ .ctx_no = ctx, .free_flags = flags }, sizeof(struct pvio_free));
	}
}

/* Where a structure lies: in a run of pages, at its end, across a border, or nowhere. */
static uint64_t place_random(uint64_t bytes)
{
	uint64_t p = (uint64_t)(uintptr_t)run.p;

	switch (below(12)) {
	case 0: return PICK(0, 1, BAD_VA, UINT64_MAX, UINT64_MAX - 8, p - 8, p + 3 * PAGE_BYTES);
	case 1: return p + PAGE_BYTES - 1 - below(bytes);
	case 2: return p + 3 * PAGE_BYTES - 1 - below(bytes); /* may reach out of the run */
	default: return p + below(3 * PAGE_BYTES - bytes);
	}
}

static bool inside(uint64_t at, uint64_t bytes)
{
	uint64_t p = (uint64_t)(uintptr_t)run.p;

	return at >= p && at <= p + 3 * PAGE_BYTES - bytes;
}

static void one_call(enum pvio_revision r)
{
	enum pvio_command c = (enum pvio_command)below(PVIO_COMMANDS + 1);
	uint64_t at = place_random(40), arg1 = at, arg2 = at, outer = place_random(16);
	uint16_t domid = below(4) ? DOM0 : (uint16_t)PICK(GUEST, PLAIN);
	struct pvref_guest guest = { ref, domid };

	if (inside(at, 40))
		fill((uint8_t *)(uintptr_t)at, r, c);
	if (r != PVIO_T)
		arg1 = c < PVIO_COMMANDS && pvio_number(r, c) >= 0 ? (uint64_t)pvio_number(r, c) | (below(4) ? 0 : BIT(40)) :
								     number_random();
	if (r != PVIO_T && !below(6) && inside(outer, 16)) {
		struct pvio_remote remote = { (uint16_t)PICK(DOM0, GUEST, PLAIN, 77, XEN_DOMID_SELF), (uint16_t)arg1, 0, at };

		memcpy((void *)(uintptr_t)outer, &remote, sizeof(remote));
		arg1 = (uint64_t)pvio_number(r, PVIO_REMOTE_CMD);
		arg2 = outer;
	}
	pvref_page_call(&guest, arg1, arg2);
}

/* ---- what must hold ---- */

static bool in_block(pa_t pa, pa_t block, uint64_t pages)
{
	return pa.v >= block.v && pa.v < block.v + pages * PAGE_BYTES;
}

/* Whether a function may reach this at all. */
static bool granted(unsigned who, pa_t pa)
{
	if (who < SIDS_0) /* both of the hardware domain's share contexts, and so the reserved memory of one */
		return in_block(pa, block0, BLOCK_PAGES) || in_block(pa, rmrr, 2);
	return in_block(pa, block1, BLOCK_PAGES);
}

static bool reach_holds(void)
{
	for (unsigned i = 0; i < PROBES; i++) {
		unsigned who = (unsigned)below(ARRAY_LEN(sids));
		struct requester r = { .addr.sid = sids[who], .has_pasid = !below(4), .pasid = 1 + (uint32_t)below(4) };
		iova_t iova = IOVA((below(2) ? dfn_random() : gfn_random()) % BIT(34) * PAGE_BYTES);
		struct model_answer a = model_unit_ask(r, iova, below(2));

		if (!a.done || granted(who, a.pa))
			continue;
		tap_diag("%04x reaches 0x%" PRIx64 " at 0x%" PRIx64, sids[who], a.pa.v, iova.v);
		return false;
	}
	return true;
}

static void memory_comes_and_goes(void)
{
	uint64_t gfn = block0.v / PAGE_BYTES + below(BLOCK_PAGES), pages = 1 + below(4);
	struct pvref_memory back = { gfn, PA(gfn * PAGE_BYTES), pages, PVREF_RAM };

	if (gfn + pages > block0.v / PAGE_BYTES + BLOCK_PAGES || pvref_memory_remove(ref, DOM0, gfn, pages) != OK)
		return;
	if (pvref_check(ref) || pvref_memory_add(ref, DOM0, &back) != OK)
		tap_diag("memory that went does not come back");
}

static void clean(enum pvio_revision r)
{
	struct pvref_guest guests[] = { { ref, DOM0 }, { ref, GUEST } };
	struct pvref_counts n;

	for (unsigned g = 0; g < (r == PVIO_T ? 1 : 2); g++) {
		struct pvio p = { .call = pvref_page_call, .ctx = &guests[g], .revision = r };

		(void)pvio_query_capabilities(&p);
		for (uint32_t ctx = 1; ctx <= p.caps.max_ctx_no; ctx++)
			(void)pvio_free_context(&p, (uint16_t)ctx, PVIO_FREE_REATTACH_DEFAULT);
		for (unsigned i = 0; i < ARRAY_LEN(sids); i++)
			for (uint32_t pasid = 1; pasid < PASIDS_END; pasid++) /* also those in context 0 */
				(void)pvio_detach_pasid(&p, (struct pci_addr){ 0, sids[i] }, pasid);
	}
	pvref_count(ref, &n);
	is_u64(n.contexts_n, 0, "%s: no context is left", pvio_revision_name(r));
	is_u64(n.devices_away, 0, "%s: all functions are back", pvio_revision_name(r));
	is_u64(n.pasids_n, 0, "%s: no PASID is left", pvio_revision_name(r));
	is_u64(n.arena_used, 0, "%s: no memory is taken", pvio_revision_name(r));
	restarts += n.restarts;
}

static void init_both(enum pvio_revision r)
{
	struct pvref_guest guests[] = { { ref, DOM0 }, { ref, GUEST } };

	for (unsigned g = 0; g < 2; g++) {
		struct pvio p = { .call = pvref_page_call, .ctx = &guests[g], .revision = r };

		(void)pvio_init(&p, CONTEXTS, 8);
	}
}

static void fuzz(enum pvio_revision r, unsigned calls)
{
	const char *wrong = NULL;
	bool reach = true;
	unsigned i;

	if (!ok(make(r) == OK, "%s: a reference is made", pvio_revision_name(r)))
		return;
	if (below(4)) /* else the first init is a random one, too */
		init_both(r);
	for (i = 0; i < calls && !wrong && reach; i++) {
		one_call(r);
		wrong = pvref_check(ref);
		reach = reach_holds();
		if (!below(50))
			memory_comes_and_goes();
	}
	is_str(wrong, NULL, "%s: consistent after %u calls", pvio_revision_name(r), i);
	ok(reach, "%s: nothing is reached that was not granted, after %u calls", pvio_revision_name(r), i);
	clean(r);
	is_str(pvref_check(ref), NULL, "%s: consistent at the end", pvio_revision_name(r));
	is_u64((uint64_t)pvref_destroy(ref), OK, "%s: destroyed", pvio_revision_name(r));
}

static void on_unit(unsigned unit, unsigned calls)
{
	static const enum vtd_mode modes[] = { VTD_MODE_SS, VTD_MODE_LEGACY, VTD_MODE_FS };
	unsigned haw_bits;
	size_t before;

	if (!model_unit_open(unit, &machine, &haw_bits) ||
	    vtd_unit_open(&machine, MODEL_UNIT_BASE, haw_bits, 0, &u) != OK || vtd_unit_quiesce(&u) != OK) {
		ok(false, "%s: the unit opens", model_unit_name(unit));
		return;
	}
	for (unsigned i = 0; i < ARRAY_LEN(modes); i++) {
		if (!vtd_mode_supported(&u, modes[i]))
			continue;
		before = mem_free_pages();
		for (unsigned r = PVIO_T; r < PVIO_REVISIONS; r++) {
			if (!ok(vtd_iommu_create(&u, modes[i], NULL, 0, &host) == OK, "%s: a host", model_unit_name(unit)))
				continue;
			tap_diag("%s %s", model_unit_name(unit), host->name);
			fuzz((enum pvio_revision)r, calls);
			ok(vtd_iommu_destroy(host) == OK, "the host goes");
			is_u64(mem_free_pages(), before, "as much memory as before");
		}
	}
	model_unit_close();
}

int main(int argc, char **argv)
{
	unsigned calls = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : CALLS_DEFAULT;

	hosted_init(BIT(24), BIT(28));
	prng_seed(&prng, argc > 1 ? strtoull(argv[1], NULL, 0) : 1);
	if (mem_alloc(BLOCK_PAGES * PAGE_BYTES, PAGE_BYTES, &block0) != OK ||
	    mem_alloc(BLOCK_PAGES * PAGE_BYTES, PAGE_BYTES, &block1) != OK ||
	    mem_alloc(2 * PAGE_BYTES, PAGE_BYTES, &rmrr) != OK || linear_run_make(&run, 3) != OK)
		return 2;
	for (unsigned i = 0; i < model_units_n(); i++)
		on_unit(i, calls);
	ok(restarts > 0, "calls were interrupted");
	linear_run_drop(&run);
	return done();
}
