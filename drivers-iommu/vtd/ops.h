/*
 * VT-d as struct iommu_ops, in three modes over one code.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_VTD_OPS_H
#define PORTCULLIS_DRIVERS_IOMMU_VTD_OPS_H

#include "drivers-iommu/core.h"
#include "drivers-iommu/vtd/unit.h"

enum vtd_mode {
	VTD_MODE_LEGACY,  /* "vtd-legacy": root and context tables */
	VTD_MODE_SS,      /* "vtd-ss": scalable mode, second stage (PGTT 010) */
	VTD_MODE_FS,      /* "vtd-fs": scalable mode, first stage (PGTT 001) */
};

/* True where the unit can be driven in a mode. */
bool vtd_mode_supported(const struct vtd_unit *u, enum vtd_mode mode);

/*
 * Programs the unit's tables and turns translation on with every request refused, except that reserved memory stays
 * identity-mapped, read and write, for its requesters while they are not attached to a domain of the caller. Enables
 * the invalidation queue where it is off. Translation that is on already stays on and gets the new tables.
 * ERR_UNSUPPORTED (mode), ERR_BUSY (a queue that is on and too narrow), ERR_NO_MEMORY, ERR_INVALID (reserved range),
 * ERR_TIMEOUT, ERR_IO.
 */
enum status must_use vtd_iommu_create(struct vtd_unit *u, enum vtd_mode mode, const struct reserved *reserved,
				      unsigned reserved_n, struct iommu **out);
/*
 * Gives the unit back as create found it: translation off, or on with the tables that it had then; the queue off where
 * create turned it on. Frees all domains and tables. ERR_TIMEOUT, ERR_IO: the unit does not let go; nothing was freed.
 */
enum status vtd_iommu_destroy(struct iommu *io);

#endif
