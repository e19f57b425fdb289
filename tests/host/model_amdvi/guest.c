/*
 * Guest translation, page requests and ATS of the AMD-Vi model against golden vectors.
 */
#include "tests/host/model_amdvi/rig.h"
#include "tests/host/tap.h"

#define SID_A   0x0019u
#define DOMAIN  0x1234u
#define PERMIT  UINT64_C(0x6000000000000000)
#define GVA     UINT64_C(0x1234567000)

struct bench {
	struct arig r;
	uint64_t gcr3, root, pte, page;
};

/* V, TV, IR, IW, GV; the GCR3 root in its three pieces; more on top. */
static void entry(struct bench *b, unsigned glx, uint64_t q0, uint64_t q1, uint64_t q2)
{
	arig_dte(&b->r, SID_A, PERMIT | 3 | BIT(55) | glx * BIT(56) | fld_get(BITS(14, 12), b->gcr3) * BIT(58) | q0,
		 DOMAIN | fld_get(BITS(30, 15), b->gcr3) * BIT(16) | fld_get(BITS(51, 31), b->gcr3) * BIT(43) | q1, q2,
		 0);
	arig_command(&b->r, UINT64_C(0x2000000000000000) | SID_A, 0);
}

/* PASID 0 maps GVA by four levels; entry with GIoV, Mode 0. */
static void open(struct bench *b, const char *config)
{
	arig_open(&b->r, config);
	arig_enable(&b->r, BIT(16));
	b->gcr3 = arig_pages(&b->r, 1);
	b->root = arig_pages(&b->r, 1);
	b->page = arig_pages(&b->r, 1);
	b->pte = arig_guest_entry(&b->r, b->root, 4, 1, GVA);
	arig_put(&b->r, b->gcr3, b->root | 1);
	arig_put(&b->r, b->pte, b->page | 7);
	entry(b, 0, BIT(54), 0, 0);
}

static struct mdl_request with_pasid(uint32_t pasid, enum mdl_access access)
{
	return (struct mdl_request){
		.sid = SID_A, .access = (uint8_t)access, .bytes = 8, .address = GVA, .has_pasid = true, .pasid = pasid };
}

static void test_giov(void)
{
	struct bench b;
	struct mdl_amd_result out;

	open(&b, "amd-everything");
	is_u64(arig_ask(&b.r, SID_A, MDL_READ, GVA + 8).address, b.page + 8,
	       "GIoV=1: a request without PASID uses PASID 0");
	arig_look(&b.r, SID_A, MDL_READ, GVA);
	is_u64(arig_get(&b.r, b.pte) & 0x60, 0x20, "a read sets A");
	arig_look(&b.r, SID_A, MDL_WRITE, GVA);
	is_u64(arig_get(&b.r, b.pte) & 0x60, 0x60, "a write sets D");
	entry(&b, 0, 0, 0, 0);
	is_u64(arig_ask(&b.r, SID_A, MDL_READ, GVA).address, GVA, "GIoV=0: identity with Mode=0");
	arig_set(&b.r, 0x0018, 0x1405);
	entry(&b, 0, BIT(54), 0, 0);
	is_u64(arig_ask(&b.r, SID_A, MDL_READ, GVA).address, GVA, "GTEn=0: no guest tables");
	arig_set(&b.r, 0x0018, 0x1405 | BIT(16));
	out = arig_ask(&b.r, SID_A, MDL_READ, GVA + 0x1000);
	is_u64(out.event[0], 0x2001000000000019, "P=0: GN=1, PR=0");
	arig_close(&b.r);
}

static const struct { const char *what; uint64_t flip, read, write; } defects[] = {
	{ "R/W=0", 2, 0, 0x2075000000000019 },       /* GN, US, PR, RW, PE */
	{ "U/S=0", 4, 0x2055000000000019, 0x2075000000000019 },
	{ "P=0", 1, 0x2001000000000019, 0x2001000000000019 },
	{ "a 2-MiB page with bit 13", 0x2080, 0x2095000000000019, 0x20B5000000000019 },
};

