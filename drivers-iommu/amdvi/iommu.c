/*
 * An AMD-Vi backend created and destroyed (AMD IOMMU 2.3: tables, rings, modes, then IommuEn), and its fault records.
 */
#include "drivers-iommu/amdvi/internal.h"

#define CMD_LOG2       8u
#define EVT_LOG2       12u /* one transfer may be a hundred requests */
#define DOMAIN_IDS     65536u
#define V1_LEVELS      4u
#define V2_LEVELS      4u
#define V2_INPUT_BITS  47u /* the lower half of the canonical addresses */
/* 512 GiB and more in one page is unusable on real parts (erratum). */
#define V1_PAGE_SIZES  BITS(38, 12)
/* Entries that nobody is attached to. */
#define DOMAIN_ID_NONE 0

static const struct {
	const char *name;
	unsigned levels;
} modes[] = {
	[AMDVI_MODE_V1] = { "amdvi-v1", V1_LEVELS },
	[AMDVI_MODE_V1_3] = { "amdvi-v1-3", 3 },
	[AMDVI_MODE_V1_6] = { "amdvi-v1-6", 6 },
	[AMDVI_MODE_V2] = { "amdvi-v2", V2_LEVELS },
};

bool amdvi_mode_supported(const struct amdvi_unit *u, enum amdvi_mode mode)
{
	if (mode == AMDVI_MODE_V2)
		return u->caps.gt && u->caps.gio && u->caps.guest_levels_max >= V2_LEVELS;
	return u->caps.levels_max >= modes[mode].levels;
}

static struct pgt_config pgt_of(const struct amdvi_unit *u, enum amdvi_mode mode)
{
	unsigned levels = modes[mode].levels;
	struct pgt_config g = {
		.format = &pgt_amd_v1, .levels = levels, .input_bits = (unsigned)min_u64(12 + 9 * levels, 63),
		.pa_bits = u->caps.pa_bits, .page_sizes = V1_PAGE_SIZES, .snooped = true,
		.caches_absent = u->caps.np_cache,
	};

	if (mode == AMDVI_MODE_V2) {
		g.format = &pgt_amd_v2;
		g.input_bits = V2_INPUT_BITS;
		g.page_sizes = BIT(12) | BIT(21) | BIT(30);
	}
	return g;
}

static struct iommu_caps caps_of(const struct amdvi_iommu *a, enum amdvi_mode mode)
{
	bool v2 = mode == AMDVI_MODE_V2;

	return (struct iommu_caps){
		.flags = IOMMU_HAS_FAULTS | (v2 ? IOMMU_HAS_PASID : IOMMU_HAS_PASSTHROUGH | IOMMU_HAS_WRITE_ONLY) |
			 (a->u->caps.np_cache ? IOMMU_CACHES_ABSENT : 0u),
		.input_bits = a->core.pgt.input_bits,
		.page_sizes = a->core.pgt.page_sizes,
		.domains_max = DOMAIN_IDS - 1 - (v2 ? a->fns_n : 0),
		.pasid_bits = v2 ? a->u->caps.pasid_bits : 0,
	};
}

struct amdvi_fn *amdvi_fn_find(struct amdvi_iommu *a, const struct requester *r)
{
	for (unsigned i = 0; i < a->fns_n; i++)
		if (a->fns[i].id.device_id == r->addr.sid)
			return &a->fns[i];
	return NULL;
}

enum status amdvi_fn_entry(struct amdvi_iommu *a, const struct amdvi_fn *f, amdvi_dte_t value,
			   const uint16_t *old_domain_id)
{
	enum status s;

	value = amdvi_dte_setting(value, f->id.setting);
	s = amdvi_dte_replace(a->u, &a->devtab, f->id.device_id, value, old_domain_id);
	if (s == OK && f->id.alias != f->id.device_id)
		s = amdvi_dte_replace(a->u, &a->devtab, f->id.alias, value, old_domain_id);
	return s;
}

/* Device ids up to the highest that the IVRS names; the unit refuses what lies beyond the table. */
static uint32_t ids_needed(const struct amdvi_iommu *a)
{
	uint32_t n = 1;

	for (unsigned i = 0; i < a->fns_n; i++)
		n = (uint32_t)max_u64(n, max_u64(a->fns[i].id.device_id, a->fns[i].id.alias) + 1u);
	return n;
}

/*
 * Refused by the entry's own permissions. It has a mode and an empty table all the same, since emulators take mode 0
 * for pass-through without a look at IR and IW (QUIRK amdvi-mode0: QEMU 11.1; amdvi.dte.mode0.* tests notice).
 */
static enum status blocked_make(struct amdvi_iommu *a)
{
	enum status s = mem_alloc(PAGE_BYTES, PAGE_BYTES, &a->empty);

	a->blocked = amdvi_dte_host(a->empty, (unsigned)min_u64(a->u->caps.levels_max, V1_LEVELS), DOMAIN_ID_NONE, 0);
	return s;
}

static enum status functions_take(struct amdvi_iommu *a, const struct amdvi_config *config)
{
	if (!config->functions_n)
		return OK;
	a->fns = object_alloc(config->functions_n * sizeof(*a->fns));
	if (!a->fns)
		return ERR_NO_MEMORY;
	a->fns_n = config->functions_n;
	for (unsigned i = 0; i < a->fns_n; i++)
		a->fns[i].id = config->functions[i];
	return OK;
}

