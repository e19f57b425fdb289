/*
 * Engine: a USB host controller (xHCI 1.2), its command ring and its event ring; no device behind it is spoken to.
 *
 * A No Op command makes the controller write one event of 16 bytes: address of the command, completion code, type. The
 * event ring of one transfer lies at the iova, so that event is what the device writes there: its content is known, the
 * address a multiple of 64. Whoever reads a command acts on it, so there is no read.
 *
 * The rings may be moved only while the controller is halted; it is started anew for each transfer. A controller with
 * something plugged in is left alone, since that may be the keyboard. Where a reset makes devices appear, they announce
 * themselves in events, too: those go to a ring in own memory first. A controller that is refused
 * declares a system error and needs a reset, which QEMU's does as well.
 */
#include "drivers-pci/engine.h"
#include "drivers-pci/engines/xhci_regs.h"

/* Own memory, by bytes. Command rings are places of 64 bytes, since CRCR holds no less. */
#define OWN_DCBAA       0x0000u
#define OWN_COMMANDS    0x1000u
#define OWN_TABLE       0x2000u /* the event ring's segment table, one entry */
#define OWN_EVENTS      0x3000u
#define OWN_SCRATCH     0x4000u /* addresses of the controller's own pages, then the pages */
#define COMMAND_STEP    64u
#define COMMANDS        (PAGE_BYTES / COMMAND_STEP)
#define RING_TRBS       16u
#define TRB_BYTES       16u
#define ALIGN_BYTES     64u
#define SCRATCH_MAX     64u

#define WAIT_US         1000000
#define SETTLE_US       300000  /* for ports to tell of what is connected */

struct xhci {
	mmio_t regs;
	uint32_t op, rt, bell;   /* where the parts begin */
	unsigned scratch_n;
	bool sound;              /* the last command came to its end */
	unsigned command;        /* place of the next one */
};

static uint32_t op_rd(const struct xhci *x, uint32_t off)
{
	return mmio_rd(&x->regs, ((reg32_t){ x->op + off }));
}

static void op_wr(const struct xhci *x, uint32_t off, uint64_t v)
{
	mmio_wr(&x->regs, ((reg32_t){ x->op + off }), (uint32_t)fld_get(BITS(31, 0), v));
}

static void rt_wr(const struct xhci *x, uint32_t off, uint64_t v)
{
	mmio_wr(&x->regs, ((reg32_t){ x->rt + off }), (uint32_t)fld_get(BITS(31, 0), v));
}

/* Waits until bits of USBSTS, or of USBCMD, are all set or all clear. */
static enum status wait_bits(const struct xhci *x, uint32_t off, uint32_t bits, bool set)
{
	deadline_t end = deadline_in_us(WAIT_US);

	while ((op_rd(x, off) & bits) != (set ? bits : 0))
		if (deadline_over(&end))
			return ERR_TIMEOUT;
	return OK;
}

static enum status halt(struct xhci *x)
{
	op_wr(x, OP_USBCMD, 0);
	return wait_bits(x, OP_USBSTS, (uint32_t)STS_HALTED, true);
}

/* The address of the scratch pages' array, and in it those of the pages; both stay where they are. */
static void tables_make(struct engine *e)
{
	struct xhci *x = e->priv;
	const pa_t own = e->own[0].pa;
	uint64_t *dcbaa = mem_ptr(pa_add(own, OWN_DCBAA), PAGE_BYTES);
	uint64_t *list;

	if (!x->scratch_n)
		return;
	list = mem_ptr(pa_add(own, OWN_SCRATCH), PAGE_BYTES);
	dcbaa[0] = own.v + OWN_SCRATCH;
	for (unsigned i = 0; i < x->scratch_n; i++)
		list[i] = own.v + OWN_SCRATCH + (uint64_t)(i + 1) * PAGE_BYTES;
}

