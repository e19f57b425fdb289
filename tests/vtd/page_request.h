/*
 * The page-request queue as tests use it (VT-d 7.4 to 7.6, 11.4.11): a ring in memory, its registers, one requester.
 */
#ifndef PORTCULLIS_TESTS_VTD_PAGE_REQUEST_H
#define PORTCULLIS_TESTS_VTD_PAGE_REQUEST_H

#include "tests/vtd/sm.h"

#define NEEDS_PRQ (NEEDS_SM | NEED_PRS | NEED_ENGINE_PRI)

/* Page-request descriptor: fields of its first and second quadword. */
#define PRD_TYPE  BITS(7, 0)
#define PRD_PP    BIT(8)
#define PRD_RSVD  (BITS(15, 9) | BITS(63, 54))
#define PRD_RID   BITS(31, 16)
#define PRD_PASID BITS(51, 32)
#define PRD_EXR   BIT(52)
#define PRD_PMR   BIT(53)
#define PRD1_RDR  BIT(0)
#define PRD1_WRR  BIT(1)
#define PRD1_LPIG BIT(2)
#define PRD1_PRGI BITS(11, 3)
#define PRD1_ADDR BITS(63, 12)
#define PRD_BYTES 32u

struct prq {
	struct fx_req *r;
	struct page *page;      /* mapped at IOVA_A */
	struct page *ring;
	uint64_t slots;
};

/*
 * sm_start(), then an empty queue of 2^pqs pages, every byte FFh, its event masked; PRE = DTE = 1 for t->engine, and
 * PASIDE where the unit has PASID.
 */
void prq_start(struct test *t, unsigned pqs, struct prq *q);
/* A request of the last page in a group for IOVA_A, to read, without PASID. */
struct page_request prq_plain(uint16_t prgi);
/* Sends it; ends the test as setup if the device cannot. */
void prq_send(struct test *t, const struct page_request *pr);
/* Sends it and waits until the tail has moved by one slot. False, and a failure, if it does not. */
bool prq_send_queued(struct test *t, struct prq *q, const struct page_request *pr);
/* Sends n plain requests, each queued, software keeping up (head = tail) where consume. */
bool prq_fill(struct test *t, struct prq *q, uint64_t n, bool consume);

uint64_t prq_tail(struct test *t);
void prq_set_head(struct test *t, uint64_t head);
/* PRS_PPR, PRS_PRO of PRS. */
uint32_t prq_status(struct test *t);
void prq_ack(struct test *t, uint32_t bits);
/* The descriptor in a slot, as the unit wrote it. */
volatile uint64_t *prq_desc(struct prq *q, uint64_t slot);

#endif