/*
 * Every function's entry once more by itself, although the unit dropped all when it was started: QEMU with dma-remap
 * decides on translation when it sees this command (QUIRK amdvi-2h: QEMU 11.1; amdvi.inv.all.* tests notice).
 */
static enum status entries_announce(struct amdvi_iommu *a)
{
	enum status s = OK;

	for (unsigned i = 0; i < a->fns_n && s == OK; i++)
		s = amdvi_fn_entry(a, &a->fns[i], a->blocked, NULL);
	return s;
}

static enum status bring_up(struct amdvi_iommu *a, const struct amdvi_config *config)
{
	struct amdvi_setup setup = {
		.devtab = &a->devtab, .cmd_log2 = CMD_LOG2, .evt_log2 = EVT_LOG2,
		.ctl = config->mode == AMDVI_MODE_V2 ? CTL_GT_EN : 0,
	};
	enum status s = amdvi_devtab_create(&a->devtab, 0, ids_needed(a), a->blocked);

	if (s == OK)
		s = amdvi_unit_prepare(a->u, &setup);
	if (s == OK)
		s = amdvi_unit_start(a->u);
	if (s == OK)
		s = entries_announce(a);
	for (unsigned i = 0; i < config->reserved_n && s == OK; i++)
		s = core_reserve(&a->core, &config->reserved[i]);
	return s;
}

static enum status memory_take(struct amdvi_iommu *a, const struct amdvi_config *config)
{
	enum status s = core_open(&a->core, DOMAIN_IDS);

	if (s == OK)
		s = functions_take(a, config);
	if (s == OK)
		s = blocked_make(a);
	return s;
}

static void memory_give(struct amdvi_iommu *a)
{
	for (unsigned i = 0; i < a->fns_n; i++)
		amdvi_gcr3_destroy(&a->fns[i].gcr3);
	core_close(&a->core);
	amdvi_devtab_destroy(&a->devtab);
	object_free(a->fns, a->fns_n * sizeof(*a->fns));
	if (a->empty.v)
		mem_free(a->empty, PAGE_BYTES);
	object_free(a, sizeof(*a));
}

enum status amdvi_iommu_create(struct amdvi_unit *u, const struct amdvi_config *config, struct iommu **out)
{
	struct amdvi_iommu *a;
	enum status s;

	if (!amdvi_mode_supported(u, config->mode))
		return ERR_UNSUPPORTED;
	if (amdvi_unit_on(u))
		return ERR_BUSY;
	a = object_alloc(sizeof(*a));
	if (!a)
		return ERR_NO_MEMORY;
	a->u = u;
	a->core.ops = config->mode == AMDVI_MODE_V2 ? &amdvi_v2_ops : &amdvi_v1_ops;
	a->core.pgt = pgt_of(u, config->mode);
	a->core.segment = u->segment;
	a->core.id_first = DOMAIN_ID_NONE + 1;
	s = memory_take(a, config);
	a->core.io = (struct iommu){
		.ops = &core_iommu_ops, .name = modes[config->mode].name, .caps = caps_of(a, config->mode),
	};
	if (s == OK)
		s = bring_up(a, config);
	if (s != OK) {
		amdvi_iommu_destroy(&a->core.io);
		return s;
	}
	*out = &a->core.io;
	return OK;
}

enum status amdvi_iommu_destroy(struct iommu *io)
{
	struct amdvi_iommu *a = amdvi_iommu_of(core_of(io));
	enum status s = amdvi_unit_quiesce(a->u);

	if (s == OK)
		memory_give(a);
	return s;
}

/* True where an event is about a request that was refused. */
static bool about_request(const struct amdvi_event *e)
{
	return e->code == EV_ILLEGAL_DTE || e->code == EV_IO_PAGE_FAULT || e->code == EV_DEVTAB_HW ||
	       e->code == EV_PAGETAB_HW || e->code == EV_INVALID_REQUEST;
}

enum status amdvi_fault_pop(struct iommu_core *c, struct iommu_fault *out)
{
	struct amdvi_unit *u = amdvi_iommu_of(c)->u;
	uint64_t waiting = amdvi_log_waiting(u, LOG_EVENTS);
	struct amdvi_event e;

	for (uint64_t i = 0; i < waiting && amdvi_event_pop(u, &e) == OK; i++) {
		if (!about_request(&e)) {
			log_line("AMD-Vi: %s at 0x%llx", amdvi_event_text(e.code), (unsigned long long)e.address);
			continue;
		}
		*out = (struct iommu_fault){
			.requester = { .addr = { u->segment, e.device_id }, .has_pasid = e.gn, .pasid = e.pasid },
			.iova = IOVA(align_down(e.address, PAGE_BYTES)),
			.write = e.rw,
			.write_known = e.pr, /* RW counts with PR = 1 only (AMD IOMMU 2.5.3) */
			.reason = e.code,
			.text = amdvi_event_text(e.code),
		};
		return OK;
	}
	/* After an overflow nothing is logged until software has made room and said so (AMD IOMMU 2.5). */
	if (amdvi_log_overflow(u, LOG_EVENTS) && amdvi_log_restart(u, LOG_EVENTS) != OK)
		log_line("AMD-Vi: the event log does not run again after an overflow");
	return ERR_NOT_FOUND;
}
