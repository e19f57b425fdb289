/*
 * The model's fabric and DMA device by themselves: configuration space, windows, which unit a requester is behind, and
 * each command of docs/model-device.md.
 */
#include <stdlib.h>
#include <string.h>
#include "model/fabric.h"
#include "tests/host/model/rig.h"
#include "tests/host/tap.h"

struct bench {
	struct rig r;              /* its RAM and log; its own unit is not used */
	struct mdl_fabric f;
	struct mdl_vtd units[2];
	struct mdl_device devices[3];
	void *cache[2];
	mmio_t bar;                /* of device 0 */
};

static void message(void *ctx, uint64_t address, uint32_t data)
{
	struct rig *r = ctx;

	r->messages[r->messages_n++ % RIG_LOG] = (struct rig_message){ address, data };
}

static void *cache_for(const struct mdl_vtd_config *c)
{
	void *p = malloc(mdl_vtd_cache_bytes(c));

	if (p == NULL)
		exit(2);
	return p;
}

/* Unit 0 for the port 00:03.0 and all below, unit 1 for the rest; devices at 00:01.0, 00:01.4 and 01:00.0. */
static void open_bench(struct bench *b)
{
	const struct mdl_vtd_config *c = mdl_vtd_config_find("everything");
	enum status s;
	int port;

	rig_open(&b->r, "everything");
	mdl_fabric_init(&b->f, &b->r.mem, message, &b->r);
	for (unsigned i = 0; i < 2; i++)
		b->cache[i] = cache_for(c);
	s = mdl_fabric_add_unit(&b->f, &b->units[0], c, b->cache[0], false);
	ok(s == OK && mdl_fabric_add_unit(&b->f, &b->units[1], c, b->cache[1], true) == OK, "two units");
	s = mdl_fabric_add_port(&b->f, 0x18, 0, &port);
	ok(s == OK && mdl_fabric_add_device(&b->f, &b->devices[0], -1, 0x08, MDL_UNITS_MAX) == OK &&
	   mdl_fabric_add_device(&b->f, &b->devices[1], -1, 0x0C, MDL_UNITS_MAX) == OK &&
	   mdl_fabric_add_device(&b->f, &b->devices[2], port, 0x00, MDL_UNITS_MAX) == OK &&
	   mdl_fabric_done(&b->f) == OK,
	   "a port and three devices");
}

static void close_bench(struct bench *b)
{
	free(b->cache[0]);
	free(b->cache[1]);
	rig_close(&b->r);
}

static uint32_t cfg(struct bench *b, uint16_t sid, uint32_t off, unsigned bytes)
{
	return mdl_fabric_cfg_rd(&b->f, sid, off, bytes);
}

static void test_configuration(struct bench *b)
{
	mmio_t w;
	uint32_t bar = cfg(b, 0x0008, 0x10, 4);

	is_u64(cfg(b, 0x0008, 0, 4), 0x4D445043, "vendor and device");
	is_u64(cfg(b, 0x0008, 8, 4), 0xFF000001, "class FF0000h, revision 1");
	is_u64(cfg(b, 0x0008, 0x0E, 1), 0x80, "function 0 of device 1 says that there are others");
	is_u64(cfg(b, 0x0010, 0, 4), UINT32_MAX, "nobody is at 00:02.0");
	is_u64(cfg(b, 0x0018, 0x0E, 1), 1, "a bridge at 00:03.0");
	is_u64(cfg(b, 0x0018, 0x19, 1), 1, "with bus 1 behind it");
	is_u64(cfg(b, 0x0100, 0, 4), 0x4D445043, "and a device there");
	mdl_fabric_cfg_wr(&b->f, 0x0008, 0x10, UINT32_MAX, 4);
	is_u64(cfg(b, 0x0008, 0x10, 4), 0xFFFFC000, "BAR 0 is 16 KiB");
	mdl_fabric_cfg_wr(&b->f, 0x0008, 0x10, bar, 4);
	ok(mdl_fabric_window(&b->f, bar, 0x4000, &w) == ERR_NOT_FOUND, "decoding is off: nothing answers");
	mdl_fabric_cfg_wr(&b->f, 0x0008, 0x04, 6, 2);
	ok(mdl_fabric_window(&b->f, bar, 0x4000, &b->bar) == OK, "decoding on: the device answers");
	is_u64(b->bar.ops->rd(b->bar.ctx, 0, 4), 0x444D4350, "with its ID");
	ok(mdl_fabric_window(&b->f, MDL_UNIT_BASE, 0x1000, &w) == OK && w.ctx == &b->units[0], "unit 0 at its base");
	ok(mdl_fabric_window(&b->f, MDL_UNIT_BASE + MDL_UNIT_STEP, 0x1000, &w) == OK && w.ctx == &b->units[1],
	   "unit 1 behind it");
	ok(mdl_fabric_unit(&b->f, 0x0008)->unit == &b->units[1], "00:01.0 is behind the unit for the rest");
	ok(mdl_fabric_unit(&b->f, 0x0100)->unit == &b->units[0], "01:00.0 behind that of its port");
	mdl_fabric_cfg_wr(&b->f, 0x0018, 0x19, 5, 1);
	ok(cfg(b, 0x0100, 0, 4) == UINT32_MAX && cfg(b, 0x0500, 0, 4) == 0x4D445043 && b->devices[2].sid == 0x0500,
	   "a new bus number moves it");
	mdl_fabric_cfg_wr(&b->f, 0x0018, 0x19, 1, 1);
}

