/*
 * Registers of the model: what all ones leave in each, reset values, presence by capability, widths of access; the
 * fault log with its overflow and its event; protected regions; virtual commands; global commands.
 */
#include "tests/host/model/rig.h"
#include "tests/host/tap.h"

struct mask {
	const char *name;
	uint32_t off;
	unsigned bytes;
	uint64_t reset, ones; /* after reset; after writing all ones */
};

/* "everything": HAW 52, protected regions of 4 KiB. */
static const struct mask everything[] = {
	{ "VER", 0x000, 4, 0x40, 0x40 },
	{ "GCMD", 0x018, 4, 0, 0 },
	{ "RTADDR", 0x020, 8, 0, 0x000FFFFFFFFFFC00 },
	{ "FEDATA", 0x03C, 4, 0, 0xFFFF },
	{ "FEADDR", 0x040, 4, 0, 0xFFFFFFFC },
	{ "FEUADDR", 0x044, 4, 0, 0xFFFFFFFF },
	{ "AFLOG", 0x058, 8, 0, 0 },
	{ "PMEN", 0x064, 4, 0, 0x80000001 },
	{ "PLMBASE", 0x068, 4, 0, 0xFFFFF000 },
	{ "PLMLIMIT", 0x06C, 4, 0, 0xFFFFF000 },
	{ "PHMBASE", 0x070, 8, 0, 0x000FFFFFFFFFF000 },
	{ "PHMLIMIT", 0x078, 8, 0, 0x000FFFFFFFFFF000 },
	{ "IQH", 0x080, 8, 0, 0 },
	{ "IQT", 0x088, 8, 0, 0x7FFF0 },
	{ "IQA", 0x090, 8, 0, 0x000FFFFFFFFFF807 },
	{ "ICS", 0x09C, 4, 0, 0 },
	{ "IEDATA", 0x0A4, 4, 0, 0xFFFF },
	{ "IEADDR", 0x0A8, 4, 0, 0xFFFFFFFC },
	{ "IEUADDR", 0x0AC, 4, 0, 0xFFFFFFFF },
	{ "IQERCD", 0x0B0, 8, 0, 0 },
	{ "IRTA", 0x0B8, 8, 0, 0x000FFFFFFFFFF80F },
	{ "PQH", 0x0C0, 8, 0, 0x7FFE0 },
	{ "PQT", 0x0C8, 8, 0, 0x7FFE0 },
	{ "PQA", 0x0D0, 8, 0, 0x000FFFFFFFFFF007 },
	{ "PRS", 0x0DC, 4, 0, 0 },
	{ "PECTL", 0x0E0, 4, 0x80000000, 0x80000000 },
	{ "PEDATA", 0x0E4, 4, 0, 0xFFFF },
	{ "PEADDR", 0x0E8, 4, 0, 0xFFFFFFFC },
	{ "PEUADDR", 0x0EC, 4, 0, 0xFFFFFFFF },
	{ "MTRRCAP", 0x100, 8, 0x50A, 0x50A },
	{ "MTRRDEF", 0x108, 8, 0, 0xCFF },
	{ "MTRR_FIX64K", 0x120, 8, 0, UINT64_MAX },
	{ "MTRR_FIX4K_F8000", 0x170, 8, 0, UINT64_MAX },
	{ "MTRR_PHYSBASE0", 0x180, 8, 0, UINT64_MAX },
	{ "MTRR_PHYSMASK9", 0x218, 8, 0, UINT64_MAX },
	{ "PERFCAP", 0x300, 8, 0, 0 },
	{ "VCCAP", 0xE30, 8, 1, 1 },
	{ "IVA", 0x500, 8, 0, 0xFFFFFFFFFFFFF07F },
};

