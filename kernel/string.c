/* The memory functions that a freestanding compiler may call, and the few string ones that we do. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Eight bytes at a time where pointers allow, in plain loops: under software emulation a string instruction costs a turn
 * of the emulator for every byte. (The Makefile keeps gcc from turning the loops into calls of themselves.)
 */
typedef uint64_t __attribute__((may_alias)) word_t;

void *memset(void *to, int c, size_t n)
{
	uint64_t pattern = (uint8_t)c * UINT64_C(0x0101010101010101);
	uint8_t *d = to;

	while (n && (uintptr_t)d % 8) {
		*d++ = (uint8_t)c;
		n--;
	}
	for (; n >= 64; n -= 64, d += 64)
		for (unsigned i = 0; i < 8; i++)
			((word_t *)(void *)d)[i] = pattern;
	while (n--)
		*d++ = (uint8_t)c;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	uint8_t *d = to;
	const uint8_t *s = from;

	if (((uintptr_t)d | (uintptr_t)s) % 8 == 0)
		for (; n >= 8; n -= 8, d += 8, s += 8)
			*(word_t *)(void *)d = *(const word_t *)(const void *)s;
	while (n--)
		*d++ = *s++;
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	uint8_t *d = to;
	const uint8_t *s = from;

	if ((uintptr_t)d - (uintptr_t)s >= n)
		return memcpy(to, from, n);
	while (n--)
		d[n] = s[n];
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (size_t i = 0; i < n; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i] || !a[i])
			return (unsigned char)a[i] - (unsigned char)b[i];
	return 0;
}
