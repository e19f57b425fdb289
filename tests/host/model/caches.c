/*
 * The model's caches: what is stale after a change, which command makes it go, and which narrower one does not. The
 * model keeps everything that it may, so each of these must show; lazy units keep nothing.
 */
#include "tests/host/model/rig.h"
#include "tests/host/tap.h"

#define SID_A  0x0019u
#define SID_B  0x001Du /* function bit 2 differs */
#define IOVA_A UINT64_C(0x1234567000)
#define DID    5ull

/* Descriptors. */
#define CC_GLOBAL        0x11ull
#define CC_DOMAIN(d)     (0x21ull | FLD(BITS(31, 16), d))
#define CC_DEVICE(s, fm) (0x31ull | FLD(BITS(47, 32), s) | FLD(BITS(49, 48), fm))
#define IOTLB_GLOBAL     0x12ull
#define IOTLB_DOMAIN(d)  (0x22ull | FLD(BITS(31, 16), d))
#define IOTLB_PAGE(d)    (0x32ull | FLD(BITS(31, 16), d))
#define IH               0x40ull
#define PC_DOMAIN(d)     (0x07ull | FLD(BITS(31, 16), d))
#define PC_PASID(d, p)   (0x17ull | FLD(BITS(31, 16), d) | FLD(BITS(51, 32), p))
#define PC_GLOBAL        0x37ull
#define PIOTLB_ALL(d, p) (0x26ull | FLD(BITS(31, 16), d) | FLD(BITS(51, 32), p))
#define PIOTLB_PAGE(d, p) (0x36ull | FLD(BITS(31, 16), d) | FLD(BITS(51, 32), p))

struct c {
	struct rig r;
	uint64_t context, root, pte, pde, page[2];
	uint64_t table, directory;
};

static unsigned rd_pa(struct c *s, uint64_t *pa)
{
	return rig_try(&s->r, SID_A, MDL_READ, IOVA_A, pa);
}

/* The page that is read, 0 or 1; 2: another; 0x100 and above: refused with that fault. */
static unsigned seen(struct c *s)
{
	uint64_t pa;
	unsigned fault = rd_pa(s, &pa);

	if (fault != 0)
		return 0x100 + fault;
	return pa == s->page[0] ? 0 : pa == s->page[1] ? 1 : 2;
}

static void open_legacy(struct c *s, const char *config)
{
	rig_open(&s->r, config);
	s->root = rig_legacy(&s->r, SID_A, 1, 0x502);
	s->context = (rig_get(&s->r, RIG_BASE) & ~0xFFFull) + 16 * SID_A;
	s->page[0] = rig_pages(&s->r, 1);
	s->page[1] = rig_pages(&s->r, 1);
	s->pte = rig_entry(&s->r, s->root, 4, 1, IOVA_A, 3);
	s->pde = rig_entry(&s->r, s->root, 4, 2, IOVA_A, 3);
	rig_put(&s->r, s->pte, s->page[0] | 3);
	rig_queue(&s->r, false);
	rig_enable(&s->r, RIG_BASE);
}

/* A change that is made behind the unit's back, descriptors that must not show it, then those that must. */
static void expect_stale(struct c *s, const uint64_t narrow[][2], unsigned n, unsigned stale, const char *what)
{
	is_u64(seen(s), stale, "%s: stale without invalidation", what);
	for (unsigned i = 0; i < n; i++) {
		rig_submit(&s->r, narrow[i][0], narrow[i][1]);
		is_u64(seen(s), stale, "%s: still stale after a too narrow one, number %u", what, i);
	}
}

static void drop(struct c *s, uint64_t q0, uint64_t q1, unsigned now, const char *what)
{
	rig_submit(&s->r, q0, q1);
	is_u64(seen(s), now, "%s", what);
}

