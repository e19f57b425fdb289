/* Machine checks. */
#include "kernel/machine_check.h"
#include "kernel/cpu.h"
#include "kernel/hal.h"

#define MSR_MCG_CAP    0x179
#define   MCG_CAP_BANKS BITS(7, 0)
#define MSR_MCG_STATUS 0x17a
#define MSR_MC0_STATUS 0x401 /* four registers a bank */
#define   MC_STATUS_VALID   BIT(63)
#define   MC_STATUS_ADDRESS BIT(58)
#define MSR_MC0_ADDRESS 0x402
#define BANKS_MAX      64u

#define CPUID1_EDX_MCE BIT(7)
#define CPUID1_EDX_MCA BIT(14)

static bool has_banks(void)
{
	uint32_t r[4];

	cpuid(1, 0, r);
	return (r[3] & CPUID1_EDX_MCE) && (r[3] & CPUID1_EDX_MCA);
}

void machine_check_init(void)
{
	if (has_banks())
		cr4_write(cr4() | CR4_MCE);
}

void machine_check_tell(void)
{
	unsigned banks = (unsigned)min_u64(fld_get(MCG_CAP_BANKS, msr_rd(MSR_MCG_CAP)), BANKS_MAX);

	log_line("machine check, global status 0x%llx", (unsigned long long)msr_rd(MSR_MCG_STATUS));
	for (uint32_t i = 0; i < banks; i++) {
		uint64_t status = msr_rd(MSR_MC0_STATUS + 4 * i);

		if (!(status & MC_STATUS_VALID))
			continue;
		log_line("  bank %u: status 0x%016llx, address 0x%llx", i, (unsigned long long)status,
			 status & MC_STATUS_ADDRESS ? (unsigned long long)msr_rd(MSR_MC0_ADDRESS + 4 * i) : 0);
		msr_wr(MSR_MC0_STATUS + 4 * i, 0);
	}
	msr_wr(MSR_MCG_STATUS, 0); /* "in progress": a second one would reset the processor */
}
