/*
 * The register file (AMD IOMMU 3.3 and 3.4): where registers are, which bits can be written, what exists.
 *
 * A register is a 64-bit slot; accesses of 32 or 64 bits, naturally aligned. Where the manual leaves the outcome open
 * (other sizes, a base written while its ring runs, pointers outside a ring), writes are ignored.
 */
#include "model/amdvi/internal.h"

/* When a register exists; else it reads 0 and ignores writes. */
enum cond { ALWAYS, PPR, HE, SMIF, GAM, DUAL_PPR, DUAL_EVT, PERF_OPT, XT, PPR_AUTO, PPR_EARLY, PC };

struct reg_desc {
	uint16_t off;
	uint8_t bytes;
	uint8_t reg;      /* enum mdl_amd_reg */
	uint8_t cond;
	uint64_t rw, w1c;
};

#define RING (BASE_ADDR | RING_LEN)

static const struct reg_desc descs[] = {
	{ 0x0000, 8, AR_DEVTAB, ALWAYS, BASE_ADDR | DEVTAB_SIZE, 0 },
	{ 0x0008, 8, AR_CMD_BASE, ALWAYS, RING, 0 },
	{ 0x0010, 8, AR_EVT_BASE, ALWAYS, RING, 0 },
	{ 0x0018, 8, AR_CTL, ALWAYS, BITS(63, 0), 0 },
	{ 0x0020, 8, AR_EXCL_BASE, ALWAYS, BASE_ADDR | EXCL_ENABLE | EXCL_ALLOW, 0 },
	{ 0x0028, 8, AR_EXCL_LIMIT, ALWAYS, BASE_ADDR, 0 },
	{ 0x0030, 8, AR_EFR, ALWAYS, 0, 0 },
	{ 0x0038, 8, AR_PPR_BASE, PPR, RING, 0 },
	{ 0x0040, 8, AR_HEV_UPPER, HE, 0, 0 },
	{ 0x0048, 8, AR_HEV_LOWER, HE, 0, 0 },
	{ 0x0050, 8, AR_HEV_STATUS, HE, 0, BITS(2, 0) },
	{ 0x00E0, 8, AR_GA_BASE, GAM, RING, 0 },
	{ 0x00E8, 8, AR_GA_TAIL_ADDRESS, GAM, BITS(51, 3), 0 },
	{ 0x00F0, 8, AR_PPRB_BASE, DUAL_PPR, RING, 0 },
	{ 0x00F8, 8, AR_EVTB_BASE, DUAL_EVT, RING, 0 },
	{ 0x016C, 4, AR_PERF_OPT, PERF_OPT, BIT(13), 0 },
	{ 0x0170, 8, AR_XT_GENERAL, XT, XT_ALL, 0 },
	{ 0x0178, 8, AR_XT_PPR, XT, XT_ALL, 0 },
	{ 0x0180, 8, AR_XT_GA, XT, XT_ALL, 0 },
	{ 0x01A0, 8, AR_EFR2, ALWAYS, 0, 0 },
	{ 0x2000, 8, AR_CMD_HEAD, ALWAYS, RING_OFFSET, 0 },
	{ 0x2008, 8, AR_CMD_TAIL, ALWAYS, RING_OFFSET, 0 },
	{ 0x2010, 8, AR_EVT_HEAD, ALWAYS, RING_OFFSET, 0 },
	{ 0x2018, 8, AR_EVT_TAIL, ALWAYS, RING_OFFSET, 0 },
	{ 0x2020, 8, AR_STATUS, ALWAYS, 0, ST_W1C },
	{ 0x2030, 8, AR_PPR_HEAD, PPR, RING_OFFSET, 0 },
	{ 0x2038, 8, AR_PPR_TAIL, PPR, RING_OFFSET, 0 },
	{ 0x2040, 8, AR_GA_HEAD, GAM, GA_OFFSET, 0 },
	{ 0x2048, 8, AR_GA_TAIL, GAM, GA_OFFSET, 0 },
	{ 0x2050, 8, AR_PPRB_HEAD, DUAL_PPR, RING_OFFSET, 0 },
	{ 0x2058, 8, AR_PPRB_TAIL, DUAL_PPR, RING_OFFSET, 0 },
	{ 0x2070, 8, AR_EVTB_HEAD, DUAL_EVT, RING_OFFSET, 0 },
	{ 0x2078, 8, AR_EVTB_TAIL, DUAL_EVT, RING_OFFSET, 0 },
	{ 0x2080, 8, AR_PPR_AUTO, PPR_AUTO, BITS(4, 0), 0 },
	{ 0x2088, 8, AR_PPR_EARLY, PPR_EARLY, PPR_EARLY_LEVEL | PPR_EARLY_INT | PPR_EARLY_ENABLE, 0 },
	{ 0x2090, 8, AR_PPRB_EARLY, PPR_EARLY, PPR_EARLY_LEVEL | PPR_EARLY_INT | PPR_EARLY_ENABLE, 0 },
	{ 0x4000, 8, AR_COUNTER_CONFIG, PC, 0, 0 },
};

