/*
 * Memory above 4 GiB (AMD IOMMU 2.2, 2.4, 2.5): every structure of the model's unit lies there, and nothing answers
 * below. Machines whose memory ends earlier cannot show this with their engines.
 */
#include "tests/amdvi/model_space.h"

#define NEEDS NEED_AMDVI
#define RING  UINT64_C(0x0800000000000000)

/* Device table, command buffer and event log up there. */
static struct am *start(struct test *t, uint64_t more)
{
	struct am *a = am_start(t, 0);

	am_set(a, 0x0018, 0);
	am_set(a, 0x0000, a->devtab | AM_HIGH | 2);
	am_set(a, 0x0008, a->commands | AM_HIGH | RING);
	am_set(a, 0x0010, a->events | AM_HIGH | RING);
	a->high = true;
	am_set(a, 0x0018, 0x1405 | more);
	return a;
}

TEST(model_high_rings,
     .id = "amdvi.model.high.rings", .checks = "AMD-CMD-004 AMD-CMD-049 AMD-EVT-024",
     .given = "command buffer, store address and event log above 4 GiB",
     .expects = "the store, and the event", .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = start(t, 0);
	uint64_t page = am_page(a), event[2] = { 0, 0 };

	am_put_cmd(a, AM_OP(1) | page | AM_HIGH | 1, 0x55aa);
	expect_eq(t, "the store", am_get(page), 0x55aa);
	am_put_cmd(a, AM_OP(1) | page | 1, 0x66bb);
	expect_eq(t, "an event of a store below", am_event(a, event), 1);
	expect_true(t, event[0] == UINT64_C(0x6200000000000000) && event[1] == page, "COMMAND_HARDWARE_ERROR");
}

TEST(model_high_tables,
     .id = "amdvi.model.high.tables", .checks = "AMD-DTE-043 AMD-DTE-044 AMD-PT-077 AMD-PT-078",
     .given = "device table, host tables and page above 4 GiB, an address below it", .expects = "the page is reached",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = start(t, 0);
	unsigned levels = am_levels(t);
	uint64_t root = am_page(a), page = am_page(a), iova = 0x12345000;

	if (!levels)
		skip(t, "EFR.HATS = 11b");
	am_put(am_entry(a, root, levels, 1, iova), AM_PERMIT | page | AM_HIGH | 1);
	for (unsigned level = 2; level <= levels; level++) {
		/* From the lowest up: the way down goes through entries that are as they were. */
		uint64_t at = am_entry(a, root, levels, level, iova);

		am_put(at, am_get(at) | AM_HIGH);
	}
	am_dte(a, AM_SID, am_dte0(levels, root | AM_HIGH), AM_DOMAIN, 0, 0);
	for (unsigned i = 0; i < 2; i++)
		expect_true(t, am_goes(a, iova + 8) == (page | AM_HIGH) + 8, "the page");
	expect_eq(t, "events", am_code(a), 0);
}

TEST(model_high_interrupts,
     .id = "amdvi.model.high.interrupts", .checks = "AMD-IR-018",
     .given = "an interrupt table above 4 GiB", .expects = "its entry is used", .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = start(t, 0);
	uint64_t table = am_page(a);

	am_put(table, 0x00410001);
	am_dte(a, AM_SID, 0, AM_DOMAIN, 1 | table | AM_HIGH | 8 | 2 * BIT(60), 0);
	mdl_amd_interrupt(&a->u, AM_SID, UINT64_C(0xfee00000), 0);
	expect_true(t, a->messages_n == 1 && a->messages[0].data == 0x41, "the vector of the entry");
}

/* Where the unit looks for the GCR3 entry shows in the event of a table that is not there. */
TEST(model_high_gcr3,
     .id = "amdvi.model.high.gcr3", .checks = "AMD-GT-031",
     .given = "a GCR3 root of which each bit alone is 1, nothing there", .expects = "the event has its address",
     .needs = NEEDS | NEED_AMD_GT, .flags = TEST_MODEL)
{
	struct space s = ags_start(t, 4, 0);

	s.a->high = true;
	am_set(s.a, 0x0018, 0);
	am_set(s.a, 0x0000, s.a->devtab | AM_HIGH | 2);
	am_set(s.a, 0x0008, s.a->commands | AM_HIGH | RING);
	am_set(s.a, 0x0010, s.a->events | AM_HIGH | RING);
	am_set(s.a, 0x0018, 0x1405 | BIT(16));
	for (unsigned bit = 12; bit < 52; bit++) {
		const struct mdl_request rq = ags_request(&s, READ, AM_IOVA);
		uint64_t event[2] = { 0, 0 };

		if (BIT(bit) == AM_HIGH) /* there is something: memory from 0 on, where a kernel has some */
			continue;
		s.gcr3 = BIT(bit);
		ags_entry(&s, 0, 0);
		am_look(s.a, &rq);
		am_event(s.a, event);
		am_is(t, "the code", shr(event[0], 60), 4, bit);
		am_is(t, "the address", event[1], BIT(bit) + 8 * PASID, bit);
	}
}
