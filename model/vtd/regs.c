/*
 * The register file (VT-d rev 4.1, chapter 11): where registers are, which bits can be written, what exists.
 *
 * A register is a 64-bit slot. An access touches the bytes that it names and no others; what a write sets off is
 * decided by the bytes that it touched, so that of a 64-bit command register the upper half starts the command.
 */
#include "model/vtd/internal.h"

/* When a register exists; else it reads 0 and ignores writes. */
enum cond { ALWAYS, QI, IR, PRS, EIM, QI_EIM, PRS_EIM, PLMR, PHMR, PMR, MTS, VCS, RBI };

struct reg_desc {
	uint16_t off;
	uint8_t bytes;
	uint8_t reg;      /* enum mdl_reg */
	uint8_t cond;
	uint64_t rw, w1c; /* w1c: sticky, too; rw of protected regions: mdl_pmr_mask() */
	uint64_t reset;
};

#define HAW_ADDR BITS(63, 12) /* cut to HAW where used */

static const struct reg_desc descs[] = {
	{ 0x000, 4, R_VER, ALWAYS, 0, 0, 0 },
	{ 0x008, 8, R_CAP, ALWAYS, 0, 0, 0 },
	{ 0x010, 8, R_ECAP, ALWAYS, 0, 0, 0 },
	{ 0x018, 4, R_GCMD, ALWAYS, 0, 0, 0 },
	{ 0x01C, 4, R_GSTS, ALWAYS, 0, 0, 0 },
	{ 0x020, 8, R_RTADDR, ALWAYS, HAW_ADDR | RTADDR_TTM, 0, 0 },
	{ 0x028, 8, R_CCMD, RBI, CCMD_DID | CCMD_SID | CCMD_FM | CCMD_CIRG | CCMD_ICC, 0, 0 },
	{ 0x034, 4, R_FSTS, ALWAYS, 0, FSTS_PFO | FSTS_IQE | FSTS_ICE | FSTS_ITE, 0 },
	{ 0x038, 4, R_FECTL, ALWAYS, ECTL_IM, 0, ECTL_IM },
	{ 0x03C, 4, R_FEDATA, ALWAYS, BITS(15, 0), 0, 0 },
	{ 0x040, 4, R_FEADDR, ALWAYS, BITS(31, 2), 0, 0 },
	{ 0x044, 4, R_FEUADDR, EIM, BITS(31, 0), 0, 0 },
	{ 0x064, 4, R_PMEN, PMR, PMEN_EPM, 0, 0 },
	{ 0x068, 4, R_PLMBASE, PLMR, 0, 0, 0 },
	{ 0x06C, 4, R_PLMLIMIT, PLMR, 0, 0, 0 },
	{ 0x070, 8, R_PHMBASE, PHMR, 0, 0, 0 },
	{ 0x078, 8, R_PHMLIMIT, PHMR, 0, 0, 0 },
	{ 0x080, 8, R_IQH, QI, 0, 0, 0 },
	{ 0x088, 8, R_IQT, QI, IQT_QT, 0, 0 },
	{ 0x090, 8, R_IQA, QI, IQA_QS | IQA_DW | HAW_ADDR, 0, 0 },
	{ 0x09C, 4, R_ICS, QI, 0, ICS_IWC, 0 },
	{ 0x0A0, 4, R_IECTL, QI, ECTL_IM, 0, ECTL_IM },
	{ 0x0A4, 4, R_IEDATA, QI, BITS(15, 0), 0, 0 },
	{ 0x0A8, 4, R_IEADDR, QI, BITS(31, 2), 0, 0 },
	{ 0x0AC, 4, R_IEUADDR, QI_EIM, BITS(31, 0), 0, 0 },
	{ 0x0B0, 8, R_IQERCD, QI, 0, 0, 0 },
	{ 0x0B8, 8, R_IRTA, IR, IRTA_S | IRTA_EIME | HAW_ADDR, 0, 0 },
	{ 0x0C0, 8, R_PQH, PRS, PQ_OFFSET, 0, 0 },
	{ 0x0C8, 8, R_PQT, PRS, PQ_OFFSET, 0, 0 },
	{ 0x0D0, 8, R_PQA, PRS, PQA_PQS | HAW_ADDR, 0, 0 },
	{ 0x0DC, 4, R_PRS, PRS, 0, PRS_PPR | PRS_PRO, 0 },
	{ 0x0E0, 4, R_PECTL, PRS, ECTL_IM, 0, ECTL_IM },
	{ 0x0E4, 4, R_PEDATA, PRS, BITS(15, 0), 0, 0 },
	{ 0x0E8, 4, R_PEADDR, PRS, BITS(31, 2), 0, 0 },
	{ 0x0EC, 4, R_PEUADDR, PRS_EIM, BITS(31, 0), 0, 0 },
	{ 0x100, 8, R_MTRRCAP, MTS, 0, 0, 0 },
	{ 0x108, 8, R_MTRRDEF, MTS, BITS(7, 0) | BITS(11, 10), 0, 0 },
	{ 0xE00, 8, R_VCMD, VCS, BITS(63, 0), 0, 0 },
	{ 0xE08, 8, R_VCMD_EO, VCS, BITS(63, 0), 0, 0 },
	{ 0xE10, 8, R_VCRSP, VCS, 0, 0, 0 },
	{ 0xE30, 8, R_VCCAP, VCS, 0, 0, 0 },
};

