/*
 * Interrupts of the IOAPIC and the HPET: their remappable formats and the requester ids that the DMAR gives them (VT-d
 * 5.1.5.1, 8.3.1). A comparator of the HPET (IA-PC HPET 1.0a) is the source of both: routed to a pin, or as a message.
 */
#include "drivers-iommu/acpi/cursor.h"
#include "drivers-iommu/acpi/scope.h"
#include "tests/vtd/interrupt_words.h"

#define NEEDS (NEED_VTD | NEED_IR | NEED_QI)
#define INDEX 5u

/* ACPI 5.2.12, and what lies before the entries; HPET 3.2.4: a generic address follows the block id. */
#define MADT_IOAPIC       1u
#define MADT_FIXED_BYTES  8u
#define HPET_BLOCK_ID     4u
#define HPET_GAS_PREFIX   4u

#define IOAPIC_SELECT ((reg32_t){ 0x00 })
#define IOAPIC_WINDOW ((reg32_t){ 0x10 })
#define   IOAPIC_VERSION   1u
#define   IOAPIC_LAST_PIN  BITS(23, 16)
#define   IOAPIC_RTE(pin)  (0x10u + 2 * (pin))
#define RTE_MASK           BIT(16)
#define RTE_REMAPPABLE     BIT(48 - 32)      /* in the upper half */
#define RTE_INDEX_LOW      BITS(63 - 32, 49 - 32)

#define HPET_CONFIG   ((reg32_t){ 0x010 })
#define   HPET_ON          BIT(0)
#define   HPET_LEGACY      BIT(1)
#define HPET_COUNTER  ((reg32_t){ 0x0f0 })
#define HPET_T0       ((reg32_t){ 0x100 })
#define   T_INT_ON         BIT(2)
#define   T_32             BIT(8)
#define   T_ROUTE          BITS(13, 9)
#define   T_FSB_ON         BIT(14)
#define   T_FSB_CAN        BIT(15)
#define HPET_T0_ROUTES ((reg32_t){ 0x104 })
#define HPET_T0_COUNT ((reg32_t){ 0x108 })
#define HPET_T0_DATA  ((reg32_t){ 0x110 })
#define HPET_T0_ADDR  ((reg32_t){ 0x114 })
#define HPET_WINDOW   0x400u

struct sources {
	mmio_t ioapic, hpet;
	uint8_t ioapic_id, hpet_number;
	unsigned pin;
	uint16_t sid;
};

static bool find_ioapic(struct test *t, struct sources *s, pa_t *at)
{
	struct machine *m = t->bench->machine;
	struct acpi_error error = { .reason = NULL };
	struct acpi_cursor c, record;
	struct acpi_header h;
	size_t bytes;
	const void *table = m->ops->acpi_table(m, "APIC", &bytes);

	if (!table || acpi_table(table, bytes, "APIC", &h, &c, &error) != OK)
		return false;
	(void)acpi_bytes(&c, MADT_FIXED_BYTES);
	while (acpi_left(&c) >= 2) {
		struct acpi_cursor look = c;
		uint8_t type = acpi_u8(&look);

		if (acpi_record(&c, acpi_u8(&look), 2, &record) != OK)
			return false;
		(void)acpi_u16(&record);
		if (type != MADT_IOAPIC)
			continue;
		s->ioapic_id = acpi_u8(&record);
		(void)acpi_u8(&record);
		*at = PA(acpi_u32(&record));
		return acpi_good(&record);
	}
	return false;
}

static bool find_hpet(struct test *t, struct sources *s, pa_t *at)
{
	struct machine *m = t->bench->machine;
	struct acpi_error error = { .reason = NULL };
	struct acpi_cursor c;
	struct acpi_header h;
	size_t bytes;
	const void *table = m->ops->acpi_table(m, "HPET", &bytes);

	if (!table || acpi_table(table, bytes, "HPET", &h, &c, &error) != OK)
		return false;
	(void)acpi_bytes(&c, HPET_BLOCK_ID + HPET_GAS_PREFIX);
	*at = PA(acpi_u64(&c));
	s->hpet_number = acpi_u8(&c);
	return acpi_good(&c);
}

static void open_sources(struct test *t, struct sources *s)
{
	struct machine *m = t->bench->machine;
	pa_t ioapic, hpet;

	if (!find_ioapic(t, s, &ioapic))
		skip_unreached(t, "no IOAPIC in the ACPI tables");
	if (!find_hpet(t, s, &hpet))
		skip_unreached(t, "no HPET in the ACPI tables");
	must(t, m->ops->mmio_map(m, ioapic, PAGE_BYTES, &s->ioapic), "mapping the IOAPIC");
	must(t, m->ops->mmio_map(m, hpet, HPET_WINDOW, &s->hpet), "mapping the HPET");
}

static uint32_t ioapic_rd(const struct sources *s, uint32_t reg)
{
	mmio_wr(&s->ioapic, IOAPIC_SELECT, reg);
	return mmio_rd(&s->ioapic, IOAPIC_WINDOW);
}

static void ioapic_wr(const struct sources *s, uint32_t reg, uint32_t v)
{
	mmio_wr(&s->ioapic, IOAPIC_SELECT, reg);
	mmio_wr(&s->ioapic, IOAPIC_WINDOW, v);
}

