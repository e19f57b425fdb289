/*
 * Scalable mode of the model against golden words worked out by hand: root halves, context, PASID directory and table,
 * second stage, first stage, nested, pass-through. Configuration "everything" (HAW 52) unless stated.
 */
#include "tests/host/model/rig.h"
#include "tests/host/tap.h"

#define SID_A   0x0019u
#define IOVA_A  UINT64_C(0x1234567000)
/* PASID entry, word 0: P, AW=010 (bits 4:2), PGTT in 8:6. */
#define PE_FS   UINT64_C(0x041)
#define PE_SS   UINT64_C(0x089)
#define PE_NEST UINT64_C(0x0C9)
#define PE_PASS UINT64_C(0x101)
#define PE1     UINT64_C(0x0000000000800007) /* PWSNP (bit 87), DID 7 */

struct sm {
	struct rig r;
	uint64_t context, directory, table; /* table: entry of PASID 0 */
	uint64_t ss, fs, pte;               /* roots; leaf entry of IOVA_A */
	uint64_t page;
};

static void open_sm_config(struct sm *s, const struct mdl_vtd_config *c)
{
	rig_open_config(&s->r, c);
	s->table = rig_scalable(&s->r, SID_A, 1, 0);
	s->context = (rig_get(&s->r, RIG_BASE) & ~0xFFFull) + 32 * 0x19;
	s->directory = rig_get(&s->r, s->context) & ~0xFFFull;
	s->page = rig_pages(&s->r, 1);
	rig_enable(&s->r, RIG_BASE | 0x400);
}

static void open_sm(struct sm *s, const char *config)
{
	open_sm_config(s, mdl_vtd_config_find(config));
}

/* The smallest scalable unit, but one that ignores fields which only a missing capability reserves (U-08). */
static const struct mdl_vtd_config *lenient(void)
{
	static struct mdl_vtd_config c;

	c = *mdl_vtd_config_find("second-only");
	c.choices.u08_cap_rsvd = CAP_RSVD_IGNORED;
	return &c;
}

static void entry(struct sm *s, uint64_t w0, uint64_t w1, uint64_t w2)
{
	rig_put(&s->r, s->table, w0);
	rig_put(&s->r, s->table + 8, w1);
	rig_put(&s->r, s->table + 16, w2);
}

/* PGTT=010, one page. */
static void open_ss_config(struct sm *s, const struct mdl_vtd_config *c)
{
	open_sm_config(s, c);
	s->ss = rig_pages(&s->r, 1);
	entry(s, PE_SS | s->ss, PE1, 0);
	s->pte = rig_entry(&s->r, s->ss, 4, 1, IOVA_A, 3);
	rig_put(&s->r, s->pte, s->page | 3);
}

static void open_ss(struct sm *s, const char *config)
{
	open_ss_config(s, mdl_vtd_config_find(config));
}

/* PGTT=001, one page: P, R/W, U/S at all levels. */
static void open_fs(struct sm *s, const char *config)
{
	open_sm(s, config);
	s->fs = rig_pages(&s->r, 1);
	entry(s, PE_FS, PE1, s->fs);
	s->pte = rig_entry(&s->r, s->fs, 4, 1, IOVA_A, 7);
	rig_put(&s->r, s->pte, s->page | 7);
}

/*
 * PGTT=011: first-stage tables and page are at guest addresses 0x4000000000 above their place; the second stage maps
 * the RAM of the rig there by 4-KiB pages, R=W=1.
 */
#define GUEST UINT64_C(0x4000000000)

static void open_nest(struct sm *s)
{
	uint64_t at;

	open_sm(s, "everything");
	s->fs = at = rig_pages(&s->r, 1);
	s->ss = rig_pages(&s->r, 1);
	s->pte = rig_entry(&s->r, s->fs, 4, 1, IOVA_A, 7);
	rig_put(&s->r, s->pte, GUEST | s->page | 7);
	/* Now that all tables exist, their pointers become guest addresses. */
	for (unsigned level = 4; level >= 2; level--) {
		uint64_t next;

		at += 8 * (shr(IOVA_A, 12 + 9 * (level - 1)) % 512);
		next = rig_get(&s->r, at) & ~0xFFFull;
		rig_put(&s->r, at, next | GUEST | 7);
		at = next;
	}
	for (unsigned i = 0; i < 64; i++) {
		at = rig_entry(&s->r, s->ss, 4, 1, GUEST + RIG_BASE + i * 0x1000ull, 3);
		rig_put(&s->r, at, (RIG_BASE + i * 0x1000ull) | 3);
	}
	entry(s, PE_NEST | s->ss, PE1, GUEST | s->fs);
}