/* "unit2010": HAW 36, regions of 2 MiB, no queue, no interrupt remapping. */
static const struct mask unit2010[] = {
	{ "VER", 0x000, 4, 0x10, 0x10 },
	{ "RTADDR", 0x020, 8, 0, 0x0000000FFFFFFC00 },
	{ "FEUADDR", 0x044, 4, 0, 0 },
	{ "PLMBASE", 0x068, 4, 0, 0xFFE00000 },
	{ "PHMLIMIT", 0x078, 8, 0, 0x0000000FFFE00000 },
	{ "IQH", 0x080, 8, 0, 0 },
	{ "IQT", 0x088, 8, 0, 0 },
	{ "IQA", 0x090, 8, 0, 0 },
	{ "IECTL", 0x0A0, 4, 0, 0 },
	{ "IEDATA", 0x0A4, 4, 0, 0 },
	{ "IRTA", 0x0B8, 8, 0, 0 },
	{ "PQT", 0x0C8, 8, 0, 0 },
	{ "PECTL", 0x0E0, 4, 0, 0 },
	{ "MTRRCAP", 0x100, 8, 0, 0 },
	{ "MTRR_PHYSBASE0", 0x180, 8, 0, 0 },
	{ "VCCAP", 0xE30, 8, 0, 0 },
};

static uint64_t get(struct rig *r, const struct mask *m)
{
	return mdl_vtd_rd(&r->u, m->off, m->bytes);
}

static void masks(const char *config, const struct mask *m, unsigned n)
{
	static struct rig r;

	rig_open(&r, config);
	for (unsigned i = 0; i < n; i++) {
		is_u64(get(&r, &m[i]), m[i].reset, "%s: %s after reset", config, m[i].name);
		mdl_vtd_wr(&r.u, m[i].off, UINT64_MAX, m[i].bytes);
		is_u64(get(&r, &m[i]), m[i].ones, "%s: %s after all ones", config, m[i].name);
		mdl_vtd_wr(&r.u, m[i].off, 0, m[i].bytes);
	}
	rig_close(&r);
}

static void test_access(void)
{
	static struct rig r;

	rig_open(&r, "everything");
	is_u64(rig_reg(&r, 0x38) & UINT32_MAX, 0x80000000, "FECTL: IM=1 after reset");
	is_u64(rig_reg32(&r, 0xA0), 0x80000000, "IECTL: IM=1 after reset");
	rig_set32(&r, 0x38, 0x7FFFFFFF);
	is_u64(rig_reg32(&r, 0x38), 0, "IM is RW, IP and the rest are not");
	is_u64(rig_reg32(&r, 0x08), r.u.st.cfg->cap & UINT32_MAX, "CAP, low half");
	is_u64(rig_reg32(&r, 0x0C), shr(r.u.st.cfg->cap, 32), "CAP, high half");
	rig_set(&r, 0x08, 0);
	rig_set(&r, 0x10, 0);
	is_u64(rig_reg(&r, 0x10), r.u.st.cfg->ecap, "ECAP is read-only");
	rig_set32(&r, 0x24, 0x12345);
	rig_set32(&r, 0x20, 0x6789ABCD);
	is_u64(rig_reg(&r, 0x20), 0x000123456789A800, "RTADDR by halves");
	is_u64(mdl_vtd_rd(&r.u, 0x23, 1), 0x67, "one byte of it");
	is_u64(mdl_vtd_rd(&r.u, 0x22, 2), 0x6789, "two bytes of it");
	/* FEDATA and FEADDR in one QWORD: two registers, both written. */
	rig_set32(&r, 0x3C, 0);
	rig_set(&r, 0x40, 0x12345678FEE01004);
	ok(rig_reg32(&r, 0x40) == 0xFEE01004 && rig_reg32(&r, 0x44) == 0x12345678, "a QWORD over two 32-bit registers");
	is_u64(rig_reg(&r, 0x0F0), 0, "nothing is at 0f0h");
	rig_close(&r);
	rig_open(&r, "strict");
	rig_set(&r, 0x90, 0x800);
	is_u64(rig_reg(&r, 0x90), 0, "IQA.DW is not settable without SMTS and ADMS");
	rig_set(&r, 0xB8, 0x800);
	is_u64(rig_reg(&r, 0xB8), 0, "IRTA.EIME is not settable without EIM");
	rig_close(&r);
}

