/* Consoles behind one interface: debugcon (QEMU), 16550. Metal only. */
#ifndef PORTCULLIS_KERNEL_CONSOLE_H
#define PORTCULLIS_KERNEL_CONSOLE_H

#include "kernel/hal.h"

struct console {
	const char *name;
	bool (*probe)(void);
	void (*write)(const char *text, size_t len);
};

/* Finds consoles; writes go to the first of debugcon, serial that is there. */
void console_init(void);
/* Writes go to the named one. ERR_NOT_FOUND: unknown or absent; nothing changes. */
enum status must_use console_select(const char *name);

#endif
