/*
 * Model machines: the model's fabric, units and devices behind the seam, as a struct machine that tests cannot tell
 * from hardware. Both worlds: the hosted program makes one for each configuration, the kernel for model=.
 */
#ifndef PORTCULLIS_TESTS_MODEL_MACHINE_H
#define PORTCULLIS_TESTS_MODEL_MACHINE_H

#include "kernel/hal.h"
#include "model/fabric.h"

/*
 * A machine named "model.<configuration>": two units of it (one for 00:03.0 and all below, one for all the rest), DMA
 * devices at 00:01.0, .1, .2, .4, 00:11.0, 01:00.0 and 01:00.3, and one at 02:00.0 behind the other unit. Memory comes
 * from mem_alloc(). ERR_NO_MEMORY, ERR_INVALID (configuration).
 */
enum status must_use model_machine_create(const struct mdl_vtd_config *c, struct machine **out);
/* The same with AMD-Vi units: their functions are 00:00.2 and 00:00.3. */
enum status must_use model_machine_create_amdvi(const struct mdl_amd_config *c, struct machine **out);
void model_machine_destroy(struct machine *m);
/*
 * One machine for each configuration that names matches ("on": all but amd-small, else globs), appended to out; *n
 * grows. The errors of model_machine_create(), ERR_FULL beyond max, ERR_NOT_FOUND where names matches none; those made
 * so far stay in out.
 */
enum status must_use model_machines_create(const char *names, struct machine **out, unsigned max, unsigned *n);

/* The unit for all the rest, for tests that look behind the seam. */
struct mdl_fabric *model_machine_fabric(struct machine *m);
/* A counter for whoever tests direct mappings. */
unsigned *model_machine_revocations(struct machine *m);
struct mdl_vtd *model_machine_unit(struct machine *m);
struct mdl_amd *model_machine_unit_amdvi(struct machine *m);

#endif
