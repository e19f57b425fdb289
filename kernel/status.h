/*
 * The one set of error codes. 0 is success, errors are negative; every public function says which it returns.
 */
#ifndef PORTCULLIS_KERNEL_STATUS_H
#define PORTCULLIS_KERNEL_STATUS_H

#define must_use __attribute__((warn_unused_result))

enum status {
	OK = 0,
	ERR_NO_MEMORY = -1,    /* the allocator has nothing that fits */
	ERR_INVALID = -2,      /* an argument is out of its range */
	ERR_NOT_FOUND = -3,    /* nothing there: no device, no mapping, no table */
	ERR_EXISTS = -4,       /* already there: a mapping, an attachment */
	ERR_UNSUPPORTED = -5,  /* the unit or device does not offer it */
	ERR_TIMEOUT = -6,      /* hardware did not answer within the deadline */
	ERR_MALFORMED = -7,    /* a table, structure or descriptor breaks its own rules */
	ERR_IO = -8,           /* the device or unit answered with an error */
	ERR_BUSY = -9,         /* in use, or in a state that does not allow it now */
	ERR_FULL = -10,        /* a fixed-size structure has no room left */
	ERR_DENIED = -11,      /* refused by a permission rule */
};

/* One short text for each code, never NULL. */
const char *status_text(enum status s);

#endif
