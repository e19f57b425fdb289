/*
 * The state that firmware left a unit in (VT-d 11.4.4 to 11.4.11, 11.4.16), and the way back to it.
 */
#include "drivers-iommu/vtd/handover.h"
#include "drivers-iommu/vtd/queue.h"

/* The message registers of the three kinds of events: data, address, upper address; and the control before them. */
static const reg32_t events[3][4] = {
	{ VTD_FECTL, VTD_FEDATA, VTD_FEADDR, VTD_FEUADDR },
	{ VTD_IECTL, VTD_IEDATA, VTD_IEADDR, VTD_IEUADDR },
	{ VTD_PECTL, VTD_PEDATA, VTD_PEADDR, VTD_PEUADDR },
};

static bool has_event(const struct vtd_unit *u, unsigned i)
{
	return i == 0 || (i == 1 ? u->caps.qi : u->caps.prs);
}

void vtd_found_read(struct vtd_unit *u)
{
	struct vtd_found_state *f = &u->found;

	f->gsts = mmio_rd(&u->regs, VTD_GSTS);
	f->fsts = mmio_rdw1c32(&u->regs, VTD_FSTS);
	f->rtaddr = mmio_rd(&u->regs, VTD_RTADDR);
	if (u->caps.ir)
		f->irta = mmio_rd(&u->regs, VTD_IRTA);
	if (u->caps.qi)
		f->iqa = vtd_iqa_now(u);
	if (u->caps.plmr || u->caps.phmr)
		f->pmen = mmio_rd(&u->regs, VTD_PMEN);
	if (u->caps.plmr) {
		f->plm_base = mmio_rd(&u->regs, VTD_PLMBASE);
		f->plm_limit = mmio_rd(&u->regs, VTD_PLMLIMIT);
	}
	if (u->caps.phmr) {
		f->phm_base = mmio_rd(&u->regs, VTD_PHMBASE);
		f->phm_limit = mmio_rd(&u->regs, VTD_PHMLIMIT);
	}
	for (unsigned i = 0; i < 3; i++)
		for (unsigned k = 0; has_event(u, i) && k < 4; k++)
			f->event[i][k] = mmio_rd(&u->regs, events[i][k]);
}

bool vtd_found_on(const struct vtd_unit *u)
{
	return (u->found.gsts & (GSTS_TES | GSTS_IRES | GSTS_QIES)) || (u->found.pmen & PMEN_EPM);
}

/* Tables latched and everything cached dropped, by a queue of ours where there is one. */
static enum status tables_back(struct vtd_unit *u)
{
	const struct vtd_found_state *f = &u->found;
	enum vtd_ttm ttm = (enum vtd_ttm)fld_get(RTADDR_TTM, f->rtaddr);
	enum status s = u->caps.qi ? vtd_queue_enable(u, 0, ttm == TTM_SCALABLE) : OK, off;

	if (s)
		return s;
	if (f->gsts & GSTS_TES)
		s = vtd_set_root(u, PA(f->rtaddr & RTADDR_RTA), ttm);
	if (s == OK && (f->gsts & GSTS_IRES))
		s = vtd_set_irt(u, PA(f->irta & IRTA_IRTA), (unsigned)fld_get(IRTA_S, f->irta) + 1,
				(f->irta & IRTA_EIME) != 0);
	off = u->caps.qi ? vtd_queue_disable(u) : OK;
	return s ? s : off;
}

static enum status protected_memory_back(struct vtd_unit *u)
{
	const struct vtd_found_state *f = &u->found;
	deadline_t d = deadline_in_us(u->wait_us);

	if (u->caps.plmr) {
		mmio_wr(&u->regs, VTD_PLMBASE, f->plm_base);
		mmio_wr(&u->regs, VTD_PLMLIMIT, f->plm_limit);
	}
	if (u->caps.phmr) {
		mmio_wr(&u->regs, VTD_PHMBASE, f->phm_base);
		mmio_wr(&u->regs, VTD_PHMLIMIT, f->phm_limit);
	}
	if (!(f->pmen & PMEN_EPM))
		return OK;
	mmio_wr(&u->regs, VTD_PMEN, f->pmen);
	while (!(mmio_rd(&u->regs, VTD_PMEN) & PMEN_PRS))
		if (deadline_over(&d))
			return ERR_TIMEOUT;
	return OK;
}

enum status vtd_give_back(struct vtd_unit *u)
{
	const struct vtd_found_state *f = &u->found;
	enum status s = f->gsts & (GSTS_TES | GSTS_IRES) ? tables_back(u) : OK;

	if (s)
		return s;
	for (unsigned i = 0; i < 3; i++)
		for (unsigned k = 4; has_event(u, i) && k > 0; k--)
			mmio_wr(&u->regs, events[i][k - 1], f->event[i][k - 1]);
	if (f->gsts & GSTS_QIES) {
		mmio_wr(&u->regs, VTD_IQT, UINT64_C(0));
		mmio_wr(&u->regs, VTD_IQA, f->iqa);
		s = vtd_gcmd_set(u, GCMD_QIE);
	}
	if (s == OK && (f->gsts & GSTS_IRES))
		s = vtd_gcmd_set(u, GCMD_IRE);
	if (s == OK && (f->gsts & GSTS_CFIS))
		s = vtd_gcmd_set(u, GCMD_CFI);
	if (s == OK && (f->gsts & GSTS_TES))
		s = vtd_translation_on(u);
	return s ? s : protected_memory_back(u);
}