static struct mdl_result ask(struct sm *s, enum mdl_access access, uint64_t address)
{
	return rig_ask(&s->r, SID_A, access, address);
}

static unsigned fault(struct sm *s, enum mdl_access access, uint64_t address)
{
	struct mdl_result out = ask(s, access, address);

	return out.kind == MDL_OK ? 0 : out.fault == 0 ? 0x100 : out.fault;
}

/* A word with bits put in, for one question. */
struct flip {
	const char *what;
	uint64_t *word;    /* its address in struct sm */
	unsigned off;
	uint64_t bits;
	unsigned fault;
};

static void flips(struct sm *s, const struct flip *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t pa = *f[i].word + f[i].off, good = rig_get(&s->r, pa);

		rig_put(&s->r, pa, good ^ f[i].bits);
		is_u64(fault(s, MDL_READ, IOVA_A), f[i].fault, "%s: %02xh", f[i].what, f[i].fault);
		rig_put(&s->r, pa, good);
	}
	is_u64(fault(s, MDL_READ, IOVA_A), 0, "all flips are taken back");
}

static void test_root_context(void)
{
	static struct sm s;
	static uint64_t root = RIG_BASE;
	const struct flip f[] = {
		{ "root half P=0", &root, 0, 1, 0x39 },
		{ "root bit 1", &root, 0, 2, 0x3A },
		{ "root bit 11", &root, 0, 0x800, 0x3A },
		{ "root bit 52 = HAW", &root, 0, BIT(52), 0x3A },
		{ "upper half garbage, lower used", &root, 8, BIT(5) | 1, 0 },
		{ "context P=0", &s.context, 0, 1, 0x41 },
		{ "context bit 5", &s.context, 0, 0x20, 0x42 },
		{ "context bit 8", &s.context, 0, 0x100, 0x42 },
		{ "context bit 63", &s.context, 0, BIT(63), 0x42 },
		{ "context DTE", &s.context, 0, 4, 0 },
		{ "context PASIDE", &s.context, 0, 8, 0 },
		{ "context PRE", &s.context, 0, 16, 0 },
		{ "context bit 85", &s.context, 8, BIT(21), 0x42 },
		{ "context bit 127", &s.context, 8, BIT(63), 0x42 },
		{ "context bit 128", &s.context, 16, 1, 0x42 },
		{ "context bit 255", &s.context, 24, BIT(63), 0x42 },
		{ "RID_PASID 2^13 with PDTS=0", &s.context, 8, 0x2000, 0x48 },
		{ "RID_PASID 2^13 - 1: absent directory entry", &s.context, 8, 0x1FFF, 0x51 },
		{ "directory P=0", &s.directory, 0, 1, 0x51 },
		{ "directory bit 2", &s.directory, 0, 4, 0x52 },
		{ "directory bit 11", &s.directory, 0, 0x800, 0x52 },
		{ "directory bit 52", &s.directory, 0, BIT(52), 0x52 },
	};

	open_ss(&s, "everything");
	flips(&s, f, ARRAY_LEN(f));
	is_u64(rig_ask(&s.r, 0x0099, MDL_READ, 0).fault, 0x39, "devfn 99h uses the upper half: 39h");
	rig_put(&s.r, RIG_BASE + 8, rig_get(&s.r, RIG_BASE));
	is_u64(rig_ask(&s.r, 0x0099, MDL_READ, IOVA_A).address, s.page, "the upper half leads to entry devfn & 7fh");
	rig_put(&s.r, RIG_BASE, RIG_NOTHING | 1);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x40, "no memory behind the context table: 40h");
	rig_enable(&s.r, RIG_NOTHING | 0x400);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x38, "no memory behind the root table: 38h");
	rig_close(&s.r);
}

