/*
 * AMD-Vi register layout, as the model implements it (AMD IOMMU specification 48882, revision 3.08 and the later fields
 * that public drivers use; chapters 3.2 to 3.4).
 *
 * Written for the model alone: drivers have a layout of their own, so that a misreading shows as a disagreement. Left
 * out, so that their registers read 0: performance counters beyond their number, MARC, vIOMMU, SNP.
 */
#ifndef PORTCULLIS_MODEL_AMDVI_REGS_H
#define PORTCULLIS_MODEL_AMDVI_REGS_H

#include "kernel/bits.h"

/* Every register with a slot of its own. */
enum mdl_amd_reg {
	AR_NONE,
	AR_DEVTAB,                          /* segment 0; AR_SEGMENT + 1 .. + 7 the others */
	AR_CMD_BASE, AR_EVT_BASE, AR_CTL, AR_EXCL_BASE, AR_EXCL_LIMIT, AR_EFR,
	AR_PPR_BASE, AR_HEV_UPPER, AR_HEV_LOWER, AR_HEV_STATUS,
	AR_SMI,                             /* 16 filters */
	AR_GA_BASE = AR_SMI + 16,
	AR_GA_TAIL_ADDRESS,
	AR_PPRB_BASE, AR_EVTB_BASE,
	AR_SEGMENT,                         /* segment n at AR_SEGMENT + n, n = 1..7 */
	AR_FEATURE_EXT = AR_SEGMENT + 8,
	AR_CONTROL_EXT, AR_STATUS_EXT,
	AR_PERF_OPT, AR_XT_GENERAL, AR_XT_PPR, AR_XT_GA, AR_EFR2,
	AR_CMD_HEAD, AR_CMD_TAIL, AR_EVT_HEAD, AR_EVT_TAIL, AR_STATUS, AR_PPR_HEAD, AR_PPR_TAIL, AR_GA_HEAD, AR_GA_TAIL,
	AR_PPRB_HEAD, AR_PPRB_TAIL, AR_EVTB_HEAD, AR_EVTB_TAIL,
	AR_PPR_AUTO, AR_PPR_EARLY, AR_PPRB_EARLY,
	AR_COUNTER_CONFIG,
	AR_N
};

/* Capability block, header and the words after it (3.2). */
#define CAPH_ID           BITS(7, 0)
#define CAPH_NEXT         BITS(15, 8)
#define CAPH_TYPE         BITS(18, 16)
#define CAPH_REV          BITS(23, 19)
#define CAPH_IOTLB        BIT(24)
#define CAPH_HT_TUNNEL    BIT(25)
#define CAPH_NP_CACHE     BIT(26)
#define CAPH_EFR          BIT(27)
#define CAPH_EXT          BIT(28)
#define CAP_BASE_ENABLE   BIT(0)
#define CAP_BASE_LOW      BITS(31, 14)
#define MISC0_MSI         BITS(4, 0)
#define MISC0_GVA_SIZE    BITS(7, 5)
#define MISC0_PA_SIZE     BITS(14, 8)
#define MISC0_VA_SIZE     BITS(21, 15)
#define MISC0_HT_ATS      BIT(22)
#define MISC0_MSI_PPR     BITS(31, 27)
#define MISC1_MSI_GA      BITS(4, 0)

/* Table and ring bases (fact table 2.2). */
#define BASE_ADDR         BITS(51, 12)
#define DEVTAB_SIZE       BITS(8, 0)
#define SEGMENT_SIZE      BITS(7, 0)
#define RING_LEN          BITS(59, 56)
#define RING_OFFSET       BITS(18, 4)
#define GA_OFFSET         BITS(18, 3)

#define CTL_IOMMU         BIT(0)
#define CTL_HT_TUNNEL     BIT(1)
#define CTL_EVT_LOG       BIT(2)
#define CTL_EVT_INT       BIT(3)
#define CTL_WAIT_INT      BIT(4)
#define CTL_INV_TIMEOUT   BITS(7, 5)
#define CTL_COHERENT      BIT(10)
#define CTL_CMD           BIT(12)
#define CTL_PPR_LOG       BIT(13)
#define CTL_PPR_INT       BIT(14)
#define CTL_PPR           BIT(15)
#define CTL_GT            BIT(16)
#define CTL_GA            BIT(17)
#define CTL_SMI_FILTER    BIT(22)
#define CTL_SMI_LOG       BIT(24)
#define CTL_GAM           BITS(27, 25)
#define CTL_GA_LOG        BIT(28)
#define CTL_GA_INT        BIT(29)
#define CTL_DUAL_PPR      BITS(31, 30)
#define CTL_DUAL_EVT      BITS(33, 32)
#define CTL_SEGMENTS      BITS(36, 34)
#define CTL_PRIV_ABORT    BITS(38, 37)
#define CTL_AUTO_RSP      BIT(39)
#define CTL_BLOCK_STOP    BIT(41)
#define CTL_AUTO_ALWAYS   BIT(42)
#define CTL_INT_2K        BITS(44, 43)
#define CTL_EPH           BIT(45)
#define CTL_HAD           BITS(47, 46)
#define CTL_GD_DISABLE    BIT(48)
#define CTL_XT            BIT(50)
#define CTL_INT_XT        BIT(51)
#define CTL_GA_DISABLE    BIT(54)
#define CTL_GAPPI         BIT(55)
#define CTL_GCR3_GPA      BIT(58)
#define CTL_IRT_UNCACHED  BIT(59)

