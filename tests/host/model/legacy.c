/*
 * Legacy mode of the model against golden vectors: every word here was worked out by hand from the manual's layouts.
 * Requests without PASID of 00:03.1 (0019h) unless stated.
 */
#include "tests/host/model/rig.h"
#include "tests/host/tap.h"

#define SID_A 0x0019u
/* AW=010 (4 levels), DID 5. */
#define CTX_HI 0x502u

/* A 4-level table that maps 0x1234567000 to page: PTE R=W=1. */
static uint64_t mapped(struct rig *r, uint64_t *pte)
{
	uint64_t root = rig_legacy(r, SID_A, 1, CTX_HI);
	uint64_t page = rig_pages(r, 1);

	*pte = rig_entry(r, root, 4, 1, 0x1234567000, 3);
	rig_put(r, *pte, page | 3);
	return page;
}

static void test_walk(void)
{
	struct rig r;
	uint64_t pte, page;
	struct mdl_result out;

	rig_open(&r, "unit2016");
	page = mapped(&r, &pte);
	rig_enable(&r, RIG_BASE);
	is_u64(rig_reg32(&r, 0x1C), 0xC0000000, "GSTS shows TES and RTPS");
	out = rig_ask(&r, SID_A, MDL_READ, 0x1234567ABC);
	is_u64(out.kind, MDL_OK, "a mapped page is read");
	is_u64(out.address, page + 0xABC, "at the page and the offset");
	is_u64(out.page_bits, 12, "as a 4-KiB page");
	is_u64(out.did, 5, "in domain 5");
	/* 0x1234567: PML4 index 0, PDP index 0x48, PD index 0x1A2, PT index 0x167. */
	is_u64(pte % PAGE_BYTES, 8 * 0x167, "the PTE is number 167h of its table");
	out = rig_ask(&r, SID_A, MDL_WRITE, 0x1234568000);
	is_u64(out.fault, 0x05, "a write beside it is refused: 05h");
	is_u64(out.record[0], 0x1234568000, "recorded with the page");
	is_u64(out.record[1], 0x0000000500000019, "FR=05h, SID, T=write");
	out = rig_ask(&r, SID_A, MDL_READ, 0x1234568FFF);
	is_u64(out.record[1], 0x4000000600000019, "a read: 06h with T1=1");
	out = rig_ask(&r, SID_A, MDL_ATOMIC, 0x1234568000);
	is_u64(out.record[1], 0x4000000510000019, "an AtomicOp: 05h with T1=T2=1");
	rig_close(&r);
}

static unsigned fault_of(struct rig *r, enum mdl_access access, uint64_t address)
{
	struct mdl_result out = rig_ask(r, SID_A, access, address);

	return out.kind == MDL_OK ? 0 : out.fault == 0 ? 0x100 : out.fault;
}

struct one_word {
	const char *what;
	uint64_t flip;     /* bits put into the word */
	unsigned fault;
	bool recorded_with_fpd;
};

static const struct one_word roots_lo[] = {
	{ "bit 1", 0x2, 0x0A, true }, { "bit 11", 0x800, 0x0A, true }, { "bit 46 = HAW", BIT(46), 0x0A, true },
	{ "bit 63", BIT(63), 0x0A, true },
};

static const struct one_word contexts_lo[] = {
	{ "bit 4", 0x10, 0x0B, false }, { "bit 11", 0x800, 0x0B, false }, { "bit 46 = HAW", BIT(46), 0x0B, false },
	{ "TT=11", 0xC, 0x03, false }, { "TT=10 with AW=010, the widest", 0x8, 0, false },
};

static const struct one_word contexts_hi[] = {
	{ "bit 71", BIT(7), 0x0B, false }, { "bit 88", BIT(24), 0x0B, false }, { "bit 127", BIT(63), 0x0B, false },
	{ "bits 70:67", 0x78, 0, false }, { "AW=011, not in SAGAW", 1, 0x03, false }, { "AW=110", 4, 0x03, false },
	{ "DID bit 15", BIT(23), 0, false },
};

