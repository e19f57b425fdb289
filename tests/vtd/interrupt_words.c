/* Tables, messages, and what became of them. */
#include "tests/vtd/interrupt_words.h"

#define ENTRIES_MAX 65536u
#define ARRIVES_US  1000000u
#define SOON_US     20000u /* after which a message is looked for in another way */
#define LATE_US     200u /* long for a message that was wrongly sent; one that is later still escapes */

#define MSI_DEST       BITS(19, 12)
#define MSI_HANDLE     BITS(19, 5)
#define MSI_REMAPPABLE BIT(4)
#define MSI_SHV        BIT(3)
#define MSI_HANDLE_15  BIT(2)
#define INTERRUPTS     0xfee00000u

struct ir *ir_prepare(struct test *t, unsigned log2_entries, bool eime)
{
	struct page *home = page_alloc(t, sizeof(struct ir), 0);
	struct ir *ir = (struct ir *)(void *)home->p; /* page-aligned */
	uint64_t address;
	uint32_t data;

	if (eime && !t->bench->vtd->caps.eim)
		skip(t, "ECAP.EIM = 0");
	fx_start(t, FX_LEGACY);
	ir->table = page_alloc(t, ENTRIES_MAX * sizeof(vtd_irte_t), ENTRIES_MAX * sizeof(vtd_irte_t));
	ir->irt = (uint64_t *)(void *)ir->table->p; /* page-aligned */
	ir->log2_entries = log2_entries;
	ir->eime = eime;
	ir->vector = irq_for(t, &address, &data);
	ir->decoy = irq_for(t, &address, &data);
	ir->fence = irq_for(t, &address, &data);
	ir->dest = (uint32_t)fld_get(MSI_DEST, address);
	ir->sid = t->engine ? t->engine->dev->addr.sid : 0;
	must(t, vtd_set_irt(fx_of(t)->u, ir->table->pa, log2_entries, eime), "setting the interrupt table");
	return ir;
}

struct ir *ir_start(struct test *t, unsigned log2_entries, bool eime)
{
	struct ir *ir = ir_prepare(t, log2_entries, eime);

	must(t, vtd_gcmd_set(fx_of(t)->u, GCMD_IRE), "turning interrupt remapping on");
	return ir;
}

vtd_irte_t ir_entry(const struct ir *ir)
{
	return vtd_irte((uint8_t)ir->vector, ir->dest, ir->eime, ir->sid);
}

void ir_put(struct test *t, struct ir *ir, unsigned index, vtd_irte_t e)
{
	fx_set(t, &ir->irt[2 * index + 1], e.w[1]);
	fx_set(t, &ir->irt[2 * index], e.w[0]);
}

void ir_set(struct test *t, struct ir *ir, unsigned index, vtd_irte_t e)
{
	ir_put(t, ir, index, e);
	fx_inv(t, vtd_desc_iec_global());
}

uint64_t ir_address(unsigned handle, bool shv)
{
	return INTERRUPTS | MSI_REMAPPABLE | fld_set(MSI_HANDLE, 0, handle % 32768) |
	       (handle & BIT(15) ? MSI_HANDLE_15 : 0) | (shv ? MSI_SHV : 0);
}

void ir_send(struct test *t, uint64_t address, uint32_t data)
{
	enum status s = t->engine->ops->msi(t->engine, address, data);

	if (s == ERR_UNSUPPORTED || s == ERR_INVALID)
		skip_unreached(t, "the engine %s cannot send such a message", t->engine->ops->name);
	must(t, s, "sending a message");
	(void)pci_rd(t->engine->dev, 0, 4); /* completions push posted writes */
}

/*
 * Messages of one function stay in order (PCIe 2.4.1): once a later one has come by an entry of its own, one sent before
 * it will not come any more. Leaves the entry that it needs as it was.
 */
static void send_fence(struct test *t, struct ir *ir)
{
	unsigned index = (unsigned)pow2(ir->log2_entries) - 2;
	vtd_irte_t saved = { .w = { ir->irt[2 * index], ir->irt[2 * index + 1] } };
	uint64_t address;
	deadline_t d;
	uint32_t data;

	irq_message(ir->fence, &address, &data); /* by which it comes as itself also where nothing is remapped */
	ir_set(t, ir, index, vtd_irte((uint8_t)ir->fence, ir->dest, ir->eime, ir->sid));
	(void)irq_take(ir->fence);
	d = deadline_in_us(ARRIVES_US);
	run_extend_us(ARRIVES_US);
	ir_send(t, ir_address(index, false), data);
	while (!irq_take(ir->fence) && !deadline_over(&d))
		;
	ir_set(t, ir, index, saved);
}

