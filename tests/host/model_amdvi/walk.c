/*
 * Device table entries, host tables and their events against golden vectors: every word here was worked out by hand
 * from the manual's layouts. Requests of 01:03.1 (0119h) in domain 1234h.
 */
#include "tests/host/model_amdvi/rig.h"
#include "tests/host/tap.h"

#define SID_A   0x0119u
#define DOMAIN  0x1234u
#define PERMIT  UINT64_C(0x6000000000000000)

/* V, TV, IR, IW and the mode. */
static uint64_t entry0(unsigned mode, uint64_t root)
{
	return PERMIT | 3 | mode * 0x200u | root;
}

/* A 4-level table that maps 0x1234567000 to a page. */
static uint64_t mapped(struct arig *r, const char *config, uint64_t *root, uint64_t *pte)
{
	uint64_t page;

	arig_open(r, config);
	arig_enable(r, 0);
	*root = arig_pages(r, 1);
	page = arig_pages(r, 1);
	*pte = arig_entry(r, *root, 4, 1, 0x1234567000);
	arig_put(r, *pte, PERMIT | page | 1);
	arig_dte(r, SID_A, entry0(4, *root), DOMAIN, 0, 0);
	return page;
}

static void test_mapped(void)
{
	struct mdl_amd_result out;
	struct arig r;
	uint64_t root, pte, page = mapped(&r, "amd-everything", &root, &pte);

	out = arig_ask(&r, SID_A, MDL_READ, 0x1234567ABC);
	is_u64(out.kind, MDL_OK, "a mapped page is read");
	is_u64(out.address, page + 0xABC, "at the page and the offset");
	is_u64(out.page_bits, 12, "as a 4-KiB page");
	is_u64(out.domain, DOMAIN, "in its domain");
	/* 0x1234567: level 4 index 0, 3: 0x48, 2: 0x1A2, 1: 0x167. */
	is_u64(pte % PAGE_BYTES, 8 * 0x167, "the entry is number 167h of its table");
	arig_close(&r);
}

/* ---- one defect at a time ---- */

enum where { IN_DTE0, IN_DTE1, IN_PTE, IN_PDE };

static const struct defect {
	const char *what;
	enum where where;
	uint64_t flip;
	uint64_t read, write; /* first words of the events; 0: passes */
} defects[] = {
	{ "leaf PR=0", IN_PTE, 1, 0x2000123400000119, 0x2000123400000119 },
	{ "leaf IR=0", IN_PTE, BIT(61), 0x2050123400000119, 0 },
	{ "leaf IW=0", IN_PTE, BIT(62), 0, 0x2070123400000119 },
	{ "leaf bit 52", IN_PTE, BIT(52), 0x2090123400000119, 0x20B0123400000119 },
	{ "leaf bit 58", IN_PTE, BIT(58), 0x2090123400000119, 0x20B0123400000119 },
	{ "leaf U", IN_PTE, BIT(59), 0, 0 },
	{ "leaf FC", IN_PTE, BIT(60), 0, 0 },
	{ "leaf ignored bits", IN_PTE, 0x800000000000019E, 0, 0 },
	{ "level-1 NextLevel 1", IN_PTE, 0x200, 0x2010123400000119, 0x2030123400000119 },
	{ "level-1 NextLevel 6", IN_PTE, 0xC00, 0x2010123400000119, 0x2030123400000119 },
	{ "directory PR=0", IN_PDE, 1, 0x2000123400000119, 0x2000123400000119 },
	{ "directory IR=0", IN_PDE, BIT(61), 0x2050123400000119, 0 },
	{ "directory IW=0", IN_PDE, BIT(62), 0, 0x2070123400000119 },
	{ "directory bit 52", IN_PDE, BIT(52), 0x2090123400000119, 0x20B0123400000119 },
	{ "directory bit 59", IN_PDE, BIT(59), 0x2090123400000119, 0x20B0123400000119 },
	{ "directory bit 60", IN_PDE, BIT(60), 0x2090123400000119, 0x20B0123400000119 },
	{ "directory ignored bits", IN_PDE, 0x80000000000001DE, 0, 0 },
	{ "directory NextLevel 3 at level 2", IN_PDE, 0x400, 0x2010123400000119, 0x2030123400000119 },
	{ "V=0 is not translated", IN_DTE0, 1, 0, 0 },
	{ "TV=0", IN_DTE0, 2, 0x2000123400000119, 0x2000123400000119 },
	{ "DTE bit 2", IN_DTE0, BIT(2), 0x1080000000000119, 0x10A0000000000119 },
	{ "DTE bit 6", IN_DTE0, BIT(6), 0x1080000000000119, 0x10A0000000000119 },
	{ "DTE bit 63", IN_DTE0, BIT(63), 0x1080000000000119, 0x10A0000000000119 },
	{ "DTE bit 106", IN_DTE1, BIT(42), 0x1080000000000119, 0x10A0000000000119 },
	{ "HAD=10b", IN_DTE0, BIT(8), 0x1000000000000119, 0x1020000000000119 },
	{ "Mode=111b", IN_DTE0, 0x600, 0x1000000000000119, 0x1020000000000119 },
	{ "IoCtl=11b", IN_DTE1, 0x1800000000, 0x1000000000000119, 0x1020000000000119 },
	{ "DTE IR=0", IN_DTE0, BIT(61), 0x2050123400000119, 0 },
	{ "DTE IW=0", IN_DTE0, BIT(62), 0, 0x2070123400000119 },
	{ "GLX=11b with GV=0", IN_DTE0, 0x0300000000000000, 0, 0 },
	{ "GLX=11b with GV=1", IN_DTE0, 0x0380000000000000, 0x1000000000000119, 0x1020000000000119 },
	{ "SD and the cache hint", IN_DTE1, 0x6000000000, 0, 0 },
};

