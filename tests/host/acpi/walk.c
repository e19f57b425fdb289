/*
 * Reads everything that a table offers, on a small machine with a bridge that is numbered wrongly.
 */
#include "tests/host/acpi/walk.h"

#include <stdlib.h>
#include <string.h>

#include "drivers-iommu/acpi/ivrs.h"
#include "drivers-iommu/acpi/scope.h"

#define INSIST(c) ((c) ? (void)0 : __builtin_trap())

/* Keeps the compiler from leaving reads out. */
static volatile unsigned sink;

/* Two bridges, the second of which leads back to its own bus, and an endpoint below the first. */
static struct pci_dev devs[] = {
	{ .addr = { 0, SID(0, 0x1c, 4) }, .header_type = 1, .bus_secondary = 1, .bus_subordinate = 2, .parent = -1 },
	{ .addr = { 0, SID(1, 0, 0) }, .header_type = 1, .bus_secondary = 1, .bus_subordinate = 255, .parent = 0 },
	{ .addr = { 0, SID(1, 2, 0) }, .parent = 0 },
};

static struct pci_bus small_bus(void)
{
	return (struct pci_bus){ .devs = devs, .devs_n = ARRAY_LEN(devs), .devs_max = ARRAY_LEN(devs) };
}

static unsigned read_path(const struct dmar_scope *s)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < s->path_n; i++)
		sum += dmar_path_dev(s, i) + dmar_path_fn(s, i);
	return sum;
}

static void walk_structure(const struct dmar *d, struct pci_bus *bus, const struct dmar_structure *s)
{
	uint32_t pos = 0, end = s->scopes;
	struct dmar_scope scope;
	struct pci_addr named;

	if (s->name)
		sink += (unsigned)strlen(s->name);
	while (dmar_scope_next(d, s, &pos, &scope)) {
		INSIST(scope.offset == end);
		end += scope.length;
		sink += read_path(&scope);
		sink += scope_resolve(bus, s->segment, &scope, &named) == OK;
		sink += scope_covers(bus, s->segment, &scope, (struct pci_addr){ s->segment, SID(1, 2, 0) });
	}
	INSIST(end == s->scopes_end);
}

static void look_up_dmar(const struct dmar *d, struct pci_bus *bus)
{
	static const enum dmar_type types[] = { DMAR_RMRR, DMAR_ATSR, DMAR_SATC, DMAR_SIDP };
	struct pci_addr a = { 0, SID(1, 2, 0) };
	struct dmar_structure s;
	struct dmar_source source;
	struct dmar_unit unit, units[4];
	unsigned n;

	if (dmar_unit_of(d, bus, a, &unit) == OK)
		INSIST(unit.segment == 0 && unit.len_bytes >= PAGE_BYTES);
	for (unsigned id = 0; id < 256; id += 51)
		if (dmar_ioapic(d, bus, (uint8_t)id, 0, &source) == OK ||
		    dmar_hpet(d, bus, (uint8_t)id, 1, &source) == OK)
			INSIST(source.addr.segment == source.unit.segment);
	for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
		struct dmar_query q = { .dmar = d, .bus = bus, .type = types[i], .requester = a };

		while (dmar_covering(&q, &s, NULL))
			INSIST(s.type == types[i]);
	}
	INSIST(dmar_units(d, units, ARRAY_LEN(units), &n) != OK ? n == ARRAY_LEN(units) : n <= ARRAY_LEN(units));
	INSIST(!dmar_andd_name(d, 1) || strlen(dmar_andd_name(d, 1)) < d->length);
}

static void *exact_copy(const uint8_t *bytes, size_t n)
{
	void *copy = malloc(n ? n : 1);

	INSIST(copy);
	if (n)
		memcpy(copy, bytes, n);
	return copy;
}

enum status walk_dmar(const uint8_t *bytes, size_t n, struct acpi_error *error)
{
	struct pci_bus bus = small_bus();
	void *table = exact_copy(bytes, n);
	uint32_t pos = 0, end = DMAR_HEADER_BYTES;
	struct dmar_structure s;
	struct dmar d;
	enum status status = dmar_open(table, n, &d);

