/*
 * A unit of the model by itself, with a piece of memory and a world that counts what the unit does to it. Here a test
 * chooses what no machine offers: source buses, destinations, and configurations changed by a word.
 */
#include "model/vtd/tables.h"
#include "tests/model_machine.h"
#include "tests/test.h"

#define GCMD    0x018u
#define GSTS    0x01cu
#define PMEN    0x064u
#define IRTA    0x0b8u
#define MTRRDEF 0x108u

/* Its memory: entries of interrupts, then, in the second page, a posted-interrupt descriptor. */
#define MEMORY_BYTES (2 * PAGE_BYTES)
#define DESCRIPTOR   PAGE_BYTES
#define REMAPPABLE   UINT64_C(0xfee00010) /* handle 0 */

struct alone {
	struct mdl_vtd unit;
	uint64_t memory[MEMORY_BYTES / 8];
	uint64_t address; /* the last message */
	uint32_t data;
	unsigned messages, flushes, revocations;
};

static bool inside(uint64_t pa, uint64_t bytes)
{
	return pa % 8 == 0 && pa < MEMORY_BYTES && bytes <= MEMORY_BYTES - pa;
}

static bool rd64(void *ctx, uint64_t pa, uint64_t *w, unsigned n)
{
	const struct alone *a = ctx;

	if (!inside(pa, 8 * (uint64_t)n))
		return false;
	for (unsigned i = 0; i < n; i++)
		w[i] = a->memory[pa / 8 + i];
	return true;
}

static bool cas64(void *ctx, uint64_t pa, uint64_t expected, uint64_t desired, uint64_t *seen)
{
	struct alone *a = ctx;

	if (!inside(pa, 8))
		return false;
	*seen = a->memory[pa / 8];
	if (*seen == expected)
		a->memory[pa / 8] = desired;
	return true;
}

static bool no_rd(void *ctx, uint64_t pa, void *buf, uint32_t bytes)
{
	(void)ctx;
	(void)pa;
	(void)buf;
	(void)bytes;
	return false;
}

static bool no_wr(void *ctx, uint64_t pa, const void *buf, uint32_t bytes)
{
	(void)ctx;
	(void)pa;
	(void)buf;
	(void)bytes;
	return false;
}

static void message(void *ctx, uint64_t address, uint32_t data)
{
	struct alone *a = ctx;

	a->messages++;
	a->address = address;
	a->data = data;
}

static void write_buffer_flush(void *ctx)
{
	((struct alone *)ctx)->flushes++;
}

static void revoke(void *ctx)
{
	((struct alone *)ctx)->revocations++;
}

static const struct mdl_vtd_config *config_of(struct test *t)
{
	return model_machine_unit(t->bench->machine)->st.cfg;
}

static struct alone *start(struct test *t)
{
	struct alone *a = (struct alone *)(void *)page_alloc(t, sizeof(*a), 0)->p; /* page-aligned */
	struct mdl_mem mem = { .ctx = a, .rd64 = rd64, .rd = no_rd, .wr = no_wr, .cas64 = cas64 };
	struct mdl_env env = { .ctx = a, .message = message, .write_buffer_flush = write_buffer_flush,
			       .revoke = revoke };

	must(t, mdl_vtd_init(&a->unit, config_of(t), &mem, &env,
			     page_alloc(t, mdl_vtd_cache_bytes(config_of(t)), 0)->p), "a unit of the model");
	return a;
}

/* ---- registers ---- */

/* FE and E are storage as the default type is. */
TEST(model_mtrr_default,
     .id = "vtd.model.alone.mtrr_default",
     .given = "MTRRDEF written all ones",
     .expects = "bits 11, 10 and 7:0 read 1; without MTS, none",
     .needs = NEED_VTD, .flags = TEST_MODEL)
{
	struct alone *a = start(t);

	mdl_vtd_wr(&a->unit, MTRRDEF, UINT64_MAX, 8);
	expect_eq(t, "MTRRDEF", mdl_vtd_rd(&a->unit, MTRRDEF, 8), (config_of(t)->ecap & ECAP_MTS) != 0 ? 0xcff : 0);
}

