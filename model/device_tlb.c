/*
 * The Device-TLB of the model's DMA device (docs/model-device.md; PCIe ATS).
 */
#include "model/device_internal.h"

#define ANSWER_R      BIT(0)
#define ANSWER_W      BIT(1)
#define ANSWER_U      BIT(2)
#define ANSWER_N      BIT(3)
#define ANSWER_EXEC   BIT(4)
#define ANSWER_PRIV   BIT(5)
#define ANSWER_GLOBAL BIT(6)
#define ANSWER_CACHED BIT(8)

static bool covered(const struct mdl_device_tlb *t, const struct mdl_devtlb_inv *inv)
{
	bool tags = inv->all_pasids || (t->has_pasid == inv->has_pasid && (!inv->has_pasid || t->pasid == inv->pasid));

	if (t->bytes == 0 || !tags)
		return false;
	return inv->bytes == 0 ||
	       (t->address <= inv->address + (inv->bytes - 1) && t->address + (t->bytes - 1) >= inv->address);
}

void mdl_device_tlb_drop(struct mdl_device *d, const struct mdl_devtlb_inv *inv)
{
	for (unsigned i = 0; i < MDL_DEVICE_TLB; i++)
		if (covered(&d->tlb[i], inv))
			d->tlb[i].bytes = 0;
}

static struct mdl_device_tlb *find(struct mdl_device *d, uint64_t address, bool has_pasid, uint32_t pasid)
{
	for (unsigned i = 0; i < MDL_DEVICE_TLB; i++) {
		struct mdl_device_tlb *t = &d->tlb[i];

		if (t->bytes != 0 && t->has_pasid == has_pasid && (!has_pasid || t->pasid == pasid) &&
		    address >= t->address && address - t->address < t->bytes)
			return t;
	}
	return NULL;
}

/* A free place, else that of the oldest. */
static struct mdl_device_tlb *place(struct mdl_device *d)
{
	for (unsigned i = 0; i < MDL_DEVICE_TLB; i++)
		if (d->tlb[i].bytes == 0)
			return &d->tlb[i];
	d->tlb_next = (d->tlb_next + 1) % MDL_DEVICE_TLB;
	return &d->tlb[d->tlb_next];
}

void mdl_device_tlb_put(struct mdl_device *d, const struct mdl_request *rq, const struct mdl_ats_completion *c)
{
	struct mdl_device_tlb *t = find(d, rq->address, rq->has_pasid, rq->pasid);

	d->result = c->address;
	d->size = c->bytes;
	d->answer = (uint32_t)((c->r ? ANSWER_R : 0) | (c->w ? ANSWER_W : 0) | (c->u ? ANSWER_U : 0) |
			       (c->n ? ANSWER_N : 0) | (c->x ? ANSWER_EXEC : 0) | (c->priv ? ANSWER_PRIV : 0) |
			       (c->global ? ANSWER_GLOBAL : 0));
	if (t != NULL)
		t->bytes = 0; /* the new answer replaces it, even where it says that nothing is mapped */
	if (c->bytes == 0 || c->u || !(c->r || c->w))
		return;
	t = place(d);
	*t = (struct mdl_device_tlb){
		.address = align_down(rq->address, c->bytes), .bytes = c->bytes, .translated = c->address,
		.pasid = rq->pasid, .has_pasid = rq->has_pasid, .answer = d->answer,
	};
}

void mdl_device_tlb_find(struct mdl_device *d)
{
	const struct mdl_device_tlb *t = find(d, d->address, (d->flags & DEVICE_PASID) != 0, d->pasid);

	if (t == NULL)
		return;
	d->result = t->translated;
	d->size = t->bytes;
	d->answer = t->answer | (uint32_t)ANSWER_CACHED;
}
