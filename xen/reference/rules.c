/*
 * In which the revisions differ by intent. What an implementation does by mistake (a host that crashes or hangs, a lock
 * that is kept, addresses that wrap around) is no rule of its revision.
 */
#include "xen/reference/internal.h"

#define NUMBERS_T \
	{ PVIO_NOOP, PVIO_QUERY_CAPABILITIES, PVIO_ALLOC_CONTEXT, PVIO_FREE_CONTEXT, PVIO_REATTACH_DEVICE, \
	  PVIO_MAP_PAGES, PVIO_UNMAP_PAGES, PVIO_LOOKUP_PAGE }
#define NUMBERS_H \
	{ PVIO_NOOP, PVIO_QUERY_CAPABILITIES, PVIO_ALLOC_CONTEXT, PVIO_FREE_CONTEXT, PVIO_REATTACH_DEVICE, \
	  PVIO_MAP_PAGES, PVIO_UNMAP_PAGES, PVIO_LOOKUP_PAGE, PVIO_REMOTE_CMD, PVIO_ALLOC_NESTED, PVIO_FLUSH_NESTED, \
	  PVIO_ATTACH_PASID, PVIO_DETACH_PASID }
#define NUMBERS_F \
	{ PVIO_NOOP, PVIO_QUERY_CAPABILITIES, PVIO_INIT, PVIO_ALLOC_CONTEXT, PVIO_FREE_CONTEXT, PVIO_REATTACH_DEVICE, \
	  PVIO_MAP_PAGES, PVIO_UNMAP_PAGES, PVIO_REMOTE_CMD, PVIO_ALLOC_NESTED, PVIO_FLUSH_NESTED, PVIO_ATTACH_PASID, \
	  PVIO_DETACH_PASID, PVIO_FLUSH_PAGES }

const struct pvref_rules pvref_rules[PVIO_REVISIONS] = {
	[PVIO_T] = {
		.numbers = NUMBERS_T, .numbers_n = 8,
		.tagged = true, .hardware_only = true, .dying = true, .default_editable = true,
		.pages_max = PVIO_T_PAGES_MAX, .iova_bits_max = 39,
		.access = XEN_EPERM, .unknown = XEN_EINVAL, .no_device = XEN_ENOENT, .hole = XEN_EPERM,
		.denied_page = XEN_EPERM, .mapped = XEN_EADDRINUSE, .reserved_map = XEN_EADDRINUSE,
		.reserved_unmap = XEN_EADDRINUSE,
	},
	[PVIO_H] = {
		.numbers = NUMBERS_H, .numbers_n = 13,
		.strict = true, .mmio = true, .self = true,
		.access = XEN_ENODEV, .unknown = XEN_EOPNOTSUPP, .no_device = XEN_ENODEV, .hole = XEN_ENOENT,
		.denied_page = XEN_EPERM, .mapped = XEN_EINVAL, .reserved_map = XEN_EINVAL, .reserved_unmap = XEN_EINVAL,
	},
	[PVIO_I] = {
		.numbers = NUMBERS_F, .numbers_n = 13,
		.has_init = true, .dying = true, .counts_up = true, .moves_on = true, .mmio = true, .foreign = true,
		.access = XEN_ENODEV, .unknown = XEN_EOPNOTSUPP, .no_device = XEN_ENODEV, .hole = XEN_ENOENT,
		.denied_page = XEN_EPERM, .mapped = XEN_EADDRINUSE, .reserved_map = XEN_EADDRNOTAVAIL,
		.reserved_unmap = XEN_EADDRNOTAVAIL,
	},
	[PVIO_F] = {
		.numbers = NUMBERS_F, .numbers_n = 14,
		.has_init = true, .dying = true, .counts_up = true, .moves_on = true, .mmio = true, .foreign = true,
		.virtual_devices = true,
		.access = XEN_ENODEV, .unknown = XEN_EOPNOTSUPP, .no_device = XEN_ENODEV, .hole = XEN_ENOENT,
		.denied_page = XEN_EPERM, .mapped = XEN_EADDRINUSE, .reserved_map = XEN_EADDRNOTAVAIL,
		.reserved_unmap = XEN_EADDRNOTAVAIL,
	},
};
