/*
 * Engine: a SATA disk behind an AHCI controller (AHCI 1.3.1), polled.
 *
 * The one command is IDENTIFY DEVICE, which reads 512 bytes about the disk and touches nothing on it. A part of them
 * goes to the iova, the rest to own memory, by a table of up to two places: the device writes any even number of bytes
 * at any even address, of a content that is known beforehand. No command that brings data to the disk leaves it as it
 * was, so there is no read.
 *
 * Controllers fetch the command from own memory; what keeps them from that shows by nothing but a command that is never
 * begun (QEMU) or a host bus error.
 */
#include "drivers-pci/engine.h"

#define AHCI_CLASS      0x010601u
#define AHCI_BAR        5
#define AHCI_REGS_BYTES 0x180u

#define AHCI_CAP        ((reg32_t){ 0x00 })
#define   CAP_S64A         BIT(31)
#define AHCI_GHC        ((reg32_t){ 0x04 })
#define   GHC_IE           BIT(1)
#define   GHC_AE           BIT(31)
#define AHCI_PI         ((reg32_t){ 0x0c })

/* Registers of a port, at 0x100 and every 0x80 bytes. */
#define PORTS           32u
#define PORT(n, off)    ((reg32_t){ 0x100 + 0x80 * (n) + (off) })
#define PORT_W1C(n, off) ((regw1c32_t){ 0x100 + 0x80 * (n) + (off) })
#define PX_CLB          0x00u
#define PX_CLBU         0x04u
#define PX_FB           0x08u
#define PX_FBU          0x0cu
#define PX_IS           0x10u
#define   IS_BUS_ERRORS    (BIT(29) | BIT(28)) /* HBFS, HBDS */
#define   IS_ERRORS        (BIT(30) | BIT(27)) /* TFES, IFS */
#define PX_IE           0x14u
#define PX_CMD          0x18u
#define   CMD_ST           BIT(0)
#define   CMD_SUD          BIT(1)
#define   CMD_POD          BIT(2)
#define   CMD_FRE          BIT(4)
#define   CMD_FR           BIT(14)
#define   CMD_CR           BIT(15)
#define PX_TFD          0x20u
#define   TFD_DRQ          BIT(3)
#define   TFD_BSY          BIT(7)
#define PX_SIG          0x24u
#define   SIG_DISK         0x00000101u
#define PX_SSTS         0x28u
#define   SSTS_DET         BITS(3, 0)
#define     DET_PRESENT       3
#define PX_SERR         0x30u
#define PX_CI           0x38u

/* Structures in own memory. */
#define OWN_LIST        0x000u /* command headers of 32 bytes, one is used */
#define OWN_FIS         0x400u /* what the disk sends */
#define OWN_TABLE       0x500u /* the command, and at 80h the places of its data */
#define OWN_DATA        0x800u
#define OWN_BYTES       0x1000u
#define   HEADER_CFL       BITS(4, 0)
#define   HEADER_PRDTL     BITS(31, 16)
#define   TABLE_PLACES     0x80u
#define   PLACE_WORDS      4u

#define FIS_TO_DEVICE   0x27u
#define FIS_COMMAND     BIT(15)
#define FIS_CODE        BITS(23, 16)
#define ATA_IDENTIFY    0xecu
#define IDENTIFY_BYTES  512u

#define BEGIN_US        100000  /* for a controller to fetch a command and send it */
#define END_US          5000000 /* for a disk to answer, spinning up included */
#define STOP_US         1000000 /* AHCI 10.1.2: half a second each */

struct ahci {
	mmio_t regs;
	unsigned port;
	bool sound;                      /* the last command came to its end */
	uint8_t answer[IDENTIFY_BYTES];
};

static void put(const struct engine *e, uint32_t off, const uint32_t *words, unsigned n)
{
	uint32_t *p = mem_ptr(pa_add(e->own[0].pa, off), n * sizeof(*words));

	for (unsigned i = 0; i < n; i++)
		p[i] = words[i];
}

/* Waits until bits of a register of the port are all clear. */
static enum status wait_clear(const struct ahci *a, uint32_t off, uint32_t bits, uint64_t us)
{
	deadline_t end = deadline_in_us(us);

	for (;;) {
		bool over = deadline_over(&end);

		if (!(mmio_rd(&a->regs, PORT(a->port, off)) & bits))
			return OK;
		if (over)
			return ERR_TIMEOUT;
	}
}

static void command_bits(const struct ahci *a, uint32_t on, uint32_t off)
{
	mmio_wr(&a->regs, PORT(a->port, PX_CMD), (mmio_rd(&a->regs, PORT(a->port, PX_CMD)) & ~off) | on);
}

