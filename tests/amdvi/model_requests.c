/*
 * Requests of all sorts through the model (AMD IOMMU 2.1, 3.4): translation and translated requests, special
 * address ranges, the exclusion range, and which accesses memory gets.
 */
#include "tests/amdvi/model_rig.h"

#define NEEDS   NEED_AMDVI
#define INV(n)  (AM_OP(8) | FLD(BITS(59, 57), n) | AM_SID)
#define GONE    (AM_OP(2) | FLD(BITS(47, 32), AM_DOMAIN) | AM_SID) /* IO_PAGE_FAULT, nothing mapped */
#define RW      BIT(53)
#define TR      BIT(56)

/* ---- special address ranges (fact table 4.8) ---- */

/* arg of the entry's second word; the types of the events for a write and a read. PASSES, WALKS: no such event. */
enum { PASSES = 8, WALKS = 9 };

static const struct range {
	uint64_t first, last, q1;
	uint8_t write, read;
} ranges[] = {
	{ 0xfcffffff00, 0xfcfffffff8, 0, WALKS, WALKS }, { 0xfd00000000, 0xfdf7fffff8, 0, 6, 0 },
	{ 0xfdf8000000, 0xfdf8fffff8, 0, 6, 0 }, { 0xfdf9000000, 0xfdf90ffff8, 0, 7, 7 },
	{ 0xfdf9100000, 0xfdf91ffff8, 0, 3, 4 }, { 0xfdf9100000, 0xfdf91ffff8, BIT(40), PASSES, 4 },
	{ 0xfdf9100000, 0xfdf91ffff8, BIT(41), 3, 4 }, { 0xfdf9100000, 0xfdf91ffff8, BITS(41, 40), WALKS, WALKS },
	{ 0xfdf9200000, 0xfdfbfffff8, 0, 7, 7 }, { 0xfdfc000000, 0xfdfdfffff8, 0, 2, 2 },
	{ 0xfdfc000000, 0xfdfdfffff8, BIT(35), PASSES, PASSES }, { 0xfdfc000000, 0xfdfdfffff8, BIT(36), WALKS, WALKS },
	{ 0xfdfe000000, 0xfdfffffff8, 0, 7, 7 }, { 0xfe00000000, 0xffffffffff, 0, 7, 7 },
	{ 0x10000000000, 0x10000000100, 0, WALKS, WALKS },
};

static uint64_t expected(const struct am *a, unsigned type, bool write)
{
	bool ignored = a->config.efr2 & BIT(11);

	if (type == PASSES && !ignored)
		return 0;
	if (type < PASSES && !ignored)
		return INV(type);
	return GONE | (write && a->config.choices.u29_rw_always ? RW : 0);
}

TEST(model_rq_ranges,
     .id = "amdvi.model.requests.ranges",
     .given = "reads and writes at both ends of each special range, with SysMgt and IoCtl; with a PASID",
     .expects = "passed, translated, or INVALID_DEVICE_REQUEST of the range's type; all translated with HtRangeIgnore",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = am_start(t, 0);
	unsigned levels = am_levels(t);
	uint64_t root = am_page(a);

	if (!levels)
		skip(t, "EFR.HATS = 11b");
	for (unsigned i = 0; i < ARRAY_LEN(ranges); i++) {
		const uint64_t at[] = { ranges[i].first, ranges[i].last };

		am_dte(a, AM_SID, am_dte0(levels, root), AM_DOMAIN | ranges[i].q1, 0, 0);
		for (unsigned end = 0; end < 2; end++)
			for (unsigned write = 0; write < 2; write++) {
				uint64_t want = expected(a, write ? ranges[i].write : ranges[i].read, write);
				uint64_t event[2] = { 0, 0 };
				struct mdl_amd_result out = am_ask(a, write ? MDL_WRITE : MDL_READ, at[end]);

				am_event(a, event);
				am_is(t, "the event", event[0], want, 100 * i + 10 * end + write);
				am_is(t, "passes", out.kind == MDL_OK, !want, 100 * i + 10 * end + write);
				if (want)
					am_is(t, "its address", event[1], at[end], i);
				else
					am_is(t, "where it goes", out.address, at[end], i);
			}
	}
	am_dte(a, AM_SID, am_dte0(0, 0), AM_DOMAIN, 0, 0);
	am_look(a, &(struct mdl_request){ .sid = AM_SID, .bytes = 8, .address = 0xfdf9000000, .has_pasid = true });
	expect_eq(t, "the event of a request with PASID", am_code(a), 2);
}