static void test_leaf(void)
{
	static struct c s;
	const uint64_t narrow[][2] = {
		{ CC_GLOBAL, 0 }, { IOTLB_DOMAIN(DID + 1), 0 }, { IOTLB_PAGE(DID + 1), IOVA_A },
		{ IOTLB_PAGE(DID), IOVA_A + 0x1000 }, { IOTLB_PAGE(DID), IOVA_A - 0x1000 },
		{ IOTLB_PAGE(DID), (IOVA_A ^ 0x8000) | 3 },
	};
	static const struct { const char *what; uint64_t q0, q1; } enough[] = {
		{ "IOTLB global", IOTLB_GLOBAL, 0 }, { "IOTLB domain", IOTLB_DOMAIN(DID), 0 },
		{ "IOTLB page", IOTLB_PAGE(DID), IOVA_A }, { "IOTLB page, IH=1", IOTLB_PAGE(DID), IOVA_A | IH },
		{ "IOTLB 8 pages", IOTLB_PAGE(DID), IOVA_A | 3 }, { "IOTLB 2^18 pages", IOTLB_PAGE(DID), 18 },
	};

	open_legacy(&s, "unit2016");
	for (unsigned i = 0; i < ARRAY_LEN(enough); i++) {
		uint64_t q1 = enough[i].q1 == 18 ? ((IOVA_A & ~BITS(29, 0)) | 18) : enough[i].q1;

		rig_put(&s.r, s.pte, s.page[0] | 3);
		rig_submit(&s.r, IOTLB_GLOBAL, 0);
		is_u64(seen(&s), 0, "page 0");
		rig_put(&s.r, s.pte, s.page[1] | 3);
		expect_stale(&s, narrow, ARRAY_LEN(narrow), 0, "leaf changed");
		drop(&s, enough[i].q0, q1, 1, enough[i].what);
	}
	rig_put(&s.r, s.pte, 0);
	is_u64(seen(&s), 1, "a removed leaf is still used");
	drop(&s, IOTLB_PAGE(DID), IOVA_A, 0x106, "until it is invalidated");
	rig_put(&s.r, s.pte, s.page[0] | 3);
	is_u64(seen(&s), 0, "CM=0: made present, it is used at once");
	/* A permission taken away, and one that is given. */
	rig_put(&s.r, s.pte, s.page[0] | 1);
	is_u64(rig_try(&s.r, SID_A, MDL_WRITE, IOVA_A, NULL), 0, "W taken away: still written");
	rig_submit(&s.r, IOTLB_PAGE(DID), IOVA_A | IH);
	is_u64(rig_try(&s.r, SID_A, MDL_WRITE, IOVA_A, NULL), 0x05, "until it is invalidated");
	rig_put(&s.r, s.pte, s.page[0] | 3);
	is_u64(rig_try(&s.r, SID_A, MDL_WRITE, IOVA_A, NULL), 0x05, "W given: the entry without it is still used");
	rig_submit(&s.r, IOTLB_PAGE(DID), IOVA_A | IH);
	is_u64(rig_try(&s.r, SID_A, MDL_WRITE, IOVA_A, NULL), 0, "until it is invalidated");
	rig_close(&s.r);
}

static void test_tables(void)
{
	static struct c s;
	const uint64_t narrow[][2] = {
		{ CC_GLOBAL, 0 }, { IOTLB_PAGE(DID), IOVA_A | IH }, { IOTLB_PAGE(DID + 1), IOVA_A },
	};
	uint64_t other, large;

	open_legacy(&s, "unit2016");
	other = rig_pages(&s.r, 1);
	rig_put(&s.r, other + s.pte % PAGE_BYTES, s.page[1] | 3);
	is_u64(seen(&s), 0, "page 0");
	rig_put(&s.r, s.pde, other | 3);
	expect_stale(&s, narrow, ARRAY_LEN(narrow), 0, "table replaced");
	drop(&s, IOTLB_PAGE(DID), IOVA_A, 1, "IOTLB page with IH=0 drops the table, too");
	/* A large page: any part of it names all of it. */
	large = align_down(s.page[0], 0x200000);
	rig_put(&s.r, s.pde, large | 0x83);
	rig_submit(&s.r, IOTLB_PAGE(DID), IOVA_A);
	is_u64(seen(&s), 2, "a 2-MiB page");
	rig_put(&s.r, s.pde, other | 3);
	is_u64(seen(&s), 2, "split: still the large one");
	drop(&s, IOTLB_PAGE(DID), IOVA_A + 0x200000, 2, "an invalidation behind it");
	drop(&s, IOTLB_PAGE(DID), IOVA_A & ~BITS(20, 0), 1, "one of its first 4 KiB");
	rig_close(&s.r);
}

