/*
 * What a function as a whole can be told: decoding, bus mastering, function-level reset.
 */
#include "drivers-pci/pci.h"
#include "drivers-pci/regs.h"
#include "tests/host/hal_hosted.h"
#include "tests/host/pci/fake.h"
#include "tests/host/tap.h"

static struct pci_fake f;

static void enabling(void)
{
	const uint32_t both = (uint32_t)(COMMAND_MEMORY | COMMAND_MASTER);
	int top, inner, n, aside;

	pci_fake_init(&f);
	top = pci_fake_bridge(&f, -1, 1, 1, 2);
	inner = pci_fake_bridge(&f, top, 0, 2, 2);
	n = pci_fake_add(&f, inner, 0, 0, 0, 0x010802);
	aside = pci_fake_add(&f, inner, 0, 1, 0, 0x010802);
	pci_fake_put(&f, n, PCI_COMMAND, COMMAND_IO, 2);
	(void)!pci_fake_enumerate(&f);
	pci_enable(pci_fake_found(&f, n), true, true);
	is_u64(pci_fake_get(&f, n, PCI_COMMAND, 2), both | COMMAND_IO, "on; other bits stay");
	is_u64(pci_fake_get(&f, inner, PCI_COMMAND, 2), both, "on in the bridge above");
	is_u64(pci_fake_get(&f, top, PCI_COMMAND, 2), both, "and in the one above that");
	is_u64(pci_fake_get(&f, aside, PCI_COMMAND, 2), 0, "not in a neighbour");
	pci_enable(pci_fake_found(&f, n), true, false);
	is_u64(pci_fake_get(&f, n, PCI_COMMAND, 2), COMMAND_MEMORY | COMMAND_IO, "bus mastering off");
	is_u64(pci_fake_get(&f, inner, PCI_COMMAND, 2), both, "the bridge is left to its other functions");
}

static void resets(void)
{
	struct pci_dev *d;
	int n;

	pci_fake_init(&f);
	n = pci_fake_add(&f, -1, 0, 1, 0, 0x010802);
	(void)!pci_fake_enumerate(&f);
	d = pci_fake_found(&f, n);
	pci_fake_put(&f, n, PCI_COMMAND, COMMAND_MASTER, 2);
	is_u64((uint64_t)-pci_flr(d), (uint64_t)-ERR_UNSUPPORTED, "no capability for a reset");
	is_u64(pci_fake_get(&f, n, PCI_COMMAND, 2), COMMAND_MASTER, "and nothing changes");

	pci_fake_cap(&f, n, PCI_CAP_PTR, 0x40, CAP_ID_PCIE);
	is_u64((uint64_t)-pci_flr(d), (uint64_t)-ERR_UNSUPPORTED, "PCI Express without function-level reset");
	pci_fake_put(&f, n, 0x40 + PCIE_DEVCAP, (uint32_t)DEVCAP_FLR, 4);
	memset(&f.fns[n].writable[0x40 + PCIE_DEVCTL], 0xff, 2);
	pci_fake_put(&f, n, 0x40 + PCIE_DEVCTL, 0x50, 2);
	is_u64((uint64_t)-pci_flr(d), OK, "PCI Express with it");
	ok(f.fns[n].written[0x40 + PCIE_DEVCTL + 1] & fld_get(BITS(15, 8), DEVCTL_FLR), "is begun");
	is_u64(pci_fake_get(&f, n, 0x40 + PCIE_DEVCTL, 2), 0x50, "payload sizes are as before");
	d->denied = "for a test";
	is_u64((uint64_t)-pci_flr(d), (uint64_t)-ERR_DENIED, "a function that is to be left alone");
	d->denied = NULL;
	is_u64(pci_fake_get(&f, n, PCI_COMMAND, 2), COMMAND_MASTER, "command is as before");

	pci_fake_cap(&f, n, PCI_CAP_PTR, 0x40, CAP_ID_AF);
	pci_fake_put(&f, n, 0x40 + AF_CAP, (uint32_t)AF_CAP_FLR, 1);
	f.fns[n].writable[0x40 + AF_CTL] = 0xff;
	is_u64((uint64_t)-pci_flr(d), OK, "conventional PCI with Advanced Features");
	ok(pci_fake_get(&f, n, 0x40 + AF_CTL, 1) & AF_CTL_FLR, "is begun");
	pci_fake_put(&f, n, 0x40 + AF_STA, (uint32_t)AF_STA_PENDING, 1);
	is_u64((uint64_t)-pci_flr(d), (uint64_t)-ERR_TIMEOUT, "a transaction that stays pending is told");
}

static void lost(void)
{
	struct pci_dev *d;
	int n;

	pci_fake_init(&f);
	n = pci_fake_add(&f, -1, 0, 1, 0, 0x010802);
	pci_fake_cap(&f, n, PCI_CAP_PTR, 0x40, CAP_ID_PCIE);
	pci_fake_put(&f, n, 0x40 + PCIE_DEVCAP, (uint32_t)DEVCAP_FLR, 4);
	(void)!pci_fake_enumerate(&f);
	d = pci_fake_found(&f, n);
	/* Configuration requests that are retried read as this vendor. */
	pci_fake_put(&f, n, PCI_VENDOR, 0x0001, 2);
	is_u64((uint64_t)-pci_flr(d), (uint64_t)-ERR_TIMEOUT, "a function that does not come back");
}

int main(void)
{
	hosted_init(0x100000, 0x100000);
	enabling();
	resets();
	lost();
	return done();
}
