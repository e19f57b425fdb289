/*
 * The invalidation queue as tests speak of it: a descriptor is accepted, or it stops the queue.
 */
#ifndef PORTCULLIS_TESTS_VTD_QUEUE_WORDS_H
#define PORTCULLIS_TESTS_VTD_QUEUE_WORDS_H

#include "tests/vtd/fixture.h"

/* The queue processes d, and a wait behind it; false and a recorded failure (the queue restarted) where it stops. */
bool expect_accepted(struct test *t, struct vtd_desc d);
/*
 * The queue stops at d: FSTS.IQE, IQH at d. iqei: the cause that IQERCD must give (0 is let pass where the unit gives
 * no causes at all), IQEI_NONE: any. The queue is restarted; where that fails the test ends as setup.
 */
bool expect_refused(struct test *t, struct vtd_desc d, enum vtd_iqei iqei);
/* Submits d and restarts the queue if it stops: true, and *iqei (if not NULL), where it did. */
bool queue_stops(struct test *t, struct vtd_desc d, enum vtd_iqei *iqei);
/* True where IQERCD tells a cause, as it may not on old units (VT-d 11.4.9.9). */
bool queue_tells_causes(struct test *t);

/* Waits until *p is v, at most a second. */
bool becomes(const volatile uint32_t *p, uint32_t v);
/* The same for bits of a register: all of them set, or all clear. */
bool reg_becomes(struct test *t, reg32_t r, uint32_t bits, bool set);

#endif
