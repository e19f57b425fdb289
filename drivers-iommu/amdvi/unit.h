/*
 * One AMD IOMMU: its registers, capabilities, rings and state (AMD IOMMU 2.3, 3.4).
 *
 * All state is in the instance, which the caller owns; nothing is global. Every wait is bounded by wait_us.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_AMDVI_UNIT_H
#define PORTCULLIS_DRIVERS_IOMMU_AMDVI_UNIT_H

#include "drivers-iommu/acpi/ivrs.h"
#include "drivers-iommu/amdvi/caps.h"
#include "drivers-iommu/amdvi/devtab.h"
#include "drivers-iommu/ring.h"

struct amdvi_cmdbuf {
	struct ring ring;
	uint64_t tail;              /* what the tail register holds */
	pa_t status_pa;             /* a page; its first quadword takes the stores of our waits */
	uint64_t *status;
	uint64_t ticket;            /* data of the last wait */
};

/* The event log, or the PPR log. */
struct amdvi_log {
	struct ring ring;
	reg64_t head_reg, tail_reg;
	uint64_t head;              /* what the head register holds */
};

struct amdvi_unit {
	struct machine *machine;
	pa_t base;
	uint16_t segment, device_id; /* of the IOMMU function */
	uint16_t capability;        /* offset in its configuration space */
	uint8_t flags;              /* IVHD_* */
	mmio_t regs;
	struct amdvi_caps caps;
	uint64_t wait_us;           /* longest wait for one answer of the unit */
	struct amdvi_cmdbuf cmds;
	struct amdvi_log events, pprs;
	struct {
		uint64_t ctl, cmd_base, evt_base, ppr_base, excl_base, excl_limit;
		uint64_t devtab[8];     /* the base register and those of the segments that the unit has */
		uint32_t status;
	} found;                    /* as firmware left them */
};

/*
 * Fills *u for the unit that an IVHD block describes, and takes it over: whatever firmware left on is switched off, see
 * amdvi_unit_quiesce(). ERR_NOT_FOUND (nothing answers, or the function has no such capability), ERR_TIMEOUT.
 */
enum status must_use amdvi_unit_open(struct machine *m, const struct ivrs_block *ivhd, struct amdvi_unit *u);
/* As far as looking goes: capabilities and what firmware left. Writes nothing. */
enum status must_use amdvi_unit_look(struct machine *m, const struct ivrs_block *ivhd, struct amdvi_unit *u);
/*
 * Puts a quiet unit back to what firmware left, with nothing of ours in its caches. The tables must still be what they
 * were. ERR_NO_MEMORY (a command buffer of ours is needed meanwhile), ERR_TIMEOUT, ERR_IO.
 */
enum status must_use amdvi_give_back(struct amdvi_unit *u);

/* What a unit is enabled with. The device table stays the caller's and must outlive it. */
struct amdvi_setup {
	const struct amdvi_devtab *devtab;
	unsigned cmd_log2, evt_log2; /* 2^n entries, 8..15 */
	unsigned ppr_log2;           /* 0: no PPR log */
	uint64_t ctl;                /* further bits of CTL: CTL_GT_EN, CTL_GA_EN, CTL_XT_EN, interrupt enables */
};

/*
 * Programs base registers, rings and modes in the order of AMD IOMMU 2.3, without turning the unit on. Rings are
 * allocated. The unit is quiet. ERR_NO_MEMORY, ERR_INVALID, ERR_BUSY (it is on).
 */
enum status must_use amdvi_unit_prepare(struct amdvi_unit *u, const struct amdvi_setup *s);
/* Turns a prepared unit on and drops all that it may have cached. ERR_TIMEOUT, ERR_IO. */
enum status must_use amdvi_unit_start(struct amdvi_unit *u);
/*
 * Everything off: rings, interrupts, translation, modes, exclusion range; status bits cleared, ring memory freed. All
 * is tried even when one step fails. ERR_TIMEOUT: a ring keeps running, and its memory stays allocated.
 */
enum status amdvi_unit_quiesce(struct amdvi_unit *u);

/*
 * As amdvi_unit_quiesce(), and the device table becomes one of the caller's that outlives what was there: emulators look
 * at entries for interrupts although the unit is off (QUIRK amdvi-ir-off: QEMU 11.1; amdvi.ir.ctl.iommu_off notices).
 */
enum status amdvi_unit_park(struct amdvi_unit *u, const struct amdvi_devtab *idle);

/* Bits of CTL set or cleared, the others as they are. */
void amdvi_ctl_set(struct amdvi_unit *u, uint64_t bits);
void amdvi_ctl_clear(struct amdvi_unit *u, uint64_t bits);
/* Waits until all bits of the status register are set, or clear. ERR_TIMEOUT. */
enum status must_use amdvi_status_wait(struct amdvi_unit *u, uint32_t bits, bool set);
static inline uint32_t amdvi_status(const struct amdvi_unit *u)
{
	return mmio_rd(&u->regs, AMDVI_STATUS);
}

/* True while CTL.IommuEn is 1. */
bool amdvi_unit_on(const struct amdvi_unit *u);

/* Exclusion range [base, last], whole pages; allow: for all devices, else for those with DTE.EX (AMD IOMMU 3.4). */
void amdvi_exclusion_set(struct amdvi_unit *u, pa_t base, pa_t last, bool allow);
void amdvi_exclusion_off(struct amdvi_unit *u);

/* Configuration space of the IOMMU function, at an offset from the capability. */
uint32_t amdvi_cfg_rd(const struct amdvi_unit *u, uint32_t off);

#endif
