/* kernel/serial_table.c: tables made by hand, whole, cut, and with one thing wrong. */
#include "kernel/serial_table.h"
#include "tests/host/tap.h"

static const uint8_t io_com2[] = { 1, 8, 0, 1, 0xf8, 0x02, 0, 0, 0, 0, 0, 0 };
static const uint8_t mmio[] = { 0, 32, 0, 3, 0x00, 0x00, 0x20, 0xfe, 1, 0, 0, 0 };

static void spcr(void)
{
	uint8_t t[80] = { 'S', 'P', 'C', 'R' };
	struct serial_port p;

	memcpy(t + 40, io_com2, 12);
	ok(serial_from_spcr(t, sizeof(t), &p) && !p.mmio, "SPCR: I/O ports");
	is_u64(p.address, 0x2f8, "where");
	is_u64(p.stride, 1, "byte by byte");
	t[36] = 0x12;
	memcpy(t + 40, mmio, 12);
	ok(serial_from_spcr(t, sizeof(t), &p) && p.mmio, "SPCR: registers in memory");
	is_u64(p.address, UINT64_C(0x1fe200000), "where, above 4 GiB");
	is_u64(p.stride, 4, "32 bits each");
	t[41] = 16;
	t[43] = 0;
	ok(serial_from_spcr(t, sizeof(t), &p), "SPCR: the width alone");
	is_u64(p.stride, 2, "16 bits each");
	t[44] = 1;
	ok(!serial_from_spcr(t, sizeof(t), &p), "a misaligned register is none");
	t[44] = 0;
	t[36] = 3;
	ok(!serial_from_spcr(t, sizeof(t), &p), "another kind of port is none");
	t[36] = 0;
	t[40] = 2;
	ok(!serial_from_spcr(t, sizeof(t), &p), "another address space is none");
	memcpy(t + 40, io_com2, 12);
	t[46] = 1;
	ok(!serial_from_spcr(t, sizeof(t), &p), "no port is above 64 KiB");
	memset(t + 44, 0, 8);
	ok(!serial_from_spcr(t, sizeof(t), &p), "address 0: switched off");
	memcpy(t + 40, io_com2, 12);
	ok(!serial_from_spcr(t, 51, &p), "a table cut before its address ends");
	ok(serial_from_spcr(t, 52, &p), "one that just has it");
}

static size_t device(uint8_t *d, uint16_t type, uint16_t subtype, const uint8_t *gas)
{
	memset(d, 0, 48);
	d[1] = 48;
	d[3] = 1;
	d[12] = (uint8_t)(type % 256);
	d[13] = (uint8_t)(type / 256);
	d[14] = (uint8_t)subtype;
	d[18] = 22;
	memcpy(d + 22, gas, 12);
	return 48;
}

static void dbg2(void)
{
	uint8_t t[44 + 2 * 48] = { 'D', 'B', 'G', '2' };
	struct serial_port p;

	t[36] = 44;
	t[40] = 2;
	device(t + 44, 0x8002, 0, io_com2);
	device(t + 92, 0x8000, 0, mmio);
	ok(serial_from_dbg2(t, sizeof(t), &p), "DBG2: the second device is a serial port");
	is_u64(p.address, UINT64_C(0x1fe200000), "where");
	t[40] = 1;
	ok(!serial_from_dbg2(t, sizeof(t), &p), "devices beyond the count do not count");
	t[40] = 0xff;
	t[92 + 14] = 3;
	ok(!serial_from_dbg2(t, sizeof(t), &p), "none of a known kind, and a count beyond the table");
	t[92 + 14] = 1;
	t[92 + 3] = 0;
	ok(!serial_from_dbg2(t, sizeof(t), &p), "a device without an address");
	t[92 + 3] = 1;
	t[92 + 18] = 40;
	ok(!serial_from_dbg2(t, sizeof(t), &p), "an address that leaves its device");
	t[92 + 18] = 22;
	t[92 + 1] = 49;
	ok(!serial_from_dbg2(t, sizeof(t), &p), "a device that leaves the table");
	t[92 + 1] = 48;
	t[44 + 1] = 0;
	ok(!serial_from_dbg2(t, sizeof(t), &p), "a device without a length");
	t[44 + 1] = 48;
	t[39] = 0xff;
	ok(!serial_from_dbg2(t, sizeof(t), &p), "devices that begin behind the table");
	t[39] = 0;
	for (size_t n = 0; n < sizeof(t); n++) {
		uint8_t exact[sizeof(t)];

		/* At the very end, where the sanitizer sees a byte too many. */
		memcpy(exact + sizeof(exact) - n, t, n);
		ok(!serial_from_dbg2(exact + sizeof(exact) - n, n, &p), "cut at %zu", n);
	}
	ok(serial_from_dbg2(t, sizeof(t), &p), "whole again");
}

int main(void)
{
	spcr();
	dbg2();
	return done();
}
