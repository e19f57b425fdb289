/*
 * Interrupt remapping (AMD IOMMU 2.2.5, 2.7; fact sheet 3.5, 4.7): entries of 32 and 128 bits, 32-bit destinations,
 * guest interrupts.
 */
#include "model/amdvi/internal.h"

#define DATA_TYPE      BITS(10, 8)
#define DATA_INDEX     BITS(10, 0)
#define ADDRESS_BIT2   BIT(2)
enum { TYPE_FIXED, TYPE_ARBITRATED, TYPE_SMI, TYPE_NMI = 4, TYPE_INIT, TYPE_EXTINT = 7 };
#define APIC_IRR       0x200u
#define GA_CODE_GUEST  1u

/* One message on its way. */
struct message {
	struct mdl_amd *u;
	struct mdl_amd_walk *w;
	uint16_t sid;
	uint64_t address;
	uint32_t data;
};

static enum mdl_completion pass(const struct message *m)
{
	m->u->env.message(m->u->env.ctx, m->address, m->data);
	return MDL_DONE;
}

static enum mdl_completion refuse(const struct message *m, uint8_t fault, bool suppressed)
{
	if (!suppressed)
		mdl_amd_entry_fault(m->u, m->w, fault);
	return MDL_UR;
}

/* Steps c to f concern entries; IG silences them all (U-39), SupIOPF those of its entry. */
static enum mdl_completion unmapped(const struct message *m, uint8_t fault, uint64_t irte)
{
	return refuse(m, fault, (m->w->dte[2] & DTE2_IG) != 0 || (irte & IRTE_SUP) != 0);
}

/* ---- the entry ---- */

static uint64_t entry_address(const struct message *m, uint64_t index)
{
	uint64_t stride = mdl_amd_ctl(&m->u->st, CTL_GA) ? 16 : 4;

	return (m->w->dte[2] & DTE2_INT_ROOT) + stride * index;
}

static bool read_entry(const struct message *m, uint64_t pa, uint64_t e[2])
{
	bool wide = mdl_amd_ctl(&m->u->st, CTL_GA);

	if (!mdl_fetch(&m->u->mem, (m->w->dte[1] & DTE1_SD) == 0, align_down(pa, 8), e, wide ? 2 : 1))
		return false;
	if (!wide) {
		e[0] = (pa & 4) != 0 ? fld_get(BITS(63, 32), e[0]) : fld_get(BITS(31, 0), e[0]);
		e[1] = 0;
	}
	return true;
}

/* Step d, through the cache. Entries without RemapEn are not kept but with NpCache=1. */
static uint8_t fetch(const struct message *m, uint64_t index, uint64_t e[2])
{
	struct mdl_cached fill = { .key = { .kind = K_IRTE, .did = m->sid, .address = index }, .sid = m->sid };
	const struct mdl_amd_config *c = m->u->st.cfg;
	const struct mdl_cached *hit = mdl_cache_find(&m->u->cache.irt, &fill.key);
	uint64_t pa = entry_address(m, index);

	if (hit != NULL) {
		e[0] = hit->w[0];
		e[1] = hit->w[1];
		return FR_NONE;
	}
	if (!read_entry(m, pa, e)) {
		m->w->fault_pa = pa;
		return FR_IR_FETCH;
	}
	if (c->lazy || mdl_amd_ctl(&m->u->st, CTL_IRT_UNCACHED) ||
	    ((e[0] & IRTE_REMAP) == 0 && (c->header & CAPH_NP_CACHE) == 0))
		return FR_NONE;
	fill.w[0] = e[0];
	fill.w[1] = e[1];
	mdl_cache_put(&m->u->cache.irt, &fill);
	return FR_NONE;
}

static bool guest_mode_on(const struct mdl_amd_state *st)
{
	return fld_get(CTL_GAM, st->r[AR_CTL]) == 1;
}

