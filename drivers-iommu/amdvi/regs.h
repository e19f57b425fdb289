/*
 * AMD IOMMU capability block and registers (AMD I/O Virtualization Technology Specification 3.08, chapters 3.2 and
 * 3.4), offsets and fields in the order of the manual.
 *
 * A name says which register (AMDVI_CTL) and which field of it (CTL_IOMMU_EN); the type of a register carries its
 * width. Registers that hold write-1-to-clear bits are regw1c32_t: their bits lie in the lower half. The performance
 * counters, MARC and the vIOMMU registers are named only where something here uses them.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_AMDVI_REGS_H
#define PORTCULLIS_DRIVERS_IOMMU_AMDVI_REGS_H

#include "kernel/hal.h"

/* ---- PCI function: class 08h, subclass 06h, a capability of id 0Fh for each unit ---- */

#define AMDVI_CLASS        0x0806u /* 23:8 of the class code */
#define AMDVI_CAP_ID       0x0fu
#define AMDVI_CAP_TYPE     3u

/* Offsets from the capability. */
#define AMDVI_CAP_HEADER   0x00u
#define   CAPH_ID             BITS(7, 0)
#define   CAPH_TYPE           BITS(18, 16)
#define   CAPH_REV            BITS(23, 19)
#define   CAPH_IOTLB_SUP      BIT(24)
#define   CAPH_HT_TUNNEL      BIT(25)
#define   CAPH_NP_CACHE       BIT(26)
#define   CAPH_EFR_SUP        BIT(27)
#define   CAPH_CAP_EXT        BIT(28)
#define AMDVI_CAP_BASE_LOW 0x04u
#define   CAPB_ENABLE         BIT(0)
#define   CAPB_BASE_LOW       BITS(31, 14)
#define AMDVI_CAP_BASE_HIGH 0x08u
#define AMDVI_CAP_RANGE    0x0cu
#define AMDVI_CAP_MISC0    0x10u
#define   MISC0_MSI_NUM       BITS(4, 0)
#define   MISC0_GVA_SIZE      BITS(7, 5)
#define   MISC0_PA_SIZE       BITS(14, 8)
#define   MISC0_VA_SIZE       BITS(21, 15)
#define   MISC0_HT_ATS_RESV   BIT(22)
#define   MISC0_MSI_NUM_PPR   BITS(31, 27)
#define AMDVI_CAP_MISC1    0x14u
#define   MISC1_MSI_NUM_GA    BITS(4, 0)

/* Size of the register region, and of the one with performance counters. */
#define AMDVI_REGION_BYTES    0x4000u
#define AMDVI_REGION_PC_BYTES 0x80000u

/* ---- tables and rings ---- */

#define AMDVI_DEVTAB_BASE ((reg64_t){ 0x0000 })
#define   DEVTAB_SIZE         BITS(8, 0)   /* (size + 1) * 4 KiB */
#define   DEVTAB_RSVD_9       BITS(11, 9)
#define   DEVTAB_BASE         BITS(51, 12)
#define   DEVTAB_RSVD_52      BITS(63, 52)

#define AMDVI_CMD_BASE ((reg64_t){ 0x0008 })
#define AMDVI_EVT_BASE ((reg64_t){ 0x0010 })
#define AMDVI_PPR_BASE ((reg64_t){ 0x0038 })
#define   RING_RSVD_0         BITS(11, 0)
#define   RING_BASE           BITS(51, 12)
#define   RING_RSVD_52        BITS(55, 52)
#define   RING_LEN            BITS(59, 56) /* 2^len entries of 16 bytes, len 8..15 */
#define   RING_RSVD_60        BITS(63, 60)

#define AMDVI_CTL ((reg64_t){ 0x0018 })
#define   CTL_IOMMU_EN        BIT(0)
#define   CTL_HT_TUN_EN       BIT(1)
#define   CTL_EVENT_LOG_EN    BIT(2)
#define   CTL_EVENT_INT_EN    BIT(3)
#define   CTL_COM_WAIT_INT_EN BIT(4)
#define   CTL_INV_TIMEOUT     BITS(7, 5)
#define   CTL_PASS_PW         BIT(8)
#define   CTL_RES_PASS_PW     BIT(9)
#define   CTL_COHERENT        BIT(10)
#define   CTL_ISOC            BIT(11)
#define   CTL_CMD_BUF_EN      BIT(12)
#define   CTL_PPR_LOG_EN      BIT(13)
#define   CTL_PPR_INT_EN      BIT(14)
#define   CTL_PPR_EN          BIT(15)
#define   CTL_GT_EN           BIT(16)
#define   CTL_GA_EN           BIT(17)
#define   CTL_SMIF_EN         BIT(22)
#define   CTL_SMIF_LOG_EN     BIT(24)
#define   CTL_GAM_EN          BITS(27, 25)
#define   CTL_GA_LOG_EN       BIT(28)
#define   CTL_GA_INT_EN       BIT(29)
#define   CTL_DUAL_PPR_EN     BITS(31, 30)
#define   CTL_DUAL_EVENT_EN   BITS(33, 32)
#define   CTL_DEVTAB_SEG_EN   BITS(36, 34)
#define   CTL_PPR_AUTO_RSP_EN BIT(39)
#define   CTL_MARC_EN         BIT(40)
#define   CTL_NUM_INT_REMAP   BITS(44, 43)
#define   CTL_HAD_UPDATE      BITS(47, 46)
#define   CTL_GD_UPDATE_DIS   BIT(48)
#define   CTL_XT_EN           BIT(50)
#define   CTL_INT_CAP_XT_EN   BIT(51)
#define   CTL_GA_UPDATE_DIS   BIT(54)
#define   CTL_GCR3_TRP_MODE   BIT(58)
#define   CTL_IRT_CACHE_DIS   BIT(59)

