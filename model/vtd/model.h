/*
 * The VT-d model: one remapping unit as the architecture specification (rev 4.1) describes it.
 *
 * A unit is an instance: its registers (struct mdl_vtd_state), its caches (in memory that the caller gives) and the
 * calls by which it reaches the world (model/world.h). It never waits, allocates or keeps time.
 * translate() is the oracle: a pure function of registers, memory and request. A unit does the same through caches
 * that keep everything that the specification lets hardware keep.
 */
#ifndef PORTCULLIS_MODEL_VTD_MODEL_H
#define PORTCULLIS_MODEL_VTD_MODEL_H

#include "model/cache.h"
#include "model/vtd/regs.h"
#include "model/world.h"

/* ---- configuration ---- */

/* How a missing capability shows in a field that is reserved only by its absence (U-08). */
enum mdl_cap_rsvd { CAP_RSVD_CHECKED, CAP_RSVD_IGNORED, CAP_RSVD_INVALID };

/* One alternative for each point that the specification leaves open here; the number is that of the fact sheet. */
struct mdl_choices {
	uint8_t u05_qie_off_refused;   /* 1: QIE=0 is not obeyed while the queue is not empty */
	uint8_t u06_pmr_with_te;       /* 1: protected regions stay closed while TES=1 */
	uint8_t u07_old_vcmd;          /* 1: the layout of rev 3.2 and older */
	uint8_t u08_cap_rsvd;          /* enum mdl_cap_rsvd */
	uint8_t u10_did_unchecked;     /* 1: DID bits beyond ND are ignored */
	uint8_t u12_snp_ignored;       /* 1: bit 11 of a second-stage leaf is legal with SC=0 */
	uint8_t u13_rid_pasid_ignored; /* 1: RID_PASID != 0 with RPS=0 is no error */
	uint8_t u18_record;            /* 1: bad accesses to the interrupt range are recorded as 0x29 while IRES=1 */
	uint8_t u19_record;            /* 1: abort-DMA mode records 0x33 */
	uint8_t u20_programming;       /* 1: RID_PASID out of range is 0x43 (SCT.4) instead of 0x48 (SCT.9) */
	uint8_t u21_qualified;         /* 1: 0x50 and 0x58 are suppressed by an FPD seen earlier */
	uint8_t u22_width_is_address;  /* 1: wrong AW with TT=10 is 0x04 instead of 0x03 */
	uint8_t u23_reserved_first;    /* 1: permissions are checked last; 0: at each entry, before its reserved bits */
	uint8_t u24_no_u;              /* 1: translation requests to the interrupt range get R=W=0 instead of U=1 */
	uint8_t u28_ice_stops;         /* 1: an invalid completion stops the queue */
	uint8_t u29_am_invalid;        /* IQEI for AM > MAMV; 0: IQEI_RESERVED */
	uint8_t u29_empty_wait_error;  /* 1: a wait with IF=SW=FN=0 is an error */
	uint8_t u30_width_is_type;     /* 1: a 128-bit queue in scalable mode is IQEI 3 instead of 5 */
	uint8_t u31_ppr_last_only;     /* 1: PPR is set by LPIG=1 requests only */
	uint8_t u32_data_checked;      /* 1: MSI data bits 31:16 are checked with SHV=0, too */
	uint8_t u34_svt_reserved;      /* 1: SVT=11 is 0x24 instead of 0x26 */
	uint8_t u36_sre_stage1_only;   /* 1: SRE is not enforced with PGTT 010 and 100 */
};

/* Everything that makes one unit differ from another. */
struct mdl_vtd_config {
	const char *name;
	uint32_t ver;
	uint64_t cap, ecap;
	uint8_t haw;               /* host address width, 32..52 */
	uint8_t pmr_granule_bits;  /* protected regions are multiples of 2^n bytes */
	uint64_t vccap;
	uint64_t mtrrcap;
	struct mdl_choices choices;
	/* Not architectural: any value must agree on what the manual fixes. */
	bool lazy;                   /* caches nothing */
	uint32_t cache_entries;      /* of each cache, a power of two; 0: 4096 */
	uint32_t handshake_polls;    /* reads of GSTS before a command completes */
	uint32_t devtlb_patience;    /* register reads before an unanswered Device-TLB invalidation times out; 0: 256 */
	bool fault_collapse;         /* records of a requester that has one pending are dropped (7.2.1) */
};

/* ERR_INVALID: capabilities contradict each other; *why (if not NULL) is one sentence. */
enum status must_use mdl_vtd_config_check(const struct mdl_vtd_config *c, const char **why);

/* The named configurations, ended by NULL. */
extern const struct mdl_vtd_config *const mdl_vtd_configs[];
const struct mdl_vtd_config *mdl_vtd_config_find(const char *name);

/* ---- registers ---- */

#define MDL_FRCD_MAX 256

/* What the rules of memory structures come to for this configuration: reserved bits, address bits. */
struct mdl_derived {
	uint64_t above_haw;      /* bits 63:HAW */
	uint64_t addr;           /* bits HAW-1:12 */
	uint64_t ss_rsvd[6][2];  /* second stage, by level 1..5 and leaf */
	uint64_t fs_rsvd[6][2];
	unsigned mgaw;
};

/* All that translate() knows of a unit. */
struct mdl_vtd_state {
	const struct mdl_vtd_config *cfg;
	struct mdl_derived d;
	uint64_t r[R_N];
	uint64_t root;           /* RTADDR as SRTP latched it */
	uint64_t irt;            /* IRTA as SIRTP latched it */
	uint64_t frcd[MDL_FRCD_MAX][2];
};

/* ---- requests and results ---- */

#define MDL_UPDATES_MAX 40

