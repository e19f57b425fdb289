/* What the tests of the guest environment share. */
#ifndef PORTCULLIS_TESTS_XEN_GUEST_H
#define PORTCULLIS_TESTS_XEN_GUEST_H

#include "tests/test.h"
#include "xen/xen.h"

/* A result that must be an error: both numbers as people write them. */
bool expect_xen_error(struct test *t, const char *what, int64_t seen, int expected);
/* A result that must be 0 or more. */
bool expect_xen_good(struct test *t, const char *what, int64_t seen);
/* The same for a step that the rest of the test needs: else the test ends as a failure of kind set-up. */
void must_xen(struct test *t, int64_t seen, const char *what);

/* Addresses that no page of ours answers. */
#define BAD_NULL         UINT64_C(0)
#define BAD_LOW          UINT64_C(1)
#define BAD_NONCANONICAL UINT64_C(0x8000000000000000)
#define BAD_UNMAPPED     UINT64_C(0xffffe00000000000)

/* One page of the test's memory by an address behind which the next page is not mapped. */
uint8_t *lone_page(struct test *t);

#endif
