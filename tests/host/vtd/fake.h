/*
 * A unit that translates nothing, for tests of the driver's manners: it answers commands, writes down what it is told
 * to invalidate, and counts breaches of the protocol. Offsets and bits are literal, from VT-d chapter 11.
 */
#ifndef PORTCULLIS_TESTS_HOST_VTD_FAKE_H
#define PORTCULLIS_TESTS_HOST_VTD_FAKE_H

#include "kernel/hal.h"

#define FAKE_BYTES 0x3000u
#define FAKE_LOG   20000u
#define FAKE_BASE  PA(UINT64_C(0xfed90000))

/* CAP and ECAP: 48-bit and 39-bit walks, large pages, PSI, 8 fault records; queue, scalable mode, coherent. */
#define FAKE_CAP   UINT64_C(0x00d2078c222f0606)
#define FAKE_ECAP  (UINT64_C(0x0001c00000f00f43) | BIT(43))
#define FAKE_RECORDS 8u

enum fake_kind { FAKE_DESC, FAKE_CCMD, FAKE_IOTLB, FAKE_WBF, FAKE_SRTP };

struct fake_event {
	enum fake_kind kind;
	uint64_t q[4];          /* descriptor; or CCMD; or IOTLB and IVA; or what RTADDR holds */
};

struct fake {
	struct machine machine;
	uint8_t regs[FAKE_BYTES];
	struct fake_event log[FAKE_LOG];  /* waits are left out */
	unsigned log_n;
	unsigned breaches;
	const char *breach;     /* the last one */
	unsigned waits;         /* wait descriptors seen */
	bool last_was_wait;
	bool deaf;              /* GCMD does nothing */
	bool refuses;           /* registers answer with granularity 0, descriptors but waits stop the queue */
	bool resumes;           /* clearing IQE resumes fetching at once */
	unsigned slots_seen;    /* descriptors fetched */
};

/* Ready for vtd_unit_open(&f->machine, FAKE_BASE, ...). */
void fake_open(struct fake *f, uint32_t ver, uint64_t cap, uint64_t ecap);
uint64_t fake_get(const struct fake *f, uint32_t off, unsigned bytes);
void fake_put(struct fake *f, uint32_t off, uint64_t v, unsigned bytes);
/* Logs a fault record as the unit would: FRI and PPF where none was pending. */
void fake_fault(struct fake *f, unsigned index, uint64_t lo, uint64_t hi);

#endif
