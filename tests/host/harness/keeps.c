/*
 * A machine of real hardware on which firmware keeps memory for devices (RMRR): those are left alone, and their unit is
 * not turned upside down. The machine is a model's with another DMAR, and says that it is no emulator.
 */
#include "tests/harness/internal.h"
#include "tests/host/hal_hosted.h"
#include "tests/host/tap.h"
#include "tests/model_machine.h"

#define ARENA_BASE  UINT64_C(0x100000)
#define ARENA_BYTES UINT64_C(0x8000000)
#define RMRR_BASE   UINT64_C(0x40000000) /* no RAM of the arena */
#define TABLE_MAX   1024u
#define DMAR_HEADER_BYTES 48u

static struct machine_ops other;
static const struct machine_ops *plain;
static uint8_t table[TABLE_MAX];
static size_t table_n;

/* An engine for every device of the model, which does nothing but be there. */
static enum status probe(struct pci_dev *d, struct engine *e)
{
	if (d->vendor != 0x5043)
		return ERR_NOT_FOUND;
	e->caps = (struct engine_caps){ .flags = DMA_CAN_WRITE | DMA_DIRECT, .granule_bytes = 1, .align_bytes = 1,
					.max_bytes = 1 };
	return OK;
}

static bool alive(struct engine *e)
{
	(void)e;
	return true;
}

static void quiesce(struct engine *e)
{
	(void)e;
}

static const struct engine_ops still_ops = { .name = "still", .probe = probe, .alive = alive, .quiesce = quiesce };

ENGINE(still_ops, 1);

TEST(programs_the_unit, .id = "host.programs_the_unit", .given = "", .expects = "", .needs = NEED_VTD | NEED_ENGINE_WRITE)
{
	(void)t;
}

static const void *acpi_table(struct machine *m, const char sig[4], size_t *bytes)
{
	if (memcmp(sig, "DMAR", 4))
		return plain->acpi_table(m, sig, bytes);
	*bytes = table_n;
	return table;
}

static void put(uint64_t v, unsigned n)
{
	for (; n; n--, v /= 256)
		table[table_n++] = (uint8_t)v;
}

/* An RMRR of one page for the function at the end of a path of n pairs. */
static void rmrr(uint64_t base, const uint8_t *path, unsigned n)
{
	put(1, 2);
	put(24 + 6 + 2 * n, 2);
	put(0, 4);
	put(base, 8);
	put(base + PAGE_BYTES - 1, 8);
	put(1, 1);
	put(6 + 2 * n, 1);
	put(0, 4);
	for (unsigned i = 0; i < 2 * n; i++)
		put(path[i], 1);
}

static void seal(void)
{
	uint8_t sum = 0;

	table[4] = (uint8_t)table_n;
	table[5] = (uint8_t)(table_n / 256);
	table[9] = 0;
	for (size_t i = 0; i < table_n; i++)
		sum = (uint8_t)(sum + table[i]);
	table[9] = (uint8_t)-sum;
}

/* The machine's table less the RMRRs that it has. */
static void copy_without_rmrrs(const uint8_t *from, size_t bytes)
{
	size_t len;

	memcpy(table, from, DMAR_HEADER_BYTES);
	table_n = DMAR_HEADER_BYTES;
	for (size_t at = DMAR_HEADER_BYTES; at + 4 <= bytes; at += len) {
		len = from[at + 2] + 256u * from[at + 3];
		if (len < 4 || len > bytes - at)
			return;
		if (from[at] == 1 && !from[at + 1])
			continue;
		memcpy(table + table_n, from + at, len);
		table_n += len;
	}
}

static struct machine *machine_with(unsigned rmrrs)
{
	/* On the root bus, behind the unit for all the rest; behind a port, behind the other unit. */
	static const uint8_t root[] = { 1, 0 }, behind[] = { 3, 0, 0, 0 };
	struct machine *m = NULL;
	const uint8_t *found;
	size_t found_n;
	unsigned n = 0;

	if (model_machines_create("scalable", &m, 1, &n) != OK)
		return NULL;
	plain = m->ops;
	found = plain->acpi_table(m, "DMAR", &found_n);
	if (!found || found_n > TABLE_MAX / 2)
		return NULL;
	copy_without_rmrrs(found, found_n);
	if (rmrrs > 0)
		rmrr(RMRR_BASE, root, 1);
	if (rmrrs > 1)
		rmrr(RMRR_BASE + PAGE_BYTES, behind, 2);
	seal();
	other = *plain;
	other.acpi_table = acpi_table;
	m->ops = &other;
	m->emulated = false;
	return m;
}

static const struct pci_dev *denied(const struct bench *b, unsigned nth)
{
	for (unsigned i = 0; i < b->bus.devs_n; i++)
		if (b->bus.devs[i].denied && !nth--)
			return &b->bus.devs[i];
	return NULL;
}

static bool is_engine(const struct bench *b, const struct pci_dev *d)
{
	for (unsigned i = 0; i < b->engines_n; i++)
		if (b->engines[i].dev == d)
			return true;
	return false;
}

/* What a test that programs the unit lacks on this bench, NULL: nothing. */
static const char *lack(struct bench *b, bool *unreached)
{
	static struct options o;
	struct test t = { .desc = &desc_programs_the_unit, .options = &o, .bench = b };

	return bench_provide(b, &t, NULL, unreached);
}

static void one(unsigned rmrrs)
{
	static const struct options o = { .seed = 1, .resume = 1 };
	struct machine *m = machine_with(rmrrs);
	static struct bench b;
	char why[TEXT_MAX] = "";
	const struct pci_dev *d;
	bool unreached = false;
	int port;

	ok(m && bench_open(&b, m, &o, why) == OK, "%u RMRRs: the bench opens %s", rmrrs, why);
	d = denied(&b, 0);
	is_u64(d != NULL, rmrrs > 0, "%u RMRRs: a function with one is left alone", rmrrs);
	is_u64(denied(&b, 1) != NULL, rmrrs > 1, "%u RMRRs: so is the second", rmrrs);
	ok(!d || !is_engine(&b, d), "%u RMRRs: it is no engine", rmrrs);
	ok(b.engines_n, "%u RMRRs: others are", rmrrs);
	/* Engines are those of the unit under test: that for all the rest has the first ones, the other those of a port. */
	port = b.engines_n ? b.engines[0].dev->parent : -1;
	is_u64(port >= 0 && b.bus.devs[port].addr.sid == SID(0, 3, 0), rmrrs == 1,
	       "%u RMRRs: the unit under test is one that keeps nothing, if there is one", rmrrs);
	is_u64(lack(&b, &unreached) != NULL, rmrrs > 1, "%u RMRRs: tests that program it run", rmrrs);
	is_u64(unreached || rmrrs < 2, true, "%u RMRRs: else they are unreached", rmrrs);
	bench_close(&b);
	model_machine_destroy(m);
}

int main(void)
{
	hosted_init(ARENA_BASE, ARENA_BYTES);
	hosted_capture(true);
	one(0);
	one(1);
	one(2);
	hosted_capture(false);
	return done();
}
