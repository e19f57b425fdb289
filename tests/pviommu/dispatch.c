/* PV-IOMMU: presence, who may call, which commands there are. */
#include "tests/pviommu/fixture.h"
#include <string.h>

#define BUFFER_BYTES 64u
#define GUARD        0xc7

/* A zeroed buffer between guards, aligned to 64 as the probe wants it, in memory above 64 KiB. */
static uint8_t *guarded(struct test *t, struct page **page)
{
	*page = page_filled(t, GUARD);
	memset((*page)->p + BUFFER_BYTES, 0, BUFFER_BYTES);
	return (*page)->p + BUFFER_BYTES;
}

static void expect_guards(struct test *t, const struct page *page)
{
	bool zero = true, whole = true;

	for (unsigned i = 0; i < PAGE_BYTES; i++) {
		bool inside = i >= BUFFER_BYTES && i < 2 * BUFFER_BYTES;

		zero &= !inside || page->p[i] == 0;
		whole &= inside || page->p[i] == GUARD;
	}
	expect_true(t, zero, "the buffer is unchanged");
	expect_true(t, whole, "the bytes around the buffer are unchanged");
}

TEST(pviommu_probe_first,
     .id = "pviommu.probe.first_call",
     .checks = "PVI-001",
     .given = "hypercall 43 with the address of a zeroed buffer and 1",
     .expects = "an answer that tells revisions apart, memory unchanged",
     .needs = NEED_PVIOMMU)
{
	static const int64_t t_way[] = { 0, -XEN_EPERM, PVX_END };
	static const int64_t i_way[] = { -XEN_EOPNOTSUPP, -XEN_ENODEV, PVX_END };
	struct pvio *p = &t->bench->pviommu->client;
	struct page *page;
	uint8_t *z = guarded(t, &page);
	int64_t rc = pvio_raw(p, (uint64_t)(uintptr_t)z, 1);

	if (t->bench->revision == REV_H)
		expect_error(t, "first call", rc, -XEN_EOPNOTSUPP);
	else
		expect_rc_of(t, "first call", rc, t->bench->revision == REV_T ? t_way : i_way);
	expect_guards(t, page);
}

TEST(pviommu_probe_twice,
     .id = "pviommu.probe.twice",
     .checks = "PVI-015",
     .given = "the sequence of calls that tells revisions apart, made twice",
     .expects = "the same revision and capabilities, which are still the same afterwards",
     .needs = NEED_PVIOMMU)
{
	struct pvio *p = &t->bench->pviommu->client;
	struct pvio *again = (struct pvio *)(void *)page_alloc(t, sizeof(struct pvio), 0)->p;
	struct pvio_caps first;

	for (unsigned i = 0; i < 2; i++) {
		again->call = p->call;
		again->ctx = p->ctx;
		expect_eq(t, "the probe's status", (uint64_t)(int64_t)pvio_probe(again, PVIO_NONE), OK);
		expect_eq(t, "revision", again->revision, t->bench->pviommu->revision);
		if (!i)
			first = again->caps;
	}
	expect_true(t, !memcmp(&first, &again->caps, sizeof(first)), "both probes see the same capabilities");
	expect_rc(t, "query_capabilities", pvio_query_capabilities(again), 0);
	expect_true(t, !memcmp(&first, &again->caps, sizeof(first)), "probing leaves no trace in the capabilities");
}

TEST(pviommu_noop_unread,
     .id = "pviommu.noop.argument_unread",
     .checks = "PVI-008",
     .given = "noop with an argument of 0, an unmapped one, a non-canonical one",
     .expects = "0 each time",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	struct pvio *p = &t->bench->pviommu->client;
	struct linear_run run;

	must(t, linear_run_make(&run, 1), "pages at addresses of our choice");
	expect_rc(t, "noop, NULL", pvio_raw(p, 0, 0), 0);
	expect_rc(t, "noop, unmapped", pvio_raw(p, 0, (uint64_t)(uintptr_t)run.p + PAGE_BYTES), 0);
	expect_rc(t, "noop, non-canonical", pvio_raw(p, 0, BIT(63)), 0);
	linear_run_drop(&run);
}

TEST(pviommu_noop_t,
     .id = "pviommu.noop.tagged",
     .checks = "PVI-009",
     .given = "sub-operation 0 with a pattern in the other 30 bytes",
     .expects = "0, all 32 bytes unchanged",
     .revisions = REV_T,
     .needs = NEED_PVIOMMU)
{
	struct page *page = page_filled(t, 0x5a);

	memset(page->p, 0, 2);
	expect_rc(t, "noop", pvio_raw(&t->bench->pviommu->client, (uint64_t)(uintptr_t)page->p, 0), 0);
	for (unsigned i = 0; i < 40; i++)
		if (page->p[i] != (i < 2 ? 0 : 0x5a)) {
			fail(t, "the operation is unchanged", "byte %u = 0x%02x", i, page->p[i]);
			break;
		}
}

