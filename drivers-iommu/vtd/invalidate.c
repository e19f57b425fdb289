/*
 * Invalidation by queue or by registers (VT-d 6.5).
 */
#include "drivers-iommu/vtd/invalidate.h"
#include "drivers-iommu/vtd/queue.h"
#include "drivers-iommu/vtd/rbi.h"

/* Submits as many as the ring takes, waits where it is full. */
static enum status by_queue(struct vtd_unit *u, const struct vtd_desc *descs, unsigned n)
{
	/* One slot is for the wait, one stays free. */
	unsigned room = (unsigned)(u->queue.ring.bytes / vtd_queue_stride(u)) - 2;
	enum status s = OK;

	for (unsigned i = 0; i < n && s == OK; i += room) {
		s = vtd_queue_submit(u, descs + i, (unsigned)min_u64(room, n - i));
		if (s == OK)
			s = vtd_queue_wait(u);
	}
	return s;
}

static enum status by_registers(struct vtd_unit *u, const struct vtd_desc *descs, unsigned n)
{
	enum status s = OK;

	for (unsigned i = 0; i < n && s == OK; i++)
		s = vtd_rbi_descriptor(u, &descs[i]);
	return s;
}

enum status vtd_invalidate(struct vtd_unit *u, const struct vtd_desc *descs, unsigned n)
{
	enum status s = vtd_write_buffer_flush(u);

	if (s != OK)
		return s;
	if (!u->queue.on)
		return by_registers(u, descs, n);
	s = by_queue(u, descs, n);
	if (s == ERR_IO) {
		/* The caller learns of the refusal; whether the queue came back shows at its next use. */
		struct vtd_queue_error first = u->queue.error;

		vtd_queue_recover(u);
		u->queue.error = first;
	}
	return s;
}

enum status vtd_inv_global(struct vtd_unit *u)
{
	struct vtd_desc d[3];
	unsigned n = 0;

	d[n++] = vtd_desc_cc_global();
	if (u->ttm == TTM_SCALABLE)
		d[n++] = vtd_desc_pc_global();
	d[n++] = vtd_desc_iotlb_global(vtd_drains(u));
	return vtd_invalidate(u, d, n);
}

enum status vtd_inv_context(struct vtd_unit *u, uint16_t did, uint16_t sid)
{
	struct vtd_desc d = vtd_desc_cc_device(did, sid, 0);

	return vtd_invalidate(u, &d, 1);
}

enum status vtd_inv_pasid(struct vtd_unit *u, uint16_t did, uint32_t pasid)
{
	struct vtd_desc d = vtd_desc_pc_pasid(did, pasid);

	return vtd_invalidate(u, &d, 1);
}

enum status vtd_inv_iotlb_domain(struct vtd_unit *u, uint16_t did)
{
	struct vtd_desc d = vtd_desc_iotlb_domain(did, vtd_drains(u));

	return vtd_invalidate(u, &d, 1);
}

enum status vtd_inv_iotlb_page(struct vtd_unit *u, uint16_t did, iova_t iova, unsigned am, bool ih)
{
	struct vtd_desc d = vtd_desc_iotlb_page(did, iova, am, ih, vtd_drains(u));

	return u->caps.psi ? vtd_invalidate(u, &d, 1) : vtd_inv_iotlb_domain(u, did);
}

enum status vtd_inv_piotlb_pasid(struct vtd_unit *u, uint16_t did, uint32_t pasid)
{
	struct vtd_desc d = vtd_desc_piotlb_pasid(did, pasid);

	return vtd_invalidate(u, &d, 1);
}

enum status vtd_inv_piotlb_page(struct vtd_unit *u, uint16_t did, uint32_t pasid, iova_t iova, unsigned am, bool ih)
{
	struct vtd_desc d = vtd_desc_piotlb_page(did, pasid, iova, am, ih);

	return vtd_invalidate(u, &d, 1);
}

enum status vtd_inv_iec_global(struct vtd_unit *u)
{
	struct vtd_desc d = vtd_desc_iec_global();

	return vtd_invalidate(u, &d, 1);
}

enum status vtd_inv_iec_index(struct vtd_unit *u, uint16_t iidx, unsigned im)
{
	struct vtd_desc d = vtd_desc_iec_index(iidx, im);

	return vtd_invalidate(u, &d, 1);
}

/* Largest aligned power of two of pages that starts at page and has at most n pages and 2^am_max. */
static unsigned block_order(uint64_t page, uint64_t n, unsigned am_max)
{
	unsigned am = 0;

	while (am < am_max && is_aligned(page, pow2(am + 1)) && pow2(am + 1) <= n)
		am++;
	return am;
}

static struct vtd_desc range_page(const struct vtd_unit *u, const struct vtd_inv_range *r, iova_t iova, unsigned am)
{
	return r->first_stage ? vtd_desc_piotlb_page(r->did, r->pasid, iova, am, r->ih)
			      : vtd_desc_iotlb_page(r->did, iova, am, r->ih, vtd_drains(u));
}

unsigned vtd_inv_range_descs(const struct vtd_unit *u, const struct vtd_inv_range *r, struct vtd_desc *out,
			     unsigned max)
{
	uint64_t page = r->iova.v / PAGE_BYTES, left = r->bytes / PAGE_BYTES;
	unsigned n = 0;

	while (left > 0 && n < max && (u->caps.psi || r->first_stage)) {
		unsigned am = block_order(page, left, u->caps.mamv);

		out[n++] = range_page(u, r, IOVA(page * PAGE_BYTES), am);
		page += pow2(am);
		left -= pow2(am);
	}
	if (left == 0)
		return n;
	out[0] = r->first_stage ? vtd_desc_piotlb_pasid(r->did, r->pasid)
				: vtd_desc_iotlb_domain(r->did, vtd_drains(u));
	return 1;
}
