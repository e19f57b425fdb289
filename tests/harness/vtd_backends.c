/* VT-d's three ways to be a struct iommu, for contract tests. */
#include "drivers-iommu/acpi/scope.h"
#include "drivers-iommu/vtd/ops.h"
#include "tests/harness/internal.h"

#define RESERVED_MAX 64

struct reserved_list {
	struct reserved r[RESERVED_MAX];
	unsigned n;
};

static bool behind_unit(struct bench *b, struct pci_addr a)
{
	struct dmar_unit at;

	return dmar_unit_of(b->dmar, &b->bus, a, &at) == OK && at.base.v == b->vtd->base.v;
}

/* The RMRRs of one function. */
static enum status reserved_of(struct bench *b, struct pci_addr a, struct reserved_list *list)
{
	struct dmar_query q = { .dmar = b->dmar, .bus = &b->bus, .type = DMAR_RMRR, .requester = a };
	struct dmar_structure s;

	while (dmar_covering(&q, &s, NULL)) {
		uint64_t base = align_down(s.base, PAGE_BYTES);

		if (list->n == RESERVED_MAX)
			return ERR_FULL;
		list->r[list->n++] = (struct reserved){
			a, PA(base), align_up(s.limit + 1, PAGE_BYTES) - base, PERM_RW };
	}
	return OK;
}

static enum status create(struct bench *b, enum vtd_mode mode, struct iommu **out)
{
	struct reserved_list list = { .n = 0 };
	enum status s = OK;

	for (unsigned i = 0; i < b->bus.devs_n && s == OK; i++)
		if (behind_unit(b, b->bus.devs[i].addr))
			s = reserved_of(b, b->bus.devs[i].addr, &list);
	return s == OK ? vtd_iommu_create(b->vtd, mode, list.r, list.n, out) : s;
}

static enum status create_legacy(struct bench *b, struct iommu **out)
{
	return create(b, VTD_MODE_LEGACY, out);
}

static enum status create_ss(struct bench *b, struct iommu **out)
{
	return create(b, VTD_MODE_SS, out);
}

static enum status create_fs(struct bench *b, struct iommu **out)
{
	return create(b, VTD_MODE_FS, out);
}

static void destroy(struct iommu *io)
{
	enum status s = vtd_iommu_destroy(io);

	if (s != OK)
		log_line("the VT-d backend does not come down: %s", status_text(s));
}

static const struct backend backends[] = {
	[VTD_MODE_LEGACY] = { "vtd-legacy", create_legacy, destroy },
	[VTD_MODE_SS] = { "vtd-ss", create_ss, destroy },
	[VTD_MODE_FS] = { "vtd-fs", create_fs, destroy },
};

void vtd_backends_add(struct bench *b)
{
	for (unsigned mode = 0; b->vtd && mode < ARRAY_LEN(backends); mode++)
		if (vtd_mode_supported(b->vtd, (enum vtd_mode)mode) && b->backends_n < BENCH_BACKENDS_MAX)
			b->backends[b->backends_n++] = &backends[mode];
}
