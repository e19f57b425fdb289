/* Parsing of the kernel's command line. */
#include "kernel/cmdline.h"
#include "kernel/hal.h"

enum kind { TEXT, NUMBER, FLAG };

struct word {
	const char *name;
	enum kind kind;
	size_t offset, room;
};

#define AT(field) offsetof(struct options, field), sizeof(((struct options *)0)->field)

static const struct word words[] = {
	{ "tests", TEXT, AT(tests) },
	{ "skip", TEXT, AT(skip) },
	{ "engine", TEXT, AT(engine) },
	{ "platform", TEXT, AT(platform) },
	{ "console", TEXT, AT(console) },
	{ "model", TEXT, AT(model) },
	{ "pviommu", TEXT, AT(pviommu) },
	{ "known", TEXT, AT(known) },
	{ "persist", TEXT, AT(persist) },
	{ "seed", NUMBER, AT(seed) },
	{ "resume", NUMBER, AT(resume) },
	{ "fuzz", NUMBER, AT(fuzz) },
	{ "shuffle", FLAG, AT(shuffle) },
	{ "bench", FLAG, AT(bench) },
	{ "hazard", FLAG, AT(hazard) },
	{ "scratch", FLAG, AT(scratch) },
	{ "flr", FLAG, AT(flr) },
	{ "list", FLAG, AT(list) },
	{ "check-only", FLAG, AT(check_only) },
};

struct span {
	const char *p;
	size_t n;
};

static bool span_is(struct span s, const char *text)
{
	for (size_t i = 0; i < s.n; i++)
		if (!text[i] || text[i] != s.p[i])
			return false;
	return !text[s.n];
}

static enum status number(struct span s, uint64_t max, uint64_t *out)
{
	bool hex = s.n > 2 && s.p[0] == '0' && s.p[1] == 'x';
	uint64_t base = hex ? 16 : 10, v = 0;

	if (!s.n)
		return ERR_INVALID;
	for (size_t i = hex ? 2 : 0; i < s.n; i++) {
		char c = s.p[i];
		uint64_t digit = c >= '0' && c <= '9' ? (uint64_t)(c - '0') :
				 hex && c >= 'a' && c <= 'f' ? (uint64_t)(c - 'a' + 10) : base;

		if (digit >= base || v > (max - digit) / base)
			return ERR_INVALID;
		v = v * base + digit;
	}
	*out = v;
	return OK;
}

static enum status set_flag(bool *flag, struct span value, bool has_value)
{
	if (!has_value || span_is(value, "on")) {
		*flag = true;
		return OK;
	}
	if (span_is(value, "off")) {
		*flag = false;
		return OK;
	}
	return ERR_INVALID;
}

static enum status set_number(char *field, size_t room, struct span value)
{
	uint64_t v = 0;

	if (number(value, room == sizeof(uint32_t) ? UINT32_MAX : UINT64_MAX, &v) != OK)
		return ERR_INVALID;
	if (room == sizeof(uint32_t))
		*(uint32_t *)(void *)field = (uint32_t)v; /* bounded by number() */
	else
		*(uint64_t *)(void *)field = v;
	return OK;
}

static enum status set_text(char *field, size_t room, struct span value)
{
	if (value.n >= room)
		return ERR_FULL;
	for (size_t i = 0; i < value.n; i++)
		field[i] = value.p[i];
	field[value.n] = 0;
	return OK;
}

static enum status set_word(struct options *o, struct span name, struct span value, bool has_value, char *why,
			    size_t why_len)
{
	enum status s = ERR_NOT_FOUND;

	for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
		char *field = (char *)o + words[i].offset;

		if (!span_is(name, words[i].name))
			continue;
		if (words[i].kind == FLAG)
			s = set_flag((bool *)field, value, has_value);
		else if (words[i].kind == NUMBER)
			s = set_number(field, words[i].room, value);
		else
			s = set_text(field, words[i].room, value);
	}
	if (s == ERR_NOT_FOUND)
		str_printf(why, why_len, "unknown word \"%.*s\" on the kernel's command line", (int)name.n, name.p);
	else if (s == ERR_FULL)
		str_printf(why, why_len, "the value of \"%.*s\" on the kernel's command line is too long", (int)name.n, name.p);
	else if (s != OK)
		str_printf(why, why_len, "bad value \"%.*s\" for \"%.*s\" on the kernel's command line", (int)value.n,
			   value.p, (int)name.n, name.p);
	return s == OK ? OK : ERR_INVALID;
}

enum status cmdline_parse(const char *line, struct options *o, char *why, size_t why_len)
{
	size_t i = 0;

	*o = (struct options){ .seed = 1, .resume = 1 };
	while (line[i]) {
		struct span name = { line + i, 0 }, value = { "", 0 };
		bool has_value = false;

		if (line[i] == ' ' || line[i] == '\t') {
			i++;
			continue;
		}
		while (line[i] && line[i] != ' ' && line[i] != '\t' && line[i] != '=') {
			i++;
			name.n++;
		}
		if (line[i] == '=') {
			has_value = true;
			value.p = line + ++i;
			while (line[i] && line[i] != ' ' && line[i] != '\t') {
				i++;
				value.n++;
			}
		}
		if (set_word(o, name, value, has_value, why, why_len) != OK)
			return ERR_INVALID;
	}
	return OK;
}
