/*
 * The view of a run. From the top: title, bar, counts, what runs; groups in columns; what failed. At the end the QR
 * code takes the lower right.
 */
#include "kernel/screen/view.h"
#include "kernel/hal.h"
#include "kernel/screen/qr.h"
#include <string.h>

#define MARGIN      2u
#define ROW_TITLE   1u
#define ROW_BAR     3u
#define ROW_COUNTS  5u
#define ROW_CURRENT 7u
#define ROW_GROUPS  10u
#define GROUP_COLS  38u
#define FAILED_ROWS (VIEW_FAILED_MAX + 2u) /* heading and a blank line, too */
#define QR_PART_OF_HEIGHT 2u
#define QR_MODULE_MIN 2u /* pixels */
#define SUMMARY_NAMES_MAX 4u

/* ---- filling it ---- */

static void copy(char *to, size_t room, const char *from, size_t n)
{
	n = (size_t)min_u64(n, room - 1);
	memcpy(to, from, n);
	to[n] = 0;
}

/* The first two words of a test's name. */
static size_t group_of(const char *id)
{
	size_t n = 0;

	for (unsigned dots = 0; id[n] && id[n] != '@'; n++)
		if (id[n] == '.' && ++dots == 2)
			break;
	return n;
}

/* The group of a test, made where it is new; tests beyond the last group all count there. */
static struct view_group *group(struct view *v, const char *id)
{
	char name[VIEW_GROUP_NAME];

	copy(name, sizeof(name), id, group_of(id));
	for (unsigned i = 0; i < v->groups_n; i++)
		if (!strcmp(v->groups[i].name, name))
			return &v->groups[i];
	if (v->groups_n == VIEW_GROUPS_MAX)
		return &v->groups[VIEW_GROUPS_MAX - 1];
	copy(v->groups[v->groups_n].name, VIEW_GROUP_NAME, name, strlen(name));
	return &v->groups[v->groups_n++];
}

void view_plan(struct view *v, const char *id)
{
	v->planned++;
	group(v, id)->planned++;
}

void view_start(struct view *v, uint32_t number, const char *id)
{
	v->started = number;
	copy(v->current, sizeof(v->current), id, strlen(id));
}

void view_done(struct view *v, enum view_verdict verdict)
{
	struct view_group *g = group(v, v->current);

	g->done++;
	if (verdict == VIEW_FAILED) {
		g->failed++;
		if (v->counts[VIEW_FAILED] < VIEW_FAILED_MAX)
			copy(v->failed[v->counts[VIEW_FAILED]], VIEW_ID_MAX, v->current, strlen(v->current));
	}
	v->counts[verdict]++;
	v->current[0] = 0;
}

static uint32_t total(const struct view *v)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < VIEW_VERDICTS; i++)
		n += v->counts[i];
	return n;
}

size_t view_summary(const struct view *v, char out[VIEW_SUMMARY_MAX])
{
	uint32_t failed = v->counts[VIEW_FAILED], shown = (uint32_t)min_u64(failed, SUMMARY_NAMES_MAX);
	int n = str_printf(out, VIEW_SUMMARY_MAX, "Portcullis %s\n%s\n%s%s%u tests: %u passed, %u failed, %u skipped, %u todo",
			   v->version, v->board, v->date, v->date[0] ? "\n" : "", total(v), v->counts[VIEW_PASSED], failed,
			   v->counts[VIEW_SKIPPED], v->counts[VIEW_TODO]);
	size_t at = (size_t)min_u64((uint64_t)n, VIEW_SUMMARY_MAX - 1);

	for (uint32_t i = 0; i < shown; i++) {
		/* Only whole names, and room for how many more. */
		if (at + strlen(v->failed[i]) + sizeof("\nfailed: \nand 4294967295 more") > VIEW_SUMMARY_MAX) {
			shown = i;
			break;
		}
		at += (size_t)str_printf(out + at, VIEW_SUMMARY_MAX - at, "\nfailed: %s", v->failed[i]);
	}
	if (failed > shown)
		at += (size_t)str_printf(out + at, VIEW_SUMMARY_MAX - at, "\nand %u more", failed - shown);
	return (size_t)min_u64(at, QR_BYTES_MAX);
}

/* ---- drawing it ---- */

static void draw_bar(const struct view *v, struct surface *s)
{
	unsigned width = s->cols - 2 * MARGIN, full = v->planned ? (unsigned)((uint64_t)total(v) * width / v->planned) : 0;

	for (unsigned i = 0; i < width; i++)
		surface_text(s, ROW_BAR, MARGIN + i, COLOUR_DIM, i < full ? COLOUR_BAR : COLOUR_BACK, i < full ? " " : "-");
}

static void draw_counts(const struct view *v, struct surface *s)
{
	static const char *const names[] = { "passed", "failed", "skipped", "todo" };
	static const enum colour colours[] = { COLOUR_GOOD, COLOUR_BAD, COLOUR_DIM, COLOUR_WARN };
	unsigned col = MARGIN;

	surface_line(s, ROW_COUNTS, col, col + 16, COLOUR_TEXT, "%u of %u", total(v), v->planned);
	col += 16;
	for (unsigned i = 0; i < VIEW_VERDICTS && col + 16 < s->cols; i++, col += 15)
		surface_line(s, ROW_COUNTS, col, col + 15, v->counts[i] ? colours[i] : COLOUR_DIM, "%u %s", v->counts[i], names[i]);
	if (col + 8 + MARGIN <= s->cols && (v->elapsed_s || !v->over)) /* who reads a log knows no time */
		surface_line(s, ROW_COUNTS, s->cols - 8 - MARGIN, s->cols - MARGIN, COLOUR_DIM, "%2llu:%02llu:%02llu",
			     (unsigned long long)(v->elapsed_s / 3600), (unsigned long long)(v->elapsed_s / 60 % 60),
			     (unsigned long long)(v->elapsed_s % 60));
}