/* ---- the exclusion range ---- */

static bool is_excluded(struct am *a, const struct mdl_request *rq)
{
	struct mdl_amd_result out = am_look(a, rq);

	am_code(a);
	return out.kind == MDL_OK && out.address == rq->address;
}

TEST(model_rq_exclusion,
     .id = "amdvi.model.requests.exclusion",
     .given = "requests at both ends of the exclusion range, of each sort, with EX, Allow and neither; ExEn = 0",
     .expects = "untranslated requests without PASID pass unchecked where EX or Allow says so",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	static const struct { uint64_t address; bool inside; } at[] = {
		{ 0x5ffff8, false }, { 0x600000, true }, { 0x602fff, true }, { 0x603000, false },
	};
	struct am *a = am_start(t, 0);

	am_set(a, 0x0028, 0x602000);
	for (unsigned how = 0; how < 4; how++) {
		bool on = how == 1 || how == 2;

		am_set(a, 0x0020, 0x600000 | (how == 3 ? 0 : 1) | (how == 2 ? 2 : 0));
		am_dte(a, AM_SID, 3, AM_DOMAIN | BIT(32) | (how == 1 || how == 3 ? BIT(39) : 0), 0, 0);
		for (unsigned i = 0; i < ARRAY_LEN(at); i++) {
			struct mdl_request rq = { .sid = AM_SID, .access = MDL_WRITE, .bytes = 8,
						  .address = at[i].address };

			am_is(t, "excluded", is_excluded(a, &rq), on && at[i].inside, 10 * how + i);
			rq.access = MDL_READ;
			am_is(t, "a read excluded", is_excluded(a, &rq), on && at[i].inside, 10 * how + i);
			rq.has_pasid = true;
			am_is(t, "excluded with PASID", is_excluded(a, &rq), 0, 10 * how + i);
		}
	}
	/* With Allow the device's entry does not matter, not even an illegal one. */
	am_set(a, 0x0020, 0x600003);
	am_dte(a, AM_SID, 7, 0, 0, 0);
	expect_true(t, am_goes(a, 0x600008) == 0x600008, "Allow, in spite of an illegal entry");
	am_set(a, 0x0020, 0x600001);
	am_dte(a, AM_SID, 7, BIT(39), 0, 0);
	expect_true(t, am_goes(a, 0x600008) == 0x600008, "EX, in spite of an illegal entry");
	expect_eq(t, "events", am_code(a), 0);
}

/* ---- translation requests ---- */

static struct mdl_ats_completion ats(struct am *a, struct mdl_request rq)
{
	struct mdl_ats_completion c;

	rq.sid = AM_SID;
	rq.at = MDL_TRANSLATION;
	rq.bytes = 8;
	rq.address = rq.address ? rq.address : AM_IOVA + 0x18;
	mdl_amd_ats(&a->u, &rq, &c);
	return c;
}

TEST(model_rq_ats_host,
     .id = "amdvi.model.requests.ats_host",
     .given = "translation requests of a host page, all permissions of leaf and entry, U, FC, no-write",
     .expects = "address, size and what is granted; W only where it was asked for",
     .needs = NEEDS | NEED_AMD_IOTLB, .flags = TEST_MODEL)
{
	struct am *a = am_start(t, 0);
	unsigned levels = am_levels(t);
	uint64_t root = am_page(a), page = am_page(a), pte, had = a->config.efr & BIT(52) ? BITS(8, 7) : 0;

	if (!levels)
		skip(t, "EFR.HATS = 11b");
	pte = am_entry(a, root, levels, 1, AM_IOVA);
	for (unsigned leaf = 0; leaf < 16; leaf++)
		for (unsigned own = 0; own < 4; own++)
			for (unsigned nw = 0; nw < 2; nw++) {
				uint64_t both = FLD(BITS(62, 61), leaf & own & 3);
				bool r = both & BIT(61), w = (both & BIT(62)) && !nw;
				struct mdl_ats_completion c;

				am_put(pte, page | 1 | FLD(BITS(62, 61), leaf & 3) | (leaf & 4 ? BIT(59) : 0) |
				       (leaf & 8 ? BIT(60) : 0));
				am_dte(a, AM_SID, 3 | levels * 0x200u | root | FLD(BITS(62, 61), own) | had,
				       AM_DOMAIN | BIT(32), 0, 0);
				am_cmd(a, AM_OP(3) | FLD(BITS(47, 32), AM_DOMAIN), AM_ALL);
				c = ats(a, (struct mdl_request){ .no_write = nw });
				if (!(leaf & 2) || nw)
					am_is(t, "D of a page that is not to be written", am_get(pte) & BIT(6), 0,
					      leaf);
				am_is(t, "status", c.status, MDL_DONE, 100 * leaf + 10 * own + nw);
				am_is(t, "R and W", (uint64_t)c.r + 2u * c.w, (uint64_t)r + 2u * w,
				      100 * leaf + 10 * own + nw);
				if (!r && !w)
					continue;
				am_is(t, "U", c.u, !!(leaf & 4), leaf);
				am_is(t, "N", c.n, !!(leaf & 8), leaf);
				am_is(t, "X, Priv and Global", c.x || c.priv || c.global, 0, leaf);
				am_is(t, "bytes", c.bytes, PAGE_BYTES, leaf);
				am_is(t, "the address", c.address, page, leaf);
			}
	expect_eq(t, "events", am_code(a), 0);
}

