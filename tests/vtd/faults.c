/*
 * What a fault record says (VT-d 7.2.1, 11.4.14): each field, for each kind of request. Legacy mode where it does not
 * matter; how records are filled and lost is in fault_log.c, events are in fault_events.c.
 */
#include "tests/vtd/judge.h"

#define NEEDS (NEED_VTD | NEED_LEGACY_SS)

/* The one record of a refused request. */
static struct vtd_fault one_record(struct test *t)
{
	struct vtd_fault f = { .f = false };

	if (vtd_fault_pop(fx_of(t)->u, &f) != OK)
		fail(t, "a fault record", "no fault record");
	fx_faults_drop(t); /* a transfer may be several requests */
	return f;
}

static struct vtd_fault refused_write(struct test *t, uint64_t offset)
{
	(void)try_write(t, t->engine, iova_add(IOVA_B, offset), dma_small_bytes(t, t->engine), NULL, 0);
	return one_record(t);
}

static struct vtd_fault refused_read(struct test *t, uint64_t offset)
{
	(void)try_read(t, t->engine, iova_add(IOVA_B, offset), dma_small_bytes(t, t->engine), NULL, 0);
	return one_record(t);
}

/* ---- status and place ---- */

TEST(flt_first,
     .id = "vtd.flt.record.first",
     .checks = "VTD-FLT-001 VTD-FLT-002",
     .given = "no fault pending, then one refused write",
     .expects = "PPF = 0 before; then PPF = 1, and F = 1 in the record that FRI names",
     .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct vtd_unit *u = t->bench->vtd;
	uint32_t fsts;

	(void)fx_start_mapped(t, FX_LEGACY);
	expect_eq(t, "PPF before", mmio_rd(&u->regs, VTD_FSTS) & FSTS_PPF, 0);
	(void)try_write(t, t->engine, IOVA_B, dma_small_bytes(t, t->engine), NULL, 0);
	fsts = mmio_rd(&u->regs, VTD_FSTS);
	expect_eq(t, "PPF after", fsts & FSTS_PPF, FSTS_PPF);
	if (!expect_true(t, fld_get(FSTS_FRI, fsts) < u->caps.fault_records_n, "FRI names a record"))
		return;
	expect_eq(t, "F of the record at FRI", vtd_fault_read(u, (unsigned)fld_get(FSTS_FRI, fsts)).f, 1);
	fx_faults_drop(t);
}

TEST(flt_sid,
     .id = "vtd.flt.record.sid",
     .checks = "VTD-FLT-003",
     .given = "a refused write by each of two requesters, the first record taken before the second write",
     .expects = "SID is that of the requester",
     .needs = NEEDS | NEED_ENGINE_WRITE | NEED_ENGINE_2)
{
	(void)fx_start_mapped(t, FX_LEGACY);
	expect_eq(t, "SID of the first", refused_write(t, 0).sid, t->engine->dev->addr.sid);
	(void)try_write(t, t->engine2, IOVA_B, dma_small_bytes(t, t->engine2), NULL, 0);
	expect_eq(t, "SID of the second", one_record(t).sid, t->engine2->dev->addr.sid);
}

TEST(flt_fi,
     .id = "vtd.flt.record.fi",
     .checks = "VTD-FLT-004",
     .given = "refused writes at several offsets of a page, and at pages that differ in one bit",
     .expects = "FI is the page of the request, its low 12 bits are 0",
     .needs = NEEDS | NEED_ENGINE_WRITE)
{
	static const uint64_t offsets[] = { 0, 0x80, 0xa00 };
	unsigned top = (unsigned)min_u64(t->bench->vtd->caps.mgaw_bits, 9 * t->bench->vtd->caps.levels_max + 12u);

	(void)fx_start_mapped(t, FX_LEGACY);
	for (unsigned i = 0; i < ARRAY_LEN(offsets); i++)
		expect_eq(t, "low quadword of the record", refused_write(t, offsets[i]).raw[0], IOVA_B.v);
	for (unsigned bit = 12; bit < top; bit++) {
		uint64_t at = IOVA_B.v ^ pow2(bit);

		if (!expect_eq(t, "low quadword of the record", refused_write(t, at - IOVA_B.v).raw[0], at))
			break;
	}
}

TEST(flt_t1_write,
     .id = "vtd.flt.record.t1_write",
     .checks = "VTD-FLT-005",
     .given = "a refused write",
     .expects = "T1 = 0",
     .needs = NEEDS | NEED_ENGINE_WRITE)
{
	(void)fx_start_mapped(t, FX_LEGACY);
	expect_eq(t, "T1", refused_write(t, 0).t1, 0);
}

