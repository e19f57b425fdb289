/* Consoles behind one interface: debugcon (QEMU), 16550, and those that others bring. Metal only. */
#ifndef PORTCULLIS_KERNEL_CONSOLE_H
#define PORTCULLIS_KERNEL_CONSOLE_H

#include "kernel/hal.h"

struct console {
	const char *name;
	bool (*probe)(void);
	void (*write)(const char *text, size_t len);
};

/* Adds a console if its probe finds it. Writes go to the first one added, until another is selected. */
void console_add(const struct console *c);
/* Adds debugcon and serial. */
void console_init(void);
/* Once there are ACPI tables: the serial console goes to the port that firmware names, if it names one. */
void console_follow_firmware(void);
/* Writes go to the named one. ERR_NOT_FOUND: unknown or absent; nothing changes. */
enum status must_use console_select(const char *name);

/* From now on fn is given everything that is written, too. */
void console_follow(void (*fn)(const char *text, size_t len));

#endif