#define EXCL_ENABLE       BIT(0)
#define EXCL_ALLOW        BIT(1)

#define EFR_PREF          BIT(0)
#define EFR_PPR           BIT(1)
#define EFR_XT            BIT(2)
#define EFR_NX            BIT(3)
#define EFR_GT            BIT(4)
#define EFR_GAPPI         BIT(5)
#define EFR_IA            BIT(6)
#define EFR_GA            BIT(7)
#define EFR_HE            BIT(8)
#define EFR_PC            BIT(9)
#define EFR_HATS          BITS(11, 10)
#define EFR_GATS          BITS(13, 12)
#define EFR_GLX           BITS(15, 14)
#define EFR_SMIF          BITS(17, 16)
#define EFR_SMIFRC        BITS(20, 18)
#define EFR_GAM           BITS(23, 21)
#define EFR_DUAL_PPR      BITS(25, 24)
#define EFR_DUAL_EVT      BITS(29, 28)
#define EFR_PASMAX        BITS(36, 32)
#define EFR_US            BIT(37)
#define EFR_SEGMENTS      BITS(39, 38)
#define EFR_PPR_EARLY     BIT(40)
#define EFR_PPR_AUTO      BIT(41)
#define EFR_MARC          BITS(43, 42)
#define EFR_BLOCK_STOP    BIT(44)
#define EFR_PERF_OPT      BIT(45)
#define EFR_MSI_MMIO      BIT(46)
#define EFR_GIO           BIT(48)
#define EFR_HA            BIT(49)
#define EFR_EPH           BIT(50)
#define EFR_ATTR_FW       BIT(51)
#define EFR_HD            BIT(52)
#define EFR_GD_DISABLE    BIT(53)
#define EFR_INV_TYPE      BIT(54)
#define EFR_VIOMMU        BITS(60, 55)
#define EFR_GA_DISABLE    BIT(61)
#define EFR_SNP           BIT(63)
#define EFR_RESERVED      (BITS(27, 26) | BIT(30) | BIT(47))
enum { HATS_4, HATS_5, HATS_6, HATS_NONE };

#define EFR2_GCR3_GPA     BIT(3)
#define EFR2_INT_2K       BITS(9, 8)
#define EFR2_HT_IGNORE    BIT(11)

#define ST_EVT_OVERFLOW   BIT(0)
#define ST_EVT_INT        BIT(1)
#define ST_WAIT_INT       BIT(2)
#define ST_EVT_RUN        BIT(3)
#define ST_CMD_RUN        BIT(4)
#define ST_PPR_OVERFLOW   BIT(5)
#define ST_PPR_INT        BIT(6)
#define ST_PPR_RUN        BIT(7)
#define ST_GA_RUN         BIT(8)
#define ST_GA_OVERFLOW    BIT(9)
#define ST_GA_INT         BIT(10)
#define ST_PPR_EARLY      BIT(18)
#define ST_W1C            (BITS(2, 0) | BITS(6, 5) | BITS(11, 9) | BIT(15) | BITS(18, 17))

#define SMI_DEVICE        BITS(15, 0)
#define SMI_VALID         BIT(16)
#define SMI_LOCK          BIT(17)

#define XT_LOGICAL        BIT(2)
#define XT_DEST_LOW       BITS(31, 8)
#define XT_VECTOR         BITS(39, 32)
#define XT_ARBITRATED     BIT(40)
#define XT_DEST_HIGH      BITS(63, 56)
#define XT_ALL            (XT_LOGICAL | XT_DEST_LOW | XT_VECTOR | XT_ARBITRATED | XT_DEST_HIGH)

#define PPR_AUTO_CODE     BITS(3, 0)
#define PPR_EARLY_LEVEL   BITS(14, 0)
#define PPR_EARLY_INT     BIT(30)
#define PPR_EARLY_ENABLE  BIT(31)

#endif
