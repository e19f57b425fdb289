/* 16550. */
#include "kernel/uart.h"
#include "kernel/cpu.h"
#include "kernel/paging.h"

#define COM1          0x3f8
#define   UART_DATA   0
#define   UART_IER    1
#define   UART_FCR    2
#define     FCR_CLEAR 0x07
#define   UART_LCR    3
#define     LCR_DLAB  0x80
#define     LCR_8N1   0x03
#define   UART_MCR    4
#define     MCR_READY 0x03
#define   UART_LSR    5
#define     LSR_THRE  0x20
#define     LSR_NONE  0xff /* nobody there */
#define   UART_SCRATCH 7
#define UART_REGISTERS 8
#define UART_SPIN_MAX 100000

static struct {
	struct serial_port port;
	volatile void *regs; /* of a port in memory */
	bool stuck;          /* one byte was never taken: the others are not waited for */
} uart = { .port = { .address = COM1, .stride = 1 } };

static uint8_t rd(unsigned reg)
{
	volatile char *at = (volatile char *)uart.regs + reg * uart.port.stride;

	if (!uart.regs)
		return in8((uint16_t)(uart.port.address + reg));
	/* The narrowing keeps the register, which is in the low byte. */
	return uart.port.stride == 4 ? (uint8_t)*(volatile uint32_t *)(volatile void *)at :
	       uart.port.stride == 2 ? (uint8_t)*(volatile uint16_t *)(volatile void *)at : *(volatile uint8_t *)at;
}

static void wr(unsigned reg, uint8_t v)
{
	volatile char *at = (volatile char *)uart.regs + reg * uart.port.stride;

	if (!uart.regs)
		out8((uint16_t)(uart.port.address + reg), v);
	else if (uart.port.stride == 4)
		*(volatile uint32_t *)(volatile void *)at = v;
	else if (uart.port.stride == 2)
		*(volatile uint16_t *)(volatile void *)at = v;
	else
		*(volatile uint8_t *)at = v;
}

static bool probe(void)
{
	wr(UART_SCRATCH, 0x5a);
	if (rd(UART_SCRATCH) != 0x5a)
		return false;
	wr(UART_IER, 0);
	wr(UART_LCR, LCR_DLAB);
	wr(UART_DATA, 1); /* 115200 baud */
	wr(UART_IER, 0);
	wr(UART_LCR, LCR_8N1);
	wr(UART_FCR, FCR_CLEAR);
	wr(UART_MCR, MCR_READY);
	return true;
}

static void put(char c)
{
	unsigned i = 0;

	while (!uart.stuck && !(rd(UART_LSR) & LSR_THRE)) {
		uart.stuck = ++i == UART_SPIN_MAX;
		cpu_relax();
	}
	wr(UART_DATA, (uint8_t)c);
}

static void write_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			put('\r');
		put(text[i]);
	}
}

bool uart_move(const struct serial_port *p)
{
	const struct serial_port before = uart.port;
	volatile void *regs = p->mmio ? paging_map_device(PA(p->address), UART_REGISTERS * p->stride) : NULL;

	if (p->mmio && !regs)
		return false;
	uart.port = *p;
	uart.regs = regs;
	uart.stuck = false;
	if (rd(UART_LSR) != LSR_NONE) {
		wr(UART_IER, 0); /* nobody answers its interrupts */
		return true;
	}
	uart.port = before; /* in I/O ports: there is no other way to come here twice */
	uart.regs = NULL;
	return false;
}

const struct console uart_console = { "serial", probe, write_text };