/* A ring: its base, pointers, and the status bit that says that it runs. */
struct ring_desc {
	uint8_t base, head, tail;
	uint64_t run;
	bool software_writes_tail;
};

static const struct ring_desc rings[] = {
	{ AR_CMD_BASE, AR_CMD_HEAD, AR_CMD_TAIL, ST_CMD_RUN, true },
	{ AR_EVT_BASE, AR_EVT_HEAD, AR_EVT_TAIL, ST_EVT_RUN, false },
	{ AR_PPR_BASE, AR_PPR_HEAD, AR_PPR_TAIL, ST_PPR_RUN, false },
	{ AR_GA_BASE, AR_GA_HEAD, AR_GA_TAIL, ST_GA_RUN, false },
	{ AR_PPRB_BASE, AR_PPRB_HEAD, AR_PPRB_TAIL, 0, false },
	{ AR_EVTB_BASE, AR_EVTB_HEAD, AR_EVTB_TAIL, 0, false },
};

static bool exists(const struct mdl_amd_config *c, enum cond cond)
{
	switch (cond) {
	case PPR:       return (c->efr & EFR_PPR) != 0;
	case HE:        return (c->efr & EFR_HE) != 0;
	case SMIF:      return fld_get(EFR_SMIF, c->efr) == 1;
	case GAM:       return (c->efr & EFR_GA) != 0 && fld_get(EFR_GAM, c->efr) == 1;
	case DUAL_PPR:  return (c->efr & EFR_DUAL_PPR) != 0;
	case DUAL_EVT:  return (c->efr & EFR_DUAL_EVT) != 0;
	case PERF_OPT:  return (c->efr & EFR_PERF_OPT) != 0;
	case XT:        return (c->efr & EFR_XT) != 0;
	case PPR_AUTO:  return (c->efr & EFR_PPR_AUTO) != 0;
	case PPR_EARLY: return (c->efr & EFR_PPR_EARLY) != 0;
	case PC:        return (c->efr & EFR_PC) != 0;
	default:        return true;
	}
}

/* Control bits that this unit has; those of absent features read 0 and ignore writes. */
static uint64_t control_bits(const struct mdl_amd_config *c)
{
	static const struct { uint64_t efr, efr2, ctl; } needs[] = {
		{ EFR_PPR, 0, CTL_PPR_LOG | CTL_PPR_INT | CTL_PPR }, { EFR_GT, 0, CTL_GT }, { EFR_GA, 0, CTL_GA },
		{ EFR_SMIF, 0, CTL_SMI_FILTER | CTL_SMI_LOG }, { EFR_GAM, 0, BIT(25) | CTL_GA_LOG | CTL_GA_INT },
		{ EFR_DUAL_PPR, 0, CTL_DUAL_PPR }, { EFR_DUAL_EVT, 0, CTL_DUAL_EVT }, { EFR_SEGMENTS, 0, CTL_SEGMENTS },
		{ EFR_US, 0, CTL_PRIV_ABORT }, { EFR_PPR_AUTO, 0, CTL_AUTO_RSP | CTL_AUTO_ALWAYS },
		{ EFR_BLOCK_STOP, 0, CTL_BLOCK_STOP }, { 0, EFR2_INT_2K, BIT(43) }, { EFR_EPH, 0, CTL_EPH },
		{ EFR_HA | EFR_HD, 0, CTL_HAD }, { EFR_GD_DISABLE, 0, CTL_GD_DISABLE }, { EFR_XT, 0, CTL_XT | CTL_INT_XT },
		{ EFR_GA_DISABLE, 0, CTL_GA_DISABLE }, { EFR_GAPPI, 0, CTL_GAPPI }, { 0, EFR2_GCR3_GPA, CTL_GCR3_GPA },
	};
	uint64_t bits = BITS(12, 0) | CTL_IRT_UNCACHED;

	for (unsigned i = 0; i < ARRAY_LEN(needs); i++)
		if ((c->efr & needs[i].efr) != 0 || (c->efr2 & needs[i].efr2) != 0)
			bits |= needs[i].ctl;
	return bits;
}

