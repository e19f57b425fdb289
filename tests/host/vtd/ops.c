/*
 * The VT-d backend in its three modes: which entries it writes, and exactly which invalidations it sends and when (VT-d
 * 6.5.3.3), for units that cache absent entries and units that do not.
 */
#include "drivers-iommu/vtd/ops.h"
#include "drivers-iommu/vtd/queue.h"
#include "tests/host/hal_hosted.h"
#include "tests/host/tap.h"
#include "tests/host/vtd/fake.h"

#define CAP_WITH_CM (FAKE_CAP | BIT(7))
#define ECAP_PASIDS (FAKE_ECAP | BIT(40) | FLD(BITS(39, 35), 19))

static struct fake f;
static struct vtd_unit u;
static struct iommu *io;
static struct domain *d1, *d2;

static const struct requester dev = { .addr = { 0, 0x0108 } };       /* bus 1 */
static const struct requester sibling = { .addr = { 0, 0x0110 } };   /* bus 1, same root half */
static const struct requester dev_pasid = { .addr = { 0, 0x0108 }, .has_pasid = true, .pasid = 0x12345 };

static bool start(enum vtd_mode mode, uint64_t cap, uint64_t ecap, const struct reserved *r, unsigned n)
{
	fake_open(&f, 0x10, cap, ecap);
	return vtd_unit_open(&f.machine, FAKE_BASE, 39, 0, &u) == OK && vtd_iommu_create(&u, mode, r, n, &io) == OK;
}

/* What was logged since the last call: exactly these pairs of words, no more. */
static void is_log(const char *what, unsigned n, const uint64_t (*words)[2])
{
	bool good = f.log_n == n;

	for (unsigned i = 0; i < n && good; i++)
		good = f.log[i].kind == FAKE_DESC && f.log[i].q[0] == words[i][0] && f.log[i].q[1] == words[i][1];
	ok(good, "%s", what);
	for (unsigned i = 0; i < f.log_n && !good; i++)
		tap_diag("kind %u: 0x%" PRIx64 " 0x%" PRIx64, f.log[i].kind, f.log[i].q[0], f.log[i].q[1]);
	f.log_n = 0;
}

#define IS_LOG(what, ...) \
	is_log(what, sizeof((const uint64_t[][2]){ __VA_ARGS__ }) / 16, (const uint64_t[][2]){ __VA_ARGS__ })
#define IS_SILENT(what) is_log(what, 0, NULL)

static bool map(struct domain *d, uint64_t iova, uint64_t pa, uint64_t bytes)
{
	return io->ops->map(d, IOVA(iova), PA(pa), bytes, PERM_RW, 0) == OK;
}

static void unmap(struct domain *d, uint64_t iova, uint64_t bytes)
{
	uint64_t gone;

	ok(io->ops->unmap(d, IOVA(iova), bytes, &gone) == OK && gone == bytes, "unmap");
}

static void flush(struct domain *d, uint64_t iova, uint64_t bytes)
{
	ok(io->ops->flush(d, IOVA(iova), bytes) == OK, "flush");
}

static void attach(struct domain *d, struct requester r)
{
	ok(io->ops->attach(d, r) == OK, "attach");
}

static void detach(struct domain *d, struct requester r)
{
	ok(io->ops->detach(d, r) == OK, "detach");
}

static void two_domains(void)
{
	f.log_n = 0;
	ok(io->ops->domain_create(io, DOMAIN_PAGED, &d1) == OK && io->ops->domain_create(io, DOMAIN_PAGED, &d2) == OK,
	   "two domains");
	IS_SILENT("of which the unit learns nothing");
}

/* Domains are left to destroy on purpose. */
static void stop(size_t before)
{
	ok(vtd_iommu_destroy(io) == OK && mem_free_pages() == before, "destroy frees everything");
	is_u64(fake_get(&f, 0x1c, 4) & 0x84000000, 0, "translation and queue are off");
	ok(f.breaches == 0, "the protocol is kept");
	if (f.breaches)
		tap_diag("%s", f.breach);
}

static uint64_t word(uint64_t pa, unsigned i)
{
	const uint64_t *p = mem_ptr(PA(pa), PAGE_BYTES);

	return p ? p[i] : UINT64_MAX;
}

