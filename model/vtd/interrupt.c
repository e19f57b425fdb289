/*
 * Interrupt remapping and posting (VT-d rev 4.1, chapter 5).
 */
#include "model/vtd/internal.h"

#define MSI_HANDLE_LOW   BITS(19, 5)
#define MSI_REMAPPABLE   BIT(4)
#define MSI_SHV          BIT(3)
#define MSI_HANDLE_HIGH  BIT(2)
#define MSI_SUBHANDLE    BITS(15, 0)
#define MSI_DATA_RSVD    BITS(31, 16)
#define MSI_DEST         BITS(19, 12)
#define MSI_DEST_HIGH    BITS(63, 40)
#define MSI_RH           BIT(3)
#define MSI_DM           BIT(2)
#define DATA_DLM         BITS(10, 8)
#define DATA_LEVEL       (BIT(15) | BIT(14)) /* level-triggered, asserted */

static enum mdl_completion refuse(struct mdl_vtd *u, uint16_t sid, uint64_t index, uint8_t fault, bool fpd)
{
	/* FI holds the index, 0 where the request has none; T, AT and PP mean nothing here (7.2.2). */
	uint64_t record[2] = { FLD(BITS(63, 48), index), FLD(FRCD1_SID, sid) | FLD(FRCD1_FR, fault) };

	if (!(fpd && mdl_fault_qualified(&u->st, fault)))
		mdl_fault_log(u, record);
	return MDL_UR;
}

/* Step 6: reserved bits of a present entry. */
static bool reserved(const struct mdl_vtd *u, const uint64_t e[2])
{
	if ((e[0] & IRTE0_IM) != 0)
		return !mdl_cap(&u->st, CAP_PI) || (e[0] & IRTE0_RSVD_POST) != 0 || (e[1] & IRTE1_RSVD_POST) != 0;
	if ((u->st.irt & IRTA_EIME) == 0 && (e[0] & IRTE0_RSVD_XAPIC) != 0)
		return true;
	return (e[0] & IRTE0_RSVD_REMAP) != 0 || (e[1] & IRTE1_RSVD_REMAP) != 0;
}

/* Steps 4 to 6, through the interrupt entry cache. Returns the fault. */
static uint8_t fetch(struct mdl_vtd *u, uint16_t sid, uint64_t index, uint64_t e[2])
{
	struct mdl_cached fill = { .key = { .kind = K_IRTE, .address = index }, .sid = sid };
	const struct mdl_cached *hit = mdl_cache_find(&u->cache.iec, &fill.key);

	if (hit != NULL) {
		e[0] = hit->w[0];
		e[1] = hit->w[1];
		return hit->fault;
	}
	if (!mdl_fetch(&u->mem, mdl_ecap(&u->st, ECAP_C), (u->st.irt & u->st.d.addr) + 16 * index, e, 2)) {
		e[0] = e[1] = 0;
		return FR_IR_FETCH;                            /* 4. */
	}
	if ((e[0] & IRTE0_P) == 0)
		fill.fault = FR_IR_ABSENT;                     /* 5. */
	else if (reserved(u, e))
		fill.fault = FR_IR_RESERVED;                   /* 6. */
	if (!u->st.cfg->lazy && (fill.fault == FR_NONE || mdl_cap(&u->st, CAP_CM))) {
		fill.w[0] = e[0];
		fill.w[1] = e[1];
		mdl_cache_put(&u->cache.iec, &fill);
	}
	return fill.fault;
}

/* Step 7: who may use the entry. */
static uint8_t verify_source(const struct mdl_vtd *u, uint16_t sid, uint64_t q1)
{
	static const uint16_t ignored[4] = { 0, 4, 6, 7 };
	uint64_t want = fld_get(IRTE1_SID, q1), bus = fld_get(SID_BUS, sid);

	switch (fld_get(IRTE1_SVT, q1)) {
	case SVT_NONE:
		return FR_NONE;
	case SVT_SID:
		return ((want ^ sid) & (uint16_t)~ignored[fld_get(IRTE1_SQ, q1)]) == 0 ? FR_NONE : FR_IR_SID;
	case SVT_BUS: /* first bus in 15:8, last in 7:0 */
		return bus >= fld_get(BITS(15, 8), want) && bus <= fld_get(BITS(7, 0), want) ? FR_NONE : FR_IR_SID;
	default:
		return u->st.cfg->choices.u34_svt_reserved ? FR_IR_RESERVED : FR_IR_SID; /* U-34 */
	}
}

