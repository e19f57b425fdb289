/*
 * The IVRS table of a model machine, as bytes (AMD IOMMU 5.2): blocks 10h and 11h for each unit, and 40h where it has
 * features of the second register; then memory that firmware keeps for a device of its own.
 */
#include "model/fabric.h"
#include "model/table_bytes.h"

#define IO_APIC_ID  UINT64_C(0x00A0)   /* 00:14.0 speaks for the IO-APIC and the HPET, 00:15.0 for a device of ACPI's */
#define ACPI_ID     UINT64_C(0x00A8)
#define RANGES_MAX  (2 * MDL_FUNCTIONS_MAX)
#define KEPT        UINT64_C(0xFD000000) /* what the device of ACPI's reads and writes, 1:1 */
#define KEPT_BYTES  UINT64_C(0x10000)

struct range {
	uint32_t first, last;
};

/* DeviceIDs that a function stands for: its own, and for a port the bus behind it. */
static unsigned ranges_of(const struct mdl_fabric *f, const struct mdl_function *fn, struct range out[2])
{
	uint32_t bus = fn->parent < 0 ? 0 : mdl_config_secondary(&f->fns[fn->parent]);
	uint32_t id = (uint32_t)(FLD(SID_BUS, bus) | fn->devfn);

	out[0] = (struct range){ id, id };
	if (fn->kind != MDL_ROOT_PORT)
		return 1;
	bus = mdl_config_secondary(fn);
	out[1] = (struct range){ (uint32_t)FLD(SID_BUS, bus), (uint32_t)(FLD(SID_BUS, bus) | SID_DEVFN) };
	return 2;
}

/* All that unit n names; n == MDL_UNITS_MAX: all that any unit names. In rising order. */
static unsigned collect(const struct mdl_fabric *f, unsigned n, struct range *r)
{
	unsigned count = 0;

	for (unsigned i = 0; i < f->fns_n; i++) {
		const struct mdl_function *fn = &f->fns[i];

		if (fn->kind != MDL_IOMMU && fn->unit < f->units_n && (n == MDL_UNITS_MAX || fn->unit == n))
			count += ranges_of(f, fn, &r[count]);
	}
	for (unsigned i = 1; i < count; i++) {
		for (unsigned k = i; k > 0 && r[k - 1].first > r[k].first; k--) {
			struct range t = r[k];

			r[k] = r[k - 1];
			r[k - 1] = t;
		}
	}
	return count;
}

static void entry(struct mdl_table *t, uint32_t first, uint32_t last)
{
	mdl_put(t, first == last ? 0x02 : 0x03, 1);
	mdl_put(t, first, 2);
	mdl_put(t, 0, 1);
	if (first == last)
		return;
	mdl_put(t, 0x04, 1);
	mdl_put(t, last, 2);
	mdl_put(t, 0, 1);
}

static void special(struct mdl_table *t, unsigned variety)
{
	mdl_put(t, 0x48, 4); /* type, reserved, setting */
	mdl_put(t, 0, 1);    /* handle */
	mdl_put(t, IO_APIC_ID, 2);
	mdl_put(t, variety, 1);
}

static void acpi_device(struct mdl_table *t)
{
	mdl_put(t, 0xF0, 1);
	mdl_put(t, ACPI_ID, 2);
	mdl_put(t, 0, 1);
	mdl_put_text(t, "PORT0001", 8);
	mdl_put(t, 0, 8);    /* no CID */
	mdl_put(t, 0, 2);    /* no UID */
}

/* What the unit serves: what it names, or what nobody else does. */
static void devices(struct mdl_table *t, const struct mdl_fabric *f, unsigned n, uint8_t type)
{
	struct range r[RANGES_MAX];
	unsigned count = collect(f, f->units[n].all ? MDL_UNITS_MAX : n, r);
	uint32_t next = 0;

	for (unsigned i = 0; i < count; i++) {
		if (!f->units[n].all)
			entry(t, r[i].first, r[i].last);
		else if (r[i].first > next)
			entry(t, next, r[i].first - 1);
		next = r[i].last + 1;
	}
	if (!f->units[n].all)
		return;
	entry(t, next, 0xFFFF);
	special(t, 1);
	special(t, 2);
	if (type == 0x40)
		acpi_device(t);
}

