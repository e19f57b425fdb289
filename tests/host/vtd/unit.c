/*
 * The VT-d driver's manners against a unit that counts breaches: hand-over, commands, queue, errors, registers, faults.
 */
#include <stdlib.h>
#include "drivers-iommu/vtd/fault.h"
#include "drivers-iommu/vtd/invalidate.h"
#include "drivers-iommu/vtd/queue.h"
#include "drivers-iommu/vtd/rbi.h"
#include "tests/host/hal_hosted.h"
#include "tests/host/tap.h"
#include "tests/host/vtd/fake.h"

static struct fake f;
static struct vtd_unit u;

static enum status open_with(uint64_t cap, uint64_t ecap)
{
	fake_open(&f, 0x10, cap, ecap);
	return vtd_unit_open(&f.machine, FAKE_BASE, 39, 0, &u);
}

static void no_breach(const char *when)
{
	ok(f.breaches == 0, "%s: the protocol is kept", when);
	if (f.breaches)
		tap_diag("%u breaches, the last: %s", f.breaches, f.breach);
}

static void opening(void)
{
	ok(open_with(UINT64_MAX, UINT64_MAX) == ERR_NOT_FOUND, "all ones: nothing there");
	ok(vtd_unit_open(&f.machine, PA(0x1000), 39, 0, &u) == ERR_NOT_FOUND, "a window that cannot be opened");
	ok(open_with(FAKE_CAP, FAKE_ECAP) == OK && u.regs.len_bytes == 0x1000, "a unit of one page");
	ok(open_with((FAKE_CAP & ~UINT64_C(0x3ff000000)) | UINT64_C(0x100) << 24, FAKE_ECAP) == OK &&
	   u.regs.len_bytes == 0x2000, "fault records in the second page");
}

/* Firmware left everything on; its queue has work in it, in memory that we can reach or that we cannot. */
static void hand_over(bool reachable)
{
	pa_t ring;

	ok(mem_alloc(PAGE_BYTES, PAGE_BYTES, &ring) == OK, "a ring of firmware");
	fake_open(&f, 0x10, FAKE_CAP | BIT(5), FAKE_ECAP | BIT(3));
	fake_put(&f, 0x1c, 0xc7000000, 4);            /* TES RTPS QIES IRES IRTPS */
	fake_put(&f, 0x90, reachable ? ring.v : 0x7000000000, 8);
	fake_put(&f, 0x80, 0x40, 8);
	fake_put(&f, 0x88, 0x40, 8);
	fake_put(&f, 0x64, 0x80000001, 4);
	f.last_was_wait = !reachable;
	fake_fault(&f, 3, 0x1000, 0);
	fake_put(&f, 0x34, fake_get(&f, 0x34, 4) | 1, 4);
	ok(vtd_unit_open(&f.machine, FAKE_BASE, 39, 0, &u) == OK, "take over from firmware, ring %s",
	   reachable ? "in RAM" : "elsewhere");
	is_u64(fake_get(&f, 0x1c, 4) & 0x96800000, 0, "translation, queue and interrupt remapping are off");
	is_u64(fake_get(&f, 0x64, 4), 0, "protected memory is off");
	is_u64(fake_get(&f, 0x34, 4) & 0xff, 0, "no fault is pending");
	is_u64(fake_get(&f, 0x38, 4), 0x80000000, "fault events are masked");
	is_u64(fake_get(&f, 0xa0, 4), 0x80000000, "completion events are masked");
	is_u64(f.waits, reachable, "a queue in RAM is ended by a wait");
	no_breach("hand-over");
	mem_free(ring, PAGE_BYTES);
}

