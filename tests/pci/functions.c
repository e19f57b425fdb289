/*
 * What enumeration says of a machine, checked against the machine: addresses, bus numbers, capabilities, BARs.
 */
#include "drivers-pci/regs.h"
#include "tests/test.h"

TEST(enum_findable,
     .id = "pci.enum.findable",
     .given = "every function that enumeration found",
     .expects = "it is found by its address, once, and answers with its ids")
{
	struct pci_bus *bus = &t->bench->bus;

	if (!t->bench->machine->segments_n)
		skip(t, "no configuration space: a guest without PCI");
	expect_true(t, bus->devs_n > 0, "there are functions");
	for (unsigned i = 0; i < bus->devs_n; i++) {
		struct pci_dev *d = &bus->devs[i];

		if (pci_find(bus, d->addr) != d || pci_rd(d, PCI_VENDOR, 2) != d->vendor ||
		    pci_rd(d, PCI_DEVICE, 2) != d->device)
			fail(t, "every function is found by its address", PCI_FMT " is not", PCI_ARGS(d->addr));
	}
}

TEST(enum_parents,
     .id = "pci.enum.parents",
     .given = "every function behind a bridge",
     .expects = "its bus is the bridge's secondary one, and bridges' ranges nest")
{
	struct pci_bus *bus = &t->bench->bus;

	for (unsigned i = 0; i < bus->devs_n; i++) {
		struct pci_dev *d = &bus->devs[i], *p = d->parent < 0 ? NULL : &bus->devs[d->parent];

		if (!p)
			continue;
		if (p->header_type != 1 || p >= d || fld_get(SID_BUS, d->addr.sid) != p->bus_secondary)
			fail(t, "a bridge leads to the function's bus", PCI_FMT " has no such bridge",
			     PCI_ARGS(d->addr));
		if (d->header_type == 1 && d->bus_secondary &&
		    (d->bus_secondary <= p->bus_secondary || d->bus_subordinate > p->bus_subordinate))
			fail(t, "a bridge's range lies in that of the bridge above", PCI_FMT " leaves it",
			     PCI_ARGS(d->addr));
	}
}

TEST(caps_consistent,
     .id = "pci.caps.consistent",
     .given = "the capability lists of every function",
     .expects = "they end, and what a list holds has the id that was asked for")
{
	struct pci_bus *bus = &t->bench->bus;

	for (unsigned i = 0; i < bus->devs_n; i++) {
		struct pci_dev *d = &bus->devs[i];
		uint32_t pcie = pci_cap(d, CAP_ID_PCIE), msix = pci_cap(d, CAP_ID_MSIX);

		/* No such id is assigned: the whole list is walked. */
		expect_eq(t, "offset of an absent capability", pci_cap(d, 0xfe), 0);
		expect_eq(t, "offset of an absent extended capability", pci_ext_cap(d, 0xfffe), 0);
		expect_eq(t, "is a PCI Express function", d->is_pcie, pcie != 0);
		if (pcie)
			expect_eq(t, "id of the PCI Express capability", pci_rd(d, pcie, 1), CAP_ID_PCIE);
		if (msix)
			expect_eq(t, "id of the MSI-X capability", pci_rd(d, msix, 1), CAP_ID_MSIX);
	}
}

static bool is_memory(const struct pci_bar *b)
{
	return (b->kind == PCI_BAR_MEM32 || b->kind == PCI_BAR_MEM64) && b->base;
}

/* True where two BARs claim an address in common. */
static bool overlap(const struct pci_bar *a, const struct pci_bar *b)
{
	return a->base < b->base + b->len_bytes && b->base < a->base + a->len_bytes;
}

static void check_against_others(struct test *t, const struct pci_dev *d, unsigned n)
{
	struct pci_bus *bus = &t->bench->bus;

	for (unsigned i = 0; i < bus->devs_n; i++)
		for (unsigned k = 0; k < PCI_BARS; k++) {
			const struct pci_bar *b = &bus->devs[i].bars[k];

			if (b > &d->bars[n] && is_memory(b) && overlap(b, &d->bars[n]))
				fail(t, "BARs do not overlap", PCI_FMT " BAR %u and " PCI_FMT " BAR %u do",
				     PCI_ARGS(d->addr), n, PCI_ARGS(bus->devs[i].addr), k);
		}
}

TEST(bars_sane,
     .id = "pci.bar.sane",
     .given = "the memory BARs of every function",
     .expects = "sizes are powers of two, bases are multiples of them and still in the registers, none overlap")
{
	struct pci_bus *bus = &t->bench->bus;

	for (unsigned i = 0; i < bus->devs_n; i++)
		for (unsigned k = 0; k < PCI_BARS; k++) {
			const struct pci_dev *d = &bus->devs[i];
			const struct pci_bar *b = &d->bars[k];

			if (!is_memory(b))
				continue;
			if (b->len_bytes < 16 || LOWBIT(b->len_bytes) != b->len_bytes || b->base % b->len_bytes)
				fail(t, "a size that is a power of two, and a base that is a multiple of it",
				     PCI_FMT " BAR %u: 0x%llx bytes at 0x%llx", PCI_ARGS(d->addr), k,
				     (unsigned long long)b->len_bytes, (unsigned long long)b->base);
			expect_eq(t, "base in the register", pci_rd(d, PCI_BAR0 + 4 * k, 4) & BAR_MEM_BASE,
				  b->base & BAR_MEM_BASE);
			check_against_others(t, d, k);
		}
}
