/*
 * Enumeration: a depth-first walk that trusts no bridge.
 *
 * Every bus number of a segment has an owner: the bridge whose range it lies in, or the root. A bridge may be entered
 * only where all of its range still belongs to the bridge that it sits below; so overlapping, looping and outlying
 * ranges are told and not followed, and no bus is walked twice. Buses that stay with the root and answer are further
 * root buses. The walk keeps no stack: the way back up is in the devices found.
 *
 * Functions above 7 (ARI) and virtual functions are left out.
 */
#include "drivers-pci/internal.h"

#define BUSES 256
#define OWNER_NONE (-2) /* outside the segment */
#define OWNER_ROOT (-1)

struct walk {
	struct machine *machine;
	struct pci_bus *bus;
	const struct pci_segment *seg;
	int owner[BUSES];
	bool walked[BUSES];
	bool full;
	bool number; /* bridges without bus numbers get some; else they wait for the second round */
};

static uint32_t cfg_rd(const struct walk *w, uint16_t sid, uint32_t off, unsigned bytes)
{
	struct pci_addr a = { w->seg->segment, sid };

	return w->machine->ops->cfg_rd(w->machine, a, off, bytes);
}

/* Adds the function at sid to the bus, if there is one. */
static struct pci_dev *add(struct walk *w, uint16_t sid, int parent)
{
	uint32_t id = cfg_rd(w, sid, PCI_VENDOR, 4);
	uint32_t pcie;
	struct pci_dev *d;

	if (fld_get(BITS(15, 0), id) == 0xffff || id == 0)
		return NULL;
	if (w->bus->devs_n == w->bus->devs_max) {
		w->full = true;
		return NULL;
	}
	d = &w->bus->devs[w->bus->devs_n++];
	*d = (struct pci_dev){ .machine = w->machine, .bus = w->bus, .parent = parent };
	d->addr = (struct pci_addr){ w->seg->segment, sid };
	d->vendor = (uint16_t)fld_get(BITS(15, 0), id);
	d->device = (uint16_t)fld_get(BITS(31, 16), id);
	d->class_code = (uint32_t)fld_get(CLASS_REV_CLASS, pci_rd(d, PCI_CLASS_REV, 4));
	d->header_type = (uint8_t)fld_get(HEADER_LAYOUT, pci_rd(d, PCI_HEADER, 1));
	pcie = pci_cap(d, CAP_ID_PCIE);
	d->is_pcie = pcie != 0;
	if (pcie)
		d->pcie_type = (uint8_t)fld_get(PCIE_FLAGS_TYPE, pci_rd(d, pcie + PCIE_FLAGS, 2));
	if (d->header_type == 1) {
		d->bus_secondary = (uint8_t)pci_rd(d, PCI_BUS_SECONDARY, 1);
		d->bus_subordinate = (uint8_t)pci_rd(d, PCI_BUS_SUBORD, 1);
	}
	if (!w->bus->look_only)
		pci_bars_size(d);
	return d;
}

/* The index of d in the bus, as bus numbers know their owner. */
static int index_of(const struct pci_dev *d)
{
	return (int)(d - d->bus->devs);
}

/* True where a bridge's range may be entered: all of it belongs to the bridge above and none of it was walked. */
static bool range_ok(const struct walk *w, const struct pci_dev *d)
{
	unsigned own = (unsigned)fld_get(SID_BUS, d->addr.sid);
	const char *why = NULL;

	if (d->bus_secondary <= own || d->bus_subordinate < d->bus_secondary)
		why = "are not above its own bus";
	for (unsigned b = d->bus_secondary; b <= d->bus_subordinate && !why; b++)
		if (w->owner[b] != d->parent || w->walked[b])
			why = "overlap others or leave the range of the bridge above";
	if (why)
		log_line("pci: bridge " PCI_FMT ": bus numbers %02x to %02x %s: not entered", PCI_ARGS(d->addr),
			 (unsigned)d->bus_secondary, (unsigned)d->bus_subordinate, why);
	return !why;
}

/* How many bus numbers from b on are the parent's to give. */
static unsigned free_run(const struct walk *w, int parent, unsigned b)
{
	unsigned n = 0;

	while (b + n < BUSES && w->owner[b + n] == parent && !w->walked[b + n])
		n++;
	return n;
}

/* Gives an unnumbered bridge the longest free run of its parent's bus numbers; close_range() gives back the rest. */
static bool give_range(struct walk *w, struct pci_dev *d)
{
	unsigned b = 0, n = 0, last;

	for (unsigned at = (unsigned)fld_get(SID_BUS, d->addr.sid) + 1; at < BUSES; at++) {
		unsigned run = free_run(w, d->parent, at);

		if (run > n) {
			b = at;
			n = run;
		}
	}
	if (n == 0) {
		log_line("pci: bridge " PCI_FMT ": no bus number is left for it: not entered", PCI_ARGS(d->addr));
		return false;
	}
	last = b + n - 1;
	d->bus_secondary = (uint8_t)b;
	d->bus_subordinate = (uint8_t)last;
	pci_wr(d, PCI_BUS_PRIMARY, (uint32_t)fld_get(SID_BUS, d->addr.sid), 1);
	pci_wr(d, PCI_BUS_SECONDARY, b, 1);
	pci_wr(d, PCI_BUS_SUBORD, last, 1);
	return true;
}

/* A numbered bridge has been walked: bus numbers above the last one used go back to its parent. */
static void close_range(struct walk *w, struct pci_dev *d)
{
	unsigned last = d->bus_subordinate;

	for (; last > d->bus_secondary && !w->walked[last]; last--)
		w->owner[last] = d->parent;
	d->bus_subordinate = (uint8_t)last;
	pci_wr(d, PCI_BUS_SUBORD, last, 1);
}

