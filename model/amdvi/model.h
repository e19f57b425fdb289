/*
 * The AMD-Vi model: one IOMMU as specification 48882 (revision 3.08 and later fields) describes it.
 *
 * A unit is an instance: its registers (struct mdl_amd_state), its PCI function, its caches (in memory that the caller
 * gives) and the calls by which it reaches the world (model/world.h). It never waits, allocates or keeps time.
 * translate() is the oracle: a pure function of registers, memory and request. A unit does the same through caches that
 * keep everything that the specification lets hardware keep (2.2, 2.4).
 */
#ifndef PORTCULLIS_MODEL_AMDVI_MODEL_H
#define PORTCULLIS_MODEL_AMDVI_MODEL_H

#include "model/amdvi/regs.h"
#include "model/cache.h"
#include "model/world.h"

/* ---- configuration ---- */

/* One alternative for each point that the specification leaves open here; the number is that of the fact sheet. */
struct mdl_amd_choices {
	uint8_t u11_hev_high;          /* 1: HEV and HEO are bits 1 and 2 instead of 0 and 1 */
	uint8_t u13_length_zero;       /* 1: length fields of ring bases reset to 0 instead of 8 */
	uint8_t u19_pasid_aborted;     /* 1: V=0 aborts requests with PASID */
	uint8_t u23_pasid_low_first;   /* 1: INVALIDATE_IOTLB_PAGES has PASID[7:0] in 23:16 */
	uint8_t u29_rw_always;         /* 1: RW of IO_PAGE_FAULT is set whatever PR is */
	uint8_t u32_page_fault; /* 1: illegal encodings in a DTE give IO_PAGE_FAULT instead of ILLEGAL_DEV_TABLE_ENTRY
				 */
	uint8_t u33_silent;            /* 1: TV=0 aborts without an event */
	uint8_t u34_present;           /* 1: an address above the reach of Mode has PR=1 */
	uint8_t u34_skip_absent;       /* 1: a non-zero skipped bit has PR=0 */
	uint8_t u36_default_legal;     /* 1: NextLevel 7 may encode the default size of its level */
	uint8_t u37_host_fault_gpa;    /* 1: a host-level fault under nesting is reported with GN=0 and the GPA */
	uint8_t u38_identity;          /* 1: V=0 answers translation requests with identity */
	uint8_t u39_blocked_event;     /* 1: blocked NMI, INIT and ExtInt log INVALID_DEVICE_REQUEST 101b */
	uint8_t u41_whole_domain; /* 1: 3h with GN=0 drops all guest translations of the domain, whatever its range */
	uint8_t u42_drops_domain;      /* 1: 2h also drops the translations of the DTE's domain */
	uint8_t u44_timeout_stops;     /* 1: IOTLB_INV_TIMEOUT stops the ring */
	uint8_t u44_head_after;        /* 1: after a stop the head is behind the offending command */
	uint8_t u45_last_kept;         /* 1: the last of several hardware errors is kept */
};

/* Everything that makes one unit differ from another. */
struct mdl_amd_config {
	const char *name;
	uint32_t header;             /* Cap.IotlbSup, NpCache, EFRSup, CapExt */
	uint8_t pa_bits, va_bits;    /* of Misc0 */
	uint64_t efr, efr2;
	struct mdl_amd_choices choices;
	/* Not architectural: any value must agree on what the manual fixes. */
	bool lazy;                   /* caches nothing */
	bool defer;                  /* invalidations take effect with the next COMPLETION_WAIT, no sooner */
	uint32_t cache_entries;      /* of each cache, a power of two; 0: 4096 */
	uint32_t patience;           /* register reads before an unanswered IOTLB invalidation times out; 0: 256 */
};

/* ERR_INVALID: features contradict each other; *why (if not NULL) is one sentence. */
enum status must_use mdl_amd_config_check(const struct mdl_amd_config *c, const char **why);

/* The named configurations, ended by NULL. */
extern const struct mdl_amd_config *const mdl_amd_configs[];
const struct mdl_amd_config *mdl_amd_config_find(const char *name);

/* ---- state ---- */

/* What the rules of memory structures come to for this configuration. */
struct mdl_amd_derived {
	uint64_t dte_rsvd[4];    /* reserved bits by word; features that are absent count as reserved */
	uint8_t host_levels;     /* deepest host table, 0: none */
	uint8_t guest_levels;
};

/* All that translate() knows of a unit. */
struct mdl_amd_state {
	const struct mdl_amd_config *cfg;
	struct mdl_amd_derived d;
	uint64_t r[AR_N];
};

#define MDL_AMD_UPDATES_MAX 64

struct mdl_amd_result {
	uint8_t kind;            /* enum mdl_kind */
	uint8_t fault;           /* enum mdl_amd_fault; MDL_BLOCKED and MDL_ABSENT */
	bool recorded;           /* the event is to be logged, as far as the entry says (SA=0) */
	bool once;               /* of those of this device only the first (SE=1) */
	bool r, w, x, u;         /* x: execute was asked for and granted; u: untranslated accesses only */
	bool fc;                 /* force coherent */
	bool priv, global;
	bool guest;              /* by a guest table */
	uint8_t page_bits;       /* size of the translation: 2^n bytes */
	uint16_t domain;
	uint32_t pasid;
	uint64_t address;
	uint64_t event[2];       /* valid if recorded */
	unsigned updates_n;
	struct mdl_update updates[MDL_AMD_UPDATES_MAX];
};

