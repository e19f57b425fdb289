/* persist=nvram: the record that a run keeps in a firmware variable, as the application finds it. */
#ifndef PORTCULLIS_BOOT_EFI_RECORD_H
#define PORTCULLIS_BOOT_EFI_RECORD_H

#include "boot/efi/app.h"
#include "kernel/nv_record.h"

/* Reads the record. False: there is none, or none that makes sense. */
bool record_read(const struct app *app, struct nv_record *r);
/* Deletes the variable, if it is there. */
void record_delete(const struct app *app);
/* True where the run is over, or does not go on with this configuration: its record is to be collected. */
bool record_is_over(const struct app *app, const struct nv_record *r);

#endif
