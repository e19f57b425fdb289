/*
 * Host translation of the model (AMD IOMMU 2.2.2, 2.2.3, 2.5): each bit of an entry, the whole word of each event,
 * every size, level and mode, accessed and dirty bits. Each request is asked twice: what the caches answer is the same.
 */
#include "tests/amdvi/model_rig.h"

#define NEEDS NEED_AMDVI
#define PR    BIT(52)
#define PE    BIT(54)
#define RZ    BIT(55)
#define RW    BIT(53)
#define A_BIT BIT(5)
#define D_BIT BIT(6)

struct space {
	struct am *a;
	unsigned levels;
	uint64_t root, pte, page;
};

/* A page at AM_IOVA. */
static struct space start(struct test *t)
{
	struct space s = { .levels = am_levels(t) };

	if (!s.levels)
		skip(t, "EFR.HATS = 11b");
	s.a = am_start(t, 0);
	s.root = am_page(s.a);
	s.page = am_page(s.a);
	s.pte = am_entry(s.a, s.root, s.levels, 1, AM_IOVA);
	am_put(s.pte, AM_PERMIT | s.page | 1);
	am_dte(s.a, AM_SID, am_dte0(s.levels, s.root), AM_DOMAIN, 0, 0);
	return s;
}

static void drop(struct space *s)
{
	am_cmd(s->a, AM_OP(2) | AM_SID, 0);
	am_cmd(s->a, AM_OP(3) | FLD(BITS(47, 32), AM_DOMAIN), AM_ALL | 2);
}

/* The first word of an IO_PAGE_FAULT with these flags. */
static uint64_t fault(const struct space *s, uint64_t flags, bool write)
{
	bool rw = write && ((flags & PR) || s->a->config.choices.u29_rw_always);

	return AM_OP(2) | FLD(BITS(47, 32), AM_DOMAIN) | AM_SID | flags | (rw ? RW : 0);
}

/* An access passes (event 0), or is refused with this event; twice. */
static bool ends_in(struct space *s, enum mdl_access access, uint64_t address, uint64_t event, uint64_t which)
{
	struct test *t = s->a->t;

	for (unsigned i = 0; i < 2; i++) {
		struct mdl_amd_result out = am_ask(s->a, access, address);
		uint64_t seen[2] = { 0, 0 };

		am_event(s->a, seen);
		if (!am_is(t, "the event", seen[0], event, which) ||
		    !am_is(t, "passes", out.kind == MDL_OK, !event, which))
			return false;
		if (event && !am_is(t, "the event's address", seen[1],
				    shr(event, 60) == 1 ? address & ~UINT64_C(3) : address, which))
			return false;
	}
	return true;
}

/* ---- entries ---- */

static void table_bits(struct test *t, unsigned level)
{
	struct space s = start(t);
	uint64_t at = am_entry(s.a, s.root, s.levels, level, AM_IOVA), good = am_get(at);
	uint64_t rsvd = level == 1 ? BITS(58, 52) : BITS(60, 52);

	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t read = 0, write = 0;

		if (bit >= 9 && bit <= 51) /* NextLevel and the address: below */
			continue;
		if (bit == 0)
			read = fault(&s, 0, false), write = fault(&s, 0, true);
		else if (rsvd & BIT(bit))
			read = fault(&s, PR | RZ, false), write = fault(&s, PR | RZ, true);
		else if (bit == 61)
			read = fault(&s, PR | PE, false);
		else if (bit == 62)
			write = fault(&s, PR | PE, true);
		am_put(at, good ^ BIT(bit));
		drop(&s);
		ends_in(&s, MDL_READ, AM_IOVA + 0xff7, read, 100 * level + bit);
		ends_in(&s, MDL_WRITE, AM_IOVA + 0xff7, write, 100 * level + bit);
		ends_in(&s, MDL_ATOMIC, AM_IOVA + 0xff0, bit == 61 ? fault(&s, PR | PE, true) : write,
			100 * level + bit);
	}
	am_put(at, good);
	for (uint64_t next = level == 1 ? 1 : level; next < 7; next++) {
		am_put(at, (good & ~BITS(11, 9)) | 0x200 * next);
		drop(&s);
		ends_in(&s, MDL_READ, AM_IOVA, fault(&s, PR, false), 1000 * level + next);
		ends_in(&s, MDL_WRITE, AM_IOVA, fault(&s, PR, true), 1000 * level + next);
	}
}

