/*
 * Bytes of an ACPI table, little-endian.
 */
#include "model/table_bytes.h"

void mdl_put(struct mdl_table *t, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		if (t->n == t->max) {
			t->full = true;
			return;
		}
		t->at[t->n++] = (uint8_t)shr(v, 8 * i);
	}
}

void mdl_put_text(struct mdl_table *t, const char *text, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		mdl_put(t, (uint8_t)text[i], 1);
}

void mdl_put_at(struct mdl_table *t, size_t where, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes && where + i < t->n; i++)
		t->at[where + i] = (uint8_t)shr(v, 8 * i);
}

void mdl_table_begin(struct mdl_table *t, const char signature[4], uint8_t revision)
{
	mdl_put_text(t, signature, 4);
	mdl_put(t, 0, 4);
	mdl_put(t, revision, 2); /* revision, checksum */
	mdl_put_text(t, "PORTCLMODEL   ", 14);
	mdl_put(t, 1, 4);
	mdl_put_text(t, "PORT", 4);
	mdl_put(t, 1, 4);
}

bool mdl_table_seal(struct mdl_table *t)
{
	unsigned sum = 0;

	if (t->full)
		return false;
	mdl_put_at(t, 4, t->n, 4);
	for (size_t i = 0; i < t->n; i++)
		sum += t->at[i];
	t->at[9] = (uint8_t)(256 - sum % 256);
	return true;
}
