/* The page-request queue as tests use it. */
#include "tests/vtd/page_request.h"
#include <string.h>

#define WAIT_US 1000000u

static const mmio_t *regs(struct test *t)
{
	return &t->bench->vtd->regs;
}

void prq_start(struct test *t, unsigned pqs, struct prq *q)
{
	uint64_t bytes = PAGE_BYTES * pow2(pqs);
	bool pasid = t->bench->vtd->caps.pasid;

	q->page = sm_start(t, &q->r);
	q->ring = page_alloc(t, bytes, bytes);
	q->slots = bytes / PRD_BYTES;
	memset(q->ring->p, 0xff, bytes);
	mmio_wr(regs(t), VTD_PECTL, (uint32_t)PECTL_IM);
	mmio_wr(regs(t), VTD_PQH, (uint64_t)0);
	mmio_wr(regs(t), VTD_PQT, (uint64_t)0);
	mmio_wr(regs(t), VTD_PQA, q->ring->pa.v | FLD(PQA_PQS, pqs));
	prq_ack(t, PRS_PPR | PRS_PRO);
	sm_change(t, q->r->ctx, 0, SM_CTX_PRE | SM_CTX_DTE | FLD(SM_CTX_PASIDE, pasid));
}

struct page_request prq_plain(uint16_t prgi)
{
	return (struct page_request){ .iova = IOVA_A, .r = true, .last = true, .prgi = prgi };
}

void prq_send(struct test *t, const struct page_request *pr)
{
	must(t, t->engine->ops->page_request(t->engine, pr), "a page request");
}

uint64_t prq_tail(struct test *t)
{
	return mmio_rd(regs(t), VTD_PQT) & PQT_TAIL;
}

void prq_set_head(struct test *t, uint64_t head)
{
	mmio_wr(regs(t), VTD_PQH, head);
}

uint32_t prq_status(struct test *t)
{
	return mmio_rd(regs(t), VTD_PRS) & (uint32_t)(PRS_PPR | PRS_PRO);
}

void prq_ack(struct test *t, uint32_t bits)
{
	mmio_ack(regs(t), VTD_PRS, bits);
}

bool prq_send_queued(struct test *t, struct prq *q, const struct page_request *pr)
{
	uint64_t expected = (prq_tail(t) + PRD_BYTES) % q->ring->len_bytes;
	deadline_t d = deadline_in_us(WAIT_US);

	prq_send(t, pr);
	while (prq_tail(t) != expected && !deadline_over(&d))
		;
	return expect_eq(t, "PQT", prq_tail(t), expected);
}

bool prq_fill(struct test *t, struct prq *q, uint64_t n, bool consume)
{
	struct page_request pr = prq_plain(0);

	for (uint64_t i = 0; i < n; i++) {
		pr.prgi = (uint16_t)(i % 512);
		if (!prq_send_queued(t, q, &pr))
			return false;
		if (consume)
			prq_set_head(t, prq_tail(t));
	}
	return true;
}

volatile uint64_t *prq_desc(struct prq *q, uint64_t slot)
{
	return (volatile uint64_t *)(void *)(q->ring->p + slot * PRD_BYTES); /* page-aligned, 32 bytes each */
}
