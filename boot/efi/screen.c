/* The screen of the application. */
#include "boot/efi/screen.h"
#include "gen/version.h"
#include "kernel/hal.h"
#include "kernel/screen/view.h"
#include <string.h>

extern const uint8_t font_psf[], font_psf_end[];

void screen_font(const struct app *app)
{
	size_t bytes = (size_t)(font_psf_end - font_psf);
	void *to = app->bi->framebuffer.width ? app_pages(app, bytes, EfiLoaderData) : NULL;

	if (!to)
		return;
	memcpy(to, font_psf, bytes);
	app->bi->font = (struct boot_module){ (uint64_t)(uintptr_t)to, bytes };
}

/* The text of the first record of a kind. */
static void find_text(const struct run_log *log, enum run_log_kind kind, char *to, size_t room)
{
	struct run_log_reader reader = run_log_read(log);
	struct run_log_record r;

	while (run_log_next(&reader, &r))
		if (r.kind == kind) {
			str_printf(to, room, "%.*s", (int)r.len, (const char *)r.payload);
			return;
		}
}

void screen_view(const struct app *app, struct view *v, const char *note, const char *hint)
{
	static struct surface surface;
	const struct boot_framebuffer *fb = &app->bi->framebuffer;

	if (!fb->width || surface_open(&surface, fb, (void *)(uintptr_t)fb->base, font_psf,
				       (size_t)(font_psf_end - font_psf)) != OK)
		return;
	str_printf(v->note, sizeof(v->note), "%s", note);
	str_printf(v->hint, sizeof(v->hint), "%s", hint);
	v->over = true;
	view_draw(v, &surface);
}

void screen_summary(const struct app *app, const struct kept *k, const char *note, const char *hint)
{
	static struct view view;

	str_printf(view.version, sizeof(view.version), "%s", PORTCULLIS_VERSION);
	find_text(&k->log, LOG_BOARD, view.board, sizeof(view.board));
	find_text(&k->log, LOG_DATE, view.date, sizeof(view.date));
	view_replay(&view, &k->log);
	view.planned = k->state.plan_n;
	for (unsigned i = 0; i < view.groups_n; i++) /* the plan's parts are not in the log */
		view.groups[i].planned = view.groups[i].done;
	screen_view(app, &view, note, hint);
}
