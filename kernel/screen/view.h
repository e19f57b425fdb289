/*
 * What a run shows on the screen: how far it is, what runs, the groups, what failed; at its end the summary, and the
 * same as a QR code. A view knows nothing of the kernel: the EFI application fills one from the log.
 */
#ifndef PORTCULLIS_KERNEL_SCREEN_VIEW_H
#define PORTCULLIS_KERNEL_SCREEN_VIEW_H

#include "kernel/run_log.h"
#include "kernel/screen/surface.h"

#define VIEW_GROUPS_MAX 160
#define VIEW_GROUP_NAME 24
#define VIEW_ID_MAX     128
#define VIEW_FAILED_MAX 8   /* names that are kept */
#define VIEW_SUMMARY_MAX 272

enum view_verdict { VIEW_PASSED, VIEW_FAILED, VIEW_SKIPPED, VIEW_TODO, VIEW_VERDICTS };

struct view_group {
	char name[VIEW_GROUP_NAME];
	uint32_t planned, done, failed;
};

struct view {
	char version[48], board[64], date[24];
	uint32_t planned, started, counts[VIEW_VERDICTS];
	struct view_group groups[VIEW_GROUPS_MAX];
	unsigned groups_n;
	char current[VIEW_ID_MAX]; /* "": none runs */
	char failed[VIEW_FAILED_MAX][VIEW_ID_MAX];
	uint64_t elapsed_s;
	bool over;
	char note[160], hint[160]; /* lines while no test runs: what this is, and what to do */
};

/* A test of the plan. */
void view_plan(struct view *v, const char *id);
void view_start(struct view *v, uint32_t number, const char *id);
/* The running test has a verdict. */
void view_done(struct view *v, enum view_verdict verdict);
/* What earlier boots of the run came to, of its log; a test without a verdict failed. The plan is not in there. */
void view_replay(struct view *v, const struct run_log *log);
/* Draws what changed since the last time. Once over, with the summary as a QR code where there is room. */
void view_draw(const struct view *v, struct surface *s);
/* The summary in a few lines; what is in the QR code. Returns its length. */
size_t view_summary(const struct view *v, char out[VIEW_SUMMARY_MAX]);

#endif
