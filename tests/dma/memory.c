/*
 * Backends when memory runs out: each call in turn finds none, ends in ERR_NO_MEMORY, and leaves everything as it was.
 */
#include "tests/dma/fixture.h"
#include <string.h>

#define CALLS_MAX 64

/* Everything that the test made, in the order of its making. */
struct made {
	struct iommu *io;
	struct domain *d;
	bool attached;
};

/* A backend, a domain, a page in it, a requester attached; ends at the first step that fails. */
static enum status make(struct test *t, const struct backend *b, pa_t pa, struct made *m)
{
	enum status s = m->io ? OK : b->create(t->bench, &m->io);

	if (s == OK)
		s = m->io->ops->domain_create(m->io, DOMAIN_PAGED, &m->d);
	if (s == OK)
		s = m->io->ops->attach(m->d, dfx_requester(t->engine));
	m->attached = s == OK;
	if (s == OK)
		s = m->io->ops->map(m->d, DMA_A, pa, PAGE_BYTES, PERM_RW, 0);
	if (s == OK)
		s = m->io->ops->flush(m->d, DMA_A, PAGE_BYTES);
	return s;
}

static void undo(struct test *t, const struct backend *b, struct made *m, bool all)
{
	if (m->attached)
		expect_status(t, "detach", m->io->ops->detach(m->d, dfx_requester(t->engine)), OK);
	if (m->d)
		expect_status(t, "destroy", m->io->ops->domain_destroy(m->d), OK);
	m->attached = false;
	m->d = NULL;
	if (all && m->io) {
		b->destroy(m->io);
		m->io = NULL;
	}
}

/* Once for each number of calls that may still find memory. arg: the backend stays, else it is made anew. */
static void run_out(struct test *t, const struct backend *b, struct page *p)
{
	struct made m = { .io = NULL };
	size_t before = mem_free_pages();
	enum status s = ERR_NO_MEMORY;
	unsigned calls;

	for (calls = 0; calls < CALLS_MAX && s == ERR_NO_MEMORY; calls++) {
		bool fresh = !t->desc->arg;

		if (!fresh && !m.io)
			must(t, b->create(t->bench, &m.io), "creating a backend");
		mem_limit(calls);
		s = make(t, b, p->pa, &m);
		mem_limit(UINT64_MAX);
		if (s == OK)
			break;
		undo(t, b, &m, fresh);
		if (!expect_status(t, "a step without memory", s, ERR_NO_MEMORY) ||
		    (fresh && !expect_eq(t, "free pages after it", mem_free_pages(), before))) {
			note(t, "%s, memory for %u calls", b->name, calls);
			break;
		}
	}
	if (s == OK && expect_true(t, calls > 0, "the steps need memory"))
		expect_write(t, DMA_A, p, 0, DMA_DONE);
	undo(t, b, &m, true);
	expect_eq(t, "free pages in the end", mem_free_pages(), before);
}

static void all_run_out(struct test *t)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);

	unsigned tried = 0;

	for (unsigned i = 0; i < t->bench->backends_n; i++) {
		/* A hypervisor's memory is its own affair, and its answers are not all told apart. */
		if (!strcmp(t->bench->backends[i]->name, "pviommu"))
			continue;
		run_out(t, t->bench->backends[i], p);
		tried++;
	}
	if (!tried)
		skip(t, "no backend that programs a unit itself");
}

TEST_TABLE(dma_memory,
	{ .id = "dma.memory.backend", .arg = 0, .body = all_run_out, .needs = NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT,
	  .given = "memory runs out at each call while a backend is made and used",
	  .expects = "ERR_NO_MEMORY, and as many free pages as before", .budget_us = 10000000 },
	{ .id = "dma.memory.domain", .arg = 1, .body = all_run_out, .needs = NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT,
	  .given = "memory runs out at each call while a domain of the same backend is made, attached and filled",
	  .expects = "ERR_NO_MEMORY, the next try works as if nothing had been", .budget_us = 10000000 });