static void test_context(void)
{
	static struct c s;
	uint64_t root2, context_b;
	const uint64_t narrow[][2] = {
		{ IOTLB_GLOBAL, 0 },	  { CC_DOMAIN(DID + 1), 0 },	{ CC_DEVICE(SID_A + 1, 0), 0 },
		{ CC_DEVICE(SID_B, 0), 0 }, { CC_DEVICE(SID_A ^ 8, 3), 0 },
	};
	static const uint64_t enough[][2] = {
		{ CC_GLOBAL, 0 }, { CC_DOMAIN(DID), 0 }, { CC_DEVICE(SID_A, 0), 0 }, { CC_DEVICE(SID_B, 1), 0 },
		{ CC_DEVICE(SID_A ^ 6, 2), 0 }, { CC_DEVICE(SID_A ^ 7, 3), 0 },
	};

	open_legacy(&s, "unit2016");
	root2 = rig_pages(&s.r, 1);
	rig_put(&s.r, rig_entry(&s.r, root2, 4, 1, IOVA_A, 3), s.page[1] | 3);
	for (unsigned i = 0; i < ARRAY_LEN(enough); i++) {
		rig_put(&s.r, s.context, s.root | 1);
		rig_put(&s.r, s.context + 8, 0x502);
		rig_submit(&s.r, CC_GLOBAL, 0);
		rig_submit(&s.r, IOTLB_GLOBAL, 0);
		is_u64(seen(&s), 0, "page 0");
		rig_put(&s.r, s.context, root2 | 1);
		expect_stale(&s, narrow, ARRAY_LEN(narrow), 0, "context changed");
		rig_submit(&s.r, enough[i][0], 0);
		is_u64(seen(&s), 0, "the context goes, the IOTLB of its domain is still used");
		drop(&s, IOTLB_DOMAIN(DID), 0, 1, "IOTLB domain after it");
	}
	rig_put(&s.r, s.context, 0);
	is_u64(seen(&s), 1, "context cleared: still used");
	drop(&s, CC_DEVICE(SID_A, 0), 0, 0x102, "until it is invalidated, by itself enough");
	rig_put(&s.r, s.context, s.root | 1);
	is_u64(seen(&s), 1, "the same DID comes back: its translations are still there");
	rig_put(&s.r, s.context + 8, 0x602);
	rig_submit(&s.r, CC_DEVICE(SID_A, 0), 0);
	is_u64(seen(&s), 0, "a new DID has none");
	/* The other function shares DID and translations. */
	context_b = s.context + 16 * (SID_B - SID_A);
	rig_put(&s.r, context_b, s.root | 1);
	rig_put(&s.r, context_b + 8, 0x602);
	rig_put(&s.r, s.pte, 0);
	is_u64(rig_try(&s.r, SID_B, MDL_READ, IOVA_A, NULL), 0,
	       "another function of that domain uses what the first brought in");
	/* SRTP without ESRTPS keeps everything. */
	rig_set(&s.r, 0x20, RIG_NOTHING);
	rig_command(&s.r, 0x40000000);
	is_u64(seen(&s), 0, "SRTP without ESRTPS: everything is kept");
	rig_close(&s.r);
}

static void test_pass(void)
{
	static struct c s;
	uint64_t pa;

	open_legacy(&s, "unit2016");
	rig_put(&s.r, s.context, 9); /* TT=10 */
	rd_pa(&s, &pa);
	is_u64(pa, IOVA_A, "pass-through");
	rig_put(&s.r, s.context, s.root | 1);
	rig_submit(&s.r, CC_DEVICE(SID_A, 0), 0);
	rd_pa(&s, &pa);
	is_u64(pa, IOVA_A, "no more, but its translation is still in the IOTLB");
	drop(&s, IOTLB_DOMAIN(DID), 0, 0, "until it is invalidated");
	rig_close(&s.r);
}

