/* The fixture of VT-d table tests. */
#include "tests/vtd/fixture.h"
#include <string.h>

#define DEVFN_UPPER   0x80u /* scalable mode: first devfn of the upper half */
#define QUEUE_LOG2    0
#define FAULTS_MAX    64

/* One page of raw table. */
static uint64_t *table(struct test *t, pa_t *pa)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);

	*pa = p->pa;
	return (uint64_t *)(void *)p->p; /* page-aligned */
}

void fx_set(struct test *t, uint64_t *word, uint64_t value)
{
	*(volatile uint64_t *)word = value;
	/* Nor do walks below a PASID entry with PWSNP=0 snoop. */
	if (!fx_of(t)->u->caps.c || fx_of(t)->scalable)
		cache_write_back(word, sizeof(*word));
}

static void set_words(struct test *t, uint64_t *to, const uint64_t *from, unsigned n)
{
	/* The word that holds P last. */
	for (unsigned i = n; i > 0; i--)
		fx_set(t, &to[i - 1], from[i - 1]);
}

/* The context table of a bus (scalable: of a half of it), made and linked at first use. */
static uint64_t *context_table(struct test *t, struct fx_req *r)
{
	struct fx *fx = fx_of(t);
	unsigned bus = (unsigned)fld_get(SID_BUS, r->sid);
	unsigned upper = fx->scalable && fld_get(SID_DEVFN, r->sid) >= DEVFN_UPPER;
	unsigned key = 2 * bus + upper;

	r->root = fx->root + 2 * bus;
	r->root_half = r->root + upper;
	for (unsigned i = 0; i < fx->tables_n; i++)
		if (fx->tables[i].key == key)
			return fx->tables[i].p;
	ASSERT(fx->tables_n < FX_TABLES_MAX);
	fx->tables[fx->tables_n].key = key;
	fx->tables[fx->tables_n].p = table(t, &fx->tables[fx->tables_n].pa);
	if (fx->scalable)
		fx_set(t, r->root_half, vtd_sm_root_half(fx->tables[fx->tables_n].pa));
	else
		set_words(t, r->root, vtd_root(fx->tables[fx->tables_n].pa).w, 2);
	return fx->tables[fx->tables_n++].p;
}

vtd_pasid_t fx_pasid_value(const struct fx *fx, const struct fx_req *r)
{
	vtd_pasid_t fs;

	switch (fx->mode) {
	case FX_SM_FS:
		fs = vtd_pasid_fs(r->space_pa, r->levels, r->did, fx->u->caps.smpwcs);
		/* First stage does not use AW; QEMU does (vtd.sm.fs.aw_unused), and no other test shall suffer from that. */
		fs.w[0] |= FLD(PASID_AW, VTD_AW(r->levels));
		return fs;
	case FX_SM_PT:
		return vtd_pasid_passthrough(fx->u->caps.levels_max, r->did);
	default:
		return vtd_pasid_ss(r->space_pa, r->levels, r->did, fx->u->caps.smpwcs);
	}
}

static void add_scalable(struct test *t, struct fx_req *r, uint64_t *contexts)
{
	pa_t dir_pa, table_pa;

	r->ctx = contexts + 4 * (fld_get(SID_DEVFN, r->sid) % DEVFN_UPPER);
	r->dir_table = table(t, &dir_pa);
	r->dir = r->dir_table + fld_get(PASID_DIR_INDEX, r->rid_pasid);
	r->pasid_table = table(t, &table_pa);
	r->pasid = r->pasid_table + 8 * fld_get(PASID_TABLE_INDEX, r->rid_pasid);
	set_words(t, r->pasid, fx_pasid_value(fx_of(t), r).w, 8);
	set_words(t, r->dir, vtd_pasid_dir(table_pa).w, 1);
	set_words(t, r->ctx, vtd_sm_ctx(dir_pa, 0, r->rid_pasid, false).w, 4);
}

struct fx_req *fx_add(struct test *t, struct engine *e)
{
	struct fx *fx = fx_of(t);
	struct fx_req *r = &fx->reqs[fx->reqs_n];
	uint64_t *contexts;