	*error = d.error;
	INSIST((status == OK) == !d.error.reason && d.error.offset <= n);
	if (status == OK) {
		while (dmar_next(&d, &pos, &s)) {
			INSIST(s.offset == end);
			end += s.length;
			walk_structure(&d, &bus, &s);
		}
		INSIST(end == n);
		look_up_dmar(&d, &bus);
	}
	free(table);
	return status;
}

static void walk_block(const struct ivrs *t, const struct ivrs_block *b)
{
	uint32_t pos = 0, end = b->entries;
	struct ivrs_entry e;

	while (ivrs_entry_next(t, b, &pos, &e)) {
		INSIST(e.offset == end);
		end += e.length;
		for (unsigned i = 0; e.hid && i < 8; i++)
			sink += e.hid[i] + e.cid[i];
		for (unsigned i = 0; e.uid && i < e.uid_length; i++)
			sink += e.uid[i];
	}
	INSIST(end == b->offset + b->length);
}

static void look_up_ivrs(const struct ivrs *t)
{
	struct ivrs_device device;
	struct ivrs_block b;
	struct ivrs_entry e;
	uint32_t pos = 0;

	for (unsigned sid = 0; sid < 0x10000; sid += 0x3333)
		if (ivrs_device_of(t, (struct pci_addr){ 0, (uint16_t)sid }, &device) == OK)
			INSIST(ivrs_is_ivhd(&device.unit) && ivrs_block_counts(t, &device.unit));
	for (unsigned handle = 0; handle < 256; handle += 51)
		if (ivrs_special(t, VARIETY_IOAPIC, (uint8_t)handle, &b, &e) == OK)
			INSIST(e.code == IVHD_SPECIAL && e.handle == handle);
	while (ivrs_memory_of(t, (struct pci_addr){ 0, 0x60 }, &pos, &b))
		INSIST(ivrs_is_ivmd(&b));
}

enum status walk_ivrs(const uint8_t *bytes, size_t n, struct acpi_error *error)
{
	void *table = exact_copy(bytes, n);
	uint32_t pos = 0, end = IVRS_HEADER_BYTES;
	struct ivrs_block b;
	struct ivrs t;
	enum status status = ivrs_open(table, n, &t);

	*error = t.error;
	INSIST((status == OK) == !t.error.reason && t.error.offset <= n);
	if (status == OK) {
		while (ivrs_next(&t, &pos, &b)) {
			INSIST(b.offset == end);
			end += b.length;
			if (ivrs_is_ivhd(&b))
				walk_block(&t, &b);
		}
		INSIST(end == n);
		look_up_ivrs(&t);
	}
	free(table);
	return status;
}

void walk_seal(uint8_t *bytes, size_t n)
{
	size_t rest = n;
	unsigned sum = 0;

	if (n < ACPI_HEADER_BYTES)
		return;
	for (unsigned i = 0; i < 4; i++, rest /= 256)
		bytes[4 + i] = (uint8_t)(rest % 256);
	bytes[9] = 0;
	for (size_t i = 0; i < n; i++)
		sum += bytes[i];
	bytes[9] = (uint8_t)(256 - sum % 256);
}

unsigned walk_mutants(const uint8_t *bytes, size_t n, walk_fn *walk)
{
	uint8_t *copy = malloc(n);
	struct acpi_error error;
	unsigned tables = 0;

	INSIST(copy);
	for (size_t i = 0; i <= n; i++, tables += 2) {
		memcpy(copy, bytes, i);
		walk(copy, i, &error);
		walk_seal(copy, i);
		walk(copy, i, &error);
	}
	for (size_t i = 0; i < n; i++) {
		for (unsigned v = 0; v < 256; v++, tables += 2) {
			memcpy(copy, bytes, n);
			copy[i] = (uint8_t)v;
			walk(copy, n, &error);
			walk_seal(copy, n);
			walk(copy, n, &error);
		}
	}
	free(copy);
	return tables;
}
