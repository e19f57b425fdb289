/*
 * What IO_PAGE_FAULT and PAGE_TAB_HARDWARE_ERROR say of the host walk (AMD IOMMU 2.5.3, 2.5.5).
 */
#include "tests/amdvi/fixture.h"

#define NEEDS (NEED_AMDVI | NEED_AMD_HOST | NEED_ENGINE_DIRECT)

enum defect { ABSENT_1, ABSENT_2, ABSENT_3, ABSENT_4, NO_IW, NO_IR, LEAF_52, LEAF_58, DIR_52, DIR_59, DIR_60, EQUAL,
	ABOVE,
	      LEVEL_1 };

/* One defect in a translation that works. */
static void make_defect(struct test *t, enum defect d)
{
	static const struct { unsigned level; uint64_t clear, set; } all[] = {
		[ABSENT_1] = { 1, V1_PR, 0 }, [ABSENT_2] = { 2, V1_PR, 0 }, [ABSENT_3] = { 3, V1_PR, 0 },
		[ABSENT_4] = { 4, V1_PR, 0 }, [NO_IW] = { 1, V1_IW, 0 }, [NO_IR] = { 1, V1_IR, 0 },
		[LEAF_52] = { 1, 0, BIT(52) }, [LEAF_58] = { 1, 0, BIT(58) }, [DIR_52] = { 2, 0, BIT(52) },
		[DIR_59] = { 2, 0, BIT(59) }, [DIR_60] = { 2, 0, BIT(60) },
		[EQUAL] = { 3, V1_NEXT_LEVEL, FLD(V1_NEXT_LEVEL, 3) }, [ABOVE] = { 3, V1_NEXT_LEVEL, FLD(V1_NEXT_LEVEL,
			4) },
		[LEVEL_1] = { 1, V1_NEXT_LEVEL, FLD(V1_NEXT_LEVEL, 1) },
	};
	uint64_t *e = ax_entry(t, ax_req(t, t->engine), AX_A, all[d].level);

	ax_set(e, (*e & ~all[d].clear) | all[d].set);
	ax_sync(t);
}

/* A refused request and its IO_PAGE_FAULT. */
static bool refused(struct test *t, enum defect d, bool write, struct amdvi_event *e)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);

	make_defect(t, d);
	return ax_dma(t, AX_A, p, write, DMA_REFUSED) && ax_expect_event(t, EV_IO_PAGE_FAULT, e);
}

/* ---- that there is an event, and PR ---- */

static void absent(struct test *t)
{
	struct amdvi_event e;

	if (refused(t, (enum defect)t->desc->arg, true, &e))
		expect_eq(t, "PR", e.pr, 0);
}

#define ABSENT(level_, row_) \
	{ .id = "amdvi.pt.fault.absent" #level_, .checks = row_, .given = "PR = 0 at level " #level_ ", a write", \
	  .expects = "IO_PAGE_FAULT with PR = 0", .needs = NEEDS | NEED_ENGINE_WRITE, .arg = ABSENT_##level_, \
	  .body = absent }

TEST_TABLE(pt_fault_absent, ABSENT(1, "AMD-PT-026"), ABSENT(2, "AMD-PT-027"), ABSENT(3, "AMD-PT-028"),
	   ABSENT(4, "AMD-PT-029"));

/* ---- flags of a permission fault ---- */

TEST(pt_fault_permission, .id = "amdvi.pt.fault.permission", .checks = "AMD-PT-040", .given = "IW = 0, a write",
     .expects = "PR = 1, PE = 1", .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct amdvi_event e;

	if (!refused(t, NO_IW, true, &e))
		return;
	expect_eq(t, "PR", e.pr, 1);
	expect_eq(t, "PE", e.pe, 1);
}

TEST(pt_fault_permission_rz, .id = "amdvi.pt.fault.permission_rz", .checks = "AMD-PT-041", .given = "IW = 0, a write",
     .expects = "RZ = 0", .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct amdvi_event e;

	if (refused(t, NO_IW, true, &e))
		expect_eq(t, "RZ", e.rz, 0);
}

static void direction(struct test *t)
{
	struct amdvi_event e;

	if (!refused(t, t->desc->arg ? NO_IW : NO_IR, t->desc->arg, &e) || !expect_eq(t, "PR", e.pr, 1))
		return;
	expect_eq(t, "RW", e.rw, t->desc->arg);
}

TEST_TABLE(pt_fault_direction,
	{ .id = "amdvi.pt.fault.rw_write", .checks = "AMD-PT-042", .given = "IW = 0, a write",
	  .expects = "PR = 1, RW = 1",
	  .needs = NEEDS | NEED_ENGINE_WRITE, .arg = 1, .body = direction },
	{ .id = "amdvi.pt.fault.rw_read", .checks = "AMD-PT-042", .given = "IR = 0, a read",
	  .expects = "PR = 1, RW = 0",
	  .needs = NEEDS | NEED_ENGINE_READ, .arg = 0, .body = direction });

/* ---- whose, and where ---- */

