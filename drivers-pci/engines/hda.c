/*
 * Engine: a High Definition Audio controller (HDA 1.0a) and any codec behind it, polled.
 *
 * Software puts verbs into a ring (CORB), the codec answers them, and the controller writes each answer with its
 * address, 8 bytes, into another ring (RIRB). The verbs read parameters of the codec's root node and change nothing;
 * the answers are known beforehand. For a transfer the answers' ring is laid so that its next places are the iova:
 * its base is a multiple of 128, so first the place within 128 is reached by answers into own memory. Verbs of any
 * content could do anything to a codec, so there is no read.
 *
 * A verb that the controller could not fetch stays without an answer. Then the same codec is asked by registers: its
 * answer there comes later on the same link, so the first one does not come any more.
 */
#include "drivers-pci/engine.h"

#define HDA_CLASS       0x040300u
#define HDA_REGS_BYTES  0x6cu

#define HDA_GCAP        ((reg16_t){ 0x00 })
#define   GCAP_64          BIT(0)
#define HDA_GCTL        ((reg32_t){ 0x08 })
#define   GCTL_CRST        BIT(0)
#define HDA_STATESTS    ((reg16_t){ 0x0e })
#define   STATESTS_CODECS  BITS(14, 0)
#define HDA_INTCTL      ((reg32_t){ 0x20 })
#define HDA_CORBLBASE   ((reg32_t){ 0x40 })
#define HDA_CORBUBASE   ((reg32_t){ 0x44 })
#define HDA_CORBWP      ((reg16_t){ 0x48 })
#define HDA_CORBRP      ((reg16_t){ 0x4a })
#define   POINTER          BITS(7, 0)
#define   POINTER_RESET    BIT(15)
#define HDA_CORBCTL     ((reg8_t){ 0x4c })
#define   CORBCTL_RUN      BIT(1)
#define HDA_CORBSIZE    ((reg8_t){ 0x4e })
#define HDA_RIRBLBASE   ((reg32_t){ 0x50 })
#define HDA_RIRBUBASE   ((reg32_t){ 0x54 })
#define HDA_RIRBWP      ((reg16_t){ 0x58 })
#define HDA_RINTCNT     ((reg16_t){ 0x5a })
#define HDA_RIRBCTL     ((reg8_t){ 0x5c })
#define   RIRBCTL_INT      BIT(0) /* QEMU goes on after RINTCNT answers only where this is set */
#define   RIRBCTL_RUN      BIT(1)
#define HDA_RIRBSTS     ((reg8_t){ 0x5d })
#define   RIRBSTS_W1C      (BIT(0) | BIT(2))
#define HDA_RIRBSIZE    ((reg8_t){ 0x5e })
#define   SIZE             BITS(1, 0)
#define   SIZE_256         2
#define   SIZE_CAN_256     BIT(6)
#define HDA_ICW         ((reg32_t){ 0x60 })
#define HDA_ICS         ((reg16_t){ 0x68 })
#define   ICS_BUSY         BIT(0)
#define   ICS_VALID        BIT(1)

#define RING            256u
#define ANSWER_BYTES    8u
#define BASE_ALIGN      128u
#define MAX_BYTES       128u
#define OWN_VERBS       0x0000u
#define OWN_ANSWERS     0x1000u
#define OWN_BYTES       0x2000u
/* A verb: codec, node 0, F00h (get parameter), which one. */
#define VERB_CODEC      BITS(31, 28)
#define VERB_GET        0x000f0000u
#define PARAM_VENDOR    0x00u
#define PARAM_REVISION  0x02u
#define PARAM_NODES     0x04u
#define PARAMS          3u

#define WAIT_US         1000000
#define ANSWER_US       20000   /* many times what a codec takes (two frames of 21 us) */
#define CODEC_US        1000    /* HDA 4.3: 521 us for codecs to announce themselves */

struct hda {
	mmio_t regs;
	uint32_t codec;
	bool sound;                       /* all answers came */
	unsigned sent, got;               /* places of the last verb and of the last answer */
	uint8_t answers[PARAMS][ANSWER_BYTES];
};

static enum status wait_reg8(const struct hda *h, reg8_t reg, uint64_t bit, bool set)
{
	deadline_t end = deadline_in_us(WAIT_US);

	while (!(mmio_rd(&h->regs, reg) & bit) == set)
		if (deadline_over(&end))
			return ERR_TIMEOUT;
	return OK;
}

static enum status rings_stop(const struct hda *h)
{
	enum status s, s2;

	mmio_wr(&h->regs, HDA_CORBCTL, (uint8_t)0);
	s = wait_reg8(h, HDA_CORBCTL, CORBCTL_RUN, false);
	mmio_wr(&h->regs, HDA_RIRBCTL, (uint8_t)0);
	s2 = wait_reg8(h, HDA_RIRBCTL, RIRBCTL_RUN, false);
	return s ? s : s2;
}