/* Neither commands nor answers move any more. ERR_TIMEOUT. */
static enum status port_stop(struct ahci *a)
{
	enum status s, s_fis;

	a->sound = false;
	command_bits(a, 0, (uint32_t)CMD_ST);
	s = wait_clear(a, PX_CMD, (uint32_t)CMD_CR, STOP_US);
	command_bits(a, 0, (uint32_t)CMD_FRE);
	s_fis = wait_clear(a, PX_CMD, (uint32_t)CMD_FR, STOP_US);
	return s ? s : s_fis;
}

static void address(const struct ahci *a, uint32_t off, uint64_t v)
{
	mmio_wr(&a->regs, PORT(a->port, off), (uint32_t)fld_get(BITS(31, 0), v));
	mmio_wr(&a->regs, PORT(a->port, off + 4), (uint32_t)fld_get(BITS(63, 32), v));
}

/* Starts the port with its structures in own memory. ERR_NOT_FOUND: no disk on it. ERR_TIMEOUT. */
static enum status port_start(struct engine *e)
{
	struct ahci *a = e->priv;
	enum status s = port_stop(a);

	if (s)
		return s;
	address(a, PX_CLB, e->own[0].pa.v + OWN_LIST);
	address(a, PX_FB, e->own[0].pa.v + OWN_FIS);
	mmio_wr(&a->regs, PORT(a->port, PX_IE), 0u);
	mmio_ack(&a->regs, PORT_W1C(a->port, PX_SERR), UINT32_MAX);
	mmio_ack(&a->regs, PORT_W1C(a->port, PX_IS), UINT32_MAX);
	command_bits(a, (uint32_t)(CMD_FRE | CMD_SUD | CMD_POD), 0);
	s = wait_clear(a, PX_TFD, (uint32_t)(TFD_BSY | TFD_DRQ), END_US);
	if (s)
		return s;
	if (mmio_rd(&a->regs, PORT(a->port, PX_SIG)) != SIG_DISK)
		return ERR_NOT_FOUND;
	command_bits(a, (uint32_t)CMD_ST, 0);
	return OK;
}

/* Waits for the end of the command. *refused: the controller says that the bus did. ERR_TIMEOUT, ERR_IO. */
static enum status wait_end(struct ahci *a, bool *refused)
{
	deadline_t begin = deadline_in_us(BEGIN_US), end = deadline_in_us(END_US);

	for (;;) {
		uint32_t is = mmio_rdw1c32(&a->regs, PORT_W1C(a->port, PX_IS));
		bool late = deadline_over(&begin), over = deadline_over(&end);

		*refused = (is & IS_BUS_ERRORS) != 0;
		if (*refused)
			return OK;
		if (is & IS_ERRORS)
			return ERR_IO;
		if (!(mmio_rd(&a->regs, PORT(a->port, PX_CI)) & 1))
			return OK;
		if (over || (late && !(mmio_rd(&a->regs, PORT(a->port, PX_TFD)) & (TFD_BSY | TFD_DRQ))))
			break;
	}
	run_extend_us(time_us() - begin.start_us);
	return ERR_TIMEOUT;
}

/* IDENTIFY DEVICE: bytes of the answer to addr, those behind them to own memory. */
static enum status identify(struct engine *e, uint64_t addr, uint32_t bytes, bool *refused)
{
	struct ahci *a = e->priv;
	const uint64_t own = e->own[0].pa.v, rest = own + OWN_DATA + bytes;
	unsigned places = bytes < IDENTIFY_BYTES ? 2 : 1;
	const uint32_t header[8] = {
		(uint32_t)(FLD(HEADER_CFL, 5) | fld_set(HEADER_PRDTL, 0, places)), 0,
		(uint32_t)fld_get(BITS(31, 0), own + OWN_TABLE), (uint32_t)fld_get(BITS(63, 32), own + OWN_TABLE),
	};
	const uint32_t fis[5] = { (uint32_t)(FIS_TO_DEVICE | FIS_COMMAND | FLD(FIS_CODE, ATA_IDENTIFY)) };
	/* Addresses and, less one, lengths. */
	const uint32_t to[2 * PLACE_WORDS] = {
		(uint32_t)fld_get(BITS(31, 0), addr), (uint32_t)fld_get(BITS(63, 32), addr), 0, bytes - 1,
		(uint32_t)fld_get(BITS(31, 0), rest), (uint32_t)fld_get(BITS(63, 32), rest), 0,
		IDENTIFY_BYTES - bytes - 1,
	};
	enum status s;

