/*
 * Caching and invalidation (AMD IOMMU 2.2, 2.4): what may be stale before a command and must not be after it.
 */
#include "tests/amdvi/fixture.h"
#include <string.h>

#define NEEDS (NEED_AMDVI | NEED_AMD_HOST | NEED_ENGINE_DIRECT | NEED_ENGINE)

static uint64_t *leaf_of(struct test *t, iova_t at)
{
	return ax_entry(t, ax_req(t, t->engine), at, 1);
}

static uint16_t domain_of(struct test *t)
{
	return ax_req(t, t->engine)->domain_id;
}

static void drop_page(struct test *t, iova_t at)
{
	ax_cmd(t, amdvi_cmd_pages(domain_of(t), amdvi_span_of(at, PAGE_BYTES), false));
}

/* A cached translation of AX_A to the page that comes back; p2 is another page. */
static struct page *cached(struct test *t, struct page **p2)
{
	if (p2)
		*p2 = page_filled(t, 0x3c);
	return ax_start_mapped(t, NULL, AX_A);
}

/* ---- one page ---- */

TEST(inv_unmap, .id = "amdvi.inv.page.unmapped", .checks = "AMD-INV-001",
     .given = "a page unmapped, 3h of its 4 KiB, a wait",
     .expects = "DMA is blocked", .needs = NEEDS)
{
	struct page *p = cached(t, NULL);

	ax_set(leaf_of(t, AX_A), 0);
	drop_page(t, AX_A);
	ax_blocked(t, AX_A, p);
}

TEST(inv_remap, .id = "amdvi.inv.page.remapped", .checks = "AMD-INV-002", .given = "a page remapped, 3h of it, a wait",
     .expects = "the new frame is used", .needs = NEEDS)
{
	struct page *p2;

	cached(t, &p2);
	ax_set(leaf_of(t, AX_A), ax_leaf(p2->pa, PERM_RW));
	drop_page(t, AX_A);
	ax_allowed(t, AX_A, p2);
}

TEST(inv_none, .id = "amdvi.inv.page.not_dropped", .checks = "AMD-INV-003",
     .given = "a page remapped, nothing invalidated",
     .expects = "the old frame or the new one, nothing else", .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct page *p2, *p = cached(t, &p2);
	uint32_t n = dma_small_bytes(t, t->engine);
	bool first, second;

	ax_set(leaf_of(t, AX_A), ax_leaf(p2->pa, PERM_RW));
	memset(p->p, 0xa5, PAGE_BYTES);
	memset(p2->p, 0xa5, PAGE_BYTES);
	(void)try_write(t, t->engine, AX_A, n, NULL, 0);
	first = p->p[0] != 0xa5 || memcmp(p->p, p->p + 1, n - 1);
	second = p2->p[0] != 0xa5 || memcmp(p2->p, p2->p + 1, n - 1);
	expect_true(t, first != second, "one of both frames is written");
	note(t, "the %s frame was", first ? "old" : "new");
}

static void absent_then_present(struct test *t)
{
	bool cache = t->bench->amdvi->caps.np_cache;
	struct page *p = cached(t, NULL);

	if (cache != (t->desc->arg != 0))
		skip(t, "Cap.NpCache = %u", cache);
	ax_blocked(t, AX_B, p);
	ax_events_drop(t);
	ax_map_page(t, AX_B, p);
	if (cache)
		drop_page(t, AX_B);
	ax_allowed(t, AX_B, p);
}

TEST_TABLE(inv_absent,
	{ .id = "amdvi.inv.absent.np0", .checks = "AMD-INV-004", .given = "NpCache = 0, a page becomes present",
	  .expects = "DMA works without an invalidation", .needs = NEEDS, .arg = 0, .body = absent_then_present },
	{ .id = "amdvi.inv.absent.np1", .checks = "AMD-INV-005", .given = "NpCache = 1, a page becomes present, 3h",
	  .expects = "DMA works", .needs = NEEDS, .arg = 1, .body = absent_then_present });

