/*
 * The model's PCI fabric: a host bridge with a root bus, bridges, functions, and the remapping units that they are
 * behind: all of one vendor.
 *
 * A function issues transactions with its requester id; the fabric finds the unit of that requester as a DMAR or
 * IVRS table would be read (explicit scope of the function or a bridge above it, else the unit for all the rest) and
 * hands them over. The same table is given to whoever asks for it.
 */
#ifndef PORTCULLIS_MODEL_FABRIC_H
#define PORTCULLIS_MODEL_FABRIC_H

#include "model/amdvi/model.h"
#include "model/device.h"
#include "model/vtd/model.h"

#define MDL_FUNCTIONS_MAX 16
#define MDL_UNITS_MAX     4
#define MDL_CONFIG_BYTES  4096
#define MDL_DIRECTS_MAX   16
#define MDL_DMAR_BYTES    512
#define MDL_IVRS_BYTES    1024
/* Where BARs and unit registers lie in the physical address space of a model machine. */
#define MDL_BAR_BASE      UINT64_C(0xE0000000)
#define MDL_BAR_LAST      UINT64_C(0xE0FFFFFF)
#define MDL_UNIT_BASE     UINT64_C(0xFED90000)
#define MDL_UNIT_STEP     UINT64_C(0x8000)
#define MDL_AMD_BASE      UINT64_C(0xFEA00000)
#define MDL_AMD_STEP      UINT64_C(0x80000)

enum mdl_function_kind { MDL_HOST_BRIDGE, MDL_ROOT_PORT, MDL_ENDPOINT, MDL_IOMMU };

struct mdl_function {
	enum mdl_function_kind kind;
	uint8_t devfn;
	int parent;                      /* index of the root port that it is behind, -1: on the root bus */
	uint8_t unit; /* index of its unit; MDL_UNITS_MAX: none of its own; MDL_IOMMU: the one that it is */
	uint32_t bar_bytes;              /* BAR 0, 0: none */
	uint8_t config[MDL_CONFIG_BYTES];
	uint8_t writable[MDL_CONFIG_BYTES];
	struct mdl_device *device;       /* endpoints */
};

/* A direct mapping in use. */
struct mdl_direct_place {
	struct mdl_direct d;
	void (*revoked)(void *ctx, const struct mdl_direct *d);
	void *ctx;
};

/* Memory that firmware keeps for a function: a structure of the DMAR. */
struct mdl_kept {
	const struct mdl_device *device; /* NULL: none */
	uint64_t base, bytes;
};

struct mdl_unit_place {
	const struct mdl_unit_ops *ops;
	void *unit;
	const struct mdl_vtd *vtd;       /* the same, by its vendor; the other NULL */
	const struct mdl_amd *amd;
	bool all;                        /* serves all the rest; else the functions and ports that name it */
};

struct mdl_fabric {
	struct mdl_mem mem;
	void (*message)(void *ctx, uint64_t address, uint32_t data);
	void *message_ctx;
	void (*write_buffer_flush)(void *ctx); /* with the ctx of message; NULL: no write buffer */
	struct mdl_function fns[MDL_FUNCTIONS_MAX];
	unsigned fns_n;
	struct mdl_unit_place units[MDL_UNITS_MAX];
	unsigned units_n;
	struct mdl_kept kept;
	struct mdl_direct_place directs[MDL_DIRECTS_MAX];
	unsigned directs_n;
	uint8_t dmar[MDL_DMAR_BYTES];
	size_t dmar_bytes;
	uint8_t ivrs[MDL_IVRS_BYTES];
	size_t ivrs_bytes;
};

/* An empty fabric: a host bridge at 00:00.0. message takes interrupts where no unit is. */
void mdl_fabric_init(struct mdl_fabric *f, const struct mdl_mem *mem,
		     void (*message)(void *ctx, uint64_t address, uint32_t data), void *ctx);
/*
 * Adds a unit; the fabric gives it the calls by which it reaches devices. Units with explicit scopes come first, the
 * one for all the rest last. ERR_FULL, ERR_INVALID (its configuration).
 */