	ASSERT(fx->reqs_n < FX_REQS_MAX);
	r->engine = e;
	r->sid = e->dev->addr.sid;
	r->did = (uint16_t)++fx->reqs_n; /* at most FX_REQS_MAX; DID 0 belongs to hardware where CM = 1 */
	r->levels = fx->first_stage ? 4 : fx->u->caps.levels_max;
	r->space = table(t, &r->space_pa);
	contexts = context_table(t, r);
	if (fx->scalable) {
		add_scalable(t, r, contexts);
	} else {
		r->ctx = contexts + 2 * fld_get(SID_DEVFN, r->sid);
		set_words(t, r->ctx, vtd_ctx(fx->mode == FX_LEGACY_PT ? TT_PASSTHROUGH : TT_UNTRANSLATED, r->space_pa,
					     r->levels, r->did).w, 2);
	}
	if (fx->mode == FX_LEGACY_PT || fx->mode == FX_SM_PT)
		return r;
	for (unsigned i = 0; i < e->own_n; i++)
		for (uint64_t off = 0; off < e->own[i].len_bytes; off += PAGE_BYTES)
			fx_map(t, r, IOVA(e->own[i].pa.v + off), pa_add(e->own[i].pa, off), 1, PERM_RW, 0);
	return r;
}

struct fx_req *fx_req(struct test *t, const struct engine *e)
{
	struct fx *fx = fx_of(t);

	for (unsigned i = 0; i < fx->reqs_n; i++)
		if (fx->reqs[i].engine == e)
			return &fx->reqs[i];
	panic(__FILE__, __LINE__, "the fixture does not know this engine");
}

static struct fx *prepare(struct test *t, enum fx_mode mode)
{
	struct page *home = page_alloc(t, sizeof(struct fx), 0);
	struct fx *fx = (struct fx *)(void *)home->p; /* page-aligned */
	struct vtd_unit *u = t->bench->vtd;

	fx->u = u;
	fx->mode = mode;
	fx->scalable = mode == FX_SM_SS || mode == FX_SM_FS || mode == FX_SM_PT;
	fx->first_stage = mode == FX_SM_FS;
	t->fixture = fx;
	fx->root = table(t, &fx->root_pa);
	if (t->engine)
		fx_add(t, t->engine);
	if (t->engine2)
		fx_add(t, t->engine2);
	if (u->caps.qi)
		must(t, vtd_queue_enable(u, QUEUE_LOG2, fx->scalable), "enabling the invalidation queue");
	must(t, vtd_set_root(u, fx->root_pa, fx->scalable ? TTM_SCALABLE : TTM_LEGACY), "setting the root table");
	fx_sync(t);
	return fx;
}

struct fx *fx_prepare(struct test *t, enum fx_mode mode)
{
	/* The harness leaves translation on between tests where it can. */
	if (vtd_gsts(t->bench->vtd, GSTS_TES))
		must(t, vtd_translation_off(t->bench->vtd), "turning translation off");
	return prepare(t, mode);
}

struct fx *fx_start(struct test *t, enum fx_mode mode)
{
	struct fx *fx = prepare(t, mode);

	if (!vtd_gsts(fx->u, GSTS_TES))
		must(t, vtd_translation_on(fx->u), "turning translation on");
	return fx;
}

void fx_sync(struct test *t)
{
	must(t, vtd_inv_global(fx_of(t)->u), "invalidating all caches");
}

void fx_inv(struct test *t, struct vtd_desc d)
{
	must(t, vtd_invalidate(fx_of(t)->u, &d, 1), "an invalidation descriptor");
}

static uint64_t non_leaf(const struct fx *fx, pa_t table_pa)
{
	return table_pa.v | (fx->first_stage ? FS_P | FS_RW | FS_US | FS_A : SS_R | SS_W);
}

uint64_t *fx_entry(struct test *t, struct fx_req *r, iova_t iova, unsigned level)
{
	struct fx *fx = fx_of(t);
	uint64_t *at = r->space;

	for (unsigned l = r->levels; l > level; l--) {
		uint64_t *e = &at[shr(iova.v, 12 + 9 * (l - 1)) % 512];
		pa_t next = PA(*e & SS_ADDR);

		if (!*e) {
			(void)table(t, &next);
			fx_set(t, e, non_leaf(fx, next));
		}
		at = mem_ptr(next, PAGE_BYTES);
		if (!at)
			give_up(t, "the paging entry above this one leads nowhere");
	}
	return &at[shr(iova.v, 12 + 9 * (level - 1)) % 512];
}

void fx_map(struct test *t, struct fx_req *r, iova_t iova, pa_t pa, unsigned level, unsigned perm, uint64_t extra)
{
	struct fx *fx = fx_of(t);
	uint64_t bits = extra | (level > 1 ? SS_PS : 0); /* PS is bit 7 in both formats */

	if (fx->first_stage) /* A and D set, so that walks which are not snooped need no update */
		bits |= FS_P | FS_US | FS_A | FS_D | (perm & PERM_W ? FS_RW : 0);
	else
		bits |= (perm & PERM_R ? SS_R : 0) | (perm & PERM_W ? SS_W : 0);
	fx_set(t, fx_entry(t, r, iova, level), pa.v | bits);
}

