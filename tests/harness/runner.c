/* The runner: opens benches, makes the plan, runs each test guarded, judges, reports. */
#include "tests/harness/internal.h"
#include <string.h>

#define BENCHES_MAX       64
#define BUDGET_DEFAULT_US 4000000u /* a body may wait a real second for what does not come, more than once */
#define TIMES_ON_HARDWARE 3
#define HYPERVISOR_TIMES  2u      /* steps there are calls of a hypervisor, which logs each refusal */

void harness_bail_out(int status, const char *fmt, ...)
{
	char text[300], line[340];
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_line("@status %d", status);
	str_printf(line, sizeof(line), "Bail out! %s\n", text);
	console_write(line, strlen(line));
}

static uint64_t hash_text(const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
	return h;
}

static void body(void *arg)
{
	struct test *t = arg;

	t->desc->body(t);
}

static void free_resources(struct test_run *r)
{
	for (unsigned i = 0; i < r->irqs_n; i++)
		irq_free(r->irqs[i]);
	r->irqs_n = 0;
	for (unsigned i = 0; i < r->pages_n; i++)
		mem_free(r->pages[i].pa, r->pages[i].len_bytes);
	r->pages_n = 0;
}

static void run_body(struct test_run *r)
{
	uint32_t budget = r->test.desc->budget_us ? r->test.desc->budget_us : BUDGET_DEFAULT_US;
	uint64_t from = time_us(), times = r->test.bench->hypervisor ? HYPERVISOR_TIMES : 1;
	char why[RUN_WHY_MAX];
	enum run_end end = run_guarded(body, &r->test, budget * times, why);

	r->us = time_us() - from;
	mem_limit(UINT64_MAX);
	if (end == RUN_CRASHED || end == RUN_HUNG) {
		r->verdict = VERDICT_FAIL;
		r->kind = end == RUN_CRASHED ? FAIL_CRASH : FAIL_HANG;
		str_printf(r->reason, sizeof(r->reason), "%s", why);
	}
	if (r->test.cleanup)
		r->test.cleanup(&r->test);
	if (r->backend)
		r->backend->destroy(r->test.iommu);
	/* First the unit and the engines, then the memory that they may still have been using. */
	bench_clean(r->test.bench);
	free_resources(r);
	if (r->verdict == VERDICT_PASS)
		pviommu_bench_judge(&r->test);
}

/* A failed expectation of rows that rest on prior knowledge alone is told, but accuses nobody. */
static void weigh(struct test_run *r)
{
	if (r->verdict == VERDICT_FAIL && r->kind == FAIL_VERDICT && catalogue_all_low(r->test.desc->checks))
		r->verdict = VERDICT_TODO;
}

static void begin(struct test_run *r, const struct instance *in, const struct options *o)
{
	memset(r, 0, offsetof(struct test_run, pages));
	r->pages_n = 0;
	r->irqs_n = 0;
	r->us = 0;
	r->test.desc = in->desc;
	r->test.bench = in->bench;
	r->test.options = o;
	r->test.part = in->part;
	r->backend = in->backend;
	instance_id(in, r->id);
	prng_seed(&r->test.prng, o->seed ^ hash_text(r->id));
}

static void run_one(struct test_run *r, const struct instance *in, const struct options *o)
{
	const char *lack;

	for (unsigned i = 0; i < (in->bench->hardware ? TIMES_ON_HARDWARE : 1); i++) {
		begin(r, in, o);
		lack = bench_provide(in->bench, &r->test, in->backend, &r->unreached);
		if (lack) {
			r->verdict = VERDICT_SKIP;
			str_printf(r->reason, sizeof(r->reason), "%s", lack);
			return;
		}
		run_body(r);
		weigh(r);
		if (r->verdict != VERDICT_FAIL)
			return;
	}
}

static void count(struct run_totals *t, const struct test_run *r)
{
	switch (r->verdict) {
	case VERDICT_PASS: t->passed++; break;
	case VERDICT_FAIL: t->failed++; break;
	case VERDICT_SKIP: t->skipped++; break;
	case VERDICT_TODO: t->todo++; break;
	}
}

static void list(const struct plan *plan)
{
	char id[TEST_ID_MAX];

	for (unsigned i = 0; i < plan->n; i++) {
		instance_id(&plan->instances[i], id);
		log_line("@test %s %s", id, plan->instances[i].desc->checks ? plan->instances[i].desc->checks : "");
	}
}

