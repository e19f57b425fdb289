/* A bench: all that was found on a machine, and what a test gets of it. */
#include "drivers-pci/hest.h"
#include "tests/harness/internal.h"
#include <string.h>

#define DEVS_MAX        2048 /* servers with several segments have hundreds */
#define MODEL_DEVS_MAX  512

struct ability {
	uint64_t need;
	uint32_t flag;
	const char *lack;
};

static const struct ability abilities[] = {
	{ NEED_ENGINE_READ, DMA_CAN_READ, "no engine that reads memory" },
	{ NEED_ENGINE_WRITE, DMA_CAN_WRITE, "no engine that writes memory" },
	{ NEED_ENGINE_DIRECT, DMA_DIRECT, "no engine that keeps nothing in memory" },
	{ NEED_ENGINE_MSI, DMA_CAN_MSI, "no engine that sends messages" },
	{ NEED_ENGINE_PASID, DMA_CAN_PASID, "no engine that sends requests with PASID" },
	{ NEED_ENGINE_PRIV, DMA_CAN_PRIV, "no engine that sends supervisor requests" },
	{ NEED_ENGINE_ATS, DMA_CAN_ATS, "no engine that sends translation requests" },
	{ NEED_ENGINE_XLT, DMA_CAN_XLT, "no engine that sends translated requests" },
	{ NEED_ENGINE_PRI, DMA_CAN_PRI, "no engine that sends page requests" },
	{ NEED_ENGINE_ATOMIC, DMA_CAN_ATOMIC, "no engine that sends AtomicOps" },
	{ NEED_ENGINE_ZLR, DMA_CAN_ZLR, "no engine that sends zero-length reads" },
};

static enum status find_devices(struct bench *b, const struct options *o)
{
	struct machine *m = b->machine;
	unsigned most = m->name[0] ? MODEL_DEVS_MAX : DEVS_MAX;
	enum status s;

	b->memory_bytes = most * sizeof(struct pci_dev);
	s = mem_alloc(b->memory_bytes, PAGE_BYTES, &b->memory);
	if (s != OK)
		return s;
	b->bus = (struct pci_bus){
		.machine = m,
		.devs = mem_ptr(b->memory, b->memory_bytes),
		.devs_max = most,
		.scratch_media = o->scratch,
		.look_only = o->check_only,
		.reset_engines = o->flr || !m->emulated,
		.hole_base = m->hole_base,
		.hole_last = m->hole_last,
	};
	s = pci_enumerate(m, &b->bus);
	if (s == ERR_FULL) {
		log_line("pci: more than %u functions; the others are left out", most);
		s = OK;
	}
	return s;
}

static void tell_engine(const struct engine *e)
{
	static const struct { uint32_t flag; const char *name; } names[] = {
		{ DMA_CAN_WRITE, "write" }, { DMA_CAN_READ, "read" }, { DMA_WRITE_ARBITRARY, "write-arbitrary" },
		{ DMA_READ_ALL, "read-all" }, { DMA_DIRECT, "direct" }, { DMA_CAN_PASID, "pasid" },
		{ DMA_CAN_PRIV, "priv" }, { DMA_CAN_ATS, "ats" }, { DMA_CAN_PRI, "pri" }, { DMA_CAN_ATOMIC, "atomic" },
		{ DMA_CAN_ZLR, "zlr" }, { DMA_CAN_MSI, "msi" },
	};
	char list[200];
	size_t n = 0;

	list[0] = 0;
	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (e->caps.flags & names[i].flag)
			n += (size_t)str_printf(list + n, sizeof(list) - n, "%s\"%s\"", n ? ", " : "", names[i].name);
	log_line("@engine {\"name\": \"%s\", \"sid\": \"" PCI_FMT "\", \"caps\": [%s]}", e->ops->name,
		 PCI_ARGS(e->dev->addr), list);
}

/* Marks what nobody may touch, and tells who looks at errors. */
static void leave_alone(struct bench *b)
{
	size_t bytes;
	const void *hest = b->machine->ops->acpi_table(b->machine, "HEST", &bytes);

	pci_deny_usual(&b->bus);
	vtd_bench_deny(b);
	amdvi_bench_deny(b);
	if (hest && hest_firmware_first(hest, bytes))
		log_line("@errors firmware handles PCI Express errors first (HEST)");
}

enum status bench_open(struct bench *b, struct machine *m, const struct options *o, char *why)
{
	enum status s;

