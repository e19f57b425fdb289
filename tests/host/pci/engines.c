/*
 * The registry of engines: who is probed, in which order they come, what is told of those that cannot be used.
 */
#include "drivers-pci/engine.h"
#include "tests/host/hal_hosted.h"
#include "tests/host/pci/fake.h"
#include "tests/host/tap.h"

static struct pci_fake f;

/* Engines of this program: they know their devices by class. */
static enum status probe_class(struct pci_dev *dev, struct engine *e, uint32_t class_code, uint32_t flags)
{
	if (dev->class_code != class_code)
		return ERR_NOT_FOUND;
	/* A device number from 20 on: direct. From 30 on: of the kind, but broken. */
	if (fld_get(SID_DEV, dev->addr.sid) >= 30)
		return ERR_IO;
	e->caps.flags = flags | (fld_get(SID_DEV, dev->addr.sid) >= 20 ? (uint32_t)DMA_DIRECT : 0);
	return OK;
}

static enum status late_probe(struct pci_dev *dev, struct engine *e)
{
	return probe_class(dev, e, 0x010000, DMA_CAN_READ);
}

static enum status early_probe(struct pci_dev *dev, struct engine *e)
{
	return probe_class(dev, e, 0x020000, DMA_CAN_WRITE);
}

static const struct engine_ops late_ops = { .name = "late", .probe = late_probe };
static const struct engine_ops early_ops = { .name = "early", .probe = early_probe };

ENGINE(late_ops, 900);
ENGINE(early_ops, 5);

static void is_engine(const struct engine *e, const char *name, unsigned dev, const char *what)
{
	is_str(e->ops->name, name, "%s: its engine", what);
	is_u64(fld_get(SID_DEV, e->dev->addr.sid), dev, "%s: its device", what);
}

static void order(void)
{
	struct engine es[8];
	unsigned n;

	pci_fake_init(&f);
	pci_fake_add(&f, -1, 0, 1, 0, 0x010000);
	pci_fake_add(&f, -1, 0, 2, 0, 0x020000);
	pci_fake_add(&f, -1, 0, 3, 0, 0x030000);
	pci_fake_add(&f, -1, 0, 20, 0, 0x010000);
	pci_fake_add(&f, -1, 0, 21, 0, 0x010000);
	pci_fake_add(&f, -1, 0, 4, 0, 0x010000);
	(void)!pci_fake_enumerate(&f);
	n = engine_probe_all(&f.bus, NULL, es, 8);
	is_u64(n, 5, "all that are engines");
	is_engine(&es[0], "early", 2, "priority first");
	is_engine(&es[1], "late", 20, "then direct ones");
	is_engine(&es[2], "late", 21, "in the order of their addresses");
	is_engine(&es[3], "late", 1, "then the others");
	is_engine(&es[4], "late", 4, "in that order, too");
	is_u64(engine_probe_all(&f.bus, NULL, es, 2), 2, "no more than there is room for");
	is_u64(engine_probe_all(&f.bus, "late", es, 8), 4, "only those that are named");
	is_engine(&es[0], "late", 20, "the named ones");
	is_u64(engine_probe_all(&f.bus, "lat", es, 8), 0, "a part of a name names nobody");
}

static void broken(void)
{
	struct engine es[8];

	pci_fake_init(&f);
	pci_fake_add(&f, -1, 0, 30, 0, 0x010000);
	pci_fake_add(&f, -1, 0, 31, 0, 0x020000);
	pci_fake_add(&f, -1, 0, 1, 0, 0x020000);
	(void)!pci_fake_enumerate(&f);
	hosted_capture(true);
	is_u64(engine_probe_all(&f.bus, NULL, es, 8), 1, "broken ones are left out");
	ok(strstr(hosted_log(), "looks like late") && strstr(hosted_log(), "looks like early"), "and told");
	hosted_capture(false);
}

static void boot_medium(void)
{
	struct engine es[8];
	struct machine *m;

	pci_fake_init(&f);
	pci_fake_add(&f, -1, 0, 1, 0, 0x010000);
	pci_fake_add(&f, -1, 0, 2, 0, 0x010000);
	pci_fake_add(&f, -1, 0, 3, 0, 0x020000);
	(void)!pci_fake_enumerate(&f);
	m = f.bus.machine;
	m->has_boot_device = true;
	m->boot_device = (struct pci_addr){ 0, SID(0, 1, 0) };
	is_u64(engine_probe_all(&f.bus, NULL, es, 8), 2, "the function of the boot medium is left alone");
	is_engine(&es[1], "late", 2, "another of its kind is not");
	is_u64(engine_probe_all(&f.bus, "late", es, 8), 1, "nor when its kind is named and there is another");
	is_engine(&es[0], "late", 2, "the other one");
	m->boot_device = (struct pci_addr){ 0, SID(0, 3, 0) };
	is_u64(engine_probe_all(&f.bus, "early", es, 8), 1, "when its kind is named and there is no other");
	is_engine(&es[0], "early", 3, "it is used");
	m->boot_device = (struct pci_addr){ 1, SID(0, 3, 0) };
	is_u64(engine_probe_all(&f.bus, NULL, es, 8), 3, "another segment's function is another one");
	m->has_boot_device = false;
	m->boot_device = (struct pci_addr){ 0, SID(0, 3, 0) };
	is_u64(engine_probe_all(&f.bus, NULL, es, 8), 3, "where no boot medium is known, all are probed");
}

int main(void)
{
	hosted_init(0x100000, 0x100000);
	boot_medium();
	order();
	broken();
	return done();
}