	put(e, OWN_LIST, header, ARRAY_LEN(header));
	put(e, OWN_TABLE, fis, ARRAY_LEN(fis));
	put(e, OWN_TABLE + TABLE_PLACES, to, places * PLACE_WORDS);
	mmio_ack(&a->regs, PORT_W1C(a->port, PX_IS), UINT32_MAX);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	mmio_wr(&a->regs, PORT(a->port, PX_CI), 1u);
	s = wait_end(a, refused);
	a->sound = s == OK && !*refused;
	return s;
}

static enum status ahci_reset(struct engine *e)
{
	struct ahci *a = e->priv;

	pci_enable(e->dev, true, true);
	mmio_wr(&a->regs, AHCI_GHC, (uint32_t)GHC_AE);
	return port_start(e);
}

static enum status ahci_write(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome)
{
	struct ahci *a = e->priv;
	enum status s = engine_check(e, rq, DMA_CAN_WRITE);
	bool refused = false;

	*outcome = DMA_UNKNOWN;
	if (s == OK && !a->sound)
		s = ahci_reset(e);
	if (s)
		return s;
	__builtin_memcpy(rq->data, a->answer, rq->len_bytes);
	s = identify(e, rq->iova.v, rq->len_bytes, &refused);
	if (refused)
		*outcome = DMA_REFUSED;
	return s;
}

static enum status ahci_read(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome)
{
	(void)e;
	(void)rq;
	(void)outcome;
	return ERR_UNSUPPORTED;
}

static bool ahci_alive(struct engine *e)
{
	struct ahci *a = e->priv;
	bool refused = false;

	return a->sound || (identify(e, e->own[0].pa.v + OWN_DATA, IDENTIFY_BYTES, &refused) == OK && !refused);
}

static void ahci_quiesce(struct engine *e)
{
	struct ahci *a = e->priv;

	if (!a)
		return;
	if (a->regs.len_bytes && port_stop(a))
		log_line("ahci: " PCI_FMT " does not stop", PCI_ARGS(e->dev->addr));
	pci_enable(e->dev, true, false);
	engine_give_memory(e, sizeof(*a));
}

/* The first port with a disk that answers. ERR_NOT_FOUND. */
static enum status find_disk(struct engine *e)
{
	struct ahci *a = e->priv;
	const uint8_t *data = mem_ptr(pa_add(e->own[0].pa, OWN_DATA), IDENTIFY_BYTES);
	uint32_t ports = mmio_rd(&a->regs, AHCI_PI);

	for (a->port = 0; a->port < PORTS; a->port++) {
		bool refused = false;

		if (!(ports & pow2(a->port)) || PORT(a->port + 1, 0).off > a->regs.len_bytes ||
		    fld_get(SSTS_DET, mmio_rd(&a->regs, PORT(a->port, PX_SSTS))) != DET_PRESENT)
			continue;
		if (port_start(e) == OK && identify(e, mem_pa(data).v, IDENTIFY_BYTES, &refused) == OK && !refused) {
			__builtin_memcpy(a->answer, data, IDENTIFY_BYTES);
			return OK;
		}
		if (port_stop(a))
			return ERR_TIMEOUT;
	}
	a->port = 0;
	return ERR_NOT_FOUND;
}

static enum status bring_up(struct engine *e)
{
	struct ahci *a = e->priv;
	enum status s = pci_bar_map(e->dev, AHCI_BAR, &a->regs);

	if (s)
		return s;
	if (a->regs.len_bytes < AHCI_REGS_BYTES)
		return ERR_MALFORMED;
	if (!(mmio_rd(&a->regs, AHCI_CAP) & CAP_S64A))
		return ERR_UNSUPPORTED;
	pci_enable(e->dev, true, true);
	mmio_wr(&a->regs, AHCI_GHC, (uint32_t)GHC_AE);
	return find_disk(e);
}

static bool ahci_knows(const struct pci_dev *dev)
{
	return dev->class_code == AHCI_CLASS;
}

static enum status ahci_probe(struct pci_dev *dev, struct engine *e)
{
	enum status s;

	(void)dev; /* e->dev */
	s = engine_take_memory(e, sizeof(struct ahci), OWN_BYTES);
	if (s)
		return s;
	s = bring_up(e);
	if (s) {
		ahci_quiesce(e);
		return s;
	}
	e->caps = (struct engine_caps){
		.flags = DMA_CAN_WRITE,
		.granule_bytes = 2, .align_bytes = 2, .max_bytes = IDENTIFY_BYTES, .usual_us = 2000,
	};
	return OK;
}

static const struct engine_ops ahci_ops = {
	.name = "ahci",
	.knows = ahci_knows,
	.probe = ahci_probe,
	.write = ahci_write,
	.read = ahci_read,
	.reset = ahci_reset,
	.alive = ahci_alive,
	.quiesce = ahci_quiesce,
};

ENGINE(ahci_ops, 60);