TEST(inv_reduced, .id = "amdvi.inv.perm.reduced", .checks = "AMD-INV-006", .given = "IW taken away, 3h",
     .expects = "writes are blocked",
     .needs = NEEDS)
{
	struct page *p = cached(t, NULL);

	ax_set(leaf_of(t, AX_A), ax_leaf(p->pa, PERM_R));
	drop_page(t, AX_A);
	ax_dma(t, AX_A, p, true, DMA_REFUSED);
	ax_dma(t, AX_A, p, false, DMA_DONE);
}

TEST(inv_increased, .id = "amdvi.inv.perm.increased", .checks = "AMD-INV-007", .given = "a read-only page gets IW, 3h",
     .expects = "writes work", .needs = NEEDS)
{
	struct page *p = cached(t, NULL);

	ax_set(leaf_of(t, AX_A), ax_leaf(p->pa, PERM_R));
	drop_page(t, AX_A);
	ax_dma(t, AX_A, p, false, DMA_DONE);
	ax_dma(t, AX_A, p, true, DMA_REFUSED);
	ax_set(leaf_of(t, AX_A), ax_leaf(p->pa, PERM_RW));
	drop_page(t, AX_A);
	ax_allowed(t, AX_A, p);
}

/* ---- ranges ---- */

/* Pages at the start, in the middle and at the end of a range, all remapped, then one command for the range. */
static void range(struct test *t)
{
	uint64_t bytes = pow2((unsigned)t->desc->arg);
	iova_t base = IOVA(align_down(AX_A.v, bytes));
	const uint64_t at[] = { 0, bytes / 2, bytes - PAGE_BYTES };
	struct page *old = page_filled(t, 1), *new = page_filled(t, 2);

	ax_start(t, NULL);
	for (unsigned i = 0; i < ARRAY_LEN(at); i++)
		ax_map_sized(t, ax_req(t, t->engine), iova_add(base, at[i]), old->pa, 12, PERM_RW);
	ax_sync(t);
	for (unsigned i = 0; i < ARRAY_LEN(at); i++)
		ax_allowed(t, iova_add(base, at[i]), old);
	for (unsigned i = 0; i < ARRAY_LEN(at); i++)
		ax_set(leaf_of(t, iova_add(base, at[i])), ax_leaf(new->pa, PERM_RW));
	ax_cmd(t, amdvi_cmd_pages(domain_of(t), amdvi_span_of(base, bytes), false));
	for (unsigned i = 0; i < ARRAY_LEN(at); i++)
		ax_allowed(t, iova_add(base, at[i]), new);
}

#define RANGE(id_, bits_) \
	{ .id = "amdvi.inv.range." id_, .checks = "AMD-INV-008", .given = "3h with S = 1 for " id_, \
	  .expects = "every page of it is dropped", .needs = NEEDS, .arg = bits_, .body = range }

TEST_TABLE(inv_ranges, RANGE("8k", 13), RANGE("64k", 16), RANGE("2m", 21), RANGE("1g", 30));

TEST(inv_domain, .id = "amdvi.inv.range.all", .checks = "AMD-INV-009", .given = "3h with S = 1, 7FFF_FFFF_FFFF_F000h",
     .expects = "the whole domain is dropped", .needs = NEEDS)
{
	struct page *p2;

	cached(t, &p2);
	ax_map_page(t, AX_B, p2);
	ax_sync(t);
	ax_allowed(t, AX_B, p2);
	ax_set(leaf_of(t, AX_A), ax_leaf(p2->pa, PERM_RW));
	ax_set(leaf_of(t, AX_B), 0);
	ax_cmd(t, amdvi_cmd_pages(domain_of(t), amdvi_span_all(), false));
	ax_allowed(t, AX_A, p2);
	ax_blocked(t, AX_B, p2);
}

/* A large page replaced; one 4 KiB page inside it is dropped. */
static void inside_large(struct test *t)
{
	unsigned bits = (unsigned)t->desc->arg;
	struct page *old = page_alloc(t, pow2(bits), pow2(bits)), *new = page_alloc(t, pow2(bits), pow2(bits));
	iova_t base = IOVA(align_down(AX_A.v, pow2(bits)));
	uint64_t off = pow2(bits) / 2;

	ax_start(t, NULL);
	ax_map_sized(t, ax_req(t, t->engine), base, old->pa, bits, PERM_RW);
	ax_sync(t);
	expect_write(t, iova_add(base, off), old, off, DMA_DONE);
	ax_map_sized(t, ax_req(t, t->engine), base, new->pa, bits, PERM_RW);
	ax_cmd(t, amdvi_cmd_pages(domain_of(t), amdvi_span_of(iova_add(base, off), PAGE_BYTES), false));
	expect_write(t, iova_add(base, off), new, off, DMA_DONE);
}

