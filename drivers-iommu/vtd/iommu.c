/*
 * A VT-d backend created and destroyed (VT-d 11.4.4; bring-up order: tables, root pointer, reserved memory, TE).
 */
#include "drivers-iommu/vtd/internal.h"
#include "drivers-iommu/vtd/queue.h"

/* Domain id 0 stands for cached not-present entries where CM = 1 (VT-d 6.1); nobody gets it. */
#define DID_FIRST       1u
#define FS_LEVELS       4u
#define FS_INPUT_BITS   47u /* the lower half of the canonical addresses */

static const char *const names[] = {
	[VTD_MODE_LEGACY] = "vtd-legacy",
	[VTD_MODE_SS] = "vtd-ss",
	[VTD_MODE_FS] = "vtd-fs",
};

bool vtd_mode_supported(const struct vtd_unit *u, enum vtd_mode mode)
{
	const struct vtd_caps *c = &u->caps;

	switch (mode) {
	case VTD_MODE_LEGACY:
		return c->levels_max && (c->qi || c->rbi);
	case VTD_MODE_SS:
		return c->smts && c->qi && c->ssts && c->levels_max;
	case VTD_MODE_FS:
		return c->smts && c->qi && c->fsts;
	}
	return false;
}

/* The shallowest second-stage walk that covers MGAW, else the deepest there is. */
static unsigned ss_levels(const struct vtd_caps *c)
{
	unsigned levels = 3;

	while (levels != c->levels_max && !(vtd_caps_levels(c, levels) && 12 + 9 * levels >= c->mgaw_bits))
		levels++;
	return levels;
}

static struct pgt_config pgt_of(const struct vtd_unit *u, enum vtd_mode mode)
{
	const struct vtd_caps *c = &u->caps;
	struct pgt_config g = { .pa_bits = u->haw_bits, .page_sizes = BIT(12), .caches_absent = c->cm };

	/* ECAP.C speaks of legacy-mode page tables, SMPWCS with PWSNP of those in scalable mode (VT-d 11.4.3). */
	g.snooped = mode == VTD_MODE_LEGACY ? c->c : c->smpwcs;
	if (mode == VTD_MODE_FS) {
		g.format = &pgt_vtd_fs;
		g.levels = FS_LEVELS;
		g.input_bits = FS_INPUT_BITS;
		g.page_sizes |= BIT(21) | (c->fs1gp ? BIT(30) : 0);
	} else {
		g.format = &pgt_vtd_ss;
		g.levels = ss_levels(c);
		g.input_bits = (unsigned)min_u64(c->mgaw_bits, 12 + 9 * g.levels);
		g.page_sizes |= (c->ss_2m ? BIT(21) : 0) | (c->ss_1g ? BIT(30) : 0);
	}
	return g;
}

static struct iommu_caps caps_of(const struct vtd_iommu *v)
{
	const struct vtd_caps *c = &v->u->caps;
	bool pasid = v->mode != VTD_MODE_LEGACY && c->pasid;
	uint32_t flags = IOMMU_HAS_FAULTS;

	flags |= v->core.pgt.format->write_only ? IOMMU_HAS_WRITE_ONLY : 0u;
	flags |= pasid ? IOMMU_HAS_PASID : 0u;
	flags |= v->mode == VTD_MODE_SS && c->nest && c->fsts ? IOMMU_HAS_NESTING : 0u;
	flags |= c->pt ? IOMMU_HAS_PASSTHROUGH : 0u;
	flags |= c->cm ? IOMMU_CACHES_ABSENT : 0u;
	return (struct iommu_caps){
		.flags = flags,
		.input_bits = v->core.pgt.input_bits,
		.page_sizes = v->core.pgt.page_sizes,
		.domains_max = c->domains_n - 1,
		.pasid_bits = pasid ? c->pasid_bits : 0,
	};
}

static enum status queue_use(struct vtd_iommu *v)
{
	bool wide = v->mode != VTD_MODE_LEGACY;
	enum status s;

	if (v->u->queue.on)
		return wide && !v->u->queue.wide ? ERR_BUSY : OK;
	if (!v->u->caps.qi)
		return OK;
	s = vtd_queue_enable(v->u, 0, wide);
	v->queue_ours = s == OK;
	return s;
}

static enum status memory_take(struct vtd_iommu *v)
{
	bool scalable = v->mode != VTD_MODE_LEGACY;
	enum status s = core_open(&v->core, v->u->caps.domains_n);

	if (s == OK)
		s = vtd_dirs_create(&v->dirs, v->u, scalable, v->u->caps.pasid_bits);
	return s;
}

static void memory_give(struct vtd_iommu *v)
{
	core_close(&v->core);
	if (v->dirs.root.v)
		vtd_dirs_destroy(&v->dirs);
	object_free(v, sizeof(*v));
}

static enum status bring_up(struct vtd_iommu *v, const struct reserved *reserved, unsigned reserved_n)
{
	enum status s = memory_take(v);

	if (s == OK)
		s = queue_use(v);
	if (s == OK)
		s = vtd_set_root(v->u, v->dirs.root, v->mode == VTD_MODE_LEGACY ? TTM_LEGACY : TTM_SCALABLE);
	for (unsigned i = 0; i < reserved_n && s == OK; i++)
		s = core_reserve(&v->core, &reserved[i]);
	if (s == OK)
		s = vtd_write_buffer_flush(v->u);
	if (s == OK && !v->found_on)
		s = vtd_translation_on(v->u);
	return s;
}

/* What destroy puts back. */
static void found_remember(struct vtd_iommu *v)
{
	v->found_on = vtd_gsts(v->u, GSTS_TES);
	v->found_root = PA(mmio_rd(&v->u->regs, VTD_RTADDR) & RTADDR_RTA);
	v->found_ttm = v->u->ttm;
}

enum status vtd_iommu_create(struct vtd_unit *u, enum vtd_mode mode, const struct reserved *reserved,
			     unsigned reserved_n, struct iommu **out)
{
	struct vtd_iommu *v;
	enum status s;

	if (!vtd_mode_supported(u, mode))
		return ERR_UNSUPPORTED;
	v = object_alloc(sizeof(*v));
	if (!v)
		return ERR_NO_MEMORY;
	v->u = u;
	v->mode = mode;
	v->core.ops = mode == VTD_MODE_LEGACY ? &vtd_legacy_ops : &vtd_scalable_ops;
	v->core.segment = u->segment;
	v->core.id_first = DID_FIRST;
	v->core.pgt = pgt_of(u, mode);
	found_remember(v);
	v->core.io = (struct iommu){ .ops = &core_iommu_ops, .name = names[mode], .caps = caps_of(v) };
	s = bring_up(v, reserved, reserved_n);
	if (s != OK) {
		vtd_iommu_destroy(&v->core.io);
		return s;
	}
	*out = &v->core.io;
	return OK;
}

enum status vtd_iommu_destroy(struct iommu *io)
{
	struct vtd_iommu *v = vtd_iommu_of(core_of(io));
	enum status s = v->found_on ? vtd_set_root(v->u, v->found_root, v->found_ttm) : vtd_translation_off(v->u);

	if (s != OK)
		return s;
	if (v->queue_ours)
		s = vtd_queue_disable(v->u);
	memory_give(v);
	return s;
}