static void test_dmar(struct bench *b)
{
	/* DRHD of unit 0: 16 bytes and a scope of type 2, path (3, 0). */
	static const uint8_t drhd0[] = {
		0, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0xD9, 0xFE, 0, 0, 0, 0, 2, 8, 0, 0, 0, 0, 3, 0,
	};
	unsigned sum = 0;

	for (size_t i = 0; i < b->f.dmar_bytes; i++)
		sum += b->f.dmar[i];
	is_u64(sum % 256, 0, "the checksum of the DMAR is good");
	is_u64(b->f.dmar[36], 51, "HAW - 1");
	ok(memcmp(b->f.dmar + 48, drhd0, sizeof(drhd0)) == 0, "the first DRHD names the port");
	ok(b->f.dmar[72] == 0 && b->f.dmar[76] == 1 && b->f.dmar[74] == 16,
	   "the second is INCLUDE_PCI_ALL without scopes");
}

static void set(struct bench *b, uint32_t off, uint64_t v, unsigned bytes)
{
	b->bar.ops->wr(b->bar.ctx, off, v, bytes);
}

static uint64_t get(struct bench *b, uint32_t off, unsigned bytes)
{
	return b->bar.ops->rd(b->bar.ctx, off, bytes);
}

static uint64_t command(struct bench *b, uint32_t code)
{
	set(b, 0x38, code, 4);
	return get(b, 0x3C, 4);
}

static void test_transfers(struct bench *b)
{
	uint64_t page = rig_pages(&b->r, 2);

	for (unsigned i = 0; i < 32; i += 8)
		set(b, 0x2000 + i, 0x0101010101010101ull * (i + 1), 8);
	set(b, 0x10, page + 0xFF0, 8);
	set(b, 0x18, 32, 4);
	is_u64(command(b, 1), 2, "WRITE over a page boundary: DONE");
	is_u64(get(b, 0x40, 4), 32, "32 bytes moved");
	ok(rig_get(&b->r, page + 0xFF0) == 0x0101010101010101 && rig_get(&b->r, page + 0x1008) == 0x1919191919191919,
	   "both pages have them");
	set(b, 0x1C, 64, 4);
	is_u64(command(b, 2), 2, "READ them back");
	is_u64(get(b, 0x2000 + 64 + 24, 8), 0x1919191919191919, "to another place of the buffer");
	set(b, 0x10, RIG_BASE + RIG_BYTES - 16, 8);
	is_u64(command(b, 2), 6, "READ over the end of memory: DONE, REFUSED");
	ok(get(b, 0x40, 4) == 16 && get(b, 0x2000 + 64 + 24, 8) == UINT64_MAX, "half of it moved, the rest is ffh");
	set(b, 0x18, 0, 4);
	is_u64(command(b, 1), 10, "no length: BAD");
	set(b, 0x18, 8193, 4);
	is_u64(command(b, 1), 10, "longer than the buffer: BAD");
	set(b, 0x18, 8, 4);
	set(b, 0x10, page, 8);
	set(b, 0x30, 5, 8);
	rig_put(&b->r, page, 37);
	is_u64(command(b, 4), 2, "FETCH_ADD");
	ok(get(b, 0x48, 8) == 37 && rig_get(&b->r, page) == 42, "gives the old value and adds");
	set(b, 0x10, page + 4, 8);
	is_u64(command(b, 4), 10, "an unaligned one: BAD");
	is_u64(command(b, 3), 2, "ZERO_READ");
	is_u64(command(b, 99), 10, "an unknown command: BAD");
	set(b, 0x20, 1, 4);
	is_u64(command(b, 1), 10, "a PASID without its enable: BAD");
	set(b, 0x20, 0, 4);
	mdl_fabric_cfg_wr(&b->f, 0x0008, 0x04, 2, 2);
	is_u64(command(b, 2), 10, "no bus mastering: BAD");
	mdl_fabric_cfg_wr(&b->f, 0x0008, 0x04, 6, 2);
	set(b, 0x10, 0xFEE00000, 8);
	set(b, 0x30, 0x4031, 8);
	is_u64(command(b, 8), 2, "MESSAGE");
	ok(b->r.messages_n == 1 && b->r.messages[0].address == 0xFEE00000 && b->r.messages[0].data == 0x4031,
	   "arrives as it is while remapping is off");
	mdl_fabric_cfg_wr(&b->f, 0x0008, 0x48, 0x8000, 2);
	ok(get(b, 0x44, 4) == 0 && cfg(b, 0x0008, 0x04, 2) == 0 && cfg(b, 0x0008, 0x10, 4) == 0,
	   "function-level reset: counters, command and BAR are 0");
}

