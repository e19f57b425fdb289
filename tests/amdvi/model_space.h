/*
 * A guest's tables for the model's unit by itself (tests/amdvi/model_rig.h): PASID 5 of AM_SID has a page at AM_IOVA.
 * Used by tests of guest translation and of nesting.
 */
#ifndef PORTCULLIS_TESTS_AMDVI_MODEL_SPACE_H
#define PORTCULLIS_TESTS_AMDVI_MODEL_SPACE_H

#include "tests/amdvi/model_rig.h"

#define PASID  0x5u
#define GN     BIT(48)
#define NX     BIT(49)
#define US     BIT(50)
#define PR     BIT(52)
#define RW     BIT(53)
#define PE     BIT(54)
#define RZ     BIT(55)
#define A_BIT  BIT(5)
#define D_BIT  BIT(6)
#define XD     BIT(63)

struct space {
	struct am *a;
	unsigned levels, glx, host_levels;
	uint64_t gcr3, root, pte, page, host;
	uint32_t pasid;
};

/* Sorts of requests with the space's PASID. */
enum ags_kind { READ, WRITE, EXEC, PRIV_READ, PRIV_WRITE, PRIV_EXEC, ATOMIC, KINDS };

/* The unit on, four or five levels, no host tables; ctl: further bits of control. Skips where GATS has not so many. */
struct space ags_start(struct test *t, unsigned levels, uint64_t ctl);
/* The same of another configuration. */
struct space ags_start_as(struct test *t, const struct mdl_amd_config *c, unsigned levels, uint64_t ctl);
/* Writes the device's entry anew: V, TV, IR, IW, GV, GLX, the GCR3 root, GuestPagingMode; more on top. Drops it. */
void ags_entry(struct space *s, uint64_t q0, uint64_t q1);
/* Drops all translations of the domain and of the PASID. */
void ags_drop(struct space *s);
/* Where the guest's entry of AM_IOVA at a level is. */
uint64_t ags_at(struct space *s, unsigned level);

struct mdl_request ags_request(const struct space *s, unsigned kind, uint64_t address);
bool ags_writes(unsigned kind);
/* The first word of an IO_PAGE_FAULT of such a request with these flags. */
uint64_t ags_fault(const struct space *s, unsigned kind, uint64_t flags);
/* Passes (event 0) or is refused with this event, twice. */
bool ags_ends_in(struct space *s, unsigned kind, uint64_t address, uint64_t event, uint64_t which);

#endif