static void test_commands(void)
{
	static struct rig r;

	rig_open(&r, "strict"); /* three polls */
	rig_set32(&r, 0x18, 0x40000000);
	is_u64(rig_reg32(&r, 0x1C), 0, "SRTP is under way");
	rig_reg32(&r, 0x1C);
	rig_reg32(&r, 0x1C);
	is_u64(rig_reg32(&r, 0x1C), 0x40000000, "RTPS after three reads");
	rig_set32(&r, 0x18, 0x40000000);
	is_u64(rig_reg32(&r, 0x1C), 0, "a second SRTP clears RTPS first");
	rig_command(&r, 0);
	for (unsigned i = 0; i < 4; i++)
		rig_reg32(&r, 0x1C);
	rig_set32(&r, 0x18, 0x08000000);
	is_u64(rig_reg32(&r, 0x1C) & 0x08000000, 0x08000000, "RWBF=1: WBFS while the buffer is flushed");
	for (unsigned i = 0; i < 3; i++)
		rig_reg32(&r, 0x1C);
	is_u64(rig_reg32(&r, 0x1C) & 0x08000000, 0, "then 0");
	rig_close(&r);
	rig_open(&r, "unit2016");
	rig_set32(&r, 0x18, 0x80000000);
	is_u64(rig_reg32(&r, 0x1C), 0, "TE without a root table is not obeyed");
	rig_set32(&r, 0x18, 0x30000000);
	is_u64(rig_reg32(&r, 0x1C), 0, "SFL and EAFL with AFL=0 are ignored");
	rig_command(&r, 0x40000000);
	rig_command(&r, 0x80000000);
	rig_command(&r, 0x01000000);
	rig_command(&r, 0x02000000);
	rig_command(&r, 0x00800000);
	rig_command(&r, 0x04000000);
	is_u64(rig_reg32(&r, 0x1C), 0xC7800000, "TES RTPS QIES IRES IRTPS CFIS");
	rig_command_off(&r, 0x80000000);
	is_u64(rig_reg32(&r, 0x1C), 0x47800000, "TE off leaves the others");
	rig_set32(&r, 0x1C, UINT32_MAX);
	is_u64(rig_reg32(&r, 0x1C), 0x47800000, "GSTS is read-only");
	rig_close(&r);
	rig_open(&r, "unit2010");
	rig_set32(&r, 0x18, 0x07800000);
	is_u64(rig_reg32(&r, 0x1C), 0, "QIE, IRE, SIRTP and CFI do not exist without QI and IR");
	rig_close(&r);
}

static void fail_one(struct rig *r, uint16_t sid, uint64_t address)
{
	rig_try(r, sid, MDL_READ, address, NULL);
}

