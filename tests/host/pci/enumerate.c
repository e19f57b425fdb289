/*
 * Enumeration: good trees are found whole, bad bridges end in a message, and nothing makes it go on for ever.
 */
#include "drivers-pci/pci.h"
#include "drivers-pci/regs.h"
#include "tests/host/hal_hosted.h"
#include "tests/host/pci/fake.h"
#include "tests/host/tap.h"

static struct pci_fake f;

static void good_tree(void)
{
	int host, port, end, sw, down, leaf, multi;

	pci_fake_init(&f);
	host = pci_fake_add(&f, -1, 0, 0, 0, 0x060000);
	port = pci_fake_bridge(&f, -1, 1, 1, 1);
	end = pci_fake_add(&f, port, 0, 0, 0, 0x010802);
	sw = pci_fake_bridge(&f, -1, 2, 2, 5);
	down = pci_fake_bridge(&f, sw, 3, 4, 5);
	leaf = pci_fake_add(&f, down, 0, 31, 0, 0x020000);
	multi = pci_fake_add(&f, -1, 0, 31, 0, 0x060100);
	pci_fake_put(&f, multi, PCI_HEADER, 0x80, 1);
	pci_fake_add(&f, -1, 0, 31, 3, 0x0c0500);
	is_u64((uint64_t)-pci_fake_enumerate(&f), OK, "a good tree: status");
	is_u64(f.bus.devs_n, 8, "all functions are found");
	is_u64(pci_fake_found(&f, host)->addr.sid, SID(0, 0, 0), "the host bridge at 00.0");
	is_u64(pci_fake_found(&f, end)->addr.sid, SID(1, 0, 0), "an endpoint behind a port");
	is_u64(pci_fake_found(&f, leaf)->addr.sid, SID(4, 31, 0), "a leaf behind two bridges");
	ok(pci_fake_found(&f, leaf)->parent == pci_fake_found(&f, down) - f.devs, "its parent is the nearer bridge");
	ok(pci_fake_found(&f, sw)->parent == -1, "the farther bridge is on the root bus");
	is_u64(pci_fake_found(&f, end)->class_code, 0x010802, "class code");
	is_u64(pci_fake_found(&f, sw)->bus_subordinate, 5, "subordinate bus");
	ok(pci_find(&f.bus, (struct pci_addr){ 0, SID(0, 31, 3) }) != NULL, "function 3 of a device with several");
	ok(pci_find(&f.bus, (struct pci_addr){ 1, SID(0, 0, 0) }) == NULL, "nothing in another segment");
}

static void looking(void)
{
	unsigned writes = 0;

	pci_fake_init(&f);
	pci_fake_add(&f, -1, 0, 0, 0, 0x060000);
	pci_fake_bridge(&f, -1, 1, 1, 1);
	pci_fake_bridge(&f, -1, 2, 0, 0);
	pci_fake_bar(&f, pci_fake_add(&f, -1, 0, 3, 0, 0x010802), 0, 0, 0x4000, 0xc0000000);
	(void)!pci_fake_enumerate(&f);
	for (unsigned i = 0; i < f.fns_n; i++)
		memset(f.fns[i].written, 0, sizeof(f.fns[i].written));
	f.bus.look_only = true;
	is_u64((uint64_t)-pci_enumerate(&f.machine, &f.bus), OK, "looking only: status");
	is_u64(f.bus.devs_n, 4, "looking only: all functions are found");
	for (unsigned i = 0; i < f.fns_n; i++)
		for (unsigned at = 0; at < sizeof(f.fns[i].written); at++)
			writes += f.fns[i].written[at] != 0;
	is_u64(writes, 0, "looking only: nothing is written");
	f.bus.look_only = false;
}

static void root_buses(void)
{
	int far;

	pci_fake_init(&f);
	pci_fake_add(&f, -1, 0, 0, 0, 0x060000);
	far = pci_fake_add(&f, -1, 0x80, 7, 0, 0x010802);
	(void)!pci_fake_enumerate(&f);
	ok(pci_fake_found(&f, far) && pci_fake_found(&f, far)->parent == -1, "a further root bus is found");
	f.machine.segments[0].bus_last = 0x7f;
	(void)!pci_fake_enumerate(&f);
	ok(!pci_fake_found(&f, far), "not beyond the segment's last bus");
	f.machine.segments[0].bus_last = 0xff;
	f.machine.emulated = true;
	(void)!pci_fake_enumerate(&f);
	ok(!pci_fake_found(&f, far), "emulated, no second host bridge: only device 0 is asked for");
	pci_fake_add(&f, -1, 0, 3, 0, 0x060000);
	(void)!pci_fake_enumerate(&f);
	ok(pci_fake_found(&f, far) != NULL, "emulated, a second host bridge: it is found");
}

