/*
 * What the files of the AMD-Vi model share. Nothing outside model/amdvi/ includes it, but for unit tests.
 */
#ifndef PORTCULLIS_MODEL_AMDVI_INTERNAL_H
#define PORTCULLIS_MODEL_AMDVI_INTERNAL_H

#include "model/amdvi/model.h"
#include "model/amdvi/tables.h"

#define INTERRUPT_BASE UINT64_C(0xFEE00000)
#define INTERRUPT_MASK BITS(63, 20)

static inline bool mdl_amd_ctl(const struct mdl_amd_state *st, uint64_t bits)
{
	return (st->r[AR_CTL] & bits) == bits;
}

static inline bool mdl_amd_efr(const struct mdl_amd_state *st, uint64_t bits)
{
	return (st->cfg->efr & bits) != 0;
}

/* True where address has no bit at or above n (n up to 64). */
static inline bool mdl_amd_below(uint64_t address, unsigned n)
{
	return n >= 64 || shr(address, n) == 0;
}

/* ---- cache.c ---- */

enum mdl_amd_kind {
	K_DTE,          /* did: DeviceID */
	K_HOST_TABLE, K_HOST_LEAF,   /* did: DomainID */
	K_GUEST_TABLE, K_GUEST_LEAF, /* did: DomainID, pasid */
	K_GCR3,         /* did: DomainID, pasid */
	K_IRTE,         /* did: DeviceID, address: index */
	K_LOGGED,       /* did: DeviceID */
};

/* A COMMAND of groups 2h, 3h, 5h and 8h, as far as it concerns the caches. */
struct mdl_amd_inv {
	uint16_t id;         /* DeviceID or DomainID */
	bool pde, guest;
	uint32_t pasid;
	uint64_t first, last;
};

void mdl_amd_caches_init(struct mdl_amd_caches *c, uint32_t entries, void *memory);
void mdl_amd_caches_clear(struct mdl_amd_caches *c);
void mdl_amd_inv_devtab(struct mdl_amd *u, uint16_t device);
void mdl_amd_inv_pages(struct mdl_amd *u, const struct mdl_amd_inv *inv);
void mdl_amd_inv_interrupts(struct mdl_amd *u, uint16_t device);
/* [first, last] and the base of an address with its S bit (2.4.3); whole: everything. */
void mdl_amd_range(uint64_t word, bool s, uint64_t *first, uint64_t *last);

/* ---- the walk ---- */

/* Flags of a leaf or a table: permissions accumulated below the DTE, and what the leaf says. */
enum {
	LEAF_IR = 1 << 0, LEAF_IW = 1 << 1, LEAF_U = 1 << 2, LEAF_FC = 1 << 3,
	LEAF_A = 1 << 4,   /* A is set in every entry on the way */
	LEAF_D = 1 << 5,   /* D is set, or need not be */
	LEAF_GW = 1 << 6, LEAF_GU = 1 << 7, LEAF_GX = 1 << 8, LEAF_GG = 1 << 9, /* guest: R/W, U/S, not NX, G */
	LEAF_GA = 1 << 10, LEAF_GD = 1 << 11,
};
#define LEAF_HOST_ALL  (LEAF_IR | LEAF_IW)
#define LEAF_GUEST_ALL (LEAF_GW | LEAF_GU | LEAF_GX)

struct mdl_amd_leaf {
	uint64_t base;     /* output of the page, aligned to its size */
	uint16_t flags;
	uint8_t bits;
};

/* What a walk is asked for. ANY: permissions are only told (translation requests). */
enum { NEED_R = 1, NEED_W = 2, NEED_ANY = 4, NEED_X = 8 };

#define MDL_AMD_FILLS_MAX 64

struct mdl_amd_walk {
	const struct mdl_amd_state *st;
	const struct mdl_mem *mem;
	struct mdl_amd_caches *cache;   /* NULL: translate() itself, nothing is kept */
	const struct mdl_request *rq;
	struct mdl_amd_result *out;
	uint64_t dte[4];
	bool has_dte;
	bool interrupt;                 /* an interrupt message: events carry I=1 */
	bool gn;                        /* events carry GN=1: the request's PASID, or PASID 0 by GIoV */
	uint32_t pasid;
	uint16_t domain;
	uint64_t fault_pa;              /* hardware errors: where memory failed */
	uint64_t fault_address;         /* what the event says was asked for */
	bool fault_host;                /* u37: the fault is one of the host level */
	unsigned fills_n;
	struct mdl_cached fills[MDL_AMD_FILLS_MAX];
};

/* All return the fault, FR_NONE to go on. */

