/* Messages and entries for tests of AMD-Vi interrupt remapping. */
#include "tests/amdvi/interrupts.h"

#define ARRIVES_US 1000000u
#define LATE_US    2000u

/* Destination of a message address. */
#define MSI_DEST   BITS(19, 12)

static void send(struct test *t, uint64_t address, uint32_t data)
{
	enum status s = t->engine->ops->msi(t->engine, address, data);

	if (s == ERR_UNSUPPORTED || s == ERR_INVALID)
		skip_unreached(t, "the engine %s cannot send such a message", t->engine->ops->name);
	if (s != OK && s != ERR_IO && s != ERR_TIMEOUT)
		must(t, s, "sending a message");
	(void)pci_rd(t->engine->dev, 0, 4); /* completions push posted writes */
}

static void count(struct test *t, struct air *a, uint64_t address, uint32_t data, bool due, unsigned n[2])
{
	deadline_t d = deadline_in_us(ARRIVES_US);

	(void)irq_take(a->vector);
	(void)irq_take(a->decoy);
	n[0] = n[1] = 0;
	if (due)
		run_extend_us(ARRIVES_US);
	send(t, address, data);
	do {
		n[0] += irq_take(a->vector);
		n[1] += irq_take(a->decoy);
	} while (due && !n[0] && !n[1] && !deadline_over(&d));
	time_sleep_us(LATE_US);
	n[0] += irq_take(a->vector);
	n[1] += irq_take(a->decoy);
}

bool air_expect(struct test *t, struct air *a, uint64_t address, uint32_t data, bool decoy)
{
	unsigned n[2];
	bool good;

	count(t, a, address, data, true, n);
	good = expect_eq(t, "interrupts delivered", n[decoy], 1);
	return expect_eq(t, "interrupts of the other vector", n[!decoy], 0) && good;
}

bool air_expect_blocked(struct test *t, struct air *a, uint64_t address, uint32_t data)
{
	unsigned n[2];

	count(t, a, address, data, false, n);
	return expect_eq(t, "interrupts delivered", n[0] + n[1], 0);
}

uint64_t air_word(const struct air *a)
{
	if (a->wide)
		return amdvi_irte128((uint8_t)a->vector, a->dest, false, false).w[0];
	return amdvi_irte32((uint8_t)a->vector, (uint8_t)a->dest, false).w[0];
}

static void put(struct air *a, unsigned index, uint64_t w0, uint64_t w1)
{
	if (a->wide) {
		ax_set(&a->table[2 * index + 1], w1);
		ax_set(&a->table[2 * index], w0);
	} else {
		*((volatile uint32_t *)a->table + index) = (uint32_t)w0; /* 4-byte entries in 8-byte aligned memory */
	}
}

void air_raw(struct test *t, struct air *a, unsigned index, uint64_t w0, uint64_t w1)
{
	put(a, index, w0, w1);
	ax_sync(t);
}

void air_entry(struct test *t, struct air *a, unsigned index)
{
	air_raw(t, a, index, air_word(a), a->wide ? amdvi_irte128((uint8_t)a->vector, a->dest, false, false).w[1] : 0);
}

void air_dte(struct test *t, uint64_t clear, uint64_t set)
{
	uint64_t *w = ax_req(t, t->engine)->dte + 2;

	ax_set(w, (*w & ~clear) | set);
	ax_sync(t);
}

struct air *air_start(struct test *t, bool wide, uint64_t ctl, uint64_t offset)
{
	struct page *home = page_alloc(t, sizeof(struct air), 0);
	struct air *a = (struct air *)(void *)home->p; /* page-aligned */
	uint64_t address;
	amdvi_dte_t d;

	if (wide && !t->bench->amdvi->caps.ga)
		skip(t, "EFR.GASup = 0");
	a->wide = wide;
	a->vector = irq_for(t, &address, &a->data);
	a->decoy = irq_for(t, &a->address, &a->data);
	a->dest = (uint32_t)fld_get(MSI_DEST, address);
	a->page = page_alloc(t, sizeof(amdvi_irte128_t) * 2048 + PAGE_BYTES, 0);
	a->table = (uint64_t *)(void *)(a->page->p + offset); /* offset is a multiple of 128 */
	ax_start(t, &(struct ax_options){ .ctl = ctl | (wide ? CTL_GA_EN : 0) });
	for (unsigned i = 0; i < 4; i++)
		d.w[i] = ax_req(t, t->engine)->dte[i];
	ax_set_dte(t, ax_req(t, t->engine), amdvi_dte_int_table(d, pa_add(a->page->pa, offset), AIR_LOG2));
	air_entry(t, a, 5);
	if (!air_expect(t, a, AIR_ADDRESS, 5, false))
		run_escape();
	return a;
}
