/* Text formatting: the small set of conversions that hal.h names. */
#include "kernel/hal.h"

struct sink {
	char *buf;
	size_t len, at; /* at counts what would have been written */
};

struct spec {
	bool left, zero, alt;
	int width, precision; /* precision -1: none */
	unsigned longs;       /* 0 int, 1 long, 2 long long */
};

static void put(struct sink *s, char c)
{
	if (s->at + 1 < s->len)
		s->buf[s->at] = c;
	s->at++;
}

static void pad(struct sink *s, char c, int n)
{
	for (int i = 0; i < n; i++)
		put(s, c);
}

static void put_text(struct sink *s, const struct spec *sp, const char *text)
{
	int n = 0;

	if (!text)
		text = "(null)";
	while ((sp->precision < 0 || n < sp->precision) && text[n])
		n++;
	if (!sp->left)
		pad(s, ' ', sp->width - n);
	for (int i = 0; i < n; i++)
		put(s, text[i]);
	if (sp->left)
		pad(s, ' ', sp->width - n);
}

static void put_number(struct sink *s, const struct spec *sp, uint64_t v, unsigned base, bool upper, bool negative)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	const char *prefix = negative ? "-" : sp->alt && base == 16 && v ? "0x" : "";
	char text[24];
	int n = 0, prefix_n = 0, zeros;

	do {
		text[n++] = digits[v % base];
		v /= base;
	} while (v);
	while (prefix[prefix_n])
		prefix_n++;
	zeros = sp->precision > n ? sp->precision - n : 0;
	if (sp->zero && !sp->left && sp->precision < 0 && sp->width > n + prefix_n)
		zeros = sp->width - n - prefix_n;
	if (!sp->left)
		pad(s, ' ', sp->width - n - zeros - prefix_n);
	for (int i = 0; i < prefix_n; i++)
		put(s, prefix[i]);
	pad(s, '0', zeros);
	for (int i = n - 1; i >= 0; i--)
		put(s, text[i]);
	if (sp->left)
		pad(s, ' ', sp->width - n - zeros - prefix_n);
}

static const char *parse_number(const char *f, int *out)
{
	int v = 0;

	while (*f >= '0' && *f <= '9' && v < 10000)
		v = v * 10 + (*f++ - '0');
	*out = v;
	return f;
}

static uint64_t next_unsigned(va_list *ap, unsigned longs)
{
	return longs == 0 ? va_arg(*ap, unsigned) : longs == 1 ? va_arg(*ap, unsigned long) :
		va_arg(*ap, unsigned long long);
}

static int64_t next_signed(va_list *ap, unsigned longs)
{
	return longs == 0 ? va_arg(*ap, int) : longs == 1 ? va_arg(*ap, long) : va_arg(*ap, long long);
}

static void convert(struct sink *s, struct spec *sp, char c, va_list *ap)
{
	int64_t v;

	switch (c) {
	case 'c':
		pad(s, ' ', sp->left ? 0 : sp->width - 1);
		put(s, (char)va_arg(*ap, int)); /* promoted by the call */
		pad(s, ' ', sp->left ? sp->width - 1 : 0);
		break;
	case 's':
		put_text(s, sp, va_arg(*ap, const char *));
		break;
	case 'd':
		v = next_signed(ap, sp->longs);
		put_number(s, sp, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, false, v < 0);
		break;
	case 'u':
		put_number(s, sp, next_unsigned(ap, sp->longs), 10, false, false);
		break;
	case 'x':
	case 'X':
		put_number(s, sp, next_unsigned(ap, sp->longs), 16, c == 'X', false);
		break;
	case 'p':
		sp->alt = true;
		put_number(s, sp, (uintptr_t)va_arg(*ap, void *), 16, false, false);
		break;
	default:
		put(s, c);
	}
}

static const char *parse_spec(const char *f, struct spec *sp, va_list *ap)
{
	*sp = (struct spec){ .precision = -1 };
	for (; *f == '-' || *f == '0' || *f == '#'; f++) {
		sp->left |= *f == '-';
		sp->zero |= *f == '0';
		sp->alt |= *f == '#';
	}
	if (*f == '*') {
		sp->width = va_arg(*ap, int);
		f++;
	} else {
		f = parse_number(f, &sp->width);
	}
	if (*f == '.') {
		f++;
		if (*f == '*') {
			sp->precision = va_arg(*ap, int);
			f++;
		} else {
			f = parse_number(f, &sp->precision);
		}
	}
	for (; *f == 'l' || *f == 'z'; f++)
		sp->longs++; /* size_t is a long here */
	return f;
}

int str_vprintf(char *buf, size_t len, const char *fmt, va_list args)
{
	struct sink s = { buf, len, 0 };
	struct spec sp;
	va_list ap;

	va_copy(ap, args);
	for (const char *f = fmt; *f; f++) {
		if (*f != '%') {
			put(&s, *f);
			continue;
		}
		f = parse_spec(f + 1, &sp, &ap);
		if (!*f)
			break;
		convert(&s, &sp, *f, &ap);
	}
	va_end(ap);
	if (len)
		buf[min_u64(s.at, len - 1)] = 0;
	return (int)s.at; /* reports are far below 2 GiB */
}

int str_printf(char *buf, size_t len, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = str_vprintf(buf, len, fmt, ap);
	va_end(ap);
	return n;
}