/* FRCD of unit2016: 8 records at 0x600. */
static void test_fault_log(void)
{
	static struct rig r;

	rig_open(&r, "unit2016");
	rig_set32(&r, 0x3C, 0x53);
	rig_set32(&r, 0x40, 0xFEE00000);
	rig_enable(&r, RIG_NOTHING);
	fail_one(&r, 0x0019, 0x5123);
	is_u64(rig_reg(&r, 0x600), 0x5000, "FI");
	is_u64(rig_reg(&r, 0x608), 0xC000000800000019, "F, T1, FR=08h, SID");
	is_u64(rig_reg32(&r, 0x34), 0x2, "PPF, FRI=0");
	is_u64(rig_reg32(&r, 0x38), 0xC0000000, "masked: IP=1");
	fail_one(&r, 0x001A, 0x6000);
	is_u64(rig_reg(&r, 0x618) & 0xFFFF, 0x1A, "the next one in record 1");
	is_u64(rig_reg32(&r, 0x34), 0x2, "FRI unchanged");
	rig_set32(&r, 0x38, 0);
	is_u64(r.messages_n, 1, "unmasked: one message");
	rig_set32(&r, 0x34, 0x2);
	is_u64(rig_reg32(&r, 0x34), 0x2, "PPF is not cleared by writing 1");
	rig_set(&r, 0x600, 0);
	rig_set(&r, 0x608, 0x7FFFFFFFFFFFFFFF);
	is_u64(rig_reg(&r, 0x608), 0xC000000800000019, "a record is read-only but for F, and 0 does not clear F");
	rig_set32(&r, 0x60C, 0x80000000);
	is_u64(rig_reg(&r, 0x608), 0x4000000800000019, "1 by DWORD does");
	is_u64(rig_reg32(&r, 0x34), 0x2, "PPF stays while another F is set");
	rig_set(&r, 0x618, BIT(63));
	is_u64(rig_reg32(&r, 0x34), 0, "and goes with the last");
	fail_one(&r, 0x0019, 0);
	is_u64(rig_reg32(&r, 0x34), 0x202, "the next is in record 2: FRI=2");
	is_u64(r.messages_n, 2, "with a new message");
	for (unsigned i = 0; i < 7; i++)
		fail_one(&r, (uint16_t)(0x100 + i), 0);
	is_u64(rig_reg32(&r, 0x34), 0x202, "all eight are full");
	is_u64(rig_reg(&r, 0x618) & 0xFFFF, 0x106, "the last went into record 1");
	fail_one(&r, 0x0200, 0);
	is_u64(rig_reg32(&r, 0x34), 0x203, "one more: PFO");
	is_u64(rig_reg(&r, 0x628) & 0xFFFF, 0x19, "no record changed");
	is_u64(r.messages_n, 2, "and no message came");
	rig_set(&r, 0x628, BIT(63));
	fail_one(&r, 0x0200, 0);
	is_u64(rig_reg(&r, 0x628) & 0xFFFF, 0x19, "while PFO=1 nothing is logged, though a record is free");
	rig_set32(&r, 0x34, 1);
	fail_one(&r, 0x0200, 0);
	is_u64(rig_reg(&r, 0x628) & 0xFFFF, 0x200, "after clearing PFO it is");
	for (unsigned i = 0; i < 8; i++)
		rig_set(&r, 0x608 + 16 * i, BIT(63));
	rig_command_off(&r, 0x80000000);
	rig_command(&r, 0x80000000);
	fail_one(&r, 0x0300, 0);
	is_u64(rig_reg(&r, 0x608) & 0xFFFF, 0x300, "TES and IRES 0: the index is back at record 0");
	rig_set32(&r, 0x38, 0x80000000);
	rig_set(&r, 0x608, BIT(63));
	fail_one(&r, 0x0300, 0);
	is_u64(rig_reg32(&r, 0x38), 0xC0000000, "masked: IP=1");
	rig_set(&r, 0x618, BIT(63));
	is_u64(rig_reg32(&r, 0x38), 0x80000000, "everything serviced: IP=0");
	fail_one(&r, 0x0300, 0);
	mdl_vtd_reset_warm(&r.u);
	is_u64(rig_reg32(&r, 0x34) & 0xFF, 0x2, "FSTS survives a warm reset");
	is_u64(rig_reg(&r, 0x628) & 0xFFFF, 0x300, "so do the records");
	is_u64(rig_reg32(&r, 0x1C), 0, "GSTS does not");
	rig_close(&r);
}

/* One record: overflow at once. And where faults of one requester collapse. */
static void test_fault_log_odd(void)
{
	static struct rig r;
	struct mdl_vtd_config c = *mdl_vtd_config_find("unit2016");

	rig_open(&r, "unit2010");
	rig_enable(&r, RIG_NOTHING);
	fail_one(&r, 0x0019, 0);
	fail_one(&r, 0x0019, 0);
	is_u64(rig_reg32(&r, 0x34), 0x3, "one record only: the second fault overflows");
	rig_close(&r);
	c.fault_collapse = true;
	rig_open_config(&r, &c);
	rig_enable(&r, RIG_NOTHING);
	fail_one(&r, 0x0019, 0);
	fail_one(&r, 0x0019, 0x1000);
	is_u64(rig_reg(&r, 0x618), 0, "a second fault of the same requester is dropped where the unit collapses");
	fail_one(&r, 0x001A, 0);
	is_u64(rig_reg(&r, 0x618) & 0xFFFF, 0x1A, "one of another is not");
	rig_close(&r);
}

