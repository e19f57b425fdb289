/*
 * Bits of first-stage entries (VT-d 3.6, 9.7): reserved and ignored ones; privilege of requests with PASID.
 */
#include "tests/vtd/sm.h"

#define NEEDS      (NEEDS_SM | NEED_FSTS)
#define NEEDS_PRIV (NEEDS | NEED_SRS | NEED_PASID | NEED_ENGINE_PASID | NEED_ENGINE_PRIV)

static struct page *fs_start(struct test *t, struct fx_req **r)
{
	struct page *p = fx_start_mapped(t, FX_SM_FS);

	*r = fx_req(t, t->engine);
	return p;
}

TEST(fs_ps_at_top,
     .id = "vtd.sm.fs.reserved_ps_at_top",
     .checks = "VTD-SM-FS-013",
     .given = "bit 7 set in the PML4E",
     .expects = "refused with reason 72h",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = fs_start(t, &r);

	sm_bits_block(t, fx_entry(t, r, IOVA_A, 4), FS_PS, IOVA_A, p, FR_SFS_3);
}

TEST(fs_above_haw,
     .id = "vtd.sm.fs.reserved_above_haw",
     .checks = "VTD-SM-FS-014",
     .given = "each of bits 51:HAW alone, at each level",
     .expects = "refused with reason 72h",
     .needs = NEEDS,
     .budget_us = 3000000)
{
	struct fx_req *r;
	struct page *p;

	if (t->bench->vtd->haw_bits >= 52)
		skip(t, "the host address width is 52 bits or more");
	p = fs_start(t, &r);
	for (unsigned level = 1; level <= r->levels; level++)
		if (!sm_bits_block(t, fx_entry(t, r, IOVA_A, level), BITS(51, t->bench->vtd->haw_bits), IOVA_A, p, FR_SFS_3)) {
			note(t, "level %u", level);
			return;
		}
}

/* arg: level of a large leaf. Reads first: a unit that ignores such a bit may reach somebody else's memory. */
static void large_offset(struct test *t)
{
	unsigned level = (unsigned)t->desc->arg;
	uint64_t bits = (level == 2 ? BITS(20, 13) : BITS(29, 13)) | (fx_bits_above_haw(t) & BITS(51, 12)), *leaf, before;
	struct page *p = page_filled(t, 0xa5);
	struct fx_req *r;
	iova_t iova;

	if (level == 3 && !t->bench->vtd->caps.fs1gp)
		skip(t, "CAP.FS1GP = 0");
	fx_start(t, FX_SM_FS);
	r = fx_req(t, t->engine);
	iova = sm_large(t, r, level, p);
	expect_allowed(t, iova, p);
	leaf = fx_entry(t, r, iova, level);
	before = *leaf;
	for (uint64_t left = bits; left; left &= left - 1) {
		sm_change(t, leaf, UINT64_MAX, before | LOWBIT(left));
		if (!expect_read(t, iova, p, 0, DMA_REFUSED))
			return;
		fx_faults_drop(t);
	}
	sm_change(t, leaf, UINT64_MAX, before);
	sm_bits_block(t, leaf, bits, iova, p, FR_SFS_3);
}

TEST_TABLE(fs_large_offset,
	{ .id = "vtd.sm.fs.reserved_2m", .checks = "VTD-SM-FS-014 VTD-SM-FS-015",
	  .given = "each of bits 20:13 and 51:HAW of a 2 MiB leaf alone",
	  .expects = "refused with reason 72h", .needs = NEEDS, .arg = 2, .body = large_offset },
	{ .id = "vtd.sm.fs.reserved_1g", .checks = "VTD-SM-FS-014 VTD-SM-FS-016",
	  .given = "each of bits 29:13 and 51:HAW of a 1 GiB leaf alone",
	  .expects = "refused with reason 72h", .needs = NEEDS, .arg = 3, .body = large_offset });

/* arg: ignored bits, each alone at each level. */
static void ignored(struct test *t)
{
	struct fx_req *r;
	struct page *p = fs_start(t, &r);

	for (unsigned level = 1; level <= r->levels; level++)
		if (!expect_each_bit_harmless(t, fx_entry(t, r, IOVA_A, level), t->desc->arg, p)) {
			note(t, "level %u", level);
			return;
		}
}

TEST_TABLE(fs_ignored,
	{ .id = "vtd.sm.fs.ignored_62_52", .checks = "VTD-SM-FS-017", .given = "each of bits 62:52 alone, at each level",
	  .expects = "DMA works", .needs = NEEDS, .arg = FS_IGNORED_52, .body = ignored },
	{ .id = "vtd.sm.fs.ignored_9_11", .checks = "VTD-SM-FS-018", .given = "bits 9 and 11 alone, at each level",
	  .expects = "DMA works", .needs = NEEDS, .arg = BIT(9) | BIT(11), .body = ignored });

TEST(fs_absent_unchecked,
     .id = "vtd.sm.fs.absent_reserved_unchecked",
     .checks = "VTD-SM-FS-019",
     .given = "entries with P = 0 and bits 51:HAW set, bit 7 in the PML4E",
     .expects = "refused with reason 71h",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = fs_start(t, &r);
	uint64_t high = t->bench->vtd->haw_bits < 52 ? BITS(51, t->bench->vtd->haw_bits) : 0;

	for (unsigned level = 1; level <= r->levels; level++) {
		uint64_t *e = fx_entry(t, r, IOVA_A, level);

		if (!sm_word_blocks(t, e, (*e & ~FS_P) | high | (level == 4 ? FS_PS : 0), p, FR_SFS_2, FR_SFS_2))
			return;
	}
}

