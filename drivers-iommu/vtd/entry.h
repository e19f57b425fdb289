/*
 * Layouts of the tables in memory (VT-d chapter 9): entry types, and their fields as masks with the manual's bit
 * numbers. VTD_W(n, hi, lo) is a field of quadword n of an entry, numbered from the start of the entry.
 *
 * Address fields reach from bit 12 to the host address width; bits above it are reserved and 0 in every valid address.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_VTD_ENTRY_H
#define PORTCULLIS_DRIVERS_IOMMU_VTD_ENTRY_H

#include "kernel/hal.h"

#define VTD_W(n, hi, lo) BITS((hi) - 64 * (n), (lo) - 64 * (n))

typedef struct { uint64_t w[2]; } vtd_root_t;      /* 256 by bus */
typedef struct { uint64_t w[2]; } vtd_ctx_t;       /* 256 by devfn */
typedef struct { uint64_t w[2]; } vtd_sm_root_t;   /* 256 by bus; w[0]: devfn below 80h, w[1]: the others */
typedef struct { uint64_t w[4]; } vtd_sm_ctx_t;    /* 128 by devfn & 7Fh */
typedef struct { uint64_t w[1]; } vtd_pasid_dir_t; /* 2^(PDTS + 7) by PASID 19:6 */
typedef struct { uint64_t w[8]; } vtd_pasid_t;     /* 64 by PASID 5:0 */
typedef struct { uint64_t w[2]; } vtd_irte_t;      /* 2^(S + 1) by interrupt index */

_Static_assert(sizeof(vtd_root_t) == 16, "VT-d 9.1");
_Static_assert(sizeof(vtd_sm_root_t) == 16, "VT-d 9.2");
_Static_assert(sizeof(vtd_ctx_t) == 16, "VT-d 9.3");
_Static_assert(sizeof(vtd_sm_ctx_t) == 32, "VT-d 9.4");
_Static_assert(sizeof(vtd_pasid_dir_t) == 8, "VT-d 9.5");
_Static_assert(sizeof(vtd_pasid_t) == 64, "VT-d 9.6");
_Static_assert(sizeof(vtd_irte_t) == 16, "VT-d 9.10");

/* Legacy root entry */
#define ROOT_P             VTD_W(0, 0, 0)
#define ROOT_RSVD          VTD_W(0, 11, 1)
#define ROOT_CTP           VTD_W(0, 63, 12)

/* Legacy context entry */
#define CTX_P              VTD_W(0, 0, 0)
#define CTX_FPD            VTD_W(0, 1, 1)
#define CTX_TT             VTD_W(0, 3, 2)
#define CTX_RSVD           VTD_W(0, 11, 4)
#define CTX_SSPTPTR        VTD_W(0, 63, 12)
#define CTX1_AW            VTD_W(1, 66, 64)
#define CTX1_IGNORED       VTD_W(1, 70, 67)
#define CTX1_RSVD_71       VTD_W(1, 71, 71)
#define CTX1_DID           VTD_W(1, 87, 72)
#define CTX1_RSVD_88       VTD_W(1, 127, 88)

/* CTX.TT */
enum vtd_tt { TT_UNTRANSLATED = 0, TT_ATS = 1, TT_PASSTHROUGH = 2, TT_RESERVED = 3 };

/* AW of context and PASID entries: a walk of levels (3, 4, 5). */
#define VTD_AW(levels)     ((levels) - 2)

/* Scalable root entry, each half */
#define SM_ROOT_P          VTD_W(0, 0, 0)
#define SM_ROOT_RSVD       VTD_W(0, 11, 1)
#define SM_ROOT_CTP        VTD_W(0, 63, 12)

/* Scalable context entry */
#define SM_CTX_P           VTD_W(0, 0, 0)
#define SM_CTX_FPD         VTD_W(0, 1, 1)
#define SM_CTX_DTE         VTD_W(0, 2, 2)
#define SM_CTX_PASIDE      VTD_W(0, 3, 3)
#define SM_CTX_PRE         VTD_W(0, 4, 4)
#define SM_CTX_RSVD        VTD_W(0, 8, 5)
#define SM_CTX_PDTS        VTD_W(0, 11, 9)
#define SM_CTX_PASIDDIRPTR VTD_W(0, 63, 12)
#define SM_CTX1_RID_PASID  VTD_W(1, 83, 64)
#define SM_CTX1_RID_PRIV   VTD_W(1, 84, 84)
#define SM_CTX1_RSVD       VTD_W(1, 127, 85)

/* PASID directory entry */
#define PDE_P              VTD_W(0, 0, 0)
#define PDE_FPD            VTD_W(0, 1, 1)
#define PDE_RSVD           VTD_W(0, 11, 2)
#define PDE_SMPTBLPTR      VTD_W(0, 63, 12)