static void test_drops(void)
{
	static struct c s;

	open_legacy(&s, "scalable"); /* ESRTPS, SMTS */
	is_u64(seen(&s), 0, "page 0");
	rig_put(&s.r, s.pte, s.page[1] | 3);
	is_u64(seen(&s), 0, "stale");
	rig_set(&s.r, 0x20, RIG_BASE);
	is_u64(seen(&s), 0, "writing RTADDR does nothing");
	rig_command(&s.r, 0x40000000);
	is_u64(seen(&s), 1, "ESRTPS: SRTP drops everything");
	rig_put(&s.r, s.pte, s.page[0] | 3);
	rig_command_off(&s.r, 0x80000000);
	rig_command(&s.r, 0x80000000);
	is_u64(seen(&s), 0, "SMTS: clearing TE drops everything");
	rig_close(&s.r);
	open_legacy(&s, "unit2016");
	is_u64(seen(&s), 0, "page 0");
	rig_put(&s.r, s.pte, s.page[1] | 3);
	rig_command_off(&s.r, 0x80000000);
	rig_command(&s.r, 0x80000000);
	is_u64(seen(&s), 0, "without SMTS it does not");
	rig_close(&s.r);
	open_legacy(&s, "lazy");
	is_u64(seen(&s), 0, "page 0");
	rig_put(&s.r, s.pte, s.page[1] | 3);
	is_u64(seen(&s), 1, "a lazy unit keeps nothing");
	is_u64(mdl_vtd_cached(&s.r.u), 0, "at all");
	rig_close(&s.r);
}

static void test_caching_mode(void)
{
	static struct c s;

	open_legacy(&s, "caching");
	rig_put(&s.r, s.pte, 0);
	is_u64(seen(&s), 0x106, "CM=1: not present");
	rig_put(&s.r, s.pte, s.page[0] | 3);
	is_u64(seen(&s), 0x106, "made present: still cached as absent");
	drop(&s, IOTLB_PAGE(DID), IOVA_A + 0x1000, 0x106, "another page");
	drop(&s, IOTLB_PAGE(DID), IOVA_A, 0, "its page");
	rig_put(&s.r, s.pte, s.page[1] | 3 | BIT(62));
	rig_submit(&s.r, IOTLB_PAGE(DID), IOVA_A);
	is_u64(seen(&s), 0x10C, "a reserved bit");
	rig_put(&s.r, s.pte, s.page[1] | 3);
	is_u64(seen(&s), 0x10C, "taken away: still an error");
	drop(&s, IOTLB_PAGE(DID), IOVA_A, 1, "until it is invalidated");
	rig_put(&s.r, s.context, 0);
	rig_submit(&s.r, CC_GLOBAL, 0);
	is_u64(seen(&s), 0x102, "context absent");
	rig_put(&s.r, s.context, s.root | 1);
	is_u64(seen(&s), 0x102, "made present: still cached as absent");
	drop(&s, CC_DOMAIN(DID), 0, 0x102, "it is not under its DID");
	drop(&s, CC_DOMAIN(0), 0, 1, "but under DID 0");
	rig_put(&s.r, s.context, 0);
	rig_submit(&s.r, CC_GLOBAL, 0);
	is_u64(seen(&s), 0x102, "context absent");
	rig_put(&s.r, s.context, s.root | 1);
	drop(&s, CC_DEVICE(SID_A, 0), 0, 1, "CC device does it, too");
	rig_close(&s.r);
}

/* ---- scalable mode ---- */

#define PE_FS   UINT64_C(0x041)
#define PE_SS   UINT64_C(0x089)
#define PE_PASS UINT64_C(0x101)
#define PE1     UINT64_C(0x0000000000800005) /* PWSNP, DID 5 */

/* PASID 0 with a first or second stage that maps page 0; flags of its entries. */
static void open_scalable(struct c *s, const char *config, bool first)
{
	uint64_t flags = first ? 0x67 : 3;

	rig_open(&s->r, config);
	s->table = rig_scalable(&s->r, SID_A, 1, 0);
	s->context = (rig_get(&s->r, RIG_BASE) & ~0xFFFull) + 32 * SID_A;
	s->directory = rig_get(&s->r, s->context) & ~0xFFFull;
	s->page[0] = rig_pages(&s->r, 1);
	s->page[1] = rig_pages(&s->r, 1);
	s->root = rig_pages(&s->r, 1);
	s->pte = rig_entry(&s->r, s->root, 4, 1, IOVA_A, flags);
	s->pde = rig_entry(&s->r, s->root, 4, 2, IOVA_A, flags);
	rig_put(&s->r, s->pte, s->page[0] | flags);
	rig_put(&s->r, s->table, first ? PE_FS : PE_SS | s->root);
	rig_put(&s->r, s->table + 8, PE1);
	rig_put(&s->r, s->table + 16, first ? s->root : 0);
	rig_queue(&s->r, true);
	rig_enable(&s->r, RIG_BASE | 0x400);
}

