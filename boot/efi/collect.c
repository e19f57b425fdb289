/* Collecting: the report leaves RAM. */
#include "boot/efi/collect.h"
#include "boot/efi/folder.h"
#include "boot/efi/record.h"
#include "boot/efi/screen.h"
#include "kernel/hal.h"
#include "kernel/run_report.h"
#include <string.h>

#define PIECE_BYTES   16384u
#define FOLDERS_MAX   100u
#define NAMES_SHOWN   12
#define NOTE_MAX      160
#define MODE_WRITE    (EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE | EFI_FILE_MODE_CREATE)

/* A file that is being written, piece by piece. */
struct out {
	EFI_FILE_PROTOCOL *file;
	EFI_STATUS status; /* the first error */
	size_t n;
	uint8_t piece[PIECE_BYTES];
};

static struct out out;

static void flush(struct out *o)
{
	UINTN n = o->n;

	if (o->status == EFI_SUCCESS && n) {
		o->status = o->file->Write(o->file, &n, o->piece);
		if (o->status == EFI_SUCCESS && n != o->n)
			o->status = EFI_VOLUME_FULL;
	}
	o->n = 0;
}

static void put(void *arg, const char *text, size_t n)
{
	struct out *o = arg;

	while (n) {
		size_t some = (size_t)min_u64(n, PIECE_BYTES - o->n);

		memcpy(o->piece + o->n, text, some);
		o->n += some;
		text += some;
		n -= some;
		if (o->n == PIECE_BYTES)
			flush(o);
	}
}

static void widen(const char *from, CHAR16 *to, size_t room)
{
	size_t n = 0;

	for (; from[n] && n + 1 < room; n++)
		to[n] = (CHAR16)from[n];
	to[n] = 0;
}

static EFI_FILE_PROTOCOL *open(EFI_FILE_PROTOCOL *in, const char *name, UINT64 mode, UINT64 attributes)
{
	CHAR16 wide[FOLDER_MAX];
	EFI_FILE_PROTOCOL *file;

	widen(name, wide, ARRAY_LEN(wide));
	return in->Open(in, &file, wide, mode, attributes) == EFI_SUCCESS ? file : NULL;
}

/* A folder of that name that was not there before: a second run on one day gets a number. */
static EFI_FILE_PROTOCOL *new_folder(EFI_FILE_PROTOCOL *root, char name[FOLDER_MAX])
{
	EFI_FILE_PROTOCOL *results = open(root, "results", MODE_WRITE, EFI_FILE_DIRECTORY), *folder = NULL;
	size_t n = strlen(name);

	for (unsigned i = 2; results && i < FOLDERS_MAX; i++) {
		EFI_FILE_PROTOCOL *there = open(results, name, EFI_FILE_MODE_READ, 0);

		if (!there) {
			folder = open(results, name, MODE_WRITE, EFI_FILE_DIRECTORY);
			break;
		}
		there->Close(there);
		str_printf(name + n, FOLDER_MAX - n, "-%u", i);
	}
	if (results)
		results->Close(results);
	return folder;
}

static bool begin_file(struct out *o, EFI_FILE_PROTOCOL *folder, const char *name)
{
	o->file = open(folder, name, MODE_WRITE, 0);
	o->status = EFI_SUCCESS;
	o->n = 0;
	return o->file != NULL;
}

/* False: the file is not all there. */
static bool end_file(struct out *o)
{
	flush(o);
	if (o->file->Flush(o->file) != EFI_SUCCESS)
		o->status = EFI_DEVICE_ERROR;
	o->file->Close(o->file);
	return o->status == EFI_SUCCESS;
}

/* Writes one report. False: it is not all there. */
static bool write(EFI_FILE_PROTOCOL *folder, const char *name,
		  void (*report)(const struct run_log *, report_put, void *), const struct run_log *log)
{
	if (!begin_file(&out, folder, name))
		return false;
	report(log, put, &out);
	return end_file(&out);
}

static bool write_record(EFI_FILE_PROTOCOL *folder, const struct nv_record *r)
{
	if (!begin_file(&out, folder, "progress.json"))
		return false;
	nv_json(r, put, &out);
	return end_file(&out);
}

static void put_dmar(const struct run_log *log, report_put to, void *arg)
{
	(void)run_report_table(log, "DMAR", to, arg);
}

static void put_ivrs(const struct run_log *log, report_put to, void *arg)
{
	(void)run_report_table(log, "IVRS", to, arg);
}

static void put_nothing(void *arg, const char *text, size_t n)
{
	(void)arg;
	(void)text;
	(void)n;
}

static bool write_all(EFI_FILE_PROTOCOL *folder, const struct run_log *log)
{
	bool good = write(folder, "results.tap", run_report_tap, log);

	good &= write(folder, "results.json", run_report_json, log);
	good &= write(folder, "machine.json", run_report_machine, log);
	if (run_report_table(log, "DMAR", put_nothing, NULL))
		good &= write(folder, "DMAR.bin", put_dmar, log);
	if (run_report_table(log, "IVRS", put_nothing, NULL))
		good &= write(folder, "IVRS.bin", put_ivrs, log);
	return good;
}

