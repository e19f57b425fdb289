/*
 * A remapping unit taken over, commanded and given back (VT-d 11.4.4 to 11.4.6, 11.4.16).
 */
#include "drivers-iommu/vtd/unit.h"
#include "drivers-iommu/vtd/fault.h"
#include "drivers-iommu/vtd/handover.h"
#include "drivers-iommu/vtd/invalidate.h"
#include "drivers-iommu/vtd/queue.h"

#define WAIT_US 1000000u /* verdicts rest on it, and none may rest on less than a second */

bool vtd_gsts(const struct vtd_unit *u, uint32_t bits)
{
	return (mmio_rd(&u->regs, VTD_GSTS) & bits) == bits;
}

/* Waits until the bits of GSTS are all set, or all clear. */
static enum status gsts_wait(struct vtd_unit *u, uint32_t bits, bool set)
{
	deadline_t d = deadline_in_us(u->wait_us);

	for (;;) {
		bool over = deadline_over(&d);

		if ((mmio_rd(&u->regs, VTD_GSTS) & bits) == (set ? bits : 0))
			return OK;
		if (over)
			return ERR_TIMEOUT;
	}
}

static bool one_bit(uint32_t bit)
{
	return bit && LOWBIT(bit) == bit;
}

/* The levels as they are, so that a command changes one of them only (VT-d 11.4.4). */
static uint32_t levels_now(const struct vtd_unit *u)
{
	return mmio_rd(&u->regs, VTD_GSTS) & (uint32_t)~GCMD_ONE_SHOT;
}

enum status vtd_gcmd_set(struct vtd_unit *u, uint32_t bit)
{
	if (!one_bit(bit))
		return ERR_INVALID;
	mmio_wr(&u->regs, VTD_GCMD, levels_now(u) | bit);
	return gsts_wait(u, bit, bit != GCMD_WBF);
}

enum status vtd_gcmd_clear(struct vtd_unit *u, uint32_t bit)
{
	if (!one_bit(bit) || (bit & GCMD_ONE_SHOT))
		return ERR_INVALID;
	mmio_wr(&u->regs, VTD_GCMD, levels_now(u) & ~bit);
	return gsts_wait(u, bit, false);
}

enum status vtd_srtp(struct vtd_unit *u, pa_t root, enum vtd_ttm ttm)
{
	enum status s;

	if (!is_aligned(root.v, PAGE_BYTES))
		return ERR_INVALID;
	mmio_wr(&u->regs, VTD_RTADDR, root.v | FLD(RTADDR_TTM, ttm));
	s = vtd_gcmd_set(u, GCMD_SRTP);
	if (s == OK)
		u->ttm = ttm;
	return s;
}

enum status vtd_set_root(struct vtd_unit *u, pa_t root, enum vtd_ttm ttm)
{
	enum status s = vtd_write_buffer_flush(u);

	if (s == OK)
		s = vtd_srtp(u, root, ttm);
	if (s == OK && !u->caps.esrtps)
		s = vtd_inv_global(u);
	return s;
}

enum status vtd_sirtp(struct vtd_unit *u, pa_t table, unsigned log2_entries, bool eime)
{
	if (!u->caps.ir)
		return ERR_UNSUPPORTED;
	if (!is_aligned(table.v, PAGE_BYTES) || log2_entries < 1 || log2_entries > 16)
		return ERR_INVALID;
	mmio_wr(&u->regs, VTD_IRTA, table.v | FLD(IRTA_S, log2_entries - 1) | FLD(IRTA_EIME, eime));
	return vtd_gcmd_set(u, GCMD_SIRTP);
}

enum status vtd_set_irt(struct vtd_unit *u, pa_t table, unsigned log2_entries, bool eime)
{
	enum status s = vtd_write_buffer_flush(u);

	if (s == OK)
		s = vtd_sirtp(u, table, log2_entries, eime);
	if (s == OK && !u->caps.esirtps)
		s = vtd_inv_iec_global(u);
	return s;
}

enum status vtd_translation_on(struct vtd_unit *u)
{
	return vtd_gcmd_set(u, GCMD_TE);
}

enum status vtd_translation_off(struct vtd_unit *u)
{
	return vtd_gcmd_clear(u, GCMD_TE);
}

enum status vtd_write_buffer_flush(struct vtd_unit *u)
{
	return u->caps.rwbf ? vtd_gcmd_set(u, GCMD_WBF) : OK;
}

