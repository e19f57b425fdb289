/*
 * Interrupt remapping and posting of the model, and page requests. Words are by hand from the manual.
 */
#include "tests/host/model/rig.h"
#include "tests/host/tap.h"

#define SID_A 0x0019u

struct ir {
	struct rig r;
	uint64_t table;
};

/* Eight entries (S=2); EIME as told. */
static void open_ir(struct ir *s, const char *config, bool eime)
{
	rig_open(&s->r, config);
	s->table = rig_pages(&s->r, 1);
	rig_set(&s->r, 0xB8, s->table | 2 | (eime ? BIT(11) : 0));
	rig_command(&s->r, 0x01000000);
	rig_command(&s->r, 0x02000000);
}

static void irte(struct ir *s, unsigned index, uint64_t lo, uint64_t hi)
{
	rig_put(&s->r, s->table + 16 * index, lo);
	rig_put(&s->r, s->table + 16 * index + 8, hi);
}

/* The fault of a message by a requester, 0 if it was delivered. Clears the record. 0x100: blocked without one. */
static unsigned send_by(struct ir *s, uint16_t sid, uint64_t address, uint32_t data)
{
	uint32_t frcd = (uint32_t)(16 * fld_get(CAP_FRO, s->r.u.st.cfg->cap));
	enum mdl_completion c = mdl_vtd_interrupt(&s->r.u, sid, address, data);
	unsigned fault = 0x100;

	for (unsigned i = 0; i <= fld_get(CAP_NFR, s->r.u.st.cfg->cap); i++) {
		uint64_t hi = rig_reg(&s->r, frcd + 16 * i + 8);

		if ((hi & BIT(63)) != 0) {
			fault = (unsigned)fld_get(BITS(39, 32), hi);
			rig_set(&s->r, frcd + 16 * i + 8, BIT(63));
		}
	}
	return c == MDL_DONE ? 0 : fault;
}

/* Remappable format, handle, no subhandle. */
static unsigned send(struct ir *s, unsigned handle)
{
	return send_by(s, SID_A, 0xFEE00010 | FLD(BITS(19, 5), handle), 0);
}

static void invalidate(struct ir *s)
{
	if (s->r.queue == 0)
		rig_queue(&s->r, false);
	rig_submit(&s->r, 0x04, 0);
}

static void test_remap(void)
{
	static struct ir s;
	struct rig *r = &s.r;

	open_ir(&s, "unit2016", false);
	/* P, DLM=000, vector 41h, destination 5 in 47:40. */
	irte(&s, 1, 0x0000050000410001, 0);
	is_u64(send(&s, 1), 0, "a remapped message is delivered");
	is_u64(r->messages[0].address, 0xFEE05000, "to APIC 5");
	is_u64(r->messages[0].data, 0x41, "vector 41h, fixed, edge");
	/* DM, RH, TM, DLM=001, all available bits. */
	irte(&s, 2, 0x0000FF0000420F3D, 0);
	is_u64(send(&s, 2), 0, "logical, redirectable, level, lowest priority");
	is_u64(r->messages[1].address, 0xFEEFF00C, "address: RH, DM, destination ffh");
	is_u64(r->messages[1].data, 0xC142, "data: level, assert, lowest priority, 42h");
	irte(&s, 3, 0x0000050000430001, 0);
	is_u64(send_by(&s, SID_A, 0xFEE00038, 2), 0, "SHV=1: handle 1 + subhandle 2");
	is_u64(r->messages[2].data, 0x43, "is entry 3");
	is_u64(send_by(&s, SID_A, 0xFEE00030, 2), 0, "SHV=0: the subhandle is ignored");
	is_u64(r->messages[3].data, 0x41, "so it is entry 1");
	is_u64(send_by(&s, SID_A, 0xFEE00033, 0), 0, "address bits 1:0 are ignored");
	is_u64(send_by(&s, SID_A, 0xFEE00038, 0x10000), 0x20, "SHV=1, data bit 16: 20h");
	is_u64(send_by(&s, SID_A, 0xFEE00030, 0x10000), 0, "SHV=0, data bit 16: delivered");
	is_u64(send(&s, 7), 0x22, "entry 7 of 8 is absent: 22h");
	is_u64(send(&s, 8), 0x21, "entry 8 is beyond: 21h");
	is_u64(send_by(&s, SID_A, 0xFEE000F8, 1), 0x21, "handle 7 + subhandle 1 is, too");
	is_u64(send_by(&s, SID_A, 0xFEE00034, 0), 0x21, "bit 2 is handle bit 15: 21h");
	is_u64(send_by(&s, SID_A, 0xFEE05000, 0x41), 0x25, "compatibility format, CFIS=0: 25h");
	rig_command(r, 0x00800000);
	is_u64(send_by(&s, SID_A, 0xFEE05000, 0x44), 0, "with CFIS=1 it passes");
	is_u64(r->messages[r->messages_n - 1].data, 0x44, "unchanged");
	rig_command_off(r, 0x02000000);
	is_u64(send_by(&s, SID_A, 0xFEE00110, 0), 0, "IRES=0: anything passes");
	rig_close(r);
}

