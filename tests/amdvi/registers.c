/*
 * The capability block and registers at rest (AMD IOMMU 3.2, 3.4): what they promise, which bits hold, which read 0.
 */
#include "tests/amdvi/fixture.h"
#include "drivers-pci/pci.h"

static const struct amdvi_caps *caps_of(const struct test *t)
{
	return &t->bench->amdvi->caps;
}

/* The IVHD block of the unit under test. */
static struct ivrs_block block_of(struct test *t)
{
	struct ivrs_block b;
	uint32_t pos = 0;

	while (ivrs_next_unit(t->bench->ivrs, &pos, &b))
		if (b.base == t->bench->amdvi->base.v)
			return b;
	give_up(t, "the IVRS does not name the unit");
}

static struct pci_dev *function_of(struct test *t)
{
	struct pci_dev *d = pci_find(&t->bench->bus, (struct pci_addr){ t->bench->amdvi->segment,
		t->bench->amdvi->device_id });

	if (!d)
		give_up(t, "the IOMMU function is not on the bus");
	return d;
}

/* ---- the PCI function ---- */

TEST(reg_capability, .id = "amdvi.reg.cap.type", .checks = "AMD-REG-001 AMD-ACPI-006",
     .given = "the capability that the IVHD names",
     .expects = "ID 0Fh, CapType 011b", .needs = NEED_AMDVI)
{
	uint32_t h = pci_rd(function_of(t), block_of(t).capability_offset, 4);

	expect_eq(t, "CapId", fld_get(CAPH_ID, h), AMDVI_CAP_ID);
	expect_eq(t, "CapType", fld_get(CAPH_TYPE, h), AMDVI_CAP_TYPE);
}

TEST(reg_cap_rev, .id = "amdvi.reg.cap.rev", .checks = "AMD-REG-002", .given = "CapRev", .expects = "00001b",
     .needs = NEED_AMDVI)
{
	expect_eq(t, "CapRev", fld_get(CAPH_REV, caps_of(t)->header), 1);
}

TEST(reg_class, .id = "amdvi.reg.class", .checks = "AMD-REG-003", .given = "the class code of the IOMMU function",
     .expects = "0806xxh", .needs = NEED_AMDVI)
{
	expect_eq(t, "class and subclass", fld_get(BITS(23, 8), function_of(t)->class_code), AMDVI_CLASS);
}

TEST(reg_efr_sup, .id = "amdvi.reg.cap.efr_sup", .checks = "AMD-REG-004", .given = "IVinfo.EFRSup = 1",
     .expects = "Cap.EFRSup = 1", .needs = NEED_AMDVI)
{
	if (!(t->bench->ivrs->iv_info & IVINFO_EFR_SUP))
		skip(t, "IVinfo.EFRSup = 0");
	expect_eq(t, "EFRSup", caps_of(t)->efr_sup, 1);
}

TEST(reg_answers, .id = "amdvi.reg.base.answers", .checks = "AMD-REG-005", .given = "EFR at the IVHD's base",
     .expects = "not all ones", .needs = NEED_AMDVI)
{
	expect_true(t, mmio_rd(ax_regs(t), AMDVI_EFR) != UINT64_MAX, "EFR is not all ones");
}

static uint64_t base_of(struct test *t)
{
	uint64_t hi = amdvi_cfg_rd(t->bench->amdvi, AMDVI_CAP_BASE_HIGH);

	return FLD(BITS(63, 32), hi) | (amdvi_cfg_rd(t->bench->amdvi, AMDVI_CAP_BASE_LOW) & CAPB_BASE_LOW);
}

TEST(reg_base, .id = "amdvi.reg.base.ivhd", .checks = "AMD-REG-006",
     .given = "the base in the capability and in the IVHD",
     .expects = "they are equal", .needs = NEED_AMDVI)
{
	expect_true(t, base_of(t) == align_down(block_of(t).base, AMDVI_REGION_BYTES), "the same base");
}

