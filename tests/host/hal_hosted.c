/*
 * The seam in an ordinary Linux process: an arena as physical memory, registers only behind mmio_ops, signals for
 * recovery, counters for interrupts.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "kernel/memory_map.h"
#include "kernel/page_pool.h"
#include "tests/host/hal_hosted.h"

#define VECTORS      256
#define VECTOR_FIRST 0x30
#define VECTOR_LAST  0xef
#define BUFFER_LINES 64 /* places in the write buffer */
#define MSI_ADDRESS  0xfee00000u
#define LOOKS        1000 /* at a deadline, before it has passed */

static struct {
	struct page_pool pool;
	uint64_t base, bytes;
	uint8_t *arena;
	uint8_t *past_caches; /* the arena as agents see it that do not snoop */
	uint8_t *past_buffer; /* and as those do that sit behind the write buffer, too */
	struct { uint64_t from, bytes; } buffer[BUFFER_LINES];
	unsigned buffer_first, buffer_n;
	unsigned fail_every, allocs;
	uint64_t ahead_us; /* of our clock before the real one */
	unsigned counts[VECTORS];
	bool taken[VECTORS];
	bool capture;
	char log[65536];
	size_t log_n;
	sigjmp_buf jump;
	volatile sig_atomic_t active;
	char why[RUN_WHY_MAX];
} world;

/* ---- memory ---- */

static void *make_arena(uint64_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		fprintf(stderr, "no memory for an arena of %llu bytes\n", (unsigned long long)bytes);
		exit(2);
	}
	return p;
}

void hosted_init(uint64_t base, uint64_t bytes)
{
	world.arena = make_arena(bytes);
	world.past_caches = make_arena(bytes);
	world.past_buffer = make_arena(bytes);
	world.base = base;
	world.bytes = bytes;
	pool_init(&world.pool);
	pool_add(&world.pool, base, bytes);
}

void hosted_fail_alloc_every(unsigned n)
{
	world.fail_every = n;
	world.allocs = 0;
}

enum status mem_alloc(size_t bytes, size_t align, pa_t *out)
{
	uint64_t pa;
	enum status s;

	if (world.fail_every && ++world.allocs % world.fail_every == 0)
		return ERR_NO_MEMORY;
	s = pool_alloc(&world.pool, bytes, align, &pa);
	if (s != OK)
		return s;
	*out = PA(pa);
	memset(world.arena + (pa - world.base), 0, align_up(bytes, PAGE_BYTES));
	return OK;
}

void mem_free(pa_t pa, size_t bytes)
{
	pool_free(&world.pool, pa.v, bytes);
}

void *mem_ptr(pa_t pa, size_t bytes)
{
	return pool_holds(&world.pool, pa.v, bytes) ? world.arena + (pa.v - world.base) : NULL;
}

void *mem_ptr_unsnooped(pa_t pa, size_t bytes)
{
	return pool_holds(&world.pool, pa.v, bytes) ? world.past_caches + (pa.v - world.base) : NULL;
}

void *mem_ptr_buffered(pa_t pa, size_t bytes)
{
	return pool_holds(&world.pool, pa.v, bytes) ? world.past_buffer + (pa.v - world.base) : NULL;
}

static void drain_oldest(void)
{
	uint64_t from = world.buffer[world.buffer_first].from;

	memcpy(world.past_buffer + from, world.past_caches + from, world.buffer[world.buffer_first].bytes);
	world.buffer_first = (world.buffer_first + 1) % BUFFER_LINES;
	world.buffer_n--;
}

void mem_buffer_drain(void)
{
	while (world.buffer_n)
		drain_oldest();
}

pa_t mem_pa(const void *p)
{
	const uint8_t *at = p;

	ASSERT(at >= world.arena && at < world.arena + world.bytes);
	return PA(world.base + (uint64_t)(at - world.arena));
}