TEST(model_rq_ats_guest,
     .id = "amdvi.model.requests.ats_guest",
     .given = "translation requests with PASID of a guest page: R/W, U/S, NX, G of the leaf, users and supervisors",
     .expects = "R, W, X, Priv and Global as granted and asked for",
     .needs = NEEDS | NEED_AMD_IOTLB | NEED_AMD_GT, .flags = TEST_MODEL)
{
	struct am *a = am_start(t, BIT(16));
	uint64_t gcr3 = am_page(a), root = am_page(a), page = am_page(a), pte = am_guest_entry(a, root, 4, 1, AM_IOVA);
	bool nx_there = a->config.efr & BIT(3);

	am_put(gcr3 + 8 * 5, root | 1);
	am_dte(a, AM_SID, am_dte0(0, 0) | BIT(55) | FLD(BITS(60, 58), fld_get(BITS(14, 12), gcr3)),
	       AM_DOMAIN | BIT(32) | FLD(BITS(31, 16), fld_get(BITS(30, 15), gcr3)) |
	       FLD(BITS(63, 43), fld_get(BITS(51, 31), gcr3)), 0, 0);
	for (unsigned leaf = 0; leaf < 16; leaf++)
		for (unsigned kind = 0; kind < 8; kind++) {
			bool w = leaf & 1, u = leaf & 2, nx = leaf & 4 && nx_there, g = leaf & 8;
			bool priv = kind & 1, exec = kind & 2, nw = kind & 4, seen = priv || u;
			struct mdl_ats_completion c;

			am_put(pte, page | 1 | (w ? 2 : 0) | (u ? 4 : 0) | (nx ? BIT(63) : 0) | (g ? BIT(8) : 0));
			am_cmd(a, AM_OP(3) | FLD(BITS(47, 32), AM_DOMAIN) | 5, AM_ALL | 6);
			for (unsigned i = 0; i < 2; i++) {
				c = ats(a, (struct mdl_request){ .has_pasid = true, .pasid = 5, .priv = priv,
								 .exec = exec,
								 .no_write = nw });
				am_is(t, "status", c.status, MDL_DONE, 100 * leaf + kind);
				am_is(t, "R, W and X", (uint64_t)c.r + 2u * c.w + 4u * c.x,
				      seen ? (uint64_t)1 + 2u * (w && !nw) + 4u * (exec && !nx) : 0, 100 * leaf + kind);
				am_is(t, "D of the leaf", !!(am_get(pte) & BIT(6)), seen && w && !nw,
				      100 * leaf + kind);
				if (!seen)
					continue;
				am_is(t, "Priv", c.priv, priv, 100 * leaf + kind);
				am_is(t, "Global", c.global, g, 100 * leaf + kind);
				am_is(t, "the address", c.address, page, 100 * leaf + kind);
			}
		}
	expect_eq(t, "events", am_code(a), 0);
}

