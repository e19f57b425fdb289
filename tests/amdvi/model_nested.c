/*
 * Nesting in the model (AMD IOMMU 2.2.7): what the host tables add to a guest's: permissions, faults by their names,
 * sizes, accessed and dirty bits, the root. Each request is asked twice: what the caches answer is the same.
 */
#include "tests/amdvi/model_space.h"

#define NEEDS (NEED_AMDVI | NEED_AMD_GT)

/* Guest physical addresses are system physical ones with bit 37 flipped; all that the guest uses is mapped. */
#define MOVED BIT(37)

static uint64_t host_of(struct space *s, uint64_t gpa)
{
	return am_entry(s->a, s->host, s->host_levels, 1, gpa);
}

static struct space nested(struct test *t, uint64_t ctl, uint64_t q0)
{
	struct space s = ags_start(t, 4, ctl);

	s.host_levels = am_levels(t);
	if (!s.host_levels)
		skip(t, "EFR.HATS = 11b");
	s.host = am_page(s.a);
	for (unsigned level = 1; level <= 4; level++) {
		uint64_t at = ags_at(&s, level), table = align_down(at, PAGE_BYTES);

		am_put(host_of(&s, table ^ MOVED), AM_PERMIT | table | 1);
	}
	am_put(host_of(&s, s.page ^ MOVED), AM_PERMIT | s.page | 1);
	/* From the lowest up: the way down goes through entries that are as they were. */
	for (unsigned level = 1; level <= 4; level++) {
		uint64_t at = ags_at(&s, level);

		am_put(at, am_get(at) ^ MOVED);
	}
	am_put(s.gcr3 + 8 * PASID, (s.root ^ MOVED) | 1);
	ags_entry(&s, q0, 0);
	ags_drop(&s);
	return s;
}

/* The entry of a level, now that tables lead to guest physical addresses. */
static uint64_t nested_at(struct space *s, unsigned level)
{
	uint64_t at = s->root + 8 * (shr(AM_IOVA, 39) % 512);

	for (unsigned l = 4; l > level; l--)
		at = ((am_get(at) & BITS(51, 12)) ^ MOVED) + 8 * (shr(AM_IOVA, 12 + 9 * (l - 2)) % 512);
	return at;
}

/* What a fault of the host level is called: U-37. */
static bool host_fault(struct space *s, unsigned kind, uint64_t flags, uint64_t gpa, uint64_t which)
{
	const struct mdl_request rq = ags_request(s, kind, AM_IOVA + 0x18);
	bool by_gpa = s->a->config.choices.u37_host_fault_gpa;
	uint64_t plain = AM_OP(2) | FLD(BITS(47, 32), AM_DOMAIN) | AM_SID | flags |
			 (ags_writes(kind) && ((flags & PR) || s->a->config.choices.u29_rw_always) ? RW : 0);
	uint64_t event[2] = { 0, 0 };

	for (unsigned i = 0; i < 2; i++) {
		am_is(s->a->t, "refused", am_look(s->a, &rq).kind, MDL_BLOCKED, which);
		am_event(s->a, event);
		am_is(s->a->t, "the event", event[0], by_gpa ? plain : ags_fault(s, kind, flags), which);
		am_is(s->a->t, "its address", event[1], by_gpa ? gpa : AM_IOVA + 0x18, which);
	}
	return true;
}

