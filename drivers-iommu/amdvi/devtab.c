/*
 * The device table (AMD IOMMU 2.2.2, 2.2.2.2).
 */
#include "drivers-iommu/amdvi/devtab.h"
#include "drivers-iommu/amdvi/cmdbuf.h"

#define SEGMENTS_LOG2_MAX 3u

enum status amdvi_devtab_create(struct amdvi_devtab *t, unsigned segments_log2, uint32_t ids_n, amdvi_dte_t value)
{
	if (segments_log2 > SEGMENTS_LOG2_MAX || !ids_n || ids_n > DEVICE_IDS / pow2(segments_log2))
		return ERR_INVALID;
	*t = (struct amdvi_devtab){
		.segments_log2 = segments_log2,
		.bytes = (size_t)align_up(ids_n * sizeof(amdvi_dte_t), PAGE_BYTES),
	};
	t->ids_n = (uint32_t)(t->bytes / sizeof(amdvi_dte_t));
	for (unsigned i = 0; i < pow2(segments_log2); i++) {
		enum status s = mem_alloc(t->bytes, PAGE_BYTES, &t->pa[i]);

		if (s != OK) {
			amdvi_devtab_destroy(t);
			return s;
		}
		t->dte[i] = mem_ptr(t->pa[i], t->bytes);
		for (uint32_t id = 0; id < t->ids_n; id++)
			t->dte[i][id] = value;
	}
	return OK;
}

void amdvi_devtab_destroy(struct amdvi_devtab *t)
{
	for (unsigned i = 0; i < DEVTAB_SEGMENTS_MAX; i++)
		if (t->dte[i])
			mem_free(t->pa[i], t->bytes);
	*t = (struct amdvi_devtab){ 0 };
}

amdvi_dte_t *amdvi_devtab_entry(const struct amdvi_devtab *t, uint16_t device_id)
{
	/* The upper bits of the device id choose the segment (AMD IOMMU 2.2.2.1). */
	uint64_t inside = DEVICE_IDS / pow2(t->segments_log2);

	return device_id % inside < t->ids_n ? &t->dte[device_id / inside][device_id % inside] : NULL;
}

unsigned amdvi_devtab_size(const struct amdvi_devtab *t)
{
	return (unsigned)(t->bytes / PAGE_BYTES - 1);
}

static void store(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

enum status amdvi_dte_replace(struct amdvi_unit *u, const struct amdvi_devtab *t, uint16_t device_id, amdvi_dte_t value,
			      const uint16_t *old_domain_id)
{
	struct amdvi_cmd drop[2] = { amdvi_cmd_devtab_entry(device_id) };
	amdvi_dte_t *e = amdvi_devtab_entry(t, device_id);
	enum status s;

	if (!e)
		return ERR_NOT_FOUND;
	if (old_domain_id)
		drop[1] = amdvi_cmd_pages(*old_domain_id, amdvi_span_all(), true);
	/* V = 1 and TV = 0 blocks whatever the other words hold; V = 0 would let everything through. */
	store(&e->w[0], DTE_V);
	s = amdvi_execute(u, drop, old_domain_id ? 2 : 1);
	if (s != OK)
		return s;
	for (unsigned i = 1; i < ARRAY_LEN(e->w); i++)
		store(&e->w[i], value.w[i]);
	store(&e->w[0], value.w[0]);
	return amdvi_execute(u, drop, 1);
}
