/*
 * What the files of the VT-d model share. Nothing outside model/vtd/ includes it, but for unit tests of the caches.
 */
#ifndef PORTCULLIS_MODEL_VTD_INTERNAL_H
#define PORTCULLIS_MODEL_VTD_INTERNAL_H

#include "model/vtd/model.h"
#include "model/vtd/tables.h"

#define INTERRUPT_BASE UINT64_C(0xFEE00000)
#define INTERRUPT_MASK BITS(63, 20)

static inline bool mdl_in_interrupt_range(uint64_t address)
{
	return (address & INTERRUPT_MASK) == INTERRUPT_BASE;
}

/* True where address has no bit at or above n (n up to 64). */
static inline bool mdl_below(uint64_t address, unsigned n)
{
	return n >= 64 || shr(address, n) == 0;
}

static inline bool mdl_cap(const struct mdl_vtd_state *st, uint64_t f)
{
	return (st->cfg->cap & f) != 0;
}

static inline bool mdl_ecap(const struct mdl_vtd_state *st, uint64_t f)
{
	return (st->cfg->ecap & f) != 0;
}

/* ---- cache.c ---- */

enum mdl_key_kind { K_CONTEXT, K_PASID, K_SS_TABLE, K_FS_TABLE, K_SS_LEAF, K_FS_LEAF, K_PASS, K_IRTE };

/*
 * Of a key (6.2.1): address is the SID of context entries and the index of an IRTE. Of a value: did is the DID of
 * context and PASID entries; flags are LEAF_, of leaves and tables; a fault is kept with CM=1; mode is the TTM that a
 * context entry was read under.
 */
void mdl_caches_init(struct mdl_caches *c, uint32_t entries, void *memory);

enum mdl_inv_scope {
	SCOPE_ALL,         /* everything in the cache */
	SCOPE_DOMAIN,      /* did */
	SCOPE_DEVICE,      /* sid, with the function bits of fm ignored */
	SCOPE_PASID,       /* did, pasid */
	SCOPE_PAGES,       /* did, [first, last]; second stage */
	SCOPE_PASID_PAGES, /* did, pasid, [first, last]; first stage */
	SCOPE_ADDRESS,     /* [first, last] whatever the tags */
	SCOPE_INDEX,       /* IRTEs [first, last] */
};

struct mdl_inv {
	uint8_t scope;
	uint8_t fm;
	bool leaf_only;    /* IH */
	uint16_t did, sid;
	uint32_t pasid;
	uint64_t first, last;
};

void mdl_inv_context(struct mdl_caches *c, const struct mdl_inv *inv);
void mdl_inv_pasid(struct mdl_caches *c, const struct mdl_inv *inv);
/* IOTLB and paging-structure caches. */
void mdl_inv_iotlb(struct mdl_caches *c, const struct mdl_inv *inv);
void mdl_inv_iec(struct mdl_caches *c, const struct mdl_inv *inv);
/* Context, PASID, IOTLB and paging-structure caches: not interrupt entries. */
void mdl_inv_dma_all(struct mdl_caches *c);
/* [first, last] of 2^am pages at address, naturally aligned. */
void mdl_inv_range(struct mdl_inv *inv, uint64_t address, unsigned am);

/* ---- the walk: translate.c and its stages ---- */

/* Flags of a leaf or a table: permissions accumulated so far, and what the leaf says. */
enum {
	LEAF_R = 1 << 0, LEAF_W = 1 << 1, LEAF_X = 1 << 2,             /* second stage */
	LEAF_FW = 1 << 3, LEAF_FU = 1 << 4, LEAF_FX = 1 << 5,          /* first stage: R/W, U/S, not XD */
	LEAF_SD = 1 << 6, LEAF_FD = 1 << 7,                            /* dirty already, or need not be */
	LEAF_SNP = 1 << 8, LEAF_G = 1 << 9, LEAF_EMT = 1 << 10, LEAF_PAT = 1 << 11,
};
#define LEAF_SS_ALL (LEAF_R | LEAF_W | LEAF_X)
#define LEAF_FS_ALL (LEAF_FW | LEAF_FU | LEAF_FX)