static const struct one_word ptes[] = {
	{ "bit 2", 0x4, 0, false }, { "bits 6:3", 0x78, 0, false }, { "bit 7", 0x80, 0, false },
	{ "bits 9:8", 0x300, 0, false }, { "bit 10", 0x400, 0, false }, { "bit 11 with SC=1", 0x800, 0, false },
	{ "bit 46 = HAW", BIT(46), 0x0C, false }, { "bit 51", BIT(51), 0x0C, false }, { "bit 52", BIT(52), 0, false },
	{ "bit 61", BIT(61), 0, false }, { "bit 62", BIT(62), 0x0C, false }, { "bit 63", BIT(63), 0, false },
};

static const struct one_word pdes[] = {
	{ "bits 6:3", 0x78, 0, false }, { "bits 10:8", 0x700, 0, false }, { "bit 11", 0x800, 0x0C, false },
	{ "bit 46 = HAW", BIT(46), 0x0C, false }, { "bit 62", BIT(62), 0x0C, false }, { "bit 63", BIT(63), 0, false },
};

static const struct one_word pml4es[] = {
	{ "bit 7", 0x80, 0x0C, false }, { "bit 11", 0x800, 0x0C, false }, { "bits 61:52", BITS(61, 52), 0, false },
};

/* Each case alone: put the bits in, ask, with and without FPD, take them out. */
static void flip_each(struct rig *r, const char *name, uint64_t word_pa, const struct one_word *cases, unsigned n)
{
	uint64_t context = (rig_get(r, RIG_BASE) & ~0xFFFull) + 16 * SID_A;
	uint64_t good = rig_get(r, word_pa);

	for (unsigned i = 0; i < n; i++) {
		struct mdl_result out;

		rig_put(r, word_pa, good | cases[i].flip);
		is_u64(fault_of(r, MDL_READ, 0x1234567000), cases[i].fault, "%s, %s: %02xh", name, cases[i].what,
		       cases[i].fault);
		if (cases[i].fault != 0) {
			rig_put(r, context, rig_get(r, context) | 2);
			out = rig_ask(r, SID_A, MDL_READ, 0x1234567000);
			is_u64(out.recorded, cases[i].recorded_with_fpd, "%s, %s: recorded with FPD=1: %d", name,
			       cases[i].what, cases[i].recorded_with_fpd);
			rig_put(r, context, rig_get(r, context) & ~2ull);
		}
		rig_put(r, word_pa, good);
	}
}

static void test_words(void)
{
	struct rig r;
	uint64_t pte, root, context;

	rig_open(&r, "unit2016");
	mapped(&r, &pte);
	rig_enable(&r, RIG_BASE);
	context = (rig_get(&r, RIG_BASE) & ~0xFFFull) + 16 * SID_A;
	root = rig_get(&r, context) & ~0xFFFull;
	flip_each(&r, "root, low word", RIG_BASE, roots_lo, ARRAY_LEN(roots_lo));
	rig_put(&r, RIG_BASE + 8, 1);
	is_u64(fault_of(&r, MDL_READ, 0x1234567000), 0x0A, "root, bit 64: 0ah");
	rig_put(&r, RIG_BASE + 8, 0);
	flip_each(&r, "context, low word", context, contexts_lo, ARRAY_LEN(contexts_lo));
	flip_each(&r, "context, high word", context + 8, contexts_hi, ARRAY_LEN(contexts_hi));
	flip_each(&r, "PTE", pte, ptes, ARRAY_LEN(ptes));
	flip_each(&r, "PDE", rig_entry(&r, root, 4, 2, 0x1234567000, 3), pdes, ARRAY_LEN(pdes));
	flip_each(&r, "PDPE", rig_entry(&r, root, 4, 3, 0x1234567000, 3), pdes, ARRAY_LEN(pdes));
	flip_each(&r, "PML4E", root, pml4es, ARRAY_LEN(pml4es));
	rig_close(&r);
}

