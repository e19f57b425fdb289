/*
 * UEFI's runtime services (UEFI 2.10, chapter 8), for who was started by UEFI: variables and reset. Called at physical
 * addresses, in page tables of their own, with interrupts off. What faults inside firmware is not called again. Metal
 * only.
 */
#ifndef PORTCULLIS_KERNEL_EFI_RUNTIME_H
#define PORTCULLIS_KERNEL_EFI_RUNTIME_H

#include "boot/boot_info.h"
#include "kernel/hal.h"
#include "kernel/vendor.h"

#define EFI_VARIABLE_NON_VOLATILE BIT(0)
#define EFI_VARIABLE_BOOT         BIT(1)
#define EFI_VARIABLE_RUNTIME      BIT(2)
/* What a variable must be to be written now and found by the next start. */
#define EFI_VARIABLE_KEPT ((uint32_t)(EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOT | EFI_VARIABLE_RUNTIME))

struct efi_guid {
	uint32_t a;
	uint16_t b, c;
	uint8_t d[8];
};

/* Finds the services, once. ERR_UNSUPPORTED: not started by UEFI, or its tables make no sense; ERR_NO_MEMORY. */
enum status must_use efi_runtime_init(const struct boot_info *bi);

/*
 * Variables by name (zero-terminated UTF-16) and vendor. All of them: ERR_UNSUPPORTED, ERR_INVALID, ERR_NOT_FOUND,
 * ERR_FULL (of the store, or data is too small), ERR_DENIED, ERR_IO (firmware failed or crashed).
 */
/* bytes 0 deletes. */
enum status must_use efi_variable_set(const uint16_t *name, const struct efi_guid *vendor, uint32_t attributes,
				      const void *data, size_t bytes);
/* *bytes: room in data, then what the variable has. */
enum status must_use efi_variable_get(const uint16_t *name, const struct efi_guid *vendor, void *data, size_t *bytes);
/* Bytes of the store for variables with these attributes: all, free, and of the largest variable that it takes. */
enum status must_use efi_variable_room(uint32_t attributes, uint64_t *all, uint64_t *left, uint64_t *largest);
/* Asks firmware for a warm reset; comes back where there is no such service. */
void efi_reset_warm(void);

#endif