TEST(reg_base_locked, .id = "amdvi.reg.base.locked", .checks = "AMD-REG-007",
     .given = "the base written while Enable = 1",
     .expects = "it stays", .needs = NEED_AMDVI)
{
	struct pci_dev *d = function_of(t);
	uint32_t off = block_of(t).capability_offset + AMDVI_CAP_BASE_LOW, before = pci_rd(d, off, 4);

	if (!(before & CAPB_ENABLE))
		skip(t, "Enable reads 0");
	pci_wr(d, off, before ^ (uint32_t)BIT(20), 4);
	expect_eq(t, "the base is unchanged", pci_rd(d, off, 4) == before, 1);
}

TEST(reg_base_aligned, .id = "amdvi.reg.base.aligned", .checks = "AMD-REG-008", .given = "the base",
     .expects = "aligned to 16 KiB, with performance counters to 512 KiB", .needs = NEED_AMDVI)
{
	expect_true(t, is_aligned(block_of(t).base, caps_of(t)->pc ? AMDVI_REGION_PC_BYTES : AMDVI_REGION_BYTES),
		    "the base is aligned to the size of the region");
}

static void misc0(struct test *t)
{
	uint64_t cap = t->desc->arg ? MISC0_VA_SIZE : MISC0_PA_SIZE, info = t->desc->arg ? IVINFO_VA_SIZE :
		IVINFO_PA_SIZE;

	if (!caps_of(t)->cap_ext)
		skip(t, "Cap.CapExt = 0");
	expect_eq(t, t->desc->arg ? "VAsize" : "PAsize", fld_get(cap, caps_of(t)->misc0),
		  fld_get(info, t->bench->ivrs->iv_info));
}

TEST_TABLE(reg_misc0,
	{ .id = "amdvi.reg.cap.pa_size", .checks = "AMD-REG-009", .given = "PAsize of MISC0 and of IVinfo",
	  .expects = "they are equal", .needs = NEED_AMDVI, .arg = 0, .body = misc0 },
	{ .id = "amdvi.reg.cap.va_size", .checks = "AMD-REG-010", .given = "VAsize of MISC0 and of IVinfo",
	  .expects = "they are equal", .needs = NEED_AMDVI, .arg = 1, .body = misc0 });

/* ---- access ---- */

TEST(reg_halves, .id = "amdvi.reg.halves", .checks = "AMD-REG-011", .given = "EFR and base registers by halves",
     .expects = "the same value as by one access", .needs = NEED_AMDVI)
{
	static const uint32_t offs[] = { 0x00, 0x08, 0x10, 0x20, 0x28, 0x30 };

	mmio_wr(ax_regs(t), AMDVI_EVT_BASE, UINT64_C(0x0800000123456000));
	for (unsigned i = 0; i < ARRAY_LEN(offs); i++) {
		uint64_t lo = mmio_rd(ax_regs(t), (reg32_t){ offs[i] }), hi = mmio_rd(ax_regs(t),
			(reg32_t){ offs[i] + 4 });

		expect_eq(t, "the two halves", FLD(BITS(63, 32), hi) | lo, mmio_rd(ax_regs(t), (reg64_t){ offs[i] }));
	}
	mmio_wr(ax_regs(t), AMDVI_EVT_BASE, 0);
}

TEST(reg_half_write, .id = "amdvi.reg.half_write", .checks = "AMD-REG-012",
     .given = "one half of the event log base written",
     .expects = "the other half stays", .needs = NEED_AMDVI)
{
	mmio_wr(ax_regs(t), AMDVI_EVT_BASE, UINT64_C(0x0800000123456000));
	mmio_wr(ax_regs(t), (reg32_t){ AMDVI_EVT_BASE.off }, 0x89abc000u);
	expect_eq(t, "after the lower half", mmio_rd(ax_regs(t), AMDVI_EVT_BASE), UINT64_C(0x0800000189abc000));
	mmio_wr(ax_regs(t), (reg32_t){ AMDVI_EVT_BASE.off + 4 }, 0x09000002u);
	expect_eq(t, "after the upper half", mmio_rd(ax_regs(t), AMDVI_EVT_BASE), UINT64_C(0x0900000289abc000));
	mmio_wr(ax_regs(t), AMDVI_EVT_BASE, 0);
}

