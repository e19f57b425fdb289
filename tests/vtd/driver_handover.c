/* A unit that firmware left on is taken over, and in the end put back as it was. */
#include "drivers-iommu/vtd/handover.h"
#include "tests/vtd/judge.h"

/* A second look at the unit of the fixture, as the driver has when it comes after firmware. */
static struct vtd_unit *take_over(struct test *t)
{
	struct vtd_unit *old = t->bench->vtd;
	struct vtd_unit *u = (struct vtd_unit *)(void *)page_alloc(t, sizeof(*u), 0)->p;

	must(t, vtd_unit_open(old->machine, old->base, old->haw_bits, old->segment, u), "taking the unit over");
	return u;
}

static void translation(struct test *t)
{
	enum fx_mode mode = (enum fx_mode)t->desc->arg;
	struct page *p = fx_start_mapped(t, mode);
	uint32_t before = mmio_rd(&t->bench->vtd->regs, VTD_GSTS) & (uint32_t)(GSTS_TES | GSTS_IRES | GSTS_CFIS);
	uint64_t root = mmio_rd(&t->bench->vtd->regs, VTD_RTADDR);
	struct vtd_unit *u;

	expect_write(t, IOVA_A, p, 0, DMA_DONE);
	u = take_over(t);
	expect_true(t, vtd_found_on(u), "it was found on");
	expect_eq(t, "TES once it is taken over", mmio_rd(&u->regs, VTD_GSTS) & GSTS_TES, 0);
	expect_write(t, IOVA(p->pa.v), p, 0, DMA_DONE);
	must(t, vtd_srtp(u, page_alloc(t, PAGE_BYTES, 0)->pa, TTM_LEGACY), "another root table");
	must(t, vtd_give_back(u), "giving the unit back");
	expect_eq(t, "TES, IRES and CFIS once it is given back",
		  mmio_rd(&u->regs, VTD_GSTS) & (GSTS_TES | GSTS_IRES | GSTS_CFIS), before);
	expect_eq(t, "root table", mmio_rd(&u->regs, VTD_RTADDR), root);
	expect_write(t, IOVA_A, p, 0, DMA_DONE);
	expect_write(t, IOVA_B, p, 0, DMA_REFUSED);
	must(t, vtd_unit_quiesce(u), "taking it once more");
}

TEST_TABLE(handover_translation,
	{ .id = "vtd.driver.handover.translation", .body = translation, .arg = FX_LEGACY,
	  .given = "translation left on by somebody, in legacy mode; taken over, then given back",
	  .expects = "off, then on again with the same tables",
	  .needs = NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT },
	{ .id = "vtd.driver.handover.scalable", .body = translation, .arg = FX_SM_SS,
	  .given = "translation left on by somebody, in scalable mode; taken over, then given back",
	  .expects = "off, then on again with the same tables",
	  .needs = NEED_VTD | NEED_SM | NEED_SSTS | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT });

TEST(handover_interrupts,
     .id = "vtd.driver.handover.interrupts",
     .given = "interrupt remapping and the queue left on; taken over, then given back",
     .expects = "both off, then on again with the same table and the same queue, which is empty",
     .needs = NEED_VTD | NEED_IR | NEED_QI)
{
	struct vtd_unit *old = t->bench->vtd, *u;
	struct page *table = page_alloc(t, PAGE_BYTES, 0), *queue = page_alloc(t, PAGE_BYTES, 0);

	must(t, vtd_unit_quiesce(old), "a quiet unit");
	must(t, vtd_sirtp(old, table->pa, 8, false), "an interrupt table");
	mmio_wr(&old->regs, VTD_IQT, UINT64_C(0));
	mmio_wr(&old->regs, VTD_IQA, queue->pa.v);
	must(t, vtd_gcmd_set(old, GCMD_QIE), "a queue");
	must(t, vtd_gcmd_set(old, GCMD_IRE), "interrupt remapping");
	u = take_over(t);
	expect_eq(t, "IRES and QIES once it is taken over", mmio_rd(&u->regs, VTD_GSTS) & (GSTS_IRES | GSTS_QIES), 0);
	mmio_wr(&u->regs, VTD_IQA, table->pa.v);
	must(t, vtd_give_back(u), "giving the unit back");
	expect_eq(t, "IRES and QIES once it is given back", mmio_rd(&u->regs, VTD_GSTS) & (GSTS_IRES | GSTS_QIES),
		  GSTS_IRES | GSTS_QIES);
	expect_eq(t, "interrupt table", mmio_rd(&u->regs, VTD_IRTA) & IRTA_IRTA, table->pa.v);
	expect_eq(t, "queue", mmio_rd(&u->regs, VTD_IQA) & IQA_IQA, queue->pa.v);
	expect_eq(t, "head of the queue", mmio_rd(&u->regs, VTD_IQH), 0);
	must(t, vtd_unit_quiesce(u), "taking it once more");
}

