/*
 * The IVRS table (AMD I/O Virtualization Technology Specification, chapter 5): where the AMD units are, whom they
 * serve, and which memory must stay mapped.
 *
 * ivrs_open() checks the whole table once; the iterators then walk it in place. Nothing is allocated, and the table
 * must stay where it is for as long as the struct ivrs is used. Only the form is judged here; whether firmware's values
 * make sense is for tests/acpi to say.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_ACPI_IVRS_H
#define PORTCULLIS_DRIVERS_IOMMU_ACPI_IVRS_H

#include "drivers-iommu/acpi/cursor.h"
#include "kernel/hal.h"

#define IVRS_HEADER_BYTES 48u

/* struct ivrs.iv_info */
#define IVINFO_EFR_SUP       BIT(0)
#define IVINFO_DMA_REMAP     BIT(1) /* remapping was active when firmware handed over */
#define IVINFO_GVA_SIZE      BITS(7, 5)
#define IVINFO_PA_SIZE       BITS(14, 8)
#define IVINFO_VA_SIZE       BITS(21, 15)
#define IVINFO_HT_ATS_RESV   BIT(22)

/* struct ivrs_block.type; others are skipped by their length */
enum ivrs_type {
	IVHD_10 = 0x10,
	IVHD_11 = 0x11,
	IVHD_40 = 0x40,
	IVMD_ALL = 0x20,   /* for all devices */
	IVMD_ONE = 0x21,   /* for device_id */
	IVMD_RANGE = 0x22, /* for device_id to aux */
};

/* struct ivrs_block.flags */
#define IVHD_HT_TUN_EN   BIT(0)
#define IVHD_PASS_PW     BIT(1)
#define IVHD_RES_PASS_PW BIT(2)
#define IVHD_ISOC        BIT(3)
#define IVHD_IOTLB_SUP   BIT(4)
#define IVHD_COHERENT    BIT(5)
#define IVHD_PREF_SUP    BIT(6) /* type 10h */
#define IVHD_PPR_SUP     BIT(7) /* type 10h */
#define IVMD_UNITY       BIT(0)
#define IVMD_IR          BIT(1)
#define IVMD_IW          BIT(2)
#define IVMD_EXCLUSION   BIT(3)

/* struct ivrs_entry.code */
enum ivrs_code {
	IVHD_PAD4 = 0x00,
	IVHD_DEV_ALL = 0x01,
	IVHD_SELECT = 0x02,
	IVHD_RANGE_START = 0x03,
	IVHD_RANGE_END = 0x04,
	IVHD_PAD8 = 0x40,
	IVHD_ALIAS_SELECT = 0x42,
	IVHD_ALIAS_RANGE_START = 0x43,
	IVHD_EXT_SELECT = 0x46,
	IVHD_EXT_RANGE_START = 0x47,
	IVHD_SPECIAL = 0x48,
	IVHD_ACPI_HID = 0xf0,
};

/* struct ivrs_entry.setting */
#define SETTING_INIT_PASS  BIT(0)
#define SETTING_EINT_PASS  BIT(1)
#define SETTING_NMI_PASS   BIT(2)
#define SETTING_SYS_MGT    BITS(5, 4)
#define SETTING_LINT0_PASS BIT(6)
#define SETTING_LINT1_PASS BIT(7)
/* struct ivrs_entry.extended */
#define EXTENDED_ATS_DISABLED BIT(31)

enum ivrs_variety { VARIETY_IOAPIC = 1, VARIETY_HPET = 2 };
enum ivrs_uid { UID_NONE = 0, UID_INTEGER = 1, UID_STRING = 2 };

struct ivrs {
	const void *table;
	uint32_t length;
	uint8_t revision;
	uint32_t iv_info;
	struct acpi_error error; /* why ivrs_open() refused */
};

/* One block, IVHD or IVMD. Fields that its type does not have are 0. */
struct ivrs_block {
	uint32_t offset;         /* in the table */
	uint8_t type, flags;
	uint16_t length;
	uint16_t device_id;      /* IVHD: of the IOMMU function; IVMD: the device, or the first of a range */
	uint16_t segment;
	uint16_t capability_offset;
	uint64_t base;           /* of the MMIO registers */
	uint16_t info;
	uint32_t features;       /* type 10h: feature information; 11h and 40h: attributes */
	uint64_t efr, efr2;      /* 11h and 40h */
	uint32_t entries;        /* offset of the first device entry; the block's end where there is none */
	uint16_t aux;            /* IVMD: the last device of a range */
	uint64_t start, bytes;   /* IVMD: the memory */
};

/* One device entry. Fields that its type does not have are 0. */
struct ivrs_entry {
	uint32_t offset;
	uint8_t code;
	uint32_t length;
	uint16_t device_id;
	uint8_t setting;
	uint16_t source_id;      /* alias: the id that requests are handled under; special: the id of the device */
	uint32_t extended;
	uint8_t handle, variety; /* special: IOAPIC id or HPET number */
	const uint8_t *hid, *cid;/* ACPI-HID: 8 bytes each, inside the table */
	uint8_t uid_format, uid_length;
	const uint8_t *uid;      /* uid_length bytes, inside the table */
};

/*
 * Checks the table of bytes and fills *out. ERR_MALFORMED: out->error has the offset and the reason, and out must not
 * be walked.
 */
enum status must_use ivrs_open(const void *table, size_t bytes, struct ivrs *out);
/* The next block; *pos starts at 0. False at the end. */
bool ivrs_next(const struct ivrs *t, uint32_t *pos, struct ivrs_block *out);
/* The next device entry of an IVHD; *pos starts at 0. False at the end. */
bool ivrs_entry_next(const struct ivrs *t, const struct ivrs_block *b, uint32_t *pos, struct ivrs_entry *out);

bool ivrs_is_ivhd(const struct ivrs_block *b);
bool ivrs_is_ivmd(const struct ivrs_block *b);
/* True where a driver uses the block: any IVMD, and an IVHD that no newer type describes too (40h, then 11h, 10h). */
bool ivrs_block_counts(const struct ivrs *t, const struct ivrs_block *b);
/* The next IVHD that counts: one for each unit. */
bool ivrs_next_unit(const struct ivrs *t, uint32_t *pos, struct ivrs_block *out);

/* What the IVRS says of one requester. */
struct ivrs_device {
	struct ivrs_block unit;
	uint16_t alias;          /* requests are handled under this id; its own where there is no alias */
	uint8_t setting;
	bool ats_disabled;
};

/*
 * The unit and settings of requester a. Where several entries speak of it (an IOAPIC and an HPET share one id, an alias
 * range lies inside a plain one) their settings add up, and of unit and alias the last one named counts. ERR_NOT_FOUND:
 * no unit of that segment claims it.
 */
enum status must_use ivrs_device_of(const struct ivrs *t, struct pci_addr a, struct ivrs_device *out);
/* The device that stands for an IOAPIC or HPET in the units that count; *unit is its block. ERR_NOT_FOUND. */
enum status must_use ivrs_special(const struct ivrs *t, enum ivrs_variety variety, uint8_t handle,
				  struct ivrs_block *unit, struct ivrs_entry *out);
/* The next IVMD that speaks of a; *pos starts at 0. */
bool ivrs_memory_of(const struct ivrs *t, struct pci_addr a, uint32_t *pos, struct ivrs_block *out);

/* "ivhd-10h", "ivmd-21h" ...; "unknown" for reserved types. Never NULL. */
const char *ivrs_type_name(uint8_t type);
/* "select", "range-start", "special" ...; "reserved" for reserved codes. Never NULL. */
const char *ivrs_code_name(uint8_t code);

#endif