/* FECTL, IECTL and PECTL hold one writable bit each: IM. */
static void mask_events(struct vtd_unit *u)
{
	mmio_wr(&u->regs, VTD_FECTL, FECTL_IM);
	if (u->caps.qi)
		mmio_wr(&u->regs, VTD_IECTL, IECTL_IM);
	if (u->caps.prs)
		mmio_wr(&u->regs, VTD_PECTL, PECTL_IM);
}

static enum status protected_memory_off(struct vtd_unit *u)
{
	deadline_t d = deadline_in_us(u->wait_us);
	uint32_t pmen;

	if (!u->caps.plmr && !u->caps.phmr)
		return OK;
	pmen = mmio_rd(&u->regs, VTD_PMEN);
	mmio_wr(&u->regs, VTD_PMEN, pmen & (uint32_t)~PMEN_EPM);
	for (;;) {
		bool over = deadline_over(&d);

		if (!(mmio_rd(&u->regs, VTD_PMEN) & PMEN_PRS))
			return OK;
		if (over)
			return ERR_TIMEOUT;
	}
}

static enum status first_error(enum status before, enum status now)
{
	return before != OK ? before : now;
}

static enum status interrupts_and_queue_off(struct vtd_unit *u)
{
	enum status s = OK;

	mask_events(u);
	if (u->caps.qi)
		s = first_error(s, vtd_queue_disable(u));
	if (vtd_gsts(u, GSTS_IRES))
		s = first_error(s, vtd_gcmd_clear(u, GCMD_IRE));
	if (vtd_gsts(u, GSTS_CFIS))
		s = first_error(s, vtd_gcmd_clear(u, GCMD_CFI));
	return s;
}

static void status_clear(struct vtd_unit *u)
{
	vtd_fault_clear(u);
	mmio_ack(&u->regs, VTD_FSTS, FSTS_W1C);
	if (u->caps.qi)
		mmio_ack(&u->regs, VTD_ICS, ICS_IWC);
	if (u->caps.prs)
		mmio_ack(&u->regs, VTD_PRS, PRS_PPR | PRS_PRO);
}

enum status vtd_unit_quiesce(struct vtd_unit *u)
{
	enum status s = interrupts_and_queue_off(u);

	if (vtd_gsts(u, GSTS_TES))
		s = first_error(s, vtd_gcmd_clear(u, GCMD_TE));
	s = first_error(s, protected_memory_off(u));
	status_clear(u);
	return s;
}

enum status vtd_unit_park(struct vtd_unit *u, pa_t empty_root)
{
	enum status s;

	/* Without the queue, a new root table needs the registers, or a unit that invalidates by itself. */
	if (!vtd_gsts(u, GSTS_TES) || (!u->caps.rbi && !u->caps.esrtps))
		return vtd_unit_quiesce(u);
	s = interrupts_and_queue_off(u);
	s = first_error(s, vtd_set_root(u, empty_root, TTM_LEGACY));
	s = first_error(s, protected_memory_off(u));
	status_clear(u);
	return s;
}

/* IVA, IOTLB and the fault records can lie above the first page (VT-d 11.4.2, 11.4.3). */
static uint64_t window_bytes(const struct vtd_caps *c)
{
	uint64_t end = max_u64((uint64_t)c->iro_bytes + 16, c->fro_bytes + 16 * (uint64_t)c->fault_records_n);

	return align_up(max_u64(end, PAGE_BYTES), PAGE_BYTES);
}

enum status vtd_unit_open(struct machine *m, pa_t base, unsigned haw_bits, uint16_t segment, struct vtd_unit *u)
{
	enum status s = vtd_unit_look(m, base, haw_bits, segment, u);

	return s ? s : vtd_unit_quiesce(u);
}

enum status vtd_unit_look(struct machine *m, pa_t base, unsigned haw_bits, uint16_t segment, struct vtd_unit *u)
{
	uint64_t cap, ecap;
	enum status s;

	*u = (struct vtd_unit){
		.machine = m,
		.base = base,
		.segment = segment,
		.haw_bits = haw_bits,
		.wait_us = WAIT_US,
	};
	s = m->ops->mmio_map(m, base, PAGE_BYTES, &u->regs);
	if (s != OK)
		return s;
	cap = mmio_rd(&u->regs, VTD_CAP);
	ecap = mmio_rd(&u->regs, VTD_ECAP);
	if (cap == UINT64_MAX && ecap == UINT64_MAX)
		return ERR_NOT_FOUND;
	u->caps = vtd_caps_decode(mmio_rd(&u->regs, VTD_VER), cap, ecap);
	if (window_bytes(&u->caps) > PAGE_BYTES) {
		s = m->ops->mmio_map(m, base, window_bytes(&u->caps), &u->regs);
		if (s != OK)
			return s;
	}
	vtd_found_read(u);
	return OK;
}
