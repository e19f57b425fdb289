/*
 * A machine that exists only as a list of functions; one of them has a configuration space.
 */
#include "tests/acpi/small_machine.h"

#define PF_SID   SID(4, 1, 0)
#define SRIOV_AT 0x100u

static uint32_t cfg_rd(struct machine *machine, struct pci_addr a, uint32_t off, unsigned bytes)
{
	const struct small_machine *m = machine->ctx;
	uint32_t v = 0;

	if (a.segment != 0 || a.sid != PF_SID)
		return UINT32_MAX;
	for (unsigned i = bytes; i && off + bytes <= SMALL_PF_BYTES; i--)
		v = v * 256 + m->pf_space[off + i - 1];
	return v;
}

static void cfg_wr(struct machine *machine, struct pci_addr a, uint32_t off, uint32_t v, unsigned bytes)
{
	(void)machine;
	(void)a;
	(void)off;
	(void)v;
	(void)bytes;
}

static const struct machine_ops ops = { .cfg_rd = cfg_rd, .cfg_wr = cfg_wr };

static struct pci_dev leaf(uint16_t segment, uint16_t sid, int parent)
{
	return (struct pci_dev){ .addr = { segment, sid }, .parent = parent };
}

static struct pci_dev bridge(uint16_t sid, uint8_t from, uint8_t to, int parent)
{
	return (struct pci_dev){ .addr = { 0, sid }, .header_type = 1, .bus_secondary = from, .bus_subordinate = to,
				 .parent = parent };
}

void small_machine_init(struct small_machine *m)
{
	*m = (struct small_machine){
		.machine = { .name = "small", .ops = &ops, .ctx = m },
		.bus = { .machine = &m->machine, .devs = m->devs, .devs_n = SMALL_DEVS, .devs_max = SMALL_DEVS },
	};
	m->devs[0] = leaf(0, SID(0, 0, 0), -1);
	m->devs[1] = leaf(0, SID(0, 2, 0), -1);
	m->devs[SMALL_BRIDGE] = bridge(SID(0, 0x1c, 0), 4, 7, -1);
	m->devs[3] = bridge(SID(4, 0, 0), 5, 6, SMALL_BRIDGE);
	m->devs[4] = bridge(SID(5, 1, 0), 6, 6, 3);
	m->devs[5] = leaf(0, SID(6, 0, 0), 4);
	m->devs[6] = leaf(0, PF_SID, SMALL_BRIDGE);
	m->devs[6].is_pcie = true;
	m->devs[7] = bridge(SID(0, 0x1d, 0), 0, 0, -1);
	m->devs[8] = leaf(0, SID(0, 0x1f, 0), -1);
	m->devs[9] = leaf(1, SID(0, 2, 0), -1);
	for (unsigned i = 0; i < SMALL_DEVS; i++) {
		m->devs[i].machine = &m->machine;
		m->devs[i].bus = &m->bus;
	}
}

static void set16(struct small_machine *m, uint32_t off, uint16_t v)
{
	m->pf_space[off] = (uint8_t)(v % 256);
	m->pf_space[off + 1] = (uint8_t)(v / 256);
}

void small_machine_sriov(struct small_machine *m, bool on, uint16_t vfs, uint16_t first, uint16_t stride)
{
	set16(m, SRIOV_AT, 0x0010);
	set16(m, SRIOV_AT + 2, 0x0001); /* version 1, no next capability */
	set16(m, SRIOV_AT + 0x08, on ? 0x0009 : 0x0008); /* memory space enable stays on: another bit */
	set16(m, SRIOV_AT + 0x10, vfs);
	set16(m, SRIOV_AT + 0x14, first);
	set16(m, SRIOV_AT + 0x16, stride);
}
