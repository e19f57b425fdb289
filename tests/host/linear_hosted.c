/*
 * Linear addresses in a Linux process: the kernel copies through a pipe and tells bad addresses by EFAULT. Raw system
 * calls, since what sanitizers put around them would take a bad address for a mistake.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "kernel/linear.h"

static const int *pipe_ends(void)
{
	static int ends[2] = { -1, -1 };

	if (ends[0] < 0 && pipe(ends) != 0)
		panic(__FILE__, __LINE__, "no pipe");
	return ends;
}

/* Takes out of the pipe what nobody wants. */
static void drain(int end, long bytes)
{
	char rest[PAGE_BYTES];

	if (syscall(SYS_read, end, rest, bytes) != bytes)
		panic(__FILE__, __LINE__, "the pipe does not give back what it took");
}

/* Through the pipe from one address to another; piecewise, as much as a pipe surely holds. */
static bool copy(uint64_t to, uint64_t from, size_t bytes)
{
	const int *ends = pipe_ends();

	for (size_t done = 0; done < bytes;) {
		size_t n = (size_t)min_u64(bytes - done, PAGE_BYTES);
		long in = syscall(SYS_write, ends[1], from + done, n), out;

		if (in <= 0)
			return false;
		out = syscall(SYS_read, ends[0], to + done, in);
		if (out < in) {
			drain(ends[0], out < 0 ? in : in - out);
			return false;
		}
		if ((size_t)in < n)
			return false;
		done += n;
	}
	return true;
}

bool linear_read(void *to, uint64_t va, size_t bytes)
{
	return copy((uint64_t)(uintptr_t)to, va, bytes);
}

bool linear_write(uint64_t va, const void *from, size_t bytes)
{
	return copy(va, (uint64_t)(uintptr_t)from, bytes);
}

enum status linear_run_make(struct linear_run *r, unsigned pages_n)
{
	size_t bytes = ((size_t)pages_n + 2) * PAGE_BYTES;
	uint8_t *p;

	*r = (struct linear_run){ .p = NULL };
	if (!pages_n || pages_n > LINEAR_RUN_PAGES_MAX)
		return ERR_INVALID;
	p = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return ERR_NO_MEMORY;
	r->p = p + PAGE_BYTES;
	r->pages_n = pages_n;
	linear_run_protect(r, true);
	return OK;
}

void linear_run_protect(struct linear_run *r, bool writable)
{
	if (mprotect(r->p, (size_t)r->pages_n * PAGE_BYTES, writable ? PROT_READ | PROT_WRITE : PROT_READ) != 0)
		panic(__FILE__, __LINE__, "the protection of pages cannot be changed");
}

void linear_run_drop(struct linear_run *r)
{
	if (r->p)
		munmap(r->p - PAGE_BYTES, ((size_t)r->pages_n + 2) * PAGE_BYTES);
	*r = (struct linear_run){ .p = NULL };
}
