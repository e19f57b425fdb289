/*
 * Layouts of the tables in memory (AMD IOMMU 2.2): entry types, and their fields as masks with the manual's bit
 * numbers. AMDVI_W(n, hi, lo) is a field of quadword n of an entry, numbered from the start of the entry.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_AMDVI_ENTRY_H
#define PORTCULLIS_DRIVERS_IOMMU_AMDVI_ENTRY_H

#include "kernel/hal.h"

#define AMDVI_W(n, hi, lo) BITS((hi) - 64 * (n), (lo) - 64 * (n))

typedef struct { uint64_t w[4]; } amdvi_dte_t;     /* by device id */
typedef struct { uint64_t w[1]; } amdvi_gcr3_t;    /* by PASID, 512 a table */
typedef struct { uint32_t w[1]; } amdvi_irte32_t;  /* by interrupt index, GAEn = 0 */
typedef struct { uint64_t w[2]; } amdvi_irte128_t; /* GAEn = 1 */

_Static_assert(sizeof(amdvi_dte_t) == 32, "AMD IOMMU 2.2.2");
_Static_assert(sizeof(amdvi_gcr3_t) == 8, "AMD IOMMU 2.2.6");
_Static_assert(sizeof(amdvi_irte32_t) == 4, "AMD IOMMU 2.2.5.1");
_Static_assert(sizeof(amdvi_irte128_t) == 16, "AMD IOMMU 2.2.5.2");

/* Device table entry */
#define DTE_V              AMDVI_W(0, 0, 0)
#define DTE_TV             AMDVI_W(0, 1, 1)
#define DTE_RSVD_2         AMDVI_W(0, 6, 2)
#define DTE_HAD            AMDVI_W(0, 8, 7)
#define DTE_MODE           AMDVI_W(0, 11, 9)
#define DTE_ROOT           AMDVI_W(0, 51, 12)
#define DTE_PPR            AMDVI_W(0, 52, 52)
#define DTE_GPRP           AMDVI_W(0, 53, 53)
#define DTE_GIOV           AMDVI_W(0, 54, 54)
#define DTE_GV             AMDVI_W(0, 55, 55)
#define DTE_GLX            AMDVI_W(0, 57, 56)
#define DTE_GCR3_LO        AMDVI_W(0, 60, 58)    /* of the GCR3 table root: bits 14:12 */
#define DTE_IR             AMDVI_W(0, 61, 61)
#define DTE_IW             AMDVI_W(0, 62, 62)
#define DTE_RSVD_63        AMDVI_W(0, 63, 63)
#define DTE1_DOMAIN_ID     AMDVI_W(1, 79, 64)
#define DTE1_GCR3_MID      AMDVI_W(1, 95, 80)    /* 30:15 */
#define DTE1_I             AMDVI_W(1, 96, 96)
#define DTE1_SE            AMDVI_W(1, 97, 97)
#define DTE1_SA            AMDVI_W(1, 98, 98)
#define DTE1_IO_CTL        AMDVI_W(1, 100, 99)
#define DTE1_CACHE         AMDVI_W(1, 101, 101)
#define DTE1_SD            AMDVI_W(1, 102, 102)
#define DTE1_EX            AMDVI_W(1, 103, 103)
#define DTE1_SYS_MGT       AMDVI_W(1, 105, 104)
#define DTE1_GCR3_HI       AMDVI_W(1, 127, 107)  /* 51:31 */
#define DTE2_IV            AMDVI_W(2, 128, 128)
#define DTE2_INT_TAB_LEN   AMDVI_W(2, 132, 129)
#define DTE2_IG            AMDVI_W(2, 133, 133)
#define DTE2_INT_TAB_ROOT  AMDVI_W(2, 179, 134)  /* bits 51:6, in place */
#define DTE2_RSVD_180      AMDVI_W(2, 181, 180)
#define DTE2_GUEST_PAGING  AMDVI_W(2, 183, 182)
#define DTE2_INIT_PASS     AMDVI_W(2, 184, 184)
#define DTE2_EINT_PASS     AMDVI_W(2, 185, 185)
#define DTE2_NMI_PASS      AMDVI_W(2, 186, 186)
#define DTE2_INT_CTL       AMDVI_W(2, 189, 188)
#define DTE2_LINT0_PASS    AMDVI_W(2, 190, 190)
#define DTE2_LINT1_PASS    AMDVI_W(2, 191, 191)
#define DTE3_RSVD_192      AMDVI_W(3, 206, 192)
#define DTE3_RSVD_240      AMDVI_W(3, 245, 240)
#define DTE3_ATTR_V        AMDVI_W(3, 246, 246)

