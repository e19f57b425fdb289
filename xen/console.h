/* Xen's consoles, for kernel/console.c. Metal only. */
#ifndef PORTCULLIS_XEN_CONSOLE_H
#define PORTCULLIS_XEN_CONSOLE_H

#include "kernel/console.h"

/* "xen": dom0 writes to Xen's own console, other guests to their ring, and until that is there to port 0xe9. */
extern const struct console xen_console;

#endif
