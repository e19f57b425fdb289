/*
 * The device table entry (AMD IOMMU 2.2.2): validity, pass-through, the entry's own permissions. Only data are judged
 * here; what the events say is in dte_events.c.
 */
#include "tests/amdvi/fixture.h"

#define ROW(name_, id_, checks_, given_, expects_, needs_, arg_) \
	{ .id = "amdvi.dte." id_, .checks = checks_, .given = given_, .expects = expects_, \
	  .needs = NEED_AMDVI | NEED_ENGINE_DIRECT | (needs_), .arg = (arg_), .body = name_ }

enum { WRITE = 1 };

static bool wants_write(const struct test *t)
{
	return t->desc->arg & WRITE;
}

/* Translation to p at AX_A, seen to work; then the entry's first word is changed and everything dropped. */
static struct page *start(struct test *t)
{
	return ax_start_mapped(t, NULL, AX_A);
}

static void change(struct test *t, uint64_t w0)
{
	ax_set(ax_req(t, t->engine)->dte, w0);
	ax_sync(t);
}

/* ---- the unit off, the entry invalid ---- */

static void unit_off(struct test *t)
{
	struct page *p = start(t);

	amdvi_ctl_clear(ax_of(t)->u, CTL_IOMMU_EN);
	ax_dma(t, IOVA(p->pa.v), p, wants_write(t), DMA_DONE);
}

static void v0_passes(struct test *t)
{
	struct page *p = start(t);

	change(t, ax_req(t, t->engine)->dte[0] & ~DTE_V);
	ax_dma(t, IOVA(p->pa.v), p, wants_write(t), DMA_DONE);
	ax_expect_no_event(t);
}

static void v0_permissions(struct test *t)
{
	struct page *p = start(t);

	change(t, ax_req(t, t->engine)->dte[0] & ~(DTE_V | DTE_IR | DTE_IW));
	ax_allowed(t, IOVA(p->pa.v), p);
}

static void v0_garbage(struct test *t)
{
	struct page *p = start(t);

	ax_set(ax_req(t, t->engine)->dte + 1, DTE1_DOMAIN_ID);
	change(t, DTE_RSVD_2 | DTE_RSVD_63 | DTE_MODE | DTE_IR | DTE_IW);
	ax_allowed(t, IOVA(p->pa.v), p);
	ax_expect_no_event(t);
}

static void zero_entry(struct test *t)
{
	struct page *p = start(t);
	uint64_t address;
	uint32_t data;
	unsigned v = irq_for(t, &address, &data);

	ax_set_dte(t, ax_req(t, t->engine), (amdvi_dte_t){ 0 });
	ax_sync(t);
	ax_allowed(t, IOVA(p->pa.v), p);
	must(t, t->engine->ops->msi(t->engine, address, data), "sending a message");
	time_sleep_us(1000);
	expect_eq(t, "messages", irq_take(v), 1);
}

static void tv0(struct test *t)
{
	struct page *p = start(t);

	change(t, DTE_V | DTE_IR | DTE_IW);
	ax_dma(t, IOVA(p->pa.v), p, wants_write(t), DMA_REFUSED);
}

TEST_TABLE(dte_valid,
	ROW(unit_off, "iommu_off.read_passes", "AMD-DTE-001", "IommuEn = 0", "reads are not translated",
		NEED_AMD_HOST | NEED_ENGINE_READ, 0),
	ROW(unit_off, "iommu_off.write_passes", "AMD-DTE-002", "IommuEn = 0", "writes are not translated",
	    NEED_AMD_HOST | NEED_ENGINE_WRITE, WRITE),
	ROW(v0_passes, "v0.read_passes", "AMD-DTE-003", "V = 0", "reads pass, no event", NEED_AMD_HOST |
		NEED_ENGINE_READ, 0),
	ROW(v0_passes, "v0.write_passes", "AMD-DTE-004", "V = 0", "writes pass, no event",
	    NEED_AMD_HOST | NEED_ENGINE_WRITE, WRITE),
	ROW(v0_permissions, "v0.ignores_permissions", "AMD-DTE-005", "V = 0, IR = IW = 0", "DMA passes",
	    NEED_AMD_HOST | NEED_ENGINE, 0),
	ROW(v0_garbage, "v0.ignores_reserved", "AMD-DTE-006", "V = 0, reserved bits set", "DMA passes, no event",
	    NEED_AMD_HOST | NEED_ENGINE, 0),
	ROW(tv0, "tv0.read_aborted", "AMD-DTE-007", "V = 1, TV = 0, IR = IW = 1", "reads are aborted",
	    NEED_AMD_HOST | NEED_ENGINE_READ, 0),
	ROW(tv0, "tv0.write_aborted", "AMD-DTE-008", "V = 1, TV = 0, IR = IW = 1", "writes are aborted",
	    NEED_AMD_HOST | NEED_ENGINE_WRITE, WRITE));

