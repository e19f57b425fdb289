/* A view from the log of a run. */
#include "kernel/screen/view.h"
#include "kernel/hal.h"

static void lost(struct view *v)
{
	if (v->current[0])
		view_done(v, VIEW_FAILED);
}

static void take(struct view *v, const struct run_log_record *r)
{
	char id[VIEW_ID_MAX];
	size_t len;

	switch (r->kind) {
	case LOG_BOOT:
		lost(v);
		break;
	case LOG_START:
		lost(v);
		len = r->len > sizeof(struct run_log_start) ? r->len - sizeof(struct run_log_start) : 0;
		str_printf(id, sizeof(id), "%.*s", (int)len, (const char *)r->payload + sizeof(struct run_log_start));
		view_start(v, run_log_u32(r, offsetof(struct run_log_start, number)), id);
		break;
	case LOG_DONE:
		if (v->current[0])
			view_done(v, (enum view_verdict)(run_log_u32(r, offsetof(struct run_log_done, verdict)) % VIEW_VERDICTS));
		break;
	case LOG_BEFORE:
		for (unsigned i = 0; i < VIEW_VERDICTS; i++)
			v->counts[i] += run_log_u32(r, i * sizeof(uint32_t));
		break;
	default:
		break;
	}
}

void view_replay(struct view *v, const struct run_log *log)
{
	struct run_log_reader reader = run_log_read(log);
	struct run_log_record r;

	while (run_log_next(&reader, &r))
		take(v, &r);
	lost(v);
}
