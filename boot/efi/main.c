/* BOOTX64.EFI: from firmware to the kernel, which is embedded. Measures nothing and changes nothing. */
#include "boot/efi/app.h"
#include "boot/efi/collect.h"
#include "boot/efi/kept.h"
#include "boot/efi/record.h"
#include "boot/efi/screen.h"
#include "gen/version.h"
#include "kernel/cmdline.h"
#include <string.h>

#define NO_WATCHDOG 0

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st);

/* The kernel would refuse them, too, but cannot wait for a person who reads why. */
static bool words_are_good(const struct app *app)
{
	static struct options options;
	char why[160];

	if (app->bi->cmdline_cut) {
		app_say(app, "portcullis.cfg has more than %d characters of words.", BOOT_CMDLINE_MAX - 1);
		return false;
	}
	if (cmdline_parse(app->bi->cmdline, &options, why, sizeof(why)) == OK)
		return true;
	app_say(app, "Nothing was tested: %s.", why);
	return false;
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st)
{
	static EFI_GUID loaded_guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
	static struct kept kept;
	static struct nv_record record;
	struct app app = { .image = image, .st = st, .bs = st->BootServices };
	enum kept_next next;
	void *found;

	/* Firmware resets a machine whose boot loader takes more than five minutes. */
	app.bs->SetWatchdogTimer(NO_WATCHDOG, 0, 0, NULL);
	app_say(&app, "Portcullis %s", PORTCULLIS_VERSION);
	if (app.bs->HandleProtocol(image, &loaded_guid, &found) != EFI_SUCCESS)
		return EFI_LOAD_ERROR;
	app.loaded = found;
	app.bi = app_pages(&app, sizeof(*app.bi), EfiLoaderData);
	if (!app.bi) {
		app_say(&app, "Too little memory below 4 GiB.");
		return EFI_OUT_OF_RESOURCES;
	}
	memcpy(app.bi->loader, "efi", 4);
	files_config(&app);
	firmware_describe(&app);
	next = kept_find(&app, &kept);
	if (next == KEPT_COLLECT) {
		collect(&app, &kept);
		app_end(&app);
	}
	if (next == KEPT_FRESH && record_read(&app, &record) && record_is_over(&app, &record)) {
		collect_record(&app, &record);
		app_end(&app);
	}
	if (!words_are_good(&app))
		app_end(&app);
	screen_font(&app);
	handover(&app);
	return EFI_LOAD_ERROR;
}
