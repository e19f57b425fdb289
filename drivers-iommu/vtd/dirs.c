/*
 * Tables above the page tables (VT-d 3.4, 9.1 to 9.6).
 */
#include "drivers-iommu/vtd/dirs.h"

#define ROOT_ENTRIES        256u
#define CTX_ENTRIES         256u
#define SM_CTX_ENTRIES      128u
#define SM_HALF_DEVFN       BIT(7) /* devfn bit that selects the half of a scalable root entry */
#define RID_PASID           0u

static size_t directory_bytes(const struct vtd_dirs *d)
{
	return (size_t)pow2(d->pdts + 7) * sizeof(vtd_pasid_dir_t);
}

static pa_t table_of(uint64_t word)
{
	return PA(word & ROOT_CTP);
}

/* Our own table: it is there. */
static void *ptr(pa_t pa, size_t bytes)
{
	void *p = mem_ptr(pa, bytes);

	ASSERT(p);
	return p;
}

/* A zeroed table that the unit would read as empty. */
static enum status table_alloc(struct vtd_dirs *d, size_t bytes, pa_t *out)
{
	enum status s = mem_alloc(bytes, PAGE_BYTES, out);

	if (s == OK && !d->u->caps.c)
		cache_write_back(ptr(*out, bytes), bytes);
	return s;
}

enum status vtd_dirs_create(struct vtd_dirs *d, struct vtd_unit *u, bool scalable, unsigned pasid_bits)
{
	*d = (struct vtd_dirs){ .u = u, .scalable = scalable, .pdts = pasid_bits > 13 ? pasid_bits - 13 : 0 };
	return table_alloc(d, PAGE_BYTES, &d->root);
}

void vtd_directory_free(struct vtd_dirs *d, pa_t directory)
{
	vtd_pasid_dir_t *e = ptr(directory, directory_bytes(d));

	for (size_t i = 0; i < directory_bytes(d) / sizeof(*e); i++)
		if (e[i].w[0] & PDE_P)
			mem_free(PA(e[i].w[0] & PDE_SMPTBLPTR), PAGE_BYTES);
	mem_free(directory, directory_bytes(d));
}

static void context_table_free(struct vtd_dirs *d, pa_t table)
{
	vtd_sm_ctx_t *e = ptr(table, PAGE_BYTES);

	for (unsigned i = 0; d->scalable && i < SM_CTX_ENTRIES; i++)
		if (e[i].w[0] & SM_CTX_P)
			vtd_directory_free(d, PA(e[i].w[0] & SM_CTX_PASIDDIRPTR));
	mem_free(table, PAGE_BYTES);
}

void vtd_dirs_destroy(struct vtd_dirs *d)
{
	uint64_t *words = ptr(d->root, PAGE_BYTES);

	/* Legacy entries use the first word only; the second is 0. */
	for (unsigned i = 0; i < 2 * ROOT_ENTRIES; i++)
		if (words[i] & ROOT_P)
			context_table_free(d, table_of(words[i]));
	mem_free(d->root, PAGE_BYTES);
	d->root = PA(0);
}

/* Where a path ends for want of a table: find stops there, make goes on. */
static enum status table_want(struct vtd_dirs *d, bool make, size_t bytes, pa_t *table, bool *is_new)
{
	enum status s = make ? table_alloc(d, bytes, table) : ERR_NOT_FOUND;

	*is_new = s == OK;
	return s;
}

static enum status context_step(struct vtd_dirs *d, uint16_t sid, bool make, struct vtd_path *p)
{
	unsigned bus = (unsigned)fld_get(SID_BUS, sid), devfn = (unsigned)fld_get(SID_DEVFN, sid);
	uint64_t *words = ptr(d->root, PAGE_BYTES);
	enum status s = OK;

