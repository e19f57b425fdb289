/*
 * The command buffer, the event log and the register file against golden vectors: which bits commands may have,
 * stopping and going on, overflow and restart, what registers keep.
 */
#include "tests/host/model_amdvi/rig.h"
#include "tests/host/tap.h"

#define OP(n)  ((n) * UINT64_C(0x1000000000000000))
#define SID_A  0x0019u

/* Bits that a command may have set, by the manual's layouts, on a unit that has everything. */
static const struct { uint64_t op, may0, may1; } commands[] = {
	{ 1, 0x000FFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF }, { 2, 0x000000000000FFFF, 0 },
	{ 3, 0x0000FFFF000FFFFF, 0xFFFFFFFFFFFFF007 }, { 4, 0x0FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFF035 },
	{ 5, 0x000000000000FFFF, 0 }, { 6, 0x000FFFFFFF00FFFF, 0xFFFFFFFFFFFFF015 },
	{ 7, 0x000FFFFF0000FFFF, 0x0000FFFF00000004 }, { 8, 0, 0 },
};

static bool illegal(struct arig *r, uint64_t q0, uint64_t q1)
{
	uint64_t event[2];
	bool was;

	arig_command(r, q0, q1);
	was = (arig_reg(r, 0x2020) & BIT(4)) == 0;
	if (arig_event(r, event) != was || (was && event[0] != OP(5)))
		return !was; /* stop and event belong together: neither answer is right then */
	if (was) {
		arig_set(r, 0x0018, 0x0405);
		arig_set(r, 0x2000, 0);
		arig_set(r, 0x2008, 0);
		arig_set(r, 0x0018, 0x1405);
	}
	return was;
}

static void test_reserved_bits(void)
{
	struct arig r;

	arig_open(&r, "amd-everything");
	arig_enable(&r, 0);
	for (unsigned i = 0; i < ARRAY_LEN(commands); i++) {
		unsigned wrong = 0;

		ok(!illegal(&r, OP(commands[i].op), 0), "command %u without operands is legal", i + 1);
		for (unsigned bit = 0; bit < 124; bit++) {
			uint64_t q0 = bit < 60 ? BIT(bit) : 0, q1 = bit < 60 ? 0 : BIT(bit - 60);
			bool may = ((q0 & commands[i].may0) | (q1 & commands[i].may1)) != 0;

			/* A store needs an address that is there. */
			if (commands[i].op == 1 && q0 == 1)
				continue;
			if (illegal(&r, OP(commands[i].op) | q0, q1) == may)
				tap_diag("command %u: word %u", i + 1, bit), wrong++;
		}
		is_u64(wrong, 0, "command %u: each bit alone is legal or not as it should be", i + 1);
	}
	ok(illegal(&r, 0, 0), "opcode 0 is illegal");
	for (unsigned op = 9; op < 16; op++)
		ok(illegal(&r, OP(op), 0), "opcode %u is illegal", op);
	arig_close(&r);
}

static void test_absent(void)
{
	static const uint64_t needing[] = { 4, 6, 7, 8 };
	struct arig r;

	arig_open(&r, "amd-small");
	arig_enable(&r, 0);
	for (unsigned i = 0; i < ARRAY_LEN(needing); i++)
		ok(illegal(&r, OP(needing[i]), 0), "command %u without its feature is illegal", (unsigned)needing[i]);
	ok(illegal(&r, OP(3), 4), "GN=1 without guests is illegal");
	ok(!illegal(&r, OP(3), 3), "GN=0 is legal");
	arig_close(&r);
}

