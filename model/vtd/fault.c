/*
 * Faults: what is recorded, the log, the fault event (VT-d rev 4.1, chapter 7).
 *
 * The log is the primary one (FRCD); advanced fault logging, deprecated, is left out but for its registers.
 */
#include "model/vtd/internal.h"

bool mdl_fault_qualified(const struct mdl_vtd_state *st, uint8_t fault)
{
	switch (fault) {
	case FR_LRT_2_ABSENT: case FR_LRT_1_FETCH: case FR_LCT_1_FETCH: case FR_LRT_3_RESERVED:
	case FR_IR_REQUEST: case FR_IR_INDEX: case FR_IR_FETCH: case FR_IR_COMPAT: case FR_IR_RANGE:
	case FR_RTA_1: case FR_RTA_2_PASID: case FR_RTA_3_PAGE_REQUEST: case FR_RTA_4_ABORT:
	case FR_SRT_1_FETCH: case FR_SRT_2_ABSENT: case FR_SRT_3_RESERVED: case FR_SCT_1_FETCH:
		return false;
	case FR_SPD_1_FETCH: case FR_SPT_1_FETCH:
		return st->cfg->choices.u21_qualified;
	default:
		return true;
	}
}

bool mdl_fault_recoverable(uint8_t fault)
{
	switch (fault) {
	case FR_LGN_1_ADDRESS: case FR_LGN_2_WRITE: case FR_LGN_3_READ:
	case FR_SPD_2_ABSENT: case FR_SPT_2_ABSENT: case FR_SPT_5_ERE: case FR_SPT_6_SRE:
	case FR_SFS_2_ABSENT: case FR_SSS_2_ABSENT:
	case FR_SGN_1_CANONICAL: case FR_SGN_2_USER: case FR_SGN_3_EXECUTE: case FR_SGN_5_LIMIT:
	case FR_SGN_6_WRITE: case FR_SGN_7_READ:
		return true;
	default:
		return false;
	}
}

/* T1 and T2 (11.4.14.1): 0,0 write; 0,1 page request; 1,0 read; 1,1 AtomicOp. The oldest units have no T2. */
static uint64_t record_type(const struct mdl_vtd_state *st, const struct mdl_request *rq)
{
	bool has_t2 = mdl_ecap(st, ECAP_DT | ECAP_SMTS);

	if (rq->at == MDL_PAGE_REQUEST)
		return has_t2 ? FRCD1_T2 : 0;
	if (rq->access == MDL_WRITE) /* a translation request is a read (U-25) */
		return 0;
	if (rq->access == MDL_ATOMIC)
		return FRCD1_T1 | (has_t2 ? FRCD1_T2 : 0);
	return FRCD1_T1;
}

void mdl_fault_record(const struct mdl_vtd_state *st, const struct mdl_request *rq, uint8_t fault, uint64_t record[2])
{
	uint64_t r = FLD(FRCD1_SID, rq->sid) | FLD(FRCD1_FR, fault) | record_type(st, rq);

	if (mdl_ecap(st, ECAP_DT) && rq->at != MDL_PAGE_REQUEST) /* U-25: 00 for page requests */
		r |= FLD(FRCD1_AT, rq->at);
	/* The TLP prefix decides, not a PASID that stands in for an absent one (RID_PASID). */
	if (rq->has_pasid)
		r |= FRCD1_PP | FLD(FRCD1_PV, rq->pasid) | (rq->priv ? FRCD1_PRIV : 0) | (rq->exec ? FRCD1_EXE : 0);
	record[0] = rq->address & FRCD0_FI;
	record[1] = r;
}

static unsigned frcd_n(const struct mdl_vtd *u)
{
	return (unsigned)fld_get(CAP_NFR, u->st.cfg->cap) + 1;
}

static bool collapses(const struct mdl_vtd *u, uint64_t sid)
{
	if (!u->st.cfg->fault_collapse)
		return false;
	for (unsigned i = 0; i < frcd_n(u); i++)
		if ((u->st.frcd[i][1] & FRCD1_F) != 0 && fld_get(FRCD1_SID, u->st.frcd[i][1]) == sid)
			return true;
	return false;
}

void mdl_fault_log(struct mdl_vtd *u, const uint64_t record[2])
{
	uint64_t *f = u->st.frcd[u->frcd_index];
	uint64_t *fsts = &u->st.r[R_FSTS];

	/* 1. Overflow not serviced: the fault is lost. */
	if ((*fsts & FSTS_PFO) != 0)
		return;
	/* 2. One record for each requester, where the unit compresses. */
	if (collapses(u, fld_get(FRCD1_SID, record[1])))
		return;
	/* 3. No free record: overflow. */
	if ((f[1] & FRCD1_F) != 0) {
		mdl_fsts_raise(u, FSTS_PFO);
		return;
	}
	/* 4. The record, F last; then the index moves on. */
	f[0] = record[0];
	f[1] = record[1] | FRCD1_F;
	if ((*fsts & FSTS_PPF) == 0) {
		*fsts = fld_set(FSTS_FRI, *fsts, u->frcd_index);
		u->frcd_index = (u->frcd_index + 1) % frcd_n(u);
		mdl_fsts_raise(u, FSTS_PPF);
		return;
	}
	u->frcd_index = (u->frcd_index + 1) % frcd_n(u);
}

void mdl_frcd_clear(struct mdl_vtd *u, unsigned n)
{
	u->st.frcd[n][1] &= ~FRCD1_F;
	for (unsigned i = 0; i < frcd_n(u); i++)
		if ((u->st.frcd[i][1] & FRCD1_F) != 0)
			return;
	/* PPF is the OR of all F bits and clears itself. */
	u->st.r[R_FSTS] &= ~FSTS_PPF;
	mdl_fsts_serviced(u);
}

void mdl_frcd_index_reset(struct mdl_vtd *u)
{
	if ((u->st.r[R_GSTS] & (G_TE | G_IRE)) == 0)
		u->frcd_index = 0;
}

void mdl_fsts_raise(struct mdl_vtd *u, uint64_t bits)
{
	uint64_t *fsts = &u->st.r[R_FSTS];
	bool was_quiet = (*fsts & FSTS_ALL) == 0;

	*fsts |= bits;
	/* Nothing is a new condition while software has not serviced what is there; so PFO never is: PPF is set then. */
	if (was_quiet)
		mdl_event_raise(u, R_FECTL);
}

void mdl_fsts_serviced(struct mdl_vtd *u)
{
	if ((u->st.r[R_FSTS] & FSTS_ALL) == 0)
		mdl_event_clear(u, R_FECTL);
}
