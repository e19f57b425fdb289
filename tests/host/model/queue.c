/*
 * The invalidation queue of the model: every descriptor type with its errors, waits, queue errors, Device-TLB answers,
 * and register-based invalidation. Words are by hand from the manual.
 */
#include "tests/host/model/rig.h"
#include "tests/host/tap.h"

struct bad {
	const char *what;
	uint64_t q0, q1;
	unsigned iqei;
};

static void each(struct rig *r, const struct bad *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t tail = rig_tail(r);

		rig_submit(r, b[i].q0, b[i].q1);
		if (b[i].iqei != 0x100)
			is_u64(rig_reg(r, 0x80), tail, "%s: IQH stays", b[i].what);
		is_u64(rig_queue_error(r), b[i].iqei, b[i].iqei == 0x100 ? "%s: accepted" : "%s: IQE, IQEI %u",
		       b[i].what, b[i].iqei);
		is_u64(rig_reg(r, 0x80), rig_tail(r), "%s: the queue goes on to its end", b[i].what);
	}
}

static const struct bad narrow[] = {
	{ "type 0", 0, 0, 3 },                          { "type 0Ah", 0xA, 0, 3 },
	{ "type 0Fh", 0xF, 0, 3 },                      { "type[6:4] of a wait", 0x225, 0, 3 },
	{ "type 6, 128 bits", 0x26, 0, 3 },             { "type 7, 128 bits", 0x37, 0, 3 },
	{ "type 8, 128 bits", 0x08, 0, 3 },             { "type 9, 128 bits", 0x09, 0, 3 },
	{ "CC global", 0x11, 0, 0x100 },                { "CC domain", 0x00050021, 0, 0x100 },
	{ "CC device, FM=3", 0x0003001900050031, 0, 0x100 }, { "CC G=00", 0x01, 0, 4 },
	{ "CC bit 6", 0x51, 0, 4 },                     { "CC bit 12", 0x1011, 0, 4 },
	{ "CC bit 50", BIT(50) | 0x11, 0, 4 },          { "CC Q1", 0x11, 1, 4 },
	{ "IOTLB global", 0xD2, 0, 0x100 },             { "IOTLB domain", 0x00050022, 0, 0x100 },
	{ "IOTLB page AM=18=MAMV, IH", 0x00050032, 0x52, 0x100 }, { "IOTLB page AM=19", 0x00050032, 0x13, 4 },
	{ "IOTLB G=00", 0x02, 0, 4 },                   { "IOTLB bit 8", 0x112, 0, 4 },
	{ "IOTLB bit 32", BIT(32) | 0x12, 0, 4 },       { "IOTLB Q1 bit 7", 0x12, 0x80, 4 },
	{ "IOTLB Q1 bit 11", 0x12, 0x800, 4 },          { "device-TLB", 0x0000001900000003, 0x1000, 0x100 },
	{ "device-TLB, MIP=31", 0x00000019001F0003, 1, 0x100 }, { "device-TLB bit 4", 0x13, 0, 4 },
	{ "device-TLB bit 21", BIT(21) | 3, 0, 4 },     { "device-TLB bit 48", BIT(48) | 3, 0, 4 },
	{ "device-TLB Q1 bit 1", 3, 2, 4 },             { "device-TLB PFSID, DIT=0", 0x1003, 0, 4 },
	{ "device-TLB PFSID high, DIT=0", BIT(52) | 3, 0, 4 }, { "IEC global", 0x04, 0, 0x100 },
	{ "IEC index, IM=15", 0x0000000078000014, 0, 0x100 }, { "IEC bit 5", 0x24, 0, 4 },
	{ "IEC bit 12", 0x1004, 0, 4 },                 { "IEC bit 26", BIT(26) | 4, 0, 4 },
	{ "IEC bit 48", BIT(48) | 4, 0, 4 },            { "IEC Q1", 4, 1, 4 },
	{ "wait FN", 0x45, 0, 0x100 },                  { "wait of nothing", 0x05, 0, 0x100 },
	{ "wait bit 8", 0x145, 0, 4 },                  { "wait bit 12", 0x1045, 0, 4 },
	{ "wait bit 31", BIT(31) | 0x45, 0, 4 },        { "wait Q1 bit 0", 0x45, 1, 4 },
	{ "wait Q1 bit 1", 0x45, 2, 4 },                { "wait PD, PDS=0", 0xC5, 0, 4 },
};