TEST(model_host_bits,
     .id = "amdvi.model.host.bits", .checks = "AMD-PT-097 AMD-PT-098",
     .given = "each bit of the entry of each level flipped, and each NextLevel that is not lower",
     .expects = "it is ignored, or the event with its flags, DomainID and address",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	for (unsigned level = 1; level <= am_levels(t); level++)
		table_bits(t, level);
}

/* ---- device table entries ---- */

static void entry_bits(struct test *t, const struct mdl_amd_config *c)
{
	struct am *a = am_start_as(t, c, 0);
	uint64_t efr = a->config.efr;
	bool gt = efr & BIT(4);
	uint64_t rsvd[2] = {
		BITS(6, 2) | BIT(63) | (efr & BIT(49) ? 0 : BITS(8, 7)) | (efr & BIT(52) ? 0 : BIT(8)) |
			(efr & BIT(1) ? 0 : BITS(53, 52)) | (efr & BIT(48) ? 0 : BIT(54)) |
			(gt ? 0 : BIT(55) | BITS(60, 56)),
		BIT(42) | (gt ? 0 : BITS(31, 16) | BITS(63, 43)) | (a->config.header & BIT(24) ? 0 : BIT(32)),
	};

	for (unsigned bit = 1; bit < 128; bit++) {
		bool bad = rsvd[bit / 64] & BIT(bit % 64);
		uint64_t w0 = (AM_PERMIT | 3) ^ (bit < 64 ? BIT(bit) : 0), w1 = bit < 64 ? 0 : BIT(bit - 64);

		for (unsigned write = 0; write < 2; write++) {
			uint64_t event[2] = { 0, 0 };
			struct mdl_amd_result out;

			am_dte(a, AM_SID, w0, w1, 0, 0);
			out = am_ask(a, write ? MDL_WRITE : MDL_READ, 0x5ff7);
			am_event(a, event);
			if (bad)
				am_is(t, "the event", event[0], AM_OP(1) | RZ | (write ? RW : 0) | AM_SID, bit);
			else
				am_is(t, "ILLEGAL_DEV_TABLE_ENTRY with RZ",
				      (event[0] & (BITS(63, 60) | RZ)) == (AM_OP(1) | RZ), 0, bit);
			if (bad)
				am_is(t, "its address", event[1], 0x5ff4, bit);
			am_is(t, "refused", bad && out.kind == MDL_OK, 0, bit);
			am_dte(a, AM_SID, w0 & ~UINT64_C(1), w1, 0, 0);
			am_is(t, "with V = 0", am_ask(a, write ? MDL_WRITE : MDL_READ, 0x5ff7).address, 0x5ff7, bit);
			am_is(t, "events with V = 0", am_code(a), 0, bit);
		}
	}
}

TEST(model_host_entry_bits,
     .id = "amdvi.model.host.entry_bits",
     .given = "each bit of the lower half of an entry flipped, V = 1 and V = 0",
     .expects = "ILLEGAL_DEV_TABLE_ENTRY with RZ where it is reserved here and V = 1, no such event elsewhere",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	entry_bits(t, am_config(t));
	entry_bits(t, am_small());
}

