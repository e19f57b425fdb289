/*
 * What the driver itself promises: capabilities decoded, long batches, recovery of the queue, records in order, units
 * left quiet. Raw registers and DMA are the witnesses.
 */
#include "tests/vtd/judge.h"
#include <string.h>

#define NEEDS (NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)

/* ---- capabilities ---- */

struct flag {
	const char *name;
	bool ecap;
	unsigned bit;
	size_t at; /* in struct vtd_caps */
};

#define CAP(name_, bit_, field_)  { name_, false, bit_, offsetof(struct vtd_caps, field_) }
#define ECAP(name_, bit_, field_) { name_, true, bit_, offsetof(struct vtd_caps, field_) }

/* Bits of VT-d 11.4.2 and 11.4.3, in order. */
static const struct flag flags[] = {
	CAP("AFL", 3, afl), CAP("RWBF", 4, rwbf), CAP("PLMR", 5, plmr), CAP("PHMR", 6, phmr), CAP("CM", 7, cm),
	CAP("ZLR", 22, zlr), CAP("SSLPS2M", 34, ss_2m), CAP("SSLPS1G", 35, ss_1g), CAP("PSI", 39, psi),
	CAP("DWD", 54, dwd), CAP("DRD", 55, drd), CAP("FS1GP", 56, fs1gp), CAP("PI", 59, pi), CAP("FS5LP", 60, fs5lp),
	CAP("ECMDS", 61, ecmds), CAP("ESIRTPS", 62, esirtps), CAP("ESRTPS", 63, esrtps),
	ECAP("C", 0, c), ECAP("QI", 1, qi), ECAP("DT", 2, dt), ECAP("IR", 3, ir), ECAP("EIM", 4, eim), ECAP("PT", 6, pt),
	ECAP("SC", 7, sc), ECAP("MTS", 25, mts), ECAP("NEST", 26, nest), ECAP("PRS", 29, prs), ECAP("ERS", 30, ers),
	ECAP("SRS", 31, srs), ECAP("NWFS", 33, nwfs), ECAP("EAFS", 34, eafs), ECAP("PASID", 40, pasid),
	ECAP("DIT", 41, dit), ECAP("PDS", 42, pds), ECAP("SMTS", 43, smts), ECAP("VCS", 44, vcs), ECAP("SSADS", 45, ssads),
	ECAP("SSTS", 46, ssts), ECAP("FSTS", 47, fsts), ECAP("SMPWCS", 48, smpwcs), ECAP("RPS", 49, rps),
	ECAP("PMS", 51, pms), ECAP("ADMS", 52, adms), ECAP("RPRIVS", 53, rprivs), ECAP("SMS", 58, sms),
};

static bool flag_of(const struct vtd_caps *c, const struct flag *f)
{
	return *(const bool *)((const uint8_t *)c + f->at);
}

TEST(driver_caps_flags,
     .id = "vtd.driver.caps.flags",
     .given = "each bit of CAP and ECAP alone, and all but it, decoded by the driver",
     .expects = "the flag of that bit, and its name",
     .needs = NEED_VTD)
{
	for (unsigned i = 0; i < 128; i++) {
		uint64_t bit = pow2(i % 64);
		struct vtd_caps one = vtd_caps_decode(0x10, i < 64 ? bit : 0, i < 64 ? 0 : bit);
		struct vtd_caps rest = vtd_caps_decode(0x10, i < 64 ? ~bit : 0, i < 64 ? 0 : ~bit);
		const char *names[64];
		unsigned n = vtd_caps_features(&one, names, ARRAY_LEN(names));

		for (unsigned k = 0; k < ARRAY_LEN(flags); k++) {
			const struct flag *f = &flags[k];
			bool here = f->ecap == (i >= 64) && f->bit == i % 64;

			if (!expect_eq(t, "the flag with one bit set", flag_of(&one, f), here) ||
			    !expect_eq(t, "the flag with a bit clear", flag_of(&rest, f), f->ecap == (i >= 64) && !here) ||
			    (here && (!expect_eq(t, "names", n, 1) ||
				      !expect_true(t, n == 1 && !strcmp(names[0], f->name), "its name")))) {
				note(t, "%s, bit %u of %s", f->name, i % 64, i < 64 ? "CAP" : "ECAP");
				return;
			}
		}
	}
}

