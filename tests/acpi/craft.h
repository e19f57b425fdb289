/*
 * ACPI tables built on purpose, right or wrong, for the tests of the parsers: in the kernel and on the host.
 *
 * Lengths and the checksum are kept right as long as nobody sets them otherwise: craft_set() then breaks what a test
 * wants broken, and craft_seal() makes the checksum good again.
 */
#ifndef PORTCULLIS_TESTS_ACPI_CRAFT_H
#define PORTCULLIS_TESTS_ACPI_CRAFT_H

#include "drivers-iommu/acpi/dmar.h"
#include "drivers-iommu/acpi/ivrs.h"

#define CRAFT_BYTES_MAX 1024u

struct craft {
	uint8_t bytes[CRAFT_BYTES_MAX];
	uint32_t n;          /* length of the table */
	uint32_t record;     /* offset of the structure or block that grows; 0: none */
};

/* The header of a DMAR: host address width of 48 bits, flags as given; of an IVRS: revision 2, IVinfo as given. */
void craft_dmar(struct craft *c, uint8_t flags);
void craft_ivrs(struct craft *c, uint32_t iv_info);

/* Appends the n low bytes of v, least significant first; the record and the table grow. Too much is dropped. */
void craft_put(struct craft *c, uint64_t v, unsigned n);
/* Replaces n bytes at an offset. */
void craft_set(struct craft *c, uint32_t offset, uint64_t v, unsigned n);
/* Sets the length field and makes the checksum good: of the bytes that are there. */
void craft_seal(struct craft *c);

/* Each starts a record and returns its offset; what is put behind it makes it longer. */
uint32_t craft_structure(struct craft *c, uint16_t type);
uint32_t craft_drhd(struct craft *c, uint8_t flags, uint16_t segment, uint64_t base);
uint32_t craft_rmrr(struct craft *c, uint16_t segment, uint64_t base, uint64_t limit);
/* ATSR, SATC, SIDP. A SIDP has no flags of its own. */
uint32_t craft_ports(struct craft *c, uint16_t type, uint8_t flags, uint16_t segment);
uint32_t craft_rhsa(struct craft *c, uint64_t base, uint32_t proximity);
uint32_t craft_andd(struct craft *c, uint8_t device_number, const char *name);

/* A scope of the structure that was begun last; path: n pairs, as dddd'fff (device * 8 + function) each. */
struct craft_scope {
	uint8_t type, flags, enum_id, start_bus;
	unsigned path_n;
	uint8_t path[8];
};
uint32_t craft_scope(struct craft *c, const struct craft_scope *s);
#define CRAFT_DEVFN(dev, fn) ((uint8_t)((dev) * 8 + (fn)))

/* IVHD of a type: unit 00:00.2, capability at 40h; IVMD of a type. */
uint32_t craft_ivhd(struct craft *c, uint8_t type, uint16_t segment, uint64_t base);
uint32_t craft_ivmd(struct craft *c, uint8_t type, uint16_t first, uint16_t last);
/* Device entries of the IVHD that was begun last: 4 bytes; 8 bytes with a second word. */
uint32_t craft_entry4(struct craft *c, uint8_t code, uint16_t device_id, uint8_t setting);
uint32_t craft_entry8(struct craft *c, uint8_t code, uint16_t device_id, uint8_t setting, uint32_t second);
/* Second word of an alias entry and of a special device. */
#define CRAFT_ALIAS(source) ((uint32_t)(source) * 0x100u)
#define CRAFT_SPECIAL(handle, source, variety) \
	((uint32_t)(handle) + (uint32_t)(source) * 0x100u + (variety) * 0x1000000u)
uint32_t craft_hid(struct craft *c, uint16_t device_id, const char hid[8], uint8_t uid_format, const char *uid);

#endif
