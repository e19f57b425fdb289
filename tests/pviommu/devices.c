/* PV-IOMMU: reattach_device, its errors and what is left of a context's mappings for a device that leaves. */
#include "tests/pviommu/fixture.h"

#define MOVES      100u
#define MOVES_SLOW 15u   /* of an engine that takes a tenth of a second for each transfer */
#define SLOW_US    10000u

TEST(pviommu_default_identity,
     .id = "pviommu.default.identity",
     .checks = "PVI-139",
     .given = "a device in context 0 of a domain whose context 0 maps its memory",
     .expects = "it reads and writes the domain's memory at its own addresses, and nothing elsewhere",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);

	(void)pvx(t);
	(void)pvio_query_capabilities(pvx(t));
	if (pvx_on_hypervisor(t) && t->bench->revision == REV_T ? !pvx_default_reaches(t, t->engine) :
	    t->bench->revision != REV_T && !(pvx(t)->caps.flags & PVIO_CAP_DEFAULT_IDENTITY))
		skip(t, "context 0 refuses all");
	expect_reach(t, t->engine, gfn_of(p->pa), p);
	expect_write(t, iova_add(IOVA(p->pa.v), PAGE_BYTES / 2), p, PAGE_BYTES / 2, DMA_DONE);
	expect_no_reach(t, t->engine, PVX_A, p);
}

TEST(pviommu_default_blocking,
     .id = "pviommu.default.blocking",
     .checks = "PVI-140",
     .given = "a device in context 0 that refuses all; then in a context that maps a page; and back",
     .expects = "refused; reached; refused",
     .needs = NEED_PVIOMMU | NEED_ENGINE | NEED_ENGINE_DIRECT)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct pvb_setup s;
	uint16_t ctx;

	if (!pvx_on_hypervisor(t)) {
		pvx_setup(t, &s);
		s.domain.default_blocking = true;
		(void)pvx_remake(t, &s);
	} else if (pvx_default_reaches(t, t->engine)) {
		skip(t, "context 0 maps the domain's memory");
	}
	ctx = pvx_context(t);
	expect_no_reach(t, t->engine, gfn_of(p->pa), p);
	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	pvx_attach(t, t->engine, ctx);
	expect_reach(t, t->engine, PVX_A, p);
	pvx_home(t, t->engine);
	expect_no_reach(t, t->engine, PVX_A, p);
	expect_no_reach(t, t->engine, gfn_of(p->pa), p);
}

/* ---- errors ---- */

static void expect_no_device(struct test *t, const char *call, int64_t seen)
{
	if (!pvx_on_hypervisor(t)) {
		expect_rc(t, call, seen, pvx_by(t, -XEN_ENOENT, -XEN_ENODEV, -XEN_ENODEV, -XEN_ENODEV));
		return;
	}
	if (expect_rc_of(t, call, seen, (int64_t[]){ -XEN_ENODEV, -XEN_ENOENT, PVX_END }))
		remark(t, "%s: %s, as %s", call, pvx_result(seen),
		     seen == -XEN_ENODEV ? "revision H and the later versions of I" : "revision T and the early versions of I");
}

static struct pci_addr absent_device(struct test *t)
{
	struct pci_addr a = { .segment = 0, .sid = SID(0, 31, 7) };

	while (pci_find(&t->bench->bus, a))
		a.sid--;
	return a;
}

TEST(pviommu_reattach_absent,
     .id = "pviommu.reattach.absent",
     .checks = "PVI-141",
     .given = "reattach_device of functions that are not there: on bus 0, on bus 255, on another segment",
     .expects = "-19 (H, I, F) or -2 (T, early I)",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pvio *p = pvx(t);
	uint16_t ctx = pvx_context(t);
	struct pci_addr far = t->engine->dev->addr;

	far.segment = 1;
	expect_no_device(t, "reattach_device, no such function", pvio_reattach_device(p, ctx, absent_device(t), 0));
	expect_no_device(t, "reattach_device, bus 255",
			 pvio_reattach_device(p, ctx, (struct pci_addr){ .sid = SID(255, 31, 7) }, 0));
	expect_no_device(t, "reattach_device, segment 1", pvio_reattach_device(p, ctx, far, 0));
	far.segment = 65535;
	expect_no_device(t, "reattach_device, segment 65535", pvio_reattach_device(p, ctx, far, 0));
}

