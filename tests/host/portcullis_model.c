/*
 * The suite on a desk: every test on a model machine of every configuration, in an ordinary process.
 *
 * Takes the words of the kernel's command line (kernel/cmdline.h) as arguments and prints what the kernel prints.
 * model=NAME,.. picks configurations. Exit status: 0 nothing unexpected, 1 a test failed, 2 set-up, 4 nothing to test.
 */
#include <stdio.h>
#include <string.h>
#include "gen/version.h"
#include "kernel/cmdline.h"
#include "tests/harness/harness.h"
#include "tests/host/hal_hosted.h"
#include "tests/model_machine.h"

#define ARENA_BASE   UINT64_C(0x1000000)
#define ARENA_BYTES  UINT64_C(0x20000000)
#define MACHINES_MAX 32

/* The arguments as one line. False: too long. */
static bool join(int argc, char **argv, char *line, size_t size)
{
	size_t n = 0;

	line[0] = 0;
	for (int i = 1; i < argc; i++) {
		int wanted = snprintf(line + n, size - n, "%s%s", i > 1 ? " " : "", argv[i]);

		if (wanted < 0 || (size_t)wanted >= size - n)
			return false;
		n += (size_t)wanted;
	}
	return true;
}

int main(int argc, char **argv)
{
	static struct options options;
	static struct run_facts facts = { .version = PORTCULLIS_VERSION, .loader = "process", .cpu = "host",
					  .memory_mib = ARENA_BYTES / 1048576 };
	struct machine *machines[MACHINES_MAX];
	unsigned n = 0;
	char line[4096], why[200];
	int code;

	if (!join(argc, argv, line, sizeof(line)) || cmdline_parse(line, &options, why, sizeof(why)) != OK) {
		harness_bail_out(2, "%s", why);
		return 2;
	}
	if (!options.platform[0])
		strcpy(options.platform, "model");
	hosted_init(ARENA_BASE, ARENA_BYTES);
	if (model_machines_create(options.model[0] ? options.model : "on", machines, MACHINES_MAX, &n) != OK) {
		harness_bail_out(2, "model= names no configuration, or there is too little memory for it");
		return 2;
	}
	code = harness_run(machines, n, &options, &facts);
	for (unsigned i = 0; i < n; i++)
		model_machine_destroy(machines[i]);
	return code;
}
