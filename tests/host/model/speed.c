/*
 * How fast the model is: translate() over 4-level second-stage tables without caches, and a unit with a warm IOTLB.
 *
 * Prints one line for each, in translations a second on one core. Not a test: built without sanitizers
 * (build/fast/model-speed) and read by people.
 */
#include <stdio.h>
#include <time.h>
#include "tests/host/model/rig.h"

#define PAGES 256u
#define ROUNDS 4000u

/* Processor time, so that other work on the machine does not count. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void report(const char *what, uint64_t n, double s)
{
	printf("%-48s %7.2f million/s\n", what, (double)n / s / 1e6);
}

static void uncached(struct rig *r, struct mdl_request *rq)
{
	double from = now();
	uint64_t sum = 0;
	struct mdl_result out;

	for (unsigned i = 0; i < ROUNDS; i++) {
		for (unsigned p = 0; p < PAGES; p++) {
			rq->address = p * 0x1000ull;
			mdl_vtd_translate(&r->u.st, &r->mem, rq, &out);
			sum += out.address;
		}
	}
	report("translate(), legacy, 4 levels, no cache", (uint64_t)ROUNDS * PAGES, now() - from);
	if (sum == 0)
		printf("nothing was translated\n");
}

static void warm(struct rig *r, struct mdl_request *rq)
{
	double from = 0;
	uint64_t sum = 0;
	struct mdl_result out;

	for (unsigned i = 0; i < ROUNDS + 1; i++) {
		if (i == 1)
			from = now();
		for (unsigned p = 0; p < PAGES; p++) {
			rq->address = p * 0x1000ull;
			mdl_vtd_lookup(&r->u, rq, &out);
			sum += out.address;
		}
	}
	report("a unit, legacy, IOTLB warm", (uint64_t)ROUNDS * PAGES, now() - from);
	if (sum == 0)
		printf("nothing was translated\n");
}

int main(void)
{
	static struct rig r;
	struct mdl_request rq = { .sid = 0x19, .access = MDL_READ, .bytes = 8 };
	uint64_t root;

	rig_open(&r, "unit2016");
	root = rig_legacy(&r, 0x19, 1, 0x502);
	for (unsigned p = 0; p < PAGES; p++)
		rig_put(&r, rig_entry(&r, root, 4, 1, p * 0x1000ull, 3), 0x200000 + p * 0x1000ull + 3);
	rig_enable(&r, RIG_BASE);
	uncached(&r, &rq);
	warm(&r, &rq);
	rig_close(&r);
	return 0;
}