/* Step f. */
static bool reserved(const struct mdl_amd_state *st, const uint64_t e[2])
{
	bool xt = mdl_amd_ctl(st, CTL_XT);

	if (!mdl_amd_ctl(st, CTL_GA))
		return (e[0] & (IRTE32_RSVD | IRTE_GUEST)) != 0 || fld_get(IRTE_TYPE, e[0]) > 1;
	if ((e[0] & IRTE_GUEST) != 0)
		return !guest_mode_on(st) || (e[0] & IRTE0_GUEST_RSVD) != 0 || (e[1] & IRTE1_RSVD_GUEST) != 0;
	return fld_get(IRTE_TYPE, e[0]) > 1 || (e[0] & (IRTE0_RSVD | (xt ? 0 : IRTE0_RSVD_XAPIC))) != 0 ||
	       (e[1] & (xt ? IRTE1_RSVD : IRTE1_RSVD_XAPIC)) != 0;
}

/* ---- delivery ---- */

static enum mdl_completion deliver(const struct message *m, const uint64_t e[2])
{
	bool logical = (e[0] & IRTE_DM) != 0;
	uint8_t type = (uint8_t)fld_get(IRTE_TYPE, e[0]);
	uint32_t destination = (uint32_t)fld_get(IRTE0_DEST_8, e[0]);

	if (!mdl_amd_ctl(&m->u->st, CTL_GA)) {
		mdl_amd_send(m->u, destination, logical, (uint8_t)fld_get(IRTE32_VECTOR, e[0]), type);
		return MDL_DONE;
	}
	if (mdl_amd_ctl(&m->u->st, CTL_XT))
		destination =
			(uint32_t)(fld_get(IRTE0_DEST_24, e[0]) | FLD(BITS(31, 24), fld_get(IRTE1_DEST_HIGH, e[1])));
	mdl_amd_send(m->u, destination, logical, (uint8_t)fld_get(IRTE1_VECTOR, e[1]), type);
	return MDL_DONE;
}

/* Step h: into the guest's APIC page; what says where the guest runs is read anew. */
static enum mdl_completion deliver_guest(const struct message *m, uint64_t index, const uint64_t e[2])
{
	struct mdl_amd *u = m->u;
	uint64_t vector = fld_get(IRTE1_VECTOR, e[1]);
	uint64_t pa = (e[1] & IRTE1_APIC_PAGE) + APIC_IRR + 16 * (vector / 32);
	uint64_t fresh[2], irr;

	m->w->fault_pa = pa;
	if (!read_entry(m, entry_address(m, index), fresh) || !u->mem.rd64(u->mem.ctx, pa, &irr, 1) ||
	    !mdl_set_bits(&u->mem, pa, irr, pow2((unsigned)(vector % 32))))
		return refuse(m, FR_IR_FETCH, false);
	if ((fresh[0] & IRTE0_IS_RUN) != 0) {
		if (u->env.doorbell != NULL)
			u->env.doorbell(u->env.ctx, (uint32_t)(fld_get(IRTE0_DEST_24, fresh[0]) |
							       FLD(BITS(31, 24), fld_get(IRTE1_DEST_HIGH, fresh[1]))));
	} else if ((e[0] & IRTE0_GALOG) != 0) {
		const uint64_t entry = FLD(EVT_CODE, GA_CODE_GUEST) | FLD(GAL_DEVICE, m->sid) |
				       FLD(GAL_TAG, fld_get(IRTE0_GATAG, fresh[0]));

		mdl_amd_log_put(u, LOG_GA, &entry);
	}
	return MDL_DONE;
}

static enum mdl_completion remap(const struct message *m)
{
	uint64_t length = fld_get(DTE2_INT_LEN, m->w->dte[2]), index = fld_get(DATA_INDEX, m->data);
	uint64_t e[2];
	uint8_t fault;

