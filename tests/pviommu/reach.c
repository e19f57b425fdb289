/* PV-IOMMU: what a device reaches through a context, and what it does not. */
#include "tests/pviommu/fixture.h"
#include <string.h>

#define FILL 0xa5

TEST(pviommu_reach_empty,
     .id = "pviommu.reach.empty",
     .checks = "PVI-145",
     .given = "a device in a context that maps nothing",
     .expects = "the same page that it reached before is refused, at its own address and at others",
     .needs = NEED_PVIOMMU | NEED_ENGINE | NEED_ENGINE_DIRECT)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t with, without;

	with = pvx_start(t);
	pvx_map(t, with, PVX_A, p->pa, 1, PVX_RW);
	expect_reach(t, t->engine, PVX_A, p);
	without = pvx_context(t);
	pvx_attach(t, t->engine, without);
	expect_no_reach(t, t->engine, PVX_A, p);
	expect_no_reach(t, t->engine, gfn_of(p->pa), p);
	expect_no_reach(t, t->engine, 0, p);
}

TEST(pviommu_reach_translated,
     .id = "pviommu.reach.translated",
     .checks = "PVI-146 PVI-147",
     .given = "an address mapped to a page; it is also the number of another page of the domain",
     .expects = "the device writes to and reads from the page that is mapped, and never the other",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *target = page_alloc(t, PAGE_BYTES, 0), *other = page_filled(t, FILL);
	uint16_t ctx = pvx_start(t);

	pvx_map(t, ctx, gfn_of(other->pa), target->pa, 1, PVX_RW);
	expect_reach(t, t->engine, gfn_of(other->pa), target);
	for (unsigned i = 0; i < PAGE_BYTES; i++)
		if (other->p[i] != FILL) {
			fail(t, "the other page is unchanged", "byte %u changed", i);
			return;
		}
}

TEST(pviommu_reach_offsets,
     .id = "pviommu.reach.offsets",
     .checks = "PVI-146",
     .given = "writes at several offsets of a mapped page",
     .expects = "each lands at its offset",
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);
	uint32_t bytes = dma_small_bytes(t, t->engine);

	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	for (uint64_t off = 0; off < PAGE_BYTES; off = off ? 4 * off : bytes)
		expect_write(t, iova_add(iova_of(PVX_A), off), p, off, DMA_DONE);
	expect_write(t, iova_add(iova_of(PVX_A), PAGE_BYTES - bytes), p, PAGE_BYTES - bytes, DMA_DONE);
}

TEST(pviommu_reach_read_only,
     .id = "pviommu.reach.read_only",
     .checks = "PVI-148",
     .given = "a page mapped read-only, next to one mapped read-write",
     .expects = "reads succeed, writes are refused; the other one takes both",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0), *rw = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);

	pvx_map(t, ctx, PVX_A, p->pa, 1, PVIO_MAP_READABLE);
	pvx_map(t, ctx, PVX_A + 1, rw->pa, 1, PVX_RW);
	expect_reach(t, t->engine, PVX_A + 1, rw);
	expect_read(t, iova_of(PVX_A), p, 0, DMA_DONE);
	expect_write(t, iova_of(PVX_A), p, 0, DMA_REFUSED);
}

TEST(pviommu_reach_write_only,
     .id = "pviommu.reach.write_only",
     .checks = "PVI-149",
     .given = "a page mapped write-only",
     .expects = "writes succeed, reads are refused",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);

	pvx_map(t, ctx, PVX_A, p->pa, 1, PVIO_MAP_WRITEABLE);
	expect_write(t, iova_of(PVX_A), p, 0, DMA_DONE);
	expect_read(t, iova_of(PVX_A), p, 0, DMA_REFUSED);
}

/* Half of a transfer across the border of two pages. */
static uint32_t half_bytes(const struct test *t)
{
	return (uint32_t)align_up(16, t->engine->caps.granule_bytes);
}

static bool changed(const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (p[i] != FILL)
			return true;
	return false;
}

