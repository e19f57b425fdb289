/* The AMD-Vi side of a bench: from the IVRS to the unit under test. */
#include "drivers-iommu/acpi/ivrs.h"
#include "drivers-iommu/amdvi/unit.h"
#include "kernel/memory_map.h"
#include "tests/harness/internal.h"

#define UNITS_MAX    16
#define FEATURES_MAX 64

struct amdvi_found {
	struct ivrs ivrs;
	struct amdvi_unit units[UNITS_MAX];
	bool keeps[UNITS_MAX];    /* serves a function that has an IVMD and so must stay served */
	unsigned n;
	struct amdvi_devtab idle; /* all requests and interrupts pass: what units have between tests */
};

static void reserve_ivmds(const struct ivrs *t)
{
	struct ivrs_block b;
	uint32_t pos = 0;

	while (ivrs_next(t, &pos, &b))
		if (ivrs_is_ivmd(&b) && b.bytes && !mem_reserve(PA(b.start), b.bytes))
			log_line("IVRS: the IVMD at 0x%llx lies in memory that is in use", (unsigned long long)b.start);
}

static void tell_unit(const struct amdvi_unit *u, unsigned index)
{
	const char *names[FEATURES_MAX];
	unsigned n = amdvi_caps_features(&u->caps, names, FEATURES_MAX);
	char list[400];
	size_t at = 0;

	list[0] = 0;
	for (unsigned i = 0; i < n && at < sizeof(list); i++)
		at += (size_t)str_printf(list + at, sizeof(list) - at, "%s\"%s\"", i ? ", " : "", names[i]);
	log_line("@iommu {\"kind\": \"amdvi\", \"unit\": %u, \"base\": \"0x%llx\", \"header\": \"0x%x\", "
		 "\"efr\": \"0x%llx\", \"efr2\": \"0x%llx\", \"host_levels\": %u, \"features\": [%s]}",
		 index, (unsigned long long)u->base.v, u->caps.header, (unsigned long long)u->caps.efr,
		 (unsigned long long)u->caps.efr2, u->caps.levels_max, list);
}

static enum status open_units(struct bench *b, struct amdvi_found *f, char *why)
{
	struct ivrs_block at;
	uint32_t pos = 0;

	while (f->n < UNITS_MAX && ivrs_next_unit(&f->ivrs, &pos, &at)) {
		enum status s = (b->look_only ? amdvi_unit_look : amdvi_unit_open)(b->machine, &at, &f->units[f->n]);

		if (s == ERR_NOT_FOUND) {
			log_line("IVRS: no unit answers at 0x%llx, where it names one", (unsigned long long)at.base);
			continue;
		}
		if (s != OK) {
			str_printf(why, TEXT_MAX, "the AMD-Vi unit at 0x%llx cannot be taken over: %s",
				   (unsigned long long)at.base, status_text(s));
			return s;
		}
		tell_unit(&f->units[f->n], f->n);
		f->n++;
	}
	return OK;
}

/* For every function of the machine. */
static enum status idle_make(struct bench *b, struct amdvi_found *f)
{
	uint32_t n = 1;

	for (unsigned i = 0; i < b->bus.devs_n; i++)
		n = (uint32_t)max_u64(n, b->bus.devs[i].addr.sid + 1u);
	return amdvi_devtab_create(&f->idle, 0, n, (amdvi_dte_t){ 0 });
}

enum status amdvi_bench_open(struct bench *b, char *why)
{
	size_t bytes;
	const void *table = b->machine->ops->acpi_table(b->machine, "IVRS", &bytes);
	struct amdvi_found *f;
	pa_t pa;
	enum status s;

	if (!table)
		return OK;
	s = mem_alloc(sizeof(*f), PAGE_BYTES, &pa);
	if (s != OK) {
		str_printf(why, TEXT_MAX, "too little memory");
		return s;
	}
	f = mem_ptr(pa, sizeof(*f));
	b->amdvi_found = f;
	s = ivrs_open(table, bytes, &f->ivrs);
	if (s != OK) {
		str_printf(why, TEXT_MAX, "the IVRS table is malformed at offset %u: %s", f->ivrs.error.offset,
			   f->ivrs.error.reason);
		return s;
	}
	b->ivrs = &f->ivrs;
	s = idle_make(b, f);
	if (s != OK) {
		str_printf(why, TEXT_MAX, "too little memory");
		return s;
	}
	reserve_ivmds(&f->ivrs);
	s = open_units(b, f, why);
	if (s == OK && f->n)
		b->amdvi = &f->units[0];
	return s;
}

/* Index of the unit that serves a function, -1 if none of ours does. */
static int unit_index(struct bench *b, struct pci_addr a)
{
	struct ivrs_device at;

	if (ivrs_device_of(b->ivrs, a, &at) != OK)
		return -1;
	for (unsigned i = 0; i < b->amdvi_found->n; i++)
		if (b->amdvi_found->units[i].base.v == at.unit.base)
			return (int)i;
	return -1;
}

/* Memory for this function, not for all of them. */
static bool has_memory(const struct ivrs *t, struct pci_addr a)
{
	struct ivrs_block m;
	uint32_t pos = 0;

	while (ivrs_memory_of(t, a, &pos, &m))
		if (m.type != IVMD_ALL)
			return true;
	return false;
}

