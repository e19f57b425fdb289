/* The kernel's screen: the view of the run on the framebuffer that the loader handed over. Metal only. */
#ifndef PORTCULLIS_KERNEL_SCREEN_SCREEN_H
#define PORTCULLIS_KERNEL_SCREEN_SCREEN_H

#include "boot/boot_info.h"
#include "kernel/screen/view.h"

/* Takes the framebuffer, if there is one that text can be shown on, and shows v on it from now on. False: none. */
bool screen_open(const struct boot_info *bi, struct view *v);
/* For the timer tick: draws now and then, so that a test that hangs still shows its name. */
void screen_tick(uint64_t now_us);
/* The run is over: draws the summary, and nothing more after it. note: one line. */
void screen_close(const char *note);

#endif