static const struct reg_desc iva_desc = { 0, 8, R_IVA, RBI, IVA_AM | IVA_IH | IVA_ADDR, 0, 0 };
static const struct reg_desc iotlb_desc = {
	8, 8, R_IOTLB, RBI, IOTLB_DID | IOTLB_DW | IOTLB_DR | IOTLB_IIRG | IOTLB_IVT, 0, 0
};

static bool exists(const struct mdl_vtd_config *c, enum cond cond)
{
	bool qi = (c->ecap & ECAP_QI) != 0, prs = (c->ecap & ECAP_PRS) != 0, eim = (c->ecap & ECAP_EIM) != 0;

	switch (cond) {
	case QI:      return qi;
	case IR:      return (c->ecap & ECAP_IR) != 0;
	case PRS:     return prs;
	case EIM:     return eim;
	case QI_EIM:  return qi && eim;
	case PRS_EIM: return prs && eim;
	case PLMR:    return (c->cap & CAP_PLMR) != 0;
	case PHMR:    return (c->cap & CAP_PHMR) != 0;
	case PMR:     return (c->cap & (CAP_PLMR | CAP_PHMR)) != 0;
	case MTS:     return (c->ecap & ECAP_MTS) != 0;
	case VCS:     return (c->ecap & ECAP_VCS) != 0;
	case RBI:     return fld_get(VER_MAJOR, c->ver) < 6;
	default:      return true;
	}
}

/* Bits that this unit lets software write. */
static uint64_t writable(const struct mdl_vtd_config *c, const struct reg_desc *d)
{
	uint64_t above_haw = ~(pow2(c->haw) - 1);

	switch (d->reg) {
	case R_RTADDR: case R_PQA:
		return d->rw & ~above_haw;
	case R_IQA:
		/* DW exists only with scalable or abort-DMA mode. */
		return d->rw & ~above_haw & ~((c->ecap & (ECAP_SMTS | ECAP_ADMS)) == 0 ? IQA_DW : 0);
	case R_IRTA:
		return d->rw & ~above_haw & ~((c->ecap & ECAP_EIM) == 0 ? IRTA_EIME : 0);
	case R_PLMBASE: case R_PLMLIMIT: case R_PHMBASE: case R_PHMLIMIT:
		return mdl_pmr_mask(c, (enum mdl_reg)d->reg);
	default:
		return d->rw;
	}
}

/* MTRRs: plain storage, all alike. True: *d describes the one at off. */
static bool mtrr_desc(uint32_t off, struct reg_desc *d)
{
	bool fixed = off == 0x120 || off == 0x128 || off == 0x130 || (off >= 0x138 && off <= 0x170);
	bool variable = off >= 0x180 && off < 0x220;

	if (!is_aligned(off, 8) || !(fixed || variable))
		return false;
	*d = (struct reg_desc){ .off = (uint16_t)off, .bytes = 8, .cond = MTS, .rw = BITS(63, 0) };
	d->reg = (uint8_t)(R_MTRR + off / 8 % 32); /* 32 of them lie side by side */
	return true;
}

/* The register that holds the aligned DWORD at off; false: none that this unit has. *half: offset inside it. */
static bool find(const struct mdl_vtd_config *c, uint32_t off, struct reg_desc *d, uint32_t *half)
{
	uint32_t iva = (uint32_t)(16 * fld_get(ECAP_IRO, c->ecap));
	unsigned lo = 0, hi = ARRAY_LEN(descs);

	*half = off & 4;
	if (align_down(off, 16) == iva) {
		*d = (off & 8) == 0 ? iva_desc : iotlb_desc;
		return exists(c, RBI);
	}
	if (mtrr_desc(off & ~4u, d))
		return exists(c, MTS);
	while (hi - lo > 1) {
		unsigned mid = (lo + hi) / 2;

		if (descs[mid].off <= off)
			lo = mid;
		else
			hi = mid;
	}
	*d = descs[lo];
	*half = off - d->off;
	return *half < d->bytes && exists(c, (enum cond)d->cond);
}

/* FRCD lies at an offset of the unit's own: true where off is in it, and *f the half of a record. */
static bool find_frcd(struct mdl_vtd *u, uint32_t off, uint64_t **f, unsigned *n)
{
	uint32_t base = (uint32_t)(16 * fld_get(CAP_FRO, u->st.cfg->cap));
	uint32_t records = (uint32_t)fld_get(CAP_NFR, u->st.cfg->cap) + 1;

	if (off < base || off >= base + 16 * records)
		return false;
	*n = (off - base) / 16;
	*f = &u->st.frcd[*n][(off & 8) != 0];
	return true;
}