static void draw_group(const struct view_group *g, struct surface *s, unsigned row, unsigned col, unsigned end)
{
	enum colour colour = g->failed ? COLOUR_BAD : g->done == g->planned && g->done ? COLOUR_GOOD :
		g->done ? COLOUR_TEXT : COLOUR_DIM;

	if (g->failed)
		surface_line(s, row, col, end, colour, "%-18s%4u/%-5u%u failed", g->name, g->done, g->planned, g->failed);
	else
		surface_line(s, row, col, end, colour, "%-18s%4u/%u", g->name, g->done, g->planned);
}

/* The order that groups are shown in: at the end, those with failures first. Stable meanwhile, or they would jump. */
static void order_groups(const struct view *v, uint8_t order[VIEW_GROUPS_MAX])
{
	unsigned n = 0;

	for (unsigned failed = 0; failed < 2; failed++)
		for (unsigned i = 0; i < v->groups_n; i++)
			if (v->over ? (v->groups[i].failed == 0) == failed : failed == 0)
				order[n++] = (uint8_t)i; /* below VIEW_GROUPS_MAX */
}

/* Fills columns from the left; groups that find no room are told in one line. */
static void draw_groups(const struct view *v, struct surface *s, unsigned end_row, unsigned end_col)
{
	unsigned rows = end_row > ROW_GROUPS + 1 ? end_row - ROW_GROUPS : 1, columns, shown;
	uint8_t order[VIEW_GROUPS_MAX];

	order_groups(v, order);
	columns = (unsigned)max_u64((end_col - MARGIN) / GROUP_COLS, 1);
	shown = (unsigned)min_u64(v->groups_n, rows * columns);
	for (unsigned i = 0; i < shown; i++) {
		unsigned col = MARGIN + i / rows * GROUP_COLS;

		if (i == rows * columns - 1 && v->groups_n > shown)
			surface_line(s, ROW_GROUPS + i % rows, col, end_col, COLOUR_DIM, "and %u more groups", v->groups_n - i);
		else
			draw_group(&v->groups[order[i]], s, ROW_GROUPS + i % rows, col,
				   (unsigned)min_u64(col + GROUP_COLS - 1, end_col));
	}
}

static void draw_failed(const struct view *v, struct surface *s, unsigned row, unsigned end_col)
{
	unsigned failed = v->counts[VIEW_FAILED];

	if (!failed)
		return;
	for (unsigned i = 0; i < failed && i < VIEW_FAILED_MAX; i++)
		surface_line(s, row + i, MARGIN, end_col, COLOUR_BAD, "failed: %s", v->failed[i]);
	if (failed > VIEW_FAILED_MAX)
		surface_line(s, row + VIEW_FAILED_MAX, MARGIN, end_col, COLOUR_BAD, "and %u more", failed - VIEW_FAILED_MAX);
}

/* Draws the code in the lower right corner. Returns the first column that it takes; all columns: there is no room. */
static unsigned draw_code(const struct view *v, struct surface *s)
{
	static struct qr q;
	char text[VIEW_SUMMARY_MAX];
	unsigned cell = s->font.width * s->scale, modules, module, side, x, y;

	if (qr_encode(text, view_summary(v, text), QR_L, &q) != OK)
		return s->cols;
	modules = q.side + 2 * QR_QUIET;
	module = s->height / QR_PART_OF_HEIGHT / modules;
	if (module < QR_MODULE_MIN || module * modules > s->width / 2)
		return s->cols;
	side = module * modules;
	x = (s->cols - MARGIN) * cell - side;
	y = s->height - side - s->font.height * s->scale;
	surface_fill(s, x, y, side, side, COLOUR_PAPER);
	for (unsigned r = 0; r < q.side; r++)
		for (unsigned c = 0; c < q.side; c++)
			if (q.dark[r][c])
				surface_fill(s, x + (c + QR_QUIET) * module, y + (r + QR_QUIET) * module, module, module,
					     COLOUR_INK);
	return x / cell - 1;
}

void view_draw(const struct view *v, struct surface *s)
{
	unsigned failed_row = s->rows - FAILED_ROWS, end_col = s->cols - MARGIN;
	bool roomy = s->rows > ROW_GROUPS + FAILED_ROWS + 4;

	if (v->over) { /* groups make room for the code */
		surface_clear(s);
		end_col = draw_code(v, s);
	}
	surface_line(s, ROW_TITLE, MARGIN, s->cols - MARGIN, COLOUR_TEXT, "Portcullis %s   %s", v->version, v->board);
	draw_bar(v, s);
	draw_counts(v, s);
	if (v->current[0])
		surface_line(s, ROW_CURRENT, MARGIN, s->cols - MARGIN, COLOUR_TEXT, "%u  %s", v->started, v->current);
	else
		surface_line(s, ROW_CURRENT, MARGIN, s->cols - MARGIN, COLOUR_TEXT, "%s", v->note);
	surface_line(s, ROW_CURRENT + 1, MARGIN, s->cols - MARGIN, COLOUR_DIM, "%s", v->current[0] ? "" : v->hint);
	if (roomy)
		draw_groups(v, s, failed_row - 1, end_col);
	draw_failed(v, s, roomy ? failed_row : ROW_GROUPS, end_col);
}