static EFI_FILE_PROTOCOL *medium(const struct app *app)
{
	static EFI_GUID guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
	EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *fs;
	EFI_FILE_PROTOCOL *root;
	void *found;

	if (app->bs->HandleProtocol(app->loaded->DeviceHandle, &guid, &found) != EFI_SUCCESS)
		return NULL;
	fs = found;
	return fs->OpenVolume(fs, &root) == EFI_SUCCESS ? root : NULL;
}

struct shown {
	const struct app *app;
	unsigned n;
	char bail[NOTE_MAX]; /* the sentence that ended the run */
};

static void show_bail(void *arg, const char *sentence)
{
	struct shown *s = arg;

	app_say(s->app, "%s", sentence);
	str_printf(s->bail, sizeof(s->bail), "%s", sentence);
}

static void show_failed(void *arg, const struct report_point *p)
{
	struct shown *s = arg;

	if (p->ok || p->directive != DIRECTIVE_NONE || s->n++ >= NAMES_SHOWN)
		return;
	app_say(s->app, "  failed: %s%s%s", p->id, p->said[0] ? ": " : "", p->said);
}

static void show(const struct app *app, const struct kept *k, char bail[NOTE_MAX])
{
	static struct report_reader reader;
	struct shown s = { .app = app };
	struct report_counts c;

	run_report_counts(&k->log, &c);
	app_say(app, "%u tests: %u passed, %u failed, %u skipped, %u todo.", c.total, c.passed, c.failed, c.skipped, c.todo);
	reader.on_point = show_failed;
	reader.on_bail = show_bail;
	reader.arg = &s;
	run_report_tap(&k->log, report_read, &reader);
	report_read_end(&reader);
	str_printf(bail, NOTE_MAX, "%s", s.bail);
	if (s.n > NAMES_SHOWN)
		app_say(app, "  and %u more", s.n - NAMES_SHOWN);
	if (!k->state.ended)
		app_say(app, "The run did not come to its end.");
	if (k->state.lost)
		app_say(app, "%u records of the log were damaged: the report says where.", k->state.lost);
}

/* The last words, and the summary: last of all, since firmware's console would write over it. */
static void say_end(const struct app *app, bool good, bool medium_there, const char *name, char *note, size_t room)
{
	if (good)
		str_printf(note, room, "The report is in results/%s", name);
	else
		str_printf(note, room, "%s", medium_there ? "The report could not be written: is the medium full or read-only?" :
			   "The report stays in memory: the application came from nothing that can be written.");
	if (good)
		app_say(app, "# @collected results/%s", name);
	else
		app_say(app, "%s", note);
	app_say(app, "%s", APP_END_HINT);
}

void collect(const struct app *app, struct kept *k)
{
	static struct nv_record record;
	EFI_FILE_PROTOCOL *root = medium(app), *folder = NULL;
	char name[FOLDER_MAX], note[NOTE_MAX], bail[NOTE_MAX];
	bool good = false, has_record = record_read(app, &record);

	folder_name(&k->log, name);
	if (root)
		folder = new_folder(root, name);
	if (folder) {
		good = write_all(folder, &k->log);
		if (has_record)
			good &= write_record(folder, &record);
		folder->Close(folder);
	}
	if (root)
		root->Close(root);
	show(app, k, bail);
	if (good)
		record_delete(app);
	say_end(app, good, root, name, note, sizeof(note));
	screen_summary(app, k, bail[0] ? bail : note, bail[0] ? note : APP_END_HINT);
	if (good)
		run_log_erase(&k->log);
}

void collect_record(const struct app *app, const struct nv_record *r)
{
	static struct view view;
	EFI_FILE_PROTOCOL *root = medium(app), *folder = NULL;
	char name[FOLDER_MAX], note[NOTE_MAX];
	bool good = false;

	folder_name_of(r->date, r->board, name);
	if (root)
		folder = new_folder(root, name);
	if (folder) {
		good = write_record(folder, r);
		folder->Close(folder);
	}
	if (root)
		root->Close(root);
	nv_view(r, &view);
	app_say(app, "RAM was cleared; this is what the firmware's variable kept of the run.");
	app_say(app, "%u of %u tests: %u passed, %u failed, %u skipped, %u todo.", r->done, r->planned,
		view.counts[VIEW_PASSED], view.counts[VIEW_FAILED], view.counts[VIEW_SKIPPED], view.counts[VIEW_TODO]);
	if (r->about_to)
		app_say(app, "  failed: %s: the machine was reset while this test ran", r->about_to_id);
	if (good)
		record_delete(app);
	say_end(app, good, root, name, note, sizeof(note));
	screen_view(app, &view, note, APP_END_HINT);
}
