/*
 * The screen: fonts of both kinds, text in several pixel formats and sizes, nothing outside the framebuffer, and a view
 * of a run. With a name as its argument, writes the view there as a picture (PPM).
 */
#include "kernel/hal.h"
#include "kernel/screen/view.h"
#include "tests/host/tap.h"
#include <stdlib.h>

#define GUARD 4096u

static struct surface s;

/* A font whose glyph c has the bits of c in each line; 8 pixels wide, 10 high. */
static uint8_t psf1[4 + 256 * 10], psf2[32 + 256 * 10 * 2 + 64];

static void make_fonts(void)
{
	static const uint8_t head2[32] = { 0x72, 0xb5, 0x4a, 0x86, 0, 0, 0, 0, 32, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0,
					   20, 0, 0, 0, 10, 0, 0, 0, 12, 0, 0, 0 };
	size_t at = 32 + 256 * 20;

	psf1[0] = 0x36;
	psf1[1] = 0x04;
	psf1[3] = 10;
	memset(psf1 + 4, 0, sizeof(psf1) - 4);
	for (unsigned i = 0; i < 256 * 10; i++)
		psf1[4 + i] = (uint8_t)(i / 10);
	memcpy(psf2, head2, sizeof(head2));
	for (unsigned i = 0; i < 256 * 20; i++)
		psf2[32 + i] = (uint8_t)(i % 2 ? 0x10 : i / 20);
	/* Its table says: glyph 0 shows nothing, glyph 1 shows 'A' and, in a sequence, 'B'. */
	psf2[at++] = 0xff;
	psf2[at++] = 'A';
	psf2[at++] = 0xfe;
	psf2[at++] = 'B';
	psf2[at++] = 0xff;
	while (at < sizeof(psf2))
		psf2[at++] = 0xff;
}

static void test_fonts(void)
{
	struct font f;
	uint8_t broken[sizeof(psf1)];
	unsigned good = 0;

	ok(font_open(&f, psf1, sizeof(psf1)) == OK && f.width == 8 && f.height == 10, "version 1");
	ok(font_pixel(&f, 'A', 1, 0) && font_pixel(&f, 'A', 7, 9) && !font_pixel(&f, 'A', 0, 5), "its 'A' is 01000001");
	ok(font_pixel(&f, (char)200, 7, 0) == font_pixel(&f, '?', 7, 0), "what is not ASCII looks like '?'");
	ok(font_open(&f, psf2, sizeof(psf2)) == OK && f.width == 12 && f.row_bytes == 2, "version 2");
	is_u64(f.index['A' - FONT_FIRST], 1, "its table says where 'A' is");
	is_u64(f.index['B' - FONT_FIRST], 'B', "a sequence does not count");
	ok(font_pixel(&f, 'C', 11, 3), "the second byte of a line");
	ok(font_open(&f, psf1, sizeof(psf1) - 1) == ERR_MALFORMED, "a font that is cut is refused");
	ok(font_open(&f, psf1, 3) == ERR_MALFORMED && font_open(&f, "no font at all", 14) == ERR_MALFORMED, "so is none");
	for (unsigned i = 0; i < 32 * 8; i++) {
		memcpy(broken, psf2, sizeof(broken));
		broken[i / 8] ^= (uint8_t)(1u << i % 8);
		good += font_open(&f, broken, sizeof(broken)) == OK;
	}
	ok(good < 100, "of heads with a wrong bit most are refused, and none is read beyond its end");
}

static uint8_t *pixels_of(const struct boot_framebuffer *fb, uint8_t **all)
{
	size_t n = (size_t)fb->pitch_bytes * fb->height;

	*all = malloc(n + 2 * GUARD);
	memset(*all, 0x5a, n + 2 * GUARD);
	return *all + GUARD;
}

static bool guards_are_whole(const struct boot_framebuffer *fb, const uint8_t *all)
{
	size_t n = (size_t)fb->pitch_bytes * fb->height;
	uint32_t used = fb->width * ((fb->bits_per_pixel + 7) / 8);

	for (unsigned i = 0; i < GUARD; i++)
		if (all[i] != 0x5a || all[GUARD + n + i] != 0x5a)
			return false;
	for (uint32_t y = 0; y < fb->height; y++)
		for (uint32_t x = used; x < fb->pitch_bytes; x++)
			if (all[GUARD + (size_t)y * fb->pitch_bytes + x] != 0x5a)
				return false;
	return true;
}

static uint32_t pixel_at(const struct boot_framebuffer *fb, const uint8_t *pixels, unsigned x, unsigned y)
{
	uint32_t v = 0;

	memcpy(&v, pixels + (size_t)y * fb->pitch_bytes + (size_t)x * ((fb->bits_per_pixel + 7) / 8),
	       (fb->bits_per_pixel + 7) / 8);
	return v;
}

