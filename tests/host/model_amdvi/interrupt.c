/*
 * Interrupt remapping of the AMD-Vi model against golden vectors: entries of 32 and of 128 bits, what passes and what
 * is blocked, guest interrupts.
 */
#include "tests/host/model_amdvi/rig.h"
#include "tests/host/tap.h"

#define SID_A  0x0019u
#define MSI    UINT64_C(0xFEE00000)
#define IV     UINT64_C(1)
#define REMAP  (UINT64_C(2) * BIT(60))

static uint64_t table;

/* A table of 2^len entries; more on top of the third word. */
static void open(struct arig *r, const char *config, uint64_t ctl, unsigned len, uint64_t more)
{
	arig_open(r, config);
	arig_enable(r, ctl);
	table = arig_pages(r, 8) + 128;
	arig_dte(r, SID_A, 0, 0x77, IV | table | len * 2u | more, 0);
}

/* The data of the message that arrived, all ones: none did. */
static uint64_t sent(struct arig *r, uint64_t address, uint32_t data)
{
	r->messages_n = 0;
	mdl_amd_interrupt(&r->u, SID_A, address, data);
	return r->messages_n == 1 ? r->messages[0].data : UINT64_MAX;
}

static uint64_t event_of(struct arig *r)
{
	uint64_t event[2];

	return arig_event(r, event) ? event[0] : 0;
}

static void test_narrow(void)
{
	struct arig r;

	open(&r, "amd-2015", 0, 9, REMAP);
	arig_put(&r, table,
		 0x00555A4500EE1201); /* entry 0: vector EE, destination 12; entry 1: 55, 5A, DM, arbitrated */
	is_u64(sent(&r, MSI, 0x4000), 0xEE, "entry 0: its vector");
	is_u64(r.messages[0].address, 0xFEE12000, "its destination");
	is_u64(sent(&r, MSI, 0x4001), 0x155, "entry 1: vector and type");
	is_u64(r.messages[0].address, 0xFEE5A004, "logical destination");
	arig_put(&r, table + 4 * 510, 0x0042000100000000);
	is_u64(sent(&r, MSI, 0x1FF), 0x42, "entry 511");
	is_u64(sent(&r, MSI, 2), UINT64_MAX, "RemapEn=0 is blocked");
	is_u64(event_of(&r), 0x2008007700000019, "IO_PAGE_FAULT with I=1, PR=0");
	arig_put(&r, table + 8, 2);
	is_u64(sent(&r, MSI, 2), UINT64_MAX, "with SupIOPF=1, too");
	is_u64(event_of(&r), 0, "and nothing is logged");
	arig_put(&r, table + 8, 0x09);
	is_u64(sent(&r, MSI, 2), UINT64_MAX, "IntType 010b is blocked");
	is_u64(event_of(&r), 0x2098007700000019, "PR=1, RZ=1");
	arig_put(&r, table + 8, 0x81);
	arig_command(&r, UINT64_C(0x5000000000000019), 0);
	is_u64(sent(&r, MSI, 2), UINT64_MAX, "GuestMode=1 is blocked");
	is_u64(event_of(&r), 0x2098007700000019, "PR=1, RZ=1");
	arig_close(&r);
	open(&r, "amd-2015", 0, 1, REMAP);
	is_u64(sent(&r, MSI, 2), UINT64_MAX, "index 2 of 2 is blocked");
	is_u64(event_of(&r), 0x2008007700000019, "PR=0");
	arig_close(&r);
	open(&r, "amd-2015", 0, 1, REMAP | BIT(5));
	is_u64(sent(&r, MSI, 2), UINT64_MAX, "with IG=1, too");
	is_u64(event_of(&r), 0, "and nothing is logged");
	arig_close(&r);
}

static void test_wide(void)
{
	struct arig r;

	open(&r, "amd-everything", BIT(17), 11, REMAP);
	arig_put(&r, table + 16, 0x0000000000003405);
	arig_put(&r, table + 24, 0x00000000000000C1);
	is_u64(sent(&r, MSI, 1), 0x1C1, "128 bits: vector and type");
	is_u64(r.messages[0].address, 0xFEE34000, "destination of 8 bits");
	arig_put(&r, table + 16, 0x0000000100003401);
	is_u64(sent(&r, MSI, 1), 0x1C1, "a change without 5h is not seen");
	arig_command(&r, UINT64_C(0x5000000000000019), 0);
	is_u64(sent(&r, MSI, 1), UINT64_MAX, "after it, a reserved bit is");
	is_u64(event_of(&r), 0x2098007700000019, "PR=1, RZ=1");
	arig_put(&r, table + 16, 0x0000000000013401);
	arig_command(&r, UINT64_C(0x5000000000000019), 0);
	is_u64(sent(&r, MSI, 1), UINT64_MAX, "bit 16 is reserved with XTEn=0");
	event_of(&r);
	arig_set(&r, 0x0018, 0x1405 | BIT(17) | BIT(50));
	arig_put(&r, table + 24, 0xAB000000000000C1);
	arig_command(&r, UINT64_C(0x5000000000000019), 0);
	is_u64(sent(&r, MSI, 1), 0xC1, "XTEn=1: destination of 32 bits");
	is_u64(r.messages[0].address, 0xAB000100FEE34000, "AB000134h");
	arig_set(&r, 0x0018, 0x1405 | BIT(17) | BIT(43));
	arig_put(&r, table + 16 * 0x7FF, 1);
	arig_put(&r, table + 16 * 0x7FF + 8, 0x99);
	is_u64(sent(&r, MSI | 4, 0x7FF), 0x99, "2K mode: index 2047 with address bit 2");
	is_u64(sent(&r, MSI, 0x7FF), UINT64_MAX, "without it, 111b is ExtInt");
	arig_close(&r);
}

