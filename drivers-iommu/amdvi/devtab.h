/*
 * The device table (AMD IOMMU 2.2.2), in one piece or in segments, and how its live entries change.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_AMDVI_DEVTAB_H
#define PORTCULLIS_DRIVERS_IOMMU_AMDVI_DEVTAB_H

#include "drivers-iommu/amdvi/entry.h"

#define DEVTAB_SEGMENTS_MAX 8u

struct amdvi_unit;

struct amdvi_devtab {
	pa_t pa[DEVTAB_SEGMENTS_MAX];
	amdvi_dte_t *dte[DEVTAB_SEGMENTS_MAX];
	unsigned segments_log2;  /* DevTblSegEn */
	uint32_t ids_n;          /* device ids that each segment covers, from its first on */
	size_t bytes;            /* of each segment */
};

/*
 * A table in 2^segments_log2 (0..3) segments for device ids below ids_n (1..65536, counted inside each segment), all
 * entries set to value. ERR_INVALID, ERR_NO_MEMORY.
 */
enum status must_use amdvi_devtab_create(struct amdvi_devtab *t, unsigned segments_log2, uint32_t ids_n,
					 amdvi_dte_t value);
void amdvi_devtab_destroy(struct amdvi_devtab *t);
/* The entry of a device id, NULL if the table does not reach it. */
amdvi_dte_t *amdvi_devtab_entry(const struct amdvi_devtab *t, uint16_t device_id);
/* The size field of the base registers. */
unsigned amdvi_devtab_size(const struct amdvi_devtab *t);

/*
 * Changes a live entry by 8-byte stores, so that the unit sees the old value, a blocking one, and the new (AMD IOMMU
 * 2.2.2.2): the entry blocks DMA and is dropped from the caches, its upper words change, it gets its first word and is
 * dropped again. Translations under old_domain_id are dropped in between where old_domain_id is not NULL. ERR_NOT_FOUND
 * (beyond the table), ERR_IO, ERR_TIMEOUT.
 */
enum status must_use amdvi_dte_replace(struct amdvi_unit *u, const struct amdvi_devtab *t, uint16_t device_id,
				       amdvi_dte_t value, const uint16_t *old_domain_id);

#endif