static void fill_view(struct view *v)
{
	static const char *const names[] = { "vtd.ctx.a", "vtd.ctx.b", "dma.map.x@vtd-ss", "dma.map.y@vtd-ss", "self.time.z" };

	memset(v, 0, sizeof(*v));
	str_printf(v->version, sizeof(v->version), "1.0");
	str_printf(v->board, sizeof(v->board), "A board");
	for (unsigned i = 0; i < 5; i++)
		view_plan(v, names[i]);
	for (unsigned i = 0; i < 3; i++) {
		view_start(v, i + 1, names[i]);
		view_done(v, i == 1 ? VIEW_FAILED : VIEW_PASSED);
	}
	view_start(v, 4, names[3]);
}

static void test_formats(void)
{
	static const struct { struct boot_framebuffer fb; unsigned scale; uint32_t text; } cases[] = {
		{ { 0, 1024, 768, 4096, 32, 0xff0000, 0xff00, 0xff }, 1, 0xe6e6e6 },
		{ { 0, 1024, 768, 4200, 32, 0xff, 0xff00, 0xff0000 }, 1, 0xe6e6e6 },
		{ { 0, 800, 600, 2400, 24, 0xff0000, 0xff00, 0xff }, 1, 0xe6e6e6 },
		{ { 0, 640, 480, 1290, 16, 0xf800, 0x7e0, 0x1f }, 1, 0xdf1b },
		{ { 0, 1920, 1080, 7680, 32, 0xff0000, 0xff00, 0xff }, 2, 0xe6e6e6 },
		{ { 0, 2560, 1440, 10240, 32, 0x3ff00000, 0xffc00, 0x3ff }, 3, 0 },
		{ { 0, 323, 157, 1292, 32, 0xff0000, 0xff00, 0xff }, 1, 0xe6e6e6 },
	};
	static struct view v;

	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		const struct boot_framebuffer *fb = &cases[i].fb;
		uint8_t *all, *pixels = pixels_of(fb, &all);

		ok(surface_open(&s, fb, pixels, psf1, sizeof(psf1)) == OK, "%ux%u, %u bits", fb->width, fb->height,
		   fb->bits_per_pixel);
		is_u64(s.scale, cases[i].scale, "text is enlarged as it should be");
		surface_text(&s, 2, 3, COLOUR_TEXT, COLOUR_BACK, "A");
		if (cases[i].text)
			is_u64(pixel_at(fb, pixels, (3 * 8 + 1) * s.scale, 2 * 10 * s.scale), cases[i].text, "a pixel of 'A'");
		is_u64(pixel_at(fb, pixels, 3 * 8 * s.scale, 2 * 10 * s.scale), s.colours[COLOUR_BACK], "one beside it");
		surface_text(&s, s.rows - 1, s.cols - 1, COLOUR_TEXT, COLOUR_BACK, "AAAA");
		surface_text(&s, s.rows, 0, COLOUR_TEXT, COLOUR_BACK, "A");
		surface_fill(&s, fb->width - 3, fb->height - 3, UINT32_MAX, UINT32_MAX, COLOUR_INK);
		fill_view(&v);
		view_draw(&v, &s);
		v.over = true;
		view_draw(&v, &s);
		ok(guards_are_whole(fb, all), "nothing is written outside, nor between the lines");
		free(all);
	}
}

static void test_refused(void)
{
	struct boot_framebuffer fb = { 0, 1024, 768, 4096, 32, 0xff0000, 0xff00, 0xff }, bad;
	static uint8_t pixels[4096 * 768];

	ok(surface_open(&s, &fb, NULL, psf1, sizeof(psf1)) == ERR_UNSUPPORTED, "no memory, no screen");
	ok(surface_open(&s, &fb, pixels, psf1, 10) == ERR_MALFORMED, "no font, no screen");
	bad = fb;
	bad.pitch_bytes = 4092;
	ok(surface_open(&s, &bad, pixels, psf1, sizeof(psf1)) == ERR_UNSUPPORTED, "lines shorter than the screen is wide");
	bad = fb;
	bad.red = 0xf0f000;
	ok(surface_open(&s, &bad, pixels, psf1, sizeof(psf1)) == ERR_UNSUPPORTED, "a colour in two places");
	bad = fb;
	bad.bits_per_pixel = 8;
	ok(surface_open(&s, &bad, pixels, psf1, sizeof(psf1)) == ERR_UNSUPPORTED, "colours by number");
	bad = fb;
	bad.width = 200;
	ok(surface_open(&s, &bad, pixels, psf1, sizeof(psf1)) == ERR_UNSUPPORTED, "too few columns");
}

