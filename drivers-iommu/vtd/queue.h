/*
 * Queued invalidation (VT-d 6.5.2, 11.4.9): the ring, its waits and its errors.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_VTD_QUEUE_H
#define PORTCULLIS_DRIVERS_IOMMU_VTD_QUEUE_H

#include "drivers-iommu/vtd/desc.h"
#include "drivers-iommu/vtd/unit.h"

/*
 * A ring of 2^log2_pages (0..7) pages, 256-bit descriptors where wide (needed by the PASID types, and in scalable
 * mode). ERR_UNSUPPORTED, ERR_INVALID, ERR_BUSY (on already), ERR_NO_MEMORY, ERR_TIMEOUT.
 */
enum status must_use vtd_queue_enable(struct vtd_unit *u, unsigned log2_pages, bool wide);
/*
 * Drains and disables, then frees the ring; also a queue that somebody else left on. OK where it is off already.
 * ERR_TIMEOUT: the unit keeps it on, and the ring stays allocated, since the unit may still read it.
 */
enum status vtd_queue_disable(struct vtd_unit *u);

/*
 * Puts n descriptors into the ring as they are, legal or not, and moves the tail; does not wait. ERR_BUSY (queue is
 * off), ERR_FULL (no room for all of them, none was stored).
 */
enum status must_use vtd_queue_submit(struct vtd_unit *u, const struct vtd_desc *descs, unsigned n);
/*
 * Until all that was submitted is done, by a wait descriptor with status write. ERR_IO: the queue stopped, and
 * u->queue.error says why (vtd_queue_recover() makes it usable again). ERR_TIMEOUT, ERR_BUSY.
 */
enum status must_use vtd_queue_wait(struct vtd_unit *u);
/*
 * After an error: what was not processed yet is replaced by waits that do nothing, the tail set right, the error bits
 * are cleared. OK: the queue runs and is empty. ERR_IO, ERR_TIMEOUT: it does not (wrong width or mode, say).
 */
enum status vtd_queue_recover(struct vtd_unit *u);

/*
 * IQA of a queue that is on. QUIRK vtd-iqa-dw: QEMU 7.2 reads DW as 0; in scalable mode, which needs wide descriptors,
 * it is taken as 1 (vtd.driver.handover.scalable takes seconds without).
 */
uint64_t vtd_iqa_now(const struct vtd_unit *u);

/* Bytes from one descriptor to the next, 16 or 32. */
static inline unsigned vtd_queue_stride(const struct vtd_unit *u)
{
	return u->queue.wide ? 32 : 16;
}

#endif
