/*
 * Random edits of tables, each followed by the invalidation that it needs and no more: afterwards a unit with all its
 * caches must answer every request as the oracle does, which has none. So the model never keeps what a command must
 * drop; that it keeps everything else is shown in caches.c.
 *
 * The seed can be given as an argument; it is printed.
 */
#include <stdlib.h>
#include "tests/host/model_amdvi/rig.h"
#include "tests/host/tap.h"

#define SID_A   0x0019u
#define DOMAIN  5ull
#define STEPS   10000u
#define PLACES  6u
#define LEVELS  4u
#define PERMIT  UINT64_C(0x6000000000000000)

enum mode { HOST, HOST_AD, GUEST, NESTED };

static const char *const mode_names[] = { "host", "host with A and D", "guest", "nested" };

struct world {
	struct arig r;
	struct prng prng;
	enum mode mode;
	uint64_t root, host;            /* of the tables that are edited; of the host tables (nested) */
	uint64_t tables[LEVELS][2];     /* by level - 1: two of each, so that pointers can change */
	uint64_t pages[4];
};

/* A few addresses that share tables at every level, and some that do not. */
static const uint64_t places[PLACES] = {
	0x0000000000, 0x0000001000, 0x0000200000, 0x0040000000, 0x8000000000, 0x8000001000,
};

static uint64_t below(struct world *w, uint64_t n)
{
	return prng_below(&w->prng, n);
}

static bool guest(const struct world *w)
{
	return w->mode == GUEST || w->mode == NESTED;
}

/* The entry at a level for an address, through whatever the tables say now; 0: there is no such entry. */
static uint64_t entry_at(struct world *w, unsigned level, uint64_t address)
{
	uint64_t table = w->root, e;
	unsigned l = LEVELS;

	while (l > level) {
		e = arig_get(&w->r, table + 8 * (shr(address, 12 + 9 * (l - 1)) % 512));
		table = e & UINT64_C(0xFFFFFFFFFF000);
		if (table < ARIG_BASE || table >= ARIG_BASE + ARIG_BYTES)
			return 0;
		if (guest(w)) {
			l--;
			continue;
		}
		if (fld_get(BITS(11, 9), e) == 0 || fld_get(BITS(11, 9), e) >= l)
			return 0;
		l = (unsigned)fld_get(BITS(11, 9), e);
	}
	return l == level ? table + 8 * (shr(address, 12 + 9 * (level - 1)) % 512) : 0;
}

static uint64_t host_value(struct world *w, unsigned level)
{
	uint64_t flags = (below(w, 8) != 0) | (below(w, 6) == 0 ? below(w, 4) * BIT(61) : PERMIT) |
			 (below(w, 24) == 0 ? BIT(55) : 0) | below(w, 4) * BIT(5);
	unsigned next = level == 1 ? 0 : 1 + (unsigned)below(w, level - 1);

	/* Skipped levels are rare, large pages, too. */
	if (level > 1 && below(w, 6) != 0)
		next = level - 1;
	if (level == 2 && below(w, 5) == 0)
		return align_down(w->pages[below(w, 4)], 0x200000) | flags;
	if (level == 1)
		return w->pages[below(w, 4)] | flags;
	return w->tables[next - 1][below(w, 2)] | next * BIT(9) | flags;
}

static uint64_t guest_value(struct world *w, unsigned level)
{
	uint64_t flags = (below(w, 8) != 0) | FLD(BIT(1), below(w, 4) != 0) | FLD(BIT(2), below(w, 8) != 0) |
			 FLD(BIT(5), below(w, 2)) | FLD(BIT(6), below(w, 2));

	if (level == 2 && below(w, 5) == 0)
		return align_down(w->pages[below(w, 4)], 0x200000) | BIT(7) | flags | (below(w, 16) == 0 ? BIT(14) : 0);
	return (level == 1 ? w->pages[below(w, 4)] : w->tables[level - 2][below(w, 2)]) | flags;
}

/* 3h for what an entry of that level covers; directories and large pages in their place take PDE=1. */
static void invalidate(struct world *w, unsigned level, uint64_t address)
{
	unsigned bits = 12 + 9 * (level - 1);
	uint64_t page = align_down(address, pow2(bits)) | (level > 1 ? pow2(bits - 1) - PAGE_BYTES : 0);
	uint64_t gn = guest(w) ? 4 : 0;

	arig_command(&w->r, UINT64_C(0x3000000000000000) | DOMAIN * BIT(32), page | gn | (level > 1 ? 3 : 0));
	arig_wait(&w->r);
}

/* Nested: the host table of another page is what changes; everything of the domain goes. */
static void edit_host(struct world *w)
{
	uint64_t page = w->pages[below(w, 4)];

	arig_put(&w->r, arig_entry(&w->r, w->host, 4, 1, page),
		 w->pages[below(w, 4)] | (below(w, 6) != 0) | (below(w, 4) == 0 ? below(w, 4) * BIT(61) : PERMIT));
	arig_command(&w->r, UINT64_C(0x3000000000000000) | DOMAIN * BIT(32), UINT64_C(0x7FFFFFFFFFFFF003));
	arig_wait(&w->r);
}

