/* Consoles. */
#include "kernel/console.h"
#include "kernel/cpu.h"
#include <string.h>

#define DEBUGCON_PORT 0xe9
#define COM1          0x3f8
#define   UART_DATA   0
#define   UART_IER    1
#define   UART_FCR    2
#define   UART_LCR    3
#define     LCR_DLAB  0x80
#define     LCR_8N1   0x03
#define   UART_MCR    4
#define   UART_LSR    5
#define     LSR_THRE  0x20
#define   UART_SCRATCH 7
#define UART_SPIN_MAX 100000

/* QEMU's debugcon answers its own port number to reads. */
static bool debugcon_probe(void)
{
	return in8(DEBUGCON_PORT) == DEBUGCON_PORT;
}

static void debugcon_write(const char *text, size_t len)
{
	__asm__ volatile("rep outsb" : "+S"(text), "+c"(len) : "d"(DEBUGCON_PORT) : "memory");
}

static bool uart_probe(void)
{
	out8(COM1 + UART_SCRATCH, 0x5a);
	if (in8(COM1 + UART_SCRATCH) != 0x5a)
		return false;
	out8(COM1 + UART_IER, 0);
	out8(COM1 + UART_LCR, LCR_DLAB);
	out8(COM1 + UART_DATA, 1); /* 115200 baud */
	out8(COM1 + UART_IER, 0);
	out8(COM1 + UART_LCR, LCR_8N1);
	out8(COM1 + UART_FCR, 0x07);
	out8(COM1 + UART_MCR, 0x03);
	return true;
}

static void uart_byte(char c)
{
	for (unsigned i = 0; i < UART_SPIN_MAX && !(in8(COM1 + UART_LSR) & LSR_THRE); i++)
		cpu_relax();
	out8(COM1 + UART_DATA, (uint8_t)c);
}

static void uart_write(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			uart_byte('\r');
		uart_byte(text[i]);
	}
}

static const struct console debugcon = { "debugcon", debugcon_probe, debugcon_write };
static const struct console uart = { "serial", uart_probe, uart_write };

#define CONSOLES_MAX 8

/* Best first. */
static struct {
	const struct console *list[CONSOLES_MAX];
	unsigned n;
	const struct console *chosen;
} consoles;

void console_add(const struct console *c)
{
	if (consoles.n == CONSOLES_MAX || !c->probe())
		return;
	consoles.list[consoles.n++] = c;
	if (!consoles.chosen)
		consoles.chosen = c;
}

static void (*follower)(const char *text, size_t len);

void console_init(void)
{
	console_add(&debugcon);
	console_add(&uart);
}

enum status console_select(const char *name)
{
	for (unsigned i = 0; i < consoles.n; i++) {
		if (!strcmp(consoles.list[i]->name, name)) {
			consoles.chosen = consoles.list[i];
			return OK;
		}
	}
	return ERR_NOT_FOUND;
}

void console_write(const char *text, size_t len)
{
	if (consoles.chosen)
		consoles.chosen->write(text, len);
	if (follower)
		follower(text, len);
}

void console_follow(void (*fn)(const char *text, size_t len))
{
	follower = fn;
}

void log_line(const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n = str_printf(line, sizeof(line), "# ");

	va_start(ap, fmt);
	n += str_vprintf(line + n, sizeof(line) - 1 - (size_t)n, fmt, ap);
	va_end(ap);
	n = (int)min_u64((uint64_t)n, sizeof(line) - 2);
	line[n++] = '\n';
	console_write(line, (size_t)n);
}