TEST(pt_fault_address, .id = "amdvi.pt.fault.address", .checks = "AMD-PT-043", .given = "a write to an absent page",
     .expects = "the page of the request", .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct amdvi_event e;

	if (refused(t, ABSENT_1, true, &e))
		ax_expect_address(t, &e, AX_A.v, PAGE_BYTES);
}

TEST(pt_fault_low_bits, .id = "amdvi.pt.fault.low_bits", .checks = "AMD-PT-044", .given = "a write into an absent page",
     .expects = "the low 12 bits of the request, too", .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	iova_t at = iova_add(AX_A, 1024);
	struct amdvi_event e;

	make_defect(t, ABSENT_1);
	if (ax_dma(t, at, p, true, DMA_REFUSED) && ax_expect_event(t, EV_IO_PAGE_FAULT, &e))
		observe(t, e.address == at.v ? "the low bits are there" : "low bits 0x%llx",
			(unsigned long long)(e.address % PAGE_BYTES));
}

TEST(pt_fault_flags, .id = "amdvi.pt.fault.flags", .checks = "AMD-PT-046", .given = "a write to an absent page",
     .expects = "GN = 0, I = 0, TR = 0", .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct amdvi_event e;

	if (!refused(t, ABSENT_1, true, &e))
		return;
	expect_eq(t, "GN", e.gn, 0);
	expect_eq(t, "I", e.i, 0);
	expect_eq(t, "TR", e.tr, 0);
}

TEST(pt_fault_bus, .id = "amdvi.pt.fault.device_id", .checks = "AMD-PT-045",
     .given = "an engine on a bus other than 0, an unmapped page", .expects = "the event has its full device id",
     .needs = NEED_AMDVI | NEED_AMD_HOST)
{
	struct page *p = page_filled(t, 0xa5);
	struct engine *e = NULL;
	struct amdvi_event ev;

	for (unsigned i = 0; i < t->bench->engines_n && !e; i++)
		if (fld_get(SID_BUS, t->bench->engines[i].dev->addr.sid) &&
		    (t->bench->engines[i].caps.flags & (DMA_DIRECT | DMA_CAN_WRITE)) == (DMA_DIRECT | DMA_CAN_WRITE))
			e = &t->bench->engines[i];
	if (!e)
		skip_unreached(t, "no engine on a bus other than 0");
	ax_prepare(t, NULL);
	ax_add(t, e);
	ax_map_sized(t, ax_req(t, e), AX_A, p->pa, 12, PERM_RW);
	ax_on(t);
	if (expect_write_by(t, e, AX_A, dma_small_bytes(t, e), p, 0, DMA_DONE) &&
	    expect_write_by(t, e, AX_B, dma_small_bytes(t, e), p, 0, DMA_REFUSED) &&
	    ax_expect_event(t, EV_IO_PAGE_FAULT, &ev))
		ax_expect_requester(t, &ev, e);
}

TEST(pt_fault_crossing, .id = "amdvi.pt.fault.crossing", .checks = "AMD-PT-074",
     .given = "a transfer from a mapped page into an unmapped one",
     .expects = "the event names the second page, whose frame is unchanged", .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct page *p = page_alloc(t, 2 * PAGE_BYTES, 0);
	uint32_t n = 2 * dma_small_bytes(t, t->engine);
	struct amdvi_event e;

	ax_start(t, NULL);
	ax_map_sized(t, ax_req(t, t->engine), AX_A, p->pa, 12, PERM_RW);
	ax_sync(t);
	if (!expect_write(t, AX_A, p, 0, DMA_DONE))
		return;
	(void)try_write(t, t->engine, iova_add(AX_A, PAGE_BYTES - n / 2), n, NULL, 0);
	expect_eq(t, "first byte behind the mapped page", p->p[PAGE_BYTES], 0);
	if (ax_expect_event(t, EV_IO_PAGE_FAULT, &e))
		ax_expect_address(t, &e, AX_A.v + PAGE_BYTES, PAGE_BYTES);
}

/* ---- reserved bits and level encodings ---- */

#define RZ_SHIFT 16

static void encoding(struct test *t)
{
	bool rz = t->desc->arg >= RZ_SHIFT;
	struct amdvi_event e;

	if (!refused(t, (enum defect)(t->desc->arg % RZ_SHIFT), true, &e))
		return;
	expect_eq(t, "PR", e.pr, 1);
	expect_eq(t, "RZ", e.rz, rz);
}

#define ENCODING(id_, row_, given_, arg_) \
	{ .id = "amdvi.pt.fault." id_, .checks = row_, .given = given_, \
	  .expects = (arg_) >= RZ_SHIFT ? "blocked, IO_PAGE_FAULT with PR = 1, RZ = 1" : \
					  "blocked, IO_PAGE_FAULT with PR = 1, RZ = 0", \
	  .needs = NEEDS | NEED_ENGINE_WRITE, .arg = arg_, .body = encoding }

