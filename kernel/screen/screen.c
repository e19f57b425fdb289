/*
 * The kernel's screen. The run only fills the view; all drawing is the timer tick's, ten times a second, so that tests
 * lose no time by it.
 */
#include "kernel/screen/screen.h"
#include "kernel/memory.h"
#include "kernel/paging.h"

#define DRAW_EVERY_US 100000u

static struct surface surface;
static struct view *view;
static bool drawing;
static uint64_t began_us, drawn_us;

bool screen_open(const struct boot_info *bi, struct view *v)
{
	const struct boot_framebuffer *fb = &bi->framebuffer;
	const void *font = (const void *)(uintptr_t)(DIRECT_MAP + bi->font.base);
	void *pixels;

	if (!fb->width || !bi->font.len_bytes)
		return false;
	pixels = paging_map_framebuffer(PA(fb->base), (uint64_t)fb->pitch_bytes * fb->height);
	if (surface_open(&surface, fb, pixels, font, bi->font.len_bytes) != OK)
		return false;
	view = v;
	began_us = drawn_us = time_us();
	view_draw(view, &surface);
	drawing = true;
	return true;
}

void screen_tick(uint64_t now_us)
{
	if (!drawing || now_us - drawn_us < DRAW_EVERY_US)
		return;
	drawn_us = now_us;
	view->elapsed_s = (now_us - began_us) / 1000000;
	view_draw(view, &surface);
}

void screen_close(const char *note)
{
	if (!drawing)
		return;
	drawing = false; /* the tick must not draw meanwhile */
	view->over = true;
	view->current[0] = 0;
	view->elapsed_s = (time_us() - began_us) / 1000000;
	str_printf(view->note, sizeof(view->note), "%s", note);
	view_draw(view, &surface);
}
