/*
 * Interrupt remapping: reserved fields of messages and entries, presence, compatibility format (VT-d 5.1.2 to 5.1.5,
 * 9.10).
 */
#include "tests/vtd/interrupt_words.h"

#define NEEDS (NEED_VTD | NEED_IR | NEED_QI | NEED_ENGINE_MSI)
#define INDEX 5u

/* Remapping on, entry INDEX good; positive control: it is delivered. */
static struct ir *start(struct test *t, bool eime)
{
	struct ir *ir = ir_start(t, 8, eime);

	ir_set(t, ir, INDEX, ir_entry(ir));
	expect_delivered(t, ir, INDEX);
	return ir;
}

/* ---- entries ---- */

struct defect {
	unsigned reason;
	uint64_t q0, q1; /* each of these bits alone added to a good entry */
	bool fpd;        /* FPD = 1: the refusal is not recorded */
	bool sid;        /* not bits but a wrong SID */
};

static const struct defect defects[] = {
	{ FR_IR_IRTE_RESERVED, IRTE_RSVD_12, 0, false, false }, { FR_IR_IRTE_RESERVED, IRTE_RSVD_24, 0, false, false },
	{ FR_IR_IRTE_RESERVED, 0, IRTE1_RSVD_84 | IRTE1_PDAH, false, false },
	{ FR_IR_IRTE_RESERVED, BITS(39, 32), 0, false, false }, { FR_IR_IRTE_RESERVED, BITS(63, 48), 0, false, false },
	{ FR_IR_IRTE_RESERVED, IRTE_IM, 0, false, false },
	/* 6: FPD */
	{ FR_IR_IRTE_RESERVED, IRTE_RSVD_24, 0, true, false }, { FR_IR_SID, 0, 0, true, true },
};

static bool one_defect(struct test *t, struct ir *ir, const struct defect *d, uint64_t q0, uint64_t q1)
{
	vtd_irte_t e = ir_entry(ir);
	bool good;

	e.w[0] |= q0 | (d->fpd ? IRTE_FPD : 0);
	e.w[1] = (e.w[1] | q1) ^ (d->sid ? FLD(IRTE1_SID, 0x100) : 0);
	ir_set(t, ir, INDEX, e);
	good = d->fpd ? expect_silently_refused(t, ir, INDEX) : expect_not_delivered(t, ir, INDEX, d->reason);
	if (!good)
		note(t, "entry 0x%016llx 0x%016llx", (unsigned long long)e.w[1], (unsigned long long)e.w[0]);
	return good;
}

static void entry_defect(struct test *t)
{
	const struct defect *d = &defects[t->desc->arg];
	bool good = true;
	struct ir *ir;

	if (d->q0 == IRTE_IM && t->bench->vtd->caps.pi)
		skip(t, "CAP.PI = 1");
	ir = start(t, false);
	if (d->sid)
		one_defect(t, ir, d, 0, 0);
	for (uint64_t left = d->q0; left && good; left &= left - 1)
		good = one_defect(t, ir, d, LOWBIT(left), 0);
	for (uint64_t left = d->q1; left && good; left &= left - 1)
		good = one_defect(t, ir, d, 0, LOWBIT(left));
}

#define DEFECT_ROW(name_, row_, arg_, given_, expects_) \
	{ .id = "vtd.ir.entry." name_, .checks = row_, .given = given_, .expects = expects_, .needs = NEEDS, \
	  .arg = (arg_), \
	  .budget_us = 3000000, .body = entry_defect }

TEST_TABLE(ir_entry_defects,
	   DEFECT_ROW("reserved_14_12", "VTD-IR-024", 0, "each of bits 14:12 set", "refused with reason 24h"),
	   DEFECT_ROW("reserved_31_24", "VTD-IR-025", 1, "each of bits 31:24 set", "refused with reason 24h"),
	   DEFECT_ROW("reserved_127_84", "VTD-IR-026", 2, "each of bits 127:84 set", "refused with reason 24h"),
	   DEFECT_ROW("xapic_39_32", "VTD-IR-027", 3, "EIME = 0, each of bits 39:32 set", "refused with reason 24h"),
	   DEFECT_ROW("xapic_63_48", "VTD-IR-028", 4, "EIME = 0, each of bits 63:48 set", "refused with reason 24h"),
	   DEFECT_ROW("posted_absent", "VTD-IR-031", 5, "IM = 1 on a unit without PI", "refused with reason 24h"),
	   DEFECT_ROW("reserved_fpd", "VTD-IR-044", 6, "FPD = 1, each of bits 31:24 set", "refused, not recorded"),
	   DEFECT_ROW("sid_fpd", "VTD-IR-045", 7, "FPD = 1, another SID", "refused, not recorded"));