TEST(driver_caps_fields,
     .id = "vtd.driver.caps.fields",
     .given = "CAP and ECAP with fields at their ends, decoded by the driver",
     .expects = "numbers as the manual counts them",
     .needs = NEED_VTD)
{
	struct vtd_caps low = vtd_caps_decode(0x10, 0, BIT(40)), high = vtd_caps_decode(0x6f, UINT64_MAX, UINT64_MAX);
	struct vtd_caps c = vtd_caps_decode(0x53, BIT(1) | BIT(9) | BIT(11) | FLD(BITS(21, 16), 38),
					    FLD(BITS(39, 35), 15) | BIT(40));
	struct vtd_caps none = vtd_caps_decode(0x10, 0, BITS(39, 35));

	expect_eq(t, "DID bits, ND = 0", low.did_bits, 4);
	expect_eq(t, "domains, ND = 0", low.domains_n, 16);
	expect_eq(t, "DID bits, ND = 7", high.did_bits, 16);
	expect_eq(t, "DID bits, ND = 2", c.did_bits, 8);
	expect_eq(t, "MGAW, 0", low.mgaw_bits, 1);
	expect_eq(t, "MGAW, 38", c.mgaw_bits, 39);
	expect_eq(t, "MGAW, all ones", high.mgaw_bits, 64);
	expect_eq(t, "fault records, 0", low.fault_records_n, 1);
	expect_eq(t, "fault records, all ones", high.fault_records_n, 256);
	expect_eq(t, "FRO, all ones", high.fro_bytes, 16 * 1023);
	expect_eq(t, "IRO, all ones", high.iro_bytes, 16 * 1023);
	expect_eq(t, "MAMV, all ones", high.mamv, 63);
	expect_eq(t, "MHMV, all ones", high.mhmv, 15);
	expect_eq(t, "PASID bits, PSS = 0", low.pasid_bits, 1);
	expect_eq(t, "PASID bits, PSS = 15", c.pasid_bits, 16);
	expect_eq(t, "PASID bits, PSS = 31", high.pasid_bits, 20);
	expect_eq(t, "PASID bits without PASID", none.pasid_bits, 0);
	expect_eq(t, "levels, SAGAW = 0", low.levels_max, 0);
	expect_eq(t, "levels, SAGAW = 01010b", c.levels_max, 5);
	expect_true(t, vtd_caps_levels(&c, 3) && !vtd_caps_levels(&c, 4) && vtd_caps_levels(&c, 5), "3 and 5 levels");
	expect_true(t, !vtd_caps_levels(&high, 2) && !vtd_caps_levels(&high, 6), "neither 2 nor 6 levels");
	expect_eq(t, "version 5.3", 16 * c.major + c.minor, 0x53);
	expect_true(t, c.rbi && !high.rbi, "register-based invalidation below version 6");
}

TEST(driver_caps_names,
     .id = "vtd.driver.caps.names",
     .given = "room for fewer names than there are features, and for none",
     .expects = "as many as there is room for; what lies behind is as it was",
     .needs = NEED_VTD)
{
	struct vtd_caps all = vtd_caps_decode(0x10, UINT64_MAX, UINT64_MAX);
	const char *names[4] = { NULL };

	expect_eq(t, "names without room", vtd_caps_features(&all, names, 0), 0);
	expect_true(t, !names[0], "nothing is written");
	expect_eq(t, "names in room for 3", vtd_caps_features(&all, names, 3), 3);
	expect_true(t, names[0] && names[1] && names[2] && !names[3], "three are written");
}

/* ---- the queue ---- */

