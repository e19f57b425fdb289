/*
 * Page requests and the PPR log (AMD IOMMU 2.6, 2.4.7, 2.5.10).
 */
#include "tests/amdvi/fixture.h"

#define NEEDS   (NEED_AMDVI | NEED_AMD_HOST | NEED_AMD_PPR | NEED_ENGINE_PRI | NEED_ENGINE_DIRECT)
#define WAIT_US 1000000u

static struct page_request request(uint16_t group)
{
	return (struct page_request){ .iova = AX_A, .r = true, .last = true, .prgi = group };
}

static void send(struct test *t, const struct page_request *pr)
{
	must(t, t->engine->ops->page_request(t->engine, pr), "a page request");
}

static struct amdvi_unit *start(struct test *t, uint64_t ctl)
{
	struct ax_req *r;

	ax_start(t, &(struct ax_options){ .ppr = true, .ctl = ctl });
	r = ax_req(t, t->engine);
	ax_set(r->dte, r->dte[0] | DTE_PPR);
	ax_sync(t);
	return ax_of(t)->u;
}

/* The next entry, if one comes. */
static bool take(struct test *t, struct amdvi_ppr *out)
{
	deadline_t d = deadline_in_us(WAIT_US);

	while (amdvi_ppr_pop(ax_of(t)->u, out) != OK)
		if (deadline_over(&d))
			return false;
	return true;
}

static bool expect_entry(struct test *t, struct amdvi_ppr *out)
{
	if (take(t, out))
		return true;
	fail(t, "an entry in the PPR log", "none");
	return false;
}

/* ---- entries ---- */

TEST(ppr_logged, .id = "amdvi.ppr.logged", .checks = "AMD-PPR-001", .given = "PPR = 1, a page request",
     .expects = "an entry of code 1h", .needs = NEEDS)
{
	struct page_request pr = request(3);
	struct amdvi_ppr e;

	start(t, 0);
	send(t, &pr);
	if (expect_entry(t, &e))
		expect_eq(t, "code", e.code, 1);
}

TEST(ppr_fields, .id = "amdvi.ppr.fields", .checks = "AMD-PPR-002", .given = "a page request of group 3",
     .expects = "device id, group and address", .needs = NEEDS)
{
	struct page_request pr = request(3);
	struct amdvi_ppr e;

	start(t, 0);
	send(t, &pr);
	if (!expect_entry(t, &e))
		return;
	expect_true(t, e.device_id == t->engine->dev->addr.sid, "the requester's device id");
	expect_eq(t, "group", e.tag, 3);
	expect_true(t, e.address == AX_A.v, "the page of the request");
}

static void flags(struct test *t)
{
	struct page_request pr = request(1);
	struct amdvi_ppr e;

	pr.r = t->desc->arg & 1;
	pr.w = t->desc->arg & 2;
	pr.last = !(t->desc->arg & 4);
	start(t, 0);
	send(t, &pr);
	if (!expect_entry(t, &e))
		return;
	if (t->desc->arg & 4) {
		expect_eq(t, "last", e.last, 0);
		return;
	}
	expect_eq(t, "last", e.last, 1);
	expect_eq(t, "read", e.r, pr.r);
	expect_eq(t, "write", e.w, pr.w);
}

TEST_TABLE(ppr_flags,
	{ .id = "amdvi.ppr.flags.read", .checks = "AMD-PPR-003", .given = "a request to read", .expects = "read alone",
	  .needs = NEEDS, .arg = 1, .body = flags },
	{ .id = "amdvi.ppr.flags.write", .checks = "AMD-PPR-003", .given = "a request to write",
	  .expects = "write alone",
	  .needs = NEEDS, .arg = 2, .body = flags },
	{ .id = "amdvi.ppr.flags.last", .checks = "AMD-PPR-004", .given = "a request that is not the last of its group",
	  .expects = "bit 41 = 0", .needs = NEEDS, .arg = 5, .body = flags });

