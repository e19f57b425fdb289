/*
 * Tests of the harness itself: memory, time, recovery. debug.* fail on purpose and run only when named, so that the
 * way from a crash, a hang or a reset to a verdict can be shown.
 */
#include "tests/test.h"
#include <string.h>

TEST(memory_zeroed,
     .id = "self.memory.zeroed",
     .given = "memory that was filled, freed and allocated again",
     .expects = "it is zero")
{
	struct page *p = page_filled(t, 0xa5);
	pa_t pa;
	const uint8_t *q;
	uint8_t any = 0;

	expect_eq(t, "first byte", p->p[0], 0xa5);
	must(t, mem_alloc(64 * PAGE_BYTES, PAGE_BYTES, &pa), "memory");
	memset(mem_ptr(pa, 64 * PAGE_BYTES), 0xff, 64 * PAGE_BYTES);
	mem_free(pa, 64 * PAGE_BYTES);
	must(t, mem_alloc(64 * PAGE_BYTES, PAGE_BYTES, &pa), "memory");
	q = mem_ptr(pa, 64 * PAGE_BYTES);
	for (unsigned i = 0; i < 64 * PAGE_BYTES; i++)
		any |= q[i];
	mem_free(pa, 64 * PAGE_BYTES);
	expect_eq(t, "bits that are set", any, 0);
}

TEST(unbacked_is_not_ram,
     .id = "self.memory.unbacked",
     .given = "the address that nothing answers",
     .expects = "it is no RAM")
{
	expect_true(t, !mem_ptr(mem_unbacked(PAGE_BYTES), PAGE_BYTES), "mem_ptr() refuses it");
}

TEST(time_advances,
     .id = "self.time.advances",
     .given = "a sleep of 3 ms",
     .expects = "the clock advances by that or more")
{
	uint64_t from = time_us();

	time_sleep_us(3000);
	expect_true(t, time_us() - from >= 3000, "3 ms or more have passed");
}

TEST(debug_fail,
     .id = "debug.fail",
     .given = "a test that fails on purpose",
     .expects = "a failure of kind verdict")
{
	fail(t, "the moon", "a \"lamp\"");
	note(t, "a note");
}

TEST(debug_crash,
     .id = "debug.crash",
     .given = "a test that jumps to where nothing is",
     .expects = "a failure of kind crash")
{
	(void)t;
	((void (*)(void))(uintptr_t)UINT64_C(0xffffe00000000000))();
}

TEST(debug_overflow,
     .id = "debug.overflow",
     .given = "a test that writes below its stack",
     .expects = "a failure of kind crash: the guard page")
{
	volatile char *p = __builtin_frame_address(0);

	(void)t;
	for (unsigned i = 0; i < 1024 * 1024; i += 256)
		p[-(long)i] = 0;
}

TEST(debug_hang,
     .id = "debug.hang",
     .given = "a test that never ends",
     .expects = "a failure of kind hang",
     .budget_us = 200000)
{
	volatile bool on = true;

	(void)t;
	while (on)
		;
}

TEST(debug_reset,
     .id = "debug.reset",
     .given = "a test that resets the machine on purpose",
     .expects = "a failure of kind crash, told by the next start")
{
	(void)t;
	world_reset();
}

TEST(debug_stall,
     .id = "debug.stall",
     .given = "a test that stops the processor with interrupts off",
     .expects = "a failure of kind hang, told by the next start")
{
	(void)t;
	world_stall();
}
