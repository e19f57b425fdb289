/*
 * Configuration space of the model's functions (PCI Local Bus 3.0 chapter 6, PCI-to-PCI Bridge 1.2, PCI Express Base
 * 4.0 chapter 7): bytes and, for each, which bits can be written.
 */
#include "model/fabric.h"

#define CAP_PCIE      0x40u
#define CAP_ATS       0x100u
#define CAP_PRI       0x110u
#define CAP_PASID     0x120u

#define COMMAND_MEM   BIT(1)
#define COMMAND_BME   BIT(2)
#define DEVCTL_FLR    BIT(15)
#define ATS_ENABLE    BIT(15)
#define PRI_ENABLE    BIT(0)
#define PASID_ENABLE  BIT(0)
#define PASID_EXEC    BIT(1)
#define PASID_PRIV    BIT(2)

static void put(uint8_t *at, uint32_t off, uint32_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[off + i] = (uint8_t)shr(v, 8 * i);
}

static uint32_t get(const uint8_t *at, uint32_t off, unsigned bytes)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint32_t)shl(at[off + i], 8 * i);
	return v;
}

static void head(struct mdl_function *fn, uint32_t id, uint32_t class_code, uint8_t header)
{
	put(fn->config, 0x00, id, 4);
	put(fn->config, 0x08, class_code * 256 + 1, 4); /* revision 1 */
	put(fn->config, 0x0E, header, 1);
	put(fn->writable, 0x04, (uint32_t)(COMMAND_MEM | COMMAND_BME | BIT(10)), 2);
	put(fn->writable, 0x0C, 0xFF, 1);
	put(fn->writable, 0x3C, 0xFF, 1);
}

/* PCI Express capability, version 2: type is the device/port type. */
static void express(struct mdl_function *fn, uint32_t type, bool flr)
{
	put(fn->config, 0x06, (uint32_t)BIT(4), 2);     /* capabilities list */
	put(fn->config, 0x34, CAP_PCIE, 1);
	put(fn->config, CAP_PCIE, 0x10, 2);             /* id; end of the list */
	put(fn->config, CAP_PCIE + 2, 2 + 16 * type, 2);
	put(fn->config, CAP_PCIE + 4, (uint32_t)(BIT(15) | (flr ? BIT(28) : 0)), 4);
	put(fn->writable, CAP_PCIE + 8, 0x7FFF, 2);
	put(fn->config, CAP_PCIE + 12, 0x11, 4);        /* link: 2.5 GT/s, one lane */
	put(fn->config, CAP_PCIE + 18, 0x11, 2);
}

static void extended(struct mdl_function *fn)
{
	put(fn->config, CAP_ATS, 0x000F | 0x10000 | CAP_PRI * 0x100000, 4);
	put(fn->config, CAP_ATS + 4, (uint32_t)BIT(5), 2);           /* queue depth 0 = 32; page-aligned requests */
	put(fn->writable, CAP_ATS + 6, (uint32_t)ATS_ENABLE | 0x1F, 2);
	put(fn->config, CAP_PRI, 0x0013 | 0x10000 | CAP_PASID * 0x100000u, 4);
	put(fn->writable, CAP_PRI + 4, (uint32_t)PRI_ENABLE, 2);
	put(fn->config, CAP_PRI + 6, (uint32_t)(BIT(8) | BIT(15)), 2); /* stopped; responses carry a PASID */
	put(fn->config, CAP_PRI + 8, 512, 4);                        /* capacity */
	put(fn->writable, CAP_PRI + 12, 0x3FF, 4);
	put(fn->config, CAP_PASID, 0x001B | 0x10000, 4);
	put(fn->config, CAP_PASID + 4, (uint32_t)(PASID_EXEC | PASID_PRIV | FLD(BITS(12, 8), 20)), 2);
	put(fn->writable, CAP_PASID + 6, (uint32_t)(PASID_ENABLE | PASID_EXEC | PASID_PRIV), 2);
}

void mdl_config_build(struct mdl_function *fn, uint8_t bus, uint32_t bar)
{
	switch (fn->kind) {
	case MDL_HOST_BRIDGE:
		head(fn, MDL_DEVICE_VENDOR | 0x4D480000, 0x060000, 0);
		break;
	case MDL_ROOT_PORT:
		head(fn, MDL_DEVICE_VENDOR | 0x4D520000, 0x060400, 1);
		express(fn, 4, false);
		put(fn->config, 0x19, bus, 1);
		put(fn->config, 0x1A, bus, 1);
		put(fn->config, 0x20, (uint32_t)fld_get(BITS(31, 20), bar) * 16, 2); /* 1 MiB, non-prefetchable */
		put(fn->config, 0x22, (uint32_t)fld_get(BITS(31, 20), bar) * 16, 2);
		put(fn->config, 0x24, 0xFFF0, 2);                                    /* prefetchable: none */
		put(fn->writable, 0x18, 0xFFFFFF, 3);
		put(fn->writable, 0x20, 0xFFF0FFF0, 4);
		put(fn->writable, 0x24, 0xFFF0FFF0, 4);
		break;
	case MDL_ENDPOINT:
		head(fn, MDL_DEVICE_VENDOR | MDL_DEVICE_DEVICE * 0x10000, MDL_DEVICE_CLASS, 0);
		express(fn, 0, true);
		extended(fn);
		put(fn->config, 0x10, bar, 4);
		put(fn->writable, 0x10, ~(fn->bar_bytes - 1), 4);
		break;
	case MDL_IOMMU:
		break; /* the unit holds it itself */
	}
}

struct mdl_device_enables mdl_config_enables(const struct mdl_function *fn)
{
	uint32_t pasid = get(fn->config, CAP_PASID + 6, 2);

	return (struct mdl_device_enables){
		.master = (get(fn->config, 0x04, 2) & COMMAND_BME) != 0,
		.pasid = (pasid & PASID_ENABLE) != 0,
		.exec = (pasid & PASID_EXEC) != 0,
		.priv = (pasid & PASID_PRIV) != 0,
		.ats = (get(fn->config, CAP_ATS + 6, 2) & ATS_ENABLE) != 0,
		.pri = (get(fn->config, CAP_PRI + 4, 2) & PRI_ENABLE) != 0,
	};
}

bool mdl_config_decodes(const struct mdl_function *fn, uint64_t *bar)
{
	*bar = get(fn->config, 0x10, 4) & ~15u;
	return fn->bar_bytes != 0 && (get(fn->config, 0x04, 2) & COMMAND_MEM) != 0;
}

bool mdl_config_flr(struct mdl_function *fn)
{
	if (fn->kind != MDL_ENDPOINT)
		return false;
	put(fn->config, 0x04, 0, 2);
	put(fn->config, 0x10, 0, 4);
	put(fn->config, CAP_ATS + 6, 0, 2);
	put(fn->config, CAP_PRI + 4, 0, 2);
	put(fn->config, CAP_PASID + 6, 0, 2);
	return true;
}

uint8_t mdl_config_secondary(const struct mdl_function *fn)
{
	return fn->config[0x19];
}
