/*
 * The VT-d backend on the model of the unit, which caches all that it may: random maps, unmaps, attachments and
 * detachments, and after each of them the unit's own answer for random addresses must be what the backend promises.
 * Driver and model were written apart from each other: a misreading of one of them shows here. Argument: the seed.
 */
#include <stdlib.h>
#include "drivers-iommu/vtd/fault.h"
#include "drivers-iommu/vtd/ops.h"
#include "tests/host/hal_hosted.h"
#include "tests/host/tap.h"
#include "tests/host/vtd/model_unit.h"

#define WINDOW_BASE (BIT(30) - BIT(22))
#define WINDOW_N    2048u /* pages: 8 MiB around a boundary of 1 GiB */
#define DOMAINS_N   3u
#define REQUESTERS_N 5u
#define STEPS       400u
#define PROBES      24u

static struct machine machine;
static struct vtd_unit u;
static struct iommu *io;
static struct prng prng;
static struct domain *domains[DOMAINS_N];
static struct requester requesters[REQUESTERS_N];
static unsigned requesters_n;
static struct domain *attached[REQUESTERS_N]; /* NULL: nowhere */

/* What a requester may do at an address by the backend's word: *pa and the permission, 0: nothing. */
static unsigned promised(unsigned who, iova_t iova, pa_t *pa)
{
	unsigned perm = 0;

	if (!attached[who] || io->ops->lookup(attached[who], iova, pa, &perm) != OK)
		return 0;
	return perm;
}

static bool probe(unsigned who, iova_t iova, bool write)
{
	struct model_answer a = model_unit_ask(requesters[who], iova, write);
	pa_t pa = PA(0);
	bool allowed = promised(who, iova, &pa) & (write ? PERM_W : PERM_R);

	if (allowed ? a.done && a.pa.v == pa.v : a.blocked && a.fault)
		return true;
	tap_diag("sid %04x pasid %x iova 0x%" PRIx64 " %s: promised %s 0x%" PRIx64, requesters[who].addr.sid,
		 requesters[who].pasid, iova.v, write ? "write" : "read", allowed ? "to" : "nothing", pa.v);
	tap_diag("the unit says %s 0x%" PRIx64 ", fault %02xh", a.done ? "done at" : "blocked", a.pa.v, a.fault);
	return false;
}

static iova_t address_random(void)
{
	return IOVA(WINDOW_BASE + 4 * prng_below(&prng, WINDOW_N * (uint64_t)PAGE_BYTES / 4));
}

static bool probe_all(void)
{
	bool good = true;

	for (unsigned i = 0; i < PROBES && good; i++)
		good = probe((unsigned)prng_below(&prng, requesters_n), address_random(), prng_below(&prng, 2));
	vtd_fault_clear(&u);
	return good;
}

static bool map_random(struct domain *d)
{
	static const unsigned grains[] = { 1, 1, 16, 512 };
	uint64_t grain = grains[prng_below(&prng, 4)], first = prng_below(&prng, WINDOW_N / grain) * grain;
	uint64_t n = min_u64((1 + prng_below(&prng, 3)) * grain, WINDOW_N - first);
	uint64_t at = WINDOW_BASE + first * PAGE_BYTES;
	unsigned perm = io->caps.flags & IOMMU_HAS_WRITE_ONLY ? 1 + (unsigned)prng_below(&prng, 3)
							      : 1 + 2 * (unsigned)prng_below(&prng, 2);
	enum status s = io->ops->map(d, IOVA(at), PA(prng_below(&prng, 2) ? at : prng_below(&prng, 4096) * PAGE_BYTES),
				     n * PAGE_BYTES, perm, prng_below(&prng, 2) ? 0 : 12);

	if (s == ERR_EXISTS)
		return true;
	if (s == OK && (io->caps.flags & IOMMU_CACHES_ABSENT))
		s = io->ops->flush(d, IOVA(at), n * PAGE_BYTES);
	return s == OK;
}

