/*
 * The tables above the page tables: root and context (legacy), root, context, PASID directory and PASID table
 * (scalable).
 *
 * An entry is reached by a path, which says where every table on the way is and which of them are new. New tables are
 * allocated first and linked bottom-up, after the last entry was filled in, so that the unit never sees half a path and
 * a failed allocation changes nothing.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_VTD_DIRS_H
#define PORTCULLIS_DRIVERS_IOMMU_VTD_DIRS_H

#include "drivers-iommu/vtd/tables.h"

struct vtd_dirs {
	struct vtd_unit *u;
	bool scalable;
	unsigned pdts;         /* size of every PASID directory: 2^(pdts + 7) entries */
	pa_t root;
};

struct vtd_path {
	uint64_t *root_word;   /* the root entry, or its half, that leads to context_table */
	pa_t context_table;
	vtd_ctx_t *ctx;        /* legacy */
	vtd_sm_ctx_t *sm_ctx;  /* scalable, as all below */
	pa_t directory;
	vtd_pasid_dir_t *dir;  /* entry */
	pa_t pasid_table;
	vtd_pasid_t *pasid;
	bool new_context_table, new_directory, new_pasid_table;
};

/* An empty root table. pasid_bits: how wide PASIDs are, 0 where there are none but that of plain requests. */
enum status must_use vtd_dirs_create(struct vtd_dirs *d, struct vtd_unit *u, bool scalable, unsigned pasid_bits);
/* Frees all tables; the unit does not use them any more. */
void vtd_dirs_destroy(struct vtd_dirs *d);

/* The path to an entry as it is. ERR_NOT_FOUND: a table on the way is missing (or a context entry not present). */
enum status must_use vtd_path_find(struct vtd_dirs *d, uint16_t sid, uint32_t pasid, struct vtd_path *p);
/* The same, with tables that are missing allocated but not linked. ERR_NO_MEMORY. */
enum status must_use vtd_path_make(struct vtd_dirs *d, uint16_t sid, uint32_t pasid, struct vtd_path *p);
/* Links the new tables of a path whose last entry has been published. Scalable: pasid_enable as in vtd_sm_ctx(). */
void vtd_path_link(struct vtd_dirs *d, const struct vtd_path *p, bool pasid_enable);
/* Frees the new tables of a path that was not linked. */
void vtd_path_drop(struct vtd_dirs *d, const struct vtd_path *p);
/* Frees a PASID directory and its tables; no context entry that the unit knows leads there. */
void vtd_directory_free(struct vtd_dirs *d, pa_t directory);

#endif