/* IVT alone is what starts an invalidation: neither half starts one without it (VT-d 11.4.8). */
TEST(model_iotlb_go,
     .id = "vtd.model.alone.iotlb_go",
     .given = "IOTLB written by halves and whole, without IVT, then with it",
     .expects = "nothing happens; with IVT, IAIG = 01, the write buffer is emptied, mappings revoked",
     .needs = NEED_VTD, .flags = TEST_MODEL)
{
	uint32_t iotlb = 16 * (uint32_t)fld_get(ECAP_IRO, config_of(t)->ecap) + 8;
	uint64_t global = FLD(IOTLB_IIRG, 1);
	struct alone *a = start(t);

	if (config_of(t)->ver >> 4 >= 6)
		skip(t, "VER.major at least 6: no registers to invalidate by");
	mdl_vtd_wr(&a->unit, iotlb + 4, fld_get(BITS(63, 32), global), 4);
	mdl_vtd_wr(&a->unit, iotlb, UINT32_MAX, 4);
	mdl_vtd_wr(&a->unit, iotlb, global, 8);
	expect_eq(t, "IAIG without IVT", fld_get(IOTLB_IAIG, mdl_vtd_rd(&a->unit, iotlb, 8)), 0);
	expect_eq(t, "flushes without IVT", a->flushes, 0);
	expect_eq(t, "revocations without IVT", a->revocations, 0);
	mdl_vtd_wr(&a->unit, iotlb, global | IOTLB_IVT, 8);
	expect_eq(t, "IAIG with IVT", fld_get(IOTLB_IAIG, mdl_vtd_rd(&a->unit, iotlb, 8)), 1);
	expect_eq(t, "flushes with IVT", a->flushes, 1);
	expect_eq(t, "revocations with IVT", a->revocations, 1);
}

/* A region that closes takes back what was handed out before. */
TEST(model_pmen_revokes,
     .id = "vtd.model.alone.pmen",
     .given = "EPM set, then cleared",
     .expects = "PRS follows; direct mappings are revoked each time; nothing happens where there are no regions",
     .needs = NEED_VTD, .flags = TEST_MODEL)
{
	bool there = (config_of(t)->cap & (CAP_PLMR | CAP_PHMR)) != 0;
	struct alone *a = start(t);

	mdl_vtd_wr(&a->unit, PMEN, PMEN_EPM, 4);
	expect_eq(t, "PMEN", mdl_vtd_rd(&a->unit, PMEN, 4), there ? PMEN_EPM | PMEN_PRS : 0);
	expect_eq(t, "revocations by EPM = 1", a->revocations, there ? 1 : 0);
	mdl_vtd_wr(&a->unit, PMEN, 0, 4);
	expect_eq(t, "PMEN after EPM = 0", mdl_vtd_rd(&a->unit, PMEN, 4), 0);
	expect_eq(t, "revocations by EPM = 0", a->revocations, there ? 2 : 0);
}

/* ---- interrupts ---- */

static void command(struct alone *a, uint64_t value)
{
	mdl_vtd_wr(&a->unit, GCMD, value, 4);
	for (unsigned i = 0; i < 16; i++)
		(void)mdl_vtd_rd(&a->unit, GSTS, 4);
}

/* Interrupt remapping on, the table at 0. */
static void remapping_on(struct test *t, struct alone *a, bool x2apic)
{
	mdl_vtd_wr(&a->unit, IRTA, x2apic ? IRTA_EIME : 0, 8);
	command(a, G_SIRTP);
	command(a, G_IRE);
	expect_eq(t, "IRES", mdl_vtd_rd(&a->unit, GSTS, 4) & G_IRE, G_IRE);
}

static void set_entry(struct alone *a, uint64_t low, uint64_t high)
{
	a->memory[0] = low;
	a->memory[1] = high;
}

static void expect_message(struct test *t, struct alone *a, uint16_t sid, uint64_t address, uint32_t data)
{
	unsigned before = a->messages;

	expect_true(t, mdl_vtd_interrupt(&a->unit, sid, REMAPPABLE, 0) == MDL_DONE, "the interrupt is accepted");
	if (!expect_eq(t, "messages", a->messages - before, 1))
		return;
	expect_eq(t, "address of the message", a->address, address);
	expect_eq(t, "data of the message", a->data, data);
}