/*
 * What the unit does with one request, caches and logs left out: the oracle (the fact sheet's 4.1 to 4.6 in order).
 * Reads memory, changes nothing; the A/D updates that it needs are listed in *out.
 */
void mdl_amd_translate(const struct mdl_amd_state *st, const struct mdl_mem *mem, const struct mdl_request *rq,
		       struct mdl_amd_result *out);

/*
 * A state for mdl_amd_translate() alone: on, with this device table base register and these bits of control. *c is not
 * checked and must live as long as the state.
 */
void mdl_amd_state_translating(struct mdl_amd_state *st, const struct mdl_amd_config *c, uint64_t devtab, uint64_t ctl);

/* ---- a unit ---- */

struct mdl_amd_caches {
	struct mdl_cache dte, paging, iotlb, gcr3, irt;
	struct mdl_cache logged;     /* devices with SE=1 that have had their event: not a cache, but kept like one */
};

#define MDL_AMD_PENDING_MAX 64
#define MDL_AMD_CONFIG      256

/* An IOTLB invalidation that a device has not answered. */
struct mdl_amd_unanswered {
	uint16_t sid;
	uint64_t pa;                 /* of the command */
};

struct mdl_amd {
	struct mdl_amd_state st;
	struct mdl_mem mem;
	struct mdl_env env;
	struct mdl_amd_caches cache;
	uint8_t config[MDL_AMD_CONFIG];
	uint16_t devid;              /* its own requester id */
	uint64_t base;               /* of its registers, as firmware set it */
	bool cmd_stopped, cmd_running, evt_stopped, ppr_stopped, ga_stopped;
	struct mdl_amd_unanswered unanswered[MDL_AMD_PENDING_MAX];
	unsigned unanswered_n;
	uint32_t unanswered_reads;
	bool wait_held;              /* a COMPLETION_WAIT stands behind them */
	uint64_t deferred[MDL_AMD_PENDING_MAX][2];
	unsigned deferred_n;
};

/* Bytes of cache memory that mdl_amd_init() wants, aligned to 16. */
size_t mdl_amd_cache_bytes(const struct mdl_amd_config *c);
/*
 * Power-on state, then what firmware does: registers at base, enabled and locked. *c stays the caller's and must live
 * as long as the unit. ERR_INVALID: configuration.
 */
enum status must_use mdl_amd_init(struct mdl_amd *u, const struct mdl_amd_config *c, const struct mdl_mem *mem,
				  const struct mdl_env *env, void *cache_memory);
/* Where it is: requester id and base, as firmware sets them. */
void mdl_amd_place(struct mdl_amd *u, uint16_t devid, uint64_t base);
void mdl_amd_reset(struct mdl_amd *u);

/* The register window: ctx is the struct mdl_amd. */
extern const struct mmio_ops mdl_amd_mmio;
uint32_t mdl_amd_window_bytes(const struct mdl_amd_config *c);
uint64_t mdl_amd_rd(struct mdl_amd *u, uint32_t off, unsigned bytes);
void mdl_amd_wr(struct mdl_amd *u, uint32_t off, uint64_t value, unsigned bytes);

/* Its PCI function. Offset of the capability block, for the IVRS. */
#define MDL_AMD_CAPABILITY 0x40u
uint32_t mdl_amd_cfg_rd(const struct mdl_amd *u, uint32_t off, unsigned bytes);
void mdl_amd_cfg_wr(struct mdl_amd *u, uint32_t off, uint32_t v, unsigned bytes);

/*
 * One memory transaction of a device, whole: translation through the caches, A/D updates, event log, then the access.
 * data as in mdl_vtd_dma(). A write is posted: MDL_UR then tells the test bench, a real device would not know.
 */
enum mdl_completion mdl_amd_dma(struct mdl_amd *u, const struct mdl_request *rq, void *data);
/* The same without the access itself: *out as translate() gives it, but by the unit's caches. Events are logged. */
void mdl_amd_lookup(struct mdl_amd *u, const struct mdl_request *rq, struct mdl_amd_result *out);
void mdl_amd_ats(struct mdl_amd *u, const struct mdl_request *rq, struct mdl_ats_completion *out);
/* The device answers an invalidation that it had withheld. */
void mdl_amd_devtlb_answer(struct mdl_amd *u, uint16_t sid);
/* MDL_DONE: logged. Else refused, and answered where a device would wait. */
enum mdl_completion mdl_amd_page_request(struct mdl_amd *u, const struct mdl_page_request *pr);
/* An interrupt message of a requester (also IO-APIC and HPET): remapped or refused. MDL_UR: refused. */
enum mdl_completion mdl_amd_interrupt(struct mdl_amd *u, uint16_t sid, uint64_t address, uint32_t data);

/* A unit as the fabric takes it: ctx is the struct mdl_amd. */
extern const struct mdl_unit_ops mdl_amd_ops;
/* How many entries the caches hold, for tests of the caches themselves. */
uint32_t mdl_amd_cached(const struct mdl_amd *u);

#endif