static void test_pasid_entry(void)
{
	static struct sm s;
	const struct flip f[] = {
		{ "P=0", &s.table, 0, 1, 0x59 },             { "bit 10", &s.table, 0, 0x400, 0x5A },
		{ "bit 11", &s.table, 0, 0x800, 0x5A },      { "bit 52 = HAW", &s.table, 0, BIT(52), 0x5A },
		{ "bit 80", &s.table, 8, BIT(16), 0x5A },    { "bit 86", &s.table, 8, BIT(22), 0x5A },
		{ "PGSNP", &s.table, 8, BIT(24), 0 },        { "CD", &s.table, 8, BIT(25), 0 },
		{ "EMTE", &s.table, 8, BIT(26), 0 },         { "bit 91", &s.table, 8, BIT(27), 0x5A },
		{ "bit 95", &s.table, 8, BIT(31), 0x5A },    { "PAT type", &s.table, 8, BIT(32), 0 },
		{ "PAT reserved bit of PA0", &s.table, 8, BIT(35), 0x5A },
		{ "SRE ERE WPE NXE SMEP EAFE", &s.table, 16, 0xF3, 0 },
		{ "bit 136", &s.table, 16, BIT(8), 0x5A },   { "bit 139", &s.table, 16, BIT(11), 0x5A },
		{ "FSPTPTR bit 52", &s.table, 16, BIT(52), 0x5A },
		{ "FSPM=10, unused by PGTT=010", &s.table, 16, 8, 0 },
		{ "bit 192", &s.table, 24, 1, 0x5A },        { "bit 255", &s.table, 24, BIT(63), 0x5A },
		{ "bit 256", &s.table, 32, 1, 0x5A },        { "bit 511", &s.table, 56, BIT(63), 0x5A },
		{ "PGTT=000", &s.table, 0, 0x080, 0x5B },    { "PGTT=110", &s.table, 0, 0x100, 0x5B },
		{ "PGTT=101", &s.table, 0, 0x1C0, 0x5B },    { "PGTT=111", &s.table, 0, 0x140, 0x5B },
		{ "AW=000", &s.table, 0, 0x08, 0x5B },       { "AW=110", &s.table, 0, 0x10, 0x5B },
	};

	open_ss(&s, "everything");
	flips(&s, f, ARRAY_LEN(f));
	rig_put(&s.r, s.directory, RIG_NOTHING | 1);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x58, "no memory behind the PASID table: 58h");
	rig_put(&s.r, s.context, RIG_NOTHING | 1);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x50, "no memory behind the PASID directory: 50h");
	rig_close(&s.r);
	open_ss_config(&s, lenient());
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x5B, "AW=010 where SAGAW has 39 bits alone: 5bh");
	rig_put(&s.r, s.table, PE_FS);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x5B, "PGTT=001 without FSTS: 5bh");
	rig_put(&s.r, s.table, PE_PASS);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x5B, "PGTT=100 without PT: 5bh");
	rig_close(&s.r);
}

/* FPD in context, directory or PASID entry silences what comes after it. */
static void test_fpd(void)
{
	static struct sm s;
	struct mdl_result out;

	open_ss(&s, "everything");
	rig_put(&s.r, s.pte, 0);
	ok(ask(&s, MDL_READ, IOVA_A).recorded, "a fault is recorded");
	rig_put(&s.r, s.table, rig_get(&s.r, s.table) | 2);
	ok(!ask(&s, MDL_READ, IOVA_A).recorded, "not with FPD in the PASID entry");
	rig_put(&s.r, s.table, rig_get(&s.r, s.table) & ~2ull);
	rig_put(&s.r, s.directory, rig_get(&s.r, s.directory) | 2);
	out = ask(&s, MDL_READ, IOVA_A);
	ok(!out.recorded && out.fault == 0x79, "nor with FPD in the directory entry");
	rig_put(&s.r, s.directory, rig_get(&s.r, s.directory) & ~2ull);
	rig_put(&s.r, s.context, rig_get(&s.r, s.context) | 2);
	ok(!ask(&s, MDL_READ, IOVA_A).recorded, "nor with FPD in the context entry");
	rig_put(&s.r, s.directory, RIG_NOTHING | 1);
	ok(ask(&s, MDL_READ, IOVA_A).recorded, "58h is recorded all the same");
	rig_put(&s.r, RIG_BASE, 0);
	ok(ask(&s, MDL_READ, IOVA_A).recorded, "39h, too");
	rig_close(&s.r);
}