void fx_map_page(struct test *t, iova_t iova, const struct page *p)
{
	for (uint64_t off = 0; off < p->len_bytes; off += PAGE_BYTES)
		fx_map(t, fx_req(t, t->engine), iova_add(iova, off), pa_add(p->pa, off), 1, PERM_RW, 0);
}

/* ---- faults ---- */

static void describe(char *buf, size_t len, const struct vtd_fault *f, const struct engine *e, iova_t iova)
{
	bool right_sid = f->sid == e->dev->addr.sid, right_page = f->fi == align_down(iova.v, PAGE_BYTES);

	str_printf(buf, len, "fault 0x%02x (%s) of a %s%s%s", f->fr, vtd_reason_text(f->fr), f->t1 ? "read" : "write",
		   right_sid ? "" : ", wrong requester", right_page ? "" : ", wrong page");
}

static bool among(unsigned reason, const uint8_t *reasons, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (reasons[i] == reason)
			return true;
	return false;
}

static void list_reasons(char *buf, size_t len, const uint8_t *reasons, unsigned n)
{
	size_t at = 0;

	for (unsigned i = 0; i < n && at < len; i++)
		at += (size_t)str_printf(buf + at, len - at, "%s0x%02x (%s)", i ? " or " : "fault ", reasons[i],
					 vtd_reason_text(reasons[i]));
}

/* An engine that was kept from its own queues did not come to the request that the test is about. */
static void refuse_own_memory(struct test *t, const struct vtd_fault *f)
{
	const struct engine *const es[] = { t->engine, t->engine2 };

	for (unsigned k = 0; k < ARRAY_LEN(es); k++)
		for (unsigned i = 0; es[k] && es[k]->dev->addr.sid == f->sid && i < es[k]->own_n; i++) {
			if (f->fi < es[k]->own[i].pa.v || f->fi - es[k]->own[i].pa.v >= es[k]->own[i].len_bytes)
				continue;
			fx_faults_drop(t);
			skip_unreached(t, "the entry is on the way to the engine's own memory, too");
		}
}

bool expect_fault_of(struct test *t, const uint8_t *reasons, unsigned n, const struct engine *e, iova_t iova, bool write,
		     unsigned *seen)
{
	char expected[120], got[120];
	struct vtd_fault f;
	unsigned count = 0;

	list_reasons(expected, sizeof(expected), reasons, n);
	/* One transfer may be several requests, and so several records of one reason, requester and page. */
	while (count < FAULTS_MAX && vtd_fault_pop(fx_of(t)->u, &f) == OK) {
		count++;
		if (seen)
			*seen = f.fr;
		if (among(f.fr, reasons, n) && f.sid == e->dev->addr.sid && f.fi == align_down(iova.v, PAGE_BYTES) &&
		    f.t1 != write)
			continue;
		if (f.fi != align_down(iova.v, PAGE_BYTES))
			refuse_own_memory(t, &f);
		describe(got, sizeof(got), &f, e, iova);
		fail(t, expected, "%s", got);
		note(t, "record: fi 0x%llx sid 0x%04x, raw 0x%016llx 0x%016llx", (unsigned long long)f.fi, f.sid,
		     (unsigned long long)f.raw[1], (unsigned long long)f.raw[0]);
		fx_faults_drop(t);
		return false;
	}
	if (!count)
		fail(t, expected, "no fault record");
	return count != 0;
}

bool expect_fault(struct test *t, unsigned reason, const struct engine *e, iova_t iova, bool write)
{
	uint8_t one = (uint8_t)reason; /* reasons have 8 bits */

	return expect_fault_of(t, &one, 1, e, iova, write, NULL);
}

bool expect_no_fault(struct test *t)
{
	struct vtd_unit *u = fx_of(t)->u;
	struct vtd_fault f;

	if (vtd_fault_pop(u, &f) == OK) {
		refuse_own_memory(t, &f);
		fail(t, "no fault record", "fault 0x%02x (%s) of a %s", f.fr, vtd_reason_text(f.fr), f.t1 ? "read" : "write");
		note(t, "record: fi 0x%llx sid 0x%04x", (unsigned long long)f.fi, f.sid);
		fx_faults_drop(t);
		return false;
	}
	if (vtd_fault_overflow(u)) {
		fail(t, "no fault record", "FSTS.PFO = 1");
		vtd_fault_clear(u);
		return false;
	}
	return true;
}

unsigned fx_faults_drop(struct test *t)
{
	struct vtd_fault f;
	unsigned n = 0;

	while (n < FAULTS_MAX && vtd_fault_pop(fx_of(t)->u, &f) == OK)
		n++;
	vtd_fault_clear(fx_of(t)->u);
	return n;
}
