/*
 * Messages of engines, without remapping: the one that was asked for arrives, once.
 */
#include "tests/test.h"

#define ARRIVAL_US 1000000u

static unsigned wait_for(unsigned vector)
{
	deadline_t end = deadline_in_us(ARRIVAL_US);
	unsigned n = 0;

	while (n == 0 && !deadline_over(&end))
		n = irq_take(vector);
	/* A second one would follow at once. */
	time_sleep_us(1000);
	return n + irq_take(vector);
}

TEST(msi_arrives,
     .id = "pci.msi.arrives",
     .given = "each engine with messages, told address and data of one vector, then of another",
     .expects = "each time that vector is raised once, and the other is not",
     .needs = NEED_ENGINE_MSI, .budget_us = 20000000)
{
	unsigned vectors[2];

	must(t, irq_alloc(&vectors[0]), "a vector");
	must(t, irq_alloc(&vectors[1]), "a vector");
	for (unsigned i = 0; i < t->bench->engines_n; i++) {
		struct engine *e = &t->bench->engines[i];

		if (!(e->caps.flags & DMA_CAN_MSI))
			continue;
		for (unsigned k = 0; k < 2; k++) {
			uint64_t address;
			uint32_t data;

			irq_message(vectors[k], &address, &data);
			(void)irq_take(vectors[k]);
			must(t, e->ops->msi(e, address, data), "a message");
			expect_eq(t, "interrupts that arrived", wait_for(vectors[k]), 1);
			expect_eq(t, "interrupts of the other vector", irq_take(vectors[1 - k]), 0);
		}
	}
	irq_free(vectors[0]);
	irq_free(vectors[1]);
}

TEST(msi_off,
     .id = "pci.msi.off",
     .given = "the best engine with messages, after it sent one",
     .expects = "messages are off again: proofs of life raise nothing",
     .needs = NEED_ENGINE_MSI, .budget_us = 5000000)
{
	uint64_t address;
	uint32_t data;
	unsigned vector;

	must(t, irq_alloc(&vector), "a vector");
	irq_message(vector, &address, &data);
	must(t, t->engine->ops->msi(t->engine, address, data), "a message");
	expect_eq(t, "interrupts that arrived", wait_for(vector), 1);
	must(t, t->engine->ops->reset(t->engine), "a reset of the engine");
	expect_true(t, t->engine->ops->alive(t->engine), "the engine lives");
	time_sleep_us(1000);
	expect_eq(t, "interrupts afterwards", irq_take(vector), 0);
	irq_free(vector);
}
