/*
 * Xen's PV-IOMMU hypercall as bytes and numbers: the 2024 header proposal (revision H), the tagged operation before it
 * (T), the interface with an init command (I) and the same with deferred flushes (F).
 *
 * Pointers are guest linear addresses; gfn and dfn count pages of 4 KiB, pgsize is in bytes. A dfn is iova / 4096.
 * Results are 0 or negative error numbers. Left out: the array-of-operations forms of 2015 and early 2024.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_PVIOMMU_ABI_H
#define PORTCULLIS_DRIVERS_IOMMU_PVIOMMU_ABI_H

#include "kernel/bits.h"

#define XEN_HYPERCALL_IOMMU_OP 43u

enum xen_errno {
	XEN_EPERM = 1,
	XEN_ENOENT = 2,
	XEN_EIO = 5,
	XEN_E2BIG = 7,
	XEN_ENOMEM = 12,
	XEN_EACCES = 13,
	XEN_EFAULT = 14,
	XEN_EBUSY = 16,
	XEN_EEXIST = 17,
	XEN_ENODEV = 19,
	XEN_EINVAL = 22,
	XEN_ENOSPC = 28,
	XEN_ENOSYS = 38,
	XEN_EOPNOTSUPP = 95,
	XEN_EADDRINUSE = 98,
	XEN_EADDRNOTAVAIL = 99,
};

#define XEN_DOMID_SELF 0x7ff0u

enum pvio_revision { PVIO_NONE, PVIO_T, PVIO_H, PVIO_I, PVIO_F, PVIO_REVISIONS };

/* Commands by meaning; what number each has is the revision's. */
enum pvio_command {
	PVIO_NOOP,
	PVIO_QUERY_CAPABILITIES,
	PVIO_INIT,
	PVIO_ALLOC_CONTEXT,
	PVIO_FREE_CONTEXT,
	PVIO_REATTACH_DEVICE,
	PVIO_MAP_PAGES,
	PVIO_UNMAP_PAGES,
	PVIO_LOOKUP_PAGE,
	PVIO_REMOTE_CMD,
	PVIO_ALLOC_NESTED,
	PVIO_FLUSH_NESTED,
	PVIO_ATTACH_PASID,
	PVIO_DETACH_PASID,
	PVIO_FLUSH_PAGES,
	PVIO_COMMANDS,
};

/* Command numbers: T in its structure's first field, H, I and F in the first argument. */
enum { PVIO_T_NOOP, PVIO_T_QUERY, PVIO_T_ALLOC, PVIO_T_FREE, PVIO_T_REATTACH, PVIO_T_MAP, PVIO_T_UNMAP, PVIO_T_LOOKUP };
enum {
	PVIO_H_NOOP, PVIO_H_QUERY, PVIO_H_ALLOC, PVIO_H_FREE, PVIO_H_REATTACH, PVIO_H_MAP, PVIO_H_UNMAP, PVIO_H_LOOKUP,
	PVIO_H_REMOTE, PVIO_H_ALLOC_NESTED, PVIO_H_FLUSH_NESTED, PVIO_H_ATTACH_PASID, PVIO_H_DETACH_PASID,
};
enum {
	PVIO_I_NOOP, PVIO_I_QUERY, PVIO_I_INIT, PVIO_I_ALLOC, PVIO_I_FREE, PVIO_I_REATTACH, PVIO_I_MAP, PVIO_I_UNMAP,
	PVIO_I_REMOTE, PVIO_I_ALLOC_NESTED, PVIO_I_FLUSH_NESTED, PVIO_I_ATTACH_PASID, PVIO_I_DETACH_PASID,
	PVIO_F_FLUSH_PAGES,
};

#define PVIO_DEFAULT_CONTEXT 0u

/* T: alloc_context, free_context (known from its implementation alone), map_pages */
#define PVIO_T_CREATE_CLONE          (1u << 0)
#define PVIO_T_FREE_REATTACH         (1u << 0)
#define PVIO_T_OP_READABLE           (1u << 0)
#define PVIO_T_OP_WRITEABLE          (1u << 1)
#define PVIO_T_PAGES_MAX             256u
/* H, I, F */
#define PVIO_ALLOC_IDENTITY          (1u << 0)
#define PVIO_FREE_REATTACH_DEFAULT   (1u << 0)
#define PVIO_MAP_READABLE            (1u << 0)
#define PVIO_MAP_WRITEABLE           (1u << 1)
#define PVIO_MAP_CACHE               (1u << 2)
#define PVIO_MAP_NO_FLUSH            (1u << 3) /* F */
#define PVIO_CAP_DEFAULT_IDENTITY    (1u << 0)
#define PVIO_CAP_CACHE               (1u << 1)
#define PVIO_CAP_NESTED              (1u << 2)
#define PVIO_CAP_PASID               (1u << 3)
#define PVIO_CAP_IDENTITY            (1u << 4)
#define PVIO_CAP_DEFERRED_FLUSH      (1u << 5) /* F */

/* A PCI function as hypercalls name it. */
struct pvio_dev {
	uint16_t seg;
	uint8_t bus, devfn;
};

/* ---- T: one structure for all, read whole and written back whole ---- */

struct pvio_t_map { uint64_t gfn, dfn; uint32_t nr_pages, mapped; };
struct pvio_t_unmap { uint64_t dfn; uint32_t nr_pages, unmapped; };
struct pvio_t_lookup { uint64_t gfn, dfn; };
struct pvio_t_cap { uint16_t max_ctx_no; uint16_t pad0; uint32_t max_nr_pages; uint64_t max_iova_addr; };