TEST(model_bus_range,
     .id = "vtd.model.alone.bus_range",
     .given = "SVT = 10, each bit of a bus: that bus alone, and all buses up to it",
     .expects = "its requesters are admitted; those of the bus above are not",
     .needs = NEED_VTD | NEED_IR, .flags = TEST_MODEL)
{
	struct alone *a = start(t);

	remapping_on(t, a, false);
	for (unsigned bus = 1; bus < 256; bus *= 2) {
		uint64_t svt = FLD(IRTE1_SVT, SVT_BUS);

		set_entry(a, IRTE0_P | FLD(IRTE0_V, 0x41), svt | bus << 8 | bus);
		mdl_vtd_reset_warm(&a->unit);
		remapping_on(t, a, false);
		expect_message(t, a, (uint16_t)(bus << 8), 0xfee00000, 0x41);
		set_entry(a, IRTE0_P | FLD(IRTE0_V, 0x42), svt | bus);
		mdl_vtd_reset_warm(&a->unit);
		remapping_on(t, a, false);
		expect_message(t, a, (uint16_t)(bus << 8), 0xfee00000, 0x42);
		expect_true(t, mdl_vtd_interrupt(&a->unit, (uint16_t)((bus + 1) << 8), REMAPPABLE, 0) == MDL_UR,
			    "the bus above is refused");
	}
}

/* Destinations of 32 bits: 31:8 are address bits 63:40. */
TEST(model_destination,
     .id = "vtd.model.alone.destination",
     .given = "EIME = 1, each bit of the destination of a remapped and of a posted entry",
     .expects = "the message goes to this destination",
     .needs = NEED_VTD | NEED_IR, .flags = TEST_MODEL)
{
	struct alone *a = start(t);
	uint64_t *pid = a->memory + DESCRIPTOR / 8;
	bool posting = (config_of(t)->cap & CAP_PI) != 0;

	if (!(config_of(t)->ecap & ECAP_EIM))
		skip(t, "ECAP.EIM = 0");
	for (unsigned b = 0; b < 32; b++) {
		uint64_t address = 0xfee00000 | (b < 8 ? pow2(12 + b) : pow2(32 + b));

		set_entry(a, IRTE0_P | FLD(IRTE0_V, 0x43) | FLD(IRTE0_DST, pow2(b)), 0);
		mdl_vtd_reset_warm(&a->unit);
		remapping_on(t, a, true);
		expect_message(t, a, 0, address, 0x43);
		if (!posting)
			continue;
		set_entry(a, IRTE0_P | IRTE0_IM | FLD(IRTE0_V, 0x44) | FLD(IRTE0_PDAL, DESCRIPTOR >> 6), 0);
		pid[4] = FLD(PID4_NV, 0x45) | FLD(PID4_NDST, pow2(b));
		mdl_vtd_reset_warm(&a->unit);
		remapping_on(t, a, true);
		expect_message(t, a, 0, address, 0x45);
	}
}

TEST(model_reset_entries,
     .id = "vtd.model.alone.reset_caches",
     .given = "an interrupt entry in use is changed, the unit reset, remapping turned on again",
     .expects = "after the reset nothing is cached: the new entry is used",
     .needs = NEED_VTD | NEED_IR, .flags = TEST_MODEL)
{
	struct alone *a = start(t);

	set_entry(a, IRTE0_P | FLD(IRTE0_V, 0x46), 0);
	remapping_on(t, a, false);
	expect_message(t, a, 0, 0xfee00000, 0x46);
	expect_eq(t, "entries cached", mdl_vtd_cached(&a->unit), config_of(t)->lazy ? 0 : 1);
	set_entry(a, IRTE0_P | FLD(IRTE0_V, 0x47), 0);
	mdl_vtd_reset_warm(&a->unit);
	expect_eq(t, "entries cached after the reset", mdl_vtd_cached(&a->unit), 0);
	remapping_on(t, a, false);
	expect_message(t, a, 0, 0xfee00000, 0x47);
}