/* The last engine belongs to another domain. Returns the client of that one. */
static struct pvio *give_away(struct test *t, struct pvb_setup *s, struct pvref_domain_config domains[2])
{
	pvx_setup(t, s);
	domains[0] = s->domain;
	domains[0].devices_n--;
	domains[1] = (struct pvref_domain_config){ .domid = PVB_GUEST, .max_ctx_no = 8,
						   .devices = s->domain.devices + domains[0].devices_n, .devices_n = 1 };
	s->config.domains = domains;
	s->config.domains_n = 2;
	(void)pvx_remake(t, s);
	return pvx_client_of(t, PVB_GUEST);
}

TEST(pviommu_reattach_foreign,
     .id = "pviommu.reattach.other_domains",
     .checks = "PVI-142",
     .given = "reattach_device of a function that another domain owns",
     .expects = "as for one that is not there; it stays where it is",
     .needs = NEED_PVIOMMU | NEED_ENGINE | NEED_ENGINE_2)
{
	struct engine *theirs = pvx_last_engine(t);
	struct pvref_domain_config domains[2];
	struct pvb_setup s;
	uint16_t at = 1, ctx;

	(void)give_away(t, &s, domains);
	ctx = pvx_context(t);
	expect_no_device(t, "reattach_device of another domain's",
			 pvio_reattach_device(pvx(t), ctx, theirs->dev->addr, 0));
	must(t, pvref_context_of(pvx_reference(t), theirs->dev->addr, &at), "asking where the function is");
	expect_eq(t, "its context", at, 0);
}

TEST(pviommu_reattach_virtual,
     .id = "pviommu.reattach.virtual_address",
     .checks = "PVI-168",
     .given = "a guest that sees its function at another address; another domain names that address",
     .expects = "the guest finds it by either address, the other domain by neither",
     .revisions = REV_F,
     .needs = NEED_PVIOMMU | NEED_ENGINE | NEED_ENGINE_2)
{
	struct engine *theirs = pvx_last_engine(t);
	struct pvref_domain_config domains[2];
	struct pvref_device device = { .addr = theirs->dev->addr, .has_virtual = true, .virtual_ = absent_device(t) };
	struct pvb_setup s;
	struct pvio *guest;
	uint16_t ctx = 0, own;

	(void)give_away(t, &s, domains);
	domains[1].devices = &device;
	(void)pvx_remake(t, &s);
	guest = pvx_client_of(t, PVB_GUEST);
	expect_rc(t, "init", pvio_init(guest, 8, PVX_ORDER), 0);
	expect_rc(t, "alloc_context", pvio_alloc_context(guest, 0, &ctx), 0);
	expect_rc(t, "reattach_device by the virtual address", pvio_reattach_device(guest, ctx, device.virtual_, 0), 0);
	expect_rc(t, "reattach_device by the machine's address", pvio_reattach_device(guest, 0, device.addr, 0), 0);
	own = pvx_context(t);
	expect_no_device(t, "another domain, virtual address", pvio_reattach_device(pvx(t), own, device.virtual_, 0));
	expect_no_device(t, "another domain, machine's address", pvio_reattach_device(pvx(t), own, device.addr, 0));
}

TEST(pviommu_reattach_bad_context,
     .id = "pviommu.reattach.bad_context",
     .checks = "PVI-143",
     .given = "reattach_device to contexts that were never allocated, are freed, or lie beyond the last",
     .expects = "-2; the device stays where it was",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t), freed = pvx_context(t), max;

	(void)pvio_query_capabilities(pvx(t));
	max = pvx(t)->caps.max_ctx_no;
	pvx_free(t, freed);
	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	expect_reach(t, t->engine, PVX_A, p);
	expect_rc(t, "reattach_device, freed", pvx_try_attach(t, t->engine, freed), -XEN_ENOENT);
	expect_rc(t, "reattach_device, never allocated", pvx_try_attach(t, t->engine, max), -XEN_ENOENT);
	expect_rc(t, "reattach_device, beyond the last", pvx_try_attach(t, t->engine, (uint16_t)(max + 1)), -XEN_ENOENT);
	expect_rc(t, "reattach_device to 65535", pvx_try_attach(t, t->engine, 65535), -XEN_ENOENT);
	expect_reach(t, t->engine, PVX_A, p);
}

