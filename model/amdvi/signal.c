/*
 * Interrupts of the unit itself (AMD IOMMU 2.8): by the MSI capability of its function, or by the XT registers.
 */
#include "model/amdvi/internal.h"

#define MSG_DEST      BITS(19, 12)
#define MSG_DEST_HIGH BITS(63, 40)
#define MSG_LOGICAL   BIT(2)
#define MSG_TYPE      BITS(10, 8)

void mdl_amd_send(struct mdl_amd *u, uint32_t destination, bool logical, uint8_t vector, uint8_t type)
{
	uint64_t address = INTERRUPT_BASE | FLD(MSG_DEST, fld_get(BITS(7, 0), destination)) |
			   FLD(MSG_DEST_HIGH, fld_get(BITS(31, 8), destination)) | (logical ? MSG_LOGICAL : 0);

	u->env.message(u->env.ctx, address, (uint32_t)(vector | FLD(MSG_TYPE, type)));
}

static void send_xt(struct mdl_amd *u, uint64_t r)
{
	uint64_t destination = fld_get(XT_DEST_LOW, r) | FLD(BITS(31, 24), fld_get(XT_DEST_HIGH, r));

	mdl_amd_send(u, (uint32_t)destination, (r & XT_LOGICAL) != 0, (uint8_t)fld_get(XT_VECTOR, r),
		     (r & XT_ARBITRATED) != 0 ? 1 : 0);
}

void mdl_amd_raise(struct mdl_amd *u, uint64_t status, uint64_t enable, enum mdl_amd_log source)
{
	static const uint8_t xt[] = { AR_XT_GENERAL, AR_XT_PPR, AR_XT_GA };
	bool fresh = (u->st.r[AR_STATUS] & status) != status;
	uint64_t address;
	uint32_t data;

	u->st.r[AR_STATUS] |= status;
	if (!fresh || !mdl_amd_ctl(&u->st, enable))
		return;
	/* Messages 0, 1 and 2: MsiNum, MsiNumPPR and MsiNumGA of this model. */
	if (mdl_amd_ctl(&u->st, CTL_INT_XT))
		send_xt(u, u->st.r[xt[source]]);
	else if (mdl_amd_msi(u, source, &address, &data))
		u->env.message(u->env.ctx, address, data);
}
