/*
 * Golden vectors: entries, commands, events and capabilities as literal words, worked out by hand from the layouts of
 * the AMD IOMMU specification, chapters 2 and 3.
 */
#include "drivers-iommu/amdvi/caps.h"
#include "drivers-iommu/amdvi/cmd.h"
#include "drivers-iommu/amdvi/log.h"
#include "drivers-iommu/amdvi/tables.h"
#include "drivers-iommu/pgtable/pgtable.h"
#include "tests/host/tap.h"

static void is_words(const uint64_t *seen, const uint64_t *expected, unsigned n, const char *what)
{
	for (unsigned i = 0; i < n; i++)
		is_u64(seen[i], expected[i], "%s, quadword %u", what, i);
}

#define IS_DTE(value, what, ...) is_words((value).w, (const uint64_t[4]){ __VA_ARGS__ }, 4, what)
#define IS_CMD(value, what, ...) is_words((value).q, (const uint64_t[2]){ __VA_ARGS__ }, 2, what)

static void device_table_entries(void)
{
	amdvi_dte_t d = amdvi_dte_host(PA(0x12345000), 4, 0xbeef, PERM_RW);

	/* V, TV, Mode 4 at 11:9, root at 51:12, IR 61, IW 62 */
	IS_DTE(d, "host, 4 levels", 0x6000000012345803, 0xbeef, 0, 0);
	IS_DTE(amdvi_dte_host(PA(0), 0, 1, 0), "mode 0, nothing allowed", 0x3, 1, 0, 0);
	IS_DTE(amdvi_dte_host(PA(0xfffffffff000), 6, 0xffff, PERM_R), "host, 6 levels, read", 0x2000fffffffffc03,
		0xffff, 0, 0);
	/* IV 128, IntTabLen 132:129, root 179:134, IntCtl 189:188 */
	IS_DTE(amdvi_dte_int_table(d, PA(0xabcd80), 9), "with an interrupt table", 0x6000000012345803, 0xbeef,
	       0x2000000000abcd93, 0);
	IS_DTE(amdvi_dte_int_ctl(d, INT_CTL_FORWARD), "interrupts forwarded", 0x6000000012345803, 0xbeef,
		0x1000000000000001, 0);
	/* Setting byte: INIT, ExtInt, NMI, SysMgt 5:4, Lint0, Lint1 */
	IS_DTE(amdvi_dte_setting(d, 0xf7), "with all settings", 0x6000000012345803, 0x3000000beef, 0xc700000000000000,
		0);
	/* GV 55, GIoV 54, GLX 57:56; the GCR3 root in three pieces: 60:58, 95:80, 127:107 */
	IS_DTE(amdvi_dte_guest(PA(0xa5a5a5a5a7000), 1, 5, 7), "guest, GLX 1, 5 levels",
	       0x7dc0000000000003, 0xa5a5a000b4b40007, 0x40000000000000, 0);
}

static void interrupt_entries(void)
{
	is_u64(amdvi_irte32(0x31, 0x12, false).w[0], 0x00311201, "32-bit entry");
	is_u64(amdvi_irte32(0xff, 0x01, true).w[0], 0x00ff0141, "32-bit entry, logical");
	is_words(amdvi_irte128(0x31, 0x12, false, false).w, (const uint64_t[]){ 0x1201, 0x31 }, 2, "128-bit entry");
	is_words(amdvi_irte128(0x31, 0x87654321, true, true).w, (const uint64_t[]){ 0x65432141, 0x8700000000000031 }, 2,
		 "128-bit entry, XT, logical");
}

static void paging_entries(void)
{
	const struct pgt_format *f = &pgt_amd_v1;
	struct pgt_entry e;

	is_u64(f->leaf(1, 12, PA(0x5000), PERM_RW), 0x6000000000005061, "4 KiB leaf");
	is_u64(f->leaf(1, 12, PA(0x5000), PERM_R), 0x2000000000005061, "4 KiB leaf, read");
	is_u64(f->leaf(2, 21, PA(0x600000), PERM_W), 0x4000000000600061, "2 MiB leaf, write");
	is_u64(f->leaf(1, 13, PA(0x6000), PERM_RW), 0x6000000000006e61, "8 KiB leaf");
	is_u64(f->leaf(1, 16, PA(0x10000), PERM_RW), 0x6000000000017e61, "64 KiB leaf");
	is_u64(f->leaf(2, 22, PA(0x800000), PERM_RW), 0x60000000009ffe61, "4 MiB leaf");
	is_u64(f->table(4, PA(0x7000)), 0x6000000000007621, "table below level 4");
	is_u64(f->table(2, PA(0x7000)), 0x6000000000007221, "table below level 2");
	e = f->decode(1, 0x6000000000017e61);
	is_u64(e.bits, 16, "64 KiB leaf decoded: size");
	is_u64(e.pa.v, 0x10000, "64 KiB leaf decoded: address");
	e = f->decode(4, 0x6000000000007221);
	is_u64(e.kind, PGT_TABLE, "a table that skips levels");
	is_u64(e.next_level, 1, "its level");
	is_u64(f->decode(1, 0x6000000000005060).kind, PGT_ABSENT, "PR = 0");
}

