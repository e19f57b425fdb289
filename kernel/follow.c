/* Following a run: each step goes to the log before it is taken. */
#include "boot/names.h"
#include "gen/version.h"
#include "kernel/acpi.h"
#include "kernel/console.h"
#include "kernel/efi_runtime.h"
#include "kernel/follow.h"
#include "kernel/memory.h"
#include "kernel/nvram.h"
#include "kernel/paging.h"
#include "kernel/power.h"
#include "kernel/run_log.h"
#include "kernel/screen/screen.h"
#include "kernel/watchdog.h"
#include <string.h>

static struct {
	struct run_log log;
	bool logs, full;
	char bail[160]; /* the sentence that ended the run */
	const char *dog; /* what came of the hardware watchdog */
	const char *nvram; /* what came of persist= */
	bool persists;
	struct view view;
} follow;

static void add(enum run_log_kind kind, const void *head, size_t head_len, const void *tail, size_t tail_len)
{
	if (!follow.logs || run_log_append(&follow.log, kind, head, head_len, tail, tail_len) == OK || follow.full)
		return;
	/* A log that is full keeps what it has, and says so; names and verdicts still find room. */
	follow.full = true;
	if (run_log_append(&follow.log, LOG_FULL, NULL, 0, NULL, 0) != OK)
		return; /* not even that */
}

static void add_text(const char *text, size_t len)
{
	for (size_t at = 0; at < len; at += RUN_LOG_PAYLOAD_MAX)
		add(LOG_TEXT, text + at, (size_t)min_u64(len - at, RUN_LOG_PAYLOAD_MAX), NULL, 0);
}

static void add_string(enum run_log_kind kind, const char *s)
{
	add(kind, s, strlen(s), NULL, 0);
}

static void add_table(const char signature[4])
{
	bool checksum_good;
	size_t bytes = 0, piece;
	const uint8_t *p = acpi_find(signature, &bytes, &checksum_good);
	struct run_log_table head = { .total_bytes = (uint32_t)bytes };

	memcpy(head.signature, signature, sizeof(head.signature));
	for (size_t at = 0; p && at < bytes; at += piece) {
		piece = (size_t)min_u64(bytes - at, RUN_LOG_PAYLOAD_MAX - sizeof(head));
		head.offset = (uint32_t)at; /* tables are far below 4 GiB, see acpi.c */
		add(LOG_TABLE, &head, sizeof(head), p + at, piece);
	}
}

static void begin_log(const struct boot_info *bi, struct options *options)
{
	char line[BOOT_CMDLINE_MAX], board[2 * BOOT_TEXT_MAX], date[32];
	void *region = (void *)(uintptr_t)(DIRECT_MAP + bi->log.base);

	follow.logs = run_log_create(&follow.log, region, bi->log.bytes, entropy()) == OK;
	str_printf(line, sizeof(line), "%s", bi->cmdline);
	if (!options->seed) { /* another start must come to the same plan */
		options->seed = max_u64(entropy(), 1);
		str_printf(line, sizeof(line), "%s seed=%llu", bi->cmdline, (unsigned long long)options->seed);
	}
	add_string(LOG_RUN, line);
	boot_board(&bi->texts, board, sizeof(board));
	add_string(LOG_BOARD, board);
	boot_date(&bi->time, date, sizeof(date));
	add_string(LOG_DATE, date);
	add_table("DMAR");
	add_table("IVRS");
}

/* Goes on with a run that an earlier start left without an end; false: there is none. */
static bool resume(const struct boot_info *bi, struct options *options, struct run_facts *facts, enum run_log_loss loss)
{
	static struct run_log_state state;
	void *region = (void *)(uintptr_t)(DIRECT_MAP + bi->log.base);
	struct run_log_boot boot = { .loss = loss };

	if (run_log_open(&follow.log, region, bi->log.bytes) != OK)
		return false;
	run_log_state(&follow.log, &state);
	if (state.ended || !state.boots_n)
		return false;
	follow.logs = true;
	add(LOG_BOOT, &boot, sizeof(boot), NULL, 0);
	run_log_state(&follow.log, &state);
	options->resume = (uint32_t)max_u64(options->resume, state.started + 1);
	facts->before = (struct run_totals){ state.verdicts[LOG_PASSED], state.verdicts[LOG_FAILED],
					     state.verdicts[LOG_SKIPPED], state.verdicts[LOG_TODO] };
	return true;
}

static void plan(unsigned tests_n)
{
	struct run_log_plan p = { tests_n };

	add(LOG_PLAN, &p, sizeof(p), NULL, 0);
	if (follow.dog)
		log_line("hardware watchdog: %s", follow.dog);
	if (follow.nvram)
		log_line("%s", follow.nvram);
}

static void planned(const char *id)
{
	view_plan(&follow.view, id);
}

