/* The fixture of AMD-Vi table tests. */
#include "tests/amdvi/fixture.h"
#include "drivers-pci/pci.h"

#define RING_LOG2 8u
#define EVT_LOG2  12u /* one transfer may be a hundred requests, and each is logged */
#define IDS_MIN   256u

uint64_t *ax_table(struct test *t, pa_t *pa)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);

	*pa = p->pa;
	return (uint64_t *)(void *)p->p; /* page-aligned */
}

void ax_set(uint64_t *word, uint64_t value)
{
	*(volatile uint64_t *)word = value;
	cache_write_back(word, sizeof(*word)); /* with DTE.SD = 1 walks do not snoop */
}

void ax_set_dte(struct test *t, struct ax_req *r, amdvi_dte_t value)
{
	(void)t;
	for (unsigned i = ARRAY_LEN(value.w); i > 0; i--)
		ax_set(&r->dte[i - 1], value.w[i - 1]);
}

struct ax_req *ax_add(struct test *t, struct engine *e)
{
	struct ax *ax = ax_of(t);
	struct ax_req *r = &ax->reqs[ax->reqs_n];
	amdvi_dte_t *dte = amdvi_devtab_entry(&ax->devtab, e->dev->addr.sid);

	ASSERT(ax->reqs_n < AX_REQS_MAX);
	if (!dte)
		give_up(t, "the device table of the test does not reach the engine");
	r->engine = e;
	r->id = e->dev->addr.sid;
	r->domain_id = (uint16_t)++ax->reqs_n; /* at most AX_REQS_MAX */
	r->dte = dte->w;
	r->levels = ax->o.levels;
	r->space = ax_table(t, &r->space_pa);
	ax_set_dte(t, r, amdvi_dte_host(r->space_pa, r->levels, r->domain_id, PERM_RW));
	for (unsigned i = 0; i < e->own_n; i++)
		for (uint64_t off = 0; off < e->own[i].len_bytes; off += PAGE_BYTES)
			ax_map_sized(t, r, IOVA(e->own[i].pa.v + off), pa_add(e->own[i].pa, off), 12, PERM_RW);
	return r;
}

struct ax_req *ax_req(struct test *t, const struct engine *e)
{
	struct ax *ax = ax_of(t);

	for (unsigned i = 0; i < ax->reqs_n; i++)
		if (ax->reqs[i].engine == e)
			return &ax->reqs[i];
	panic(__FILE__, __LINE__, "the fixture does not know this engine");
}

/* Every function of the machine, so that no device finds its entry behind the table. */
static uint32_t ids_of_machine(const struct bench *b)
{
	uint32_t n = IDS_MIN;

	for (unsigned i = 0; i < b->bus.devs_n; i++)
		n = (uint32_t)max_u64(n, b->bus.devs[i].addr.sid + 1u);
	return n;
}

static struct ax_options options_of(struct test *t, const struct ax_options *o)
{
	struct ax_options all = o ? *o : (struct ax_options){ 0 };

	if (!all.levels)
		all.levels = (unsigned)min_u64(AX_LEVELS, t->bench->amdvi->caps.levels_max);
	if (!all.cmd_log2)
		all.cmd_log2 = RING_LOG2;
	if (!all.evt_log2)
		all.evt_log2 = EVT_LOG2;
	if (!all.ids_n)
		all.ids_n = (uint32_t)min_u64(ids_of_machine(t->bench), DEVICE_IDS / pow2(all.segments_log2));
	return all;
}

/* The unit no longer reads the device table when it is freed, nor sends messages. */
static void cleanup(struct test *t)
{
	struct ax *ax = t->fixture;
	struct pci_dev *d = pci_find(&t->bench->bus, (struct pci_addr){ ax->u->segment, ax->u->device_id });

	if (d)
		pci_msi_off(d);
	if (amdvi_unit_quiesce(ax->u) != OK)
		log_line("the AMD-Vi unit does not come to rest");
	amdvi_devtab_destroy(&ax->devtab);
}

struct ax *ax_prepare(struct test *t, const struct ax_options *o)
{
	struct page *home = page_alloc(t, sizeof(struct ax), 0);
	struct ax *ax = (struct ax *)(void *)home->p; /* page-aligned */
	struct amdvi_setup setup;

