/*
 * MSI and MSI-X: what is in the registers after a message was set, unmasked, switched off.
 */
#include "drivers-pci/pci.h"
#include "drivers-pci/regs.h"
#include "tests/host/hal_hosted.h"
#include "tests/host/pci/fake.h"
#include "tests/host/tap.h"

#define TABLE_AT 0x2000u
#define PBA_AT   0x3000u

static struct pci_fake f;

static uint32_t word(uint32_t at)
{
	uint32_t v;

	memcpy(&v, &f.mem[at], 4);
	return v;
}

static struct pci_dev *with_msi(uint32_t ctl, int *n)
{
	pci_fake_init(&f);
	*n = pci_fake_add(&f, -1, 0, 0, 0, 0x010802);
	pci_fake_cap(&f, *n, PCI_CAP_PTR, 0x50, CAP_ID_MSI);
	pci_fake_put(&f, *n, 0x52, ctl, 2);
	f.fns[*n].writable[0x52] = 0x71;
	memset(&f.fns[*n].writable[0x54], 0xff, 0x14);
	(void)!pci_fake_enumerate(&f);
	return pci_fake_found(&f, *n);
}

static void msi(void)
{
	struct pci_dev *d;
	int n;

	d = with_msi((uint32_t)(MSI_CTL_64 | MSI_CTL_MASKS), &n);
	pci_fake_put(&f, n, 0x60, UINT32_MAX, 4);
	is_u64((uint64_t)-pci_msi_set(d, UINT64_C(0x1fee00000), 0x4031), OK, "MSI, 64 bits: status");
	is_u64(pci_fake_get(&f, n, 0x54, 4), 0xfee00000, "address");
	is_u64(pci_fake_get(&f, n, 0x58, 4), 1, "its upper half");
	is_u64(pci_fake_get(&f, n, 0x5c, 2), 0x4031, "data");
	is_u64(pci_fake_get(&f, n, 0x60, 4), 0, "no vector is masked");
	ok(pci_fake_get(&f, n, 0x52, 2) & MSI_CTL_ENABLE, "enabled");
	ok(pci_fake_get(&f, n, PCI_COMMAND, 2) & COMMAND_INTX_OFF, "the pin is off");
	pci_msi_off(d);
	ok(!(pci_fake_get(&f, n, 0x52, 2) & MSI_CTL_ENABLE), "off again");
	is_u64((uint64_t)-pci_msi_set(d, 0xfee00000, 0x10000), (uint64_t)-ERR_INVALID, "data of 17 bits");

	d = with_msi(0, &n);
	is_u64((uint64_t)-pci_msi_set(d, 0xfee00000, 0x31), OK, "MSI, 32 bits: status");
	is_u64(pci_fake_get(&f, n, 0x58, 2), 0x31, "data");
	is_u64((uint64_t)-pci_msi_set(d, UINT64_C(0x1fee00000), 0x31), (uint64_t)-ERR_INVALID, "an address of 33 bits");
	is_u64((uint64_t)-pci_msi_prepare(d, 0xfee00000, 0x31), OK, "prepared");
	ok(!(pci_fake_get(&f, n, 0x52, 2) & MSI_CTL_ENABLE), "is not enabled yet");
	ok(!pci_msi_unmask(d), "nothing is known to be pending");
	ok(pci_fake_get(&f, n, 0x52, 2) & MSI_CTL_ENABLE, "unmasked is");
}

static struct pci_dev *with_msix(int *n, uint32_t table_at)
{
	pci_fake_init(&f);
	*n = pci_fake_add(&f, -1, 0, 0, 0, 0x010802);
	pci_fake_bar(&f, *n, 0, (uint32_t)FLD(BAR_TYPE, BAR_TYPE_64), 0x4000, 0xfe800000);
	pci_fake_cap(&f, *n, PCI_CAP_PTR, 0x50, CAP_ID_MSI);
	pci_fake_cap(&f, *n, 0x51, 0x70, CAP_ID_MSIX);
	pci_fake_put(&f, *n, 0x74, table_at, 4);
	pci_fake_put(&f, *n, 0x78, PBA_AT, 4);
	f.fns[*n].writable[0x52] = 0x71;
	f.fns[*n].writable[0x73] = 0xc0;
	(void)!pci_fake_enumerate(&f);
	return pci_fake_found(&f, *n);
}

static void msix(void)
{
	struct pci_dev *d;
	int n;

	d = with_msix(&n, TABLE_AT);
	f.mem[TABLE_AT + 12] = 1;
	is_u64((uint64_t)-pci_msi_prepare(d, UINT64_C(0x2fee01000), 0x12345678), OK, "MSI-X: status");
	is_u64(word(TABLE_AT), 0xfee01000, "address");
	is_u64(word(TABLE_AT + 4), 2, "its upper half");
	is_u64(word(TABLE_AT + 8), 0x12345678, "data, all 32 bits");
	is_u64(word(TABLE_AT + 12), 0, "the entry is not masked");
	is_u64(pci_fake_get(&f, n, 0x72, 2), MSIX_CTL_ENABLE | MSIX_CTL_MASK_ALL, "the function is");
	ok(!(pci_fake_get(&f, n, 0x52, 2) & MSI_CTL_ENABLE), "MSI stays off beside it");
	ok(!pci_msi_unmask(d), "nothing is pending");
	is_u64(pci_fake_get(&f, n, 0x72, 2), MSIX_CTL_ENABLE, "unmasked");
	f.mem[PBA_AT] = 1;
	ok(pci_msi_unmask(d), "a pending message is told");
	pci_msi_off(d);
	is_u64(pci_fake_get(&f, n, 0x72, 2) & MSIX_CTL_ENABLE, 0, "off again");
	is_u64(word(TABLE_AT + 12), 1, "and masked");
	d = with_msix(&n, 0x3ff8);
	is_u64((uint64_t)-pci_msi_set(d, 0xfee00000, 1), (uint64_t)-ERR_MALFORMED, "a table that leaves its BAR");
	d = with_msix(&n, TABLE_AT + 3);
	is_u64((uint64_t)-pci_msi_set(d, 0xfee00000, 1), (uint64_t)-ERR_NOT_FOUND, "a table in an absent BAR");
}

static void neither(void)
{
	int n;

	pci_fake_init(&f);
	n = pci_fake_add(&f, -1, 0, 0, 0, 0x010802);
	(void)!pci_fake_enumerate(&f);
	is_u64((uint64_t)-pci_msi_set(pci_fake_found(&f, n), 0xfee00000, 1), (uint64_t)-ERR_UNSUPPORTED,
	       "neither is there");
	pci_msi_off(pci_fake_found(&f, n));
}

int main(void)
{
	hosted_init(0x100000, 0x100000);
	msi();
	msix();
	neither();
	return done();
}
