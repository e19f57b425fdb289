/*
 * The model's invalidation queue and fault log by themselves: a unit with one page of memory, driven by its registers
 * alone (VT-d 6.5.2, 7.2, 11.4.4). What is asked here is open in the specification, or no driver does it.
 */
#include "model/vtd/tables.h"
#include "tests/model_machine.h"
#include "tests/test.h"

#define FSTS     0x034u
#define GSTS     0x01cu
#define GCMD     0x018u
#define IQH      0x080u
#define IQT      0x088u
#define IQA      0x090u
#define IECTL    0x0a0u
#define IRTA     0x0b8u
#define VCMD     0xe00u
#define VCRSP    0xe10u
#define MEMORY   UINT64_C(0x10000)
#define STATUS   0x800u      /* in it */
#define WAIT     UINT64_C(5) /* descriptor type */

/* A unit, its memory, and what its messages set off. */
struct alone {
	struct mdl_vtd u;
	uint64_t words[PAGE_BYTES / 8];
	unsigned messages;
	uint64_t address;    /* of the last one */
	uint64_t tail;       /* IQT is set to it by a message; 0: not */
};

static bool rd64(void *ctx, uint64_t pa, uint64_t *w, unsigned n)
{
	struct alone *a = ctx;

	for (unsigned i = 0; i < n; i++) {
		if (pa < MEMORY || pa + 8 * (i + 1) > MEMORY + PAGE_BYTES)
			return false;
		w[i] = a->words[(pa - MEMORY) / 8 + i];
	}
	return true;
}

static bool rd(void *ctx, uint64_t pa, void *buf, uint32_t bytes)
{
	(void)ctx, (void)pa, (void)buf, (void)bytes;
	return false;
}

static bool wr(void *ctx, uint64_t pa, const void *buf, uint32_t bytes)
{
	struct alone *a = ctx;

	if (pa < MEMORY || pa + bytes > MEMORY + PAGE_BYTES)
		return false;
	__builtin_memcpy((uint8_t *)a->words + (pa - MEMORY), buf, bytes);
	return true;
}

static bool cas64(void *ctx, uint64_t pa, uint64_t expected, uint64_t desired, uint64_t *seen)
{
	struct alone *a = ctx;
	uint64_t *w = &a->words[(pa - MEMORY) / 8];

	if (pa < MEMORY || pa + 8 > MEMORY + PAGE_BYTES)
		return false;
	*seen = *w;
	if (*w == expected)
		*w = desired;
	return true;
}

static void message(void *ctx, uint64_t address, uint32_t data)
{
	struct alone *a = ctx;

	(void)data;
	a->messages++;
	a->address = address;
	if (a->tail)
		mdl_vtd_wr(&a->u, IQT, a->tail, 8);
}

static const struct mdl_vtd_config *config_of(struct test *t)
{
	return model_machine_unit(t->bench->machine)->st.cfg;
}

static struct alone *alone_of(struct test *t, const struct mdl_vtd_config *c)
{
	struct alone *a = (struct alone *)(void *)page_alloc(t, sizeof(*a), 0)->p; /* page-aligned */
	struct mdl_mem mem = { .ctx = a, .rd64 = rd64, .rd = rd, .wr = wr, .cas64 = cas64 };
	struct mdl_env env = { .ctx = a, .message = message };

	must(t, mdl_vtd_init(&a->u, c, &mem, &env, page_alloc(t, mdl_vtd_cache_bytes(c), 0)->p), "a unit of the model");
	mdl_vtd_wr(&a->u, IQA, MEMORY, 8);
	return a;
}

static struct alone *alone(struct test *t)
{
	return alone_of(t, config_of(t));
}

static void command(struct alone *a, uint64_t value)
{
	mdl_vtd_wr(&a->u, GCMD, value, 4);
	for (unsigned i = 0; i < 16; i++)
		(void)mdl_vtd_rd(&a->u, GSTS, 4);
}

/* Descriptor i: a wait, with a status of i + 1 at word i of STATUS, or with an interrupt. */
static void put_wait(struct alone *a, unsigned i, bool interrupt)
{
	a->words[2 * i] = WAIT | (interrupt ? BIT(4) : BIT(5) | (i + 1) * BIT(32));
	a->words[2 * i + 1] = interrupt ? 0 : MEMORY + STATUS + 8 * i;
}