/* Structures that are absent or that no memory backs. */
static void test_fetches(void)
{
	struct rig r;
	uint64_t pte, root, context, word;

	rig_open(&r, "unit2016");
	mapped(&r, &pte);
	rig_enable(&r, RIG_NOTHING);
	is_u64(fault_of(&r, MDL_READ, 0), 0x08, "no memory behind the root table: 08h");
	rig_enable(&r, RIG_BASE);
	context = (rig_get(&r, RIG_BASE) & ~0xFFFull) + 16 * SID_A;
	root = rig_get(&r, context) & ~0xFFFull;
	is_u64(rig_ask(&r, 0x0119, MDL_READ, 0).fault, 0x01, "the root entry of bus 1 is absent: 01h");
	is_u64(rig_ask(&r, 0x0018, MDL_READ, 0).fault, 0x02, "the context entry of function 0 is absent: 02h");
	rig_put(&r, context - 16, 2);
	ok(!rig_ask(&r, 0x0018, MDL_READ, 0).recorded, "02h is not recorded with FPD=1 and P=0");
	word = rig_get(&r, RIG_BASE);
	rig_put(&r, RIG_BASE, RIG_NOTHING | 1);
	is_u64(fault_of(&r, MDL_READ, 0), 0x09, "no memory behind the context table: 09h");
	rig_put(&r, RIG_BASE, word);
	word = rig_get(&r, context);
	rig_put(&r, context, RIG_NOTHING | 1);
	is_u64(fault_of(&r, MDL_READ, 0), 0x03, "no memory behind SSPTPTR: 03h");
	rig_put(&r, context, word);
	rig_put(&r, root + 8, RIG_NOTHING | 3);
	is_u64(fault_of(&r, MDL_READ, BIT(39)), 0x07, "no memory behind a lower table: 07h");
	is_u64(fault_of(&r, MDL_READ, BIT(47)), 0x06, "the last half of 48 bits is reached: 06h");
	is_u64(fault_of(&r, MDL_READ, BIT(48)), 0x04, "bit 48 is beyond the width: 04h");
	is_u64(fault_of(&r, MDL_READ, BITS(63, 47)), 0x04, "upper bits are not a sign: 04h");
	rig_close(&r);
}

static void test_permissions(void)
{
	static const struct { uint64_t pde, pte; unsigned read, write, atomic, zlr; } rows[] = {
		{ 3, 3, 0, 0, 0, 0 },          { 3, 1, 0, 0x05, 0x05, 0 },    { 3, 2, 0x06, 0, 0x06, 0 },
		{ 3, 0, 0x06, 0x05, 0x05, 0x06 }, { 1, 3, 0, 0x05, 0x05, 0 }, { 2, 3, 0x06, 0, 0x06, 0 },
		{ 0, 3, 0x06, 0x05, 0x05, 0x06 }, { 1, 2, 0x06, 0x05, 0x05, 0x06 }, { 3, 4, 0x06, 0x05, 0x05, 0x06 },
		{ 3, BIT(62), 0x06, 0x05, 0x05, 0x06 },
	};
	struct rig r;
	uint64_t pte, page, pde, tables;

	rig_open(&r, "unit2016");
	page = mapped(&r, &pte);
	rig_enable(&r, RIG_BASE);
	pde = rig_entry(&r, rig_get(&r, (rig_get(&r, RIG_BASE) & ~0xFFFull) + 16 * SID_A) & ~0xFFFull, 4, 2,
			0x1234567000, 3);
	tables = rig_get(&r, pde) & ~0xFFFull;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		rig_put(&r, pde, tables | rows[i].pde);
		rig_put(&r, pte, page | rows[i].pte);
		is_u64(fault_of(&r, MDL_READ, 0x1234567000), rows[i].read, "row %u: read", i);
		is_u64(fault_of(&r, MDL_WRITE, 0x1234567000), rows[i].write, "row %u: write", i);
		is_u64(fault_of(&r, MDL_ATOMIC, 0x1234567000), rows[i].atomic, "row %u: AtomicOp", i);
		is_u64(fault_of(&r, MDL_ZLR, 0x1234567000), rows[i].zlr, "row %u: zero-length read, ZLR=1", i);
	}
	rig_close(&r);
	rig_open(&r, "unit2010");
	pte = rig_entry(&r, rig_legacy(&r, SID_A, 1, 0x501), 3, 1, 0x4567000, 3);
	rig_put(&r, pte, rig_pages(&r, 1) | 2);
	rig_enable(&r, RIG_BASE);
	is_u64(fault_of(&r, MDL_ZLR, 0x4567000), 0x06, "zero-length read of a write-only page, ZLR=0: 06h");
	is_u64(fault_of(&r, MDL_WRITE, 0x4567000), 0, "the same page is written");
	rig_close(&r);
}

