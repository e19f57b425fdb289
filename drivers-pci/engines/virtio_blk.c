/*
 * Engine: a virtio block device (Virtio 1.1, modern PCI transport, split queue), polled.
 *
 * The device must have agreed to do its DMA by the platform's rules (VIRTIO_F_ACCESS_PLATFORM): without that it goes
 * past the IOMMU and is of no use here.
 *   write: GET_ID, which puts the disk's serial number into memory: a part of it to the iova, the rest to own memory;
 *   read:  the head of a request, the start of it from the iova, the rest zero. Whatever it says, the request has no
 *          data and can do nothing; of one with a random type the device answers that it does not know it, and so
 *          tells that it has read it. QEMU takes zeros for what it may not read: that is a request which it knows.
 *
 * A device may declare itself broken (DEVICE_NEEDS_RESET) over what it may not reach; QEMU does so for its queue only,
 * and writes that are refused get lost without a word.
 */
#include "drivers-pci/engine.h"
#include "drivers-pci/regs.h"

#define VIRTIO_VENDOR    0x1af4
#define BLK_MODERN       0x1042
#define BLK_TRANSITIONAL 0x1001

/* The vendor capability: where a structure lies. */
#define CAP_ID_VENDOR    0x09u
#define CAPS_MAX         48u
#define VCAP_TYPE        0x03u
#define   VCAP_COMMON       1u
#define   VCAP_NOTIFY       2u
#define VCAP_BAR         0x04u
#define VCAP_OFFSET      0x08u
#define VCAP_MULTIPLIER  0x10u /* of VCAP_NOTIFY */

/* Common configuration, at its offset. */
#define VC_DEVICE_SELECT(at) ((reg32_t){ (at) + 0x00 })
#define VC_DEVICE(at)        ((reg32_t){ (at) + 0x04 })
#define VC_DRIVER_SELECT(at) ((reg32_t){ (at) + 0x08 })
#define VC_DRIVER(at)        ((reg32_t){ (at) + 0x0c })
#define   FEATURE_VERSION_1     BIT(32)
#define   FEATURE_PLATFORM      BIT(33)
#define VC_STATUS(at)        ((reg8_t){ (at) + 0x14 })
#define   STATUS_SEEN           BIT(0)
#define   STATUS_DRIVER         BIT(1)
#define   STATUS_RUNS           BIT(2)
#define   STATUS_FEATURES_OK    BIT(3)
#define   STATUS_BROKEN         BIT(6) /* DEVICE_NEEDS_RESET */
#define VC_QUEUE_SELECT(at)  ((reg16_t){ (at) + 0x16 })
#define VC_QUEUE_SIZE(at)    ((reg16_t){ (at) + 0x18 })
#define VC_QUEUE_ENABLE(at)  ((reg16_t){ (at) + 0x1c })
#define VC_QUEUE_NOTIFY(at)  ((reg16_t){ (at) + 0x1e })
#define VC_QUEUE_DESC        0x20u
#define VC_QUEUE_DRIVER      0x28u
#define VC_QUEUE_DEVICE      0x30u
#define VC_BYTES             0x38u

/* Own memory. */
#define ENTRIES   8u
#define OWN_DESC  0x000u
#define OWN_AVAIL 0x100u
#define OWN_USED  0x200u
#define OWN_HEAD  0x300u
#define OWN_STATE 0x340u
#define OWN_DATA  0x400u
#define OWN_BYTES 0x1000u

#define DESC_NEXT  1u
#define DESC_WRITE 2u
#define HEAD_BYTES 16u
#define ID_BYTES   20u
#define TYPE_GET_ID 8u
#define TYPE_BYTES 4u
#define STATE_UNKNOWN 2     /* VIRTIO_BLK_S_UNSUPP */
#define WAIT_US    1000000  /* verdicts rest on it */

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

struct ring {
	uint16_t flags, idx;
	uint16_t entries[ENTRIES];
};

struct virtio {
	mmio_t common, notify;
	uint32_t common_at, notify_at, notify_step;
	uint32_t bell;              /* offset of the queue's doorbell */
	bool sound;                 /* the last request came to its end */
	uint16_t idx;               /* requests so far */
	uint8_t id[ID_BYTES];
};

static void *own(const struct engine *e, uint32_t off, uint32_t bytes)
{
	return mem_ptr(pa_add(e->own[0].pa, off), bytes);
}