	ax->u = t->bench->amdvi;
	ax->o = options_of(t, o);
	t->fixture = ax;
	t->cleanup = cleanup;
	must(t, amdvi_devtab_create(&ax->devtab, ax->o.segments_log2, ax->o.ids_n, amdvi_dte_host(PA(0), 0, 0, 0)),
	     "memory for the device table");
	if (t->engine)
		ax_add(t, t->engine);
	if (t->engine2)
		ax_add(t, t->engine2);
	setup = (struct amdvi_setup){
		.devtab = &ax->devtab, .cmd_log2 = ax->o.cmd_log2, .evt_log2 = ax->o.evt_log2,
		.ppr_log2 = ax->o.ppr ? RING_LOG2 : 0, .ctl = ax->o.ctl,
	};
	must(t, amdvi_unit_prepare(ax->u, &setup), "preparing the unit");
	return ax;
}

void ax_on(struct test *t)
{
	must(t, amdvi_unit_start(ax_of(t)->u), "turning the unit on");
	ax_sync(t);
}

struct ax *ax_start(struct test *t, const struct ax_options *o)
{
	struct ax *ax = ax_prepare(t, o);

	ax_on(t);
	return ax;
}

void ax_cmd(struct test *t, struct amdvi_cmd c)
{
	must(t, amdvi_execute(ax_of(t)->u, &c, 1), "a command");
}

void ax_sync(struct test *t)
{
	struct ax *ax = ax_of(t);

	for (unsigned i = 0; i < ax->reqs_n; i++) {
		const struct ax_req *r = &ax->reqs[i];
		struct amdvi_cmd cmds[] = {
			amdvi_cmd_devtab_entry(r->id),
			amdvi_cmd_pages(r->domain_id, amdvi_span_all(), true),
			amdvi_cmd_int_table(r->id),
			amdvi_cmd_guest_pages(r->domain_id, 0, amdvi_span_all(), true),
		};

		must(t, amdvi_execute(ax->u, cmds, ax->u->caps.gt ? 4 : 3), "dropping what is cached");
	}
	if (ax->u->caps.ia)
		ax_cmd(t, amdvi_cmd_all());
}

/* ---- host tables ---- */

static unsigned shift_of(unsigned level)
{
	return 12 + 9 * (level - 1);
}

uint64_t *ax_entry(struct test *t, struct ax_req *r, iova_t iova, unsigned level)
{
	uint64_t *at = r->space;

	for (unsigned l = r->levels; l > level; l--) {
		uint64_t *e = &at[shr(iova.v, shift_of(l)) % 512];
		pa_t next = PA(*e & V1_ADDR);

		if (!*e) {
			(void)ax_table(t, &next);
			ax_set(e, next.v | V1_PR | V1_IR | V1_IW | FLD(V1_NEXT_LEVEL, l - 1));
		}
		at = mem_ptr(next, PAGE_BYTES);
		if (!at)
			give_up(t, "the paging entry above this one leads nowhere");
	}
	return &at[shr(iova.v, shift_of(level)) % 512];
}

uint64_t ax_leaf(pa_t pa, unsigned perm)
{
	return pa.v | V1_PR | (perm & PERM_R ? V1_IR : 0) | (perm & PERM_W ? V1_IW : 0);
}

void ax_map_sized(struct test *t, struct ax_req *r, iova_t iova, pa_t pa, unsigned bits, unsigned perm)
{
	unsigned level = (bits - 12) / 9 + 1;
	uint64_t entries = pow2(bits - shift_of(level));
	uint64_t value = ax_leaf(pa, perm);
	uint64_t *e = ax_entry(t, r, IOVA(align_down(iova.v, pow2(bits))), level);

	/* The size of a page that is not its level's: ones from bit 12 up to a zero (AMD IOMMU 2.2.3). */
	if (entries > 1)
		value = (value & ~BITS(bits - 1, 12)) | (BITS(bits - 1, 12) & ~pow2(bits - 1)) |
			FLD(V1_NEXT_LEVEL, NEXT_LEVEL_SIZED);
	for (uint64_t i = 0; i < entries; i++)
		ax_set(e + i, value);
}

void ax_map_page(struct test *t, iova_t iova, const struct page *p)
{
	for (uint64_t off = 0; off < p->len_bytes; off += PAGE_BYTES)
		ax_map_sized(t, ax_req(t, t->engine), iova_add(iova, off), pa_add(p->pa, off), 12, PERM_RW);
}
