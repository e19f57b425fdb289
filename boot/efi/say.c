/* Text, memory and the end for the application. */
#include "boot/efi/app.h"
#include "kernel/hal.h"
#include <string.h>

#define LINE_MAX 240

void app_say(const struct app *app, const char *fmt, ...)
{
	char line[LINE_MAX];
	CHAR16 wide[LINE_MAX + 2];
	size_t n = 0;
	va_list ap;

	if (!app->st->ConOut)
		return;
	va_start(ap, fmt);
	str_vprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	for (; line[n]; n++)
		wide[n] = (CHAR16)line[n];
	wide[n++] = '\r';
	wide[n++] = '\n';
	wide[n] = 0;
	app->st->ConOut->OutputString(app->st->ConOut, wide);
}

void *app_pages(const struct app *app, size_t bytes, EFI_MEMORY_TYPE type)
{
	EFI_PHYSICAL_ADDRESS at = BELOW_4_GIB;
	void *p;

	if (app->bs->AllocatePages(AllocateMaxAddress, type, EFI_SIZE_TO_PAGES(bytes), &at) != EFI_SUCCESS)
		return NULL;
	p = (void *)(uintptr_t)at;
	memset(p, 0, bytes);
	return p;
}

void app_end(const struct app *app)
{
	UINTN index;

	if (app->then_off) {
		app->st->RuntimeServices->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
		app->bs->Stall(1000000); /* power goes a little later */
	}
	if (app->st->ConIn) {
		app->st->ConIn->Reset(app->st->ConIn, FALSE);
		app->bs->WaitForEvent(1, &app->st->ConIn->WaitForKey, &index);
	} else {
		for (;;)
			app->bs->Stall(1000000);
	}
	app->st->RuntimeServices->ResetSystem(EfiResetCold, EFI_SUCCESS, 0, NULL);
	for (;;)
		__asm__ volatile("hlt");
}
