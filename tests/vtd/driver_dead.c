/*
 * The driver and a unit that does not answer: registers that keep what is written and no more. Every wait must end with
 * the status that says so, and nothing be kept.
 */
#include "drivers-iommu/vtd/invalidate.h"
#include "drivers-iommu/vtd/queue.h"
#include "drivers-iommu/vtd/rbi.h"
#include "tests/dma/fixture.h"
#include <string.h>

#define WAIT_US 200
#define R_GCMD  0x018u
#define R_GSTS  0x01cu
#define R_CCMD  0x028u
#define R_FSTS  0x034u
#define R_IQH   0x080u
#define R_PMEN  0x064u
#define FRCD    0x200u
#define IVA     0x300u

struct dead {
	struct vtd_unit unit;
	uint32_t obeyed;            /* GCMD bits that show in GSTS */
	bool answers;               /* register-based invalidation: it ends at once, as done says */
	unsigned done;              /* the granularity that it tells; 0: refused */
	uint32_t sticky;            /* FSTS bits that acknowledging does not clear */
	uint8_t regs[PAGE_BYTES];
};

static uint64_t rd(void *ctx, uint32_t off, unsigned bytes)
{
	const struct dead *d = ctx;
	uint64_t v = 0;

	if (off + bytes <= sizeof(d->regs))
		memcpy(&v, d->regs + off, bytes);
	return v;
}

static void put(struct dead *d, uint32_t off, uint32_t v)
{
	memcpy(d->regs + off, &v, sizeof(v));
}

static void answer(struct dead *d, uint32_t off, uint64_t pending, uint64_t told)
{
	uint64_t v = rd(d, off, 8);

	if (!(v & pending))
		return;
	v = fld_set(told, v & ~pending, d->done);
	memcpy(d->regs + off, &v, sizeof(v));
}

static void wr(void *ctx, uint32_t off, uint64_t value, unsigned bytes)
{
	struct dead *d = ctx;

	if (off == R_GCMD)
		put(d, R_GSTS, ((uint32_t)rd(d, R_GSTS, 4) & ~d->obeyed) | ((uint32_t)value & d->obeyed));
	else if (off == R_FSTS)
		put(d, R_FSTS, (uint32_t)rd(d, R_FSTS, 4) & (~(uint32_t)value | d->sticky));
	else if (off + bytes <= sizeof(d->regs))
		memcpy(d->regs + off, &value, bytes);
	if (!d->answers)
		return;
	answer(d, R_CCMD, CCMD_ICC, CCMD_CAIG);
	answer(d, IVA + 8, IOTLB_IVT, IOTLB_IAIG);
}

static const struct mmio_ops ops = { rd, wr };

/* A unit with queue, interrupt remapping, write buffer, protected memory; registers all 0. */
static struct dead *start(struct test *t)
{
	struct dead *d = (struct dead *)(void *)page_alloc(t, sizeof(*d), 0)->p; /* page-aligned */
	uint64_t cap = BIT(4) | BIT(5) | BIT(9) | FLD(BITS(21, 16), 38) | FLD(BITS(33, 24), FRCD / 16);

	d->unit = *t->bench->vtd;
	d->unit.regs = (mmio_t){ .ops = &ops, .ctx = d, .len_bytes = PAGE_BYTES };
	d->unit.caps = vtd_caps_decode(0x10, cap, BIT(0) | BIT(1) | BIT(3) | FLD(BITS(17, 8), IVA / 16));
	d->unit.wait_us = WAIT_US;
	memset(&d->unit.queue, 0, sizeof(d->unit.queue));
	return d;
}

TEST(dead_commands,
     .id = "vtd.driver.dead.commands",
     .given = "global commands and register-based invalidation on a unit that does not answer",
     .expects = "ERR_TIMEOUT; then ERR_BUSY where an operation is pending",
     .needs = NEED_VTD)
{
	struct dead *d = start(t);
	struct vtd_unit *u = &d->unit;

	expect_status(t, "TE on", vtd_translation_on(u), ERR_TIMEOUT);
	put(d, R_GSTS, GSTS_TES);
	expect_status(t, "TE off", vtd_translation_off(u), ERR_TIMEOUT);
	expect_status(t, "SRTP", vtd_srtp(u, PA(0x1000), TTM_LEGACY), ERR_TIMEOUT);
	expect_status(t, "SIRTP", vtd_sirtp(u, PA(0x1000), 8, false), ERR_TIMEOUT);
	expect_status(t, "a context-cache invalidation", vtd_rbi_context(u, FLD(CCMD_CIRG, 1), NULL), ERR_TIMEOUT);
	expect_status(t, "another one", vtd_rbi_context(u, FLD(CCMD_CIRG, 1), NULL), ERR_BUSY);
	expect_status(t, "an IOTLB invalidation", vtd_rbi_iotlb(u, 0, FLD(IOTLB_IIRG, 1), NULL), ERR_TIMEOUT);
	expect_status(t, "another one", vtd_rbi_iotlb(u, 0, FLD(IOTLB_IIRG, 1), NULL), ERR_BUSY);
	put(d, R_GSTS, GCMD_WBF);
	expect_status(t, "write buffer flush", vtd_write_buffer_flush(u), ERR_TIMEOUT);
	expect_status(t, "a new root table", vtd_set_root(u, PA(0x1000), TTM_LEGACY), ERR_TIMEOUT);
	expect_status(t, "a new interrupt table", vtd_set_irt(u, PA(0x1000), 8, false), ERR_TIMEOUT);
	expect_status(t, "an invalidation", vtd_inv_global(u), ERR_TIMEOUT);
}

