/*
 * AMD-Vi structures in memory, as the model reads and writes them (AMD IOMMU specification 48882, chapters 2.2, 2.4, 2.5
 * and 2.6). Bits are numbered inside each 64-bit word; the number in a name is that of the word.
 */
#ifndef PORTCULLIS_MODEL_AMDVI_TABLES_H
#define PORTCULLIS_MODEL_AMDVI_TABLES_H

#include "kernel/bits.h"

/* Device table entry, four words (2.2.2). */
#define DTE0_V            BIT(0)
#define DTE0_TV           BIT(1)
#define DTE0_RSVD         (BITS(6, 2) | BIT(63))
#define DTE0_HAD          BITS(8, 7)
#define DTE0_MODE         BITS(11, 9)
#define DTE0_ROOT         BITS(51, 12)
#define DTE0_PPR          BIT(52)
#define DTE0_GPRP         BIT(53)
#define DTE0_GIOV         BIT(54)
#define DTE0_GV           BIT(55)
#define DTE0_GLX          BITS(57, 56)
#define DTE0_GCR3_LOW     BITS(60, 58)
#define DTE0_IR           BIT(61)
#define DTE0_IW           BIT(62)
#define DTE1_DOMAIN       BITS(15, 0)
#define DTE1_GCR3_MIDDLE  BITS(31, 16)
#define DTE1_I            BIT(32)
#define DTE1_SE           BIT(33)
#define DTE1_SA           BIT(34)
#define DTE1_IOCTL        BITS(36, 35)
#define DTE1_CACHE        BIT(37)
#define DTE1_SD           BIT(38)
#define DTE1_EX           BIT(39)
#define DTE1_SYSMGT       BITS(41, 40)
#define DTE1_RSVD         BIT(42)
#define DTE1_GCR3_HIGH    BITS(63, 43)
#define DTE2_IV           BIT(0)
#define DTE2_INT_LEN      BITS(4, 1)
#define DTE2_IG           BIT(5)
#define DTE2_INT_ROOT     BITS(51, 6)
#define DTE2_RSVD         BITS(53, 52)
#define DTE2_GUEST_MODE   BITS(55, 54)
#define DTE2_INIT_PASS    BIT(56)
#define DTE2_EINT_PASS    BIT(57)
#define DTE2_NMI_PASS     BIT(58)
#define DTE2_INT_CTL      BITS(61, 60)
#define DTE3_RSVD         (BITS(14, 0) | BITS(53, 48))
#define DTE3_VIOMMU       BITS(47, 15)
#define DTE3_ATTR         BITS(63, 54)

enum { IOCTL_ABORT, IOCTL_FORWARD, IOCTL_TRANSLATE, IOCTL_RESERVED };
enum { SYSMGT_ABORT, SYSMGT_FORWARD, SYSMGT_INTX, SYSMGT_TRANSLATE };
enum { HAD_NONE, HAD_A, HAD_RESERVED, HAD_AD };
enum { INTCTL_ABORT, INTCTL_FORWARD, INTCTL_REMAP, INTCTL_RESERVED };

/* Host (v1) entries (2.2.3). */
#define PT_PR             BIT(0)
#define PT_A              BIT(5)
#define PT_D              BIT(6)
#define PT_NEXT           BITS(11, 9)
#define PT_ADDR           BITS(51, 12)
#define PT_LEAF_RSVD      BITS(58, 52)
#define PT_TABLE_RSVD     BITS(60, 52)
#define PT_U              BIT(59)
#define PT_FC             BIT(60)
#define PT_IR             BIT(61)
#define PT_IW             BIT(62)

/* GCR3 entries (2.2.6). */
#define GCR3_V            BIT(0)
#define GCR3_RSVD         (BITS(2, 1) | BITS(11, 5) | BITS(63, 52))
#define GCR3_ADDR         BITS(51, 12)

/* Guest (v2) entries. */
#define GT_P              BIT(0)
#define GT_W              BIT(1)
#define GT_U              BIT(2)
#define GT_A              BIT(5)
#define GT_D              BIT(6)
#define GT_PS             BIT(7)
#define GT_G              BIT(8)
#define GT_ADDR           BITS(51, 12)
#define GT_NX             BIT(63)

/* Interrupt remapping entries: 32 bits, and 128 bits in two words (2.2.5). */
#define IRTE_REMAP        BIT(0)
#define IRTE_SUP          BIT(1)
#define IRTE_TYPE         BITS(4, 2)
#define IRTE_DM           BIT(6)
#define IRTE_GUEST        BIT(7)
#define IRTE32_DEST       BITS(15, 8)
#define IRTE32_VECTOR     BITS(23, 16)
#define IRTE32_RSVD       BITS(31, 24)
#define IRTE0_GALOG       BIT(2)
#define IRTE0_GUEST_RSVD  (BITS(5, 4))
#define IRTE0_IS_RUN      BIT(6)
#define IRTE0_DEST_8      BITS(15, 8)
#define IRTE0_DEST_24     BITS(31, 8)
#define IRTE0_RSVD_XAPIC  BITS(31, 16)
#define IRTE0_GATAG       BITS(63, 32)
#define IRTE0_RSVD        BITS(63, 32)
#define IRTE1_VECTOR      BITS(7, 0)
#define IRTE1_APIC_PAGE   BITS(51, 12)
#define IRTE1_DEST_HIGH   BITS(63, 56)
#define IRTE1_RSVD        BITS(55, 8)
#define IRTE1_RSVD_XAPIC  BITS(63, 8)
#define IRTE1_RSVD_GUEST  (BITS(11, 8) | BITS(55, 52))

