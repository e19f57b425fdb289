/*
 * Primary fault log (VT-d 7.3.1).
 */
#include "drivers-iommu/vtd/fault.h"

struct vtd_fault vtd_fault_decode(uint64_t lo, uint64_t hi)
{
	return (struct vtd_fault){
		.raw = { lo, hi },
		.f = hi & FRCD_F,
		.fr = (uint8_t)fld_get(FRCD_FR, hi),
		.sid = (uint16_t)fld_get(FRCD_SID, hi),
		.fi = lo & FRCD_FI,
		.t1 = hi & FRCD_T1,
		.t2 = hi & FRCD_T2,
		.at = (unsigned)fld_get(FRCD_AT, hi),
		.pp = hi & FRCD_PP,
		.priv = hi & FRCD_PRIV,
		.exe = hi & FRCD_EXE,
		.pv = (uint32_t)fld_get(FRCD_PV, hi),
	};
}

struct vtd_fault vtd_fault_read(const struct vtd_unit *u, unsigned index)
{
	/* F is written last by the unit, so the half that holds it is read first (VT-d 7.3.1). */
	uint64_t hi = mmio_rd(&u->regs, VTD_FRCD_HI(&u->caps, index));
	uint64_t lo = mmio_rd(&u->regs, VTD_FRCD_LO(&u->caps, index));
	struct vtd_fault f = vtd_fault_decode(lo, hi);

	f.index = index;
	return f;
}

/* Where the oldest record is: FRI, which is kept while PPF stays set, or behind the one that was taken last. */
static unsigned first_index(struct vtd_unit *u, uint32_t fsts)
{
	unsigned at = u->fault_walk ? u->fault_next : (unsigned)fld_get(FSTS_FRI, fsts);

	return at % u->caps.fault_records_n;
}

enum status vtd_fault_pop(struct vtd_unit *u, struct vtd_fault *out)
{
	uint32_t fsts = mmio_rd(&u->regs, VTD_FSTS);
	unsigned at;

	if (!(fsts & FSTS_PPF)) {
		u->fault_walk = false;
		return ERR_NOT_FOUND;
	}
	at = first_index(u, fsts);
	for (unsigned i = 0; i < u->caps.fault_records_n; i++) {
		*out = vtd_fault_read(u, at);
		if (out->f) {
			mmio_ack(&u->regs, VTD_FRCD_ACK(&u->caps, at), FRCD_ACK_F);
			u->fault_next = at + 1;
			u->fault_walk = mmio_rd(&u->regs, VTD_FSTS) & FSTS_PPF;
			return OK;
		}
		at = (at + 1) % u->caps.fault_records_n;
	}
	u->fault_walk = false;
	return ERR_NOT_FOUND;
}

void vtd_fault_clear(struct vtd_unit *u)
{
	for (unsigned i = 0; i < u->caps.fault_records_n; i++)
		if (vtd_fault_read(u, i).f)
			mmio_ack(&u->regs, VTD_FRCD_ACK(&u->caps, i), FRCD_ACK_F);
	mmio_ack(&u->regs, VTD_FSTS, FSTS_PFO);
	u->fault_walk = false;
}

bool vtd_fault_overflow(const struct vtd_unit *u)
{
	return mmio_rd(&u->regs, VTD_FSTS) & FSTS_PFO;
}