/* 4.2 steps 2 and 3, through the cache: the entry in w->dte. */
uint8_t mdl_amd_dte_fetch(struct mdl_amd_walk *w);
/* Steps 5 and 6, bits 127:0. */
uint8_t mdl_amd_dte_check(const struct mdl_amd_walk *w);
/* Device addresses with an effect of their own (4.1, 4.8). True: decided, *fault is the outcome (FR_NONE: passes). */
bool mdl_amd_special(struct mdl_amd_walk *w, uint8_t *fault);
/* 4.2 steps 9 to 11 and 4.3: address through the host table of the DTE. */
uint8_t mdl_amd_host(struct mdl_amd_walk *w, uint64_t address, unsigned need, struct mdl_amd_leaf *leaf);
/* 4.4 and 4.5. */
uint8_t mdl_amd_guest(struct mdl_amd_walk *w, struct mdl_amd_leaf *leaf);

unsigned mdl_amd_need(const struct mdl_amd_walk *w);
/* True where the request writes, or may write by the translation that it asks for. */
bool mdl_amd_wants_write(const struct mdl_amd_walk *w);
void mdl_amd_update(struct mdl_amd_walk *w, uint64_t pa, uint64_t old, uint64_t set);
/* Remembers what may be cached, until the walk is known to have succeeded; NULL in translate(). */
struct mdl_cached *mdl_amd_fill(struct mdl_amd_walk *w, const struct mdl_key *key);
void mdl_amd_walk_begin(struct mdl_amd_walk *w);
void mdl_amd_walk_run(struct mdl_amd_walk *w);
void mdl_amd_walk_keep(struct mdl_amd_walk *w);

/* ---- event.c ---- */

/* The event of a fault in two words; false: nothing is logged. */
bool mdl_amd_event(const struct mdl_amd_walk *w, uint8_t fault, uint64_t event[2]);
bool mdl_amd_is_page_fault(uint8_t fault);
/* Puts an entry into the event log; hardware errors are latched, too. */
void mdl_amd_event_log(struct mdl_amd *u, const uint64_t event[2]);
/* The event of a walk that was refused, as SE and SA let it through. */
void mdl_amd_event_of(struct mdl_amd *u, const struct mdl_amd_result *out, uint16_t sid);

/* ---- log.c: rings that the unit fills ---- */

enum mdl_amd_log { LOG_EVENT, LOG_PPR, LOG_GA };
/* False: there was no room, or the log does not run. Status bits and messages are done. */
bool mdl_amd_log_put(struct mdl_amd *u, enum mdl_amd_log log, const uint64_t *entry);
void mdl_amd_log_control(struct mdl_amd *u);

/* ---- signal.c: interrupts of the unit itself ---- */

/* Sets status bits; a message goes where one of them is new and enable allows it. */
void mdl_amd_raise(struct mdl_amd *u, uint64_t status, uint64_t enable, enum mdl_amd_log source);
/* Builds and sends what a remapping entry or an XT register says. */
void mdl_amd_send(struct mdl_amd *u, uint32_t destination, bool logical, uint8_t vector, uint8_t type);

/* ---- page_request.c, interrupt.c and unit.c ---- */

/* Reads the device's entry for something that is no DMA; the fault is the walk's own. */
uint8_t mdl_amd_entry(struct mdl_amd *u, struct mdl_amd_walk *w, const struct mdl_request *rq,
		      struct mdl_amd_result *out);
/* Logs the event of such a fault. */
void mdl_amd_entry_fault(struct mdl_amd *u, struct mdl_amd_walk *w, uint8_t fault);

/* ---- regs.c, command.c, capability.c ---- */

void mdl_amd_regs_reset(struct mdl_amd *u);
/* Something was written to a register that had other bits before. */
void mdl_amd_reg_effect(struct mdl_amd *u, enum mdl_amd_reg r, uint64_t before);
/* CmdBufEn or IommuEn may have changed. */
void mdl_amd_commands_control(struct mdl_amd *u);
void mdl_amd_commands_run(struct mdl_amd *u);
void mdl_amd_commands_poll(struct mdl_amd *u);
void mdl_amd_config_reset(struct mdl_amd *u);
void mdl_amd_target_abort(struct mdl_amd *u);
/* MSI capability: the message for one of the unit's interrupts. False: off. */
bool mdl_amd_msi(const struct mdl_amd *u, unsigned number, uint64_t *address, uint32_t *data);

/* Whoever keeps translations outside of the unit loses them: on commands and whatever else changes them. */
static inline void mdl_amd_revoke(const struct mdl_amd *u)
{
	if (u->env.revoke != NULL)
		u->env.revoke(u->env.ctx);
}

#endif