struct mdl_leaf {
	uint64_t base;     /* output of the page, aligned to its size */
	uint16_t flags;
	uint8_t bits;
	uint8_t attr;      /* EMT 2:0, IPAT bit 6 if LEAF_EMT; PAT index if LEAF_PAT */
};

/* What a request wants of a second-stage walk. */
enum { NEED_R = 1, NEED_W = 2, NEED_X = 4, NEED_ANY = 8 };

struct mdl_ss {
	uint64_t root;
	uint16_t did;
	uint8_t levels;
	bool scalable, ade, snooped, exec;
};

#define MDL_FILLS_MAX 64

struct mdl_walk {
	const struct mdl_vtd_state *st;
	const struct mdl_mem *mem;
	struct mdl_caches *cache;   /* NULL: translate() itself, nothing is kept */
	const struct mdl_request *rq;
	struct mdl_result *out;
	bool fpd;
	bool priv;                  /* effective */
	uint8_t mode;               /* TTM that the context entry was read under */
	uint32_t pasid;             /* effective */
	uint16_t did;
	uint64_t ctx[2];
	uint64_t pe[3];
	bool untouched;             /* the walk went through an entry whose A bit it did not come to set */
	unsigned fills_n, structures_n; /* structures: how many of them are context and PASID entries, of a PASID's walk */
	struct mdl_cached fills[MDL_FILLS_MAX];
};

/* All return the fault, FR_NONE to go on. */
uint8_t mdl_legacy_context(struct mdl_walk *w);
uint8_t mdl_scalable_context(struct mdl_walk *w);
uint8_t mdl_scalable_request(struct mdl_walk *w);
uint8_t mdl_pasid_entry(struct mdl_walk *w);
uint8_t mdl_pasid_privilege(const struct mdl_walk *w);
uint8_t mdl_second_stage(struct mdl_walk *w, const struct mdl_ss *ss, uint64_t address, unsigned need,
			 struct mdl_leaf *leaf);
uint8_t mdl_first_stage(struct mdl_walk *w, const struct mdl_ss *ss, struct mdl_leaf *leaf);
uint8_t mdl_pass_through(struct mdl_walk *w, struct mdl_leaf *leaf);
void mdl_legacy_pass(struct mdl_walk *w, struct mdl_leaf *leaf);
/* nested.c: where a first-stage table lies (top: the one at FSPTPTR), and the write that an A/D update of it needs. */
uint8_t mdl_nested_table(struct mdl_walk *w, const struct mdl_ss *ss, uint64_t gpa, bool top, uint64_t *pa);
uint8_t mdl_nested_update(struct mdl_walk *w, const struct mdl_ss *ss, uint64_t gpa);
uint8_t mdl_nested_output(struct mdl_walk *w, const struct mdl_ss *ss, unsigned need, struct mdl_leaf *leaf);

/* The part of the second stage of the current PASID entry, or of the legacy context entry. */
void mdl_ss_of_context(const struct mdl_walk *w, struct mdl_ss *ss);
void mdl_ss_of_pasid(const struct mdl_walk *w, struct mdl_ss *ss);
/* min(MGAW, width of the walk) */
unsigned mdl_ss_limit(const struct mdl_vtd_state *st, const struct mdl_ss *ss);
bool mdl_width_supported(const struct mdl_vtd_state *st, uint64_t aw);

/* What the current request needs of the second stage (3.3 step 14). */
unsigned mdl_need(const struct mdl_walk *w);
/* True where the answer to a translation request will grant W, or the request writes: dirty bits are set (4.1.3). */
bool mdl_wants_write(const struct mdl_walk *w);

void mdl_update_add(struct mdl_result *out, uint64_t pa, uint64_t old, uint64_t set, uint8_t fault);
/* A free place for what may be cached; NULL: there is none. */
struct mdl_cached *mdl_fill_place(struct mdl_walk *w, const struct mdl_key *key);
/* Remembers what may be cached, until the walk is known to have succeeded; does nothing in translate(). */
static inline struct mdl_cached *mdl_fill_add(struct mdl_walk *w, const struct mdl_key *key)
{
	return w->cache == NULL ? NULL : mdl_fill_place(w, key);
}
/* The page of the request may be cached as an error (CM=1 only). */
void mdl_fill_fault(struct mdl_walk *w, const struct mdl_key *key, uint8_t fault);