TEST(fs_xd,
     .id = "vtd.sm.fs.bit_63",
     .checks = "VTD-SM-FS-046",
     .given = "bit 63 set in the leaf, requests for data",
     .expects = "DMA works; reason 72h is tolerated",
     .needs = NEEDS)
{
	static const uint8_t reasons[] = { FR_SFS_3 };
	struct fx_req *r;
	struct page *p = fs_start(t, &r);

	sm_change(t, fx_entry(t, r, IOVA_A, 1), 0, FS_XD);
	observe_dma(t, p, reasons, ARRAY_LEN(reasons), true);
}

TEST(fs_execute,
     .id = "vtd.sm.fs.execute_xd",
     .checks = "VTD-SM-FS-045",
     .given = "ERE = 1, NXE = 1, XD = 0, then XD = 1 in the leaf, a request to execute",
     .expects = "allowed, then refused with reason 82h",
     .needs = NEEDS | NEED_PASID | NEED_ENGINE_PASID)
{
	static const uint8_t reasons[] = { FR_SGN_3 };
	struct fx_req *r;
	struct page *p;
	struct dma_request rq;

	if (!t->bench->vtd->caps.ers)
		skip(t, "ECAP.ERS = 0");
	if (!(t->engine->caps.flags & DMA_CAN_EXEC))
		skip_unreached(t, "no engine that sends requests to execute");
	p = fs_start(t, &r);
	fx_set(t, r->pasid + 2, r->pasid[2] | PASID2_ERE | PASID2_NXE);
	sm_enable_pasid(t, r);
	rq = sm_rq(t, r->rid_pasid);
	rq.exec = true;
	expect_dma(t, t->engine, &rq, false, p, 0, DMA_DONE);
	sm_change(t, fx_entry(t, r, IOVA_A, 1), 0, FS_XD);
	if (try_dma(t, t->engine, &rq, false, p, 0) == DMA_DONE)
		observe(t, "allowed");
	else if (expect_fault_of(t, reasons, ARRAY_LEN(reasons), t->engine, IOVA_A, false, NULL))
		observe(t, "refused, fault 0x82");
}

/* A supervisor request by PASID to a leaf with bits cleared; SRE = 1, and WPE as told. */
static struct page *supervisor_start(struct test *t, uint64_t clear, bool wpe, struct dma_request *rq)
{
	struct fx_req *r;
	struct page *p = fs_start(t, &r);

	fx_set(t, r->pasid + 2, r->pasid[2] | PASID2_SRE | FLD(PASID2_WPE, wpe));
	sm_enable_pasid(t, r);
	*rq = sm_rq(t, r->rid_pasid);
	rq->priv = true;
	expect_allowed_rq(t, rq, p);
	sm_change(t, fx_entry(t, r, IOVA_A, 1), clear, 0);
	return p;
}

TEST(fs_supervisor_us0,
     .id = "vtd.sm.fs.supervisor_to_supervisor",
     .checks = "VTD-SM-FS-028",
     .given = "U/S = 0 in the leaf; a supervisor and a user request",
     .expects = "the supervisor request is allowed, the user request refused with reason 81h",
     .needs = NEEDS_PRIV)
{
	struct dma_request rq;
	struct page *p = supervisor_start(t, FS_US, false, &rq);

	expect_allowed_rq(t, &rq, p);
	rq.priv = false;
	expect_blocked_rq(t, &rq, p, FR_SGN_2);
}

TEST(fs_supervisor_us1,
     .id = "vtd.sm.fs.supervisor_to_user",
     .checks = "VTD-SM-FS-029",
     .given = "U/S = 1 in the leaf, a supervisor request",
     .expects = "allowed",
     .needs = NEEDS_PRIV)
{
	struct dma_request rq;
	struct page *p = supervisor_start(t, 0, false, &rq);

	expect_allowed_rq(t, &rq, p);
}

/* arg: WPE. */
static void write_protect(struct test *t)
{
	struct dma_request rq;
	struct page *p = supervisor_start(t, FS_RW, t->desc->arg, &rq);

	expect_dma(t, t->engine, &rq, true, p, 0, t->desc->arg ? DMA_REFUSED : DMA_DONE);
	if (t->desc->arg)
		expect_fault(t, FR_SGN_6, t->engine, IOVA_A, true);
	expect_no_fault(t);
}

TEST_TABLE(fs_wpe,
	{ .id = "vtd.sm.fs.supervisor_write_wpe_0", .checks = "VTD-SM-FS-030", .given = "WPE = 0, R/W = 0, a supervisor write",
	  .expects = "allowed", .needs = NEEDS_PRIV, .arg = 0, .body = write_protect },
	{ .id = "vtd.sm.fs.supervisor_write_wpe_1", .checks = "VTD-SM-FS-031", .given = "WPE = 1, R/W = 0, a supervisor write",
	  .expects = "refused with reason 85h", .needs = NEEDS_PRIV, .arg = 1, .body = write_protect });