static void test_defects(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(defects); i++) {
		struct bench b;
		uint64_t at;
		struct mdl_amd_result out;

		open(&b, "amd-everything");
		at = arig_guest_entry(&b.r, b.root, 4, 2, GVA);
		arig_put(&b.r, at,
			 defects[i].flip > 7 ? arig_get(&b.r, at) | defects[i].flip
					     : arig_get(&b.r, at) ^ defects[i].flip);
		out = arig_ask(&b.r, SID_A, MDL_READ, GVA);
		if (defects[i].read)
			is_u64(out.event[0], defects[i].read, "level 2: %s: a read", defects[i].what);
		else
			is_u64(out.kind, MDL_OK, "level 2: %s: a read passes", defects[i].what);
		out = arig_ask(&b.r, SID_A, MDL_WRITE, GVA);
		is_u64(out.event[0], defects[i].write, "level 2: %s: a write", defects[i].what);
		arig_close(&b.r);
	}
}

static void test_pasids(void)
{
	/* GLX, PASID, index by level from the top. */
	static const struct { unsigned glx; uint32_t pasid; unsigned index[3]; } all[] = {
		{ 0, 511, { 511 } }, { 1, 512, { 1, 0 } }, { 1, 0x3FFFF, { 511, 511 } }, { 2, 0x40000, { 1, 0, 0 } },
		{ 2, 0xFFFFF, { 3, 511, 511 } },
	};
	struct mdl_amd_result out;
	struct mdl_request rq;

	for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
		struct bench b;
		uint64_t table;

		open(&b, "amd-everything");
		table = b.gcr3;
		arig_put(&b.r, table, 0);
		for (unsigned l = 0; l < all[i].glx; l++) {
			uint64_t below = arig_pages(&b.r, 1);

			arig_put(&b.r, table + 8 * all[i].index[l], below | 1);
			table = below;
		}
		arig_put(&b.r, table + 8 * all[i].index[all[i].glx], b.root | 1);
		entry(&b, all[i].glx, 0, 0, 0);
		rq = with_pasid(all[i].pasid, MDL_READ);
		is_u64(arig_ask_rq(&b.r, &rq).address, b.page, "GLX=%u: PASID %05x", all[i].glx, all[i].pasid);
		rq.pasid = all[i].glx == 0 ? 512 : all[i].glx == 1 ? 0x40000 : 5;
		out = arig_ask_rq(&b.r, &rq);
		is_u64(out.event[0] & 0xFFF1FFFF000FFFFF,
		       all[i].glx == 0	 ? 0x2001020000000019
		       : all[i].glx == 1 ? 0x2001000000040019
					 : 0x2001000500000019,
		       "another one, out of reach or V=0, faults with its number");
		arig_close(&b.r);
	}
}

static void test_flags(void)
{
	struct bench b;
	struct mdl_request rq = with_pasid(0, MDL_READ);
	struct mdl_amd_result out;

	open(&b, "amd-everything");
	arig_put(&b.r, b.pte, b.page | 3);
	out = arig_ask_rq(&b.r, &rq);
	is_u64(out.event[0], 0x2055000000000019, "U/S=0: a user request is refused, US=1");
	rq.priv = true;
	is_u64(arig_ask_rq(&b.r, &rq).kind, MDL_OK, "a privileged one passes");
	arig_put(&b.r, b.pte, b.page | 7 | BIT(63));
	is_u64(arig_ask_rq(&b.r, &rq).kind, MDL_OK, "NX=1: a plain read passes");
	rq.exec = true;
	out = arig_ask_rq(&b.r, &rq);
	is_u64(out.event[0], 0x2053000000000019, "execute does not, NX=1");
	rq = with_pasid(0, MDL_READ);
	rq.address = BIT(47);
	out = arig_ask_rq(&b.r, &rq);
	is_u64(out.event[0], 0x2001000000000019, "a non-canonical address faults");
	/* Five levels: the old tables hang below entry 0 of a new root. */
	entry(&b, 0, BIT(54), 0, BIT(54));
	arig_put(&b.r, b.gcr3, arig_pages(&b.r, 1) | 1);
	arig_put(&b.r, arig_get(&b.r, b.gcr3) - 1, b.root | 7);
	is_u64(arig_ask(&b.r, SID_A, MDL_READ, GVA).address, b.page, "GuestPagingMode=01b has five levels");
	arig_close(&b.r);
}