/* Bits that hold what is written, and bits that read 0 after ones. */
static const struct field {
	uint32_t off;
	uint64_t holds, zero;
	uint64_t len; /* legal value for the length field, where there is one */
	uint64_t need;
} fields[] = {
	{ 0x0000, DEVTAB_BASE | DEVTAB_SIZE, DEVTAB_RSVD_9 | DEVTAB_RSVD_52, 0, 0 },
	{ 0x0008, RING_BASE, RING_RSVD_0 | RING_RSVD_52 | RING_RSVD_60, RING_LEN, 0 },
	{ 0x0010, RING_BASE, RING_RSVD_0 | RING_RSVD_52 | RING_RSVD_60, RING_LEN, 0 },
	{ 0x0038, RING_BASE, 0, RING_LEN, NEED_AMD_PPR },
	{ 0x0020, EXCL_EX_EN | EXCL_ALLOW | EXCL_BASE, 0, 0, 0 },
	{ 0x0028, EXCL_LIMIT, 0, 0, 0 },
	{ 0x0170, XT_DM | XT_DEST_LO | XT_VECTOR | XT_DLM | XT_DEST_HI, BITS(1, 0) | BITS(7, 3) | BITS(55, 41), 0,
		NEED_AMD_XT },
	{ 0x0178, XT_DM | XT_DEST_LO | XT_VECTOR | XT_DLM | XT_DEST_HI, BITS(1, 0) | BITS(7, 3) | BITS(55, 41), 0,
		NEED_AMD_XT },
	{ 0x0180, XT_DM | XT_DEST_LO | XT_VECTOR | XT_DLM | XT_DEST_HI, BITS(1, 0) | BITS(7, 3) | BITS(55, 41), 0,
		NEED_AMD_XT },
};

static void holds(struct test *t)
{
	const struct field *f = &fields[t->desc->arg];
	reg64_t r = { f->off };
	uint64_t patterns[] = { UINT64_C(0x5555555555555555), UINT64_C(0xaaaaaaaaaaaaaaaa), UINT64_MAX, 0 };

	for (unsigned i = 0; i < ARRAY_LEN(patterns); i++) {
		uint64_t v = (patterns[i] & f->holds) | (f->len ? fld_set(f->len, 0, 8 + i) : 0);

		mmio_wr(ax_regs(t), r, v);
		expect_eq(t, "the fields as written", mmio_rd(ax_regs(t), r) & (f->holds | f->len), v);
	}
	if (f->len)
		for (uint64_t n = 8; n <= 15; n++) {
			mmio_wr(ax_regs(t), r, fld_set(f->len, 0, n));
			expect_eq(t, "the length", fld_get(f->len, mmio_rd(ax_regs(t), r)), n);
		}
	mmio_wr(ax_regs(t), r, 0);
}

static void reads_zero(struct test *t)
{
	const struct field *f = &fields[t->desc->arg];
	reg64_t r = { f->off };

	mmio_wr(ax_regs(t), r, f->zero | (f->len ? fld_set(f->len, 0, 8) : 0));
	expect_eq(t, "the reserved bits", mmio_rd(ax_regs(t), r) & f->zero, 0);
	mmio_wr(ax_regs(t), r, 0);
}

#define HOLDS(id_, row_, n_, needs_) \
	{ .id = "amdvi.reg." id_ ".holds", .checks = row_, .given = "patterns written", .expects = "they read back", \
	  .needs = NEED_AMDVI | (needs_), .arg = n_, .body = holds }
#define ZERO(id_, row_, n_, needs_) \
	{ .id = "amdvi.reg." id_ ".reserved", .checks = row_, .given = "ones written to reserved bits", \
	  .expects = "they read 0", .needs = NEED_AMDVI | (needs_), .arg = n_, .body = reads_zero }

TEST_TABLE(reg_holds, HOLDS("devtab_base", "AMD-REG-013", 0, 0), HOLDS("cmd_base", "AMD-REG-015", 1, 0),
	   HOLDS("evt_base", "AMD-REG-017", 2, 0), HOLDS("ppr_base", "AMD-REG-019", 3, NEED_AMD_PPR),
	   HOLDS("excl_base", "AMD-REG-048", 4, 0), HOLDS("excl_limit", "AMD-REG-049", 5, 0),
	   HOLDS("xt_gen", "AMD-REG-061", 6, NEED_AMD_XT), HOLDS("xt_ppr", "AMD-REG-061", 7, NEED_AMD_XT |
	   	NEED_AMD_PPR));