static void test_irte_words(void)
{
	static const struct { const char *what; uint64_t lo, hi; unsigned fault; } rows[] = {
		{ "bit 12", BIT(12), 0, 0x24 },    { "bit 13", BIT(13), 0, 0x24 },   { "bit 14", BIT(14), 0, 0x24 },
		{ "bit 24", BIT(24), 0, 0x24 },    { "bit 31", BIT(31), 0, 0x24 },   { "bit 32", BIT(32), 0, 0x24 },
		{ "bit 39", BIT(39), 0, 0x24 },    { "bit 48", BIT(48), 0, 0x24 },   { "bit 63", BIT(63), 0, 0x24 },
		{ "bit 84", 0, BIT(20), 0x24 },    { "bit 127", 0, BIT(63), 0x24 },  { "bits 11:8", 0xF00, 0, 0 },
		{ "SVT=01, SID", 0, 0x40019, 0 },  { "SVT=01, another", 0, 0x40018, 0x26 },
		{ "SVT=01, SQ=01, bit 2", 0, 0x5001D, 0 }, { "SVT=01, SQ=01, bit 1", 0, 0x5001B, 0x26 },
		{ "SVT=01, SQ=10, bits 2:1", 0, 0x6001F, 0 }, { "SVT=01, SQ=10, bit 0", 0, 0x6001E, 0x26 },
		{ "SVT=01, SQ=11, bits 2:0", 0, 0x7001E, 0 }, { "SVT=01, SQ=11, bit 3", 0, 0x70011, 0x26 },
		{ "SVT=10, buses 0 to 0", 0, 0x80000, 0 }, { "SVT=10, buses 0 to 5", 0, 0x80005, 0 },
		{ "SVT=10, buses 1 to 5", 0, 0x80105, 0x26 }, { "SVT=11", 0, 0xC0019, 0x26 },
	};
	static struct ir s;

	open_ir(&s, "unit2016", false);
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		irte(&s, 1, 0x0000050000410001 | rows[i].lo, rows[i].hi);
		invalidate(&s);
		is_u64(send(&s, 1), rows[i].fault, "IRTE, %s: %02xh", rows[i].what, rows[i].fault);
		if (rows[i].fault == 0)
			continue;
		irte(&s, 1, 0x0000050000410003 | rows[i].lo, rows[i].hi);
		invalidate(&s);
		is_u64(send(&s, 1), 0x100, "IRTE, %s, FPD=1: blocked, not recorded", rows[i].what);
	}
	irte(&s, 1, 2, 0);
	invalidate(&s);
	is_u64(send(&s, 1), 0x100, "P=0, FPD=1: blocked, not recorded");
	rig_set(&s.r, 0xB8, RIG_NOTHING | 2);
	rig_command(&s.r, 0x01000000);
	invalidate(&s);
	is_u64(send(&s, 1), 0x23, "no memory behind the table: 23h");
	rig_close(&s.r);
	open_ir(&s, "scalable", true);
	irte(&s, 1, 0x1234567800410001, 0);
	is_u64(send(&s, 1), 0, "EIME=1: a 32-bit destination");
	is_u64(s.r.messages[0].address, 0x12345600FEE78000, "bits 31:8 in the upper address, 7:0 in 19:12");
	rig_command(&s.r, 0x00800000);
	is_u64(send_by(&s, SID_A, 0xFEE05000, 0x41), 0x25, "EIME=1, CFIS=1: compatibility format is blocked: 25h");
	rig_close(&s.r);
	open_ir(&s, "strict", false);
	irte(&s, 1, 0x0000050000418001, 0);
	is_u64(send(&s, 1), 0x24, "IM=1 without PI: 24h");
	is_u64(send_by(&s, SID_A, 0xFEE00030, 0x10000), 0x20, "SHV=0, data bit 16 where that is checked: 20h");
	rig_close(&s.r);
}

static void test_record(void)
{
	static struct ir s;

	open_ir(&s, "unit2016", false);
	mdl_vtd_interrupt(&s.r.u, SID_A, 0xFEE000B0, 0);
	is_u64(rig_reg(&s.r, 0x600), 0x0005000000000000, "FI 63:48 is the index");
	is_u64(rig_reg(&s.r, 0x608), 0x8000002200000019, "SID and reason");
	rig_close(&s.r);
}