static void too_many(void)
{
	pci_fake_init(&f);
	for (unsigned i = 0; i < 10; i++)
		pci_fake_add(&f, -1, 0, i, 0, 0xff0000);
	f.bus.devs_max = 7;
	is_u64((uint64_t)-pci_fake_enumerate(&f), (uint64_t)-ERR_FULL, "more functions than room: status");
	is_u64(f.bus.devs_n, 7, "those that fit stay");
}

/* One bad bridge with a leaf below it, beside a good one: told, not entered, the rest is found. */
static void bad_bridge(const char *what, uint8_t secondary, uint8_t subordinate)
{
	int good, behind_good, bad, behind_bad;

	pci_fake_init(&f);
	good = pci_fake_bridge(&f, -1, 1, 1, 2);
	behind_good = pci_fake_add(&f, good, 0, 0, 0, 0x010802);
	bad = pci_fake_bridge(&f, -1, 2, secondary, subordinate);
	behind_bad = pci_fake_add(&f, bad, 0, 5, 0, 0x020000);
	hosted_capture(true);
	is_u64((uint64_t)-pci_fake_enumerate(&f), OK, "%s: status", what);
	ok(strstr(hosted_log(), "not entered") != NULL, "%s: is told", what);
	hosted_capture(false);
	ok(pci_fake_found(&f, bad) && !pci_fake_found(&f, behind_bad), "%s: is found, but not what is below", what);
	ok(pci_fake_found(&f, behind_good) != NULL, "%s: the rest is found", what);
}

static void nested_bad(void)
{
	int outer, inner, leaf;

	pci_fake_init(&f);
	outer = pci_fake_bridge(&f, -1, 1, 1, 3);
	inner = pci_fake_bridge(&f, outer, 0, 3, 9);
	leaf = pci_fake_add(&f, inner, 0, 0, 0, 0x010802);
	hosted_capture(true);
	(void)!pci_fake_enumerate(&f);
	ok(!pci_fake_found(&f, leaf) && strstr(hosted_log(), "not entered"), "a range that leaves the bridge above");
	hosted_capture(false);
	pci_fake_put(&f, inner, PCI_BUS_SECONDARY, 1, 1);
	pci_fake_put(&f, inner, PCI_BUS_SUBORD, 3, 1);
	hosted_capture(true);
	(void)!pci_fake_enumerate(&f);
	ok(!pci_fake_found(&f, leaf) && strstr(hosted_log(), "not entered"), "a bridge that leads back to its own bus");
	hosted_capture(false);
}

static void ports_have_one_device(void)
{
	int port, first, ghost;

	pci_fake_init(&f);
	port = pci_fake_bridge(&f, -1, 1, 1, 1);
	pci_fake_cap(&f, port, PCI_CAP_PTR, 0x40, CAP_ID_PCIE);
	pci_fake_put(&f, port, 0x42, (uint32_t)FLD(PCIE_FLAGS_TYPE, PCIE_TYPE_ROOT_PORT), 2);
	first = pci_fake_add(&f, port, 0, 0, 0, 0x010802);
	ghost = pci_fake_add(&f, port, 0, 9, 0, 0x010802);
	(void)!pci_fake_enumerate(&f);
	ok(pci_fake_found(&f, port)->is_pcie, "a PCI Express function");
	is_u64(pci_fake_found(&f, port)->pcie_type, PCIE_TYPE_ROOT_PORT, "a root port");
	ok(pci_fake_found(&f, first) && !pci_fake_found(&f, ghost), "below it there is device 0 only");
}