static struct run_totals run_plan(const struct plan *plan, const struct options *o, const struct run_facts *facts)
{
	static struct test_run run;
	const struct run_follower *follower = facts->follower;
	struct run_totals totals = facts->before;

	for (unsigned i = o->resume - 1; i < plan->n; i++) {
		char id[TEST_ID_MAX];

		instance_id(&plan->instances[i], id);
		if (follower)
			follower->start(i + 1, id, instance_risky(&plan->instances[i]));
		report_start(i + 1, id);
		run_one(&run, &plan->instances[i], o);
		report_result(i + 1, &run, o->platform);
		count(&totals, &run);
		if (follower)
			follower->done(i + 1, run.verdict);
	}
	return totals;
}

static void tell_plan(const struct plan *plan, const struct run_follower *follower)
{
	char id[TEST_ID_MAX];

	follower->plan(plan->n);
	for (unsigned i = 0; follower->planned && i < plan->n; i++) {
		instance_id(&plan->instances[i], id);
		follower->planned(id);
	}
}

static int run_benches(struct bench *benches, unsigned n, const struct options *o, const struct run_facts *facts,
		       uint64_t from)
{
	struct run_totals totals;
	struct plan plan;
	bool absent, any_iommu = false, guest = false;
	unsigned engines = 0;

	for (unsigned i = 0; i < n; i++) {
		any_iommu |= benches[i].vtd || benches[i].amdvi || benches[i].backends_n;
		guest |= benches[i].machine->xen != NULL;
		engines += benches[i].engines_n;
	}
	if (plan_make(benches, n, o, &plan) != OK) {
		harness_bail_out(2, "too little memory for the plan");
		return 2;
	}
	if (o->list) {
		list(&plan);
		plan_free(&plan);
		return 0;
	}
	if (!any_iommu && !guest && (!o->tests[0] || !plan.n)) {
		harness_bail_out(4, "nothing to test: this machine shows no IOMMU (no usable DMAR or IVRS table)");
		return 4;
	}
	if (!engines && !o->check_only && (!guest || o->engine[0]) && (!o->tests[0] || o->engine[0])) {
		if (o->engine[0])
			harness_bail_out(2, "engine=%s: this machine has no such DMA engine", o->engine);
		else
			harness_bail_out(2, "no DMA engine: nothing on this machine can be made to do DMA");
		return 2;
	}
	if (!plan.n || !o->resume || o->resume > plan.n + 1) {
		harness_bail_out(2, plan.n ? "resume= lies outside the plan" : "no test matches tests= and skip=");
		return 2;
	}
	if (facts->follower)
		tell_plan(&plan, facts->follower);
	report_plan(plan.n, facts->entry_us + time_us() - from);
	if (facts->follower && facts->follower->planned_all)
		facts->follower->planned_all();
	totals = run_plan(&plan, o, facts);
	absent = guest && !any_iommu && !o->tests[0];
	if (absent)
		log_line("@absent nothing to test: this Xen has no PV-IOMMU");
	log_line("@end passed=%u failed=%u skipped=%u todo=%u", totals.passed, totals.failed, totals.skipped, totals.todo);
	plan_free(&plan);
	return totals.failed ? 1 : absent ? 4 : 0;
}

int harness_run(struct machine **machines, unsigned machines_n, const struct options *wanted,
		const struct run_facts *facts)
{
	static struct bench benches[BENCHES_MAX];
	static struct options chosen;
	const struct options *options = &chosen;
	unsigned n = 0;
	uint64_t from = time_us();
	char why[TEXT_MAX];
	int code;

	chosen = *wanted;
	if (!chosen.seed)
		chosen.seed = max_u64(entropy(), 1);
	report_head(facts);
	log_line("@seed %llu", (unsigned long long)chosen.seed);
	for (unsigned i = 0; i < machines_n && n < BENCHES_MAX; i++) {
		if (bench_open(&benches[n], machines[i], options, why) != OK) {
			harness_bail_out(2, "%s", why);
			return 2;
		}
		n++;
	}
	code = run_benches(benches, n, options, facts, from);
	for (unsigned i = 0; i < n; i++)
		bench_close(&benches[i]);
	return code;
}
