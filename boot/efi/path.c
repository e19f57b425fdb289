/* Paths. */
#include "boot/efi/path.h"

static bool is_separator(uint16_t c)
{
	return c == '\\' || c == '/';
}

bool path_beside(const uint16_t *path, size_t path_chars, const char *file, uint16_t out[PATH_MAX_CHARS])
{
	size_t folder = 0, n = 0;

	out[0] = 0;
	for (size_t i = 0; i < path_chars && path[i]; i++)
		if (is_separator(path[i]))
			folder = i + 1;
	if (folder >= PATH_MAX_CHARS)
		return false;
	for (; n < folder; n++)
		out[n] = path[n];
	for (; *file && n < PATH_MAX_CHARS - 1; file++)
		out[n++] = (uint16_t)*file;
	out[*file ? 0 : n] = 0;
	return !*file;
}

bool path_beside_text(const char *path, size_t path_chars, const char *file, char out[PATH_MAX_CHARS])
{
	uint16_t wide[PATH_MAX_CHARS], beside[PATH_MAX_CHARS];
	size_t n = 0;

	out[0] = 0;
	for (; n < path_chars && n < PATH_MAX_CHARS - 1 && path[n]; n++)
		wide[n] = (uint8_t)path[n];
	if (n == PATH_MAX_CHARS - 1 || !path_beside(wide, n, file, beside))
		return false;
	for (n = 0; beside[n]; n++)
		out[n] = (char)beside[n];
	out[n] = 0;
	return true;
}

bool url_host(const char *url, char out[PATH_MAX_CHARS])
{
	size_t n = 0;

	out[0] = 0;
	while (*url && *url != ':' && *url != '/')
		url++;
	if (url[0] != ':' || url[1] != '/' || url[2] != '/')
		return false;
	for (url += 3; url[n] && url[n] != '/' && n < PATH_MAX_CHARS - 1; n++)
		out[n] = url[n];
	out[url[n] == '/' ? n : 0] = 0;
	return out[0] != 0;
}
