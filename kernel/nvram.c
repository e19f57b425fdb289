/* Progress in a firmware variable. */
#include "kernel/nvram.h"
#include "kernel/efi_runtime.h"
#include "kernel/nv_record.h"
#include <string.h>

static const uint16_t name[] = NV_NAME;
static const struct efi_guid vendor = PORTCULLIS_VENDOR;

static struct {
	bool on;
	bool stale;          /* the variable names a test that has come back since */
	struct nv_record record;
	struct nv_budget budget;
	uint64_t free_bytes;
	uint32_t lost;
	uint32_t before[VIEW_VERDICTS];
	char lost_id[NV_ID_MAX];
	char said[160];
} nv;

static void write(const struct view *v)
{
	enum status s;

	if (!nv.on || !nv.budget.left)
		return;
	nv_take(&nv.record, v);
	nv_seal(&nv.record);
	nv.budget.left--;
	nv.stale = nv.record.about_to != 0;
	s = efi_variable_set(name, &vendor, EFI_VARIABLE_KEPT, &nv.record, sizeof(nv.record));
	if (s == OK)
		return;
	nv.on = false;
	log_line("persist=nvram: firmware's store takes no more (%s): the log in RAM serves alone", status_text(s));
}

/* What an earlier boot of this run left; false: nothing. */
static bool found(const char *cmdline)
{
	static struct nv_record r;
	size_t n = sizeof(r);

	if (efi_variable_get(name, &vendor, &r, &n) != OK || !nv_open(&nv.record, &r, n))
		return false;
	return nv.record.words == nv_words_hash(cmdline) && !nv.record.ended && nv.record.boots < NV_BOOTS_MAX;
}

static void go_on(struct options *options, struct run_facts *facts, struct view *v)
{
	struct nv_record *r = &nv.record;

	options->resume = (uint32_t)max_u64(options->resume, nv_resume(r));
	options->seed = r->seed;
	memcpy(nv.before, r->counts, sizeof(nv.before));
	nv_view(r, v);
	facts->before = (struct run_totals){ v->counts[VIEW_PASSED], v->counts[VIEW_FAILED], v->counts[VIEW_SKIPPED],
					     v->counts[VIEW_TODO] };
	v->planned = 0; /* the plan is told again */
	for (unsigned i = 0; i < v->groups_n; i++)
		v->groups[i].planned = 0;
	if (!r->about_to)
		return;
	nv.lost = r->about_to;
	memcpy(nv.lost_id, r->about_to_id, sizeof(nv.lost_id));
	nv_done(r, r->about_to, true);
}

const char *nvram_begin(const struct boot_info *bi, struct options *options, struct run_facts *facts, struct view *v,
			const struct run_log *goes_on)
{
	uint64_t all, largest;
	bool known;
	enum status s = efi_runtime_init(bi);

	if (s == OK)
		s = efi_variable_room(EFI_VARIABLE_KEPT, &all, &nv.free_bytes, &largest);
	if (s != OK) {
		str_printf(nv.said, sizeof(nv.said), "persist=nvram: no store of firmware's can be used (%s): the log in RAM "
			   "serves alone", status_text(s));
		return nv.said;
	}
	known = found(bi->cmdline);
	if (known && !goes_on)
		go_on(options, facts, v);
	if (!known) {
		if (!options->seed) /* another start must come to the same plan */
			options->seed = max_u64(entropy(), 1);
		nv_begin(&nv.record, bi->cmdline, options->seed, v);
	}
	if (goes_on)
		nv_replay(&nv.record, goes_on);
	nv.record.boots++;
	if (!nv_budget(&nv.record, nv.free_bytes, 1).left || largest < sizeof(nv.record)) {
		str_printf(nv.said, sizeof(nv.said), "persist=nvram: firmware's store is full (%llu bytes free) or was written "
			   "enough: the log in RAM serves alone", (unsigned long long)nv.free_bytes);
		return nv.said;
	}
	nv.on = true;
	str_printf(nv.said, sizeof(nv.said), "persist=nvram: progress is kept in a variable of %u bytes, of %llu that are "
		   "free", (unsigned)sizeof(nv.record), (unsigned long long)nv.free_bytes);
	return nv.said;
}

void nvram_before(uint32_t verdicts[VIEW_VERDICTS])
{
	memcpy(verdicts, nv.before, sizeof(nv.before));
}

uint32_t nvram_lost(const char **id)
{
	uint32_t number = nv.lost;

	*id = nv.lost_id;
	nv.lost = 0;
	return number;
}

void nvram_plan(const struct view *v)
{
	if (!nv.on)
		return;
	nv.budget = nv_budget(&nv.record, nv.free_bytes, v->planned);
	write(v);
}

void nvram_start(const struct view *v, uint32_t number, const char *id, bool risky)
{
	if (!nv.on || (!risky && !nv.stale) || !nv_worth(&nv.budget, true))
		return;
	nv.record.about_to = risky ? number : 0;
	str_printf(nv.record.about_to_id, sizeof(nv.record.about_to_id), "%s", risky ? id : "");
	write(v);
}

void nvram_done(const struct view *v, uint32_t number, bool failed)
{
	if (!nv.on)
		return;
	nv_done(&nv.record, number, failed);
	if (nv_worth(&nv.budget, false))
		write(v);
}

void nvram_end(const struct view *v)
{
	nv.record.ended = 1;
	write(v);
}
