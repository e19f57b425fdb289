/*
 * PASID directory and PASID table (VT-d rev 4.1, 3.4.3, 9.5 and 9.6): steps 13 to 16 of a scalable-mode request.
 */
#include "model/vtd/internal.h"

/* Step 13: a request without PASID uses RID_PASID and RID_PRIV, where they exist. */
static uint8_t effective_pasid(struct mdl_walk *w)
{
	unsigned bits = 13 + (unsigned)fld_get(SCTX0_PDTS, w->ctx[0]);

	w->priv = w->rq->has_pasid && w->rq->priv;
	w->pasid = w->rq->pasid;
	if (w->rq->has_pasid)
		return FR_NONE;
	w->pasid = mdl_ecap(w->st, ECAP_RPS) ? (uint32_t)fld_get(SCTX1_RID_PASID, w->ctx[1]) : 0;
	w->priv = mdl_ecap(w->st, ECAP_RPRIVS) && (w->ctx[1] & SCTX1_RID_PRIV) != 0;
	if (!mdl_below(w->pasid, bits))
		return FR_SCT_9_RID_PASID;                 /* SCT.9 (U-20) */
	return FR_NONE;
}

/* Step 14. */
static uint8_t directory(struct mdl_walk *w, uint64_t *table)
{
	uint64_t pa = (w->ctx[0] & w->st->d.addr) + 8 * fld_get(PASID_DIR_INDEX, w->pasid);
	uint64_t q;

	if (!mdl_fetch(w->mem, mdl_ecap(w->st, ECAP_C), pa, &q, 1))
		return FR_SPD_1_FETCH;                     /* SPD.1 */
	w->fpd = w->fpd || (q & PDIR_FPD) != 0;
	if ((q & PDIR_P) == 0)
		return FR_SPD_2_ABSENT;                    /* SPD.2 */
	if ((q & (PDIR_RSVD | w->st->d.above_haw)) != 0)
		return FR_SPD_3_RESERVED;                  /* SPD.3 */
	*table = q & w->st->d.addr;
	return FR_NONE;
}

/* Fields that only a missing capability reserves (U-08; execute support: U-11, WPE: U-14). */
static bool uncapable(const struct mdl_vtd_state *st, const uint64_t q[8])
{
	bool mts = mdl_ecap(st, ECAP_MTS), srs = mdl_ecap(st, ECAP_SRS), ers = mdl_ecap(st, ECAP_ERS);

	return ((q[0] & PE0_SSEE) != 0 && !ers) || ((q[0] & PE0_SSADE) != 0 && !mdl_ecap(st, ECAP_SSADS)) ||
	       ((q[1] & PE1_PWSNP) != 0 && !mdl_ecap(st, ECAP_SMPWCS)) ||
	       ((q[1] & PE1_PGSNP) != 0 && !mdl_ecap(st, ECAP_SC)) ||
	       ((q[1] & (PE1_CD | PE1_EMTE | PE1_PAT)) != 0 && !mts) ||
	       ((q[2] & (PE2_SRE | PE2_WPE)) != 0 && !srs) || ((q[2] & (PE2_ERE | PE2_NXE)) != 0 && !ers) ||
	       ((q[2] & PE2_SMEP) != 0 && !(srs && ers)) || ((q[2] & PE2_EAFE) != 0 && !mdl_ecap(st, ECAP_EAFS));
}

static bool reserved(const struct mdl_vtd_state *st, const uint64_t q[8])
{
	uint64_t did_bits = 4 + 2 * fld_get(CAP_ND, st->cfg->cap);
	uint64_t rest = q[3] | q[4] | q[5] | q[6] | q[7];

	if (!st->cfg->choices.u10_did_unchecked && !mdl_below(fld_get(PE1_DID, q[1]), (unsigned)did_bits))
		return true;
	if (mdl_ecap(st, ECAP_MTS) && (q[1] & PE1_PAT_RSVD) != 0)
		return true;
	return (q[0] & (PE0_RSVD | st->d.above_haw)) != 0 || (q[1] & PE1_RSVD) != 0 ||
	       (q[2] & (PE2_RSVD | st->d.above_haw)) != 0 || rest != 0;
}