/* Lays the answers' ring, which must be stopped, and starts both. */
static void rings_run(const struct hda *h, uint64_t answers)
{
	mmio_wr(&h->regs, HDA_RIRBLBASE, (uint32_t)fld_get(BITS(31, 0), answers));
	mmio_wr(&h->regs, HDA_RIRBUBASE, (uint32_t)fld_get(BITS(63, 32), answers));
	mmio_wr(&h->regs, HDA_RIRBCTL, (uint8_t)(RIRBCTL_RUN | RIRBCTL_INT));
	mmio_wr(&h->regs, HDA_CORBCTL, (uint8_t)CORBCTL_RUN);
}

/* True where the codec answers by registers; the rings are stopped. False also where those are not there. */
static bool answers_by_registers(const struct hda *h)
{
	deadline_t end = deadline_in_us(ANSWER_US);

	mmio_wr(&h->regs, HDA_ICS, (uint16_t)ICS_VALID);
	mmio_wr(&h->regs, HDA_ICW, h->codec | VERB_GET | PARAM_VENDOR);
	mmio_wr(&h->regs, HDA_ICS, (uint16_t)ICS_BUSY);
	while ((mmio_rd(&h->regs, HDA_ICS) & (ICS_BUSY | ICS_VALID)) != ICS_VALID)
		if (deadline_over(&end))
			return false;
	return true;
}

/* Waits until answers have come up to place h->sent. ERR_TIMEOUT: they will not. */
static enum status wait_answers(struct hda *h)
{
	deadline_t end = deadline_in_us(WAIT_US), soon = deadline_in_us(ANSWER_US);
	unsigned last = h->got;

	for (;;) {
		bool over = deadline_over(&end), late = deadline_over(&soon);

		h->got = (unsigned)fld_get(POINTER, mmio_rd(&h->regs, HDA_RIRBWP));
		if (h->got == h->sent)
			return OK;
		mmio_wr(&h->regs, HDA_RIRBSTS, (uint8_t)RIRBSTS_W1C);
		if (h->got != last)
			soon = deadline_in_us(ANSWER_US);
		last = h->got;
		if (over || (late && rings_stop(h) == OK && answers_by_registers(h)))
			break;
	}
	run_extend_us(time_us() - end.start_us);
	return ERR_TIMEOUT;
}

/* Sends n verbs, for the parameters in turn, and waits for their answers. */
static enum status ask(struct engine *e, unsigned n)
{
	struct hda *h = e->priv;
	static const uint8_t params[PARAMS] = { PARAM_VENDOR, PARAM_REVISION, PARAM_NODES };
	uint32_t *verbs = mem_ptr(pa_add(e->own[0].pa, OWN_VERBS), RING * sizeof(*verbs));

	for (unsigned i = 0; i < n; i++) {
		h->sent = (h->sent + 1) % RING;
		verbs[h->sent] = h->codec | VERB_GET | params[i % PARAMS];
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	mmio_wr(&h->regs, HDA_CORBWP, (uint16_t)h->sent);
	return n ? wait_answers(h) : OK;
}

/* Has n answers written from addr on, a multiple of 8; the ring comes to the right place in own memory first. */
static enum status answers_to(struct engine *e, uint64_t addr, unsigned n)
{
	struct hda *h = e->priv;
	const unsigned first = (unsigned)(addr % BASE_ALIGN) / ANSWER_BYTES;
	/* Half a ring at most in one go, so that the ring of verbs never looks full or empty by mistake. */
	unsigned skip = (first + 2 * RING - 1 - h->sent) % RING, half = skip / 2;
	enum status s = rings_stop(h);

	h->sound = false;
	if (s)
		return s;
	rings_run(h, e->own[0].pa.v + OWN_ANSWERS);
	s = ask(e, half);
	s = s ? s : ask(e, skip - half);
	s = s ? s : rings_stop(h);
	if (s)
		return s;
	rings_run(h, align_down(addr, BASE_ALIGN));
	s = ask(e, n);
	if (s)
		return s;
	h->sound = true;
	return rings_stop(h);
}

/* The controller through its reset, the first codec found, and both rings empty. */
static enum status controller_start(struct engine *e)
{
	struct hda *h = e->priv;
	const uint64_t verbs = e->own[0].pa.v + OWN_VERBS;
	const reg8_t gctl = { HDA_GCTL.off };
	uint64_t codecs;
	enum status s;

