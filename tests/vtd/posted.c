/*
 * Posted interrupts: the descriptor, its notification, and what is refused (VT-d 5.2).
 *
 * The descriptor is 64 bytes: 256 request bits (PIR), then ON, SN, NV (279:272) and NDST (319:288). It is never cached.
 */
#include "tests/vtd/interrupt_words.h"
#include "tests/vtd/model_ask.h"

#define NEEDS (NEED_VTD | NEED_IR | NEED_QI | NEED_ENGINE_MSI)
#define INDEX 5u
#define POSTED_VECTOR 0x77u

/* Word 4 of the descriptor. */
#define PID_ON         BIT(256 - 256)
#define PID_SN         BIT(257 - 256)
#define PID_RSVD_258   BITS(271 - 256, 258 - 256)
#define PID_NV         BITS(279 - 256, 272 - 256)
#define PID_RSVD_280   BITS(287 - 256, 280 - 256)
#define PID_NDST_XAPIC BITS(303 - 256, 296 - 256)

struct posted {
	struct ir *ir;
	struct page *page;
	volatile uint64_t *pid;
};

static vtd_irte_t posted_entry(const struct posted *p, pa_t pid, unsigned vector, uint64_t extra)
{
	vtd_irte_t e = { .w = { IRTE_P | IRTE_IM | extra, FLD(IRTE1_SVT, SVT_SID) } };

	e.w[0] = fld_set(IRTE_VECTOR, e.w[0], vector);
	e.w[0] = fld_set(IRTE_PDAL, e.w[0], fld_get(BITS(31, 6), pid.v));
	e.w[1] = fld_set(IRTE1_PDAH, e.w[1], fld_get(BITS(63, 32), pid.v));
	e.w[1] = fld_set(IRTE1_SID, e.w[1], p->ir->sid);
	return e;
}

/* A descriptor that notifies by ir->vector, entry INDEX that posts to it; nothing sent yet. */
static struct posted start(struct test *t)
{
	struct posted p;

	if (!t->bench->vtd->caps.pi)
		skip(t, "CAP.PI = 0");
	p.ir = ir_start(t, 8, false);
	p.page = page_alloc(t, PAGE_BYTES, 0);
	p.pid = (volatile uint64_t *)(void *)p.page->p; /* page-aligned */
	p.pid[4] = fld_set(PID_NV, 0, p.ir->vector) | fld_set(PID_NDST_XAPIC, 0, p.ir->dest);
	ir_set(t, p.ir, INDEX, posted_entry(&p, p.page->pa, POSTED_VECTOR, 0));
	return p;
}

static void clear(struct posted *p, uint64_t word_4_bits)
{
	for (unsigned i = 0; i < 4; i++)
		p->pid[i] = 0;
	p->pid[4] = (p->pid[4] & ~(PID_ON | PID_SN)) | word_4_bits;
}

static uint64_t requested(const struct posted *p, unsigned vector)
{
	return p->pid[vector / 64] & pow2(vector % 64);
}

/* A message is posted: its bit is set, ON is as said, and it notifies or not. */
static bool expect_posted(struct test *t, struct posted *p, unsigned vector, bool on, bool notified)
{
	bool came, decoy, good;
	unsigned reason;

	if (notified) {
		good = expect_delivered_as(t, p->ir, ir_address(INDEX, false), 0, p->ir->vector);
	} else {
		ir_try(t, p->ir, ir_address(INDEX, false), 0, &came, &decoy, &reason);
		good = expect_true(t, !came && !decoy, "no notification");
		good &= expect_eq(t, "reason of a record", reason, 0);
	}
	good &= expect_true(t, requested(p, vector) != 0, "the vector's bit of PIR is set");
	return expect_eq(t, "descriptor.ON", p->pid[4] & PID_ON, on ? PID_ON : 0) && good;
}

TEST(pi_pir,
     .id = "vtd.pi.pir", .checks = "VTD-PI-001", .given = "posted entries with vectors 0, 63, 64, 119, 255",
     .expects = "the vector's bit of PIR is set, and no other", .needs = NEEDS)
{
	static const uint8_t vectors[] = { 0, 63, 64, POSTED_VECTOR, 255 };
	struct posted p = start(t);

	for (unsigned i = 0; i < ARRAY_LEN(vectors); i++) {
		unsigned v = vectors[i];

		clear(&p, 0);
		ir_set(t, p.ir, INDEX, posted_entry(&p, p.page->pa, v, 0));
		expect_posted(t, &p, v, true, true);
		for (unsigned w = 0; w < 4; w++)
			expect_eq(t, "PIR", p.pid[w], w == v / 64 ? pow2(v % 64) : 0);
	}
}

