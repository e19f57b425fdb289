/*
 * Model machines: memory callbacks over mem_ptr(), messages to irq_deliver(), configuration space and windows of the
 * fabric.
 */
#include "kernel/glob.h"
#include "model/fabric.h"
#include "tests/model_machine.h"
#include <string.h>

#define UNITS         2
#define CACHE_ENTRIES 1024u
#define NAME_MAX_     48
#define BUS_LAST      7

/* Where devices are: port 0 is 00:02.0 (bus 1), port 1 is 00:03.0 (bus 2, behind the first unit), -1 the root bus. */
struct place {
	int port;
	uint8_t devfn;
};

static const struct place places[] = {
	{ -1, 0x08 }, { -1, 0x09 }, { -1, 0x0a }, { -1, 0x0c }, { -1, 0x88 }, { 0, 0x00 }, { 0, 0x03 }, { 1, 0x00 },
};

struct model_machine {
	struct machine machine;
	struct mdl_fabric fabric;
	struct mdl_vtd_config config;
	struct mdl_vtd units[UNITS];
	struct mdl_device devices[ARRAY_LEN(places)];
	char name[NAME_MAX_];
	pa_t memory, cache[UNITS];
	size_t cache_bytes;
};

static struct model_machine *of(struct machine *m)
{
	return m->ctx;
}

/* ---- physical memory ---- */

static bool rd(void *ctx, uint64_t pa, void *buf, uint32_t bytes)
{
	const void *p = mem_ptr(PA(pa), bytes);

	(void)ctx;
	if (p)
		__builtin_memcpy(buf, p, bytes);
	return p;
}

static bool load(const uint64_t *p, uint64_t *w, unsigned n)
{
	for (unsigned i = 0; p && i < n; i++)
		w[i] = __atomic_load_n(&p[i], __ATOMIC_RELAXED);
	return p;
}

static bool rd64(void *ctx, uint64_t pa, uint64_t *w, unsigned n)
{
	(void)ctx;
	return load(mem_ptr(PA(pa), 8 * (size_t)n), w, n);
}

static bool rd64_unsnooped(void *ctx, uint64_t pa, uint64_t *w, unsigned n)
{
	(void)ctx;
	return load(mem_ptr_unsnooped(PA(pa), 8 * (size_t)n), w, n);
}

/* Units with RWBF=1. */
static bool rd64_buffered(void *ctx, uint64_t pa, uint64_t *w, unsigned n)
{
	(void)ctx;
	return load(mem_ptr_buffered(PA(pa), 8 * (size_t)n), w, n);
}

static void write_buffer_flush(void *ctx)
{
	(void)ctx;
	mem_buffer_drain();
}

/* A piece of memory as all sorts of agents see it. */
struct views {
	uint8_t *p, *past_caches, *past_buffer;
};

static bool views_of(uint64_t pa, uint32_t bytes, struct views *v)
{
	v->p = mem_ptr(PA(pa), bytes);
	v->past_caches = mem_ptr_unsnooped(PA(pa), bytes);
	v->past_buffer = mem_ptr_buffered(PA(pa), bytes);
	return v->p;
}

/* What was written from the bus is coherent: whoever reads finds it. */
static void settle(const struct views *v, uint32_t bytes)
{
	if (v->past_caches != v->p)
		__builtin_memcpy(v->past_caches, v->p, bytes);
	if (v->past_buffer != v->p)
		__builtin_memcpy(v->past_buffer, v->p, bytes);
}

static bool wr(void *ctx, uint64_t pa, const void *buf, uint32_t bytes)
{
	struct views v;

	(void)ctx;
	if (!views_of(pa, bytes, &v))
		return false;
	__builtin_memcpy(v.p, buf, bytes);
	settle(&v, bytes);
	return true;
}

