/* What the loader's memory map says of a range of physical addresses. */
#ifndef PORTCULLIS_KERNEL_MEMORY_MAP_H
#define PORTCULLIS_KERNEL_MEMORY_MAP_H

#include "kernel/hal.h"

enum memory_says {
	MEMORY_NO_MAP,   /* this world has none */
	MEMORY_RAM,      /* some of the range is for whoever wants it */
	MEMORY_RESERVED, /* all of it is listed as something else */
	MEMORY_UNLISTED, /* none of it is RAM, and some of it is not listed */
};

/* [pa, pa + bytes), bytes not 0. Entries that overlap: RAM goes before the rest, for somebody may take it for that. */
enum memory_says memory_map_says(pa_t pa, uint64_t bytes);

#endif