static void test_pasids(void)
{
	static struct sm s;
	struct mdl_request rq = { .sid = SID_A, .bytes = 8, .address = IOVA_A, .has_pasid = true };
	struct mdl_result out;

	open_ss(&s, "everything");
	is_u64(rig_ask_rq(&s.r, &rq).fault, 0x45, "a PASID with PASIDE=0: 45h");
	rig_put(&s.r, s.context, rig_get(&s.r, s.context) | 8);
	is_u64(rig_ask_rq(&s.r, &rq).address, s.page, "PASID 0 with PASIDE=1");
	rq.pasid = 0x2000;
	out = rig_ask_rq(&s.r, &rq);
	is_u64(out.fault, 0x46, "PASID 2^13 with PDTS=0: 46h");
	is_u64(out.record[1], 0x4020004680000019, "recorded with PP and PV");
	rq.pasid = 0x1FFF;
	is_u64(rig_ask_rq(&s.r, &rq).fault, 0x51, "PASID 2^13 - 1 reaches the last of 128 directory entries: 51h");
	rig_put(&s.r, s.directory + 8 * 0x7F, s.table | 1);
	is_u64(rig_ask_rq(&s.r, &rq).fault, 0x59, "and entry 63 of its table: 59h");
	/* SRE=0 (word 2 bit 0), then SRE=1. */
	rq.pasid = 0;
	rq.priv = true;
	out = rig_ask_rq(&s.r, &rq);
	is_u64(out.fault, 0x5D, "a supervisor request with SRE=0: 5dh");
	is_u64(out.record[1], 0x4000005DA0000019, "recorded with PRIV");
	rig_put(&s.r, s.table + 16, 1);
	is_u64(rig_ask_rq(&s.r, &rq).kind, MDL_OK, "with SRE=1");
	rq.exec = true;
	out = rig_ask_rq(&s.r, &rq);
	is_u64(out.fault, 0x5C, "an execute request with ERE=0: 5ch");
	is_u64(out.record[1], 0x4000005CE0000019, "recorded with PRIV and EXE");
	rq.priv = rq.exec = false;
	rq.at = MDL_TRANSLATED;
	is_u64(rig_ask_rq(&s.r, &rq).fault, 0x44, "a translated request with DTE=0: 44h");
	rq.at = MDL_PAGE_REQUEST;
	is_u64(rig_ask_rq(&s.r, &rq).fault, 0x47, "a page request with PRE=0: 47h");
	rig_put(&s.r, s.context, rig_get(&s.r, s.context) | 0x14);
	is_u64(rig_ask_rq(&s.r, &rq).kind, MDL_OK, "with PRE=1");
	rq.at = MDL_TRANSLATED;
	rq.address = 0xFEE00000;
	is_u64(rig_ask_rq(&s.r, &rq).fault, 0x87, "a translated request into the interrupt range: 87h");
	rq.address = BIT(52);
	is_u64(rig_ask_rq(&s.r, &rq).fault, 0x83, "a translated request above HAW: 83h");
	rig_close(&s.r);
}

static void test_second_stage(void)
{
	static struct sm s;
	const struct flip f[] = {
		{ "R=W=0", &s.pte, 0, 3, 0x79 },        { "R=0", &s.pte, 0, 1, 0x86 },
		{ "W=0, read", &s.pte, 0, 2, 0 },       { "bit 7", &s.pte, 0, 0x80, 0 },
		{ "bit 11, SC=1", &s.pte, 0, 0x800, 0 }, { "bit 62", &s.pte, 0, BIT(62), 0x7A },
		{ "bits 63, 61:52", &s.pte, 0, BIT(63) | BITS(61, 52), 0 },
		{ "PML4E bit 7", &s.ss, 0, 0x80, 0x7A }, { "PML4E bit 11", &s.ss, 0, 0x800, 0x7A },
		{ "PML4E R=W=0", &s.ss, 0, 3, 0x79 },   { "PML4E R=0", &s.ss, 0, 1, 0x86 },
	};
	uint64_t pde;

	open_ss(&s, "everything");
	flips(&s, f, ARRAY_LEN(f));
	rig_put(&s.r, s.pte, s.page | 1);
	is_u64(fault(&s, MDL_WRITE, IOVA_A), 0x85, "W=0, write: 85h");
	pde = rig_entry(&s.r, s.ss, 4, 2, IOVA_A, 3);
	rig_put(&s.r, pde, rig_get(&s.r, pde) & ~1ull);
	is_u64(fault(&s, MDL_WRITE, IOVA_A), 0x79, "R in one level and W in another: 79h");
	rig_put(&s.r, pde, RIG_NOTHING | 3);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x78, "no memory behind a lower table: 78h");
	rig_put(&s.r, pde, 0xFEE00083);
	is_u64(fault(&s, MDL_READ, IOVA_A & ~0x1FFFFFull), 0x87, "output in the interrupt range: 87h");
	is_u64(fault(&s, MDL_READ, BIT(48)), 0x84, "an address of 49 bits with AW=010: 84h");
	is_u64(fault(&s, MDL_READ, BIT(48) - 8), 0x79, "the last one of 48 bits is walked: 79h");
	rig_put(&s.r, s.table, PE_SS | RIG_NOTHING);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x7B, "no memory behind SSPTPTR: 7bh");
	rig_put(&s.r, s.table, (PE_SS & ~0x1Cull) | 0xC | s.ss);
	is_u64(fault(&s, MDL_READ, BIT(56)), 0x79, "AW=011: five levels, 57 bits");
	is_u64(fault(&s, MDL_READ, BIT(57)), 0x84, "bit 57 with AW=011: 84h");
	rig_close(&s.r);
}