TEST(model_host_encodings,
     .id = "amdvi.model.host.encodings",
     .given = "each Mode, HAD = 10b, IoCtl = 11b, TV = 0, IR and IW of the entry",
     .expects = "the event that the configuration has chosen where the encoding is illegal",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = am_start(t, 0);
	const struct mdl_amd_config *c = &a->config;
	struct space s = { .a = a };
	unsigned hats = (unsigned)fld_get(BITS(11, 10), c->efr), deepest = hats == 3 ? 0 : 4 + hats;
	uint64_t illegal[2] = { AM_OP(1) | AM_SID, AM_OP(1) | AM_SID | RW };

	if (c->choices.u32_page_fault)
		for (unsigned w = 0; w < 2; w++)
			illegal[w] = fault(&s, PR, w);
	for (unsigned w = 0; w < 2; w++) {
		enum mdl_access access = w ? MDL_WRITE : MDL_READ;

		for (unsigned mode = 1; mode < 8; mode++) {
			am_dte(a, AM_SID, am_dte0(mode, am_page(a)), AM_DOMAIN, 0, 0);
			ends_in(&s, access, 0x5008, mode > deepest ? illegal[w] : fault(&s, 0, w), mode);
		}
		if ((c->efr & BIT(49)) && (c->efr & BIT(52))) {
			am_dte(a, AM_SID, am_dte0(0, 0) | BIT(8), AM_DOMAIN, 0, 0);
			ends_in(&s, access, 0x5008, illegal[w], 8);
		}
		for (uint64_t io = 0; io < 4; io++) {
			am_dte(a, AM_SID, am_dte0(0, 0), AM_DOMAIN | FLD(BITS(36, 35), io), 0, 0);
			ends_in(&s, access, 0x5008, io == 3 ? illegal[w] : 0, 0x10 + io);
		}
		am_dte(a, AM_SID, (am_dte0(0, 0) & ~UINT64_C(2)), AM_DOMAIN, 0, 0);
		if (!c->choices.u33_silent)
			ends_in(&s, access, 0x5008, fault(&s, 0, w), 0x20);
		am_is(t, "refused with TV = 0", am_ask(a, access, 0x5008).kind, MDL_BLOCKED, w);
		am_code(a);
		am_dte(a, AM_SID, am_dte0(0, 0) & ~(w ? BIT(62) : BIT(61)), AM_DOMAIN, 0, 0);
		ends_in(&s, access, 0x5008, fault(&s, PR | PE, w), 0x21);
		ends_in(&s, w ? MDL_READ : MDL_WRITE, 0x5008, 0, 0x22);
	}
}

/* ---- sizes, modes, skipped levels ---- */

static unsigned deepest(struct test *t)
{
	unsigned hats = (unsigned)fld_get(BITS(11, 10), am_config(t)->efr);

	if (hats == 3)
		skip(t, "EFR.HATS = 11b");
	return 4 + hats;
}

/* A leaf of a level that encodes 2^bits bytes with NextLevel 7, or its level's own size (bits 0). */
static void size(struct test *t, struct space *s, unsigned level, unsigned bits)
{
	unsigned own = 12 + 9 * (level - 1), limit = level == 5 ? 52 : own + 9;
	bool legal = level < 6 && (!bits || (bits > own && bits < limit) ||
				   (bits == own && bits > 12 && s->a->config.choices.u36_default_legal));
	uint64_t address = UINT64_C(0x00a5a5a5a5a5a5a8) & (s->levels < 6 ? pow2(12 + 9 * s->levels) - 1 : UINT64_MAX);
	uint64_t value = AM_PERMIT | 1 | (bits ? 0xe00 | (pow2(bits - 1) - PAGE_BYTES) : 0);
	struct mdl_amd_result out;

	am_put(am_entry(s->a, s->root, s->levels, level, address), value);
	drop(s);
	if (!legal) {
		ends_in(s, MDL_READ, address, fault(s, PR, false), 100 * level + bits);
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		out = am_ask(s->a, MDL_READ, address);
		am_is(t, "page bits", out.page_bits, bits ? bits : own, 100 * level + bits);
		am_is(t, "the address", out.address, address % pow2(bits ? bits : own), 100 * level + bits);
	}
}

TEST(model_host_sizes,
     .id = "amdvi.model.host.sizes",
     .given = "at each level a leaf of its own size and of every size that NextLevel 7 can encode",
     .expects = "what lies between this level's size and the next is used; the rest is IO_PAGE_FAULT with PR",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	unsigned most = deepest(t);

	for (unsigned level = 1; level <= most; level++) {
		struct space s = { .a = am_start(t, 0), .levels = most };

		s.root = am_page(s.a);
		am_dte(s.a, AM_SID, am_dte0(most, s.root), AM_DOMAIN, 0, 0);
		size(t, &s, level, 0);
		for (unsigned bits = 13; bits <= 52; bits++)
			size(t, &s, level, bits);
	}
}