static void commands(void)
{
	ok(open_with(FAKE_CAP, FAKE_ECAP | BIT(3)) == OK, "open");
	ok(vtd_srtp(&u, PA(0x5000), TTM_SCALABLE) == OK && fake_get(&f, 0x20, 8) == 0x5400, "SRTP with its mode");
	ok(vtd_sirtp(&u, PA(0x6000), 8, true) == OK && fake_get(&f, 0xb8, 8) == 0x6807, "SIRTP with size and EIME");
	ok(vtd_translation_on(&u) == OK && vtd_gcmd_set(&u, GCMD_IRE) == OK && vtd_gcmd_set(&u, GCMD_CFI) == OK,
	   "levels on");
	is_u64(fake_get(&f, 0x1c, 4), 0xc3800000, "TES RTPS IRES IRTPS CFIS");
	ok(vtd_gcmd_clear(&u, GCMD_IRE) == OK && fake_get(&f, 0x1c, 4) == 0xc1800000, "one level off, the others stay");
	ok(vtd_gcmd_clear(&u, GCMD_SRTP) == ERR_INVALID && vtd_gcmd_set(&u, GCMD_TE | GCMD_IRE) == ERR_INVALID &&
	   vtd_srtp(&u, PA(0x5001), TTM_LEGACY) == ERR_INVALID && vtd_sirtp(&u, PA(0), 17, false) == ERR_INVALID,
	   "what makes no sense is refused");
	is_u64(f.log_n, 1, "no write buffer flush where RWBF = 0");
	no_breach("commands");
	f.deaf = true;
	u.wait_us = 2000;
	ok(vtd_gcmd_clear(&u, GCMD_TE) == ERR_TIMEOUT, "a deaf unit is a time-out");
}

static void queue_wraps(unsigned pages, bool wide)
{
	unsigned slots = (wide ? 128u : 256u) << pages;
	struct vtd_desc *many = calloc(slots, sizeof(*many));
	size_t before = mem_free_pages();
	bool good;

	for (unsigned i = 0; i < slots; i++)
		many[i] = vtd_desc_iotlb_domain((uint16_t)i, false);
	good = open_with(FAKE_CAP, FAKE_ECAP) == OK && vtd_queue_enable(&u, pages, wide) == OK;
	good &= vtd_queue_submit(&u, many, slots) == ERR_FULL && f.log_n == 0;
	good &= vtd_queue_submit(&u, many, slots - 1) == OK && f.log_n == slots - 1;
	for (unsigned i = 0; i < slots - 1 && i < FAKE_LOG; i++)
		good &= f.log[i].q[0] == many[i].q[0];
	for (unsigned i = 0; i < slots; i++)
		good &= vtd_queue_wait(&u) == OK;
	ok(good, "2^%u pages, %s: full, in order, wraps", pages, wide ? "256 bits" : "128 bits");
	ok(vtd_queue_disable(&u) == OK && mem_free_pages() == before, "disabled, ring freed");
	no_breach("queue");
	free(many);
}

static void queue_errors(bool resumes)
{
	size_t before;
	struct vtd_desc bad[3] = { vtd_desc_cc_global(), { .q = { 0 } }, vtd_desc_iotlb_global(false) };

	ok(open_with(FAKE_CAP, FAKE_ECAP) == OK && vtd_queue_submit(&u, bad, 1) == ERR_BUSY &&
		   vtd_queue_wait(&u) == ERR_BUSY,
	   "no queue: busy");
	f.resumes = resumes;
	ok(vtd_queue_enable(&u, 0, true) == OK && vtd_queue_enable(&u, 0, true) == ERR_BUSY, "on once");
	ok(vtd_queue_submit(&u, bad, 3) == OK && vtd_queue_wait(&u) == ERR_IO, "a descriptor of type 0 stops it");
	is_u64(u.queue.error.iqei, IQEI_TYPE, "and says why");
	is_u64(u.queue.error.head, 32, "and where");
	is_u64(f.log_n, 1, "what came before was done");
	ok(vtd_queue_recover(&u) == OK && vtd_queue_wait(&u) == OK, "recovered, it runs again");
	is_u64(f.log_n, 1, "what came behind was dropped");
	fake_put(&f, 0x88, 0x7fff0, 8);
	fake_put(&f, 0x34, 0x10, 4);
	ok(vtd_queue_recover(&u) == OK && vtd_queue_wait(&u) == OK, "recovered from a tail beyond the queue");
	ok(vtd_invalidate(&u, bad, 3) == ERR_IO && u.queue.error.iqei == IQEI_TYPE && vtd_inv_global(&u) == OK,
	   "an invalidation that is refused leaves the queue usable");
	ok(vtd_queue_disable(&u) == OK && vtd_queue_disable(&u) == OK, "off, and off again");
	before = mem_free_pages();
	ok(vtd_queue_enable(&u, 0, true) == OK, "on");
	fake_put(&f, 0x1c, 0, 4);
	ok(vtd_queue_disable(&u) == OK && mem_free_pages() == before, "switched off by somebody else: the ring is freed");
	no_breach("queue errors");
}