static void test_first_stage(void)
{
	static struct c s;
	const uint64_t narrow[][2] = {
		{ CC_GLOBAL, 0 },
		{ PC_GLOBAL, 0 },
		{ IOTLB_PAGE(DID + 1), IOVA_A },
		{ PIOTLB_ALL(DID, 1), 0 },
		{ PIOTLB_ALL(DID + 1, 0), 0 },
		{ PIOTLB_PAGE(DID, 0), IOVA_A + 0x1000 },
		{ PIOTLB_PAGE(DID, 1), IOVA_A },
	};
	static const uint64_t enough[][2] = {
		{ IOTLB_GLOBAL, 0 },
		{ IOTLB_DOMAIN(DID), 0 },
		{ IOTLB_PAGE(DID), 0 },
		{ PIOTLB_ALL(DID, 0), 0 },
		{ PIOTLB_PAGE(DID, 0), IOVA_A },
		{ PIOTLB_PAGE(DID, 0), IOVA_A | IH },
		{ PIOTLB_PAGE(DID, 0), IOVA_A | 3 },
	};
	uint64_t other;

	open_scalable(&s, "everything", true);
	for (unsigned i = 0; i < ARRAY_LEN(enough); i++) {
		rig_put(&s.r, s.pte, s.page[0] | 0x67);
		rig_submit(&s.r, IOTLB_GLOBAL, 0);
		is_u64(seen(&s), 0, "page 0");
		rig_put(&s.r, s.pte, s.page[1] | 0x67);
		expect_stale(&s, narrow, ARRAY_LEN(narrow), 0, "first-stage leaf changed");
		drop(&s, enough[i][0], enough[i][1], 1, "enough");
	}
	other = rig_pages(&s.r, 1);
	rig_put(&s.r, other + s.pte % PAGE_BYTES, s.page[0] | 0x67);
	rig_put(&s.r, s.pde, other | 0x67);
	is_u64(seen(&s), 1, "table replaced: stale");
	drop(&s, PIOTLB_PAGE(DID, 0), IOVA_A | IH, 1, "IH=1 keeps the table");
	drop(&s, PIOTLB_PAGE(DID, 0), IOVA_A, 0, "IH=0 does not");
	rig_close(&s.r);
}

static void test_pasid_cache(void)
{
	static struct c s;
	uint64_t root2;
	const uint64_t narrow[][2] = {
		{ IOTLB_GLOBAL, 0 }, { CC_GLOBAL, 0 }, { PC_PASID(DID, 1), 0 }, { PC_PASID(DID + 1, 0), 0 },
		{ PC_DOMAIN(DID + 1), 0 },
	};
	static const uint64_t enough[][2] = { { PC_GLOBAL, 0 }, { PC_DOMAIN(DID), 0 }, { PC_PASID(DID, 0), 0 } };

	open_scalable(&s, "everything", false);
	root2 = rig_pages(&s.r, 1);
	rig_put(&s.r, rig_entry(&s.r, root2, 4, 1, IOVA_A, 3), s.page[1] | 3);
	for (unsigned i = 0; i < ARRAY_LEN(enough); i++) {
		rig_put(&s.r, s.table, PE_SS | s.root);
		rig_submit(&s.r, PC_GLOBAL, 0);
		rig_submit(&s.r, IOTLB_GLOBAL, 0);
		is_u64(seen(&s), 0, "page 0");
		rig_put(&s.r, s.table, PE_SS | root2);
		expect_stale(&s, narrow, ARRAY_LEN(narrow), 0, "PASID entry changed");
		rig_submit(&s.r, enough[i][0], 0);
		is_u64(seen(&s), 0, "the entry goes, the IOTLB of its domain is still used");
		rig_submit(&s.r, PIOTLB_ALL(DID, 0), 0);
		is_u64(seen(&s), 0, "PIOTLB does not touch the second stage");
		drop(&s, IOTLB_DOMAIN(DID), 0, 1, "IOTLB domain does");
	}
	rig_put(&s.r, s.directory, 0);
	is_u64(seen(&s), 1, "directory entry cleared: still used");
	drop(&s, PC_DOMAIN(DID), 0, 0x151, "until the PASID cache is invalidated");
	rig_put(&s.r, s.context, 0);
	is_u64(seen(&s), 0x151, "context cleared: still used");
	drop(&s, CC_DEVICE(SID_A, 0), 0, 0x141, "until it is invalidated");
	rig_close(&s.r);
}

