/*
 * Primary fault log (VT-d 7.2, 7.3, 11.4.7, 11.4.14) and the names of all fault reasons (VT-d 7.1.3).
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_VTD_FAULT_H
#define PORTCULLIS_DRIVERS_IOMMU_VTD_FAULT_H

#include "drivers-iommu/vtd/unit.h"

/* One fault record, every field of it. at, t1, t2 mean something for DMA faults only; pv, priv, exe only where pp. */
struct vtd_fault {
	unsigned index;         /* of the record in the unit */
	uint64_t raw[2];
	bool f;
	uint8_t fr;             /* reason */
	uint16_t sid;
	uint64_t fi;            /* bits 63:12: page of the request; interrupt faults: index in 63:48 */
	bool t1, t2;            /* write 0,0; page request 0,1; read 1,0; AtomicOp 1,1 */
	unsigned at;            /* 0 untranslated, 1 translation request, 2 translated */
	bool pp, priv, exe;
	uint32_t pv;
};

struct vtd_fault vtd_fault_decode(uint64_t lo, uint64_t hi);

/* The record at index as it stands, valid or not; nothing is cleared. index below caps.fault_records_n. */
struct vtd_fault vtd_fault_read(const struct vtd_unit *u, unsigned index);

/* Takes the oldest record: reads it and clears its F. ERR_NOT_FOUND: none. */
enum status vtd_fault_pop(struct vtd_unit *u, struct vtd_fault *out);
/* Clears F of all records, then PFO. */
void vtd_fault_clear(struct vtd_unit *u);
/* True where faults were lost: FSTS.PFO. */
bool vtd_fault_overflow(const struct vtd_unit *u);

/* Whether FPD keeps a reason out of the log. */
enum vtd_qualified { NOT_QUALIFIED, QUALIFIED, QUALIFIED_UNSURE };

struct vtd_reason {
	uint8_t fr;
	const char *name;       /* as the manual has it: "LSS.2"; interrupt remapping: "IR" */
	const char *words;
	enum vtd_qualified qualified;
};

/* NULL for a code that the manual does not have. */
const struct vtd_reason *vtd_reason(unsigned fr);
/* Its words alone, "unknown reason" for a code that the manual does not have; never NULL. */
const char *vtd_reason_text(unsigned fr);

/* Reasons by name, as tests use them. */
enum vtd_fr {
	FR_LRT_2 = 0x01, FR_LCT_2 = 0x02, FR_LCT_4 = 0x03, FR_LGN_1 = 0x04, FR_LGN_2 = 0x05, FR_LGN_3 = 0x06,
	FR_LSS_1 = 0x07, FR_LRT_1 = 0x08, FR_LCT_1 = 0x09, FR_LRT_3 = 0x0a, FR_LCT_3 = 0x0b, FR_LSS_2 = 0x0c,
	FR_LCT_5 = 0x0d, FR_LGN_4 = 0x0e,
	FR_IR_RESERVED = 0x20, FR_IR_INDEX = 0x21, FR_IR_ABSENT = 0x22, FR_IR_FETCH = 0x23, FR_IR_IRTE_RESERVED = 0x24,
	FR_IR_COMPAT = 0x25, FR_IR_SID = 0x26, FR_IR_PID_ACCESS = 0x27, FR_IR_PID_RESERVED = 0x28, FR_IR_29 = 0x29,
	FR_RTA_1 = 0x30, FR_RTA_2 = 0x31, FR_RTA_3 = 0x32, FR_RTA_4 = 0x33,
	FR_SRT_1 = 0x38, FR_SRT_2 = 0x39, FR_SRT_3 = 0x3a,
	FR_SCT_1 = 0x40, FR_SCT_2 = 0x41, FR_SCT_3 = 0x42, FR_SCT_4 = 0x43, FR_SCT_5 = 0x44, FR_SCT_6 = 0x45,
	FR_SCT_7 = 0x46, FR_SCT_8 = 0x47, FR_SCT_9 = 0x48,
	FR_SPD_1 = 0x50, FR_SPD_2 = 0x51, FR_SPD_3 = 0x52,
	FR_SPT_1 = 0x58, FR_SPT_2 = 0x59, FR_SPT_3 = 0x5a, FR_SPT_4 = 0x5b, FR_SPT_5 = 0x5c, FR_SPT_6 = 0x5d,
	FR_SFS_1 = 0x70, FR_SFS_2 = 0x71, FR_SFS_3 = 0x72, FR_SFS_4 = 0x73, FR_SFS_5 = 0x74, FR_SFS_6 = 0x75,
	FR_SFS_7 = 0x76, FR_SFS_8 = 0x77,
	FR_SSS_1 = 0x78, FR_SSS_2 = 0x79, FR_SSS_3 = 0x7a, FR_SSS_4 = 0x7b, FR_SSS_5 = 0x7c, FR_SSS_6 = 0x7d,
	FR_SGN_1 = 0x80, FR_SGN_2 = 0x81, FR_SGN_3 = 0x82, FR_SGN_4 = 0x83, FR_SGN_5 = 0x84, FR_SGN_6 = 0x85,
	FR_SGN_7 = 0x86, FR_SGN_8 = 0x87, FR_SGN_9 = 0x88, FR_SGN_10 = 0x89,
	FR_SFS_9 = 0x90, FR_SFS_10 = 0x91,
};

#endif
