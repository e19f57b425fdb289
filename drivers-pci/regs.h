/*
 * PCI configuration space: offsets and fields (PCI Local Bus 3.0 chapter 6, PCI-to-PCI Bridge 1.2 chapter 3, PCI
 * Express Base 4.0 chapter 7).
 */
#ifndef PORTCULLIS_DRIVERS_PCI_REGS_H
#define PORTCULLIS_DRIVERS_PCI_REGS_H

#include "kernel/bits.h"

#define PCI_CFG_BYTES     256u
#define PCI_EXT_CFG_BYTES 4096u

#define PCI_VENDOR        0x00u
#define PCI_DEVICE        0x02u
#define PCI_COMMAND       0x04u
#define   COMMAND_IO         BIT(0)
#define   COMMAND_MEMORY     BIT(1)
#define   COMMAND_MASTER     BIT(2)
#define   COMMAND_INTX_OFF   BIT(10)
#define PCI_STATUS        0x06u
#define   STATUS_CAPS        BIT(4)
#define PCI_CLASS_REV     0x08u
#define   CLASS_REV_CLASS    BITS(31, 8)
#define PCI_HEADER        0x0eu
#define   HEADER_LAYOUT      BITS(6, 0)
#define   HEADER_MULTI       BIT(7)
#define PCI_BAR0          0x10u
#define   BAR_IO             BIT(0)
#define   BAR_TYPE           BITS(2, 1)
#define     BAR_TYPE_64         2
#define   BAR_PREFETCH       BIT(3)
#define   BAR_MEM_BASE       BITS(31, 4)
#define   BAR_IO_BASE        BITS(31, 2)
#define PCI_CAP_PTR       0x34u
#define PCI_INT_LINE      0x3cu

/* Type 1 headers. */
#define PCI_BUS_PRIMARY   0x18u
#define PCI_BUS_SECONDARY 0x19u
#define PCI_BUS_SUBORD    0x1au
#define PCI_MEM_BASE      0x20u
#define PCI_MEM_LIMIT     0x22u
#define   MEM_WINDOW         BITS(15, 4)   /* address bits 31:20 */
#define PCI_PREF_BASE     0x24u
#define PCI_PREF_LIMIT    0x26u
#define   PREF_IS_64         BIT(0)
#define PCI_PREF_BASE_HI  0x28u
#define PCI_PREF_LIMIT_HI 0x2cu
#define BRIDGE_WINDOW_BYTES 0x100000u

#define CLASS_HOST_BRIDGE 0x0600u          /* base class and subclass */
#define CLASS_IOMMU       0x0806u

/* Capability headers. */
#define   CAP_ID             BITS(7, 0)
#define   CAP_NEXT           BITS(15, 8)
#define PCI_EXT_CAPS      0x100u
#define   EXT_CAP_ID         BITS(15, 0)
#define   EXT_CAP_NEXT       BITS(31, 20)

#define CAP_ID_MSI        0x05
#define CAP_ID_PCIE       0x10
#define CAP_ID_MSIX       0x11
#define CAP_ID_AF         0x13

/* PCI Express capability, offsets from its start. */
#define PCIE_FLAGS        0x02u
#define   PCIE_FLAGS_VERSION BITS(3, 0)
#define   PCIE_FLAGS_TYPE    BITS(7, 4)
#define     PCIE_TYPE_ENDPOINT    0
#define     PCIE_TYPE_ROOT_PORT   4
#define     PCIE_TYPE_UPSTREAM    5
#define     PCIE_TYPE_DOWNSTREAM  6
#define     PCIE_TYPE_TO_PCI      7
#define PCIE_DEVCAP       0x04u
#define   DEVCAP_FLR         BIT(28)
#define PCIE_DEVCTL       0x08u
#define   DEVCTL_FLR         BIT(15)
#define PCIE_DEVSTA       0x0au
#define   DEVSTA_PENDING     BIT(5)

#define PCIE_LNKCTL       0x10u
#define PCIE_DEVCTL2      0x28u            /* from version 2 of the capability on */

/* Advanced Features capability (conventional PCI). */
#define AF_CAP            0x03u
#define   AF_CAP_FLR         BIT(1)
#define AF_CTL            0x04u
#define   AF_CTL_FLR         BIT(0)
#define AF_STA            0x05u
#define   AF_STA_PENDING     BIT(0)

/* MSI capability. */
#define MSI_CTL           0x02u
#define   MSI_CTL_ENABLE     BIT(0)
#define   MSI_CTL_VECTORS    BITS(6, 4)
#define   MSI_CTL_64         BIT(7)
#define   MSI_CTL_MASKS      BIT(8)
#define MSI_ADDR          0x04u
#define MSI_ADDR_HI       0x08u            /* only where MSI_CTL_64 */
#define MSI_DATA_32       0x08u
#define MSI_DATA_64       0x0cu
#define MSI_MASK_32       0x0cu
#define MSI_MASK_64       0x10u

/* MSI-X capability and table entry. */
#define MSIX_CTL          0x02u
#define   MSIX_CTL_MASK_ALL  BIT(14)
#define   MSIX_CTL_ENABLE    BIT(15)
#define MSIX_TABLE        0x04u
#define MSIX_PBA          0x08u
#define   MSIX_PBA_ENTRY_0   BIT(0)
#define   MSIX_BIR           BITS(2, 0)
#define   MSIX_OFFSET        BITS(31, 3)
#define MSIX_ENTRY_BYTES  16u
#define   MSIX_ENTRY_MASKED  BIT(0)

#endif
