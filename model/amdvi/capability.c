/*
 * The PCI function of a unit and its capability block (AMD IOMMU 3.1 and 3.2): 16 bits of status, the base that
 * firmware sets and locks, and the MSI capability by which the unit sends its own interrupts.
 */
#include "model/amdvi/internal.h"

#define CAP            MDL_AMD_CAPABILITY
#define MSI            0x60u
#define STATUS_ABORT   BIT(11)    /* Signaled Target Abort */
#define STATUS_W1C     (BIT(8) | BITS(15, 11))
#define COMMAND_RW     (BITS(2, 1) | BIT(10))
#define MSI_ENABLE     BIT(0)
#define MSI_CONTROL_RW (MSI_ENABLE | BITS(6, 4))
#define MSI_CONTROL_RO (BIT(7) | FLD(BITS(3, 1), 2)) /* 64-bit address, four messages */

static uint32_t get(const struct mdl_amd *u, uint32_t off, unsigned bytes)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint32_t)shl(u->config[off + i], 8 * i);
	return v;
}

static void put(struct mdl_amd *u, uint32_t off, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		u->config[off + i] = (uint8_t)shr(v, 8 * i);
}

void mdl_amd_config_reset(struct mdl_amd *u)
{
	const struct mdl_amd_config *c = u->st.cfg;

	for (unsigned i = 0; i < MDL_AMD_CONFIG; i++)
		u->config[i] = 0;
	put(u, 0x00, 0x4D495043, 4);            /* numbers of our own, as docs/model-device.md has them */
	put(u, 0x06, BIT(4), 2);
	put(u, 0x08, 0x08060001, 4);
	put(u, 0x34, CAP, 1);
	put(u, CAP, (c->header & (CAPH_IOTLB | CAPH_NP_CACHE | CAPH_EFR | CAPH_EXT)) | 0x0F | FLD(CAPH_NEXT, MSI) |
	       FLD(CAPH_TYPE, 3) | FLD(CAPH_REV, 1), 4);
	put(u, CAP + 4, fld_get(BITS(31, 0), u->base) | (u->base != 0 ? CAP_BASE_ENABLE : 0), 4);
	put(u, CAP + 8, fld_get(BITS(63, 32), u->base), 4);
	put(u, CAP + 0x10, FLD(MISC0_GVA_SIZE, 2) | FLD(MISC0_PA_SIZE, c->pa_bits) | FLD(MISC0_VA_SIZE, c->va_bits) |
	       ((c->efr & EFR_PPR) != 0 ? FLD(MISC0_MSI_PPR, 1) : 0), 4);
	put(u, CAP + 0x14, (c->header & CAPH_EXT) != 0 && (c->efr & EFR_GAM) != 0 ? FLD(MISC1_MSI_GA, 2) : 0, 4);
	put(u, MSI, 0x05, 2);
	put(u, MSI + 2, MSI_CONTROL_RO, 2);
}

uint32_t mdl_amd_cfg_rd(const struct mdl_amd *u, uint32_t off, unsigned bytes)
{
	return off > MDL_AMD_CONFIG - bytes ? 0 : get(u, off, bytes);
}

/* The bits of the DWORD at off that software may change now. */
static uint32_t writable(const struct mdl_amd *u, uint32_t off)
{
	bool locked = (get(u, CAP + 4, 4) & CAP_BASE_ENABLE) != 0;
	bool large = (u->st.cfg->efr & EFR_PC) != 0;

	switch (off) {
	case 0x04:     return (uint32_t)COMMAND_RW;
	case CAP + 4:  return locked ? 0 : (uint32_t)((large ? BITS(31, 19) : CAP_BASE_LOW) | CAP_BASE_ENABLE);
	case CAP + 8:  return locked ? 0 : UINT32_MAX;
	case MSI:      return (uint32_t)FLD(BITS(31, 16), MSI_CONTROL_RW);
	case MSI + 4:  return (uint32_t)BITS(31, 2);
	case MSI + 8:  return UINT32_MAX;
	case MSI + 12: return (uint32_t)BITS(15, 0);
	default:       return 0;
	}
}

void mdl_amd_cfg_wr(struct mdl_amd *u, uint32_t off, uint32_t v, unsigned bytes)
{
	uint32_t word = off & ~3u, shift = 8 * (off - word);
	uint32_t touched = (uint32_t)shl(BITS(8 * bytes - 1, 0), shift), value = (uint32_t)shl(v, shift);
	uint32_t old, rw;

	if (off > MDL_AMD_CONFIG - bytes)
		return;
	old = get(u, word, 4);
	rw = writable(u, word) & touched;
	old = (old & ~rw) | (value & rw);
	if (word == 0x04)
		old &= ~(value & touched & (uint32_t)FLD(BITS(31, 16), STATUS_W1C));
	put(u, word, old, 4);
	if (word == CAP + 4 || word == CAP + 8)
		u->base = (get(u, CAP + 4, 4) & CAP_BASE_LOW) | FLD(BITS(63, 32), get(u, CAP + 8, 4));
}

void mdl_amd_target_abort(struct mdl_amd *u)
{
	put(u, 0x06, get(u, 0x06, 2) | STATUS_ABORT, 2);
}

bool mdl_amd_msi(const struct mdl_amd *u, unsigned number, uint64_t *address, uint32_t *data)
{
	uint32_t control = get(u, MSI + 2, 2);
	unsigned messages = (unsigned)pow2((unsigned)min_u64(fld_get(BITS(6, 4), control), 2));

	if ((control & MSI_ENABLE) == 0)
		return false;
	*address = get(u, MSI + 4, 4) | FLD(BITS(63, 32), get(u, MSI + 8, 4));
	/* With fewer messages than numbers, all causes share what there is. */
	*data = (get(u, MSI + 12, 2) & ~(messages - 1)) | (number % messages);
	return true;
}