TEST_TABLE(reg_zero, ZERO("devtab_base", "AMD-REG-014", 0, 0), ZERO("cmd_base", "AMD-REG-016", 1, 0),
	   ZERO("evt_base", "AMD-REG-018", 2, 0), ZERO("xt_gen", "AMD-REG-062", 6, NEED_AMD_XT));

TEST(reg_ppr_absent, .id = "amdvi.reg.ppr_base.absent", .checks = "AMD-REG-020",
     .given = "PPRSup = 0, the PPR log base written",
     .expects = "it reads 0", .needs = NEED_AMDVI)
{
	if (caps_of(t)->ppr)
		skip(t, "EFR.PPRSup = 1");
	mmio_wr(ax_regs(t), AMDVI_PPR_BASE, UINT64_C(0x0800000123456000));
	expect_eq(t, "the PPR log base", mmio_rd(ax_regs(t), AMDVI_PPR_BASE), 0);
}

/* Head and tail pointers: bits 18:4 alone. */
static void pointer(struct test *t)
{
	static const uint32_t at[][3] = { { 0x08, 0x2000, 0x2008 }, { 0x10, 0x2010, 0x2018 } };
	const uint32_t *r = at[t->desc->arg];

	/* The largest ring, so that every offset lies inside it; nothing runs. */
	mmio_wr(ax_regs(t), (reg64_t){ r[0] }, FLD(RING_LEN, 15));
	for (unsigned i = 1; i < 3; i++) {
		mmio_wr(ax_regs(t), (reg64_t){ r[i] }, UINT64_MAX);
		expect_eq(t, i == 1 ? "head" : "tail", mmio_rd(ax_regs(t), (reg64_t){ r[i] }), RING_PTR);
		mmio_wr(ax_regs(t), (reg64_t){ r[i] }, 0);
	}
	mmio_wr(ax_regs(t), (reg64_t){ r[0] }, 0);
}

static void base_clears(struct test *t)
{
	static const uint32_t at[][3] = { { 0x08, 0x2000, 0x2008 }, { 0x10, 0x2010, 0x2018 }, { 0x38, 0x2030,
		0x2038 } };
	const uint32_t *r = at[t->desc->arg];

	mmio_wr(ax_regs(t), (reg64_t){ r[0] }, FLD(RING_LEN, 8));
	mmio_wr(ax_regs(t), (reg64_t){ r[1] }, 0x40);
	mmio_wr(ax_regs(t), (reg64_t){ r[2] }, 0x40);
	if (mmio_rd(ax_regs(t), (reg64_t){ r[1] }) != 0x40)
		skip(t, "the pointers cannot be preset");
	mmio_wr(ax_regs(t), (reg64_t){ r[0] }, FLD(RING_LEN, 8));
	expect_eq(t, "head", mmio_rd(ax_regs(t), (reg64_t){ r[1] }), 0);
	expect_eq(t, "tail", mmio_rd(ax_regs(t), (reg64_t){ r[2] }), 0);
	mmio_wr(ax_regs(t), (reg64_t){ r[1] }, 0);
	mmio_wr(ax_regs(t), (reg64_t){ r[2] }, 0);
}

#define POINTER(id_, row_, body_, n_, needs_) \
	{ .id = "amdvi.reg." id_, .checks = row_, .given = "the ring does not run", \
	  .expects = "pointers keep bits 18:4, and a written base zeroes them", .needs = NEED_AMDVI | (needs_), \
	  .arg = n_, \
	  .body = body_ }

TEST_TABLE(reg_pointers, POINTER("cmd_pointers.holds", "AMD-REG-024", pointer, 0, 0),
	   POINTER("evt_pointers.holds", "AMD-REG-025", pointer, 1, 0),
	   POINTER("cmd_base.clears_pointers", "AMD-REG-026", base_clears, 0, 0),
	   POINTER("evt_base.clears_pointers", "AMD-REG-027", base_clears, 1, 0),
	   POINTER("ppr_base.clears_pointers", "AMD-REG-028", base_clears, 2, NEED_AMD_PPR));

