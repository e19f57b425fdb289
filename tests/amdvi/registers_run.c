/*
 * Control and status (AMD IOMMU 3.4): run bits follow enable bits, status bits clear by 1, modes that do not exist.
 */
#include "tests/amdvi/fixture.h"

static const struct amdvi_caps *caps_of(const struct test *t)
{
	return &t->bench->amdvi->caps;
}

static bool runs(struct test *t, uint32_t bit, bool expected)
{
	enum status s = amdvi_status_wait(t->bench->amdvi, bit, expected);

	return expect_eq(t, "the run bit", s == OK ? expected : !expected, expected);
}

/* ---- run bits ---- */

struct ring_bits {
	uint64_t enable;
	uint32_t run;
};

static const struct ring_bits rings[] = {
	{ CTL_CMD_BUF_EN, ST_CMD_BUF_RUN }, { CTL_EVENT_LOG_EN, ST_EVENT_LOG_RUN }, { CTL_PPR_LOG_EN, ST_PPR_LOG_RUN },
};

static void run_on(struct test *t)
{
	const struct ring_bits *r = &rings[t->desc->arg];

	ax_prepare(t, &(struct ax_options){ .ppr = t->desc->arg == 2 });
	amdvi_ctl_set(ax_of(t)->u, r->enable);
	amdvi_ctl_set(ax_of(t)->u, CTL_IOMMU_EN);
	runs(t, r->run, true);
}

static void run_without_iommu(struct test *t)
{
	const struct ring_bits *r = &rings[t->desc->arg];

	ax_prepare(t, NULL);
	amdvi_ctl_set(ax_of(t)->u, r->enable);
	time_sleep_us(1000);
	expect_eq(t, "the run bit", !!(amdvi_status(ax_of(t)->u) & r->run), 0);
}

static void run_off(struct test *t)
{
	const struct ring_bits *r = &rings[t->desc->arg];

	ax_start(t, NULL);
	if (!runs(t, r->run, true))
		return;
	amdvi_ctl_clear(ax_of(t)->u, r->enable);
	runs(t, r->run, false);
}

TEST_TABLE(reg_run,
	{ .id = "amdvi.reg.run.cmd", .checks = "AMD-REG-034", .given = "CmdBufEn = 1, IommuEn = 1",
	  .expects = "CmdBufRun = 1",
	  .needs = NEED_AMDVI, .arg = 0, .body = run_on },
	{ .id = "amdvi.reg.run.cmd_iommu_off", .checks = "AMD-REG-035", .given = "CmdBufEn = 1, IommuEn = 0",
	  .expects = "CmdBufRun = 0", .needs = NEED_AMDVI, .arg = 0, .body = run_without_iommu },
	{ .id = "amdvi.reg.run.evt", .checks = "AMD-REG-036", .given = "EventLogEn = 1, IommuEn = 1",
	  .expects = "EventLogRun = 1", .needs = NEED_AMDVI, .arg = 1, .body = run_on },
	{ .id = "amdvi.reg.run.evt_iommu_off", .checks = "AMD-REG-037", .given = "EventLogEn = 1, IommuEn = 0",
	  .expects = "EventLogRun = 0", .needs = NEED_AMDVI, .arg = 1, .body = run_without_iommu },
	{ .id = "amdvi.reg.run.ppr", .checks = "AMD-REG-038", .given = "PprLogEn = 1, IommuEn = 1",
	  .expects = "PprLogRun = 1",
	  .needs = NEED_AMDVI | NEED_AMD_PPR, .arg = 2, .body = run_on },
	{ .id = "amdvi.reg.run.cmd_off", .checks = "AMD-REG-040", .given = "CmdBufEn from 1 to 0",
	  .expects = "CmdBufRun = 0",
	  .needs = NEED_AMDVI, .arg = 0, .body = run_off },
	{ .id = "amdvi.reg.run.evt_off", .checks = "AMD-REG-041", .given = "EventLogEn from 1 to 0",
	  .expects = "EventLogRun = 0", .needs = NEED_AMDVI, .arg = 1, .body = run_off });

