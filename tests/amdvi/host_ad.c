/*
 * Accessed and dirty bits of host page tables (AMD IOMMU 2.2.3).
 */
#include "tests/amdvi/fixture.h"

#define NEEDS (NEED_AMDVI | NEED_AMD_HOST | NEED_ENGINE_DIRECT | NEED_ENGINE)

enum { NO_UPDATE, A_ON_READ, A_IN_DIRS, NO_D, D_ON_WRITE, D_NOT_ON_READ, D_LARGE, D_REPLICA, D_AGAIN, D_NOT_ON_FAULT,
	REST };

static uint64_t had_of(uint64_t how)
{
	return FLD(DTE_HAD, how == NO_UPDATE ? HAD_NONE : how < D_ON_WRITE ? HAD_A : HAD_AD);
}

/* Where the leaf is, and how many entries it has. */
static uint64_t *leaf_of(struct test *t, struct page **p, iova_t *at, unsigned *n)
{
	unsigned bits = t->desc->arg == D_LARGE ? 21 : t->desc->arg == D_REPLICA ? 16 : 12;

	*p = page_alloc(t, pow2(bits), pow2(bits));
	*at = IOVA(align_down(AX_A.v, pow2(bits)));
	*n = bits == 16 ? 16 : 1;
	ax_map_sized(t, ax_req(t, t->engine), *at, (*p)->pa, bits, PERM_RW);
	return ax_entry(t, ax_req(t, t->engine), *at, bits == 21 ? 2 : 1);
}

static void updates(struct test *t)
{
	uint64_t how = t->desc->arg, before, bits = 0;
	struct ax_req *r;
	struct page *p;
	iova_t at;
	uint64_t *leaf;
	unsigned n;

	ax_start(t, NULL);
	r = ax_req(t, t->engine);
	leaf = leaf_of(t, &p, &at, &n);
	if (how == D_NOT_ON_FAULT)
		ax_set(leaf, ax_leaf(p->pa, PERM_R));
	ax_set(r->dte, r->dte[0] | had_of(how));
	ax_sync(t);
	before = *leaf;
	expect_dma(t, t->engine, &(struct dma_request){ .iova = at, .len_bytes = dma_small_bytes(t, t->engine) },
		   how == NO_D || how == D_ON_WRITE || how >= D_LARGE, p, 0, how == D_NOT_ON_FAULT ? DMA_REFUSED :
		   	DMA_DONE);
	for (unsigned i = 0; i < n; i++)
		bits |= leaf[i];
	switch (how) {
	case NO_UPDATE: expect_eq(t, "A and D", bits & (V1_A | V1_D), 0); break;
	case A_ON_READ: expect_eq(t, "A", bits & V1_A, V1_A); break;
	case A_IN_DIRS:
		for (unsigned level = 2; level <= r->levels; level++)
			expect_eq(t, "A of a directory", *ax_entry(t, r, at, level) & V1_A, V1_A);
		break;
	case NO_D: case D_NOT_ON_READ: case D_NOT_ON_FAULT: expect_eq(t, "D", bits & V1_D, 0); break;
	case REST: expect_true(t, (*leaf & ~(V1_A | V1_D)) == before, "all other bits unchanged"); break;
	case D_AGAIN:
		ax_set(leaf, before);
		ax_cmd(t, amdvi_cmd_pages(r->domain_id, amdvi_span_of(at, PAGE_BYTES), false));
		expect_write(t, at, p, 0, DMA_DONE);
		expect_eq(t, "D once more", *leaf & V1_D, V1_D);
		break;
	default: expect_eq(t, "D", bits & V1_D, V1_D); break;
	}
}

#define UPDATE(id_, row_, given_, expects_, needs_, arg_) \
	{ .id = "amdvi.pt.ad." id_, .checks = row_, .given = given_, .expects = expects_, .needs = NEEDS | (needs_), \
	  .arg = arg_, .body = updates }

TEST_TABLE(ad_rows, UPDATE("none", "AMD-PT-082", "HAD = 00b, a read", "A and D stay 0", 0, NO_UPDATE),
	   UPDATE("a_leaf", "AMD-PT-083", "HAD = 01b, a read", "A in the leaf", NEED_AMD_HA, A_ON_READ),
	   UPDATE("a_dirs", "AMD-PT-084", "HAD = 01b, a read", "A in every directory used", NEED_AMD_HA, A_IN_DIRS),
	   UPDATE("a_only", "AMD-PT-085", "HAD = 01b, a write", "D stays 0", NEED_AMD_HA, NO_D),
	   UPDATE("d_leaf", "AMD-PT-086", "HAD = 11b, a write", "D in the leaf", NEED_AMD_HD, D_ON_WRITE),
	   UPDATE("d_read", "AMD-PT-087", "HAD = 11b, a read", "D stays 0", NEED_AMD_HD, D_NOT_ON_READ),
	   UPDATE("d_large", "AMD-PT-088", "HAD = 11b, a write to a 2 MiB page", "D in its leaf", NEED_AMD_HD, D_LARGE),
	   UPDATE("d_replica", "AMD-PT-089", "HAD = 11b, a write to a 64 KiB page", "D in a replica", NEED_AMD_HD,
	   	D_REPLICA),
	   UPDATE("d_again", "AMD-PT-090", "D cleared and dropped, another write", "D again", NEED_AMD_HD, D_AGAIN),
	   UPDATE("d_fault", "AMD-PT-091", "HAD = 11b, a write that faults", "D stays 0", NEED_AMD_HD, D_NOT_ON_FAULT),
	   UPDATE("rest", "AMD-PT-092", "HAD = 11b, a write", "the other bits stay", NEED_AMD_HD, REST));