static void by_registers(void)
{
	ok(open_with(FAKE_CAP, FAKE_ECAP & ~BIT(1)) == OK && vtd_queue_enable(&u, 0, false) == ERR_UNSUPPORTED,
	   "no queue");
	ok(vtd_inv_context(&u, 0x12, 0x0108) == OK && f.log[0].kind == FAKE_CCMD, "context-cache by CCMD");
	is_u64(f.log[0].q[0], 0xe000000001080012, "ICC, device, SID and DID");
	ok(vtd_inv_iotlb_page(&u, 0x12, IOVA(0x40000), 6, true) == OK && f.log[1].kind == FAKE_IOTLB,
	   "IOTLB by registers");
	is_u64(f.log[1].q[0], 0xb003001200000000, "IVT, page, DR, DW, DID");
	is_u64(f.log[1].q[1], 0x40046, "IVA: address, IH, AM");
	ok(vtd_inv_pasid(&u, 1, 0) == ERR_UNSUPPORTED && vtd_inv_iec_global(&u) == ERR_UNSUPPORTED,
	   "nothing else has registers");
	f.refuses = true;
	ok(vtd_inv_iotlb_domain(&u, 1) == ERR_IO, "granularity 0 is a refusal");
	fake_open(&f, 0x60, FAKE_CAP, FAKE_ECAP);
	ok(vtd_unit_open(&f.machine, FAKE_BASE, 39, 0, &u) == OK && vtd_inv_iotlb_domain(&u, 1) == ERR_UNSUPPORTED &&
	   f.log_n == 0, "major 6: no registers");
	no_breach("registers");
}

static void write_buffer(void)
{
	ok(open_with(FAKE_CAP | BIT(4), FAKE_ECAP & ~BIT(1)) == OK && vtd_inv_iotlb_domain(&u, 1) == OK, "RWBF = 1");
	ok(f.log_n == 2 && f.log[0].kind == FAKE_WBF && f.log[1].kind == FAKE_IOTLB, "a flush goes first");
	ok(vtd_set_root(&u, PA(0x3000), TTM_LEGACY) == OK && f.log[2].kind == FAKE_WBF && f.log[3].kind == FAKE_SRTP,
	   "before the root pointer, too");
	no_breach("write buffer");
}

static bool pops(unsigned index, uint16_t sid)
{
	struct vtd_fault x;

	return vtd_fault_pop(&u, &x) == OK && x.index == index && x.sid == sid;
}

static void faults(void)
{
	struct vtd_fault x;
	bool good = true;

	ok(open_with(FAKE_CAP, FAKE_ECAP) == OK && vtd_fault_pop(&u, &x) == ERR_NOT_FOUND, "no fault");
	fake_fault(&f, 6, 0x1000, 1);
	fake_fault(&f, 7, 0x1000, 2);
	fake_fault(&f, 0, 0x1000, 3);
	ok(pops(6, 1), "the oldest first, where FRI points");
	fake_fault(&f, 1, 0x1000, 4);
	ok(pops(7, 2) && pops(0, 3) && pops(1, 4), "then on, around the end");
	ok(vtd_fault_pop(&u, &x) == ERR_NOT_FOUND && !(fake_get(&f, 0x34, 4) & 2), "none left, PPF clear");
	for (unsigned i = 0; i < FAKE_RECORDS; i++)
		fake_fault(&f, (4 + i) % FAKE_RECORDS, 0x1000, 5 + i);
	ok(pops(4, 5), "a new FRI counts");
	fake_fault(&f, 4, 0x1000, 5 + FAKE_RECORDS);
	for (unsigned i = 1; i < FAKE_RECORDS; i++)
		good &= pops((4 + i) % FAKE_RECORDS, (uint16_t)(5 + i));
	ok(good && pops(4, 5 + FAKE_RECORDS), "a record that was used again comes last");
	fake_fault(&f, 2, 0, 6);
	fake_put(&f, 0x34, fake_get(&f, 0x34, 4) | 1, 4);
	ok(vtd_fault_overflow(&u), "overflow is seen");
	vtd_fault_clear(&u);
	ok(!vtd_fault_overflow(&u) && vtd_fault_pop(&u, &x) == ERR_NOT_FOUND, "cleared");
	no_breach("faults");
}

