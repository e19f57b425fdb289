/*
 * AMD guest page tables, version 2 (AMD IOMMU 2.2.6): the format of x86-64, as VT-d's first stage has it.
 *
 * Requests without PASID are user requests there, too. A and D are preset and NX stays 0.
 */
#include "drivers-iommu/pgtable/internal.h"

const struct pgt_format pgt_amd_v2 = {
	.name = "AMD version 2",
	.levels_min = 4,
	.levels_max = 5,
	.write_only = false,
	.leaf = pgt_x86_leaf,
	.table = pgt_x86_table,
	.decode = pgt_x86_decode,
};