TEST_TABLE(inv_large,
	{ .id = "amdvi.inv.large.2m", .checks = "AMD-INV-010", .given = "a 2 MiB page replaced, 3h of 4 KiB inside it",
	  .expects = "the large page is dropped", .needs = NEEDS, .arg = 21, .body = inside_large },
	{ .id = "amdvi.inv.large.64k", .checks = "AMD-INV-011",
	  .given = "a 64 KiB page replaced, 3h of 4 KiB inside it",
	  .expects = "that page is dropped", .needs = NEEDS, .arg = 16, .body = inside_large });

/* A directory entry made to lead to another table; PDE = 1. */
static void directory(struct test *t)
{
	unsigned level = (unsigned)t->desc->arg; /* of the table that is replaced */
	struct page *p2;
	uint64_t *dir, *last = NULL;

	cached(t, &p2);
	dir = ax_entry(t, ax_req(t, t->engine), AX_A, level + 1);
	for (unsigned l = 1; l <= level; l++) {
		pa_t pa;
		uint64_t *table = ax_table(t, &pa), *e = &table[shr(AX_A.v, 12 + 9 * (l - 1)) % 512];

		ax_set(e, l == 1 ? ax_leaf(p2->pa, PERM_RW) :
				   mem_pa(last).v | V1_PR | V1_IR | V1_IW | FLD(V1_NEXT_LEVEL, l - 1));
		last = table;
	}
	ax_set(dir, mem_pa(last).v | V1_PR | V1_IR | V1_IW | FLD(V1_NEXT_LEVEL, level));
	ax_cmd(t, amdvi_cmd_pages(domain_of(t), amdvi_span_of(AX_A, PAGE_BYTES), true));
	ax_allowed(t, AX_A, p2);
}

TEST_TABLE(inv_pde,
	{ .id = "amdvi.inv.pde.level1", .checks = "AMD-INV-012", .given = "a level 1 table replaced, 3h with PDE = 1",
	  .expects = "the new table is used", .needs = NEEDS, .arg = 1, .body = directory },
	{ .id = "amdvi.inv.pde.level3", .checks = "AMD-INV-013", .given = "a level 3 table replaced, 3h with PDE = 1",
	  .expects = "the new table is used", .needs = NEEDS, .arg = 3, .body = directory });

/* ---- domains and devices ---- */

TEST(inv_other, .id = "amdvi.inv.domain.other", .checks = "AMD-INV-014", .given = "3h of another DomainID",
     .expects = "the mappings of this one stay good", .needs = NEEDS)
{
	struct page *p = cached(t, NULL);

	ax_cmd(t, amdvi_cmd_pages(0x55aa, amdvi_span_all(), true));
	ax_allowed(t, AX_A, p);
	ax_expect_no_event(t);
}

TEST(inv_shared, .id = "amdvi.inv.domain.shared", .checks = "AMD-INV-015",
     .given = "two functions in one domain, one 3h",
     .expects = "both use the new frame", .needs = NEEDS | NEED_ENGINE_2)
{
	struct page *p2, *p = cached(t, &p2);
	struct ax_req *r = ax_req(t, t->engine);
	uint32_t n = dma_small_bytes(t, t->engine2);

	ax_set_dte(t, ax_req(t, t->engine2), amdvi_dte_host(r->space_pa, r->levels, r->domain_id, PERM_RW));
	ax_sync(t);
	ax_allowed(t, AX_A, p);
	expect_write_by(t, t->engine2, AX_A, n, p, 0, DMA_DONE);
	ax_set(leaf_of(t, AX_A), ax_leaf(p2->pa, PERM_RW));
	drop_page(t, AX_A);
	ax_allowed(t, AX_A, p2);
	expect_write_by(t, t->engine2, AX_A, n, p2, 0, DMA_DONE);
}