static void test_pgtt_change(void)
{
	static struct c s;
	uint64_t pa;

	open_scalable(&s, "everything", true);
	rig_put(&s.r, s.table, PE_PASS);
	rd_pa(&s, &pa);
	is_u64(pa, IOVA_A, "PGTT=100");
	rig_put(&s.r, s.table, PE_FS);
	rig_submit(&s.r, PC_PASID(DID, 0), 0);
	rd_pa(&s, &pa);
	is_u64(pa, IOVA_A, "now 001: its old translation is still there");
	drop(&s, PIOTLB_PAGE(DID, 0), IOVA_A, 2, "PIOTLB page does not name it");
	drop(&s, PIOTLB_ALL(DID, 0), 0, 0, "PIOTLB PASID does");
	rig_put(&s.r, s.table, PE_PASS);
	rig_submit(&s.r, PC_PASID(DID, 0), 0);
	is_u64(seen(&s), 0, "and back: the first stage's translation is still there");
	drop(&s, PIOTLB_ALL(DID, 0), 0, 2, "until it is invalidated");
	rig_close(&s.r);
}

static void test_caching_mode_scalable(void)
{
	static struct c s;

	open_scalable(&s, "caching", true);
	rig_put(&s.r, s.table, 0);
	is_u64(seen(&s), 0x159, "CM=1: PASID entry absent");
	rig_put(&s.r, s.table, PE_FS);
	is_u64(seen(&s), 0x159, "made present: still cached as absent");
	drop(&s, PC_PASID(DID, 1), 0, 0x159, "another PASID");
	drop(&s, PC_PASID(DID, 0), 0, 0, "its PASID");
	rig_put(&s.r, s.pte, 0);
	rig_submit(&s.r, PIOTLB_ALL(DID, 0), 0);
	is_u64(seen(&s), 0x171, "leaf absent");
	rig_put(&s.r, s.pte, s.page[1] | 0x67);
	is_u64(seen(&s), 0x171, "made present: still cached as absent");
	drop(&s, PIOTLB_PAGE(DID, 0), IOVA_A, 1, "until it is invalidated");
	rig_close(&s.r);
	open_scalable(&s, "everything", true);
	rig_put(&s.r, s.table, 0);
	is_u64(seen(&s), 0x159, "CM=0: PASID entry absent");
	rig_put(&s.r, s.table, PE_FS);
	is_u64(seen(&s), 0, "made present: used at once");
	rig_close(&s.r);
}

static void test_capacity(void)
{
	static struct c s;
	struct mdl_vtd_config c = *mdl_vtd_config_find("unit2016");
	uint64_t root;

	c.cache_entries = 16;
	rig_open_config(&s.r, &c);
	root = rig_legacy(&s.r, SID_A, 1, 0x502);
	rig_enable(&s.r, RIG_BASE);
	for (unsigned i = 0; i < 100; i++)
		rig_put(&s.r, rig_entry(&s.r, root, 4, 1, i * 0x1000ull, 3), 0x200000 + i * 0x1000ull + 3);
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < 100; i++)
			rig_try(&s.r, SID_A, MDL_READ, i * 0x1000ull, NULL);
	is_u64(s.r.u.cache.iotlb.n, 16, "a small IOTLB is full");
	ok(s.r.u.cache.iotlb.evicted > 0, "and tells that it had to let go");
	rig_close(&s.r);
}

int main(void)
{
	test_leaf();
	test_tables();
	test_context();
	test_pass();
	test_drops();
	test_caching_mode();
	test_first_stage();
	test_pasid_cache();
	test_pgtt_change();
	test_caching_mode_scalable();
	test_capacity();
	return done();
}
