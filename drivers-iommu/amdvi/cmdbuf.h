/*
 * The command buffer (AMD IOMMU 2.4).
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_AMDVI_CMDBUF_H
#define PORTCULLIS_DRIVERS_IOMMU_AMDVI_CMDBUF_H

#include "drivers-iommu/amdvi/cmd.h"
#include "drivers-iommu/amdvi/unit.h"

/*
 * Memory for 2^log2_n (8..15) commands, base register and pointers written; the unit is off. ERR_INVALID,
 * ERR_NO_MEMORY. Running it is a matter of CTL. amdvi_cmdbuf_destroy(): when CmdBufRun = 0.
 */
enum status must_use amdvi_cmdbuf_create(struct amdvi_unit *u, unsigned log2_n);
void amdvi_cmdbuf_destroy(struct amdvi_unit *u);

/*
 * Puts n commands into the ring as they are, legal or not, and moves the tail; does not wait. ERR_BUSY (no command
 * buffer), ERR_FULL (no room for all of them, none was stored).
 */
enum status must_use amdvi_submit(struct amdvi_unit *u, const struct amdvi_cmd *cmds, unsigned n);
/*
 * Until all that was submitted is done, by a COMPLETION_WAIT that stores. ERR_IO: the unit stopped fetching, and
 * amdvi_cmdbuf_restart() makes it usable again. ERR_TIMEOUT, ERR_BUSY.
 */
enum status must_use amdvi_wait(struct amdvi_unit *u);
/* Both. Where the unit stopped, the command buffer has been made usable again, and the call fails with ERR_IO. */
enum status must_use amdvi_execute(struct amdvi_unit *u, const struct amdvi_cmd *cmds, unsigned n);

/*
 * Empties the ring and starts it again: off, pointers to 0, on (AMD IOMMU 2.4). Commands that were in it are lost, so
 * the caller invalidates whatever they were about. ERR_TIMEOUT.
 */
enum status must_use amdvi_cmdbuf_restart(struct amdvi_unit *u);

#endif
