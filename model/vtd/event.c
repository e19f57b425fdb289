/*
 * Event messages of the unit itself: FECTL, IECTL and PECTL with their data and address registers (VT-d rev 4.1, 7.3).
 *
 * The three groups have the same shape and follow each other in the register enumeration: control, data, address,
 * upper address.
 */
#include "model/vtd/internal.h"

static void event_send(struct mdl_vtd *u, enum mdl_reg ectl)
{
	uint64_t data = u->st.r[ectl + 1];
	uint64_t address = u->st.r[ectl + 2] | FLD(BITS(63, 32), u->st.r[ectl + 3]);

	u->st.r[ectl] &= ~ECTL_IP;
	u->env.message(u->env.ctx, address, (uint32_t)data);
}

void mdl_event_raise(struct mdl_vtd *u, enum mdl_reg ectl)
{
	u->st.r[ectl] |= ECTL_IP;
	if ((u->st.r[ectl] & ECTL_IM) == 0)
		event_send(u, ectl);
}

void mdl_event_unmasked(struct mdl_vtd *u, enum mdl_reg ectl)
{
	if ((u->st.r[ectl] & (ECTL_IP | ECTL_IM)) == ECTL_IP)
		event_send(u, ectl);
}

void mdl_event_clear(struct mdl_vtd *u, enum mdl_reg ectl)
{
	u->st.r[ectl] &= ~ECTL_IP;
}
