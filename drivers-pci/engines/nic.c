/*
 * Frames that go round inside one of Intel's Ethernet controllers (82574 and 82576 manuals), polled.
 *
 * A frame is a head of 1024 bytes from own memory and the bytes that a transfer is about. Receive buffers hold 1024
 * bytes, so the head falls into one in own memory and the bytes into those behind it:
 *   write: from own memory, received at the iova;
 *   read:  sent from the iova, received in own memory.
 * A short second frame follows, all of it in own memory: when it arrives in the place of the first, that one was not
 * sent. Frames do not leave the controller (RCTL.LBM), and are addressed to nobody. Nothing that is kept over a reset
 * is written.
 */
#include "drivers-pci/engines/nic.h"
#include "drivers-pci/regs.h"

#define NIC_VENDOR      0x8086
#define NIC_REGS_BYTES  0x10000u

#define NIC_CTRL        ((reg32_t){ 0x0000 })
#define   CTRL_FULL_DUPLEX BIT(0)
#define   CTRL_LINK_UP     BIT(6)
#define   CTRL_RESET       BIT(26)
#define NIC_IMC         ((reg32_t){ 0x00d8 })
#define NIC_RCTL        ((reg32_t){ 0x0100 })
#define   RCTL_ON          BIT(1)
#define   RCTL_ALL         (BIT(3) | BIT(4) | BIT(15)) /* unicast, multicast, broadcast */
#define   RCTL_LONG        BIT(5)
#define   RCTL_LOOP        BIT(6)                      /* LBM = 01b: in the MAC */
#define   RCTL_1024        BIT(16)
#define   RCTL_NO_CRC      BIT(26)
#define NIC_TCTL        ((reg32_t){ 0x0400 })
#define   TCTL_ON          BIT(1)
#define   TCTL_PAD         BIT(3)
#define NIC_FWSM        ((reg32_t){ 0x5b54 })
#define   FWSM_MODE        BITS(3, 1)                  /* 0: no management firmware */

/* A queue's registers, from its first on. */
#define Q_BASE          0x00u
#define Q_BYTES         0x08u
#define Q_HEAD          0x10u
#define Q_TAIL          0x18u
#define Q(at, off)      ((reg32_t){ (at) + (off) })

#define RING            32u
#define DATA_MAX        PAGE_BYTES
#define SLOTS_MAX       (DATA_MAX / NIC_BUFFER_BYTES + 2)

/* Own memory. */
#define OWN_TX          0x0000u
#define OWN_RX          0x0800u
#define OWN_HEAD        0x1000u
#define OWN_MARK        0x1400u
#define OWN_HEAD_IN     0x1800u
#define OWN_MARK_IN     0x1c00u
#define OWN_OUT         0x2000u
#define OWN_IN          0x3000u
#define OWN_BYTES       0x4000u
#define HEAD_BYTES      NIC_BUFFER_BYTES
#define MARK_BYTES      64u

#define WAIT_US         1000000
#define ROUND_US        50000 /* many times what the longest frame takes once its descriptors are read */
#define RESET_US        10000 /* real ones read their settings again */

struct nic {
	const struct nic_kind *kind;
	mmio_t regs;
	bool linked;             /* kind->link() has done its work */
	bool sound;              /* all that was sent has come back */
	unsigned tx, rx;         /* next places of the rings */
};

static void *own(const struct engine *e, uint32_t off, uint32_t bytes)
{
	return mem_ptr(pa_add(e->own[0].pa, off), bytes);
}

static void ring_lay(const struct nic *n, uint32_t queue, uint64_t at)
{
	mmio_wr(&n->regs, Q(queue, Q_BASE), (uint32_t)fld_get(BITS(31, 0), at));
	mmio_wr(&n->regs, Q(queue, Q_BASE + 4), (uint32_t)fld_get(BITS(63, 32), at));
	mmio_wr(&n->regs, Q(queue, Q_BYTES), (uint32_t)(RING * sizeof(struct nic_desc)));
	mmio_wr(&n->regs, Q(queue, Q_HEAD), 0u);
	mmio_wr(&n->regs, Q(queue, Q_TAIL), 0u);
}

static enum status controller_off(struct nic *n, bool emulated)
{
	deadline_t end = deadline_in_us(WAIT_US);

	n->sound = false;
	mmio_wr(&n->regs, NIC_RCTL, 0u);
	mmio_wr(&n->regs, NIC_TCTL, 0u);
	mmio_wr(&n->regs, NIC_CTRL, mmio_rd(&n->regs, NIC_CTRL) | (uint32_t)CTRL_RESET);
	if (!emulated)
		time_sleep_us(RESET_US);
	while (mmio_rd(&n->regs, NIC_CTRL) & CTRL_RESET)
		if (deadline_over(&end))
			return ERR_TIMEOUT;
	mmio_wr(&n->regs, NIC_IMC, UINT32_MAX);
	return OK;
}

enum status nic_reset(struct engine *e)
{
	struct nic *n = e->priv;
	enum status s = OK;

