/* The serial console: a 16550 at the first PC's place, or where firmware says. Metal only. */
#ifndef PORTCULLIS_KERNEL_UART_H
#define PORTCULLIS_KERNEL_UART_H

#include "kernel/console.h"
#include "kernel/serial_table.h"

extern const struct console uart_console;

/*
 * The console goes to another port, whose speed stays as firmware set it. False: nothing can be there, and it stays
 * where it was.
 */
bool uart_move(const struct serial_port *p);

#endif