struct mdl_result {
	uint8_t kind;            /* enum mdl_kind */
	uint8_t fault;           /* enum mdl_fault; MDL_BLOCKED, and MDL_ABSENT (never recorded there) */
	bool recorded;           /* the fault is to be logged: not suppressed by FPD, not recoverable */
	bool ca;                 /* translation request: Completer Abort instead of Unsupported Request */
	bool r, w, x;
	bool u;                  /* translation request: untranslated accesses only */
	bool global, priv;
	bool snoop;              /* forced */
	bool cd;
	uint8_t page_bits;       /* size of the translation: 2^n bytes */
	uint8_t emt;             /* second-stage memory type, bit 6: IPAT; valid if has_emt */
	bool has_emt;
	uint8_t pat;             /* first-stage PAT index; valid if has_pat */
	bool has_pat;
	uint8_t pgtt;            /* 0 in legacy mode */
	uint16_t did;
	uint32_t pasid;          /* effective */
	uint64_t address;
	uint64_t record[2];      /* FRCD words without F, valid if recorded */
	unsigned updates_n;
	struct mdl_update updates[MDL_UPDATES_MAX];
};

/*
 * The state of a unit of these capabilities that translates with a root table: for who asks translate() about a unit
 * that is not the model's. ttm as in RTADDR: 0 legacy, 1 scalable. The configuration need not pass
 * mdl_vtd_config_check().
 */
void mdl_vtd_state_translating(struct mdl_vtd_state *st, const struct mdl_vtd_config *c, uint64_t root, unsigned ttm);

/*
 * What the unit does with one request, caches and fault log left out: the oracle (chapter 3 in the manual's order).
 * Reads memory, changes nothing; the A/D updates that it needs are listed in *out.
 */
void mdl_vtd_translate(const struct mdl_vtd_state *st, const struct mdl_mem *mem, const struct mdl_request *rq,
		       struct mdl_result *out);

/* ---- a unit ---- */

struct mdl_caches {
	struct mdl_cache context, pasid, paging, iotlb, iec;
};

#define MDL_DEVTLB_PENDING_MAX 64

struct mdl_vtd {
	struct mdl_vtd_state st;
	struct mdl_mem mem;
	struct mdl_env env;
	struct mdl_caches cache;
	uint32_t frcd_index;
	uint32_t gcmd, gcmd_polls;   /* command in progress and reads of GSTS left; 0: none */
	uint16_t devtlb_sid[MDL_DEVTLB_PENDING_MAX];
	unsigned devtlb_n;           /* Device-TLB invalidations not yet answered */
	uint32_t devtlb_reads;
	bool wait_held;              /* a wait descriptor stands behind them */
	uint64_t wait[2];
	bool iq_running;
	uint64_t pasids_used[1024];  /* virtual command interface: bitmap of the first 2^16 PASIDs */
};

/* Bytes of cache memory that mdl_vtd_init() wants, aligned to 16. */
size_t mdl_vtd_cache_bytes(const struct mdl_vtd_config *c);

/* Power-on state. *c stays the caller's and must live as long as the unit. ERR_INVALID: the configuration. */
enum status must_use mdl_vtd_init(struct mdl_vtd *u, const struct mdl_vtd_config *c, const struct mdl_mem *mem,
				  const struct mdl_env *env, void *cache_memory);
/* Warm reset: sticky bits survive (FSTS, FRCD, ICS, PRS, IQERCD). */
void mdl_vtd_reset_warm(struct mdl_vtd *u);

/* The register window: ctx is the struct mdl_vtd. */
extern const struct mmio_ops mdl_vtd_mmio;
/* Its length: whole pages. */
uint32_t mdl_vtd_window_bytes(const struct mdl_vtd_config *c);
uint64_t mdl_vtd_rd(struct mdl_vtd *u, uint32_t off, unsigned bytes);
void mdl_vtd_wr(struct mdl_vtd *u, uint32_t off, uint64_t value, unsigned bytes);

/*
 * One memory transaction of a device, whole: translation through the caches, A/D updates, fault log, then the access.
 * data: bytes written, or where the bytes read go; for MDL_ATOMIC (4 or 8 bytes, aligned, FetchAdd) the addend on entry and
 * the old value on return. A write is posted: MDL_UR then tells the test bench, a real device would not know.
 */
enum mdl_completion mdl_vtd_dma(struct mdl_vtd *u, const struct mdl_request *rq, void *data);

/* The same without the access itself: *out as translate() gives it, but by the unit's caches. Faults are logged. */
void mdl_vtd_lookup(struct mdl_vtd *u, const struct mdl_request *rq, struct mdl_result *out);

void mdl_vtd_ats(struct mdl_vtd *u, const struct mdl_request *rq, struct mdl_ats_completion *out);

/* The device answers an invalidation that it had withheld. One that nobody waits for is ICE. */
void mdl_vtd_devtlb_answer(struct mdl_vtd *u, uint16_t sid);

/* MDL_DONE: queued. Else refused: recorded, dropped, or answered at once. */
enum mdl_completion mdl_vtd_page_request(struct mdl_vtd *u, const struct mdl_page_request *pr);

/* An interrupt message of a requester (also IOAPIC and HPET): remapped, posted or refused. MDL_UR: refused. */
enum mdl_completion mdl_vtd_interrupt(struct mdl_vtd *u, uint16_t sid, uint64_t address, uint32_t data);

/* A unit as the fabric takes it: ctx is the struct mdl_vtd. */
extern const struct mdl_unit_ops mdl_vtd_ops;

/* How many entries the caches hold, for tests of the caches themselves. */
uint32_t mdl_vtd_cached(const struct mdl_vtd *u);

#endif