static bool unmap_random(struct domain *d)
{
	uint64_t first = prng_below(&prng, WINDOW_N);
	uint64_t n = 1 + prng_below(&prng, prng_below(&prng, 4) ? 8 : WINDOW_N - first);
	uint64_t bytes = min_u64(n, WINDOW_N - first) * PAGE_BYTES, gone;
	iova_t at = IOVA(WINDOW_BASE + first * PAGE_BYTES);

	return io->ops->unmap(d, at, bytes, &gone) == OK && io->ops->flush(d, at, bytes) == OK;
}

static bool move_random(void)
{
	unsigned who = (unsigned)prng_below(&prng, requesters_n);
	struct domain *d = domains[prng_below(&prng, DOMAINS_N)];

	if (attached[who]) {
		if (io->ops->detach(attached[who], requesters[who]) != OK)
			return false;
		attached[who] = NULL;
		return true;
	}
	attached[who] = d;
	return io->ops->attach(d, requesters[who]) == OK;
}

/* A domain goes and a new one comes, which gets the same domain id. */
static bool renew_random(void)
{
	unsigned i = (unsigned)prng_below(&prng, DOMAINS_N);

	for (unsigned who = 0; who < requesters_n; who++) {
		if (attached[who] != domains[i])
			continue;
		if (io->ops->detach(domains[i], requesters[who]) != OK)
			return false;
		attached[who] = NULL;
	}
	return io->ops->domain_destroy(domains[i]) == OK && io->ops->domain_create(io, DOMAIN_PAGED, &domains[i]) == OK;
}

static bool step(void)
{
	struct domain *d = domains[prng_below(&prng, DOMAINS_N)];
	uint64_t dice = prng_below(&prng, 20);

	if (dice < 8)
		return map_random(d);
	if (dice < 13)
		return unmap_random(d);
	return dice < 19 ? move_random() : renew_random();
}

static void requesters_make(void)
{
	static const uint16_t sids[] = { 0x0018, 0x0108, 0x01f8, 0x0108, 0x0018 };

	requesters_n = io->caps.flags & IOMMU_HAS_PASID ? 5 : 3;
	for (unsigned i = 0; i < requesters_n; i++) {
		bool with = i >= 3;

		requesters[i] = (struct requester){ { 0, sids[i] }, .has_pasid = with, .pasid = with ? 70 + i : 0 };
		attached[i] = NULL;
	}
}

static bool random_run(void)
{
	bool good = true;

	requesters_make();
	for (unsigned i = 0; i < DOMAINS_N; i++)
		good &= io->ops->domain_create(io, DOMAIN_PAGED, &domains[i]) == OK;
	for (unsigned i = 0; i < STEPS && good; i++) {
		good = step();
		if (!good)
			tap_diag("step %u: a call failed", i);
		good = good && probe_all();
	}
	return good;
}

static void run(unsigned config, enum vtd_mode mode)
{
	const char *name = model_unit_name(config);
	size_t before = mem_free_pages();
	unsigned haw_bits;

	if (!ok(model_unit_open(config, &machine, &haw_bits) &&
		vtd_unit_open(&machine, MODEL_UNIT_BASE, haw_bits, 0, &u) == OK, "%s: open", name))
		goto out;
	if (!vtd_mode_supported(&u, mode)) {
		tap_skip("%s has no mode %u", name, mode);
		goto out;
	}
	if (!ok(vtd_iommu_create(&u, mode, NULL, 0, &io) == OK, "%s: create, mode %u", name, mode))
		goto out;
	ok(random_run(), "%s, %s: the unit does what the backend promises", name, io->name);
	ok(vtd_iommu_destroy(io) == OK && !vtd_gsts(&u, GSTS_TES) && mem_free_pages() == before, "%s: destroy", name);
out:
	model_unit_close();
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;

	hosted_init(BIT(20), BIT(26));
	tap_diag("seed %" PRIu64, seed);
	for (unsigned i = 0; i < model_units_n(); i++)
		for (unsigned mode = 0; mode < 3; mode++) {
			prng_seed(&prng, seed + i * 3 + mode);
			run(i, (enum vtd_mode)mode);
		}
	return done();
}
