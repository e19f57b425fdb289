/* The PV-IOMMU side of a bench. */
#include "kernel/linear.h"
#include "tests/harness/internal.h"
#include "tests/harness/pviommu_bench.h"
#include <string.h>

#define SCAN_STEP  (16 * (uint64_t)PAGE_BYTES) /* RAM is looked for in pieces of this size */
#define SCAN_END   BIT(33)
#define BAR_MAX    BIT(24)

/* ---- what the hardware domain has ---- */

static bool add_memory(struct pviommu_bench *p, uint64_t base, uint64_t bytes, enum pvref_memory_kind kind)
{
	if (p->memory_n == PVREF_RANGES_MAX)
		return false;
	p->memory[p->memory_n++] = (struct pvref_memory){ base / PAGE_BYTES, PA(base), bytes / PAGE_BYTES, kind };
	return true;
}

static void find_ram(struct pviommu_bench *p)
{
	uint64_t from = 0;
	bool inside = false;

	for (uint64_t at = 0; at <= SCAN_END; at += SCAN_STEP) {
		bool ram = at < SCAN_END && mem_ptr(PA(at), SCAN_STEP);

		if (ram && !inside)
			from = at;
		/* Half of the room is for the BARs. */
		if (!ram && inside && (p->memory_n == PVREF_RANGES_MAX / 2 || !add_memory(p, from, at - from, PVREF_RAM)))
			log_line("PV-IOMMU: RAM at 0x%llx is left out", (unsigned long long)from);
		inside = ram;
	}
}

/* The BARs of the engines: some tests map them. */
static void find_bars(struct bench *b, struct pviommu_bench *p)
{
	for (unsigned i = 0; i < b->engines_n; i++)
		for (unsigned k = 0; k < PCI_BARS; k++) {
			const struct pci_bar *bar = &b->engines[i].dev->bars[k];

			if (bar->kind != PCI_BAR_IO && bar->base && is_aligned(bar->base | bar->len_bytes, PAGE_BYTES) &&
			    bar->len_bytes && bar->len_bytes <= BAR_MAX)
				(void)add_memory(p, bar->base, bar->len_bytes, PVREF_MMIO);
		}
}

void pvb_default(const struct bench *b, struct pvb_setup *s)
{
	const struct pviommu_bench *p = b->pviommu;

	s->domain = (struct pvref_domain_config){
		.domid = PVB_DOM0,
		.hardware = true,
		.max_ctx_no = p->contexts_max,
		.memory = p->memory,
		.memory_n = p->memory_n,
		.devices = p->devices,
		.devices_n = p->devices_n,
	};
	s->config = (struct pvref_config){
		.revision = p->revision,
		.caps = PVIO_CAP_IDENTITY | PVIO_CAP_CACHE | PVIO_CAP_NESTED | PVIO_CAP_PASID | PVIO_CAP_DEFERRED_FLUSH,
		.pgsize_mask = PAGE_BYTES | (uint32_t)BIT(21),
		.max_pasid = BIT(20) - 1,
		.domains = &s->domain,
		.domains_n = 1,
	};
}

/* ---- making and dropping ---- */

enum status pvb_make(struct bench *b, const struct pvref_config *c)
{
	struct pviommu_bench *p = b->pviommu;
	const char *why;
	enum status s;

	if (b->hypervisor)
		return ERR_UNSUPPORTED;
	if (p->reference && !pvb_drop(b, &why))
		return ERR_IO;
	s = p->host_backend->create(b, &p->host);
	if (s != OK)
		return s;
	s = pvref_create(p->host, c, &p->reference);
	if (s != OK) {
		p->host_backend->destroy(p->host);
		p->reference = NULL;
		return s;
	}
	p->caller = (struct pvref_guest){ p->reference, c->domains[0].domid };
	return pvio_probe(&p->client, PVIO_NONE);
}

bool pvb_drop(struct bench *b, const char **why)
{
	struct pviommu_bench *p = b->pviommu;

	*why = NULL;
	if (!p || !p->reference)
		return true;
	*why = pvref_check(p->reference);
	if (pvref_destroy(p->reference) != OK && !*why)
		*why = "the host does not let go";
	p->host_backend->destroy(p->host);
	p->reference = NULL;
	return !*why;
}

/* ---- opening ---- */

