/* Glob matching without recursion: the last star is remembered and retried. */
#include "kernel/glob.h"

bool glob_match(const char *pattern, size_t len, const char *text)
{
	size_t p = 0, t = 0, star = len, mark = 0;
	bool have_star = false;

	while (text[t]) {
		if (p < len && pattern[p] == '*') {
			have_star = true;
			star = p++;
			mark = t;
		} else if (p < len && (pattern[p] == '?' || pattern[p] == text[t])) {
			p++;
			t++;
		} else if (have_star) {
			p = star + 1;
			t = ++mark;
		} else {
			return false;
		}
	}
	while (p < len && pattern[p] == '*')
		p++;
	return p == len;
}

bool glob_list_match(const char *list, const char *text)
{
	size_t start = 0;

	for (size_t i = 0;; i++) {
		if (list[i] && list[i] != ',')
			continue;
		if (i > start && glob_match(list + start, i - start, text))
			return true;
		if (!list[i])
			return false;
		start = i + 1;
	}
}
