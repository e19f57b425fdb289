/*
 * Random hypercalls against the reference, over the model of a unit that caches all that it may: hostile arguments
 * and structures, sane ones in between. After each call the reference is consistent with itself and the host's
 * tables, and the unit lets no function reach a page that is not its domain's. At the end nothing is left. Arguments:
 * seed, calls for each revision.
 */
#include <stdlib.h>
#include "drivers-iommu/pviommu/pviommu.h"
#include "drivers-iommu/vtd/ops.h"
#include "tests/host/hal_hosted.h"
#include "tests/host/tap.h"
#include "tests/host/vtd/model_unit.h"
#include "tests/pviommu/hostile.h"

#define CALLS_DEFAULT 250u
#define BLOCK_PAGES   64u
#define PROBES        6u
#define GUEST_GFN     UINT64_C(0x4000)

enum { DOM0 = 0, GUEST = 5, PLAIN = 9 };

static struct machine machine;
static struct vtd_unit u;
static struct iommu *host;
static struct pvref *ref;
static struct prng prng;
static uint64_t restarts;
static struct hostile h = { .prng = &prng, .domids = { DOM0, GUEST, PLAIN }, .domids_n = 3, .pages = BLOCK_PAGES };
static pa_t block0, block1, rmrr;
static const uint16_t sids[] = { 0x0010, 0x0018, 0x0020, 0x0028 };
#define SIDS_0 2u /* the first are the hardware domain's, the others the guest's */

static uint64_t below(uint64_t n)
{
	return prng_below(&prng, n);
}

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
		{ .domid = DOM0, .hardware = true, .max_ctx_no = HOSTILE_CONTEXTS, .arena_pages = 200, .memory = memory0,
		  .memory_n = 1, .devices = devices, .devices_n = SIDS_0 },
		{ .domid = GUEST, .default_blocking = true, .max_ctx_no = HOSTILE_CONTEXTS, .memory = memory1, .memory_n = 3,
		  .devices = devices + SIDS_0, .devices_n = ARRAY_LEN(sids) - SIDS_0 },
		{ .domid = PLAIN, .no_iommu = true },
	};
	struct pvref_config c = {
		.revision = revision,
		.caps = UINT32_MAX,
		.pgsize_mask = UINT32_MAX,
		.max_pasid = HOSTILE_PASIDS, /* none that cleaning up does not know */
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
		iova_t iova = IOVA((below(2) ? hostile_dfn(&h) : hostile_gfn(&h)) % BIT(34) * PAGE_BYTES);
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

static void clean(const char *name)
{
	struct pvref_counts n;

	hostile_clean_up(&h, 2);
	pvref_count(ref, &n);
	is_u64(n.contexts_n, 0, "%s: no context is left", name);
	is_u64(n.devices_away, 0, "%s: all functions are back", name);
	is_u64(n.pasids_n, 0, "%s: no PASID is left", name);
	is_u64(n.arena_used, 0, "%s: no memory is taken", name);
	restarts += n.restarts;
}

static void fuzz(enum pvio_revision r, unsigned calls)
{
	const char *wrong = NULL, *name = pvio_revision_name(r);
	bool reach = true;
	unsigned i;

	if (!ok(make(r) == OK, "%s: a reference is made", name))
		return;
	h.reference = ref;
	h.revision = r;
	if (below(4)) /* else the first init is a random one, too */
		hostile_init(&h, 2);
	for (i = 0; i < calls && !wrong && reach; i++) {
		hostile_call(&h);
		wrong = pvref_check(ref);
		reach = reach_holds();
		if (!below(50))
			memory_comes_and_goes();
	}
	is_str(wrong, NULL, "%s: consistent after %u calls", name, i);
	ok(reach, "%s: nothing is reached that was not granted, after %u calls", name, i);
	clean(name);
	is_str(pvref_check(ref), NULL, "%s: consistent at the end", name);
	is_u64((uint64_t)pvref_destroy(ref), OK, "%s: destroyed", name);
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
	    mem_alloc(2 * PAGE_BYTES, PAGE_BYTES, &rmrr) != OK || linear_run_make(&h.run, HOSTILE_RUN_PAGES) != OK)
		return 2;
	h.gfns[h.gfns_n++] = block0.v / PAGE_BYTES;
	h.gfns[h.gfns_n++] = GUEST_GFN;
	h.gfns[h.gfns_n++] = rmrr.v / PAGE_BYTES;
	for (unsigned i = 0; i < ARRAY_LEN(sids); i++)
		h.devs[h.devs_n++] = (struct pci_addr){ 0, sids[i] };
	for (unsigned i = 0; i < model_units_n(); i++)
		on_unit(i, calls);
	ok(restarts > 0, "calls were interrupted");
	linear_run_drop(&h.run);
	return done();
}
