/* The VT-d side of a bench: from the DMAR to the unit under test. */
#include "drivers-iommu/acpi/dmar.h"
#include "drivers-iommu/acpi/scope.h"
#include "drivers-iommu/vtd/caps.h"
#include "drivers-iommu/vtd/handover.h"
#include "drivers-iommu/vtd/regs.h"
#include "kernel/memory_map.h"
#include "tests/harness/internal.h"

#define UNITS_MAX    16
#define FEATURES_MAX 64

struct vtd_found {
	struct dmar dmar;
	struct vtd_unit units[UNITS_MAX];
	bool keeps[UNITS_MAX]; /* serves a function that has an RMRR and so must stay served */
	unsigned n;
	pa_t empty_root; /* a root table in which nothing is present */
};

static void reserve_rmrrs(const struct dmar *d)
{
	struct dmar_structure s;
	uint32_t pos = 0;

	while (dmar_next_of(d, DMAR_RMRR, &pos, &s))
		if (s.limit >= s.base && !mem_reserve(PA(s.base), s.limit - s.base + 1))
			log_line("DMAR: the RMRR at 0x%llx lies in memory that is in use", (unsigned long long)s.base);
}

static void tell_unit(const struct vtd_unit *u, unsigned index)
{
	const char *names[FEATURES_MAX];
	unsigned n = vtd_caps_features(&u->caps, names, FEATURES_MAX);
	char list[600];
	size_t at = 0;

	list[0] = 0;
	for (unsigned i = 0; i < n && at < sizeof(list); i++)
		at += (size_t)str_printf(list + at, sizeof(list) - at, "%s\"%s\"", i ? ", " : "", names[i]);
	log_line("@iommu {\"kind\": \"vtd\", \"unit\": %u, \"base\": \"0x%llx\", \"version\": \"%u.%u\", \"cap\": \"0x%llx\", "
		 "\"ecap\": \"0x%llx\", \"host_address_bits\": %u, \"features\": [%s]}",
		 index, (unsigned long long)u->base.v, u->caps.major, u->caps.minor, (unsigned long long)u->caps.cap,
		 (unsigned long long)u->caps.ecap, u->haw_bits, list);
}

static enum status open_units(struct bench *b, struct vtd_found *f, char *why)
{
	struct dmar_unit at[UNITS_MAX];
	unsigned n;

	if (dmar_units(&f->dmar, at, UNITS_MAX, &n) == ERR_FULL)
		log_line("DMAR: more than %u units; the others are left alone", UNITS_MAX);
	for (unsigned i = 0; i < n; i++) {
		enum status s = (b->look_only ? vtd_unit_look : vtd_unit_open)
				(b->machine, at[i].base, f->dmar.host_address_width + 1u, at[i].segment,
				 &f->units[f->n]);

		if (s == ERR_NOT_FOUND) {
			log_line("DMAR: nothing answers at 0x%llx, where it names a unit", (unsigned long long)at[i].base.v);
			continue;
		}
		if (s != OK) {
			str_printf(why, TEXT_MAX, "the VT-d unit at 0x%llx cannot be taken over: %s",
				   (unsigned long long)at[i].base.v, status_text(s));
			return s;
		}
		tell_unit(&f->units[f->n], f->n);
		f->n++;
	}
	return OK;
}

enum status vtd_bench_open(struct bench *b, char *why)
{
	size_t bytes;
	const void *table = b->machine->ops->acpi_table(b->machine, "DMAR", &bytes);
	struct vtd_found *f;
	pa_t pa;
	enum status s;

	if (!table)
		return OK;
	s = mem_alloc(sizeof(*f), PAGE_BYTES, &pa);
	if (s == OK) {
		f = mem_ptr(pa, sizeof(*f));
		s = mem_alloc(PAGE_BYTES, PAGE_BYTES, &f->empty_root);
		if (s == OK)
			cache_write_back(mem_ptr(f->empty_root, PAGE_BYTES), PAGE_BYTES);
	}
	if (s != OK) {
		str_printf(why, TEXT_MAX, "too little memory");
		return s;
	}
	b->vtd_found = f;
	s = dmar_open(table, bytes, &f->dmar);
	if (s != OK) {
		str_printf(why, TEXT_MAX, "the DMAR table is malformed at offset %u: %s", f->dmar.error.offset,
			   f->dmar.error.reason);
		return s;
	}
	b->dmar = &f->dmar;
	reserve_rmrrs(&f->dmar);
	s = open_units(b, f, why);
	if (s == OK && f->n)
		b->vtd = &f->units[0];
	return s;
}

/* Index of the unit that serves a function, -1 if none of ours does. */
static int unit_index(struct bench *b, struct pci_addr a)
{
	struct dmar_unit at;

	if (dmar_unit_of(b->dmar, &b->bus, a, &at) != OK)
		return -1;
	for (unsigned i = 0; i < b->vtd_found->n; i++)
		if (b->vtd_found->units[i].base.v == at.base.v)
			return (int)i;
	return -1;
}

void vtd_bench_deny(struct bench *b)
{
	for (unsigned i = 0; b->dmar && i < b->bus.devs_n; i++) {
		struct pci_dev *d = &b->bus.devs[i];
		struct dmar_query q = { b->dmar, &b->bus, DMAR_RMRR, d->addr, 0 };
		struct dmar_structure s;
		int unit;

		if (d->header_type != 0 || !dmar_covering(&q, &s, NULL))
			continue;
		pci_deny(d, "firmware keeps memory for it (RMRR)");
		unit = unit_index(b, d->addr);
		if (unit >= 0 && b->hardware) /* an emulated machine has nothing that such memory is needed for */
			b->vtd_found->keeps[unit] = true;
	}
}