TEST(model_host_modes,
     .id = "amdvi.model.host.modes",
     .given = "each mode, the highest address bit that it reaches and the one above",
     .expects = "the first is translated, the second faults",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	unsigned most = deepest(t);

	for (unsigned mode = 1; mode <= most; mode++) {
		struct space s = { .a = am_start(t, 0), .levels = mode };
		uint64_t top = mode == 6 ? BIT(63) : pow2(11 + 9 * mode);
		uint64_t flags = s.a->config.choices.u34_present ? PR : 0;

		s.root = am_page(s.a);
		s.page = am_page(s.a);
		am_put(am_entry(s.a, s.root, mode, 1, top | 0x3000), AM_PERMIT | s.page | 1);
		am_dte(s.a, AM_SID, am_dte0(mode, s.root), AM_DOMAIN, 0, 0);
		am_is(t, "where a read goes", am_goes(s.a, top | 0x3008), s.page + 8, mode);
		for (uint64_t high = 2 * top; high; high *= 2) {
			ends_in(&s, MDL_READ, high | top | 0x3008, fault(&s, flags, false), mode);
			ends_in(&s, MDL_WRITE, high | top | 0x3008, fault(&s, flags, true), mode);
		}
	}
}

TEST(model_host_skips,
     .id = "amdvi.model.host.skips",
     .given = "every pair of levels with others between them skipped, the skipped bits 0, then each of them 1",
     .expects = "the page is reached; a set bit faults",
     .needs = NEEDS, .flags = TEST_MODEL, .budget_us = 4000000)
{
	unsigned most = deepest(t);

	for (unsigned from = 3; from <= most; from++)
		for (unsigned to = 1; to < from - 1; to++) {
			struct space s = { .a = am_start(t, 0), .levels = from };
			uint64_t address = pow2(12 + 9 * (from - 1)) | 0x5000, table;
			uint64_t flags = s.a->config.choices.u34_skip_absent ? 0 : PR;

			s.root = am_page(s.a);
			s.page = am_page(s.a);
			table = am_page(s.a);
			am_put(s.root + 8, AM_PERMIT | table | to * 0x200u | 1);
			am_put(am_entry(s.a, table, to, 1, address), AM_PERMIT | s.page | 1);
			am_dte(s.a, AM_SID, am_dte0(from, s.root), AM_DOMAIN, 0, 0);
			for (unsigned i = 0; i < 2; i++)
				am_is(t, "where a read goes", am_goes(s.a, address), s.page, 10 * from + to);
			for (unsigned bit = 12 + 9 * to; bit < 12 + 9 * (from - 1); bit++)
				ends_in(&s, MDL_WRITE, address | BIT(bit), fault(&s, flags, true), 100 * from + bit);
		}
}

/* ---- accessed and dirty ---- */

static uint64_t ad_of(struct space *s, unsigned level)
{
	return am_get(am_entry(s->a, s->root, s->levels, level, AM_IOVA)) & (A_BIT | D_BIT);
}

static void ad_are(struct space *s, uint64_t leaf, uint64_t above, uint64_t which)
{
	struct test *t = s->a->t;

	am_is(t, "A and D of the leaf", ad_of(s, 1), leaf, which);
	for (unsigned level = 2; level <= s->levels; level++)
		am_is(t, "A and D above it", ad_of(s, level), above, which);
}

static void ad_clear(struct space *s)
{
	for (unsigned level = 1; level <= s->levels; level++) {
		uint64_t at = am_entry(s->a, s->root, s->levels, level, AM_IOVA);

		am_put(at, am_get(at) & ~(A_BIT | D_BIT));
	}
	drop(s);
}