/* Feature information of type 10h (fact table 8.3). */
static uint64_t features(const struct mdl_amd_config *c)
{
	return ((c->efr & EFR_XT) != 0 ? BIT(0) : 0) | ((c->efr & EFR_NX) != 0 ? BIT(1) : 0) |
	       ((c->efr & EFR_GT) != 0 ? BIT(2) : 0) | FLD(BITS(4, 3), fld_get(EFR_GLX, c->efr)) |
	       ((c->efr & EFR_IA) != 0 ? BIT(5) : 0) | ((c->efr & EFR_GA) != 0 ? BIT(6) : 0) |
	       ((c->efr & EFR_HE) != 0 ? BIT(7) : 0) | FLD(BITS(12, 8), fld_get(EFR_PASMAX, c->efr)) |
	       FLD(BITS(29, 28), fld_get(EFR_GATS, c->efr)) | FLD(BITS(31, 30), fld_get(EFR_HATS, c->efr));
}

/* What types 10h and 11h share of it: counters, and the message of the PPR log. */
static uint64_t numbers(const struct mdl_amd_config *c)
{
	return ((c->efr & EFR_PC) != 0 ? FLD(BITS(16, 13), 4) | FLD(BITS(22, 17), 2) : 0) |
	       ((c->efr & EFR_PPR) != 0 ? FLD(BITS(27, 23), 1) : 0);
}

static void block(struct mdl_table *t, const struct mdl_fabric *f, unsigned n, uint8_t type)
{
	const struct mdl_amd *u = f->units[n].amd;
	const struct mdl_amd_config *c = u->st.cfg;
	size_t start = t->n;
	uint64_t flags = ((c->header & CAPH_IOTLB) != 0 ? BIT(4) : 0) | BIT(5);

	if (type == 0x10)
		flags |= ((c->efr & EFR_PREF) != 0 ? BIT(6) : 0) | ((c->efr & EFR_PPR) != 0 ? BIT(7) : 0);
	mdl_put(t, type, 1);
	mdl_put(t, flags, 1);
	mdl_put(t, 0, 2);
	mdl_put(t, u->devid, 2);
	mdl_put(t, MDL_AMD_CAPABILITY, 2);
	mdl_put(t, u->base, 8);
	mdl_put(t, 0, 2);    /* segment */
	mdl_put(t, 0, 2);    /* MsiNum, UnitID */
	mdl_put(t, numbers(c) | (type == 0x10 ? features(c) : fld_get(EFR_HATS, c->efr) == HATS_NONE ? BIT(0) : 0), 4);
	if (type != 0x10) {
		mdl_put(t, c->efr, 8);
		mdl_put(t, c->efr2, 8);
	}
	devices(t, f, n, type);
	mdl_put_at(t, start + 2, t->n - start, 2);
}

/* IVMD type 21h: one device, unity mapped, IR and IW. */
static void kept_memory(struct mdl_table *t)
{
	mdl_put(t, 0x21, 1);
	mdl_put(t, 7, 1);
	mdl_put(t, 32, 2);
	mdl_put(t, ACPI_ID, 2);
	mdl_put(t, 0, 2);
	mdl_put(t, 0, 8);
	mdl_put(t, KEPT, 8);
	mdl_put(t, KEPT_BYTES, 8);
}

enum status mdl_ivrs_build(struct mdl_fabric *f)
{
	struct mdl_table t = { .at = f->ivrs, .max = sizeof(f->ivrs) };
	const struct mdl_amd_config *c = f->units[0].amd->st.cfg;
	bool efr = (c->header & CAPH_EFR) != 0;

	mdl_table_begin(&t, "IVRS", c->efr2 != 0 ? 2 : 1);
	mdl_put(&t,
		(efr ? BIT(0) : 0) | FLD(BITS(7, 5), 2) | FLD(BITS(14, 8), c->pa_bits) | FLD(BITS(21, 15), c->va_bits),
		4);
	mdl_put(&t, 0, 8);
	for (unsigned i = 0; i < f->units_n; i++) {
		block(&t, f, i, 0x10);
		if (efr)
			block(&t, f, i, 0x11);
		if (c->efr2 != 0)
			block(&t, f, i, 0x40);
	}
	if (efr)
		kept_memory(&t);
	if (!mdl_table_seal(&t))
		return ERR_FULL;
	f->ivrs_bytes = t.n;
	return OK;
}
