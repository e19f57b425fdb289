/*
 * USB host controllers: registers and ring entries (xHCI 1.2, chapters 5 and 6), as far as the engine uses them.
 */
#ifndef PORTCULLIS_DRIVERS_PCI_ENGINES_XHCI_REGS_H
#define PORTCULLIS_DRIVERS_PCI_ENGINES_XHCI_REGS_H

#include "kernel/hal.h"

#define XHCI_CLASS      0x0c0330u
#define XHCI_REGS_BYTES 0x40u

#define XHCI_CAPLENGTH  ((reg8_t){ 0x00 })
#define XHCI_HCSPARAMS1 ((reg32_t){ 0x04 })
#define   HCS1_PORTS       BITS(31, 24)
#define XHCI_HCSPARAMS2 ((reg32_t){ 0x08 })
#define   HCS2_SCRATCH_HI  BITS(25, 21)
#define   HCS2_SCRATCH_LO  BITS(31, 27)
#define XHCI_HCCPARAMS1 ((reg32_t){ 0x10 })
#define   HCC1_AC64        BIT(0)
#define   HCC1_XECP        BITS(31, 16) /* in doublewords */
#define XHCI_DBOFF      ((reg32_t){ 0x14 })
#define XHCI_RTSOFF     ((reg32_t){ 0x18 })

/* Operational registers. */
#define OP_USBCMD       0x00u
#define   CMD_RUN          BIT(0)
#define   CMD_RESET        BIT(1)
#define OP_USBSTS       0x04u
#define   STS_HALTED       BIT(0)
#define   STS_HSE          BIT(2)
#define   STS_EINT         BIT(3)
#define   STS_PCD          BIT(4)
#define   STS_NOT_READY    BIT(11)
#define   STS_HCE          BIT(12)
#define   STS_W1C          (BIT(2) | BIT(3) | BIT(4))
#define OP_PAGESIZE     0x08u
#define   PAGESIZE_4K      BIT(0)
#define OP_CRCR         0x18u
#define   CRCR_CYCLE       BIT(0)
#define OP_DCBAAP       0x30u
#define OP_CONFIG       0x38u
#define OP_PORTSC       0x400u
#define   PORT_STEP        0x10u
#define   PORTSC_CONNECTED BIT(0)

/* Interrupter 0, from the runtime registers on. */
#define RT_IMAN         0x20u
#define   IMAN_PENDING     BIT(0)
#define RT_IMOD         0x24u
#define RT_ERSTSZ       0x28u
#define RT_ERSTBA       0x30u
#define RT_ERDP         0x38u
#define   ERDP_BUSY        BIT(3)

/* The capability by which firmware keeps a controller for its keyboard driver. */
#define XCAP_ID         BITS(7, 0)
#define   XCAP_LEGACY      1
#define XCAP_NEXT       BITS(15, 8)
#define XCAPS_MAX       64u
#define   LEGACY_FIRMWARE  BIT(16)
#define   LEGACY_SYSTEM    BIT(24)

#define TRB_CYCLE       BIT(0)
#define TRB_TYPE        BITS(15, 10)
#define   TRB_NO_OP        23
#define   TRB_COMPLETION   33
#define EVENT_CODE      BITS(31, 24)
#define   CODE_SUCCESS     1

#endif
