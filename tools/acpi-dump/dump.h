/*
 * The two tables, printed: as text for people or as JSON for programs.
 */
#ifndef PORTCULLIS_TOOLS_ACPI_DUMP_DUMP_H
#define PORTCULLIS_TOOLS_ACPI_DUMP_DUMP_H

#include "drivers-iommu/acpi/dmar.h"
#include "drivers-iommu/acpi/ivrs.h"
#include "tools/acpi-dump/json.h"

/* One JSON object; key is its name in what holds it, NULL if nothing does. */
void dmar_json(struct json *j, const char *key, const struct dmar *d);
void ivrs_json(struct json *j, const char *key, const struct ivrs *t);
/* Several lines on standard output. */
void dmar_text(const char *file, const struct dmar *d);
void ivrs_text(const char *file, const struct ivrs *t);

/* True where an ACPI id of n bytes is to be read as text (it begins with three letters), else it is a number. */
bool id_is_text(const uint8_t *p, size_t n);
/* The number in n bytes (at most 8), least significant first. */
uint64_t id_number(const uint8_t *p, size_t n);

#endif
