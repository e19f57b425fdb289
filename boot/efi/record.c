/* The record in a firmware variable. */
#include "boot/efi/record.h"
#include "kernel/vendor.h"

#define KEPT (EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS)

static CHAR16 name[] = NV_NAME;
static EFI_GUID vendor = PORTCULLIS_VENDOR;

bool record_read(const struct app *app, struct nv_record *r)
{
	static struct nv_record bytes;
	UINTN n = sizeof(bytes);

	return app->st->RuntimeServices->GetVariable(name, &vendor, NULL, &n, &bytes) == EFI_SUCCESS &&
		nv_open(r, &bytes, n);
}

void record_delete(const struct app *app)
{
	app->st->RuntimeServices->SetVariable(name, &vendor, KEPT, 0, NULL);
}

bool record_is_over(const struct app *app, const struct nv_record *r)
{
	return r->ended || r->boots >= NV_BOOTS_MAX || r->words != nv_words_hash(app->bi->cmdline);
}