TEST(model_host_ad,
     .id = "amdvi.model.host.ad",
     .given = "reads, writes and refused writes with HAD 00b, 01b and 11b, each more than once",
     .expects = "A in every entry used, D in the leaf of writes that passed, nothing without HAD or where refused",
     .needs = NEEDS | NEED_AMD_HD, .flags = TEST_MODEL)
{
	struct space s = start(t);

	for (uint64_t had = 0; had < 4; had++) {
		uint64_t a = had ? A_BIT : 0, d = had == 3 ? D_BIT : 0;

		if (had == 2)
			continue;
		am_dte(s.a, AM_SID, am_dte0(s.levels, s.root) | FLD(BITS(8, 7), had), AM_DOMAIN, 0, 0);
		ad_clear(&s);
		for (unsigned i = 0; i < 2; i++) {
			am_goes(s.a, AM_IOVA);
			ad_are(&s, a, a, 10 * had);
		}
		for (unsigned i = 0; i < 2; i++) {
			am_ask(s.a, MDL_WRITE, AM_IOVA);
			ad_are(&s, a | d, a, 10 * had + 1);
		}
		ad_clear(&s);
		am_ask(s.a, MDL_ATOMIC, AM_IOVA);
		ad_are(&s, a | d, a, 10 * had + 2);
		/* Cleared under the cache, nothing dropped: who has kept the page need not look again. */
		for (unsigned level = 1; level <= s.levels; level++) {
			uint64_t at = am_entry(s.a, s.root, s.levels, level, AM_IOVA);

			am_put(at, am_get(at) & ~(A_BIT | D_BIT));
		}
		am_ask(s.a, MDL_WRITE, AM_IOVA);
		if (s.a->config.lazy)
			ad_are(&s, a | d, a, 10 * had + 3);
		else
			ad_are(&s, 0, 0, 10 * had + 3);
		/* Refused: no bit, and what was on the way is not taken for accessed. */
		am_put(s.pte, BIT(61) | s.page | 1);
		ad_clear(&s);
		am_ask(s.a, MDL_WRITE, AM_IOVA);
		ad_are(&s, 0, 0, 10 * had + 4);
		am_goes(s.a, AM_IOVA);
		ad_are(&s, a, a, 10 * had + 5);
		am_put(s.pte, AM_PERMIT | s.page | 1);
		am_code(s.a);
	}
}

TEST(model_host_ad_later,
     .id = "amdvi.model.host.ad_later",
     .given = "a page and its tables kept with HAD = 00b; then HAD = 11b, and nothing dropped but the entry",
     .expects = "the next use sets the bits",
     .needs = NEEDS | NEED_AMD_HD, .flags = TEST_MODEL)
{
	struct space s = start(t);
	uint64_t next = s.pte + 8;

	am_put(next, AM_PERMIT | s.page | 1);
	if (s.a->config.choices.u42_drops_domain)
		skip(t, "2h drops the domain here");
	am_goes(s.a, AM_IOVA);
	am_dte(s.a, AM_SID, am_dte0(s.levels, s.root) | FLD(BITS(8, 7), 3), AM_DOMAIN, 0, 0);
	am_goes(s.a, AM_IOVA + PAGE_BYTES);
	expect_eq(t, "A of another leaf below the same tables", am_get(next) & (A_BIT | D_BIT), A_BIT);
	for (unsigned level = 2; level <= s.levels; level++)
		am_is(t, "A of the tables", ad_of(&s, level), A_BIT, level);
	am_goes(s.a, AM_IOVA);
	expect_eq(t, "A of the leaf", ad_of(&s, 1), A_BIT);
	am_ask(s.a, MDL_WRITE, AM_IOVA);
	expect_eq(t, "D of the leaf", ad_of(&s, 1), A_BIT | D_BIT);
	/* D that is there already is remembered: a write through the cache finds nothing to do. */
	am_cmd(s.a, AM_OP(3) | FLD(BITS(47, 32), AM_DOMAIN), AM_ALL);
	am_goes(s.a, AM_IOVA);
	am_put(s.pte, am_get(s.pte) & ~D_BIT);
	am_ask(s.a, MDL_WRITE, AM_IOVA);
	expect_eq(t, "D that was there when the page was kept", ad_of(&s, 1) & D_BIT, s.a->config.lazy ? D_BIT : 0);
}

