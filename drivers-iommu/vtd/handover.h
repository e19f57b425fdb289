/*
 * Taking a unit over from firmware and giving it back as it was.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_VTD_HANDOVER_H
#define PORTCULLIS_DRIVERS_IOMMU_VTD_HANDOVER_H

#include "drivers-iommu/vtd/unit.h"

/* Reads what there is into u->found; writes nothing. */
void vtd_found_read(struct vtd_unit *u);
/* True where firmware left translation, interrupt remapping, the queue or protected memory on. */
bool vtd_found_on(const struct vtd_unit *u);
/*
 * Puts a quiet unit back to u->found: tables, queue, interrupt remapping, translation, protected memory, events.
 * The tables must still be what they were. ERR_TIMEOUT, ERR_IO, ERR_NO_MEMORY (a queue of ours is needed meanwhile).
 */
enum status must_use vtd_give_back(struct vtd_unit *u);

#endif
