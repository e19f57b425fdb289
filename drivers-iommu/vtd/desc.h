/*
 * Invalidation descriptors (VT-d 6.5.2): one typed constructor for each scope, and the layouts as masks.
 *
 * A 128-bit queue uses q[0] and q[1] only. Reserved fields are 0; tests that want them set change the words.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_VTD_DESC_H
#define PORTCULLIS_DRIVERS_IOMMU_VTD_DESC_H

#include "kernel/hal.h"

struct vtd_desc { uint64_t q[4]; };

/* Type: bits 3:0, and 11:9 as its upper part (0 for all types so far). */
#define DESC_TYPE       BITS(3, 0)
#define DESC_TYPE_HIGH  BITS(11, 9)

enum vtd_desc_type {
	DESC_CC = 1, DESC_IOTLB = 2, DESC_DEV_TLB = 3, DESC_IEC = 4, DESC_WAIT = 5, DESC_PIOTLB = 6, DESC_PC = 7,
	DESC_PDEV_TLB = 8, DESC_PAGE_RESPONSE = 9,
};

/* 1 context-cache */
#define CC_G            BITS(5, 4)
#define CC_DID          BITS(31, 16)
#define CC_SID          BITS(47, 32)
#define CC_FM           BITS(49, 48)
/* 2 IOTLB */
#define IOTLBD_G        BITS(5, 4)
#define IOTLBD_DW       BIT(6)
#define IOTLBD_DR       BIT(7)
#define IOTLBD_DID      BITS(31, 16)
#define IOTLBD1_AM      BITS(69 - 64, 64 - 64)
#define IOTLBD1_IH      BIT(70 - 64)
#define IOTLBD1_ADDR    BITS(127 - 64, 76 - 64)
/* 3 Device-TLB */
#define DTLB_PFSID_LO   BITS(15, 12)
#define DTLB_MIP        BITS(20, 16)
#define DTLB_SID        BITS(47, 32)
#define DTLB_PFSID_HI   BITS(63, 52)
#define DTLB1_S         BIT(64 - 64)
#define DTLB1_ADDR      BITS(127 - 64, 76 - 64)
/* 4 interrupt entry cache */
#define IEC_G           BIT(4)
#define IEC_IM          BITS(31, 27)
#define IEC_IIDX        BITS(47, 32)
/* 5 wait */
#define WAIT_IF         BIT(4)
#define WAIT_SW         BIT(5)
#define WAIT_FN         BIT(6)
#define WAIT_PD         BIT(7)
#define WAIT_DATA       BITS(63, 32)
#define WAIT1_ADDR      BITS(127 - 64, 66 - 64)
/* 6 PASID-based IOTLB */
#define PIOTLB_G        BITS(5, 4)
#define PIOTLB_DID      BITS(31, 16)
#define PIOTLB_PASID    BITS(51, 32)
#define PIOTLB1_AM      BITS(69 - 64, 64 - 64)
#define PIOTLB1_IH      BIT(70 - 64)
#define PIOTLB1_ADDR    BITS(127 - 64, 76 - 64)
/* 7 PASID-cache */
#define PC_G            BITS(5, 4)
#define PC_DID          BITS(31, 16)
#define PC_PASID        BITS(51, 32)
/* 8 PASID-based Device-TLB */
#define PDTLB_MIP       BITS(8, 4)
#define PDTLB_PFSID_LO  BITS(15, 12)
#define PDTLB_SID       BITS(31, 16)
#define PDTLB_PASID     BITS(51, 32)
#define PDTLB_PFSID_HI  BITS(63, 52)
#define PDTLB1_G        BIT(64 - 64)
#define PDTLB1_S        BIT(75 - 64)
#define PDTLB1_ADDR     BITS(127 - 64, 76 - 64)
/* 9 page-group response */
#define PGR_PP          BIT(4)
#define PGR_RC          BITS(15, 12)
#define PGR_RID         BITS(31, 16)
#define PGR_PASID       BITS(51, 32)
#define PGR1_LPIG       BIT(66 - 64)
#define PGR1_PRGI       BITS(75 - 64, 67 - 64)

enum vtd_cc_granularity { CC_GLOBAL = 1, CC_DOMAIN = 2, CC_DEVICE = 3 };
enum vtd_iotlb_granularity { IOTLB_GLOBAL = 1, IOTLB_DOMAIN = 2, IOTLB_PAGE = 3 };
enum vtd_pc_granularity { PC_DOMAIN = 0, PC_PASID_IN_DOMAIN = 1, PC_GLOBAL = 3 };
enum vtd_piotlb_granularity { PIOTLB_ALL_OF_PASID = 2, PIOTLB_PAGE = 3 };
enum vtd_page_response { PGR_SUCCESS = 0, PGR_INVALID = 1, PGR_FAILURE = 15 };

/* Context-cache. fm masks function bits of sid: 0 none, 1 bit 2, 2 bits 2:1, 3 bits 2:0. */
struct vtd_desc vtd_desc_cc_global(void);
struct vtd_desc vtd_desc_cc_domain(uint16_t did);
struct vtd_desc vtd_desc_cc_device(uint16_t did, uint16_t sid, unsigned fm);

/*
 * IOTLB. A page scope covers 2^am pages from iova, which is aligned to them. ih: only leaf entries changed. drain: DR
 * and DW, completion waits for requests in flight.
 */
struct vtd_desc vtd_desc_iotlb_global(bool drain);
struct vtd_desc vtd_desc_iotlb_domain(uint16_t did, bool drain);
struct vtd_desc vtd_desc_iotlb_page(uint16_t did, iova_t iova, unsigned am, bool ih, bool drain);

/* PASID-based IOTLB and PASID-cache: 256-bit queues only. */
struct vtd_desc vtd_desc_piotlb_pasid(uint16_t did, uint32_t pasid);
struct vtd_desc vtd_desc_piotlb_page(uint16_t did, uint32_t pasid, iova_t iova, unsigned am, bool ih);
struct vtd_desc vtd_desc_pc_global(void);
struct vtd_desc vtd_desc_pc_domain(uint16_t did);
struct vtd_desc vtd_desc_pc_pasid(uint16_t did, uint32_t pasid);

/* Interrupt entry cache; an index scope covers 2^im entries from iidx, which is aligned to them. */
struct vtd_desc vtd_desc_iec_global(void);
struct vtd_desc vtd_desc_iec_index(uint16_t iidx, unsigned im);

/* The device and the range of a Device-TLB invalidation; pages: 2^log2_pages from iova, aligned; 52: everything. */
struct vtd_dev_tlb {
	uint16_t sid, pfsid;     /* pfsid: 0 unless ECAP.DIT */
	unsigned mip;            /* invalidate queue depth of the device, 0: 32 */
	iova_t iova;
	unsigned log2_pages;
};

struct vtd_desc vtd_desc_dev_tlb(const struct vtd_dev_tlb *d);
/* all_pasids: the G bit, then pasid does not count. */
struct vtd_desc vtd_desc_pdev_tlb(const struct vtd_dev_tlb *d, uint32_t pasid, bool all_pasids);

/* flags: WAIT_IF, WAIT_SW, WAIT_FN, WAIT_PD. status is doubleword-aligned and counts with WAIT_SW only. */
struct vtd_desc vtd_desc_wait(uint64_t flags, uint32_t data, pa_t status);

/* Answer to a page-request group. has_pasid: the PP bit. */
struct vtd_desc vtd_desc_page_response(uint16_t rid, bool has_pasid, uint32_t pasid, uint16_t prgi,
				       enum vtd_page_response code);

#endif
