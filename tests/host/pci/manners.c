/*
 * Who is left alone, by class, vendor and place; and what the table of error sources says.
 */
#include "drivers-pci/hest.h"
#include "drivers-pci/pci.h"
#include "drivers-pci/regs.h"
#include "tests/host/hal_hosted.h"
#include "tests/host/pci/fake.h"
#include "tests/host/tap.h"

static struct pci_fake f;

static void is_denied(int n, bool denied, const char *what)
{
	is_u64(pci_fake_found(&f, n)->denied != NULL, denied, "%s", what);
}

static void classes(void)
{
	int display, sound, nvme, keyboard, bridge, behind, ipmi, sibling;

	pci_fake_init(&f);
	display = pci_fake_add(&f, -1, 0, 1, 0, 0x030000);
	sound = pci_fake_add(&f, -1, 0, 1, 1, 0x040300);
	pci_fake_put(&f, display, PCI_HEADER, (uint32_t)HEADER_MULTI, 1);
	nvme = pci_fake_add(&f, -1, 0, 2, 0, 0x010802);
	keyboard = pci_fake_add(&f, -1, 0, 3, 0, 0x090000);
	ipmi = pci_fake_add(&f, -1, 0, 4, 0, 0x0c0701);
	sibling = pci_fake_add(&f, -1, 0, 4, 1, 0x0c0330);
	pci_fake_put(&f, ipmi, PCI_HEADER, (uint32_t)HEADER_MULTI, 1);
	bridge = pci_fake_bridge(&f, -1, 5, 1, 1);
	pci_fake_put(&f, bridge, PCI_VENDOR, 0x1a03, 2);
	behind = pci_fake_add(&f, bridge, 0, 0, 0, 0x0c0330);
	(void)!pci_fake_enumerate(&f);
	pci_deny_usual(&f.bus);
	is_denied(display, true, "a display");
	is_denied(sound, true, "its sound");
	is_denied(nvme, false, "a disk may be used");
	is_denied(keyboard, true, "a keyboard");
	is_denied(ipmi, true, "a management controller");
	is_denied(sibling, true, "and its other functions");
	is_denied(behind, true, "what lies behind a management controller's bridge");
}

static void put(uint8_t *table, unsigned at, unsigned type, unsigned flags)
{
	table[at] = (uint8_t)type;
	table[at + 6] = (uint8_t)flags;
}

static void error_sources(void)
{
	static uint8_t t[400];

	is_u64(hest_firmware_first(t, 40), false, "no source");
	put(t, 40, 6, 0);
	is_u64(hest_firmware_first(t, 88), false, "a root port whose errors the system handles");
	put(t, 40, 6, 1);
	is_u64(hest_firmware_first(t, 88), true, "a root port whose errors firmware handles first");
	is_u64(hest_firmware_first(t, 87), false, "a source that is cut off");
	put(t, 40, 9, 1);
	is_u64(hest_firmware_first(t, 104), false, "a generic source is none of PCI Express");
	put(t, 104, 8, 1);
	is_u64(hest_firmware_first(t, 160), true, "a bridge behind it");
	put(t, 40, 0, 1);
	t[40 + 32] = 2;
	put(t, 40 + 40 + 2 * 28, 7, 1);
	is_u64(hest_firmware_first(t, 400), true, "a device behind a machine check source with two banks");
	put(t, 40, 5, 1);
	is_u64(hest_firmware_first(t, 400), false, "a source that nobody knows ends the table");
}

int main(void)
{
	hosted_init(0x100000, 0x100000);
	classes();
	error_sources();
	return done();
}
