/*
 * BARs: kinds and sizes, what sizing leaves behind, and addresses for those that have none.
 */
#include "drivers-pci/pci.h"
#include "drivers-pci/regs.h"
#include "tests/host/hal_hosted.h"
#include "tests/host/pci/fake.h"
#include "tests/host/tap.h"

#define MEM64 ((uint32_t)FLD(BAR_TYPE, BAR_TYPE_64))
#define PREF  ((uint32_t)BAR_PREFETCH)
#define IO    ((uint32_t)BAR_IO)

static struct pci_fake f;

static void is_bar(const struct pci_dev *d, unsigned i, enum pci_bar_kind kind, uint64_t base, uint64_t bytes,
		   const char *what)
{
	is_u64(d->bars[i].kind, kind, "%s: kind", what);
	is_u64(d->bars[i].base, base, "%s: base", what);
	is_u64(d->bars[i].len_bytes, bytes, "%s: size", what);
}

static void kinds(void)
{
	const struct pci_dev *d;
	int n;

	pci_fake_init(&f);
	n = pci_fake_add(&f, -1, 0, 0, 0, 0x010802);
	pci_fake_bar(&f, n, 0, MEM64 | PREF, UINT64_C(0x400000000), UINT64_C(0x3800000000));
	pci_fake_bar(&f, n, 2, 0, 0x1000, 0xfe800000);
	pci_fake_bar(&f, n, 3, IO, 0x40, 0xc040);
	pci_fake_bar(&f, n, 4, MEM64, 0x4000, 0xfe900000);
	pci_fake_put(&f, n, PCI_COMMAND, COMMAND_MEMORY | COMMAND_IO | COMMAND_MASTER, 2);
	(void)!pci_fake_enumerate(&f);
	d = pci_fake_found(&f, n);
	is_bar(d, 0, PCI_BAR_MEM64, UINT64_C(0x3800000000), UINT64_C(0x400000000), "64 bits, 16 GiB");
	ok(d->bars[0].prefetchable && !d->bars[2].prefetchable, "prefetchable or not");
	is_bar(d, 1, PCI_BAR_NONE, 0, 0, "the upper half of a pair");
	is_bar(d, 2, PCI_BAR_MEM32, 0xfe800000, 0x1000, "32 bits");
	is_bar(d, 3, PCI_BAR_IO, 0xc040, 0x40, "I/O");
	is_bar(d, 4, PCI_BAR_MEM64, 0xfe900000, 0x4000, "64 bits below 4 GiB");
	ok(!f.fns[n].sized_while_decoding, "decoding was off during sizing");
	is_u64(pci_fake_get(&f, n, PCI_COMMAND, 2), COMMAND_MEMORY | COMMAND_IO | COMMAND_MASTER, "and is on again");
	is_u64(pci_fake_get(&f, n, PCI_BAR0 + 4, 4), 0x38, "registers hold what they held");
}

static void type_1(void)
{
	int n;

	pci_fake_init(&f);
	n = pci_fake_bridge(&f, -1, 1, 1, 1);
	pci_fake_bar(&f, n, 0, 0, 0x1000, 0xfe700000);
	memset(&f.fns[n].writable[PCI_BUS_PRIMARY], 0xff, 3);
	(void)!pci_fake_enumerate(&f);
	is_bar(pci_fake_found(&f, n), 0, PCI_BAR_MEM32, 0xfe700000, 0x1000, "BAR of a bridge");
	for (unsigned i = 2; i < PCI_BARS; i++)
		is_u64(pci_fake_found(&f, n)->bars[i].kind, PCI_BAR_NONE, "a bridge has no BAR %u", i);
	is_u64(pci_fake_get(&f, n, PCI_BUS_SECONDARY, 1), 1, "its bus numbers were not taken for BARs");
	n = pci_fake_add(&f, -1, 0, 0, 0, 0x060000);
	pci_fake_bar(&f, n, 0, 0, 0x1000, 0xe0000000);
	(void)!pci_fake_enumerate(&f);
	is_u64(pci_fake_found(&f, n)->bars[0].kind, PCI_BAR_NONE, "a host bridge is left alone");
}

static void maps(void)
{
	struct pci_dev *d;
	mmio_t m, again;
	int port, n;

	pci_fake_init(&f);
	port = pci_fake_bridge(&f, -1, 1, 1, 1);
	pci_fake_put(&f, port, PCI_MEM_BASE, 0xfe80fe80, 4);
	n = pci_fake_add(&f, port, 0, 0, 0, 0x010802);
	pci_fake_bar(&f, n, 0, MEM64, 0x4000, 0xfe800000);
	pci_fake_bar(&f, n, 2, IO, 0x40, 0xc000);
	(void)!pci_fake_enumerate(&f);
	d = pci_fake_found(&f, n);
	is_u64((uint64_t)-pci_bar_map(d, 0, &m), OK, "a memory BAR is mapped");
	is_u64(f.mem_base, 0xfe800000, "where it is");
	is_u64(m.len_bytes, 0x4000, "as long as it is");
	is_u64((uint64_t)-pci_bar_map(d, 0, &again), OK, "and again");
	ok(again.ctx == m.ctx, "to the same window");
	ok(pci_fake_get(&f, n, PCI_COMMAND, 2) & COMMAND_MEMORY, "decoding is on");
	ok(pci_fake_get(&f, port, PCI_COMMAND, 2) & COMMAND_MEMORY, "also in the bridge above");
	is_u64((uint64_t)-pci_bar_map(d, 2, &m), (uint64_t)-ERR_NOT_FOUND, "an I/O BAR is not");
	is_u64((uint64_t)-pci_bar_map(d, 3, &m), (uint64_t)-ERR_NOT_FOUND, "nor an absent one");
	is_u64((uint64_t)-pci_bar_map(d, 6, &m), (uint64_t)-ERR_NOT_FOUND, "nor one beyond the last");
}