static const struct { uint64_t before, extra; bool on, notified; } notes[] = {
	{ 0, 0, true, true }, { PID_ON, 0, true, false }, { PID_SN, 0, false, false }, { PID_SN, IRTE_URG, true, true },
};

static void notification(struct test *t)
{
	struct posted p = start(t);
	uint64_t i = t->desc->arg;

	expect_posted(t, &p, POSTED_VECTOR, true, true);
	clear(&p, notes[i].before);
	ir_set(t, p.ir, INDEX, posted_entry(&p, p.page->pa, POSTED_VECTOR, notes[i].extra));
	expect_posted(t, &p, POSTED_VECTOR, notes[i].on, notes[i].notified);
}

#define NOTE_ROW(name_, row_, arg_, given_, expects_) \
	{ .id = "vtd.pi.notification." name_, .checks = row_, .given = given_, .expects = expects_, .needs = NEEDS, \
	  .arg = (arg_), .body = notification }

TEST_TABLE(pi_notification,
	   NOTE_ROW("sent", "VTD-PI-002", 0, "ON = 0, SN = 0", "ON = 1, vector NV arrives at NDST"),
	   NOTE_ROW("outstanding", "VTD-PI-003", 1, "ON = 1", "PIR set, no notification"),
	   NOTE_ROW("suppressed", "VTD-PI-004", 2, "SN = 1, URG = 0", "PIR set, no notification"),
	   NOTE_ROW("urgent", "VTD-PI-005", 3, "SN = 1, URG = 1", "PIR set, notification"));

/* arg: which word of the descriptor. */
static void update_refused(struct test *t)
{
	struct posted p = start(t);
	struct model_memory *m;

	expect_posted(t, &p, POSTED_VECTOR, true, true);
	clear(&p, 0);
	m = model_memory(t);
	m->refuse = p.page->pa.v + 8 * t->desc->arg;
	expect_not_delivered(t, p.ir, INDEX, FR_IR_PID_ACCESS);
	m->refuse = 0;
	clear(&p, 0);
	expect_posted(t, &p, POSTED_VECTOR, true, true);
}

TEST_TABLE(pi_update_refused,
	   { .id = "vtd.model.memory.posted.pir", .given = "memory rejects the update of PIR", .flags = TEST_MODEL,
	     .expects = "refused with reason 27h", .needs = NEEDS, .arg = POSTED_VECTOR / 64, .body = update_refused },
	   { .id = "vtd.model.memory.posted.on", .given = "memory rejects the update of ON", .flags = TEST_MODEL,
	     .expects = "refused with reason 27h", .needs = NEEDS, .arg = 4, .body = update_refused });

TEST(pi_not_cached,
     .id = "vtd.pi.not_cached", .checks = "VTD-PI-015",
     .given = "NV of a descriptor in use changes, nothing is invalidated",
     .expects = "the new NV is used", .needs = NEEDS)
{
	struct posted p = start(t);

	for (unsigned i = 0; i < 8; i++) {
		unsigned v = i % 2 ? p.ir->decoy : p.ir->vector;

		clear(&p, 0);
		p.pid[4] = fld_set(PID_NV, p.pid[4], v);
		if (!expect_delivered_as(t, p.ir, ir_address(INDEX, false), 0, v))
			return;
	}
}

/* ---- refused ---- */

/* Each bit of a mask alone in the entry; q: which word of it. */
static void entry_bits(struct test *t, struct posted *p, unsigned q, uint64_t bits)
{
	expect_posted(t, p, POSTED_VECTOR, true, true);
	for (uint64_t left = bits; left; left &= left - 1) {
		vtd_irte_t e = posted_entry(p, p->page->pa, POSTED_VECTOR, 0);

		clear(p, 0);
		e.w[q] |= LOWBIT(left);
		ir_set(t, p->ir, INDEX, e);
		if (!expect_not_delivered(t, p->ir, INDEX, FR_IR_IRTE_RESERVED) ||
		    !expect_true(t, !requested(p, POSTED_VECTOR), "PIR stays unchanged")) {
			note(t, "entry 0x%016llx 0x%016llx", (unsigned long long)e.w[1], (unsigned long long)e.w[0]);
			return;
		}
	}
}

static const struct { unsigned q; uint64_t bits; } reserved[] = {
	{ 0, BITS(7, 2) }, { 0, BITS(13, 12) }, { 0, BITS(37, 24) }, { 1, IRTE1_RSVD_84 },
};