	p->root_word = words + 2 * bus + (d->scalable && (devfn & SM_HALF_DEVFN));
	if (*p->root_word & ROOT_P)
		p->context_table = table_of(*p->root_word);
	else
		s = table_want(d, make, PAGE_BYTES, &p->context_table, &p->new_context_table);
	if (s != OK)
		return s;
	if (d->scalable)
		p->sm_ctx = (vtd_sm_ctx_t *)ptr(p->context_table, PAGE_BYTES) + devfn % SM_CTX_ENTRIES;
	else
		p->ctx = (vtd_ctx_t *)ptr(p->context_table, PAGE_BYTES) + devfn % CTX_ENTRIES;
	return OK;
}

static enum status directory_step(struct vtd_dirs *d, uint32_t pasid, bool make, struct vtd_path *p)
{
	enum status s = OK;

	if (p->sm_ctx->w[0] & SM_CTX_P)
		p->directory = PA(p->sm_ctx->w[0] & SM_CTX_PASIDDIRPTR);
	else
		s = table_want(d, make, directory_bytes(d), &p->directory, &p->new_directory);
	if (s != OK)
		return s;
	p->dir = (vtd_pasid_dir_t *)ptr(p->directory, directory_bytes(d)) + fld_get(PASID_DIR_INDEX, pasid);
	return OK;
}

static enum status pasid_step(struct vtd_dirs *d, uint32_t pasid, bool make, struct vtd_path *p)
{
	enum status s = OK;

	if (p->dir->w[0] & PDE_P)
		p->pasid_table = PA(p->dir->w[0] & PDE_SMPTBLPTR);
	else
		s = table_want(d, make, PAGE_BYTES, &p->pasid_table, &p->new_pasid_table);
	if (s != OK)
		return s;
	p->pasid = (vtd_pasid_t *)ptr(p->pasid_table, PAGE_BYTES) + fld_get(PASID_TABLE_INDEX, pasid);
	return OK;
}

static enum status walk(struct vtd_dirs *d, uint16_t sid, uint32_t pasid, bool make, struct vtd_path *p)
{
	enum status s;

	*p = (struct vtd_path){ 0 };
	if (d->scalable && fld_get(PASID_DIR_INDEX, pasid) >= directory_bytes(d) / sizeof(vtd_pasid_dir_t))
		return ERR_INVALID;
	s = context_step(d, sid, make, p);
	if (s == OK && d->scalable)
		s = directory_step(d, pasid, make, p);
	if (s == OK && d->scalable)
		s = pasid_step(d, pasid, make, p);
	if (s != OK)
		vtd_path_drop(d, p);
	return s;
}

enum status vtd_path_find(struct vtd_dirs *d, uint16_t sid, uint32_t pasid, struct vtd_path *p)
{
	return walk(d, sid, pasid, false, p);
}

enum status vtd_path_make(struct vtd_dirs *d, uint16_t sid, uint32_t pasid, struct vtd_path *p)
{
	return walk(d, sid, pasid, true, p);
}

void vtd_path_link(struct vtd_dirs *d, const struct vtd_path *p, bool pasid_enable)
{
	if (p->new_pasid_table)
		vtd_publish_entry(d->u, p->dir, vtd_pasid_dir(p->pasid_table));
	if (p->new_directory)
		vtd_publish_entry(d->u, p->sm_ctx, vtd_sm_ctx(p->directory, d->pdts, RID_PASID, pasid_enable));
	if (p->new_context_table) {
		uint64_t word = vtd_sm_root_half(p->context_table); /* a legacy root entry has the same first word */

		vtd_publish(d->u, p->root_word, &word, 1);
	}
}

void vtd_path_drop(struct vtd_dirs *d, const struct vtd_path *p)
{
	if (p->new_pasid_table)
		mem_free(p->pasid_table, PAGE_BYTES);
	if (p->new_directory)
		mem_free(p->directory, directory_bytes(d));
	if (p->new_context_table)
		mem_free(p->context_table, PAGE_BYTES);
}