static void test_cache(void)
{
	static struct ir s;

	open_ir(&s, "unit2016", false);
	irte(&s, 1, 0, 0);
	is_u64(send(&s, 1), 0x22, "an absent entry");
	irte(&s, 1, 0x0000050000410001, 0);
	is_u64(send(&s, 1), 0, "CM=0: made present, it is used at once");
	irte(&s, 1, 0x0000050000420001, 0);
	send(&s, 1);
	is_u64(s.r.messages[s.r.messages_n - 1].data, 0x41, "changed, it is used as it was");
	rig_queue(&s.r, false);
	rig_submit(&s.r, 0x0000000000000014, 0);
	send(&s, 1);
	is_u64(s.r.messages[s.r.messages_n - 1].data, 0x41, "an invalidation of entry 0 changes nothing");
	rig_submit(&s.r, 0x0000000108000014, 0); /* index 1, IM=1: entries 0 and 1 */
	send(&s, 1);
	is_u64(s.r.messages[s.r.messages_n - 1].data, 0x42, "one of entries 0 and 1 does");
	irte(&s, 1, 0x0000050000430001, 0);
	rig_set(&s.r, 0xB8, s.table | 2);
	rig_command(&s.r, 0x01000000);
	send(&s, 1);
	is_u64(s.r.messages[s.r.messages_n - 1].data, 0x42, "SIRTP without ESIRTPS does not");
	rig_close(&s.r);
	open_ir(&s, "caching", false);
	irte(&s, 1, 0, 0);
	is_u64(send(&s, 1), 0x22, "CM=1: an absent entry");
	irte(&s, 1, 0x0000050000410001, 0);
	is_u64(send(&s, 1), 0x22, "stays absent");
	rig_queue(&s.r, false);
	rig_submit(&s.r, 0x0000000100000014, 0);
	is_u64(send(&s, 1), 0, "until it is invalidated");
	rig_set(&s.r, 0xB8, s.table | 2);
	rig_close(&s.r);
}

static void test_posting(void)
{
	static struct ir s;
	uint64_t pd, irte_lo;

	open_ir(&s, "unit2016", false);
	pd = rig_pages(&s.r, 1) + 0x40;
	/* P, IM, vector 85h; descriptor address 31:6 in 63:38. */
	irte_lo = 0x0000000000858001 | FLD(BITS(63, 38), pd / 64);
	irte(&s, 1, irte_lo, 0);
	rig_put(&s.r, pd + 32, 0x0000030000F20000); /* NV f2h, NDST 3 in 47:40 of the word */
	is_u64(send(&s, 1), 0, "a posted message");
	is_u64(rig_get(&s.r, pd + 16), BIT(5), "sets PIR bit 85h");
	is_u64(rig_get(&s.r, pd + 32), 0x0000030000F20001, "and ON");
	ok(s.r.messages_n == 1 && s.r.messages[0].address == 0xFEE03000 && s.r.messages[0].data == 0xF2,
	   "and notifies vector f2h of APIC 3");
	is_u64(send(&s, 1), 0, "while ON=1");
	is_u64(s.r.messages_n, 1, "no second notification");
	rig_put(&s.r, pd + 32, 0x0000030000F30002);
	rig_put(&s.r, pd + 16, 0);
	send(&s, 1);
	ok(s.r.messages_n == 1 && rig_get(&s.r, pd + 16) == BIT(5) && (rig_get(&s.r, pd + 32) & 1) == 0,
	   "SN=1: the bit, no ON, no notification");
	irte(&s, 1, irte_lo | BIT(14), 0);
	invalidate(&s);
	send(&s, 1);
	ok(s.r.messages_n == 2 && s.r.messages[1].data == 0xF3, "URG=1 notifies all the same, by the new NV");
	rig_put(&s.r, pd + 32, 4);
	is_u64(send(&s, 1), 0x28, "bit 258 of the descriptor: 28h");
	rig_put(&s.r, pd + 32, 0);
	rig_put(&s.r, pd + 56, BIT(63));
	is_u64(send(&s, 1), 0x28, "bit 511 of the descriptor: 28h");
	irte(&s, 1, (irte_lo & ~BITS(63, 38)) | FLD(BITS(63, 38), RIG_NOTHING / 64), 0);
	invalidate(&s);
	is_u64(send(&s, 1), 0x27, "no memory behind the descriptor: 27h");
	for (unsigned bit = 2; bit <= 7; bit++) {
		irte(&s, 1, irte_lo | BIT(bit), 0);
		invalidate(&s);
		is_u64(send(&s, 1), 0x24, "posted format, bit %u: 24h", bit);
	}
	irte(&s, 1, irte_lo, BIT(20));
	invalidate(&s);
	is_u64(send(&s, 1), 0x24, "posted format, bit 84: 24h");
	irte(&s, 1, irte_lo, 0x40018);
	invalidate(&s);
	is_u64(send(&s, 1), 0x26, "posted format, wrong source: 26h");
	rig_close(&s.r);
}

