/*
 * Devices that firmware left running: their DMA goes on whatever a system does with its IOMMU.
 */
#include "drivers-pci/regs.h"
#include "tests/survey/survey.h"

#define CLASS_DISPLAY 0x03u
#define CLASS_USB     0x0c03u

static bool is_engine(const struct bench *b, const struct pci_dev *d)
{
	for (unsigned i = 0; i < b->engines_n; i++)
		if (b->engines[i].dev == d)
			return true;
	return false;
}

static void left_running(struct test *t)
{
	struct bench *b = t->bench;
	unsigned usb = 0, displays = 0, others = 0;

	for (unsigned i = 0; i < b->bus.devs_n; i++) {
		const struct pci_dev *d = &b->bus.devs[i];

		if (d->header_type != 0 || is_engine(b, d) || !(pci_rd(d, PCI_COMMAND, 2) & COMMAND_MASTER))
			continue;
		note(t, PCI_FMT " (class %06x) may do DMA", PCI_ARGS(d->addr), d->class_code);
		if (fld_get(BITS(23, 8), d->class_code) == CLASS_USB)
			usb++;
		else if (fld_get(BITS(23, 16), d->class_code) == CLASS_DISPLAY)
			displays++;
		else
			others++;
	}
	survey_tell(t, "left with bus mastering on: %u USB controllers, %u displays, %u other functions", usb, displays,
		 others);
	if (usb || displays)
		observe(t, "USB controllers or displays may still do DMA");
}

TEST_TABLE(survey_devices,
	{ .id = "survey.devices.left_running", .body = left_running, .given = "every function that is no engine",
	  .expects = "USB controllers and displays that may do DMA are told" });
