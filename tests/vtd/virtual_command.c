/*
 * The virtual command interface (VT-d 11.4.44 to 11.4.47): PASIDs allocated and freed by the hypervisor.
 *
 * The layout of command and response changed in 2021: operand and result from bit 8, status in 2:1, became operand and
 * result from bit 16, status in 7:1. Which of the two a unit has shows in the first results.
 */
#include "tests/test.h"
#include "drivers-iommu/vtd/unit.h"

#define NEEDS    NEED_VTD
#define WAIT_US  1000000u
#define BUDGET   20000000u
#define PASIDS_N 0x100000u

enum { VCMD_ALLOCATE = 1, VCMD_FREE = 2 };

#define RSP_OLD_SC      BITS(2, 1)
#define RSP_OLD_RESULT  BITS(27, 8)
#define RSP_NEW_SC      BITS(7, 1)
#define RSP_NEW_RESULT  BITS(35, 16)
#define RSP_ONLY_OLD    BITS(15, 8) /* part of the result in the old layout, reserved in the new one */

struct vc {
	const mmio_t *regs;
	bool old;
	uint8_t *taken; /* one bit for each PASID that is ours */
};

static uint64_t command(struct test *t, struct vc *v, unsigned cmd, uint32_t pasid)
{
	deadline_t d = deadline_in_us(WAIT_US);

	mmio_wr(v->regs, VTD_VCMD, cmd | FLD(v->old ? RSP_OLD_RESULT : RSP_NEW_RESULT, pasid));
	for (;;) {
		bool over = deadline_over(&d);
		uint64_t rsp = mmio_rd(v->regs, VTD_VCRSP);

		if (!(rsp & VCRSP_IP))
			return rsp;
		if (over) {
			fail(t, "VCRSP.IP = 0", "VCRSP.IP = 1 after a second");
			return rsp;
		}
	}
}

static uint64_t status_of(const struct vc *v, uint64_t rsp)
{
	return fld_get(v->old ? RSP_OLD_SC : RSP_NEW_SC, rsp);
}

static void mark(struct vc *v, uint32_t pasid, bool taken)
{
	v->taken[pasid / 8] = (uint8_t)((v->taken[pasid / 8] & ~pow2(pasid % 8)) | (taken ? pow2(pasid % 8) : 0));
}

/* A PASID, 0 where there is none; *status tells. */
static uint32_t allocate(struct test *t, struct vc *v, uint64_t *status)
{
	uint64_t rsp = command(t, v, VCMD_ALLOCATE, 0);
	uint32_t pasid = (uint32_t)fld_get(v->old ? RSP_OLD_RESULT : RSP_NEW_RESULT, rsp);

	*status = status_of(v, rsp);
	if (*status)
		return 0;
	mark(v, pasid, true);
	return pasid;
}

static uint64_t release(struct test *t, struct vc *v, uint32_t pasid)
{
	mark(v, pasid, false);
	return status_of(v, command(t, v, VCMD_FREE, pasid));
}

static void release_all(struct test *t, struct vc *v)
{
	for (uint32_t pasid = 0; pasid < PASIDS_N; pasid++)
		if (v->taken[pasid / 8] & pow2(pasid % 8))
			release(t, v, pasid);
}

/* Finds the layout by the results of two allocations, which the old one shows in bits 15:8. */
static void vc_start(struct test *t, struct vc *v)
{
	uint64_t a, b;

	*v = (struct vc){ .regs = &t->bench->vtd->regs };
	if (!t->bench->vtd->caps.vcs)
		skip(t, "ECAP.VCS = 0");
	if (!(mmio_rd(v->regs, VTD_VCCAP) & VCCAP_PAS))
		skip(t, "VCCAP.PAS = 0");
	v->taken = page_alloc(t, PASIDS_N / 8, 0)->p;
	a = command(t, v, VCMD_ALLOCATE, 0);
	b = command(t, v, VCMD_ALLOCATE, 0);
	if (status_of(v, a) || status_of(v, b))
		give_up(t, "the unit has no two PASIDs to give");
	v->old = (a | b) & RSP_ONLY_OLD;
	release(t, v, (uint32_t)fld_get(v->old ? RSP_OLD_RESULT : RSP_NEW_RESULT, a));
	release(t, v, (uint32_t)fld_get(v->old ? RSP_OLD_RESULT : RSP_NEW_RESULT, b));
}

TEST(vc_pas,
     .id = "vtd.vc.capability",
     .checks = "VTD-VC-001",
     .given = "VCS = 1",
     .expects = "VCCAP.PAS = 1",
     .needs = NEEDS)
{
	if (!t->bench->vtd->caps.vcs)
		skip(t, "ECAP.VCS = 0");
	expect_eq(t, "VCCAP.PAS", fld_get(VCCAP_PAS, mmio_rd(&t->bench->vtd->regs, VTD_VCCAP)), 1);
}

