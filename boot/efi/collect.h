/* From the log in RAM to files on the stick. */
#ifndef PORTCULLIS_BOOT_EFI_COLLECT_H
#define PORTCULLIS_BOOT_EFI_COLLECT_H

#include "boot/efi/kept.h"
#include "kernel/nv_record.h"

/*
 * Writes results/<date>-<board>/ to the medium that the application was loaded from: results.tap, results.json,
 * machine.json, and the raw tables DMAR.bin, IVRS.bin. Shows the summary. When all is written the log is erased, so
 * that the next start is a new run; what could not be written stays for another try.
 */
void collect(const struct app *app, struct kept *k);

/* The same from the record in a firmware variable alone, as progress.json; deletes the variable. */
void collect_record(const struct app *app, const struct nv_record *r);

#endif