static void unnumbered(void)
{
	int a, b, deep, deeper, leaf, leaf2, known;

	pci_fake_init(&f);
	known = pci_fake_bridge(&f, -1, 1, 3, 4);
	a = pci_fake_bridge(&f, -1, 2, 0, 0);
	leaf = pci_fake_add(&f, a, 0, 1, 0, 0x010802);
	b = pci_fake_bridge(&f, -1, 3, 0, 0);
	deep = pci_fake_bridge(&f, b, 0, 0, 0);
	deeper = pci_fake_bridge(&f, deep, 0, 0, 0);
	leaf2 = pci_fake_add(&f, deeper, 0, 0, 0, 0x020000);
	is_u64((uint64_t)-pci_fake_enumerate(&f), OK, "bridges without bus numbers: status");
	is_u64(f.bus.devs_n, 7, "everything is found");
	is_u64(pci_fake_found(&f, a)->bus_secondary, 5, "the first number of the longest free run");
	is_u64(pci_fake_found(&f, a)->bus_subordinate, 5, "and no more than are needed");
	is_u64(pci_fake_get(&f, a, PCI_BUS_SUBORD, 1), 5, "also in the register");
	is_u64(pci_fake_found(&f, leaf)->addr.sid, SID(5, 1, 0), "the leaf below it");
	is_u64(pci_fake_found(&f, b)->bus_secondary, 6, "the next one leaves out nothing");
	is_u64(pci_fake_found(&f, leaf2)->addr.sid, SID(8, 0, 0), "a leaf below three of them");
	ok(pci_fake_found(&f, leaf2)->parent == pci_fake_found(&f, deeper) - f.devs, "its parent");
	is_u64(pci_fake_found(&f, known)->bus_secondary, 3, "firmware's numbers stay");
}

static void unnumbered_deep(void)
{
	int top = -1, leaf;

	pci_fake_init(&f);
	for (unsigned i = 0; i < 20; i++)
		top = pci_fake_bridge(&f, top, 0, 0, 0);
	leaf = pci_fake_add(&f, top, 0, 0, 0, 0x010802);
	(void)!pci_fake_enumerate(&f);
	is_u64(pci_fake_found(&f, leaf)->addr.sid, SID(20, 0, 0), "a chain of 20 bridges is numbered one by one");
	is_u64(pci_fake_found(&f, 0)->bus_subordinate, 20, "its first one leads to all of them");
	f.machine.segments[0].bus_last = 10;
	for (int i = 0; i < 20; i++)
		pci_fake_put(&f, i, PCI_BUS_PRIMARY, 0, 3);
	hosted_capture(true);
	(void)!pci_fake_enumerate(&f);
	ok(strstr(hosted_log(), "no bus number is left") != NULL, "where numbers run out, it is told");
	hosted_capture(false);
	is_u64(f.bus.devs_n, 11, "and what could be reached is found");
}

/* A machine in which every address answers with bytes from a generator: any tree, mostly broken ones. */
static struct prng noise;
static uint64_t noise_reads;

static uint32_t noise_rd(struct machine *m, struct pci_addr a, uint32_t off, unsigned bytes)
{
	uint64_t v = prng_next(&noise);

	(void)m;
	(void)a;
	noise_reads++;
	if (off == PCI_HEADER)
		v = v % 4 ? 0x81 : v % 256;
	return (uint32_t)(v & (pow2(8 * bytes) - 1));
}

static void noise_wr(struct machine *m, struct pci_addr a, uint32_t off, uint32_t v, unsigned bytes)
{
	(void)m;
	(void)a;
	(void)off;
	(void)v;
	(void)bytes;
}

static void all_noise(void)
{
	static const struct machine_ops ops = { .cfg_rd = noise_rd, .cfg_wr = noise_wr };
	struct machine m = { .name = "noise", .ops = &ops, .segments_n = 1 };
	static struct pci_dev devs[4096];
	struct pci_bus bus = { .devs = devs, .devs_max = ARRAY_LEN(devs) };
	uint64_t most = 0;

	m.segments[0].bus_last = 255;
	hosted_capture(true);
	for (uint64_t seed = 1; seed <= 20; seed++) {
		prng_seed(&noise, seed);
		noise_reads = 0;
		(void)!pci_enumerate(&m, &bus);
		most = max_u64(most, noise_reads);
	}
	hosted_capture(false);
	ok(most < 4096 * 400, "20 machines of noise come to an end (at most %llu accesses)", (unsigned long long)most);
}

int main(void)
{
	hosted_init(0x100000, 0x100000);
	good_tree();
	looking();
	root_buses();
	too_many();
	bad_bridge("a range that ends before it begins", 0x09, 0x05);
	bad_bridge("a range that overlaps its neighbour's", 0x02, 0x05);
	bad_bridge("a range around its neighbour's", 0x01, 0xff);
	nested_bad();
	ports_have_one_device();
	unnumbered();
	unnumbered_deep();
	all_noise();
	return done();
}
