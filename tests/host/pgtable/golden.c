/*
 * Golden vectors of page-table entries: literal words, worked out by hand from VT-d 9.7 and 9.8, found in the tables
 * that the engine built, at indexes worked out by hand from the address.
 */
#include "drivers-iommu/pgtable/pgtable.h"
#include "tests/host/hal_hosted.h"
#include "tests/host/tap.h"

static struct pgt pt;

static void open_tree(const struct pgt_format *f, unsigned levels)
{
	struct pgt_config c = { .format = f, .levels = levels, .input_bits = 12 + 9 * levels, .pa_bits = 46,
				.page_sizes = BIT(12) | BIT(21) | BIT(30), .snooped = true };

	ok(pgt_create(&pt, &c) == OK, "%s, %u levels", f->name, levels);
}

/* Follows indexes from the root; every entry on the way must be the next table's address with these low bits. */
static uint64_t entry_at(const unsigned *index, unsigned n, uint64_t table_bits)
{
	uint64_t *table = mem_ptr(pt.root, PAGE_BYTES);

	for (unsigned i = 0; i + 1 < n; i++) {
		uint64_t e = table[index[i]];

		is_u64(e & 0xfff0000000000fff, table_bits, "bits of the non-leaf entry at depth %u", i);
		table = mem_ptr(PA(e & 0x000ffffffffff000), PAGE_BYTES);
		if (!ok(table, "its address is a table"))
			return 0;
	}
	return table[index[n - 1]];
}

#define ENTRY(table_bits, ...) \
	entry_at((const unsigned[]){ __VA_ARGS__ }, sizeof((const unsigned[]){ __VA_ARGS__ }) / sizeof(unsigned), \
		 table_bits)

static void second_stage(void)
{
	open_tree(&pgt_vtd_ss, 4);
	ok(pgt_map(&pt, IOVA(0x123456789000), PA(0xabcde000), 0x1000, PERM_RW, 0) == OK, "map 4 KiB");
	is_u64(ENTRY(3, 0x24, 0xd1, 0xb3, 0x189), 0xabcde003, "4 KiB leaf, R W");
	ok(pgt_map(&pt, IOVA(0x200000), PA(0x40000000), 0x200000, PERM_R, 0) == OK, "map 2 MiB");
	is_u64(ENTRY(3, 0, 0, 1), 0x40000081, "2 MiB leaf, R");
	ok(pgt_map(&pt, IOVA(0x8040000000), PA(0x80000000), 0x40000000, PERM_W, 0) == OK, "map 1 GiB");
	is_u64(ENTRY(3, 1, 1), 0x80000082, "1 GiB leaf, W");
	pgt_destroy(&pt);

	open_tree(&pgt_vtd_ss, 3);
	ok(pgt_map(&pt, IOVA(0x7ffffff000), PA(0x3ffffffff000), 0x1000, PERM_W, 0) == OK,
	   "map the last page of 39 bits");
	is_u64(ENTRY(3, 511, 511, 511), 0x3ffffffff002, "4 KiB leaf, W");
	pgt_destroy(&pt);

	open_tree(&pgt_vtd_ss, 5);
	ok(pgt_map(&pt, IOVA(0x1000000000000), PA(0x1000), 0x1000, PERM_R, 0) == OK, "map above 48 bits");
	is_u64(ENTRY(3, 1, 0, 0, 0, 0), 0x1001, "4 KiB leaf, R");
	pgt_destroy(&pt);
}

static void first_stage(void)
{
	open_tree(&pgt_vtd_fs, 4);
	ok(pgt_map(&pt, IOVA(0x123456789000), PA(0xabcde000), 0x1000, PERM_RW, 0) == OK, "map 4 KiB");
	is_u64(ENTRY(0x27, 0x24, 0xd1, 0xb3, 0x189), 0xabcde067, "4 KiB leaf, R W");
	ok(pgt_map(&pt, IOVA(0x1000), PA(0x2000), 0x1000, PERM_R, 0) == OK, "map 4 KiB");
	is_u64(ENTRY(0x27, 0, 0, 0, 1), 0x2065, "4 KiB leaf, R");
	ok(pgt_map(&pt, IOVA(0x200000), PA(0x40000000), 0x200000, PERM_RW, 0) == OK, "map 2 MiB");
	is_u64(ENTRY(0x27, 0, 0, 1), 0x400000e7, "2 MiB leaf, R W");
	ok(pgt_map(&pt, IOVA(0x8040000000), PA(0x80000000), 0x40000000, PERM_R, 0) == OK, "map 1 GiB");
	is_u64(ENTRY(0x27, 1, 1), 0x800000e5, "1 GiB leaf, R");
	ok(pgt_map(&pt, IOVA(0x9000), PA(0x2000), 0x1000, PERM_W, 0) == ERR_UNSUPPORTED, "there is no write-only page");
	pgt_destroy(&pt);

	open_tree(&pgt_vtd_fs, 5);
	ok(pgt_map(&pt, IOVA(0x1000000000000), PA(0x1000), 0x1000, PERM_RW, 0) == OK, "map above 48 bits");
	is_u64(ENTRY(0x27, 1, 0, 0, 0, 0), 0x1067, "4 KiB leaf, R W");
	pgt_destroy(&pt);
}

int main(void)
{
	size_t before;

	hosted_init(BIT(20), BIT(24));
	before = mem_free_pages();
	second_stage();
	first_stage();
	is_u64(mem_free_pages(), before, "nothing leaked");
	return done();
}