static const struct bad wide[] = {
	{ "CC global", 0x11, 0, 0x100 },                { "PIOTLB PASID", 0x0000000700050026, 0, 0x100 },
	{ "PIOTLB page AM=63", 0x0000000700050036, 0x7F, 0x100 }, { "PIOTLB G=00", 0x06, 0, 4 },
	{ "PIOTLB G=01", 0x16, 0, 4 },                  { "PIOTLB bit 6", 0x66, 0, 4 },
	{ "PIOTLB bit 52", BIT(52) | 0x26, 0, 4 },      { "PIOTLB Q1 bit 7", 0x36, 0x80, 4 },
	{ "PC domain", 0x07, 0, 0x100 },                { "PC PASID", 0x0000000700050017, 0, 0x100 },
	{ "PC global", 0x37, 0, 0x100 },                { "PC G=10", 0x27, 0, 4 },
	{ "PC bit 12", 0x1037, 0, 4 },                  { "PC bit 63", BIT(63) | 0x37, 0, 4 },
	{ "PC Q1", 0x37, 1, 4 },                        { "PASID device-TLB", 0x0000000700190008, 0, 0x100 },
	{ "PASID device-TLB, MIP, PFSID, S, G", 0xFFF000070019F1F8, 0x801, 0x100 },
	{ "PASID device-TLB Q1 bit 1", 8, 2, 4 },       { "PASID device-TLB Q1 bit 10", 8, 0x400, 4 },
	{ "response", 0x0000000700190019, 0x1C, 0x100 }, { "response bit 5", 0x29, 0, 4 },
	{ "response bit 52", BIT(52) | 9, 0, 4 },       { "response Q1 bit 0", 9, 1, 4 },
	{ "response Q1 bit 12", 9, 0x1000, 4 },         { "wait PD, PDS=1", 0xC5, 0, 0x100 },
	{ "type 0Ah", 0xA, 0, 3 },
};

static void test_descriptors(void)
{
	static struct rig r;

	rig_open(&r, "unit2016");
	rig_queue(&r, false);
	each(&r, narrow, ARRAY_LEN(narrow));
	rig_close(&r);
	rig_open(&r, "everything");
	rig_queue(&r, true);
	each(&r, wide, ARRAY_LEN(wide));
	/* Bits 255:128. */
	rig_put(&r, r.queue + rig_tail(&r) + 24, BIT(63));
	rig_put(&r, r.queue + rig_tail(&r), 0x11);
	rig_set(&r, 0x88, rig_tail(&r) + 32);
	is_u64(rig_queue_error(&r), 4, "bit 255 of a 256-bit descriptor: IQEI 4");
	rig_close(&r);
	rig_open(&r, "second-only");
	rig_queue(&r, false);
	rig_submit(&r, 0x03, 0);
	is_u64(rig_queue_error(&r), 3, "device-TLB with DT=0: IQEI 3");
	rig_submit(&r, 0x04, 0);
	is_u64(rig_queue_error(&r), 3, "IEC with IR=0: IQEI 3");
	rig_close(&r);
}

