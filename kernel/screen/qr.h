/*
 * QR codes (ISO/IEC 18004) of short texts: byte mode, levels L and M, versions 1 to 10, all eight masks.
 */
#ifndef PORTCULLIS_KERNEL_SCREEN_QR_H
#define PORTCULLIS_KERNEL_SCREEN_QR_H

#include "kernel/bits.h"
#include "kernel/status.h"

#define QR_VERSION_MAX  10
#define QR_SIDE_MAX     57  /* modules */
#define QR_QUIET        4   /* light modules that must surround it */
#define QR_BYTES_MAX    271 /* of text, at level L */
#define QR_CODEWORDS_MAX 346

enum qr_level { QR_L, QR_M };

struct qr {
	unsigned version, side, mask;
	enum qr_level level;
	bool dark[QR_SIDE_MAX][QR_SIDE_MAX];  /* row, column */
	bool fixed[QR_SIDE_MAX][QR_SIDE_MAX]; /* part of a pattern, no data */
};

/* The smallest code that holds the text. ERR_FULL: none does; ERR_INVALID: no text. */
enum status must_use qr_encode(const char *text, size_t n, enum qr_level level, struct qr *out);

/* The error correction of a block: ec_n (2 to 30) bytes for n bytes of data. For qr_encode() and its tests. */
void qr_error_correction(const uint8_t *data, size_t n, uint8_t *ec, size_t ec_n);

#endif