TEST(pviommu_reattach_same,
     .id = "pviommu.reattach.same",
     .checks = "PVI-144",
     .given = "reattach_device to the context that the device is in",
     .expects = "0, nothing changes; context 0 likewise",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	bool reaches;
	uint16_t ctx;

	(void)pvx(t);
	reaches = pvx_default_reaches(t, t->engine);
	expect_rc(t, "reattach_device, 0 to 0", pvx_try_attach(t, t->engine, 0), 0);
	expect_default(t, t->engine, reaches);
	ctx = pvx_start(t);
	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	expect_rc(t, "reattach_device to the same", pvx_try_attach(t, t->engine, ctx), 0);
	expect_reach(t, t->engine, PVX_A, p);
}

TEST(pviommu_reattach_bridges,
     .id = "pviommu.reattach.bridges",
     .checks = "PVI-163",
     .given = "reattach_device of every function that is no engine, bridges and the IOMMU's own among them, and back",
     .expects = "0 or an error; the engine is not affected",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t), other = pvx_context(t);

	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	for (unsigned i = 0; i < t->bench->bus.devs_n; i++) {
		const struct pci_dev *d = &t->bench->bus.devs[i];
		bool engine = false;
		int64_t rc;

		for (unsigned k = 0; k < t->bench->engines_n; k++)
			engine |= t->bench->engines[k].dev == d;
		if (engine)
			continue;
		rc = pvio_reattach_device(pvx(t), other, d->addr, 0);
		if (rc == 0)
			expect_rc(t, "reattach_device, back to 0", pvio_reattach_device(pvx(t), 0, d->addr, 0), 0);
		else
			expect_error(t, "reattach_device of another function", rc,
				     pvx_by(t, -XEN_ENOENT, -XEN_ENODEV, -XEN_ENODEV, -XEN_ENODEV));
	}
	expect_reach(t, t->engine, PVX_A, p);
}

TEST(pviommu_reattach_functions,
     .id = "pviommu.reattach.one_function",
     .checks = "PVI-164",
     .given = "one function of a device of several is moved to a context, and back",
     .expects = "the other stays where it is, or follows, each way; nothing between",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct engine *e[2] = { NULL, NULL };
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	bool follows, reaches;
	uint16_t ctx;

	(void)pvx(t);
	for (unsigned i = 0; i < t->bench->engines_n && !e[1]; i++)
		for (unsigned k = 0; k < t->bench->engines_n && !e[1]; k++)
			if (i != k && (t->bench->engines[i].caps.flags & t->bench->engines[k].caps.flags & DMA_CAN_WRITE) &&
			    !((t->bench->engines[i].dev->addr.sid ^ t->bench->engines[k].dev->addr.sid) & ~SID_FN)) {
				e[0] = &t->bench->engines[i];
				e[1] = &t->bench->engines[k];
			}
	if (!e[1])
		skip_unreached(t, "no two engines are functions of one device");
	reaches = pvx_default_reaches(t, e[1]);
	ctx = pvx_context(t);
	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	pvx_attach(t, e[0], ctx);
	expect_reach(t, e[0], PVX_A, p);
	follows = try_write(t, e[1], iova_of(PVX_A), dma_small_bytes(t, e[1]), p, 0) == DMA_DONE;
	expect_default(t, e[1], reaches && !follows);
	pvx_home(t, e[0]);
	expect_no_reach(t, e[0], PVX_A, p);
	expect_default(t, e[1], reaches);
	if (pvx_on_hypervisor(t))
		remark(t, "the other function %s", follows ? "follows" : "stays");
}

TEST(pviommu_reattach_pasid,
     .id = "pviommu.reattach.pasid_not_offered",
     .checks = "PVI-166",
     .given = "reattach_device with PASID 5, where PASIDs are not offered",
     .expects = "an error, the device stays where it was (H), or it moves as without a PASID",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct pvb_setup s;
	uint16_t from, to;

	if (!pvx_on_hypervisor(t)) {
		pvx_setup(t, &s);
		s.config.caps = 0;
		(void)pvx_remake(t, &s);
	}
	from = pvx_start(t);
	to = pvx_context(t);
	(void)pvio_query_capabilities(pvx(t));
	if (pvx(t)->caps.flags & PVIO_CAP_PASID)
		skip(t, "PASIDs are offered");
	pvx_map(t, from, PVX_A, p->pa, 1, PVX_RW);
	expect_reach(t, t->engine, PVX_A, p);
	if (expect_error_or_ignored(t, "reattach_device with a PASID",
				    pvio_reattach_device(pvx(t), to, t->engine->dev->addr, 5), -XEN_EOPNOTSUPP))
		expect_reach(t, t->engine, PVX_A, p);
	else
		expect_no_reach(t, t->engine, PVX_A, p);
}

