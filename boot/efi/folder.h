/* What the folder of a report is called. */
#ifndef PORTCULLIS_BOOT_EFI_FOLDER_H
#define PORTCULLIS_BOOT_EFI_FOLDER_H

#include "kernel/run_log.h"

#define FOLDER_MAX 80

/* <date>-<board>, of the log's records: letters, digits, '.' and '-' alone, as every file system takes them. */
void folder_name(const struct run_log *log, char name[FOLDER_MAX]);

/* The same of two texts. */
void folder_name_of(const char *date, const char *board, char name[FOLDER_MAX]);

#endif