	if (length > 11)
		return refuse(m, FR_IR_LENGTH, false);                       /* a. */
	if (index >= pow2((unsigned)length))
		return unmapped(m, FR_IR_INDEX, 0);                          /* b. and c. */
	fault = fetch(m, index, e);
	if (fault != FR_NONE)
		return refuse(m, fault, false);                              /* d. */
	if ((e[0] & IRTE_REMAP) == 0)
		return unmapped(m, FR_IR_ABSENT, e[0]);                      /* e. */
	if (reserved(&m->u->st, e))
		return unmapped(m, FR_IR_RESERVED, e[0]);                    /* f. */
	if ((e[0] & IRTE_GUEST) != 0)
		return deliver_guest(m, index, e);                           /* h. */
	return deliver(m, e);                                                /* g. */
}

/* ---- what is not a plain interrupt ---- */

static enum mdl_completion blocked(const struct message *m)
{
	return refuse(m, m->u->st.cfg->choices.u39_blocked_event ? FR_IR_BLOCKED : FR_SILENT, false);
}

static enum mdl_completion smi(const struct message *m)
{
	const struct mdl_amd_state *st = &m->u->st;

	if (!mdl_amd_ctl(st, CTL_SMI_FILTER))
		return pass(m);
	for (unsigned i = 0; i < 16; i++)
		if ((st->r[AR_SMI + i] & SMI_VALID) != 0 && fld_get(SMI_DEVICE, st->r[AR_SMI + i]) == m->sid)
			return pass(m);
	return refuse(m, FR_IR_ABSENT, !mdl_amd_ctl(st, CTL_SMI_LOG));
}

/* NMI, INIT and ExtInt: physical mode only, each with its bit. */
static enum mdl_completion special(const struct message *m, uint64_t type)
{
	uint64_t bit = type == TYPE_NMI ? DTE2_NMI_PASS : type == TYPE_INIT ? DTE2_INIT_PASS :
		       type == TYPE_EXTINT ? DTE2_EINT_PASS : 0;

	if ((m->address & ADDRESS_BIT2) != 0)
		return blocked(m);
	if (type == TYPE_SMI)
		return smi(m);
	return (m->w->dte[2] & bit) != 0 ? pass(m) : blocked(m);
}

static enum mdl_completion by_entry(const struct message *m)
{
	const struct mdl_amd_state *st = &m->u->st;
	const uint64_t *q = m->w->dte;
	uint64_t type = fld_get(DATA_TYPE, m->data);
	bool all_index = fld_get(CTL_INT_2K, st->r[AR_CTL]) == 1 && (m->address & ADDRESS_BIT2) != 0;

	if ((q[2] & DTE2_IV) == 0)
		return pass(m);                                              /* 3. */
	if ((q[2] & st->d.dte_rsvd[2]) != 0 || (q[3] & st->d.dte_rsvd[3]) != 0)
		return refuse(m, FR_IR_DTE_RESERVED, false);                 /* 4. */
	if (type > TYPE_ARBITRATED && !all_index)
		return special(m, type);
	switch (fld_get(DTE2_INT_CTL, q[2])) {
	case INTCTL_ABORT:
		return refuse(m, FR_INV_INTCTL, false);
	case INTCTL_FORWARD:
		return pass(m);
	case INTCTL_REMAP:
		return remap(m);
	default:
		return refuse(m, FR_IR_INTCTL, false);
	}
}

enum mdl_completion mdl_amd_interrupt(struct mdl_amd *u, uint16_t sid, uint64_t address, uint32_t data)
{
	const struct mdl_request rq = { .sid = sid, .access = MDL_WRITE, .bytes = 4, .address = address };
	struct mdl_amd_result out;
	struct mdl_amd_walk w;
	const struct message m = { u, &w, sid, address, data };
	uint8_t fault;

	if (!mdl_amd_ctl(&u->st, CTL_IOMMU))
		return pass(&m);                                             /* 1. */
	fault = mdl_amd_entry(u, &w, &rq, &out);
	w.interrupt = true;
	if (fault != FR_NONE)
		return refuse(&m, fault, false);                             /* 2. */
	return by_entry(&m);
}
