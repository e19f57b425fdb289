/* PV-IOMMU: query_capabilities. */
#include "tests/pviommu/fixture.h"
#include <string.h>

#define CAPS_BYTES 24u

/* The raw bytes of one query into a buffer filled with a byte; the buffer is longer than the structure. */
static uint8_t *query_bytes(struct test *t, uint8_t fill)
{
	struct page *page = page_filled(t, fill);

	expect_rc(t, "query_capabilities",
		  pvio_raw(&t->bench->pviommu->client, PVIO_H_QUERY, (uint64_t)(uintptr_t)page->p), 0);
	return page->p;
}

static const struct pvio_caps *caps(struct test *t)
{
	struct pvio *p = &t->bench->pviommu->client;

	expect_rc(t, "query_capabilities", pvio_query_capabilities(p), 0);
	return &p->caps;
}

TEST(pviommu_caps_twice,
     .id = "pviommu.caps.constant",
     .checks = "PVI-029",
     .given = "query_capabilities twice",
     .expects = "the same answer",
     .needs = NEED_PVIOMMU)
{
	struct pvio_caps first = *caps(t);

	expect_true(t, !memcmp(&first, caps(t), sizeof(first)), "both answers are the same");
}

TEST(pviommu_caps_pgsize,
     .id = "pviommu.caps.pgsize_mask",
     .checks = "PVI-030",
     .given = "pgsize_mask",
     .expects = "4 KiB is in it, nothing smaller",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	uint32_t mask = caps(t)->pgsize_mask;

	expect_true(t, mask & PAGE_BYTES, "4 KiB pages are offered");
	expect_eq(t, "bits of sizes below 4 KiB", mask & (PAGE_BYTES - 1), 0);
}

TEST(pviommu_caps_flags,
     .id = "pviommu.caps.defined_flags",
     .checks = "PVI-031",
     .given = "cap_flags",
     .expects = "only bits that the revision defines",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	uint32_t defined = (uint32_t)pvx_by(t, 0, 0x1f, 0x1f, 0x3f);

	expect_eq(t, "undefined flags", caps(t)->flags & ~defined, 0);
}

TEST(pviommu_caps_pasid,
     .id = "pviommu.caps.max_pasid",
     .checks = "PVI-032",
     .given = "max_pasid",
     .expects = "0 where PASIDs are not offered, else at least 1",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	const struct pvio_caps *c = caps(t);

	expect_true(t, !(c->flags & PVIO_CAP_PASID) == !c->max_pasid, "max_pasid is 0 exactly where PASIDs are not offered");
}

TEST(pviommu_caps_padding,
     .id = "pviommu.caps.padding",
     .checks = "PVI-033",
     .given = "bytes 22 and 23 of the answer, over fills of the buffer and calls between",
     .expects = "always the same",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	static const uint8_t fills[] = { 0x00, 0xff, 0x5a };
	unsigned first = 0;

	for (unsigned i = 0; i < 6; i++) {
		const uint8_t *b = query_bytes(t, fills[i % ARRAY_LEN(fills)]);
		unsigned pad = b[22] * 256u + b[23];

		if (!i)
			first = pad;
		if (pad != first) {
			fail(t, "the padding is constant", "it varies");
			note(t, "padding 0x%04x, then 0x%04x", first, pad);
			return;
		}
		(void)pvio_noop(&t->bench->pviommu->client);
	}
}

TEST(pviommu_caps_beyond,
     .id = "pviommu.caps.bytes_beyond",
     .checks = "PVI-034",
     .given = "a pattern behind the 24 bytes of the structure",
     .expects = "unchanged",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	const uint8_t *b = query_bytes(t, 0x5a);

	for (unsigned i = CAPS_BYTES; i < PAGE_BYTES; i++)
		if (b[i] != 0x5a) {
			fail(t, "bytes from 24 on are unchanged", "byte %u changed", i);
			return;
		}
}

TEST(pviommu_caps_tagged,
     .id = "pviommu.caps.limits_tagged",
     .checks = "PVI-035",
     .given = "max_nr_pages and max_iova_addr",
     .expects = "not 0; the address is of the form 2^n - 1",
     .revisions = REV_T,
     .needs = NEED_PVIOMMU)
{
	const struct pvio_caps *c = caps(t);

	expect_true(t, c->max_nr_pages != 0, "max_nr_pages is not 0");
	expect_true(t, c->max_iova_addr != 0, "max_iova_addr is not 0");
	expect_eq(t, "max_iova_addr & (max_iova_addr + 1)", c->max_iova_addr & (c->max_iova_addr + 1), 0);
}

TEST(pviommu_caps_fresh,
     .id = "pviommu.caps.before_init",
     .checks = "PVI-036",
     .given = "max_ctx_no before init",
     .expects = "0",
     .revisions = REV_IF,
     .flags = TEST_FIRST,
     .needs = NEED_PVIOMMU)
{
	expect_eq(t, "max_ctx_no", pvx_uninitialised(t)->caps.max_ctx_no, 0);
}

TEST(pviommu_caps_default,
     .id = "pviommu.caps.default_blocking",
     .checks = "PVI-038",
     .given = "domains whose context 0 maps their memory, or refuses all",
     .expects = "default_identity is set for the first, clear for the second",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU)
{
	struct pvb_setup s;

	pvx_setup(t, &s);
	expect_true(t, caps(t)->flags & PVIO_CAP_DEFAULT_IDENTITY, "default_identity is set");
	s.domain.default_blocking = true;
	(void)pvx_remake(t, &s);
	expect_true(t, !(caps(t)->flags & PVIO_CAP_DEFAULT_IDENTITY), "default_identity is clear");
}

TEST(pviommu_caps_default_dma,
     .id = "pviommu.caps.default_agrees_with_dma",
     .checks = "PVI-039",
     .given = "default_identity, and DMA to the domain's memory in context 0",
     .expects = "they agree",
     .revisions = REV_S,
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	expect_default(t, t->engine, caps(t)->flags & PVIO_CAP_DEFAULT_IDENTITY);
}

TEST(pviommu_caps_width,
     .id = "pviommu.caps.width_of_hardware",
     .checks = "PVI-040",
     .given = "max_iova_addr and the widths that the unit below offers",
     .expects = "not larger than the unit's",
     .needs = NEED_PVIOMMU)
{
	unsigned bits;

	if (pvx_on_hypervisor(t))
		skip_unreached(t, "the unit is the hypervisor's, and not shown to its guests");
	bits = t->bench->pviommu->host->caps.input_bits;
	expect_true(t, bits >= 64 || caps(t)->max_iova_addr < pow2(bits), "max_iova_addr is within the unit's width");
	expect_true(t, caps(t)->max_iova_addr >= pow2(30) - 1, "max_iova_addr is of use");
}