	*b = (struct bench){ .machine = m, .scratch_media = o->scratch, .hardware = !m->emulated,
			     .look_only = o->check_only };
	s = find_devices(b, o);
	if (s != OK) {
		str_printf(why, TEXT_MAX, "the devices of the machine cannot be listed: %s", status_text(s));
		return s;
	}
	/* The units first: firmware may have left translation on, and engines do DMA when they are probed. */
	s = vtd_bench_open(b, why);
	if (s == OK)
		s = amdvi_bench_open(b, why);
	if (s != OK)
		return s;
	if (b->look_only)
		return OK;
	leave_alone(b);
	b->engines_n = engine_probe_all(&b->bus, o->engine[0] ? o->engine : NULL, b->engines, BENCH_ENGINES_MAX);
	vtd_bench_choose(b);
	amdvi_bench_choose(b);
	vtd_backends_add(b);
	amdvi_backends_add(b);
	for (unsigned i = 0; i < b->engines_n; i++)
		tell_engine(&b->engines[i]);
	return pviommu_bench_open(b, o, why);
}

void bench_close(struct bench *b)
{
	for (unsigned i = 0; i < b->engines_n; i++)
		engine_release(&b->engines[i]);
	pviommu_bench_close(b);
	vtd_bench_close(b);
	amdvi_bench_close(b);
	pci_errors_restore(&b->bus);
	mem_free(b->memory, b->memory_bytes);
}

/* The engine's flags that needs asks for. */
static uint32_t flags_for(uint64_t needs)
{
	uint32_t flags = 0;

	for (unsigned i = 0; i < ARRAY_LEN(abilities); i++)
		if (needs & abilities[i].need)
			flags |= abilities[i].flag;
	return flags;
}

/* What to say when no engine has all of flags: the first ability that none has, else that they are never together. */
static const char *lack_text(const struct bench *b, uint64_t needs)
{
	for (unsigned i = 0; i < ARRAY_LEN(abilities); i++) {
		bool any = false;

		for (unsigned k = 0; k < b->engines_n; k++)
			any |= (b->engines[k].caps.flags & abilities[i].flag) != 0;
		if ((needs & abilities[i].need) && !any)
			return abilities[i].lack;
	}
	return "no engine that has all the abilities that are needed";
}

static const char *choose_engines(struct bench *b, struct test *t)
{
	uint64_t needs = t->desc->needs;
	uint32_t flags = flags_for(needs);

	for (unsigned i = 0; i < b->engines_n; i++) {
		struct engine *e = &b->engines[i];

		if ((e->caps.flags & flags) != flags)
			continue;
		if (!t->engine)
			t->engine = e;
		else if (!t->engine2 && e->dev->addr.sid != t->engine->dev->addr.sid)
			t->engine2 = e;
	}
	if (flags && !t->engine)
		return lack_text(b, needs);
	if ((needs & NEED_ENGINE_2) && !t->engine2)
		return "no second engine with the same abilities";
	if (!flags)
		t->engine = t->engine2 = NULL;
	if (!(needs & NEED_ENGINE_2))
		t->engine2 = NULL;
	return NULL;
}

const char *bench_provide(struct bench *b, struct test *t, const struct backend *backend, bool *unreached)
{
	const char *lack = vtd_bench_lacks(b, t->desc->needs);

	if (!lack)
		lack = amdvi_bench_lacks(b, t->desc->needs);
	*unreached = false;
	if (lack)
		return lack;
	*unreached = true;
	/* An emulated machine has nothing that such memory is needed for. */
	if (b->hardware && (backend || (t->desc->needs & (NEED_VTD | NEED_AMDVI))) &&
	    (vtd_bench_keeps(b) || amdvi_bench_keeps(b)))
		return "the unit serves a function that firmware keeps memory for (RMRR, IVMD) and that must go on";
	lack = choose_engines(b, t);
	if (lack)
		return lack;
	if (b->look_only)
		return NULL;
	if (!(t->desc->needs & (NEED_VTD | NEED_PVIOMMU)))
		vtd_bench_translation_off(b);
	pviommu_bench_provide(b, t);
	if (backend && backend->create(b, &t->iommu) != OK)
		return "the backend cannot be made";
	return NULL;
}

void bench_clean(struct bench *b)
{
	pviommu_bench_clean(b);
	vtd_bench_clean(b);
	amdvi_bench_clean(b);
	for (unsigned i = 0; i < b->engines_n; i++) {
		struct engine *e = &b->engines[i];

		if (!e->ops->alive(e) && e->ops->reset(e) != OK)
			log_line("the engine %s at " PCI_FMT " does not come back", e->ops->name, PCI_ARGS(e->dev->addr));
	}
}
