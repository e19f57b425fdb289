/*
 * VT-d register layout, as the model implements it (architecture specification rev 4.1, chapter 11).
 *
 * Written for the model alone: drivers have a layout of their own, so that a misreading shows as a disagreement. Left
 * out: ECAP bits 50, 55, 56 and 57 of rev 5.x; and what no configuration offers, so that its registers read 0: advanced
 * fault logging, performance monitoring, enhanced commands.
 */
#ifndef PORTCULLIS_MODEL_VTD_REGS_H
#define PORTCULLIS_MODEL_VTD_REGS_H

#include "kernel/bits.h"

/* Every register with a slot of its own; FRCD has its own array, IVA and IOTLB lie at 16 * ECAP.IRO. */
enum mdl_reg {
	R_NONE,
	R_VER, R_CAP, R_ECAP, R_GCMD, R_GSTS, R_RTADDR, R_CCMD,
	R_FSTS, R_FECTL, R_FEDATA, R_FEADDR, R_FEUADDR,
	R_PMEN, R_PLMBASE, R_PLMLIMIT, R_PHMBASE, R_PHMLIMIT,
	R_IQH, R_IQT, R_IQA, R_ICS, R_IECTL, R_IEDATA, R_IEADDR, R_IEUADDR, R_IQERCD, R_IRTA,
	R_PQH, R_PQT, R_PQA, R_PRS, R_PECTL, R_PEDATA, R_PEADDR, R_PEUADDR,
	R_MTRRCAP, R_MTRRDEF,
	R_MTRR,                       /* fixed-range registers and pairs of base and mask: 0x120..0x218, by offset */
	R_VCMD = R_MTRR + 32,
	R_VCMD_EO, R_VCRSP, R_VCCAP,
	R_IVA, R_IOTLB,
	R_N
};

#define VER_MAJOR        BITS(7, 4)

#define CAP_ND           BITS(2, 0)
#define CAP_AFL          BIT(3)
#define CAP_RWBF         BIT(4)
#define CAP_PLMR         BIT(5)
#define CAP_PHMR         BIT(6)
#define CAP_CM           BIT(7)
#define CAP_SAGAW        BITS(12, 8)
#define CAP_SAGAW_39     BIT(9)
#define CAP_SAGAW_48     BIT(10)
#define CAP_SAGAW_57     BIT(11)
#define CAP_MGAW         BITS(21, 16)
#define CAP_ZLR          BIT(22)
#define CAP_FRO          BITS(33, 24)
#define CAP_SSLPS_2M     BIT(34)
#define CAP_SSLPS_1G     BIT(35)
#define CAP_PSI          BIT(39)
#define CAP_NFR          BITS(47, 40)
#define CAP_MAMV         BITS(53, 48)
#define CAP_DWD          BIT(54)
#define CAP_DRD          BIT(55)
#define CAP_FS1GP        BIT(56)
#define CAP_PI           BIT(59)
#define CAP_FS5LP        BIT(60)
#define CAP_ECMDS        BIT(61)
#define CAP_ESIRTPS      BIT(62)
#define CAP_ESRTPS       BIT(63)
#define CAP_RESERVED     (BITS(15, 13) | BIT(8) | BIT(12) | BIT(23) | BITS(37, 36) | BIT(38) | BITS(58, 57))

#define ECAP_C           BIT(0)
#define ECAP_QI          BIT(1)
#define ECAP_DT          BIT(2)
#define ECAP_IR          BIT(3)
#define ECAP_EIM         BIT(4)
#define ECAP_PT          BIT(6)
#define ECAP_SC          BIT(7)
#define ECAP_IRO         BITS(17, 8)
#define ECAP_MHMV        BITS(23, 20)
#define ECAP_MTS         BIT(25)
#define ECAP_NEST        BIT(26)
#define ECAP_PRS         BIT(29)
#define ECAP_ERS         BIT(30)
#define ECAP_SRS         BIT(31)
#define ECAP_NWFS        BIT(33)
#define ECAP_EAFS        BIT(34)
#define ECAP_PSS         BITS(39, 35)
#define ECAP_PASID       BIT(40)
#define ECAP_DIT         BIT(41)
#define ECAP_PDS         BIT(42)
#define ECAP_SMTS        BIT(43)
#define ECAP_VCS         BIT(44)
#define ECAP_SSADS       BIT(45)
#define ECAP_SSTS        BIT(46)
#define ECAP_FSTS        BIT(47)
#define ECAP_SMPWCS      BIT(48)
#define ECAP_RPS         BIT(49)
#define ECAP_PMS         BIT(51)
#define ECAP_ADMS        BIT(52)
#define ECAP_RPRIVS      BIT(53)
#define ECAP_SMS         BIT(58)
#define ECAP_RESERVED    (BIT(5) | BITS(19, 18) | BIT(24) | BIT(27) | BIT(28) | BIT(32) | BIT(50) | BIT(54) | \
			  BITS(57, 55) | BITS(63, 59))