void amdvi_bench_deny(struct bench *b)
{
	for (unsigned i = 0; b->ivrs && i < b->bus.devs_n; i++) {
		struct pci_dev *d = &b->bus.devs[i];
		int unit;

		if (d->header_type != 0 || !has_memory(b->ivrs, d->addr))
			continue;
		pci_deny(d, "firmware keeps memory for it (IVMD)");
		unit = unit_index(b, d->addr);
		if (unit >= 0)
			b->amdvi_found->keeps[unit] = true;
	}
}

bool amdvi_bench_keeps(const struct bench *b)
{
	return b->amdvi && b->amdvi_found->keeps[b->amdvi - b->amdvi_found->units];
}

static int best_unit(struct bench *b)
{
	int first = -1;

	for (unsigned i = 0; i < b->engines_n; i++) {
		int unit = unit_index(b, b->engines[i].dev->addr);

		if (unit >= 0 && !b->amdvi_found->keeps[unit])
			return unit;
		if (first < 0)
			first = unit;
	}
	return first;
}

void amdvi_bench_choose(struct bench *b)
{
	unsigned kept = 0;
	int best;

	if (!b->amdvi)
		return;
	best = best_unit(b);
	if (best >= 0)
		b->amdvi = &b->amdvi_found->units[best];
	for (unsigned i = 0; i < b->engines_n; i++) {
		struct engine *e = &b->engines[i];

		if (best >= 0 && unit_index(b, e->dev->addr) == best) {
			b->engines[kept++] = *e;
			continue;
		}
		log_line("the engine %s at " PCI_FMT " is behind no unit under test", e->ops->name,
			 PCI_ARGS(e->dev->addr));
		engine_release(e);
	}
	b->engines_n = kept;
}

void amdvi_bench_clean(struct bench *b)
{
	/* Turning translation off and on is a few register accesses here, so nothing stays on between tests. */
	if (b->amdvi && !b->look_only && amdvi_unit_park(b->amdvi, &b->amdvi_found->idle) != OK)
		log_line("the AMD-Vi unit does not come to rest");
}

/* Firmware's tables are still there if they lie in memory that was never ours to give away. */
static void leave_unit(struct amdvi_unit *u, unsigned i)
{
	if (amdvi_unit_quiesce(u) != OK)
		log_line("AMD-Vi unit %u does not come to rest", i);
	else if (!(u->found.ctl & CTL_IOMMU_EN))
		return;
	else if (memory_map_says(PA(u->found.devtab[0] & DEVTAB_BASE), PAGE_BYTES) == MEMORY_RAM)
		log_line("AMD-Vi unit %u stays off: firmware left it on with tables in memory that it gave away", i);
	else if (amdvi_give_back(u) != OK)
		log_line("AMD-Vi unit %u is not as firmware left it", i);
}

void amdvi_bench_close(struct bench *b)
{
	for (unsigned i = 0; b->amdvi_found && !b->look_only && i < b->amdvi_found->n; i++)
		leave_unit(&b->amdvi_found->units[i], i);
	if (b->amdvi_found) {
		amdvi_devtab_destroy(&b->amdvi_found->idle);
		mem_free(mem_pa(b->amdvi_found), sizeof(*b->amdvi_found));
	}
	b->amdvi_found = NULL;
	b->amdvi = NULL;
}

const char *amdvi_bench_lacks(const struct bench *b, uint64_t needs)
{
	const struct amdvi_caps *c = b->amdvi ? &b->amdvi->caps : NULL;
	const struct { uint64_t need; bool there; const char *text; } rules[] = {
		{ NEED_AMD_HOST, c && c->levels_max, "EFR.HATS = 11b" },
		{ NEED_AMD_IOTLB, c && c->iotlb, "Cap.IotlbSup = 0" },
		{ NEED_AMD_PREF, c && c->pref, "EFR.PreFSup = 0" },
		{ NEED_AMD_PPR, c && c->ppr, "EFR.PPRSup = 0" },
		{ NEED_AMD_XT, c && c->xt, "EFR.XTSup = 0" },
		{ NEED_AMD_NX, c && c->nx, "EFR.NXSup = 0" },
		{ NEED_AMD_GT, c && c->gt, "EFR.GTSup = 0" },
		{ NEED_AMD_IA, c && c->ia, "EFR.IASup = 0" },
		{ NEED_AMD_GA, c && c->ga, "EFR.GASup = 0" },
		{ NEED_AMD_HE, c && c->he, "EFR.HESup = 0" },
		{ NEED_AMD_SEG, c && c->segments_log2, "EFR.DevTblSegSup = 0" },
		{ NEED_AMD_GIO, c && c->gio, "EFR.GIoSup = 0" },
		{ NEED_AMD_HA, c && c->ha, "EFR.HASup = 0" },
		{ NEED_AMD_HD, c && c->hd, "EFR.HDSup = 0" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rules); i++)
		if ((needs & rules[i].need) && !rules[i].there)
			return rules[i].text;
	return NULL;
}

struct amdvi_unit *bench_amdvi_units(const struct bench *b, unsigned *n)
{
	*n = b->amdvi_found ? b->amdvi_found->n : 0;
	return *n ? b->amdvi_found->units : NULL;
}
