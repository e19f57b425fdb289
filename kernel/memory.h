/* Physical memory on metal: which RAM is ours. */
#ifndef PORTCULLIS_KERNEL_MEMORY_H
#define PORTCULLIS_KERNEL_MEMORY_H

#include "boot/boot_info.h"
#include "kernel/page_pool.h"

/* Fills the pool from the memory map, less the first MiB, our image and what the loader left there. */
void memory_init(const struct boot_info *bi);
struct page_pool *memory_pool(void);
/* RAM in the memory map, in MiB. */
uint64_t memory_total_mib(void);

#endif