TEST(model_nested_walk,
     .id = "amdvi.model.nested.walk",
     .given = "nested tables; permissions of the host page under the page, and under each guest table, taken away",
     .expects = "both translations; the page needs what is asked for, a table needs read, and write to set A",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct space s = nested(t, 0, 0);
	uint64_t at = host_of(&s, s.page ^ MOVED), good = am_get(at);

	for (unsigned kind = 0; kind < KINDS; kind++) {
		struct mdl_request rq = ags_request(&s, kind, AM_IOVA + 0x18);

		for (unsigned i = 0; i < 2; i++)
			am_is(t, "where it goes", am_look(s.a, &rq).address, s.page + 0x18, kind);
		am_put(at, good & ~BIT(62));
		ags_drop(&s);
		if (ags_writes(kind))
			host_fault(&s, kind, PR | PE, (s.page ^ MOVED) + 0x18, kind);
		else
			ags_ends_in(&s, kind, AM_IOVA, 0, kind);
		/* What one request brought in does not serve another that needs more. */
		ags_ends_in(&s, READ, AM_IOVA, 0, kind);
		host_fault(&s, WRITE, PR | PE, (s.page ^ MOVED) + 0x18, kind);
		am_put(at, good & ~BIT(61));
		ags_drop(&s);
		if (kind != WRITE && kind != PRIV_WRITE)
			host_fault(&s, kind, PR | PE, (s.page ^ MOVED) + 0x18, 10 + kind);
		else
			ags_ends_in(&s, kind, AM_IOVA, 0, 10 + kind);
		ags_ends_in(&s, WRITE, AM_IOVA, 0, 10 + kind);
		host_fault(&s, READ, PR | PE, (s.page ^ MOVED) + 0x18, 10 + kind);
		am_put(at, 0);
		ags_drop(&s);
		host_fault(&s, kind, 0, (s.page ^ MOVED) + 0x18, 20 + kind);
		am_put(at, good);
		ags_drop(&s);
	}
	for (unsigned level = 1; level <= 4; level++) {
		uint64_t guest = nested_at(&s, level), gpa = guest ^ MOVED,
			host = host_of(&s, align_down(gpa, PAGE_BYTES));

		good = am_get(host);
		am_put(guest, am_get(guest) | A_BIT);
		am_put(host, good & ~BIT(62)); /* all is accessed: nothing has to be written */
		ags_drop(&s);
		ags_ends_in(&s, READ, AM_IOVA, 0, 30 + level);
		am_put(guest, am_get(guest) & ~A_BIT);
		ags_drop(&s);
		if (s.a->config.efr & BIT(4))
			host_fault(&s, READ, PR | PE, gpa, 40 + level);
		am_put(host, good & ~BIT(61));
		ags_drop(&s);
		host_fault(&s, READ, PR | PE, gpa, 50 + level);
		am_put(host, good);
		ags_drop(&s);
	}
}

TEST(model_nested_sizes,
     .id = "amdvi.model.nested.sizes",
     .given = "a guest page of 2 MiB on host pages of 4 KiB, and the other way round",
     .expects = "the smaller of both sizes, and the right place in each",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct space s = nested(t, 0, 0);
	uint64_t gpa = align_down(s.page ^ MOVED, BIT(21)) + BIT(30), off = AM_IOVA % BIT(21);
	struct mdl_request rq = ags_request(&s, READ, AM_IOVA + 0x18);
	uint64_t leaf = am_get(nested_at(&s, 1));

	am_put(nested_at(&s, 2), gpa | 0x87);
	am_put(host_of(&s, gpa + off), AM_PERMIT | s.page | 1);
	ags_drop(&s);
	for (unsigned i = 0; i < 2; i++) {
		struct mdl_amd_result out = am_look(s.a, &rq);

		expect_eq(t, "page bits", out.page_bits, 12);
		expect_true(t, out.address == s.page + 0x18, "the host page of that part");
	}
	s = nested(t, 0, 0);
	leaf = am_get(nested_at(&s, 1));
	gpa = (BIT(31) | (0x123000));
	am_put(nested_at(&s, 1), gpa | 7);
	am_put(am_entry(s.a, s.host, s.host_levels, 2, gpa), AM_PERMIT | BIT(29) | 1);
	ags_drop(&s);
	for (unsigned i = 0; i < 2; i++) {
		struct mdl_amd_result out = am_look(s.a, &rq);

		expect_eq(t, "page bits", out.page_bits, 12);
		expect_eq(t, "the address", out.address, (BIT(29) | 0x123000) + 0x18);
	}
	am_put(nested_at(&s, 1), leaf);
}