/* SSADE: A (bit 8) in every entry, D (bit 9) in the leaf. */
static void test_second_stage_dirty(void)
{
	static struct sm s;
	struct mdl_result out;
	uint64_t pa;

	open_ss(&s, "everything");
	rig_put(&s.r, s.table, rig_get(&s.r, s.table) | 0x200);
	out = ask(&s, MDL_READ, IOVA_A);
	is_u64(out.updates_n, 4, "a read needs A in four entries");
	is_u64(rig_get(&s.r, s.pte), s.page | 3, "translate() itself changes nothing");
	is_u64(rig_try(&s.r, SID_A, MDL_READ, IOVA_A, &pa), 0, "the unit carries it out");
	is_u64(rig_get(&s.r, s.pte), s.page | 0x103, "A in the leaf, not D");
	is_u64(rig_get(&s.r, s.ss) & 0xFFF, 0x103, "A in the PML4E");
	is_u64(rig_try(&s.r, SID_A, MDL_WRITE, IOVA_A, &pa), 0, "a write after a read that was cached");
	is_u64(rig_get(&s.r, s.pte), s.page | 0x303, "D in the leaf");
	is_u64(rig_get(&s.r, s.ss) & 0xFFF, 0x103, "D not in the PML4E");
	is_u64(ask(&s, MDL_WRITE, IOVA_A).updates_n, 0, "nothing is left to do");
	rig_put(&s.r, s.pte, s.page | 0x103);
	rig_put(&s.r, s.table + 8, 7);
	is_u64(fault(&s, MDL_WRITE, IOVA_A), 0x7C, "D needed, PWSNP=0: 7ch");
	is_u64(fault(&s, MDL_READ, IOVA_A), 0, "A was there: a read passes");
	rig_put(&s.r, s.table + 8, PE1);
	rig_set(&s.r, 0x20, RIG_BASE | 0x400);
	rig_command(&s.r, 0x40000000); /* ESRTPS: caches are empty */
	s.r.no_atomics = align_down(s.pte, PAGE_BYTES);
	is_u64(rig_try(&s.r, SID_A, MDL_WRITE, IOVA_A, &pa), 0x7D, "memory rejects the update: 7dh");
	rig_close(&s.r);
}

