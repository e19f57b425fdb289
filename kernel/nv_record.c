/* The record in a firmware variable. */
#include "kernel/nv_record.h"
#include "kernel/hal.h"
#include "kernel/report_internal.h"
#include <string.h>

#define MAGIC   0x564e4350u /* "PCNV" */
#define VERSION 1
#define CHECK_FROM offsetof(struct nv_record, version)
#define FNV_BASIS 0x811c9dc5u
#define FNV_PRIME 0x01000193u
#define LAST_WRITES 2u /* kept for the end, and for the boot after the next */
#define STORE_OVERHEAD 128u /* of a variable: its head and its name */

_Static_assert(sizeof(struct nv_record) < 2048, "one small record");

static uint32_t hash(const void *p, size_t n)
{
	const uint8_t *at = p;
	uint32_t h = FNV_BASIS;

	for (size_t i = 0; i < n; i++)
		h = (uint32_t)((h ^ at[i]) * (uint64_t)FNV_PRIME); /* modulo 2^32 is the rule */
	return h;
}

uint32_t nv_words_hash(const char *cmdline)
{
	return hash(cmdline, strlen(cmdline));
}

void nv_begin(struct nv_record *r, const char *cmdline, uint64_t seed, const struct view *v)
{
	memset(r, 0, sizeof(*r));
	r->magic = MAGIC;
	r->version = VERSION;
	r->bytes = sizeof(*r);
	r->words = nv_words_hash(cmdline);
	r->seed = seed;
	str_printf(r->version_text, sizeof(r->version_text), "%s", v->version);
	str_printf(r->board, sizeof(r->board), "%s", v->board);
	str_printf(r->date, sizeof(r->date), "%s", v->date);
}

static uint16_t capped(uint32_t n)
{
	return (uint16_t)min_u64(n, UINT16_MAX);
}

void nv_take(struct nv_record *r, const struct view *v)
{
	r->planned = v->planned;
	memcpy(r->counts, v->counts, sizeof(r->counts));
	r->groups_n = (uint16_t)min_u64(v->groups_n, NV_GROUPS_MAX);
	for (unsigned i = 0; i < r->groups_n; i++) {
		const struct view_group *g = &v->groups[i];

		str_printf(r->groups[i].name, sizeof(r->groups[i].name), "%s", g->name);
		r->groups[i].planned = capped(g->planned);
		r->groups[i].done = capped(g->done);
		r->groups[i].failed = capped(g->failed);
	}
}

void nv_done(struct nv_record *r, uint32_t number, bool failed)
{
	r->done = number;
	r->about_to = 0;
	if (failed && r->failed_n < NV_FAILED_MAX)
		r->failed[r->failed_n] = capped(number);
	r->failed_n += failed;
}

/* A test of a log that has a verdict, or will never have one. */
static void replayed(struct nv_record *r, uint32_t *running, bool failed)
{
	if (*running > r->done)
		nv_done(r, *running, failed);
	*running = 0;
}

void nv_replay(struct nv_record *r, const struct run_log *log)
{
	struct run_log_reader reader = run_log_read(log);
	struct run_log_record record;
	uint32_t running = 0;

	while (run_log_next(&reader, &record)) {
		if (record.kind == LOG_DONE)
			replayed(r, &running, run_log_u32(&record, offsetof(struct run_log_done, verdict)) == LOG_FAILED);
		else if (record.kind == LOG_BOOT || record.kind == LOG_START)
			replayed(r, &running, true);
		if (record.kind == LOG_START)
			running = run_log_u32(&record, offsetof(struct run_log_start, number));
	}
	replayed(r, &running, true);
}

void nv_seal(struct nv_record *r)
{
	r->writes++;
	r->check = hash((const uint8_t *)r + CHECK_FROM, sizeof(*r) - CHECK_FROM);
}

static bool ends(const char *text, size_t room)
{
	for (size_t i = 0; i < room; i++) {
		if (!text[i])
			return true;
		if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] >= 0x7f)
			return false;
	}
	return false;
}

bool nv_open(struct nv_record *r, const void *bytes, size_t n)
{
	if (n != sizeof(*r))
		return false;
	memcpy(r, bytes, n);
	if (r->magic != MAGIC || r->version != VERSION || r->bytes != n || r->groups_n > NV_GROUPS_MAX ||
	    r->check != hash((const uint8_t *)r + CHECK_FROM, sizeof(*r) - CHECK_FROM))
		return false;
	for (unsigned i = 0; i < r->groups_n; i++)
		if (!ends(r->groups[i].name, sizeof(r->groups[i].name)))
			return false;
	return ends(r->about_to_id, sizeof(r->about_to_id)) && ends(r->version_text, sizeof(r->version_text)) &&
		ends(r->board, sizeof(r->board)) && ends(r->date, sizeof(r->date));
}