/* Halted: the next command alone on its ring, and an empty event ring at addr. */
static void rings_place(struct engine *e, uint64_t addr)
{
	struct xhci *x = e->priv;
	const uint64_t own = e->own[0].pa.v, at = own + OWN_COMMANDS + x->command * COMMAND_STEP;
	uint32_t *trb = mem_ptr(PA(at), COMMAND_STEP);
	uint64_t *entry = mem_ptr(PA(own + OWN_TABLE), TRB_BYTES);

	for (unsigned i = 0; i < COMMAND_STEP / 4; i++)
		trb[i] = 0;
	trb[3] = (uint32_t)(FLD(TRB_TYPE, TRB_NO_OP) | TRB_CYCLE);
	entry[0] = addr;
	entry[1] = RING_TRBS;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	op_wr(x, OP_CRCR, fld_get(BITS(31, 0), at) | CRCR_CYCLE);
	op_wr(x, OP_CRCR + 4, fld_get(BITS(63, 32), at));
	rt_wr(x, RT_ERSTSZ, 1);
	rt_wr(x, RT_ERDP, fld_get(BITS(31, 0), addr) | ERDP_BUSY);
	rt_wr(x, RT_ERDP + 4, fld_get(BITS(63, 32), addr));
	rt_wr(x, RT_ERSTBA, fld_get(BITS(31, 0), own + OWN_TABLE));
	rt_wr(x, RT_ERSTBA + 4, fld_get(BITS(63, 32), own + OWN_TABLE));
	rt_wr(x, RT_IMAN, IMAN_PENDING);
	op_wr(x, OP_USBSTS, STS_W1C);
}

/* Runs one No Op command whose event goes to addr. *refused: a system error. ERR_TIMEOUT. */
static enum status no_op(struct engine *e, uint64_t addr, bool *refused)
{
	struct xhci *x = e->priv;
	enum status s = halt(x);
	deadline_t end;

	x->sound = *refused = false;
	if (s)
		return s;
	rings_place(e, addr);
	op_wr(x, OP_USBCMD, CMD_RUN);
	mmio_wr(&x->regs, ((reg32_t){ x->bell }), 0u);
	end = deadline_in_us(WAIT_US);
	for (;;) {
		bool over = deadline_over(&end);
		uint32_t sts = op_rd(x, OP_USBSTS);

		*refused = (sts & (STS_HSE | STS_HCE)) != 0;
		if (*refused)
			return OK;
		if (sts & STS_EINT)
			break;
		if (over) {
			run_extend_us(WAIT_US);
			return ERR_TIMEOUT;
		}
	}
	s = halt(x);
	*refused = (op_rd(x, OP_USBSTS) & (STS_HSE | STS_HCE)) != 0;
	x->sound = s == OK && !*refused;
	x->command = (x->command + 1) % COMMANDS;
	return s;
}

/* The event of the command at place n: the controller's cycle state is 1 on a fresh ring. */
static void event_of(const struct engine *e, unsigned n, uint8_t event[TRB_BYTES])
{
	const uint64_t at = e->own[0].pa.v + OWN_COMMANDS + n * COMMAND_STEP;
	const uint32_t words[4] = {
		(uint32_t)fld_get(BITS(31, 0), at), (uint32_t)fld_get(BITS(63, 32), at),
		(uint32_t)FLD(EVENT_CODE, CODE_SUCCESS), (uint32_t)(FLD(TRB_TYPE, TRB_COMPLETION) | TRB_CYCLE),
	};

	__builtin_memcpy(event, words, TRB_BYTES);
}

/* True where something is plugged in. */
static bool any_connected(const struct xhci *x)
{
	unsigned ports = (unsigned)fld_get(HCS1_PORTS, mmio_rd(&x->regs, XHCI_HCSPARAMS1));
	bool connected = false;

	for (unsigned i = 0; i < ports && x->op + OP_PORTSC + (i + 1) * PORT_STEP <= x->regs.len_bytes; i++)
		connected |= (op_rd(x, OP_PORTSC + i * PORT_STEP) & PORTSC_CONNECTED) != 0;
	return connected;
}