static void test_large_pages(void)
{
	struct rig r;
	uint64_t root, pde, pdpe;
	struct mdl_result out;

	rig_open(&r, "unit2016");
	root = rig_legacy(&r, SID_A, 1, CTX_HI);
	rig_enable(&r, RIG_BASE);
	pde = rig_entry(&r, root, 4, 2, 0x40000000, 3);
	rig_put(&r, pde, 0x12345600083);
	out = rig_ask(&r, SID_A, MDL_READ, 0x400ABCDE);
	is_u64(out.address, 0x123456ABCDE, "2-MiB page: base and 21-bit offset");
	is_u64(out.page_bits, 21, "of 2^21 bytes");
	rig_put(&r, pde, 0x12345600083 | BIT(12));
	is_u64(fault_of(&r, MDL_READ, 0x40000000), 0x0C, "bit 12 of a 2-MiB leaf: 0ch");
	rig_put(&r, pde, 0x12345600083 | BIT(20));
	is_u64(fault_of(&r, MDL_READ, 0x40000000), 0x0C, "bit 20 of a 2-MiB leaf: 0ch");
	pdpe = rig_entry(&r, root, 4, 3, 0x80000000, 3);
	rig_put(&r, pdpe, 0x12340000083);
	out = rig_ask(&r, SID_A, MDL_READ, 0x9ABCDEF0);
	is_u64(out.address, 0x1235ABCDEF0, "1-GiB page: base and 30-bit offset");
	rig_put(&r, pdpe, 0x12340000083 | BIT(29));
	is_u64(fault_of(&r, MDL_READ, 0x80000000), 0x0C, "bit 29 of a 1-GiB leaf: 0ch");
	rig_put(&r, pde, 0x00000000FEE00083);
	is_u64(fault_of(&r, MDL_READ, 0x40000000), 0x0E, "output FEE00000h: 0eh");
	is_u64(fault_of(&r, MDL_READ, 0x400FFFFF), 0x0E, "output FEEFFFFFh: 0eh");
	is_u64(fault_of(&r, MDL_READ, 0x40100000), 0, "output FEF00000h is beyond the range");
	rig_close(&r);
	rig_open(&r, "strict");
	root = rig_legacy(&r, SID_A, 1, CTX_HI);
	rig_enable(&r, RIG_BASE);
	rig_put(&r, rig_entry(&r, root, 4, 3, 0x80000000, 3), 0x40000083);
	is_u64(fault_of(&r, MDL_READ, 0x80000000), 0x0C, "1-GiB leaf with SSLPS bit 35 clear: 0ch");
	rig_put(&r, rig_entry(&r, root, 4, 2, 0x40000000, 3), 0x200083);
	is_u64(fault_of(&r, MDL_READ, 0x40000000), 0, "2-MiB leaf with SSLPS bit 34 set");
	rig_close(&r);
}