/* GCMD and GSTS share positions (11.4.4). */
#define G_TE             BIT(31)
#define G_SRTP           BIT(30)
#define G_SFL            BIT(29)
#define G_EAFL           BIT(28)
#define G_WBF            BIT(27)
#define G_QIE            BIT(26)
#define G_IRE            BIT(25)
#define G_SIRTP          BIT(24)
#define G_CFI            BIT(23)

#define RTADDR_TTM       BITS(11, 10)
#define RTADDR_RTA       BITS(63, 12)
enum { TTM_LEGACY, TTM_SCALABLE, TTM_RESERVED, TTM_ABORT };

#define CCMD_DID         BITS(15, 0)
#define CCMD_SID         BITS(31, 16)
#define CCMD_FM          BITS(33, 32)
#define CCMD_CAIG        BITS(60, 59)
#define CCMD_CIRG        BITS(62, 61)
#define CCMD_ICC         BIT(63)

#define IVA_AM           BITS(5, 0)
#define IVA_IH           BIT(6)
#define IVA_ADDR         BITS(63, 12)
#define IOTLB_DID        BITS(47, 32)
#define IOTLB_DW         BIT(48)
#define IOTLB_DR         BIT(49)
#define IOTLB_IAIG       BITS(58, 57)
#define IOTLB_IIRG       BITS(61, 60)
#define IOTLB_IVT        BIT(63)

#define FSTS_PFO         BIT(0)
#define FSTS_PPF         BIT(1)
#define FSTS_AFO         BIT(2)
#define FSTS_APF         BIT(3)
#define FSTS_IQE         BIT(4)
#define FSTS_ICE         BIT(5)
#define FSTS_ITE         BIT(6)
#define FSTS_FRI         BITS(15, 8)
#define FSTS_ALL         (FSTS_PFO | FSTS_PPF | FSTS_AFO | FSTS_APF | FSTS_IQE | FSTS_ICE | FSTS_ITE)

/* FECTL, IECTL, PECTL alike. */
#define ECTL_IP          BIT(30)
#define ECTL_IM          BIT(31)

#define IQH_QH           BITS(18, 4)
#define IQT_QT           BITS(18, 4)
#define IQA_QS           BITS(2, 0)
#define IQA_DW           BIT(11)
#define IQA_IQA          BITS(63, 12)
#define ICS_IWC          BIT(0)
#define IQERCD_IQEI      BITS(3, 0)
#define IQERCD_ITESID    BITS(47, 32)
#define IQERCD_ICESID    BITS(63, 48)

enum mdl_iqei {
	IQEI_NONE, IQEI_TAIL_OUTSIDE, IQEI_FETCH, IQEI_TYPE, IQEI_RESERVED, IQEI_WIDTH, IQEI_TAIL_ALIGN, IQEI_TTM,
};

#define IRTA_S           BITS(3, 0)
#define IRTA_EIME        BIT(11)
#define IRTA_IRTA        BITS(63, 12)

#define PQA_PQS          BITS(2, 0)
#define PQA_PQA          BITS(63, 12)
#define PQ_OFFSET        BITS(18, 5)
#define PRS_PPR          BIT(0)
#define PRS_PRO          BIT(1)

#define PMEN_EPM         BIT(31)
#define PMEN_PRS         BIT(0)

#define VCCAP_PAS        BIT(0)
#define VCMD_CMD         BITS(7, 0)
#define VCRSP_IP         BIT(0)

/* FRCD, two words: 63:0 and 127:64 (11.4.14). */
#define FRCD0_FI         BITS(63, 12)
#define FRCD1_SID        BITS(15, 0)
#define FRCD1_T2         BIT(28)
#define FRCD1_PRIV       BIT(29)
#define FRCD1_EXE        BIT(30)
#define FRCD1_PP         BIT(31)
#define FRCD1_FR         BITS(39, 32)
#define FRCD1_PV         BITS(59, 40)
#define FRCD1_AT         BITS(61, 60)
#define FRCD1_T1         BIT(62)
#define FRCD1_F          BIT(63)

#endif
