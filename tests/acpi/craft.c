/*
 * ACPI tables built on purpose. Layouts from VT-d chapter 8 and AMD I/O Virtualization chapter 5.2, by offset; nothing
 * is taken from the parsers, so that both must agree.
 */
#include "tests/acpi/craft.h"

static void put_header(struct craft *c, const char sig[4], uint8_t revision)
{
	*c = (struct craft){ 0 };
	for (unsigned i = 0; i < 4; i++)
		craft_put(c, (uint8_t)sig[i], 1);
	craft_put(c, 0, 4);          /* length */
	craft_put(c, revision, 1);
	craft_put(c, 0, 1);          /* checksum */
	for (unsigned i = 0; i < 14; i++)
		craft_put(c, 'o', 1); /* OEM id and table id */
	craft_put(c, 1, 4);
	craft_put(c, 0, 8);          /* creator and its revision */
}

void craft_dmar(struct craft *c, uint8_t flags)
{
	put_header(c, "DMAR", 1);
	craft_put(c, 47, 1);
	craft_put(c, flags, 1);
	craft_put(c, 0, 8);
	craft_put(c, 0, 2);
	craft_seal(c);
}

void craft_ivrs(struct craft *c, uint32_t iv_info)
{
	put_header(c, "IVRS", 2);
	craft_put(c, iv_info, 4);
	craft_put(c, 0, 8);
	craft_seal(c);
}

void craft_set(struct craft *c, uint32_t offset, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n && offset + i < CRAFT_BYTES_MAX; i++) {
		c->bytes[offset + i] = (uint8_t)(v % 256);
		v /= 256;
	}
}

void craft_put(struct craft *c, uint64_t v, unsigned n)
{
	if (n > CRAFT_BYTES_MAX - c->n)
		return;
	craft_set(c, c->n, v, n);
	c->n += n;
	/* DMAR structures and IVRS blocks both have their length at offset 2. */
	if (c->record && c->n > c->record + 4)
		craft_set(c, c->record + 2, c->n - c->record, 2);
}

void craft_seal(struct craft *c)
{
	unsigned sum = 0;

	craft_set(c, 4, c->n, 4);
	c->bytes[9] = 0;
	for (uint32_t i = 0; i < c->n; i++)
		sum += c->bytes[i];
	c->bytes[9] = (uint8_t)(256 - sum % 256);
}

uint32_t craft_structure(struct craft *c, uint16_t type)
{
	c->record = 0;
	craft_put(c, type, 2);
	craft_put(c, 4, 2);
	c->record = c->n - 4;
	return c->record;
}

uint32_t craft_drhd(struct craft *c, uint8_t flags, uint16_t segment, uint64_t base)
{
	uint32_t at = craft_structure(c, 0);

	craft_put(c, flags, 1);
	craft_put(c, 0, 1);
	craft_put(c, segment, 2);
	craft_put(c, base, 8);
	return at;
}

uint32_t craft_rmrr(struct craft *c, uint16_t segment, uint64_t base, uint64_t limit)
{
	uint32_t at = craft_structure(c, 1);

	craft_put(c, 0, 2);
	craft_put(c, segment, 2);
	craft_put(c, base, 8);
	craft_put(c, limit, 8);
	return at;
}

uint32_t craft_ports(struct craft *c, uint16_t type, uint8_t flags, uint16_t segment)
{
	uint32_t at = craft_structure(c, type);

	craft_put(c, flags, 1);
	craft_put(c, 0, 1);
	craft_put(c, segment, 2);
	return at;
}

uint32_t craft_rhsa(struct craft *c, uint64_t base, uint32_t proximity)
{
	uint32_t at = craft_structure(c, 3);

	craft_put(c, 0, 4);
	craft_put(c, base, 8);
	craft_put(c, proximity, 4);
	return at;
}

uint32_t craft_andd(struct craft *c, uint8_t device_number, const char *name)
{
	uint32_t at = craft_structure(c, 4);

	craft_put(c, 0, 3);
	craft_put(c, device_number, 1);
	for (const char *p = name; *p; p++)
		craft_put(c, (uint8_t)*p, 1);
	craft_put(c, 0, 1);
	return at;
}

uint32_t craft_scope(struct craft *c, const struct craft_scope *s)
{
	uint32_t at = c->n;

	craft_put(c, s->type, 1);
	craft_put(c, 6 + 2 * s->path_n, 1);
	craft_put(c, s->flags, 1);
	craft_put(c, 0, 1);
	craft_put(c, s->enum_id, 1);
	craft_put(c, s->start_bus, 1);
	for (unsigned i = 0; i < s->path_n; i++) {
		craft_put(c, s->path[i] / 8, 1);
		craft_put(c, s->path[i] % 8, 1);
	}
	return at;
}

static uint32_t block(struct craft *c, uint8_t type, uint8_t flags)
{
	c->record = 0;
	craft_put(c, type, 1);
	craft_put(c, flags, 1);
	craft_put(c, 4, 2);
	c->record = c->n - 4;
	return c->record;
}

uint32_t craft_ivhd(struct craft *c, uint8_t type, uint16_t segment, uint64_t base)
{
	uint32_t at = block(c, type, 0xb0);

	craft_put(c, 0x0002, 2);
	craft_put(c, 0x40, 2);
	craft_put(c, base, 8);
	craft_put(c, segment, 2);
	craft_put(c, 0, 2);
	craft_put(c, type == 0x10 ? 0x80048f6eu : 0x48000u, 4);
	if (type != 0x10) {
		craft_put(c, 0x246577efa2254afa, 8);
		craft_put(c, 0x10, 8);
	}
	return at;
}

uint32_t craft_ivmd(struct craft *c, uint8_t type, uint16_t first, uint16_t last)
{
	uint32_t at = block(c, type, 0x07);

	craft_put(c, first, 2);
	craft_put(c, last, 2);
	craft_put(c, 0, 8);
	craft_put(c, 0x7d900000, 8);
	craft_put(c, 0x100000, 8);
	return at;
}

uint32_t craft_entry4(struct craft *c, uint8_t code, uint16_t device_id, uint8_t setting)
{
	uint32_t at = c->n;

	craft_put(c, code, 1);
	craft_put(c, device_id, 2);
	craft_put(c, setting, 1);
	return at;
}

uint32_t craft_entry8(struct craft *c, uint8_t code, uint16_t device_id, uint8_t setting, uint32_t second)
{
	uint32_t at = craft_entry4(c, code, device_id, setting);

	craft_put(c, second, 4);
	return at;
}

uint32_t craft_hid(struct craft *c, uint16_t device_id, const char hid[8], uint8_t uid_format, const char *uid)
{
	uint32_t at = craft_entry4(c, 0xf0, device_id, 0x40);
	uint8_t n = 0;

	for (unsigned i = 0; i < 8; i++)
		craft_put(c, (uint8_t)hid[i], 1);
	craft_put(c, 0, 8);
	craft_put(c, uid_format, 1);
	for (; uid[n]; n++)
		;
	craft_put(c, n, 1);
	for (unsigned i = 0; i < n; i++)
		craft_put(c, (uint8_t)uid[i], 1);
	return at;
}
