/*
 * What the AMD-Vi model's caches keep, and which command drops it: each kind alone, by what a device sees.
 */
#include "tests/host/model_amdvi/rig.h"
#include "tests/host/tap.h"

#define SID_A   0x0019u
#define SID_B   0x0021u
#define DOMAIN  0x1234u
#define PERMIT  UINT64_C(0x6000000000000000)
#define PAGES(d) (UINT64_C(0x3000000000000000) | (d) * BIT(32))
#define DEVTAB(s) (UINT64_C(0x2000000000000000) | (s))
#define ALL     UINT64_C(0x7FFFFFFFFFFFF001)
#define PDE     2u
#define S_BIT   1u
#define A       UINT64_C(0x1234567000)

struct bench {
	struct arig r;
	uint64_t root, pte, page, other;
};

static void open(struct bench *b, const char *config)
{
	arig_open(&b->r, config);
	arig_enable(&b->r, 0);
	b->root = arig_pages(&b->r, 1);
	b->page = arig_pages(&b->r, 1);
	b->other = arig_pages(&b->r, 1);
	b->pte = arig_entry(&b->r, b->root, 4, 1, A);
	arig_put(&b->r, b->pte, PERMIT | b->page | 1);
	arig_dte(&b->r, SID_A, PERMIT | 3 | 0x800 | b->root, DOMAIN, 0, 0);
	arig_dte(&b->r, SID_B, PERMIT | 3 | 0x800 | b->root, DOMAIN, 0, 0);
}

/* Where a read of A goes now. */
static uint64_t goes(struct bench *b)
{
	struct mdl_amd_result out = arig_look(&b->r, SID_A, MDL_READ, A);

	return out.kind == MDL_OK ? out.address : 0;
}

static void test_leaf(void)
{
	struct bench b;

	open(&b, "amd-everything");
	is_u64(goes(&b), b.page, "a page is read");
	is_u64(mdl_amd_cached(&b.r.u), 5, "and kept: the entry of the device, three directories, the page");
	arig_put(&b.r, b.pte, PERMIT | b.other | 1);
	is_u64(goes(&b), b.page, "a changed entry is not seen");
	is_u64(arig_look(&b.r, SID_B, MDL_READ, A).address, b.page, "nor by another device of the domain");
	arig_command(&b.r, PAGES(5), ALL | PDE);
	is_u64(goes(&b), b.page, "3h of another domain drops nothing");
	arig_command(&b.r, PAGES(DOMAIN), A + 0x1000);
	is_u64(goes(&b), b.page, "nor 3h of the next page");
	arig_command(&b.r, DEVTAB(SID_A), 0);
	is_u64(goes(&b), b.page, "nor 2h");
	arig_command(&b.r, PAGES(DOMAIN), A);
	is_u64(goes(&b), b.other, "3h of the page does");
	arig_put(&b.r, b.pte, PERMIT | b.page | 1);
	arig_command(&b.r, PAGES(DOMAIN), 0x1234567000 | S_BIT | 0xF000); /* 128 KiB around it */
	is_u64(goes(&b), b.page, "3h of a range around it, too");
	arig_put(&b.r, b.pte, PERMIT | b.other | 1);
	arig_command(&b.r, PAGES(DOMAIN), ALL);
	is_u64(goes(&b), b.other, "and 3h of everything");
	arig_put(&b.r, b.pte, (PERMIT & ~BIT(61)) | b.other | 1);
	is_u64(goes(&b), b.other, "a permission that was taken away is still there");
	arig_command(&b.r, UINT64_C(0x8000000000000000), 0);
	is_u64(goes(&b), 0, "until 8h");
	arig_put(&b.r, b.pte, PERMIT | b.other | 1);
	is_u64(goes(&b), b.other, "what is not present or not permitted is not kept with NpCache=0");
	arig_close(&b.r);
}

static void test_directories(void)
{
	struct bench b;

	for (unsigned level = 2; level <= 4; level++) {
		uint64_t pde, fresh;

		open(&b, "amd-everything");
		goes(&b);
		pde = arig_entry(&b.r, b.root, 4, level, A);
		fresh = arig_pages(&b.r, 1);
		arig_put(&b.r, pde, PERMIT | fresh | (level - 1) * 0x200u | 1);
		arig_put(&b.r, arig_entry(&b.r, fresh, level - 1, 1, A), PERMIT | b.other | 1);
		arig_command(&b.r, PAGES(DOMAIN), A);
		is_u64(goes(&b), b.page, "level %u: a replaced table is not seen by 3h with PDE=0", level);
		arig_command(&b.r, PAGES(DOMAIN), A | PDE);
		is_u64(goes(&b), b.other, "with PDE=1 it is");
		arig_close(&b.r);
	}
}

static void test_large(void)
{
	struct bench b;
	uint64_t large;

	open(&b, "amd-everything");
	large = arig_entry(&b.r, b.root, 4, 1, 0x200000);
	for (unsigned i = 0; i < 16; i++) /* 64 KiB: 16 copies */
		arig_put(&b.r, large + 8 * i, PERMIT | 0x1007000 | 0xE00 | 1);
	is_u64(arig_look(&b.r, SID_A, MDL_READ, 0x20F123).address, 0x100F123, "a page of 64 KiB");
	for (unsigned i = 0; i < 16; i++)
		arig_put(&b.r, large + 8 * i, 0);
	is_u64(arig_look(&b.r, SID_A, MDL_READ, 0x203000).address, 0x1003000, "is kept whole");
	arig_command(&b.r, PAGES(DOMAIN), 0x201000);
	is_u64(arig_look(&b.r, SID_A, MDL_READ, 0x20F000).kind, MDL_BLOCKED, "and goes whole");
	arig_close(&b.r);
}