static uint8_t status_now(const struct virtio *v)
{
	return mmio_rd(&v->common, VC_STATUS(v->common_at));
}

static void status_add(const struct virtio *v, uint64_t bits)
{
	mmio_wr(&v->common, VC_STATUS(v->common_at), (uint8_t)(status_now(v) | bits));
}

/* Off and forgotten; the device has let go of memory when it reads 0. ERR_TIMEOUT. */
static enum status device_off(struct virtio *v)
{
	deadline_t end = deadline_in_us(WAIT_US);

	v->sound = false;
	mmio_wr(&v->common, VC_STATUS(v->common_at), (uint8_t)0);
	while (status_now(v))
		if (deadline_over(&end))
			return ERR_TIMEOUT;
	return OK;
}

/* Takes the two features that are needed. ERR_UNSUPPORTED: the device has not both. */
static enum status agree(struct virtio *v)
{
	const uint64_t wanted = FEATURE_VERSION_1 | FEATURE_PLATFORM;
	uint64_t offered;

	mmio_wr(&v->common, VC_DEVICE_SELECT(v->common_at), 1u);
	offered = FLD(BITS(63, 32), UINT64_C(1)) * mmio_rd(&v->common, VC_DEVICE(v->common_at));
	if ((offered & wanted) != wanted)
		return ERR_UNSUPPORTED;
	mmio_wr(&v->common, VC_DRIVER_SELECT(v->common_at), 0u);
	mmio_wr(&v->common, VC_DRIVER(v->common_at), 0u);
	mmio_wr(&v->common, VC_DRIVER_SELECT(v->common_at), 1u);
	mmio_wr(&v->common, VC_DRIVER(v->common_at), (uint32_t)fld_get(BITS(63, 32), wanted));
	status_add(v, STATUS_FEATURES_OK);
	return status_now(v) & STATUS_FEATURES_OK ? OK : ERR_UNSUPPORTED;
}

static void place(const struct virtio *v, uint32_t reg, uint64_t addr)
{
	mmio_wr(&v->common, ((reg32_t){ v->common_at + reg }), (uint32_t)fld_get(BITS(31, 0), addr));
	mmio_wr(&v->common, ((reg32_t){ v->common_at + reg + 4 }), (uint32_t)fld_get(BITS(63, 32), addr));
}

static enum status device_on(struct engine *e)
{
	struct virtio *v = e->priv;
	const uint64_t at = e->own[0].pa.v;
	enum status s = device_off(v);

	if (s)
		return s;
	status_add(v, STATUS_SEEN);
	status_add(v, STATUS_DRIVER);
	s = agree(v);
	if (s)
		return s;
	__builtin_memset(own(e, 0, OWN_BYTES), 0, OWN_BYTES);
	v->idx = 0;
	mmio_wr(&v->common, VC_QUEUE_SELECT(v->common_at), (uint16_t)0);
	if (mmio_rd(&v->common, VC_QUEUE_SIZE(v->common_at)) < ENTRIES)
		return ERR_UNSUPPORTED;
	mmio_wr(&v->common, VC_QUEUE_SIZE(v->common_at), (uint16_t)ENTRIES);
	place(v, VC_QUEUE_DESC, at + OWN_DESC);
	place(v, VC_QUEUE_DRIVER, at + OWN_AVAIL);
	place(v, VC_QUEUE_DEVICE, at + OWN_USED);
	v->bell = v->notify_at + mmio_rd(&v->common, VC_QUEUE_NOTIFY(v->common_at)) * v->notify_step;
	if (v->bell + 2 > v->notify.len_bytes)
		return ERR_MALFORMED;
	mmio_wr(&v->common, VC_QUEUE_ENABLE(v->common_at), (uint16_t)1);
	status_add(v, STATUS_RUNS);
	return OK;
}

/* Runs the request of the first n descriptors. *refused: the device broke over it. ERR_TIMEOUT. */
static enum status request(struct engine *e, const struct desc *d, unsigned n, bool *refused)
{
	struct virtio *v = e->priv;
	struct desc *to = own(e, OWN_DESC, n * (uint32_t)sizeof(*to));
	struct ring *avail = own(e, OWN_AVAIL, sizeof(*avail));
	const struct ring *used = own(e, OWN_USED, sizeof(*used));
	deadline_t end = deadline_in_us(WAIT_US);