/* DTE.HAD, IO_CTL, SYS_MGT, INT_CTL */
enum amdvi_had { HAD_NONE = 0, HAD_A = 1, HAD_RESERVED = 2, HAD_AD = 3 };
enum amdvi_io_ctl { IO_CTL_ABORT = 0, IO_CTL_FORWARD = 1, IO_CTL_TRANSLATE = 2, IO_CTL_RESERVED = 3 };
enum amdvi_sys_mgt { SYS_MGT_ABORT = 0, SYS_MGT_FORWARD = 1, SYS_MGT_INTX = 2, SYS_MGT_TRANSLATE = 3 };
enum amdvi_int_ctl { INT_CTL_ABORT = 0, INT_CTL_FORWARD = 1, INT_CTL_REMAP = 2, INT_CTL_RESERVED = 3 };

#define DTE_MODE_RESERVED  7u
#define INT_TAB_LEN_MAX    11u /* 2^11 entries; units without the 2K mode use up to 2^9 */
#define INT_TAB_ALIGN      128u
#define DEVICE_IDS         65536u

/* Host (v1) page table entry */
#define V1_PR              BIT(0)
#define V1_IGNORED_1       BITS(4, 1)
#define V1_A               BIT(5)
#define V1_D               BIT(6)
#define V1_IGNORED_7       BITS(8, 7)
#define V1_NEXT_LEVEL      BITS(11, 9)
#define V1_ADDR            BITS(51, 12)
#define V1_RSVD_LEAF       BITS(58, 52)
#define V1_RSVD_DIR        BITS(60, 52)
#define V1_U               BIT(59)
#define V1_FC              BIT(60)
#define V1_IR              BIT(61)
#define V1_IW              BIT(62)
#define V1_IGNORED_63      BIT(63)

/* V1_NEXT_LEVEL of a leaf: of its level's size, or with the size coded in the address. */
#define NEXT_LEVEL_LEAF    0u
#define NEXT_LEVEL_SIZED   7u

/* GCR3 table entry */
#define GCR3_V             BIT(0)
#define GCR3_ADDR          BITS(51, 12)

/* The PASID split into the indexes of GCR3 tables. */
#define GCR3_INDEX_1       BITS(8, 0)
#define GCR3_INDEX_2       BITS(17, 9)
#define GCR3_INDEX_3       BITS(19, 18)

/* Guest (v2) page table entry: the x86-64 format */
#define V2_P               BIT(0)
#define V2_RW              BIT(1)
#define V2_US              BIT(2)
#define V2_A               BIT(5)
#define V2_D               BIT(6)
#define V2_PS              BIT(7)
#define V2_ADDR            BITS(51, 12)
#define V2_NX              BIT(63)

/* 32-bit interrupt remapping entry */
#define IRTE32_REMAP_EN    BIT(0)
#define IRTE32_SUP_IOPF    BIT(1)
#define IRTE32_INT_TYPE    BITS(4, 2)
#define IRTE32_RQ_EOI      BIT(5)
#define IRTE32_DM          BIT(6)
#define IRTE32_GUEST_MODE  BIT(7)
#define IRTE32_DEST        BITS(15, 8)
#define IRTE32_VECTOR      BITS(23, 16)
#define IRTE32_RSVD_24     BITS(31, 24)

/* 128-bit interrupt remapping entry, guest mode 0 */
#define IRTE128_REMAP_EN     AMDVI_W(0, 0, 0)
#define IRTE128_SUP_IOPF     AMDVI_W(0, 1, 1)
#define IRTE128_INT_TYPE     AMDVI_W(0, 4, 2)
#define IRTE128_RQ_EOI       AMDVI_W(0, 5, 5)
#define IRTE128_DM           AMDVI_W(0, 6, 6)
#define IRTE128_GUEST_MODE   AMDVI_W(0, 7, 7)
#define IRTE128_DEST_LO      AMDVI_W(0, 31, 8)   /* XTEn = 1; else only 15:8 */
#define IRTE128_1_VECTOR       AMDVI_W(1, 71, 64)
#define IRTE128_1_DEST_HI      AMDVI_W(1, 127, 120)

/* IRTE.INT_TYPE, and the delivery mode of a message */
enum amdvi_int_type {
	INT_TYPE_FIXED = 0, INT_TYPE_ARBITRATED = 1, INT_TYPE_SMI = 2, INT_TYPE_NMI = 4, INT_TYPE_INIT = 5,
	INT_TYPE_EXTINT = 7,
};

#endif
