/*
 * The model of a unit behind a machine, for tests of the driver: the two share names, so their headers do not meet.
 */
#ifndef PORTCULLIS_TESTS_HOST_VTD_MODEL_UNIT_H
#define PORTCULLIS_TESTS_HOST_VTD_MODEL_UNIT_H

#include "drivers-iommu/iommu.h"

#define MODEL_UNIT_BASE PA(UINT64_C(0xfed90000))

/* How many configurations there are, and the name of one. */
unsigned model_units_n(void);
const char *model_unit_name(unsigned i);
/* Power-on state of configuration i; its registers are at MODEL_UNIT_BASE of *m. False: it cannot be made. */
bool model_unit_open(unsigned i, struct machine *m, unsigned *haw_bits);
void model_unit_close(void);

/* What the unit, by its caches, says of a request of 4 bytes. */
struct model_answer {
	bool done, blocked;
	pa_t pa;
	unsigned fault;
};
struct model_answer model_unit_ask(struct requester r, iova_t iova, bool write);

#endif
