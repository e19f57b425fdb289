/*
 * Engine: Intel 82574, the oldest of the family that QEMU calls e1000e. Descriptors are those of its forebears.
 *
 * The controllers of a chipset (I217 and on) share their port with its management engine, and are left alone.
 */
#include "drivers-pci/engines/nic.h"

#define RX_QUEUE      0x2800u
#define TX_QUEUE      0x3800u

#define TX_LENGTH     BITS(15, 0)
#define TX_EOP        BIT(24)
#define TX_IFCS       BIT(25)
#define TX_RS         BIT(27)
#define RX_DD         BIT(32)
#define RX_EOP        BIT(33)

static uint64_t tx_rest(uint32_t bytes, uint32_t frame_bytes, bool last)
{
	(void)frame_bytes;
	return fld_set(TX_LENGTH, 0, bytes) | TX_IFCS | TX_RS | (last ? TX_EOP : 0);
}

static const uint16_t ids[] = { 0x10d3, 0x10f6 };
static const struct nic_kind kind = {
	.ids = ids, .ids_n = ARRAY_LEN(ids), .rx = RX_QUEUE, .tx = TX_QUEUE, .rx_done = RX_DD,
	.rx_end = RX_EOP, .align_bytes = 1, .tx_rest = tx_rest,
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

static const struct engine_ops e1000e_ops = {
	.name = "e1000e",
	.knows = knows,
	.probe = probe,
	.write = nic_write,
	.read = nic_read,
	.reset = nic_reset,
	.alive = nic_alive,
	.quiesce = nic_quiesce,
};

ENGINE(e1000e_ops, 15);
