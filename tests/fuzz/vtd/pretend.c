/*
 * What would follow if a unit read tables as some emulator does: the structures of the case are changed to say so, the
 * oracle is asked, and the structures are put back.
 */
#include "drivers-iommu/vtd/entry.h"
#include "drivers-iommu/vtd/regs.h"
#include "tests/fuzz/vtd/vtd.h"

#define CHANGES_MAX 12

#define ADDRESS      BITS(63, 12)
#define PAT_RESERVED UINT64_C(0x8888888800000000) /* of each PAT entry, 9.6 */

struct pretence {
	const struct fuzz_unit *u;
	struct fuzz_arena *a;
	struct { uint64_t *word, old; } changes[CHANGES_MAX];
	unsigned n;
	bool foreign; /* a word that should change is not ours */
};

static void change(struct pretence *p, uint64_t *word, uint64_t value)
{
	if (*word == value)
		return;
	ASSERT(p->n < CHANGES_MAX);
	p->changes[p->n].word = word;
	p->changes[p->n++].old = *word;
	*word = value;
}

static void put_back(struct pretence *p)
{
	while (p->n) {
		p->n--;
		*p->changes[p->n].word = p->changes[p->n].old;
	}
}

/* The words at an address; NULL: not all of them in the arena. */
static uint64_t *words_at(struct pretence *p, uint64_t pa, uint64_t n)
{
	uint64_t first = p->a->pa.v, bytes = FP_N * PAGE_BYTES;

	if (pa >= first && pa + 8 * n <= first + bytes)
		return p->a->words + (pa - first) / 8;
	p->foreign = p->foreign || mem_ptr(PA(pa), 8 * n);
	return NULL;
}

static uint64_t *context_of(const struct pretence *p)
{
	return fuzz_page(p->a, FP_CONTEXT) + 4 * (fld_get(SID_DEVFN, p->u->sid) % 128);
}

/* A word with an address: without these reserved bits. */
static void clean(struct pretence *p, uint64_t *word, uint64_t reserved)
{
	uint64_t v = *word & ~reserved;

	if (v & ~(pow2(p->u->haw_bits) - 1))
		v = (v & ~ADDRESS) | p->a->unbacked;
	change(p, word, v);
}

static void clean_entry(struct pretence *p, uint64_t *e)
{
	uint64_t did = pow2(4 + 2 * (unsigned)fld_get(CAP_ND, p->u->cap)) - 1;

	clean(p, &e[0], PASID_RSVD_10);
	change(p, &e[1], e[1] & ~(PASID1_RSVD_80 | PASID1_RSVD_91 | PAT_RESERVED) & ~(PASID1_DID & ~did));
	clean(p, &e[2], PASID2_RSVD_136);
	for (unsigned i = 3; i < 8; i++)
		change(p, &e[i], 0);
}

/* The directory entry and the PASID entry that the request goes by, as far as they are in the arena. */
static void clean_pasid(struct pretence *p, const struct fuzz_case *c, bool rps)
{
	const uint64_t *ctx = context_of(p);
	uint64_t pasid = c->has_pasid ? c->pasid : rps ? fld_get(SM_CTX1_RID_PASID, ctx[1]) : 0;
	uint64_t *dir = words_at(p, (ctx[0] & ADDRESS) + 8 * fld_get(PASID_DIR_INDEX, pasid), 1), *e;

	if (!dir)
		return;
	clean(p, dir, PDE_RSVD);
	e = words_at(p, (*dir & ADDRESS) + 64 * fld_get(PASID_TABLE_INDEX, pasid), 8);
	if (e)
		clean_entry(p, e);
}

static void take_for_second_stage(struct pretence *p, const struct fuzz_case *c)
{
	uint64_t *e = fuzz_page(p->a, FP_PASID) + 8 * fld_get(PASID_TABLE_INDEX, c->pasid);
	uint64_t pgtt = fld_get(PASID_PGTT, e[0]);

	if (pgtt == PGTT_FS || pgtt == PGTT_NESTED)
		change(p, &e[0], fld_set(PASID_PGTT, e[0], PGTT_SS));
}

void fv_pretend(struct fuzz_oracle *o, const struct fuzz_unit *u, struct fuzz_arena *a,
			 const struct fuzz_case *c, unsigned as, unsigned alternative, struct fuzz_outcome *out)
{
	struct pretence p = { .u = u, .a = a };
	bool rps = u->ecap & ECAP_RPS;

	if (as & FUZZ_RID_PASID) {
		rps = true;
		change(&p, context_of(&p), context_of(&p)[0] | SM_CTX_PDTS);
		fv_oracle_set_ecap(o, u->ecap | ECAP_RPS);
	}
	if (as & FUZZ_PGTT_SECOND)
		take_for_second_stage(&p, c);
	if (as & (FUZZ_RID_PASID | FUZZ_PASID_UNCHECKED))
		clean_pasid(&p, c, rps);
	fv_ask(o, a, c, alternative, out);
	out->elsewhere = out->elsewhere || p.foreign;
	out->updates_n = 0; /* nobody is there any more to make them */
	fv_oracle_set_ecap(o, u->ecap);
	put_back(&p);
}
