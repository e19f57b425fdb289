/* Our page tables. */
#include "kernel/paging.h"
#include "kernel/cpu.h"
#include "kernel/page_pool.h"
#include "kernel/memory.h"
#include <string.h>

#define PTE_P   BIT(0)
#define PTE_W   BIT(1)
#define PTE_PWT BIT(3)
#define PTE_PCD BIT(4)
#define PTE_PS  BIT(7)
#define PTE_NX  BIT(63)
#define PTE_ADDR BITS(51, 12)
#define PTE_UNCACHED (PTE_PCD | PTE_PWT)
#define PTE_COMBINED PTE_PWT /* by the PAT, see paging_map_framebuffer() */

#define TABLE_ENTRIES 512
#define UPPER_HALF    256 /* first entry of a root that is ours; those below belong to whoever the root is for */
#define WINDOWS_BASE  UINT64_C(0xffffc00000000000)
#define WINDOWS_END   UINT64_C(0xffffc10000000000)
#define STACKS_BASE   UINT64_C(0xffffd00000000000)
#define RUNS_BASE     UINT64_C(0xffffe00000000000)
#define RUN_PAGES     16u /* of which the first and the last are never mapped */
#define RUNS          16u

#define RAM_COVERED_MAX BOOT_MEMORY_MAX

extern const char kernel_start[], kernel_end[], text_start[], text_end[], rodata_start[], rodata_end[], data_start[];

static struct {
	uint64_t root;
	unsigned levels;  /* 5 where firmware has switched them on, else 4 */
	unsigned largest; /* level of the largest page: 3 for 1 GiB, else 2 */
	uint64_t image; /* physical address of kernel_start */
	bool live; /* our tables are loaded: tables are reached by the direct map */
	uint64_t next_window, next_stack;
	struct { uint64_t base, end; } covered[RAM_COVERED_MAX];
	unsigned covered_n;
} pg = { .next_window = WINDOWS_BASE, .next_stack = STACKS_BASE };

static uint64_t *table_at(uint64_t pa)
{
	return (uint64_t *)(uintptr_t)(pg.live ? DIRECT_MAP + pa : pa);
}

static enum status new_table(uint64_t *pa)
{
	enum status s = pool_alloc(memory_pool(), PAGE_BYTES, PAGE_BYTES, pa);

	if (s == OK)
		memset(table_at(*pa), 0, PAGE_BYTES);
	return s;
}

static unsigned index_at(uint64_t va, unsigned level)
{
	return (unsigned)(shr(va, 12 + 9 * (level - 1)) % TABLE_ENTRIES);
}

/* Sets the entry of va at a level (1: 4 KiB, 2: 2 MiB, 3: 1 GiB), making tables above it. */
static enum status set_entry(uint64_t root, uint64_t va, unsigned level, uint64_t entry)
{
	uint64_t *table = table_at(root);

	for (unsigned at = pg.levels; at > level; at--) {
		uint64_t *e = &table[index_at(va, at)], next;

		if (!(*e & PTE_P)) {
			enum status s = new_table(&next);

			if (s != OK)
				return s;
			*e = next | PTE_P | PTE_W;
		}
		table = table_at(*e & PTE_ADDR);
	}
	table[index_at(va, level)] = entry;
	return OK;
}

static uint64_t page_bytes(unsigned level)
{
	return pow2(12 + 9 * (level - 1));
}

/* The largest page that can begin here. */
static unsigned level_for(uint64_t address_bits, uint64_t bytes)
{
	unsigned level = pg.largest;

	while (level > 1 && (!is_aligned(address_bits, page_bytes(level)) || bytes < page_bytes(level)))
		level--;
	return level;
}

static enum status map_in(uint64_t root, uint64_t va, uint64_t pa, uint64_t bytes, uint64_t flags)
{
	while (bytes) {
		unsigned level = level_for(va | pa, bytes);
		enum status s = set_entry(root, va, level, pa | flags | PTE_P | (level > 1 ? PTE_PS : 0));

		if (s != OK)
			return s;
		va += page_bytes(level);
		pa += page_bytes(level);
		bytes -= min_u64(page_bytes(level), bytes);
	}
	return OK;
}