static void test_first_stage(void)
{
	static struct sm s;
	const struct flip f[] = {
		{ "P=0", &s.pte, 0, 1, 0x71 },              { "P=0 with reserved bits", &s.fs, 0, 0x81, 0x71 },
		{ "R/W=0, read", &s.pte, 0, 2, 0 },         { "U/S=0", &s.pte, 0, 4, 0x81 },
		{ "PML4E U/S=0", &s.fs, 0, 4, 0x81 },       { "bits 4:3", &s.pte, 0, 0x18, 0 },
		{ "G and bits 9, 11", &s.pte, 0, 0xB00, 0 }, { "EA with EAFE=0", &s.pte, 0, 0x400, 0 },
		{ "PAT bit of a PTE", &s.pte, 0, 0x80, 0 }, { "bits 62:52", &s.pte, 0, BITS(62, 52), 0 },
		{ "XD with NXE=0", &s.pte, 0, BIT(63), 0 }, { "PML4E bit 7", &s.fs, 0, 0x80, 0x72 },
		{ "PML4E P=0", &s.fs, 0, 1, 0x71 },
	};
	uint64_t pde;

	open_fs(&s, "everything");
	is_u64(ask(&s, MDL_WRITE, IOVA_A + 0x123).address, s.page + 0x123, "a 4-KiB page");
	flips(&s, f, ARRAY_LEN(f));
	rig_put(&s.r, s.pte, s.page | 5);
	is_u64(fault(&s, MDL_WRITE, IOVA_A), 0x85, "R/W=0, write: 85h");
	is_u64(fault(&s, MDL_ATOMIC, IOVA_A), 0x85, "R/W=0, AtomicOp: 85h");
	is_u64(fault(&s, MDL_READ, BIT(47)), 0x80, "bit 47 alone is not canonical: 80h");
	is_u64(fault(&s, MDL_READ, BITS(63, 47)), 0x71, "with all above it is");
	pde = rig_entry(&s.r, s.fs, 4, 2, IOVA_A, 7);
	rig_put(&s.r, pde, 0x40000000 | 0x87);
	is_u64(ask(&s, MDL_READ, IOVA_A).address, 0x40000000 | (IOVA_A & 0x1FFFFF), "a 2-MiB page");
	rig_put(&s.r, pde, 0x40000000 | 0x2087);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x72, "bit 13 of a 2-MiB leaf: 72h");
	rig_put(&s.r, pde, 0x40000000 | 0x1087);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0, "bit 12 of it is PAT");
	rig_put(&s.r, pde, 0xFEE00087);
	is_u64(fault(&s, MDL_READ, IOVA_A & ~0x1FFFFFull), 0x87, "output in the interrupt range: 87h");
	rig_put(&s.r, pde, RIG_NOTHING | 7);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x70, "no memory behind a lower table: 70h");
	rig_put(&s.r, s.table + 16, RIG_NOTHING);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x73, "no memory behind FSPTPTR: 73h");
	rig_put(&s.r, s.table + 16, s.fs | 4);
	is_u64(fault(&s, MDL_READ, BIT(47)), 0x71, "FSPM=01: bit 47 is part of five levels");
	is_u64(fault(&s, MDL_READ, BIT(56)), 0x80, "bit 56 is their sign: 80h");
	rig_put(&s.r, s.table + 16, s.fs | 8);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x5B, "FSPM=10: 5bh");
	rig_close(&s.r);
	open_fs(&s, "scalable");
	rig_put(&s.r, s.pte, s.page | BIT(46) | 7);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x72, "bit 46 = HAW of a PTE: 72h");
	rig_close(&s.r);
}

static void test_first_stage_dirty(void)
{
	static struct sm s;
	uint64_t pa;

	open_fs(&s, "everything");
	is_u64(rig_try(&s.r, SID_A, MDL_READ, IOVA_A, &pa), 0, "a read");
	is_u64(rig_get(&s.r, s.pte), s.page | 0x27, "sets A (bit 5) in the leaf");
	is_u64(rig_get(&s.r, s.fs) & 0xFFF, 0x27, "and in the PML4E");
	is_u64(rig_try(&s.r, SID_A, MDL_WRITE, IOVA_A, &pa), 0, "a write");
	is_u64(rig_get(&s.r, s.pte), s.page | 0x67, "sets D (bit 6), although the translation was cached");
	rig_put(&s.r, s.table + 16, s.fs | 0x80); /* EAFE */
	rig_put(&s.r, s.pte, s.page | 7);
	rig_set(&s.r, 0x20, RIG_BASE | 0x400);
	rig_command(&s.r, 0x40000000);
	is_u64(rig_try(&s.r, SID_A, MDL_READ, IOVA_A, &pa), 0, "a read with EAFE=1");
	is_u64(rig_get(&s.r, s.pte), s.page | 0x427, "sets EA (bit 10), too");
	rig_put(&s.r, s.table + 8, 7);
	rig_put(&s.r, s.table + 16, s.fs);
	rig_put(&s.r, s.pte, s.page | 7);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x90, "A needed, PWSNP=0: 90h");
	rig_put(&s.r, s.pte, s.page | 0x27);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0, "A preset: passes");
	is_u64(fault(&s, MDL_WRITE, IOVA_A), 0x90, "D needed, PWSNP=0: 90h");
	rig_put(&s.r, s.table + 8, PE1);
	rig_command(&s.r, 0x40000000);
	s.r.no_atomics = align_down(s.pte, PAGE_BYTES);
	is_u64(rig_try(&s.r, SID_A, MDL_WRITE, IOVA_A, &pa), 0x91, "memory rejects the update: 91h");
	rig_close(&s.r);
}

