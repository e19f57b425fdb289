/*
 * Register-based invalidation (VT-d 6.5.1).
 */
#include "drivers-iommu/vtd/rbi.h"

static enum status go_bit_wait(struct vtd_unit *u, reg64_t r, uint64_t bit)
{
	deadline_t d = deadline_in_us(u->wait_us);

	for (;;) {
		bool over = deadline_over(&d);

		if (!(mmio_rd(&u->regs, r) & bit))
			return OK;
		if (over)
			return ERR_TIMEOUT;
	}
}

static enum status may_start(struct vtd_unit *u, reg64_t r, uint64_t bit)
{
	if (!u->caps.rbi)
		return ERR_UNSUPPORTED;
	if (vtd_gsts(u, GSTS_QIES) || (mmio_rd(&u->regs, r) & bit))
		return ERR_BUSY;
	return OK;
}

enum status vtd_rbi_context(struct vtd_unit *u, uint64_t ccmd, unsigned *done)
{
	enum status s = may_start(u, VTD_CCMD, CCMD_ICC);

	if (s != OK)
		return s;
	mmio_wr(&u->regs, VTD_CCMD, ccmd | CCMD_ICC);
	s = go_bit_wait(u, VTD_CCMD, CCMD_ICC);
	if (s == OK && done)
		*done = (unsigned)fld_get(CCMD_CAIG, mmio_rd(&u->regs, VTD_CCMD));
	return s;
}

enum status vtd_rbi_iotlb(struct vtd_unit *u, uint64_t iva, uint64_t iotlb, unsigned *done)
{
	enum status s = may_start(u, VTD_IOTLB(&u->caps), IOTLB_IVT);

	if (s != OK)
		return s;
	mmio_wr(&u->regs, VTD_IVA(&u->caps), iva);
	mmio_wr(&u->regs, VTD_IOTLB(&u->caps), iotlb | IOTLB_IVT);
	s = go_bit_wait(u, VTD_IOTLB(&u->caps), IOTLB_IVT);
	if (s == OK && done)
		*done = (unsigned)fld_get(IOTLB_IAIG, mmio_rd(&u->regs, VTD_IOTLB(&u->caps)));
	return s;
}

/* The granularity codes of descriptors and registers are the same. */
static enum status context_descriptor(struct vtd_unit *u, const struct vtd_desc *d, unsigned *done)
{
	uint64_t ccmd = fld_set(CCMD_CIRG, 0, fld_get(CC_G, d->q[0])) | fld_set(CCMD_DID, 0, fld_get(CC_DID, d->q[0])) |
			fld_set(CCMD_SID, 0, fld_get(CC_SID, d->q[0])) | fld_set(CCMD_FM, 0, fld_get(CC_FM, d->q[0]));

	return vtd_rbi_context(u, ccmd, done);
}

static enum status iotlb_descriptor(struct vtd_unit *u, const struct vtd_desc *d, unsigned *done)
{
	uint64_t iotlb = fld_set(IOTLB_IIRG, 0, fld_get(IOTLBD_G, d->q[0])) |
			 fld_set(IOTLB_DID, 0, fld_get(IOTLBD_DID, d->q[0])) |
			 fld_set(IOTLB_DW, 0, fld_get(IOTLBD_DW, d->q[0])) |
			 fld_set(IOTLB_DR, 0, fld_get(IOTLBD_DR, d->q[0]));

	return vtd_rbi_iotlb(u, d->q[1], iotlb, done); /* IVA has the layout of the descriptor's upper half */
}

enum status vtd_rbi_descriptor(struct vtd_unit *u, const struct vtd_desc *d)
{
	unsigned done = RBI_REFUSED;
	enum status s;

	switch (fld_get(DESC_TYPE, d->q[0])) {
	case DESC_CC:
		s = context_descriptor(u, d, &done);
		break;
	case DESC_IOTLB:
		s = iotlb_descriptor(u, d, &done);
		break;
	default:
		return ERR_UNSUPPORTED;
	}
	if (s == OK && done == RBI_REFUSED)
		return ERR_IO;
	return s;
}