bool vtd_bench_keeps(const struct bench *b)
{
	return b->vtd && b->vtd_found->keeps[b->vtd - b->vtd_found->units];
}

/* The unit of the best engine, where there is one of a unit that tests may turn upside down. -1: no engine has one. */
static int best_unit(struct bench *b)
{
	int first = -1;

	for (unsigned i = 0; i < b->engines_n; i++) {
		int unit = unit_index(b, b->engines[i].dev->addr);

		if (unit >= 0 && !b->vtd_found->keeps[unit])
			return unit;
		if (first < 0)
			first = unit;
	}
	return first;
}

void vtd_bench_choose(struct bench *b)
{
	unsigned kept = 0;
	int best;

	if (!b->vtd)
		return;
	best = best_unit(b);
	if (best >= 0)
		b->vtd = &b->vtd_found->units[best];
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

static bool engines_need_no_memory(const struct bench *b)
{
	for (unsigned i = 0; i < b->engines_n; i++)
		if (!(b->engines[i].caps.flags & DMA_DIRECT))
			return false;
	return true;
}

void vtd_bench_clean(struct bench *b)
{
	enum status s = OK;

	if (b->look_only)
		return;
	/* Off, a unit lets everything pass: functions with an RMRR go on. */
	if (b->vtd)
		s = engines_need_no_memory(b) && !vtd_bench_keeps(b) ?
		    vtd_unit_park(b->vtd, b->vtd_found->empty_root) : vtd_unit_quiesce(b->vtd);
	if (s != OK)
		log_line("the VT-d unit does not come to rest: %s", status_text(s));
}

void vtd_bench_translation_off(struct bench *b)
{
	if (b->vtd && vtd_gsts(b->vtd, GSTS_TES) && vtd_unit_quiesce(b->vtd) != OK)
		log_line("the VT-d unit does not come to rest");
}

/* Firmware's tables are still there if they lie in memory that was never ours to give away. */
static bool tables_kept(const struct vtd_found_state *f)
{
	pa_t tables[] = { PA(f->rtaddr & RTADDR_RTA), PA(f->irta & IRTA_IRTA), PA(f->iqa & IQA_IQA) };
	uint32_t on[] = { (uint32_t)GSTS_TES, (uint32_t)GSTS_IRES, (uint32_t)GSTS_QIES };

	for (unsigned i = 0; i < ARRAY_LEN(tables); i++)
		if ((f->gsts & on[i]) && memory_map_says(tables[i], PAGE_BYTES) == MEMORY_RAM)
			return false;
	return true;
}

static void leave_unit(struct vtd_unit *u, unsigned i)
{
	if (vtd_unit_quiesce(u) != OK)
		log_line("VT-d unit %u does not come to rest", i);
	else if (!vtd_found_on(u))
		return;
	else if (!tables_kept(&u->found))
		log_line("VT-d unit %u stays off: firmware left it on with tables in memory that it gave away", i);
	else if (vtd_give_back(u) != OK)
		log_line("VT-d unit %u is not as firmware left it", i);
}

void vtd_bench_close(struct bench *b)
{
	for (unsigned i = 0; b->vtd_found && !b->look_only && i < b->vtd_found->n; i++)
		leave_unit(&b->vtd_found->units[i], i);
	if (b->vtd_found) {
		mem_free(b->vtd_found->empty_root, PAGE_BYTES);
		mem_free(mem_pa(b->vtd_found), sizeof(*b->vtd_found));
	}
	b->vtd_found = NULL;
	b->vtd = NULL;
}

const char *vtd_bench_lacks(const struct bench *b, uint64_t needs)
{
	const struct vtd_caps *c = b->vtd ? &b->vtd->caps : NULL;
	const struct { uint64_t need; bool there; const char *text; } rules[] = {
		{ NEED_QI, c && c->qi, "ECAP.QI = 0" },
		{ NEED_SM, c && c->smts, "ECAP.SMTS = 0" },
		{ NEED_LEGACY_SS, c && c->levels_max, "CAP.SAGAW = 0" },
		{ NEED_SSTS, c && c->ssts, "ECAP.SSTS = 0" },
		{ NEED_FSTS, c && c->fsts, "ECAP.FSTS = 0" },
		{ NEED_NEST, c && c->nest, "ECAP.NEST = 0" },
		{ NEED_PT, c && c->pt, "ECAP.PT = 0" },
		{ NEED_IR, c && c->ir, "ECAP.IR = 0" },
		{ NEED_DT, c && c->dt, "ECAP.DT = 0" },
		{ NEED_PRS, c && c->prs, "ECAP.PRS = 0" },
		{ NEED_PASID, c && c->pasid, "ECAP.PASID = 0" },
		{ NEED_SRS, c && c->srs, "ECAP.SRS = 0" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rules); i++)
		if ((needs & rules[i].need) && !rules[i].there)
			return rules[i].text;
	return NULL;
}

struct vtd_unit *bench_vtd_units(const struct bench *b, unsigned *n)
{
	*n = b->vtd_found ? b->vtd_found->n : 0;
	return *n ? b->vtd_found->units : NULL;
}
