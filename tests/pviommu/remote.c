/* PV-IOMMU: remote_cmd, by which the hardware domain acts for another one. */
#include "tests/pviommu/fixture.h"
#include <string.h>

#define GUEST_GFN  UINT64_C(0x100)
#define GUEST_PAGES 16u
#define LARGE      65536u

/* The hardware domain without the last engine, and a guest that has it and a few pages. */
struct pair {
	struct pvb_setup setup;
	struct pvref_domain_config domains[2];
	struct pvref_memory memory;
	struct page *pages;
	struct engine *engine;   /* the guest's */
	struct pvio *dom0, *guest;
};

static void pair_open(struct test *t, struct pair *p, bool no_iommu)
{
	pvx_setup(t, &p->setup);
	p->pages = page_alloc(t, GUEST_PAGES * PAGE_BYTES, 0);
	p->engine = pvx_last_engine(t);
	p->memory = (struct pvref_memory){ GUEST_GFN, p->pages->pa, GUEST_PAGES, PVREF_RAM };
	p->domains[0] = p->setup.domain;
	p->domains[0].devices_n--;
	p->domains[1] = (struct pvref_domain_config){
		.domid = PVB_GUEST, .no_iommu = no_iommu, .max_ctx_no = 8, .memory = &p->memory, .memory_n = 1,
		.devices = p->setup.domain.devices + p->domains[0].devices_n, .devices_n = no_iommu ? 0 : 1,
	};
	p->setup.config.domains = p->domains;
	p->setup.config.domains_n = 2;
	p->dom0 = pvx_remake(t, &p->setup);
	p->guest = pvx_client_of(t, PVB_GUEST);
}

static int64_t remote(const struct pair *p, enum pvio_command c, void *arg)
{
	return pvio_remote_cmd(p->dom0, PVB_GUEST, (uint16_t)pvio_number(p->dom0->revision, c), arg);
}

static void init_guest(struct test *t, const struct pair *p)
{
	struct pvio_init init = { 8, PVX_ORDER };

	if (pvio_number(p->dom0->revision, PVIO_INIT) >= 0)
		expect_rc(t, "remote init", remote(p, PVIO_INIT, &init), 0);
}

TEST(pviommu_remote_guest,
     .id = "pviommu.remote.from_guest",
     .checks = "PVI-185",
     .given = "remote_cmd by a domain that is not the hardware domain, for itself and for others",
     .expects = "-1 each time",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pair p;

	pair_open(t, &p, false);
	expect_rc(t, "for itself", pvio_remote_cmd(p.guest, PVB_GUEST, 0, NULL), -XEN_EPERM);
	expect_rc(t, "for DOMID_SELF", pvio_remote_cmd(p.guest, XEN_DOMID_SELF, 0, NULL), -XEN_EPERM);
	expect_rc(t, "for the hardware domain", pvio_remote_cmd(p.guest, PVB_DOM0, 0, NULL), -XEN_EPERM);
	expect_rc(t, "for nobody", pvio_remote_cmd(p.guest, 77, 0, NULL), -XEN_EPERM);
}

TEST(pviommu_remote_unknown,
     .id = "pviommu.remote.unknown_domain",
     .checks = "PVI-186",
     .given = "remote noop for domains that are not there, and for DOMID_SELF",
     .expects = "-2; -2 or 0",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	static const int64_t either[] = { 0, -XEN_ENOENT, PVX_END };
	struct pvio *p = pvx(t);

	expect_rc(t, "remote noop for nobody", pvio_remote_cmd(p, 77, 0, NULL), -XEN_ENOENT);
	expect_rc(t, "remote noop for 0x7fef", pvio_remote_cmd(p, 0x7fef, 0, NULL), -XEN_ENOENT);
	expect_rc(t, "remote noop for 0xffff", pvio_remote_cmd(p, 0xffff, 0, NULL), -XEN_ENOENT);
	expect_rc_of(t, "remote noop for DOMID_SELF", pvio_remote_cmd(p, XEN_DOMID_SELF, 0, NULL), either);
}

TEST(pviommu_remote_in_remote,
     .id = "pviommu.remote.in_remote",
     .checks = "PVI-188",
     .given = "remote_cmd of remote_cmd",
     .expects = "-22",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	struct pvio_remote *inner = (struct pvio_remote *)(void *)page_alloc(t, PAGE_BYTES, 0)->p;
	struct pvio *p = pvx(t);

	*inner = (struct pvio_remote){ .domid = PVB_DOM0, .command = 0 };
	expect_rc(t, "remote noop", pvio_remote_cmd(p, PVB_DOM0, 0, NULL), 0);
	expect_rc(t, "remote remote noop", pvio_remote_cmd(p, PVB_DOM0, PVIO_H_REMOTE, inner), -XEN_EINVAL);
}

