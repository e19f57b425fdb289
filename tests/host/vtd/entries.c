/*
 * Golden vectors: entries, descriptors, capabilities and fault records as literal words, worked out by hand from the
 * layouts of VT-d chapters 6, 9 and 11.
 */
#include "drivers-iommu/vtd/desc.h"
#include "drivers-iommu/vtd/fault.h"
#include "drivers-iommu/vtd/tables.h"
#include "tests/host/hal_hosted.h"
#include "tests/host/tap.h"

static void is_words(const uint64_t *seen, const uint64_t *expected, unsigned n, const char *what)
{
	for (unsigned i = 0; i < n; i++)
		is_u64(seen[i], expected[i], "%s, quadword %u", what, i);
}

#define IS_ENTRY(value, what, ...) \
	is_words((value).w, (const uint64_t[ARRAY_LEN((value).w)]){ __VA_ARGS__ }, ARRAY_LEN((value).w), what)
#define IS_DESC(value, what, ...) is_words((value).q, (const uint64_t[4]){ __VA_ARGS__ }, 4, what)

static void legacy_entries(void)
{
	IS_ENTRY(vtd_root(PA(0x12345000)), "legacy root", 0x12345001, 0);
	IS_ENTRY(vtd_ctx(TT_UNTRANSLATED, PA(0xabcde000), 4, 0x1234), "context, 4 levels", 0xabcde001, 0x123402);
	IS_ENTRY(vtd_ctx(TT_ATS, PA(0xfffffffff000), 3, 0xffff), "context, ATS, 3 levels", 0xfffffffff005, 0xffff01);
	IS_ENTRY(vtd_ctx(TT_PASSTHROUGH, PA(0), 5, 7), "context, pass-through", 0x9, 0x703);
}

static void scalable_entries(void)
{
	is_u64(vtd_sm_root_half(PA(0x1000)), 0x1001, "scalable root half");
	IS_ENTRY(vtd_sm_ctx(PA(0x7fff000), 7, 0xfffff, true), "scalable context, PASIDs", 0x7fffe09, 0xfffff, 0, 0);
	IS_ENTRY(vtd_sm_ctx(PA(0x1000), 0, 0, false), "scalable context, plain", 0x1001, 0, 0, 0);
	IS_ENTRY(vtd_pasid_dir(PA(0x5000)), "PASID directory", 0x5001);
	IS_ENTRY(vtd_pasid_ss(PA(0x200000), 4, 0x42, true), "PASID, second stage, snooped", 0x200089, 0x800042, 0, 0, 0,
		 0, 0, 0);
	IS_ENTRY(vtd_pasid_ss(PA(0x200000), 3, 1, false), "PASID, second stage, 3 levels", 0x200085, 1, 0, 0, 0, 0, 0,
		 0);
	IS_ENTRY(vtd_pasid_ss(PA(0x200000), 5, 1, false), "PASID, second stage, 5 levels", 0x20008d, 1, 0, 0, 0, 0, 0,
		 0);
	IS_ENTRY(vtd_pasid_nested(IOVA(0x300000), PA(0x200000), 4, 9, true), "PASID, nested", 0x2000c9, 0x800009, 0x300000, 0,
		 0, 0, 0, 0);
	IS_ENTRY(vtd_pasid_nested(IOVA(0xfffffffff000), PA(0x200000), 3, 0xffff, false), "PASID, nested, 3 levels", 0x2000c5,
		 0xffff, 0xfffffffff000, 0, 0, 0, 0, 0);
	IS_ENTRY(vtd_pasid_fs(PA(0x300000), 5, 9, false), "PASID, first stage, 5 levels", 0x4d, 9, 0x300004, 0, 0, 0, 0,
		 0);
	IS_ENTRY(vtd_pasid_fs(PA(0x300000), 4, 9, true), "PASID, first stage, snooped", 0x49, 0x800009, 0x300000, 0, 0,
		 0, 0, 0);
	IS_ENTRY(vtd_pasid_passthrough(4, 3), "PASID, pass-through", 0x109, 3, 0, 0, 0, 0, 0, 0);
}

static void interrupt_entries(void)
{
	IS_ENTRY(vtd_irte(0x31, 0x12, false, 0x0018), "IRTE, 8-bit destination", 0x0000120000310001, 0x40018);
	IS_ENTRY(vtd_irte(0x31, 0x12345678, true, 0xffff), "IRTE, 32-bit destination", 0x1234567800310001, 0x4ffff);
}

static void descriptors(void)
{
	IS_DESC(vtd_desc_cc_global(), "context-cache, global", 0x11);
	IS_DESC(vtd_desc_cc_domain(0x1234), "context-cache, domain", 0x12340021);
	IS_DESC(vtd_desc_cc_device(0xabcd, 0x0108, 3), "context-cache, device", 0x00030108abcd0031);
	IS_DESC(vtd_desc_iotlb_global(false), "IOTLB, global", 0x12);
	IS_DESC(vtd_desc_iotlb_global(true), "IOTLB, global, drained", 0xd2);
	IS_DESC(vtd_desc_iotlb_domain(5, false), "IOTLB, domain", 0x50022);
	IS_DESC(vtd_desc_iotlb_page(5, IOVA(0x123450000), 4, true, false), "IOTLB, pages", 0x50032, 0x123450044);
	IS_DESC(vtd_desc_piotlb_pasid(5, 0xfffff), "PASID IOTLB, all", 0x000fffff00050026);
	IS_DESC(vtd_desc_piotlb_page(5, 1, IOVA(0x7000), 0, false), "PASID IOTLB, page", 0x0000000100050036, 0x7000);
	IS_DESC(vtd_desc_pc_global(), "PASID-cache, global", 0x37);
	IS_DESC(vtd_desc_pc_domain(5), "PASID-cache, domain", 0x50007);
	IS_DESC(vtd_desc_pc_pasid(5, 0x12345), "PASID-cache, PASID", 0x0001234500050017);
	IS_DESC(vtd_desc_iec_global(), "interrupt entry cache, global", 0x4);
	IS_DESC(vtd_desc_iec_index(0x100, 8), "interrupt entry cache, 256 entries", 0x0000010040000014);
	IS_DESC(vtd_desc_wait(WAIT_SW, 0xdeadbeef, PA(0x1004)), "wait, status", 0xdeadbeef00000025, 0x1004);
	IS_DESC(vtd_desc_wait(WAIT_IF | WAIT_FN | WAIT_PD, 0, PA(0)), "wait, IF FN PD", 0xd5);
	IS_DESC(vtd_desc_page_response(0x0300, true, 0x12345, 0x1ff, PGR_FAILURE), "page response", 0x000123450300f019,
		0xffc);
}

