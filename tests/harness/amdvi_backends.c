/* AMD-Vi's ways to be a struct iommu, for contract tests. */
#include "drivers-iommu/acpi/ivrs.h"
#include "drivers-iommu/amdvi/ops.h"
#include "tests/harness/internal.h"

#define RESERVED_MAX  64
#define FUNCTIONS_MAX 512

struct lists {
	struct amdvi_function functions[FUNCTIONS_MAX];
	unsigned functions_n;
	struct reserved reserved[RESERVED_MAX];
	unsigned reserved_n;
};

/* The IVMDs of one function; an exclusion range is safest as a mapping, too (AMD IOMMU 5.2.3). */
static enum status reserved_of(struct bench *b, struct pci_addr a, struct lists *l)
{
	struct ivrs_block m;
	uint32_t pos = 0;

	while (ivrs_memory_of(b->ivrs, a, &pos, &m)) {
		uint64_t base = align_down(m.start, PAGE_BYTES);
		unsigned perm = (m.flags & IVMD_IR ? PERM_R : 0u) | (m.flags & IVMD_IW ? PERM_W : 0u);

		if (l->reserved_n == RESERVED_MAX)
			return ERR_FULL;
		if (m.flags & IVMD_EXCLUSION)
			perm = PERM_RW;
		if (m.bytes && perm)
			l->reserved[l->reserved_n++] = (struct reserved){
				a, PA(base), align_up(m.start + m.bytes, PAGE_BYTES) - base, perm };
	}
	return OK;
}

static enum status functions_of(struct bench *b, struct lists *l)
{
	for (unsigned i = 0; i < b->bus.devs_n; i++) {
		struct pci_addr a = b->bus.devs[i].addr;
		struct ivrs_device d;
		enum status s;

		if (ivrs_device_of(b->ivrs, a, &d) != OK || d.unit.base != b->amdvi->base.v)
			continue;
		if (l->functions_n == FUNCTIONS_MAX)
			return ERR_FULL;
		l->functions[l->functions_n++] = (struct amdvi_function){ a.sid, d.alias, d.setting };
		s = reserved_of(b, a, l);
		if (s != OK)
			return s;
	}
	return OK;
}

static enum status create(struct bench *b, enum amdvi_mode mode, struct iommu **out)
{
	struct lists *l;
	pa_t pa;
	enum status s = mem_alloc(sizeof(*l), PAGE_BYTES, &pa);

	if (s != OK)
		return s;
	l = mem_ptr(pa, sizeof(*l));
	s = functions_of(b, l);
	if (s == OK) {
		struct amdvi_config config = { mode, l->functions, l->functions_n, l->reserved, l->reserved_n };

		s = amdvi_iommu_create(b->amdvi, &config, out);
	}
	if (s == OK && b->amdvi_records_useless)
		(*out)->caps.flags &= ~(uint32_t)IOMMU_HAS_FAULTS;
	mem_free(pa, sizeof(*l));
	return s;
}

/* True where a record names the engine and the address, or else a page of its own, which was out of reach before. */
static bool record_fits(const struct iommu_fault *f, const struct engine *e, iova_t at)
{
	bool fits = f->iova.v == at.v;

	for (unsigned i = 0; i < e->own_n; i++)
		fits |= f->iova.v - e->own[i].pa.v < e->own[i].len_bytes;
	return fits && f->requester.addr.sid == e->dev->addr.sid;
}

/* The best engine to be refused: one that reads, from nothing in memory, before others. NULL: there is none. */
static struct engine *to_be_refused(struct bench *b)
{
	const uint32_t best = DMA_DIRECT | DMA_CAN_READ;

	for (unsigned i = 0; i < b->engines_n; i++)
		if ((b->engines[i].caps.flags & best) == best)
			return &b->engines[i];
	return b->engines_n ? &b->engines[0] : NULL;
}

/* A request that is refused: does the event log name the requester and the page? */
static bool records_tell(struct bench *b)
{
	const iova_t at = IOVA(UINT64_C(0x1b6db6d000));
	struct iommu_fault f = { .write = false };
	struct engine *e = to_be_refused(b);
	uint8_t data[PAGE_BYTES];
	struct dma_request rq = { .iova = at, .data = data };
	enum dma_outcome outcome;
	struct iommu *io;
	enum status s;
	bool told;

	if (!e || create(b, AMDVI_MODE_V1, &io) != OK)
		return true;
	rq.len_bytes = e->caps.granule_bytes;
	s = e->caps.flags & DMA_CAN_READ ? e->ops->read(e, &rq, &outcome) : e->ops->write(e, &rq, &outcome);
	if (s != OK && !e->own_n)
		log_line("the engine %s does not survive a refused request", e->ops->name);
	told = io->ops->fault_pop(io, &f) == OK && record_fits(&f, e, at);
	if (amdvi_iommu_destroy(io) != OK)
		log_line("the AMD-Vi backend does not come down");
	if (!e->ops->alive(e) && e->ops->reset(e) != OK)
		log_line("the engine %s does not come back", e->ops->name);
	return told;
}

static enum status create_v1(struct bench *b, struct iommu **out)
{
	return create(b, AMDVI_MODE_V1, out);
}

static enum status create_v1_3(struct bench *b, struct iommu **out)
{
	return create(b, AMDVI_MODE_V1_3, out);
}

static enum status create_v1_6(struct bench *b, struct iommu **out)
{
	return create(b, AMDVI_MODE_V1_6, out);
}

static enum status create_v2(struct bench *b, struct iommu **out)
{
	return create(b, AMDVI_MODE_V2, out);
}

static void destroy(struct iommu *io)
{
	enum status s = amdvi_iommu_destroy(io);

	if (s != OK)
		log_line("the AMD-Vi backend does not come down: %s", status_text(s));
}

static const struct backend backends[] = {
	[AMDVI_MODE_V1] = { "amdvi-v1", create_v1, destroy },
	[AMDVI_MODE_V1_3] = { "amdvi-v1-3", create_v1_3, destroy },
	[AMDVI_MODE_V1_6] = { "amdvi-v1-6", create_v1_6, destroy },
	[AMDVI_MODE_V2] = { "amdvi-v2", create_v2, destroy },
};

void amdvi_backends_add(struct bench *b)
{
	for (unsigned mode = 0; b->amdvi && mode < ARRAY_LEN(backends); mode++)
		if (amdvi_mode_supported(b->amdvi, (enum amdvi_mode)mode) && b->backends_n < BENCH_BACKENDS_MAX)
			b->backends[b->backends_n++] = &backends[mode];
	if (!b->amdvi || !amdvi_mode_supported(b->amdvi, AMDVI_MODE_V1) || records_tell(b))
		return;
	/* amdvi.evt.* and amdvi.pt.fault.* hold the records themselves to the manual. */
	log_line("AMD-Vi: events do not tell who was refused where, so contract tests judge by data alone");
	b->amdvi_records_useless = true;
}
