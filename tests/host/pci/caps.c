/*
 * Capability lists: found where they are honest, ended where they are not.
 */
#include "drivers-pci/pci.h"
#include "drivers-pci/regs.h"
#include "tests/host/hal_hosted.h"
#include "tests/host/pci/fake.h"
#include "tests/host/tap.h"

static struct pci_fake f;

/* One function; its lists are made by the caller and seen after pci_fake_enumerate(). */
static int one(void)
{
	pci_fake_init(&f);
	return pci_fake_add(&f, -1, 0, 0, 0, 0x010802);
}

static struct pci_dev *found(int fn)
{
	(void)!pci_fake_enumerate(&f);
	return pci_fake_found(&f, fn);
}

static void lists(void)
{
	int n = one();
	struct pci_dev *d;

	pci_fake_cap(&f, n, PCI_CAP_PTR, 0x40, CAP_ID_MSI);
	pci_fake_cap(&f, n, 0x41, 0x80, CAP_ID_PCIE);
	pci_fake_cap(&f, n, 0x81, 0xfc, CAP_ID_MSIX);
	d = found(n);
	is_u64(pci_cap(d, CAP_ID_MSI), 0x40, "the first capability");
	is_u64(pci_cap(d, CAP_ID_PCIE), 0x80, "the second");
	is_u64(pci_cap(d, CAP_ID_MSIX), 0xfc, "the last place there is");
	is_u64(pci_cap(d, 0x01), 0, "an absent one");
	ok(d->is_pcie, "a PCI Express function by its capability");
	pci_fake_put(&f, n, PCI_STATUS, 0, 2);
	is_u64(pci_cap(d, CAP_ID_MSI), 0, "no list according to the status register");
}

static void broken_lists(void)
{
	int n = one();
	struct pci_dev *d;

	pci_fake_cap(&f, n, PCI_CAP_PTR, 0x40, CAP_ID_MSI);
	pci_fake_put(&f, n, 0x41, 0x40, 1);
	d = found(n);
	f.accesses = 0;
	is_u64(pci_cap(d, 0x01), 0, "a list that points to itself ends");
	ok(f.accesses < 100, "after %u accesses", f.accesses);
	pci_fake_cap(&f, n, 0x41, 0x60, CAP_ID_AF);
	pci_fake_put(&f, n, 0x61, 0x40, 1);
	is_u64(pci_cap(d, 0x01), 0, "a list of two that goes round ends");
	is_u64(pci_cap(d, CAP_ID_AF), 0x60, "and what is in it is found");
	pci_fake_put(&f, n, 0x41, 0x3f, 1);
	is_u64(pci_cap(d, CAP_ID_AF), 0, "a pointer into the header ends it");
	pci_fake_put(&f, n, 0x41, 0x63, 1);
	is_u64(pci_cap(d, CAP_ID_AF), 0x60, "the two lowest bits of a pointer are ignored");
	pci_fake_put(&f, n, 0x60, 0xff, 1);
	is_u64(pci_cap(d, 0x01), 0, "a function that has gone away ends it");
}

static int with_extended(void)
{
	int n = one();

	pci_fake_cap(&f, n, PCI_CAP_PTR, 0x40, CAP_ID_PCIE);
	pci_fake_put(&f, n, 0x100, (uint32_t)(FLD(EXT_CAP_ID, 0x000f) | FLD(EXT_CAP_NEXT, 0xffc)), 4);
	pci_fake_put(&f, n, 0xffc, (uint32_t)(FLD(EXT_CAP_ID, 0x001b) | FLD(EXT_CAP_NEXT, 0)), 4);
	return n;
}

static void extended(void)
{
	int n = with_extended();
	struct pci_dev *d = found(n);

	is_u64(pci_ext_cap(d, 0x000f), 0x100, "the first extended capability");
	is_u64(pci_ext_cap(d, 0x001b), 0xffc, "the last place there is");
	is_u64(pci_ext_cap(d, 0x0013), 0, "an absent one");
	pci_fake_put(&f, n, 0xffc, (uint32_t)(FLD(EXT_CAP_ID, 0x001b) | FLD(EXT_CAP_NEXT, 0x100)), 4);
	f.accesses = 0;
	is_u64(pci_ext_cap(d, 0x0013), 0, "a list that goes round ends");
	ok(f.accesses < 1100, "after %u accesses", f.accesses);
	pci_fake_put(&f, n, 0x100, (uint32_t)(FLD(EXT_CAP_ID, 0x000f) | FLD(EXT_CAP_NEXT, 0x40)), 4);
	is_u64(pci_ext_cap(d, 0x001b), 0, "a pointer below 100h ends it");
	pci_fake_put(&f, n, 0x100, 0, 4);
	is_u64(pci_ext_cap(d, 0x0000), 0, "an empty list has nothing, not even id 0");
	n = with_extended();
	d = found(n);
	f.no_extended = true;
	is_u64(pci_ext_cap(d, 0x000f), 0, "only 256 bytes can be reached: none");
	n = with_extended();
	pci_fake_put(&f, n, PCI_STATUS, 0, 2);
	is_u64(pci_ext_cap(found(n), 0x000f), 0, "conventional PCI has none");
}

int main(void)
{
	hosted_init(0x100000, 0x100000);
	lists();
	broken_lists();
	extended();
	return done();
}