TEST(pviommu_remote_query,
     .id = "pviommu.remote.query",
     .checks = "PVI-187",
     .given = "remote noop, unknown command and query_capabilities of a guest with other limits than the caller",
     .expects = "0; the error of an unknown command; the guest's limits",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pvio_capabilities caps;
	struct pair p;

	pair_open(t, &p, false);
	memset(&caps, 0, sizeof(caps));
	init_guest(t, &p);
	expect_rc(t, "remote noop", remote(&p, PVIO_NOOP, NULL), 0);
	expect_rc(t, "remote query_capabilities", remote(&p, PVIO_QUERY_CAPABILITIES, &caps), 0);
	expect_eq(t, "max_ctx_no of the guest", caps.max_ctx_no, 8);
	expect_error(t, "remote unknown command", pvio_remote_cmd(p.dom0, PVB_GUEST, 31, &caps), -XEN_EOPNOTSUPP);
	expect_error(t, "remote command 0xffff", pvio_remote_cmd(p.dom0, PVB_GUEST, 0xffff, &caps), -XEN_EOPNOTSUPP);
}

TEST(pviommu_remote_init,
     .id = "pviommu.remote.init",
     .checks = "PVI-189",
     .given = "the hardware domain initialises a guest before it runs; then the guest tries",
     .expects = "0; -13, and the limits are those of the hardware domain's init",
     .revisions = REV_IF,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pair p;

	pair_open(t, &p, false);
	init_guest(t, &p);
	expect_rc(t, "the guest's own init", pvio_init(p.guest, 100, PVX_ORDER), -XEN_EACCES);
	expect_rc(t, "query_capabilities", pvio_query_capabilities(p.guest), 0);
	expect_eq(t, "max_ctx_no", p.guest->caps.max_ctx_no, 8);
	expect_rc(t, "query_capabilities of the hardware domain", pvio_query_capabilities(p.dom0), 0);
	expect_eq(t, "max_ctx_no of the hardware domain", p.dom0->caps.max_ctx_no, 0);
}

static uint16_t remote_context(struct test *t, const struct pair *p)
{
	struct pvio_alloc alloc = { 0 };

	expect_rc(t, "remote alloc_context", remote(p, PVIO_ALLOC_CONTEXT, &alloc), 0);
	return alloc.ctx_no;
}

static struct pvio_reattach reattach_of(const struct engine *e, uint16_t ctx)
{
	uint16_t sid = e->dev->addr.sid;

	return (struct pvio_reattach){ .ctx_no = ctx,
				       .dev = { e->dev->addr.segment, (uint8_t)fld_get(SID_BUS, sid),
						(uint8_t)fld_get(SID_DEVFN, sid) } };
}

TEST(pviommu_remote_acts,
     .id = "pviommu.remote.acts_on_target",
     .checks = "PVI-190",
     .given = "remote alloc_context, map_pages, reattach_device, unmap_pages, free_context for a guest",
     .expects = "its contexts, its frames, its device; the caller's own frames, device and contexts are not there",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE | NEED_ENGINE_2 | NEED_ENGINE_DIRECT)
{
	struct pair p;
	struct page *own;
	struct pvio_map map;
	struct pvio_unmap unmap;
	struct pvio_reattach move;
	struct pvref_counts counts;
	uint16_t ctx;

	pair_open(t, &p, false);
	own = page_alloc(t, PAGE_BYTES, 0);
	init_guest(t, &p);
	ctx = remote_context(t, &p);
	map = (struct pvio_map){ .ctx_no = ctx, .gfn = GUEST_GFN + 3, .dfn = PVX_A, .map_flags = PVX_RW,
				 .pgsize = PAGE_BYTES, .nr_pages = 1 };
	expect_rc(t, "remote map_pages", remote(&p, PVIO_MAP_PAGES, &map), 0);
	expect_eq(t, "mapped", map.mapped, 1);
	map.gfn = gfn_of(own->pa);
	map.dfn = PVX_B;
	expect_error(t, "remote map_pages of the caller's own frame", remote(&p, PVIO_MAP_PAGES, &map), -XEN_ENOENT);
	move = reattach_of(p.engine, ctx);
	expect_rc(t, "remote reattach_device", remote(&p, PVIO_REATTACH_DEVICE, &move), 0);
	expect_write_by(t, p.engine, iova_of(PVX_A), dma_small_bytes(t, p.engine), p.pages, 3 * PAGE_BYTES, DMA_DONE);
	move = reattach_of(&t->bench->engines[0], ctx);
	expect_rc(t, "remote reattach_device of the caller's own", remote(&p, PVIO_REATTACH_DEVICE, &move), -XEN_ENODEV);
	unmap = (struct pvio_unmap){ .ctx_no = ctx, .dfn = PVX_A, .pgsize = PAGE_BYTES, .nr_pages = 1 };
	expect_rc(t, "remote unmap_pages", remote(&p, PVIO_UNMAP_PAGES, &unmap), 0);
	expect_write_by(t, p.engine, iova_of(PVX_A), dma_small_bytes(t, p.engine), p.pages, 3 * PAGE_BYTES, DMA_REFUSED);
	move = reattach_of(p.engine, 0);
	expect_rc(t, "remote reattach_device to 0", remote(&p, PVIO_REATTACH_DEVICE, &move), 0);
	expect_rc(t, "remote free_context", remote(&p, PVIO_FREE_CONTEXT, &(struct pvio_free){ .ctx_no = ctx }), 0);
	pvref_count(pvx_reference(t), &counts);
	expect_eq(t, "contexts left", counts.contexts_n, 0);
}

