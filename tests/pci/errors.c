/*
 * What engines need from a real board: their errors are not reported, and what is to be left alone is left alone.
 */
#include "drivers-pci/regs.h"
#include "tests/test.h"

#define EXT_CAP_AER    0x0001
#define AER_UNCOR_MASK 0x08u
#define AER_COR_MASK   0x14u
#define COMMAND_SERR   BIT(8)
#define PCI_BRIDGE_CTL 0x3eu
#define BRIDGE_SERR    BIT(1)
#define DEVCTL_REPORTS BITS(3, 0)

static struct pci_dev *above(const struct pci_dev *d)
{
	return d->parent < 0 ? NULL : &d->bus->devs[d->parent];
}

/* A mask register holds all ones that it can hold: writing them again changes nothing. */
static void expect_full(struct test *t, struct pci_dev *d, uint32_t reg, const char *what)
{
	uint32_t before = pci_rd(d, reg, 4);

	pci_wr(d, reg, UINT32_MAX, 4);
	expect_eq(t, what, before, pci_rd(d, reg, 4));
}

static void expect_silent(struct test *t, struct pci_dev *d)
{
	uint32_t aer = pci_ext_cap(d, EXT_CAP_AER), pcie = pci_cap(d, CAP_ID_PCIE);

	note(t, "function " PCI_FMT, PCI_ARGS(d->addr));
	expect_eq(t, "SERR# enable of the command register", pci_rd(d, PCI_COMMAND, 2) & COMMAND_SERR, 0);
	if (d->header_type == 1)
		expect_eq(t, "SERR# enable of the bridge", pci_rd(d, PCI_BRIDGE_CTL, 2) & BRIDGE_SERR, 0);
	if (pcie)
		expect_eq(t, "error reporting of the device", pci_rd(d, pcie + PCIE_DEVCTL, 2) & DEVCTL_REPORTS, 0);
	if (aer) {
		expect_full(t, d, aer + AER_UNCOR_MASK, "mask of uncorrectable errors");
		expect_full(t, d, aer + AER_COR_MASK, "mask of correctable errors");
	}
}

TEST(errors_masked,
     .id = "pci.errors.masked",
     .given = "every engine and all bridges above it",
     .expects = "no error is reported: AER masked, SERR# and the four kinds of messages off",
     .needs = NEED_ENGINE_WRITE)
{
	for (unsigned i = 0; i < t->bench->engines_n; i++)
		for (struct pci_dev *d = t->bench->engines[i].dev; d; d = above(d))
			expect_silent(t, d);
}

TEST(errors_restored,
     .id = "pci.errors.restored",
     .given = "reporting set in every way on the path of an engine, masked, put back",
     .expects = "all registers as they were",
     .needs = NEED_ENGINE_WRITE)
{
	struct pci_bus *bus = &t->bench->bus;
	unsigned seen = 0;

	pci_errors_restore(bus);
	for (unsigned i = 0; i < t->bench->engines_n; i++) {
		struct pci_dev *d = t->bench->engines[i].dev, *up = above(d);
		uint32_t aer = pci_ext_cap(up ? up : d, EXT_CAP_AER), mask = 0, devctl = 0, control = 0;
		uint32_t before = pci_rd(d, PCI_COMMAND, 2), pcie = pci_cap(d, CAP_ID_PCIE), command;

		pci_wr(d, PCI_COMMAND, before | (uint32_t)COMMAND_SERR, 2);
		command = pci_rd(d, PCI_COMMAND, 2); /* not every function has the bit */
		if (up)
			pci_wr(up, PCI_BRIDGE_CTL, pci_rd(up, PCI_BRIDGE_CTL, 2) | (uint32_t)BRIDGE_SERR, 2);
		if (up)
			control = pci_rd(up, PCI_BRIDGE_CTL, 2);
		if (pcie)
			devctl = pci_rd(d, pcie + PCIE_DEVCTL, 2);
		if (aer)
			mask = pci_rd(up ? up : d, aer + AER_UNCOR_MASK, 4);
		seen += aer != 0;
		pci_errors_mask(d);
		expect_silent(t, d);
		if (up)
			expect_silent(t, up);
		pci_errors_restore(bus);
		expect_eq(t, "command register", pci_rd(d, PCI_COMMAND, 2), command);
		if (up)
			expect_eq(t, "bridge control", pci_rd(up, PCI_BRIDGE_CTL, 2), control);
		if (pcie)
			expect_eq(t, "device control", pci_rd(d, pcie + PCIE_DEVCTL, 2), devctl);
		if (aer)
			expect_eq(t, "mask of uncorrectable errors", pci_rd(up ? up : d, aer + AER_UNCOR_MASK, 4), mask);
		pci_wr(d, PCI_COMMAND, before, 2);
	}
	for (unsigned i = 0; i < t->bench->engines_n; i++)
		pci_errors_mask(t->bench->engines[i].dev);
	if (!seen)
		skip_unreached(t, "no function with Advanced Error Reporting on the way to an engine");
}

TEST(left_alone,
     .id = "pci.deny.left_alone",
     .given = "every function that is to be left alone",
     .expects = "it is no engine, a reset is refused, and bus mastering stays as it is")
{
	struct bench *b = t->bench;
	unsigned seen = 0;

	for (unsigned i = 0; i < b->bus.devs_n; i++) {
		struct pci_dev *d = &b->bus.devs[i];
		uint32_t command = pci_rd(d, PCI_COMMAND, 2);

		if (!d->denied)
			continue;
		seen++;
		note(t, PCI_FMT ": %s", PCI_ARGS(d->addr), d->denied);
		for (unsigned k = 0; k < b->engines_n; k++)
			expect_true(t, b->engines[k].dev != d, "it is no engine");
		expect_eq(t, "status of a reset", (uint64_t)pci_flr(d), (uint64_t)ERR_DENIED);
		pci_enable(d, (command & COMMAND_MEMORY) != 0, !(command & COMMAND_MASTER));
		expect_eq(t, "command register", pci_rd(d, PCI_COMMAND, 2), command);
	}
	if (!seen)
		skip_unreached(t, "nothing here is to be left alone");
}
