/* ACPI discovery. Every table is bounded by its own length field, which is checked against sanity first. */
#include "kernel/acpi.h"
#include "kernel/paging.h"
#include <string.h>

#define HEADER_BYTES 36
#define TABLE_MAX    BIT(24) /* no real table comes near */
#define RSDP_BYTES   36
#define EBDA_SEGMENT 0x40e
#define BIOS_AREA    0xe0000
#define BIOS_AREA_BYTES 0x20000

#define FADT_DSDT        40
#define FADT_PM1A_CNT    64
#define FADT_PM1B_CNT    68
#define FADT_PM_TIMER    76
#define FADT_FLAGS       112
#define   FADT_TMR_VAL_EXT BIT(8)
#define   FADT_RESET_SUP   BIT(10)
#define FADT_RESET_REG   116 /* a generic address: space, width, offset, access size, address */
#define   SPACE_IO       1
#define FADT_RESET_VALUE 128
#define FADT_X_DSDT      140
#define MADT_ENTRIES     44
#define   MADT_LOCAL_APIC   0
#define   MADT_IOAPIC       1
#define   MADT_LOCAL_X2APIC 9
#define   MADT_CPU_ENABLED  1u
#define MCFG_ENTRIES     44
#define MCFG_ENTRY_BYTES 16

static struct {
	const uint8_t *list; /* RSDT or XSDT */
	size_t list_bytes;
	unsigned entry_bytes;
} acpi;

static uint64_t rd_le(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = bytes; i > 0; i--)
		v = v * 256 + p[i - 1];
	return v;
}

static bool sums_to_zero(const uint8_t *p, size_t n)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum = (uint8_t)(sum + p[i]); /* modulo 256 is the rule */
	return sum == 0;
}

/* A whole table at pa; NULL if its length is impossible. */
static const uint8_t *table_at(uint64_t pa, size_t *bytes)
{
	const uint8_t *header = pa ? paging_firmware(PA(pa), HEADER_BYTES) : NULL;

	if (!header)
		return NULL;
	*bytes = rd_le(header + 4, 4);
	if (*bytes < HEADER_BYTES || *bytes > TABLE_MAX)
		return NULL;
	return paging_firmware(PA(pa), *bytes);
}

static uint64_t search(uint64_t from, uint64_t bytes)
{
	const uint8_t *p = paging_firmware(PA(from), bytes);

	for (uint64_t i = 0; p && i + 20 <= bytes; i += 16)
		if (!memcmp(p + i, "RSD PTR ", 8) && sums_to_zero(p + i, 20))
			return from + i;
	return 0;
}

static uint64_t find_rsdp(const struct boot_info *bi)
{
	const uint8_t *p;
	uint64_t at = bi->rsdp, ebda;

	if (at)
		return at;
	at = search(BIOS_AREA, BIOS_AREA_BYTES);
	if (at)
		return at;
	p = paging_firmware(PA(EBDA_SEGMENT), 2);
	ebda = p ? rd_le(p, 2) * 16 : 0;
	return ebda >= 0x400 ? search(ebda, 1024) : 0;
}

/*
 * Xen copies the head of the host's XSDT for its dom0, even where the host's firmware has none: the name is then what
 * lies at address 0 (Xen 4.17 on SeaBIOS), but Xen's checksum holds.
 */
static bool is_list(const char *name)
{
	if (!memcmp(acpi.list, name, 4))
		return true;
	if (!sums_to_zero(acpi.list, acpi.list_bytes))
		return false;
	log_line("ACPI: the %s has another name; its checksum is good, so it is used", name);
	return true;
}

enum status acpi_init(const struct boot_info *bi)
{
	uint64_t at = find_rsdp(bi), list;
	const uint8_t *p = at ? paging_firmware(PA(at), RSDP_BYTES) : NULL;
	bool has_xsdt;

	if (!p) {
		log_line("ACPI: no RSDP");
		return ERR_NOT_FOUND;
	}
	if (memcmp(p, "RSD PTR ", 8) || !sums_to_zero(p, 20)) {
		log_line("ACPI: the RSDP at 0x%llx has a bad signature or checksum", (unsigned long long)at);
		return ERR_MALFORMED;
	}
	has_xsdt = p[15] >= 2 && rd_le(p + 24, 8) != 0;
	list = has_xsdt ? rd_le(p + 24, 8) : rd_le(p + 16, 4);
	acpi.list = table_at(list, &acpi.list_bytes);
	acpi.entry_bytes = has_xsdt ? 8 : 4;
	if (!acpi.list || !is_list(has_xsdt ? "XSDT" : "RSDT")) {
		log_line("ACPI: no usable %s at 0x%llx", has_xsdt ? "XSDT" : "RSDT", (unsigned long long)list);
		acpi.list = NULL;
		return ERR_MALFORMED;
	}
	return OK;
}

const void *acpi_find(const char sig[4], size_t *bytes, bool *checksum_good)
{
	for (size_t at = HEADER_BYTES; acpi.list && at + acpi.entry_bytes <= acpi.list_bytes; at += acpi.entry_bytes) {
		const uint8_t *t = table_at(rd_le(acpi.list + at, acpi.entry_bytes), bytes);

		if (!t || memcmp(t, sig, 4))
			continue;
		*checksum_good = sums_to_zero(t, *bytes);
		return t;
	}
	return NULL;
}