/* Host tables move every page by 4 MiB. */
#define MOVE UINT64_C(0x400000)

static void test_nested(void)
{
	struct bench b;
	uint64_t host, spa;
	struct mdl_amd_result out;

	open(&b, "amd-everything");
	host = arig_pages(&b.r, 1);
	for (uint64_t pa = ARIG_BASE + MOVE; pa < ARIG_BASE + 2 * MOVE; pa += PAGE_BYTES)
		arig_put(&b.r, arig_entry(&b.r, host, 4, 1, pa - MOVE), PERMIT | pa | 1);
	/* The guest's structures as they are, but at GPAs: GCR3 stays at its SPA. */
	for (uint64_t at = 0; at < 0x40000; at += 8)
		arig_put(&b.r, b.root + MOVE + at, arig_get(&b.r, b.root + at));
	entry(&b, 0, BIT(54) | 4 * BIT(9) | host, 0, 0);
	out = arig_look(&b.r, SID_A, MDL_WRITE, GVA + 16);
	is_u64(out.address, b.page + MOVE + 16, "GVA to GPA to SPA");
	is_u64(arig_get(&b.r, b.pte + MOVE) & 0x60, 0x60, "A and D are set where the host put the guest's table");
	is_u64(arig_get(&b.r, b.pte) & 0x60, 0, "and not at the GPA");
	spa = arig_entry(&b.r, host, 4, 1, b.page);
	arig_put(&b.r, spa, arig_get(&b.r, spa) & ~BIT(62));
	is_u64(arig_look(&b.r, SID_A, MDL_WRITE, GVA).kind, MDL_OK, "a host change is not seen without 3h");
	arig_command(&b.r, UINT64_C(0x3000123400000000), b.page);
	out = arig_look(&b.r, SID_A, MDL_WRITE, GVA);
	is_u64(out.event[0], 0x2075000000000019, "host IW=0 blocks; GN=1");
	is_u64(out.event[1], GVA, "with the GVA");
	is_u64(arig_look(&b.r, SID_A, MDL_READ, GVA).kind, MDL_OK, "reads pass");
	arig_set(&b.r, 0x0018, 0x1405 | BIT(16) | BIT(58));
	arig_put(&b.r, b.gcr3 + MOVE, b.root | 1);
	arig_put(&b.r, b.gcr3, 0);
	is_u64(arig_ask(&b.r, SID_A, MDL_READ, GVA).address, b.page + MOVE,
	       "GCR3TRPMode=1: the GCR3 table is at a GPA, too");
	arig_set(&b.r, 0x0018, 0x1405 | BIT(16));
	is_u64(arig_ask(&b.r, SID_A, MDL_READ, GVA).kind, MDL_BLOCKED, "GCR3TRPMode=0: it is at an SPA");
	arig_close(&b.r);
}

/* ---- page requests (PPR) ---- */

