/* Consoles. */
#include "kernel/console.h"
#include "kernel/acpi.h"
#include "kernel/cpu.h"
#include "kernel/uart.h"
#include <string.h>

#define DEBUGCON_PORT 0xe9

/* QEMU's debugcon answers its own port number to reads. */
static bool debugcon_probe(void)
{
	return in8(DEBUGCON_PORT) == DEBUGCON_PORT;
}

static void debugcon_write(const char *text, size_t len)
{
	__asm__ volatile("rep outsb" : "+S"(text), "+c"(len) : "d"(DEBUGCON_PORT) : "memory");
}

static const struct console debugcon = { "debugcon", debugcon_probe, debugcon_write };

#define CONSOLES_MAX 8

/* Best first. */
static struct {
	const struct console *list[CONSOLES_MAX];
	unsigned n;
	const struct console *chosen;
} consoles;

static void add(const struct console *c)
{
	if (consoles.n == CONSOLES_MAX)
		return;
	consoles.list[consoles.n++] = c;
	if (!consoles.chosen)
		consoles.chosen = c;
}

void console_add(const struct console *c)
{
	if (c->probe())
		add(c);
}

static void (*follower)(const char *text, size_t len);

void console_init(void)
{
	console_add(&debugcon);
	console_add(&uart_console);
}

/* Where the serial console is by SPCR, else by DBG2. */
static bool firmware_port(struct serial_port *out)
{
	size_t n;
	bool good;
	const uint8_t *t = acpi_find("SPCR", &n, &good);

	if (t && good && serial_from_spcr(t, n, out))
		return true;
	t = acpi_find("DBG2", &n, &good);
	return t && good && serial_from_dbg2(t, n, out);
}

void console_follow_firmware(void)
{
	struct serial_port port;

	if (!firmware_port(&port) || !uart_move(&port))
		return;
	if (console_select(uart_console.name) != OK)
		add(&uart_console);
	consoles.chosen = consoles.list[0]; /* best first, as before */
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
