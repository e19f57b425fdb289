/*
 * The translation algorithm, from request to address or fault (VT-d rev 4.1, chapter 3): its frame. The stages are in
 * root_context.c, pasid.c, second_stage.c, first_stage.c and nested.c.
 */
#include "model/vtd/internal.h"

void mdl_update_add(struct mdl_result *out, uint64_t pa, uint64_t old, uint64_t set, uint8_t fault)
{
	struct mdl_update *u;

	for (unsigned i = 0; i < out->updates_n; i++) {
		if (out->updates[i].pa == pa) {
			out->updates[i].set |= set;
			return;
		}
	}
	if (out->updates_n == MDL_UPDATES_MAX)
		return; /* not reached: 5 tables and a page by at most 5 entries each, and 5 first-stage entries */
	u = &out->updates[out->updates_n++];
	*u = (struct mdl_update){ .pa = pa, .old = old, .set = set, .fault = fault };
}

struct mdl_cached *mdl_fill_place(struct mdl_walk *w, const struct mdl_key *key)
{
	struct mdl_cached *e;

	if (w->fills_n == MDL_FILLS_MAX)
		return NULL;
	e = &w->fills[w->fills_n++];
	*e = (struct mdl_cached){ .key = *key, .sid = w->rq->sid };
	return e;
}

void mdl_fill_fault(struct mdl_walk *w, const struct mdl_key *key, uint8_t fault)
{
	struct mdl_cached *e;

	if (!mdl_cap(w->st, CAP_CM))
		return;
	e = mdl_fill_add(w, key);
	if (e != NULL)
		e->fault = fault;
}

void mdl_walk_keep(struct mdl_walk *w)
{
	if (w->cache == NULL)
		return;
	for (unsigned i = 0; i < w->fills_n; i++) {
		switch (w->fills[i].key.kind) {
		case K_CONTEXT:
			mdl_cache_put(&w->cache->context, &w->fills[i]);
			break;
		case K_PASID:
			mdl_cache_put(&w->cache->pasid, &w->fills[i]);
			break;
		case K_SS_TABLE:
		case K_FS_TABLE:
			mdl_cache_put(&w->cache->paging, &w->fills[i]);
			break;
		default:
			mdl_cache_put(&w->cache->iotlb, &w->fills[i]);
			break;
		}
	}
}

bool mdl_wants_write(const struct mdl_walk *w)
{
	if (w->rq->at == MDL_TRANSLATION)
		return !(w->rq->no_write && mdl_ecap(w->st, ECAP_NWFS));
	return w->rq->access == MDL_WRITE || w->rq->access == MDL_ATOMIC;
}

unsigned mdl_need(const struct mdl_walk *w)
{
	unsigned exec = w->rq->has_pasid && w->rq->exec ? NEED_X : 0u;

	if (w->rq->at == MDL_TRANSLATION)
		return NEED_ANY | exec;
	switch (w->rq->access) {
	case MDL_WRITE:
		return NEED_W;
	case MDL_ATOMIC:
		return NEED_R | NEED_W;
	case MDL_ZLR:
		/* U-09: with ZLR=0 like any other read. */
		return mdl_cap(w->st, CAP_ZLR) ? NEED_ANY : NEED_R;
	default:
		return NEED_R | exec;
	}
}

static void refuse(struct mdl_walk *w, uint8_t fault)
{
	w->out->kind = MDL_BLOCKED;
	w->out->fault = fault;
	if (fault == FR_NONE)
		return;
	if (w->rq->at == MDL_TRANSLATION && mdl_fault_recoverable(fault)) {
		w->out->kind = MDL_ABSENT;
		return;
	}
	/* U-17: an unreadable or malformed structure is the completer's own trouble. */
	w->out->ca = fault == FR_LRT_1_FETCH || fault == FR_LCT_1_FETCH || fault == FR_LSS_1_FETCH ||
		     fault == FR_LSS_2_RESERVED || fault >= FR_SFS_1_FETCH;
	w->out->recorded = !(w->fpd && mdl_fault_qualified(w->st, fault));
	if (w->out->recorded)
		mdl_fault_record(w->st, w->rq, fault, w->out->record);
}