/* Commands (2.4). */
#define CMD_OP            BITS(63, 60)
enum {
	CMD_COMPLETION_WAIT = 1, CMD_INV_DEVTAB, CMD_INV_PAGES, CMD_INV_IOTLB, CMD_INV_INT, CMD_PREFETCH, CMD_COMPLETE_PPR,
	CMD_INV_ALL,
};
#define CMD0_S            BIT(0)
#define CMD0_I            BIT(1)
#define CMD0_F            BIT(2)
#define CMD0_STORE        BITS(51, 3)
#define CMD0_DEVICE       BITS(15, 0)
#define CMD0_PAGES_PASID  BITS(19, 0)
#define CMD0_DOMAIN       BITS(47, 32)
#define CMD0_TLB_PASID_15 BITS(23, 16)
#define CMD0_MAXPEND      BITS(31, 24)
#define CMD0_QUEUE        BITS(47, 32)
#define CMD0_TLB_PASID_7  BITS(55, 48)
#define CMD0_TLB_PASID_19 BITS(59, 56)
#define CMD0_PASID        BITS(51, 32)
#define CMD1_S            BIT(0)
#define CMD1_PDE          BIT(1)
#define CMD1_GN           BIT(2)
#define CMD1_INVAL        BIT(4)
#define CMD1_TYPE         BITS(5, 4)
#define CMD1_ADDR         BITS(63, 12)
#define CMD1_TAG          BITS(40, 32)
#define CMD1_CODE         BITS(47, 44)

/* Event log entries (2.5). */
#define EVT_CODE          BITS(63, 60)
#define EVT_DEVICE        BITS(15, 0)
#define EVT_PASID_HIGH    BITS(19, 16)
#define EVT_DOMAIN        BITS(47, 32)
#define EVT_GN            BIT(48)
#define EVT_NX            BIT(49)
#define EVT_US            BIT(50)
#define EVT_I             BIT(51)
#define EVT_PR            BIT(52)
#define EVT_RW            BIT(53)
#define EVT_PE            BIT(54)
#define EVT_RZ            BIT(55)
#define EVT_TR            BIT(56)
#define EVT_TYPE          BITS(58, 57)
#define EVT_INV_TYPE      BITS(59, 57)
enum {
	EVT_ILLEGAL_DTE = 1, EVT_PAGE_FAULT, EVT_DEVTAB_HW, EVT_PAGETAB_HW, EVT_ILLEGAL_COMMAND, EVT_COMMAND_HW,
	EVT_IOTLB_TIMEOUT, EVT_INVALID_REQUEST, EVT_INVALID_PPR,
};
#define EVT_MASTER_ABORT  1u
/* INVALID_PPR_REQUEST and PPR log entries have the PASID elsewhere. */
#define EVTP_PASID        BITS(31, 16)
#define EVTP_TAG          BITS(41, 32)
#define EVTP_PASID_HIGH   BITS(45, 42)
#define EVTP_GN           BIT(57)

/* PPR log entry (2.6). */
#define PPR_LAST          BIT(41)
#define PPR_X             BIT(49)
#define PPR_R             BIT(50)
#define PPR_W             BIT(53)
#define PPR_US            BIT(54)
#define PPR_GN            BIT(56)
#define PPR_ADDR          BITS(63, 12)

/* GA log entry (2.7). */
#define GAL_TAG           BITS(31, 0)
#define GAL_DEVICE        BITS(47, 32)

/* Why a request is refused: an event with its flags, each by one line of the table in event.c. */
enum mdl_amd_fault {
	FR_NONE,
	FR_SILENT,            /* refused, and nothing is logged */
	/* 4.2 */
	FR_ID_OUTSIDE, FR_DTE_FETCH, FR_DTE_RESERVED, FR_DTE_ENCODING, FR_DTE_ENCODING_PAGE, FR_DTE_NO_TV,
	FR_DTE_PERMISSION, FR_NO_GUEST, FR_REACH, FR_REACH_PRESENT,
	/* 4.3 */
	FR_PT_FETCH, FR_PT_ABSENT, FR_PT_LEVEL, FR_PT_RESERVED, FR_PT_PERMISSION, FR_PT_SIZE, FR_PT_SKIP, FR_PT_SKIP_ABSENT,
	/* 4.4 */
	FR_GT_PASID, FR_GT_FETCH, FR_GT_GCR3_ABSENT, FR_GT_GCR3_RESERVED, FR_GT_CANONICAL, FR_GT_ABSENT, FR_GT_RESERVED,
	FR_GT_PERMISSION,
	/* INVALID_DEVICE_REQUEST, in the order of its types */
	FR_INV_INT_READ, FR_INV_TRANSLATED, FR_INV_PORT, FR_INV_SYSMGT_POSTED, FR_INV_SYSMGT_READ, FR_INV_INTCTL,
	FR_INV_INT_WRITE, FR_INV_SPECIAL,
	/* 4.7 */
	FR_IR_DTE_RESERVED, FR_IR_INTCTL, FR_IR_LENGTH, FR_IR_PASID, FR_IR_INDEX, FR_IR_FETCH, FR_IR_ABSENT, FR_IR_RESERVED,
	FR_IR_BLOCKED,
	FR_N
};

#endif
