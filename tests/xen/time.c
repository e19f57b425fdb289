/* Time as Xen tells it in the shared information (Xen public/xen.h, vcpu_time_info). */
#include "kernel/cpu.h"
#include "kernel/time.h"
#include "tests/xen/guest.h"

#define TRIES 1000u
#define LOOKS 1000u

struct sample {
	uint64_t tsc, ns; /* what the TSC showed, and the nanoseconds that Xen makes of it */
	uint32_t mul;
	int8_t shift;
};

static uint64_t scale(uint64_t ticks, uint32_t mul, int8_t shift)
{
	uint64_t shifted = shift < 0 ? shr(ticks, (unsigned)-shift) : shl(ticks, (unsigned)shift);

	return (uint64_t)((unsigned __int128)shifted * mul / BIT(32));
}

static struct sample sample(struct test *t)
{
	const volatile struct xen_shared_info *s = t->bench->machine->xen->shared;
	const volatile struct xen_time_info *i;

	if (!s)
		give_up(t, "the shared information is not mapped");
	i = &s->vcpu[0].time;
	for (unsigned n = 0; n < TRIES; n++) {
		uint32_t version = i->version;
		struct sample out = { .mul = i->mul, .shift = i->shift };
		uint64_t from = i->tsc, ns = i->system_ns;

		out.tsc = tsc();
		out.ns = ns + scale(out.tsc - from, out.mul, out.shift);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (version % 2 == 0 && version == i->version)
			return out;
	}
	give_up(t, "the time never stands still for a look");
}

TEST(time_info,
     .id = "xen.time.info",
     .given = "the time of this processor in the shared information",
     .expects = "its scale is the TSC's rate that CPUID tells, within a thousandth",
     .needs = NEED_XEN)
{
	struct sample s = sample(t);
	/* Ticks that make one second at this scale. */
	uint64_t second = s.mul ? 1000000000u * BIT(32) / s.mul : 0;
	uint64_t hz = s.shift < 0 ? shl(second, (unsigned)-s.shift) : shr(second, (unsigned)s.shift), told = xen_tsc_hz();

	expect_true(t, s.mul != 0 && s.shift > -32 && s.shift < 32, "a scale that is not 0");
	note(t, "by the scale %llu Hz, by CPUID %llu Hz", (unsigned long long)hz, (unsigned long long)told);
	expect_true(t, hz > told - told / 1000 && hz < told + told / 1000, "the rate within a thousandth");
}

TEST(time_advances,
     .id = "xen.time.advances",
     .given = "Xen's time before and after a sleep of 20 ms",
     .expects = "it never goes back and advances as our clock does, within a hundredth and a millisecond",
     .needs = NEED_XEN)
{
	struct sample a = sample(t), b;
	uint64_t ours, ns;

	time_sleep_us(20000);
	b = sample(t);
	/* By the very ticks that the samples were taken at: whatever came in between counts for both. */
	ours = (b.tsc - a.tsc) * 1000u / max_u64(time_tsc_hz() / 1000, 1);
	ns = b.ns - a.ns;
	expect_true(t, b.ns > a.ns, "time advances");
	note(t, "%llu ns by Xen, %llu us by our clock", (unsigned long long)ns, (unsigned long long)ours);
	expect_true(t, ns / 1000 + 1000 + ours / 100 > ours && ns / 1000 < ours + 1000 + ours / 100, "both agree");
}

TEST(time_monotonic,
     .id = "xen.time.monotonic",
     .given = "a thousand looks at Xen's time",
     .expects = "none is before the one before",
     .needs = NEED_XEN)
{
	uint64_t last = sample(t).ns;

	for (unsigned i = 0; i < LOOKS; i++) {
		uint64_t now = sample(t).ns;

		if (now < last) {
			fail(t, "time does not go back", "by %llu ns", (unsigned long long)(last - now));
			return;
		}
		last = now;
	}
}

TEST(wall_clock,
     .id = "xen.time.wall_clock",
     .given = "the wall clock in the shared information",
     .expects = "an even version, less than a second of nanoseconds, a date after 1970",
     .needs = NEED_XEN)
{
	const volatile struct xen_shared_info *s = t->bench->machine->xen->shared;

	if (!s)
		give_up(t, "the shared information is not mapped");
	expect_eq(t, "lowest bit of the version", s->wallclock_version % 2, 0);
	expect_true(t, s->wallclock_ns < 1000000000u, "nanoseconds below a second");
	expect_true(t, s->wallclock_s || s->wallclock_s_high, "a date");
}