static void accept(struct mdl_walk *w, uint64_t address)
{
	w->out->kind = MDL_OK;
	w->out->address = address;
	w->out->page_bits = 12;
	w->out->r = w->out->w = true;
}

/* Accesses to the interrupt range (step 2 of 3.2). True: decided. */
static bool interrupt_range(struct mdl_walk *w)
{
	const struct mdl_request *rq = w->rq;
	bool record = w->st->cfg->choices.u18_record && (w->st->r[R_GSTS] & G_IRE) != 0;

	if (rq->has_pasid || !mdl_in_interrupt_range(rq->address))
		return false;
	if (rq->at == MDL_UNTRANSLATED) {
		if (rq->access == MDL_WRITE && rq->bytes == 4 && is_aligned(rq->address, 4))
			w->out->kind = MDL_INTERRUPT;
		else
			refuse(w, record ? FR_IR_RANGE : FR_NONE);     /* U-18 */
		return true;
	}
	return false;
}

/* 3.2: what is decided before any table is read. True: decided. */
static bool before_tables(struct mdl_walk *w)
{
	const struct mdl_vtd_state *st = w->st;
	const struct mdl_request *rq = w->rq;
	uint64_t ttm = fld_get(RTADDR_TTM, st->root);

	/* 2. The interrupt range, whether or not DMA remapping is on. */
	if (interrupt_range(w))
		return true;
	/* 1. TES=0: addresses as they are; everything else is rejected without a record (U-38). */
	if ((st->r[R_GSTS] & G_TE) == 0) {
		if (rq->at == MDL_UNTRANSLATED && !rq->has_pasid && !mdl_pmr_blocks(st, rq->address))
			accept(w, rq->address);
		return true;
	}
	/* 4. RTA.1, and abort-DMA mode. */
	if (ttm == TTM_RESERVED || (ttm == TTM_ABORT && !mdl_ecap(st, ECAP_ADMS)) ||
	    (ttm == TTM_SCALABLE && !mdl_ecap(st, ECAP_SMTS))) {
		refuse(w, FR_RTA_1);
		return true;
	}
	if (ttm == TTM_ABORT) {
		refuse(w, st->cfg->choices.u19_record ? FR_RTA_4_ABORT : FR_NONE); /* U-19 */
		return true;
	}
	/* A translation request for the interrupt range: untranslated accesses only (U-24). */
	if (rq->at == MDL_TRANSLATION && !rq->has_pasid && mdl_in_interrupt_range(rq->address)) {
		if (st->cfg->choices.u24_no_u) {
			w->out->kind = MDL_ABSENT;
		} else {
			accept(w, rq->address);
			w->out->u = true;
		}
		return true;
	}
	return false;
}

/* The answer, from the leaf. */
static uint8_t finish(struct mdl_walk *w, const struct mdl_leaf *leaf)
{
	struct mdl_result *out = w->out;
	unsigned f = leaf->flags;
	uint64_t address = leaf->base | (w->rq->address & (pow2(leaf->bits) - 1));
	bool write = (f & LEAF_W) != 0 &&
		     ((f & LEAF_FW) != 0 || (w->priv && w->mode == TTM_SCALABLE && (w->pe[2] & PE2_WPE) == 0));

	/* Last step in both modes: the output must not lie in the interrupt range (LGN.4, SGN.8). */
	if (mdl_in_interrupt_range(address))
		return w->mode == TTM_LEGACY ? FR_LGN_4_INTERRUPT : FR_SGN_8_INTERRUPT;
	if (w->st->cfg->choices.u06_pmr_with_te && mdl_pmr_blocks(w->st, address))
		return FR_NONE; /* blocked, as it was from the start */
	out->kind = MDL_OK;
	out->address = address;
	out->page_bits = leaf->bits;
	out->r = (f & LEAF_R) != 0;
	out->w = write && (w->rq->at != MDL_TRANSLATION || mdl_wants_write(w));
	out->x = w->rq->has_pasid && w->rq->exec && (f & LEAF_X) != 0 && (f & LEAF_FX) != 0;
	out->priv = w->rq->has_pasid && w->priv;
	out->global = w->rq->has_pasid && (f & LEAF_G) != 0;
	out->snoop = (f & LEAF_SNP) != 0 ||
		     (w->mode == TTM_SCALABLE && mdl_ecap(w->st, ECAP_SC) && (w->pe[1] & PE1_PGSNP) != 0);
	out->cd = w->mode == TTM_SCALABLE && mdl_ecap(w->st, ECAP_MTS) && (w->pe[1] & PE1_CD) != 0;
	out->has_emt = (f & LEAF_EMT) != 0;
	out->has_pat = (f & LEAF_PAT) != 0;
	out->emt = out->has_emt ? leaf->attr : 0;
	out->pat = out->has_pat ? leaf->attr : 0;
	return FR_NONE;
}

