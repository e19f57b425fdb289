/*
 * Nested translation (VT-d rev 4.1, 3.8): every address that the first stage gives, of a table or of the page, is a
 * guest address that the second stage translates.
 */
#include "model/vtd/internal.h"

/* Step: read a first-stage table through the second stage. top: the table at FSPTPTR. */
uint8_t mdl_nested_table(struct mdl_walk *w, const struct mdl_ss *ss, uint64_t gpa, bool top, uint64_t *pa)
{
	struct mdl_leaf leaf;
	uint8_t fault;

	if (!mdl_below(gpa, mdl_ss_limit(w->st, ss)))
		return FR_SFS_5_LIMIT;                             /* SFS.5 */
	fault = mdl_second_stage(w, ss, gpa, NEED_R, &leaf);
	if (fault == FR_SSS_2_ABSENT || fault == FR_SGN_7_READ)
		return top ? FR_SFS_6_TOP_READ : FR_SFS_7_READ;    /* SFS.6, SFS.7 */
	if (fault != FR_NONE)
		return fault;
	*pa = leaf.base | (gpa & (pow2(leaf.bits) - 1));
	return FR_NONE;
}

/* Step: the entry at gpa needs an A/D update, so the second stage must let it be written (and is marked dirty). */
uint8_t mdl_nested_update(struct mdl_walk *w, const struct mdl_ss *ss, uint64_t gpa)
{
	struct mdl_leaf leaf;
	uint8_t fault = mdl_second_stage(w, ss, gpa, NEED_W, &leaf);

	if (fault == FR_SSS_2_ABSENT || fault == FR_SGN_6_WRITE)
		return FR_SFS_8_AD_WRITE;                          /* SFS.8 */
	return fault;
}

/* Step: the page itself. On entry *leaf is the first stage's output, on return the combination of both stages. */
uint8_t mdl_nested_output(struct mdl_walk *w, const struct mdl_ss *ss, unsigned need, struct mdl_leaf *leaf)
{
	uint64_t gpa = leaf->base | (w->rq->address & (pow2(leaf->bits) - 1));
	struct mdl_leaf second;
	uint8_t fault;

	if (!mdl_below(gpa, mdl_ss_limit(w->st, ss)))
		return FR_SGN_5_LIMIT;                             /* SGN.5 */
	fault = mdl_second_stage(w, ss, gpa, need, &second);
	if (second.bits == 0)
		return fault;
	/* The page is as large as the smaller of the two. */
	leaf->bits = (uint8_t)min_u64(leaf->bits, second.bits);
	leaf->base = align_down(second.base | (gpa & (pow2(second.bits) - 1)), pow2(leaf->bits));
	leaf->flags = (uint16_t)((leaf->flags & ~(LEAF_SS_ALL | LEAF_SD | LEAF_PAT)) | second.flags);
	leaf->attr = second.attr;
	return fault;
}