TEST(reg_run_all_off, .id = "amdvi.reg.run.iommu_off", .checks = "AMD-REG-042", .given = "IommuEn from 1 to 0",
     .expects = "CmdBufRun = 0, EventLogRun = 0", .needs = NEED_AMDVI)
{
	ax_start(t, NULL);
	if (!runs(t, ST_CMD_BUF_RUN | ST_EVENT_LOG_RUN, true))
		return;
	amdvi_ctl_clear(ax_of(t)->u, CTL_IOMMU_EN);
	runs(t, ST_CMD_BUF_RUN | ST_EVENT_LOG_RUN, false);
}

TEST(reg_run_ga, .id = "amdvi.reg.run.ga", .checks = "AMD-REG-039",
     .given = "GALogEn = 1 with base, tail address, pointers",
     .expects = "GALogRun = 1", .needs = NEED_AMDVI | NEED_AMD_GA)
{
	struct page *ring = page_alloc(t, PAGE_BYTES, 0), *tail = page_alloc(t, PAGE_BYTES, 0);

	if (!caps_of(t)->gam)
		skip(t, "EFR.GAMSup = 0");
	ax_prepare(t, &(struct ax_options){ .ctl = CTL_GA_EN | FLD(CTL_GAM_EN, 1) });
	mmio_wr(ax_regs(t), AMDVI_GA_BASE, ring->pa.v | FLD(RING_LEN, 8));
	mmio_wr(ax_regs(t), AMDVI_GA_TAIL_ADDR, tail->pa.v);
	mmio_wr(ax_regs(t), AMDVI_GA_HEAD, 0);
	mmio_wr(ax_regs(t), AMDVI_GA_TAIL, 0);
	ax_on(t);
	amdvi_ctl_set(ax_of(t)->u, CTL_GA_LOG_EN);
	runs(t, ST_GA_LOG_RUN, true);
}

/* ---- status ---- */

TEST(reg_status_ro, .id = "amdvi.reg.status.read_only", .checks = "AMD-REG-031",
     .given = "ones and zeros written to run bits",
     .expects = "they stay", .needs = NEED_AMDVI)
{
	uint32_t before;

	ax_start(t, NULL);
	before = amdvi_status(ax_of(t)->u) & (uint32_t)ST_RUN;
	mmio_ack(ax_regs(t), AMDVI_STATUS, ST_RUN);
	expect_eq(t, "the run bits after ones", amdvi_status(ax_of(t)->u) & ST_RUN, before);
	mmio_ack(ax_regs(t), AMDVI_STATUS, 0);
	expect_eq(t, "the run bits after zeros", amdvi_status(ax_of(t)->u) & ST_RUN, before);
}

static void com_wait_int(struct test *t)
{
	ax_start(t, NULL);
	ax_cmd(t, amdvi_cmd_completion_wait(CW_I, PA(0), 0));
	if (!expect_eq(t, "ComWaitInt", !!(amdvi_status(ax_of(t)->u) & ST_COM_WAIT_INT), 1))
		run_escape();
}

TEST(reg_status_w0, .id = "amdvi.reg.status.write_0", .checks = "AMD-REG-032", .given = "ComWaitInt = 1, 0 written",
     .expects = "it stays 1", .needs = NEED_AMDVI)
{
	com_wait_int(t);
	mmio_ack(ax_regs(t), AMDVI_STATUS, 0);
	expect_eq(t, "ComWaitInt", !!(amdvi_status(ax_of(t)->u) & ST_COM_WAIT_INT), 1);
}