TEST_TABLE(pt_fault_encoding, ENCODING("leaf52", "AMD-PT-047", "bit 52 set in a leaf", RZ_SHIFT + LEAF_52),
	   ENCODING("leaf58", "AMD-PT-048", "bit 58 set in a leaf", RZ_SHIFT + LEAF_58),
	   ENCODING("dir52", "AMD-PT-049", "bit 52 set in a directory", RZ_SHIFT + DIR_52),
	   ENCODING("dir59", "AMD-PT-050", "bit 59 set in a directory", RZ_SHIFT + DIR_59),
	   ENCODING("dir60", "AMD-PT-051", "bit 60 set in a directory", RZ_SHIFT + DIR_60),
	   ENCODING("level_equal", "AMD-PT-058", "NextLevel 3 at level 3", EQUAL),
	   ENCODING("level_above", "AMD-PT-059", "NextLevel 4 at level 3", ABOVE),
	   ENCODING("level_of_leaf", "AMD-PT-060", "NextLevel 1 at level 1", LEVEL_1));

TEST(pt_fault_reach, .id = "amdvi.pt.fault.reach", .checks = "AMD-PT-072",
     .given = "Mode = 3, bit 39 of the address set",
     .expects = "PR = 0 is expected", .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct page *p = ax_start_mapped(t, &(struct ax_options){ .levels = 3 }, AX_A);
	struct amdvi_event e;

	if (ax_dma(t, IOVA(AX_A.v | BIT(39)), p, true, DMA_REFUSED) && ax_expect_event(t, EV_IO_PAGE_FAULT, &e))
		observe(t, "PR = %u", e.pr);
}

/* ---- tables that nothing answers ---- */

static bool root_in_hole(struct test *t, struct amdvi_event *e, pa_t *hole)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	struct ax_req *r = ax_req(t, t->engine);

	*hole = page_unbacked(t);
	ax_set(r->dte, amdvi_dte_host(*hole, r->levels, r->domain_id, PERM_RW).w[0]);
	ax_sync(t);
	return ax_dma(t, AX_A, p, true, DMA_REFUSED) && ax_expect_event(t, EV_PAGETAB_HW, e);
}

TEST(pt_hole, .id = "amdvi.pt.hole.logged", .checks = "AMD-PT-080", .given = "a root table that nothing answers",
     .expects = "PAGE_TAB_HARDWARE_ERROR with the address of the entry", .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct amdvi_event e;
	pa_t hole;

	/* Bits 3:0 of the address do not count. */
	if (root_in_hole(t, &e, &hole))
		ax_expect_address(t, &e, hole.v + 8 * (shr(AX_A.v, 39) % 512), 16);
}

TEST(pt_hole_domain, .id = "amdvi.pt.hole.domain_id", .checks = "AMD-PT-081",
     .given = "a root table that nothing answers",
     .expects = "the event has the DomainID", .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct amdvi_event e;
	pa_t hole;

	if (root_in_hole(t, &e, &hole))
		expect_eq(t, "DomainID", e.domain_id, ax_req(t, t->engine)->domain_id);
}

/* ---- the interrupt range ---- */

TEST(pt_fee_write, .id = "amdvi.pt.fee.write", .checks = "AMD-PT-095",
     .given = "FEE0_0000h mapped to a frame, a message there",
     .expects = "the frame stays unchanged", .needs = NEED_AMDVI | NEED_AMD_HOST | NEED_ENGINE_MSI)
{
	struct page *p = page_filled(t, 0xa5);
	uint64_t address;
	uint32_t data;
	unsigned v = irq_for(t, &address, &data);

	ax_start(t, NULL);
	ax_map_sized(t, ax_req(t, t->engine), IOVA(0xfee00000), p->pa, 12, PERM_RW);
	ax_sync(t);
	must(t, t->engine->ops->msi(t->engine, address, data), "sending a message");
	time_sleep_us(1000);
	expect_eq(t, "messages", irq_take(v), 1);
	for (unsigned i = 0; i < PAGE_BYTES; i++)
		if (p->p[i] != 0xa5) {
			fail(t, "the frame unchanged", "a byte of it changed");
			return;
		}
}

TEST(pt_fee_read, .id = "amdvi.pt.fee.read", .checks = "AMD-PT-096 AMD-EVT-029",
     .given = "FEE0_0000h mapped to a frame, a read there",
     .expects = "aborted, INVALID_DEVICE_REQUEST of type 0, with device id and address",
     .needs = NEEDS | NEED_ENGINE_READ)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	struct amdvi_event e;

	ax_map_sized(t, ax_req(t, t->engine), IOVA(0xfee00000), p->pa, 12, PERM_RW);
	ax_sync(t);
	if (!ax_dma(t, IOVA(0xfee00000), p, false, DMA_REFUSED) || !ax_expect_event(t, EV_INVALID_REQUEST, &e))
		return;
	expect_eq(t, "Type", fld_get(EV_TYPE_8, e.raw[0]), 0);
	ax_expect_requester(t, &e, t->engine);
	ax_expect_address(t, &e, 0xfee00000, PAGE_BYTES);
}
