/* What Xen says of itself (Xen public/version.h, features.h). */
#include "tests/xen/guest.h"
#include <string.h>

static bool printable(const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!p[i])
			return true;
		if ((p[i] < 0x20 && p[i] != '\n') || p[i] > 0x7e)
			return false;
	}
	return false;
}

static bool contains(const char *text, const char *word)
{
	for (; *text; text++)
		if (!strncmp(text, word, strlen(word)))
			return true;
	return false;
}

TEST(version_texts,
     .id = "xen.version.texts",
     .given = "extra version and capabilities, in a page that is filled with 0xa5",
     .expects = "text that ends within its room, and nothing behind that room",
     .needs = NEED_XEN)
{
	static const struct { uint32_t op, bytes; const char *what; } texts[] = {
		{ XENVER_EXTRAVERSION, XENVER_EXTRAVERSION_BYTES, "the extra version" },
		{ XENVER_CAPABILITIES, XENVER_CAPABILITIES_BYTES, "the capabilities" },
		{ XENVER_COMPILE_INFO, XENVER_COMPILE_INFO_BYTES, "the compiler" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
		struct page *p = page_filled(t, 0xa5);
		bool beyond = false;

		expect_xen_good(t, texts[i].what, xen_op(XEN_VERSION, texts[i].op, p->p));
		expect_true(t, printable(p->p, texts[i].bytes), texts[i].what);
		for (uint32_t k = texts[i].bytes; k < PAGE_BYTES; k++)
			beyond |= p->p[k] != 0xa5;
		expect_true(t, !beyond, "bytes behind the room are unchanged");
	}
}

TEST(version_capabilities,
     .id = "xen.version.capabilities",
     .given = "the capabilities",
     .expects = "they name 64-bit hardware guests, which we are",
     .needs = NEED_XEN)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);

	must_xen(t, xen_op(XEN_VERSION, XENVER_CAPABILITIES, p->p), "capabilities");
	p->p[XENVER_CAPABILITIES_BYTES - 1] = 0;
	expect_true(t, contains((const char *)p->p, "hvm-3.0-x86_64"), "hvm-3.0-x86_64 is among them");
}

TEST(version_pagesize,
     .id = "xen.version.pagesize",
     .given = "the page size",
     .expects = "4096",
     .needs = NEED_XEN)
{
	expect_eq(t, "page size", (uint64_t)xen_op(XEN_VERSION, XENVER_PAGESIZE, NULL), PAGE_BYTES);
}

TEST(version_unknown,
     .id = "xen.version.unknown",
     .given = "sub-operations that xen_version does not have",
     .expects = "-ENOSYS",
     .needs = NEED_XEN)
{
	static const uint32_t ops[] = { 100, 1000, 0x7fffffff };

	for (unsigned i = 0; i < ARRAY_LEN(ops); i++)
		(void)expect_xen_error(t, "an unknown sub-operation", xen_op(XEN_VERSION, ops[i], NULL), XEN_ENOSYS);
}

TEST(features,
     .id = "xen.version.features",
     .given = "the first word of features",
     .expects = "frames are translated for us, upcalls come by vector, and dom0 alone is dom0",
     .needs = NEED_XEN)
{
	const struct xen_guest *g = t->bench->machine->xen;
	struct xen_features f = { 0, 0 };

	must_xen(t, xen_op(XEN_VERSION, XENVER_FEATURES, &f), "get_features");
	expect_eq(t, "the index", f.index, 0);
	expect_true(t, f.words & XENFEAT_AUTO_TRANSLATED, "XENFEAT_auto_translated_physmap");
	expect_true(t, f.words & XENFEAT_CALLBACK_VECTOR, "XENFEAT_hvm_callback_vector");
	expect_eq(t, "XENFEAT_dom0", !!(f.words & XENFEAT_DOM0), g->role == XEN_DOM0);
}

TEST(features_beyond,
     .id = "xen.version.features_beyond",
     .given = "words of features that do not exist",
     .expects = "-EINVAL, or a word without features",
     .needs = NEED_XEN)
{
	static const uint32_t indexes[] = { 1, 2, 1000, UINT32_MAX };

	for (unsigned i = 0; i < ARRAY_LEN(indexes); i++) {
		struct xen_features f = { indexes[i], 0 };
		int64_t r = xen_op(XEN_VERSION, XENVER_FEATURES, &f);

		expect_true(t, r == -XEN_EINVAL || (r == 0 && f.words == 0), "-EINVAL, or no features");
	}
}

TEST(handle,
     .id = "xen.version.handle",
     .given = "the guest's handle, asked for twice",
     .expects = "the same 16 bytes",
     .needs = NEED_XEN)
{
	uint8_t a[16], b[16];

	memset(a, 0x5a, sizeof(a));
	memset(b, 0xa5, sizeof(b));
	must_xen(t, xen_op(XEN_VERSION, XENVER_GUEST_HANDLE, a), "the handle");
	must_xen(t, xen_op(XEN_VERSION, XENVER_GUEST_HANDLE, b), "the handle");
	expect_true(t, !memcmp(a, b, sizeof(a)), "both are the same");
}
