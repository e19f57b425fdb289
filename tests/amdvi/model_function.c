/*
 * The PCI function of the model's unit (AMD IOMMU 3.1, 3.2, 2.8): the capability block, the base that firmware locks,
 * the MSI capability, and by which message each cause is told.
 */
#include "tests/amdvi/model_rig.h"

#define NEEDS NEED_AMDVI
#define CAP   0x40u
#define MSI   0x60u

static uint32_t cfg(struct am *a, uint32_t off)
{
	return mdl_amd_cfg_rd(&a->u, off, 4);
}

static void cfg_set(struct am *a, uint32_t off, uint32_t v)
{
	mdl_amd_cfg_wr(&a->u, off, v, 4);
}

TEST(model_fn_header,
     .id = "amdvi.model.function.header",
     .given = "configuration space of a unit as firmware leaves it",
     .expects = "an IOMMU function with its capabilities",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = am_open(t, am_config(t));
	const struct mdl_amd_config *c = &a->config;
	uint32_t misc0 = (uint32_t)(FLD(BITS(7, 5), 2) | FLD(BITS(14, 8), c->pa_bits) | FLD(BITS(21, 15), c->va_bits) |
				    (c->efr & BIT(1) ? FLD(BITS(31, 27), 1) : 0));

	expect_eq(t, "class and revision", cfg(a, 0x08), 0x08060001);
	expect_eq(t, "status: capabilities", cfg(a, 0x04), BIT(20));
	expect_eq(t, "the first capability", cfg(a, 0x34), CAP);
	expect_eq(t, "the capability block", cfg(a, CAP),
		  (c->header & (BITS(28, 26) | BIT(24))) | 0x0f | FLD(BITS(15, 8), MSI) | FLD(BITS(18, 16), 3) |
			  FLD(BITS(23, 19), 1));
	expect_eq(t, "the base", cfg(a, CAP + 4), AM_BASE | 1);
	expect_eq(t, "the base, upper half", cfg(a, CAP + 8), 0);
	expect_eq(t, "misc information 0", cfg(a, CAP + 0x10), misc0);
	expect_eq(t, "misc information 1", cfg(a, CAP + 0x14),
		  (c->header & BIT(28)) && fld_get(BITS(23, 21), c->efr) ? 2 : 0);
	expect_eq(t, "the MSI capability", cfg(a, MSI), 0x00840005);
	expect_eq(t, "behind configuration space", cfg(a, 0x100), 0);
	expect_eq(t, "its last word", cfg(a, 0xfc), 0);
	expect_eq(t, "the last byte", mdl_amd_cfg_rd(&a->u, 0xff, 1), 0);
	mdl_amd_place(&a->u, AM_OWN, UINT64_C(0x12fea00000));
	expect_eq(t, "a base above 4 GiB", cfg(a, CAP + 8), 0x12);
}

/* Bits of each DWORD that software can change, the base being locked or not. */
static uint32_t writable(const struct mdl_amd_config *c, uint32_t off, bool locked)
{
	switch (off) {
	case 0x04: return 0x406;
	case CAP + 4: return locked ? 0 : c->efr & BIT(9) ? 0xfff80001 : 0xffffc001;
	case CAP + 8: return locked ? 0 : UINT32_MAX;
	case MSI: return 0x00710000;
	case MSI + 4: return 0xfffffffc;
	case MSI + 8: return UINT32_MAX;
	case MSI + 12: return 0xffff;
	default: return 0;
	}
}

static void written(struct test *t, struct am *a, bool locked)
{
	for (uint32_t off = 0; off < 0x100; off += 4) {
		uint32_t before = cfg(a, off), can = writable(&a->config, off, locked);

		for (unsigned bit = 0; bit < 32; bit++) {
			bool lock = !locked && off == CAP + 4 && bit == 0;

			cfg_set(a, off, before ^ (uint32_t)BIT(bit));
			am_is(t, "the bit written", cfg(a, off), before ^ (can & (uint32_t)BIT(bit)),
			      0x100 * off + bit);
			cfg_set(a, off, before);
			am_is(t, "and written back", cfg(a, off), lock ? before | 1 : before, 0x100 * off + bit);
			if (lock)
				mdl_amd_place(&a->u, AM_OWN, 0);
		}
	}
}

