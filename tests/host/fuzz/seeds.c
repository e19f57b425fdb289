/*
 * seeds DIR: writes the tables that the fuzzers of this folder start from, DIR/<fuzzer>/<name>. DIR/<fuzzer> exists.
 */
#include <stdio.h>

#include "tests/acpi/craft.h"

static int save(struct craft *c, const char *dir, const char *name)
{
	char path[4096];
	FILE *out;

	craft_seal(c);
	snprintf(path, sizeof path, "%s/%s", dir, name);
	out = fopen(path, "wb");
	if (!out || fwrite(c->bytes, 1, c->n, out) != c->n || fclose(out)) {
		fprintf(stderr, "seeds: cannot write %s\n", path);
		return 1;
	}
	return 0;
}

static int dmar_seeds(const char *dir)
{
	const struct craft_scope near = { .type = 1, .start_bus = 1, .path_n = 1, .path = { CRAFT_DEVFN(2, 0) } };
	struct craft_scope far = { .type = 2, .path_n = 3, .path = { CRAFT_DEVFN(28, 4), 0, CRAFT_DEVFN(2, 0) } };
	struct craft c;
	int bad;

	craft_dmar(&c, 0);
	bad = save(&c, dir, "fuzz_dmar/empty");
	craft_drhd(&c, 1, 0, 0xfed90000);
	bad |= save(&c, dir, "fuzz_dmar/one");
	for (uint8_t type = 1; type <= 5; type++) {
		far.type = type;
		craft_scope(&c, &far);
	}
	craft_scope(&c, &near);
	bad |= save(&c, dir, "fuzz_dmar/scopes");
	craft_rmrr(&c, 0, 0x1000, 0x1fff);
	craft_scope(&c, &near);
	craft_ports(&c, DMAR_ATSR, 0, 0);
	craft_scope(&c, &far);
	craft_rhsa(&c, 0xfed90000, 1);
	craft_andd(&c, 1, "\\_SB.PCI0.I2C0");
	craft_ports(&c, DMAR_SATC, 1, 0);
	craft_scope(&c, &near);
	craft_ports(&c, DMAR_SIDP, 0, 0);
	craft_scope(&c, &near);
	craft_structure(&c, 99);
	craft_put(&c, 0, 7);
	return bad | save(&c, dir, "fuzz_dmar/all");
}

static int ivrs_seeds(const char *dir)
{
	struct craft c;
	int bad;

	craft_ivrs(&c, 1);
	bad = save(&c, dir, "fuzz_ivrs/empty");
	craft_ivhd(&c, 0x10, 0, 0xfeb80000);
	craft_entry4(&c, IVHD_RANGE_START, 8, 0);
	craft_entry4(&c, IVHD_RANGE_END, 0xfffe, 0);
	bad |= save(&c, dir, "fuzz_ivrs/one");
	craft_ivhd(&c, 0x11, 0, 0xfeb80000);
	craft_entry8(&c, IVHD_ALIAS_RANGE_START, 0xff00, 0, CRAFT_ALIAS(0xa5));
	craft_entry4(&c, IVHD_RANGE_END, 0xffff, 0);
	craft_entry8(&c, IVHD_SPECIAL, 0, 0xd7, CRAFT_SPECIAL(33, 0xa0, 1));
	craft_entry8(&c, IVHD_EXT_SELECT, 0x300, 1, 0x80000000);
	craft_ivmd(&c, IVMD_RANGE, 0x58, 0x60);
	bad |= save(&c, dir, "fuzz_ivrs/two");
	craft_ivhd(&c, 0x40, 0, 0xfeb80000);
	craft_entry4(&c, IVHD_DEV_ALL, 0, 0);
	craft_hid(&c, 0xa5, "AMDI0020", UID_STRING, "\\_SB.FUR0");
	return bad | save(&c, dir, "fuzz_ivrs/all");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: seeds DIR\n");
		return 2;
	}
	return dmar_seeds(argv[1]) | ivrs_seeds(argv[1]);
}