static uint64_t event_of(const struct mdl_amd_result *out)
{
	return out->kind == MDL_OK ? 0 : out->recorded ? out->event[0] : 1;
}

static void test_defects(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(defects); i++) {
		const struct defect *d = &defects[i];
		struct arig r;
		uint64_t root, pte, at;
		struct mdl_amd_result out;

		mapped(&r, "amd-everything", &root, &pte);
		at = d->where == IN_PTE ? pte : d->where == IN_PDE ? arig_entry(&r, root, 4, 2, 0x1234567000) :
		     r.devtab + 32 * SID_A + (d->where == IN_DTE1 ? 8 : 0);
		arig_put(&r, at, arig_get(&r, at) ^ d->flip);
		out = arig_ask(&r, SID_A, MDL_READ, 0x1234567FF7);
		is_u64(event_of(&out), d->read, "%s: a read", d->what);
		if (out.recorded)
			is_u64(out.event[1], d->read / BIT(60) == 1 ? 0x1234567FF4 : 0x1234567FF7, "%s: its address",
			       d->what);
		out = arig_ask(&r, SID_A, MDL_WRITE, 0x1234567FF7);
		is_u64(event_of(&out), d->write, "%s: a write", d->what);
		arig_close(&r);
	}
}

/* Fields of features that a unit lacks are reserved. */
static void test_absent_features(void)
{
	static const struct { const char *what; uint64_t q0, q1;
	} fields[] = {
		{"HAD", BIT(7), 0},	      {"PPR", BIT(52), 0 },
		{"GPRP", BIT(53), 0},	      {"GIoV", BIT(54), 0 },
		{"GV", BIT(55), 0},	      {"GLX", BIT(56), 0 },
		{"GCR3TRP low", BIT(58), 0},  {"GCR3TRP middle", 0, BIT(16) },
		{"GCR3TRP high", 0, BIT(63)}, {"I", 0, BIT(32) },
	};

	for (unsigned i = 0; i < ARRAY_LEN(fields); i++) {
		struct arig r;
		uint64_t root, pte;
		struct mdl_amd_result out;

		mapped(&r, "amd-small", &root, &pte);
		arig_dte(&r, SID_A, entry0(4, root) | fields[i].q0, DOMAIN | fields[i].q1, 0, 0);
		out = arig_ask(&r, SID_A, MDL_READ, 0x1234567000);
		is_u64(event_of(&out), 0x1080000000000119, "%s without its feature is reserved", fields[i].what);
		arig_close(&r);
	}
}