static void commands(void)
{
	struct amdvi_iotlb io = { .device_id = 0x1234, .maxpend = 5, .queue_id = 6, .has_pasid = true,
		.pasid = 0xabcde };

	io.span = amdvi_span_of(IOVA(0x7000), 4096);
	IS_CMD(amdvi_cmd_completion_wait(CW_S | CW_F, PA(0x12345678), 42), "completion wait", 0x100000001234567d, 42);
	IS_CMD(amdvi_cmd_devtab_entry(0xabcd), "device table entry", 0x200000000000abcd, 0);
	IS_CMD(amdvi_cmd_pages(0x42, amdvi_span_of(IOVA(0x5000), 4096), false), "one page", 0x3000004200000000, 0x5000);
	IS_CMD(amdvi_cmd_pages(0x42, amdvi_span_all(), true), "the whole domain", 0x3000004200000000,
		0x7ffffffffffff003);
	IS_CMD(amdvi_cmd_guest_pages(1, 0x12345, amdvi_span_all(), false), "a PASID", 0x3000000100012345,
		0x7ffffffffffff005);
	IS_CMD(amdvi_cmd_iotlb(&io), "device IOTLB", 0x4ade000605bc1234, 0x7004);
	IS_CMD(amdvi_cmd_int_table(0x10), "interrupt table", 0x5000000000000010, 0);
	IS_CMD(amdvi_cmd_complete_ppr(0x10, true, 0x77, 0x1ff, PPR_FAILURE), "page response", 0x7000007700000010,
	       0x0000f1ff00000004);
	IS_CMD(amdvi_cmd_all(), "everything", 0x8000000000000000, 0);
}

static void spans(void)
{
	is_u64(amdvi_span_of(IOVA(0x4000), 0x2000).address, 0x4000, "8 KiB");
	is_u64(amdvi_span_of(IOVA(0x4000), 0x2000).s, 1, "8 KiB: S");
	is_u64(amdvi_span_of(IOVA(0x4000), 0x1000).s, 0, "4 KiB: S");
	is_u64(amdvi_span_of(IOVA(0x10000), 0x10000).address, 0x17000, "64 KiB");
	is_u64(amdvi_span_of(IOVA(0x1f000), 0x2000).address, 0x1f000, "8 KiB over a 128 KiB border");
	is_u64(amdvi_span_of(IOVA(0x200000), 0x200000).address, 0x2ff000, "2 MiB");
	is_u64(amdvi_span_of(IOVA(0), UINT64_MAX).address, 0x7ffffffffffff000, "everything");
	is_u64(amdvi_span_of(IOVA(UINT64_C(1) << 52), UINT64_C(1) << 53).address, 0x7ffffffffffff000, "beyond bit 51");
}

static void events(void)
{
	const uint64_t fault[2] = { 0x2070004200001234, 0x123456789000 }, pasid[2] = { 0x2011fedc000a0018, 0x1000 };
	const uint64_t request[2] = { 0x11202e03abcd0018, 0x7000 };
	struct amdvi_event e = amdvi_event_decode(fault);
	struct amdvi_ppr p = amdvi_ppr_decode(request);

	is_u64(e.code, EV_IO_PAGE_FAULT, "a page fault");
	is_u64(e.device_id, 0x1234, "its device id");
	is_u64(e.domain_id, 0x42, "its domain id");
	is_u64(e.pr, 1, "PR");
	is_u64(e.rw, 1, "RW");
	is_u64(e.pe, 1, "PE");
	is_u64(e.rz | e.gn | e.i | e.tr, 0, "no other flag");
	e = amdvi_event_decode(pasid);
	is_u64(e.gn, 1, "GN");
	is_u64(e.pasid, 0xafedc, "the PASID in two pieces");
	is_u64(p.code, 1, "a page request");
	is_u64(p.pasid, 0xbabcd, "its PASID");
	is_u64(p.tag, 3, "its group");
	is_u64(p.last, 1, "the last of its group");
	is_u64(p.w, 1, "for write");
	is_u64(p.gn, 1, "with PASID");
}

/* The most frequent EFR of real tables. */
static void capabilities(void)
{
	struct amdvi_caps c = amdvi_caps_decode(0x190b640f | 0x08000000, 0, 0x206d73ef22254ade, 0);

	is_u64(c.levels_max, 6, "host levels");
	is_u64(c.guest_levels_max, 4, "guest levels");
	is_u64(c.glx_max, 1, "GLX");
	is_u64(c.pasid_bits, 16, "PASID bits");
	is_u64(c.segments_log2, 3, "segments");
	is_u64(c.smi_filters_n, 2, "SMI filters");
	is_u64(c.ppr && c.xt && c.nx && c.gt && c.ia && c.ga && c.pc && c.us && c.gio && c.eph, 1,
		"features that are there");
	is_u64(c.pref || c.he || c.ha || c.hd, 0, "features that are not");
	is_u64(amdvi_caps_decode(0, 0, 0xc00, 0).levels_max, 0, "HATS = 11b");
}

int main(void)
{
	device_table_entries();
	interrupt_entries();
	paging_entries();
	commands();
	spans();
	events();
	capabilities();
	return done();
}
