/*
 * A look at the VT-d units as firmware left them: nothing is written. Also in check-only runs.
 */
#include "drivers-iommu/vtd/handover.h"
#include "drivers-iommu/vtd/regs.h"
#include "kernel/memory_map.h"
#include "tests/survey/survey.h"

#define VERSIONS_MAX 7u

/* Runs a body for each unit of the machine. */
static void each_unit(struct test *t, void (*body)(struct test *t, struct vtd_unit *u))
{
	unsigned n;
	struct vtd_unit *units = bench_vtd_units(t->bench, &n);

	for (unsigned i = 0; i < n; i++) {
		note(t, "unit %u at 0x%llx", i, (unsigned long long)units[i].base.v);
		body(t, &units[i]);
	}
}

static void version(struct test *t, struct vtd_unit *u)
{
	expect_true(t, u->caps.major >= 1 && u->caps.major <= VERSIONS_MAX, "a major version from 1 to 7");
	expect_eq(t, "reserved bits of VER", u->caps.ver & ~(uint32_t)BITS(7, 0), 0);
}

TEST(survey_vtd_version, .id = "survey.vtd.version", .given = "the version register of each unit",
     .expects = "a version that there is, reserved bits 0", .needs = NEED_VTD)
{
	each_unit(t, version);
}

/* What a capability makes no sense without (VT-d 11.4.2, 11.4.3). */
static void implied(struct test *t, struct vtd_unit *u)
{
	const struct vtd_caps *c = &u->caps;
	const struct { bool has, needs; const char *what; } rules[] = {
		{ c->ir, c->qi, "IR comes with QI" }, { c->dt, c->qi, "DT comes with QI" },
		{ c->smts, c->qi, "SMTS comes with QI" }, { c->eim, c->ir, "EIM comes with IR" },
		{ c->pi, c->ir, "PI comes with IR" }, { c->prs, c->dt, "PRS comes with DT" },
		{ c->pasid, c->smts, "PASID comes with SMTS" }, { c->ssts, c->smts, "SSTS comes with SMTS" },
		{ c->fsts, c->smts, "FSTS comes with SMTS" }, { c->fs5lp, c->fsts, "FS5LP comes with FSTS" },
		{ c->nest, c->ssts && c->fsts, "NEST comes with SSTS and FSTS" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rules); i++)
		expect_true(t, !rules[i].has || rules[i].needs, rules[i].what);
	/* A level of tables below the widest is of no use above MGAW: the narrowest of SAGAW must reach it. */
	expect_true(t, c->sagaw || c->fsts, "some kind of tables");
	expect_true(t, !c->levels_max || 12 + 9 * c->levels_max >= c->mgaw_bits || c->mgaw_bits <= u->haw_bits ||
		    c->levels_max == 5, "tables that reach the widest guest address");
	expect_true(t, c->fault_records_n >= 1 && c->fro_bytes >= 0x100, "fault records behind the fixed registers");
}

TEST(survey_vtd_capabilities, .id = "survey.vtd.capabilities", .given = "CAP and ECAP of each unit",
     .expects = "no capability without those that it needs", .needs = NEED_VTD)
{
	each_unit(t, implied);
}

static void widths(struct test *t, struct vtd_unit *u)
{
	unsigned pool = (unsigned)min_u64(u->caps.mgaw_bits, 57);

	note(t, "host %u bits, MGAW %u bits", u->haw_bits, u->caps.mgaw_bits);
	/* Else an identity map, as an RMRR needs one, could not be made. */
	expect_true(t, pool >= 39 || !u->caps.levels_max, "a guest address width of at least 39 bits");
	expect_true(t, u->haw_bits <= 57, "a host address width that tables can hold");
}

TEST(survey_vtd_widths, .id = "survey.vtd.widths", .given = "host address width of the DMAR, MGAW of each unit",
     .expects = "widths that tables can hold", .needs = NEED_VTD)
{
	each_unit(t, widths);
}

/* Tables in memory that the map gives away are somebody's to overwrite. */
static void expect_kept(struct test *t, uint64_t table, const char *what)
{
	enum memory_says m = memory_map_says(PA(table), PAGE_BYTES);

	if (m != MEMORY_NO_MAP)
		expect_true(t, m == MEMORY_RESERVED, what);
}

static void state(struct test *t, struct vtd_unit *u)
{
	const struct vtd_found_state *f = &u->found;

	survey_tell(t, "VT-d unit at 0x%llx was left with translation %s, interrupt remapping %s, queue %s, protected "
		 "memory %s", (unsigned long long)u->base.v, f->gsts & GSTS_TES ? "on" : "off",
		 f->gsts & GSTS_IRES ? "on" : "off", f->gsts & GSTS_QIES ? "on" : "off",
		 f->pmen & PMEN_EPM ? "on" : "off");
	if (f->gsts & GSTS_TES)
		expect_kept(t, f->rtaddr & RTADDR_RTA, "the root table lies in reserved memory");
	if (f->gsts & GSTS_IRES)
		expect_kept(t, f->irta & IRTA_IRTA, "the interrupt table lies in reserved memory");
	if (f->gsts & GSTS_QIES)
		expect_kept(t, f->iqa & IQA_IQA, "the queue lies in reserved memory");
	expect_eq(t, "reserved bits of GSTS", f->gsts & BITS(22, 0), 0);
}

TEST(survey_vtd_state, .id = "survey.vtd.state", .given = "what firmware left on in each unit",
     .expects = "its tables lie in memory that nobody else may use", .needs = NEED_VTD)
{
	each_unit(t, state);
}

static void protected_memory(struct test *t, struct vtd_unit *u)
{
	const struct vtd_found_state *f = &u->found;

	if (!(f->pmen & PMEN_EPM))
		return;
	expect_true(t, (f->pmen & PMEN_PRS) != 0, "PRS follows EPM");
	if (u->caps.plmr)
		expect_true(t, f->plm_limit >= f->plm_base, "the low region ends behind its start");
	if (u->caps.phmr)
		expect_true(t, f->phm_limit >= f->phm_base, "the high region ends behind its start");
}

TEST(survey_vtd_pmr, .id = "survey.vtd.protected_memory", .given = "protected memory regions that firmware left on",
     .expects = "they are in force, and their limits are not below their bases", .needs = NEED_VTD)
{
	each_unit(t, protected_memory);
}

static void pending(struct test *t, struct vtd_unit *u)
{
	if (u->found.fsts & (FSTS_PPF | FSTS_PFO))
		observe(t, "the unit at 0x%llx had refused DMA before we started", (unsigned long long)u->base.v);
	expect_eq(t, "queue errors", u->found.fsts & (FSTS_IQE | FSTS_ITE | FSTS_ICE), 0);
}

TEST(survey_vtd_faults, .id = "survey.vtd.faults", .given = "the fault status that firmware left",
     .expects = "no error of the queue; faults are told", .needs = NEED_VTD)
{
	each_unit(t, pending);
}
