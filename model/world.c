/*
 * Atomic operations on memory, as units of both vendors carry them out.
 */
#include "model/world.h"

#define RETRIES 4u

bool mdl_fetch_add(const struct mdl_mem *mem, uint64_t pa, uint32_t bytes, uint64_t *data)
{
	uint64_t word = align_down(pa, 8), field = bytes == 8 ? UINT64_MAX : shl(BITS(31, 0), (unsigned)(8 * (pa & 4)));
	uint64_t old, seen;

	if (!mem->rd64(mem->ctx, word, &old, 1))
		return false;
	for (unsigned i = 0; i < RETRIES; i++) {
		uint64_t sum = fld_get(field, old) + *data;

		if (!mem->cas64(mem->ctx, word, old, fld_set(field, old, sum), &seen))
			return false;
		if (seen == old) {
			*data = fld_get(field, old);
			return true;
		}
		old = seen;
	}
	return false;
}

bool mdl_set_bits(const struct mdl_mem *mem, uint64_t pa, uint64_t old, uint64_t bits)
{
	uint64_t seen;

	for (unsigned i = 0; i < RETRIES; i++) {
		if (!mem->cas64(mem->ctx, pa, old, old | bits, &seen))
			return false;
		if (seen == old)
			return true;
		old = seen;
	}
	return false;
}