/* PASID table entry */
#define PASID_P            VTD_W(0, 0, 0)
#define PASID_FPD          VTD_W(0, 1, 1)
#define PASID_AW           VTD_W(0, 4, 2)
#define PASID_SSEE         VTD_W(0, 5, 5)
#define PASID_PGTT         VTD_W(0, 8, 6)
#define PASID_SSADE        VTD_W(0, 9, 9)
#define PASID_RSVD_10      VTD_W(0, 11, 10)
#define PASID_SSPTPTR      VTD_W(0, 63, 12)
#define PASID1_DID         VTD_W(1, 79, 64)
#define PASID1_RSVD_80     VTD_W(1, 86, 80)
#define PASID1_PWSNP       VTD_W(1, 87, 87)
#define PASID1_PGSNP       VTD_W(1, 88, 88)
#define PASID1_CD          VTD_W(1, 89, 89)
#define PASID1_EMTE        VTD_W(1, 90, 90)
#define PASID1_RSVD_91     VTD_W(1, 95, 91)
#define PASID1_PAT         VTD_W(1, 127, 96)
#define PASID2_SRE         VTD_W(2, 128, 128)
#define PASID2_ERE         VTD_W(2, 129, 129)
#define PASID2_FSPM        VTD_W(2, 131, 130)
#define PASID2_WPE         VTD_W(2, 132, 132)
#define PASID2_NXE         VTD_W(2, 133, 133)
#define PASID2_SMEP        VTD_W(2, 134, 134)
#define PASID2_EAFE        VTD_W(2, 135, 135)
#define PASID2_RSVD_136    VTD_W(2, 139, 136)
#define PASID2_FSPTPTR     VTD_W(2, 191, 140)

/* PASID.PGTT */
enum vtd_pgtt { PGTT_FS = 1, PGTT_SS = 2, PGTT_NESTED = 3, PGTT_PASSTHROUGH = 4 };

/* The 20-bit PASID split into the two indexes */
#define PASID_DIR_INDEX    BITS(19, 6)
#define PASID_TABLE_INDEX  BITS(5, 0)
#define PASID_MAX          0xfffffu

/* Second-stage paging entry (VT-d 9.8) */
#define SS_R               BIT(0)
#define SS_W               BIT(1)
#define SS_X               BIT(2)
#define SS_EMT             BITS(5, 3)
#define SS_IPAT            BIT(6)
#define SS_PS              BIT(7)
#define SS_A               BIT(8)
#define SS_D               BIT(9)
#define SS_SNP             BIT(11)
#define SS_ADDR            BITS(51, 12)
#define SS_IGNORED_52      BITS(61, 52)
#define SS_RSVD_62         BIT(62)
#define SS_IGNORED_63      BIT(63)

/* First-stage paging entry (VT-d 9.7): the x86-64 format */
#define FS_P               BIT(0)
#define FS_RW              BIT(1)
#define FS_US              BIT(2)
#define FS_PWT             BIT(3)
#define FS_PCD             BIT(4)
#define FS_A               BIT(5)
#define FS_D               BIT(6)
#define FS_PS              BIT(7)
#define FS_G               BIT(8)
#define FS_EA              BIT(10)
#define FS_ADDR            BITS(51, 12)
#define FS_IGNORED_52      BITS(62, 52)
#define FS_XD              BIT(63)

/* Interrupt remapping entry, both formats */
#define IRTE_P             VTD_W(0, 0, 0)
#define IRTE_FPD           VTD_W(0, 1, 1)
#define IRTE_AVAIL         VTD_W(0, 11, 8)
#define IRTE_IM            VTD_W(0, 15, 15)
#define IRTE_VECTOR        VTD_W(0, 23, 16)
/* remapped (IM = 0) */
#define IRTE_DM            VTD_W(0, 2, 2)
#define IRTE_RH            VTD_W(0, 3, 3)
#define IRTE_TM            VTD_W(0, 4, 4)
#define IRTE_DLM           VTD_W(0, 7, 5)
#define IRTE_RSVD_12       VTD_W(0, 14, 12)
#define IRTE_RSVD_24       VTD_W(0, 31, 24)
#define IRTE_DST           VTD_W(0, 63, 32) /* EIME = 1 */
#define IRTE_DST_XAPIC     VTD_W(0, 47, 40) /* EIME = 0 */
/* posted (IM = 1) */
#define IRTE_URG           VTD_W(0, 14, 14)
#define IRTE_PDAL          VTD_W(0, 63, 38)
#define IRTE1_PDAH         VTD_W(1, 127, 96)
/* both */
#define IRTE1_SID          VTD_W(1, 79, 64)
#define IRTE1_SQ           VTD_W(1, 81, 80)
#define IRTE1_SVT          VTD_W(1, 83, 82)
#define IRTE1_RSVD_84      VTD_W(1, 95, 84)

/* IRTE.DLM, IRTE.SVT */
enum vtd_dlm { DLM_FIXED = 0, DLM_LOWEST = 1, DLM_SMI = 2, DLM_NMI = 4, DLM_INIT = 5, DLM_EXTINT = 7 };
enum vtd_svt { SVT_NONE = 0, SVT_SID = 1, SVT_BUS_RANGE = 2, SVT_RESERVED = 3 };

#endif
