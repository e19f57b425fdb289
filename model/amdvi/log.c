/*
 * Rings that the unit fills: event log, PPR log and GA log (AMD IOMMU 2.5, 2.6 and 2.7).
 *
 * A ring holds one entry less than it has slots. What finds no room is lost, the overflow bit is set and the log stops
 * until software switches it off, clears the bit and switches it on again.
 */
#include "model/amdvi/internal.h"

struct log_desc {
	uint8_t base, head, tail;
	uint8_t words;            /* of an entry */
	uint64_t on, int_on;      /* control bits */
	uint64_t run, overflow, interrupt;
};

static const struct log_desc logs[] = {
	[LOG_EVENT] = { AR_EVT_BASE, AR_EVT_HEAD, AR_EVT_TAIL, 2, CTL_EVT_LOG, CTL_EVT_INT,
			ST_EVT_RUN, ST_EVT_OVERFLOW, ST_EVT_INT },
	[LOG_PPR] = { AR_PPR_BASE, AR_PPR_HEAD, AR_PPR_TAIL, 2, CTL_PPR_LOG, CTL_PPR_INT,
		      ST_PPR_RUN, ST_PPR_OVERFLOW, ST_PPR_INT },
	[LOG_GA] = { AR_GA_BASE, AR_GA_HEAD, AR_GA_TAIL, 1, CTL_GA_LOG, CTL_GA_INT,
		     ST_GA_RUN, ST_GA_OVERFLOW, ST_GA_INT },
};

static bool *stopped(struct mdl_amd *u, enum mdl_amd_log log)
{
	return log == LOG_EVENT ? &u->evt_stopped : log == LOG_PPR ? &u->ppr_stopped : &u->ga_stopped;
}

void mdl_amd_log_control(struct mdl_amd *u)
{
	for (unsigned i = 0; i < ARRAY_LEN(logs); i++) {
		const struct log_desc *l = &logs[i];
		bool on = mdl_amd_ctl(&u->st, l->on | CTL_IOMMU);

		if (!on)
			*stopped(u, (enum mdl_amd_log)i) = false;
		if (on && !*stopped(u, (enum mdl_amd_log)i) && (u->st.r[AR_STATUS] & l->overflow) == 0)
			u->st.r[AR_STATUS] |= l->run;
		else
			u->st.r[AR_STATUS] &= ~l->run;
	}
}

/* PprOverflowEarly: the fill level has reached the threshold of 2088h. */
static void early(struct mdl_amd *u, uint64_t size)
{
	uint64_t r = u->st.r[AR_PPR_EARLY];
	uint64_t filled = (u->st.r[AR_PPR_TAIL] + size - u->st.r[AR_PPR_HEAD]) % size / 16;

	if ((r & PPR_EARLY_ENABLE) != 0 && filled >= fld_get(PPR_EARLY_LEVEL, r))
		mdl_amd_raise(u, ST_PPR_EARLY, (r & PPR_EARLY_INT) != 0 ? 0 : CTL_PPR_INT, LOG_PPR);
}

bool mdl_amd_log_put(struct mdl_amd *u, enum mdl_amd_log log, const uint64_t *entry)
{
	const struct log_desc *l = &logs[log];
	uint64_t *r = u->st.r;
	uint64_t size = pow2(4 + (unsigned)fld_get(RING_LEN, r[l->base]));
	uint64_t next = (r[l->tail] + 8u * l->words) % size;
	uint8_t bytes[16];

	if ((r[AR_STATUS] & l->run) == 0)
		return false;
	if (next == r[l->head]) {
		*stopped(u, log) = true;
		mdl_amd_raise(u, l->overflow, l->int_on, log);
		mdl_amd_log_control(u);
		return false;
	}
	/* The entry, then the tail, then status and message. */
	for (unsigned i = 0; i < 8u * l->words; i++)
		bytes[i] = (uint8_t)shr(entry[i / 8], 8 * (i % 8));
	if (!u->mem.wr(u->mem.ctx, (r[l->base] & BASE_ADDR) + r[l->tail], bytes, 8u * l->words))
		return false;
	r[l->tail] = next;
	mdl_amd_raise(u, l->interrupt, l->int_on, log);
	if (log == LOG_PPR)
		early(u, size);
	return true;
}