/* Runs the whole algorithm through w (st, mem, cache, rq and out set). */
void mdl_walk_run(struct mdl_walk *w);
/* Moves the fills of a finished walk into the caches. */
void mdl_walk_keep(struct mdl_walk *w);

/* ---- fault.c ---- */

/* True where an FPD bit suppresses the record of this reason (table 3.1). */
bool mdl_fault_qualified(const struct mdl_vtd_state *st, uint8_t fault);
/* True where a translation request with this fault gets Success with R=W=0 instead of an error. */
bool mdl_fault_recoverable(uint8_t fault);
/* The record of a DMA fault, F left out. */
void mdl_fault_record(const struct mdl_vtd_state *st, const struct mdl_request *rq, uint8_t fault, uint64_t record[2]);
/* Puts a record into the log (7.2). */
void mdl_fault_log(struct mdl_vtd *u, const uint64_t record[2]);
/* Sets FSTS bits and raises the fault event where that is a new condition (7.3). */
void mdl_fsts_raise(struct mdl_vtd *u, uint64_t bits);
void mdl_fsts_serviced(struct mdl_vtd *u);
void mdl_frcd_clear(struct mdl_vtd *u, unsigned n);
void mdl_frcd_index_reset(struct mdl_vtd *u);

/* ---- event.c: FECTL, IECTL, PECTL and their message registers ---- */

/* The condition arises: pending, and sent if not masked. ectl: R_FECTL, R_IECTL or R_PECTL. */
void mdl_event_raise(struct mdl_vtd *u, enum mdl_reg ectl);
void mdl_event_unmasked(struct mdl_vtd *u, enum mdl_reg ectl);
void mdl_event_clear(struct mdl_vtd *u, enum mdl_reg ectl);

/* ---- regs.c, command.c, invalidation.c, ... ---- */

/* Something was written to a register; value is what was written, before masks. */
void mdl_reg_effect(struct mdl_vtd *u, enum mdl_reg r, uint64_t value, uint64_t mask);
/* Power-on values; warm: sticky registers keep theirs. */
void mdl_regs_reset(struct mdl_vtd *u, bool warm);
/* On WBF, and with every descriptor and every command by registers. */
void mdl_write_buffer_flush(struct mdl_vtd *u);
/* Whoever keeps translations outside of the unit loses them: on invalidations and whatever else changes them. */
static inline void mdl_revoke(const struct mdl_vtd *u)
{
	if (u->env.revoke != NULL)
		u->env.revoke(u->env.ctx);
}
void mdl_gcmd_write(struct mdl_vtd *u, uint32_t value);
void mdl_gcmd_poll(struct mdl_vtd *u);
void mdl_iq_run(struct mdl_vtd *u);
void mdl_iq_error(struct mdl_vtd *u, enum mdl_iqei iqei);
void mdl_iq_poll(struct mdl_vtd *u);
/* One descriptor. IQEI_NONE: carried out; *held: a wait that must stay for Device-TLB answers. */
enum mdl_iqei mdl_inv_descriptor(struct mdl_vtd *u, const uint64_t q[4], bool wide, bool *held);
enum mdl_iqei mdl_inv_wait(struct mdl_vtd *u, const uint64_t q[2]);
enum mdl_iqei mdl_inv_devtlb(struct mdl_vtd *u, const uint64_t q[2]);
enum mdl_iqei mdl_inv_pdevtlb(struct mdl_vtd *u, const uint64_t q[2]);
enum mdl_iqei mdl_inv_response(struct mdl_vtd *u, const uint64_t q[2]);
void mdl_ccmd_run(struct mdl_vtd *u);
void mdl_iotlb_run(struct mdl_vtd *u);
bool mdl_pmr_blocks(const struct mdl_vtd_state *st, uint64_t address);
uint64_t mdl_pmr_mask(const struct mdl_vtd_config *c, enum mdl_reg r);
void mdl_vcmd_run(struct mdl_vtd *u);

#endif
