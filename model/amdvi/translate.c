/*
 * From request to address or event: the frame of the fact sheet's chapter 4 (AMD IOMMU 2.1, 2.2). The stages are in
 * device_table.c, host_table.c and guest_table.c.
 */
#include "model/amdvi/internal.h"

void mdl_amd_update(struct mdl_amd_walk *w, uint64_t pa, uint64_t old, uint64_t set)
{
	struct mdl_amd_result *out = w->out;

	for (unsigned i = 0; i < out->updates_n; i++) {
		if (out->updates[i].pa == pa) {
			out->updates[i].set |= set;
			return;
		}
	}
	/* 3 GCR3 and 5 guest tables and a page, each by at most 6 host entries, and 5 guest entries: there is room. */
	if (out->updates_n == MDL_AMD_UPDATES_MAX) /* not reached */
		return;
	out->updates[out->updates_n++] = (struct mdl_update){ .pa = pa, .old = old, .set = set, .fault = FR_PT_FETCH };
}

struct mdl_cached *mdl_amd_fill(struct mdl_amd_walk *w, const struct mdl_key *key)
{
	struct mdl_cached *e;

	if (w->cache == NULL || w->fills_n == MDL_AMD_FILLS_MAX)
		return NULL;
	e = &w->fills[w->fills_n++];
	*e = (struct mdl_cached){ .key = *key, .sid = w->rq->sid };
	return e;
}

void mdl_amd_walk_keep(struct mdl_amd_walk *w)
{
	for (unsigned i = 0; w->cache != NULL && i < w->fills_n; i++) {
		switch (w->fills[i].key.kind) {
		case K_DTE:
			mdl_cache_put(&w->cache->dte, &w->fills[i]);
			break;
		case K_HOST_TABLE: case K_GUEST_TABLE:
			mdl_cache_put(&w->cache->paging, &w->fills[i]);
			break;
		case K_GCR3:
			mdl_cache_put(&w->cache->gcr3, &w->fills[i]);
			break;
		default:
			mdl_cache_put(&w->cache->iotlb, &w->fills[i]);
			break;
		}
	}
}

bool mdl_amd_wants_write(const struct mdl_amd_walk *w)
{
	if (w->rq->at == MDL_TRANSLATION)
		return !w->rq->no_write;
	return w->rq->access == MDL_WRITE || w->rq->access == MDL_ATOMIC;
}

unsigned mdl_amd_need(const struct mdl_amd_walk *w)
{
	unsigned exec = w->rq->has_pasid && w->rq->exec && w->rq->access == MDL_READ ? NEED_X : 0u;

	if (w->rq->at == MDL_TRANSLATION)
		return NEED_ANY;
	switch (w->rq->access) {
	case MDL_WRITE:  return NEED_W;
	case MDL_ATOMIC: return NEED_R | NEED_W;
	default:         return NEED_R | exec;
	}
}

static uint8_t accept(struct mdl_amd_walk *w)
{
	w->out->kind = MDL_OK;
	w->out->address = w->rq->address;
	w->out->page_bits = 12;
	w->out->r = w->out->w = true;
	return FR_NONE;
}

/* Faults that a translation request gets as an answer without permissions, not as an event (fact sheet 4.6). */
static bool recoverable(const struct mdl_amd_walk *w, uint8_t fault)
{
	return w->rq->at == MDL_TRANSLATION && mdl_amd_is_page_fault(fault) && fault != FR_ID_OUTSIDE;
}

static void refuse(struct mdl_amd_walk *w, uint8_t fault)
{
	struct mdl_amd_result *out = w->out;
	bool memory = mdl_amd_is_page_fault(fault);

	out->kind = MDL_BLOCKED;
	out->fault = fault;
	if (recoverable(w, fault)) {
		out->kind = MDL_ABSENT;
		return;
	}
	out->recorded = mdl_amd_event(w, fault, out->event);
	/* SA and SE act on IO_PAGE_FAULT of memory requests alone. */
	if (memory && w->has_dte && (w->dte[0] & DTE0_V) != 0) {
		out->recorded = out->recorded && (w->dte[1] & DTE1_SA) == 0;
		out->once = (w->dte[1] & DTE1_SE) != 0;
	}
}