TEST(model_fn_writes,
     .id = "amdvi.model.function.writes",
     .given = "each bit of configuration space flipped, the base locked, then not",
     .expects = "only what software may change does change",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = am_open(t, am_config(t));

	written(t, a, true);
	mdl_amd_place(&a->u, AM_OWN, 0);
	written(t, a, false);
	/* Bytes and words beside what is written stay. */
	cfg_set(a, MSI + 4, 0x12345678);
	mdl_amd_cfg_wr(&a->u, MSI + 5, 0xab, 1);
	expect_eq(t, "after one byte", cfg(a, MSI + 4), 0x1234ab78);
	mdl_amd_cfg_wr(&a->u, MSI + 6, 0xcdef, 2);
	expect_eq(t, "after one word", cfg(a, MSI + 4), 0xcdefab78);
	expect_eq(t, "one byte read", mdl_amd_cfg_rd(&a->u, MSI + 6, 1), 0xef);
	mdl_amd_cfg_wr(&a->u, 0xfe, UINT32_MAX, 4);
	expect_eq(t, "a write over the end", cfg(a, 0xfc), 0);
}

TEST(model_fn_base,
     .id = "amdvi.model.function.base",
     .given = "a base that software sets, then Enable",
     .expects = "the window appears there, and the base is locked",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = am_open(t, am_config(t));
	uint64_t base = 0;
	uint32_t bytes = 0;

	mdl_amd_place(&a->u, AM_OWN, 0);
	expect_eq(t, "a window without Enable", mdl_amd_ops.window(&a->u, &base, &bytes) != NULL, 0);
	cfg_set(a, CAP + 8, 0x15);
	cfg_set(a, CAP + 4, 0xfeb80000);
	expect_eq(t, "a window without Enable", mdl_amd_ops.window(&a->u, &base, &bytes) != NULL, 0);
	cfg_set(a, CAP + 4, 0xfeb80001);
	expect_eq(t, "a window with Enable", mdl_amd_ops.window(&a->u, &base, &bytes) == &mdl_amd_mmio, 1);
	expect_true(t, base == UINT64_C(0x15feb80000), "at the base written");
	expect_eq(t, "its size", bytes, a->config.efr & BIT(9) ? 0x80000 : 0x4000);
	cfg_set(a, CAP + 4, 0);
	cfg_set(a, CAP + 8, 0);
	expect_eq(t, "the locked base", cfg(a, CAP + 4), 0xfeb80001);
	expect_eq(t, "its upper half", cfg(a, CAP + 8), 0x15);
}

TEST(model_fn_status,
     .id = "amdvi.model.function.status",
     .given = "an aborted request; each bit of the PCI status register written 1",
     .expects = "Signaled Target Abort is set until it is written 1",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct am *a = am_start(t, 0);

	am_dte(a, AM_SID, 3, 0, 0, 0);
	am_goes(a, AM_IOVA);
	expect_eq(t, "status", mdl_amd_cfg_rd(&a->u, 0x06, 2), 0x0810);
	for (unsigned bit = 0; bit < 16; bit++) {
		mdl_amd_cfg_wr(&a->u, 0x06, bit == 11 ? 0 : (uint32_t)BIT(bit), 2);
		am_is(t, "status", mdl_amd_cfg_rd(&a->u, 0x06, 2), 0x0810, bit);
	}
	cfg_set(a, 0x04, 0x0406);
	expect_eq(t, "status after a write of the command register alone", cfg(a, 0x04), 0x08100406);
	mdl_amd_cfg_wr(&a->u, 0x06, 0x0800, 2);
	expect_eq(t, "status after 1", mdl_amd_cfg_rd(&a->u, 0x06, 2), 0x0010);
	am_dte(a, AM_SID, 0, 0, 0, 0);
	am_goes(a, AM_IOVA);
	expect_eq(t, "status after a request that passes", mdl_amd_cfg_rd(&a->u, 0x06, 2), 0x0010);
}

TEST(model_fn_caches,
     .id = "amdvi.model.function.caches",
     .given = "configurations with 0, 64 and 4096 entries to a cache", .expects = "0 stands for 4096",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct mdl_amd_config c = *am_config(t);
	size_t bytes[3];

	for (unsigned i = 0; i < 3; i++) {
		c.cache_entries = i == 0 ? 0 : i == 1 ? 64 : 4096;
		bytes[i] = mdl_amd_cache_bytes(&c);
	}
	expect_true(t, bytes[0] == bytes[2] && bytes[1] < bytes[2], "memory for the caches");
}

