/*
 * Addresses for memory BARs and bridge windows that firmware left unassigned.
 *
 * Firmware usually has assigned everything, and what it did stays. What is missing is laid out tightly in device
 * order and put at the first free place of the range that the bridge above forwards (on a root bus: the hole that the
 * machine has to give). Everything goes below 4 GiB and, below bridges, into the non-prefetchable window.
 */
#include "drivers-pci/internal.h"

/* A larger BAR is left alone: it would not fit below 4 GiB beside the others. */
#define BAR_BYTES_MAX UINT64_C(0x20000000)

static bool is_memory(const struct pci_bar *b)
{
	return b->kind == PCI_BAR_MEM32 || b->kind == PCI_BAR_MEM64;
}

bool pci_bridge_window(const struct pci_dev *d, uint64_t *base, uint64_t *last)
{
	uint64_t lo = pci_rd(d, PCI_MEM_BASE, 2), hi = pci_rd(d, PCI_MEM_LIMIT, 2);

	*base = fld_get(MEM_WINDOW, lo) * BRIDGE_WINDOW_BYTES;
	*last = fld_get(MEM_WINDOW, hi) * BRIDGE_WINDOW_BYTES + BRIDGE_WINDOW_BYTES - 1;
	/* Base and limit 0 are the state after reset, not a window. */
	return *base != 0 && *base <= *last;
}

static bool pref_window(const struct pci_dev *d, uint64_t *base, uint64_t *last)
{
	uint64_t lo = pci_rd(d, PCI_PREF_BASE, 2), hi = pci_rd(d, PCI_PREF_LIMIT, 2);

	*base = fld_get(MEM_WINDOW, lo) * BRIDGE_WINDOW_BYTES;
	*last = fld_get(MEM_WINDOW, hi) * BRIDGE_WINDOW_BYTES + BRIDGE_WINDOW_BYTES - 1;
	if (lo & PREF_IS_64) {
		*base |= FLD(BITS(63, 32), pci_rd(d, PCI_PREF_BASE_HI, 4));
		*last |= FLD(BITS(63, 32), pci_rd(d, PCI_PREF_LIMIT_HI, 4));
	}
	return *base != 0 && *base <= *last;
}

struct span {
	uint64_t base, last;
};

/* Where [at, at + bytes) meets s, moves at behind it. True where it did. */
static bool dodge(struct span s, uint64_t bytes, uint64_t align, uint64_t *at)
{
	if (*at > s.last || s.base > *at + bytes - 1)
		return false;
	*at = align_up(s.last + 1, align);
	return true;
}

/* Moves at behind whatever of d it meets. */
static bool dodge_dev(const struct pci_dev *d, uint64_t bytes, uint64_t align, uint64_t *at)
{
	struct span s;
	bool moved = false;

	for (unsigned i = 0; i < PCI_BARS; i++) {
		const struct pci_bar *b = &d->bars[i];

		s = (struct span){ b->base, b->base + b->len_bytes - 1 };
		if (is_memory(b) && b->base)
			moved |= dodge(s, bytes, align, at);
	}
	if (d->header_type == 1 && pci_bridge_window(d, &s.base, &s.last))
		moved |= dodge(s, bytes, align, at);
	if (d->header_type == 1 && pref_window(d, &s.base, &s.last))
		moved |= dodge(s, bytes, align, at);
	return moved;
}

/* First free place for bytes directly below the given bridge (NULL: on root buses, which share one hole). */
static enum status find_free(const struct pci_bus *bus, const struct pci_dev *above, uint64_t bytes, uint64_t align,
			     uint64_t *out)
{
	struct span room = { bus->hole_base, bus->hole_last };
	int parent = above ? (int)(above - bus->devs) : -1;
	bool moved = true;
	uint64_t at;

	if (above && !pci_bridge_window(above, &room.base, &room.last))
		return ERR_NO_MEMORY;
	if (room.base == 0)
		return ERR_NO_MEMORY;
	at = align_up(room.base, align);
	/* Each pass but the last puts at least one device behind us for good. */
	for (unsigned passes = bus->devs_n + 1; passes && moved; passes--) {
		moved = false;
		for (unsigned i = 0; i < bus->devs_n; i++)
			if (bus->devs[i].parent == parent)
				moved |= dodge_dev(&bus->devs[i], bytes, align, &at);
	}
	if (moved || at < room.base || at + bytes - 1 < at || at + bytes - 1 > room.last)
		return ERR_NO_MEMORY;
	*out = at;
	return OK;
}