static enum status map(uint64_t va, uint64_t pa, uint64_t bytes, uint64_t flags)
{
	return map_in(pg.root, va, pa, bytes, flags);
}

static enum status map_section(const char *from, const char *to, uint64_t flags)
{
	uint64_t va = (uint64_t)(uintptr_t)from;

	return map(va, pg.image + (uint64_t)(from - kernel_start), align_up((uint64_t)(uintptr_t)to - va, PAGE_BYTES), flags);
}

static enum status map_image(void)
{
	enum status s = map_section(text_start, text_end, 0);

	if (s == OK)
		s = map_section(rodata_start, rodata_end, PTE_NX);
	if (s == OK)
		s = map_section(data_start, kernel_end, PTE_NX | PTE_W);
	return s;
}

/* RAM and ACPI memory, whole pages. Page 0 stays out of the direct map, too: nothing of ours is there. */
static enum status map_ram(const struct boot_info *bi)
{
	for (uint32_t i = 0; i < bi->memory_n; i++) {
		const struct boot_memory *m = &bi->memory[i];
		uint64_t base, end;
		enum status s;

		if ((m->kind != BOOT_MEMORY_RAM && m->kind != BOOT_MEMORY_ACPI && m->kind != BOOT_MEMORY_NVS) ||
		    m->len_bytes > BIT(46) || m->base > BIT(46) || pg.covered_n == RAM_COVERED_MAX)
			continue;
		base = align_up(m->base, PAGE_BYTES);
		end = align_down(m->base + m->len_bytes, PAGE_BYTES);
		if (end <= base)
			continue;
		s = map(DIRECT_MAP + base, base, end - base, PTE_NX | PTE_W);
		if (s != OK)
			return s;
		pg.covered[pg.covered_n].base = base;
		pg.covered[pg.covered_n++].end = end;
	}
	return OK;
}

static void load_root(uint64_t root)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(root) : "memory");
}

static bool has_gib_pages(void)
{
	uint32_t r[4];

	cpuid(0x80000000u, 0, r);
	if (r[0] < 0x80000001u)
		return false;
	cpuid(0x80000001u, 0, r);
	return r[3] & CPUID81_EDX_1GIB;
}

enum status paging_init(const struct boot_info *bi)
{
	enum status s = new_table(&pg.root);

	pg.levels = cr4() & CR4_LA57 ? 5 : 4;
	pg.largest = has_gib_pages() ? 3 : 2;
	pg.image = bi->image;
	if (s == OK)
		s = map_ram(bi);
	if (s == OK)
		s = map_image();
	if (s != OK)
		return s;
	/* "Uncached" above means what it means after a reset, whatever firmware made of it. */
	if (msr_rd(MSR_PAT) != PAT_AT_RESET)
		msr_wr(MSR_PAT, PAT_AT_RESET);
	load_root(pg.root);
	pg.live = true;
	return OK;
}

unsigned paging_levels(void)
{
	return pg.levels;
}

static void *window(pa_t pa, uint64_t bytes, uint64_t flags)
{
	uint64_t first = align_down(pa.v, PAGE_BYTES);
	uint64_t len = align_up(pa.v + bytes, PAGE_BYTES) - first;
	uint64_t va = pg.next_window + first % BIT(21); /* same offset in 2 MiB: large pages where possible */

	if (pa.v > BIT(52) || bytes > BIT(36) || va + len > WINDOWS_END)
		return NULL;
	if (map(va, first, len, flags) != OK)
		return NULL;
	pg.next_window = align_up(va + len, BIT(21));
	return (void *)(uintptr_t)(va + (pa.v - first));
}

void *paging_map_device(pa_t pa, uint64_t bytes)
{
	return window(pa, bytes, PTE_NX | PTE_W | PTE_UNCACHED);
}

void *paging_map_memory(pa_t pa, uint64_t bytes)
{
	return window(pa, bytes, PTE_NX | PTE_W);
}