static void entry_reserved(struct test *t)
{
	struct posted p = start(t);

	entry_bits(t, &p, reserved[t->desc->arg].q, reserved[t->desc->arg].bits);
}

#define RESERVED_ROW(name_, row_, arg_) \
	{ .id = "vtd.pi.entry.reserved_" name_, .checks = row_, .given = "a posted entry, each of bits " name_ " set", \
	  .expects = "refused with reason 24h", .needs = NEEDS, .arg = (arg_), .body = entry_reserved }

TEST_TABLE(pi_entry_reserved,
	   RESERVED_ROW("7_2", "VTD-PI-008", 0), RESERVED_ROW("13_12", "VTD-PI-009", 1),
	   RESERVED_ROW("37_24", "VTD-PI-010", 2), RESERVED_ROW("95_84", "VTD-PI-011", 3));

/* arg: FPD. */
static void unbacked(struct test *t)
{
	struct posted p = start(t);
	bool fpd = t->desc->arg;

	expect_posted(t, &p, POSTED_VECTOR, true, true);
	ir_set(t, p.ir, INDEX, posted_entry(&p, page_unbacked(t), POSTED_VECTOR, fpd ? IRTE_FPD : 0));
	if (fpd)
		expect_silently_refused(t, p.ir, INDEX);
	else
		expect_not_delivered(t, p.ir, INDEX, FR_IR_PID_ACCESS);
}

static void descriptor_reserved(struct test *t)
{
	struct posted p = start(t);
	bool fpd = t->desc->arg, good = true;

	expect_posted(t, &p, POSTED_VECTOR, true, true);
	ir_set(t, p.ir, INDEX, posted_entry(&p, p.page->pa, POSTED_VECTOR, fpd ? IRTE_FPD : 0));
	for (unsigned w = 4; w < 8; w++)
		for (uint64_t left = w > 4 ? UINT64_MAX : PID_RSVD_258 | PID_RSVD_280; left && good; left &= left - 1) {
			clear(&p, 0);
			p.pid[w] |= LOWBIT(left);
			good = fpd ? expect_silently_refused(t, p.ir, INDEX) :
				     expect_not_delivered(t, p.ir, INDEX, FR_IR_PID_RESERVED);
			good &= expect_true(t, !requested(&p, POSTED_VECTOR), "PIR stays unchanged");
			if (!good)
				note(t, "word %u of the descriptor, bits 0x%llx", w, (unsigned long long)LOWBIT(left));
			p.pid[w] &= ~LOWBIT(left);
		}
}

TEST_TABLE(pi_descriptor,
	   { .id = "vtd.pi.descriptor.unbacked", .checks = "VTD-PI-006",
	     .given = "a descriptor where no memory answers",
	     .expects = "refused with reason 27h", .needs = NEEDS, .arg = 0, .body = unbacked },
	   { .id = "vtd.pi.descriptor.unbacked_fpd", .checks = "VTD-PI-012", .given = "the same with FPD = 1",
	     .expects = "refused, not recorded", .needs = NEEDS, .arg = 1, .body = unbacked },
	   { .id = "vtd.pi.descriptor.reserved", .checks = "VTD-PI-007", .given = "each reserved bit of the descriptor",
	     .expects = "refused with reason 28h", .budget_us = 3000000, .needs = NEEDS, .arg = 0,
	     .body = descriptor_reserved },
	   { .id = "vtd.pi.descriptor.reserved_fpd", .checks = "VTD-PI-013", .given = "the same with FPD = 1",
	     .expects = "refused, not recorded", .budget_us = 3000000, .needs = NEEDS, .arg = 1,
	     .body = descriptor_reserved });

TEST(pi_source,
     .id = "vtd.pi.source", .checks = "VTD-PI-014", .given = "a posted entry with each bit of its SID changed",
     .expects = "refused with reason 26h", .needs = NEEDS)
{
	struct posted p = start(t);

	expect_posted(t, &p, POSTED_VECTOR, true, true);
	for (unsigned b = 0; b < 16; b++) {
		vtd_irte_t e = posted_entry(&p, p.page->pa, POSTED_VECTOR, 0);

		clear(&p, 0);
		e.w[1] ^= FLD(IRTE1_SID, pow2(b));
		ir_set(t, p.ir, INDEX, e);
		if (!expect_not_delivered(t, p.ir, INDEX, FR_IR_SID) ||
		    !expect_true(t, !requested(&p, POSTED_VECTOR), "PIR stays unchanged"))
			return;
	}
}