TEST(ppr_pasid, .id = "amdvi.ppr.pasid", .checks = "AMD-PPR-005",
     .given = "a request without PASID, and one with PASID 77",
     .expects = "GN = 0, then GN = 1", .needs = NEEDS | NEED_ENGINE_PASID | NEED_AMD_GT)
{
	struct page_request pr = request(1);
	struct amdvi_ppr e;
	struct ax_req *r;
	pa_t gcr3;

	start(t, CTL_GT_EN);
	r = ax_req(t, t->engine);
	send(t, &pr);
	if (expect_entry(t, &e))
		expect_eq(t, "GN without PASID", e.gn, 0);
	(void)ax_table(t, &gcr3);
	ax_set_dte(t, r, amdvi_dte_guest(gcr3, 0, 4, r->domain_id));
	ax_set(r->dte, (r->dte[0] & ~DTE_GIOV) | DTE_PPR); /* GIoV is reserved on units without GIoSup */
	ax_sync(t);
	pr.has_pasid = true;
	pr.pasid = 77;
	send(t, &pr);
	if (!expect_entry(t, &e))
		return;
	expect_eq(t, "GN with PASID", e.gn, 1);
	expect_eq(t, "PASID", e.pasid, 77);
}

TEST(ppr_int, .id = "amdvi.ppr.int", .checks = "AMD-PPR-006", .given = "PprIntEn = 1, a page request",
     .expects = "PprInt is set",
     .needs = NEEDS)
{
	struct page_request pr = request(1);
	struct amdvi_unit *u = start(t, CTL_PPR_INT_EN);
	struct amdvi_ppr e;

	send(t, &pr);
	if (expect_entry(t, &e))
		expect_eq(t, "PprInt", !!(amdvi_status(u) & ST_PPR_INT), 1);
}

/* ---- refused ---- */

enum { NO_PPR = 1, NO_EVENT, NO_PPR_EN };

static void refused(struct test *t)
{
	struct page_request pr = request(1);
	struct amdvi_unit *u = start(t, 0);
	uint64_t *dte = ax_req(t, t->engine)->dte;
	struct amdvi_ppr e;
	struct amdvi_event ev;

	send(t, &pr);
	if (!expect_entry(t, &e))
		return;
	if (t->desc->arg == NO_PPR_EN)
		amdvi_ctl_clear(u, CTL_PPR_EN);
	else
		ax_set(dte, dte[0] & ~DTE_PPR);
	ax_sync(t);
	send(t, &pr);
	must(t, amdvi_wait(u), "a wait");
	if (t->desc->arg == NO_EVENT) {
		observe(t, "%s", ax_event_take(t, &ev) ? amdvi_event_text(ev.code) : "no event");
		return;
	}
	expect_eq(t, "entries in the PPR log", amdvi_log_waiting(u, LOG_PPR), 0);
}

TEST_TABLE(ppr_refused,
	{ .id = "amdvi.ppr.refused.ppr0", .checks = "AMD-PPR-008", .given = "PPR = 0 in the entry",
	  .expects = "nothing is logged",
	  .needs = NEEDS, .arg = NO_PPR, .body = refused },
	{ .id = "amdvi.ppr.refused.event", .checks = "AMD-PPR-009", .given = "PPR = 0 in the entry",
	  .expects = "INVALID_PPR_REQUEST", .needs = NEEDS, .arg = NO_EVENT, .body = refused },
	{ .id = "amdvi.ppr.refused.ppr_en", .checks = "AMD-PPR-010", .given = "PPREn = 0",
	  .expects = "nothing is logged",
	  .needs = NEEDS, .arg = NO_PPR_EN, .body = refused });

/* ---- responses ---- */

static void response(struct test *t)
{
	enum amdvi_ppr_code code = (enum amdvi_ppr_code)t->desc->arg;
	struct page_request pr = request(9);
	struct amdvi_ppr e;
	uint16_t group = 0;
	uint32_t pasid = 0;
	unsigned got = 0;
	bool has = false;

	start(t, 0);
	send(t, &pr);
	if (!expect_entry(t, &e))
		return;
	ax_cmd(t, amdvi_cmd_complete_ppr(e.device_id, false, 0, e.tag, code));
	must(t, t->engine->ops->page_response(t->engine, &got, &group, &has, &pasid), "a response at the device");
	expect_eq(t, "response code", got, code);
	expect_eq(t, "group", group, 9);
}