TEST(pviommu_reach_cross,
     .id = "pviommu.reach.crossing",
     .checks = "PVI-150",
     .given = "two addresses side by side, mapped to pages in reverse order; a write across the border",
     .expects = "each half lands in its page, and nothing else changes",
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE)
{
	struct page *p = page_alloc(t, 2 * PAGE_BYTES, 0);
	uint32_t half = half_bytes(t);
	uint16_t ctx = pvx_start(t);

	memset(p->p, FILL, 2 * PAGE_BYTES);
	pvx_map(t, ctx, PVX_A, pa_add(p->pa, PAGE_BYTES), 1, PVX_RW);
	pvx_map(t, ctx, PVX_A + 1, p->pa, 1, PVX_RW);
	(void)try_write(t, t->engine, iova_add(iova_of(PVX_A), PAGE_BYTES - half), 2 * half, NULL, 0);
	expect_true(t, changed(p->p + 2 * PAGE_BYTES - half, half), "the end of the first address's page changed");
	expect_true(t, changed(p->p, half), "the start of the second one's page changed");
	expect_true(t, !changed(p->p + half, 2 * PAGE_BYTES - 2 * half), "nothing else changed");
}

TEST(pviommu_reach_cross_ro,
     .id = "pviommu.reach.crossing_read_only",
     .checks = "PVI-151",
     .given = "a read-only page, then a read-write one; a write across the border, then one into the second",
     .expects = "nothing lands in the first; the second takes the half that is its, or the engine gives up before",
     .needs = NEED_PVIOMMU | NEED_ENGINE_WRITE)
{
	struct page *p = page_alloc(t, 2 * PAGE_BYTES, 0);
	uint32_t half = half_bytes(t);
	uint16_t ctx = pvx_start(t);

	memset(p->p, FILL, 2 * PAGE_BYTES);
	pvx_map(t, ctx, PVX_A, p->pa, 1, PVIO_MAP_READABLE);
	pvx_map(t, ctx, PVX_A + 1, pa_add(p->pa, PAGE_BYTES), 1, PVX_RW);
	(void)try_write(t, t->engine, iova_add(iova_of(PVX_A), PAGE_BYTES - half), 2 * half, NULL, 0);
	expect_true(t, !changed(p->p, PAGE_BYTES), "nothing lands in the read-only page");
	expect_true(t, !changed(p->p + PAGE_BYTES + half, PAGE_BYTES - half), "nothing lands behind the transfer");
	if (changed(p->p + PAGE_BYTES, half))
		expect_true(t, p->p[PAGE_BYTES + half] == FILL, "its half lands in the second page");
	expect_write(t, iova_of(PVX_A + 1), p, PAGE_BYTES, DMA_DONE);
}

TEST(pviommu_reach_not_identity,
     .id = "pviommu.reach.old_address",
     .checks = "PVI-152",
     .given = "a page that a device reached by its own address in context 0, mapped at another address in a context",
     .expects = "there it is reached; its own address is refused",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);

	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	expect_reach(t, t->engine, PVX_A, p);
	expect_no_reach(t, t->engine, gfn_of(p->pa), p);
}

TEST(pviommu_reach_map_later,
     .id = "pviommu.reach.map_while_attached",
     .checks = "PVI-153",
     .given = "an address that was refused; then a page is mapped there while the device is in the context",
     .expects = "the device reaches it at once",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);

	expect_no_reach(t, t->engine, PVX_A, p);
	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	expect_reach(t, t->engine, PVX_A, p);
}

TEST(pviommu_reach_storm,
     .id = "pviommu.reach.after_refusals",
     .checks = "PVI-165",
     .given = "24 refused requests one after the other",
     .expects = "the device works again once its bus mastering is on, whatever the hypervisor did to stop the storm",
     .needs = NEED_PVIOMMU | NEED_ENGINE)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint16_t ctx = pvx_start(t);

	pvx_map(t, ctx, PVX_A, p->pa, 1, PVX_RW);
	expect_reach(t, t->engine, PVX_A, p);
	for (unsigned i = 0; i < 24; i++)
		(void)try_write(t, t->engine, iova_of(PVX_B), dma_small_bytes(t, t->engine), p, 0);
	pci_enable(t->engine->dev, true, true);
	expect_reach(t, t->engine, PVX_A, p);
}

TEST(pviommu_reach_msi,
     .id = "pviommu.reach.message",
     .checks = "PVI-167",
     .given = "a device sends a message in context 0, and in a context that maps nothing",
     .expects = "it arrives each time",
     .needs = NEED_PVIOMMU | NEED_ENGINE_MSI)
{
	uint64_t address;
	uint32_t data;
	unsigned vector;

	(void)pvx(t);
	vector = irq_for(t, &address, &data);
	for (unsigned i = 0; i < 2; i++) {
		deadline_t d = deadline_in_us(1000000);

		if (i)
			(void)pvx_start(t);
		must(t, t->engine->ops->msi(t->engine, address, data), "sending a message");
		while (!irq_take(vector))
			if (deadline_over(&d)) {
				fail(t, "the message arrives", "no interrupt");
				break;
			}
	}
}