	mmio_wr(&h->regs, HDA_GCTL, 0u);
	s = wait_reg8(h, gctl, GCTL_CRST, false);
	mmio_wr(&h->regs, HDA_GCTL, (uint32_t)GCTL_CRST);
	s = s ? s : wait_reg8(h, gctl, GCTL_CRST, true);
	if (s)
		return s;
	time_sleep_us(CODEC_US);
	codecs = mmio_rd(&h->regs, HDA_STATESTS) & STATESTS_CODECS;
	if (!codecs)
		return ERR_NOT_FOUND;
	h->codec = 0;
	while (!(codecs & pow2((unsigned)fld_get(VERB_CODEC, h->codec))))
		h->codec += (uint32_t)LOWBIT(VERB_CODEC);
	mmio_wr(&h->regs, HDA_INTCTL, 0u);
	mmio_wr(&h->regs, HDA_CORBSIZE, (uint8_t)fld_set(SIZE, mmio_rd(&h->regs, HDA_CORBSIZE), SIZE_256));
	mmio_wr(&h->regs, HDA_RIRBSIZE, (uint8_t)fld_set(SIZE, mmio_rd(&h->regs, HDA_RIRBSIZE), SIZE_256));
	mmio_wr(&h->regs, HDA_CORBLBASE, (uint32_t)fld_get(BITS(31, 0), verbs));
	mmio_wr(&h->regs, HDA_CORBUBASE, (uint32_t)fld_get(BITS(63, 32), verbs));
	mmio_wr(&h->regs, HDA_CORBWP, (uint16_t)0);
	mmio_wr(&h->regs, HDA_CORBRP, (uint16_t)POINTER_RESET);
	mmio_wr(&h->regs, HDA_CORBRP, (uint16_t)0);
	mmio_wr(&h->regs, HDA_RIRBWP, (uint16_t)POINTER_RESET);
	mmio_wr(&h->regs, HDA_RINTCNT, (uint16_t)128);
	h->sent = h->got = 0;
	return OK;
}

static enum status hda_reset(struct engine *e)
{
	struct hda *h = e->priv;

	h->sound = false;
	pci_enable(e->dev, true, true);
	(void)!rings_stop(h); /* the reset comes anyway */
	return controller_start(e);
}

static enum status hda_write(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome)
{
	struct hda *h = e->priv;
	enum status s = engine_check(e, rq, DMA_CAN_WRITE);
	uint8_t *data = rq->data;

	*outcome = DMA_UNKNOWN;
	if (s == OK && !h->sound)
		s = hda_reset(e);
	if (s)
		return s;
	for (unsigned i = 0; i < rq->len_bytes / ANSWER_BYTES; i++)
		__builtin_memcpy(data + i * ANSWER_BYTES, h->answers[i % PARAMS], ANSWER_BYTES);
	return answers_to(e, rq->iova.v, rq->len_bytes / ANSWER_BYTES);
}

static enum status hda_read(struct engine *e, struct dma_request *rq, enum dma_outcome *outcome)
{
	(void)e;
	(void)rq;
	(void)outcome;
	return ERR_UNSUPPORTED;
}

static bool hda_alive(struct engine *e)
{
	struct hda *h = e->priv;

	return h->sound || answers_to(e, e->own[0].pa.v + OWN_ANSWERS, 1) == OK;
}

static void hda_quiesce(struct engine *e)
{
	struct hda *h = e->priv;

	if (!h)
		return;
	if (h->regs.len_bytes && rings_stop(h))
		log_line("hda: " PCI_FMT " does not stop", PCI_ARGS(e->dev->addr));
	pci_enable(e->dev, true, false);
	engine_give_memory(e, sizeof(*h));
}

static enum status bring_up(struct engine *e)
{
	struct hda *h = e->priv;
	const uint8_t *own = mem_ptr(pa_add(e->own[0].pa, OWN_ANSWERS), PAGE_BYTES);
	enum status s = pci_bar_map(e->dev, 0, &h->regs);

	if (s)
		return s;
	if (h->regs.len_bytes < HDA_REGS_BYTES)
		return ERR_MALFORMED;
	if (!(mmio_rd(&h->regs, HDA_GCAP) & GCAP_64) || !(mmio_rd(&h->regs, HDA_CORBSIZE) & SIZE_CAN_256) ||
	    !(mmio_rd(&h->regs, HDA_RIRBSIZE) & SIZE_CAN_256))
		return ERR_UNSUPPORTED;
	s = hda_reset(e);
	/* To the start of the ring, where the answers are learnt from. */
	s = s ? s : answers_to(e, mem_pa(own).v, PARAMS);
	if (s)
		return s;
	__builtin_memcpy(h->answers, own, sizeof(h->answers));
	return OK;
}

static bool hda_knows(const struct pci_dev *dev)
{
	return dev->class_code == HDA_CLASS;
}

static enum status hda_probe(struct pci_dev *dev, struct engine *e)
{
	enum status s;

	(void)dev; /* e->dev */
	s = engine_take_memory(e, sizeof(struct hda), OWN_BYTES);
	if (s)
		return s;
	s = bring_up(e);
	if (s) {
		hda_quiesce(e);
		return s;
	}
	e->caps = (struct engine_caps){
		.flags = DMA_CAN_WRITE,
		.granule_bytes = ANSWER_BYTES, .align_bytes = ANSWER_BYTES, .max_bytes = MAX_BYTES,
		.usual_us = 8000, /* a whole ring of answers at one a frame */
	};
	return OK;
}

static const struct engine_ops hda_ops = {
	.name = "hda",
	.knows = hda_knows,
	.probe = hda_probe,
	.write = hda_write,
	.read = hda_read,
	.reset = hda_reset,
	.alive = hda_alive,
	.quiesce = hda_quiesce,
};

ENGINE(hda_ops, 90);
