/* Fuzzer of the kernel's command line: any text ends in options within their bounds, or in one sentence. */
#include "kernel/cmdline.h"
#include "kernel/glob.h"
#include "kernel/hal.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct options o;
	char line[4096], why[160];
	enum status s;

	if (size >= sizeof(line))
		return 0;
	memcpy(line, data, size);
	line[size] = 0;
	why[0] = 0;
	s = cmdline_parse(line, &o, why, sizeof(why));
	ASSERT(s == OK || (s == ERR_INVALID && why[0] && memchr(why, 0, sizeof(why))));
	if (s == OK) {
		ASSERT(memchr(o.tests, 0, sizeof(o.tests)) && memchr(o.skip, 0, sizeof(o.skip)));
		(void)glob_list_match(o.tests, "vtd.ss.leaf.write_needs_w");
	}
	return 0;
}
