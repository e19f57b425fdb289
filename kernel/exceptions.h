/* Exceptions, with a register dump and recovery, and where interrupts are handed on. Metal only. */
#ifndef PORTCULLIS_KERNEL_EXCEPTIONS_H
#define PORTCULLIS_KERNEL_EXCEPTIONS_H

#include "kernel/cpu.h"

/* Called by vectors.asm for every vector. */
void exception_dispatch(struct frame *f);

#endif
