/*
 * The device table (AMD IOMMU 2.2.2; fact sheet 2.3, 3.1, and steps 2 to 7 of 4.2), and device addresses that mean
 * something by themselves (4.1, 4.8).
 */
#include "model/amdvi/internal.h"

/* Where the entry of a device lies. False: outside its segment of the table. */
static bool entry_address(const struct mdl_amd_state *st, uint16_t sid, uint64_t *pa)
{
	unsigned segment_bits = (unsigned)fld_get(CTL_SEGMENTS, st->r[AR_CTL]);
	unsigned index_bits = 16 - segment_bits;
	unsigned segment = (unsigned)shr(sid, index_bits);
	uint64_t index = sid & (pow2(index_bits) - 1);
	uint64_t base = segment == 0 ? st->r[AR_DEVTAB] : st->r[AR_SEGMENT + segment];
	uint64_t size = segment == 0 ? fld_get(DEVTAB_SIZE, base) : fld_get(SEGMENT_SIZE, base);

	*pa = (base & BASE_ADDR) + 32 * index;
	return index < 128 * (size + 1);
}

/* Absent entries (V=0) pass everything: they are as good as any other and are kept. */
static void keep(struct mdl_amd_walk *w)
{
	const struct mdl_key key = { .kind = K_DTE, .did = w->rq->sid };
	struct mdl_cached *e = mdl_amd_fill(w, &key);

	for (unsigned i = 0; e != NULL && i < 4; i++)
		e->w[i] = w->dte[i];
	if (e != NULL)
		e->did = (uint16_t)fld_get(DTE1_DOMAIN, w->dte[1]);
}

uint8_t mdl_amd_dte_fetch(struct mdl_amd_walk *w)
{
	const struct mdl_key key = { .kind = K_DTE, .did = w->rq->sid };
	const struct mdl_cached *hit = w->cache == NULL ? NULL : mdl_cache_find(&w->cache->dte, &key);
	uint64_t pa;

	if (hit != NULL) {
		for (unsigned i = 0; i < 4; i++)
			w->dte[i] = hit->w[i];
	} else {
		if (!entry_address(w->st, w->rq->sid, &pa))
			return FR_ID_OUTSIDE;                                /* 2. */
		if (!mdl_fetch(w->mem, mdl_amd_ctl(w->st, CTL_COHERENT), pa, w->dte, 4)) {
			w->fault_pa = pa;
			return FR_DTE_FETCH;                                 /* 3. */
		}
		keep(w);
	}
	w->has_dte = true;
	w->domain = (uint16_t)fld_get(DTE1_DOMAIN, w->dte[1]);
	return FR_NONE;
}

uint8_t mdl_amd_dte_check(const struct mdl_amd_walk *w)
{
	const uint64_t *q = w->dte;
	uint64_t mode = fld_get(DTE0_MODE, q[0]);
	bool gv = (q[0] & DTE0_GV) != 0;

	/* 5. */
	if ((q[0] & w->st->d.dte_rsvd[0]) != 0 || (q[1] & w->st->d.dte_rsvd[1]) != 0)
		return FR_DTE_RESERVED;
	/* 6. U-32: modes beyond the supported depth are as illegal as reserved ones. */
	if (mode > w->st->d.host_levels || fld_get(DTE0_HAD, q[0]) == HAD_RESERVED ||
	    fld_get(DTE1_IOCTL, q[1]) == IOCTL_RESERVED ||
	    (gv && fld_get(DTE0_GLX, q[0]) > fld_get(EFR_GLX, w->st->cfg->efr)))
		return w->st->cfg->choices.u32_page_fault ? FR_DTE_ENCODING_PAGE : FR_DTE_ENCODING;
	return FR_NONE;
}

/* 4.8: one part of the HyperTransport range. */
enum range_rule { RULE_RESERVED, RULE_INTERRUPT, RULE_SPECIAL, RULE_SYSMGT, RULE_PORT };

static const struct { uint64_t last; uint8_t rule; } ranges[] = {
	{ UINT64_C(0xFDF7FFFFFF), RULE_RESERVED }, { UINT64_C(0xFDF8FFFFFF), RULE_INTERRUPT },
	{ UINT64_C(0xFDF90FFFFF), RULE_SPECIAL }, { UINT64_C(0xFDF91FFFFF), RULE_SYSMGT },
	{ UINT64_C(0xFDFBFFFFFF), RULE_SPECIAL }, { UINT64_C(0xFDFDFFFFFF), RULE_PORT },
	{ UINT64_C(0xFFFFFFFFFF), RULE_SPECIAL },
};
#define HT_FIRST UINT64_C(0xFD00000000)
#define HT_LAST  UINT64_C(0xFFFFFFFFFF)

static bool sysmgt(const struct mdl_amd_walk *w, bool posted, uint8_t *fault)
{
	switch (fld_get(DTE1_SYSMGT, w->dte[1])) {
	case SYSMGT_TRANSLATE:
		return false;
	case SYSMGT_FORWARD:
		*fault = posted ? FR_NONE : FR_INV_SYSMGT_READ;
		return true;
	default: /* INTx messages are no memory requests of this model */
		*fault = posted ? FR_INV_SYSMGT_POSTED : FR_INV_SYSMGT_READ;
		return true;
	}
}

static bool ht_range(const struct mdl_amd_walk *w, bool posted, uint8_t *fault)
{
	unsigned i = 0;

	while (w->rq->address > ranges[i].last)
		i++;
	switch (ranges[i].rule) {
	case RULE_RESERVED: case RULE_INTERRUPT:
		*fault = posted ? FR_INV_INT_WRITE : FR_INV_INT_READ;
		return true;
	case RULE_SYSMGT:
		return sysmgt(w, posted, fault);
	case RULE_PORT:
		*fault = fld_get(DTE1_IOCTL, w->dte[1]) == IOCTL_ABORT ? FR_INV_PORT : FR_NONE;
		return fld_get(DTE1_IOCTL, w->dte[1]) != IOCTL_TRANSLATE;
	default:
		*fault = FR_INV_SPECIAL;
		return true;
	}
}

bool mdl_amd_special(struct mdl_amd_walk *w, uint8_t *fault)
{
	bool posted = w->rq->access == MDL_WRITE;

	if (w->rq->has_pasid || (w->st->cfg->efr2 & EFR2_HT_IGNORE) != 0 || w->rq->address < HT_FIRST ||
	    w->rq->address > HT_LAST)
		return false;
	return ht_range(w, posted, fault);
}