TEST(driver_long_batch,
     .id = "vtd.driver.queue.long_batch",
     .given = "three times as many descriptors as the ring holds, one of them for a changed leaf, at several places",
     .expects = "it is carried out, wherever it stands",
     .needs = NEEDS | NEED_QI)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY), *q = page_filled(t, 0x5a);
	struct vtd_unit *u = fx_of(t)->u;
	unsigned slots = (unsigned)(u->queue.ring.bytes / (u->queue.wide ? 32 : 16)), n = 3 * slots;
	struct vtd_desc *d = (struct vtd_desc *)(void *)page_alloc(t, n * sizeof(*d), 0)->p; /* page-aligned */
	const unsigned places[] = { 0, slots - 3, slots - 2, slots - 1, slots, n - 1 };
	uint16_t did = fx_req(t, t->engine)->did;

	for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
		struct page *fresh = i % 2 ? p : q;

		for (unsigned k = 0; k < n; k++)
			d[k] = vtd_desc_iotlb_domain(k == places[i] ? did : (uint16_t)(did + 5), vtd_drains(u));
		fx_map_page(t, IOVA_A, fresh);
		must(t, vtd_invalidate(u, d, n), "a long batch");
		if (!expect_allowed(t, IOVA_A, fresh)) {
			note(t, "descriptor %u of %u", places[i], n);
			return;
		}
	}
}

TEST(driver_queue_recovers,
     .id = "vtd.driver.queue.recovers",
     .given = "a batch with a descriptor that the unit does not know",
     .expects = "ERR_IO with the unit's reason; the next batch is carried out",
     .needs = NEEDS | NEED_QI)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY), *q = page_filled(t, 0x5a);
	struct vtd_unit *u = fx_of(t)->u;
	struct vtd_desc d[3] = { vtd_desc_cc_global(), { .q = { 0xf } }, vtd_desc_cc_global() };

	for (unsigned i = 0; i < 2; i++) {
		fx_map_page(t, IOVA_A, i ? p : q);
		expect_true(t, vtd_invalidate(u, d, ARRAY_LEN(d)) == ERR_IO, "the batch is refused");
		expect_eq(t, "IQE", u->queue.error.fsts & FSTS_IQE, FSTS_IQE);
		expect_eq(t, "FSTS after recovery", mmio_rd(&u->regs, VTD_FSTS) & (FSTS_IQE | FSTS_ITE | FSTS_ICE), 0);
		must(t, vtd_inv_global(u), "the next batch");
		expect_allowed(t, IOVA_A, i ? p : q);
	}
}

/* ---- fault records ---- */

TEST(driver_faults_in_order,
     .id = "vtd.driver.faults.oldest_first",
     .given = "as many faults as the unit has records, or requesters are there, then another round",
     .expects = "they are taken oldest first",
     .needs = NEEDS)
{
	struct fx *fx = fx_start(t, FX_LEGACY);
	unsigned n = 0, records = t->bench->vtd->caps.fault_records_n;

	if (!(t->engine->caps.flags & DMA_ONE_TLP))
		skip_unreached(t, "one transfer of this engine is several requests");
	for (unsigned i = 0; i < t->bench->engines_n && fx->reqs_n < FX_REQS_MAX; i++) {
		struct engine *e = &t->bench->engines[i];
		uint32_t wanted = DMA_CAN_WRITE | DMA_ONE_TLP;

		if (e != t->engine && e != t->engine2 && !e->own_n && (e->caps.flags & wanted) == wanted)
			fx_add(t, e);
	}
	fx_sync(t);
	n = (unsigned)min_u64(fx->reqs_n, records);
	for (unsigned round = 0; round < 2 * records && round < 6; round++) {
		struct vtd_fault f;

		for (unsigned i = 0; i < n; i++)
			(void)try_write(t, fx->reqs[i].engine, IOVA_B, dma_small_bytes(t, fx->reqs[i].engine), NULL, 0);
		for (unsigned i = 0; i < n; i++)
			if (!expect_true(t, vtd_fault_pop(fx->u, &f) == OK, "a record for each fault") ||
			    !expect_eq(t, "requester", f.sid, fx->reqs[i].sid))
				return;
		expect_true(t, vtd_fault_pop(fx->u, &f) == ERR_NOT_FOUND, "no more records than faults");
	}
}

/* ---- commands ---- */