TEST(dead_queue,
     .id = "vtd.driver.dead.queue",
     .given = "a queue that cannot be turned on, then one that is on but reads nothing, then one that stays stopped",
     .expects = "ERR_TIMEOUT, ERR_FULL, ERR_IO; the memory is given back",
     .needs = NEED_VTD)
{
	size_t before;
	struct dead *d = start(t);
	struct vtd_unit *u = &d->unit;
	struct vtd_desc x = vtd_desc_cc_global();
	unsigned n = 0;

	before = mem_free_pages();
	expect_status(t, "enable", vtd_queue_enable(u, 0, false), ERR_TIMEOUT);
	expect_true(t, !u->queue.on && mem_free_pages() == before, "no memory is kept");
	d->obeyed = GCMD_QIE;
	expect_status(t, "enable", vtd_queue_enable(u, 0, false), OK);
	expect_status(t, "wait", vtd_queue_wait(u), ERR_TIMEOUT);
	while (n < 1000 && vtd_queue_submit(u, &x, 1) == OK)
		n++;
	expect_eq(t, "descriptors until it is full", n, 256 - 1 - 1);
	expect_status(t, "wait in a full queue", vtd_queue_wait(u), ERR_TIMEOUT);
	put(d, R_FSTS, FSTS_IQE);
	d->sticky = FSTS_IQE;
	expect_status(t, "wait while it is stopped", vtd_queue_wait(u), ERR_IO);
	expect_status(t, "recovery while it stays stopped", vtd_queue_recover(u), ERR_IO);
	put(d, R_FSTS, 0);
	expect_status(t, "disable", vtd_queue_disable(u), OK);
	expect_true(t, !u->queue.on && mem_free_pages() == before, "no memory is kept");
}

/* Something that will not go off does not keep the rest on. */
TEST(dead_quiesce,
     .id = "vtd.driver.dead.quiesce",
     .given = "a unit quiesced whose queue, or translation, or protected memory does not go off",
     .expects = "ERR_TIMEOUT; all the rest is off, events are masked",
     .needs = NEED_VTD)
{
	static const uint32_t level[] = { GCMD_QIE, GCMD_TE, GCMD_IRE, GCMD_CFI };
	struct dead *d = start(t);
	struct vtd_unit *u = &d->unit;
	uint32_t all = GCMD_QIE | GCMD_TE | GCMD_IRE | GCMD_CFI;

	for (unsigned i = 0; i < ARRAY_LEN(level); i++) {
		d->obeyed = all & ~level[i];
		put(d, R_GSTS, all);
		put(d, 0x038, 0);
		put(d, 0x0a0, 0);
		expect_status(t, "quiesce", vtd_unit_quiesce(u), ERR_TIMEOUT);
		expect_eq(t, "what stays on", rd(d, R_GSTS, 4), level[i]);
		expect_eq(t, "FECTL", rd(d, 0x038, 4), FECTL_IM);
		expect_eq(t, "IECTL", rd(d, 0x0a0, 4), IECTL_IM);
	}
	d->obeyed = all;
	put(d, R_PMEN, PMEN_EPM | PMEN_PRS);
	expect_status(t, "quiesce", vtd_unit_quiesce(u), ERR_TIMEOUT);
	expect_eq(t, "PMEN.EPM", rd(d, R_PMEN, 4) & PMEN_EPM, 0);
	put(d, R_PMEN, 0);
	expect_status(t, "quiesce", vtd_unit_quiesce(u), OK);
}

/* Refused is not done, though the register is ready again. */
TEST(dead_refuses,
     .id = "vtd.driver.dead.refuses",
     .given = "register-based invalidation on a unit that answers, with the granularity refused, then global",
     .expects = "ERR_IO, then OK",
     .needs = NEED_VTD)
{
	struct dead *d = start(t);
	struct vtd_unit *u = &d->unit;
	struct vtd_desc cc = vtd_desc_cc_global(), iotlb = vtd_desc_iotlb_domain(1, 0);

	d->answers = true;
	d->done = RBI_REFUSED;
	expect_status(t, "a context-cache invalidation", vtd_rbi_descriptor(u, &cc), ERR_IO);
	expect_status(t, "an IOTLB invalidation", vtd_rbi_descriptor(u, &iotlb), ERR_IO);
	d->done = RBI_GLOBAL;
	expect_status(t, "a context-cache invalidation", vtd_rbi_descriptor(u, &cc), OK);
	expect_status(t, "an IOTLB invalidation", vtd_rbi_descriptor(u, &iotlb), OK);
}