TEST(reg_status_w1, .id = "amdvi.reg.status.write_1", .checks = "AMD-REG-033",
     .given = "two status bits set, 1 written to one",
     .expects = "only that one is cleared", .needs = NEED_AMDVI)
{
	struct amdvi_cmd bad = { .q = { 0, 0 } };
	struct amdvi_unit *u;

	/* EventLogInt by an illegal command, ComWaitInt by a wait. */
	ax_start(t, &(struct ax_options){ .ctl = CTL_EVENT_INT_EN });
	u = ax_of(t)->u;
	must(t, amdvi_submit(u, &bad, 1), "a command");
	time_sleep_us(100);
	must(t, amdvi_cmdbuf_restart(u), "restarting the command buffer");
	ax_cmd(t, amdvi_cmd_completion_wait(CW_I, PA(0), 0));
	if (!expect_eq(t, "both bits", amdvi_status(u) & (ST_COM_WAIT_INT | ST_EVENT_LOG_INT),
		       ST_COM_WAIT_INT | ST_EVENT_LOG_INT))
		return;
	mmio_ack(&u->regs, AMDVI_STATUS, ST_COM_WAIT_INT);
	expect_eq(t, "both bits after the acknowledgement", amdvi_status(u) & (ST_COM_WAIT_INT | ST_EVENT_LOG_INT),
		  ST_EVENT_LOG_INT);
}

/* ---- control ---- */

TEST(reg_ctl_holds, .id = "amdvi.reg.ctl.holds", .checks = "AMD-REG-043",
     .given = "EventIntEn, ComWaitIntEn, Coherent, InvTimeOut written while IommuEn = 0", .expects = "they read back",
     .needs = NEED_AMDVI)
{
	const uint64_t all = CTL_EVENT_INT_EN | CTL_COM_WAIT_INT_EN | CTL_COHERENT | CTL_INV_TIMEOUT;
	const uint64_t patterns[] = { 0, CTL_EVENT_INT_EN, CTL_COM_WAIT_INT_EN, CTL_COHERENT, FLD(CTL_INV_TIMEOUT, 1),
				      FLD(CTL_INV_TIMEOUT, 2), FLD(CTL_INV_TIMEOUT, 6) };

	for (unsigned i = 0; i < ARRAY_LEN(patterns); i++) {
		mmio_wr(ax_regs(t), AMDVI_CTL, patterns[i]);
		expect_eq(t, "the bits as written", mmio_rd(ax_regs(t), AMDVI_CTL) & all, patterns[i]);
	}
	mmio_wr(ax_regs(t), AMDVI_CTL, 0);
}

static void mode_absent(struct test *t)
{
	const struct amdvi_caps *c = caps_of(t);
	const struct { uint64_t bits; bool there; const char *text; } all[] = {
		{ CTL_GT_EN, c->gt, "EFR.GTSup = 1" }, { CTL_GA_EN, c->ga, "EFR.GASup = 1" },
		{ CTL_XT_EN, c->xt, "EFR.XTSup = 1" },
		{ FLD(CTL_DEVTAB_SEG_EN, c->segments_log2 + 1), c->segments_log2 == 3, "EFR.DevTblSegSup = 11b" },
	};
	uint64_t bits = all[t->desc->arg].bits;

	if (all[t->desc->arg].there)
		skip(t, "%s", all[t->desc->arg].text);
	mmio_wr(ax_regs(t), AMDVI_CTL, bits);
	observe(t, (mmio_rd(ax_regs(t), AMDVI_CTL) & bits) == bits ? "the bits hold" : "the bits do not hold");
	mmio_wr(ax_regs(t), AMDVI_CTL, 0);
}

#define ABSENT_MODE(id_, row_, n_) \
	{ .id = "amdvi.reg.ctl." id_, .checks = row_, .given = "a mode written that EFR does not offer", \
	  .expects = "it does not hold", .needs = NEED_AMDVI, .arg = n_, .body = mode_absent }

TEST_TABLE(reg_modes, ABSENT_MODE("gt_absent", "AMD-REG-044", 0), ABSENT_MODE("ga_absent", "AMD-REG-045", 1),
	   ABSENT_MODE("xt_absent", "AMD-REG-046", 2), ABSENT_MODE("seg_absent", "AMD-REG-047", 3));