TEST(dte_zero,
     .id = "amdvi.dte.zero_passes", .checks = "AMD-DTE-068", .given = "an entry of zeros",
     .expects = "DMA and interrupts pass", .needs = NEED_AMDVI | NEED_AMD_HOST | NEED_ENGINE | NEED_ENGINE_MSI)
{
	zero_entry(t);
}

/* ---- mode 0 ---- */

enum { HAS_R = 2, HAS_W = 4, STOPS = 8 };

static void mode0(struct test *t)
{
	unsigned perm = (t->desc->arg & HAS_R ? PERM_R : 0u) | (t->desc->arg & HAS_W ? PERM_W : 0u);
	struct page *p = start(t);
	struct ax_req *r = ax_req(t, t->engine);

	ax_set_dte(t, r, amdvi_dte_host(PA(0), 0, r->domain_id, PERM_RW));
	ax_sync(t);
	if (!ax_dma(t, IOVA(p->pa.v), p, wants_write(t), DMA_DONE))
		return;
	change(t, amdvi_dte_host(PA(0), 0, r->domain_id, perm).w[0]);
	ax_dma(t, IOVA(p->pa.v), p, wants_write(t), t->desc->arg & STOPS ? DMA_REFUSED : DMA_DONE);
}

static void mode0_blocks_all(struct test *t)
{
	struct page *p = start(t);
	struct ax_req *r = ax_req(t, t->engine);

	ax_set_dte(t, r, amdvi_dte_host(PA(0), 0, r->domain_id, 0));
	ax_sync(t);
	ax_blocked(t, IOVA(p->pa.v), p);
}

static void mode0_root(struct test *t)
{
	struct page *p = start(t);
	struct ax_req *r = ax_req(t, t->engine);

	ax_set_dte(t, r, amdvi_dte_host(page_unbacked(t), 0, r->domain_id, PERM_RW));
	ax_sync(t);
	ax_allowed(t, IOVA(p->pa.v), p);
	ax_expect_no_event(t);
}

TEST_TABLE(dte_mode0,
	ROW(mode0, "mode0.read", "AMD-DTE-010", "Mode = 0, IR = IW = 1", "reads are not translated",
	    NEED_AMD_HOST | NEED_ENGINE_READ, HAS_R | HAS_W),
	ROW(mode0, "mode0.write", "AMD-DTE-011", "Mode = 0, IR = IW = 1", "writes are not translated",
	    NEED_AMD_HOST | NEED_ENGINE_WRITE, HAS_R | HAS_W | WRITE),
	ROW(mode0, "mode0.no_ir.read_aborted", "AMD-DTE-012", "Mode = 0, IR = 0, IW = 1", "reads are aborted",
	    NEED_AMD_HOST | NEED_ENGINE_READ, HAS_W | STOPS),
	ROW(mode0, "mode0.no_ir.write", "AMD-DTE-013", "Mode = 0, IR = 0, IW = 1", "writes pass",
	    NEED_AMD_HOST | NEED_ENGINE_WRITE, HAS_W | WRITE),
	ROW(mode0, "mode0.no_iw.write_aborted", "AMD-DTE-014", "Mode = 0, IR = 1, IW = 0", "writes are aborted",
	    NEED_AMD_HOST | NEED_ENGINE_WRITE, HAS_R | WRITE | STOPS),
	ROW(mode0, "mode0.no_iw.read", "AMD-DTE-015", "Mode = 0, IR = 1, IW = 0", "reads pass",
	    NEED_AMD_HOST | NEED_ENGINE_READ, HAS_R),
	ROW(mode0_root, "mode0.ignores_root", "AMD-DTE-018", "Mode = 0, a root in a hole", "DMA passes",
	    NEED_AMD_HOST | NEED_ENGINE, 0),
	ROW(mode0_blocks_all, "mode0.blocks", "AMD-DTE-067", "V = TV = 1, Mode = 0, IR = IW = 0",
	    "reads and writes are aborted", NEED_AMD_HOST | NEED_ENGINE, 0));