TEST(flt_t1_read,
     .id = "vtd.flt.record.t1_read",
     .checks = "VTD-FLT-006",
     .given = "a refused read",
     .expects = "T1 = 1",
     .needs = NEEDS | NEED_ENGINE_READ)
{
	(void)fx_start_mapped(t, FX_LEGACY);
	expect_eq(t, "T1", refused_read(t, 0).t1, 1);
}

TEST(flt_atomic,
     .id = "vtd.flt.record.t1_t2_atomic",
     .checks = "VTD-FLT-007",
     .given = "a refused AtomicOp",
     .expects = "T1 = T2 = 1",
     .needs = NEEDS | NEED_ENGINE_ATOMIC)
{
	struct dma_request rq = { .iova = IOVA_B, .len_bytes = 8, .data = page_alloc(t, 8, 0)->p };
	enum dma_outcome outcome;
	struct vtd_fault f;

	fx_start(t, FX_LEGACY);
	must(t, t->engine->ops->atomic_add(t->engine, &rq, 1, &outcome), "an atomic operation");
	f = one_record(t);
	expect_eq(t, "T1", f.t1, 1);
	/* T2 came with page requests; a unit of before has T alone. */
	if (!f.t2 && !t->bench->vtd->caps.smts && !t->bench->vtd->caps.prs)
		skip(t, "the unit does not implement T2");
	expect_eq(t, "T2", f.t2, 1);
}

/* ---- AT ---- */

TEST(flt_at_untranslated,
     .id = "vtd.flt.record.at_untranslated",
     .checks = "VTD-FLT-008",
     .given = "a unit with ECAP.DT = 1, a refused untranslated write",
     .expects = "AT = 00",
     .needs = NEEDS | NEED_DT | NEED_ENGINE_WRITE)
{
	(void)fx_start_mapped(t, FX_LEGACY);
	expect_eq(t, "AT", refused_write(t, 0).at, 0);
}

TEST(flt_at_translation,
     .id = "vtd.flt.record.at_translation_request",
     .checks = "VTD-FLT-009",
     .given = "a translation request by a requester with TT = 00",
     .expects = "recorded with AT = 01",
     .needs = NEEDS | NEED_DT | NEED_ENGINE_ATS)
{
	struct dma_request rq = { .iova = IOVA_A, .len_bytes = PAGE_BYTES };
	struct ats_answer answer;

	(void)fx_start_mapped(t, FX_LEGACY);
	must(t, t->engine->ops->ats(t->engine, &rq, false, &answer), "a translation request");
	expect_eq(t, "AT", one_record(t).at, 1);
}

TEST(flt_at_translated,
     .id = "vtd.flt.record.at_translated",
     .checks = "VTD-FLT-010",
     .given = "a translated write by a requester with TT = 00",
     .expects = "recorded with AT = 10",
     .needs = NEEDS | NEED_DT | NEED_ENGINE_WRITE | NEED_ENGINE_XLT)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	struct dma_request rq = { .iova = IOVA(p->pa.v), .len_bytes = dma_small_bytes(t, t->engine),
				  .at = DMA_AT_TRANSLATED };

	expect_dma(t, t->engine, &rq, true, p, 0, DMA_REFUSED);
	expect_eq(t, "AT", one_record(t).at, 2);
}

/* ---- PASID, privilege, execute: legacy mode refuses every request with PASID, with a record of it ---- */

static struct vtd_fault refused_with_pasid(struct test *t, struct dma_request rq, bool write)
{
	rq.iova = IOVA_A;
	rq.len_bytes = dma_small_bytes(t, t->engine);
	rq.has_pasid = true;
	(void)try_dma(t, t->engine, &rq, write, NULL, 0);
	return one_record(t);
}

TEST(flt_pasid,
     .id = "vtd.flt.record.pasid",
     .checks = "VTD-FLT-011",
     .given = "refused requests with each bit of the PASID alone, with 0 and with all that the unit knows",
     .expects = "PP = 1 and PV is the PASID",
     .needs = NEEDS | NEED_PASID | NEED_ENGINE_WRITE | NEED_ENGINE_PASID)
{
	unsigned bits = (unsigned)min_u64(t->bench->vtd->caps.pasid_bits, 20);
	uint32_t pasid = 0;
	struct vtd_fault f;

	(void)fx_start_mapped(t, FX_LEGACY);
	for (unsigned i = 0; i <= bits + 1; i++) {
		f = refused_with_pasid(t, (struct dma_request){ .pasid = pasid }, true);
		expect_eq(t, "PP", f.pp, 1);
		if (!expect_eq(t, "PV", f.pv, pasid))
			break;
		pasid = (uint32_t)(i < bits ? pow2(i) : pow2(bits) - 1);
	}
}