/* The root of the page tables that a legacy context entry of dev leads to, checked on the way. */
static uint64_t legacy_entry(uint64_t low, uint64_t high)
{
	uint64_t root = fake_get(&f, 0x20, 8), ctx = word(root, 2) & ~UINT64_C(0xfff);

	is_u64(root & 0xfff, 0, "legacy mode");
	is_u64(word(root, 2) & 0xfff, 1, "root entry of bus 1");
	is_u64(word(ctx, 2 * 8) & 0xfff, low, "context entry, low bits");
	is_u64(word(ctx, 2 * 8 + 1), high, "context entry, high word");
	return word(ctx, 2 * 8) & ~UINT64_C(0xfff);
}

static void created(enum vtd_mode mode)
{
	bool wide = mode != VTD_MODE_LEGACY;
	unsigned n = 0;
	size_t before = mem_free_pages();

	ok(start(mode, FAKE_CAP, FAKE_ECAP, NULL, 0), "create, mode %u", mode);
	is_str(io->name, (const char *const[]){ "vtd-legacy", "vtd-ss", "vtd-fs" }[mode], "its name");
	ok(f.log[n].kind == FAKE_SRTP && (f.log[n].q[0] & 0xfff) == (wide ? 0x400 : 0), "SRTP with its mode");
	n++;
	ok(f.log[n++].q[0] == 0x11 && (!wide || f.log[n++].q[0] == 0x37) && f.log[n++].q[0] == 0xd2 && f.log_n == n,
	   "then context-cache, PASID-cache and IOTLB, global, in this order");
	is_u64(fake_get(&f, 0x1c, 4), 0xc4000000, "TES RTPS QIES");
	is_u64(fake_get(&f, 0x90, 8) & 0xfff, wide ? 0x800 : 0, "queue of one page");
	stop(before);
	ok(start(mode, FAKE_CAP | BIT(63), FAKE_ECAP, NULL, 0) && f.log_n == 1, "ESRTPS = 1: SRTP alone");
	stop(before);
}

static void legacy(uint64_t cap)
{
	bool cm = cap & BIT(7);
	size_t before = mem_free_pages();

	ok(start(VTD_MODE_LEGACY, cap, FAKE_ECAP, NULL, 0), "legacy, CM = %d", cm);
	two_domains();
	attach(d1, dev);
	if (cm)
		IS_LOG("attach, new root entry: all is forgotten", { 0x11, 0 }, { 0xd2, 0 });
	else
		IS_SILENT("attach: nothing to forget");
	legacy_entry(0x001, 0x102);
	attach(d2, sibling);
	if (cm)
		IS_LOG("attach: the absent entry (DID 0), the new domain", {0x0000011000000031, 0}, {0x000200e2, 0});
	else
		IS_SILENT("attach: nothing to forget");
	ok(map(d1, 0x40000000, 0x1000, 0x4000), "map");
	IS_SILENT("map does not flush");
	flush(d1, 0x40000000, 0x4000);
	IS_LOG("flush after map: four pages; IH = 0 where absent tables may be cached",
	       { 0x000100f2, 0x40000002 | (cm ? 0 : 0x40) });
	unmap(d1, 0x40001000, 0x1000);
	IS_SILENT("unmap does not flush");
	flush(d1, 0x40001000, 0x1000);
	IS_LOG("flush of a leaf", { 0x000100f2, 0x40001000 | (cm ? 0 : 0x40) });
	unmap(d1, 0x40000000, 0x1000);
	unmap(d1, 0x40002000, 0x2000);
	flush(d1, 0x40000000, 0x4000);
	IS_LOG("flush that unlinks tables: IH = 0", { 0x000100f2, 0x40000002 });
	detach(d1, dev);
	IS_LOG("detach: the function's entry, then the domain", { 0x0000010800010031, 0 }, { 0x000100e2, 0 });
	flush(d1, 0x40000000, 0x1000);
	IS_SILENT("a domain without requesters is in no cache");
	ok(io->ops->detach(d1, dev) == ERR_NOT_FOUND && io->ops->attach(d1, sibling) == ERR_EXISTS &&
		   io->ops->attach(d1, dev_pasid) == ERR_UNSUPPORTED && io->ops->domain_destroy(d2) == ERR_BUSY,
	   "misuse is refused");
	ok(io->ops->attach(d1, (struct requester){ .addr = { 1, 8 } }) == ERR_INVALID, "another segment");
	IS_SILENT("and changes nothing");
	stop(before);
}

