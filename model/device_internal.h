/* What the two files of the model's DMA device share. */
#ifndef PORTCULLIS_MODEL_DEVICE_INTERNAL_H
#define PORTCULLIS_MODEL_DEVICE_INTERNAL_H

#include "model/device.h"

/* FLAGS */
#define DEVICE_PASID      BIT(0)
#define DEVICE_PRIV       BIT(1)
#define DEVICE_EXEC       BIT(2)
#define DEVICE_TRANSLATED BIT(3)
#define DEVICE_NO_WRITE   BIT(4)
#define DEVICE_PR_READ    BIT(8)
#define DEVICE_PR_WRITE   BIT(9)
#define DEVICE_PR_LAST    BIT(10)

void mdl_device_tlb_drop(struct mdl_device *d, const struct mdl_devtlb_inv *inv);
/* A translation arrived: shows it in RESULT, SIZE and ANSWER, and keeps it where it may be kept. */
void mdl_device_tlb_put(struct mdl_device *d, const struct mdl_request *rq, const struct mdl_ats_completion *c);
/* LOOKUP */
void mdl_device_tlb_find(struct mdl_device *d);

#endif