uint32_t nv_resume(const struct nv_record *r)
{
	return (uint32_t)max_u64(r->done, r->about_to) + 1;
}

void nv_view(const struct nv_record *r, struct view *v)
{
	memset(v, 0, sizeof(*v));
	str_printf(v->version, sizeof(v->version), "%s", r->version_text);
	str_printf(v->board, sizeof(v->board), "%s", r->board);
	str_printf(v->date, sizeof(v->date), "%s", r->date);
	v->planned = r->planned;
	v->started = r->done;
	memcpy(v->counts, r->counts, sizeof(v->counts));
	for (unsigned i = 0; i < VIEW_FAILED_MAX && i < r->failed_n; i++)
		str_printf(v->failed[i], VIEW_ID_MAX, "test %u of the plan", r->failed[i]);
	v->groups_n = r->groups_n;
	for (unsigned i = 0; i < r->groups_n; i++) {
		str_printf(v->groups[i].name, VIEW_GROUP_NAME, "%s", r->groups[i].name);
		v->groups[i].planned = r->groups[i].planned;
		v->groups[i].done = r->groups[i].done;
		v->groups[i].failed = r->groups[i].failed;
	}
	if (r->about_to) {
		view_start(v, r->about_to, r->about_to_id);
		view_done(v, VIEW_FAILED);
	}
}

/* ---- progress.json ---- */

static void put_groups(const struct nv_record *r, report_put put, void *arg)
{
	for (unsigned i = 0; i < r->groups_n; i++) {
		put_fmt(put, arg, "%s\n  {\"name\": ", i ? "," : "");
		put_string(put, arg, r->groups[i].name);
		put_fmt(put, arg, ", \"planned\": %u, \"done\": %u, \"failed\": %u}", r->groups[i].planned, r->groups[i].done,
			r->groups[i].failed);
	}
}

void nv_json(const struct nv_record *r, report_put put, void *arg)
{
	static struct view v;
	const struct { const char *key, *value; } texts[] = {
		{ "version", r->version_text }, { "board", r->board }, { "date", r->date },
	};

	nv_view(r, &v);
	put_text(put, arg, "{");
	for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
		put_fmt(put, arg, "%s\n \"%s\": ", i ? "," : "", texts[i].key);
		put_string(put, arg, texts[i].value);
	}
	put_fmt(put, arg, ",\n \"ended\": %s, \"boots\": %u, \"writes\": %u, \"seed\": %llu,\n", r->ended ? "true" : "false",
		r->boots, r->writes, (unsigned long long)r->seed);
	put_fmt(put, arg, " \"summary\": {\"planned\": %u, \"last\": %u, \"passed\": %u, \"failed\": %u, \"skipped\": %u, "
		"\"todo\": %u},\n \"lost\": ", r->planned, r->done, v.counts[VIEW_PASSED], v.counts[VIEW_FAILED],
		v.counts[VIEW_SKIPPED], v.counts[VIEW_TODO]);
	if (r->about_to) {
		put_fmt(put, arg, "{\"number\": %u, \"id\": ", r->about_to);
		put_string(put, arg, r->about_to_id);
		put_text(put, arg, "}");
	} else {
		put_text(put, arg, "null");
	}
	put_text(put, arg, ",\n \"failed\": [");
	for (unsigned i = 0; i < r->failed_n && i < NV_FAILED_MAX; i++)
		put_fmt(put, arg, "%s%u", i ? ", " : "", r->failed[i]);
	put_text(put, arg, "],\n \"groups\": [");
	put_groups(r, put, arg);
	put_text(put, arg, "\n ]\n}\n");
}

/* ---- how often ---- */

struct nv_budget nv_budget(const struct nv_record *r, uint64_t free_bytes, uint32_t planned)
{
	struct nv_budget b = { .left = NV_WRITES_MAX - (uint32_t)min_u64(r->writes, NV_WRITES_MAX) };

	b.left = (uint32_t)min_u64(b.left, free_bytes / 2 / (sizeof(*r) + STORE_OVERHEAD));
	if (b.left < LAST_WRITES)
		b.left = 0;
	/* Half of them for progress, the other half for tests that may take the machine with them. */
	b.every = (uint32_t)max_u64(planned / max_u64(b.left / 2, 1) + 1, 1);
	return b;
}

bool nv_worth(struct nv_budget *b, bool about_to)
{
	if (b->left <= LAST_WRITES)
		return false;
	if (!about_to && ++b->since < b->every)
		return false;
	b->since = 0;
	return true;
}