TEST(pviommu_unknown_t,
     .id = "pviommu.command.unknown_tagged",
     .checks = "PVI-011",
     .given = "sub-operations 8 to 31, 0x7fff, 0x8000, 0xffff",
     .expects = "-22 each time",
     .revisions = REV_T,
     .needs = NEED_PVIOMMU)
{
	static const uint16_t large[] = { 0x7fff, 0x8000, 0xffff };
	struct pvio_t_op *op = (struct pvio_t_op *)(void *)page_alloc(t, sizeof(*op), 0)->p;

	for (unsigned i = 0; i < 24 + ARRAY_LEN(large); i++) {
		*op = (struct pvio_t_op){ .subop_id = i < 24 ? (uint16_t)(8 + i) : large[i - 24] };
		expect_rc(t, "unknown sub-operation", pvio_raw(&t->bench->pviommu->client, (uint64_t)(uintptr_t)op, 0),
			  -XEN_EINVAL);
	}
}

TEST(pviommu_unknown_s,
     .id = "pviommu.command.unknown",
     .checks = "PVI-010",
     .given = "commands 14 to 31, 0x7fffffff, 0x80000000, 0xffffffff",
     .expects = "-95 (H: an error) each time, memory unchanged",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	struct pvio *p = &t->bench->pviommu->client;
	struct page *page;
	uint64_t z = (uint64_t)(uintptr_t)guarded(t, &page);

	for (unsigned i = 0; i < 21; i++) {
		uint64_t number = i < 18 ? 14 + i : (const uint64_t[]){ 0x7fffffff, 0x80000000, 0xffffffff }[i - 18];
		int64_t rc = pvio_raw(p, number, z);

		if (t->bench->revision == REV_H)
			expect_error(t, "unknown command", rc, -XEN_EOPNOTSUPP);
		else
			expect_rc(t, "unknown command", rc, -XEN_EOPNOTSUPP);
	}
	expect_guards(t, page);
}

TEST(pviommu_command_13,
     .id = "pviommu.command.no_flush_pages",
     .checks = "PVI-119",
     .given = "command 13 and map flag bit 3, where deferred flushes are not offered",
     .expects = "-95; the flag is refused, or ignored and the mapping is good",
     .revisions = REV_I,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pvio *p = pvx(t);
	struct pvio_flush *flush = (struct pvio_flush *)(void *)page_alloc(t, sizeof(*flush), 0)->p;
	struct page *target = page_filled(t, 0x11);
	uint16_t ctx = pvx_start(t);
	struct pvio_range r = { .ctx_no = ctx, .dfn = PVX_A, .gfn = gfn_of(target->pa), .flags = PVX_RW | PVIO_MAP_NO_FLUSH,
				.nr_pages = 1 };
	uint32_t mapped = 0;

	*flush = (struct pvio_flush){ .ctx_no = ctx, .dfn = PVX_A, .pgsize = PAGE_BYTES, .nr_pages = 1 };
	expect_rc(t, "command 13", pvio_raw(p, PVIO_F_FLUSH_PAGES, (uint64_t)(uintptr_t)flush), -XEN_EOPNOTSUPP);
	expect_no_reach(t, t->engine, PVX_A, target); /* whoever caches what is absent has it now */
	if (pvio_map_pages(p, &r, &mapped) == 0)
		expect_reach(t, t->engine, PVX_A, target);
	else
		expect_no_reach(t, t->engine, PVX_A, target);
}

TEST(pviommu_upper_half,
     .id = "pviommu.command.upper_bits",
     .checks = "PVI-012",
     .given = "garbage in bits 63:32 of the command number",
     .expects = "the same as without it",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	static const uint64_t garbage[] = { BIT(32), BIT(63), BITS(63, 32), UINT64_C(0xdeadbeef00000000) };
	struct pvio *p = &t->bench->pviommu->client;
	struct pvio_capabilities *caps = (struct pvio_capabilities *)(void *)page_alloc(t, PAGE_BYTES, 0)->p;
	uint64_t arg = (uint64_t)(uintptr_t)caps;

	for (unsigned i = 0; i < ARRAY_LEN(garbage); i++) {
		*caps = (struct pvio_capabilities){ 0 };
		expect_rc(t, "noop", pvio_raw(p, garbage[i], arg), 0);
		expect_rc(t, "query_capabilities", pvio_raw(p, garbage[i] | PVIO_H_QUERY, arg), 0);
		expect_true(t, caps->max_iova_addr != 0, "the capabilities are filled in");
		expect_error(t, "unknown command", pvio_raw(p, garbage[i] | 31, arg), -XEN_EOPNOTSUPP);
	}
}

