/*
 * A unit taken over, set up, started and given back (AMD IOMMU 2.3, 3.2, 3.4).
 */
#include "drivers-iommu/amdvi/unit.h"
#include "drivers-iommu/amdvi/cmdbuf.h"
#include "drivers-iommu/amdvi/log.h"

#define WAIT_US 1000000u /* verdicts rest on it, and none may rest on less than a second */

uint32_t amdvi_cfg_rd(const struct amdvi_unit *u, uint32_t off)
{
	struct pci_addr a = { u->segment, u->device_id };

	return u->machine->ops->cfg_rd(u->machine, a, u->capability + off, 4);
}

void amdvi_ctl_set(struct amdvi_unit *u, uint64_t bits)
{
	mmio_wr(&u->regs, AMDVI_CTL, mmio_rd(&u->regs, AMDVI_CTL) | bits);
}

void amdvi_ctl_clear(struct amdvi_unit *u, uint64_t bits)
{
	mmio_wr(&u->regs, AMDVI_CTL, mmio_rd(&u->regs, AMDVI_CTL) & ~bits);
}

bool amdvi_unit_on(const struct amdvi_unit *u)
{
	return mmio_rd(&u->regs, AMDVI_CTL) & CTL_IOMMU_EN;
}

enum status amdvi_status_wait(struct amdvi_unit *u, uint32_t bits, bool set)
{
	deadline_t d = deadline_in_us(u->wait_us);

	for (;;) {
		bool over = deadline_over(&d);

		if ((amdvi_status(u) & bits) == (set ? bits : 0))
			return OK;
		if (over)
			return ERR_TIMEOUT;
	}
}

void amdvi_exclusion_set(struct amdvi_unit *u, pa_t base, pa_t last, bool allow)
{
	mmio_wr(&u->regs, AMDVI_EXCL_LIMIT, last.v & EXCL_LIMIT);
	mmio_wr(&u->regs, AMDVI_EXCL_BASE, (base.v & EXCL_BASE) | FLD(EXCL_ALLOW, allow) | EXCL_EX_EN);
}

void amdvi_exclusion_off(struct amdvi_unit *u)
{
	mmio_wr(&u->regs, AMDVI_EXCL_BASE, 0);
	mmio_wr(&u->regs, AMDVI_EXCL_LIMIT, 0);
}

/* The order of AMD IOMMU 2.3: the rings, then the unit; each bit by itself, since some of the others depend on it. */
static void switch_off(struct amdvi_unit *u)
{
	static const uint64_t order[] = {
		CTL_CMD_BUF_EN, CTL_EVENT_INT_EN, CTL_EVENT_LOG_EN, CTL_GA_LOG_EN, CTL_GA_INT_EN, CTL_PPR_LOG_EN,
		CTL_PPR_INT_EN, CTL_IOMMU_EN,
	};

	for (unsigned i = 0; i < ARRAY_LEN(order); i++)
		if (mmio_rd(&u->regs, AMDVI_CTL) & order[i])
			amdvi_ctl_clear(u, order[i]);
}

enum status amdvi_unit_quiesce(struct amdvi_unit *u)
{
	enum status s;

	/* What was submitted may still be at work: let it end, if it can. */
	if (u->cmds.ring.words && (amdvi_status(u) & ST_CMD_BUF_RUN) && amdvi_wait(u) != OK)
		log_line("AMD-Vi: commands were lost when the command buffer was switched off");
	switch_off(u);
	s = amdvi_status_wait(u, ST_RUN, false);
	mmio_wr(&u->regs, AMDVI_CTL, 0);
	/* Only what is set: for units without the feature of a bit, it may be anything. */
	mmio_ack(&u->regs, AMDVI_STATUS, amdvi_status(u) & (uint32_t)ST_W1C);
	amdvi_exclusion_off(u);
	if (s != OK)
		return s;
	amdvi_cmdbuf_destroy(u);
	amdvi_log_destroy(u, LOG_EVENTS);
	amdvi_log_destroy(u, LOG_PPR);
	return OK;
}

static void devtab_write(struct amdvi_unit *u, const struct amdvi_devtab *t)
{
	mmio_wr(&u->regs, AMDVI_DEVTAB_BASE, t->pa[0].v | FLD(DEVTAB_SIZE, amdvi_devtab_size(t)));
	for (unsigned i = 1; i < pow2(t->segments_log2); i++)
		mmio_wr(&u->regs, AMDVI_DEVTAB_SEG(i), t->pa[i].v | FLD(DEVTAB_SEG_SIZE, amdvi_devtab_size(t)));
}

enum status amdvi_unit_park(struct amdvi_unit *u, const struct amdvi_devtab *idle)
{
	enum status s = amdvi_unit_quiesce(u);