TEST(model_host_ad_raced,
     .id = "amdvi.model.host.ad_raced",
     .given = "a word that a processor changes while the unit is about to set A; memory that takes no updates",
     .expects = "both changes are there; PAGE_TAB_HARDWARE_ERROR with the address of the word",
     .needs = NEEDS | NEED_AMD_HD, .flags = TEST_MODEL)
{
	struct space s = start(t);
	uint64_t event[2] = { 0, 0 };

	am_dte(s.a, AM_SID, am_dte0(s.levels, s.root) | FLD(BITS(8, 7), 3), AM_DOMAIN, 0, 0);
	s.a->meddle = BIT(1);
	expect_true(t, am_goes(s.a, AM_IOVA) == s.page, "the page is reached");
	for (unsigned level = 1; level <= s.levels; level++)
		am_is(t, "A", ad_of(&s, level), A_BIT, level);
	expect_eq(t, "what the processor set", am_get(am_entry(s.a, s.root, s.levels, s.levels, AM_IOVA)) & BIT(1),
		  BIT(1));
	ad_clear(&s);
	s.a->read_only = true;
	expect_eq(t, "refused where memory takes no update", am_ask(s.a, MDL_WRITE, AM_IOVA).kind, MDL_BLOCKED);
	am_event(s.a, event);
	expect_eq(t, "the event", event[0], AM_OP(4) | BIT(57) | FLD(BITS(47, 32), AM_DOMAIN) | AM_SID | RW);
	expect_true(t, event[1] == am_entry(s.a, s.root, s.levels, s.levels, AM_IOVA), "the address of the first word");
	s.a->read_only = false;
	am_ask(s.a, MDL_WRITE, AM_IOVA);
	ad_are(&s, A_BIT | D_BIT, A_BIT, 0);
}

/* ---- memory that does not answer, ids beyond the table ---- */

TEST(model_host_hardware,
     .id = "amdvi.model.host.hardware_errors",
     .given = "a page table, then the device table in a hole, by reads and writes",
     .expects = "the events with their addresses; the first, or the last, latched with HEV and HEO",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct space s = start(t);
	uint64_t hole = mem_unbacked(3 * PAGE_BYTES).v, hev = s.a->config.choices.u11_hev_high ? 2 : 1;
	uint64_t page = AM_OP(4) | BIT(57) | FLD(BITS(47, 32), AM_DOMAIN) | AM_SID, entry = AM_OP(3) | BIT(57) | AM_SID;
	uint64_t event[2] = { 0, 0 };
	bool he = s.a->config.efr & BIT(8), last = s.a->config.choices.u45_last_kept;

	am_dte(s.a, AM_SID, am_dte0(s.levels, hole), AM_DOMAIN, 0, 0);
	drop(&s);
	am_goes(s.a, AM_IOVA);
	am_event(s.a, event);
	expect_eq(t, "PAGE_TAB_HARDWARE_ERROR", event[0], page);
	expect_eq(t, "the address of the entry", event[1] - hole, 8 * (shr(AM_IOVA, 12 + 9 * (s.levels - 1)) % 512));
	expect_true(t, am_reg(s.a, 0x0040) == (he ? event[0] : 0) && am_reg(s.a, 0x0048) == (he ? event[1] : 0),
		    "the event in 0040h and 0048h");
	expect_eq(t, "HEV", am_reg(s.a, 0x0050), he ? hev : 0);
	am_set(s.a, 0x0000, hole | 2);
	am_cmd(s.a, AM_OP(2) | AM_SID, 0);
	am_ask(s.a, MDL_WRITE, AM_IOVA);
	am_event(s.a, event);
	expect_eq(t, "DEV_TAB_HARDWARE_ERROR", event[0], entry | RW);
	expect_eq(t, "the address of the entry", event[1] - hole, 32 * AM_SID);
	expect_eq(t, "HEV and HEO", am_reg(s.a, 0x0050), he ? 3 * hev : 0);
	expect_eq(t, "what is latched", am_reg(s.a, 0x0040), !he ? 0 : last ? entry | RW : page);
	am_set(s.a, 0x0050, 7);
	expect_eq(t, "after the acknowledgement", am_reg(s.a, 0x0050), 0);
	am_set(s.a, 0x0018, 0x1401); /* latched although the log is off */
	am_goes(s.a, AM_IOVA);
	expect_eq(t, "HEV while the log is off", am_reg(s.a, 0x0050), he ? hev : 0);
	expect_eq(t, "what is latched then", am_reg(s.a, 0x0040), he ? entry : 0);
	expect_eq(t, "events then", am_code(s.a), 0);
}