/* With what is connected announced in own memory. */
static enum status ports_settle(struct engine *e)
{
	struct xhci *x = e->priv;

	if (!any_connected(x))
		return OK;
	rings_place(e, e->own[0].pa.v + OWN_EVENTS);
	op_wr(x, OP_USBCMD, CMD_RUN);
	time_sleep_us(SETTLE_US);
	return halt(x);
}

static enum status xhci_reset(struct engine *e)
{
	struct xhci *x = e->priv;
	const uint64_t dcbaa = e->own[0].pa.v + OWN_DCBAA;
	enum status s;

	x->sound = false;
	pci_enable(e->dev, true, true);
	s = halt(x);
	op_wr(x, OP_USBCMD, CMD_RESET);
	s = wait_bits(x, OP_USBCMD, (uint32_t)CMD_RESET, false);
	s = s ? s : wait_bits(x, OP_USBSTS, (uint32_t)STS_NOT_READY, false);
	if (s)
		return s;
	op_wr(x, OP_CONFIG, 0);
	op_wr(x, OP_DCBAAP, fld_get(BITS(31, 0), dcbaa));
	op_wr(x, OP_DCBAAP + 4, fld_get(BITS(63, 32), dcbaa));
	rt_wr(x, RT_IMOD, 0);
	return ports_settle(e);
}

static enum status xhci_write(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome)
{
	struct xhci *x = e->priv;
	enum status s = engine_check(e, rq, DMA_CAN_WRITE);
	bool refused = false;

	*outcome = DMA_UNKNOWN;
	if (s == OK && !x->sound)
		s = xhci_reset(e);
	if (s)
		return s;
	event_of(e, x->command, rq->data);
	s = no_op(e, rq->iova.v, &refused);
	if (refused)
		*outcome = DMA_REFUSED;
	return s;
}

static enum status xhci_read(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome)
{
	(void)e;
	(void)rq;
	(void)outcome;
	return ERR_UNSUPPORTED;
}

static bool xhci_alive(struct engine *e)
{
	struct xhci *x = e->priv;
	bool refused = false;

	return x->sound || (no_op(e, e->own[0].pa.v + OWN_EVENTS, &refused) == OK && !refused);
}

static void xhci_quiesce(struct engine *e)
{
	struct xhci *x = e->priv;

	if (!x)
		return;
	if (x->op && halt(x))
		log_line("xhci: " PCI_FMT " does not stop", PCI_ARGS(e->dev->addr));
	pci_enable(e->dev, true, false);
	engine_give_memory(e, sizeof(*x));
}

/* Asks firmware's keyboard driver for the controller. ERR_BUSY: it stays. */
static enum status take_from_firmware(const struct xhci *x)
{
	uint32_t off = 4 * (uint32_t)fld_get(HCC1_XECP, mmio_rd(&x->regs, XHCI_HCCPARAMS1));

	for (unsigned i = 0; i < XCAPS_MAX && off && off + 4 <= x->regs.len_bytes; i++) {
		uint32_t v = mmio_rd(&x->regs, ((reg32_t){ off }));
		uint32_t next = 4 * (uint32_t)fld_get(XCAP_NEXT, v);

		if (fld_get(XCAP_ID, v) == XCAP_LEGACY && (v & LEGACY_FIRMWARE)) {
			deadline_t end = deadline_in_us(WAIT_US);

			mmio_wr(&x->regs, ((reg32_t){ off }), v | (uint32_t)LEGACY_SYSTEM);
			while (mmio_rd(&x->regs, ((reg32_t){ off })) & LEGACY_FIRMWARE)
				if (deadline_over(&end))
					return ERR_BUSY;
			return OK;
		}
		off = next ? off + next : 0;
	}
	return OK;
}