/* ---- memory that does not answer, and identifiers beyond the table ---- */

static void test_hardware_errors(void)
{
	struct arig r;
	uint64_t root, pte, event[2];
	struct mdl_amd_result out;

	mapped(&r, "amd-everything", &root, &pte);
	arig_dte(&r, SID_A, entry0(4, ARIG_NOTHING), DOMAIN, 0, 0);
	out = arig_look(&r, SID_A, MDL_READ, 0x1234567000);
	is_u64(out.kind, MDL_BLOCKED, "a table that cannot be read aborts");
	ok(arig_event(&r, event), "and is logged");
	is_u64(event[0], 0x4200123400000119, "PAGE_TAB_HARDWARE_ERROR, master abort, the domain");
	is_u64(event[1], ARIG_NOTHING, "with the address of the entry");
	is_u64(arig_reg(&r, 0x0040), event[0], "the first word is latched");
	is_u64(arig_reg(&r, 0x0048), event[1], "and the second");
	is_u64(arig_reg(&r, 0x0050), 1, "HEV");
	arig_set(&r, 0x0000, ARIG_NOTHING | 0x1FF);
	arig_command(&r, UINT64_C(0x2000000000000119), 0);
	arig_look(&r, SID_A, MDL_WRITE, 0x1000);
	ok(arig_event(&r, event), "a device table that cannot be read is logged");
	is_u64(event[0], 0x3220000000000119, "DEV_TAB_HARDWARE_ERROR of a write");
	is_u64(event[1], ARIG_NOTHING + 32 * SID_A, "with the address of the entry");
	is_u64(arig_reg(&r, 0x0050), 3, "HEO tells of the second");
	is_u64(arig_reg(&r, 0x0040), 0x4200123400000119, "the first one is kept");
	arig_set(&r, 0x0050, 3);
	is_u64(arig_reg(&r, 0x0050), 0, "writing 1 clears both");
	/* One page is 128 entries: 0119h is outside. */
	arig_set(&r, 0x0000, r.devtab);
	out = arig_ask(&r, SID_A, MDL_READ, 0x1000);
	is_u64(event_of(&out), 0x2000000000000119, "a device beyond the table: IO_PAGE_FAULT without flags or domain");
	is_u64(arig_ask(&r, 0x7F, MDL_READ, 0x1000).kind, MDL_OK, "the last entry of the page is inside");
	arig_set(&r, 0x0000, r.devtab | 2);
	is_u64(arig_ask(&r, SID_A, MDL_READ, ARIG_NOTHING).kind, MDL_BLOCKED, "three pages reach 017Fh");
	out = arig_ask(&r, 0x180, MDL_READ, 0x1000);
	is_u64(event_of(&out), 0x2000000000000180, "and not 0180h");
	arig_close(&r);
}

static void test_segments(void)
{
	struct arig r;
	uint64_t root, pte, page = mapped(&r, "amd-everything", &root, &pte), one;

	arig_set(&r, 0x0018, 0x1404);
	one = arig_pages(&r, 1);
	arig_set(&r, 0x0108, one); /* segment 2: 4000h and up */
	arig_set(&r, 0x0018, 0x1405 | 3 * BIT(34));
	arig_put(&r, one + 32 * 5, entry0(4, root));
	is_u64(arig_ask(&r, 0x4005, MDL_READ, 0x1234567000).address, page,
	       "DeviceID 4005h is entry 5 of segment 2 of 8");
	is_u64(arig_ask(&r, SID_A, MDL_READ, 0x1234567000).address, page, "0119h is still in segment 0");
	is_u64(arig_ask(&r, 0x4080, MDL_READ, 0x1000).kind, MDL_BLOCKED, "4080h is beyond its segment of one page");
	arig_set(&r, 0x0018, 0x1405 | 4 * BIT(34));
	is_u64(fld_get(BITS(36, 34), arig_reg(&r, 0x0018)), 3, "DevTblSegEn beyond the support is not accepted");
	arig_close(&r);
}