static void test_wait(void)
{
	struct arig r;
	uint64_t page;

	arig_open(&r, "amd-everything");
	arig_enable(&r, 0);
	page = arig_pages(&r, 1);
	arig_put(&r, page, 1);
	arig_put(&r, page + 16, 2);
	arig_command(&r, OP(1) | (page + 8) | 1, 0x1122334455667788);
	is_u64(arig_get(&r, page + 8), 0x1122334455667788, "COMPLETION_WAIT stores eight bytes");
	ok(arig_get(&r, page) == 1 && arig_get(&r, page + 16) == 2, "and no more");
	is_u64(arig_reg(&r, 0x2000), 16, "the head has moved");
	is_u64(arig_reg(&r, 0x2020), 0x18, "I=0 sets no status");
	arig_command(&r, OP(1) | (page + 8), 5);
	is_u64(arig_get(&r, page + 8), 0x1122334455667788, "S=0 stores nothing");
	arig_command(&r, OP(1) | 2, 0);
	is_u64(arig_reg(&r, 0x2020), 0x1C, "I=1 sets ComWaitInt");
	is_u64(r.messages_n, 0, "and sends nothing without ComWaitIntEn and MSI");
	arig_set(&r, 0x2020, 0);
	is_u64(arig_reg(&r, 0x2020), 0x1C, "writing 0 clears nothing");
	arig_set(&r, 0x2020, 4);
	is_u64(arig_reg(&r, 0x2020), 0x18, "writing 1 clears");
	/* MSI: address and data in the function's capability. */
	mdl_amd_cfg_wr(&r.u, 0x64, 0xFEE01000, 4);
	mdl_amd_cfg_wr(&r.u, 0x6C, 0x4041, 4);
	mdl_amd_cfg_wr(&r.u, 0x62, 1, 2);
	arig_set(&r, 0x0018, 0x1415);
	arig_command(&r, OP(1) | 2, 0);
	arig_command(&r, OP(1) | 2, 0);
	is_u64(r.messages_n, 1, "ComWaitIntEn: one message as long as the bit is set");
	is_u64(r.messages[0].address, 0xFEE01000, "to the MSI address");
	is_u64(r.messages[0].data, 0x4041, "with the MSI data");
	/* XT: destination 1A2B3C4Dh, vector 77h, arbitrated, logical. */
	arig_set(&r, 0x2020, 4);
	arig_set(&r, 0x0170, 0x1A0001772B3C4D04);
	arig_set(&r, 0x0018, 0x1415 | BIT(51));
	arig_command(&r, OP(1) | 2, 0);
	is_u64(r.messages[1].address, 0x1A2B3C00FEE4D004, "IntCapXTEn: the address of register 0170h");
	is_u64(r.messages[1].data, 0x177, "and its vector");
	arig_close(&r);
}

static void test_stop(void)
{
	struct arig r;
	uint64_t page, event[2];

	arig_open(&r, "amd-everything");
	arig_enable(&r, 0);
	page = arig_pages(&r, 1);
	arig_set(&r, 0x0018, 0x0405);
	arig_put(&r, r.commands, OP(1) | page | 1);
	arig_put(&r, r.commands + 8, 1);
	arig_put(&r, r.commands + 16, OP(15));
	arig_put(&r, r.commands + 32, OP(1) | page | 1);
	arig_put(&r, r.commands + 40, 2);
	arig_set(&r, 0x2008, 48);
	is_u64(arig_get(&r, page), 0, "a tail written with CmdBufEn=0 starts nothing");
	arig_set(&r, 0x0018, 0x1405);
	is_u64(arig_get(&r, page), 1, "commands before an illegal one run, those behind do not");
	is_u64(arig_reg(&r, 0x2020), 0x0A, "CmdBufRun falls; the log has an entry");
	ok(arig_event(&r, event) && event[0] == OP(5) && event[1] == r.commands + 16,
	   "with the address of the command");
	arig_set(&r, 0x2000, 32);
	is_u64(arig_reg(&r, 0x2000), 32, "the head can be set while the ring stands");
	is_u64(arig_get(&r, page), 1, "which alone does not let it go on");
	arig_set(&r, 0x0018, 0x0405);
	arig_set(&r, 0x0018, 0x1405);
	is_u64(arig_get(&r, page), 2, "CmdBufEn off and on does");
	arig_set(&r, 0x2000, 0);
	is_u64(arig_reg(&r, 0x2000), 48, "the head of a running ring is not written");
	arig_set(&r, 0x0008, page);
	is_u64(arig_reg(&r, 0x0008), r.commands | UINT64_C(0x0800000000000000), "nor its base");
	/* A store into nothing, then a ring that is not there. */
	arig_command(&r, OP(1) | ARIG_NOTHING | 1, 0);
	ok(arig_event(&r, event) && event[0] == 0x6200000000000000 && event[1] == ARIG_NOTHING,
	   "a store that fails stops, too");
	arig_set(&r, 0x0018, 0x0405);
	arig_set(&r, 0x0008, ARIG_NOTHING | UINT64_C(0x0800000000000000));
	is_u64(arig_reg(&r, 0x2008), 0, "a new base sets the tail to 0");
	arig_set(&r, 0x2008, 16);
	arig_set(&r, 0x0018, 0x1405);
	ok(arig_event(&r, event) && event[0] == 0x6200000000000000 && event[1] == ARIG_NOTHING,
	   "so does a fetch that fails");
	arig_close(&r);
}