static void test_page_requests(void)
{
	struct mdl_page_request pr = { .sid = SID_A,
				      .has_pasid = true,
				      .pasid = 0xA5C3E,
				      .r = true,
				      .last = true,
				      .prgi = 0x155,
				      .address = 0x123456789000 };
	struct bench b;
	uint64_t log, event[2];

	open(&b, "amd-everything");
	log = arig_pages(&b.r, 1);
	arig_set(&b.r, 0x0038, log | UINT64_C(0x0800000000000000));
	is_u64(mdl_amd_page_request(&b.r.u, &pr), MDL_UR, "PPREn=0 refuses");
	is_u64(b.r.responses[0].code, 15, "with a failure");
	arig_set(&b.r, 0x0018, 0x1405 | BIT(16) | BIT(13) | BIT(15));
	is_u64(mdl_amd_page_request(&b.r.u, &pr), MDL_UR, "DTE.PPR=0 refuses");
	is_u64(b.r.responses[1].code, 1, "as an invalid request");
	ok(arig_event(&b.r, event) && event[0] == 0x92002B555C3E0019,
	   "INVALID_PPR_REQUEST: tag, last and PASID in their places");
	entry(&b, 0, BIT(52), 0, 0);
	is_u64(mdl_amd_page_request(&b.r.u, &pr), MDL_DONE, "DTE.PPR=1 takes it");
	is_u64(arig_get(&b.r, log), 0x11442B555C3E0019, "code, GN, user, read, PASID, last and tag");
	is_u64(arig_get(&b.r, log + 8), 0x123456789000, "the page");
	is_u64(arig_reg(&b.r, 0x2020), 0xDA, "PprInt and PprLogRun");
	arig_command(&b.r, UINT64_C(0x700A5C3E00000019), 0x0000115500000004);
	ok(b.r.responses_n == 3 && b.r.responses[2].code == 1 && b.r.responses[2].prgi == 0x155 &&
	   b.r.responses[2].pasid == 0xA5C3E && b.r.responses[2].has_pasid, "COMPLETE_PPR_REQUEST reaches the device");
	arig_set(&b.r, 0x2030, 0x20);
	is_u64(mdl_amd_page_request(&b.r.u, &pr), MDL_UR, "a full log loses the request");
	is_u64(arig_reg(&b.r, 0x2020), 0x7A, "PprOverflow; PprLogRun falls");
	is_u64(b.r.responses_n, 3, "nobody answers");
	arig_set(&b.r, 0x2080, 1);
	arig_set(&b.r, 0x0018, 0x1405 | BIT(16) | BIT(13) | BIT(15) | BIT(39));
	mdl_amd_page_request(&b.r.u, &pr);
	ok(b.r.responses_n == 4 && b.r.responses[3].code == 1, "but with PprAutoRspEn the unit itself");
	arig_close(&b.r);
}

/* ---- ATS ---- */

static void test_ats(void)
{
	struct mdl_request rq = { .sid = SID_A, .at = MDL_TRANSLATION, .bytes = 8, .address = 0x1234567000 };
	struct mdl_ats_completion c;
	uint64_t root, pte, page, event[2];
	struct arig r;

	arig_open(&r, "amd-everything");
	arig_enable(&r, 0);
	root = arig_pages(&r, 1);
	page = arig_pages(&r, 1);
	pte = arig_entry(&r, root, 4, 1, 0x1234567000);
	arig_put(&r, pte, PERMIT | page | 1);
	arig_dte(&r, SID_A, PERMIT | 3 | 0x800 | root | 3 * BIT(7), DOMAIN | BIT(32), 0, 0);
	rq.no_write = true;
	mdl_amd_ats(&r.u, &rq, &c);
	ok(c.status == MDL_DONE && c.address == page && c.bytes == 4096 && c.r && !c.w,
	   "a translation, not asked for write");
	is_u64(arig_get(&r, pte) & 0x60, 0x20, "sets A alone");
	rq.no_write = false;
	mdl_amd_ats(&r.u, &rq, &c);
	ok(c.r && c.w, "asked for write, it is granted");
	is_u64(arig_get(&r, pte) & 0x60, 0x60, "and D is set");
	rq.address += 0x1000;
	mdl_amd_ats(&r.u, &rq, &c);
	ok(c.status == MDL_DONE && !c.r && !c.w && !arig_event(&r, event),
	   "an unmapped page: no permissions, no event");
	rq.at = MDL_TRANSLATED;
	rq.address = page;
	is_u64(arig_ask_rq(&r, &rq).address, page, "a translated request passes");
	arig_dte(&r, SID_A, PERMIT | 3 | 0x800 | root, DOMAIN, 0, 0);
	is_u64(arig_ask_rq(&r, &rq).event[0], 0x8200000000000019, "not with I=0: INVALID_DEVICE_REQUEST 001b");
	rq.at = MDL_TRANSLATION;
	arig_dte(&r, SID_A, 7, DOMAIN | BIT(32), 0, 0);
	is_u64(arig_ask_rq(&r, &rq).event[0], 0x1180000000000019, "an illegal entry: TR=1");
	arig_close(&r);
}

int main(void)
{
	test_giov();
	test_defects();
	test_pasids();
	test_flags();
	test_nested();
	test_page_requests();
	test_ats();
	return done();
}