enum status must_use mdl_fabric_add_unit(struct mdl_fabric *f, struct mdl_vtd *u, const struct mdl_vtd_config *c,
					 void *cache_memory, bool all);
/* The same for AMD-Vi: the unit's function comes to be at 00:00.2 and up. */
enum status must_use mdl_fabric_add_amdvi(struct mdl_fabric *f, struct mdl_amd *u, const struct mdl_amd_config *c,
					  void *cache_memory, bool all);
/* A root port at 00:devfn with the next bus behind it. unit serves all below; MDL_UNITS_MAX: the unit for the rest. */
enum status must_use mdl_fabric_add_port(struct mdl_fabric *f, uint8_t devfn, uint8_t unit, int *port);
/* A DMA device: on the root bus (port -1) or behind a port; unit as above. */
enum status must_use mdl_fabric_add_device(struct mdl_fabric *f, struct mdl_device *d, int port, uint8_t devfn,
					   uint8_t unit);
/* The DMAR names memory (whole pages) as kept by firmware for a device; it is not looked at here. */
void mdl_fabric_keep(struct mdl_fabric *f, const struct mdl_device *d, uint64_t base, uint64_t bytes);
/* Everything was added: builds the DMAR or IVRS table. ERR_FULL. */
enum status must_use mdl_fabric_done(struct mdl_fabric *f);

/* Configuration space, for machine_ops. off is aligned to bytes and below 4096. */
uint32_t mdl_fabric_cfg_rd(struct mdl_fabric *f, uint16_t sid, uint32_t off, unsigned bytes);
void mdl_fabric_cfg_wr(struct mdl_fabric *f, uint16_t sid, uint32_t off, uint32_t v, unsigned bytes);
/* What answers at [pa, pa + bytes): a unit or a BAR that decodes. ERR_NOT_FOUND. */
enum status must_use mdl_fabric_window(struct mdl_fabric *f, uint64_t pa, uint64_t bytes, mmio_t *out);

/* The place of a requester's unit, NULL: none. */
const struct mdl_unit_place *mdl_fabric_unit(struct mdl_fabric *f, uint16_t sid);
enum mdl_completion mdl_fabric_dma(struct mdl_fabric *f, const struct mdl_request *rq, void *data);
/*
 * A direct mapping of the page that a request (MDL_READ or MDL_WRITE, untranslated) reaches, so that more accesses of
 * this kind need not ask. It holds until revoked() is called, which is at the latest when an invalidation ends that
 * concerns it; it may be asked for again then. ERR_FULL: too many at a time. ERR_NOT_FOUND: the request is refused.
 */
enum status must_use mdl_fabric_direct(struct mdl_fabric *f, const struct mdl_request *rq,
				       void (*revoked)(void *ctx, const struct mdl_direct *d), void *ctx,
				       struct mdl_direct *out);
void mdl_fabric_ats(struct mdl_fabric *f, const struct mdl_request *rq, struct mdl_ats_completion *out);
enum mdl_completion mdl_fabric_page_request(struct mdl_fabric *f, const struct mdl_page_request *pr);
void mdl_fabric_devtlb_answer(struct mdl_fabric *f, uint16_t sid);

/* ---- shared by fabric.c, config_space.c, dmar_table.c and ivrs_table.c ---- */

/* Fills configuration space and its write masks; bus: secondary bus of a port; bar: address of BAR 0. */
void mdl_config_build(struct mdl_function *fn, uint8_t bus, uint32_t bar);
/* What the enables of an endpoint's configuration space say now. */
struct mdl_device_enables mdl_config_enables(const struct mdl_function *fn);
bool mdl_config_decodes(const struct mdl_function *fn, uint64_t *bar);
/* A write has reached function-level reset. Clears the enables. */
bool mdl_config_flr(struct mdl_function *fn);
uint8_t mdl_config_secondary(const struct mdl_function *fn);
enum status must_use mdl_dmar_build(struct mdl_fabric *f);
enum status must_use mdl_ivrs_build(struct mdl_fabric *f);

#endif