	pci_enable(e->dev, true, true);
	n->sound = false;
	mmio_wr(&n->regs, NIC_RCTL, 0u);
	mmio_wr(&n->regs, NIC_TCTL, 0u);
	if (n->kind->stop && n->linked)
		n->kind->stop(&n->regs);
	else
		s = controller_off(n, e->dev->machine->emulated);
	if (s)
		return s;
	n->tx = n->rx = 0;
	mmio_wr(&n->regs, NIC_CTRL, mmio_rd(&n->regs, NIC_CTRL) | (uint32_t)(CTRL_LINK_UP | CTRL_FULL_DUPLEX));
	ring_lay(n, n->kind->rx, e->own[0].pa.v + OWN_RX);
	ring_lay(n, n->kind->tx, e->own[0].pa.v + OWN_TX);
	if (n->kind->link) {
		s = n->kind->link(&n->regs);
		if (s)
			return s;
		n->linked = true;
	}
	if (n->kind->start)
		n->kind->start(&n->regs);
	mmio_wr(&n->regs, NIC_RCTL, (uint32_t)(RCTL_ON | RCTL_ALL | RCTL_LONG | RCTL_LOOP | RCTL_1024 | RCTL_NO_CRC));
	mmio_wr(&n->regs, NIC_TCTL, (uint32_t)(TCTL_ON | TCTL_PAD));
	return OK;
}

static void send(struct engine *e, uint64_t addr, uint32_t bytes, uint32_t frame_bytes, bool last)
{
	struct nic *n = e->priv;
	struct nic_desc *ring = own(e, OWN_TX, RING * (uint32_t)sizeof(*ring));

	ring[n->tx] = (struct nic_desc){ addr, n->kind->tx_rest(bytes, frame_bytes, last) };
	n->tx = (n->tx + 1) % RING;
}

/* Descriptors of both frames: page by page, since an emulator may map each of them on its own. */
static void send_frames(struct engine *e, uint64_t addr, uint32_t bytes)
{
	const uint64_t at = e->own[0].pa.v;
	uint32_t frame = HEAD_BYTES + bytes;

	send(e, at + OWN_HEAD, HEAD_BYTES, frame, false);
	while (bytes) {
		uint32_t part = (uint32_t)min_u64(bytes, PAGE_BYTES - addr % PAGE_BYTES);

		bytes -= part;
		send(e, addr, part, frame, bytes == 0);
		addr += part;
	}
	send(e, at + OWN_MARK, MARK_BYTES, MARK_BYTES, true);
}

/* Places for both frames; slots gets their descriptors. Returns how many. */
static unsigned expect_frames(struct engine *e, uint64_t addr, uint32_t bytes,
			      volatile struct nic_desc *slots[SLOTS_MAX])
{
	struct nic *n = e->priv;
	struct nic_desc *ring = own(e, OWN_RX, RING * (uint32_t)sizeof(*ring));
	const uint64_t at = e->own[0].pa.v;
	unsigned chunks = (bytes + NIC_BUFFER_BYTES - 1) / NIC_BUFFER_BYTES, count = chunks + 2;

	for (unsigned i = 0; i < count; i++) {
		ring[n->rx] = (struct nic_desc){ i == 0 ? at + OWN_HEAD_IN : i <= chunks ?
						 addr + (i - 1) * NIC_BUFFER_BYTES : at + OWN_MARK_IN, 0 };
		slots[i] = &ring[n->rx];
		n->rx = (n->rx + 1) % RING;
	}
	return count;
}

/*
 * Sends bytes from one address and receives them at another. *lost: they were not sent. ERR_TIMEOUT: nothing came, as
 * happens when own memory is out of reach.
 */
static enum status go_round(struct engine *e, uint64_t from, uint64_t to, uint32_t bytes, bool *lost)
{
	struct nic *n = e->priv;
	const struct nic_kind *k = n->kind;
	volatile struct nic_desc *slots[SLOTS_MAX];
	unsigned count = expect_frames(e, to, bytes, slots);
	deadline_t end = deadline_in_us(WAIT_US), round = deadline_in_us(ROUND_US);

	n->sound = *lost = false;
	send_frames(e, from, bytes);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	mmio_wr(&n->regs, Q(k->rx, Q_TAIL), n->rx);
	mmio_wr(&n->regs, Q(k->tx, Q_TAIL), n->tx);
	for (;;) {
		bool over = deadline_over(&end), late = deadline_over(&round);

		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (slots[count - 1]->rest & k->rx_done)
			break;
		*lost = (slots[0]->rest & k->rx_done) && (slots[0]->rest & k->rx_end);
		if (*lost)
			return OK;
		if (over || (late && mmio_rd(&n->regs, Q(k->tx, Q_HEAD)) == n->tx)) {
			run_extend_us(time_us() - end.start_us);
			return ERR_TIMEOUT;
		}
	}
	(void)mmio_rd(&n->regs, NIC_CTRL); /* pushes posted writes */
	n->sound = true;
	return OK;
}

