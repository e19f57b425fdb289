/*
 * The exclusion range (AMD IOMMU 3.4) and device table segments (2.2.2.1).
 */
#include "tests/amdvi/fixture.h"

#define NEEDS (NEED_AMDVI | NEED_AMD_HOST | NEED_ENGINE_DIRECT | NEED_ENGINE)

enum { INSIDE_EX = 1, ALLOW, NEITHER, FIRST, LAST, BEFORE, BEHIND, OFF, NO_PERMISSION };

/*
 * The range is one page of memory, with pages beside it; the same addresses are mapped to other frames,
 	so that it shows
 * whether a request was translated.
 */
static void exclusion(struct test *t)
{
	static const struct { unsigned page; bool excluded; } where[] = {
		[INSIDE_EX] = { 1, true }, [ALLOW] = { 1, true }, [NEITHER] = { 1, false }, [FIRST] = { 1, true },
		[LAST] = { 1, true }, [BEFORE] = { 0, false }, [BEHIND] = { 2, false }, [OFF] = { 1, false },
		[NO_PERMISSION] = { 1, true },
	};
	uint64_t how = t->desc->arg;
	struct page *memory = page_alloc(t, 3 * PAGE_BYTES, 0), *mapped = page_alloc(t, 3 * PAGE_BYTES, 0);
	uint64_t page = where[how].page * PAGE_BYTES, off = how == LAST ? PAGE_BYTES - dma_small_bytes(t, t->engine) :
		0;
	struct ax_req *r;

	ax_start(t, NULL);
	r = ax_req(t, t->engine);
	for (uint64_t i = 0; i < 3 * PAGE_BYTES; i += PAGE_BYTES)
		ax_map_sized(t, r, IOVA(memory->pa.v + i), pa_add(mapped->pa, i), 12, PERM_RW);
	ax_sync(t);
	if (!expect_write(t, IOVA(memory->pa.v + page + off), mapped, page + off, DMA_DONE))
		return;
	if (how != ALLOW && how != NEITHER)
		ax_set(r->dte + 1, r->dte[1] | DTE1_EX);
	if (how == NO_PERMISSION)
		ax_set(r->dte, r->dte[0] & ~(DTE_IR | DTE_IW));
	amdvi_exclusion_set(ax_of(t)->u, pa_add(memory->pa, PAGE_BYTES), pa_add(memory->pa, PAGE_BYTES), how == ALLOW);
	if (how == OFF)
		amdvi_exclusion_off(ax_of(t)->u);
	ax_sync(t);
	expect_write(t, IOVA(memory->pa.v + page + off), where[how].excluded ? memory : mapped, page + off, DMA_DONE);
}

#define EXCLUSION(id_, row_, given_, expects_, arg_) \
	{ .id = "amdvi.excl." id_, .checks = row_, .given = given_, .expects = expects_, .needs = NEEDS, .arg = arg_, \
	  .body = exclusion }

TEST_TABLE(excl_rows, EXCLUSION("inside", "AMD-DTE-054", "inside the range, EX = 1", "not translated", INSIDE_EX),
	   EXCLUSION("no_permission", "AMD-DTE-055", "inside the range, EX = 1, IR = IW = 0", "DMA works",
	   	NO_PERMISSION),
	   EXCLUSION("neither", "AMD-DTE-056", "inside the range, EX = 0, Allow = 0", "translated", NEITHER),
	   EXCLUSION("allow", "AMD-DTE-057", "inside the range, EX = 0, Allow = 1", "not translated", ALLOW),
	   EXCLUSION("first", "AMD-DTE-058", "the first byte of the range", "not translated", FIRST),
	   EXCLUSION("last", "AMD-DTE-059", "the last bytes of the range", "not translated", LAST),
	   EXCLUSION("before", "AMD-DTE-060", "the page before the range", "translated", BEFORE),
	   EXCLUSION("behind", "AMD-DTE-061", "the page behind the range", "translated", BEHIND),
	   EXCLUSION("off", "AMD-DTE-062", "ExEn = 0, EX = 1", "translated", OFF));

/* ---- device table segments ---- */

/* Two segments; an engine in one half finds its entry there, and the other half has a blocking one at its place. */
static void segment(struct test *t)
{
	struct page *p = page_filled(t, 0xa5);
	struct engine *e = NULL;

	for (unsigned i = 0; i < t->bench->engines_n && !e; i++)
		if (!!(t->bench->engines[i].dev->addr.sid & BIT(15)) == !!t->desc->arg &&
		    (t->bench->engines[i].caps.flags & (DMA_DIRECT | DMA_CAN_WRITE)) == (DMA_DIRECT | DMA_CAN_WRITE))
			e = &t->bench->engines[i];
	if (!e)
		skip_unreached(t, "no engine on such a bus");
	ax_prepare(t, &(struct ax_options){ .segments_log2 = 1 });
	ax_add(t, e);
	ax_map_sized(t, ax_req(t, e), AX_A, p->pa, 12, PERM_RW);
	ax_on(t);
	expect_write_by(t, e, AX_A, dma_small_bytes(t, e), p, 0, DMA_DONE);
}

TEST_TABLE(seg_rows,
	{ .id = "amdvi.seg.upper", .checks = "AMD-DTE-045", .given = "two segments, device id bit 15 set",
	  .expects = "segment 1 has the entry", .needs = NEED_AMDVI | NEED_AMD_HOST | NEED_AMD_SEG, .arg = 1,
	  .body = segment },
	{ .id = "amdvi.seg.lower", .checks = "AMD-DTE-046", .given = "two segments, device id bit 15 clear",
	  .expects = "segment 0 has the entry", .needs = NEED_AMDVI | NEED_AMD_HOST | NEED_AMD_SEG, .arg = 0,
	  .body = segment });