/* The comparator fires once, some microseconds from now; t0: how it interrupts. All is as before afterwards. */
static unsigned fire(const struct sources *s, uint32_t t0, unsigned vector)
{
	uint32_t before = mmio_rd(&s->hpet, HPET_CONFIG);
	deadline_t d = deadline_in_us(1000000);
	unsigned n = 0;

	(void)irq_take(vector);
	run_extend_us(1000000);
	mmio_wr(&s->hpet, HPET_CONFIG, before & (uint32_t)~(HPET_ON | HPET_LEGACY));
	mmio_wr(&s->hpet, HPET_COUNTER, 0u);
	mmio_wr(&s->hpet, HPET_T0, t0);
	mmio_wr(&s->hpet, HPET_T0_COUNT, 2000u);
	mmio_wr(&s->hpet, HPET_CONFIG, (before & (uint32_t)~HPET_LEGACY) | (uint32_t)HPET_ON);
	while (!n && !deadline_over(&d))
		n += irq_take(vector);
	mmio_wr(&s->hpet, HPET_T0, (uint32_t)T_32);
	mmio_wr(&s->hpet, HPET_CONFIG, before);
	return n;
}

/* A pin that the comparator can be routed to and that the IOAPIC has; the highest, where no old device sits. */
static void choose_pin(struct test *t, struct sources *s)
{
	uint32_t routes = mmio_rd(&s->hpet, HPET_T0_ROUTES);
	uint32_t last = (uint32_t)fld_get(IOAPIC_LAST_PIN, ioapic_rd(s, IOAPIC_VERSION));

	for (unsigned pin = 32; pin > 0; pin--)
		if ((routes & pow2(pin - 1)) && pin - 1 <= last) {
			s->pin = pin - 1;
			return;
		}
	skip_unreached(t, "the HPET cannot be routed to the IOAPIC");
}

static unsigned fire_pin(struct test *t, struct sources *s, struct ir *ir)
{
	uint32_t low = ioapic_rd(s, IOAPIC_RTE(s->pin)), high = ioapic_rd(s, IOAPIC_RTE(s->pin) + 1);
	unsigned n;

	(void)t;
	ioapic_wr(s, IOAPIC_RTE(s->pin), (uint32_t)RTE_MASK);
	ioapic_wr(s, IOAPIC_RTE(s->pin) + 1, (uint32_t)(RTE_REMAPPABLE | FLD(RTE_INDEX_LOW, INDEX)));
	ioapic_wr(s, IOAPIC_RTE(s->pin), ir->vector);
	n = fire(s, (uint32_t)(T_INT_ON | T_32 | FLD(T_ROUTE, s->pin)), ir->vector);
	ioapic_wr(s, IOAPIC_RTE(s->pin), low | (uint32_t)RTE_MASK);
	ioapic_wr(s, IOAPIC_RTE(s->pin) + 1, high);
	return n;
}

static struct ir *start(struct test *t, uint16_t sid, enum vtd_svt svt)
{
	struct ir *ir = ir_start(t, 8, false);
	vtd_irte_t e;

	ir->sid = sid;
	e = ir_entry(ir);
	e.w[1] = fld_set(IRTE1_SVT, e.w[1], svt);
	ir_set(t, ir, INDEX, e);
	return ir;
}

TEST(ioapic_vector,
     .id = "vtd.ir.ioapic.vector", .checks = "VTD-IR-059",
     .given = "a pin's entry in remappable format, an interrupt entry open to all requesters",
     .expects = "the interrupt entry's vector arrives", .needs = NEEDS)
{
	struct sources s;

	open_sources(t, &s);
	choose_pin(t, &s);
	expect_eq(t, "interrupts", fire_pin(t, &s, start(t, 0, SVT_NONE)), 1);
	expect_no_fault(t);
}

TEST(ioapic_sid,
     .id = "vtd.ir.ioapic.requester", .checks = "VTD-IR-060",
     .given = "a pin's entry in remappable format, an interrupt entry for the requester id that the DMAR names",
     .expects = "delivered", .needs = NEEDS)
{
	struct dmar_source source;
	struct sources s;

	open_sources(t, &s);
	choose_pin(t, &s);
	if (dmar_ioapic(t->bench->dmar, &t->bench->bus, s.ioapic_id, 0, &source) != OK)
		skip_unreached(t, "the DMAR names no IOAPIC %u", s.ioapic_id);
	expect_eq(t, "interrupts", fire_pin(t, &s, start(t, source.addr.sid, SVT_SID)), 1);
	expect_no_fault(t);
}

TEST(hpet_sid,
     .id = "vtd.ir.hpet.requester", .checks = "VTD-IR-061",
     .given = "a message of HPET comparator 0, an interrupt entry for the requester id that the DMAR names",
     .expects = "delivered", .needs = NEEDS)
{
	struct dmar_source source;
	struct sources s;
	struct ir *ir;

	open_sources(t, &s);
	if (!(mmio_rd(&s.hpet, HPET_T0) & T_FSB_CAN))
		skip(t, "the HPET sends no messages");
	if (dmar_hpet(t->bench->dmar, &t->bench->bus, s.hpet_number, 0, &source) != OK)
		skip_unreached(t, "the DMAR names no HPET %u", s.hpet_number);
	ir = start(t, source.addr.sid, SVT_SID);
	mmio_wr(&s.hpet, HPET_T0_DATA, 0u);
	mmio_wr(&s.hpet, HPET_T0_ADDR, (uint32_t)fld_get(BITS(31, 0), ir_address(INDEX, false)));
	expect_eq(t, "interrupts", fire(&s, (uint32_t)(T_INT_ON | T_32 | T_FSB_ON), ir->vector), 1);
	expect_no_fault(t);
}
