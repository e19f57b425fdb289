/* The fake machine of tests/host/pci. */
#include "tests/host/pci/fake.h"
#include <string.h>
#include "drivers-pci/regs.h"

/* The function that an address reaches: down through bridges whose range holds the bus. */
static struct pci_fake_fn *route(struct pci_fake *f, struct pci_addr a)
{
	unsigned bus = (unsigned)fld_get(SID_BUS, a.sid);
	int at = -1; /* on the bus below this bridge */
	unsigned here = bus;
	bool root = false;

	for (unsigned i = 0; i < f->fns_n; i++)
		root |= f->fns[i].parent < 0 && f->fns[i].root_bus == bus;
	for (unsigned depth = 0; !root && depth <= f->fns_n; depth++) {
		int next = -1;

		for (unsigned i = 0; i < f->fns_n && next < 0; i++) {
			const struct pci_fake_fn *n = &f->fns[i];

			if (n->parent == at && n->cfg[PCI_HEADER] == 1 && n->cfg[PCI_BUS_SECONDARY] &&
			    n->cfg[PCI_BUS_SECONDARY] <= bus && bus <= n->cfg[PCI_BUS_SUBORD])
				next = (int)i;
		}
		if (next < 0)
			return NULL;
		at = next;
		here = f->fns[next].cfg[PCI_BUS_SECONDARY];
		if (here == bus)
			break;
	}
	for (unsigned i = 0; i < f->fns_n; i++)
		if (f->fns[i].parent == at && f->fns[i].devfn == fld_get(SID_DEVFN, a.sid) &&
		    (at >= 0 || f->fns[i].root_bus == bus))
			return &f->fns[i];
	return NULL;
}

static uint32_t cfg_rd(struct machine *m, struct pci_addr a, uint32_t off, unsigned bytes)
{
	struct pci_fake *f = m->ctx;
	const struct pci_fake_fn *n = a.segment == 0 ? route(f, a) : NULL;
	uint32_t v = 0;

	f->accesses++;
	if (!n || (f->no_extended && off >= PCI_CFG_BYTES))
		return (uint32_t)fld_get(BITS(31, 0), pow2(8 * bytes) - 1);
	for (unsigned i = bytes; i; i--)
		v = v * 256 + n->cfg[off + i - 1];
	return v;
}

static void cfg_wr(struct machine *m, struct pci_addr a, uint32_t off, uint32_t v, unsigned bytes)
{
	struct pci_fake *f = m->ctx;
	struct pci_fake_fn *n = route(f, a);

	f->accesses++;
	if (!n)
		return;
	if (off >= PCI_BAR0 && off < PCI_BAR0 + 24 && v == UINT32_MAX && (n->cfg[PCI_COMMAND] & COMMAND_MEMORY))
		n->sized_while_decoding = true;
	for (unsigned i = 0; i < bytes; i++, v /= 256) {
		n->written[off + i] |= (uint8_t)v; /* the low byte */
		n->cfg[off + i] = (uint8_t)((n->cfg[off + i] & ~n->writable[off + i]) | (v & n->writable[off + i]));
	}
}

static uint64_t mem_rd(void *ctx, uint32_t off, unsigned bytes)
{
	uint64_t v = 0;

	memcpy(&v, (uint8_t *)ctx + off, bytes);
	return v;
}

static void mem_wr(void *ctx, uint32_t off, uint64_t value, unsigned bytes)
{
	memcpy((uint8_t *)ctx + off, &value, bytes);
}

static const struct mmio_ops mem_ops = { mem_rd, mem_wr };

static enum status mmio_map(struct machine *m, pa_t pa, uint64_t bytes, mmio_t *out)
{
	struct pci_fake *f = m->ctx;

	if (bytes > FAKE_MEM_BYTES)
		return ERR_NO_MEMORY;
	f->mem_base = pa.v;
	*out = (mmio_t){ &mem_ops, f->mem, (uint32_t)bytes };
	return OK;
}

static const struct machine_ops ops = { .cfg_rd = cfg_rd, .cfg_wr = cfg_wr, .mmio_map = mmio_map };