static uint64_t status(const struct alone *a, unsigned i)
{
	return a->words[STATUS / 8 + i];
}

TEST(model_queue_preset,
     .id = "vtd.model.queue.preset_tail",
     .given = "IQT set before QIE (U-05)",
     .expects = "what lies before the tail is carried out when the queue goes on",
     .needs = NEED_VTD | NEED_QI, .flags = TEST_MODEL)
{
	struct alone *a = alone(t);

	put_wait(a, 0, false);
	mdl_vtd_wr(&a->u, IQT, 16, 8);
	expect_eq(t, "status before", status(a, 0), 0);
	command(a, G_QIE);
	expect_eq(t, "status", status(a, 0), 1);
	expect_eq(t, "IQH", mdl_vtd_rd(&a->u, IQH, 8), 16);
}

TEST(model_queue_off,
     .id = "vtd.model.queue.off_while_busy",
     .given = "the queue stopped by an error, QIE = 0 (U-05); the same with an empty queue",
     .expects = "off, or where the unit is made so on until it is empty",
     .needs = NEED_VTD | NEED_QI, .flags = TEST_MODEL)
{
	bool refuses = config_of(t)->choices.u05_qie_off_refused;
	struct alone *a = alone(t);

	command(a, G_QIE);
	command(a, 0);
	expect_eq(t, "QIES of an empty queue", mdl_vtd_rd(&a->u, GSTS, 4) & G_QIE, 0);
	command(a, G_QIE);
	a->words[0] = BITS(3, 0); /* no such type */
	mdl_vtd_wr(&a->u, IQT, 16, 8);
	expect_eq(t, "FSTS.IQE", mdl_vtd_rd(&a->u, FSTS, 4) & FSTS_IQE, FSTS_IQE);
	command(a, 0);
	expect_eq(t, "QIES of a stopped queue", mdl_vtd_rd(&a->u, GSTS, 4) & G_QIE, refuses ? G_QIE : 0);
}

TEST(model_queue_from_interrupt,
     .id = "vtd.model.queue.from_interrupt",
     .given = "a wait with an interrupt, whose handler moves the tail behind one more wait",
     .expects = "both are carried out once, in their order",
     .needs = NEED_VTD | NEED_QI, .flags = TEST_MODEL)
{
	struct alone *a = alone(t);

	command(a, G_QIE);
	mdl_vtd_wr(&a->u, IECTL, 0, 4);
	put_wait(a, 0, true);
	put_wait(a, 1, false);
	a->tail = 32;
	mdl_vtd_wr(&a->u, IQT, 16, 8);
	expect_eq(t, "messages", a->messages, 1);
	expect_eq(t, "IQH", mdl_vtd_rd(&a->u, IQH, 8), 32);
	expect_eq(t, "status", status(a, 1), 2);
	expect_eq(t, "FSTS", mdl_vtd_rd(&a->u, FSTS, 4), 0);
}

TEST(model_fault_index,
     .id = "vtd.model.unit.fault_index",
     .given = "a refused message, IRE off and on, another one",
     .expects = "each is the first record: the index starts anew with remapping",
     .needs = NEED_VTD | NEED_IR, .flags = TEST_MODEL)
{
	struct alone *a = alone(t);
	uint32_t frcd = (uint32_t)(16 * fld_get(CAP_FRO, a->u.st.cfg->cap));

	command(a, G_SIRTP);
	/* Whatever else goes on meanwhile: the second record is the second. */
	command(a, G_IRE);
	(void)mdl_vtd_interrupt(&a->u, 0x1234, UINT64_C(0xfee00000), 0x41);
	command(a, G_IRE | G_SRTP);
	command(a, G_IRE | G_TE);
	(void)mdl_vtd_interrupt(&a->u, 0x1235, UINT64_C(0xfee00000), 0x41);
	if (fld_get(CAP_NFR, a->u.st.cfg->cap) != 0)
		expect_eq(t, "FRCD.F of the second", mdl_vtd_rd(&a->u, frcd + 24, 8) & FRCD1_F, FRCD1_F);
	for (unsigned i = 0; i < 2; i++)
		mdl_vtd_wr(&a->u, frcd + 16 * i + 12, BIT(31), 4);
	mdl_vtd_wr(&a->u, FSTS, FSTS_PFO, 4);
	command(a, 0);
	for (unsigned i = 0; i < 2; i++) {
		command(a, G_IRE);
		expect_true(t, mdl_vtd_interrupt(&a->u, 0x1234, UINT64_C(0xfee00000), 0x41) != MDL_DONE, "the message is refused");
		expect_eq(t, "FSTS.FRI", fld_get(FSTS_FRI, mdl_vtd_rd(&a->u, FSTS, 4)), 0);
		expect_eq(t, "FRCD.F of the first", mdl_vtd_rd(&a->u, frcd + 8, 8) & FRCD1_F, FRCD1_F);
		mdl_vtd_wr(&a->u, frcd + 12, BIT(31), 4);
		command(a, 0);
	}
}