static void start(unsigned number, const char *id, bool risky)
{
	struct run_log_start s = { number };

	add(LOG_START, &s, sizeof(s), id, strlen(id));
	view_start(&follow.view, number, id);
	if (follow.persists)
		nvram_start(&follow.view, number, id, risky);
}

static void add_verdict(uint32_t number, uint32_t verdict)
{
	struct run_log_done d = { number, verdict };

	add(LOG_DONE, &d, sizeof(d), NULL, 0);
}

static void done(unsigned number, enum verdict verdict)
{
	_Static_assert(VERDICT_PASS == (int)LOG_PASSED && VERDICT_FAIL == (int)LOG_FAILED &&
		       VERDICT_SKIP == (int)LOG_SKIPPED && VERDICT_TODO == (int)LOG_TODO, "one order");
	_Static_assert((int)LOG_FAILED == (int)VIEW_FAILED && (int)LOG_TODO == (int)VIEW_TODO, "the same one");
	add_verdict(number, verdict);
	view_done(&follow.view, (enum view_verdict)verdict);
	if (follow.persists)
		nvram_done(&follow.view, number, verdict == VERDICT_FAIL);
}

/*
 * The log, and with it the hardware watchdog: a reset is how the report comes to the stick. True where the run of an
 * earlier boot goes on.
 */
static bool follow_by_log(const struct boot_info *bi, struct options *options, struct run_facts *facts)
{
	struct run_log_boot boot = { .loss = LOSS_NONE };
	const char *why;
	bool resumed;

	follow.dog = watchdog_find();
	resumed = resume(bi, options, facts, watchdog_fired() ? LOSS_HANG : LOSS_CRASH);
	if (!resumed) {
		begin_log(bi, options);
		add(LOG_BOOT, &boot, sizeof(boot), NULL, 0);
	}
	if (!follow.logs)
		return false;
	power_set_reset(true);
	if (bi->efi.system_table && efi_runtime_init(bi) == OK)
		power_set_firmware_reset(efi_reset_warm);
	why = watchdog_start();
	if (why)
		follow.dog = why;
	return resumed;
}

static void describe(const struct boot_info *bi)
{
	struct view *v = &follow.view;

	boot_board(&bi->texts, v->board, sizeof(v->board));
	boot_date(&bi->time, v->date, sizeof(v->date));
	str_printf(v->version, sizeof(v->version), "%s", PORTCULLIS_VERSION);
	str_printf(v->note, sizeof(v->note), "Looking for IOMMUs and engines");
}

/* All of the plan is known. The test that an earlier boot did not come back from has its verdict here. */
static void planned_all(void)
{
	const char *id;
	uint32_t lost;
	struct run_log_start s;

	if (!follow.persists)
		return;
	nvram_plan(&follow.view);
	lost = nvram_lost(&id);
	if (!lost)
		return;
	s.number = lost;
	add(LOG_START, &s, sizeof(s), id, strlen(id));
	add_verdict(lost, LOG_FAILED);
	report_lost(lost, id, "the machine was reset while this test ran, and its RAM was cleared");
}

/* What goes to the console. */
static void hear(const char *text, size_t len)
{
	static const char bail[] = "Bail out! ";
	const size_t n = sizeof(bail) - 1;

	add_text(text, len);
	if (len > n && !memcmp(text, bail, n) && !follow.bail[0])
		str_printf(follow.bail, sizeof(follow.bail), "%.*s", (int)min_u64(len - n - 1, sizeof(follow.bail)), text + n);
}

void follow_open(const struct boot_info *bi)
{
	describe(bi);
	console_follow(hear);
	power_set_hold(screen_open(bi, &follow.view));
}

void follow_begin(const struct boot_info *bi, struct options *options, struct run_facts *facts)
{
	static const struct run_follower follower = {
		.plan = plan, .planned = planned, .planned_all = planned_all, .start = start, .done = done,
	};
	bool resumed = false;

	if (bi->log.bytes)
		resumed = follow_by_log(bi, options, facts);
	if (resumed)
		view_replay(&follow.view, &follow.log);
	follow.persists = options->persist[0];
	if (follow.persists) {
		struct run_log_before before;

		follow.nvram = nvram_begin(bi, options, facts, &follow.view, resumed ? &follow.log : NULL);
		nvram_before(before.verdicts);
		if (!resumed)
			add(LOG_BEFORE, &before, sizeof(before), NULL, 0);
	}
	facts->follower = &follower;
}

void follow_end(int code)
{
	struct run_log_end end = { (uint32_t)code };

	watchdog_stop();
	add(LOG_END, &end, sizeof(end), NULL, 0);
	if (follow.persists)
		nvram_end(&follow.view);
	screen_close(follow.bail[0] ? follow.bail : follow.logs ?
		     "The run is over; the machine is reset and the report goes to the stick." : "The run is over.");
}