/* The MSI window (4.1). True: decided. */
static bool interrupt_range(struct mdl_amd_walk *w, uint8_t *fault)
{
	const struct mdl_request *rq = w->rq;

	if ((rq->address & INTERRUPT_MASK) != INTERRUPT_BASE)
		return false;
	*fault = FR_NONE;
	if (rq->at == MDL_TRANSLATION)
		w->out->kind = MDL_ABSENT;
	else if (rq->access != MDL_WRITE)
		*fault = FR_INV_INT_READ;
	else if (rq->bytes != 4 || !is_aligned(rq->address, 4) || rq->at != MDL_UNTRANSLATED)
		*fault = FR_INV_INT_WRITE;
	else if (rq->has_pasid)
		*fault = FR_IR_PASID;
	else
		w->out->kind = MDL_INTERRUPT;
	return true;
}

/* 4.2 step 1. ex: the device's own bit. */
static bool excluded(const struct mdl_amd_walk *w, bool ex)
{
	uint64_t base = w->st->r[AR_EXCL_BASE];

	return (base & EXCL_ENABLE) != 0 && (ex || (base & EXCL_ALLOW) != 0) && !w->rq->has_pasid &&
	       w->rq->at != MDL_TRANSLATED && w->rq->address >= (base & BASE_ADDR) &&
	       w->rq->address <= ((w->st->r[AR_EXCL_LIMIT] & BASE_ADDR) | BITS(11, 0));
}

/* Entries with V=0 (4.2 step 4, 4.6). */
static uint8_t not_valid(struct mdl_amd_walk *w)
{
	switch (w->rq->at) {
	case MDL_TRANSLATED:
		return FR_INV_TRANSLATED;
	case MDL_TRANSLATION:
		return w->st->cfg->choices.u38_identity ? accept(w) : FR_INV_TRANSLATED;
	default:
		return w->rq->has_pasid && w->st->cfg->choices.u19_pasid_aborted ? FR_SILENT : accept(w);
	}
}

/* The answer, from the leaf; DTE.IR and IW gate it. */
static uint8_t finish(struct mdl_amd_walk *w, const struct mdl_amd_leaf *leaf)
{
	struct mdl_amd_result *out = w->out;
	unsigned f = leaf->flags;
	bool guest = out->guest;

	out->kind = MDL_OK;
	out->address = leaf->base | (w->rq->address & (pow2(leaf->bits) - 1));
	out->page_bits = leaf->bits;
	out->r = (f & LEAF_IR) != 0 && (w->dte[0] & DTE0_IR) != 0;
	out->w = (f & LEAF_IW) != 0 && (w->dte[0] & DTE0_IW) != 0 && (!guest || (f & LEAF_GW) != 0);
	if (w->rq->at == MDL_TRANSLATION)
		out->w = out->w && mdl_amd_wants_write(w);
	out->x = w->rq->has_pasid && w->rq->exec && guest && (f & LEAF_GX) != 0 && out->r;
	out->u = (f & LEAF_U) != 0;
	out->fc = (f & LEAF_FC) != 0;
	out->priv = w->rq->has_pasid && w->rq->priv;
	out->global = w->rq->has_pasid && (f & LEAF_GG) != 0;
	return FR_NONE;
}

/* 4.2 steps 7 to 11, 4.4. */
static uint8_t translate(struct mdl_amd_walk *w)
{
	uint64_t q = w->dte[0];
	bool guest_on = (q & DTE0_GV) != 0 && mdl_amd_ctl(w->st, CTL_GT);
	unsigned need = mdl_amd_need(w);
	struct mdl_amd_leaf leaf = { 0 };
	uint8_t fault;

	if ((q & DTE0_TV) == 0)
		return w->st->cfg->choices.u33_silent ? FR_SILENT : FR_DTE_NO_TV; /* 7. */
	if (((need & NEED_R) != 0 && (q & DTE0_IR) == 0) || ((need & NEED_W) != 0 && (q & DTE0_IW) == 0))
		return FR_DTE_PERMISSION;                                    /* 8. */
	if (w->rq->has_pasid && !guest_on)
		return FR_NO_GUEST;                                          /* U-19 */
	if (guest_on && (w->rq->has_pasid || (q & DTE0_GIOV) != 0)) {
		w->pasid = w->rq->has_pasid ? w->rq->pasid : 0;
		w->gn = w->out->guest = true;
		fault = mdl_amd_guest(w, &leaf);
	} else {
		fault = mdl_amd_host(w, w->rq->address, need, &leaf);
	}
	w->out->pasid = w->pasid;
	return fault != FR_NONE ? fault : finish(w, &leaf);
}