static void identity(const struct mdl_walk *w, struct mdl_leaf *leaf)
{
	*leaf = (struct mdl_leaf){ .base = align_down(w->rq->address, PAGE_BYTES), .bits = 12 };
	leaf->flags = LEAF_SS_ALL | LEAF_FS_ALL | LEAF_SD | LEAF_FD;
}

/* 3.3, steps 10 to 15; the context entry is there. */
static uint8_t legacy_address(struct mdl_walk *w)
{
	uint64_t tt = fld_get(LCTX0_TT, w->ctx[0]);
	const struct mdl_request *rq = w->rq;
	struct mdl_leaf leaf;
	struct mdl_ss ss;
	uint8_t fault;

	if (rq->at != MDL_UNTRANSLATED && tt != TT_ATS)
		return FR_LCT_5_BLOCKED;                                   /* 10. LCT.5 */
	mdl_ss_of_context(w, &ss);
	if (rq->at == MDL_TRANSLATED) {
		if (!mdl_below(rq->address, w->st->cfg->haw))
			return FR_LGN_1_ADDRESS;                           /* 11. LGN.1.3 */
		identity(w, &leaf);
		return finish(w, &leaf);                                   /* 12. LGN.4 */
	}
	if (tt == TT_PASS) {
		if (!mdl_below(rq->address, (unsigned)min_u64(w->st->d.mgaw, w->st->cfg->haw)))
			return FR_LGN_1_ADDRESS;                           /* 11. LGN.1.2 */
		mdl_legacy_pass(w, &leaf);
		leaf.flags |= LEAF_FS_ALL;
		return finish(w, &leaf);                                   /* 13. */
	}
	if (!mdl_below(rq->address, mdl_ss_limit(w->st, &ss)))
		return FR_LGN_1_ADDRESS;                                   /* 11. LGN.1.1 */
	fault = mdl_second_stage(w, &ss, rq->address, mdl_need(w), &leaf); /* 14. */
	leaf.flags |= LEAF_FS_ALL;
	return fault != FR_NONE ? fault : finish(w, &leaf);                /* 15. */
}

/* 3.4, step 17: what PGTT says. */
static uint8_t dispatch(struct mdl_walk *w, struct mdl_leaf *leaf)
{
	struct mdl_ss ss;
	uint8_t fault;

	mdl_ss_of_pasid(w, &ss);
	switch (w->out->pgtt) {
	case PGTT_FS:
		return mdl_first_stage(w, NULL, leaf);
	case PGTT_NESTED:
		return mdl_first_stage(w, &ss, leaf);
	case PGTT_PASS:
		return mdl_pass_through(w, leaf);
	default:
		if (!mdl_below(w->rq->address, mdl_ss_limit(w->st, &ss)))
			return FR_SGN_5_LIMIT;                             /* SGN.5 */
		fault = mdl_second_stage(w, &ss, w->rq->address, mdl_need(w), leaf);
		leaf->flags |= LEAF_FS_ALL;
		return fault;
	}
}

