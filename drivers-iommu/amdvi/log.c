/*
 * The logs that the unit writes (AMD IOMMU 2.5, 2.6).
 */
#include "drivers-iommu/amdvi/log.h"

#define ENTRY_BYTES 16u
#define LOG2_MIN    8u
#define LOG2_MAX    15u
/* A tail can be seen before its entry on some parts: how long an entry without code is waited for. */
#define LATE_US     1000u

/* What the two logs differ in. */
struct kind {
	reg64_t base, head, tail;
	uint64_t enable;              /* CTL */
	uint32_t run, overflow, intr; /* status */
};

static const struct kind kinds[] = {
	[LOG_EVENTS] = { AMDVI_EVT_BASE, AMDVI_EVT_HEAD, AMDVI_EVT_TAIL,
			 CTL_EVENT_LOG_EN, ST_EVENT_LOG_RUN, ST_EVENT_OVERFLOW, ST_EVENT_LOG_INT },
	[LOG_PPR] = { AMDVI_PPR_BASE, AMDVI_PPR_HEAD, AMDVI_PPR_TAIL,
		      CTL_PPR_LOG_EN, ST_PPR_LOG_RUN, ST_PPR_OVERFLOW, ST_PPR_INT },
};

static struct amdvi_log *log_of(struct amdvi_unit *u, enum amdvi_log_kind kind)
{
	return kind == LOG_EVENTS ? &u->events : &u->pprs;
}

enum status amdvi_log_create(struct amdvi_unit *u, enum amdvi_log_kind kind, unsigned log2_n)
{
	struct amdvi_log *l = log_of(u, kind);
	enum status s;

	if (log2_n < LOG2_MIN || log2_n > LOG2_MAX)
		return ERR_INVALID;
	*l = (struct amdvi_log){ .head_reg = kinds[kind].head, .tail_reg = kinds[kind].tail };
	s = ring_create(&l->ring, ENTRY_BYTES * pow2(log2_n), ENTRY_BYTES);
	if (s != OK)
		return s;
	mmio_wr(&u->regs, kinds[kind].base, l->ring.pa.v | FLD(RING_LEN, log2_n));
	mmio_wr(&u->regs, l->head_reg, 0);
	mmio_wr(&u->regs, l->tail_reg, 0);
	return OK;
}

void amdvi_log_destroy(struct amdvi_unit *u, enum amdvi_log_kind kind)
{
	struct amdvi_log *l = log_of(u, kind);

	ring_destroy(&l->ring);
	l->head = 0;
}

uint64_t amdvi_log_waiting(struct amdvi_unit *u, enum amdvi_log_kind kind)
{
	struct amdvi_log *l = log_of(u, kind);

	if (!l->ring.words)
		return 0;
	return ring_used(&l->ring, l->head, (mmio_rd(&u->regs, l->tail_reg) & RING_PTR) % l->ring.bytes);
}

/* The code is in the first word and never 0; slots are zeroed once taken. */
static void entry_take(const struct ring *r, uint64_t at, uint64_t entry[2])
{
	deadline_t d = deadline_in_us(LATE_US);
	static const uint64_t none[2];

	do
		ring_get(r, at, entry);
	while (!fld_get(EV_CODE, entry[0]) && !deadline_over(&d));
	ring_put(r, at, none);
}

enum status amdvi_log_pop(struct amdvi_unit *u, enum amdvi_log_kind kind, uint64_t entry[2])
{
	struct amdvi_log *l = log_of(u, kind);

	if (!amdvi_log_waiting(u, kind))
		return ERR_NOT_FOUND;
	entry_take(&l->ring, l->head, entry);
	l->head = ring_after(&l->ring, l->head, 1);
	mmio_wr(&u->regs, l->head_reg, l->head);
	return OK;
}

bool amdvi_log_overflow(const struct amdvi_unit *u, enum amdvi_log_kind kind)
{
	return amdvi_status(u) & kinds[kind].overflow;
}

enum status amdvi_log_restart(struct amdvi_unit *u, enum amdvi_log_kind kind)
{
	enum status s;

	amdvi_ctl_clear(u, kinds[kind].enable);
	s = amdvi_status_wait(u, kinds[kind].run, false);
	if (s != OK)
		return s;
	mmio_ack(&u->regs, AMDVI_STATUS, kinds[kind].overflow | kinds[kind].intr);
	amdvi_ctl_set(u, kinds[kind].enable);
	return amdvi_status_wait(u, kinds[kind].run, true);
}