/* ---- moving about ---- */

TEST(pviommu_move_between,
     .id = "pviommu.move.between",
     .checks = "PVI-155",
     .given = "one address mapped to different pages in two contexts; the device reaches it in A and is moved to B",
     .expects = "it reaches B's page, A's stays as it is",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *a = page_alloc(t, PAGE_BYTES, 0), *b = page_alloc(t, PAGE_BYTES, 0);
	uint16_t from = pvx_start(t), to = pvx_context(t);

	pvx_map(t, from, PVX_A, a->pa, 1, PVX_RW);
	pvx_map(t, to, PVX_A, b->pa, 1, PVX_RW);
	expect_reach(t, t->engine, PVX_A, a);
	a->p[0] = 0x77;
	pvx_attach(t, t->engine, to);
	expect_reach(t, t->engine, PVX_A, b);
	expect_eq(t, "first byte of A's page", a->p[0], 0x77);
}

TEST(pviommu_move_home,
     .id = "pviommu.move.home",
     .checks = "PVI-156",
     .given = "a device that reached a page in a context is moved back to context 0",
     .expects = "context 0 is as before, the context's address is refused",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	bool reaches;
	uint16_t ctx;

	(void)pvx(t);
	reaches = pvx_default_reaches(t, t->engine);
	ctx = pvx_start(t);
	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	expect_reach(t, t->engine, PVX_A, p);
	pvx_home(t, t->engine);
	expect_default(t, t->engine, reaches);
	expect_no_reach(t, t->engine, PVX_A, p);
}

TEST(pviommu_move_often,
     .id = "pviommu.move.hundred_times",
     .checks = "PVI-157",
     .given = "a device is moved 100 times between A, B and context 0",
     .expects = "it always reaches what the context that it is in maps, and nothing of the others",
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE,
     .budget_us = 20000000)
{
	struct page *p[2] = { page_alloc(t, PAGE_BYTES, 0), page_alloc(t, PAGE_BYTES, 0) };
	static const uint64_t dfn[2] = { PVX_A, PVX_B };
	bool slow = t->engine->caps.usual_us >= SLOW_US;
	uint16_t ctx[2];

	for (unsigned i = 0; i < 2; i++) {
		ctx[i] = pvx_context(t);
		pvx_map(t, ctx[i], dfn[i], p[i]->pa, 1, PVX_RW);
	}
	for (unsigned move = 0; move < (slow ? MOVES_SLOW : MOVES); move++) {
		unsigned at = move % 3;
		bool good = true;

		pvx_attach(t, t->engine, at < 2 ? ctx[at] : 0);
		/* Slow ones look at one of the two alone. */
		for (unsigned i = 0; i < 2; i++)
			if (!slow || i == move % 2)
				good &= expect_write(t, iova_of(dfn[i]), p[i], 0, i == at ? DMA_DONE : DMA_REFUSED);
		if (!good) {
			note(t, "after move %u", move);
			return;
		}
	}
}

TEST(pviommu_move_two,
     .id = "pviommu.move.two_devices",
     .checks = "PVI-158 PVI-160",
     .given = "two devices in one context; one leaves",
     .expects = "both reach its page; then the other still does",
     .needs = NEED_PVIOMMU | NEED_ENGINE | NEED_ENGINE_2)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);

	pvx_attach(t, t->engine2, ctx);
	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	expect_reach(t, t->engine, PVX_A, p);
	expect_reach(t, t->engine2, PVX_A, p);
	pvx_home(t, t->engine);
	expect_no_reach(t, t->engine, PVX_A, p);
	expect_reach(t, t->engine2, PVX_A, p);
}

