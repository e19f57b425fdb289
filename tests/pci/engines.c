/*
 * The contract of engines (drivers-pci/engine.h), with translation off: what each promises, it does.
 *
 * edu takes 100 ms a transfer: slow engines are left out here, and tests/pci/edu.c has its own.
 */
#include "drivers-pci/regs.h"
#include "tests/test.h"
#include <string.h>

#define AREA_PAGES 4u
#define MARGIN     64u
#define QUICK_US   10000u
#define BUDGET_US  10000000u

static void fill(struct test *t, uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		p[i] = (uint8_t)prng_next(&t->prng);
}

static bool is_quick(const struct engine *e)
{
	return e->caps.usual_us <= QUICK_US;
}

static bool takes(const struct engine *e, uint32_t off, uint32_t bytes)
{
	return bytes <= e->caps.max_bytes && bytes % e->caps.granule_bytes == 0 && off % e->caps.align_bytes == 0;
}

/* Where transfers go or come from, what is written or was read, and what was asked for. */
struct places {
	struct page *area, *data, *wanted;
};

static struct places places(struct test *t)
{
	return (struct places){
		page_alloc(t, AREA_PAGES * PAGE_BYTES, 0),
		page_alloc(t, AREA_PAGES * PAGE_BYTES, 0),
		page_alloc(t, AREA_PAGES * PAGE_BYTES, 0),
	};
}

/* The device writes bytes at off of an area: they arrive, and nothing beside them changes. */
static void check_write(struct test *t, struct places at, struct engine *e, uint32_t off, uint32_t bytes)
{
	struct page *area = at.area, *data = at.data, *wanted = at.wanted;
	struct dma_request rq = { .iova = IOVA(area->pa.v + off), .len_bytes = bytes, .data = data->p };
	enum dma_outcome outcome = DMA_REFUSED;

	memset(area->p, 0xa5, area->len_bytes);
	fill(t, data->p, bytes);
	memcpy(wanted->p, data->p, bytes);
	must(t, e->ops->write(e, &rq, &outcome), "a write");
	note(t, "%s at " PCI_FMT ": write of %u bytes at offset 0x%x", e->ops->name, PCI_ARGS(e->dev->addr), bytes,
	     off);
	expect_true(t, outcome != DMA_REFUSED, "the engine does not speak of a refusal");
	expect_true(t, !memcmp(area->p + off, data->p, bytes), "memory holds what the engine says that it wrote");
	if (e->caps.flags & DMA_WRITE_ARBITRARY)
		expect_true(t, !memcmp(data->p, wanted->p, bytes), "that is what it was asked to write");
	for (uint64_t i = 0; i < area->len_bytes; i++)
		if ((i < off || i >= off + bytes) && area->p[i] != 0xa5) {
			fail(t, "memory beside the target is unchanged", "offset 0x%llx changed",
			     (unsigned long long)i);
			break;
		}
}

static void check_read(struct test *t, struct places at, struct engine *e, uint32_t off, uint32_t bytes)
{
	struct page *area = at.area, *data = at.data;
	struct dma_request rq = { .iova = IOVA(area->pa.v + off), .len_bytes = bytes, .data = data->p };
	enum dma_outcome outcome = DMA_REFUSED;

	fill(t, area->p + off, bytes);
	memset(data->p, 0, bytes);
	must(t, e->ops->read(e, &rq, &outcome), "a read");
	note(t, "%s at " PCI_FMT ": read of %u bytes at offset 0x%x", e->ops->name, PCI_ARGS(e->dev->addr), bytes, off);
	expect_true(t, outcome != DMA_REFUSED, "the engine does not speak of a refusal");
	if (e->caps.flags & DMA_READ_ALL)
		expect_eq(t, "bytes that it can tell", rq.echo_n, bytes);
	expect_true(t, !memcmp(area->p + off, data->p, rq.echo_n), "it tells what memory holds");
}

static uint32_t least_bytes(const struct engine *e)
{
	return (uint32_t)align_up(16, e->caps.granule_bytes);
}

TEST(engine_write,
     .id = "pci.engine.write",
     .given = "each quick engine that writes, one small transfer",
     .expects = "the bytes arrive and nothing else changes",
     .needs = NEED_ENGINE_WRITE, .budget_us = BUDGET_US)
{
	struct places at = places(t);

	for (unsigned i = 0; i < t->bench->engines_n; i++)
		if (is_quick(&t->bench->engines[i]))
			check_write(t, at, &t->bench->engines[i], 256, least_bytes(&t->bench->engines[i]));
}

TEST(engine_read,
     .id = "pci.engine.read",
     .given = "each quick engine that reads, one small transfer",
     .expects = "it tells what is in memory",
     .needs = NEED_ENGINE_READ, .budget_us = BUDGET_US)
{
	struct places at = places(t);

	for (unsigned i = 0; i < t->bench->engines_n; i++)
		if (is_quick(&t->bench->engines[i]) && (t->bench->engines[i].caps.flags & DMA_CAN_READ))
			check_read(t, at, &t->bench->engines[i], 256, least_bytes(&t->bench->engines[i]));
}

/* Page-crossing, unaligned, short and long: as far as the engine says that it can. */
static void each_shape(struct test *t, struct places at, struct engine *e,
		       void (*body)(struct test *t, struct places at, struct engine *e, uint32_t off, uint32_t bytes))
{
	static const uint32_t lengths[] = { 1, 4, 16, 60, 512, 1536, 4096, 8192 };
	static const uint32_t offsets[] = { 0, 1, 4, 0x7fc, 0xff8, 0xfff };

	for (unsigned l = 0; l < ARRAY_LEN(lengths); l++)
		for (unsigned o = 0; o < ARRAY_LEN(offsets); o++)
			if (takes(e, offsets[o], lengths[l]))
				body(t, at, e, offsets[o], lengths[l]);
}

