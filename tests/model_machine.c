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
	{ -1, 0x08 }, { -1, 0x09 }, { -1, 0x0a }, { -1, 0x0c }, { -1, 0xc8 }, { 0, 0x00 }, { 0, 0x03 }, { 1, 0x00 },
	{ 0, 0x04 }, /* KEPT */
};

/* The device that firmware keeps memory for, and how much: nothing lies there, and nobody goes there. */
#define KEPT       (ARRAY_LEN(places) - 1)
#define KEPT_BYTES (3 * PAGE_BYTES)

struct model_machine {
	struct machine machine;
	struct mdl_fabric fabric;
	struct mdl_vtd_config vtd_config;
	struct mdl_vtd vtd[UNITS];
	struct mdl_amd_config amd_config;
	struct mdl_amd amd[UNITS];
	bool is_amd;
	struct mdl_device devices[ARRAY_LEN(places)];
	char name[NAME_MAX_];
	unsigned revocations;
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
	const struct model_machine *mm = of(m);
	const char *have = mm->is_amd ? "IVRS" : "DMAR";

	for (unsigned i = 0; i < 4; i++)
		if (sig[i] != have[i])
			return NULL;
	*bytes = mm->is_amd ? mm->fabric.ivrs_bytes : mm->fabric.dmar_bytes;
	return mm->is_amd ? mm->fabric.ivrs : mm->fabric.dmar;
}

static const struct machine_ops ops = { cfg_rd, cfg_wr, mmio_map, acpi_table };

static enum status add_unit(struct model_machine *mm, unsigned i, bool all)
{
	void *memory = mem_ptr(mm->cache[i], mm->cache_bytes);

	if (mm->is_amd)
		return mdl_fabric_add_amdvi(&mm->fabric, &mm->amd[i], &mm->amd_config, memory, all);
	return mdl_fabric_add_unit(&mm->fabric, &mm->vtd[i], &mm->vtd_config, memory, all);
}

/* The fabric's population. */
static enum status populate(struct model_machine *mm)
{
	struct mdl_fabric *f = &mm->fabric;
	int ports[UNITS];
	enum status s = OK;

	/* The unit with explicit scopes first: the one for all the rest is the last of its segment. */
	for (unsigned i = 0; i < UNITS && s == OK; i++)
		s = add_unit(mm, i, i == 1);
	if (s == OK)
		s = mdl_fabric_add_port(f, 0x10, MDL_UNITS_MAX, &ports[0]);
	if (s == OK)
		s = mdl_fabric_add_port(f, 0x18, 0, &ports[1]);
	for (unsigned i = 0; i < ARRAY_LEN(places) && s == OK; i++)
		s = mdl_fabric_add_device(f, &mm->devices[i], places[i].port < 0 ? -1 : ports[places[i].port],
					  places[i].devfn, MDL_UNITS_MAX);
	mdl_fabric_keep(f, &mm->devices[KEPT], mem_unbacked(BIT(30)).v + BIT(29), KEPT_BYTES);
	return s == OK ? mdl_fabric_done(f) : s;
}

static enum status build(struct model_machine *mm, const char *name)
{
	struct mdl_mem mem = { .rd64 = rd64, .rd64_unsnooped = rd64_unsnooped, .rd = rd, .wr = wr, .cas64 = cas64 };
	enum status s = OK;

	for (unsigned i = 0; i < UNITS && s == OK; i++)
		s = mem_alloc(mm->cache_bytes, PAGE_BYTES, &mm->cache[i]);
	if (s != OK)
		return s;
	if (mm->vtd_config.cap & CAP_RWBF)
		mem.rd64_unsnooped = rd64_buffered;
	mdl_fabric_init(&mm->fabric, &mem, message, NULL);
	mm->fabric.write_buffer_flush = write_buffer_flush;
	str_printf(mm->name, sizeof(mm->name), "model.%s", name);
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

static struct model_machine *allocate(void)
{
	struct model_machine *mm;
	pa_t pa;

	if (mem_alloc(sizeof(*mm), PAGE_BYTES, &pa) != OK)
		return NULL;
	mm = mem_ptr(pa, sizeof(*mm));
	mm->memory = pa;
	return mm;
}

static enum status finish(struct model_machine *mm, const char *name, struct machine **out)
{
	enum status s = build(mm, name);

	if (s == OK)
		*out = &mm->machine;
	else
		model_machine_destroy(&(struct machine){ .ctx = mm });
	return s;
}

enum status model_machine_create(const struct mdl_vtd_config *c, struct machine **out)
{
	struct model_machine *mm = allocate();

	if (!mm)
		return ERR_NO_MEMORY;
	mm->vtd_config = *c;
	if (!mm->vtd_config.cache_entries)
		mm->vtd_config.cache_entries = CACHE_ENTRIES;
	mm->cache_bytes = mdl_vtd_cache_bytes(&mm->vtd_config);
	return finish(mm, c->name, out);
}

enum status model_machine_create_amdvi(const struct mdl_amd_config *c, struct machine **out)
{
	struct model_machine *mm = allocate();

	if (!mm)
		return ERR_NO_MEMORY;
	mm->is_amd = true;
	mm->amd_config = *c;
	if (!mm->amd_config.cache_entries)
		mm->amd_config.cache_entries = CACHE_ENTRIES;
	mm->cache_bytes = mdl_amd_cache_bytes(&mm->amd_config);
	return finish(mm, c->name, out);
}

void model_machine_destroy(struct machine *m)
{
	struct model_machine *mm = of(m);

	for (unsigned i = 0; i < UNITS; i++)
		if (mm->cache[i].v)
			mem_free(mm->cache[i], mm->cache_bytes);
	mem_free(mm->memory, sizeof(*mm));
}

struct mdl_fabric *model_machine_fabric(struct machine *m)
{
	return &of(m)->fabric;
}

unsigned *model_machine_revocations(struct machine *m)
{
	return &of(m)->revocations;
}

struct mdl_vtd *model_machine_unit(struct machine *m)
{
	return &of(m)->vtd[UNITS - 1];
}

struct mdl_amd *model_machine_unit_amdvi(struct machine *m)
{
	return &of(m)->amd[UNITS - 1];
}

static bool wanted(const char *names, const char *name)
{
	return !strcmp(names, "on") || glob_list_match(names, name);
}

enum status model_machines_create(const char *names, struct machine **out, unsigned max, unsigned *n)
{
	unsigned made = 0;
	enum status s = OK;

	for (unsigned i = 0; s == OK && mdl_vtd_configs[i]; i++) {
		if (!wanted(names, mdl_vtd_configs[i]->name))
			continue;
		s = made == max ? ERR_FULL : model_machine_create(mdl_vtd_configs[i], &out[made]);
		made += s == OK;
	}
	for (unsigned i = 0; s == OK && mdl_amd_configs[i]; i++) {
		/* Without INVALIDATE_IOMMU_ALL each flush is 10^5 commands: such a unit is run by its name alone. */
		if (!(mdl_amd_configs[i]->efr & EFR_IA) ? !glob_list_match(names, mdl_amd_configs[i]->name) :
							  !wanted(names, mdl_amd_configs[i]->name))
			continue;
		s = made == max ? ERR_FULL : model_machine_create_amdvi(mdl_amd_configs[i], &out[made]);
		made += s == OK;
	}
	*n += made;
	if (s != OK)
		return s;
	return made ? OK : ERR_NOT_FOUND;
}
