/*
 * Starts \EFI\BOOT\REAL.EFI with x2APIC on, where the processor has it, with five levels of page tables, and with a
 * memory map that changes while boot services end: states in which real firmware may hand over, but OVMF does not. For
 * QEMU with one processor: firmware parks the others in page tables of four levels.
 */
#include "boot/efi/app.h"
#include "boot/efi/path.h"
#include "kernel/cpu.h"
#include "tests/efi/hostile.h"

#define REAL_BYTES_MAX BIT(24)
#define CPUID1_ECX_X2APIC BIT(21)
#define CPUID7_ECX_LA57   BIT(16)
#define CHANGES           3

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st);

static EFI_BOOT_SERVICES *services;
static EFI_EXIT_BOOT_SERVICES real_exit;
static unsigned changes_left = CHANGES;

/* As if a handler had allocated memory since the map was read: the key is stale. */
static EFI_STATUS EFIAPI exit_after_changes(EFI_HANDLE image, UINTN key)
{
	EFI_PHYSICAL_ADDRESS at;

	if (changes_left) {
		changes_left--;
		services->AllocatePages(AllocateAnyPages, EfiRuntimeServicesData, 1, &at);
	}
	return real_exit(image, key);
}

static size_t read_real(const struct app *app, uint8_t *to)
{
	static EFI_GUID guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
	EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *fs;
	EFI_FILE_PROTOCOL *root, *file;
	UINTN n = REAL_BYTES_MAX;
	void *found;

	if (app->bs->HandleProtocol(app->loaded->DeviceHandle, &guid, &found) != EFI_SUCCESS)
		return 0;
	fs = found;
	if (fs->OpenVolume(fs, &root) != EFI_SUCCESS ||
	    root->Open(root, &file, L"\\EFI\\BOOT\\REAL.EFI", EFI_FILE_MODE_READ, 0) != EFI_SUCCESS ||
	    file->Read(file, &n, to) != EFI_SUCCESS)
		return 0;
	return n;
}

static void be_hostile(const struct app *app)
{
	uint32_t r[4];

	services = app->bs;
	real_exit = app->bs->ExitBootServices;
	services->ExitBootServices = exit_after_changes;
	cpuid(1, 0, r);
	if (r[2] & CPUID1_ECX_X2APIC)
		msr_wr(MSR_APIC_BASE, msr_rd(MSR_APIC_BASE) | APIC_BASE_X2APIC | APIC_BASE_ENABLE);
	cpuid(7, 0, r);
	if (r[2] & CPUID7_ECX_LA57)
		five_levels(app_pages(app, 4096, EfiReservedMemoryType));
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st)
{
	static EFI_GUID guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
	struct app app = { .image = image, .st = st, .bs = st->BootServices };
	EFI_LOADED_IMAGE_PROTOCOL *real;
	EFI_HANDLE started;
	uint8_t *file;
	void *found;
	size_t n;

	if (app.bs->HandleProtocol(image, &guid, &found) != EFI_SUCCESS)
		return EFI_LOAD_ERROR;
	app.loaded = found;
	file = app_pages(&app, REAL_BYTES_MAX, EfiLoaderData);
	n = file ? read_real(&app, file) : 0;
	if (!n || app.bs->LoadImage(FALSE, image, NULL, file, n, &started) != EFI_SUCCESS ||
	    app.bs->HandleProtocol(started, &guid, &found) != EFI_SUCCESS)
		return EFI_LOAD_ERROR;
	real = found;
	real->DeviceHandle = app.loaded->DeviceHandle;
	real->FilePath = app.loaded->FilePath;
	app_say(&app, "What most firmware switches off stays on.");
	be_hostile(&app);
	return app.bs->StartImage(started, NULL, NULL);
}