static void test_pass_and_special(void)
{
	struct rig r;
	struct mdl_result out;

	rig_open(&r, "unit2016");
	rig_legacy(&r, SID_A, 9, CTX_HI); /* TT=10 */
	out = rig_ask(&r, SID_A, MDL_WRITE, 0x12345678);
	is_u64(out.kind, MDL_OK, "TES=0: a write passes");
	is_u64(out.address, 0x12345678, "with its address");
	rig_enable(&r, RIG_BASE);
	out = rig_ask(&r, SID_A, MDL_WRITE, 0x12345678);
	is_u64(out.address, 0x12345678, "TT=10: output is input");
	is_u64(fault_of(&r, MDL_READ, BIT(46)), 0x04, "TT=10, address at HAW: 04h");
	is_u64(fault_of(&r, MDL_READ, BIT(46) - 8), 0, "TT=10, last address below HAW");
	out = rig_ask_rq(&r,
			 &(struct mdl_request){ .sid = SID_A, .access = MDL_WRITE, .bytes = 4, .address = 0xFEE00000 });
	is_u64(out.kind, MDL_INTERRUPT, "a DWORD write to FEE00000h is an interrupt");
	is_u64(fault_of(&r, MDL_WRITE, 0xFEE00000), 0x100, "a QWORD write is blocked without a record");
	is_u64(fault_of(&r, MDL_READ, 0xFEEFFFF8), 0x100, "a read is blocked");
	is_u64(fault_of(&r, MDL_READ, 0xFEF00000), 0, "FEF00000h is memory like any other");
	out = rig_ask_rq(&r, &(struct mdl_request){ .sid = SID_A, .bytes = 8, .has_pasid = true, .pasid = 7 });
	is_u64(out.fault, 0x31, "a request with PASID: 31h");
	is_u64(out.record[1], 0x4000073180000019, "with PP, PV=7");
	out = rig_ask_rq(&r, &(struct mdl_request){ .sid = SID_A, .at = MDL_PAGE_REQUEST, .bytes = 8 });
	is_u64(out.fault, 0x32, "a page request: 32h");
	is_u64(out.record[1], 0x0000003210000019, "with T2=1, T1=0");
	out = rig_ask_rq(&r, &(struct mdl_request){ .sid = SID_A, .at = MDL_TRANSLATION, .bytes = 8 });
	is_u64(out.fault, 0x0D, "a translation request with TT=10: 0dh");
	is_u64(out.record[1], 0x5000000D00000019, "with AT=01");
	out = rig_ask_rq(&r,
			 &(struct mdl_request){ .sid = SID_A, .at = MDL_TRANSLATED, .access = MDL_WRITE, .bytes = 8 });
	is_u64(out.record[1], 0x2000000D00000019, "a translated one: AT=10, T=write");
	rig_enable(&r, RIG_BASE | 0x400);
	is_u64(fault_of(&r, MDL_READ, 0), 0x30, "TTM=01 without SMTS: 30h");
	rig_enable(&r, RIG_BASE | 0x800);
	is_u64(fault_of(&r, MDL_READ, 0), 0x30, "TTM=10: 30h");
	rig_enable(&r, RIG_BASE | 0xC00);
	is_u64(fault_of(&r, MDL_READ, 0), 0x30, "TTM=11 without ADMS: 30h");
	rig_close(&r);
}

static void test_ats(void)
{
	struct rig r;
	uint64_t root, pte;
	struct mdl_ats_completion c;
	struct mdl_request rq = { .sid = SID_A, .at = MDL_TRANSLATION, .bytes = 8, .address = 0x1234567000 };
	struct mdl_result out;

	rig_open(&r, "unit2016");
	root = rig_legacy(&r, SID_A, 5, CTX_HI); /* TT=01 */
	pte = rig_entry(&r, root, 4, 1, 0x1234567000, 3);
	rig_put(&r, pte, 0x555000 | 1);
	rig_put(&r, rig_entry(&r, root, 4, 2, 0x40000000, 3), 0x600083);
	rig_enable(&r, RIG_BASE);
	mdl_vtd_ats(&r.u, &rq, &c);
	ok(c.status == MDL_DONE && c.r && !c.w && c.address == 0x555000 && c.bytes == 4096,
	   "translation of a read-only page");
	rq.address = 0x40012000;
	mdl_vtd_ats(&r.u, &rq, &c);
	ok(c.status == MDL_DONE && c.r && c.w && c.address == 0x600000 && c.bytes == 0x200000,
	   "translation of a 2-MiB page");
	rq.address = 0x50000000;
	mdl_vtd_ats(&r.u, &rq, &c);
	ok(c.status == MDL_DONE && !c.r && !c.w, "nothing mapped: Success with R=W=0");
	is_u64(rig_reg32(&r, 0x34), 0, "and no record");
	rig_put(&r, pte, 0x555000 | BIT(62) | 3);
	rq.address = 0x1234567000;
	out = rig_ask_rq(&r, &rq);
	is_u64(out.fault, 0x0C, "a reserved bit: 0ch");
	ok(out.recorded && out.kind == MDL_BLOCKED, "recorded, no success");
	rq.at = MDL_TRANSLATED;
	rq.address = 0x777000;
	out = rig_ask_rq(&r, &rq);
	ok(out.kind == MDL_OK && out.address == 0x777000, "a translated request goes where it says");
	rq.address = 0xFEE01000;
	is_u64(rig_ask_rq(&r, &rq).fault, 0x0E, "but not into the interrupt range: 0eh");
	rq.address = BIT(46);
	is_u64(rig_ask_rq(&r, &rq).fault, 0x04, "nor above HAW: 04h");
	rig_close(&r);
}

int main(void)
{
	test_walk();
	test_words();
	test_fetches();
	test_permissions();
	test_large_pages();
	test_pass_and_special();
	test_ats();
	return done();
}