/* ---- illegal values ---- */

static void reserved_bits(struct test *t)
{
	struct page *p = start(t);

	ax_each_bit_blocks(t, ax_req(t, t->engine)->dte, t->desc->arg, AX_A, p);
}

static void mode7(struct test *t)
{
	struct page *p = start(t);

	change(t, ax_req(t, t->engine)->dte[0] | DTE_MODE);
	ax_blocked(t, AX_A, p);
}

static void mode_too_deep(struct test *t)
{
	unsigned deepest = ax_of(t) ? 0 : t->bench->amdvi->caps.levels_max;
	struct page *p;

	if (deepest >= 6)
		skip(t, "EFR.HATS = 10b: no legal mode is too deep");
	p = start(t);
	change(t, fld_set(DTE_MODE, ax_req(t, t->engine)->dte[0], deepest + 1));
	ax_blocked(t, AX_A, p);
	observe(t, "event code %u", amdvi_log_waiting(ax_of(t)->u, LOG_EVENTS) ? 1 : 0);
}

/* Interrupt words are not looked at for DMA while IV = 0. */
static void reserved_without_iv(struct test *t)
{
	struct page *p = start(t);
	unsigned bit = (unsigned)t->desc->arg;
	uint64_t *word = ax_req(t, t->engine)->dte + bit / 64;

	ax_set(word, *word | BIT(bit % 64));
	ax_sync(t);
	ax_allowed(t, AX_A, p);
	ax_expect_no_event(t);
}

TEST_TABLE(dte_illegal,
	ROW(reserved_bits, "reserved.low_blocks", "AMD-DTE-019 AMD-DTE-020", "each of bits 6:2 alone set, V = 1",
	    "DMA is aborted", NEED_AMD_HOST | NEED_ENGINE, DTE_RSVD_2),
	ROW(reserved_bits, "reserved.bit63_blocks", "AMD-DTE-021", "bit 63 set, V = 1", "DMA is aborted",
	    NEED_AMD_HOST | NEED_ENGINE, DTE_RSVD_63),
	ROW(mode7, "mode7.aborts", "AMD-DTE-030", "Mode = 111b", "DMA is aborted", NEED_AMD_HOST | NEED_ENGINE, 0),
	ROW(mode_too_deep, "mode_too_deep.aborts", "AMD-DTE-032", "Mode beyond HATS", "DMA is aborted",
	    NEED_AMD_HOST | NEED_ENGINE, 0),
	ROW(reserved_without_iv, "reserved.bit181_iv0", "AMD-DTE-027", "bit 181 set, IV = 0", "DMA works",
	    NEED_AMD_HOST | NEED_ENGINE, 181),
	ROW(reserved_without_iv, "reserved.bit200_iv0", "AMD-DTE-028", "bit 200 set, IV = 0", "DMA works",
	    NEED_AMD_HOST | NEED_ENGINE, 200));

/* ---- bits that must not change the translation ---- */

static void harmless(struct test *t)
{
	struct page *p = start(t);

	ax_each_bit_harmless(t, ax_req(t, t->engine)->dte + 1, t->desc->arg, AX_A, p);
}

TEST_TABLE(dte_hints,
	ROW(harmless, "sd.harmless", "AMD-DTE-063", "SD = 1", "the same translation", NEED_AMD_HOST | NEED_ENGINE,
		DTE1_SD),
	ROW(harmless, "cache.harmless", "AMD-DTE-064", "Cache = 1", "the same translation", NEED_AMD_HOST | NEED_ENGINE,
	    DTE1_CACHE));

/* ---- which entry ---- */

