/*
 * Engine: Intel 82576 and those after it that Linux's igb drives (I350, I210, I211). Queues have registers of their
 * own, and descriptors are the advanced ones.
 */
#include "drivers-pci/engines/nic.h"

#define RX_QUEUE      0xc000u
#define TX_QUEUE      0xe000u

#define IGB_STATUS    ((reg32_t){ 0x0008 })
#define   STATUS_LINK    BIT(1)
#define IGB_MDIC      ((reg32_t){ 0x0020 })
#define   MDIC_DATA      BITS(15, 0)
#define   MDIC_PHY_1     FLD(BITS(25, 21), 1)
#define   MDIC_WRITE     FLD(BITS(27, 26), 1) /* of register 0, control */
#define     PHY_NEGOTIATE  0x1200u              /* automatically, anew */
#define IGB_EIMC      ((reg32_t){ 0x1528 })
#define IGB_RLPML     ((reg32_t){ 0x5004 }) /* longest frame */
#define   FRAME_MAX      0x2400u
#define IGB_SRRCTL    ((reg32_t){ RX_QUEUE + 0x0c })
#define   SRRCTL_KIB     BITS(6, 0)
#define   SRRCTL_ONE     BIT(25)            /* advanced descriptors with one buffer */
#define IGB_RXDCTL    ((reg32_t){ RX_QUEUE + 0x28 })
#define IGB_TXDCTL    ((reg32_t){ TX_QUEUE + 0x28 })
#define   DCTL_ON        BIT(25)

#define TX_LENGTH     BITS(15, 0)
#define TX_DATA       FLD(BITS(23, 20), 3)
#define TX_EOP        BIT(24)
#define TX_IFCS       BIT(25)
#define TX_RS         BIT(27)
#define TX_ADVANCED   BIT(29)
#define TX_PAYLOAD    BITS(63, 46)
#define RX_DD         BIT(0)
#define RX_EOP        BIT(1)

#define LINK_US       5000000

static uint64_t tx_rest(uint32_t bytes, uint32_t frame_bytes, bool last)
{
	return fld_set(TX_PAYLOAD, fld_set(TX_LENGTH, 0, bytes), frame_bytes) | TX_DATA | TX_IFCS | TX_RS | TX_ADVANCED |
	       (last ? TX_EOP : 0);
}

/*
 * The receiver waits for a link even where frames go round inside: negotiated at power-on, which has happened on a real
 * machine with a cable. This lasts until the next reset.
 */
static enum status link_up(const mmio_t *regs)
{
	deadline_t end = deadline_in_us(LINK_US);

	if (mmio_rd(regs, IGB_STATUS) & STATUS_LINK)
		return OK;
	mmio_wr(regs, IGB_MDIC, (uint32_t)(FLD(MDIC_DATA, PHY_NEGOTIATE) | MDIC_PHY_1 | MDIC_WRITE));
	while (!(mmio_rd(regs, IGB_STATUS) & STATUS_LINK))
		if (deadline_over(&end))
			return ERR_TIMEOUT;
	return OK;
}

static void stop(const mmio_t *regs)
{
	mmio_wr(regs, IGB_RXDCTL, 0u);
	mmio_wr(regs, IGB_TXDCTL, 0u);
}

static void start(const mmio_t *regs)
{
	mmio_wr(regs, IGB_EIMC, UINT32_MAX);
	mmio_wr(regs, IGB_RLPML, FRAME_MAX);
	mmio_wr(regs, IGB_SRRCTL, (uint32_t)(FLD(SRRCTL_KIB, NIC_BUFFER_BYTES / 1024) | SRRCTL_ONE));
	mmio_wr(regs, IGB_RXDCTL, (uint32_t)DCTL_ON);
	mmio_wr(regs, IGB_TXDCTL, (uint32_t)DCTL_ON);
}

static const uint16_t ids[] = {
	0x10c9, 0x10e6, 0x10e7, 0x1526,         /* 82576 */
	0x1521, 0x1522, 0x1533, 0x1536, 0x1539, /* I350, I210, I211 */
};
static const struct nic_kind kind = {
	.ids = ids, .ids_n = ARRAY_LEN(ids), .rx = RX_QUEUE, .tx = TX_QUEUE, .rx_done = RX_DD,
	.rx_end = RX_EOP, .align_bytes = 2, .tx_rest = tx_rest, .stop = stop,
	.link = link_up, .start = start,
};

static bool knows(const struct pci_dev *dev)
{
	return nic_knows(dev, &kind);
}

static enum status probe(struct pci_dev *dev, struct engine *e)
{
	(void)dev;
	return nic_probe(e, &kind);
}

static const struct engine_ops igb_ops = {
	.name = "igb",
	.knows = knows,
	.probe = probe,
	.write = nic_write,
	.read = nic_read,
	.reset = nic_reset,
	.alive = nic_alive,
	.quiesce = nic_quiesce,
};

ENGINE(igb_ops, 16);