/* Registers in rows: SMI filters and device table segments. */
static bool row_desc(const struct mdl_amd_config *c, uint32_t off, struct reg_desc *d)
{
	*d = (struct reg_desc){ .off = (uint16_t)align_down(off, 8), .bytes = 8 };
	if (off >= 0x0060 && off < 0x00E0) {
		unsigned n = (off - 0x0060) / 8;

		d->reg = (uint8_t)(AR_SMI + n);
		d->rw = SMI_DEVICE | SMI_VALID | SMI_LOCK;
		return exists(c, SMIF) && n < pow2((unsigned)fld_get(EFR_SMIFRC, c->efr));
	}
	if (off >= 0x0100 && off < 0x0138) {
		unsigned n = (off - 0x0100) / 8 + 1;

		d->reg = (uint8_t)(AR_SEGMENT + n);
		d->rw = BASE_ADDR | SEGMENT_SIZE;
		return n < pow2((unsigned)fld_get(EFR_SEGMENTS, c->efr));
	}
	return false;
}

/* The register that holds the aligned DWORD at off. False: none that this unit has. */
static bool find(const struct mdl_amd_config *c, uint32_t off, struct reg_desc *d)
{
	if (row_desc(c, off, d))
		return true;
	for (unsigned i = 0; i < ARRAY_LEN(descs); i++) {
		if (off >= descs[i].off && off < descs[i].off + descs[i].bytes) {
			*d = descs[i];
			return exists(c, (enum cond)d->cond);
		}
	}
	return false;
}

/* 0150h to 0168h mirror the capability block and the MSI capability (MsiCapMmioSup). Offset there, 0: none. */
static uint32_t mirrored(const struct mdl_amd *u, uint32_t off)
{
	static const uint8_t at[] = { 0x50, 0x54, 0x60, 0x64, 0x68, 0x6C, 0 };

	if (!mdl_amd_efr(&u->st, EFR_MSI_MMIO) || off < 0x0150 || off >= 0x016C)
		return 0;
	return at[(off - 0x0150) / 4];
}

static uint32_t rd32(const struct mdl_amd *u, uint32_t off)
{
	struct reg_desc d;
	uint32_t mirror = mirrored(u, off);

	if (mirror != 0)
		return mdl_amd_cfg_rd(u, mirror, 4);
	if (!find(u->st.cfg, off, &d))
		return 0;
	return (uint32_t)shr(u->st.r[d.reg], 8 * (off - d.off));
}

uint64_t mdl_amd_rd(struct mdl_amd *u, uint32_t off, unsigned bytes)
{
	if ((bytes != 4 && bytes != 8) || !is_aligned(off, bytes))
		return UINT64_MAX;
	mdl_amd_commands_poll(u);
	return rd32(u, off) | (bytes == 8 ? shl(rd32(u, off + 4), 32) : 0);
}

static const struct ring_desc *ring_of_base(enum mdl_amd_reg r)
{
	for (unsigned i = 0; i < ARRAY_LEN(rings); i++)
		if (rings[i].base == r)
			return &rings[i];
	return NULL;
}

static const struct ring_desc *ring_of_pointer(enum mdl_amd_reg r)
{
	for (unsigned i = 0; i < ARRAY_LEN(rings); i++)
		if (rings[i].head == r || rings[i].tail == r)
			return &rings[i];
	return NULL;
}

