/* The seam on metal: registers, configuration space by ECAM or ports, ACPI tables. */
#include "kernel/acpi.h"
#include "kernel/cpu.h"
#include "kernel/metal.h"
#include "kernel/paging.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define   CONFIG_ENABLE BIT(31)
#define   CONFIG_SID    BITS(23, 8)
#define   CONFIG_OFFSET BITS(7, 2)
/* Where emulated PCs without firmware's help have room for BARs. */
#define PC_HOLE_BASE UINT64_C(0xc0000000)
#define PC_HOLE_LAST UINT64_C(0xfbffffff)
#define ECAM_BUS_BYTES BIT(20)
#define ECAM_FN_BYTES  4096u

/* ---- registers ---- */

#define DEFINE_RD(bits, type, regtype) \
	type mmio_rd##bits(const mmio_t *m, regtype r) \
	{ \
		ASSERT(r.off <= m->len_bytes - sizeof(type) && m->len_bytes >= sizeof(type)); \
		if (m->ops) \
			return (type)m->ops->rd(m->ctx, r.off, sizeof(type)); \
		return *(const volatile type *)((uintptr_t)m->ctx + r.off); \
	}

#define DEFINE_WR(bits, type, regtype) \
	void mmio_wr##bits(const mmio_t *m, regtype r, type v) \
	{ \
		ASSERT(r.off <= m->len_bytes - sizeof(type) && m->len_bytes >= sizeof(type)); \
		if (m->ops) \
			m->ops->wr(m->ctx, r.off, v, sizeof(type)); \
		else \
			*(volatile type *)((uintptr_t)m->ctx + r.off) = v; \
	}

DEFINE_RD(8, uint8_t, reg8_t)
DEFINE_RD(16, uint16_t, reg16_t)
DEFINE_RD(32, uint32_t, reg32_t)
DEFINE_RD(64, uint64_t, reg64_t)
DEFINE_WR(8, uint8_t, reg8_t)
DEFINE_WR(16, uint16_t, reg16_t)
DEFINE_WR(32, uint32_t, reg32_t)
DEFINE_WR(64, uint64_t, reg64_t)

uint32_t mmio_rdw1c32(const mmio_t *m, regw1c32_t r)
{
	return mmio_rd32(m, (reg32_t){ r.off });
}

void mmio_ack(const mmio_t *m, regw1c32_t r, uint32_t bits)
{
	mmio_wr32(m, (reg32_t){ r.off }, bits);
}

/* ---- configuration space ---- */

static mmio_t ecam[MACHINE_SEGMENTS_MAX][256]; /* one window a bus, opened at first use */

static const mmio_t *bus_window(struct machine *m, struct pci_addr a)
{
	unsigned bus = (unsigned)fld_get(SID_BUS, a.sid);

	for (unsigned i = 0; i < m->segments_n; i++) {
		const struct pci_segment *s = &m->segments[i];
		mmio_t *w = &ecam[i][bus];

		if (s->segment != a.segment || bus < s->bus_first || bus > s->bus_last || !s->ecam.v)
			continue;
		/* The MCFG's base is where bus 0 would be. */
		if (!w->ctx && m->ops->mmio_map(m, pa_add(s->ecam, bus * ECAM_BUS_BYTES), ECAM_BUS_BYTES, w) != OK)
			return NULL;
		return w;
	}
	return NULL;
}

static uint32_t config_address(struct pci_addr a, uint32_t off)
{
	return (uint32_t)(CONFIG_ENABLE | fld_set(CONFIG_SID, 0, a.sid) | (off & CONFIG_OFFSET));
}

static uint32_t cfg_rd(struct machine *m, struct pci_addr a, uint32_t off, unsigned bytes)
{
	const mmio_t *w = bus_window(m, a);
	uint32_t at = (uint32_t)fld_get(SID_DEVFN, a.sid) * ECAM_FN_BYTES + off;

	ASSERT(off + bytes <= ECAM_FN_BYTES && is_aligned(off, bytes));
	if (w)
		return bytes == 1 ? mmio_rd8(w, (reg8_t){ at }) : bytes == 2 ? mmio_rd16(w, (reg16_t){ at }) :
			mmio_rd32(w, (reg32_t){ at });
	if (a.segment || off >= 256)
		return (uint32_t)BITS(8 * bytes - 1, 0);
	out32(CONFIG_ADDRESS, config_address(a, off));
	return bytes == 1 ? in8((uint16_t)(CONFIG_DATA + off % 4)) : bytes == 2 ? in16((uint16_t)(CONFIG_DATA + off % 4)) :
		in32(CONFIG_DATA);
}

static void cfg_wr(struct machine *m, struct pci_addr a, uint32_t off, uint32_t v, unsigned bytes)
{
	const mmio_t *w = bus_window(m, a);
	uint32_t at = (uint32_t)fld_get(SID_DEVFN, a.sid) * ECAM_FN_BYTES + off;

	ASSERT(off + bytes <= ECAM_FN_BYTES && is_aligned(off, bytes));
	if (!w) {
		if (a.segment || off >= 256)
			return;
		out32(CONFIG_ADDRESS, config_address(a, off));
	}
	/* The narrowing keeps the low bytes, which are the ones to write. */
	if (bytes == 1)
		w ? mmio_wr8(w, (reg8_t){ at }, (uint8_t)v) : out8((uint16_t)(CONFIG_DATA + off % 4), (uint8_t)v);
	else if (bytes == 2)
		w ? mmio_wr16(w, (reg16_t){ at }, (uint16_t)v) : out16((uint16_t)(CONFIG_DATA + off % 4), (uint16_t)v);
	else
		w ? mmio_wr32(w, (reg32_t){ at }, v) : out32(CONFIG_DATA, v);
}

/* ---- the machine ---- */

static enum status mmio_map(struct machine *m, pa_t pa, uint64_t bytes, mmio_t *out)
{
	void *p = bytes <= UINT32_MAX ? paging_map_device(pa, bytes) : NULL;

	(void)m;
	if (!p)
		return ERR_NO_MEMORY;
	*out = (mmio_t){ NULL, p, (uint32_t)bytes };
	return OK;
}

static const void *acpi_table(struct machine *m, const char sig[4], size_t *bytes)
{
	bool checksum_good; /* the parsers check it again and say where */

	(void)m;
	return acpi_find(sig, bytes, &checksum_good);
}

static bool under_hypervisor(void)
{
	uint32_t r[4];

	cpuid(1, 0, r);
	return r[2] & CPUID1_ECX_HYPERVISOR;
}

struct machine *metal_machine(void)
{
	static const struct machine_ops ops = { cfg_rd, cfg_wr, mmio_map, acpi_table };
	static struct machine machine = { .name = "", .ops = &ops };

	if (machine.segments_n)
		return &machine;
	machine.segments_n = acpi_segments(machine.segments, MACHINE_SEGMENTS_MAX);
	machine.emulated = under_hypervisor();
	if (machine.emulated) { /* firmware of a real machine assigns all BARs; nothing is guessed there */
		machine.hole_base = PC_HOLE_BASE;
		machine.hole_last = PC_HOLE_LAST;
	}
	return &machine;
}
