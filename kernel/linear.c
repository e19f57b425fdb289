/*
 * Linear addresses on metal: a walk of the page tables in force (SDM vol. 3, 4.5), since an access that faults could
 * not be told from a mistake of ours.
 */
#include "kernel/linear.h"
#include "kernel/paging.h"
#include <string.h>

/* Copies page by page, each once it is known to be there. */
static bool each_page(uint64_t va, uint8_t *buf, size_t bytes, bool write)
{
	for (size_t done = 0; done < bytes;) {
		uint64_t at = va + done;
		size_t n = (size_t)min_u64(bytes - done, PAGE_BYTES - at % PAGE_BYTES);

		if (at < va || !paging_reaches(at, write))
			return false;
		if (write)
			memcpy((void *)(uintptr_t)at, buf + done, n);
		else
			memcpy(buf + done, (const void *)(uintptr_t)at, n);
		done += n;
	}
	return true;
}

bool linear_read(void *to, uint64_t va, size_t bytes)
{
	return each_page(va, to, bytes, false);
}

bool linear_write(uint64_t va, const void *from, size_t bytes)
{
	return each_page(va, (uint8_t *)(uintptr_t)from, bytes, true); /* read alone */
}

enum status linear_run_make(struct linear_run *r, unsigned pages_n)
{
	uint64_t va;
	enum status s = OK;

	*r = (struct linear_run){ .p = NULL };
	if (!pages_n || pages_n > LINEAR_RUN_PAGES_MAX)
		return ERR_INVALID;
	/* From the middle of three pages each, so that no two of ours touch. */
	for (; r->pages_n < pages_n && s == OK; r->pages_n += s == OK)
		s = mem_alloc(3 * PAGE_BYTES, PAGE_BYTES, &r->pages[r->pages_n]);
	va = s == OK ? paging_run_find() : 0;
	if (!va)
		s = ERR_NO_MEMORY;
	for (unsigned i = 0; i < pages_n && s == OK; i++)
		s = paging_run_set(va + i * PAGE_BYTES, pa_add(r->pages[i], PAGE_BYTES), true);
	if (va)
		r->p = (uint8_t *)(uintptr_t)va;
	if (s != OK)
		linear_run_drop(r);
	return s;
}

void linear_run_protect(struct linear_run *r, bool writable)
{
	for (unsigned i = 0; i < r->pages_n; i++)
		if (paging_run_set((uint64_t)(uintptr_t)r->p + i * PAGE_BYTES, pa_add(r->pages[i], PAGE_BYTES), writable) != OK)
			panic(__FILE__, __LINE__, "a run of pages is not mapped any more");
}

void linear_run_drop(struct linear_run *r)
{
	for (unsigned i = 0; i < r->pages_n; i++) {
		if (r->p)
			paging_run_clear((uint64_t)(uintptr_t)r->p + i * PAGE_BYTES);
		mem_free(r->pages[i], 3 * PAGE_BYTES);
	}
	*r = (struct linear_run){ .p = NULL };
}
