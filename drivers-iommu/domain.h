/*
 * Book-keeping that every backend needs: who is attached where, and small numbers that are in use.
 *
 * Objects live in whole pages of physical memory, since that is what the seam hands out.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_DOMAIN_H
#define PORTCULLIS_DRIVERS_IOMMU_DOMAIN_H

#include "drivers-iommu/iommu.h"

/* Zeroed memory for an object, NULL if there is none; object_free() takes what object_alloc() gave, or NULL. */
void *object_alloc(size_t bytes);
void object_free(void *p, size_t bytes);

/* The same function, and the same PASID or none. */
bool requester_same(const struct requester *a, const struct requester *b);

struct attachment {
	struct requester requester;
	struct domain *domain;
};

struct attachments {
	struct attachment *list;
	unsigned n, max;
};

/* Room for max attachments. ERR_NO_MEMORY. */
enum status must_use attachments_create(struct attachments *a, unsigned max);
void attachments_destroy(struct attachments *a);
/* NULL if the requester is not attached. The pointer is good until the next add or remove. */
struct attachment *attachments_find(const struct attachments *a, const struct requester *r);
/* ERR_FULL. */
enum status must_use attachments_add(struct attachments *a, struct requester r, struct domain *d);
void attachments_remove(struct attachments *a, struct attachment *at);

/* Numbers 0..n-1, each free or taken. */
struct id_pool {
	uint64_t *taken;
	uint32_t n;
};

enum status must_use id_pool_create(struct id_pool *p, uint32_t n);
void id_pool_destroy(struct id_pool *p);
/* The lowest free number from first on. ERR_FULL. */
enum status must_use id_take(struct id_pool *p, uint32_t first, uint32_t *id);
void id_give(struct id_pool *p, uint32_t id);

#endif
