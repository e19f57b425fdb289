/* A bench: all that was found on a machine, and what a test gets of it. */
#include "tests/harness/internal.h"

enum status bench_open(struct bench *b, struct machine *m, const struct options *o)
{
	*b = (struct bench){ .machine = m, .scratch_media = o->scratch };
	return OK;
}

void bench_close(struct bench *b)
{
	(void)b;
}

void bench_clean(struct bench *b)
{
	(void)b;
}

const char *bench_provide(struct bench *b, struct test *t, bool *unreached)
{
	(void)b;
	(void)t;
	*unreached = false;
	return NULL;
}