/* Bytes from own memory to own memory, and what came is what went. */
static enum status try_out(struct engine *e)
{
	uint8_t *out = own(e, OWN_OUT, MARK_BYTES), *in = own(e, OWN_IN, MARK_BYTES);
	bool lost = false;
	enum status s;

	for (unsigned i = 0; i < MARK_BYTES; i++) {
		out[i] = (uint8_t)(i * 7 + 1);
		in[i] = 0;
	}
	s = go_round(e, mem_pa(out).v, mem_pa(in).v, MARK_BYTES, &lost);
	return s ? s : !lost && !__builtin_memcmp(in, out, MARK_BYTES) ? OK : ERR_IO;
}

/*
 * Checks a request; a controller that is in doubt starts over. Without its reset a part of a frame may be left in it,
 * which takes the next frame with it: that is one of our own.
 */
static enum status ready(struct engine *e, const struct dma_request *rq, uint32_t direction)
{
	struct nic *n = e->priv;
	enum status s = engine_check(e, rq, direction);

	if (s || n->sound)
		return s;
	s = nic_reset(e);
	return s || !n->kind->stop || try_out(e) == OK ? s : nic_reset(e);
}

enum status nic_write(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome)
{
	enum status s = ready(e, rq, DMA_CAN_WRITE);
	bool lost = false;

	*outcome = DMA_UNKNOWN;
	if (s)
		return s;
	__builtin_memcpy(own(e, OWN_OUT, DATA_MAX), rq->data, rq->len_bytes);
	s = go_round(e, e->own[0].pa.v + OWN_OUT, rq->iova.v, rq->len_bytes, &lost);
	return s ? s : lost ? ERR_IO : OK;
}

enum status nic_read(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome)
{
	enum status s = ready(e, rq, DMA_CAN_READ);
	bool lost = false;

	rq->echo_n = 0;
	*outcome = DMA_UNKNOWN;
	if (s)
		return s;
	s = go_round(e, rq->iova.v, e->own[0].pa.v + OWN_IN, rq->len_bytes, &lost);
	if (lost)
		*outcome = DMA_REFUSED;
	if (s || lost)
		return s;
	__builtin_memcpy(rq->data, own(e, OWN_IN, DATA_MAX), rq->len_bytes);
	rq->echo_n = rq->len_bytes;
	return OK;
}

bool nic_alive(struct engine *e)
{
	return ((struct nic *)e->priv)->sound || try_out(e) == OK;
}

void nic_quiesce(struct engine *e)
{
	struct nic *n = e->priv;

	if (!n)
		return;
	if (n->regs.len_bytes && controller_off(n, e->dev->machine->emulated))
		log_line("%s: " PCI_FMT " does not stop", e->ops->name, PCI_ARGS(e->dev->addr));
	pci_enable(e->dev, true, false);
	engine_give_memory(e, sizeof(*n));
}

/* Both frames' first bytes: to a locally administered address, of the type for experiments. */
static void heads_make(struct engine *e)
{
	static const uint8_t head[14] = { 0x02, 0x50, 0x43, 0, 0, 1, 0x02, 0x50, 0x43, 0, 0, 2, 0x88, 0xb5 };

	__builtin_memcpy(own(e, OWN_HEAD, sizeof(head)), head, sizeof(head));
	__builtin_memcpy(own(e, OWN_MARK, sizeof(head)), head, sizeof(head));
}

static enum status bring_up(struct engine *e)
{
	struct nic *n = e->priv;
	enum status s = pci_bar_map(e->dev, 0, &n->regs);

	if (s)
		return s;
	if (n->regs.len_bytes < NIC_REGS_BYTES)
		return ERR_MALFORMED;
	/* A management controller talks through the same port: a reset would cut it off. */
	if (mmio_rd(&n->regs, NIC_FWSM) & FWSM_MODE)
		return ERR_BUSY;
	heads_make(e);
	s = nic_reset(e);
	return s ? s : try_out(e);
}

bool nic_knows(const struct pci_dev *dev, const struct nic_kind *kind)
{
	bool known = false;

	for (unsigned i = 0; i < kind->ids_n; i++)
		known |= dev->vendor == NIC_VENDOR && dev->device == kind->ids[i];
	return known;
}

enum status nic_probe(struct engine *e, const struct nic_kind *kind)
{
	enum status s = engine_take_memory(e, sizeof(struct nic), OWN_BYTES);

	if (s)
		return s;
	((struct nic *)e->priv)->kind = kind;
	s = bring_up(e);
	if (s) {
		nic_quiesce(e);
		return s;
	}
	e->caps = (struct engine_caps){
		.flags = DMA_CAN_WRITE | DMA_CAN_READ | DMA_WRITE_ARBITRARY | DMA_READ_ALL,
		.granule_bytes = 1, .align_bytes = kind->align_bytes, .max_bytes = DATA_MAX, .usual_us = 500,
	};
	return OK;
}