/* Whether to walk below d, with its range claimed. */
static bool enter(struct walk *w, struct pci_dev *d)
{
	if (d->header_type != 1)
		return false;
	if (d->bus_secondary == 0) {
		if (!w->number || !give_range(w, d))
			return false;
	} else if (!range_ok(w, d)) {
		return false;
	}
	for (unsigned b = d->bus_secondary; b <= d->bus_subordinate; b++)
		w->owner[b] = index_of(d);
	return true;
}

/* Below a root or downstream port there is only device 0: its other addresses may show it again (PCIe 7.3.1). */
static unsigned devices_on(const struct pci_bus *bus, int parent)
{
	const struct pci_dev *p = parent < 0 ? NULL : &bus->devs[parent];

	if (!p || !p->is_pcie)
		return 32;
	return p->pcie_type == PCIE_TYPE_ROOT_PORT || p->pcie_type == PCIE_TYPE_DOWNSTREAM ? 1 : 32;
}

/* The next function to ask on a bus after devfn: function 0 of the next device, unless this one has several. */
static unsigned next_devfn(const struct walk *w, unsigned bus, unsigned devfn)
{
	uint16_t first = SID(bus, devfn / 8, 0);
	bool several = fld_get(BITS(15, 0), cfg_rd(w, first, PCI_VENDOR, 4)) != 0xffff &&
		       (cfg_rd(w, first, PCI_HEADER, 1) & HEADER_MULTI);

	return several ? devfn + 1 : (devfn / 8 + 1) * 8;
}

/* Walks bus and everything below it. parent: the bridge that leads to it, or OWNER_ROOT. */
static void walk_tree(struct walk *w, unsigned bus, int parent)
{
	const int top = parent;
	unsigned devfn = 0;

	w->walked[bus] = true;
	/* Ends: each turn moves on in a bus, enters a bus not walked before, or leaves one for good. */
	while (!w->full) {
		struct pci_dev *d;

		if (devfn >= devices_on(w->bus, parent) * 8) {
			if (parent == top)
				return;
			d = &w->bus->devs[parent];
			if (w->number)
				close_range(w, d);
			bus = (unsigned)fld_get(SID_BUS, d->addr.sid);
			devfn = next_devfn(w, bus, (unsigned)fld_get(SID_DEVFN, d->addr.sid));
			parent = d->parent;
			continue;
		}
		d = add(w, SID(bus, devfn / 8, devfn % 8), parent);
		if (d && enter(w, d)) {
			parent = index_of(d);
			bus = d->bus_secondary;
			devfn = 0;
			w->walked[bus] = true;
			continue;
		}
		devfn = next_devfn(w, bus, devfn);
	}
}

/*
 * Whether a bus that no bridge leads to is to be asked device by device. That is 8000 accesses for the usual range,
 * which take a third of the boot time of an emulated machine. Its further root buses come with a host bridge of
 * their own on the first one; without such a sign only device 0 of each bus is asked.
 */
static bool ask_all_devices(const struct walk *w)
{
	unsigned host_bridges = 0;

	for (unsigned i = 0; i < w->bus->devs_n; i++)
		host_bridges += fld_get(BITS(23, 8), w->bus->devs[i].class_code) == CLASS_HOST_BRIDGE;
	return !w->machine->emulated || w->bus->devs_n == 0 || host_bridges > 1;
}

static bool bus_answers(const struct walk *w, unsigned bus, unsigned devices)
{
	for (unsigned dev = 0; dev < devices; dev++)
		if (fld_get(BITS(15, 0), cfg_rd(w, SID(bus, dev, 0), PCI_VENDOR, 4)) != 0xffff)
			return true;
	return false;
}

/* Second round: bridges below which nobody could look so far. Those found meanwhile are entered on the way. */
static void number_bridges(struct walk *w, unsigned from)
{
	unsigned known = w->bus->devs_n;

	w->number = true;
	for (unsigned i = from; i < known && !w->full; i++) {
		struct pci_dev *d = &w->bus->devs[i];

		if (d->header_type != 1 || d->bus_secondary != 0 || !enter(w, d))
			continue;
		walk_tree(w, d->bus_secondary, (int)i);
		close_range(w, d);
	}
}

static void walk_segment(struct walk *w)
{
	unsigned from = w->bus->devs_n;

	for (unsigned b = 0; b < BUSES; b++) {
		w->owner[b] = b >= w->seg->bus_first && b <= w->seg->bus_last ? OWNER_ROOT : OWNER_NONE;
		w->walked[b] = false;
	}
	w->number = false;
	for (unsigned b = w->seg->bus_first; b <= w->seg->bus_last && !w->full; b++)
		if (w->owner[b] == OWNER_ROOT && !w->walked[b] && bus_answers(w, b, ask_all_devices(w) ? 32 : 1))
			walk_tree(w, b, OWNER_ROOT);
	if (!w->bus->look_only)
		number_bridges(w, from);
}

enum status pci_enumerate(struct machine *m, struct pci_bus *bus)
{
	struct walk w = { .machine = m, .bus = bus };

	bus->machine = m;
	bus->devs_n = 0;
	for (unsigned i = 0; i < m->segments_n && !w.full; i++) {
		w.seg = &m->segments[i];
		walk_segment(&w);
	}
	if (w.full) {
		log_line("pci: more than %u functions: the rest is left out", bus->devs_max);
		return ERR_FULL;
	}
	return OK;
}