/* SPT.4: translation type, widths, levels. */
static bool invalid(const struct mdl_vtd_state *st, const uint64_t q[8])
{
	uint64_t pgtt = fld_get(PE0_PGTT, q[0]);
	uint64_t fspm = fld_get(PE2_FSPM, q[2]);
	bool second = pgtt == PGTT_SS || pgtt == PGTT_NESTED;
	bool first = pgtt == PGTT_FS || pgtt == PGTT_NESTED;

	if ((pgtt == PGTT_FS && !mdl_ecap(st, ECAP_FSTS)) || (pgtt == PGTT_SS && !mdl_ecap(st, ECAP_SSTS)) ||
	    (pgtt == PGTT_NESTED && !mdl_ecap(st, ECAP_NEST)) || (pgtt == PGTT_PASS && !mdl_ecap(st, ECAP_PT)))
		return true;
	if (pgtt == 0 || pgtt > PGTT_PASS)
		return true;
	if (second && !mdl_width_supported(st, fld_get(PE0_AW, q[0])))
		return true;
	return first && (fspm > 1 || (fspm == 1 && !mdl_cap(st, CAP_FS5LP)));
}

/* Step 15. */
static uint8_t table_entry(struct mdl_walk *w, uint64_t table)
{
	uint8_t how = w->st->cfg->choices.u08_cap_rsvd;
	uint64_t q[8];

	if (!mdl_fetch(w->mem, mdl_ecap(w->st, ECAP_C), table + 64 * fld_get(PASID_TABLE_INDEX, w->pasid), q, 8))
		return FR_SPT_1_FETCH;                     /* SPT.1 */
	w->pe[0] = q[0];
	w->pe[1] = q[1];
	w->pe[2] = q[2];
	w->did = (uint16_t)fld_get(PE1_DID, q[1]);
	w->fpd = w->fpd || (q[0] & PE0_FPD) != 0;
	if ((q[0] & PE0_P) == 0)
		return FR_SPT_2_ABSENT;                    /* SPT.2 */
	if (reserved(w->st, q))
		return FR_SPT_3_RESERVED;                  /* SPT.3 */
	if (how != CAP_RSVD_IGNORED && uncapable(w->st, q))
		return how == CAP_RSVD_CHECKED ? FR_SPT_3_RESERVED : FR_SPT_4_INVALID;
	if (invalid(w->st, q))
		return FR_SPT_4_INVALID;                   /* SPT.4 */
	return FR_NONE;
}

static uint8_t fetch(struct mdl_walk *w)
{
	uint64_t table;
	uint8_t fault = directory(w, &table);

	w->pe[0] = w->pe[1] = w->pe[2] = 0;
	w->did = 0;
	return fault != FR_NONE ? fault : table_entry(w, table);
}

static uint8_t keep(struct mdl_walk *w, const struct mdl_key *key, uint8_t fault, bool fpd)
{
	struct mdl_cached *e;

	if (fault == FR_SPD_1_FETCH || fault == FR_SPT_1_FETCH || (fault != FR_NONE && !mdl_cap(w->st, CAP_CM)))
		return fault;
	e = mdl_fill_add(w, key);
	if (e == NULL)
		return fault;
	e->did = w->did;
	e->fpd = fpd;
	e->fault = fault;
	for (unsigned i = 0; i < 3; i++)
		e->w[i] = w->pe[i];
	return fault;
}

uint8_t mdl_pasid_entry(struct mdl_walk *w)
{
	struct mdl_key key = { .kind = K_PASID };
	const struct mdl_cached *e = NULL;
	bool context_fpd = w->fpd;
	uint8_t fault = effective_pasid(w);

	if (fault != FR_NONE)
		return fault;
	key.address = w->rq->sid;
	key.pasid = w->pasid;
	if (w->cache != NULL)
		e = mdl_cache_find(&w->cache->pasid, &key);
	if (e == NULL) {
		/* What is kept is the FPD of directory and table; that of the context entry is kept there. */
		w->fpd = false;
		fault = fetch(w);
		fault = keep(w, &key, fault, w->fpd);
		w->fpd = w->fpd || context_fpd;
		return fault;
	}
	w->did = e->did;
	w->fpd = w->fpd || e->fpd;
	for (unsigned i = 0; i < 3; i++)
		w->pe[i] = e->w[i];
	return e->fault;
}

/* Step 16. */
uint8_t mdl_pasid_privilege(const struct mdl_walk *w)
{
	uint64_t pgtt = fld_get(PE0_PGTT, w->pe[0]);
	bool stage1 = pgtt == PGTT_FS || pgtt == PGTT_NESTED;

	if (w->rq->has_pasid && w->rq->exec && (w->pe[2] & PE2_ERE) == 0)
		return FR_SPT_5_ERE;                       /* SPT.5 */
	if (w->priv && (w->pe[2] & PE2_SRE) == 0 && (stage1 || !w->st->cfg->choices.u36_sre_stage1_only))
		return FR_SPT_6_SRE;                       /* SPT.6 */
	return FR_NONE;
}