/* Where the parts of the window begin, and whether they fit. */
static enum status map_registers(struct pci_dev *d, struct xhci *x)
{
	enum status s = pci_bar_map(d, 0, &x->regs);
	uint32_t hcs2;

	if (s)
		return s;
	if (x->regs.len_bytes < XHCI_REGS_BYTES)
		return ERR_MALFORMED;
	x->rt = mmio_rd(&x->regs, XHCI_RTSOFF) & (uint32_t)~BITS(4, 0);
	x->bell = mmio_rd(&x->regs, XHCI_DBOFF) & (uint32_t)~BITS(1, 0);
	x->op = mmio_rd(&x->regs, XHCI_CAPLENGTH);
	if (x->op + OP_PORTSC > x->regs.len_bytes || x->rt > x->regs.len_bytes - 0x40 ||
	    x->bell > x->regs.len_bytes - 4) {
		x->op = 0;
		return ERR_MALFORMED;
	}
	hcs2 = mmio_rd(&x->regs, XHCI_HCSPARAMS2);
	x->scratch_n = (unsigned)(fld_get(HCS2_SCRATCH_HI, hcs2) * 32 + fld_get(HCS2_SCRATCH_LO, hcs2));
	if (!(mmio_rd(&x->regs, XHCI_HCCPARAMS1) & HCC1_AC64) || x->scratch_n > SCRATCH_MAX ||
	    !(op_rd(x, OP_PAGESIZE) & PAGESIZE_4K))
		return ERR_UNSUPPORTED;
	return OK;
}

/* One command with its event in own memory, which must be the one foreseen. */
static enum status try_out(struct engine *e)
{
	struct xhci *x = e->priv;
	const void *seen = mem_ptr(pa_add(e->own[0].pa, OWN_EVENTS), TRB_BYTES);
	uint8_t wanted[TRB_BYTES];
	bool refused = false;
	enum status s;

	event_of(e, x->command, wanted);
	s = no_op(e, e->own[0].pa.v + OWN_EVENTS, &refused);
	return s ? s : !refused && !__builtin_memcmp(seen, wanted, TRB_BYTES) ? OK : ERR_IO;
}

static enum status bring_up(struct engine *e)
{
	struct xhci *x = e->priv;
	enum status s = map_registers(e->dev, x);

	if (s)
		return s;
	/* What firmware has running there may be the keyboard. */
	if (any_connected(x)) {
		log_line("xhci: " PCI_FMT " is left alone: something is plugged in", PCI_ARGS(e->dev->addr));
		x->op = 0;
		return ERR_NOT_FOUND;
	}
	s = take_from_firmware(x);
	if (s)
		return s;
	tables_make(e);
	s = xhci_reset(e);
	return s ? s : try_out(e);
}

static bool xhci_knows(const struct pci_dev *dev)
{
	return dev->class_code == XHCI_CLASS;
}

static enum status xhci_probe(struct pci_dev *dev, struct engine *e)
{
	enum status s;

	(void)dev; /* e->dev */
	s = engine_take_memory(e, sizeof(struct xhci), OWN_SCRATCH + (SCRATCH_MAX + 1) * PAGE_BYTES);
	if (s)
		return s;
	s = bring_up(e);
	if (s) {
		xhci_quiesce(e);
		return s;
	}
	e->caps = (struct engine_caps){
		.flags = DMA_CAN_WRITE,
		.granule_bytes = TRB_BYTES, .align_bytes = ALIGN_BYTES, .max_bytes = TRB_BYTES, .usual_us = 1000,
	};
	return OK;
}

static const struct engine_ops xhci_ops = {
	.name = "xhci",
	.knows = xhci_knows,
	.probe = xhci_probe,
	.write = xhci_write,
	.read = xhci_read,
	.reset = xhci_reset,
	.alive = xhci_alive,
	.quiesce = xhci_quiesce,
};

ENGINE(xhci_ops, 80);
