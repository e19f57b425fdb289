/*
 * Random edits of tables, each followed by the invalidation that the manual's guidance asks for and no more: afterwards
 * a unit with all its caches must answer every request as the oracle does, which has none. So the model never keeps
 * what a command must drop; that it keeps everything else is shown in caches.c.
 *
 * The seed can be given as an argument; it is printed.
 */
#include <stdlib.h>
#include "tests/host/model/rig.h"
#include "tests/host/tap.h"

#define SID_A  0x0019u
#define DID    5ull
#define STEPS  20000u
#define PLACES 6u
#define LEVELS 4u

enum mode { LEGACY, SECOND, FIRST, NESTED };

static const char *const mode_names[] = { "legacy", "second stage", "first stage", "nested" };
static const char *const configs[] = { "everything", "caching" };

struct world {
	struct rig r;
	struct prng prng;
	enum mode mode;
	uint64_t root, ss;              /* of the stage that is edited; of the second stage (nested) */
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

static bool first_stage(const struct world *w)
{
	return w->mode == FIRST || w->mode == NESTED;
}

/* Present, mostly; permissions at random. First stage with A and D preset or not. */
static uint64_t random_flags(struct world *w)
{
	uint64_t f = first_stage(w) ? 1 | FLD(BIT(1), below(w, 4) != 0) | FLD(BIT(2), below(w, 6) != 0) |
					      FLD(BIT(5), below(w, 2))
		     : below(w, 4) == 0 ? below(w, 4)
					: 3;

	if (below(w, 8) == 0)
		f &= ~3ull;
	if (below(w, 16) == 0)
		f |= first_stage(w) ? BIT(51) : BIT(62); /* BIT(51) is above HAW in "caching" alone */
	if (!first_stage(w) && below(w, 2) == 0)
		f |= below(w, 4) * BIT(8); /* A, D */
	return f;
}

/* The entry at a level for an address, through whatever the tables say now; 0: there is no such entry. */
static uint64_t entry_at(struct world *w, unsigned level, uint64_t address)
{
	uint64_t table = w->root;

	for (unsigned l = LEVELS; l > level; l--) {
		table = rig_get(&w->r, table + 8 * (shr(address, 12 + 9 * (l - 1)) % 512)) & UINT64_C(0xFFFFFFF000);
		if (table < RIG_BASE || table >= RIG_BASE + RIG_BYTES)
			return 0;
	}
	return table + 8 * (shr(address, 12 + 9 * (level - 1)) % 512);
}

/* Changes one entry on the way of one address. Returns its level, 0: none; *at is where it is. */
static unsigned edit(struct world *w, uint64_t address, uint64_t *at)
{
	unsigned level = 1 + (unsigned)below(w, LEVELS);
	uint64_t value;

	*at = entry_at(w, level, address);
	if (*at == 0)
		return 0;
	value = level == 1 ? w->pages[below(w, 4)] : w->tables[level - 2][below(w, 2)];
	value |= random_flags(w);
	if (level == 2 && below(w, 4) == 0)
		value = (align_down(value & ~0xFFFull, 0x200000)) | (value & 0xFFF) | BIT(7) | (value & BITS(63, 51));
	rig_put(&w->r, *at, value);
	return level;
}

/* Guidance for a changed entry (4.4): by page, IH=1 where the entry was and is a leaf. */
static void invalidate(struct world *w, unsigned level, uint64_t address)
{
	uint64_t pasid = first_stage(w);
	unsigned am = level == 1 ? 0 : 9 * (level - 1);
	bool by_page = am <= 18;
	uint64_t ih = level == 1 && below(w, 2) ? BIT(6) : 0;
	uint64_t page = align_down(address, pow2(12 + (am > 18 ? 18 : am)));

	if (pasid)
		rig_submit(&w->r, FLD(BITS(31, 16), DID) | (by_page ? 0x36 : 0x26), by_page ? page | am | ih : 0);
	else
		rig_submit(&w->r, FLD(BITS(31, 16), DID) | (by_page ? 0x32 : 0x22), by_page ? page | am | ih : 0);
}

static bool same(struct world *w, uint64_t address, enum mdl_access access)
{
	struct mdl_request rq = { .sid = SID_A, .access = (uint8_t)access, .bytes = 8, .address = address };
	struct mdl_result cached, pure = rig_ask_rq(&w->r, &rq);

	mdl_vtd_lookup(&w->r.u, &rq, &cached);
	rig_set32(&w->r, 0x34, 1);
	if (cached.kind == pure.kind && cached.fault == pure.fault &&
	    (pure.kind != MDL_OK || (cached.address == pure.address && cached.r == pure.r && cached.w == pure.w))) {
		/* What was used is marked so: nothing is left to set. */
		if (cached.kind != MDL_OK || rig_ask_rq(&w->r, &rq).updates_n == 0)
			return true;
		tap_diag("address 0x%" PRIx64 " was used, but A or D is missing", address);
		return false;
	}
	tap_diag("address 0x%" PRIx64 ", %s: kind %u fault %02x address %" PRIx64
		 ", the oracle: kind %u fault %02x address %" PRIx64,
		 address, access == MDL_WRITE ? "write" : "read", cached.kind, cached.fault, cached.address, pure.kind,
		 pure.fault, pure.address);
	return false;
}

/* Nested: the second stage maps the RAM to itself, by 2-MiB pages. */
static void identity(struct world *w)
{
	w->ss = rig_pages(&w->r, 1);
	for (uint64_t a = 0; a < RIG_BASE + RIG_BYTES; a += 0x200000)
		rig_put(&w->r, rig_entry(&w->r, w->ss, 4, 2, a, 3), a | 0x83);
}

static void open_world(struct world *w, const char *config, enum mode mode, uint64_t seed)
{
	/* AW=010 and SSADE. */
	const uint64_t ade = 0x200;
	const uint64_t pgtt[] = { 0, 0x089 | ade, 0x041, 0x0C9 | ade };
	uint64_t table = 0;

	rig_open(&w->r, config);
	prng_seed(&w->prng, seed);
	w->mode = mode;
	if (mode == LEGACY) {
		w->root = rig_legacy(&w->r, SID_A, 1, 0x502);
	} else {
		table = rig_scalable(&w->r, SID_A, 1, 0);
		w->root = rig_pages(&w->r, 1);
	}
	for (unsigned l = 0; l < LEVELS; l++)
		for (unsigned i = 0; i < 2; i++)
			w->tables[l][i] = rig_pages(&w->r, 1);
	for (unsigned i = 0; i < 4; i++)
		w->pages[i] = rig_pages(&w->r, 1);
	w->ss = w->root;
	if (mode == NESTED)
		identity(w);
	if (mode != LEGACY) {
		rig_put(&w->r, table, pgtt[mode] | w->ss);
		rig_put(&w->r, table + 8, 0x0000000000800005);
		rig_put(&w->r, table + 16, first_stage(w) ? w->root : 0);
	}
	rig_queue(&w->r, mode != LEGACY);
	rig_enable(&w->r, RIG_BASE | (mode == LEGACY ? 0 : 0x400));
}

static void run(const char *config, enum mode mode, uint64_t seed)
{
	static struct world w;
	unsigned step, passed = 0;
	bool good = true;

	open_world(&w, config, mode, seed);
	for (step = 0; step < STEPS && good; step++) {
		uint64_t address = places[below(&w, PLACES)];
		uint64_t at;
		unsigned level;

		/* Requests between edits fill the caches. */
		for (unsigned i = 0; i < 2 && good; i++)
			good = same(&w, places[below(&w, PLACES)] + 8 * below(&w, 512),
				    below(&w, 3) == 0 ? MDL_WRITE : MDL_READ);
		level = edit(&w, address, &at);
		/* Tables are shared: every address that goes through the entry has changed. */
		for (unsigned i = 0; i < PLACES && level != 0; i++)
			if (entry_at(&w, level, places[i]) == at)
				invalidate(&w, level, places[i]);
		passed += level != 0;
	}
	ok(good, "%s, %s: %u random edits, each invalidated as it must be (step %u, seed %" PRIu64 ")", config,
	   mode_names[mode], passed, step, seed);
	rig_close(&w.r);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;

	for (unsigned c = 0; c < ARRAY_LEN(configs); c++)
		for (unsigned m = LEGACY; m <= NESTED; m++)
			run(configs[c], (enum mode)m, seed);
	return done();
}