static void read_only(struct test *t)
{
	reg64_t r = { (uint32_t)t->desc->arg };
	uint64_t before = mmio_rd(ax_regs(t), r);

	if (r.off == AMDVI_EFR2.off && (!before || before == UINT64_MAX))
		skip(t, "no EFR2");
	mmio_wr(ax_regs(t), r, ~before);
	expect_eq(t, "unchanged by its inverse", mmio_rd(ax_regs(t), r) == before, 1);
	mmio_wr(ax_regs(t), r, before);
}

TEST_TABLE(reg_read_only,
	{ .id = "amdvi.reg.efr.read_only", .checks = "AMD-REG-029", .given = "the inverse written to EFR",
	  .expects = "it stays", .needs = NEED_AMDVI, .arg = 0x30, .body = read_only },
	{ .id = "amdvi.reg.efr2.read_only", .checks = "AMD-REG-030", .given = "the inverse written to EFR2",
	  .expects = "it stays", .needs = NEED_AMDVI, .arg = 0x1a0, .body = read_only },
	{ .id = "amdvi.reg.rsvd58.read_only", .checks = "AMD-REG-068", .given = "ones written to offset 0058h",
	  .expects = "it stays", .needs = NEED_AMDVI, .arg = 0x58, .body = read_only },
	{ .id = "amdvi.reg.dsfx.read_only", .checks = "AMD-REG-069", .given = "the inverse written to offset 0138h",
	  .expects = "it stays", .needs = NEED_AMDVI, .arg = 0x138, .body = read_only });

/* ---- EFR ---- */

static void efr_rule(struct test *t)
{
	uint64_t efr = caps_of(t)->efr;

	switch (t->desc->arg) {
	case 50:
		if (fld_get(BIT(0), block_of(t).features) && block_of(t).type != IVHD_10)
			skip(t, "HATDis = 1");
		expect_true(t, fld_get(EFR_HATS, efr) != 3, "HATS is not 11b");
		break;
	case 51: expect_true(t, fld_get(EFR_GATS, efr) != 3, "GATS is not 11b"); break;
	case 52: expect_true(t, fld_get(EFR_GLX_SUP, efr) != 3, "GLXSup is not 11b"); break;
	case 53: expect_true(t, fld_get(EFR_PAS_MAX, efr) <= 19, "PASMax at most 19"); break;
	default: expect_true(t, efr & EFR_GA_SUP, "GASup = 1"); break;
	}
}

#define EFR_RULE(id_, row_, needs_, arg_) \
	{ .id = "amdvi.reg.efr." id_, .checks = row_, .given = "EFR as read", .expects = "a legal value", \
	  .needs = NEED_AMDVI | (needs_), .arg = arg_, .body = efr_rule }

TEST_TABLE(reg_efr, EFR_RULE("hats", "AMD-REG-050", 0, 50), EFR_RULE("gats", "AMD-REG-051", NEED_AMD_GT, 51),
	   EFR_RULE("glx", "AMD-REG-052", NEED_AMD_GT, 52), EFR_RULE("pas_max", "AMD-REG-053", NEED_AMD_GT, 53),
	   EFR_RULE("xt_ga", "AMD-REG-054", NEED_AMD_XT, 54));

static void image(struct test *t)
{
	struct ivrs_block b = block_of(t);

	if (b.type == IVHD_10 || !(t->bench->ivrs->iv_info & IVINFO_EFR_SUP))
		skip(t, "the IVHD has no image of EFR");
	if (t->desc->arg)
		expect_eq(t, "EFR2", b.efr2, caps_of(t)->efr2);
	else
		expect_eq(t, "EFR", b.efr, caps_of(t)->efr);
}

TEST_TABLE(reg_images,
	{ .id = "amdvi.reg.efr.image", .checks = "AMD-REG-055", .given = "the IVHD's image of EFR",
	  .expects = "the register",
	  .needs = NEED_AMDVI, .arg = 0, .body = image },
	{ .id = "amdvi.reg.efr2.image", .checks = "AMD-REG-056", .given = "the IVHD's image of EFR2",
	  .expects = "the register",
	  .needs = NEED_AMDVI, .arg = 1, .body = image });