static void test_privilege(void)
{
	static struct sm s;
	struct mdl_request rq = { .sid = SID_A, .bytes = 8, .address = IOVA_A, .has_pasid = true, .priv = true };

	open_fs(&s, "everything");
	rig_put(&s.r, s.context, rig_get(&s.r, s.context) | 8);
	rig_put(&s.r, s.table + 16, s.fs | 1);
	rig_put(&s.r, s.pte, s.page | 1);
	is_u64(rig_ask_rq(&s.r, &rq).kind, MDL_OK, "a supervisor reads a page with U/S=0");
	rq.access = MDL_WRITE;
	is_u64(rig_ask_rq(&s.r, &rq).kind, MDL_OK, "and writes it with R/W=0, WPE=0");
	rig_put(&s.r, s.table + 16, s.fs | 0x11);
	is_u64(rig_ask_rq(&s.r, &rq).fault, 0x85, "not with WPE=1: 85h");
	rq.priv = false;
	is_u64(rig_ask_rq(&s.r, &rq).fault, 0x81, "a user does not get there: 81h");
	rq.access = MDL_READ;
	rq.exec = true;
	rig_put(&s.r, s.table + 16, s.fs | 0x22); /* ERE, NXE */
	rig_put(&s.r, s.pte, s.page | 7);
	is_u64(rig_ask_rq(&s.r, &rq).kind, MDL_OK, "an execute request without XD");
	rig_put(&s.r, s.pte, s.page | 7 | BIT(63));
	is_u64(rig_ask_rq(&s.r, &rq).fault, 0x82, "with XD and NXE=1: 82h");
	rig_put(&s.r, s.table + 16, s.fs | 2);
	is_u64(rig_ask_rq(&s.r, &rq).kind, MDL_OK, "with XD and NXE=0");
	/* RID_PRIV (context bit 84) makes requests without PASID supervisor requests. */
	rig_put(&s.r, s.pte, s.page | 1);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x81, "without PASID: a user: 81h");
	rig_put(&s.r, s.context + 8, BIT(20));
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x5D, "with RID_PRIV=1 and SRE=0: 5dh");
	rig_put(&s.r, s.table + 16, s.fs | 1);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0, "with RID_PRIV=1 and SRE=1");
	rig_close(&s.r);
}

static void test_nested(void)
{
	static struct sm s;
	uint64_t ss_fs, ss_pt, ss_page, pt;
	struct mdl_result out;

	open_nest(&s);
	pt = align_down(s.pte, PAGE_BYTES);
	ss_fs = rig_entry(&s.r, s.ss, 4, 1, GUEST | s.fs, 3);
	ss_pt = rig_entry(&s.r, s.ss, 4, 1, GUEST | pt, 3);
	ss_page = rig_entry(&s.r, s.ss, 4, 1, GUEST | s.page, 3);
	out = ask(&s, MDL_READ, IOVA_A + 0x10);
	is_u64(out.fault, 0, "a nested read: no fault");
	is_u64(out.address, s.page + 0x10, "ends at the page");
	is_u64(out.page_bits, 12, "of 4 KiB");
	is_u64(out.updates_n, 4, "needs A in four first-stage entries");
	rig_put(&s.r, ss_page, s.page | 1);
	is_u64(fault(&s, MDL_WRITE, IOVA_A), 0x85, "page read-only in the second stage, write: 85h");
	rig_put(&s.r, ss_page, s.page | 2);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x86, "page write-only, read: 86h");
	rig_put(&s.r, ss_page, 0);
	out = ask(&s, MDL_READ, IOVA_A);
	is_u64(out.fault, 0x79, "page absent in the second stage: 79h");
	is_u64(out.record[0], IOVA_A, "recorded with the address of the request");
	rig_put(&s.r, ss_page, s.page | 3);
	rig_put(&s.r, ss_fs, s.fs | 2);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x75, "top table without R: 75h");
	rig_put(&s.r, ss_fs, s.fs | 3);
	rig_put(&s.r, ss_pt, pt | 2);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x76, "lower table without R: 76h");
	rig_put(&s.r, ss_pt, pt | 1);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x77, "A needed in a table that is read-only: 77h");
	rig_put(&s.r, ss_pt, pt | 3 | BIT(62));
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x7A, "reserved bit in the second stage of a table: 7ah");
	rig_put(&s.r, ss_pt, pt | 3);
	rig_put(&s.r, s.pte, BIT(48) | 7);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x84, "page beyond the second stage's width: 84h");
	rig_put(&s.r, s.pte, 0);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x71, "P=0: 71h");
	rig_put(&s.r, s.fs, BIT(48) | 7);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x74, "table beyond the second stage's width: 74h");
	rig_put(&s.r, s.table, PE_NEST | RIG_NOTHING);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x7B, "no memory behind SSPTPTR: 7bh");
	rig_close(&s.r);
}

