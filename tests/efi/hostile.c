/*
 * Starts \EFI\BOOT\REAL.EFI with x2APIC on, where the processor has it, and with five levels of page tables: states in
 * which real firmware may hand over, but OVMF does not. Runs in QEMU only.
 */
#include "boot/efi/app.h"
#include "boot/efi/path.h"
#include "kernel/cpu.h"
#include "tests/efi/hostile.h"

#define REAL_BYTES_MAX BIT(24)
#define CPUID1_ECX_X2APIC BIT(21)
#define CPUID7_ECX_LA57   BIT(16)

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st);

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