TEST(ir_absent,
     .id = "vtd.ir.entry.absent", .checks = "VTD-IR-022 VTD-IR-052 VTD-IR-053",
     .given = "P = 0 in an otherwise good entry",
     .expects = "refused with reason 22h, requester and index recorded", .needs = NEEDS)
{
	struct ir *ir = start(t, false);
	vtd_irte_t e = ir_entry(ir);

	e.w[0] &= ~IRTE_P;
	ir_set(t, ir, INDEX, e);
	expect_not_delivered(t, ir, INDEX, FR_IR_ABSENT);
	for (unsigned index = 1; index < 256; index *= 2)
		if (index != INDEX && !expect_not_delivered(t, ir, index, FR_IR_ABSENT))
			return;
}

TEST(ir_absent_fpd,
     .id = "vtd.ir.entry.absent_fpd", .checks = "VTD-IR-023", .given = "P = 0, FPD = 1",
     .expects = "refused, not recorded",
     .needs = NEEDS)
{
	struct ir *ir = start(t, false);
	vtd_irte_t e = ir_entry(ir);

	e.w[0] = (e.w[0] & ~IRTE_P) | IRTE_FPD;
	ir_set(t, ir, INDEX, e);
	expect_silently_refused(t, ir, INDEX);
}

/* The data alone: for units whose records are wrong. */
TEST(ir_blocked,
     .id = "vtd.ir.entry.blocked", .checks = "VTD-IR-054",
     .given = "entries not present, with reserved bits, with another SID",
     .expects = "nothing is delivered", .needs = NEEDS)
{
	struct ir *ir = start(t, false);
	vtd_irte_t bad[] = { ir_entry(ir), ir_entry(ir), ir_entry(ir) };

	bad[0].w[0] &= ~IRTE_P;
	bad[1].w[0] |= BIT(24);
	bad[2].w[1] ^= FLD(IRTE1_SID, 0x100);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		bool vector, decoy;
		unsigned reason;

		ir_set(t, ir, INDEX, bad[i]);
		ir_try(t, ir, ir_address(INDEX, false), ir->decoy, &vector, &decoy, &reason);
		expect_true(t, !vector && !decoy, "a refused interrupt is not delivered");
	}
}

/* No entry is read, so none can hold an FPD bit that counts. */
TEST(ir_unbacked,
     .id = "vtd.ir.table.unbacked", .checks = "VTD-IR-021 VTD-IR-046", .given = "a table where no memory answers",
     .expects = "refused with reason 23h, and recorded", .needs = NEEDS)
{
	struct ir *ir = start(t, false);
	struct vtd_unit *u = fx_of(t)->u;

	must(t, vtd_gcmd_clear(u, GCMD_IRE), "turning interrupt remapping off");
	must(t, vtd_set_irt(u, page_unbacked(t), 8, false), "setting the interrupt table");
	must(t, vtd_gcmd_set(u, GCMD_IRE), "turning interrupt remapping on");
	expect_not_delivered(t, ir, INDEX, FR_IR_FETCH);
}

/* ---- messages ---- */

TEST(ir_message_reserved,
     .id = "vtd.ir.message.reserved_shv", .checks = "VTD-IR-015 VTD-IR-047",
     .given = "SHV = 1, each of data bits 31:16 set; the entry has FPD = 1",
     .expects = "refused with reason 20h, recorded",
     .needs = NEEDS, .budget_us = 3000000)
{
	struct ir *ir = start(t, false);
	vtd_irte_t e = ir_entry(ir);

	e.w[0] |= IRTE_FPD;
	ir_set(t, ir, INDEX, e);
	expect_delivered_as(t, ir, ir_address(INDEX, true), 0, ir->vector);
	for (unsigned b = 16; b < 32; b++)
		if (!expect_message_refused(t, ir, ir_address(INDEX, true), (uint32_t)pow2(b), -1, FR_IR_RESERVED))
			return;
}

TEST(ir_message_reserved_no_shv,
     .id = "vtd.ir.message.reserved_no_shv", .checks = "VTD-IR-016", .given = "SHV = 0, each of data bits 31:16 set",
     .expects = "refused with reason 20h, or delivered", .needs = NEEDS)
{
	struct ir *ir = start(t, false);
	bool vector, decoy, all = true, none = true;
	unsigned reason;

	for (unsigned b = 16; b < 32; b++) {
		ir_try(t, ir, ir_address(INDEX, false), (uint32_t)pow2(b), &vector, &decoy, &reason);
		if (!expect_true(t, vector ? !reason : reason == FR_IR_RESERVED,
				 "delivered, or refused with reason 20h"))
			return;
		all &= vector;
		none &= !vector;
	}
	observe(t, "%s", all ? "delivered" : none ? "refused" : "some bits refused, some not");
}

/* ---- compatibility format ---- */