/* CTL.INV_TIMEOUT */
enum amdvi_inv_timeout { INV_TIMEOUT_NONE = 0, INV_TIMEOUT_1MS = 1, INV_TIMEOUT_10MS = 2, INV_TIMEOUT_100MS = 3 };

#define AMDVI_EXCL_BASE ((reg64_t){ 0x0020 })
#define   EXCL_EX_EN          BIT(0)
#define   EXCL_ALLOW          BIT(1)
#define   EXCL_RSVD_2         BITS(11, 2)
#define   EXCL_BASE           BITS(51, 12)
#define AMDVI_EXCL_LIMIT ((reg64_t){ 0x0028 })
#define   EXCL_LIMIT          BITS(51, 12)

#define AMDVI_EFR ((reg64_t){ 0x0030 })
#define   EFR_PREF_SUP        BIT(0)
#define   EFR_PPR_SUP         BIT(1)
#define   EFR_XT_SUP          BIT(2)
#define   EFR_NX_SUP          BIT(3)
#define   EFR_GT_SUP          BIT(4)
#define   EFR_GAPPI_SUP       BIT(5)
#define   EFR_IA_SUP          BIT(6)
#define   EFR_GA_SUP          BIT(7)
#define   EFR_HE_SUP          BIT(8)
#define   EFR_PC_SUP          BIT(9)
#define   EFR_HATS            BITS(11, 10)
#define   EFR_GATS            BITS(13, 12)
#define   EFR_GLX_SUP         BITS(15, 14)
#define   EFR_SMIF_SUP        BITS(17, 16)
#define   EFR_SMIF_RC         BITS(20, 18)
#define   EFR_GAM_SUP         BITS(23, 21)
#define   EFR_DUAL_PPR_SUP    BITS(25, 24)
#define   EFR_DUAL_EVENT_SUP  BITS(29, 28)
#define   EFR_PAS_MAX         BITS(36, 32)
#define   EFR_US_SUP          BIT(37)
#define   EFR_DEVTAB_SEG_SUP  BITS(39, 38)
#define   EFR_PPR_OVF_EARLY   BIT(40)
#define   EFR_PPR_AUTO_RSP    BIT(41)
#define   EFR_MARC_SUP        BITS(43, 42)
#define   EFR_BLK_STOP_MRK    BIT(44)
#define   EFR_PERF_OPT_SUP    BIT(45)
#define   EFR_MSI_CAP_MMIO    BIT(46)
#define   EFR_GIO_SUP         BIT(48)
#define   EFR_HA_SUP          BIT(49)
#define   EFR_EPH_SUP         BIT(50)
#define   EFR_ATTR_FW_SUP     BIT(51)
#define   EFR_HD_SUP          BIT(52)
#define   EFR_INV_IOTLB_TYPE  BIT(54)
#define   EFR_GA_UPDATE_DIS   BIT(61)
#define   EFR_FORCE_PHY_DEST  BIT(62)
#define   EFR_SNP_SUP         BIT(63)

/* EFR.HATS, GATS: levels beyond 4; 11b is reserved, and in HATS says that there is no host translation. */
#define HATS_NONE             3u

#define AMDVI_HEV_UPPER ((reg64_t){ 0x0040 })
#define AMDVI_HEV_LOWER ((reg64_t){ 0x0048 })
#define AMDVI_HEV_STATUS ((regw1c32_t){ 0x0050 })
#define   HEV_HEV             BIT(0)
#define   HEV_HEO             BIT(1)
#define AMDVI_RSVD_58 ((reg64_t){ 0x0058 })
#define AMDVI_SMIF(n) ((reg64_t){ 0x0060 + 8 * (n) })
#define   SMIF_DEVICE_ID      BITS(15, 0)
#define   SMIF_DV             BIT(16)
#define   SMIF_LOCK           BIT(17)

