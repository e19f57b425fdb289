/*
 * A test, as it reads: descriptors, the small vocabulary, and what the harness hands to a body.
 *
 * A test is a descriptor and a body; index, reports and catalogue coverage come from descriptors. Bodies start from a
 * clean unit and leave it clean (the harness sees to it), so order never matters. A failed expectation is recorded and
 * the body goes on; skip() and give_up() end it.
 */
#ifndef PORTCULLIS_TESTS_TEST_H
#define PORTCULLIS_TESTS_TEST_H

#include "drivers-iommu/iommu.h"
#include "drivers-pci/engine.h"
#include "kernel/hal.h"

struct test;

/* What a test needs; missing: a skip, its kind in brackets. */
enum {
	NEED_VTD = 1 << 0,           /* a VT-d unit (test not listed for machines without one) */
	NEED_AMDVI = 1 << 1,
	NEED_QI = 1 << 2,            /* ECAP.QI [absent] */
	NEED_SM = 1 << 3,            /* ECAP.SMTS [absent] */
	NEED_LEGACY_SS = 1 << 4,     /* legacy-mode second stage: SAGAW != 0 [absent] */
	NEED_SSTS = 1 << 5,          /* scalable-mode second stage [absent] */
	NEED_FSTS = 1 << 6,
	NEED_NEST = 1 << 7,
	NEED_PT = 1 << 8,
	NEED_IR = 1 << 9,
	NEED_DT = 1 << 10,
	NEED_PRS = 1 << 11,
	NEED_PASID = 1 << 12,
	NEED_SRS = 1 << 13,
	NEED_ENGINE_READ = 1 << 16,  /* t->engine can read [unreached] */
	NEED_ENGINE_WRITE = 1 << 17, /* t->engine can write [unreached] */
	NEED_ENGINE_DIRECT = 1 << 18,/* t->engine keeps nothing in memory [unreached] */
	NEED_ENGINE_2 = 1 << 19,     /* t->engine2, another requester behind the same unit, same abilities [unreached] */
	NEED_ENGINE_MSI = 1 << 20,
	NEED_ENGINE_PASID = 1 << 21,
	NEED_ENGINE_PRIV = 1 << 22,
	NEED_ENGINE_ATS = 1 << 23,
	NEED_ENGINE_XLT = 1 << 24,
	NEED_ENGINE_PRI = 1 << 25,
	NEED_ENGINE_ATOMIC = 1 << 26,
	NEED_ENGINE_ZLR = 1 << 27,
	/* Of an AMD-Vi unit [absent]. */
	NEED_AMD_HOST = BIT(32),     /* host translation: HATS is not 11b */
	NEED_AMD_IOTLB = BIT(33),    /* Cap.IotlbSup */
	NEED_AMD_PREF = BIT(34),     /* EFR.PreFSup, and so on */
	NEED_AMD_PPR = BIT(35),
	NEED_AMD_XT = BIT(36),
	NEED_AMD_NX = BIT(37),
	NEED_AMD_GT = BIT(38),
	NEED_AMD_IA = BIT(39),
	NEED_AMD_GA = BIT(40),
	NEED_AMD_HE = BIT(41),
	NEED_AMD_SEG = BIT(42),
	NEED_AMD_GIO = BIT(43),
	NEED_AMD_HA = BIT(44),
	NEED_AMD_HD = BIT(45),
	NEED_XEN = BIT(47),          /* a guest of Xen (test not listed for other machines) */
	NEED_PVIOMMU = BIT(46),      /* PV-IOMMU, of a hypervisor or of the reference (test not listed for machines without) */
};
#define NEED_ENGINE (NEED_ENGINE_READ | NEED_ENGINE_WRITE)

/* test_desc.flags */
enum {
	TEST_HAZARD = 1 << 0,     /* may harm a machine: only with hazard=on */
	TEST_LAST = 1 << 1,       /* known to be able to abort or hang an emulator: runs after all others */
	TEST_FUZZ = 1 << 3,       /* runs with fuzz= only, and then alone: once for each FUZZ_PART_CASES plain cases */
	TEST_MODEL = 1 << 4,      /* of the model itself, as a hardware unit need not be: listed for model machines alone */
	TEST_FIRST = 1 << 5,      /* needs what a machine has once, at its start: runs before all others */
	TEST_PER_BACKEND = 1 << 2 /* runs once for each backend of the machine; t->iommu is fresh, all requests refused */
};

