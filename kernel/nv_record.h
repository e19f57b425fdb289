/*
 * persist=nvram: what one small firmware variable keeps of a run, for boards that clear their RAM with every reset.
 * Progress by group, counts, failures by number, and the test that is about to start where it may take the machine
 * with it. The kernel writes it, the EFI application reads it.
 */
#ifndef PORTCULLIS_KERNEL_NV_RECORD_H
#define PORTCULLIS_KERNEL_NV_RECORD_H

#include "kernel/run_report.h"
#include "kernel/screen/view.h"

#define NV_WRITES_MAX  64u /* of one run, over all its boots */
#define NV_BOOTS_MAX   32u
#define NV_GROUPS_MAX  44u
#define NV_FAILED_MAX  128u
#define NV_ID_MAX      96u
/* The variable's name; its vendor is PORTCULLIS_VENDOR. */
#define NV_NAME u"PortcullisRun"

struct nv_group {
	char name[18];
	uint16_t planned, done, failed;
};

struct nv_record {
	uint32_t magic, check;
	uint16_t version, bytes;
	uint16_t boots, writes;
	uint32_t words;      /* hash of the command line: another one is another run */
	uint32_t planned, done; /* tests of the plan; the last one with a verdict */
	uint32_t counts[VIEW_VERDICTS];
	uint32_t about_to;   /* number of the test that may take the machine with it, 0: none */
	uint32_t failed_n;
	uint16_t failed[NV_FAILED_MAX]; /* numbers of the first ones; UINT16_MAX: larger */
	uint16_t groups_n, ended;
	uint32_t unused;
	uint64_t seed;
	char about_to_id[NV_ID_MAX];
	char version_text[48], board[64], date[24];
	struct nv_group groups[NV_GROUPS_MAX];
};

uint32_t nv_words_hash(const char *cmdline);
/* A record of a run that begins. */
void nv_begin(struct nv_record *r, const char *cmdline, uint64_t seed, const struct view *v);
/* The numbers of r as they are now in v. */
void nv_take(struct nv_record *r, const struct view *v);
/* A test's verdict. */
void nv_done(struct nv_record *r, uint32_t number, bool failed);
/* The verdicts of tests after r->done that a log holds; one without a verdict failed. */
void nv_replay(struct nv_record *r, const struct run_log *log);
/* The record is about to be written: counts that, and seals it. */
void nv_seal(struct nv_record *r);
/* True where these bytes are a sealed record; it is copied to r then. */
bool nv_open(struct nv_record *r, const void *bytes, size_t n);
/* What a run of r's comes to on a screen. A test that was about to start and did not come back is a failed one. */
void nv_view(const struct nv_record *r, struct view *v);
/* The number to go on with. */
uint32_t nv_resume(const struct nv_record *r);
/* progress.json */
void nv_json(const struct nv_record *r, report_put put, void *arg);

/* ---- how often it may be written ---- */

struct nv_budget {
	uint32_t left;  /* writes */
	uint32_t every; /* tests between two of them */
	uint32_t since; /* tests since the last one */
};

/*
 * Of the room that is free in the store at the start of this boot, half may be used, over all writes of the run. Room
 * for less than two writes: left is 0.
 */
struct nv_budget nv_budget(const struct nv_record *r, uint64_t free_bytes, uint32_t planned);
/* A test ended, or one that may take the machine with it is about to start: true where this is worth a write. */
bool nv_worth(struct nv_budget *b, bool about_to);

#endif