/* ---- sizes, modes, skipped levels ---- */

/* The level and size of a page; what comes out. */
static void size(unsigned level, unsigned bits, bool legal)
{
	struct arig r;
	uint64_t root, pte, address = UINT64_C(0x00A5A5A5A5A5A5A8);
	struct mdl_amd_result out;
	unsigned levels = level == 5 ? 6 : level + 1;

	arig_open(&r, "amd-everything");
	arig_enable(&r, 0);
	root = arig_pages(&r, 1);
	if (levels < 6)
		address &= pow2(12 + 9 * levels) - 1;
	pte = arig_entry(&r, root, levels, level, address);
	/* The base is 0; ones from bit 12 up to the bit below half of the size. */
	arig_put(&r, pte, PERMIT | 1 | 0xE00 | (pow2(bits - 1) - PAGE_BYTES));
	arig_dte(&r, SID_A, entry0(levels, root), DOMAIN, 0, 0);
	out = arig_ask(&r, SID_A, MDL_READ, address);
	if (legal) {
		is_u64(out.page_bits, bits, "level %u: a page of 2^%u bytes", level, bits);
		is_u64(out.address, address % pow2(bits), "at its base and the offset");
	} else {
		is_u64(event_of(&out), 0x2010123400000119, "level %u: 2^%u is no legal size", level, bits);
	}
	arig_close(&r);
}

static void test_sizes(void)
{
	static const struct { unsigned level, first, last; } legal[] = {
		{ 1, 13, 20 }, { 2, 22, 29 }, { 3, 31, 38 }, { 4, 40, 47 }, { 5, 49, 51 },
	};

	for (unsigned i = 0; i < ARRAY_LEN(legal); i++) {
		for (unsigned bits = legal[i].first; bits <= legal[i].last; bits++)
			size(legal[i].level, bits, true);
		if (legal[i].level > 1)
			size(legal[i].level, legal[i].first - 1, false);
		size(legal[i].level, legal[i].last + 1, false);
	}
}

static void test_modes(void)
{
	for (unsigned mode = 1; mode <= 6; mode++) {
		uint64_t top = mode == 6 ? BIT(63) : pow2(11 + 9 * mode), address = top | 0x3008;
		struct arig r;
		uint64_t root, page;
		struct mdl_amd_result out;

		arig_open(&r, "amd-everything");
		arig_enable(&r, 0);
		root = arig_pages(&r, 1);
		page = arig_pages(&r, 1);
		arig_put(&r, arig_entry(&r, root, mode, 1, address), PERMIT | page | 1);
		arig_dte(&r, SID_A, entry0(mode, root), DOMAIN, 0, 0);
		is_u64(arig_ask(&r, SID_A, MDL_READ, address).address, page + 8, "mode %u translates its highest bit",
		       mode);
		out = arig_ask(&r, SID_A, MDL_READ, address | 2 * top);
		if (mode < 6)
			is_u64(event_of(&out), 0x2000123400000119, "mode %u: the bit above is out of reach", mode);
		arig_close(&r);
	}
}

static void test_skips(void)
{
	static const struct { unsigned from, to; } skips[] = { { 4, 2 }, { 4, 1 }, { 3, 1 }, { 6, 1 }, { 5, 3 } };

	for (unsigned i = 0; i < ARRAY_LEN(skips); i++) {
		unsigned from = skips[i].from, to = skips[i].to;
		uint64_t address = pow2(12 + 9 * (from - 1)) | 0x5000, root, table, page;
		struct mdl_amd_result out;
		struct arig r;

		arig_open(&r, "amd-everything");
		arig_enable(&r, 0);
		root = arig_pages(&r, 1);
		table = arig_pages(&r, 1);
		page = arig_pages(&r, 1);
		arig_put(&r, root + 8, PERMIT | table | to * 0x200u | 1);
		arig_put(&r, arig_entry(&r, table, to, 1, address), PERMIT | page | 1);
		arig_dte(&r, SID_A, entry0(from, root), DOMAIN, 0, 0);
		is_u64(arig_ask(&r, SID_A, MDL_READ, address).address, page, "levels %u to %u are skipped", from, to);
		out = arig_ask(&r, SID_A, MDL_READ, address | pow2(12 + 9 * to));
		is_u64(event_of(&out), 0x2010123400000119, "a skipped bit that is set faults");
		arig_close(&r);
	}
}