	devtab_write(u, idle);
	return s;
}

/* What the IVRS says of the HyperTransport side (AMD IOMMU 5.2.2), and coherent access to our tables. */
static uint64_t standing_bits(const struct amdvi_unit *u)
{
	return CTL_COHERENT | FLD(CTL_HT_TUN_EN, fld_get(IVHD_HT_TUN_EN, u->flags)) |
	       FLD(CTL_PASS_PW, fld_get(IVHD_PASS_PW, u->flags)) |
	       FLD(CTL_RES_PASS_PW, fld_get(IVHD_RES_PASS_PW, u->flags)) | FLD(CTL_ISOC, fld_get(IVHD_ISOC, u->flags));
}

enum status amdvi_unit_prepare(struct amdvi_unit *u, const struct amdvi_setup *setup)
{
	enum status s;

	if (amdvi_unit_on(u) || u->cmds.ring.words)
		return ERR_BUSY;
	if (setup->devtab->segments_log2 > u->caps.segments_log2)
		return ERR_INVALID;
	devtab_write(u, setup->devtab);
	s = amdvi_cmdbuf_create(u, setup->cmd_log2);
	if (s == OK)
		s = amdvi_log_create(u, LOG_EVENTS, setup->evt_log2);
	if (s == OK && setup->ppr_log2)
		s = amdvi_log_create(u, LOG_PPR, setup->ppr_log2);
	if (s != OK) {
		amdvi_unit_quiesce(u);
		return s;
	}
	mmio_wr(&u->regs, AMDVI_CTL,
		standing_bits(u) | setup->ctl | FLD(CTL_DEVTAB_SEG_EN, setup->devtab->segments_log2));
	return OK;
}

/* Without IASup, what was cached under every id goes by itself (AMD IOMMU 2.3). */
static enum status drop_each(struct amdvi_unit *u)
{
	for (uint32_t id = 0; id < DEVICE_IDS; id++) {
		struct amdvi_cmd cmds[] = {
			amdvi_cmd_devtab_entry((uint16_t)id), amdvi_cmd_int_table((uint16_t)id),
			amdvi_cmd_pages((uint16_t)id, amdvi_span_all(), true),
		};
		enum status s = amdvi_submit(u, cmds, ARRAY_LEN(cmds));

		if (s == ERR_FULL) { /* let the unit catch up, then there is room */
			s = amdvi_wait(u);
			if (s == OK)
				s = amdvi_submit(u, cmds, ARRAY_LEN(cmds));
		}
		if (s != OK)
			return s;
	}
	return amdvi_wait(u);
}

enum status amdvi_unit_start(struct amdvi_unit *u)
{
	uint64_t logs = CTL_EVENT_LOG_EN | (u->pprs.ring.words ? CTL_PPR_LOG_EN | CTL_PPR_EN : 0);
	uint32_t run = ST_CMD_BUF_RUN | ST_EVENT_LOG_RUN | (u->pprs.ring.words ? (uint32_t)ST_PPR_LOG_RUN : 0);
	struct amdvi_cmd all = amdvi_cmd_all();
	enum status s;

	amdvi_ctl_set(u, CTL_CMD_BUF_EN | logs);
	amdvi_ctl_set(u, CTL_IOMMU_EN);
	s = amdvi_status_wait(u, run, true);
	if (s != OK)
		return s;
	return u->caps.ia ? amdvi_execute(u, &all, 1) : drop_each(u);
}

/* With the device table of firmware in force and a command buffer of ours, drops what the unit may have of another. */
static enum status drop_all(struct amdvi_unit *u)
{
	struct amdvi_cmd all = amdvi_cmd_all();
	enum status s = amdvi_cmdbuf_create(u, 8), s_off;

	if (s)
		return s;
	amdvi_ctl_set(u, CTL_CMD_BUF_EN);
	amdvi_ctl_set(u, CTL_IOMMU_EN);
	s = amdvi_status_wait(u, ST_CMD_BUF_RUN, true);
	if (s == OK)
		s = u->caps.ia ? amdvi_execute(u, &all, 1) : drop_each(u);
	amdvi_ctl_clear(u, CTL_CMD_BUF_EN);
	s_off = amdvi_status_wait(u, ST_CMD_BUF_RUN, false);
	if (s_off == OK)
		amdvi_cmdbuf_destroy(u);
	return s ? s : s_off;
}

enum status amdvi_give_back(struct amdvi_unit *u)
{
	const uint64_t later = CTL_IOMMU_EN | CTL_CMD_BUF_EN | CTL_EVENT_LOG_EN | CTL_PPR_LOG_EN;
	enum status s;