static void test_pass(void)
{
	static struct sm s;
	struct mdl_request rq = { .sid = SID_A, .bytes = 8, .address = 0xFEE00000, .has_pasid = true };

	open_sm(&s, "everything");
	entry(&s, PE_PASS | RIG_NOTHING, PE1, RIG_NOTHING);
	rig_put(&s.r, s.context, rig_get(&s.r, s.context) | 8);
	is_u64(ask(&s, MDL_WRITE, 0x123456789).address, 0x123456789, "output is input");
	is_u64(fault(&s, MDL_WRITE, BIT(52)), 0x83, "above HAW: 83h");
	is_u64(rig_ask_rq(&s.r, &rq).fault, 0x87, "with PASID into the interrupt range: 87h");
	rq.priv = true;
	rq.address = 0;
	is_u64(rig_ask_rq(&s.r, &rq).fault, 0x5D, "a supervisor with SRE=0: 5dh");
	rig_close(&s.r);
	open_sm(&s, "everything");
	rig_enable(&s.r, RIG_NOTHING | 0xC00);
	is_u64(fault(&s, MDL_READ, 0), 0x100, "abort-DMA mode: blocked, nothing fetched");
	rig_close(&s.r);
	open_sm(&s, "lazy");
	rig_enable(&s.r, RIG_NOTHING | 0xC00);
	is_u64(fault(&s, MDL_READ, 0), 0x33, "abort-DMA mode of a unit that records it: 33h");
	rig_close(&s.r);
}

static void test_choices(void)
{
	static struct sm s;

	open_ss(&s, "caching");
	rig_put(&s.r, s.context + 8, 0x2000);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x43, "RID_PASID out of range where that is SCT.4: 43h");
	rig_close(&s.r);
	open_ss(&s, "scalable");
	rig_put(&s.r, s.table + 16, 1);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x5A, "SRE=1 with SRS=0, checked as reserved: 5ah");
	rig_close(&s.r);
	open_ss(&s, "wide");
	rig_put(&s.r, s.table, (PE_SS & ~0x1Cull) | 0xC | s.ss);
	rig_put(&s.r, s.table + 16, 1);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x5B, "the same where it is invalid programming: 5bh");
	rig_put(&s.r, s.context, rig_get(&s.r, s.context) | 16);
	is_u64(fault(&s, MDL_READ, IOVA_A), 0x43, "PRE=1 with PRS=0 there: 43h");
	rig_close(&s.r);
	open_sm_config(&s, lenient());
	s.ss = rig_pages(&s.r, 1);
	entry(&s, 0x085 | s.ss, 7, 1);
	rig_put(&s.r, rig_entry(&s.r, s.ss, 3, 1, 0x34567000, 3), s.page | 3);
	is_u64(fault(&s, MDL_READ, 0x34567000), 0, "the same where it is ignored");
	rig_close(&s.r);
}

int main(void)
{
	test_root_context();
	test_pasid_entry();
	test_fpd();
	test_pasids();
	test_second_stage();
	test_second_stage_dirty();
	test_first_stage();
	test_first_stage_dirty();
	test_privilege();
	test_nested();
	test_pass();
	test_choices();
	return done();
}