TEST(pviommu_remote_no_iommu,
     .id = "pviommu.remote.target_without_iommu",
     .checks = "PVI-191",
     .given = "remote noop and query_capabilities of a domain without an IOMMU",
     .expects = "a clean error",
     .revisions = REV_S,
     .hazard_on = REV_IF,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct pvio_capabilities caps;
	struct pair p;

	pair_open(t, &p, true);
	expect_error(t, "remote query_capabilities", remote(&p, PVIO_QUERY_CAPABILITIES, &caps), -XEN_ENODEV);
	expect_error(t, "remote noop", remote(&p, PVIO_NOOP, NULL), -XEN_ENODEV);
	expect_rc(t, "query_capabilities", pvio_query_capabilities(p.dom0), 0);
}

TEST(pviommu_remote_large,
     .id = "pviommu.remote.large_map",
     .checks = "PVI-192",
     .given = "a remote map_pages and unmap_pages of 65536 pages",
     .expects = "0, the count right, with restarts through remote_cmd",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE,
     .budget_us = 20000000)
{
	struct pair p;
	struct pvref_counts counts;
	struct pvio_map map;
	struct pvio_unmap unmap;
	uint64_t restarts;

	pair_open(t, &p, false);
	/* The guest's memory is the hardware domain's largest piece, over and over. */
	for (unsigned i = 0; i < PVREF_RANGES_MAX - 1; i++) {
		struct pvref_memory m = { 0x100000 + i * LARGE, p.setup.domain.memory[0].pa, LARGE, PVREF_RAM };

		if (p.setup.domain.memory[0].pages < LARGE)
			m.pages = p.setup.domain.memory[0].pages;
		m.gfn = 0x100000 + i * m.pages;
		must(t, pvref_memory_add(pvx_reference(t), PVB_GUEST, &m), "memory for the guest");
		if ((i + 1) * m.pages >= LARGE)
			break;
		if (i + 2 == PVREF_RANGES_MAX - 1)
			skip_unreached(t, "too little memory");
	}
	init_guest(t, &p);
	pvref_count(pvx_reference(t), &counts);
	restarts = counts.restarts;
	map = (struct pvio_map){ .ctx_no = remote_context(t, &p), .gfn = 0x100000, .dfn = PVX_A, .map_flags = PVX_RW,
				 .pgsize = PAGE_BYTES, .nr_pages = LARGE };
	expect_rc(t, "remote map_pages", remote(&p, PVIO_MAP_PAGES, &map), 0);
	expect_eq(t, "mapped", map.mapped, LARGE);
	pvref_count(pvx_reference(t), &counts);
	expect_eq(t, "pages mapped", counts.pages_mapped, LARGE);
	expect_true(t, counts.restarts > restarts, "the call was interrupted and went on");
	unmap = (struct pvio_unmap){ .ctx_no = map.ctx_no, .dfn = PVX_A, .pgsize = PAGE_BYTES, .nr_pages = LARGE };
	expect_rc(t, "remote unmap_pages", remote(&p, PVIO_UNMAP_PAGES, &unmap), 0);
	expect_eq(t, "unmapped", unmap.unmapped, LARGE);
}

TEST(pviommu_remote_target_dies,
     .id = "pviommu.remote.target_ends",
     .checks = "PVI-193",
     .given = "the target ends while a long remote map_pages is on its way",
     .expects = "an error, nothing is left",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	skip_unreached(t, "this kernel runs on one processor: nobody can end the target meanwhile");
}