static void passthrough(void)
{
	size_t before = mem_free_pages();
	unsigned perm;
	pa_t pa;

	ok(start(VTD_MODE_LEGACY, FAKE_CAP, FAKE_ECAP, NULL, 0) &&
		   io->ops->domain_create(io, DOMAIN_PASSTHROUGH, &d1) == OK,
	   "pass-through domain");
	attach(d1, dev);
	legacy_entry(0x009, 0x102);
	ok(!map(d1, 0, 0x1000, 0x1000) && io->ops->lookup(d1, IOVA(0x5123), &pa, &perm) == OK && pa.v == 0x5123,
	   "no mappings, addresses are as they are");
	stop(before);
	ok(start(VTD_MODE_LEGACY, FAKE_CAP, FAKE_ECAP & ~BIT(6), NULL, 0) &&
	   io->ops->domain_create(io, DOMAIN_PASSTHROUGH, &d1) == ERR_UNSUPPORTED, "PT = 0: there is none");
	stop(before);
}

/* Words of the PASID entry that dev's plain requests (or its PASID) use, found from the root. */
static uint64_t pasid_entry(uint32_t pasid)
{
	uint64_t root = fake_get(&f, 0x20, 8) & ~UINT64_C(0xfff), ctx = word(root, 2) & ~UINT64_C(0xfff);
	uint64_t dir = word(ctx, 4 * 8) & ~UINT64_C(0xfff), table;
	const uint64_t *p = mem_ptr(PA(dir + (pasid >> 6) * 8), 8);

	is_u64(word(root, 2) & 0xfff, 1, "root entry, lower half");
	ok(p && (*p & 0xfff) == 1, "directory entry");
	table = p ? *p & ~UINT64_C(0xfff) : 0;
	return table + (pasid & 63) * 64;
}

static void scalable(enum vtd_mode mode, uint64_t cap)
{
	bool cm = cap & BIT(7), fs = mode == VTD_MODE_FS;
	size_t before = mem_free_pages();
	uint64_t e;

	ok(start(mode, cap, ECAP_PASIDS, NULL, 0), "scalable, %s, CM = %d", fs ? "first stage" : "second stage", cm);
	two_domains();
	attach(d1, dev);
	if (cm)
		IS_LOG("attach, new root entry: all is forgotten", { 0x11, 0 }, { 0x37, 0 }, { 0xd2, 0 });
	else
		IS_SILENT("attach: nothing to forget");
	e = pasid_entry(0);
	is_u64(word(e & ~UINT64_C(0xfff), 0) & 0xfff, fs ? 0x049 : 0x089, "PASID entry: PGTT, AW");
	is_u64(word(e & ~UINT64_C(0xfff), 1), 0x800001, "PASID entry: DID, PWSNP");
	attach(d2, dev_pasid);
	if (cm)
		IS_LOG("attach of a PASID: its entry, its translations", {0x0001234500020017, 0},
		       {0x0001234500020026, 0});
	else
		IS_SILENT("attach of a PASID: nothing to forget");
	is_u64(word(pasid_entry(0x12345) & ~UINT64_C(0xfff), (0x12345 & 63) * 8 + 1), 0x800002, "its DID");
	attach(d2, sibling);
	if (cm)
		IS_LOG("attach of a function: its entry, its domain", {0x0000011000020031, 0}, {0x00020007, 0},
		       {0x000200e2, 0});
	else
		IS_SILENT("attach of a function: nothing to forget");
	ok(map(d2, 0x40000000, 0x1000, 0x2000) && map(d2, 0x40002000, 0x9000, 0x1000), "map");
	flush(d2, 0x40000000, 0x2000);
	if (fs)
		IS_LOG("flush: pages of each PASID", { 0x0001234500020036, 0x40000001 | (cm ? 0 : 0x40) },
		       { 0x0000000000020036, 0x40000001 | (cm ? 0 : 0x40) });
	else
		IS_LOG("flush: pages of the domain", { 0x000200f2, 0x40000001 | (cm ? 0 : 0x40) });
	detach(d2, dev_pasid);
	if (fs)
		IS_LOG("detach of a PASID", { 0x0001234500020017, 0 }, { 0x0001234500020026, 0 });
	else
		IS_LOG("detach of a PASID", { 0x0001234500020017, 0 }, { 0x000200e2, 0 });
	detach(d1, dev);
	IS_LOG("detach of a function: its entry, its domain", {0x0000010800010031, 0}, {0x00010007, 0},
	       {0x000100e2, 0});
	ok(io->ops->attach(d1, (struct requester){dev.addr, true, 0}) == ERR_INVALID &&
		   io->ops->attach(d1, (struct requester){dev.addr, true, 0x100000}) == ERR_INVALID,
	   "PASIDs that do not exist");
	ok(io->ops->detach(d2, dev) == ERR_NOT_FOUND, "detach of who is not attached");
	IS_SILENT("change nothing");
	stop(before);
}

