/*
 * AMD-Vi as struct iommu_ops, by host tables or by guest tables.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_AMDVI_OPS_H
#define PORTCULLIS_DRIVERS_IOMMU_AMDVI_OPS_H

#include "drivers-iommu/amdvi/unit.h"
#include "drivers-iommu/core.h"

enum amdvi_mode {
	AMDVI_MODE_V1,    /* "amdvi-v1": host tables, 4 levels */
	AMDVI_MODE_V1_3,  /* "amdvi-v1-3": 3 levels */
	AMDVI_MODE_V1_6,  /* "amdvi-v1-6": 6 levels */
	AMDVI_MODE_V2,    /* "amdvi-v2": guest tables of 4 levels behind a GCR3 table for each function */
};

/* What the IVRS says of a function: amdvi_function is one ivrs_device_of(). */
struct amdvi_function {
	uint16_t device_id;
	uint16_t alias;          /* its requests come under this id, too */
	uint8_t setting;
};

/* How a unit is driven. The lists are read during create only. */
struct amdvi_config {
	enum amdvi_mode mode;
	const struct amdvi_function *functions; /* every function that may be attached */
	unsigned functions_n;
	const struct reserved *reserved;        /* IVMD */
	unsigned reserved_n;
};

/* True where the unit can be driven in a mode. */
bool amdvi_mode_supported(const struct amdvi_unit *u, enum amdvi_mode mode);

/*
 * Programs a quiet unit and turns it on with every request refused, except that reserved memory stays identity-mapped
 * for its requesters while they are not attached to a domain of the caller. Interrupts pass. ERR_UNSUPPORTED (mode),
 * ERR_BUSY (the unit is on), ERR_NO_MEMORY, ERR_INVALID (reserved range), ERR_TIMEOUT, ERR_IO.
 */
enum status must_use amdvi_iommu_create(struct amdvi_unit *u, const struct amdvi_config *config, struct iommu **out);
/* Turns the unit off, frees all domains and tables. ERR_TIMEOUT: the unit does not let go; nothing was freed. */
enum status amdvi_iommu_destroy(struct iommu *io);

#endif
