/* What the files of the reports share. */
#ifndef PORTCULLIS_KERNEL_REPORT_INTERNAL_H
#define PORTCULLIS_KERNEL_REPORT_INTERNAL_H

#include "kernel/run_report.h"

void put_text(report_put put, void *arg, const char *text);
/* Up to 511 bytes. */
void put_fmt(report_put put, void *arg, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A JSON string of whatever bytes: what is not printable ASCII is escaped. */
void put_string(report_put put, void *arg, const char *s);

#endif