#define AMDVI_GA_BASE ((reg64_t){ 0x00e0 })
#define AMDVI_GA_TAIL_ADDR ((reg64_t){ 0x00e8 })
#define AMDVI_DEVTAB_SEG(n) ((reg64_t){ 0x0100 + 8 * ((n) - 1) }) /* n 1..7 */
#define   DEVTAB_SEG_SIZE     BITS(7, 0)
#define AMDVI_DSFX ((reg64_t){ 0x0138 })
#define AMDVI_MSI_HEADER ((reg32_t){ 0x0158 })
#define AMDVI_MSI_ADDR_LO ((reg32_t){ 0x015c })
#define AMDVI_MSI_ADDR_HI ((reg32_t){ 0x0160 })
#define AMDVI_MSI_DATA ((reg32_t){ 0x0164 })

/* XT interrupt control: general, PPR log, GA log */
#define AMDVI_XT_GEN ((reg64_t){ 0x0170 })
#define AMDVI_XT_PPR ((reg64_t){ 0x0178 })
#define AMDVI_XT_GA ((reg64_t){ 0x0180 })
#define   XT_DM               BIT(2)
#define   XT_DEST_LO          BITS(31, 8)
#define   XT_VECTOR           BITS(39, 32)
#define   XT_DLM              BIT(40)
#define   XT_DEST_HI          BITS(63, 56)

#define AMDVI_EFR2 ((reg64_t){ 0x01a0 })
#define   EFR2_GCR3_TRP_MODE  BIT(3)
#define   EFR2_SNP_AVIC_SUP   BITS(7, 5)
#define   EFR2_NUM_INT_REMAP  BITS(9, 8)
#define   EFR2_HT_RANGE_IGN   BIT(11)

#define AMDVI_CMD_HEAD ((reg64_t){ 0x2000 })
#define AMDVI_CMD_TAIL ((reg64_t){ 0x2008 })
#define AMDVI_EVT_HEAD ((reg64_t){ 0x2010 })
#define AMDVI_EVT_TAIL ((reg64_t){ 0x2018 })
#define AMDVI_PPR_HEAD ((reg64_t){ 0x2030 })
#define AMDVI_PPR_TAIL ((reg64_t){ 0x2038 })
#define AMDVI_GA_HEAD ((reg64_t){ 0x2040 })
#define AMDVI_GA_TAIL ((reg64_t){ 0x2048 })
#define   RING_PTR            BITS(18, 4)  /* byte offset from the base */

#define AMDVI_STATUS ((regw1c32_t){ 0x2020 })
#define   ST_EVENT_OVERFLOW   BIT(0)
#define   ST_EVENT_LOG_INT    BIT(1)
#define   ST_COM_WAIT_INT     BIT(2)
#define   ST_EVENT_LOG_RUN    BIT(3)
#define   ST_CMD_BUF_RUN      BIT(4)
#define   ST_PPR_OVERFLOW     BIT(5)
#define   ST_PPR_INT          BIT(6)
#define   ST_PPR_LOG_RUN      BIT(7)
#define   ST_GA_LOG_RUN       BIT(8)
#define   ST_GA_OVERFLOW      BIT(9)
#define   ST_GA_INT           BIT(10)
#define   ST_PPR_OVERFLOW_B   BIT(11)
#define   ST_EVENT_OVERFLOW_B BIT(15)
#define   ST_PPR_EARLY_B      BIT(17)
#define   ST_PPR_EARLY        BIT(18)
#define   ST_W1C              (ST_EVENT_OVERFLOW | ST_EVENT_LOG_INT | ST_COM_WAIT_INT | ST_PPR_OVERFLOW | ST_PPR_INT | \
			       ST_GA_OVERFLOW | ST_GA_INT | ST_PPR_OVERFLOW_B | ST_EVENT_OVERFLOW_B | ST_PPR_EARLY_B | \
			       ST_PPR_EARLY)
#define   ST_RUN              (ST_EVENT_LOG_RUN | ST_CMD_BUF_RUN | ST_PPR_LOG_RUN | ST_GA_LOG_RUN)

#define AMDVI_PPR_AUTO_RSP ((reg64_t){ 0x2080 })
#define   PPR_AUTO_CODE       BITS(3, 0)
#define AMDVI_PPR_EARLY ((reg64_t){ 0x2088 })
#define   PPR_EARLY_THRESHOLD BITS(14, 0)
#define   PPR_EARLY_INT_EN    BIT(30)
#define   PPR_EARLY_EN        BIT(31)

#define AMDVI_PC_CONFIG ((reg64_t){ 0x4000 })
#define   PC_COUNTERS         BITS(10, 7)
#define   PC_BANKS            BITS(17, 12)

#endif