/* ---- A and D, exclusion, special addresses ---- */

static void test_ad(void)
{
	struct arig r;
	uint64_t root, pte, pde;

	mapped(&r, "amd-everything", &root, &pte);
	pde = arig_entry(&r, root, 4, 2, 0x1234567000);
	arig_look(&r, SID_A, MDL_WRITE, 0x1234567000);
	is_u64(arig_get(&r, pte) & 0x60, 0, "HAD=00b sets nothing");
	arig_dte(&r, SID_A, entry0(4, root) | BIT(7), DOMAIN, 0, 0);
	arig_command(&r, UINT64_C(0x2000000000000119), 0);
	arig_look(&r, SID_A, MDL_WRITE, 0x1234567000);
	is_u64(arig_get(&r, pte) & 0x60, 0x20, "HAD=01b sets A in the leaf, not D");
	is_u64(arig_get(&r, pde) & 0x60, 0x20, "and A in the directory");
	arig_dte(&r, SID_A, entry0(4, root) | 3 * BIT(7), DOMAIN, 0, 0);
	arig_command(&r, UINT64_C(0x2000000000000119), 0);
	arig_look(&r, SID_A, MDL_READ, 0x1234567000);
	is_u64(arig_get(&r, pte) & 0x60, 0x20, "HAD=11b: a read leaves D alone");
	arig_look(&r, SID_A, MDL_WRITE, 0x1234567000);
	is_u64(arig_get(&r, pte) & 0x60, 0x60, "a write sets D");
	is_u64(arig_get(&r, pde) & 0x60, 0x20, "D is not set in directories");
	arig_close(&r);
}

static void test_exclusion(void)
{
	struct arig r;
	uint64_t root, pte;

	mapped(&r, "amd-everything", &root, &pte);
	arig_set(&r, 0x0028, 0x1234567000);
	arig_set(&r, 0x0020, 0x1234566000 | 1);
	ok(arig_ask(&r, SID_A, MDL_READ, 0x1234567010).address != 0x1234567010, "EX=0, Allow=0: translated");
	arig_dte(&r, SID_A, entry0(4, root) & ~PERMIT, DOMAIN | BIT(39), 0, 0);
	is_u64(arig_ask(&r, SID_A, MDL_WRITE, 0x1234566000).address, 0x1234566000,
	       "EX=1: the first byte passes, in spite of IW=0");
	is_u64(arig_ask(&r, SID_A, MDL_WRITE, 0x1234567FFF).address, 0x1234567FFF,
	       "the last byte of the limit's page passes");
	is_u64(arig_ask(&r, SID_A, MDL_WRITE, 0x1234565FFF).kind, MDL_BLOCKED, "the byte before does not");
	is_u64(arig_ask(&r, SID_A, MDL_WRITE, 0x1234568000).kind, MDL_BLOCKED, "nor the byte after");
	arig_set(&r, 0x0020, 0x1234566000);
	is_u64(arig_ask(&r, SID_A, MDL_WRITE, 0x1234566000).kind, MDL_BLOCKED, "ExEn=0: no range");
	arig_dte(&r, SID_A, entry0(4, root) & ~PERMIT, DOMAIN, 0, 0);
	arig_set(&r, 0x0020, 0x1234566000 | 3);
	is_u64(arig_ask(&r, SID_A, MDL_WRITE, 0x1234566000).kind, MDL_OK, "Allow=1 stands for EX=1");
	arig_close(&r);
}