TEST(model_rq_ats_refused,
     .id = "amdvi.model.requests.ats_refused",
     .given = "translation and translated requests where they must be refused, or have no answer",
     .expects = "Unsupported Request, Completer Abort, or an answer without permissions; the events with TR",
     .needs = NEEDS | NEED_AMD_IOTLB, .flags = TEST_MODEL)
{
	struct am *a = am_start(t, 0);
	bool identity = a->config.choices.u38_identity;
	uint64_t hole = mem_unbacked(3 * PAGE_BYTES).v, event[2] = { 0, 0 };
	struct mdl_request plain = { 0 }, pre = { .sid = AM_SID, .at = MDL_TRANSLATED, .bytes = 8, .address = 0x5008 };
	struct mdl_ats_completion c;

	am_dte(a, AM_SID, am_dte0(0, 0), AM_DOMAIN, 0, 0);
	expect_eq(t, "I = 0", ats(a, plain).status, MDL_UR);
	am_event(a, event);
	expect_eq(t, "its event", event[0], INV(1) | TR);
	expect_eq(t, "translated, I = 0", am_look(a, &pre).kind, MDL_BLOCKED);
	am_event(a, event);
	expect_eq(t, "its event", event[0], INV(1));
	am_dte(a, AM_SID, am_dte0(0, 0), AM_DOMAIN | BIT(32), 0, 0);
	c = ats(a, plain);
	expect_true(t, c.status == MDL_DONE && c.r && c.w && c.address == AM_IOVA, "Mode = 0: identity");
	expect_true(t, am_look(a, &pre).address == 0x5008, "translated, I = 1");
	c = ats(a, (struct mdl_request){ .address = 0xfee00000 });
	expect_true(t, c.status == MDL_DONE && !c.r && !c.w && !c.bytes, "the MSI window has no translation");
	am_dte(a, AM_SID, 3, AM_DOMAIN | BIT(32), 0, 0);
	c = ats(a, plain);
	expect_true(t, c.status == MDL_DONE && !c.r && !c.w && !c.bytes && !c.address,
		    "no permissions: an empty answer");
	expect_eq(t, "events", am_code(a), 0);
	am_dte(a, AM_SID, 0, BIT(32), 0, 0);
	expect_eq(t, "V = 0", ats(a, plain).status, identity ? MDL_DONE : MDL_UR);
	expect_eq(t, "its event", am_code(a), identity ? 0 : 8);
	expect_eq(t, "translated, V = 0", am_look(a, &pre).kind, MDL_BLOCKED);
	am_code(a);
	am_dte(a, AM_SID, 7, AM_DOMAIN | BIT(32), 0, 0);
	expect_eq(t, "an illegal entry", ats(a, plain).status, MDL_CA);
	event[0] = 0;
	am_event(a, event);
	expect_eq(t, "its event", event[0], AM_OP(1) | BIT(55) | TR | AM_SID);
	am_set(a, 0x0000, hole | 2);
	am_cmd(a, AM_OP(2) | AM_SID, 0);
	expect_eq(t, "an unreadable entry", ats(a, plain).status, MDL_CA);
	event[0] = 0;
	am_event(a, event);
	expect_eq(t, "its event", event[0], AM_OP(3) | BIT(57) | TR | AM_SID);
	am_set(a, 0x0000, a->devtab);
	expect_eq(t, "beyond the table", ats(a, plain).status, MDL_CA);
	expect_eq(t, "its event", am_code(a), 2);
	am_set(a, 0x0018, 0x1404);
	expect_eq(t, "IommuEn = 0", ats(a, plain).status, MDL_UR);
	expect_eq(t, "translated, IommuEn = 0", am_look(a, &pre).kind, MDL_OK);
	expect_eq(t, "events", am_code(a), 0);
}

/* ---- access to memory ---- */

TEST(model_rq_access,
     .id = "amdvi.model.requests.access",
     .given = "reads, writes, FetchAdd of 4 and 8 bytes, aligned or not, of 2 bytes, zero-length reads; in a hole",
     .expects = "what memory holds afterwards, and what the device is told",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = am_start(t, 0);
	uint64_t page = am_page(a), hole = page_unbacked(t).v, data;
	const struct { uint8_t access, bytes; uint64_t address, data, after, told; bool done; } all[] = {
		{ MDL_WRITE, 8, page, 0x1122334455667788, 0x1122334455667788, 0x1122334455667788, true },
		{ MDL_READ, 8, page, 0, 0x1122334455667788, 0x1122334455667788, true },
		{ MDL_ATOMIC, 8, page, 0x10, 0x1122334455667798, 0x1122334455667788, true },
		{ MDL_ATOMIC, 4, page, 0x10, 0x11223344556677a8, 0x55667798, true },
		{ MDL_ATOMIC, 4, page + 4, 1, 0x11223345556677a8, 0x11223344, true },
		{ MDL_ATOMIC, 8, page + 4, 1, 0x11223345556677a8, 1, false },
		{ MDL_ATOMIC, 4, page + 2, 1, 0x11223345556677a8, 1, false },
		{ MDL_ATOMIC, 2, page, 1, 0x11223345556677a8, 1, false },
		{ MDL_ZLR, 1, page, 5, 0x11223345556677a8, 5, true },
		{ MDL_WRITE, 4, page + 4, 0x99, 0x00000099556677a8, 0x99, true },
		{ MDL_WRITE, 8, hole, 1, 0x00000099556677a8, 1, false },
		{ MDL_READ, 8, hole, 1, 0x00000099556677a8, 1, false },
	};

	for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
		const struct mdl_request rq = { .sid = AM_SID, .access = all[i].access, .bytes = all[i].bytes,
						.address = all[i].address };

		data = all[i].data;
		am_is(t, "done", mdl_amd_dma(&a->u, &rq, &data) == MDL_DONE, all[i].done, i);
		am_is(t, "memory", am_get(page), all[i].after, i);
		am_is(t, "the device's data", data, all[i].told, i);
	}
}