TEST(model_vcmd_without_pas,
     .id = "vtd.model.unit.vcmd_without_pas",
     .given = "a unit with VCS = 1 and VCCAP.PAS = 0, a PASID asked for",
     .expects = "refused",
     .needs = NEED_VTD, .flags = TEST_MODEL)
{
	struct mdl_vtd_config c = *config_of(t);
	struct alone *a;

	if ((c.ecap & ECAP_VCS) == 0)
		skip(t, "ECAP.VCS = 0");
	a = alone(t);
	mdl_vtd_wr(&a->u, VCMD, 1, 8);
	expect_eq(t, "status where PAS = 1", mdl_vtd_rd(&a->u, VCRSP, 8) & BITS(7, 1), 0);
	c.vccap = 0;
	a = alone_of(t, &c);
	mdl_vtd_wr(&a->u, VCMD, 1, 8);
	expect_true(t, (mdl_vtd_rd(&a->u, VCRSP, 8) & BITS(7, 1)) != 0, "an error where PAS = 0");
}

/* Where commands take a while, only WBF shows WBFS meanwhile. */
TEST(model_wbfs,
     .id = "vtd.model.unit.wbfs",
     .given = "a unit with RWBF whose commands take a while; SRTP, then WBF",
     .expects = "WBFS is 1 during the latter alone",
     .needs = NEED_VTD, .flags = TEST_MODEL)
{
	const struct mdl_vtd_config *c = config_of(t);
	struct alone *a = alone(t);

	if ((c->cap & CAP_RWBF) == 0 || c->handshake_polls == 0)
		skip(t, "CAP.RWBF = 0, or commands end at once");
	mdl_vtd_wr(&a->u, GCMD, G_SRTP, 4);
	expect_eq(t, "WBFS after SRTP", mdl_vtd_rd(&a->u, GSTS, 4) & G_WBF, 0);
	command(a, 0);
	mdl_vtd_wr(&a->u, GCMD, G_WBF, 4);
	expect_eq(t, "WBFS after WBF", mdl_vtd_rd(&a->u, GSTS, 4) & G_WBF, G_WBF);
	command(a, 0);
	expect_eq(t, "WBFS in the end", mdl_vtd_rd(&a->u, GSTS, 4) & G_WBF, 0);
}

TEST(model_posted_destination,
     .id = "vtd.model.posted.destination",
     .given = "a posted interrupt whose notification goes to APIC id FFh, EIME = 0",
     .expects = "the message names it",
     .needs = NEED_VTD | NEED_IR, .flags = TEST_MODEL)
{
	struct alone *a = alone(t);
	uint64_t pid = MEMORY + STATUS;

	if ((config_of(t)->cap & CAP_PI) == 0)
		skip(t, "CAP.PI = 0");
	a->words[0] = IRTE0_P | IRTE0_IM | FLD(IRTE0_V, 0x41) | fld_set(IRTE0_PDAL, 0, pid / 64);
	a->words[STATUS / 8 + 4] = FLD(PID4_NV, 0x55) | FLD(PID4_NDST_XAPIC, 0xff);
	mdl_vtd_wr(&a->u, IRTA, MEMORY, 8);
	command(a, G_SIRTP);
	command(a, G_IRE);
	expect_true(t, mdl_vtd_interrupt(&a->u, 0x1234, UINT64_C(0xfee00010), 0) == MDL_DONE, "the message is taken");
	expect_eq(t, "notifications", a->messages, 1);
	expect_eq(t, "its address", a->address, UINT64_C(0xfeeff000));
	expect_eq(t, "PIR", a->words[STATUS / 8 + 1], BIT(1));
}
