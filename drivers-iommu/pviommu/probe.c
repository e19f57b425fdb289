/*
 * Which revision of PV-IOMMU answers. Command numbers 2 to 7 mean different things in H and in I, so none of them is
 * sent before the revision is known but for 7, lookup in H and unmap in I, of nothing in context 0.
 */
#include "drivers-iommu/pviommu/pviommu.h"

#define ZEROES_AT    64u /* where the zeroed buffer is in probe[] */
#define ZEROES_BYTES 64u
#define GUARD        0xa5u

#define NO_HYPERCALL (-(int64_t)XEN_ENOSYS)
#define NOT_ALLOWED  (-(int64_t)XEN_EPERM)
#define NO_IOMMU     (-(int64_t)XEN_ENODEV)

static const char *const names[PVIO_REVISIONS] = {
	[PVIO_NONE] = "none", [PVIO_T] = "T", [PVIO_H] = "H", [PVIO_I] = "I", [PVIO_F] = "F",
};

const char *pvio_revision_name(enum pvio_revision r)
{
	return names[r];
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

enum status pvio_revision_parse(const char *text, enum pvio_revision *out)
{
	*out = PVIO_NONE;
	if (!*text || same(text, "auto"))
		return OK;
	for (unsigned r = PVIO_T; r < PVIO_REVISIONS; r++)
		if (upper(text[0]) == names[r][0] && !text[1]) {
			*out = (enum pvio_revision)r;
			return OK;
		}
	return ERR_INVALID;
}

static uint64_t zeroes(struct pvio *p)
{
	for (unsigned i = 0; i < PVIO_PROBE_BYTES; i++)
		p->probe[i] = i >= ZEROES_AT && i < ZEROES_AT + ZEROES_BYTES ? 0 : GUARD;
	return (uint64_t)(uintptr_t)(p->probe + ZEROES_AT);
}

static bool guards_intact(const struct pvio *p)
{
	for (unsigned i = 0; i < PVIO_PROBE_BYTES; i++)
		if ((i < ZEROES_AT || i >= ZEROES_AT + ZEROES_BYTES) && p->probe[i] != GUARD)
			return false;
	return true;
}

/* The tagged operation, or an array of such: a count of 0 is an error to the array alone. */
static enum status tagged(struct pvio *p)
{
	if (p->call(p->ctx, zeroes(p), 0) != 0)
		return ERR_UNSUPPORTED;
	p->revision = PVIO_T;
	return OK;
}

/* Commands by number: the query tells H, I and F, and command 7 tells H from the others. */
static enum status numbered(struct pvio *p)
{
	p->answers[1] = p->call(p->ctx, 0, zeroes(p));
	if (p->answers[1] == NO_IOMMU) {
		p->revision = PVIO_I;
		return ERR_DENIED;
	}
	if (p->answers[1])
		return ERR_UNSUPPORTED;
	p->answers[2] = p->call(p->ctx, 1, zeroes(p));
	if (p->answers[2])
		return ERR_UNSUPPORTED;
	p->answers[3] = p->call(p->ctx, PVIO_H_LOOKUP, zeroes(p));
	if (p->answers[3] != -(int64_t)XEN_EINVAL) {
		p->revision = PVIO_H;
		return OK;
	}
	p->revision = PVIO_I;
	if (pvio_query_capabilities(p) == 0 && (p->caps.flags & PVIO_CAP_DEFERRED_FLUSH))
		p->revision = PVIO_F;
	return OK;
}

static enum status find(struct pvio *p)
{
	p->answers[0] = p->call(p->ctx, zeroes(p), 1);
	if (p->answers[0] == NO_HYPERCALL)
		return ERR_NOT_FOUND;
	if (p->answers[0] == NOT_ALLOWED) {
		p->revision = PVIO_T;
		return ERR_DENIED;
	}
	return p->answers[0] ? numbered(p) : tagged(p);
}

enum status pvio_probe(struct pvio *p, enum pvio_revision forced)
{
	enum status s = OK;
	int64_t answer;

	p->revision = forced;
	p->caps = (struct pvio_caps){ .flags = 0 };
	for (unsigned i = 0; i < ARRAY_LEN(p->answers); i++)
		p->answers[i] = 0;
	zeroes(p);
	if (forced == PVIO_NONE)
		s = find(p);
	if (s == OK) {
		answer = pvio_query_capabilities(p);
		if (answer == NO_HYPERCALL)
			s = ERR_NOT_FOUND;
		else if (answer == NOT_ALLOWED || answer == NO_IOMMU)
			s = ERR_DENIED;
		else if (answer)
			s = ERR_UNSUPPORTED;
	}
	return guards_intact(p) ? s : ERR_IO;
}