/* ---- mirror ---- */

TEST(model_fn_mirror,
     .id = "amdvi.model.function.mirror",
     .given = "0150h to 0168h read and written", .expects = "what configuration space has; only MSI can be written",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	static const uint32_t at[] = { CAP + 0x10, CAP + 0x14, MSI, MSI + 4, MSI + 8, MSI + 12 };
	struct am *a = am_open(t, am_config(t));
	bool has = a->config.efr & BIT(46);

	for (unsigned i = 0; i < ARRAY_LEN(at); i++) {
		uint32_t off = 0x0150 + 4 * i, before = cfg(a, at[i]);

		am_is(t, "a mirrored register", mdl_amd_rd(&a->u, off, 4), has ? before : 0, off);
		mdl_amd_wr(&a->u, off, ~before, 4);
		am_is(t, "what is behind it, written", cfg(a, at[i]),
		      has ? before ^ writable(&a->config, at[i], true) : before, off);
	}
	mdl_amd_wr(&a->u, 0x0158, 0, 8);
	mdl_amd_wr(&a->u, 0x0158, UINT64_MAX, 8);
	if (has)
		expect_eq(t, "both registers of a write of 64 bits", mdl_amd_rd(&a->u, 0x0158, 8) | 1,
			  FLD(BITS(63, 32), writable(&a->config, MSI + 4, true)) | cfg(a, MSI) | 1);
	mdl_amd_wr(&a->u, 0x0168, UINT32_MAX, 4);
	expect_eq(t, "0168h", mdl_amd_rd(&a->u, 0x0168, 4), 0);
	expect_eq(t, "0148h", mdl_amd_rd(&a->u, 0x014c, 4), 0);
}

/* ---- messages ---- */

/* Causes by their message number: an event, a page request, a guest interrupt. */
static void raise(struct am *a, unsigned cause)
{
	const struct mdl_page_request pr = { .sid = AM_SID, .r = true, .last = true, .address = AM_IOVA };

	switch (cause) {
	case 0:
		am_goes(a, AM_IOVA);
		break;
	case 1:
		mdl_amd_page_request(&a->u, &pr);
		break;
	default:
		mdl_amd_interrupt(&a->u, AM_SID, UINT64_C(0xfee00000), 0);
		break;
	}
}

static bool has_cause(const struct mdl_amd_config *c, unsigned cause)
{
	return cause == 0 || (cause == 1 && (c->efr & BIT(1))) ||
	       (cause == 2 && (c->efr & BIT(7)) && fld_get(BITS(23, 21), c->efr) == 1);
}

/* Everything that can tell of itself does; more: further bits of control. */
static struct am *talkative(struct test *t, uint64_t more, uint64_t without)
{
	const struct mdl_amd_config *c = am_config(t);
	uint64_t ppr = has_cause(c, 1) ? BITS(15, 13) : 0;
	uint64_t ga = has_cause(c, 2) ? BIT(17) | BIT(25) | BITS(29, 28) : 0;
	struct am *a = am_start(t, 0);
	uint64_t table = am_page(a);

	am_set(a, 0x0038, am_page(a) | UINT64_C(0x0800000000000000));
	am_set(a, 0x00e0, am_page(a) | UINT64_C(0x0800000000000000));
	am_set(a, 0x0018, (0x1405 | BIT(3) | BIT(4) | ppr | ga | more) & ~without);
	am_put(table, 0x85);                    /* RemapEn, GALogIntr, GuestMode */
	am_put(table + 8, am_page(a) | 0x31);
	am_dte(a, AM_SID, 3 | (ppr ? BIT(52) : 0), 0, 1 | table | 2 * BIT(60), 0);
	a->messages_n = 0;
	return a;
}

static void msi(struct am *a, unsigned log2_n)
{
	cfg_set(a, MSI + 4, 0xfee01000);
	cfg_set(a, MSI + 8, 0x7);
	cfg_set(a, MSI + 12, 0x4043);
	cfg_set(a, MSI, (uint32_t)(FLD(BITS(22, 20), log2_n) | BIT(16)));
}