/* devfn F8h: the upper half of a scalable root entry, entry 78h; the only table of a legacy one, entry F8h. */
static void high_devfn(void)
{
	const struct requester r = { .addr = { 0, 0x01f8 } };
	size_t before = mem_free_pages();
	uint64_t root, ctx;

	ok(start(VTD_MODE_SS, FAKE_CAP, FAKE_ECAP, NULL, 0) && io->ops->domain_create(io, DOMAIN_PAGED, &d1) == OK,
	   "create");
	attach(d1, r);
	root = fake_get(&f, 0x20, 8) & ~UINT64_C(0xfff);
	ctx = word(root, 3) & ~UINT64_C(0xfff);
	ok(word(root, 2) == 0 && (word(root, 3) & 0xfff) == 1 && (word(ctx, 0x78 * 4) & 1), "upper half, entry 78h");
	stop(before);
	ok(start(VTD_MODE_LEGACY, FAKE_CAP, FAKE_ECAP, NULL, 0) && io->ops->domain_create(io, DOMAIN_PAGED, &d1) == OK,
	   "create");
	attach(d1, r);
	root = fake_get(&f, 0x20, 8) & ~UINT64_C(0xfff);
	ctx = word(root, 2) & ~UINT64_C(0xfff);
	ok(word(root, 3) == 0 && (word(ctx, 0xf8 * 2) & 1), "legacy: entry F8h");
	stop(before);
}

/* RMRRs of one function: mapped while it is free, gone while a domain has it, back afterwards. */
static void reserved(void)
{
	const struct reserved r[] = {
		{ dev.addr, PA(0x7b800000), 0x4000, PERM_RW }, { dev.addr, PA(0x7b802000), 0x4000, PERM_RW },
		{ sibling.addr, PA(0x200000), 0x200000, PERM_RW },
	};
	const struct reserved odd = { dev.addr, PA(0x7b800800), 0x1000, PERM_RW };
	const struct reserved elsewhere = { { 1, 8 }, PA(0x1000), 0x1000, PERM_RW };
	size_t before = mem_free_pages();
	uint64_t table;

	ok(start(VTD_MODE_LEGACY, FAKE_CAP, FAKE_ECAP, r, 3), "reserved memory");
	is_u64(io->caps.domains_max, 65533, "takes two domain ids");
	table = legacy_entry(0x001, 0x102);
	for (unsigned i = 0, index[] = { 0, 1, 0x1dc }; i < 3; i++) /* 0x7b800000 at levels 4, 3, 2 */
		table = word(table, index[i]) & ~UINT64_C(0xfff);
	ok(word(table, 0) == 0x7b800003 && word(table, 5) == 0x7b805003 && word(table, 6) == 0,
	   "both ranges, identity");
	two_domains();
	attach(d1, dev);
	IS_LOG("attach takes the function from its reserved memory", { 0x0000010800010031, 0 }, { 0x000100e2, 0 });
	legacy_entry(0x001, 0x302);
	ok(io->ops->attach(d2, dev) == ERR_EXISTS, "only once");
	detach(d1, dev);
	IS_LOG("detach", { 0x0000010800030031, 0 }, { 0x000300e2, 0 });
	legacy_entry(0x001, 0x102);
	stop(before);
	ok(!start(VTD_MODE_LEGACY, FAKE_CAP, FAKE_ECAP, &odd, 1) &&
		   !start(VTD_MODE_LEGACY, FAKE_CAP, FAKE_ECAP, &elsewhere, 1),
	   "ranges that are not pages, functions of another segment");
	is_u64(mem_free_pages(), before, "a failed create frees everything");
}

/* Tables that a failed flush has unlinked are freed only after one that covers them: the next is for everything. */
static void failed_flush(enum vtd_mode mode)
{
	size_t before = mem_free_pages(), pages;

	ok(start(mode, FAKE_CAP, FAKE_ECAP, NULL, 0), "a unit that will refuse");
	two_domains();
	attach(d1, dev);
	ok(map(d1, 0x40000000, 0x1000, 0x1000) && map(d1, 0x80000000, 0x1000, 0x1000), "map");
	unmap(d1, 0x40000000, 0x1000);
	pages = mem_free_pages();
	f.refuses = true;
	ok(io->ops->flush(d1, IOVA(0x40000000), 0x1000) == ERR_IO && mem_free_pages() == pages, "a flush fails, tables stay");
	f.refuses = false;
	f.log_n = 0;
	flush(d1, 0x80000000, 0x1000);
	if (mode == VTD_MODE_FS)
		IS_LOG("the next flush is for all of the PASID", { 0x00010026, 0 });
	else
		IS_LOG("the next flush is for all of the domain", { 0x000100e2, 0 });
	is_u64(mem_free_pages(), pages + 2, "now tables are freed");
	unmap(d1, 0x80000000, 0x1000);
	map(d1, 0x80000000, 0x2000, 0x1000);
	flush(d1, 0x80000000, 0x1000);
	ok(f.log_n == 1 && f.log[0].q[1] == 0x80000040, "then flushes are narrow again");
	stop(before);
}