static void test_waits(void)
{
	static struct rig r;
	uint64_t status;

	rig_open(&r, "unit2016");
	status = rig_pages(&r, 1);
	rig_set32(&r, 0xA4, 0x51);
	rig_set32(&r, 0xA8, 0xFEE00000);
	rig_put(&r, status, UINT64_MAX);
	rig_queue(&r, false);
	rig_command_off(&r, 0x04000000);
	rig_submit(&r, 0x1234567800000025, status);
	is_u64(rig_get(&r, status), UINT64_MAX, "nothing happens while the queue is off");
	rig_set(&r, 0x88, 0);
	rig_queue(&r, false);
	rig_submit(&r, 0x1234567800000025, status);
	is_u64(rig_get(&r, status), 0xFFFFFFFF12345678, "SW=1 writes four bytes");
	is_u64(rig_reg(&r, 0x80), 16, "IQH is behind it");
	rig_submit(&r, 0x15, 0);
	is_u64(rig_reg32(&r, 0x9C), 1, "IF=1 sets IWC");
	is_u64(rig_reg32(&r, 0xA0), 0xC0000000, "masked: IP=1");
	is_u64(r.messages_n, 0, "no message");
	rig_set32(&r, 0xA0, 0);
	is_u64(r.messages_n, 1, "unmasked: the message");
	is_u64(r.messages[0].address, 0xFEE00000, "to IEADDR");
	is_u64(r.messages[0].data, 0x51, "with IEDATA");
	is_u64(rig_reg32(&r, 0xA0), 0, "IP=0");
	rig_submit(&r, 0x15, 0);
	is_u64(r.messages_n, 1, "IWC was still set: no second one");
	rig_set32(&r, 0x9C, 1);
	is_u64(rig_reg32(&r, 0x9C), 0, "IWC clears");
	rig_submit(&r, 0x15, 0);
	is_u64(r.messages_n, 2, "then the next one comes");
	rig_set32(&r, 0x9C, 1);
	rig_set32(&r, 0xA0, 0x80000000);
	rig_submit(&r, 0x15, 0);
	rig_set32(&r, 0x9C, 1);
	is_u64(rig_reg32(&r, 0xA0), 0x80000000, "clearing IWC takes IP back");
	rig_command_off(&r, 0x04000000);
	is_u64(rig_reg(&r, 0x80), 0, "queue off: IQH=0");
	rig_close(&r);
}

static void test_queue_errors(void)
{
	static struct rig r;
	uint64_t status;

	rig_open(&r, "scalable");
	status = rig_pages(&r, 1);
	rig_set32(&r, 0x3C, 0x52);
	rig_set32(&r, 0x40, 0xFEE00000);
	rig_set32(&r, 0x38, 0);
	rig_queue(&r, false);
	rig_submit(&r, 0x100000025, status);
	rig_submit(&r, 0x0, 0);
	is_u64(rig_get(&r, status), 1, "what came before the error took effect");
	is_u64(rig_reg32(&r, 0x34), 0x10, "IQE, not PPF");
	is_u64(r.messages_n, 1, "a fault event");
	is_u64(r.messages[0].data, 0x52, "with FEDATA");
	rig_submit(&r, 0x200000025, status);
	is_u64(rig_get(&r, status), 1, "nothing is fetched while IQE is set");
	is_u64(rig_queue_error(&r), 3, "IQEI 3");
	is_u64(rig_get(&r, status), 2, "after clearing IQE the queue goes on");
	rig_set(&r, 0x88, 0x1000);
	is_u64(rig_reg(&r, 0xB0) & 15, 1, "tail at the size of the queue: IQEI 1");
	rig_set(&r, 0x88, rig_reg(&r, 0x80));
	rig_set32(&r, 0x34, 0x10);
	rig_command_off(&r, 0x04000000);
	rig_queue(&r, true);
	rig_set(&r, 0x88, 0x30);
	is_u64(rig_reg(&r, 0xB0) & 15, 6, "tail bit 4 with 256-bit descriptors: IQEI 6");
	rig_set(&r, 0x88, 0);
	rig_set32(&r, 0x34, 0x10);
	rig_command_off(&r, 0x04000000);
	rig_set(&r, 0x88, 0);
	rig_set(&r, 0x90, RIG_NOTHING);
	rig_command(&r, 0x04000000);
	rig_set(&r, 0x88, 0x10);
	is_u64(rig_reg(&r, 0xB0) & 15, 2, "no memory behind the queue: IQEI 2");
	rig_set(&r, 0x88, 0);
	rig_set32(&r, 0x34, 0x10);
	rig_command_off(&r, 0x04000000);
	rig_set(&r, 0x20, 0x400);
	rig_command(&r, 0x40000000);
	rig_queue(&r, false);
	rig_submit(&r, 0x45, 0);
	is_u64(rig_queue_error(&r), 5, "128-bit queue in scalable mode: IQEI 5");
	rig_set(&r, 0x88, rig_reg(&r, 0x80));
	rig_set32(&r, 0x34, 0x10);
	rig_set(&r, 0x20, 0x800);
	rig_command(&r, 0x40000000);
	rig_submit(&r, 0x45, 0);
	is_u64(rig_reg(&r, 0xB0) & 15, 7, "TTM=10: IQEI 7");
	rig_close(&r);
}