enum { ROOT, VALID, INVALID, PERMISSION };

static void entry(struct test *t)
{
	struct page *p2, *p = cached(t, &p2);
	struct ax_req *r = ax_req(t, t->engine);
	uint64_t *other, old = r->dte[0];
	pa_t other_pa;

	switch (t->desc->arg) {
	case ROOT:
		other = r->space;
		r->space = ax_table(t, &other_pa);
		ax_map_page(t, AX_A, p2);
		r->space = other;
		ax_set(r->dte, amdvi_dte_host(other_pa, r->levels, r->domain_id, PERM_RW).w[0]);
		ax_cmd(t, amdvi_cmd_devtab_entry(r->id));
		ax_cmd(t, amdvi_cmd_pages(r->domain_id, amdvi_span_all(), true));
		ax_allowed(t, AX_A, p2);
		break;
	case VALID:
		ax_set(r->dte, old & ~DTE_V);
		ax_sync(t);
		ax_allowed(t, IOVA(p->pa.v), p);
		ax_set(r->dte, old);
		ax_cmd(t, amdvi_cmd_devtab_entry(r->id));
		ax_cmd(t, amdvi_cmd_pages(r->domain_id, amdvi_span_all(), true));
		ax_allowed(t, AX_A, p);
		ax_blocked(t, IOVA(p->pa.v), p);
		break;
	case INVALID:
		ax_set(r->dte, old & ~DTE_V);
		ax_cmd(t, amdvi_cmd_devtab_entry(r->id));
		ax_cmd(t, amdvi_cmd_pages(r->domain_id, amdvi_span_all(), true));
		ax_allowed(t, IOVA(p->pa.v), p);
		break;
	default:
		ax_set(r->dte, amdvi_dte_host(PA(0), 0, r->domain_id, PERM_RW).w[0]);
		ax_sync(t);
		ax_allowed(t, IOVA(p->pa.v), p);
		ax_set(r->dte, amdvi_dte_host(PA(0), 0, r->domain_id, PERM_R).w[0]);
		ax_cmd(t, amdvi_cmd_devtab_entry(r->id));
		ax_cmd(t, amdvi_cmd_pages(r->domain_id, amdvi_span_all(), true));
		ax_dma(t, IOVA(p->pa.v), p, true, DMA_REFUSED);
		ax_dma(t, IOVA(p->pa.v), p, false, DMA_DONE);
		break;
	}
}

#define ENTRY(id_, row_, given_, expects_, arg_) \
	{ .id = "amdvi.inv.dte." id_, .checks = row_, .given = given_, .expects = expects_, .needs = NEEDS, \
	  .arg = arg_, \
	  .body = entry }

TEST_TABLE(inv_entries, ENTRY("root", "AMD-INV-016", "another root, 2h and 3h", "the new tables are used", ROOT),
	   ENTRY("valid", "AMD-INV-017", "V from 0 to 1, 2h", "DMA is translated", VALID),
	   ENTRY("invalid", "AMD-INV-018", "V from 1 to 0, 2h", "DMA passes", INVALID),
	   ENTRY("permission", "AMD-INV-019", "Mode = 0, IW from 1 to 0, 2h", "writes are blocked", PERMISSION));

TEST(inv_new_domain, .id = "amdvi.inv.dte.domain_id", .checks = "AMD-INV-020", .given = "another DomainID, 2h, a fault",
     .expects = "the event has the new DomainID", .needs = NEEDS)
{
	struct page *p = cached(t, NULL);
	struct ax_req *r = ax_req(t, t->engine);
	struct amdvi_event e;

	ax_set(r->dte + 1, fld_set(DTE1_DOMAIN_ID, r->dte[1], 77));
	ax_cmd(t, amdvi_cmd_devtab_entry(r->id));
	if (ax_dma(t, AX_B, p, true, DMA_REFUSED) && ax_expect_event(t, EV_IO_PAGE_FAULT, &e))
		expect_eq(t, "DomainID", e.domain_id, 77);
}