	v->sound = *refused = false;
	for (unsigned i = 0; i < n; i++) {
		to[i] = d[i];
		to[i].flags = (uint16_t)(d[i].flags | (i + 1 < n ? DESC_NEXT : 0u));
		to[i].next = (uint16_t)(i + 1);
	}
	avail->entries[v->idx % ENTRIES] = 0;
	v->idx++;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&avail->idx, v->idx, __ATOMIC_SEQ_CST);
	mmio_wr(&v->notify, ((reg16_t){ v->bell }), (uint16_t)0);
	for (;;) {
		bool over = deadline_over(&end);

		if (__atomic_load_n(&used->idx, __ATOMIC_ACQUIRE) == v->idx)
			break;
		*refused = (status_now(v) & STATUS_BROKEN) != 0;
		if (*refused)
			return OK;
		if (over) {
			run_extend_us(WAIT_US);
			return ERR_TIMEOUT;
		}
	}
	v->sound = true;
	return OK;
}

/* GET_ID: the first bytes to addr, the others to own memory. */
static enum status get_id(struct engine *e, uint64_t addr, uint32_t bytes, bool *refused)
{
	const uint64_t at = e->own[0].pa.v;
	const struct desc d[] = {
		{ at + OWN_HEAD, HEAD_BYTES, 0, 0 }, { addr, bytes, DESC_WRITE, 0 },
		{ at + OWN_DATA + bytes, ID_BYTES - bytes, DESC_WRITE, 0 }, { at + OWN_STATE, 1, DESC_WRITE, 0 },
	};
	uint32_t *head = own(e, OWN_HEAD, HEAD_BYTES);

	head[0] = TYPE_GET_ID;
	head[1] = head[2] = head[3] = 0;
	return request(e, d, ARRAY_LEN(d), refused);
}

/* A request whose head starts at addr and ends in own memory. */
static enum status read_head(struct engine *e, uint64_t addr, uint32_t bytes, bool *refused)
{
	const uint64_t at = e->own[0].pa.v;
	struct desc d[] = { { addr, bytes, 0, 0 }, { at + OWN_HEAD + bytes, HEAD_BYTES - bytes, 0, 0 },
			    { at + OWN_STATE, 1, DESC_WRITE, 0 } };
	uint32_t *head = own(e, OWN_HEAD, HEAD_BYTES);

	head[0] = head[1] = head[2] = head[3] = 0;
	*(uint8_t *)own(e, OWN_STATE, 1) = 0;
	if (bytes < HEAD_BYTES)
		return request(e, d, 3, refused);
	d[1] = d[2];
	return request(e, d, 2, refused);
}

static enum status blk_reset(struct engine *e)
{
	pci_enable(e->dev, true, true);
	return device_on(e);
}

static enum status ready(struct engine *e, const struct dma_request *rq, uint32_t direction)
{
	enum status s = engine_check(e, rq, direction);

	return s || ((struct virtio *)e->priv)->sound ? s : blk_reset(e);
}

static enum status blk_write(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome)
{
	struct virtio *v = e->priv;
	enum status s = ready(e, rq, DMA_CAN_WRITE);
	bool refused = false;

	*outcome = DMA_UNKNOWN;
	if (s)
		return s;
	__builtin_memcpy(rq->data, v->id, rq->len_bytes);
	s = get_id(e, rq->iova.v, rq->len_bytes, &refused);
	if (refused)
		*outcome = DMA_REFUSED;
	return s;
}

static enum status blk_read(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome)
{
	enum status s = ready(e, rq, DMA_CAN_READ);
	bool refused = false;

	rq->echo_n = 0;
	*outcome = DMA_UNKNOWN;
	if (s)
		return s;
	s = read_head(e, rq->iova.v, rq->len_bytes, &refused);
	if (s == OK)
		*outcome = !refused && *(uint8_t *)own(e, OWN_STATE, 1) == STATE_UNKNOWN ? DMA_DONE : DMA_REFUSED;
	return s;
}

static bool blk_alive(struct engine *e)
{
	struct virtio *v = e->priv;
	bool refused = false;

	if (v->sound && !(status_now(v) & STATUS_BROKEN))
		return true;
	return get_id(e, e->own[0].pa.v + OWN_DATA, HEAD_BYTES, &refused) == OK && !refused;
}