/* 2^n segments: entry 5 of one of them, and its neighbour beyond its one page. */
static void one_segment(struct test *t, struct am *a, unsigned n, unsigned segment)
{
	uint16_t first = (uint16_t)(segment * pow2(16 - n)); /* segment is below 2^n */
	struct mdl_request rq = { .sid = (uint16_t)(first | 5), .bytes = 8, .address = 0x5008 };
	uint64_t own = am_page(a);

	am_set(a, 0x0018, 0x1404);
	am_set(a, 0x00f8 + 8 * segment, own);
	am_put(own + 32 * 5, AM_PERMIT | 3);
	am_set(a, 0x0018, 0x1405 | FLD(BITS(36, 34), n));
	am_is(t, "a request of entry 5 passes", am_look(a, &rq).kind, MDL_OK, 10 * n + segment);
	am_put(own + 32 * 5, 3); /* no permission */
	am_cmd(a, AM_OP(2) | rq.sid, 0);
	am_is(t, "and is refused by it", am_look(a, &rq).kind, MDL_BLOCKED, 10 * n + segment);
	am_is(t, "with its event", am_code(a), 2, 10 * n + segment);
	rq.sid = (uint16_t)(first | 128);
	am_is(t, "beyond the segment", am_look(a, &rq).kind, MDL_BLOCKED, 10 * n + segment);
	am_is(t, "with its event", am_code(a), 2, 10 * n + segment);
	rq.sid = 5;
	am_is(t, "segment 0", am_look(a, &rq).kind, MDL_OK, 10 * n + segment);
	am_cmd(a, AM_OP(2) | first | 5, 0);
	am_set(a, 0x0018, 0x1404);
	am_set(a, 0x00f8 + 8 * segment, 0);
}

TEST(model_host_beyond,
     .id = "amdvi.model.host.beyond", .checks = "AMD-DTE-045",
     .given = "tables of one and of three pages, and ids at their ends; segments",
     .expects = "the last id is inside, the next is IO_PAGE_FAULT without DomainID; each segment has its own table",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = am_start(t, 0);
	unsigned log2 = (unsigned)fld_get(BITS(39, 38), a->config.efr);

	for (uint64_t pages = 1; pages <= 3; pages++)
		for (uint64_t sid = 128 * pages - 1; sid <= 128 * pages; sid++) {
			struct mdl_request rq = { .sid = (uint16_t)sid, .access = MDL_WRITE, .bytes = 8,
						  .address = 0x5008 };
			uint64_t event[2] = { 0, 0 };
			bool inside = sid < 128 * pages;

			am_set(a, 0x0000, a->devtab | (pages - 1));
			am_is(t, "passes", am_look(a, &rq).kind == MDL_OK, inside, sid);
			am_event(a, event);
			am_is(t, "the event", event[0],
			      inside ? 0 : AM_OP(2) | sid | (a->config.choices.u29_rw_always ? RW : 0), sid);
			am_cmd(a, AM_OP(2) | sid, 0);
		}
	/* The largest table there is: an id in its upper half. Only the page of that entry is there. */
	am_set(a, 0x0000, (a->devtab - 32 * UINT64_C(0x8000)) | 0x1ff);
	expect_eq(t, "the entry of id 8005h",
		  am_look(a, &(struct mdl_request){ .sid = 0x8005, .bytes = 8, .address = 0x5008 }).kind, MDL_OK);
	am_cmd(a, AM_OP(2) | 0x8005, 0);
	am_set(a, 0x0000, a->devtab);
	for (unsigned n = 1; n <= log2; n++)
		for (unsigned segment = 1; segment < pow2(n); segment++)
			one_segment(t, a, n, segment);
}