static void deliver(struct mdl_vtd *u, const uint64_t e[2])
{
	bool x2apic = (u->st.irt & IRTA_EIME) != 0;
	uint64_t dst = x2apic ? fld_get(IRTE0_DST, e[0]) : fld_get(IRTE0_DST_XAPIC, e[0]);
	uint64_t address = INTERRUPT_BASE | FLD(MSI_DEST, fld_get(BITS(7, 0), dst)) |
			   FLD(MSI_DEST_HIGH, fld_get(BITS(31, 8), dst)) | ((e[0] & IRTE0_RH) != 0 ? MSI_RH : 0) |
			   ((e[0] & IRTE0_DM) != 0 ? MSI_DM : 0);
	uint64_t data = fld_get(IRTE0_V, e[0]) | FLD(DATA_DLM, fld_get(IRTE0_DLM, e[0])) |
			((e[0] & IRTE0_TM) != 0 ? DATA_LEVEL : 0);

	u->env.message(u->env.ctx, address, (uint32_t)data);
}

/* Step 8: the posted-interrupt descriptor, which is never cached (5.2.3). Returns the fault. */
static uint8_t post(struct mdl_vtd *u, const uint64_t e[2])
{
	uint64_t pa = FLD(BITS(31, 6), fld_get(IRTE0_PDAL, e[0])) | FLD(BITS(63, 32), fld_get(IRTE1_PDAH, e[1]));
	unsigned vector = (unsigned)fld_get(IRTE0_V, e[0]);
	uint64_t q[8], dst;

	if (!u->mem.rd64(u->mem.ctx, pa, q, 8))
		return FR_IR_PD_ACCESS;
	if ((q[4] & PID4_RSVD) != 0 || (q[5] | q[6] | q[7]) != 0)
		return FR_IR_PD_RESERVED;
	if (!mdl_set_bits(&u->mem, pa + 8 * (vector / 64), q[vector / 64], pow2(vector % 64)))
		return FR_IR_PD_ACCESS;
	if ((q[4] & PID4_ON) != 0 || ((q[4] & PID4_SN) != 0 && (e[0] & IRTE0_URG) == 0))
		return FR_NONE;
	if (!mdl_set_bits(&u->mem, pa + 32, q[4], PID4_ON))
		return FR_IR_PD_ACCESS;
	dst = (u->st.irt & IRTA_EIME) != 0 ? fld_get(PID4_NDST, q[4]) : fld_get(PID4_NDST_XAPIC, q[4]);
	u->env.message(u->env.ctx, INTERRUPT_BASE | FLD(MSI_DEST, fld_get(BITS(7, 0), dst)) |
		       FLD(MSI_DEST_HIGH, fld_get(BITS(31, 8), dst)), (uint32_t)fld_get(PID4_NV, q[4]));
	return FR_NONE;
}

static enum mdl_completion remap(struct mdl_vtd *u, uint16_t sid, uint64_t index)
{
	uint64_t e[2];
	uint8_t fault = fetch(u, sid, index, e);

	if (fault == FR_NONE)
		fault = verify_source(u, sid, e[1]);
	if (fault == FR_NONE && (e[0] & IRTE0_IM) != 0)
		fault = post(u, e);
	else if (fault == FR_NONE)
		deliver(u, e);
	return fault == FR_NONE ? MDL_DONE : refuse(u, sid, index, fault, (e[0] & IRTE0_FPD) != 0);
}

enum mdl_completion mdl_vtd_interrupt(struct mdl_vtd *u, uint16_t sid, uint64_t address, uint32_t data)
{
	uint64_t gsts = u->st.r[R_GSTS];
	uint64_t handle = fld_get(MSI_HANDLE_LOW, address) | ((address & MSI_HANDLE_HIGH) != 0 ? BIT(15) : 0);
	uint64_t entries = pow2((unsigned)fld_get(IRTA_S, u->st.irt) + 1);
	bool shv = (address & MSI_SHV) != 0;
	uint64_t index;

	if ((gsts & G_IRE) == 0) {                             /* 0. unchanged, of either format (U-33) */
		u->env.message(u->env.ctx, address, data);
		return MDL_DONE;
	}
	if ((address & MSI_REMAPPABLE) == 0) {                 /* 1. compatibility format */
		if ((u->st.irt & IRTA_EIME) != 0 || (gsts & G_CFI) == 0)
			return refuse(u, sid, 0, FR_IR_COMPAT, false);
		u->env.message(u->env.ctx, address, data);
		return MDL_DONE;
	}
	if ((data & MSI_DATA_RSVD) != 0 && (shv || u->st.cfg->choices.u32_data_checked))
		return refuse(u, sid, 0, FR_IR_REQUEST, false);  /* 2. */
	index = handle + (shv ? fld_get(MSI_SUBHANDLE, data) : 0);
	if (index >= entries)
		return refuse(u, sid, index, FR_IR_INDEX, false); /* 3. */
	return remap(u, sid, index);
}