/* A PASID in two pieces: bits 19:16 and 15:0. */
static uint32_t joined(uint64_t hi, uint64_t lo, uint64_t word)
{
	return (uint32_t)(FLD(BITS(19, 16), fld_get(hi, word)) | fld_get(lo, word)); /* 20 bits */
}

/* ---- events ---- */

struct amdvi_event amdvi_event_decode(const uint64_t raw[2])
{
	bool gn = raw[0] & EV_GN;

	return (struct amdvi_event){
		.raw = { raw[0], raw[1] },
		.code = (unsigned)fld_get(EV_CODE, raw[0]),
		.device_id = (uint16_t)fld_get(EV_DEVICE_ID, raw[0]),
		.domain_id = gn ? 0 : (uint16_t)fld_get(EV_DOMAIN_ID, raw[0]),
		.pasid = gn ? joined(EV_PASID_HI, EV_DOMAIN_ID, raw[0]) : 0,
		.gn = gn,
		.nx = raw[0] & EV_NX,
		.us = raw[0] & EV_US,
		.i = raw[0] & EV_I,
		.pr = raw[0] & EV_PR,
		.rw = raw[0] & EV_RW,
		.pe = raw[0] & EV_PE,
		.rz = raw[0] & EV_RZ,
		.tr = raw[0] & EV_TR,
		.address = raw[1],
	};
}

const char *amdvi_event_text(unsigned code)
{
	static const char *const names[] = {
		[EV_ILLEGAL_DTE] = "ILLEGAL_DEV_TABLE_ENTRY", [EV_IO_PAGE_FAULT] = "IO_PAGE_FAULT",
		[EV_DEVTAB_HW] = "DEV_TAB_HARDWARE_ERROR", [EV_PAGETAB_HW] = "PAGE_TAB_HARDWARE_ERROR",
		[EV_ILLEGAL_COMMAND] = "ILLEGAL_COMMAND_ERROR", [EV_COMMAND_HW] = "COMMAND_HARDWARE_ERROR",
		[EV_IOTLB_TIMEOUT] = "IOTLB_INV_TIMEOUT", [EV_INVALID_REQUEST] = "INVALID_DEVICE_REQUEST",
		[EV_INVALID_PPR] = "INVALID_PPR_REQUEST", [EV_COUNTER_ZERO] = "EVENT_COUNTER_ZERO",
	};

	return code < ARRAY_LEN(names) && names[code] ? names[code] : "unknown event";
}

enum status amdvi_event_pop(struct amdvi_unit *u, struct amdvi_event *out)
{
	uint64_t raw[2];
	enum status s = amdvi_log_pop(u, LOG_EVENTS, raw);

	if (s == OK)
		*out = amdvi_event_decode(raw);
	return s;
}

/* ---- page requests (AMD IOMMU 2.6) ---- */

#define PPR_PASID_LO  BITS(31, 16)
#define PPR_TAG       BITS(40, 32)
#define PPR_LAST      BIT(41)
#define PPR_PASID_HI  BITS(45, 42)
#define PPR_X         BIT(49)
#define PPR_R         BIT(50)
#define PPR_W         BIT(53)
#define PPR_US        BIT(54)
#define PPR_RZ        BIT(55)
#define PPR_GN        BIT(56)
#define PPR1_ADDR     BITS(127 - 64, 76 - 64)

struct amdvi_ppr amdvi_ppr_decode(const uint64_t raw[2])
{
	return (struct amdvi_ppr){
		.raw = { raw[0], raw[1] },
		.code = (unsigned)fld_get(EV_CODE, raw[0]),
		.device_id = (uint16_t)fld_get(EV_DEVICE_ID, raw[0]),
		.gn = raw[0] & PPR_GN,
		.pasid = joined(PPR_PASID_HI, PPR_PASID_LO, raw[0]),
		.tag = (uint16_t)fld_get(PPR_TAG, raw[0]),
		.last = raw[0] & PPR_LAST,
		.x = raw[0] & PPR_X,
		.r = raw[0] & PPR_R,
		.w = raw[0] & PPR_W,
		.user = raw[0] & PPR_US,
		.rz = raw[0] & PPR_RZ,
		.address = raw[1] & PPR1_ADDR,
	};
}

enum status amdvi_ppr_pop(struct amdvi_unit *u, struct amdvi_ppr *out)
{
	uint64_t raw[2];
	enum status s = amdvi_log_pop(u, LOG_PPR, raw);

	if (s == OK)
		*out = amdvi_ppr_decode(raw);
	return s;
}
