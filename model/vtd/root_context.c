/*
 * Root and context entries, legacy and scalable mode (VT-d rev 4.1, 3.4, 9.1 to 9.4).
 *
 * Each function is one structure; a number in a comment is the step of chapter 3's list for the mode, the name after it
 * the fault condition.
 */
#include "model/vtd/internal.h"

bool mdl_width_supported(const struct mdl_vtd_state *st, uint64_t aw)
{
	/* 001 39 bits, 010 48, 011 57; SAGAW has them at bits 9 to 11. */
	return aw >= 1 && aw <= 3 && (st->cfg->cap & pow2(8 + (unsigned)aw)) != 0;
}

static uint64_t widest(const struct mdl_vtd_state *st)
{
	for (uint64_t aw = 3; aw > 0; aw--)
		if (mdl_width_supported(st, aw))
			return aw;
	return 0;
}

static bool did_too_wide(const struct mdl_vtd_state *st, uint64_t did)
{
	/* 2^(4 + 2 * ND) domains; whether bits above are checked is U-10. */
	unsigned bits = 4 + 2 * (unsigned)fld_get(CAP_ND, st->cfg->cap);

	return !st->cfg->choices.u10_did_unchecked && !mdl_below(did, bits);
}

static bool cached_context(struct mdl_walk *w, uint8_t *fault)
{
	const struct mdl_cached *e;

	if (w->cache == NULL)
		return false;
	e = mdl_cache_find(&w->cache->context, &(struct mdl_key){ .kind = K_CONTEXT, .address = w->rq->sid });
	if (e == NULL)
		return false;
	w->mode = e->mode;
	w->fpd = e->fpd;
	w->did = e->did;
	w->ctx[0] = e->w[0];
	w->ctx[1] = e->w[1];
	*fault = e->fault;
	return true;
}

/* A context entry, or with CM=1 the error that stands in its place (legacy ones under DID 0), may be kept. */
static uint8_t keep_context(struct mdl_walk *w, uint8_t fault)
{
	struct mdl_cached *e;

	if (fault == FR_LRT_1_FETCH || fault == FR_LCT_1_FETCH || fault == FR_SRT_1_FETCH || fault == FR_SCT_1_FETCH)
		return fault;
	if (fault != FR_NONE && !mdl_cap(w->st, CAP_CM))
		return fault;
	e = mdl_fill_add(w, &(struct mdl_key){ .kind = K_CONTEXT, .address = w->rq->sid });
	if (e == NULL)
		return fault;
	e->mode = w->mode;
	e->fpd = w->fpd;
	e->fault = fault;
	e->did = fault == FR_NONE ? w->did : 0;
	e->w[0] = w->ctx[0];
	e->w[1] = w->ctx[1];
	return fault;
}

/* Steps 3 to 5: root entry of the bus. */
static uint8_t legacy_root(const struct mdl_walk *w, uint64_t *table)
{
	uint64_t pa = (w->st->root & w->st->d.addr) + 16 * fld_get(SID_BUS, w->rq->sid);
	uint64_t root[2];

	if (!mdl_fetch(w->mem, mdl_ecap(w->st, ECAP_C), pa, root, 2))
		return FR_LRT_1_FETCH;                     /* 3. LRT.1 */
	if ((root[0] & ROOT_P) == 0)
		return FR_LRT_2_ABSENT;                    /* 4. LRT.2 */
	if ((root[0] & (ROOT_RSVD | w->st->d.above_haw)) != 0 || root[1] != 0)
		return FR_LRT_3_RESERVED;                  /* 5. LRT.3 */
	*table = root[0] & w->st->d.addr;
	return FR_NONE;
}

/* Step 9: translation type and width. */
static uint8_t legacy_valid(const struct mdl_walk *w)
{
	uint64_t tt = fld_get(LCTX0_TT, w->ctx[0]);
	uint64_t aw = fld_get(LCTX1_AW, w->ctx[1]);

	if (tt == TT_RESERVED || (tt == TT_ATS && !mdl_ecap(w->st, ECAP_DT)) ||
	    (tt == TT_PASS && !mdl_ecap(w->st, ECAP_PT)))
		return FR_LCT_4_INVALID;                   /* LCT.4.2 */
	if (tt == TT_PASS && aw != widest(w->st))
		return w->st->cfg->choices.u22_width_is_address ? FR_LGN_1_ADDRESS : FR_LCT_4_INVALID;
	if (!mdl_width_supported(w->st, aw))
		return FR_LCT_4_INVALID;                   /* LCT.4.1 */
	return FR_NONE;
}

static uint8_t legacy_fetch(struct mdl_walk *w)
{
	uint64_t table;
	uint8_t fault = legacy_root(w, &table);

	w->mode = TTM_LEGACY;
	w->ctx[0] = w->ctx[1] = 0;
	w->did = 0;
	if (fault != FR_NONE)
		return fault;
	if (!mdl_fetch(w->mem, mdl_ecap(w->st, ECAP_C), table + 16 * fld_get(SID_DEVFN, w->rq->sid), w->ctx, 2))
		return FR_LCT_1_FETCH;                     /* 6. LCT.1 */
	w->fpd = (w->ctx[0] & LCTX0_FPD) != 0;             /* honoured with P=0, too */
	w->did = (uint16_t)fld_get(LCTX1_DID, w->ctx[1]);
	if ((w->ctx[0] & LCTX0_P) == 0)
		return FR_LCT_2_ABSENT;                    /* 7. LCT.2 */
	if ((w->ctx[0] & (LCTX0_RSVD | w->st->d.above_haw)) != 0 || (w->ctx[1] & LCTX1_RSVD) != 0 ||
	    did_too_wide(w->st, w->did))
		return FR_LCT_3_RESERVED;                  /* 8. LCT.3 */
	return legacy_valid(w);                            /* 9. */
}