/* What firmware may have set that no status bit tells of. */
static const reg32_t messages[][3] = {
	{ VTD_FEDATA, VTD_FEADDR, VTD_FEUADDR },
	{ VTD_IEDATA, VTD_IEADDR, VTD_IEUADDR },
	{ VTD_PEDATA, VTD_PEADDR, VTD_PEUADDR },
};

static const reg32_t controls[] = { VTD_FECTL, VTD_IECTL, VTD_PECTL };

#define MESSAGES_N ARRAY_LEN(messages)

/* Data, address and upper address of each kind of event that the unit has, each with a value of its own. */
static void messages_write(struct vtd_unit *u, const bool *has, uint32_t salt)
{
	for (unsigned i = 0; i < MESSAGES_N; i++)
		for (unsigned k = 0; has[i] && k < 3; k++)
			mmio_wr(&u->regs, messages[i][k], k == 1 ? 0xfee00000 | (salt + i) << 12 : k ? 0 : salt + i);
}

TEST(handover_registers,
     .id = "vtd.driver.handover.registers",
     .given = "events unmasked with messages, ranges of protected memory that is off; taken over, changed, given back",
     .expects = "every one of the registers as it was",
     .needs = NEED_VTD)
{
	struct vtd_unit *old = t->bench->vtd, *u;
	const struct vtd_caps *c = &old->caps;
	const bool has[MESSAGES_N] = { true, c->qi, c->prs };
	uint32_t was[MESSAGES_N][3] = { { 0 } }, plm[2] = { 0 };
	uint64_t phm[2] = { 0 };

	must(t, vtd_unit_quiesce(old), "a quiet unit");
	messages_write(old, has, 0x31);
	for (unsigned i = 0; i < MESSAGES_N; i++) {
		for (unsigned k = 0; has[i] && k < 3; k++)
			was[i][k] = mmio_rd(&old->regs, messages[i][k]);
		if (has[i])
			mmio_wr(&old->regs, controls[i], 0);
	}
	if (c->plmr) {
		mmio_wr(&old->regs, VTD_PLMBASE, 0x40000000);
		mmio_wr(&old->regs, VTD_PLMLIMIT, 0x7fffffff);
		plm[0] = mmio_rd(&old->regs, VTD_PLMBASE);
		plm[1] = mmio_rd(&old->regs, VTD_PLMLIMIT);
	}
	if (c->phmr) {
		mmio_wr(&old->regs, VTD_PHMBASE, BIT(33));
		mmio_wr(&old->regs, VTD_PHMLIMIT, BIT(34) - 1);
		phm[0] = mmio_rd(&old->regs, VTD_PHMBASE);
		phm[1] = mmio_rd(&old->regs, VTD_PHMLIMIT);
	}
	u = take_over(t);
	messages_write(u, has, 0x52);
	if (c->plmr) {
		mmio_wr(&u->regs, VTD_PLMBASE, 0);
		mmio_wr(&u->regs, VTD_PLMLIMIT, 0);
	}
	if (c->phmr) {
		mmio_wr(&u->regs, VTD_PHMBASE, UINT64_C(0));
		mmio_wr(&u->regs, VTD_PHMLIMIT, UINT64_C(0));
	}
	must(t, vtd_give_back(u), "giving the unit back");
	for (unsigned i = 0; i < MESSAGES_N; i++) {
		for (unsigned k = 0; has[i] && k < 3; k++)
			if (!expect_eq(t, "a message register", mmio_rd(&u->regs, messages[i][k]), was[i][k]))
				note(t, "event %u, register %u", i, k);
		if (has[i] && !expect_eq(t, "the mask of an event", mmio_rd(&u->regs, controls[i]) & FECTL_IM, 0))
			note(t, "event %u", i);
	}
	if (c->plmr) {
		expect_eq(t, "PLMBASE", mmio_rd(&u->regs, VTD_PLMBASE), plm[0]);
		expect_eq(t, "PLMLIMIT", mmio_rd(&u->regs, VTD_PLMLIMIT), plm[1]);
	}
	if (c->phmr) {
		expect_eq(t, "PHMBASE", mmio_rd(&u->regs, VTD_PHMBASE), phm[0]);
		expect_eq(t, "PHMLIMIT", mmio_rd(&u->regs, VTD_PHMLIMIT), phm[1]);
	}
	must(t, vtd_unit_quiesce(u), "taking it once more");
}

TEST(handover_quiet,
     .id = "vtd.driver.handover.quiet",
     .given = "a unit with everything off; looked at, taken over, given back",
     .expects = "looking writes nothing, and it stays off",
     .needs = NEED_VTD)
{
	struct vtd_unit *old = t->bench->vtd, *u;

	must(t, vtd_unit_quiesce(old), "a quiet unit");
	u = take_over(t);
	expect_true(t, !vtd_found_on(u), "nothing was found on");
	must(t, vtd_give_back(u), "giving the unit back");
	expect_eq(t, "GSTS", mmio_rd(&u->regs, VTD_GSTS) & (GSTS_TES | GSTS_IRES | GSTS_QIES | GSTS_CFIS), 0);
}