TEST(pviommu_move_apart,
     .id = "pviommu.move.two_contexts",
     .checks = "PVI-159",
     .given = "two devices in two contexts that map one address to different pages",
     .expects = "each reaches its own",
     .needs = NEED_PVIOMMU | NEED_ENGINE | NEED_ENGINE_2)
{
	struct page *p[2] = { page_alloc(t, PAGE_BYTES, 0), page_alloc(t, PAGE_BYTES, 0) };
	struct engine *e[2] = { t->engine, t->engine2 };

	for (unsigned i = 0; i < 2; i++) {
		uint16_t ctx = pvx_context(t);

		pvx_map(t, ctx, PVX_A, p[i]->pa, 1, PVX_RW);
		pvx_attach(t, e[i], ctx);
	}
	for (unsigned i = 0; i < 4; i++)
		expect_reach(t, e[i % 2], PVX_A, p[i % 2]);
}

/* ---- the end ---- */

TEST(pviommu_end_home,
     .id = "pviommu.end.as_at_start",
     .checks = "PVI-169",
     .given = "contexts, mappings and moved devices, all taken back, three times",
     .expects = "context 0 is as at the start, and the same contexts can be had",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t first = 0;
	bool reaches;

	(void)pvx(t);
	reaches = pvx_default_reaches(t, t->engine);
	for (unsigned round = 0; round < 3; round++) {
		uint16_t ctx[4];

		for (unsigned i = 0; i < ARRAY_LEN(ctx); i++) {
			ctx[i] = pvx_context(t);
			pvx_map(t, ctx[i], PVX_A + i, p->pa, 1, PVX_RW);
			pvx_attach(t, t->engine, ctx[i]);
			expect_write(t, iova_of(PVX_A + i), p, 0, DMA_DONE);
		}
		pvx_home(t, t->engine);
		for (unsigned i = 0; i < ARRAY_LEN(ctx); i++)
			pvx_free(t, ctx[i]);
		expect_default(t, t->engine, reaches);
		if (!round)
			first = ctx[0];
		expect_eq(t, "first context", ctx[0], first);
	}
}

TEST(pviommu_end_domain,
     .id = "pviommu.end.domain_gone",
     .checks = "PVI-170",
     .given = "a domain with a context, a mapping and a device in it goes without taking anything back; a new one",
     .expects = "the device is in context 0, all contexts are free, nothing of the old mappings is reached",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE | NEED_ENGINE_2 | NEED_ENGINE_DIRECT)
{
	struct engine *theirs = pvx_last_engine(t);
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	const struct pvref_memory memory = { 0x1000, p->pa, 1, PVREF_RAM };
	struct pvref_domain_config domains[2];
	struct pvref_counts counts;
	struct pvb_setup s;
	struct pvio *guest;

	(void)give_away(t, &s, domains);
	domains[1].memory = &memory;
	domains[1].memory_n = 1;
	(void)pvx_remake(t, &s);
	guest = pvx_client_of(t, PVB_GUEST);
	for (unsigned life = 0; life < 2; life++) {
		uint16_t ctx = 0, at = 0xffff;
		uint32_t n;

		if (pvio_number(guest->revision, PVIO_INIT) >= 0)
			expect_rc(t, "init", pvio_init(guest, 8, PVX_ORDER), 0);
		expect_rc(t, "alloc_context", pvio_alloc_context(guest, 0, &ctx), 0);
		expect_eq(t, "first context", ctx, 1);
		expect_rc(t, "map_pages",
			  pvio_map_pages(guest, &(struct pvio_range){ .ctx_no = ctx, .dfn = PVX_A, .gfn = 0x1000,
								      .flags = PVX_RW, .nr_pages = 1 }, &n), 0);
		expect_rc(t, "reattach_device", pvio_reattach_device(guest, ctx, theirs->dev->addr, 0), 0);
		if (theirs->caps.flags & DMA_CAN_WRITE)
			expect_write_by(t, theirs, iova_of(PVX_A), dma_small_bytes(t, theirs), p, 0, DMA_DONE);
		must(t, pvref_domain_destroy(pvx_reference(t), PVB_GUEST), "ending the domain");
		pvref_count(pvx_reference(t), &counts);
		expect_eq(t, "contexts left", counts.contexts_n, 0);
		expect_eq(t, "mapped pages left", counts.pages_mapped, 0);
		must(t, pvref_domain_create(pvx_reference(t), &domains[1]), "a new domain");
		must(t, pvref_context_of(pvx_reference(t), theirs->dev->addr, &at), "asking where the function is");
		expect_eq(t, "context of the function", at, 0);
		if (theirs->caps.flags & DMA_CAN_WRITE)
			expect_write_by(t, theirs, iova_of(PVX_A), dma_small_bytes(t, theirs), p, 0, DMA_REFUSED);
	}
}
