/* The TCO timer. It counts down twice: once to a status bit, and once more to a reset, unless "no reboot" is set. */
#include "kernel/watchdog.h"
#include "kernel/cpu.h"
#include "kernel/metal.h"

#define LPC_SID SID(0, 31, 0)
#define CFG_ID         0x00
#define CFG_PMBASE     0x40
#define   PMBASE_PORT  BITS(15, 7)
#define CFG_ACPI_CNTL  0x44
#define   ACPI_CNTL_EN BIT(7)
#define CFG_RCBA       0xf0
#define   RCBA_EN      BIT(0)
#define   RCBA_ADDR    BITS(31, 14)
#define RCBA_BYTES     0x4000u

#define GCS            ((reg32_t){ 0x3410 })
#define   GCS_NO_REBOOT BIT(5)

#define PM_SMI_EN      0x30
#define   SMI_EN_TCO   BIT(13)
#define TCO_FROM_PM    0x60
#define TCO_RLD        0x00
#define TCO1_STS       0x04
#define   TCO1_TIMEOUT BIT(3)
#define TCO2_STS       0x06
#define   TCO2_SECOND  BIT(1)
#define   TCO2_BOOT    BIT(2)
#define TCO1_CNT       0x08
#define   TCO1_HALT    BIT(11)
#define   TCO1_LOCK    BIT(12)
#define TCO_TMR        0x12
#define   TCO_TMR_TICKS BITS(9, 0)
#define TICKS 8 /* of 0.6 s, twice: 9.6 s */

static struct {
	bool usable, running;
	uint16_t pm, tco;
	mmio_t rcba;
	uint32_t gcs, smi_en;
	uint16_t control, timer;
} dog;

/* The device ids of LPC bridges whose TCO timer works as described above: ICH6 to the 9 series. */
static bool is_known(uint32_t id)
{
	static const struct { uint16_t first, last; } ids[] = {
		{ 0x2640, 0x2642 }, { 0x27b0, 0x27bd }, { 0x2810, 0x2815 }, { 0x2910, 0x2919 }, { 0x3a10, 0x3a1f },
		{ 0x3b00, 0x3b1f }, { 0x1c40, 0x1c5f }, { 0x1d40, 0x1d41 }, { 0x1e40, 0x1e5f }, { 0x8c40, 0x8c5f },
		{ 0x8d40, 0x8d5f }, { 0x8cc0, 0x8cdf }, { 0x9c40, 0x9c4f }, { 0x9cc0, 0x9ccf },
	};
	uint32_t device = id / 0x10000;

	for (unsigned i = 0; id % 0x10000 == 0x8086 && i < ARRAY_LEN(ids); i++)
		if (device >= ids[i].first && device <= ids[i].last)
			return true;
	return false;
}

const char *watchdog_find(void)
{
	static const struct pci_addr lpc = { 0, LPC_SID };
	struct machine *m = metal_machine();
	uint32_t pm, rcba;

	if (!is_known(m->ops->cfg_rd(m, lpc, CFG_ID, 4)))
		return "none: no TCO timer that is known here";
	pm = m->ops->cfg_rd(m, lpc, CFG_PMBASE, 4);
	rcba = m->ops->cfg_rd(m, lpc, CFG_RCBA, 4);
	if (!(pm & PMBASE_PORT) || !(m->ops->cfg_rd(m, lpc, CFG_ACPI_CNTL, 1) & ACPI_CNTL_EN) || !(rcba & RCBA_EN))
		return "none: firmware left the TCO timer's registers off";
	if (m->ops->mmio_map(m, PA(rcba & RCBA_ADDR), RCBA_BYTES, &dog.rcba) != OK)
		return "none: no memory for its registers";
	dog.pm = (uint16_t)(pm & PMBASE_PORT);
	dog.tco = (uint16_t)(dog.pm + TCO_FROM_PM);
	if (in16((uint16_t)(dog.tco + TCO1_CNT)) & TCO1_LOCK)
		return "none: firmware locked the TCO timer";
	dog.usable = true;
	return "TCO timer, 9.6 s";
}

bool watchdog_fired(void)
{
	bool fired;

	if (!dog.usable)
		return false;
	fired = in16((uint16_t)(dog.tco + TCO2_STS)) & TCO2_SECOND;
	/* Each bit is cleared by writing it. The second goes first, as the datasheet asks. */
	out16((uint16_t)(dog.tco + TCO2_STS), (uint16_t)TCO2_SECOND);
	out16((uint16_t)(dog.tco + TCO2_STS), (uint16_t)TCO2_BOOT);
	out16((uint16_t)(dog.tco + TCO1_STS), (uint16_t)TCO1_TIMEOUT);
	return fired;
}

const char *watchdog_start(void)
{
	if (!dog.usable || dog.running)
		return NULL;
	dog.gcs = mmio_rd32(&dog.rcba, GCS);
	dog.control = in16((uint16_t)(dog.tco + TCO1_CNT));
	dog.timer = in16((uint16_t)(dog.tco + TCO_TMR));
	dog.smi_en = in32((uint16_t)(dog.pm + PM_SMI_EN));
	mmio_wr32(&dog.rcba, GCS, dog.gcs & (uint32_t)~GCS_NO_REBOOT);
	/* Firmware's handler must not take the first of the two timeouts for its own. */
	out32((uint16_t)(dog.pm + PM_SMI_EN), dog.smi_en & (uint32_t)~SMI_EN_TCO);
	out16((uint16_t)(dog.tco + TCO_TMR), (uint16_t)((dog.timer & ~TCO_TMR_TICKS) | TICKS));
	out16((uint16_t)(dog.tco + TCO_RLD), 1);
	out16((uint16_t)(dog.tco + TCO1_CNT), (uint16_t)(dog.control & ~TCO1_HALT));
	dog.running = true;
	if (!(mmio_rd32(&dog.rcba, GCS) & GCS_NO_REBOOT))
		return NULL;
	watchdog_stop();
	return "none: the board is strapped against its reset";
}

void watchdog_feed(void)
{
	if (!dog.running)
		return;
	out16((uint16_t)(dog.tco + TCO_RLD), 1);
	/* A first timeout that was late to be answered must not count towards the next one. */
	if (in16((uint16_t)(dog.tco + TCO1_STS)) & TCO1_TIMEOUT)
		out16((uint16_t)(dog.tco + TCO1_STS), (uint16_t)TCO1_TIMEOUT);
}

void watchdog_stop(void)
{
	if (!dog.running)
		return;
	dog.running = false;
	/*
	 * It stays halted: a machine is only ever left by a reset, and while it counts, the mark of its second timeout, by
	 * which the next start tells a hang, would come up during that start.
	 */
	out16((uint16_t)(dog.tco + TCO1_CNT), (uint16_t)(dog.control | TCO1_HALT));
	out16((uint16_t)(dog.tco + TCO_TMR), dog.timer);
	out16((uint16_t)(dog.tco + TCO_RLD), 1);
	out32((uint16_t)(dog.pm + PM_SMI_EN), dog.smi_en);
	mmio_wr32(&dog.rcba, GCS, dog.gcs);
}
