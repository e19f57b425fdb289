/* The hardware as a struct machine. */
#ifndef PORTCULLIS_KERNEL_METAL_H
#define PORTCULLIS_KERNEL_METAL_H

#include "kernel/hal.h"

/* Segments from ACPI. The one machine that is not a model. */
struct machine *metal_machine(void);

#endif