static bool cas64(void *ctx, uint64_t pa, uint64_t expected, uint64_t desired, uint64_t *seen)
{
	uint64_t *p = mem_ptr(PA(pa), 8);
	struct views v;

	(void)ctx;
	if (!p || !views_of(pa, 8, &v))
		return false;
	*seen = expected;
	__atomic_compare_exchange_n(p, seen, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	settle(&v, 8);
	return true;
}

static void message(void *ctx, uint64_t address, uint32_t data)
{
	(void)ctx;
	irq_deliver(address, data);
}

/* ---- the machine ---- */

static uint32_t cfg_rd(struct machine *m, struct pci_addr a, uint32_t off, unsigned bytes)
{
	if (a.segment)
		return (uint32_t)BITS(8 * bytes - 1, 0);
	return mdl_fabric_cfg_rd(&of(m)->fabric, a.sid, off, bytes);
}

static void cfg_wr(struct machine *m, struct pci_addr a, uint32_t off, uint32_t v, unsigned bytes)
{
	if (!a.segment)
		mdl_fabric_cfg_wr(&of(m)->fabric, a.sid, off, v, bytes);
}

static enum status mmio_map(struct machine *m, pa_t pa, uint64_t bytes, mmio_t *out)
{
	return mdl_fabric_window(&of(m)->fabric, pa.v, bytes, out);
}

static const void *acpi_table(struct machine *m, const char sig[4], size_t *bytes)
{
	static const char dmar[4] = { 'D', 'M', 'A', 'R' };

	for (unsigned i = 0; i < 4; i++)
		if (sig[i] != dmar[i])
			return NULL;
	*bytes = of(m)->fabric.dmar_bytes;
	return of(m)->fabric.dmar;
}

static const struct machine_ops ops = { cfg_rd, cfg_wr, mmio_map, acpi_table };

/* The fabric's population. */
static enum status populate(struct model_machine *mm)
{
	struct mdl_fabric *f = &mm->fabric;
	int ports[UNITS];
	enum status s = OK;

	/* The unit with explicit scopes first: the one for all the rest is the last of its segment. */
	for (unsigned i = 0; i < UNITS && s == OK; i++)
		s = mdl_fabric_add_unit(f, &mm->units[i], &mm->config, mem_ptr(mm->cache[i], mm->cache_bytes), i == 1);
	if (s == OK)
		s = mdl_fabric_add_port(f, 0x10, MDL_UNITS_MAX, &ports[0]);
	if (s == OK)
		s = mdl_fabric_add_port(f, 0x18, 0, &ports[1]);
	for (unsigned i = 0; i < ARRAY_LEN(places) && s == OK; i++)
		s = mdl_fabric_add_device(f, &mm->devices[i], places[i].port < 0 ? -1 : ports[places[i].port],
					  places[i].devfn, MDL_UNITS_MAX);
	return s == OK ? mdl_fabric_done(f) : s;
}

static enum status build(struct model_machine *mm, const struct mdl_vtd_config *c)
{
	struct mdl_mem mem = { .rd64 = rd64, .rd64_unsnooped = rd64_unsnooped, .rd = rd, .wr = wr, .cas64 = cas64 };
	enum status s = OK;

	mm->config = *c;
	if (!mm->config.cache_entries)
		mm->config.cache_entries = CACHE_ENTRIES;
	mm->cache_bytes = mdl_vtd_cache_bytes(&mm->config);
	for (unsigned i = 0; i < UNITS && s == OK; i++)
		s = mem_alloc(mm->cache_bytes, PAGE_BYTES, &mm->cache[i]);
	if (s != OK)
		return s;
	if (c->cap & CAP_RWBF)
		mem.rd64_unsnooped = rd64_buffered;
	mdl_fabric_init(&mm->fabric, &mem, message, NULL);
	mm->fabric.write_buffer_flush = write_buffer_flush;
	str_printf(mm->name, sizeof(mm->name), "model.%s", c->name);
	mm->machine = (struct machine){
		.name = mm->name,
		.ops = &ops,
		.ctx = mm,
		.segments = { { .segment = 0, .bus_first = 0, .bus_last = BUS_LAST } },
		.segments_n = 1,
		.hole_base = MDL_BAR_BASE,
		.hole_last = MDL_BAR_LAST,
		.emulated = true,
	};
	return populate(mm);
}

enum status model_machine_create(const struct mdl_vtd_config *c, struct machine **out)
{
	struct model_machine *mm;
	enum status s;
	pa_t pa;

	s = mem_alloc(sizeof(*mm), PAGE_BYTES, &pa);
	if (s != OK)
		return s;
	mm = mem_ptr(pa, sizeof(*mm));
	mm->memory = pa;
	s = build(mm, c);
	if (s == OK) {
		*out = &mm->machine;
		return OK;
	}
	model_machine_destroy(&(struct machine){ .ctx = mm });
	return s;
}

void model_machine_destroy(struct machine *m)
{
	struct model_machine *mm = of(m);

	for (unsigned i = 0; i < UNITS; i++)
		if (mm->cache[i].v)
			mem_free(mm->cache[i], mm->cache_bytes);
	mem_free(mm->memory, sizeof(*mm));
}

struct mdl_vtd *model_machine_unit(struct machine *m)
{
	return &of(m)->units[UNITS - 1];
}

enum status model_machines_create(const char *names, struct machine **out, unsigned max, unsigned *n)
{
	bool all = !strcmp(names, "on");
	unsigned made = 0;

	for (unsigned i = 0; mdl_vtd_configs[i]; i++) {
		enum status s;

		if (!all && !glob_list_match(names, mdl_vtd_configs[i]->name))
			continue;
		if (made == max)
			return ERR_FULL;
		s = model_machine_create(mdl_vtd_configs[i], &out[made]);
		if (s != OK)
			return s;
		made++;
		(*n)++;
	}
	return made ? OK : ERR_NOT_FOUND;
}