static void blk_quiesce(struct engine *e)
{
	struct virtio *v = e->priv;

	if (!v)
		return;
	if (v->common.len_bytes && device_off(v))
		log_line("virtio-blk: " PCI_FMT " does not stop", PCI_ARGS(e->dev->addr));
	pci_enable(e->dev, true, false);
	engine_give_memory(e, sizeof(*v));
}

/* Opens the window that a vendor capability names. ERR_MALFORMED: it has no room for what is needed. */
static enum status open_part(struct pci_dev *d, uint32_t cap, uint32_t bytes, mmio_t *m, uint32_t *at)
{
	enum status s = pci_bar_map(d, pci_rd(d, cap + VCAP_BAR, 1), m);

	*at = pci_rd(d, cap + VCAP_OFFSET, 4);
	if (s)
		return s;
	return *at <= m->len_bytes && m->len_bytes - *at >= bytes ? OK : ERR_MALFORMED;
}

/* Finds the two structures that are needed. ERR_NOT_FOUND: a device without the modern interface. */
static enum status find_parts(struct pci_dev *d, struct virtio *v)
{
	uint32_t off = pci_rd(d, PCI_CAP_PTR, 1) & 0xfcu;
	enum status s = OK;

	for (unsigned i = 0; i < CAPS_MAX && off >= 0x40 && !s; i++) {
		uint32_t head = pci_rd(d, off, 4), type = pci_rd(d, off + VCAP_TYPE, 1);
		bool vendor = fld_get(CAP_ID, head) == CAP_ID_VENDOR;

		if (vendor && type == VCAP_COMMON && !v->common.len_bytes)
			s = open_part(d, off, VC_BYTES, &v->common, &v->common_at);
		if (vendor && type == VCAP_NOTIFY && !v->notify.len_bytes) {
			s = open_part(d, off, 2, &v->notify, &v->notify_at);
			v->notify_step = pci_rd(d, off + VCAP_MULTIPLIER, 4);
		}
		off = (uint32_t)fld_get(CAP_NEXT, head) & 0xfcu;
	}
	if (s)
		return s;
	return v->common.len_bytes && v->notify.len_bytes ? OK : ERR_NOT_FOUND;
}

/* Learns the serial number; one of less than a transfer's bytes leaves the rest of the buffer as it was. */
static enum status learn_id(struct engine *e)
{
	struct virtio *v = e->priv;
	uint8_t *data = own(e, OWN_DATA, ID_BYTES);
	bool refused = false;
	enum status s;

	for (unsigned i = 0; i < ID_BYTES; i++)
		data[i] = 0xa5;
	s = get_id(e, mem_pa(data).v, HEAD_BYTES, &refused);
	if (s || refused || *(uint8_t *)own(e, OWN_STATE, 1))
		return s ? s : ERR_IO;
	__builtin_memcpy(v->id, data, ID_BYTES);
	return v->id[HEAD_BYTES - 1] == 0xa5 ? ERR_UNSUPPORTED : OK;
}

static enum status bring_up(struct engine *e)
{
	enum status s = find_parts(e->dev, e->priv);

	if (s)
		return s;
	s = blk_reset(e);
	return s ? s : learn_id(e);
}

static bool blk_knows(const struct pci_dev *dev)
{
	return dev->vendor == VIRTIO_VENDOR && (dev->device == BLK_MODERN || dev->device == BLK_TRANSITIONAL);
}

static enum status blk_probe(struct pci_dev *dev, struct engine *e)
{
	enum status s;

	(void)dev; /* e->dev */
	s = engine_take_memory(e, sizeof(struct virtio), OWN_BYTES);
	if (s)
		return s;
	s = bring_up(e);
	if (s) {
		blk_quiesce(e);
		return s;
	}
	e->caps = (struct engine_caps){
		.flags = DMA_CAN_WRITE | DMA_CAN_READ,
		.granule_bytes = TYPE_BYTES, .align_bytes = 1, .max_bytes = HEAD_BYTES, .usual_us = 500,
	};
	return OK;
}

static const struct engine_ops blk_ops = {
	.name = "virtio-blk",
	.knows = blk_knows,
	.probe = blk_probe,
	.write = blk_write,
	.read = blk_read,
	.reset = blk_reset,
	.alive = blk_alive,
	.quiesce = blk_quiesce,
};

ENGINE(blk_ops, 40);