TEST(model_nested_ad,
     .id = "amdvi.model.nested.ad",
     .given = "nested tables with HAD = 11b, a read, then a write",
     .expects = "A in every host entry used, D where something is written: the page, or A of a guest table",
     .needs = NEEDS | NEED_AMD_HD, .flags = TEST_MODEL)
{
	struct space s = nested(t, 0, FLD(BITS(8, 7), 3));
	uint64_t host = host_of(&s, s.page ^ MOVED);

	ags_ends_in(&s, READ, AM_IOVA, 0, 0);
	expect_eq(t, "A and D of the page's host entry", am_get(host) & (A_BIT | D_BIT), A_BIT);
	for (unsigned level = 1; level <= 4; level++) {
		uint64_t at = nested_at(&s, level);

		am_is(t, "A of the guest's entry", am_get(at) & (A_BIT | D_BIT), A_BIT, level);
		am_is(t, "A and D under the guest's table", am_get(host_of(&s, align_down(at, PAGE_BYTES) ^ MOVED)) &
		      (A_BIT | D_BIT), A_BIT | D_BIT, level);
	}
	ags_ends_in(&s, WRITE, AM_IOVA, 0, 1);
	expect_eq(t, "A and D of the page's host entry", am_get(host) & (A_BIT | D_BIT), A_BIT | D_BIT);
	expect_eq(t, "A and D of the guest's leaf", am_get(nested_at(&s, 1)) & (A_BIT | D_BIT), A_BIT | D_BIT);
	/* A write for which nothing has to be set in the guest's tables does not write them. */
	for (unsigned level = 1; level <= 4; level++) {
		uint64_t under = host_of(&s, align_down(nested_at(&s, level), PAGE_BYTES) ^ MOVED);

		am_put(under, am_get(under) & ~D_BIT);
	}
	ags_drop(&s);
	ags_ends_in(&s, WRITE, AM_IOVA, 0, 1);
	for (unsigned level = 1; level <= 4; level++)
		am_is(t, "A and D under the guest's table, nothing to set there",
		      am_get(host_of(&s, align_down(nested_at(&s, level), PAGE_BYTES) ^ MOVED)) & (A_BIT | D_BIT),
			      A_BIT,
		      level);
	/* Kept without the host's D: a write has to go and set it. */
	am_put(host, am_get(host) & ~(A_BIT | D_BIT));
	ags_drop(&s);
	ags_ends_in(&s, READ, AM_IOVA, 0, 2);
	expect_eq(t, "A of the page's host entry", am_get(host) & (A_BIT | D_BIT), A_BIT);
	ags_ends_in(&s, WRITE, AM_IOVA, 0, 3);
	expect_eq(t, "D of the page's host entry", am_get(host) & (A_BIT | D_BIT), A_BIT | D_BIT);
	/* Kept with all bits: nobody looks again. */
	am_put(host, am_get(host) & ~(A_BIT | D_BIT));
	ags_ends_in(&s, WRITE, AM_IOVA, 0, 4);
	expect_eq(t, "bits of what was kept", am_get(host) & (A_BIT | D_BIT), s.a->config.lazy ? A_BIT | D_BIT : 0);
}