TEST(flt_no_pasid,
     .id = "vtd.flt.record.no_pasid",
     .checks = "VTD-FLT-012",
     .given = "scalable mode, a refused write without PASID",
     .expects = "PP = 0",
     .needs = NEED_VTD | NEED_SM | NEED_SSTS | NEED_ENGINE_WRITE)
{
	(void)fx_start_mapped(t, FX_SM_SS);
	expect_eq(t, "PP", refused_write(t, 0).pp, 0);
}

TEST(flt_priv,
     .id = "vtd.flt.record.priv",
     .checks = "VTD-FLT-013",
     .given = "a refused supervisor request with PASID",
     .expects = "PRIV = 1",
     .needs = NEEDS | NEED_PASID | NEED_SRS | NEED_ENGINE_WRITE | NEED_ENGINE_PASID | NEED_ENGINE_PRIV)
{
	(void)fx_start_mapped(t, FX_LEGACY);
	expect_eq(t, "PRIV", refused_with_pasid(t, (struct dma_request){ .pasid = 3, .priv = true }, true).priv, 1);
}

TEST(flt_user,
     .id = "vtd.flt.record.user",
     .checks = "VTD-FLT-014",
     .given = "a refused user request with PASID",
     .expects = "PRIV = 0",
     .needs = NEEDS | NEED_PASID | NEED_ENGINE_WRITE | NEED_ENGINE_PASID)
{
	(void)fx_start_mapped(t, FX_LEGACY);
	expect_eq(t, "PRIV", refused_with_pasid(t, (struct dma_request){ .pasid = 3 }, true).priv, 0);
}

TEST(flt_exec,
     .id = "vtd.flt.record.exec",
     .checks = "VTD-FLT-015",
     .given = "a refused execute request with PASID",
     .expects = "EXE = 1",
     .needs = NEEDS | NEED_PASID | NEED_ENGINE_READ | NEED_ENGINE_PASID)
{
	if (!t->bench->vtd->caps.ers)
		skip(t, "ECAP.ERS = 0");
	if (!(t->engine->caps.flags & DMA_CAN_EXEC))
		skip_unreached(t, "no engine that sends execute requests");
	(void)fx_start_mapped(t, FX_LEGACY);
	expect_eq(t, "EXE", refused_with_pasid(t, (struct dma_request){ .pasid = 3, .exec = true }, false).exe, 1);
}

/* ---- what is not recorded ---- */

TEST(flt_fpd,
     .id = "vtd.flt.silent.fpd",
     .checks = "VTD-FLT-033",
     .given = "FPD = 1; one more refused request than there are records",
     .expects = "neither PPF nor PFO is set",
     .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct vtd_unit *u = t->bench->vtd;
	struct fx_req *r;

	(void)fx_start_mapped(t, FX_LEGACY);
	expect_eq(t, "reason with FPD = 0", refused_write(t, 0).fr, FR_LGN_2);
	r = fx_req(t, t->engine);
	fx_set(t, &r->ctx[0], r->ctx[0] | CTX_FPD);
	fx_sync(t);
	for (unsigned i = 0; i <= u->caps.fault_records_n; i++)
		(void)try_write(t, t->engine, IOVA_B, dma_small_bytes(t, t->engine), NULL, 0);
	expect_eq(t, "PPF and PFO", mmio_rd(&u->regs, VTD_FSTS) & (FSTS_PPF | FSTS_PFO), 0);
}

TEST(flt_tes_off,
     .id = "vtd.flt.silent.translation_off",
     .checks = "VTD-FLT-037",
     .given = "a write that is refused and recorded with TES = 1; then TES = 0, with the same absent tables",
     .expects = "with TES = 0 no record",
     .needs = NEEDS | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)
{
	struct page *p = page_filled(t, 0xa5);

	fx_start(t, FX_LEGACY);
	expect_write(t, IOVA(p->pa.v), p, 0, DMA_REFUSED);
	expect_fault(t, FR_LGN_2, t->engine, IOVA(p->pa.v), true);
	must(t, vtd_translation_off(fx_of(t)->u), "turning translation off");
	expect_write(t, IOVA(p->pa.v), p, 0, DMA_DONE);
	expect_no_fault(t);
}