/* Whether one of the two comes within some time; counts both. */
static bool comes(struct ir *ir, unsigned n[2], uint64_t us)
{
	deadline_t d = deadline_in_us(us);

	do {
		n[0] += irq_take(ir->vector);
		n[1] += irq_take(ir->decoy);
	} while (!n[0] && !n[1] && !deadline_over(&d));
	return n[0] || n[1];
}

/* Sends, and counts both vectors: expected: waits for one of them. */
static void send_and_count(struct test *t, struct ir *ir, uint64_t address, uint32_t data, bool expected, unsigned n[2])
{
	deadline_t d;

	(void)irq_take(ir->vector);
	(void)irq_take(ir->decoy);
	n[0] = n[1] = 0;
	if (expected)
		run_extend_us(SOON_US);
	ir_send(t, address, data);
	if (expected && !comes(ir, n, SOON_US))
		send_fence(t, ir);
	for (d = deadline_in_us(LATE_US); !deadline_over(&d);)
		;
	n[0] += irq_take(ir->vector);
	n[1] += irq_take(ir->decoy);
}

bool expect_delivered_as(struct test *t, struct ir *ir, uint64_t address, uint32_t data, unsigned vector)
{
	unsigned n[2], want = vector == ir->decoy;
	bool good;

	send_and_count(t, ir, address, data, true, n);
	good = expect_eq(t, "interrupts delivered", n[want], 1);
	good &= expect_eq(t, "interrupts delivered as another vector", n[!want], 0);
	good &= expect_no_fault(t);
	if (!good)
		note(t, "message 0x%llx, data 0x%x", (unsigned long long)address, data);
	return good;
}

bool expect_delivered(struct test *t, struct ir *ir, unsigned index)
{
	return expect_delivered_as(t, ir, ir_address(index, false), ir->decoy, ir->vector);
}

/* All records: this reason, requester and index. */
static bool expect_record(struct test *t, struct ir *ir, int index, unsigned reason)
{
	char expected[80];
	struct vtd_fault f;
	bool good = true;

	str_printf(expected, sizeof(expected), "fault 0x%02x (%s)", reason, vtd_reason_text(reason));
	if (vtd_fault_pop(fx_of(t)->u, &f) != OK) {
		fail(t, expected, "no fault record");
		return false;
	}
	if (f.fr != reason) {
		fail(t, expected, "fault 0x%02x (%s)", f.fr, vtd_reason_text(f.fr));
		good = false;
	}
	good &= expect_eq(t, "wrong bits of the record's SID", f.sid ^ ir->sid, 0);
	if (index >= 0)
		good &= expect_eq(t, "wrong bits of the record's interrupt index",
				  fld_get(BITS(63, 48), f.fi) ^ (unsigned)index, 0);
	if (!good)
		note(t, "record: 0x%016llx 0x%016llx", (unsigned long long)f.raw[1], (unsigned long long)f.raw[0]);
	return expect_no_fault(t) && good;
}

bool expect_message_refused(struct test *t, struct ir *ir, uint64_t address, uint32_t data, int index, unsigned reason)
{
	unsigned n[2];
	bool good;

	send_and_count(t, ir, address, data, false, n);
	good = expect_eq(t, "interrupts delivered", n[0] + n[1], 0);
	good &= expect_record(t, ir, index, reason);
	if (!good)
		note(t, "message 0x%llx, data 0x%x", (unsigned long long)address, data);
	return good;
}

bool expect_not_delivered(struct test *t, struct ir *ir, unsigned index, unsigned reason)
{
	return expect_message_refused(t, ir, ir_address(index, false), ir->decoy, (int)index, reason);
}

bool expect_silently_refused(struct test *t, struct ir *ir, unsigned index)
{
	unsigned n[2];
	bool good;

	send_and_count(t, ir, ir_address(index, false), ir->decoy, false, n);
	good = expect_eq(t, "interrupts delivered", n[0] + n[1], 0);
	return expect_no_fault(t) && good;
}

void ir_try(struct test *t, struct ir *ir, uint64_t address, uint32_t data, bool *vector, bool *decoy, unsigned *reason)
{
	struct vtd_fault f;
	unsigned n[2];

	send_and_count(t, ir, address, data, false, n);
	*vector = n[0] != 0;
	*decoy = n[1] != 0;
	*reason = vtd_fault_pop(fx_of(t)->u, &f) == OK ? f.fr : 0;
	(void)fx_faults_drop(t);
}