TEST(vc_absent,
     .id = "vtd.vc.absent",
     .checks = "VTD-VC-008",
     .given = "VCS = 0",
     .expects = "VCCAP reads 0",
     .needs = NEEDS)
{
	if (t->bench->vtd->caps.vcs)
		skip(t, "ECAP.VCS = 1");
	expect_eq(t, "VCCAP", mmio_rd(&t->bench->vtd->regs, VTD_VCCAP), 0);
}

TEST(vc_allocate,
     .id = "vtd.vc.allocate",
     .checks = "VTD-VC-002 VTD-VC-003",
     .given = "two allocations",
     .expects = "both succeed, with PASIDs that are not 0 and differ",
     .needs = NEEDS)
{
	struct vc v;
	uint64_t status[2];
	uint32_t pasid[2];

	vc_start(t, &v);
	for (unsigned i = 0; i < 2; i++) {
		pasid[i] = allocate(t, &v, &status[i]);
		expect_eq(t, "status of the allocation", status[i], 0);
		expect_true(t, pasid[i] != 0, "a PASID other than 0");
	}
	expect_true(t, pasid[0] != pasid[1], "two PASIDs that differ");
	release_all(t, &v);
}

TEST(vc_free,
     .id = "vtd.vc.free",
     .checks = "VTD-VC-004",
     .given = "a PASID that was allocated, freed",
     .expects = "status 0",
     .needs = NEEDS)
{
	struct vc v;
	uint64_t status;
	uint32_t pasid;

	vc_start(t, &v);
	pasid = allocate(t, &v, &status);
	if (!expect_eq(t, "status of the allocation", status, 0))
		return;
	expect_eq(t, "status of the release", release(t, &v, pasid), 0);
}

TEST(vc_free_twice,
     .id = "vtd.vc.free_unallocated",
     .checks = "VTD-VC-005",
     .given = "a PASID freed twice",
     .expects = "the second time an error: 16, or 1 or 2 in the old layout",
     .needs = NEEDS)
{
	struct vc v;
	uint64_t status;
	uint32_t pasid;

	vc_start(t, &v);
	pasid = allocate(t, &v, &status);
	expect_eq(t, "status of the release", release(t, &v, pasid), 0);
	status = release(t, &v, pasid);
	if (v.old ? status != 1 && status != 2 : status != 16)
		fail(t, "status 16, or 1 or 2 in the old layout", "status %u, %s layout", (unsigned)status,
		     v.old ? "old" : "new");
	else
		observe(t, "status %u, %s layout", (unsigned)status, v.old ? "old" : "new");
}

TEST(vc_free_other,
     .id = "vtd.vc.free_other",
     .checks = "VTD-VC-005",
     .given = "one PASID allocated, another freed again; others that differ from the first in one bit, freed",
     .expects = "an error each time, and the first can be freed once",
     .needs = NEEDS)
{
	struct vc v;
	uint64_t status;
	uint32_t mine, again;

	vc_start(t, &v);
	mine = allocate(t, &v, &status);
	again = allocate(t, &v, &status);
	expect_eq(t, "status of the release", release(t, &v, again), 0);
	for (unsigned bit = 0; bit < 20; bit++) {
		uint32_t other = mine ^ (uint32_t)pow2(bit);

		if (!expect_true(t, status_of(&v, command(t, &v, VCMD_FREE, other)) != 0, "freeing a stranger is an error")) {
			note(t, "PASID %u, ours is %u", other, mine);
			break;
		}
	}
	expect_eq(t, "status of the release", release(t, &v, mine), 0);
	observe(t, "status %u", (unsigned)status_of(&v, command(t, &v, VCMD_FREE, mine)));
}

TEST(vc_unknown,
     .id = "vtd.vc.unknown_command",
     .given = "an allocation, then a command that does not exist",
     .expects = "the response of the latter has an error status and no PASID",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct vc v;
	uint64_t status, rsp;

	vc_start(t, &v);
	(void)allocate(t, &v, &status);
	rsp = command(t, &v, 0x7f, 0);
	expect_true(t, status_of(&v, rsp) != 0, "an error status");
	expect_eq(t, "PASID", fld_get(v.old ? RSP_OLD_RESULT : RSP_NEW_RESULT, rsp), 0);
	release_all(t, &v);
}

/* Takes every PASID that there is; returns how many, and the last status. */
static uint32_t exhaust(struct test *t, struct vc *v, uint64_t *status)
{
	uint32_t n = 0;

	while (n < PASIDS_N && allocate(t, v, status))
		n++;
	return n;
}

TEST(vc_exhausted,
     .id = "vtd.vc.exhausted",
     .checks = "VTD-VC-006 VTD-VC-007",
     .given = "allocations until there are no more; one PASID freed, one allocation more",
     .expects = "an error status; then the PASID that was freed",
     .needs = NEEDS,
     .budget_us = BUDGET)
{
	struct vc v;
	uint64_t status = 0;
	uint32_t pasid;

	vc_start(t, &v);
	pasid = allocate(t, &v, &status);
	exhaust(t, &v, &status);
	expect_true(t, status != 0, "an error status of the last allocation");
	expect_eq(t, "status of the release", release(t, &v, pasid), 0);
	expect_eq(t, "PASID", allocate(t, &v, &status), pasid);
	release_all(t, &v);
}