static uint32_t rd32(struct mdl_vtd *u, uint32_t off)
{
	struct reg_desc d;
	uint64_t *frcd;
	uint32_t half;
	unsigned n;

	if (find_frcd(u, off, &frcd, &n))
		return (uint32_t)shr(*frcd, 8 * (off & 4));
	if (!find(u->st.cfg, off, &d, &half))
		return 0;
	if (d.reg == R_GSTS)
		mdl_gcmd_poll(u);
	return (uint32_t)shr(u->st.r[d.reg], 8 * half);
}

uint64_t mdl_vtd_rd(struct mdl_vtd *u, uint32_t off, unsigned bytes)
{
	uint64_t v;

	if (bytes > 8 || !is_aligned(off, bytes)) /* undefined: the model gives all ones */
		return UINT64_MAX;
	mdl_iq_poll(u);
	v = rd32(u, off & ~3u);
	if (bytes == 8)
		return v | shl(rd32(u, off + 4), 32);
	return shr(v, 8 * (off & 3)) & (pow2(8 * bytes) - 1);
}

/* value and mask are of the whole register, mask names the bytes written. */
static void write_reg(struct mdl_vtd *u, const struct reg_desc *d, uint64_t value, uint64_t mask)
{
	uint64_t rw = writable(u->st.cfg, d) & mask;
	uint64_t *r = &u->st.r[d->reg];

	*r = (*r & ~rw) | (value & rw);
	*r &= ~(value & mask & d->w1c);
	mdl_reg_effect(u, (enum mdl_reg)d->reg, value, mask);
}

/* A part of an access that lies in one register. Returns how many bytes of it that was. */
static unsigned write_part(struct mdl_vtd *u, uint32_t off, uint64_t value, unsigned bytes)
{
	struct reg_desc d;
	uint64_t *frcd;
	uint32_t half, in;
	unsigned n, part;

	if (find_frcd(u, off, &frcd, &n)) {
		/* value has no bits beyond the bytes written. */
		if ((off & 8) != 0 && (shl(value, 8 * (off & 7)) & FRCD1_F) != 0)
			mdl_frcd_clear(u, n);
		return bytes;
	}
	if (!find(u->st.cfg, off & ~3u, &d, &half))
		return (unsigned)min_u64(bytes, 4);
	in = half + (off & 3); /* undefined: where off is not a multiple of 4 */
	part = (unsigned)min_u64(bytes, d.bytes - in);
	write_reg(u, &d, shl(value, 8 * in), shl(part == 8 ? UINT64_MAX : pow2(8 * part) - 1, 8 * in));
	return part;
}

void mdl_vtd_wr(struct mdl_vtd *u, uint32_t off, uint64_t value, unsigned bytes)
{
	unsigned done = 0;

	if (bytes > 8 || !is_aligned(off, bytes)) /* undefined: the model ignores it */
		return;
	mdl_iq_poll(u);
	while (done < bytes)
		done += write_part(u, off + done, shr(value, 8 * done), bytes - done);
}

static uint64_t ops_rd(void *ctx, uint32_t off, unsigned bytes)
{
	return mdl_vtd_rd(ctx, off, bytes);
}

static void ops_wr(void *ctx, uint32_t off, uint64_t value, unsigned bytes)
{
	mdl_vtd_wr(ctx, off, value, bytes);
}

const struct mmio_ops mdl_vtd_mmio = { .rd = ops_rd, .wr = ops_wr };

uint32_t mdl_vtd_window_bytes(const struct mdl_vtd_config *c)
{
	uint64_t frcd = 16 * (fld_get(CAP_FRO, c->cap) + fld_get(CAP_NFR, c->cap) + 1);
	uint64_t iva = 16 * (fld_get(ECAP_IRO, c->ecap) + 1);

	return (uint32_t)align_up(max_u64(max_u64(frcd, iva), PAGE_BYTES), PAGE_BYTES);
}

/* Power-on values; sticky registers keep theirs at a warm reset. */
void mdl_regs_reset(struct mdl_vtd *u, bool warm)
{
	const struct mdl_vtd_config *c = u->st.cfg;

	for (unsigned r = 0; r < R_N; r++)
		if (!warm || !(r == R_FSTS || r == R_ICS || r == R_PRS || r == R_IQERCD))
			u->st.r[r] = 0;
	for (unsigned i = 0; i < ARRAY_LEN(descs); i++)
		if (descs[i].reset != 0 && exists(c, (enum cond)descs[i].cond))
			u->st.r[descs[i].reg] = descs[i].reset;
	u->st.r[R_VER] = c->ver;
	u->st.r[R_CAP] = c->cap;
	u->st.r[R_ECAP] = c->ecap;
	u->st.r[R_VCCAP] = c->vccap;
	u->st.r[R_MTRRCAP] = c->mtrrcap;
}
