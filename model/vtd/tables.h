/*
 * Layout of the structures in memory, as the model reads them (VT-d rev 4.1, chapter 9).
 *
 * A mask belongs to one 64-bit word of its structure; the word is in the name where a structure has several.
 */
#ifndef PORTCULLIS_MODEL_VTD_TABLES_H
#define PORTCULLIS_MODEL_VTD_TABLES_H

#include "kernel/bits.h"

/* Legacy root entry (9.1), and each half of a scalable one (9.2). */
#define ROOT_P             BIT(0)
#define ROOT_RSVD          BITS(11, 1)

/* Legacy context entry (9.3). */
#define LCTX0_P            BIT(0)
#define LCTX0_FPD          BIT(1)
#define LCTX0_TT           BITS(3, 2)
#define LCTX0_RSVD         BITS(11, 4)
#define LCTX1_AW           BITS(2, 0)
#define LCTX1_DID          BITS(23, 8)
#define LCTX1_RSVD         (BIT(7) | BITS(63, 24))
enum { TT_UNTRANSLATED, TT_ATS, TT_PASS, TT_RESERVED };

/* Scalable context entry, 256 bits (9.4). */
#define SCTX0_P            BIT(0)
#define SCTX0_FPD          BIT(1)
#define SCTX0_DTE          BIT(2)
#define SCTX0_PASIDE       BIT(3)
#define SCTX0_PRE          BIT(4)
#define SCTX0_RSVD         BITS(8, 5)
#define SCTX0_PDTS         BITS(11, 9)
#define SCTX1_RID_PASID    BITS(19, 0)
#define SCTX1_RID_PRIV     BIT(20)
#define SCTX1_RSVD         BITS(63, 21)

/* PASID directory entry (9.5). */
#define PDIR_P             BIT(0)
#define PDIR_FPD           BIT(1)
#define PDIR_RSVD          BITS(11, 2)
#define PASID_DIR_INDEX    BITS(19, 6)
#define PASID_TABLE_INDEX  BITS(5, 0)

/* PASID table entry, 512 bits (9.6). */
#define PE0_P              BIT(0)
#define PE0_FPD            BIT(1)
#define PE0_AW             BITS(4, 2)
#define PE0_SSEE           BIT(5)
#define PE0_PGTT           BITS(8, 6)
#define PE0_SSADE          BIT(9)
#define PE0_RSVD           BITS(11, 10)
#define PE1_DID            BITS(15, 0)
#define PE1_RSVD           (BITS(22, 16) | BITS(31, 27))
#define PE1_PWSNP          BIT(23)
#define PE1_PGSNP          BIT(24)
#define PE1_CD             BIT(25)
#define PE1_EMTE           BIT(26)
#define PE1_PAT            BITS(63, 32)
#define PE1_PAT_RSVD       (BIT(35) | BIT(39) | BIT(43) | BIT(47) | BIT(51) | BIT(55) | BIT(59) | BIT(63))
#define PE2_SRE            BIT(0)
#define PE2_ERE            BIT(1)
#define PE2_FSPM           BITS(3, 2)
#define PE2_WPE            BIT(4)
#define PE2_NXE            BIT(5)
#define PE2_SMEP           BIT(6)
#define PE2_EAFE           BIT(7)
#define PE2_RSVD           BITS(11, 8)
enum { PGTT_FS = 1, PGTT_SS = 2, PGTT_NESTED = 3, PGTT_PASS = 4 };

/* Second-stage entry (9.8). */
#define SS_R               BIT(0)
#define SS_W               BIT(1)
#define SS_X               BIT(2)
#define SS_EMT             BITS(5, 3)
#define SS_IPAT            BIT(6)
#define SS_PS              BIT(7)
#define SS_A               BIT(8)
#define SS_D               BIT(9)
#define SS_SNP             BIT(11)
#define SS_BIT62           BIT(62)

/* First-stage entry (9.7). */
#define FS_P               BIT(0)
#define FS_RW              BIT(1)
#define FS_US              BIT(2)
#define FS_PWT             BIT(3)
#define FS_PCD             BIT(4)
#define FS_A               BIT(5)
#define FS_D               BIT(6)
#define FS_PS              BIT(7)
#define FS_PAT_4K          BIT(7)
#define FS_G               BIT(8)
#define FS_EA              BIT(10)
#define FS_PAT_LARGE       BIT(12)
#define FS_XD              BIT(63)