TEST(dte_own,
     .id = "amdvi.dte.own_entry", .checks = "AMD-DTE-037 AMD-PT-094",
     .given = "two functions, one address, two spaces and domain ids", .expects = "each reaches its own page",
     .needs = NEED_AMDVI | NEED_AMD_HOST | NEED_ENGINE_DIRECT | NEED_ENGINE | NEED_ENGINE_2)
{
	struct page *p = start(t), *q = page_filled(t, 0x3c);
	uint32_t n = dma_small_bytes(t, t->engine2);

	ax_map_sized(t, ax_req(t, t->engine2), AX_A, q->pa, 12, PERM_RW);
	ax_sync(t);
	expect_write_by(t, t->engine2, AX_A, n, q, 0, DMA_DONE);
	expect_read_by(t, t->engine2, AX_A, n, q, 0, DMA_DONE);
	ax_allowed(t, AX_A, p);
}

static struct engine *engine_above_bus0(struct test *t)
{
	for (unsigned i = 0; i < t->bench->engines_n; i++) {
		struct engine *e = &t->bench->engines[i];

		if (fld_get(SID_BUS, e->dev->addr.sid) && (e->caps.flags & DMA_DIRECT) &&
			(e->caps.flags & DMA_CAN_WRITE))
			return e;
	}
	skip_unreached(t, "no engine on a bus other than 0");
}

TEST(dte_bus,
     .id = "amdvi.dte.other_bus", .checks = "AMD-DTE-038",
     .given = "an engine on a bus other than 0, device id above 255",
     .expects = "its requests use the entry at base + 32 * device id",
     .needs = NEED_AMDVI | NEED_AMD_HOST)
{
	struct page *p = page_filled(t, 0xa5);
	struct engine *e = engine_above_bus0(t);

	ax_prepare(t, NULL);
	ax_add(t, e);
	ax_map_sized(t, ax_req(t, e), AX_A, p->pa, 12, PERM_RW);
	ax_on(t);
	expect_write_by(t, e, AX_A, dma_small_bytes(t, e), p, 0, DMA_DONE);
	expect_write_by(t, e, AX_B, dma_small_bytes(t, e), p, 0, DMA_REFUSED);
}

static void beyond_table(struct test *t)
{
	struct page *p = page_filled(t, 0xa5);
	struct engine *e = NULL;

	/* A table of one page reaches device id 127; the next page holds good entries all the same. */
	for (unsigned i = 0; i < t->bench->engines_n && !e; i++)
		if (t->bench->engines[i].dev->addr.sid >= 128 && (t->bench->engines[i].caps.flags & DMA_DIRECT))
			e = &t->bench->engines[i];
	if (!e)
		skip_unreached(t, "no engine with a device id above 127");
	ax_prepare(t, NULL);
	ax_add(t, e);
	ax_map_sized(t, ax_req(t, e), AX_A, p->pa, 12, PERM_RW);
	ax_on(t);
	if (!expect_write_by(t, e, AX_A, dma_small_bytes(t, e), p, 0, DMA_DONE))
		return;
	amdvi_ctl_clear(ax_of(t)->u, CTL_IOMMU_EN);
	mmio_wr(ax_regs(t), AMDVI_DEVTAB_BASE, ax_of(t)->devtab.pa[0].v);
	amdvi_ctl_set(ax_of(t)->u, CTL_IOMMU_EN);
	ax_sync(t);
	expect_write_by(t, e, AX_A, dma_small_bytes(t, e), p, 0, DMA_REFUSED);
	if (t->desc->arg)
		ax_expect_event(t, EV_IO_PAGE_FAULT, NULL);
}

TEST_TABLE(dte_beyond,
	{ .id = "amdvi.dte.beyond_table.aborts", .checks = "AMD-DTE-039", .given = "a device id beyond DevTab size",
	  .expects = "DMA is aborted", .needs = NEED_AMDVI | NEED_AMD_HOST, .body = beyond_table },
	{ .id = "amdvi.dte.beyond_table.logs", .checks = "AMD-DTE-040", .given = "a device id beyond DevTab size",
	  .expects = "IO_PAGE_FAULT", .needs = NEED_AMDVI | NEED_AMD_HOST, .arg = 1, .body = beyond_table });
