/*
 * Device-TLBs (VT-d rev 4.1, chapter 4; PCIe ATS): translation requests, and invalidations sent to the device.
 */
#include "model/vtd/internal.h"

void mdl_vtd_ats(struct mdl_vtd *u, const struct mdl_request *rq, struct mdl_ats_completion *c)
{
	struct mdl_result out;

	mdl_vtd_lookup(u, rq, &out);
	*c = (struct mdl_ats_completion){ .status = MDL_DONE };
	if (out.kind == MDL_BLOCKED || out.kind == MDL_INTERRUPT)
		c->status = out.ca ? MDL_CA : MDL_UR;
	/* Nothing is granted, and no address: refused, or Success with R=W=0 where the fault is recoverable. */
	if (out.kind != MDL_OK)
		return;
	c->bytes = pow2(out.page_bits);
	c->address = align_down(out.address, c->bytes);
	c->r = out.r;
	c->w = out.w;
	c->x = out.x;
	c->u = out.u;
	c->n = out.snoop;
	c->priv = out.priv;
	c->global = out.global;
}

/* S=1: the run of ones from bit 12 up tells the size, 2^(ones + 1) pages (6.5.2.5). */
static void device_range(struct mdl_devtlb_inv *inv, uint64_t address, bool s)
{
	unsigned bits = 12;

	if (s) {
		while (bits < 63 && (address & pow2(bits)) != 0)
			bits++;
		bits++;
	}
	inv->bytes = bits < 64 ? pow2(bits) : 0;
	inv->address = align_down(address, inv->bytes); /* 0 of the whole address space */
}

static enum mdl_iqei send(struct mdl_vtd *u, const struct mdl_devtlb_inv *inv)
{
	if (u->env.devtlb_invalidate(u->env.ctx, inv))
		return IQEI_NONE;
	if (u->devtlb_n != MDL_DEVTLB_PENDING_MAX)
		u->devtlb_sid[u->devtlb_n++] = inv->sid;
	return IQEI_NONE;
}

enum mdl_iqei mdl_inv_devtlb(struct mdl_vtd *u, const uint64_t q[2])
{
	struct mdl_devtlb_inv inv = { .sid = (uint16_t)fld_get(INV_SID, q[0]) };

	device_range(&inv, q[1] & INV1_ADDR, (q[1] & INV1_S) != 0);
	return send(u, &inv);
}

enum mdl_iqei mdl_inv_pdevtlb(struct mdl_vtd *u, const uint64_t q[2])
{
	struct mdl_devtlb_inv inv = {
		.sid = (uint16_t)fld_get(INV_P_SID, q[0]),
		.pasid = (uint32_t)fld_get(INV_PASID, q[0]),
		.all_pasids = (q[1] & INV1_P_G) != 0,
		.has_pasid = (q[1] & INV1_P_G) == 0,
	};

	device_range(&inv, q[1] & INV1_ADDR, (q[1] & INV1_P_S) != 0);
	return send(u, &inv);
}