TEST(driver_refuses,
     .id = "vtd.driver.commands.refused",
     .given = "commands of no bit and of two bits, one-shot bits to clear, misaligned tables, sizes out of range",
     .expects = "ERR_INVALID, and GSTS as before",
     .needs = NEED_VTD)
{
	struct vtd_unit *u = t->bench->vtd;
	uint32_t before = mmio_rd(&u->regs, VTD_GSTS);

	expect_true(t, vtd_gcmd_set(u, 0) == ERR_INVALID, "no bit to set");
	expect_true(t, vtd_gcmd_set(u, GCMD_TE | GCMD_QIE) == ERR_INVALID, "two bits to set");
	expect_true(t, vtd_gcmd_clear(u, 0) == ERR_INVALID, "no bit to clear");
	expect_true(t, vtd_gcmd_clear(u, GCMD_TE | GCMD_QIE) == ERR_INVALID, "two bits to clear");
	expect_true(t, vtd_gcmd_clear(u, GCMD_SRTP) == ERR_INVALID, "a one-shot bit to clear");
	expect_true(t, vtd_srtp(u, PA(0x1008), TTM_LEGACY) == ERR_INVALID, "a misaligned root table");
	if (u->caps.ir) {
		expect_true(t, vtd_sirtp(u, PA(0x1008), 8, false) == ERR_INVALID, "a misaligned interrupt table");
		expect_true(t, vtd_sirtp(u, PA(0x1000), 0, false) == ERR_INVALID, "an interrupt table of one entry");
		expect_true(t, vtd_sirtp(u, PA(0x1000), 17, false) == ERR_INVALID, "an interrupt table of 2^17 entries");
	} else {
		expect_true(t, vtd_sirtp(u, PA(0x1000), 8, false) == ERR_UNSUPPORTED, "an interrupt table without IR");
	}
	expect_eq(t, "GSTS", mmio_rd(&u->regs, VTD_GSTS), before);
}

/* Everything that a driver may leave behind is set, then the unit is quiesced. */
TEST(driver_quiesce,
     .id = "vtd.driver.quiesce",
     .given = "translation, queue, protected memory, events unmasked, faults pending; the unit quiesced",
     .expects = "TES, QIES, PRS 0; events masked; FSTS, ICS, PRS without pending bits",
     .needs = NEEDS)
{
	struct fx *fx = fx_start(t, FX_LEGACY);
	struct vtd_unit *u = fx->u;
	const struct vtd_caps *c = &u->caps;

	mmio_wr(&u->regs, VTD_FECTL, 0);
	if (c->qi) {
		struct vtd_desc bad = { .q = { 0xf } }, w = vtd_desc_wait(WAIT_IF, 0, PA(0));

		mmio_wr(&u->regs, VTD_IECTL, 0);
		fx_inv(t, w);
		must(t, vtd_queue_submit(u, &bad, 1), "a descriptor that the unit does not know");
	}
	if (c->prs)
		mmio_wr(&u->regs, VTD_PECTL, 0);
	if (c->plmr) {
		mmio_wr(&u->regs, VTD_PLMBASE, UINT32_MAX);
		mmio_wr(&u->regs, VTD_PLMLIMIT, 0);
		mmio_wr(&u->regs, VTD_PMEN, PMEN_EPM);
	}
	(void)try_write(t, t->engine, IOVA_A, dma_small_bytes(t, t->engine), NULL, 0);
	must(t, vtd_unit_quiesce(u), "quiescing");
	expect_eq(t, "TES, QIES, IRES, CFIS",
		  mmio_rd(&u->regs, VTD_GSTS) & (GSTS_TES | GSTS_QIES | GSTS_IRES | GSTS_CFIS), 0);
	expect_eq(t, "FSTS", mmio_rd(&u->regs, VTD_FSTS) & (FSTS_W1C | FSTS_PPF), 0);
	expect_eq(t, "FECTL.IM", mmio_rd(&u->regs, VTD_FECTL) & FECTL_IM, FECTL_IM);
	if (c->qi) {
		expect_eq(t, "IECTL.IM", mmio_rd(&u->regs, VTD_IECTL) & IECTL_IM, IECTL_IM);
		expect_eq(t, "ICS", mmio_rd(&u->regs, VTD_ICS) & ICS_IWC, 0);
	}
	if (c->prs)
		expect_eq(t, "PECTL.IM", mmio_rd(&u->regs, VTD_PECTL) & PECTL_IM, PECTL_IM);
	if (c->plmr || c->phmr)
		expect_eq(t, "PMEN", mmio_rd(&u->regs, VTD_PMEN) & (PMEN_EPM | PMEN_PRS), 0);
}