/* What the register becomes; false: the write is ignored. */
static bool accept(const struct mdl_amd *u, enum mdl_amd_reg r, uint64_t before, uint64_t *value)
{
	const struct ring_desc *ring = ring_of_base(r);
	uint64_t status = u->st.r[AR_STATUS];

	if (ring != NULL)
		return (status & ring->run) == 0 && fld_get(RING_LEN, *value) >= 8;
	ring = ring_of_pointer(r);
	if (ring != NULL) {
		bool software = (r == ring->tail) == ring->software_writes_tail;

		return (software || (status & ring->run) == 0) && *value < pow2(4 + (unsigned)fld_get(RING_LEN, u->st.r[ring->base]));
	}
	if (r == AR_CTL) {
		*value &= control_bits(u->st.cfg);
		if (fld_get(CTL_SEGMENTS, *value) > fld_get(EFR_SEGMENTS, u->st.cfg->efr))
			*value = fld_set(CTL_SEGMENTS, *value, fld_get(CTL_SEGMENTS, before));
	}
	if (r >= AR_SMI && r < AR_SMI + 16)
		return (before & SMI_LOCK) == 0;
	return true;
}

/* value and mask are of the whole register, mask names the bytes written. */
static void write_reg(struct mdl_amd *u, const struct reg_desc *d, uint64_t value, uint64_t mask)
{
	uint64_t *r = &u->st.r[d->reg];
	uint64_t before = *r;
	uint64_t after = ((before & ~(d->rw & mask)) | (value & d->rw & mask)) & ~(value & mask & d->w1c);
	const struct ring_desc *ring;

	if (!accept(u, (enum mdl_amd_reg)d->reg, before, &after))
		return;
	*r = after;
	ring = ring_of_base((enum mdl_amd_reg)d->reg);
	if (ring != NULL)
		u->st.r[ring->head] = u->st.r[ring->tail] = 0;
	mdl_amd_reg_effect(u, (enum mdl_amd_reg)d->reg, before);
}

static void wr32(struct mdl_amd *u, uint32_t off, uint32_t value)
{
	struct reg_desc d;
	uint32_t mirror = mirrored(u, off);

	if (mirror >= 0x60)
		mdl_amd_cfg_wr(u, mirror, value, 4);
	else if (mirror == 0 && find(u->st.cfg, off, &d))
		write_reg(u, &d, shl(value, 8 * (off - d.off)), shl(BITS(31, 0), 8 * (off - d.off)));
}

void mdl_amd_wr(struct mdl_amd *u, uint32_t off, uint64_t value, unsigned bytes)
{
	struct reg_desc d;

	if ((bytes != 4 && bytes != 8) || !is_aligned(off, bytes))
		return;
	mdl_amd_commands_poll(u);
	if (bytes == 8 && find(u->st.cfg, off, &d) && d.bytes == 8) {
		write_reg(u, &d, value, UINT64_MAX);
		return;
	}
	wr32(u, off, (uint32_t)fld_get(BITS(31, 0), value));
	if (bytes == 8)
		wr32(u, off + 4, (uint32_t)fld_get(BITS(63, 32), value));
}

static uint64_t ops_rd(void *ctx, uint32_t off, unsigned bytes)
{
	return mdl_amd_rd(ctx, off, bytes);
}

static void ops_wr(void *ctx, uint32_t off, uint64_t value, unsigned bytes)
{
	mdl_amd_wr(ctx, off, value, bytes);
}

const struct mmio_ops mdl_amd_mmio = { .rd = ops_rd, .wr = ops_wr };

uint32_t mdl_amd_window_bytes(const struct mdl_amd_config *c)
{
	return (c->efr & EFR_PC) != 0 ? 512 * 1024 : 16 * 1024;
}

void mdl_amd_regs_reset(struct mdl_amd *u)
{
	const struct mdl_amd_config *c = u->st.cfg;

	for (unsigned r = 0; r < AR_N; r++)
		u->st.r[r] = 0;
	for (unsigned i = 0; i < ARRAY_LEN(rings) && !c->choices.u13_length_zero; i++)
		u->st.r[rings[i].base] = FLD(RING_LEN, 8);
	u->st.r[AR_EFR] = c->efr;
	u->st.r[AR_EFR2] = c->efr2;
	u->st.r[AR_COUNTER_CONFIG] = FLD(BITS(10, 7), 4) | FLD(BITS(17, 12), 2);
}