static void test_device(void)
{
	struct bench b;
	uint64_t event[2];

	open(&b, "amd-everything");
	goes(&b);
	arig_dte(&b.r, SID_A, 3, 7, 0, 0); /* mode 0, nothing allowed */
	is_u64(goes(&b), b.page, "a changed device table entry is not seen");
	arig_command(&b.r, DEVTAB(SID_B), 0);
	is_u64(goes(&b), b.page, "2h of another device does not drop it");
	arig_command(&b.r, DEVTAB(SID_A), 0);
	is_u64(goes(&b), 0, "2h does");
	ok(arig_event(&b.r, event) && fld_get(BITS(47, 32), event[0]) == 7, "the event shows the new domain");
	arig_dte(&b.r, SID_A, 0, 0, 0, 0);
	is_u64(goes(&b), 0, "V=0 is not seen before 2h, either");
	arig_command(&b.r, DEVTAB(SID_A), 0);
	is_u64(goes(&b), A, "after it requests pass");
	arig_dte(&b.r, SID_A, 3, 7, 0, 0);
	is_u64(goes(&b), A, "and V=0 is kept like any other entry");
	arig_set(&b.r, 0x0018, 0x1404);
	arig_set(&b.r, 0x0018, 0x1405);
	is_u64(goes(&b), A, "IommuEn off and on drops nothing");
	arig_close(&b.r);
}

static void test_not_present(void)
{
	struct bench b;

	open(&b, "amd-caching");
	arig_put(&b.r, b.pte, 0);
	is_u64(goes(&b), 0, "NpCache=1: a page that is not present");
	arig_put(&b.r, b.pte, PERMIT | b.page | 1);
	is_u64(goes(&b), 0, "stays so");
	arig_command(&b.r, PAGES(DOMAIN), A);
	is_u64(goes(&b), b.page, "until 3h");
	arig_close(&b.r);
}

static void test_deferred(void)
{
	struct bench b;

	open(&b, "amd-strict");
	goes(&b);
	arig_put(&b.r, b.pte, PERMIT | b.other | 1);
	arig_command(&b.r, PAGES(DOMAIN), A);
	is_u64(goes(&b), b.page, "where commands may take their time, 3h alone drops nothing");
	arig_wait(&b.r);
	is_u64(goes(&b), b.other, "COMPLETION_WAIT does");
	arig_close(&b.r);
}

static void test_lazy(void)
{
	struct bench b;

	open(&b, "amd-lazy");
	goes(&b);
	is_u64(mdl_amd_cached(&b.r.u), 0, "the lazy unit keeps nothing");
	arig_put(&b.r, b.pte, PERMIT | b.other | 1);
	is_u64(goes(&b), b.other, "and sees everything at once");
	arig_close(&b.r);
}

static void test_prefetch(void)
{
	struct bench b;
	uint64_t event[2];

	open(&b, "amd-everything");
	arig_command(&b.r, UINT64_C(0x6000000000000000) | SID_A, A);
	arig_put(&b.r, b.pte, PERMIT | b.other | 1);
	is_u64(goes(&b), b.page, "6h brings in a page");
	arig_command(&b.r, UINT64_C(0x6000000000000000) | SID_A, A | 0x10);
	is_u64(goes(&b), b.other, "with Inval=1 anew");
	arig_command(&b.r, UINT64_C(0x6000000000000000) | SID_A, A + 0x1000);
	ok(!arig_event(&b.r, event), "what is not mapped is no event");
	arig_close(&b.r);
}

static void test_configurations(void)
{
	struct mdl_amd_config c = *mdl_amd_config_find("amd-everything");
	const char *why = NULL;
	enum status refused;

	for (unsigned i = 0; mdl_amd_configs[i]; i++)
		is_u64((uint64_t)mdl_amd_config_check(mdl_amd_configs[i], NULL), OK, "%s is consistent",
		       mdl_amd_configs[i]->name);
	ok(!mdl_amd_config_find("amd-nothing"), "a configuration that does not exist");
	c.efr &= ~EFR_GA;
	refused = mdl_amd_config_check(&c, &why);
	ok(refused == ERR_INVALID && why, "XTSup without GASup is refused: %s", why ? why : "no reason");
	c = *mdl_amd_config_find("amd-everything");
	c.efr |= EFR_SNP;
	is_u64((uint64_t)mdl_amd_config_check(&c, NULL), (uint64_t)ERR_INVALID, "SNP is left out");
	c = *mdl_amd_config_find("amd-everything");
	c.cache_entries = 3;
	is_u64((uint64_t)mdl_amd_config_check(&c, NULL), (uint64_t)ERR_INVALID,
	       "three cache entries are no power of two");
}

int main(void)
{
	test_leaf();
	test_directories();
	test_large();
	test_device();
	test_not_present();
	test_deferred();
	test_lazy();
	test_prefetch();
	test_configurations();
	return done();
}