TEST(model_nested_ad_kept,
     .id = "amdvi.model.nested.ad_kept",
     .given = "pages kept without A or D; the device's entry then asks for them",
     .expects = "what is kept without a bit that is to be set does not answer; all else does",
     .needs = NEEDS | NEED_AMD_HD, .flags = TEST_MODEL)
{
	struct space s = nested(t, 0, 0);
	uint64_t host = host_of(&s, s.page ^ MOVED), other = am_page(s.a);
	struct mdl_request write = ags_request(&s, WRITE, AM_IOVA);

	if (s.a->config.lazy || s.a->config.choices.u42_drops_domain)
		skip(t, "nothing stays");
	ags_ends_in(&s, READ, AM_IOVA, 0, 0);
	ags_entry(&s, FLD(BITS(8, 7), 1), 0); /* with 2h */
	ags_ends_in(&s, READ, AM_IOVA, 0, 1);
	expect_eq(t, "A and D of the page's host entry", am_get(host) & (A_BIT | D_BIT), A_BIT);
	/* Kept with A and D: it answers, whatever the tables say by now. */
	ags_entry(&s, FLD(BITS(8, 7), 3), 0);
	ags_drop(&s);
	ags_ends_in(&s, WRITE, AM_IOVA, 0, 2);
	am_put(host_of(&s, other ^ MOVED), AM_PERMIT | other | 1);
	am_put(nested_at(&s, 1), (other ^ MOVED) | 7);
	expect_eq(t, "where a write goes that was kept", am_look(s.a, &write).address, s.page);
	/* Kept without IW: D is none of its business, and it still refuses. */
	am_put(nested_at(&s, 1), (s.page ^ MOVED) | 7 | A_BIT | D_BIT);
	am_put(host, BIT(61) | s.page | 1);
	ags_drop(&s);
	ags_ends_in(&s, READ, AM_IOVA, 0, 3);
	am_put(nested_at(&s, 1), (other ^ MOVED) | 7);
	expect_eq(t, "a write by what was kept without IW", am_look(s.a, &write).kind, MDL_BLOCKED);
}

/* All pages by one host leaf of 1 GiB: what one part of the walk asks it to be marked with is not lost by another. */
TEST(model_nested_ad_shared,
     .id = "amdvi.model.nested.ad_shared",
     .given = "HAD = 11b, guest tables and page below one host leaf, a read",
     .expects = "A and D of the leaf: A bits were written into the guest tables",
     .needs = NEEDS | NEED_AMD_HD, .flags = TEST_MODEL)
{
	struct space s = nested(t, 0, FLD(BITS(8, 7), 3));
	uint64_t leaf;

	if (s.levels < 4 || s.page >= BIT(30) || s.root >= BIT(30))
		skip_unreached(t, "memory beyond the first GiB");
	s.host = am_page(s.a);
	leaf = am_entry(s.a, s.host, s.host_levels, 3, MOVED);
	am_put(leaf, AM_PERMIT | 1);
	ags_entry(&s, FLD(BITS(8, 7), 3), 0);
	ags_drop(&s);
	ags_ends_in(&s, READ, AM_IOVA, 0, 0);
	expect_eq(t, "A and D of the leaf", am_get(leaf) & (A_BIT | D_BIT), A_BIT | D_BIT);
}

TEST(model_nested_root,
     .id = "amdvi.model.nested.root",
     .given = "GCR3TRPMode = 0 and 1, the root moved or not",
     .expects = "the root is a system, or a guest physical address",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct mdl_request rq;
	struct space s;
	uint64_t real;

	if (!(am_config(t)->efr2 & BIT(3)))
		skip(t, "EFR2.GCR3TRPMode = 0");
	s = nested(t, BIT(58), 0);
	real = s.gcr3;
	rq = ags_request(&s, READ, AM_IOVA);
	expect_eq(t, "refused where the root's address is nothing to the host", am_look(s.a, &rq).kind, MDL_BLOCKED);
	expect_eq(t, "its event", am_code(s.a), 2);
	am_put(host_of(&s, real ^ MOVED), AM_PERMIT | real | 1);
	s.gcr3 = real ^ MOVED;
	ags_entry(&s, 0, 0);
	ags_drop(&s);
	ags_ends_in(&s, READ, AM_IOVA, 0, 1);
	am_set(s.a, 0x0018, 0x1405 | BIT(16));
	s.gcr3 = real;
	ags_entry(&s, 0, 0);
	ags_drop(&s);
	ags_ends_in(&s, READ, AM_IOVA, 0, 2);
}