static void test_page_requests(void)
{
	static struct rig r;
	struct mdl_page_request pr = { .sid = SID_A, .has_pasid = true, .pasid = 7, .r = true, .w = true, .last = true,
				       .priv = true, .prgi = 0x155, .address = 0x12345000 };
	uint64_t queue;

	rig_open(&r, "everything");
	rig_scalable(&r, SID_A, 0x19, 0); /* P, PASIDE, PRE */
	queue = rig_pages(&r, 1);
	is_u64(mdl_vtd_page_request(&r.u, &pr), MDL_UR, "TES=0: refused");
	rig_enable(&r, RIG_BASE | 0x400);
	rig_set(&r, 0xD0, queue);
	rig_set32(&r, 0xE4, 0x54);
	rig_set32(&r, 0xE8, 0xFEE00000);
	rig_set32(&r, 0xE0, 0);
	is_u64(mdl_vtd_page_request(&r.u, &pr), MDL_DONE, "a request is queued");
	is_u64(rig_get(&r, queue), 0x0020000700190101, "type, PP, RID, PASID, PMR");
	is_u64(rig_get(&r, queue + 8), 0x0000000012345AAF, "RDR, WRR, LPIG, PRGI, ADDR");
	ok(rig_get(&r, queue + 16) == 0 && rig_get(&r, queue + 24) == 0, "the rest is 0");
	is_u64(rig_reg(&r, 0xC8), 0x20, "PQT moved by 32");
	is_u64(rig_reg32(&r, 0xDC), 1, "PPR");
	ok(r.messages_n == 1 && r.messages[0].data == 0x54, "one message with PEDATA");
	pr.last = pr.w = pr.priv = false;
	pr.exec = true;
	mdl_vtd_page_request(&r.u, &pr);
	is_u64(rig_get(&r, queue + 0x20), 0x0010000700190101, "EXR");
	is_u64(r.messages_n, 1, "no message while PPR=1");
	for (unsigned i = 0; i < 125; i++)
		mdl_vtd_page_request(&r.u, &pr);
	is_u64(rig_reg(&r, 0xC8), 0xFE0, "127 of 128 slots are taken");
	pr.last = true;
	is_u64(mdl_vtd_page_request(&r.u, &pr), MDL_UR, "full: discarded");
	is_u64(rig_reg32(&r, 0xDC), 3, "PRO");
	is_u64(rig_reg(&r, 0xC8), 0xFE0, "PQT unchanged");
	ok(r.responses_n == 1 && r.responses[0].prgi == 0x155 && r.responses[0].code == 0, "the device is answered");
	rig_set(&r, 0xC0, 0xFE0);
	mdl_vtd_page_request(&r.u, &pr);
	is_u64(rig_reg(&r, 0xC8), 0xFE0, "while PRO=1 nothing is queued");
	rig_set32(&r, 0xDC, 2);
	is_u64(rig_reg32(&r, 0xDC), 1, "PRO clears alone");
	mdl_vtd_page_request(&r.u, &pr);
	is_u64(rig_reg(&r, 0xC8), 0, "and the queue wraps");
	rig_set32(&r, 0xDC, 1);
	rig_set32(&r, 0xE0, 0x80000000);
	mdl_vtd_page_request(&r.u, &pr);
	is_u64(rig_reg32(&r, 0xE0), 0xC0000000, "masked: IP=1");
	rig_set32(&r, 0xE0, 0);
	is_u64(r.messages_n, 2, "unmasked: the message");
	rig_queue(&r, true);
	rig_submit(&r, 0x000000070019F019, 0x0AA8);
	ok(r.responses[2].sid == SID_A && r.responses[2].has_pasid && r.responses[2].pasid == 7 &&
	   r.responses[2].prgi == 0x155 && r.responses[2].code == 15, "a response failure reaches the device");
	pr.sid = 0x0020;
	is_u64(mdl_vtd_page_request(&r.u, &pr), MDL_UR, "context P=0: refused");
	/* F, T2 (a page request), EXE, PP, PV=7, FR=41h. */
	is_u64(rig_reg(&r, 0x608), 0x80000741D0000020, "recorded with T1=0, T2=1");
	rig_close(&r);
}

int main(void)
{
	test_remap();
	test_irte_words();
	test_record();
	test_cache();
	test_posting();
	test_page_requests();
	return done();
}
