/*
 * A machine that exists only as a list of functions, for tests of scope resolution: in the kernel and on the host.
 *
 * Segment 0:  00:00.0 host bridge       00:02.0 graphics       00:1f.0
 *             00:1c.0 bridge to 04-07:  04:00.0 bridge to 05-06:  05:01.0 bridge to 06:  06:00.0
 *                                       04:01.0 physical function of small_machine_sriov()
 *             00:1d.0 bridge without bus numbers
 * Segment 1:  00:02.0
 */
#ifndef PORTCULLIS_TESTS_ACPI_SMALL_MACHINE_H
#define PORTCULLIS_TESTS_ACPI_SMALL_MACHINE_H

#include "drivers-pci/pci.h"

#define SMALL_DEVS     10u
#define SMALL_BRIDGE   2u /* index of 00:1c.0 */
#define SMALL_PF_BYTES 0x120u

struct small_machine {
	struct machine machine;
	struct pci_dev devs[SMALL_DEVS];
	struct pci_bus bus;
	uint8_t pf_space[SMALL_PF_BYTES]; /* configuration space of 04:01.0 */
};

/* Fills *m; it must not be moved afterwards. */
void small_machine_init(struct small_machine *m);
/* Virtual functions of 04:01.0: switched on or not, how many, and where (PCI Express 9.3.3). */
void small_machine_sriov(struct small_machine *m, bool on, uint16_t vfs, uint16_t first, uint16_t stride);

#endif