/* Everything behind the device table entry. */
static uint8_t by_entry(struct mdl_amd_walk *w)
{
	uint8_t fault;

	w->out->domain = w->domain;
	if (w->rq->at == MDL_PAGE_REQUEST)
		return accept(w);                                            /* 6.3: page_request.c judges the entry */
	if ((w->dte[0] & DTE0_V) == 0)
		return not_valid(w);                                         /* 4. */
	if (excluded(w, (w->dte[1] & DTE1_EX) != 0))
		return accept(w);                                            /* 1. */
	fault = mdl_amd_dte_check(w);                                        /* 5. and 6. */
	if (fault != FR_NONE)
		return fault;
	if (w->rq->at != MDL_UNTRANSLATED && (w->dte[1] & DTE1_I) == 0)
		return FR_INV_TRANSLATED;                                    /* 4.6, U-38 */
	if (w->rq->at == MDL_TRANSLATED)
		return accept(w);
	if (mdl_amd_special(w, &fault))
		return fault != FR_NONE ? fault : accept(w);
	return translate(w);
}

void mdl_amd_walk_begin(struct mdl_amd_walk *w)
{
	struct mdl_amd_result *out = w->out;

	out->kind = MDL_BLOCKED;
	out->fault = FR_NONE;
	out->recorded = out->once = out->r = out->w = out->x = out->u = out->fc = out->priv = out->global = out->guest =
		false;
	out->page_bits = 0;
	out->domain = 0;
	out->pasid = 0;
	out->address = 0;
	out->updates_n = 0;
	w->has_dte = w->fault_host = w->interrupt = false;
	w->gn = w->rq->has_pasid;
	w->pasid = w->rq->has_pasid ? w->rq->pasid : 0;
	w->domain = 0;
	w->fault_pa = w->fault_address = 0;
	w->fills_n = 0;
}

/* Table entries may be kept only with the A bits that their walk came to set: of a refused walk only the DTE is. */
static void forget(struct mdl_amd_walk *w)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < w->fills_n; i++)
		if (w->fills[i].key.kind == K_DTE || w->fills[i].fault != FR_NONE)
			w->fills[kept++] = w->fills[i];
	w->fills_n = kept;
}

void mdl_amd_walk_run(struct mdl_amd_walk *w)
{
	uint8_t fault = FR_NONE;

	mdl_amd_walk_begin(w);
	if (interrupt_range(w, &fault)) {
		if (fault == FR_NONE)
			return;
		if (mdl_amd_ctl(w->st, CTL_IOMMU))
			refuse(w, fault);
		return;
	}
	if (!mdl_amd_ctl(w->st, CTL_IOMMU)) {
		if (w->rq->at != MDL_TRANSLATION)
			accept(w);
		return;
	}
	if (excluded(w, false)) {
		accept(w);                                                   /* 1. */
		return;
	}
	fault = mdl_amd_dte_fetch(w);                                        /* 2. and 3. */
	if (fault == FR_NONE)
		fault = by_entry(w);
	if (fault == FR_NONE)
		return;
	if (w->out->updates_n != 0)
		forget(w);
	w->out->updates_n = 0;
	refuse(w, fault);
}

void mdl_amd_translate(const struct mdl_amd_state *st, const struct mdl_mem *mem, const struct mdl_request *rq,
		       struct mdl_amd_result *out)
{
	struct mdl_amd_walk w;

	w.st = st;
	w.mem = mem;
	w.cache = NULL;
	w.rq = rq;
	w.out = out;
	mdl_amd_walk_run(&w);
}
