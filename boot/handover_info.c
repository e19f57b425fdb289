/* The kernel's side of the 64-bit way in: takes over the boot_info that the EFI application filled. */
#include "boot/boot_info.h"
#include "kernel/early.h"

/* Not on the boot stack, and not where the loader put it: that memory is free from here on. */
static struct boot_info info;

/* Called by handover.asm with the physical address of the boot_info, below 4 GiB. */
void handover_main(uint64_t boot_info_pa) __attribute__((noreturn));

void handover_main(uint64_t boot_info_pa)
{
	const struct boot_info *from = early_ptr(boot_info_pa);

	info = *from;
	kernel_main(&info);
}
