/*
 * Guest translation of the model (AMD IOMMU 2.2.6): permissions by level and kind of request, the GCR3 tables, reserved
 * bits, accessed and dirty bits. Each request is asked twice: what the caches answer is the same.
 */
#include "tests/amdvi/model_space.h"

#define NEEDS (NEED_AMDVI | NEED_AMD_GT)

/* ---- permissions ---- */

TEST(model_guest_permissions,
     .id = "amdvi.model.guest.permissions",
     .given = "R/W, U/S and NX of each level changed; reads, writes, atomics and execution of users and supervisors",
     .expects = "the AND over all levels; else IO_PAGE_FAULT with GN, PASID, PR, PE and what was asked for",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	static const uint64_t bits[] = { 2, 4, XD };
	struct space s = ags_start(t, 4, 0);
	bool nx = s.a->config.efr & BIT(3);

	for (unsigned level = 1; level <= 4; level++)
		for (unsigned i = 0; i < ARRAY_LEN(bits); i++) {
			uint64_t at = ags_at(&s, level), good = am_get(at);

			if (bits[i] == XD && !nx)
				continue;
			am_put(at, good ^ bits[i]);
			ags_drop(&s);
			for (unsigned kind = 0; kind < KINDS; kind++) {
				bool user = kind < PRIV_READ || kind == ATOMIC;
				bool exec = kind == EXEC || kind == PRIV_EXEC;
				bool bad = bits[i] == 2 ? ags_writes(kind) : bits[i] == 4 ? user : exec;

				ags_ends_in(&s, kind, AM_IOVA + 0x128, bad ? ags_fault(&s, kind, PR | PE) : 0,
					100 * level + 10 * i + kind);
			}
			am_put(at, am_get(at) ^ bits[i]);
		}
}

TEST(model_guest_entry,
     .id = "amdvi.model.guest.entry_permissions",
     .given = "IR = 0, IW = 0 and TV = 0 of the device's entry; GV = 0, GTEn = 0",
     .expects = "they gate the guest's requests; without guest tables a PASID is refused",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct space s = ags_start(t, 4, 0);
	struct mdl_request rq;
	uint64_t without;

	ags_entry(&s, 0, 0);
	for (unsigned kind = 0; kind < KINDS; kind++) {
		am_put(s.a->devtab + 32 * AM_SID, am_get(s.a->devtab + 32 * AM_SID) & ~BIT(62));
		am_cmd(s.a, AM_OP(2) | AM_SID, 0);
		ags_ends_in(&s, kind, AM_IOVA, ags_writes(kind) ? ags_fault(&s, kind, PR | PE) : 0, kind);
		ags_entry(&s, 0, 0);
		am_put(s.a->devtab + 32 * AM_SID, am_get(s.a->devtab + 32 * AM_SID) & ~BIT(61));
		am_cmd(s.a, AM_OP(2) | AM_SID, 0);
		ags_ends_in(&s, kind, AM_IOVA, kind == WRITE || kind == PRIV_WRITE ? 0 : ags_fault(&s, kind, PR | PE),
			10 + kind);
		ags_entry(&s, 0, 0);
	}
	without = ags_fault(&s, READ, 0);
	am_dte(s.a, AM_SID, am_dte0(0, 0), AM_DOMAIN, 0, 0);
	ags_ends_in(&s, READ, AM_IOVA, without, 20);
	ags_entry(&s, 0, 0);
	am_set(s.a, 0x0018, 0x1405);
	ags_ends_in(&s, READ, AM_IOVA, without, 21);
	expect_true(t, am_goes(s.a, 0x5008) == 0x5008, "without PASID and GTEn the address counts as it is");
	am_set(s.a, 0x0018, 0x1405 | BIT(16));
	am_dte(s.a, AM_SID, 0, 0, 0, 0);
	rq = (struct mdl_request){ .sid = AM_SID, .bytes = 8, .address = 0x5008, .has_pasid = true, .pasid = 1 };
	expect_eq(t, "passes with V = 0", am_look(s.a, &rq).kind == MDL_OK, !s.a->config.choices.u19_pasid_aborted);
	expect_eq(t, "events with V = 0", am_code(s.a), 0);
}