TEST_TABLE(ppr_responses,
	{ .id = "amdvi.ppr.response.success", .checks = "AMD-PPR-011", .given = "COMPLETE_PPR_REQUEST with code 0",
	  .expects = "the device gets it", .needs = NEEDS, .arg = PPR_SUCCESS, .body = response },
	{ .id = "amdvi.ppr.response.failure", .checks = "AMD-PPR-012", .given = "COMPLETE_PPR_REQUEST with code 1111b",
	  .expects = "the device gets it", .needs = NEEDS, .arg = PPR_FAILURE, .body = response });

/* ---- the ring ---- */

/* 255 requests, then one more; nobody takes them. */
static struct amdvi_unit *fill(struct test *t, uint64_t ctl, unsigned n)
{
	struct amdvi_unit *u = start(t, ctl);

	for (unsigned i = 0; i < n; i++) {
		struct page_request pr = request((uint16_t)(i % 512));

		send(t, &pr);
	}
	must(t, amdvi_wait(u), "a wait");
	return u;
}

TEST(ppr_holds, .id = "amdvi.ppr.ring.holds", .checks = "AMD-PPR-017", .given = "256 slots, 255 requests",
     .expects = "all are logged, no overflow", .needs = NEEDS, .budget_us = 4000000)
{
	struct amdvi_unit *u = fill(t, 0, 255);

	expect_eq(t, "entries", amdvi_log_waiting(u, LOG_PPR), 255);
	expect_eq(t, "PprOverflow", amdvi_log_overflow(u, LOG_PPR), 0);
}

TEST(ppr_overflow, .id = "amdvi.ppr.ring.overflow", .checks = "AMD-PPR-013", .given = "256 slots, 256 requests",
     .expects = "PprOverflow = 1, PprLogRun = 0", .needs = NEEDS, .budget_us = 4000000)
{
	struct amdvi_unit *u = fill(t, 0, 256);

	expect_eq(t, "PprOverflow", amdvi_log_overflow(u, LOG_PPR), 1);
	expect_eq(t, "PprLogRun", !!(amdvi_status(u) & ST_PPR_LOG_RUN), 0);
}

TEST(ppr_restart, .id = "amdvi.ppr.ring.restart", .checks = "AMD-PPR-014",
     .given = "an overflow, entries taken, the restart",
     .expects = "the next request is logged", .needs = NEEDS, .budget_us = 4000000)
{
	struct amdvi_unit *u = fill(t, 0, 256);
	struct page_request pr = request(77);
	struct amdvi_ppr e;

	while (amdvi_ppr_pop(u, &e) == OK)
		continue;
	must(t, amdvi_log_restart(u, LOG_PPR), "restarting the PPR log");
	send(t, &pr);
	if (expect_entry(t, &e))
		expect_eq(t, "group", e.tag, 77);
}

TEST(ppr_auto, .id = "amdvi.ppr.ring.auto", .checks = "AMD-PPR-015",
     .given = "PprAutoRspEn = 1, a full log, a last request",
     .expects = "the code of register 2080h", .needs = NEEDS, .budget_us = 4000000)
{
	uint16_t group = 0;
	uint32_t pasid = 0;
	unsigned code = 0;
	bool has = false;

	if (!t->bench->amdvi->caps.ppr_auto)
		skip(t, "EFR.PPRAutoRspSup = 0");
	mmio_wr(ax_regs(t), AMDVI_PPR_AUTO_RSP, FLD(PPR_AUTO_CODE, PPR_INVALID));
	fill(t, CTL_PPR_AUTO_RSP_EN, 256);
	if (t->engine->ops->page_response(t->engine, &code, &group, &has, &pasid) != OK)
		fail(t, "a response at the device", "none");
	else
		expect_eq(t, "response code", code, PPR_INVALID);
}

TEST(ppr_early, .id = "amdvi.ppr.ring.early", .checks = "AMD-PPR-016",
     .given = "the early threshold at 100 entries, 110 requests",
     .expects = "PprOverflowEarly is set", .needs = NEEDS, .budget_us = 4000000)
{
	struct amdvi_unit *u;

	if (!t->bench->amdvi->caps.ppr_early)
		skip(t, "EFR.PprOvrflwEarlySup = 0");
	mmio_wr(ax_regs(t), AMDVI_PPR_EARLY, PPR_EARLY_EN | FLD(PPR_EARLY_THRESHOLD, 100));
	u = fill(t, 0, 110);
	expect_eq(t, "PprOverflowEarly", !!(amdvi_status(u) & ST_PPR_EARLY), 1);
}