TEST(model_rq_logging,
     .id = "amdvi.model.requests.logging",
     .given = "SE and SA with page faults and with illegal entries, valid and not",
     .expects = "which of them are logged",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	static const struct { uint64_t q0, q1; unsigned events; } all[] = {
		{ 3, 0, 3 }, { 3, BIT(33), 1 }, { 3, BIT(34), 0 }, { 3, BITS(34, 33), 0 }, { 7, BIT(33), 3 },
		{ 7, BIT(34), 3 },
	};
	struct am *a = am_start(t, 0);
	uint64_t event[2];

	for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
		unsigned n = 0;

		am_dte(a, AM_SID, all[i].q0, all[i].q1, 0, 0);
		for (unsigned k = 0; k < 3; k++)
			am_is(t, "where a read goes", am_goes(a, 0x5008), 0, i);
		while (am_event(a, event))
			n++;
		am_is(t, "events of three faults", n, all[i].events, i);
	}
	expect_eq(t, "0050h: none of these is a hardware error", am_reg(a, 0x0050), 0);
	/* SA of an entry with V = 0 means nothing: a translated request is an event all the same. */
	if (!(a->config.header & BIT(24)))
		return;
	am_dte(a, AM_SID, 0, BIT(34), 0, 0);
	am_look(a, &(struct mdl_request){ .sid = AM_SID, .at = MDL_TRANSLATED, .bytes = 8, .address = 0x5008 });
	expect_eq(t, "the event with V = 0, SA = 1", am_code(a), 8);
}

TEST(model_rq_log_hole,
     .id = "amdvi.model.requests.log_hole",
     .given = "an event log in a hole", .expects = "the tail stays, and no status tells of an entry",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = am_start(t, 0);

	am_set(a, 0x0018, 0x1401);
	am_set(a, 0x0010, page_unbacked(t).v | UINT64_C(0x0800000000000000));
	am_set(a, 0x0018, 0x1405);
	am_dte(a, AM_SID, 3, 0, 0, 0);
	am_goes(a, 0x5008);
	expect_eq(t, "the tail", am_reg(a, 0x2018), 0);
	expect_eq(t, "status", am_reg(a, 0x2020), 0x18);
}

TEST(model_rq_pure,
     .id = "amdvi.model.requests.pure",
     .given = "translate() of a page, and of one that is absent", .expects = "what the unit does, and no event",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	unsigned levels = am_levels(t);
	struct am *a = am_start(t, 0);
	uint64_t root = am_page(a), page = am_page(a);
	struct mdl_request rq = { .sid = AM_SID, .bytes = 8, .address = AM_IOVA };
	struct mdl_amd_result out;

	if (!levels)
		skip(t, "EFR.HATS = 11b");
	am_put(am_entry(a, root, levels, 1, AM_IOVA), AM_PERMIT | page | 1);
	/* GLX of an entry without guest tables means nothing. */
	am_dte(a, AM_SID, am_dte0(levels, root) | (a->config.efr & BIT(4) ? BITS(57, 56) : 0), AM_DOMAIN, 0, 0);
	mdl_amd_translate(&a->u.st, &a->u.mem, &rq, &out);
	expect_true(t, out.kind == MDL_OK && out.address == page, "the page");
	expect_eq(t, "where a read goes", am_goes(a, AM_IOVA), page);
	rq.address += PAGE_BYTES;
	mdl_amd_translate(&a->u.st, &a->u.mem, &rq, &out);
	expect_true(t, out.kind == MDL_BLOCKED && out.recorded, "the absent one");
	expect_eq(t, "events", am_code(a), 0);
}