TEST(engine_write_shapes,
     .id = "pci.engine.write_shapes",
     .given = "quick engines; transfers that cross pages, are unaligned, short, long",
     .expects = "the bytes arrive and nothing else changes",
     .needs = NEED_ENGINE_WRITE, .budget_us = BUDGET_US)
{
	struct places at = places(t);
	const char *last = "";

	/* One engine of each kind. */
	for (unsigned i = 0; i < t->bench->engines_n; i++) {
		struct engine *e = &t->bench->engines[i];

		if (is_quick(e) && e->ops->name != last)
			each_shape(t, at, e, check_write);
		last = e->ops->name;
	}
}

TEST(engine_read_shapes,
     .id = "pci.engine.read_shapes",
     .given = "the best engine that reads; transfers that cross pages, are unaligned, short, long",
     .expects = "it tells what is in memory",
     .needs = NEED_ENGINE_READ, .budget_us = BUDGET_US)
{
	if (!is_quick(t->engine))
		skip_unreached(t, "no engine that reads quickly");
	each_shape(t, places(t), t->engine, check_read);
}

TEST(engine_bad_requests,
     .id = "pci.engine.bad_requests",
     .given = "each engine, a write of no bytes, and one beyond the end of the address space",
     .expects = "an error, and the engine lives",
     .needs = NEED_ENGINE_WRITE, .budget_us = BUDGET_US)
{
	for (unsigned i = 0; i < t->bench->engines_n; i++) {
		struct engine *e = &t->bench->engines[i];
		struct page *p = page_alloc(t, 2 * PAGE_BYTES, 0);
		struct dma_request rq = { .iova = IOVA(p->pa.v), .len_bytes = 0, .data = p->p + PAGE_BYTES };
		enum dma_outcome outcome;

		expect_eq(t, "status of a write of no bytes", (uint64_t)e->ops->write(e, &rq, &outcome),
			  (uint64_t)ERR_INVALID);
		rq.len_bytes = (uint32_t)align_up(PAGE_BYTES, e->caps.granule_bytes);
		rq.iova = IOVA(UINT64_MAX - 511);
		expect_eq(t, "status of a write beyond the end", (uint64_t)e->ops->write(e, &rq, &outcome),
			  (uint64_t)ERR_INVALID);
		expect_true(t, e->ops->alive(e), "the engine lives");
	}
}

TEST(engine_reset,
     .id = "pci.engine.reset",
     .given = "each engine, reset",
     .expects = "it lives and writes as before",
     .needs = NEED_ENGINE_WRITE, .budget_us = BUDGET_US)
{
	struct places at = places(t);

	for (unsigned i = 0; i < t->bench->engines_n; i++) {
		struct engine *e = &t->bench->engines[i];

		must(t, e->ops->reset(e), "a reset");
		expect_true(t, e->ops->alive(e), "the engine lives");
		if (is_quick(e))
			check_write(t, at, e, 0, least_bytes(e));
	}
}

TEST(engine_flr,
     .id = "pci.flr.returns",
     .given = "the best engine, after a function-level reset",
     .expects = "BARs and command are as before, and the engine writes again once it is reset",
     .needs = NEED_ENGINE_WRITE, .budget_us = BUDGET_US)
{
	struct engine *e = t->engine;
	uint32_t bar = pci_rd(e->dev, PCI_BAR0, 4), command = pci_rd(e->dev, PCI_COMMAND, 2);
	enum status s = pci_flr(e->dev);

	if (s == ERR_UNSUPPORTED)
		skip(t, "no function-level reset");
	must(t, s, "a function-level reset");
	expect_eq(t, "BAR 0", pci_rd(e->dev, PCI_BAR0, 4), bar);
	expect_eq(t, "command", pci_rd(e->dev, PCI_COMMAND, 2), command);
	must(t, e->ops->reset(e), "a reset of the engine");
	check_write(t, places(t), e, 0, least_bytes(e));
}

TEST(bus_master_off,
     .id = "pci.command.bus_master",
     .given = "an engine that writes, first with bus mastering, then without",
     .expects = "memory changes, then does not",
     .needs = NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT, .budget_us = BUDGET_US)
{
	struct engine *e = t->engine;
	struct page *p = page_filled(t, 0xa5), *data = page_alloc(t, PAGE_BYTES, 0);
	uint32_t bytes = least_bytes(e), changed = 0;
	struct dma_request rq = { .iova = IOVA(p->pa.v), .len_bytes = bytes, .data = data->p };
	enum dma_outcome outcome;

	check_write(t, places(t), e, 0, bytes);
	pci_enable(e->dev, true, false);
	fill(t, data->p, bytes);
	/* Any status: an engine may well be unable to go on without. */
	(void)e->ops->write(e, &rq, &outcome);
	pci_enable(e->dev, true, true);
	for (uint32_t i = 0; i < PAGE_BYTES; i++)
		changed += p->p[i] != 0xa5;
	expect_eq(t, "bytes that changed without bus mastering", changed, 0);
	must(t, e->ops->reset(e), "a reset of the engine");
	check_write(t, places(t), e, 0, bytes);
}