static bool same(struct world *w, uint64_t address, enum mdl_access access)
{
	struct mdl_amd_result pure = arig_ask(&w->r, SID_A, access, address);
	struct mdl_amd_result cached = arig_look(&w->r, SID_A, access, address);
	uint64_t event[2];

	while (arig_event(&w->r, event))
		;
	if (cached.kind == pure.kind && cached.fault == pure.fault &&
	    (!pure.recorded || (cached.event[0] == pure.event[0] && cached.event[1] == pure.event[1])) &&
	    (pure.kind != MDL_OK || (cached.address == pure.address && cached.r == pure.r && cached.w == pure.w))) {
		if (cached.kind != MDL_OK || arig_ask(&w->r, SID_A, access, address).updates_n == 0)
			return true;
		tap_diag("address 0x%" PRIx64 " was used, but A or D is missing", address);
		return false;
	}
	tap_diag("address 0x%" PRIx64 ", %s: kind %u fault %u address %" PRIx64 " r %u w %u"
		 ", the oracle: kind %u fault %u address %" PRIx64 " r %u w %u",
		 address, access == MDL_WRITE ? "write" : "read", cached.kind, cached.fault, cached.address, cached.r,
		 cached.w, pure.kind, pure.fault, pure.address, pure.r, pure.w);
	return false;
}

static void open_world(struct world *w, const char *config, enum mode mode, uint64_t seed)
{
	uint64_t gcr3 = 0, q0 = 3 | PERMIT;

	arig_open(&w->r, config);
	prng_seed(&w->prng, seed);
	w->mode = mode;
	arig_enable(&w->r, guest(w) ? BIT(16) : 0);
	w->root = arig_pages(&w->r, 1);
	for (unsigned l = 0; l < LEVELS; l++)
		for (unsigned i = 0; i < 2; i++)
			w->tables[l][i] = arig_pages(&w->r, 1);
	for (unsigned i = 0; i < 4; i++)
		w->pages[i] = arig_pages(&w->r, 1);
	w->host = w->root;
	if (guest(w)) {
		gcr3 = arig_pages(&w->r, 1);
		arig_put(&w->r, gcr3, w->root | 1);
		/* GV, GIoV, and the root in its three pieces. */
		q0 |= BIT(55) | BIT(54) | fld_get(BITS(14, 12), gcr3) * BIT(58);
	}
	if (mode == NESTED) {
		w->host = arig_pages(&w->r, 1);
		for (uint64_t a = ARIG_BASE; a < w->r.next + 64 * PAGE_BYTES; a += PAGE_BYTES)
			arig_put(&w->r, arig_entry(&w->r, w->host, 4, 1, a), a | 1 | PERMIT);
	}
	if (mode != GUEST)
		q0 |= w->host | LEVELS * BIT(9);
	if (mode == HOST_AD || (mode == NESTED && below(w, 2)))
		q0 |= 3 * BIT(7);
	arig_dte(&w->r, SID_A, q0,
		 DOMAIN | fld_get(BITS(30, 15), gcr3) * BIT(16) | fld_get(BITS(51, 31), gcr3) * BIT(43), 0, 0);
}

static void run(const char *config, enum mode mode, uint64_t seed)
{
	static struct world w;
	unsigned step, edits = 0, served = 0;
	bool good = true;

	open_world(&w, config, mode, seed);
	for (step = 0; step < STEPS && good; step++) {
		uint64_t address = places[below(&w, PLACES)], at;
		unsigned level = 1 + (unsigned)below(&w, LEVELS);

		/* Requests between edits fill the caches. */
		for (unsigned i = 0; i < 2 && good; i++) {
			uint64_t asked = places[below(&w, PLACES)] + 8 * below(&w, 512);

			good = same(&w, asked, below(&w, 3) == 0 ? MDL_WRITE : MDL_READ);
			served += arig_ask(&w.r, SID_A, MDL_READ, asked).kind == MDL_OK;
		}
		if (mode == NESTED && below(&w, 8) == 0)
			edit_host(&w);
		at = entry_at(&w, level, address);
		if (at == 0)
			continue;
		edits++;
		arig_put(&w.r, at, guest(&w) ? guest_value(&w, level) : host_value(&w, level));
		/* Tables are shared: every address that goes through the entry has changed. */
		for (unsigned i = 0; i < PLACES; i++)
			if (entry_at(&w, level, places[i]) == at)
				invalidate(&w, level, places[i]);
	}
	ok(good && served > STEPS / 50,
	   "%s, %s: %u random edits, each invalidated as it must be (step %u, %u served, seed %" PRIu64 ")", config,
	   mode_names[mode], edits, step, served, seed);
	arig_close(&w.r);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;

	run("amd-everything", HOST, seed);
	run("amd-caching", HOST, seed);
	run("amd-strict", HOST, seed);
	run("amd-everything", HOST_AD, seed);
	run("amd-odd", HOST_AD, seed);
	run("amd-everything", GUEST, seed);
	run("amd-strict", GUEST, seed);
	run("amd-everything", NESTED, seed);
	run("amd-odd", NESTED, seed);
	return done();
}
