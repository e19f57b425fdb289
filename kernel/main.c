/* From boot_info to the harness: brings the kernel up in order and ends the run. */
#include "drivers-pci/pci.h"
#include "gen/version.h"
#include "kernel/acpi.h"
#include "kernel/apic.h"
#include "kernel/cmdline.h"
#include "kernel/console.h"
#include "kernel/cpu.h"
#include "kernel/follow.h"
#include "kernel/machine_check.h"
#include "kernel/memory.h"
#include "kernel/metal.h"
#include "kernel/paging.h"
#include "kernel/power.h"
#include "kernel/time.h"
#include "tests/harness/harness.h"
#include "tests/model_machine.h"
#include "xen/console.h"
#include "xen/xen.h"
#include <string.h>

#define STACK_BYTES (128 * 1024u)
#define IST_BYTES   (16 * 1024u)
#define MACHINES_MAX 32
#define MEMORY_MIN_PAGES 4096u /* 16 MiB for tests */

static uint64_t tsc_at_entry;

/* Ends a run that cannot test, with the sentence that says why. */
static void bail_out(const char *sentence) __attribute__((noreturn));
static void bail_out(const char *sentence)
{
	harness_bail_out(2, "%s", sentence);
	follow_end(POWER_SETUP);
	power_off(POWER_SETUP);
}

static void describe_processor(struct run_facts *facts)
{
	uint32_t r[4];
	char *brand = facts->cpu;

	cpuid(0x80000000u, 0, r);
	if (r[0] < 0x80000004u)
		return;
	for (uint32_t leaf = 0; leaf < 3; leaf++) {
		cpuid(0x80000002u + leaf, 0, r);
		for (unsigned i = 0; i < 16; i++)
			brand[16 * leaf + i] = (char)shr(r[i / 4], 8 * (i % 4));
	}
}

static void describe_firmware(const struct boot_info *bi, struct run_facts *facts)
{
	static const char *const secure[] = { "", "off", "on", "setup mode" };
	static char boot_device[16];
	const struct pci_addr at = { bi->device.segment, bi->device.sid };
	const struct run_facts told = { .firmware = {
		{ "vendor", bi->texts.firmware_vendor }, { "version", bi->texts.bios_version },
		{ "board_vendor", bi->texts.board_vendor }, { "board", bi->texts.board_name },
		{ "system_vendor", bi->texts.system_vendor }, { "system", bi->texts.system_name },
		{ "secure_boot", secure[bi->efi.secure % ARRAY_LEN(secure)] }, { "boot_device", boot_device },
	} };

	if (bi->device.known)
		str_printf(boot_device, sizeof(boot_device), PCI_FMT, PCI_ARGS(at));
	memcpy(facts->firmware, told.firmware, sizeof(facts->firmware));
}

/* A guest whose loader skips firmware has no tables of it; Xen tells what else is needed. */
static bool is_bare_guest(void)
{
	return xen_guest() && xen_guest()->role != XEN_DOM0;
}

static int64_t iommu_op(void *ctx, uint64_t arg1, uint64_t arg2)
{
	(void)ctx;
	return xen_hypercall2(XEN_HYPERCALL_IOMMU_OP, arg1, arg2);
}

/* A guest without emulated devices has no configuration space; one with them has a single bus, slow to ask. */
static void fit_guest(struct machine *m)
{
	m->iommu_op = iommu_op;
	if (xen_guest()->role == XEN_PVH)
		m->segments_n = 0;
	else if (xen_guest()->role == XEN_HVM)
		m->segments[0].bus_last = 0;
	else
		m->hole_base = 0; /* the host's addresses are its firmware's and Xen's to give */
}

static const char *words_of(const struct boot_info *bi)
{
	static char words[BOOT_CMDLINE_MAX];

	if (bi->cmdline[0] || !is_bare_guest())
		return bi->cmdline;
	/* xl has no command line for an HVM guest: whoever starts it leaves the words in the store. */
	return xen_store_read("vm-data/words", words, sizeof(words)) == OK ? words : bi->cmdline;
}