TEST(inv_neighbour, .id = "amdvi.inv.dte.neighbour", .checks = "AMD-INV-021", .given = "2h for one function",
     .expects = "another function is unaffected", .needs = NEEDS | NEED_ENGINE_2)
{
	struct page *q, *p = cached(t, &q);
	uint32_t n = dma_small_bytes(t, t->engine2);

	ax_map_sized(t, ax_req(t, t->engine2), AX_A, q->pa, 12, PERM_RW);
	ax_sync(t);
	expect_write_by(t, t->engine2, AX_A, n, q, 0, DMA_DONE);
	ax_cmd(t, amdvi_cmd_devtab_entry(ax_req(t, t->engine)->id));
	expect_write_by(t, t->engine2, AX_A, n, q, 0, DMA_DONE);
	ax_allowed(t, AX_A, p);
}

static void everything(struct test *t)
{
	struct page *p2;
	struct ax_req *r;

	cached(t, &p2);
	r = ax_req(t, t->engine);
	ax_set(leaf_of(t, AX_A), ax_leaf(p2->pa, PERM_RW));
	if (t->desc->arg) { /* off and on again first */
		amdvi_ctl_clear(ax_of(t)->u, CTL_IOMMU_EN);
		amdvi_ctl_set(ax_of(t)->u, CTL_IOMMU_EN);
	}
	ax_cmd(t, amdvi_cmd_all());
	ax_allowed(t, AX_A, p2);
	ax_set(r->dte, r->dte[0] & ~DTE_IW);
	ax_cmd(t, amdvi_cmd_all());
	ax_dma(t, AX_A, p2, true, DMA_REFUSED);
}

TEST_TABLE(inv_all,
	{ .id = "amdvi.inv.all.drops", .checks = "AMD-INV-022", .given = "pages and entry changed, 8h",
	  .expects = "the new values are used", .needs = NEEDS | NEED_AMD_IA, .arg = 0, .body = everything },
	{ .id = "amdvi.inv.all.restart", .checks = "AMD-INV-034", .given = "IommuEn off and on, 8h",
	  .expects = "the new values are used", .needs = NEEDS | NEED_AMD_IA, .arg = 1, .body = everything });

/* A pass-through entry that becomes a translating one, and only 8h is issued. */
TEST(inv_all_entry, .id = "amdvi.inv.all.entry", .checks = "AMD-INV-022", .given = "V from 0 to 1, 8h alone",
     .expects = "DMA is translated", .needs = NEEDS | NEED_AMD_IA)
{
	struct page *p = cached(t, NULL);
	struct ax_req *r = ax_req(t, t->engine);
	uint64_t old = r->dte[0];

	ax_set(r->dte, old & ~DTE_V);
	ax_sync(t);
	ax_allowed(t, IOVA(p->pa.v), p);
	ax_set(r->dte, old);
	ax_cmd(t, amdvi_cmd_all());
	ax_allowed(t, AX_A, p);
}

TEST(inv_tags, .id = "amdvi.inv.domain.tags", .checks = "AMD-INV-033", .given = "two functions, DomainIDs 0 and FFFFh",
     .expects = "each reaches its own page", .needs = NEEDS | NEED_ENGINE_2)
{
	struct page *q, *p = cached(t, &q);
	struct ax_req *r = ax_req(t, t->engine), *other = ax_req(t, t->engine2);

	ax_map_sized(t, other, AX_A, q->pa, 12, PERM_RW);
	ax_set(r->dte + 1, fld_set(DTE1_DOMAIN_ID, r->dte[1], 0));
	ax_set(other->dte + 1, fld_set(DTE1_DOMAIN_ID, other->dte[1], 0xffff));
	ax_sync(t);
	ax_allowed(t, AX_A, p);
	expect_write_by(t, t->engine2, AX_A, dma_small_bytes(t, t->engine2), q, 0, DMA_DONE);
	ax_set(leaf_of(t, AX_A), 0);
	ax_cmd(t, amdvi_cmd_pages(0, amdvi_span_all(), false));
	ax_blocked(t, AX_A, p);
	expect_write_by(t, t->engine2, AX_A, dma_small_bytes(t, t->engine2), q, 0, DMA_DONE);
}