/* A cell that does not change is not drawn again. */
static void test_only_changes(void)
{
	struct boot_framebuffer fb = { 0, 1024, 768, 4096, 32, 0xff0000, 0xff00, 0xff };
	uint8_t *all, *pixels = pixels_of(&fb, &all);
	static struct view v;
	unsigned touched = 0;

	fill_view(&v);
	ok(surface_open(&s, &fb, pixels, psf1, sizeof(psf1)) == OK, "a screen");
	view_draw(&v, &s);
	memset(pixels, 0x77, 4096 * 768);
	view_draw(&v, &s);
	for (size_t i = 0; i < 4096 * 768; i++)
		touched += pixels[i] != 0x77;
	is_u64(touched, 0, "a second drawing of the same view writes nothing");
	view_done(&v, VIEW_PASSED);
	view_start(&v, 5, "self.time.z");
	view_draw(&v, &s);
	for (size_t i = 0; i < 4096 * 768; i++)
		touched += pixels[i] != 0x77;
	ok(touched > 0 && touched < 100 * 8 * 10 * 4, "one test more writes less than a hundred cells");
	free(all);
}

static void test_view(void)
{
	static struct view v, again;
	static uint8_t region[8192];
	char text[VIEW_SUMMARY_MAX];
	struct run_log log;
	struct run_log_start start = { 1 };
	struct run_log_done done_ = { 1, LOG_PASSED };
	struct run_log_boot boot = { LOSS_CRASH };
	struct run_log_before before = { { 7, 0, 0, 2 } };
	static struct run_log_state state;

	fill_view(&v);
	is_u64(v.groups_n, 3, "three groups");
	is_str(v.groups[1].name, "dma.map", "a group's name ends before the backend");
	ok(v.groups[0].failed == 1 && v.groups[0].done == 2 && v.groups[1].done == 1, "and counts its tests");
	view_summary(&v, text);
	is_str(text, "Portcullis 1.0\nA board\n3 tests: 2 passed, 1 failed, 0 skipped, 0 todo\nfailed: vtd.ctx.b",
	       "the summary");
	for (unsigned i = 0; i < 40; i++) {
		view_start(&v, i, "a.name.that_is_rather_long.and_goes_on_for_quite_some_time.until_its_end@backend");
		view_done(&v, VIEW_FAILED);
	}
	ok(view_summary(&v, text) <= 271 && strstr(text, "\nand 39 more"), "names that do not fit are counted");
	memset(&again, 0, sizeof(again));
	ok(run_log_create(&log, region, sizeof(region), 1) == OK &&
	   run_log_append(&log, LOG_START, &start, sizeof(start), "x.y.a", 5) == OK &&
	   run_log_append(&log, LOG_DONE, &done_, sizeof(done_), NULL, 0) == OK &&
	   run_log_append(&log, LOG_START, &start, sizeof(start), "x.y.b", 5) == OK &&
	   run_log_append(&log, LOG_BOOT, &boot, sizeof(boot), NULL, 0) == OK, "a log");
	ok(run_log_append(&log, LOG_BEFORE, &before, sizeof(before), NULL, 0) == OK, "verdicts of a log that was lost");
	view_replay(&again, &log);
	ok(again.counts[VIEW_PASSED] == 8 && again.counts[VIEW_FAILED] == 1 && again.counts[VIEW_TODO] == 2,
	   "a view of the log has both tests, and those");
	run_log_state(&log, &state);
	ok(state.verdicts[LOG_PASSED] == 8 && state.verdicts[LOG_TODO] == 2, "so has the log's state");
	is_str(again.failed[0], "x.y.b", "and the one that was lost");
}

static int picture(const char *path)
{
	struct boot_framebuffer fb = { 0, 1024, 768, 4096, 32, 0xff, 0xff00, 0xff0000 };
	uint8_t *all, *pixels = pixels_of(&fb, &all);
	static struct view v;
	FILE *out = fopen(path, "wb");

	if (!out || surface_open(&s, &fb, pixels, psf1, sizeof(psf1)) != OK)
		return 1;
	fill_view(&v);
	v.over = true;
	view_draw(&v, &s);
	fprintf(out, "P6\n1024 768\n255\n");
	for (unsigned i = 0; i < 1024 * 768; i++)
		fwrite(pixels + 4 * i, 1, 3, out);
	free(all);
	return fclose(out);
}

int main(int argc, char **argv)
{
	make_fonts();
	if (argc > 1)
		return picture(argv[1]);
	test_fonts();
	test_formats();
	test_refused();
	test_only_changes();
	test_view();
	return done();
}