static void compatibility(struct test *t, bool eime, bool cfi, bool delivered)
{
	struct ir *ir = start(t, eime);
	uint64_t address;
	uint32_t data;

	if (cfi && !expect_true(t, vtd_gcmd_set(fx_of(t)->u, GCMD_CFI) == OK, "GSTS.CFIS = 1 after CFI was written 1"))
		return;
	irq_message(ir->decoy, &address, &data);
	if (delivered)
		expect_delivered_as(t, ir, address, data, ir->decoy);
	else
		expect_message_refused(t, ir, address, data, -1, FR_IR_COMPAT);
}

TEST(ir_compat_allowed,
     .id = "vtd.ir.compatibility.cfi", .checks = "VTD-IR-049",
     .given = "EIME = 0, CFIS = 1, a message in compatibility format",
     .expects = "delivered unchanged", .needs = NEEDS)
{
	compatibility(t, false, true, true);
}

TEST(ir_compat_blocked,
     .id = "vtd.ir.compatibility.no_cfi", .checks = "VTD-IR-050", .given = "EIME = 0, CFIS = 0, the same message",
     .expects = "refused with reason 25h", .needs = NEEDS)
{
	compatibility(t, false, false, false);
}

TEST(ir_compat_eime,
     .id = "vtd.ir.compatibility.eime", .checks = "VTD-IR-051", .given = "EIME = 1, CFIS = 1, the same message",
     .expects = "refused with reason 25h", .needs = NEEDS)
{
	compatibility(t, true, true, false);
}

/* ---- other requests to the interrupt range ---- */

/* An engine that writes what we choose: not random data, which a bad unit would take for random interrupts. */
static struct engine *writer(struct test *t)
{
	const uint32_t flags = DMA_CAN_WRITE | DMA_WRITE_ARBITRARY | DMA_DIRECT;

	for (unsigned i = 0; i < t->bench->engines_n; i++)
		if ((t->bench->engines[i].caps.flags & flags) == flags)
			return &t->bench->engines[i];
	skip_unreached(t, "no engine that writes zeros and keeps nothing in memory");
}

/* Addresses with bit 4 set are among those that are written, and so remappable messages for entry 0. */
TEST(ir_long_write,
     .id = "vtd.ir.range.long_write", .checks = "VTD-IR-057",
     .given = "a write of zeros, longer than a doubleword, to the interrupt range; entry 0 is present and open to all",
     .expects = "blocked: no interrupt", .needs = NEEDS)
{
	uint8_t zeros[PAGE_BYTES] = { 0 };
	struct dma_request rq = { .iova = IOVA(UINT64_C(0xfee00000)), .data = zeros };
	struct engine *w = writer(t);
	enum dma_outcome said = DMA_UNKNOWN;
	struct ir *ir = start(t, false);
	vtd_irte_t e = ir_entry(ir);
	struct vtd_fault f;
	enum status s;

	if (w != t->engine)
		fx_add(t, w);
	e.w[1] = 0;
	ir_set(t, ir, 0, e);
	expect_delivered(t, ir, 0);
	rq.len_bytes = (uint32_t)align_up(32, max_u64(w->caps.granule_bytes, 1));
	run_extend_us(w->caps.usual_us);
	s = w->ops->write(w, &rq, &said);
	(void)pci_rd(w->dev, 0, 4); /* completions push posted writes */
	time_sleep_us(1000);
	if (!expect_eq(t, "interrupts delivered", irq_take(ir->vector), 0))
		return;
	observe(t, "no interrupt, engine: %s",
		s != OK ? status_text(s) : said == DMA_REFUSED ? "refused" : "cannot tell");
	if (vtd_fault_pop(fx_of(t)->u, &f) == OK)
		observe(t, "no interrupt, recorded with reason 0x%02x", f.fr);
	(void)fx_faults_drop(t);
}

TEST(ir_read,
     .id = "vtd.ir.range.read", .checks = "VTD-IR-058",
     .given = "a read of the interrupt range, which is mapped to a page",
     .expects = "blocked", .needs = NEED_VTD | NEED_IR | NEED_QI | NEED_LEGACY_SS | NEED_ENGINE_READ)
{
	struct page *p = page_filled(t, 0xa5);
	struct vtd_fault f;

	fx_start(t, FX_LEGACY);
	fx_map_page(t, IOVA_A, p);
	fx_map_page(t, IOVA(UINT64_C(0xfee00000)), p);
	fx_sync(t);
	expect_read(t, IOVA_A, p, 0, DMA_DONE);
	expect_read(t, IOVA(UINT64_C(0xfee00000)), p, 0, DMA_REFUSED);
	observe(t, "blocked, not recorded");
	if (vtd_fault_pop(fx_of(t)->u, &f) == OK)
		observe(t, "blocked, recorded with reason 0x%02x", f.fr);
	(void)fx_faults_drop(t);
}
