/* Patterns of test names: '*' any run of characters, '?' one, all others themselves; lists separated by commas. */
#ifndef PORTCULLIS_KERNEL_GLOB_H
#define PORTCULLIS_KERNEL_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* True where all of text (NUL-terminated) matches pattern[0..len). */
bool glob_match(const char *pattern, size_t len, const char *text);
/* True where text matches any pattern of the list. An empty list matches nothing. */
bool glob_list_match(const char *list, const char *text);

#endif
