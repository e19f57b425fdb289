/*
 * Engines: finding them.
 */
#include "drivers-pci/engine.h"
#include "drivers-pci/regs.h"

/* Made by the linker; hidden or weak: a program without any engine has no such section. */
extern const struct engine_entry __start_engines[] __attribute__((weak));
extern const struct engine_entry __stop_engines[] __attribute__((weak));

static bool same_name(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return *a == *b;
}

/* The entry that follows the one given in order of priority, equal ones in link order. NULL: the first; none: NULL. */
static const struct engine_entry *next_entry(const struct engine_entry *after)
{
	const struct engine_entry *best = NULL;

	for (const struct engine_entry *e = __start_engines; e < __stop_engines; e++) {
		if (after && (e->priority < after->priority || (e->priority == after->priority && e <= after)))
			continue;
		if (!best || e->priority < best->priority)
			best = e;
	}
	return best;
}

/* Puts direct engines before the others, in the order that they have. */
static void direct_first(struct engine *es, unsigned n)
{
	for (unsigned done = 0, i = 0; i < n; i++) {
		struct engine e = es[i];

		if (!(e.caps.flags & DMA_DIRECT))
			continue;
		for (unsigned k = i; k > done; k--)
			es[k] = es[k - 1];
		es[done++] = e;
	}
}

static bool is_boot_device(const struct pci_dev *d)
{
	const struct machine *m = d->machine;

	return m->has_boot_device && m->boot_device.segment == d->addr.segment && m->boot_device.sid == d->addr.sid;
}

static void reset_function(struct pci_dev *d)
{
	enum status s = d->bus->reset_engines ? pci_flr(d) : OK;

	if (s != OK && s != ERR_UNSUPPORTED)
		log_line("engine: " PCI_FMT " does not come back from its reset: %s", PCI_ARGS(d->addr), status_text(s));
}

static enum status probe_one(const struct engine_ops *ops, struct pci_dev *d, struct engine *e)
{
	enum status s;

	if (d->header_type != 0 || d->denied || (ops->knows && !ops->knows(d)))
		return ERR_NOT_FOUND;
	if (ops->knows) {
		pci_errors_mask(d);
		reset_function(d);
	}
	s = ops->probe(d, e);
	if (s == OK && !ops->knows)
		pci_errors_mask(d);
	return s;
}

void engine_release(struct engine *e)
{
	e->ops->quiesce(e);
	reset_function(e->dev);
}

/* Probes with one engine: the function of the boot medium, or every other one. */
static unsigned probe_each(struct pci_bus *bus, const struct engine_ops *ops, bool boot, struct engine *es, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < bus->devs_n && n < max; i++) {
		struct pci_dev *d = &bus->devs[i];
		enum status s;

		if (is_boot_device(d) != boot)
			continue;
		es[n] = (struct engine){ .ops = ops, .dev = d };
		s = probe_one(ops, d, &es[n]);
		if (s == OK)
			n++;
		else if (s != ERR_NOT_FOUND)
			log_line("engine: " PCI_FMT " looks like %s but cannot be used: %s", PCI_ARGS(d->addr),
				 ops->name, status_text(s));
	}
	direct_first(es, n);
	return n;
}

unsigned engine_probe_all(struct pci_bus *bus, const char *only, struct engine *es, unsigned max)
{
	unsigned n = 0;

	for (const struct engine_entry *e = next_entry(NULL); e && n < max; e = next_entry(e))
		if (!only || same_name(e->ops->name, only))
			n += probe_each(bus, e->ops, false, &es[n], max - n);
	/* The boot medium's own only for who names its kind, where there is no other of it. */
	for (const struct engine_entry *e = next_entry(NULL); e && only && !n && max; e = next_entry(e))
		if (same_name(e->ops->name, only))
			n += probe_each(bus, e->ops, true, es, max);
	return n;
}

enum status engine_check(const struct engine *e, const struct dma_request *rq, uint32_t direction)
{
	if (!(e->caps.flags & direction) || rq->has_pasid || rq->at != DMA_AT_UNTRANSLATED)
		return ERR_UNSUPPORTED;
	if (rq->len_bytes == 0 || rq->len_bytes > e->caps.max_bytes || rq->iova.v + rq->len_bytes < rq->iova.v)
		return ERR_INVALID;
	return rq->len_bytes % e->caps.granule_bytes || rq->iova.v % e->caps.align_bytes ? ERR_INVALID : OK;
}

enum status engine_take_memory(struct engine *e, size_t state_bytes, uint32_t own_bytes)
{
	pa_t state, own;
	enum status s = mem_alloc(state_bytes, PAGE_BYTES, &state);

	if (s)
		return s;
	s = mem_alloc(own_bytes, PAGE_BYTES, &own);
	if (s) {
		mem_free(state, state_bytes);
		return s;
	}
	e->priv = mem_ptr(state, state_bytes);
	e->own[0] = (struct engine_memory){ own, own_bytes };
	e->own_n = 1;
	return OK;
}

void engine_give_memory(struct engine *e, size_t state_bytes)
{
	mem_free(e->own[0].pa, e->own[0].len_bytes);
	mem_free(mem_pa(e->priv), state_bytes);
	e->priv = NULL;
	e->own_n = 0;
}