/* Interrupt remapping table entry, 128 bits (9.9 remapped, 9.10 posted). */
#define IRTE0_P            BIT(0)
#define IRTE0_FPD          BIT(1)
#define IRTE0_DM           BIT(2)
#define IRTE0_RH           BIT(3)
#define IRTE0_TM           BIT(4)
#define IRTE0_DLM          BITS(7, 5)
#define IRTE0_IM           BIT(15)
#define IRTE0_V            BITS(23, 16)
#define IRTE0_DST          BITS(63, 32)
#define IRTE0_DST_XAPIC    BITS(47, 40)
#define IRTE0_RSVD_REMAP   (BITS(14, 12) | BITS(31, 24))
#define IRTE0_RSVD_XAPIC   (BITS(39, 32) | BITS(63, 48))
#define IRTE0_URG          BIT(14)
#define IRTE0_PDAL         BITS(63, 38)
#define IRTE0_RSVD_POST    (BITS(7, 2) | BITS(13, 12) | BITS(37, 24))
#define IRTE1_SID          BITS(15, 0)
#define IRTE1_SQ           BITS(17, 16)
#define IRTE1_SVT          BITS(19, 18)
#define IRTE1_RSVD_REMAP   BITS(63, 20)
#define IRTE1_RSVD_POST    BITS(31, 20)
#define IRTE1_PDAH         BITS(63, 32)
enum { SVT_NONE, SVT_SID, SVT_BUS, SVT_RESERVED };

/* Posted-interrupt descriptor, 512 bits: words 0..3 are PIR, word 4 is control (9.11). */
#define PID4_ON            BIT(0)
#define PID4_SN            BIT(1)
#define PID4_NV            BITS(23, 16)
#define PID4_NDST          BITS(63, 32)
#define PID4_NDST_XAPIC    BITS(47, 40)
#define PID4_RSVD          (BITS(15, 2) | BITS(31, 24))

/* Invalidation descriptors (6.5.2). The type is 3:0 with 11:9 above it. */
#define INV_TYPE           BITS(3, 0)
#define INV_TYPE_HIGH      BITS(11, 9)
#define INV_G              BITS(5, 4)
#define INV_DID            BITS(31, 16)
#define INV_PASID          BITS(51, 32)
#define INV_SID            BITS(47, 32)
#define INV_FM             BITS(49, 48)
#define INV_MIP            BITS(20, 16)
#define INV_PFSID          (BITS(15, 12) | BITS(63, 52))
#define INV_IEC_G          BIT(4)
#define INV_IM             BITS(31, 27)
#define INV_IIDX           BITS(47, 32)
#define INV_IF             BIT(4)
#define INV_SW             BIT(5)
#define INV_FN             BIT(6)
#define INV_PD             BIT(7)
#define INV_DATA           BITS(63, 32)
#define INV1_AM            BITS(5, 0)
#define INV1_IH            BIT(6)
#define INV1_ADDR          BITS(63, 12)
#define INV1_STATUS        BITS(63, 2)
#define INV1_S             BIT(0)
#define INV_P_SID          BITS(31, 16)
#define INV1_P_G           BIT(0)
#define INV1_P_S           BIT(11)
#define INV_RSP_PP         BIT(4)
#define INV_RSP_CODE       BITS(15, 12)
#define INV_RSP_RID        BITS(31, 16)
#define INV1_RSP_LPIG      BIT(2)
#define INV1_RSP_PRGI      BITS(11, 3)

enum mdl_inv_type {
	INV_CONTEXT = 1, INV_IOTLB, INV_DEVTLB, INV_IEC, INV_WAIT, INV_PIOTLB, INV_PASID_CACHE, INV_PDEVTLB,
	INV_RESPONSE, INV_TYPES_N
};