/* Public revisions of PV-IOMMU (docs/requirements/pviommu.tsv). */
enum {
	REV_T = 1 << 0,
	REV_H = 1 << 1,
	REV_I = 1 << 2,
	REV_F = 1 << 3,
	REV_TH = REV_T | REV_H,
	REV_IF = REV_I | REV_F,
	REV_S = REV_H | REV_IF,   /* one structure for each command */
	REV_ALL = REV_T | REV_S
};

struct test_desc {
	const char *id;      /* dotted: "vtd.sm.pasid.dir_absent" */
	const char *checks;  /* catalogue ids, separated by blanks */
	const char *given;   /* the situation, in a few words */
	const char *expects; /* what the specification promises */
	uint64_t needs;
	uint32_t flags;
	uint8_t revisions;   /* NEED_PVIOMMU: of REV_x, those that it holds for (not listed for others); 0: any */
	uint8_t hazard_on;   /* of REV_x: known to take down hypervisors of these: there as TEST_HAZARD | TEST_LAST */
	uint32_t budget_us;  /* 0: the default, four seconds */
	uint64_t arg;        /* for bodies that serve several descriptors: t->desc->arg */
	void (*body)(struct test *t);
};

struct test_set {
	const struct test_desc *descs;
	unsigned n;
};

/* TEST(name, .id = "...", .checks = "...", ...) { body, with t } */
#define TEST(name, ...) \
	static void test_##name(struct test *t); \
	static const struct test_desc desc_##name = { __VA_ARGS__, .body = test_##name }; \
	static const struct test_set set_##name __attribute__((section("tests"), used, aligned(16))) = { &desc_##name, 1 }; \
	static void test_##name(struct test *t)