TEST(model_fn_msi,
     .id = "amdvi.model.function.msi", .checks = "AMD-PPR-007",
     .given = "an event, a page request and a guest interrupt, with 1, 2, 4 and 8 messages enabled",
     .expects = "the message of the cause's number; once while its status bit is set; none when MSI is off",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	static const uint64_t status[] = { BIT(1), BIT(6), BIT(10) };

	for (unsigned log2_n = 0; log2_n < 4; log2_n++) {
		uint32_t n = (uint32_t)min_u64(pow2(log2_n), 4);
		struct am *a = talkative(t, 0, 0);

		for (unsigned cause = 0; cause < 3; cause++) {
			if (!has_cause(&a->config, cause))
				continue;
			cfg_set(a, MSI, 0);
			raise(a, cause);
			am_is(t, "messages while MSI is off", a->messages_n, 0, cause);
			am_is(t, "the status bit", am_reg(a, 0x2020) & status[cause], status[cause], cause);
			am_set(a, 0x2020, status[cause]);
			msi(a, log2_n);
			raise(a, cause);
			raise(a, cause);
			am_is(t, "messages", a->messages_n, 1, cause);
			am_is(t, "its address", a->messages[0].address, UINT64_C(0x7fee01000), cause);
			am_is(t, "its data", a->messages[0].data, n == 1 ? 0x4043 : (0x4043 & ~(n - 1)) | (cause % n),
			      0x10 * log2_n + cause);
			am_set(a, 0x2020, status[cause]);
			raise(a, cause);
			am_is(t, "messages once it was cleared", a->messages_n, 2, cause);
			a->messages_n = 0;
		}
	}
}

TEST(model_fn_disabled,
     .id = "amdvi.model.function.disabled",
     .given = "the same with the interrupt enable of each cause 0",
     .expects = "status, but no message",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	static const uint64_t enable[] = { BIT(3), BIT(14), BIT(29) };

	for (unsigned cause = 0; cause < 3; cause++) {
		struct am *a = talkative(t, 0, enable[cause]);

		if (!has_cause(&a->config, cause))
			continue;
		msi(a, 0);
		raise(a, cause);
		am_is(t, "messages", a->messages_n, 0, cause);
		am_set(a, 0x0018, am_reg(a, 0x0018) & ~BIT(4));
		am_cmd(a, AM_OP(1) | 2, 0);
		am_is(t, "messages of COMPLETION_WAIT without ComWaitIntEn", a->messages_n, 0, cause);
		am_set(a, 0x2020, 4);
		am_set(a, 0x0018, am_reg(a, 0x0018) | BIT(4));
		am_cmd(a, AM_OP(1) | 2, 0);
		am_is(t, "messages of COMPLETION_WAIT", a->messages_n, 1, cause);
	}
}

TEST(model_fn_xt,
     .id = "amdvi.model.function.xt",
     .given = "IntCapXTEn = 1; each XT register with values of its own",
     .expects = "each cause is told as its register says, whatever MSI says",
     .needs = NEEDS | NEED_AMD_XT, .flags = TEST_MODEL)
{
	struct am *a = talkative(t, BIT(51), 0);

	/* Destination A1B2C3D0h and up, arbitrated but the second, logical but the first. */
	for (uint64_t i = 0; i < 3; i++)
		am_set(a, 0x0170 + 8 * (uint32_t)i,
		       FLD(BITS(63, 56), 0xa1) | FLD(BITS(39, 32), 0x41 + i) | FLD(BITS(31, 8), 0xb2c3d0 + i) |
			       (i != 1 ? BIT(40) : 0) | (i != 0 ? BIT(2) : 0));
	for (unsigned cause = 0; cause < 3; cause++) {
		if (!has_cause(&a->config, cause))
			continue;
		a->messages_n = 0;
		raise(a, cause);
		am_is(t, "messages", a->messages_n, 1, cause);
		am_is(t, "its address", a->messages[0].address,
		      (UINT64_C(0xa1b2c300fee00000) | FLD(BITS(19, 12), 0xd0 + cause)) | (cause != 0 ? 4 : 0), cause);
		am_is(t, "its data", a->messages[0].data, (0x41 + cause) | (cause != 1 ? 0x100 : 0), cause);
	}
}
