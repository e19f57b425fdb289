/* RAM that outlives a warm reset. */
#include "boot/efi/kept.h"
#include "kernel/hal.h"
#include <string.h>

#define MAP_BYTES_MAX  65536u
#define BOOTS_MAX      32 /* a machine that goes down in every test will not get better */
#define IDLE_BOOTS_MAX 3  /* in a row that did not come to a test */

/*
 * Away from the ends of memory below 4 GiB, where firmware puts its own things, and from low memory, which loaders
 * fill. Machines with little memory have the later ones.
 */
static const uint64_t places[] = {
	0x20000000, 0x30000000, 0x40000000, 0x18000000, 0x10000000, 0x0c000000, 0x08000000, 0x60000000, 0x04000000,
};

/* What the seam asks for: the caches may be lost with the reset. */
void cache_write_back(const void *p, size_t bytes)
{
	const char *at = (const char *)align_down((uint64_t)(uintptr_t)p, 64);

	for (; at < (const char *)p + bytes; at += 64)
		__asm__ volatile("clflush %0" : : "m"(*at));
	__asm__ volatile("mfence" : : : "memory");
}

/* How much of [base, base + bytes) a piece of the memory map covers, if that is RAM. */
static uint64_t covered(const EFI_MEMORY_DESCRIPTOR *d, uint64_t base, uint64_t bytes)
{
	uint64_t from = max_u64(d->PhysicalStart, base);
	uint64_t to = min_u64(d->PhysicalStart + d->NumberOfPages * EFI_PAGE_SIZE, base + bytes);

	switch (d->Type) {
	case EfiConventionalMemory:
	case EfiLoaderCode:
	case EfiLoaderData:
	case EfiBootServicesCode:
	case EfiBootServicesData:
		return to > from ? to - from : 0;
	default:
		return 0;
	}
}

/* True where all of it is RAM that may be read. */
static bool is_ram(const uint8_t *map, UINTN map_bytes, UINTN stride, uint64_t base, uint64_t bytes)
{
	uint64_t sum = 0;

	for (UINTN at = 0; at + sizeof(EFI_MEMORY_DESCRIPTOR) <= map_bytes; at += stride)
		sum += covered((const EFI_MEMORY_DESCRIPTOR *)(const void *)(map + at), base, bytes);
	return sum == bytes;
}

static bool take(const struct app *app, uint64_t base)
{
	EFI_PHYSICAL_ADDRESS at = base;

	/* Loader data: RAM to the kernel, but not in its pool. */
	return app->bs->AllocatePages(AllocateAddress, EfiLoaderData, EFI_SIZE_TO_PAGES(RUN_LOG_BYTES), &at) == EFI_SUCCESS;
}

/* Looks at all places before it takes one. Returns the address of a log, or of room for one; 0: neither. */
static uint64_t find_place(const struct app *app, bool *is_log, bool *ours)
{
	uint8_t *map = app_pages(app, MAP_BYTES_MAX, EfiLoaderData);
	UINTN bytes = MAP_BYTES_MAX, key, stride = 0;
	uint64_t found = 0;
	UINT32 version;

	*is_log = *ours = false;
	if (!map)
		return 0;
	if (app->bs->GetMemoryMap(&bytes, (EFI_MEMORY_DESCRIPTOR *)(void *)map, &key, &stride, &version) == EFI_SUCCESS &&
	    stride >= sizeof(EFI_MEMORY_DESCRIPTOR))
		for (unsigned i = 0; i < ARRAY_LEN(places) && !found; i++)
			if (is_ram(map, bytes, stride, places[i], RUN_LOG_BYTES) &&
			    run_log_is_here((const void *)(uintptr_t)places[i], RUN_LOG_BYTES))
				found = places[i];
	app->bs->FreePages((EFI_PHYSICAL_ADDRESS)(uintptr_t)map, EFI_SIZE_TO_PAGES(MAP_BYTES_MAX));
	*is_log = found != 0;
	if (found) {
		*ours = take(app, found);
		return found;
	}
	for (unsigned i = 0; i < ARRAY_LEN(places); i++)
		if (take(app, places[i])) {
			*ours = true;
			return places[i];
		}
	return 0;
}

/* The log's command line is the configuration's, but for a seed that the kernel chose. */
static bool same_words(const char *logged, const char *wanted)
{
	size_t n = strlen(wanted);

	return !strncmp(logged, wanted, n) && (!logged[n] || !strncmp(logged + n, " seed=", 6));
}

enum kept_next kept_find(const struct app *app, struct kept *k)
{
	bool is_log;
	uint64_t at = find_place(app, &is_log, &k->ours);

	if (!at) {
		app_say(app, "No memory that survives a reset: the report will be on the screen and the serial port alone.");
		return KEPT_FRESH;
	}
	if (k->ours)
		app->bi->log = (struct boot_log){ at, RUN_LOG_BYTES };
	if (!is_log || run_log_open(&k->log, (void *)(uintptr_t)at, RUN_LOG_BYTES) != OK)
		return KEPT_FRESH;
	run_log_state(&k->log, &k->state);
	if (!k->state.boots_n) {
		run_log_erase(&k->log);
		return KEPT_FRESH;
	}
	if (k->state.ended)
		return KEPT_COLLECT;
	if (k->state.running)
		app_say(app, "The machine was reset in test %u, %s.", k->state.started, k->state.started_id);
	else
		app_say(app, "The machine was reset between tests.");
	if (!k->ours || k->state.boots_n >= BOOTS_MAX || k->state.idle_boots_n >= IDLE_BOOTS_MAX ||
	    !same_words(k->state.cmdline, app->bi->cmdline)) {
		app_say(app, "That run does not go on: its report is written as far as it goes.");
		return KEPT_COLLECT;
	}
	str_printf(app->bi->cmdline, sizeof(app->bi->cmdline), "%s", k->state.cmdline);
	app_say(app, "The run goes on after it.");
	return KEPT_RESUME;
}