void pci_fake_init(struct pci_fake *f)
{
	memset(f, 0, sizeof(*f));
	f->machine = (struct machine){ .name = "fake", .ops = &ops, .ctx = f, .segments_n = 1 };
	f->machine.segments[0] = (struct pci_segment){ .bus_last = 255 };
	f->bus = (struct pci_bus){ .devs = f->devs, .devs_max = FAKE_FNS_MAX };
	f->bus.hole_base = 0xc0000000;
	f->bus.hole_last = 0xc0ffffff;
}

void pci_fake_put(struct pci_fake *f, int fn, uint32_t off, uint32_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++, v /= 256)
		f->fns[fn].cfg[off + i] = (uint8_t)v;
}

uint32_t pci_fake_get(const struct pci_fake *f, int fn, uint32_t off, unsigned bytes)
{
	uint32_t v = 0;

	for (unsigned i = bytes; i; i--)
		v = v * 256 + f->fns[fn].cfg[off + i - 1];
	return v;
}

int pci_fake_add(struct pci_fake *f, int parent, uint8_t root_bus, unsigned dev, unsigned fn, uint32_t class_code)
{
	int n = (int)f->fns_n++;

	f->fns[n].parent = parent;
	f->fns[n].root_bus = root_bus;
	f->fns[n].devfn = (uint8_t)(dev * 8 + fn);
	pci_fake_put(f, n, PCI_VENDOR, 0x1af4, 2);
	pci_fake_put(f, n, PCI_DEVICE, 0x5000u + (uint32_t)n, 2);
	pci_fake_put(f, n, PCI_CLASS_REV, class_code * 256, 4);
	f->fns[n].writable[PCI_COMMAND] = 0x07;
	f->fns[n].writable[PCI_COMMAND + 1] = 0x04;
	return n;
}

int pci_fake_bridge(struct pci_fake *f, int parent, unsigned dev, uint8_t secondary, uint8_t subordinate)
{
	int n = pci_fake_add(f, parent, 0, dev, 0, 0x060400);

	pci_fake_put(f, n, PCI_HEADER, 1, 1);
	pci_fake_put(f, n, PCI_BUS_SECONDARY, secondary, 1);
	pci_fake_put(f, n, PCI_BUS_SUBORD, subordinate, 1);
	memset(&f->fns[n].writable[PCI_BUS_PRIMARY], 0xff, 3);
	/* The 12 upper bits of the window's base and limit. */
	f->fns[n].writable[PCI_MEM_BASE] = f->fns[n].writable[PCI_MEM_LIMIT] = 0xf0;
	f->fns[n].writable[PCI_MEM_BASE + 1] = f->fns[n].writable[PCI_MEM_LIMIT + 1] = 0xff;
	return n;
}

void pci_fake_bar(struct pci_fake *f, int fn, unsigned bar, uint32_t type_bits, uint64_t bytes, uint64_t base)
{
	uint32_t off = PCI_BAR0 + 4 * bar;
	uint64_t mask = ~(bytes - 1);
	bool wide = !(type_bits & BAR_IO) && fld_get(BAR_TYPE, type_bits) == BAR_TYPE_64;

	pci_fake_put(f, fn, off, (uint32_t)fld_get(BITS(31, 0), base) | type_bits, 4);
	for (unsigned i = 0; i < (wide ? 8u : 4u); i++, mask /= 256)
		f->fns[fn].writable[off + i] = (uint8_t)mask;
	if (wide)
		pci_fake_put(f, fn, off + 4, (uint32_t)fld_get(BITS(63, 32), base), 4);
}

void pci_fake_cap(struct pci_fake *f, int fn, uint32_t link, uint32_t off, uint8_t id)
{
	pci_fake_put(f, fn, PCI_STATUS, STATUS_CAPS, 2);
	pci_fake_put(f, fn, link, off, 1);
	pci_fake_put(f, fn, off, id, 1);
}

struct pci_dev *pci_fake_found(struct pci_fake *f, int fn)
{
	for (unsigned i = 0; i < f->bus.devs_n; i++)
		if (f->devs[i].device == 0x5000 + fn)
			return &f->devs[i];
	return NULL;
}

enum status pci_fake_enumerate(struct pci_fake *f)
{
	return pci_enumerate(&f->machine, &f->bus);
}