enum memory_says memory_map_says(pa_t pa, uint64_t bytes)
{
	(void)pa;
	(void)bytes;
	return MEMORY_NO_MAP;
}

pa_t mem_unbacked(size_t bytes)
{
	(void)bytes;
	return PA(align_up(world.base + world.bytes, BIT(30)));
}

bool mem_reserve(pa_t pa, uint64_t bytes)
{
	return pool_reserve(&world.pool, pa.v, bytes);
}

size_t mem_free_pages(void)
{
	return world.pool.free_n;
}

void mem_limit(uint64_t n)
{
	pool_limit(&world.pool, n);
}

void cache_write_back(const void *p, size_t bytes)
{
	const uint8_t *at = p;
	uint64_t from, to;

	if (!world.arena || at < world.arena || at >= world.arena + world.bytes)
		return;
	/* Whole lines of 64 bytes. */
	from = align_down((uint64_t)(at - world.arena), 64);
	to = min_u64(align_up((uint64_t)(at - world.arena) + bytes, 64), world.bytes);
	memcpy(world.past_caches + from, world.arena + from, to - from);
	if (world.buffer_n == BUFFER_LINES)
		drain_oldest();
	world.buffer[(world.buffer_first + world.buffer_n) % BUFFER_LINES].from = from;
	world.buffer[(world.buffer_first + world.buffer_n) % BUFFER_LINES].bytes = to - from;
	world.buffer_n++;
}

/* ---- registers ---- */

static uint64_t window_rd(const mmio_t *m, uint32_t off, unsigned bytes)
{
	ASSERT(m->ops && bytes <= m->len_bytes && off <= m->len_bytes - bytes);
	return m->ops->rd(m->ctx, off, bytes);
}

static void window_wr(const mmio_t *m, uint32_t off, uint64_t v, unsigned bytes)
{
	ASSERT(m->ops && bytes <= m->len_bytes && off <= m->len_bytes - bytes);
	m->ops->wr(m->ctx, off, v, bytes);
}

/* The narrowing keeps the bytes that the access has. */
uint8_t mmio_rd8(const mmio_t *m, reg8_t r)
{
	return (uint8_t)window_rd(m, r.off, 1);
}

uint16_t mmio_rd16(const mmio_t *m, reg16_t r)
{
	return (uint16_t)window_rd(m, r.off, 2);
}

uint32_t mmio_rd32(const mmio_t *m, reg32_t r)
{
	return (uint32_t)window_rd(m, r.off, 4);
}

uint64_t mmio_rd64(const mmio_t *m, reg64_t r)
{
	return window_rd(m, r.off, 8);
}

uint32_t mmio_rdw1c32(const mmio_t *m, regw1c32_t r)
{
	return (uint32_t)window_rd(m, r.off, 4);
}

void mmio_wr8(const mmio_t *m, reg8_t r, uint8_t v)
{
	window_wr(m, r.off, v, 1);
}

void mmio_wr16(const mmio_t *m, reg16_t r, uint16_t v)
{
	window_wr(m, r.off, v, 2);
}

void mmio_wr32(const mmio_t *m, reg32_t r, uint32_t v)
{
	window_wr(m, r.off, v, 4);
}

void mmio_wr64(const mmio_t *m, reg64_t r, uint64_t v)
{
	window_wr(m, r.off, v, 8);
}

void mmio_ack(const mmio_t *m, regw1c32_t r, uint32_t bits)
{
	window_wr(m, r.off, bits, 4);
}

/* ---- time ---- */

/*
 * Models answer at once or by the count of accesses, never by the clock. So nothing is gained by waiting: a sleep moves
 * our clock on instead, and so does each look at a deadline that has not passed.
 */
uint64_t time_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u + world.ahead_us;
}

deadline_t deadline_in_us(uint64_t us)
{
	uint64_t now = time_us();

	return (deadline_t){ now, now + us };
}

bool deadline_over(const deadline_t *d)
{
	world.ahead_us += max_u64((d->end_us - d->start_us) / LOOKS, 1);
	return time_us() > d->end_us;
}

