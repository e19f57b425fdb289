/*
 * A unit of the AMD-Vi model by itself, for tests with TEST_MODEL: of the configuration of the machine under test, with
 * memory of the test's, and logs of all that leaves it. No driver stands between the test and the unit.
 *
 * Tests name registers by offset and give structures as words worked out from the manual: neither the model's layouts
 * nor the driver's are used.
 */
#ifndef PORTCULLIS_TESTS_AMDVI_MODEL_RIG_H
#define PORTCULLIS_TESTS_AMDVI_MODEL_RIG_H

#include "model/amdvi/model.h"
#include "tests/test.h"

#define AM_BASE   UINT64_C(0xfea00000) /* of the registers, as firmware sets it */
#define AM_OWN    2u                   /* the unit's own device id */
#define AM_SID    0x0119u              /* the device of most tests: 01:03.1, entry 25 of the third page */
#define AM_SID2   0x0121u
#define AM_DOMAIN 0x1234u
#define AM_IOVA   UINT64_C(0x1234567000)
#define AM_PERMIT UINT64_C(0x6000000000000000) /* IR and IW of an entry of any sort */
#define AM_OP(n)  ((n) * UINT64_C(0x1000000000000000))
#define AM_ALL    UINT64_C(0x7ffffffffffff001) /* address and S of 3h and 4h: everything */
#define AM_HIGH   BIT(39)
#define AM_LOG    16

struct am_message {
	uint64_t address;
	uint32_t data;
};

struct am {
	struct test *t;
	struct mdl_amd_config config;
	struct mdl_amd u;
	uint64_t devtab, commands, events;
	uint64_t pool;             /* zeroed pages, of which pool_n are left */
	unsigned pool_n;
	struct am_message messages[AM_LOG];
	unsigned messages_n;
	struct mdl_devtlb_inv invs[AM_LOG];
	unsigned invs_n;
	bool withhold;             /* devices do not answer invalidations */
	bool answer_within;        /* their answers come while the command still runs */
	struct mdl_page_response responses[AM_LOG];
	unsigned responses_n;
	uint32_t doorbell;
	unsigned doorbells_n;
	uint64_t meddle;           /* what a processor sets in a word that the unit is about to update; once */
	bool read_only;            /* memory takes no atomic updates */
	bool high;                 /* all memory lies AM_HIGH further up, as the unit sees it */
};

/* The configuration of the machine under test. */
const struct mdl_amd_config *am_config(struct test *t);
/* EFR has all of bits; else the test is skipped. */
void am_need(struct test *t, uint64_t efr, const char *what);
/* A unit after power-on. */
struct am *am_open(struct test *t, const struct mdl_amd_config *c);
/* A device table for ids up to 017Fh, a command buffer, an event log, control 1405h and more. */
struct am *am_start(struct test *t, uint64_t more);
/* The same of another configuration. */
struct am *am_start_as(struct test *t, const struct mdl_amd_config *c, uint64_t more);
/* amd-small, which is no machine by default: a unit without any feature. */
const struct mdl_amd_config *am_small(void);

/* A zeroed page. */
uint64_t am_page(struct am *a);
uint64_t am_get(uint64_t pa);
void am_put(uint64_t pa, uint64_t word);
uint64_t am_reg(struct am *a, uint32_t off);
void am_set(struct am *a, uint32_t off, uint64_t v);
void am_dte(struct am *a, uint16_t sid, uint64_t q0, uint64_t q1, uint64_t q2, uint64_t q3);
/* V, TV, IR, IW, mode and root: the first word of a translating entry. */
static inline uint64_t am_dte0(unsigned mode, uint64_t root)
{
	return AM_PERMIT | 3 | mode * 0x200u | root;
}
/* Host levels of the configuration that tests use: 4, or fewer where there are fewer; 0: none. */
unsigned am_levels(struct test *t);
/* Where the host or guest entry of an address is; tables above it are made, with all permissions. */
uint64_t am_entry(struct am *a, uint64_t root, unsigned levels, unsigned level, uint64_t address);
uint64_t am_guest_entry(struct am *a, uint64_t root, unsigned levels, unsigned level, uint64_t address);

/* A command at the tail, and the tail moved. am_cmd() adds a COMPLETION_WAIT, so that it has taken effect. */
void am_put_cmd(struct am *a, uint64_t q0, uint64_t q1);
void am_cmd(struct am *a, uint64_t q0, uint64_t q1);
/* Takes the oldest event. False: there is none. am_code(): its code alone, 0: none; the log is empty then. */
bool am_event(struct am *a, uint64_t event[2]);
unsigned am_code(struct am *a);
/* A request of AM_SID through the caches; events are logged. */
struct mdl_amd_result am_look(struct am *a, const struct mdl_request *rq);
struct mdl_amd_result am_ask(struct am *a, enum mdl_access access, uint64_t address);
/* Where a read of AM_SID goes; 0: it is refused. */
uint64_t am_goes(struct am *a, uint64_t address);

/* expect_eq() with a note of which case it was, where it fails. */
bool am_is(struct test *t, const char *what, uint64_t seen, uint64_t expected, uint64_t which);

#endif