/* RWBF = 1: every change that needs no invalidation is followed by a flush of the write buffer. */
static void write_buffer(void)
{
	size_t before = mem_free_pages();

	ok(start(VTD_MODE_SS, FAKE_CAP | BIT(4), FAKE_ECAP, NULL, 0), "RWBF = 1");
	two_domains();
	attach(d1, dev);
	ok(f.log_n == 1 && f.log[0].kind == FAKE_WBF, "attach flushes");
	ok(map(d1, 0, 0x1000, 0x1000) && f.log_n == 2 && f.log[1].kind == FAKE_WBF, "map flushes");
	flush(d1, 0, 0x1000);
	ok(f.log_n == 4 && f.log[2].kind == FAKE_WBF && f.log[3].kind == FAKE_DESC, "so does an invalidation, first");
	stop(before);
}

/* Translation that is on stays on, and has its tables again afterwards. */
static void found_on(void)
{
	size_t before;

	fake_open(&f, 0x10, FAKE_CAP, FAKE_ECAP);
	before = mem_free_pages();
	ok(vtd_unit_open(&f.machine, FAKE_BASE, 39, 0, &u) == OK && vtd_srtp(&u, PA(0x5000), TTM_LEGACY) == OK &&
	   vtd_translation_on(&u) == OK, "a unit that refuses everything");
	ok(vtd_iommu_create(&u, VTD_MODE_SS, NULL, 0, &io) == OK && fake_get(&f, 0x20, 8) != 0x5000, "gets new tables");
	ok(vtd_iommu_destroy(io) == OK && fake_get(&f, 0x20, 8) == 0x5000, "and the old ones back");
	is_u64(fake_get(&f, 0x1c, 4), 0xc0000000, "translation on, queue off");
	ok(mem_free_pages() == before && f.breaches == 0, "nothing leaked, the protocol is kept");
}

/* Every n-th allocation fails: calls fail without a trace, and create gives everything back. */
static void allocations_fail(enum vtd_mode mode)
{
	const struct reserved r = { sibling.addr, PA(0x7b800000), 0x4000, PERM_RW };
	size_t before = mem_free_pages();
	bool good = true;
	unsigned failed = 0;

	for (unsigned n = 1; n <= 40; n++) {
		size_t pages;
		bool up;

		hosted_fail_alloc_every(n);
		up = start(mode, FAKE_CAP, ECAP_PASIDS, &r, 1);
		failed += !up;
		if (!up) {
			good &= mem_free_pages() == before;
			continue;
		}
		if (io->ops->domain_create(io, DOMAIN_PAGED, &d1) == OK) {
			pages = mem_free_pages();
			if (io->ops->attach(d1, dev) != OK) {
				good &= mem_free_pages() == pages && io->ops->domain_destroy(d1) == OK;
				failed++;
			}
		}
		hosted_fail_alloc_every(0);
		good &= vtd_iommu_destroy(io) == OK && mem_free_pages() == before;
	}
	hosted_fail_alloc_every(0);
	ok(good && failed > 5, "%u of 40 runs lack memory somewhere; nothing leaks", failed);
}

int main(void)
{
	hosted_init(BIT(20), BIT(25));
	for (unsigned m = 0; m < 3; m++)
		created((enum vtd_mode)m);
	legacy(FAKE_CAP);
	legacy(CAP_WITH_CM);
	passthrough();
	for (unsigned m = VTD_MODE_SS; m <= VTD_MODE_FS; m++) {
		scalable((enum vtd_mode)m, FAKE_CAP);
		scalable((enum vtd_mode)m, CAP_WITH_CM);
	}
	high_devfn();
	reserved();
	write_buffer();
	found_on();
	for (unsigned m = 0; m < 3; m++)
		failed_flush((enum vtd_mode)m);
	for (unsigned m = 0; m < 3; m++)
		allocations_fail((enum vtd_mode)m);
	return done();
}
