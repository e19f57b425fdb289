/*
 * Page requests through the model (AMD IOMMU 2.6): the fields of an entry, who is refused and how, automatic answers,
 * the early overflow.
 */
#include "tests/amdvi/model_rig.h"

#define NEEDS NEED_AMDVI
#define PASID 0xa5c3eu

static struct am *ppr_start(struct test *t, uint64_t ctl, uint64_t dte, uint64_t *log)
{
	struct am *a = am_start(t, 0);

	*log = am_page(a);
	am_set(a, 0x0038, *log | UINT64_C(0x0800000000000000));
	am_set(a, 0x0018, 0x1405 | BIT(13) | BIT(15) | ctl);
	am_dte(a, AM_SID, dte, AM_DOMAIN, 0, 0);
	return a;
}

TEST(model_rq_ppr_fields,
     .id = "amdvi.model.ppr.fields",
     .given = "page requests of which each field alone is not 0", .expects = "an entry with that field",
     .needs = NEEDS | NEED_AMD_PPR | NEED_AMD_GT, .flags = TEST_MODEL)
{
	static const struct { struct mdl_page_request pr; uint64_t w0, w1; } all[] = {
		{ { .r = true }, BIT(50), 0 }, { { .w = true }, BIT(53), 0 }, { { .last = true }, BIT(41), 0 },
		{ { .exec = true }, 0, 0 }, { { .priv = true }, 0, 0 },
		{ { .prgi = 0x155 }, FLD(BITS(40, 32), 0x155), 0 },
		{ { .prgi = 0x0aa }, FLD(BITS(40, 32), 0xaa), 0 },
		{ { .address = UINT64_C(0x123456789a000) }, 0, UINT64_C(0x123456789a000) },
		{ { .has_pasid = true, .exec = true }, BIT(49) | BIT(56), 0 },
		{ { .has_pasid = true, .priv = true }, BIT(54) | BIT(56), 0 },
		{ { .has_pasid = true, .pasid = PASID }, BIT(56) | FLD(BITS(31, 16), 0x5c3e) | FLD(BITS(45, 42), 0xa),
		  0 },
		{ { .has_pasid = true, .pasid = 0xfffff ^ PASID },
		  BIT(56) | FLD(BITS(31, 16), 0xa3c1) | FLD(BITS(45, 42), 5), 0 },
	};
	uint64_t log;
	struct am *a = ppr_start(t, BIT(16), am_dte0(0, 0) | BIT(52) | BIT(55), &log);

	for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
		struct mdl_page_request pr = all[i].pr;

		pr.sid = AM_SID;
		am_is(t, "taken", mdl_amd_page_request(&a->u, &pr), MDL_DONE, i);
		/* A user's, but for the one that says otherwise. */
		am_is(t, "the first word", am_get(log + 16 * i), AM_OP(1) | AM_SID | (BIT(54) ^ (all[i].w0 & BIT(54))) |
		      (all[i].w0 & ~BIT(54)), i);
		am_is(t, "the second word", am_get(log + 16 * i + 8), all[i].w1, i);
	}
	expect_eq(t, "the tail", am_reg(a, 0x2038), 16 * ARRAY_LEN(all));
	expect_eq(t, "PprInt", am_reg(a, 0x2020) & BIT(6), BIT(6));
	am_set(a, 0x0018, 0x1405);
	am_set(a, 0x0038, mem_unbacked(PAGE_BYTES).v | UINT64_C(0x0800000000000000));
	am_set(a, 0x0018, 0x1405 | BIT(13) | BIT(15));
	expect_eq(t, "taken by a log in a hole", mdl_amd_page_request(&a->u,
								      &(struct mdl_page_request){ .sid = AM_SID }),
		  MDL_UR);
	expect_eq(t, "responses", a->responses_n, 0);
}

TEST(model_rq_ppr_refused,
     .id = "amdvi.model.ppr.refused",
     .given = "PPREn, IommuEn, PPR, V, GV of the entry missing, an illegal entry, an id beyond the table",
     .expects = "a response to the last of a group alone; INVALID_PPR_REQUEST, or the entry's own event",
     .needs = NEEDS | NEED_AMD_PPR, .flags = TEST_MODEL)
{
	static const struct { uint64_t ctl, dte; bool has_pasid; uint8_t code; unsigned event; } all[] = {
		{ BIT(15), 3 | BIT(52), false, 15, 0 }, { 1, 3 | BIT(52), false, 15, 0 }, { 0, 3, false, 1, 9 },
		{ 0, 2 | BIT(52), false, 1, 9 }, { 0, 3 | BIT(52), true, 1, 9 }, { 0, 7 | BIT(52), false, 15, 1 },
		{ 0, 6 | BIT(52), false, 1, 9 },
	};
	uint64_t log, event[2] = { 0, 0 };
	struct am *a = ppr_start(t, 0, 0, &log);
	struct mdl_page_request pr = { .sid = AM_SID, .r = true, .last = true, .prgi = 0x155, .pasid = 7,
				       .address = UINT64_C(0x123456789a000) };

	for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
		unsigned before = a->responses_n;

		am_dte(a, AM_SID, all[i].dte, AM_DOMAIN, 0, 0);
		am_set(a, 0x0018, am_reg(a, 0x0018) & ~all[i].ctl);
		pr.has_pasid = all[i].has_pasid;
		pr.last = true;
		am_is(t, "refused", mdl_amd_page_request(&a->u, &pr), MDL_UR, i);
		am_is(t, "responses", a->responses_n - before, 1, i);
		am_is(t, "its code", a->responses[before].code, all[i].code, i);
		am_is(t, "its tag", a->responses[before].prgi, 0x155, i);
		am_is(t, "its device", a->responses[before].sid, AM_SID, i);
		am_is(t, "its PASID", a->responses[before].has_pasid ? a->responses[before].pasid : 0,
		      pr.has_pasid ? 7 : 0, i);
		am_set(a, 0x0018, am_reg(a, 0x0018) | 1);
		event[0] = event[1] = 0;
		am_event(a, event);
		am_is(t, "the event", shr(event[0], 60), all[i].event, i);
		if (all[i].event == 9) {
			am_is(t, "its first word", event[0], AM_OP(9) | AM_SID | BIT(41) | FLD(BITS(40, 32), 0x155) |
			      (pr.has_pasid ? BIT(57) | FLD(BITS(31, 16), 7) : 0), i);
			am_is(t, "its second word", event[1], pr.address, i);
		}
		pr.last = false;
		am_set(a, 0x0018, am_reg(a, 0x0018) & ~all[i].ctl);
		mdl_amd_page_request(&a->u, &pr);
		am_is(t, "responses to what is not the last", a->responses_n - before, 1, i);
		am_code(a);
		am_set(a, 0x0018, 0x1405 | BIT(13) | BIT(15));
	}
	pr.sid = 0x0180;
	pr.last = true;
	a->responses_n = 0;
	mdl_amd_page_request(&a->u, &pr);
	expect_eq(t, "the code beyond the table", a->responses[0].code, 15);
	expect_eq(t, "the event beyond the table", am_code(a), 2);
	expect_eq(t, "entries in the log", am_reg(a, 0x2038), 0);
}

