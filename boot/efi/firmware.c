/*
 * What firmware knows: tables, screen, texts, Secure Boot, the clock, the function of the boot medium. All of it is
 * only read.
 */
#include "boot/efi/app.h"
#include "boot/efi/smbios.h"
#include "kernel/bits.h"
#include <string.h>

#define CONFIG_TABLES_MAX 256u
#define SMBIOS_BYTES_MAX  BIT(20)
#define RSDP_V1 1
#define RSDP_V2 2

static bool same_guid(const EFI_GUID *a, const EFI_GUID *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static void *table(const struct app *app, const EFI_GUID *guid)
{
	for (UINTN i = 0; i < app->st->NumberOfTableEntries && i < CONFIG_TABLES_MAX; i++)
		if (same_guid(&app->st->ConfigurationTable[i].VendorGuid, guid))
			return app->st->ConfigurationTable[i].VendorTable;
	return NULL;
}

static void find_rsdp(const struct app *app)
{
	static const EFI_GUID newer = ACPI_20_TABLE_GUID, older = ACPI_TABLE_GUID;
	void *at = table(app, &newer);

	app->bi->rsdp = (uint64_t)(uintptr_t)(at ? at : table(app, &older));
}

static void read_smbios(const struct app *app)
{
	static const EFI_GUID newer = SMBIOS3_TABLE_GUID, older = SMBIOS_TABLE_GUID;
	const uint8_t *entry = table(app, &newer);
	uint64_t address;
	uint32_t bytes;

	if (!entry || !smbios_entry(entry, &address, &bytes))
		entry = table(app, &older);
	if (!entry || !smbios_entry(entry, &address, &bytes) || !address || bytes > SMBIOS_BYTES_MAX)
		return;
	smbios_texts((const uint8_t *)(uintptr_t)address, bytes, &app->bi->texts);
}

static void read_vendor(const struct app *app)
{
	const CHAR16 *from = app->st->FirmwareVendor;
	char *to = app->bi->texts.firmware_vendor;

	for (unsigned i = 0; from && from[i] && i < BOOT_TEXT_MAX - 1; i++)
		to[i] = (char)(from[i] >= ' ' && from[i] < 0x7f ? from[i] : '?');
}

/* A variable of one byte; -1: there is none. */
static int byte_variable(const struct app *app, CHAR16 *name)
{
	static EFI_GUID guid = EFI_GLOBAL_VARIABLE;
	UINTN bytes = 1;
	UINT8 value;

	if (app->st->RuntimeServices->GetVariable(name, &guid, NULL, &bytes, &value) != EFI_SUCCESS || bytes != 1)
		return -1;
	return value;
}

static void read_secure(const struct app *app)
{
	int on = byte_variable(app, L"SecureBoot"), setup = byte_variable(app, L"SetupMode");

	if (on == 1)
		app->bi->efi.secure = BOOT_SECURE_ON;
	else if (on == 0)
		app->bi->efi.secure = setup == 1 ? BOOT_SECURE_SETUP : BOOT_SECURE_OFF;
}

static void read_clock(const struct app *app)
{
	EFI_TIME t;

	if (app->st->RuntimeServices->GetTime(&t, NULL) != EFI_SUCCESS || t.Year < 2000 || t.Year > 9999 || t.Month < 1 ||
	    t.Month > 12 || t.Day < 1 || t.Day > 31 || t.Hour > 23 || t.Minute > 59 || t.Second > 59)
		return;
	app->bi->time = (struct boot_time){ t.Year, t.Month, t.Day, t.Hour, t.Minute, t.Second };
}

/* The screen of one handle, if its pixels can be reached by memory. */
static bool take_screen(const struct app *app, EFI_HANDLE handle)
{
	static EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
	const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info;
	const EFI_GRAPHICS_OUTPUT_PROTOCOL *gop;
	struct boot_framebuffer f = { 0 };
	uint32_t all;
	void *found;

	if (!handle || app->bs->HandleProtocol(handle, &guid, &found) != EFI_SUCCESS)
		return false;
	gop = found;
	info = gop->Mode ? gop->Mode->Info : NULL;
	if (!info || !gop->Mode->FrameBufferBase || info->PixelFormat >= PixelBltOnly)
		return false;
	f.base = gop->Mode->FrameBufferBase;
	f.width = info->HorizontalResolution;
	f.height = info->VerticalResolution;
	f.red = info->PixelFormat == PixelBlueGreenRedReserved8BitPerColor ? 0xff0000 : 0xff;
	f.green = 0xff00;
	f.blue = info->PixelFormat == PixelBlueGreenRedReserved8BitPerColor ? 0xff : 0xff0000;
	if (info->PixelFormat == PixelBitMask) {
		f.red = info->PixelInformation.RedMask;
		f.green = info->PixelInformation.GreenMask;
		f.blue = info->PixelInformation.BlueMask;
	}
	all = info->PixelFormat == PixelBitMask ? f.red | f.green | f.blue | info->PixelInformation.ReservedMask : UINT32_MAX;
	f.bits_per_pixel = all > 0xffffff ? 32 : all > 0xffff ? 24 : 16;
	f.pitch_bytes = info->PixelsPerScanLine * (f.bits_per_pixel / 8);
	app->bi->framebuffer = f;
	return f.width && f.height;
}

/* The screen that firmware writes to, else the first one that there is. */
static void find_screen(const struct app *app)
{
	static EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
	EFI_HANDLE *handles;
	UINTN n = 0;

	if (take_screen(app, app->st->ConsoleOutHandle) ||
	    app->bs->LocateHandleBuffer(ByProtocol, &guid, NULL, &n, &handles) != EFI_SUCCESS)
		return;
	for (UINTN i = 0; i < n && !take_screen(app, handles[i]); i++)
		;
	app->bs->FreePool(handles);
}

/* The PCI function nearest to the medium on its device path: a USB or disk controller, a network card. */
static void find_device(const struct app *app)
{
	static EFI_GUID path_guid = EFI_DEVICE_PATH_PROTOCOL_GUID, pci_guid = EFI_PCI_IO_PROTOCOL_GUID;
	UINTN segment, bus, device, function;
	EFI_DEVICE_PATH *path;
	EFI_PCI_IO_PROTOCOL *pci;
	EFI_HANDLE handle;
	void *found;

	if (app->bs->HandleProtocol(app->loaded->DeviceHandle, &path_guid, &found) != EFI_SUCCESS)
		return;
	path = found;
	if (app->bs->LocateDevicePath(&pci_guid, &path, &handle) != EFI_SUCCESS ||
	    app->bs->HandleProtocol(handle, &pci_guid, &found) != EFI_SUCCESS)
		return;
	pci = found;
	if (pci->GetLocation(pci, &segment, &bus, &device, &function) != EFI_SUCCESS)
		return;
	app->bi->device = (struct boot_device){ 1, (uint16_t)segment,
		(uint16_t)(bus % 256 * 256 + device % 32 * 8 + function % 8) };
}

void firmware_describe(const struct app *app)
{
	struct boot_info *bi = app->bi;

	bi->efi.system_table = (uint64_t)(uintptr_t)app->st;
	find_rsdp(app);
	read_smbios(app);
	read_vendor(app);
	read_secure(app);
	read_clock(app);
	find_screen(app);
	find_device(app);
}