/* 3.4, steps 8 to 17; the context entry is there. */
static uint8_t scalable_address(struct mdl_walk *w)
{
	struct mdl_leaf leaf;
	uint8_t fault = mdl_scalable_request(w);                           /* 8. to 11. */

	if (fault != FR_NONE)
		return fault;
	if (w->rq->at == MDL_PAGE_REQUEST) {
		w->out->kind = MDL_OK;
		return FR_NONE;
	}
	if (w->rq->at == MDL_TRANSLATED) {
		if (!mdl_below(w->rq->address, w->st->cfg->haw))
			return FR_SGN_4_HAW;                               /* 12. SGN.4.2 */
		identity(w, &leaf);
		return finish(w, &leaf);
	}
	fault = mdl_pasid_entry(w);                                        /* 13. to 15. */
	w->structures_n = w->fills_n;
	w->out->pasid = w->pasid;
	w->out->did = w->did;
	if (fault == FR_NONE)
		fault = mdl_pasid_privilege(w);                            /* 16. */
	if (fault != FR_NONE)
		return fault;
	w->out->pgtt = (uint8_t)fld_get(PE0_PGTT, w->pe[0]);
	fault = dispatch(w, &leaf);                                        /* 17. */
	return fault != FR_NONE ? fault : finish(w, &leaf);
}

/* What legacy mode has no place for. */
static uint8_t legacy_request(const struct mdl_request *rq)
{
	if (rq->has_pasid)
		return FR_RTA_2_PASID;                                     /* 1. RTA.2 */
	return rq->at == MDL_PAGE_REQUEST ? FR_RTA_3_PAGE_REQUEST : FR_NONE; /* 2. RTA.3 */
}

/* Steps 1 to 9 of 3.3, 1 to 7 of 3.4. */
static uint8_t context(struct mdl_walk *w)
{
	uint8_t fault;

	if (fld_get(RTADDR_TTM, w->st->root) == TTM_SCALABLE)
		return mdl_scalable_context(w);
	fault = legacy_request(w->rq);
	return fault != FR_NONE ? fault : mdl_legacy_context(w);
}

static void result_init(struct mdl_result *out)
{
	out->kind = MDL_BLOCKED;
	out->fault = FR_NONE;
	out->recorded = out->ca = out->r = out->w = out->x = out->u = false;
	out->global = out->priv = out->snoop = out->cd = false;
	out->has_emt = out->has_pat = false;
	out->page_bits = out->emt = out->pat = out->pgtt = 0;
	out->did = 0;
	out->pasid = 0;
	out->address = 0;
	out->updates_n = 0;
}

void mdl_walk_run(struct mdl_walk *w)
{
	uint8_t fault;

	result_init(w->out);
	w->fpd = w->priv = w->untouched = false;
	w->fills_n = w->structures_n = 0;
	if (before_tables(w))
		return;
	fault = context(w);
	/* A context entry kept from before a switch of modes is still used as what it was. */
	if (fault == FR_NONE && w->mode == TTM_LEGACY) {
		w->out->did = w->did;
		fault = legacy_request(w->rq);
		if (fault == FR_NONE)
			fault = legacy_address(w);
	} else if (fault == FR_NONE) {
		fault = scalable_address(w);
	}
	if (fault == FR_NONE)
		return;
	/* The walk came to its end only in the last step: then its A/D updates (of scalable mode) count, else none is made. */
	if (fault != FR_SGN_8_INTERRUPT) {
		/* Paging entries may be kept only with their A bits set: then none is, but context and PASID entry are. */
		if (w->out->updates_n != 0 || w->untouched)
			w->fills_n = w->structures_n;
		w->out->updates_n = 0;
	}
	refuse(w, fault);
}

void mdl_vtd_translate(const struct mdl_vtd_state *st, const struct mdl_mem *mem, const struct mdl_request *rq,
		       struct mdl_result *out)
{
	struct mdl_walk w;

	w.st = st;
	w.mem = mem;
	w.cache = NULL;
	w.rq = rq;
	w.out = out;
	mdl_walk_run(&w);
}
