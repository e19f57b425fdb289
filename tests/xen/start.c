/*
 * How we were started and what memory is ours (Xen public/arch-x86/hvm/start_info.h, memory.h): nothing of the
 * hypervisor's map is ever used as RAM.
 */
#include "kernel/memory.h"
#include "tests/xen/guest.h"
#include <string.h>

#define START_MAGIC       0x336ec578u
#define FLAG_PRIVILEGED   1u
#define FLAG_INITIAL      2u
#define WORD_MODULES_N    3
#define WORD_MODULES      4
#define WORD_CMDLINE      6
#define WORD_RSDP         8
#define WORD_RESERVED     13

extern const char kernel_start[], kernel_end[];

static const struct boot_info *started(struct test *t)
{
	const struct boot_info *bi = t->bench->machine->xen->boot;

	if (!bi->start.pa)
		skip(t, "not started by a start info");
	return bi;
}

static uint64_t pointer(const struct boot_info *bi, unsigned word)
{
	return bi->start.words[word] + shl(bi->start.words[word + 1], 32);
}

/* Whether all of a range lies in entries of RAM; adjacent ones count as one. They may come in any order. */
static bool in_ram(const struct boot_info *bi, uint64_t base, uint64_t bytes)
{
	uint64_t at = base;

	for (uint32_t round = 0; round < bi->memory_n && at < base + bytes; round++)
		for (uint32_t i = 0; i < bi->memory_n; i++) {
			const struct boot_memory *m = &bi->memory[i];

			if (m->kind == BOOT_MEMORY_RAM && at >= m->base && at - m->base < m->len_bytes)
				at = m->base + m->len_bytes;
		}
	return at >= base + bytes;
}

TEST(start_head,
     .id = "xen.start.head",
     .given = "the start info",
     .expects = "its magic, a version that we know, an aligned place below 4 GiB, nothing in its reserve",
     .needs = NEED_XEN)
{
	const struct boot_info *bi = started(t);

	expect_eq(t, "magic", bi->start.words[0], START_MAGIC);
	expect_true(t, bi->start.version <= 1, "version 0 or 1");
	expect_true(t, is_aligned(bi->start.pa, 4) && bi->start.pa < BIT(32), "below 4 GiB, aligned to 4 bytes");
	if (bi->start.version >= 1)
		expect_eq(t, "reserved word", bi->start.words[WORD_RESERVED], 0);
}

TEST(start_flags,
     .id = "xen.start.flags",
     .given = "the flags of the start info",
     .expects = "privileged and initial domain for dom0, neither for a guest",
     .needs = NEED_XEN)
{
	const struct boot_info *bi = started(t);
	bool dom0 = t->bench->machine->xen->role == XEN_DOM0;

	expect_eq(t, "initial domain", !!(bi->start.flags & FLAG_INITIAL), dom0);
	expect_eq(t, "privileged", !!(bi->start.flags & FLAG_PRIVILEGED), dom0);
}

TEST(start_place,
     .id = "xen.start.in_ram",
     .given = "the start info, the command line and the image",
     .expects = "they lie in RAM of the memory map",
     .needs = NEED_XEN)
{
	const struct boot_info *bi = started(t);
	uint64_t line = pointer(bi, WORD_CMDLINE);

	expect_true(t, in_ram(bi, bi->image, (uint64_t)(kernel_end - kernel_start)), "the image lies in RAM");
	expect_true(t, in_ram(bi, bi->start.pa, sizeof(bi->start.words)) ||
		    !mem_ptr(PA(bi->start.pa), 1), "the start info lies in RAM, or in no memory of ours");
	if (line)
		expect_true(t, in_ram(bi, line, strlen(bi->cmdline) + 1) || !mem_ptr(PA(line), 1),
			    "the command line lies in RAM, or in no memory of ours");
}

TEST(start_tables,
     .id = "xen.start.rsdp",
     .given = "the address of the RSDP, where there is one",
     .expects = "it lies in no memory that is ours to hand out",
     .needs = NEED_XEN)
{
	const struct boot_info *bi = started(t);
	uint64_t rsdp = pointer(bi, WORD_RSDP);

	if (!rsdp)
		skip(t, "no RSDP: a guest whose firmware was left out");
	expect_true(t, !mem_ptr(PA(rsdp), 1), "no RAM of ours there");
}

TEST(start_modules,
     .id = "xen.start.modules",
     .given = "the list of modules",
     .expects = "none, since none were given; an HVM guest's firmware image may be one",
     .needs = NEED_XEN)
{
	const struct boot_info *bi = started(t);

	if (t->bench->machine->xen->role == XEN_HVM)
		expect_true(t, bi->start.words[WORD_MODULES_N] <= 1, "one module or none");
	else
		expect_eq(t, "modules", bi->start.words[WORD_MODULES_N], 0);
	expect_eq(t, "modules that the list has no address for",
		  bi->start.words[WORD_MODULES_N] && !pointer(bi, WORD_MODULES), 0);
}

