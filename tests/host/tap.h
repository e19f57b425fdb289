/*
 * TAP for unit tests that run as ordinary programs: count, print, and a plan at the end.
 *
 * A program calls ok(), is_u64() and is_str() as often as it likes and ends with `return done();`. A program that dies
 * early prints no plan, and that is how its reader notices. State is static: include this once, beside main().
 */
#ifndef PORTCULLIS_TESTS_HOST_TAP_H
#define PORTCULLIS_TESTS_HOST_TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static unsigned tap_count, tap_failed;

__attribute__((unused, format(printf, 2, 0)))
static void tap_line(bool good, const char *fmt, va_list ap)
{
	tap_count++;
	if (!good)
		tap_failed++;
	printf("%sok %u - ", good ? "" : "not ", tap_count);
	vprintf(fmt, ap);
	printf("\n");
	fflush(stdout);
}

/* A line for people, ignored by TAP readers. */
__attribute__((unused, format(printf, 1, 2)))
static void tap_diag(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
}

/* One test, named by a sentence. Returns cond. */
__attribute__((unused, format(printf, 2, 3)))
static bool ok(bool cond, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_line(cond, fmt, ap);
	va_end(ap);
	return cond;
}

/* One test: two numbers are equal. Prints both where they are not. */
__attribute__((unused, format(printf, 3, 4)))
static bool is_u64(uint64_t seen, uint64_t expected, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_line(seen == expected, fmt, ap);
	va_end(ap);
	if (seen != expected)
		tap_diag("seen 0x%" PRIx64 " (%" PRIu64 "), expected 0x%" PRIx64 " (%" PRIu64 ")", seen, seen, expected,
			 expected);
	return seen == expected;
}

/* One test: two strings are equal; NULL equals only NULL. */
__attribute__((unused, format(printf, 3, 4)))
static bool is_str(const char *seen, const char *expected, const char *fmt, ...)
{
	bool same = seen && expected ? strcmp(seen, expected) == 0 : seen == expected;
	va_list ap;

	va_start(ap, fmt);
	tap_line(same, fmt, ap);
	va_end(ap);
	if (!same)
		tap_diag("seen \"%s\", expected \"%s\"", seen ? seen : "(none)", expected ? expected : "(none)");
	return same;
}

/* One test that cannot be made here, with the reason. */
__attribute__((unused, format(printf, 1, 2)))
static void tap_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("ok %u # SKIP ", ++tap_count);
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
}

/* The plan; returns main()'s status: 0 when everything passed. */
__attribute__((unused))
static int done(void)
{
	printf("1..%u\n", tap_count);
	if (tap_failed)
		tap_diag("%u of %u failed", tap_failed, tap_count);
	return tap_failed || !tap_count;
}

#endif