uint8_t mdl_legacy_context(struct mdl_walk *w)
{
	uint8_t fault;

	if (cached_context(w, &fault))
		return fault;
	return keep_context(w, legacy_fetch(w));
}

/* Steps 1 to 3: the half of the root entry that devfn bit 7 selects. */
static uint8_t scalable_root(const struct mdl_walk *w, uint64_t *table)
{
	uint64_t half;
	uint64_t pa = (w->st->root & w->st->d.addr) + 16 * fld_get(SID_BUS, w->rq->sid) +
		      8 * fld_get(BIT(7), w->rq->sid);

	if (!mdl_fetch(w->mem, mdl_ecap(w->st, ECAP_C), pa, &half, 1))
		return FR_SRT_1_FETCH;                     /* 1. SRT.1 */
	if ((half & ROOT_P) == 0)
		return FR_SRT_2_ABSENT;                    /* 2. SRT.2 */
	if ((half & (ROOT_RSVD | w->st->d.above_haw)) != 0)
		return FR_SRT_3_RESERVED;                  /* 3. SRT.3 */
	*table = half & w->st->d.addr;
	return FR_NONE;
}

/* Fields of the context entry that only a missing capability reserves (U-08). */
static bool scalable_uncapable(const struct mdl_walk *w)
{
	const struct mdl_vtd_state *st = w->st;

	return ((w->ctx[0] & SCTX0_DTE) != 0 && !mdl_ecap(st, ECAP_DT)) ||
	       ((w->ctx[0] & SCTX0_PASIDE) != 0 && !mdl_ecap(st, ECAP_PASID)) ||
	       ((w->ctx[0] & SCTX0_PRE) != 0 && !mdl_ecap(st, ECAP_PRS)) ||
	       ((w->ctx[1] & SCTX1_RID_PRIV) != 0 && !mdl_ecap(st, ECAP_RPRIVS)) ||
	       ((w->ctx[1] & SCTX1_RID_PASID) != 0 && !mdl_ecap(st, ECAP_RPS) &&
		!st->cfg->choices.u13_rid_pasid_ignored);
}

static bool rid_pasid_outside(const struct mdl_walk *w)
{
	unsigned bits = 13 + (unsigned)fld_get(SCTX0_PDTS, w->ctx[0]);

	return mdl_ecap(w->st, ECAP_RPS) && !mdl_below(fld_get(SCTX1_RID_PASID, w->ctx[1]), bits);
}

/* Steps 6 and 7. */
static uint8_t scalable_valid(const struct mdl_walk *w, const uint64_t q[4])
{
	uint8_t how = w->st->cfg->choices.u08_cap_rsvd;

	if ((q[0] & (SCTX0_RSVD | w->st->d.above_haw)) != 0 || (q[1] & SCTX1_RSVD) != 0 || q[2] != 0 || q[3] != 0)
		return FR_SCT_3_RESERVED;                  /* 6. SCT.3 */
	if (how != CAP_RSVD_IGNORED && scalable_uncapable(w))
		return how == CAP_RSVD_CHECKED ? FR_SCT_3_RESERVED : FR_SCT_4_INVALID;
	if (w->st->cfg->choices.u20_programming && rid_pasid_outside(w))
		return FR_SCT_4_INVALID;                   /* 7. SCT.4 */
	return FR_NONE;
}

static uint8_t scalable_fetch(struct mdl_walk *w)
{
	uint64_t table, q[4];
	uint8_t fault = scalable_root(w, &table);

	w->mode = TTM_SCALABLE;
	w->ctx[0] = w->ctx[1] = 0;
	w->did = 0;
	if (fault != FR_NONE)
		return fault;
	if (!mdl_fetch(w->mem, mdl_ecap(w->st, ECAP_C), table + 32 * fld_get(BITS(6, 0), w->rq->sid), q, 4))
		return FR_SCT_1_FETCH;                     /* 4. SCT.1 */
	w->ctx[0] = q[0];
	w->ctx[1] = q[1];
	w->fpd = (q[0] & SCTX0_FPD) != 0;
	if ((q[0] & SCTX0_P) == 0)
		return FR_SCT_2_ABSENT;                    /* 5. SCT.2 */
	return scalable_valid(w, q);
}

uint8_t mdl_scalable_context(struct mdl_walk *w)
{
	uint8_t fault;

	if (cached_context(w, &fault))
		return fault;
	return keep_context(w, scalable_fetch(w));
}

uint8_t mdl_scalable_request(struct mdl_walk *w)
{
	const struct mdl_request *rq = w->rq;
	bool ats = rq->at == MDL_TRANSLATION || rq->at == MDL_TRANSLATED;
	unsigned bits = 13 + (unsigned)fld_get(SCTX0_PDTS, w->ctx[0]);

	if (ats && (w->ctx[0] & SCTX0_DTE) == 0)
		return FR_SCT_5_DTE;                       /* 8. SCT.5 */
	if (rq->has_pasid && (w->ctx[0] & SCTX0_PASIDE) == 0)
		return FR_SCT_6_PASIDE;                    /* 9. SCT.6 */
	/* 10. SCT.7; a PASID wider than PSS has no code of its own (U-37). */
	if (rq->has_pasid && (!mdl_below(rq->pasid, bits) ||
			      !mdl_below(rq->pasid, 1 + (unsigned)fld_get(ECAP_PSS, w->st->cfg->ecap))))
		return FR_SCT_7_PDTS;
	if (rq->at == MDL_PAGE_REQUEST && (w->ctx[0] & SCTX0_PRE) == 0)
		return FR_SCT_8_PRE;                       /* 11. SCT.8 */
	return FR_NONE;
}