	if (!(u->found.ctl & CTL_IOMMU_EN))
		return OK;
	mmio_wr(&u->regs, AMDVI_DEVTAB_BASE, u->found.devtab[0]);
	for (unsigned i = 1; i < pow2(u->caps.segments_log2); i++)
		mmio_wr(&u->regs, AMDVI_DEVTAB_SEG(i), u->found.devtab[i]);
	mmio_wr(&u->regs, AMDVI_EXCL_LIMIT, u->found.excl_limit);
	mmio_wr(&u->regs, AMDVI_EXCL_BASE, u->found.excl_base);
	mmio_wr(&u->regs, AMDVI_CTL, u->found.ctl & ~later);
	s = drop_all(u);
	if (s)
		return s;
	mmio_wr(&u->regs, AMDVI_CMD_BASE, u->found.cmd_base);
	mmio_wr(&u->regs, AMDVI_CMD_HEAD, UINT64_C(0));
	mmio_wr(&u->regs, AMDVI_CMD_TAIL, UINT64_C(0));
	mmio_wr(&u->regs, AMDVI_EVT_BASE, u->found.evt_base);
	mmio_wr(&u->regs, AMDVI_EVT_HEAD, UINT64_C(0));
	mmio_wr(&u->regs, AMDVI_EVT_TAIL, UINT64_C(0));
	if (u->caps.ppr) {
		mmio_wr(&u->regs, AMDVI_PPR_BASE, u->found.ppr_base);
		mmio_wr(&u->regs, AMDVI_PPR_HEAD, UINT64_C(0));
		mmio_wr(&u->regs, AMDVI_PPR_TAIL, UINT64_C(0));
	}
	mmio_wr(&u->regs, AMDVI_CTL, u->found.ctl);
	return OK;
}

static void found_read(struct amdvi_unit *u)
{
	u->found.ctl = mmio_rd(&u->regs, AMDVI_CTL);
	u->found.status = amdvi_status(u);
	u->found.cmd_base = mmio_rd(&u->regs, AMDVI_CMD_BASE);
	u->found.evt_base = mmio_rd(&u->regs, AMDVI_EVT_BASE);
	u->found.excl_base = mmio_rd(&u->regs, AMDVI_EXCL_BASE);
	u->found.excl_limit = mmio_rd(&u->regs, AMDVI_EXCL_LIMIT);
	if (u->caps.ppr)
		u->found.ppr_base = mmio_rd(&u->regs, AMDVI_PPR_BASE);
	u->found.devtab[0] = mmio_rd(&u->regs, AMDVI_DEVTAB_BASE);
	for (unsigned i = 1; i < pow2(u->caps.segments_log2) && i < ARRAY_LEN(u->found.devtab); i++)
		u->found.devtab[i] = mmio_rd(&u->regs, AMDVI_DEVTAB_SEG(i));
}

enum status amdvi_unit_open(struct machine *m, const struct ivrs_block *ivhd, struct amdvi_unit *u)
{
	enum status s = amdvi_unit_look(m, ivhd, u);

	return s ? s : amdvi_unit_quiesce(u);
}

enum status amdvi_unit_look(struct machine *m, const struct ivrs_block *ivhd, struct amdvi_unit *u)
{
	uint64_t efr = 0, efr2 = 0;
	uint32_t header;
	enum status s;

	*u = (struct amdvi_unit){
		.machine = m, .base = PA(ivhd->base), .segment = ivhd->segment, .device_id = ivhd->device_id,
		.capability = ivhd->capability_offset, .flags = ivhd->flags, .wait_us = WAIT_US,
	};
	header = amdvi_cfg_rd(u, AMDVI_CAP_HEADER);
	if (fld_get(CAPH_ID, header) != AMDVI_CAP_ID || fld_get(CAPH_TYPE, header) != AMDVI_CAP_TYPE)
		return ERR_NOT_FOUND;
	s = m->ops->mmio_map(m, u->base, AMDVI_REGION_BYTES, &u->regs);
	if (s != OK)
		return s;
	if (mmio_rd(&u->regs, AMDVI_CTL) == UINT64_MAX)
		return ERR_NOT_FOUND;
	if (header & CAPH_EFR_SUP) {
		efr = mmio_rd(&u->regs, AMDVI_EFR);
		efr2 = mmio_rd(&u->regs, AMDVI_EFR2);
	}
	/* Units without EFR2 may answer an unknown offset with all ones. */
	u->caps = amdvi_caps_decode(header, amdvi_cfg_rd(u, AMDVI_CAP_MISC0), efr, efr2 == UINT64_MAX ? 0 : efr2);
	found_read(u);
	return OK;
}