/* A bridge that needs a window for what is below it. */
static bool is_open_bridge(const struct pci_dev *d)
{
	uint64_t base, last;

	return d->header_type == 1 && !pci_bridge_window(d, &base, &last);
}

/* First function of index from or above whose parent is the given one, NULL if none. */
static struct pci_dev *child(const struct pci_bus *bus, int parent, unsigned from)
{
	for (unsigned i = from; i < bus->devs_n; i++)
		if (bus->devs[i].parent == parent)
			return &bus->devs[i];
	return NULL;
}

/* One run of the layout: where the next byte goes, the largest alignment met, and whether registers are written. */
struct layout {
	uint64_t at, align;
	bool write;
};

static uint64_t lay(struct layout *l, uint64_t bytes, uint64_t align)
{
	uint64_t at = align_up(l->at, align);

	l->at = at + bytes;
	l->align = max_u64(l->align, align);
	return at;
}

static void lay_bars(struct layout *l, struct pci_dev *d)
{
	for (unsigned i = 0; i < PCI_BARS; i++) {
		struct pci_bar *b = &d->bars[i];
		uint64_t at;

		if (!is_memory(b) || b->base || b->len_bytes > BAR_BYTES_MAX)
			continue;
		at = lay(l, b->len_bytes, max_u64(b->len_bytes, PAGE_BYTES));
		if (!l->write)
			continue;
		b->base = at;
		pci_wr(d, PCI_BAR0 + 4 * i, (uint32_t)at, 4);
		if (b->kind == PCI_BAR_MEM64)
			pci_wr(d, PCI_BAR0 + 4 * i + 4, 0, 4);
	}
}

/* The window's first address goes to the bridge at once; its last when all below is laid out. */
static void window_open(struct layout *l, const struct pci_dev *d)
{
	uint64_t at = lay(l, 0, BRIDGE_WINDOW_BYTES);

	if (l->write)
		pci_wr(d, PCI_MEM_BASE, (uint32_t)FLD(MEM_WINDOW, at / BRIDGE_WINDOW_BYTES), 2);
}

static void window_close(struct layout *l, const struct pci_dev *d)
{
	uint64_t end = lay(l, 0, BRIDGE_WINDOW_BYTES);

	/* Nothing below: the limit comes to lie under the base, which closes the window. */
	if (l->write)
		pci_wr(d, PCI_MEM_LIMIT, (uint32_t)FLD(MEM_WINDOW, end / BRIDGE_WINDOW_BYTES - 1), 2);
}

/* Lays out top and all that is reached through it by bridges without a window, parents first. */
static void lay_tree(struct layout *l, struct pci_dev *top)
{
	const struct pci_bus *bus = top->bus;
	struct pci_dev *d = top;
	bool down = true;

	/* Each function is come to from above once and left once. */
	for (unsigned steps = 2 * bus->devs_n; steps; steps--) {
		struct pci_dev *next = NULL;

		if (down) {
			bool open = is_open_bridge(d);

			lay_bars(l, d);
			if (open) {
				next = child(bus, (int)(d - bus->devs), 0);
				window_open(l, d);
				if (!next)
					window_close(l, d);
			}
		}
		if (!next && d == top)
			return;
		if (!next)
			next = child(bus, d->parent, (unsigned)(d - bus->devs) + 1);
		down = next != NULL;
		if (!down) {
			next = pci_parent(d);
			window_close(l, next);
		}
		d = next;
	}
}

enum status pci_assign(struct pci_dev *d)
{
	struct layout dry = { .align = PAGE_BYTES };
	struct layout real = { .write = true };
	struct pci_dev *top = d;
	enum status s;

	/* A parent's index is smaller than its child's, so this ends. */
	while (pci_parent(top) && is_open_bridge(pci_parent(top)))
		top = pci_parent(top);
	lay_tree(&dry, top);
	if (dry.at == 0)
		return d->header_type == 1 ? OK : ERR_NO_MEMORY;
	s = find_free(top->bus, pci_parent(top), dry.at, dry.align, &real.at);
	if (s) {
		log_line("pci: " PCI_FMT ": no room for %llu KiB of registers that firmware left unassigned",
			 PCI_ARGS(top->addr), (unsigned long long)(dry.at / 1024));
		return s;
	}
	lay_tree(&real, top);
	return OK;
}