/* Unit 1 in legacy mode, TT=01: 00:01.0 with one page at 0x5000. */
static void enable_unit(struct bench *b, uint64_t page)
{
	uint64_t root = rig_pages(&b->r, 1), context = rig_pages(&b->r, 1), table = rig_pages(&b->r, 1);

	rig_put(&b->r, root, context | 1);
	rig_put(&b->r, context + 16 * 8, table | 5);
	rig_put(&b->r, context + 16 * 8 + 8, 0x502);
	rig_put(&b->r, rig_entry(&b->r, table, 4, 1, 0x5000, 3), page | 3);
	mdl_vtd_wr(&b->units[1], 0x20, root, 8);
	mdl_vtd_wr(&b->units[1], 0x18, 0x40000000, 4);
	mdl_vtd_wr(&b->units[1], 0x18, 0xC0000000, 4);
}

static void test_ats(struct bench *b)
{
	struct mdl_devtlb_inv inv = { .sid = 0x0008, .address = 0x5000, .bytes = 4096 };
	uint64_t page = rig_pages(&b->r, 1);
	uint32_t bar = 0xE0010000;

	mdl_fabric_cfg_wr(&b->f, 0x0008, 0x10, bar, 4);
	mdl_fabric_cfg_wr(&b->f, 0x0008, 0x04, 6, 2);
	mdl_fabric_cfg_wr(&b->f, 0x0008, 0x106, 0x8000, 2);
	enable_unit(b, page);
	set(b, 0x10, 0x5678, 8);
	is_u64(command(b, 5), 2, "TRANSLATE");
	ok(get(b, 0x48, 8) == page && get(b, 0x50, 8) == 4096 && get(b, 0x58, 4) == 3, "gives page, size, R and W");
	command(b, 6);
	is_u64(get(b, 0x58, 4), 0x103, "LOOKUP finds it");
	inv.address = 0x6000;
	ok(mdl_device_invalidate(&b->devices[0], &inv), "an invalidation beside it is answered");
	command(b, 6);
	is_u64(get(b, 0x58, 4), 0x103, "and drops nothing");
	set(b, 0x08, 2, 4);
	inv.address = 0x5000;
	ok(!mdl_device_invalidate(&b->devices[0], &inv), "WITHHOLD: no answer");
	is_u64(get(b, 0x6C, 4), 1, "one waits");
	command(b, 6);
	is_u64(get(b, 0x58, 4), 0, "the translation is gone all the same");
	set(b, 0x08, 0, 4);
	is_u64(get(b, 0x6C, 4), 0, "released");
	is_u64(mdl_vtd_rd(&b->units[1], 0x34, 4) & 0x20, 0x20, "an answer that the unit did not ask for is ICE");
	is_u64(get(b, 0x68, 4), 2, "two were received");
	set(b, 0x10, 0x9000, 8);
	is_u64(command(b, 5), 2, "TRANSLATE of an unmapped page: DONE");
	is_u64(get(b, 0x50, 8), 0, "no size");
	set(b, 0x20, 8, 4);
	set(b, 0x10, page, 8);
	set(b, 0x18, 8, 4);
	is_u64(command(b, 1), 2, "a translated write");
	set(b, 0x20, 0, 4);
	is_u64(command(b, 1), 6, "the same untranslated: REFUSED");
}

int main(void)
{
	static struct bench b;

	open_bench(&b);
	test_configuration(&b);
	test_dmar(&b);
	test_transfers(&b);
	test_ats(&b);
	close_bench(&b);
	return done();
}