/* Page-request descriptor, 256 bits (7.4.1). */
#define PRQ0_TYPE          BITS(7, 0)
#define PRQ0_PP            BIT(8)
#define PRQ0_RID           BITS(31, 16)
#define PRQ0_PASID         BITS(51, 32)
#define PRQ0_EXR           BIT(52)
#define PRQ0_PMR           BIT(53)
#define PRQ1_RDR           BIT(0)
#define PRQ1_WRR           BIT(1)
#define PRQ1_LPIG          BIT(2)
#define PRQ1_PRGI          BITS(11, 3)
#define PRQ1_ADDR          BITS(63, 12)

/* Fault reasons (7.1.3); the names follow the conditions of the manual. */
enum mdl_fault {
	FR_NONE = 0,
	FR_LRT_2_ABSENT = 0x01, FR_LCT_2_ABSENT = 0x02, FR_LCT_4_INVALID = 0x03, FR_LGN_1_ADDRESS = 0x04,
	FR_LGN_2_WRITE = 0x05, FR_LGN_3_READ = 0x06, FR_LSS_1_FETCH = 0x07, FR_LRT_1_FETCH = 0x08,
	FR_LCT_1_FETCH = 0x09, FR_LRT_3_RESERVED = 0x0A, FR_LCT_3_RESERVED = 0x0B, FR_LSS_2_RESERVED = 0x0C,
	FR_LCT_5_BLOCKED = 0x0D, FR_LGN_4_INTERRUPT = 0x0E,
	FR_IR_REQUEST = 0x20, FR_IR_INDEX = 0x21, FR_IR_ABSENT = 0x22, FR_IR_FETCH = 0x23, FR_IR_RESERVED = 0x24,
	FR_IR_COMPAT = 0x25, FR_IR_SID = 0x26, FR_IR_PD_ACCESS = 0x27, FR_IR_PD_RESERVED = 0x28, FR_IR_RANGE = 0x29,
	FR_RTA_1 = 0x30, FR_RTA_2_PASID = 0x31, FR_RTA_3_PAGE_REQUEST = 0x32, FR_RTA_4_ABORT = 0x33,
	FR_SRT_1_FETCH = 0x38, FR_SRT_2_ABSENT = 0x39, FR_SRT_3_RESERVED = 0x3A,
	FR_SCT_1_FETCH = 0x40, FR_SCT_2_ABSENT = 0x41, FR_SCT_3_RESERVED = 0x42, FR_SCT_4_INVALID = 0x43,
	FR_SCT_5_DTE = 0x44, FR_SCT_6_PASIDE = 0x45, FR_SCT_7_PDTS = 0x46, FR_SCT_8_PRE = 0x47,
	FR_SCT_9_RID_PASID = 0x48,
	FR_SPD_1_FETCH = 0x50, FR_SPD_2_ABSENT = 0x51, FR_SPD_3_RESERVED = 0x52,
	FR_SPT_1_FETCH = 0x58, FR_SPT_2_ABSENT = 0x59, FR_SPT_3_RESERVED = 0x5A, FR_SPT_4_INVALID = 0x5B,
	FR_SPT_5_ERE = 0x5C, FR_SPT_6_SRE = 0x5D,
	FR_SFS_1_FETCH = 0x70, FR_SFS_2_ABSENT = 0x71, FR_SFS_3_RESERVED = 0x72, FR_SFS_4_TOP_FETCH = 0x73,
	FR_SFS_5_LIMIT = 0x74, FR_SFS_6_TOP_READ = 0x75, FR_SFS_7_READ = 0x76, FR_SFS_8_AD_WRITE = 0x77,
	FR_SSS_1_FETCH = 0x78, FR_SSS_2_ABSENT = 0x79, FR_SSS_3_RESERVED = 0x7A, FR_SSS_4_TOP_FETCH = 0x7B,
	FR_SSS_5_NO_SNOOP = 0x7C, FR_SSS_6_UPDATE = 0x7D,
	FR_SGN_1_CANONICAL = 0x80, FR_SGN_2_USER = 0x81, FR_SGN_3_EXECUTE = 0x82, FR_SGN_4_HAW = 0x83,
	FR_SGN_5_LIMIT = 0x84, FR_SGN_6_WRITE = 0x85, FR_SGN_7_READ = 0x86, FR_SGN_8_INTERRUPT = 0x87,
	FR_SFS_9_NO_SNOOP = 0x90, FR_SFS_10_UPDATE = 0x91,
};

#endif
