/*
 * NVM Express 1.4: registers (chapter 3), queue entries and the commands that the engine uses (chapters 4, 5, 6).
 */
#ifndef PORTCULLIS_DRIVERS_PCI_ENGINES_NVME_REGS_H
#define PORTCULLIS_DRIVERS_PCI_ENGINES_NVME_REGS_H

#include "kernel/hal.h"

#define NVME_CLASS      0x010802u

#define NVME_CAP        ((reg64_t){ 0x00 })
#define   CAP_MQES         BITS(15, 0)
#define   CAP_TO           BITS(31, 24)  /* units of 500 ms */
#define   CAP_DSTRD        BITS(35, 32)
#define   CAP_MPSMIN       BITS(51, 48)
#define   CAP_CMBS         BIT(57)
#define NVME_CC         ((reg32_t){ 0x14 })
#define   CC_EN            BIT(0)
#define   CC_IOSQES        BITS(19, 16)
#define   CC_IOCQES        BITS(23, 20)
#define NVME_CSTS       ((reg32_t){ 0x1c })
#define   CSTS_RDY         BIT(0)
#define   CSTS_CFS         BIT(1)
#define NVME_AQA        ((reg32_t){ 0x24 })
#define   AQA_ASQS         BITS(11, 0)
#define   AQA_ACQS         BITS(27, 16)
#define NVME_ASQ        ((reg64_t){ 0x28 })
#define NVME_ACQ        ((reg64_t){ 0x30 })
#define NVME_CMBLOC     ((reg32_t){ 0x38 })
#define   CMBLOC_BIR       BITS(2, 0)
#define   CMBLOC_OFST      BITS(31, 12)  /* in units of CMBSZ.SZU */
#define NVME_CMBSZ      ((reg32_t){ 0x3c })
#define   CMBSZ_SQS        BIT(0)
#define   CMBSZ_LISTS      BIT(2)
#define   CMBSZ_RDS        BIT(3)
#define   CMBSZ_WDS        BIT(4)
#define   CMBSZ_SZU        BITS(11, 8)   /* unit: 4 KiB * 16^n */
#define   CMBSZ_SZ         BITS(31, 12)
#define NVME_CMBMSC     ((reg32_t){ 0x50 })
#define   CMBMSC_CRE       BIT(0)
#define   CMBMSC_CMSE      BIT(1)
#define NVME_CMBMSC_HI  ((reg32_t){ 0x54 }) /* with bits 31:12 of the lower half: the buffer's address */
#define NVME_CMBSTS     ((reg32_t){ 0x58 })
#define   CMBSTS_CBAI      BIT(0)
#define NVME_DOORBELLS  0x1000u
#define NVME_REGS_BYTES 0x1010u          /* with the doorbells of two queue pairs at the smallest stride */

/* Submission queue entry. */
struct nvme_sqe {
	uint32_t dw0;
	uint32_t nsid;
	uint32_t rsvd[2];
	uint64_t mptr;
	uint64_t dptr[2];      /* PRP 1 and 2, or one SGL descriptor */
	uint32_t dw10, dw11, dw12, dw13, dw14, dw15;
};
_Static_assert(sizeof(struct nvme_sqe) == 64, "NVMe 1.4 figure 105");

#define SQE_OPC          BITS(7, 0)
#define SQE_PSDT         BITS(15, 14)
#define   PSDT_SGL          1
#define SQE_CID          BITS(31, 16)

/* Completion queue entry. */
struct nvme_cqe {
	uint32_t dw0, dw1, dw2, dw3;
};
_Static_assert(sizeof(struct nvme_cqe) == 16, "NVMe 1.4 figure 121");

#define CQE_CID          BITS(15, 0)
#define CQE_P            BIT(16)
#define CQE_SC           BITS(24, 17)
#define CQE_SCT          BITS(27, 25)

/* Status: type and code as one number. */
#define STATUS(sct, sc)  ((unsigned)(sct) * 256 + (sc))
#define   ST_OK             STATUS(0, 0x00)
#define   ST_DATA_TRANSFER  STATUS(0, 0x04)

/* SGL descriptor. */
struct nvme_sgl {
	uint64_t addr;
	uint32_t len_bytes;
	uint32_t id;           /* its top byte */
};
_Static_assert(sizeof(struct nvme_sgl) == 16, "NVMe 1.4 figure 115");

#define SGL_TYPE         BITS(31, 28)
#define   SGL_DATA_BLOCK    0
#define   SGL_LAST_SEGMENT  3

#define ADMIN_CREATE_SQ  0x01
#define ADMIN_LOG_PAGE   0x02
#define   LOG_LID           BITS(7, 0)
#define     LID_SLOTS          0x03
#define     LID_EFFECTS        0x05
#define   LOG_NUMD          BITS(31, 16)
#define ADMIN_CREATE_CQ  0x05
#define   QUEUE_ID          BITS(15, 0)
#define   QUEUE_SIZE        BITS(31, 16)
#define   QUEUE_PC          BIT(0)
#define   SQ_CQID           BITS(31, 16)
#define ADMIN_IDENTIFY   0x06
#define   CNS_NAMESPACE     0x00
#define   CNS_CONTROLLER    0x01
#define   CNS_ACTIVE_LIST   0x02
#define ADMIN_SET_FEATURE 0x09
#define ADMIN_GET_FEATURE 0x0a
#define   FID_QUEUES        0x07
#define   FID_HOST_BEHAVIOR 0x16

#define NVM_WRITE        0x01
#define NVM_READ         0x02

/* Identify Controller, byte offsets. */
#define IDC_MDTS         77
#define IDC_LPA          261
#define   LPA_EFFECTS       BIT(1)
#define IDC_SGLS         536
#define   SGLS_SUPPORT      BITS(1, 0)
#define     SGLS_ANY_ALIGN     1
#define     SGLS_DWORD         2

/* Identify Namespace, byte offsets. */
#define IDN_NSZE         0
#define IDN_FLBAS        26
#define   FLBAS_FORMAT      BITS(3, 0)
#define IDN_LBAF         128
#define   LBAF_MS           BITS(15, 0)
#define   LBAF_LBADS        BITS(23, 16)

#endif