TEST(model_guest_giov,
     .id = "amdvi.model.guest.giov",
     .given = "GIoV = 1 and 0, requests without PASID",
     .expects = "the tables of PASID 0, with GN and PASID 0 in events",
     .needs = NEEDS | NEED_AMD_GIO, .flags = TEST_MODEL)
{
	struct space s = ags_start(t, 4, 0);
	uint64_t event[2] = { 0, 0 };

	am_put(s.gcr3, s.root | 1);
	ags_entry(&s, BIT(54), 0);
	for (unsigned i = 0; i < 2; i++)
		expect_true(t, am_goes(s.a, AM_IOVA + 8) == s.page + 8, "the page of PASID 0");
	am_goes(s.a, AM_IOVA + PAGE_BYTES);
	am_event(s.a, event);
	expect_eq(t, "the event", event[0], AM_OP(2) | GN | AM_SID);
	/* Such requests are a user's, whatever their flags say. */
	am_put(s.pte, s.page | 3);
	ags_drop(&s);
	am_cmd(s.a, AM_OP(3) | FLD(BITS(47, 32), AM_DOMAIN), AM_ALL | 6);
	am_look(s.a, &(struct mdl_request){ .sid = AM_SID, .bytes = 8, .address = AM_IOVA, .priv = true });
	event[0] = 0;
	am_event(s.a, event);
	expect_eq(t, "the event of a supervisor's page", event[0], AM_OP(2) | GN | US | PR | PE | AM_SID);
	ags_entry(&s, 0, 0);
	expect_true(t, am_goes(s.a, 0x5008) == 0x5008, "GIoV = 0: the address counts as it is");
}

/* ---- entries ---- */

static void flip_each_bit(struct space *s)
{
	bool nx = s->a->config.efr & BIT(3);

	for (unsigned level = 1; level <= s->levels; level++)
		for (unsigned large = 0; large < (level == 2 || level == 3 ? 2u : 1u); large++) {
			uint64_t at = ags_at(s, level), good = am_get(at), v = large ? 0x87 : good;
			uint64_t rsvd = (nx ? 0 : XD) | (level >= 4 ? BIT(7) : 0) |
					(large ? BITS(12 + 9 * (level - 1) - 1, 13) : 0);

			for (unsigned bit = 0; bit < 64; bit++) {
				bool skip_it = bit == 1 || bit == 2 || (bit == 7 && (level == 2 || level == 3)) ||
					       (bit >= 12 && bit < 52 && !(rsvd & BIT(bit)));

				if (skip_it)
					continue;
				am_put(at, v ^ BIT(bit));
				ags_drop(s);
				for (unsigned kind = READ; kind <= PRIV_WRITE; kind += PRIV_WRITE)
					ags_ends_in(s, kind, AM_IOVA, bit == 0 ? ags_fault(s, kind, 0) :
						    rsvd & BIT(bit) ? ags_fault(s, kind, PR | RZ) : 0,
						    10000 * large + 100 * level + bit);
			}
			am_put(at, good);
		}
}

TEST(model_guest_reserved,
     .id = "amdvi.model.guest.reserved",
     .given = "each bit of the entries of each level, as directory and as large page, flipped",
     .expects = "P = 0 is PR = 0; what is reserved is RZ; the rest is harmless",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct space s = ags_start(t, 4 + (unsigned)fld_get(BITS(13, 12), am_config(t)->efr), 0);

	flip_each_bit(&s);
}

TEST(model_guest_reserved_nx,
     .id = "amdvi.model.guest.reserved_nx",
     .given = "the same on a unit without NX", .expects = "NX is reserved, beside all else that is",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct mdl_amd_config c = *am_config(t);
	struct space s;

	c.efr &= ~BIT(3);
	s = ags_start_as(t, &c, 4 + (unsigned)fld_get(BITS(13, 12), c.efr), 0);
	flip_each_bit(&s);
}

TEST(model_guest_sizes,
     .id = "amdvi.model.guest.sizes",
     .given = "pages of 4 KiB, 2 MiB and 1 GiB with PAT bit 12, four and five levels; addresses that are not canonical",
     .expects = "address and size; IO_PAGE_FAULT with PR = 0",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	for (unsigned levels = 4; levels <= 4 + fld_get(BITS(13, 12), am_config(t)->efr); levels++) {
		struct space s = ags_start(t, levels, 0);
		uint64_t top = pow2(11 + 9 * levels);

		for (unsigned level = 1; level <= 3; level++) {
			unsigned bits = 12 + 9 * (level - 1);
			uint64_t base = pow2(bits + 3);

			am_put(ags_at(&s, level), level == 1 ? base | 7 : base | 0x1087);
			ags_drop(&s);
			for (unsigned i = 0; i < 2; i++) {
				struct mdl_request rq = ags_request(&s, WRITE, AM_IOVA + 0x18);
				struct mdl_amd_result out = am_look(s.a, &rq);

				am_is(t, "page bits", out.page_bits, bits, level);
				am_is(t, "the address", out.address, base | ((AM_IOVA + 0x18) % pow2(bits)), level);
				am_is(t, "by a guest table", out.guest, 1, level);
			}
			am_put(ags_at(&s, level), 0);
		}
		/* Both halves of what is canonical, then just outside. */
		ags_ends_in(&s, READ, top - 8, ags_fault(&s, READ, 0), levels);
		ags_ends_in(&s, READ, top, ags_fault(&s, READ, 0), levels);
		ags_ends_in(&s, READ, ~top & BITS(63, 12), ags_fault(&s, READ, 0), levels);
		am_put(am_guest_entry(s.a, s.root, levels, 1, top - PAGE_BYTES), s.page | 7);
		am_put(am_guest_entry(s.a, s.root, levels, 1, ~(top - 1)), s.page | 7);
		ags_ends_in(&s, READ, top - 8, 0, levels);
		ags_ends_in(&s, READ, ~(top - 1), 0, levels);
		am_put(am_guest_entry(s.a, s.root, levels, 1, top), s.page | 7);
		am_put(am_guest_entry(s.a, s.root, levels, 1, ~top & BITS(63, 12)), s.page | 7);
		ags_ends_in(&s, READ, top, ags_fault(&s, READ, 0), levels);
		ags_ends_in(&s, READ, ~top & BITS(63, 12), ags_fault(&s, READ, 0), levels);
	}
}