/* Finds Name(_S5_, Package(){a, b, ...}) in the DSDT by its AML bytes: NameOp "_S5_" PackageOp length count values. */
static bool find_s5(const uint8_t *dsdt, size_t n, struct power_acpi *p)
{
	for (size_t i = HEADER_BYTES; i + 16 < n; i++) {
		const uint8_t *v = dsdt + i + 4;
		unsigned values[2];

		if (memcmp(dsdt + i, "_S5_", 4) || *v++ != 0x12)
			continue;
		v += 1 + fld_get(BITS(7, 6), *v); /* package length: 1 byte and up to 3 more */
		if (v + 6 > dsdt + n)
			return false;
		v++;                              /* number of elements */
		for (unsigned k = 0; k < 2; k++) {
			if (*v == 0x0a)           /* BytePrefix */
				v++;
			values[k] = *v++;
		}
		p->slp_typ_a = (uint8_t)(values[0] % 8);
		p->slp_typ_b = (uint8_t)(values[1] % 8);
		return true;
	}
	return false;
}

void acpi_power(struct power_acpi *p, uint16_t *pm_timer_port, bool *pm_timer_32_bits)
{
	bool good;
	size_t n, dsdt_n;
	const uint8_t *fadt = acpi_find("FACP", &n, &good), *dsdt;
	uint64_t dsdt_pa;

	*p = (struct power_acpi){ .valid = false };
	*pm_timer_port = 0;
	*pm_timer_32_bits = false;
	if (!fadt || !good || n < FADT_FLAGS + 4)
		return;
	*pm_timer_port = (uint16_t)rd_le(fadt + FADT_PM_TIMER, 2);
	*pm_timer_32_bits = rd_le(fadt + FADT_FLAGS, 4) & FADT_TMR_VAL_EXT;
	if (n > FADT_RESET_VALUE && (rd_le(fadt + FADT_FLAGS, 4) & FADT_RESET_SUP) && fadt[FADT_RESET_REG] == SPACE_IO) {
		p->reset_port = (uint16_t)rd_le(fadt + FADT_RESET_REG + 4, 2);
		p->reset_value = fadt[FADT_RESET_VALUE];
	}
	dsdt_pa = n >= FADT_X_DSDT + 8 ? rd_le(fadt + FADT_X_DSDT, 8) : 0;
	dsdt = table_at(dsdt_pa ? dsdt_pa : rd_le(fadt + FADT_DSDT, 4), &dsdt_n);
	p->pm1a_control = (uint16_t)rd_le(fadt + FADT_PM1A_CNT, 2);
	p->pm1b_control = (uint16_t)rd_le(fadt + FADT_PM1B_CNT, 2);
	p->valid = dsdt && p->pm1a_control && find_s5(dsdt, dsdt_n, p);
}

static void madt_entry(const uint8_t *e, unsigned len, struct acpi_interrupts *out)
{
	if (e[0] == MADT_LOCAL_APIC && len >= 8)
		out->cpus_n += (unsigned)rd_le(e + 4, 4) & MADT_CPU_ENABLED;
	else if (e[0] == MADT_LOCAL_X2APIC && len >= 16)
		out->cpus_n += (unsigned)rd_le(e + 8, 4) & MADT_CPU_ENABLED;
	else if (e[0] == MADT_IOAPIC && len >= 12 && out->ioapics_n < ARRAY_LEN(out->ioapics))
		out->ioapics[out->ioapics_n++] = (struct acpi_ioapic){
			.id = e[2], .base = PA(rd_le(e + 4, 4)), .gsi_base = (uint32_t)rd_le(e + 8, 4) };
}

void acpi_interrupts(struct acpi_interrupts *out)
{
	bool good;
	size_t n, at = MADT_ENTRIES;
	const uint8_t *madt = acpi_find("APIC", &n, &good);

	*out = (struct acpi_interrupts){ .cpus_n = 0 };
	while (madt && good && at + 2 <= n) {
		unsigned len = madt[at + 1];

		if (len < 2 || len > n - at)
			return; /* what came before still counts */
		madt_entry(madt + at, len, out);
		at += len;
	}
}

unsigned acpi_segments(struct pci_segment *out, unsigned max)
{
	bool good;
	size_t n;
	const uint8_t *mcfg = acpi_find("MCFG", &n, &good);
	unsigned count = 0;

	for (size_t at = MCFG_ENTRIES; mcfg && good && at + MCFG_ENTRY_BYTES <= n && count < max; at += MCFG_ENTRY_BYTES) {
		out[count] = (struct pci_segment){
			.ecam = PA(rd_le(mcfg + at, 8)),
			.segment = (uint16_t)rd_le(mcfg + at + 8, 2),
			.bus_first = mcfg[at + 10],
			.bus_last = mcfg[at + 11],
		};
		if (out[count].ecam.v && out[count].bus_first <= out[count].bus_last)
			count++;
	}
	if (!count) {
		out[0] = (struct pci_segment){ .bus_last = 255 };
		count = 1;
	}
	return count;
}
