/*
 * The model's DMA device: docs/model-device.md in C. One instance is one PCI function.
 *
 * It issues transactions with its own requester id on the fabric that it sits on and knows of no IOMMU, but for ATS and
 * page requests.
 */
#ifndef PORTCULLIS_MODEL_DEVICE_H
#define PORTCULLIS_MODEL_DEVICE_H

#include "model/vtd/model.h"

#define MDL_DEVICE_VENDOR    0x5043u
#define MDL_DEVICE_DEVICE    0x4D44u
#define MDL_DEVICE_CLASS     0xFF0000u
#define MDL_DEVICE_BAR_BYTES 0x4000u
#define MDL_DEVICE_BUFFER    8192u
#define MDL_DEVICE_TLB       64u

struct mdl_fabric;

/* What configuration space lets the function do now. */
struct mdl_device_enables {
	bool master, pasid, exec, priv, ats, pri;
};

struct mdl_device_tlb {
	uint64_t address, bytes; /* bytes 0: free */
	uint64_t translated;
	uint32_t pasid;
	bool has_pasid;
	uint32_t answer;
};

struct mdl_device {
	struct mdl_fabric *fabric;
	uint16_t sid;
	struct mdl_device_enables on;
	uint32_t control, length, offset, flags, pasid, prgi, status, moved, sequence, answer;
	uint32_t response, response_pasid, invalidations, withheld;
	uint64_t address, data, result, size;
	struct mdl_device_tlb tlb[MDL_DEVICE_TLB];
	uint32_t tlb_next;       /* the one to go when all are taken */
	uint8_t buffer[MDL_DEVICE_BUFFER];
};

void mdl_device_init(struct mdl_device *d, struct mdl_fabric *f, uint16_t sid);
/* Power-on state; invalidations that wait are answered. Used by CONTROL.RESET and function-level reset. */
void mdl_device_reset(struct mdl_device *d);
/* BAR 0; ctx is the struct mdl_device. */
extern const struct mmio_ops mdl_device_mmio;
/* Drops what inv covers. True: answered. */
bool mdl_device_invalidate(struct mdl_device *d, const struct mdl_devtlb_inv *inv);
void mdl_device_response(struct mdl_device *d, const struct mdl_page_response *rsp);

#endif