static void run(void *arg)
{
	const struct boot_info *bi = arg;
	static struct options options;
	static struct run_facts facts;
	struct machine *machines[MACHINES_MAX];
	unsigned n = 0;
	struct power_acpi power;
	struct acpi_interrupts interrupts;
	uint16_t pm_port;
	bool pm_32;
	char why[160];
	int code;

	follow_open(bi);
	if (acpi_init(bi) != OK && !is_bare_guest())
		bail_out("no usable ACPI tables: this machine cannot be described, so nothing can be tested");
	console_follow_firmware();
	acpi_power(&power, &pm_port, &pm_32);
	power_set_acpi(&power);
	if (apic_init() != OK)
		bail_out("the local APIC cannot be used");
	apic_mask_inputs();
	if (xen_tsc_hz())
		time_init_known(xen_tsc_hz());
	else
		time_init(pm_port, pm_32);
	interrupts_on();
	xen_init();
	if (cmdline_parse(words_of(bi), &options, why, sizeof(why)) != OK)
		bail_out(why);
	if (bi->cmdline_cut)
		bail_out("the kernel's command line is longer than 2047 characters");
	if (options.console[0] && console_select(options.console) != OK)
		bail_out("console= names no console that is there (debugcon, serial, xen)");
	if (options.persist[0] && strcmp(options.persist, "nvram"))
		bail_out("persist= can be nvram, and nothing else");
	follow_begin(bi, &options, &facts);
	if (mem_free_pages() < MEMORY_MIN_PAGES)
		bail_out("too little memory: 64 MiB are needed");
	describe_processor(&facts);
	acpi_interrupts(&interrupts);
	facts.cpus_n = (unsigned)max_u64(interrupts.cpus_n, 1);
	facts.ioapics_n = interrupts.ioapics_n;
	facts.page_levels = paging_levels();
	facts.x2apic = apic_is_x2();
	facts.version = PORTCULLIS_VERSION;
	facts.loader = bi->loader;
	describe_firmware(bi, &facts);
	facts.memory_mib = memory_total_mib();
	facts.tsc_mhz = time_tsc_hz() / 1000000;
	facts.entry_us = (tsc() - tsc_at_entry) / max_u64(facts.tsc_mhz, 1);
	machines[n] = metal_machine();
	machines[n]->has_boot_device = bi->device.known;
	machines[n]->boot_device = (struct pci_addr){ bi->device.segment, bi->device.sid };
	machines[n]->xen = xen_guest();
	if (xen_guest())
		fit_guest(machines[n]);
	n++;
	if (options.model[0] && model_machines_create(options.model, machines + n, MACHINES_MAX - n, &n) != OK)
		bail_out("model= names no configuration, or memory is too small for the model machines");
	code = harness_run(machines, n, &options, &facts);
	follow_end(code);
	power_off((enum power_code)code);
}

void kernel_main(struct boot_info *bi)
{
	uint64_t stack, ist[4];

	tsc_at_entry = tsc();
	if (xen_detect(bi)) {
		console_add(&xen_console);
		power_set_last(xen_power_off);
	}
	console_init();
	if (!bi->memory_n && xen_guest())
		(void)xen_memory_map(bi);
	memory_init(bi);
	if (!bi->memory_n)
		bail_out("the loader handed over no memory map");
	if (paging_init(bi) != OK)
		bail_out("too little memory: 64 MiB are needed");
	for (unsigned i = 0; i < 4; i++)
		ist[i] = paging_stack(IST_BYTES);
	stack = paging_stack(STACK_BYTES);
	if (!stack || !ist[3])
		bail_out("too little memory: 64 MiB are needed");
	cpu_tables_init(ist[0], ist[1], ist[2], ist[3]);
	machine_check_init();
	stack_switch(stack, run, bi);
}
