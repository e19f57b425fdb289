/* The EFI application: what its files share. Built with GNU-EFI's headers and start-up code, without its library. */
#ifndef PORTCULLIS_BOOT_EFI_APP_H
#define PORTCULLIS_BOOT_EFI_APP_H

#include <efi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "boot/boot_info.h"

#define BELOW_4_GIB UINT64_C(0xffffffff)

struct app {
	EFI_HANDLE image;
	EFI_SYSTEM_TABLE *st;
	EFI_BOOT_SERVICES *bs;
	EFI_LOADED_IMAGE_PROTOCOL *loaded;
	struct boot_info *bi; /* what the kernel will get; below 4 GiB */
	bool then_off;        /* once all is done: switch the machine off instead of waiting for a person */
};

/* One line on the firmware's console. */
void app_say(const struct app *app, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Pages below 4 GiB, cleared; NULL: there are none. */
void *app_pages(const struct app *app, size_t bytes, EFI_MEMORY_TYPE type);

/*
 * Reads portcullis.cfg into bi->cmdline; says where it was found, or that it was not. Words for the application itself
 * are taken out.
 */
void files_config(struct app *app);
/* Fills bi with everything that firmware knows, apart from the memory map. */
void firmware_describe(const struct app *app);
#define APP_END_HINT "Take the stick out and switch the machine off, or press a key to start it again."
/* The end of it all: off, where portcullis.cfg says so, else a wait for the person who takes the stick out. */
void app_end(const struct app *app) __attribute__((noreturn));
/* Leaves boot services and enters the kernel. Comes back only where it cannot; it has said why then. */
void handover(const struct app *app);

#endif