static void assigns_on_root(void)
{
	struct pci_dev *d;
	int taken, n;

	pci_fake_init(&f);
	taken = pci_fake_add(&f, -1, 0, 1, 0, 0x020000);
	pci_fake_bar(&f, taken, 0, 0, 0x10000, 0xc0000000);
	n = pci_fake_add(&f, -1, 0, 2, 0, 0x010802);
	pci_fake_bar(&f, n, 0, MEM64, 0x4000, 0);
	pci_fake_bar(&f, n, 3, 0, 0x20000, 0);
	(void)!pci_fake_enumerate(&f);
	d = pci_fake_found(&f, n);
	is_u64((uint64_t)-pci_assign(d), OK, "two BARs without addresses");
	ok(d->bars[0].base >= 0xc0010000 && d->bars[3].base >= 0xc0010000, "are put behind one that has");
	ok(is_aligned(d->bars[0].base, 0x4000) && is_aligned(d->bars[3].base, 0x20000), "aligned to their sizes");
	ok(d->bars[0].base + 0x4000 <= d->bars[3].base || d->bars[3].base + 0x20000 <= d->bars[0].base, "side by side");
	is_u64(pci_fake_get(&f, n, PCI_BAR0, 4) & BAR_MEM_BASE, d->bars[0].base, "also in the register");
	is_u64(d->bars[0].base + 0x4000 <= 0xc1000000 && d->bars[3].base + 0x20000 <= 0xc1000000, 1, "inside the hole");
	f.bus.hole_base = 0;
	d->bars[0].base = 0;
	is_u64((uint64_t)-pci_assign(d), (uint64_t)-ERR_NO_MEMORY, "no hole: no address");
}

static void assigns_behind_bridges(void)
{
	struct pci_dev *d, *near, *far;
	uint64_t base, last;
	int top, inner, n, m;

	pci_fake_init(&f);
	top = pci_fake_bridge(&f, -1, 1, 1, 2);
	inner = pci_fake_bridge(&f, top, 0, 2, 2);
	n = pci_fake_add(&f, inner, 0, 0, 0, 0x010802);
	m = pci_fake_add(&f, inner, 0, 1, 0, 0x010802);
	pci_fake_bar(&f, n, 0, MEM64, 0x4000, 0);
	pci_fake_bar(&f, m, 0, 0, 0x200000, 0);
	(void)!pci_fake_enumerate(&f);
	d = pci_fake_found(&f, n);
	near = pci_fake_found(&f, inner);
	far = pci_fake_found(&f, top);
	is_u64((uint64_t)-pci_assign(d), OK, "behind two bridges without windows");
	base = (uint64_t)pci_fake_get(&f, inner, PCI_MEM_BASE, 2) * 0x10000;
	last = (uint64_t)pci_fake_get(&f, inner, PCI_MEM_LIMIT, 2) * 0x10000 + 0xfffff;
	ok(d->bars[0].base >= base && d->bars[0].base + 0x3fff <= last, "the nearer bridge forwards the BAR");
	ok(pci_fake_found(&f, m)->bars[0].base >= base && pci_fake_found(&f, m)->bars[0].base + 0x1fffff <= last,
	   "and that of its neighbour, which got its address at once");
	ok(is_aligned(pci_fake_found(&f, m)->bars[0].base, 0x200000), "aligned to its size");
	ok((uint64_t)pci_fake_get(&f, top, PCI_MEM_BASE, 2) * 0x10000 <= base &&
	   (uint64_t)pci_fake_get(&f, top, PCI_MEM_LIMIT, 2) * 0x10000 + 0xfffff >= last,
	   "the farther one forwards all of that");
	ok(near && far && base >= 0xc0000000 && last <= 0xc0ffffff, "in the hole");
	d->bars[0].base = 0;
	f.bus.hole_base = 0;
	is_u64((uint64_t)-pci_assign(d), OK, "where the bridge has a window, the BAR goes into it");
	ok(d->bars[0].base >= base && d->bars[0].base + 0x3fff <= last, "really");
	ok(d->bars[0].base + 0x4000 <= pci_fake_found(&f, m)->bars[0].base ||
	   d->bars[0].base >= pci_fake_found(&f, m)->bars[0].base + 0x200000, "beside what is there");
}

static void no_room(void)
{
	int n;

	pci_fake_init(&f);
	n = pci_fake_add(&f, -1, 0, 1, 0, 0x010802);
	pci_fake_bar(&f, n, 0, 0, 0x2000000, 0);
	(void)!pci_fake_enumerate(&f);
	hosted_capture(true);
	is_u64((uint64_t)-pci_assign(pci_fake_found(&f, n)), (uint64_t)-ERR_NO_MEMORY, "32 MiB in a hole of 16");
	ok(strstr(hosted_log(), "no room") != NULL, "is told");
	hosted_capture(false);
	is_u64(pci_fake_found(&f, n)->bars[0].base, 0, "and changes nothing");
}

int main(void)
{
	hosted_init(0x100000, 0x100000);
	kinds();
	type_1();
	maps();
	assigns_on_root();
	assigns_behind_bridges();
	no_room();
	return done();
}