TEST(model_rq_ppr_auto,
     .id = "amdvi.model.ppr.auto",
     .given = "a full log with and without PprAutoRspEn; PprAutoRspAon", .expects = "the code of 2080h, or none",
     .needs = NEEDS | NEED_AMD_PPR, .flags = TEST_MODEL)
{
	uint64_t log;
	struct am *a = ppr_start(t, 0, 3 | BIT(52), &log);
	struct mdl_page_request pr = { .sid = AM_SID, .r = true, .last = true };

	am_set(a, 0x2030, 0x10);
	expect_eq(t, "taken by a full log", mdl_amd_page_request(&a->u, &pr), MDL_UR);
	expect_eq(t, "responses", a->responses_n, 0);
	expect_eq(t, "status", am_reg(a, 0x2020) & BITS(7, 5), BIT(5));
	if (!(a->config.efr & BIT(41)))
		skip(t, "EFR.PPRAutoRspSup = 0");
	am_set(a, 0x2080, 0x19);
	am_set(a, 0x0018, 0x1405 | BIT(13) | BIT(15) | BIT(39));
	expect_eq(t, "taken by a full log", mdl_amd_page_request(&a->u, &pr), MDL_UR);
	expect_eq(t, "responses", a->responses_n, 1);
	expect_eq(t, "the code", a->responses[0].code, 9);
	am_set(a, 0x0018, 0x1405);
	am_set(a, 0x2030, 0);
	am_set(a, 0x2020, BITS(6, 5));
	am_set(a, 0x0018, 0x1405 | BIT(13) | BIT(15) | BIT(42));
	mdl_amd_page_request(&a->u, &pr);
	expect_eq(t, "responses", a->responses_n, 2);
	expect_eq(t, "the tail of a log that is not used", am_reg(a, 0x2038), 0);
	am_set(a, 0x0018, 0x1405 | BIT(13) | BIT(15));
	expect_eq(t, "taken", mdl_amd_page_request(&a->u, &pr), MDL_DONE);
	expect_eq(t, "responses", a->responses_n, 2);
}

TEST(model_rq_ppr_early,
     .id = "amdvi.model.ppr.early",
     .given = "a threshold of 3 entries, over the end of the ring; the indicator off",
     .expects = "PprOverflowEarly with the third, and its message where 2088h asks for it",
     .needs = NEEDS | NEED_AMD_PPR, .flags = TEST_MODEL)
{
	uint64_t log;
	struct am *a = ppr_start(t, 0, 3 | BIT(52), &log);
	struct mdl_page_request pr = { .sid = AM_SID, .r = true, .last = true };

	if (!(a->config.efr & BIT(40)))
		skip(t, "EFR.PprOvrflwEarlySup = 0");
	mdl_amd_cfg_wr(&a->u, 0x62, 1, 2);
	am_set(a, 0x0018, 0x1405);
	am_set(a, 0x2030, 0xff0);
	am_set(a, 0x2038, 0xff0);
	am_set(a, 0x0018, 0x1405 | BIT(13) | BIT(15));
	am_set(a, 0x2088, 3);
	for (unsigned i = 0; i < 4; i++)
		mdl_amd_page_request(&a->u, &pr);
	expect_eq(t, "PprOverflowEarly while it is off", am_reg(a, 0x2020) & BIT(18), 0);
	am_set(a, 0x2030, 0x30);
	am_set(a, 0x2088, 3 | BIT(31) | BIT(30));
	for (unsigned i = 0; i < 3; i++) {
		am_is(t, "PprOverflowEarly", am_reg(a, 0x2020) & BIT(18), 0, i);
		am_is(t, "messages", a->messages_n, 0, i);
		mdl_amd_page_request(&a->u, &pr);
	}
	expect_eq(t, "PprOverflowEarly", am_reg(a, 0x2020) & BIT(18), BIT(18));
	expect_eq(t, "messages", a->messages_n, 1);
	am_set(a, 0x2020, BIT(18));
	am_set(a, 0x2088, 3 | BIT(31));
	mdl_amd_page_request(&a->u, &pr);
	expect_eq(t, "PprOverflowEarly again", am_reg(a, 0x2020) & BIT(18), BIT(18));
	expect_eq(t, "messages without the interrupt enable", a->messages_n, 1);
}