/* 4h waits for its device; with InvTimeOut it gives up. */
static void test_devices(void)
{
	struct arig r;
	uint64_t page, event[2];

	arig_open(&r, "amd-everything");
	arig_enable(&r, 0);
	page = arig_pages(&r, 1);
	arig_dte(&r, SID_A, 3, BIT(32), 0, 0);
	/* PASID A5C3Eh: 3E in 55:48, 5C in 23:16, A in 59:56. S=1: 2 MiB. */
	arig_command(&r, OP(4) | 0x0A3E0000005C0000 | SID_A, 0x122FF000 | 5);
	is_u64(r.invs_n, 1, "4h reaches the device");
	ok(r.invs[0].sid == SID_A && r.invs[0].has_pasid && r.invs[0].pasid == 0xA5C3E,
	   "with the PASID from its three pieces");
	ok(r.invs[0].address == 0x12200000 && r.invs[0].bytes == 0x200000, "and the range that its ones encode");
	r.withhold = true;
	arig_command(&r, OP(4) | 0x20, 0);
	arig_command(&r, OP(1) | page | 1, 1);
	is_u64(arig_get(&r, page), 1, "a device that can have no translations is not waited for");
	arig_command(&r, OP(4) | SID_A, 0);
	arig_command(&r, OP(1) | page | 1, 2);
	is_u64(arig_get(&r, page), 1, "COMPLETION_WAIT waits for one that can");
	mdl_amd_devtlb_answer(&r.u, SID_A);
	is_u64(arig_get(&r, page), 2, "until it answers");
	arig_set(&r, 0x0018, 0x1405 | 2 * BIT(5));
	arig_command(&r, OP(4) | SID_A, 0);
	arig_command(&r, OP(1) | page | 1, 3);
	for (unsigned i = 0; i < 1000 && arig_get(&r, page) != 3; i++)
		arig_reg(&r, 0x2020);
	is_u64(arig_get(&r, page), 3, "or its time is over");
	ok(arig_event(&r, event) && event[0] == (OP(7) | SID_A) && (event[1] & 15) == 0 && event[1] > r.commands,
	   "which is logged with the address of the command");
	arig_close(&r);
}

/* ---- the event log ---- */

static void fault(struct arig *r)
{
	arig_look(r, SID_A, MDL_READ, 0x5000);
}

static void test_log(void)
{
	struct arig r;
	uint64_t event[2];

	arig_open(&r, "amd-everything");
	arig_enable(&r, 0);
	arig_dte(&r, SID_A, 3, 0, 0, 0);
	fault(&r);
	is_u64(arig_reg(&r, 0x2018), 16, "an event moves the tail by 16");
	is_u64(arig_reg(&r, 0x2020), 0x1A, "and sets EventLogInt");
	for (unsigned i = 1; i < 255; i++)
		fault(&r);
	is_u64(arig_reg(&r, 0x2018), 0xFF0, "255 entries fit");
	is_u64(arig_reg(&r, 0x2020), 0x1A, "without overflow");
	fault(&r);
	is_u64(arig_reg(&r, 0x2020), 0x13, "the next one overflows, and EventLogRun falls");
	is_u64(arig_reg(&r, 0x2018), 0xFF0, "the tail stays");
	arig_set(&r, 0x2010, 0x100);
	fault(&r);
	is_u64(arig_reg(&r, 0x2018), 0xFF0, "room alone does not let the log go on");
	arig_set(&r, 0x2020, 1);
	fault(&r);
	is_u64(arig_reg(&r, 0x2018), 0xFF0, "nor does clearing EventOverflow");
	arig_set(&r, 0x0018, 0x1401);
	arig_set(&r, 0x0018, 0x1405);
	fault(&r);
	is_u64(arig_reg(&r, 0x2018), 0, "off and on does, and the log wraps");
	ok(arig_event(&r, event) && event[0] == 0x2050000000000019 && event[1] == 0x5000, "entries are as they were");
	arig_set(&r, 0x0018, 0x1401);
	is_u64(arig_look(&r, SID_A, MDL_READ, 0).kind, MDL_BLOCKED,
	       "without the log requests are blocked all the same");
	is_u64(arig_reg(&r, 0x2018), 0, "and nothing is logged");
	arig_set(&r, 0x0018, 0x1404);
	is_u64(arig_look(&r, SID_A, MDL_READ, 0x77).address, 0x77, "with IommuEn=0 they pass");
	is_u64(arig_reg(&r, 0x2020) & 0x18, 0, "and nothing runs");
	is_u64(mdl_amd_cfg_rd(&r.u, 0x06, 2) & 0x800, 0x800, "the function signals its target abort");
	mdl_amd_cfg_wr(&r.u, 0x06, 0x800, 2);
	is_u64(mdl_amd_cfg_rd(&r.u, 0x06, 2), 0x10, "until that is cleared");
	arig_close(&r);
}

/* ---- registers ---- */