static void test_sizes(void)
{
	static struct rig r;
	uint64_t status, q;

	rig_open(&r, "unit2016");
	status = rig_pages(&r, 1);
	q = rig_pages(&r, 128);
	for (unsigned qs = 0; qs < 8; qs++) {
		uint64_t size = pow2(12 + qs);

		for (uint64_t off = 0; off < size; off += 16) {
			rig_put(&r, q + off, FLD(BITS(63, 32), off / 16 + 1) | 0x25);
			rig_put(&r, q + off + 8, status);
		}
		rig_set(&r, 0x88, 0);
		rig_set(&r, 0x90, q | qs);
		rig_command(&r, 0x04000000);
		rig_set(&r, 0x88, size - 16);
		is_u64(rig_get(&r, status), size / 16 - 1, "QS=%u: a full queue runs to its end", qs);
		rig_set(&r, 0x88, 0);
		is_u64(rig_get(&r, status), size / 16, "QS=%u: and wraps", qs);
		is_u64(rig_reg(&r, 0x80), 0, "QS=%u: IQH=0", qs);
		rig_command_off(&r, 0x04000000);
	}
	rig_close(&r);
}

static void test_device_tlb(void)
{
	static struct rig r;
	uint64_t status;

	rig_open(&r, "everything");
	status = rig_pages(&r, 1);
	rig_queue(&r, true);
	rig_submit(&r, 0x0000001900000003, 0x12345000);
	ok(r.invs_n == 1 && r.invs[0].sid == 0x19 && r.invs[0].address == 0x12345000 && r.invs[0].bytes == 4096 &&
	   !r.invs[0].has_pasid, "type 3, S=0: one page");
	rig_submit(&r, 0x0000001900000003, 0x12340001);
	ok(r.invs[1].address == 0x12340000 && r.invs[1].bytes == 8192, "S=1, bit 12 = 0: 8 KiB");
	rig_submit(&r, 0x0000001900000003, 0x12347001);
	ok(r.invs[2].address == 0x12340000 && r.invs[2].bytes == 65536, "S=1, three ones: 64 KiB");
	rig_submit(&r, 0x0000001900000003, 0x7FFFFFFFFFFFF001);
	ok(r.invs[3].bytes == 0, "all ones up to bit 62: everything");
	rig_submit(&r, 0x0000000700190008, 0x12345000);
	ok(r.invs[4].sid == 0x19 && r.invs[4].has_pasid && r.invs[4].pasid == 7 && r.invs[4].bytes == 4096,
	   "type 8: PASID 7");
	rig_submit(&r, 0x0000000700190008, 0x801);
	ok(r.invs[5].all_pasids && !r.invs[5].has_pasid && r.invs[5].bytes == 8192, "type 8, G=1, S=1");
	r.withhold = true;
	rig_submit(&r, 0x0000001900000003, 0x12345000);
	rig_submit(&r, 0x300000025, status);
	rig_submit(&r, 0x400000025, status + 8);
	is_u64(rig_get(&r, status), 0, "a wait behind an invalidation without answer stays open");
	mdl_vtd_devtlb_answer(&r.u, 0x19);
	is_u64(rig_get(&r, status), 3, "the answer completes it");
	is_u64(rig_get(&r, status + 8), 4, "and what is behind it");
	rig_submit(&r, 0x0000001900000003, 0x12345000);
	rig_submit(&r, 0x500000025, status);
	for (unsigned i = 0; i < 300 && (rig_reg32(&r, 0x34) & 0x40) == 0; i++)
		;
	is_u64(rig_reg32(&r, 0x34), 0x40, "no answer: ITE");
	is_u64(rig_reg(&r, 0xB0), 0x0000001900000000, "ITESID");
	is_u64(rig_get(&r, status), 3, "the wait is aborted without a status");
	rig_submit(&r, 0x600000025, status);
	is_u64(rig_get(&r, status), 3, "nothing is fetched while ITE is set");
	rig_set32(&r, 0x34, 0x40);
	is_u64(rig_get(&r, status), 6, "clearing ITE lets the queue go on");
	mdl_vtd_devtlb_answer(&r.u, 0x1A);
	is_u64(rig_reg32(&r, 0x34), 0x20, "an answer that nobody waits for: ICE");
	is_u64(rig_reg(&r, 0xB0), 0x001A001900000000, "ICESID");
	rig_close(&r);
}