TEST(reg_irt_cache_dis, .id = "amdvi.reg.ctl.irt_cache_dis", .checks = "AMD-REG-060",
     .given = "IRTCacheDis written 1, then 0",
     .expects = "it holds, or reads 0 throughout", .needs = NEED_AMDVI)
{
	uint64_t one, zero;

	mmio_wr(ax_regs(t), AMDVI_CTL, CTL_IRT_CACHE_DIS);
	one = mmio_rd(ax_regs(t), AMDVI_CTL) & CTL_IRT_CACHE_DIS;
	mmio_wr(ax_regs(t), AMDVI_CTL, 0);
	zero = mmio_rd(ax_regs(t), AMDVI_CTL) & CTL_IRT_CACHE_DIS;
	expect_eq(t, "IRTCacheDis after 0", zero, 0);
	note(t, "IRTCacheDis %s", one ? "holds" : "reads 0");
}

TEST(reg_segments, .id = "amdvi.reg.devtab_seg.holds", .checks = "AMD-REG-059",
     .given = "segment base registers written",
     .expects = "bits 51:12 and the size read back", .needs = NEED_AMDVI | NEED_AMD_SEG)
{
	for (unsigned n = 1; n < pow2(caps_of(t)->segments_log2); n++) {
		uint64_t v = (UINT64_C(0x000a5a5a5a5a5000) & DEVTAB_BASE) | n;

		mmio_wr(ax_regs(t), AMDVI_DEVTAB_SEG(n), v);
		expect_eq(t, "the segment base", mmio_rd(ax_regs(t), AMDVI_DEVTAB_SEG(n)), v);
		mmio_wr(ax_regs(t), AMDVI_DEVTAB_SEG(n), 0);
	}
}

static uint32_t cfg_msi(struct test *t, uint32_t off)
{
	struct amdvi_unit *u = t->bench->amdvi;
	struct pci_addr a = { u->segment, u->device_id };
	uint32_t at = u->machine->ops->cfg_rd(u->machine, a, 0x34, 1);

	for (unsigned i = 0; i < 48 && at; i++) { /* a list in 192 bytes */
		if (u->machine->ops->cfg_rd(u->machine, a, at, 1) == 5)
			return u->machine->ops->cfg_rd(u->machine, a, at + off, 4);
		at = u->machine->ops->cfg_rd(u->machine, a, at + 1, 1);
	}
	skip(t, "the IOMMU function has no MSI");
}

static void msi_mirror(struct test *t)
{
	if (!caps_of(t)->msi_mmio)
		skip(t, "EFR.MsiCapMmioSup = 0");
	if (t->desc->arg) {
		mmio_wr(ax_regs(t), AMDVI_MSI_ADDR_LO, 0xfee01000u);
		expect_eq(t, "message address in configuration space", cfg_msi(t, 4), 0xfee01000u);
		return;
	}
	expect_eq(t, "MSI header", mmio_rd(ax_regs(t), AMDVI_MSI_HEADER), cfg_msi(t, 0));
	expect_eq(t, "message address", mmio_rd(ax_regs(t), AMDVI_MSI_ADDR_LO), cfg_msi(t, 4));
}

TEST_TABLE(reg_msi_mirror,
	{ .id = "amdvi.reg.msi_mirror.equal", .checks = "AMD-REG-063", .given = "the MSI mirror registers",
	  .expects = "what configuration space has", .needs = NEED_AMDVI, .arg = 0, .body = msi_mirror },
	{ .id = "amdvi.reg.msi_mirror.write", .checks = "AMD-REG-064", .given = "the mirrored message address written",
	  .expects = "it shows in configuration space", .needs = NEED_AMDVI, .arg = 1, .body = msi_mirror });

TEST(reg_smi_lock, .id = "amdvi.reg.smi_filter.lock", .checks = "AMD-REG-067",
     .given = "a locked SMI filter register written",
     .expects = "it stays", .needs = NEED_AMDVI, .flags = TEST_HAZARD)
{
	if (!caps_of(t)->smi_filters_n)
		skip(t, "EFR.SmiFSup = 0");
	mmio_wr(ax_regs(t), AMDVI_SMIF(0), SMIF_LOCK | 0x1234);
	mmio_wr(ax_regs(t), AMDVI_SMIF(0), 0x5678);
	expect_eq(t, "the filter", mmio_rd(ax_regs(t), AMDVI_SMIF(0)), SMIF_LOCK | 0x1234);
}
