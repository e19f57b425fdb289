/*
 * What would follow if a unit walked host tables as some emulator does: a walk of its own, after what the emulator was
 * read to do.
 */
#include "drivers-iommu/amdvi/entry.h"
#include "drivers-iommu/amdvi/log.h"
#include "tests/fuzz/amdvi/amdvi.h"

#define STEPS_MAX 16
#define INDEX(va, level) (shr((va), 12 + 9 * ((unsigned)(level) - 1)) % 512)

struct walk {
	const struct fuzz_arena *a;
	const struct fuzz_case *c;
	const uint64_t *dte;
	struct fuzz_outcome *out;
};

static uint64_t permission(const struct walk *w)
{
	return w->c->write ? V1_IW : V1_IR;
}

static void lands(const struct walk *w, uint64_t pa)
{
	uint64_t first = fuzz_page_pa(w->a, FA_DATA);

	w->out->landed = true;
	w->out->recorded = false;
	w->out->elsewhere = pa < first || pa >= first + FUZZ_DATA_N * PAGE_BYTES;
	w->out->page = (uint8_t)((pa - first) / PAGE_BYTES % 256); /* checked by elsewhere */
}

/* False: nothing answers there. */
static bool entry_at(uint64_t table, uint64_t index, uint64_t *e)
{
	const uint64_t *p = mem_ptr(PA((table & V1_ADDR) + 8 * index), 8);

	if (p)
		*e = *p;
	return p;
}

static uint64_t coded_bytes(uint64_t e)
{
	unsigned bits = 12;

	while (bits < 52 && (e & pow2(bits)))
		bits++;
	return bits < 62 ? pow2(bits + 1) : 0;
}

static void leaf(const struct walk *w, uint64_t e, uint64_t bytes)
{
	if (fld_get(V1_NEXT_LEVEL, e) == NEXT_LEVEL_SIZED)
		bytes = coded_bytes(e);
	if ((e & permission(w)) && bytes)
		lands(w, align_down(e & V1_ADDR, bytes) | (w->c->iova & (bytes - 1)));
}

/* Follows NextLevel wherever it leads; the last entry is judged by its permissions alone, if it is not 0. */
static void follow(const struct walk *w, uint64_t mode, bool kept)
{
	uint64_t e = w->dte[0], level = mode, above = mode;

	for (unsigned i = 0; level && level != NEXT_LEVEL_SIZED; i++) {
		if (i == STEPS_MAX || !(e & V1_PR) || (!kept && !(e & permission(w))))
			return;
		if (!entry_at(e, INDEX(w->c->iova, level), &e) || !e)
			return;
		above = level;
		level = fld_get(V1_NEXT_LEVEL, e);
	}
	leaf(w, e, pow2(12 + 9 * ((unsigned)above - 1)));
}

/*
 * Checks PR, and the reach of the top table; what NextLevel leaves out is not looked at. It ends early where no
 * permission is left, and is judged by the entry that it ended at.
 */
static void step_down(const struct walk *w, uint64_t mode)
{
	uint64_t e = w->dte[0], left = V1_IR | V1_IW, bytes = 0;

	if (mode < 6 && shr(w->c->iova, 12 + 9 * (unsigned)mode))
		return;
	for (unsigned i = 0; i < STEPS_MAX; i++) {
		uint64_t next = fld_get(V1_NEXT_LEVEL, e);

		left &= e;
		if (!left || !(e & V1_PR) || next == NEXT_LEVEL_LEAF || next == NEXT_LEVEL_SIZED)
			break;
		if (!entry_at(e, INDEX(w->c->iova, next), &e)) {
			w->out->fault = EV_PAGETAB_HW;
			return;
		}
		bytes = pow2(12 + 9 * ((unsigned)next - 1));
	}
	if ((e & V1_PR) && bytes)
		leaf(w, e, bytes);
}

static void pretend(const struct walk *w, unsigned readings)
{
	uint64_t mode = fld_get(DTE_MODE, w->dte[0]);

	if (!(w->dte[0] & DTE_V)) {
		lands(w, w->c->iova);
		return;
	}
	if (!(w->dte[0] & DTE_TV)) {
		w->out->recorded = false;
		if (!(readings & FA_TV_UNHEEDED))
			return;
		mode = 0;
	}
	if (!mode) {
		if ((w->dte[0] & permission(w)) || (readings & FA_MODE_0_FREE))
			lands(w, w->c->iova);
		return;
	}
	if (mode == DTE_MODE_RESERVED) {
		w->out->recorded = false;
		return;
	}
	if (readings & FA_FOLLOWS)
		follow(w, mode, readings & FA_KEEPS_LEAF);
	else
		step_down(w, mode);
}

/* The case changes the device table entry. */
static bool entry_edited(const struct fuzz_case *c)
{
	for (unsigned i = 0; i < c->edits_n; i++)
		if (c->edits[i].page < FA_H1)
			return true;
	return false;
}

void fa_pretend(struct fuzz_oracle *o, const struct fuzz_unit *u, struct fuzz_arena *a, const struct fuzz_case *c,
		unsigned readings, unsigned alternative, struct fuzz_outcome *out)
{
	const struct walk w = { a, c, fuzz_page(a, FA_DEVTAB) + 4u * u->sid, out };
	bool illegal, refused = false;

	fa_ask(o, a, c, 0, out);
	illegal = !out->landed && out->fault == EV_ILLEGAL_DTE;
	/* Which bits of the entry count as reserved, and when, is the emulator's own: refused, or as if legal. */
	if (readings & FA_ENTRY_OTHERWISE)
		refused = (illegal || entry_edited(c)) && (alternative & 1);
	else
		refused = illegal;
	out->landed = out->elsewhere = out->interrupt = false;
	out->updates_n = 0;
	if (!out->recorded || !out->fault || illegal || refused) {
		out->recorded = true;
		out->fault = refused ? EV_ILLEGAL_DTE : EV_IO_PAGE_FAULT;
	}
	if (!refused)
		pretend(&w, readings);
}
