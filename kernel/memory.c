/* Physical memory on metal. */
#include "kernel/memory.h"
#include "kernel/memory_map.h"
#include "kernel/paging.h"
#include <string.h>

#define LOW_MEMORY_BYTES  BIT(20) /* firmware's and the loader's leftovers */
#define BOOT_REACH_BYTES  BIT(32) /* what the boot page tables reach: the first tables must lie below */

extern const char kernel_start[], kernel_end[];

static struct page_pool pool;
static struct boot_info const *map_of_machine;

static bool in_no_map_entry(uint64_t base, uint64_t bytes)
{
	for (uint32_t i = 0; i < map_of_machine->memory_n; i++) {
		const struct boot_memory *m = &map_of_machine->memory[i];

		if (base < m->base + m->len_bytes && m->base < base + bytes)
			return false;
	}
	return true;
}

void memory_init(const struct boot_info *bi)
{
	map_of_machine = bi;
	pool_init(&pool);
	for (int high = 0; high < 2; high++) /* low memory first: it is handed out first */
		for (uint32_t i = 0; i < bi->memory_n; i++)
			if (bi->memory[i].kind == BOOT_MEMORY_RAM && (bi->memory[i].base >= BOOT_REACH_BYTES) == high)
				pool_add(&pool, bi->memory[i].base, bi->memory[i].len_bytes);
	pool_reserve(&pool, 0, LOW_MEMORY_BYTES);
	pool_reserve(&pool, bi->image, (uint64_t)(kernel_end - kernel_start));
	pool_reserve(&pool, bi->log.base, bi->log.bytes);
	pool_reserve(&pool, bi->font.base, bi->font.len_bytes);
	for (uint32_t i = 0; i < bi->modules_n; i++)
		pool_reserve(&pool, bi->modules[i].base, bi->modules[i].len_bytes);
	for (uint32_t i = 0; i < bi->memory_n; i++) /* overlapping entries: the stricter one wins */
		if (bi->memory[i].kind != BOOT_MEMORY_RAM)
			pool_reserve(&pool, bi->memory[i].base, bi->memory[i].len_bytes);
}

struct page_pool *memory_pool(void)
{
	return &pool;
}

uint64_t memory_total_mib(void)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < map_of_machine->memory_n; i++)
		if (map_of_machine->memory[i].kind == BOOT_MEMORY_RAM)
			bytes += map_of_machine->memory[i].len_bytes;
	return bytes / BIT(20);
}

/* The end of the reserved part that begins at or before at; at itself where there is none. */
static uint64_t reserved_up_to(uint64_t at)
{
	uint64_t end = at;

	for (uint32_t i = 0; i < map_of_machine->memory_n; i++) {
		const struct boot_memory *m = &map_of_machine->memory[i];

		if (m->kind != BOOT_MEMORY_RAM && m->base <= at && at - m->base < m->len_bytes)
			end = max_u64(end, m->base + m->len_bytes);
	}
	return end;
}

enum memory_says memory_map_says(pa_t pa, uint64_t bytes)
{
	uint64_t at = pa.v, end = pa.v + bytes;

	for (uint32_t i = 0; i < map_of_machine->memory_n; i++) {
		const struct boot_memory *m = &map_of_machine->memory[i];

		if (m->kind == BOOT_MEMORY_RAM && m->base < end && pa.v < m->base + m->len_bytes)
			return MEMORY_RAM;
	}
	/* Each turn gets past one entry at least. */
	for (uint32_t i = 0; i <= map_of_machine->memory_n && at < end; i++)
		at = reserved_up_to(at);
	return at >= end ? MEMORY_RESERVED : MEMORY_UNLISTED;
}

enum status mem_alloc(size_t bytes, size_t align, pa_t *out)
{
	uint64_t pa;
	enum status s = pool_alloc(&pool, bytes, align, &pa);

	if (s != OK)
		return s;
	*out = PA(pa);
	memset((void *)(uintptr_t)(DIRECT_MAP + pa), 0, align_up(bytes, PAGE_BYTES));
	return OK;
}

void mem_free(pa_t pa, size_t bytes)
{
	pool_free(&pool, pa.v, bytes);
}

void *mem_ptr(pa_t pa, size_t bytes)
{
	return pool_holds(&pool, pa.v, bytes) ? (void *)(uintptr_t)(DIRECT_MAP + pa.v) : NULL;
}

void *mem_ptr_unsnooped(pa_t pa, size_t bytes)
{
	return mem_ptr(pa, bytes);
}

void *mem_ptr_buffered(pa_t pa, size_t bytes)
{
	return mem_ptr(pa, bytes);
}

void mem_buffer_drain(void)
{
}

pa_t mem_pa(const void *p)
{
	uint64_t va = (uint64_t)(uintptr_t)p;

	ASSERT(va >= DIRECT_MAP && pool_holds(&pool, va - DIRECT_MAP, 1));
	return PA(va - DIRECT_MAP);
}

/*
 * PC machines keep device windows below 4 GiB near its end. An address that the memory map does not name, well below
 * those windows, answers nobody; where there is none, one far above all RAM.
 */
pa_t mem_unbacked(size_t bytes)
{
	for (uint64_t base = UINT64_C(0x60000000); base < UINT64_C(0xa0000000); base += BIT(24))
		if (in_no_map_entry(base, align_up(bytes, PAGE_BYTES)))
			return PA(base);
	return PA(BIT(45));
}

bool mem_reserve(pa_t pa, uint64_t bytes)
{
	return pool_reserve(&pool, pa.v, bytes);
}

size_t mem_free_pages(void)
{
	return pool.free_n;
}

void mem_limit(uint64_t n)
{
	pool_limit(&pool, n);
}

void cache_write_back(const void *p, size_t bytes)
{
	const char *at = (const char *)align_down((uint64_t)(uintptr_t)p, 64);

	for (; at < (const char *)p + bytes; at += 64)
		__asm__ volatile("clflush %0" : : "m"(*at));
	__asm__ volatile("mfence" : : : "memory");
}