static const struct { const char *what; enum mdl_access access; uint64_t address, q1, event; } specials[] = {
	{ "a read of the MSI window", MDL_READ, 0xFEE00000, 0, 0x8000000000000119 },
	{ "8 bytes written to it", MDL_WRITE, 0xFEEFFFF8, 0, 0x8C00000000000119 },
	{ "reserved interrupt space, written", MDL_WRITE, 0xFD00000000, 0, 0x8C00000000000119 },
	{ "and read", MDL_READ, 0xFDF7FFFFF8, 0, 0x8000000000000119 },
	{ "system management, SysMgt=00b, written", MDL_WRITE, 0xFDF9100000, 0, 0x8600000000000119 },
	{ "and read", MDL_READ, 0xFDF91FFFF8, 0, 0x8800000000000119 },
	{ "SysMgt=01b, written", MDL_WRITE, 0xFDF9100000, BIT(40), 0 },
	{ "SysMgt=11b, translated", MDL_READ, 0xFDF9100000, 3 * BIT(40), 0x2000123400000119 },
	{ "port I/O, IoCtl=00b", MDL_WRITE, 0xFDFC000000, 0, 0x8400000000000119 },
	{ "IoCtl=01b", MDL_WRITE, 0xFDFDFFFFF8, BIT(35), 0 },
	{ "IoCtl=10b, translated", MDL_WRITE, 0xFDFC000000, 2 * BIT(35), 0x2000123400000119 },
	{ "configuration space", MDL_WRITE, 0xFDFE000000, 0, 0x8E00000000000119 },
	{ "below all that", MDL_WRITE, 0xFCFFFFFFF8, 0, 0x2000123400000119 },
	{ "above all that", MDL_WRITE, 0x10000000000, 0, 0x2000123400000119 },
};

static void test_special(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(specials); i++) {
		struct arig r;
		uint64_t root, pte;
		struct mdl_amd_result out;

		mapped(&r, "amd-lazy", &root, &pte); /* no HtRangeIgnore */
		arig_dte(&r, SID_A, entry0(4, root), DOMAIN | specials[i].q1, 0, 0);
		out = arig_ask(&r, SID_A, specials[i].access, specials[i].address);
		is_u64(event_of(&out), specials[i].event, "%s", specials[i].what);
		arig_close(&r);
	}
}

static void test_suppression(void)
{
	struct arig r;
	uint64_t root, pte, event[2];

	mapped(&r, "amd-everything", &root, &pte);
	arig_dte(&r, SID_A, entry0(4, root), DOMAIN | BIT(33), 0, 0);
	arig_look(&r, SID_A, MDL_READ, 0);
	arig_look(&r, SID_A, MDL_READ, 0);
	ok(arig_event(&r, event) && !arig_event(&r, event), "SE=1: of two faults one is logged");
	arig_command(&r, UINT64_C(0x2000000000000119), 0);
	arig_look(&r, SID_A, MDL_READ, 0);
	ok(arig_event(&r, event), "and one more after the entry was invalidated");
	arig_dte(&r, SID_A, entry0(4, root), DOMAIN | BIT(34), 0, 0);
	arig_command(&r, UINT64_C(0x2000000000000119), 0);
	is_u64(arig_look(&r, SID_A, MDL_READ, 0).kind, MDL_BLOCKED, "SA=1 blocks");
	ok(!arig_event(&r, event), "and logs nothing");
	arig_dte(&r, SID_A, entry0(4, root) | 4, DOMAIN | BIT(34), 0, 0);
	arig_command(&r, UINT64_C(0x2000000000000119), 0);
	arig_look(&r, SID_A, MDL_READ, 0);
	ok(arig_event(&r, event), "but for an illegal entry");
	arig_close(&r);
}

int main(void)
{
	test_mapped();
	test_defects();
	test_absent_features();
	test_hardware_errors();
	test_segments();
	test_sizes();
	test_modes();
	test_skips();
	test_ad();
	test_exclusion();
	test_special();
	test_suppression();
	return done();
}