TEST(map_sane,
     .id = "xen.memory.map_sane",
     .given = "the memory map that we were started with",
     .expects = "entries are not empty, do not wrap and do not overlap; 32 MiB or more are RAM",
     .needs = NEED_XEN)
{
	const struct boot_info *bi = t->bench->machine->xen->boot;
	uint64_t ram = 0;

	expect_true(t, bi->memory_n > 0, "there are entries");
	for (uint32_t i = 0; i < bi->memory_n; i++) {
		const struct boot_memory *m = &bi->memory[i];

		expect_true(t, m->len_bytes && m->base + m->len_bytes > m->base, "an entry is not empty and does not wrap");
		for (uint32_t k = 0; k < i; k++) /* guests' entries are not sorted */
			if (m->base < bi->memory[k].base + bi->memory[k].len_bytes && bi->memory[k].base < m->base + m->len_bytes)
				fail(t, "entries do not overlap", "entries %u and %u do", k, i);
		ram += m->kind == BOOT_MEMORY_RAM ? m->len_bytes : 0;
	}
	expect_true(t, ram >= 32 * BIT(20), "32 MiB or more are RAM");
}

/* RAM of a map, in bytes, and the end of the last piece of it. */
static uint64_t ram_of(const struct boot_info *bi, uint64_t *end)
{
	uint64_t ram = 0;

	*end = 0;
	for (uint32_t i = 0; i < bi->memory_n; i++) {
		if (bi->memory[i].kind != BOOT_MEMORY_RAM)
			continue;
		ram += bi->memory[i].len_bytes;
		*end = max_u64(*end, bi->memory[i].base + bi->memory[i].len_bytes);
	}
	return ram;
}

TEST(map_by_call,
     .id = "xen.memory.map_by_call",
     .given = "XENMEM_memory_map beside the map that we were started with",
     .expects = "the same RAM in both",
     .needs = NEED_XEN)
{
	static struct boot_info asked;
	uint64_t end, end_asked;

	if (!xen_memory_map(&asked))
		skip(t, "Xen has no map for this domain but the one in the start info");
	expect_eq(t, "bytes of RAM", ram_of(&asked, &end_asked), ram_of(t->bench->machine->xen->boot, &end));
	expect_eq(t, "end of RAM", end_asked, end);
}

TEST(map_small_buffer,
     .id = "xen.memory.map_bad_buffer",
     .given = "XENMEM_memory_map with a buffer that is not mapped",
     .expects = "-EFAULT, unless Xen has no map for this domain",
     .needs = NEED_XEN)
{
	struct xen_memory_map map = { 4, BAD_UNMAPPED };
	int64_t r = xen_op(XEN_MEMORY_OP, XENMEM_MEMORY_MAP, &map);

	if (r == -XEN_ENOSYS)
		skip(t, "Xen has no map for this domain");
	(void)expect_xen_error(t, "a map into nowhere", r, XEN_EFAULT);
}

TEST(memory_hygiene,
     .id = "xen.memory.hygiene",
     .given = "the pages that are shared with Xen and with other domains",
     .expects = "none of them is RAM that our allocator knows",
     .needs = NEED_XEN)
{
	static const uint32_t params[] = { HVM_PARAM_STORE_PFN, HVM_PARAM_CONSOLE_PFN };
	const struct xen_guest *g = t->bench->machine->xen;
	uint64_t gfn;

	expect_true(t, !g->shared || !mem_ptr(PA(g->shared_gfn * PAGE_BYTES), 1), "the shared information");
	for (unsigned i = 0; i < ARRAY_LEN(params); i++)
		if (xen_hvm_param(params[i], &gfn) == OK && gfn)
			expect_true(t, !mem_ptr(PA(gfn * PAGE_BYTES), 1), "the page of a ring");
}

TEST(memory_pool,
     .id = "xen.memory.pool",
     .given = "every range that our allocator hands out",
     .expects = "it lies in RAM of the map",
     .needs = NEED_XEN)
{
	const struct page_pool *pool = memory_pool();

	for (unsigned i = 0; i < pool->ranges_n; i++)
		expect_true(t, in_ram(t->bench->machine->xen->boot, pool->ranges[i].first * PAGE_BYTES,
				      pool->ranges[i].n * PAGE_BYTES), "a range of the allocator lies in RAM");
}

TEST(memory_reservation,
     .id = "xen.memory.reservation",
     .given = "how many pages Xen says that this domain has, and may have",
     .expects = "no fewer than our allocator knows, and no more than it may have",
     .needs = NEED_XEN)
{
	uint16_t self = XEN_DOMID_SELF;
	int64_t now = xen_op(XEN_MEMORY_OP, XENMEM_CURRENT_RESERVATION, &self);
	int64_t most = xen_op(XEN_MEMORY_OP, XENMEM_MAXIMUM_RESERVATION, &self);

	expect_true(t, now >= (int64_t)memory_pool()->pages_n, "as many pages as our allocator knows");
	expect_true(t, most >= now, "the most is no less than what it has");
}

TEST(memory_unknown,
     .id = "xen.memory.unknown",
     .given = "sub-operations that memory_op does not have, and a kind of page to be mapped that does not exist",
     .expects = "an error, and nothing changes",
     .needs = NEED_XEN)
{
	struct xen_add_to_physmap add = {
		.domid = XEN_DOMID_SELF, .space = 99, .gfn = mem_unbacked(PAGE_BYTES).v / PAGE_BYTES };

	(void)expect_xen_error(t, "sub-operation 60", xen_op(XEN_MEMORY_OP, 60, NULL), XEN_ENOSYS);
	expect_true(t, xen_op(XEN_MEMORY_OP, XENMEM_ADD_TO_PHYSMAP, &add) < 0, "an unknown kind of page is refused");
}