TEST(model_guest_modes,
     .id = "amdvi.model.guest.modes",
     .given = "each GuestPagingMode, and each GLX",
     .expects = "those beyond GATS and GLXSup are illegal, as the configuration has chosen",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct space s = ags_start(t, 4, 0);
	uint64_t illegal = s.a->config.choices.u32_page_fault ? ags_fault(&s, READ, PR) :
			   AM_OP(1) | GN | AM_SID | FLD(BITS(47, 32), PASID);
	uint64_t gats = fld_get(BITS(13, 12), s.a->config.efr), glx = fld_get(BITS(15, 14), s.a->config.efr);

	for (uint64_t mode = 0; mode < 4; mode++) {
		struct mdl_amd_result out;
		struct mdl_request rq = ags_request(&s, READ, AM_IOVA);
		uint64_t event[2] = { 0, 0 };

		s.levels = 4 + (unsigned)mode;
		ags_entry(&s, 0, 0);
		ags_drop(&s);
		out = am_look(s.a, &rq);
		am_event(s.a, event);
		if (mode > gats || mode > 1)
			am_is(t, "the event", event[0], illegal, mode);
		else
			am_is(t, "an illegal entry", shr(event[0], 60) == 1, 0, mode);
		am_is(t, "refused", out.kind != MDL_OK, mode != 0, mode);
	}
	s.levels = 4;
	for (s.glx = 0; s.glx < 4; s.glx++) {
		struct mdl_request rq = ags_request(&s, READ, AM_IOVA);
		uint64_t event[2] = { 0, 0 };

		ags_entry(&s, 0, 0);
		ags_drop(&s);
		am_look(s.a, &rq);
		am_event(s.a, event);
		if (s.glx > glx)
			am_is(t, "the event", event[0], illegal, 10 + s.glx);
		else
			am_is(t, "an illegal entry", shr(event[0], 60) == 1, 0, 10 + s.glx);
	}
}

/* ---- GCR3 tables ---- */

static void gcr3_bits(struct test *t)
{
	const uint64_t rsvd = BITS(2, 1) | BITS(11, 5) | BITS(63, 52);
	struct space s = ags_start(t, 4, 0);

	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t event = bit == 0 ? ags_fault(&s, WRITE, 0) :
				 rsvd & BIT(bit) ? ags_fault(&s, WRITE, PR | RZ) : 0;

		if (bit >= 12 && bit < 52)
			continue;
		am_put(s.gcr3 + 8 * PASID, (s.root | 1) ^ BIT(bit));
		ags_drop(&s);
		ags_ends_in(&s, WRITE, AM_IOVA, event, bit);
	}
}

TEST(model_guest_gcr3,
     .id = "amdvi.model.guest.gcr3",
     .given = "each GLX; PASIDs at the ends of its reach and with each bit alone; each bit of an entry flipped",
     .expects = "each PASID has its own entry; beyond reach or PASMax, V = 0 and reserved bits fault",
     .needs = NEEDS, .flags = TEST_MODEL, .budget_us = 4000000)
{
	uint64_t most = fld_get(BITS(15, 14), am_config(t)->efr);
	unsigned bits = (unsigned)fld_get(BITS(36, 32), am_config(t)->efr) + 1;

	for (unsigned glx = 0; glx <= most; glx++) {
		struct space s = ags_start(t, 4, 0);
		unsigned reach = (unsigned)min_u64(bits, 9 + 9 * glx);

		s.glx = glx;
		am_put(s.gcr3 + 8 * PASID, 0);
		for (unsigned bit = 0; bit < 20; bit++) {
			uint64_t table = s.gcr3;

			s.pasid = (uint32_t)BIT(bit);
			for (unsigned l = glx; l > 0; l--) {
				uint64_t at = table + 8 * (shr(s.pasid, 9 * l) % 512);

				if (!am_get(at))
					am_put(at, am_page(s.a) | 1);
				table = am_get(at) & BITS(51, 12);
			}
			am_put(table + 8 * (s.pasid % 512), s.root | 1);
			ags_entry(&s, 0, 0);
			ags_drop(&s);
			ags_ends_in(&s, READ, AM_IOVA, bit < reach ? 0 : ags_fault(&s, READ, 0), 100 * glx + bit);
			am_put(table + 8 * (s.pasid % 512), 0);
			ags_drop(&s);
			ags_ends_in(&s, READ, AM_IOVA, ags_fault(&s, READ, 0), 1000 + 100 * glx + bit);
		}
	}
	gcr3_bits(t);
}

