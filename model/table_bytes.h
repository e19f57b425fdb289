/*
 * An ACPI table in the making, byte by byte: what the model's DMAR and IVRS are written with.
 */
#ifndef PORTCULLIS_MODEL_TABLE_BYTES_H
#define PORTCULLIS_MODEL_TABLE_BYTES_H

#include "kernel/bits.h"

struct mdl_table {
	uint8_t *at;
	size_t n, max;
	bool full;         /* something did not fit */
};

/* The standard header; length and checksum are set by mdl_table_seal(). */
void mdl_table_begin(struct mdl_table *t, const char signature[4], uint8_t revision);
/* Appends the low bytes of v. */
void mdl_put(struct mdl_table *t, uint64_t v, unsigned bytes);
void mdl_put_text(struct mdl_table *t, const char *text, unsigned bytes);
/* Overwrites bytes that are there. */
void mdl_put_at(struct mdl_table *t, size_t where, uint64_t v, unsigned bytes);
/* False: the table did not fit. */
bool mdl_table_seal(struct mdl_table *t);

#endif
