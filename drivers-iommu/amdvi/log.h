/*
 * The logs that the unit writes: events and page requests (AMD IOMMU 2.5, 2.6).
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_AMDVI_LOG_H
#define PORTCULLIS_DRIVERS_IOMMU_AMDVI_LOG_H

#include "drivers-iommu/amdvi/unit.h"

enum amdvi_log_kind { LOG_EVENTS, LOG_PPR };

/*
 * Memory for 2^log2_n (8..15) entries of 16 bytes, base register and pointers written; the log is off. ERR_INVALID,
 * ERR_NO_MEMORY. amdvi_log_destroy(): when its run bit is 0; also one that was never created.
 */
enum status must_use amdvi_log_create(struct amdvi_unit *u, enum amdvi_log_kind kind, unsigned log2_n);
void amdvi_log_destroy(struct amdvi_unit *u, enum amdvi_log_kind kind);

/* Takes the oldest entry. ERR_NOT_FOUND: none. */
enum status must_use amdvi_log_pop(struct amdvi_unit *u, enum amdvi_log_kind kind, uint64_t entry[2]);
/* How many entries wait. */
uint64_t amdvi_log_waiting(struct amdvi_unit *u, enum amdvi_log_kind kind);
/* True where entries were lost. */
bool amdvi_log_overflow(const struct amdvi_unit *u, enum amdvi_log_kind kind);
/* The way back after an overflow: off, overflow cleared, on; entries that wait stay. ERR_TIMEOUT. */
enum status must_use amdvi_log_restart(struct amdvi_unit *u, enum amdvi_log_kind kind);

/* ---- events ---- */

enum amdvi_event_code {
	EV_ILLEGAL_DTE = 1, EV_IO_PAGE_FAULT = 2, EV_DEVTAB_HW = 3, EV_PAGETAB_HW = 4, EV_ILLEGAL_COMMAND = 5,
	EV_COMMAND_HW = 6, EV_IOTLB_TIMEOUT = 7, EV_INVALID_REQUEST = 8, EV_INVALID_PPR = 9, EV_COUNTER_ZERO = 10,
};

#define EV_DEVICE_ID   BITS(15, 0)
#define EV_PASID_HI    BITS(19, 16)
#define EV_RSVD_20     BITS(31, 20)
#define EV_DOMAIN_ID   BITS(47, 32) /* GN = 0; else PASID 15:0 */
#define EV_GN          BIT(48)
#define EV_NX          BIT(49)
#define EV_US          BIT(50)
#define EV_I           BIT(51)
#define EV_PR          BIT(52)
#define EV_RW          BIT(53)
#define EV_PE          BIT(54)
#define EV_RZ          BIT(55)
#define EV_TR          BIT(56)
#define EV_FLAGS       BITS(56, 48)
#define EV_TYPE        BITS(58, 57) /* of codes 3, 4, 6 */
#define EV_TYPE_8      BITS(59, 57) /* of code 8 */
#define EV_CODE        BITS(63, 60)

struct amdvi_event {
	uint64_t raw[2];
	unsigned code;
	uint16_t device_id;
	uint16_t domain_id;     /* gn = 0 */
	uint32_t pasid;         /* gn = 1 */
	bool gn, nx, us, i, pr, rw, pe, rz, tr;
	uint64_t address;
};

struct amdvi_event amdvi_event_decode(const uint64_t raw[2]);
/* The manual's name, "unknown event" for other codes; never NULL. */
const char *amdvi_event_text(unsigned code);
/* Takes the oldest event. ERR_NOT_FOUND: none. */
enum status must_use amdvi_event_pop(struct amdvi_unit *u, struct amdvi_event *out);

/* ---- page requests ---- */

struct amdvi_ppr {
	uint64_t raw[2];
	unsigned code;          /* 1: PAGE_SERVICE_REQUEST */
	uint16_t device_id;
	bool gn;
	uint32_t pasid;
	uint16_t tag;           /* page request group index */
	bool last, x, r, w, user, rz;
	uint64_t address;       /* of the page */
};

struct amdvi_ppr amdvi_ppr_decode(const uint64_t raw[2]);
enum status must_use amdvi_ppr_pop(struct amdvi_unit *u, struct amdvi_ppr *out);

#endif
