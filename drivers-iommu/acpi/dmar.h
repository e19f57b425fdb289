/*
 * The DMAR table (Intel VT-d chapter 8, "BIOS considerations"): where the remapping units are and whom they serve.
 *
 * dmar_open() checks the whole table once, every structure and every scope; the iterators then walk it in place.
 * Nothing is allocated, and the table must stay where it is for as long as the struct dmar is used. Only the form is
 * judged here (what makes the bytes unreadable); whether firmware's values make sense is for tests/acpi to say.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_ACPI_DMAR_H
#define PORTCULLIS_DRIVERS_IOMMU_ACPI_DMAR_H

#include "drivers-iommu/acpi/cursor.h"
#include "kernel/hal.h"

#define DMAR_HEADER_BYTES 48u

/* struct dmar.flags */
#define DMAR_INTR_REMAP               BIT(0)
#define DMAR_X2APIC_OPT_OUT           BIT(1)
#define DMAR_DMA_CTRL_PLATFORM_OPT_IN BIT(2)

/* struct dmar_structure.type; all above are reserved and skipped by their length */
enum dmar_type {
	DMAR_DRHD = 0, /* a remapping unit */
	DMAR_RMRR = 1, /* a memory region that devices need mapped */
	DMAR_ATSR = 2, /* root ports that support ATS */
	DMAR_RHSA = 3, /* proximity domain of a unit */
	DMAR_ANDD = 4, /* an ACPI name-space device */
	DMAR_SATC = 5, /* integrated devices with an address translation cache */
	DMAR_SIDP = 6, /* properties of integrated devices */
	DMAR_TYPES = 7
};

/* struct dmar_structure.flags, by type */
#define DRHD_INCLUDE_PCI_ALL BIT(0)
#define DRHD_SIZE_N          BITS(3, 0) /* of size: the register set is 2^N pages */
#define ATSR_ALL_PORTS       BIT(0)
#define SATC_ATC_REQUIRED    BIT(0)

enum dmar_scope_type {
	SCOPE_PCI_ENDPOINT = 1,
	SCOPE_PCI_BRIDGE = 2, /* the bridge and all below it */
	SCOPE_IOAPIC = 3,
	SCOPE_HPET = 4,
	SCOPE_ACPI_NAMESPACE = 5
};

/* struct dmar_scope.flags, in a SIDP only */
#define SIDP_REQ_WO_PASID_NESTED_NOTALLOWED BIT(0)
#define SIDP_REQ_WO_PASID_PWSNP_NOTALLOWED  BIT(1)
#define SIDP_REQ_WO_PASID_PGSNP_NOTALLOWED  BIT(2)
#define SIDP_ATC_HARDENED                   BIT(3)
#define SIDP_ATC_REQUIRED                   BIT(4)

struct dmar {
	const void *table;
	uint32_t length;
	uint8_t revision;
	uint8_t host_address_width;  /* the field as stored: bits minus one */
	uint8_t flags;               /* DMAR_* */
	struct acpi_error error;     /* why dmar_open() refused */
};

/* One structure. Fields that its type does not have are 0. */
struct dmar_structure {
	uint32_t offset;             /* in the table */
	uint16_t type, length;
	uint8_t flags;               /* DRHD, ATSR, SATC */
	uint8_t size;                /* DRHD: the whole byte */
	uint16_t segment;            /* all but RHSA and ANDD */
	uint64_t base;               /* DRHD, RHSA: registers; RMRR: first byte */
	uint64_t limit;              /* RMRR: last byte */
	uint32_t proximity;          /* RHSA */
	uint8_t device_number;       /* ANDD: what scopes of type 5 refer to */
	const char *name;            /* ANDD: object path, inside the table, terminated */
	uint32_t reserved;           /* the reserved field, all types but DRHD */
	uint32_t scopes, scopes_end; /* offsets of the device scopes; equal: none */
};

/* One device scope. The path lies in the table: path_n pairs of device and function. */
struct dmar_scope {
	uint32_t offset;
	uint8_t type, length;
	uint8_t flags;
	uint8_t enum_id;             /* IOAPIC id, HPET number or ANDD device number */
	uint8_t start_bus;
	unsigned path_n;
	const uint8_t *path;
};

/* A remapping unit, as a driver wants it. */
struct dmar_unit {
	uint32_t offset;             /* of its DRHD: names the unit in scope.h */
	uint16_t segment;
	bool include_pci_all;
	pa_t base;
	uint64_t len_bytes;          /* of the register window: 2^N pages */
};

/*
 * Checks the table of bytes and fills *out. ERR_MALFORMED: out->error has the offset and the reason, and out must not
 * be walked.
 */
enum status must_use dmar_open(const void *table, size_t bytes, struct dmar *out);
/* The next structure; *pos starts at 0. False at the end. */
bool dmar_next(const struct dmar *d, uint32_t *pos, struct dmar_structure *out);
/* The next structure of one type. */
bool dmar_next_of(const struct dmar *d, enum dmar_type type, uint32_t *pos, struct dmar_structure *out);
/* The next device scope of a structure; *pos starts at 0. False at the end. */
bool dmar_scope_next(const struct dmar *d, const struct dmar_structure *s, uint32_t *pos, struct dmar_scope *out);
/* Device and function of pair i (below path_n) of a path. */
uint8_t dmar_path_dev(const struct dmar_scope *s, unsigned i);
uint8_t dmar_path_fn(const struct dmar_scope *s, unsigned i);

/* The unit that a DRHD describes. */
struct dmar_unit dmar_unit(const struct dmar_structure *drhd);
/* All units in the table's order. ERR_FULL: more than max (the first max are there, and *n is max). */
enum status must_use dmar_units(const struct dmar *d, struct dmar_unit *units, unsigned max, unsigned *n);
/* Object path of the ANDD with that device number, NULL if there is none. */
const char *dmar_andd_name(const struct dmar *d, uint8_t device_number);
/* "drhd", "rmrr" ...; "unknown" for reserved types. Never NULL. */
const char *dmar_type_name(uint16_t type);
/* "pci-endpoint", "pci-bridge", "ioapic", "hpet", "acpi-namespace" or "unknown". Never NULL. */
const char *dmar_scope_type_name(uint8_t type);

#endif
