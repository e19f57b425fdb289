/*
 * VT-d first-stage paging (VT-d 3.6, 9.7): the format of x86-64.
 *
 * Requests without PASID are user requests, so U/S is 1 everywhere. A and D are preset: a unit that does not snoop its
 * walks must never need to update them (reason 90h). XD, G and the memory type bits stay 0.
 */
#include "drivers-iommu/pgtable/internal.h"

const struct pgt_format pgt_vtd_fs = {
	.name = "VT-d first stage",
	.levels_min = 4,
	.levels_max = 5,
	.write_only = false,
	.leaf = pgt_x86_leaf,
	.table = pgt_x86_table,
	.decode = pgt_x86_decode,
};