struct pvio_t_op {
	uint16_t subop_id;
	uint16_t ctx_no;
	uint32_t flags;
	union {
		struct pvio_t_map map_pages;
		struct pvio_t_unmap unmap_pages;
		struct pvio_dev reattach_device;
		struct pvio_t_lookup lookup_page;
		struct pvio_t_cap cap;
	};
};

/* ---- H, I, F: one structure for each command ---- */

struct pvio_capabilities {
	uint64_t max_iova_addr; /* the highest usable byte */
	uint32_t cap_flags, pgsize_mask, max_pasid;
	uint16_t max_ctx_no, pad0;
};
struct pvio_init { uint32_t max_ctx_no, arena_order; };
struct pvio_alloc { uint16_t ctx_no, pad0; uint32_t alloc_flags; };
struct pvio_free { uint16_t ctx_no, pad0; uint32_t free_flags; };
struct pvio_map {
	uint16_t ctx_no, pad0[3];
	uint64_t gfn, dfn;
	uint32_t map_flags, pgsize, nr_pages, mapped;
};
struct pvio_unmap {
	uint16_t ctx_no, pad0[3];
	uint64_t dfn;
	uint32_t pgsize, nr_pages, unmapped, pad1;
};
struct pvio_lookup { uint16_t ctx_no, pad0[3]; uint64_t dfn, gfn; }; /* H */
struct pvio_reattach { uint16_t ctx_no; struct pvio_dev dev; uint16_t pad0; uint32_t pasid; };
struct pvio_remote { uint16_t domid, command; uint32_t pad0; uint64_t arg; };
struct pvio_alloc_nested { uint16_t ctx_no, pad0[3]; uint64_t pgtable_gfn, nested_flags; };
struct pvio_attach_pasid { uint16_t ctx_no; struct pvio_dev dev; uint16_t pad0; uint32_t pasid; };
struct pvio_detach_pasid { struct pvio_dev dev; uint32_t pasid; };
struct pvio_flush { uint16_t ctx_no, pad0[3]; uint64_t dfn; uint32_t pgsize, nr_pages; }; /* F */

#define PVIO_AT(type, field, offset) \
	_Static_assert(offsetof(struct type, field) == (offset), #type "." #field)
#define PVIO_SIZE(type, bytes) _Static_assert(sizeof(struct type) == (bytes), #type)

PVIO_SIZE(pvio_dev, 4);
PVIO_AT(pvio_dev, bus, 2);
PVIO_AT(pvio_dev, devfn, 3);
PVIO_SIZE(pvio_t_op, 32);
PVIO_AT(pvio_t_op, ctx_no, 2);
PVIO_AT(pvio_t_op, flags, 4);
PVIO_AT(pvio_t_op, map_pages.gfn, 8);
PVIO_AT(pvio_t_op, map_pages.dfn, 16);
PVIO_AT(pvio_t_op, map_pages.nr_pages, 24);
PVIO_AT(pvio_t_op, map_pages.mapped, 28);
PVIO_AT(pvio_t_op, unmap_pages.dfn, 8);
PVIO_AT(pvio_t_op, unmap_pages.nr_pages, 16);
PVIO_AT(pvio_t_op, unmap_pages.unmapped, 20);
PVIO_AT(pvio_t_op, reattach_device.seg, 8);
PVIO_AT(pvio_t_op, lookup_page.gfn, 8);
PVIO_AT(pvio_t_op, lookup_page.dfn, 16);
PVIO_AT(pvio_t_op, cap.max_ctx_no, 8);
PVIO_AT(pvio_t_op, cap.max_nr_pages, 12);
PVIO_AT(pvio_t_op, cap.max_iova_addr, 16);
PVIO_SIZE(pvio_capabilities, 24);
PVIO_AT(pvio_capabilities, cap_flags, 8);
PVIO_AT(pvio_capabilities, pgsize_mask, 12);
PVIO_AT(pvio_capabilities, max_pasid, 16);
PVIO_AT(pvio_capabilities, max_ctx_no, 20);
PVIO_SIZE(pvio_init, 8);
PVIO_SIZE(pvio_alloc, 8);
PVIO_AT(pvio_alloc, alloc_flags, 4);
PVIO_SIZE(pvio_free, 8);
PVIO_AT(pvio_free, free_flags, 4);
PVIO_SIZE(pvio_map, 40);
PVIO_AT(pvio_map, gfn, 8);
PVIO_AT(pvio_map, map_flags, 24);
PVIO_AT(pvio_map, mapped, 36);
PVIO_SIZE(pvio_unmap, 32);
PVIO_AT(pvio_unmap, dfn, 8);
PVIO_AT(pvio_unmap, pgsize, 16);
PVIO_AT(pvio_unmap, unmapped, 24);
PVIO_SIZE(pvio_lookup, 24);
PVIO_AT(pvio_lookup, dfn, 8);
PVIO_SIZE(pvio_reattach, 12);
PVIO_AT(pvio_reattach, dev, 2);
PVIO_AT(pvio_reattach, pasid, 8);
PVIO_SIZE(pvio_remote, 16);
PVIO_AT(pvio_remote, command, 2);
PVIO_AT(pvio_remote, arg, 8);
PVIO_SIZE(pvio_alloc_nested, 24);
PVIO_AT(pvio_alloc_nested, pgtable_gfn, 8);
PVIO_SIZE(pvio_attach_pasid, 12);
PVIO_AT(pvio_attach_pasid, pasid, 8);
PVIO_SIZE(pvio_detach_pasid, 8);
PVIO_AT(pvio_detach_pasid, pasid, 4);
PVIO_SIZE(pvio_flush, 24);
PVIO_AT(pvio_flush, dfn, 8);
PVIO_AT(pvio_flush, nr_pages, 20);

#endif
