/*
 * One remapping unit: its registers, capabilities and state, and the global commands (VT-d 11.4.4, 11.4.5).
 *
 * All state is in the instance, which the caller owns; nothing is global. Every wait is bounded by wait_us.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_VTD_UNIT_H
#define PORTCULLIS_DRIVERS_IOMMU_VTD_UNIT_H

#include "drivers-iommu/ring.h"
#include "drivers-iommu/vtd/caps.h"

/* What the unit said when the invalidation queue stopped; read by vtd_queue_wait() before anything is cleared. */
struct vtd_queue_error {
	uint32_t fsts;              /* FSTS; FSTS_IQE, FSTS_ITE, FSTS_ICE tell which */
	enum vtd_iqei iqei;         /* while IQE */
	uint16_t ite_sid, ice_sid;  /* while ITE, ICE */
	uint64_t head;              /* IQH: byte offset of the descriptor that it stopped at */
};

struct vtd_queue {
	bool on;                    /* QIES, as far as we set it */
	bool wide;                  /* 256-bit descriptors */
	bool owned;                 /* ring is ours to free */
	struct ring ring;
	uint64_t tail;              /* byte offset of the next free slot: what IQT holds */
	pa_t status_pa;             /* a page; its first doubleword takes the status of our waits */
	uint32_t *status;
	uint32_t ticket;            /* status data of the last wait */
	struct vtd_queue_error error;
};

/* What firmware left: see handover.h. Registers that the unit does not have are 0. */
struct vtd_found_state {
	uint32_t gsts, fsts, pmen, plm_base, plm_limit;
	uint64_t rtaddr, irta, iqa, phm_base, phm_limit;
	uint32_t event[3][4]; /* fault, invalidation, page request: control, data, address, upper address */
};

struct vtd_unit {
	struct machine *machine;
	pa_t base;
	uint16_t segment;
	unsigned haw_bits;
	mmio_t regs;
	struct vtd_caps caps;
	uint64_t wait_us;           /* longest wait for one answer of the unit */
	enum vtd_ttm ttm;           /* of the last vtd_srtp() */
	struct vtd_queue queue;
	bool fault_walk;            /* records are being taken; the next one to look at is fault_next */
	unsigned fault_next;
	struct vtd_found_state found;
};

/*
 * Fills *u for the unit whose registers are at base, and takes it over: whatever firmware left on (events, queue,
 * interrupt remapping, translation, protected memory) is switched off, old faults are cleared. haw_bits: host address
 * width of the DMAR table. ERR_NOT_FOUND (nothing answers), ERR_NO_MEMORY, ERR_TIMEOUT and ERR_IO (will not let go).
 */
enum status must_use vtd_unit_open(struct machine *m, pa_t base, unsigned haw_bits, uint16_t segment,
				   struct vtd_unit *u);
/* As far as looking goes: capabilities and what firmware left. Writes nothing. */
enum status must_use vtd_unit_look(struct machine *m, pa_t base, unsigned haw_bits, uint16_t segment,
				   struct vtd_unit *u);

/*
 * Everything off: events masked, queue drained and disabled, IRE, TE and protected memory off, faults cleared. All is
 * tried even when one step fails; the first error is returned: ERR_TIMEOUT, ERR_IO.
 */
enum status vtd_unit_quiesce(struct vtd_unit *u);

/*
 * As vtd_unit_quiesce(), but where translation is on it stays on, with a root table in which nothing is present: all
 * requests are refused. Turning translation off and on costs an emulator milliseconds. Units that cannot change tables
 * without a queue are quiesced.
 */
enum status vtd_unit_park(struct vtd_unit *u, pa_t empty_root);

/* Sets or clears one GCMD bit and waits until GSTS shows it; one-shot bits are only set. ERR_TIMEOUT, ERR_INVALID. */
enum status must_use vtd_gcmd_set(struct vtd_unit *u, uint32_t bit);
enum status must_use vtd_gcmd_clear(struct vtd_unit *u, uint32_t bit);
/* True where all bits of GSTS are set. */
bool vtd_gsts(const struct vtd_unit *u, uint32_t bits);

/* RTADDR written and latched by SRTP, and nothing else. ERR_TIMEOUT, ERR_INVALID (root not page-aligned). */
enum status must_use vtd_srtp(struct vtd_unit *u, pa_t root, enum vtd_ttm ttm);
/* vtd_srtp(), then the global invalidations that a unit without ESRTPS needs. ERR_TIMEOUT, ERR_INVALID, ERR_IO. */
enum status must_use vtd_set_root(struct vtd_unit *u, pa_t root, enum vtd_ttm ttm);

/* IRTA written and latched by SIRTP, no more; 2^log2_entries (1..16) entries at table. Errors as vtd_srtp(). */
enum status must_use vtd_sirtp(struct vtd_unit *u, pa_t table, unsigned log2_entries, bool eime);
/* vtd_sirtp(), then the global invalidation that a unit without ESIRTPS needs. */
enum status must_use vtd_set_irt(struct vtd_unit *u, pa_t table, unsigned log2_entries, bool eime);

/* TE on or off. ERR_TIMEOUT. */
enum status must_use vtd_translation_on(struct vtd_unit *u);
enum status must_use vtd_translation_off(struct vtd_unit *u);

/* Write buffer flush where CAP.RWBF asks for it (VT-d 6.8), nothing elsewhere. ERR_TIMEOUT. */
enum status must_use vtd_write_buffer_flush(struct vtd_unit *u);

#endif
