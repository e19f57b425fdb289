/*
 * Table entries built (AMD IOMMU 2.2).
 */
#include "drivers-iommu/amdvi/tables.h"
#include "drivers-iommu/acpi/ivrs.h"
#include "drivers-iommu/iommu.h"

/* The GCR3 table root as its pieces in the DTE number it. */
#define GCR3_ROOT_LO  BITS(14, 12)
#define GCR3_ROOT_MID BITS(30, 15)
#define GCR3_ROOT_HI  BITS(51, 31)

amdvi_dte_t amdvi_dte_host(pa_t root, unsigned mode, uint16_t domain_id, unsigned perm)
{
	return (amdvi_dte_t){ .w = {
		DTE_V | DTE_TV | FLD(DTE_MODE, mode) | (root.v & DTE_ROOT) | (perm & PERM_R ? DTE_IR : 0) |
			(perm & PERM_W ? DTE_IW : 0),
		FLD(DTE1_DOMAIN_ID, domain_id),
	} };
}

amdvi_dte_t amdvi_dte_gcr3(amdvi_dte_t d, pa_t gcr3)
{
	d.w[0] = fld_set(DTE_GCR3_LO, d.w[0], fld_get(GCR3_ROOT_LO, gcr3.v));
	d.w[1] = fld_set(DTE1_GCR3_MID, d.w[1], fld_get(GCR3_ROOT_MID, gcr3.v));
	d.w[1] = fld_set(DTE1_GCR3_HI, d.w[1], fld_get(GCR3_ROOT_HI, gcr3.v));
	return d;
}

amdvi_dte_t amdvi_dte_guest(pa_t gcr3, unsigned glx, unsigned guest_levels, uint16_t domain_id)
{
	amdvi_dte_t d = amdvi_dte_host(PA(0), 0, domain_id, PERM_RW);

	d.w[0] |= DTE_GV | DTE_GIOV | FLD(DTE_GLX, glx);
	d.w[2] |= FLD(DTE2_GUEST_PAGING, guest_levels - 4);
	return amdvi_dte_gcr3(d, gcr3);
}

amdvi_dte_t amdvi_dte_int_ctl(amdvi_dte_t d, enum amdvi_int_ctl ctl)
{
	d.w[2] = fld_set(DTE2_INT_CTL, d.w[2] | DTE2_IV, ctl);
	return d;
}

amdvi_dte_t amdvi_dte_int_table(amdvi_dte_t d, pa_t table, unsigned log2_n)
{
	d = amdvi_dte_int_ctl(d, INT_CTL_REMAP);
	d.w[2] = fld_set(DTE2_INT_TAB_LEN, d.w[2], log2_n);
	/* The field holds address bits 51:6 at its own bit 6. */
	d.w[2] = fld_set(DTE2_INT_TAB_ROOT, d.w[2], fld_get(BITS(51, 6), table.v));
	return d;
}

amdvi_dte_t amdvi_dte_setting(amdvi_dte_t d, uint8_t setting)
{
	d.w[1] |= FLD(DTE1_SYS_MGT, fld_get(SETTING_SYS_MGT, setting));
	d.w[2] |= FLD(DTE2_INIT_PASS, fld_get(SETTING_INIT_PASS, setting)) |
		  FLD(DTE2_EINT_PASS, fld_get(SETTING_EINT_PASS, setting)) |
		  FLD(DTE2_NMI_PASS, fld_get(SETTING_NMI_PASS, setting)) |
		  FLD(DTE2_LINT0_PASS, fld_get(SETTING_LINT0_PASS, setting)) |
		  FLD(DTE2_LINT1_PASS, fld_get(SETTING_LINT1_PASS, setting));
	return d;
}

amdvi_gcr3_t amdvi_gcr3(pa_t table)
{
	return (amdvi_gcr3_t){ .w = { GCR3_V | (table.v & GCR3_ADDR) } };
}

amdvi_irte32_t amdvi_irte32(uint8_t vector, uint8_t dest, bool logical)
{
	return (amdvi_irte32_t){ .w = {
		(uint32_t)(IRTE32_REMAP_EN | FLD(IRTE32_INT_TYPE, INT_TYPE_FIXED) | FLD(IRTE32_DM, logical) |
			   FLD(IRTE32_DEST, dest) | FLD(IRTE32_VECTOR, vector)), /* no field lies above bit 31 */
	} };
}

amdvi_irte128_t amdvi_irte128(uint8_t vector, uint32_t dest, bool logical, bool xt)
{
	uint64_t low = xt ? fld_get(BITS(23, 0), dest) : fld_get(BITS(7, 0), dest);

	return (amdvi_irte128_t){ .w = {
		IRTE128_REMAP_EN | FLD(IRTE128_INT_TYPE, INT_TYPE_FIXED) | FLD(IRTE128_DM, logical) |
			FLD(IRTE128_DEST_LO, low),
		FLD(IRTE128_1_VECTOR, vector) | (xt ? FLD(IRTE128_1_DEST_HI, fld_get(BITS(31, 24), dest)) : 0),
	} };
}