static uint8_t mask_of(enum pvio_revision r)
{
	static const uint8_t masks[PVIO_REVISIONS] = { [PVIO_T] = REV_T, [PVIO_H] = REV_H, [PVIO_I] = REV_I, [PVIO_F] = REV_F };

	return masks[r];
}

static void tell_pviommu(const struct bench *b)
{
	const struct pviommu_bench *p = b->pviommu;
	const struct pvio_caps *c = &p->client.caps;

	if (!b->hypervisor) {
		log_line("@pviommu {\"revision\": \"%s\", \"by\": \"reference\", \"over\": \"%s\"}",
			 pvio_revision_name(p->revision), p->host_backend->name);
		return;
	}
	log_line("@pviommu {\"revision\": \"%s\", \"by\": \"hypervisor\", \"max_ctx_no\": %u, \"max_iova_addr\": \"0x%llx\", "
		 "\"flags\": \"0x%x\"}", pvio_revision_name(p->revision), c->max_ctx_no,
		 (unsigned long long)c->max_iova_addr, c->flags);
}

/* The hypervisor that the machine is a guest of. OK also where it has no PV-IOMMU: the bench then has none. */
static enum status open_hypervisor(struct bench *b, enum pvio_revision forced, char *why)
{
	struct pviommu_bench *p = b->pviommu;
	enum status s;

	p->client.call = b->machine->iommu_op;
	p->client.ctx = b->machine->iommu_op_ctx;
	s = pvio_probe(&p->client, forced);
	if (s == OK) {
		b->hypervisor = true;
		p->revision = p->client.revision;
		return OK;
	}
	mem_free(p->pa, sizeof(*p));
	b->pviommu = NULL;
	if (s == ERR_NOT_FOUND || s == ERR_DENIED) {
		log_line("@pviommu_absent %s", s == ERR_DENIED ? "this domain may not use it" : "hypercall 43 is not there");
		return OK;
	}
	str_printf(why, TEXT_MAX, "hypercall 43 answers, but not as any revision of PV-IOMMU that is known: %s",
		   status_text(s));
	return s;
}

/* One that needs no memory of its own comes last: tests give that one to another domain. */
static void list_devices(const struct bench *b, struct pviommu_bench *p)
{
	unsigned last = b->engines_n;

	for (unsigned i = 1; i < b->engines_n; i++)
		if (b->engines[i].caps.flags & DMA_DIRECT)
			last = i;
	for (unsigned i = 0; i < b->engines_n && p->devices_n < PVREF_DEVICES_MAX; i++)
		if (i != last)
			p->devices[p->devices_n++] = (struct pvref_device){ .addr = b->engines[i].dev->addr };
	if (last < b->engines_n && p->devices_n < PVREF_DEVICES_MAX)
		p->devices[p->devices_n++] = (struct pvref_device){ .addr = b->engines[last].dev->addr };
}

/* Domains of the host become contexts; some are left for context 0 of each domain and for what is below nested ones. */
static enum status count_contexts(struct bench *b, struct pviommu_bench *p)
{
	struct iommu *host;
	enum status s = p->host_backend->create(b, &host);

	if (s != OK)
		return s;
	p->contexts_max = (uint16_t)min_u64(PVB_CONTEXTS, max_u64(host->caps.domains_max, 2 * PVREF_DOMAINS_MAX + 1) -
							 2 * PVREF_DOMAINS_MAX);
	p->host_backend->destroy(host);
	return OK;
}

/* The reference, over the way of driving the unit that offers most. */
static enum status open_reference(struct bench *b, enum pvio_revision revision, char *why)
{
	static const char *const preferred[] = { "vtd-ss", "amdvi-v1", "vtd-legacy", "vtd-fs" };
	struct pviommu_bench *p = b->pviommu;

	p->revision = revision;
	p->client.call = pvref_page_call;
	p->client.ctx = &p->caller;
	for (unsigned i = ARRAY_LEN(preferred); i-- > 0;)
		for (unsigned k = 0; k < b->backends_n; k++)
			if (!strcmp(b->backends[k]->name, preferred[i]))
				p->host_backend = b->backends[k];
	if (!p->host_backend && b->machine->name[0]) {
		log_line("%s: no IOMMU that the reference of PV-IOMMU could use", b->machine->name);
		mem_free(p->pa, sizeof(*p));
		b->pviommu = NULL;
		return OK;
	}
	if (!p->host_backend) {
		str_printf(why, TEXT_MAX, "pviommu=: the reference needs an IOMMU, and this machine shows none that it can use");
		return ERR_NOT_FOUND;
	}
	if (count_contexts(b, p) != OK) {
		str_printf(why, TEXT_MAX, "pviommu=: the IOMMU cannot be driven for the reference");
		return ERR_IO;
	}
	find_ram(p);
	find_bars(b, p);
	list_devices(b, p);
	return OK;
}