/* CCMD: CIRG 62:61, CAIG 60:59. IOTLB at 0x508: IIRG 61:60, IAIG 58:57. */
static void test_register_based(void)
{
	static struct rig r;

	rig_open(&r, "unit2010");
	rig_set32(&r, 0x28, 0x00190005);
	is_u64(rig_reg(&r, 0x28), 0x0000000000190005, "CCMD: the low half starts nothing");
	rig_set32(&r, 0x2C, 0xA0000000);
	is_u64(rig_reg(&r, 0x28), 0x2800000000190005, "global: ICC=0, CAIG=01");
	rig_set(&r, 0x28, 0xC000000000190005);
	is_u64(rig_reg(&r, 0x28), 0x5000000000190005, "domain: CAIG=10");
	rig_set(&r, 0x28, 0xE000000000190005);
	is_u64(rig_reg(&r, 0x28), 0x7800000000190005, "device: CAIG=11");
	rig_set(&r, 0x28, 0x8000000000190005);
	is_u64(rig_reg(&r, 0x28), 0x0000000000190005, "CIRG=00: CAIG=00");
	rig_set(&r, 0x508, 0x9000000000000000);
	is_u64(rig_reg(&r, 0x508), 0x1200000000000000, "IOTLB global: IVT=0, IAIG=01");
	rig_set(&r, 0x508, 0xA000000500000000);
	is_u64(rig_reg(&r, 0x508), 0x2400000500000000, "domain: IAIG=10");
	rig_set(&r, 0x500, 0x1234000 | 9);
	rig_set(&r, 0x508, 0xB000000500000000);
	is_u64(rig_reg(&r, 0x508), 0x3600000500000000, "page, AM=9=MAMV: IAIG=11");
	rig_set(&r, 0x500, 0x1234000 | 10);
	rig_set(&r, 0x508, 0xB000000500000000);
	is_u64(rig_reg(&r, 0x508), 0x3000000500000000, "AM=10: IAIG=00");
	rig_set(&r, 0x508, 0x8000000500000000);
	is_u64(rig_reg(&r, 0x508), 0x0000000500000000, "IIRG=00: IAIG=00");
	rig_close(&r);
	rig_open(&r, "strict");
	rig_set(&r, 0x508, 0xB000000500000000);
	is_u64(rig_reg(&r, 0x508), 0x3400000500000000, "PSI=0, page: IAIG=10");
	rig_close(&r);
	rig_open(&r, "wide");
	rig_set(&r, 0x28, 0xA000000000000000);
	rig_set(&r, 0x508, 0x9000000000000000);
	ok(rig_reg(&r, 0x28) == 0 && rig_reg(&r, 0x508) == 0, "VER 6: both are not there");
	rig_close(&r);
}

int main(void)
{
	test_descriptors();
	test_waits();
	test_queue_errors();
	test_sizes();
	test_device_tlb();
	test_register_based();
	return done();
}