static void device_tlb_descriptors(void)
{
	struct vtd_dev_tlb d = { .sid = 0x0208, .pfsid = 0xabcd, .mip = 5, .iova = IOVA(0x1000) };

	IS_DESC(vtd_desc_dev_tlb(&d), "Device-TLB, one page", 0xabc002080005d003, 0x1000);
	d.iova = IOVA(0x8000);
	d.log2_pages = 3;
	IS_DESC(vtd_desc_dev_tlb(&d), "Device-TLB, 8 pages", 0xabc002080005d003, 0xb001);
	d.log2_pages = 52;
	IS_DESC(vtd_desc_dev_tlb(&d), "Device-TLB, everything", 0xabc002080005d003, 0x7ffffffffffff001);
	d.iova = IOVA(0x2000);
	d.log2_pages = 1;
	IS_DESC(vtd_desc_pdev_tlb(&d, 0x12345, false), "PASID Device-TLB, 2 pages", 0xabc123450208d058, 0x2800);
	IS_DESC(vtd_desc_pdev_tlb(&d, 0, true), "PASID Device-TLB, all PASIDs", 0xabc000000208d058, 0x2801);
}

static void fault_records(void)
{
	struct vtd_fault f = vtd_fault_decode(0x123456789fff, 0xe1234571b0000108);

	ok(f.f && f.t1 && f.t2 && f.pp && f.priv && !f.exe, "fault record: single bits");
	is_u64(f.fi, 0x123456789000, "fault record: FI");
	is_u64(f.sid, 0x0108, "fault record: SID");
	is_u64(f.fr, 0x71, "fault record: FR");
	is_u64(f.pv, 0x12345, "fault record: PV");
	is_u64(f.at, 2, "fault record: AT");
	f = vtd_fault_decode(0, 0x4000000640000000);
	ok(!f.f && f.t1 && !f.t2 && !f.pp && !f.priv && f.exe && f.fr == 6 && f.at == 0,
	   "fault record: EXE, T1, F clear");
	is_str(vtd_reason(0x0c)->name, "LSS.2", "name of reason 0Ch");
	is_str(vtd_reason(0x91)->name, "SFS.10", "name of reason 91h");
	ok(!vtd_reason(0x0f) && !vtd_reason(0x92) && !vtd_reason(0), "codes that the manual does not have");
	ok(vtd_reason(0x01)->qualified == NOT_QUALIFIED && vtd_reason(0x02)->qualified == QUALIFIED,
	   "which reasons FPD suppresses");
}

static void capabilities(void)
{
	struct vtd_caps c = vtd_caps_decode(0x10, 0x00d2008c222f0686, 0x0000000000f00f5a);
	const char *names[64];
	unsigned n;

	is_u64(c.major, 1, "VER major");
	is_u64(c.minor, 0, "VER minor");
	is_u64(c.domains_n, 65536, "CAP.ND = 6");
	is_u64(c.levels_max, 4, "SAGAW: deepest walk");
	ok(vtd_caps_levels(&c, 3) && vtd_caps_levels(&c, 4) && !vtd_caps_levels(&c, 5) && !vtd_caps_levels(&c, 2),
	   "SAGAW: walks");
	is_u64(c.mgaw_bits, 48, "MGAW");
	is_u64(c.fro_bytes, 0x220, "FRO");
	is_u64(c.fault_records_n, 1, "NFR");
	is_u64(c.mamv, 18, "MAMV");
	ok(c.cm && c.psi && c.ss_2m && c.ss_1g && c.dwd && c.drd && !c.rwbf && !c.zlr && !c.esrtps, "CAP: single bits");
	is_u64(c.iro_bytes, 0xf0, "IRO");
	is_u64(c.mhmv, 15, "MHMV");
	ok(!c.c && c.qi && !c.dt && c.ir && c.eim && c.pt && !c.sc && !c.smts, "ECAP: single bits");
	ok(c.rbi && !vtd_caps_decode(0x60, 0, 0).rbi, "registers for invalidation: below major 6");
	is_u64(vtd_caps_decode(0x10, 0, 0x0000019900000000).pasid_bits, 20, "PSS = 19 with PASID");
	is_u64(vtd_caps_decode(0x10, 0, 0x0000009800000000).pasid_bits, 0, "PSS without PASID");
	n = vtd_caps_features(&c, names, ARRAY_LEN(names));
	is_u64(n, 12, "features");
	is_str(names[0], "CM", "first feature");
	is_str(names[n - 1], "PT", "last feature");
}

int main(void)
{
	legacy_entries();
	scalable_entries();
	interrupt_entries();
	descriptors();
	device_tlb_descriptors();
	fault_records();
	capabilities();
	return done();
}