/* ---- the backend of contract tests ---- */

static enum status backend_create(struct bench *b, struct iommu **out)
{
	struct pci_addr devs[BENCH_ENGINES_MAX];
	struct pvb_setup setup;
	enum status s = OK;

	for (unsigned i = 0; i < b->engines_n; i++)
		devs[i] = b->engines[i].dev->addr;
	if (!b->hypervisor) {
		pvb_default(b, &setup);
		s = pvb_make(b, &setup.config);
	}
	return s == OK ? pvio_iommu_create(&b->pviommu->client, devs, b->engines_n, out) : s;
}

static void backend_destroy(struct iommu *io)
{
	struct pviommu_bench *p = (struct pviommu_bench *)pvio_of(io); /* the client is its first member */
	enum status s = pvio_iommu_destroy(io);

	if (s != OK)
		log_line("the PV-IOMMU backend does not come down: %s", status_text(s));
	pviommu_bench_clean(p->bench);
}

static const struct backend backend = { "pviommu", backend_create, backend_destroy };

/* ---- for bench.c ---- */

/* The page tables of linear runs stay once they are made: before free pages are counted. */
static void linear_tables_make(void)
{
	struct linear_run run;

	if (linear_run_make(&run, 1) == OK)
		linear_run_drop(&run);
}

enum status pviommu_bench_open(struct bench *b, const struct options *o, char *why)
{
	enum pvio_revision revision = PVIO_NONE;
	enum status s;
	pa_t pa;

	if (pvio_revision_parse(o->pviommu, &revision) != OK) {
		str_printf(why, TEXT_MAX, "pviommu=%s: T, H, I, F or auto is expected", o->pviommu);
		return ERR_INVALID;
	}
	if (!b->machine->iommu_op && revision == PVIO_NONE)
		return OK;
	s = mem_alloc(sizeof(struct pviommu_bench), PAGE_BYTES, &pa);
	if (s != OK) {
		str_printf(why, TEXT_MAX, "too little memory");
		return s;
	}
	b->pviommu = mem_ptr(pa, sizeof(struct pviommu_bench));
	b->pviommu->pa = pa;
	b->pviommu->bench = b;
	linear_tables_make();
	s = b->machine->iommu_op ? open_hypervisor(b, revision, why) : open_reference(b, revision, why);
	if (s != OK || !b->pviommu)
		return s;
	b->revision = mask_of(b->pviommu->revision);
	b->backends[0] = &backend;
	b->backends_n = 1;
	tell_pviommu(b);
	return OK;
}

void pviommu_bench_provide(struct bench *b, const struct test *t)
{
	struct pvb_setup setup;
	enum status s;

	if (!b->pviommu || b->hypervisor)
		return;
	b->pviommu->complaint = NULL;
	b->pviommu->free_pages = mem_free_pages();
	if (!(t->desc->needs & NEED_PVIOMMU))
		return;
	pvb_default(b, &setup);
	s = pvb_make(b, &setup.config);
	if (s != OK)
		log_line("no reference of PV-IOMMU: %s", status_text(s));
}

void pviommu_bench_clean(struct bench *b)
{
	const char *why;

	if (!pvb_drop(b, &why) && !b->pviommu->complaint)
		b->pviommu->complaint = why;
}

void pviommu_bench_judge(struct test *t)
{
	struct pviommu_bench *p = t->bench->pviommu;

	if (!p || t->bench->hypervisor)
		return;
	if (p->complaint)
		fail(t, "a reference that agrees with itself", "%s", p->complaint);
	else
		expect_eq(t, "free pages after the test", mem_free_pages(), p->free_pages);
}

void pviommu_bench_close(struct bench *b)
{
	if (!b->pviommu)
		return;
	pviommu_bench_clean(b);
	mem_free(b->pviommu->pa, sizeof(*b->pviommu));
	b->pviommu = NULL;
}