/* What reads back after all ones, and after zeros; bases whose length would be 0 keep what they have. */
static const struct { uint32_t off; uint64_t ones, zeros; const char *what; } registers[] = {
	{ 0x0000, 0x000FFFFFFFFFF1FF, 0, "device table base" },
	{ 0x0008, 0x0F0FFFFFFFFFF000, 0x0F0FFFFFFFFFF000, "command buffer base" },
	{ 0x0010, 0x0F0FFFFFFFFFF000, 0x0F0FFFFFFFFFF000, "event log base" },
	{ 0x0020, 0x000FFFFFFFFFF003, 0, "exclusion base" },
	{ 0x0028, 0x000FFFFFFFFFF000, 0, "exclusion limit" },
	{ 0x0038, 0x0F0FFFFFFFFFF000, 0x0F0FFFFFFFFFF000, "PPR log base" },
	{ 0x0058, 0, 0, "a reserved offset" },
	{ 0x0068, 0x3FFFF, 0x3FFFF, "an SMI filter, locked" },
	{ 0x00E8, 0x000FFFFFFFFFFFF8, 0, "GA log tail address" },
	{ 0x0108, 0x000FFFFFFFFFF0FF, 0, "segment 2" },
	{ 0x0138, 0, 0, "device-specific features" },
	{ 0x0170, 0xFF0001FFFFFFFF04, 0, "XT interrupt control" },
	{ 0x2000, 0x7FFF0, 0, "command head" },
	{ 0x2008, 0x7FFF0, 0, "command tail" },
	{ 0x2010, 0x7FFF0, 0, "event head" },
	{ 0x2018, 0x7FFF0, 0, "event tail" },
	{ 0x2040, 0x7FFF8, 0, "GA head" },
	{ 0x2088, 0xC0007FFF, 0, "PPR early overflow" },
	{ 0x3000, 0, 0, "an offset without a register" },
};

static void test_registers(void)
{
	struct arig r;

	arig_open(&r, "amd-everything");
	is_u64(arig_reg(&r, 0x0008), 0x0800000000000000, "lengths are 8 at reset");
	is_u64(arig_reg(&r, 0x0018), 0, "control is 0");
	arig_set(&r, 0x0008, 0x0700000000001000);
	is_u64(arig_reg(&r, 0x0008), 0x0800000000000000, "a length of 7 is not taken");
	arig_set(&r, 0x2008, 0x1000);
	is_u64(arig_reg(&r, 0x2008), 0, "a pointer behind the ring is not taken");
	arig_set(&r, 0x00E0, 0x0F00000000000000);
	for (unsigned i = 0; i < ARRAY_LEN(registers); i++) {
		arig_set(&r, registers[i].off, UINT64_MAX);
		is_u64(arig_reg(&r, registers[i].off), registers[i].ones, "%s: ones", registers[i].what);
		arig_set(&r, registers[i].off, 0);
		is_u64(arig_reg(&r, registers[i].off), registers[i].zeros, "%s: zeros", registers[i].what);
	}
	arig_set(&r, 0x0000, UINT64_MAX);
	mdl_amd_wr(&r.u, 0x0004, 0, 4);
	is_u64(arig_reg(&r, 0x0000), 0xFFFFF1FF, "half a register is written by 32 bits");
	is_u64(mdl_amd_rd(&r.u, 0x0001, 1), UINT64_MAX, "a byte cannot be read");
	is_u64(arig_reg(&r, 0x0030), r.config.efr, "EFR is there");
	arig_set(&r, 0x0030, 0);
	is_u64(arig_reg(&r, 0x0030), r.config.efr, "and cannot be written");
	is_u64(mdl_amd_rd(&r.u, 0x0150, 4), mdl_amd_cfg_rd(&r.u, 0x50, 4), "0150h mirrors Misc0");
	mdl_amd_wr(&r.u, 0x015C, 0xFEE00000, 4);
	is_u64(mdl_amd_cfg_rd(&r.u, 0x64, 4), 0xFEE00000, "015Ch writes the MSI address");
	is_u64(mdl_amd_cfg_rd(&r.u, 0x40, 4), 0x190B600F,
	       "the capability block: 0Fh, IOMMU, revision 1, IotlbSup, EFRSup, CapExt");
	is_u64(mdl_amd_cfg_rd(&r.u, 0x44, 4), 0xFEA00001, "the base, enabled");
	mdl_amd_cfg_wr(&r.u, 0x44, 0, 4);
	is_u64(mdl_amd_cfg_rd(&r.u, 0x44, 4), 0xFEA00001, "and locked");
	arig_close(&r);
	arig_open(&r, "amd-small");
	arig_set(&r, 0x0018, UINT64_MAX & ~UINT64_C(1));
	is_u64(arig_reg(&r, 0x0018), 0x0800000000001FFE, "control bits of absent features read 0");
	arig_close(&r);
}

int main(void)
{
	test_reserved_bits();
	test_absent();
	test_wait();
	test_stop();
	test_devices();
	test_log();
	test_registers();
	return done();
}