TEST(model_guest_hole,
     .id = "amdvi.model.guest.hole",
     .given = "a GCR3 table, then guest tables in a hole",
     .expects = "PAGE_TAB_HARDWARE_ERROR, GN, PASID, the entry's address",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct space s = ags_start(t, 4, 0);
	uint64_t hole = page_unbacked(t).v, real = s.gcr3, event[2] = { 0, 0 };
	struct mdl_request rq = ags_request(&s, READ, AM_IOVA);

	am_put(real + 8 * PASID, hole | 1);
	am_look(s.a, &rq);
	am_event(s.a, event);
	expect_eq(t, "the event", event[0], AM_OP(4) | BIT(57) | GN | FLD(BITS(47, 32), PASID) | AM_SID);
	expect_eq(t, "the address", event[1] - hole, 8 * (shr(AM_IOVA, 39) % 512));
	s.gcr3 = hole;
	ags_entry(&s, 0, 0);
	ags_drop(&s);
	am_look(s.a, &rq);
	event[0] = 0;
	am_event(s.a, event);
	expect_eq(t, "the event of the GCR3 table", shr(event[0], 60), 4);
	expect_eq(t, "its address", event[1] - hole, 8 * PASID);
}

/* ---- accessed and dirty ---- */

static void clear(struct space *s)
{
	for (unsigned level = 1; level <= 4; level++)
		am_put(ags_at(s, level), am_get(ags_at(s, level)) & ~(A_BIT | D_BIT));
	ags_drop(s);
}

static void ad_are(struct space *s, uint64_t leaf, uint64_t above, uint64_t which)
{
	for (unsigned level = 1; level <= 4; level++)
		am_is(s->a->t, "A and D", am_get(ags_at(s, level)) & (A_BIT | D_BIT), level == 1 ? leaf : above,
		      which);
}

TEST(model_guest_ad,
     .id = "amdvi.model.guest.ad",
     .given = "reads, writes and refused writes, GAUpdateDis and GDUpdateDis, each twice",
     .expects = "A in every entry used, D in the leaf of a write, unless disabled",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	for (unsigned off = 0; off < 4; off++) {
		uint64_t ctl = (off & 1 ? BIT(54) : 0) | (off & 2 ? BIT(48) : 0), a = off & 1 ? 0 : A_BIT,
			d = off & 2 ? 0 : D_BIT;
		struct space s;

		if ((off & 1 && !(am_config(t)->efr & BIT(61))) || (off & 2 && !(am_config(t)->efr & BIT(53))))
			continue;
		s = ags_start(t, 4, ctl);
		for (unsigned i = 0; i < 2; i++) {
			ags_ends_in(&s, READ, AM_IOVA, 0, off);
			ad_are(&s, a, a, 10 * off);
		}
		for (unsigned i = 0; i < 2; i++) {
			ags_ends_in(&s, WRITE, AM_IOVA, 0, off);
			ad_are(&s, a | d, a, 10 * off + 1);
		}
		am_put(s.pte, am_get(s.pte) & ~D_BIT); /* under the cache: it is not looked at again */
		ags_ends_in(&s, WRITE, AM_IOVA, 0, off);
		expect_eq(t, "D of what was kept", am_get(s.pte) & D_BIT, s.a->config.lazy ? d : 0);
		am_put(s.pte, s.page | 5);
		clear(&s);
		ags_ends_in(&s, WRITE, AM_IOVA, ags_fault(&s, WRITE, PR | PE), off);
		ad_are(&s, 0, 0, 10 * off + 2);
		ags_ends_in(&s, READ, AM_IOVA, 0, off);
		ad_are(&s, a, a, 10 * off + 3);
		/* A leaf that was dirty when it was kept. */
		am_put(s.pte, s.page | 7 | D_BIT);
		ags_drop(&s);
		ags_ends_in(&s, READ, AM_IOVA, 0, off);
		am_put(s.pte, s.page | 7);
		ags_ends_in(&s, WRITE, AM_IOVA, 0, off);
		expect_eq(t, "D of what was kept as dirty", am_get(s.pte) & D_BIT, s.a->config.lazy ? d : 0);
	}
}