/* Descriptors for a range: by hand, and any range covered exactly once. */
static void ranges(void)
{
	struct vtd_inv_range r = { .did = 5, .iova = IOVA(0x3000), .bytes = 0x5000, .ih = true };
	struct vtd_desc d[VTD_RANGE_DESCS_MAX];
	struct prng prng;
	bool good = true;

	ok(open_with(FAKE_CAP, FAKE_ECAP) == OK, "open");
	is_u64(vtd_inv_range_descs(&u, &r, d, 16), 2, "pages 3 to 7: two blocks");
	ok(d[0].q[1] == 0x3040 && d[1].q[1] == 0x4042, "one page, then four");
	is_u64(d[0].q[0], 0x500f2, "page granularity, drained, DID 5");
	r = (struct vtd_inv_range){ .did = 5, .iova = IOVA(0), .bytes = BIT(31) };
	ok(vtd_inv_range_descs(&u, &r, d, 16) == 2 && d[0].q[1] == 18 && d[1].q[1] == (BIT(30) | 18),
	   "no more than MAMV");
	r = (struct vtd_inv_range){ .did = 5, .iova = IOVA(0), .bytes = BIT(40) };
	ok(vtd_inv_range_descs(&u, &r, d, 16) == 1 && d[0].q[0] == 0x500e2, "too many: the whole domain");
	r = (struct vtd_inv_range){ .did = 5, .first_stage = true, .pasid = 9, .iova = IOVA(0x1000), .bytes = 0x1000 };
	ok(vtd_inv_range_descs(&u, &r, d, 16) == 1 && d[0].q[0] == 0x0000000900050036 && d[0].q[1] == 0x1000,
	   "first stage");
	prng_seed(&prng, 7);
	for (unsigned i = 0; i < 2000 && good; i++) {
		uint64_t at = prng_below(&prng, BIT(20)), n = 1 + prng_below(&prng, 300), next = at;
		unsigned count;

		r = (struct vtd_inv_range){ .did = 1, .iova = IOVA(at * PAGE_BYTES), .bytes = n * PAGE_BYTES };
		count = vtd_inv_range_descs(&u, &r, d, 16);
		for (unsigned k = 0; k < count; k++) {
			uint64_t block = UINT64_C(1) << (d[k].q[1] & 0x3f);

			good &= d[k].q[1] >> 12 == next && next % block == 0;
			next += block;
		}
		good &= next == at + n || (d[0].q[0] & 0x30) == 0x20;
	}
	ok(good, "random ranges are covered exactly");
	ok(open_with(FAKE_CAP & ~BIT(39), FAKE_ECAP) == OK && vtd_inv_range_descs(&u, &r, d, 16) == 1 &&
	   (d[0].q[0] & 0x30) == 0x20, "PSI = 0: the whole domain");
}

int main(void)
{
	size_t before;

	hosted_init(BIT(20), BIT(24));
	before = mem_free_pages();
	opening();
	hand_over(true);
	hand_over(false);
	commands();
	for (unsigned pages = 0; pages <= 7; pages++)
		queue_wraps(pages, pages % 2);
	queue_errors(false);
	queue_errors(true);
	by_registers();
	write_buffer();
	faults();
	ranges();
	is_u64(mem_free_pages(), before, "nothing leaked");
	return done();
}