/* TEST_TABLE(name, { .id = ..., .arg = ..., .body = fn }, ...): several descriptors that share bodies. */
#define TEST_TABLE(name, ...) \
	static const struct test_desc descs_##name[] = { __VA_ARGS__ }; \
	static const struct test_set set_##name __attribute__((section("tests"), used, aligned(16))) = \
		{ descs_##name, (unsigned)ARRAY_LEN(descs_##name) }

struct vtd_unit;
struct amdvi_unit;
struct pviommu_bench;

struct bench;

/* A way to drive the unit through struct iommu_ops: the suffix of contract tests. */
struct backend {
	const char *name; /* "vtd-legacy", "vtd-ss", ... */
	/* Takes the quiet unit and makes it refuse all requests. */
	enum status (*create)(struct bench *b, struct iommu **out);
	void (*destroy)(struct iommu *io);
};

#define BENCH_BACKENDS_MAX 8
#define BENCH_ENGINES_MAX  24

/* One machine under test, with all that was found on it. */
struct bench {
	struct machine *machine;
	struct pci_bus bus;
	struct engine engines[BENCH_ENGINES_MAX]; /* best first, all behind the unit under test */
	unsigned engines_n;
	struct dmar *dmar;       /* the opened table, NULL if there is none */
	struct vtd_unit *vtd;    /* the unit that tests program, NULL if none */
	struct vtd_found *vtd_found; /* every unit of the machine: tests/harness/vtd_bench.c */
	struct ivrs *ivrs;       /* as dmar */
	struct amdvi_unit *amdvi;
	struct amdvi_found *amdvi_found; /* tests/harness/amdvi_bench.c */
	bool amdvi_records_useless; /* its event log does not tell who was refused where: see amdvi_backends.c */
	struct pviommu_bench *pviommu; /* tests/harness/pviommu_bench.h, NULL if there is none */
	uint8_t revision;        /* of REV_x: that of its PV-IOMMU, 0: it has none */
	bool hypervisor;         /* PV-IOMMU is a hypervisor's, not the reference's */
	const struct backend *backends[BENCH_BACKENDS_MAX];
	unsigned backends_n;
	pa_t memory;             /* of the arrays above */
	size_t memory_bytes;
	bool look_only;          /* check-only: no IOMMU may be written, and there are no engines */
	bool hardware;           /* real hardware, not an emulator: a FAIL must come three times */
	bool scratch_media;      /* the platform declared disks to be scratch */
};

/* The units of a bench; NULL and 0 where it has none of the kind. */
struct vtd_unit *bench_vtd_units(const struct bench *b, unsigned *n);
struct amdvi_unit *bench_amdvi_units(const struct bench *b, unsigned *n);

#define FUZZ_PART_CASES 250

struct options;

struct test {
	const struct test_desc *desc;
	const struct options *options;
	unsigned part;           /* TEST_FUZZ: cases from part * FUZZ_PART_CASES on */
	struct bench *bench;
	struct engine *engine;   /* chosen by needs, NULL if none was asked for */
	struct engine *engine2;
	struct iommu *iommu;     /* TEST_PER_BACKEND */
	struct prng prng;        /* seeded by seed= and the test's id */
	void *fixture;           /* of the group's own fixture file */
	void (*cleanup)(struct test *t); /* set by a fixture: called when the body has ended, however it did */
};

/* ---- ends ---- */

/* The capability is not claimed by the unit: kind absent. Does not return. */
void skip(struct test *t, const char *fmt, ...) __attribute__((noreturn, format(printf, 2, 3)));
/* The rule applies but nothing here can exercise it: kind unreached. Does not return. */
void skip_unreached(struct test *t, const char *fmt, ...) __attribute__((noreturn, format(printf, 2, 3)));
/* The environment failed, not the unit: a failure of kind setup. Does not return. */
void give_up(struct test *t, const char *fmt, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* ---- expectations; what: symbolic and free of addresses, since deviations are told by it ---- */

/* A failure of kind verdict. expected and seen become the two lines of the report. */
void fail(struct test *t, const char *expected, const char *seen_fmt, ...) __attribute__((format(printf, 3, 4)));
/* A † row: what was seen is reported as todo, never as a failure. */
void observe(struct test *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What the result should say whatever it is: which of several lawful ways was seen. */
void remark(struct test *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A free line in the report of this test, shown only if it fails (tables walked, addresses). */
void note(struct test *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Forgets the notes so far: what they told of went well. */
void notes_drop(struct test *t);

bool expect_true(struct test *t, bool cond, const char *what);
bool expect_eq(struct test *t, const char *what, uint64_t seen, uint64_t expected);
/* Set-up steps: anything but OK ends the test as setup. */
void must(struct test *t, enum status s, const char *what);

/* ---- memory: freed by the harness when the test ends ---- */

struct page {
	pa_t pa;
	uint8_t *p;
	uint64_t len_bytes;
};

/* Zeroed, page-aligned (align 0: to a page). Ends the test as setup when there is no memory. */
struct page *page_alloc(struct test *t, uint64_t bytes, uint64_t align);
/* A page that nothing answers; on real hardware it may cost the machine, so without hazard=on the test is unreached. */
pa_t page_unbacked(struct test *t);
/* One page filled with a byte. */
struct page *page_filled(struct test *t, uint8_t byte);

/* ---- interrupts ---- */

/* A vector that counts, freed by the harness; address and data raise it. Take what arrived with irq_take(). */
unsigned irq_for(struct test *t, uint64_t *address, uint32_t *data);

/* ---- DMA: the engine's requester, no PASID ---- */

/*
 * The device writes text (a short string or bytes) to iova, or reads n bytes from it. Outcome as the engine and the
 * data together tell; false and a recorded failure where it is not the expected one. target: where the data lie when
 * it succeeds, or must not change when it is refused.
 */
bool expect_write(struct test *t, iova_t iova, struct page *target, uint64_t off, enum dma_outcome expected);
bool expect_read(struct test *t, iova_t iova, struct page *source, uint64_t off, enum dma_outcome expected);
/* The same by a chosen engine and length. */
bool expect_write_by(struct test *t, struct engine *e, iova_t iova, uint32_t bytes, struct page *target, uint64_t off,
		     enum dma_outcome expected);
bool expect_read_by(struct test *t, struct engine *e, iova_t iova, uint32_t bytes, struct page *source, uint64_t off,
		    enum dma_outcome expected);
/* The same with all attributes of a request (iova, length, PASID, privilege, translated) from rq; the data are ours. */
bool expect_dma(struct test *t, struct engine *e, const struct dma_request *rq, bool write, struct page *p, uint64_t off,
		enum dma_outcome expected);
enum dma_outcome try_dma(struct test *t, struct engine *e, const struct dma_request *rq, bool write, struct page *p,
			 uint64_t off);
/* The length that expect_write() and expect_read() use: small, and possible for the engine. */
uint32_t dma_small_bytes(struct test *t, struct engine *e);
/* Attempt without expectation: the outcome as engine and data tell; for "either" rows. */
enum dma_outcome try_write(struct test *t, struct engine *e, iova_t iova, uint32_t bytes, struct page *target, uint64_t off);
enum dma_outcome try_read(struct test *t, struct engine *e, iova_t iova, uint32_t bytes, struct page *source, uint64_t off);

#endif
