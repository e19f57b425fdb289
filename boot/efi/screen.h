/* The screen: the font for the kernel, and the summary of a report that was collected. */
#ifndef PORTCULLIS_BOOT_EFI_SCREEN_H
#define PORTCULLIS_BOOT_EFI_SCREEN_H

#include "boot/efi/kept.h"
#include "kernel/screen/view.h"

/* Puts the font where the kernel finds it. */
void screen_font(const struct app *app);
/* Draws the summary of the run, with its QR code, over what firmware's console shows. note, hint: one line each. */
void screen_summary(const struct app *app, const struct kept *k, const char *note, const char *hint);

/* The same of a view that somebody filled. */
void screen_view(const struct app *app, struct view *v, const char *note, const char *hint);

#endif
