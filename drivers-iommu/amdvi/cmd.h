/*
 * Commands (AMD IOMMU 2.4): one typed constructor for each scope, and the layouts as masks with the manual's numbers.
 *
 * Reserved fields are 0; tests that want them set change the words.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_AMDVI_CMD_H
#define PORTCULLIS_DRIVERS_IOMMU_AMDVI_CMD_H

#include "kernel/hal.h"

struct amdvi_cmd { uint64_t q[2]; };

_Static_assert(sizeof(struct amdvi_cmd) == 16, "AMD IOMMU 2.4");

#define CMD_OPCODE      BITS(63, 60)

enum amdvi_opcode {
	CMD_COMPLETION_WAIT = 1, CMD_INV_DEVTAB_ENTRY = 2, CMD_INV_IOMMU_PAGES = 3, CMD_INV_IOTLB_PAGES = 4,
	CMD_INV_INT_TABLE = 5, CMD_PREFETCH_PAGES = 6, CMD_COMPLETE_PPR = 7, CMD_INV_IOMMU_ALL = 8,
};

/* 1 COMPLETION_WAIT; word 1 is the data */
#define CW_S            BIT(0)
#define CW_I            BIT(1)
#define CW_F            BIT(2)
#define CW_ADDR         BITS(51, 3)
/* 2, 4, 5, 6, 7: whose */
#define CMD_DEVICE_ID   BITS(15, 0)
/* 3 INVALIDATE_IOMMU_PAGES */
#define IP_PASID        BITS(19, 0)
#define IP_DOMAIN_ID    BITS(47, 32)
#define IP1_S           BIT(64 - 64)
#define IP1_PDE         BIT(65 - 64)
#define IP1_GN          BIT(66 - 64)
#define CMD1_ADDR       BITS(127 - 64, 76 - 64)
/* 4 INVALIDATE_IOTLB_PAGES */
#define IT_PASID_MID    BITS(23, 16)  /* PASID 15:8 */
#define IT_MAXPEND      BITS(31, 24)
#define IT_QUEUE_ID     BITS(47, 32)
#define IT_PASID_LO     BITS(55, 48)  /* PASID 7:0 */
#define IT_PASID_HI     BITS(59, 56)  /* PASID 19:16 */
#define IT1_S           BIT(64 - 64)
#define IT1_GN          BIT(66 - 64)
#define IT1_TYPE        BITS(69 - 64, 68 - 64)
/* 6 PREFETCH_IOMMU_PAGES */
#define PF_COUNT        BITS(31, 24)
#define PF_PASID        BITS(51, 32)
#define PF1_S           BIT(64 - 64)
#define PF1_GN          BIT(66 - 64)
#define PF1_INVAL       BIT(68 - 64)
/* 7 COMPLETE_PPR_REQUEST */
#define CP_PASID        BITS(51, 32)
#define CP1_GN          BIT(66 - 64)
#define CP1_TAG         BITS(104 - 64, 96 - 64)
#define CP1_CODE        BITS(111 - 64, 108 - 64)

enum amdvi_ppr_code { PPR_SUCCESS = 0, PPR_INVALID = 1, PPR_FAILURE = 15 };

/* Word 1 of the page commands that means every address (AMD IOMMU 2.4.3). */
#define CMD_ALL_PAGES   UINT64_C(0x7ffffffffffff000)

/* A range as commands 3, 4 and 6 code it: the smallest aligned power of two that covers it, or everything. */
struct amdvi_span {
	uint64_t address;        /* as it goes into the command */
	bool s;
};

/* bytes: not 0. Ranges of more than 2^51 bytes, or that reach beyond bit 51, become everything (AMD IOMMU 2.4.3). */
struct amdvi_span amdvi_span_of(iova_t iova, uint64_t bytes);
struct amdvi_span amdvi_span_all(void);

/* flags: CW_S, CW_I, CW_F. address is 8-byte aligned and counts with CW_S only. */
struct amdvi_cmd amdvi_cmd_completion_wait(uint64_t flags, pa_t address, uint64_t data);
struct amdvi_cmd amdvi_cmd_devtab_entry(uint16_t device_id);
/* Host translations of a domain; pde: directory entries, too. */
struct amdvi_cmd amdvi_cmd_pages(uint16_t domain_id, struct amdvi_span span, bool pde);
/* Guest translations of a PASID in a domain. */
struct amdvi_cmd amdvi_cmd_guest_pages(uint16_t domain_id, uint32_t pasid, struct amdvi_span span, bool pde);

struct amdvi_iotlb {
	uint16_t device_id, queue_id;
	unsigned maxpend;
	bool has_pasid;
	uint32_t pasid;
	struct amdvi_span span;
};

struct amdvi_cmd amdvi_cmd_iotlb(const struct amdvi_iotlb *r);
struct amdvi_cmd amdvi_cmd_int_table(uint16_t device_id);
struct amdvi_cmd amdvi_cmd_prefetch(uint16_t device_id, struct amdvi_span span, unsigned count, bool inval);
struct amdvi_cmd amdvi_cmd_complete_ppr(uint16_t device_id, bool has_pasid, uint32_t pasid, uint16_t tag,
					enum amdvi_ppr_code code);
struct amdvi_cmd amdvi_cmd_all(void);

#endif
