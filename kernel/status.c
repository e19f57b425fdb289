/* Texts of the error codes. */
#include "kernel/status.h"

const char *status_text(enum status s)
{
	switch (s) {
	case OK: return "ok";
	case ERR_NO_MEMORY: return "out of memory";
	case ERR_INVALID: return "invalid argument";
	case ERR_NOT_FOUND: return "not found";
	case ERR_EXISTS: return "exists already";
	case ERR_UNSUPPORTED: return "not supported";
	case ERR_TIMEOUT: return "no answer in time";
	case ERR_MALFORMED: return "malformed";
	case ERR_IO: return "device error";
	case ERR_BUSY: return "busy";
	case ERR_FULL: return "full";
	case ERR_DENIED: return "denied";
	}
	return "unknown status";
}