/* Delivery modes, IntCtl and the pass bits. */
static void test_control(void)
{
	static const struct {
		const char *what;
		uint64_t q2;
		uint32_t data;
		uint64_t address;
		bool passes;
		uint64_t event;
	} all[] = {
		{"IV=0", 0, 0x31, MSI, true, 0 },
		{"IntCtl=01b", BIT(60), 0x31, MSI, true, 0 },
		{"IntCtl=00b", 0, 0x31, MSI, false, 0x8A00000000000019 },
		{"IntCtl=11b", 3 * BIT(60), 0x31, MSI, false, 0x1088000000000019 },
		{"IntTabLen=12", REMAP | 24, 0x31, MSI, false, 0x1008000000000019 },
		{"reserved bit 180", REMAP | BIT(52), 0x31, MSI, false, 0x1088000000000019 },
		{"NMIPass=1", BIT(58), 0x400, MSI, true, 0 },
		{"NMIPass=0", 0, 0x400, MSI, false, 0 },
		{"InitPass=1", BIT(56), 0x500, MSI, true, 0 },
		{"InitPass=0", 0, 0x500, MSI, false, 0 },
		{"EIntPass=1", BIT(57), 0x700, MSI, true, 0 },
		{"EIntPass=0", 0, 0x700, MSI, false, 0 },
		{"NMI to a logical destination", BIT(58), 0x400, MSI | 4, false, 0 },
		{"SMI", 0, 0x200, MSI, true, 0 },
		{"type 011b", 0x0700000000000000, 0x300, MSI, false, 0 },
	};

	for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
		struct arig r;

		arig_open(&r, "amd-lazy");
		arig_enable(&r, 0);
		arig_dte(&r, SID_A, 0, 0, all[i].q2 | (i == 0 ? 0 : IV), 0);
		is_u64(sent(&r, all[i].address, all[i].data), all[i].passes ? all[i].data : UINT64_MAX, "%s %s",
		       all[i].what, all[i].passes ? "passes" : "is blocked");
		is_u64(event_of(&r), all[i].event, "%s: the event", all[i].what);
		arig_close(&r);
	}
}

static void test_filter(void)
{
	struct arig r;

	open(&r, "amd-everything", BIT(22) | BIT(24), 0, 0);
	is_u64(sent(&r, MSI, 0x200), UINT64_MAX, "SmiFEn=1: an SMI of a device without filter is dropped");
	is_u64(event_of(&r), 0x2008007700000019, "and logged with SmiFLogEn");
	arig_set(&r, 0x0078, 0x10000 | SID_A);
	is_u64(sent(&r, MSI, 0x200), 0x200, "with a valid filter it passes");
	arig_close(&r);
}

/* 2.7: the vector goes into the guest's APIC page; where the guest does not run, a GA log entry tells. */
static void test_guest(void)
{
	struct arig r;
	uint64_t apic, log;

	open(&r, "amd-everything", BIT(17) | BIT(25), 4, REMAP);
	apic = arig_pages(&r, 1);
	log = arig_pages(&r, 1);
	arig_set(&r, 0x00E0, log | UINT64_C(0x0800000000000000));
	arig_set(&r, 0x0018, 0x1405 | BIT(17) | BIT(25) | BIT(28));
	is_u64(arig_reg(&r, 0x2020) & BIT(8), BIT(8), "the GA log runs");
	arig_put(&r, table, 0xCAFE000100000085);     /* GuestMode, GALogIntr, tag */
	arig_put(&r, table + 8, apic | 0x63);
	mdl_amd_interrupt(&r.u, SID_A, MSI, 0);
	is_u64(arig_get(&r, apic + 0x230), 8, "vector 63h is bit 3 of the fourth IRR word");
	is_u64(arig_get(&r, log), 0x10000019CAFE0001, "the GA log has code, device and tag");
	is_u64(arig_reg(&r, 0x2048), 8, "its tail moves by 8");
	is_u64(arig_reg(&r, 0x2020) & BIT(10), BIT(10), "GAInt");
	arig_put(&r, table, 0xCAFE0002000047C5);     /* now it runs on 47h: read anew, no 5h */
	mdl_amd_interrupt(&r.u, SID_A, MSI, 0);
	is_u64(r.doorbell, 0x47, "a running guest gets a doorbell");
	is_u64(arig_reg(&r, 0x2048), 8, "and no log entry");
	arig_close(&r);
}

int main(void)
{
	test_narrow();
	test_wide();
	test_control();
	test_filter();
	test_guest();
	return done();
}