void time_sleep_us(uint64_t us)
{
	world.ahead_us += us;
}

/* ---- interrupts ---- */

enum status irq_alloc(unsigned *vector)
{
	for (unsigned v = VECTOR_FIRST; v <= VECTOR_LAST; v++) {
		if (world.taken[v])
			continue;
		world.taken[v] = true;
		world.counts[v] = 0;
		*vector = v;
		return OK;
	}
	return ERR_FULL;
}

void irq_free(unsigned vector)
{
	world.taken[vector % VECTORS] = false;
}

void irq_message(unsigned vector, uint64_t *address, uint32_t *data)
{
	*address = MSI_ADDRESS;
	*data = vector;
}

unsigned irq_take(unsigned vector)
{
	unsigned n = world.counts[vector % VECTORS];

	world.counts[vector % VECTORS] = 0;
	return n;
}

void irq_deliver(uint64_t address, uint32_t data)
{
	/* Bit 8: lowest priority, which with one processor is fixed. */
	data &= ~(uint32_t)BIT(8);
	if (address == MSI_ADDRESS && data < VECTORS)
		world.counts[data]++;
}

uint64_t entropy(void)
{
	uint64_t v = 0;

	if (getrandom(&v, sizeof(v), 0) != sizeof(v))
		v = time_us();
	return v;
}

/* ---- words ---- */

void hosted_capture(bool on)
{
	world.capture = on;
	world.log_n = 0;
	world.log[0] = 0;
}

const char *hosted_log(void)
{
	return world.log;
}

void console_write(const char *text, size_t len)
{
	if (!world.capture) {
		fwrite(text, 1, len, stdout);
		return;
	}
	len = min_u64(len, sizeof(world.log) - 1 - world.log_n);
	memcpy(world.log + world.log_n, text, len);
	world.log_n += len;
	world.log[world.log_n] = 0;
}

void log_line(const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	console_write("# ", 2);
	console_write(line, strlen(line));
	console_write("\n", 1);
}

/* ---- recovery ---- */

static void end_run(enum run_end how) __attribute__((noreturn));
static void end_run(enum run_end how)
{
	world.active = 0;
	siglongjmp(world.jump, (int)how);
}

void panic(const char *file, int line, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_line("panic at %s:%d: %s", file, line, text);
	if (!world.active) {
		fflush(stdout);
		abort();
	}
	str_printf(world.why, sizeof(world.why), "%s:%d: %s", file, line, text);
	end_run(RUN_CRASHED);
}

/* The clock of the budget. Memory errors are the sanitizers' business: they end the process with a report. */
static void on_alarm(int signal)
{
	(void)signal;
	if (!world.active)
		return;
	str_printf(world.why, sizeof(world.why), "still running after its budget");
	end_run(RUN_HUNG);
}

static void arm(uint64_t us)
{
	struct itimerval t = { .it_value = { (time_t)(us / 1000000u), (suseconds_t)(us % 1000000u) } };

	setitimer(ITIMER_REAL, &t, NULL);
}

void run_extend_us(uint64_t us)
{
	(void)us; /* model engines take no time */
}

void run_escape(void)
{
	ASSERT(world.active);
	end_run(RUN_ESCAPED);
}

void world_reset(void)
{
	fflush(stdout);
	_exit(70);
}

void world_stall(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (;;)
		pause();
}

enum run_end run_guarded(void (*fn)(void *arg), void *arg, uint64_t budget_us, char *why)
{
	int how;

	signal(SIGALRM, on_alarm);
	world.why[0] = 0;
	how = sigsetjmp(world.jump, 1);
	if (how == 0) {
		world.active = 1;
		arm(budget_us);
		fn(arg);
		world.active = 0;
		how = RUN_RETURNED;
	}
	arm(0);
	str_printf(why, RUN_WHY_MAX, "%s", world.why);
	return (enum run_end)how;
}
