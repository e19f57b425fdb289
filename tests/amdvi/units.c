/*
 * Several units of one machine (AMD IOMMU 2.3, 2.4): what is the same in all of them, and what each does by itself.
 */
#include "tests/amdvi/fixture.h"

/* Another unit than the one under test. */
static struct amdvi_unit *other_unit(struct test *t)
{
	unsigned n;
	struct amdvi_unit *units = bench_amdvi_units(t->bench, &n);

	for (unsigned i = 0; i < n; i++)
		if (units[i].base.v != t->bench->amdvi->base.v)
			return &units[i];
	skip(t, "one unit only");
	return NULL;
}

TEST(units_features, .id = "amdvi.units.features", .checks = "AMD-REG-057", .given = "the EFR of each unit",
     .expects = "they are the same", .needs = NEED_AMDVI)
{
	const struct amdvi_unit *other = other_unit(t);

	expect_eq(t, "EFR of another unit", mmio_rd(&other->regs, AMDVI_EFR), mmio_rd(ax_regs(t), AMDVI_EFR));
}

static uint64_t head(const struct amdvi_unit *u)
{
	return mmio_rd(&u->regs, AMDVI_CMD_HEAD);
}

/* On model machines: what firmware keeps behind the other unit of a real one must go on. */
TEST(units_rings, .id = "amdvi.units.rings", .checks = "AMD-INIT-007",
     .given = "two units on, commands for one, then for the other",
     .expects = "each fetches and completes its own alone", .needs = NEED_AMDVI, .flags = TEST_MODEL)
{
	struct amdvi_unit *other = other_unit(t);
	struct ax *ax = ax_start(t, NULL);
	struct amdvi_setup setup = { .devtab = &ax->devtab, .cmd_log2 = 8, .evt_log2 = 8 };
	struct amdvi_cmd c = amdvi_cmd_devtab_entry(1);
	uint64_t here, there;

	must(t, amdvi_unit_prepare(other, &setup), "preparing the other unit");
	if (expect_eq(t, "the other unit starts", amdvi_unit_start(other), OK)) {
		here = head(ax->u);
		there = head(other);
		expect_eq(t, "a command of the other unit", amdvi_execute(other, &c, 1), OK);
		expect_eq(t, "head of this unit", head(ax->u), here);
		expect_true(t, head(other) != there, "head of the other unit moved");
		there = head(other);
		expect_eq(t, "a command of this unit", amdvi_execute(ax->u, &c, 1), OK);
		expect_eq(t, "head of the other unit", head(other), there);
		expect_true(t, head(ax->u) != here, "head of this unit moved");
	}
	expect_eq(t, "the other unit comes to rest", amdvi_unit_quiesce(other), OK);
}

/* As above; what this unit has cached is its own until it is told. */
TEST(units_invalidation, .id = "amdvi.units.invalidation", .checks = "AMD-INV-032",
     .given = "a page used and taken away; the invalidation given to another unit, then to its own",
     .expects = "only its own must serve: DMA then stops",
     .needs = NEED_AMDVI | NEED_AMD_HOST | NEED_ENGINE_DIRECT | NEED_ENGINE, .flags = TEST_MODEL)
{
	struct amdvi_unit *other = other_unit(t);
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	struct ax *ax = ax_of(t);
	struct amdvi_setup setup = { .devtab = &ax->devtab, .cmd_log2 = 8, .evt_log2 = 8 };
	struct ax_req *r = ax_req(t, t->engine);
	struct amdvi_cmd c = amdvi_cmd_pages(r->domain_id, amdvi_span_all(), true);
	uint64_t here;

	ax_allowed(t, AX_A, p);
	must(t, amdvi_unit_prepare(other, &setup), "preparing the other unit");
	if (expect_eq(t, "the other unit starts", amdvi_unit_start(other), OK)) {
		ax_set(ax_entry(t, r, AX_A, 1), 0);
		here = head(ax->u);
		expect_eq(t, "the command of the other unit", amdvi_execute(other, &c, 1), OK);
		expect_eq(t, "head of this unit", head(ax->u), here);
		ax_cmd(t, c);
		ax_blocked(t, AX_A, p);
	}
	expect_eq(t, "the other unit comes to rest", amdvi_unit_quiesce(other), OK);
}