/*
 * Writes are combined where the page attribute table says so (SDM vol. 3, 11.12): its second entry, which a page with
 * PWT alone selects, and which nothing else here does.
 */
void *paging_map_framebuffer(pa_t pa, uint64_t bytes)
{
	uint32_t r[4];

	cpuid(1, 0, r);
	if (!(r[3] & CPUID1_EDX_PAT))
		return paging_map_device(pa, bytes);
	msr_wr(MSR_PAT, fld_set(PAT_SECOND, msr_rd(MSR_PAT), PAT_COMBINING));
	return window(pa, bytes, PTE_NX | PTE_W | PTE_COMBINED);
}

const void *paging_firmware(pa_t pa, uint64_t bytes)
{
	for (unsigned i = 0; i < pg.covered_n; i++)
		if (pa.v >= pg.covered[i].base && pa.v < pg.covered[i].end && bytes <= pg.covered[i].end - pa.v)
			return (const void *)(uintptr_t)(DIRECT_MAP + pa.v);
	return window(pa, bytes, PTE_NX);
}

uint64_t paging_stack(uint64_t bytes)
{
	uint64_t pa, va = pg.next_stack + PAGE_BYTES;

	if (pool_alloc(memory_pool(), bytes, PAGE_BYTES, &pa) != OK || map(va, pa, bytes, PTE_NX | PTE_W) != OK)
		return 0;
	pg.next_stack = va + bytes;
	return va + bytes;
}

enum status paging_space(uint64_t *root)
{
	return new_table(root);
}

enum status paging_space_map(uint64_t root, pa_t pa, uint64_t bytes, enum paging_kind kind)
{
	uint64_t flags = kind == PAGING_CODE ? PTE_W : kind == PAGING_DATA ? PTE_W | PTE_NX : PTE_W | PTE_NX | PTE_UNCACHED;

	if (!is_aligned(pa.v | bytes, PAGE_BYTES) || pa.v > BIT(46) || bytes > BIT(46) - pa.v)
		return ERR_INVALID;
	return map_in(root, pa.v, pa.v, bytes, flags);
}

void paging_space_enter(uint64_t root)
{
	uint64_t *to = table_at(root);
	const uint64_t *from = table_at(pg.root);

	/* With five levels, all of the lower half is below the first entry and all of ours below the last: the same copy. */
	for (unsigned i = UPPER_HALF; i < TABLE_ENTRIES; i++)
		to[i] = from[i];
	load_root(root);
}

void paging_space_leave(void)
{
	load_root(pg.root);
}

/* ---- any address: see kernel/linear.h ---- */

bool paging_reaches(uint64_t va, bool write)
{
	uint64_t sign = shr(va, 12 + 9 * pg.levels - 1), next;

	if (sign && sign != shr(UINT64_MAX, 12 + 9 * pg.levels - 1)) /* not canonical */
		return false;
	__asm__ volatile("mov %%cr3, %0" : "=r"(next));
	for (unsigned level = pg.levels; level; level--) {
		uint64_t e = table_at(next & PTE_ADDR)[index_at(va, level)];

		if (!(e & PTE_P) || (write && !(e & PTE_W)))
			return false;
		if (level == 1 || (e & PTE_PS))
			return !(e & PTE_PCD);
		next = e;
	}
	return false;
}

uint64_t paging_run_find(void)
{
	for (unsigned i = 0; i < RUNS; i++) {
		uint64_t va = RUNS_BASE + i * RUN_PAGES * PAGE_BYTES + PAGE_BYTES;

		if (!paging_reaches(va, false))
			return va;
	}
	return 0;
}

enum status paging_run_set(uint64_t va, pa_t pa, bool writable)
{
	enum status s = set_entry(pg.root, va, 1, pa.v | PTE_P | PTE_NX | (writable ? PTE_W : 0));

	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
	return s;
}

void paging_run_clear(uint64_t va)
{
	if (paging_reaches(va, false) && set_entry(pg.root, va, 1, 0) == OK)
		__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}