TEST(pviommu_registers,
     .id = "pviommu.call.registers_kept",
     .checks = "PVI-013",
     .given = "eight values that live across a call",
     .expects = "all are as before: the call keeps what its caller may rely on",
     .needs = NEED_PVIOMMU)
{
	struct pvio *p = &t->bench->pviommu->client;
	uint64_t a = prng_next(&t->prng), b = prng_next(&t->prng), c = prng_next(&t->prng), d = prng_next(&t->prng);
	uint64_t e = prng_next(&t->prng), f = prng_next(&t->prng), g = prng_next(&t->prng), h = prng_next(&t->prng);
	volatile uint64_t kept[] = { a, b, c, d, e, f, g, h };

	for (unsigned i = 0; i < 16; i++)
		expect_rc(t, "query_capabilities", pvio_query_capabilities(p), 0);
	expect_true(t, a == kept[0] && b == kept[1] && c == kept[2] && d == kept[3] && e == kept[4] && f == kept[5] &&
		    g == kept[6] && h == kept[7], "the values are as before");
}

TEST(pviommu_ring_3,
     .id = "pviommu.call.unprivileged",
     .checks = "PVI-004",
     .given = "a call from CPL 3",
     .expects = "-1, no effect",
     .needs = NEED_PVIOMMU)
{
	skip_unreached(t, "this kernel has no CPL 3");
}

/* ---- other callers: the reference alone has them at hand ---- */

/* The usual hardware domain without the last engine, which a second domain has, with memory or an IOMMU or without. */
static struct pvio *second_domain(struct test *t, bool no_iommu)
{
	struct pvb_setup s;
	struct pvref_domain_config domains[2];

	pvx_setup(t, &s);
	domains[0] = s.domain;
	domains[0].devices_n--;
	domains[1] = (struct pvref_domain_config){
		.domid = PVB_GUEST,
		.no_iommu = no_iommu,
		.max_ctx_no = 8,
		.devices = s.domain.devices + domains[0].devices_n,
		.devices_n = no_iommu ? 0 : 1,
	};
	s.config.domains = domains;
	s.config.domains_n = 2;
	(void)pvx_remake(t, &s);
	return pvx_client_of(t, PVB_GUEST);
}

TEST(pviommu_guest_t,
     .id = "pviommu.caller.not_hardware_domain",
     .checks = "PVI-005",
     .given = "sub-operations 0 to 7 from a domain that is not the hardware domain",
     .expects = "-1 each time, the operation unchanged",
     .revisions = REV_T,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pvio *guest = second_domain(t, false);
	struct page *page = page_filled(t, 0x5a);

	for (uint16_t number = 0; number < 8; number++) {
		memset(page->p, 0x5a, PAGE_BYTES);
		*(uint16_t *)(void *)page->p = number;
		expect_rc(t, "call", pvio_raw(guest, (uint64_t)(uintptr_t)page->p, 0), -XEN_EPERM);
		expect_true(t, page->p[2] == 0x5a && !memcmp(page->p + 2, page->p + 3, 29), "the operation is unchanged");
	}
}

TEST(pviommu_no_iommu,
     .id = "pviommu.caller.without_iommu",
     .checks = "PVI-006",
     .given = "every command from a domain that was created without an IOMMU",
     .expects = "-19 each time, the argument untouched",
     .revisions = REV_IF,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pvio *guest = second_domain(t, true);
	struct page *page;
	uint64_t z = (uint64_t)(uintptr_t)guarded(t, &page);

	for (uint64_t number = 0; number < 14; number++)
		expect_rc(t, "call", pvio_raw(guest, number, z), -XEN_ENODEV);
	expect_rc(t, "call of command 0xffffffff", pvio_raw(guest, 0xffffffff, z), -XEN_ENODEV);
	expect_rc(t, "call with a bad pointer", pvio_raw(guest, PVIO_I_QUERY, 1), -XEN_ENODEV);
	expect_guards(t, page);
}

TEST(pviommu_guest_s,
     .id = "pviommu.caller.guest_with_device",
     .checks = "PVI-007",
     .given = "noop and query_capabilities from a domain that has a device",
     .expects = "0 each time",
     .revisions = REV_IF,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pvio *guest = second_domain(t, false);

	expect_rc(t, "noop", pvio_noop(guest), 0);
	expect_rc(t, "query_capabilities", pvio_query_capabilities(guest), 0);
}