static void test_protected(void)
{
	static struct rig r;

	rig_open(&r, "unit2010"); /* granule 2 MiB */
	rig_set32(&r, 0x68, 0x400000);
	rig_set32(&r, 0x6C, 0x600000);
	rig_set32(&r, 0x64, 0x80000000);
	is_u64(rig_reg32(&r, 0x64), 0x80000001, "EPM=1: PRS=1");
	is_u64(rig_try(&r, 0x19, MDL_READ, 0x3FFFF8, NULL), 0, "below the low region");
	is_u64(rig_try(&r, 0x19, MDL_READ, 0x400000, NULL), 0x100, "its first byte is blocked");
	is_u64(rig_try(&r, 0x19, MDL_WRITE, 0x7FFFF8, NULL), 0x100, "the limit counts as all ones");
	is_u64(rig_try(&r, 0x19, MDL_READ, 0x800000, NULL), 0, "behind it");
	is_u64(rig_reg32(&r, 0x34), 0, "nothing was recorded");
	rig_set32(&r, 0x6C, 0x200000);
	rig_set(&r, 0x70, 0x100000000);
	rig_set(&r, 0x78, 0x100000000);
	is_u64(rig_try(&r, 0x19, MDL_READ, 0x400000, NULL), 0, "base > limit: no region");
	is_u64(rig_try(&r, 0x19, MDL_READ, 0x100000000, NULL), 0x100, "the high region");
	rig_set32(&r, 0x64, 0);
	is_u64(rig_reg32(&r, 0x64), 0, "EPM=0: PRS=0");
	is_u64(rig_try(&r, 0x19, MDL_READ, 0x100000000, NULL), 0, "open again");
	rig_close(&r);
}

static void test_virtual_command(void)
{
	static struct rig r;

	rig_open(&r, "everything");
	rig_set(&r, 0xE00, 1);
	is_u64(rig_reg(&r, 0xE10), 0x10000, "allocate: PASID 1 at bit 16, SC=0");
	rig_set(&r, 0xE00, 1);
	is_u64(rig_reg(&r, 0xE10), 0x20000, "the next is 2");
	rig_set(&r, 0xE00, 0x10002);
	is_u64(rig_reg(&r, 0xE10), 0, "free 1: SC=0");
	rig_set(&r, 0xE00, 0x10002);
	is_u64(rig_reg(&r, 0xE10), 0x20, "free it again: SC=16 in 7:1");
	rig_set(&r, 0xE00, 1);
	is_u64(rig_reg(&r, 0xE10), 0x10000, "1 can be had again");
	for (unsigned i = 0; i < 65533; i++)
		rig_set(&r, 0xE00, 1);
	is_u64(rig_reg(&r, 0xE10), 0xFFFF0000, "the last one");
	rig_set(&r, 0xE00, 1);
	is_u64(rig_reg(&r, 0xE10), 0x20, "none is left: SC=16");
	rig_set(&r, 0xE10, 0);
	is_u64(rig_reg(&r, 0xE10), 0x20, "VCRSP is read-only");
	rig_close(&r);
	rig_open(&r, "lazy");
	rig_set(&r, 0xE00, 1);
	is_u64(rig_reg(&r, 0xE10), 0x100, "old layout: PASID 1 at bit 8");
	rig_set(&r, 0xE00, 0x502);
	is_u64(rig_reg(&r, 0xE10), 2, "old layout: SC=1 in 2:1");
	rig_close(&r);
}

static void test_configs(void)
{
	struct mdl_vtd_config c = *mdl_vtd_config_find("everything");
	const char *why;

	for (unsigned i = 0; mdl_vtd_configs[i] != NULL; i++) {
		enum status s = mdl_vtd_config_check(mdl_vtd_configs[i], &why);

		ok(s == OK, "configuration %s is legal%s%s", mdl_vtd_configs[i]->name, why ? ": " : "", why ? why : "");
	}
	c.ecap &= ~ECAP_QI;
	ok(mdl_vtd_config_check(&c, &why) == ERR_INVALID && why != NULL, "SMTS without QI is not");
	c = *mdl_vtd_config_find("everything");
	c.cap = (c.cap & ~CAP_FRO) | FLD(CAP_FRO, 0x20);
	ok(mdl_vtd_config_check(&c, NULL) == ERR_INVALID, "nor are fault records over the MTRRs");
	ok(mdl_vtd_config_find("nobody") == NULL, "an unknown name is NULL");
}

int main(void)
{
	masks("everything", everything, ARRAY_LEN(everything));
	masks("unit2010", unit2010, ARRAY_LEN(unit2010));
	test_access();
	test_commands();
	test_fault_log();
	test_fault_log_odd();
	test_protected();
	test_virtual_command();
	test_configs();
	return done();
}
